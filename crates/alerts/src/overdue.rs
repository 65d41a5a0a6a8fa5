//! What does not reach its channel: it goes to the fallback, or where alerts go now.
//!
//! A pressing message that its channel has not taken a minute after it was due is put on the fallback channels, at once
//! where the channel is off. It goes on waiting for its own channel too, whose reader then sees it late rather than
//! never; on each channel it rings once.

use super::delivery::{Delivery, Tried};
use super::line::Line;
use super::route;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::PoisonError;
use tmuxagent_model::{Millis, Timestamp, Urgency};
use tmuxagent_store::{NewMessage, OutboxRow, OutboxState};
use tokio_util::sync::CancellationToken;

/// So long a pressing message waits for its own channel alone.
const PATIENCE: Millis = Millis::from_secs(60);
/// The outbox is looked at no more often, however much happens.
const PACE: Millis = Millis::from_secs(1);
/// … and at least so often.
const PATROL: Millis = Millis::from_secs(15);
/// How many messages are looked at.
const MOST: u32 = 10_000;
/// What a fallback message's key ends in.
pub(super) const FALLBACK: &str = "/fallback";

/// What is known of the messages that wait: since when each is due, and whether it went to the fallback.
type Waits = BTreeMap<i64, (Timestamp, bool)>;

impl Delivery {
    /// Looks after what does not get through, until `stop`.
    pub(super) async fn watch_over(&self, stop: &CancellationToken) {
        let (mut waits, mut first) = (Waits::new(), true);
        loop {
            let woken = self.wake.notified();
            tokio::pin!(woken);
            woken.as_mut().enable();
            self.drop_unknown(std::mem::take(&mut first)).await;
            let next = self.fall_back_overdue(&mut waits).await;
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(next.to_std()) => {}
                () = woken => {}
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(PACE.to_std()) => {}
            }
        }
    }

    /// Messages for channels that are configured no more, or could not be set up, can't be delivered. Questions go to the
    /// channels that they would go to now.
    async fn drop_unknown(&self, first: bool) {
        let waiting = match self.store.outbox_elsewhere(self.channels.keys().cloned().collect(), MOST).await {
            Ok(rows) => rows,
            Err(error) => return (self.around.trouble)("outbox", Some(error.to_string())),
        };
        for row in waiting {
            // While one configuration gives way to the next, a new message may be for a channel of the next.
            let settled = first || row.created_at + PATIENCE <= self.now();
            if !settled && !self.around.off.contains_key(&row.channel) {
                continue;
            }
            if route::asks(&row.alert) && self.moved(&row).await {
                continue;
            }
            let text = match self.around.off.get(&row.channel) {
                Some(why) => why.clone(),
                None => format!("there is no channel `{}` any more", row.channel),
            };
            (self.around.trouble)(&row.channel, Some(text.clone()));
            if row.alert.urgency == Urgency::High {
                self.fall_back(&row).await;
            }
            self.mark(&row, OutboxState::Failed, Tried::No, self.now(), text).await;
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
        self.wake();
        let text = format!("moved to {}", known.into_iter().collect::<Vec<_>>().join(", "));
        self.mark(row, OutboxState::Cancelled, Tried::No, self.now(), text).await;
        true
    }

    /// Puts what is overdue on the fallback channels; the time until the next may be.
    async fn fall_back_overdue(&self, waits: &mut Waits) -> Millis {
        if self.routing.fallback.is_empty() {
            return PATROL;
        }
        let rows = match self.store.outbox_pressing(MOST).await {
            Ok(rows) => rows,
            Err(error) => {
                (self.around.trouble)("outbox", Some(error.to_string()));
                return PATROL;
            }
        };
        let (now, mut next) = (self.now(), PATROL);
        let here: BTreeSet<i64> = rows.iter().map(|row| row.id).collect();
        waits.retain(|id, _| here.contains(id));
        for row in rows.iter().filter(|row| !row.key.ends_with(FALLBACK)) {
            // One that was tried in an earlier life was due then.
            let (since, done) = waits.entry(row.id).or_insert((row.since, false));
            if row.attempts == 0 {
                *since = row.next_at;
            }
            if *done || *since > now {
                continue;
            }
            let overdue = *since + PATIENCE;
            if overdue <= now || self.is_off(&row.channel, overdue) {
                *done = self.fall_back(row).await;
            } else {
                next = next.min(overdue.since(now));
            }
        }
        next
    }

    /// Whether a channel's service takes nothing before that instant.
    fn is_off(&self, channel: &str, until: Timestamp) -> bool {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.get(channel).is_some_and(|line: &Line| line.is_off(until))
    }

    /// Puts a message on the channels for such cases, where it does not stand already; false when it has to be tried again.
    pub(super) async fn fall_back(&self, row: &OutboxRow) -> bool {
        if row.key.ends_with(FALLBACK) {
            return true;
        }
        let now = self.now();
        let mut messages = Vec::new();
        for channel in self.routing.fallback.iter().filter(|channel| **channel != row.channel) {
            match self.store.outbox_has(channel, &row.key).await {
                // It was sent there anyway, or will be.
                Ok(true) => {}
                Ok(false) => messages.push(NewMessage {
                    channel: channel.clone(),
                    key: format!("{}{FALLBACK}", row.key),
                    alert: row.alert.clone(),
                    not_before: now,
                }),
                Err(error) => {
                    (self.around.trouble)("outbox", Some(error.to_string()));
                    return false;
                }
            }
        }
        if messages.is_empty() {
            return true;
        }
        match self.store.outbox_put(now, messages).await {
            Ok(_) => self.wake(),
            Err(error) => {
                (self.around.trouble)("outbox", Some(error.to_string()));
                return false;
            }
        }
        true
    }
}
