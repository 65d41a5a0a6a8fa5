//! Going on after a crash: open intents are settled, panes that are gone are told, and what was printed meanwhile is
//! taken in its right order.

use super::answering::NOBODY;
use super::core::{Core, ROUND};
use super::hosts::Sending;
use super::secrets;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use tmuxagent_model::{
    Effect, Event, HostName, HostState, Intent, IntentId, Outcome, PaneKey, Recovery, SkipReason, Timestamp,
};
use tmuxagent_tmux::HostMessage;

/// Why an outcome is not known.
const ENDED: &str = "the supervisor ended before its outcome was known";

/// What a pane printed while nobody watched waits for the outcome of the keys that were under way: it was printed after
/// them, and a stage counts only lines that come after its keys.
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct Settling {
    pub(crate) intents: BTreeSet<IntentId>,
    pub(crate) waiting: Vec<HostMessage>,
}

impl Core {
    /// Settles what a crash left open. Everything that is idempotent is performed again; of the rest nobody can know.
    pub(crate) fn recover(&mut self) {
        let known = self.engine.view().panes.into_keys();
        let gone: Vec<PaneKey> = known.filter(|pane| !self.hosts.knows(&pane.host)).collect();
        gone.into_iter().for_each(|pane| self.pane_gone(pane, true));
        // Nobody waits for the outcome of what was taken back; it must only end.
        let taken_back: Vec<IntentId> = self.engine.withdrawn_intents().cloned().collect();
        for intent in taken_back {
            let error = ENDED.to_owned();
            self.step(&Event::Outcome { intent, outcome: Outcome::Unknown { error } });
        }
        let open: Vec<Intent> = self.engine.open_intents().cloned().collect();
        for intent in open {
            match intent.effect.recovery() {
                // Whether it was typed is known to the pane alone, and it can't be typed again.
                Recovery::Redo if intent.effect.pane().is_some() && secrets::lost(&intent.effect) => {
                    let outcome = Outcome::Unknown { error: secrets::LOST.to_owned() };
                    self.step(&Event::Outcome { intent: intent.id, outcome });
                }
                // What was printed meanwhile is read before the answer.
                Recovery::Redo if matches!(intent.effect, Effect::Poll(_) | Effect::Shell(_)) => {
                    self.catch_up.ask_later(intent)
                }
                Recovery::Instead => {
                    let outcome = Outcome::Skipped { reason: SkipReason::Unreachable(NOBODY.to_owned()) };
                    self.step(&Event::Outcome { intent: intent.id, outcome });
                }
                Recovery::Redo if intent.effect.pane().is_some() => self.hand_on(Sending { intent, begun: true }),
                Recovery::Redo => self.want(intent),
                Recovery::AskHuman => {
                    let error = "the supervisor ended while this command ran".to_owned();
                    self.step(&Event::Outcome { intent: intent.id, outcome: Outcome::Unknown { error } });
                }
            }
        }
    }

    /// Timers go on, and so do the questions of an earlier life. Gives how many timers may be fired at once.
    pub(crate) fn ask_again(&mut self) -> usize {
        self.catch_up.take_questions().into_iter().for_each(|question| self.want(question));
        ROUND
    }

    /// A pane is gone for good, as far as this supervisor is concerned; `unwatched` as in [`Event::PaneGone`].
    pub(crate) fn pane_gone(&mut self, pane: PaneKey, unwatched: bool) {
        let event = Event::PaneGone { pane, unwatched, by: None };
        self.show_event(&event);
        self.mind_requests(&event);
        self.step(&event);
        self.let_on(&event);
    }

    /// Keys of an earlier life have their outcome: what the pane printed after them comes now.
    pub(crate) fn let_on(&mut self, event: &Event) {
        let freed = match event {
            Event::Outcome { intent, .. } => {
                let mut settling = self.settling.iter_mut();
                let found =
                    settling.find_map(|(pane, settling)| settling.intents.remove(intent).then_some((pane, settling)));
                found.filter(|(_, settling)| settling.intents.is_empty()).map(|(pane, _)| pane.clone())
            }
            Event::PaneGone { pane, .. } => Some(pane.clone()),
            _ => None,
        };
        if let Some((pane, settled)) = freed.and_then(|pane| self.settling.remove_entry(&pane)) {
            settled.waiting.into_iter().for_each(|message| self.host(&pane.host, message));
        }
    }

    /// Panes of an earlier life, of the supervisor or of a collector, that a host does not show after a while are gone.
    pub(crate) fn reconcile(&mut self) {
        let now = self.now;
        let due = |(at, _): &mut (Timestamp, HostName)| *at <= now;
        let hosts: Vec<HostName> = self.reconcile_at.extract_if(.., due).map(|(_, host)| host).collect();
        for host in &hosts {
            if !self.view.host_state(host).is_some_and(HostState::is_observed) {
                continue;
            }
            let gone = self.known_panes(host).into_iter().filter(|pane| !self.view.is_confirmed(pane));
            gone.collect::<Vec<_>>().into_iter().for_each(|pane| self.pane_gone(pane, false));
            self.forget_left(host);
        }
    }
}

/// The pane of a message that tells of its output.
pub(crate) const fn waits_for_keys(message: &HostMessage) -> Option<&PaneKey> {
    match message {
        HostMessage::Event(Event::Line(line)) => Some(&line.pane),
        HostMessage::Event(Event::Agent(seen)) => Some(&seen.pane),
        HostMessage::Event(
            Event::ShellMarks { pane, .. }
            | Event::CommandBegan { pane, .. }
            | Event::Foreground { pane, .. }
            | Event::CommandEnded { pane, .. }
            | Event::Gap { pane }
            | Event::Program { pane, .. }
            | Event::Dialog { pane, .. }
            | Event::Waits { pane, .. }
            | Event::Answered { pane, .. }
            | Event::Activity { pane },
        )
        | HostMessage::Printed { pane, .. }
        | HostMessage::Position { pane, .. } => Some(pane),
        HostMessage::Event(_)
        | HostMessage::Ended(_)
        | HostMessage::Status { .. }
        | HostMessage::Claim(_)
        | HostMessage::Left { .. }
        | HostMessage::Panes(_)
        | HostMessage::Malformed { .. }
        | HostMessage::Awaits { .. }
        | HostMessage::Screen { .. } => None,
    }
}
