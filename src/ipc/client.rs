//! A view's end of the socket.

use super::wire::{MAX_FRAME, PROTOCOL, Reply, Request, RequestFrame, ServerFrame};
use crate::model::Via;
use futures_util::{SinkExt, StreamExt};
use std::io;
use std::path::Path;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::UnixStream;
use tokio::sync::mpsc;
use tokio_util::codec::{Framed, LinesCodec};

/// Why there is no connection, or no more.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody listens there.
    #[error("no supervisor runs")]
    NoSupervisor,
    /// The connection broke.
    #[error("the connection to the supervisor broke: {0}")]
    Broken(String),
    /// The supervisor refused the view.
    #[error("{0}")]
    Refused(String),
}

/// A connection as two queues of frames; both end when it breaks.
#[derive(Debug)]
pub struct Link {
    /// From the supervisor.
    pub frames: mpsc::Receiver<ServerFrame>,
    /// To the supervisor.
    pub requests: mpsc::Sender<RequestFrame>,
}

/// What a view says of itself.
#[must_use]
pub fn hello(via: Via, pane: Option<String>, tmux_socket: Option<String>) -> Request {
    Request::Hello { protocol: PROTOCOL, version: env!("CARGO_PKG_VERSION").to_owned(), via, pane, tmux_socket }
}

/// Connects to a supervisor's socket.
///
/// # Errors
/// [`ClientError::NoSupervisor`] when there is no socket or nobody behind it.
pub async fn dial(socket: &Path) -> Result<UnixStream, ClientError> {
    UnixStream::connect(socket).await.map_err(|error| match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => ClientError::NoSupervisor,
        _ => ClientError::Broken(error.to_string()),
    })
}

/// Carries frames over a stream, in a task of its own that ends with either side.
pub fn link(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) -> Link {
    let (to_view, frames) = mpsc::channel(16);
    let (requests, mut to_send) = mpsc::channel::<RequestFrame>(64);
    let mut framed = Framed::new(stream, LinesCodec::new_with_max_length(MAX_FRAME));
    tokio::spawn(async move {
        loop {
            tokio::select! {
                line = framed.next() => {
                    let Some(Ok(line)) = line else { return };
                    // A frame of a newer supervisor that this view does not know is no reason to end.
                    let Ok(frame) = serde_json::from_str(&line) else { continue };
                    if to_view.send(frame).await.is_err() {
                        return;
                    }
                }
                request = to_send.recv() => {
                    let Some(text) = request.and_then(|frame| serde_json::to_string(&frame).ok()) else { return };
                    if framed.send(text).await.is_err() {
                        return;
                    }
                }
            }
        }
    });
    Link { frames, requests }
}

/// A connection for one request after the other, as scripts need it.
#[derive(Debug)]
pub struct Connection {
    link: Link,
    next: u64,
    pushed: std::collections::VecDeque<ServerFrame>,
    /// The supervisor's answer to the hello.
    pub hello: Reply,
}

impl Connection {
    /// Connects and says hello.
    ///
    /// # Errors
    /// Where nobody listens, the protocol differs, or the connection breaks.
    pub async fn open(socket: &Path, hello: Request) -> Result<Self, ClientError> {
        Self::over(dial(socket).await?, hello).await
    }

    /// Says hello over any stream.
    ///
    /// # Errors
    /// As [`Connection::open`].
    pub async fn over(
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        hello: Request,
    ) -> Result<Self, ClientError> {
        let mut connection =
            Self { link: link(stream), next: 0, pushed: std::collections::VecDeque::new(), hello: Reply::Done };
        connection.hello = match connection.request(hello).await? {
            Reply::Error { text, .. } => return Err(ClientError::Refused(text)),
            reply => reply,
        };
        Ok(connection)
    }

    /// Asks and waits for the answer; pushes that come before it are kept.
    ///
    /// # Errors
    /// When the connection breaks.
    pub async fn request(&mut self, request: Request) -> Result<Reply, ClientError> {
        self.next += 1;
        let id = self.next;
        self.link.requests.send(RequestFrame { id, request }).await.map_err(|_| gone())?;
        loop {
            match self.link.frames.recv().await {
                Some(ServerFrame::Reply { id: answered, reply }) if answered == id => return Ok(*reply),
                Some(ServerFrame::Reply { id: 0, reply }) => {
                    if let Reply::Error { text, .. } = *reply {
                        return Err(ClientError::Broken(text));
                    }
                }
                Some(push) => self.pushed.push_back(push),
                None => return Err(gone()),
            }
        }
    }

    /// The next push; `None` when the connection has ended.
    pub async fn push(&mut self) -> Option<ServerFrame> {
        match self.pushed.pop_front() {
            Some(frame) => Some(frame),
            None => self.link.frames.recv().await,
        }
    }
}

fn gone() -> ClientError {
    ClientError::Broken("the supervisor has gone".to_owned())
}
