//! The words of a command in which every letter means itself, in whatever shell reads it.
//!
//! **Invariant:** a sign that one of the shells at hand could take for more than a letter, or another for less, is a doubt.
//! This is stricter than [`super::lexer`] and knows nothing of commands: what both make of a text has to be the same.

use super::lexer::Unsure;

/// Stands for a `*` in the word of a pattern; no character.
pub(crate) const STAR: char = '\u{fdd3}';

/// More than any command that a person would read.
const LONGEST: usize = 4000;

/// What may stand in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reading {
    /// A command line.
    Command,
    /// One simple command, in which `*` stands for other letters.
    Pattern,
}

pub(super) const EXPANDS: Unsure = "`$`, a backtick, `<(` or `>(`: what stands there is known only when it runs";
pub(super) const GLOBS: Unsure = "`*`, `?`, brackets or braces outside of quotes, which may become other words";
const SIGNS: Unsure = "a sign that some shell takes for more than a letter";
const LONG: Unsure = "a text that is longer than anybody reads";
const ONE: Unsure = "a sign that joins several commands";
const HALF: Unsure = "a command that has no beginning or no end";
const OPEN: Unsure = "a quote that is not closed";

/// The words, their quotes taken off.
///
/// # Errors
/// What is in doubt.
pub(crate) fn words(text: &str, reading: Reading) -> Result<Vec<String>, Unsure> {
    if text.len() > LONGEST {
        return Err(LONG);
    }
    if !text.chars().all(is_plain) {
        return Err(SIGNS);
    }
    let mut scan = Scan {
        chars: text.chars().collect(),
        at: 0,
        reading,
        word: None,
        quoted: false,
        has_command: false,
        wants_command: true,
        found: Vec::new(),
    };
    while let Some(c) = scan.next() {
        scan.take(c)?;
    }
    scan.end();
    if scan.wants_command { Err(HALF) } else { Ok(scan.found) }
}

/// ASCII that is seen, blanks, and letters, digits and full-width signs of other scripts: nothing that hides, turns or only
/// looks like a blank.
fn is_plain(c: char) -> bool {
    match c {
        ' '..='~' | '\t' | '\n' => true,
        '\u{3001}'..='\u{303f}' | '\u{ff01}'..='\u{ff60}' => true,
        c => !c.is_ascii() && c.is_alphanumeric(),
    }
}

struct Scan {
    chars: Vec<char>,
    at: usize,
    reading: Reading,
    word: Option<String>,
    /// A part of the word was quoted.
    quoted: bool,
    /// A command has begun since the last sign that ends one.
    has_command: bool,
    /// One has to follow.
    wants_command: bool,
    found: Vec<String>,
}

impl Scan {
    fn next(&mut self) -> Option<char> {
        let c = self.chars.get(self.at).copied();
        self.at += 1;
        c
    }

    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn push(&mut self, c: char) {
        self.word.get_or_insert_default().push(c);
    }

    fn end(&mut self) {
        self.quoted = false;
        if let Some(word) = self.word.take() {
            self.found.push(word);
            self.has_command = true;
            self.wants_command = false;
        }
    }

    /// Takes the next letter where it is one of these.
    fn also(&mut self, signs: &[char]) -> bool {
        let also = self.peek().is_some_and(|c| signs.contains(&c));
        self.at += usize::from(also);
        also
    }

    fn take(&mut self, c: char) -> Result<(), Unsure> {
        let begins = self.word.is_none();
        match c {
            ' ' | '\t' => self.end(),
            '\n' | ';' | '&' | '|' | '(' | ')' | '<' | '>' => return self.joint(c),
            '\'' => return self.single(),
            '"' => return self.double(),
            '\\' => return self.escape(),
            '$' | '`' => return Err(EXPANDS),
            '*' if self.reading == Reading::Pattern => self.push(STAR),
            '*' | '?' | '[' | ']' | '{' | '}' => return Err(GLOBS),
            // History, comments and patterns of zsh.
            '!' | '#' => return Err(SIGNS),
            // A folder, another program or a job where a word begins with it.
            '=' | '%' if begins => return Err(SIGNS),
            // `HEAD~1` and `HEAD^`: in the middle of a word none makes more of it than names that begin with the same letters.
            '~' | '^' if !self.is_within_name() => return Err(SIGNS),
            c => self.push(c),
        }
        Ok(())
    }

    fn is_within_name(&self) -> bool {
        self.word.as_ref().is_some_and(|word| {
            word.starts_with(|c: char| c.is_ascii_alphanumeric())
                && word.chars().all(|c| c.is_ascii_alphanumeric() || "._-/~^".contains(c))
        })
    }

    /// What stands between commands, and redirections.
    fn joint(&mut self, c: char) -> Result<(), Unsure> {
        if self.reading == Reading::Pattern {
            return Err(ONE);
        }
        let number = !self.quoted && self.word.as_ref().is_some_and(|word| word.bytes().all(|b| b.is_ascii_digit()));
        if matches!(c, '<' | '>') && number {
            // `2>`: the number is no word.
            self.word = None;
        }
        self.end();
        match (c, self.peek()) {
            ('<' | '>', Some('(')) => return Err(EXPANDS),
            // `((` calculates, `&>` begins another command in some shells.
            ('(', Some('(')) | ('&', Some('>')) => return Err(SIGNS),
            _ => {}
        }
        match c {
            '>' => drop(self.also(&['>', '|', '&'])),
            '<' => drop(self.also(&['<', '>', '&'])),
            '\n' => self.has_command = false,
            '(' if self.has_command => return Err(SIGNS),
            '(' => self.wants_command = true,
            ')' if self.wants_command => return Err(HALF),
            ')' => self.has_command = true,
            _ if !self.has_command => return Err(HALF),
            c => {
                let twice = self.also(&[c]);
                self.wants_command = c == '|' || c == '&' && twice;
                self.has_command = false;
                if c == '|' && !twice {
                    self.also(&['&']);
                }
                if c == ';' && twice {
                    return Err(HALF);
                }
            }
        }
        Ok(())
    }

    fn single(&mut self) -> Result<(), Unsure> {
        self.word.get_or_insert_default();
        self.quoted = true;
        loop {
            match self.next().ok_or(OPEN)? {
                '\'' => return Ok(()),
                // fish reads an escape there.
                '\\' if matches!(self.peek(), Some('\'' | '\\')) => return Err(SIGNS),
                c => self.push(c),
            }
        }
    }

    fn double(&mut self) -> Result<(), Unsure> {
        self.word.get_or_insert_default();
        self.quoted = true;
        loop {
            match self.next().ok_or(OPEN)? {
                '"' => return Ok(()),
                '$' | '`' => return Err(EXPANDS),
                '!' => return Err(SIGNS),
                '\\' => match self.next().ok_or(OPEN)? {
                    c @ ('"' | '\\' | '$' | '`') => self.push(c),
                    _ => return Err(SIGNS),
                },
                c => self.push(c),
            }
        }
    }

    /// A backslash before a letter is an escape in fish, and at the end of a line it joins two.
    fn escape(&mut self) -> Result<(), Unsure> {
        match self.next() {
            Some(c) if c == ' ' || c.is_ascii_punctuation() => {
                self.quoted = true;
                self.push(c);
                Ok(())
            }
            _ => Err(SIGNS),
        }
    }
}
