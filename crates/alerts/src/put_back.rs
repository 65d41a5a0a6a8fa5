//! Questions whose message failed for good go out when their channel is mended.
//!
//! Mended is a channel that is configured otherwise than when they failed (another key, another address; also over a
//! restart), or that takes another message. What is decided meanwhile stays failed. A fallback that told the question
//! keeps its own channel from nothing: its reader sees it late rather than never. The fallback itself is not asked twice,
//! and not any more once the own channel has told it.

use super::delivery::Delivery;
use super::route;
use tmuxagent_model::ApprovalState;
use tmuxagent_store::Mended;

impl Delivery {
    /// Puts back what failed on a channel about questions that are open; false when it has to be tried again.
    pub(super) async fn put_back(&self, name: &str, mended: Mended) -> bool {
        let setup = self.setup(name);
        let done = async {
            let mut open = Vec::new();
            for row in self.store.outbox_failed(name, setup, mended).await? {
                let Some(id) = row.alert.approval.as_ref().filter(|_| route::asks(&row.alert)) else { continue };
                let known = self.around.decisions.approval(id).await;
                if known.is_some_and(|known| known.state == ApprovalState::Pending) {
                    open.push(row.id);
                }
            }
            if open.is_empty() {
                return Ok(0);
            }
            self.store.outbox_put_back(open, setup, mended, self.now()).await
        };
        match done.await {
            Ok(0) => true,
            Ok(_) => {
                self.wake();
                true
            }
            Err(error) => {
                (self.around.trouble)("outbox", Some(tmuxagent_store::StoreError::to_string(&error)));
                false
            }
        }
    }

    /// What stands for the configuration of a channel; empty for one that is not there or could not be set up, so that any
    /// that works is another one.
    pub(super) fn setup(&self, name: &str) -> &str {
        let here = self.channels.contains_key(name);
        self.around.setups.get(name).filter(|_| here).map_or("", String::as_str)
    }
}
