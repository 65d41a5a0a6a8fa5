//! A command line as a list of simple commands of which every word is known.
//!
//! **Invariant:** what cannot be known for certain from the text alone is refused. The text is read twice, by the lexer
//! and by [`super::certain`]; where they do not find the same words nothing is known.

use super::certain::{EXPANDS, GLOBS, Reading, words};
use super::lexer::{Unsure, parse};
use super::words::{Item, Parsed, Simple, Word};

/// The deepest nesting of `sh -c` within `sh -c`.
const DEEPEST: usize = 3;

const BODIES: Unsure = "a loop, a condition, a function or another word of the shell";
const ASSIGNS: Unsure = "a variable that is set";
const FILES: Unsure = "input from a file or a text, or output into a file";
const NOTHING: Unsure = "no command";
const NESTED: Unsure = "so many commands within commands";

/// Every simple command of a text, word by word: of pipelines, chains and `( … )`, and of a text behind `sh -c` in place of
/// that shell.
///
/// # Errors
/// What is in doubt.
pub(crate) fn plain_commands(text: &str) -> Result<Vec<Vec<String>>, Unsure> {
    let mut found = Vec::new();
    collect(text, 0, &mut found)?;
    if found.is_empty() { Err(NOTHING) } else { Ok(found) }
}

fn collect(text: &str, depth: usize, found: &mut Vec<Vec<String>>) -> Result<(), Unsure> {
    if depth > DEEPEST {
        return Err(NESTED);
    }
    let mut seen = words(text, Reading::Command)?;
    let items: Vec<Item> = text.chars().map(Item::Char).collect();
    let parsed = parse(&items)?;
    if !is_plain(&parsed) {
        return Err(EXPANDS);
    }
    let of_lexer = parsed.commands.iter().flat_map(Simple::all_words);
    let mut known: Vec<&str> = of_lexer.map(|word| word.text.as_str()).collect();
    seen.sort_unstable();
    known.sort_unstable();
    // The lexer passes over `if`, `do`, `{` and the like.
    if seen != known {
        return Err(BODIES);
    }
    for command in &parsed.commands {
        let plain = literal(command)?;
        match code(&plain) {
            Some(text) => collect(text, depth + 1, found)?,
            None => found.push(plain),
        }
    }
    Ok(())
}

fn is_plain(parsed: &Parsed) -> bool {
    let runs = parsed.captures || parsed.processes || parsed.feeds || parsed.calculates || parsed.unusual;
    !runs && parsed.functions.is_empty() && parsed.numbers.is_empty()
}

/// The words of a simple command, where they are all that there is to it.
fn literal(command: &Simple) -> Result<Vec<String>, Unsure> {
    if command.subject {
        return Err(BODIES);
    }
    if !command.assignments.is_empty() || command.words.is_empty() {
        return Err(ASSIGNS);
    }
    if !redirects_nowhere(command) {
        return Err(FILES);
    }
    let plain = |word: &Word| if word.splits { Err(GLOBS) } else { word.literal().map(str::to_owned).ok_or(EXPANDS) };
    command.words.iter().map(plain).collect()
}

/// Whether all that its redirections name is `/dev/null` or a descriptor.
fn redirects_nowhere(command: &Simple) -> bool {
    let null = |word: &Word| word.literal() == Some("/dev/null");
    let descriptor = |word: &Word| !command.input && matches!(word.literal(), Some("1" | "2"));
    !command.doubtful
        && command.files.is_empty()
        && command.named.len() == command.redirections.len()
        && command.named.iter().all(|word| null(word) || descriptor(word))
}

/// The text that a shell is given to run, where it is given nothing else.
fn code(words: &[String]) -> Option<&str> {
    const SHELLS: &[&str] = &["sh", "bash", "zsh", "/bin/sh", "/bin/bash", "/bin/zsh", "/usr/bin/bash", "/usr/bin/zsh"];
    match words {
        [shell, option, text] if SHELLS.contains(&shell.as_str()) && matches!(option.as_str(), "-c" | "-lc") => {
            Some(text)
        }
        _ => None,
    }
}
