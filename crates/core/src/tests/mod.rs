//! The heart alone, in milliseconds: no tmux, no store, no clock.

mod answering;
mod callers;
mod early;
mod fronts;
mod hosts;
mod kept;
mod rounds;
mod trace;

use super::{Act, Asked, Core, Input, Life, Restored, Ticket};
use std::sync::Arc;
use tmuxagent_config::{HostConfig, TmuxConfig};
use tmuxagent_engine::Engine;
use tmuxagent_ipc::hub::Peer;
use tmuxagent_ipc::wire::{Reply, Request};
use tmuxagent_model::{
    Command, Event, HostName, HostState, LineEvent, LineSource, PaneFacts, PaneId, PaneInfo, PaneKey, ServerId,
    Timestamp, Via,
};
use tmuxagent_policy::{Policy, RuleSet, Source, load};
use tmuxagent_store::{Batch, Committed};
use tmuxagent_text::redact::Redactor;
use tmuxagent_tmux::{HostMessage, Position};

const POLICY: &str = r"
pipelines:
- name: chain
  match: {window_name: w}
  stages:
  - name: lint
    triggers: [{log_regex: '^begin$'}]
    actions_on_start: [{send_keys: 'lint'}]
    success_when: [{log_regex: '^passed$'}]
    timeout: 5m
  - name: build
    triggers: [{after_stage_success: lint}]
    require_approval: {expires: 30m, on_expiry: reject}
    actions_on_start: [{send_keys: 'build'}]
    success_when: [{log_regex: '^built$'}]
    timeout: 5m
";

pub(super) fn policy() -> Arc<Policy> {
    let mut policy = load(&[Source::new("p.yaml", POLICY)]).unwrap_or_else(|problems| panic!("{problems}"));
    policy.generation = 1;
    Arc::new(policy)
}

pub(super) fn host(name: &str, capture_lines: u32) -> HostConfig {
    HostConfig { name: HostName::new(name), ssh: None, tmux: TmuxConfig { capture_lines, ..TmuxConfig::default() } }
}

pub(super) fn info(number: u32) -> PaneInfo {
    let key = PaneKey { host: HostName::local(), server: ServerId::new("s"), pane: PaneId(number), pid: 100 + number };
    let facts = PaneFacts { window: "w".into(), command: "bash".into(), ..PaneFacts::default() };
    PaneInfo::new(key, facts)
}

/// A heart with a shell that does nothing but remember what it was asked.
pub(super) struct Room {
    pub(super) core: Core,
    pub(super) now: Timestamp,
    tickets: u64,
    seq: u64,
    /// The rules of every pane, and the policy that they are of.
    rules: Option<(Arc<Policy>, Arc<RuleSet>)>,
}

impl Room {
    /// One that watches this machine, whose pane 1 it sees.
    pub(super) fn new() -> Self {
        let mut room = Self::with(Engine::new(policy()), Restored::default());
        room.see(1);
        room.commit();
        room
    }

    pub(super) fn with(engine: Engine, restored: Restored) -> Self {
        let now = Timestamp(1_772_438_400_000);
        let mut core = Core::new(now, engine, restored, Redactor::default(), 7);
        core.begin(now, &[host("local", 200)], Vec::new());
        Self { core, now, tickets: 0, seq: 0, rules: None }
    }

    pub(super) fn hear(&mut self, life: u64, message: HostMessage) {
        self.core.take(self.now, Input::Host(HostName::local(), Life(life), message));
    }

    pub(super) fn see(&mut self, pane: u32) {
        let (state, version, detail) = (HostState::Live, "3.3a".to_owned(), String::new());
        self.hear(1, HostMessage::Status { state, version, detail });
        self.hear(1, HostMessage::Event(Event::PaneSeen { info: Box::new(info(pane)) }));
    }

    /// Pane 1 prints a line, and its position is told.
    pub(super) fn print(&mut self, text: &str) {
        self.print_without_position(text);
        self.hear(1, HostMessage::Position { pane: info(1).key, position: Position::default() });
    }

    pub(super) fn print_without_position(&mut self, text: &str) {
        self.print_in(1, text);
    }

    pub(super) fn print_in(&mut self, pane: u32, text: &str) {
        self.seq += 1;
        let policy = Arc::clone(self.core.engine().policy());
        // All panes are alike but for their numbers.
        let known = self.rules.take().filter(|(of, _)| Arc::ptr_eq(of, &policy));
        let made = || (Arc::clone(&policy), policy.rules_for(&HostName::local(), &info(pane).facts));
        let hits = self.rules.insert(known.unwrap_or_else(made)).1.scan(text);
        let line = LineEvent {
            unended: None,
            front: None,
            pane: info(pane).key,
            seq: self.seq,
            text: text.to_owned(),
            source: LineSource::Stream,
            hits,
            policy: policy.generation,
            message: None,
        };
        self.hear(1, HostMessage::Event(Event::Line(Box::new(line))));
    }

    /// A person wishes something.
    pub(super) fn ask(&mut self, request: Request) -> Ticket {
        self.tickets += 1;
        let ticket = Ticket(self.tickets);
        let peer = Peer {
            connection: 1,
            who: "mei".to_owned(),
            vouched: None,
            via: Via::Key,
            pane: None,
            tmux_socket: None,
            pid: None,
        };
        self.core.ask(self.now, Asked { ticket, peer, request, origin: Some(HostName::local()), ancestor: None });
        ticket
    }

    pub(super) fn wish(&mut self, command: Command) -> Ticket {
        self.ask(Request::Command { command })
    }

    /// Writes the round down; what it held.
    pub(super) fn commit(&mut self) -> Option<Batch> {
        let round = self.core.finish(self.now)?;
        let batch = round.batch().clone();
        self.core.written(self.now, round, Committed::default());
        Some(batch)
    }

    /// The round can't be written.
    pub(super) fn fail(&mut self) {
        let round = self.core.finish(self.now).expect("a round");
        self.core.unwritten(self.now, round, "the disk is full");
    }

    /// What is typed among what is to be done.
    pub(super) fn typed(&mut self) -> Vec<(Life, String, bool)> {
        let typed = |act| match act {
            Act::Type { life, intent, begun } => Some((life, intent.stage.unwrap_or_default(), begun)),
            _ => None,
        };
        self.core.acts().into_iter().filter_map(typed).collect()
    }

    pub(super) fn answers(&mut self) -> Vec<(Ticket, Reply)> {
        let answer = |act| match act {
            Act::Answer(ticket, reply) => Some((ticket, reply)),
            _ => None,
        };
        self.core.acts().into_iter().filter_map(answer).collect()
    }
}
