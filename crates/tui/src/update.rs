//! What a message changes: `update(model, now, msg)` is the only place that changes a [`Model`], and what it wants done
//! outside comes back as [`Action`]s.

mod decide;
mod frames;
mod input;
mod keys;
pub mod lease;
mod mouse;
mod start;

use super::keymap::{Context, Key};
use super::model::{LinkState, Model, Overlay, Page, Toast};
use super::msg::{Action, Msg};
use crossterm::event::KeyEventKind;
use tmuxagent_ipc::wire::{Request, RequestFrame};
use tmuxagent_model::{ApprovalState, Command, Doubt, Millis, Severity, Timestamp};
use tmuxagent_text::{Text, clean, message};

use super::model::Asked;

/// Who caused a change; a cursor that the user moved himself needs no second look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cause {
    User,
    World,
}

/// Takes one message in. `now` is this machine's time.
pub fn update(model: &mut Model, now: Timestamp, msg: Msg) -> Vec<Action> {
    model.now = now;
    model.toasts.retain(|toast| toast.until > now);
    let cause = match &msg {
        Msg::Key(_) | Msg::Paste(_) | Msg::Mouse(_) => Cause::User,
        Msg::Resized { .. } | Msg::Frame(_) | Msg::Linked | Msg::LinkLost { .. } | Msg::Notice(_) | Msg::Tick(_) => {
            Cause::World
        }
    };
    let mut actions = take_in(model, msg);
    model.settle_cursors();
    attend(model, cause);
    attend_reading(model);
    if model.link == LinkState::Up && model.watched != model.pane {
        model.watched.clone_from(&model.pane);
        let pane = model.pane.clone();
        actions.push(request(model, Asked::Watch, Request::WatchPane { pane }));
    }
    actions
}

fn take_in(model: &mut Model, msg: Msg) -> Vec<Action> {
    match msg {
        Msg::Key(event) if event.kind == KeyEventKind::Release => Vec::new(),
        Msg::Key(event) => keys::press(model, Key::of_event(event)),
        Msg::Paste(text) => {
            input::paste(model, &text);
            Vec::new()
        }
        Msg::Mouse(event) => mouse::point(model, event),
        Msg::Resized { width, height } => {
            model.size = (width, height);
            clamp_scroll(model);
            Vec::new()
        }
        Msg::Frame(frame) => frames::receive(model, *frame),
        Msg::Linked => linked(model),
        Msg::LinkLost { reason, retry_at } => {
            if model.awaits_answer() {
                frames::doubted(model, Doubt::Ended);
            }
            model.asked.clear();
            model.watched = None;
            model.link = LinkState::Lost { reason: clean(&reason), retry_at };
            if let Some(Overlay::Page { page: Page::Explain { explanation, .. }, .. }) = model.overlays.last_mut()
                && *explanation == super::model::Explanation::Loading
            {
                *explanation = super::model::Explanation::Failed(Text::NotConnected.of(model.setup.lang).to_owned());
            }
            Vec::new()
        }
        Msg::Notice(text) => {
            let text = clean(&message(model.lang(), &text));
            toast(model, Severity::Warning, text);
            Vec::new()
        }
        Msg::Tick(wall) => {
            model.drift = wall.0.saturating_sub(model.now.0);
            Vec::new()
        }
    }
}

/// A connection stands: everything is asked for anew.
fn linked(model: &mut Model) -> Vec<Action> {
    if matches!(model.link, LinkState::Lost { .. }) {
        say(model, Severity::Success, Text::Reconnected);
    }
    model.link = LinkState::Up;
    model.asked.clear();
    model.watched = None;
    // Another supervisor may count its generations from the beginning.
    if let Some(snapshot) = &mut model.snapshot {
        snapshot.generation = 0;
    }
    vec![request(model, Asked::Subscribe, Request::Subscribe)]
}

/// Notes what a decision would be about, and since when.
fn attend(model: &mut Model, cause: Cause) {
    let now = model.now;
    let open: Vec<(tmuxagent_model::ApprovalId, u32)> = model.snapshot.as_ref().map_or_else(Vec::new, |snapshot| {
        let pending = snapshot.approvals.iter().filter(|approval| approval.state == ApprovalState::Pending);
        pending.map(|approval| (approval.id.clone(), approval.revision)).collect()
    });
    let seen = &mut model.attention.seen;
    seen.retain(|id, _| open.iter().any(|(other, _)| other == id));
    for (id, revision) in open {
        let entry = seen.entry(id).or_insert((revision, now));
        if entry.0 != revision {
            *entry = (revision, now);
        }
    }
    let target = model.target().map(|approval| (approval.id.clone(), approval.revision));
    if target != model.attention.target {
        model.attention.target = target;
        model.attention.since = match cause {
            Cause::User => None,
            Cause::World => Some(now),
        };
    }
}

/// Notes how far the dialog on top has been read: what it says from its beginning to its end.
fn attend_reading(model: &mut Model) {
    let about = match model.overlays.last() {
        Some(Overlay::Input(input)) if input.kind.decides().is_some() => {
            let kind = input.kind.clone();
            Some(Overlay::Input(super::model::Input { kind, editor: super::editor::Editor::default() }))
        }
        Some(Overlay::Confirm(confirm)) => Some(Overlay::Confirm(confirm.clone())),
        _ => None,
    };
    if about != model.reading.about {
        model.reading = super::model::Reading { about, ..Default::default() };
    }
    if model.reading.about.is_none() {
        return;
    }
    let limit = super::view::max_scroll(model);
    model.reading.scroll = model.reading.scroll.min(limit);
    if model.reading.scroll >= limit {
        model.reading.to_the_end = true;
    }
}

/// A request with the next number.
fn request(model: &mut Model, about: Asked, request: Request) -> Action {
    let id = model.next_request;
    model.next_request += 1;
    model.asked.insert(id, about);
    Action::Request(RequestFrame { id, request })
}

/// A wish for the supervisor; a toast instead while there is none.
fn command(model: &mut Model, command: Command) -> Vec<Action> {
    if model.link != LinkState::Up {
        say(model, Severity::Error, Text::NotConnected);
        return Vec::new();
    }
    vec![request(model, Asked::Command, Request::Command { command })]
}

fn say(model: &mut Model, severity: Severity, text: Text) {
    let text = text.of(model.lang()).to_owned();
    toast(model, severity, text);
}

/// Shows a remark for a few seconds, errors longer.
fn toast(model: &mut Model, severity: Severity, text: String) {
    let seconds = match severity {
        Severity::Info | Severity::Success => 4,
        Severity::Warning => 6,
        Severity::Error => 12,
    };
    let until = model.now + Millis::from_secs(seconds);
    // What merely passes by makes room for the next; what is wrong stays until it was read.
    let passes = |severity| matches!(severity, Severity::Info | Severity::Success);
    model.toasts.retain(|toast| toast.text != text && !passes(toast.severity));
    model.toasts.push(Toast { severity, text, until });
    let extra = model.toasts.len().saturating_sub(3);
    model.toasts.drain(..extra);
}

/// Keeps a page from being scrolled past its end.
fn clamp_scroll(model: &mut Model) {
    let limit = super::view::max_scroll(model);
    if let Some(Overlay::Page { scroll, .. }) = model.overlays.last_mut() {
        *scroll = (*scroll).min(limit);
    }
}

/// Whether keys are typed as text now.
fn is_typing(model: &Model) -> bool {
    model.context() == Context::Input
}

#[cfg(test)]
mod tests;
