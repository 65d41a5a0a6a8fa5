//! What is a part of the shell itself, of any of them: the only commands that can change it.
//!
//! **Invariant:** every builtin and reserved word of sh, bash, ksh, zsh and fish is known here or refused by the lexer; a
//! test asks the shells. So a program that nobody listed can't keep a value in the shell.

/// What a builtin makes of its arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Builtin {
    /// Text, which ends with the command.
    Data,
    /// Something that lasts: variables, arguments, the folder of the shell.
    Keeps,
    /// Code, formulas, names of variables: more than a text.
    Reads,
}

/// What a builtin of that name makes of its arguments; `None` where no shell has one.
pub(super) fn builtin(name: &str) -> Option<Builtin> {
    if DATA.contains(&name) {
        Some(Builtin::Data)
    } else if KEEPS.contains(&name) {
        Some(Builtin::Keeps)
    } else if READS.contains(&name) {
        Some(Builtin::Reads)
    } else {
        None
    }
}

/// Whether assignments before it stay in a plain shell (POSIX, "special built-in utilities").
pub(super) fn is_special(name: &str) -> bool {
    const SPECIAL: &[&str] = &[
        ":", ".", "break", "continue", "eval", "exec", "exit", "export", "readonly", "return", "set", "shift", "times",
        "trap", "unset", "source", "typeset", "declare", "local",
    ];
    SPECIAL.contains(&name)
}

/// Whether it takes what it keeps from its input.
pub(super) fn takes_input(name: &str) -> bool {
    matches!(name, "read" | "readarray" | "mapfile" | "vared" | "getln" | "sysread" | "select")
}

const DATA: &[&str] = &[
    "echo", "printf", "test", "[", "[[", "true", "false", ":", "pwd", "type", "which", "where", "whence", "kill",
    "sleep", // fish
    "string", "count", "contains", "path", "realpath", "_", "echotc", "echoti",
];

const KEEPS: &[&str] = &[
    "cd", "chdir", "pushd", "pushln", "popd", "dirs", "cdh", "export", "readonly", "set", "setenv", "for", "foreach",
    "exec", "private", "compound", "enum",
];

/// As a command line, as code, as the name of a variable that may be calculated.
const READS: &[&str] = &[
    "eval",
    "source",
    ".",
    "trap",
    "alias",
    "abbr",
    "bind",
    "bindkey",
    "complete",
    "compgen",
    "compctl",
    "compdef",
    "zle",
    "zstyle",
    "vared",
    "emulate",
    "sched",
    "fc",
    "history",
    "print",
    "enable",
    "zmodload",
    "autoload",
    "functions",
    "read",
    "readarray",
    "mapfile",
    "getopts",
    "unset",
    "let",
    "declare",
    "typeset",
    "integer",
    "float",
    "local",
    "nameref",
    "jobs",
    "shift",
    "return",
    "exit",
    "break",
    "continue",
    "ulimit",
    "umask",
    "wait",
    "shopt",
    "setopt",
    "hash",
    "argparse",
    "function",
    "bg",
    "fg",
    "caller",
    "compopt",
    "disown",
    "help",
    "logout",
    "suspend",
    "times",
    "unalias",
    "hist",
    "redirect",
    "stop",
    // zsh
    "rehash",
    "disable",
    "getln",
    "unhash",
    "zparseopts",
    "comptags",
    "compdescribe",
    "r",
    "zregexparse",
    "compadd",
    "ttyctl",
    "comparguments",
    "comptry",
    "compset",
    "compvalues",
    "compgroups",
    "compfiles",
    "compquote",
    "compcall",
    "limit",
    "unlimit",
    "unsetopt",
    "bye",
    "unfunction",
    "zformat",
    "zcompile",
    "log",
    "zpty",
    "zsocket",
    "ztcp",
    "zselect",
    "sysopen",
    "sysread",
    "syswrite",
    "sysseek",
    "zsystem",
    "strftime",
    "zstat",
    "zcurses",
    "pcre_compile",
    "pcre_match",
    "pcre_study",
    "cap",
    "getcap",
    "setcap",
    "clone",
    "zprof",
    "ztie",
    "zuntie",
    "zgdbmpath",
    "zftp",
    "zgetattr",
    "zsetattr",
    "zdelattr",
    "zlistattr",
    "syserror",
    "zmv",
    "zcp",
    "zln",
    "zargs",
    "zcalc",
    // fish
    "block",
    "breakpoint",
    "commandline",
    "emit",
    "math",
    "random",
    "set_color",
    "status",
    "switch",
    "funced",
    "funcsave",
    "prevd",
    "nextd",
    "isatty",
];
