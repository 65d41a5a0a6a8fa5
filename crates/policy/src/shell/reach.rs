//! How far a program reaches beyond its own work: by running what it is told, by its options, by its subcommands.

use super::direct::PLACES;
use super::names::{COMMAND_OPTIONS, READERS, WRAPPERS, is_interpreter};
use super::proved;
use super::subcommands::{DEPTHS, GOALS};

/// What a program makes of its first operand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// It runs the program that is named: `sudo`, `env`, `xargs`.
    Runs,
    /// It is a shell or a language: it runs the file that is named, and more by its options.
    Interprets,
    /// It reads commands in some other form, from whatever argument: `ssh`, `sed`, `tmux`.
    Reads,
    /// It has subcommands, which do all kinds of things.
    Subcommands,
    /// Each of its operands is a goal, a task or a rule.
    Goals,
    /// Nothing is known by which it would run what it is told.
    Own,
}

/// What is known of a program by its name, with or without its folder.
pub(crate) fn reach(program: &str) -> Reach {
    let name = base(program);
    const BUILDS: &[&str] = &["make", "gmake", "bmake", "just", "ninja"];
    const OWN: &[&str] = &["convert", "magick", "mogrify", "identify"];
    const MORE: &[&str] = &[
        "eval",
        ".",
        "source",
        "trap",
        "alias",
        "export",
        "declare",
        "typeset",
        "readonly",
        "set",
        "hash",
        "enable",
        "sed",
        "gsed",
        "awk",
        "tmuxagent",
        "gawk",
        "mawk",
        "nawk",
    ];
    if BUILDS.contains(&name) || GOALS.contains(&name) {
        return Reach::Goals;
    }
    if READERS.contains(&name) && !OWN.contains(&name) && name != "xargs" && name != "parallel" {
        return Reach::Reads;
    }
    if MORE.contains(&name) {
        return Reach::Reads;
    }
    if is_interpreter(name) {
        return Reach::Interprets;
    }
    let has_verbs = depth(name) > 0;
    if WRAPPERS.iter().any(|(known, _)| *known == name) && !has_verbs || matches!(name, "xargs" | "parallel" | "gxargs")
    {
        return Reach::Runs;
    }
    if has_verbs { Reach::Subcommands } else { Reach::Own }
}

/// Subcommands behind which stands a program, a script or a command.
const RUNNERS: &[(&[&str], &[&str])] = &[
    (&["npm", "pnpm", "yarn"], &["exec", "x", "dlx", "node", "explore"]),
    (&["bun", "deno"], &["run", "x", "eval", "task"]),
    (&["uv", "poetry", "pipenv", "conda", "rustup"], &["run", "tool"]),
    (&["docker", "docker-compose", "podman", "nerdctl", "kubectl", "oc"], &["run", "exec", "debug", "compose"]),
    (&["go"], &["run", "generate"]),
    (&["bundle"], &["exec"]),
    (&["nix"], &["run", "shell", "develop"]),
    (&["git"], &["bisect", "submodule", "filter-branch", "rebase", "config", "difftool", "mergetool"]),
];

/// Whether a program runs what stands behind that subcommand.
pub(crate) fn runs_behind(program: &str, verb: &str) -> bool {
    RUNNERS.iter().any(|(names, verbs)| names.contains(&base(program)) && verbs.contains(&verb))
}

/// How many words behind a program say what it does.
pub(crate) fn depth(program: &str) -> usize {
    let name = base(program);
    DEPTHS.iter().find(|(known, _)| *known == name).map_or(0, |(_, depth)| *depth)
}

/// Whether nothing of its operands says what a program does: it reads, lists, prints or makes what they name.
pub(crate) fn is_proved(program: &str) -> bool {
    proved::row(base(program), &[]).is_some()
}

/// Builtins of shells of which an operand may be calculated, or name a variable: `a[$(id)]` runs `id` there, quoted or not.
const CALCULATES: &[&str] = &[
    "read",
    "mapfile",
    "readarray",
    "printf",
    "test",
    "[",
    "[[",
    "let",
    "local",
    "unset",
    "getopts",
    "wait",
    "shift",
    "exit",
    "return",
    "break",
    "continue",
    "ulimit",
    "integer",
    "float",
    "vared",
    "history",
    "fc",
    "bind",
    "complete",
    "compgen",
    "builtin",
    "print",
];

/// Whether what a program is told may be calculated by the shell that runs it.
pub(crate) fn calculates(program: &str) -> bool {
    CALCULATES.contains(&program)
}

/// Whether an option is one of those under which a program does nothing but its own work.
pub(crate) fn is_known_option(program: &str, word: &str) -> bool {
    let Some((row, _)) = proved::row(base(program), &[]) else { return false };
    let is_in = |option: &str| [row.flags, row.texts, row.words].iter().any(|known| known.contains(&option));
    let letters = |rest: &str| rest.chars().all(|letter| row.flags.contains(&&*format!("-{letter}")));
    let long = word.split_once('=').map_or(word, |(option, _)| option);
    let together =
        word.strip_prefix('-').is_some_and(|rest| !rest.is_empty() && !rest.starts_with('-') && letters(rest));
    matches!(base(program), "echo" | "true" | "false" | ":") || is_in(long) || together
}

/// Options by which a program that only looks runs, deletes or writes something: its name, long ones without their dashes,
/// letters.
const OPTIONS: &[(&[&str], &[&str], &str)] = &[
    (
        &["git"],
        &["output", "exec", "ext-diff", "textconv", "tool", "extcmd", "output-directory", "git-dir", "work-tree"],
        "Oox",
    ),
    (&["rg"], &["pre", "hostname-bin"], ""),
    (&["fd", "fdfind"], &["exec", "exec-batch"], "xX"),
    (&["sort", "gsort"], &["output", "compress-program", "temporary-directory"], "oT"),
    (&["tree"], &["output"], "o"),
    (&["yq"], &["inplace"], "i"),
    (&["tar", "gtar", "bsdtar"], &["use-compress-program", "info-script", "new-volume-script", "rsh-command"], "IF"),
    (&["cargo"], &["config", "manifest-path", "target-dir"], "ZC"),
    (&["go"], &["exec", "toolexec", "overlay", "modfile", "vettool"], "oC"),
    (&["make", "gmake", "bmake"], &["eval", "file", "makefile", "directory", "include-dir"], "fCIE"),
    (&["just"], &["justfile", "working-directory", "shell-arg", "set"], "fd"),
    (&["npm", "pnpm", "yarn", "bun"], &["prefix", "dir", "cwd", "node-options", "userconfig"], "C"),
    (&["pytest"], &["override-ini", "confcutdir"], "pco"),
    (&["eslint"], &["rulesdir", "resolve-plugins-relative-to", "format", "output-file", "fix"], "cfo"),
    (&["prettier"], &["write"], "w"),
    (&["curl", "wget"], &["output", "output-document", "remote-name", "upload-file", "post-file", "data"], "oOKTdFP"),
    (&["diff"], &["output"], ""),
    (&["date"], &["set"], "s"),
    (&["file"], &["compile", "magic-file"], "Cm"),
    (&["journalctl"], &["rotate", "vacuum-size", "vacuum-time", "vacuum-files"], ""),
];

/// What `find` does to what it finds.
const FIND: &[&str] = &["-delete", "-exec", "-execdir", "-ok", "-okdir", "-fprint", "-fprint0", "-fprintf", "-fls"];

/// Whether a word among a program's arguments is known to make it run, write or take its settings from elsewhere.
pub(crate) fn steers(program: &str, word: &str) -> bool {
    let name = base(program);
    let option = word.split_once('=').map_or(word, |(option, _)| option);
    if name == "find" && FIND.contains(&word) || PLACES.contains(&option) || COMMAND_OPTIONS.contains(&option) {
        return true;
    }
    // A variable of make's may hold a command.
    if matches!(name, "make" | "gmake" | "bmake" | "just") && word.contains('=') {
        return true;
    }
    let Some((_, long, letters)) = OPTIONS.iter().find(|(names, _, _)| names.contains(&name)) else { return false };
    if let Some(option) = option.strip_prefix("--") {
        // Programs take a long option that is cut short.
        return !option.is_empty() && long.iter().any(|known| known.starts_with(option));
    }
    word.strip_prefix('-').is_some_and(|rest| {
        // Go's own options have one dash.
        long.contains(&rest.split('=').next().unwrap_or(rest)) || rest.contains(|c| letters.contains(c))
    })
}

fn base(program: &str) -> &str {
    program.rsplit('/').next().unwrap_or(program)
}
