//! What is watched, and how.

use super::Transport;
use super::proto::Version;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use tmuxagent_agents::Recogniser;
use tmuxagent_lines::{Anchor, Reading};
use tmuxagent_model::{
    BlockLine, Front, HostName, LineBlock, Millis, NameFilter, Origin, Owner, PaneFacts, PaneId, PaneInfo, PaneKey,
};

/// One machine to watch.
#[derive(Debug, Clone)]
pub struct HostSpec {
    /// Its name in the configuration.
    pub name: HostName,
    /// The way to its tmux.
    pub transport: Transport,
    /// Sessions to watch, by name; empty: all.
    pub session_filters: NameFilter,
    /// Panes to watch, by window name or pane title; empty: all.
    pub pane_name_patterns: NameFilter,
    /// How many lines of history are read to close a gap.
    pub capture_lines: u32,
    /// The rhythm of polling where control mode can't be used.
    pub poll_interval: Millis,
    /// Who we are. Control clients that a killed supervisor left behind are known by [`Owner::instance`], and so is its
    /// claim on the server.
    pub owner: Owner,
    /// The supervisor watches other hosts too, one of which may be the same server under another name.
    pub has_siblings: bool,
    /// A folder that is the user's alone, for the socket over which panes' pipes are handed over (this machine's host).
    pub scratch: Option<PathBuf>,
    /// This program, which tmux starts to hand a pipe over ([`super::serve`]). Without it, or without the folder, panes are
    /// read by repeated captures.
    pub program: Option<PathBuf>,
    /// Use nothing that a tmux newer than this brought.
    pub ceiling: Option<Version>,
    /// Panes to leave unread from the start; see [`super::HostHandle::exclude`].
    pub excluded: Vec<PaneId>,
    /// Gives the name of the agent in a pane, empty for none; what it finds becomes [`PaneFacts::agent`].
    pub recognise: fn(&PaneFacts) -> String,
    /// How agents are recognised by their processes and screens; none: no agent is.
    pub agents: Arc<[Recogniser]>,
    /// Pipelines with an open run, by pane ([`super::HostHandle::runs_in`]).
    pub running: HashMap<PaneKey, Vec<String>>,
    /// Where observation stood in an earlier life ([`super::HostMessage::Position`]).
    pub remembered: HashMap<PaneKey, Position>,
    /// Takes what panes print, whether a rule looks for it or not.
    pub tape: Option<Arc<dyn Tape>>,
}

/// Takes everything that panes print, in its order. It is called where the panes are read, so it must never wait.
pub trait Tape: fmt::Debug + Send + Sync {
    /// A pane is watched from now on, or its facts changed. `wish` is its option `@tmuxagent_record`, mostly empty.
    fn seen(&self, pane: &PaneInfo, wish: &str);
    /// A pane is not watched any more.
    fn gone(&self, pane: &PaneKey);
    /// A pane printed something.
    fn told(&self, pane: &PaneKey, reading: &Reading<'_>);
    /// A pane's program printed lines without a message, one below the other.
    fn lines(&self, pane: &PaneKey, block: &LineBlock) {
        for BlockLine { text, seen, source } in block.lines() {
            self.told(pane, &Reading::Line { text, seen, source, origin: Origin::Program, message: None });
        }
    }
}

impl HostSpec {
    /// Watches everything, with 2000 lines of history; `instance` as [`Owner::instance`].
    #[must_use]
    pub fn new(name: HostName, transport: Transport, instance: impl Into<String>) -> Self {
        Self {
            name,
            transport,
            session_filters: NameFilter::default(),
            pane_name_patterns: NameFilter::default(),
            capture_lines: 2000,
            poll_interval: Millis(1500),
            owner: super::this_process(instance),
            has_siblings: false,
            scratch: None,
            program: None,
            ceiling: None,
            excluded: Vec::new(),
            recognise: |_| String::new(),
            agents: Arc::new([]),
            running: HashMap::new(),
            remembered: HashMap::new(),
            tape: None,
        }
    }

    /// Tells the tape something, where there is one.
    pub(super) fn on_tape(&self, tell: impl FnOnce(&dyn Tape)) {
        if let Some(tape) = &self.tape {
            tell(tape.as_ref());
        }
    }

    /// Whether a pane is to be watched.
    #[must_use]
    pub fn chooses(&self, session: &str, window: &str, title: &str) -> bool {
        self.session_filters.holds([session]) && self.pane_name_patterns.holds([window, title])
    }
}

/// Where the observation of a pane stood. Kept by the supervisor over a restart.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Position {
    /// The last lines of the stream.
    pub anchor: Anchor,
    /// The last seen rows of a program that owns the screen; empty otherwise.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub screen: Vec<String>,
    /// Lines that we typed and whose echo was still to come.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub echoes: Vec<String>,
    /// What is known of the prompts of its shell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompts: Option<KnownPrompts>,
}

/// What is known of the prompts of one shell.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct KnownPrompts {
    /// The shell: another life of it, or another one, may show something else.
    pub shell: Front,
    /// Their last rows, up to the cursor, as they were learned from the screen.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub learned: Vec<String>,
    /// Those that the shell itself told.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub told: Vec<String>,
}
