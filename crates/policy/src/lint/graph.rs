//! Stages and pipelines that wait for each other, and stages that nothing can start.

use super::{After, StageSubject, Subject, may_hold, place_of};
use crate::policy::{Action, Condition};
use crate::raw::RawConditionKind as Kind;
use crate::raw::walk;
use std::collections::{BTreeSet, HashMap};
use tmuxagent_yaml::Place;
use tmuxagent_yaml::Problems;

pub(super) fn check(subject: &Subject, problems: &mut Problems) {
    let circular = check_cycles(subject, problems);
    check_reachable(subject, &circular, problems);
    check_rejections(subject, problems);
}

/// A reference to another node of a graph, and where it stands.
pub(super) type Edge = (usize, Place);

/// Which stages a stage waits for.
pub(super) fn waits_for(subject: &Subject, stage: &StageSubject) -> Vec<Edge> {
    let mut edges = Vec::new();
    if let Some(triggers) = &stage.raw.triggers {
        walk(triggers, &mut |part| {
            let (Kind::AfterStageSuccess(names) | Kind::AfterStageFailure(names) | Kind::AfterStageRejected(names)) =
                &part.value
            else {
                return;
            };
            for name in &names.items {
                let index = subject.core.stages.iter().position(|stage| stage.name == name.value.trim());
                edges.extend(index.map(|index| (index, name.at)));
            }
        });
    }
    edges
}

/// Tells each circle once, and gives back the stages that stand in one.
fn check_cycles(subject: &Subject, problems: &mut Problems) -> BTreeSet<usize> {
    let edges: Vec<Vec<Edge>> = subject.stages.iter().map(|stage| waits_for(subject, stage)).collect();
    check_loops(subject, &edges, problems);
    let mut circular = BTreeSet::new();
    for (at, circle) in circles(&unbounded(subject, &edges)) {
        let names: Vec<&str> = circle.iter().map(|&index| subject.core.stages[index].name.as_str()).collect();
        let message = match names.as_slice() {
            [only] => format!("the stage `{only}` waits for itself"),
            _ => format!("stages wait for each other in a circle: {} → {}", names.join(" → "), names[0]),
        };
        let draft = problems.error("cycle", at, message);
        if names.len() == 1 {
            draft.help("to try a stage again write `on_fail: [{retry: …}]`");
        } else {
            draft.help(format!("give the circle a bound: `loop: {{stages: [{}], max: 5}}`", names.join(", ")));
        }
        circular.extend(circle);
    }
    circular
}

/// The references that can lead to a circle without end: those within a loop are counted. A stage that follows itself is
/// tried again by other words.
pub(super) fn unbounded(subject: &Subject, edges: &[Vec<Edge>]) -> Vec<Vec<Edge>> {
    let looped = |index: usize| {
        let name = &subject.core.stages.get(index)?.name;
        subject.core.loops.iter().position(|one| one.stages.contains(name))
    };
    let counts = |from: usize, to: usize| from != to && looped(from).is_some() && looped(from) == looped(to);
    let rest =
        |(from, edges): (usize, &Vec<Edge>)| edges.iter().filter(|(to, _)| !counts(from, *to)).copied().collect();
    edges.iter().enumerate().map(rest).collect()
}

/// Loops whose stages do not follow each other in a circle.
fn check_loops(subject: &Subject, edges: &[Vec<Edge>], problems: &mut Problems) {
    for (raw, one) in subject.loops.iter().zip(&subject.core.loops) {
        let within =
            |index: &usize| subject.core.stages.get(*index).is_some_and(|stage| one.stages.contains(&stage.name));
        let inner = |(from, edges): (usize, &Vec<Edge>)| -> Vec<Edge> {
            edges.iter().filter(|(to, _)| within(&from) && within(to) && from != *to).copied().collect()
        };
        let inner: Vec<Vec<Edge>> = edges.iter().enumerate().map(inner).collect();
        if circles(&inner).is_empty() {
            let message = "no stage of this loop follows another one of it in a circle, so that none runs again";
            let help =
                "let the first one also follow the last one: `triggers: [{after_stage_success: [before, last]}]`";
            problems.warning("no-circle", raw.at, message).help(help);
        }
    }
}

/// The circles of a graph: each node stands in at most one that is told, with the place of the reference that closes it.
pub(super) fn circles(edges: &[Vec<Edge>]) -> Vec<(Place, Vec<usize>)> {
    #[derive(Clone, Copy, PartialEq)]
    enum Mark {
        New,
        Open,
        Done,
    }
    let mut marks = vec![Mark::New; edges.len()];
    let mut found = Vec::new();
    for root in 0..edges.len() {
        if marks[root] != Mark::New {
            continue;
        }
        // The path from the root, with the next edge to follow at each node.
        let mut path: Vec<(usize, usize)> = vec![(root, 0)];
        marks[root] = Mark::Open;
        while let Some(last) = path.last_mut() {
            let (node, next) = *last;
            last.1 += 1;
            match edges[node].get(next) {
                None => {
                    marks[node] = Mark::Done;
                    path.pop();
                }
                Some(&(target, at)) => match marks[target] {
                    Mark::New => {
                        marks[target] = Mark::Open;
                        path.push((target, 0));
                    }
                    Mark::Open => {
                        let start = path.iter().position(|&(node, _)| node == target).unwrap_or(0);
                        found.push((at, path[start..].iter().map(|&(node, _)| node).collect()));
                    }
                    Mark::Done => {}
                },
            }
        }
    }
    found
}

/// Stages that nothing can start, however the others end.
fn check_reachable(subject: &Subject, circular: &BTreeSet<usize>, problems: &mut Problems) {
    let count = subject.stages.len();
    // Errors elsewhere must not make a stage unreachable in words.
    let trusted: Vec<bool> =
        (0..count).map(|index| circular.contains(&index) || !subject.stages[index].sound).collect();
    let mut reachable = trusted.clone();
    loop {
        let after = |name: &str, how: After| {
            // A name that no stage has is an error of its own.
            subject
                .core
                .stages
                .iter()
                .position(|stage| stage.name == name)
                .is_none_or(|index| trusted[index] || reachable[index] && may_end(&subject.stages[index], how))
        };
        let next: Vec<bool> =
            (0..count).map(|index| reachable[index] || starts(&subject.stages[index], &after)).collect();
        if next == reachable {
            break;
        }
        reachable = next;
    }
    for (stage, _) in subject.stages.iter().zip(&reachable).filter(|(_, reachable)| !**reachable) {
        let name = &stage.core.name;
        let at = place_of(stage.raw.triggers.as_ref(), stage);
        problems
            .error("unreachable", at, format!("the stage `{name}` can never start: what it waits for can't happen"))
            .help("a stage that can't fail is never followed by `after_stage_failure`, one that can't succeed never by `after_stage_success`");
    }
    for stage in subject.stages.iter().filter(|stage| stage.sound && has_no_trigger(&stage.core.triggers)) {
        let message = format!("the stage `{}` has no triggers: only a person can start it", stage.core.name);
        let help = "write `triggers: [manual]` if that is meant, or `after_stage_success: …`";
        problems.warning("no-triggers", place_of(stage.raw.triggers.as_ref(), stage), message).help(help);
    }
}

fn has_no_trigger(condition: &Condition) -> bool {
    matches!(condition, Condition::Any(parts) if parts.is_empty())
}

fn starts(stage: &StageSubject, after: &dyn Fn(&str, After) -> bool) -> bool {
    // A person can start any stage, and a stage without triggers is told as such.
    has_no_trigger(&stage.core.triggers) || may_hold(&stage.core.triggers, after)
}

/// As [`can_end`], where a gate that stays shut counts as a failure: it did once, and is told as a warning.
fn may_end(stage: &StageSubject, how: After) -> bool {
    can_end(stage, how) || how == After::Failure && stage.core.gate.is_some()
}

/// Stages that wait for the failure of one that can only be rejected.
fn check_rejections(subject: &Subject, problems: &mut Problems) {
    for stage in &subject.stages {
        let Some(triggers) = &stage.raw.triggers else { continue };
        walk(triggers, &mut |part| {
            let Kind::AfterStageFailure(names) = &part.value else { return };
            for name in &names.items {
                let after = subject.stages.iter().find(|other| other.core.name == name.value.trim());
                let gated = |after: &StageSubject| after.sound && after.core.gate.is_some();
                if after.is_some_and(|after| gated(after) && !can_end(after, After::Failure)) {
                    let message = format!(
                        "a gate that is not opened is no failure, and the stage `{}` can't fail otherwise",
                        name.value.trim()
                    );
                    problems.warning("gate", name.at, message).help("write `after_stage_rejected`");
                }
            }
        });
    }
}

fn can_end(stage: &StageSubject, how: After) -> bool {
    let holds = |condition: &Condition| may_hold(condition, &|_, _| true);
    match how {
        // What is skipped counts as a success.
        After::Success => stage.core.guard.is_some() || stage.core.success_when.as_ref().is_none_or(holds),
        After::Failure => {
            // The limit of the configuration asks a person, who may give it up.
            let by_itself = !stage.core.endless && waits(stage);
            let by_words = stage.core.fail_when.as_ref().is_some_and(holds);
            let by_action = stage.core.actions_on_start.iter().any(|action| match action.act() {
                Action::Shell { .. } | Action::Prompt { .. } | Action::Run { .. } => true,
                Action::SendKeys { .. }
                | Action::Notify { .. }
                | Action::Set { .. }
                | Action::StartPipeline { .. }
                | Action::If { .. } => false,
            });
            by_itself || by_words || by_action || stage.core.success_when.as_ref().is_some_and(fails_alone)
        }
        After::Rejection => stage.core.gate.is_some(),
    }
}

/// Whether it waits for something, and does not succeed as soon as its actions are done.
fn waits(stage: &StageSubject) -> bool {
    stage.core.success_when.is_some() || stage.core.timeout.is_some()
}

/// Whether what is waited for may turn out never to come: a poll, or an agent that exits.
fn fails_alone(condition: &Condition) -> bool {
    let mut found = false;
    condition.walk(&mut |part| found |= matches!(part, Condition::Poll(_) | Condition::Agent(_)));
    found
}

/// Pipelines that start each other without end.
pub(super) fn check_between(subjects: &[Subject], problems: &mut Problems) {
    let places: HashMap<&str, usize> =
        subjects.iter().enumerate().rev().map(|(index, subject)| (subject.core.name.as_str(), index)).collect();
    let edges: Vec<Vec<Edge>> = subjects
        .iter()
        .map(|subject| {
            let targets = subject.stages.iter().flat_map(|stage| stage.actions().map(move |action| (stage, action)));
            targets
                .filter_map(|(stage, action)| match action {
                    Action::StartPipeline { pipeline, .. } => {
                        let index = *places.get(pipeline.as_str())?;
                        Some((index, stage.at()))
                    }
                    Action::SendKeys { .. }
                    | Action::Run { .. }
                    | Action::Prompt { .. }
                    | Action::Shell { .. }
                    | Action::Notify { .. }
                    | Action::Set { .. }
                    | Action::If { .. } => None,
                })
                .collect()
        })
        .collect();
    for (at, circle) in circles(&edges) {
        let names: Vec<&str> = circle.iter().map(|&index| subjects[index].core.name.as_str()).collect();
        let message = match names.as_slice() {
            [only] => format!("the pipeline `{only}` starts itself"),
            _ => format!("pipelines start each other in a circle: {} → {}", names.join(" → "), names[0]),
        };
        problems
            .error("cycle", at, message)
            .help("let a person start one of them: `triggers: [manual]`, without `start_pipeline`");
    }
}
