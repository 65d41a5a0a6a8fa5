//! Commands that end the shell which reads them, or make it end.

use super::lexer::parse;
use super::words::Item;
use crate::template::{Piece, pieces};

/// Stands for the number of the shell's own process; no character, so no author's word holds it.
const SHELL: &str = "\u{fdd4}";
/// Stands for the number of the process that runs the command: the shell's own, or that of its `( … )`.
const PROCESS: &str = "\u{fdd5}";
/// How shells name these numbers.
const NUMBERS: [(&str, &str); 5] =
    [("${BASHPID}", PROCESS), ("$BASHPID", PROCESS), ("$fish_pid", SHELL), ("${$}", SHELL), ("$$", SHELL)];
/// Words behind which a builtin of the shell is still one.
const BEFORE_BUILTINS: [&str; 6] = ["builtin", "command", "time", "noglob", "nocorrect", "-"];
/// The deepest nesting of `eval` within `eval`.
const DEEPEST: usize = 3;
/// Signals that end no shell: it looks whether somebody is there, goes on, stops, draws anew or begins a new line.
const HARMLESS: [&str; 23] = [
    "0", "INT", "2", "QUIT", "3", "CHLD", "17", "CONT", "18", "STOP", "19", "TSTP", "20", "TTIN", "21", "TTOU", "22",
    "URG", "23", "WINCH", "28", "INFO", "EXIT",
];

/// The word by which a command ends the shell that reads it, or makes it end: `exit`, `exec`, `logout`, `return`,
/// `set -e`, `kill` of the shell itself; also behind `eval`, `command` and the like, and in a `trap`. What cannot be
/// followed is not found.
pub(crate) fn ends_shell(command: &str) -> Option<&'static str> {
    let text = pieces(command).into_iter().map(|piece| match piece {
        Piece::Text(text) => text.to_owned(),
        Piece::Name(..) | Piece::Unclosed(_) => "x".to_owned(),
    });
    let text = NUMBERS.iter().fold(text.collect::<String>(), |text, (name, number)| text.replace(*name, number));
    found_in(&text, true, 0)
}

/// `own`: the text is read by the shell itself and not by one that it starts for `( … )`, `$( … )` or a pipe.
fn found_in(text: &str, own: bool, depth: usize) -> Option<&'static str> {
    if depth > DEEPEST {
        return None;
    }
    let items: Vec<Item> = text.chars().map(Item::Char).collect();
    let parsed = parse(&items).ok()?;
    // In a function `return` is its end alone.
    let returns = parsed.functions.is_empty();
    parsed.commands.iter().find_map(|command| {
        let words: Vec<&str> = command.words.iter().map(|word| word.text.as_str()).collect();
        let own = own && !command.bracketed && !command.captured && !command.piped;
        ends(behind_prefixes(&words), own, depth).filter(|word| returns || *word != "return")
    })
}

fn ends(words: &[&str], own: bool, depth: usize) -> Option<&'static str> {
    let (name, arguments) = words.split_first()?;
    match *name {
        // `$$` is the pane's shell in brackets too.
        "kill" => kills_itself(arguments, own).then_some("kill"),
        "eval" => found_in(&arguments.join(" "), own, depth + 1),
        "trap" => trapped(arguments).and_then(|text| found_in(text, own, depth + 1)),
        _ if !own => None,
        "exit" => Some("exit"),
        "logout" => Some("logout"),
        // Plain shells end by it and zsh leaves the whole line, so that no end is reported.
        "return" => Some("return"),
        // With redirections alone it changes those of the shell.
        "exec" => (!arguments.is_empty()).then_some("exec"),
        "set" => arguments.iter().any(|word| sets_errexit(word)).then_some("set -e"),
        "setopt" => arguments.iter().any(|word| is_errexit(word)).then_some("setopt errexit"),
        _ => None,
    }
}

/// The command behind `command`, `builtin` and the like, with its arguments.
fn behind_prefixes<'w, 'a>(mut words: &'w [&'a str]) -> &'w [&'a str] {
    while let Some((first, rest)) = words.split_first() {
        if !BEFORE_BUILTINS.contains(first) {
            break;
        }
        let count = rest.iter().take_while(|word| word.starts_with('-')).count();
        let (options, behind) = rest.split_at(count);
        // `command -v exit` only looks it up.
        if options.iter().any(|option| option.contains(['v', 'V'])) {
            return &[];
        }
        words = behind;
    }
    words
}

/// Whether an option of `set` is `-e`, alone or among others, or its long name.
fn sets_errexit(word: &str) -> bool {
    let letters =
        word.strip_prefix('-').is_some_and(|letters| letters.chars().all(char::is_alphabetic) && letters.contains('e'));
    letters || word == "errexit"
}

/// Whether a name of an option of zsh is that one: big letters and `_` count for nothing there.
fn is_errexit(word: &str) -> bool {
    word.replace('_', "").eq_ignore_ascii_case("errexit")
}

/// Whether the arguments of `kill` name the shell itself or its process group, and a signal that may end it. Many shells
/// take no notice of a plain `kill` at their prompt, and some end by it.
fn kills_itself(arguments: &[&str], own: bool) -> bool {
    let (signal, targets) = match arguments {
        ["-s" | "-n", signal, targets @ ..] => (*signal, targets),
        ["--", targets @ ..] => ("TERM", targets),
        [option, targets @ ..] if option.starts_with('-') => (option.trim_start_matches('-'), targets),
        targets => ("TERM", targets),
    };
    let signal = signal.to_ascii_uppercase();
    let signal = signal.strip_prefix("SIG").unwrap_or(&signal);
    let itself = |target: &&str| match target.trim_start_matches('-') {
        SHELL => true,
        PROCESS | "0" => own,
        _ => false,
    };
    !HARMLESS.contains(&signal) && !matches!(signal, "L" | "LIST") && targets.iter().any(itself)
}

/// The text that `trap` keeps for a signal or a mistake; at the end of the shell it comes too late to end it.
fn trapped<'a>(arguments: &[&'a str]) -> Option<&'a str> {
    let arguments = if arguments.first() == Some(&"--") { &arguments[1..] } else { arguments };
    let (text, signals) = arguments.split_first()?;
    let early = |signal: &&str| !matches!(*signal, "EXIT" | "0");
    (!text.starts_with('-') && signals.iter().any(early)).then_some(*text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ends_the_shell_is_named() {
        for (command, word) in [
            ("./t || exit 1", "exit"),
            ("if a; then exit; fi", "exit"),
            ("logout", "logout"),
            ("exec make", "exec"),
            ("set -eu; make", "set -e"),
            ("set -o errexit", "set -e"),
            ("setopt ERR_EXIT", "setopt errexit"),
            ("make; return 1", "return"),
            ("kill -9 $$", "kill"),
            ("kill $$", "kill"),
            ("kill \"$BASHPID\"", "kill"),
            ("kill -s sigkill ${BASHPID}", "kill"),
            ("kill -KILL 12 0", "kill"),
            ("kill -- -$$", "kill"),
            ("kill -9 $fish_pid", "kill"),
            ("eval exit 1", "exit"),
            ("eval 'exit 1'", "exit"),
            ("eval eval \"make || exit $?\"", "exit"),
            ("eval 'kill -9 $$'", "kill"),
            ("command exit", "exit"),
            ("builtin exit", "exit"),
            ("command -p builtin exit", "exit"),
            ("command exec make", "exec"),
            ("command eval set -e", "set -e"),
            ("time exit", "exit"),
            ("\\exit", "exit"),
            ("trap 'exit 1' ERR", "exit"),
            ("trap -- 'rm -f x; exec true' INT TERM", "exec"),
            ("trap 'return 1' ERR", "return"),
            ("trap \"kill -9 $$\" INT EXIT", "kill"),
            ("(kill -9 $$)", "kill"),
            ("make | (eval 'kill -HUP $$')", "kill"),
        ] {
            assert_eq!(ends_shell(command), Some(word), "{command}");
        }
    }

    #[test]
    fn what_leaves_the_shell_alone_is_not() {
        for command in [
            "make",
            "(set -e; make) || echo exit",
            "(kill -9 $BASHPID; kill -9 0; eval exit)",
            "sh -c 'exit 1'",
            "x=$(make || exit 1); echo `exec date`; diff <(exit 1) y",
            "exec 3>log",
            "command exec 2>&1",
            "command -v exit",
            "set -x",
            "setopt extended_glob",
            "f() { return 1; }; f",
            "kill -0 $$",
            "kill -WINCH $$",
            "kill -s CONT $$",
            "kill -9 12",
            "kill 1$$",
            "kill -l 0",
            "kill $! %1",
            "echo $$ exit",
            "eval echo exit",
            "eval \"$x\"",
            "trap 'rm -f x' INT",
            "trap 'exit 1' EXIT",
            "trap - ERR",
            "trap 'exit 1'",
            "trap",
            "env exit",
            "echo {{v}}; {{v}}",
        ] {
            assert_eq!(ends_shell(command), None, "{command}");
        }
    }
}
