//! What agents tell and ask by processes that they start: hooks, and the tools of a server beside them. Who speaks was read
//! off the system; it is one in a watched pane of this machine, or nobody.

use super::core::Core;
use super::requests::{committed, error, told};
use tmuxagent_engine::Answer;
use tmuxagent_ipc::hub::Peer;
use tmuxagent_ipc::wire::{ErrorKind, Reply};
use tmuxagent_model::{
    AgentMessage, Ancestor, Command, Event, HookReport, HookTold, HumanCall, MessageType, PaneKey, Via,
};

/// Nobody's agent.
const NOBODY: &str = "no agent in a watched pane runs this";

impl Core {
    /// Hands what a hook tells to the collector of the agent's pane, which weighs it.
    pub(crate) fn take_hook(&mut self, ancestor: Option<Ancestor>, report: HookReport) -> Reply {
        let pane = self.pane_of(ancestor.as_ref());
        let (Some(by), Some(pane)) = (ancestor, pane) else { return error(ErrorKind::NotFound, NOBODY) };
        self.hosts.tell_hook(pane, HookTold { by, report });
        Reply::Done
    }

    /// An agent reports: the same as a line of its.
    pub(crate) fn say(&mut self, ancestor: Option<&Ancestor>, message: AgentMessage) -> Reply {
        let Some(pane) = self.pane_of(ancestor) else { return error(ErrorKind::NotFound, NOBODY) };
        if message.kind == MessageType::Ask {
            return error(ErrorKind::BadRequest, "a question is asked otherwise");
        }
        let mut event = Event::Line(Box::new(told(pane, message)));
        self.limit_reports(&mut event);
        self.step(&event);
        Reply::Done
    }

    /// An agent asks a person; the answer is the question.
    pub(crate) fn ask_human(&mut self, peer: &Peer, ancestor: Option<Ancestor>, asks: Box<HumanCall>) -> Reply {
        let pane = self.pane_of(ancestor.as_ref());
        let (Some(ancestor), Some(pane)) = (ancestor, pane) else { return error(ErrorKind::NotFound, NOBODY) };
        let call = asks.call.clone();
        let command = Command::Ask { pane, agent: ancestor.agent, asks };
        if let Some(refused) = self.refuse_here(&command) {
            return refused;
        }
        let answer = self.step(&Event::Asked { command, by: peer.decider() });
        match (answer, self.engine.approval_of_call(&call)) {
            (Some(Answer::Ok { .. }), Some(approval)) => {
                let approval = Box::new(approval.clone());
                self.hosts.called(call, peer.connection);
                Reply::Approval { approval }
            }
            (answer, _) => committed(answer),
        }
    }

    /// Who asked over a connection does not wait for the answers any more.
    pub(crate) fn caller_left(&mut self, peer: &Peer) {
        for call in self.hosts.caller_left(peer.connection) {
            self.step(&Event::Asked { command: Command::TakeBack { call }, by: peer.decider() });
        }
    }

    /// The pane of this machine in which an agent runs.
    pub(crate) fn pane_of(&self, ancestor: Option<&Ancestor>) -> Option<PaneKey> {
        let ancestor = ancestor?;
        let here = |key: &&PaneKey| self.hosts.is_here(&key.host) && ancestor.line.contains(&key.pid);
        self.view.panes().map(|live| &live.info.key).find(here).cloned()
    }
}

/// Whether a wish may come through a surface: an agent can have a pipeline started, whose gates hold.
pub(crate) const fn may_wish(via: Via, command: &Command) -> bool {
    !matches!(via, Via::Hook | Via::Mcp) || matches!(command, Command::Start { .. })
}
