//! Whether the host still answers, and when it is tried again.

use super::client::ClientId;
use super::link::Link;
use super::{HostCore, Job, Output, Purpose};
use std::time::Duration;
use tmuxagent_model::{Event, HostState, PaneId};

/// How long a client may take to arrive.
const STUCK: Duration = Duration::from_secs(15);
/// Output of so many panes at once that no listing has named yet is kept; a server that names more makes them up.
const STRANGERS: usize = 32;
/// Why a host is given up whose tmux does not stop answering.
const ENDLESS: &str = "its tmux answers without end, so it is no tmux that can be watched; it is tried again later";
/// Failures that still count for a link which was up a moment ago: the next pause is four seconds at most.
pub(super) const FLAPPING: u32 = 4;
/// A link that stood for so long has mended.
const STEADY: Duration = Duration::from_secs(20);

/// How clients are looked after.
pub(super) struct Rhythm {
    /// How often.
    pub check: Duration,
    /// One that was silent for longer is asked something.
    silent: Duration,
    /// One may be silent for so long while an answer is due.
    stuck: Duration,
}
/// On this machine only a stuck server is silent.
const AT_HAND: Rhythm =
    Rhythm { check: Duration::from_secs(5), silent: Duration::from_secs(60), stuck: Duration::from_secs(15) };
/// A link dies without a word; ssh finds that out after six seconds, and this does where ssh was told not to: at the
/// latest `silent` and `stuck` and two checks after the last word, which is less than ten seconds.
const FAR: Rhythm =
    Rhythm { check: Duration::from_millis(500), silent: Duration::from_secs(2), stuck: Duration::from_secs(5) };
/// The longest pause between two attempts to reach a host, milliseconds.
pub(super) const LONGEST_PAUSE: u64 = 20_000;

impl HostCore {
    /// Plans the next look for the server: with growing pauses, no longer than `most` milliseconds.
    pub fn probe_later(&mut self, most: u64) {
        let pause = (250u64 << self.failures.min(10)).min(most);
        self.failures += 1;
        // Hosts that vanished together need not come back in step.
        let at =
            self.now + Duration::from_millis(pause + jitter(self.next_random(), pause, self.spec.transport.is_local()));
        self.times.probe = Some(at);
        self.wake_at(at);
    }

    /// The host can't be asked: its panes are stale.
    pub fn lose_host(&mut self, why: &str) {
        let known = self.status.as_ref().is_some_and(|(state, ..)| *state == HostState::Unreachable);
        if !known && !self.inventory.panes.is_empty() {
            self.outlet.event(Event::HostLost { host: self.spec.name.clone() });
        }
        for pane in self.inventory.panes.values_mut() {
            (pane.stale, pane.voice.agent_told) = (true, false);
        }
        self.link = Link::Down;
        self.up_since = None;
        self.lost_at = self.lost_at.or(Some(self.now));
        self.inventory.complete = false;
        self.say(HostState::Unreachable, why);
    }

    /// Ends clients that no longer answer.
    pub fn check_clients(&mut self) {
        let now = self.now;
        let rhythm = self.rhythm();
        self.times.check = Some(now + rhythm.check);
        // After a pause of this whole process what was said meanwhile is read first.
        let late = now.duration_since(std::mem::replace(&mut self.last_check, now)) > rhythm.check * 3;
        if late {
            return;
        }
        let (mut hung, mut quiet) = (false, Vec::new());
        for (&id, attached) in &self.clients {
            let late = attached.session.is_none() && now.duration_since(attached.started) > STUCK;
            let stuck = attached.client.is_stuck(now, rhythm.stuck);
            hung |= stuck;
            if late || stuck {
                if attached.client.has_begun() {
                    self.outputs.push(Output::Kill(id));
                }
            } else if now.duration_since(attached.client.heard) > rhythm.silent {
                quiet.push(id);
            }
        }
        quiet.into_iter().for_each(|id| self.request(id, "display-message -p \"\"", Purpose::Nothing));
        if let Some(words) = self.spec.transport.hang_up().filter(|_| hung) {
            // The shared connection hangs as well; what comes next shall make a new one.
            self.outputs.push(Output::Job(Job::HangUp(words)));
        }
        if self.up_since.is_some_and(|since| now.duration_since(since) > STEADY) {
            self.failures = 0;
        }
    }

    /// Whether a pane that no listing has named is one too many.
    pub fn makes_up(&self, pane: PaneId) -> bool {
        self.inventory.strangers.len() >= STRANGERS && !self.inventory.strangers.contains_key(&pane)
    }

    /// A client whose replies do not end is ended, and with the last of them the host is given up for a while.
    pub fn end_endless(&mut self, id: ClientId) {
        self.outputs.push(Output::Kill(id));
        self.client_ended(id, ENDLESS);
        if self.clients.is_empty() {
            self.lose_host(ENDLESS);
        }
    }

    /// A host was reached: once it has been so for a while, its earlier failures no longer count.
    pub fn forgive(&mut self) {
        self.up_since = Some(self.now);
        self.lost_at = None;
        if self.spec.transport.is_local() {
            self.failures = 0;
        }
    }

    /// How its clients are looked after.
    pub(super) const fn rhythm(&self) -> Rhythm {
        if self.spec.transport.is_local() { AT_HAND } else { FAR }
    }
}

/// How much longer a pause of so many milliseconds becomes.
fn jitter(random: u64, pause: u64, local: bool) -> u64 {
    (random & 0xff) * pause / if local { 1024 } else { 256 }
}
