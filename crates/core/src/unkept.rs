//! What people type by hand where a password is read: typed from memory, and told and stored as a mark.
//!
//! The engine, the journal, the trace and the answers get the mark; only the act that types gets the text. What is lost
//! with the process is not typed afterwards: the mark says so (`secrets`).

use super::acts::Act;
use super::core::Input;
use super::requests::Asked;
use std::collections::{BTreeMap, BTreeSet};
use tmuxagent_engine::Answer;
use tmuxagent_ipc::wire::Request;
use tmuxagent_model::{Command, Effect, Event, Intent, IntentId, KeyStep, PaneKey, PaneReader, Reads, SecretMark};

/// The kind of such a secret.
const KIND: &str = "password";
/// Words of a question whose answer is a secret, in small letters.
const ASKS: [&str; 10] =
    ["password", "passphrase", "passcode", "pin", "secret", "token", "verification code", "密码", "口令", "验证码"];

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Unkept {
    /// What the send is that the engine takes in next.
    asked: Option<Vec<KeyStep>>,
    /// What is really typed; nothing where a trace is played, which knows the marks only.
    steps: BTreeMap<IntentId, Vec<KeyStep>>,
}

impl Unkept {
    /// Those of a checkpoint: known by their identities.
    pub(crate) fn of(intents: BTreeSet<IntentId>) -> Self {
        Self { steps: intents.into_iter().map(|id| (id, Vec::new())).collect(), ..Self::default() }
    }

    /// Whose texts are held.
    pub(crate) fn intents(&self) -> BTreeSet<IntentId> {
        self.steps.keys().cloned().collect()
    }

    /// Whether the text of an intent is held.
    pub(crate) fn holds(&self, intent: &IntentId) -> bool {
        self.steps.contains_key(intent)
    }

    /// Takes the text out of a send for a pane where `is_secret`.
    pub(crate) fn hide(&mut self, asked: &mut Asked, is_secret: impl Fn(&PaneKey, bool) -> bool) {
        self.asked = None;
        let Request::Command { command: Command::Send { pane, steps, insist } } = &mut asked.request else { return };
        if !is_secret(pane, *insist) || !steps.iter().any(is_text) {
            return;
        }
        let marked = marked(steps);
        self.asked = Some(std::mem::replace(steps, marked));
    }

    /// The engine has taken in what happened: what was asked has its intent, or one has ended.
    pub(crate) fn follow(&mut self, event: &Event, answer: Option<&Answer>) {
        match (event, answer) {
            (Event::Asked { .. }, Some(Answer::Ok { intents, .. })) => {
                if let (Some(steps), [intent]) = (self.asked.take(), &intents[..]) {
                    self.steps.insert(intent.clone(), steps);
                }
            }
            (Event::Outcome { intent, .. }, _) => drop(self.steps.remove(intent)),
            _ => {}
        }
    }

    /// Gives what types the text instead of the mark, and tells it that nobody may read that afterwards.
    pub(crate) fn fill(&self, act: &mut Act) {
        let Act::Type { intent, .. } = act else { return };
        intent.unseen |= self.holds(&intent.id);
        if let (Some(real), Effect::Send(send)) = (self.steps.get(&intent.id), &mut intent.effect)
            && !real.is_empty()
        {
            send.steps.clone_from(real);
        }
    }

    /// Takes the text out of what comes back from where it was to be typed.
    pub(crate) fn clean(&self, input: &mut Input) {
        if let Input::CameBack { intent, .. } = input
            && self.holds(&intent.id)
        {
            hide_in(intent);
        }
    }
}

fn hide_in(intent: &mut Intent) {
    intent.unseen = false;
    if let Effect::Send(send) = &mut intent.effect {
        send.steps = marked(&send.steps);
    }
}

/// Whether a step types something to be read; a key of one letter does.
fn is_text(step: &KeyStep) -> bool {
    match step {
        KeyStep::Text(text) => !text.is_empty(),
        KeyStep::Key(key) => key.chars().count() == 1,
    }
}

/// The same with one mark for texts that follow each other.
fn marked(steps: &[KeyStep]) -> Vec<KeyStep> {
    let mark = || KeyStep::Text(SecretMark::Lost.of(KIND));
    let mut all: Vec<KeyStep> = steps.iter().map(|step| if is_text(step) { mark() } else { step.clone() }).collect();
    all.dedup_by(|step, before| step == before && *step == mark());
    all
}

/// Whether what is typed where this reader was seen last may be a password. Nobody who insists is looked after, so there
/// only a reader that shows what is typed is trusted, and none that an older look may have mistaken. `said` is what the
/// pane printed last: it can make a text a secret, and never the opposite. `agent`: one runs there.
pub(crate) fn may_be_secret(reader: &PaneReader, said: &str, insist: bool, agent: bool) -> bool {
    match reader.reads {
        Reads::Password => true,
        Reads::Shell | Reads::Nested if insist => true,
        // An agent owns its terminal from its first moment, also before its screen tells that it reads.
        Reads::Command | Reads::Unknown if insist && !agent => true,
        Reads::Line | Reads::Key | Reads::Command | Reads::Nested | Reads::Unknown => asks_for_secret(said),
        Reads::Shell
        | Reads::Draft
        | Reads::Screen
        | Reads::Agent
        | Reads::AgentWorks
        | Reads::AgentAsks
        | Reads::Mode
        | Reads::Dead => false,
    }
}

/// Whether a line ends as a question for a secret does.
fn asks_for_secret(line: &str) -> bool {
    let line = line.trim_end().to_lowercase();
    let is_word = |word: &str| word != "pin" || line.split(|c: char| !c.is_alphanumeric()).any(|part| part == "pin");
    line.ends_with([':', '：', '?', '？', '>', '›']) && ASKS.iter().any(|word| line.contains(word) && is_word(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_unseen_is_a_secret() {
        let reader = |reads| PaneReader { reads, ..PaneReader::default() };
        for (reads, said, insist, secret) in [
            (Reads::Password, "", false, true),
            (Reads::Password, "", true, true),
            (Reads::Shell, "$ ", false, false),
            // Nobody insists at an empty prompt: the look is old.
            (Reads::Shell, "$ ", true, true),
            (Reads::Nested, "me@box:~$", false, false),
            (Reads::Nested, "[sudo] password for me:", false, true),
            (Reads::Nested, "me@box:~$", true, true),
            (Reads::Key, "? Enter your npm token: ›", false, true),
            (Reads::Key, "Overwrite?", true, false),
            (Reads::Line, "请输入密码：", true, true),
            (Reads::Line, "Spinning up:", false, false),
            (Reads::Agent, "what is the password?", true, false),
        ] {
            let found = may_be_secret(&reader(reads.clone()), said, insist, false);
            assert_eq!(found, secret, "{reads:?} {said} {insist}");
        }
        // An agent that is just starting; not what runs in its place.
        for (reads, said, secret) in [
            (Reads::Command, "Loading…", false),
            (Reads::Unknown, "", false),
            (Reads::Command, "Enter your API token:", true),
            (Reads::Password, "", true),
            (Reads::Shell, "$ ", true),
            (Reads::Nested, "me@box:~$", true),
        ] {
            assert_eq!(may_be_secret(&reader(reads.clone()), said, true, true), secret, "{reads:?} {said}");
        }
    }

    #[test]
    fn one_mark_stands_for_what_was_typed() {
        let (text, key) = (|t: &str| KeyStep::Text(t.into()), |k: &str| KeyStep::Key(k.into()));
        let steps = [text("a"), key("b"), key("Tab"), text("c"), key("Enter"), key("Enter")];
        let mark = || text("[not-kept: password]");
        assert_eq!(marked(&steps), [mark(), key("Tab"), mark(), key("Enter"), key("Enter")]);
    }
}
