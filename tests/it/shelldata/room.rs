//! Real shells that run what the program would type or start.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;
use tmuxagent_lines::{tracked_command, untracked_command};
use tmuxagent_model::Shell;
use tmuxagent_model::shell::quoted;
use tmuxagent_policy::{TextTemplate, bind, type_out};

/// What one shell process runs.
pub(super) const BATCH: usize = 250;
/// How long a batch may take on a busy machine.
const LIMIT: Duration = Duration::from_secs(120);

/// The ways in which a command of a policy reaches a shell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// `run`, typed into the pane, nobody waits for its end.
    Run,
    /// `run`, typed into the pane, with its end reported.
    Tracked,
    /// `shell` or a poll on this machine.
    Script,
    /// `shell` or a poll on another machine.
    Remote,
    /// `send_keys` into a shell.
    Keys,
    /// `send_keys` into something of which nothing is known, and which is a shell behind ssh.
    Unknown,
}

/// The line by which the program gives a command with its value to a shell in that form; `None` where it has none there.
pub(super) fn rendered(form: Form, text: &str, value: &str, shell: Shell) -> Option<String> {
    let template = TextTemplate::new(text);
    let lookup = |_: &str| Some(value.to_owned());
    let plain = shell == Shell::Sh;
    Some(match form {
        // A command without values is typed as it is.
        Form::Run | Form::Tracked if template.names.is_empty() => evaluated(shell, text),
        Form::Run => untracked_command(shell, &bind(&template, &lookup, shell)),
        Form::Tracked => tracked_command(shell, &bind(&template, &lookup, shell), "tok"),
        Form::Script if plain => {
            let command = bind(&template, &lookup, shell);
            let values: String =
                command.values.iter().map(|(name, value)| format!("{name}={} ", quoted(value))).collect();
            format!("{values}sh -c {}", quoted(&command.script()))
        }
        Form::Remote if plain => {
            let command = bind(&template, &lookup, shell);
            let script = format!("{}(\n{}\n)", command.assignments(), command.text);
            format!("sh -c {}", quoted(&script))
        }
        Form::Keys if !text.contains('\n') => evaluated(shell, &type_out(&template, &lookup, Some(shell))),
        Form::Unknown if !text.contains('\n') => evaluated(shell, &type_out(&template, &lookup, None)),
        Form::Script | Form::Remote | Form::Keys | Form::Unknown => return None,
    })
}

/// As if typed, but so that a mistake in it ends this command alone.
pub(super) fn evaluated(shell: Shell, typed: &str) -> String {
    match shell {
        Shell::Fish => format!("eval '{}'", typed.replace('\\', "\\\\").replace('\'', "\\'")),
        Shell::Zsh => format!("eval {}", quoted(typed)),
        _ => format!("command eval {}", quoted(typed)),
    }
}

/// In a fish of its own, since it has no subshells: what one sequence defines must not be there for the next.
pub(super) fn of_its_own(line: &str) -> String {
    format!("fish --no-config -c '{}'", line.replace('\\', "\\\\").replace('\'', "\\'"))
}

/// What one process of a batch runs apart from the others.
pub(super) struct Entry {
    /// The number of the command or sequence that it is from.
    pub number: usize,
    pub line: String,
    /// What it has to print.
    pub prints: Option<String>,
}

/// Other shells than these, as `dash ksh`.
const SHELLS: &str = "TMUXAGENT_GENERATED_SHELLS";

/// The shells at hand.
pub(super) fn shells() -> Vec<(&'static str, Shell)> {
    let wanted = std::env::var(SHELLS).unwrap_or_else(|_| "sh bash zsh fish".to_owned());
    ["sh", "dash", "ksh", "mksh", "bash", "zsh", "fish"]
        .into_iter()
        .filter(|name| wanted.split_whitespace().any(|known| known == *name))
        .filter(|name| Command::new(name).args(["-c", "true"]).output().is_ok_and(|out| out.status.success()))
        .map(|name| (name, Shell::of(name)))
        .collect()
}

/// One line of a batch: the command in a process of its own, told from the others in the output.
fn framed(name: &str, shell: Shell, number: usize, line: &str) -> String {
    let line = line.trim_start();
    match shell {
        // It has no subshells; a function keeps a `return` to itself.
        Shell::Fish => {
            format!("printf '\\x1e%s\\x1f' {number}; function entry; {line}; end; entry </dev/null 2>/dev/null\n")
        }
        // Its subshells are no processes, and some commands end all of them.
        _ if name == "ksh" => {
            format!("printf '\\036%s\\037' {number}; ksh -c {} </dev/null 2>/dev/null\n", quoted(line))
        }
        _ => format!("printf '\\036%s\\037' {number}; ( {line} ) </dev/null 2>/dev/null\n"),
    }
}

/// Runs a batch; gives what each entry printed.
pub(super) fn run(shell: &str, kind: Shell, folder: &Path, entries: &[Entry]) -> BTreeMap<usize, String> {
    let mut script = String::new();
    for (number, entry) in entries.iter().enumerate() {
        script.push_str(&framed(shell, kind, number, &entry.line));
    }
    let file = folder.join(format!("batch-{shell}"));
    fs::write(&file, script).expect("written");
    let printed = folder.join(format!("out-{shell}"));
    let options: &[&str] = match kind {
        Shell::Bash => &["--norc"],
        Shell::Zsh => &["-f"],
        Shell::Fish => &["--no-config"],
        _ => &[],
    };
    let mut child = Command::new(shell)
        .args(options)
        .arg(&file)
        .current_dir(folder.join("home"))
        .env("HOME", folder.join("home"))
        .stdin(Stdio::null())
        .stdout(fs::File::create(&printed).expect("created"))
        .stderr(Stdio::null())
        .spawn()
        .expect("started");
    let begun = std::time::Instant::now();
    let ended = loop {
        if let Some(status) = child.try_wait().expect("asked") {
            break Some(status);
        }
        if begun.elapsed() > LIMIT {
            break None;
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    if ended.is_none() {
        let _ = child.kill();
        let _ = child.wait();
    }
    let out = String::from_utf8_lossy(&fs::read(&printed).expect("read")).into_owned();
    let last =
        out.rsplit('\u{1e}').next().and_then(|piece| piece.split('\u{1f}').next()).unwrap_or_default().to_owned();
    let at = last.parse::<usize>().ok().and_then(|number| entries.get(number)).map(|entry| entry.line.clone());
    assert!(ended.is_some(), "{shell} does not come to an end at {at:?}");
    let count = out.matches('\u{1e}').count();
    assert!(count >= entries.len(), "{shell} ended after {count} of {} commands, at {at:?}", entries.len());
    let pieces = out.split('\u{1e}').filter_map(|piece| piece.split_once('\u{1f}'));
    pieces.filter_map(|(number, text)| Some((number.parse().ok()?, text.to_owned()))).collect()
}
