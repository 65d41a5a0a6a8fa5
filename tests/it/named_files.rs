//! Files that people name and that are none: folders, pipes, sockets, empty ones. Every command that takes one ends soon,
//! with a sentence.

use crate::support::{Ran, TestEnv, commands};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

/// What lies where a file is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Folder,
    Pipe,
    Socket,
    Empty,
}

const KINDS: [Kind; 4] = [Kind::Folder, Kind::Pipe, Kind::Socket, Kind::Empty];

/// Commands that read a file that is named to them, with `@` in its place, and whether a folder and an empty file are what
/// they take.
const READING: &[(&str, &[&str], bool, bool)] = &[
    ("up", &["up", "@", "--dry-run"], false, false),
    ("down", &["down", "@", "--dry-run"], false, false),
    ("config check", &["config", "check", "@"], false, true),
    ("config check", &["--config", "@", "config", "check"], false, true),
    ("policy check", &["policy", "check", "@"], false, false),
    ("policy check", &["--policy", "@", "policy", "check"], false, false),
    ("policy show", &["policy", "show", "@"], false, true),
    ("policy words", &["policy", "words", "@"], false, true),
    ("policy init", &["policy", "init", "@", "--print"], true, false),
    ("policy replay", &["policy", "replay", "--log", "@"], false, true),
    ("policy replay", &["policy", "replay", "--log", "/dev/null", "--policy", "@"], false, true),
    ("policy test", &["policy", "test", "@"], false, false),
    ("db restore", &["db", "restore", "@", "--dry-run"], false, false),
    ("agent test", &["agent", "test", "@"], false, false),
    ("debug replay", &["debug", "replay", "@"], false, false),
];

/// Commands that write a new file where none may lie, some that write over one or into a folder, and one that only speaks of
/// a file.
const OTHERS: &[&str] = &["snapshot-workspace", "db export", "debug dump", "agent record", "report", "fake-agent"];

/// Files that every command reads, or one of them by its place.
const PLACED: &[(&str, &[&str])] = &[
    (".config/tmuxagent/.env", &["config", "check"]),
    (".config/tmuxagent/config.yaml", &["config", "check"]),
    (".config/tmuxagent/policies/mine.test.yaml", &["policy", "test", ".config/tmuxagent/policies"]),
    (".config/tmuxagent/agents/mine.yaml", &["agent", "list"]),
    (".local/state/tmuxagent/state.db", &["db", "check"]),
    (".local/state/tmuxagent/state.db", &["db", "backup"]),
    (".local/state/tmuxagent/state.db", &["db", "export"]),
    (".local/state/tmuxagent/state.db", &["--headless"]),
    (".config/tmuxagent/keymap.yaml", &["doctor"]),
    ("workspace.yaml", &["up", "workspace.yaml", "--dry-run"]),
    ("space/.env", &["up", "space/workspace.yaml", "--dry-run"]),
    ("screens/idle.txt", &["agent", "test", "screens", "--agent", "claude"]),
    ("screens/screens.yaml", &["agent", "test", "screens", "--agent", "claude"]),
    ("tests/log", &["policy", "test", "tests"]),
];

fn lay(kind: Kind, path: &Path) {
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
    match kind {
        Kind::Folder => std::fs::create_dir(path).expect("a folder"),
        Kind::Pipe => {
            let mode = rustix::fs::Mode::from_raw_mode(0o600);
            rustix::fs::mknodat(rustix::fs::CWD, path, rustix::fs::FileType::Fifo, mode, 0).expect("a pipe");
        }
        Kind::Socket => drop(UnixListener::bind(path).expect("a socket")),
        Kind::Empty => {
            std::fs::write(path, "").expect("a file");
            std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).expect("a mode");
        }
    }
}

fn take_away(path: &Path) {
    if path.is_dir() { std::fs::remove_dir(path) } else { std::fs::remove_file(path) }.expect("removed");
}

/// Runs the program, which must end by itself.
fn ends(env: &TestEnv, arguments: &[&str]) -> Ran {
    let mut command = env.command(arguments);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary");
    let until = Instant::now() + Duration::from_secs(60);
    while child.try_wait().expect("its end").is_none() {
        if Instant::now() > until {
            child.kill().expect("it lived");
            panic!("{arguments:?} does not end: {:?}", child.wait_with_output());
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    let output = child.wait_with_output().expect("an end");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ran { code: output.status.code().unwrap_or(-1), stdout: text(&output.stdout), stderr: text(&output.stderr) }
}

/// One sentence in each language, and a documented code.
fn is_told(env: &TestEnv, arguments: &[&str], kind: Kind) {
    let ran = ends(env, arguments);
    assert!([1, 2].contains(&ran.code), "{arguments:?} {kind:?}: {ran}");
    let told = format!("{}{}", ran.stdout, ran.stderr);
    assert!(
        !told.trim().is_empty() && !told.contains("panicked") && !told.contains("os error"),
        "{arguments:?}: {ran}"
    );
    assert!(told.lines().filter(|line| line.starts_with("error:")).count() <= 1, "{arguments:?} {kind:?}: {ran}");
}

#[test]
fn every_command_that_takes_a_file_ends_on_what_is_none() {
    let env = TestEnv::new();
    let all = commands(&|arguments| env.run(arguments).stdout);
    let names = ["<FILE>", "<FILES>", "[FILE]", "[FILES]", "<DIR>", "[DIR]", "<PATH>", "[PATH]", "<LOG>"];
    let takes = |help: &str| names.iter().any(|name| help.contains(name));
    let taking: Vec<&String> = all.iter().filter(|(_, help)| takes(help)).map(|(name, _)| name).collect();
    for name in &taking {
        let known = READING.iter().any(|(known, ..)| known == name) || OTHERS.contains(&name.as_str());
        assert!(known, "`{name}` takes a file and is in no table");
    }
    assert!(taking.len() >= 14, "{taking:?}");
    for (_, arguments, folder, empty) in READING {
        for kind in KINDS {
            let path = env.home().join("named.yaml");
            lay(kind, &path);
            let named = path.display().to_string();
            let arguments: Vec<&str> = arguments.iter().map(|word| if *word == "@" { &named } else { *word }).collect();
            let fits = kind == Kind::Folder && *folder || kind == Kind::Empty && *empty;
            if fits {
                ends(&env, &arguments);
            } else {
                is_told(&env, &arguments, kind);
            }
            take_away(&path);
        }
    }
}

#[test]
fn every_file_in_its_place_that_is_none_is_told() {
    let env = TestEnv::new();
    env.write("tests/mine.test.yaml", "policy: policy.yaml\noutput: {log: log}\nexpect: []\n");
    env.write("space/workspace.yaml", "version: 1\nname: w\nsessions: [{name: s, windows: [{name: w}]}]\n");
    for (place, arguments) in PLACED {
        for kind in [Kind::Folder, Kind::Pipe, Kind::Socket] {
            let path = env.home().join(place);
            lay(kind, &path);
            is_told(&env, arguments, kind);
            take_away(&path);
        }
    }
}

#[test]
fn a_shells_pipe_is_read_where_a_file_is_named() {
    let env = TestEnv::new();
    let program = env!("CARGO_BIN_EXE_tmuxagent");
    for script in [
        format!("'{program}' policy replay --log <(printf 'a line\\n')"),
        format!("'{program}' policy replay --log /dev/stdin < <(printf 'a line\\n')"),
        format!("'{program}' config check <(sleep 0.1; echo 'language: en')"),
    ] {
        let mut command = env.command(&[]);
        let variables: Vec<_> =
            command.get_envs().map(|(name, value)| (name.to_owned(), value.map(ToOwned::to_owned))).collect();
        command = std::process::Command::new("bash");
        command.args(["-c", &script]).current_dir(env.home()).env_clear().stdin(Stdio::null());
        command.envs(variables.into_iter().filter_map(|(name, value)| Some((name, value?))));
        let ran = env.finish(command);
        assert_eq!(ran.code, 0, "{script}: {ran}");
    }
}
