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
    let wanted = fold(word);
    // A third of the letters may be wrong; a single letter is never guessed at.
    let limit = match wanted.len() {
        0 | 1 => return None,
        2 => 1,
        3..=5 => 2,
        n => n / 3 + 1,
    };
    candidates
        .into_iter()
        .map(|candidate| {
            let name = fold(candidate);
            // A name cut short is nearer than one that merely looks alike: `repo` means `repository`, not `ref`.
            let short = wanted.len() > 2 && name.starts_with(&wanted);
            (if short { 1 } else { distance(&wanted, &name) }, candidate)
        })
        .filter(|&(steps, candidate)| steps <= limit && steps < candidate.chars().count())
        .min_by_key(|&(steps, _)| steps)
        .map(|(_, candidate)| candidate)
}

/// Case, `-` and `_` are what people mistake most; they cost nothing.
fn fold(name: &str) -> Vec<char> {
    name.chars().take(80).filter(|c| !matches!(c, '-' | '_' | ' ')).flat_map(char::to_lowercase).collect()
}

/// Edit distance where swapping two neighbours is one step (optimal string alignment).
fn distance(a: &[char], b: &[char]) -> usize {
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for (i, row) in rows.iter_mut().enumerate() {
        row[0] = i;
    }
    for (j, cell) in rows[0].iter_mut().enumerate() {
        *cell = j;
    }
    for i in 1..=a.len() {
        for j in 1..=b.len() {
            let change = usize::from(a[i - 1] != b[j - 1]);
            let mut best = (rows[i - 1][j] + 1).min(rows[i][j - 1] + 1).min(rows[i - 1][j - 1] + change);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = best;
        }
    }
    rows[a.len()][b.len()]
}
