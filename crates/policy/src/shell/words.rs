//! What a command consists of, as far as values in it are concerned.

use super::folders::Folder;

/// A place for a value in the text of a command, by its number.
pub(crate) type Hole = usize;

/// Stands in the text of a word for a value; no character.
pub(super) const VALUE: char = '\u{fdd0}';
/// Stands in the text of a word for what the shell puts there itself: `$x`, `$(…)`; no character.
pub(super) const EXPANSION: char = '\u{fdd1}';

/// One letter of a command, or a place for a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Item {
    Char(char),
    Hole(Hole),
}

/// Where a reference to a value stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// Outside quotes.
    Bare,
    /// Within `"…"`.
    Quotes,
    /// Within a here-document.
    HereDocument,
}

/// One word, quotes taken off.
#[derive(Debug, Clone, Default)]
pub(super) struct Word {
    /// Its text, with [`VALUE`] and [`EXPANSION`] in it.
    pub text: String,
    /// The values in it.
    pub holes: Vec<Hole>,
    /// The values within its `$(…)` and `<(…)`.
    pub inner: Vec<Hole>,
    /// A part of it was quoted.
    pub quoted: bool,
    /// It may become several words, or none: by `$x`, `$(…)`, `{a,b}` or `*` outside of quotes, by `"$@"`.
    pub splits: bool,
    /// The `[` of what may be a subscript is open: what stands there is calculated, quoted or not.
    pub subscript: bool,
}

impl Word {
    /// The word, where its author wrote all of it.
    pub(crate) fn literal(&self) -> Option<&str> {
        (!self.has_value() && !self.expands()).then_some(self.text.as_str())
    }

    /// The name of the program that it names, without its folder.
    pub(crate) fn program(&self) -> Option<&str> {
        self.literal().map(|text| text.rsplit('/').next().unwrap_or(text))
    }

    /// Whether a value is in it or in a command within it.
    pub(crate) const fn has_value(&self) -> bool {
        !self.holes.is_empty() || !self.inner.is_empty()
    }

    /// Whether the shell puts something in.
    pub(crate) fn expands(&self) -> bool {
        self.text.contains(EXPANSION)
    }

    /// Whether its first letter is one of a value.
    pub(crate) fn begins_with_value(&self) -> bool {
        self.text.starts_with(VALUE) || !self.inner.is_empty() && self.text.starts_with(EXPANSION)
    }

    /// All values in it.
    pub(crate) fn all_holes(&self) -> impl Iterator<Item = Hole> + '_ {
        self.holes.iter().chain(&self.inner).copied()
    }

    /// The name of the variable that the word assigns to, where it is an assignment.
    pub(crate) fn assigned(&self) -> Option<&str> {
        let (left, _) = self.text.split_once('=')?;
        let name = left.strip_suffix('+').unwrap_or(left);
        let name = name.split_once('[').map_or(name, |(name, _)| name);
        is_name(name).then_some(name)
    }
}

/// Whether a text can be the name of a variable.
pub(super) fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// A simple command.
#[derive(Debug, Clone, Default)]
pub(super) struct Simple {
    /// Assignments in front.
    pub assignments: Vec<Word>,
    /// The command and its arguments.
    pub words: Vec<Word>,
    /// Where its input and output go, and what here-strings and here-documents hold.
    pub redirections: Vec<Word>,
    /// Its input is the output of the one before.
    pub piped: bool,
    /// Its input is a file or a text.
    pub input: bool,
    /// Those of its redirections that name a file or a descriptor; the others are texts.
    pub named: Vec<Word>,
    /// It is no command but what stands behind `case`.
    pub subject: bool,
    /// The files that it writes by `>`, as far as their names are known.
    pub targets: Vec<String>,
    /// Those of them that something can read later: no descriptor, not `/dev/null`.
    pub files: Vec<String>,
    /// `&>` stands in it, where some shells end the command.
    pub doubtful: bool,
    /// It stands within `( … )`: what it changes in the shell ends there.
    pub bracketed: bool,
    /// It stands within `$( … )`, backticks or `<( … )`.
    pub captured: bool,
    /// The folders in which it may run.
    pub folders: Vec<Folder>,
}

impl Simple {
    pub(crate) const fn is_empty(&self) -> bool {
        self.words.is_empty() && self.assignments.is_empty() && self.redirections.is_empty()
    }

    /// All words in it.
    pub(crate) fn all_words(&self) -> impl Iterator<Item = &Word> {
        self.assignments.iter().chain(&self.words).chain(&self.redirections)
    }
}

/// A command line or script as a shell reads it.
#[derive(Debug, Clone, Default)]
pub(super) struct Parsed {
    /// Its simple commands, also those within others.
    pub commands: Vec<Simple>,
    /// Where each value stands, by its number; an error says why no reference can stand there.
    pub places: Vec<Result<Place, &'static str>>,
    /// The functions that it defines; their arguments may be values.
    pub functions: Vec<String>,
    /// Something with names in it is calculated.
    pub calculates: bool,
    /// A `${…}` in it is more than a name with what is taken when nothing is there, or with a plain end cut off.
    pub unusual: bool,
    /// The names that something calculates with, which makes numbers of them in zsh; `*` where any may be one.
    pub numbers: Vec<String>,
    /// `$(…)`, backticks or `<(…)` stand in it.
    pub captures: bool,
    /// `<(…)` or `>(…)` stands in it.
    pub processes: bool,
    /// A pipe leads into several commands: `| while …`, `| { …; }`, `| ( … )`.
    pub feeds: bool,
    /// Where the shell may be behind it.
    pub ends_in: Vec<Folder>,
}
