//! Why a stage is in its state: what holds, what does not, what it waits for, what fired it, what almost did.

use super::Engine;
use super::agent::Watched;
use super::command::BY_HAND;
use super::condition::{FAIL, SUCCESS, Scene, Stimulus, TRIGGER, describe, describe_poll, named_codes, numbered};
use super::explained::AnsweredQuestion;
use super::outlook::Outlook;
use super::progress::{Cause, Held, Miss};
use super::rounds::PastRound;
use super::run_row::is_zero;
use super::state::{PaneRow, Run, StageRun, State, stage_key};
use super::turn::{At, Turn};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;
use tmuxagent_model::{ApprovalId, PaneKey, RunId, StageState, Timestamp, Undo};
use tmuxagent_policy::{Condition, Pipeline, Policy, Stage};

/// What is to be explained.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// Every pipeline on a pane.
    Pane(PaneKey),
    /// One run, also a closed one.
    Run(RunId),
}

/// A stage, explained.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StageExplanation {
    /// The pane that it runs in; several can have one place.
    #[serde(skip)]
    pub pane: PaneKey,
    /// `session:window.pane`, with the pane's id.
    pub place: String,
    /// The pipeline.
    pub pipeline: String,
    /// The run, once there is one.
    pub run: Option<RunId>,
    /// The stage.
    pub stage: String,
    /// Its state.
    pub state: StageState,
    /// Whether an open question stands in its way that its state does not tell.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub asks: bool,
    /// The yes to what it asked, as long as that can be taken back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub undo: Option<Undo>,
    /// Its attempt.
    pub attempt: u32,
    /// In one line: what it waits for, or what ended it.
    pub summary: String,
    /// What must happen next, most important first.
    pub waits_for: Vec<String>,
    /// What started it: rule, line and time.
    pub started_by: Option<Cause>,
    /// Who opened its gate last, and when.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub opened_by: Option<Cause>,
    /// Who answered the last question about it that was no gate, such as whether it is run again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answered: Option<AnsweredQuestion>,
    /// What ended it, or its last attempt; nothing while another one is under way.
    pub ended_by: Option<Cause>,
    /// The round of its loop; 0 where it stands in none.
    #[serde(skip_serializing_if = "is_zero")]
    pub round: u32,
    /// Its rounds that are over, oldest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rounds: Vec<PastRound>,
    /// Its earlier attempts that failed, oldest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub earlier: Vec<FailedAttempt>,
    /// Its conditions, part by part.
    pub conditions: Vec<ConditionExplanation>,
    /// What almost did it, oldest first.
    pub near_misses: Vec<Miss>,
    /// The open question about it.
    pub approval: Option<ApprovalId>,
    /// The lines that it shows, oldest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<String>,
    /// Where the policy defines it.
    pub defined_at: String,
}

/// An attempt that failed, and what ended it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedAttempt {
    /// Its number.
    pub attempt: u32,
    /// Rule, line and time.
    pub cause: Cause,
    /// The line of its output that tells why, where one is known.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub said: String,
}

/// What a condition is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// It starts the stage.
    Triggers,
    /// Whether the stage is run at all.
    If,
    /// It ends it well.
    SuccessWhen,
    /// It fails it.
    FailWhen,
}

/// A condition of a stage with its parts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConditionExplanation {
    /// What it is for.
    pub role: Role,
    /// It is being looked at now; where the run is `over`, for another run.
    pub active: bool,
    /// The run is over, and what it might have begun was not reached.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub over: bool,
    /// It is told as it was at that instant, when it started the stage or the attempt ended; `None`: as it is now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub as_of: Option<Timestamp>,
    /// The whole, with its parts inside.
    pub part: Part,
}

/// A part of a condition.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Part {
    /// As it is written.
    pub text: String,
    /// Whether it holds: remembered, or as a state.
    pub holds: bool,
    /// Since when and by what.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
    /// More, such as the last answer of a poll or how long the pane is silent.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
    /// Its parts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Self>,
}

/// One condition under explanation.
struct Looking<'a> {
    scene: Scene<'a>,
    /// The rows, which tell whether a stage asks something.
    state: &'a State,
    held: &'a Held,
    quiet_since: Option<Timestamp>,
    /// What just happened.
    stimulus: Stimulus<'a>,
    /// What made the whole hold, where it did and is over.
    fired: Option<&'a Cause>,
}

impl Turn<'_> {
    /// Keeps the conditions of a running attempt as they are at its end: what is explained later is this. The first word
    /// counts, which has the stimulus that ended it.
    pub fn record_verdict(&mut self, at: At, stimulus: &Stimulus<'_>) {
        let policy = Arc::clone(&self.policy);
        let Some((_, rule)) = self.rule(&policy, at) else { return };
        let Some(run) = self.run(at.run) else { return };
        let Some(stage) = run.stages.get(at.stage) else { return };
        if stage.state != StageState::Running || !stage.verdict.is_empty() {
            return;
        }
        let expected = rule.success_when.as_ref().map_or_else(Vec::new, named_codes);
        let (polls, cleaner, now) = (&stage.polls, self.cleaner, self.now);
        let looking = Looking {
            scene: Scene {
                policy: &policy,
                run: Some(run),
                polls,
                agent: Watched::of(self.state.panes.get(run.pane_of(at.stage)), Some(stage.agent.from)),
                expected: &expected,
                ended: None,
                cleaner,
                now,
            },
            state: self.state,
            held: &stage.progress.held,
            quiet_since: stage.quiet_since,
            stimulus: *stimulus,
            fired: None,
        };
        let verdict = looking.ends(rule, false, Some(now));
        if let Some(stage) = self.stage_mut(at) {
            stage.verdict = verdict;
        }
    }
}

impl Engine {
    /// Explains every stage of a pane's pipelines, or of a run; empty when there is no such thing.
    #[must_use]
    pub fn explain(&self, now: Timestamp, target: &Target) -> Vec<StageExplanation> {
        self.explain_as_it_is(now, target).into_iter().map(|stage| stage.cleaned(&self.cleaner)).collect()
    }

    fn explain_as_it_is(&self, now: Timestamp, target: &Target) -> Vec<StageExplanation> {
        match target {
            Target::Run(id) => {
                let Some(run) = self.state.runs.get(id) else { return Vec::new() };
                let Some(pipeline) = self.policy.pipeline(&run.pipeline) else { return Vec::new() };
                self.explain_pipeline(now, &run.pane, pipeline, Some(run))
            }
            Target::Pane(pane) => {
                let Some(row) = self.state.panes.get(pane) else { return Vec::new() };
                let watched = self.watched_pipelines(pane);
                let pipelines = self.policy.pipelines.iter().filter(|pipeline| watched.contains(&pipeline.name));
                pipelines
                    .flat_map(|pipeline| {
                        let id = row.open.get(&pipeline.name).or_else(|| row.last.get(&pipeline.name));
                        let run = id.and_then(|id| self.state.runs.get(id));
                        self.explain_pipeline(now, pane, pipeline, run)
                    })
                    .collect()
            }
        }
    }

    fn explain_pipeline(
        &self,
        now: Timestamp,
        pane: &PaneKey,
        pipeline: &Pipeline,
        run: Option<&Run>,
    ) -> Vec<StageExplanation> {
        let explain = |rule: &Stage| {
            let none = StageRun::waiting(rule.name.clone());
            let stage = run.and_then(|run| run.stages.iter().find(|stage| stage.name == rule.name));
            self.explain_stage(now, pane, pipeline, rule, run, stage.unwrap_or(&none))
        };
        pipeline.stages.iter().map(explain).collect()
    }

    fn explain_stage(
        &self,
        now: Timestamp,
        pane: &PaneKey,
        pipeline: &Pipeline,
        rule: &Stage,
        run: Option<&Run>,
        stage: &StageRun,
    ) -> StageExplanation {
        // Triggers are remembered with the run's own pane; what happens to the stage happens in its own.
        let row = self.state.panes.get(pane);
        let pane = stage.pane.as_ref().unwrap_or(pane);
        let acts_in = self.state.panes.get(pane);
        let (no_polls, no_held) = (BTreeMap::new(), Held::new());
        let watch = row.and_then(|row| row.watch.get(&stage_key(&pipeline.name, &rule.name)));
        let scene = |polls, from| {
            let (agent, cleaner) = (Watched::of(acts_in, from), &self.cleaner);
            Scene { policy: &self.policy, run, polls, agent, expected: &[], ended: None, cleaner, now }
        };
        // What started a stage is told as it was then; its triggers may be at something new by now.
        let fired = stage.triggered.as_ref().filter(|_| stage.state != StageState::Waiting);
        let watch = watch.filter(|_| fired.is_none());
        let trigger = Looking {
            state: &self.state,
            scene: scene(watch.map_or(&no_polls, |watch| &watch.polls), None),
            held: watch.map_or(&no_held, |watch| &watch.progress.held),
            quiet_since: watch.and_then(|watch| watch.quiet_since),
            stimulus: Stimulus::Settled,
            fired,
        };
        let attempt = Looking {
            state: &self.state,
            scene: scene(&stage.polls, Some(stage.agent.from)),
            held: &stage.progress.held,
            quiet_since: stage.quiet_since,
            stimulus: Stimulus::Settled,
            fired: None,
        };
        let running = stage.state == StageState::Running;
        // What follows other stages follows those of its own run. What begins a run is watched for in the pane all the same.
        let over = Self::is_not_reached(run, pipeline, stage) && fired.is_none();
        let watched = !over || row.is_some_and(|row| may_begin_run(row, pipeline, rule));
        let mut conditions = vec![ConditionExplanation {
            role: Role::Triggers,
            active: !stage.state.is_live() && fired.is_none() && watched,
            over,
            as_of: fired.map(|cause| cause.at),
            part: trigger.part(&rule.triggers, TRIGGER).written_by(rule, fired),
        }];
        let guard = stage.guard.clone().or_else(|| self.guard_now(rule, run, stage, acts_in));
        conditions.extend(guard.into_iter().chain(stage.skips.iter().cloned()));
        if stage.verdict.is_empty() {
            conditions.extend(attempt.ends(rule, running, None));
        } else {
            conditions.extend(stage.verdict.iter().cloned());
        }
        StageExplanation {
            pane: pane.clone(),
            place: pane.told(acts_in.map(|row| &*row.place).or_else(|| run.map(|run| &*run.place)).unwrap_or_default()),
            pipeline: pipeline.name.clone(),
            run: run.map(|run| run.id),
            stage: rule.name.clone(),
            state: stage.state,
            asks: self.asks(stage),
            undo: self.state.undo(stage),
            attempt: stage.attempt,
            summary: self.detail(run, pipeline, rule, stage),
            waits_for: self.waits_for(now, row, pipeline, rule, run, stage),
            started_by: stage.triggered.clone(),
            opened_by: self.opened_by(run, stage),
            answered: self.answered(run, stage),
            // One that is under way has no end; what ended those before it stands with them.
            ended_by: stage
                .ended
                .clone()
                .filter(|_| !matches!(stage.state, StageState::Starting | StageState::Running)),
            round: stage.round,
            rounds: stage.rounds.clone(),
            earlier: stage.failed.iter().filter(|failed| failed.attempt < stage.attempt).cloned().collect(),
            conditions,
            near_misses: row
                .and_then(|row| row.misses.get(&stage_key(&pipeline.name, &rule.name)))
                .cloned()
                .unwrap_or_default(),
            evidence: self.evidence_of(stage),
            approval: self.open_question(stage).map(|asked| asked.id.clone()),
            defined_at: rule.place.clone(),
        }
    }
}

impl Looking<'_> {
    /// The conditions that end an attempt.
    fn ends(&self, rule: &Stage, active: bool, as_of: Option<Timestamp>) -> Vec<ConditionExplanation> {
        let success = rule.success_when.iter().map(|condition| (Role::SuccessWhen, condition, SUCCESS));
        let fail = rule.fail_when.iter().map(|condition| (Role::FailWhen, condition, FAIL));
        success
            .chain(fail)
            .map(|(role, condition, base)| {
                let part = self.part(condition, base);
                ConditionExplanation { role, active, over: false, as_of, part }
            })
            .collect()
    }

    /// A condition, part by part.
    fn part(&self, condition: &Condition, base: u32) -> Part {
        let cause = match self.fired {
            Some(fired) => at_that_time(self.scene.policy, condition, fired),
            None => self.scene.level(condition, base, self.held, &self.stimulus),
        };
        let inside: &[Condition] = match condition {
            Condition::Any(parts) | Condition::All(parts) => parts,
            Condition::Not(part) | Condition::Seen(part) => std::slice::from_ref(part),
            Condition::LogRegex(_)
            | Condition::Message(_)
            | Condition::AfterStageSuccess(_)
            | Condition::AfterStageFailure(_)
            | Condition::AfterStageRejected(_)
            | Condition::ExitCode(_)
            | Condition::Agent(_)
            | Condition::IdleFor(_)
            | Condition::Poll(_)
            | Condition::Schedule(_)
            | Condition::After(_)
            | Condition::Manual => &[],
        };
        // What fired had all its parts, though the instant of only one is known.
        let complete = self.fired.is_some() && cause.is_some() && matches!(condition, Condition::All(_));
        let explained = |(part, number): (&Condition, u32)| {
            let shown = self.part(part, number);
            Part { holds: shown.holds || complete && !matches!(part, Condition::Not(_)), ..shown }
        };
        Part {
            text: match condition {
                Condition::Any(parts) if parts.len() != 1 => "any_of".to_owned(),
                Condition::All(parts) if parts.len() != 1 => "all_of".to_owned(),
                Condition::Not(_) => "not".to_owned(),
                _ => describe(self.scene.policy, condition),
            },
            holds: cause.is_some(),
            cause,
            detail: match (condition, inside) {
                (Condition::Any(_) | Condition::All(_), [only]) => self.detail(only, base + 1),
                _ => self.detail(condition, base),
            },
            parts: if matches!(condition, Condition::Any(parts) | Condition::All(parts) if parts.len() == 1) {
                inside.iter().map(|part| self.part(part, base + 1)).flat_map(|part| part.parts).collect()
            } else {
                numbered(inside, base).map(explained).collect()
            },
        }
    }

    fn detail(&self, condition: &Condition, base: u32) -> String {
        // It is told as it was then.
        if self.fired.is_some() {
            return String::new();
        }
        match condition {
            Condition::IdleFor(_) => {
                self.quiet_since.map(|since| format!("silent for {}", self.scene.now.since(since))).unwrap_or_default()
            }
            Condition::Agent(_) => self.scene.cleaner.clean(&self.scene.agent.detail()),
            Condition::Poll(_) => self.scene.polls.get(&base).map(describe_poll).unwrap_or_default(),
            Condition::Schedule(expression) => super::schedule::next([expression.as_str()], self.scene.now)
                .map(|at| format!("next at {}", crate::lifecycle::instant(at)))
                .unwrap_or_default(),
            Condition::AfterStageSuccess(name)
            | Condition::AfterStageFailure(name)
            | Condition::AfterStageRejected(name) => {
                let stage = self.scene.run.and_then(|run| run.stages.iter().find(|stage| stage.name == *name));
                stage.map(|stage| format!("it is {}", self.state.word_of(stage))).unwrap_or_default()
            }
            Condition::Manual => "start it by hand".to_owned(),
            Condition::Any(_)
            | Condition::All(_)
            | Condition::Not(_)
            | Condition::Seen(_)
            | Condition::After(_)
            | Condition::LogRegex(_)
            | Condition::Message(_)
            | Condition::ExitCode(_) => String::new(),
        }
    }
}

/// Whether the triggers of a stage can begin a run in a pane.
fn may_begin_run(row: &PaneRow, pipeline: &Pipeline, rule: &Stage) -> bool {
    let leaf = |leaf: &Condition| {
        !matches!(
            leaf,
            Condition::AfterStageSuccess(_)
                | Condition::AfterStageFailure(_)
                | Condition::AfterStageRejected(_)
                | Condition::Not(_)
        )
    };
    let outlook =
        Outlook { polls: &BTreeMap::new(), settled: &|part, _| matches!(part, Condition::Not(_)), leaf: &leaf };
    !row.info.dead
        && row.pipelines.contains(&pipeline.name)
        && !rule.closes
        && outlook.may_come(&rule.triggers, TRIGGER)
}

/// What made this part of a stage's triggers hold when `fired` started the stage. What is so now proves nothing about then:
/// the rule that fired is known, and every `all_of` around it had all its parts. Who starts a stage by hand needs no rule.
fn at_that_time(policy: &Policy, condition: &Condition, fired: &Cause) -> Option<Cause> {
    let inside = |parts: &[Condition]| parts.iter().find_map(|part| at_that_time(policy, part, fired));
    match condition {
        _ if describe(policy, condition) == fired.rule => Some(fired.clone()),
        Condition::Any(parts) | Condition::All(parts) => inside(parts),
        Condition::Seen(part) => at_that_time(policy, part, fired),
        Condition::Manual => (fired.rule == BY_HAND).then(|| fired.clone()),
        Condition::Not(_)
        | Condition::After(_)
        | Condition::LogRegex(_)
        | Condition::Message(_)
        | Condition::AfterStageSuccess(_)
        | Condition::AfterStageFailure(_)
        | Condition::AfterStageRejected(_)
        | Condition::ExitCode(_)
        | Condition::Agent(_)
        | Condition::IdleFor(_)
        | Condition::Poll(_)
        | Condition::Schedule(_) => None,
    }
}
