//! The cells of a row of the screen, as tmux keeps them: characters of one or two columns with their combining marks.

use std::borrow::Cow;

/// The most bytes of one character with its combining marks.
const LONGEST_CLUSTER: usize = 64;
/// The most such characters in one row; further marks are left out.
const MOST_CLUSTERS: usize = 8 * 1024;

/// A cell: a character, a blank, one of the places that hold no character of their own, or a cluster by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Cell(u32);

impl Cell {
    const BLANK: Self = Self(b' ' as u32);
    /// The right half of a wide character.
    const TAIL: Self = Self(0);
    const CLUSTER: u32 = 0x8000_0000;

    const fn cluster(self) -> Option<usize> {
        if self.0 & Self::CLUSTER == 0 { None } else { Some((self.0 & !Self::CLUSTER) as usize) }
    }
}

/// A row's cells, up to the last that was ever written. Where all are ASCII, a cell is a byte.
#[derive(Debug, Default)]
pub(super) struct Cells {
    plain: String,
    /// In place of `plain` once there is any other character.
    cells: Option<Vec<Cell>>,
    clusters: Vec<String>,
    /// The memory of cells that are cleared, for the next.
    spare: Vec<Cell>,
}

impl Cells {
    /// How many cells there are.
    pub(super) fn len(&self) -> usize {
        self.cells.as_ref().map_or(self.plain.len(), Vec::len)
    }

    /// Whether nothing was ever written.
    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether nothing but blanks stands there.
    pub(super) fn is_blank(&self) -> bool {
        match &self.cells {
            Some(cells) => cells.iter().all(|cell| matches!(*cell, Cell::BLANK | Cell::TAIL)),
            None => self.plain.bytes().all(|byte| byte == b' '),
        }
    }

    /// Makes the row empty.
    pub(super) fn clear(&mut self) {
        self.plain.clear();
        if let Some(mut cells) = self.cells.take() {
            cells.clear();
            self.spare = cells;
        }
        self.clusters.clear();
    }

    /// How many cells there are up to the last that is not blank.
    pub(super) fn used(&self) -> usize {
        match &self.cells {
            Some(cells) => cells.iter().rposition(|cell| *cell != Cell::BLANK).map_or(0, |at| at + 1),
            None => self.plain.trim_end_matches(' ').len(),
        }
    }

    /// Adds the text to `text`.
    pub(super) fn read(&self, text: &mut String) {
        self.read_to(usize::MAX, text);
    }

    /// Adds the text of the first `columns` cells to `text`.
    pub(super) fn read_to(&self, columns: usize, text: &mut String) {
        let Some(cells) = &self.cells else { return text.push_str(&self.plain[..columns.min(self.plain.len())]) };
        for cell in &cells[..columns.min(cells.len())] {
            if let Some(cluster) = cell.cluster() {
                text.push_str(self.clusters.get(cluster).map_or("", String::as_str));
            } else if *cell != Cell::TAIL {
                text.push(char::from_u32(cell.0).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
        }
    }

    /// The text where it stands in one piece.
    pub(super) fn text(&self) -> Cow<'_, str> {
        if self.cells.is_none() {
            return Cow::Borrowed(&self.plain);
        }
        let mut text = String::with_capacity(self.len() + 16);
        self.read(&mut text);
        Cow::Owned(text)
    }

    /// TerminalParts ASCII.
    pub(super) fn write(&mut self, at: usize, ascii: &str) {
        if let Some(cells) = self.cells.as_mut().filter(|cells| cells.len() <= at) {
            cells.resize(at, Cell::BLANK);
            cells.extend(ascii.bytes().map(|byte| Cell(u32::from(byte))));
            return;
        }
        if self.cells.is_some() {
            ascii.chars().enumerate().for_each(|(n, c)| self.put(at + n, c, 1));
            return;
        }
        self.reach(at);
        if at == self.plain.len() {
            return self.plain.push_str(ascii);
        }
        let end = (at + ascii.len()).min(self.plain.len());
        self.plain.replace_range(at..end, ascii);
    }

    /// Puts a character of one or two columns at a place.
    ///
    /// What is covered in part goes as a whole. tmux has two ways of it, one for ASCII and one for all else.
    pub(super) fn put(&mut self, at: usize, c: char, width: usize) {
        let ascii = c.is_ascii() && !c.is_control();
        if self.cells.is_none() && ascii {
            return self.write(at, c.encode_utf8(&mut [0; 4]));
        }
        self.reach(at);
        if at >= self.len() {
            // Nothing is covered.
            let cells = self.as_cells();
            cells.push(Cell(u32::from(c)));
            cells.resize(at + width, Cell::TAIL);
            return;
        }
        let clusters = std::mem::take(&mut self.clusters);
        let is_wide = |cell: Cell| {
            let first = cell.cluster().and_then(|n| clusters.get(n)?.chars().next()).or(char::from_u32(cell.0));
            first.is_some_and(|c| super::grid::width(c) > 1)
        };
        let cells = self.as_cells();
        let old = cells.get(at).copied().unwrap_or(Cell::BLANK);
        if old == Cell::TAIL {
            let head = cells[..at].iter().rposition(|cell| *cell != Cell::TAIL).unwrap_or(0);
            let kept = usize::from(ascii && (head == 0 || !is_wide(cells[head])));
            cells[(head + kept).min(at)..at].fill(Cell::BLANK);
        }
        let end = at + width;
        if cells.len() < end {
            cells.resize(end, Cell::BLANK);
        }
        cells[at] = Cell(u32::from(c));
        cells[at + 1..end].fill(Cell::TAIL);
        if ascii || width > 1 || old == Cell::TAIL || is_wide(old) {
            cells[end..].iter_mut().take_while(|cell| **cell == Cell::TAIL).for_each(|cell| *cell = Cell::BLANK);
        }
        self.clusters = clusters;
    }

    /// Adds a mark without width, or a character that a joiner joins, to the character before a place.
    pub(super) fn combine(&mut self, at: usize, mark: char) {
        if mark.is_control() {
            return;
        }
        self.reach(at);
        let number = self.clusters.len();
        let cells = self.as_cells();
        let Some(at) = cells[..at].iter().rposition(|cell| *cell != Cell::TAIL) else { return };
        let cell = cells[at];
        if let Some(cluster) = cell.cluster() {
            if let Some(cluster) = self.clusters.get_mut(cluster).filter(|text| text.len() < LONGEST_CLUSTER) {
                cluster.push(mark);
            }
        } else if let (Some(base), Ok(place)) = (char::from_u32(cell.0), u32::try_from(number))
            && number < MOST_CLUSTERS
        {
            cells[at] = Cell(Cell::CLUSTER | place);
            self.clusters.push(format!("{base}{mark}"));
        }
    }

    /// Blanks cells, as far as there are any.
    pub(super) fn blank(&mut self, from: usize, to: usize) {
        let (from, to) = (from.min(self.len()), to.min(self.len()));
        if from >= to {
            return;
        }
        match &mut self.cells {
            Some(cells) => cells[from..to].fill(Cell::BLANK),
            None => self.plain.replace_range(from..to, &" ".repeat(to - from)),
        }
    }

    /// Moves the cells from `from` on to `to` in a row of `columns`; as tmux does, what is moved counts as written.
    pub(super) fn shift(&mut self, from: usize, to: usize, columns: usize) {
        if from >= columns {
            return self.blank(to, columns);
        }
        self.reach(from.max(to));
        let cells = self.as_cells();
        if to > from {
            cells.resize(columns, Cell::BLANK);
            let moved = columns - to;
            cells.copy_within(from..from + moved, to);
            // What lies between where they were and where they are stays.
            cells[from..to.min(from + moved)].fill(Cell::BLANK);
        } else {
            let length = cells.len().max(columns - (from - to));
            cells.drain(to..from);
            cells.resize(length, Cell::BLANK);
        }
    }

    /// Fills up with blanks to this length.
    fn reach(&mut self, length: usize) {
        match &mut self.cells {
            Some(cells) if cells.len() < length => cells.resize(length, Cell::BLANK),
            None if self.plain.len() < length => {
                let missing = length - self.plain.len();
                self.plain.extend(std::iter::repeat_n(' ', missing));
            }
            Some(_) | None => {}
        }
    }

    fn as_cells(&mut self) -> &mut Vec<Cell> {
        let (plain, spare) = (&mut self.plain, &mut self.spare);
        self.cells.get_or_insert_with(|| {
            let mut cells = std::mem::take(spare);
            cells.extend(plain.bytes().map(|byte| Cell(u32::from(byte))));
            plain.clear();
            cells
        })
    }
}
