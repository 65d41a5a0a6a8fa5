//! Failures that another stage made up for.

use super::state::{Run, StageRun};
use tmuxagent_model::StageState;
use tmuxagent_policy::{Condition, Pipeline, Stage};

/// Whether a stage of the run failed, and none that follows its failure made up for it.
pub fn has_lost(run: &Run, pipeline: &Pipeline) -> bool {
    let counts = |stage: &StageRun| pipeline.stage(&stage.name).is_none_or(|rule| !rule.closes);
    run.stages
        .iter()
        .any(|stage| has_failed(stage) && counts(stage) && mender(run, pipeline, stage, run.stages.len()).is_none())
}

/// A stage that failed, and the one that made up for it.
pub fn mended<'r>(run: &'r Run, pipeline: &Pipeline) -> Option<(&'r str, &'r str)> {
    run.stages.iter().filter(|stage| has_failed(stage)).find_map(|stage| {
        let by = mender(run, pipeline, stage, run.stages.len())?;
        Some((stage.name.as_str(), by.name.as_str()))
    })
}

const fn has_failed(stage: &StageRun) -> bool {
    matches!(stage.state, StageState::Failed | StageState::Escalated)
}

/// The stage that ran because `failed` failed, or needed only one of several of which it is one, and succeeded; or failed, and was made up for itself. `depth` bounds the
/// search: stages never wait for each other in a circle, but a changed policy may say otherwise.
fn mender<'r>(run: &'r Run, pipeline: &Pipeline, failed: &StageRun, depth: usize) -> Option<&'r StageRun> {
    let depth = depth.checked_sub(1)?;
    run.stages.iter().find(|stage| {
        let rule = pipeline.stage(&stage.name);
        let spares =
            |rule: &Stage| rule.needs.as_ref().is_some_and(|needs| needs.any && needs.stages.contains(&failed.name));
        rule.is_some_and(|rule| rule.recovers && (follows(&rule.triggers, &failed.name) || spares(rule)))
            && match stage.state {
                StageState::Succeeded => true,
                StageState::Failed | StageState::Escalated => mender(run, pipeline, stage, depth).is_some(),
                _ => false,
            }
    })
}

/// Whether a condition waits for the failure of a stage.
pub fn follows(condition: &Condition, failed: &str) -> bool {
    let mut found = false;
    condition.walk(&mut |part| found |= matches!(part, Condition::AfterStageFailure(name) if name == failed));
    found
}
