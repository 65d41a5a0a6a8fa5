//! How one screen differs from the last, and what of it is new.
//!
//! A longest common subsequence tells which rows stayed, and how far they moved. What is left of the old rows then
//! explains some of the new ones: a block that moved, a row that grew, text that was wrapped anew after a resize, rows
//! that were erased for a moment in a repaint, rows that a popup had covered, rows that came back by scrolling. What
//! nothing explains is new.
//!
//! **Invariant:** memory is bounded by a few screens and [`MOST_SCROLLED`] keys.

use super::align::{Pair, aligned};
use super::border;
use super::echo::squeezed;
use super::returned::Above;
use super::screen_row::{Row, prompts};
use std::collections::VecDeque;

/// How many rows that scrolled away are remembered, to know them when the user scrolls back.
const MOST_SCROLLED: usize = 2000;
/// How many rows must have moved together to speak of scrolling.
const SCROLL_RUN: usize = 3;
/// How many rows at the top may stay while the rest scrolls.
const HIGHEST_HEADER: usize = 3;
/// For how many screens erased rows may come back as a repaint, and rows be wrapped anew after a resize.
const REPAINT_SCREENS: u8 = 8;
const LONGEST_REFLOW: usize = 64 * 1024;
/// What is remembered of earlier screens.
#[derive(Debug, Default)]
pub(super) struct Past {
    /// Rows that scrolled away at the top, the last one last.
    scrolled: VecDeque<u64>,
    /// Rows that left at the bottom while the user looked back, the topmost last.
    ahead: Vec<u64>,
    erased: Erased,
    covered: Covered,
    above: Above,
    reflow: Option<Reflow>,
}

/// Rows that were erased and may come back.
#[derive(Debug, Default)]
struct Erased {
    keys: Vec<u64>,
    screens: u8,
}

/// Rows in the middle of the screen that others replaced, as a popup does.
#[derive(Debug, Default)]
struct Covered {
    keys: Vec<u64>,
    by: Vec<u64>,
}

/// What stood on the screen before a resize, without its blanks; what was found again is taken out.
#[derive(Debug, Default)]
struct Reflow {
    program: String,
    prompt: String,
    screens: u8,
}

impl Reflow {
    /// What the program wrote, and what repeats the user's prompt, are told apart: one may quote the other.
    const fn text_of(&mut self, prompt: bool) -> &mut String {
        if prompt { &mut self.prompt } else { &mut self.program }
    }
}

/// How one screen differs from the last.
pub(super) struct Difference {
    /// Which old row each new row is.
    pub(super) old_of: Vec<Option<usize>>,
    /// For each new row that is news: how many bytes of it are not.
    pub(super) news: Vec<Option<usize>>,
    /// Which old rows scrolled away.
    pub(super) scrolled: Vec<bool>,
    /// Which old rows were not blank.
    pub(super) filled: Vec<bool>,
}

impl Past {
    /// The pane was resized: what stands on the screen may be wrapped anew.
    pub(super) fn expect_reflow(&mut self, rows: &[Row]) {
        if rows.is_empty() {
            return;
        }
        let mut reflow = Reflow { screens: REPAINT_SCREENS, ..Reflow::default() };
        for row in rows {
            reflow.text_of(row.prompt).push_str(&squeezed(&row.text));
        }
        if let Some(before) = self.reflow.take() {
            // A second resize before the first is drawn: the older text still counts.
            let bounded = |text: &str| border::head(text, LONGEST_REFLOW).to_owned();
            reflow.program.push_str(&bounded(&before.program));
            reflow.prompt.push_str(&bounded(&before.prompt));
        }
        self.reflow = Some(reflow);
    }

    /// One more screen has passed.
    pub(super) fn age(&mut self) {
        self.erased.screens = self.erased.screens.saturating_sub(1);
        if self.erased.screens == 0 {
            self.erased.keys.clear();
        }
        if let Some(reflow) = &mut self.reflow {
            reflow.screens = reflow.screens.saturating_sub(1);
            if reflow.screens == 0 {
                self.reflow = None;
            }
        }
    }

    /// Compares the last screen with a new one.
    pub(super) fn compare(&mut self, old: &[Row], new: &[Row]) -> Difference {
        let old_keys: Vec<u64> = old.iter().map(|row| row.key).collect();
        let new_keys: Vec<u64> = new.iter().map(|row| row.key).collect();
        let pairs = aligned(&old_keys, &new_keys);
        let mut difference = Difference {
            old_of: vec![None; new.len()],
            news: new_keys.iter().map(|&key| (key != 0).then_some(0)).collect(),
            scrolled: vec![false; old_keys.len()],
            filled: old_keys.iter().map(|&key| key != 0).collect(),
        };
        let mut left: Vec<bool> = old_keys.iter().map(|&key| key != 0).collect();
        for pair in &pairs {
            difference.old_of[pair.new] = Some(pair.old);
            difference.news[pair.new] = None;
            left[pair.old] = false;
        }
        let gaps = gaps(&pairs, old_keys.len(), new_keys.len());
        self.scroll(&gaps, &old_keys, &new_keys, &mut left, &mut difference);
        self.uncover(&gaps, &old_keys, &new_keys, &left, &mut difference);
        self.repaint(&old_keys, &new_keys, &left, &mut difference);
        move_blocks(&old_keys, &new_keys, &mut left, &mut difference);
        grow(&gaps, old, new, &mut left, &mut difference);
        self.above.follow(old, new, &mut difference);
        self.find_reflowed(old, new, &mut difference);
        difference
    }

    /// Rows that left or came in at an edge of a part that scrolled.
    fn scroll(&mut self, gaps: &[Gap], old: &[u64], new: &[u64], left: &mut [bool], difference: &mut Difference) {
        for (at, gap) in gaps.iter().enumerate() {
            // One gap lies before each row of the run that moved.
            let below = gaps.get(at + gap.run_after);
            let moved = gap.shift_after - gap.shift_before;
            let top = old[..gap.old.start].iter().filter(|key| **key != 0).count() <= HIGHEST_HEADER;
            if moved > 0 && gap.run_after >= SCROLL_RUN && top {
                for row in gap.old.clone().filter(|row| left[*row]).collect::<Vec<_>>() {
                    left[row] = false;
                    difference.scrolled[row] = true;
                    self.scrolled.push_back(old[row]);
                }
                if let Some(below) = below {
                    self.scroll_forward(below, new, difference);
                }
            } else if moved < 0 && gap.run_after >= SCROLL_RUN && top {
                for row in gap.new.clone().rev().filter(|row| new[*row] != 0) {
                    if self.scrolled.back() != Some(&new[row]) {
                        break;
                    }
                    self.scrolled.pop_back();
                    difference.news[row] = None;
                }
                // Only where nothing took their place did the user scroll; a dialog that closed is gone.
                if let Some(below) = below
                    && below.new.clone().all(|row| new[row] == 0)
                {
                    self.ahead.extend(below.old.clone().rev().filter(|row| left[*row]).map(|row| old[row]));
                }
            }
        }
        while self.scrolled.len() > MOST_SCROLLED {
            self.scrolled.pop_front();
        }
        self.ahead.truncate(MOST_SCROLLED);
    }

    /// Rows that come back at the bottom when the user scrolls forward again.
    fn scroll_forward(&mut self, below: &Gap, new: &[u64], difference: &mut Difference) {
        for row in below.new.clone().filter(|row| new[*row] != 0) {
            if self.ahead.last() != Some(&new[row]) {
                self.ahead.clear();
                return;
            }
            self.ahead.pop();
            difference.news[row] = None;
        }
    }

    /// Rows that come to light again when a popup closes.
    fn uncover(&mut self, gaps: &[Gap], old: &[u64], new: &[u64], left: &[bool], difference: &mut Difference) {
        let inner = |gap: &&Gap| gap.shift_before == gap.shift_after && gap.run_before > 0 && gap.run_after > 0;
        let vanished: Vec<u64> = (0..old.len()).filter(|row| left[*row]).map(|row| old[row]).collect();
        let covered = std::mem::take(&mut self.covered);
        if !covered.keys.is_empty() {
            let gone = covered.by.iter().filter(|key| vanished.contains(key)).count();
            if gone * 2 >= covered.by.len().max(1) {
                for (row, key) in new.iter().enumerate() {
                    if covered.keys.contains(key) {
                        difference.news[row] = None;
                    }
                }
                return;
            }
            if vanished.is_empty() && difference.news.iter().all(Option::is_none) {
                self.covered = covered;
                return;
            }
        }
        let changed: Vec<&Gap> =
            gaps.iter().filter(|gap| gap.new.clone().any(|row| difference.news[row].is_some())).collect();
        if let [gap] = changed.as_slice()
            && inner(gap)
        {
            let keys = gap.old.clone().filter(|row| left[*row]).map(|row| old[row]).collect();
            let by = gap.new.clone().filter(|row| difference.news[*row].is_some()).map(|row| new[row]).collect();
            self.covered = Covered { keys, by };
        }
    }

    /// Rows that were erased a moment ago and are drawn again.
    fn repaint(&mut self, old: &[u64], new: &[u64], left: &[bool], difference: &mut Difference) {
        for (row, key) in new.iter().enumerate().filter(|(_, key)| **key != 0) {
            if difference.news[row].is_some()
                && let Some(at) = self.erased.keys.iter().position(|erased| erased == key)
            {
                self.erased.keys.swap_remove(at);
                difference.news[row] = None;
            }
        }
        let filled = |keys: &[u64]| keys.iter().filter(|key| **key != 0).count();
        let gone = left.iter().filter(|left| **left).count();
        let came = difference.news.iter().filter(|news| news.is_some()).count();
        if gone * 2 >= filled(old).max(1) && came * 4 <= gone {
            self.erased.keys.extend((0..old.len()).filter(|row| left[*row]).map(|row| old[row]));
            self.erased.screens = REPAINT_SCREENS;
            self.erased.keys.truncate(MOST_SCROLLED);
        }
    }

    /// Rows that hold nothing but text that was wrapped otherwise before.
    fn find_reflowed(&mut self, old: &[Row], new: &[Row], difference: &mut Difference) {
        let Some(reflow) = &mut self.reflow else { return };
        let prompts = prompts(new, old, &difference.old_of);
        for ((row, prompt), news) in new.iter().zip(prompts).zip(&mut difference.news) {
            let text = reflow.text_of(prompt);
            let squeezed = squeezed(&row.text);
            if !squeezed.is_empty()
                && let Some(at) = text.find(&squeezed)
            {
                text.replace_range(at..at + squeezed.len(), "\0");
                *news = None;
            }
        }
    }
}

/// Rows that only became longer or shorter, in their place below the rows that stayed.
fn grow(gaps: &[Gap], old_rows: &[Row], new: &[Row], left: &mut [bool], difference: &mut Difference) {
    for gap in gaps {
        for (old, row) in gap.old.clone().zip(gap.new.clone()) {
            if difference.news[row].is_none() || !left[old] {
                continue;
            }
            let (before, text) = (old_rows[old].text.as_str(), new[row].text.as_str());
            if text.starts_with(before) {
                difference.news[row] = Some(before.len());
            } else if before.starts_with(text) && text.len() * 2 > before.len() {
                // Its last word went to the next row. What became much shorter is another row.
                difference.news[row] = None;
            } else {
                continue;
            }
            left[old] = false;
        }
    }
}

/// Rows that stand elsewhere now.
fn move_blocks(old: &[u64], new: &[u64], left: &mut [bool], difference: &mut Difference) {
    for (row, key) in new.iter().enumerate() {
        if difference.news[row].is_none() {
            continue;
        }
        if let Some(from) = (0..old.len()).find(|from| left[*from] && old[*from] == *key) {
            left[from] = false;
            difference.news[row] = None;
            difference.old_of[row] = Some(from);
        }
    }
}

/// The rows between two rows that stayed.
#[derive(Debug)]
struct Gap {
    old: std::ops::Range<usize>,
    new: std::ops::Range<usize>,
    /// How far up the row before and the row after it moved; at the edges as if nothing had moved.
    shift_before: isize,
    shift_after: isize,
    /// How many rows before and after it moved together; 0 at the edges.
    run_before: usize,
    run_after: usize,
}

/// The gaps between runs of rows that stayed, from top to bottom, the edges included.
fn gaps(pairs: &[Pair], old: usize, new: usize) -> Vec<Gap> {
    let shift = |pair: &Pair| pair.old.cast_signed() - pair.new.cast_signed();
    let mut gaps = Vec::new();
    let mut before: Option<(Pair, usize)> = None;
    let mut at = 0;
    while at < pairs.len() {
        let first = pairs[at];
        let run = pairs[at..].iter().take_while(|pair| shift(pair) == shift(&first)).count();
        // Blank rows lie between the pairs of a run too; what changed there is a gap of its own.
        for pair in &pairs[at..at + run] {
            let (old_from, new_from) = before.map_or((0, 0), |(pair, _)| (pair.old + 1, pair.new + 1));
            gaps.push(Gap {
                old: old_from..pair.old,
                new: new_from..pair.new,
                shift_before: before.map_or(0, |(pair, _)| shift(&pair)),
                shift_after: shift(pair),
                run_before: before.map_or(0, |(_, run)| run),
                run_after: run,
            });
            before = Some((*pair, run));
        }
        at += run;
    }
    let (old_from, new_from) = before.map_or((0, 0), |(pair, _)| (pair.old + 1, pair.new + 1));
    gaps.push(Gap {
        old: old_from..old,
        new: new_from..new,
        shift_before: before.map_or(0, |(pair, _)| shift(&pair)),
        shift_after: before.map_or(0, |(pair, _)| shift(&pair)),
        run_before: before.map_or(0, |(_, run)| run),
        run_after: 0,
    });
    gaps
}
