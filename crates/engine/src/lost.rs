//! A pane whose process ended, or that is gone, under a stage: the attempt failed, and `on_fail` runs as far as it can.

use super::progress::Cause;
use super::table::RunInput;
use super::turn::{At, Turn};
use std::sync::Arc;
use tmuxagent_model::{Note, PaneKey, RunId, Severity};
use tmuxagent_policy::{Action, FailStep};

impl Turn<'_> {
    /// Ends the open runs of a pane that nobody can type into any more.
    pub fn end_runs(&mut self, pane: &PaneKey, cause: &Cause) {
        let runs: Vec<RunId> =
            self.state.panes.get(pane).map_or_else(Vec::new, |row| row.open.values().copied().collect());
        for run in runs {
            let live = self.run(run).and_then(super::state::Run::live);
            let at = live.map(|stage| At { run, stage });
            let begun = at.filter(|at| self.stage(*at).is_some_and(|stage| stage.state.is_under_way()));
            match begun {
                Some(at) => self.fail_without_pane(at, cause),
                None => self.cancel_run(run, cause),
            }
        }
    }

    /// What `on_fail` can still do without the pane: tell, run beside it, start others, escalate.
    fn fail_without_pane(&mut self, at: At, cause: &Cause) {
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
        // Nothing of the run can follow there.
        self.close_run(at.run, RunInput::Fail);
    }
}
