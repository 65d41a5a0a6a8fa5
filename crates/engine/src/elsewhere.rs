//! Stages that follow a stage of another pipeline (`after`), in whatever pane that ends.
//!
//! **Rules.** It is an event like a line: it starts a stage by the rules of triggers, in the nearest of the panes that its
//! pipeline applies to. Where several are equally near nobody guesses: nothing starts. That is told, and so is an end that
//! does not count because a run of the follower is under way there: it comes once, and nobody sees it in that pane.

use super::condition::Stimulus;
use super::run_panes::nearest_alone;
use super::trigger::Starter;
use super::turn::{At, Turn, Work};
use std::sync::Arc;
use tmuxagent_model::{Note, PaneKey, RunId, Severity, StageState};
use tmuxagent_policy::{Condition, Elsewhere, Pipeline, Stage};

/// A stage that has ended.
#[derive(Debug, Clone)]
pub struct Ended {
    pipeline: String,
    stage: String,
    state: StageState,
    run: RunId,
    pane: PaneKey,
}

impl Ended {
    /// Whether it is what a condition waits for.
    pub fn is(&self, wanted: &Elsewhere) -> bool {
        wanted.pipeline == self.pipeline
            && wanted.stage == self.stage
            && wanted.ends.iter().any(|end| end.is(self.state))
    }

    /// In a few words.
    pub fn told(&self) -> String {
        format!("run {}", self.run)
    }
}

impl Turn<'_> {
    /// Tells other pipelines of the end of a stage, where one waits for that.
    pub fn tell_elsewhere(&mut self, at: At) {
        let (Some(run), Some(stage)) = (self.run(at.run), self.stage(at)) else { return };
        let (pipeline, pane) = (run.pipeline.clone(), run.pane_of(at.stage).clone());
        let ended = Ended { pipeline, stage: stage.name.clone(), state: stage.state, run: run.id, pane };
        let policy = Arc::clone(&self.policy);
        if policy.pipelines.iter().flat_map(|one| &one.stages).any(|stage| waits(stage, &ended)) {
            self.then(Work::Elsewhere(ended));
        }
    }

    /// A stage of another pipeline has ended: what follows it starts.
    pub fn ended_elsewhere(&mut self, ended: &Ended) {
        let policy = Arc::clone(&self.policy);
        for pipeline in &policy.pipelines {
            let waiting: Vec<&Stage> = pipeline.stages.iter().filter(|stage| waits(stage, ended)).collect();
            if waiting.is_empty() {
                continue;
            }
            let Some(pane) = self.nearest_of(pipeline, &ended.pane) else { continue };
            for stage in waiting {
                let stimulus = Stimulus::Elsewhere(ended);
                self.ask_trigger(&policy, &pane, pipeline, stage, &stimulus, Starter::Trigger);
            }
        }
    }

    /// The nearest of the panes that a pipeline applies to.
    fn nearest_of(&mut self, pipeline: &Pipeline, from: &PaneKey) -> Option<PaneKey> {
        let rows = self.state.panes.iter();
        let fits: Vec<_> = rows.filter(|(_, row)| !row.info.dead && row.pipelines.contains(&pipeline.name)).collect();
        if fits.is_empty() {
            return None;
        }
        let found = nearest_alone(self.state.panes.get(from), fits.into_iter());
        if found.is_none() {
            let why = "several panes that it applies to are equally near";
            let text = format!("{} does not begin: {why}", pipeline.name);
            self.note_at(Severity::Warning, from, Note::Text { text });
        }
        found
    }
}

fn waits(stage: &Stage, ended: &Ended) -> bool {
    let mut found = false;
    stage.triggers.walk(&mut |part| found |= matches!(part, Condition::After(wanted) if ended.is(wanted)));
    found
}
