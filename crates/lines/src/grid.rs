//! The pane's main screen as tmux keeps it (its `grid.c` and `screen-write.c`): rows of cells, which of them go on in the
//! next one, the cursor, the region that scrolls, and some rows of the history above.
//!
//! What a line is follows from it: rows that are joined. That tmux shows and what is told are so the same, whatever moves
//! the cursor. Beside its cells a row has what was told of the line that begins with it; the [`super::stream`] decides.
//!
//! **Invariants:** at most [`KEPT_ROWS`] rows of history are kept, and those of the line under the cursor; the screen is
//! never higher or wider than it was said to be.

use super::cells::Cells;
use std::borrow::Cow;
use std::collections::VecDeque;
use std::ops::Range;

/// Rows of the history that are kept, and the height of a screen whose height is not known.
const KEPT_ROWS: usize = 200;
/// The width of a screen whose width is not known.
const WIDE: usize = 4096;

/// What was told of a line.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) enum Told {
    /// Nothing.
    #[default]
    Nothing,
    /// The text as it stands.
    AsItStands,
    /// Another text.
    Other(Box<str>),
}

/// A row of the screen.
#[derive(Debug, Default)]
pub(super) struct Row {
    cells: Cells,
    /// The line goes on in the next row.
    wrapped: bool,
    /// What was told of the line that begins here.
    pub(super) told: Told,
    /// It was told while it was unterminated: its final form counts even if it is alike.
    pub(super) unterminated: bool,
    /// It has grown since: a prompt behind which somebody types.
    pub(super) answered: bool,
    /// Something was written since the line was last looked at.
    pub(super) changed: bool,
    /// It was written in passing, and is not to be told.
    hidden: bool,
    /// The columns of the last text in the row that was written dim.
    dim: Range<usize>,
}

impl Row {
    fn empty(&mut self) {
        self.cells.clear();
        self.wrapped = false;
        self.told = Told::Nothing;
        self.unterminated = false;
        self.answered = false;
        self.changed = false;
        self.hidden = false;
        self.dim = 0..0;
    }

    /// Columns were written.
    fn mark(&mut self, columns: Range<usize>, dim: bool) {
        if dim && self.dim.end == columns.start && !self.dim.is_empty() {
            self.dim.end = columns.end;
        } else if dim {
            self.dim = columns;
        } else if columns.end > self.dim.start {
            // A suggestion of which a letter was typed begins behind it.
            self.dim.start = columns.end.max(self.dim.start);
            if self.dim.is_empty() {
                self.dim = 0..0;
            }
        }
    }
}

/// See the module.
#[derive(Debug)]
pub(super) struct Grid {
    /// History, then the screen as far as it was used.
    rows: VecDeque<Row>,
    /// Which row is the screen's first.
    top: usize,
    /// Rows of the history that a higher screen gets back.
    scrolled: usize,
    columns: usize,
    height: usize,
    /// The cursor; its column is the width where the next character wraps.
    x: usize,
    y: usize,
    saved: (usize, usize, bool),
    saved_alternate: Option<(usize, usize)>,
    /// The first and last row that scroll.
    region: (usize, usize),
    pub(super) wraps: bool,
    pub(super) inserts: bool,
    /// What is written now is dim.
    pub(super) dims: bool,
    origin: bool,
    /// What is written now is not to be told.
    pub(super) blind: bool,
    /// Rows around the cursor's line changed.
    pub(super) untold: bool,
    /// Texts that were told of lines that are gone, until somebody takes them.
    pub(super) gone: Vec<String>,
    /// How often a line went on in a further row.
    pub(super) wrappings: u64,
    spare: Option<Row>,
}

impl Default for Grid {
    fn default() -> Self {
        Self {
            rows: VecDeque::new(),
            top: 0,
            scrolled: 0,
            columns: WIDE,
            height: KEPT_ROWS,
            x: 0,
            y: 0,
            saved: (0, 0, false),
            saved_alternate: None,
            region: (0, KEPT_ROWS - 1),
            wraps: true,
            inserts: false,
            dims: false,
            origin: false,
            blind: false,
            untold: false,
            gone: Vec::new(),
            wrappings: 0,
            spare: None,
        }
    }
}

impl Grid {
    pub(super) const fn columns(&self) -> usize {
        self.columns
    }

    /// The cursor's column.
    pub(super) const fn x(&self) -> usize {
        self.x
    }

    /// The place of the row under the cursor among all rows.
    pub(super) const fn at(&self) -> usize {
        self.top + self.y
    }

    pub(super) const fn top(&self) -> usize {
        self.top
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(super) fn row(&mut self, at: usize) -> &mut Row {
        while self.rows.len() <= at {
            self.rows.push_back(self.spare.take().unwrap_or_default());
        }
        &mut self.rows[at]
    }

    fn wrapped(&self, at: usize) -> bool {
        self.rows.get(at).is_some_and(|row| row.wrapped)
    }

    /// The rows of the line that a row belongs to.
    pub(super) fn line(&self, at: usize) -> Range<usize> {
        let mut first = at;
        while first > 0 && self.wrapped(first - 1) {
            first -= 1;
        }
        let mut end = at + 1;
        while self.wrapped(end - 1) && end < self.rows.len() {
            end += 1;
        }
        first..end
    }

    /// A line's text, without the blanks at its end.
    pub(super) fn text(&self, line: Range<usize>) -> Cow<'_, str> {
        let mut rows = line.filter_map(|at| self.rows.get(at));
        let Some(first) = rows.next() else { return Cow::Borrowed("") };
        let mut text = first.cells.text();
        for row in rows {
            row.cells.read(text.to_mut());
        }
        match text {
            Cow::Borrowed(text) => Cow::Borrowed(text.trim_end_matches(' ')),
            Cow::Owned(mut text) => {
                text.truncate(text.trim_end_matches(' ').len());
                Cow::Owned(text)
            }
        }
    }

    /// Whether a line stood there unterminated and has grown since: a prompt behind which somebody typed.
    pub(super) fn was_answered(&self, line: Range<usize>) -> bool {
        let Some(row) = self.rows.get(line.start) else { return false };
        let grown = |told: &str| {
            let text = self.text(line.clone());
            text.len() > told.len() && text.starts_with(told)
        };
        row.answered || (row.unterminated && matches!(&row.told, Told::Other(told) if grown(told)))
    }

    /// Whether nothing stands on the screen.
    pub(super) fn is_clear(&self) -> bool {
        self.rows.range(self.top.min(self.rows.len())..).all(|row| row.cells.is_empty())
    }

    /// Whether something of a line was written since it was last looked at.
    pub(super) fn is_changed(&self, line: Range<usize>) -> bool {
        self.rows.range(line.start.min(self.rows.len())..line.end.min(self.rows.len())).any(|row| row.changed)
    }

    /// A line was looked at; this is what was told of it.
    pub(super) fn settle(&mut self, line: Range<usize>, told: Told) {
        let first = line.start;
        for at in line {
            let row = self.row(at);
            row.changed = false;
            row.unterminated = false;
            row.answered = false;
            row.told = Told::Nothing;
        }
        self.row(first).told = told;
    }

    /// All that stands there is known.
    pub(super) fn settle_all(&mut self) {
        let mut at = 0;
        while at < self.rows.len() {
            let line = self.line(at);
            at = line.end;
            if self.is_changed(line.clone()) || self.rows[line.start].told != Told::AsItStands {
                let told = if self.text(line.clone()).is_empty() { Told::Nothing } else { Told::AsItStands };
                self.settle(line, told);
            }
        }
        self.untold = false;
        self.gone.clear();
    }

    /// What was told of a line, as a text.
    pub(super) fn told(&self, line: Range<usize>) -> Option<String> {
        match &self.rows.get(line.start)?.told {
            Told::Nothing => None,
            Told::AsItStands => Some(self.text(line).into_owned()),
            Told::Other(text) => Some(text.to_string()),
        }
    }

    /// Nothing was written on the cursor's row, the cursor stands at its start, and nothing is below.
    pub(super) fn is_fresh(&self) -> bool {
        let at = self.at();
        self.x == 0
            && self.rows.len() <= at + 1
            && self.rows.get(at).is_none_or(|row| row.cells.is_empty() && row.told == Told::Nothing)
            && (at == 0 || !self.wrapped(at - 1))
            && self.region == (0, self.height - 1)
            && !self.inserts
            && !self.blind
    }

    /// Adds a line of at most the screen's width that was told, on a fresh row.
    pub(super) fn add_line(&mut self, text: &str) {
        let at = self.at();
        let row = self.row(at);
        if text.is_ascii() {
            row.cells.write(0, text);
        } else {
            let mut column = 0;
            for c in text.chars() {
                let width = width(c);
                if width == 0 { row.cells.combine(column, c) } else { row.cells.put(column, c, width) }
                column += width;
            }
        }
        row.told = Told::AsItStands;
        self.down();
    }

    /// The row will change: what was told of its line is kept as a text.
    pub(super) fn touch(&mut self, at: usize) {
        self.row(at);
        let line = self.line(at);
        if self.blind {
            if !self.is_changed(line.clone()) {
                self.rows[line.start].told = Told::AsItStands;
                self.rows[at].hidden = true;
            }
            return;
        }
        self.rows[at].hidden = false;
        if self.rows[line.start].told == Told::AsItStands {
            let text = self.text(line.clone());
            self.rows[line.start].told = Told::Other(text.into());
        }
        self.rows[at].changed = true;
    }

    /// The row ends its line.
    fn unwrap(&mut self, at: usize) {
        if self.wrapped(at) {
            self.touch(at);
            self.touch(at + 1);
            self.rows[at].wrapped = false;
            self.untold |= !self.blind;
        }
    }

    /// Ends the line with a row, though the next one would go on.
    pub(super) fn split(&mut self, at: usize) {
        self.unwrap(at);
    }

    /// Writes ASCII at the cursor.
    pub(super) fn write(&mut self, mut ascii: &str) {
        if self.inserts || !self.wraps {
            return ascii.chars().for_each(|c| self.put(c));
        }
        while !ascii.is_empty() {
            if self.x >= self.columns {
                self.wrap();
            }
            let (now, later) = ascii.split_at(ascii.len().min(self.columns - self.x));
            let at = self.at();
            self.touch(at);
            let x = self.x;
            self.rows[at].cells.write(x, now);
            self.x += now.len();
            let dims = self.dims;
            self.rows[at].mark(x..x + now.len(), dims);
            ascii = later;
        }
    }

    /// Writes one character at the cursor.
    pub(super) fn put(&mut self, c: char) {
        let width = width(c);
        if width == 0 {
            return self.combine(c);
        }
        if !self.wraps && width > 1 && (width > self.columns || (self.x != self.columns && self.x + width > self.columns)) {
            return;
        }
        let at = self.at();
        if self.inserts && self.x < self.columns {
            self.touch(at);
            let (x, columns) = (self.x, self.columns);
            self.rows[at].cells.shift(x, (x + width).min(columns), columns);
        }
        if self.wraps && self.x + width > self.columns {
            self.wrap();
        }
        if self.x + width > self.columns {
            return;
        }
        let at = self.at();
        self.touch(at);
        let x = self.x;
        self.rows[at].cells.put(x, c, width);
        let dims = self.dims;
        self.rows[at].mark(x..x + width, dims);
        self.x = (x + width).min(self.columns - usize::from(!self.wraps));
    }

    /// Adds a mark without width to the character before the cursor, on its row.
    pub(super) fn combine(&mut self, mark: char) {
        if self.x > 0 {
            let at = self.at();
            self.touch(at);
            let x = self.x;
            self.rows[at].cells.combine(x, mark);
        }
    }

    fn wrap(&mut self) {
        self.wrappings += 1;
        let at = self.at();
        self.row(at);
        if !self.rows[at].wrapped {
            // Two lines become one; what was told of the lower one is told of nothing any more.
            self.touch(at);
            if self.rows.len() > at + 1 && self.y < self.region.1 {
                let below = self.line(at + 1);
                if let Some(told) = self.told(below.clone()) {
                    self.rows[below.start].told = Told::Nothing;
                    self.gone.push(told);
                }
            }
            self.rows[at].wrapped = true;
        }
        self.down();
        self.x = 0;
    }

    /// One row down, at the end of the region by scrolling it.
    pub(super) fn down(&mut self) {
        if self.y == self.region.1 {
            self.scroll_up();
        } else if self.y + 1 < self.height {
            self.y += 1;
        }
    }

    /// One row up, at the start of the region by scrolling it.
    pub(super) fn up_scrolling(&mut self) {
        if self.y == self.region.0 {
            self.scroll_down();
        } else {
            self.y = self.y.saturating_sub(1);
        }
    }

    /// Puts all rows of the screen there.
    fn fill(&mut self) {
        let last = self.top + self.height - 1;
        self.row(last);
    }

    /// Scrolls the region up by a row, which goes to the history.
    pub(super) fn scroll_up(&mut self) {
        if self.region == (0, self.height - 1) {
            let end = self.top + self.height;
            self.row(end);
        } else {
            self.fill();
            let (upper, lower) = (self.top + self.region.0, self.top + self.region.1);
            let Some(row) = self.rows.remove(upper) else { return };
            self.rows.insert(lower, Row::default());
            self.rows.insert(self.top, row);
            self.untold |= self.region.0 > 0 && !self.blind;
        }
        self.top += 1;
        self.scrolled += 1;
        self.forget();
    }

    /// Drops history that nobody needs: neither the last rows nor those of the cursor's line.
    fn forget(&mut self) {
        if self.top <= KEPT_ROWS {
            return;
        }
        let mut first = self.line(self.at()).start;
        while self.top > KEPT_ROWS && first > 0 {
            let Some(mut row) = self.rows.pop_front() else { break };
            row.empty();
            self.spare = Some(row);
            self.top -= 1;
            first -= 1;
        }
    }

    /// Scrolls the region down by a row.
    pub(super) fn scroll_down(&mut self) {
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
        self.untold |= !self.blind;
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
            self.untold |= !self.blind;
        }
    }

    /// tmux's `grid_clear_lines`.
    fn clear_rows(&mut self, from: usize, count: usize) {
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
    pub(super) fn insert_rows(&mut self, n: usize) {
        self.fill();
        let (at, lower) = self.below();
        let n = n.min(lower + 1 - at);
        let stay = lower + 1 - at - n;
        self.move_rows(at + n, at, stay);
        self.close_moved(at, stay, n);
    }

    /// Deletes rows at the cursor.
    pub(super) fn delete_rows(&mut self, n: usize) {
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
        self.untold |= !self.blind;
    }

    /// The cursor's row, and the last that moves with it.
    const fn below(&self) -> (usize, usize) {
        let within = self.y >= self.region.0 && self.y <= self.region.1;
        (self.at(), if within { self.top + self.region.1 } else { self.top + self.height - 1 })
    }

    /// Blanks part of the cursor's row; a whole row begins a line of its own.
    pub(super) fn erase_row(&mut self, from: usize, to: usize) {
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
    pub(super) fn erase_below(&mut self) {
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
    pub(super) fn erase_above(&mut self) {
        let (x, columns) = (self.x, self.columns);
        self.clear_rows(self.top, self.y);
        self.erase_row(0, (x + 1).min(columns));
    }

    /// Erases the screen: what stood on it goes to the history.
    pub(super) fn clear_screen(&mut self) {
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
        self.untold |= !self.blind;
        self.top = last + 1;
        self.row(last + self.y + 1);
        self.scrolled = 0;
        self.forget();
    }

    /// Makes the cursor's line empty, with the cursor at its start.
    pub(super) fn clear_line(&mut self) {
        let at = self.at();
        self.row(at);
        let line = self.line(at);
        line.clone().for_each(|at| self.rows[at].empty());
        self.y = line.start.max(self.top) - self.top;
        self.x = 0;
    }

    /// Forgets the history.
    pub(super) fn clear_history(&mut self) {
        self.rows.drain(..self.top.min(self.rows.len()));
        self.top = 0;
        self.scrolled = 0;
    }

    /// Deletes characters at the cursor; what follows moves left.
    pub(super) fn delete_cells(&mut self, n: usize) {
        self.shift(|x, n| (x + n, x), n);
    }

    /// Inserts blanks at the cursor; what follows moves right.
    pub(super) fn insert_cells(&mut self, n: usize) {
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

    /// A line's text without what only suggests: what was written dim at its end, where the cursor stands before it, or
    /// where it stands behind a prompt and the cursor elsewhere.
    pub(super) fn said(&self, line: Range<usize>) -> Cow<'_, str> {
        let text = self.text(line.clone());
        let Some((at, column)) = self.suggestion(line.clone()) else { return text };
        let mut said = String::new();
        (line.start..at).filter_map(|at| self.rows.get(at)).for_each(|row| row.cells.read(&mut said));
        if let Some(row) = self.rows.get(at) {
            row.cells.read_to(column, &mut said);
        }
        let cursor = self.at();
        let before = if line.contains(&cursor) { (cursor, self.x) <= (at, column) } else { begins_input(&said) };
        if !before {
            return text;
        }
        said.truncate(said.trim_end_matches(' ').len());
        Cow::Owned(said)
    }

    /// Where the dim end of a line begins.
    fn suggestion(&self, line: Range<usize>) -> Option<(usize, usize)> {
        let mut found = None;
        for at in line.rev() {
            let row = self.rows.get(at)?;
            let used = row.cells.used();
            if used == 0 && found.is_none() {
                continue;
            }
            if row.dim.is_empty() || row.dim.end < used {
                break;
            }
            found = Some((at, row.dim.start));
            if row.dim.start > 0 {
                break;
            }
        }
        found
    }

    /// A row's text; blank where it was written in passing.
    pub(super) fn visible(&self, at: usize) -> String {
        if self.rows.get(at).is_some_and(|row| row.hidden) { String::new() } else { self.text(at..at + 1).into_owned() }
    }

    /// The region that scrolls.
    pub(super) fn set_region(&mut self, upper: usize, lower: usize) -> bool {
        let (upper, lower) = (upper.min(self.height - 1), lower.min(self.height - 1));
        if upper < lower {
            self.region = (upper, lower);
        }
        upper < lower
    }

    /// A terminal as it begins, but for what stands on it.
    pub(super) const fn reset(&mut self) {
        self.region = (0, self.height - 1);
        self.wraps = true;
        self.inserts = false;
        self.origin = false;
        self.saved = (0, 0, false);
    }

    /// Rows are counted from the region's first.
    pub(super) const fn set_origin(&mut self, on: bool) {
        self.origin = on;
    }

    pub(super) const fn save(&mut self) {
        self.saved = (self.x, self.y, self.origin);
    }

    /// Where the cursor was when it was saved.
    pub(super) const fn saved(&mut self) -> (usize, usize) {
        self.origin = self.saved.2;
        (self.saved.0, self.saved.1)
    }

    /// The cursor's place is kept while the other screen is shown.
    pub(super) const fn save_for_alternate(&mut self) {
        self.saved_alternate = Some((self.x, self.y));
    }

    /// The other screen is empty at first: no line of the history goes on in it.
    pub(super) fn end_history(&mut self) {
        if self.top > 0 {
            self.unwrap(self.top - 1);
        }
    }

    pub(super) const fn saved_for_alternate(&self) -> Option<(usize, usize)> {
        self.saved_alternate
    }

    /// Puts the cursor onto a column.
    pub(super) fn set_x(&mut self, x: usize) {
        self.x = x.min(self.columns);
    }

    /// Puts the cursor onto a row of the screen.
    pub(super) fn set_y(&mut self, y: usize) {
        self.y = y.min(self.height - 1);
    }

    /// The row that is meant by a number of the program's.
    pub(super) const fn addressed(&self, y: usize) -> usize {
        if !self.origin {
            y
        } else if y > self.region.1 - self.region.0 {
            self.region.1
        } else {
            y + self.region.0
        }
    }

    /// Where so many rows up or down end.
    pub(super) fn rows_up(&self, n: usize) -> usize {
        let edge = if self.y < self.region.0 { 0 } else { self.region.0 };
        self.y.saturating_sub(n).max(edge)
    }

    pub(super) fn rows_down(&self, n: usize) -> usize {
        let edge = if self.y > self.region.1 { self.height - 1 } else { self.region.1 };
        (self.y + n).min(edge)
    }

    /// Whether the row above goes on in the cursor's.
    pub(super) fn continues(&self) -> bool {
        self.y > 0 && self.wrapped(self.at() - 1)
    }

    /// Whether nothing but blanks stands on the rows of a line behind a row.
    pub(super) fn is_blank_behind(&self, at: usize) -> bool {
        (at + 1..self.line(at).end).all(|at| self.rows.get(at).is_none_or(|row| row.cells.is_blank()))
    }

    /// Sets the size; 0 where it is not known. Lines are wrapped anew.
    pub(super) fn resize(&mut self, columns: usize, height: usize) {
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
            self.y -= up;
        } else if height > self.height {
            let back = (height - self.height).min(self.scrolled).min(self.top);
            self.top -= back;
            self.scrolled -= back;
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
        self.top = y.saturating_sub(from_bottom.min(self.height - 1)).max((self.rows.len()).saturating_sub(self.height));
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

/// Whether a row begins with the mark of an input line, framed or not.
fn begins_input(text: &str) -> bool {
    text.trim_start_matches([' ', '│', '┃', '\u{a0}']).starts_with(['❯', '›', '>', '»', '⟩', '$', '%', '➜', 'λ'])
}

/// How many columns a character takes.
pub(super) fn width(c: char) -> usize {
    unicode_width::UnicodeWidthChar::width(c).unwrap_or(0)
}
