//! The life of a run: its beginning, what follows its stages, its locks, its end.

use super::progress::{Cause, Progress};
use super::state::{Purpose, Run, StageRun, stage_key};
use super::table::{RunInput, StageInput, next_run};
use super::trigger::{Fired, Starter};
use super::turn::{At, Turn, Work};
use std::collections::BTreeSet;
use std::sync::Arc;
use tmuxagent_model::{
    AlertKind, ApprovalId, ApprovalState, IntentId, Note, PaneKey, RunId, RunState, Severity, StageState, Urgency,
    Variables,
};
use tmuxagent_policy::{Pipeline, Stage, input_values};

/// The most closed runs kept for each pipeline on a pane, and in all; the journal has the rest.
const CLOSED_OF_PAIR: usize = 5;
const CLOSED: usize = 500;
/// The most closed approvals kept; the journal has the rest.
const CLOSED_APPROVALS: usize = 200;

/// That something does not begin, and why.
pub fn unbegun(name: &str, why: &str) -> String {
    format!("{name} does not begin: {why}")
}

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
        let inputs = self.values_for(pipeline);
        self.given.clear();
        let (panes, inputs) = match self.choose_panes(pane, pipeline).and_then(|panes| Ok((panes, inputs?))) {
            Ok(found) => found,
            Err(why) => {
                self.does_not_begin(pane, pipeline, &why);
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
            made: Vec::new(),
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
            counted: 0,
        };
        if let Err(why) = self.put_in_group(&mut run, pipeline) {
            self.does_not_begin(pane, pipeline, &why);
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
        self.record_evidence(at, &cause);
        self.begin(at, cause);
        Fired::Started(at)
    }

    /// The values of a pipeline's inputs, of what is given now.
    pub fn values_for(&self, pipeline: &Pipeline) -> Result<Vec<(String, String)>, String> {
        let given: Vec<(String, String)> = self.given.clone().into_iter().collect();
        input_values(&pipeline.inputs, &given)
    }

    /// Tells why a run does not begin.
    pub fn does_not_begin(&mut self, pane: &PaneKey, pipeline: &Pipeline, why: &str) {
        let text = unbegun(&pipeline.name, why);
        self.note_at(Severity::Warning, pane, Note::Text { text });
    }

    /// Starts the first stage of a pipeline on every pane that it applies to, or in one pane beside another.
    pub fn start_pipeline(&mut self, name: &str, by: &Cause, beside: Option<&PaneKey>, given: &Variables) {
        let policy = Arc::clone(&self.policy);
        let Some(pipeline) = policy.pipeline(name) else {
            let text = format!("{}: there is no pipeline {name}", by.brief());
            return self.note(Severity::Error, "", Note::Text { text });
        };
        let Some(stage) = pipeline.stages.first() else { return };
        if let Some(pane) = beside {
            self.given.clone_from(given);
            self.start_beside(pane, pipeline, stage, by);
            return self.given.clear();
        }
        let rows = self.state.panes.iter();
        let panes: Vec<PaneKey> =
            rows.filter(|(_, row)| row.pipelines.contains(&pipeline.name)).map(|(key, _)| key.clone()).collect();
        for pane in &panes {
            self.given.clone_from(given);
            let fired = self.fire(pane, pipeline, stage, by.clone(), Vec::new(), Starter::Command);
            self.given.clear();
            if let Fired::Ignored(why) = fired {
                self.miss(pane, name, &stage.name, &by.brief(), why);
            }
        }
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
        let live: Vec<usize> = run.live().collect();
        for stage in live {
            self.cancel_stage(At { run: id, stage }, cause.clone());
        }
        self.withdraw_of(id);
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
        self.close_made(id);
        self.then(Work::Locks);
        self.tell_apart(id);
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

    /// Sets the stages after `at` back to waiting, so that the chain goes on from there. Where stages act beside each other,
    /// those are meant that come after this one.
    pub fn reset_later(&mut self, at: At) {
        let policy = Arc::clone(&self.policy);
        let Some((pipeline, rule)) = self.rule(&policy, at) else { return };
        let beside = pipeline.stages.iter().any(|stage| stage.needs.is_some());
        let count = self.run(at.run).map_or(0, |run| run.stages.len());
        for stage in at.stage + 1..count {
            let later = At { run: at.run, stage };
            if !beside || pipeline.comes_after(&self.stage_name(later), &rule.name) {
                self.shift(later, StageInput::Reset);
            }
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

    /// Starts queued stages whose locks are free, first come first served.
    pub fn grant_locks(&mut self) {
        let mut queued: Vec<(u64, At)> = self
            .state
            .runs
            .values()
            .filter(|run| run.state == RunState::Open)
            .flat_map(|run| {
                run.live().filter_map(|stage| Some((run.stages.get(stage)?.queue?, At { run: run.id, stage })))
            })
            .collect();
        queued.sort_unstable_by_key(|(place, _)| *place);
        for (_, at) in queued {
            if self.stage(at).is_none_or(|stage| stage.state != StageState::Queued) {
                continue;
            }
            let waits = self.run(at.run).is_some_and(|run| run.group.is_some() && !run.granted);
            if waits && self.has_group(at.run) {
                self.admit(at);
            } else if !waits && self.may_act(at) {
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
