//! What is erased, deleted and inserted within rows and over the screen.

use super::{Grid, Told};

impl Grid {
    /// Blanks part of the cursor's row; a whole row begins a line of its own.
    pub(crate) fn erase_row(&mut self, from: usize, to: usize) {
        let at = self.at();
        if at >= self.rows.len() || from >= to {
            return;
        }
        if from == 0 && to >= self.columns {
            if self.rows[at].cells.is_empty() {
                return;
            }
            let told = self.told(self.line(at)).filter(|_| at == 0 || !self.wrapped(at - 1));
            let unterminated = self.rows[at].unterminated;
            if at > 0 {
                self.unwrap(at - 1);
            }
            self.unwrap(at);
            self.rows[at].empty();
            if let Some(told) = told {
                // The line under the cursor is written anew.
                self.rows[at].told = Told::Other(told.into());
                self.rows[at].unterminated = unterminated;
                self.rows[at].changed = !self.blind;
            }
            return;
        }
        if from < self.rows[at].cells.len() {
            self.touch(at);
            self.rows[at].cells.blank(from, to);
        }
    }

    /// Erases from the cursor to the end of the screen.
    pub(crate) fn erase_below(&mut self) {
        if (self.x, self.y) == (0, 0) {
            return self.clear_screen();
        }
        if self.x < self.columns {
            let (x, columns) = (self.x, self.columns);
            if x == 0 {
                let at = self.at();
                if at < self.rows.len() {
                    self.erase_row(0, columns);
                }
                if at > 0 {
                    self.unwrap(at - 1);
                }
            } else {
                self.erase_row(x, columns);
            }
        }
        let below = self.at() + 1;
        self.clear_rows(below, self.height - self.y - 1);
    }

    /// Erases from the start of the screen to the cursor.
    pub(crate) fn erase_above(&mut self) {
        let (x, columns) = (self.x, self.columns);
        self.clear_rows(self.top, self.y);
        self.erase_row(0, (x + 1).min(columns));
    }

    /// Erases the screen: what stood on it goes to the history.
    pub(crate) fn clear_screen(&mut self) {
        let end = (self.top + self.height).min(self.rows.len());
        let last = (self.top..end).rev().find(|at| !self.rows[*at].cells.is_empty());
        let Some(last) = last else {
            self.clear_rows(self.top, self.height);
            return;
        };
        let mut at = self.line(self.top).start;
        while at <= last {
            let line = self.line(at);
            at = line.end;
            self.gone.extend(self.told(line));
        }
        self.untold = true;
        self.above += (last + 1 - self.top) as u64;
        self.top = last + 1;
        self.row(last + self.y + 1);
        self.scrolled = 0;
        self.forget();
    }

    /// Makes the cursor's line empty, with the cursor at its start.
    pub(crate) fn clear_line(&mut self) {
        let at = self.at();
        self.row(at);
        let line = self.line(at);
        line.clone().for_each(|at| self.rows[at].empty());
        self.y = line.start.max(self.top) - self.top;
        self.x = 0;
    }

    /// Forgets the history.
    pub(crate) fn clear_history(&mut self) {
        self.dropped += self.rows.drain(..self.top.min(self.rows.len())).len() as u64;
        self.top = 0;
        self.scrolled = 0;
        self.above = 0;
    }

    /// Deletes characters at the cursor; what follows moves left.
    pub(crate) fn delete_cells(&mut self, n: usize) {
        if self.x == 0 && n >= self.columns {
            return self.erase_row(0, self.columns);
        }
        self.shift(|x, n| (x + n, x), n);
    }

    /// Inserts blanks at the cursor; what follows moves right.
    pub(crate) fn insert_cells(&mut self, n: usize) {
        let (x, columns) = (self.x, self.columns);
        if x + 1 == columns {
            return self.erase_row(x, columns);
        }
        // As in tmux, nothing moves where nothing would stay.
        if x + n >= columns {
            return;
        }
        self.shift(|x, n| (x, x + n), n);
    }

    fn shift(&mut self, how: impl Fn(usize, usize) -> (usize, usize), n: usize) {
        let n = n.min(self.columns.saturating_sub(self.x));
        if n > 0 {
            let at = self.at();
            self.touch(at);
            let (from, to) = how(self.x, n);
            let columns = self.columns;
            self.rows[at].cells.shift(from, to, columns);
            self.rows[at].dim = 0..0;
        }
    }
}
