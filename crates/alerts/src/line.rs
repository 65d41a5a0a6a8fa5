//! How the way to one service fares: while it fails it is tried by one message at a time, at a pace of its own. Pure.

use super::route::backoff;
use tmuxagent_model::{Millis, Timestamp, Urgency};
use tmuxagent_store::OutboxRow;

/// The way to one service, as far as this life of the process knows it.
#[derive(Debug, Default)]
pub(crate) struct Line {
    /// Failures in a row.
    failures: u32,
    /// Nothing is tried again before.
    rests_until: Timestamp,
    /// The service itself asked for the pause: it holds for everything.
    strict: bool,
    /// Something was taken since the start.
    taken: bool,
}

impl Line {
    /// When a message may be tried: what is new and pressing is not held back by the failures of others.
    #[must_use]
    pub(crate) fn ready_at(&self, row: &OutboxRow) -> Timestamp {
        let fresh = row.attempts == 0 && row.alert.urgency == Urgency::High;
        let free = if self.strict { false } else { self.failures == 0 || fresh };
        if free { row.next_at } else { row.next_at.max(self.rests_until) }
    }

    /// Whether the last attempt failed. Then the one that was tried least goes first, so that none that never gets
    /// through stands before all others.
    #[must_use]
    pub(crate) const fn fails(&self) -> bool {
        self.failures > 0
    }

    /// Whether the service said itself that it takes nothing before that instant.
    #[must_use]
    pub(crate) fn is_off(&self, until: Timestamp) -> bool {
        self.strict && self.rests_until >= until
    }

    /// A message was taken; true when those that failed before may go at once.
    pub(crate) fn works(&mut self) -> bool {
        let back = self.failures > 0 || !self.taken;
        *self = Self { taken: true, ..Self::default() };
        back
    }

    /// A message was not taken, and may be later: in the time that the service names, or in one that grows with the
    /// failures.
    pub(crate) fn failed(&mut self, after: Option<Millis>, jitter: u8, now: Timestamp) {
        let pause = after.unwrap_or_default().max(backoff(self.failures, jitter));
        // New messages that fail within a pause neither lengthen it nor make the next one longer.
        if now >= self.rests_until {
            self.failures = self.failures.saturating_add(1);
            self.rests_until = now + pause;
            self.strict = after.is_some();
        } else if let Some(after) = after {
            self.rests_until = self.rests_until.max(now + after);
            self.strict = true;
        }
    }

    /// The service takes nothing for a while.
    pub(crate) fn spent(&mut self, pause: Millis, now: Timestamp) {
        *self = Self { failures: self.failures.max(1), rests_until: now + pause, strict: true, taken: self.taken };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tmuxagent_model::{Alert, AlertKind};
    use tmuxagent_store::OutboxState;

    const NOW: Timestamp = Timestamp(1_700_000_000_000);

    fn row(attempts: u32, urgency: Urgency) -> OutboxRow {
        let title = String::new();
        let (body, dedupe, channels) = (title.clone(), title.clone(), Vec::new());
        let alert =
            Alert { kind: AlertKind::Custom, urgency, title, body, approval: None, run: None, dedupe, channels };
        OutboxRow {
            id: 1,
            channel: "a".into(),
            key: "k".into(),
            alert,
            state: OutboxState::Waiting,
            attempts,
            next_at: NOW,
            answer: String::new(),
            created_at: NOW,
            updated_at: NOW,
            since: NOW,
        }
    }

    #[test]
    fn pauses_grow_to_a_minute_and_end_with_the_first_success() {
        let mut line = Line::default();
        let mut now = NOW;
        let mut pauses = Vec::new();
        for _ in 0..7 {
            line.failed(None, 0, now);
            let ready = line.ready_at(&row(1, Urgency::High));
            pauses.push(ready.since(now).0 / 1000);
            now = ready;
        }
        assert_eq!(pauses, [5, 10, 20, 40, 60, 60, 60]);
        assert!(line.works() && !line.fails());
        assert_eq!(line.ready_at(&row(1, Urgency::Low)), NOW);
        assert!(!line.works(), "nothing waits for it any more");
    }

    #[test]
    fn what_is_new_and_pressing_is_tried_unless_the_service_asks_for_silence() {
        let mut line = Line::default();
        line.failed(None, 0, NOW);
        let later = NOW + Millis::from_secs(5);
        assert_eq!(line.ready_at(&row(0, Urgency::High)), NOW);
        assert_eq!(line.ready_at(&row(0, Urgency::Normal)), later);
        for _ in 0..9 {
            line.failed(None, 0, NOW + Millis(1));
        }
        assert_eq!(line.ready_at(&row(1, Urgency::High)), later, "the pause stays as it is");
        line.failed(Some(Millis::from_secs(30)), 0, NOW);
        assert_eq!(line.ready_at(&row(0, Urgency::High)), NOW + Millis::from_secs(30));
        assert!(line.is_off(NOW + Millis::from_secs(30)) && !line.is_off(NOW + Millis::from_secs(31)));
        line.spent(Millis::from_secs(3600), NOW);
        assert_eq!(line.ready_at(&row(0, Urgency::High)), NOW + Millis::from_secs(3600));
    }
}
