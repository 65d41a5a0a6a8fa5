//! The pure machine: runs, stages, gates, timers.
//!
//! [`Engine::step`] takes one fact and the time and gives what is to be done; nothing else changes the state. The caller
//! commits [`Step::changes`] together with the journal's row and only then performs [`Step::intents`], in order; their
//! outcomes come back as events. Whenever [`Engine::next_timer`] is due he hands it in as [`Event::Timer`].
//!
//! **Invariants:** the same policy, options and sequence of `(now, event)` give the same state, effects and identities.
//! No I/O, no clock, no randomness. The rows handed out as changes are the whole state ([`Engine::restore`]). A decision
//! comes only from [`Event::Asked`]; no output of a pane, no timer and no outcome leads to one. The transition tables
//! of runs and stages stand in [`table`], that of approvals in [`crate::lifecycle`].

// Tests read their fixtures.
#![cfg_attr(test, allow(clippy::disallowed_methods, clippy::disallowed_types))]

mod agent;
mod agent_message;
mod approval_row;
mod auto_answer;
mod beside;
mod cancelling;
mod command;
mod condition;
mod decide;
mod deferred_lines;
mod describe;
mod dialog;
mod elsewhere;
mod evidence;
mod expiry;
mod explain;
mod explained;
mod fail;
mod files;
mod finally;
mod followers;
mod front;
mod gap;
mod gate;
mod groups;
mod guard;
mod human;
mod lease;
pub mod lifecycle;
mod look;
mod lost;
mod made;
mod memory;
mod message_inputs;
mod outcome;
mod outlook;
mod outputs;
mod own_output;
mod pane;
mod parallel;
mod place;
mod plan;
mod policy_reload;
mod poll;
mod progress;
mod purpose;
mod readers;
mod recovered;
pub mod replay;
mod report;
mod requote;
mod rounds;
mod rows;
mod run;
mod run_panes;
mod run_row;
mod schedule;
mod set_back;
mod shell_row;
mod skipping;
mod stage;
mod state;
mod stopping;
mod suspended;
pub mod table;
mod template;
mod text;
mod timers;
mod tracking;
mod trigger;
mod turn;
mod verdict;
mod view;
mod waits;
mod watch;

pub use explain::{ConditionExplanation, Part, Role, StageExplanation, Target};
pub use progress::Miss;
pub use progress::{Cause, Evidence};
pub use readers::who as who_reads;
pub use shell_row::said;
pub use state::RestoreError;
pub use text::{Cleaner, describe_effect, describe_steps};
pub use view::View;

use serde::{Deserialize, Serialize};
use state::State;
use std::collections::BTreeSet;
use std::sync::Arc;
use tmuxagent_model::{
    Approval, ApprovalId, ApprovalState, Change, EntityKind, Event, HostName, Intent, IntentId, IntentState, Millis,
    Note, OpenQuestion, PaneKey, RunId, Severity, TimerKey, Timestamp,
};
use tmuxagent_policy::Policy;
use turn::Turn;
use waits::Waits;

/// What the engine is set to beside its policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Options {
    /// How long a yes can be taken back before it is done; 0 = not at all.
    #[serde(default)]
    pub undo: Millis,
    /// The time limit of stages whose policy names none, after which a person is asked; 0 = none.
    #[serde(default)]
    pub timeout: Millis,
    /// How long keys wait for their reader before a person is asked, where the policy names no span; `None`: as whoever
    /// types them does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<Millis>,
    /// Whether a look at a pane's processes tells that its shell is at the prompt again.
    #[serde(default)]
    pub looks: bool,
    /// From this and its number the last part of an intent's identity is made, so that no program in a pane can guess what
    /// the end of its command will be called; without it identities are plain numbers.
    #[serde(default)]
    pub identities: Option<[u64; 2]>,
}

/// The machine.
#[derive(Debug, Clone)]
pub struct Engine {
    policy: Arc<Policy>,
    options: Options,
    cleaner: Cleaner,
    state: State,
}

/// What one event led to.
#[derive(Debug, Clone, Default)]
pub struct Step {
    /// To be performed, in order, after the changes are committed.
    pub intents: Vec<Intent>,
    /// Handed out earlier and not wanted any more; what is already under way may still end.
    pub withdrawn: Vec<IntentId>,
    /// What to tell: how much it matters, where (empty: everywhere), what.
    pub notes: Vec<(Severity, String, Note)>,
    /// The rows that changed.
    pub changes: Vec<Change>,
    /// Whether the event changed or told anything; only such events are journaled.
    pub changed: bool,
    /// The answer to [`Event::Asked`].
    pub answer: Option<Answer>,
    /// Panes of which it is to be told who is in front now, by [`Event::InFront`] at the same instant and before the intents
    /// are performed: [`Engine::intent`] gives these as they are then. Where nobody can tell, nothing is told.
    pub fronts: BTreeSet<PaneKey>,
    /// Whether the lines of an [`Event::Witnessed`] became part of a question or an alert. Where they did not, the bare
    /// fact leads to the same.
    pub witnessed: bool,
}

/// The answer to a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It is done, or begun.
    Ok {
        /// The run it concerns.
        run: Option<RunId>,
        /// The intents it led to.
        intents: Vec<IntentId>,
        /// One sentence.
        text: String,
    },
    /// It is not done.
    Refused {
        /// The kind; scripts test it.
        kind: RefusalKind,
        /// One sentence: what and why.
        text: String,
    },
}

impl Answer {
    const fn refused(kind: RefusalKind, text: String) -> Self {
        Self::Refused { kind, text }
    }
}

/// Why a command was not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusalKind {
    /// No such pane, run, stage, approval.
    NotFound,
    /// Somebody was first.
    AlreadyDecided,
    /// It has changed since the view saw it.
    Stale,
    /// It is not possible in this state.
    Refused,
}

impl Engine {
    /// A machine that knows nothing yet.
    #[must_use]
    pub fn new(policy: Arc<Policy>) -> Self {
        let (options, cleaner) = (Options::default(), Cleaner::default());
        Self { policy, options, cleaner, state: State::default() }
    }

    /// The machine as its rows were left.
    ///
    /// # Errors
    /// When a row can't be read; it is named.
    pub fn restore(
        policy: Arc<Policy>,
        rows: impl IntoIterator<Item = (EntityKind, String, String)>,
    ) -> Result<Self, RestoreError> {
        let mut engine = Self::new(policy);
        for (kind, key, body) in rows {
            engine.state.restore(kind, &key, &body)?;
        }
        Ok(engine)
    }

    /// Every row of the state, as [`Engine::restore`] takes it.
    #[must_use]
    pub fn rows(&self) -> Vec<(EntityKind, String, String)> {
        let rows = self.state.rows().into_iter();
        rows.filter_map(|row| Some((row.kind, row.key, row.body?))).collect()
    }

    /// The options.
    #[must_use]
    pub const fn options(&self) -> Options {
        self.options
    }

    /// Whether one stored row can be gone on from.
    ///
    /// # Errors
    /// Why not.
    pub fn understands(kind: EntityKind, key: &str, body: &str) -> Result<(), RestoreError> {
        state::State::default().restore(kind, key, body)
    }

    /// Sets the options. They take part in what steps do, so a replay needs the same.
    #[must_use]
    pub const fn with_options(mut self, options: Options) -> Self {
        self.options = options;
        self
    }

    /// Sets the options, from now on.
    pub const fn set_options(&mut self, options: Options) {
        self.options = options;
    }

    /// Sets what takes secrets out of evidence, from now on. What is typed is never changed by it.
    pub fn set_cleaner(&mut self, cleaner: Cleaner) {
        self.cleaner = cleaner;
        self.clean_places();
    }

    /// Replaces the policy. [`Event::PolicyLoaded`] must be the next event: it fits the state to it.
    pub fn set_policy(&mut self, policy: Arc<Policy>) {
        self.policy = policy;
    }

    /// The policy.
    #[must_use]
    pub const fn policy(&self) -> &Arc<Policy> {
        &self.policy
    }

    /// Takes one fact.
    ///
    /// A pane must be announced by [`Event::PaneSeen`] before anything else is told of it; facts about unknown panes,
    /// runs, intents and timers change nothing.
    pub fn step(&mut self, now: Timestamp, event: &Event) -> Step {
        let policy = Arc::clone(&self.policy);
        let mut turn = Turn::new(&mut self.state, policy, self.options, &self.cleaner, now);
        let event = match event {
            Event::Witnessed { fact, printed } => {
                turn.witnessed(fact, printed);
                &**fact
            }
            bare => bare,
        };
        match event {
            Event::PaneSeen { info } => turn.pane_seen(info),
            Event::PaneGone { pane, unwatched, by } => turn.pane_gone(pane, *unwatched, by.as_deref()),
            Event::TakenByShell { intent, .. } => turn.taken_by_shell(intent),
            Event::LeftOpen { pane, owner, question } => turn.left_open(pane, owner, question),
            Event::HostLost { host } => turn.host_lost(host),
            Event::Line(line) => turn.line(line),
            Event::Activity { pane } => turn.touch(pane),
            Event::Gap { pane } => turn.gap(pane),
            Event::Program { pane, state } => turn.program(pane, state),
            Event::Waits { pane, front, password, row, question } => {
                let (front, row, question) = (front.as_ref(), row.as_deref(), question.as_deref());
                turn.waits(pane, &Waits { front, password: *password, row, question });
            }
            Event::Answered { pane, front } => turn.answered_there(pane, front),
            Event::Dialog { pane, agent, front, question, request } => {
                turn.dialog(pane, agent, front.as_ref(), question.as_deref(), request.as_deref());
            }
            Event::Agent(seen) => turn.agent(seen),
            Event::ShellMarks { pane, trusted } => turn.shell_marks(pane, *trusted),
            Event::CommandBegan { pane, token, line } => turn.command_began(pane, token.as_deref(), line.as_deref()),
            Event::Foreground { pane, front, prompt } => turn.foreground(pane, front, *prompt),
            Event::InFront { pane, front, shell } => turn.in_front(pane, front, *shell),
            Event::CommandEnded { pane, token, exit } => turn.command_ended(pane, token.as_deref(), *exit),
            Event::Asked { command, by } => turn.asked(command, by),
            Event::Timer { key, epoch } => turn.timer(key, *epoch),
            Event::Outcome { intent, outcome } => turn.outcome(intent, outcome),
            Event::Polled { intent, outcome } => turn.polled(intent, outcome),
            Event::PolicyLoaded { hash } => turn.policy_loaded(hash),
            // A fact is witnessed once.
            Event::Witnessed { .. } => {}
        }
        turn.finish()
    }

    /// Every stage that waits for a decision, by its host and in the order of their panes' ids.
    pub fn open_questions(&self) -> impl Iterator<Item = (HostName, OpenQuestion)> {
        let open = self.state.approvals.values().map(|row| &row.approval);
        let open = open.filter(|approval| approval.state == ApprovalState::Pending);
        let asked = open.filter_map(|approval| {
            let (pipeline, stage) = (approval.pipeline.clone()?, approval.stage.clone()?);
            let (pane, asked) = (approval.pane.pane, approval.asked_at);
            Some((approval.pane.host.clone(), OpenQuestion { pane, pipeline, stage, asked }))
        });
        asked.collect::<BTreeSet<_>>().into_iter()
    }

    /// The pane that a fact concerns, whose last lines belong to it.
    #[must_use]
    pub fn concerns<'e>(&'e self, event: &'e Event) -> Option<&'e PaneKey> {
        evidence::concerns(&self.state, event)
    }

    /// The timer that is due first: when, which, and the epoch that its event must carry.
    #[must_use]
    pub fn next_timer(&self) -> Option<(Timestamp, TimerKey, u64)> {
        self.state.next_timer().map(|(at, epoch, key)| (*at, key.clone(), *epoch))
    }

    /// Whether a stage or a question waits for a span of time to be over; triggers and schedules do not count.
    #[must_use]
    pub fn waits_for_time(&self) -> bool {
        self.state.timers().any(|row| watch::watches(&row.key).is_none())
    }

    /// The intents that were handed out and have no outcome, in their order: what is settled after a crash.
    pub fn open_intents(&self) -> impl Iterator<Item = &Intent> {
        let mut rows: Vec<_> =
            self.state.intents.values().filter(|row| row.intent.state == IntentState::Open && !row.withdrawn).collect();
        rows.sort_unstable_by_key(|row| row.order);
        rows.into_iter().map(|row| &row.intent)
    }

    /// The place of an intent among all that were ever made; none once it is forgotten.
    #[must_use]
    pub fn intent_order(&self, intent: &IntentId) -> Option<u64> {
        self.state.intents.get(intent).map(|row| row.order)
    }

    /// Intents that were handed out and are not wanted any more, in no order; their outcomes are still to come.
    pub fn withdrawn_intents(&self) -> impl Iterator<Item = &IntentId> {
        self.state.intents.values().filter(|row| row.withdrawn).map(|row| &row.intent.id)
    }

    /// The approval of that identity, pending or among the last closed ones.
    #[must_use]
    pub fn approval(&self, id: &ApprovalId) -> Option<&Approval> {
        self.state.approvals.get(id).map(|row| &row.approval)
    }

    /// The question of that call.
    #[must_use]
    pub fn approval_of_call(&self, call: &str) -> Option<&Approval> {
        self.state.approvals.values().find(|row| row.call.as_deref() == Some(call)).map(|row| &row.approval)
    }

    /// The word that a yes to a question takes, and somebody who may say it, where the policy says so.
    #[must_use]
    pub fn terms(&self, id: &ApprovalId) -> (Option<String>, Option<String>) {
        let asked = self.approval(id);
        asked.map_or((None, None), |asked| (asked.confirm.clone(), asked.approvers.first().cloned()))
    }

    /// What an intent without an outcome does, in one line for people.
    #[must_use]
    pub fn describe(&self, id: &IntentId) -> Option<String> {
        self.state.intents.get(id).map(|row| text::describe_intent(&self.state, row))
    }

    /// The pipeline of a run.
    #[must_use]
    pub fn pipeline_of(&self, run: RunId) -> Option<String> {
        self.state.runs.get(&run).map(|run| run.pipeline.clone())
    }

    /// The token of the tracked command that a stage on this pane waits for.
    #[must_use]
    pub fn tracked_command(&self, pane: &PaneKey) -> Option<String> {
        let row = self.state.panes.get(pane)?;
        row.open.values().chain(&row.guests).find_map(|run| {
            let run = self.state.runs.get(run)?;
            let mut here = run.live().filter(|live| run.pane_of(*live) == pane);
            here.find_map(|live| {
                let stage = run.stages.get(live)?;
                // Of one whose end is in doubt another may be told.
                let told = stage.typed.as_ref().filter(|_| stage.look.doubt.is_some()).map(|typed| &typed.id);
                stage.tracked.as_ref().or(told).map(|id| id.as_str().to_owned())
            })
        })
    }

    /// The pipelines whose lines matter in a pane: those that apply, and those with an open run there, which a renamed
    /// window keeps.
    #[must_use]
    pub fn watched_pipelines(&self, pane: &PaneKey) -> Vec<String> {
        let Some(row) = self.state.panes.get(pane) else { return Vec::new() };
        let mut names = row.pipelines.clone();
        let named =
            row.names.iter().filter_map(|key| key.split_once('\u{1f}')).map(|(pipeline, _)| pipeline.to_owned());
        for name in self.running_in(row).into_iter().chain(named) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }

    /// The pipelines whose open runs have a stage that acts in a pane, or belong to it.
    fn running_in(&self, row: &state::PaneRow) -> Vec<String> {
        let guests = row.guests.iter().filter_map(|id| self.state.runs.get(id)).map(|run| &run.pipeline);
        let names: BTreeSet<&String> = row.open.keys().chain(guests).collect();
        names.into_iter().cloned().collect()
    }

    /// The pipelines with an open run in each pane that has one.
    pub fn running(&self) -> impl Iterator<Item = (&PaneKey, Vec<String>)> {
        let panes = self.state.panes.iter().map(|(key, row)| (key, self.running_in(row)));
        panes.filter(|(_, names)| !names.is_empty())
    }
}

impl PartialEq for Engine {
    /// Equal states.
    fn eq(&self, other: &Self) -> bool {
        self.state == other.state
    }
}
