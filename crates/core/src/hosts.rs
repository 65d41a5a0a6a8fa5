//! The watched hosts: which collector watches which, who looks at which screen, and in which panes our own views run.
//!
//! A collector types one thing at a time into a pane and waits after each for [`Act::Release`], since a pane remembers
//! only its last idempotency mark.

use super::acts::{Act, HostStart};
use super::answering::Answering;
use super::trace::pairs;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use tmuxagent_config::HostConfig;
use tmuxagent_model::{
    HookTold, HostName, Intent, IntentId, Millis, OpenQuestion, PaneId, PaneKey, RequestNews, Timestamp,
};
use tmuxagent_tmux::Position;

/// The pause before a host is watched again whose collector failed.
const RESTART: Millis = Millis(3000);

/// The number of a collector; never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Life(pub u64);

/// Something to be typed, and whether it may have been typed before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Sending {
    pub(crate) intent: Intent,
    pub(crate) begun: bool,
}

/// A configured host, or one whose collector is still to hand over what it has.
#[derive(Serialize, Deserialize)]
struct Place {
    life: Life,
    config: HostConfig,
    stage: Stage,
    /// Its panes are forgotten, and so is what its collector tells of them.
    muted: bool,
    /// Its collector has told everything.
    ended: bool,
}

/// What a host's collector does.
#[derive(Serialize, Deserialize)]
enum Stage {
    Watched,
    /// It was told to leave; what follows, with what waits for it to be typed.
    Leaving(Option<(Box<HostConfig>, Vec<Sending>)>),
    /// It ended by itself, or could not be started; when it is started again.
    Failed(Option<Timestamp>),
}

/// See the module.
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct Hosts {
    #[serde(with = "pairs")]
    remembered: HashMap<PaneKey, Position>,
    places: BTreeMap<HostName, Place>,
    /// How many collectors there were.
    lives: u64,
    /// What was handed to a collector, and to which.
    #[serde(with = "pairs")]
    under_way: HashMap<IntentId, (PaneKey, Life)>,
    #[serde(with = "pairs")]
    watching: BTreeMap<u64, PaneKey>,
    /// What each collector was told of open runs.
    #[serde(with = "pairs")]
    running: BTreeMap<PaneKey, Vec<String>>,
    /// What each collector was told of open questions.
    #[serde(default)]
    asks: BTreeMap<HostName, Vec<OpenQuestion>>,
    #[serde(with = "pairs")]
    views: HashMap<u64, (HostName, PaneId)>,
    /// The connections that wait for the answers to agents' calls.
    #[serde(default)]
    calls: BTreeMap<String, u64>,
    /// Agents' requests that wait for their answers.
    #[serde(default)]
    pub(crate) answering: Answering,
    /// More than one host is configured.
    pub(crate) has_several: bool,
    /// Names under which something was watched, and nothing is any more.
    gone: BTreeSet<HostName>,
    /// What is to be done by now.
    #[serde(skip)]
    pub(crate) acts: Vec<Act>,
}

impl Hosts {
    /// No host yet. `positions` are those of an earlier life.
    pub(crate) fn new(positions: Vec<(PaneKey, String)>) -> Self {
        // A position that can't be read costs what was printed meanwhile, which the collector then marks as a gap.
        let read = |(pane, json): (PaneKey, String)| Some((pane, serde_json::from_str(&json).ok()?));
        Self { remembered: positions.into_iter().filter_map(read).collect(), ..Self::default() }
    }

    /// Whether a host is configured.
    pub(crate) fn knows(&self, host: &HostName) -> bool {
        self.places.contains_key(host)
    }

    /// The configured hosts.
    pub(crate) fn configured(&self) -> impl Iterator<Item = &HostConfig> {
        self.places.values().filter(|place| !place.muted).map(|place| match &place.stage {
            Stage::Leaving(Some((next, _))) => next,
            Stage::Leaving(None) | Stage::Watched | Stage::Failed(_) => &place.config,
        })
    }

    /// Begins to watch a host.
    pub(crate) fn start(&mut self, config: &HostConfig) {
        self.lives += 1;
        let life = Life(self.lives);
        let of_host = |key: &PaneKey| key.host == config.name;
        let start = HostStart {
            life,
            config: config.clone(),
            has_siblings: self.has_several,
            excluded: self.views.values().filter(|(host, _)| *host == config.name).map(|(_, pane)| *pane).collect(),
            running: self.running.iter().filter(|(key, _)| of_host(key)).map(|(k, v)| (k.clone(), v.clone())).collect(),
            remembered: self
                .remembered
                .iter()
                .filter(|(key, _)| of_host(key))
                .map(|(key, position)| (key.clone(), position.clone()))
                .collect(),
        };
        let place = Place { life, config: config.clone(), stage: Stage::Watched, muted: false, ended: false };
        self.places.insert(config.name.clone(), place);
        self.acts.push(Act::StartHost(Box::new(start)));
        self.show_screens(&config.name);
        if let Some(asks) = self.asks.get(&config.name) {
            self.acts.push(Act::Asks(life, asks.clone()));
        }
        if self.gone.remove(&config.name) {
            self.tell_gone();
        } else if !self.gone.is_empty() {
            self.acts.push(Act::Gone(life, self.gone.clone()));
        }
    }

    /// Has something typed, after what was to be typed before it on the same pane. Comes back where no collector watches
    /// its host.
    pub(crate) fn send(&mut self, sending: Sending) -> Result<(), Box<Sending>> {
        let place = sending.intent.effect.pane().cloned();
        let place = place.and_then(|pane| Some((self.places.get_mut(&pane.host)?, pane)));
        let Some((place, pane)) = place else { return Err(Box::new(sending)) };
        match &mut place.stage {
            Stage::Watched => {
                let Sending { intent, begun } = sending;
                self.under_way.insert(intent.id.clone(), (pane, place.life));
                self.acts.push(Act::Type { life: place.life, intent, begun });
            }
            Stage::Leaving(Some((_, waiting))) => waiting.push(sending),
            Stage::Leaving(None) | Stage::Failed(_) => return Err(Box::new(sending)),
        }
        Ok(())
    }

    /// Whether what came back from a collector goes to the one that takes its place. No collector gets one twice.
    pub(crate) fn may_go_again(&self, intent: &IntentId) -> bool {
        let Some((pane, had)) = self.under_way.get(intent) else { return false };
        match self.places.get(&pane.host) {
            Some(Place { stage: Stage::Watched, life, .. }) => had < life,
            Some(Place { stage: Stage::Leaving(next), .. }) => next.is_some(),
            Some(Place { stage: Stage::Failed(_), .. }) | None => false,
        }
    }

    /// Why something came back.
    pub(crate) fn why_lost(&self, pane: Option<&PaneKey>) -> String {
        match pane.map(|pane| (&pane.host, self.places.get(&pane.host))) {
            None => "it was lost on its way".to_owned(),
            Some((host, None | Some(Place { stage: Stage::Leaving(_), .. }))) => {
                format!("host {host} is not configured any more")
            }
            Some((host, Some(_))) => format!("the collector of host {host} failed"),
        }
    }

    /// An intent ended without having been begun: no send waits for it.
    pub(crate) fn forget(&mut self, intent: &IntentId) {
        self.under_way.remove(intent);
    }

    /// Nothing that waits for its reader or its pane is typed from now on, or it is again.
    pub(crate) fn freeze(&mut self, frozen: bool) {
        let lives: Vec<Life> = self.places.keys().filter_map(|name| self.watcher(name)).collect();
        self.acts.extend(lives.into_iter().map(|life| Act::Freeze(life, frozen)));
    }

    /// An intent is not wanted any more.
    pub(crate) fn withdraw(&mut self, intent: &IntentId) {
        let life = self.under_way.get(intent).and_then(|(pane, _)| self.watcher(&pane.host));
        self.acts.extend(life.map(|life| Act::Withdraw(life, intent.clone())));
    }

    /// An intent has its outcome committed: the next one of its pane may go out.
    pub(crate) fn settled(&mut self, intent: &IntentId) {
        if let Some((pane, _)) = self.under_way.remove(intent)
            && let Some(life) = self.watcher(&pane.host)
        {
            self.acts.push(Act::Release(life, pane));
        }
    }

    /// Tells the collectors what they may take over from others of this process.
    fn tell_gone(&mut self) {
        let lives: Vec<Life> = self.places.keys().filter_map(|name| self.watcher(name)).collect();
        self.acts.extend(lives.into_iter().map(|life| Act::Gone(life, self.gone.clone())));
    }

    /// The collector that watches a host now.
    fn watcher(&self, host: &HostName) -> Option<Life> {
        self.places.get(host).filter(|place| matches!(place.stage, Stage::Watched)).map(|place| place.life)
    }

    /// Where the observation of a pane stands, for the collector that comes next.
    pub(crate) fn remember(&mut self, pane: &PaneKey, position: Position) {
        self.remembered.insert(pane.clone(), position);
    }

    /// The prompts of the shell in a pane, as far as they were learned.
    pub(crate) fn prompts(&self, pane: &PaneKey) -> impl Iterator<Item = &str> {
        let known = self.remembered.get(pane).and_then(|position| position.prompts.as_ref());
        known.into_iter().flat_map(|known| known.told.iter().chain(&known.learned)).map(String::as_str)
    }

    /// A pane is gone.
    pub(crate) fn forget_pane(&mut self, pane: &PaneKey) {
        self.remembered.remove(pane);
    }

    /// How far the panes of a host were read counts no more; gives which.
    pub(crate) fn forget_panes(&mut self, host: &HostName) -> Vec<PaneKey> {
        self.remembered.extract_if(|pane, _| pane.host == *host).map(|(pane, _)| pane).collect()
    }

    /// Whether a host is this machine.
    pub(crate) fn is_here(&self, host: &HostName) -> bool {
        self.places.get(host).is_some_and(|place| !place.muted && place.config.ssh.is_none())
    }

    /// An agent in a pane tells something by a hook.
    pub(crate) fn tell_hook(&mut self, pane: PaneKey, told: HookTold) {
        if let Some(life) = self.watcher(&pane.host) {
            self.acts.push(Act::Hook(life, pane, Box::new(told)));
        }
    }

    /// A request of an agent in a pane waits, or does no more.
    pub(crate) fn tell_request(&mut self, pane: PaneKey, news: RequestNews) {
        if let Some(life) = self.watcher(&pane.host) {
            self.acts.push(Act::Request(life, pane, Box::new(news)));
        }
    }

    /// A connection waits for the answer to a call.
    pub(crate) fn called(&mut self, call: String, connection: u64) {
        self.calls.insert(call, connection);
    }

    /// A connection has gone; the calls whose answers nobody waits for. One that is waited for by a newer one is none.
    pub(crate) fn caller_left(&mut self, connection: u64) -> Vec<String> {
        let left: Vec<String> =
            self.calls.iter().filter(|(_, of)| **of == connection).map(|(call, _)| call.clone()).collect();
        self.calls.retain(|_, of| *of != connection);
        left
    }

    /// A view wants the screen of a pane, or none.
    pub(crate) fn watch_screen(&mut self, connection: u64, pane: Option<PaneKey>) {
        match pane {
            Some(pane) => self.watching.insert(connection, pane),
            None => self.watching.remove(&connection),
        };
        let names: Vec<HostName> = self.places.keys().cloned().collect();
        names.iter().for_each(|name| self.show_screens(name));
    }

    /// Tells a collector at which screens views look.
    fn show_screens(&mut self, name: &HostName) {
        if let Some(life) = self.watcher(name) {
            let mut panes: Vec<PaneKey> = self.watching.values().filter(|pane| pane.host == *name).cloned().collect();
            panes.sort_unstable();
            panes.dedup();
            self.acts.push(Act::WatchScreens(life, panes));
        }
    }

    /// Tells the collectors where pipelines run, as far as that changed.
    pub(crate) fn runs<'a>(&mut self, now: impl Iterator<Item = (&'a PaneKey, Vec<String>)>) {
        let mut before = std::mem::take(&mut self.running);
        for (pane, pipelines) in now {
            if before.remove(pane).as_ref() != Some(&pipelines)
                && let Some(life) = self.watcher(&pane.host)
            {
                self.acts.push(Act::RunsIn(life, pane.clone(), pipelines.clone()));
            }
            self.running.insert(pane.clone(), pipelines);
        }
        for pane in before.into_keys() {
            if let Some(life) = self.watcher(&pane.host) {
                self.acts.push(Act::RunsIn(life, pane, Vec::new()));
            }
        }
    }

    /// Tells the collectors what is asked on their hosts, as far as that changed.
    pub(crate) fn asks(&mut self, now: impl Iterator<Item = (HostName, OpenQuestion)>) {
        let mut asks: BTreeMap<HostName, Vec<OpenQuestion>> = BTreeMap::new();
        now.for_each(|(host, question)| asks.entry(host).or_default().push(question));
        let before = std::mem::replace(&mut self.asks, asks);
        for host in before.keys().chain(self.asks.keys()).collect::<BTreeSet<_>>() {
            let (was, is) = (before.get(host), self.asks.get(host));
            if was != is
                && let Some(life) = self.watcher(host)
            {
                self.acts.push(Act::Asks(life, is.cloned().unwrap_or_default()));
            }
        }
    }

    /// What was left open on a host is told.
    pub(crate) fn left_is_told(&mut self, host: &HostName) {
        if let Some(life) = self.watcher(host) {
            self.acts.push(Act::LeftIsTold(life));
        }
    }

    /// A view runs in a pane: what it draws is not read.
    pub(crate) fn view_runs_in(&mut self, connection: u64, host: HostName, pane: PaneId) {
        if let Some(life) = self.watcher(&host) {
            self.acts.push(Act::Exclude(life, pane));
        }
        self.views.insert(connection, (host, pane));
    }

    /// A view has gone: its pane is read again, unless another view runs there.
    pub(crate) fn view_left(&mut self, connection: u64) {
        let Some(left) = self.views.remove(&connection) else { return };
        if !self.views.values().any(|other| *other == left)
            && let Some(life) = self.watcher(&left.0)
        {
            self.acts.push(Act::Include(life, left.1));
        }
    }

    /// Ends the observation of a host that is not configured any more. Of its collector only outcomes count. What waited
    /// for the next one comes back.
    pub(crate) fn remove(&mut self, name: &HostName) -> Vec<Sending> {
        let Some(place) = self.places.get_mut(name) else { return Vec::new() };
        place.muted = true;
        let waiting = place.leave(&mut self.acts);
        match place.stage {
            // One that has ended tells no end.
            Stage::Failed(_) => {
                self.places.remove(name);
                self.gone.insert(name.clone());
                self.tell_gone();
            }
            Stage::Watched | Stage::Leaving(_) => place.stage = Stage::Leaving(None),
        }
        waiting
    }

    /// A host is configured otherwise: once its collector has handed over what it has, one with that configuration
    /// follows. False where nobody watches it yet.
    pub(crate) fn replace(&mut self, config: &HostConfig) -> bool {
        let Some(place) = self.places.get_mut(&config.name) else { return false };
        let waiting = place.leave(&mut self.acts);
        if matches!(place.stage, Stage::Failed(_)) {
            place.config = config.clone();
            place.stage = Stage::Failed(Some(Timestamp(0)));
            return true;
        }
        place.stage = Stage::Leaving(Some((Box::new(config.clone()), waiting)));
        true
    }

    /// Nobody follows any collector that ends from now on.
    pub(crate) fn leave_all(&mut self) {
        self.places.values_mut().for_each(|place| place.stage = Stage::Leaving(None));
    }

    /// Whether what a collector tells counts.
    pub(crate) fn listens_to(&self, name: &HostName, life: Life) -> bool {
        self.places.get(name).is_some_and(|place| place.life == life && !place.muted)
    }

    /// A collector has told everything; whether it was not to end.
    pub(crate) fn collector_ended(&mut self, name: &HostName, life: Life) -> bool {
        let Some(place) = self.places.get_mut(name).filter(|place| place.life == life) else { return false };
        match place.stage {
            Stage::Leaving(None) => {
                self.places.remove(name);
                self.gone.insert(name.clone());
                self.tell_gone();
            }
            Stage::Leaving(Some(_)) => place.ended = true,
            Stage::Watched | Stage::Failed(_) => {
                place.stage = Stage::Failed(None);
                return true;
            }
        }
        false
    }

    /// Whether a collector is to be started by `now`.
    pub(crate) fn is_anybody_due(&self, now: Timestamp) -> bool {
        self.places.values().any(|place| place.ended || place.restart().is_some_and(|at| at <= now))
    }

    /// Hosts whose last collector has ended and another is to follow, with what waits for it.
    pub(crate) fn take_followed(&mut self) -> Vec<(HostConfig, Vec<Sending>)> {
        let ended: Vec<HostName> =
            self.places.iter().filter(|(_, place)| place.ended).map(|(name, _)| name.clone()).collect();
        let next = |place: Place| match place.stage {
            Stage::Leaving(Some((config, waiting))) => Some((*config, waiting)),
            Stage::Leaving(None) | Stage::Watched | Stage::Failed(_) => None,
        };
        ended.iter().filter_map(|name| self.places.remove(name)).filter_map(next).collect()
    }

    /// A host whose collector failed is watched again a while after `now`.
    pub(crate) fn restart_at(&mut self, name: &HostName, now: Timestamp) {
        if let Some(place) = self.places.get_mut(name) {
            place.stage = Stage::Failed(Some(now + RESTART));
        }
    }

    /// When the next host is to be watched again.
    pub(crate) fn next_restart(&self) -> Option<Timestamp> {
        self.places.values().filter_map(Place::restart).min()
    }

    /// Hosts that are to be watched again now.
    pub(crate) fn take_restarts(&mut self, now: Timestamp) -> Vec<HostConfig> {
        let is_due = |place: &Place| place.restart().is_some_and(|at| at <= now);
        let due: Vec<HostName> =
            self.places.iter().filter(|(_, place)| is_due(place)).map(|(name, _)| name.clone()).collect();
        due.iter().filter_map(|name| self.places.remove(name)).map(|place| place.config).collect()
    }
}

impl Place {
    const fn restart(&self) -> Option<Timestamp> {
        match self.stage {
            Stage::Failed(at) => at,
            Stage::Watched | Stage::Leaving(_) => None,
        }
    }

    /// Ends the collector where it watches; what waited for the one that was to follow.
    fn leave(&mut self, acts: &mut Vec<Act>) -> Vec<Sending> {
        match &mut self.stage {
            Stage::Watched => {
                acts.push(Act::EndHost(self.life));
                Vec::new()
            }
            Stage::Leaving(Some((_, waiting))) => std::mem::take(waiting),
            Stage::Leaving(None) | Stage::Failed(_) => Vec::new(),
        }
    }
}
