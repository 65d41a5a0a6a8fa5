//! Requests of agents that wait for their answer beside a dialog: which one is the dialog's own goes with what is told of it.
//!
//! **Invariant:** a request counts for the very process that reads the pane's terminal, and says what its dialog shows; of
//! two like that none does. One that a conversation of a shared server asks counts only where that may be the pane's.

use super::{HostCore, WatchedAgent};
use tmuxagent_agents::{AgentProcess, only_request};
use tmuxagent_model::{PaneKey, RequestNews, WaitingRequest};

/// So many requests of one pane may wait.
const MOST: usize = 32;

/// The requests of one pane that wait.
#[derive(Debug, Default)]
pub(in crate::core) struct Requests(Vec<WaitingRequest>);

impl Requests {
    /// The one that asks what an agent shows; that tells which conversation the agent shows, too.
    pub fn of(&self, agent: &mut WatchedAgent, process: Option<&AgentProcess>) -> Option<String> {
        let (question, process) = (agent.question()?, process?);
        let own = |waiting: &&WaitingRequest| process.pids.contains(&(waiting.by.pid, waiting.by.start));
        let of_its_thread = |waiting: &&WaitingRequest| {
            waiting.request.thread.as_ref().is_none_or(|thread| agent.threads.may_be(thread))
        };
        let found = only_request(self.0.iter().filter(own).filter(of_its_thread), question)?;
        if let Some(thread) = &found.request.thread {
            agent.threads.shows(thread);
        }
        Some(found.id.clone())
    }
}

impl HostCore {
    /// A request waits, or does no more: its dialog is looked at.
    pub(in crate::core) fn request_news(&mut self, key: &PaneKey, news: RequestNews) {
        let Some(pane) = self.inventory.panes.get_mut(&key.pane).filter(|pane| pane.info.key == *key) else { return };
        let Requests(waiting) = &mut pane.voice.requests;
        match news {
            RequestNews::Waits(request) if waiting.len() < MOST => waiting.push(request),
            RequestNews::Waits(_) => return,
            RequestNews::Over { id, answered } => {
                waiting.retain(|request| request.id != id);
                if let Some(agent) = pane.agent.as_mut().filter(|_| answered) {
                    agent.answered(self.now);
                }
            }
        }
        self.look_soon(key.pane);
    }
}
