//! Decisions that come before this life knows whether the pane that was asked about is there still: a word in a file and a
//! press on a phone may be older than the start. They wait until the pane is seen or gone, and then go the usual way, so
//! that nobody is told of a yes to what is gone.
//!
//! A host that can't be reached tells of no pane, and one that says nothing holds up a decision as long as it does a timer.

use super::acts::Ticket;
use super::core::Core;
use tmuxagent_ipc::hub::Peer;
use tmuxagent_ipc::wire::{ErrorKind, Reply};
use tmuxagent_model::{ApprovalState, Command};

/// A decision that waits.
#[derive(Debug)]
pub(crate) struct Early {
    peer: Peer,
    command: Command,
    ticket: Ticket,
}

impl Core {
    /// Keeps a decision that comes too early; gives back a command that does not.
    pub(crate) fn keep_early(&mut self, peer: &Peer, command: Command, ticket: Ticket) -> Option<Command> {
        if !self.is_early(&command) {
            return Some(command);
        }
        self.early.push(Early { peer: peer.clone(), command, ticket });
        None
    }

    /// Takes in those that waited for panes that are known by now.
    pub(crate) fn take_early(&mut self) {
        for Early { peer, command, ticket } in std::mem::take(&mut self.early) {
            self.wish(&peer, command, ticket);
        }
    }

    /// The supervisor ends: nothing was done.
    pub(crate) fn refuse_early(&mut self) {
        for Early { ticket, .. } in std::mem::take(&mut self.early) {
            let text = "the supervisor is ending; nothing was done".to_owned();
            self.acts.push(super::Act::Answer(ticket, Reply::Error { kind: ErrorKind::Ending, text }));
        }
    }

    fn is_early(&self, command: &Command) -> bool {
        let (Command::Decide { approval, .. } | Command::GrantLease { approval, .. }) = command else { return false };
        let Some(asked) = self.engine.approval(approval).filter(|asked| asked.state == ApprovalState::Pending) else {
            return false;
        };
        let pane = &asked.pane;
        let settles = self.reconcile_at.iter().any(|(_, host)| *host == pane.host);
        !self.view.is_confirmed(pane) && (settles || self.catch_up.awaits(self.now, &pane.host))
    }
}
