//! The last row: the keys that matter now, from the effective keymap.

use super::text::{Row, cells};
use crate::keymap::{Context, KeyAction};
use crate::model::{InputKind, Model, Overlay, Page, Panel, StageRef};
use crate::update::lease;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use tmuxagent_model::{ApprovalKind, ApprovalState, RunControl, StageState};

pub fn render(model: &Model, area: Rect, buffer: &mut Buffer) {
    let theme = model.theme();
    let wanted = wanted(model);
    // The last ones always fit: how to get help, how to get out.
    let always = usize::from(!matches!(model.context(), Context::Input)) + 1;
    let (optional, fixed) = wanted.split_at(wanted.len().saturating_sub(always));
    let width = |action: &KeyAction| label(model, *action).map_or(0, |(key, word)| cells(&key) + cells(word) + 3);
    let mut room = usize::from(area.width).saturating_sub(fixed.iter().map(width).sum());
    let mut row = Row::default();
    for action in optional.iter().filter(|action| {
        let needed = width(action);
        let fits = needed <= room;
        room = if fits { room - needed } else { 0 };
        fits
    }) {
        row = put(model, row, *action);
    }
    for action in fixed {
        row = put(model, row, *action);
    }
    super::text::put_lines([row.line(area.width, theme)], area, buffer);
}

fn label(model: &Model, action: KeyAction) -> Option<(String, &'static str)> {
    let key = match action {
        KeyAction::Choose => "1-9".to_owned(),
        _ => model.setup.keymap.label(action, model.theme().glyphs)?,
    };
    let word = match action {
        KeyAction::Freeze if model.snapshot.as_ref().is_some_and(|snapshot| snapshot.frozen.is_some()) => {
            model.lang().pick("unfreeze", "解冻")
        }
        KeyAction::Reject if model.undoable().is_some() => model.lang().pick("take back", "撤回"),
        _ => match model.overlays.last() {
            Some(Overlay::Confirm(confirm)) => super::confirm::key_word(model.lang(), confirm, action),
            _ => action.short(model.lang()),
        },
    };
    Some((key, word))
}

fn put(model: &Model, row: Row, action: KeyAction) -> Row {
    let theme = model.theme();
    match label(model, action) {
        Some((key, word)) => row.left(key, theme.busy().patch(theme.strong())).left(format!(" {word}  "), Style::new()),
        None => row,
    }
}

/// Whether the stage that the keys act on has failed.
fn failed_here(model: &Model) -> bool {
    let of_pane = |stage: &&StageRef| model.panel == Panel::Runs || Some(&stage.pane) == model.pane.as_ref();
    let stage = model.stage.as_ref().filter(of_pane).filter(|_| matches!(model.panel, Panel::Panes | Panel::Runs));
    let Some((stage, run)) = stage.and_then(|stage| Some((stage, model.run_of(stage)?))) else { return false };
    // Of a run as a whole the keys mean its live or last stage.
    let meant = |name: &str| stage.stage.as_ref().is_none_or(|wanted| wanted == name);
    run.stages.iter().filter(|stage| meant(&stage.name)).any(|stage| {
        matches!(stage.state, StageState::Failed | StageState::Escalated | StageState::Asking | StageState::Retrying)
    })
}

/// Whether a key that acts on a run has one under the cursor with which that can be done.
fn can_do(model: &Model, action: KeyAction) -> bool {
    let again = model.panel == Panel::Runs && action == KeyAction::Retry;
    if again && model.stage.as_ref().is_some_and(|stage| model.not_to_be_retried(stage).is_some()) {
        return false;
    }
    let may = |control| model.stage.as_ref().is_some_and(|stage| model.may_control(stage, control));
    let pane = || model.pane.as_ref().and_then(|pane| model.pane_view(pane));
    match (model.panel, action) {
        (Panel::Runs, KeyAction::Cancel) => may(RunControl::Cancel),
        (Panel::Runs, KeyAction::Skip) => may(RunControl::Skip),
        (Panel::Runs, KeyAction::Retry) => may(RunControl::Retry),
        (Panel::Runs, KeyAction::Explain) => model.stage.as_ref().is_some_and(|stage| model.run_of(stage).is_some()),
        (Panel::Panes, KeyAction::Explain) => {
            let of_pane = |pane| model.stage_of_interest(pane).is_some();
            model.target().is_some() || model.pane.as_ref().is_some_and(of_pane)
        }
        (_, KeyAction::Start) => pane().is_some_and(|pane| !pane.pipelines.is_empty()),
        (Panel::Approvals, KeyAction::Open) => model.approval.is_some(),
        (_, KeyAction::Open | KeyAction::Jump | KeyAction::Send | KeyAction::Details) => pane().is_some(),
        _ => true,
    }
}

/// What matters, most first; the last two are help and the way out.
fn wanted(model: &Model) -> Vec<KeyAction> {
    use KeyAction as A;
    let deciding = || {
        if model.undoable().is_some_and(|approval| model.may_decide(approval)) {
            return vec![A::Reject];
        }
        model.target().filter(|approval| model.may_decide(approval)).map_or_else(Vec::new, |approval| {
            let mut keys = vec![if approval.takes_text() { A::Answer } else { A::Approve }];
            if approval.takes_plain_no() {
                keys.push(A::Reject);
            }
            if !approval.options.is_empty() {
                keys.push(A::Choose);
            }
            if matches!(approval.kind, ApprovalKind::Agent | ApprovalKind::Asks) && !approval.takes_text() {
                keys.push(A::Answer);
            }
            if lease::offer(approval).is_some() {
                keys.push(A::Lease);
            }
            keys
        })
    };
    match model.overlays.last() {
        // What is open says itself which key it takes.
        Some(_) if model.is_void() => Vec::new(),
        None => {
            let mut keys = deciding();
            let elsewhere = || model.approvals().iter().any(|approval| approval.state == ApprovalState::Pending);
            if keys.is_empty() && elsewhere() {
                keys.push(A::NextWaiting);
            }
            // What can be done about a failure stands where there is little room, too.
            if failed_here(model) {
                keys.push(A::Retry);
            }
            keys.extend(match model.panel {
                Panel::Panes => {
                    [A::Open, A::Send, A::Start, A::Freeze, A::Filter, A::NextPanel, A::Details, A::Explain]
                }
                Panel::Runs => [A::Explain, A::Retry, A::Cancel, A::Start, A::Skip, A::NextPanel, A::Open, A::Freeze],
                Panel::Approvals => {
                    [A::Open, A::Jump, A::Explain, A::NextPanel, A::Freeze, A::Filter, A::Send, A::Events]
                }
                Panel::Tail => [A::Open, A::Send, A::Zoom, A::NextPanel, A::Up, A::Down, A::Freeze, A::Filter],
            });
            keys.retain(|key| can_do(model, *key));
            let mut seen = std::collections::BTreeSet::new();
            keys.retain(|key| seen.insert(*key));
            keys.extend([A::Help, A::Quit]);
            keys
        }
        Some(Overlay::Page { page: Page::Approval(_), .. }) => {
            let mut keys = deciding();
            keys.extend([A::Jump, A::Explain, A::Up, A::Down, A::Help, A::Close]);
            keys
        }
        Some(Overlay::Page { page: Page::Stage(_) | Page::Explain { .. } | Page::Pane(_), .. }) => {
            let mut keys = deciding();
            keys.extend([A::Explain, A::Jump, A::Up, A::Down, A::Help, A::Close]);
            keys
        }
        Some(Overlay::Page { .. }) => vec![A::Up, A::Down, A::PageDown, A::Language, A::Help, A::Close],
        Some(Overlay::Held { .. }) => vec![A::Drop, A::Up, A::Down, A::Help, A::Close],
        Some(Overlay::Pick(_)) => vec![A::Open, A::Up, A::Down, A::Help, A::Close],
        Some(Overlay::Confirm(_)) if crate::view::max_scroll(model) > 0 => vec![A::Yes, A::Down, A::PageDown, A::No],
        Some(Overlay::Confirm(_)) => vec![A::Yes, A::No],
        Some(Overlay::Notice(_)) => vec![A::Close],
        Some(Overlay::Input(input)) => match input.kind {
            InputKind::Send { .. } => vec![A::Submit, A::WithEnter, A::AsKeys, A::Close],
            InputKind::Filter { .. }
            | InputKind::Answer { .. }
            | InputKind::Word { .. }
            | InputKind::Lease { .. }
            | InputKind::Given(_) => vec![A::Submit, A::Close],
        },
    }
}
