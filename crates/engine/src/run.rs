//! The life of a run: its beginning, what follows its stages, its locks, its end.

use super::agent::Watched;
use super::condition::{Ending, Scene, Stimulus, TRIGGER, ended_so};
use super::progress::{Cause, Progress, Watch};
use super::rounds::starts_again;
use super::state::{Purpose, Run, StageRun, State, stage_key};
use super::table::{RunInput, StageInput, next_run};
use super::trigger::{Fired, Starter};
use super::turn::{At, Turn, Work};
use std::collections::BTreeSet;
use std::sync::Arc;
use tmuxagent_model::{
    AlertKind, ApprovalId, ApprovalState, IntentId, Note, PaneKey, RunId, RunState, Severity, StageState, Urgency,
    Variables,
};
use tmuxagent_policy::{Condition, Pipeline, Policy, Stage, input_values};

/// The most closed runs kept for each pipeline on a pane, and in all; the journal has the rest.
const CLOSED_OF_PAIR: usize = 5;
const CLOSED: usize = 500;
/// The most closed approvals kept; the journal has the rest.
const CLOSED_APPROVALS: usize = 200;

impl Turn<'_> {
    /// Begins a run at a stage.
    pub fn begin_run(
        &mut self,
        pane: &PaneKey,
        pipeline: &Pipeline,
        stage: &Stage,
        cause: Cause,
        groups: Vec<(String, String)>,
    ) -> Fired {
        let Some(index) = pipeline.stages.iter().position(|s| s.name == stage.name) else {
            return Fired::Ignored("the pipeline has no such stage".to_owned());
        };
        let given: Vec<(String, String)> = std::mem::take(&mut self.given).into_iter().collect();
        let inputs = input_values(&pipeline.inputs, &given);
        let (panes, inputs) = match self.choose_panes(pane, pipeline).and_then(|panes| Ok((panes, inputs?))) {
            Ok(found) => found,
            Err(why) => {
                let text = format!("{} does not begin: {why}", pipeline.name);
                self.note_at(Severity::Warning, pane, Note::Text { text });
                return Fired::Ignored(why);
            }
        };
        let now = self.now;
        let place = self.place(pane);
        let mut run = Run {
            id: RunId(0),
            pipeline: pipeline.name.clone(),
            pane: pane.clone(),
            place: place.clone(),
            panes,
            inputs: inputs.into_iter().collect(),
            group: None,
            granted: false,
            closing: None,
            state: RunState::Open,
            stages: pipeline.stages.iter().map(|stage| StageRun::waiting(stage.name.clone())).collect(),
            last: None,
            variables: Variables::new(),
            evidence: Vec::new(),
            started_at: now,
            ended_at: None,
        };
        if let Err(why) = self.put_in_group(&mut run, pipeline) {
            let text = format!("{} does not begin: {why}", pipeline.name);
            self.note_at(Severity::Warning, pane, Note::Text { text });
            return Fired::Ignored(why);
        }
        let meta = self.state.meta_mut();
        meta.runs += 1;
        let id = RunId(meta.runs);
        run.id = id;
        self.state.runs.insert(id, run);
        if let Some(row) = self.state.panes.get_mut(pane) {
            row.open.insert(pipeline.name.clone(), id);
            // A new run begins with a clean memory.
            for stage in &pipeline.stages {
                if let Some(watch) = row.watch.get_mut(&stage_key(&pipeline.name, &stage.name)) {
                    watch.progress = Progress::new();
                }
            }
        }
        self.place_waiting(id, pipeline);
        self.note_at(Severity::Info, pane, Note::RunStarted { run: id, pipeline: pipeline.name.clone() });
        let at = At { run: id, stage: index };
        self.learn(id, groups);
        self.witness(at, &cause);
        self.begin(at, cause);
        Fired::Started(at)
    }

    /// Starts the first stage of a pipeline on every pane that it applies to, or in one pane beside another.
    pub fn start_pipeline(&mut self, name: &str, by: &Cause, beside: Option<&PaneKey>) {
        let policy = Arc::clone(&self.policy);
        let Some(pipeline) = policy.pipeline(name) else {
            let text = format!("{}: there is no pipeline {name}", by.brief());
            return self.note(Severity::Error, "", Note::Text { text });
        };
        let Some(stage) = pipeline.stages.first() else { return };
        if let Some(pane) = beside {
            return self.start_beside(pane, pipeline, stage, by);
        }
        let rows = self.state.panes.iter();
        let panes: Vec<PaneKey> =
            rows.filter(|(_, row)| row.pipelines.contains(&pipeline.name)).map(|(key, _)| key.clone()).collect();
        for pane in &panes {
            let fired = self.fire(pane, pipeline, stage, by.clone(), Vec::new(), Starter::Command);
            if let Fired::Ignored(why) = fired {
                self.miss(pane, name, &stage.name, &by.brief(), why);
            }
        }
    }

    /// After the end of a stage: the stages that wait for it, then perhaps the end of the run.
    pub fn after_stage(&mut self, id: RunId) {
        let policy = Arc::clone(&self.policy);
        let Some(run) = self.run(id).filter(|run| run.state == RunState::Open && run.live().is_none()) else { return };
        if run.closing.is_some() {
            return self.close_run(id, RunInput::Cancel);
        }
        let Some(pipeline) = policy.pipeline(&run.pipeline) else { return };
        let waiting: Vec<usize> = run
            .stages
            .iter()
            .enumerate()
            .filter(|(index, stage)| {
                stage.state == StageState::Waiting || starts_again(run, pipeline, *index).is_some()
            })
            .map(|(index, _)| index)
            .collect();
        for index in waiting {
            let at = At { run: id, stage: index };
            if let Some((_, stage)) = self.rule(&policy, at)
                && self.ask_follower(&policy, pipeline, stage, at)
            {
                return;
            }
        }
        let open = self.run(id).is_some_and(|run| goes_on(run, pipeline));
        if !open {
            self.close_by_stages(id);
        }
    }

    /// Starts a stage whose `after_stage_*` holds now; says whether it did.
    fn ask_follower(&mut self, policy: &Policy, pipeline: &Pipeline, stage: &Stage, at: At) -> bool {
        let Some(run) = self.run(at.run) else { return false };
        let ended = starts_again(run, pipeline, at.stage);
        let pane = run.pane.clone();
        let key = stage_key(&pipeline.name, &stage.name);
        let none = Watch::default();
        let Some(row) = self.state.panes.get(&pane).filter(|row| !row.info.dead) else { return false };
        let watch = row.watch.get(&key).unwrap_or(&none);
        let (cleaner, now) = (self.cleaner, self.now);
        let listened = self.listened(&pane, pipeline, stage);
        let (polls, agent) = (&watch.polls, Watched::of(self.state.panes.get(&listened), None));
        let scene = Scene { policy, run: Some(run), polls, agent, expected: &[], ended, cleaner, now };
        let mut held = watch.progress.held.clone();
        let found = scene.meet(&stage.triggers, TRIGGER, &Stimulus::Settled, &mut held, &mut Vec::new());
        let Some(found) = found else { return false };
        let cooled = stage.cooldown.zip(row.starts.get(&key).copied()).filter(|(span, last)| *last + *span > self.now);
        if let Some((span, last)) = cooled {
            let why = format!("cool-down for another {}", (last + span).since(self.now));
            self.miss(&pane, &pipeline.name, &stage.name, &found.cause.text, why);
            return false;
        }
        if let Some(row) = self.state.panes.get_mut(&pane)
            && let Some(watch) = row.watch.get_mut(&key)
        {
            watch.progress = Progress::new();
        }
        self.begin(at, found.cause);
        true
    }

    /// Closes a run as its stages say.
    pub fn close_by_stages(&mut self, id: RunId) {
        let Some(run) = self.run(id) else { return };
        let policy = Arc::clone(&self.policy);
        let closes = |stage: &StageRun| {
            let rule = policy.pipeline(&run.pipeline).and_then(|pipeline| pipeline.stage(&stage.name));
            rule.is_some_and(|rule| rule.closes)
        };
        let any =
            |states: &[StageState]| run.stages.iter().any(|stage| states.contains(&stage.state) && !closes(stage));
        let lost = policy.pipeline(&run.pipeline).map_or_else(
            || any(&[StageState::Failed, StageState::Escalated]),
            |pipeline| super::recovered::has_lost(run, pipeline),
        );
        let input = if lost {
            RunInput::Fail
        } else if any(&[StageState::Rejected]) {
            RunInput::Reject
        } else if any(&[StageState::Cancelled]) {
            RunInput::Cancel
        } else if any(&[StageState::Expired]) {
            RunInput::Expire
        } else {
            RunInput::Succeed
        };
        self.close_run(id, input);
    }

    /// Cancels a run with what is live in it; nothing more is typed for it.
    pub fn cancel_run(&mut self, id: RunId, cause: &Cause) {
        let Some(run) = self.run(id) else { return };
        if let Some(stage) = run.live() {
            self.cancel_stage(At { run: id, stage }, cause.clone());
        }
        let of_run: Vec<IntentId> = self
            .state
            .intents
            .iter()
            .filter(|(_, row)| row.intent.run == Some(id) && row.intent.effect.freezable())
            .map(|(id, _)| id.clone())
            .collect();
        for intent in &of_run {
            self.withdraw(intent);
        }
        self.close_run(id, RunInput::Cancel);
    }

    /// Ends a run that has no live stage.
    pub fn close_run(&mut self, id: RunId, input: RunInput) {
        let now = self.now;
        let Some(state) = self.end_of(id, input) else { return };
        if self.begin_finally(id, state) {
            return;
        }
        let Some(run) = self.run(id) else { return };
        let (pipeline, pane) = (run.pipeline.clone(), run.pane.clone());
        if let Some(run) = self.state.runs.get_mut(&id) {
            run.closing = None;
            run.state = state;
            run.ended_at = Some(now);
        }
        if let Some(row) = self.state.panes.get_mut(&pane) {
            row.open.remove(&pipeline);
            row.last.insert(pipeline.clone(), id);
        }
        self.be_no_guest(id);
        self.then(Work::Locks);
        let severity = match state {
            RunState::Succeeded => Severity::Success,
            RunState::Failed => Severity::Error,
            RunState::Open | RunState::Cancelled | RunState::Rejected | RunState::Expired => Severity::Warning,
        };
        self.note_run(severity, id, Note::RunEnded { run: id, pipeline: pipeline.clone(), state });
        if state == RunState::Succeeded {
            let body = self.run(id).map(|run| run.pane.told(&run.place)).unwrap_or_default();
            let mended = self.run(id).and_then(|run| super::recovered::mended(run, self.policy.pipeline(&pipeline)?));
            let title = match mended {
                Some((failed, by)) => {
                    format!("{pipeline}: run {id} is through: stage {failed} failed, and {by} made up for it")
                }
                None => format!("{pipeline}: run {id} is through"),
            };
            self.alert_run(id, AlertKind::Success, Urgency::Low, (title, body), "");
        }
        self.forget_old(&pane, &pipeline);
    }

    /// Opens a closed run again, for a human who runs one of its stages again. Says whether it is open then.
    pub fn reopen(&mut self, id: RunId) -> bool {
        let Some(run) = self.run(id) else { return false };
        if run.state == RunState::Open {
            return true;
        }
        let Some(state) = next_run(run.state, RunInput::Reopen) else { return false };
        let (pipeline, pane) = (run.pipeline.clone(), run.pane.clone());
        let Some(row) = self.state.panes.get_mut(&pane) else { return false };
        row.open.insert(pipeline.clone(), id);
        row.last.remove(&pipeline);
        if let Some(run) = self.state.runs.get_mut(&id) {
            run.state = state;
            run.ended_at = None;
        }
        self.be_guest(id);
        true
    }

    /// Sets the stages after `at` back to waiting, so that the chain goes on from there.
    pub fn reset_later(&mut self, at: At) {
        let count = self.run(at.run).map_or(0, |run| run.stages.len());
        for stage in at.stage + 1..count {
            self.shift(At { run: at.run, stage }, StageInput::Reset);
        }
    }

    /// Removes closed runs and approvals beyond what is kept.
    fn forget_old(&mut self, pane: &PaneKey, pipeline: &str) {
        let closed: Vec<(RunId, bool)> = self
            .state
            .runs
            .values()
            .filter(|run| run.state != RunState::Open)
            .map(|run| (run.id, run.pane == *pane && run.pipeline == pipeline))
            .collect();
        let pair: Vec<RunId> = closed.iter().filter(|(_, same)| *same).map(|(id, _)| *id).collect();
        let mut old: BTreeSet<RunId> = pair.iter().take(pair.len().saturating_sub(CLOSED_OF_PAIR)).copied().collect();
        old.extend(closed.iter().take(closed.len().saturating_sub(CLOSED)).map(|(id, _)| *id));
        for id in &old {
            self.state.runs.remove(id);
        }
        let closed: Vec<ApprovalId> = self
            .state
            .approvals
            .values()
            .filter(|row| row.approval.state != ApprovalState::Pending && !row.grace)
            .map(|row| row.approval.id.clone())
            .collect();
        for id in closed.iter().take(closed.len().saturating_sub(CLOSED_APPROVALS)) {
            self.state.approvals.remove(id);
        }
    }

    /// Whether a stage may have its locks now.
    pub fn locks_free(&self, at: At, locks: &[String]) -> bool {
        locks.iter().all(|lock| holder(self.state, lock).is_none_or(|(run, _)| run.id == at.run))
    }

    /// Whether a stage may act now: its locks are free, and so is its pane.
    pub fn may_act(&self, at: At, locks: &[String]) -> bool {
        self.locks_free(at, locks) && self.is_pane_free(at)
    }

    /// Starts queued stages whose locks are free, first come first served.
    pub fn grant_locks(&mut self) {
        let mut queued: Vec<(u64, At)> = self
            .state
            .runs
            .values()
            .filter(|run| run.state == RunState::Open)
            .filter_map(|run| {
                let stage = run.live()?;
                Some((run.stages.get(stage)?.queue?, At { run: run.id, stage }))
            })
            .collect();
        queued.sort_unstable_by_key(|(place, _)| *place);
        for (_, at) in queued {
            let locks = self.stage(at).map(|stage| stage.locks.clone()).unwrap_or_default();
            if self.stage(at).is_none_or(|stage| stage.state != StageState::Queued) {
                continue;
            }
            let waits = self.run(at.run).is_some_and(|run| run.group.is_some() && !run.granted);
            if waits && self.has_group(at.run) {
                self.admit(at);
            } else if !waits && self.may_act(at, &locks) {
                self.start_attempt(at);
            }
        }
    }

    /// Whether an intent belongs to the attempt that is under way.
    pub fn is_current(&self, purpose: &Purpose, id: &IntentId) -> Option<At> {
        let Purpose::Plan { run, stage, attempt } = purpose else { return None };
        let at = self.find_stage(*run, stage)?;
        self.stage(at).filter(|s| s.attempt == *attempt && s.waiting.as_ref() == Some(id)).map(|_| at)
    }
}

/// The run and stage that hold a lock: those that act, or are about to go on acting.
pub fn holder<'a>(state: &'a State, lock: &str) -> Option<(&'a Run, &'a StageRun)> {
    state.runs.values().filter(|run| run.state == RunState::Open).find_map(|run| {
        let stage = run.stages.get(run.live()?)?;
        (stage.state.is_under_way() && stage.locks.iter().any(|held| held == lock)).then_some((run, stage))
    })
}

/// Whether a run without a live stage may still go on: a waiting stage after the one started last has a trigger
/// outside the run, or follows one that has.
pub fn goes_on(run: &Run, pipeline: &Pipeline) -> bool {
    pipeline
        .stages
        .iter()
        .filter(|stage| run.stages.iter().any(|s| s.name == stage.name && s.state == StageState::Waiting))
        .any(|stage| reach(run, pipeline, stage, &mut BTreeSet::new()) == Reach::Outside)
}

/// How a condition could come to hold in a run without a live stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Reach {
    /// Not any more.
    Never,
    /// It holds as a state already, and was asked when it came to hold.
    Already,
    /// By something outside the run.
    Outside,
}

fn reach<'a>(run: &Run, pipeline: &'a Pipeline, stage: &'a Stage, seen: &mut BTreeSet<&'a str>) -> Reach {
    if !seen.insert(&stage.name) {
        return Reach::Never;
    }
    let index = run.stages.iter().position(|s| s.name == stage.name);
    let later = index.is_some_and(|index| run.last.is_none_or(|last| index > last));
    let found = reach_condition(run, pipeline, &stage.triggers, later, seen);
    seen.remove(stage.name.as_str());
    found
}

fn reach_condition<'a>(
    run: &Run,
    pipeline: &'a Pipeline,
    condition: &'a Condition,
    later: bool,
    seen: &mut BTreeSet<&'a str>,
) -> Reach {
    let mut after = |name: &'a str, how: Ending| {
        let Some(stage) = run.stages.iter().find(|s| s.name == name) else { return Reach::Never };
        let state = stage.state;
        if ended_so(stage, how) {
            return Reach::Already;
        }
        match pipeline.stage(name) {
            Some(stage) if state == StageState::Waiting => reach(run, pipeline, stage, seen).min(Reach::Outside),
            Some(_) | None => Reach::Never,
        }
    };
    match condition {
        Condition::Any(parts) => {
            parts.iter().map(|part| reach_condition(run, pipeline, part, later, seen)).max().unwrap_or(Reach::Never)
        }
        Condition::All(parts) => {
            let reached: Vec<Reach> =
                parts.iter().map(|part| reach_condition(run, pipeline, part, later, seen)).collect();
            if reached.contains(&Reach::Never) {
                Reach::Never
            } else {
                reached.into_iter().max().unwrap_or(Reach::Never)
            }
        }
        Condition::Not(_) => Reach::Already,
        Condition::AfterStageSuccess(name) => after(name, Ending::Success),
        Condition::AfterStageFailure(name) => after(name, Ending::Failure),
        Condition::AfterStageRejected(name) => after(name, Ending::Rejection),
        Condition::Seen(part) => reach_condition(run, pipeline, part, later, seen),
        Condition::LogRegex(_)
        | Condition::Message(_)
        | Condition::ExitCode(_)
        | Condition::Agent(_)
        | Condition::IdleFor(_)
        | Condition::Poll(_)
        | Condition::Schedule(_)
        | Condition::Manual => {
            if later {
                Reach::Outside
            } else {
                Reach::Never
            }
        }
    }
}
