//! How a host is reached: looking for its server, and what follows from its coming and going.

use super::claim::{Claim, Standing};
use super::health::LONGEST_PAUSE;
use super::inventory::Entry;
use super::{HostCore, Job, Output};
use crate::HostMessage;
use crate::proto::Version;
use std::time::{Duration, Instant};
use tmuxagent_model::{HostState, PaneId, ServerId, Timestamp};

/// How the host is reached at present.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Link {
    /// Not at all.
    Down,
    /// By control clients: attached, or being attached.
    Control,
    /// By forked commands.
    Polling,
}

/// The server that is observed.
#[derive(Debug, Clone)]
pub(crate) struct Server {
    /// Its identity.
    pub id: ServerId,
    /// Its version, capped by the configuration.
    pub version: Version,
    /// As it writes it.
    pub version_text: String,
    /// `pid` and start time: tells a server that was replaced, whatever it is named.
    pub life: (u32, String),
}

/// What a look for the server found.
#[derive(Debug)]
pub(crate) struct Probed {
    /// The server's version; what it does not tell counts as too old for anything but polling.
    pub version: Option<Version>,
    /// The version as the server writes it.
    pub version_text: String,
    /// All panes of the user's, in each session that shows them.
    pub entries: Vec<Entry>,
    /// Nothing happened among the sessions for [`super::QUIET`].
    pub quiet: bool,
    /// How we stand to its claim; `None` where it can't have one.
    pub claim: Option<Box<Claim>>,
}

/// What is needed to claim a server.
#[derive(Debug)]
pub(crate) struct Claiming {
    /// What is known of its claim.
    pub claim: Claim,
    /// The time, for a lease to begin with.
    pub wall: Timestamp,
}

/// Why nothing was found.
#[derive(Debug)]
pub(crate) enum ProbeError {
    /// No server runs there, or one without any session of the user's.
    NoServer,
    /// It can't be asked; the reason for people.
    Unreachable(String),
}

/// The name of a server: its process and when it began, which no other server on that machine has. So it needs no memory,
/// and one that was taken away is given again.
pub(crate) fn name_of_life((pid, start): &(u32, String)) -> String {
    format!("{pid}-{start}")
}

impl HostCore {
    /// Starts looking for the server.
    pub fn probe(&mut self) {
        self.times.probe = None;
        if self.asks_claim {
            // One look at a time: what it finds is what the next one begins with.
            let at = self.now + Duration::from_millis(100);
            self.times.probe = Some(at);
            self.wake_at(at);
            return;
        }
        self.asks_claim = true;
        let claim = Claiming { claim: self.claim.clone(), wall: self.wall };
        self.outputs.push(Output::Job(Job::Probe { known: self.server.clone(), claim: Box::new(claim) }));
    }

    pub fn probed(&mut self, result: Result<Probed, ProbeError>) {
        tracing::debug!(host = %self.spec.name, link = ?self.link, found = ?result.as_ref().map(|found| found.quiet), "looked");
        self.asks_claim = false;
        if self.link == Link::Control {
            return;
        }
        match result {
            Err(ProbeError::NoServer) => {
                self.forget_server();
                self.say(HostState::NoServer, "no tmux server runs there; it is looked for again");
                self.probe_later(1000);
            }
            Err(ProbeError::Unreachable(why)) => {
                self.lose_host(&why);
                self.probe_later(LONGEST_PAUSE);
            }
            Ok(found) => self.found(found),
        }
    }

    /// A server answered.
    fn found(&mut self, found: Probed) {
        let Some(first) = found.entries.first() else { return };
        let life = first.life();
        let version = found.version;
        // Where nothing may be set its life has to do.
        let named = Some(first.server.clone()).filter(|name| !name.is_empty());
        let full_name = named.unwrap_or_else(|| name_of_life(&life));
        let same = self.server.as_ref().is_some_and(|server| {
            server.life == life && (first.server.is_empty() || server.id.as_str() == first.server)
        });
        if !same {
            // The first server after a start forgets nothing: what an earlier life left open is settled there.
            if self.server.is_some() {
                self.forget_server();
            }
            self.server = Some(Server {
                id: ServerId::new(full_name),
                version: version.unwrap_or(Version::NEWEST),
                version_text: found.version_text.clone(),
                life,
            });
        }
        if let Some(claim) = found.claim {
            self.claim.found(*claim);
            self.tell_claim();
            if *self.claim.standing() == Standing::Same {
                self.look_again();
                return;
            }
        }
        self.awaits_quiet = !found.quiet && !self.attacher.is_hopeless();
        match version {
            Some(version) if version.has_control() && !self.attacher.is_hopeless() => {
                if found.quiet {
                    self.start_control(found.entries);
                } else {
                    self.start_polling(
                        found.entries,
                        "sessions keep changing; tmux before 3.7 is attached to in a quiet moment only, panes are polled until then",
                    );
                }
            }
            Some(version) if version.has_control() => {
                self.start_polling(
                    found.entries,
                    "control mode failed there; panes are polled, and can't be typed into",
                );
            }
            _ => {
                let why = format!(
                    "tmux {} there is older than 3.0; panes are polled, and can't be typed into",
                    if found.version_text.is_empty() { "without a version" } else { &found.version_text }
                );
                self.start_polling(found.entries, &why);
            }
        }
    }

    /// The server is gone or was replaced: its panes are no more.
    pub fn forget_server(&mut self) {
        let panes: Vec<PaneId> = self.inventory.panes.keys().copied().collect();
        panes.into_iter().for_each(|pane| self.drop_pane(pane));
        self.server = None;
        self.claim.forget();
        if self.told_owner.take().is_some() {
            self.outlet.put(HostMessage::Claim(None));
        }
        self.inventory.known.clear();
        self.inventory.strangers.clear();
        self.inventory.shown_by.clear();
        self.inventory.sessions.clear();
        self.inventory.excluded.clear();
        self.inventory.complete = false;
        self.settle_lost("the tmux server ended before it answered");
    }

    /// Nothing is known of the server's panes any more; the claim stays.
    pub fn leave_server(&mut self) {
        self.link = Link::Down;
        let claim = self.claim.clone();
        self.forget_server();
        self.claim = claim;
        self.end_clients();
    }

    /// The server is looked for then.
    pub fn look_at(&mut self, at: Instant) {
        self.times.probe = Some(at);
        self.wake_at(at);
    }

    /// Tells how the host is observed, when that changed.
    pub fn say(&mut self, state: HostState, detail: &str) {
        self.stands = (state, detail.to_owned());
        let version = self.server.as_ref().map_or_else(String::new, |server| server.version_text.clone());
        let (state, detail) = self.as_told(state, detail);
        let status = (state, version, detail);
        if self.status.as_ref() != Some(&status) {
            self.status = Some(status.clone());
            let (state, version, detail) = status;
            self.outlet.put(HostMessage::Status { state, version, detail });
        }
    }
}
