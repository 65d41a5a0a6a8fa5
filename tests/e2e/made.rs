//! A pane that a run makes for itself: once, also over a `kill -9`, and closed when the run ends, unless somebody uses it.

use super::support::room::Room;
use super::support::{PATIENCE, wait_or_tell};

const POLICY: &str = r#"
version: 1
panes: {side: {make: {window: side, cwd: sub}}}
pipelines:
  - name: p
    match: [{window_name: ci}]
    stages:
      - {name: build, in: side, triggers: [manual], actions_on_start: [{run: "pwd >> ../ran; echo key=${#__tmuxagent_key} >> ../ran"}], timeout: 5m}
      - {name: more, in: side, needs: build, actions_on_start: [{run: "while ! [ -e ../go ]; do sleep 0.05; done"}], timeout: 5m}
  - name: serve
    match: [{window_name: ci}]
    stages:
      - name: up
        in: side
        triggers: [manual]
        actions_on_start: [{run: "sh -c 'echo is up; exec sleep 600'"}]
        success_when: [{log_regex: "^is up$", when: seen}]
        timeout: 5m
"#;

fn windows(room: &Room) -> String {
    room.server.tmux(&["list-windows", "-a", "-F", "#{window_name} #{pane_current_command}"])
}

fn wait_windows(room: &Room, holds: impl Fn(&str) -> bool) {
    let told = || format!("{} {}", windows(room), room.answer(&["events"]));
    wait_or_tell(PATIENCE, || holds(&windows(room)).then_some(()), told);
}

#[test]
fn a_pane_is_made_once_and_closed_unless_something_was_begun_in_it() {
    let mut room = Room::with(POLICY);
    std::fs::create_dir(room.file("sub")).expect("a folder");
    room.server.tmux(&["set-option", "-g", "default-shell", "/bin/bash"]);
    // It dies once tmux has made the pane, and before it knows.
    let log = std::fs::File::create(room.file("dies.log")).expect("writable");
    let mut dies = room.command(&["--headless"]);
    let mut dies = dies.env("TMUXAGENT_DIE_AT", "shell.ended:1").stderr(log).spawn().expect("it starts");
    room.wait_status("\"live\"");
    let died = || {
        // Whether it still answers is not certain.
        let _ = room.ask(&["start", "ci", "p"]);
        dies.try_wait().expect("a child")
    };
    wait_or_tell(PATIENCE, died, || windows(&room));
    assert!(windows(&room).contains("side") && room.ran().is_empty(), "{}", windows(&room));
    room.watch();
    let told = || format!("{} {}", windows(&room), room.answer(&["events"]));
    wait_or_tell(PATIENCE, || room.ran().contains("/sub").then_some(()), told);
    assert_eq!(windows(&room).matches("side").count(), 1, "{}", windows(&room));
    wait_or_tell(
        PATIENCE,
        || room.ran().contains("key=16").then_some(()),
        || format!("no integration: {}", room.ran()),
    );
    std::fs::write(room.file("go"), "").expect("writable");
    wait_windows(&room, |all| !all.contains("side"));

    let started = || room.ask(&["start", "ci", "serve"]).status.success().then_some(());
    wait_or_tell(PATIENCE, started, || room.answer(&["start", "ci", "serve"]));
    room.wait_events("runs in it");
    assert!(windows(&room).contains("side"), "{}", windows(&room));
}
