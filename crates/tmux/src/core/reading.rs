//! What panes print: read as it comes, and from captures where reading begins or goes on after a break.

use super::HostCore;
use super::client::ClientId;
use super::history::{self, Capture, Past, Told};
use super::observe::LIST_EVERY;
use super::outlet::Outlet;
use super::pane::{Feed, PAUSE, Pane};
use super::pipes::{PipeId, says_piped};
use crate::proto::Reply;
use std::time::Duration;
use tmuxagent_model::{Event, PaneId, PaneKey};

/// How much output of a pane that no listing has named is kept, bytes.
pub(super) const STRANGER: usize = 1024 * 1024;

impl HostCore {
    /// Output of a pane arrived over a client.
    pub fn output(&mut self, id: ClientId, pane: PaneId, bytes: &[u8]) {
        let Some(watched) = self.inventory.panes.get_mut(&pane) else {
            self.stranger(pane, bytes);
            return;
        };
        // A window that is linked into several sessions is read through one of them.
        if watched.client != Some(id) {
            return;
        }
        if watched.feed == Feed::Stream {
            watched.read(bytes, self.wall, &mut self.outlet);
            self.flowed(pane);
        }
    }

    /// A pane printed: what follows from it is planned.
    pub fn flowed(&mut self, pane: PaneId) {
        let now = self.now;
        let Some(watched) = self.inventory.panes.get_mut(&pane) else { return };
        watched.flowed = Some(now);
        let began = !std::mem::replace(&mut watched.flowing, true);
        let retitled = std::mem::take(&mut watched.voice.retitled);
        if began {
            self.wake_at(now + PAUSE);
            self.inventory.without_news = 0;
        }
        if began || retitled {
            self.list_by(LIST_EVERY);
        }
        if !self.views.is_empty() {
            self.view_touched(pane);
        }
        self.surface_soon();
    }

    /// Output of a pane that no listing has named yet is kept until one does.
    fn stranger(&mut self, pane: PaneId, bytes: &[u8]) {
        if self.inventory.shown_by.contains_key(&pane) || self.inventory.excluded.contains(&pane) || self.makes_up(pane)
        {
            return;
        }
        let kept = self.inventory.strangers.entry(pane).or_default();
        if kept.is_empty() {
            kept.reserve(bytes.len().max(4096));
        }
        let room = STRANGER.saturating_sub(kept.len()).min(bytes.len());
        kept.extend_from_slice(bytes.get(..room).unwrap_or_default());
        if !self.inventory.listing {
            self.list_soon(Duration::ZERO);
        }
    }

    /// The capture that brings a pane up to date arrived.
    pub fn caught_up(&mut self, key: &PaneKey, lines: u32, pipe: Option<PipeId>, reply: &Reply) {
        let Some(capture) = Capture::read(&self.nonce, reply) else {
            // The pane is gone, and the next listing says so.
            self.catch_up_lost(key);
            return self.list_soon(Duration::ZERO);
        };
        self.expect_echoes(key);
        let Some(pane) = self.inventory.panes.get_mut(&key.pane).filter(|pane| pane.info.key == *key) else { return };
        let Feed::CatchingUp(past) = pane.feed.clone() else { return };
        if pipe.is_some() && pane.pipe.as_ref().map(|own| own.id) != pipe {
            // Another capture is under way by now.
            return;
        }
        // Whatever it shows is another process's by now, as the next listing says.
        let (past, other) = if pane.has_in_it(&capture) { (past, false) } else { (Past::Old, true) };
        Self::catch_up(pane, &past, capture, lines, &mut self.outlet);
        if other {
            self.list_soon(Duration::ZERO);
        }
        self.flowed(key.pane);
        self.go_on(key, pipe, says_piped(&self.nonce, reply));
        self.say_live();
        self.pump_all();
    }

    /// The capture that was to bring a pane up to date will not come.
    pub fn catch_up_lost(&mut self, key: &PaneKey) {
        if let Some(pane) = self.inventory.panes.get_mut(&key.pane).filter(|pane| pane.info.key == *key)
            && matches!(pane.feed, Feed::CatchingUp(_))
        {
            pane.unread();
        }
    }

    /// Reads a capture into a pane.
    pub(super) fn catch_up(pane: &mut Pane, past: &Past, capture: Capture, lines: u32, outlet: &mut Outlet) {
        let Pane { reader, voice, lost, .. } = pane;
        let capture = Capture { lost: std::mem::take(lost), ..capture };
        history::catch_up(reader, past, &capture, lines, &mut |told| match told {
            Told::Gap => {
                // As many lines as nobody knows.
                voice.ends += 1;
                outlet.event(Event::Gap { pane: voice.key.clone() });
            }
            Told::Known(line) => voice.keep(line),
            Told::Reading(reading) => voice.tell(reading, outlet),
        });
        if let Some(last) = capture.logical.iter().rev().find(|line| !line.trim().is_empty())
            && voice.last_line.is_empty()
        {
            voice.last_line.clone_from(last);
        }
        voice.changed = true;
        pane.screen = capture.visible;
        pane.begin_position(outlet);
    }
}
