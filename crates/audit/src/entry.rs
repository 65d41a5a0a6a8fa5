//! What is worth a line.

use serde::Serialize;
use serde_json::{Value, json};
use tmuxagent_model::{EventLine, Note, Timestamp};

/// Something that happened, as the trail tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// When.
    pub at: Timestamp,
    /// `typed`, `decision`, `notification` or `configuration`.
    pub kind: &'static str,
    /// Its number in the journal, or among the messages.
    pub seq: u64,
    /// All of it.
    pub what: Value,
}

/// The entry for a line of the journal, where it tells of keys, of a decision or of the configuration.
#[must_use]
pub fn of_note(line: &EventLine) -> Option<Entry> {
    let kind = match &line.note {
        Note::Sent { .. }
        | Note::NotSent { .. }
        | Note::Given { .. }
        | Note::Held { .. }
        | Note::EffectFailed { .. } => "typed",
        Note::ApprovalAsked { .. }
        | Note::ApprovalDecided { .. }
        | Note::ApprovalClosed { .. }
        | Note::DecisionRefused { .. }
        | Note::AutoAnswered { .. }
        | Note::NotAutoAnswered { .. }
        | Note::LeaseGranted { .. }
        | Note::LeaseEnded { .. }
        | Note::Frozen { .. }
        | Note::Unfrozen { .. } => "decision",
        Note::Reloaded { .. } | Note::PolicyLoaded { .. } | Note::PolicyBroken { .. } => "configuration",
        _ => return None,
    };
    let what = json!({ "place": line.place, "note": line.note });
    Some(Entry { at: line.at, kind, seq: line.seq, what })
}
