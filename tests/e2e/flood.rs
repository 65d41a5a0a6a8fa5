//! Panes that print faster than anybody can read.

use crate::support::room::Room;
use crate::support::watched::Watched;
use crate::support::{PATIENCE, TmuxServer, wait_for};
use std::time::Duration;
use tmuxagent_model::{Event, Outcome, PaneKey};
use tmuxagent_tmux::HostMessage;

/// A flood takes its time in an unoptimised build on a loaded machine.
const LONG: Duration = Duration::from_secs(240);

/// How many bytes of the pane were read, as last told.
fn bytes(watched: &Watched, pane: &PaneKey) -> u64 {
    let told = watched.messages().into_iter().rev().find_map(|message| match message {
        HostMessage::Panes(panes) => panes.iter().find(|live| live.pane == *pane).map(|live| live.bytes),
        _ => None,
    });
    told.unwrap_or(0)
}

/// What `seq from to` prints, in bytes, on a terminal.
fn length(from: u64, to: u64) -> u64 {
    (from..=to).map(|number| u64::from(number.ilog10()) + 3).sum()
}

#[test]
fn a_needle_in_a_flood_is_found_and_nothing_is_lost() {
    let server = TmuxServer::prepare();
    let go = server.folder().join("go");
    let script = format!(
        "stty -echo; until [ -e {go} ]; do sleep 0.05; done; seq 1 1000000; echo 'a needle'; seq 1 1000000; exec cat",
        go = go.display()
    );
    server.start(&script);
    let watched = Watched::new(&server, &["needle"]);
    let pane = watched.wait_live(&server, "main").key;
    std::fs::write(&go, "").expect("the sign to begin");
    let expected = 2 * length(1, 1_000_000) + 10;
    wait_for(LONG, "all bytes of the flood", || (bytes(&watched, &pane) >= expected).then_some(()));
    assert_eq!(bytes(&watched, &pane), expected);
    assert_eq!(watched.lines().len(), 1);
}

#[test]
fn floods_and_rests_are_read_to_the_last_byte() {
    let server = TmuxServer::prepare();
    let go = server.folder().join("go");
    // Each flood begins on a sign; between them the pane rests.
    let script = format!(
        "stty -echo; for n in 1 2 3; do until [ -e {go}$n ]; do sleep 0.05; done; seq 1 600000; echo \"needle $n\"; \
         done; exec cat",
        go = go.display()
    );
    server.start(&script);
    let watched = Watched::new(&server, &["needle", "^[0-9]*00000$"]);
    let pane = watched.wait_live(&server, "main").key;
    let mut expected = 0;
    for round in 1..=3 {
        std::fs::write(format!("{}{round}", go.display()), "").expect("the sign to begin");
        expected += length(1, 600_000) + 10;
        wait_for(LONG, "all bytes of the flood", || (bytes(&watched, &pane) >= expected).then_some(()));
        assert_eq!(bytes(&watched, &pane), expected, "round {round}");
        assert_eq!(server.tmux(&["display-message", "-p", "-t", "main", "#{pane_pipe}"]), "1");
    }
    let texts: Vec<String> = watched.lines().into_iter().map(|line| line.text).collect();
    let round = |n: u32| (1..=6).map(|m| format!("{m}00000")).chain([format!("needle {n}")]).collect::<Vec<_>>();
    assert_eq!(texts, (1..=3).flat_map(round).collect::<Vec<_>>());
    let gap = |message: &HostMessage| matches!(message, HostMessage::Event(Event::Gap { .. }));
    assert!(!watched.messages().iter().any(gap));
    assert_eq!(watched.type_line(&pane, "I-1", "last needle"), Outcome::Done);
    watched.end();
    assert_eq!(server.tmux(&["display-message", "-p", "-t", "main", "#{pane_pipe}"]), "0", "no pipe is left behind");
}

#[test]
fn a_pipe_of_the_user_stays_his() {
    let server = TmuxServer::running("");
    let file = server.folder().join("his");
    server.tmux(&["pipe-pane", "-t", "main", &format!("cat > {}", file.display())]);
    let watched = Watched::new(&server, &["needle"]);
    let pane = watched.wait_live(&server, "main").key;
    assert_eq!(watched.type_line(&pane, "I-1", "seq 1 200000; echo nee''dle"), Outcome::Done);
    wait_for(LONG, "the needle", || watched.lines().first().cloned());
    let kept = || std::fs::read_to_string(&file).ok()?.contains("\nneedle").then_some(());
    wait_for(PATIENCE, "his file", kept);
    assert_eq!(server.tmux(&["display-message", "-p", "-t", "main", "#{pane_pipe}"]), "1");
}

/// What a quiet window prints is acted on beside another one that prints nothing but this, without end, and nothing of the
/// quiet one is lost.
fn beside(flood: &str) {
    const POLICY: &str = r#"
version: 1
pipelines:
  - name: quiet
    match: [{window_name: ci}]
    stages:
      - name: pong
        triggers: [{log_regex: "^ping (?P<number>[0-9]+)$"}]
        actions_on_start: [{shell: "echo {{number}} >> ran"}]
        timeout: 60s
  - name: loud
    match: [{window_name: flood}]
    stages:
      - name: any
        triggers: [{log_regex: "^needle$"}]
        actions_on_start: [{shell: "echo needle >> ran"}]
        timeout: 60s
"#;
    let mut room = Room::with(POLICY);
    room.watch();
    let folder = room.server.folder().display().to_string();
    let window = ["new-window", "-d", "-P", "-F", "#{pane_id}", "-t", "=proj:", "-n", "flood", "-c", &folder, "sh"];
    let pane = room.server.tmux(&window);
    let pipe = || room.server.tmux(&["display-message", "-p", "-t", &pane, "#{pane_pipe}"]);
    wait_for(PATIENCE, "its pipe", || (pipe() == "1").then_some(()));
    let ran = || std::fs::read_to_string(room.file("ran")).unwrap_or_default();
    let answer = |number: u32| {
        room.server.type_line("proj:ci", &format!("echo ping {number}"));
        wait_for(PATIENCE, "the answer", || ran().lines().any(|line| line == number.to_string()).then_some(()));
    };
    answer(0);
    std::fs::write(room.file("lines"), format!("{flood}\n").repeat(500)).expect("writable");
    let lines = room.file("lines").display().to_string();
    std::fs::write(room.file("on"), "").expect("writable");
    let on = room.file("on").display().to_string();
    room.server.type_line(&pane, &format!("while test -e {on}; do cat {lines}; cat {lines}; done"));
    let history = || room.server.tmux(&["display-message", "-p", "-t", &pane, "#{history_size}"]);
    wait_for(PATIENCE, "the flood", || (history().parse::<u32>().ok()? >= 1_000).then_some(()));
    (1..=4).for_each(answer);
    std::fs::remove_file(&on).expect("it is there");
    room.server.type_line(&pane, "echo needle");
    wait_for(LONG, "the needle", || ran().contains("needle").then_some(()));
    let quiet = room.server.tmux(&["display-message", "-p", "-t", "proj:ci", "#{pane_id}"]);
    let lost = format!("output of local:{quiet} was lost");
    let events = room.answer(&["events"]);
    assert!(!events.contains(&lost), "{events}");
}

#[test]
fn messages_without_end_in_one_pane_cost_another_nothing() {
    beside(r#"### SENTRY {"type":"STATUS","stage":"x","ok":true}"#);
}

#[test]
fn marks_without_end_in_one_pane_cost_another_nothing() {
    beside("\x1b]133;A\x07$ \x1b]133;B\x07\x1b]133;C\x07\x1b]133;D;0\x07");
}
