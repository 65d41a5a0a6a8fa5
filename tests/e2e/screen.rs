//! The screen on a real terminal: a pane of a private tmux server. The screen runs in this test binary, started again
//! with a variable that makes [`child`] more than an empty test; its supervisor is a queue.

use crate::support::{PATIENCE, TmuxServer, wait_for};
use std::path::Path;
use tmuxagent_ipc::wire::{Reply, Request, ServerFrame};
use tmuxagent_model::Millis;
use tmuxagent_tui::sample::{NOW, Sample, screen_rows};
use tmuxagent_tui::{Link, Options, Role, Setup, run};
use tokio::sync::mpsc;

const FOLDER: &str = "TMUXAGENT_TEST_SCREEN";

/// The screen itself, where this process was started as one.
#[test]
fn child() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let folder = Path::new(&folder);
    std::fs::write(folder.join("pid"), std::process::id().to_string()).expect("the folder is writable");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let began = std::time::Instant::now();
    let options = Options {
        setup: Setup { role: Role::View, ..Setup::default() },
        // A bug in the program, as it were.
        jump: Box::new(|_| panic!("the jump failed\nbadly")),
        now: Box::new(move || NOW + Millis(u64::try_from(began.elapsed().as_millis()).unwrap_or(0))),
        wall: Box::new(move || NOW + Millis(u64::try_from(began.elapsed().as_millis()).unwrap_or(0))),
    };
    let exit = runtime.block_on(run(|| async { Ok(supervisor()) }, options)).expect("the screen ends");
    std::fs::write(folder.join("exit"), format!("{exit:?}")).expect("the folder is writable");
}

/// A supervisor that shows one picture and commits every command.
fn supervisor() -> Link {
    let (to_view, frames) = mpsc::channel(16);
    let (requests, mut asked) = mpsc::channel::<tmuxagent_ipc::wire::RequestFrame>(16);
    tokio::spawn(async move {
        let snapshot = Sample::busy().build();
        while let Some(frame) = asked.recv().await {
            let answer = match frame.request {
                Request::Subscribe => ServerFrame::Snapshot { snapshot: Box::new(snapshot.clone()) },
                Request::WatchPane { pane: Some(pane) } => ServerFrame::Screen { pane, rows: screen_rows() },
                Request::Command { command } => {
                    let text = format!("committed {}", serde_json::to_string(&command).unwrap_or_default());
                    let reply = Box::new(Reply::Committed { intents: Vec::new(), run: None, text });
                    ServerFrame::Reply { id: frame.id, reply }
                }
                _ => continue,
            };
            if to_view.send(answer).await.is_err() {
                return;
            }
        }
    });
    Link { frames, requests }
}

/// A pane with a shell, and the screen started in it.
fn shown() -> TmuxServer {
    let server = TmuxServer::running("");
    let program = std::env::current_exe().expect("this program's path");
    let line = format!(
        "RUST_BACKTRACE=0 {FOLDER}='{}' '{}' --exact screen::child --nocapture --test-threads 1",
        server.folder().display(),
        program.display()
    );
    server.type_line("main", &line);
    until(&server, "storyapp-ci");
    until(&server, "Build is ready");
    server
}

fn until(server: &TmuxServer, text: &str) {
    wait_for(PATIENCE, text, || server.screen("main").contains(text).then_some(()));
}

fn keys(server: &TmuxServer, keys: &[&str]) {
    for key in keys {
        server.tmux(&["send-keys", "-t", "main", key]);
    }
}

/// What tmux knows of the pane's terminal: alternate screen, mouse, bracketed paste is not told.
fn modes(server: &TmuxServer) -> String {
    server.tmux(&["display-message", "-p", "-t", "main", "#{alternate_on} #{mouse_any_flag} #{cursor_flag}"])
}

/// The terminal is as a shell wants it.
fn is_restored(server: &TmuxServer) {
    wait_for(PATIENCE, "the main screen", || (modes(server) == "0 0 1").then_some(()));
    server.type_line("main", "stty -a | tr ' ;' '\\n\\n' | grep -x -e '-*icanon' -e '-*echo' | xargs echo modes:");
    until(server, "modes: icanon echo");
}

#[test]
fn a_decision_by_key_through_a_real_terminal_and_a_clean_end() {
    let server = shown();
    assert_eq!(modes(&server), "1 0 0");
    let rows = server.screen("main");
    assert!(rows.contains("笔记:编辑器.0"), "{rows}");
    for row in rows.lines().filter(|row| row.starts_with('│')) {
        assert!(row.ends_with(['│', '┘', '┐']), "frames stand in line beside wide characters: {row}");
    }
    keys(&server, &["m"]);
    wait_for(PATIENCE, "the mouse", || modes(&server).starts_with("1 1").then_some(()));
    // Within the first moments a key is held to have been meant for something else.
    wait_for(PATIENCE, "the question", || {
        keys(&server, &["a"]);
        server.screen("main").contains("approve?").then_some(())
    });
    until(&server, "if approved: types \"npm run build\" Enter");
    keys(&server, &["Escape"]);
    wait_for(PATIENCE, "no question", || (!server.screen("main").contains("approve?")).then_some(()));
    keys(&server, &["q"]);
    is_restored(&server);
    let exit = std::fs::read_to_string(server.folder().join("exit")).expect("the screen has ended");
    assert_eq!(exit, "Quit");
}

#[test]
fn a_panic_leaves_a_terminal_that_works_and_can_be_read() {
    let server = shown();
    keys(&server, &["m", "o"]);
    until(&server, "the jump failed");
    is_restored(&server);
    let text = server.screen("main");
    // In raw mode the second line would begin below the end of the first.
    assert!(text.lines().any(|line| line == "badly"), "{text}");
}

#[test]
fn a_signal_restores_the_terminal() {
    let server = shown();
    let pid = std::fs::read_to_string(server.folder().join("pid")).expect("the child wrote its number");
    let pid = rustix::process::Pid::from_raw(pid.parse().expect("a number")).expect("a process");
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("the child runs");
    is_restored(&server);
    let exit = std::fs::read_to_string(server.folder().join("exit")).expect("the screen has ended");
    assert_eq!(exit, "Signal(15)");
}

#[test]
fn suspended_and_continued() {
    let server = shown();
    keys(&server, &["C-z"]);
    is_restored(&server);
    server.type_line("main", "clear; fg");
    until(&server, "storyapp-ci");
    wait_for(PATIENCE, "the alternate screen", || (modes(&server) == "1 0 0").then_some(()));
    keys(&server, &["?"]);
    until(&server, "approve what is asked here");
    keys(&server, &["q", "q"]);
    is_restored(&server);
}

#[test]
fn a_new_size_is_taken_up() {
    let server = shown();
    server.tmux(&["resize-window", "-t", "main", "-x", "50", "-y", "12"]);
    wait_for(PATIENCE, "the tabs of a small screen", || {
        server.screen("main").lines().nth(1).is_some_and(|row| row.contains(" Panes   Pipelines")).then_some(())
    });
    server.tmux(&["resize-window", "-t", "main", "-x", "20", "-y", "5"]);
    until(&server, "too small");
    server.tmux(&["resize-window", "-t", "main", "-x", "170", "-y", "30"]);
    until(&server, "? help");
    keys(&server, &["q"]);
    is_restored(&server);
}
