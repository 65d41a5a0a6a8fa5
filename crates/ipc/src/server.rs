//! The supervisor's end of the socket. Each connection is one task; a view that stops reading is cut after
//! [`super::hub::PATIENCE`] and has delayed nobody until then.

use super::hub::Hub;
use super::session;
use super::wire::{ErrorKind, Reply, ServerFrame};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinSet;

/// Connections at a time, beyond which a silent one gives way for each that comes.
const MAX_VIEWS: usize = 128;
/// So many more are served where none is silent; then those that come are refused.
const RESERVE: usize = 32;
/// How long views get to take the last words.
const FAREWELL: Duration = Duration::from_secs(1);
/// How often the socket's file is looked at.
const LOOK: Duration = Duration::from_secs(30);

/// Serves the socket until the supervisor ends; then takes leave of all views.
pub async fn serve(listener: UnixListener, hub: Hub) {
    let mut closing = hub.closing.clone();
    let mut socket = Socket::of(listener);
    let mut views = JoinSet::new();
    let mut look = tokio::time::interval(LOOK);
    loop {
        tokio::select! {
            _ = session::closing(&mut closing) => break,
            accepted = socket.listener.accept() => match accepted {
                Ok((stream, _)) if is_own_user(&stream) => {
                    let made_room = views.len() >= MAX_VIEWS && hub.seats.free_one();
                    if views.len() < MAX_VIEWS + RESERVE || made_room {
                        views.spawn(serve_socket(stream, hub.clone()));
                    } else {
                        refuse(&stream);
                    }
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

/// Says why at once, instead of leaving a person waiting.
fn refuse(stream: &UnixStream) {
    let text = format!("{} views are connected, which is all that are served; close some", MAX_VIEWS + RESERVE);
    let reply = Reply::Error { kind: ErrorKind::Refused, text };
    if let Ok(frame) = super::codec::encode(&ServerFrame::Reply { id: 1, reply: Box::new(reply) }) {
        // A fresh socket's buffer holds it.
        let _ = stream.try_write(&frame);
    }
}

async fn serve_socket(stream: UnixStream, hub: Hub) {
    let pid = stream.peer_cred().ok().and_then(|peer| u32::try_from(peer.pid()?).ok());
    let connection = hub.connections.fetch_add(1, Ordering::Relaxed);
    session::serve(stream, hub, connection, pid).await;
}

/// Serves one view over any stream: a pipe within the process.
pub async fn serve_stream(stream: impl AsyncRead + AsyncWrite + Unpin, hub: Hub) {
    let connection = hub.connections.fetch_add(1, Ordering::Relaxed);
    session::serve(stream, hub, connection, None).await;
}
