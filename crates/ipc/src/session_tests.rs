use super::client::{Connection, Link, dial_patiently, hello, link};
use super::hub::{Call, Hub, PaneScreen};
use super::lock::{Lock, LockError, lock_path, socket_path};
use super::server::{serve, serve_stream};
use super::tests::{answer_all, greeting_line, holding, snapshot, supervisor};
use super::wire::{ErrorKind, MAX_FRAME, PROTOCOL, Reply, Request, RequestFrame, ServerFrame};
use std::sync::Arc;
use std::time::Duration;
use tmuxagent_model::{Doubt, HostName, PaneId, PaneKey, ServerId, Snapshot, Timestamp, Via};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, DuplexStream};

/// Fails loudly instead of hanging.
async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), future).await.expect("it comes in time")
}

/// A link over a pipe that has said hello with number 0.
async fn greeted(hub: &Hub) -> Link {
    let (ours, theirs) = tokio::io::duplex(1 << 16);
    tokio::spawn(serve_stream(theirs, hub.clone()));
    let mut link = link(ours);
    link.requests.send(RequestFrame { id: 0, request: hello(Via::Cli, None, None) }).await.expect("open");
    soon(link.frames.recv()).await.expect("an answer");
    link
}

async fn ask(link: &Link, id: u64, request: Request) {
    link.requests.send(RequestFrame { id, request }).await.expect("open");
}

fn pane(number: u32) -> PaneKey {
    PaneKey { host: HostName::local(), server: ServerId::new("s"), pane: PaneId(number), pid: 1 }
}

/// The numbers of the replies and generations of the snapshots among some frames.
async fn next_reply(link: &mut Link) -> (u64, Reply) {
    loop {
        match soon(link.frames.recv()).await.expect("open") {
            ServerFrame::Reply { id, reply } => return (id, *reply),
            ServerFrame::Snapshot { .. } | ServerFrame::Screen { .. } | ServerFrame::Events { .. } => {}
            ServerFrame::Bye { reason } => panic!("ended: {reason}"),
        }
    }
}

#[tokio::test]
async fn a_request_that_takes_long_delays_neither_others_nor_pushes() {
    let mut supervisor = supervisor();
    let mut view = greeted(&supervisor.hub).await;
    ask(&view, 1, Request::Explain { target: "#1".into() }).await;
    let Call { reply: slow, .. } = soon(supervisor.calls.recv()).await.expect("a call");
    ask(&view, 2, Request::Reload).await;
    let Call { reply: quick, .. } = soon(supervisor.calls.recv()).await.expect("a second call, before an answer");
    quick.send(Reply::Done).expect("awaited");
    assert_eq!(next_reply(&mut view).await, (2, Reply::Done));
    ask(&view, 3, Request::Subscribe).await;
    assert_eq!(next_reply(&mut view).await, (3, Reply::Done));
    supervisor.snapshots.send_replace(snapshot(9));
    loop {
        if let Some(ServerFrame::Snapshot { snapshot }) = soon(view.frames.recv()).await
            && snapshot.generation == 9
        {
            break;
        }
    }
    drop(slow);
    let (id, reply) = next_reply(&mut view).await;
    assert!(id == 1 && matches!(reply, Reply::Error { kind: ErrorKind::Internal, .. }), "{reply:?}");
}

#[tokio::test]
async fn a_wish_without_an_answer_is_not_certain_and_the_last_answers_go_out() {
    let mut supervisor = supervisor();
    let mut view = greeted(&supervisor.hub).await;
    ask(&view, 1, Request::Reload).await;
    drop(soon(supervisor.calls.recv()).await.expect("a call"));
    assert_eq!(next_reply(&mut view).await, (1, Reply::Uncertain { doubt: Doubt::Ended }));
    ask(&view, 2, Request::Reload).await;
    let Call { reply, .. } = soon(supervisor.calls.recv()).await.expect("a call");
    supervisor.closing.send_replace(Some("over".into()));
    reply.send(Reply::Done).expect("awaited");
    assert_eq!(next_reply(&mut view).await, (2, Reply::Done));
    assert_eq!(soon(view.frames.recv()).await, Some(ServerFrame::Bye { reason: "over".into() }));
}

#[tokio::test]
async fn answers_are_due_to_a_bounded_number_of_requests() {
    let mut supervisor = supervisor();
    let (ours, theirs) = tokio::io::duplex(64);
    tokio::spawn(serve_stream(theirs, supervisor.hub.clone()));
    let (read, mut write) = tokio::io::split(ours);
    write.write_all(greeting_line(PROTOCOL).as_bytes()).await.expect("room");
    let flood = tokio::spawn(async move {
        for id in 1..=1000 {
            let line = format!("{{\"id\":{id},\"request\":{{\"method\":\"reload\"}}}}\n");
            write.write_all(line.as_bytes()).await.expect("room");
        }
        write
    });
    let (mut held, mut answered) = (Vec::new(), 0);
    let mut lines = BufReader::new(read).lines();
    soon(lines.next_line()).await.expect("readable").expect("hello");
    while answered < 1000 {
        // What is not answered holds up the reading of more.
        held.push(soon(supervisor.calls.recv()).await.expect("a call").reply);
        for _ in 0..200 {
            tokio::task::yield_now().await;
            held.extend(supervisor.calls.try_recv().ok().map(|call| call.reply));
        }
        assert!(held.len() <= 32, "{} at a time", held.len());
        for reply in held.drain(..) {
            reply.send(Reply::Done).expect("awaited");
            soon(lines.next_line()).await.expect("readable").expect("an answer");
            answered += 1;
        }
    }
    flood.await.expect("no panic");
}

#[tokio::test]
async fn a_watched_pane_shows_its_newest_screen_and_no_other_pane() {
    let supervisor = supervisor();
    let mut requests = answer_all(supervisor.calls);
    let mut view = greeted(&supervisor.hub).await;
    ask(&view, 1, Request::WatchPane { pane: Some(pane(1)) }).await;
    assert_eq!(next_reply(&mut view).await, (1, Reply::Done));
    assert_eq!(requests.recv().await, Some(Request::WatchPane { pane: Some(pane(1)) }), "the loop is told");
    let show = |number, text: &str| {
        let screen = PaneScreen { pane: pane(number), rows: vec![text.to_owned()] };
        let _ = supervisor.hub.screens.send(Arc::new(screen));
    };
    for n in 1..=500 {
        show(1, &n.to_string());
        show(2, "another");
        if n % 50 == 0 {
            tokio::task::yield_now().await;
        }
    }
    let mut shown = Vec::new();
    while shown.last().is_none_or(|last| *last < 500) {
        let Some(ServerFrame::Screen { pane: of, rows }) = soon(view.frames.recv()).await else { panic!("a screen") };
        assert_eq!(of, pane(1));
        shown.push(rows[0].parse::<u32>().expect("ours"));
    }
    assert!(shown.is_sorted() && shown.len() < 100, "{} screens were pushed", shown.len());
    ask(&view, 2, Request::WatchPane { pane: None }).await;
    assert_eq!(next_reply(&mut view).await, (2, Reply::Done));
    show(1, "later");
    ask(&view, 3, Request::Snapshot).await;
    assert!(matches!(soon(view.frames.recv()).await, Some(ServerFrame::Reply { id: 3, .. })), "no screen between");
}

/// Where nothing happens for long the picture is old, and still true.
#[tokio::test]
async fn an_old_picture_is_told_with_the_present_time() {
    let supervisor = supervisor();
    let mut view = greeted(&supervisor.hub).await;
    let now = supervisor.hub.clock.now();
    for (id, request) in [(1, Request::Subscribe), (2, Request::Snapshot)] {
        view.requests.send(RequestFrame { id, request }).await.expect("open");
    }
    let mut told = Vec::new();
    while told.len() < 2 {
        match soon(view.frames.recv()).await {
            Some(ServerFrame::Snapshot { snapshot }) => told.push(snapshot.at),
            Some(ServerFrame::Reply { reply, .. }) => {
                if let Reply::Snapshot { snapshot } = *reply {
                    told.push(snapshot.at);
                }
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(supervisor.snapshots.borrow().at, Timestamp(0), "it was taken long ago");
    assert!(told.iter().all(|at| *at >= now), "{told:?}");
}

/// The socket answers before the loop has taken its first picture: who asks then gets that one, not an empty one.
#[tokio::test]
async fn who_asks_before_the_first_picture_waits_for_it() {
    let supervisor = supervisor();
    supervisor.snapshots.send_replace(snapshot(0));
    let mut view = greeted(&supervisor.hub).await;
    ask(&view, 1, Request::Snapshot).await;
    ask(&view, 2, Request::Subscribe).await;
    assert_eq!(next_reply(&mut view).await, (2, Reply::Done), "the first is not answered yet");
    let first = Snapshot { generation: 1, policies: vec!["/etc/p.yaml".into()], ..Snapshot::default() };
    supervisor.snapshots.send_replace(Arc::new(first.clone()));
    let (mut asked, mut pushed) = (None, None);
    while asked.is_none() || pushed.is_none() {
        match soon(view.frames.recv()).await {
            Some(ServerFrame::Snapshot { snapshot }) => pushed = pushed.or(Some(snapshot)),
            Some(ServerFrame::Reply { id: 1, reply }) => {
                let Reply::Snapshot { snapshot } = *reply else { panic!("another answer") };
                asked = Some(snapshot);
            }
            other => panic!("{other:?}"),
        }
    }
    for told in [asked, pushed].into_iter().flatten() {
        assert_eq!((told.generation, &told.policies), (1, &first.policies));
    }
}

#[tokio::test(start_paused = true)]
async fn who_asks_for_a_picture_that_never_comes_is_told_so() {
    let supervisor = supervisor();
    supervisor.snapshots.send_replace(snapshot(0));
    let mut view = greeted(&supervisor.hub).await;
    ask(&view, 1, Request::Snapshot).await;
    let (id, reply) = next_reply(&mut view).await;
    assert!(id == 1 && matches!(reply, Reply::Error { kind: ErrorKind::Internal, .. }), "{reply:?}");
}

#[tokio::test(start_paused = true)]
async fn a_burst_of_snapshots_is_pushed_at_once_and_then_in_measure() {
    let supervisor = supervisor();
    let mut view = greeted(&supervisor.hub).await;
    ask(&view, 1, Request::Subscribe).await;
    next_reply(&mut view).await;
    let publish = async {
        for generation in 1..=1000 {
            supervisor.snapshots.send_replace(snapshot(generation));
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    let watch = async {
        let mut seen = Vec::new();
        while seen.last() != Some(&1000) {
            let Some(ServerFrame::Snapshot { snapshot }) = view.frames.recv().await else { panic!("a snapshot") };
            seen.push(snapshot.generation);
        }
        seen
    };
    let ((), seen) = tokio::join!(publish, watch);
    assert!((30..=60).contains(&seen.len()), "one second holds about forty pushes, not {}", seen.len());
}

/// Reads frames of a raw connection.
async fn next_line(lines: &mut tokio::io::Lines<BufReader<tokio::io::ReadHalf<DuplexStream>>>) -> Option<ServerFrame> {
    let line = soon(lines.next_line()).await.expect("readable")?;
    Some(serde_json::from_str(&line).expect("a frame"))
}

#[tokio::test]
async fn a_frame_that_is_too_long_is_answered_and_skipped() {
    let supervisor = supervisor();
    let _requests = answer_all(supervisor.calls);
    let (ours, theirs) = tokio::io::duplex(1 << 16);
    tokio::spawn(serve_stream(theirs, supervisor.hub.clone()));
    let (read, mut write) = tokio::io::split(ours);
    let mut lines = BufReader::new(read).lines();
    write.write_all(greeting_line(PROTOCOL).as_bytes()).await.expect("room");
    next_line(&mut lines).await.expect("hello");
    let sent = async {
        write.write_all(&vec![b'['; MAX_FRAME + 100]).await.expect("taken");
        write.write_all(b"\n{\"id\":9,\"request\":{\"method\":\"reload\"}}\n{\"id\":10,\"requ").await.expect("taken");
        write.shutdown().await.expect("closed");
    };
    let read = async {
        let too_long = next_line(&mut lines).await;
        assert!(
            matches!(&too_long, Some(ServerFrame::Reply { id: 0, reply })
                if matches!(**reply, Reply::Error { kind: ErrorKind::BadRequest, .. })),
            "{too_long:?}"
        );
        assert_eq!(next_line(&mut lines).await, Some(ServerFrame::Reply { id: 9, reply: Box::new(Reply::Done) }));
        assert_eq!(next_line(&mut lines).await, None, "half a frame is no request");
    };
    tokio::join!(sent, read);
}

#[tokio::test]
async fn nothing_but_garbage_ends_the_connection() {
    let supervisor = supervisor();
    let (ours, theirs) = tokio::io::duplex(1 << 16);
    let served = tokio::spawn(serve_stream(theirs, supervisor.hub.clone()));
    drop(supervisor.calls);
    let (mut read, mut write) = tokio::io::split(ours);
    write.write_all(greeting_line(PROTOCOL).as_bytes()).await.expect("room");
    write.write_all("garbage\n".repeat(100).as_bytes()).await.expect("room");
    let mut all = Vec::new();
    soon(read.read_to_end(&mut all)).await.expect("the end");
    assert_eq!(all.iter().filter(|byte| **byte == b'\n').count(), 1 + 16);
    soon(served).await.expect("no panic");
}

#[tokio::test(start_paused = true)]
async fn a_subscriber_that_stops_reading_is_cut_and_its_going_is_told() {
    let supervisor = supervisor();
    let mut requests = answer_all(supervisor.calls);
    let (stuck, theirs) = tokio::io::duplex(1024);
    let served = tokio::spawn(serve_stream(theirs, supervisor.hub.clone()));
    let (_read, mut write) = tokio::io::split(stuck);
    write.write_all(greeting_line(PROTOCOL).as_bytes()).await.expect("room");
    write.write_all(b"{\"id\":2,\"request\":{\"method\":\"subscribe\"}}\n").await.expect("room");
    let publish = async {
        for generation in 1..=u64::MAX {
            let version = "x".repeat(10_000);
            supervisor.snapshots.send_replace(Arc::new(Snapshot { generation, version, ..Snapshot::default() }));
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let cut = async {
        served.await.expect("no panic");
        assert_eq!(requests.recv().await, Some(Request::Bye));
    };
    tokio::select! {
        () = publish => {}
        () = soon(cut) => {}
    }
}

#[tokio::test]
async fn surfaces_of_the_supervisor_itself_are_refused() {
    for via in [Via::Link, Via::Chat, Via::File, Via::Rule, Via::Lease] {
        let supervisor = supervisor();
        let (ours, theirs) = tokio::io::duplex(4096);
        tokio::spawn(serve_stream(theirs, supervisor.hub.clone()));
        let refused = soon(Connection::over(ours, hello(via, None, None))).await.expect_err("refused");
        assert!(refused.to_string().contains("key, popup, cli, hook or mcp"), "{refused}");
    }
}

/// What was told, but for when.
fn undated(told: &impl serde::Serialize) -> String {
    let mut told = serde_json::to_value(told).expect("json");
    if let Some(at) = told.pointer_mut("/snapshot/at") {
        *at = serde_json::Value::Null;
    }
    told.to_string()
}

/// What a connection answers to a fixed conversation.
async fn conversation(mut view: Connection) -> Vec<String> {
    let mut told = vec![serde_json::to_string(&view.hello).expect("json")];
    for request in [Request::Snapshot, Request::Reload, Request::Subscribe, Request::Explain { target: "é\n".into() }]
    {
        let reply = soon(view.request(request)).await.expect("an answer");
        told.push(undated(&reply));
    }
    told.push(undated(&soon(view.push()).await));
    told
}

#[tokio::test]
async fn the_socket_and_the_pipe_in_the_process_say_the_same() {
    let supervisor = supervisor();
    let _requests = answer_all(supervisor.calls);
    let folder = tempfile::tempdir().expect("a folder");
    let lock = Lock::acquire(folder.path(), &holding()).expect("the lock");
    let listener = lock.bind().and_then(tokio::net::UnixListener::from_std).expect("a socket");
    tokio::spawn(serve(listener, supervisor.hub.clone()));
    let over_socket = Connection::open(&socket_path(folder.path()), hello(Via::Key, None, None)).await.expect("open");
    let (ours, theirs) = tokio::io::duplex(4096);
    tokio::spawn(serve_stream(theirs, supervisor.hub.clone()));
    let over_pipe = Connection::over(ours, hello(Via::Key, None, None)).await.expect("open");
    assert_eq!(conversation(over_socket).await, conversation(over_pipe).await);
    assert!(supervisor.closing.send(None).is_ok());
}

#[tokio::test]
async fn the_end_waits_until_views_were_told() {
    let supervisor = supervisor();
    let _requests = answer_all(supervisor.calls);
    let folder = tempfile::tempdir().expect("a folder");
    let lock = Lock::acquire(folder.path(), &holding()).expect("the lock");
    let listener = lock.bind().and_then(tokio::net::UnixListener::from_std).expect("a socket");
    let serving = tokio::spawn(serve(listener, supervisor.hub.clone()));
    let mut views = Vec::new();
    for _ in 0..10 {
        views.push(Connection::open(&socket_path(folder.path()), hello(Via::Cli, None, None)).await.expect("open"));
    }
    supervisor.closing.send_replace(Some("the user ended it".into()));
    soon(serving).await.expect("no panic");
    for mut view in views {
        assert_eq!(soon(view.push()).await, Some(ServerFrame::Bye { reason: "the user ended it".into() }));
        assert_eq!(soon(view.push()).await, None);
    }
}

#[tokio::test(start_paused = true)]
async fn a_socket_that_somebody_removed_is_made_again() {
    let supervisor = supervisor();
    let _requests = answer_all(supervisor.calls);
    let folder = tempfile::tempdir().expect("a folder");
    let lock = Lock::acquire(folder.path(), &holding()).expect("the lock");
    let listener = lock.bind().and_then(tokio::net::UnixListener::from_std).expect("a socket");
    tokio::spawn(serve(listener, supervisor.hub.clone()));
    std::fs::remove_file(socket_path(folder.path())).expect("it was there");
    let dialed = dial_patiently(&socket_path(folder.path()), Duration::from_secs(120)).await.expect("it is back");
    let view = Connection::over(dialed, hello(Via::Cli, None, None)).await.expect("served");
    assert!(matches!(view.hello, Reply::Hello { .. }));
}

#[test]
fn what_is_no_socket_is_never_replaced() {
    let folder = tempfile::tempdir().expect("a folder");
    let lock = Lock::acquire(folder.path(), &holding()).expect("the lock");
    std::fs::write(socket_path(folder.path()), "precious").expect("written");
    assert!(lock.bind().is_err());
    assert_eq!(std::fs::read_to_string(socket_path(folder.path())).expect("readable"), "precious");

    let deep = folder.path().join("x".repeat(100));
    let text = Lock::acquire(&deep, &holding()).expect("the lock").bind().expect_err("too long").to_string();
    assert!(text.contains("at most 103") && text.contains("XDG_RUNTIME_DIR"), "{text}");
}

#[test]
fn a_folder_that_others_could_enter_is_closed_to_them() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).expect("ours");
    let _lock = Lock::acquire(folder.path(), &holding()).expect("the lock");
    let mode = std::fs::metadata(folder.path()).expect("there").permissions().mode() & 0o777;
    assert_eq!(mode, 0o700);
}

#[test]
fn the_words_of_a_crashed_holder_mislead_nobody() {
    let folder = tempfile::tempdir().expect("a folder");
    let crashed = "{\"pid\":1,\"config\":\"old and much longer than what comes\",\"started_at\":0,\"version\":\"0\"}";
    std::fs::write(lock_path(folder.path()), crashed).expect("written");
    let lock = Lock::acquire(folder.path(), &holding()).expect("nobody holds it");
    match Lock::acquire(folder.path(), &holding()) {
        Err(LockError::Held(found)) => assert_eq!(found, Some(holding())),
        other => panic!("{other:?}"),
    }
    drop(lock);
    Lock::acquire(folder.path(), &holding()).expect("free again");
}

#[test]
fn a_holder_that_is_just_ending_is_waited_for() {
    // What a process shares that its late holder is just starting is the lock, without anybody's words; what was killed is a
    // process as long as the kernel takes it apart, and answers no more.
    let killed = format!("{{\"pid\":{},\"config\":\"c\",\"started_at\":0,\"version\":\"0\"}}", std::process::id());
    for words in ["", killed.as_str()] {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(lock_path(folder.path()), words).expect("written");
        let late = std::fs::File::options().write(true).open(lock_path(folder.path())).expect("opened");
        late.lock().expect("free");
        let (asked, told) = std::sync::mpsc::channel();
        let ending = std::thread::spawn(move || {
            told.recv().expect("asked");
            // So that the lock is asked for while it is held; later, it is free already, which is fine as well.
            std::thread::sleep(Duration::from_millis(20));
            drop(late);
        });
        asked.send(()).expect("heard");
        let lock = Lock::acquire(folder.path(), &holding());
        assert!(lock.is_ok(), "{words}: {lock:?}");
        ending.join().expect("no panic");
    }
}
