//! Triggers and lines that did not count, kept with their pane for explanations. Never a reason for a decision.

use super::progress::{Miss, TEXT, cut};
use super::state::stage_key;
use super::turn::Turn;
use tmuxagent_model::{Millis, PaneKey};

/// How many near misses are kept for each stage on a pane.
const MOST: usize = 5;
/// The same reason within this time is one miss: a program that repeats itself must not fill the journal.
const SAME: Millis = Millis::from_secs(5);

impl Turn<'_> {
    /// Keeps a near miss; the oldest makes room.
    pub fn miss(&mut self, pane: &PaneKey, pipeline: &str, stage: &str, text: &str, why: String) {
        let at = self.now;
        let key = stage_key(pipeline, stage);
        let kept = self.state.panes.get(pane).and_then(|row| row.misses.get(&key)).and_then(|kept| kept.last());
        if kept.is_some_and(|last| at.since(last.at) < SAME && same_reason(&last.why, &why)) {
            return;
        }
        let Some(row) = self.state.panes.get_mut(pane) else { return };
        let kept = row.misses.entry(key).or_default();
        if kept.len() >= MOST {
            kept.remove(0);
        }
        kept.push(Miss { at, text: cut(text, TEXT), why });
    }
}

/// Whether two reasons are the same but for a time in them that runs.
fn same_reason(a: &str, b: &str) -> bool {
    let plain = |text: &str| text.chars().filter(|c| !c.is_ascii_digit() && !".hms".contains(*c)).collect::<String>();
    plain(a) == plain(b)
}
