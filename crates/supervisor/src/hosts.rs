//! The watched hosts: their collectors, who looks at which screen, and in which panes our own views run.
//!
//! A collector types one thing at a time into a pane and waits after each for [`Hosts::settled`], since a pane
//! remembers only its last idempotency mark.

use super::board::Board;
use super::dispatch::{Dispatch, Fact};
use super::reach::{owner_of, socket_path, transport};
use super::start::Facts;
use super::tape::Tapes;
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tmuxagent_clock::Clock;
use tmuxagent_config::{Config, HostConfig, Loaded};
use tmuxagent_errand::Errand;
use tmuxagent_model::{HostName, IntentId, Millis, NameFilter, Owner, PaneId, PaneKey, Redaction, Timestamp};
use tmuxagent_policy::Policy;
use tmuxagent_tmux::{HostHandle, HostSpec, Position, watch};
use tokio::sync::{mpsc, watch as latest};

/// How many messages of one host may lie before the loop.
const MESSAGES: usize = 256;

/// The pause before a host is watched again whose collector failed.
const RESTART: Millis = Millis(3000);

/// The number of a collector; never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Life(u64);

/// A configured host, or one whose collector is still to hand over what it has.
struct Place {
    life: Life,
    config: HostConfig,
    stage: Stage,
    /// Its panes are forgotten, and so is what its collector tells of them.
    muted: bool,
}

/// What a host's collector does.
enum Stage {
    Watched(HostHandle),
    /// It was told to leave; what follows, with the errands that wait for it.
    Leaving(Option<(Box<HostConfig>, Vec<Errand>)>),
    /// It ended by itself, or could not be started; when it is started again.
    Failed(Option<Timestamp>),
}

/// Who follows a collector that has ended.
pub enum Followed {
    /// Nobody: the host is not configured any more, or another follows already.
    Nobody,
    /// One with this configuration, for which these wait.
    By(Box<HostConfig>, Vec<Errand>),
    /// It was not to end.
    Failed,
}

/// See the module.
pub struct Hosts {
    facts: Facts,
    policy: latest::Receiver<Arc<Policy>>,
    clock: Clock,
    tapes: Tapes,
    owner: Owner,
    runtime: PathBuf,
    /// This program, as it was started.
    program: Option<PathBuf>,
    remembered: HashMap<PaneKey, Position>,
    places: BTreeMap<HostName, Place>,
    /// How many collectors there were.
    lives: u64,
    /// Socket paths of hosts on this machine, to recognise a view's own pane.
    sockets: HashMap<HostName, PathBuf>,
    /// What was handed to a collector, and to which.
    under_way: HashMap<IntentId, (PaneKey, Life)>,
    watching: BTreeMap<u64, PaneKey>,
    /// What each collector was told of open runs.
    running: HashMap<PaneKey, Vec<String>>,
    views: HashMap<u64, (HostName, PaneId)>,
    /// More than one host is configured.
    pub(super) has_several: bool,
}

impl Hosts {
    /// No host yet. `positions` are those of an earlier life.
    pub fn new(
        facts: Facts,
        policy: latest::Receiver<Arc<Policy>>,
        positions: Vec<(PaneKey, String)>,
        tapes: Tapes,
        clock: Clock,
        loaded: &Loaded,
        user: &str,
    ) -> Self {
        // A position that can't be read costs what was printed meanwhile, which the collector then marks as a gap.
        let read = |(pane, json): (PaneKey, String)| Some((pane, serde_json::from_str(&json).ok()?));
        Self {
            facts,
            policy,
            clock,
            tapes,
            owner: owner_of(loaded, user),
            runtime: loaded.paths.runtime_dir.clone(),
            program: std::env::current_exe().ok(),
            remembered: positions.into_iter().filter_map(read).collect(),
            places: BTreeMap::new(),
            lives: 0,
            sockets: HashMap::new(),
            under_way: HashMap::new(),
            watching: BTreeMap::new(),
            running: HashMap::new(),
            views: HashMap::new(),
            has_several: loaded.config.hosts.len() > 1,
        }
    }

    /// Whether a host is configured.
    pub fn knows(&self, host: &HostName) -> bool {
        self.places.contains_key(host)
    }

    /// Types an errand, after those before it on the same pane; one for a host that is not watched goes home.
    pub fn send(&mut self, errand: Errand) {
        let Some(pane) = errand.intent().effect.pane().cloned() else { return };
        let Some(place) = self.places.get_mut(&pane.host) else { return };
        match &mut place.stage {
            Stage::Watched(handle) => {
                self.under_way.insert(errand.id().clone(), (pane, place.life));
                handle.take(errand);
            }
            Stage::Leaving(Some((_, waiting))) => waiting.push(errand),
            Stage::Leaving(None) | Stage::Failed(_) => {}
        }
    }

    /// Whether an errand that came home from a collector goes to the one that takes its place. No collector gets one
    /// twice.
    pub fn may_go_again(&self, errand: &Errand) -> bool {
        let Some((pane, had)) = self.under_way.get(errand.id()) else { return false };
        match self.places.get(&pane.host) {
            Some(Place { stage: Stage::Watched(handle), life, .. }) => had < life && !handle.has_ended(),
            Some(Place { stage: Stage::Leaving(next), .. }) => next.is_some(),
            Some(Place { stage: Stage::Failed(_), .. }) | None => false,
        }
    }

    /// Why an errand came home.
    pub fn why_lost(&self, pane: Option<&PaneKey>) -> String {
        match pane.map(|pane| (&pane.host, self.places.get(&pane.host))) {
            None => "it was lost on its way".to_owned(),
            Some((host, None | Some(Place { stage: Stage::Leaving(_), .. }))) => {
                format!("host {host} is not configured any more")
            }
            Some((host, Some(_))) => format!("the collector of host {host} failed"),
        }
    }

    /// An intent ended without having been begun: no send waits for it.
    pub fn forget(&mut self, intent: &IntentId) {
        self.under_way.remove(intent);
    }

    /// An intent is not wanted any more.
    pub fn withdraw(&mut self, intent: &IntentId) {
        let Some((pane, _)) = self.under_way.get(intent) else { return };
        if let Some(handle) = self.handle(&pane.host) {
            handle.withdraw(intent.clone());
        }
    }

    /// An intent has its outcome committed: the next one of its pane may go out.
    pub fn settled(&mut self, intent: &IntentId) {
        if let Some((pane, _)) = self.under_way.remove(intent)
            && let Some(handle) = self.handle(&pane.host)
        {
            handle.release(pane);
        }
    }

    fn handle(&self, host: &HostName) -> Option<&HostHandle> {
        self.places.get(host).and_then(Place::handle)
    }

    /// Where the observation of a pane stands, for the collector that comes next.
    pub fn remember(&mut self, pane: &PaneKey, position: Position) {
        self.remembered.insert(pane.clone(), position);
    }

    /// A pane is gone.
    pub fn forget_pane(&mut self, pane: &PaneKey) {
        self.remembered.remove(pane);
    }

    /// A view wants the screen of a pane, or none.
    pub fn watch_screen(&mut self, connection: u64, pane: Option<PaneKey>) {
        match pane {
            Some(pane) => self.watching.insert(connection, pane),
            None => self.watching.remove(&connection),
        };
        self.places.keys().for_each(|name| self.show_screens(name));
    }

    /// Tells a collector at which screens views look.
    fn show_screens(&self, name: &HostName) {
        if let Some(handle) = self.handle(name) {
            let mut panes: Vec<PaneKey> = self.watching.values().filter(|pane| pane.host == *name).cloned().collect();
            panes.sort_unstable();
            panes.dedup();
            handle.watch_screens(panes);
        }
    }

    /// Tells the collectors where pipelines run, as far as that changed.
    pub fn runs<'a>(&mut self, now: impl Iterator<Item = (&'a PaneKey, Vec<String>)>) {
        let mut before = std::mem::take(&mut self.running);
        for (pane, pipelines) in now {
            if before.remove(pane).as_ref() != Some(&pipelines)
                && let Some(handle) = self.handle(&pane.host)
            {
                handle.runs_in(pane.clone(), pipelines.clone());
            }
            self.running.insert(pane.clone(), pipelines);
        }
        for pane in before.into_keys() {
            if let Some(handle) = self.handle(&pane.host) {
                handle.runs_in(pane, Vec::new());
            }
        }
    }

    /// A view runs in a pane: what it draws is not read.
    pub fn view_runs_in(&mut self, connection: u64, socket: &str, pane: PaneId) {
        if let Some(host) = self.host_of(socket) {
            if let Some(handle) = self.handle(&host) {
                handle.exclude(pane);
            }
            self.views.insert(connection, (host, pane));
        }
    }

    /// A view has gone: its pane is read again, unless another view runs there.
    pub fn view_left(&mut self, connection: u64) {
        let Some(left) = self.views.remove(&connection) else { return };
        if !self.views.values().any(|other| *other == left)
            && let Some(handle) = self.handle(&left.0)
        {
            handle.include(left.1);
        }
    }

    /// The watched pane of that id on the server with that socket.
    pub fn pane_on(&self, socket: &str, pane: PaneId, board: &Board) -> Option<PaneKey> {
        let host = self.host_of(socket)?;
        board.panes().map(|live| &live.info.key).find(|key| key.host == host && key.pane == pane).cloned()
    }

    fn host_of(&self, socket: &str) -> Option<HostName> {
        let same = |known: &Path| {
            known == Path::new(socket) || known.canonicalize().ok() == Path::new(socket).canonicalize().ok()
        };
        self.sockets.iter().find(|(_, known)| same(known)).map(|(name, _)| name.clone())
    }

    /// Goes over to another configuration of the recordings.
    pub fn configure_recordings(&self, config: &Config) {
        self.tapes.configure(config);
    }

    /// From now on recordings are without these secrets.
    pub fn redact_recordings_by(&self, redaction: Redaction) {
        self.tapes.redact_by(redaction);
    }

    /// Ends the observation of a host that is not configured any more. Of its collector only outcomes count.
    pub fn remove(&mut self, name: &HostName) {
        if let Some(place) = self.places.get_mut(name) {
            place.leave(None);
            place.muted = true;
            // One that has ended tells no end.
            if place.is_over() {
                self.places.remove(name);
            }
        }
        self.sockets.remove(name);
    }

    /// A host is configured otherwise: once its collector has handed over what it has, one with that configuration
    /// follows. False where nobody watches it yet.
    pub fn replace(&mut self, config: &HostConfig) -> bool {
        let Some(place) = self.places.get_mut(&config.name) else { return false };
        place.leave(Some(config));
        if place.is_over() {
            self.places.remove(&config.name);
            return false;
        }
        true
    }

    /// Whether what a collector tells counts.
    pub fn listens_to(&self, name: &HostName, life: Life) -> bool {
        self.places.get(name).is_some_and(|place| place.life == life && !place.muted)
    }

    /// A collector has told everything.
    pub fn collector_ended(&mut self, name: &HostName, life: Life) -> Followed {
        let Some(place) = self.places.get_mut(name).filter(|place| place.life == life) else { return Followed::Nobody };
        match std::mem::replace(&mut place.stage, Stage::Failed(None)) {
            Stage::Leaving(next) => {
                self.places.remove(name);
                next.map_or(Followed::Nobody, |(config, waiting)| Followed::By(config, waiting))
            }
            Stage::Watched(_) | Stage::Failed(_) => Followed::Failed,
        }
    }

    /// A host whose collector failed is watched again a while after `now`.
    pub fn restart_at(&mut self, name: &HostName, now: Timestamp) {
        if let Some(place) = self.places.get_mut(name) {
            place.stage = Stage::Failed(Some(now + RESTART));
        }
    }

    /// When the next host is to be watched again.
    pub fn next_restart(&self) -> Option<Timestamp> {
        self.places.values().filter_map(Place::restart).min()
    }

    /// Hosts that are to be watched again now.
    pub fn take_restarts(&mut self, now: Timestamp) -> Vec<HostConfig> {
        let is_due = |place: &Place| place.restart().is_some_and(|at| at <= now);
        let due: Vec<HostName> =
            self.places.iter().filter(|(_, place)| is_due(place)).map(|(name, _)| name.clone()).collect();
        due.iter().filter_map(|name| self.places.remove(name)).map(|place| place.config).collect()
    }

    /// Ends all collectors; each hands over what it still has.
    pub fn shutdown(&mut self) -> tokio::task::JoinHandle<()> {
        let take = |place: &mut Place| match std::mem::replace(&mut place.stage, Stage::Leaving(None)) {
            Stage::Watched(handle) => Some(handle),
            Stage::Leaving(_) | Stage::Failed(_) => None,
        };
        let handles: Vec<HostHandle> = self.places.values_mut().filter_map(take).collect();
        tokio::spawn(async move {
            let ends = handles.into_iter().map(|handle| tokio::spawn(handle.shutdown()));
            for end in ends.collect::<Vec<_>>() {
                // A collector that failed has nothing to hand over.
                let _ = end.await;
            }
        })
    }
}

impl Place {
    const fn handle(&self) -> Option<&HostHandle> {
        match &self.stage {
            Stage::Watched(handle) => Some(handle),
            Stage::Leaving(_) | Stage::Failed(_) => None,
        }
    }

    const fn restart(&self) -> Option<Timestamp> {
        match self.stage {
            Stage::Failed(at) => at,
            Stage::Watched(_) | Stage::Leaving(_) => None,
        }
    }

    /// Whether nothing more comes from its collector.
    const fn is_over(&self) -> bool {
        matches!(self.stage, Stage::Failed(_))
    }

    /// Ends the collector, for one with another configuration or for good. What waits for the next goes on waiting, or
    /// goes home.
    fn leave(&mut self, next: Option<&HostConfig>) {
        let waiting = match std::mem::replace(&mut self.stage, Stage::Failed(None)) {
            Stage::Failed(_) => return,
            Stage::Leaving(Some((_, waiting))) => waiting,
            Stage::Watched(_) | Stage::Leaving(None) => Vec::new(),
        };
        self.stage = Stage::Leaving(next.map(|config| (Box::new(config.clone()), waiting)));
    }
}

/// Begins to observe a host.
pub fn spawn_host(dispatch: &mut Dispatch, config: &HostConfig) {
    let (messages_in, mut messages) = mpsc::channel(MESSAGES);
    let hosts = &mut dispatch.hosts;
    hosts.runs(dispatch.engine.running());
    hosts.lives += 1;
    let life = Life(hosts.lives);
    let name = config.name.clone();
    let place = |stage| Place { life, config: config.clone(), stage, muted: false };
    match watch(spec(hosts, config), hosts.policy.clone(), messages_in, hosts.clock) {
        Ok(handle) => {
            hosts.places.insert(name.clone(), place(Stage::Watched(handle)));
            if config.ssh.is_none() {
                hosts.sockets.insert(name.clone(), socket_path(&config.tmux.socket));
            }
            hosts.show_screens(&name);
            let facts = hosts.facts.clone();
            tokio::spawn(async move {
                while let Some(message) = messages.recv().await {
                    if facts.send(Fact::Host(name.clone(), life, message)).await.is_err() {
                        return;
                    }
                }
                // The loop has ended: then nobody waits for this one.
                let _ = facts.send(Fact::HostEnded(name, life)).await;
            });
        }
        Err(error) => {
            hosts.places.insert(name.clone(), place(Stage::Failed(None)));
            hosts.restart_at(&name, dispatch.clock.now());
            let error = format!("its collector can't be started: {error}; it is tried again");
            dispatch.report_problem(&format!("host {name}"), &error);
        }
    }
}

fn spec(hosts: &Hosts, config: &HostConfig) -> HostSpec {
    let views = hosts.views.values().filter(|(host, _)| *host == config.name);
    HostSpec {
        name: config.name.clone(),
        transport: transport(config, &hosts.runtime),
        session_filters: NameFilter::new(&config.tmux.session_filters),
        pane_name_patterns: NameFilter::new(&config.tmux.pane_name_patterns),
        capture_lines: config.tmux.capture_lines,
        poll_interval: config.tmux.poll_interval,
        owner: hosts.owner.clone(),
        has_siblings: hosts.has_several,
        scratch: config.ssh.is_none().then(|| hosts.runtime.clone()),
        program: hosts.program.clone(),
        ceiling: None,
        excluded: views.map(|(_, pane)| *pane).collect(),
        recognise: tmuxagent_lines::recognise,
        running: hosts
            .running
            .iter()
            .filter(|(key, _)| key.host == config.name)
            .map(|(key, names)| (key.clone(), names.clone()))
            .collect(),
        remembered: hosts
            .remembered
            .iter()
            .filter(|(key, _)| key.host == config.name)
            .map(|(k, p)| (k.clone(), p.clone()))
            .collect(),
        tape: Some(Arc::new(hosts.tapes.clone())),
    }
}
