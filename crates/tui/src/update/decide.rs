//! Yes and no.
//!
//! **Invariant:** what is decided is the approval, in the revision, that stood on the screen when the question opened.
//! A picture that changes under the user's finger voids the question (`Model::is_void`); it never redirects it, and closes
//! no dialog into which somebody types.

use super::super::editor::Editor;
use super::super::keymap::Key;
use super::super::model::{Confirm, Input, InputKind, Model, Overlay, Page};
use super::super::msg::Action;
use super::keys::{notice, notice_of, show};
use super::{command, say, toast};
use tmuxagent_model::{Approval, ApprovalKind, Command, Severity, Verdict};
use tmuxagent_text::{Text, clean, message, no_answer};

/// What the key said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    Approve,
    Reject,
}

/// Why a key does nothing now.
pub(super) struct Refused {
    severity: Severity,
    text: String,
}

impl Refused {
    fn of(model: &Model, severity: Severity, text: Text) -> Self {
        Self { severity, text: text.of(model.lang()).to_owned() }
    }
}

/// The approval that a key may decide now; else why there is none.
pub(super) fn decidable(model: &Model) -> Result<Box<Approval>, Refused> {
    let refused = |severity, text| Refused::of(model, severity, text);
    let approval = model.target().ok_or_else(|| refused(Severity::Info, Text::NothingToDecide))?;
    if !model.is_looked_at(approval) {
        return Err(refused(Severity::Warning, Text::JustAppeared));
    }
    if !model.may_decide(approval) {
        let text = clean(&message(model.lang(), &approval.not_for(&model.setup.user)));
        return Err(Refused { severity: Severity::Warning, text });
    }
    Ok(Box::new(approval.clone()))
}

/// The same for a key that opens an input line.
pub(super) fn decidable_in_words(model: &mut Model) -> Option<Box<Approval>> {
    match decidable(model) {
        Ok(approval) => Some(approval),
        Err(refused) => {
            notice(model, refused.text);
            None
        }
    }
}

/// Opens the question with the exact effect.
pub(super) fn ask(model: &mut Model, answer: Answer) -> Vec<Action> {
    if answer == Answer::Reject
        && let Some(approval) = model.undoable().cloned()
    {
        return take_back(model, Box::new(approval));
    }
    let in_words = |approval: &Approval| approval.confirm.is_some() || approval.takes_text();
    let opens_line = answer == Answer::Approve && model.target().is_some_and(in_words);
    let approval = match decidable(model) {
        Ok(approval) => approval,
        Err(refused) if opens_line => return notice(model, refused.text),
        Err(refused) => {
            toast(model, refused.severity, refused.text);
            return Vec::new();
        }
    };
    if answer == Answer::Approve && approval.confirm.is_some() {
        return ask_word(model, approval);
    }
    if answer == Answer::Approve && approval.takes_text() {
        return ask_answer(model, approval);
    }
    if answer == Answer::Reject && !approval.takes_plain_no() {
        say(model, Severity::Info, Text::NoPlainNo);
        return Vec::new();
    }
    let verdict = Verdict { approve: answer == Answer::Approve, answer: None };
    show(model, Overlay::Confirm(Box::new(Confirm::Decide { approval, verdict })))
}

/// Asks whether a yes is taken back: that is a no, which ends more than what was approved.
fn take_back(model: &mut Model, approval: Box<Approval>) -> Vec<Action> {
    if !model.may_decide(&approval) {
        let text = clean(&message(model.lang(), &approval.not_for(&model.setup.user)));
        toast(model, Severity::Warning, text);
        return Vec::new();
    }
    show(model, Overlay::Confirm(Box::new(Confirm::TakeBack { approval })))
}

/// Opens an input line for the word that a yes takes.
fn ask_word(model: &mut Model, approval: Box<Approval>) -> Vec<Action> {
    let input = Input { kind: InputKind::Word { approval }, editor: Editor::default() };
    model.overlays.push(Overlay::Input(input));
    Vec::new()
}

/// Opens an input line for the answer.
fn ask_answer(model: &mut Model, approval: Box<Approval>) -> Vec<Action> {
    let input = Input { kind: InputKind::Answer { approval }, editor: Editor::default() };
    model.overlays.push(Overlay::Input(input));
    Vec::new()
}

/// The word is written: it decides, or it is told that it is another one and decides nothing.
pub(super) fn confirmed(model: &mut Model, approval: &Approval, word: &str) -> Vec<Action> {
    if !approval.is_confirmed_by(word) {
        let text = clean(&message(model.lang(), &approval.another_word(word.trim())));
        toast(model, Severity::Warning, text);
        return Vec::new();
    }
    let verdict = Verdict { approve: true, answer: approval.confirm.clone() };
    let wish = Command::Decide { approval: approval.id.clone(), revision: approval.revision, verdict };
    done(model, wish)
}

/// Chooses an option by its number: in the open question, or opening it.
pub(super) fn choose(model: &mut Model, key: Key) -> Vec<Action> {
    let number = key.plain_char().or_else(|| key.narrowed()?.plain_char()).and_then(|c| c.to_digit(10));
    let Some(index) = number.and_then(|n| usize::try_from(n).ok()).and_then(|n| n.checked_sub(1)) else {
        return Vec::new();
    };
    if !matches!(model.overlays.last(), Some(Overlay::Confirm(_))) {
        let approval = match decidable(model) {
            Ok(approval) => approval,
            Err(refused) => {
                toast(model, refused.severity, refused.text);
                return Vec::new();
            }
        };
        if approval.options.get(index).is_none() {
            say(model, Severity::Info, Text::NoOptions);
            return Vec::new();
        }
        let verdict = Verdict { approve: true, answer: None };
        model.overlays.push(Overlay::Confirm(Box::new(Confirm::Decide { approval, verdict })));
    }
    let mut known = false;
    if let Some(Overlay::Confirm(confirm)) = model.overlays.last_mut()
        && let Confirm::Decide { approval, verdict } = confirm.as_mut()
        && let Some(option) = approval.options.get(index)
    {
        verdict.approve = true;
        verdict.answer = Some(option.clone());
        known = true;
    }
    if !known {
        say(model, Severity::Info, Text::NoOptions);
    }
    Vec::new()
}

/// Opens an input line for an answer of one's own; where there is none to open, what says so takes the words.
pub(super) fn write_answer(model: &mut Model) -> Vec<Action> {
    let open = match model.overlays.last() {
        Some(Overlay::Confirm(confirm)) => match confirm.as_ref() {
            Confirm::Decide { approval, .. } => Some(approval.clone()),
            Confirm::TakeBack { .. } | Confirm::Command { .. } | Confirm::Quit => {
                return notice_of(model, Text::NoAnswer);
            }
        },
        _ => decidable_in_words(model),
    };
    let Some(approval) = open else { return Vec::new() };
    if approval.confirm.is_some() {
        return ask_word(model, approval);
    }
    match approval.kind {
        ApprovalKind::Agent | ApprovalKind::Asks => ask_answer(model, approval),
        ApprovalKind::Gate
        | ApprovalKind::Failed { .. }
        | ApprovalKind::Settle { .. }
        | ApprovalKind::Dialog { .. }
        | ApprovalKind::Gap
        | ApprovalKind::Unclear
        | ApprovalKind::Overdue => {
            let offers = !approval.options.is_empty();
            notice_of(model, if offers { Text::ChooseFirst } else { Text::NoAnswer })
        }
    }
}

/// Puts a written answer into the question, opening it where it is not open. What the question does not take stays in its
/// line, and the answers that it offers are named.
pub(super) fn answered(model: &mut Model, approval: Box<Approval>, text: String) {
    let text = match approval.option_meant(&text) {
        Some(option) => option.to_owned(),
        None if approval.takes_own_words() => match no_answer(&text) {
            Some(why) => return toast(model, Severity::Warning, message(model.lang(), why)),
            None => text,
        },
        None => {
            let text = clean(&message(model.lang(), &approval.not_offered(text.trim())));
            return toast(model, Severity::Warning, text);
        }
    };
    if matches!(model.overlays.last(), Some(Overlay::Input(_))) {
        model.overlays.pop();
    }
    if matches!(model.overlays.last(), Some(Overlay::Confirm(_))) {
        model.overlays.pop();
    }
    let verdict = Verdict { approve: true, answer: Some(text) };
    model.overlays.push(Overlay::Confirm(Box::new(Confirm::Decide { approval, verdict })));
}

/// Does what the open question asks.
pub(super) fn yes(model: &mut Model) -> Vec<Action> {
    let Some(Overlay::Confirm(confirm)) = model.overlays.last() else { return Vec::new() };
    if !model.reading.to_the_end {
        say(model, Severity::Warning, Text::ScrollFirst);
        return Vec::new();
    }
    let wish = match confirm.as_ref() {
        Confirm::Quit => return vec![Action::Quit],
        Confirm::Command { command, .. } => command.clone(),
        Confirm::TakeBack { approval } => {
            let verdict = Verdict { approve: false, answer: None };
            Command::Decide { approval: approval.id.clone(), revision: approval.revision, verdict }
        }
        Confirm::Decide { approval, verdict } => {
            // An agent's dialog has one answer that a plain yes means, or the yes types nothing and must name one.
            if verdict.approve && verdict.answer.is_none() && !approval.takes_plain_yes() {
                say(model, Severity::Info, Text::ChooseFirst);
                return Vec::new();
            }
            Command::Decide { approval: approval.id.clone(), revision: approval.revision, verdict: verdict.clone() }
        }
    };
    done(model, wish)
}

/// Sends a wish, and closes what asked for it.
pub(super) fn done(model: &mut Model, wish: Command) -> Vec<Action> {
    let served = Served::by(&wish);
    // What was said of a try before, such as a wrong word, is over once it is decided.
    if matches!(served, Served::Page) {
        model.toasts.retain(|toast| toast.severity == Severity::Error);
    }
    let actions = command(model, wish);
    // While there is no supervisor the question stays open.
    if !actions.is_empty() {
        model.overlays.pop();
        if model.overlays.last().is_some_and(|below| served.is(below)) {
            model.overlays.pop();
        }
    }
    actions
}

/// What stood under the question and is of no use after a yes.
enum Served {
    Page,
    Line,
    Nothing,
}

impl Served {
    const fn by(wish: &Command) -> Self {
        match wish {
            Command::Decide { .. } | Command::GrantLease { .. } => Self::Page,
            Command::Send { .. } => Self::Line,
            Command::Start { .. }
            | Command::Control { .. }
            | Command::RevokeLease { .. }
            | Command::Freeze
            | Command::Unfreeze
            | Command::Ask { .. }
            | Command::TakeBack { .. }
            | Command::DropHeld { .. } => Self::Nothing,
        }
    }

    const fn is(&self, overlay: &Overlay) -> bool {
        match self {
            Self::Page => matches!(overlay, Overlay::Page { page: Page::Approval(_), .. }),
            Self::Line => matches!(overlay, Overlay::Input(_)),
            Self::Nothing => false,
        }
    }
}
