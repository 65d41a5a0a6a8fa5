//! Going on after a crash: open intents are settled, panes that are gone are told, and what was printed meanwhile is
//! taken in its right order.

use super::dispatch::Dispatch;
use std::collections::BTreeSet;
use tmuxagent_model::{Event, HostName, HostState, Intent, IntentId, Outcome, PaneKey, Timestamp};
use tmuxagent_tmux::HostMessage;

/// What a pane printed while nobody watched waits for the outcome of the keys that were under way: it was printed after
/// them, and a stage counts only lines that come after its keys.
#[derive(Default)]
pub(super) struct Settling {
    pub(super) intents: BTreeSet<IntentId>,
    pub(super) waiting: Vec<HostMessage>,
}

impl Dispatch {
    /// Settles what a crash left open. Everything that is idempotent is performed again; of the rest nobody can know.
    pub(super) fn recover(&mut self) {
        let open: Vec<Intent> = self.engine.open_intents().cloned().collect();
        for intent in open {
            match intent.effect.recovery() {
                tmuxagent_model::Recovery::Redo if intent.effect.pane().is_some() => self.settle(&intent),
                tmuxagent_model::Recovery::Redo => self.want(intent),
                tmuxagent_model::Recovery::AskHuman => {
                    let error = "the supervisor ended while this command ran".to_owned();
                    self.step(&Event::Outcome { intent: intent.id, outcome: Outcome::Unknown { error } });
                }
                tmuxagent_model::Recovery::Drop => {
                    self.step(&Event::Outcome { intent: intent.id, outcome: Outcome::Done });
                }
            }
        }
    }

    fn settle(&mut self, intent: &Intent) {
        if let Some(pane) = intent.effect.pane() {
            self.settling.entry(pane.clone()).or_default().intents.insert(intent.id.clone());
        }
        self.hosts.settle(intent);
    }

    /// Keys of an earlier life have their outcome: what the pane printed after them comes now.
    pub(super) fn let_on(&mut self, host: &HostName, event: &Event) {
        let freed = match event {
            Event::Outcome { intent, .. } => {
                let mut settling = self.settling.iter_mut();
                let found =
                    settling.find_map(|(pane, settling)| settling.intents.remove(intent).then_some((pane, settling)));
                found.filter(|(_, settling)| settling.intents.is_empty()).map(|(pane, _)| pane.clone())
            }
            Event::PaneGone { pane } => Some(pane.clone()),
            _ => None,
        };
        if let Some(settled) = freed.and_then(|pane| self.settling.remove(&pane)) {
            settled.waiting.into_iter().for_each(|message| self.host(host, message));
        }
    }

    /// Panes of an earlier life that a host, observed for a while, does not show are gone.
    pub(super) fn reconcile(&mut self) {
        let now = self.clock.now();
        let due = |(at, _): &mut (Timestamp, HostName)| *at <= now;
        let hosts: Vec<HostName> = self.reconcile_at.extract_if(.., due).map(|(_, host)| host).collect();
        for host in &hosts {
            if !self.board.host_state(host).is_some_and(is_observed) {
                continue;
            }
            let known = self.engine.view().panes.into_keys();
            let gone: Vec<_> = known.filter(|key| key.host == *host && self.board.pane(key).is_none()).collect();
            gone.into_iter().for_each(|pane| drop(self.step(&Event::PaneGone { pane })));
        }
    }
}

/// The pane of a message that tells of its output.
pub(super) const fn waits_for_keys(message: &HostMessage) -> Option<&PaneKey> {
    match message {
        HostMessage::Event(Event::Line(line)) => Some(&line.pane),
        HostMessage::Event(
            Event::CommandEnded { pane, .. }
            | Event::Gap { pane }
            | Event::Program { pane, .. }
            | Event::Activity { pane },
        )
        | HostMessage::Printed { pane, .. }
        | HostMessage::Position { pane, .. } => Some(pane),
        HostMessage::Event(_)
        | HostMessage::Status { .. }
        | HostMessage::Panes(_)
        | HostMessage::Malformed { .. }
        | HostMessage::Screen { .. } => None,
    }
}

pub(super) const fn is_observed(state: HostState) -> bool {
    matches!(state, HostState::Live | HostState::Polling)
}
