//! Links that die, hang, crawl and come back: found in time, nobody else is delayed, nothing is lost or typed twice.

use super::ssh::remote;
use super::support::proxy::{Proxy, Swallow, Weather};
use super::support::room::Room;
use super::support::sshd::Sshd;
use super::support::watched::{Watched, keys};
use super::support::{PATIENCE, TmuxServer, wait_for};
use rustix::process::{Signal, kill_process};
use std::time::{Duration, Instant};
use tmuxagent_model::{Event, HostState, IntentId, Millis, Outcome, PaneKey};
use tmuxagent_tmux::HostMessage;

/// In this time a dead link is found on a machine that has much else to do. The program's own bound is ten seconds
/// (`a_link_that_says_nothing_any_more_is_given_up_within_ten_seconds`); what comes on top is the wait for a processor, of ssh's
/// processes too.
const FOUND: Duration = Duration::from_secs(20);

/// A host behind a spoiled link.
struct Far {
    server: TmuxServer,
    sshd: Sshd,
    proxy: Proxy,
}

impl Far {
    fn new(command: &str) -> Self {
        let (sshd, server) = (Sshd::start(), TmuxServer::running(command));
        let proxy = Proxy::to(sshd.port());
        sshd.known_at(proxy.port());
        Self { server, sshd, proxy }
    }

    fn watch(&self, patterns: &[&str]) -> (Watched, PaneKey) {
        let watched = Watched::with(remote("far", &self.sshd, &self.server, self.proxy.port()), patterns);
        let pane = watched.wait_live(&self.server, "main").key;
        (watched, pane)
    }

    fn swallow(&self, swallow: Swallow) {
        self.proxy.set(Weather { swallow, ..Weather::default() });
    }

    fn clear(&self) {
        self.proxy.set(Weather::default());
    }

    /// Prints a line that no policy text on the command line resembles.
    fn print(&self, text: &str) {
        let (head, tail) = text.split_at(1);
        self.server.type_line("main", &format!("echo {head}''{tail}"));
        wait_for(PATIENCE, text, || self.server.screen("main").contains(&format!("\n{text}")).then_some(()));
    }
}

fn times(watched: &Watched, text: &str) -> usize {
    watched.lines().iter().filter(|line| line.text == text).count()
}

fn outcome_of(watched: &Watched, wanted: &IntentId) -> Option<Outcome> {
    watched.find(|message| match message {
        HostMessage::Event(Event::Outcome { intent, outcome }) if intent == wanted => Some(outcome.clone()),
        _ => None,
    })
}

#[test]
fn a_black_hole_is_found_delays_nobody_and_loses_nothing() {
    let far = Far::new("");
    let near = TmuxServer::running("");
    let here = Watched::new(&near, &["^quick$"]);
    here.wait_live(&near, "main");
    let (watched, pane) = far.watch(&["^(before|missed|after)$"]);
    far.print("before");
    watched.wait_line("before");

    far.swallow(Swallow::All);
    let died = Instant::now();
    far.print("missed");
    near.type_line("main", "echo qu''ick");
    here.wait_line("quick");
    assert_eq!(watched.state().map(|(state, _)| state), Some(HostState::Live), "another host waited for the dead one");
    // After 6 to 8 s; TCP itself would take a quarter of an hour.
    watched.wait_state(HostState::Unreachable);
    assert!(died.elapsed() < FOUND, "{:?}", died.elapsed());
    println!("found after {:?}", died.elapsed());
    let lost = |message: &HostMessage| matches!(message, HostMessage::Event(Event::HostLost { .. })).then_some(());
    watched.wait("the loss", lost);
    // What is asked for while the link is being made again waits for it.
    let intent = IntentId::new("while-lost");
    watched.handle.send(intent.clone(), keys(&pane, "echo on''ce"));

    far.clear();
    assert_eq!(watched.wait_outcome(&intent), Outcome::Done);
    watched.handle.release(pane.clone());
    watched.wait_line("missed");
    watched.wait_state(HostState::Live);
    // Its panes are told again, so that they are stale no more.
    let seen = watched.messages();
    let again =
        seen.iter().rposition(|m| matches!(m, HostMessage::Event(Event::PaneSeen { info }) if info.key == pane));
    let loss = seen.iter().rposition(|m| matches!(m, HostMessage::Event(Event::HostLost { .. })));
    assert!(again > loss, "told again at {again:?}, lost at {loss:?}");
    far.print("after");
    watched.wait_line("after");
    assert_eq!((times(&watched, "before"), times(&watched, "missed"), times(&watched, "after")), (1, 1, 1));
    assert_eq!(far.server.screen("main").matches("\nonce").count(), 1);
}

#[test]
fn a_link_that_dies_while_panes_are_polled_is_found_as_soon() {
    let far = Far::new("");
    let mut spec = remote("far", &far.sshd, &far.server, far.proxy.port());
    (spec.ceiling, spec.poll_interval) = ("2.9".parse().ok(), Millis(1500));
    let watched = Watched::with(spec, &["^x$"]);
    watched.wait_state(HostState::Polling);
    far.swallow(Swallow::All);
    let died = Instant::now();
    watched.wait_state(HostState::Unreachable);
    assert!(died.elapsed() < FOUND, "{:?}", died.elapsed());
}

#[test]
fn a_host_that_stays_away_is_not_waited_for_without_end() {
    let far = Far::new("");
    let (watched, pane) = far.watch(&["^x$"]);
    far.proxy.set(Weather { refuse: true, ..Weather::default() });
    far.proxy.cut();
    watched.wait_state(HostState::Unreachable);
    let intent = IntentId::new("never");
    watched.handle.send(intent.clone(), keys(&pane, "echo never"));
    let outcome = wait_for(PATIENCE * 2, "the outcome", || outcome_of(&watched, &intent));
    assert!(matches!(outcome, Outcome::Skipped { .. }), "{outcome:?}");
    watched.handle.release(pane);
    far.clear();
    watched.wait_state(HostState::Live);
    assert!(!far.server.screen("main").contains("never"));
}

#[test]
fn a_cut_link_is_made_again_and_what_was_printed_meanwhile_is_read() {
    let far = Far::new("");
    let (watched, pane) = far.watch(&["^line \\d+$"]);
    for n in 0..2 {
        far.proxy.set(Weather { refuse: true, ..Weather::default() });
        far.proxy.cut();
        watched.wait_state(HostState::Unreachable);
        far.print(&format!("line {n}"));
        far.clear();
        watched.wait_line(&format!("line {n}"));
        watched.wait_state(HostState::Live);
    }
    for n in 0..2 {
        assert_eq!(times(&watched, &format!("line {n}")), 1, "line {n}");
    }
    let intent = IntentId::new("afterwards");
    watched.handle.send(intent.clone(), keys(&pane, "echo line ''9"));
    assert_eq!(watched.wait_outcome(&intent), Outcome::Done);
}

#[test]
fn a_slow_link_is_no_dead_link_and_loses_no_line() {
    let far = Far::new("");
    let (watched, _) = far.watch(&["^n=\\d+$"]);
    far.proxy.set(Weather { delay: Duration::from_millis(150), rate: 100_000, ..Weather::default() });
    far.server.type_line("main", "i=0; while [ $i -lt 1500 ]; do echo \"n=$i\"; i=$((i+1)); done");
    wait_for(PATIENCE * 3, "the last line", || (times(&watched, "n=1499") > 0).then_some(()));
    let numbers: Vec<usize> =
        watched.lines().iter().filter_map(|line| line.text.strip_prefix("n=")?.parse().ok()).collect();
    assert_eq!(numbers, (0..1500).collect::<Vec<_>>());
    let lost = watched.find(|message| matches!(message, HostMessage::Event(Event::HostLost { .. })).then_some(()));
    assert_eq!(lost, None, "it was slow, never lost");
}

/// Nothing is asked for a line, and nothing before keys are typed: each takes one way over the link. A question and its
/// answer would take two.
#[test]
fn a_line_and_keys_take_one_way_over_the_link() {
    let far = Far::new("");
    let (watched, pane) = far.watch(&["^came$"]);
    let delay = Duration::from_secs(2);
    far.proxy.set(Weather { delay, ..Weather::default() });
    far.print("came");
    let printed = Instant::now();
    watched.wait_line("came");
    let took = printed.elapsed();
    assert!(took < delay * 2, "a line took {took:?}");
    let asked = Instant::now();
    watched.handle.send(IntentId::new("keys"), keys(&pane, "echo ty''ped"));
    wait_for(PATIENCE, "the keys", || far.server.screen("main").contains("\ntyped").then_some(()));
    let took = asked.elapsed();
    assert!(took < delay * 2, "keys took {took:?}");
}

/// Types an answer wherever the line is printed on the other machine.
const ANSWER: &str = r#"
version: 1
pipelines:
  - name: answer
    match: [{host: far}]
    stages:
      - name: reply
        triggers: [{log_regex: '^(\$ )?please begin'}]
        actions_on_start: [{send_keys: "echo be''gun"}]
        success_when: [{log_regex: '^(\$ )?begun$'}]
        timeout: 10m
"#;

/// A laptop sleeps with everything on it, the network forgets its connections, and it wakes up elsewhere.
#[test]
fn a_laptop_that_slept_goes_on_by_itself() {
    let far = Far::new("");
    let mut room = Room::gated(&format!("hosts:\n{}", far.sshd.yaml("far", far.proxy.port(), &far.server)), "");
    std::fs::write(room.file("policy.yaml"), ANSWER).expect("a policy");
    room.watch();
    // A line that stood there before the pane was read would be an old one.
    wait_for(PATIENCE, "a first answer", || {
        far.server.type_line("main", "echo please'' begin");
        let soon = Instant::now() + Duration::from_secs(2);
        std::iter::repeat_with(|| far.server.screen("main").contains("\nbegun"))
            .take_while(|_| Instant::now() < soon)
            .find(|came| *came)
            .map(drop)
    });
    room.wait_events("\"run_ended\"");
    let answers = || far.server.screen("main").matches("\nbegun").count();
    let before = answers();
    let shared = Sshd::clients_of(room.server.folder());
    let mut sleepers: Vec<_> = room.supervisor().into_iter().chain(far.sshd.clients()).chain(shared).collect();
    sleepers.sort_unstable_by_key(|pid| pid.as_raw_nonzero());
    sleepers.dedup();
    assert!(sleepers.len() >= 3, "the supervisor, the shared connection, the control client: {sleepers:?}");
    // A process that only asked something may have ended meanwhile.
    let all = |signal: Signal| {
        for &pid in &sleepers {
            let _ = kill_process(pid, signal);
        }
    };
    all(Signal::STOP);
    far.swallow(Swallow::All);
    far.proxy.cut();
    // Longer than it takes to find a dead link. All who could notice anything stand still, so time passes on purpose: there
    // is nothing but itself to wait for.
    std::thread::sleep(Duration::from_secs(12));
    far.server.type_line("main", "echo please'' begin again");
    far.clear();
    all(Signal::CONT);
    wait_for(PATIENCE, "the answer", || (answers() > before).then_some(()));
    assert_eq!(answers(), before + 1);
}

/// Where in a send the connection ends.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// The link is dead before the keys are asked for.
    Before,
    /// They were asked for, and never arrived.
    OnTheWay,
    /// They were typed, and the answer never arrived.
    Typed,
    /// All processes of ssh are killed so many microseconds after they were asked for.
    Killed(u64),
}

#[test]
fn keys_are_typed_once_wherever_in_a_send_the_connection_ends() {
    // What arrives is kept line by line, and nothing else.
    let folder = tempfile::tempdir().expect("a folder");
    let typed = folder.path().join("typed");
    let far = Far::new(&format!("exec cat > '{}'", typed.display()));
    let (watched, pane) = far.watch(&["^never$"]);
    let kills = [0, 200, 500, 1000, 3000].into_iter().map(Step::Killed);
    let steps: Vec<Step> = [Step::Before, Step::OnTheWay, Step::Typed].into_iter().chain(kills).collect();
    let mut wanted = Vec::new();
    for (n, step) in steps.into_iter().enumerate() {
        let (intent, text) = (IntentId::new(format!("send-{n}")), format!("keys {n}"));
        let send = || watched.handle.send(intent.clone(), keys(&pane, &text));
        let arrived = || std::fs::read_to_string(&typed).unwrap_or_default().lines().any(|line| line == text);
        match step {
            Step::Before => {
                far.swallow(Swallow::All);
                send();
                far.proxy.cut();
            }
            Step::OnTheWay => {
                far.swallow(Swallow::All);
                let before = far.proxy.swallowed();
                send();
                wait_for(PATIENCE, "the keys on the link", || (far.proxy.swallowed() > before).then_some(()));
                far.proxy.cut();
            }
            Step::Typed => {
                far.swallow(Swallow::Answers);
                send();
                wait_for(PATIENCE, "the keys", || arrived().then_some(()));
                far.proxy.cut();
            }
            Step::Killed(pause) => {
                let clients = far.sshd.clients();
                send();
                // No condition is waited for: time passes on purpose, each step's kills come at another instant.
                std::thread::sleep(Duration::from_micros(pause));
                for pid in clients {
                    let _ = kill_process(pid, Signal::KILL);
                }
            }
        }
        far.clear();
        // A link that flaps is tried again with growing pauses.
        match wait_for(PATIENCE * 3, "the outcome", || outcome_of(&watched, &intent)) {
            Outcome::Done => wanted.push(text),
            // Whether it was typed is known or found out, so nobody is asked.
            other => panic!("{step:?}: {other:?}"),
        }
        watched.handle.release(pane.clone());
        wait_for(PATIENCE * 3, "the host", || (watched.state()?.0 == HostState::Live).then_some(()));
    }
    let found = wait_for(PATIENCE, "the last keys", || {
        let text = std::fs::read_to_string(&typed).ok()?;
        (text.lines().last() == wanted.last().map(String::as_str)).then_some(text)
    });
    assert_eq!(found.lines().collect::<Vec<_>>(), wanted);
}
