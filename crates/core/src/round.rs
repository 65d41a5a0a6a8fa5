//! What one round gathers until its commit, and what must wait for the disk.
//!
//! **Invariant:** what follows a round (effects, answers, what is let go of) is handed out for a [`Committed`] only, which
//! the store makes. A round that can't be written stays whole.

use super::acts::Ticket;
use serde::{Deserialize, Serialize};
use tmuxagent_ipc::wire::{ErrorKind, Reply};
use tmuxagent_model::{Alert, Doubt, Effect, EventLine, HostName, Intent, IntentId, PaneKey};
use tmuxagent_store::{Batch, Committed, Durability, NewMessage};

/// What one round gathers until its commit.
#[derive(Debug, Clone, PartialEq)]
pub struct Round {
    /// The transaction.
    pub(crate) batch: Batch,
    /// Alerts that are performed by standing in the outbox.
    alerts: Vec<(IntentId, Alert)>,
    then: Consequences,
}

/// What follows a round once it is written down.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Consequences {
    /// To perform.
    pub(crate) intents: Vec<Intent>,
    /// Handed out in an earlier round and not wanted any more.
    pub(crate) withdrawn: Vec<IntentId>,
    /// Whose outcomes it holds.
    pub(crate) settled: Vec<IntentId>,
    /// On which hosts it tells what those before this supervisor had asked: it stands on their servers until then.
    pub(crate) left: Vec<HostName>,
    /// What views are told.
    pub(crate) answers: Vec<(Ticket, Reply)>,
}

/// A round on its way to the store.
#[derive(Debug)]
pub struct Unwritten(Round);

/// What tells one round from another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Digest {
    changes: usize,
    /// Of the changed rows.
    hash: u64,
    events: usize,
    notes: usize,
    positions: usize,
    asks: usize,
    settled: usize,
    answers: usize,
}

/// A round that is written down.
pub(crate) struct Written {
    pub(crate) lines: Vec<EventLine>,
    /// An alert is new, or a question was closed.
    pub(crate) news: bool,
    pub(crate) then: Consequences,
}

impl Default for Round {
    /// Nothing yet, and so nothing that must wait for the disk: keys of local panes die with this machine, as their marks
    /// do. What outlives it raises the durability: decisions, alerts, commands, keys for other machines.
    fn default() -> Self {
        let batch = Batch { durability: Durability::Process, ..Batch::default() };
        Self { batch, alerts: Vec::new(), then: Consequences::default() }
    }
}

impl Round {
    /// Performs this once the round is written down.
    pub(crate) fn perform(&mut self, intent: Intent) {
        self.then.intents.push(intent);
    }

    /// Sends this by the channels that its route names.
    pub(crate) fn alert(&mut self, intent: IntentId, alert: Alert) {
        self.alerts.push((intent, alert));
    }

    /// Takes back what was to be performed; whether it was.
    pub(crate) fn take_back(&mut self, intent: &IntentId) -> bool {
        let before = self.then.intents.len();
        self.then.intents.retain(|other| other.id != *intent);
        self.then.intents.len() < before
    }

    /// Performs nothing of it.
    pub(crate) fn perform_nothing(&mut self) {
        self.then.intents.clear();
    }

    /// Withdraws what an earlier round handed out.
    pub(crate) fn withdraw(&mut self, intent: IntentId) {
        self.then.withdrawn.push(intent);
    }

    /// Lets go of what this intent held.
    pub(crate) fn settle(&mut self, intent: IntentId) {
        self.then.settled.push(intent);
    }

    /// A pane was read so far.
    pub(crate) fn place(&mut self, pane: PaneKey, position: Option<String>) {
        self.batch.positions.retain(|(known, _)| *known != pane);
        self.batch.positions.push((pane, position));
    }

    /// Tells what those before this supervisor had asked on a host.
    pub(crate) fn tells_left(&mut self, host: &HostName) {
        self.then.left.push(host.clone());
    }

    /// Answers a request.
    pub(crate) fn answer(&mut self, to: Ticket, reply: Reply) {
        self.then.answers.push((to, reply));
    }

    /// Tells who waits for an answer that it is not certain yet. A refusal is certain, unless its reason is a decision that
    /// may stand in this very round. An agent's hook waits on, as long as there is a next time.
    pub(crate) fn take_answers_in_doubt(&mut self, doubt: &Doubt) -> Vec<(Ticket, Reply)> {
        let uncertain = || Reply::Uncertain { doubt: doubt.clone() };
        let told = |reply| match reply {
            Reply::Error { kind: ErrorKind::AlreadyDecided | ErrorKind::Stale, .. } => uncertain(),
            error @ Reply::Error { .. } => error,
            _ => uncertain(),
        };
        let waits = |reply: &Reply| matches!(reply, Reply::Given { .. }) && *doubt != Doubt::Ended;
        let in_doubt = self.then.answers.extract_if(.., |(_, reply)| !waits(reply));
        in_doubt.map(|(to, reply)| (to, told(reply))).collect()
    }

    /// Whether nothing of it needs the store.
    pub(crate) fn is_empty(&self) -> bool {
        self.batch.is_empty() && self.alerts.is_empty()
    }

    /// Whether a commit would lead to anything.
    pub(crate) fn has_work(&self) -> bool {
        !self.is_empty() || self.then != Consequences::default()
    }

    /// What follows a round that holds nothing to write.
    pub(crate) fn into_consequences(self) -> Consequences {
        self.then
    }
}

impl Unwritten {
    pub(crate) const fn new(round: Round) -> Self {
        Self(round)
    }

    /// Puts the alerts into the outbox, as the routes say.
    pub fn route(&mut self, routes: impl Fn(&IntentId, &Alert) -> Vec<NewMessage>) {
        for (intent, alert) in self.0.alerts.drain(..) {
            self.0.batch.outbox.extend(routes(&intent, &alert));
        }
    }

    /// The transaction.
    #[must_use]
    pub const fn batch(&self) -> &Batch {
        &self.0.batch
    }

    /// What the round would change, in numbers: the same inputs lead to the same.
    pub(crate) fn digest(&self) -> Digest {
        use std::hash::{DefaultHasher, Hash as _, Hasher as _};
        let mut hasher = DefaultHasher::new();
        for change in &self.0.batch.changes {
            (&change.key, &change.body).hash(&mut hasher);
        }
        let (batch, then) = (&self.0.batch, &self.0.then);
        Digest {
            changes: batch.changes.len(),
            hash: hasher.finish(),
            events: batch.events.len(),
            notes: batch.notes.len(),
            positions: batch.positions.len(),
            asks: then.intents.len() + then.withdrawn.len(),
            settled: then.settled.len(),
            answers: then.answers.len(),
        }
    }

    pub(crate) fn written(self, committed: Committed) -> Written {
        let Round { batch, then, .. } = self.0;
        // A question that was closed is not asked any more either.
        let news = !batch.outbox.is_empty() || !batch.changes.is_empty();
        Written { lines: committed.lines, news, then }
    }

    pub(crate) fn into_round(self) -> Round {
        self.0
    }
}

/// Whether what it does can be there after a power failure of this machine.
pub(crate) fn outlives(effect: &Effect) -> bool {
    match effect {
        Effect::Send(keys) => keys.pane.host != HostName::local(),
        Effect::Prompt(prompt) => prompt.pane.host != HostName::local(),
        Effect::Shell(_) | Effect::Alert(_) => true,
        Effect::Answer(_) | Effect::Poll(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_saved_is_told_as_not_certain() {
        let done = || Reply::Committed { intents: Vec::new(), run: None, text: "approved".into() };
        let refused = |kind| Reply::Error { kind, text: "no".into() };
        let uncertain = || Reply::Uncertain { doubt: Doubt::Ended };
        for (reply, told) in [
            (done(), uncertain()),
            (Reply::Done, uncertain()),
            // Perhaps by the decision that is not saved.
            (refused(ErrorKind::AlreadyDecided), uncertain()),
            (refused(ErrorKind::Stale), uncertain()),
            (refused(ErrorKind::NotFound), refused(ErrorKind::NotFound)),
            (refused(ErrorKind::Refused), refused(ErrorKind::Refused)),
        ] {
            let mut round = Round::default();
            round.answer(Ticket(1), reply);
            assert_eq!(round.take_answers_in_doubt(&Doubt::Ended), [(Ticket(1), told)]);
        }
    }
}
