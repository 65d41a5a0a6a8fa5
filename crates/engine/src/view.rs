//! What views show of the state.

use super::Engine;
use super::condition::describe;
use super::followers::goes_on;
use super::groups::ahead;
use super::parallel::{crowd, locked};
use super::progress::Cause;
use super::run_panes::busy_pane;
use super::state::{PaneRow, Purpose, Run, StageRun, State};
use super::text::{describe_intent, describe_plan, visible};
use super::trigger::state_word;
use super::turn::At;
use std::collections::{BTreeMap, BTreeSet};
use tmuxagent_model::{
    Approval, ApprovalId, ApprovalKind, ApprovalState, Freeze, HeldSend, HostName, InputView, IntentState, KeyStep,
    LeaseView, OnApprove, PaneKey, PaneState, ProgramState, RunState, RunView, StageState, StageView, TimerKey,
    Timestamp, Undo,
};
use tmuxagent_policy::{FailStep, Input, InputKind, Pipeline, Stage};

/// The engine's part of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct View {
    /// Every pipeline on every pane that it applies to, with its open or last run; pipelines in the policy's order.
    pub runs: Vec<RunView>,
    /// Pending approvals, oldest first, then closed ones, newest first.
    pub approvals: Vec<Approval>,
    /// What the freeze holds back, oldest first.
    pub held: Vec<HeldSend>,
    /// The leases that persons gave.
    pub leases: Vec<LeaseView>,
    /// The freeze switch.
    pub frozen: Option<Freeze>,
    /// What each pane is doing, as far as the engine knows.
    pub panes: BTreeMap<PaneKey, PaneState>,
    /// The pipelines that apply to each pane.
    pub pipelines: BTreeMap<PaneKey, Vec<String>>,
    /// The panes in which a stage's own command runs.
    pub commands: BTreeSet<PaneKey>,
}

impl State {
    /// Whether a question about a stage is open that its state does not tell: see [`Engine::asks`].
    pub(crate) fn asks(&self, stage: &StageRun) -> bool {
        let hidden = matches!(
            stage.state,
            StageState::Queued | StageState::Starting | StageState::Running | StageState::Retrying
        );
        hidden && self.open_question(stage).is_some()
    }

    fn open_question(&self, stage: &StageRun) -> Option<&Approval> {
        let asked = stage.approval.as_ref().and_then(|id| self.approvals.get(id));
        asked.map(|row| &row.approval).filter(|asked| asked.state == ApprovalState::Pending)
    }

    /// The yes to a stage, as long as it can be taken back. Such a stage keeps its state, and needs nobody.
    pub(crate) fn undo(&self, stage: &StageRun) -> Option<Undo> {
        let approval = stage.approval.clone()?;
        let until = self.undo_until(&approval)?;
        Some(Undo { approval, until })
    }

    /// Until when the yes to a question can be taken back.
    pub(crate) fn undo_until(&self, id: &ApprovalId) -> Option<Timestamp> {
        self.approvals.get(id).filter(|row| row.grace)?;
        self.armed(&TimerKey::Grace(id.clone())).map(|timer| timer.at)
    }

    /// What a stage does, as a word in a sentence: one about which a question is open asks.
    pub(crate) fn word_of(&self, stage: &StageRun) -> &'static str {
        match self.undo(stage) {
            Some(_) => "approved, and can still be taken back",
            None => state_word(if self.asks(stage) { StageState::Asking } else { stage.state }),
        }
    }

    /// What a stage does now that is in the way of a start, and what can be done about it.
    pub(crate) fn in_the_way(&self, run: &Run, stage: &StageRun) -> String {
        let (name, of) = (&stage.name, run.id);
        match self.undo(stage) {
            Some(Undo { approval, .. }) => {
                format!("stage {name} of run {of} is approved; `tmuxagent reject {approval}` can still take it back")
            }
            None if self.open_question(stage).is_none() => {
                format!("stage {name} of run {of} is {}", self.word_of(stage))
            }
            None if stage.state == StageState::NeedsApproval => {
                format!("stage {name} of run {of} waits for approval: `tmuxagent approvals`")
            }
            None => format!("stage {name} of run {of} asks what to do: `tmuxagent approvals`"),
        }
    }
}

impl Engine {
    /// Panes of a host whose shell tells of its commands by marks that are believed.
    #[must_use]
    pub fn panes_with_shell_marks(&self, host: &HostName) -> Vec<PaneKey> {
        let rows = self.state.panes.iter().filter(|(key, row)| key.host == *host && !row.shell_marks.is_none());
        rows.map(|(key, _)| key.clone()).collect()
    }

    /// The picture now.
    #[must_use]
    pub fn view(&self) -> View {
        let mut runs = Vec::new();
        let applicable: Vec<(&PaneRow, BTreeSet<&str>)> =
            self.state.panes.values().map(|row| (row, row.pipelines.iter().map(String::as_str).collect())).collect();
        for pipeline in &self.policy.pipelines {
            for (row, names) in &applicable {
                if names.contains(pipeline.name.as_str()) || row.open.contains_key(&pipeline.name) {
                    runs.push(self.run_view(row, pipeline));
                }
            }
        }
        let (mut pending, mut closed): (Vec<Approval>, Vec<Approval>) = self
            .state
            .approvals
            .values()
            .map(|row| self.shown(&row.approval))
            .partition(|approval| approval.state == ApprovalState::Pending);
        pending.sort_by(|a, b| (a.asked_at, &a.id).cmp(&(b.asked_at, &b.id)));
        closed.sort_by(|a, b| (b.closed_at, &b.id).cmp(&(a.closed_at, &a.id)));
        pending.append(&mut closed);
        let panes = || self.state.panes.values();
        View {
            runs,
            approvals: pending,
            held: self.held(),
            leases: self.leases(),
            frozen: self.state.meta().frozen.clone(),
            panes: panes().map(|row| (row.info.key.clone(), self.pane_state(row))).collect(),
            pipelines: panes().map(|row| (row.info.key.clone(), row.pipelines.clone())).collect(),
            commands: self.commands(),
        }
    }

    /// The panes in which a stage's own command runs: what it waits for, the stage waits for.
    #[must_use]
    pub fn commands(&self) -> BTreeSet<PaneKey> {
        let ids = self.state.panes.values().flat_map(|row| row.open.values());
        let mut panes = BTreeSet::new();
        for run in ids.filter_map(|id| self.state.runs.get(id)) {
            let own = run.live().filter(|at| {
                let stage = run.stages.get(*at);
                stage.is_some_and(|stage| stage.state == StageState::Running && stage.tracked.is_some())
            });
            panes.extend(own.map(|at| run.pane_of(at).clone()));
        }
        panes
    }

    /// A question as it is shown: what a yes types stands there without secrets, and is typed with them.
    fn shown(&self, approval: &Approval) -> Approval {
        let mut shown = approval.clone();
        shown.undo_until = self.state.undo_until(&shown.id);
        let others = shown.option_effects.iter_mut().flatten().chain(&mut shown.effect_no);
        for step in others.chain(&mut shown.effect) {
            if let KeyStep::Text(text) = step {
                *text = self.cleaner.clean(text);
            }
        }
        shown
    }

    fn held(&self) -> Vec<HeldSend> {
        let rows = self.state.intents.values().filter(|row| row.intent.state == IntentState::Held);
        let mut held: Vec<(u64, HeldSend)> = rows
            .map(|row| {
                let pane = row.intent.effect.pane().and_then(|pane| self.state.panes.get(pane));
                let place = pane.map(|row| row.place.clone()).unwrap_or_default();
                let (intent, text) = (row.intent.id.clone(), self.cleaner.clean(&describe_intent(&self.state, row)));
                let pane = row.intent.effect.pane().cloned();
                (row.order, HeldSend { intent, place, pane, text, at: row.intent.at, reader: None })
            })
            .collect();
        held.sort_by_key(|(order, _)| *order);
        held.into_iter().map(|(_, held)| held).collect()
    }

    fn run_view(&self, row: &PaneRow, pipeline: &Pipeline) -> RunView {
        let id = row.open.get(&pipeline.name).or_else(|| row.last.get(&pipeline.name));
        let run = id.and_then(|id| self.state.runs.get(id));
        let none = |stage: &Stage| StageRun::waiting(stage.name.clone());
        let stages = pipeline.stages.iter().map(|rule| {
            let found = run.and_then(|run| run.stages.iter().find(|stage| stage.name == rule.name));
            self.stage_view(run, pipeline, rule, found.unwrap_or(&none(rule)))
        });
        RunView {
            pipeline: pipeline.name.clone(),
            pane: row.info.key.clone(),
            place: row.place.clone(),
            run: run.map(|run| run.id),
            state: run.map(|run| run.state),
            stages: stages.collect(),
            inputs: pipeline.inputs.iter().map(input_view).collect(),
            started_at: run.map(|run| run.started_at),
            ended_at: run.and_then(|run| run.ended_at),
            last_line: None,
        }
    }

    fn stage_view(&self, run: Option<&Run>, pipeline: &Pipeline, rule: &Stage, stage: &StageRun) -> StageView {
        let due = run.and_then(|run| {
            [TimerKey::StageTimeout(run.id, stage.name.clone()), TimerKey::Backoff(run.id, stage.name.clone())]
                .iter()
                .filter_map(|key| self.state.armed(key).map(|timer| timer.at))
                .min()
        });
        let undo = self.state.undo(stage);
        StageView {
            name: stage.name.clone(),
            state: stage.state,
            attempt: stage.attempt,
            max_attempts: max_attempts(rule, stage),
            started_at: stage.started_at,
            ended_at: stage.ended_at,
            due_at: undo.as_ref().map(|undo| undo.until).or(due),
            detail: self.detail(run, pipeline, rule, stage),
            round: stage.round,
            rounds: pipeline.loop_of(&rule.name).map_or(0, |one| one.max.saturating_add(stage.more_rounds)),
            pane: stage.pane.clone(),
            place: stage.pane.as_ref().and_then(|pane| self.state.panes.get(pane)).map(|row| row.place.clone()),
            more: self.more_attempts(run, rule, stage),
            asks: self.asks(stage),
            undo,
        }
    }

    /// Whether a question about a stage is open that its state does not tell: its command asks something, or has ended and nobody
    /// can say how. It counts as under way meanwhile, and every surface shows that it waits for somebody.
    pub(crate) fn asks(&self, stage: &StageRun) -> bool {
        self.state.asks(stage)
    }

    /// The open question about a stage.
    pub(crate) fn open_question(&self, stage: &StageRun) -> Option<&Approval> {
        self.state.open_question(stage)
    }

    /// Whether a stage of a run was not reached, and won't be any more.
    pub(crate) fn is_not_reached(run: Option<&Run>, pipeline: &Pipeline, stage: &StageRun) -> bool {
        let over = |run: &Run| run.state != RunState::Open || run.is_idle() && !goes_on(run, pipeline);
        stage.state == StageState::Waiting && run.is_some_and(over)
    }

    /// How many attempts people allowed beyond those of the policy, and who did so last, while that is remembered.
    fn more_attempts(&self, run: Option<&Run>, rule: &Stage, stage: &StageRun) -> Option<(u32, String)> {
        let more = max_attempts(rule, stage).saturating_sub(max_attempts(rule, &StageRun::waiting(String::new())));
        let rerun = ApprovalKind::Failed { on_approve: OnApprove::Rerun };
        let yes = self.decided(run, stage).filter(|(asked, by)| more > 0 && asked.kind == rerun && by.verdict.approve);
        yes.max_by_key(|(_, yes)| yes.at).map(|(_, yes)| (more, yes.by.who.clone()))
    }

    /// What a stage waits for, or what ended it, in one line.
    pub(super) fn detail(&self, run: Option<&Run>, pipeline: &Pipeline, rule: &Stage, stage: &StageRun) -> String {
        let ended = || stage.ended.as_ref().map(Cause::brief).unwrap_or_default();
        let asked = self.open_question(stage).filter(|_| self.asks(stage));
        let text = match stage.state {
            _ if asked.is_some() => asked.map(|asked| asked.question.clone()).unwrap_or_default(),
            _ if self.state.undo(stage).is_some() => "approved; it is done unless it is taken back".to_owned(),
            StageState::Waiting if rule.closes && run.is_none_or(|run| run.state == RunState::Open) => {
                "waits for the end of the run".to_owned()
            }
            StageState::Waiting if Self::is_not_reached(run, pipeline, stage) => StageView::NOT_REACHED.to_owned(),
            StageState::Waiting => format!("waits for {}", self.starts_by(rule)),
            StageState::NeedsApproval | StageState::Asking => {
                let row = stage.approval.as_ref().and_then(|id| self.state.approvals.get(id));
                row.map_or_else(|| "waits for a human".to_owned(), |row| row.approval.question.clone())
            }
            StageState::Queued if stage.looks_for.is_some() => self.looks_for(stage),
            StageState::Queued
                if let Some(other) = run.filter(|run| !run.granted).and_then(|run| ahead(&self.state, run)) =>
            {
                let group = other.group.as_deref().unwrap_or_default();
                format!("waits for the end of run {} of group {group}", other.id)
            }
            StageState::Queued => self.waits_to_act(run, stage),
            StageState::Starting => {
                let waiting = stage.waiting.as_ref().and_then(|id| self.state.intents.get(id));
                let text = match waiting.map(|row| (row.intent.state, describe_intent(&self.state, row))) {
                    Some((IntentState::Held, text)) => format!("held by the freeze: {text}"),
                    Some((IntentState::Open | IntentState::Settled, text)) => format!("does {text}"),
                    None => format!("does {}", describe_plan(&stage.plan)),
                };
                self.cleaner.clean(&text)
            }
            StageState::Running => self.running_detail(rule, stage),
            StageState::Retrying => format!("failed: {}", ended()),
            StageState::Failed | StageState::Escalated => why_failed(stage, ended()),
            StageState::Succeeded
            | StageState::Skipped
            | StageState::Cancelled
            | StageState::Rejected
            | StageState::Expired => ended(),
        };
        visible(&text)
    }

    /// What a stage waits for that looks for something.
    fn looks_for(&self, stage: &StageRun) -> String {
        let row = stage.looks_for.as_ref().and_then(|id| self.state.intents.get(id));
        match row.map(|row| (&row.purpose, row.intent.state)) {
            Some((Purpose::File { .. }, _)) => "looks for the files that its if names".to_owned(),
            Some((_, IntentState::Held)) => "held by the freeze: its pane is to be made".to_owned(),
            Some(_) | None => "waits for its pane, which is being made".to_owned(),
        }
    }

    /// What a stage waits for that could act by now.
    fn waits_to_act(&self, run: Option<&Run>, stage: &StageRun) -> String {
        let place = |run: &Run| run.stages.iter().position(|one| one.name == stage.name);
        let Some(at) = run.and_then(|run| Some(At { run: run.id, stage: place(run)? })) else { return String::new() };
        if let Some((lock, run, stage)) = locked(&self.state, &self.policy, at) {
            return format!("waits for lock {lock}, held by stage {} of run {}", stage.name, run.id);
        }
        if let Some((run, stage)) = busy_pane(&self.state, &self.policy, at) {
            return format!("waits for its pane, where stage {} of run {} acts", stage.name, run.id);
        }
        match crowd(&self.state, &self.policy, at) {
            Some(acting) => format!("waits for one of the {acting} stages that act beside it"),
            None => "waits for its lock".to_owned(),
        }
    }

    fn running_detail(&self, rule: &Stage, stage: &StageRun) -> String {
        let polls = stage.polls.values().find_map(|poll| match &poll.state {
            super::progress::PollState::Pending { detail } | super::progress::PollState::Trouble { detail } => {
                Some(detail.clone())
            }
            super::progress::PollState::Asked
            | super::progress::PollState::Met { .. }
            | super::progress::PollState::Dead { .. } => None,
        });
        match (&rule.success_when, polls) {
            (_, Some(detail)) => detail,
            (Some(condition), None) => format!("waits for {}", describe(&self.policy, condition)),
            (None, None) => "waits for its command to end".to_owned(),
        }
    }

    /// What a pane is doing, the most pressing of all that goes on there.
    fn pane_state(&self, row: &PaneRow) -> PaneState {
        let key = &row.info.key;
        let asked = self
            .state
            .approvals
            .values()
            .any(|row| row.approval.pane == *key && row.approval.state == ApprovalState::Pending);
        if asked || (matches!(row.program, Some(ProgramState::Blocked { .. })) && !row.info.dead) {
            return PaneState::NeedsApproval;
        }
        if row.info.dead {
            return PaneState::Dead;
        }
        if row.stale {
            return PaneState::Stale;
        }
        // Whoever began it, with an answer that can be given here or in its pane alone.
        if row.waits {
            return PaneState::NeedsApproval;
        }
        let open = row.open.values().chain(&row.guests).filter_map(|id| self.state.runs.get(id));
        // What came out of an earlier run is over once another one was begun here.
        let last = row.last.values().filter_map(|id| self.state.runs.get(id)).max_by_key(|run| run.id);
        let last = last.filter(|last| open.clone().all(|open| open.id < last.id));
        let runs = open.clone().chain(last);
        let of_runs = runs.filter_map(|run| run_state(&self.state, run, row)).min();
        let of_program = match &row.program {
            Some(ProgramState::Working) => Some(PaneState::Running),
            Some(ProgramState::Done) => Some(PaneState::Done),
            Some(ProgramState::Error) => Some(PaneState::Failed),
            Some(
                ProgramState::Idle
                | ProgramState::Clear
                | ProgramState::Blocked { .. }
                | ProgramState::Notification { .. },
            )
            | None => None,
        };
        of_runs.into_iter().chain(of_program).min().unwrap_or(PaneState::Idle)
    }
}

/// What a run says of its pane. A closed run counts until the next one of its pipeline.
fn run_state(state: &State, run: &Run, row: &PaneRow) -> Option<PaneState> {
    if run.state != RunState::Open {
        let newer = row.open.contains_key(&run.pipeline);
        return (run.state == RunState::Failed && !newer).then_some(PaneState::Failed);
    }
    let last = run.last.filter(|_| run.is_idle());
    let here = run.live().chain(last).filter(|stage| *run.pane_of(*stage) == row.info.key);
    let told = here.filter_map(|stage| run.stages.get(stage)).filter_map(|stage| match state.undo(stage) {
        // It only waits for the time in which it can be taken back.
        Some(_) => stage_state(StageState::Queued),
        None => stage_state(stage.state),
    });
    told.min()
}

/// What a stage says of its pane.
const fn stage_state(state: StageState) -> Option<PaneState> {
    match state {
        StageState::NeedsApproval | StageState::Asking => Some(PaneState::NeedsApproval),
        StageState::Failed | StageState::Escalated => Some(PaneState::Failed),
        StageState::Retrying => Some(PaneState::Retrying),
        StageState::Queued | StageState::Starting | StageState::Running => Some(PaneState::Running),
        StageState::Waiting
        | StageState::Succeeded
        | StageState::Skipped
        | StageState::Cancelled
        | StageState::Rejected
        | StageState::Expired => None,
    }
}

/// The number of the last attempt that a stage's policy allows before a human is asked again. It counts on where a
/// human let the stage run once more, and is never less than the attempts already made.
pub fn max_attempts(rule: &Stage, stage: &StageRun) -> u32 {
    let retries = rule.on_fail.iter().fold(0_u32, |sum, step| match step {
        FailStep::Retry(spec) => sum.saturating_add(spec.max),
        FailStep::AskHuman { .. } | FailStep::Escalate { .. } | FailStep::Do(_) => sum,
    });
    let used = stage.retries.values().fold(0_u32, |sum, used| sum.saturating_add(*used));
    // A retry is counted when it is decided, its attempt when it begins.
    let to_come = matches!(stage.state, StageState::Retrying | StageState::Queued | StageState::NeedsApproval);
    let begun = if to_come { stage.attempt + 1 } else { stage.attempt.max(1) };
    begun.saturating_add(retries).saturating_sub(used).max(stage.attempt)
}

/// An input as who starts the pipeline sees it.
fn input_view(input: &Input) -> InputView {
    let choices = if let InputKind::Choice(choices) = &input.kind { choices.clone() } else { Vec::new() };
    let number = matches!(input.kind, InputKind::Number);
    InputView { name: input.name.clone(), default: input.default.clone(), choices, number }
}

/// Why a stage failed: what ended it, the failure itself where a person has only let that stand, and what its output tells
/// of it.
fn why_failed(stage: &StageRun, ended: String) -> String {
    let failed = stage.failed.last().filter(|failed| failed.attempt == stage.attempt);
    let mut why = ended;
    if let Some(failed) = failed.map(|failed| failed.cause.brief()).filter(|failed| *failed != why) {
        why = format!("{why}; it failed: {failed}");
    }
    let said = failed.map(|failed| &failed.said).filter(|said| !said.is_empty());
    match stage.told.as_ref().or(said) {
        // Where a line decided, it stands there already.
        Some(told) if why.contains(told.as_str()) => why,
        // With backticks of its own its end could not be seen.
        Some(told) if told.contains('`') => format!("{why}; its output: “{told}”"),
        Some(told) => format!("{why}; its output: `{told}`"),
        None => why,
    }
}
