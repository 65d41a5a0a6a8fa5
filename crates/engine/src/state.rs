//! The engine's state: one row per entity, as the store keeps them.
//!
//! **Invariants:** every change goes through [`Table`], which remembers what was touched, so that the changes of a
//! step are complete; nothing that is not a row influences a decision, so that rows alone restore the engine.

use super::agent::{AgentRow, AgentWatch};
pub use super::approval_row::{Again, ApprovalRow};
use super::auto_answer::AutoAnswers;
use super::explain::{ConditionExplanation, FailedAttempt};
use super::progress::{Cause, Evidence, Look, Miss, Overheard, PollRun, Progress, Said, Stop, Watch};
pub use super::purpose::Purpose;
use super::rows::Table;
use super::tracking::{ShellMarks, Typed};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use tmuxagent_model::{
    ApprovalId, Change, EntityKind, Freeze, Intent, IntentId, KeyStep, Millis, PaneInfo, PaneKey, ProgramState, RunId,
    RunState, Shell, ShellText, StageState, TimerKey, Timestamp, Urgency, Variables,
};

/// Counters and switches.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Meta {
    /// The last run's number.
    pub runs: u64,
    /// How many approvals were asked.
    pub approvals: u64,
    /// How many intents were made.
    pub intents: u64,
    /// The last timer's epoch.
    pub epoch: u64,
    /// How often a stage was queued.
    pub queued: u64,
    /// The freeze switch.
    pub frozen: Option<Freeze>,
    /// How many leases were given.
    #[serde(default)]
    pub leases: u64,
    /// The hash of the policy that the state was last fitted to.
    pub policy: String,
}

/// A pane that the engine knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaneRow {
    /// The inventory's facts, as far as they matter here (see [`super::Engine::step`]).
    pub info: PaneInfo,
    /// `session:window.pane`, for people.
    pub place: String,
    /// The pipelines that apply.
    pub pipelines: Vec<String>,
    /// The shell last seen in the foreground, by its program's name: what is typed while another program still runs is
    /// read by it afterwards.
    #[serde(default)]
    pub shell: Option<String>,
    /// Its host can't be observed now.
    pub stale: bool,
    /// What its program last said of itself.
    pub program: Option<ProgramState>,
    /// What the agent in it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<AgentRow>,
    /// The open run of each pipeline.
    pub open: BTreeMap<String, RunId>,
    /// The last closed run of each pipeline.
    pub last: BTreeMap<String, RunId>,
    /// When each stage with a cool-down last started, by [`stage_key`].
    #[serde(default)]
    pub starts: BTreeMap<String, Timestamp>,
    /// What the triggers of each stage remember, by [`stage_key`].
    #[serde(default)]
    pub watch: BTreeMap<String, Watch>,
    /// What its shell's own marks tell.
    #[serde(default, skip_serializing_if = "ShellMarks::is_none")]
    pub shell_marks: ShellMarks,
    /// What rules and leases answered there.
    #[serde(default, skip_serializing_if = "AutoAnswers::is_none")]
    pub auto_answers: AutoAnswers,
    /// What almost started or ended each stage, by [`stage_key`], oldest first.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub misses: BTreeMap<String, Vec<Miss>>,
}

impl PaneRow {
    /// The program that will read what is typed: the shell, where one is known.
    pub fn reader(&self) -> &str {
        let command = &self.info.facts.command;
        if is_shell(command) { command } else { self.shell.as_ref().unwrap_or(command) }
    }

    /// The shell that reads keys now; `None` where an agent does.
    pub fn shell_at_keys(&self) -> Option<Shell> {
        let facts = &self.info.facts;
        let agent = !facts.agent.is_empty() && !is_shell(&facts.command);
        (!agent).then(|| Shell::of(self.reader()))
    }
}

/// Whether a program is a shell that we know.
pub fn is_shell(command: &str) -> bool {
    Shell::from_command(command).is_some()
}

/// The key of a stage in a pane's maps: names hold no control characters.
pub fn stage_key(pipeline: &str, stage: &str) -> String {
    format!("{pipeline}\u{1f}{stage}")
}

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
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        beside: bool,
    },
    /// The action of that place among the start actions: it names what the command before it printed, so it is filled
    /// in when that is known.
    Later { index: u32 },
}

/// A stage of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageRun {
    /// Its name in the policy.
    pub name: String,
    /// Where it stands.
    pub state: StageState,
    /// Attempts begun in this run.
    pub attempt: u32,
    /// Retries used of each `retry` step, by its place in `on_fail`, since a human last let it run.
    pub retries: BTreeMap<u32, u32>,
    /// When the attempt began.
    pub started_at: Option<Timestamp>,
    /// Since when output counts.
    pub running_at: Option<Timestamp>,
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
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub overheard: Vec<Overheard>,
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

impl StageRun {
    /// A stage whose trigger has not fired.
    pub const fn waiting(name: String) -> Self {
        Self {
            name,
            state: StageState::Waiting,
            attempt: 0,
            retries: BTreeMap::new(),
            started_at: None,
            running_at: None,
            ended_at: None,
            triggered: None,
            ended: None,
            progress: Progress::new(),
            plan: Vec::new(),
            plan_fixed: false,
            cursor: 0,
            waiting: None,
            tracked: None,
            typed: None,
            exit: None,
            approval: None,
            polls: BTreeMap::new(),
            quiet_since: None,
            locks: Vec::new(),
            queue: None,
            said: None,
            stop: None,
            look: Look::new(),
            untracked: false,
            overheard: Vec::new(),
            agent: AgentWatch::new(),
            verdict: Vec::new(),
            failed: Vec::new(),
        }
    }
}

/// One execution of a pipeline on a pane.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Its number.
    pub id: RunId,
    /// The pipeline.
    pub pipeline: String,
    /// The pane.
    pub pane: PaneKey,
    /// `session:window.pane` when it began.
    pub place: String,
    /// Where it stands.
    pub state: RunState,
    /// Its stages in the policy's order.
    pub stages: Vec<StageRun>,
    /// The stage started last.
    pub last: Option<usize>,
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
    /// The stage that occupies the run.
    pub fn live(&self) -> Option<usize> {
        self.stages.iter().position(|stage| stage.state.is_live())
    }
}

/// An intent with what the engine must remember about it. Its JSON is that of [`Intent`] with more keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IntentRow {
    /// The intent itself.
    #[serde(flatten)]
    pub intent: Intent,
    /// What it is for.
    pub purpose: Purpose,
    /// Its place in the order of all intents.
    pub order: u64,
    /// It was handed out and then taken back; its outcome is only noted.
    #[serde(default)]
    pub withdrawn: bool,
}

/// An armed timer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimerRow {
    /// Which.
    pub key: TimerKey,
    /// When it is due.
    pub at: Timestamp,
    /// Tells it from earlier ones of the same key.
    pub epoch: u64,
}

/// All rows.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct State {
    meta: Meta,
    meta_touched: Untracked,
    /// Panes.
    pub panes: Table<PaneKey, PaneRow>,
    /// Runs.
    pub runs: Table<RunId, Run>,
    /// Approvals.
    pub approvals: Table<ApprovalId, ApprovalRow>,
    /// Intents without an outcome.
    pub intents: Table<IntentId, IntentRow>,
    timers: Table<TimerKey, TimerRow>,
    /// The timers by due time; follows from `timers`.
    due: BTreeSet<(Timestamp, u64, TimerKey)>,
}

/// A mark that does not count when states are compared.
#[derive(Debug, Clone, Copy, Default)]
struct Untracked(bool);

impl PartialEq for Untracked {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

/// A stored row that can't be read.
#[derive(Debug, thiserror::Error)]
#[error("the stored {kind:?} `{key}` can't be read")]
pub struct RestoreError {
    /// Its table.
    pub kind: EntityKind,
    /// Its key.
    pub key: String,
    /// Why.
    #[source]
    pub source: serde_json::Error,
}

impl State {
    /// Counters and switches.
    pub const fn meta(&self) -> &Meta {
        &self.meta
    }

    /// Counters and switches, to be changed.
    pub const fn meta_mut(&mut self) -> &mut Meta {
        self.meta_touched.0 = true;
        &mut self.meta
    }

    /// Arms a timer; an armed one of the same key is replaced.
    pub fn arm(&mut self, key: TimerKey, at: Timestamp) {
        self.disarm(&key);
        let meta = self.meta_mut();
        meta.epoch += 1;
        let epoch = meta.epoch;
        self.due.insert((at, epoch, key.clone()));
        self.timers.insert(key.clone(), TimerRow { key, at, epoch });
    }

    /// Disarms a timer, if it is armed.
    pub fn disarm(&mut self, key: &TimerKey) {
        if let Some(row) = self.timers.remove(key) {
            self.due.remove(&(row.at, row.epoch, row.key));
        }
    }

    /// When a timer is due, if it is armed.
    pub fn armed(&self, key: &TimerKey) -> Option<&TimerRow> {
        self.timers.get(key)
    }

    /// The timer due first.
    pub fn next_timer(&self) -> Option<&(Timestamp, u64, TimerKey)> {
        self.due.first()
    }

    /// All timers.
    pub fn timers(&self) -> impl Iterator<Item = &TimerRow> {
        self.timers.values()
    }

    /// Takes one stored row in.
    ///
    /// # Errors
    /// When its JSON is not that of its kind.
    pub fn restore(&mut self, kind: EntityKind, key: &str, body: &str) -> Result<(), RestoreError> {
        let failed = |source| RestoreError { kind, key: key.to_owned(), source };
        match kind {
            EntityKind::Meta => self.meta = serde_json::from_str(body).map_err(failed)?,
            EntityKind::Pane => {
                let row: PaneRow = serde_json::from_str(body).map_err(failed)?;
                self.panes.restore(row.info.key.clone(), row);
            }
            EntityKind::Run => {
                let row: Run = serde_json::from_str(body).map_err(failed)?;
                self.runs.restore(row.id, row);
            }
            EntityKind::Approval => {
                let row: ApprovalRow = serde_json::from_str(body).map_err(failed)?;
                self.approvals.restore(row.approval.id.clone(), row);
            }
            EntityKind::Intent => {
                let row: IntentRow = serde_json::from_str(body).map_err(failed)?;
                self.intents.restore(row.intent.id.clone(), row);
            }
            EntityKind::Timer => {
                let row: TimerRow = serde_json::from_str(body).map_err(failed)?;
                self.due.insert((row.at, row.epoch, row.key.clone()));
                self.timers.restore(row.key.clone(), row);
            }
        }
        Ok(())
    }

    /// Every row, as [`State::restore`] takes it.
    pub fn rows(&self) -> Vec<Change> {
        let mut rows = vec![change(EntityKind::Meta, "meta".to_owned(), Some(&self.meta))];
        rows.extend(self.panes.iter().map(|(key, row)| change(EntityKind::Pane, key.to_string(), Some(row))));
        rows.extend(self.runs.iter().map(|(id, row)| change(EntityKind::Run, id.0.to_string(), Some(row))));
        rows.extend(self.approvals.iter().map(|(id, row)| change(EntityKind::Approval, id.0.clone(), Some(row))));
        rows.extend(self.intents.iter().map(|(id, row)| change(EntityKind::Intent, id.0.clone(), Some(row))));
        rows.extend(self.timers.iter().map(|(key, row)| change(EntityKind::Timer, timer_key(key), Some(row))));
        rows
    }

    /// The rows touched since the last call, as the store writes them.
    pub fn drain_changes(&mut self) -> Vec<Change> {
        let mut changes = Vec::new();
        if std::mem::take(&mut self.meta_touched.0) {
            changes.push(change(EntityKind::Meta, "meta".to_owned(), Some(&self.meta)));
        }
        drain(&mut self.panes, EntityKind::Pane, ToString::to_string, &mut changes);
        drain(&mut self.runs, EntityKind::Run, |id| id.0.to_string(), &mut changes);
        drain(&mut self.approvals, EntityKind::Approval, |id| id.0.clone(), &mut changes);
        drain(&mut self.intents, EntityKind::Intent, |id| id.0.clone(), &mut changes);
        drain(&mut self.timers, EntityKind::Timer, timer_key, &mut changes);
        changes
    }
}

/// The key of a timer in its table: its JSON, which is unique and readable.
fn timer_key(key: &TimerKey) -> String {
    serde_json::to_string(key).unwrap_or_else(|_| format!("{key:?}"))
}

fn drain<K: Ord + Clone, V: Serialize>(
    table: &mut Table<K, V>,
    kind: EntityKind,
    name: impl Fn(&K) -> String,
    changes: &mut Vec<Change>,
) {
    for (key, row) in table.take_touched() {
        changes.push(change(kind, name(&key), row));
    }
}

fn change(kind: EntityKind, key: String, row: Option<&impl Serialize>) -> Change {
    // Rows hold only maps with text keys, so that writing them as JSON can't fail; if it did, `null` would make the
    // next start fail loudly at this row instead of going on with an old one.
    let body = row.map(|row| serde_json::to_string(row).unwrap_or_else(|_| "null".to_owned()));
    Change { kind, key, body }
}
