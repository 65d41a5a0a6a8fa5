//! What programs make of their arguments.

use super::builtins::{Builtin, builtin};
use super::conditions::{is_plain_condition, is_plain_printf, is_plain_test, may_be_set};
use super::heads::{Head, head};
use super::names::{COMMAND_OPTIONS, GIT_COMMANDS, OPTIONS_RUN, PACKAGE_COMMANDS, READERS};
use super::rules::Reason;
use super::variables::steers;
use super::words::{Hole, Parsed, Simple, Word};

pub(super) fn arguments_of<'a>(
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
        // `#(…)` of its author's around a value is a command.
        "tmux" if names_in_tmux(arguments) => {
            let formats = arguments.iter().filter(|word| is(word) && word.text.contains('#'));
            formats.map(|word| (word, Reason::Reader)).collect()
        }
        // It types, decides and starts; a message is a message.
        "tmuxagent" if !names(arguments, &["notify"]) => all(Reason::Reader),
        "tar" | "gtar" | "bsdtar" if names(arguments, &["-I"]) => all(Reason::Reader),
        "find" => find(arguments, is),
        "npm" | "pnpm" | "yarn" if names(arguments, PACKAGE_COMMANDS) => all(Reason::Reader),
        "docker" | "podman" | "nerdctl" | "docker-compose" if names(arguments, &["exec", "run"]) => {
            in_container(arguments, is)
        }
        "kubectl" | "oc" if names(arguments, &["exec"]) => in_container(arguments, is),
        // Code behind an option.
        "mix" | "elixir" | "iex" if names(arguments, &["-e", "--eval", "-S", "-r", "--require"]) => all(Reason::Reader),
        // Their aliases run commands, their extensions are programs.
        "gh" | "glab" if names(arguments, &["alias", "extension"]) => all(Reason::Reader),
        // A name of a file may be a command to perl, as `touch x |`.
        "perl" | "ruby" if loops(arguments) => all(Reason::Reader),
        _ if PACKAGERS.contains(&name) && names(arguments, INSTALLS) => all(Reason::Command),
        // A script of the project's, or one of its programs.
        "yarn" | "pnpm" | "bun" if arguments.first().is_some_and(is) => all(Reason::Command),
        "sed" | "gsed" | "awk" | "gawk" | "mawk" | "nawk" => script(arguments, is),
        _ if READERS.contains(&name) || builtin(name) == Some(Builtin::Reads) => {
            command.all_words().filter(|word| is(word)).map(|word| (word, Reason::Reader)).collect()
        }
        _ if OPTIONS_RUN.contains(&name) => attached(arguments, is),
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
pub(super) fn names_in_tmux(arguments: &[Word]) -> bool {
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

/// Arguments that are options of their author's with a value attached: `--use=VALUE`, `-xVALUE`, `+VALUE`. What the letters
/// and shortened names of such a program's options mean nobody follows.
fn attached<'a>(arguments: &'a [Word], is: &dyn Fn(&Word) -> bool) -> Vec<(&'a Word, Reason)> {
    let before = arguments.iter().take_while(|word| word.text != "--");
    before.filter(|word| is(word) && word.text.starts_with(['-', '+'])).map(|word| (word, Reason::Option)).collect()
}

/// Whether one of these words is among the arguments.
fn names(arguments: &[Word], known: &[&str]) -> bool {
    arguments.iter().any(|word| word.literal().is_some_and(|text| known.contains(&text)))
}

/// The arguments that are commands because of an option.
pub(super) fn after_command_options(arguments: &[Word]) -> impl Iterator<Item = &Word> {
    arguments.iter().enumerate().filter_map(|(at, word)| {
        let (option, value) =
            word.text.split_once('=').map_or((word.text.as_str(), false), |(option, _)| (option, true));
        // Programs take a long option that is cut short.
        let shortened = |known: &&str| option.len() > 5 && known.starts_with(option);
        let known = COMMAND_OPTIONS.contains(&option) || value && COMMAND_OPTIONS.iter().any(shortened);
        if known && value { Some(word) } else { known.then(|| arguments.get(at + 1)).flatten() }
    })
}

/// Programs that fetch code, which runs when it is installed, and how they are told to.
const PACKAGERS: &[&str] = &[
    "pip", "pip3", "pipx", "uv", "npm", "pnpm", "yarn", "bun", "gem", "cargo", "go", "brew", "apt", "apt-get", "dnf",
    "yum", "conda", "composer", "mix", "luarocks", "cpan", "cpanm", "helm", "nix-env", "opam", "cabal", "stack",
];
const INSTALLS: &[&str] = &["install", "i", "add", "get", "upgrade", "require", "create", "init"];

/// Whether an interpreter opens the files that are named (`-n`, `-p`).
fn loops(arguments: &[Word]) -> bool {
    let short = |word: &&Word| word.text.starts_with('-') && !word.text.starts_with("--");
    arguments.iter().take_while(short).any(|word| word.text.contains(['n', 'p']))
}

/// Words by which a program is told to run what stands behind.
const VERBS: &[&str] = &["run", "exec", "x", "dlx", "tool", "-exec", "-execdir", "-ok", "-okdir", "run-script"];

/// Values directly behind words such as `run` and `exec`: the name of what is run.
pub(super) fn names_what_runs<'a>(arguments: &'a [Word], is: &dyn Fn(&Word) -> bool) -> Vec<&'a Word> {
    let verb = |word: &Word| !word.quoted && VERBS.contains(&word.text.as_str());
    let operands = |at: usize| arguments.iter().take(at).filter(|word| !word.text.starts_with('-'));
    // Only where it is what the program is told to do: `git grep run {{v}}` looks for it.
    let ran = |at: usize| {
        let before = at.checked_sub(1).and_then(|before| arguments.get(before));
        let dashes = before.is_some_and(|word| word.text == "--") && operands(at).next().is_some_and(verb);
        dashes || before.is_some_and(|word| verb(word) && (word.text.starts_with('-') || operands(at).all(verb)))
    };
    let words = arguments.iter().enumerate();
    words.filter(|(at, word)| is(word) && word.begins_with_value() && ran(*at)).map(|(_, word)| word).collect()
}

/// `docker exec` and the like: a value stands behind the container and the command, whose names are its author's.
fn in_container<'a>(arguments: &'a [Word], is: &dyn Fn(&Word) -> bool) -> Vec<(&'a Word, Reason)> {
    const WITHOUT_WORD: &[&str] = &[
        "-i",
        "-t",
        "-it",
        "-ti",
        "-d",
        "-T",
        "--tty",
        "--interactive",
        "--stdin",
        "--rm",
        "--init",
        "--privileged",
        "--detach",
        "--no-deps",
        "--read-only",
    ];
    let from = arguments.iter().position(|word| matches!(word.text.as_str(), "exec" | "run")).unwrap_or_default();
    let mut missing = 2_usize;
    let mut found = Vec::new();
    // The word behind an option may belong to it.
    let mut operand = false;
    for word in arguments.iter().skip(from + 1) {
        match word.text.as_str() {
            "--" => missing = 1,
            text if missing > 0 && text.starts_with('-') => {
                operand = !WITHOUT_WORD.contains(&text) && !text.contains('=');
                missing += usize::from(operand);
                continue;
            }
            _ if missing > 0 && is(word) && !operand => found.push((word, Reason::Command)),
            _ => missing = missing.saturating_sub(1),
        }
        operand = false;
    }
    found
}

/// `find`: a value behind `-exec` names what is run.
fn find<'a>(arguments: &'a [Word], is: &dyn Fn(&Word) -> bool) -> Vec<(&'a Word, Reason)> {
    let mut before = "";
    let mut found = Vec::new();
    for word in arguments {
        let runs = matches!(before, "-exec" | "-execdir" | "-ok" | "-okdir");
        if is(word) && runs {
            found.push((word, Reason::Command));
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
    if arguments.iter().take(at + 1).any(is) { all() } else { Vec::new() }
}

fn git<'a>(arguments: &'a [Word], is: &dyn Fn(&Word) -> bool) -> Vec<(&'a Word, Reason)> {
    let any = |known: &[&str]| arguments.iter().any(|word| word.literal().is_some_and(|text| known.contains(&text)));
    let folder =
        |at: usize| at.checked_sub(1).and_then(|before| arguments.get(before)).is_some_and(|word| word.text == "-C");
    let mut operands = arguments.iter().enumerate().filter(|(at, word)| !word.text.starts_with('-') && !folder(*at));
    if any(GIT_COMMANDS) || operands.next().is_some_and(|(_, word)| is(word)) {
        return arguments.iter().filter(|word| is(word)).map(|word| (word, Reason::Reader)).collect();
    }
    attached(arguments, is)
}

/// Programs that calculate or run what they are given, wherever they stand among the words; their names mean nothing else.
pub(super) const ANYWHERE: &[&str] = &[
    "make",
    "gmake",
    "bmake",
    "eval",
    "xargs",
    "gxargs",
    "parallel",
    "ssh",
    "autossh",
    "mosh",
    "sshpass",
    "su",
    "runuser",
    "flock",
    "tmux",
    "psql",
    "mysql",
    "mariadb",
    "sqlite3",
    "gdb",
    "lldb",
    "vim",
    "nvim",
    "emacs",
    "just",
    "ninja",
    "expect",
    "ansible",
    "ansible-playbook",
    "rsync",
    "scp",
    "sftp",
    "socat",
    "ncat",
    "crontab",
    "awk",
    "gawk",
    "sed",
];
