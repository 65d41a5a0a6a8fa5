//! What a step of the engine is told beside its event: what the pane printed last, and who is in front where a stage begins.
//!
//! **Invariant:** who is in front is told in the round in which the stage began, before its keys are handed on, and stands in
//! the journal; or later, as soon as somebody who reads is seen there.

use super::core::Core;
use std::collections::BTreeSet;
use tmuxagent_model::{Event, Intent, PaneKey};
use tmuxagent_tmux::PaneLive;

impl Core {
    /// A fact with what its pane printed last, should a question follow from it.
    pub(crate) fn witnessed(&self, fact: &Event) -> Option<Event> {
        let printed = self.view.last_lines(self.engine.concerns(fact)?);
        (!printed.is_empty()).then(|| Event::Witnessed { fact: Box::new(fact.clone()), printed })
    }

    /// Tells who is in front of panes; the intents as they are then.
    pub(crate) fn with_fronts(&mut self, panes: &BTreeSet<PaneKey>, intents: Vec<Intent>) -> Vec<Intent> {
        if panes.is_empty() {
            return intents;
        }
        for pane in panes {
            if let Some((front, shell)) = self.view.in_front(pane) {
                self.step(&Event::InFront { pane: pane.clone(), front, shell });
            }
        }
        intents.into_iter().map(|intent| self.engine.intent(&intent.id).cloned().unwrap_or(intent)).collect()
    }

    /// The picture of a pane is another one. Whoever reads there now may be the first that is seen since a stage began.
    pub(crate) fn pictured(&mut self, live: PaneLive) {
        let pane = live.pane.clone();
        let before = self.view.in_front(&pane);
        self.view.printed(live, &self.redactor);
        let now = self.view.in_front(&pane).filter(|now| before.as_ref() != Some(now));
        if let Some((front, shell)) = now
            && self.engine.wants_front(self.now, &pane, shell)
        {
            self.step(&Event::InFront { pane, front, shell });
        }
    }
}
