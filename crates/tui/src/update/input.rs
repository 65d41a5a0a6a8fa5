//! Input lines: the filter, what is sent, answers.

use super::super::keymap::Key;
use super::super::model::{Confirm, EnterAfter, Input, InputKind, Model, Overlay, Panel, SendMode, written_steps};
use super::super::msg::Action;
use super::super::view::steps_text;
use super::{decide, lease, say, start, toast};
use tmuxagent_model::{Command, PaneKey, PaneReader, Reads, Severity};
use tmuxagent_text::{Lang, Text, clean, reader_sentence};

/// An editing key or character for the open line.
pub(super) fn type_key(model: &mut Model, key: Key) {
    if let Some(Overlay::Input(input)) = model.overlays.last_mut() {
        input.editor.press(key);
    }
    follow_filter(model);
}

/// Pasted text goes into the open line, and nowhere else.
pub(super) fn paste(model: &mut Model, text: &str) {
    if model.is_void() {
        return;
    }
    if let Some(Overlay::Input(input)) = model.overlays.last_mut() {
        match input.kind {
            InputKind::Filter { .. }
            | InputKind::Answer { .. }
            | InputKind::Word { .. }
            | InputKind::Lease { .. }
            | InputKind::Given(_) => {
                input.editor.insert(&text.replace(['\r', '\n', '\t'], " "));
            }
            InputKind::Send { .. } => input.editor.insert(text),
        }
    }
    follow_filter(model);
}

/// The filter works while it is typed.
fn follow_filter(model: &mut Model) {
    if let Some(Overlay::Input(Input { kind: InputKind::Filter { .. }, editor })) = model.overlays.last() {
        let text = editor.text().to_owned();
        set_filter(model, text);
    }
}

pub(super) fn set_filter(model: &mut Model, filter: String) {
    if model.filter == filter {
        return;
    }
    let before = model.positions();
    model.filter = filter;
    model.settle(before);
    // Where the panel of the cursor went empty, the first one with something in it shows what fits.
    if model.n_rows(model.panel) == 0
        && let Some(panel) = Panel::ALL.into_iter().find(|&panel| panel != Panel::Tail && model.n_rows(panel) > 0)
    {
        model.panel = panel;
    }
}

pub(super) fn toggle_enter(model: &mut Model) -> Vec<Action> {
    if let Some(Overlay::Input(Input { kind: InputKind::Send { enter, .. }, .. })) = model.overlays.last_mut() {
        *enter = match enter {
            EnterAfter::Press => EnterAfter::Leave,
            EnterAfter::Leave => EnterAfter::Press,
        };
    }
    Vec::new()
}

pub(super) fn toggle_mode(model: &mut Model) -> Vec<Action> {
    if let Some(Overlay::Input(Input { kind: InputKind::Send { mode, .. }, .. })) = model.overlays.last_mut() {
        *mode = match mode {
            SendMode::Text => SendMode::Keys,
            SendMode::Keys => SendMode::Text,
        };
    }
    Vec::new()
}

/// The line is complete: the filter stays, what would be sent is shown and asked for.
pub(super) fn submit(model: &mut Model) -> Vec<Action> {
    if matches!(model.overlays.last(), Some(Overlay::Notice(_))) {
        model.overlays.pop();
    }
    let Some(Overlay::Input(input)) = model.overlays.last() else { return Vec::new() };
    let Input { kind, editor } = input.clone();
    match kind {
        InputKind::Filter { .. } => {
            model.overlays.pop();
        }
        InputKind::Answer { approval } => {
            if editor.text().trim().is_empty() {
                say(model, Severity::Info, Text::NothingToSend);
                return Vec::new();
            }
            decide::answered(model, approval, editor.text().to_owned());
        }
        InputKind::Word { ref approval } | InputKind::Lease { ref approval }
            if !model.reading.to_the_end && (approval.confirm.is_none() || approval.is_confirmed_by(editor.text())) =>
        {
            say(model, Severity::Warning, Text::ScrollFirst);
        }
        InputKind::Word { approval } => return decide::confirmed(model, &approval, editor.text()),
        InputKind::Lease { approval } => return lease::given(model, &approval, editor.text()),
        InputKind::Given(starting) => return start::given(model, *starting, editor.text()),
        InputKind::Send { pane, place, mode, enter } => match written_steps(editor.text(), mode, enter) {
            Err(word) => {
                let word = clean(&word);
                let text = match model.lang() {
                    Lang::En => format!("`{word}` is no key; write names such as C-c, Escape, Up, Enter, F5"),
                    Lang::Zh => format!("{word} 不是按键名；请写 C-c、Escape、Up、Enter、F5 等"),
                };
                toast(model, Severity::Warning, text);
            }
            Ok(steps) if steps.is_empty() => say(model, Severity::Info, Text::NothingToSend),
            Ok(steps) => {
                // The line stays under the question, so that a no leads back to it.
                let shown =
                    if reads_unseen(model, &pane) { "••••••".to_owned() } else { steps_text(&steps) };
                let mut lines = vec![format!("{shown}  @ {}", clean(&place))];
                let other = other_reader(model, &pane);
                // Who confirms has been shown who reads.
                let insist = other.is_some();
                lines.extend(other);
                let command = Command::Send { pane, steps, insist };
                let confirm = Confirm::Command { question: Text::SendQ, lines, command };
                model.overlays.push(Overlay::Confirm(Box::new(confirm)));
            }
        },
    }
    Vec::new()
}

/// Who reads the keys of a pane, where that is no shell at its prompt and no agent.
fn other_reader(model: &Model, pane: &PaneKey) -> Option<String> {
    let reader = &model.pane_view(pane)?.reader;
    let known = *reader != PaneReader::default() && !matches!(reader.reads, Reads::Shell | Reads::Agent);
    known.then(|| reader_sentence(model.lang(), reader))
}

/// Whether the program in a pane waits for a password, which is not shown here either.
fn reads_unseen(model: &Model, pane: &PaneKey) -> bool {
    model.pane_view(pane).is_some_and(|pane| pane.reader.reads == Reads::Password)
}
