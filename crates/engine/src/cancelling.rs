//! Stages and runs that are ended from outside while a command of theirs still runs.
//!
//! **Rules.** A command is told to stop where the policy says so, by the same steps and guards as one that is over its time:
//! never what came after it. Its end is waited for, and decides nothing: the stage ends cancelled. Where the steps are through,
//! or another program reads there, it is cancelled all the same, which is told. Whoever cancels once more does not wait.

use super::progress::{Cause, Stop, StopStep};
use super::state::Purpose;
use super::stopping::{interrupt, steps_of};
use super::table::RunInput;
use super::turn::{At, Turn};
use std::sync::Arc;
use tmuxagent_model::{Effect, IntentId, Note, RunId, RunState, Severity};
use tmuxagent_policy::Stopping;

impl Turn<'_> {
    /// Cancels a stage that acts beside one that failed; its command is interrupted, unless its policy says otherwise.
    pub fn cancel_beside(&mut self, at: At, cause: Cause) {
        let policy = Arc::clone(&self.policy);
        let Some((_, rule)) = self.rule(&policy, at) else { return };
        let steps = rule.on_cancel.clone().unwrap_or_else(|| {
            let terminate = rule.on_timeout.iter().filter(|step| **step == Stopping::Terminate);
            [Stopping::Interrupt].into_iter().chain(terminate.copied()).collect()
        });
        self.stop_and_cancel(at, cause, steps_of(&steps));
    }

    /// Cancels a run; the commands of its stages are stopped where the policy says so, and the run ends with the last of them.
    pub fn wind_up(&mut self, id: RunId, cause: &Cause) {
        let policy = Arc::clone(&self.policy);
        let Some(run) = self.run(id) else { return };
        let live: Vec<At> = run.live().map(|stage| At { run: id, stage }).collect();
        let steps = |at: At| {
            let rule = self.rule(&policy, at).map(|(_, rule)| rule);
            steps_of(rule.and_then(|rule| rule.on_cancel.as_deref()).unwrap_or_default())
        };
        let stopped: Vec<(At, Vec<StopStep>)> = live.iter().map(|at| (*at, steps(*at))).collect();
        let waits = stopped.iter().any(|(at, steps)| self.is_to_be_stopped(*at, steps));
        if !waits || run.closing.is_some() {
            return self.cancel_run(id, cause);
        }
        self.withdraw_of(id);
        // Whatever its stages come to.
        if let Some(run) = self.state.runs.get_mut(&id) {
            run.closing = Some(RunState::Cancelled);
        }
        for (at, steps) in stopped {
            self.stop_and_cancel(at, cause.clone(), steps);
        }
        if self.run(id).is_some_and(super::state::Run::is_idle) {
            self.close_run(id, RunInput::Cancel);
        }
    }

    /// Cancels a run at once, since another one begins in its pane. The commands that its policy says are to be interrupted
    /// are; what is typed for the other one waits for their end, as for that of any command.
    pub fn make_way(&mut self, id: RunId, cause: &Cause) {
        let policy = Arc::clone(&self.policy);
        let live: Vec<At> = self.run(id).iter().flat_map(|run| run.live()).map(|stage| At { run: id, stage }).collect();
        let mut keys = Vec::new();
        for at in live {
            let rule = self.rule(&policy, at).map(|(_, rule)| rule);
            let steps = steps_of(rule.and_then(|rule| rule.on_cancel.as_deref()).unwrap_or_default());
            if let (true, Some(row), Some(stage)) =
                (self.is_to_be_stopped(at, &steps), self.pane_of(at), self.stage(at))
            {
                let purpose = Purpose::Stop { run: id, stage: stage.name.clone(), attempt: stage.attempt };
                keys.push((Effect::Send(interrupt(row, stage.look.front.clone())), purpose));
            }
        }
        self.cancel_run(id, cause);
        for (effect, purpose) in keys {
            self.emit(effect, purpose);
        }
    }

    /// Gives up what is still to be typed for a run.
    pub fn withdraw_of(&mut self, id: RunId) {
        let rows = self.state.intents.iter();
        let of_run = rows.filter(|(_, row)| row.intent.run == Some(id) && row.intent.effect.freezable());
        let of_run: Vec<IntentId> = of_run.map(|(id, _)| id.clone()).collect();
        of_run.iter().for_each(|intent| self.withdraw(intent));
    }

    fn is_to_be_stopped(&self, at: At, steps: &[StopStep]) -> bool {
        let stopping = self.stage(at).and_then(|stage| stage.stop.as_ref()).is_some_and(|stop| stop.cancels);
        let there = self.pane_of(at).is_some_and(|row| !row.info.dead);
        !steps.is_empty() && !stopping && there && self.is_busy(at)
    }

    fn stop_and_cancel(&mut self, at: At, cause: Cause, steps: Vec<StopStep>) {
        if !self.is_to_be_stopped(at, &steps) {
            return self.cancel_stage(at, cause);
        }
        self.supersede_stage(at);
        if let Some(stage) = self.stage_mut(at) {
            stage.stop = Some(Stop { cause, steps, begun: false, intent: None, cancels: true, held_up: None });
        }
        self.stop_next(at);
    }

    /// No way to stop its command is left.
    pub fn cancel_anyway(&mut self, at: At, stop: &Stop) {
        let name = self.stage_name(at);
        let text = match &stop.held_up {
            Some(why) => format!("stage {name} is cancelled, and its command was not told to stop: {why}"),
            None => format!("stage {name} is cancelled; its command was told to stop and still runs"),
        };
        self.note_run(Severity::Warning, at.run, Note::Text { text });
        self.cancel_stage(at, stop.cause.clone());
    }

    /// The attempt has come to an end. Where it is being cancelled the stage ends so; says whether it does.
    pub fn ends_cancelled(&mut self, at: At) -> bool {
        let stop = self.stage(at).and_then(|stage| stage.stop.as_ref()).filter(|stop| stop.cancels);
        let Some(cause) = stop.map(|stop| stop.cause.clone()) else { return false };
        self.cancel_stage(at, cause);
        true
    }
}
