//! The screen's size: lines are wrapped anew as in tmux, and a higher screen gets rows of the history back.

use super::{Grid, KEPT_ROWS, Row, Told, WIDE, width};

impl Grid {
    /// Sets the size; 0 where it is not known. Lines are wrapped anew.
    pub(crate) fn resize(&mut self, columns: usize, height: usize) {
        let columns = if columns == 0 { WIDE } else { columns };
        let height = if height == 0 { KEPT_ROWS } else { height };
        self.resize_height(height);
        if columns != self.columns {
            self.reflow(columns);
        }
        self.region = (0, self.height - 1);
    }

    fn resize_height(&mut self, height: usize) {
        if height < self.height {
            let needed = self.height - height;
            let cut = needed.min(self.height - 1 - self.y);
            self.rows.truncate(self.top + self.height - cut);
            let up = needed - cut;
            self.row(self.top + self.y);
            self.top += up;
            self.scrolled += up;
            self.above += up as u64;
            self.y -= up;
        } else if height > self.height {
            let back = (height - self.height).min(self.scrolled).min(self.top);
            self.top -= back;
            self.scrolled -= back;
            self.above = self.above.saturating_sub(back as u64);
            self.y += back;
        }
        self.height = height;
    }

    fn reflow(&mut self, columns: usize) {
        let at = self.at();
        self.row(at);
        let line = self.line(at);
        let before: usize = (line.start..at).map(|row| self.rows[row].cells.len()).sum();
        let offset = before + self.x;
        let (lines, cursor) = self.take_lines(line.start);
        self.columns = columns;
        let from_bottom = self.y;
        let (mut x, mut y) = (0, 0);
        for (number, (text, told, changed, unterminated)) in lines.into_iter().enumerate() {
            let first = self.rows.len();
            self.rows.push_back(Row { told, unterminated, ..Row::default() });
            let mut column = 0;
            for c in text.chars() {
                let width = width(c);
                if width == 0 {
                    if let Some(row) = self.rows.back_mut() {
                        row.cells.combine(column, c);
                    }
                    continue;
                }
                if column + width > columns
                    && let Some(row) = self.rows.back_mut()
                {
                    row.wrapped = true;
                    self.rows.push_back(Row::default());
                    column = 0;
                }
                if let Some(row) = self.rows.back_mut() {
                    row.cells.put(column, c, width);
                }
                column += width;
            }
            self.rows[first].changed = changed;
            if number == cursor {
                y = (first + offset / columns).min(self.rows.len() - 1);
                x = offset - (y - first) * columns;
            }
        }
        self.x = x.min(columns);
        self.top =
            y.saturating_sub(from_bottom.min(self.height - 1)).max((self.rows.len()).saturating_sub(self.height));
        self.top = self.top.min(y);
        self.y = (y - self.top).min(self.height - 1);
        self.top = y - self.y;
    }

    /// All lines with what was told of them, and the number of the one that begins with a row.
    fn take_lines(&mut self, cursor: usize) -> (Vec<(String, Told, bool, bool)>, usize) {
        let mut lines = Vec::new();
        let (mut at, mut number) = (0, 0);
        while at < self.rows.len() {
            let line = self.line(at);
            if line.contains(&cursor) {
                number = lines.len();
            }
            let mut text = String::new();
            line.clone().for_each(|row| self.rows[row].cells.read(&mut text));
            let changed = self.is_changed(line.clone());
            at = line.end;
            let row = &mut self.rows[line.start];
            lines.push((text, std::mem::take(&mut row.told), changed, row.unterminated));
        }
        self.rows.clear();
        (lines, number)
    }
}
