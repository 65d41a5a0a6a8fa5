//! Leases: a person lets an agent run one class of commands in one pane for a time, without being asked each time.

use super::{Decider, PaneKey, Timestamp};
use serde::{Deserialize, Serialize};

/// What a lease that goes with the approval of a dialog would allow.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct LeaseOffer {
    /// Patterns of commands, as a policy has them; empty where none is given away.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub class: Vec<String>,
    /// Why none is.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub refused: String,
}

impl LeaseOffer {
    /// Whether nothing is said of a lease.
    #[must_use]
    pub const fn is_none(&self) -> bool {
        self.class.is_empty() && self.refused.is_empty()
    }
}

/// Why a person is asked although a rule or a lease fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LeftToPerson {
    /// It has answered as often as it may.
    Limit,
    /// The dialog that it answered is still there.
    StillThere,
    /// The dialog does not offer one answer that is a yes for this once.
    NoPlainYes,
}

/// A lease in force, as views show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaseView {
    /// Its identity, `L1`.
    pub id: String,
    /// The pane that it holds in.
    pub pane: PaneKey,
    /// `session:window.pane`, for people.
    pub place: String,
    /// What is allowed: patterns of commands, as a policy has them.
    pub class: Vec<String>,
    /// Who gave it.
    pub by: Decider,
    /// Until when.
    pub until: Timestamp,
    /// How many answers are left.
    pub left: u32,
}

impl LeaseView {
    /// Where, with the pane's id.
    #[must_use]
    pub fn told_place(&self) -> String {
        self.pane.told(&self.place)
    }
}
