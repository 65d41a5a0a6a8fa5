//! What breaks around the program: the database, the disk, the configuration, the pane, the views, the signals.

use super::product::{Room, press, wait_screen};
use super::support::{PATIENCE, TmuxServer, wait_for};
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::process::Stdio;
use std::time::Instant;
use tmuxagent_ipc::client::hello;
use tmuxagent_ipc::hub::PATIENCE as PATIENCE_WITH_VIEWS;
use tmuxagent_ipc::wire::{Request, RequestFrame};
use tmuxagent_model::Via;

fn pid_of(child: &std::process::Child) -> rustix::process::Pid {
    i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw).expect("a process")
}

fn supervisor(room: &Room) -> rustix::process::Pid {
    pid_of(room.supervisor.as_ref().expect("a supervisor"))
}

/// Brings the room to its open question.
fn to_the_gate(room: &Room) -> String {
    room.begin();
    room.wait_ran("lint build ");
    room.let_build_go();
    room.wait_approval()
}

fn state_of(room: &Room, approval: &str) -> String {
    let answer = room.answer(&["approvals", "--json", approval]);
    let value: serde_json::Value = serde_json::from_str(&answer).unwrap_or_default();
    value["state"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn a_server_that_replaces_another_gets_nothing_that_was_meant_for_it() {
    let mut room = Room::new();
    room.watch();
    let approval = to_the_gate(&room);
    room.server.kill();
    wait_for(PATIENCE, "the server's end", || (!room.server.is_running()).then_some(()));
    room.open_window();
    // The new server's first pane has the same id.
    wait_for(PATIENCE, "the end of the question", || (state_of(&room, &approval) == "superseded").then_some(()));
    assert_eq!(room.ask(&["approve", &approval]).status.code(), Some(5));
    room.wait_status("\"live\"");
    assert_eq!(room.ran(), "lint build ");
}

#[test]
fn a_server_that_was_replaced_while_nobody_watched_gets_nothing_either() {
    let mut room = Room::new();
    room.watch();
    let approval = to_the_gate(&room);
    room.kill_9();
    room.server.kill();
    wait_for(PATIENCE, "the server's end", || (!room.server.is_running()).then_some(()));
    room.open_window();
    room.watch();
    wait_for(PATIENCE, "the end of the question", || (state_of(&room, &approval) == "superseded").then_some(()));
    assert_eq!(room.ran(), "lint build ");
}

#[test]
fn keys_under_way_to_a_server_that_was_replaced_are_dropped_without_a_question() {
    let mut room = Room::new();
    let mut command = room.command(&["--headless"]);
    let mut child = command.env("TMUXAGENT_DIE_AT", "send.ready:1").stderr(Stdio::null()).spawn().expect("it starts");
    room.wait_status("\"live\"");
    room.begin();
    child.wait().expect("it dies on the way to tmux");
    room.server.kill();
    wait_for(PATIENCE, "the server's end", || (!room.server.is_running()).then_some(()));
    room.open_window();
    room.watch();
    room.wait_events("\"failed\"");
    let events = room.answer(&["events", "--json"]);
    assert!(events.contains("may have happened or not") && !events.contains("approval_asked"), "{events}");
    assert_eq!(room.ran(), "");
}

#[test]
fn a_respawned_pane_is_another_pane() {
    let mut room = Room::new();
    room.watch();
    let approval = to_the_gate(&room);
    let shell = format!("cd '{}'; exec env PS1='$ ' sh", room.server.folder().display());
    room.server.tmux(&["respawn-pane", "-k", "-t", "proj:ci", &shell]);
    wait_for(PATIENCE, "the end of the question", || (state_of(&room, &approval) == "superseded").then_some(()));
    room.wait_events("\"cancelled\"");
    assert_eq!(room.ran(), "lint build ");
    std::fs::remove_file(room.server.folder().join("ran")).expect("what ran in the pane before");
    to_the_gate(&room);
}

#[test]
fn control_clients_that_are_kicked_or_stand_still_lose_nothing() {
    let mut room = Room::new();
    room.watch();
    room.begin();
    room.wait_ran("lint build ");
    let clients = || {
        let text = room.server.tmux(&["list-clients", "-F", "#{client_control_mode} #{client_name} #{client_pid}"]);
        let client = |line: &str| {
            line.strip_prefix("1 ").and_then(|rest| rest.split_once(' ')).map(|(a, b)| (a.to_owned(), b.to_owned()))
        };
        text.lines().find_map(client)
    };
    let (name, _) = wait_for(PATIENCE, "our client", clients);
    room.server.tmux(&["detach-client", "-t", &name]);
    // The line that ends the stage is printed while no client reads.
    room.let_build_go();
    let approval = room.wait_approval();
    let (_, pid) = wait_for(PATIENCE, "our next client", clients);
    let pid = pid.parse().ok().and_then(rustix::process::Pid::from_raw).expect("a process");
    rustix::process::kill_process(pid, rustix::process::Signal::STOP).expect("it runs");
    assert_eq!(room.ask(&["approve", &approval]).status.code(), Some(0), "the decision does not wait for tmux");
    rustix::process::kill_process(pid, rustix::process::Signal::CONT).expect("it runs");
    room.wait_ran("lint build deploy ");
    room.wait_events("run_ended");
    assert_eq!(room.ran(), "lint build deploy ");
}

#[test]
fn while_another_program_holds_the_database_nothing_is_typed_and_then_everything_once() {
    let mut room = Room::new();
    room.watch();
    let approval = to_the_gate(&room);
    let other = rusqlite::Connection::open(room.state.join("state.db")).expect("the database");
    other.execute_batch("BEGIN IMMEDIATE").expect("the lock");
    // It waits for the lock, then says that it is not certain.
    let told = room.ask(&["approve", &approval]);
    assert_eq!(told.status.code(), Some(7), "{told:?}");
    room.wait_status("nothing is sent until the state can be saved");
    assert_eq!(room.ran(), "lint build ");
    other.execute_batch("ROLLBACK").expect("the end of the lock");
    room.wait_ran("lint build deploy ");
    room.wait_events("run_ended");
    wait_for(PATIENCE, "the end of the problem", || {
        (!room.answer(&["status", "--json"]).contains("nothing is sent")).then_some(())
    });
}

#[test]
fn on_a_full_disk_nothing_is_typed_and_then_everything_once() {
    let mut room = Room::new();
    // A write above the limit is to fail, as on a full disk, and not to end the process.
    let program = env!("CARGO_BIN_EXE_tmuxagent");
    let mut command = std::process::Command::new("sh");
    command.args(["-c", &format!("trap '' XFSZ; exec '{program}' --headless")]).env_clear();
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default()).envs(room.environment());
    room.supervisor = Some(command.stdin(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts"));
    room.wait_status("\"live\"");
    let approval = to_the_gate(&room);
    let limit = |bytes| {
        let limit = rustix::process::Rlimit { current: bytes, maximum: None };
        rustix::process::prlimit(Some(supervisor(&room)), rustix::process::Resource::Fsize, limit).expect("a limit");
    };
    limit(Some(1));
    assert_eq!(room.ask(&["approve", &approval]).status.code(), Some(7), "neither done nor not done");
    room.wait_status("nothing is sent until the state can be saved");
    assert_eq!(room.ran(), "lint build ");
    limit(None);
    room.wait_ran("lint build deploy ");
    room.wait_events("run_ended");
}

#[test]
fn a_damaged_database_is_told_kept_aside_and_restored() {
    let mut room = Room::new();
    room.watch();
    let approval = to_the_gate(&room);
    assert_eq!(room.ask(&["shutdown"]).status.code(), Some(0));
    room.supervisor.take().expect("it ran").wait().expect("it ended");
    assert_eq!(room.ask(&["db", "backup"]).status.code(), Some(0));
    let database = room.state.join("state.db");
    std::fs::write(&database, b"no database at all".repeat(500)).expect("writable");
    let refused = room.ask(&["--headless"]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(2), "{said}");
    assert!(said.contains("damaged") && said.contains("tmuxagent db restore"), "{said}");
    let kept = std::fs::read_dir(&room.state).expect("a folder").flatten();
    assert!(kept.into_iter().any(|entry| entry.file_name().to_string_lossy().starts_with("state.db.")), "a copy");
    assert_eq!(room.ask(&["db", "restore"]).status.code(), Some(0));
    room.watch();
    assert_eq!(room.wait_approval(), approval, "the question is there as it was");
    assert_eq!(room.ask(&["approve", &approval]).status.code(), Some(0));
    room.wait_events("\"held\"");
    assert_eq!(room.ran(), "lint build ", "nothing is typed before a person has looked");
    assert_eq!(room.ask(&["unfreeze"]).status.code(), Some(0));
    room.wait_ran("lint build deploy ");
}

#[test]
fn a_configuration_that_breaks_while_running_changes_nothing() {
    let mut room = Room::new();
    let folder = room.server.folder().join(".config/tmuxagent");
    std::fs::create_dir_all(&folder).expect("a folder");
    let file = folder.join("config.yaml");
    std::fs::write(&file, "undo: 0s\n").expect("a file");
    room.watch();
    std::fs::write(&file, "undo: [soon\n").expect("writable");
    room.wait_status("config.yaml:");
    to_the_gate(&room);
    std::fs::write(&file, "undo: 0s\n").expect("writable");
    wait_for(PATIENCE, "the end of the problem", || {
        (!room.answer(&["status", "--json"]).contains("config.yaml:")).then_some(())
    });
}

#[test]
fn of_two_that_start_in_the_same_instant_one_is_the_supervisor() {
    let room = Room::new();
    for _ in 0..5 {
        let mut both: Vec<_> =
            (0..2).map(|_| room.command(&["--headless"]).stderr(Stdio::piped()).spawn().expect("it starts")).collect();
        let loser = wait_for(PATIENCE, "the loser", || {
            both.iter_mut().position(|one| one.try_wait().expect("a child").is_some())
        });
        let mut loser = both.remove(loser);
        assert_eq!(loser.wait().expect("it ended").code(), Some(2));
        let mut said = String::new();
        loser.stderr.take().expect("a pipe").read_to_string(&mut said).expect("text");
        assert!(said.contains("a supervisor runs already"), "{said}");
        room.wait_status("\"live\"");
        let mut winner = both.remove(0);
        assert!(winner.try_wait().expect("a child").is_none(), "one goes on");
        rustix::process::kill_process(pid_of(&winner), rustix::process::Signal::TERM).expect("it runs");
        assert_eq!(winner.wait().expect("it ended").code(), Some(0));
    }
}

#[test]
fn a_view_that_stops_reading_delays_nobody() {
    let mut room = Room::new();
    room.watch();
    let mut deaf: Vec<UnixStream> = Vec::new();
    for _ in 0..4 {
        let mut stream = UnixStream::connect(room.state.join("supervisor.sock")).expect("the socket");
        let requests =
            [hello(Via::Key, None, None), Request::Subscribe, Request::Events { after: 0, limit: 9, follow: true }];
        for (id, request) in (1..).zip(requests) {
            let frame = serde_json::to_string(&RequestFrame { id, request }).expect("a frame");
            stream.write_all(format!("{frame}\n").as_bytes()).expect("it is taken");
        }
        deaf.push(stream);
    }
    room.server.type_line("proj:ci", "seq 1 3000");
    wait_for(PATIENCE, "the last number", || room.server.screen("proj:ci").contains("3000\n").then_some(()));
    let approval = to_the_gate(&room);
    let begun = Instant::now();
    assert_eq!(room.ask(&["approve", &approval]).status.code(), Some(0));
    assert!(begun.elapsed() < PATIENCE_WITH_VIEWS, "not before they were cut: {:?}", begun.elapsed());
    room.wait_ran("lint build deploy ");
}

#[test]
fn storms_of_signals_disturb_nothing_and_end_it_once() {
    let mut room = Room::new();
    room.watch();
    for _ in 0..300 {
        rustix::process::kill_process(supervisor(&room), rustix::process::Signal::WINCH).expect("it runs");
        rustix::process::kill_process(supervisor(&room), rustix::process::Signal::PIPE).expect("it runs");
    }
    let approval = to_the_gate(&room);
    for signal in [rustix::process::Signal::TERM, rustix::process::Signal::HUP, rustix::process::Signal::INT].repeat(30)
    {
        // It may end before the storm does.
        let _ = rustix::process::kill_process(supervisor(&room), signal);
    }
    assert_eq!(room.supervisor.take().expect("it ran").wait().expect("it ended").code(), Some(0));
    room.watch();
    assert_eq!(room.wait_approval(), approval);
}

#[test]
fn a_view_that_dies_leaves_the_supervisor_and_the_next_view_alone() {
    let mut room = Room::new();
    room.watch();
    let desk = TmuxServer::prepare();
    room.terminal(&desk, "first", "");
    wait_screen(&desk, "first", "proj:ci");
    room.terminal(&desk, "second", "");
    wait_screen(&desk, "second", "proj:ci");
    let pid = desk.tmux(&["display-message", "-p", "-t", "=desk:first", "#{pane_pid}"]);
    let pid = pid.parse().ok().and_then(rustix::process::Pid::from_raw).expect("a process");
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).expect("it runs");
    let approval = to_the_gate(&room);
    wait_screen(&desk, "second", "needs approval");
    press(&desk, "second", &["q"]);
    assert_eq!(room.ask(&["approve", &approval]).status.code(), Some(0));
    room.wait_ran("lint build deploy ");
}
