//! Looks at screens: of programs that own theirs, and of the pane that a view shows.

use super::fence::{After, FROM_REPLY};
use super::history::text;
use super::link::Link;
use super::pane::{Feed, PAUSE, Rests, SCREEN_EVERY};
use super::pipes::raw_line;
use super::{HostCore, Purpose};
use crate::HostMessage;
use crate::proto::Reply;
use std::time::Duration;
use std::time::Instant;
use tmuxagent_model::{PaneId, PaneKey};

/// How long output is gathered before a view's screen is captured.
const GATHER: Duration = Duration::from_millis(15);

/// The pane that a view looks at.
#[derive(Debug)]
pub(super) struct View {
    pub pane: PaneKey,
    /// Something may have changed since the last capture was asked for.
    touched: bool,
    /// A capture is under way.
    looking: bool,
    /// No capture before this instant.
    next: Instant,
    rows: Option<Vec<String>>,
}

impl HostCore {
    /// Shows these panes' screens from now on.
    pub fn watch_screens(&mut self, panes: Vec<PaneKey>) {
        let now = self.now;
        let mut before = std::mem::take(&mut self.views);
        for pane in panes {
            let at = before.iter().position(|view| view.pane == pane);
            let looking = at.is_some_and(|at| before.swap_remove(at).looking);
            self.views.push(View { pane, touched: true, looking, next: now, rows: None });
        }
        self.wake_at(now);
    }

    /// Output came to a pane; if a view looks at it, a capture is planned.
    pub fn view_touched(&mut self, pane: PaneId) {
        let next = self.now + GATHER;
        let Some(view) = self.views.iter_mut().find(|view| view.pane.pane == pane && !view.touched) else { return };
        view.touched = true;
        view.next = view.next.max(next);
        let next = view.next;
        self.wake_at(next);
    }

    /// What the pauses of panes make due.
    pub fn tick_panes(&mut self) {
        let (now, clock) = (self.now, self.wall);
        let (mut looks, mut rested, mut asked, mut busy) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let mut wake: Option<Instant> = None;
        let mut plan = |at: Instant| wake = Some(wake.map_or(at, |wake| wake.min(at)));
        for pane in self.inventory.panes.values_mut() {
            if std::mem::take(&mut pane.voice.began) {
                pane.audience.began();
            }
            if pane.voice.restless {
                pane.voice.tell_rest(clock, &mut self.outlet);
                if pane.voice.restless {
                    plan(now + SCREEN_EVERY);
                }
            }
            let (true, Some(flowed)) = (pane.flowing, pane.flowed) else { continue };
            let rests = now.duration_since(flowed) >= PAUSE;
            if rests {
                pane.flowing = false;
                match pane.client.filter(|_| pane.feed == Feed::Stream && pane.rests != Rests::Since(flowed)) {
                    Some(_) if pane.rests == Rests::Asked(flowed) => {}
                    // The rest of a line may be on its way: the answer comes behind all that was printed there.
                    Some(client) => {
                        pane.rests = Rests::Asked(flowed);
                        asked.push((client, pane.info.key.clone(), flowed));
                    }
                    None => {
                        pane.pause(&mut self.outlet);
                        rested.push(pane.info.key.pane);
                    }
                }
            } else {
                plan(flowed + PAUSE);
                if pane.agent.is_some() {
                    busy.push(pane.info.key.pane);
                }
            }
            if pane.reader.wants_screen() && pane.client.is_some() {
                let due = pane.looked.map_or(now, |looked| looked + SCREEN_EVERY);
                if pane.looking || (!rests && due > now) {
                    // The answer of the look under way shows what was before its asking only.
                    pane.flowing = true;
                    plan(due.max(now + PAUSE / 2));
                } else {
                    looks.push(pane.info.key.clone());
                }
            }
        }
        if let Some(at) = wake {
            self.wake_at(at);
        }
        for (client, pane, flowed) in asked {
            self.request(client, "display-message -p \"\"", Purpose::Rest(pane, flowed));
        }
        looks.into_iter().for_each(|pane| self.look(&pane));
        rested.into_iter().for_each(|pane| self.reader_touched(pane));
        busy.into_iter().for_each(|pane| drop(self.look_soon(pane)));
        (0..self.views.len()).for_each(|index| self.tick_view(index));
    }

    /// A pane of another machine had printed nothing more when it was asked, unless something came before the answer.
    pub fn rests(&mut self, key: &PaneKey, since: Instant) {
        let pane = self.inventory.panes.get_mut(&key.pane).filter(|pane| pane.info.key == *key);
        let Some(pane) = pane.filter(|pane| pane.flowed == Some(since) && pane.feed == Feed::Stream) else { return };
        pane.rests = Rests::Since(since);
        pane.pause(&mut self.outlet);
        self.reader_touched(key.pane);
    }

    /// Asks for the screen of a pane that its program owns.
    pub fn look(&mut self, key: &PaneKey) {
        let Some(pane) = self.inventory.panes.get_mut(&key.pane).filter(|pane| pane.info.key == *key) else { return };
        let (Some(client), Feed::Stream | Feed::Piped) = (pane.client, &pane.feed) else { return };
        pane.looking = true;
        pane.looked = Some(self.now);
        let line = self.capture(key.pane, "");
        self.request(client, &line, Purpose::Look(key.clone()));
    }

    /// The command that captures a pane's visible rows.
    pub fn capture(&self, pane: PaneId, flags: &str) -> String {
        format!("{} ; capture-pane -p {flags} -t {pane}", raw_line(&self.nonce))
    }

    /// A look's answer arrived: it counts once all is read that was printed before it, since a screen means nothing but
    /// to the reader that knows whose it is.
    pub fn looked(&mut self, key: &PaneKey, reply: &Reply) {
        match self.rows_of(reply) {
            Some(rows) => self.fence(key, FROM_REPLY, After::Look(rows)),
            None => self.look_lost(key),
        }
    }

    /// Reads the rows of a look.
    pub fn apply_look(&mut self, key: &PaneKey, rows: Vec<String>) {
        let Some(pane) = self.inventory.panes.get_mut(&key.pane).filter(|pane| pane.info.key == *key) else { return };
        pane.looking = false;
        if pane.reader.wants_screen() {
            pane.read_screen(rows, &mut self.outlet);
            self.surface_soon();
        }
    }

    /// No look at a pane is under way any more.
    pub fn look_lost(&mut self, key: &PaneKey) {
        if let Some(pane) = self.inventory.panes.get_mut(&key.pane).filter(|pane| pane.info.key == *key) {
            pane.looking = false;
        }
    }

    fn rows_of(&self, reply: &Reply) -> Option<Vec<String>> {
        reply.announced(&self.nonce).next().map(|block| block.rows.iter().map(|row| text(row)).collect())
    }

    /// Captures a pane in view, if that is due.
    fn tick_view(&mut self, index: usize) {
        let (now, free) = (self.now, self.is_free());
        let Some(view) = self.views.get_mut(index).filter(|view| view.touched && !view.looking) else { return };
        if !free {
            view.next = view.next.max(now + SCREEN_EVERY);
        }
        if view.next > now {
            let next = view.next;
            self.wake_at(next);
            return;
        }
        let key = view.pane.clone();
        let client =
            self.inventory.panes.get(&key.pane).filter(|pane| pane.info.key == key).and_then(|pane| pane.client);
        let (Some(client), Link::Control) = (client, self.link) else { return };
        view.touched = false;
        view.looking = true;
        view.next = now + SCREEN_EVERY;
        let line = self.capture(key.pane, "-e");
        self.request(client, &line, Purpose::View(key));
    }

    /// The capture of a pane in view arrived.
    pub fn viewed(&mut self, key: &PaneKey, reply: &Reply) {
        self.view_lost(key);
        if let Some(rows) = self.rows_of(reply) {
            self.show(key, rows);
        }
    }

    /// Tells the rows of a pane in view, when they changed.
    pub fn show(&mut self, key: &PaneKey, rows: Vec<String>) {
        let Some(view) = self.views.iter_mut().find(|view| view.pane == *key) else { return };
        if view.rows.as_ref() != Some(&rows) {
            view.rows = Some(rows.clone());
            self.outlet.put(HostMessage::Screen { pane: key.clone(), rows });
        }
    }

    /// No capture of a pane in view is under way any more.
    pub fn view_lost(&mut self, key: &PaneKey) {
        let Some(view) = self.views.iter_mut().find(|view| view.pane == *key) else { return };
        view.looking = false;
        if view.touched {
            let next = view.next;
            self.wake_at(next);
        }
    }

    /// Panes got their clients: views that have seen nothing may look now.
    pub fn views_ready(&mut self) {
        let mut waiting = self.views.iter_mut().filter(|view| view.rows.is_none() && !view.looking).peekable();
        if waiting.peek().is_some() {
            waiting.for_each(|view| view.touched = true);
            self.wake_at(self.now);
        }
    }
}
