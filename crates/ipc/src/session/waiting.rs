//! What a connection waits for.

use super::{Following, Watching};
use crate::codec;
use crate::wire::ServerFrame;
use bytes::Bytes;
use std::pin::Pin;
use std::sync::Arc;
use tmuxagent_model::EventLine;
use tokio::sync::{broadcast, mpsc, watch};
use tokio::time::Sleep;

/// The last word to a view.
pub(super) async fn bye(out: &mpsc::Sender<Bytes>, reason: String) {
    if let Ok(frame) = codec::encode(&ServerFrame::Bye { reason }) {
        let _ = out.send(frame).await;
    }
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
