//! Stages that follow a failure, of which nothing says whether they make up for it.

use super::{StageSubject, Subject};
use crate::policy::Condition;
use tmuxagent_yaml::Problems;

/// Warns where the success of a stage turns a failed run into a good one without its author saying so.
pub(super) fn check(subject: &Subject, stage: &StageSubject, problems: &mut Problems) {
    // In a loop the next round says whether it was mended.
    let looped = subject.core.loop_of(&stage.core.name).is_some();
    if stage.raw.recovers.is_some() || !stage.core.recovers || looped {
        return;
    }
    let mut failed = None;
    stage.core.triggers.walk(&mut |part| {
        if let Condition::AfterStageFailure(name) = part {
            failed = failed.or(Some(name.as_str()));
        }
    });
    let Some(failed) = failed else { return };
    let name = &stage.core.name;
    let message = format!(
        "when the stage `{name}` succeeds, the failure of `{failed}` counts as made up for and the run ends well; nothing says whether that is meant"
    );
    let help = "write `recovers: true` where it mends what failed, `recovers: false` where it rolls back or cleans up";
    problems.warning("unsaid-recovery", stage.at(), message).help(help);
}
