//! The row under the cursor: a logical line, however many rows of the screen it is wrapped over.
//!
//! It begins as bytes that are only appended to, which is all that most lines need. The first sequence that moves the
//! cursor back turns it into cells. Where the pane's width is known the cells lie as on the screen, so that a carriage
//! return goes to the start of the *screen* row, as line editors count on when they show a command longer than the pane.

use super::cells::Cells;
use unicode_width::UnicodeWidthChar;

/// The most bytes or cells of a row.
pub(super) const LONGEST_ROW: usize = 64 * 1024;
/// How much of a line or a screen is erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Erase {
    /// From the cursor on.
    Rest,
    /// Up to and with the cursor.
    Start,
    /// All.
    Whole,
}

/// The row under the cursor.
#[derive(Debug, Default)]
pub(super) struct Row {
    bytes: Vec<u8>,
    /// Up to which byte the width was measured, and that width.
    measured: (usize, usize),
    cells: Option<Cells>,
    /// The cursor's column counted over all screen rows of the line; only with cells.
    column: usize,
    /// The last column was just written: the cursor still stands on it.
    wraps: bool,
    /// A carriage return that was not yet carried out, as it usually only comes before a line feed.
    returns: bool,
    /// The start of a split character; only with cells.
    partial: Vec<u8>,
    /// The pane's width; 0 where it is not known.
    columns: usize,
}

impl Row {
    /// Sets the pane's width; 0 where it is not known.
    pub(super) fn set_columns(&mut self, columns: usize) {
        if self.columns != columns {
            // The screen rows of an edited line lie elsewhere now.
            let cells = self.cells.is_some();
            self.flatten();
            self.columns = columns;
            if cells {
                self.edit();
            }
        }
    }

    /// Whether nothing was written and the cursor stands at the start.
    pub(super) const fn is_fresh(&self) -> bool {
        self.bytes.is_empty() && self.cells.is_none() && !self.returns
    }

    /// Whether the cursor was moved back within the row.
    pub(super) const fn is_edited(&self) -> bool {
        self.cells.is_some()
    }

    /// Bytes or cells in use.
    pub(super) fn len(&self) -> usize {
        self.cells.as_ref().map_or(self.bytes.len(), Cells::len)
    }

    /// Makes the row empty.
    pub(super) fn clear(&mut self) {
        if self.bytes.capacity() > 4 * 1024 {
            self.bytes = Vec::new();
        }
        self.bytes.clear();
        self.measured = (0, 0);
        self.cells = None;
        self.column = 0;
        self.wraps = false;
        self.returns = false;
        self.partial.clear();
    }

    /// Replaces what the row holds, with the cursor at its end.
    pub(super) fn load(&mut self, text: &str) {
        self.clear();
        self.bytes.extend_from_slice(text.as_bytes());
    }

    /// Puts text in front of the start of a split character.
    pub(super) fn prepend(&mut self, text: &str) {
        self.bytes.splice(0..0, text.bytes());
    }

    /// Writes printable bytes at the cursor.
    pub(super) fn write(&mut self, bytes: &[u8]) {
        self.settle_return();
        if self.cells.is_none() {
            self.bytes.extend_from_slice(bytes);
            return;
        }
        let joined;
        let mut rest = bytes;
        if !self.partial.is_empty() {
            let mut whole = std::mem::take(&mut self.partial);
            whole.extend_from_slice(bytes);
            joined = whole;
            rest = &joined;
        }
        loop {
            match std::str::from_utf8(rest) {
                Ok(text) => return text.chars().for_each(|c| self.put(c)),
                Err(error) => {
                    let (valid, invalid) = rest.split_at(error.valid_up_to());
                    String::from_utf8_lossy(valid).chars().for_each(|c| self.put(c));
                    let Some(bad) = error.error_len() else {
                        self.partial = invalid.to_vec();
                        return;
                    };
                    self.put(char::REPLACEMENT_CHARACTER);
                    rest = &invalid[bad..];
                }
            }
        }
    }

    /// A carriage return.
    pub(super) const fn carriage_return(&mut self) {
        self.returns = true;
    }

    /// A backspace.
    ///
    /// From the start of a wrapped screen row it goes back to the end of the one above, as in tmux.
    pub(super) fn backspace(&mut self) {
        self.edit();
        self.place(self.column.saturating_sub(1));
    }

    /// A tab: blanks up to the next eighth column.
    pub(super) fn tab(&mut self) {
        self.settle_cells();
        let column = self.column();
        let within = column.checked_rem(self.columns).unwrap_or(column);
        let mut next = (within / 8 + 1) * 8;
        if self.columns > 0 {
            next = next.min(self.columns - 1);
        }
        let blanks = next.saturating_sub(within).max(1);
        if self.cells.is_some() {
            self.right(blanks);
        } else {
            self.bytes.resize(self.bytes.len() + blanks, b' ');
            self.measured = (self.bytes.len(), column + blanks);
        }
    }

    /// Moves the cursor right, not beyond the screen's edge.
    pub(super) fn right(&mut self, n: usize) {
        self.settle_cells();
        let column = self.column();
        if self.columns > 0 && column > 0 && column.is_multiple_of(self.columns) {
            // The cursor may stand on the last column, waiting to wrap.
            self.edit();
        }
        if self.cells.is_none() {
            let room = match self.columns {
                0 => n,
                columns => n.min(columns - 1 - column % columns),
            };
            self.bytes.resize((self.bytes.len() + room).min(LONGEST_ROW), b' ');
            return;
        }
        let start = self.screen_row_start();
        self.place(match self.columns {
            0 => self.column + n,
            columns => (self.column + n).min(start + columns - 1),
        });
    }

    /// Moves the cursor left, not beyond the screen's edge.
    pub(super) fn left(&mut self, n: usize) {
        self.edit();
        let start = self.screen_row_start();
        // As in tmux, a cursor that waits to wrap stands behind the last column.
        self.place(self.column.saturating_sub(n).max(start));
    }

    /// Moves the cursor to a column of its screen row, counted from 0.
    pub(super) fn go_to_column(&mut self, column: usize) {
        self.edit();
        let start = self.screen_row_start();
        let most = if self.columns > 0 { self.columns - 1 } else { LONGEST_ROW };
        self.place(start + column.min(most));
    }

    /// The cursor's column over all screen rows of the line.
    pub(super) fn column(&mut self) -> usize {
        self.settle_return();
        if self.cells.is_some() {
            return self.column;
        }
        let (bytes, width) = self.measured;
        let fresh = &self.bytes[bytes..];
        let more = if fresh.is_ascii() {
            fresh.len()
        } else {
            String::from_utf8_lossy(fresh).chars().map(|c| c.width().unwrap_or(0)).sum()
        };
        self.measured = (self.bytes.len(), width + more);
        width + more
    }

    /// The cursor's screen row within the line, counted from 0, and how many screen rows lie below it.
    pub(super) fn depth(&mut self) -> (usize, usize) {
        self.edit();
        let Some(at) = self.screen_row_start().checked_div(self.columns) else { return (0, 0) };
        let last = self.len().saturating_sub(1) / self.columns;
        (at, last.saturating_sub(at))
    }

    /// Whether the line goes on below the cursor's screen row. A blank there is none of it: a line editor writes one to
    /// see the cursor on the next row when a command fills its last row exactly.
    pub(super) fn goes_on_below(&mut self) -> bool {
        self.edit();
        let end = self.screen_row_start() + self.columns;
        self.columns > 0 && self.cells.as_ref().is_some_and(|cells| !cells.is_blank_from(end))
    }

    /// Moves the cursor by whole screen rows within the line.
    pub(super) fn move_screen_rows(&mut self, by: isize) {
        self.edit();
        let from = self.column - usize::from(self.wraps);
        self.place(from.saturating_add_signed(by * self.columns.cast_signed()));
    }

    /// Erases part of the cursor's screen row.
    pub(super) fn erase_line(&mut self, what: Erase) {
        if self.cells.is_none() && !self.returns && what == Erase::Rest {
            return;
        }
        self.edit();
        let start = self.screen_row_start();
        let end = if self.columns > 0 { start + self.columns } else { usize::MAX };
        match what {
            Erase::Rest => self.blank(self.column, end),
            Erase::Start => self.blank(start, self.column + 1),
            Erase::Whole => self.blank(start, end),
        }
    }

    /// Erases all from the cursor to the end of the line.
    pub(super) fn truncate(&mut self) {
        if self.cells.is_none() && !self.returns {
            return;
        }
        self.edit();
        self.blank(self.column, usize::MAX);
    }

    /// Erases `n` characters from the cursor on.
    pub(super) fn erase_characters(&mut self, n: usize) {
        self.edit();
        self.blank(self.column, self.column.saturating_add(n));
    }

    /// Deletes `n` characters at the cursor; what follows moves left.
    pub(super) fn delete_characters(&mut self, n: usize) {
        self.edit();
        if let Some(cells) = &mut self.cells {
            cells.delete(self.column, self.column.saturating_add(n));
        }
    }

    /// Inserts `n` blanks at the cursor; what follows moves right.
    pub(super) fn insert_blanks(&mut self, n: usize) {
        self.edit();
        if let Some(cells) = &mut self.cells {
            cells.insert(self.column, n.min(LONGEST_ROW.saturating_sub(cells.len())));
        }
    }

    /// Writes the last character `n` times more.
    pub(super) fn repeat(&mut self, n: usize) {
        self.edit();
        if let Some(c) = self.cells.as_ref().and_then(|cells| cells.character_before(self.column)) {
            (0..n.min(1024)).for_each(|_| self.put(c));
        }
    }

    /// Whether the next character wraps onto a screen row that is not yet part of this line.
    pub(super) fn is_about_to_wrap(&self) -> bool {
        self.wraps && !self.returns && self.cells.as_ref().is_some_and(|cells| cells.len() <= self.column)
    }

    /// Takes the row below into this line, which is about to wrap onto it. The cursor stays.
    pub(super) fn absorb(&mut self, below: &str) {
        let (column, wraps) = (self.column, self.wraps);
        below.chars().for_each(|c| self.put(c));
        (self.column, self.wraps) = (column, wraps);
    }

    /// Whether the cursor was sent to the start of a screen row onto which the line wraps.
    pub(super) fn starts_wrapped_row(&mut self) -> bool {
        self.settle_return();
        self.columns > 0 && self.column > 0 && !self.wraps && self.column.is_multiple_of(self.columns)
    }

    /// Writes the row's text without trailing blanks to `text`, which is overwritten.
    pub(super) fn read(&self, text: &mut String) {
        self.read_all(text);
        text.truncate(text.trim_end_matches(' ').len());
    }

    /// Writes the row's text to `text`, which is overwritten.
    fn read_all(&self, text: &mut String) {
        text.clear();
        if let Some(cells) = &self.cells {
            cells.read(text);
            if !self.partial.is_empty() && self.column >= cells.len() {
                text.push(char::REPLACEMENT_CHARACTER);
            }
        } else {
            match std::str::from_utf8(&self.bytes) {
                Ok(whole) => text.push_str(whole),
                Err(_) => text.push_str(&String::from_utf8_lossy(&self.bytes)),
            }
        }
    }

    /// Writes the row's text to `text` and takes it away, but for the start of a split character, which stays.
    pub(super) fn take(&mut self, text: &mut String) {
        let split = match &self.cells {
            Some(_) => std::mem::take(&mut self.partial),
            None => self.bytes.split_off(self.bytes.len() - split_character(&self.bytes)),
        };
        self.read_all(text);
        let returns = self.returns;
        self.clear();
        self.returns = returns;
        self.bytes = split;
    }

    /// Leaves out a character whose last bytes are still to come.
    pub(super) fn read_settled(&self, text: &mut String) {
        self.read(text);
        let split = match &self.cells {
            Some(_) => !self.partial.is_empty(),
            None => split_character(&self.bytes) > 0,
        };
        if split && text.ends_with(char::REPLACEMENT_CHARACTER) {
            text.pop();
            text.truncate(text.trim_end_matches(' ').len());
        }
    }

    /// A character whose last bytes did not come before the cursor moved is none.
    fn settle_cells(&mut self) {
        if self.cells.is_some() {
            self.edit();
        }
    }

    fn settle_return(&mut self) {
        if self.returns {
            self.edit();
        }
    }

    /// Turns the bytes into cells and carries out a pending carriage return.
    fn edit(&mut self) {
        if self.cells.is_none() {
            self.cells = Some(Cells::default());
            self.column = 0;
            self.wraps = false;
            let bytes = std::mem::take(&mut self.bytes);
            String::from_utf8_lossy(&bytes).chars().for_each(|c| self.put(c));
            self.bytes = bytes;
            self.bytes.clear();
            self.measured = (0, 0);
        }
        if !self.partial.is_empty() {
            self.partial.clear();
            self.put(char::REPLACEMENT_CHARACTER);
        }
        if std::mem::take(&mut self.returns) {
            let start = self.screen_row_start();
            self.place(start);
        }
    }

    /// Turns cells back into bytes with the cursor at the end.
    fn flatten(&mut self) {
        if self.cells.is_some() {
            let mut text = String::new();
            self.read(&mut text);
            let (returns, columns) = (self.returns, self.columns);
            self.load(&text);
            (self.returns, self.columns) = (returns, columns);
        }
    }

    const fn screen_row_start(&self) -> usize {
        match self.columns {
            0 => 0,
            columns if self.wraps => self.column - columns,
            columns => self.column - self.column % columns,
        }
    }

    /// Puts the cursor onto a column; the row grows up to it.
    fn place(&mut self, column: usize) {
        self.column = column.min(LONGEST_ROW);
        self.wraps = false;
        if let Some(cells) = &mut self.cells {
            cells.reach(self.column);
        }
    }

    /// Writes one character at the cursor. Only with cells.
    fn put(&mut self, c: char) {
        let Some(cells) = &mut self.cells else { return };
        let width = c.width().unwrap_or(0);
        if width == 0 || cells.joins_before(self.column) {
            return cells.combine_before(self.column, c);
        }
        if self.column >= LONGEST_ROW {
            return;
        }
        if self.columns > 1 && width == 2 && self.column % self.columns == self.columns - 1 {
            cells.pad(self.column);
            self.column += 1;
        }
        cells.put(self.column, c, width);
        self.column += width;
        self.wraps = self.columns > 0 && self.column.is_multiple_of(self.columns);
    }

    /// Blanks cells.
    fn blank(&mut self, from: usize, to: usize) {
        if let Some(cells) = &mut self.cells {
            cells.blank(from, to);
            cells.reach(self.column);
        }
    }
}

/// How many bytes at the end are the start of a UTF-8 sequence.
fn split_character(bytes: &[u8]) -> usize {
    let starts = |n: &usize| {
        std::str::from_utf8(&bytes[bytes.len() - n..])
            .is_err_and(|error| error.valid_up_to() == 0 && error.error_len().is_none())
    };
    (1..=bytes.len().min(3)).find(starts).unwrap_or(0)
}

#[cfg(test)]
#[path = "row_tests.rs"]
mod tests;
