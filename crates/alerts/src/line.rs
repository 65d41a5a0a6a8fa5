//! How the way to one service fares: while it fails it is tried by one message at a time, at a pace of its own: by the first that
//! waits, so that all goes out in order once it works again. Pure.

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
    /// When it was tried last.
    tried_at: Timestamp,
    /// After this message another one is tried at once: it may be the message that is at fault, and not the service.
    passes: Option<i64>,
}

/// After so many failures in a row another message is tried as well.
const PATIENCE: u32 = 3;

impl Line {
    /// When a message may be tried: what is new and pressing is not held back by the failures of others.
    #[must_use]
    pub(crate) fn ready_at(&self, row: &OutboxRow) -> Timestamp {
        if self.passes.is_some_and(|tried| tried != row.id) {
            return if row.attempts > 0 { row.updated_at } else { row.next_at };
        }
        let fresh = row.attempts == 0 && row.alert.urgency == Urgency::High;
        let free = if self.strict { false } else { self.failures == 0 || fresh };
        if free { row.next_at } else { row.next_at.max(self.rests_until) }
    }

    /// Whether a message that was tried before, and would not be yet, is tried in place of those that are `due`: as long as it is
    /// not known whether the service works, whatever is due finds that out for the first that waits.
    #[must_use]
    pub(crate) fn leads(&self, row: &OutboxRow, due: &[OutboxRow], now: Timestamp) -> bool {
        let known = self.failures == 0 && self.taken;
        let asks = |new: &OutboxRow| new.attempts == 0 && self.tried_at < new.next_at;
        row.attempts > 0 && !known && !due.is_empty() && (now >= self.rests_until || due.iter().any(asks))
    }

    /// Whether the one that was tried least goes first now, so that none that never gets through stands before all others.
    #[must_use]
    pub(crate) const fn passes(&self) -> bool {
        self.passes.is_some()
    }

    /// Nothing else is there to be tried.
    pub(crate) fn stays(&mut self) {
        self.passes = None;
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
    pub(crate) fn failed(&mut self, id: i64, after: Option<Millis>, jitter: u8, now: Timestamp) {
        (self.tried_at, self.passes) = (now, None);
        let pause = after.unwrap_or_default().max(backoff(self.failures, jitter));
        // New messages that fail within a pause neither lengthen it nor make the next one longer.
        if now >= self.rests_until {
            self.failures = self.failures.saturating_add(1);
            self.rests_until = now + pause;
            self.strict = after.is_some();
            self.passes = (!self.strict && self.failures.is_multiple_of(PATIENCE)).then_some(id);
        } else if let Some(after) = after {
            self.rests_until = self.rests_until.max(now + after);
            self.strict = true;
        }
    }

    /// The service takes nothing for a while.
    pub(crate) fn spent(&mut self, pause: Millis, now: Timestamp) {
        let failures = self.failures.max(1);
        *self =
            Self { failures, rests_until: now + pause, strict: true, taken: self.taken, tried_at: now, passes: None };
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
            line.failed(1, None, 0, now);
            let ready = line.ready_at(&row(1, Urgency::High));
            pauses.push(ready.since(now).0 / 1000);
            now = ready;
        }
        assert_eq!(pauses, [5, 10, 20, 40, 60, 60, 60]);
        assert!(line.works());
        assert_eq!(line.ready_at(&row(1, Urgency::Low)), NOW);
        assert!(!line.works(), "nothing waits for it any more");
    }

    #[test]
    fn what_finds_the_service_back_is_the_first_that_waits_and_now_and_then_another() {
        let (mut line, seconds) = (Line::default(), |n| NOW + Millis::from_secs(n));
        let first = row(3, Urgency::High);
        let new = OutboxRow { id: 2, next_at: seconds(3), ..row(0, Urgency::High) };
        assert!(
            line.leads(&first, std::slice::from_ref(&new), NOW),
            "after a start nobody knows how the service fares"
        );
        line.failed(1, None, 0, NOW);
        assert!(
            line.leads(&first, std::slice::from_ref(&new), seconds(3)),
            "within the pause what is new finds it out"
        );
        line.failed(1, None, 0, seconds(3));
        assert!(!line.leads(&first, std::slice::from_ref(&new), seconds(3)), "once: then the new one is tried itself");
        assert!(!line.leads(&first, &[], seconds(9)) && !line.leads(&new, std::slice::from_ref(&first), seconds(9)));
        assert!(line.leads(&first, std::slice::from_ref(&row(1, Urgency::High)), seconds(9)));
        line.failed(1, None, 0, seconds(9));
        assert!(!line.passes());
        line.failed(1, None, 0, seconds(99));
        assert!(line.passes(), "the third time it may be the message that is at fault");
        let waits = OutboxRow { id: 3, next_at: seconds(150), updated_at: seconds(9), ..row(1, Urgency::Low) };
        assert!(line.ready_at(&waits) < seconds(99) && line.ready_at(&first) > seconds(99));
        line.stays();
        assert!(!line.passes() && line.ready_at(&waits) == seconds(150));
        line.works();
        assert!(!line.leads(&first, &[new], seconds(999)), "a service that works is found out about by nobody");
    }

    #[test]
    fn what_is_new_and_pressing_is_tried_unless_the_service_asks_for_silence() {
        let mut line = Line::default();
        line.failed(1, None, 0, NOW);
        let later = NOW + Millis::from_secs(5);
        assert_eq!(line.ready_at(&row(0, Urgency::High)), NOW);
        assert_eq!(line.ready_at(&row(0, Urgency::Normal)), later);
        for _ in 0..9 {
            line.failed(1, None, 0, NOW + Millis(1));
        }
        assert_eq!(line.ready_at(&row(1, Urgency::High)), later, "the pause stays as it is");
        line.failed(1, Some(Millis::from_secs(30)), 0, NOW);
        assert_eq!(line.ready_at(&row(0, Urgency::High)), NOW + Millis::from_secs(30));
        assert!(line.is_off(NOW + Millis::from_secs(30)) && !line.is_off(NOW + Millis::from_secs(31)));
        line.spent(Millis::from_secs(3600), NOW);
        assert_eq!(line.ready_at(&row(0, Urgency::High)), NOW + Millis::from_secs(3600));
    }
}
