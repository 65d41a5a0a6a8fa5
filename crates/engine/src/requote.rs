//! What was quoted for one shell, and is read by another.
//!
//! **Invariant:** a text with values is typed only into a shell that it was quoted for; where another one reads, nothing was
//! typed, and the action is written anew for that one. People were shown the values themselves, so they see the same.

use super::state::Planned;
use super::text::plan_in_words;
use super::turn::{At, Turn};
use std::sync::Arc;

impl Turn<'_> {
    /// Writes the action at the cursor anew, for the shell that reads now, and does it. False where it would say something
    /// else than before: then a person is asked.
    pub fn quote_anew(&mut self, at: At, shell: &str) -> bool {
        let Some(pane) = self.stage_pane(at).cloned() else { return false };
        let Some(row) = self.state.panes.get_mut(&pane) else { return false };
        row.shell = Some(shell.to_owned());
        // The look before typing is younger than what was listed; that it is listed too is a fact of its own, still to come.
        let listed = std::mem::replace(&mut row.info.facts.command, shell.to_owned());
        let done = self.do_anew(at);
        if let Some(row) = self.state.panes.get_mut(&pane) {
            row.info.facts.command = listed;
        }
        done
    }

    fn do_anew(&mut self, at: At) -> bool {
        let Some(anew) = self.written_anew(at) else { return false };
        let Some(stage) = self.stage_mut(at) else { return false };
        let Some(place) = stage.plan.get_mut(stage.cursor as usize) else { return false };
        *place = anew;
        stage.waiting = None;
        self.advance(at);
        true
    }

    /// The action at the cursor as the shell of now is to read it; `None` where it reads otherwise to a person.
    pub fn written_anew(&self, at: At) -> Option<Planned> {
        let policy = Arc::clone(&self.policy);
        let (_, rule) = self.rule(&policy, at)?;
        let stage = self.stage(at)?;
        let before = stage.plan.get(stage.cursor as usize)?;
        // That its `if` holds was seen when it was its turn.
        let action = rule.actions_on_start.get(stage.cursor as usize)?.act();
        let anew = self.plan(at, rule, std::slice::from_ref(action), stage.attempt).ok()?.into_iter().next()?;
        let says = |action: &Planned| plan_in_words(std::slice::from_ref(action));
        (says(before) == says(&anew)).then_some(anew)
    }
}
