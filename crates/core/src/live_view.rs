//! What is known at this instant beside the engine's state: the inventory, hosts, the last lines, problems, counts.
//! Together with the engine's view it makes the [`Snapshot`].
//!
//! **Invariant:** pure; nothing here survives a restart, and nothing here decides anything. Names and texts lose their
//! secrets where they come in, so that no picture holds one; policies match what the engine has, which is as it was.

use crate::trace::pairs;
use crate::unkept::may_be_secret;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use tmuxagent_engine::{View, who_reads};
use tmuxagent_model::{
    AgentStatus, Awaited, Counters, EventLine, Front, HostName, HostState, HostView, Owner, PRINTED, PaneFacts,
    PaneInfo, PaneKey, PaneReader, PaneState, PaneView, Printed, Problem, Reads, RunView, Snapshot, StageState,
    Timestamp, Trouble,
};
use tmuxagent_text::redact::Redactor;
use tmuxagent_tmux::PaneLive;

mod printed;

/// How many events a snapshot carries.
const EVENTS: usize = 200;

/// A watched pane.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Live {
    /// The inventory's facts, its names without secrets.
    pub info: PaneInfo,
    /// The names as they are, which policies match; never shown.
    #[serde(default)]
    facts: PaneFacts,
    /// When it last printed something.
    pub last_output: Option<Timestamp>,
    /// Its last line, untrusted.
    pub last_line: String,
    /// The last lines that its program printed, untrusted.
    pub(crate) printed: VecDeque<Printed>,
    /// All that its present command printed is among the lines that were read.
    #[serde(default)]
    heard_all: bool,
    /// The collector that watches its host now has not shown it yet.
    unconfirmed: bool,
    lines: u64,
    bytes: u64,
    /// Who reads its keys, and what waits for another reader.
    #[serde(default)]
    pub(crate) reader: PaneReader,
    #[serde(default)]
    awaited: Option<Box<Awaited>>,
    /// What the agent in it does.
    #[serde(default)]
    agent: Option<Box<AgentStatus>>,
}

/// Everything that a snapshot shows and the engine does not know.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct LiveView {
    generation: u64,
    pid: u32,
    #[serde(with = "pairs")]
    panes: BTreeMap<PaneKey, Live>,
    hosts: BTreeMap<HostName, HostView>,
    events: VecDeque<EventLine>,
    problems: BTreeMap<String, Problem>,
    /// Counts since the start.
    pub counters: Counters,
    /// The files of the policies in force.
    pub policies: Vec<String>,
    /// The policy's principles.
    pub principles: Vec<String>,
}

impl LiveView {
    /// Continues with the last events of an earlier life, in the process `pid`.
    #[must_use]
    pub fn new(recent: Vec<EventLine>, pid: u32) -> Self {
        let mut live_view = Self { pid, ..Self::default() };
        live_view.events.extend(recent);
        live_view
    }

    /// A pane appeared or changed.
    pub fn pane_seen(&mut self, mut info: PaneInfo, redactor: &Redactor) {
        let facts = info.facts.clone();
        info.facts.clean_texts(|name| redactor.redact(name));
        match self.panes.get_mut(&info.key) {
            Some(live) => (live.info, live.facts, live.unconfirmed) = (info, facts, false),
            None => {
                let key = info.key.clone();
                let (last_line, printed) = (String::new(), VecDeque::new());
                let (reader, awaited, agent) = (PaneReader::default(), None, None);
                let live = Live {
                    info,
                    facts,
                    last_output: None,
                    last_line,
                    printed,
                    heard_all: false,
                    unconfirmed: false,
                    lines: 0,
                    bytes: 0,
                    reader,
                    awaited,
                    agent,
                };
                self.panes.insert(key, live);
            }
        }
    }

    /// A pane is gone.
    pub fn pane_gone(&mut self, pane: &PaneKey) {
        self.panes.remove(pane);
    }

    /// Another collector begins to watch a host: which of its panes are still there, that one has to show.
    pub fn doubt_panes(&mut self, host: &HostName) {
        let of_host = self.panes.values_mut().filter(|live| live.info.key.host == *host);
        of_host.for_each(|live| (live.unconfirmed, live.heard_all) = (true, false));
    }

    /// Whether the collector that watches its host now has shown a pane.
    #[must_use]
    pub fn is_confirmed(&self, pane: &PaneKey) -> bool {
        self.panes.get(pane).is_some_and(|live| !live.unconfirmed)
    }

    /// A pane printed, or turned its title.
    pub fn printed(&mut self, mut news: PaneLive, redactor: &Redactor) {
        let Some(live) = self.panes.get_mut(&news.pane) else { return };
        news.reader.clean_texts(|name| redactor.redact(name));
        if let Some(agent) = &mut news.agent {
            agent.clean_texts(|text| redactor.redact(text));
        }
        self.counters.lines += news.lines.saturating_sub(live.lines);
        self.counters.bytes += news.bytes.saturating_sub(live.bytes);
        (live.lines, live.bytes) = (news.lines, news.bytes);
        live.last_output = news.last_output;
        live.last_line = redactor.redact(&news.last_line);
        live.reader = news.reader;
        live.agent = news.agent;
        live.info.facts.title = redactor.redact(&news.title);
        live.facts.title = news.title;
    }

    /// The next send of a pane waits for another reader, or waits no more.
    pub fn awaits(&mut self, pane: &PaneKey, mut awaited: Option<Box<Awaited>>, redactor: &Redactor) {
        if let Some(awaited) = &mut awaited {
            awaited.reader.clean_texts(|name| redactor.redact(name));
        }
        if let Some(live) = self.panes.get_mut(pane) {
            live.awaited = awaited;
        }
    }

    /// The panes of a host as they are, for the engine alone.
    pub(crate) fn true_panes(&self, host: &HostName) -> Vec<PaneInfo> {
        let of_host = self.panes.values().filter(|live| live.info.key.host == *host);
        of_host.map(|live| PaneInfo { facts: live.facts.clone(), ..live.info.clone() }).collect()
    }

    /// Other secrets are known from now on: what is shown already loses them as well.
    pub fn redact_by(&mut self, redactor: &Redactor) {
        let clean = |text: &str| redactor.redact(text);
        for live in self.panes.values_mut() {
            live.info.facts.clone_from(&live.facts);
            live.info.facts.clean_texts(clean);
            live.last_line = clean(&live.last_line);
            live.reader.clean_texts(clean);
            if let Some(agent) = &mut live.agent {
                agent.clean_texts(clean);
            }
            if let Some(awaited) = &mut live.awaited {
                awaited.reader.clean_texts(clean);
            }
        }
        self.events.iter_mut().for_each(|event| event.place = clean(&event.place));
    }

    /// What waits for another reader: the send, its pane.
    pub fn awaited(&self) -> impl Iterator<Item = (&PaneKey, &Awaited)> {
        self.panes.iter().filter_map(|(key, live)| Some((key, live.awaited.as_deref()?)))
    }

    /// The program in front of a pane, where it is one that could be typed to. A program that only runs is not: who reads when
    /// it has ended is still to be seen.
    ///
    /// With it, whether it is a shell.
    pub(crate) fn in_front(&self, pane: &PaneKey) -> Option<(Front, bool)> {
        let reader = &self.panes.get(pane)?.reader;
        let reads = match reader.reads {
            Reads::Shell
            | Reads::Draft
            | Reads::Line
            | Reads::Key
            | Reads::Screen
            | Reads::Agent
            | Reads::AgentWorks
            | Reads::AgentAsks
            | Reads::Nested => true,
            Reads::Command | Reads::Password | Reads::Mode | Reads::Dead | Reads::Unknown => false,
        };
        // One whose process is not known can't be told from another.
        let front = reader.front.clone().filter(|front| reads && front.pid != 0)?;
        Some((front, reader.shell || reader.reads == Reads::Shell))
    }

    /// Whether what a person types into a pane now may be a password; a pane that nobody knows reads nothing.
    pub(crate) fn may_read_secret(&self, pane: &PaneKey, insist: bool) -> bool {
        let Some(live) = self.panes.get(pane) else { return false };
        let readers = live.awaited.iter().map(|awaited| &awaited.reader).chain([&live.reader]);
        let agent = live.agent.is_some() || !live.info.facts.agent.is_empty();
        readers.into_iter().any(|reader| may_be_secret(reader, &live.last_line, insist, agent))
    }

    /// The state of a host changed; returns whether anything is new.
    pub fn host(&mut self, name: &HostName, state: HostState, version: &str, detail: &str, now: Timestamp) -> bool {
        let known = self.hosts.get(name);
        if known.is_some_and(|host| host.state == state && host.detail == detail && host.version == version) {
            return false;
        }
        let since = known.filter(|host| host.state == state).map_or(now, |host| host.since);
        let owner = known.and_then(|host| host.owner.clone());
        let (name, version, detail) = (name.clone(), version.into(), detail.into());
        let view = HostView { name, state, since, version, detail, owner };
        self.hosts.insert(view.name.clone(), view);
        true
    }

    /// A host is watched from now on, whatever its collector finds there.
    pub fn begins(&mut self, name: &HostName, now: Timestamp) {
        self.known_host(name, now);
    }

    fn known_host(&mut self, name: &HostName, now: Timestamp) -> &mut HostView {
        self.hosts.entry(name.clone()).or_insert_with(|| HostView {
            name: name.clone(),
            state: HostState::Connecting,
            since: now,
            version: String::new(),
            detail: String::new(),
            owner: None,
        })
    }

    /// Another supervisor types on a host, or none (any more).
    pub fn owner(&mut self, name: &HostName, owner: Option<Box<Owner>>, now: Timestamp) {
        self.known_host(name, now).owner = owner;
    }

    /// The supervisor that types on a host, where it is not this one.
    #[must_use]
    pub fn owner_of(&self, name: &HostName) -> Option<(HostState, &Owner)> {
        let host = self.hosts.get(name)?;
        Some((host.state, host.owner.as_deref()?))
    }

    /// A host is no longer configured.
    pub fn forget_host(&mut self, name: &HostName) {
        self.hosts.remove(name);
        self.panes.retain(|key, _| key.host != *name);
    }

    /// Something worth telling happened.
    pub fn event(&mut self, event: EventLine) {
        self.events.push_back(event);
        while self.events.len() > EVENTS {
            self.events.pop_front();
        }
    }

    /// A part fails; returns whether that is new.
    pub fn problem(&mut self, part: &str, text: &Trouble, now: Timestamp) -> bool {
        let known = self.problems.get(part);
        if known.is_some_and(|problem| problem.text == *text) {
            return false;
        }
        let since = known.map_or(now, |problem| problem.since);
        self.problems.insert(part.to_owned(), Problem { part: part.to_owned(), text: text.clone(), since });
        true
    }

    /// These parts are none any more; returns whether one of them had failed.
    pub fn forget(&mut self, is_gone: impl Fn(&str) -> bool) -> bool {
        let before = self.problems.len();
        self.problems.retain(|part, _| !is_gone(part));
        self.problems.len() < before
    }

    /// A part works again; returns whether it had failed.
    pub fn solved(&mut self, part: &str) -> bool {
        self.problems.remove(part).is_some()
    }

    /// The watched panes.
    pub fn panes(&self) -> impl Iterator<Item = &Live> {
        self.panes.values()
    }

    /// A watched pane.
    #[must_use]
    pub fn pane(&self, key: &PaneKey) -> Option<&Live> {
        self.panes.get(key)
    }

    /// Where a pane is, for people.
    #[must_use]
    pub fn place(&self, key: &PaneKey) -> String {
        self.panes.get(key).map_or_else(|| format!("{}:{}", key.host, key.pane), |live| live.info.place())
    }

    /// The state of a host.
    #[must_use]
    pub fn host_state(&self, name: &HostName) -> Option<HostState> {
        self.hosts.get(name).map(|host| host.state)
    }

    /// The whole picture.
    pub fn snapshot(&mut self, now: Timestamp, view: View) -> Snapshot {
        self.generation += 1;
        let mut panes: Vec<PaneView> = self.panes.values().map(|live| self.pane_view(live, &view)).collect();
        panes.sort_by(|a, b| place(&a.info).cmp(&place(&b.info)));
        let mut runs = view.runs;
        runs.iter_mut().for_each(|run| self.tell_readers(run, &view.commands));
        Snapshot {
            generation: self.generation,
            at: now,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: self.pid,
            frozen: view.frozen,
            hosts: self.hosts.values().cloned().collect(),
            panes,
            runs,
            approvals: view.approvals,
            held: view.held,
            leases: view.leases,
            events: self.events.iter().cloned().collect(),
            problems: self.problems.values().cloned().collect(),
            policies: self.policies.clone(),
            principles: self.principles.clone(),
            counters: self.counters,
        }
    }

    /// Of a stage whose own command waits for what only somebody at its pane gives, that is what it waits for.
    fn tell_readers(&self, run: &mut RunView, commands: &BTreeSet<PaneKey>) {
        let RunView { pane: of_run, stages, .. } = run;
        for stage in stages.iter_mut().filter(|stage| stage.state == StageState::Running) {
            let pane = stage.pane.as_ref().unwrap_or(&*of_run);
            if let Some(told) = self.command_waits(pane).filter(|_| commands.contains(pane)) {
                stage.detail = told;
            }
        }
    }

    /// What a command in a pane waits for though it asks no question that could be answered here: a password, or a line at the
    /// prompt of its own.
    pub(crate) fn command_waits(&self, pane: &PaneKey) -> Option<String> {
        let reader = &self.panes.get(pane)?.reader;
        (reader.reads == Reads::Password || reader.is_at_line_prompt()).then(|| who_reads(reader))
    }

    /// What a pane is doing: the engine's word, unless it can't be observed, its process has ended, or what goes on in it waits
    /// for a password, which only a person types.
    pub(crate) fn state_of(&self, live: &Live, view: &View) -> PaneState {
        if !self.host_state(&live.info.key.host).is_some_and(HostState::is_observed) {
            return PaneState::Stale;
        }
        let ours = live.awaited.is_some() || view.commands.contains(&live.info.key);
        if ours && live.reader.reads == Reads::Password {
            return PaneState::NeedsApproval;
        }
        let state = view.panes.get(&live.info.key).copied().unwrap_or(PaneState::Idle);
        if live.info.dead && state >= PaneState::Done { PaneState::Dead } else { state }
    }

    fn pane_view(&self, live: &Live, view: &View) -> PaneView {
        PaneView {
            info: live.info.clone(),
            state: self.state_of(live, view),
            last_output: live.last_output,
            last_line: live.last_line.clone(),
            pipelines: view.pipelines.get(&live.info.key).cloned().unwrap_or_default(),
            reader: live.reader.clone(),
            agent: live.agent.clone(),
            awaited: live.awaited.clone(),
        }
    }
}

fn place(info: &PaneInfo) -> (&HostName, &str, u32, u32) {
    (&info.key.host, &info.facts.session, info.window_index, info.pane_index)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tmuxagent_model::{PaneId, ServerId};

    fn info(pane: u32, session: &str, window_index: u32) -> PaneInfo {
        let key = PaneKey { host: HostName::local(), server: ServerId::new("s"), pane: PaneId(pane), pid: pane };
        let facts = PaneFacts { session: session.into(), ..PaneFacts::default() };
        PaneInfo { window_index, ..PaneInfo::new(key, facts) }
    }

    #[test]
    fn panes_stand_in_the_order_of_sessions_and_windows() {
        let mut live_view = LiveView::default();
        for (pane, session, window) in [(9, "b", 0), (1, "a", 2), (5, "a", 0)] {
            live_view.pane_seen(info(pane, session, window), &Redactor::default());
        }
        let snapshot = live_view.snapshot(Timestamp(1), View::default());
        let order: Vec<u32> = snapshot.panes.iter().map(|pane| pane.info.key.pane.0).collect();
        assert_eq!(order, [5, 1, 9]);
    }

    #[test]
    fn a_pane_of_a_lost_host_is_stale_and_not_gone() {
        let mut live_view = LiveView::default();
        live_view.pane_seen(info(1, "a", 0), &Redactor::default());
        assert!(live_view.host(&HostName::local(), HostState::Live, "3.3a", "", Timestamp(1)));
        assert_eq!(live_view.snapshot(Timestamp(1), View::default()).panes[0].state, PaneState::Idle);
        assert!(live_view.host(&HostName::local(), HostState::Unreachable, "3.3a", "gone", Timestamp(2)));
        assert_eq!(live_view.snapshot(Timestamp(3), View::default()).panes[0].state, PaneState::Stale);
    }

    /// A command's password, and a line that is held behind one, wait for a person; what somebody does himself is his own.
    #[test]
    fn a_pane_that_waits_for_a_password_needs_somebody() {
        let key = info(1, "a", 0).key;
        let reader = |reads, seen: &str| PaneReader { reads, seen: seen.to_owned(), ..PaneReader::default() };
        let awaited = Awaited {
            intent: tmuxagent_model::IntentId::new("I1"),
            reader: PaneReader::default(),
            since: Timestamp(0),
        };
        for (reads, seen, own, held, state, waits) in [
            (Reads::Password, "icanon -echo", true, false, PaneState::NeedsApproval, true),
            (Reads::Password, "icanon -echo", false, true, PaneState::NeedsApproval, true),
            (Reads::Password, "icanon -echo", false, false, PaneState::Idle, true),
            (Reads::Line, "-icanon -echo, column 4", true, false, PaneState::Idle, true),
            (Reads::Line, "icanon echo, column 4", true, false, PaneState::Idle, false),
            (Reads::Command, "icanon echo", true, true, PaneState::Idle, false),
        ] {
            let mut live_view = LiveView::default();
            live_view.pane_seen(info(1, "a", 0), &Redactor::default());
            live_view.host(&HostName::local(), HostState::Live, "3.3a", "", Timestamp(1));
            live_view.awaits(&key, held.then(|| Box::new(awaited.clone())), &Redactor::default());
            live_view.panes.get_mut(&key).unwrap().reader = reader(reads.clone(), seen);
            let commands = own.then(|| key.clone()).into_iter().collect();
            let shown = live_view.snapshot(Timestamp(1), View { commands, ..View::default() });
            assert_eq!(shown.panes[0].state, state, "{reads:?}");
            assert_eq!(live_view.command_waits(&key).is_some(), waits, "{reads:?} {seen}");
        }
    }

    #[test]
    fn a_problem_keeps_its_first_instant_and_is_told_once() {
        let mut live_view = LiveView::default();
        assert!(live_view.problem("policy", &"bad".into(), Timestamp(1)));
        assert!(!live_view.problem("policy", &"bad".into(), Timestamp(5)));
        assert!(live_view.problem("policy", &"worse".into(), Timestamp(9)));
        assert_eq!(live_view.snapshot(Timestamp(9), View::default()).problems[0].since, Timestamp(1));
        assert!(live_view.solved("policy") && !live_view.solved("policy"));
    }
}
