//! Facts, past tense: everything that happens becomes one [`Event`] in one queue.

use super::{
    AgentQuestion, AgentSeen, Command, Decider, Front, HostName, IntentId, OpenQuestion, Outcome, Owner, PaneId,
    PaneKey, SessionId, TimerKey, Timestamp, WindowId,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What happened. The engine's only input besides `now`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A pane appeared, or one of its facts changed.
    PaneSeen {
        /// The pane as it is now.
        info: Box<PaneInfo>,
    },
    /// A pane is gone: closed, respawned, or its server ended; or it is not watched any more.
    PaneGone {
        /// Which one.
        pane: PaneKey,
        /// It lives on, but a filter, a host taken out or another supervisor keeps it from being watched.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        unwatched: bool,
        /// The other supervisor, where it is one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<Box<Owner>>,
    },
    /// The supervisor that typed here before this one is gone, and had a stage wait for a decision when it was last seen.
    LeftOpen {
        /// Where.
        pane: PaneKey,
        /// It.
        owner: Box<Owner>,
        /// What it had asked about.
        question: OpenQuestion,
    },
    /// A shell at its prompt reads what is typed for an intent. Told before the outcome.
    TakenByShell {
        /// Where.
        pane: PaneKey,
        /// For which.
        intent: IntentId,
    },
    /// A host can't be observed now; its panes are stale, not gone.
    HostLost {
        /// Which one.
        host: HostName,
    },
    /// A complete line that some rule or protocol is interested in.
    Line(Box<LineEvent>),
    /// Output appeared in a pane that some stage watches for silence (throttled, with the last one never lost).
    Activity {
        /// Where.
        pane: PaneKey,
    },
    /// Output of a pane was lost for good and can't be read any more.
    Gap {
        /// Where.
        pane: PaneKey,
    },
    /// The program in the pane reported its state by OSC 7501, 9 or 777.
    Program {
        /// Where.
        pane: PaneKey,
        /// What it said.
        state: ProgramState,
    },
    /// A program that is no agent waits for a person, or waits no more.
    Waits {
        /// Where.
        pane: PaneKey,
        /// It, where the system tells it.
        front: Option<Front>,
        /// What it reads is not shown.
        password: bool,
        /// What stands before the cursor, untrusted. `None`: what was told before is over.
        row: Option<String>,
        /// [`PaneReader::question`](super::PaneReader::question), where it was seen reading.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        question: Option<String>,
    },
    /// The oldest question that a program printed as a message and waited behind was answered in its pane.
    Answered {
        /// Where.
        pane: PaneKey,
        /// The program.
        front: Front,
    },
    /// The dialog of an agent is another one, or none is shown any more.
    Dialog {
        /// Where.
        pane: PaneKey,
        /// Which agent: the name of its recogniser.
        agent: String,
        /// Its process.
        front: Option<Front>,
        /// What it asks, where all of it can be read. `None`: nothing.
        question: Option<Box<AgentQuestion>>,
        /// The one request of that agent that asks the same and takes the answer without a key:
        /// [`WaitingRequest::id`](crate::WaitingRequest::id).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        request: Option<String>,
    },
    /// An agent does something else than before, or what it does is told anew.
    Agent(Box<AgentSeen>),
    /// The shell that a pane was made with reports its commands by marks that are believed, or is believed no more.
    ShellMarks {
        /// Where.
        pane: PaneKey,
        /// Whether they are believed.
        trusted: bool,
    },
    /// A shell began a command, or it can't be told whether it has.
    CommandBegan {
        /// Where.
        pane: PaneKey,
        /// The tracked command's token, or that of the shell's own command.
        token: Option<String>,
        /// The line that the shell read, where it is known.
        line: Option<String>,
    },
    /// Another program came to the front of a pane since something was typed into its shell, as the system tells.
    Foreground {
        /// Where.
        pane: PaneKey,
        /// Which one.
        front: Front,
        /// It is the shell that was typed into, which edits its next line.
        prompt: bool,
    },
    /// Who is in front of a pane in which a stage began, or where a person has let one go on: its keys are for that program.
    InFront {
        /// Where.
        pane: PaneKey,
        /// Which one.
        front: Front,
        /// It is a shell.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        shell: bool,
    },
    /// A shell's OSC 133 mark or a wrapper told that a command ended.
    CommandEnded {
        /// Where.
        pane: PaneKey,
        /// The tracked command's token, where the report names one.
        token: Option<String>,
        /// Its exit code.
        exit: i32,
    },
    /// A person or a script asked for something.
    Asked {
        /// The wish.
        command: Command,
        /// Who, and through what.
        by: Decider,
    },
    /// A timer came due. A stale epoch changes nothing.
    Timer {
        /// Which one.
        key: TimerKey,
        /// The epoch it was armed with.
        epoch: u64,
    },
    /// An effect was performed, or was not.
    Outcome {
        /// Which effect.
        intent: IntentId,
        /// How it ended.
        outcome: Outcome,
    },
    /// A poll of something outside gave an answer.
    Polled {
        /// The poll's effect.
        intent: IntentId,
        /// The answer.
        outcome: PollOutcome,
    },
    /// The policy was replaced by another valid one, or the supervisor started with it.
    PolicyLoaded {
        /// SHA-256 of its sources, hexadecimal.
        hash: String,
    },
    /// A fact, and what the pane that it concerns printed last: a question or an alert that follows from it shows that.
    Witnessed {
        /// The fact; never one of this kind.
        fact: Box<Event>,
        /// The last lines of its pane, oldest first, at most [`PRINTED`].
        printed: Vec<Printed>,
    },
}

/// How many of a pane's last lines are kept, so that a question can show those that say something.
pub const PRINTED: usize = 60;

/// A line that a pane's program printed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Printed {
    /// When it was read.
    pub at: Timestamp,
    /// The text: untrusted, without escapes, cut at 400 bytes.
    pub text: String,
}

/// The kind of reading that a line comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LineSource {
    /// The pane's byte stream.
    Stream,
    /// A new row of a screen that its program owns.
    Screen,
    /// Read from history after a break in observation.
    History,
}

/// Who wrote a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// The program in the pane.
    Program,
    /// The terminal's echo of what we typed; triggers nothing.
    Echo,
}

/// One complete line of a pane.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineEvent {
    /// Where.
    pub pane: PaneKey,
    /// Position among this pane's lines since the supervisor attached; counts up, gaps allowed.
    pub seq: u64,
    /// The text, without escapes; cut at 64 KiB at a character border.
    pub text: String,
    /// How it was read.
    pub source: LineSource,
    /// Numbers of the policy patterns that match, ascending (`tmuxagent_policy::PatternId`); valid for `policy`.
    pub hits: Vec<u32>,
    /// The generation of the policy that `hits` belongs to.
    pub policy: u64,
    /// It has no end yet: the cursor stood behind it when the pane came to rest, as behind a question; or it stands on a screen
    /// that its program owns, where that is not known. How many lines the pane had ended by then: [`PaneReader::row`](super::PaneReader::row).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unended: Option<u64>,
    /// The agent's message on this line, if it holds one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<AgentMessage>,
    /// The program that was in front when the message was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub front: Option<Front>,
}

/// The types of the `### SENTRY {json}` protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum MessageType {
    /// A stage's result or progress.
    Status,
    /// A question to the human.
    Ask,
    /// Something went wrong.
    Error,
    /// The agent did or will do something.
    Action,
    /// For the record.
    Log,
}

/// A `### SENTRY {json}` line, or a bare JSON line of that protocol.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentMessage {
    /// Its type.
    #[serde(rename = "type")]
    pub kind: MessageType,
    /// The stage it speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<String>,
    /// Whether that stage went well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ok: Option<bool>,
    /// A sentence for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// With `ASK`: what is asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub question: Option<String>,
    /// With `ASK`: the answers to choose from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<String>,
    /// More text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The exit code, where the wrapper reports one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit: Option<i32>,
    /// What it gives to the inputs of a pipeline that it starts, by their names.
    #[serde(default, skip_serializing_if = "Variables::is_empty")]
    pub inputs: Variables,
}

impl AgentMessage {
    /// A message that says nothing yet.
    #[must_use]
    pub const fn new(kind: MessageType) -> Self {
        Self {
            kind,
            stage: None,
            ok: None,
            summary: None,
            question: None,
            options: Vec::new(),
            detail: None,
            exit: None,
            inputs: Variables::new(),
        }
    }
}

/// What a program says of itself (OSC 7501 "Program Status Protocol", OSC 9, OSC 777).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum ProgramState {
    /// It waits for input, nothing is going on.
    Idle,
    /// It works.
    Working,
    /// It finished what it was asked.
    Done,
    /// It waits for a human.
    Blocked {
        /// `permission`, `question` or `auth`, where it says so.
        kind: Option<String>,
        /// Its own words, untrusted.
        message: Option<String>,
    },
    /// It failed.
    Error,
    /// It takes its last report back.
    Clear,
    /// A desktop notification it asked for (OSC 9, OSC 777), untrusted text.
    Notification {
        /// The text.
        text: String,
    },
}

/// The facts of a pane that policies may match.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PaneFacts {
    /// Session name.
    pub session: String,
    /// Window name.
    pub window: String,
    /// `#{pane_title}`.
    pub title: String,
    /// The pane option `@tmuxagent_role`; empty when not set.
    pub role: String,
    /// `#{pane_current_command}`.
    pub command: String,
    /// `#{pane_current_path}`.
    pub path: String,
    /// The recognised agent (`codex`, `claude`, …); empty when it is none.
    pub agent: String,
}

impl PaneFacts {
    /// Passes every name through `clean`: what leaves the process or is kept is named without secrets. A fact that comes to
    /// be later does not compile before it is decided here.
    pub fn clean_texts(&mut self, clean: impl Fn(&str) -> String) {
        let Self { session, window, title, role, command, path, agent } = self;
        for text in [session, window, title, role, command, path, agent] {
            *text = clean(text);
        }
    }
}

/// A pane of the inventory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaneInfo {
    /// Its identity.
    pub key: PaneKey,
    /// Its session's id.
    pub session_id: SessionId,
    /// Its window's id.
    pub window_id: WindowId,
    /// Its window's index in the session.
    pub window_index: u32,
    /// Its index in the window.
    pub pane_index: u32,
    /// What policies match.
    pub facts: PaneFacts,
    /// Its process ended and the pane remains (`remain-on-exit`).
    pub dead: bool,
    /// It is in copy mode or another mode.
    pub in_mode: bool,
    /// Its program uses the alternate screen.
    pub alternate: bool,
    /// Columns.
    pub width: u16,
    /// Rows.
    pub height: u16,
}

impl PaneInfo {
    /// A living pane of 80×24 cells, the only one of its server, of which nothing else is known.
    #[must_use]
    pub const fn new(key: PaneKey, facts: PaneFacts) -> Self {
        Self {
            key,
            session_id: SessionId(0),
            window_id: WindowId(0),
            window_index: 0,
            pane_index: 0,
            facts,
            dead: false,
            in_mode: false,
            alternate: false,
            width: 80,
            height: 24,
        }
    }

    /// `local:%3`, the short form that people type.
    #[must_use]
    pub fn short(&self) -> String {
        format!("{}:{}", self.key.host, self.key.pane)
    }

    /// Where it is, for people: `session:window.pane`, behind `host/` unless it is a pane of this machine's own server.
    #[must_use]
    pub fn place(&self) -> String {
        let local = self.key.host == HostName::local();
        if local { self.target() } else { format!("{}/{}", self.key.host, self.target()) }
    }

    /// Where it is, with its id: windows may bear one name.
    #[must_use]
    pub fn told_place(&self) -> String {
        self.key.told(&self.place())
    }

    /// `session:window.pane`, as tmux writes targets; where the host is named beside it.
    #[must_use]
    pub fn target(&self) -> String {
        format!("{}:{}.{}", self.facts.session, self.facts.window, self.pane_index)
    }

    /// tmux's pane id.
    #[must_use]
    pub const fn id(&self) -> PaneId {
        self.key.pane
    }
}

/// The answer of one poll.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "poll", rename_all = "snake_case")]
pub enum PollOutcome {
    /// What was waited for is so; the condition holds.
    Met {
        /// The evidence, for people.
        detail: String,
    },
    /// It ended otherwise (a workflow's conclusion is `failure`); the condition can never hold.
    Failed {
        /// The evidence, for people.
        detail: String,
    },
    /// Not yet.
    Pending {
        /// The state now, for people.
        detail: String,
    },
    /// The question itself failed; it is asked again later.
    Error {
        /// Why.
        detail: String,
        /// Not before this instant, where the service said so.
        retry_at: Option<Timestamp>,
    },
}

/// How a supervisor-side shell command ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShellOutcome {
    /// Its exit code; `None` when it was killed (timeout, signal).
    pub exit: Option<i32>,
    /// The end of what it printed, at most 4 KiB.
    pub output: String,
}

/// Named values of a run: groups of matching lines, `set` actions.
pub type Variables = BTreeMap<String, String>;
