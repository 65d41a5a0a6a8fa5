//! What a host's clients say becomes what is known of its panes.

use super::client::ClientId;
use super::governor::Stream;
use super::history::{self, Capture, FEW, Past, Told};
use super::host::{Host, Purpose};
use super::inventory::{Entry, Listed, Listing, listing_format};
use super::link::{Link, Server};
use super::pane::{Feed, PAUSE, Pane};
use super::proto::{Notice, Reply, RowReader, quote};
use std::sync::Arc;
use std::time::Duration;
use tmuxagent_model::{Event, PaneFacts, PaneId, PaneInfo, PaneKey, ServerId, SessionId, Timestamp};
use tmuxagent_policy::{Policy, RuleSet, Selector};
use tokio::time::Instant;

/// Listings that output alone gives reason for come no more often than this.
const LIST_EVERY: Duration = Duration::from_secs(1);
/// Notifications come in bursts; one listing answers them all.
const BURST: Duration = Duration::from_millis(20);
/// How much output of a pane that no listing has named is kept, bytes.
const STRANGER: usize = 1024 * 1024;
/// Without subscriptions (tmux before 3.2) the panes are listed this often.
pub(super) const LIST_WITHOUT_NEWS: Duration = Duration::from_secs(2);

impl Host {
    /// Output of a pane arrived over a client.
    pub fn output(&mut self, id: ClientId, pane: PaneId, bytes: &[u8], now: Timestamp) {
        let Some(watched) = self.panes.get_mut(&pane) else {
            self.stranger(pane, bytes);
            return;
        };
        // A window that is linked into several sessions is read through one of them.
        if watched.client != Some(id) {
            return;
        }
        match watched.feed {
            Feed::Stream => {
                watched.read(bytes, now, &mut self.outlet);
                watched.window.0 += bytes.len() as u64;
                self.watch_flood(pane);
            }
            Feed::Piped => match self.governor.stream(pane, bytes) {
                Stream::Kept => {}
                Stream::Read => watched.read(bytes, now, &mut self.outlet),
            },
            Feed::Unread(_) | Feed::CatchingUp(_) | Feed::Polled => return,
        }
        self.flowed(pane);
    }

    /// A pane printed: what follows from it is planned.
    pub fn flowed(&mut self, pane: PaneId) {
        let now = self.now;
        let Some(watched) = self.panes.get_mut(&pane) else { return };
        watched.flowed = Some(now);
        let began = !std::mem::replace(&mut watched.flowing, true);
        let retitled = std::mem::take(&mut watched.voice.retitled);
        if began {
            watched.window = (0, Some(now));
            self.wake_at(now + PAUSE);
        }
        if began || retitled {
            self.list_by(LIST_EVERY);
        }
        if !self.views.is_empty() {
            self.view_touched(pane);
        }
        self.surface_soon();
    }

    /// Output of a pane that no listing has named yet is kept until one does.
    fn stranger(&mut self, pane: PaneId, bytes: &[u8]) {
        if self.shown_by.contains_key(&pane) || self.excluded.contains(&pane) || self.makes_up(pane) {
            return;
        }
        let kept = self.strangers.entry(pane).or_default();
        if kept.is_empty() {
            kept.reserve(bytes.len().max(4096));
        }
        let room = STRANGER.saturating_sub(kept.len()).min(bytes.len());
        kept.extend_from_slice(bytes.get(..room).unwrap_or_default());
        if !self.listing {
            self.list_soon(Duration::ZERO);
        }
    }

    /// A notification arrived.
    pub fn noticed(&mut self, id: ClientId, notice: Notice) {
        match notice {
            Notice::SessionChanged(session) => self.session_changed(id, session),
            Notice::ClientSessionChanged(name) | Notice::ClientDetached(name) => {
                if !self.is_ours(&name) {
                    self.attacher.disturbed(self.now);
                }
            }
            Notice::SessionsMoved | Notice::ModeChanged(_) => {
                self.attacher.disturbed(self.now);
                self.list_soon(BURST);
            }
            Notice::WindowsMoved | Notice::Rows { .. } => self.list_soon(BURST),
            Notice::Exit(reason) => {
                if let Some(attached) = self.clients.get_mut(&id) {
                    attached.exit = Some(reason);
                }
            }
            Notice::Paused(_) | Notice::Continued(_) | Notice::Unknown(_) => {}
        }
    }

    fn is_ours(&self, client: &str) -> bool {
        let pid = client.strip_prefix("client-").and_then(|pid| pid.parse::<u32>().ok());
        pid.is_some() && self.clients.values().any(|attached| attached.pid == pid)
    }

    /// Lists the panes after `pause`, if control mode is up.
    pub fn list_soon(&mut self, pause: Duration) {
        let at = Instant::now() + pause;
        if self.times.list.is_none_or(|planned| planned > at) {
            self.times.list = Some(at);
            self.wake_at(at);
        }
    }

    /// Lists the panes, at least `gap` after the last time.
    fn list_by(&mut self, gap: Duration) {
        let at = (self.last_list + gap).max(self.now + PAUSE);
        if self.times.list.is_none_or(|planned| planned > at) {
            self.times.list = Some(at);
            self.wake_at(at);
        }
    }

    /// Asks for a listing.
    pub fn list(&mut self) {
        if self.link != Link::Control {
            return;
        }
        if self.listing {
            self.list_again = true;
            return;
        }
        let ready = self.clients.iter().find(|(_, attached)| attached.session.is_some() && !attached.leaving);
        let Some(id) = ready.map(|(&id, _)| id) else { return };
        self.listing = true;
        self.list_again = false;
        self.last_list = Instant::now();
        let raw = super::proto::Parser::raw_mark(&self.nonce);
        let line = format!("display-message -p \"{raw}\" ; list-panes -a -F {}", quote(listing_format(&self.nonce)));
        self.request(id, &line, Purpose::List);
        if self.server.as_ref().is_some_and(|server| !server.version.is_full()) {
            self.list_soon(LIST_WITHOUT_NEWS);
        }
    }

    /// A listing arrived.
    pub fn listed(&mut self, reply: &Reply) {
        self.listing = false;
        let mut reader = RowReader::new(self.nonce.clone());
        let entries: Vec<Entry> = reply
            .announced(&self.nonce)
            .flat_map(|block| &block.rows)
            .filter_map(|line| reader.push(line))
            .filter_map(|row| Entry::read(&row))
            .collect();
        if !entries.is_empty() {
            let listed: Vec<ClientId> =
                self.clients.iter().filter(|(_, attached)| attached.session.is_some()).map(|(&id, _)| id).collect();
            self.apply(entries);
            for id in listed {
                if let Some(attached) = self.clients.get_mut(&id) {
                    attached.listed = true;
                }
            }
        }
        if std::mem::take(&mut self.list_again) {
            self.list_soon(Duration::ZERO);
        }
    }

    /// Takes over what a listing says.
    pub fn apply(&mut self, entries: Vec<Entry>) {
        let Some(first) = entries.first() else { return };
        self.check_identity(&first.server.clone(), &first.life());
        let Some(server) = self.server.as_ref().map(|server| server.id.clone()) else { return };
        let read: Vec<SessionId> = self.clients.values().filter_map(|attached| attached.session).collect();
        let listing = Listing::new(&self.spec, entries, &|session| read.contains(&session));
        let begins = self.known.is_empty();
        let gone: Vec<PaneId> = self.panes.keys().filter(|id| !listing.panes.contains_key(id)).copied().collect();
        gone.into_iter().for_each(|pane| self.drop_pane(pane));
        for listed in listing.panes.values() {
            self.take_listed(listed, &server, begins);
        }
        self.shown_by = listing.panes.iter().map(|(&id, listed)| (id, listed.sessions.clone())).collect();
        self.sessions = listing.sessions;
        self.strangers.retain(|pane, _| !listing.panes.contains_key(pane));
        self.complete = true;
        self.assign();
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
            for attached in self.clients.values_mut() {
                attached.leaving = true;
                attached.client.kill();
            }
        } else if told.is_empty() {
            self.name_again();
        } else if told != server.id.as_str() {
            let renamed = Server { id: ServerId::new(told), ..server.clone() };
            let shown = self.excluded.clone();
            self.forget_server();
            self.excluded = shown;
            self.server = Some(renamed);
        }
    }

    fn take_listed(&mut self, listed: &Listed, server: &ServerId, begins: bool) {
        let entry = &listed.entry;
        let (id, mut info) = (entry.pane, entry.info(&self.spec.name, server));
        let record = entry.record.clone();
        if let Some(pane) = self.panes.get(&id) {
            if info.key.pid == 0 && info.dead {
                info.key.pid = pane.info.key.pid;
            }
            if info.key == pane.info.key {
                self.update(id, info, record);
                return;
            }
            // Another process: `respawn-pane`. The pane still holds what its predecessor printed.
            self.drop_pane(id);
        }
        let new = self.known.insert(id) && !begins;
        if listed.chosen && !self.excluded.contains(&id) {
            self.admit(info, new, record);
        }
    }

    /// Begins to watch a pane.
    fn admit(&mut self, info: PaneInfo, new: bool, record: String) {
        let id = info.key.pane;
        self.spec.on_tape(|tape| tape.seen(&info, &record));
        let past = match self.spec.remembered.remove(&info.key) {
            Some(position) => Past::Remembered(Box::new(position)),
            None if new => Past::New,
            None => Past::Old,
        };
        let reader = self.clients.iter().find(|(_, attached)| {
            attached.session == Some(info.session_id) && attached.listed && !attached.lookout && !attached.leaving
        });
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
        let early = self.strangers.remove(&id);
        self.panes.insert(id, pane);
        if let Some(bytes) = early.filter(|_| reader.is_some()) {
            let now = self.clock.now();
            if let Some(pane) = self.panes.get_mut(&id) {
                pane.read(&bytes, now, &mut self.outlet);
            }
            if bytes.len() >= STRANGER {
                let pane = self.panes.get(&id).map(|pane| pane.info.key.clone());
                pane.into_iter().for_each(|pane| self.outlet.event(Event::Gap { pane }));
            }
            self.now = Instant::now();
            self.flowed(id);
        }
        self.surface_soon();
    }

    /// The facts of a watched pane may have changed.
    fn update(&mut self, id: PaneId, info: PaneInfo, record: String) {
        let titles = self.titles;
        let Some(pane) = self.panes.get_mut(&id) else { return };
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

    /// Stops watching a pane: it is gone, or is to be left unread.
    pub fn drop_pane(&mut self, id: PaneId) {
        let Some(pane) = self.panes.remove(&id) else { return };
        self.unpipe(id);
        self.spec.on_tape(|tape| tape.gone(&pane.info.key));
        self.outlet.event(Event::PaneGone { pane: pane.info.key });
    }

    /// The rules for a pane of these facts; compiled once for each set of pipelines that is watched.
    fn rules(&mut self, key: &PaneKey, facts: &PaneFacts) -> Arc<RuleSet> {
        let policy = self.policy.borrow().clone();
        let mut names: Vec<String> =
            policy.applicable(&self.spec.name, facts).map(|pipeline| pipeline.name.clone()).collect();
        let running = self.spec.running.get(key).into_iter().flatten();
        names.extend(running.filter(|name| !names.contains(name)).cloned().collect::<Vec<_>>());
        self.rule_sets.entry(names).or_insert_with_key(|names| policy.rules_of(names)).clone()
    }

    fn renew_rules(&mut self, id: PaneId) {
        let Some((key, facts)) = self.panes.get(&id).map(|pane| (pane.info.key.clone(), pane.info.facts.clone()))
        else {
            return;
        };
        let rules = self.rules(&key, &facts);
        if let Some(pane) = self.panes.get_mut(&id) {
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
        let policy = self.policy.borrow_and_update().clone();
        self.titles = matches_titles(&policy);
        self.rule_sets.clear();
    }

    /// The policy was replaced.
    pub fn policy_changed(&mut self) {
        let knew_titles = self.titles;
        self.take_policy();
        if self.titles && !knew_titles {
            // Titles that changed while no pipeline asked for them were told to nobody.
            let infos: Vec<PaneInfo> = self.panes.values().map(|pane| pane.info.clone()).collect();
            infos.into_iter().for_each(|info| self.outlet.event(Event::PaneSeen { info: Box::new(info) }));
        }
        let panes: Vec<PaneId> = self.panes.keys().copied().collect();
        panes.into_iter().for_each(|id| self.renew_rules(id));
    }

    /// Gives each pane the client that reads it, and silences the copies.
    pub fn assign(&mut self) {
        if self.link != Link::Control {
            return;
        }
        let mut asked = Vec::new();
        let mut lost = Vec::new();
        for (&id, pane) in &mut self.panes {
            let session = pane.info.session_id;
            let serves =
                |client: &super::host::Attached| client.session == Some(session) && !client.lookout && !client.leaving;
            if pane.client.is_some_and(|client| !self.clients.get(&client).is_some_and(serves)) {
                pane.client = None;
                pane.unread();
                lost.push(id);
            }
            if pane.client.is_none() {
                pane.client = self.clients.iter().find(|(_, client)| serves(client)).map(|(&client, _)| client);
            }
            if let Some(client) = pane.client
                && let Feed::Unread(past) = &pane.feed
            {
                let past = past.clone();
                asked.push((client, pane.info.key.clone(), past.clone()));
                pane.feed = Feed::CatchingUp(past);
            }
        }
        lost.into_iter().for_each(|pane| self.unpipe(pane));
        self.silence();
        for (client, pane, past) in asked {
            let lines = if past == Past::Old { FEW } else { self.spec.capture_lines.max(FEW) };
            let line = history::capture_line(&self.nonce, pane.pane, lines);
            self.request(client, &line, Purpose::CatchUp(pane, lines));
        }
    }

    /// Tells each client not to send what is not read through it, and to send what is.
    fn silence(&mut self) {
        if !self.server.as_ref().is_some_and(|server| server.version.is_full()) {
            return;
        }
        let mut lines = Vec::new();
        for (&id, attached) in &mut self.clients {
            let Some(session) = attached.session.filter(|_| !attached.lookout && !attached.leaving) else { continue };
            for (&pane, _) in self.shown_by.iter().filter(|(_, sessions)| sessions.contains(&session)) {
                let read = self.panes.get(&pane).is_some_and(|watched| watched.client == Some(id));
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
        let panes: Vec<PaneId> =
            self.panes.iter().filter(|(_, pane)| pane.client == Some(id)).map(|(&pane, _)| pane).collect();
        for id in panes {
            if let Some(pane) = self.panes.get_mut(&id) {
                pane.client = None;
                pane.unread();
            }
            self.unpipe(id);
        }
    }

    /// The capture that brings a pane up to date arrived.
    pub fn caught_up(&mut self, key: &PaneKey, lines: u32, reply: &Reply) {
        let Some(capture) = Capture::read(&self.nonce, reply) else { return };
        self.expect_echoes(key);
        let Some(pane) = self.panes.get_mut(&key.pane).filter(|pane| pane.info.key == *key) else { return };
        let Feed::CatchingUp(past) = std::mem::replace(&mut pane.feed, Feed::Stream) else { return };
        Self::catch_up(pane, &past, capture, lines, &mut self.outlet);
        self.flowed(key.pane);
        self.pump_all();
    }

    /// Reads a capture into a pane.
    pub fn catch_up(pane: &mut Pane, past: &Past, capture: Capture, lines: u32, outlet: &mut super::outlet::Outlet) {
        let Pane { reader, voice, .. } = pane;
        history::catch_up(reader, past, &capture, lines, &mut |told| match told {
            Told::Gap => outlet.event(Event::Gap { pane: voice.key.clone() }),
            Told::Known(line) => voice.keep(line),
            Told::Reading(reading) => voice.tell(reading, outlet),
        });
        if let Some(last) = capture.logical.iter().rev().find(|line| !line.trim().is_empty())
            && voice.last_line.is_empty()
        {
            voice.last_line.clone_from(last);
        }
        voice.changed = true;
        pane.screen = capture.visible;
        pane.begin_position(outlet);
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
    policy.pipelines.iter().any(|pipeline| looks(&pipeline.selector))
}
