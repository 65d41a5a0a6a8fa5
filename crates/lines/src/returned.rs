//! Rows that left a screen at its top, and come back there: when a dialog closes that took their room, when the pane grows,
//! when the user scrolls back, and when the screen was covered as a whole.
//!
//! **Invariant:** memory is bounded by [`MOST`] keys.

use super::difference::Difference;
use super::screen_row::Row;
use std::collections::VecDeque;

/// How many rows are remembered.
const MOST: usize = 2000;
/// How far back of the last one that came back the next one may be.
const FAR: usize = 200;
/// How many rows that come back in their order are a page that was covered.
const PAGE: usize = 6;
/// Rows with fewer letters and digits say nothing of what is above them.
const LEAST_LETTERS: usize = 4;

/// Rows above the screen, the last one last.
#[derive(Debug, Default)]
pub(super) struct Above {
    keys: VecDeque<u64>,
}

/// Whether a row says something, and is no mere rule or border.
pub(super) fn says_something(text: &str) -> bool {
    text.chars().filter(|c| c.is_alphanumeric()).take(LEAST_LETTERS).count() == LEAST_LETTERS
}

impl Above {
    /// Takes the rows that come back at the top for known, and remembers those that left there.
    pub(super) fn follow(&mut self, old: &[Row], new: &[Row], difference: &mut Difference) {
        let stayed = (0..new.len()).find_map(|row| {
            let from = difference.old_of[row]?;
            says_something(&new[row].text).then_some((from, row))
        });
        let (old_end, new_end) = stayed.unwrap_or((old.len(), new.len()));
        // What stays where it was did not scroll: rows above it are drawn over in their place, or all of them are covered.
        let least = if old_end == new_end || stayed.is_none() { PAGE } else { 1 };
        let filled = |rows: &[Row]| rows.iter().filter(|row| row.key != 0).count();
        if filled(&new[..new_end]) >= least {
            self.come_back(&new[..new_end], least, difference);
        }
        if filled(&old[..old_end]) < least {
            return;
        }
        let left = (0..old_end).filter(|row| old[*row].key != 0 && !difference.old_of.contains(&Some(*row)));
        self.keys.extend(left.map(|row| old[row].key));
        let surplus = self.keys.len().saturating_sub(MOST);
        self.keys.drain(..surplus);
    }

    /// Most of what is new there has to be known, in its order: what a program prints by the page may hold a row that it
    /// printed before.
    fn come_back(&mut self, rows: &[Row], least: usize, difference: &mut Difference) {
        let (mut found, mut new) = (Vec::new(), 0);
        let mut end = self.keys.len();
        for (at, row) in rows.iter().enumerate().rev().filter(|(_, row)| row.key != 0) {
            if difference.news[at].is_none() {
                continue;
            }
            new += 1;
            let start = end.saturating_sub(FAR);
            if let Some(back) = (start..end).rev().find(|key| self.keys[*key] == row.key) {
                end = back;
                found.push(at);
            }
        }
        if found.len() < least || found.len() * 2 < new {
            return;
        }
        found.into_iter().for_each(|at| difference.news[at] = None);
        self.keys.truncate(end);
    }
}
