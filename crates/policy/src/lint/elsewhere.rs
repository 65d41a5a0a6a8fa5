//! Stages that follow a stage of another pipeline.

use super::graph::{Edge, circles, unbounded, waits_for};
use super::{Subject, place_of};
use crate::policy::Action;
use crate::raw::{RawAfter, RawConditionKind as Kind, walk};
use std::collections::BTreeSet;
use tmuxagent_yaml::{Place, Problems, nearest};

/// Every `after` of a pipeline, with the index of its stage and its place.
fn each<'s>(subject: &'s Subject<'_>, visit: &mut dyn FnMut(&'s RawAfter, usize, Place)) {
    for (stage, index) in subject.stages.iter().zip(0..) {
        let Some(triggers) = &stage.raw.triggers else { continue };
        walk(triggers, &mut |part| {
            if let Kind::After(after) = &part.value {
                visit(after, index, place_of(Some(part), stage));
            }
        });
    }
}

/// Stages that no such pipeline has, and pipelines that follow themselves.
pub(super) fn check(subjects: &[Subject], problems: &mut Problems) {
    for subject in subjects {
        each(subject, &mut |after, _, _| {
            let (Some(pipeline), Some(stage)) = (&after.pipeline, &after.stage) else { return };
            if pipeline.value.trim() == subject.core.name {
                let message = "`after` names another pipeline, and this is its own";
                problems.error("never-holds", pipeline.at, message).help("write `needs` or `after_stage_success`");
                return;
            }
            let Some(other) = subjects.iter().find(|one| one.core.name == pipeline.value.trim()) else { return };
            let names = || other.core.stages.iter().filter(|one| !one.closes).map(|one| one.name.as_str());
            let wanted = stage.value.trim();
            if names().all(|name| name != wanted) {
                let message = format!("the pipeline `{}` has no stage `{wanted}`", other.core.name);
                let help = format!("its stages are {}", names().collect::<Vec<_>>().join(", "));
                problems.error("unknown-stage", stage.at, message).nearest(nearest(wanted, names())).help(help);
            }
        });
    }
}

/// Stages of several pipelines that start each other without end.
pub(super) fn check_circles(subjects: &[Subject], problems: &mut Problems) {
    let graph = Graph::new(subjects);
    for (at, circle) in circles(&graph.edges) {
        let next = circle.iter().cycle().skip(1);
        // Other circles are told as what they are.
        if circle.iter().zip(next).any(|(from, to)| graph.after.contains(&(*from, *to))) {
            let names: Vec<String> = circle.iter().filter_map(|node| graph.names.get(*node).cloned()).collect();
            let first = names.first().cloned().unwrap_or_default();
            let message =
                format!("stages of several pipelines start each other in a circle: {} → {first}", names.join(" → "));
            problems.error("cycle", at, message).help("let a person start one of them: `triggers: [manual]`");
        }
    }
}

/// Which stages of all pipelines wait for which others.
struct Graph {
    /// `pipeline/stage` of each node.
    names: Vec<String>,
    edges: Vec<Vec<Edge>>,
    /// The edges that lead to another pipeline by `after`.
    after: BTreeSet<(usize, usize)>,
}

impl Graph {
    fn new(subjects: &[Subject]) -> Self {
        let mut graph = Self { names: Vec::new(), edges: Vec::new(), after: BTreeSet::new() };
        let mut bases = Vec::new();
        for subject in subjects {
            let base = graph.names.len();
            bases.push(base);
            let own: Vec<Vec<Edge>> = subject.stages.iter().map(|stage| waits_for(subject, stage)).collect();
            for (stage, edges) in subject.stages.iter().zip(unbounded(subject, &own)) {
                graph.names.push(format!("{}/{}", subject.core.name, stage.core.name));
                graph.edges.push(edges.into_iter().map(|(to, at)| (base + to, at)).collect());
            }
        }
        let find = |pipeline: &str, stage: Option<&str>| {
            let number = subjects.iter().position(|one| one.core.name == pipeline)?;
            let named = |name: &str| subjects.get(number)?.stages.iter().position(|one| one.core.name == name);
            Some(bases.get(number)? + stage.map_or(Some(0), named)?)
        };
        for (subject, base) in subjects.iter().zip(&bases) {
            each(subject, &mut |after, stage, at| {
                let (Some(pipeline), Some(name)) = (&after.pipeline, &after.stage) else { return };
                let other = find(pipeline.value.trim(), Some(name.value.trim()));
                if let Some(other) = other.filter(|_| pipeline.value.trim() != subject.core.name) {
                    graph.add(base + stage, other, at);
                    graph.after.insert((base + stage, other));
                }
            });
            for (stage, index) in subject.stages.iter().zip(0..) {
                for action in stage.actions() {
                    if let Action::StartPipeline { pipeline, .. } = action
                        && let Some(started) = find(pipeline, None)
                    {
                        graph.add(started, base + index, stage.at());
                    }
                }
            }
        }
        graph
    }

    fn add(&mut self, from: usize, to: usize, at: Place) {
        self.edges.get_mut(from).into_iter().for_each(|edges| edges.push((to, at)));
    }
}
