//! What a listing says becomes what is known of the panes: those that came, changed and went, and how each is read.

use super::attach::Attached;
use super::client::ClientId;
use super::history::{Begun, Past};
use super::inventory::{Entry, Listed, Listing};
use super::link::{Link, Server};
use super::pane::{Feed, Pane};
use super::pipes::{LAST_WORDS, Pipe};
use super::reading::STRANGER;
use super::{HostCore, Output, Purpose};
use std::sync::Arc;
use tmuxagent_model::{Event, PaneFacts, PaneId, PaneInfo, PaneKey, ServerId, SessionId};
use tmuxagent_policy::{Policy, RuleSet, Selector};

impl HostCore {
    /// Takes over what a listing says.
    pub fn apply(&mut self, entries: Vec<Entry>) {
        let Some(first) = entries.first() else { return };
        self.check_identity(&first.server.clone(), &first.life());
        let Some(server) = self.server.as_ref().map(|server| server.id.clone()) else { return };
        let read: Vec<SessionId> = self.clients.values().filter_map(|attached| attached.session).collect();
        let listing = Listing::new(&self.spec, entries, &|session| read.contains(&session));
        let begins = self.inventory.known.is_empty();
        let gone: Vec<PaneId> =
            self.inventory.panes.keys().filter(|id| !listing.panes.contains_key(id)).copied().collect();
        gone.into_iter().for_each(|pane| self.pane_vanished(pane));
        for listed in listing.panes.values() {
            self.take_listed(listed, &server, begins);
        }
        self.inventory.shown_by = listing.panes.iter().map(|(&id, listed)| (id, listed.sessions.clone())).collect();
        self.inventory.sessions = listing.sessions;
        self.inventory.strangers.retain(|pane, _| !listing.panes.contains_key(pane));
        self.inventory.complete = true;
        self.assign();
        self.say_live();
        self.pump_all();
        if self.link == Link::Control {
            self.attach_soon();
        }
    }

    /// The server's identity, as it says itself. Another one may have come in its place before our clients did; it may
    /// have lost its name, or have been given another.
    fn check_identity(&mut self, told: &str, life: &(u32, String)) {
        let Some(server) = &self.server else { return };
        if server.life != *life {
            // It is looked for anew once the clients are gone, and named before anything is told of its panes.
            self.forget_server();
            self.end_clients();
        } else if told.is_empty() {
            self.name_again();
        } else if told != server.id.as_str() {
            let renamed = Server { id: ServerId::new(told), ..server.clone() };
            let shown = self.inventory.excluded.clone();
            self.forget_server();
            self.inventory.excluded = shown;
            self.server = Some(renamed);
        }
    }

    fn take_listed(&mut self, listed: &Listed, server: &ServerId, begins: bool) {
        let entry = &listed.entry;
        let (id, mut info) = (entry.pane, entry.info(&self.spec.name, server));
        let record = entry.record.clone();
        // Names of windows and titles change as programs like; the session is where the user put the pane.
        if !listed.in_session && self.inventory.panes.contains_key(&id) {
            return self.leave_pane(id);
        }
        if let Some(pane) = self.inventory.panes.get(&id) {
            if info.key.pid == 0 && info.dead {
                info.key.pid = pane.info.key.pid;
            }
            if info.key == pane.info.key {
                self.settle(id, false);
                self.update(id, info, record, entry.piped);
                return;
            }
            // Another process: `respawn-pane`. The pane still holds what its predecessor printed.
            if pane.feed == Feed::Piped && pane.client.is_some() && !(pane.superseded && pane.ending.is_some()) {
                return self.supersede(id);
            }
        }
        // The pipe stays the pane's, whatever process it has.
        let mut pipe = self.inventory.panes.get_mut(&id).and_then(|pane| pane.pipe.take());
        let streams = self.inventory.panes.get(&id).map(|pane| pane.feed == Feed::Stream);
        self.drop_pane(id);
        let first = self.inventory.known.insert(id);
        let past = match streams {
            Some(false) => {
                let printed = pipe.as_mut().map(Pipe::begun).unwrap_or_default();
                Past::Respawned(Arc::new(Begun::new(printed, info.width, info.height)))
            }
            None if first && !begins => Past::New,
            // What a stream gave of it was told as its predecessor's.
            Some(true) | None => Past::Old,
        };
        if listed.chosen && !self.inventory.excluded.contains(&id) {
            self.admit(info, past, record);
            if let Some(pane) = self.inventory.panes.get_mut(&id) {
                pane.has_pipe = entry.piped;
                pane.pipe = pipe;
            }
        } else if first && begins {
            // It may have been watched before, by a collector that was configured otherwise.
            self.outlet.event(Event::PaneGone { pane: info.key, unwatched: true, by: None });
        }
    }

    /// tmux lists a pane no more; what it printed last may still be in its pipe.
    fn pane_vanished(&mut self, id: PaneId) {
        self.settle(id, true);
        let Some(pane) = self.inventory.panes.get_mut(&id) else { return };
        if pane.feed == Feed::Piped && pane.pipe.is_some() {
            let until = *pane.ending.get_or_insert(self.now + LAST_WORDS);
            pane.superseded = false;
            self.wake_at(until);
        } else {
            self.drop_pane(id);
        }
    }

    /// Begins to watch a pane.
    fn admit(&mut self, info: PaneInfo, past: Past, record: String) {
        let id = info.key.pane;
        self.spec.on_tape(|tape| tape.seen(&info, &record));
        let past = match self.spec.remembered.remove(&info.key) {
            Some(position) => Past::Remembered(Box::new(position)),
            None => past,
        };
        let reader = self.clients.iter().find(|(_, attached)| attached.listed && attached.reads(info.session_id));
        let reader = reader.map(|(&client, _)| client).filter(|_| past == Past::New);
        let rules = self.rules(&info.key, &info.facts);
        self.outlet.event(Event::PaneSeen { info: Box::new(info.clone()) });
        let feed = if reader.is_some() { Feed::Stream } else { Feed::Unread(past) };
        let mut pane = Pane::new(info, rules, self.spec.tape.clone(), feed);
        pane.record = record;
        pane.client = reader;
        if reader.is_some() {
            // A restart before its first line goes on from its beginning, not from what it shows by then.
            pane.reader.begins_at_birth();
            pane.begin_position(&mut self.outlet);
        }
        let early = self.inventory.strangers.remove(&id);
        self.inventory.panes.insert(id, pane);
        if let Some(bytes) = early.filter(|_| reader.is_some()) {
            if let Some(pane) = self.inventory.panes.get_mut(&id) {
                pane.read(&bytes, self.wall, &mut self.outlet);
            }
            if bytes.len() >= STRANGER {
                let pane = self.inventory.panes.get(&id).map(|pane| pane.info.key.clone());
                pane.into_iter().for_each(|pane| self.outlet.event(Event::Gap { pane }));
            }
            self.flowed(id);
        }
        self.surface_soon();
    }

    /// The facts of a watched pane may have changed.
    pub(super) fn update(&mut self, id: PaneId, mut info: PaneInfo, record: String, piped: bool) {
        let titles = self.titles;
        let Some(pane) = self.inventory.panes.get_mut(&id) else { return };
        // Its processes say better which agent it is than names: npm's Codex runs below a `node`.
        if let Some(agent) = pane.agent.as_ref().and_then(|agent| agent.status()) {
            info.facts.agent = agent.agent;
        }
        pane.has_pipe = piped;
        let wish = std::mem::replace(&mut pane.record, record);
        let found_again = std::mem::take(&mut pane.stale);
        if pane.info == info && wish == pane.record && !found_again {
            return;
        }
        self.spec.on_tape(|tape| tape.seen(&info, &pane.record));
        if pane.info == info && !found_again {
            return;
        }
        let quiet_title = {
            let mut same = pane.info.clone();
            same.facts.title.clone_from(&info.facts.title);
            same == info && !titles
        };
        let refacted = pane.info.facts != info.facts && !quiet_title;
        if (pane.info.width, pane.info.height) != (info.width, info.height) {
            pane.reader.resize(info.width, info.height);
        }
        pane.info = info.clone();
        pane.voice.changed = true;
        if !quiet_title || found_again {
            self.outlet.event(Event::PaneSeen { info: Box::new(info.clone()) });
        }
        if refacted {
            self.renew_rules(id);
        }
        self.surface_soon();
    }

    /// The agent of a pane may be another one now, by its processes.
    pub(super) fn name_agent(&mut self, id: PaneId) {
        let Some(pane) = self.inventory.panes.get(&id) else { return };
        let known = pane.agent.as_ref().and_then(|agent| agent.status()).map(|status| status.agent);
        let agent = known.unwrap_or_else(|| (self.spec.recognise)(&pane.info.facts));
        // One that is to be found again is told whole by the next listing.
        if pane.info.facts.agent == agent || pane.stale {
            return;
        }
        let mut info = pane.info.clone();
        info.facts.agent = agent;
        self.update(id, info, pane.record.clone(), pane.has_pipe);
    }

    /// Stops watching a pane that lives on.
    pub fn leave_pane(&mut self, id: PaneId) {
        self.close_pipe(id);
        self.stop_watching(id, true);
    }

    /// Stops watching a pane that is gone.
    pub fn drop_pane(&mut self, id: PaneId) {
        self.stop_watching(id, false);
    }

    fn stop_watching(&mut self, id: PaneId, unwatched: bool) {
        self.forget_pipe(id);
        let Some(pane) = self.inventory.panes.remove(&id) else { return };
        self.spec.on_tape(|tape| tape.gone(&pane.info.key));
        self.outlet.event(Event::PaneGone { pane: pane.info.key, unwatched, by: None });
    }

    /// Ends all clients hard.
    pub fn end_clients(&mut self) {
        for (&id, attached) in &mut self.clients {
            attached.leaving = true;
            if attached.client.has_begun() {
                self.outputs.push(Output::Kill(id));
            }
        }
    }

    /// The rules for a pane of these facts; compiled once for each set of pipelines that is watched.
    fn rules(&mut self, key: &PaneKey, facts: &PaneFacts) -> Arc<RuleSet> {
        let policy = Arc::clone(&self.policy);
        let mut names: Vec<String> =
            policy.listening(&self.spec.name, facts).map(|pipeline| pipeline.name.clone()).collect();
        let running = self.spec.running.get(key).into_iter().flatten();
        names.extend(running.filter(|name| !names.contains(name)).cloned().collect::<Vec<_>>());
        self.rule_sets.entry(names).or_insert_with_key(|names| policy.rules_of(names)).clone()
    }

    fn renew_rules(&mut self, id: PaneId) {
        let Some((key, facts)) =
            self.inventory.panes.get(&id).map(|pane| (pane.info.key.clone(), pane.info.facts.clone()))
        else {
            return;
        };
        let rules = self.rules(&key, &facts);
        if let Some(pane) = self.inventory.panes.get_mut(&id) {
            pane.voice.rules = rules;
        }
    }

    /// These pipelines have an open run in a pane: their lines matter there whatever its window is called.
    pub fn runs_in(&mut self, pane: PaneKey, pipelines: Vec<String>) {
        let id = pane.pane;
        if pipelines.is_empty() {
            self.spec.running.remove(&pane);
        } else {
            self.spec.running.insert(pane, pipelines);
        }
        self.renew_rules(id);
    }

    /// Takes over the policy as it is at the start.
    pub fn take_policy(&mut self) {
        self.titles = matches_titles(&self.policy);
        self.rule_sets.clear();
    }

    /// The policy was replaced.
    pub fn policy_changed(&mut self, policy: Arc<Policy>) {
        self.policy = policy;
        let knew_titles = self.titles;
        self.take_policy();
        if self.titles && !knew_titles {
            // Titles that changed while no pipeline asked for them were told to nobody.
            let infos: Vec<PaneInfo> = self.inventory.panes.values().map(|pane| pane.info.clone()).collect();
            infos.into_iter().for_each(|info| self.outlet.event(Event::PaneSeen { info: Box::new(info) }));
        }
        let panes: Vec<PaneId> = self.inventory.panes.keys().copied().collect();
        panes.into_iter().for_each(|id| self.renew_rules(id));
    }

    /// Gives each pane the client through which it is asked, and begins to read those that are read from nowhere.
    pub fn assign(&mut self) {
        if self.link != Link::Control {
            return;
        }
        let local = self.spec.transport.is_local();
        let mut unread = Vec::new();
        for (&id, pane) in &mut self.inventory.panes {
            let session = pane.info.session_id;
            let serves = |client: &Attached| if local { client.is_ready() } else { client.reads(session) };
            if pane.client.is_some_and(|client| !self.clients.get(&client).is_some_and(serves)) {
                pane.lose_client();
            }
            if pane.client.is_none() {
                pane.client = self.clients.iter().find(|(_, client)| serves(client)).map(|(&client, _)| client);
            }
            if pane.client.is_some() && matches!(pane.feed, Feed::Unread(_)) {
                unread.push(id);
            }
        }
        self.silence();
        if local && self.awaits_keeper() {
            return;
        }
        unread.sort_unstable();
        unread.into_iter().for_each(|pane| self.open_pipe(pane));
    }

    /// Tells each client not to send what is not read through it, and to send what is.
    fn silence(&mut self) {
        if !self.server.as_ref().is_some_and(|server| server.version.is_full()) {
            return;
        }
        let mut lines = Vec::new();
        for (&id, attached) in &mut self.clients {
            let Some(session) = attached.session.filter(|&session| attached.reads(session)) else { continue };
            for (&pane, _) in self.inventory.shown_by.iter().filter(|(_, sessions)| sessions.contains(&session)) {
                let read = self.inventory.panes.get(&pane).is_some_and(|watched| watched.client == Some(id));
                if read && attached.paused.remove(&pane) {
                    lines.push((id, format!("refresh-client -A '{pane}:continue'")));
                } else if !read && attached.paused.insert(pane) {
                    lines.push((id, format!("refresh-client -A '{pane}:pause'")));
                }
            }
        }
        for (id, line) in lines {
            self.request(id, &line, Purpose::Nothing);
        }
    }

    /// The panes of a client that is no more wait for another.
    pub fn unassign(&mut self, id: ClientId) {
        self.inventory.panes.values_mut().filter(|pane| pane.client == Some(id)).for_each(Pane::lose_client);
    }
}

/// Whether some pipeline chooses its panes by their titles.
fn matches_titles(policy: &Policy) -> bool {
    fn looks(selector: &Selector) -> bool {
        match selector {
            Selector::Any(parts) | Selector::All(parts) => parts.iter().any(looks),
            Selector::Not(part) => looks(part),
            Selector::Title(_) => true,
            Selector::Host(_)
            | Selector::Session(_)
            | Selector::Window(_)
            | Selector::Role(_)
            | Selector::Command(_)
            | Selector::Path(_)
            | Selector::Agent(_) => false,
        }
    }
    policy
        .pipelines
        .iter()
        .any(|pipeline| looks(&pipeline.selector) || pipeline.panes.iter().any(|pane| looks(&pane.selector)))
}
