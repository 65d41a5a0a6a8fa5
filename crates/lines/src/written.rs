//! Whole lines that are only written, on a fresh row: nearly all that builds, tests and floods consist of. What parser,
//! terminal and grid do for them step by step is done here at once.
//!
//! **Invariants:** it comes to the same: a line in which stands anything but text, colours, tabs and the erasing of what is
//! empty anyway is left to them.

use super::control::{before_control, has_control};
use super::dim::Colours;
use super::grid::width;
use super::parser::Csi;
use super::stream::{JOINER, Out, Stream};
use memchr::memchr;
use std::ops::Range;

/// Lines of more bytes than this are not looked for.
const LONGEST: usize = 4096;

/// A line without its sequences.
#[derive(Debug, Default)]
pub(super) struct Written {
    text: String,
    /// The columns that were written, with whether they are dim; empty where none are.
    marks: Vec<(Range<usize>, bool)>,
    /// The column behind the last character.
    end: usize,
    csi: Csi,
}

impl Stream {
    /// Takes whole lines at the start of `data`; returns how many bytes it took.
    pub(super) fn lines(&mut self, data: &[u8], colours: &mut Colours, out: Out<'_>) -> usize {
        if !self.is_fresh() {
            return 0;
        }
        let mut taken = 0;
        loop {
            let rest = &data[taken..];
            let Some(length) = memchr(b'\n', &rest[..rest.len().min(LONGEST)]) else { break };
            let Some(line) = rest[..length].strip_suffix(b"\r") else { break };
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            let Ok(line) = std::str::from_utf8(line) else { break };
            if has_control(line.as_bytes()) {
                let mut written = std::mem::take(&mut self.written);
                let read = written.read(line, *colours, self.grid.columns());
                if let Some(later) = read {
                    *colours = later;
                    out(written.text.trim_end_matches(' '), 0);
                    self.grid.add_line(&written.text, &written.marks);
                }
                self.written = written;
                if read.is_none() {
                    break;
                }
            } else {
                let Some(width) = self.fits(line) else { break };
                out(line.trim_end_matches(' '), 0);
                let mark = (0..width, true);
                self.grid.add_line(line, if colours.are_dim() { std::slice::from_ref(&mark) } else { &[] });
            }
            taken += length + 1;
        }
        if taken > 0 {
            self.last = None;
        }
        taken
    }

    /// How many columns a text takes where all of it stands on one row; a mark without width needs a character before it.
    fn fits(&self, text: &str) -> Option<usize> {
        let columns = self.grid.columns();
        if text.is_ascii() {
            return (text.len() <= columns).then_some(text.len());
        }
        let odd = |c: char| c == JOINER || c.is_control();
        let all = text.chars().try_fold(0, |sum, c| (!odd(c)).then(|| sum + width(c)))?;
        (all <= columns && text.chars().next().is_some_and(|c| width(c) > 0)).then_some(all)
    }
}

impl Written {
    /// Reads a line; returns the colours behind it. `None`: it is more than text and colours, or too wide.
    fn read(&mut self, line: &str, mut colours: Colours, columns: usize) -> Option<Colours> {
        self.text.clear();
        self.marks.clear();
        self.end = 0;
        let (mut rest, mut column, mut dim) = (line, 0, colours.are_dim());
        while !rest.is_empty() {
            let plain = before_control(rest.as_bytes());
            if plain > 0 {
                column = self.write(&rest[..plain], column, dim, columns)?;
            }
            let Some(control) = rest.as_bytes().get(plain) else { break };
            rest = &rest[plain..];
            let length = match control {
                b'\t' if column + 1 < columns => {
                    column = ((column / 8 + 1) * 8).min(columns - 1);
                    1
                }
                b'\t' => 1,
                0x1b => {
                    let (last, length) = self.csi.read(rest.as_bytes())?;
                    match last {
                        b'm' => colours.set(self.csi.all()),
                        // From the cursor on nothing was written.
                        b'K' if self.csi.or(0, 0) == 0 => {}
                        _ => return None,
                    }
                    dim = colours.are_dim();
                    length
                }
                _ => return None,
            };
            rest = &rest[length..];
        }
        if !self.marks.iter().any(|(_, dim)| *dim) {
            self.marks.clear();
        }
        Some(colours)
    }

    /// TerminalParts a text at a column; returns the one behind it.
    fn write(&mut self, text: &str, column: usize, dim: bool, columns: usize) -> Option<usize> {
        let width = if text.is_ascii() {
            text.len()
        } else {
            text.chars().map(width).try_fold(0, |sum, width| (width > 0).then_some(sum + width))?
        };
        let end = column + width;
        if end > columns {
            return None;
        }
        if column > self.end {
            self.text.extend(std::iter::repeat_n(' ', column - self.end));
        }
        self.text.push_str(text);
        self.marks.push((column..end, dim));
        self.end = end;
        Some(end)
    }
}
