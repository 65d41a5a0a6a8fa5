//! The pane's main screen as tmux keeps it (its `grid.c` and `screen-write.c`): rows of cells, which of them go on in the
//! next one, the cursor, the region that scrolls, and some rows of the history above.
//!
//! What a line is follows from it: rows that are joined. That tmux shows and what is told are so the same, whatever moves
//! the cursor. Beside its cells a row has what was told of the line that begins with it; the [`super::stream`] decides.
//!
//! **Invariants:** at most [`KEPT_ROWS`] rows of history are kept, and those of the line under the cursor; the screen is
//! never higher or wider than it was said to be.

mod cursor;
mod erase;
mod said;
mod scroll;
mod size;

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
    /// Rows that were dropped before the first that is kept.
    dropped: u64,
    /// How many rows of history tmux has.
    above: u64,
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
            dropped: 0,
            above: 0,
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

    /// The number of a row, counted over the stream.
    pub(super) const fn number(&self, at: usize) -> u64 {
        self.dropped + at as u64
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

    /// Adds a line of at most the screen's width that was told, on a fresh row; with which columns were written dim or not,
    /// where any were.
    pub(super) fn add_line(&mut self, text: &str, marks: &[(Range<usize>, bool)]) {
        let at = self.at();
        let row = self.row(at);
        let (mut rest, mut column) = (text, 0);
        while let Some(first) = rest.chars().next() {
            let ascii = if rest.is_ascii() {
                rest.len()
            } else {
                rest.bytes().position(|byte| !byte.is_ascii()).unwrap_or(rest.len())
            };
            if ascii > 0 {
                row.cells.write(column, &rest[..ascii]);
                column += ascii;
                rest = &rest[ascii..];
                continue;
            }
            let width = width(first);
            if width == 0 {
                row.cells.combine(column, first);
            } else {
                row.cells.put(column, first, width);
            }
            column += width;
            rest = &rest[first.len_utf8()..];
        }
        marks.iter().for_each(|(columns, dim)| row.mark(columns.clone(), *dim));
        (row.changed, row.unterminated, row.answered) = (false, false, false);
        row.told = Told::AsItStands;
        self.down();
    }

    /// The row will change: what was told of its line is kept as a text.
    pub(super) fn touch(&mut self, at: usize) {
        let row = self.row(at);
        if row.changed && !row.hidden && !self.blind {
            // Its line was touched since it was last looked at.
            return;
        }
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

    /// TerminalParts ASCII at the cursor.
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

    /// TerminalParts one character at the cursor.
    pub(super) fn put(&mut self, c: char) {
        let width = width(c);
        if width == 0 {
            return self.combine(c);
        }
        if !self.wraps
            && width > 1
            && (width > self.columns || (self.x != self.columns && self.x + width > self.columns))
        {
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

    /// Whether the row above goes on in the cursor's.
    pub(super) fn continues(&self) -> bool {
        self.y > 0 && self.wrapped(self.at() - 1)
    }

    /// Whether nothing but blanks stands on the rows of a line behind a row.
    pub(super) fn is_blank_behind(&self, at: usize) -> bool {
        (at + 1..self.line(at).end).all(|at| self.rows.get(at).is_none_or(|row| row.cells.is_blank()))
    }
}

/// How many columns a character takes.
pub(super) fn width(c: char) -> usize {
    unicode_width::UnicodeWidthChar::width(c).unwrap_or(0)
}
