//! The supervisor's end of the socket. Each connection is one task; a view that stops reading is cut after
//! [`PATIENCE`] and has delayed nobody until then.

use super::wire::{ErrorKind, MAX_FRAME, PROTOCOL, Reply, Request, RequestFrame, ServerFrame};
use crate::model::{EventLine, PaneKey, Snapshot, Via};
use futures_util::{SinkExt, StreamExt};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{broadcast, mpsc, oneshot, watch};
use tokio_util::codec::{Framed, LinesCodec, LinesCodecError};

/// How long one frame may take to be read by a view before it is cut.
pub const PATIENCE: Duration = Duration::from_secs(10);
/// How long the one loop may take to answer a request.
const ANSWER: Duration = Duration::from_secs(30);
/// How long a new connection may take to say hello.
const GREETING: Duration = Duration::from_secs(10);

/// Who is at the other end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// The connection's number; unique within one supervisor.
    pub connection: u64,
    /// The user's name.
    pub who: String,
    /// The surface.
    pub via: Via,
    /// The view's own pane, which is left unread.
    pub pane: Option<String>,
    /// The tmux socket of that pane.
    pub tmux_socket: Option<String>,
}

/// A request on its way to the one loop. A dropped `reply` reads as an internal error.
#[derive(Debug)]
pub struct Call {
    /// Who asks.
    pub peer: Peer,
    /// What.
    pub request: Request,
    /// Where the answer goes.
    pub reply: oneshot::Sender<Reply>,
}

/// The visible screen of a watched pane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaneScreen {
    /// Which pane.
    pub pane: PaneKey,
    /// Its rows.
    pub rows: Vec<String>,
}

/// What all connections share.
#[derive(Debug, Clone)]
pub struct Hub {
    /// Requests to the one loop. Bounded: a view waits, the loop does not.
    pub calls: mpsc::Sender<Call>,
    /// The newest snapshot.
    pub snapshots: watch::Receiver<Arc<Snapshot>>,
    /// Screens of watched panes; lagging views miss old ones.
    pub screens: broadcast::Sender<Arc<PaneScreen>>,
    /// Journal lines as they are committed; lagging followers read them again from the journal.
    pub events: broadcast::Sender<Arc<Vec<EventLine>>>,
    /// The answer to a hello.
    pub hello: Arc<Reply>,
    /// The name that decisions over this socket are recorded with.
    pub user: Arc<str>,
    /// Set when the supervisor ends, to the reason.
    pub closing: watch::Receiver<Option<String>>,
    /// Numbers connections.
    pub connections: Arc<AtomicU64>,
}

/// Accepts connections until the supervisor ends.
pub async fn serve(listener: UnixListener, hub: Hub) {
    let mut closing = hub.closing.clone();
    loop {
        let stream = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = closing.wait_for(Option::is_some) => return,
        };
        match stream {
            Ok((stream, _)) if is_own_user(&stream) => {
                tokio::spawn(serve_stream(stream, hub.clone()));
            }
            Ok(_) => tracing::warn!("refused a connection of another user"),
            // Out of descriptors: the others need a moment to end.
            Err(error) => {
                tracing::warn!(%error, "can't accept a connection");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

fn is_own_user(stream: &UnixStream) -> bool {
    stream.peer_cred().is_ok_and(|peer| peer.uid() == rustix::process::geteuid().as_raw())
}

/// Serves one view over any stream: a socket, or a pipe within the process.
pub async fn serve_stream(stream: impl AsyncRead + AsyncWrite + Unpin, hub: Hub) {
    let framed = Framed::new(stream, LinesCodec::new_with_max_length(MAX_FRAME));
    let connection = hub.connections.fetch_add(1, Ordering::Relaxed);
    let mut session = Session::new(framed, hub, connection);
    let ended = session.run().await;
    tracing::debug!(connection, ?ended, "a view has gone");
    let Session { framed, hub, peer, greeted, .. } = session;
    // The view sees the end at once, whatever the one loop is doing.
    drop(framed);
    if greeted {
        ask(&hub, &peer, Request::Bye).await;
    }
}

/// Why a connection ended.
#[derive(Debug)]
enum Ended {
    Gone,
    TooSlow,
    Garbage,
    Closing,
}

struct Session<S> {
    framed: Framed<S, LinesCodec>,
    hub: Hub,
    peer: Peer,
    greeted: bool,
    subscribed: bool,
    watched: Option<PaneKey>,
    /// The number of the last journal line that a follower got.
    following: Option<u64>,
    screens: broadcast::Receiver<Arc<PaneScreen>>,
    events: broadcast::Receiver<Arc<Vec<EventLine>>>,
}

/// What the session waits for.
enum Woken {
    Line(Option<Result<String, LinesCodecError>>),
    Snapshot,
    Screen(Result<Arc<PaneScreen>, broadcast::error::RecvError>),
    Events(Result<Arc<Vec<EventLine>>, broadcast::error::RecvError>),
    Closing(String),
}

impl<S: AsyncRead + AsyncWrite + Unpin> Session<S> {
    fn new(framed: Framed<S, LinesCodec>, hub: Hub, connection: u64) -> Self {
        let peer = Peer { connection, who: hub.user.to_string(), via: Via::Cli, pane: None, tmux_socket: None };
        let (screens, events) = (hub.screens.subscribe(), hub.events.subscribe());
        Self { framed, hub, peer, greeted: false, subscribed: false, watched: None, following: None, screens, events }
    }

    async fn run(&mut self) -> Ended {
        match self.greet().await {
            Ok(()) => {}
            Err(ended) => return ended,
        }
        loop {
            let woken = self.wait().await;
            if let Err(ended) = self.answer(woken).await {
                return ended;
            }
        }
    }

    /// The first frame must be a hello of our protocol.
    async fn greet(&mut self) -> Result<(), Ended> {
        let Ok(line) = tokio::time::timeout(GREETING, self.framed.next()).await else { return Err(Ended::TooSlow) };
        let (id, request) = self.parse(line).await?.ok_or(Ended::Garbage)?;
        let Request::Hello { protocol, via, pane, tmux_socket, .. } = &request else {
            self.reply(id, error(ErrorKind::BadRequest, "the first request must be `hello`")).await?;
            return Err(Ended::Garbage);
        };
        if *protocol != PROTOCOL {
            let text = format!(
                "this supervisor speaks protocol {PROTOCOL}, the view {protocol}: one of them is older; restart the supervisor"
            );
            self.reply(id, error(ErrorKind::Refused, &text)).await?;
            return Err(Ended::Garbage);
        }
        (self.peer.via, self.peer.pane, self.peer.tmux_socket) = (*via, pane.clone(), tmux_socket.clone());
        self.greeted = true;
        if self.peer.pane.is_some() {
            self.call(request).await;
        }
        let reply = (*self.hub.hello).clone();
        self.reply(id, reply).await
    }

    async fn wait(&mut self) -> Woken {
        let (subscribed, watched, following) = (self.subscribed, self.watched.is_some(), self.following.is_some());
        tokio::select! {
            line = self.framed.next() => Woken::Line(line),
            reason = closing(&mut self.hub.closing) => Woken::Closing(reason),
            Ok(()) = self.hub.snapshots.changed(), if subscribed => Woken::Snapshot,
            screen = self.screens.recv(), if watched => Woken::Screen(screen),
            events = self.events.recv(), if following => Woken::Events(events),
        }
    }

    async fn answer(&mut self, woken: Woken) -> Result<(), Ended> {
        match woken {
            Woken::Line(line) => match self.parse(line).await? {
                Some((id, request)) => self.serve_request(id, request).await,
                None => Ok(()),
            },
            Woken::Snapshot => self.push_snapshot().await,
            Woken::Screen(Ok(screen)) if self.watched.as_ref() == Some(&screen.pane) => {
                self.push(&ServerFrame::Screen { pane: screen.pane.clone(), rows: screen.rows.clone() }).await
            }
            // The next one is newer than what was missed.
            Woken::Screen(_) => Ok(()),
            Woken::Events(Ok(events)) => self.push_events(&events).await,
            Woken::Events(Err(broadcast::error::RecvError::Lagged(_))) => self.catch_up().await,
            Woken::Events(Err(broadcast::error::RecvError::Closed)) => Err(Ended::Closing),
            Woken::Closing(reason) => {
                self.push(&ServerFrame::Bye { reason }).await?;
                Err(Ended::Closing)
            }
        }
    }

    /// Reads a frame; a wrong one is answered and is `None`.
    async fn parse(&mut self, line: Option<Result<String, LinesCodecError>>) -> Result<Option<(u64, Request)>, Ended> {
        let line = match line {
            None | Some(Err(LinesCodecError::Io(_))) => return Err(Ended::Gone),
            Some(Err(LinesCodecError::MaxLineLengthExceeded)) => {
                self.reply(0, error(ErrorKind::BadRequest, "the frame is longer than 16 MiB")).await?;
                return Err(Ended::Garbage);
            }
            Some(Ok(line)) => line,
        };
        match serde_json::from_str::<RequestFrame>(&line) {
            Ok(frame) => Ok(Some((frame.id, frame.request))),
            Err(problem) => {
                let (id, reply) = explain_bad_frame(&line, &problem);
                self.reply(id, reply).await?;
                Ok(None)
            }
        }
    }

    async fn serve_request(&mut self, id: u64, request: Request) -> Result<(), Ended> {
        match request {
            Request::Hello { .. } => {
                let reply = (*self.hub.hello).clone();
                self.reply(id, reply).await
            }
            Request::Bye => Err(Ended::Gone),
            Request::Snapshot => {
                let snapshot = Box::new((**self.hub.snapshots.borrow()).clone());
                self.reply(id, Reply::Snapshot { snapshot }).await
            }
            Request::Subscribe => {
                self.subscribed = true;
                self.reply(id, Reply::Done).await?;
                self.push_snapshot().await
            }
            Request::WatchPane { ref pane } => {
                self.watched.clone_from(pane);
                self.screens = self.hub.screens.subscribe();
                let reply = self.call(request).await;
                self.reply(id, reply).await
            }
            Request::Events { follow, after, .. } => {
                if follow {
                    self.events = self.hub.events.subscribe();
                }
                let reply = self.call(request).await;
                if let (true, Reply::Events { events }) = (follow, &reply) {
                    self.following = Some(events.last().map_or(after, |event| event.seq));
                }
                self.reply(id, reply).await
            }
            other => {
                let reply = self.call(other).await;
                self.reply(id, reply).await
            }
        }
    }

    async fn call(&self, request: Request) -> Reply {
        ask(&self.hub, &self.peer, request).await
    }

    async fn push_snapshot(&mut self) -> Result<(), Ended> {
        let snapshot = Box::new((**self.hub.snapshots.borrow_and_update()).clone());
        self.push(&ServerFrame::Snapshot { snapshot }).await
    }

    async fn push_events(&mut self, events: &[EventLine]) -> Result<(), Ended> {
        let after = self.following.unwrap_or(0);
        let events: Vec<EventLine> = events.iter().filter(|event| event.seq > after).cloned().collect();
        let Some(last) = events.last() else { return Ok(()) };
        self.following = Some(last.seq);
        self.push(&ServerFrame::Events { events }).await
    }

    /// The follower was too slow for the live feed: the journal has what it missed.
    async fn catch_up(&mut self) -> Result<(), Ended> {
        loop {
            let after = self.following.unwrap_or(0);
            match self.call(Request::Events { after, limit: 1000, follow: false }).await {
                Reply::Events { events } if !events.is_empty() => self.push_events(&events).await?,
                _ => return Ok(()),
            }
        }
    }

    async fn reply(&mut self, id: u64, reply: Reply) -> Result<(), Ended> {
        self.push(&ServerFrame::Reply { id, reply: Box::new(reply) }).await
    }

    async fn push(&mut self, frame: &ServerFrame) -> Result<(), Ended> {
        let Ok(text) = serde_json::to_string(frame) else { return Err(Ended::Garbage) };
        match tokio::time::timeout(PATIENCE, self.framed.send(text)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(Ended::Gone),
            Err(_) => Err(Ended::TooSlow),
        }
    }
}

/// Asks the one loop.
async fn ask(hub: &Hub, peer: &Peer, request: Request) -> Reply {
    let (reply, answer) = oneshot::channel();
    let call = Call { peer: peer.clone(), request, reply };
    if hub.calls.send(call).await.is_err() {
        return error(ErrorKind::Internal, "the supervisor is ending");
    }
    match tokio::time::timeout(ANSWER, answer).await {
        Ok(Ok(reply)) => reply,
        Ok(Err(_)) => error(ErrorKind::Internal, "the supervisor gave no answer"),
        Err(_) => error(ErrorKind::Internal, "the supervisor did not answer in time; what was asked may still happen"),
    }
}

async fn closing(signal: &mut watch::Receiver<Option<String>>) -> String {
    match signal.wait_for(Option::is_some).await {
        Ok(reason) => reason.clone().unwrap_or_default(),
        Err(_) => "the supervisor is ending".to_owned(),
    }
}

fn error(kind: ErrorKind, text: &str) -> Reply {
    Reply::Error { kind, text: text.to_owned() }
}

/// Tells an unknown request from a known one with wrong parts.
fn explain_bad_frame(line: &str, problem: &serde_json::Error) -> (u64, Reply) {
    let frame: serde_json::Value = serde_json::from_str(line).unwrap_or_default();
    let id = frame.get("id").and_then(serde_json::Value::as_u64).unwrap_or(0);
    let text = problem.to_string();
    let kind = if text.contains("unknown variant")
        && frame
            .pointer("/request/method")
            .is_some_and(|m| text.contains(&format!("`{}`", m.as_str().unwrap_or_default())))
    {
        ErrorKind::UnknownRequest
    } else {
        ErrorKind::BadRequest
    };
    (id, error(kind, &text))
}
