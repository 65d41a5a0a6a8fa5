//! The collector of one host: one loop over what its clients say, what the supervisor asks, and time.

use super::attach::Attacher;
use super::client::{CHUNKS, Client, ClientId, FromClient};
use super::governor::{Governor, PipeId, PipeSays};
use super::history::Capture;
use super::inventory::Entry;
use super::outlet::Outlet;
use super::pane::Pane;
use super::probe::{self, ProbeError, Probed};
use super::proto::{Ended, Frame, Nonce, Reply, Version};
use super::send::{Lanes, Sending};
use super::{HostMessage, HostSpec, Request, latest};
use crate::clock::Clock;
use crate::model::{Event, HostState, Millis, PaneId, PaneKey, ServerId, SessionId};
use crate::policy::{Policy, RuleSet};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;

/// What a request to tmux is for.
#[derive(Debug)]
pub(super) enum Purpose {
    /// The client's process id, to mark it as ours.
    Introduce,
    /// A listing of all panes.
    List,
    /// A capture that brings a pane up to date; with how many rows of history.
    CatchUp(PaneKey, u32),
    /// The visible screen of a pane that its program owns.
    Look(PaneKey),
    /// The visible screen of the pane that a view looks at.
    View(PaneKey),
    /// A guarded send.
    Send(PaneKey),
    /// A step of moving a pane between stream and pipe.
    Move(PaneId, PipeId),
    /// Nothing hangs on the reply.
    Nothing,
}

/// What arrives at the loop.
#[derive(Debug)]
pub(super) enum Arrival {
    Client(FromClient),
    Probed(Box<Result<Probed, ProbeError>>),
    Polled(Box<Result<Vec<Entry>, ProbeError>>),
    Captured(Vec<(PaneKey, Capture)>),
    Pipe(PaneId, PipeId, PipeSays),
}

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

/// A control client and what it is attached to.
#[derive(Debug)]
pub(super) struct Attached {
    pub client: Client<Purpose>,
    /// The session that it was started for.
    pub wanted: SessionId,
    /// The session that it is attached to, once tmux has said so.
    pub session: Option<SessionId>,
    /// A lookout sends no output; it is there for notifications only.
    pub lookout: bool,
    /// A listing was read after it was attached: panes that appear later are in its stream from their first byte.
    pub listed: bool,
    /// Panes whose output it was told not to send.
    pub paused: HashSet<PaneId>,
    /// It was told to leave.
    pub leaving: bool,
    /// Its process id on the host, once it has said so.
    pub pid: Option<u32>,
    /// The reason that tmux gave for ending it.
    pub exit: String,
    pub started: Instant,
}

/// The server that is observed.
#[derive(Debug, Clone)]
pub(super) struct Server {
    /// Its identity.
    pub id: ServerId,
    /// Its version, capped by the configuration.
    pub version: Version,
    /// As it writes it.
    pub version_text: String,
    /// `pid` and start time: tells a server that was replaced before it has an identity.
    pub life: (u32, String),
}

/// See the module.
pub(super) struct Host {
    pub spec: HostSpec,
    pub clock: Clock,
    pub policy: latest::Receiver<Arc<Policy>>,
    policy_open: bool,
    pub titles: bool,
    pub rule_sets: HashMap<Vec<String>, Arc<RuleSet>>,
    pub outlet: Outlet,
    pub nonce: Nonce,
    pub arrivals: mpsc::Sender<Arrival>,
    pub incoming: mpsc::Receiver<Arrival>,
    pub link: Link,
    pub server: Option<Server>,
    pub clients: BTreeMap<ClientId, Attached>,
    pub next_client: u64,
    pub attacher: Attacher,
    pub panes: HashMap<PaneId, Pane>,
    /// Every pane that was ever listed on this server, with its process.
    pub known: HashSet<(PaneId, u32)>,
    /// Sessions that show each pane, as of the last listing.
    pub shown_by: HashMap<PaneId, Vec<SessionId>>,
    /// The client that carries the server-wide subscription.
    pub lead: Option<ClientId>,
    /// Sessions with their last activity, as of the last listing.
    pub sessions: BTreeMap<SessionId, u64>,
    /// Output of panes that no listing has named yet.
    pub strangers: HashMap<PaneId, Vec<u8>>,
    pub excluded: BTreeSet<PaneId>,
    pub lanes: Lanes,
    pub view: Option<super::screens::View>,
    pub governor: Governor,
    pub status: Option<(HostState, String, String)>,
    /// A listing was read since the link is up.
    pub complete: bool,
    pub listing: bool,
    pub list_again: bool,
    pub last_list: Instant,
    /// The instant at which the present arrival is treated.
    pub now: Instant,
    pub failures: u32,
    pub times: Times,
    shutdown: Option<tokio::sync::oneshot::Sender<()>>,
}

/// When what comes due. `None`: not planned.
#[derive(Debug, Default)]
pub(super) struct Times {
    /// The earliest of all; work that comes due later may be found too early, never too late.
    pub wake: Option<Instant>,
    pub probe: Option<Instant>,
    pub attach: Option<Instant>,
    pub list: Option<Instant>,
    pub panes: Option<Instant>,
    pub positions: Option<Instant>,
    pub check: Option<Instant>,
    pub poll: Option<Instant>,
}

/// How often positions are told.
const POSITIONS: Duration = Duration::from_secs(2);
/// How often clients are looked after.
const CHECK: Duration = Duration::from_secs(5);
/// How long a client may be silent while an answer is due.
const STUCK: Duration = Duration::from_secs(15);
/// How often the panes' surface is told.
pub(super) const SURFACE: Duration = Duration::from_millis(100);
/// The longest pause between two attempts to reach a host.
const LONGEST_PAUSE: u64 = 30_000;

impl Host {
    pub fn new(
        mut spec: HostSpec,
        policy: latest::Receiver<Arc<Policy>>,
        out: mpsc::Sender<HostMessage>,
        clock: Clock,
    ) -> Self {
        let (arrivals, incoming) = mpsc::channel(CHUNKS);
        let excluded = std::mem::take(&mut spec.excluded).into_iter().collect();
        let governor = Governor::new(spec.scratch.clone().filter(|_| spec.transport.is_local()));
        let now = Instant::now();
        Self {
            spec,
            clock,
            policy,
            policy_open: true,
            titles: false,
            rule_sets: HashMap::new(),
            outlet: Outlet::new(out),
            nonce: Nonce::new(random()),
            arrivals,
            incoming,
            link: Link::Down,
            server: None,
            clients: BTreeMap::new(),
            next_client: 0,
            attacher: Attacher::new(now),
            panes: HashMap::new(),
            known: HashSet::new(),
            shown_by: HashMap::new(),
            lead: None,
            sessions: BTreeMap::new(),
            strangers: HashMap::new(),
            excluded,
            lanes: Lanes::default(),
            view: None,
            governor,
            status: None,
            complete: false,
            listing: false,
            list_again: false,
            last_list: now,
            now,
            failures: 0,
            times: Times::default(),
            shutdown: None,
        }
    }

    /// Observes until nobody asks any more.
    pub async fn run(mut self, mut requests: mpsc::UnboundedReceiver<Request>) {
        self.say(HostState::Connecting, "looking for tmux");
        self.take_policy();
        self.probe();
        loop {
            let wake = self.times.wake;
            tokio::select! {
                biased;
                request = requests.recv() => match request {
                    Some(Request::Shutdown(done)) => {
                        self.shutdown = Some(done);
                        break;
                    }
                    Some(request) => self.asked(request),
                    None => break,
                },
                // A flooding pane must not hold up what comes first here.
                () = until(wake) => self.tick(Instant::now()),
                () = self.outlet.room() => self.outlet.flush(),
                changed = self.policy.changed(), if self.policy_open => match changed {
                    Ok(()) => self.policy_changed(),
                    Err(_) => self.policy_open = false,
                },
                Some(arrival) = self.incoming.recv() => self.arrived(arrival),
            }
        }
        self.leave().await;
    }

    fn asked(&mut self, request: Request) {
        match request {
            Request::Send { intent, keys, settle } => self.queue_send(Sending::keys(intent, keys, settle)),
            Request::Prompt { intent, prompt, settle } => self.queue_send(Sending::prompt(intent, prompt, settle)),
            Request::Release(pane) => self.release(&pane),
            Request::WatchScreen(pane) => self.watch_screen(pane),
            Request::Exclude(pane) => {
                self.excluded.insert(pane);
                self.drop_pane(pane);
                self.list_soon(Duration::ZERO);
            }
            Request::Include(pane) => {
                self.excluded.remove(&pane);
                self.list_soon(Duration::ZERO);
            }
            Request::Shutdown(_) => {}
        }
    }

    fn arrived(&mut self, arrival: Arrival) {
        self.now = Instant::now();
        match arrival {
            Arrival::Client(FromClient::Bytes(id, bytes)) => self.client_said(id, &bytes),
            Arrival::Client(FromClient::Ended(id, error)) => self.client_ended(id, &error),
            Arrival::Probed(result) => self.probed(*result),
            Arrival::Polled(result) => self.polled(*result),
            Arrival::Captured(captures) => self.captured(captures),
            Arrival::Pipe(pane, pipe, says) => self.pipe_said(pane, pipe, says),
        }
    }

    /// Reads bytes of a client.
    fn client_said(&mut self, id: ClientId, bytes: &[u8]) {
        let Some(attached) = self.clients.get_mut(&id) else { return };
        attached.client.heard = self.now;
        let Some(mut parser) = attached.client.parser.take() else { return };
        let now = self.clock.now();
        parser.feed(bytes, &mut |frame| match frame {
            Frame::Output { pane, bytes } => self.output(id, pane, bytes, now),
            Frame::Notice(notice) => self.noticed(id, notice),
            Frame::Begin(_) => self.with_client(id, Client::begin),
            Frame::Row(row) => self.with_client(id, |client| client.row(row)),
            Frame::End(_, ended) => self.block_ended(id, ended),
        });
        if let Some(attached) = self.clients.get_mut(&id) {
            attached.client.parser = Some(parser);
        }
    }

    fn with_client(&mut self, id: ClientId, act: impl FnOnce(&mut Client<Purpose>)) {
        if let Some(attached) = self.clients.get_mut(&id) {
            act(&mut attached.client);
        }
    }

    fn block_ended(&mut self, id: ClientId, ended: Ended) {
        let done = self.clients.get_mut(&id).and_then(|attached| attached.client.end(ended));
        if let Some((purpose, reply)) = done {
            self.replied(id, purpose, &reply);
        }
    }

    fn replied(&mut self, id: ClientId, purpose: Purpose, reply: &Reply) {
        match purpose {
            Purpose::Introduce => self.introduced(id, reply),
            Purpose::List => self.listed(reply),
            Purpose::CatchUp(pane, lines) => self.caught_up(&pane, lines, reply),
            Purpose::Look(pane) => self.looked(&pane, reply),
            Purpose::View(pane) => self.viewed(&pane, reply),
            Purpose::Send(pane) => self.send_replied(&pane, reply),
            Purpose::Move(pane, pipe) => self.moved(pane, pipe, reply),
            Purpose::Nothing => {}
        }
    }

    /// Asks something of a client; gone ones answer by their end.
    pub fn request(&mut self, id: ClientId, line: &str, purpose: Purpose) {
        self.with_client(id, |client| client.request(line, purpose));
    }

    /// Plans to wake at `at` at the latest.
    pub fn wake_at(&mut self, at: Instant) {
        self.times.wake = Some(self.times.wake.map_or(at, |wake| wake.min(at)));
    }

    /// Does what is due, and finds out when the next is.
    fn tick(&mut self, now: Instant) {
        self.times.wake = None;
        if take_due(&mut self.times.probe, now) {
            self.probe();
        }
        if take_due(&mut self.times.poll, now) {
            self.poll();
        }
        if take_due(&mut self.times.list, now) {
            self.list();
        }
        if take_due(&mut self.times.attach, now) {
            self.attach_next(now);
        }
        if take_due(&mut self.times.positions, now) {
            self.tell_positions();
            self.times.positions = Some(now + POSITIONS);
        }
        if take_due(&mut self.times.check, now) {
            self.check_clients(now);
            self.times.check = Some(now + CHECK);
        }
        self.tick_panes(now);
        self.tick_sends(now);
        self.tick_pipes(now);
        if take_due(&mut self.times.panes, now) {
            self.tell_surface(now);
        }
        let times = &self.times;
        let planned = [times.probe, times.attach, times.list, times.panes, times.positions, times.check, times.poll];
        for at in planned.into_iter().flatten() {
            self.wake_at(at);
        }
    }

    /// Starts looking for the server.
    pub fn probe(&mut self) {
        self.times.probe = None;
        let (transport, nonce) = (self.spec.transport.clone(), self.nonce.clone());
        let (owner, ceiling) = (self.spec.owner.clone(), self.spec.ceiling);
        let arrivals = self.arrivals.clone();
        tokio::spawn(async move {
            let result = probe::probe(transport, nonce, owner, ceiling).await;
            let _ = arrivals.send(Arrival::Probed(Box::new(result))).await;
        });
    }

    fn probed(&mut self, result: Result<Probed, ProbeError>) {
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
        let life = (first.server_pid, first.start_time.clone());
        let named = Some(first.server.clone()).filter(|name| !name.is_empty());
        let version = found.version;
        let full_name = named.unwrap_or_else(|| {
            if version.is_some_and(Version::has_control) { hex(random()) } else { format!("{}-{}", life.0, life.1) }
        });
        let same = self.server.as_ref().is_some_and(|server| {
            server.life == life && (first.server.is_empty() || server.id.as_str() == first.server)
        });
        if !same {
            self.forget_server();
            self.server = Some(Server {
                id: ServerId::new(full_name),
                version: version.unwrap_or(Version::NEWEST),
                version_text: found.version_text.clone(),
                life,
            });
        }
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

    /// Plans the next look for the server: with growing pauses, no longer than `most` milliseconds.
    pub fn probe_later(&mut self, most: u64) {
        let pause = (250u64 << self.failures.min(10)).min(most);
        self.failures += 1;
        // Hosts that vanished together need not come back in step.
        let jitter = u64::from(random::<1>()[0]) * pause / 1024;
        let at = Instant::now() + Duration::from_millis(pause + jitter);
        self.times.probe = Some(at);
        self.wake_at(at);
    }

    /// The server is gone or was replaced: its panes are no more.
    pub fn forget_server(&mut self) {
        let panes: Vec<PaneId> = self.panes.keys().copied().collect();
        panes.into_iter().for_each(|pane| self.drop_pane(pane));
        self.server = None;
        self.known.clear();
        self.strangers.clear();
        self.shown_by.clear();
        self.sessions.clear();
        self.excluded.clear();
        self.complete = false;
        self.governor.forget();
        self.settle_lost("the tmux server ended before it answered");
    }

    /// The host can't be asked: its panes are stale.
    pub fn lose_host(&mut self, why: &str) {
        let known = self.status.as_ref().is_some_and(|(state, ..)| *state == HostState::Unreachable);
        if !known && !self.panes.is_empty() {
            self.outlet.event(Event::HostLost { host: self.spec.name.clone() });
        }
        self.link = Link::Down;
        self.complete = false;
        self.say(HostState::Unreachable, why);
    }

    /// Tells how the host is observed, when that changed.
    pub fn say(&mut self, state: HostState, detail: &str) {
        let version = self.server.as_ref().map_or_else(String::new, |server| server.version_text.clone());
        let status = (state, version, detail.to_owned());
        if self.status.as_ref() != Some(&status) {
            self.status = Some(status.clone());
            let (state, version, detail) = status;
            self.outlet.put(HostMessage::Status { state, version, detail });
        }
    }

    /// Ends clients that no longer answer.
    fn check_clients(&mut self, now: Instant) {
        for attached in self.clients.values_mut() {
            let silent = attached.session.is_none() && now.duration_since(attached.started) > STUCK;
            if silent || attached.client.is_stuck(now, STUCK) {
                attached.client.kill();
            } else if now.duration_since(attached.client.heard) > Duration::from_secs(60) {
                attached.client.request("display-message -p \"\"", Purpose::Nothing);
            }
        }
    }

    fn tell_positions(&mut self) {
        for pane in self.panes.values_mut() {
            let position = pane.position();
            if position != pane.told {
                pane.told = position.clone();
                self.outlet.put(HostMessage::Position { pane: pane.voice.key.clone(), position });
            }
        }
    }

    /// Tells what changed on the panes' surface, when the supervisor has room.
    fn tell_surface(&mut self, now: Instant) {
        if !self.outlet.is_free() {
            self.times.panes = Some(now + SURFACE);
            return;
        }
        let mut changed: Vec<_> = self.panes.values_mut().filter(|pane| pane.voice.changed).collect();
        changed.sort_by_key(|pane| pane.info.key.pane);
        let live: Vec<_> = changed
            .into_iter()
            .map(|pane| {
                pane.voice.changed = false;
                pane.live()
            })
            .collect();
        if !live.is_empty() {
            self.outlet.put(HostMessage::Panes(live));
        }
    }

    /// Plans the next telling of the surface.
    pub fn surface_soon(&mut self) {
        if self.times.panes.is_none() {
            let at = Instant::now() + SURFACE;
            self.times.panes = Some(at);
            self.wake_at(at);
        }
    }

    /// What comes due regularly once a server is observed.
    pub fn plan_upkeep(&mut self) {
        let now = Instant::now();
        self.times.positions = Some(now + POSITIONS);
        self.times.check = Some(now + CHECK);
        self.wake_at(now + POSITIONS);
    }

    /// Ends the observation in order: positions, then the clients leave by themselves.
    async fn leave(mut self) {
        self.tell_positions();
        self.leave_pipes();
        // A client whose input is closed leaves by itself, and so does its draining task.
        let children = std::mem::take(&mut self.clients);
        let mut left = children.len();
        for (_, attached) in children {
            drop(attached);
        }
        let deadline = Instant::now() + Duration::from_secs(3);
        while left > 0 {
            match tokio::time::timeout_at(deadline, self.incoming.recv()).await {
                Ok(Some(Arrival::Client(FromClient::Ended(..)))) => left -= 1,
                Ok(Some(_)) => {}
                Ok(None) | Err(_) => break,
            }
        }
        let _ = tokio::time::timeout(Duration::from_secs(3), self.outlet.finish()).await;
        if let Some(done) = self.shutdown {
            let _ = done.send(());
        }
    }

    /// How long one polling round may wait for the next.
    pub fn poll_interval(&self) -> Duration {
        Millis(self.spec.poll_interval.0.max(100)).to_std()
    }
}

/// Sleeps until `at`, or for ever.
async fn until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// Whether a planned time has come; it is then no longer planned.
fn take_due(at: &mut Option<Instant>, now: Instant) -> bool {
    let due = at.is_some_and(|at| at <= now);
    if due {
        *at = None;
    }
    due
}

/// Random bytes; without a source of them the addresses of this process have to do.
pub(super) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    if getrandom::fill(&mut bytes).is_err() {
        let seed = std::ptr::from_ref(&bytes) as usize ^ usize::try_from(std::process::id()).unwrap_or(0);
        for (index, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::try_from((seed.rotate_left(u32::try_from(index * 5 % 64).unwrap_or(0))) & 0xff).unwrap_or(0);
        }
    }
    bytes
}

fn hex(bytes: [u8; 16]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(32), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}
