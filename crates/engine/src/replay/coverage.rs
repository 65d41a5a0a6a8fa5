//! What of a policy was reached while it was played: its stages, their conditions leaf by leaf, the steps of `on_fail`.
//!
//! A leaf is reached when it held as a part of what started or ended the stage; a step of `on_fail` when it was taken.

use super::super::command::BY_HAND;
use super::super::condition::{describe, leaves};
use super::super::explain::{ConditionExplanation, Part, Role, StageExplanation, Target};
use super::super::state::{Run, StageRun};
use super::super::{Engine, Step};
use serde::Serialize;
use std::collections::BTreeSet;
use tmuxagent_model::{Note, RunId, StageState, Timestamp};
use tmuxagent_policy::{Action, Condition, FailStep, Policy, Stage};

/// Which part of a stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PointKind {
    /// That it was run at all.
    Stage,
    /// A part of its `triggers`.
    Triggers,
    /// A part of its `success_when`.
    SuccessWhen,
    /// A part of its `fail_when`.
    FailWhen,
    /// A step of its `on_fail`.
    OnFail,
}

impl PointKind {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Stage, Self::Triggers, Self::SuccessWhen, Self::FailWhen, Self::OnFail];

    /// Its key in a policy; `stage` for the stage itself.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Stage => "stage",
            Self::Triggers => "triggers",
            Self::SuccessWhen => "success_when",
            Self::FailWhen => "fail_when",
            Self::OnFail => "on_fail",
        }
    }
}

/// Something of a policy that a test can reach.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Point {
    /// Where its stage is defined.
    pub place: String,
    /// The pipeline.
    pub pipeline: String,
    /// The stage.
    pub stage: String,
    /// Which part of it.
    pub kind: PointKind,
    /// That part, close to how it is written.
    pub text: String,
}

/// Everything that tests of a policy can reach, in its order.
#[must_use]
pub fn points(policy: &Policy) -> Vec<Point> {
    let mut all = Vec::new();
    for pipeline in &policy.pipelines {
        for rule in &pipeline.stages {
            let mut add = |kind, text: String| {
                let point = point(&pipeline.name, rule, kind, text);
                if !all.contains(&point) {
                    all.push(point);
                }
            };
            add(PointKind::Stage, String::new());
            triggers_of(policy, rule).into_iter().for_each(|text| add(PointKind::Triggers, text));
            let ends = [(PointKind::SuccessWhen, &rule.success_when), (PointKind::FailWhen, &rule.fail_when)];
            for (kind, condition) in ends {
                let texts = condition.iter().flat_map(|condition| texts(policy, condition));
                texts.for_each(|text| add(kind, text));
            }
            (0..rule.on_fail.len()).for_each(|number| add(PointKind::OnFail, step_text(rule, number)));
        }
    }
    all
}

fn point(pipeline: &str, rule: &Stage, kind: PointKind, text: String) -> Point {
    let (place, pipeline, stage) = (rule.place.clone(), pipeline.to_owned(), rule.name.clone());
    Point { place, pipeline, stage, kind, text }
}

fn texts(policy: &Policy, condition: &Condition) -> Vec<String> {
    leaves(condition, 0).into_iter().map(|(leaf, _)| describe(policy, leaf)).collect()
}

/// What `needs` says is one part; who starts a stage by hand needs no other trigger.
fn triggers_of(policy: &Policy, rule: &Stage) -> Vec<String> {
    if rule.needs.is_some() { vec![describe(policy, &rule.triggers)] } else { texts(policy, &rule.triggers) }
}

fn step_text(rule: &Stage, number: usize) -> String {
    let words = match rule.on_fail.get(number) {
        Some(FailStep::Retry(_)) => "retry",
        Some(FailStep::AskHuman { .. }) => "ask_human",
        Some(FailStep::Escalate { .. }) => "escalate",
        Some(FailStep::Do(action)) => match action.act() {
            Action::SendKeys { .. } => "send_keys",
            Action::Run { .. } => "run",
            Action::Prompt { .. } => "prompt",
            Action::Shell { .. } => "shell",
            Action::Notify { .. } => "notify",
            Action::Set { .. } => "set",
            Action::StartPipeline { .. } => "start_pipeline",
            Action::If { .. } => "if",
        },
        None => "",
    };
    format!("{}: {words}", number + 1)
}

/// What was reached so far.
#[derive(Debug, Clone, Default)]
pub(super) struct Reached(pub(super) BTreeSet<Point>);

impl Reached {
    /// Takes in what a step has led to.
    pub(super) fn look(&mut self, engine: &Engine, now: Timestamp, step: &Step) {
        let named = step.notes.iter().filter_map(|(_, _, note)| run_of(note));
        // A part of an `all_of` that holds by now tells nobody; the runs in question are those that go on.
        let open = engine.state.runs.values().filter(|run| run.ended_at.is_none()).map(|run| run.id);
        let runs: BTreeSet<RunId> = if step.changed { named.chain(open).collect() } else { BTreeSet::new() };
        for id in runs {
            let Some(run) = engine.state.runs.get(&id) else { continue };
            for explained in engine.explain(now, &Target::Run(id)) {
                self.stage(engine, run, &explained);
            }
        }
        self.steps(engine, step);
    }

    fn stage(&mut self, engine: &Engine, run: &Run, explained: &StageExplanation) {
        let policy = engine.policy();
        let Some(rule) = policy.pipeline(&run.pipeline).and_then(|pipeline| pipeline.stage(&explained.stage)) else {
            return;
        };
        let mut add = |kind, text: String| {
            self.0.insert(point(&run.pipeline, rule, kind, text));
        };
        if explained.attempt > 0 {
            add(PointKind::Stage, String::new());
        }
        if let Some(cause) = &explained.started_by {
            if rule.needs.is_some() && cause.rule != BY_HAND {
                add(PointKind::Triggers, describe(policy, &rule.triggers));
            } else {
                let by_hand = cause.rule == BY_HAND;
                let rule_of = if by_hand { describe(policy, &Condition::Manual) } else { cause.rule.clone() };
                let mut fired = Vec::new();
                started(policy, &rule.triggers, &rule_of, &mut fired);
                fired.into_iter().for_each(|text| add(PointKind::Triggers, text));
            }
        }
        for told in &explained.conditions {
            let kind = match told.role {
                Role::SuccessWhen => PointKind::SuccessWhen,
                Role::FailWhen => PointKind::FailWhen,
                Role::Triggers | Role::If => continue,
            };
            let condition = if kind == PointKind::SuccessWhen { &rule.success_when } else { &rule.fail_when };
            let Some(condition) = condition else { continue };
            let before = explained.earlier.iter().map(|earlier| &earlier.cause);
            let ended: Vec<&str> = before.chain(&explained.ended_by).map(|cause| cause.rule.as_str()).collect();
            for text in texts(policy, condition) {
                let seen = format!("{text} when seen");
                if ended.iter().any(|rule| *rule == text || *rule == seen) || holds(told, &text) || holds(told, &seen) {
                    add(kind, text);
                }
            }
        }
    }

    /// Which steps of `on_fail` were taken.
    fn steps(&mut self, engine: &Engine, step: &Step) {
        for (_, _, note) in &step.notes {
            let (Note::StageFailed { run, stage, .. } | Note::StageEscalated { run, stage, .. }) = note else {
                continue;
            };
            let Some(run) = engine.state.runs.get(run) else { continue };
            let policy = engine.policy();
            let rule = policy.pipeline(&run.pipeline).and_then(|pipeline| pipeline.stage(stage));
            let row = run.stages.iter().find(|row| row.name == *stage);
            let (Some(rule), Some(row)) = (rule, row) else { continue };
            for number in taken(rule, row) {
                self.0.insert(point(&run.pipeline, rule, PointKind::OnFail, step_text(rule, number)));
            }
        }
    }
}

/// The steps that a stage has come past: those before the one that settled what becomes of it, and that one.
fn taken(rule: &Stage, row: &StageRun) -> Vec<usize> {
    let settles = |step: &FailStep, number: u32| match step {
        FailStep::Retry(_) => row.state == StageState::Retrying && row.retries.contains_key(&number),
        FailStep::AskHuman { .. } => row.state == StageState::Asking,
        FailStep::Escalate { .. } => row.state == StageState::Escalated,
        FailStep::Do(_) => false,
    };
    let mut taken = Vec::new();
    for (step, number) in rule.on_fail.iter().zip(0_u32..) {
        let acts = matches!(step, FailStep::Do(_)) || settles(step, number);
        if acts {
            taken.push(number as usize);
        }
        if settles(step, number) {
            break;
        }
    }
    taken
}

/// The leaves that held when a rule started a stage: that rule, and what stands beside it in an `all_of`.
fn started(policy: &Policy, condition: &Condition, rule: &str, fired: &mut Vec<String>) -> bool {
    match condition {
        Condition::Any(parts) => parts.iter().fold(false, |any, part| started(policy, part, rule, fired) | any),
        Condition::All(parts) => {
            let any = parts.iter().any(|part| started(policy, part, rule, &mut Vec::new()));
            if any {
                let held = parts.iter().filter(|part| !matches!(part, Condition::Not(_)));
                fired.extend(held.flat_map(|part| texts(policy, part)));
            }
            any
        }
        Condition::Seen(part) => started(policy, part, rule, fired),
        Condition::Not(_) => false,
        leaf => {
            let text = describe(policy, leaf);
            let is_it = text == rule;
            if is_it {
                fired.push(text);
            }
            is_it
        }
    }
}

fn holds(told: &ConditionExplanation, text: &str) -> bool {
    fn in_part(part: &Part, text: &str) -> bool {
        part.holds && part.text == text || part.parts.iter().any(|part| in_part(part, text))
    }
    in_part(&told.part, text)
}

const fn run_of(note: &Note) -> Option<RunId> {
    match note {
        Note::StageTriggered { run, .. }
        | Note::StageStarted { run, .. }
        | Note::StageSucceeded { run, .. }
        | Note::StageFailed { run, .. }
        | Note::StageRetrying { run, .. }
        | Note::StageEscalated { run, .. }
        | Note::RunEnded { run, .. } => Some(*run),
        _ => None,
    }
}
