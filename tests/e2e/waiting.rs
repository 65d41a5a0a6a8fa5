//! `tmuxagent wait`: what a script is told, and when.

use super::support::room::Room;
use super::support::{PATIENCE, wait_for};
use serde_json::Value;
use std::process::{Child, Stdio};

const QUIET: &str = "version: 1\npipelines: []\n";

fn waiting(room: &Room, wanted: &str, more: &[&str]) -> Child {
    let arguments = [&["wait", "proj:ci", "--for", wanted, "--json"], more].concat();
    room.command(&arguments).stdout(Stdio::piped()).spawn().expect("it runs")
}

/// Returns once it has asked the supervisor: it has a connection, and who asked later has an answer.
fn asked(room: &Room, wait: &Child) {
    let files = format!("/proc/{}/fd", wait.id());
    let is_socket = |file: std::fs::DirEntry| {
        std::fs::read_link(file.path()).is_ok_and(|it| it.to_string_lossy().starts_with("socket:"))
    };
    wait_for(PATIENCE, "its connection", || std::fs::read_dir(&files).ok()?.flatten().any(is_socket).then_some(()));
    room.answer(&["status"]);
}

/// What it said, and its exit code.
fn ended(child: Child) -> (Value, Option<i32>) {
    let output = child.wait_with_output().expect("it ended");
    (serde_json::from_slice(&output.stdout).unwrap_or_default(), output.status.code())
}

#[test]
fn a_wait_ends_when_it_is_so() {
    let mut room = Room::with(QUIET);
    room.watch();
    // It is so already.
    let idle = ended(waiting(&room, "idle", &["--timeout", "60s"]));
    assert_eq!((&idle.0["reached"], idle.1), (&"idle".into(), Some(0)), "{idle:?}");
    let text = waiting(&room, "text:^listening on [0-9]+$", &[]);
    let done = waiting(&room, "done,error", &[]);
    asked(&room, &text);
    asked(&room, &done);
    room.server.type_line("proj:ci", "sleep 1; echo listening on 80");
    let (text, done) = (ended(text), ended(done));
    assert_eq!((&text.0["reached"], text.1), (&"text".into(), Some(0)), "{text:?}");
    assert_eq!((&done.0["reached"], done.1), (&"done".into(), Some(0)), "{done:?}");
}

#[test]
fn a_wait_that_can_not_come_true_says_so() {
    let mut room = Room::with(QUIET);
    room.watch();
    let late = ended(waiting(&room, "asks", &["--timeout", "1s"]));
    assert_eq!((&late.0["reached"], &late.0["why"], late.1), (&Value::Null, &"timeout".into(), Some(1)), "{late:?}");
    for (wanted, hint) in [("idel", "did you mean `idle`?"), ("text:(", "no regular expression")] {
        let wrong = room.ask(&["wait", "proj:ci", "--for", wanted]);
        let words = String::from_utf8_lossy(&wrong.stderr).into_owned();
        assert!(wrong.status.code() == Some(2) && words.contains(hint), "{wrong:?}");
    }
    room.server.new_session("other", "sh");
    let mut wait = waiting(&room, "working", &[]);
    let gone = waiting(&room, "gone", &[]);
    asked(&room, &wait);
    asked(&room, &gone);
    room.server.type_line("proj:ci", "exit");
    let (gone, code) = ended(gone);
    assert_eq!((&gone["reached"], code), (&"gone".into(), Some(0)), "{gone:?}");
    // The other may have seen the shell at work before it ended.
    let status = wait_for(PATIENCE, "its end", || wait.try_wait().ok().flatten());
    assert!(matches!(status.code(), Some(0 | 1)), "{status:?}");
}
