//! Where the cursor may go, and what of it is saved.

use super::Grid;

impl Grid {
    /// The region that scrolls.
    pub(crate) fn set_region(&mut self, upper: usize, lower: usize) -> bool {
        let (upper, lower) = (upper.min(self.height - 1), lower.min(self.height - 1));
        if upper < lower {
            self.region = (upper, lower);
        }
        upper < lower
    }

    /// A terminal as it begins, but for what stands on it.
    pub(crate) const fn reset(&mut self) {
        self.region = (0, self.height - 1);
        self.wraps = true;
        self.inserts = false;
        self.origin = false;
        self.saved = (0, 0, false);
    }

    /// Rows are counted from the region's first.
    pub(crate) const fn set_origin(&mut self, on: bool) {
        self.origin = on;
    }

    pub(crate) const fn save(&mut self) {
        self.saved = (self.x, self.y, self.origin);
    }

    /// Where the cursor was when it was saved.
    pub(crate) const fn saved(&mut self) -> (usize, usize) {
        self.origin = self.saved.2;
        (self.saved.0, self.saved.1)
    }

    /// The cursor's place is kept while the other screen is shown.
    pub(crate) const fn save_for_alternate(&mut self) {
        self.saved_alternate = Some((self.x, self.y));
    }

    /// The other screen is empty at first: no line of the history goes on in it.
    pub(crate) fn end_history(&mut self) {
        if self.top > 0 {
            // Nothing was written, so nothing of it is news.
            let blind = std::mem::replace(&mut self.blind, true);
            self.unwrap(self.top - 1);
            self.blind = blind;
        }
    }

    pub(crate) const fn saved_for_alternate(&self) -> Option<(usize, usize)> {
        self.saved_alternate
    }

    /// Puts the cursor onto a column.
    pub(crate) fn set_x(&mut self, x: usize) {
        self.x = x.min(self.columns);
    }

    /// Puts the cursor onto a row of the screen.
    pub(crate) fn set_y(&mut self, y: usize) {
        self.y = y.min(self.height - 1);
    }

    /// The row that is meant by a number of the program's.
    pub(crate) const fn addressed(&self, y: usize) -> usize {
        if !self.origin {
            y
        } else if y > self.region.1 - self.region.0 {
            self.region.1
        } else {
            y + self.region.0
        }
    }

    /// Where so many rows up or down end.
    pub(crate) fn rows_up(&self, n: usize) -> usize {
        let edge = if self.y < self.region.0 { 0 } else { self.region.0 };
        self.y.saturating_sub(n).max(edge)
    }

    pub(crate) fn rows_down(&self, n: usize) -> usize {
        let edge = if self.y > self.region.1 { self.height - 1 } else { self.region.1 };
        (self.y + n).min(edge)
    }

    /// The pane has so many rows in its history, and the cursor stands on this row of the screen.
    pub(crate) fn place(&mut self, above: u64, y: usize) {
        let y = y.min(self.height - 1);
        let at = self.at();
        self.row(at);
        (at..y).for_each(|_| self.rows.push_front(super::Row::default()));
        let at = at.max(y);
        self.top = at - y;
        self.rows.truncate(self.top + self.height);
        self.y = y;
        self.above = above;
    }

    /// How many rows stand above the cursor's line, those of the history included.
    pub(crate) fn rows_above(&self) -> u64 {
        let first = self.line(self.at()).start;
        (self.above + first as u64).saturating_sub(self.top as u64)
    }
}
