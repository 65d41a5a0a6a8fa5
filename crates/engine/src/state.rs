//! The engine's state: one row per entity, as the store keeps them.
//!
//! **Invariants:** every change goes through [`Table`], which remembers what was touched, so that the changes of a
//! step are complete; nothing that is not a row influences a decision, so that rows alone restore the engine.

use super::agent::AgentRow;
pub use super::approval_row::{Again, ApprovalRow};
use super::auto_answer::AutoAnswers;
use super::progress::{Miss, Watch};
pub use super::purpose::Purpose;
use super::rows::Table;
pub use super::run_row::{EVIDENCE, Planned, Run, StageRun};
use super::tracking::ShellMarks;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use tmuxagent_model::{
    ApprovalId, Change, EntityKind, Freeze, Intent, IntentId, PaneInfo, PaneKey, ProgramState, RunId, Shell, TimerKey,
    Timestamp,
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
    /// The names of panes that it fits, by [`stage_key`] of pipeline and name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
    /// The shell last seen in the foreground, by its program's name: what is typed while another program still runs is
    /// read by it afterwards.
    #[serde(default)]
    pub shell: Option<String>,
    /// The run that typed last into its shell, as long as nobody has seen the prompt again: what is in front is its command.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub typed_by: Option<RunId>,
    /// That was typed when its stage had ended (`on_success`, `on_fail`, `finally`).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub typed_after: bool,
    /// A command's end was told since the panes were listed last: the shell is in front again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub at_shell: bool,
    /// The program in front waits for somebody.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub waits: bool,
    /// Its host can't be observed now.
    pub stale: bool,
    /// What its program last said of itself.
    pub program: Option<ProgramState>,
    /// What the agent in it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<AgentRow>,
    /// The open run of each pipeline.
    pub open: BTreeMap<String, RunId>,
    /// Open runs that belong to other panes and have stages that act in this one.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub guests: BTreeSet<RunId>,
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

    /// Whether a shell is in front, as far as is known.
    pub fn is_at_shell(&self) -> bool {
        is_shell(&self.info.facts.command) || self.at_shell && self.shell.is_some()
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

/// The key of a stage, or of a pane's name, in a pane's maps: names hold no control characters.
pub fn stage_key(pipeline: &str, stage: &str) -> String {
    format!("{pipeline}\u{1f}{stage}")
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
