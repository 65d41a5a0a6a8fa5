//! Reading panes by repeated captures: all of them where control mode can't be used (nothing is typed and nothing is set
//! then), and those that have a pipe of the user's.

use super::health::LONGEST_PAUSE;
use super::history::{Capture, Past, capture_line};
use super::inventory::Entry;
use super::link::{Link, ProbeError};
use super::pane::{Feed, Pane};
use super::pipes::is_polled;
use super::{HostCore, Job, Output, Purpose};
use crate::proto::Reply;
use std::time::Duration;
use tmuxagent_model::{HostState, Millis, PaneId, PaneKey};

/// How often a quiet moment to attach is looked for.
const NEXT_MOMENT: Duration = Duration::from_secs(1);
/// How often control mode is tried again where it failed.
const TRY_AGAIN: Duration = Duration::from_secs(60);
/// How many rows of history a poll looks at beside the screen.
pub(crate) const ROWS: u32 = 200;

impl HostCore {
    /// How long one polling round may wait for the next.
    pub(super) fn poll_interval(&self) -> Duration {
        Millis(self.spec.poll_interval.0.max(100)).to_std()
    }

    /// Control mode can't be used now: the panes are polled.
    pub fn start_polling(&mut self, entries: Vec<Entry>, why: &str) {
        let began = self.link != Link::Polling;
        self.link = Link::Polling;
        self.forgive();
        self.say(HostState::Polling, why);
        self.apply(entries);
        if began {
            self.plan_upkeep();
            self.poll_again();
        }
        if self.server.as_ref().is_some_and(|server| server.version.has_control()) {
            self.attacher.hope();
            let at = self.now + if self.awaits_quiet { NEXT_MOMENT } else { TRY_AGAIN };
            self.times.probe = Some(at);
            self.wake_at(at);
        }
    }

    fn poll_again(&mut self) {
        let at = self.now + self.poll_interval();
        self.times.poll = Some(at);
        self.wake_at(at);
    }

    /// Starts one round.
    pub fn poll(&mut self) {
        match self.link {
            Link::Polling => self.outputs.push(Output::Job(Job::List)),
            Link::Control => self.poll_piped_elsewhere(),
            Link::Down => {}
        }
    }

    /// A pane is read by captures from now on.
    pub fn polled_now(&mut self) {
        self.say_live();
        if self.times.poll.is_none() && self.link == Link::Control {
            self.poll_again();
        }
    }

    /// Which panes of this machine are read by captures, and why.
    pub fn says_polled(&self) -> Option<String> {
        let refused = |id: &PaneId| {
            let pane = self.inventory.panes.get(id).filter(|pane| !pane.has_pipe && !self.pipes.left);
            let none = self.piping.is_none() || !self.pipes.kept;
            pane.is_some_and(|pane| none || pane.refused.is_some_and(|until| until > self.now))
        };
        let (unread, piped): (Vec<PaneId>, Vec<PaneId>) = self.polled_panes().partition(refused);
        Some(match (&piped[..], &unread[..]) {
            ([], []) => return None,
            ([first], _) => format!("{first} has a pipe that is not ours, so its screen is read now and then"),
            ([first, rest @ ..], _) => {
                format!(
                    "{first} and {} more have pipes that are not ours, so their screens are read now and then",
                    rest.len()
                )
            }
            ([], [one]) => format!("{one} can't be read by a pipe of ours, so its screen is read now and then"),
            ([], [first, rest @ ..]) => {
                format!(
                    "{first} and {} more can't be read by pipes of ours, so their screens are read now and then",
                    rest.len()
                )
            }
        })
    }

    /// Captures the panes that have a pipe of the user's; those that have none any more get ours.
    fn poll_piped_elsewhere(&mut self) {
        let panes: Vec<PaneId> = self.polled_panes().collect();
        if panes.is_empty() || !self.spec.transport.is_local() {
            return self.say_live();
        }
        let now = self.now;
        for id in panes {
            let Some(pane) = self.inventory.panes.get_mut(&id) else { continue };
            let free = !pane.has_pipe
                && self.piping.is_some()
                && self.pipes.kept
                && !self.pipes.left
                && pane.refused.is_none_or(|until| until <= now);
            if free {
                pane.unread();
                self.open_pipe(id);
            } else if !pane.polling {
                let key = pane.info.key.clone();
                self.poll_pane(&key);
            }
        }
        self.poll_again();
    }

    /// Captures one pane over the client.
    pub fn poll_pane(&mut self, key: &PaneKey) {
        let Some(pane) = self.inventory.panes.get_mut(&key.pane).filter(|pane| is_polled(pane)) else { return };
        let Some(client) = pane.client else { return };
        pane.polling = true;
        let line = capture_line(&self.nonce, key.pane, ROWS);
        self.request(client, &line, Purpose::Poll(key.clone()));
    }

    /// A capture of a pane with a pipe of the user's arrived.
    pub fn poll_replied(&mut self, key: &PaneKey, reply: &Reply) {
        self.poll_lost(key);
        if let Some(capture) = Capture::read(&self.nonce, reply) {
            self.take_capture(key, capture);
            self.surface_soon();
        }
    }

    /// No capture of a pane is under way any more.
    pub fn poll_lost(&mut self, key: &PaneKey) {
        if let Some(pane) = self.inventory.panes.get_mut(&key.pane) {
            pane.polling = false;
        }
    }

    /// The round's listing arrived: its panes are captured.
    pub fn polled(&mut self, result: Result<Vec<Entry>, ProbeError>) {
        if self.link != Link::Polling {
            return;
        }
        let entries = match result {
            Ok(entries) => entries,
            Err(error) => {
                self.link = Link::Down;
                match error {
                    ProbeError::NoServer => {
                        self.forget_server();
                        self.say(HostState::NoServer, "no tmux server runs there; it is looked for again");
                    }
                    ProbeError::Unreachable(why) => self.lose_host(&why),
                }
                self.probe_later(if self.spec.transport.is_local() { 1000 } else { LONGEST_PAUSE });
                return;
            }
        };
        let life = entries.first().map(Entry::life);
        if self.server.as_ref().map(|server| &server.life) != life.as_ref() {
            self.link = Link::Down;
            self.forget_server();
            self.probe();
            return;
        }
        self.apply(entries);
        // What has a pipe of ours is read by that, whether a client is attached or not.
        let polled = self.inventory.panes.values().filter(|pane| pane.feed != Feed::Piped);
        let panes: Vec<PaneKey> = polled.map(|pane| pane.info.key.clone()).collect();
        self.outputs.push(Output::Job(Job::Capture(panes)));
    }

    /// The round's captures arrived.
    pub fn captured(&mut self, captures: Result<Vec<(PaneKey, Capture)>, ProbeError>) {
        if self.link != Link::Polling {
            return;
        }
        let captures = match captures {
            Ok(captures) => captures,
            Err(error) => return self.polled(Err(error)),
        };
        // Before 3.0 `capture-pane -J` fills lines up with blanks that nobody printed.
        let padded = self.server.as_ref().is_some_and(|server| !server.version.has_control());
        for (key, mut capture) in captures {
            if padded {
                capture.logical.iter_mut().for_each(|line| line.truncate(line.trim_end().len()));
            }
            self.take_capture(&key, capture);
        }
        self.surface_soon();
        self.poll_again();
    }

    /// Reads a pane's capture.
    fn take_capture(&mut self, key: &PaneKey, capture: Capture) {
        let Some(pane) = self.inventory.panes.get_mut(&key.pane).filter(|pane| pane.info.key == *key) else { return };
        if !pane.has_in_it(&capture) {
            // Another process was put into it, as the next listing says.
            return self.list_soon(Duration::ZERO);
        }
        let past = match &pane.feed {
            Feed::Unread(past) | Feed::CatchingUp(past) => past.clone(),
            Feed::Polled if pane.screen == capture.visible => return,
            Feed::Stream | Feed::Polled => {
                pane.voice.last_output = Some(self.wall);
                Past::Read
            }
            Feed::Piped => return,
        };
        pane.feed = Feed::Polled;
        Self::catch_up(pane, &past, capture, ROWS, &mut self.outlet);
        Self::open_line_changed(pane, &past, &mut self.outlet);
        if self.views.iter().any(|view| view.pane == *key) && self.link == Link::Polling {
            let rows = pane.screen.clone();
            self.show(key, rows);
        }
    }

    /// An unterminated line counts once it stands as it did at the last look.
    fn open_line_changed(pane: &mut Pane, past: &Past, outlet: &mut super::Outlet) {
        let open = pane.screen.last().cloned().unwrap_or_default();
        if *past != Past::Old && open != pane.polled {
            pane.pause(outlet);
        }
        pane.polled = open;
    }
}
