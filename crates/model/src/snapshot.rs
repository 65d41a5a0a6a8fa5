//! What views show: one whole picture with a generation number. The newest wins.

use super::{
    AgentStatus, Approval, Awaited, HostName, IntentId, Note, Owner, PaneInfo, PaneKey, PaneReader, RunId, Severity,
    Timestamp, Undo,
};
use serde::{Deserialize, Serialize};

/// `Waiting → (NeedsApproval →) Starting → Running → Succeeded | Failed → Retrying | Asking | Escalated | Skipped | Cancelled`;
/// a gate that is not opened: `NeedsApproval → Rejected | Expired`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StageState {
    /// Its trigger has not fired in this run.
    Waiting,
    /// Its gate waits for a human, or for the lock that another run holds.
    NeedsApproval,
    /// Its lock is held by another run.
    Queued,
    /// Its actions are being performed; output does not count for it yet.
    Starting,
    /// It runs; output counts.
    Running,
    /// It failed and will be tried again after a pause.
    Retrying,
    /// It failed and a human is asked what to do.
    Asking,
    /// It succeeded.
    Succeeded,
    /// It failed for good.
    Failed,
    /// It failed and was handed on.
    Escalated,
    /// It was left out.
    Skipped,
    /// It was ended by a human, or its pane is gone.
    Cancelled,
    /// A human said no to its gate.
    Rejected,
    /// Nobody answered its gate in time.
    Expired,
}

impl StageState {
    /// Whether the stage occupies its run: at most one stage of a run does.
    #[must_use]
    pub const fn is_live(self) -> bool {
        match self {
            Self::NeedsApproval | Self::Queued | Self::Starting | Self::Running | Self::Retrying | Self::Asking => true,
            Self::Waiting
            | Self::Succeeded
            | Self::Failed
            | Self::Escalated
            | Self::Skipped
            | Self::Cancelled
            | Self::Rejected
            | Self::Expired => false,
        }
    }

    /// Whether an attempt of the stage has begun and goes on, or is about to.
    #[must_use]
    pub const fn is_under_way(self) -> bool {
        matches!(self, Self::Starting | Self::Running | Self::Retrying | Self::Asking)
    }

    /// Whether the stage has ended in this run.
    #[must_use]
    pub const fn is_ended(self) -> bool {
        !self.is_live() && !matches!(self, Self::Waiting)
    }
}

/// Where a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    /// A stage is live, or a later one may still be triggered.
    Open,
    /// Every stage that could run ended well.
    Succeeded,
    /// A stage failed for good.
    Failed,
    /// A human ended it, or its pane is gone.
    Cancelled,
    /// A human said no to one of its stages.
    Rejected,
    /// Nobody decided about one of its stages in time.
    Expired,
}

/// A stage as views show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageView {
    /// Its name.
    pub name: String,
    /// Where it stands.
    pub state: StageState,
    /// The attempt, from 1; 0 before the first.
    pub attempt: u32,
    /// The most attempts that the policy allows.
    pub max_attempts: u32,
    /// When the present attempt began.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// When the next timer of it comes due (retry, time limit).
    pub due_at: Option<Timestamp>,
    /// What it waits for, or the line that ended it.
    pub detail: String,
    /// The round of its loop, from 1; 0 where it stands in none, or has not begun.
    #[serde(default)]
    pub round: u32,
    /// How many rounds are allowed; 0 where it stands in no loop.
    #[serde(default)]
    pub rounds: u32,
    /// The pane that it acts in, where that is another one than the run's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pane: Option<PaneKey>,
    /// `session:window.pane` of that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// How many of its attempts are beyond those of the policy, and who allowed them last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub more: Option<(u32, String)>,
    /// Whether a question about it is open that its state does not tell: its command asks something, or has ended and nobody can
    /// say how.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub asks: bool,
    /// The yes to what it asked, as long as that can be taken back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undo: Option<Undo>,
}

impl StageView {
    /// The detail of a stage to which its run did not come.
    pub const NOT_REACHED: &str = "not reached";

    /// Whether its run ended before it came to this stage, which still counts as waiting.
    #[must_use]
    pub fn is_not_reached(&self) -> bool {
        self.state == StageState::Waiting && self.detail == Self::NOT_REACHED
    }

    /// The state by which it is shown: one about which a question is open waits for somebody, whatever its attempt does, and one
    /// whose yes can still be taken back only for that time to end.
    #[must_use]
    pub const fn shown_state(&self) -> StageState {
        match (self.asks, &self.undo) {
            (true, _) => StageState::Asking,
            (false, Some(_)) => StageState::Queued,
            (false, None) => self.state,
        }
    }

    /// Whether it failed for good.
    #[must_use]
    pub const fn ended_badly(&self) -> bool {
        matches!(self.state, StageState::Failed | StageState::Escalated)
    }

    /// The attempt of a stage that is tried more than once, as `2/3`. Each round of a loop counts as an attempt too: where no
    /// retry is left, the round says it all.
    #[must_use]
    pub fn told_attempt(&self) -> Option<String> {
        let only_rounds = self.round > 1 && self.attempt >= self.max_attempts;
        let told = self.max_attempts > 1 && self.attempt > 0 && !only_rounds;
        told.then(|| format!("{}/{}", self.attempt, self.max_attempts))
    }
}

/// A value that whoever starts a pipeline gives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputView {
    /// Its name.
    pub name: String,
    /// What it is where none is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
    /// What it can be, where that is one of a few.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<String>,
    /// It is a number or a version.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub number: bool,
}

/// A pipeline on a pane, with its present or last run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunView {
    /// The pipeline.
    pub pipeline: String,
    /// The pane.
    pub pane: PaneKey,
    /// `session:window.pane`.
    pub place: String,
    /// The run, once there is one.
    pub run: Option<RunId>,
    /// Where it stands; `None` before the first run.
    pub state: Option<RunState>,
    /// Its stages in the policy's order.
    pub stages: Vec<StageView>,
    /// What is given at its start.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inputs: Vec<InputView>,
    /// When it began.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// The last line that the stage printed which began last, while that is known: untrusted text without escapes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_line: Option<String>,
}

impl RunView {
    /// Whether it goes on: one in which a stage failed and nothing goes on waits for what may never come.
    #[must_use]
    pub fn goes_on(&self) -> bool {
        let live = || self.stages.iter().any(|stage| stage.state.is_live());
        self.state == Some(RunState::Open) && (live() || !self.stages.iter().any(StageView::ended_badly))
    }

    /// Whether whatever is live in it waits for somebody's answer, so that nothing of it runs.
    #[must_use]
    pub fn only_asks(&self) -> bool {
        let asks = |stage: &StageView| matches!(stage.shown_state(), StageState::NeedsApproval | StageState::Asking);
        let mut live = self.stages.iter().filter(|stage| stage.state.is_live()).peekable();
        live.peek().is_some() && live.all(asks)
    }

    /// Whether it failed, or is as good as failed until somebody does something. What somebody rejected, cancelled or left
    /// undecided did not fail.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.state == Some(RunState::Failed) || (self.state == Some(RunState::Open) && !self.goes_on())
    }

    /// Where, with the pane's id.
    #[must_use]
    pub fn told_place(&self) -> String {
        self.pane.told(&self.place)
    }
}

/// What a pane is doing, most pressing first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PaneState {
    /// A human must decide something here.
    NeedsApproval,
    /// Its stage failed for good, or its program says so.
    Failed,
    /// A stage retries.
    Retrying,
    /// A stage runs, or its program works.
    Running,
    /// Its program says that it is done.
    Done,
    /// Nothing is going on.
    Idle,
    /// Its host can't be observed.
    Stale,
    /// Its process ended.
    Dead,
}

/// A pane as views show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaneView {
    /// The inventory's facts.
    pub info: PaneInfo,
    /// What it is doing.
    pub state: PaneState,
    /// When it last printed something, to the second.
    pub last_output: Option<Timestamp>,
    /// Its last line, untrusted text without escapes.
    pub last_line: String,
    /// Pipelines that apply to it.
    pub pipelines: Vec<String>,
    /// Who reads its keys.
    #[serde(default)]
    pub reader: PaneReader,
    /// What the agent in it does, where one is recognised by its process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<Box<AgentStatus>>,
    /// What waits there for another reader.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub awaited: Option<Box<Awaited>>,
}

/// How a host is observed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HostState {
    /// A first attempt is under way.
    Connecting,
    /// Control mode: events as they happen.
    Live,
    /// Read by polling: the server is too old, or control mode failed.
    Polling,
    /// Read, and another supervisor types there: nothing is triggered, asked or typed.
    Watching,
    /// It is a server that is watched under another name already.
    Same,
    /// No tmux server runs there.
    NoServer,
    /// It can't be reached; retried.
    Unreachable,
}

/// A host as views show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostView {
    /// Its name.
    pub name: HostName,
    /// How it is observed.
    pub state: HostState,
    /// Since when.
    pub since: Timestamp,
    /// tmux's version there, as the server says.
    pub version: String,
    /// One sentence: why, and what happens next.
    pub detail: String,
    /// The supervisor that types there, where it is not this one; or this one, where it does so under another name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<Box<Owner>>,
}

impl HostState {
    /// Whether the panes there are seen.
    #[must_use]
    pub const fn is_observed(self) -> bool {
        match self {
            Self::Live | Self::Polling | Self::Watching => true,
            Self::Connecting | Self::Same | Self::NoServer | Self::Unreachable => false,
        }
    }
}

/// The freeze switch, when it is on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Freeze {
    /// Since when.
    pub since: Timestamp,
    /// Who switched it on.
    pub by: String,
}

/// Something that would have been sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldSend {
    /// The effect's intent.
    pub intent: IntentId,
    /// Where, for people.
    pub place: String,
    /// The pane, where it is for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pane: Option<PaneKey>,
    /// What, one line.
    pub text: String,
    /// Since when it waits.
    pub at: Timestamp,
    /// Who reads there, where it waits for another reader and not for the end of the freeze.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reader: Option<Box<PaneReader>>,
}

impl HeldSend {
    /// Where, with the pane's id.
    #[must_use]
    pub fn told_place(&self) -> String {
        self.pane.as_ref().map_or_else(|| self.place.clone(), |pane| pane.told(&self.place))
    }
}

/// A line of the event list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventLine {
    /// Its number in the journal.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// How much it matters.
    pub severity: Severity,
    /// Where, for people; empty when it concerns all.
    pub place: String,
    /// What.
    pub note: Note,
}

/// A part that fails now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// The failing part: `policy`, `config`, `store`, `host nas`, `channel wecom`.
    pub part: String,
    /// What is wrong and what to do.
    pub text: super::Trouble,
    /// Since when.
    pub since: Timestamp,
}

/// Counts since the supervisor started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counters {
    /// Lines read.
    pub lines: u64,
    /// Bytes read.
    pub bytes: u64,
    /// Events journaled.
    pub journaled: u64,
    /// Keys sent.
    pub sent: u64,
    /// Messages of the agent protocol understood.
    pub messages: u64,
    /// Messages of the agent protocol that could not be read.
    pub malformed: u64,
    /// Gaps in the observation.
    pub gaps: u64,
}

/// The whole picture.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Snapshot {
    /// Counts up; views keep the newest.
    pub generation: u64,
    /// When it was so, by the supervisor's clock: when it was taken, or handed to a view.
    pub at: Timestamp,
    /// The supervisor's version.
    pub version: String,
    /// The supervisor's process.
    pub pid: u32,
    /// The freeze switch.
    pub frozen: Option<Freeze>,
    /// Watched machines.
    pub hosts: Vec<HostView>,
    /// Watched panes, in the order of the inventory.
    pub panes: Vec<PaneView>,
    /// Pipelines on panes.
    pub runs: Vec<RunView>,
    /// Open approvals, oldest first, then the last decided ones.
    pub approvals: Vec<Approval>,
    /// What the freeze holds back.
    pub held: Vec<HeldSend>,
    /// The leases in force.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub leases: Vec<super::LeaseView>,
    /// The last events, newest last.
    pub events: Vec<EventLine>,
    /// Parts that fail now.
    pub problems: Vec<Problem>,
    /// The files of the policies in force, as absolute paths; `<bundled>/…` for the bundled ones.
    #[serde(default)]
    pub policies: Vec<String>,
    /// The policy's principles.
    pub principles: Vec<String>,
    /// Counts.
    pub counters: Counters,
}
