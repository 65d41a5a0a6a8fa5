//! What is wrong with a policy, and where: collected all at once, rendered for people and for programs.
//!
//! **Invariant:** the readable form never lets a control character of a policy file through to the terminal.

use super::source::{Lines, Place, Source};
use serde::Serialize;
use std::fmt::{self, Write as _};
use unicode_width::UnicodeWidthChar;

/// How bad a problem is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The policy can't be used.
    Error,
    /// The policy can be used, but probably does not do what its author means.
    Warning,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
        })
    }
}

/// One problem.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// How bad it is.
    pub severity: Severity,
    /// What kind it is: a word that scripts can rely on.
    pub code: &'static str,
    /// The file's name as the user gave it.
    pub file: String,
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub col: usize,
    /// In characters, within the line, at least 1.
    pub len: usize,
    /// What is wrong.
    pub message: String,
    /// The nearest valid name, where a name is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nearest: Option<String>,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// The line it stands on.
    #[serde(skip)]
    excerpt: String,
}

/// All problems of a set of sources, in the order of files and places.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Diagnostics {
    /// The problems.
    pub problems: Vec<Problem>,
}

impl Diagnostics {
    /// How many problems make the policy unusable.
    #[must_use]
    pub fn errors(&self) -> usize {
        self.problems.iter().filter(|p| p.severity == Severity::Error).count()
    }

    /// How many problems are only warnings.
    #[must_use]
    pub fn warnings(&self) -> usize {
        self.problems.len() - self.errors()
    }

    /// One line for places with little room: the first error with the nearest valid name, and how many more there are.
    #[must_use]
    pub fn summary(&self) -> String {
        let mut errors = self.problems.iter().filter(|p| p.severity == Severity::Error);
        let Some(first) = errors.next() else { return format!("{} warnings", self.warnings()) };
        let near =
            first.nearest.as_ref().map(|near| format!("; did you mean `{}`?", visible(near))).unwrap_or_default();
        let place = format!("{}:{}:{}: {}{near}", visible(&first.file), first.line, first.col, visible(&first.message));
        match errors.count() {
            0 => place,
            more => format!("{place} (and {more} more)"),
        }
    }
}

impl fmt::Display for Diagnostics {
    /// Every problem with its excerpt, an empty line between two.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostics {}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { severity, code, line, col, .. } = self;
        writeln!(f, "{}:{line}:{col}: {severity}[{code}]: {}", visible(&self.file), visible(&self.message))?;
        let number = line.to_string();
        let margin = " ".repeat(number.len());
        let (text, indent, width) = self.caret();
        writeln!(f, "{margin} |")?;
        writeln!(f, "{number} | {text}")?;
        writeln!(f, "{margin} | {}{}", " ".repeat(indent), "^".repeat(width))?;
        if let Some(nearest) = &self.nearest {
            writeln!(f, "{margin} = help: did you mean `{}`?", visible(nearest))?;
        }
        if let Some(help) = &self.help {
            writeln!(f, "{margin} = help: {}", visible(help))?;
        }
        Ok(())
    }
}

/// The widest excerpt, in terminal columns; longer lines are cut around the place.
const EXCERPT_COLUMNS: usize = 110;
/// How many columns before the place a cut line keeps.
const EXCERPT_BEFORE: usize = 40;
/// A tab in an excerpt is shown as this many spaces, wherever it stands, so that carets stay under their text.
const TAB_COLUMNS: usize = 4;

impl Problem {
    /// The line as shown, the columns before the carets, and how many carets there are.
    fn caret(&self) -> (String, usize, usize) {
        let widths: Vec<usize> = self.excerpt.chars().map(shown_width).collect();
        let begin = (self.col - 1).min(widths.len());
        let end = (begin + self.len).min(widths.len()).max(begin);
        let before: usize = widths[..begin].iter().sum();
        // A cut line starts with an ellipsis in place of what is left out.
        let total: usize = widths.iter().sum();
        let skip = if total > EXCERPT_COLUMNS { before.saturating_sub(EXCERPT_BEFORE) } else { 0 };
        let mut text = String::new();
        let (mut column, mut taken, mut indent, mut width) = (0, 0, 0, 0);
        if skip > 0 {
            text.push('…');
            (taken, indent) = (1, 1);
        }
        for (index, (character, &columns)) in self.excerpt.chars().zip(&widths).enumerate() {
            column += columns;
            if column <= skip {
                continue;
            }
            if taken + columns >= EXCERPT_COLUMNS && total > EXCERPT_COLUMNS {
                text.push('…');
                break;
            }
            push_shown(&mut text, character);
            taken += columns;
            if index < begin {
                indent += columns;
            } else if index < end {
                width += columns;
            }
        }
        (text, indent, width.max(1))
    }
}

fn shown_width(character: char) -> usize {
    match character {
        '\t' => TAB_COLUMNS,
        c if c.is_control() || is_invisible(c) => 1,
        c => c.width().unwrap_or(1),
    }
}

fn push_shown(text: &mut String, character: char) {
    match character {
        '\t' => text.extend(std::iter::repeat_n(' ', TAB_COLUMNS)),
        c if c.is_control() || is_invisible(c) => text.push('\u{fffd}'),
        c => text.push(c),
    }
}

/// Characters that reorder or hide their neighbours on a terminal.
const fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// `text` on one line, with nothing in it that acts on a terminal, and not longer than a screenful.
fn visible(text: &str) -> String {
    const LONGEST: usize = 600;
    let mut out = String::new();
    for character in text.chars().take(LONGEST) {
        match character {
            '\n' | '\t' => out.push(' '),
            c => push_shown(&mut out, c),
        }
    }
    if text.chars().nth(LONGEST).is_some() {
        let _ = out.write_char('…');
    }
    out
}

/// The most problems that are told.
const MOST_PROBLEMS: usize = 500;

/// A problem under construction.
#[derive(Debug)]
pub(super) struct Draft {
    severity: Severity,
    code: &'static str,
    at: Place,
    message: String,
    nearest: Option<String>,
    help: Option<String>,
}

impl Draft {
    pub fn help(&mut self, help: impl Into<String>) -> &mut Self {
        self.help = Some(help.into());
        self
    }

    pub fn nearest(&mut self, nearest: Option<&str>) -> &mut Self {
        self.nearest = nearest.map(str::to_owned);
        self
    }
}

/// Where problems are collected while a policy is read.
#[derive(Debug)]
pub(super) struct Problems<'a> {
    sources: &'a [Source],
    /// The lines of each source.
    lines: Vec<Lines>,
    drafts: Vec<Draft>,
}

impl<'a> Problems<'a> {
    pub fn new(sources: &'a [Source]) -> Self {
        let lines = sources.iter().map(|source| Lines::of(&source.text)).collect();
        Self { sources, lines, drafts: Vec::new() }
    }

    pub fn error(&mut self, code: &'static str, at: Place, message: impl Into<String>) -> &mut Draft {
        self.add(Severity::Error, code, at, message.into())
    }

    pub fn warning(&mut self, code: &'static str, at: Place, message: impl Into<String>) -> &mut Draft {
        self.add(Severity::Warning, code, at, message.into())
    }

    fn add(&mut self, severity: Severity, code: &'static str, at: Place, message: String) -> &mut Draft {
        let index = self.drafts.len();
        self.drafts.push(Draft { severity, code, at, message, nearest: None, help: None });
        &mut self.drafts[index]
    }

    /// `file:line:column` of a place.
    pub fn describe(&self, at: Place) -> String {
        let (Some(source), Some(lines)) = (self.sources.get(at.source), self.lines.get(at.source)) else {
            return String::new();
        };
        let spot = at.spot(&source.text, lines);
        format!("{}:{}:{}", source.name, spot.line, spot.col)
    }

    /// Whether an error was found.
    pub fn has_errors(&self) -> bool {
        self.drafts.iter().any(|draft| draft.severity == Severity::Error)
    }

    /// The place of `needle` within the text at `at`, or `at` itself where it is written in another way.
    pub fn within(&self, at: Place, needle: &str) -> Place {
        let slice = self.sources.get(at.source).and_then(|source| source.text.get(at.start..at.start + at.len));
        let found = slice.and_then(|slice| slice.find(needle)).filter(|_| !needle.is_empty());
        found.map_or(at, |offset| Place { start: at.start + offset, len: needle.len(), ..at })
    }

    /// Whether an error was found in a stretch of a source, in bytes.
    pub fn has_error_within(&self, source: usize, start: usize, end: usize) -> bool {
        let within = |at: Place| at.source == source && (start..end).contains(&at.start);
        self.drafts.iter().any(|draft| draft.severity == Severity::Error && within(draft.at))
    }

    /// The problems with their places worked out, in reading order, no two the same.
    pub fn finish(self) -> Diagnostics {
        let Self { sources, lines, mut drafts } = self;
        drafts.sort_by_key(|draft| (draft.at.source, draft.at.start, draft.severity));
        // A file of garbage has a problem on every line; nobody reads them all, but an error must not be cut off.
        if drafts.len() > MOST_PROBLEMS {
            drafts.sort_by_key(|draft| (draft.severity, draft.at.source, draft.at.start));
            drafts.truncate(MOST_PROBLEMS);
        }
        let mut problems: Vec<Problem> = drafts.into_iter().map(|draft| resolve(sources, &lines, draft)).collect();
        problems.dedup();
        Diagnostics { problems }
    }
}

fn resolve(sources: &[Source], lines: &[Lines], draft: Draft) -> Problem {
    let Draft { severity, code, at, message, nearest, help } = draft;
    let (file, text) = sources.get(at.source).map_or(("", ""), |s| (s.name.as_str(), s.text.as_str()));
    let nothing = Lines::of("");
    let spot = at.spot(text, lines.get(at.source).unwrap_or(&nothing));
    Problem {
        severity,
        code,
        file: file.to_owned(),
        line: spot.line,
        col: spot.col,
        len: spot.len,
        message,
        nearest,
        help,
        excerpt: spot.text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use insta::assert_snapshot;

    fn show(text: &str, start: usize, len: usize) -> String {
        let sources = [Source::new("p.yaml", text)];
        let mut problems = Problems::new(&sources);
        problems.error("unknown-key", Place { source: 0, start, len }, "unknown key `x`").nearest(Some("y")).help("z");
        problems.finish().to_string()
    }

    #[test]
    fn carets_stand_under_wide_text_and_after_tabs() {
        let text = "a:\t中文\tbad # c";
        assert_snapshot!(show(text, text.find("bad").unwrap(), 3), @r"
        p.yaml:1:7: error[unknown-key]: unknown key `x`
          |
        1 | a:    中文    bad # c
          |               ^^^
          = help: did you mean `y`?
          = help: z
        ");
        assert_snapshot!(show(text, text.find('中').unwrap(), 6), @r"
        p.yaml:1:4: error[unknown-key]: unknown key `x`
          |
        1 | a:    中文    bad # c
          |       ^^^^
          = help: did you mean `y`?
          = help: z
        ");
    }

    #[test]
    fn long_lines_are_cut_around_the_place() {
        let text = format!("{}bad{}", "x".repeat(5000), "y".repeat(5000));
        let shown = show(&text, 5000, 3);
        let lines: Vec<&str> = shown.lines().collect();
        let caret = lines[3].find('^').unwrap();
        // The ellipsis is three bytes and one column.
        assert_eq!(&lines[2][caret + 2..caret + 5], "bad");
        assert!(lines.iter().all(|line| line.chars().count() < EXCERPT_COLUMNS + 6), "{shown}");
    }

    #[test]
    fn nothing_of_a_file_acts_on_the_terminal() {
        let shown = show("a: \u{1b}]0;pwned\u{7}\u{202e}", 0, 1);
        assert!(shown.chars().all(|c| c == '\n' || !c.is_control() && !is_invisible(c)), "{shown:?}");
    }

    #[test]
    fn problems_come_in_reading_order_without_repetition() {
        let sources = [Source::new("a", "1\n2\n")];
        let mut problems = Problems::new(&sources);
        for start in [2, 0, 2] {
            problems.warning("w", Place { source: 0, start, len: 1 }, "m");
        }
        let found = problems.finish();
        assert_eq!(found.problems.iter().map(|p| p.line).collect::<Vec<_>>(), [1, 2]);
        assert_eq!((found.errors(), found.warnings(), found.summary()), (0, 2, "2 warnings".to_owned()));
    }
}
