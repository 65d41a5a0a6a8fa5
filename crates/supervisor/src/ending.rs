//! The end of the loop: what came too late is turned away, what is under way is taken in and stored.

use super::dispatch::{Dispatch, Inbox, Urgent};
use tmuxagent_failpoints as failpoints;
use tmuxagent_ipc::wire::{ErrorKind, Reply};

impl Dispatch {
    /// Takes what the collectors hand over at the end, and stores it.
    pub(super) async fn stop(mut self, mut inbox: Inbox, reason: &str) {
        tracing::info!(reason, "the supervisor ends");
        self.notify.stopping();
        inbox.urgent.close();
        while let Some(urgent) = inbox.urgent.recv().await {
            turn_away(urgent);
        }
        self.core.begin_end();
        let mut collectors = self.collectors.shutdown();
        let deadline = tokio::time::sleep(std::time::Duration::from_secs(3));
        tokio::pin!(deadline);
        loop {
            tokio::select! {
                biased;
                // Nothing new is begun; outcomes and positions still count.
                Some(fact) = inbox.facts.recv() => self.fact(fact),
                _ = &mut collectors => break,
                () = &mut deadline => break,
            }
        }
        failpoints::at("stop.collected");
        let last = self.core.finish_last(self.clock.now());
        self.write(last).await;
        self.store.close().await;
        failpoints::at("stop.stored");
    }
}

/// Answers what came too late to be begun with: nothing of it is done, and that is certain.
pub(super) fn turn_away(urgent: Urgent) {
    if let Urgent::Call(call) = urgent {
        let text = "the supervisor is ending; nothing was done".to_owned();
        // The asker may have gone.
        let _ = call.reply.send(Reply::Error { kind: ErrorKind::Ending, text });
    }
}
