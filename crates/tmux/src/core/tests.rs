//! The heart without a tmux: what is asked of the world, and what follows from its answers.

use super::*;
use crate::{Socket, Transport};
use tmuxagent_model::{HostName, PaneFacts, PaneId, SessionId, WindowId};

struct Bench {
    core: HostCore,
    begin: Instant,
    after: Duration,
}

impl Bench {
    fn new(transport: Transport) -> Self {
        let begin = Instant::now();
        let now = Now { at: begin, wall: Timestamp(0), room: true };
        let spec = HostSpec::new(HostName::local(), transport, "bench");
        Self { core: HostCore::new(spec, None, Arc::default(), [7; 24], now), begin, after: Duration::ZERO }
    }

    fn local() -> Self {
        Self::new(Transport::Local { bin: "tmux".to_owned(), socket: Socket::Default })
    }

    /// What comes out once that has happened, ten milliseconds later.
    fn on(&mut self, input: Input) -> Vec<Output> {
        self.after += Duration::from_millis(10);
        let now = Now { at: self.begin + self.after, wall: Timestamp(0), room: true };
        self.core.on(now, input);
        self.core.outputs()
    }

    fn messages(&mut self) -> Vec<HostMessage> {
        std::iter::from_fn(|| self.core.next_message()).collect()
    }
}

pub(super) fn entry(session: u32, pane: u32, own: bool) -> Entry {
    Entry {
        version: "3.3a".to_owned(),
        server: "7-1".to_owned(),
        server_pid: 7,
        start_time: "1".to_owned(),
        session: SessionId(session),
        session_activity: 1,
        window: WindowId(pane),
        window_index: 0,
        pane: PaneId(pane),
        pane_index: 0,
        pid: 100 + pane,
        dead: false,
        in_mode: false,
        alternate: false,
        width: 80,
        height: 24,
        facts: PaneFacts::default(),
        record: String::new(),
        piped: false,
        own,
        keeper: own,
        current: true,
    }
}

fn probed(entries: Vec<Entry>) -> Input {
    let version = "3.3a".parse().ok();
    let found = Probed { version, version_text: "3.3a".to_owned(), entries, quiet: true, claim: None };
    Input::Done(Done::Probed(Box::new(Ok(found))))
}

fn spawned(outputs: &[Output]) -> Vec<String> {
    let words = |output: &Output| if let Output::Spawn(_, words) = output { Some(words.join(" ")) } else { None };
    outputs.iter().filter_map(words).collect()
}

#[test]
fn a_look_is_one_job_until_it_is_done() {
    let mut bench = Bench::local();
    let first = bench.core.outputs();
    assert!(matches!(first[..], [Output::Job(Job::Probe { .. })]), "{first:?}");
    assert!(bench.on(Input::Tick).is_empty());
    let gone = bench.on(Input::Done(Done::Probed(Box::new(Err(ProbeError::NoServer)))));
    assert!(gone.is_empty() && bench.core.wake().is_some(), "it is looked for again, later");
    let states = bench.messages();
    assert!(matches!(states.last(), Some(HostMessage::Status { state: HostState::NoServer, .. })), "{states:?}");
}

#[test]
fn on_this_machine_one_client_in_a_session_of_its_own_is_attached() {
    let mut bench = Bench::local();
    bench.core.outputs();
    bench.on(probed(vec![entry(1, 1, false), entry(2, 2, false), entry(3, 3, false)]));
    let clients = spawned(&bench.on(Input::Tick));
    assert_eq!(clients.len(), 1, "{clients:?}");
    assert!(
        clients[0].contains(" -N new-session -A -E ") && clients[0].contains("ignore-size,no-output"),
        "{clients:?}"
    );
    assert!(clients[0].contains("destroy-unattached off"), "the user's own default must not end it: {clients:?}");
    // It is not attached twice, however often time comes.
    assert!((0..5).all(|_| spawned(&bench.on(Input::Tick)).is_empty()));
}

#[test]
fn on_another_machine_each_session_has_a_client_one_after_another() {
    let target = crate::SshTarget { host: "nas".to_owned(), ..crate::SshTarget::default() };
    let mut bench = Bench::new(Transport::Ssh { target, bin: "tmux".to_owned(), socket: Socket::Default });
    bench.core.outputs();
    bench.on(probed(vec![entry(1, 1, false), entry(2, 2, false)]));
    let first = spawned(&bench.on(Input::Tick));
    assert_eq!(first.len(), 1);
    assert!(first[0].contains("attach-session") && !first[0].contains("no-output"), "{first:?}");
    assert!(spawned(&bench.on(Input::Tick)).is_empty(), "the second waits until the first has arrived");
}

#[test]
fn a_client_that_never_began_is_not_killed() {
    let mut bench = Bench::local();
    bench.core.outputs();
    bench.on(probed(vec![entry(1, 1, false)]));
    bench.on(Input::Tick);
    bench.after += Duration::from_secs(16);
    let late = bench.on(Input::Tick);
    assert!(!late.iter().any(|output| matches!(output, Output::Kill(_))), "{late:?}");
}

/// Where a client is when its link dies.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Phase {
    Attaching,
    Idle,
    Printing,
    Sending,
}

impl Bench {
    /// A control client of another machine, at that point.
    fn far(phase: Phase) -> (Self, ClientId) {
        let target = crate::SshTarget { host: "nas".to_owned(), ..crate::SshTarget::default() };
        let mut bench = Self::new(Transport::Ssh { target, bin: "tmux".to_owned(), socket: Socket::Default });
        bench.core.outputs();
        bench.on(probed(vec![entry(1, 1, false)]));
        let client = |output: &Output| if let Output::Spawn(id, _) = output { Some(*id) } else { None };
        let id = bench.on(Input::Tick).iter().find_map(client).expect("a client");
        let mut out = bench.on(Input::Said(id, b"\ntmuxagent-begins\n%begin 1 1 0\n%end 1 1 0\n".to_vec()));
        if phase == Phase::Attaching {
            return (bench, id);
        }
        out.extend(bench.on(Input::Said(id, b"%session-changed $1 main\n".to_vec())));
        for _ in 0..300 {
            let replies: Vec<u8> = out.iter().flat_map(replied).collect();
            out = if replies.is_empty() { bench.on(Input::Tick) } else { bench.on(Input::Said(id, replies)) };
        }
        match phase {
            Phase::Printing => drop(bench.on(Input::Said(id, b"%output %1 half a li".to_vec()))),
            Phase::Sending => {
                let key = PaneKey {
                    host: HostName::local(),
                    server: tmuxagent_model::ServerId::new("7-1"),
                    pane: PaneId(1),
                    pid: 101,
                };
                bench.core.request(id, "send-keys -t %1 x", Purpose::Send(key));
            }
            Phase::Attaching | Phase::Idle => {}
        }
        (bench, id)
    }
}

/// The replies to what is written to a client, each without a row.
fn replied(output: &Output) -> Vec<u8> {
    let Output::Write(_, bytes) = output else { return Vec::new() };
    let written = String::from_utf8_lossy(bytes);
    let marks = written.lines().filter_map(|line| line.strip_prefix("display-message -p \"")?.strip_suffix('"'));
    let reply = |mark: &str| format!("%begin 1 2 0\n%end 1 2 0\n%begin 1 3 0\n{mark}\n%end 1 3 0\n").into_bytes();
    marks.filter(|mark| !mark.is_empty()).flat_map(reply).collect()
}

/// Whatever ssh is told about it: by itself, with our options, it finds that out after six seconds.
#[test]
fn a_link_that_says_nothing_any_more_is_given_up_within_ten_seconds() {
    for phase in [Phase::Attaching, Phase::Idle, Phase::Printing, Phase::Sending] {
        let (mut bench, id) = Bench::far(phase);
        bench.messages();
        let last_word = bench.after;
        while !bench.on(Input::Tick).iter().any(|output| matches!(output, Output::Kill(killed) if *killed == id)) {
            assert!(bench.after - last_word < Duration::from_secs(10), "{phase:?}");
        }
        println!("{phase:?}: given up after {:?}", bench.after - last_word);
        bench.on(Input::Ended(id, String::new()));
        let states = bench.messages();
        let told = |message: &HostMessage| matches!(message, HostMessage::Status { state: HostState::Unreachable, .. });
        assert!(states.iter().any(told), "told at once, {phase:?}: {states:?}");
    }
}

/// A poll is a call of ssh, which ends with its link; what it says is told at once.
#[test]
fn a_poll_whose_link_dies_is_told_at_once() {
    let target = crate::SshTarget { host: "nas".to_owned(), ..crate::SshTarget::default() };
    let mut bench = Bench::new(Transport::Ssh { target, bin: "tmux".to_owned(), socket: Socket::Default });
    bench.core.outputs();
    let version = "2.9".parse().ok();
    let entries = vec![entry(1, 1, false)];
    let found = Probed { version, version_text: "2.9".to_owned(), entries, quiet: true, claim: None };
    bench.on(Input::Done(Done::Probed(Box::new(Ok(found)))));
    let mut asked = Vec::new();
    for _ in 0..1000 {
        asked.extend(bench.on(Input::Tick));
    }
    assert!(asked.iter().any(|output| matches!(output, Output::Job(Job::List))), "{asked:?}");
    bench.messages();
    let said = "Timeout, server nas not responding.".to_owned();
    bench.on(Input::Done(Done::Listed(Box::new(Err(ProbeError::Unreachable(said))))));
    let told = |message: &HostMessage| matches!(message, HostMessage::Status { state: HostState::Unreachable, .. });
    let states = bench.messages();
    assert!(states.iter().any(told), "{states:?}");
}

/// Each answer costs the server as long as it has panes.
#[test]
fn a_server_where_nothing_happens_is_asked_less() {
    let mut bench = Bench::local();
    bench.core.outputs();
    bench.on(probed(vec![entry(1, 1, false)]));
    let client = |output: &Output| if let Output::Spawn(id, _) = output { Some(*id) } else { None };
    let id = bench.on(Input::Tick).iter().find_map(client).expect("a client");
    let mut out = bench.on(Input::Said(id, b"%begin 1 1 0\n%end 1 1 0\n%session-changed $9 own\n".to_vec()));
    let raw = format!("RAW {}", bench.core.nonce.as_str());
    let block = |number: usize, row: &str| format!("%begin 1 {number} 0\n{row}\n%end 1 {number} 0\n");
    let mut asked = |windows: &str, news: &[u8]| {
        let mut asked = [0; 2];
        for tick in 0..2000 {
            let mut said = Vec::new();
            for output in &out {
                let Output::Write(_, bytes) = output else { continue };
                let written = String::from_utf8_lossy(bytes);
                for (at, format) in ["#{W:#{window_id}", "#{P:"].into_iter().enumerate() {
                    if written.contains(format) {
                        asked[at] += 1;
                        said.extend((block(at * 2 + 4, &raw) + &block(at * 2 + 5, windows)).into_bytes());
                    }
                }
                said.extend(replied(output));
            }
            if tick % 100 == 0 {
                said.extend(news);
            }
            out = if said.is_empty() { bench.on(Input::Tick) } else { bench.on(Input::Said(id, said)) };
        }
        asked
    };
    asked("x", b"");
    let ([windows, panes], [_, busy]) = (asked("x", b""), asked("x", b"%session-renamed $1 x\n"));
    assert!(
        (17..=21).contains(&windows) && (4..=6).contains(&panes) && (17..=21).contains(&busy),
        "{windows} {panes} {busy}"
    );
    let [_, panes] = asked("y", b"");
    assert!((6..=10).contains(&panes), "it becomes calm again: {panes}");
}

/// A pane that is read by a pipe.
fn piped() -> (Bench, PaneKey) {
    let mut bench = Bench::local();
    bench.core.outputs();
    bench.on(probed(vec![entry(1, 1, false)]));
    let pane = bench.core.inventory.panes.get_mut(&PaneId(1)).expect("it was listed");
    (pane.feed, pane.client) = (Feed::Piped, Some(ClientId(1)));
    pane.pipe = Some(pipes::Pipe::new(PipeId(1), bench.begin));
    let key = pane.info.key.clone();
    bench.core.outputs();
    (bench, key)
}

fn marks(bench: &mut Bench) -> Vec<(PipeId, u64)> {
    let mark = |output: &Output| if let Output::Mark(pipe, mark) = output { Some((*pipe, *mark)) } else { None };
    bench.core.outputs().iter().filter_map(mark).collect()
}

fn has_passed(bench: &Bench) -> bool {
    bench.core.inventory.panes.get(&PaneId(1)).is_some_and(|pane| pane.ending.is_some())
}

#[test]
fn a_fence_is_passed_once_two_round_trips_and_then_its_mark_have_come() {
    let (mut bench, key) = piped();
    bench.core.supersede(PaneId(1));
    bench.core.fence_replied(key.clone(), 1, After::Superseded);
    assert!(marks(&mut bench).is_empty(), "one round trip is not enough");
    bench.core.fence_replied(key, 0, After::Superseded);
    let [(pipe, mark)] = marks(&mut bench)[..] else { panic!("no mark is asked for") };
    bench.on(Input::Piped(pipe, Piped::Marked(mark + 1)));
    assert!(!has_passed(&bench), "that was another one's mark");
    bench.on(Input::Piped(pipe, Piped::Marked(mark)));
    assert!(has_passed(&bench));
}

#[test]
fn a_fence_does_not_wait_for_a_pipe_that_is_none() {
    let (mut bench, key) = piped();
    bench.core.inventory.panes.values_mut().for_each(|pane| pane.feed = Feed::Polled);
    bench.core.fence(&key, fence::FROM_NOW, After::Superseded);
    assert!(has_passed(&bench), "it is read by captures");
    let (mut bench, key) = piped();
    bench.core.fence(&key, fence::FROM_NOW, After::Superseded);
    bench.core.inventory.panes.values_mut().for_each(|pane| pane.pipe = None);
    bench.core.fence_replied(key, 0, After::Superseded);
    assert!(has_passed(&bench), "its pipe has ended meanwhile");
}

#[test]
fn a_fence_that_is_lost_with_its_client_is_put_up_again() {
    let (mut bench, key) = piped();
    let superseded = |bench: &Bench| bench.core.inventory.panes.values().all(|pane| pane.superseded);
    bench.core.supersede(PaneId(1));
    assert!(superseded(&bench));
    bench.core.fence_lost(&key, &After::Superseded);
    assert!(!superseded(&bench) && !has_passed(&bench), "the next listing asks for it again");
}

/// What is read once a process has lost its terminal is told when a listing that was asked for later has said whose it is.
#[test]
fn what_may_be_another_processs_is_kept_until_a_listing_tells() {
    for gone in [false, true] {
        let (mut bench, _) = piped();
        bench.core.pipes.adopt(PipeId(1), PaneId(1));
        let bytes = |text: &str| Input::Piped(PipeId(1), Piped::Bytes(text.as_bytes().to_vec()));
        let read = |bench: &Bench| bench.core.inventory.panes.get(&PaneId(1)).map(|pane| pane.voice.lines);
        bench.on(bytes("one\n"));
        assert_eq!(read(&bench), Some(1));
        bench.on(Input::Piped(PipeId(1), Piped::Orphaned));
        bench.on(bytes("two\n"));
        bench.core.settle(PaneId(1), false);
        assert_eq!(read(&bench), Some(1), "that listing was asked for before");
        if !gone {
            bench.core.inventory.last_list = bench.begin + bench.after + Duration::from_millis(1);
        }
        bench.core.settle(PaneId(1), gone);
        bench.on(bytes("three\n"));
        assert_eq!(read(&bench), Some(3));
    }
}
