//! Rows that move: the region that scrolls, rows inserted and deleted (`grid_move_lines`, `grid_clear_lines`).

use super::{Grid, KEPT_ROWS, Row};

impl Grid {
    /// Puts all rows of the screen there.
    fn fill(&mut self) {
        let last = self.top + self.height - 1;
        self.row(last);
    }

    /// Scrolls the region up by a row, which goes to the history.
    pub(crate) fn scroll_up(&mut self) {
        if self.region == (0, self.height - 1) {
            let end = self.top + self.height;
            self.row(end);
        } else {
            self.fill();
            let (upper, lower) = (self.top + self.region.0, self.top + self.region.1);
            let Some(row) = self.rows.remove(upper) else { return };
            self.rows.insert(lower, Row::default());
            self.rows.insert(self.top, row);
            self.untold |= self.region.0 > 0;
        }
        self.top += 1;
        self.scrolled += 1;
        self.above += 1;
        self.forget();
    }

    /// Drops history that nobody needs: neither the last rows nor those of the cursor's line.
    pub(super) fn forget(&mut self) {
        if self.top <= KEPT_ROWS {
            return;
        }
        let mut first = self.line(self.at()).start;
        while self.top > KEPT_ROWS && first > 0 {
            let Some(mut row) = self.rows.pop_front() else { break };
            row.empty();
            self.spare = Some(row);
            self.dropped += 1;
            self.top -= 1;
            first -= 1;
        }
    }

    /// Scrolls the region down by a row.
    pub(crate) fn scroll_down(&mut self) {
        self.fill();
        let (upper, lower) = (self.top + self.region.0, self.top + self.region.1);
        self.move_rows(upper + 1, upper, lower - upper);
    }

    /// tmux's `grid_move_lines`, in absolute places.
    fn move_rows(&mut self, to: usize, from: usize, count: usize) {
        if count == 0 || to == from {
            return;
        }
        // What goes on in a row that moves away ends; what went on from a row that is dropped begins a line.
        if from > 0 && !(to..to + count).contains(&from) {
            self.unwrap(from - 1);
        }
        for at in (to..to + count).filter(|at| !(from..from + count).contains(at)) {
            self.drop_row(at);
        }
        if to > 0 {
            self.unwrap(to - 1);
        }
        let moved: Vec<Row> = (from..from + count).map(|at| std::mem::take(&mut self.rows[at])).collect();
        for (at, row) in (to..).zip(moved) {
            self.rows[at] = row;
        }
        if self.wrapped(to + count - 1) {
            self.touch(to + count - 1);
        }
        self.untold = true;
    }

    /// What was told of a line whose first row goes.
    fn drop_row(&mut self, at: usize) {
        if at > 0 && self.wrapped(at - 1) {
            self.touch(at - 1);
        } else if let Some(told) = self.told(self.line(at)) {
            self.gone.push(told);
        }
        if self.wrapped(at) && at + 1 < self.rows.len() {
            self.rows[at + 1].changed |= !self.blind;
            self.untold = true;
        }
    }

    /// tmux's `grid_clear_lines`.
    pub(super) fn clear_rows(&mut self, from: usize, count: usize) {
        let end = (from + count).min(self.rows.len());
        if count == 0 {
            return;
        }
        if from > 0 && from <= self.rows.len() {
            self.unwrap(from - 1);
        }
        for at in from..end {
            self.drop_row(at);
            self.rows[at].empty();
        }
    }

    /// Inserts rows at the cursor.
    pub(crate) fn insert_rows(&mut self, n: usize) {
        self.fill();
        let (at, lower) = self.below();
        let n = n.min(lower + 1 - at);
        let stay = lower + 1 - at - n;
        self.move_rows(at + n, at, stay);
        self.close_moved(at, stay, n);
    }

    /// Deletes rows at the cursor.
    pub(crate) fn delete_rows(&mut self, n: usize) {
        self.fill();
        let (at, lower) = self.below();
        let n = n.min(lower + 1 - at);
        let stay = lower + 1 - at - n;
        self.move_rows(at, at + n, stay);
        self.close_moved(at, stay, n);
    }

    /// What tmux clears once rows have moved; where it clears none, it still ends the line above.
    fn close_moved(&mut self, at: usize, stay: usize, n: usize) {
        if n > stay {
            self.clear_rows(at + stay, n - stay);
        } else if at + stay > 0 {
            self.unwrap(at + stay - 1);
        }
        self.untold = true;
    }

    /// The cursor's row, and the last that moves with it.
    const fn below(&self) -> (usize, usize) {
        let within = self.y >= self.region.0 && self.y <= self.region.1;
        (self.at(), if within { self.top + self.region.1 } else { self.top + self.height - 1 })
    }
}
