//! How often a pane may report: each message of an agent becomes a question, an alert and rows of the journal, so a pane
//! that prints nothing else would keep everybody else waiting.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use tmuxagent_model::{Millis, PaneKey, Timestamp};

/// So many messages a pane may send at once.
const BURST: u32 = 60;
/// After which time it may send one more.
const EVERY: Millis = Millis(500);

/// What is left to a pane.
#[derive(Debug, Serialize, Deserialize)]
struct Left {
    count: u32,
    at: Timestamp,
    /// It was told that messages are left out.
    told: bool,
}

/// What becomes of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Admission {
    Taken,
    /// Left out; `first` of those in a row.
    LeftOut {
        first: bool,
    },
}

/// See the module.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Reports(#[serde(with = "crate::trace::pairs")] BTreeMap<PaneKey, Left>);

impl Reports {
    /// Whether a pane's message is taken at `now`.
    pub(crate) fn admit(&mut self, pane: &PaneKey, now: Timestamp) -> Admission {
        let left = self.0.entry(pane.clone()).or_insert(Left { count: BURST, at: now, told: false });
        let more = u32::try_from(now.0.saturating_sub(left.at.0) / EVERY.0 as i64).unwrap_or(0);
        if more > 0 {
            left.count = left.count.saturating_add(more).min(BURST);
            left.at = now;
        }
        if left.count == 0 {
            return Admission::LeftOut { first: !std::mem::replace(&mut left.told, true) };
        }
        left.count -= 1;
        left.told &= left.count < BURST / 2;
        Admission::Taken
    }

    /// A pane is gone.
    pub(crate) fn forget(&mut self, pane: &PaneKey) {
        self.0.remove(pane);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tmuxagent_model::{HostName, PaneId, ServerId};

    #[test]
    fn a_pane_that_reports_without_end_is_slowed_down_and_nobody_else() {
        let pane =
            |number| PaneKey { host: HostName::local(), server: ServerId::new("s"), pane: PaneId(number), pid: number };
        let (mut reports, now) = (Reports::default(), Timestamp(1_000_000));
        let taken = (0..1000).filter(|_| reports.admit(&pane(1), now) == Admission::Taken).count();
        assert_eq!(taken, BURST as usize);
        assert_eq!(reports.admit(&pane(2), now), Admission::Taken);
        assert_eq!(reports.admit(&pane(1), now), Admission::LeftOut { first: false });
        assert_eq!(reports.admit(&pane(1), now + EVERY), Admission::Taken);
        assert_eq!(reports.admit(&pane(1), now + EVERY), Admission::LeftOut { first: false });
    }
}
