//! The rows of runs and of their stages.

use super::agent::AgentWatch;
use super::explain::{ConditionExplanation, FailedAttempt, Part};
use super::progress::{Cause, Deferred, Evidence, Look, PollRun, Progress, Said, Stop};
use super::rounds::PastRound;
use super::tracking::Typed;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use tmuxagent_model::{
    ApprovalId, Basis, IntentId, KeyStep, Millis, PaneKey, RunId, RunState, SeenByPerson, Shell, ShellText, StageState,
    Timestamp, Urgency, Variables,
};

/// An action with its texts filled in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Planned {
    /// Types.
    Send {
        /// What is typed.
        steps: Vec<KeyStep>,
        /// The same as people read it, where values are typed as escapes.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        shown: Option<Vec<KeyStep>>,
        /// The programs that may read it.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        expect: Vec<String>,
        /// The shells that its values are quoted for; none where every reader reads them as they are meant.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        shells: Vec<Shell>,
    },
    /// Types a command line whose end is tracked.
    Run { command: ShellText },
    /// Submits a prompt.
    Prompt {
        text: String,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        expect: Vec<String>,
    },
    /// Runs beside the pane.
    Shell { script: ShellText, timeout: Millis },
    /// Alerts.
    Notify { text: String, channels: Vec<String>, urgency: Urgency, kind: tmuxagent_model::AlertKind },
    /// Keeps a value.
    Set { name: String, value: String },
    /// Starts another pipeline.
    StartPipeline {
        pipeline: String,
        /// The values of its inputs.
        #[serde(default, skip_serializing_if = "Variables::is_empty")]
        given: Variables,
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        beside: bool,
    },
    /// Not done, since its `if` does not hold.
    Skipped {
        /// The action, for people.
        what: String,
        /// Its `if` in one line.
        words: String,
        /// The same, part by part.
        part: Part,
        /// Which action it is.
        kind: SkippedKind,
    },
    /// The action of that place among the start actions, whose `if` asks for files: they are looked for when it is its turn.
    If { index: u32, words: String, then: Box<Planned> },
    /// The action of that place among the start actions: it names what the command before it printed, so it is filled
    /// in when that is known.
    Later { index: u32 },
}

/// What was skipped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SkippedKind {
    /// A `run`.
    Run,
    /// Something else that acts: keys, a prompt, a script.
    Act,
    /// Something that tells or keeps.
    Tell,
}

impl Planned {
    /// Which action it is: one that acts leads somewhere that conditions can wait for.
    pub fn kind(&self) -> SkippedKind {
        match self {
            Self::Run { .. } => SkippedKind::Run,
            Self::Send { .. } | Self::Prompt { .. } | Self::Shell { .. } => SkippedKind::Act,
            Self::Notify { .. } | Self::Set { .. } | Self::StartPipeline { .. } => SkippedKind::Tell,
            Self::Skipped { kind, .. } => *kind,
            Self::If { then, .. } => then.kind(),
            Self::Later { .. } => SkippedKind::Act,
        }
    }
}

/// A stage of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageRun {
    /// Its name in the policy.
    pub name: String,
    /// The pane that it acts in, where that is another one than the run's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pane: Option<PaneKey>,
    /// Its open question is which pane it acts in: none was found.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unplaced: bool,
    /// Where it stands.
    pub state: StageState,
    /// It was skipped where it should have followed a failure: what follows it does not begin.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unmended: bool,
    /// Whether its `if` held when it was last started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guard: Option<ConditionExplanation>,
    /// The files that its `if` names, and whether they were there.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub files: BTreeMap<String, bool>,
    /// What of its start actions was skipped in this attempt, by the `if` of each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skips: Vec<ConditionExplanation>,
    /// The look for such a file on its way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub looks_for: Option<IntentId>,
    /// When it was last started in this run, by the run's own count.
    #[serde(default, skip_serializing_if = "is_none")]
    pub began: u64,
    /// When it last ended in this run, by the same count.
    #[serde(default, skip_serializing_if = "is_none")]
    pub over: u64,
    /// Attempts begun in this run.
    pub attempt: u32,
    /// Retries used of each `retry` step, by its place in `on_fail`, since a human last let it run.
    pub retries: BTreeMap<u32, u32>,
    /// How often it was started in this run, where it stands in a loop.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub round: u32,
    /// How many rounds people have allowed beyond those of the policy.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub more_rounds: u32,
    /// Its rounds that are over, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rounds: Vec<PastRound>,
    /// When the attempt began.
    pub started_at: Option<Timestamp>,
    /// Since when output counts.
    pub running_at: Option<Timestamp>,
    /// When the first of what its attempt types went out, as far as that was seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub typed_at: Option<Timestamp>,
    /// When the last of its commands was told to have ended: what the pane shows from then on is none of its output.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub silent_from: Option<Timestamp>,
    /// Its command has ended, and a person waits on for what others print.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub waits_on: bool,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// What started it.
    pub triggered: Option<Cause>,
    /// What ended it, or its last attempt.
    pub ended: Option<Cause>,
    /// What of `success_when` and `fail_when` already held in this attempt.
    pub progress: Progress,
    /// The start actions, filled in; a yes of a human fixes them.
    pub plan: Vec<Planned>,
    /// Who was in front when it began: its keys that name no program are for that one, however late they are typed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub basis: Option<Basis>,
    /// Of the line of its own pane that began it: [`Basis::row`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub row: Option<u64>,
    /// That line had no end, as [`Basis::unended`].
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unended: bool,
    /// A person has let it go on, who saw what was asked there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen_by_person: Option<SeenByPerson>,
    /// What its keys were held back for, where that asked something: [`tmuxagent_model::PaneReader::question`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_by: Option<String>,
    /// The plan was shown to a human who said yes: it is not filled in anew.
    pub plan_fixed: bool,
    /// The next action of the plan.
    pub cursor: u32,
    /// The intent whose outcome the plan waits for.
    pub waiting: Option<IntentId>,
    /// The tracked command that was typed and has not ended.
    pub tracked: Option<IntentId>,
    /// The last tracked command, and whether it has begun.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub typed: Option<Typed>,
    /// The exit code of the last command.
    pub exit: Option<i32>,
    /// The last lines that its last attempt printed, where the policy names them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
    /// The line of its last attempt's output that tells why that failed, where one is known. For people alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told: Option<String>,
    /// The open question about it.
    pub approval: Option<ApprovalId>,
    /// Its polls, by the number of their condition.
    pub polls: BTreeMap<u32, PollRun>,
    /// Since when the pane is silent.
    pub quiet_since: Option<Timestamp>,
    /// The locks that it needs or holds.
    pub locks: Vec<String>,
    /// Its place in the queue for them.
    pub queue: Option<u64>,
    /// What its output said while its command still ran; it counts when that has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub said: Option<Said>,
    /// Its time is over: how its command is stopped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop: Option<Stop>,
    /// Whether the shell was seen at its prompt again.
    #[serde(default, skip_serializing_if = "Look::is_new")]
    pub look: Look,
    /// A command line was typed into a shell, whose end nobody reports.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub untracked: bool,
    /// Lines that came while a person was asked whether its keys were typed.
    #[serde(rename = "overheard", default, skip_serializing_if = "Vec::is_empty")]
    pub deferred: Vec<Deferred>,
    /// What it keeps of the agent that it waits for.
    #[serde(default, skip_serializing_if = "AgentWatch::is_new")]
    pub agent: AgentWatch,
    /// Its conditions at the instant that its attempt ended; empty before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub verdict: Vec<ConditionExplanation>,
    /// Its attempts that failed, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failed: Vec<FailedAttempt>,
}

impl Planned {
    /// Whether it types something into the pane.
    pub const fn is_typed(&self) -> bool {
        matches!(self, Self::Send { .. } | Self::Run { .. } | Self::Prompt { .. })
    }
}

impl StageRun {
    /// A stage whose trigger has not fired.
    pub const fn waiting(name: String) -> Self {
        Self {
            name,
            pane: None,
            unplaced: false,
            state: StageState::Waiting,
            unmended: false,
            guard: None,
            files: BTreeMap::new(),
            skips: Vec::new(),
            looks_for: None,
            began: 0,
            over: 0,
            attempt: 0,
            retries: BTreeMap::new(),
            round: 0,
            more_rounds: 0,
            rounds: Vec::new(),
            started_at: None,
            running_at: None,
            typed_at: None,
            silent_from: None,
            waits_on: false,
            ended_at: None,
            triggered: None,
            ended: None,
            progress: Progress::new(),
            plan: Vec::new(),
            basis: None,
            row: None,
            unended: false,
            seen_by_person: None,
            held_by: None,
            plan_fixed: false,
            cursor: 0,
            waiting: None,
            tracked: None,
            typed: None,
            exit: None,
            output: None,
            told: None,
            approval: None,
            polls: BTreeMap::new(),
            quiet_since: None,
            locks: Vec::new(),
            queue: None,
            said: None,
            stop: None,
            look: Look::new(),
            untracked: false,
            deferred: Vec::new(),
            agent: AgentWatch::new(),
            verdict: Vec::new(),
            failed: Vec::new(),
        }
    }
}

impl StageRun {
    /// Whether its command was told to stop, and it is cancelled as soon as that has ended.
    pub fn is_being_cancelled(&self) -> bool {
        self.stop.as_ref().is_some_and(|stop| stop.cancels)
    }

    /// Whether an attempt goes on, or is about to, in the pane of the stage.
    pub const fn acts(&self) -> bool {
        self.state.is_under_way() && !self.unplaced
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
pub const fn is_zero(number: &u32) -> bool {
    *number == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
const fn is_none(number: &u64) -> bool {
    *number == 0
}

/// A pane that a run has made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MadePane {
    /// Its name in the pipeline.
    pub name: String,
    /// By which it is known again.
    pub mark: String,
    /// Which it is.
    pub pane: PaneKey,
}

/// One execution of a pipeline on a pane.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Its number.
    pub id: RunId,
    /// The pipeline.
    pub pipeline: String,
    /// Its own pane.
    pub pane: PaneKey,
    /// `session:window.pane` of that when it began.
    pub place: String,
    /// The panes that the names of its pipeline mean in this run.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub panes: BTreeMap<String, PaneKey>,
    /// The panes that it has made, and closes when it ends.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub made: Vec<MadePane>,
    /// The values of its inputs.
    #[serde(default, skip_serializing_if = "Variables::is_empty")]
    pub inputs: Variables,
    /// Its group, of which one run acts at a time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// It has its group.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub granted: bool,
    /// How it ends, once its `finally` has begun.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closing: Option<RunState>,
    /// Where it stands.
    pub state: RunState,
    /// Its stages in the policy's order.
    pub stages: Vec<StageRun>,
    /// The stage started last.
    pub last: Option<usize>,
    /// How many begins and ends of its stages there were, so that they have an order.
    #[serde(default, skip_serializing_if = "is_none")]
    pub counted: u64,
    /// Its values; many come from panes, so all are quoted wherever they enter a command.
    pub variables: Variables,
    /// The lines that decided something, newest last, at most [`EVIDENCE`].
    pub evidence: Vec<Evidence>,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
}

/// The most lines of evidence that a run keeps.
pub const EVIDENCE: usize = 20;

impl Run {
    /// The stages that occupy the run: one, or several beside each other.
    pub fn live(&self) -> impl Iterator<Item = usize> {
        self.stages.iter().enumerate().filter(|(_, stage)| stage.state.is_live()).map(|(index, _)| index)
    }

    /// Whether no stage occupies it.
    pub fn is_idle(&self) -> bool {
        self.live().next().is_none()
    }

    /// The next number in the order of the begins and ends of its stages.
    pub const fn next_number(&mut self) -> u64 {
        self.counted += 1;
        self.counted
    }

    /// The pane that a stage acts in.
    pub fn pane_of(&self, stage: usize) -> &PaneKey {
        self.stages.get(stage).and_then(|stage| stage.pane.as_ref()).unwrap_or(&self.pane)
    }

    /// The pane of the first stage that occupies the run, or else did so last.
    pub fn present_pane(&self) -> &PaneKey {
        self.live().next().or(self.last).map_or(&self.pane, |stage| self.pane_of(stage))
    }
}
