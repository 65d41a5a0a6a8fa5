//! One server, one supervisor that types: claimed, watched by the next one, taken over, fenced, and given back.

use super::ssh::remote;
use super::support::room::Room;
use super::support::sshd::Sshd;
use super::support::watched::{Watched, keys, spec};
use super::support::{PATIENCE, TmuxServer, wait_for};
use rustix::process::{Signal, kill_process};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};
use tmuxagent_model::{HostName, HostState, IntentId, Outcome, Owner, SkipReason};
use tmuxagent_tmux::{HostMessage, HostSpec, this_process};

/// A lease is lost after 22 s, and looked at every second.
const TAKEOVER: Duration = Duration::from_secs(60);

/// A second supervisor of the room's user, with a state folder of its own.
struct Second {
    environment: Vec<(&'static str, String)>,
    log: std::path::PathBuf,
    child: Option<Child>,
}

impl Second {
    fn start(room: &Room) -> Self {
        let mut environment = room.environment();
        environment.retain(|(name, _)| *name != "TMUXAGENT_STATE_DIR");
        environment.push(("TMUXAGENT_STATE_DIR", room.file("second").display().to_string()));
        let mut second = Self { environment, log: room.file("second.log"), child: None };
        let log = std::fs::File::create(&second.log).expect("writable");
        second.child = Some(second.command(&["--headless"]).stderr(log).spawn().expect("it starts"));
        second
    }

    /// One that has the server, asks there, and has done what it was told.
    fn that_takes_over(room: &Room) -> Self {
        let second = Self::start(room);
        second.wait_status("\"live\"");
        room.finish_tests("two");
        let approval = second.wait_approval();
        assert!(second.ask(&["approve", &approval]).status.success());
        room.wait_ran("build ");
        second
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tmuxagent"));
        command.args(arguments).env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.envs(self.environment.iter().cloned()).stdin(Stdio::null());
        command
    }

    fn ask(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("it runs")
    }

    fn answer(&self, arguments: &[&str]) -> String {
        let output = self.ask(arguments);
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
    }

    fn wait_status(&self, part: &str) -> String {
        wait_for(TAKEOVER, part, || Some(self.answer(&["status", "--json"])).filter(|said| said.contains(part)))
    }

    /// The open approval that it asks itself, or those beside it.
    fn wait_approval(&self) -> String {
        wait_for(PATIENCE, "an open approval", || {
            let said: serde_json::Value =
                serde_json::from_slice(&self.ask(&["approvals", "--json"]).stdout).unwrap_or_default();
            Some(said.as_array()?.first()?["id"].as_str()?.to_owned())
        })
    }
}

impl Drop for Second {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("second: {}", std::fs::read_to_string(&self.log).unwrap_or_default());
            eprintln!("second: {}", self.answer(&["events"]));
        }
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Every option and variable of ours that a server holds.
fn left_behind(server: &TmuxServer) -> String {
    let said = [
        server.tmux(&["show-options", "-s"]),
        server.tmux(&["show-environment", "-g", "-h"]),
        server.tmux(&["list-panes", "-a", "-F", "#{?@tmuxagent_last,@tmuxagent_last,}"]),
    ];
    said.join("\n").lines().filter(|line| line.contains("@tmuxagent_")).collect::<Vec<_>>().join("\n")
}

/// Whoever comes back after another one is told so by one hidden variable; nothing else stays.
fn only_the_last_is_named(server: &TmuxServer) {
    let left = left_behind(server);
    assert!(left.starts_with("@tmuxagent_lease=") && !left.contains('\n') && left.contains("\"last\""), "{left}");
}

#[test]
fn a_second_supervisor_watches_decides_through_the_first_and_takes_over_when_that_one_is_killed() {
    let mut room = Room::gated("language: en\n", "expires: 1h");
    room.watch();
    let pid = room.supervisor.as_ref().expect("it runs").id();
    let second = Second::start(&room);
    let status = second.wait_status("\"watching\"");
    assert!(status.contains(&format!("\"pid\": {pid}")), "it names the first: {status}");
    let shown = second.answer(&["status"]);
    assert!(shown.contains("tmuxagent on ") && shown.contains(&format!("(process {pid})")), "{shown}");
    let report = second.answer(&["doctor"]);
    assert!(report.contains(&format!("(process {pid}) types there")), "{report}");

    room.finish_tests("one");
    let approval = room.wait_approval();
    assert_eq!(second.wait_approval(), approval, "it shows the first one's question");
    let status = second.answer(&["status", "--json"]);
    assert!(status.contains("\"open_approvals\": 1"), "and counts it: {status}");
    assert!(!second.answer(&["events", "--json"]).contains("asked"), "and asks none itself");
    let refused = second.ask(&["start", "proj:ci", "dinner"]);
    assert_ne!(refused.status.code(), Some(0), "nothing is started from here");
    assert_eq!(second.ask(&["approve", &approval]).status.code(), Some(0), "the yes goes to the first");
    room.wait_ran("build ");
    room.wait_events("run_ended");

    room.kill_9();
    second.wait_status("\"live\"");
    room.finish_tests("two");
    let approval = second.wait_approval();
    assert_eq!(second.ask(&["approve", &approval]).status.code(), Some(0));
    room.wait_ran("build build ");
}

/// The one that asked is gone for good, or comes back after another one has its server.
#[test]
fn what_a_gone_supervisor_had_asked_is_told_by_the_next_one() {
    let mut room = Room::gated("language: en\n", "expires: 1h");
    room.watch();
    room.finish_tests("one");
    let old = room.wait_approval();
    let second = Second::start(&room);
    let status = second.wait_status("\"asks\"");
    assert!(status.contains("\"stage\": \"build\""), "{status}");
    room.kill_9();
    second.wait_status("\"live\"");
    let told = "a decision about dinner/build was open at ann's tmuxagent on ";
    wait_for(PATIENCE, "what was open", || second.answer(&["events", "--json"]).contains(told).then_some(()));
    let pane = room.server.tmux(&["display-message", "-p", "-t", "proj:ci", "#{pane_id}"]);
    let begin = ["start", &format!("local:{pane}"), "dinner", "--stage", "build"];
    let named = format!("`tmuxagent {}` begins it", begin.join(" "));
    assert!(second.answer(&["events", "--json"]).contains(&named), "{}", second.answer(&["events"]));
    assert_eq!(second.ask(&begin).status.code(), Some(0));
    let new = second.wait_approval();
    // The first one comes back: what it had asked is closed, and why is true.
    let log = std::fs::File::create(room.file("supervisor.log")).expect("writable");
    room.supervisor = Some(room.command(&["--headless"]).stderr(log).spawn().expect("it starts"));
    room.wait_status("\"watching\"");
    let late = room.ask(&["approve", &old]);
    assert_ne!(late.status.code(), Some(0), "{late:?}");
    let events = room.answer(&["events", "--json"]);
    assert!(events.contains("it is watched now by ann's tmuxagent"), "{events}");
    assert_eq!(room.ran(), "");
    assert_eq!(second.ask(&["approve", &new]).status.code(), Some(0));
    room.wait_ran("build ");
}

/// Who watches looks once a second: what is asked in the second before an orderly end stands there for a moment.
#[test]
fn what_was_asked_just_before_an_orderly_end_is_told_as_well() {
    let mut room = Room::gated("language: en\n", "expires: 1h");
    room.watch();
    let second = Second::start(&room);
    second.wait_status("\"watching\"");
    room.finish_tests("one");
    room.wait_approval();
    assert_eq!(room.ask(&["shutdown"]).status.code(), Some(0));
    let told = "a decision about dinner/build was open at ann's tmuxagent on ";
    wait_for(TAKEOVER, "what was open", || second.answer(&["events", "--json"]).contains(told).then_some(()));
    let mut ended = room.supervisor.take().expect("it ran");
    assert!(ended.wait().expect("it ends").success());
}

#[test]
fn a_suspended_supervisor_loses_its_server_and_types_nothing_when_it_goes_on() {
    let mut room = Room::gated("language: en\n", "expires: 1h");
    room.watch();
    room.finish_tests("one");
    let old = room.wait_approval();
    let first = room.supervisor().expect("it runs");
    let second = Second::start(&room);
    second.wait_status("\"watching\"");
    kill_process(first, Signal::STOP).expect("it lives");
    second.wait_status("\"live\"");
    room.finish_tests("two");
    let new = second.wait_approval();
    assert_ne!(old, new);
    kill_process(first, Signal::CONT).expect("it lives");
    // Whether it has found out by now or not: its yes types nothing.
    let _ = room.ask(&["approve", &old]);
    let status = room.wait_status("\"watching\"");
    assert!(!status.contains("a pipe"), "the other one's pipe is no program's that it would have to poll: {status}");
    assert!(room.approvals().iter().all(|approval| approval["state"] != "pending" || approval["id"] == new.as_str()));
    assert_eq!(room.ran(), "");
    assert_eq!(second.ask(&["approve", &new]).status.code(), Some(0));
    room.wait_ran("build ");
}

#[test]
fn killed_and_started_again_it_has_its_server_at_once_although_another_one_waits_for_it() {
    let mut room = Room::gated("language: en\n", "expires: 1h");
    room.watch();
    room.finish_tests("one");
    let approval = room.wait_approval();
    let second = Second::start(&room);
    second.wait_status("\"watching\"");
    let token = |room: &Room| room.server.tmux(&["show-options", "-sqv", "@tmuxagent_owner"]);
    let before = token(&room);
    room.kill_9();
    second.wait_status("\"gone\"");
    room.watch();
    // The second one has read by pipes meanwhile, of which a pane has one.
    wait_for(PATIENCE, "its pipes", || (!room.answer(&["status"]).contains("not ours")).then_some(()));
    let after = token(&room);
    let instance = |token: &str| token.split('.').next().map(str::to_owned);
    assert_eq!(instance(&before), instance(&after));
    assert_ne!(before, after, "each taking has a token of its own");
    assert_eq!(room.ask(&["approve", &approval]).status.code(), Some(0));
    room.wait_ran("build ");
    assert!(second.answer(&["status", "--json"]).contains("\"watching\""));
}

#[test]
fn after_an_orderly_end_the_next_one_takes_over_and_no_line_between_is_lost_without_a_word() {
    let mut room = Room::gated("language: en\n", "expires: 1h");
    room.watch();
    let pid = room.supervisor.as_ref().expect("it runs").id();
    let second = Second::start(&room);
    second.wait_status("\"watching\"");
    assert_eq!(room.ask(&["shutdown"]).status.code(), Some(0));
    let mut ended = room.supervisor.take().expect("it ran");
    assert!(ended.wait().expect("it ends").success());
    let end = Instant::now();
    // The next one may not know yet.
    room.finish_tests("one");
    let gone = format!("(process {pid}) is gone; this one takes over");
    wait_for(PATIENCE, "that the end is known", || {
        let status = second.answer(&["status"]);
        (status.contains(&gone) || status.contains("live")).then_some(())
    });
    room.finish_tests("two");
    second.wait_status("\"live\"");
    // By the lease alone it would take longer.
    assert!(end.elapsed() < Duration::from_secs(20), "{:?}", end.elapsed());
    let approval = second.wait_approval();
    assert_eq!(second.ask(&["approve", &approval]).status.code(), Some(0));
    room.wait_ran("build ");
    // The first line was acted on as well, or it is told: which of the two depends on the instant.
    let events = || second.answer(&["events", "--json", "--limit", "1000"]);
    let told = || events().contains("not acted on by this one: `tests ok one`");
    let asked = || second.answer(&["approvals", "--all", "--json"]).contains("tests ok one");
    assert!(told() || asked(), "{}", second.answer(&["events"]));
}

#[test]
fn a_server_with_two_names_is_watched_once() {
    let mut room = Room::gated("language: en\n", "expires: 1h");
    let socket = room.server.socket().display().to_string();
    let link = room.file("other.sock");
    std::os::unix::fs::symlink(&socket, &link).expect("a link");
    let host = |name: &str, socket: &str| format!("  - name: {name}\n    tmux: {{socket: {socket:?}}}\n");
    let twin = host("twin", &link.display().to_string());
    room.configure(&format!("language: en\nhosts:\n{}{twin}", host("local", &socket)));
    let log = std::fs::File::create(room.file("supervisor.log")).expect("writable");
    let mut command = room.command(&["--headless"]);
    room.supervisor = Some(command.env_remove("TMUXAGENT_SOCKET").stderr(log).spawn().expect("it starts"));
    let status = room.wait_status("\"same\"");
    let status = if status.contains("\"live\"") { status } else { room.wait_status("\"live\"") };
    assert_eq!(status.matches("\"live\"").count(), 1, "{status}");
    assert!(room.answer(&["status"]).contains("it is the same server as `"));
    room.finish_tests("one");
    let approval = room.wait_approval();
    assert_eq!(room.approvals().len(), 1, "one question");
    assert_eq!(room.ask(&["approve", &approval]).status.code(), Some(0));
    room.wait_ran("build ");
    room.wait_events("run_ended");
    assert_eq!(room.ran(), "build ");
}

#[test]
fn an_orderly_end_leaves_nothing_behind_and_the_next_life_goes_on() {
    let mut room = Room::gated("language: en\n", "expires: 1h");
    room.watch();
    room.finish_tests("one");
    let first = room.wait_approval();
    assert_eq!(room.ask(&["approve", &first]).status.code(), Some(0));
    room.wait_ran("build ");
    room.wait_events("run_ended");
    assert!(left_behind(&room.server).contains("@tmuxagent_last"), "what was typed left its mark");
    room.finish_tests("two");
    let second = room.wait_approval();
    assert_eq!(room.ask(&["shutdown"]).status.code(), Some(0));
    let mut ended = room.supervisor.take().expect("it ran");
    assert!(ended.wait().expect("it ends").success());
    only_the_last_is_named(&room.server);
    room.watch();
    assert_eq!(room.wait_approval(), second, "the question is the one of before");
    assert_eq!(room.ask(&["approve", &second]).status.code(), Some(0));
    room.wait_ran("build build ");
}

/// The same where the first one does not die, but stands still meanwhile: it reads what is there, and repeats nothing of it.
#[test]
fn who_stood_still_while_another_one_came_and_went_repeats_nothing() {
    let mut room = Room::gated("language: en\n", "expires: 1h");
    room.watch();
    room.finish_tests("one");
    room.wait_approval();
    let first = room.supervisor().expect("it runs");
    kill_process(first, Signal::STOP).expect("it lives");
    let mut second = Second::that_takes_over(&room);
    assert!(second.ask(&["shutdown"]).status.success());
    second.child.take().expect("it runs").wait().expect("it ended");
    kill_process(first, Signal::CONT).expect("it lives");
    room.wait_events("had its server meanwhile");
    // What it sees anew is read from then on.
    let seen = || (room.answer(&["events"]).matches("appeared").count() == 2).then_some(());
    wait_for(PATIENCE, "the pane, seen anew", seen);
    room.finish_tests("three");
    let third = room.wait_approval();
    let asked = room.answer(&["approvals", "--json"]);
    assert_eq!(asked.matches("\"pending\"").count(), 1, "{asked}");
    // Its own next life goes on with that.
    room.kill_9();
    room.watch();
    assert_eq!(room.wait_approval(), third);
    assert!(room.ask(&["approve", &third]).status.success());
    room.wait_ran("build build ");
}

/// The first one dies with a question, the second one's yes has it done and ends: what the first comes back with is over.
#[test]
fn who_comes_back_after_another_one_had_the_server_goes_on_with_nothing() {
    for orderly in [true, false] {
        let mut room = Room::gated("language: en\n", "expires: 1h");
        room.watch();
        room.finish_tests("one");
        let first = room.wait_approval();
        room.kill_9();
        let mut second = Second::that_takes_over(&room);
        // It is acted on, and the first one has not read it.
        let pid = second.child.as_ref().map(rustix::process::Pid::from_child).expect("it runs");
        kill_process(pid, if orderly { Signal::TERM } else { Signal::KILL }).expect("it runs");
        second.child.take().expect("it runs").wait().expect("it ended");
        room.watch();
        room.wait_events("had its server meanwhile");
        let open = room.answer(&["approvals", "--json"]);
        assert!(!open.contains("\"pending\""), "{open}");
        let late = room.ask(&["approve", &first]);
        assert_eq!(late.status.code(), Some(5), "{late:?}");
        // What is printed from now on counts, once.
        room.finish_tests("three");
        let third = room.wait_approval();
        assert!(room.ask(&["approve", &third]).status.success());
        room.wait_ran("build build ");
    }
}

/// Laptop and desktop both watch `nas` over ssh.
#[test]
fn of_two_who_come_over_ssh_one_types_and_the_other_follows_it() {
    let (sshd, server) = (Sshd::start(), TmuxServer::running(""));
    let from = |machine: &str| {
        let place = machine.to_owned();
        let owner = Owner { place, machine: machine.to_owned(), ..this_process(machine) };
        HostSpec { owner, ..remote("nas", &sshd, &server, sshd.port()) }
    };
    let laptop = Watched::with(from("laptop"), &["needle"]);
    let pane = laptop.wait_live(&server, "main").key;
    assert_eq!(laptop.state().map(|state| state.0), Some(HostState::Live));
    let desktop = Watched::with(from("desktop"), &["needle"]);
    let same = desktop.wait_live(&server, "main").key;
    assert_eq!(pane, same);
    let named = |message: &HostMessage| match message {
        HostMessage::Claim(Some(owner)) => Some(owner.machine.clone()),
        _ => None,
    };
    assert_eq!(desktop.wait("the owner", named), "laptop");
    let lost = Outcome::Skipped { reason: SkipReason::OtherSupervisor };
    assert_eq!(desktop.type_line(&same, "d1", "echo desk''top"), lost);
    assert_eq!(laptop.type_line(&pane, "l1", "echo lap''top"), Outcome::Done);
    server.wait_screen("main", "\nlaptop\n");
    laptop.end();
    wait_for(TAKEOVER, "the server", || (desktop.state()?.0 == HostState::Live).then_some(()));
    assert_eq!(desktop.type_line(&same, "d2", "echo desk''top"), Outcome::Done);
    server.wait_screen("main", "\ndesktop\n");
    desktop.end();
    only_the_last_is_named(&server);
}

/// What the server compares, not what the supervisor believes, keeps two from typing.
#[test]
fn whoever_lost_the_server_without_knowing_types_nothing_and_finds_out() {
    let server = TmuxServer::running("");
    let watched = Watched::new(&server, &["needle"]);
    let pane = watched.wait_live(&server, "main").key;
    assert_eq!(watched.type_line(&pane, "i1", "echo on''e"), Outcome::Done);
    server.wait_screen("main", "\none\n");
    server.tmux(&["set-option", "-s", "@tmuxagent_owner", "laptop.1"]);
    let lost = Outcome::Skipped { reason: SkipReason::OtherSupervisor };
    assert_eq!(watched.type_line(&pane, "i2", "echo tw''o"), lost);
    watched.wait_state(HostState::Watching);
    assert_eq!(watched.type_line(&pane, "i3", "echo thr''ee"), lost);
    assert!(!server.screen("main").contains("two") && !server.screen("main").contains("three"));
    // It is given back, and taken after a while.
    server.tmux(&["set-option", "-s", "-u", "@tmuxagent_owner"]);
    wait_for(TAKEOVER, "the server", || (watched.state()?.0 == HostState::Live).then_some(()));
    assert_eq!(watched.type_line(&pane, "i4", "echo fo''ur"), Outcome::Done);
    server.wait_screen("main", "\nfour\n");
}

/// Anybody who reaches the server may write there; who holds it by that is gone.
#[test]
fn a_claim_that_is_no_text_keeps_nobody_out() {
    let server = TmuxServer::running("");
    let dead = Owner { pid: 4_100_000, started: 1, ..this_process("laptop") };
    let who = serde_json::to_string(&dead).expect("JSON");
    server.tmux(&["set-option", "-s", "@tmuxagent_owner_is", &who]);
    let claims = [("laptop\\377.1", "17"), ("laptop.2", "17 ###\\377\\001#[x"), ("laptop.3", "17 {\\\"left\\\":[7]}")];
    for (number, (token, lease)) in claims.into_iter().enumerate() {
        server.tmux(&["if-shell", "-F", "1", &format!("set-option -s @tmuxagent_owner \"{token}\"")]);
        let lease = format!("set-environment -g -h @tmuxagent_lease \"{lease}\"");
        server.tmux(&["if-shell", "-F", "1", &lease]);
        let watched = Watched::new(&server, &["needle"]);
        let pane = watched.wait_live(&server, "main").key;
        watched.wait_state(HostState::Live);
        assert_eq!(watched.type_line(&pane, &format!("i{number}"), "true"), Outcome::Done);
        // A process of this test is the same one each time; it gives the server back.
        watched.end();
        server.tmux(&["set-option", "-s", "@tmuxagent_owner_is", &who]);
    }
}

/// A send that may have been typed before is not typed again by whoever lost the server, nor told as not typed.
#[test]
fn what_was_under_way_when_the_server_was_lost_is_unknown() {
    let server = TmuxServer::running("");
    let watched = Watched::new(&server, &["needle"]);
    let pane = watched.wait_live(&server, "main").key;
    server.tmux(&["set-option", "-s", "@tmuxagent_owner", "laptop.1"]);
    let (intent, send) = (IntentId::new("i1"), tmuxagent_model::Effect::Send(keys(&pane, "echo on''e")));
    watched.handle.settle(intent.clone(), &send);
    assert!(matches!(watched.wait_outcome(&intent), Outcome::Unknown { .. }));
    assert!(!server.screen("main").contains("one"));
}

#[test]
fn of_many_who_come_at_once_one_types() {
    let server = TmuxServer::running("");
    let watching: Vec<Watched> = (0..4)
        .map(|n| Watched::with(HostSpec { owner: this_process(format!("e2e-{n}")), ..spec(&server) }, &["needle"]))
        .collect();
    let keys: Vec<_> = watching.iter().map(|watched| watched.wait_live(&server, "main").key).collect();
    let outcomes: Vec<Outcome> = watching
        .iter()
        .zip(&keys)
        .enumerate()
        .map(|(n, (watched, key))| watched.type_line(key, &format!("i{n}"), &format!("echo typ''ed-{n}")))
        .collect();
    let done = outcomes.iter().filter(|outcome| **outcome == Outcome::Done).count();
    assert_eq!(done, 1, "{outcomes:?}");
    let lost = Outcome::Skipped { reason: SkipReason::OtherSupervisor };
    assert!(outcomes.iter().all(|outcome| *outcome == Outcome::Done || *outcome == lost), "{outcomes:?}");
}

#[test]
fn an_idle_claim_draws_nothing_on_the_users_terminal() {
    let server = TmuxServer::running("");
    let watched = Watched::new(&server, &["needle"]);
    watched.wait_live(&server, "main");
    let lease = || server.tmux(&["display-message", "-p", "#{@tmuxagent_lease}"]);
    let before = lease();
    wait_for(PATIENCE, "a renewal", || (lease() != before).then_some(()));
    let version = server.tmux(&["display-message", "-p", "#{version}"]);
    if version.parse::<tmuxagent_tmux::proto::Version>().is_ok_and(tmuxagent_tmux::proto::Version::is_full) {
        assert!(!server.tmux(&["show-options", "-s"]).contains("lease"), "an option would draw every client anew");
        server.new_session("born-later", "env; sleep 60");
        server.wait_screen("born-later", "PATH=");
        assert!(!server.screen("born-later").contains("tmuxagent_lease"), "no process gets it");
    }
    let names = HostName::local();
    assert_eq!(watched.wait_live(&server, "main").key.host, names);
}
