//! The frames of the socket, one JSON object per line in each direction.
//!
//! A view opens with [`Request::Hello`]. Each request has a number that its [`Reply`] repeats; pushes carry none.
//! An unknown request is answered by [`ErrorKind::UnknownRequest`], a known one with wrong parts by
//! [`ErrorKind::BadRequest`], and the connection goes on.

use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use tmuxagent_model::{
    AgentMessage, AgentRequest, AnswerRole, Approval, Command, Doubt, EventLine, HookReport, HostName, HumanCall,
    IntentId, PaneKey, PartChange, RunId, Snapshot, Timestamp, Via,
};

/// The version of this protocol; a view and a supervisor of different versions tell the user.
pub const PROTOCOL: u32 = 2;

/// The longest frame, bytes.
pub const MAX_FRAME: usize = 16 * 1024 * 1024;

/// From a view to the supervisor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestFrame {
    /// The number that the reply repeats.
    pub id: u64,
    /// What is asked.
    pub request: Request,
}

/// What a view asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "method", rename_all = "snake_case")]
pub enum Request {
    /// The first frame.
    Hello {
        /// [`PROTOCOL`] of the view.
        protocol: u32,
        /// The program's version.
        version: String,
        /// The surface that decisions of this connection are recorded with.
        via: Via,
        /// `$TMUX_PANE` of the view, so that the supervisor leaves that pane unread.
        pane: Option<String>,
        /// The tmux socket path of that pane (first field of `$TMUX`).
        tmux_socket: Option<String>,
    },
    /// One snapshot, now.
    Snapshot,
    /// Snapshots from now on, whenever something changed.
    Subscribe,
    /// The visible screen of a pane with colours, now and whenever it changed; `None` ends it.
    WatchPane {
        /// Which pane.
        pane: Option<PaneKey>,
    },
    /// A wish; answered when it is committed.
    Command {
        /// The wish.
        command: Command,
    },
    /// Events of the journal.
    Events {
        /// Only with a number above this.
        after: u64,
        /// At most so many, newest last.
        limit: u32,
        /// Stay and push new ones.
        follow: bool,
    },
    /// One approval, whole, also a closed one.
    Approval {
        /// Its identity, or a unique beginning of it.
        id: String,
    },
    /// Why a stage is in its state.
    Explain {
        /// A pane (`%3`, `host:%3`) or a run (`#12`).
        target: String,
    },
    /// Write down what the supervisor took in lately, so that it can be played back; without known secrets.
    Dump {
        /// Where: the absolute path of a file that does not exist.
        path: String,
    },
    /// These channels took a message that a command sent by itself, so what waits for them may go out.
    ChannelsWork {
        /// Their names.
        channels: Vec<String>,
    },
    /// Load configuration and policies again.
    Reload,
    /// The view leaves; what it watched is let go and its pane is read again. Also assumed when it just goes.
    Bye,
    /// End the supervisor.
    Shutdown,
    /// A wrapped command reports (start and end); see the `run` subcommand.
    Report {
        /// `$TMUX_PANE` of the wrapper.
        pane: String,
        /// The tmux socket path of that pane.
        tmux_socket: String,
        /// The stage it names.
        stage: Option<String>,
        /// The command line.
        command: String,
        /// `None` at its start.
        exit: Option<i32>,
        /// How long it took, milliseconds.
        duration_ms: u64,
    },
    /// An agent reports, as a `SENTRY` line does; it asks by [`Request::AskHuman`].
    Say {
        /// What.
        message: Box<AgentMessage>,
    },
    /// An agent asks a person; answered by the question. It stands as long as this connection does, and is decided as every
    /// other.
    AskHuman {
        /// What.
        asks: Box<HumanCall>,
    },
    /// An agent tells what it does, by a hook. Which agent that is the system tells: the one whose process started the one
    /// that speaks.
    Hook {
        /// What.
        report: HookReport,
    },
    /// An agent waits, by a hook, for the answer to what it asks in its dialog. Answered by [`Reply::Given`] once that is
    /// decided, and by [`Reply::Done`] where nobody waits for it any more; until then the connection stands.
    Await {
        /// What it asks.
        request: AgentRequest,
        /// Whether this very process waited for it before, at a supervisor that has ended since.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        again: bool,
    },
}

impl Request {
    /// Whether it wants something done, so that an answer which does not come leaves open whether it is.
    #[must_use]
    pub const fn is_wish(&self) -> bool {
        match self {
            Self::Command { .. }
            | Self::Reload
            | Self::Shutdown
            | Self::Report { .. }
            | Self::Say { .. }
            | Self::AskHuman { .. } => true,
            Self::Hello { .. }
            | Self::Snapshot
            | Self::Subscribe
            | Self::WatchPane { .. }
            | Self::Events { .. }
            | Self::Approval { .. }
            | Self::Explain { .. }
            | Self::Dump { .. }
            | Self::ChannelsWork { .. }
            | Self::Hook { .. }
            | Self::Await { .. }
            | Self::Bye => false,
        }
    }
}

/// A tmux server of the supervisor's machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WatchedServer {
    /// What the configuration calls it.
    pub host: HostName,
    /// The tmux program.
    pub program: String,
    /// Its socket, as the supervisor's own environment leads to it.
    pub socket: PathBuf,
}

/// From the supervisor to a view.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "frame", rename_all = "snake_case")]
pub enum ServerFrame {
    /// The answer to the request of that number.
    Reply {
        /// The request's number.
        id: u64,
        /// The answer.
        reply: Box<Reply>,
    },
    /// The newest snapshot.
    Snapshot {
        /// It.
        snapshot: Box<Snapshot>,
    },
    /// The visible screen of the watched pane.
    Screen {
        /// Which pane.
        pane: PaneKey,
        /// Rows with SGR colours only, untrusted text; from `capture-pane -e`.
        rows: Vec<String>,
    },
    /// New journal events for a following client.
    Events {
        /// They, oldest first.
        events: Vec<EventLine>,
    },
    /// The supervisor ends.
    Bye {
        /// Why.
        reason: String,
    },
}

/// An answer. Of a wish there are three kinds: done ([`Reply::Done`], [`Reply::Committed`]), not done and certainly so
/// ([`Reply::Error`]), and not certain ([`Reply::Uncertain`]).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reply", rename_all = "snake_case")]
pub enum Reply {
    /// To `Hello`.
    Hello {
        /// [`PROTOCOL`] of the supervisor.
        protocol: u32,
        /// Its version.
        version: String,
        /// Its process.
        pid: u32,
        /// The configuration file it runs with.
        config: String,
        /// Since when it runs.
        started_at: Timestamp,
        /// The tmux servers of its machine that it watches; none when it is of an earlier version.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        servers: Vec<WatchedServer>,
    },
    /// The request is done.
    Done,
    /// To `Await`: the answer that was decided.
    Given {
        /// What it means.
        role: AnswerRole,
        /// Its words, as the dialog shows them.
        label: String,
    },
    /// A snapshot.
    Snapshot {
        /// It.
        snapshot: Box<Snapshot>,
    },
    /// Configuration and policies were loaded again.
    Reloaded {
        /// How many pipelines there are now.
        pipelines: usize,
        /// What is not as it was.
        changes: Vec<PartChange>,
    },
    /// A command was committed; what it led to.
    Committed {
        /// The intents it created.
        intents: Vec<IntentId>,
        /// The run it concerned.
        run: Option<RunId>,
        /// One sentence.
        text: String,
    },
    /// Journal events.
    Events {
        /// They, oldest first.
        events: Vec<EventLine>,
    },
    /// An approval.
    Approval {
        /// It.
        approval: Box<Approval>,
    },
    /// An explanation.
    Explanation {
        /// As values; the readable form is made of them.
        runs: Vec<serde_json::Value>,
    },
    /// Nobody can say yet whether it is done.
    Uncertain {
        /// Why.
        doubt: Doubt,
    },
    /// It was not done, and nothing will happen.
    Error {
        /// The kind; scripts test it.
        kind: ErrorKind,
        /// One sentence: what, where, what to do.
        text: String,
    },
}

/// Why a request was not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    /// No such pane, run, approval, stage.
    NotFound,
    /// The name fits several.
    Ambiguous,
    /// Somebody was first: the approval is decided.
    AlreadyDecided,
    /// It has changed since the view saw it.
    Stale,
    /// It is not possible in this state.
    Refused,
    /// The supervisor ends, and did not begin with it.
    Ending,
    /// The request's parts are wrong.
    BadRequest,
    /// This supervisor does not know that request.
    UnknownRequest,
    /// The supervisor itself failed.
    Internal,
}

#[cfg(test)]
mod tests {
    const PAGE: &str = include_str!("../../../docs/socket.md");
    const SOURCE: &str = include_str!("wire.rs");

    /// The variants of an enum of this file, as serde writes them.
    fn words(name: &str) -> Vec<String> {
        let body = SOURCE.split(&format!("pub enum {name} {{\n")).nth(1).unwrap().split("\n}\n").next().unwrap();
        let variants =
            body.lines().filter_map(|line| line.strip_prefix("    ").filter(|rest| !rest.starts_with([' ', '/', '}'])));
        let snake = |variant: &str| {
            let name: String = variant.chars().take_while(|c| c.is_ascii_alphanumeric()).collect();
            let signs = name
                .char_indices()
                .flat_map(|(at, c)| [(at > 0 && c.is_ascii_uppercase()).then_some('_'), Some(c.to_ascii_lowercase())]);
            signs.flatten().collect::<String>()
        };
        variants.map(snake).filter(|word| !word.is_empty()).collect()
    }

    #[test]
    fn the_page_about_the_socket_names_every_word_of_it() {
        for (name, least) in [("Request", 15), ("Reply", 10), ("ServerFrame", 4), ("ErrorKind", 8)] {
            let words = words(name);
            assert!(words.len() >= least, "{name}: {words:?}");
            for word in words {
                assert!(PAGE.contains(&format!("`{word}`")) || PAGE.contains(&format!("\"{word}\"")), "{name}: {word}");
            }
        }
        assert!(PAGE.contains(&format!("version is **{}**", super::PROTOCOL)));
    }
}
