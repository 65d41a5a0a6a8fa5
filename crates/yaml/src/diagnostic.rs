//! One finding in a text, and all of them: what is wrong, where, the nearest right name, and what to do.
//!
//! **Invariant:** nothing of a file acts on the terminal or hides from the reader when a finding is shown.

use super::source::{Lines, Source};
use super::{Place, problems::Draft};
use serde::Serialize;
use std::fmt;
use tmuxagent_text::{Lang, marked, message};
use unicode_width::UnicodeWidthChar;

/// Whether a finding stops the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The file can't be used.
    Error,
    /// The file can be used, but probably does not do what its author means.
    Warning,
}

impl Severity {
    /// The word before a finding.
    #[must_use]
    pub const fn word(self, lang: Lang) -> &'static str {
        match self {
            Self::Error => lang.pick("error", "错误"),
            Self::Warning => lang.pick("warning", "警告"),
        }
    }
}

/// One finding in a text. Its JSON form is what every command prints with `--json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// Whether it stops the work.
    pub severity: Severity,
    /// What kind it is: a word that scripts can rely on.
    pub code: &'static str,
    /// The file's name as the user gave it.
    pub file: String,
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub col: usize,
    /// In characters, within the line, at least 1; 0 where the whole file is meant.
    pub len: usize,
    /// What is wrong, a lower-case fragment in English.
    pub message: String,
    /// The nearest valid name, where a name is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nearest: Option<String>,
    /// What to do, in English.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// The line it stands on as people see it: without what acts on a terminal, long ones cut around the place.
    pub excerpt: String,
    /// The excerpt's columns before the carets, and how many carets there are.
    #[serde(skip)]
    caret: (usize, usize),
}

impl Diagnostic {
    /// A finding about a whole file.
    #[must_use]
    pub fn of_file(severity: Severity, code: &'static str, file: &str, message: &str, help: Option<String>) -> Self {
        let (file, message) = (file.to_owned(), message.to_owned());
        let nothing = (String::new(), (0, 0));
        Self {
            severity,
            code,
            file,
            line: 1,
            col: 1,
            len: 0,
            message,
            nearest: None,
            help,
            excerpt: nothing.0,
            caret: nothing.1,
        }
    }

    /// The draft with its place worked out. `lines` are those of the source that it speaks of.
    pub(crate) fn resolve(sources: &[Source], lines: &[Lines], draft: Draft) -> Self {
        let Draft { severity, code, at, message, nearest, help } = draft;
        let Place { source, .. } = at;
        let (file, text) = sources.get(source).map_or(("", ""), |s| (s.name.as_str(), s.text.as_str()));
        let nothing = Lines::of("");
        let spot = at.spot(text, lines.get(source).unwrap_or(&nothing));
        let (excerpt, caret) = excerpt(spot.text, spot.col, spot.len);
        let (line, col, len) = (spot.line, spot.col, spot.len);
        Self { severity, code, file: file.to_owned(), line, col, len, message, nearest, help, excerpt, caret }
    }

    /// `file:line:column`.
    #[must_use]
    pub fn place(&self) -> String {
        format!("{}:{}:{}", visible(&self.file), self.line, self.col)
    }

    /// What is wrong, on one line.
    #[must_use]
    pub fn sentence(&self, lang: Lang) -> String {
        visible(&message(lang, &self.message))
    }

    /// The ways out, a line each: the nearest name first.
    #[must_use]
    pub fn ways_out(&self, lang: Lang) -> Vec<String> {
        let near = self.nearest.as_ref().map(|near| did_you_mean(lang, near));
        near.into_iter().chain(self.help.as_ref().map(|help| visible(&message(lang, help)))).collect()
    }

    /// The whole finding over several lines with its excerpt, without colours or a final newline.
    #[must_use]
    pub fn show(&self, lang: Lang) -> String {
        let colon = lang.pick(": ", "：");
        let (place, word, code) = (self.place(), self.severity.word(lang), self.code);
        let mut shown = format!("{place}: {word}[{code}]{colon}{}", self.sentence(lang));
        let number = self.line.to_string();
        let margin = " ".repeat(number.len());
        if self.len > 0 {
            let (indent, carets) = self.caret;
            let (indent, carets) = (" ".repeat(indent), "^".repeat(carets));
            shown.push_str(&format!("\n{margin} |\n{number} | {}\n{margin} | {indent}{carets}", self.excerpt));
        }
        for way in self.ways_out(lang) {
            shown.push_str(&format!("\n{margin} = {}{colon}{way}", lang.pick("help", "建议")));
        }
        shown
    }
}

/// The remark with which a valid name is offered.
#[must_use]
pub(crate) fn did_you_mean(lang: Lang, name: &str) -> String {
    let name = visible(name);
    match lang {
        Lang::En => format!("did you mean `{name}`?"),
        Lang::Zh => format!("您是不是想写 `{name}`？"),
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.show(Lang::En))
    }
}

/// All findings in a set of sources, in the order of files and places.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Diagnostics {
    /// In reading order, no two the same.
    pub problems: Vec<Diagnostic>,
}

impl Diagnostics {
    /// How many of them make the file unusable.
    #[must_use]
    pub fn errors(&self) -> usize {
        self.problems.iter().filter(|p| p.severity == Severity::Error).count()
    }

    /// How many of them are only warnings.
    #[must_use]
    pub fn warnings(&self) -> usize {
        self.problems.len() - self.errors()
    }

    /// One line for places with little room: the first error with the nearest valid name, and how many more there are.
    #[must_use]
    pub fn summary(&self) -> String {
        let mut errors = self.problems.iter().filter(|p| p.severity == Severity::Error);
        let Some(first) = errors.next() else { return format!("{} warnings", self.warnings()) };
        let near = first.nearest.as_ref().map(|near| format!("; {}", did_you_mean(Lang::En, near)));
        let place = format!("{}: {}{}", first.place(), first.sentence(Lang::En), near.unwrap_or_default());
        match errors.count() {
            0 => place,
            more => format!("{place} (and {more} more)"),
        }
    }

    /// Every finding with its excerpt, an empty line between two, without a final newline.
    #[must_use]
    pub fn show(&self, lang: Lang) -> String {
        self.problems.iter().map(|problem| problem.show(lang)).collect::<Vec<_>>().join("\n\n")
    }

    /// The value that was read, unless an error was found; warnings alone keep nothing from use.
    ///
    /// # Errors
    /// The findings, where one is an error.
    pub fn judge<T>(self, value: Option<T>) -> Result<T, Self> {
        value.filter(|_| self.errors() == 0).ok_or(self)
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.show(Lang::En))
    }
}

impl std::error::Error for Diagnostics {}

/// The widest excerpt, in terminal columns; longer lines are cut around the place.
const EXCERPT_COLUMNS: usize = 110;
/// How many columns before the place a cut line keeps.
const EXCERPT_BEFORE: usize = 40;
/// A tab in an excerpt is shown as this many spaces, wherever it stands, so that carets stay under their text.
const TAB: &str = "    ";

/// A line as shown, the columns before its carets, and how many carets there are.
fn excerpt(line: &str, col: usize, len: usize) -> (String, (usize, usize)) {
    let shown = |c: char| if c == '\t' { TAB.to_owned() } else { marked(c).to_string() };
    let columns = |c: char| if c == '\t' { TAB.len() } else { marked(c).width().unwrap_or(1) };
    let widths: Vec<usize> = line.chars().map(columns).collect();
    let begin = (col - 1).min(widths.len());
    let end = (begin + len).min(widths.len()).max(begin);
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
    for (index, (character, &columns)) in line.chars().zip(&widths).enumerate() {
        column += columns;
        if column <= skip {
            continue;
        }
        if taken + columns >= EXCERPT_COLUMNS && total > EXCERPT_COLUMNS {
            text.push('…');
            break;
        }
        text.push_str(&shown(character));
        taken += columns;
        if index < begin {
            indent += columns;
        } else if index < end {
            width += columns;
        }
    }
    (text, (indent, width.max(1)))
}

/// `text` on one line, with nothing in it that acts on a terminal, and not longer than a screenful.
fn visible(text: &str) -> String {
    const LONGEST: usize = 600;
    let blank = |c: char| if matches!(c, '\n' | '\t') { ' ' } else { c };
    let mut out: String = text.chars().take(LONGEST).map(|c| marked(blank(c))).collect();
    if text.chars().nth(LONGEST).is_some() {
        out.push('…');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::Problems;
    use super::*;
    use insta::assert_snapshot;

    fn found(text: &str, start: usize, len: usize) -> Diagnostics {
        let sources = [Source::new("p.yaml", text)];
        let mut problems = Problems::new(&sources);
        problems.error("unknown-key", Place { source: 0, start, len }, "unknown key `x`").nearest(Some("y")).help("z");
        problems.finish()
    }

    fn show(text: &str, start: usize, len: usize) -> String {
        found(text, start, len).to_string()
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
    fn a_finding_is_shown_in_both_languages_and_one_json() {
        let found = found("a: bad", 3, 3);
        assert_snapshot!(found.show(Lang::Zh), @r"
        p.yaml:1:4: 错误[unknown-key]：未知的键 `x`
          |
        1 | a: bad
          |    ^^^
          = 建议：您是不是想写 `y`？
          = 建议：z
        ");
        let wanted = serde_json::json!([{
            "severity": "error", "code": "unknown-key", "file": "p.yaml", "line": 1, "col": 4, "len": 3,
            "message": "unknown key `x`", "nearest": "y", "help": "z", "excerpt": "a: bad",
        }]);
        assert_eq!(serde_json::to_value(&found.problems).unwrap(), wanted);
    }

    #[test]
    fn a_whole_file_has_no_excerpt() {
        let open =
            Diagnostic::of_file(Severity::Warning, "open", "p.yaml", "others can write it", Some("chmod".into()));
        assert_eq!(open.to_string(), "p.yaml:1:1: warning[open]: others can write it\n  = help: chmod");
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
        assert!(shown.chars().all(|c| c == '\n' || marked(c) == c), "{shown:?}");
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
