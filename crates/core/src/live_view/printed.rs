//! What the panes printed last, and when: a question shows of it what is its attempt's own.

use super::{LiveView, PRINTED};
use tmuxagent_model::{PaneKey, Printed, Timestamp};

impl LiveView {
    /// A pane's program printed these lines, as they were taken in now.
    pub fn wrote(&mut self, pane: &PaneKey, lines: Vec<String>, now: Timestamp) {
        let Some(live) = self.panes.get_mut(pane) else { return };
        live.printed.extend(lines.into_iter().map(|text| Printed { at: now, text }));
        let surplus = live.printed.len().saturating_sub(PRINTED);
        live.printed.drain(..surplus);
    }

    /// A pane's shell began a command that is read from its begin, or output of a pane was lost.
    pub(crate) fn hears(&mut self, pane: &PaneKey, all: bool) {
        if let Some(live) = self.panes.get_mut(pane) {
            live.heard_all = all;
        }
    }

    /// Whether all that its present command printed was read, and be it nothing.
    pub(crate) fn has_heard_all(&self, pane: &PaneKey) -> bool {
        self.panes.get(pane).is_some_and(|live| live.heard_all)
    }

    /// Something was decided by what a pane has told: what it printed by then is older than what begins with that.
    pub(crate) fn decided(&mut self, pane: &PaneKey, now: Timestamp) {
        self.make_older(pane, now, Timestamp(now.0 - 1));
    }

    /// A command began in a pane: what was printed by then is older than what that prints, also where that ends within the same
    /// millisecond, and is [`decided`](Self::decided) by it.
    pub(crate) fn began(&mut self, pane: &PaneKey, now: Timestamp) {
        self.make_older(pane, Timestamp(now.0 - 1), Timestamp(now.0 - 2));
    }

    fn make_older(&mut self, pane: &PaneKey, from: Timestamp, to: Timestamp) {
        let Some(live) = self.panes.get_mut(pane) else { return };
        live.printed.iter_mut().rev().take_while(|line| line.at >= from).for_each(|line| line.at = to);
    }

    /// What a pane printed last, oldest first.
    #[must_use]
    pub fn last_lines(&self, pane: &PaneKey) -> Vec<Printed> {
        self.panes.get(pane).map_or_else(Vec::new, |live| live.printed.iter().cloned().collect())
    }
}
