//! What one round of the supervisor gathers until its commit, and what must wait for the disk.
//!
//! **Invariant:** what follows a round (effects, answers, what is let go of) can be reached through [`Round::save`] only,
//! which hands it out once the round is written down. A round that can't be saved stays whole.

use tmuxagent_failpoints as failpoints;
use tmuxagent_ipc::wire::{ErrorKind, Reply};
use tmuxagent_model::{Doubt, Effect, EventLine, HostName, Intent, IntentId, Timestamp};
use tmuxagent_store::{Batch, Durability, Store, StoreError};
use tokio::sync::oneshot;

/// What one round gathers until its commit.
#[derive(Debug)]
pub(super) struct Round {
    /// The transaction.
    pub(super) batch: Batch,
    then: Consequences,
}

/// What follows a round once it is written down.
#[derive(Debug, Default)]
pub(super) struct Consequences {
    /// To perform.
    pub(super) intents: Vec<Intent>,
    /// Handed out in an earlier round and not wanted any more.
    pub(super) withdrawn: Vec<IntentId>,
    /// Whose outcomes it holds.
    pub(super) settled: Vec<IntentId>,
    /// What views are told.
    pub(super) answers: Vec<(oneshot::Sender<Reply>, Reply)>,
}

/// A round that is written down.
#[derive(Debug)]
pub(super) struct Saved {
    /// Its lines for people; `None` when there was nothing to write.
    pub(super) lines: Option<Vec<EventLine>>,
    /// What is to be done now.
    pub(super) then: Consequences,
}

/// A round that could not be written down; nothing of it happened.
#[derive(Debug)]
pub(super) struct Unsaved {
    /// It, whole.
    pub(super) round: Round,
    /// Why.
    pub(super) error: StoreError,
}

impl Default for Round {
    /// Nothing yet, and so nothing that must wait for the disk: keys of local panes die with this machine, as their marks
    /// do. What outlives it raises the durability: decisions, alerts, commands, keys for other machines.
    fn default() -> Self {
        let batch = Batch { durability: Durability::Process, ..Batch::default() };
        Self { batch, then: Consequences::default() }
    }
}

impl Round {
    /// Performs this once the round is written down.
    pub(super) fn perform(&mut self, intent: Intent) {
        self.then.intents.push(intent);
    }

    /// Takes back what was to be performed; whether it was.
    pub(super) fn take_back(&mut self, intent: &IntentId) -> bool {
        let before = self.then.intents.len();
        self.then.intents.retain(|other| other.id != *intent);
        self.then.intents.len() < before
    }

    /// Performs nothing of it.
    pub(super) fn perform_nothing(&mut self) {
        self.then.intents.clear();
    }

    /// Withdraws what an earlier round handed out.
    pub(super) fn withdraw(&mut self, intent: IntentId) {
        self.then.withdrawn.push(intent);
    }

    /// Lets go of what this intent held.
    pub(super) fn settle(&mut self, intent: IntentId) {
        self.then.settled.push(intent);
    }

    /// Answers a request.
    pub(super) fn answer(&mut self, to: oneshot::Sender<Reply>, reply: Reply) {
        self.then.answers.push((to, reply));
    }

    /// Writes the round down and hands out what follows.
    ///
    /// # Errors
    /// When it can't be written; the round comes back whole.
    pub(super) async fn save(mut self, store: &Store, now: Timestamp) -> Result<Saved, Box<Unsaved>> {
        if self.batch.is_empty() {
            return Ok(Saved { lines: None, then: self.then });
        }
        self.batch.at = now;
        failpoints::at("round.stepped");
        match store.commit(self.batch.clone()).await {
            Ok(committed) => {
                failpoints::at("round.committed");
                Ok(Saved { lines: Some(committed.lines), then: self.then })
            }
            Err(error) => Err(Box::new(Unsaved { round: self, error })),
        }
    }

    /// Tells who waits for an answer that it is not certain yet. A refusal is certain, unless its reason is a decision that
    /// may stand in this very round.
    pub(super) fn tell_doubt(&mut self, doubt: &Doubt) {
        for (to, reply) in self.then.answers.drain(..) {
            let reply = match reply {
                Reply::Error { kind: ErrorKind::AlreadyDecided | ErrorKind::Stale, .. } => {
                    Reply::Uncertain { doubt: doubt.clone() }
                }
                error @ Reply::Error { .. } => error,
                _ => Reply::Uncertain { doubt: doubt.clone() },
            };
            // A view that has gone meanwhile needs no answer.
            let _ = to.send(reply);
        }
    }
}

/// Whether what it does can be there after a power failure of this machine.
pub(super) fn outlives(effect: &Effect) -> bool {
    match effect {
        Effect::Send(keys) => keys.pane.host != HostName::local(),
        Effect::Prompt(prompt) => prompt.pane.host != HostName::local(),
        Effect::Shell(_) | Effect::Alert(_) => true,
        Effect::Poll(_) => false,
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
            let (to, mut answer) = oneshot::channel();
            let mut round = Round::default();
            round.answer(to, reply);
            round.tell_doubt(&Doubt::Ended);
            assert_eq!(answer.try_recv(), Ok(told));
        }
    }
}
