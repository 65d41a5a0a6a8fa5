//! What happens when a question is not answered in time.

use serde::{Deserialize, Serialize};
use tmuxagent_policy::Expiry;

/// What an approval's expiry does, as it is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnExpiry {
    /// Counts as a no.
    Reject,
    /// The stage is escalated.
    Escalate,
    /// The question stays open.
    Keep,
}

impl From<Expiry> for OnExpiry {
    fn from(expiry: Expiry) -> Self {
        match expiry {
            Expiry::Reject => Self::Reject,
            Expiry::Escalate => Self::Escalate,
            Expiry::Keep => Self::Keep,
        }
    }
}
