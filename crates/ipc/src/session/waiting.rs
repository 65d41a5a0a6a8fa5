//! What a connection waits for.

use super::{ANSWER, Following, Watching, error};
use crate::codec;
use crate::hub::Hub;
use crate::wire::{ErrorKind, Reply, ServerFrame};
use bytes::Bytes;
use std::pin::Pin;
use std::sync::Arc;
use tmuxagent_model::{EventLine, Snapshot};
use tokio::sync::{broadcast, mpsc, watch};
use tokio::time::{Sleep, timeout};

/// The last word to a view.
pub(super) async fn bye(out: &mpsc::Sender<Bytes>, reason: String) {
    if let Ok(frame) = codec::encode(&ServerFrame::Bye { reason }) {
        let _ = out.send(frame).await;
    }
}

/// Whether the loop has taken this picture. The socket answers before the first one, and the empty one that stands there
/// until then would tell that nothing is watched and nothing waits.
pub(super) const fn is_taken(snapshot: &Snapshot) -> bool {
    snapshot.generation > 0
}

/// The newest picture, once there is one.
pub(super) async fn picture(hub: &Hub) -> Reply {
    let mut snapshots = hub.snapshots.clone();
    let shown = timeout(ANSWER, snapshots.wait_for(|snapshot| is_taken(snapshot))).await;
    match shown {
        Ok(Ok(shown)) => Reply::Snapshot { snapshot: dated(hub, shown.as_ref().clone()) },
        Ok(Err(_)) => error(ErrorKind::Ending, "the supervisor is ending"),
        Err(_) => error(ErrorKind::Internal, "the supervisor did not answer in time"),
    }
}

/// The picture may be old where nothing happened, and what it tells is still so now: the receiver counts from here.
pub(super) fn dated(hub: &Hub, snapshot: Snapshot) -> Box<Snapshot> {
    Box::new(Snapshot { at: hub.clock.now(), ..snapshot })
}

/// Waits for a change; for ever where there is nothing to wait for.
pub(super) async fn changed<T>(seen: Option<&mut watch::Receiver<T>>) {
    if let Some(seen) = seen
        && seen.changed().await.is_ok()
    {
        return;
    }
    std::future::pending().await
}

/// Waits for a newer screen of the watched pane.
pub(super) async fn next_screen(watching: Option<&mut Watching>) {
    if let Some(watching) = watching {
        loop {
            match watching.screens.recv().await {
                Ok(screen) if screen.pane == watching.pane => {
                    watching.fresh = Some(screen);
                    return;
                }
                // The next one is newer than what was missed.
                Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => {}
                Err(broadcast::error::RecvError::Closed) => break,
            }
        }
    }
    std::future::pending().await
}

pub(super) async fn next_events(
    following: Option<&mut Following>,
) -> Result<Arc<Vec<EventLine>>, broadcast::error::RecvError> {
    match following {
        Some(following) if !following.reading_journal => following.live.recv().await,
        _ => std::future::pending().await,
    }
}

pub(super) async fn elapsed(pause: Option<&mut Pin<Box<Sleep>>>) {
    if let Some(pause) = pause {
        pause.await;
    }
}

/// Waits for the end of the supervisor; returns why.
pub(crate) async fn closing(signal: &mut watch::Receiver<Option<String>>) -> String {
    match signal.wait_for(Option::is_some).await {
        Ok(reason) => reason.clone().unwrap_or_default(),
        Err(_) => "the supervisor is ending".to_owned(),
    }
}
