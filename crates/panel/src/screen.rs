//! The screen of a pane, as long as somebody looks at it.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use tmuxagent_ipc::hub::{Call, Hub, PaneScreen, Peer};
use tmuxagent_ipc::wire::{Reply, Request};
use tmuxagent_model::{PaneKey, Via};
use tokio::sync::{broadcast, mpsc, oneshot};

/// Somebody at the panel, as the loop knows him: each request is a connection of its own.
pub(crate) fn peer(hub: &Hub, who: &str) -> Peer {
    let connection = hub.connections.fetch_add(1, Ordering::Relaxed);
    Peer { connection, who: who.to_owned(), vouched: None, via: Via::Panel, pane: None, tmux_socket: None, pid: None }
}

/// A pane that is looked at; dropping it ends that.
pub(crate) struct Watched {
    calls: mpsc::Sender<Call>,
    peer: Peer,
    pane: PaneKey,
    screens: broadcast::Receiver<Arc<PaneScreen>>,
}

impl Watched {
    /// Looks at a pane from now on; `None` where the supervisor ends.
    pub(crate) async fn begin(hub: &Hub, who: &str, pane: PaneKey) -> Option<Self> {
        // Before the loop captures the screen for it, so that this one is not missed.
        let screens = hub.screens.subscribe();
        let watched = Self { calls: hub.calls.clone(), peer: peer(hub, who), pane, screens };
        let (reply, answer) = oneshot::channel();
        let request = Request::WatchPane { pane: Some(watched.pane.clone()) };
        watched.calls.send(Call { peer: watched.peer.clone(), request, reply }).await.ok()?;
        matches!(answer.await, Ok(Reply::Done)).then_some(watched)
    }

    /// Which pane.
    pub(crate) const fn pane(&self) -> &PaneKey {
        &self.pane
    }

    /// The next rows that it shows, with their colours; `None` when nothing will come any more.
    pub(crate) async fn next(&mut self) -> Option<Vec<String>> {
        loop {
            match self.screens.recv().await {
                Ok(screen) if screen.pane == self.pane => {
                    return Some(screen.rows.clone());
                }
                Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => {}
                Err(broadcast::error::RecvError::Closed) => return None,
            }
        }
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        // Nobody waits for the answer.
        let (reply, _) = oneshot::channel();
        let call = Call { peer: self.peer.clone(), request: Request::Bye, reply };
        if let Err(mpsc::error::TrySendError::Full(call)) = self.calls.try_send(call) {
            let calls = self.calls.clone();
            // The loop is behind; where it ends meanwhile nothing is looked at any more.
            tokio::spawn(async move { drop(calls.send(call).await) });
        }
    }
}
