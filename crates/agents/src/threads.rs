//! Which conversation of an agent's own server is the one that a pane shows. The server does not tell: its screens come and
//! go, several work in one folder, and a screen may go over to another conversation.
//!
//! **Invariant:** a conversation is a pane's only if it works in that folder, and changed within a moment of what the pane's
//! own program reports, as no other one of the folder did; or asked near it what the pane's dialog shows, as no other did. It
//! is let go as soon as both go apart.

use super::fusion::{Family, family};
use super::{Report, VendorState};
use std::collections::BTreeMap;
use tmuxagent_model::{Millis, Timestamp};

/// Both tell the same change within this time.
const MOMENT: Millis = Millis(1000);
/// The same where its dialog shows, word for word, what a conversation asks.
const NEAR: Millis = Millis(3000);
/// So many conversations of one folder are kept in mind.
const MOST: usize = 64;

/// What a server tells of a conversation in the folder of a pane's agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ThreadTold {
    /// The conversation.
    pub thread: String,
    /// What it does; `None`: it is not told any more.
    pub state: Option<VendorState>,
    /// It has just changed; otherwise it is told as it is.
    pub changed: bool,
    /// It is the process's own for certain: it tells by itself.
    pub own: bool,
}

#[derive(Debug, Clone)]
struct Known {
    said: VendorState,
    /// When it was seen to begin what it does; never where it was told as it is.
    at: Option<Timestamp>,
}

/// The conversations that one process may show.
#[derive(Debug, Clone, Default)]
pub struct Threads {
    process: Option<(u32, u64)>,
    known: BTreeMap<String, Known>,
    /// What the pane's program reports, and since when.
    reported: Option<(Family, Timestamp)>,
    bound: Option<String>,
    /// What the process tells of itself, where it does.
    own: Option<VendorState>,
}

impl Threads {
    /// The process whose conversations these are; of another one nothing is known.
    pub fn belong_to(&mut self, process: Option<(u32, u64)>) {
        if self.process != process {
            *self = Self { process, ..Self::default() };
        }
    }

    /// The server tells something.
    pub fn told(&mut self, now: Timestamp, told: ThreadTold) {
        if told.own {
            self.own = told.state;
            return;
        }
        let before = self.known.remove(&told.thread);
        let Some(said) = told.state.filter(|_| self.known.len() < MOST) else { return };
        let same = before.filter(|before| family(&before.said.state) == family(&said.state));
        let at = same.map_or_else(|| told.changed.then_some(now), |same| same.at);
        self.known.insert(told.thread, Known { said, at });
    }

    /// The pane's program reports something of itself.
    pub fn reported(&mut self, now: Timestamp, report: &Report) {
        let is = report.agent_state().and_then(|state| family(&state));
        if is != self.reported.map(|(family, _)| family) {
            self.reported = is.map(|family| (family, now));
        }
    }

    /// What the pane's own conversation does, as far as it is known which one that is.
    pub fn settle(&mut self, now: Timestamp) -> Option<VendorState> {
        if self.own.is_some() {
            return self.own.clone();
        }
        let (is, since) = self.reported?;
        let apart = self.bound.as_ref().is_some_and(|bound| {
            self.known.get(bound).is_none_or(|known| {
                let last = known.at.map_or(since, |at| at.max(since));
                family(&known.said.state) != Some(is) && now.since(last) >= MOMENT
            })
        });
        if apart {
            self.bound = None;
        }
        // One more may still be told within the moment.
        if self.bound.is_none() && now.since(since) >= MOMENT {
            let mut fitting = self.known.keys().filter(|thread| self.fits(thread, MOMENT));
            self.bound = fitting.next().filter(|_| fitting.next().is_none()).cloned();
        }
        self.bound.as_ref().and_then(|bound| self.known.get(bound)).map(|known| known.said.clone())
    }

    /// Whether a conversation may be the pane's, if its dialog shows what that asks: it is known as that, or changed near it.
    #[must_use]
    pub fn may_be(&self, thread: &str) -> bool {
        self.bound.as_deref() == Some(thread) || self.fits(thread, NEAR)
    }

    /// The pane's dialog shows what that conversation asks, and no other one does.
    pub fn shows(&mut self, thread: &str) {
        self.bound = self.known.contains_key(thread).then(|| thread.to_owned());
    }

    /// When [`Self::settle`] may find more.
    #[must_use]
    pub fn deadline(&self, now: Timestamp) -> Option<Timestamp> {
        let (_, since) = self.reported.filter(|_| !self.known.is_empty())?;
        let changes = self.known.values().filter_map(|known| known.at).chain([since]);
        changes.map(|at| at + MOMENT).filter(|at| *at > now).min()
    }

    fn fits(&self, thread: &str, within: Millis) -> bool {
        let Some((is, since)) = self.reported else { return false };
        self.known.get(thread).is_some_and(|known| {
            family(&known.said.state) == Some(is)
                && known.at.is_some_and(|at| at.since(since) <= within && since.since(at) <= within)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tmuxagent_model::{AgentState, ProgramState};

    const WORKS: AgentState = AgentState::Working;
    const ASKS: AgentState = AgentState::NeedsApproval;
    const RESTS: AgentState = AgentState::Idle;

    fn told(thread: &str, state: AgentState, changed: bool) -> ThreadTold {
        let said = VendorState { state, rule: String::new(), text: String::new(), changed: None };
        ThreadTold { thread: thread.to_owned(), state: Some(said), changed, own: false }
    }

    fn report(state: &AgentState) -> Report {
        let state = match state {
            AgentState::Working => ProgramState::Working,
            AgentState::NeedsApproval => ProgramState::Blocked { kind: Some("permission".to_owned()), message: None },
            _ => ProgramState::Done,
        };
        Report { state, app: None }
    }

    struct Pane(Threads);

    impl Pane {
        fn thread(&mut self, at: i64, thread: &str, state: AgentState) {
            self.0.told(Timestamp(at), told(thread, state, true));
        }

        fn report(&mut self, at: i64, state: AgentState) {
            self.0.reported(Timestamp(at), &report(&state));
        }

        fn state(&mut self, at: i64) -> Option<AgentState> {
            self.0.settle(Timestamp(at)).map(|said| said.state)
        }
    }

    #[test]
    fn what_changes_together_belongs_together() {
        let mut pane = Pane(Threads::default());
        pane.0.told(Timestamp(0), told("a", RESTS, false));
        pane.0.told(Timestamp(0), told("b", RESTS, false));
        pane.report(10_000, RESTS);
        assert_eq!(pane.state(20_000), None, "two rest, and neither was seen to come to it");
        pane.thread(30_000, "a", WORKS);
        pane.report(30_050, WORKS);
        assert_eq!(pane.state(30_100), None, "the other one may follow");
        assert_eq!(pane.0.deadline(Timestamp(30_100)), Some(Timestamp(31_000)));
        assert_eq!(pane.state(31_100), Some(WORKS));
        pane.thread(40_000, "a", ASKS);
        assert_eq!(pane.state(40_010), Some(ASKS), "from now on it is told at once");
        assert!(pane.0.may_be("a") && !pane.0.may_be("b"));
    }

    #[test]
    fn two_that_change_together_are_told_apart_by_what_they_do_later() {
        let mut pane = Pane(Threads::default());
        pane.thread(0, "a", WORKS);
        pane.thread(300, "b", WORKS);
        pane.report(100, WORKS);
        assert_eq!(pane.state(5000), None);
        assert!(pane.0.may_be("a") && pane.0.may_be("b"), "what its dialog shows decides");
        pane.thread(6000, "b", ASKS);
        pane.report(6100, ASKS);
        assert!(pane.0.may_be("b") && !pane.0.may_be("a"));
        assert_eq!(pane.state(7200), Some(ASKS));
        // Taken for another one by chance: its dialog tells better.
        pane.thread(9000, "b", WORKS);
        pane.report(9000, WORKS);
        pane.thread(11_000, "a", ASKS);
        pane.thread(12_000, "b", ASKS);
        pane.report(12_500, ASKS);
        assert!(pane.0.may_be("a") && pane.0.may_be("b"));
        pane.0.shows("a");
        pane.thread(20_000, "a", WORKS);
        assert_eq!(pane.state(20_100), Some(WORKS));
    }

    #[test]
    fn a_pane_that_goes_over_to_another_conversation_lets_go() {
        let mut pane = Pane(Threads::default());
        pane.thread(0, "a", WORKS);
        pane.report(0, WORKS);
        assert_eq!(pane.state(1000), Some(WORKS));
        pane.report(9000, RESTS);
        assert_eq!(pane.state(9500), Some(WORKS), "its own change may be on its way");
        assert_eq!(pane.state(10_000), None);
        // What another one does in its folder is not its own.
        pane.thread(20_000, "b", ASKS);
        assert_eq!((pane.state(30_000), pane.0.may_be("b")), (None, false));
    }

    #[test]
    fn what_a_process_tells_of_itself_needs_nothing_else() {
        let mut threads = Threads::default();
        threads.told(Timestamp(0), ThreadTold { own: true, ..told("", WORKS, true) });
        assert_eq!(threads.settle(Timestamp(0)).map(|said| said.state), Some(WORKS));
        threads.told(Timestamp(1), ThreadTold { own: true, state: None, ..told("", WORKS, true) });
        assert_eq!(threads.settle(Timestamp(1)), None);
    }

    #[test]
    fn one_that_is_gone_or_belongs_to_an_earlier_process_says_nothing() {
        let mut pane = Pane(Threads::default());
        pane.0.belong_to(Some((1, 1)));
        pane.thread(0, "a", WORKS);
        pane.report(0, WORKS);
        assert_eq!(pane.state(1000), Some(WORKS));
        pane.0.belong_to(Some((1, 1)));
        assert_eq!(pane.state(1100), Some(WORKS));
        pane.0.told(Timestamp(1200), ThreadTold { thread: "a".to_owned(), state: None, changed: true, own: false });
        assert_eq!(pane.state(1300), None);
        pane.thread(2000, "a", ASKS);
        pane.0.belong_to(Some((1, 2)));
        assert_eq!((pane.state(5000), pane.0.may_be("a")), (None, false));
    }
}
