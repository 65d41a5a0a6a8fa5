//! What the supervisor sends.

use super::super::keymap::KeyAction;
use super::super::model::{Asked, Explanation, Model, Overlay, Page, Tail};
use super::super::msg::Action;
use super::super::tail::styled;
use super::{clamp_scroll, say, toast};
use tmuxagent_ipc::wire::{ErrorKind, Reply, ServerFrame};
use tmuxagent_model::{Doubt, Severity, Snapshot};
use tmuxagent_text::{Lang, Text, answer_beside_countdown, clean, doubt as doubt_text, message, reload_text};

pub(super) fn receive(model: &mut Model, frame: ServerFrame) -> Vec<Action> {
    match frame {
        ServerFrame::Snapshot { snapshot } => take_snapshot(model, snapshot),
        ServerFrame::Screen { pane, rows } => {
            let theme = model.theme();
            let old = model.tail.as_ref().filter(|tail| tail.pane == pane).map_or(0, |tail| tail.text.lines.len());
            let text = styled(&rows, theme.colours);
            if text.lines.len() != old {
                model.tail_scroll = 0;
            }
            // A late screen of a pane that the cursor has left is of no use.
            if model.pane.as_ref() == Some(&pane) {
                model.tail = Some(Tail { pane, text });
            }
        }
        ServerFrame::Events { events } => {
            if let Some(Overlay::Page { page: Page::Events { history }, .. }) = model.overlays.last_mut() {
                history.extend(events);
            }
        }
        ServerFrame::Bye { reason } => {
            let reason = clean(&message(model.lang(), &reason));
            let text = match model.lang() {
                Lang::En => format!("the supervisor took leave: {reason}"),
                Lang::Zh => format!("监督进程断开了连接：{reason}"),
            };
            toast(model, Severity::Warning, text);
        }
        ServerFrame::Reply { id, reply } => {
            let about = model.asked.remove(&id);
            answered(model, about, *reply);
        }
    }
    clamp_scroll(model);
    Vec::new()
}

fn answered(model: &mut Model, about: Option<Asked>, reply: Reply) {
    match (reply, about) {
        (Reply::Snapshot { snapshot }, _) => take_snapshot(model, snapshot),
        (Reply::Events { events }, _) => {
            for overlay in &mut model.overlays {
                if let Overlay::Page { page: Page::Events { history }, .. } = overlay {
                    history.clone_from(&events);
                }
            }
        }
        (Reply::Explanation { runs }, _) => explain(model, Explanation::Runs(runs)),
        (Reply::Error { text, .. }, Some(Asked::Explain)) => {
            explain(model, Explanation::Failed(clean(&message(model.lang(), &text))))
        }
        (Reply::Error { kind, text }, _) => {
            let severity = match kind {
                ErrorKind::AlreadyDecided | ErrorKind::Stale => Severity::Warning,
                ErrorKind::NotFound
                | ErrorKind::Ambiguous
                | ErrorKind::Refused
                | ErrorKind::Ending
                | ErrorKind::BadRequest
                | ErrorKind::UnknownRequest
                | ErrorKind::Internal => Severity::Error,
            };
            let text = clean(&message(model.lang(), &text));
            toast(model, severity, text);
        }
        (Reply::Uncertain { doubt }, _) => doubted(model, doubt),
        (Reply::Committed { text, .. }, _) => {
            let how = undo_key(model);
            let text = clean(&answer_beside_countdown(model.lang(), &text, &how));
            if text.is_empty() {
                say(model, Severity::Success, Text::Sent);
            } else {
                toast(model, Severity::Success, text);
            }
        }
        (Reply::Reloaded { pipelines, changes }, _) => {
            let text = reload_text(model.lang(), pipelines, &changes);
            toast(model, Severity::Success, text);
        }
        (Reply::Done, Some(Asked::Command)) => say(model, Severity::Success, Text::Sent),
        (Reply::Hello { version, .. }, _) if version != model.setup.version => {
            let (theirs, ours) = (clean(&version), &model.setup.version);
            let text = match model.lang() {
                Lang::En => format!("the supervisor is version {theirs}, this view {ours}; restart it to have one"),
                Lang::Zh => format!("监督进程版本 {theirs}，本视图版本 {ours}；重启监督进程即可一致"),
            };
            toast(model, Severity::Warning, text);
        }
        (Reply::Done | Reply::Given { .. } | Reply::Hello { .. } | Reply::Approval { .. }, _) => {}
    }
}

/// How a yes is taken back here.
fn undo_key(model: &Model) -> String {
    let key = model.setup.keymap.label(KeyAction::Reject, model.theme().glyphs).unwrap_or_default();
    match model.lang() {
        Lang::En => format!("{key} on its row"),
        Lang::Zh => format!("在它那一行按 {key}"),
    }
}

/// Of what was asked nobody can say whether it is done: neither a success nor a failure. The panels show what it becomes.
pub(super) fn doubted(model: &mut Model, doubt: Doubt) {
    let text = doubt_text(model.lang(), &doubt);
    toast(model, Severity::Error, text);
    model.doubt = Some(doubt);
}

fn explain(model: &mut Model, answer: Explanation) {
    for overlay in &mut model.overlays {
        if let Overlay::Page { page: Page::Explain { explanation, .. }, .. } = overlay {
            explanation.clone_from(&answer);
        }
    }
}

/// The newest picture wins. It closes nothing that is open over the panels (see `Model::is_void`).
fn take_snapshot(model: &mut Model, snapshot: Box<Snapshot>) {
    if model.snapshot.as_ref().is_some_and(|old| old.generation > snapshot.generation) {
        return;
    }
    let skew = snapshot.at.0.saturating_sub(model.now.0);
    model.skew = if skew.abs() > 2_000 { skew } else { 0 };
    let before = model.positions();
    model.snapshot = Some(snapshot);
    model.settle(before);
    if model.tail.as_ref().is_some_and(|tail| Some(&tail.pane) != model.pane.as_ref()) {
        model.tail = None;
    }
}
