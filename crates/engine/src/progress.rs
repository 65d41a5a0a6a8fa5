//! What conditions remember.

use super::text::Cleaner;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use tmuxagent_model::{AgentMessage, Front, IntentId, Millis, Timestamp};

/// Why something happened: which rule, and what made it hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cause {
    /// When.
    pub at: Timestamp,
    /// The rule, as it is written in the policy, or the engine's own reason.
    pub rule: String,
    /// The line, message or answer; untrusted text, cut at `TEXT` bytes.
    pub text: String,
}

impl Cause {
    /// A cause that is no condition of the policy, in words of our own.
    pub fn own(at: Timestamp, rule: &'static str, text: impl AsRef<str>) -> Self {
        Self { at, rule: rule.to_owned(), text: cut(text.as_ref(), TEXT) }
    }

    /// A cause whose words are others': those of a policy with its values, or a program's. Cleaned before they are cut, since
    /// half a secret is not known as one.
    pub fn of(cleaner: &Cleaner, at: Timestamp, rule: &str, text: &str) -> Self {
        Self { at, rule: cleaner.clean(rule), text: cut(&cleaner.clean(text), TEXT) }
    }

    /// The same of an attempt that printed nothing: people look in vain for what its output says.
    pub fn silent(mut self) -> Self {
        self.text = match self.text.as_str() {
            "" => "it printed nothing".to_owned(),
            text => format!("{text}; it printed nothing"),
        };
        self
    }

    /// In one line, for people.
    pub fn brief(&self) -> String {
        if self.text.is_empty() { self.rule.clone() } else { format!("{}: {}", self.rule, self.text) }
    }
}

/// Something that almost did it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Miss {
    /// When.
    pub at: Timestamp,
    /// The line, message or exit code; untrusted text.
    pub text: String,
    /// Why it did not count.
    pub why: String,
}

/// The longest text of a cause or of a piece of evidence, bytes.
pub const TEXT: usize = 500;

/// The longest value of a variable, bytes.
pub const VALUE: usize = 4096;

/// `text` cut at a character border, with a mark where something is missing.
pub fn cut(text: &str, most: usize) -> String {
    if text.len() <= most {
        return text.to_owned();
    }
    let mut end = most;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}…", &text[..end])
}

/// A line that decided something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// When.
    pub at: Timestamp,
    /// The stage that it concerned.
    pub stage: String,
    /// The line; untrusted text.
    pub text: String,
}

/// The parts of conditions that already held, by the number of the part.
pub type Held = BTreeMap<u32, Cause>;

/// What the conditions of an attempt remember.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Progress {
    /// A text of the conditions that the numbers belong to; another policy's conditions begin anew.
    pub shape: String,
    /// What already held.
    pub held: Held,
}

impl Progress {
    /// Nothing held yet.
    pub const fn new() -> Self {
        Self { shape: String::new(), held: Held::new() }
    }
}

/// What a stage would have counted, had anybody known that its keys were typed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Deferred {
    /// A line: untrusted text, cut at [`VALUE`] bytes; the patterns that match it, of which generation of the policy;
    /// the agent's message on it.
    Line { text: String, policy: u64, hits: Vec<u32>, message: Option<Box<AgentMessage>> },
    /// Output was lost.
    Gap,
}

/// What a stage's output said while its command still ran.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// Success; a failure is never overruled by one.
    pub ok: bool,
    /// What said it.
    pub cause: Cause,
}

/// A step by which a command is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopStep {
    /// `C-c`.
    Interrupt,
    /// SIGTERM.
    Terminate,
}

/// An attempt whose time is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stop {
    /// What it fails by, when it is stopped.
    pub cause: Cause,
    /// What is still to be tried, in order.
    pub steps: Vec<StopStep>,
    /// Something was tried: its end is none of its own.
    pub begun: bool,
    /// What is tried now.
    pub intent: Option<IntentId>,
    /// It is cancelled: whatever its command comes to, the stage ends so.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cancels: bool,
    /// Why nothing was tried: who reads there instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_up: Option<String>,
}

/// What is known of the program that a stage's command runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Own {
    /// Nothing.
    #[default]
    Unknown,
    /// It is suspended.
    Stopped,
    /// It goes on, in front or behind the shell.
    Lives,
    /// It is over.
    Ended,
}

impl Own {
    /// Whether nothing is known.
    pub const fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown)
    }
}

/// Whether the shell of a stage's pane was seen at its prompt again.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Look {
    /// How often in a row it was not.
    pub count: u32,
    /// It was, once; a command line has instants between its commands.
    pub once: bool,
    /// It can't be told there, or was told.
    pub over: bool,
    /// The look on its way.
    pub intent: Option<IntentId>,
    /// The program that the command line runs, as it was first seen; of several it is the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub front: Option<Front>,
    /// Another program that came to the front behind it, though the line runs a single one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other: Option<Front>,
    /// A person has suspended the command: codes that come are those of other commands.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub suspended: bool,
    /// The shell has edited its next line since: whatever runs now, the command is over, unless it is seen to live.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub back: bool,
    /// What was last seen of the command's program.
    #[serde(default, skip_serializing_if = "Own::is_unknown")]
    pub own: Own,
    /// The exit code that its shell told, where that may be what it tells of a suspended command.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doubt: Option<i32>,
    /// Another code that was told of the same command meanwhile: one of them was printed by its own program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other_code: Option<i32>,
}

impl Look {
    /// Nobody looked yet.
    pub const fn new() -> Self {
        Self {
            count: 0,
            once: false,
            over: false,
            intent: None,
            front: None,
            other: None,
            suspended: false,
            back: false,
            own: Own::Unknown,
            doubt: None,
            other_code: None,
        }
    }

    /// Whether the command was suspended and nothing has told its end: another one would run beside it.
    pub const fn may_live(&self) -> bool {
        self.suspended && !matches!(self.own, Own::Ended)
    }

    /// Whether nobody looked yet.
    pub fn is_new(&self) -> bool {
        *self == Self::new()
    }
}

/// What the triggers of one stage on one pane remember.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Watch {
    /// What already held.
    pub progress: Progress,
    /// Its polls, by the number of their condition.
    #[serde(default)]
    pub polls: BTreeMap<u32, PollRun>,
    /// Since when the pane is silent; `None` once the silence has fired, until there is output again.
    #[serde(default)]
    pub quiet_since: Option<Timestamp>,
}

/// Where a poll stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum PollState {
    /// The first answer is not in.
    Asked,
    /// Not yet.
    Pending { detail: String },
    /// What was waited for is so.
    Met { detail: String },
    /// It can't become so any more.
    Dead { detail: String },
    /// The question itself failed.
    Trouble { detail: String },
}

/// One poll.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PollRun {
    /// Where it stands.
    pub state: PollState,
    /// The question on its way.
    pub intent: Option<IntentId>,
    /// How often in a row the question failed.
    pub errors: u32,
    /// When the attempt fails for lack of a yes.
    pub deadline: Option<Timestamp>,
    /// What is older than this does not count.
    pub since: Timestamp,
    /// How a file that is to change was when it was last looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mark: Option<String>,
    /// Since when its answer has been yes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub met: Option<Timestamp>,
}

impl PollRun {
    /// A poll that starts now.
    pub const fn new(since: Timestamp, deadline: Option<Timestamp>) -> Self {
        Self { state: PollState::Asked, intent: None, errors: 0, deadline, since, mark: None, met: None }
    }

    /// Takes an answer in.
    pub fn answered(&mut self, now: Timestamp, state: PollState) {
        self.intent = None;
        self.errors = if matches!(state, PollState::Trouble { .. }) { self.errors + 1 } else { 0 };
        self.met = matches!(state, PollState::Met { .. }).then(|| self.met.unwrap_or(now));
        self.state = state;
    }
}

/// The pause after the `errors`-th failed question in a row: doubled each time, at most ten minutes or the interval.
pub fn trouble_pause(interval: Millis, errors: u32) -> Millis {
    let most = interval.0.max(600_000);
    Millis(interval.0.saturating_mul(1_u64 << errors.saturating_sub(1).min(20)).min(most))
}
