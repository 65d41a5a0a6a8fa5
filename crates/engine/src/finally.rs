//! What is done once when a run ends, however it ends: the stages of `finally`.
//!
//! **Rules.** How the run ends is settled before they begin, and they change nothing of it. Each has its own end, and the next
//! one begins whatever that was. While they act the run is open still, so that no other begins in its pane.

use super::progress::Cause;
use super::table::{RunInput, next_run};
use super::turn::{At, Turn};
use std::sync::Arc;
use tmuxagent_model::{RunId, RunState, StageState};

impl Turn<'_> {
    /// Begins the next stage that the end of a run waits for; says whether there was one.
    pub fn begin_finally(&mut self, id: RunId, state: RunState) -> bool {
        let policy = Arc::clone(&self.policy);
        let Some(run) = self.run(id) else { return false };
        let Some(pipeline) = policy.pipeline(&run.pipeline) else { return false };
        if run.group.is_some() && !run.granted {
            return false;
        }
        let waits = |name: &str| pipeline.stage(name).is_some_and(|rule| rule.closes);
        let next = run.stages.iter().position(|stage| stage.state == StageState::Waiting && waits(&stage.name));
        let Some(stage) = next else { return false };
        if let Some(run) = self.state.runs.get_mut(&id) {
            run.closing = Some(state);
        }
        let cause = Cause::own(self.now, "finally", "the run ends");
        self.begin(At { run: id, stage }, cause);
        true
    }

    /// How a run ends: what was settled when its end began, or what `input` leads to.
    pub fn end_of(&self, id: RunId, input: RunInput) -> Option<RunState> {
        let run = self.run(id).filter(|run| run.state == RunState::Open)?;
        run.closing.or_else(|| next_run(run.state, input))
    }
}
