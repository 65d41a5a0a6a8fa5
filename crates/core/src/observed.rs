//! What the collectors tell, and what becomes of a host whose collector ends.

use super::acts::Act;
use super::claims::Left;
use super::core::Core;
use super::hosts::Life;
use super::recovery::waits_for_keys;
use super::reports::Admission;
use std::collections::BTreeSet;
use tmuxagent_config::HostConfig;
use tmuxagent_ipc::hub::PaneScreen;
use tmuxagent_model::{Event, HostName, HostState, MessageType, Millis, Note, PaneKey, Severity, Trouble};
use tmuxagent_tmux::HostMessage;

/// A host that has been observed for this long has shown all its panes.
const SETTLED: Millis = Millis(3000);

impl Core {
    /// A host tells something.
    pub(crate) fn host(&mut self, host: &HostName, message: HostMessage) {
        let settling = waits_for_keys(&message).and_then(|pane| self.settling.get_mut(pane));
        if let Some(settling) = settling {
            settling.waiting.push(message);
            return;
        }
        let now = self.now;
        if waits_for_keys(&message).is_some() {
            self.catch_up.read(now);
        }
        match message {
            HostMessage::Claim(owner) => self.claimed(host, owner),
            HostMessage::Left { server, owners } => self.left_open(host, Left { server, owners }),
            HostMessage::Event(event) if self.watched.contains(host) => self.overhear(host, event),
            // A collector tells each pane that its filters leave out, known from earlier or not.
            HostMessage::Event(Event::PaneGone { pane, unwatched: true, .. }) if !self.knows_pane(&pane) => {
                self.hosts.forget_pane(&pane);
                self.round.batch.positions.push((pane, None));
            }
            HostMessage::Event(mut event) => {
                self.limit_reports(&mut event);
                self.show_event(&event);
                self.mind_requests(&event);
                drop(self.step(&event));
                self.let_on(&event);
                if matches!(event, Event::PaneSeen { .. }) {
                    self.tell_left(host);
                }
            }
            HostMessage::Ended(ending) => self.ended(&ending.into_event()),
            HostMessage::Status { state, version, detail } => {
                self.catch_up.host(now, host, state);
                self.show_host(host, state, &version, detail);
                if state.is_observed() {
                    self.reconcile_at.push((now + SETTLED, host.clone()));
                }
            }
            HostMessage::Panes(panes) => {
                self.dirty |= !panes.is_empty();
                panes.into_iter().for_each(|live| self.pictured(live));
            }
            HostMessage::Printed { pane, lines } => self.view.wrote(&pane, lines, now),
            HostMessage::Malformed { pane, error } => {
                self.view.counters.malformed += 1;
                if self.admits(&pane, None) {
                    let place = self.view.place(&pane);
                    self.tell(Severity::Warning, &pane.told(&place), Note::MalformedMessage { error });
                }
            }
            HostMessage::Awaits { pane, awaited } => {
                self.dirty = true;
                self.view.awaits(&pane, awaited, &self.redactor);
            }
            HostMessage::Screen { pane, rows } => {
                self.acts.push(Act::Show(PaneScreen { pane, rows }));
            }
            HostMessage::Position { pane, position } => {
                let json = serde_json::to_string(&position).ok();
                self.hosts.remember(&pane, position);
                self.unplaced.remove(&pane);
                self.read_so_far(pane, json);
            }
        }
    }

    /// Leaves out an agent's message where its pane sends too many; its line stays a line.
    pub(crate) fn limit_reports(&mut self, event: &mut Event) {
        let Event::Line(line) = event else { return };
        let Some(kind) = line.message.as_ref().map(|message| message.kind) else { return };
        if !self.admits(&line.pane, Some(kind)) {
            line.message = None;
        }
    }

    /// Whether a message of a pane is taken; where no more are, that is told once.
    fn admits(&mut self, pane: &PaneKey, kind: Option<MessageType>) -> bool {
        let Admission::LeftOut { first } = self.reports.admit(pane, kind, self.now) else { return true };
        if first {
            let place = self.view.place(pane);
            let text = "it reports without end: what it reports is left out until it slows down".to_owned();
            self.tell(Severity::Warning, &pane.told(&place), Note::Text { text });
        }
        false
    }

    /// The state of a host, told once.
    pub(crate) fn show_host(&mut self, host: &HostName, state: HostState, version: &str, detail: String) {
        if self.view.host(host, state, version, &detail, self.now) {
            self.dirty = true;
            let note = Note::Host { host: host.to_string(), state, detail };
            self.tell(Severity::Info, host.as_str(), note);
        }
    }

    /// What an event changes on the screen beside the engine's state.
    pub(crate) fn show_event(&mut self, event: &Event) {
        match event {
            Event::PaneSeen { info } => {
                self.view.pane_seen((**info).clone(), &self.redactor);
                self.dirty = true;
            }
            Event::PaneGone { pane, .. } => {
                self.view.pane_gone(pane);
                self.hosts.forget_pane(pane);
                self.reports.forget(pane);
                self.unplaced.remove(pane);
                self.round.batch.positions.push((pane.clone(), None));
                self.dirty = true;
            }
            Event::Line(line) => {
                self.view.counters.messages += u64::from(line.message.is_some());
                self.unplaced.insert(line.pane.clone());
            }
            Event::CommandEnded { pane, .. } => drop(self.unplaced.insert(pane.clone())),
            Event::CommandBegan { pane, token, .. } => self.view.hears(pane, token.is_some()),
            Event::Gap { pane } => {
                self.view.counters.gaps += 1;
                self.view.hears(pane, false);
            }
            Event::LeftOpen { .. }
            | Event::TakenByShell { .. }
            | Event::HostLost { .. }
            | Event::Program { .. }
            | Event::Dialog { .. }
            | Event::Waits { .. }
            | Event::Answered { .. }
            | Event::Agent(_)
            | Event::Activity { .. }
            | Event::ShellMarks { .. }
            | Event::Foreground { .. }
            | Event::InFront { .. }
            | Event::Asked { .. }
            | Event::Timer { .. }
            | Event::Outcome { .. }
            | Event::Polled { .. }
            | Event::PolicyLoaded { .. }
            | Event::Witnessed { .. } => {}
        }
    }

    /// Begins to observe a host.
    pub(crate) fn start_host(&mut self, config: &HostConfig) {
        self.view.doubt_panes(&config.name);
        // What its last collector had shown proves nothing any more.
        self.reconcile_at.retain(|(_, host)| *host != config.name);
        self.forget_shell_marks(&config.name);
        self.hosts.runs(self.engine.running());
        self.view.begins(&config.name, self.now);
        self.dirty = true;
        self.hosts.start(config);
        // What is handed to it is held back as well, also where it waited in an earlier life.
        if self.engine.view().frozen.is_some() {
            self.hosts.freeze(true);
        }
    }

    /// A new reader believes no marks of a shell until it has read one.
    fn forget_shell_marks(&mut self, host: &HostName) {
        for pane in self.engine.panes_with_shell_marks(host) {
            self.step(&Event::ShellMarks { pane, trusted: false });
        }
    }

    /// A collector has ended. Where another is to follow it begins now, with what waits for it.
    pub(crate) fn host_ended(&mut self, name: &HostName, life: Life) {
        if self.hosts.collector_ended(name, life) {
            let trouble = Trouble::CollectorFailed;
            self.report_problem(&format!("host {name}"), &trouble);
            self.step(&Event::HostLost { host: name.clone() });
            self.show_host(name, HostState::Unreachable, "", trouble.to_string());
            self.hosts.restart_at(name, self.now);
        }
    }

    /// Begins with the collectors that follow others. Only once what the others told is written down: a pane remembers its
    /// last mark alone, so nothing more is typed into it while an outcome can still get lost.
    pub(crate) fn follow_collectors(&mut self) {
        for (config, mut waiting) in self.hosts.take_followed() {
            self.start_host(&config);
            // What the other one began comes back when newer ones wait already. It is settled before they are typed, for the
            // same reason.
            waiting.sort_by_key(|sending| self.engine.intent_order(&sending.intent.id));
            waiting.into_iter().for_each(|sending| self.hand_on(sending));
        }
        let due: Vec<HostConfig> = self.hosts.take_restarts(self.now);
        for config in due {
            self.solve(&format!("host {}", config.name));
            self.start_host(&config);
        }
    }

    fn knows_pane(&self, pane: &PaneKey) -> bool {
        self.view.panes().any(|live| live.info.key == *pane) || self.engine.view().panes.contains_key(pane)
    }

    /// The panes of a host that the engine or the screen knows.
    pub(crate) fn known_panes(&self, host: &HostName) -> BTreeSet<PaneKey> {
        let known = self.engine.view().panes.into_keys().chain(self.view.panes().map(|live| live.info.key.clone()));
        known.filter(|pane| pane.host == *host).collect()
    }

    /// A host is not configured any more: its panes are none of ours, and what was asked of them is given up.
    pub(crate) fn forget_host(&mut self, name: &HostName) {
        for lost in self.hosts.remove(name) {
            self.lose(&lost);
        }
        self.known_panes(name).into_iter().for_each(|pane| self.pane_gone(pane, true));
        self.view.forget_host(name);
        // Whoever comes by this name next is told anew who types there.
        self.watched.remove(name);
        self.between.remove(name);
        self.left.remove(name);
        self.solve(&format!("host {name}"));
    }
}
