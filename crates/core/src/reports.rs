//! How often a pane may report: each message of an agent becomes a question, an alert and rows of the journal, so a pane
//! that prints nothing else would keep everybody else waiting. Each kind is counted apart, so that a question among reports of
//! a state without end is asked.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use tmuxagent_model::{MessageType, Millis, PaneKey, Timestamp};

/// So many messages of a kind a pane may send at once.
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
pub(crate) struct Reports(#[serde(with = "crate::trace::pairs")] BTreeMap<(PaneKey, u8), Left>);

impl Reports {
    /// Whether a pane's message of that kind is taken at `now`; `None`: one that can't be read.
    pub(crate) fn admit(&mut self, pane: &PaneKey, kind: Option<MessageType>, now: Timestamp) -> Admission {
        let kind = match kind {
            None => 0,
            Some(MessageType::Status) => 1,
            Some(MessageType::Ask) => 2,
            Some(MessageType::Error) => 3,
            Some(MessageType::Action) => 4,
            Some(MessageType::Log) => 5,
        };
        let left = self.0.entry((pane.clone(), kind)).or_insert(Left { count: BURST, at: now, told: false });
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
        self.0.retain(|(of, _), _| of != pane);
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
        let status = Some(MessageType::Status);
        let (mut reports, now) = (Reports::default(), Timestamp(1_000_000));
        let taken = (0..1000).filter(|_| reports.admit(&pane(1), status, now) == Admission::Taken).count();
        assert_eq!(taken, BURST as usize);
        assert_eq!(reports.admit(&pane(2), status, now), Admission::Taken);
        assert_eq!(reports.admit(&pane(1), Some(MessageType::Ask), now), Admission::Taken, "another kind");
        assert_eq!(reports.admit(&pane(1), status, now), Admission::LeftOut { first: false });
        assert_eq!(reports.admit(&pane(1), status, now + EVERY), Admission::Taken);
        assert_eq!(reports.admit(&pane(1), status, now + EVERY), Admission::LeftOut { first: false });
    }
}
