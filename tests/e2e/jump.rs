//! Enter on a pane of another machine: a window of the user's own tmux shows it, and leaving that window comes back.

use super::support::sshd::Sshd;
use super::support::{PATIENCE, TmuxServer, wait_for, wait_or_tell};
use std::process::{Child, Command, Stdio};

#[test]
fn enter_on_a_remote_pane_opens_it_and_leaving_comes_back() {
    let (sshd, there, here) = (Sshd::start(), TmuxServer::running(""), TmuxServer::running(""));
    there.new_session("work", "");
    there.tmux(&["rename-window", "-t", "work", "agent"]);
    there.tmux(&["set-option", "-g", "status-left", "FAR"]);
    there.tmux(&["kill-session", "-t", "main"]);
    there.type_line("work", "echo over'' there");
    let home = tempfile::Builder::new().prefix("ta").tempdir().expect("a folder");
    std::fs::write(home.path().join("config.yaml"), format!("hosts:\n{}", sshd.yaml("nas", sshd.port(), &there)))
        .expect("writable");
    let line = format!(
        "exec env HOME='{0}' TMUXAGENT_STATE_DIR='{0}/state' TMUXAGENT_CONFIG='{0}/config.yaml' '{1}'",
        home.path().display(),
        env!("CARGO_BIN_EXE_tmuxagent")
    );
    here.tmux(&["new-window", "-t", "=main:", "-n", "room", &line]);
    here.wait_screen("=main:room", "work:agent");
    let open = || here.tmux(&["list-windows", "-t", "=main:", "-F", "#{window_name} #{window_active}"]);
    let window = |part: &str| {
        let found = || format!("{part:?} is not among\n{}\n{}", open(), here.screen("=main:room"));
        wait_or_tell(PATIENCE, || open().contains(part).then_some(()), found);
    };
    for _ in 0..2 {
        // A second jump finds the window of the first.
        here.tmux(&["select-window", "-t", "=main:room"]);
        here.tmux(&["send-keys", "-t", "=main:room", "Enter"]);
        window("nas %1 1");
        here.wait_screen("=main:", "over there");
        here.wait_screen("=main:", "FAR");
        assert_eq!(open().lines().count(), 3, "{}", open());
    }
    // The prefix of the inner tmux, then `d`: detached, and the window is gone.
    here.tmux(&["send-keys", "-t", "=main:", "C-b", "d"]);
    window("room 1");
    assert_eq!(open().lines().count(), 2, "{}", open());

    // A jump that fails stays on the screen until it was read.
    std::fs::write(sshd.file("authorized_keys"), "").expect("writable");
    for pid in sshd.connections().into_iter().filter_map(rustix::process::Pid::from_raw) {
        // It may have ended by itself.
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
    }
    here.wait_screen("=main:room", "Permission denied");
    here.tmux(&["send-keys", "-t", "=main:room", "Enter"]);
    window("nas %1 1");
    here.wait_screen("=main:", "Enter closes this window");
    here.tmux(&["send-keys", "-t", "=main:", "Enter"]);
    window("room 1");
    here.tmux(&["send-keys", "-t", "=main:room", "q"]);
    wait_for(PATIENCE, "the end", || {
        // Leaving may ask.
        here.try_tmux(&["send-keys", "-t", "=main:room", "y"]);
        (!open().contains("room")).then_some(())
    });
}

/// A process that ends with the test.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Neither server is named: each process takes the one that it runs inside of, and the panes are the supervisor's.
#[test]
fn a_screen_inside_another_tmux_opens_the_panes_of_the_supervisor_s_server() {
    let (there, here) = (TmuxServer::running(""), TmuxServer::running(""));
    there.tmux(&["rename-window", "-t", "main", "agent"]);
    there.tmux(&["set-option", "-g", "status-left", "FAR"]);
    there.type_line("main", "echo over'' there");
    let home = tempfile::Builder::new().prefix("ta").tempdir().expect("a folder");
    let (path, program) = (home.path().display(), env!("CARGO_BIN_EXE_tmuxagent"));
    let state = format!("{path}/state");
    let _supervisor = Ended(
        Command::new(program)
            .arg("--headless")
            .env_remove("TMUX_PANE")
            .env("HOME", home.path())
            .env("TMUXAGENT_STATE_DIR", &state)
            .env("TMUX", format!("{},{},0", there.socket().display(), there.pid()))
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts"),
    );
    let line = format!("exec env HOME='{path}' TMUXAGENT_STATE_DIR='{state}' '{program}'");
    let shows = || here.screen("=main:room").contains("main:agent");
    here.tmux(&["new-window", "-t", "=main:", "-n", "room", "sh"]);
    wait_or_tell(
        PATIENCE,
        || std::fs::exists(format!("{state}/supervisor.sock")).is_ok_and(|it| it).then_some(()),
        || format!("no supervisor: {:?}", std::fs::read_dir(&state).map(|all| all.flatten().collect::<Vec<_>>())),
    );
    here.type_line("=main:room", &line);
    wait_or_tell(PATIENCE, || shows().then_some(()), || here.screen("=main:room"));
    here.tmux(&["send-keys", "-t", "=main:room", "o"]);
    let open = || here.tmux(&["list-windows", "-t", "=main:", "-F", "#{window_name} #{window_active}"]);
    wait_or_tell(
        PATIENCE,
        || open().contains("local %0 1").then_some(()),
        || format!("{}\n{}", open(), here.screen("=main:")),
    );
    here.wait_screen("=main:", "over there");
    here.wait_screen("=main:", "FAR");
}
