//! Agents' requests that wait for their answer over a connection: a hook that its agent runs, while its dialog is shown.
//!
//! **Invariants:** a request is answered by a committed decision about its own dialog, at most once; who it is was read off
//! the system. A connection that is gone takes no answer, and then the dialog's key is pressed. One whose dialog was closed
//! otherwise is let go without an answer.

use super::acts::{Act, Ticket};
use super::core::Core;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use tmuxagent_ipc::hub::Peer;
use tmuxagent_ipc::wire::Reply;
use tmuxagent_model::{
    AgentRequest, AgentState, Ancestor, DirectAnswer, Event, IntentId, Outcome, PaneKey, RequestNews, SkipReason,
    WaitingRequest,
};

/// So many requests may wait: each holds a connection.
const MOST: usize = 128;
/// Why an answer is not given.
pub(crate) const NOBODY: &str = "the agent does not wait for an answer beside its dialog any more";

/// One that waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Waiting {
    ticket: Ticket,
    connection: u64,
    pane: PaneKey,
    /// The dialog that was told as its own.
    shown: Option<String>,
}

/// See the module; by [`WaitingRequest::id`].
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Answering(BTreeMap<String, Waiting>);

impl Answering {
    /// The requests that a fact ends: their dialog is another one, or the agent has come to rest or is gone.
    fn ended_by(&mut self, event: &Event) -> Vec<String> {
        match event {
            Event::Dialog { pane, question, request, .. } => {
                let open = question.as_ref().map(|question| &question.fingerprint);
                let mut over = Vec::new();
                for (id, waiting) in self.0.iter_mut().filter(|(_, waiting)| waiting.pane == *pane) {
                    if waiting.shown.is_some() && waiting.shown.as_ref() != open {
                        over.push(id.clone());
                    } else if request.as_ref() == Some(id) {
                        waiting.shown = open.cloned();
                    }
                }
                over
            }
            Event::Agent(seen) if rests(&seen.state) => self.of(|waiting| waiting.pane == seen.pane),
            Event::PaneGone { pane, .. } => self.of(|waiting| waiting.pane == *pane),
            _ => Vec::new(),
        }
    }

    fn of(&self, meant: impl Fn(&Waiting) -> bool) -> Vec<String> {
        self.0.iter().filter(|(_, waiting)| meant(waiting)).map(|(id, _)| id.clone()).collect()
    }
}

/// Whether an agent that does this waits for nobody.
const fn rests(state: &AgentState) -> bool {
    matches!(
        state,
        AgentState::Idle | AgentState::Done | AgentState::Error | AgentState::RateLimited { .. } | AgentState::Exited
    )
}

impl Core {
    /// What was decided about the request of a process that waits for it still, though a supervisor before this one had written
    /// down that it is given: that one died between the two.
    pub(crate) fn given_before(&self, by: &Ancestor) -> Option<Reply> {
        let waits = by.line.first().map(|pid| format!("{pid}-"))?;
        let (role, label) = self.engine.given_before(self.now, by.pid, &waits)?;
        Some(Reply::Given { role, label })
    }

    /// Keeps a request waiting until it is decided; one that nobody can decide here is let go at once.
    pub(crate) fn await_answer(&mut self, peer: &Peer, by: Option<Ancestor>, request: AgentRequest, ticket: Ticket) {
        let pane = self.pane_of(by.as_ref());
        let (Some(by), Some(pane)) = (by.filter(|by| by.waits), pane) else {
            return self.acts.push(Act::Answer(ticket, Reply::Done));
        };
        if self.hosts.answering.0.len() >= MOST || self.watched.contains(&pane.host) {
            return self.acts.push(Act::Answer(ticket, Reply::Done));
        }
        // The process that waits, and when it came: no life of the supervisor has seen both before.
        let id = format!("{}-{}-{}", by.line.first().copied().unwrap_or_default(), self.now.0, ticket.0);
        let waiting = Waiting { ticket, connection: peer.connection, pane: pane.clone(), shown: None };
        self.hosts.answering.0.insert(id.clone(), waiting);
        self.hosts.tell_request(pane, RequestNews::Waits(WaitingRequest { id, by, request }));
    }

    /// Gives a committed answer, where its request waits still: once it is written down that it is given. So one that is found
    /// open after a crash was not given.
    pub(crate) fn give(&mut self, intent: &IntentId, answer: &DirectAnswer) {
        let outcome = if let Some(Waiting { ticket, pane, .. }) = self.hosts.answering.0.remove(&answer.request) {
            let (role, label) = (answer.role, answer.label.clone());
            self.round.answer(ticket, Reply::Given { role, label });
            self.hosts.tell_request(pane, RequestNews::Over { id: answer.request.clone(), answered: true });
            Outcome::Done
        } else {
            Outcome::Skipped { reason: SkipReason::Unreachable(NOBODY.to_owned()) }
        };
        self.ended(&Event::Outcome { intent: intent.clone(), outcome });
    }

    /// A connection has gone, and with it whoever waited there.
    pub(crate) fn asker_left(&mut self, connection: u64) {
        for id in self.hosts.answering.of(|waiting| waiting.connection == connection) {
            self.let_go(&id);
        }
    }

    /// Requests that wait for nothing any more are let go.
    pub(crate) fn mind_requests(&mut self, event: &Event) {
        for id in self.hosts.answering.ended_by(event) {
            self.let_go(&id);
        }
    }

    /// Lets one go without an answer.
    fn let_go(&mut self, id: &str) {
        let Some(Waiting { ticket, pane, .. }) = self.hosts.answering.0.remove(id) else { return };
        self.acts.push(Act::Answer(ticket, Reply::Done));
        self.hosts.tell_request(pane, RequestNews::Over { id: id.to_owned(), answered: false });
    }
}
