//! From the outbox to the services: each channel has its own loop, so that one that hangs delays no other.
//!
//! At least once: a message is marked after the service took it, and sent again when the process ended in between.
//! Retries wait longer and longer and survive restarts, since the next instant stands in the outbox. A message about a
//! question is dropped when the question is closed; each message carries a link of its own, minted when it is sent.

use super::channel::{Channel, Receipt, SendError};
use super::config::Routing;
use super::decide::Decide;
use super::message::Message;
use super::route::{self, Moment};
use futures_util::future::BoxFuture;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tmuxagent_model::{Approval, ApprovalState, Millis, Timestamp, Urgency};
use tmuxagent_store::{Mark, NewMessage, OutboxRow, OutboxState, Store};
use tmuxagent_text::Lang;
use tmuxagent_text::redact::Redactor;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// A whole attempt, beyond what a channel limits itself.
const ATTEMPT: Millis = Millis::from_secs(45);
/// After so long a message that can't be delivered is given up.
const GIVE_UP: Millis = Millis::from_secs(24 * 3600);
/// The loops look at least so often, should a wake-up be lost.
const PATROL: Millis = Millis::from_secs(60);
/// Why a message about a question is not sent.
const CLOSED: &str = "the question is closed";
/// Messages of one channel that are looked at at once.
const BATCH: u32 = 500;

/// Makes the link for an approval as it stands; `None` where no links are served.
pub type Mint = Arc<dyn Fn(Approval) -> BoxFuture<'static, Option<String>> + Send + Sync>;

/// Called with a channel's name and its trouble, and with `None` when it works again.
pub type Trouble = Arc<dyn Fn(&str, Option<String>) + Send + Sync>;

/// What delivery needs of the supervisor.
pub struct Surroundings {
    /// Looks approvals up.
    pub desk: Arc<dyn Decide>,
    /// Makes links.
    pub mint: Mint,
    /// This moment: time, minute of the local day, the user's last activity.
    pub moment: Arc<dyn Fn() -> Moment + Send + Sync>,
    /// Shows what can't be delivered.
    pub trouble: Trouble,
    /// Takes secrets out of every message.
    pub redactor: Redactor,
    /// The language of messages.
    pub lang: Lang,
}

/// The delivery of all channels.
pub struct Delivery {
    store: Store,
    channels: BTreeMap<String, Arc<dyn Channel>>,
    routing: Routing,
    around: Surroundings,
    wake: Notify,
}

impl Delivery {
    /// The delivery of `channels` by their names.
    #[must_use]
    pub fn new(
        store: Store,
        channels: BTreeMap<String, Arc<dyn Channel>>,
        routing: Routing,
        around: Surroundings,
    ) -> Arc<Self> {
        Arc::new(Self { store, channels, routing, around, wake: Notify::new() })
    }

    /// Says that the outbox has something new, or an approval was closed.
    pub fn wake(&self) {
        self.wake.notify_waiters();
    }

    /// Delivers until `stop`; an attempt under way is finished, as far as it ends within a few seconds.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        self.drop_unknown().await;
        let mut loops = JoinSet::new();
        for (name, channel) in &self.channels {
            let (delivery, name, channel) = (Arc::clone(&self), name.clone(), Arc::clone(channel));
            let stop = stop.clone();
            loops.spawn(async move { delivery.serve(&name, channel.as_ref(), &stop).await });
        }
        for channel in self.channels.values() {
            if let Some(listening) = Arc::clone(channel).listen(Arc::clone(&self.around.desk), stop.clone()) {
                loops.spawn(listening);
            }
        }
        stop.cancelled().await;
        // What was under way is marked as far as it ends soon; the rest is sent again at the next start.
        let _ = tokio::time::timeout(std::time::Duration::from_secs(3), async {
            while loops.join_next().await.is_some() {}
        })
        .await;
    }

    /// Messages for channels that are configured no more can't be delivered. Questions go to the channels that they would go
    /// to now.
    async fn drop_unknown(&self) {
        let waiting = match self.store.outbox_due(Timestamp(i64::MAX), 10_000).await {
            Ok(rows) => rows,
            Err(error) => return (self.around.trouble)("outbox", Some(error.to_string())),
        };
        for row in waiting.iter().filter(|row| !self.channels.contains_key(&row.channel)) {
            if route::asks(&row.alert) && self.moved(row).await {
                continue;
            }
            let text = format!("there is no channel `{}` any more", row.channel);
            (self.around.trouble)(&row.channel, Some(text.clone()));
            self.mark(row, OutboxState::Failed, Tried::No, self.now(), text).await;
        }
    }

    /// Puts a question on the channels of the present routes; false where there are none.
    async fn moved(&self, row: &OutboxRow) -> bool {
        let targets = route::targets(&row.alert, &self.routing);
        let known: BTreeSet<&str> =
            targets.into_iter().map(|(name, _)| name).filter(|name| self.channels.contains_key(*name)).collect();
        let messages: Vec<NewMessage> = known
            .iter()
            .map(|channel| NewMessage {
                channel: (*channel).to_owned(),
                key: row.key.clone(),
                alert: row.alert.clone(),
                not_before: row.next_at,
            })
            .collect();
        if messages.is_empty() || self.store.outbox_put(self.now(), messages).await.is_err() {
            return false;
        }
        let text = format!("moved to {}", known.into_iter().collect::<Vec<_>>().join(", "));
        self.mark(row, OutboxState::Cancelled, Tried::No, self.now(), text).await;
        true
    }

    fn now(&self) -> Timestamp {
        (self.around.moment)().now
    }

    async fn serve(&self, name: &str, channel: &dyn Channel, stop: &CancellationToken) {
        loop {
            let woken = self.wake.notified();
            tokio::pin!(woken);
            // Registered before looking, so that nothing put in meanwhile is missed.
            woken.as_mut().enable();
            let waiting = match self.store.outbox_waiting(name, BATCH).await {
                Ok(rows) => rows,
                Err(error) => {
                    (self.around.trouble)("outbox", Some(error.to_string()));
                    Vec::new()
                }
            };
            let now = self.now();
            let (due, later): (Vec<_>, Vec<_>) = waiting.into_iter().partition(|row| row.next_at <= now);
            self.call_off(&later).await;
            if due.is_empty() {
                let pause = later.iter().map(|row| row.next_at.since(now)).min().unwrap_or(PATROL).min(PATROL);
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = tokio::time::sleep(pause.to_std()) => {}
                    () = woken => {}
                }
            } else {
                let spacing = self.step(name, channel, due).await;
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = tokio::time::sleep(spacing.to_std()) => {}
                }
            }
        }
    }

    /// Reminders and escalations of a closed question are not waited for.
    async fn call_off(&self, later: &[OutboxRow]) {
        for row in later.iter().filter(|row| route::asks(&row.alert)) {
            let Some(id) = &row.alert.approval else { continue };
            // One that is not found may be so new that nobody knows it yet.
            let closed = self.around.desk.approval(id).await.is_some_and(|known| known.state != ApprovalState::Pending);
            if closed {
                self.mark(row, OutboxState::Cancelled, Tried::No, self.now(), CLOSED.into()).await;
            }
        }
    }

    /// Sends the most pressing of what is due; the time until the next may go.
    async fn step(&self, name: &str, channel: &dyn Channel, due: Vec<OutboxRow>) -> Millis {
        let mut ready = Vec::new();
        for row in due {
            if let Some(approval) = self.fit(name, &row).await {
                ready.push((row, approval));
            }
        }
        ready.sort_by_key(|(row, approval)| (std::cmp::Reverse(row.alert.urgency), approval.is_none(), row.id));
        let Some((first, approval)) = ready.first() else {
            return Millis(0);
        };
        // Questions go alone; what only tells goes together when it piled up.
        let (rows, message) = if approval.is_some() {
            (vec![first.clone()], self.compose(first, approval.as_ref()).await)
        } else {
            let telling: Vec<OutboxRow> =
                ready.iter().filter(|(_, approval)| approval.is_none()).map(|(row, _)| row.clone()).take(20).collect();
            let mut messages = Vec::new();
            for row in &telling {
                messages.push(self.compose(row, None).await);
            }
            match Message::merged(&messages) {
                Some(merged) => (telling, merged),
                None => (vec![first.clone()], self.compose(first, None).await),
            }
        };
        let sent = tokio::time::timeout(ATTEMPT.to_std(), channel.send(&message)).await;
        let sent = sent.unwrap_or_else(|_| Err(SendError::retry(format!("no end within {ATTEMPT}"))));
        self.settle(name, &rows, sent).await;
        channel.spacing()
    }

    /// Whether a due message is to be sent now, with its open approval; marks it where it is not.
    async fn fit(&self, name: &str, row: &OutboxRow) -> Option<Option<Approval>> {
        let moment = (self.around.moment)();
        let approval = match &row.alert.approval {
            Some(id) => self.around.desk.approval(id).await,
            None => None,
        };
        let open = approval.filter(|approval| approval.state == ApprovalState::Pending);
        if route::asks(&row.alert) {
            if open.is_none() {
                self.mark(row, OutboxState::Cancelled, Tried::No, moment.now, CLOSED.into()).await;
                return None;
            }
            // Steps of an escalation go out whether he is there or not: he did not answer.
            if !row.key.contains("/escalate/")
                && let Some(until) = route::postponed(&row.alert, name, &self.routing, moment)
            {
                self.mark(row, OutboxState::Waiting, Tried::No, until, String::new()).await;
                return None;
            }
            return Some(open);
        }
        if self.cools_down(name, row, moment.now).await {
            self.mark(row, OutboxState::Merged, Tried::No, moment.now, "sent a short time ago".into()).await;
            return None;
        }
        Some(None)
    }

    /// Whether the same was sent within the cool-down.
    async fn cools_down(&self, name: &str, row: &OutboxRow, now: Timestamp) -> bool {
        if self.routing.cool_down.0 == 0 || row.alert.dedupe.is_empty() {
            return false;
        }
        let since = now - self.routing.cool_down;
        match self.store.outbox_similar(name, &row.alert.dedupe, since).await {
            Ok(similar) => similar.iter().any(|other| {
                other.id != row.id
                    && match other.state {
                        OutboxState::Sent => other.updated_at >= since,
                        // Of several that wait the first goes.
                        OutboxState::Waiting => other.id < row.id,
                        OutboxState::Failed | OutboxState::Merged | OutboxState::Cancelled => false,
                    }
            }),
            Err(_) => false,
        }
    }

    async fn compose(&self, row: &OutboxRow, approval: Option<&Approval>) -> Message {
        let link = match approval {
            Some(approval) => (self.around.mint)(approval.clone()).await,
            None => None,
        };
        Message::compose(&row.alert, approval, link.as_deref(), self.around.lang, &self.around.redactor)
    }

    async fn settle(&self, name: &str, rows: &[OutboxRow], sent: Result<Receipt, SendError>) {
        let now = self.now();
        let shown = |text: String| tmuxagent_text::plain::cut_bytes(&self.around.redactor.redact(&text), 400);
        match sent {
            Ok(receipt) => {
                for (n, row) in rows.iter().enumerate() {
                    let state = if n == 0 { OutboxState::Sent } else { OutboxState::Merged };
                    self.mark(row, state, Tried::Yes, now, shown(receipt.answer.clone())).await;
                }
                (self.around.trouble)(name, None);
            }
            Err(error) => {
                let text = shown(error.to_string());
                (self.around.trouble)(name, Some(text.clone()));
                for row in rows {
                    self.settle_failed(name, row, &error, &text, now).await;
                }
            }
        }
    }

    async fn settle_failed(&self, name: &str, row: &OutboxRow, error: &SendError, text: &str, now: Timestamp) {
        let mut byte = [0];
        // Without randomness there is no jitter, which is no harm.
        let _ = getrandom::fill(&mut byte);
        let usual = route::backoff(row.attempts, byte[0]);
        let next = match error {
            SendError::Retry { after, .. } => Some(now + after.unwrap_or_default().max(usual)),
            SendError::Exhausted { pause, .. } => Some(now + *pause),
            SendError::Refused { .. } => None,
        };
        let next = next.filter(|_| now.since(row.created_at) < GIVE_UP);
        let state = if next.is_some() { OutboxState::Waiting } else { OutboxState::Failed };
        self.mark(row, state, Tried::Yes, next.unwrap_or(now), text.to_owned()).await;
        let hopeless = next.is_none() || matches!(error, SendError::Exhausted { .. });
        if hopeless && row.alert.urgency == Urgency::High && !row.key.contains("/fallback/") {
            self.fall_back(name, row, now).await;
        }
    }

    /// Puts what is pressing on the channels for such cases.
    async fn fall_back(&self, name: &str, row: &OutboxRow, now: Timestamp) {
        let others = self.routing.fallback.iter().filter(|other| *other != name);
        let messages: Vec<NewMessage> = others
            .map(|channel| NewMessage {
                channel: channel.clone(),
                key: format!("{}/fallback/{name}", row.key),
                alert: row.alert.clone(),
                not_before: now,
            })
            .collect();
        if messages.is_empty() {
            return;
        }
        match self.store.outbox_put(now, messages).await {
            Ok(_) => self.wake(),
            Err(error) => (self.around.trouble)("outbox", Some(error.to_string())),
        }
    }

    async fn mark(&self, row: &OutboxRow, state: OutboxState, tried: Tried, next_at: Timestamp, answer: String) {
        let mark = Mark { state, tried: tried == Tried::Yes, next_at, answer };
        if let Err(error) = self.store.outbox_mark(row.id, self.now(), mark).await {
            (self.around.trouble)("outbox", Some(error.to_string()));
            // Were it marked as sent only in our wish, it would go out again and again without a pause.
            tokio::time::sleep(std::time::Duration::from_secs(5)).await;
        }
    }
}

/// Whether something was an attempt.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tried {
    Yes,
    No,
}

#[cfg(test)]
#[path = "outbox_tests.rs"]
mod tests;
