//! Shown is not said: what a program only suggests on an input line, dim and right of where one types.

use super::Grid;
use std::borrow::Cow;
use std::ops::Range;

impl Grid {
    /// A line's text without what only suggests: what was written dim at its end, where the cursor stands before it, or
    /// where it stands behind a prompt and the cursor elsewhere.
    pub(crate) fn said(&self, line: Range<usize>) -> Cow<'_, str> {
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
    pub(crate) fn visible(&self, at: usize) -> String {
        if self.rows.get(at).is_some_and(|row| row.hidden) { String::new() } else { self.text(at..at + 1).into_owned() }
    }
}

/// Whether a row begins with the mark of an input line, framed or not.
fn begins_input(text: &str) -> bool {
    text.trim_start_matches([' ', '│', '┃', '\u{a0}']).starts_with(['❯', '›', '>', '»', '⟩', '$', '%', '➜', 'λ'])
}
