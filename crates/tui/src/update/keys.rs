//! Keys on the panels and on what is open over them.

use super::super::keymap::{Context, Key, KeyAction};
use super::super::model::{
    Confirm, Direction, EnterAfter, Explanation, Input, InputKind, LinkState, Model, Overlay, Page, Panel, Role,
    SendMode, StageRef,
};
use super::super::msg::{Action, Mouse};
use super::super::view;
use super::{Asked, clamp_scroll, command, decide, input, is_typing, lease, request, say, start, toast};
use tmuxagent_ipc::wire::Request;
use tmuxagent_model::{Command, HeldSend, PaneKey, RunControl, Severity, StageState, StageView};
use tmuxagent_text::{Text, clean, message, reveal, stage_doing};

pub(super) fn press(model: &mut Model, key: Key) -> Vec<Action> {
    // The question of the dialog was decided elsewhere, perhaps in the middle of a word: the rest of the word decides,
    // types and closes nothing.
    if model.is_void() {
        while key == Key::ESC && model.is_void() {
            model.overlays.pop();
        }
        return Vec::new();
    }
    let context = model.context();
    // What can be typed is text first; the bindings of an input line are keys that type nothing.
    if context == Context::Input && key.plain_char().is_some() {
        input::type_key(model, key);
        return Vec::new();
    }
    // Who presses the keys of the end twice means it.
    if let Some(Overlay::Confirm(confirm)) = model.overlays.last()
        && matches!(**confirm, Confirm::Quit)
        && model.setup.keymap.action(Context::Screen, key) == Some(KeyAction::Quit)
    {
        return vec![Action::Quit];
    }
    match model.setup.keymap.action(context, key) {
        Some(action) => act(model, context, action, key),
        None if is_typing(model) => {
            input::type_key(model, key);
            Vec::new()
        }
        // Elsewhere the key opens a line, and whoever pressed it goes on to type.
        None if model.setup.keymap.action(Context::Screen, key).is_some_and(KeyAction::opens_line) => {
            notice_of(model, Text::NoLineHere)
        }
        // Escape and the next key within tmux's `escape-time` arrive as one key with Alt.
        None => match key.without_alt() {
            Some(plain) => {
                let mut actions = press(model, Key::ESC);
                actions.extend(press(model, plain));
                actions
            }
            None => Vec::new(),
        },
    }
}

fn act(model: &mut Model, context: Context, action: KeyAction, key: Key) -> Vec<Action> {
    match action {
        KeyAction::Approve => decide::ask(model, decide::Answer::Approve),
        KeyAction::Reject => decide::ask(model, decide::Answer::Reject),
        KeyAction::Choose => decide::choose(model, key),
        KeyAction::Answer => decide::write_answer(model),
        KeyAction::Lease => lease::ask(model),
        KeyAction::Yes => decide::yes(model),
        KeyAction::No => close(model),
        KeyAction::Submit => input::submit(model),
        KeyAction::WithEnter => input::toggle_enter(model),
        KeyAction::AsKeys => input::toggle_mode(model),
        KeyAction::Retry => control(model, RunControl::Retry, Text::RetryQ),
        KeyAction::Cancel => control(model, RunControl::Cancel, Text::CancelQ),
        KeyAction::Skip => control(model, RunControl::Skip, Text::SkipQ),
        KeyAction::Start => start::start(model),
        KeyAction::Send => send(model),
        KeyAction::Freeze => freeze(model),
        KeyAction::Drop => drop_held(model),
        // Under a page that is about none, some pane or other is selected.
        KeyAction::Jump | KeyAction::Open if is_about_no_pane(model) => Vec::new(),
        KeyAction::Jump => jump(model),
        KeyAction::Open => open(model),
        KeyAction::Details => details(model),
        KeyAction::Explain => explain(model),
        KeyAction::Events => events(model),
        KeyAction::Held => show(model, Overlay::Held { selected: None }),
        KeyAction::Principles => show_page(model, Page::Principles),
        KeyAction::Problems => show_page(model, Page::Problems),
        KeyAction::About => show_page(model, Page::About),
        KeyAction::Help => show_page(model, Page::Help),
        KeyAction::Filter => {
            let before = model.filter.clone();
            let editor = super::super::editor::Editor::with(&before);
            show(model, Overlay::Input(Input { kind: InputKind::Filter { before }, editor }))
        }
        KeyAction::NextWaiting => next_waiting(model),
        KeyAction::Up => step(model, Move::By(-1)),
        KeyAction::Down => step(model, Move::By(1)),
        KeyAction::PageUp => step(model, Move::By(-page(model))),
        KeyAction::PageDown => step(model, Move::By(page(model))),
        KeyAction::First => step(model, Move::First),
        KeyAction::Last => step(model, Move::Last),
        KeyAction::NextPanel => focus(model, Direction::Forward),
        KeyAction::PreviousPanel => focus(model, Direction::Back),
        KeyAction::Zoom => {
            model.zoomed = !model.zoomed;
            Vec::new()
        }
        KeyAction::Language => {
            model.setup.lang = model.setup.lang.next();
            clamp_scroll(model);
            Vec::new()
        }
        KeyAction::Mouse => switch_mouse(model),
        KeyAction::Redraw => vec![Action::Redraw],
        KeyAction::Suspend => suspend(model),
        KeyAction::Close => escape(model),
        KeyAction::Quit if context == Context::Screen => quit(model),
        KeyAction::Quit => close(model),
    }
}

pub(super) fn show(model: &mut Model, overlay: Overlay) -> Vec<Action> {
    model.overlays.push(overlay);
    Vec::new()
}

fn show_page(model: &mut Model, page: Page) -> Vec<Action> {
    // A second press of the same key closes the page.
    if let Some(Overlay::Page { page: open, .. }) = model.overlays.last()
        && std::mem::discriminant(open) == std::mem::discriminant(&page)
    {
        return close(model);
    }
    show(model, Overlay::Page { page, scroll: 0 })
}

fn close(model: &mut Model) -> Vec<Action> {
    if let Some(Overlay::Input(Input { kind: InputKind::Filter { before }, .. })) = model.overlays.pop() {
        input::set_filter(model, before);
    }
    Vec::new()
}

fn escape(model: &mut Model) -> Vec<Action> {
    if !model.overlays.is_empty() {
        return close(model);
    }
    if !model.filter.is_empty() {
        input::set_filter(model, String::new());
    } else if model.zoomed {
        model.zoomed = false;
    } else {
        model.toasts.clear();
    }
    Vec::new()
}

/// How a cursor moves.
#[derive(Debug, Clone, Copy)]
pub(super) enum Move {
    By(isize),
    First,
    Last,
}

impl Move {
    /// The new position among `n` rows.
    fn to(self, at: Option<usize>, n: usize) -> usize {
        let last = n.saturating_sub(1);
        match self {
            Self::First => 0,
            Self::Last => last,
            Self::By(rows) => at.map_or(0, |at| at.saturating_add_signed(rows).min(last)),
        }
    }
}

/// A page of the panel or overlay that has the keys, in rows.
fn page(model: &Model) -> isize {
    isize::try_from(view::page_rows(model).saturating_sub(1).max(1)).unwrap_or(1)
}

pub(super) fn step(model: &mut Model, by: Move) -> Vec<Action> {
    let limit = usize::from(view::max_scroll(model));
    let held = model.snapshot.as_ref().map_or(&[][..], |snapshot| &snapshot.held);
    match model.overlays.last_mut() {
        Some(Overlay::Page { scroll, .. }) => {
            *scroll = u16::try_from(by.to(Some(usize::from(*scroll)), limit + 1)).unwrap_or(u16::MAX);
        }
        Some(Overlay::Pick(pick)) => pick.cursor = by.to(Some(pick.cursor), pick.items.len()),
        Some(Overlay::Held { selected }) => {
            let at = held.iter().position(|send| Some(&send.intent) == selected.as_ref()).unwrap_or(0);
            *selected = held.get(by.to(Some(at), held.len())).map(|send| send.intent.clone());
        }
        Some(Overlay::Confirm(_) | Overlay::Input(_)) => {
            let row = by.to(Some(usize::from(model.reading.scroll)), limit + 1);
            model.reading.scroll = u16::try_from(row).unwrap_or(u16::MAX);
        }
        Some(Overlay::Notice(_)) => {}
        None if model.panel == Panel::Tail => scroll_tail(model, by),
        None => {
            let panel = model.panel;
            let row = by.to(model.position(panel), model.n_rows(panel));
            model.select_row(panel, row);
        }
    }
    Vec::new()
}

/// The live screen scrolls up from its end.
fn scroll_tail(model: &mut Model, by: Move) {
    let hidden = model.n_rows(Panel::Tail).saturating_sub(view::page_rows(model));
    let at = hidden.saturating_sub(usize::from(model.tail_scroll));
    let row = by.to(Some(at), hidden + 1);
    model.tail_scroll = u16::try_from(hidden - row.min(hidden)).unwrap_or(u16::MAX);
}

fn focus(model: &mut Model, direction: Direction) -> Vec<Action> {
    model.panel = model.panel.beside(direction);
    Vec::new()
}

/// Puts the cursors onto the next open question, round and round.
fn next_waiting(model: &mut Model) -> Vec<Action> {
    let open = model.n_open_shown();
    if open == 0 {
        return nothing(model, Text::NothingToDecide);
    }
    let at = model.position(Panel::Approvals).filter(|at| *at < open);
    model.select_row(Panel::Approvals, at.map_or(0, |at| at + 1) % open);
    Vec::new()
}

/// The pane that keys act on: of the page that is open, else the one under the cursor.
fn acting_pane(model: &Model) -> Option<PaneKey> {
    match model.overlays.last() {
        Some(Overlay::Page { page: Page::Approval(id), .. }) => {
            model.approval_view(id).map(|approval| approval.pane.clone())
        }
        Some(Overlay::Page { page: Page::Pane(pane), .. }) => Some(pane.clone()),
        Some(Overlay::Page { page: Page::Stage(stage) | Page::Explain { stage, .. }, .. }) => Some(stage.pane.clone()),
        _ => model.pane.clone(),
    }
}

fn is_about_no_pane(model: &Model) -> bool {
    matches!(model.overlays.last(), Some(Overlay::Page { page, .. }) if !page.is_about_pane())
}

fn jump(model: &mut Model) -> Vec<Action> {
    match acting_pane(model) {
        Some(pane) => vec![Action::Jump { pane }],
        None => nothing(model, Text::NoPane),
    }
}

/// Says in the status line why the line did not open that a key was to open, and takes what is typed for it.
pub(super) fn notice(model: &mut Model, text: String) -> Vec<Action> {
    show(model, Overlay::Notice(text))
}

/// The same by one of the fixed texts.
pub(super) fn notice_of(model: &mut Model, text: Text) -> Vec<Action> {
    let text = text.of(model.lang()).to_owned();
    notice(model, text)
}

pub(super) fn nothing(model: &mut Model, text: Text) -> Vec<Action> {
    say(model, Severity::Info, text);
    Vec::new()
}

fn open(model: &mut Model) -> Vec<Action> {
    match model.overlays.last() {
        Some(Overlay::Pick(pick)) => {
            let Some(item) = pick.items.get(pick.cursor).cloned() else { return Vec::new() };
            let (pane, place) = (pick.pane.clone(), pick.place.clone());
            model.overlays.pop();
            start::picked(model, pane, place, item)
        }
        Some(Overlay::Held { .. }) => Vec::new(),
        Some(_) => jump(model),
        None if model.panel == Panel::Approvals => details(model),
        None => jump(model),
    }
}

pub(super) fn confirm(model: &mut Model, question: Text, lines: Vec<String>, command: Command) -> Vec<Action> {
    show(model, Overlay::Confirm(Box::new(Confirm::Command { question, lines, command })))
}

fn details(model: &mut Model) -> Vec<Action> {
    let page = match model.panel {
        Panel::Approvals => model.approval.clone().map(Page::Approval),
        Panel::Runs => model.stage.clone().map(Page::Stage),
        Panel::Panes | Panel::Tail => model.pane.clone().map(Page::Pane),
    };
    match page {
        Some(page) => show(model, Overlay::Page { page, scroll: 0 }),
        None => nothing(model, Text::NoPane),
    }
}

/// The stage that keys act on: of the approval when that is what is looked at, else the one under the cursor.
fn acting_stage(model: &Model) -> Option<StageRef> {
    let of_approval = |id| model.stage_asked_about(model.approval_view(id)?);
    match model.overlays.last() {
        Some(Overlay::Page { page: Page::Approval(id), .. }) => return of_approval(id),
        Some(Overlay::Page { page: Page::Stage(stage) | Page::Explain { stage, .. }, .. }) => {
            return Some(stage.clone());
        }
        _ => {}
    }
    if model.panel == Panel::Approvals
        && let Some(stage) = model.approval.as_ref().and_then(of_approval)
    {
        return Some(stage);
    }
    model.stage.clone().filter(|stage| model.panel == Panel::Runs || Some(&stage.pane) == model.pane.as_ref())
}

fn explain(model: &mut Model) -> Vec<Action> {
    let among_panes = model.overlays.is_empty() && matches!(model.panel, Panel::Panes | Panel::Tail);
    // The pane may ask for a run that began in another one.
    let asked = || {
        let stage = model.target().filter(|_| among_panes).and_then(|approval| model.stage_asked_about(approval));
        stage.filter(|stage| Some(&stage.pane) != model.pane.as_ref() && model.run_of(stage).is_some())
    };
    let of_pane = || model.pane.as_ref().filter(|_| among_panes).and_then(|pane| model.stage_of_interest(pane));
    let Some(stage) = asked().or_else(of_pane).or_else(|| acting_stage(model)) else {
        return nothing(model, Text::NoStage);
    };
    if model.link != LinkState::Up {
        return nothing(model, Text::NotConnected);
    }
    let run = model.run_of(&stage).and_then(|run| run.run);
    let pane = format!("{}:{}", stage.pane.host, stage.pane.pane);
    let target = run.map_or(pane, |run| run.to_string());
    if matches!(model.overlays.last(), Some(Overlay::Page { page: Page::Explain { .. }, .. })) {
        model.overlays.pop();
    }
    let page = Page::Explain { stage, explanation: Explanation::Loading };
    show(model, Overlay::Page { page, scroll: 0 });
    vec![request(model, Asked::Explain, Request::Explain { target })]
}

fn events(model: &mut Model) -> Vec<Action> {
    show_page(model, Page::Events { history: Vec::new() });
    if model.link != LinkState::Up || model.overlays.is_empty() {
        return Vec::new();
    }
    vec![request(model, Asked::Events, Request::Events { after: 0, limit: 1_000, follow: false })]
}

fn control(model: &mut Model, control: RunControl, question: Text) -> Vec<Action> {
    let Some(stage) = acting_stage(model) else { return nothing(model, Text::NoStage) };
    let Some((run, number)) = model.run_of(&stage).and_then(|run| Some((run, run.run?))) else {
        return nothing(model, Text::NoRun);
    };
    if !model.may_control(&stage, control) {
        return nothing(model, Text::RunEnded);
    }
    if control == RunControl::Retry
        && let Some(view) = model.not_to_be_retried(&stage)
    {
        // The supervisor would say the same after a yes.
        let text = clean(&message(model.lang(), &why_not_again(view)));
        toast(model, Severity::Warning, text);
        return Vec::new();
    }
    let lang = model.lang();
    let mut line = format!("{} {number}", clean(&run.pipeline));
    let named = if control == RunControl::Cancel { None } else { stage.stage.clone() };
    if let Some(name) = &named {
        let state = run.stages.iter().find(|view| &view.name == name).map(|view| stage_doing(lang, view));
        line.push_str(&format!(" / {} ({})", clean(name), state.unwrap_or_default()));
    }
    let lines = vec![format!("{line}  @ {}", clean(&run.told_place()))];
    confirm(model, question, lines, Command::Control { run: number, stage: named, control })
}

/// Why a stage is not run again as it stands.
fn why_not_again(view: &StageView) -> String {
    let doing = match view.state {
        _ if view.asks => return format!("stage {} asks you; answer it, or cancel the run first", view.name),
        _ if view.undo.is_some() => "approved, and can still be taken back",
        StageState::Waiting => return format!("stage {} has not run yet; start it instead", view.name),
        StageState::NeedsApproval => "waiting for approval",
        StageState::Queued => "waiting for its lock",
        StageState::Starting => "starting",
        _ => "running",
    };
    format!("stage {} is {doing}; cancel the run first", view.name)
}

fn send(model: &mut Model) -> Vec<Action> {
    let Some(pane) = model.pane.clone() else { return notice_of(model, Text::NoPane) };
    let Some(view) = model.pane_view(&pane) else { return notice_of(model, Text::NoPane) };
    let place = view.info.told_place();
    let kind = InputKind::Send { pane, place, mode: SendMode::Text, enter: EnterAfter::Press };
    show(model, Overlay::Input(Input { kind, editor: super::super::editor::Editor::default() }))
}

/// Freezing is an emergency stop and happens at once; unfreezing shows first what it lets go.
fn freeze(model: &mut Model) -> Vec<Action> {
    let Some(snapshot) = &model.snapshot else { return nothing(model, Text::NotConnected) };
    if snapshot.frozen.is_none() {
        return command(model, Command::Freeze);
    }
    let lang = model.lang();
    let held: Vec<_> = snapshot.held.iter().filter(|send| send.reader.is_none()).collect();
    // In one pane the next one goes out once the one before it has ended.
    let line = |(n, send): (usize, &&HeldSend)| {
        let waits = held[..n].iter().any(|before| before.told_place() == send.told_place());
        let then = if waits { Text::AfterThat.of(lang) } else { "" };
        format!("{}  {then}{}", clean(&send.told_place()), reveal(&send.text))
    };
    let lines: Vec<String> = held.iter().enumerate().map(line).collect();
    let lines = if lines.is_empty() { vec![Text::NoHeld.of(model.lang()).to_owned()] } else { lines };
    confirm(model, Text::UnfreezeQ, lines, Command::Unfreeze)
}

fn drop_held(model: &mut Model) -> Vec<Action> {
    let Some(Overlay::Held { selected }) = model.overlays.last() else { return Vec::new() };
    let held = model.snapshot.as_ref().map_or(&[][..], |snapshot| &snapshot.held);
    let found = held.iter().find(|send| Some(&send.intent) == selected.as_ref()).or_else(|| {
        // Before the first move the cursor is on the first row.
        held.first().filter(|_| selected.is_none())
    });
    let Some(send) = found else { return nothing(model, Text::NoHeld) };
    let lines = vec![format!("{}  {}", clean(&send.told_place()), reveal(&send.text))];
    let intent = send.intent.clone();
    confirm(model, Text::DropQ, lines, Command::DropHeld { intent })
}

fn switch_mouse(model: &mut Model) -> Vec<Action> {
    let (mouse, text) = match model.mouse {
        Mouse::Free => (Mouse::Captured, Text::MouseOn),
        Mouse::Captured => (Mouse::Free, Text::MouseOff),
    };
    model.mouse = mouse;
    say(model, Severity::Info, text);
    vec![Action::Mouse(mouse)]
}

fn suspend(model: &mut Model) -> Vec<Action> {
    match model.setup.role {
        Role::View => vec![Action::Suspend],
        Role::Main => nothing(model, Text::CannotSuspend),
        Role::Popup => vec![Action::Quit],
    }
}

fn quit(model: &mut Model) -> Vec<Action> {
    let running = model
        .snapshot
        .as_ref()
        .is_some_and(|snapshot| snapshot.runs.iter().flat_map(|run| &run.stages).any(|stage| stage.state.is_live()));
    match model.setup.role {
        Role::Main if running => show(model, Overlay::Confirm(Box::new(Confirm::Quit))),
        Role::Main | Role::View | Role::Popup => vec![Action::Quit],
    }
}
