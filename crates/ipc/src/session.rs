//! One connection: reads requests, answers in any order, pushes the newest.
//!
//! The writer takes one frame at a time; what to send next is decided when it is free, so that a slow view gets the
//! newest snapshot instead of a queue of old ones. Requests are not read while too many answers are due.

use super::codec::{self, FrameCodec, Piece};
use super::hub::{Call, Hub, PATIENCE, PaneScreen, Peer};
use super::seats::Seat;
use super::wire::{ErrorKind, PROTOCOL, Reply, Request, RequestFrame, ServerFrame};
use bytes::{Buf, Bytes};
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tmuxagent_model::{Doubt, EventLine, PaneKey, Snapshot, Via};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::sync::{broadcast, mpsc, oneshot, watch};
use tokio::time::{Sleep, sleep, timeout};
use tokio_util::codec::FramedRead;

mod waiting;

pub(crate) use waiting::closing;
use waiting::{bye, changed, dated, elapsed, is_taken, next_events, next_screen, picture};

/// How long a new connection may take to say hello.
const GREETING: Duration = Duration::from_secs(10);

/// How long the one loop may take to answer a request.
const ANSWER: Duration = Duration::from_secs(30);

/// How long answers that the end of the supervisor overtook may take to go out.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Pushes of snapshots and screens to one view are at least so far apart; the first of a burst goes at once.
pub(crate) const PUSH_PAUSE: Duration = Duration::from_millis(25);

/// Answers that may be due at a time.
const MAX_DUE: usize = 32;

/// Why a silent connection is closed.
const ROOM: &str = "others needed the place of this connection, which asked for nothing";

/// Bad frames in a row after which there is no point in going on.
const MAX_BAD: u32 = 16;

/// Lines that a follower gets from the journal when it fell behind.
const CATCH_UP: u32 = 10_000;

/// Lines in one frame.
const LINES: usize = 500;

type Frames<S> = FramedRead<ReadHalf<S>, FrameCodec>;

/// Serves a view until either side ends it.
pub(crate) async fn serve<S: AsyncRead + AsyncWrite + Unpin>(stream: S, hub: Hub, connection: u64, pid: Option<u32>) {
    let (reading, writing) = tokio::io::split(stream);
    let mut frames = FramedRead::new(reading, FrameCodec::default());
    // One frame on its way, one that waits.
    let (out, queue) = mpsc::channel(1);
    let seat = hub.seats.take(connection);
    let session = async move {
        let greeted = tokio::select! {
            greeted = timeout(GREETING, greet(&mut frames, &hub, connection)) => greeted.ok()?,
            () = seat.asked_to_leave() => return None,
        };
        match greeted? {
            Greeted::Refused(reply) => {
                let _ = out.send(reply).await;
                None
            }
            Greeted::Welcome { id, hello, peer } => {
                let peer = Peer { pid, ..*peer };
                // The one loop leaves the view's own pane unread before the view draws in it.
                if peer.pane.is_some() {
                    ask(&hub, &peer, hello).await;
                }
                let mut session = Session::new(hub, peer, out, seat);
                session.greet(id);
                Some(session.run(frames).await)
            }
        }
    };
    let (left, ()) = tokio::join!(session, write(writing, queue));
    tracing::debug!(connection, "a view has gone");
    if let Some((hub, peer)) = left {
        ask(&hub, &peer, Request::Bye).await;
    }
}

/// Writes frames until there are no more or the view does not take them.
async fn write<S: AsyncWrite>(mut writing: WriteHalf<S>, mut queue: mpsc::Receiver<Bytes>) {
    while let Some(mut frame) = queue.recv().await {
        while frame.has_remaining() {
            match timeout(PATIENCE, writing.write_buf(&mut frame)).await {
                Ok(Ok(written)) if written > 0 => {}
                Ok(_) => return,
                Err(_) => {
                    tracing::info!("a view that did not read was cut off");
                    return;
                }
            }
        }
    }
    let _ = timeout(PATIENCE, writing.shutdown()).await;
}

/// How a connection begins.
enum Greeted {
    /// It ends with this frame.
    Refused(Bytes),
    /// It goes on.
    Welcome { id: u64, hello: Request, peer: Box<Peer> },
}

/// Reads the first frame, which must be a hello of our protocol.
async fn greet<S: AsyncRead + AsyncWrite>(frames: &mut Frames<S>, hub: &Hub, connection: u64) -> Option<Greeted> {
    let refuse = |id, kind, text: &str| reply_frame(id, error(kind, text)).map(Greeted::Refused);
    let (id, request) = match frames.next().await?.ok()? {
        Piece::Frame(frame) => match codec::request(&frame) {
            Ok(RequestFrame { id, request }) => (id, request),
            Err(bad) => return refuse(bad.id, bad.kind, &bad.text),
        },
        Piece::TooLong | Piece::Half => return refuse(0, ErrorKind::BadRequest, "the first frame is no hello"),
    };
    let Request::Hello { protocol, version, via, pane, tmux_socket } = &request else {
        return refuse(id, ErrorKind::BadRequest, "the first request must be `hello`");
    };
    if *protocol != PROTOCOL {
        let text = format!(
            "this supervisor speaks protocol {PROTOCOL}, the view (tmuxagent {version}) {protocol}: one of them is \
             older; end the supervisor and start it again"
        );
        return refuse(id, ErrorKind::Refused, &text);
    }
    // The other surfaces are the supervisor's own: what decides by a link or a chat never comes over the socket.
    if !matches!(via, Via::Key | Via::Popup | Via::Cli | Via::Hook | Via::Mcp) {
        return refuse(id, ErrorKind::Refused, "a connection acts as key, popup, cli, hook or mcp only");
    }
    let peer = Peer {
        connection,
        who: hub.user.to_string(),
        vouched: None,
        via: *via,
        pane: pane.clone(),
        tmux_socket: tmux_socket.clone(),
        pid: None,
    };
    Some(Greeted::Welcome { id, hello: request, peer: Box::new(peer) })
}

fn error(kind: ErrorKind, text: &str) -> Reply {
    Reply::Error { kind, text: text.to_owned() }
}

/// Asks the one loop. Whatever becomes of the answer, a wish that was handed on is never told as not done.
async fn ask(hub: &Hub, peer: &Peer, request: Request) -> Reply {
    let (reply, answer) = oneshot::channel();
    let is_wish = request.is_wish();
    let call = Call { peer: peer.clone(), request, reply };
    if hub.calls.send(call).await.is_err() {
        return error(ErrorKind::Ending, "the supervisor is ending; nothing was done");
    }
    match timeout(ANSWER, answer).await {
        Ok(Ok(reply)) => reply,
        Ok(Err(_)) if is_wish => Reply::Uncertain { doubt: Doubt::Ended },
        Err(_) if is_wish => Reply::Uncertain { doubt: Doubt::Slow },
        Ok(Err(_)) => error(ErrorKind::Internal, "the supervisor gave no answer"),
        Err(_) => error(ErrorKind::Internal, "the supervisor did not answer in time"),
    }
}

/// Asks the one loop for what a person decides, which takes as long as it takes.
async fn await_reply(hub: &Hub, peer: &Peer, request: Request) -> Reply {
    let (reply, answer) = oneshot::channel();
    let call = Call { peer: peer.clone(), request, reply };
    match hub.calls.send(call).await {
        Ok(()) => answer.await.unwrap_or(Reply::Done),
        Err(_) => Reply::Done,
    }
}

fn reply_frame(id: u64, reply: Reply) -> Option<Bytes> {
    let written = codec::encode(&ServerFrame::Reply { id, reply: Box::new(reply) }).or_else(|error| {
        let reply = Reply::Error { kind: ErrorKind::Internal, text: format!("the answer can't be sent: {error}") };
        codec::encode(&ServerFrame::Reply { id, reply: Box::new(reply) })
    });
    written.ok()
}

/// What an answer of the supervisor is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Purpose {
    /// It is the reply to the request of that number.
    Reply(u64),
    /// It is the reply too, and a follower's pushes go on from it.
    History(u64),
    /// It holds what a follower missed.
    CatchUp,
}

/// A view that follows the events.
struct Following {
    live: broadcast::Receiver<Arc<Vec<EventLine>>>,
    /// The newest line that it has.
    last: u64,
    /// Nothing is pushed before the journal's part is there.
    reading_journal: bool,
}

/// The pane whose screen a view shows.
struct Watching {
    pane: PaneKey,
    screens: broadcast::Receiver<Arc<PaneScreen>>,
    /// The newest screen that the view does not have.
    fresh: Option<Arc<PaneScreen>>,
}

struct Session {
    hub: Hub,
    peer: Peer,
    out: mpsc::Sender<Bytes>,
    calls: FuturesUnordered<BoxFuture<'static, (Purpose, Reply)>>,
    /// Requests that wait for a person, as long as the connection stands.
    awaited: FuturesUnordered<BoxFuture<'static, (u64, Reply)>>,
    /// Frames that must go out in their order: replies, events.
    due: VecDeque<Bytes>,
    snapshots: Option<watch::Receiver<Arc<Snapshot>>>,
    snapshot_due: bool,
    watching: Option<Watching>,
    following: Option<Following>,
    /// Runs after a push of a snapshot or screen.
    pause: Option<Pin<Box<Sleep>>>,
    bad: u32,
    reading: bool,
    seat: Seat,
}

impl Session {
    fn new(hub: Hub, peer: Peer, out: mpsc::Sender<Bytes>, seat: Seat) -> Self {
        Self {
            hub,
            peer,
            out,
            seat,
            calls: FuturesUnordered::new(),
            awaited: FuturesUnordered::new(),
            due: VecDeque::new(),
            snapshots: None,
            snapshot_due: false,
            watching: None,
            following: None,
            pause: None,
            bad: 0,
            reading: true,
        }
    }

    /// Returns when the connection is over.
    async fn run<S: AsyncRead + AsyncWrite>(mut self, mut frames: Frames<S>) -> (Hub, Peer) {
        self.turn(&mut frames).await;
        (self.hub, self.peer)
    }

    async fn turn<S: AsyncRead + AsyncWrite>(&mut self, frames: &mut Frames<S>) {
        let mut ending = self.hub.closing.clone();
        let out = self.out.clone();
        while self.reading || !self.calls.is_empty() || !self.due.is_empty() {
            let sendable = !self.due.is_empty() || (self.pause.is_none() && (self.snapshot_due || self.has_screen()));
            let room = self.due.len() + self.calls.len() + self.awaited.len() < MAX_DUE;
            let silent = self.is_silent();
            self.seat.silent(silent);
            tokio::select! {
                permit = out.reserve(), if sendable => match permit {
                    Ok(permit) => if let Some(frame) = self.next_frame() {
                        permit.send(frame);
                    },
                    Err(_) => return,
                },
                () = out.closed(), if !sendable => return,
                piece = frames.next(), if self.reading && room => self.take(piece),
                Some((purpose, reply)) = self.calls.next(), if !self.calls.is_empty() => self.answered(purpose, reply),
                Some((id, reply)) = self.awaited.next(), if !self.awaited.is_empty() => self.reply(id, reply),
                () = changed(self.snapshots.as_mut()), if !self.snapshot_due => self.snapshot_due = true,
                () = next_screen(self.watching.as_mut()) => {}
                live = next_events(self.following.as_mut()), if self.due.is_empty() => self.follow(live),
                () = elapsed(self.pause.as_mut()), if self.pause.is_some() => self.pause = None,
                () = self.seat.asked_to_leave(), if silent => return bye(&out, ROOM.to_owned()).await,
                reason = closing(&mut ending) => {
                    // Every answer is there by now, or never comes.
                    let _ = timeout(LAST_WORDS, self.last_answers(&out)).await;
                    return bye(&out, reason).await;
                }
            }
        }
    }

    /// It asked for nothing that lasts, and nothing is due.
    fn is_silent(&self) -> bool {
        let lasts = self.snapshots.is_some() || self.watching.is_some() || self.following.is_some();
        !lasts && self.calls.is_empty() && self.awaited.is_empty() && self.due.is_empty()
    }

    /// Sends what is answered and not sent yet: somebody waits for it.
    async fn last_answers(&mut self, out: &mpsc::Sender<Bytes>) {
        self.stop();
        while let Some((purpose, reply)) = self.calls.next().await {
            self.answered(purpose, reply);
        }
        while let Some(frame) = self.due.pop_front() {
            if out.send(frame).await.is_err() {
                return;
            }
        }
    }

    /// What goes out now: answers and events in their order, then the newest picture.
    fn next_frame(&mut self) -> Option<Bytes> {
        if let Some(frame) = self.due.pop_front() {
            return Some(frame);
        }
        self.pause = Some(Box::pin(sleep(PUSH_PAUSE)));
        // In turn, so that neither keeps the other from the view.
        if let Some(screen) = self.watching.as_mut().and_then(|watching| watching.fresh.take()) {
            if self.snapshot_due {
                self.pause = None;
            }
            let (pane, rows) = (screen.pane.clone(), screen.rows.clone());
            return codec::encode(&ServerFrame::Screen { pane, rows }).ok();
        }
        self.snapshot_due = false;
        let snapshot = self.snapshots.as_mut()?.borrow_and_update().as_ref().clone();
        if !is_taken(&snapshot) {
            return None;
        }
        let snapshot = dated(&self.hub, snapshot);
        codec::encode(&ServerFrame::Snapshot { snapshot })
            .inspect_err(|error| tracing::error!(%error, "a snapshot can't be sent"))
            .ok()
    }

    fn has_screen(&self) -> bool {
        self.watching.as_ref().is_some_and(|watching| watching.fresh.is_some())
    }

    fn take(&mut self, piece: Option<std::io::Result<Piece>>) {
        let bad = match piece {
            Some(Ok(Piece::Frame(frame))) => match codec::request(&frame) {
                Ok(RequestFrame { id, request }) => {
                    self.bad = 0;
                    self.asked(id, request);
                    return;
                }
                Err(bad) => bad,
            },
            Some(Ok(Piece::TooLong)) => codec::BadRequest {
                id: 0,
                kind: ErrorKind::BadRequest,
                text: format!("a frame is longer than {} bytes", super::wire::MAX_FRAME),
            },
            Some(Ok(Piece::Half) | Err(_)) | None => {
                self.stop();
                return;
            }
        };
        self.bad += 1;
        self.reply(bad.id, Reply::Error { kind: bad.kind, text: bad.text });
        if self.bad >= MAX_BAD {
            self.stop();
        }
    }

    /// Nothing more is read or pushed; what was asked is still answered.
    fn stop(&mut self) {
        self.reading = false;
        self.snapshots = None;
        self.watching = None;
        self.following = None;
        self.snapshot_due = false;
    }

    fn greet(&mut self, id: u64) {
        let hello = self.hub.hello.borrow().as_ref().clone();
        self.reply(id, hello);
    }

    fn asked(&mut self, id: u64, request: Request) {
        match request {
            Request::Hello { .. } => self.greet(id),
            Request::Bye => self.stop(),
            Request::Snapshot => {
                let hub = self.hub.clone();
                self.calls.push(Box::pin(async move { (Purpose::Reply(id), picture(&hub).await) }));
            }
            Request::Subscribe => {
                self.snapshots = Some(self.hub.snapshots.clone());
                self.snapshot_due = true;
                self.reply(id, Reply::Done);
            }
            Request::WatchPane { pane } => {
                // Before the loop captures the screen for it, so that this one is not missed.
                let screens = self.hub.screens.subscribe();
                self.watching = pane.clone().map(|pane| Watching { pane, screens, fresh: None });
                self.call(Purpose::Reply(id), Request::WatchPane { pane });
            }
            Request::Events { after, limit, follow } => {
                if follow {
                    let live = self.hub.events.subscribe();
                    self.following = Some(Following { live, last: after, reading_journal: true });
                }
                let purpose = if follow { Purpose::History(id) } else { Purpose::Reply(id) };
                self.call(purpose, Request::Events { after, limit, follow: false });
            }
            request @ Request::Await { .. } => {
                let (hub, peer) = (self.hub.clone(), self.peer.clone());
                self.awaited.push(Box::pin(async move { (id, await_reply(&hub, &peer, request).await) }));
            }
            request @ (Request::Command { .. }
            | Request::Approval { .. }
            | Request::Explain { .. }
            | Request::Dump { .. }
            | Request::ChannelsWork { .. }
            | Request::Reload
            | Request::Shutdown
            | Request::Report { .. }
            | Request::Say { .. }
            | Request::AskHuman { .. }
            | Request::Hook { .. }) => self.call(Purpose::Reply(id), request),
        }
    }

    fn call(&mut self, purpose: Purpose, request: Request) {
        let (hub, peer) = (self.hub.clone(), self.peer.clone());
        self.calls.push(Box::pin(async move { (purpose, ask(&hub, &peer, request).await) }));
    }

    fn reply(&mut self, id: u64, reply: Reply) {
        self.due.extend(reply_frame(id, reply));
    }

    fn answered(&mut self, purpose: Purpose, reply: Reply) {
        if purpose != Purpose::CatchUp && !matches!(purpose, Purpose::Reply(_)) {
            self.journal_read(&reply);
        }
        match (purpose, reply) {
            (Purpose::Reply(id) | Purpose::History(id), reply) => self.reply(id, reply),
            (Purpose::CatchUp, Reply::Events { events }) => {
                if let Some(following) = &mut self.following {
                    following.reading_journal = false;
                }
                self.push_events(events);
            }
            (Purpose::CatchUp, _) => self.following = None,
        }
    }

    /// A follower's pushes go on where the journal's part ends.
    fn journal_read(&mut self, reply: &Reply) {
        match (reply, &mut self.following) {
            (Reply::Events { events }, Some(following)) => {
                following.last = events.iter().map(|line| line.seq).fold(following.last, u64::max);
                following.reading_journal = false;
            }
            (_, following) => *following = None,
        }
    }

    fn follow(&mut self, live: Result<Arc<Vec<EventLine>>, broadcast::error::RecvError>) {
        match live {
            Ok(lines) => self.push_events(lines.to_vec()),
            Err(broadcast::error::RecvError::Lagged(_)) => {
                if let Some(following) = &mut self.following {
                    following.reading_journal = true;
                    let after = following.last;
                    self.call(Purpose::CatchUp, Request::Events { after, limit: CATCH_UP, follow: false });
                }
            }
            Err(broadcast::error::RecvError::Closed) => self.following = None,
        }
    }

    fn push_events(&mut self, mut lines: Vec<EventLine>) {
        let Some(following) = &mut self.following else {
            return;
        };
        lines.retain(|line| line.seq > following.last);
        following.last = lines.iter().map(|line| line.seq).fold(following.last, u64::max);
        for part in lines.chunks(LINES) {
            self.due.extend(codec::encode(&ServerFrame::Events { events: part.to_vec() }));
        }
    }
}
