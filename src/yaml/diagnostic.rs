//! What is wrong, where, and the nearest right thing, with an excerpt of the text.

use super::Span;
use serde::Serialize;
use std::fmt;
use std::sync::Arc;
use unicode_width::UnicodeWidthChar;

/// A text with the name that people know it by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The file's path as the user gave it, or a name in angle brackets.
    pub name: String,
    /// Its content.
    pub text: Arc<str>,
}

impl Source {
    /// Names a text.
    #[must_use]
    pub fn new(name: impl Into<String>, text: impl Into<Arc<str>>) -> Self {
        Self { name: name.into(), text: text.into() }
    }
}

/// Whether a diagnostic stops the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// It works, but probably not as meant.
    Warning,
    /// It can't be used.
    Error,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}

/// One finding in a text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// How bad it is.
    pub level: Level,
    /// The text's name.
    pub file: String,
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// What is wrong, a lower-case fragment.
    pub text: String,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// The line itself, without control characters.
    pub excerpt: String,
    /// How many characters of it are wrong, at least 1.
    pub width: u32,
}

impl Diagnostic {
    /// A finding at `span` of `source`.
    #[must_use]
    pub fn new(level: Level, source: &Source, span: Span, text: impl Into<String>) -> Self {
        let line = source.text.lines().nth(span.line.saturating_sub(1) as usize).unwrap_or_default();
        let excerpt: String = line.trim_end().chars().map(printable).collect();
        let left = excerpt.chars().count().saturating_sub(span.column.saturating_sub(1) as usize);
        let marked = source.text.get(span.offset..span.offset.saturating_add(span.len)).unwrap_or_default();
        let marked = marked.lines().next().unwrap_or_default().trim_end().chars().count();
        let width = u32::try_from(marked.min(left).max(1)).unwrap_or(1);
        Self {
            level,
            file: source.name.clone(),
            line: span.line,
            column: span.column,
            text: text.into().chars().map(printable).collect(),
            help: None,
            excerpt,
            width,
        }
    }

    /// Says what to do about it.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into().chars().map(printable).collect());
        self
    }

    /// `file:line:column`.
    #[must_use]
    pub fn place(&self) -> String {
        format!("{}:{}:{}", self.file, self.line, self.column)
    }
}

impl fmt::Display for Diagnostic {
    /// The whole finding over several lines, with the excerpt and a caret, without colours or a final newline.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = self.line.to_string();
        let gutter = " ".repeat(number.len());
        writeln!(f, "{}: {}: {}", self.place(), self.level, self.text)?;
        writeln!(f, "{gutter} |")?;
        writeln!(f, "{number} | {}", self.excerpt)?;
        let columns = |chars: &mut dyn Iterator<Item = char>| chars.map(|c| c.width().unwrap_or(0)).sum::<usize>();
        let before = self.column.saturating_sub(1) as usize;
        let indent = columns(&mut self.excerpt.chars().take(before));
        let carets = columns(&mut self.excerpt.chars().skip(before).take(self.width as usize)).max(1);
        write!(f, "{gutter} | {}{}", " ".repeat(indent), "^".repeat(carets))?;
        if let Some(help) = &self.help {
            write!(f, "\n{gutter} = help: {help}")?;
        }
        Ok(())
    }
}

/// All findings, an empty line between them.
#[must_use]
pub fn render_all(diagnostics: &[Diagnostic]) -> String {
    diagnostics.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n\n")
}

/// Tabs become a blank and other control characters a mark, so that an excerpt can't drive the terminal.
fn printable(c: char) -> char {
    match c {
        '\t' => ' ',
        c if c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}') =>
        {
            '\u{fffd}'
        }
        c => c,
    }
}

/// The candidate that `word` was probably meant to be; `None` when none is near.
#[must_use]
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let fold = |text: &str| text.to_lowercase().replace(['-', ' '], "_");
    let wanted = fold(word);
    let limit = (wanted.chars().count() / 3).clamp(1, 4);
    candidates
        .into_iter()
        .map(|candidate| (distance(&wanted, &fold(candidate)), candidate))
        .filter(|(steps, _)| *steps <= limit)
        .min_by_key(|(steps, _)| *steps)
        .map(|(_, candidate)| candidate)
}

/// Damerau–Levenshtein distance (optimal string alignment): edits and swaps of neighbours.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let mut best = (last[j] + usize::from(x != y)).min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *x == b[j - 1] && a[i - 1] == *y {
                best = best.min(before[j - 1] + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut last, row);
    }
    last.last().copied().unwrap_or(0)
}
