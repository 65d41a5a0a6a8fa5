//! What follows the end of a stage in its run: the stages that wait for it, or the end of the run.
//!
//! **Rules.** They are asked in the order of the policy. A stage that begins by triggers does so when no other of its run is
//! live, one a time; one with `needs` as soon as these have succeeded, beside whatever is live. The run ends when nothing is
//! live and nothing can come any more.

use super::agent::Watched;
use super::condition::{Ending, Scene, Stimulus, TRIGGER, describe, ended_so};
use super::progress::{Cause, Progress, Watch};
use super::rounds::starts_again;
use super::state::{Run, stage_key};
use super::table::RunInput;
use super::turn::{At, Turn};
use std::collections::BTreeSet;
use std::sync::Arc;
use tmuxagent_model::{RunId, RunState, StageState};
use tmuxagent_policy::{Condition, Pipeline, Policy, Stage};

impl Turn<'_> {
    /// After the end of a stage: the stages that wait for it, then perhaps the end of the run.
    pub fn after_stage(&mut self, id: RunId) {
        let policy = Arc::clone(&self.policy);
        let Some(run) = self.run(id).filter(|run| run.state == RunState::Open) else { return };
        if run.closing.is_some() {
            if run.is_idle() {
                self.close_run(id, RunInput::Cancel);
            }
            return;
        }
        let Some(pipeline) = policy.pipeline(&run.pipeline) else { return };
        let mut begun = false;
        for stage in 0..run.stages.len() {
            let at = At { run: id, stage };
            let Some((_, rule)) = self.rule(&policy, at) else { continue };
            let beside = rule.needs.is_some();
            let may = self.run(id).is_some_and(|run| beside || !begun && run.is_idle());
            begun |= may && self.ask_follower(&policy, pipeline, rule, at);
        }
        let open = begun || self.run(id).is_some_and(|run| !run.is_idle() || goes_on(run, pipeline));
        if !open {
            self.close_by_stages(id);
        }
    }

    /// Starts a stage whose `after_stage_*` holds now; says whether it did.
    fn ask_follower(&mut self, policy: &Policy, pipeline: &Pipeline, stage: &Stage, at: At) -> bool {
        let Some(run) = self.run(at.run) else { return false };
        let again = starts_again(run, pipeline, at.stage);
        if again.is_none() && run.stages.get(at.stage).is_none_or(|stage| stage.state != StageState::Waiting) {
            return false;
        }
        let pane = run.pane.clone();
        let key = stage_key(&pipeline.name, &stage.name);
        let none = Watch::default();
        let Some(row) = self.state.panes.get(&pane).filter(|row| !row.info.dead) else { return false };
        let watch = row.watch.get(&key).unwrap_or(&none);
        let (cleaner, now) = (self.cleaner, self.now);
        let listened = self.listened(&pane, pipeline, stage);
        let (polls, agent) = (&watch.polls, Watched::of(self.state.panes.get(&listened), None));
        let ended = again.as_deref();
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
        // Which of several was the last says little.
        let cause = match &stage.triggers {
            several @ Condition::All(_) if stage.needs.is_some() => {
                Cause::of(cleaner, now, &describe(policy, several), "")
            }
            _ => found.cause,
        };
        self.begin(at, cause);
        true
    }
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
        | Condition::After(_)
        | Condition::Manual => {
            if later {
                Reach::Outside
            } else {
                Reach::Never
            }
        }
    }
}
