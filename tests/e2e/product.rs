//! The whole program on a real tmux server: the real binary watches, decides, types; people press real keys.

pub(super) use super::support::room::Room;
use super::support::{PATIENCE, TmuxServer, wait_for};
use std::process::Stdio;

/// Each stage appends its name to `ran`, so that doing something twice shows. What is typed before the shell is back at
/// its prompt prints behind that prompt, so the texts may stand there too.
const POLICY: &str = r#"
version: 1
pipelines:
  - name: release
    match: [{window_name: ci}]
    stages:
      - name: lint
        triggers: [{log_regex: "^(\\$ )?please begin$"}]
        actions_on_start: [{send_keys: "echo lint >> ran; echo 'lint'' passed'"}]
        success_when: [{log_regex: "^(\\$ )?lint passed$"}]
        timeout: 60s
      - name: build
        triggers: [{after_stage_success: lint}]
        actions_on_start: [{send_keys: "echo build >> ran; cat go; echo 'build'' passed'"}]
        success_when: [{log_regex: "^(\\$ )?build passed$"}]
        timeout: 60s
      - name: deploy
        require_approval: true
        triggers: [{after_stage_success: build}]
        actions_on_start: [{run: "echo deploy >> ran"}]
        timeout: 60s
"#;

/// A room in which a release is made.
impl Room {
    pub fn new() -> Self {
        let room = Self::with(POLICY);
        let go = room.file("go");
        rustix::fs::mknodat(rustix::fs::CWD, go, rustix::fs::FileType::Fifo, rustix::fs::Mode::RWXU, 0)
            .expect("a pipe that holds the build back");
        room
    }

    pub fn begin(&self) {
        self.server.type_line("proj:ci", "echo please'' begin");
    }

    /// Lets the build, which waits at the pipe, go on.
    pub fn let_build_go(&self) {
        std::fs::write(self.file("go"), "").expect("the build waits at the pipe");
    }

    /// Opens the program in a terminal of its own: a second tmux server, whose panes are real terminals.
    pub fn terminal(&self, desk: &TmuxServer, window: &str, arguments: &str) {
        let variables: Vec<String> =
            self.environment().iter().map(|(name, value)| format!("{name}='{value}'")).collect();
        let line = format!(
            "exec env -u TMUX -u TMUX_PANE TERM=tmux-256color {} '{}' {arguments}",
            variables.join(" "),
            env!("CARGO_BIN_EXE_tmuxagent")
        );
        if desk.is_running() {
            desk.tmux(&["new-window", "-t", "=desk:", "-n", window, &line]);
        } else {
            desk.tmux(&["new-session", "-d", "-s", "desk", "-n", window, "-x", "120", "-y", "40", &line]);
        }
    }
}

pub(super) fn wait_screen(desk: &TmuxServer, window: &str, part: &str) -> String {
    desk.wait_screen(&format!("=desk:{window}"), part)
}

pub(super) fn press(desk: &TmuxServer, window: &str, keys: &[&str]) {
    let target = format!("=desk:{window}");
    desk.tmux(&[&["send-keys", "-t", &target], keys].concat());
}

/// Asks for the approval and confirms it. A question that has only just appeared is not decided by a key that may have
/// been meant for something else, so the key is pressed until the confirmation opens.
fn approve_by_key(desk: &TmuxServer, window: &str) {
    let target = format!("=desk:{window}");
    wait_for(PATIENCE, "the confirmation", || {
        press(desk, window, &["a"]);
        let open = || desk.screen(&target).contains("approve?").then_some(());
        let soon = std::time::Instant::now() + std::time::Duration::from_secs(1);
        std::iter::repeat_with(open).take_while(|_| std::time::Instant::now() < soon).flatten().next()
    });
    press(desk, window, &["y"]);
}

#[test]
fn a_pipeline_runs_to_its_gate_and_a_key_in_a_real_terminal_opens_it() {
    let room = Room::new();
    let desk = TmuxServer::prepare();
    room.terminal(&desk, "main", "");
    wait_screen(&desk, "main", "proj:ci");
    // A line that stands there before the pane is read is an old one.
    room.wait_status("\"live\"");
    room.begin();
    room.wait_ran("lint build ");
    room.let_build_go();
    wait_screen(&desk, "main", "deploy");
    room.wait_approval();
    assert_eq!(room.ran(), "lint build ", "the gate holds");
    wait_screen(&desk, "main", "needs approval");
    approve_by_key(&desk, "main");
    room.wait_ran("lint build deploy ");
    wait_screen(&desk, "main", "approved");
    press(&desk, "main", &["q"]);
    wait_for(PATIENCE, "the end of the screen", || {
        let windows = desk.try_tmux(&["list-windows", "-t", "=desk:", "-F", "#{window_name}"]);
        let gone = !String::from_utf8_lossy(&windows.stdout).contains("main");
        if !gone {
            // Leaving the main screen ends the supervisor, so it may ask. The window may go meanwhile.
            desk.try_tmux(&["send-keys", "-t", "=desk:main", "y"]);
        }
        gone.then_some(())
    });
    assert_eq!(room.ask(&["status"]).status.code(), Some(3), "no supervisor is left");
}

#[test]
fn killed_in_the_middle_it_goes_on_from_where_it_was_and_types_nothing_twice() {
    let mut room = Room::new();
    room.watch();
    room.begin();
    room.wait_ran("lint build ");
    room.kill_9();
    // The line that ends the stage is printed while nobody watches.
    room.let_build_go();
    wait_for(PATIENCE, "the build's end", || room.server.screen("proj:ci").contains("build passed").then_some(()));
    room.watch();
    let approval = room.wait_approval();
    room.kill_9();
    room.watch();
    assert_eq!(room.wait_approval(), approval, "the question survives as it was");
    assert_eq!(room.ask(&["approve", &approval]).status.code(), Some(0));
    room.wait_ran("lint build deploy ");
    room.wait_events("run_ended");
    assert_eq!(room.ask(&["approve", &approval]).status.code(), Some(5), "the second decision comes late");
    assert_eq!(room.ran(), "lint build deploy ");
}

#[test]
fn what_it_took_in_is_written_down_and_plays_back_to_the_same() {
    let mut room = Room::new();
    room.watch();
    // Away from the files that it watches.
    let folder = tempfile::tempdir().expect("a folder");
    // What it takes in is kept from its first moment with nothing under way on.
    let tries = std::cell::Cell::new(0);
    wait_for(PATIENCE, "the beginning of the record", || {
        tries.set(tries.get() + 1);
        let first = folder.path().join(format!("first-{}.jsonl", tries.get()));
        room.ask(&["debug", "dump", &first.display().to_string()]).status.success().then_some(())
    });
    room.begin();
    room.let_build_go();
    let approval = room.wait_approval();
    assert_eq!(room.ask(&["approve", &approval]).status.code(), Some(0));
    room.wait_events("run_ended");
    let file = folder.path().join("dump.jsonl");
    let path = file.display().to_string();
    assert_eq!(room.ask(&["debug", "dump", &path]).status.code(), Some(0));
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&file).expect("a file").permissions());
    assert_eq!(mode & 0o777, 0o600);
    assert_ne!(room.ask(&["debug", "dump", &path]).status.code(), Some(0), "a file that is there is not written over");
    let played = room.ask(&["debug", "replay", &path]);
    let text = String::from_utf8_lossy(&played.stdout);
    assert!(played.status.success() && text.contains("each as it was recorded"), "{text}");
    assert!(text.contains("lint triggered by"), "{text}");
}

#[test]
fn a_renamed_window_keeps_its_run() {
    let mut room = Room::new();
    room.watch();
    room.begin();
    room.wait_ran("lint build ");
    room.server.tmux(&["rename-window", "-t", "proj:ci", "elsewhere"]);
    wait_for(PATIENCE, "the new name", || room.answer(&["panes"]).contains("elsewhere").then_some(()));
    room.let_build_go();
    let approval = room.wait_approval();
    // Also a supervisor that knows the window by no other name.
    room.kill_9();
    room.watch();
    assert_eq!(room.ask(&["approve", &approval]).status.code(), Some(0));
    room.wait_ran("lint build deploy ");
    room.wait_events("run_ended");
}

#[test]
fn a_popup_is_a_full_view_that_decides_and_says_when_the_supervisor_goes() {
    let mut room = Room::new();
    room.watch();
    room.begin();
    room.wait_ran("lint build ");
    room.let_build_go();
    room.wait_approval();
    let desk = TmuxServer::prepare();
    room.terminal(&desk, "view", "popup");
    wait_screen(&desk, "view", "needs approval");
    room.terminal(&desk, "other", "");
    wait_screen(&desk, "other", "needs approval");
    approve_by_key(&desk, "view");
    room.wait_ran("lint build deploy ");
    room.wait_events("\"via\":\"popup\"");
    wait_screen(&desk, "other", "approved");
    room.kill_9();
    wait_screen(&desk, "other", "reconnect");
    room.watch();
    wait_for(PATIENCE, "the view's return", || (!desk.screen("=desk:other").contains("reconnect")).then_some(()));
}

#[test]
fn without_tmux_it_says_so_and_how_to_get_it() {
    let mut room = Room::new();
    let (config, tmux) = (room.server.folder().join("config.yaml"), room.server.folder().join("tmux-here"));
    std::fs::write(&config, format!("tmux_bin: {}\n", tmux.display())).expect("writable");
    let mut command = room.command(&["--headless", "--config", &config.display().to_string()]);
    room.supervisor = Some(command.stderr(Stdio::null()).spawn().expect("it starts"));
    room.wait_status("is missing; `tmuxagent doctor` tells how to install it");
    // Installed, it is used without a restart.
    let script = format!("#!/bin/sh\nexec {} \"$@\"\n", room.server.program());
    let late = room.server.folder().join("late");
    std::fs::write(&late, script).expect("writable");
    std::fs::set_permissions(&late, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("ours");
    std::fs::rename(&late, &tmux).expect("writable");
    room.wait_status("\"live\"");
}

#[test]
fn a_second_one_with_another_configuration_says_whose_view_it_is() {
    let mut room = Room::new();
    room.watch();
    let other = room.server.folder().join("other.yaml");
    std::fs::write(&other, "language: en\n").expect("writable");
    let desk = TmuxServer::prepare();
    room.terminal(&desk, "second", &format!("--config {}", other.display()));
    let pid = room.supervisor.as_ref().expect("a supervisor").id();
    let screen = wait_screen(&desk, "second", &format!("view of process {pid}"));
    assert!(screen.contains("other.yaml"), "{screen}");
    wait_screen(&desk, "second", "proj:ci");
}

#[test]
fn frozen_it_types_nothing_and_shows_what_it_would_and_then_types_it_once() {
    let mut room = Room::new();
    room.watch();
    assert_eq!(room.ask(&["freeze"]).status.code(), Some(0));
    room.begin();
    room.wait_events("\"held\"");
    assert_eq!(room.ran(), "");
    assert_eq!(room.ask(&["unfreeze"]).status.code(), Some(0));
    room.wait_ran("lint build ");
}

#[test]
fn a_tmux_server_that_dies_and_comes_back_is_a_normal_state() {
    let mut room = Room::new();
    room.watch();
    room.server.kill();
    room.wait_status("\"no_server\"");
    room.open_window();
    room.wait_status("\"live\"");
    wait_for(PATIENCE, "the new pane", || room.answer(&["panes", "--json"]).contains("ci").then_some(()));
    room.begin();
    room.wait_ran("lint build ");
}

#[test]
fn a_bad_policy_starts_nothing_and_changes_nothing_while_running() {
    let mut room = Room::new();
    room.watch();
    std::fs::write(room.file("policy.yaml"), POLICY.replacen("log_regex:", "log_regexp:", 1)).expect("writable");
    room.wait_status("did you mean `log_regex`?");
    room.begin();
    room.wait_ran("lint build ");
    room.kill_9();
    let output = room.ask(&["--headless"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("policy.yaml:8:") && said.contains("log_regex"), "{said}");
}

#[test]
fn a_wrapped_command_reports_its_end_over_the_socket() {
    let mut room = Room::new();
    room.watch();
    let line = format!(
        "TMUXAGENT_STATE_DIR='{}' '{}' run --stage unit -- sh -c 'exit 3'; echo code=$?",
        room.state.display(),
        env!("CARGO_BIN_EXE_tmuxagent")
    );
    room.server.type_line("proj:ci", &line);
    wait_for(PATIENCE, "its exit code", || room.server.screen("proj:ci").contains("\ncode=3").then_some(()));
    assert!(!room.server.screen("proj:ci").contains("### SENTRY"), "the socket took it");
    room.kill_9();
    room.server.type_line("proj:ci", &line.replace("exit 3", "exit 4"));
    wait_for(PATIENCE, "a message line", || {
        room.server
            .screen("proj:ci")
            .contains("### SENTRY {\"type\":\"STATUS\",\"stage\":\"unit\",\"ok\":false")
            .then_some(())
    });
}
