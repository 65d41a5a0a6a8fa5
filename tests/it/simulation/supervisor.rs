//! The supervisor of the simulation: rounds as the real loop makes them, over the real engine and the real store.

use super::tmux::Pane;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::Path;
use std::sync::Arc;
use tmuxagent_engine::{Answer, Engine};
use tmuxagent_model::{
    Effect, Event, Intent, IntentId, KeyStep, Note, Outcome, PaneKey, Recovery, SkipReason, Timestamp,
};
use tmuxagent_policy::Policy;
use tmuxagent_store::{Batch, Durability, JournalRow, Store};

/// What the collector hands over, in one order.
#[derive(Debug, Clone)]
pub enum Message {
    Event(Event),
    Position(PaneKey, usize),
}

/// The sends of one pane.
#[derive(Debug, Default)]
pub struct Lane {
    pub waiting: VecDeque<Sending>,
    pub under_way: Option<Sending>,
    pub held: bool,
}

#[derive(Debug, Clone)]
pub struct Sending {
    pub intent: IntentId,
    pub text: String,
    pub perhaps_typed: bool,
}

/// One life of the supervisor.
pub struct Supervisor {
    pub engine: Engine,
    store: Option<Store>,
    pub queue: VecDeque<Message>,
    pub lanes: BTreeMap<PaneKey, Lane>,
    /// Commands beside the panes that run.
    pub shells: VecDeque<(IntentId, String)>,
    settling: BTreeMap<PaneKey, (BTreeSet<IntentId>, Vec<Message>)>,
    batch: Batch,
    intents: Vec<Intent>,
    settled: Vec<IntentId>,
    answered: Vec<(Answer, Event)>,
    under_way: BTreeMap<IntentId, PaneKey>,
    /// What was told, once it is committed.
    pub told: Vec<Note>,
    pub steps: u64,
    pub positions: BTreeMap<PaneKey, usize>,
    pub last_at: Timestamp,
}

fn wait<T>(future: impl Future<Output = T>) -> T {
    thread_local!(static RUNTIME: tokio::runtime::Runtime =
        tokio::runtime::Builder::new_current_thread().build().expect("a runtime"));
    RUNTIME.with(|runtime| runtime.block_on(future))
}

impl Supervisor {
    pub fn start(database: &Path, policy: &Arc<Policy>) -> Self {
        let (store, restored) = Store::open(database, Timestamp(0)).expect("the store opens");
        let engine = Engine::restore(Arc::clone(policy), restored.entities).expect("rows");
        let position = |(pane, text): (PaneKey, String)| (pane, text.parse().expect("a number"));
        Self {
            engine,
            store: Some(store),
            queue: VecDeque::new(),
            lanes: BTreeMap::new(),
            shells: VecDeque::new(),
            settling: BTreeMap::new(),
            batch: Batch::default(),
            intents: Vec::new(),
            settled: Vec::new(),
            answered: Vec::new(),
            under_way: BTreeMap::new(),
            told: Vec::new(),
            steps: 0,
            positions: restored.positions.into_iter().map(position).collect(),
            last_at: restored.last_at,
        }
    }

    /// The end: nothing more is done, what waits is lost, and the file is free.
    pub fn close(&mut self) {
        if let Some(store) = self.store.take() {
            wait(store.close());
        }
    }

    /// Settles what the last life left open.
    pub fn recover(&mut self, now: Timestamp) {
        self.step(now, Event::PolicyLoaded { hash: self.engine.policy().hash.clone() });
        let open: Vec<Intent> = self.engine.open_intents().cloned().collect();
        for intent in open {
            match (intent.effect.recovery(), intent.effect.pane().cloned()) {
                (Recovery::Redo, Some(pane)) => {
                    self.settling.entry(pane).or_default().0.insert(intent.id.clone());
                    self.send(intent, true);
                }
                (Recovery::Redo, None) => self.want(now, intent),
                (Recovery::AskHuman, _) => {
                    let outcome = Outcome::Unknown { error: "it ended".to_owned() };
                    self.step(now, Event::Outcome { intent: intent.id, outcome });
                }
            }
        }
    }

    /// Takes one message into the round.
    pub fn take(&mut self, now: Timestamp, message: Message) {
        let pane = match &message {
            Message::Position(pane, _) => Some(pane),
            Message::Event(Event::Line(line)) => Some(&line.pane),
            Message::Event(Event::CommandEnded { pane, .. } | Event::Gap { pane }) => Some(pane),
            Message::Event(_) => None,
        };
        if let Some((_, waiting)) = pane.and_then(|pane| self.settling.get_mut(pane)) {
            waiting.push(message);
            return;
        }
        match message {
            Message::Position(pane, at) => {
                self.batch.positions.retain(|(known, _)| *known != pane);
                self.batch.positions.push((pane, Some(at.to_string())));
            }
            Message::Event(event) => {
                if let Event::PaneGone { pane } = &event {
                    self.batch.positions.push((pane.clone(), None));
                }
                self.step(now, event.clone());
                self.let_on(now, &event);
            }
        }
    }

    fn let_on(&mut self, now: Timestamp, event: &Event) {
        let freed = match event {
            Event::Outcome { intent, .. } => {
                let mut settling = self.settling.iter_mut();
                let found =
                    settling.find_map(|(pane, (open, _))| open.remove(intent).then(|| (pane.clone(), open.is_empty())));
                found.filter(|(_, empty)| *empty).map(|(pane, _)| pane)
            }
            Event::PaneGone { pane } => Some(pane.clone()),
            _ => None,
        };
        if let Some((_, waiting)) = freed.and_then(|pane| self.settling.remove(&pane)) {
            waiting.into_iter().for_each(|message| self.take(now, message));
        }
    }

    pub fn step(&mut self, now: Timestamp, event: Event) {
        self.steps += 1;
        if let Event::Outcome { intent, .. } = &event {
            self.settled.push(intent.clone());
        }
        let step = self.engine.step(now, &event);
        self.batch.changes.extend(step.changes);
        if let Some(answer) = step.answer {
            self.answered.push((answer, event.clone()));
        }
        if matches!(event, Event::Asked { .. }) {
            self.batch.durability = Durability::PowerLoss;
        } else if self.batch.events.is_empty() {
            self.batch.durability = Durability::Process;
        }
        if step.changed || !step.notes.is_empty() {
            self.batch.events.push(JournalRow { at: now, event, changed: step.changed, notes: step.notes });
        }
        for intent in step.intents {
            self.want(now, intent);
        }
    }

    fn want(&mut self, now: Timestamp, intent: Intent) {
        if matches!(intent.effect, Effect::Alert(_)) {
            self.step(now, Event::Outcome { intent: intent.id, outcome: Outcome::Done });
        } else {
            self.intents.push(intent);
        }
    }

    /// Whether a person's answer is in this round; it reaches him after the commit.
    pub fn commit(&mut self, now: Timestamp) -> Vec<(Answer, Event)> {
        let mut batch = std::mem::take(&mut self.batch);
        batch.at = now;
        if !batch.is_empty() {
            let store = self.store.as_ref().expect("a life");
            let committed = wait(store.commit(batch)).expect("a commit");
            self.told.extend(committed.lines.into_iter().map(|line| line.note));
        }
        std::mem::take(&mut self.answered)
    }

    pub fn release(&mut self) {
        for intent in std::mem::take(&mut self.settled) {
            if let Some(lane) = self.under_way.remove(&intent).and_then(|pane| self.lanes.get_mut(&pane)) {
                lane.held = false;
            }
        }
    }

    /// Performs the next intent of the committed round.
    pub fn perform_next(&mut self) -> bool {
        if self.intents.is_empty() {
            return false;
        }
        let intent = self.intents.remove(0);
        match &intent.effect {
            Effect::Send(_) | Effect::Prompt(_) => self.send(intent, false),
            Effect::Shell(call) => self.shells.push_back((intent.id, call.script.shown.clone())),
            Effect::Poll(_) | Effect::Alert(_) => {}
        }
        true
    }

    fn send(&mut self, intent: Intent, settle: bool) {
        let (pane, text) = match &intent.effect {
            Effect::Send(send) => {
                let text = send.steps.iter().map(|step| match step {
                    KeyStep::Text(text) => text.as_str(),
                    KeyStep::Key(_) => "",
                });
                (send.pane.clone(), text.collect())
            }
            Effect::Prompt(prompt) => (prompt.pane.clone(), prompt.text.clone()),
            Effect::Shell(_) | Effect::Poll(_) | Effect::Alert(_) => return,
        };
        self.under_way.insert(intent.id.clone(), pane.clone());
        let sending = Sending { intent: intent.id, text, perhaps_typed: settle };
        self.lanes.entry(pane).or_default().waiting.push_back(sending);
    }

    /// The lane's next send goes out, or ends where its pane is no more.
    pub fn pump(&mut self, panes: &mut [Pane]) {
        for (key, lane) in &mut self.lanes {
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
                    let intent = next.intent.clone();
                    lane.waiting.pop_front();
                    lane.held = true;
                    self.queue.push_back(Message::Event(Event::Outcome { intent, outcome }));
                }
                Some(pane) if pane.connected && pane.reply.is_none() => {
                    let Some(mut next) = lane.waiting.pop_front() else { continue };
                    pane.send(&next.intent, &next.text);
                    next.perhaps_typed = true;
                    lane.under_way = Some(next);
                }
                Some(_) => {}
            }
        }
    }
}
