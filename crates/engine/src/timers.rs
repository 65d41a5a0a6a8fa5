//! Timers that come due. A timer with a stale epoch, or one that is not due yet, changes nothing.

use super::turn::{At, Turn};
use tmuxagent_model::{RunId, StageState, TimerKey};

impl Turn<'_> {
    /// A timer came due.
    pub fn timer(&mut self, key: &TimerKey, epoch: u64) {
        let Some(row) = self.state.armed(key).filter(|row| row.epoch == epoch && row.at <= self.now) else { return };
        let due = row.at;
        self.state.disarm(key);
        match key {
            TimerKey::StageTimeout(run, stage) => self.timeout(*run, stage),
            TimerKey::Turn(run, stage) => {
                if let Some(at) = self.in_state(*run, stage, StageState::Running) {
                    self.turn_due(at);
                }
            }
            TimerKey::Begin(run, stage) => {
                if let Some(at) = self.find_stage(*run, stage) {
                    self.begin_due(at);
                }
            }
            TimerKey::Backoff(run, stage) => {
                if let Some(at) = self.in_state(*run, stage, StageState::Retrying) {
                    self.enter(at);
                }
            }
            TimerKey::Look(run, stage) => {
                let running = self.in_state(*run, stage, StageState::Running);
                let between = || self.in_state(*run, stage, StageState::Starting).filter(|at| self.runs_between(*at));
                if let Some(at) = running.or_else(between) {
                    self.look_due(at);
                }
            }
            TimerKey::Made(run, stage) => {
                if let Some(at) = self.find_stage(*run, stage) {
                    self.made_is_unseen(at);
                }
            }
            TimerKey::Idle(run, stage) => {
                if let Some(at) = self.find_stage(*run, stage) {
                    self.idle_due(at);
                }
            }
            TimerKey::Poll(run, stage, node) => {
                if let Some(at) = self.find_stage(*run, stage) {
                    self.poll_due(at, *node);
                }
            }
            TimerKey::Expiry(approval) => self.expire(approval),
            TimerKey::Reminder(approval) => self.remind(approval),
            TimerKey::Grace(approval) => self.grace_over(approval),
            TimerKey::Schedule(pipeline, stage, pane) => self.schedule_due(pipeline, stage, pane, due),
            TimerKey::Silence(pipeline, stage, pane) => self.silence_due(pipeline, stage, pane),
            TimerKey::TriggerPoll(pipeline, stage, pane, node) => self.ask_trigger_poll(pane, pipeline, stage, *node),
        }
    }

    fn in_state(&self, run: RunId, stage: &str, state: StageState) -> Option<At> {
        self.find_stage(run, stage).filter(|at| self.stage(*at).is_some_and(|stage| stage.state == state))
    }
}
