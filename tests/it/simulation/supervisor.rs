//! The supervisor of the simulation: the real heart ([`Core`]) over the real store. What is simulated is the shell around both:
//! it takes in, commits, does what is asked, and may die between any two of these. So is the collector of its host.

use super::tmux::Pane;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::path::Path;
use std::sync::Arc;
use tmuxagent_config::{HostConfig, TmuxConfig};
use tmuxagent_core::{Act, Asked, Core, HostStart, Input, Life, Reloaded, Restored, Ticket};
use tmuxagent_engine::{Engine, Options};
use tmuxagent_ipc::hub::Peer;
use tmuxagent_ipc::wire::{Reply, Request};
use tmuxagent_model::{
    ApprovalId, Command, Effect, Event, HostName, Intent, KeyStep, Note, Outcome, PaneKey, SkipReason, Timestamp, Via,
};
use tmuxagent_policy::Policy;
use tmuxagent_store::Store;
use tmuxagent_text::redact::Redactor;
use tmuxagent_tmux::{HostMessage, Position};

/// The sends of one pane.
#[derive(Debug, Default)]
pub struct Lane {
    pub waiting: VecDeque<Sending>,
    pub under_way: Option<Sending>,
    pub held: bool,
}

#[derive(Debug, Clone)]
pub struct Sending {
    pub intent: Intent,
    pub text: String,
    pub perhaps_typed: bool,
}

/// The collector that watches the host.
#[derive(Debug)]
pub struct Collector {
    pub life: Life,
    pub lanes: BTreeMap<PaneKey, Lane>,
}

/// One life of the supervisor.
pub struct Supervisor {
    pub core: Core,
    store: Option<Store>,
    /// What lies before the heart, in one order.
    pub queue: VecDeque<Input>,
    pub collector: Option<Collector>,
    /// A collector that the world is to let begin: it sees the panes, and reads on from where they were remembered.
    pub starting: Option<HostStart>,
    /// Commands beside the panes that run.
    pub shells: VecDeque<(Intent, String)>,
    acts: VecDeque<Act>,
    asked: HashMap<Ticket, Command>,
    tickets: u64,
    /// What was told, once it is committed.
    pub told: Vec<Note>,
    /// Decisions that were answered as taken.
    pub taken: Vec<(ApprovalId, bool)>,
    pub last_at: Timestamp,
}

pub fn host(capture_lines: u32) -> HostConfig {
    HostConfig { name: HostName::local(), ssh: None, tmux: TmuxConfig { capture_lines, ..TmuxConfig::default() } }
}

fn wait<T>(future: impl Future<Output = T>) -> T {
    thread_local!(static RUNTIME: tokio::runtime::Runtime =
        tokio::runtime::Builder::new_current_thread().build().expect("a runtime"));
    RUNTIME.with(|runtime| runtime.block_on(future))
}

/// Where a collector stands in what a pane printed.
pub fn position(at: usize) -> Position {
    Position { echoes: vec![at.to_string()], ..Position::default() }
}

/// The number that [`position`] keeps.
pub fn place(position: &Position) -> usize {
    position.echoes[0].parse().expect("a number")
}

impl Supervisor {
    /// Opens what the last life left; nothing has begun.
    pub fn open(database: &Path, policy: &Arc<Policy>) -> Self {
        let (store, restored) = Store::open(database, Timestamp(0)).expect("the store opens");
        let engine = Engine::restore(Arc::clone(policy), restored.entities).expect("rows");
        let last_at = restored.last_at;
        let beside = Restored { positions: restored.positions, recent: restored.recent };
        Self {
            core: Core::new(last_at, engine, beside, Redactor::default(), 1),
            store: Some(store),
            queue: VecDeque::new(),
            collector: None,
            starting: None,
            shells: VecDeque::new(),
            acts: VecDeque::new(),
            asked: HashMap::new(),
            tickets: 0,
            told: Vec::new(),
            taken: Vec::new(),
            last_at,
        }
    }

    /// The life begins: open intents are settled, and the host is watched.
    pub fn begin(&mut self, now: Timestamp) {
        self.core.begin(now, &[host(200)], Vec::new());
        self.gather();
        while self.act() {}
    }

    /// The end: nothing more is done, what waits is lost, and the file is free.
    pub fn close(&mut self) {
        if let Some(store) = self.store.take() {
            wait(store.close());
        }
    }

    /// The collector tells something.
    pub fn tell(&mut self, message: HostMessage) {
        if let Some(collector) = &self.collector {
            self.queue.push_back(Input::Host(HostName::local(), collector.life, message));
        }
    }

    pub fn tell_event(&mut self, event: Event) {
        self.tell(HostMessage::Event(event));
    }

    pub fn tell_position(&mut self, pane: &PaneKey, at: usize) {
        self.tell(HostMessage::Position { pane: pane.clone(), position: position(at) });
    }

    /// Something that was asked for has its outcome.
    pub fn tell_end(&mut self, intent: &Intent, outcome: Outcome) {
        self.queue.push_back(Input::Ended(Event::Outcome { intent: intent.id.clone(), outcome }));
    }

    /// A person wishes something.
    pub fn ask(&mut self, now: Timestamp, command: Command) {
        self.tickets += 1;
        let ticket = Ticket(self.tickets);
        self.asked.insert(ticket, command.clone());
        let peer = Peer {
            connection: 1,
            who: "mei".to_owned(),
            vouched: None,
            via: Via::Key,
            pane: None,
            tmux_socket: None,
            pid: None,
        };
        self.core.ask(now, Asked { ticket, peer, request: Request::Command { command }, origin: None, ancestor: None });
        self.gather();
    }

    /// Another policy or another configuration of the host, or the same.
    pub fn reload(&mut self, now: Timestamp, policy: Policy, capture_lines: u32) {
        let generation = self.core.engine().policy().generation + 1;
        let reloaded = Reloaded {
            policy: Arc::new(Policy { generation, ..policy }),
            policies: Vec::new(),
            hosts: vec![host(capture_lines)],
            options: Options::default(),
            redactor: Redactor::default(),
            changes: Vec::new(),
        };
        self.core.reload(now, None, reloaded);
        self.gather();
    }

    /// Takes the next thing into the round; whether there was one.
    pub fn take_next(&mut self, now: Timestamp) -> bool {
        let Some(input) = self.queue.pop_front() else { return false };
        self.core.take(now, input);
        self.gather();
        true
    }

    pub fn fire(&mut self, now: Timestamp) {
        self.core.fire(now);
        self.gather();
    }

    /// One transaction, which may fail.
    pub fn commit(&mut self, now: Timestamp, fails: bool) {
        if let Some(mut round) = self.core.finish(now) {
            round.route(|_, _| Vec::new());
            if fails {
                self.core.unwritten(now, round, "the disk is full");
            } else {
                let store = self.store.as_ref().expect("a life");
                let committed = wait(store.commit(round.batch().clone())).expect("a commit");
                self.told.extend(committed.lines.iter().map(|line| line.note.clone()));
                self.core.written(now, round, committed);
            }
        }
        self.gather();
        // Views are shown a picture now and then.
        drop(self.core.snapshot(now));
    }

    fn gather(&mut self) {
        self.acts.extend(self.core.acts());
    }

    /// Does the next thing that the heart asks; whether there was one.
    pub fn act(&mut self) -> bool {
        let Some(act) = self.acts.pop_front() else { return false };
        match act {
            Act::StartHost(start) => {
                self.collector = Some(Collector { life: start.life, lanes: BTreeMap::new() });
                self.starting = Some(*start);
            }
            Act::EndHost(life) => self.end_collector(life),
            Act::Type { life, intent, begun } => self.send(life, intent, begun),
            Act::Perform(intent) => {
                if let Effect::Shell(call) = &intent.effect {
                    let script = call.script.shown.clone();
                    self.shells.push_back((intent, script));
                }
            }
            Act::Release(life, pane) => {
                let lane = self.watching(life).and_then(|collector| collector.lanes.get_mut(&pane));
                lane.into_iter().for_each(|lane| lane.held = false);
            }
            Act::Withdraw(life, intent) => self.withdraw(life, &intent),
            Act::Answer(ticket, reply) => self.answered(ticket, &reply),
            Act::Freeze(..)
            | Act::WatchScreens(..)
            | Act::RunsIn(..)
            | Act::Asks(..)
            | Act::LeftIsTold(_)
            | Act::Hook(..)
            | Act::Request(..)
            | Act::Exclude(..)
            | Act::Include(..)
            | Act::Gone(..)
            | Act::Publish(_)
            | Act::Show(_)
            | Act::WakeOutbox => {}
        }
        true
    }

    fn watching(&mut self, life: Life) -> Option<&mut Collector> {
        self.collector.as_mut().filter(|collector| collector.life == life)
    }

    fn answered(&mut self, ticket: Ticket, reply: &Reply) {
        let command = self.asked.remove(&ticket).expect("each request is answered once");
        if let (Command::Decide { approval, verdict, .. }, Reply::Committed { .. }) = (command, reply) {
            self.taken.push((approval, verdict.approve));
        }
    }

    /// The collector hands over what it has, and ends.
    fn end_collector(&mut self, life: Life) {
        if self.watching(life).is_some() {
            self.lose_collector();
        }
    }

    /// The collector ends, by a fault or because it was told to. What it did not do comes back.
    pub fn lose_collector(&mut self) {
        let Some(collector) = self.collector.take() else { return };
        for lane in collector.lanes.into_values() {
            for send in lane.under_way.into_iter().chain(lane.waiting) {
                self.queue.push_back(Input::CameBack { intent: send.intent, begun: send.perhaps_typed });
            }
        }
        self.starting = None;
        self.queue.push_back(Input::HostEnded(HostName::local(), collector.life));
    }

    fn send(&mut self, life: Life, intent: Intent, begun: bool) {
        let (pane, text) = match &intent.effect {
            Effect::Send(send) => {
                let text = send.steps.iter().map(|step| match step {
                    KeyStep::Text(text) => text.as_str(),
                    KeyStep::Key(_) => "",
                });
                (send.pane.clone(), text.collect())
            }
            Effect::Prompt(prompt) => (prompt.pane.clone(), prompt.text.clone()),
            Effect::Answer(_) | Effect::Shell(_) | Effect::Poll(_) | Effect::Alert(_) => return,
        };
        let Some(collector) = self.watching(life) else {
            self.queue.push_back(Input::CameBack { intent, begun });
            return;
        };
        let sending = Sending { intent, text, perhaps_typed: begun };
        collector.lanes.entry(pane).or_default().waiting.push_back(sending);
    }

    fn withdraw(&mut self, life: Life, intent: &tmuxagent_model::IntentId) {
        let surely = |send: &Sending| send.intent.id == *intent && !send.perhaps_typed;
        let Some(collector) = self.watching(life) else { return };
        let given_up = collector.lanes.values_mut().find_map(|lane| {
            let at = lane.waiting.iter().position(surely)?;
            lane.waiting.remove(at)
        });
        if let Some(send) = given_up {
            self.tell_end(&send.intent, Outcome::Skipped { reason: SkipReason::Withdrawn });
        }
    }

    /// The lane's next send goes out, or ends where its pane is no more.
    pub fn pump(&mut self, panes: &mut [Pane]) {
        // A collector sees the panes before it types into one.
        if self.starting.is_some() {
            return;
        }
        let Some(collector) = &mut self.collector else { return };
        let mut ended = Vec::new();
        for (key, lane) in &mut collector.lanes {
            if lane.held || lane.under_way.is_some() {
                continue;
            }
            let Some(next) = lane.waiting.front() else { continue };
            match panes.iter_mut().find(|pane| pane.info.key == *key) {
                None => {
                    let outcome = if next.perhaps_typed {
                        Outcome::Unknown { error: "the pane is gone".to_owned() }
                    } else {
                        Outcome::Skipped { reason: SkipReason::OtherProcess }
                    };
                    ended.push((next.intent.clone(), outcome));
                    lane.waiting.pop_front();
                    lane.held = true;
                }
                Some(pane) if pane.connected && pane.reply.is_none() => {
                    let Some(mut next) = lane.waiting.pop_front() else { continue };
                    pane.send(&next.intent.id, &next.text);
                    next.perhaps_typed = true;
                    lane.under_way = Some(next);
                }
                Some(_) => {}
            }
        }
        ended.into_iter().for_each(|(intent, outcome)| self.tell_end(&intent, outcome));
    }
}
