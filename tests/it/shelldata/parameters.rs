//! Every parameter of the shells at hand is known to the check: none of them is given a value.

use super::refusal;
use std::process::Command;

/// What lists the parameters of a shell, one on a line behind its attributes.
const LISTS: &[(&str, &[&str])] = &[
    ("bash", &["--norc", "-c", "compgen -v; declare -p | sed 's/=.*//'"]),
    (
        "zsh",
        &[
            "-fc",
            "zmodload zsh/parameter zsh/zutil zsh/complete zsh/zle zsh/zleparameter zsh/sched zsh/stat zsh/system \
             zsh/datetime zsh/mapfile zsh/langinfo zsh/watch zsh/terminfo zsh/termcap zsh/curses zsh/pcre zsh/zftp \
             zsh/db/gdbm zsh/param/private 2>/dev/null; typeset +",
        ],
    ),
    ("ksh", &["-c", "typeset +; set | sed 's/=.*//'"]),
    ("mksh", &["-c", "typeset +; set | sed 's/=.*//'"]),
    ("dash", &["-c", "set | sed 's/=.*//'"]),
    ("fish", &["--no-config", "-c", "set -n"]),
];
/// Texts that fish sets and lets nobody change; `_` is refused by itself.
const FIXED: &[&str] = &["version", "hostname", "_"];

#[test]
fn no_parameter_of_any_shell_is_given_a_value() {
    let (mut asked, mut given) = (0, Vec::new());
    for (shell, arguments) in LISTS {
        let path = std::env::var_os("PATH").unwrap_or_default();
        // What this process inherited is nothing of theirs.
        let out = Command::new(shell).args(*arguments).env_clear().env("PATH", path).env("HOME", "/").output();
        let Ok(out) = out else { continue };
        let text = String::from_utf8_lossy(&out.stdout).into_owned();
        for name in text.lines().filter_map(|line| line.split_whitespace().last()) {
            let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
            if !plain || name.starts_with(|c: char| c.is_ascii_digit()) || FIXED.contains(&name) {
                continue;
            }
            asked += 1;
            if refusal(&[format!("{{shell: '{name}={{{{v}}}} ../../deploy'}}")]).is_none() {
                given.push(format!("{shell}: {name}"));
            }
        }
    }
    assert!(given.is_empty(), "are given a value: {given:?}");
    println!("{asked} parameters");
}
