//! The next send of a pane against the reader that was seen: it goes, waits for its reader, or ends as not typed.

use super::super::HostCore;
use super::super::fit::{Fit, limit, not_read};
use super::super::lane::Checked;
use super::Why;
use crate::HostMessage;
use crate::proto::Still;
use std::time::Duration;
use tmuxagent_model::{Awaited, Needs, PaneKey, PaneReader, Reads, SkipReason};

/// The pause between two looks of a send that waits.
const AGAIN: Duration = Duration::from_secs(1);
/// The same while a person types there.
const TYPES: Duration = Duration::from_millis(300);
/// What is over its time limit is taken back by then.
const OVER: Duration = Duration::from_secs(30);

impl HostCore {
    /// The freeze switch holds back what waits here, or lets it go.
    pub fn freeze(&mut self, frozen: bool) {
        self.frozen = frozen;
        self.pump_all();
    }

    /// Whether the pane's next send may go now; otherwise what is missing is asked for. Gives what the guard compares.
    pub(in super::super) fn may_go(&mut self, key: &PaneKey) -> Option<Option<Still>> {
        let lane = self.lanes.get_mut(key)?;
        if self.frozen {
            if lane.waiting.front().is_some_and(|send| send.is_by_hand() && !send.perhaps_typed()) {
                let why = "sending is frozen; `tmuxagent unfreeze` goes on with what is held back";
                self.skip_next(key, SkipReason::Unreachable(why.to_owned()));
                return None;
            }
            // Whether it was typed in an earlier life is known to the pane alone, which types nothing for that.
            if lane.waiting.front()?.perhaps_typed() {
                return Some(Some(Still::never()));
            }
            lane.pause(self.now, AGAIN);
            self.wake_at(self.now + AGAIN);
            self.tell_held(key);
            return None;
        }
        if lane.waiting.front()?.needs().is_nothing() {
            return Some(None);
        }
        if matches!(lane.checked, Checked::Fits(_)) && self.has_begun(key) {
            self.skip_begun(key);
            return None;
        }
        let lane = self.lanes.get_mut(key)?;
        match std::mem::take(&mut lane.checked) {
            Checked::Fits(still) => Some(still),
            Checked::Asked => {
                lane.checked = Checked::Asked;
                None
            }
            Checked::No => {
                lane.checked = Checked::Asked;
                if !self.look_who(key, Why::Send) {
                    self.check_lost(key);
                }
                None
            }
        }
    }

    /// Whether the pane's next send types something once more that has begun meanwhile.
    fn has_begun(&self, key: &PaneKey) -> bool {
        let pane = self.inventory.panes.get(&key.pane).filter(|pane| pane.info.key == *key);
        let send = self.lanes.get(key).and_then(|lane| lane.waiting.front()).filter(|send| !send.perhaps_typed());
        let repeats = send.and_then(|send| send.errand.intent().repeats.as_ref());
        pane.zip(repeats).is_some_and(|(pane, repeats)| pane.voice.marks.may_have_begun(repeats))
    }

    /// A person is asked once more, who knows then.
    fn skip_begun(&mut self, key: &PaneKey) {
        if let Some(pane) = self.inventory.panes.get_mut(&key.pane) {
            pane.voice.marks.forget();
        }
        if let Some(lane) = self.lanes.get_mut(key) {
            lane.waits = None;
        }
        self.tell_awaited(key, None);
        self.skip_next(key, SkipReason::Begun);
    }

    /// Tells what waits while sending is frozen, and who reads meanwhile.
    fn tell_held(&mut self, key: &PaneKey) {
        let pane = self.inventory.panes.get(&key.pane).filter(|pane| pane.info.key == *key);
        let send = self.lanes.get(key).and_then(|lane| lane.waiting.front());
        let Some((pane, send)) = pane.zip(send) else { return };
        let (intent, since) = (send.errand.id().clone(), send.wanted_before().unwrap_or(self.wall));
        let reader = pane.audience.reader.clone();
        self.tell_awaited(key, Some(Awaited { intent, reader, since }));
    }

    pub(super) fn check_lost(&mut self, key: &PaneKey) {
        if let Some(lane) = self.lanes.get_mut(key).filter(|lane| matches!(lane.checked, Checked::Asked)) {
            lane.checked = Checked::No;
            lane.pause(self.now, AGAIN);
            self.wake_at(self.now + AGAIN);
        }
    }

    /// Compares the reader with what the pane's next send needs.
    pub(super) fn check(&mut self, key: &PaneKey, reader: PaneReader, still: Still, typing: bool) {
        let (now, wall, begun) = (self.now, self.wall, self.has_begun(key));
        let Some(lane) = self.lanes.get_mut(key).filter(|lane| matches!(lane.checked, Checked::Asked)) else { return };
        lane.checked = Checked::No;
        if begun {
            return self.skip_begun(key);
        }
        let Some(send) = lane.waiting.front_mut() else { return };
        let over = send.is_over(wall);
        let fit = if over { Fit::NotYet } else { send.fits(&reader) };
        if fit == Fit::Fits && typing && !send.interrupts() && !matches!(send.needs(), Needs::Hand) {
            // A person is at the keys this very second: what he has typed may be on its way still.
            lane.pause(now, TYPES);
            return self.wake_at(now + TYPES);
        }
        if fit == Fit::Fits {
            let agent = self.inventory.panes.get(&key.pane).is_some_and(|pane| pane.agent.is_some());
            send.recognised = agent && reader.reads == Reads::Agent;
            if send.recognised {
                send.for_agent();
            }
            let stands =
                matches!(reader.reads, Reads::Shell | Reads::AgentAsks) || send.recognised || send.answers_row();
            let cursor = still.cursor.filter(|_| stands);
            // Who sends by hand is at the keys himself.
            let activity = still.activity.filter(|_| !matches!(send.needs(), Needs::Hand));
            let edits = still.edits && reader.reads == Reads::Shell;
            let still = Some(Still { cursor, activity, edits, ..still }).filter(|_| !send.interrupts());
            lane.checked = Checked::Fits(still);
            lane.waits = None;
            self.tell_awaited(key, None);
            return self.pump(key);
        }
        if send.perhaps_typed() {
            // Perhaps this very send has changed the reader: the pane's mark tells.
            lane.checked = Checked::Fits(Some(Still::never()));
            return self.pump(key);
        }
        let reason = match fit {
            Fit::Never(reason) => Some(reason),
            // Timers wait for what was printed while nobody read.
            Fit::NotYet if over && now < send.held.unwrap_or(now) + OVER => None,
            Fit::NotYet | Fit::Fits if now >= send.held_until(limit(&reader, send.hold()), now, wall) => {
                Some(not_read(reader.clone()))
            }
            Fit::NotYet | Fit::Fits => None,
        };
        if let Some(reason) = reason {
            lane.waits = None;
            self.tell_awaited(key, None);
            return self.skip_next(key, reason);
        }
        let (intent, since) = (send.errand.id().clone(), send.wanted_before().unwrap_or(wall));
        lane.pause(now, AGAIN);
        let next = lane.looks_again().unwrap_or(now + AGAIN);
        self.wake_at(next);
        self.tell_awaited(key, Some(Awaited { intent, reader, since }));
    }

    /// Tells who is waited for, where that changed.
    pub(in super::super) fn tell_awaited(&mut self, key: &PaneKey, awaited: Option<Awaited>) {
        let Some(lane) = self.lanes.get_mut(key) else { return };
        let awaited = awaited.map(|mut awaited| {
            awaited.since = lane.awaited.as_ref().map_or(awaited.since, |before| before.since);
            awaited
        });
        if lane.awaited == awaited {
            return;
        }
        lane.awaited.clone_from(&awaited);
        self.outlet.put(HostMessage::Awaits { pane: key.clone(), awaited: awaited.map(Box::new) });
    }
}
