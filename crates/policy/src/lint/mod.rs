//! Mistakes that are valid: found by looking at whole stages, pipelines and policies.
//!
//! A stage in which an error was found is left out of what would only repeat that error in other words.

mod conflict;
pub(super) mod danger;
mod elsewhere;
mod endless;
mod ends;
mod given;
mod graph;
mod message;
mod own_echo;
mod question;
mod reader;
mod recovery;
mod told_gate;
mod yes_first;

use super::pattern::Patterns;
use super::policy::{Action, Condition, FailStep, Pipeline, Policy, Stage, TextTemplate};
use super::raw::{RawCondition, RawLoop, RawPipeline, RawPolicy, RawStage};
use tmuxagent_yaml::Place;
use tmuxagent_yaml::Problems;

/// A pipeline and its stages as written and as read.
struct Subject<'r> {
    core: &'r Pipeline,
    stages: Vec<StageSubject<'r>>,
    loops: &'r [RawLoop],
}

/// A stage as written and as read.
struct StageSubject<'r> {
    raw: &'r RawStage,
    core: &'r Stage,
    /// No error was found in it.
    sound: bool,
}

/// Adds the problems of a policy whose parts were all read.
pub(super) fn run(raws: &[RawPolicy], policy: &Policy, patterns: &Patterns, problems: &mut Problems) {
    let written: Vec<&RawPipeline> = raws.iter().flat_map(|raw| raw.pipelines.iter().flatten()).collect();
    let subjects: Vec<Subject> = written
        .iter()
        .zip(&policy.pipelines)
        .enumerate()
        .map(|(index, (raw, core))| subject(raw, core, written.get(index + 1).map(|next| next.at), problems))
        .collect();
    for subject in &subjects {
        graph::check(subject, problems);
        for stage in subject.stages.iter().filter(|stage| stage.sound) {
            ends::check(stage, problems);
            endless::check(stage, problems);
            conflict::check_same(stage, problems);
            own_echo::check(stage, patterns, problems);
            danger::check(stage, problems);
            question::check(stage, problems);
            reader::check_ending(stage, problems);
            reader::check_keys_after_run(stage, problems);
            recovery::check(subject, stage, problems);
        }
        reader::check_agent(subject, problems);
    }
    elsewhere::check(&subjects, problems);
    elsewhere::check_circles(&subjects, problems);
    given::check(&subjects, problems);
    message::check(raws, &written, &subjects, problems);
    told_gate::check(&subjects, patterns, problems);
    graph::check_between(&subjects, problems);
    conflict::check(&subjects, patterns, problems);
}

fn subject<'r>(raw: &'r RawPipeline, core: &'r Pipeline, next: Option<Place>, problems: &Problems) -> Subject<'r> {
    let list = raw.stages.as_ref().map_or(&[][..], |list| &list.items);
    let end = next.filter(|next| next.source == raw.at.source).map_or(usize::MAX, |next| next.start);
    let stages = list.iter().zip(&core.stages).enumerate().map(|(index, (raw, core))| {
        // Those that are made of one have its place.
        let next = list.iter().skip(index + 1).find(|next| next.at != raw.at);
        let end = next.map_or(end, |next| next.at.start);
        StageSubject { raw, core, sound: !problems.has_error_within(raw.at.source, raw.at.start, end) }
    });
    let loops = raw.loops.as_ref().map_or(&[][..], |list| &list.items);
    Subject { core, stages: stages.collect(), loops }
}

impl StageSubject<'_> {
    /// Where the stage's name stands.
    fn at(&self) -> Place {
        self.raw.name.as_ref().map_or(self.raw.at, |name| name.at)
    }

    /// Whether the stage starts a command whose exit code is known.
    fn has_run(&self) -> bool {
        self.core.actions_on_start.iter().any(|action| matches!(action.act(), Action::Run { .. }))
    }

    /// Every action with the place of the key or stage that people look at.
    fn actions(&self) -> impl Iterator<Item = &Action> {
        let after = self.core.on_fail.iter().filter_map(|step| match step {
            FailStep::Do(action) => Some(action),
            FailStep::Retry(_) | FailStep::AskHuman { .. } | FailStep::Escalate { .. } => None,
        });
        self.core.actions_on_start.iter().chain(&self.core.on_success).chain(after).map(Action::act)
    }
}

/// The text that an action puts into the pane, if it does.
fn typed(action: &Action) -> Option<&TextTemplate> {
    match action {
        Action::SendKeys { text, .. } => text.as_ref(),
        Action::Run { command } => Some(command),
        Action::Prompt { text, .. } => Some(text),
        Action::If { then, .. } => typed(then),
        Action::Shell { .. } | Action::Notify { .. } | Action::Set { .. } | Action::StartPipeline { .. } => None,
    }
}

/// The place of a condition, or of the stage that lacks it.
fn place_of(condition: Option<&RawCondition>, stage: &StageSubject) -> Place {
    condition.map_or_else(|| stage.at(), |condition| condition.at)
}

/// Whether a condition can hold at all, given whether stages can succeed and fail.
fn may_hold(condition: &Condition, after: &dyn Fn(&str, After) -> bool) -> bool {
    match condition {
        Condition::Any(parts) => parts.iter().any(|part| may_hold(part, after)),
        Condition::All(parts) => !contradicts_itself(parts) && parts.iter().all(|part| may_hold(part, after)),
        Condition::AfterStageSuccess(name) => after(name, After::Success),
        Condition::AfterStageFailure(name) => after(name, After::Failure),
        Condition::AfterStageRejected(name) => after(name, After::Rejection),
        Condition::Seen(part) => may_hold(part, after),
        Condition::Not(_)
        | Condition::LogRegex(_)
        | Condition::Message(_)
        | Condition::ExitCode(_)
        | Condition::Agent(_)
        | Condition::IdleFor(_)
        | Condition::Poll(_)
        | Condition::Schedule(_)
        | Condition::After(_)
        | Condition::Manual => true,
    }
}

/// How a stage ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum After {
    Success,
    Failure,
    Rejection,
}

/// Whether the parts of an `all_of` want a stage to have both succeeded and failed.
fn contradicts_itself(parts: &[Condition]) -> bool {
    parts.iter().any(|part| {
        matches!(part, Condition::AfterStageSuccess(name)
            if parts.iter().any(|other| matches!(other, Condition::AfterStageFailure(failed) if failed == name)))
    })
}
