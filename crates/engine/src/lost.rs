//! A pane whose process ended, or that is gone, under a stage: the attempt failed, and `on_fail` runs as far as it can.

use super::progress::Cause;
use super::table::RunInput;
use super::turn::{At, Turn};
use std::sync::Arc;
use tmuxagent_model::{Note, PaneKey, RunId, Severity};
use tmuxagent_policy::{Action, FailStep};

impl Turn<'_> {
    /// Ends what open runs do in a pane that nobody can type into any more. `gone`: it is not even shown.
    pub fn end_runs(&mut self, pane: &PaneKey, cause: &Cause, gone: bool) {
        for run in self.runs_at(pane) {
            let Some(at) = self.live_at(run, pane) else {
                self.lose_idle_pane(run, pane, cause, gone);
                continue;
            };
            if self.stage(at).is_some_and(|stage| stage.state.is_under_way()) {
                self.fail_without_pane(at, pane, cause);
            } else {
                self.cancel_run(run, cause);
            }
            // What its end leads to goes on elsewhere.
            let elsewhere = self.run(run).is_some_and(|run| run.pane == *pane && run.live().is_some());
            if gone && elsewhere {
                self.move_run(run);
            }
        }
    }

    /// A pane is lost in which no stage of a run is live. The run ends when it is its own and nothing goes on elsewhere.
    fn lose_idle_pane(&mut self, id: RunId, pane: &PaneKey, cause: &Cause, gone: bool) {
        let Some(run) = self.run(id).filter(|run| run.pane == *pane) else { return };
        if run.live().is_none() {
            return self.cancel_run(id, cause);
        }
        // A dead pane is shown still, with its run.
        if gone && !self.move_run(id) {
            self.cancel_run(id, cause);
        }
    }

    /// What `on_fail` can still do without the pane: tell, run beside it, start others, escalate.
    fn fail_without_pane(&mut self, at: At, pane: &PaneKey, cause: &Cause) {
        let policy = Arc::clone(&self.policy);
        self.close_attempt(at);
        let Some(stage) = self.stage_mut(at) else { return };
        stage.ended = Some(cause.clone());
        let (name, attempt) = (stage.name.clone(), stage.attempt);
        let note = Note::StageFailed { run: at.run, stage: name, by: cause.brief(), attempt };
        self.note_run(Severity::Error, at.run, note);
        let steps = self.rule(&policy, at);
        let mut code = None;
        for (rule, step) in steps.iter().flat_map(|(_, rule)| rule.on_fail.iter().map(move |step| (rule, step))) {
            match step {
                FailStep::Do(Action::SendKeys { .. } | Action::Run { .. } | Action::Prompt { .. })
                | FailStep::Retry(_)
                | FailStep::AskHuman { .. } => {}
                FailStep::Do(action) => self.do_after(at, rule, std::slice::from_ref(action)),
                FailStep::Escalate { code: word } => {
                    code = Some(word.clone());
                    break;
                }
            }
        }
        match code {
            Some(code) => self.escalate(at, &code, cause),
            None => self.give_up(at, cause.clone()),
        }
        // Nothing of the run can follow there; what follows elsewhere may.
        if self.run(at.run).is_some_and(|run| run.pane == *pane) {
            self.close_run(at.run, RunInput::Fail);
        }
    }
}
