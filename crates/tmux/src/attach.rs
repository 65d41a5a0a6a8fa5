//! When and where control clients are attached. See the module's invariants: one after another, in quiet moments.

use super::claim::Standing;
use super::client::{Client, ClientId};
use super::health::{FLAPPING, LONGEST_PAUSE};
use super::host::{Attached, Host, Purpose};
use super::inventory::{Entry, subscription_format};
use super::link::Link;
use super::pane::{Feed, Pane};
use super::probe::{CLIENT_MARK, IDENTITY, QUIET, client_owner};
use super::proto::{Reply, Version, quote};
use super::{Refusal, Transport};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::time::Duration;
use tmuxagent_model::{HostState, SessionId};
use tokio::time::Instant;

/// After so many attempts in a row that failed, the panes are polled for a while.
const HOPELESS: u32 = 4;
/// The longest pause before a session is tried again from which our client was sent away.
const LONGEST: Duration = Duration::from_secs(60);

/// What is remembered between attempts.
#[derive(Debug)]
pub(super) struct Attacher {
    /// When something last happened among the sessions.
    event: Instant,
    /// Attempts that failed in a row.
    failed: u32,
    /// Sessions that are not to be tried before an instant, and how often they sent us away.
    barred: HashMap<SessionId, (u32, Instant)>,
}

impl Attacher {
    pub fn new(now: Instant) -> Self {
        Self { event: now, failed: 0, barred: HashMap::new() }
    }

    /// Something happened among the sessions that makes attaching dangerous.
    pub const fn disturbed(&mut self, now: Instant) {
        self.event = now;
    }

    /// Whether control mode fails there.
    pub const fn is_hopeless(&self) -> bool {
        self.failed >= HOPELESS
    }

    /// Tries control mode again after a while of polling.
    pub const fn hope(&mut self) {
        self.failed = 0;
    }

    fn bar(&mut self, session: SessionId, now: Instant) {
        let (times, until) = self.barred.entry(session).or_insert((0, now));
        let pause = Duration::from_secs(1 << (*times).min(6)).min(LONGEST);
        *times += 1;
        *until = now + pause;
    }
}

impl Host {
    /// Control mode can be used: the panes are known, and clients are attached next.
    pub fn start_control(&mut self, entries: Vec<Entry>) {
        self.link = Link::Control;
        // What was polled until now is brought up to date over the client that reads it from now on.
        self.panes.values_mut().filter(|pane| pane.feed == Feed::Polled).for_each(Pane::unread);
        self.forgive(Instant::now());
        self.apply(entries);
        self.plan_upkeep();
        self.attach_soon();
    }

    /// Attaches as soon as it may.
    pub fn attach_soon(&mut self) {
        let now = Instant::now();
        self.times.attach = Some(now);
        self.wake_at(now);
    }

    /// Attaches to the next session that needs it, if the moment is right.
    pub fn attach_next(&mut self, now: Instant) {
        let Some(server) = self.server.as_ref().filter(|_| self.link == Link::Control) else { return };
        if self.clients.values().any(|attached| attached.session.is_none()) {
            // Its arrival or end brings us here again.
            return;
        }
        let version = server.version;
        let calm = self.attacher.event + QUIET;
        if version < Version::MENDED && calm > now && !self.clients.is_empty() {
            self.times.attach = Some(calm);
            self.wake_at(calm);
            return;
        }
        let mut later: Option<Instant> = None;
        let mut wanted = self.wanted_sessions();
        let unwanted = wanted.is_empty();
        wanted.retain(|session| match self.attacher.barred.get(session) {
            Some((_, until)) if *until > now => {
                later = Some(later.map_or(*until, |at| at.min(*until)));
                false
            }
            _ => true,
        });
        // A bare `tmux attach` takes the session with the latest activity, and attaching counts as such.
        wanted.sort_by_key(|session| self.sessions.get(session).copied().unwrap_or(0));
        if let Some(&session) = wanted.first() {
            self.attach(session, false, version, now);
        } else if unwanted
            && self.clients.is_empty()
            && let Some(&session) = self.sessions.keys().next()
        {
            self.attach(session, true, version, now);
        } else if let Some(at) = later {
            self.times.attach = Some(at);
            self.wake_at(at);
        }
    }

    /// Sessions with panes that no client reads.
    fn wanted_sessions(&self) -> Vec<SessionId> {
        let read: BTreeSet<SessionId> = self
            .clients
            .values()
            .filter(|attached| !attached.lookout)
            .filter_map(|attached| attached.session)
            .collect();
        let panes = self.panes.values().filter(|pane| pane.client.is_none());
        let wanted: BTreeSet<SessionId> = panes.map(|pane| pane.info.session_id).collect();
        wanted.difference(&read).copied().collect()
    }

    fn attach(&mut self, session: SessionId, lookout: bool, version: Version, now: Instant) {
        let target = session.to_string();
        let mut words = vec!["attach-session", "-E", "-t", &target];
        let mut flags = Vec::new();
        if version.is_full() {
            flags.push("-N");
            words.extend(["-f", if lookout { "ignore-size,no-output" } else { "ignore-size" }]);
        }
        let argv = self.spec.transport.control(&flags, &words);
        self.next_client += 1;
        let id = ClientId(self.next_client);
        tracing::debug!(host = %self.spec.name, %session, lookout, client = id.0, "attaching");
        match Client::spawn(id, &argv, self.nonce.clone(), self.arrivals.clone()) {
            Ok(client) => {
                let attached = Attached {
                    client,
                    wanted: session,
                    session: None,
                    lookout: lookout && version.is_full(),
                    listed: false,
                    paused: HashSet::new(),
                    leaving: false,
                    pid: None,
                    exit: None,
                    started: now,
                };
                self.clients.insert(id, attached);
            }
            Err(error) => {
                self.attacher.failed += 1;
                self.attacher.bar(session, now);
                self.link = Link::Down;
                self.lose_host(&format!("tmux can't be started: {error}"));
                self.probe_later(30_000);
            }
        }
    }

    /// tmux says to which session a client is attached now.
    pub fn session_changed(&mut self, id: ClientId, session: SessionId) {
        let taken = self.clients.iter().any(|(&other, attached)| {
            other != id && attached.session == Some(session) && !attached.lookout && !attached.leaving
        });
        let Some(attached) = self.clients.get_mut(&id) else { return };
        let before = attached.session.replace(session);
        tracing::debug!(host = %self.spec.name, %session, client = id.0, "attached");
        attached.paused.clear();
        attached.listed = false;
        match before {
            None => self.arrived_at(id),
            Some(before) if before != session => {
                // Its session ended and tmux moved it here (`detach-on-destroy off`).
                self.attacher.disturbed(self.now);
                self.unassign(id);
                if taken {
                    self.dismiss(id);
                }
                self.list_soon(Duration::ZERO);
            }
            Some(_) => {}
        }
    }

    /// A client was attached: it is marked as ours, and everything is listed.
    fn arrived_at(&mut self, id: ClientId) {
        self.attacher.failed = 0;
        // A link that comes and goes is tried again sooner than a host that is down.
        self.failures = self.failures.min(FLAPPING);
        if self.clients.len() == 1 {
            // Nothing told us of events until now.
            self.attacher.disturbed(self.now);
        }
        self.request(id, "display-message -p '#{client_pid}'", Purpose::Introduce);
        self.lead_by(id);
        let detail = match &self.server {
            Some(server) if server.version < Version::FULL => {
                "tmux before 3.2 tells less by itself: changes among the panes are looked for every two seconds"
            }
            Some(server) if server.version < Version::MENDED => {
                "tmux 3.7 or later is advised: earlier versions can crash when clients attach, and are slower to read"
            }
            _ => "",
        };
        self.say(HostState::Live, detail);
        self.list_soon(Duration::ZERO);
        self.attach_soon();
    }

    /// Gives the server its identity back, unless it has one.
    pub fn name_again(&mut self) {
        let (Some(server), Some(&id)) = (&self.server, self.clients.keys().next()) else { return };
        let line = format!("set-option -soq {IDENTITY} {}", quote(server.id.as_str()));
        self.request(id, &line, Purpose::Nothing);
    }

    /// Makes a client carry the subscription, if none does.
    fn lead_by(&mut self, id: ClientId) {
        if self.lead.is_some() || !self.server.as_ref().is_some_and(|server| server.version.is_full()) {
            return;
        }
        self.lead = Some(id);
        let what = quote(format!("tmuxagent::{}", subscription_format(&self.nonce)));
        self.request(id, &format!("refresh-client -B {what}"), Purpose::Nothing);
    }

    /// The client's process id on its host is known.
    pub fn introduced(&mut self, id: ClientId, reply: &Reply) {
        let pid = reply.rows().next().and_then(|row| std::str::from_utf8(row).ok()?.parse::<u32>().ok());
        let Some(pid) = pid else { return };
        if let Some(attached) = self.clients.get_mut(&id) {
            attached.pid = Some(pid);
        }
        let line = format!("set-option -s {CLIENT_MARK}{pid} {}", quote(client_owner(&self.spec.owner)));
        self.request(id, &line, Purpose::Nothing);
        self.leave_no_orphans();
    }

    /// Tells a client to leave.
    pub fn dismiss(&mut self, id: ClientId) {
        if let Some(attached) = self.clients.get_mut(&id)
            && !attached.leaving
        {
            attached.leaving = true;
            self.request(id, "detach-client", Purpose::Nothing);
        }
    }

    /// A client's process ended.
    pub fn client_ended(&mut self, id: ClientId, error: &str) {
        let Some(mut attached) = self.clients.remove(&id) else { return };
        tracing::debug!(host = %self.spec.name, client = id.0, error, said = attached.exit, "a client ended");
        self.attacher.disturbed(self.now);
        for purpose in attached.client.abandon() {
            self.abandoned(&purpose);
        }
        self.unassign(id);
        if self.lead == Some(id) {
            self.lead = None;
            let next = self.clients.iter().find(|(_, other)| other.session.is_some() && !other.leaving);
            if let Some(next) = next.map(|(&next, _)| next) {
                self.lead_by(next);
            }
        }
        if attached.session.is_none() {
            self.attacher.failed += 1;
        }
        if !attached.leaving {
            self.attacher.bar(attached.wanted, self.now);
        }
        if self.clients.is_empty() {
            self.link = Link::Down;
            self.complete = false;
            self.times.attach = None;
            let said = attached.exit.as_deref().unwrap_or(error);
            tracing::debug!(host = %self.spec.name, said, "the last control client ended");
            match &self.spec.transport {
                Transport::Local { .. } => self.probe_later(1000),
                Transport::Ssh { target, .. } => {
                    // tmux says `%exit` when it is tmux that ends.
                    if attached.exit.is_none() && *self.claim.standing() != Standing::Same {
                        let why = match attached.session {
                            Some(_) => "the connection was lost; it is made again".to_owned(),
                            None => Refusal::of_ssh(target, error).to_string(),
                        };
                        self.lose_host(&why);
                        // It was the link that ended, nobody sent us away.
                        self.attacher.barred.clear();
                    }
                    self.probe_later(LONGEST_PAUSE);
                }
            }
            return;
        }
        if let Some(pid) = attached.pid
            && let Some(&other) = self.clients.keys().next()
        {
            self.request(other, &format!("set-option -s -u {CLIENT_MARK}{pid}"), Purpose::Nothing);
        }
        self.list_soon(Duration::ZERO);
        self.attach_soon();
    }

    /// A request will not be answered any more.
    fn abandoned(&mut self, purpose: &Purpose) {
        match purpose {
            Purpose::List => self.listing = false,
            Purpose::Send(pane) => self.send_lost(pane),
            Purpose::View(pane) => self.view_lost(pane),
            // The panes of the client are read anew as a whole.
            Purpose::CatchUp(..) | Purpose::Look(_) | Purpose::Taken(_) | Purpose::Move(..) => {}
            // Whoever looks for the server next looks at its claim.
            Purpose::Introduce | Purpose::Claim(_) | Purpose::Nothing => {}
        }
    }
}
