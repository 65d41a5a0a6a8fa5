//! What a command makes of its words: arguments that are data, or text that is read once more.

use super::conditions::{is_plain_condition, is_plain_printf, is_plain_test, may_be_set};
use super::lexer::OPENERS;
use super::names::{
    COMMAND_OPTIONS, GIT_COMMANDS, GIT_OPTIONS, GIT_WRITES, OPTIONS_HARM, OPTIONS_RUN, PACKAGE_COMMANDS, READERS,
    WITH_OPERAND, WRAPPERS, is_interpreter, takes_code,
};
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
    /// As an argument that may be taken for an option that runs something.
    Option,
    /// As an argument that may be taken for an option; a warning.
    OptionLike,
}

/// The values that are no mere data, each with its reason.
pub(super) fn found(parsed: &Parsed) -> Vec<(Hole, Reason)> {
    let mut found: Vec<(Hole, Reason)> = Vec::new();
    for command in &parsed.commands {
        for (word, reason) in judge(command, &Word::has_value) {
            found.extend(word.all_holes().map(|hole| (hole, reason)));
        }
    }
    let kept = keeps(parsed) && reads_kept(parsed) || writes(parsed) && reads_files(parsed);
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
    parsed.functions
        || parsed.commands.iter().any(|command| {
            let name = command.words.first().and_then(Word::program);
            let reads = matches!(name, Some("read" | "readarray" | "mapfile" | "getopts"));
            let sets = matches!(name, Some("set" | "export" | "readonly" | "local" | "for" | "printf"));
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

/// Whether something in it reads once more what a variable holds.
fn reads_kept(parsed: &Parsed) -> bool {
    parsed.calculates
        || parsed.commands.iter().any(|command| {
            let live = |word: &Word| word.expands() || word.has_value();
            let Head { at, name, .. } = head(command);
            // A variable of that kind calculates what it is given.
            let option = || command.words.iter().skip(at).any(|word| word.text.starts_with('-') || word.has_value());
            let numbers = matches!(name, Some("integer" | "float" | "let"))
                || matches!(name, Some("declare" | "typeset" | "local")) && option();
            if numbers {
                return true;
            }
            judge(command, &live).iter().any(|(_, reason)| !matches!(reason, Reason::OptionLike | Reason::Option))
                || matches!(head(command).name, Some("make" | "gmake" | "bmake" | "tmux"))
        })
}

/// Whether a command runs what other commands print or variables hold.
fn evaluates(command: &Simple) -> bool {
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
        _ => interpreters(command).any(|rest| code(rest, &|_| false) == Code::Input),
    }
}

/// Programs that run what they read.
const FED: &[&str] = &["ssh", "rsh", "su", "gdb", "nc", "ncat", "socat", "m4", "psql", "mysql", "mariadb", "sqlite3"];

/// The command that a simple command comes down to.
struct Head<'a> {
    /// Its place among the words.
    at: usize,
    /// Its name, where its author wrote it.
    name: Option<&'a str>,
    /// It may also be the word behind, since an option before it may have taken a word.
    doubtful: bool,
}

/// Goes past `sudo`, `env` and the like.
fn head(command: &Simple) -> Head<'_> {
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
fn interpreters(command: &Simple) -> impl Iterator<Item = &[Word]> {
    let at = |(at, word): (usize, &Word)| word.program().filter(|name| is_interpreter(name)).map(|_| at + 1);
    command.words.iter().enumerate().filter_map(at).filter_map(|at| command.words.get(at..))
}

/// What an interpreter runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Code {
    /// A word of its author's, or a file of that name; what stands behind are its arguments.
    Named,
    /// A word that is not all its author's, or one that can't be told apart from it.
    Doubtful,
    /// What it reads from its input.
    Input,
}

fn code(words: &[Word], is: &dyn Fn(&Word) -> bool) -> Code {
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
                // More code may follow, by another option.
                let again = words.windows(2).any(|pair| match pair {
                    [option, code] => option.text.starts_with('-') && takes_code(&option.text) && is(code),
                    _ => false,
                });
                // Its author's code may read its arguments once more: `$(($1))`, `eval "$1"`.
                let again = again || code.is_some_and(|code| reads_arguments(&code.text)) && words.iter().any(is);
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
        "trap",
        "`",
    ];
    SIGNS.iter().any(|sign| code.contains(sign))
}

/// Programs that calculate or run what their arguments hold, wherever they stand among the words.
const ANYWHERE: &[&str] = &["make", "gmake", "bmake", "eval", "xargs"];

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
        let reads = match code(behind, is) {
            Code::Named => continue,
            Code::Doubtful => behind,
            Code::Input => &[],
        };
        let fed = command.redirections.iter().chain(reads);
        found.extend(fed.filter(|word| is(word)).map(|word| (word, Reason::Reader)));
    }
    // Nobody knows what it is: perhaps `$SHELL`.
    let last = rest.first().map_or("", |word| word.text.rsplit('/').next().unwrap_or_default());
    if last.contains(EXPANSION) {
        let given = arguments.iter().chain(&command.redirections);
        found.extend(given.filter(|word| is(word)).map(|word| (word, Reason::Reader)));
    }
    let inner = command.words.iter().position(|word| word.program().is_some_and(|name| ANYWHERE.contains(&name)));
    if let Some(inner) = inner {
        let behind = command.words.iter().skip(inner + 1);
        found.extend(behind.filter(|word| is(word)).map(|word| (word, Reason::Reader)));
    }
    found.extend(after_command_options(arguments).filter(|word| is(word)).map(|word| (word, Reason::Reader)));
    // A program in a folder of the project's is its author's own.
    let own = rest.first().is_some_and(|word| word.text.contains('/') && !word.text.starts_with('/'));
    if let Some(name) = name.filter(|_| !own) {
        found.extend(arguments_of(name, command, arguments, is));
    }
    found
}

fn arguments_of<'a>(
    name: &str,
    command: &'a Simple,
    arguments: &'a [Word],
    is: &dyn Fn(&Word) -> bool,
) -> Vec<(&'a Word, Reason)> {
    let all = |reason: Reason| arguments.iter().filter(|word| is(word)).map(|word| (word, reason)).collect::<Vec<_>>();
    match name {
        "[" | "test" if is_plain_test(arguments, is) => Vec::new(),
        "[[" if is_plain_condition(arguments, is) => Vec::new(),
        "[" | "test" | "[[" => all(Reason::Reader),
        "printf" if is_plain_printf(arguments) => Vec::new(),
        "printf" => all(Reason::Reader),
        "set" => arguments
            .iter()
            .enumerate()
            .filter(|(_, word)| is(word))
            .filter(|(at, _)| !may_be_set(&arguments[..*at]))
            .map(|(_, word)| (word, Reason::Reader))
            .collect(),
        "export" | "readonly" => arguments
            .iter()
            .filter(|word| is(word))
            .filter(|word| {
                let options = arguments.iter().any(|word| word.text.starts_with('-'));
                options || word.assigned().is_none_or(steers)
            })
            .map(|word| (word, Reason::Variable))
            .collect(),
        // What stands behind `for` is the name of a variable.
        "for" => arguments.iter().take(1).filter(|word| is(word)).map(|word| (word, Reason::Command)).collect(),
        "git" => git(arguments, is),
        "tmux" if names_in_tmux(arguments) => Vec::new(),
        // It types, decides and starts; a message is a message.
        "tmuxagent" if !names(arguments, &["notify"]) => all(Reason::Reader),
        "tar" | "gtar" | "bsdtar" if names(arguments, &["-I"]) => all(Reason::Reader),
        "find" => find(arguments, is),
        "npm" | "pnpm" | "yarn" if names(arguments, PACKAGE_COMMANDS) => all(Reason::Reader),
        "docker" | "podman" | "nerdctl" | "kubectl" | "oc" | "docker-compose" if names(arguments, &["exec"]) => {
            in_container(arguments, is)
        }
        "curl" | "docker" | "podman" | "kubectl" | "helm" => {
            // Behind an option stands what belongs to it.
            let plain = |at: usize| at == 0 || arguments.get(at - 1).is_none_or(|before| !before.text.starts_with('-'));
            let free = arguments.iter().enumerate().filter(|(at, _)| plain(*at)).map(|(_, word)| word);
            free.filter(|word| is(word) && word.begins_with_value()).map(|word| (word, Reason::OptionLike)).collect()
        }
        "sed" | "gsed" | "awk" | "gawk" | "mawk" | "nawk" => script(arguments, is),
        _ if READERS.contains(&name) => {
            command.all_words().filter(|word| is(word)).map(|word| (word, Reason::Reader)).collect()
        }
        _ if OPTIONS_RUN.contains(&name) => options(arguments, is, Reason::Option),
        _ if OPTIONS_HARM.contains(&name) => options(arguments, is, Reason::OptionLike),
        _ => Vec::new(),
    }
}

/// The values that stand in names and messages of tmux, which reads `#(…)` in them unless its own quoting is put in.
pub(super) fn tmux_names(parsed: &Parsed) -> Vec<Hole> {
    let named = |command: &&Simple| {
        let Head { at, name, .. } = head(command);
        name == Some("tmux") && command.words.get(at + 1..).is_some_and(names_in_tmux)
    };
    parsed.commands.iter().filter(named).flat_map(Simple::all_words).flat_map(|word| word.holes.clone()).collect()
}

/// Whether the arguments of `tmux` give something a name, or show a message, and do nothing else.
fn names_in_tmux(arguments: &[Word]) -> bool {
    const NAMING: &[&str] = &["rename-window", "renamew", "rename-session", "rename", "display-message", "display"];
    let takes_word = |word: &Word| matches!(word.text.as_str(), "-L" | "-S" | "-f");
    let mut words = arguments.iter();
    let verb = loop {
        match words.next() {
            Some(word) if takes_word(word) => drop(words.next()),
            Some(word) if word.text.starts_with('-') => {}
            other => break other,
        }
    };
    let one = !arguments.iter().any(|word| word.text.ends_with(';') || !word.inner.is_empty());
    one && verb.and_then(Word::literal).is_some_and(|verb| NAMING.contains(&verb))
}

/// Arguments that may be taken for options: those that a value begins, before a `--`.
fn options<'a>(arguments: &'a [Word], is: &dyn Fn(&Word) -> bool, reason: Reason) -> Vec<(&'a Word, Reason)> {
    let before = arguments.iter().take_while(|word| word.text != "--");
    before.filter(|word| is(word) && word.begins_with_value()).map(|word| (word, reason)).collect()
}

/// Whether one of these words is among the arguments.
fn names(arguments: &[Word], known: &[&str]) -> bool {
    arguments.iter().any(|word| word.literal().is_some_and(|text| known.contains(&text)))
}

/// The arguments that are commands because of an option.
fn after_command_options(arguments: &[Word]) -> impl Iterator<Item = &Word> {
    arguments.iter().enumerate().filter_map(|(at, word)| {
        let (option, value) =
            word.text.split_once('=').map_or((word.text.as_str(), false), |(option, _)| (option, true));
        let known = COMMAND_OPTIONS.contains(&option);
        if known && value { Some(word) } else { known.then(|| arguments.get(at + 1)).flatten() }
    })
}

/// `docker exec` and the like: a value stands behind the container and the command, whose names are its author's.
fn in_container<'a>(arguments: &'a [Word], is: &dyn Fn(&Word) -> bool) -> Vec<(&'a Word, Reason)> {
    const WITHOUT_WORD: &[&str] = &["-i", "-t", "-it", "-ti", "-d", "-T", "--tty", "--interactive", "--stdin"];
    let from = arguments.iter().position(|word| word.text == "exec").unwrap_or_default();
    let mut missing = 2_usize;
    let mut found = Vec::new();
    for word in arguments.iter().skip(from + 1) {
        match word.text.as_str() {
            "--" => missing = 1,
            _ if missing > 0 && is(word) => found.push((word, Reason::Command)),
            text if missing > 0 && text.starts_with('-') => {
                missing += usize::from(!WITHOUT_WORD.contains(&text) && !text.contains('='));
            }
            _ => missing = missing.saturating_sub(1),
        }
    }
    found
}

/// `find`: a value is the operand of a test, or a part of a path.
fn find<'a>(arguments: &'a [Word], is: &dyn Fn(&Word) -> bool) -> Vec<(&'a Word, Reason)> {
    let mut before = "";
    let mut found = Vec::new();
    for word in arguments {
        let runs = matches!(before, "-exec" | "-execdir" | "-ok" | "-okdir");
        if is(word) && (runs || word.begins_with_value() && !before.starts_with('-')) {
            found.push((word, if runs { Reason::Command } else { Reason::Option }));
        }
        before = &word.text;
    }
    found
}

/// `sed` and `awk`: the first operand is a script; a value is a part of the name of a file behind it.
fn script<'a>(arguments: &'a [Word], is: &dyn Fn(&Word) -> bool) -> Vec<(&'a Word, Reason)> {
    let all = || arguments.iter().filter(|word| is(word)).map(|word| (word, Reason::Reader)).collect();
    let option = |word: &Word| word.text.starts_with('-');
    if arguments.iter().any(|word| option(word) && !matches!(word.text.as_str(), "-n" | "-r" | "-E" | "-i" | "--")) {
        return all();
    }
    let Some(at) = arguments.iter().position(|word| !option(word)) else { return Vec::new() };
    let (before, files) = arguments.split_at(at + 1);
    if before.iter().any(is) {
        return all();
    }
    if before.iter().any(|word| word.text == "--") { Vec::new() } else { options(files, is, Reason::Option) }
}

fn git<'a>(arguments: &'a [Word], is: &dyn Fn(&Word) -> bool) -> Vec<(&'a Word, Reason)> {
    let any = |known: &[&str]| arguments.iter().any(|word| word.literal().is_some_and(|text| known.contains(&text)));
    let folder =
        |at: usize| at.checked_sub(1).and_then(|before| arguments.get(before)).is_some_and(|word| word.text == "-C");
    let mut operands = arguments.iter().enumerate().filter(|(at, word)| !word.text.starts_with('-') && !folder(*at));
    if any(GIT_COMMANDS) || operands.next().is_some_and(|(_, word)| is(word)) {
        return arguments.iter().filter(|word| is(word)).map(|word| (word, Reason::Reader)).collect();
    }
    if any(GIT_OPTIONS) {
        options(arguments, is, Reason::Option)
    } else if any(GIT_WRITES) {
        options(arguments, is, Reason::OptionLike)
    } else {
        Vec::new()
    }
}
