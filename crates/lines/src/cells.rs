//! The cells of an edited row, with characters of one or two columns and combined ones.

/// The most bytes of one character with its combining marks.
const LONGEST_CLUSTER: usize = 64;
/// The most such characters in one row; further marks are left out.
const MOST_CLUSTERS: usize = 8 * 1024;
const JOINER: char = '\u{200d}';

/// A cell: a character, a blank, one of the places that hold no character of their own, or a cluster by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Cell(u32);

impl Cell {
    const BLANK: Self = Self(b' ' as u32);
    /// The right half of a wide character.
    const TAIL: Self = Self(0);
    /// The last column of a screen row that had no room for a wide character.
    const PAD: Self = Self(1);
    const CLUSTER: u32 = 0x8000_0000;

    const fn cluster(self) -> Option<usize> {
        if self.0 & Self::CLUSTER == 0 { None } else { Some((self.0 & !Self::CLUSTER) as usize) }
    }
}

/// A row of cells.
#[derive(Debug, Default)]
pub(super) struct Cells {
    cells: Vec<Cell>,
    clusters: Vec<String>,
}

impl Cells {
    /// How many cells there are.
    pub(super) const fn len(&self) -> usize {
        self.cells.len()
    }

    /// Whether nothing but blanks stands from a place on.
    pub(super) fn is_blank_from(&self, at: usize) -> bool {
        self.cells.iter().skip(at).all(|cell| *cell == Cell::BLANK)
    }

    /// Fills up with blanks to this length.
    pub(super) fn reach(&mut self, length: usize) {
        if self.cells.len() < length {
            self.cells.resize(length, Cell::BLANK);
        }
    }

    /// Adds the text to `text`.
    pub(super) fn read(&self, text: &mut String) {
        for cell in &self.cells {
            if let Some(cluster) = cell.cluster() {
                text.push_str(self.clusters.get(cluster).map_or("", String::as_str));
            } else if *cell != Cell::TAIL && *cell != Cell::PAD {
                text.push(char::from_u32(cell.0).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
        }
    }

    /// Puts a character of one or two columns at a place within the row or at its end.
    pub(super) fn put(&mut self, at: usize, c: char, width: usize) {
        self.unpair(at);
        self.unpair(at + width);
        self.set(at, Cell(u32::from(c)));
        if width == 2 {
            self.set(at + 1, Cell::TAIL);
        }
    }

    /// Leaves a column out, for which a wide character was too wide.
    pub(super) fn pad(&mut self, at: usize) {
        self.set(at, Cell::PAD);
    }

    /// The character before a place, unless it is a combined one.
    pub(super) fn character_before(&self, at: usize) -> Option<char> {
        let (_, cell) = self.before(at)?;
        char::from_u32(cell.0).filter(|c| !c.is_control())
    }

    /// Whether the character before a place ends with a joiner, so that the next one belongs to it.
    pub(super) fn joins_before(&self, at: usize) -> bool {
        let cluster = self.before(at).and_then(|(_, cell)| cell.cluster());
        cluster.is_some_and(|n| self.clusters.get(n).is_some_and(|text| text.ends_with(JOINER)))
    }

    /// Adds a mark without width to the character before a place.
    pub(super) fn combine_before(&mut self, at: usize, mark: char) {
        let Some((at, cell)) = self.before(at) else { return };
        if cell == Cell::PAD || mark.is_control() {
            return;
        }
        if let Some(cluster) = cell.cluster().and_then(|n| self.clusters.get_mut(n)) {
            if cluster.len() < LONGEST_CLUSTER {
                cluster.push(mark);
            }
        } else if let (Some(base), Ok(number)) = (char::from_u32(cell.0), u32::try_from(self.clusters.len()))
            && self.clusters.len() < MOST_CLUSTERS
        {
            self.clusters.push(format!("{base}{mark}"));
            self.set(at, Cell(Cell::CLUSTER | number));
        }
    }

    /// Blanks cells; what would be the blank end of the row is cut off.
    pub(super) fn blank(&mut self, from: usize, to: usize) {
        self.unpair(from);
        self.unpair(to);
        if to >= self.cells.len() {
            self.cells.truncate(from);
        } else if from < to {
            self.cells[from..to].fill(Cell::BLANK);
        }
        if self.cells.iter().all(|cell| *cell == Cell::BLANK) {
            self.clusters.clear();
        }
    }

    /// Deletes cells; what follows moves left.
    pub(super) fn delete(&mut self, from: usize, to: usize) {
        self.unpair(from);
        self.unpair(to);
        let length = self.cells.len();
        self.cells.drain(from.min(length)..to.min(length));
    }

    /// Inserts blanks; what follows moves right.
    pub(super) fn insert(&mut self, at: usize, n: usize) {
        self.unpair(at);
        if at < self.cells.len() {
            self.cells.splice(at..at, std::iter::repeat_n(Cell::BLANK, n));
        }
    }

    fn set(&mut self, at: usize, cell: Cell) {
        match self.cells.get_mut(at) {
            Some(slot) => *slot = cell,
            None => self.cells.push(cell),
        }
    }

    /// Blanks the other half of a wide character that `at` would cut in two.
    fn unpair(&mut self, at: usize) {
        if at > 0 && self.cells.get(at) == Some(&Cell::TAIL) {
            self.cells[at - 1] = Cell::BLANK;
            self.cells[at] = Cell::BLANK;
        }
    }

    /// The place and cell of the character before a place.
    fn before(&self, at: usize) -> Option<(usize, Cell)> {
        let before = self.cells.get(..at)?;
        let at = before.iter().rposition(|cell| *cell != Cell::TAIL)?;
        Some((at, before[at]))
    }
}
