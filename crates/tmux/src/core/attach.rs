//! When and where control clients are attached: one after another, in quiet moments.
//!
//! On this machine **one client, in a session of its own**, is enough: panes are read by their pipes, and notifications
//! and replies come to it for the whole server. The user's sessions are not attached to by it, keep the flags of their
//! windows and their `destroy-unattached`; and it gets no `%output`, with which every tmux before 3.8 can crash when a busy
//! pane is respawned. What runs in its session is the keeper, which ends with the supervisor, also after a `kill -9`, and
//! its session with it. (`destroy-unattached` would do the same and can crash any tmux: while a client leaves, another one
//! that ends makes tmux destroy the session under it.) When no session of the user's is left ours is ended.
//!
//! On another machine descriptors can't be had, so there is one client for each session, which gets its panes' output.

use super::claim::Standing;
use super::client::{Client, ClientId};
use super::health::{FLAPPING, LONGEST_PAUSE};
use super::inventory::{ALONE, Entry, OWN_MARK, news_format};
use super::link::Link;
use super::observe::NEWS;
use super::pane::{Feed, Pane, Rests};
use super::pipes::KEEPER;
use super::{CLIENT_MARK, HostCore, IDENTITY, Output, Purpose, QUIET};
use crate::proto::{Reply, Version, quote};
use crate::transport::login_line;
use crate::{Refusal, Transport};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::time::{Duration, Instant};
use tmuxagent_model::{HostState, Owner, PaneId, SessionId};

/// After so many attempts in a row that failed, the panes are polled for a while.
const HOPELESS: u32 = 4;
/// The longest pause before a session is tried again from which our client was sent away.
const LONGEST: Duration = Duration::from_secs(60);

/// Where a client is attached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Seat {
    /// In a session of its own: it gets notifications and replies.
    Own,
    /// In a session of the user's, whose panes are read through it.
    Of(SessionId),
    /// In a session of the user's of which nothing is watched, for notifications.
    Lookout(SessionId),
}

/// A control client and what it is attached to.
#[derive(Debug)]
pub(super) struct Attached {
    pub client: Client<Purpose>,
    pub seat: Seat,
    /// The session that it is attached to, once tmux has said so.
    pub session: Option<SessionId>,
    /// A listing was read after it was attached: panes that appear later are in its stream from their first byte.
    pub listed: bool,
    /// Panes whose output it was told not to send.
    pub paused: HashSet<PaneId>,
    /// It was told to leave.
    pub leaving: bool,
    /// Its process id on the host, once it has said so.
    pub pid: Option<u32>,
    /// tmux said that it ends it, and why.
    pub exit: Option<String>,
    pub started: Instant,
}

impl Attached {
    /// Whether it can be asked something.
    pub const fn is_ready(&self) -> bool {
        self.session.is_some() && !self.leaving
    }

    /// Whether the panes of that session are read through it.
    pub fn reads(&self, session: SessionId) -> bool {
        self.session == Some(session) && matches!(self.seat, Seat::Of(_)) && !self.leaving
    }
}

/// What is remembered between attempts.
#[derive(Debug)]
pub(super) struct Attacher {
    /// When something last happened among the sessions.
    event: Instant,
    /// Attempts that failed in a row.
    failed: u32,
    /// Seats that are not to be tried before an instant, and how often they sent us away.
    barred: HashMap<Seat, (u32, Instant)>,
    /// The client that carries the server-wide subscription.
    lead: Option<ClientId>,
    /// No client is attached before.
    not_before: Instant,
}

/// Whose a client is: a supervisor, and which process of it.
pub(crate) fn client_owner(owner: &Owner) -> String {
    format!("{}.{}-{}", owner.instance, owner.pid, owner.started)
}

impl Attacher {
    pub fn new(now: Instant) -> Self {
        Self { event: now, failed: 0, barred: HashMap::new(), lead: None, not_before: now }
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

    fn bar(&mut self, seat: Seat, now: Instant) {
        let (times, until) = self.barred.entry(seat).or_insert((0, now));
        let pause = Duration::from_secs(1 << (*times).min(6)).min(LONGEST);
        *times += 1;
        *until = now + pause;
    }
}

impl HostCore {
    /// Control mode can be used: the panes are known, and clients are attached next.
    pub fn start_control(&mut self, entries: Vec<Entry>) {
        self.link = Link::Control;
        // Several that come at once must not attach at once: whoever has the server goes first.
        let others = *self.claim.standing() == Standing::Others && self.spec.transport.is_local();
        let pause = if others { 1000 + self.next_random() % 2000 } else { 0 };
        self.attacher.not_before = self.now + Duration::from_millis(pause);
        // What was polled until now is brought up to date over the client that reads it from now on.
        self.inventory.panes.values_mut().filter(|pane| pane.feed == Feed::Polled).for_each(Pane::unread);
        self.forgive();
        self.apply(entries);
        self.plan_upkeep();
        self.attach_soon();
    }

    /// Attaches as soon as it may.
    pub fn attach_soon(&mut self) {
        self.times.attach = Some(self.now);
        self.wake_at(self.now);
    }

    /// Attaches the next client that is needed, if the moment is right.
    pub fn attach_next(&mut self) {
        let now = self.now;
        let Some(server) = self.server.as_ref().filter(|_| self.link == Link::Control) else { return };
        if self.clients.values().any(|attached| attached.session.is_none()) {
            // Its arrival or end brings us here again.
            return;
        }
        let version = server.version;
        let quiet = if self.clients.is_empty() { self.attacher.not_before } else { self.attacher.event + QUIET };
        if version < Version::MENDED && quiet > now {
            self.times.attach = Some(quiet);
            self.wake_at(quiet);
            return;
        }
        let mut wanted = self.wanted_seats();
        let until = |seat: &Seat| self.attacher.barred.get(seat).map(|(_, until)| *until).filter(|until| *until > now);
        let later = wanted.iter().filter_map(until).min();
        wanted.retain(|seat| until(seat).is_none());
        if let Some(&seat) = wanted.first() {
            self.attach(seat, version);
        } else if let Some(at) = later {
            self.times.attach = Some(at);
            self.wake_at(at);
        }
    }

    /// Where clients are needed, the next first.
    fn wanted_seats(&self) -> Vec<Seat> {
        let has = |seat: Seat| self.clients.values().any(|attached| attached.seat == seat && !attached.leaving);
        if self.spec.transport.is_local() {
            return if has(Seat::Own) || self.inventory.sessions.is_empty() { Vec::new() } else { vec![Seat::Own] };
        }
        let read: BTreeSet<SessionId> = self
            .clients
            .values()
            .filter(|attached| matches!(attached.seat, Seat::Of(_)))
            .filter_map(|attached| attached.session)
            .collect();
        let panes = self.inventory.panes.values().filter(|pane| pane.client.is_none());
        let wanted: BTreeSet<SessionId> = panes.map(|pane| pane.info.session_id).collect();
        let mut wanted: Vec<SessionId> = wanted.difference(&read).copied().collect();
        if wanted.is_empty() && self.clients.is_empty() {
            return self.inventory.sessions.keys().next().map(|&session| Seat::Lookout(session)).into_iter().collect();
        }
        // A bare `tmux attach` takes the session with the latest activity, and attaching counts as such.
        wanted.sort_by_key(|session| self.inventory.sessions.get(session).copied().unwrap_or(0));
        wanted.into_iter().map(Seat::Of).collect()
    }

    /// The name of the session of our own.
    fn own_session(&self) -> String {
        format!("tmuxagent-{}", self.nonce.as_str().get(..4).unwrap_or_default())
    }

    /// What runs in the session of our own: it ends when we do.
    fn own_program(&mut self, seat: Seat) -> String {
        if seat != Seat::Own {
            return String::new();
        }
        let random = self.next_random();
        let word = format!("{}-keeper-{random:x}", self.nonce.as_str());
        let script = match &self.piping {
            Some(piping) => piping.keeper(&word),
            None => format!(": {word}; while kill -0 {} 2>/dev/null; do sleep 5; done", self.spec.owner.pid),
        };
        self.outputs.push(Output::AwaitKeeper(word));
        self.pipes.awaited = Some(self.now + KEEPER);
        self.wake_at(self.now + KEEPER);
        login_line(&script)
    }

    fn attach(&mut self, seat: Seat, version: Version) {
        let (name, full) = (self.own_session(), version.is_full());
        let flags: &[&str] = if full { &["-N"] } else { &[] };
        let target = match seat {
            Seat::Own => String::new(),
            Seat::Of(session) | Seat::Lookout(session) => session.to_string(),
        };
        let program = self.own_program(seat);
        let words: Vec<&str> = match seat {
            Seat::Own => {
                // One that is there already is the one from which our client was sent away.
                let make = ["new-session", "-A", "-E", "-s", &name, "-n", "tmuxagent", "-x", "80", "-y", "24"];
                let silent: &[&str] = if full { &["-f", "ignore-size,no-output"] } else { &[] };
                let owner = self.spec.owner.instance.as_str();
                let stays = ["set-option", "destroy-unattached", "off", ";", "set-option", OWN_MARK, owner];
                let rest = [&[program.as_str(), ";"], &stays[..]].concat();
                [&make[..], silent, &rest[..]].concat()
            }
            Seat::Of(_) | Seat::Lookout(_) => {
                let flags = if matches!(seat, Seat::Of(_)) { "ignore-size" } else { "ignore-size,no-output" };
                let silent: &[&str] = if full { &["-f", flags] } else { &[] };
                [&["attach-session", "-E", "-t", &target], silent].concat()
            }
        };
        let argv = self.spec.transport.control(flags, &words);
        self.next_client += 1;
        let id = ClientId(self.next_client);
        tracing::debug!(host = %self.spec.name, ?seat, client = id.0, "attaching");
        let attached = Attached {
            client: Client::new(&argv, self.nonce.clone(), self.now),
            seat,
            session: None,
            listed: false,
            paused: HashSet::new(),
            leaving: false,
            pid: None,
            exit: None,
            started: self.now,
        };
        self.clients.insert(id, attached);
        self.outputs.push(Output::Spawn(id, argv));
    }

    /// tmux says to which session a client is attached now.
    pub fn session_changed(&mut self, id: ClientId, session: SessionId) {
        let taken = self.clients.iter().any(|(&other, attached)| other != id && attached.reads(session));
        let Some(attached) = self.clients.get_mut(&id) else { return };
        let before = attached.session.replace(session);
        tracing::debug!(host = %self.spec.name, %session, client = id.0, "attached");
        attached.paused.clear();
        attached.listed = false;
        let own = attached.seat == Seat::Own;
        match before {
            None => self.arrived_at(id),
            Some(before) if before != session => {
                // Its session ended and tmux moved it here (`detach-on-destroy off`).
                self.attacher.disturbed(self.now);
                self.unassign(id);
                if taken || own {
                    self.dismiss(id);
                }
                self.list_soon(Duration::ZERO);
            }
            Some(_) => {}
        }
    }

    /// Somebody's client came into a session. Where that is ours he is brought to his own: tmux chose it as the one that
    /// was used last, or as the only one left beside the one that ended.
    pub fn client_moved(&mut self, client: &str, session: Option<SessionId>) {
        if self.is_ours(client) {
            return;
        }
        self.attacher.disturbed(self.now);
        let own = self.clients.iter().find(|(_, attached)| attached.seat == Seat::Own && attached.is_ready());
        let Some((&id, _)) = own.filter(|(_, attached)| attached.session == session) else { return };
        if let Some(last) = self.last_used() {
            let line = format!("switch-client -c {} -t {}", quote(client), quote(last.to_string()));
            self.request(id, &line, Purpose::Nothing);
        }
    }

    /// Ends the session of our own, and the client with it: we leave, or no session of the user's is left.
    pub fn end_own_session(&mut self) {
        let name = self.own_session();
        let own = self.clients.iter_mut().find(|(_, attached)| attached.seat == Seat::Own && attached.is_ready());
        if let Some((&id, attached)) = own {
            attached.leaving = true;
            // Also somebody who was moved into it has to leave. A window or pane that somebody else put there is his: the
            // session becomes an ordinary one, and the program of ours in it ends by itself.
            let line = format!(
                "if-shell -F -t {} {} {} {}",
                quote(format!("={name}:")),
                quote(ALONE),
                quote(format!("kill-session -t ={name}")),
                quote(format!("set-option -u -t ={name}: {OWN_MARK}")),
            );
            self.request(id, &line, Purpose::Nothing);
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
        self.say_live();
        self.list_soon(Duration::ZERO);
        self.attach_soon();
        self.times.news = Some(self.now + NEWS);
        self.wake_at(self.now + NEWS);
    }

    /// Says that the host is observed, and what is not as it should be.
    pub fn say_live(&mut self) {
        if self.link != Link::Control || !self.clients.values().any(Attached::is_ready) {
            return;
        }
        let Some(version) = self.server.as_ref().map(|server| server.version) else { return };
        // A host is live once its panes are read, which on another machine takes a client for each session.
        let live = self.stands.0 == HostState::Live;
        if self.spec.transport.is_local() && !live && !self.is_read() {
            return;
        }
        let local = self.spec.transport.is_local();
        let detail = match self.says_polled().filter(|_| local) {
            Some(polled) => polled,
            None if version < Version::FULL => {
                "tmux before 3.2 tells less by itself: changes among the panes are looked for every two seconds".to_owned()
            }
            None if !local && version < Version::RESPAWNS => {
                "tmux before 3.8 can crash when a pane there is respawned while it prints; on another machine that can't be avoided"
                    .to_owned()
            }
            None if version < Version::MENDED => {
                "tmux 3.7 or later is advised: earlier versions can crash when a client attaches".to_owned()
            }
            None => String::new(),
        };
        self.say(HostState::Live, &detail);
    }

    /// Whether every pane is read from somewhere.
    fn is_read(&self) -> bool {
        self.inventory.complete && self.inventory.panes.values().all(Pane::is_followed)
    }

    /// Gives the server its identity back, unless it has one.
    pub fn name_again(&mut self) {
        let (Some(server), Some(&id)) = (&self.server, self.clients.keys().next()) else { return };
        let line = format!("set-option -soq {IDENTITY} {}", quote(server.id.as_str()));
        self.request(id, &line, Purpose::Nothing);
    }

    /// Makes a client carry the subscription, if none does.
    fn lead_by(&mut self, id: ClientId) {
        // On this machine the same is asked ([`HostCore::ask_news`]).
        let full = self.server.as_ref().is_some_and(|server| server.version.is_full());
        if self.attacher.lead.is_some() || !full || self.spec.transport.is_local() {
            return;
        }
        self.attacher.lead = Some(id);
        let what = quote(format!("tmuxagent::{}", news_format(&self.nonce)));
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
        if self.attacher.lead == Some(id) {
            self.attacher.lead = None;
            let next = self.clients.iter().find(|(_, other)| other.is_ready());
            if let Some(next) = next.map(|(&next, _)| next) {
                self.lead_by(next);
            }
        }
        if attached.session.is_none() {
            self.attacher.failed += 1;
        }
        if !attached.leaving {
            self.attacher.bar(attached.seat, self.now);
        }
        if self.clients.is_empty() {
            self.link = Link::Down;
            self.inventory.complete = false;
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
            Purpose::List => self.inventory.listing = false,
            Purpose::Send(pane) => self.send_lost(pane),
            Purpose::View(pane) => self.view_lost(pane),
            Purpose::Fence(pane, _, after) => self.fence_lost(pane, after),
            Purpose::Rest(pane, _) => {
                if let Some(pane) = self.inventory.panes.get_mut(&pane.pane) {
                    pane.rests = Rests::Unknown;
                }
            }
            Purpose::CatchUp(pane, ..) => self.catch_up_lost(pane),
            Purpose::Look(pane) => self.look_lost(pane),
            Purpose::Poll(pane) => self.poll_lost(pane),
            Purpose::Who(pane, why, _) => self.who_lost(pane, *why),
            Purpose::Taken(_) => {}
            // Whoever looks for the server next looks at its claim.
            Purpose::Introduce | Purpose::News | Purpose::Claim(_) | Purpose::Nothing => {}
        }
    }
}
