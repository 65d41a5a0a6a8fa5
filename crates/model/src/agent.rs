//! What an agent in a pane is doing, on what evidence, and what it asks.

use super::{Front, PaneKey, Timestamp};
use serde::{Deserialize, Serialize};

/// What an agent is doing.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AgentState {
    /// It works.
    Working,
    /// It asks whether it may do something.
    NeedsApproval,
    /// It asks something else.
    NeedsAnswer,
    /// It waits for a prompt.
    Idle,
    /// It finished, and nobody has looked since.
    Done,
    /// It gave up with an error.
    Error,
    /// Its service refuses it for a time.
    RateLimited {
        /// Until when, in its own words.
        #[serde(default)]
        until: Option<String>,
    },
    /// It works by its own account, but gave no sign of life for longer than the limit.
    Stalled,
    /// It asks something before its first prompt: trust, login, hooks.
    Starting,
    /// Its process has ended.
    Exited,
    /// Nothing is known, or sources contradict each other; nothing is typed.
    Unsure,
}

impl AgentState {
    /// Its word in files and JSON.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Working => "working",
            Self::NeedsApproval => "needs_approval",
            Self::NeedsAnswer => "needs_answer",
            Self::Idle => "idle",
            Self::Done => "done",
            Self::Error => "error",
            Self::RateLimited { .. } => "rate_limited",
            Self::Stalled => "stalled",
            Self::Starting => "starting",
            Self::Exited => "exited",
            Self::Unsure => "unsure",
        }
    }

    /// Whether a human is asked for something.
    #[must_use]
    pub const fn asks(&self) -> bool {
        matches!(self, Self::NeedsApproval | Self::NeedsAnswer | Self::Starting)
    }
}

/// Where a piece of evidence comes from, the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EvidenceSource {
    /// The process itself: whether it lives.
    Process,
    /// A file or socket in which the agent tells its state to other programs.
    Vendor,
    /// A hook that the user installed.
    Hook,
    /// A status report in the stream (OSC 7501).
    Report,
    /// What is on the screen.
    Screen,
    /// That it printed anything, or did not.
    Output,
}

/// Why a state is believed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// Where it comes from.
    pub source: EvidenceSource,
    /// The state that it speaks for.
    pub state: AgentState,
    /// The rule or the record that says so.
    pub rule: String,
    /// The text that was read, untrusted.
    pub text: String,
    /// When this was first said.
    pub at: Timestamp,
}

/// What is known of the agent in one pane.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentStatus {
    /// Which agent: the name of its recogniser.
    pub agent: String,
    /// What it is doing.
    pub state: AgentState,
    /// Since when.
    pub since: Timestamp,
    /// What the state rests on; for [`AgentState::Unsure`] all that contradicts.
    pub evidence: Vec<Evidence>,
    /// What it asks, where that can be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub question: Option<AgentQuestion>,
}

impl AgentStatus {
    /// Passes every text that came from a screen or a file through `clean`.
    pub fn clean_texts(&mut self, clean: impl Fn(&str) -> String) {
        for evidence in &mut self.evidence {
            evidence.text = clean(&evidence.text);
        }
        let Some(question) = &mut self.question else { return };
        question.text = clean(&question.text);
        question.detail = clean(&question.detail);
        for text in [&mut question.again, &mut question.reason, &mut question.place].into_iter().flatten() {
            *text = clean(text);
        }
        for answer in &mut question.answers {
            answer.label = clean(&answer.label);
            answer.description = clean(&answer.description);
        }
    }
}

/// What an agent was seen to do: something else than before, or the same told anew.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentSeen {
    /// Where.
    pub pane: PaneKey,
    /// Which agent: the name of its recogniser; empty where none is there and none was known.
    pub agent: String,
    /// Its process; `None` where it has none any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process: Option<Front>,
    /// What it does.
    pub state: AgentState,
    /// What says so: the source and its rule.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub by: String,
    /// Nobody watched it until now: what it did meanwhile is not known.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub anew: bool,
    /// It rests because a person stopped it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub interrupted: bool,
    /// It rests, and nothing shows that what it worked at came to its end.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unproven: bool,
}

/// What an agent tells by a hook: a command of ours that it runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HookReport {
    /// The agent's own name of what happened.
    pub event: String,
    /// The state that it speaks for.
    pub state: AgentState,
    /// Its words, untrusted.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
}

/// An agent whose process started, directly or not, a process that speaks to us.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ancestor {
    /// The name of its recogniser.
    pub agent: String,
    /// Its process.
    pub pid: u32,
    /// When that began, in ticks since the machine's start: with the id, its identity.
    pub start: u64,
    /// Its dialog is shown while what speaks waits for an answer.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub waits: bool,
    /// The processes from the one that speaks up to the first of all: one of them is the process of the pane.
    pub line: Vec<u32>,
}

/// What an agent tells by a hook, and which one it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HookTold {
    /// Who.
    pub by: Ancestor,
    /// What.
    pub report: HookReport,
}

/// A question that an agent puts to a program of the user's beside its dialog, and whose answer it takes there: no key is
/// needed. What it says is compared with what a dialog shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentRequest {
    /// What kind of thing is asked.
    pub kind: AgentQuestionKind,
    /// What the dialog must show, untrusted: all of a command, the lines of a change, a question, or the server, the name and
    /// what is given to a tool.
    pub words: Vec<String>,
    /// The file, where one is to be changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// The answers that a question offers, in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<String>,
    /// The conversation that asks, where a server holds several: whose dialog it is must be found out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread: Option<String>,
}

/// An agent's request that waits for its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitingRequest {
    /// Its name; no other one of any life of the supervisor has it.
    pub id: String,
    /// Whose it is.
    pub by: Ancestor,
    /// What it asks.
    pub request: AgentRequest,
}

/// What becomes of agents' requests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RequestNews {
    /// One waits for its answer.
    Waits(WaitingRequest),
    /// One waits no more.
    Over {
        /// Its [`WaitingRequest::id`].
        id: String,
        /// It was answered: its dialog is expected to go.
        answered: bool,
    },
}

/// What kind of thing is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AgentQuestionKind {
    /// Whether a command may run.
    Command,
    /// Whether a file may be changed.
    Edit,
    /// A question in the agent's own words, with answers to choose from.
    Question,
    /// Whether this folder is trusted.
    Trust,
    /// Which account or key is used.
    Login,
    /// Anything else that it asks by a choice.
    Other,
}

/// What choosing an answer means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnswerRole {
    /// Yes, this once.
    Once,
    /// Yes, and more than this once.
    Lasting,
    /// No; the agent goes on.
    Decline,
    /// No; the agent stops.
    Cancel,
    /// One of several answers.
    Other,
}

/// One of the offered answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentAnswer {
    /// Its words, untrusted.
    pub label: String,
    /// What stands below or beside it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// The keys that choose it, as tmux names keys; none where only moving the highlight does.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<String>,
    /// Whether it is highlighted, which is what Enter takes.
    pub highlighted: bool,
    /// What it means.
    pub role: AnswerRole,
}

/// A question that an agent asks on its screen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentQuestion {
    /// What kind of thing is asked.
    pub kind: AgentQuestionKind,
    /// All that the dialog says above its answers, row by row, untrusted.
    pub text: String,
    /// The command, change or question itself, as it is shown.
    pub detail: String,
    /// The command once more, from another place of the dialog, where the way in which it is shown leaves signs out; empty
    /// where that place does not tell it. `None`: it is shown as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub again: Option<String>,
    /// Why, where it says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The folder or file, where it says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// All answers as offered.
    pub answers: Vec<AgentAnswer>,
    /// The key that closes the dialog without an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancel: Option<String>,
    /// Whether all of it is on the screen, and it can be read in one way only. Nothing else may be approved.
    pub whole: bool,
    /// The same while the same dialog is shown, wherever the highlight is; another one for another dialog.
    pub fingerprint: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_one_word_in_json() {
        let json = |state: &AgentState| serde_json::to_string(state).unwrap();
        assert_eq!(json(&AgentState::NeedsApproval), "\"needs_approval\"");
        let limited = AgentState::RateLimited { until: Some("9:22 AM".into()) };
        assert_eq!(json(&limited), r#"{"rate_limited":{"until":"9:22 AM"}}"#);
        assert_eq!(serde_json::from_str::<AgentState>(&json(&limited)).unwrap(), limited);
        assert!(AgentState::Starting.asks() && !AgentState::Done.asks());
    }
}
