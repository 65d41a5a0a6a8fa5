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
            let (acting, waiting): (Vec<At>, Vec<At>) = self
                .all_live_at(run, pane)
                .into_iter()
                .partition(|at| self.stage(*at).is_some_and(|stage| stage.state.is_under_way()));
            if acting.is_empty() && waiting.is_empty() {
                self.lose_idle_pane(run, pane, cause, gone);
                continue;
            }
            let beside = self.run(run).is_some_and(|run| run.live().any(|stage| run.pane_of(stage) != pane));
            if acting.is_empty() && !beside {
                self.cancel_run(run, cause);
            } else {
                waiting.iter().for_each(|at| self.cancel_stage(*at, cause.clone()));
                acting.iter().for_each(|at| self.fail_without_pane(*at, pane, cause));
            }
            // What goes on elsewhere, or what its end leads to there.
            let Some(left) = self.run(run).filter(|run| run.pane == *pane && !run.is_idle()) else { continue };
            let ends = left.closing.is_some();
            if gone && !self.move_run(run) && !ends {
                self.cancel_run(run, cause);
            }
        }
    }

    /// A pane is lost in which no stage of a run is live. The run ends when it is its own and nothing goes on elsewhere.
    fn lose_idle_pane(&mut self, id: RunId, pane: &PaneKey, cause: &Cause, gone: bool) {
        let Some(run) = self.run(id).filter(|run| run.pane == *pane) else { return };
        if run.is_idle() {
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
        let note = Note::StageFailed { run: at.run, stage: name, by: cause.brief(), attempt, said: String::new() };
        self.note_run(Severity::Error, at.run, note);
        let steps = self.rule(&policy, at);
        let mut code = None;
        for (rule, step) in steps.iter().flat_map(|(_, rule)| rule.on_fail.iter().map(move |step| (rule, step))) {
            match step {
                FailStep::Do(action)
                    if matches!(action.act(), Action::SendKeys { .. } | Action::Run { .. } | Action::Prompt { .. }) => {
                }
                FailStep::Retry(_) | FailStep::AskHuman { .. } => {}
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
        if self.run(at.run).is_some_and(|run| run.pane == *pane && run.is_idle()) {
            self.close_run(at.run, RunInput::Fail);
        }
    }
}
