//! A view's end of the socket.

use super::codec::{self, FrameCodec, Piece};
use super::wire::{PROTOCOL, Reply, Request, RequestFrame, ServerFrame};
use futures_util::StreamExt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tmuxagent_model::Via;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::sync::mpsc;
use tokio_util::codec::FramedRead;

/// Why there is no connection, or no more.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody listens there.
    #[error("no supervisor runs")]
    NoSupervisor,
    /// The connection broke.
    #[error("the connection to the supervisor broke: {0}")]
    Broken(String),
    /// Somebody else listens there.
    #[error(
        "{} is served by another user (uid {uid}): nothing was said to it; remove it, or give another --state-dir",
        socket.display()
    )]
    Foreign {
        /// The socket's path.
        socket: PathBuf,
        /// Who listens.
        uid: u32,
    },
    /// The connection ended after something was asked and before its answer.
    #[error("the supervisor ended before it answered")]
    Unanswered,
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
/// [`ClientError::NoSupervisor`] when there is no socket or nobody behind it, [`ClientError::Foreign`] when whoever
/// listens is neither this user nor root: what is typed or approved is nothing for a stranger's ears.
pub async fn dial(socket: &Path) -> Result<UnixStream, ClientError> {
    let stream = UnixStream::connect(socket).await.map_err(|error| match error.kind() {
        io::ErrorKind::NotFound
        | io::ErrorKind::ConnectionRefused
        // It ends in this very instant.
        | io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe => ClientError::NoSupervisor,
        _ => ClientError::Broken(error.to_string()),
    })?;
    let uid = stream.peer_cred().map_err(|error| ClientError::Broken(error.to_string()))?.uid();
    trusted(socket, uid, rustix::process::geteuid().as_raw())?;
    Ok(stream)
}

fn trusted(socket: &Path, uid: u32, own: u32) -> Result<(), ClientError> {
    if uid == own || uid == 0 { Ok(()) } else { Err(ClientError::Foreign { socket: socket.to_path_buf(), uid }) }
}

/// As [`dial`], but tries again with growing pauses, up to `patience` in all: for a supervisor that is just starting,
/// or starting again.
///
/// # Errors
/// As [`dial`], once the patience is over.
pub async fn dial_patiently(socket: &Path, patience: Duration) -> Result<UnixStream, ClientError> {
    let (mut waited, mut pause) = (Duration::ZERO, Duration::from_millis(10));
    loop {
        match dial(socket).await {
            Err(ClientError::NoSupervisor) if waited < patience => {
                let next = pause.min(patience.saturating_sub(waited));
                tokio::time::sleep(next).await;
                waited += next;
                pause = (pause * 2).min(Duration::from_secs(1));
            }
            ended => return ended,
        }
    }
}

/// Carries frames over a stream, in a task of its own that ends with either side. What is asked goes out also while
/// nobody takes what came.
pub fn link(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) -> Link {
    let (to_view, frames) = mpsc::channel(16);
    let (requests, to_send) = mpsc::channel::<RequestFrame>(64);
    let (reading, writing) = tokio::io::split(stream);
    tokio::spawn(async move {
        tokio::select! {
            () = receive(reading, to_view) => {}
            () = send(writing, to_send) => {}
        }
    });
    Link { frames, requests }
}

async fn receive(reading: impl AsyncRead + Unpin, to_view: mpsc::Sender<ServerFrame>) {
    let mut pieces = FramedRead::new(reading, FrameCodec::default());
    while let Some(Ok(piece)) = pieces.next().await {
        let Piece::Frame(frame) = piece else { return };
        match serde_json::from_slice(&frame) {
            Ok(frame) => {
                if to_view.send(frame).await.is_err() {
                    return;
                }
            }
            // A frame of a newer supervisor that this view does not know is no reason to end.
            Err(error) => tracing::debug!(%error, "a frame of the supervisor was not understood"),
        }
    }
}

async fn send(mut writing: impl AsyncWrite + Unpin, mut to_send: mpsc::Receiver<RequestFrame>) {
    while let Some(frame) = to_send.recv().await {
        let Ok(bytes) = codec::encode(&frame) else { return };
        if writing.write_all(&bytes).await.is_err() {
            // The supervisor's last words may still be unread; the reading side sees the end.
            std::future::pending::<()>().await;
        }
    }
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
    /// [`ClientError::Unanswered`] when the connection ends after the request may have gone out,
    /// [`ClientError::NoSupervisor`] when it certainly did not.
    pub async fn request(&mut self, request: Request) -> Result<Reply, ClientError> {
        self.next += 1;
        let id = self.next;
        self.link.requests.send(RequestFrame { id, request }).await.map_err(|_| ClientError::NoSupervisor)?;
        loop {
            match self.link.frames.recv().await {
                Some(ServerFrame::Reply { id: answered, reply }) if answered == id => return Ok(*reply),
                Some(ServerFrame::Reply { id: 0, reply }) => {
                    if let Reply::Error { text, .. } = *reply {
                        return Err(ClientError::Broken(text));
                    }
                }
                Some(push) => self.pushed.push_back(push),
                None => return Err(ClientError::Unanswered),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stranger_behind_the_socket_is_not_spoken_to() {
        let socket = Path::new("/run/user/7/tmuxagent/sock");
        assert!(trusted(socket, 7, 7).is_ok() && trusted(socket, 0, 7).is_ok());
        let error = trusted(socket, 8, 7).unwrap_err().to_string();
        assert!(error.starts_with("/run/user/7/tmuxagent/sock is served by another user (uid 8)"), "{error}");
    }
}
