//! tmux: the control-mode connection of one host, its panes, and keys sent by compare-and-send.
//!
//! [`watch`] observes one host on a thread of its own and tells what happens as [`HostMessage`]s in one ordered queue:
//! a line that stands before a send's outcome was printed before the keys were typed.
//!
//! `core` is the pure heart of the collector, `shell` what acts for it, `proto` what is said to and by tmux.
//!
//! **Invariants**, because the server belongs to the user:
//! - Control clients are attached one after another, after half a second in which nothing happened among the sessions
//!   (that can crash tmux before 3.7), with `-E` (his environment stays), `-N` (no server is started), `ignore-size`;
//!   never with a size, never killed before their first answer, and kept as long as their session lives.
//! - On this machine no client gets the output of a pane, and none is attached to a session of his.
//! - Somebody always reads a pane's pipe: what nobody reads tmux keeps in its memory without bound.
//! - Only a pipe that is certainly ours is replaced or closed.
//! - Nothing of his is changed. What is set carries the prefix `@tmuxagent_`: the server's identity, who types there with
//!   the lease of that, the marks of our clients, each pane's last intent. An orderly end takes it away again.
//! - Only whoever has claimed the server types ([`proto::Token`]).

mod core;
pub mod proto;
mod refusal;
mod shell;
mod spec;
mod transport;

pub use refusal::Refusal;
pub use shell::{
    CodexServer, claude_session_of, codex_server_of, is_alive, line_of, look_takes, opencode_port_of, processes, serve,
    this_process,
};
pub use spec::{HostSpec, KnownPrompts, Position, Tape};
pub use transport::{Socket, SshTarget, Transport, shell_word};

use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::sync::Arc;
use tmuxagent_agents::{Recogniser, ThreadTold};
use tmuxagent_clock::Clock;
use tmuxagent_errand::{Ending, Errand};
use tmuxagent_model::{
    AgentStatus, Awaited, Event, HookTold, HostName, HostState, IntentId, OpenQuestion, Owner, PaneId, PaneKey,
    PaneReader, RequestNews, ServerId, Timestamp,
};
use tmuxagent_policy::Policy;
use tokio::sync::{mpsc, oneshot, watch as latest};

/// What a host tells, in one order.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum HostMessage {
    /// `PaneSeen`, `PaneGone`, `HostLost`, `Line`, `Activity`, `Gap`, `Program`, `ShellMarks`, `CommandBegan`,
    /// `Foreground` or `CommandEnded`.
    Event(Event),
    /// An errand has its outcome.
    #[serde(skip)]
    Ended(Ending),
    /// How the host is observed now.
    Status {
        /// The state.
        state: HostState,
        /// The server's version as it writes it; empty when not known.
        version: String,
        /// One sentence for people: why, and what happens next. Empty when there is nothing to say.
        detail: String,
    },
    /// Who types there from now on: another supervisor, or this one under another name; `None`: this host. Told before
    /// anything of the panes, unless it is this host from the start.
    Claim(Option<Box<Owner>>),
    /// Those who had the server before left open what [`Owner::asks`] names, of panes of that server. Told before the
    /// [`HostMessage::Claim`] that follows, and again in the next life until [`HostHandle::left_is_told`].
    Left {
        /// The server.
        server: ServerId,
        /// They.
        owners: Vec<Owner>,
    },
    /// What a pane's program printed since it was last told, oldest first, at most [`tmuxagent_model::PRINTED`] lines: before
    /// the events that follow from them, and with the surface. Shown to people, never a reason for anything.
    Printed {
        /// Where.
        pane: PaneKey,
        /// The lines, each cut; untrusted, without escapes.
        lines: Vec<String>,
    },
    /// What changed on the panes' surface: at most ten times a second, and only when there is room in the queue.
    Panes(Vec<PaneLive>),
    /// Something that should be a message of the agent protocol can't be read.
    Malformed {
        /// Where.
        pane: PaneKey,
        /// Why.
        error: tmuxagent_model::Malformed,
    },
    /// The visible screen of a pane that a view looks at, with its colours as SGR sequences; at most ten times a
    /// second, on change.
    Screen {
        /// Where.
        pane: PaneKey,
        /// Its rows, top to bottom.
        rows: Vec<String>,
    },
    /// The next send of a pane waits for another reader, or waits no more.
    Awaits {
        /// Where.
        pane: PaneKey,
        /// What waits, and who reads instead.
        awaited: Option<Box<Awaited>>,
    },
    /// Where the observation of a pane stands. To be kept, and given back as [`HostSpec::remembered`] at the next
    /// start; all events before this message belong to what is before the position.
    Position {
        /// Where.
        pane: PaneKey,
        /// The position.
        position: Position,
    },
}

/// What the screens show of a pane beside its facts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaneLive {
    /// Which pane.
    pub pane: PaneKey,
    /// Its title now; agents turn a wheel in it, which is no event unless the policy matches titles.
    pub title: String,
    /// When it last printed.
    pub last_output: Option<Timestamp>,
    /// The beginning of its last line; untrusted, without escapes.
    pub last_line: String,
    /// Lines read since it is watched.
    pub lines: u64,
    /// Bytes read since it is watched.
    pub bytes: u64,
    /// Who reads its keys.
    #[serde(default)]
    pub reader: PaneReader,
    /// What the agent in it does, where one is recognised by its process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<Box<AgentStatus>>,
}

/// What the supervisor asks of a host.
#[derive(Debug)]
pub(crate) enum Request {
    Take(Box<Errand>),
    Withdraw(IntentId),
    Release(PaneKey),
    Freeze(bool),
    WatchScreens(Vec<PaneKey>),
    RunsIn(PaneKey, Vec<String>),
    Asks(Vec<OpenQuestion>),
    LeftIsTold,
    Hook(PaneKey, Box<HookTold>),
    Agent(PaneKey, Box<RequestNews>),
    Thread(PaneKey, Box<ThreadTold>),
    Recognise(Arc<[Recogniser]>),
    Exclude(PaneId),
    Include(PaneId),
    Gone(BTreeSet<HostName>),
    Shutdown(oneshot::Sender<()>),
}

/// The way to ask something of a watched host. Dropping it ends the observation, as [`HostHandle::shutdown`] does.
#[derive(Debug, Clone)]
pub struct HostHandle {
    requests: mpsc::UnboundedSender<Request>,
}

impl HostHandle {
    /// Types keys, or submits a prompt. The outcome comes as [`HostMessage::Ended`]; when this host ends first, or the
    /// errand is none that is typed, it comes home.
    ///
    /// One that may have been begun is settled: it is typed unless the pane's mark shows that it was. Where the pane is
    /// gone, nobody can know: [`tmuxagent_model::Outcome::Unknown`].
    ///
    /// Sends to one pane are queued: after an outcome the next waits for [`HostHandle::release`], because a pane
    /// remembers only the last mark.
    pub fn take(&self, errand: Errand) {
        self.ask(Request::Take(Box::new(errand)));
    }

    /// Whether the host has ended, by a fault of its own where nobody asked for it.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.requests.is_closed()
    }

    /// Gives up a send that is not wanted any more; where nothing of it was typed yet, nothing will be.
    pub fn withdraw(&self, intent: IntentId) {
        self.ask(Request::Withdraw(intent));
    }

    /// The last outcome of that pane is committed: its next send may start.
    pub fn release(&self, pane: PaneKey) {
        self.ask(Request::Release(pane));
    }

    /// Whatever waits in a lane is not typed from now on, or again: the freeze holds back what was handed over before it, too.
    pub fn freeze(&self, frozen: bool) {
        self.ask(Request::Freeze(frozen));
    }

    /// Shows the screens of these panes from now on ([`HostMessage::Screen`]), and of no others. A pane that is named
    /// again is told as a whole once more, for a view that came later.
    pub fn watch_screens(&self, panes: Vec<PaneKey>) {
        self.ask(Request::WatchScreens(panes));
    }

    /// These pipelines have an open run in a pane, so that their lines matter there even when its window is renamed.
    pub fn runs_in(&self, pane: PaneKey, pipelines: Vec<String>) {
        self.ask(Request::RunsIn(pane, pipelines));
    }

    /// This is asked about stages there. It stands on the server, for whoever takes it over when this supervisor is gone.
    pub fn asks(&self, asks: Vec<OpenQuestion>) {
        self.ask(Request::Asks(asks));
    }

    /// What those before had asked is told, and that is written down.
    pub fn left_is_told(&self) {
        self.ask(Request::LeftIsTold);
    }

    /// An agent in a pane tells something by a hook. It is weighed with the next look at the pane, if that agent still reads
    /// there.
    pub fn hook(&self, pane: PaneKey, told: Box<HookTold>) {
        self.ask(Request::Hook(pane, told));
    }

    /// A request of an agent in a pane waits for its answer, or does no more.
    pub fn agent_request(&self, pane: PaneKey, news: Box<RequestNews>) {
        self.ask(Request::Agent(pane, news));
    }

    /// The server of a pane's agent tells something of a conversation in that agent's folder. It is weighed with the next look.
    pub fn thread(&self, pane: PaneKey, told: Box<ThreadTold>) {
        self.ask(Request::Thread(pane, told));
    }

    /// Recognises agents by these from now on.
    pub fn recognise_by(&self, recognisers: Arc<[Recogniser]>) {
        self.ask(Request::Recognise(recognisers));
    }

    /// Leaves a pane unread: a view of ours runs there, and reading it would feed on itself.
    pub fn exclude(&self, pane: PaneId) {
        self.ask(Request::Exclude(pane));
    }

    /// Under these names this supervisor watches nothing any more: what it claimed so is free for this host.
    pub fn names_are_gone(&self, names: BTreeSet<HostName>) {
        self.ask(Request::Gone(names));
    }

    /// Reads a pane again that was left unread.
    pub fn include(&self, pane: PaneId) {
        self.ask(Request::Include(pane));
    }

    /// Ends the observation: positions are told, clients leave, and the queue is closed.
    pub async fn shutdown(self) {
        let (done, ended) = oneshot::channel();
        self.ask(Request::Shutdown(done));
        // An error means that the host has ended already.
        let _ = ended.await;
    }

    fn ask(&self, request: Request) {
        // A host that has ended answers nothing, and its queue is closed; an errand for it comes home.
        let _ = self.requests.send(request);
    }
}

/// Observes a host until its handle is dropped or shut down, on a thread of its own.
///
/// `out` is the one queue of what it tells. When it is full the host keeps what must not be lost and goes on reading.
///
/// # Errors
/// When no thread can be started.
pub fn watch(
    spec: HostSpec,
    mut policy: latest::Receiver<Arc<Policy>>,
    out: mpsc::Sender<HostMessage>,
    clock: Clock,
) -> std::io::Result<HostHandle> {
    let name = format!("host {}", spec.name);
    let (requests, incoming) = mpsc::unbounded_channel();
    let (ready, made) = std::sync::mpsc::channel();
    // Made within its thread: where there is no thread, a runtime could not be dropped in the middle of another one.
    let run = move || match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => {
            let _ = ready.send(Ok(()));
            runtime.block_on(async move {
                let shell = shell::Shell::new(spec, &mut policy, out, clock);
                shell.run(incoming, policy).await;
            });
        }
        Err(error) => drop(ready.send(Err(error))),
    };
    std::thread::Builder::new().name(name).spawn(run)?;
    made.recv().unwrap_or_else(|_| Err(std::io::Error::other("its thread ended")))?;
    Ok(HostHandle { requests })
}
