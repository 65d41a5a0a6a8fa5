//! Workspaces on real tmux servers, here and behind sshd: made once, told where they differ, closed without harm.

use super::support::sshd::Sshd;
use super::support::{PATIENCE, TmuxServer, wait_for};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

struct Room {
    home: tempfile::TempDir,
    here: TmuxServer,
    there: TmuxServer,
    sshd: Sshd,
}

impl Room {
    fn new() -> Self {
        let home = tempfile::Builder::new().prefix("ta").tempdir().expect("a folder");
        let (here, there, sshd) = (TmuxServer::running(""), TmuxServer::running(""), Sshd::start());
        let config = format!(
            "hosts:\n  - name: local\n    tmux: {{socket: {:?}}}\n{}",
            here.socket().display().to_string(),
            sshd.yaml("nas", sshd.port(), &there),
        );
        let room = Self { home, here, there, sshd };
        room.write("config.yaml", &config);
        room
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.home.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).expect("writable");
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tmuxagent"));
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("LANG", "C.UTF-8");
        command.env("HOME", self.home.path()).env("TMUXAGENT_STATE_DIR", self.path("state"));
        command.env("TMUXAGENT_CONFIG", self.path("config.yaml")).env("SHELL", "/bin/sh");
        command.current_dir(self.home.path()).args(arguments).stdin(Stdio::null());
        command
    }

    fn ask(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("it runs")
    }

    /// What it prints, after it ended with `code`.
    fn answer(&self, code: i32, arguments: &[&str]) -> String {
        let output = self.ask(arguments);
        let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
        said
    }
}

/// Ended with the test, however that ends.
struct Supervisor(std::process::Child);

impl Drop for Supervisor {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn windows(server: &TmuxServer) -> Vec<String> {
    let text = server.tmux(&["list-panes", "-a", "-F", "#{session_name} #{window_name} #{@tmuxagent_role}"]);
    text.lines().map(|line| line.trim_end().to_owned()).collect()
}

const FILE: &str = r#"
version: 1
name: "it's; mine;"
env: {GREETING: "two words; #{pid} $HOME"}
sessions:
  - name: proj:app
    root: app
    windows:
      - {name: "agent:ci", role: ci, title: "C;I #1", command: "echo got=$GREETING key=$KEY;"}
      - name: two
        layout: even-horizontal
        panes: [{role: left}, {root: "sub #{x}", split: right}]
  - name: build
    host: nas
    windows: [{name: make, command: "echo there=$GREETING"}]
"#;

#[test]
fn what_is_missing_is_made_here_and_there_and_closed_again() {
    let room = Room::new();
    std::fs::create_dir_all(room.path("app/sub #{x}")).expect("folders");
    room.write("workspace.yaml", FILE);
    room.write(".env", "KEY=hunter2\n");
    std::fs::set_permissions(room.path(".env"), std::fs::Permissions::from_mode(0o600)).expect("a mode");

    let told = room.answer(0, &["up", "--dry-run"]);
    assert!(told.contains("+ session local: proj:app agent:ci") && told.contains("3 to do"), "{told}");
    assert!(!told.contains("hunter2"), "values are not shown: {told}");
    assert_eq!(windows(&room.here).len(), 1, "nothing was done");

    room.answer(0, &["up"]);
    let mut made = windows(&room.here);
    made.retain(|line| !line.starts_with("main"));
    assert_eq!(made, ["proj_app agent:ci ci", "proj_app two left", "proj_app two"]);
    assert!(windows(&room.there).contains(&"build make".to_owned()));
    room.here.wait_screen("=proj_app:agent:ci", "\ngot=two words; #{pid} $HOME key=hunter2");
    room.there.wait_screen("=build:make", "\nthere=two words; #{pid} $HOME");
    let format = "#{pane_title}|#{pane_start_path}";
    let fact = |target: &str| room.here.tmux(&["display-message", "-p", "-t", target, format]);
    assert_eq!(fact("=proj_app:agent:ci").split('|').next(), Some("C;I #1"));
    assert!(fact("=proj_app:two.1").ends_with("/app/sub #{x}"), "{}", fact("=proj_app:two.1"));

    let again = room.answer(0, &["up", "--json"]);
    let again: serde_json::Value = serde_json::from_str(&again).expect("JSON");
    assert_eq!((again["steps"].as_array().map(Vec::len), again["kept"].as_u64()), (Some(0), Some(3)));

    // The user's own things beside ours, and one of ours changed.
    room.here.tmux(&["new-window", "-d", "-t", "=proj_app:", "-n", "mine"]);
    room.here.tmux(&["split-window", "-d", "-t", "=proj_app:agent:ci"]);
    let told = room.answer(1, &["up"]);
    assert!(told.contains("~ local: proj:app:agent:ci has 2 panes, not 1"), "{told}");

    let told = room.answer(0, &["down", "--dry-run"]);
    assert_eq!(told.lines().filter(|line| line.starts_with("- close")).count(), 4, "{told}");
    room.answer(0, &["down"]);
    let left: Vec<String> = windows(&room.here).into_iter().filter(|line| line.starts_with("proj")).collect();
    assert_eq!(left, ["proj_app agent:ci", "proj_app mine"], "what the user made stays");
    // tmux names a window after its program in its own time.
    let left = windows(&room.there);
    assert!(left.len() == 1 && left[0].starts_with("main "), "{left:?}");
    assert!(room.sshd.connections().len() <= 1);
}

#[test]
fn one_dead_host_keeps_no_other_from_being_closed() {
    let mut room = Room::new();
    std::fs::create_dir(room.path("app")).expect("a folder");
    let text = "name: two\nsessions:\n  - {name: far, host: nas, root: /, windows: [{name: w}]}\n  \
                - {name: near, root: app, windows: [{name: w}]}\n";
    room.write("w.yaml", text);
    room.answer(0, &["up", "w.yaml"]);
    room.sshd.stop();
    let told = room.answer(2, &["down", "w.yaml"]);
    assert!(told.contains("- close local: near:w") && told.contains("nas: "), "{told}");
    assert!(!windows(&room.here).iter().any(|line| line.starts_with("near")), "{:?}", windows(&room.here));
    let told = room.answer(2, &["up", "w.yaml"]);
    assert!(told.contains("+ session local: near") && !told.contains("+ session nas"), "{told}");
    // As soon as it is back the rest is done.
    room.sshd.listen();
    room.answer(0, &["down", "w.yaml"]);
    assert!(!windows(&room.there).iter().any(|line| line.starts_with("far")), "{:?}", windows(&room.there));
}

#[test]
fn a_window_in_a_session_of_the_users_has_the_environment_and_the_session_has_not() {
    let room = Room::new();
    room.here.new_session("mine", "");
    let text = "env: {GREETING: \"it's; two $HOME #{pid}\"}\nsessions:\n  - name: mine\n    windows:\n      \
                - name: w\n        panes: [{command: echo one=$GREETING}, {command: echo two=$GREETING}]\n";
    room.write("w.yaml", text);
    room.answer(0, &["up", "w.yaml"]);
    for (target, head) in [("=mine:w.0", "one"), ("=mine:w.1", "two")] {
        let shown = format!("\n{head}=it's; two $HOME #{{pid}}");
        wait_for(PATIENCE, &shown, || room.here.screen(target).contains(&shown).then_some(()));
    }
    assert!(!room.here.tmux(&["show-environment", "-t", "=mine:"]).contains("GREETING"), "it is the user's session");
    room.answer(0, &["down", "w.yaml"]);
    let left = windows(&room.here);
    assert!(left.iter().any(|line| line.starts_with("mine ")), "the session stays: {left:?}");
    assert!(!left.iter().any(|line| line == "mine w"), "what was made goes: {left:?}");
}

#[test]
fn a_worktree_is_made_where_it_is_asked_for() {
    let room = Room::new();
    let git = |arguments: &[&str]| {
        let mut command = Command::new("git");
        command.args(["-c", "user.name=t", "-c", "user.email=t@example.org", "-C"]).arg(room.path("app"));
        assert!(command.args(arguments).status().is_ok_and(|status| status.success()), "git {arguments:?}");
    };
    std::fs::create_dir(room.path("app")).expect("a folder");
    git(&["init", "-q"]);
    git(&["commit", "-q", "--allow-empty", "-m", "first"]);
    room.write("w.yaml", "sessions:\n  - {name: s, root: app, windows: [{name: w, worktree: topic/x}]}\n");
    let told = room.answer(0, &["up", "w.yaml"]);
    assert!(told.contains("+ worktree local: "), "{told}");
    assert!(room.path("app-topic-x/.git").exists());
    room.answer(0, &["down", "w.yaml"]);
    assert!(Path::exists(&room.path("app-topic-x")), "work is never thrown away");
    room.write("bad.yaml", "sessions:\n  - {name: s2, root: nowhere, windows: [{name: w}]}\n");
    assert!(room.answer(2, &["up", "bad.yaml"]).contains("nowhere is not there"));
}

#[test]
fn the_example_and_a_written_file_make_what_they_say() {
    let room = Room::new();
    room.answer(0, &["up", "--example"]);
    let made = windows(&room.here);
    for window in [
        "proj_storyapp agent:codex-ci ci",
        "proj_storyapp agent:codex-voice voice",
        "proj_points agent:codex-release release",
    ] {
        assert!(made.iter().any(|line| line == window), "{made:?}");
    }
    // The bundled policies take these windows, each the pipeline that is meant for it.
    let started = room.command(&["--headless"]).stderr(Stdio::null()).spawn().expect("it starts");
    let _supervisor = Supervisor(started);
    let wanted = [
        ("agent:codex-ci", "storyapp-ci"),
        ("agent:codex-voice", "storyapp-voice"),
        ("agent:codex-release", "points-release"),
    ];
    let matched = || {
        let panes: serde_json::Value = serde_json::from_slice(&room.ask(&["panes", "--json"]).stdout).ok()?;
        let of = |window: &str| {
            let pane = panes.as_array()?.iter().find(|pane| pane["info"]["facts"]["window"] == window)?;
            Some(pane["pipelines"].clone())
        };
        wanted.iter().all(|(window, pipeline)| of(window) == Some(serde_json::json!([pipeline]))).then_some(())
    };
    wait_for(PATIENCE, "the policies' windows", matched);
    let written = room.answer(0, &["snapshot-workspace", "--host", "local"]);
    room.write("written.yaml", &written);
    let told = room.answer(0, &["up", "written.yaml", "--dry-run"]);
    assert!(told.contains("0 to do"), "{told}\n{written}");
    room.answer(0, &["down", "--example"]);
    let mut his = windows(&room.here);
    // A session of the supervisor's own is none of his.
    his.retain(|window| !window.ends_with(" tmuxagent"));
    assert_eq!(his, ["main sh"]);
}

#[test]
fn outside_of_tmux_the_server_that_is_watched_is_meant() {
    let room = Room::new();
    room.write("w.yaml", "sessions:\n  - {name: near, root: /, windows: [{name: w}]}\n");
    let socket = room.there.socket().display().to_string();
    let started = room.command(&["--headless", "--socket", &socket]).stderr(Stdio::null()).spawn().expect("it starts");
    let _supervisor = Supervisor(started);
    wait_for(PATIENCE, "the supervisor", || room.ask(&["panes"]).status.success().then_some(()));
    room.answer(0, &["up", "w.yaml"]);
    assert!(windows(&room.there).iter().any(|line| line.starts_with("near w")), "{:?}", windows(&room.there));
    assert!(!windows(&room.here).iter().any(|line| line.starts_with("near")), "{:?}", windows(&room.here));
    // Who sits in a server means that one.
    let inside = format!("{},1,0", room.here.socket().display());
    let told = room.command(&["up", "w.yaml", "--dry-run"]).env("TMUX", inside).output().expect("it runs");
    assert!(String::from_utf8_lossy(&told.stdout).contains("1 to do"), "{told:?}");
}
