//! Help in the columns of whoever reads it, also in a language that has no blanks between its words.

use super::output;
use tmuxagent_tui::view::{Commands, Fold};
use unicode_width::UnicodeWidthStr as _;

/// The columns that help takes at most: longer lines are hard to read.
const MOST: u16 = 100;

/// Columns for help on this process's standard output.
pub(super) fn columns() -> usize {
    usize::from(output::columns().min(MOST))
}

/// The text with its lines in so many columns. What does not fit goes on below where the text of its line begins.
pub(super) fn fitted(text: &str, width: usize) -> String {
    let mut out = String::with_capacity(text.len());
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        if cells(line) <= width {
            out.push_str(line);
            out.push('\n');
            continue;
        }
        let (head, body) = line.split_at(text_at(line, width));
        let hang = cells(head);
        // The library broke it where it found blanks.
        let mut body = body.to_owned();
        while let Some(next) = lines.next_if(|next| goes_on(next, hang)) {
            body.push(' ');
            body.push_str(next.trim_start_matches(' '));
        }
        let room = width.saturating_sub(hang);
        // A command stays whole where a line can hold it.
        let whole = body.contains('\u{1b}') || Fold::longest_command(&body) <= room;
        let commands = if whole { Commands::Whole } else { Commands::Unknown };
        for (n, piece) in (Fold { first: room, rest: room, commands }).lines(&body).iter().enumerate() {
            out.push_str(if n == 0 { head } else { "" });
            out.extend(std::iter::repeat_n(' ', if n == 0 { 0 } else { hang }));
            out.push_str(piece);
            out.push('\n');
        }
    }
    out
}

/// Where in a line its text begins, bytes: behind the name of what it is about, or behind its indent where there is none, or
/// where the name leaves no room.
fn text_at(line: &str, width: usize) -> usize {
    let indent = blanks(line);
    let rest = line.get(indent..).unwrap_or_default();
    let Some(gap) = rest.find("  ") else { return indent };
    let at = indent + gap + blanks(rest.get(gap..).unwrap_or_default());
    let hang = line.get(..at).map_or(0, cells);
    if hang * 3 > width * 2 { indent } else { at }
}

/// How many blanks it begins with.
fn blanks(text: &str) -> usize {
    text.len() - text.trim_start_matches(' ').len()
}

/// Whether a line goes on with the text of the one before, which begins in that column: no name, list or paragraph of its own.
fn goes_on(line: &str, hang: usize) -> bool {
    let text = line.trim_start_matches(' ');
    blanks(line) == hang && !text.is_empty() && !text.starts_with(['-', '[']) && !text.contains("  ")
}

/// Cells of a line without its colours.
fn cells(line: &str) -> usize {
    let mut parts = line.split("\u{1b}[");
    let first = parts.next().map_or(0, |text| text.width());
    first + parts.map(|part| part.split_once('m').map_or(0, |(_, text)| text.width())).sum::<usize>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_goes_on_below_its_text() {
        assert_eq!(fitted("a b c\n\n  x  y\n", 8), "a b c\n\n  x  y\n");
        assert_eq!(fitted("  ab  一二三四五六七\n", 16), "  ab  一二三四五\n      六七\n");
        assert_eq!(fitted("一二三四五六七八\n", 10), "一二三四五\n六七八\n");
        // What the library had broken at a blank is one text again.
        let broken = "  ab  一二三四五六 七\n      八九\n  cd  x\n";
        assert_eq!(fitted(broken, 18), "  ab  一二三四五六\n      七 八九\n  cd  x\n");
        assert_eq!(fitted("      一二三四五六七\n\n      [x]\n", 16), "      一二三四五\n      六七\n\n      [x]\n");
        let painted = "  \u{1b}[1m--ab\u{1b}[0m  一二三四五";
        assert_eq!(fitted(painted, 14), painted.replace("四五", "\n        四五\n"));
    }
}
