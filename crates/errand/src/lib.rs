//! A committed effect in somebody's hands, until the loop has its outcome.
//!
//! **Invariant:** an errand ends in one of two ways, whatever becomes of who holds it: its outcome arrives, or it comes
//! home with what is known of it. Dropping one (by an early return, with a queue that nobody reads any more, in a thread
//! that failed) is what sends it home, so that none can get lost.

use tmuxagent_model::{Event, Intent, IntentId, Outcome, PaneKey, PollOutcome};
use tokio::sync::mpsc::UnboundedSender;

/// Where errands come back to that end without an outcome.
pub type Home = UnboundedSender<Returned>;

/// How far an errand came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// Nothing of it was done.
    NotBegun,
    /// It may have been done or not.
    Begun,
    /// It ended with this event, which did not arrive.
    Ended(Box<Event>),
}

/// An errand that came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Returned {
    /// What was to be done.
    pub intent: Intent,
    /// What is known of it.
    pub fate: Fate,
}

/// See the module.
#[derive(Debug)]
pub struct Errand {
    intent: Intent,
    fate: Fate,
    /// None once its outcome has arrived.
    home: Option<Home>,
}

impl Errand {
    /// An errand of which nothing is done yet.
    #[must_use]
    pub fn new(intent: Intent, home: &Home) -> Self {
        Self { intent, fate: Fate::NotBegun, home: Some(home.clone()) }
    }

    /// Its identity.
    #[must_use]
    pub const fn id(&self) -> &IntentId {
        &self.intent.id
    }

    /// What is to be done.
    #[must_use]
    pub const fn intent(&self) -> &Intent {
        &self.intent
    }

    /// From now on nobody can know whether it was done, unless its outcome says so.
    pub fn begin(&mut self) {
        self.fate = Fate::Begun;
    }

    /// Whether it may have been done already.
    #[must_use]
    pub fn is_begun(&self) -> bool {
        self.fate != Fate::NotBegun
    }

    /// It ended so.
    #[must_use]
    pub fn end(self, outcome: Outcome) -> Ending {
        let event = Event::Outcome { intent: self.intent.id.clone(), outcome };
        self.ended(event)
    }

    /// It was a question, and this is the answer.
    #[must_use]
    pub fn answer(self, outcome: PollOutcome) -> Ending {
        let event = Event::Polled { intent: self.intent.id.clone(), outcome };
        self.ended(event)
    }

    /// It ended for a reason that lies with who should have done it.
    #[must_use]
    pub fn lost(self, why: &str) -> Ending {
        let outcome = self.intent.effect.lost(self.is_begun(), why);
        self.end(outcome)
    }

    fn ended(mut self, event: Event) -> Ending {
        self.fate = Fate::Ended(Box::new(event.clone()));
        Ending { errand: Box::new(self), event }
    }
}

impl Drop for Errand {
    fn drop(&mut self) {
        let Some(home) = self.home.take() else { return };
        let fate = std::mem::replace(&mut self.fate, Fate::NotBegun);
        // Without a loop nobody waits: the intent is open in the state, and the next start settles it.
        let _ = home.send(Returned { intent: self.intent.clone(), fate });
    }
}

/// The end of an errand on its way to the loop. Lost on the way, it comes home as well.
#[derive(Debug)]
pub struct Ending {
    errand: Box<Errand>,
    event: Event,
}

impl Ending {
    /// It has arrived.
    #[must_use]
    pub fn into_event(self) -> Event {
        let Self { mut errand, event } = self;
        errand.home = None;
        event
    }

    /// What it tells.
    #[must_use]
    pub const fn event(&self) -> &Event {
        &self.event
    }

    /// The pane in which it was to be done, if it was one.
    #[must_use]
    pub const fn pane(&self) -> Option<&PaneKey> {
        self.errand.intent.effect.pane()
    }
}

impl PartialEq for Ending {
    fn eq(&self, other: &Self) -> bool {
        self.event == other.event
    }
}

impl Eq for Ending {}

#[cfg(test)]
mod tests {
    use super::*;
    use tmuxagent_model::{
        Effect, HostName, IntentState, KeyStep, Millis, PaneId, PollSpec, SendKeys, ServerId, ShellCall, SkipReason,
        Timestamp,
    };
    use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

    fn pane() -> PaneKey {
        PaneKey { host: HostName::new("nas"), server: ServerId::new("s"), pane: PaneId(1), pid: 9 }
    }

    fn send() -> Effect {
        let steps = vec![KeyStep::Key("Enter".to_owned())];
        Effect::Send(SendKeys {
            shells: Vec::new(),
            pane: pane(),
            steps,
            expect_command: None,
            expect_screen: None,
            needs: tmuxagent_model::Needs::Nothing,
        })
    }

    fn shell() -> ShellCall {
        ShellCall { pane: pane(), script: "true".into(), folder: "/".into(), timeout: Millis(1), again: false }
    }

    fn errand(effect: Effect) -> (Errand, UnboundedReceiver<Returned>) {
        let (home, back) = unbounded_channel();
        let intent = Intent {
            id: IntentId::new("I-1"),
            effect,
            run: None,
            stage: None,
            attempt: 1,
            state: IntentState::Open,
            at: Timestamp(1),
            hold: None,
            until: None,
            repeats: None,
            unseen: false,
        };
        (Errand::new(intent, &home), back)
    }

    #[test]
    fn whoever_loses_one_gives_it_back_with_what_is_known() {
        let (fresh, mut back) = errand(send());
        drop(fresh);
        assert_eq!(back.try_recv().unwrap().fate, Fate::NotBegun);
        let (mut begun, mut back) = errand(send());
        begun.begin();
        // A queue that nobody reads any more.
        let (queue, unread) = std::sync::mpsc::channel();
        queue.send(begun).unwrap();
        drop((queue, unread));
        assert_eq!(back.try_recv().unwrap().fate, Fate::Begun);
        // A thread that fails.
        let (mut held, mut back) = errand(send());
        held.begin();
        let failed = std::thread::spawn(move || {
            let _held = held;
            std::panic::resume_unwind(Box::new("a fault"));
        });
        assert!(failed.join().is_err());
        assert_eq!(back.try_recv().unwrap().fate, Fate::Begun);
        // An outcome that does not arrive is not forgotten.
        let (done, mut back) = errand(send());
        drop(done.end(Outcome::Done));
        let event = Event::Outcome { intent: IntentId::new("I-1"), outcome: Outcome::Done };
        assert_eq!(back.try_recv().unwrap().fate, Fate::Ended(Box::new(event)));
    }

    #[test]
    fn one_whose_outcome_has_arrived_does_not_come_back() {
        let (errand, mut back) = errand(send());
        let event = errand.end(Outcome::Done).into_event();
        assert!(matches!(event, Event::Outcome { outcome: Outcome::Done, .. }));
        assert!(back.try_recv().is_err(), "exactly one end");
    }

    #[test]
    fn what_a_lost_one_means_depends_on_what_it_does() {
        let lost = |effect: &Effect, begun| effect.lost(begun, "gone");
        let skipped = Outcome::Skipped { reason: SkipReason::Unreachable("gone".to_owned()) };
        let unknown = Outcome::Unknown { error: "gone".to_owned() };
        let failed = Outcome::Failed { error: "gone".to_owned() };
        assert_eq!((lost(&send(), false), lost(&send(), true)), (skipped, unknown.clone()));
        let command = Effect::Shell(shell());
        assert_eq!((lost(&command, false), lost(&command, true)), (failed.clone(), unknown));
        // Questions change nothing, so asking again is no harm.
        let poll = Effect::Poll(PollSpec::Command { call: shell() });
        assert_eq!((lost(&poll, false), lost(&poll, true)), (failed.clone(), failed));
    }
}
