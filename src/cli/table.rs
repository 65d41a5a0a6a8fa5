//! Rows in columns, in the width of the terminal.
//!
//! **Invariant:** nothing of a cell is left out: where columns do not fit, cells go on in further lines, and where even
//! that does not fit, each row becomes a record. The first column names the row and is what people type: it stays whole.

use super::CliError;
use super::output::{Output, Tone};
use std::fmt::Write as _;
use tmuxagent_tui::view::{Commands, Fold};
use unicode_width::UnicodeWidthStr;

/// A cell and its colour.
pub type Cell = (Tone, String);

/// No column becomes narrower than this.
const NARROWEST: usize = 9;

impl Output {
    /// Prints rows in columns below their headings.
    ///
    /// # Errors
    /// When standard output can't be written.
    pub fn table(&self, heading: &[&str], rows: &[Vec<Cell>]) -> Result<(), CliError> {
        self.columns(heading, rows, true)
    }

    /// The same for cells that quote what others wrote: nothing in them is a command to be copied, so all is folded.
    ///
    /// # Errors
    /// When standard output can't be written.
    pub fn table_of_quotes(&self, heading: &[&str], rows: &[Vec<Cell>]) -> Result<(), CliError> {
        self.columns(heading, rows, false)
    }

    fn columns(&self, heading: &[&str], rows: &[Vec<Cell>], commands: bool) -> Result<(), CliError> {
        let most = usize::from(self.width);
        let natural = |n: usize| {
            let cells = rows.iter().filter_map(|row| row.get(n)).map(|(_, cell)| cell.width());
            cells.chain([heading[n].width()]).max().unwrap_or(0)
        };
        let mut widths: Vec<usize> = (0..heading.len()).map(natural).collect();
        let least = |n: usize| {
            let rows = if commands { rows } else { &[] };
            let commands = rows.iter().filter_map(|row| row.get(n)).map(|(_, cell)| Fold::longest_command(cell));
            if n == 0 { widths[0] } else { commands.max().unwrap_or(0).max(NARROWEST) }
        };
        let least: Vec<usize> = (0..heading.len()).map(least).collect();
        if !fits(&mut widths, &least, most) {
            return rows.iter().try_for_each(|row| self.record(heading, row, commands));
        }
        let heading: Vec<Cell> = heading.iter().map(|head| (Tone::Dim, (*head).to_owned())).collect();
        let text: String = std::iter::once(&heading).chain(rows).map(|row| self.row(row, &widths, commands)).collect();
        self.raw(&text)
    }

    /// One row in as many lines as its longest cell needs.
    fn row(&self, row: &[Cell], widths: &[usize], commands: bool) -> String {
        let commands = if commands { Commands::Whole } else { Commands::Unknown };
        let fold = |width: usize, cell: &str| Fold { first: width, rest: width, commands }.lines(cell);
        let cells: Vec<Vec<String>> = row.iter().zip(widths).map(|((_, cell), width)| fold(*width, cell)).collect();
        let mut text = String::new();
        for n in 0..cells.iter().map(Vec::len).max().unwrap_or(0) {
            // Blanks behind the last cell of a line are left out.
            let mut gap = 0;
            for ((cell, (tone, _)), width) in cells.iter().zip(row).zip(widths) {
                let line = cell.get(n).map_or("", String::as_str);
                if !line.is_empty() {
                    // Writing to a string can't fail.
                    let _ = write!(text, "{:gap$}{}", "", self.paint(*tone, line));
                    gap = 0;
                }
                gap += width.saturating_sub(line.width()) + 2;
            }
            text.push('\n');
        }
        text
    }

    /// One row as a record: what names it, and below it each cell behind its heading.
    fn record(&self, heading: &[&str], row: &[Cell], commands: bool) -> Result<(), CliError> {
        let wide = heading.iter().skip(1).map(|head| head.width()).max().unwrap_or(0);
        if let Some((tone, name)) = row.first() {
            if name.width() > usize::from(self.width) {
                self.wrapped("", *tone, name)?;
            } else {
                self.verbatim(&self.paint(*tone, name))?;
            }
        }
        let indent = row.first().map_or(0, |(_, name)| name.len() - name.trim_start().len()) + 2;
        for (head, (tone, cell)) in heading.iter().zip(row).skip(1).filter(|(_, (_, cell))| !cell.is_empty()) {
            let gap = if wide == 0 { 0 } else { wide + 2 - head.width() };
            let head = format!("{:indent$}{}{:gap$}", "", self.paint(Tone::Dim, head), "");
            if commands { self.item(&head, &self.paint(*tone, cell))? } else { self.quoted(&head, *tone, cell)? }
        }
        Ok(())
    }
}

/// Makes columns fit into `most` cells, two between each: the widest give first, none becomes narrower than its least width.
/// Whether they fit.
fn fits(widths: &mut [usize], least: &[usize], most: usize) -> bool {
    loop {
        let whole = widths.iter().sum::<usize>() + 2 * widths.len().saturating_sub(1);
        if whole <= most {
            return true;
        }
        let wide = widths.iter_mut().zip(least).filter(|(width, least)| **width > **least).map(|(width, _)| width);
        match wide.max() {
            Some(width) => *width -= 1,
            None => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::output::ColorChoice;
    use super::*;
    use tmuxagent_text::Lang;

    #[test]
    fn what_others_wrote_is_folded_between_backticks_too_and_a_command_is_not() {
        let mut out = Output::new(Lang::En, false, ColorChoice::Never);
        out.width = 40;
        let cell = |text: &str| (Tone::Plain, text.to_owned());
        let row = [cell("check"), cell("exit code 1; its output: `AssertionError: 90 !== 91 in the cart`")];
        let widest = |text: String| text.lines().map(UnicodeWidthStr::width).max().unwrap_or(0);
        assert!(widest(out.row(&row, &[5, 33], false)) <= 40);
        assert_eq!(Fold::longest_command(&row[1].1), 39, "which a table of commands keeps whole");
        assert!(widest(out.row(&row, &[5, 33], true)) > 40);
    }
}
