//! Somebody always reads: while the supervisor stands still, and when it is killed. And the server survives what crashes it
//! under others.

use super::support::room::Room;
use super::support::watched::Watched;
use super::support::{PATIENCE, TmuxServer, wait_for};
use rustix::process::{Signal, kill_process};
use std::time::{Duration, Instant};
use tmuxagent_model::{Event, Outcome};
use tmuxagent_tmux::HostMessage;

/// What a server's process holds in memory, kilobytes.
fn memory(server: &TmuxServer) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.trim().split(' ').next().and_then(|number| number.parse().ok()).unwrap_or(0)
}

fn pipe(server: &TmuxServer, pane: &str) -> String {
    server.tmux(&["display-message", "-p", "-t", pane, "#{pane_pipe}"])
}

#[test]
#[cfg(target_os = "linux")]
fn a_supervisor_that_stands_still_neither_stops_a_program_nor_fills_the_server() {
    let mut room = Room::gated("language: en\n", "expires: 1h");
    room.watch();
    let beat = room.file("beat");
    // Ten megabytes a second, more or less; each round leaves a sign of life.
    let flood = format!("i=0; while :; do i=$((i+1)); seq 1 20000; echo $i > '{}'; sleep 0.01; done", beat.display());
    let pane = room.server.tmux(&["new-window", "-d", "-P", "-F", "#{pane_id}", "-t", "=proj:", "-n", "flood", &flood]);
    wait_for(PATIENCE, "its pipe", || (pipe(&room.server, &pane) == "1").then_some(()));
    let beats = || std::fs::read_to_string(&beat).ok()?.trim().parse::<u64>().ok();
    let first = wait_for(PATIENCE, "the flood", beats);
    wait_for(PATIENCE, "more of it", || (beats()? > first + 20).then_some(()));
    let before = memory(&room.server);
    let supervisor = room.supervisor().expect("it runs");
    kill_process(supervisor, Signal::STOP).expect("it lives");
    // The keeper takes over within two seconds; what comes after that costs the server nothing.
    let mut seen = wait_for(PATIENCE, "a beat", beats);
    let end = Instant::now() + Duration::from_secs(8);
    while Instant::now() < end {
        let next = || beats().filter(|now| *now > seen);
        seen = wait_for(Duration::from_secs(4), "the program, which stands still", next);
    }
    let grown = memory(&room.server).saturating_sub(before);
    kill_process(supervisor, Signal::CONT).expect("it lives");
    assert!(grown < 96 * 1024, "the server grew by {grown} kB");
    wait_for(PATIENCE, "the gap", || room.answer(&["events"]).contains("was lost").then_some(()));
    // And it goes on, as the flood does; on a busy machine that takes its time.
    room.finish_tests("one");
    let open = || room.approvals().into_iter().find(|approval| approval["state"] == "pending");
    wait_for(PATIENCE * 3, "the question beside the flood", open);
}

#[test]
fn a_kill_leaves_no_pipe_and_no_session() {
    let mut room = Room::gated("language: en\n", "expires: 1h");
    room.watch();
    wait_for(PATIENCE, "our pipe", || (pipe(&room.server, "=proj:ci") == "1").then_some(()));
    room.kill_9();
    wait_for(PATIENCE, "its end", || (pipe(&room.server, "=proj:ci") == "0").then_some(()));
    wait_for(PATIENCE, "the session's end", || {
        (room.server.tmux(&["list-sessions", "-F", "#{session_name}"]) == "proj").then_some(())
    });
    assert!(room.server.tmux(&["list-clients"]).is_empty());
}

/// A window that closes hangs up all that runs in front of it: a wrapping shell, the supervisor, and what that started. What
/// it says about that goes nowhere.
#[test]
fn a_screen_whose_terminal_closes_leaves_no_pipe_whatever_wraps_it() {
    for (wrapper, end) in [
        ("PROGRAM 2>/dev/null; echo ended", ["kill-window", "-t", "=desk:screen"]),
        ("PROGRAM 2>/dev/null; echo ended", ["kill-session", "-t", "=desk"]),
        ("PROGRAM; echo ended", ["kill-window", "-t", "=desk:screen"]),
        ("exec PROGRAM", ["kill-window", "-t", "=desk:screen"]),
    ] {
        let mut room = Room::gated("language: en\n", "expires: 1h");
        let server = &room.server;
        let variables: Vec<String> =
            room.environment().iter().map(|(name, value)| format!("{name}='{value}'")).collect();
        let program = format!("env {} '{}'", variables.join(" "), env!("CARGO_BIN_EXE_tmuxagent"));
        server.new_session("desk", "exec sleep 1000");
        let command = wrapper.replace("PROGRAM", &program);
        server.tmux(&["new-window", "-d", "-t", "=desk:", "-n", "screen", &command]);
        wait_for(PATIENCE, "our pipe", || (pipe(server, "=proj:ci") == "1").then_some(()));
        server.tmux(&end);
        wait_for(PATIENCE, "the end of the pipe", || (pipe(server, "=proj:ci") == "0").then_some(()));
        wait_for(PATIENCE, "the end of our session", || {
            let sessions = server.tmux(&["list-sessions", "-F", "#{session_name}"]);
            (!sessions.contains("tmuxagent-")).then_some(())
        });
        wait_for(PATIENCE, "its end", || tmuxagent_ipc::lock::holder(&room.state).is_none().then_some(()));
        // The next one reads by a pipe of its own, and misses nothing.
        room.watch();
        wait_for(PATIENCE, "the next pipe", || (pipe(&room.server, "=proj:ci") == "1").then_some(()));
        room.finish_tests("one");
        room.wait_approval();
    }
}

#[test]
fn a_supervisor_that_ends_with_its_client_gone_leaves_no_pipe() {
    let mut room = Room::gated("language: en\n", "expires: 1h");
    room.watch();
    wait_for(PATIENCE, "our pipe", || (pipe(&room.server, "=proj:ci") == "1").then_some(()));
    for client in room.server.tmux(&["list-clients", "-F", "#{client_pid}"]).lines() {
        let client = client.parse().ok().and_then(rustix::process::Pid::from_raw).expect("a process");
        kill_process(client, Signal::HUP).expect("it lived");
    }
    kill_process(room.supervisor().expect("it runs"), Signal::TERM).expect("it lived");
    room.supervisor.take().expect("it runs").wait().expect("it ends");
    wait_for(PATIENCE, "the end of the pipe", || (pipe(&room.server, "=proj:ci") == "0").then_some(()));
}

#[test]
fn busy_panes_may_be_respawned_while_they_are_watched() {
    let server = TmuxServer::running("");
    let pid = server.pid();
    let busy = "while :; do seq 1 300; sleep 0.01; done";
    let panes: Vec<String> =
        (0..4).map(|_| server.tmux(&["new-window", "-d", "-P", "-F", "#{pane_id}", "-t", "main:", busy])).collect();
    let watched = Watched::new(&server, &["needle"]);
    panes.iter().for_each(|pane| drop(watched.wait_live(&server, pane)));
    for _ in 0..40 {
        panes.iter().for_each(|pane| drop(server.tmux(&["respawn-pane", "-k", "-t", pane, busy])));
    }
    assert_eq!(server.pid(), pid, "every tmux before 3.8 crashes in this under a client that gets the output");
    let pane = &panes[0];
    server.tmux(&["respawn-pane", "-k", "-t", pane, "exec env PS1='$ ' sh"]);
    wait_for(PATIENCE, "a line of the last process", || {
        server.type_line(pane, "echo nee''dle");
        let soon = Instant::now() + Duration::from_secs(2);
        let come = || watched.lines().iter().any(|line| line.text == "needle");
        std::iter::repeat_with(come).take_while(|_| Instant::now() < soon).find(|come| *come).map(drop)
    });
}

#[test]
fn the_server_ends_with_the_users_last_session() {
    let server = TmuxServer::running("");
    let watched = Watched::new(&server, &["needle"]);
    watched.wait_live(&server, "main");
    let sessions = server.tmux(&["list-sessions", "-F", "#{session_name} #{session_attached}"]);
    assert!(sessions.lines().any(|line| line == "main 0"), "his session is not attached because of us: {sessions}");
    server.tmux(&["kill-session", "-t", "main"]);
    wait_for(PATIENCE, "the server's end", || (!server.is_running()).then_some(()));
}

/// What a supervisor that was killed before its keeper came leaves behind: a pipe that ends with the pane's next word.
#[test]
fn a_pipe_that_breaks_as_something_is_typed_costs_no_line() {
    let server = TmuxServer::running("");
    server.tmux(&["pipe-pane", "-t", "main", "exec sleep 600 <&-"]);
    let watched = Watched::new(&server, &["^needle \\d+$"]);
    let pane = watched.wait_live(&server, "main").key;
    for round in 0..6 {
        assert_eq!(watched.type_line(&pane, &format!("I-{round}"), &format!("echo nee''dle {round}")), Outcome::Done);
        watched.wait_line(&format!("needle {round}"));
        let told = watched.messages();
        let outcome = told.iter().position(|message| {
            matches!(message, HostMessage::Event(Event::Outcome { intent, .. }) if intent.as_str() == format!("I-{round}"))
        });
        let line = told.iter().position(|message| {
            matches!(message, HostMessage::Event(Event::Line(line)) if line.text == format!("needle {round}"))
        });
        assert!(outcome < line, "the answer stands behind the outcome");
        server.tmux(&["pipe-pane", "-t", "main", "exec sleep 600 <&-"]);
        wait_for(PATIENCE, "the pipe is seen", || {
            watched.state().filter(|(_, detail)| detail.contains("has a pipe that is not ours"))
        });
    }
    assert_eq!(watched.lines().len(), 6);
}

#[test]
fn a_window_that_somebody_opens_in_our_session_is_his() {
    for killed in [false, true] {
        let mut room = Room::gated("language: en\n", "expires: 1h");
        room.watch();
        let own = |room: &Room| {
            let all = room.server.tmux(&["list-sessions", "-F", "#{session_name}"]);
            all.lines().find(|name| name.starts_with("tmuxagent-")).map(str::to_owned)
        };
        let session = wait_for(PATIENCE, "our session", || own(&room));
        let pane = room.server.tmux(&[
            "new-window",
            "-d",
            "-P",
            "-F",
            "#{pane_id}",
            "-t",
            &format!("={session}:"),
            "sleep 777",
        ]);
        if killed {
            room.kill_9();
            room.watch();
            room.wait_status("\"live\"");
        }
        room.answer(&["shutdown"]);
        room.supervisor.take().expect("it runs").wait().expect("it ends");
        assert_eq!(room.server.tmux(&["display-message", "-p", "-t", &pane, "#{pane_start_command}"]), "\"sleep 777\"");
        let marked = room.server.tmux(&["list-sessions", "-F", "#{@tmuxagent_watch}"]);
        assert!(marked.trim().is_empty(), "{marked}");
    }
}

#[test]
fn what_is_opened_without_a_target_comes_to_the_users_session() {
    let server = TmuxServer::running("");
    let watched = Watched::new(&server, &["needle"]);
    watched.wait_live(&server, "main");
    // No terminal of tmux's and no session of anybody's: tmux takes the one that was used last, which is ours.
    let window = server.tmux(&["new-window", "-P", "-F", "#{window_id}", "exec sleep 777"]);
    let windows = || server.tmux(&["list-windows", "-t", "=main:", "-F", "#{window_id} #{window_active}"]);
    wait_for(PATIENCE, "the window", || windows().contains(&format!("{window} 1")).then_some(()));
    let behind = server.tmux(&["new-window", "-d", "-P", "-F", "#{window_id}", "exec sleep 778"]);
    wait_for(PATIENCE, "the window behind", || windows().contains(&format!("{behind} 0")).then_some(()));
    let pane = server.tmux(&["split-window", "-P", "-F", "#{pane_id}", "exec sleep 779"]);
    let panes = || server.tmux(&["list-panes", "-t", &format!("=main:{window}"), "-F", "#{pane_id}"]);
    wait_for(PATIENCE, "the pane", || panes().lines().any(|id| id == pane).then_some(()));
    watched.wait_pane(&pane);
}

#[test]
fn windows_behind_the_current_one_do_not_put_off_watching() {
    let server = TmuxServer::running("");
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let until = Instant::now() + PATIENCE * 2;
            while !done.load(std::sync::atomic::Ordering::Relaxed) && Instant::now() < until {
                let window =
                    server.tmux(&["new-window", "-d", "-P", "-F", "#{window_id}", "-t", "=main:", "exec sleep 9"]);
                server.tmux(&["rename-window", "-t", &window, "another"]);
                server.tmux(&["kill-window", "-t", &window]);
            }
        });
        let watched = Watched::new(&server, &["needle"]);
        watched.wait_state(tmuxagent_model::HostState::Live);
        done.store(true, std::sync::atomic::Ordering::Relaxed);
    });
}
