//! What a command comes down to: the program behind `sudo` and the like, and the code that a shell or language is given.

use super::builtins::{Builtin, builtin};
use super::lexer::parse;
use super::names::{WITH_OPERAND, WRAPPERS, is_interpreter, takes_code};
use super::rules::{evaluates, reads_kept};
use super::words::{Item, Parsed, Simple, Word};

/// The command that a simple command comes down to.
pub(super) struct Head<'a> {
    /// Its place among the words.
    pub at: usize,
    /// Its name, where its author wrote it.
    pub name: Option<&'a str>,
    /// It may also be the word behind, since an option before it may have taken a word.
    pub doubtful: bool,
}

/// Goes past `sudo`, `env` and the like.
pub(super) fn head(command: &Simple) -> Head<'_> {
    let words = &command.words;
    let program = |at: usize| words.get(at).and_then(Word::program);
    let (mut at, mut doubtful) = (0, false);
    while let Some((wrapper, letters)) = program(at).and_then(|name| WRAPPERS.iter().find(|(known, _)| *known == name))
    {
        at += 1;
        let mut operand = WITH_OPERAND.contains(wrapper);
        while let Some(word) = words.get(at) {
            if *wrapper == "env" && word.assigned().is_some() {
                at += 1;
                continue;
            }
            let Some(text) = word.literal() else { break };
            if text == "--" {
                at += 1;
            } else if let Some(option) = text.strip_prefix("--") {
                doubtful |= !option.contains('=');
                at += 1;
            } else if let Some(option) = text.strip_prefix('-').filter(|option| !option.is_empty()) {
                // A letter that takes a word, at the end of its group, takes the next one.
                at += if option.ends_with(|c| letters.contains(c)) { 2 } else { 1 };
            } else if operand {
                operand = false;
                at += 1;
            } else {
                break;
            }
        }
    }
    Head { at, name: program(at), doubtful }
}

/// What stands behind each shell or language that is named among the words.
pub(super) fn interpreters(command: &Simple) -> impl Iterator<Item = &[Word]> {
    let at = |(at, word): (usize, &Word)| word.program().filter(|name| is_interpreter(name)).map(|_| at + 1);
    command.words.iter().enumerate().filter_map(at).filter_map(|at| command.words.get(at..))
}

/// What an interpreter runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Code {
    /// A word of its author's, or a file of that name; what stands behind are its arguments.
    Named,
    /// A word that is not all its author's, or one that can't be told apart from it.
    Doubtful,
    /// What it reads from its input.
    Input,
}

pub(super) fn code(command: &Simple, words: &[Word], is: &dyn Fn(&Word) -> bool) -> Code {
    let mut at = 0;
    // Options that take a word in some of them.
    let takes_word = |option: &str| {
        matches!(option, "-o" | "-O" | "+o" | "+O" | "-W" | "-X" | "-I" | "-M" | "-f" | "--rcfile" | "--init-file")
    };
    while let Some(word) = words.get(at) {
        let next = words.get(at + 1);
        let operand = next.is_some_and(|next| !next.text.starts_with('-'));
        match word.text.as_str() {
            _ if is(word) => return Code::Doubtful,
            "-s" | "-" | "--stdin" => return Code::Input,
            // Modules that run what they are given, or their input.
            "-m" if next.is_some_and(|next| MODULES.contains(&next.text.as_str())) => {
                return if words.iter().any(is) { Code::Doubtful } else { Code::Input };
            }
            // A module of Python, or an option of a shell.
            "-m" if operand => return if next.is_some_and(is) { Code::Doubtful } else { Code::Named },
            option if takes_word(option) && operand => {
                if next.is_some_and(is) {
                    return Code::Doubtful;
                }
                at += 1;
            }
            option if option.starts_with('-') && takes_code(option) => {
                let code = if option.starts_with("--") && option.contains('=') { Some(word) } else { next };
                let code = if code.is_some_and(|code| code.text == "--") { words.get(at + 2) } else { code };
                // More code may follow, by another option.
                let again = words.windows(2).any(|pair| match pair {
                    [option, code] => option.text.starts_with('-') && takes_code(&option.text) && is(code),
                    _ => false,
                });
                // Its author's code may read its arguments or environment once more: `$(($1))`, `eval "$V"`.
                let arguments = words.iter().any(is);
                let environment =
                    command.assignments.iter().chain(&command.words).any(|word| is(word) && word.assigned().is_some());
                let given = arguments || environment;
                let again = again || given && code.is_some_and(|code| reads_given(code, environment));
                return if code.is_none_or(is) || again { Code::Doubtful } else { Code::Named };
            }
            option if option.starts_with(['-', '+']) => {}
            "eval" => return if next.is_none_or(is) { Code::Doubtful } else { Code::Named },
            _ => return Code::Named,
        }
        at += 1;
    }
    Code::Input
}

/// Modules of Python that run their arguments or input.
const MODULES: &[&str] = &["timeit", "pdb", "code", "cProfile", "profile", "trace", "runpy"];

/// Whether code reads once more what it is given.
fn reads_given(code: &Word, environment: bool) -> bool {
    if environment && ["make", "just"].iter().any(|name| code.text.contains(name)) || reads_arguments(&code.text) {
        return true;
    }
    let items: Vec<Item> = code.text.chars().map(Item::Char).collect();
    // What is no shell language, or too much of it, is judged by its words alone.
    let kept = |parsed: &Parsed| {
        let passes = |command: &Simple| command.all_words().any(Word::expands) && keeps(command);
        let environment = environment || parsed.commands.iter().any(passes);
        reads_kept(parsed, environment) || parsed.commands.iter().any(evaluates)
    };
    code.literal().is_some() && parse(&items).is_ok_and(|parsed| kept(&parsed))
}

/// Whether a command may put something into the environment of others.
fn keeps(command: &Simple) -> bool {
    !command.assignments.is_empty() || head(command).name.is_some_and(|name| builtin(name) == Some(Builtin::Keeps))
}

/// Whether code holds something that reads once more what it is given, as far as its text tells.
fn reads_arguments(code: &str) -> bool {
    const SIGNS: &[&str] = &[
        "eval",
        "((",
        "[[",
        "let ",
        "declare",
        "typeset",
        "printf -v",
        "source ",
        ". ",
        "exec",
        "system",
        "subprocess",
        "popen",
        "spawn",
        "child_process",
        "open(",
        "<>",
        "qx",
        "%x",
        "trap",
        "`",
    ];
    SIGNS.iter().any(|sign| code.contains(sign))
}
