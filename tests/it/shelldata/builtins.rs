//! Every builtin of the shells at hand is known to the check: a value that one of them is given is refused, but for those
//! that take it for a text.

use super::refusal;
use std::process::Command;

/// Builtins and reserved words that do nothing with a value, or with a command behind them that ends with it.
const HARMLESS: &[&str] = &[
    "echo", "printf", "test", "[", "true", "false", ":", "pwd", "type", "which", "where", "whence", "kill", "sleep",
    "string", "count", "contains", "path", "realpath", "_", "echotc", "echoti", "case", "in", "]]", "end", "stat",
];

/// What lists the builtins and reserved words of a shell.
const LISTS: &[(&str, &[&str])] = &[
    ("bash", &["--norc", "-c", "compgen -b -k"]),
    (
        "zsh",
        &[
            "-fc",
            "zmodload zsh/parameter zsh/zutil zsh/complete zsh/zle zsh/sched zsh/stat zsh/system zsh/zpty zsh/zselect \
             zsh/datetime zsh/net/socket zsh/net/tcp zsh/zprof zsh/curses zsh/pcre zsh/cap zsh/clone zsh/attr \
             zsh/db/gdbm zsh/zftp zsh/param/private 2>/dev/null; print -l ${(k)builtins} ${(k)reswords}",
        ],
    ),
    ("fish", &["--no-config", "-c", "builtin -n"]),
    ("ksh", &["-c", "builtin"]),
];

#[test]
fn no_builtin_of_any_shell_keeps_or_reads_a_value() {
    let (mut asked, mut given) = (0, Vec::new());
    for (shell, arguments) in LISTS {
        let Ok(out) = Command::new(shell).args(*arguments).output() else { continue };
        for name in String::from_utf8_lossy(&out.stdout).split_whitespace() {
            // ksh names programs that it has a copy of by their folders.
            if name.contains('/') || HARMLESS.contains(&name) {
                continue;
            }
            asked += 1;
            let text = serde_json::to_string(&format!("{name} {{{{v}}}}")).expect("a text");
            if refusal(&[format!("{{run: {text}}}")]).is_none() {
                given.push(format!("{shell}: {name}"));
            }
        }
    }
    assert!(given.is_empty(), "are given a value: {given:?}");
    println!("{asked} builtins and reserved words");
}
