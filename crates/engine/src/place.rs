//! Where panes are, as it is told: without the secrets that stand in somebody's name of a session or window.
//!
//! **Invariant:** every place in the state went through the cleaner, so nothing that is asked, told or kept by its place can
//! hold one; what policies match and what is filled into a text to be typed are the facts themselves.

use super::Engine;
use super::turn::Turn;
use tmuxagent_model::PaneInfo;

impl Turn<'_> {
    /// The place of a pane, for people.
    pub fn told_place(&self, info: &PaneInfo) -> String {
        self.cleaner.clean(&info.place())
    }
}

impl Engine {
    /// Places that were written down before a secret was known lose it.
    pub(super) fn clean_places(&mut self) {
        let Self { cleaner, state, .. } = self;
        let holds = |place: &str| cleaner.clean(place) != place;
        let panes: Vec<_> =
            state.panes.iter().filter(|(_, row)| holds(&row.place)).map(|(key, _)| key.clone()).collect();
        for key in &panes {
            if let Some(row) = state.panes.get_mut(key) {
                row.place = cleaner.clean(&row.place);
            }
        }
        let runs: Vec<_> = state.runs.iter().filter(|(_, run)| holds(&run.place)).map(|(id, _)| *id).collect();
        for id in &runs {
            if let Some(run) = state.runs.get_mut(id) {
                run.place = cleaner.clean(&run.place);
            }
        }
        let asked = state.approvals.iter().filter(|(_, row)| holds(&row.approval.place));
        let asked: Vec<_> = asked.map(|(id, _)| id.clone()).collect();
        for id in &asked {
            if let Some(row) = state.approvals.get_mut(id) {
                row.approval.place = cleaner.clean(&row.approval.place);
            }
        }
    }
}
