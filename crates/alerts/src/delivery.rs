//! From the outbox to the services: each channel has its own loop, so that one that hangs delays no other.
//!
//! At least once: a message is marked after the service took it, and sent again when the process ended in between.
//! Retries wait longer and longer, up to a minute, and survive restarts, since the next instant stands in the outbox. While
//! a service fails one message at a time tries it, the first that waits, and when it takes one all the others go out at once, in
//! order and as fast as the service allows. A message about a question is dropped when the question is closed; each message carries a
//! link of its own, minted when it is sent.

use super::channel::{Channel, Receipt, SendError};
use super::config::Routing;
use super::decide::Decide;
use super::line::Line;
use super::message::Message;
use super::route::{self, Moment, Occasion};
use futures_util::future::BoxFuture;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use tmuxagent_model::{AlertKind, Approval, ApprovalState, Millis, Timestamp, Urgency};
use tmuxagent_store::{Mark, Mended, OutboxRow, OutboxState, Store};
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
/// Why a message is not sent that was sent a moment before.
const COOLED: &str = "sent a short time ago";
/// Why a reminder is not sent.
const TOGETHER: &str = "the question itself was still to be sent";
/// Messages of one channel that are looked at at once.
const BATCH: u32 = 500;

/// Makes the link for an approval as it stands and a message of the named channel; `None` where no links are served.
pub type Mint = Arc<dyn Fn(Approval, String) -> BoxFuture<'static, Option<String>> + Send + Sync>;

/// Called with a channel's name and its trouble, and with `None` when it works again.
pub type Trouble = Arc<dyn Fn(&str, Option<String>) + Send + Sync>;

/// What delivery needs of the supervisor.
pub struct Surroundings {
    /// Looks approvals up.
    pub decisions: Arc<dyn Decide>,
    /// Makes the signed link of a question, where the web server is on.
    pub mint: Mint,
    /// Who reads each channel, as far as the configuration says.
    pub readers: BTreeMap<String, String>,
    /// This moment: time, minute of the local day, the user's last activity.
    pub moment: Arc<dyn Fn() -> Moment + Send + Sync>,
    /// Shows what can't be delivered.
    pub trouble: Trouble,
    /// Takes secrets out of every message.
    pub redactor: Redactor,
    /// The language of messages.
    pub lang: Lang,
    /// Channels that could not be set up, and why.
    pub off: BTreeMap<String, String>,
    /// What stands for the configuration of each channel: another one may be a mended one.
    pub setups: BTreeMap<String, String>,
}

/// The delivery of all channels.
pub struct Delivery {
    pub(super) store: Store,
    pub(super) channels: BTreeMap<String, Arc<dyn Channel>>,
    pub(super) routing: Routing,
    pub(super) around: Surroundings,
    pub(super) wake: Notify,
    /// How each channel fares.
    pub(super) lines: Mutex<BTreeMap<String, Line>>,
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
        Arc::new(Self { store, channels, routing, around, wake: Notify::new(), lines: Mutex::default() })
    }

    /// Says that the outbox has something new, or an approval was closed.
    pub fn wake(&self) {
        self.wake.notify_waiters();
    }

    /// Delivers until `stop`; an attempt under way is finished, as far as it ends within a few seconds.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        let mut loops = JoinSet::new();
        let (delivery, watched) = (Arc::clone(&self), stop.clone());
        loops.spawn(async move { delivery.watch_over(&watched).await });
        for (name, channel) in &self.channels {
            let (delivery, name, channel) = (Arc::clone(&self), name.clone(), Arc::clone(channel));
            let stop = stop.clone();
            loops.spawn(async move { delivery.serve(&name, channel.as_ref(), &stop).await });
        }
        for channel in self.channels.values() {
            if let Some(listening) = Arc::clone(channel).listen(Arc::clone(&self.around.decisions), stop.clone()) {
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

    pub(super) fn now(&self) -> Timestamp {
        (self.around.moment)().now
    }

    /// Reads or changes how a channel fares.
    fn line<T>(&self, name: &str, with: impl FnOnce(&mut Line) -> T) -> T {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        with(lines.entry(name.to_owned()).or_default())
    }

    async fn serve(&self, name: &str, channel: &dyn Channel, stop: &CancellationToken) {
        let mut put_back = false;
        loop {
            put_back = put_back || self.put_back(name, Mended::Configured).await;
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
            let ready_at = |row: &OutboxRow| self.line(name, |line| line.ready_at(row));
            let (mut due, later): (Vec<_>, Vec<_>) = waiting.into_iter().partition(|row| ready_at(row) <= now);
            self.call_off(&later).await;
            let leads = |row: &&OutboxRow| self.line(name, |line| line.leads(row, &due, now));
            let leading: Vec<_> = later.iter().filter(leads).cloned().collect();
            due.extend(leading);
            if due.is_empty() {
                self.line(name, Line::stays);
                let pause = later.iter().map(|row| ready_at(row).since(now)).min().unwrap_or(PATROL).min(PATROL);
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
            let closed =
                self.around.decisions.approval(id).await.is_some_and(|known| known.state != ApprovalState::Pending);
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
        let passes = self.line(name, |line| line.passes());
        ready.sort_by_key(|(row, approval)| {
            let tried = if passes { row.attempts } else { 0 };
            (tried, std::cmp::Reverse(row.alert.urgency), approval.is_none(), row.id)
        });
        self.leave_out_repetitions(&mut ready).await;
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

    /// Of a question and its reminders that piled up, one goes out.
    async fn leave_out_repetitions(&self, ready: &mut Vec<(OutboxRow, Option<Approval>)>) {
        let repeats = |row: &OutboxRow| {
            row.alert.kind == AlertKind::Reminder || matches!(Occasion::of(&row.key), Occasion::Reminder(_))
        };
        let mut kept: Vec<(OutboxRow, Option<Approval>)> = Vec::new();
        // The question before its reminders, whatever was tried how often.
        for repetitions in [false, true] {
            for (row, approval) in ready.iter().filter(|(row, _)| repeats(row) == repetitions) {
                let same = |(other, _): &(OutboxRow, Option<Approval>)| other.alert.approval == row.alert.approval;
                if repetitions && route::asks(&row.alert) && kept.iter().any(same) {
                    self.mark(row, OutboxState::Merged, Tried::No, self.now(), TOGETHER.into()).await;
                } else {
                    kept.push((row.clone(), approval.clone()));
                }
            }
        }
        ready.retain(|(row, _)| kept.iter().any(|(other, _)| other.id == row.id));
    }

    /// Whether a due message is to be sent now, with its open approval; marks it where it is not.
    async fn fit(&self, name: &str, row: &OutboxRow) -> Option<Option<Approval>> {
        let moment = (self.around.moment)();
        let approval = match &row.alert.approval {
            Some(id) => self.around.decisions.approval(id).await,
            None => None,
        };
        let open = approval.filter(|approval| approval.state == ApprovalState::Pending);
        if route::asks(&row.alert) {
            if open.is_none() {
                self.mark(row, OutboxState::Cancelled, Tried::No, moment.now, CLOSED.into()).await;
                return None;
            }
            // Steps of an escalation go out whether he is there or not: he did not answer.
            if !matches!(Occasion::of(&row.key), Occasion::Escalation(_))
                && let Some(until) = route::postponed(&row.alert, name, &self.routing, moment)
            {
                self.mark(row, OutboxState::Waiting, Tried::No, until, String::new()).await;
                return None;
            }
            return Some(open);
        }
        if self.cools_down(name, row, moment.now).await {
            self.mark(row, OutboxState::Merged, Tried::No, moment.now, COOLED.into()).await;
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
                        // What went out together with others was sent, what fell into a cool-down was not.
                        OutboxState::Merged => other.updated_at >= since && other.answer != COOLED,
                        // Of several that wait the first goes.
                        OutboxState::Waiting => {
                            other.id < row.id && other.created_at + self.routing.cool_down >= row.created_at
                        }
                        OutboxState::Failed | OutboxState::Cancelled => false,
                    }
            }),
            Err(_) => false,
        }
    }

    async fn compose(&self, row: &OutboxRow, approval: Option<&Approval>) -> Message {
        let link = match approval {
            Some(approval) => (self.around.mint)(approval.clone(), row.channel.clone()).await,
            None => None,
        };
        let (zone, around) = (self.around.decisions.zone(), &self.around);
        let message = Message::compose(&row.alert, approval, link.as_deref(), around.lang, &zone, &around.redactor);
        let message = message.read_by(around.readers.get(&row.channel).map_or("", String::as_str));
        match approval {
            Some(approval) => message.told_again(row, approval, self.now(), &zone),
            None => message,
        }
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
                self.release(name, now).await;
            }
            Err(error) => {
                let id = rows.first().map_or(0, |row| row.id);
                self.line(name, |line| match &error {
                    SendError::Retry { after, .. } => line.failed(id, *after, jitter(), now),
                    SendError::Exhausted { pause, .. } => line.spent(*pause, now),
                    // It was answered: the message is at fault, or the channel's key, which other messages tell.
                    SendError::Refused { .. } => {}
                });
                let text = shown(error.to_string());
                (self.around.trouble)(name, Some(text.clone()));
                for row in rows {
                    self.settle_failed(row, &error, &text, now).await;
                }
            }
        }
    }

    /// A channel took a message, of ours or of another process such as `tmuxagent notify test`: what waits for it need not
    /// wait longer, and what failed there is tried once more.
    pub async fn works(&self, name: &str) {
        if self.channels.contains_key(name) {
            self.release(name, self.now()).await;
            self.wake();
        }
    }

    async fn release(&self, name: &str, now: Timestamp) {
        if self.line(name, Line::works)
            && let Err(error) = self.store.outbox_release(name, now).await
        {
            (self.around.trouble)("outbox", Some(error.to_string()));
        }
        // Where it can't be looked up now, the next success does.
        self.put_back(name, Mended::Works).await;
        (self.around.trouble)(name, None);
    }

    async fn settle_failed(&self, row: &OutboxRow, error: &SendError, text: &str, now: Timestamp) {
        let usual = route::backoff(row.attempts, jitter());
        let next = match error {
            SendError::Retry { after, .. } => Some(now + after.unwrap_or_default().max(usual)),
            SendError::Exhausted { pause, .. } => Some(now + *pause),
            SendError::Refused { .. } => None,
        };
        let next = next.filter(|_| now.since(row.since) < GIVE_UP);
        let state = if next.is_some() { OutboxState::Waiting } else { OutboxState::Failed };
        self.mark(row, state, Tried::Yes, next.unwrap_or(now), text.to_owned()).await;
        let hopeless = next.is_none() || matches!(error, SendError::Exhausted { .. });
        if hopeless && row.alert.urgency == Urgency::High {
            self.fall_back(row).await;
        }
    }

    pub(super) async fn mark(
        &self,
        row: &OutboxRow,
        state: OutboxState,
        tried: Tried,
        next_at: Timestamp,
        answer: String,
    ) {
        let (now, tried) = (self.now(), tried == Tried::Yes);
        let marked = if state == OutboxState::Failed {
            self.store.outbox_fail(row.id, now, tried, &answer, self.setup(&row.channel)).await
        } else {
            self.store.outbox_mark(row.id, now, Mark { state, tried, next_at, answer }).await
        };
        if let Err(error) = marked {
            (self.around.trouble)("outbox", Some(error.to_string()));
            // Were it marked as sent only in our wish, it would go out again and again without a pause.
            tokio::time::sleep(std::time::Duration::from_secs(5)).await;
        }
    }
}

/// A random byte; without randomness there is no jitter, which is no harm.
fn jitter() -> u8 {
    let mut byte = [0];
    let _ = getrandom::fill(&mut byte);
    byte[0]
}

/// Whether something was an attempt.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Tried {
    Yes,
    No,
}

#[cfg(test)]
#[path = "delivery_tests/mod.rs"]
mod tests;
