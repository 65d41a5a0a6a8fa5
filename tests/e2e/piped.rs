//! Panes that are read by pipes: who opens them, who is told when none can be had, and what is read in which order.

use super::support::room::Room;
use super::support::watched::{Watched, spec};
use super::support::{PATIENCE, TmuxServer, wait_for};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use tmuxagent_model::{Event, Outcome};
use tmuxagent_tmux::{HostMessage, HostSpec};

const PROGRAM: &str = env!("CARGO_BIN_EXE_tmuxagent");

fn pipe(server: &TmuxServer, pane: &str) -> String {
    server.tmux(&["display-message", "-p", "-t", pane, "#{pane_pipe}"])
}

/// The processes that a server has started and that live.
#[cfg(target_os = "linux")]
fn children(server: &TmuxServer) -> Vec<String> {
    let parent = server.pid().to_string();
    let stat = |entry: std::fs::DirEntry| std::fs::read_to_string(entry.path().join("stat")).ok();
    let all = std::fs::read_dir("/proc").expect("processes").flatten().filter_map(stat);
    let own = all.filter_map(|stat| {
        let (before, behind) = stat.rsplit_once(')')?;
        let mut fields = behind.split_ascii_whitespace();
        let lives = fields.next()? != "Z";
        (lives && fields.next()? == parent).then(|| before.split(' ').next().unwrap_or_default().to_owned())
    });
    let mut own: Vec<String> = own.collect();
    own.sort();
    own
}

#[test]
#[cfg(target_os = "linux")]
fn no_process_stays_for_a_pipe() {
    let server = TmuxServer::running("");
    for name in ["a", "b", "c", "d"] {
        server.tmux(&["new-window", "-d", "-n", name, "-t", "=main:", "exec cat"]);
    }
    let watched = Watched::new(&server, &["needle"]);
    watched.wait_live(&server, "main");
    let rows = |format: &str| {
        let mut rows: Vec<String> =
            server.tmux(&["list-panes", "-a", "-F", format]).lines().map(str::to_owned).collect();
        rows.sort();
        rows
    };
    wait_for(PATIENCE, "five pipes", || {
        (rows("#{?@tmuxagent_watch,own,#{pane_pipe}}") == ["1", "1", "1", "1", "1", "own"]).then_some(())
    });
    // Also the keeper's pane is one; who handed a pipe over ends at once.
    wait_for(PATIENCE, "nobody but the panes' own", || (children(&server) == rows("#{pane_pid}")).then_some(()));
}

/// A program that stands in for ours where it is called so; otherwise it is ours.
fn stands_in(server: &TmuxServer, call: &str, script: &str) -> PathBuf {
    let path = server.folder().join("stands-in");
    let text = format!("#!/bin/sh\ncase $1 in {call}) {script} ;; esac\nexec '{PROGRAM}' \"$@\"\n");
    std::fs::write(&path, text).expect("a script");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("it may run");
    path
}

/// Where no pipe can be had the pane is read all the same, and nobody is told that another has its pipe.
fn is_read_without_a_pipe(server: &TmuxServer, program: Option<PathBuf>) -> Watched {
    let watched = Watched::with(HostSpec { program, ..spec(server) }, &["^needle [0-9]$"]);
    let told = wait_for(PATIENCE, "what is told of it", || {
        watched.state().filter(|(_, detail)| detail.contains("now and then")).map(|(_, detail)| detail)
    });
    assert!(told.contains("can't be read by a pipe of ours"), "{told}");
    server.type_line("main", "echo nee''dle 1");
    watched.wait_line("needle 1");
    assert_eq!(pipe(server, "main"), "0");
    watched
}

#[test]
fn a_pane_without_a_pipe_of_ours_is_told_as_that() {
    let server = TmuxServer::running("");
    is_read_without_a_pipe(&server, None).end();
    let server = TmuxServer::running("");
    let never = stands_in(&server, "__pipe", "exec sleep 600 <&-");
    is_read_without_a_pipe(&server, Some(never)).end();
}

#[test]
fn without_a_keeper_no_pipe_is_opened() {
    let server = TmuxServer::running("");
    let go = server.folder().join("go");
    let script = format!("until [ -e '{}' ]; do sleep 0.1; done", go.display());
    let program = stands_in(&server, "__keeper", &script);
    let watched = is_read_without_a_pipe(&server, Some(program));
    // It comes late.
    std::fs::write(&go, "").expect("a sign");
    wait_for(PATIENCE, "the pipe", || (pipe(&server, "main") == "1").then_some(()));
    server.type_line("main", "echo nee''dle 2");
    watched.wait_line("needle 2");
    wait_for(PATIENCE, "nothing to tell", || {
        watched.state().filter(|(_, detail)| !detail.contains("now and then")).map(drop)
    });
}

/// The keeper's process.
fn keeper(server: &TmuxServer) -> Option<String> {
    let all = server.tmux(&["list-panes", "-a", "-F", "#{?@tmuxagent_watch,#{pane_pid},}"]);
    all.lines().find(|pid| !pid.is_empty()).map(str::to_owned)
}

fn kill(pid: &str) {
    let pid = pid.parse().ok().and_then(rustix::process::Pid::from_raw).expect("a process");
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).expect("it lived");
}

/// Another one comes, and does what the first was there for.
fn keeper_is_replaced(room: &mut Room) {
    let first = wait_for(PATIENCE, "a keeper", || keeper(&room.server));
    kill(&first);
    wait_for(PATIENCE, "another keeper", || keeper(&room.server).filter(|next| *next != first));
    room.finish_tests("behind");
    room.wait_approval();
    wait_for(PATIENCE, "the pipe", || (pipe(&room.server, "=proj:ci") == "1").then_some(()));
    room.kill_9();
    wait_for(PATIENCE, "its end", || (pipe(&room.server, "=proj:ci") == "0").then_some(()));
}

#[test]
fn a_keeper_that_is_killed_is_replaced() {
    let mut room = Room::gated("language: en\n", "expires: 1h");
    room.watch();
    wait_for(PATIENCE, "the pipe", || (pipe(&room.server, "=proj:ci") == "1").then_some(()));
    keeper_is_replaced(&mut room);
}

/// Puts something else where the program was, or nothing.
fn upgrade(program: &Path, by: Option<&str>) {
    std::fs::remove_file(program).expect("it was there");
    if let Some(text) = by {
        std::fs::write(program, text).expect("writable");
        std::fs::set_permissions(program, std::fs::Permissions::from_mode(0o755)).expect("it may run");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_program_that_is_replaced_or_removed_reads_on() {
    for by in [None, Some("#!/bin/sh\nexit 1\n")] {
        let mut room = Room::gated("language: en\n", "expires: 1h");
        let program = room.file("tmuxagent");
        std::fs::copy(PROGRAM, &program).expect("a copy");
        let mut command = std::process::Command::new(&program);
        command.arg("--headless").env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        let log = std::fs::File::create(room.file("supervisor.log")).expect("writable");
        room.supervisor = Some(command.envs(room.environment()).stderr(log).spawn().expect("it starts"));
        room.wait_status("\"live\"");
        wait_for(PATIENCE, "the pipe", || (pipe(&room.server, "=proj:ci") == "1").then_some(()));
        upgrade(&program, by);
        // What is there is read on, and what is new gets a pipe that stays.
        room.finish_tests("one");
        room.wait_approval();
        let new = room.server.tmux(&["new-window", "-d", "-P", "-F", "#{pane_id}", "-t", "=proj:", "exec cat"]);
        wait_for(PATIENCE, "the new pane's pipe", || (pipe(&room.server, &new) == "1").then_some(()));
        let says = room.server.tmux(&["list-panes", "-a", "-F", "#{?@tmuxagent_watch,,#{pane_pipe}}"]);
        assert!(says.lines().all(|pipe| pipe.is_empty() || pipe == "1"), "{says}");
        assert!(!room.answer(&["status"]).contains("now and then"));
        keeper_is_replaced(&mut room);
    }
}

/// What stands before and behind an outcome in what was told: the numbers of the lines before it, and whether its answer
/// stands behind it.
fn around(told: &[HostMessage], intent: &str, answer: &str) -> (u64, bool) {
    let outcome = told.iter().position(
        |message| matches!(message, HostMessage::Event(Event::Outcome { intent: told, .. }) if told.as_str() == intent),
    );
    let outcome = outcome.expect("it was told");
    let line = |message: &HostMessage| match message {
        HostMessage::Event(Event::Line(line)) => Some(line.text.clone()),
        _ => None,
    };
    let before = told[..outcome].iter().rev().filter_map(line).find_map(|text| text.strip_prefix("n ")?.parse().ok());
    (before.unwrap_or(0), told[outcome..].iter().filter_map(line).any(|text| text == answer))
}

/// A pane that prints without a pause while keys are typed: what it had printed before stands before the outcome, and what
/// the keys led to behind it; no line is lost or told twice.
#[test]
fn an_outcome_stands_between_what_was_printed_before_and_behind_it() {
    let program = "stty -echo; \
                   (i=0; while :; do i=$((i+1)); echo \"n $i\"; [ $((i % 100)) != 0 ] || sleep 0.001; done) & \
                   while read -r word; do echo \"answer $word\"; done";
    let server = TmuxServer::running(program);
    let watched = Watched::new(&server, &["^n [0-9]*0$", "^answer [0-9]+$"]);
    let pane = watched.wait_live(&server, "main").key;
    wait_for(PATIENCE, "the pipe", || (pipe(&server, "main") == "1").then_some(()));
    let shown = || {
        let screen = server.screen("main");
        screen.lines().filter_map(|row| row.strip_prefix("n ")?.trim().parse::<u64>().ok()).max()
    };
    let mut late = Vec::new();
    for round in 0..40 {
        let printed = wait_for(PATIENCE, "its numbers", shown) / 10 * 10;
        let intent = format!("I-{round}");
        assert_eq!(watched.type_line(&pane, &intent, &round.to_string()), Outcome::Done);
        let answer = format!("answer {round}");
        watched.wait("its answer", |message| match message {
            HostMessage::Event(Event::Line(line)) if line.text == answer => Some(()),
            _ => None,
        });
        let (before, behind) = around(&watched.messages(), &intent, &answer);
        if before < printed || !behind {
            late.push((round, printed, before, behind));
        }
    }
    assert!(late.is_empty(), "{late:?}");
    let told = watched.messages();
    let numbers: Vec<u64> =
        watched.lines().iter().filter_map(|line| line.text.strip_prefix("n ")?.parse().ok()).collect();
    assert!(numbers.windows(2).all(|pair| pair[1] == pair[0] + 10), "each once and in its order");
    assert!(!told.iter().any(|message| matches!(message, HostMessage::Event(Event::Gap { .. }))), "a gap was told");
}
