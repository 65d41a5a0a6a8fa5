//! The stream's lines: what is told of the screen that the [`super::grid`] keeps.
//!
//! A line counts when the cursor leaves it by a line feed. Programs that redraw a block (cursor up, erase, write again)
//! pass over rows that were told already: those are told again only where they changed, also when the block moved.
//!
//! **Invariants:** a line longer than [`LONGEST_ROW`] is told in pieces that overlap by [`OVERLAP`] bytes.

use super::border;
use super::grid::{Grid, Told};
use super::row_similarity::{alike, key, same_words};
use super::written::Written;
use std::ops::Range;

/// The most bytes of a line.
pub(super) const LONGEST_ROW: usize = 64 * 1024;
/// How far pieces of a long line overlap, so that a match across the border is found.
const OVERLAP: usize = 1024;
/// How many texts of erased rows are remembered, and for how many lines.
const MOST_ERASED: usize = 256;

/// Joins the characters on both sides of it.
pub(super) const JOINER: char = '\u{200d}';

/// Where lines go: the text, and how many bytes of it were told before.
pub(super) type Out<'o> = &'o mut dyn FnMut(&str, usize);

/// Which part is erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Erase {
    /// From the cursor on.
    Rest,
    /// Up to and with the cursor.
    Start,
    /// All.
    Whole,
}

/// The text that was last told of a line.
#[derive(Debug)]
struct Base {
    text: String,
    /// Told while the line was unterminated: its final form counts even if it is alike.
    unterminated: bool,
}

/// Lines out of text, controls and cursor moves.
#[derive(Debug, Default)]
pub(super) struct Stream {
    pub(super) grid: Grid,
    pub(super) dropped: bool, // rows were erased, so that the pane may hold more than what is known here
    /// Rows that were told and then overwritten or erased within this burst of output, by what makes rows alike: each is
    /// compared with many.
    erased: Vec<String>,
    since_erased: usize,
    /// The start of a character whose last bytes are still to come.
    partial: Vec<u8>,
    /// The next character belongs to the one before.
    joins: bool,
    /// Somebody entered a line in this burst of output: what is erased since is erased on purpose.
    pub(super) entered: bool,
    /// The last character, for repetition.
    pub(super) last: Option<char>,
    /// The memory of [`Stream::lines`].
    pub(super) written: Written,
}

impl Stream {
    /// Sets the pane's size; 0 where it is not known.
    pub(super) fn resize(&mut self, columns: usize, rows: usize) {
        self.grid.resize(columns, rows);
    }

    /// The screen, for moves and edits.
    pub(super) const fn grid(&mut self) -> &mut Grid {
        &mut self.grid
    }

    /// Whether the next byte begins a line of which nothing is known yet.
    pub(super) fn is_fresh(&self) -> bool {
        self.erased.is_empty() && !self.grid.untold && self.partial.is_empty() && !self.joins && self.grid.is_fresh()
    }

    /// TerminalParts printable bytes, in which UTF-8 may be split and broken.
    pub(super) fn text(&mut self, bytes: &[u8], out: Out<'_>) {
        let joined;
        let mut rest = bytes;
        if !self.partial.is_empty() {
            let mut whole = std::mem::take(&mut self.partial);
            whole.extend_from_slice(bytes);
            joined = whole;
            rest = &joined;
        }
        while !rest.is_empty() {
            let (text, broken) = match std::str::from_utf8(rest) {
                Ok(text) => (text, &[][..]),
                Err(error) => {
                    let (valid, broken) = rest.split_at(error.valid_up_to());
                    (std::str::from_utf8(valid).unwrap_or_default(), broken)
                }
            };
            self.characters(text, out);
            let Some(length) = border::broken_character(broken) else {
                self.partial = broken.to_vec();
                return;
            };
            if length > 0 {
                self.put(char::REPLACEMENT_CHARACTER);
            }
            rest = &broken[length..];
        }
    }

    fn characters(&mut self, mut text: &str, out: Out<'_>) {
        while let Some(first) = text.chars().next() {
            let before = self.grid.wrappings;
            if first.is_ascii() && !self.joins {
                let end = text.bytes().position(|byte| !byte.is_ascii()).unwrap_or(text.len());
                // A line grows to its longest by pieces.
                let end = end.min(OVERLAP);
                self.grid.write(&text[..end]);
                self.last = text[..end].chars().next_back();
                text = &text[end..];
            } else {
                self.put(first);
                text = &text[first.len_utf8()..];
            }
            if self.grid.wrappings != before {
                self.cut(out);
            }
        }
    }

    fn put(&mut self, c: char) {
        if std::mem::take(&mut self.joins) {
            self.grid.combine(JOINER);
            self.grid.combine(c);
        } else if c == JOINER {
            self.joins = true;
        } else {
            self.grid.put(c);
        }
        self.last = Some(c);
    }

    /// What is no character of a text comes: a character that is not complete is none.
    pub(super) fn interrupt(&mut self) {
        self.last = None;
        if !std::mem::take(&mut self.partial).is_empty() {
            self.put(char::REPLACEMENT_CHARACTER);
            self.last = None;
        }
    }

    /// TerminalParts the last character `n` times more, not beyond the edge.
    pub(super) fn repeat(&mut self, n: usize) {
        if let Some(c) = self.last {
            (0..n.min(self.grid.columns() - self.grid.x())).for_each(|_| self.put(c));
        }
        self.last = None;
    }

    /// Tells a piece of a line that is too long and goes on with its last bytes.
    fn cut(&mut self, out: Out<'_>) {
        let at = self.grid.at();
        if at * self.grid.columns() < LONGEST_ROW / 4 {
            return;
        }
        let line = self.grid.line(at);
        if (line.end - line.start) * self.grid.columns() < LONGEST_ROW / 4 {
            return;
        }
        let text = self.grid.text(line.clone()).into_owned();
        if text.len() < LONGEST_ROW - 8 * OVERLAP {
            return;
        }
        let base = self.base(line.clone());
        if let Some(seen) = self.against(base, &text) {
            tell(&text, seen, out);
        }
        // The line goes on from a row of its own.
        let mut first = at;
        while first > line.start + 1 && self.grid.text(first..at + 1).len() < OVERLAP {
            first -= 1;
        }
        self.grid.split(first - 1);
        self.grid.settle(line.start..first, Told::AsItStands);
        let overlap = self.grid.text(first..at + 1).into_owned();
        self.grid.settle(first..at + 1, Told::Other(overlap.into()));
        self.grid.row(first).unterminated = true;
        self.grid.row(first).changed = true;
    }

    /// The line is complete, unless the cursor stands on one of its upper screen rows.
    ///
    /// What else changed on a screen that its program owns is for who looks at the screen.
    pub(super) fn line_feed(&mut self, owned: bool, out: Out<'_>) {
        let at = self.grid.at();
        let line = self.grid.line(at);
        if at + 1 < line.end {
            if !self.grid.is_blank_behind(at) {
                self.grid.down();
                return;
            }
            // A line editor writes a blank to see the cursor on the next row when a command fills its last row.
            self.grid.split(at);
        }
        if self.grid.untold && !owned {
            self.tell_rows(0..self.grid.line(at).start, out);
        }
        let line = self.grid.line(at);
        self.entered |= self.grid.was_answered(line.clone());
        self.tell_line(line, true, out);
        let (x, fresh) = (self.grid.at(), self.grid.len());
        self.grid.down();
        if x + 1 >= fresh {
            self.forget_erased();
        }
    }

    /// Tells a line where it is news.
    fn tell_line(&mut self, line: Range<usize>, blank: bool, out: Out<'_>) {
        self.take_gone();
        let told = self.grid.row(line.start).told.clone();
        if told == Told::AsItStands && !self.grid.row(line.start).unterminated && !self.grid.is_changed(line.clone()) {
            return;
        }
        let base = self.base(line.clone());
        let text = if blank { self.grid.text(line.clone()) } else { self.grid.said(line.clone()) }.into_owned();
        let whole = blank || text == self.grid.text(line.clone());
        if blank || !text.is_empty() || base.is_some() {
            let seen = if base.is_none() && self.erased.is_empty() { Some(0) } else { self.against(base, &text) };
            if let Some(seen) = seen.filter(|_| blank || !text.is_empty()) {
                tell(&text, seen, out);
            }
        }
        self.grid.settle(line, if whole { Told::AsItStands } else { Told::Other(text.into()) });
    }

    fn base(&mut self, line: Range<usize>) -> Option<Base> {
        let unterminated = self.grid.row(line.start).unterminated;
        self.grid.told(line).map(|text| Base { text, unterminated })
    }

    /// Tells lines around the cursor's that were left by a cursor move and not told.
    fn tell_rows(&mut self, rows: Range<usize>, out: Out<'_>) {
        let mut at = rows.start;
        while at < rows.end {
            let line = self.grid.line(at);
            at = line.end;
            if self.grid.is_changed(line.clone()) {
                self.tell_line(line, false, out);
            }
        }
    }

    /// Takes over what was told of lines that are gone.
    fn take_gone(&mut self) {
        for told in std::mem::take(&mut self.grid.gone) {
            self.erase(told);
        }
    }

    /// Counts a new line towards forgetting what was erased.
    fn forget_erased(&mut self) {
        self.since_erased += 1;
        if self.since_erased > MOST_ERASED {
            self.erased.clear();
        }
    }

    fn against(&mut self, base: Option<Base>, text: &str) -> Option<usize> {
        if let Some(Base { text: told, unterminated }) = base {
            if text == told || (!unterminated && alike(text, &told)) {
                return None;
            }
            if unterminated {
                return Some(border::shared(text, &told));
            }
            if !told.is_empty() && text.starts_with(&told) {
                return Some(told.len());
            }
            self.erase(told);
        }
        if text.is_empty() {
            return None;
        }
        if !self.erased.is_empty() {
            let key = key(text);
            if let Some(at) = self.erased.iter().position(|erased| *erased == key) {
                self.erased.swap_remove(at);
                return None;
            }
        }
        Some(0)
    }

    fn erase(&mut self, told: String) {
        self.since_erased = 0;
        if !told.is_empty() && self.erased.len() < MOST_ERASED {
            self.erased.push(key(&told));
        }
    }

    /// Puts the cursor onto another row than by a line feed.
    pub(super) fn go(&mut self, x: usize, y: usize) {
        let line = self.grid.line(self.grid.at());
        let before = self.grid.at();
        self.grid.set_x(x);
        self.grid.set_y(y);
        if self.grid.at() != before && !line.contains(&self.grid.at()) {
            self.leave(line);
        }
    }

    /// The cursor leaves a line otherwise than by a line feed: it may be told later.
    fn leave(&mut self, line: Range<usize>) {
        self.grid.untold |= self.grid.is_changed(line.clone());
        self.grid.row(line.start).unterminated = false;
    }

    /// One row up, at the top by scrolling.
    pub(super) fn up_scrolling(&mut self) {
        let at = self.grid.at();
        let line = self.grid.line(at);
        self.grid.up_scrolling();
        if !line.contains(&self.grid.at()) {
            self.leave(line);
        }
    }

    /// Erases part of the screen.
    pub(super) fn erase_display(&mut self, what: Erase, out: Out<'_>) {
        match what {
            Erase::Rest if self.grid.x() == 0 && self.grid.at() == self.grid.top() => {
                self.grid.clear_screen();
                self.dropped = true;
            }
            Erase::Rest => {
                if self.grid.x() == 0 && self.grid.continues() && !self.grid.blind {
                    self.split(out);
                }
                self.grid.erase_below();
            }
            Erase::Start => self.grid.erase_above(),
            Erase::Whole => {
                self.grid.clear_screen();
                self.dropped = true;
            }
        }
        self.take_gone();
        if self.entered && self.grid.is_clear() {
            // Not to be drawn again: the next command's lines are its own.
            self.erased.clear();
        }
    }

    /// The history is gone.
    pub(super) fn forget_history(&mut self) {
        self.grid.clear_history();
        self.dropped = true;
    }

    /// A shell shows its prompt below output without a line feed: that output is a line.
    fn split(&mut self, out: Out<'_>) {
        let at = self.grid.at();
        if self.grid.is_blank_behind(at - 1) {
            self.grid.split(at - 1);
            if self.grid.untold {
                let first = self.grid.line(at - 1).start;
                self.tell_rows(0..first, out);
            }
            let line = self.grid.line(at - 1);
            self.tell_line(line, false, out);
        }
    }

    /// The output paused: what stands there untold counts now.
    pub(super) fn quiet(&mut self, out: Out<'_>) {
        self.take_gone();
        let current = self.grid.line(self.grid.at());
        if std::mem::take(&mut self.grid.untold) {
            self.tell_rows(0..current.start, out);
            self.tell_rows(current.end..self.grid.len(), out);
        }
        let text = self.grid.said(current.clone()).into_owned();
        let whole = text == self.grid.text(current.clone());
        let base = self.base(current.clone());
        let told = base.as_ref().map(|base| base.text.clone());
        // A progress bar that moved on is no news until its line is complete.
        let same = told.as_deref().is_some_and(|told| same_words(told, &text))
            && !told.as_deref().is_some_and(|told| text.starts_with(told));
        if !(text.is_empty() || same || told.as_deref() == Some(text.as_str())) {
            let answered = self.grid.was_answered(current.clone());
            if let Some(seen) = self.against(base, &text) {
                tell(&text, seen, out);
            }
            let first = current.start;
            self.grid.settle(current, if whole { Told::AsItStands } else { Told::Other(text.into()) });
            self.grid.row(first).unterminated = true;
            self.grid.row(first).answered = answered;
        }
        self.erased.clear();
        self.entered = false;
    }

    /// Tells all lines that changed.
    pub(super) fn tell_changed(&mut self, out: Out<'_>) {
        let all = self.grid.len();
        self.tell_rows(0..all, out);
        self.settle();
    }

    /// Knows all that stands there, after the screen was drawn by other means.
    pub(super) fn settle(&mut self) {
        self.grid.settle_all();
        self.erased.clear();
    }

    /// The last `n` complete lines above the cursor, oldest first.
    pub(super) fn complete(&self, n: usize) -> impl Iterator<Item = String> {
        let current = self.grid.line(self.grid.at()).start;
        let mut lines = std::collections::VecDeque::new();
        let mut end = current.min(self.grid.len());
        while end > 0 && lines.len() < n {
            let line = self.grid.line(end - 1);
            end = line.start;
            lines.push_front(self.grid.text(line).into_owned());
        }
        lines.into_iter()
    }

    /// Where the cursor's line begins: rows above it, and how wide they are.
    pub(super) fn place(&self) -> (u64, usize) {
        (self.grid.rows_above(), self.grid.columns())
    }

    /// The rows of the screen.
    pub(super) fn visible(&self) -> Vec<String> {
        (self.grid.top()..self.grid.len()).map(|at| self.grid.visible(at)).collect()
    }

    /// Takes a line that was read from history as if it had been in the stream.
    pub(super) fn remember(&mut self, text: &str) {
        self.grid.clear_line();
        self.text(text.as_bytes(), &mut |_, _| {});
        self.interrupt();
        let line = self.grid.line(self.grid.at());
        self.grid.settle(line, Told::AsItStands);
        self.grid.down();
        self.grid.set_x(0);
    }

    /// What stands on the cursor's line, without a character whose last bytes are still to come.
    pub(super) fn standing(&self) -> String {
        self.grid.text(self.grid.line(self.grid.at())).into_owned()
    }
}

/// Tells a line, in pieces if it is too long. Characters of an edited line may take more bytes than cells.
fn tell(text: &str, seen: usize, out: Out<'_>) {
    let (mut rest, mut seen) = (text, seen);
    while rest.len() > LONGEST_ROW {
        let piece = border::head(rest, LONGEST_ROW);
        if seen < piece.len() {
            out(piece, seen);
        }
        let overlap = border::tail(piece, OVERLAP).len();
        let next = piece.len() - overlap;
        seen = seen.saturating_sub(next).max(overlap);
        rest = &rest[next..];
    }
    out(rest, seen);
}
