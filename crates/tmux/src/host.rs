//! The collector of one host: one loop over what its clients say, what the supervisor asks, and time.

use super::attach::Attacher;
use super::claim::{Claim, owner_of};
use super::client::{CHUNKS, Client, ClientId, FromClient};
use super::governor::Governor;
use super::history::{Capture, Past};
use super::inventory::Entry;
use super::link::{Link, Server, random};
use super::orphans::Orphans;
use super::outlet::Outlet;
use super::pane::{Feed, Pane};
use super::pipe::{PipeId, PipeSays};
use super::probe::{ProbeError, Probed};
use super::proto::{Claimed, Ended, Frame, Nonce, Reply, Token};
use super::send::Lanes;
use super::{HostMessage, HostSpec, Request, latest};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;
use tmuxagent_clock::Clock;
use tmuxagent_model::{HostState, Millis, Owner, PaneId, PaneKey, SessionId};
use tmuxagent_policy::{Policy, RuleSet};
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
    /// The screen around a prompt.
    Taken(PaneKey),
    /// A step of moving a pane between stream and pipe.
    Move(PaneId, PipeId),
    /// Who types there, after an attempt to take the server.
    Claim(Option<Token>),
    /// Nothing hangs on the reply.
    Nothing,
}

/// What arrives at the loop.
#[derive(Debug)]
pub(super) enum Arrival {
    Client(FromClient),
    Probed(Box<Result<Probed, ProbeError>>),
    Polled(Box<Result<Vec<Entry>, ProbeError>>),
    Captured(Result<Vec<(PaneKey, Capture)>, ProbeError>),
    Claimed(Option<Box<Claimed>>, Option<Token>),
    Pipe(PaneId, PipeId, PipeSays),
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
    /// tmux said that it ends it, and why.
    pub exit: Option<String>,
    pub started: Instant,
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
    pub claim: Claim,
    /// A forked look at the claim is under way.
    pub asks_claim: bool,
    /// Who was last told to type there.
    pub told_owner: Option<Owner>,
    pub clients: BTreeMap<ClientId, Attached>,
    pub next_client: u64,
    /// Ends the clients should this process be killed.
    pub orphans: Orphans,
    pub attacher: Attacher,
    pub panes: HashMap<PaneId, Pane>,
    /// Every pane that was ever listed on this server; tmux never gives an id again.
    pub known: HashSet<PaneId>,
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
    pub views: Vec<super::screens::View>,
    pub governor: Governor,
    pub status: Option<(HostState, String, String)>,
    /// How the host is observed, whoever types there.
    pub stands: (HostState, String),
    /// A listing was read since the link is up.
    pub complete: bool,
    pub listing: bool,
    pub list_again: bool,
    pub last_list: Instant,
    pub last_check: Instant,
    /// The instant at which the present arrival is treated.
    pub now: Instant,
    /// The panes are polled only until it is quiet enough to attach.
    pub awaits_quiet: bool,
    pub failures: u32,
    /// Since when the link is up without a break.
    pub up_since: Option<Instant>,
    /// Since when the host can't be asked.
    pub lost_at: Option<Instant>,
    pub times: Times,
    pub shutdown: Option<tokio::sync::oneshot::Sender<()>>,
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
    pub claim: Option<Instant>,
}

/// How often positions are told.
const POSITIONS: Duration = Duration::from_secs(2);
/// How often the panes' surface is told.
pub(super) const SURFACE: Duration = Duration::from_millis(100);
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
        let homes = spec.remembered.keys().map(|key| key.server.clone()).collect();
        let claim = Claim::new(owner_of(&spec.owner, &spec.name), homes, spec.has_siblings);
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
            claim,
            asks_claim: false,
            told_owner: None,
            clients: BTreeMap::new(),
            next_client: 0,
            orphans: None,
            attacher: Attacher::new(now),
            panes: HashMap::new(),
            known: HashSet::new(),
            shown_by: HashMap::new(),
            lead: None,
            sessions: BTreeMap::new(),
            strangers: HashMap::new(),
            excluded,
            lanes: Lanes::default(),
            views: Vec::new(),
            governor,
            status: None,
            stands: (HostState::Connecting, String::new()),
            complete: false,
            listing: false,
            list_again: false,
            last_list: now,
            last_check: now,
            now,
            awaits_quiet: false,
            failures: 0,
            up_since: None,
            lost_at: None,
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
            Request::Take(errand) => self.queue_send(errand),
            Request::Release(pane) => self.release(&pane),
            Request::Withdraw(intent) => self.withdraw(&intent),
            Request::WatchScreens(panes) => self.watch_screens(panes),
            Request::RunsIn(pane, pipelines) => self.runs_in(pane, pipelines),
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

    pub fn arrived(&mut self, arrival: Arrival) {
        self.now = Instant::now();
        match arrival {
            Arrival::Client(FromClient::Bytes(id, bytes)) => self.client_said(id, &bytes),
            Arrival::Client(FromClient::Ended(id, error)) => self.client_ended(id, &error),
            Arrival::Probed(result) => self.probed(*result),
            Arrival::Polled(result) => self.polled(*result),
            Arrival::Claimed(read, attempt) => self.claim_arrived(read.map(|read| *read), attempt),
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
        let endless = parser.is_endless();
        if let Some(attached) = self.clients.get_mut(&id) {
            attached.client.parser = Some(parser);
            if endless || attached.client.is_endless() {
                self.end_endless(id);
            }
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
            Purpose::Taken(pane) => self.saw(&pane, reply),
            Purpose::Move(pane, pipe) => self.moved(pane, pipe, reply),
            Purpose::Claim(attempt) => self.claim_replied(reply, attempt),
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
        if take_due(&mut self.times.claim, now) {
            self.look_at_claim();
        }
        if take_due(&mut self.times.check, now) {
            self.check_clients(now);
        }
        self.tick_panes(now);
        self.tick_sends(now);
        self.tick_pipes(now);
        if take_due(&mut self.times.panes, now) {
            self.tell_surface(now);
        }
        let times = &self.times;
        let planned = [times.probe, times.attach, times.list, times.panes, times.positions, times.check, times.poll];
        for at in planned.into_iter().chain([times.claim]).flatten() {
            self.wake_at(at);
        }
    }

    pub fn tell_positions(&mut self) {
        for pane in self.panes.values_mut() {
            let known = match &pane.feed {
                Feed::Stream | Feed::Piped | Feed::Polled => true,
                // Before it has caught up, only an earlier position is true.
                Feed::Unread(past) | Feed::CatchingUp(past) => *past == Past::Read,
            };
            // Where nothing was read the position is the old one; finding that out anew costs time.
            let read = pane.voice.bytes + pane.voice.lines;
            if !known || std::mem::replace(&mut pane.told.1, read) == read {
                continue;
            }
            let position = pane.position();
            if position != pane.told.0 {
                pane.told.0 = position.clone();
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
        let outlet = &mut self.outlet;
        let live: Vec<_> = changed
            .into_iter()
            .map(|pane| {
                pane.voice.changed = false;
                pane.voice.tell_printed(outlet);
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
        self.last_check = now;
        self.times.check = Some(now + self.rhythm().check);
        self.wake_at(now + self.rhythm().check.min(POSITIONS));
        self.plan_claim(now);
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
