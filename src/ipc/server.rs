//! The supervisor's end of the socket. Each connection is one task; a view that stops reading is cut after
//! [`PATIENCE`] and has delayed nobody until then.

use super::session;
use super::wire::{Reply, Request};
use crate::clock::Clock;
use crate::model::{EventLine, PaneKey, Snapshot, Via};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{broadcast, mpsc, oneshot, watch};
use tokio::task::JoinSet;

/// A view that takes no byte for this long while something waits for it is cut.
pub const PATIENCE: Duration = Duration::from_secs(10);
/// Views at a time; more of them wait to be accepted.
const MAX_VIEWS: usize = 128;
/// How long views get to take the last words.
const FAREWELL: Duration = Duration::from_secs(1);
/// How often the socket's file is looked at.
const LOOK: Duration = Duration::from_secs(30);

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
    /// The time that snapshots are told in.
    pub clock: Clock,
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

/// Serves the socket until the supervisor ends; then takes leave of all views.
pub async fn serve(listener: UnixListener, hub: Hub) {
    let mut closing = hub.closing.clone();
    let mut socket = Socket::of(listener);
    let mut views = JoinSet::new();
    let mut look = tokio::time::interval(LOOK);
    loop {
        tokio::select! {
            _ = session::closing(&mut closing) => break,
            accepted = socket.listener.accept(), if views.len() < MAX_VIEWS => match accepted {
                Ok((stream, _)) if is_own_user(&stream) => {
                    views.spawn(serve_stream(stream, hub.clone()));
                }
                Ok(_) => tracing::warn!("refused a connection of another user"),
                // Out of descriptors: the others need a moment to end.
                Err(error) => {
                    tracing::warn!(%error, "can't accept a connection");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            },
            Some(_) = views.join_next(), if !views.is_empty() => {}
            _ = look.tick() => socket.renew(),
        }
    }
    let farewell = async { while views.join_next().await.is_some() {} };
    let _ = tokio::time::timeout(FAREWELL, farewell).await;
}

/// The listening socket with its file, which programs that clean `/tmp` may take for unused and remove.
struct Socket {
    listener: UnixListener,
    /// Its path and its file's identity; `None` for a socket without a file.
    file: Option<(PathBuf, Option<(u64, u64)>)>,
}

impl Socket {
    fn of(listener: UnixListener) -> Self {
        let path = listener.local_addr().ok().and_then(|address| address.as_pathname().map(Path::to_path_buf));
        let file = path.map(|path| {
            let identity = identity(&path);
            (path, identity)
        });
        Self { listener, file }
    }

    /// Makes the socket again when its file is gone.
    fn renew(&mut self) {
        let Some((path, file)) = &self.file else { return };
        if file.is_some() && identity(path) == *file {
            return;
        }
        tracing::warn!(socket = %path.display(), "the socket's file was removed and is made again");
        match super::lock::bind(path).and_then(UnixListener::from_std) {
            Ok(listener) => *self = Self::of(listener),
            Err(error) => tracing::warn!(%error, "the socket could not be made again"),
        }
    }
}

/// Device and inode of a file.
fn identity(path: &Path) -> Option<(u64, u64)> {
    std::fs::symlink_metadata(path).ok().map(|meta| (meta.dev(), meta.ino()))
}

fn is_own_user(stream: &UnixStream) -> bool {
    stream.peer_cred().is_ok_and(|peer| peer.uid() == rustix::process::geteuid().as_raw())
}

/// Serves one view over any stream: a socket, or a pipe within the process.
pub async fn serve_stream(stream: impl AsyncRead + AsyncWrite + Unpin, hub: Hub) {
    let connection = hub.connections.fetch_add(1, Ordering::Relaxed);
    session::serve(stream, hub, connection).await;
}
