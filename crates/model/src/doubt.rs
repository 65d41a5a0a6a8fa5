//! An answer that is not certain.

use serde::{Deserialize, Serialize};

/// Why nobody can say yet whether something is done. It is never told as "not done": it may be done, or happen later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "doubt", rename_all = "snake_case")]
pub enum Doubt {
    /// It could not be saved. The supervisor keeps it and tries again, as long as it runs.
    NotSaved {
        /// What stands in the way, one sentence.
        error: String,
    },
    /// No answer came in time.
    Slow,
    /// The supervisor ended, in whatever way, before it answered.
    Ended,
}
