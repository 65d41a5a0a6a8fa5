//! Stages of one run that act beside each other, and what any stage waits for before it acts.
//!
//! **Rules.** In one pane one stage acts at a time, and a lock of a stage's own is held by one stage; the lock of a pipeline
//! is shared by the stages of a run. No more stages of a run act at the same time than its pipeline allows. Who waits is
//! served in the order of coming (`queue`). What the failure of one does to those beside it, its pipeline says.

use super::progress::Cause;
use super::run_panes::busy_pane;
use super::state::{Run, StageRun, State};
use super::turn::{At, Turn};
use std::sync::Arc;
use tmuxagent_model::{Note, RunId, RunState, Severity, StageState};
use tmuxagent_policy::{OnFailure, Policy};

impl Turn<'_> {
    /// Whether a stage may act now: its locks are free, and so is its pane, and not too many act beside it.
    pub fn may_act(&self, at: At) -> bool {
        let (state, policy) = (&*self.state, &*self.policy);
        locked(state, policy, at).is_none()
            && busy_pane(state, policy, at).is_none()
            && crowd(state, policy, at).is_none()
    }

    /// A stage has ended: where it failed for good, those beside it are cancelled, if its pipeline says so.
    pub fn stop_beside(&mut self, at: At) {
        let policy = Arc::clone(&self.policy);
        let Some((pipeline, rule)) = self.rule(&policy, at) else { return };
        let failed = |stage: &StageRun| matches!(stage.state, StageState::Failed | StageState::Escalated);
        if rule.closes || pipeline.parallel.on_failure != OnFailure::Cancel || !self.stage(at).is_some_and(failed) {
            return;
        }
        let others: Vec<usize> = self.run(at.run).map(|run| run.live().collect()).unwrap_or_default();
        for stage in others {
            let cause = Cause::own(self.now, "parallel", format!("stage {} failed", rule.name));
            self.cancel_beside(At { run: at.run, stage }, cause);
        }
    }

    /// Tells at the end of a run which of the stages that acted beside each other failed, where others did not.
    pub fn tell_apart(&mut self, id: RunId) {
        let policy = Arc::clone(&self.policy);
        let Some(run) = self.run(id) else { return };
        let Some(pipeline) = policy.pipeline(&run.pipeline) else { return };
        let beside = |stage: &&StageRun| pipeline.stage(&stage.name).is_some_and(|rule| rule.needs.is_some());
        let names = |states: &[StageState]| {
            let stages = run.stages.iter().filter(beside).filter(|stage| states.contains(&stage.state));
            stages.map(|stage| stage.name.as_str()).collect::<Vec<_>>().join(", ")
        };
        let failed = names(&[StageState::Failed, StageState::Escalated]);
        let succeeded = names(&[StageState::Succeeded]);
        if !failed.is_empty() && !succeeded.is_empty() {
            let text = format!("run {id}: of the stages beside each other {failed} failed, and {succeeded} succeeded");
            self.note_run(Severity::Info, id, Note::Text { text });
        }
    }
}

/// The lock for which a stage waits, with the run and stage that hold it: those that act, or are about to go on acting.
pub fn locked<'s>(state: &'s State, policy: &Policy, at: At) -> Option<(&'s str, &'s Run, &'s StageRun)> {
    let run = state.runs.get(&at.run)?;
    let pipeline = policy.pipeline(&run.pipeline);
    let shared = pipeline.and_then(|pipeline| pipeline.concurrency.lock.as_deref());
    let wanted = &run.stages.get(at.stage)?.locks;
    wanted.iter().find_map(|lock| {
        let open = state.runs.values().filter(|run| run.state == RunState::Open);
        let holds = |stage: &StageRun| stage.acts() && stage.locks.contains(lock);
        let mut acting =
            open.flat_map(|run| run.live().filter_map(move |stage| Some((run, stage, run.stages.get(stage)?))));
        let others = |run: &Run, stage: usize| run.id != at.run || stage != at.stage && shared != Some(lock.as_str());
        let (run, _, stage) = acting.find(|(run, index, stage)| others(run, *index) && holds(stage))?;
        Some((lock.as_str(), run, stage))
    })
}

/// How many stages of the run act beside this one, where it may not be one more.
pub fn crowd(state: &State, policy: &Policy, at: At) -> Option<u32> {
    let run = state.runs.get(&at.run)?;
    let most = policy.pipeline(&run.pipeline)?.parallel.max?;
    let acts = |stage: &usize| *stage != at.stage && run.stages.get(*stage).is_some_and(|one| one.acts());
    let acting = u32::try_from(run.live().filter(acts).count()).unwrap_or(u32::MAX);
    (acting >= most).then_some(acting)
}
