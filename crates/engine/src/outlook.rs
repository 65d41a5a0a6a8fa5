//! What of a condition is still to be expected.

use super::condition::numbered;
use super::progress::{PollRun, PollState};
use std::collections::BTreeMap;
use tmuxagent_policy::Condition;

/// What of a condition is still to be expected.
pub struct Outlook<'o> {
    /// Its polls; a dead one will never be met.
    pub polls: &'o BTreeMap<u32, PollRun>,
    /// Whether a part of an `all_of`, with its number, needs nothing more.
    pub settled: &'o dyn Fn(&Condition, u32) -> bool,
    /// Whether a leaf that is no poll may come to hold.
    pub leaf: &'o dyn Fn(&Condition) -> bool,
}

impl Outlook<'_> {
    /// Whether a condition may come to hold.
    pub fn may_come(&self, condition: &Condition, base: u32) -> bool {
        match condition {
            Condition::Any(parts) => numbered(parts, base).any(|(part, number)| self.may_come(part, number)),
            Condition::All(parts) => {
                numbered(parts, base).all(|(part, number)| (self.settled)(part, number) || self.may_come(part, number))
            }
            Condition::Seen(part) => self.may_come(part, base + 1),
            Condition::Poll(_) => {
                !matches!(self.polls.get(&base).map(|poll| &poll.state), Some(PollState::Dead { .. }))
            }
            leaf => (self.leaf)(leaf),
        }
    }
}

/// Whether a condition can still be met, given polls that never will.
pub fn can_hold(condition: &Condition, base: u32, polls: &BTreeMap<u32, PollRun>) -> bool {
    Outlook { polls, settled: &|_, _| false, leaf: &|_| true }.may_come(condition, base)
}
