use super::client::{ClientError, Connection, hello, link};
use super::hub::{Call, Hub};
use super::lock::{Holder, Lock, LockError, holder, socket_path};
use super::seats::Seats;
use super::server::{serve, serve_stream};
use super::wire::{ErrorKind, PROTOCOL, Reply, Request, ServerFrame};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tmuxagent_clock::Clock;
use tmuxagent_model::{EventLine, Note, Severity, Snapshot, Timestamp, Via};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt};
use tokio::sync::{broadcast, mpsc, watch};

pub(super) struct Supervisor {
    pub(super) hub: Hub,
    pub(super) calls: mpsc::Receiver<Call>,
    pub(super) snapshots: watch::Sender<Arc<Snapshot>>,
    pub(super) closing: watch::Sender<Option<String>>,
}

pub(super) fn supervisor() -> Supervisor {
    let (calls_in, calls) = mpsc::channel(8);
    let (snapshots, seen) = watch::channel(snapshot(1));
    let (closing, closed) = watch::channel(None);
    let greeting = Reply::Hello {
        protocol: PROTOCOL,
        version: "0".into(),
        pid: 1,
        config: "c".into(),
        started_at: Timestamp(0),
        servers: Vec::new(),
    };
    let hub = Hub {
        calls: calls_in,
        snapshots: seen,
        clock: Clock::start(Timestamp(0)),
        screens: broadcast::channel(8).0,
        events: broadcast::channel(4).0,
        hello: watch::channel(Arc::new(greeting)).1,
        user: "ann".into(),
        closing: closed,
        connections: Arc::default(),
        seats: Seats::default(),
    };
    Supervisor { hub, calls, snapshots, closing }
}

pub(super) fn holding() -> Holder {
    Holder { pid: std::process::id(), config: "c".into(), started_at: Timestamp(1), version: "0".into() }
}

pub(super) fn snapshot(generation: u64) -> Arc<Snapshot> {
    Arc::new(Snapshot { generation, ..Snapshot::default() })
}

/// Answers every call with `Done` and remembers the requests.
pub(super) fn answer_all(mut calls: mpsc::Receiver<Call>) -> mpsc::UnboundedReceiver<Request> {
    let (seen, requests) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Some(call) = calls.recv().await {
            let _ = seen.send(call.request);
            let _ = call.reply.send(Reply::Done);
        }
    });
    requests
}

async fn open(path: &Path) -> Connection {
    Connection::open(path, hello(Via::Cli, None, None)).await.expect("a connection")
}

#[tokio::test]
async fn a_view_gets_whole_snapshots_and_the_newest_wins() {
    let supervisor = supervisor();
    let folder = tempfile::tempdir().expect("a folder");
    let lock = Lock::acquire(folder.path(), &holding()).expect("the lock");
    let listener = lock.bind().and_then(tokio::net::UnixListener::from_std).expect("a socket");
    tokio::spawn(serve(listener, supervisor.hub.clone()));
    let mut view = open(&socket_path(folder.path())).await;
    assert_eq!(view.request(Request::Subscribe).await.expect("an answer"), Reply::Done);
    for generation in 1..=1000 {
        supervisor.snapshots.send_replace(snapshot(generation));
    }
    let mut last = 0;
    while last < 1000 {
        let Some(ServerFrame::Snapshot { snapshot }) = view.push().await else { panic!("no snapshot") };
        assert!(last == 0 || snapshot.generation > last, "{} after {last}", snapshot.generation);
        last = snapshot.generation;
    }
}

#[tokio::test]
async fn a_pipe_in_the_process_is_a_socket_like_any_other() {
    let supervisor = supervisor();
    let mut requests = answer_all(supervisor.calls);
    let (ours, theirs) = tokio::io::duplex(4096);
    tokio::spawn(serve_stream(theirs, supervisor.hub));
    let mut view = Connection::over(ours, hello(Via::Key, None, None)).await.expect("a connection");
    assert_eq!(view.request(Request::Reload).await.expect("an answer"), Reply::Done);
    assert_eq!(requests.recv().await, Some(Request::Reload));
    drop(view);
    assert_eq!(requests.recv().await, Some(Request::Bye), "its going is told");
}

#[tokio::test]
async fn a_view_that_stops_reading_delays_nobody() {
    let supervisor = supervisor();
    let (stuck, theirs) = tokio::io::duplex(64);
    tokio::spawn(serve_stream(theirs, supervisor.hub.clone()));
    let (mut read, mut write) = tokio::io::split(stuck);
    write.write_all(greeting_line(PROTOCOL).as_bytes()).await.expect("room");
    write.write_all(b"{\"id\":2,\"request\":{\"method\":\"subscribe\"}}\n").await.expect("room");
    let mut byte = [0];
    read.read_exact(&mut byte).await.expect("the answer has begun");
    let (ours, theirs) = tokio::io::duplex(4096);
    tokio::spawn(serve_stream(theirs, supervisor.hub.clone()));
    let mut view = Connection::over(ours, hello(Via::Cli, None, None)).await.expect("a connection");
    view.request(Request::Subscribe).await.expect("an answer");
    supervisor.snapshots.send_replace(snapshot(7));
    loop {
        match view.push().await {
            Some(ServerFrame::Snapshot { snapshot }) if snapshot.generation == 7 => break,
            Some(_) => {}
            None => panic!("the other view was cut"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_view_that_never_reads_is_cut() {
    let supervisor = supervisor();
    let (stuck, theirs) = tokio::io::duplex(64);
    let served = tokio::spawn(serve_stream(theirs, supervisor.hub.clone()));
    let (_read, mut write) = tokio::io::split(stuck);
    write.write_all(greeting_line(PROTOCOL).as_bytes()).await.expect("room");
    drop(supervisor.calls);
    tokio::time::timeout(Duration::from_secs(60), served).await.expect("cut in time").expect("no panic");
}

pub(super) fn greeting_line(protocol: u32) -> String {
    format!(
        "{{\"id\":1,\"request\":{{\"method\":\"hello\",\"protocol\":{protocol},\"version\":\"0\",\"via\":\"cli\",\"pane\":null,\"tmux_socket\":null}}}}\n"
    )
}

/// Sends lines and returns the answers' error kinds.
async fn answers(lines: &str, n: usize) -> Vec<Option<ErrorKind>> {
    let supervisor = supervisor();
    let _requests = answer_all(supervisor.calls);
    let (ours, theirs) = tokio::io::duplex(1 << 16);
    tokio::spawn(serve_stream(theirs, supervisor.hub.clone()));
    let (read, mut write) = tokio::io::split(ours);
    write.write_all(lines.as_bytes()).await.expect("room");
    let mut lines = tokio::io::BufReader::new(read).lines();
    let mut kinds = Vec::new();
    while kinds.len() < n {
        let line = lines.next_line().await.expect("readable").expect("an answer");
        let ServerFrame::Reply { reply, .. } = serde_json::from_str(&line).expect("a frame") else { continue };
        kinds.push(if let Reply::Error { kind, .. } = *reply { Some(kind) } else { None });
    }
    kinds
}

#[tokio::test]
async fn an_unknown_request_is_not_a_wrong_one_and_garbage_ends_nothing() {
    let rest = "{\"id\":2,\"request\":{\"method\":\"dance\"}}\n\
                {\"id\":3,\"request\":{\"method\":\"events\",\"after\":\"x\"}}\n\
                \u{0}]not json\n\
                {\"id\":5,\"request\":{\"method\":\"reload\"}}\n";
    let kinds = answers(&(greeting_line(PROTOCOL) + rest), 5).await;
    assert_eq!(
        kinds,
        [None, Some(ErrorKind::UnknownRequest), Some(ErrorKind::BadRequest), Some(ErrorKind::BadRequest), None]
    );
}

#[tokio::test]
async fn another_protocol_and_a_missing_hello_are_refused() {
    assert_eq!(answers(&greeting_line(PROTOCOL + 1), 1).await, [Some(ErrorKind::Refused)]);
    assert_eq!(answers("{\"id\":1,\"request\":{\"method\":\"reload\"}}\n", 1).await, [Some(ErrorKind::BadRequest)]);
}

#[tokio::test]
async fn a_follower_that_lags_reads_the_rest_from_the_journal() {
    let mut supervisor = supervisor();
    let event = |seq| EventLine {
        seq,
        at: Timestamp(0),
        severity: Severity::Info,
        place: String::new(),
        note: Note::Text { text: "x".into() },
    };
    let (ours, theirs) = tokio::io::duplex(256);
    tokio::spawn(serve_stream(theirs, supervisor.hub.clone()));
    tokio::spawn(async move {
        while let Some(call) = supervisor.calls.recv().await {
            let Request::Events { after, .. } = call.request else { continue };
            let events = (after + 1..=100).map(event).collect();
            let _ = call.reply.send(Reply::Events { events: if after == 0 { Vec::new() } else { events } });
        }
    });
    let mut view = Connection::over(ours, hello(Via::Cli, None, None)).await.expect("a connection");
    view.request(Request::Events { after: 0, limit: 10, follow: true }).await.expect("an answer");
    for seq in 1..=100 {
        let _ = supervisor.hub.events.send(Arc::new(vec![event(seq)]));
    }
    let mut seen = Vec::new();
    while seen.last() != Some(&100) {
        let Some(ServerFrame::Events { events }) = view.push().await else { panic!("the feed ended") };
        seen.extend(events.iter().map(|event| event.seq));
    }
    assert!(seen.windows(2).all(|pair| pair[0] < pair[1]), "{seen:?}");
}

#[tokio::test]
async fn the_end_of_the_supervisor_is_told_with_its_reason() {
    let supervisor = supervisor();
    let (ours, theirs) = tokio::io::duplex(4096);
    tokio::spawn(serve_stream(theirs, supervisor.hub.clone()));
    let mut view = Connection::over(ours, hello(Via::Cli, None, None)).await.expect("a connection");
    supervisor.closing.send_replace(Some("bye".into()));
    assert_eq!(view.push().await, Some(ServerFrame::Bye { reason: "bye".into() }));
    assert_eq!(view.push().await, None);
}

#[tokio::test]
async fn nobody_there_is_told_apart_from_a_broken_connection() {
    let folder = tempfile::tempdir().expect("a folder");
    let missing = Connection::open(&folder.path().join("none.sock"), hello(Via::Cli, None, None)).await;
    assert!(matches!(missing, Err(ClientError::NoSupervisor)));
    let (ours, theirs) = tokio::io::duplex(64);
    drop(theirs);
    let mut frames = link(ours).frames;
    assert_eq!(frames.recv().await, None);
}

#[test]
fn of_fifty_that_start_at_once_one_is_the_supervisor() {
    let folder = tempfile::tempdir().expect("a folder");
    let gate = std::sync::Barrier::new(50);
    let locks: Vec<_> = std::thread::scope(|scope| {
        let start = || {
            gate.wait();
            Lock::acquire(folder.path(), &holding())
        };
        let racers: Vec<_> = (0..50).map(|_| scope.spawn(start)).collect();
        racers.into_iter().map(|racer| racer.join().expect("no panic")).collect()
    });
    let (won, lost): (Vec<_>, Vec<_>) = locks.into_iter().partition(Result::is_ok);
    assert_eq!(won.len(), 1);
    assert!(lost.iter().all(|lock| matches!(lock, Err(LockError::Held(_)))));
    assert_eq!(holder(folder.path()), Some(holding()));
    drop(won);
    assert_eq!(holder(folder.path()), None);
}

#[test]
fn the_socket_of_a_crashed_holder_is_replaced_and_only_the_user_gets_in() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().expect("a folder");
    let runtime = folder.path().join("run");
    let first = Lock::acquire(&runtime, &holding()).expect("the lock");
    drop(first.bind().expect("a socket"));
    assert!(socket_path(&runtime).exists(), "a crash leaves it behind");
    let again = first.bind().expect("replaced");
    let mode = |path: &Path| std::fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
    assert_eq!((mode(&runtime), mode(&socket_path(&runtime))), (0o700, 0o600));
    drop((again, first));
    assert!(!socket_path(&runtime).exists(), "a clean end leaves nothing");
}

#[tokio::test]
async fn silent_connections_give_way_to_a_request() {
    let supervisor = supervisor();
    let folder = tempfile::tempdir().expect("a folder");
    let lock = Lock::acquire(folder.path(), &holding()).expect("the lock");
    let listener = lock.bind().and_then(tokio::net::UnixListener::from_std).expect("a socket");
    tokio::spawn(serve(listener, supervisor.hub.clone()));
    let _requests = answer_all(supervisor.calls);
    let path = socket_path(folder.path());
    let mut watching = open(&path).await;
    assert_eq!(watching.request(Request::Subscribe).await.expect("an answer"), Reply::Done);
    let mut silent = Vec::new();
    for number in 0..300 {
        // Some say hello, some say nothing at all.
        silent.push(tokio::net::UnixStream::connect(&path).await.expect("a socket"));
        if number % 3 == 0 {
            let mut asking = open(&path).await;
            assert_eq!(asking.request(Request::Reload).await.expect("an answer"), Reply::Done);
            silent.push(tokio::net::UnixStream::connect(&path).await.expect("a socket"));
        }
    }
    supervisor.snapshots.send_replace(snapshot(7));
    loop {
        let Some(ServerFrame::Snapshot { snapshot }) = watching.push().await else { panic!("the view was cut") };
        if snapshot.generation == 7 {
            break;
        }
    }
}
