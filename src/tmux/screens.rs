//! Looks at screens: of programs that own theirs, and of the pane that a view shows.

use super::HostMessage;
use super::history::text;
use super::host::{Host, Link, Purpose};
use super::pane::{Feed, PAUSE, SCREEN_EVERY};
use super::proto::{Parser, Reply};
use crate::model::{PaneId, PaneKey};
use std::time::Duration;
use tokio::time::Instant;

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

impl Host {
    /// Shows a pane's screen from now on.
    pub fn watch_screen(&mut self, pane: Option<PaneKey>) {
        let now = Instant::now();
        self.view = pane.map(|pane| View { pane, touched: true, looking: false, next: now, rows: None });
        self.wake_at(now);
    }

    /// Output came to a pane; if it is the one in view, a capture is planned.
    pub fn view_touched(&mut self, pane: PaneId) {
        let Some(view) = self.view.as_mut().filter(|view| view.pane.pane == pane) else { return };
        if !view.touched {
            view.touched = true;
            view.next = view.next.max(self.now + GATHER);
            let next = view.next;
            self.wake_at(next);
        }
    }

    /// What the pauses of panes make due.
    pub fn tick_panes(&mut self, now: Instant) {
        let clock = self.clock.now();
        let mut looks = Vec::new();
        let mut wake: Option<Instant> = None;
        let mut plan = |at: Instant| wake = Some(wake.map_or(at, |wake| wake.min(at)));
        for pane in self.panes.values_mut() {
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
                pane.pause(&mut self.outlet);
            } else {
                plan(flowed + PAUSE);
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
        looks.into_iter().for_each(|pane| self.look(&pane));
        self.tick_view(now);
    }

    /// Asks for the screen of a pane that its program owns.
    pub fn look(&mut self, key: &PaneKey) {
        let Some(pane) = self.panes.get_mut(&key.pane).filter(|pane| pane.info.key == *key) else { return };
        let (Some(client), Feed::Stream | Feed::Piped) = (pane.client, &pane.feed) else { return };
        pane.looking = true;
        pane.looked = Some(Instant::now());
        let line = self.capture(key.pane, "");
        self.request(client, &line, Purpose::Look(key.clone()));
    }

    /// The command that captures a pane's visible rows.
    fn capture(&self, pane: PaneId, flags: &str) -> String {
        let raw = Parser::raw_mark(&self.nonce);
        format!("display-message -p \"{raw}\" ; capture-pane -p {flags} -t {pane}")
    }

    /// A look's answer arrived.
    pub fn looked(&mut self, key: &PaneKey, reply: &Reply) {
        let rows = self.rows_of(reply);
        let Some(pane) = self.panes.get_mut(&key.pane).filter(|pane| pane.info.key == *key) else { return };
        pane.looking = false;
        if let Some(rows) = rows {
            pane.read_screen(rows, &mut self.outlet);
            self.surface_soon();
        }
    }

    fn rows_of(&self, reply: &Reply) -> Option<Vec<String>> {
        reply.announced(&self.nonce).next().map(|block| block.rows.iter().map(|row| text(row)).collect())
    }

    /// Captures the pane in view, if that is due.
    fn tick_view(&mut self, now: Instant) {
        let Some(view) = self.view.as_mut().filter(|view| view.touched && !view.looking) else { return };
        if view.next > now {
            let next = view.next;
            self.wake_at(next);
            return;
        }
        if !self.outlet.is_free() {
            view.next = now + SCREEN_EVERY;
            self.wake_at(now + SCREEN_EVERY);
            return;
        }
        let key = view.pane.clone();
        let client = self.panes.get(&key.pane).filter(|pane| pane.info.key == key).and_then(|pane| pane.client);
        let (Some(client), Link::Control) = (client, self.link) else { return };
        view.touched = false;
        view.looking = true;
        view.next = now + SCREEN_EVERY;
        let line = self.capture(key.pane, "-e");
        self.request(client, &line, Purpose::View(key));
    }

    /// The capture of the pane in view arrived.
    pub fn viewed(&mut self, key: &PaneKey, reply: &Reply) {
        self.view_lost();
        if let Some(rows) = self.rows_of(reply) {
            self.show(key, rows);
        }
    }

    /// Tells the rows of the pane in view, when they changed.
    pub fn show(&mut self, key: &PaneKey, rows: Vec<String>) {
        let Some(view) = self.view.as_mut().filter(|view| view.pane == *key) else { return };
        if view.rows.as_ref() != Some(&rows) {
            view.rows = Some(rows.clone());
            self.outlet.put(HostMessage::Screen { pane: key.clone(), rows });
        }
    }

    /// No capture of the pane in view is under way any more.
    pub fn view_lost(&mut self) {
        if let Some(view) = &mut self.view {
            view.looking = false;
            if view.touched {
                let next = view.next;
                self.wake_at(next);
            }
        }
    }

    /// A pane got its client: the view may look now.
    pub fn view_ready(&mut self) {
        if let Some(view) = self.view.as_mut().filter(|view| view.rows.is_none()) {
            view.touched = true;
            self.wake_at(Instant::now());
        }
    }
}
