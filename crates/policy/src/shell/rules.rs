//! What a command makes of its words: arguments that are data, or text that is read once more.

use super::builtins::{Builtin, builtin};
use super::files::{is_code_at, written_places};
use super::heads::{Code, Head, code, head, interpreters};
use super::lasting::lasting;
use super::lexer::OPENERS;
use super::names::{OPTIONS_RUN, READERS, WRAPPERS, is_interpreter, takes_code};
use super::numbers::declares_numbers;
use super::programs::{ANYWHERE, after_command_options, arguments_of, names_what_runs};
use super::variables::steers;
use super::words::{EXPANSION, Hole, Parsed, Simple, Word};

/// Why a value can't stand where it stands, or had better not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reason {
    /// As the name of the command.
    Command,
    /// As the content of a variable that steers a shell or program.
    Variable,
    /// In an argument or input that is read once more.
    Reader,
    /// It is kept, and something else in the command reads once more what was kept.
    Kept,
    /// It would be written into a file that is run.
    File,
    /// It would stay in the shell of the pane behind the command.
    Lasting,
    /// Attached to an option of a program whose options run something.
    Option,
    /// Free text where nothing proves that it is data.
    Unproved,
    /// What may be the name of a file or program, where it is neither proved to be data nor a direct argument.
    Word,
    /// Free text for a program of which nothing is known.
    Unknown,
}

/// The values that are no mere data, each with its reason. `lasts`: the shell goes on behind the command.
pub(super) fn found(parsed: &Parsed, lasts: bool) -> Vec<(Hole, Reason)> {
    let mut found: Vec<(Hole, Reason)> = Vec::new();
    for command in &parsed.commands {
        for (word, reason) in judge(command, &Word::has_value) {
            found.extend(word.all_holes().map(|hole| (hole, reason)));
        }
    }
    let code = written_places(parsed).filter(|(_, place)| is_code_at(place));
    found.extend(code.map(|(hole, _)| (hole, Reason::File)));
    if lasts {
        found.extend(lasting(parsed).into_iter().map(|hole| (hole, Reason::Lasting)));
    }
    let kept = keeps(parsed) && reads_kept(parsed, true) || writes(parsed) && reads_files(parsed);
    if kept || parsed.commands.iter().any(evaluates) {
        found.extend((0..parsed.places.len()).map(|hole| (hole, Reason::Kept)));
    }
    found.sort_unstable();
    found.dedup_by_key(|(hole, _)| *hole);
    found
}

/// Whether values are kept where other commands find them: in variables, in arguments of functions.
fn keeps(parsed: &Parsed) -> bool {
    let values = |words: &[Word]| words.iter().any(Word::has_value);
    !parsed.functions.is_empty()
        || parsed.commands.iter().any(|command| {
            let name = head(command).name;
            let reads = matches!(name, Some("read" | "readarray" | "mapfile" | "getopts"));
            let matches = name == Some("[[") && command.words.iter().any(|word| word.text == "=~");
            let kind = name.and_then(builtin);
            let sets = matches || matches!(kind, Some(Builtin::Keeps | Builtin::Reads)) || name == Some("printf");
            values(&command.assignments) || reads || sets && values(&command.words)
        })
}

/// Whether values may end in files: something with them is written somewhere.
fn writes(parsed: &Parsed) -> bool {
    let names_file = |name: &str| matches!(name, "tee" | "sponge" | "dd" | "cp" | "install" | "split" | "csplit");
    !parsed.places.is_empty()
        && parsed.commands.iter().any(|command| {
            !command.redirections.is_empty() || command.words.iter().filter_map(Word::program).any(names_file)
        })
}

/// Whether something in it runs what stands in a file.
fn reads_files(parsed: &Parsed) -> bool {
    parsed.commands.iter().any(|command| {
        matches!(head(command).name, Some("source" | "." | "at" | "batch" | "crontab" | "make" | "gmake" | "bmake"))
            || interpreters(command).any(|rest| !names_code(rest))
    })
}

/// Whether an interpreter is given its code on the command line, and so reads no file for it.
fn names_code(rest: &[Word]) -> bool {
    rest.first().is_some_and(|word| word.text.starts_with('-') && takes_code(&word.text))
}

/// Whether something in it reads once more what a variable holds; `environment`: also one that programs see.
pub(super) fn reads_kept(parsed: &Parsed, environment: bool) -> bool {
    parsed.calculates
        || parsed.commands.iter().any(|command| {
            let live = |word: &Word| word.expands() || word.has_value();
            let Head { at, name, .. } = head(command);
            // A variable of that kind calculates what it is given.
            let option = || command.words.iter().skip(at).any(|word| word.text.starts_with('-') || word.has_value());
            let numbers = matches!(name, Some("integer" | "float" | "let"))
                || matches!(name, Some("declare" | "typeset" | "local")) && option();
            if numbers || declares_numbers(command) {
                return true;
            }
            let makes = |name| matches!(name, "make" | "gmake" | "bmake" | "tmux" | "just");
            judge(command, &live).iter().any(|(_, reason)| *reason != Reason::Option)
                || environment && command.words.iter().filter_map(Word::program).any(makes)
        })
}

/// Whether a command runs what other commands print or variables hold.
pub(super) fn evaluates(command: &Simple) -> bool {
    let Head { at, name, .. } = head(command);
    let words = command.words.get(at..).unwrap_or_default();
    let fed = command.piped || command.input;
    match name {
        Some("eval" | "source" | "." | "trap") => words.iter().any(Word::expands),
        Some("xargs" | "gxargs" | "parallel" | "at" | "batch" | "crontab" | "dc" | "ed" | "ex" | "entr") => true,
        // Also behind what starts it elsewhere: `docker exec -i db psql`.
        _ if fed && command.words.iter().filter_map(Word::program).any(|name| FED.contains(&name)) => true,
        // Nobody knows what it is: perhaps `$SHELL`.
        None if fed && words.first().is_some_and(|word| word.text.contains(EXPANSION)) => true,
        _ => interpreters(command).any(|rest| code(command, rest, &|_| false) == Code::Input),
    }
}

/// Programs that run what they read.
const FED: &[&str] = &["ssh", "rsh", "su", "gdb", "nc", "ncat", "socat", "m4", "psql", "mysql", "mariadb", "sqlite3"];

/// The words of a command that are no mere data, among those that `is` names.
fn judge<'a>(command: &'a Simple, is: &dyn Fn(&Word) -> bool) -> Vec<(&'a Word, Reason)> {
    let mut found: Vec<(&Word, Reason)> = Vec::new();
    let steered = |word: &&Word| is(word) && word.assigned().is_some_and(steers);
    found.extend(command.assignments.iter().filter(steered).map(|word| (word, Reason::Variable)));
    let Head { at, name, doubtful } = head(command);
    let (before, rest) = command.words.split_at(at.min(command.words.len()));
    for word in before.iter().filter(|word| is(word)) {
        let reason = if word.assigned().is_some_and(|name| !steers(name)) { None } else { Some(Reason::Command) };
        found.extend(reason.map(|reason| (word, reason)));
    }
    let reach = if doubtful { 2 } else { 1 };
    let opens = name.is_some_and(|name| at > 0 && (OPENERS.contains(&name) || matches!(name, "[[" | "case" | "for")));
    let commands = rest.iter().take(if opens { rest.len() } else { reach });
    found.extend(commands.filter(|word| is(word)).map(|word| (word, Reason::Command)));
    let arguments = rest.get(1..).unwrap_or_default();
    for behind in interpreters(command) {
        let fed = match code(command, behind, is) {
            Code::Named => continue,
            // By its arguments or its environment.
            Code::Doubtful => {
                let given = before.iter().filter(|word| word.assigned().is_some());
                command.assignments.iter().chain(given).chain(&command.redirections).chain(behind).collect()
            }
            Code::Input => command.redirections.iter().collect::<Vec<_>>(),
        };
        found.extend(fed.into_iter().filter(|word| is(word)).map(|word| (word, Reason::Reader)));
    }
    // Nobody knows what it is: perhaps `$SHELL`.
    let last = rest.first().map_or("", |word| word.text.rsplit('/').next().unwrap_or_default());
    if last.contains(EXPANSION) {
        let given = arguments.iter().chain(&command.redirections);
        found.extend(given.filter(|word| is(word)).map(|word| (word, Reason::Reader)));
    }
    for (at, name) in inner_readers(command, at) {
        let behind = command.words.get(at + 1..).unwrap_or_default();
        if matches!(name, "awk" | "gawk" | "sed" | "find" | "git" | "docker" | "podman" | "kubectl") {
            found.extend(arguments_of(name, command, behind, is));
        } else {
            let given = command.assignments.iter().chain(behind);
            found.extend(given.filter(|word| is(word)).map(|word| (word, Reason::Reader)));
        }
    }
    for words in [arguments, command.words.get(1..).unwrap_or_default()] {
        found.extend(names_what_runs(words, is).into_iter().map(|word| (word, Reason::Command)));
    }
    found.extend(after_command_options(arguments).filter(|word| is(word)).map(|word| (word, Reason::Reader)));
    // A program in a folder of the project's is its author's own.
    let path = rest.first().map_or("", |word| word.text.as_str());
    let own = path.contains('/') && !path.starts_with('/');
    if let Some(name) = name.filter(|_| !own) {
        found.extend(arguments_of(name, command, arguments, is));
    }
    found
}

/// Programs behind the first one that would read a value once more: `find -exec ssh`, `docker exec c psql`.
fn inner_readers(command: &Simple, at: usize) -> impl Iterator<Item = (usize, &str)> {
    let named = command.words.iter().enumerate().skip(at + 1).filter_map(|(at, word)| Some((at, word.program()?)));
    named.filter(|(_, name)| ANYWHERE.contains(name))
}

/// Whether a program of that name runs what it is given, wherever it lies.
pub(super) fn runs_what_it_is_given(name: &str) -> bool {
    let listed = [READERS, OPTIONS_RUN, ANYWHERE].iter().any(|list| list.contains(&name));
    listed || is_interpreter(name) || WRAPPERS.iter().any(|(known, _)| *known == name)
}
