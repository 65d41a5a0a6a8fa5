//! How much one person may ask to be done. Pure.

use std::collections::HashMap;
use tmuxagent_model::Timestamp;

/// Wishes that somebody may have at once.
const BURST: i64 = 30;
/// The time after which one more is allowed, milliseconds.
const REFILL: i64 = 2_000;

/// What each person has spent of late. There are as many as were invited.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    /// By name: what is spent of the burst, in milliseconds of refill, as of an instant.
    spent: HashMap<String, (i64, Timestamp)>,
}

impl Pace {
    /// Counts one wish; false when there were too many of late.
    pub(crate) fn allows(&mut self, name: &str, now: Timestamp) -> bool {
        let (spent, at) = self.spent.get(name).copied().unwrap_or((0, now));
        let after = spent.saturating_sub(now.0.saturating_sub(at.0).max(0)).max(0) + REFILL;
        let allowed = after <= BURST * REFILL;
        self.spent.insert(name.to_owned(), (if allowed { after } else { after - REFILL }, now));
        allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_fine_and_a_flood_is_not() {
        let mut pace = Pace::default();
        let at = |ms: i64| Timestamp(1_700_000_000_000 + ms);
        assert_eq!((0..40).filter(|_| pace.allows("mei", at(0))).count(), 30);
        assert!(pace.allows("li", at(0)), "another one's is another's");
        assert!(!pace.allows("mei", at(1_999)) && pace.allows("mei", at(2_000)) && !pace.allows("mei", at(2_001)));
    }
}
