//! Stages that can never end, or end before anything could be known.

use super::{StageSubject, may_hold, place_of};
use crate::policy::{Action, Condition};
use crate::raw::walk;
use crate::raw::{RawCondition, RawConditionKind as Kind};
use tmuxagent_yaml::Problems;

pub(super) fn check(stage: &StageSubject, problems: &mut Problems) {
    for condition in [&stage.raw.success_when, &stage.raw.fail_when].into_iter().flatten() {
        check_exit_code(stage, condition, problems);
    }
    match &stage.core.success_when {
        Some(success) => check_success(stage, success, problems),
        None => check_without_success(stage, problems),
    }
}

fn check_exit_code(stage: &StageSubject, condition: &RawCondition, problems: &mut Problems) {
    if stage.has_run() {
        return;
    }
    walk(condition, &mut |part| {
        if matches!(part.value, Kind::ExitCode(_)) {
            let message =
                "typed keys have an exit code only where the shell reports it (OSC 133) or `tmuxagent run` does";
            problems.warning("no-run", part.at, message).help("write `run: …` in place of `send_keys: …`");
        }
    });
}

fn check_success(stage: &StageSubject, success: &Condition, problems: &mut Problems) {
    let holds = |condition: &Condition| may_hold(condition, &|_, _| true);
    let fails = stage.core.fail_when.as_ref().is_some_and(holds);
    let at = place_of(stage.raw.success_when.as_ref(), stage);
    let name = &stage.core.name;
    if !holds(success) {
        if fails || !stage.core.endless {
            problems.error("never-holds", at, format!("the stage `{name}` can never succeed"));
        } else {
            let message = format!("the stage `{name}` can never end: it has no success, no failure and no time limit");
            problems
                .error("never-ends", at, message)
                .help("name what it prints when it is done, or add `timeout: 10m`");
        }
    } else if !fails && stage.core.endless && !ends_by_itself(success) {
        let message = format!("the stage `{name}` waits for ever if this never comes");
        problems.warning("no-timeout", at, message).help("add `timeout: 10m` or `fail_when`");
    }
}

/// Whether the condition is decided some day whatever is printed.
fn ends_by_itself(condition: &Condition) -> bool {
    match condition {
        Condition::IdleFor(_) | Condition::ExitCode(_) | Condition::Schedule(_) => true,
        Condition::Poll(poll) => poll.deadline.is_some(),
        Condition::Seen(part) => ends_by_itself(part),
        Condition::Any(parts) => parts.iter().any(ends_by_itself),
        Condition::All(parts) => parts.iter().all(ends_by_itself),
        Condition::Not(_)
        | Condition::LogRegex(_)
        | Condition::Message(_)
        | Condition::After(_)
        | Condition::AfterStageSuccess(_)
        | Condition::AfterStageFailure(_)
        | Condition::AfterStageRejected(_)
        | Condition::Agent(_)
        | Condition::Manual => false,
    }
}

/// Without `success_when` a stage succeeds when its actions are done.
fn check_without_success(stage: &StageSubject, problems: &mut Problems) {
    let name = &stage.core.name;
    if let Some(fail) = &stage.raw.fail_when {
        let message =
            format!("the stage `{name}` has `fail_when` but no `success_when`: it succeeds before it could fail");
        problems.error("no-success", fail.at, message).help("name what it prints when it is done");
        return;
    }
    let types = stage
        .core
        .actions_on_start
        .iter()
        .any(|action| matches!(action.act(), Action::SendKeys { text: Some(_), enter: true, .. }));
    if types {
        let message = format!("the stage `{name}` has no `success_when`: it succeeds as soon as its keys are typed");
        let help = "name what it prints when it is done, or write `run` to go by the exit code";
        problems.warning("no-success", stage.at(), message).help(help);
    }
}
