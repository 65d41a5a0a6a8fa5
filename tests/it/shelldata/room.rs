//! Real shells that run what the program would type or start.

use rustix::process::{Pid, Signal, kill_process_group};
use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tmuxagent_lines::{tracked_command, untracked_command};
use tmuxagent_model::Shell;
use tmuxagent_model::shell::quoted;
use tmuxagent_policy::{TextTemplate, bind, type_out};

/// What one shell process runs.
pub(super) const BATCH: usize = 250;
/// How long one command may take on a busy machine; none of them takes a tenth of a second by itself.
const LIMIT: Duration = Duration::from_secs(20);

/// More than all commands of a batch print together.
const MOST_PRINTED: u64 = 1 << 22;

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
    /// The same with a value that nothing could take for more.
    pub harmless: String,
    /// What it has to print.
    pub prints: Option<String>,
}

/// What became of the commands of a batch.
#[derive(Default)]
pub(super) struct Ran {
    /// What each printed, by its place in the batch.
    pub printed: BTreeMap<usize, String>,
    /// The places of those that never end in that shell, whatever the value.
    pub endless: Vec<usize>,
}

/// Other shells than those below, as `dash mksh`.
const SHELLS: &str = "TMUXAGENT_GENERATED_SHELLS";

/// Set by `.ci/test`, which installs them: all of the shells below must be there.
const EVERY: &str = "TMUXAGENT_EVERY_SHELL";

/// The shells that none of these tests may leave out where every change is tried.
const ALWAYS: [&str; 4] = ["sh", "bash", "zsh", "fish"];

/// The shells at hand; one that is left out is named on standard error. Where every change is tried one that is missing is
/// a mistake there, and not a test that passes.
pub(super) fn shells() -> Vec<(&'static str, Shell)> {
    let chosen = std::env::var(SHELLS).ok();
    let wanted = chosen.as_deref().unwrap_or("sh ksh bash zsh fish");
    let found = found(wanted);
    let lacks = |name: &str| !found.iter().any(|(there, _)| *there == name);
    let missing: Vec<&str> = wanted.split_whitespace().filter(|name| lacks(name)).collect();
    if !missing.is_empty() {
        let _ = writeln!(std::io::stderr(), "not tried, since they are not installed: {missing:?}");
    }
    let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    if chosen.is_none() && (is_set(EVERY) || is_set("CI")) {
        let missing: Vec<&str> = ALWAYS.into_iter().filter(|name| lacks(name)).collect();
        assert!(missing.is_empty(), "not installed: {missing:?}");
    }
    found
}

fn found(wanted: &str) -> Vec<(&'static str, Shell)> {
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

/// How a process ended that runs several commands, or one.
#[derive(Debug, PartialEq, Eq)]
enum End {
    Itself,
    /// Nothing new was printed for so long.
    Killed,
}

/// Waits for the end of a shell that leads a process group of its own, as long as it goes on to the next command within the
/// limit. Behind it the whole group is killed, so that nothing that a generated command left in the background lives on.
fn ended(mut child: Child, printed: &Path) -> End {
    let group = Pid::from_child(&child);
    let length = || fs::metadata(printed).map_or(0, |file| file.len());
    let (mut known, mut since) = (length(), Instant::now());
    let end = loop {
        if child.try_wait().expect("asked").is_some() {
            break End::Itself;
        }
        let now = length();
        if now != known {
            (known, since) = (now, Instant::now());
        }
        // A command that prints without end is no better than one that waits.
        if since.elapsed() > LIMIT || now > MOST_PRINTED {
            break End::Killed;
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    let _ = kill_process_group(group, Signal::KILL);
    let _ = child.wait();
    end
}

/// Runs a script; gives how it ended, and what each of its commands printed by their numbers.
fn played(shell: &str, kind: Shell, folder: &Path, script: &str) -> (End, BTreeMap<usize, String>) {
    let file = folder.join(format!("batch-{shell}"));
    fs::write(&file, script).expect("written");
    let printed = folder.join(format!("out-{shell}"));
    let options: &[&str] = match kind {
        Shell::Bash => &["--norc"],
        Shell::Zsh => &["-f"],
        Shell::Fish => &["--no-config"],
        _ => &[],
    };
    let child = Command::new(shell)
        .args(options)
        .arg(&file)
        .current_dir(folder.join("home"))
        .env("HOME", folder.join("home"))
        .stdin(Stdio::null())
        .stdout(fs::File::create(&printed).expect("created"))
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .expect("started");
    let end = ended(child, &printed);
    let out = String::from_utf8_lossy(&fs::read(&printed).expect("read")).into_owned();
    let pieces = out.split('\u{1e}').filter_map(|piece| piece.split_once('\u{1f}'));
    (end, pieces.filter_map(|(number, text)| Some((number.parse().ok()?, text.to_owned()))).collect())
}

/// Runs a batch. A command that does not end is left out where it doesn't with a harmless value either: then its author's
/// words are what the shell can't end, and no value had a part in it.
pub(super) fn run(shell: &str, kind: Shell, folder: &Path, entries: &[Entry]) -> Ran {
    let mut ran = Ran::default();
    let mut from = 0;
    while from < entries.len() {
        let script: String =
            entries.iter().enumerate().skip(from).map(|(at, entry)| framed(shell, kind, at, &entry.line)).collect();
        let (end, printed) = played(shell, kind, folder, &script);
        let last = printed.keys().last().copied();
        ran.printed.extend(printed);
        match (end, last) {
            (End::Itself, Some(last)) if last + 1 == entries.len() => break,
            (End::Itself, last) => {
                let line = last.and_then(|last| entries.get(last)).map(|entry| &entry.line);
                panic!("{shell} ended after {last:?} of {} commands, at {line:?}", entries.len());
            }
            (End::Killed, last) => {
                let last = last.unwrap_or(from);
                let (end, _) = played(shell, kind, folder, &framed(shell, kind, last, &entries[last].harmless));
                assert_eq!(end, End::Killed, "{shell} does not come to an end at {}", entries[last].line);
                ran.endless.push(last);
                from = last + 1;
            }
        }
    }
    ran
}
