//! What the heart asks of the world.

use super::hosts::Life;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use tmuxagent_config::HostConfig;
use tmuxagent_ipc::hub::PaneScreen;
use tmuxagent_ipc::wire::Reply;
use tmuxagent_model::{EventLine, HookTold, HostName, Intent, IntentId, OpenQuestion, PaneId, PaneKey, RequestNews};
use tmuxagent_tmux::Position;

/// A request that is to be answered; a number that its asker gave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Ticket(pub u64);

/// A collector that is to be started.
#[derive(Debug, Clone, PartialEq)]
pub struct HostStart {
    /// Its number.
    pub life: Life,
    /// How the host is reached, and what of it is watched.
    pub config: HostConfig,
    /// More than one host is configured.
    pub has_siblings: bool,
    /// Panes in which our own views run.
    pub excluded: BTreeSet<PaneId>,
    /// The pipelines with an open run in each pane.
    pub running: BTreeMap<PaneKey, Vec<String>>,
    /// Where an earlier observation of each pane stood.
    pub remembered: BTreeMap<PaneKey, Position>,
}

/// Something to do, in this order.
#[derive(Debug, Clone, PartialEq)]
pub enum Act {
    /// Start a collector; what it tells comes as [`super::Input::Host`], its end as [`super::Input::HostEnded`], a failure to
    /// start as [`super::Input::HostNotStarted`].
    StartHost(Box<HostStart>),
    /// Let a collector hand over what it has, and end.
    EndHost(Life),
    /// Type keys or a prompt by that collector. The outcome comes as [`super::Input::Ended`]; one that can't get there
    /// comes as [`super::Input::CameBack`].
    Type {
        /// The collector.
        life: Life,
        /// What.
        intent: Intent,
        /// It may have been typed before.
        begun: bool,
    },
    /// Do something beside the panes: a command, a question to a service. Comes back as for [`Act::Type`].
    Perform(Intent),
    /// An outcome is stored: the pane's next send may start.
    Release(Life, PaneKey),
    /// A send is not wanted any more.
    Withdraw(Life, IntentId),
    /// Nothing is typed from now on, or again.
    Freeze(Life, bool),
    /// Show the screens of these panes, and of no others.
    WatchScreens(Life, Vec<PaneKey>),
    /// These pipelines have an open run in a pane.
    RunsIn(Life, PaneKey, Vec<String>),
    /// This is asked about stages there: told to whoever takes the server over.
    Asks(Life, Vec<OpenQuestion>),
    /// What was left open there by those before is told.
    LeftIsTold(Life),
    /// Weigh what an agent in a pane tells by a hook.
    Hook(Life, PaneKey, Box<HookTold>),
    /// A request of an agent in a pane waits for its answer, or does no more.
    Request(Life, PaneKey, Box<RequestNews>),
    /// Leave a pane unread: a view of ours draws there.
    Exclude(Life, PaneId),
    /// Read it again.
    Include(Life, PaneId),
    /// Under these names nothing is watched any more, and no collector has still to hand over: what was claimed by them is free.
    Gone(Life, BTreeSet<HostName>),
    /// Answer a request.
    Answer(Ticket, Reply),
    /// Tell the followers of the journal; these lines are stored.
    Publish(Vec<EventLine>),
    /// Show views the screen of a pane.
    Show(PaneScreen),
    /// Messages may be waiting, or are not needed any more.
    WakeOutbox,
}
