//! The collector's heart: what one host's tmux says, what the supervisor asks and what time makes due go in; what is to be
//! done and told comes out. It does no I/O, starts nothing, and reads no clock: [`super::shell`] does.
//!
//! **Everything that is asked of the world has exactly one outcome**: an [`Output::Spawn`] ends in [`Input::Ended`], a
//! [`Job`] in its [`Done`], a [`Output::Mark`] in [`Piped::Marked`].

mod agents;
mod attach;
mod audience;
mod claim;
mod client;
mod farewell;
mod fence;
mod fit;
mod health;
mod history;
mod inventory;
mod lane;
mod likeness;
mod link;
mod listing;
mod observe;
mod outlet;
mod pane;
mod pipes;
mod polling;
mod ports;
mod prompts;
mod reader;
mod reading;
mod screens;
mod send;
mod since_typed;
mod stacks;
mod strays;
mod taken;
#[cfg(test)]
mod tests;

pub(crate) use attach::client_owner;
pub(crate) use audience::Look;
pub(crate) use claim::{Claim, Next, Standing, owner_of};
pub(crate) use client::ClientId;
pub(crate) use farewell::Farewell;
pub(crate) use history::{Capture, text};
pub(crate) use inventory::{ALONE, Entry, OWN_MARK, listing_format};
pub(crate) use link::{Claiming, ProbeError, Probed, Server, name_of_life};
pub(crate) use pipes::PipeId;
pub(crate) use polling::ROWS;
pub(crate) use ports::{Done, Input, Job, Now, Output, Piped};
pub(crate) use reader::{Seen, base_name, is_interactive};
pub(crate) use stacks::Stack;

use crate::proto::{Ended, Frame, Nonce, Reply, Token};
use crate::shell::Piping;
use crate::{HostMessage, HostSpec, Request};
use attach::Attached;
use client::Client;
use fence::{After, Fences};
use inventory::Inventory;
use lane::Lanes;
use link::Link;
use outlet::Outlet;
use pane::Feed;
use pipes::Pipes;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tmuxagent_model::{HostState, Owner, PaneKey, Timestamp};
use tmuxagent_policy::{Policy, RuleSet};

/// The server option with which a control client of ours is marked: this, then the client's process id.
pub(crate) const CLIENT_MARK: &str = "@tmuxagent_client_";
/// The server option that holds its identity.
pub(crate) const IDENTITY: &str = "@tmuxagent_server";
/// How long nothing may happen among the sessions before a client is attached.
pub(crate) const QUIET: Duration = Duration::from_millis(500);
/// How long a forked command may take where the machine answered a moment ago: so a dead link is found in ten seconds.
pub(crate) const ROUND: Duration = Duration::from_secs(8);

/// What a request to tmux is for.
#[derive(Debug)]
enum Purpose {
    /// The client's process id, to mark it as ours.
    Introduce,
    /// A listing of all panes.
    List,
    /// What no notification tells of all panes.
    News,
    /// A capture that brings a pane up to date, with how many rows of history; and the pipe that goes on from there.
    CatchUp(PaneKey, u32, Option<PipeId>),
    /// A pane that can't be piped is read by its captures.
    Poll(PaneKey),
    /// The visible screen of a pane that its program owns.
    Look(PaneKey),
    /// The visible screen of the pane that a view looks at.
    View(PaneKey),
    /// A guarded send.
    Send(PaneKey),
    /// The screen around a prompt.
    Taken(PaneKey),
    /// A round trip, with how many more are to follow; see [`fence`].
    Fence(PaneKey, u8, After),
    /// Whether a pane of another machine has come to rest there, or its output is on its way: it last printed then.
    Rest(PaneKey, Instant),
    /// Who reads the keys of a pane, whose shell had let go of so many lines.
    Who(PaneKey, audience::Why, u64),
    /// Who types there, after an attempt to take the server.
    Claim(Option<Token>),
    /// Nothing hangs on the reply.
    Nothing,
}

#[derive(Debug)]
pub(crate) struct HostCore {
    spec: HostSpec,
    /// How pipes are opened; without it panes are read by captures.
    piping: Option<Piping>,
    policy: Arc<Policy>,
    titles: bool,
    rule_sets: HashMap<Vec<String>, Arc<RuleSet>>,
    outlet: Outlet,
    nonce: Nonce,
    random: u64,
    outputs: Vec<Output>,
    /// The instant at which the present input is treated.
    now: Instant,
    wall: Timestamp,
    room: bool,
    link: Link,
    server: Option<Server>,
    claim: Claim,
    /// A forked look at the claim is under way.
    asks_claim: bool,
    /// Who was last told to type there.
    told_owner: Option<Owner>,
    clients: BTreeMap<ClientId, Attached>,
    next_client: u64,
    attacher: attach::Attacher,
    inventory: Inventory,
    pipes: Pipes,
    fences: Fences,
    lanes: Lanes,
    stacks: stacks::Stacks,
    frozen: bool,
    views: Vec<screens::View>,
    status: Option<(HostState, String, String)>,
    /// How the host is observed, whoever types there.
    stands: (HostState, String),
    last_check: Instant,
    /// The panes are polled only until it is quiet enough to attach.
    awaits_quiet: bool,
    failures: u32,
    /// Since when the link is up without a break.
    up_since: Option<Instant>,
    /// Since when the host can't be asked.
    lost_at: Option<Instant>,
    times: Times,
}

/// When what comes due. `None`: not planned.
#[derive(Debug, Default)]
struct Times {
    /// The earliest of all; work that comes due later may be found too early, never too late.
    wake: Option<Instant>,
    probe: Option<Instant>,
    attach: Option<Instant>,
    list: Option<Instant>,
    panes: Option<Instant>,
    positions: Option<Instant>,
    check: Option<Instant>,
    poll: Option<Instant>,
    claim: Option<Instant>,
    news: Option<Instant>,
}

/// How often positions are told.
const POSITIONS: Duration = Duration::from_secs(2);
/// How often the panes' surface is told.
const SURFACE: Duration = Duration::from_millis(100);

impl HostCore {
    /// A host that is looked for. `random` is from a good source.
    pub fn new(mut spec: HostSpec, piping: Option<Piping>, policy: Arc<Policy>, random: [u8; 24], now: Now) -> Self {
        let excluded = std::mem::take(&mut spec.excluded).into_iter().collect();
        let homes = spec.remembered.keys().map(|key| key.server.clone()).collect();
        let claim = Claim::new(owner_of(&spec.owner, &spec.name), homes, spec.has_siblings, now.at);
        let (nonce, seed) = random.split_at(16);
        let mut core = Self {
            spec,
            piping,
            policy,
            titles: false,
            rule_sets: HashMap::new(),
            outlet: Outlet::default(),
            nonce: Nonce::new(nonce.try_into().unwrap_or_default()),
            random: u64::from_ne_bytes(seed.try_into().unwrap_or_default()),
            outputs: Vec::new(),
            now: now.at,
            wall: now.wall,
            room: now.room,
            link: Link::Down,
            server: None,
            claim,
            asks_claim: false,
            told_owner: None,
            clients: BTreeMap::new(),
            next_client: 0,
            attacher: attach::Attacher::new(now.at),
            inventory: Inventory::new(excluded, now.at),
            pipes: Pipes::default(),
            fences: Fences::default(),
            lanes: Lanes::default(),
            stacks: stacks::Stacks::default(),
            frozen: false,
            views: Vec::new(),
            status: None,
            stands: (HostState::Connecting, String::new()),
            last_check: now.at,
            awaits_quiet: false,
            failures: 0,
            up_since: None,
            lost_at: None,
            times: Times::default(),
        };
        core.say(HostState::Connecting, "looking for tmux");
        core.take_policy();
        core.probe();
        core
    }

    /// Takes what happened; [`HostCore::outputs`] and [`HostCore::next_message`] give what follows.
    pub fn on(&mut self, now: Now, input: Input) {
        (self.now, self.wall, self.room) = (now.at, now.wall, now.room);
        match input {
            Input::Asked(request) => self.asked(*request),
            Input::Policy(policy) => self.policy_changed(policy),
            Input::Said(id, bytes) => self.client_said(id, &bytes),
            Input::Ended(id, error) => self.client_ended(id, &error),
            Input::Done(done) => self.done(done),
            Input::Piped(id, piped) => self.piped(id, piped),
            Input::Kept(kept) => self.kept(kept),
            Input::Looked(look, seen) => self.looked_who(*look, seen.map(|seen| *seen)),
            Input::Tick => self.tick(),
        }
    }

    /// What is to be done, in its order.
    pub fn outputs(&mut self) -> Vec<Output> {
        std::mem::take(&mut self.outputs)
    }

    /// When [`Input::Tick`] is due at the latest.
    pub const fn wake(&self) -> Option<Instant> {
        self.times.wake
    }

    /// The next message for the supervisor.
    pub fn next_message(&mut self) -> Option<HostMessage> {
        self.outlet.pop()
    }

    /// There was no room for a message.
    pub fn put_back(&mut self, message: HostMessage) {
        self.outlet.put_back(message);
    }

    /// Whether messages wait.
    pub fn has_messages(&self) -> bool {
        !self.outlet.is_empty()
    }

    fn asked(&mut self, request: Request) {
        match request {
            Request::Take(errand) => self.queue_send(*errand),
            Request::Release(pane) => self.release(&pane),
            Request::Freeze(frozen) => self.freeze(frozen),
            Request::Withdraw(intent) => self.withdraw(&intent),
            Request::WatchScreens(panes) => self.watch_screens(panes),
            Request::RunsIn(pane, pipelines) => self.runs_in(pane, pipelines),
            Request::Asks(asks) => self.asks_now(asks),
            Request::LeftIsTold => self.left_is_told(),
            Request::Hook(pane, told) => self.hook(&pane, *told),
            Request::Agent(pane, news) => self.request_news(&pane, *news),
            Request::Thread(pane, told) => self.thread_told(&pane, *told),
            Request::Recognise(agents) => self.recognise_by(agents),
            Request::Exclude(pane) => {
                self.inventory.excluded.insert(pane);
                self.leave_pane(pane);
                self.list_soon(Duration::ZERO);
            }
            Request::Include(pane) => {
                self.inventory.excluded.remove(&pane);
                self.list_soon(Duration::ZERO);
            }
            Request::Gone(names) => self.names_are_gone(names),
            Request::Shutdown(_) => {}
        }
    }

    fn done(&mut self, done: Done) {
        match done {
            Done::Probed(result) => self.probed(*result),
            Done::Listed(result) => self.polled(*result),
            Done::Captured(captures) => self.captured(captures),
            Done::Claimed(read, attempt) => self.claim_arrived(read.map(|read| *read), attempt),
            Done::Looked { alive, read, attempt } => self.claim_says(*read, attempt, alive),
            Done::HungUp => {}
        }
    }

    /// Reads bytes of a client.
    fn client_said(&mut self, id: ClientId, bytes: &[u8]) {
        let Some(attached) = self.clients.get_mut(&id) else { return };
        attached.client.heard = self.now;
        let Some(mut parser) = attached.client.parser.take() else { return };
        parser.feed(bytes, &mut |frame| match frame {
            Frame::Output { pane, bytes } => self.output(id, pane, bytes),
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
            Purpose::News => self.news(reply),
            Purpose::CatchUp(pane, lines, pipe) => self.caught_up(&pane, lines, pipe, reply),
            Purpose::Poll(pane) => self.poll_replied(&pane, reply),
            Purpose::Look(pane) => self.looked(&pane, reply),
            Purpose::View(pane) => self.viewed(&pane, reply),
            Purpose::Send(pane) => self.send_replied(&pane, reply),
            Purpose::Taken(pane) => self.saw(&pane, reply),
            Purpose::Who(pane, why, lines) => self.who(pane, why, lines, reply),
            Purpose::Fence(pane, more, after) => self.fence_replied(pane, more, after),
            Purpose::Rest(pane, since) => self.rests(&pane, since),
            Purpose::Claim(attempt) => self.claim_replied(reply, attempt),
            Purpose::Nothing => {}
        }
    }

    /// Asks something of a client; gone ones answer by their end.
    fn request(&mut self, id: ClientId, line: &str, purpose: Purpose) {
        if let Some(attached) = self.clients.get_mut(&id) {
            let bytes = attached.client.request(line, purpose, self.now);
            self.outputs.push(Output::Write(id, bytes));
        }
    }

    /// Plans to wake at `at` at the latest.
    fn wake_at(&mut self, at: Instant) {
        self.times.wake = Some(self.times.wake.map_or(at, |wake| wake.min(at)));
    }

    /// Does what is due, and finds out when the next is.
    fn tick(&mut self) {
        let now = self.now;
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
        if take_due(&mut self.times.news, now) {
            self.ask_news();
        }
        if take_due(&mut self.times.attach, now) {
            self.attach_next();
        }
        if take_due(&mut self.times.positions, now) {
            self.tell_positions();
            self.times.positions = Some(now + POSITIONS);
        }
        if take_due(&mut self.times.claim, now) {
            self.look_at_claim();
        }
        if take_due(&mut self.times.check, now) {
            self.check_clients();
        }
        self.tick_panes();
        self.tick_readers();
        self.tick_sends();
        self.tick_pipes();
        if take_due(&mut self.times.panes, now) {
            self.tell_surface();
        }
        let times = &self.times;
        let planned = [times.probe, times.attach, times.list, times.panes, times.positions, times.check, times.poll];
        for at in planned.into_iter().chain([times.claim, times.news]).flatten() {
            self.wake_at(at);
        }
    }

    /// Tells where the observation of each pane stands, as far as that changed.
    pub fn tell_positions(&mut self) {
        for pane in self.inventory.panes.values_mut() {
            let known = match &pane.feed {
                Feed::Stream | Feed::Piped | Feed::Polled => true,
                // Before it has caught up, only an earlier position is true.
                Feed::Unread(past) | Feed::CatchingUp(past) => *past == history::Past::Read,
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
    fn tell_surface(&mut self) {
        if !self.is_free() {
            self.times.panes = Some(self.now + SURFACE);
            return;
        }
        let mut changed: Vec<_> = self.inventory.panes.values_mut().filter(|pane| pane.voice.changed).collect();
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

    /// Whether everything was handed on and there is room for pictures.
    fn is_free(&self) -> bool {
        self.room && self.outlet.is_empty()
    }

    fn surface_soon(&mut self) {
        if self.times.panes.is_none() {
            let at = self.now + SURFACE;
            self.times.panes = Some(at);
            self.wake_at(at);
        }
    }

    /// What comes due regularly once a server is observed.
    fn plan_upkeep(&mut self) {
        let now = self.now;
        self.times.positions = Some(now + POSITIONS);
        self.last_check = now;
        self.times.check = Some(now + self.rhythm().check);
        self.wake_at(now + self.rhythm().check.min(POSITIONS));
        self.plan_claim();
    }

    /// The next number of a sequence that nobody guesses in time (`SplitMix64` by Steele, Lea and Flood, 2014).
    fn next_random(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

/// Whether a planned time has come; it is then no longer planned.
fn take_due(at: &mut Option<Instant>, now: Instant) -> bool {
    at.take_if(|at| *at <= now).is_some()
}
