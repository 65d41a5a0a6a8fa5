//! Names that mean harm (of a session, a window, a title, a folder), through every command's output.

#[path = "../it/support/commands.rs"]
mod commands;

use super::support::room::Room;
use super::support::{PATIENCE, wait_for};
use commands::commands;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Output;

const POLICY: &str = r#"
version: 1
pipelines:
  - name: dinner
    match: [{current_command: sh}]
    stages:
      - name: build
        require_approval: {question: "Build?", expires: 1h}
        triggers: [{log_regex: "^tests ok"}]
        actions_on_start: [{run: "echo build >> ran"}]
"#;

/// A value that is known as secret.
const SECRET: &str = "river-stone-41x";

/// What no output may hold.
const RAW: [&str; 4] = ["\u{1b}", "\u{202e}", "\u{200b}", SECRET];

/// Every command that answers, with arguments for which it has something to say. `@` is a folder of a hostile name.
const ASKED: &[(&str, &[&str])] = &[
    ("status", &["status"]),
    ("panes", &["panes"]),
    ("panes", &["panes", "%0"]),
    ("panes", &["panes", "--runs"]),
    ("approvals", &["approvals"]),
    ("approvals", &["approvals", "--all"]),
    ("approve", &["approve", "%0"]),
    ("reject", &["reject", "none"]),
    ("start", &["start", "%0", "dinner"]),
    ("start", &["start", "\u{1b}[31m\u{202e}none", "dinner"]),
    ("retry", &["retry", "#9"]),
    ("skip", &["skip", "#9"]),
    ("cancel", &["cancel", "\u{202e}none"]),
    ("send", &["send", "\u{1b}none", "x"]),
    ("send", &["send", "%0", "true"]),
    ("wait", &["wait", "\u{1b}none", "--for", "idle"]),
    ("wait", &["wait", "%0", "--for", "error", "--timeout", "1s"]),
    ("freeze", &["freeze"]),
    ("unfreeze", &["unfreeze"]),
    ("events", &["events"]),
    ("report", &["report"]),
    ("report", &["report", "--format", "html"]),
    ("report", &["report", "--format", "md", "--output", "@/report.md"]),
    ("audit verify", &["audit", "verify"]),
    ("audit verify", &["audit", "verify", "--head", "\u{1b}none"]),
    ("reload", &["reload"]),
    ("run", &["run", "--", "true"]),
    ("snapshot-workspace", &["snapshot-workspace"]),
    ("snapshot-workspace", &["snapshot-workspace", "--output", "@/written.yaml"]),
    ("up", &["up", "@/written.yaml", "--dry-run"]),
    ("down", &["down", "@/written.yaml", "--dry-run"]),
    ("config check", &["config", "check", "@/none"]),
    ("config default", &["config", "default"]),
    ("config path", &["config", "path"]),
    ("policy check", &["policy", "check", "@/none"]),
    ("policy init", &["policy", "init", "@", "--print"]),
    ("policy show", &["policy", "show", "@/none"]),
    ("policy words", &["policy", "words", "@/none"]),
    ("policy reference", &["policy", "reference"]),
    ("policy schema", &["policy", "schema"]),
    ("policy explain", &["policy", "explain", "%0"]),
    ("explain", &["explain", "%0"]),
    ("policy replay", &["policy", "replay", "--from-db", "%0"]),
    ("policy replay", &["policy", "replay", "--log", "@/none"]),
    ("policy test", &["policy", "test", "@"]),
    ("policy test", &["policy", "test", "--coverage", "@"]),
    ("db check", &["db", "check"]),
    ("db backup", &["db", "backup"]),
    ("db backup", &["db", "backup", "--list"]),
    ("db repair", &["db", "repair", "--dry-run"]),
    ("db restore", &["db", "restore", "--dry-run"]),
    ("db restore", &["db", "restore", "@/none", "--dry-run"]),
    ("db export", &["db", "export"]),
    ("agent explain", &["agent", "explain", "%0"]),
    ("agent list", &["agent", "list"]),
    ("agent record", &["agent", "record", "%0", "idle", "--dir", "@"]),
    ("agent test", &["agent", "test", "@"]),
    ("agent prompt", &["agent", "prompt"]),
    ("auto-answer test", &["auto-answer", "test", "--", "echo \u{1b}[31m\u{202e}x"]),
    ("auto-answer replay", &["auto-answer", "replay"]),
    ("auto-answer rule", &["auto-answer", "rule", "\u{1b}none"]),
    ("leases", &["leases"]),
    ("lease revoke", &["lease", "revoke", "\u{202e}none"]),
    ("hooks install", &["hooks", "install", "--agent", "\u{1b}none"]),
    ("hooks uninstall", &["hooks", "uninstall", "--agent", "\u{202e}none"]),
    ("hooks status", &["hooks", "status"]),
    ("service install", &["--state-dir", "@", "service", "install", "--dry-run"]),
    ("service install", &["--state-dir", "\u{202e}s", "service", "install", "--in-tmux", "--dry-run"]),
    ("service uninstall", &["service", "uninstall", "--dry-run"]),
    ("service status", &["service", "status"]),
    ("notify send", &["notify", "send", "a\u{1b}text"]),
    ("notify test", &["notify", "test"]),
    ("notify log", &["notify", "log"]),
    ("notify rotate-key", &["notify", "rotate-key"]),
    ("serve invite", &["serve", "invite", "a\u{202e}b", "--role", "view"]),
    ("serve token", &["serve", "token", "mei", "--role", "view", "--for", "\u{1b}none"]),
    ("serve people", &["serve", "people"]),
    ("serve revoke", &["serve", "revoke", "\u{1b}none"]),
    ("doctor", &["doctor"]),
    ("debug dump", &["debug", "dump", "@/dump.jsonl"]),
    ("debug replay", &["debug", "replay", "@/dump.jsonl"]),
    ("version", &["version"]),
    ("shutdown", &["shutdown"]),
];

/// Commands that print nothing of panes and files, draw a terminal of their own, or answer a program.
const APART: &[&str] = &["demo", "fake-agent", "popup", "completions", "shell-init", "redact", "hook", "mcp"];

/// A watched pane whose names mean harm, and its folder.
fn room(named: &str) -> (Room, PathBuf) {
    let room = Room::with(POLICY);
    room.configure("language: en\n");
    let env = room.file(".env");
    std::fs::write(&env, format!("DEPLOY_TOKEN={SECRET}\n")).expect("writable");
    std::fs::set_permissions(&env, std::fs::Permissions::from_mode(0o600)).expect("ours");
    let folder = room.file(named);
    std::fs::create_dir(&folder).expect("a folder");
    let server = &room.server;
    let at = folder.display().to_string();
    server.tmux(&["respawn-pane", "-k", "-t", "proj", "-c", &at, "exec env PS1='$ ' sh"]);
    let name = format!("s\u{202e}e\u{200b}{SECRET}");
    server.tmux(&["select-pane", "-t", "proj", "-T", &format!("t{name}")]);
    server.tmux(&["rename-window", "-t", "proj", &format!("w{name}")]);
    server.tmux(&["rename-session", "-t", "proj", &name]);
    (room, folder)
}

fn is_harmless(arguments: &[&str], output: &Output) {
    for (stream, bytes) in [("stdout", &output.stdout), ("stderr", &output.stderr)] {
        let text = String::from_utf8_lossy(bytes);
        for raw in RAW {
            assert!(!text.contains(raw), "{arguments:?} prints {raw:?} on {stream}: {text:?}");
        }
    }
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(!told.lines().any(|line| line.starts_with("forged")), "{arguments:?} forges a line: {told}");
    assert_ne!(output.status.code(), Some(70), "{arguments:?}: {output:?}");
}

#[test]
fn no_command_prints_a_name_that_acts_or_tells_a_secret() {
    let (mut room, folder) = room("d\u{1b}[31m\u{202e}evil\u{200b}\nforged");
    let all = commands(&|arguments| String::from_utf8_lossy(&room.ask(arguments).stdout).into_owned());
    for name in all.keys() {
        let known = ASKED.iter().any(|(known, _)| known == name) || APART.contains(&name.as_str());
        assert!(known, "`{name}` is in no table");
    }
    room.watch();
    room.wait_status("\"live\"");
    room.server.type_line("%0", "echo tests'' ok");
    room.wait_approval();
    let named = folder.display().to_string();
    for (name, arguments) in ASKED {
        let arguments: Vec<String> = arguments.iter().map(|word| word.replace('@', &named)).collect();
        let plain: Vec<&str> = arguments.iter().map(String::as_str).collect();
        // What is done once is asked once, in the form that shows most.
        let once = ["shutdown", "run", "send", "db backup", "notify rotate-key", "agent record"].contains(name)
            || plain.iter().any(|word| word.ends_with("written.yaml") || word.ends_with("dump.jsonl"));
        is_harmless(&plain, &room.ask(&plain));
        for flags in [&["--lang", "zh"][..], &["--json"]].iter().filter(|_| !once) {
            let with = [*flags, &plain].concat();
            is_harmless(&with, &room.ask(&with));
        }
    }
}

#[test]
fn a_workspace_that_is_written_names_a_folder_as_it_is() {
    let (room, folder) = room("d\u{202e}evil\u{200b}");
    let written = room.ask(&["snapshot-workspace"]);
    let text = String::from_utf8_lossy(&written.stdout).into_owned();
    assert!(written.status.success() && text.contains(r"d\u202Eevil\u200B"), "{text}");
    // It is read as that folder, which is there.
    let file = room.file("written.yaml");
    std::fs::write(&file, text.replace("- name: \"s", "- name: \"other")).expect("writable");
    let up = room.ask(&["up", &file.display().to_string()]);
    assert!(up.status.success(), "{up:?}");
    wait_for(PATIENCE, "a second pane there", || {
        let paths = room.server.tmux(&["list-panes", "-a", "-F", "#{pane_current_path}"]);
        (paths.matches("evil").count() == 2).then_some(())
    });
    assert!(folder.is_dir());
}
