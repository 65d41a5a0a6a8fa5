//! The stream's lines: the row under the cursor, and the rows around it into which a program may move back.
//!
//! A line counts when the cursor leaves it by a line feed. Programs that redraw a block (cursor up, erase, write again)
//! pass over rows that were told already: those are told again only where they changed, also when the block moved.
//!
//! **Invariants:** at most [`KEPT_ROWS`] rows are kept, each cut at [`KEPT_BYTES`]; a row longer than
//! [`LONGEST_ROW`] is told in pieces that overlap by [`OVERLAP`] bytes.

use super::border;
use super::likeness::{alike, same_words};
use super::parser::has_control;
use super::row::{Erase, LONGEST_ROW, Row};
use memchr::memchr;
use std::collections::VecDeque;

/// More rows than any terminal is high.
const KEPT_ROWS: usize = 200;
const KEPT_BYTES: usize = 4096;
/// How far pieces of a long line overlap, so that a match across the border is found.
const OVERLAP: usize = 1024;
/// How many texts of erased rows are remembered, and for how many lines.
const MOST_ERASED: usize = 256;

/// Where lines go: the text, and how many bytes of it were told before.
pub(super) type Out<'o> = &'o mut dyn FnMut(&str, usize);

/// What was told of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Told {
    /// The text as it stands.
    AsItStands,
    /// Nothing.
    Nothing,
    /// Another text.
    Other(Box<str>),
}

/// A row that the cursor has left.
#[derive(Debug)]
struct Kept {
    text: String,
    told: Told,
}

/// The text that was last told of the row under the cursor.
#[derive(Debug)]
struct Base {
    text: String,
    /// Told while the line was unterminated: its final form counts even if it is alike.
    unterminated: bool,
}

/// Lines out of text, controls and cursor moves.
#[derive(Debug, Default)]
pub(super) struct Stream {
    row: Row,
    base: Option<Base>,
    above: VecDeque<Kept>,
    /// Nearest last.
    below: Vec<Kept>,
    pub(super) dropped: bool, // rows were erased, so that the pane may hold more than what is known here
    /// Number of the row under the cursor, counted over the stream.
    pub(super) number: u64,
    /// The row that was the screen's first when it was last cleared.
    top: u64,
    saved: Option<(u64, usize)>,
    /// Texts of rows that were told and then overwritten or erased within this burst of output.
    erased: Vec<String>,
    since_erased: usize,
    /// Rows around the cursor hold something that was not told.
    untold: bool,
    columns: usize,
    rows: usize,
    scratch: String,
}

impl Stream {
    /// Sets the pane's size; 0 where it is not known.
    pub(super) fn resize(&mut self, columns: usize, rows: usize) {
        self.columns = columns;
        self.rows = rows;
        self.row.set_columns(columns);
    }

    /// Takes whole plain lines at the start of `data`; returns how many bytes it took.
    pub(super) fn lines(&mut self, data: &[u8], out: Out<'_>) -> usize {
        if !(self.row.is_fresh() && self.base.is_none() && self.below.is_empty() && self.erased.is_empty())
            || self.untold
        {
            return 0;
        }
        let mut taken = 0;
        while let Some(length) = memchr(b'\n', &data[taken..]) {
            let mut line = &data[taken..taken + length];
            while let [head @ .., b'\r'] = line {
                line = head;
            }
            if line.len() > LONGEST_ROW || has_control(line) {
                break;
            }
            let Ok(text) = std::str::from_utf8(line) else { break };
            let text = text.trim_end_matches(' ');
            out(text, 0);
            self.keep_above(text, Told::AsItStands);
            taken += length + 1;
        }
        taken
    }

    /// Writes printable bytes.
    pub(super) fn text(&mut self, mut bytes: &[u8], out: Out<'_>) {
        // Within a block of rows the text may wrap onto the next of them.
        while self.columns > 0
            && !self.below.is_empty()
            && let [first, rest @ ..] = bytes
        {
            if self.row.is_about_to_wrap()
                && let Some(below) = self.below.pop()
            {
                self.row.absorb(&below.text);
                if let Some(told) = below.told_text() {
                    self.erase(told);
                }
            }
            self.row.write(&[*first]);
            bytes = rest;
        }
        while !bytes.is_empty() {
            if self.row.len() >= LONGEST_ROW {
                self.cut(out);
            }
            let (now, later) = bytes.split_at(bytes.len().min(LONGEST_ROW - self.row.len()));
            self.row.write(now);
            bytes = later;
        }
    }

    /// Tells a piece of a line that is too long and goes on with its last bytes.
    fn cut(&mut self, out: Out<'_>) {
        let mut text = std::mem::take(&mut self.scratch);
        self.row.take(&mut text);
        if let Some(seen) = self.news(&text) {
            tell(&text, seen, out);
        }
        let overlap = border::tail(&text, OVERLAP);
        self.row.prepend(overlap);
        self.base = Some(Base { text: overlap.to_owned(), unterminated: true });
        self.scratch = text;
    }

    /// The line is complete, unless the cursor stands on one of its upper screen rows.
    pub(super) fn line_feed(&mut self, out: Out<'_>) {
        if self.row.is_edited() && self.row.goes_on_below() {
            self.row.move_screen_rows(1);
            self.row.carriage_return();
            return;
        }
        if self.untold {
            self.tell_above(out);
        }
        let mut text = std::mem::take(&mut self.scratch);
        self.row.read(&mut text);
        if let Some(seen) = self.news(&text) {
            tell(&text, seen, out);
        }
        self.keep_above(&text, Told::AsItStands);
        self.scratch = text;
        match self.below.pop() {
            Some(kept) => self.enter(kept, 0),
            None => {
                self.row.clear();
                self.base = None;
                self.forget_erased();
            }
        }
    }

    /// Counts a new line towards forgetting what was erased.
    fn forget_erased(&mut self) {
        self.since_erased += 1;
        if self.since_erased > MOST_ERASED {
            self.erased.clear();
        }
    }

    /// Decides whether the current row's `text` is news; returns how many bytes of it are not.
    fn news(&mut self, text: &str) -> Option<usize> {
        let base = self.base.take();
        if base.is_none() && self.erased.is_empty() {
            return Some(0);
        }
        self.against(base, text)
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
        if let Some(at) = self.erased.iter().position(|erased| alike(erased, text)) {
            self.erased.swap_remove(at);
            return None;
        }
        Some(0)
    }

    fn erase(&mut self, told: String) {
        self.since_erased = 0;
        if !told.is_empty() && self.erased.len() < MOST_ERASED {
            self.erased.push(told);
        }
    }

    fn keep_above(&mut self, text: &str, told: Told) {
        let mut slot = if self.above.len() >= KEPT_ROWS {
            self.above.pop_front().map(|kept| kept.text).unwrap_or_default()
        } else {
            String::new()
        };
        slot.clear();
        slot.push_str(border::head(text, KEPT_BYTES));
        self.above.push_back(Kept { text: slot, told });
        self.number += 1;
    }

    /// Makes a kept row the current one, with the cursor on `column` of its last screen row.
    fn enter(&mut self, kept: Kept, column: usize) {
        self.row.load(&kept.text);
        self.row.go_to_column(column);
        self.base = match kept.told {
            Told::AsItStands => Some(Base { text: kept.text, unterminated: false }),
            Told::Nothing => None,
            Told::Other(text) => Some(Base { text: text.into(), unterminated: false }),
        };
    }

    /// Takes the current row away.
    fn leave(&mut self) -> Kept {
        let mut text = String::new();
        self.row.read(&mut text);
        text.truncate(border::head(&text, KEPT_BYTES).len());
        let told = match self.base.take() {
            Some(base) if base.text == text => Told::AsItStands,
            Some(base) => Told::Other(base.text.into()),
            None => Told::Nothing,
        };
        self.untold |= told != Told::AsItStands && !text.is_empty();
        self.row.clear();
        Kept { text, told }
    }

    /// Moves the cursor up.
    pub(super) fn up(&mut self, n: usize) {
        let (above, _) = self.row.depth();
        let within = n.min(above);
        self.row.move_screen_rows(-within.cast_signed());
        let column = self.column_on_screen();
        let mut left = n - within;
        if self.rows > 0 {
            left = left.min((self.rows - 1).saturating_sub(self.below.len()));
        }
        while left > 0 && self.number > self.top {
            let Some(kept) = self.above.pop_back() else { break };
            let row = self.leave();
            self.below.push(row);
            self.number -= 1;
            self.enter(kept, column);
            left -= 1;
            // Each row may itself be wrapped over several rows of the screen.
            let (above, _) = self.row.depth();
            let within = left.min(above);
            self.row.move_screen_rows(-within.cast_signed());
            left -= within;
        }
    }

    /// Moves the cursor down; rows that were never written are blank.
    pub(super) fn down(&mut self, n: usize) {
        let (_, below) = self.row.depth();
        let within = n.min(below);
        self.row.move_screen_rows(within.cast_signed());
        let column = self.column_on_screen();
        let most = if self.rows > 0 { self.rows } else { KEPT_ROWS };
        for _ in 0..(n - within).min(most) {
            let row = self.leave();
            let Kept { text, told } = row;
            self.keep_above(&text, told);
            match self.below.pop() {
                Some(kept) => self.enter(kept, column),
                None => self.row.go_to_column(column),
            }
        }
    }

    fn column_on_screen(&mut self) -> usize {
        let column = self.row.column();
        column.checked_rem(self.columns).unwrap_or(column)
    }

    /// Moves the cursor to the first row of the screen, as far as it is known.
    pub(super) fn home(&mut self) {
        let bottom = self.number + self.below.len() as u64;
        let height = if self.rows > 0 { self.rows } else { KEPT_ROWS };
        let first = self.top.max((bottom + 1).saturating_sub(height as u64));
        self.up(usize::try_from(self.number.saturating_sub(first)).unwrap_or(0));
        let (above, _) = self.row.depth();
        self.row.move_screen_rows(-above.cast_signed());
        self.row.carriage_return();
    }

    /// Erases part of the screen.
    pub(super) fn erase_display(&mut self, what: Erase, out: Out<'_>) {
        match what {
            Erase::Rest => {
                if self.row.starts_wrapped_row() {
                    self.split(out);
                }
                self.row.truncate();
                self.drop_below();
            }
            Erase::Start => self.row.erase_line(Erase::Start),
            Erase::Whole => {
                let height = if self.rows > 0 { self.rows } else { KEPT_ROWS };
                let visible = usize::try_from(self.number - self.top).unwrap_or(usize::MAX).min(height);
                let first = self.above.len().saturating_sub(visible);
                let told: Vec<String> = self.above.range(first..).filter_map(Kept::told_text).collect();
                told.into_iter().for_each(|text| self.erase(text));
                if let Some(base) = self.base.take() {
                    self.erase(base.text);
                }
                self.drop_below();
                self.dropped = true;
                self.row.clear();
                self.top = self.number;
            }
        }
    }

    /// A shell shows its prompt below output without a line feed: that output is a line.
    fn split(&mut self, out: Out<'_>) {
        let mut text = std::mem::take(&mut self.scratch);
        self.row.truncate();
        self.row.read(&mut text);
        if let Some(seen) = self.news(&text) {
            tell(&text, seen, out);
        }
        self.keep_above(&text, Told::AsItStands);
        self.scratch = text;
        self.row.clear();
    }

    fn drop_below(&mut self) {
        self.dropped |= !self.below.is_empty();
        for kept in std::mem::take(&mut self.below) {
            if let Some(text) = kept.told_text() {
                self.erase(text);
            }
        }
    }

    /// Remembers the cursor.
    pub(super) fn save(&mut self) {
        let column = self.column_on_screen();
        self.saved = Some((self.number, column));
    }

    /// Puts the cursor back where it was remembered.
    pub(super) fn restore(&mut self) {
        let Some((number, column)) = self.saved else { return };
        if number < self.number {
            self.up(usize::try_from(self.number - number).unwrap_or(0));
        } else if number > self.number {
            self.down(usize::try_from(number - self.number).unwrap_or(0));
        }
        self.row.go_to_column(column);
    }

    /// The row under the cursor, for moves and edits within it.
    pub(super) const fn row(&mut self) -> &mut Row {
        &mut self.row
    }

    /// The output paused: what stands there untold counts now.
    pub(super) fn quiet(&mut self, out: Out<'_>) {
        if self.untold {
            self.tell_above(out);
            for at in (0..self.below.len()).rev() {
                if let Some((text, seen)) = self.kept_news(at, false) {
                    out(&text, seen);
                }
            }
            self.untold = false;
        }
        let mut text = std::mem::take(&mut self.scratch);
        self.row.read_settled(&mut text);
        let base = self.base.take();
        let told = base.as_ref().map(|base| base.text.clone());
        // A progress bar that moved on is no news until its line is complete.
        let same = told.as_deref().is_some_and(|told| same_words(told, &text))
            && !told.as_deref().is_some_and(|t| text.starts_with(t));
        if text.is_empty() || same || told.as_deref() == Some(text.as_str()) {
            self.base = base;
        } else {
            let unterminated = Base { text: text.clone(), unterminated: true };
            if let Some(seen) = self.against(base, &text) {
                tell(&text, seen, out);
            }
            self.base = Some(unterminated);
        }
        self.scratch = text;
        self.erased.clear();
    }

    /// Tells the rows above the cursor that were left by a cursor move and not told.
    fn tell_above(&mut self, out: Out<'_>) {
        for at in 0..self.above.len() {
            if let Some((text, seen)) = self.kept_news(at, true) {
                out(&text, seen);
            }
        }
        self.untold = self.below.iter().any(|kept| kept.told != Told::AsItStands);
    }

    fn kept_news(&mut self, at: usize, above: bool) -> Option<(String, usize)> {
        let kept = if above { self.above.get_mut(at) } else { self.below.get_mut(at) }?;
        if kept.text.is_empty() || kept.told == Told::AsItStands {
            return None;
        }
        let base = match std::mem::replace(&mut kept.told, Told::AsItStands) {
            Told::Other(text) => Some(Base { text: text.into(), unterminated: false }),
            Told::AsItStands | Told::Nothing => None,
        };
        let text = kept.text.clone();
        let seen = self.against(base, &text)?;
        Some((text, seen))
    }

    /// Forgets the row under the cursor, after the screen was drawn by other means.
    pub(super) fn forget_row(&mut self) {
        self.row.clear();
        self.base = None;
        self.below.clear();
        self.erased.clear();
        self.untold = false;
    }

    /// The last `n` complete lines above the cursor, oldest first.
    pub(super) fn complete(&self, n: usize) -> impl Iterator<Item = &str> {
        self.above.range(self.above.len().saturating_sub(n)..).map(|kept| kept.text.as_str())
    }

    /// The last `n` rows above the cursor and the told part of the current one, oldest first.
    pub(super) fn recent(&self, n: usize) -> impl Iterator<Item = &str> {
        let first = self.above.len().saturating_sub(n);
        let current = self.base.as_ref().map(|base| base.text.as_str());
        self.above.range(first..).map(|kept| kept.text.as_str()).chain(current)
    }

    /// Takes a line that was read from history as if it had been in the stream.
    pub(super) fn remember(&mut self, text: &str) {
        self.keep_above(text, Told::AsItStands);
    }
}

impl Kept {
    fn told_text(&self) -> Option<String> {
        match &self.told {
            Told::AsItStands => Some(self.text.clone()),
            Told::Other(text) => Some(text.to_string()),
            Told::Nothing => None,
        }
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
