//! What was printed while nobody listened is read before timers that came due meanwhile: a command that ended in time is not
//! over its time because the supervisor was away, stopped, or slept with its machine. What an earlier life was asking (whether
//! the prompt is back, whether a file is there) is asked anew behind it, for the same reason.

use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use tmuxagent_model::{HostName, HostState, Intent, IntentId, Millis, Timestamp};

/// A timer that is due for so long, and was not due when the loop last looked, tells that it stood still.
const STALL: Millis = Millis(1500);
/// How long the panes are read before timers go on.
const READ: Millis = Millis(1000);
/// Each line that comes meanwhile prolongs it by this.
const MORE: Millis = Millis(300);
/// The longest that timers wait, so that a host that can't be reached, or one that prints without end, holds up nothing.
const LONGEST: Millis = Millis::from_secs(10);

/// Whether timers wait, and for what.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CatchUp {
    /// Hosts that were not observed yet in this life.
    unseen: BTreeSet<HostName>,
    /// Timers wait until then.
    until: Timestamp,
    /// And not longer than until then.
    bound: Timestamp,
    /// When the loop last looked for timers.
    looked: Timestamp,
    /// What an earlier life was asking.
    #[serde(skip)]
    questions: Vec<Intent>,
}

impl CatchUp {
    /// A life begins: what these hosts printed before it is read first.
    pub(crate) fn begin(&mut self, now: Timestamp, hosts: impl Iterator<Item = HostName>) {
        self.unseen = hosts.collect();
        (self.until, self.bound, self.looked) = (now, now + LONGEST, now);
    }

    /// A host told how it is observed: from now on it tells what its panes hold.
    pub(crate) fn host(&mut self, now: Timestamp, host: &HostName, state: HostState) {
        if state != HostState::Connecting && self.unseen.remove(host) {
            let read = if state.is_observed() { READ } else { Millis(0) };
            self.until = self.until.max((now + read).min(self.bound));
        }
    }

    /// Something printed was read.
    pub(crate) fn read(&mut self, now: Timestamp) {
        if now < self.until {
            self.until = self.until.max((now + MORE).min(self.bound));
        }
    }

    /// Whether timers wait, given when the first is due. It is asked whenever the loop looks for timers.
    pub(crate) fn holds(&mut self, now: Timestamp, due: Option<Timestamp>) -> bool {
        if due.is_some_and(|due| self.looked < due && due + STALL < now) {
            self.until = self.until.max(now + READ);
            self.bound = now + LONGEST;
        }
        self.looked = now;
        now < self.wake()
    }

    /// Keeps a question of an earlier life.
    pub(crate) fn ask_later(&mut self, question: Intent) {
        self.questions.push(question);
    }

    /// The questions that waited; they are asked once timers go on.
    pub(crate) fn take_questions(&mut self) -> Vec<Intent> {
        std::mem::take(&mut self.questions)
    }

    /// Whether a question waits, which nobody wants answered any more.
    pub(crate) fn take_back(&mut self, question: &IntentId) -> bool {
        let before = self.questions.len();
        self.questions.retain(|waiting| waiting.id != *question);
        self.questions.len() < before
    }

    /// Whether questions wait.
    pub(crate) const fn has_questions(&self) -> bool {
        !self.questions.is_empty()
    }

    /// When timers or questions are next to be looked at, given when the first timer is due.
    pub(crate) fn next(&self, due: Option<Timestamp>) -> Option<Timestamp> {
        if self.has_questions() { Some(self.wake()) } else { due.map(|at| at.max(self.wake())) }
    }

    /// Whether a host has still to tell how it is observed.
    pub(crate) fn awaits(&self, now: Timestamp, host: &HostName) -> bool {
        now < self.bound && self.unseen.contains(host)
    }

    /// Until when at the latest any host is waited for.
    pub(crate) const fn bound(&self) -> Timestamp {
        self.bound
    }

    /// When timers go on, unless something lets them go on before.
    pub(crate) fn wake(&self) -> Timestamp {
        if self.unseen.is_empty() { self.until } else { self.bound }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(ms: i64) -> Timestamp {
        Timestamp(ms)
    }

    #[test]
    fn timers_wait_at_a_start_until_the_hosts_are_read() {
        let mut held = CatchUp::default();
        held.begin(at(0), std::iter::once(HostName::local()));
        assert!(held.holds(at(5), Some(at(-9000))));
        assert_eq!(held.wake(), at(10_000), "a host that says nothing holds nothing up for ever");
        held.host(at(100), &HostName::local(), HostState::Connecting);
        assert_eq!(held.wake(), at(10_000));
        held.host(at(200), &HostName::local(), HostState::Live);
        assert_eq!(held.wake(), at(1200));
        held.read(at(1100));
        assert_eq!(held.wake(), at(1400));
        assert!(!held.holds(at(1400), Some(at(-9000))));
    }

    #[test]
    fn timers_wait_after_a_standstill_once() {
        let mut held = CatchUp::default();
        held.begin(at(0), std::iter::empty());
        assert!(!held.holds(at(1000), Some(at(3000))));
        // In time, and a little late.
        assert!(!held.holds(at(3000), Some(at(3000))));
        assert!(!held.holds(at(4000), Some(at(3500))));
        // Stopped from 4 s to 9 s.
        assert!(held.holds(at(9000), Some(at(6000))));
        assert!(held.holds(at(9100), Some(at(6000))));
        assert_eq!(held.wake(), at(10_000));
        assert!(!held.holds(at(10_000), Some(at(6000))));
        // Lines without end prolong it only so far.
        assert!(held.holds(at(30_000), Some(at(20_000))));
        for ms in 0..200 {
            held.read(at(30_000 + ms * 100));
        }
        assert_eq!(held.wake(), at(40_000));
    }
}
