//! What connections share, and what they hand to the supervisor's one loop.

use super::seats::Seats;
use super::wire::{Reply, Request};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;
use tmuxagent_clock::Clock;
use tmuxagent_model::{Decider, EventLine, PaneKey, Snapshot, Via};
use tokio::sync::{broadcast, mpsc, oneshot, watch};

/// A view that takes no byte for this long while something waits for it is cut.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// Who is at the other end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Peer {
    /// The connection's number; unique within one supervisor.
    pub connection: u64,
    /// The user's name.
    pub who: String,
    /// The names that are vouched for, where that is none; see [`Decider::vouched`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vouched: Option<Vec<String>>,
    /// The surface.
    pub via: Via,
    /// The view's own pane, which is left unread.
    pub pane: Option<String>,
    /// The tmux socket of that pane.
    pub tmux_socket: Option<String>,
    /// Its process, as the system tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
}

impl Peer {
    /// As one who acts.
    #[must_use]
    pub fn decider(&self) -> Decider {
        Decider { who: self.who.clone(), via: self.via, vouched: self.vouched.clone() }
    }
}

/// A request on its way to the one loop. A dropped `reply` reads as an internal error.
#[derive(Debug)]
pub struct Call {
    /// Who asks.
    pub peer: Peer,
    /// What.
    pub request: Request,
    /// Where the answer goes.
    pub reply: oneshot::Sender<Reply>,
}

/// The visible screen of a watched pane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaneScreen {
    /// Which pane.
    pub pane: PaneKey,
    /// Its rows.
    pub rows: Vec<String>,
}

/// What all connections share.
#[derive(Debug, Clone)]
pub struct Hub {
    /// Requests to the one loop. Bounded: a view waits, the loop does not.
    pub calls: mpsc::Sender<Call>,
    /// The newest snapshot.
    pub snapshots: watch::Receiver<Arc<Snapshot>>,
    /// The time that snapshots are told in.
    pub clock: Clock,
    /// Screens of watched panes; lagging views miss old ones.
    pub screens: broadcast::Sender<Arc<PaneScreen>>,
    /// Journal lines as they are committed; lagging followers read them again from the journal.
    pub events: broadcast::Sender<Arc<Vec<EventLine>>>,
    /// The answer to a hello, which names the configuration in force.
    pub hello: watch::Receiver<Arc<Reply>>,
    /// The name that decisions over this socket are recorded with.
    pub user: Arc<str>,
    /// Set when the supervisor ends, to the reason.
    pub closing: watch::Receiver<Option<String>>,
    /// Numbers connections.
    pub connections: Arc<AtomicU64>,
    /// Which of them are silent.
    pub seats: Seats,
}
