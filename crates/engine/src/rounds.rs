//! Stages that run again in one run, in a loop.
//!
//! **Rules.** A stage of a loop that has ended starts again when another stage of that loop has just ended, and its triggers
//! name that end; one that needs several of its loop waits until all of these have ended anew. Each start is a round; once as many were started as the policy allows, a person is asked before the next
//! one, and so many more are allowed by a yes. A person who runs a stage again by hand begins to count anew.

use super::progress::Cause;
use super::state::{Run, StageRun};
use super::turn::{At, Turn};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use tmuxagent_model::StageState;
use tmuxagent_policy::Pipeline;

/// A round of a stage that is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PastRound {
    /// Its number, from 1.
    pub round: u32,
    /// The attempt that ended it.
    pub attempt: u32,
    /// How it ended.
    pub state: StageState,
    /// Why.
    pub cause: Cause,
}

/// Rounds that are remembered of a stage.
const REMEMBERED: usize = 20;

/// The stages whose ends let this one start again: they stand in the same loop, and have ended since it was started, or,
/// of a stage that begins beside no other, since one of that kind was.
pub fn starts_again<'r>(run: &'r Run, pipeline: &Pipeline, stage: usize) -> Option<Vec<&'r str>> {
    let own = run.stages.get(stage).filter(|own| own.state.is_ended())?;
    let (one, rule) = (pipeline.loop_of(&own.name)?, pipeline.stage(&own.name)?);
    let alone = |other: &&StageRun| pipeline.stage(&other.name).is_none_or(|rule| rule.needs.is_none());
    let since = match &rule.needs {
        Some(_) => own.began,
        None => run.stages.iter().filter(alone).map(|other| other.began).max().unwrap_or(0),
    };
    let ended =
        run.stages.iter().filter(|other| other.name != own.name && other.state.is_ended() && other.over > since);
    let ended: Vec<&str> = ended.map(|other| other.name.as_str()).filter(|name| one.has(name)).collect();
    let all = rule.needs.iter().filter(|needs| !needs.any).flat_map(|needs| &needs.stages);
    let complete = all.filter(|name| one.has(name)).all(|name| ended.contains(&name.as_str()));
    (complete && !ended.is_empty()).then_some(ended)
}

impl Turn<'_> {
    /// A stage is started: it is the last one now.
    pub fn count_begin(&mut self, at: At) {
        let Some(run) = self.state.runs.get_mut(&at.run) else { return };
        run.last = Some(at.stage);
        let number = run.next_number();
        if let Some(stage) = run.stages.get_mut(at.stage) {
            stage.began = number;
        }
    }

    /// A stage has ended.
    pub fn count_end(&mut self, at: At) {
        let Some(run) = self.state.runs.get_mut(&at.run) else { return };
        let number = run.next_number();
        if let Some(stage) = run.stages.get_mut(at.stage) {
            stage.over = number;
        }
    }

    /// A stage starts by its triggers: its round before is over.
    pub fn count_round(&mut self, at: At) {
        let policy = Arc::clone(&self.policy);
        let looped = self.rule(&policy, at).is_some_and(|(pipeline, rule)| pipeline.loop_of(&rule.name).is_some());
        let Some(stage) = self.stage_mut(at).filter(|_| looped) else { return };
        if let Some(cause) = stage.ended.clone().filter(|_| stage.state.is_ended()) {
            stage.rounds.push(PastRound { round: stage.round, attempt: stage.attempt, state: stage.state, cause });
            let surplus = stage.rounds.len().saturating_sub(REMEMBERED);
            stage.rounds.drain(..surplus);
        }
        stage.round += 1;
    }

    /// What is asked before a round beyond those that are allowed.
    pub fn asks_of_rounds(&self, at: At) -> Option<String> {
        let policy = Arc::clone(&self.policy);
        let (pipeline, rule) = self.rule(&policy, at)?;
        let one = pipeline.loop_of(&rule.name)?;
        let stage = self.stage(at)?;
        let allowed = one.max.saturating_add(stage.more_rounds);
        let (round, more, names) = (stage.round, one.max, one.stages.join(", "));
        (round > allowed).then(|| {
            format!("Stage {} would begin round {round} of the loop {names}, and {allowed} are allowed. Go on, for up to {more} more?", rule.name)
        })
    }

    /// A person lets the loop of a stage go on.
    pub fn allow_rounds(&mut self, at: At) {
        if self.asks_of_rounds(at).is_none() {
            return;
        }
        let policy = Arc::clone(&self.policy);
        let Some((pipeline, rule)) = self.rule(&policy, at) else { return };
        let Some(one) = pipeline.loop_of(&rule.name) else { return };
        let Some(run) = self.state.runs.get_mut(&at.run) else { return };
        for stage in run.stages.iter_mut().filter(|stage| one.stages.contains(&stage.name)) {
            stage.more_rounds = stage.more_rounds.saturating_add(one.max);
        }
    }

    /// A person runs a stage again by hand.
    pub fn count_rounds_anew(&mut self, at: At) {
        let Some(run) = self.state.runs.get_mut(&at.run) else { return };
        for (stage, index) in run.stages.iter_mut().zip(0..) {
            stage.more_rounds = 0;
            stage.round = u32::from(index == at.stage && stage.round > 0);
        }
    }
}
