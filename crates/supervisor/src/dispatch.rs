//! The one loop. Everything that happens becomes an [`Event`] in one order; this is the only caller of
//! [`Engine::step`].
//!
//! A round: take what happened → step the engine for each event → commit ONE transaction with journal, state and
//! intents → perform the intents → answer whoever asked → show a new snapshot. Human input and signals come first,
//! so that a flooding pane can't delay a decision.
//!
//! When the commit fails nothing of the round is performed, answered as done or refused, or shown: it stays pending, is
//! committed with the next round, and the screen says so. The panes are read on meanwhile.

use super::away::Away;
use super::board::Board;
use super::calls;
use super::hosts::{Hosts, Life};
use super::perform::Performer;
use super::recovery::Settling;
use super::reload::Reloader;
use super::round::{Consequences, Round, Saved};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tmuxagent_clock::Clock;
use tmuxagent_engine::Engine;
use tmuxagent_errand::{Ending, Home, Returned};
use tmuxagent_failpoints as failpoints;
use tmuxagent_ipc::hub::{Call, PaneScreen};
use tmuxagent_ipc::wire::Reply;
use tmuxagent_model::{
    Doubt, EntityKind, Event, EventLine, HostName, Millis, Note, Outcome, PaneKey, Severity, SkipReason, Snapshot,
    Timestamp, Trouble,
};
use tmuxagent_store::{Durability, JournalRow, Store};
use tmuxagent_text::redact::Redactor;
use tmuxagent_tmux::HostMessage;
use tokio::sync::{broadcast, mpsc, oneshot, watch};

/// The shortest time between two snapshots.
const FRAME: Millis = Millis(33);
/// How many inputs one transaction takes at most, so that a flood of matching lines still shows progress.
const ROUND: usize = 256;
/// The pause before a failed commit is tried again.
const RETRY: Millis = Millis(1000);
/// How long the position behind a line is waited for; the collector sends both at once.
const POSITION: std::time::Duration = std::time::Duration::from_millis(50);
/// With so many events waiting for a commit no more facts are taken; the collectors keep them, bounded.
const MOST_PENDING: usize = 10_000;

/// What comes first: people and signals.
#[derive(Debug)]
pub enum Urgent {
    /// A request of a view.
    Call(Call),
    /// A file of the configuration or a policy changed.
    Reload,
    /// End, for this reason.
    Shutdown(String),
}

/// What the world says.
#[derive(Debug)]
pub enum Fact {
    /// Something of a watched host, from the collector of that number.
    Host(HostName, Life, HostMessage),
    /// A host's collector has ended and told everything that it had.
    HostEnded(HostName, Life),
    /// An effect beside the panes ended.
    Ended(Ending),
    /// Something worth telling that concerns no pane.
    Told(Severity, Note),
    /// A part of the supervisor fails, or (with no text) works again.
    Problem(String, Option<Trouble>),
}

/// The queues into the loop.
pub struct Inbox {
    /// People and signals.
    pub urgent: mpsc::Receiver<Urgent>,
    /// The rest.
    pub facts: mpsc::Receiver<Fact>,
    /// Errands whose holders are gone.
    pub returned: mpsc::UnboundedReceiver<Returned>,
}

/// What the loop works with.
pub struct Parts {
    pub clock: Clock,
    pub engine: Engine,
    pub board: Board,
    pub store: Store,
    pub hosts: Hosts,
    pub performer: Performer,
    pub reloader: Reloader,
    pub away: Away,
    pub redactor: Redactor,
    pub screens: broadcast::Sender<Arc<PaneScreen>>,
    pub journal: broadcast::Sender<Arc<Vec<EventLine>>>,
    pub snapshots: watch::Sender<Arc<Snapshot>>,
    pub home: Home,
}

/// The state of the loop.
pub struct Dispatch {
    pub(super) clock: Clock,
    pub(super) engine: Engine,
    pub(super) board: Board,
    pub(super) store: Store,
    pub(super) hosts: Hosts,
    pub(super) performer: Performer,
    pub(super) reloader: Reloader,
    pub(super) away: Away,
    pub(super) redactor: Redactor,
    pub(super) screens: broadcast::Sender<Arc<PaneScreen>>,
    pub(super) journal: broadcast::Sender<Arc<Vec<EventLine>>>,
    pub(super) snapshots: watch::Sender<Arc<Snapshot>>,
    urgent: mpsc::Sender<Urgent>,
    /// Where errands come back to; see [`Inbox::returned`].
    pub(super) home: Home,
    pub(super) round: Round,
    pub(super) dirty: bool,
    shown_at: Timestamp,
    pub(super) retry_at: Option<Timestamp>,
    /// Whether the loop is over, so that nothing is tried again.
    pub(super) ending: bool,
    /// When panes of an earlier life that a host does not show again count as gone.
    pub(super) reconcile_at: Vec<(Timestamp, HostName)>,
    /// Panes of which this round has a line whose position is still to come.
    pub(super) unplaced: BTreeSet<PaneKey>,
    /// Panes with keys of an earlier life whose outcome is still to come.
    pub(super) settling: BTreeMap<PaneKey, Settling>,
    /// Hosts on which another supervisor types: their panes are shown, and the engine knows none of them.
    pub(super) watched: BTreeSet<HostName>,
}

/// What the loop woke up for.
enum Woken {
    Urgent(Option<Urgent>),
    Fact(Option<Fact>),
    Returned(Option<Returned>),
    Time,
}

impl Dispatch {
    /// A loop that has not begun.
    pub fn new(parts: Parts, urgent: mpsc::Sender<Urgent>) -> Self {
        Self {
            clock: parts.clock,
            engine: parts.engine,
            board: parts.board,
            store: parts.store,
            hosts: parts.hosts,
            performer: parts.performer,
            reloader: parts.reloader,
            away: parts.away,
            redactor: parts.redactor,
            screens: parts.screens,
            journal: parts.journal,
            snapshots: parts.snapshots,
            urgent,
            home: parts.home,
            round: Round::default(),
            dirty: true,
            shown_at: Timestamp(0),
            retry_at: None,
            ending: false,
            reconcile_at: Vec::new(),
            unplaced: BTreeSet::new(),
            settling: BTreeMap::new(),
            watched: BTreeSet::new(),
        }
    }

    /// Ends the loop after this round.
    pub(super) fn end(&self, reason: String) {
        let urgent = self.urgent.clone();
        tokio::spawn(async move {
            // A loop that has ended already needs no telling.
            let _ = urgent.send(Urgent::Shutdown(reason)).await;
        });
    }

    /// A part fails; returns whether that is new.
    pub(super) fn report_problem(&mut self, part: &str, trouble: &Trouble) -> bool {
        let new = self.board.problem(part, trouble, self.clock.now());
        self.dirty |= new;
        new
    }

    /// A part works again.
    pub(super) fn solve(&mut self, part: &str) {
        self.dirty |= self.board.solved(part);
    }

    /// Runs until somebody ends it; returns the reason.
    pub async fn run(mut self, mut inbox: Inbox) -> String {
        // What an earlier life left is known at once: who looks after files must not take an open question for closed.
        self.show();
        let reason = loop {
            match self.wait(&mut inbox).await {
                Woken::Urgent(Some(Urgent::Shutdown(reason))) => break reason,
                Woken::Urgent(None) => break "the last view has gone".to_owned(),
                Woken::Fact(None) => break "nothing is watched any more".to_owned(),
                Woken::Urgent(Some(urgent)) => self.urgent(urgent).await,
                Woken::Fact(Some(fact)) => self.fact(fact),
                Woken::Returned(returned) => returned.into_iter().for_each(|errand| self.came_home(errand)),
                Woken::Time => {}
            }
            self.take_more(&mut inbox).await;
            self.fire_timers();
            self.reconcile();
            self.restart_hosts();
            self.commit().await;
            self.show();
        };
        self.stop(inbox, &reason).await;
        reason
    }

    async fn wait(&self, inbox: &mut Inbox) -> Woken {
        let wake = self.next_wake();
        let may_take = self.round.batch.events.len() < MOST_PENDING;
        tokio::select! {
            biased;
            urgent = inbox.urgent.recv() => Woken::Urgent(urgent),
            () = self.clock.sleep_until(wake) => Woken::Time,
            returned = inbox.returned.recv() => Woken::Returned(returned),
            fact = inbox.facts.recv(), if may_take => Woken::Fact(fact),
        }
    }

    /// More facts of this instant share the transaction. A line and the position behind it always do: after a crash
    /// in between, the line would be read again, or what follows it be missed.
    async fn take_more(&mut self, inbox: &mut Inbox) {
        for _ in 0..ROUND {
            let Ok(fact) = inbox.facts.try_recv() else { break };
            self.fact(fact);
        }
        while let Ok(returned) = inbox.returned.try_recv() {
            self.came_home(returned);
        }
        let deadline = tokio::time::sleep(POSITION);
        tokio::pin!(deadline);
        while !self.unplaced.is_empty() {
            tokio::select! {
                fact = inbox.facts.recv() => match fact {
                    Some(fact) => self.fact(fact),
                    None => return,
                },
                () = &mut deadline => self.unplaced.clear(),
            }
        }
    }

    /// The next instant at which something is due without anything happening.
    fn next_wake(&self) -> Option<Timestamp> {
        let timer = self.engine.next_timer().map(|(at, _, _)| at);
        let frame = self.dirty.then(|| self.shown_at + FRAME);
        let reconcile = self.reconcile_at.iter().map(|(at, _)| *at).min();
        [timer, frame, self.retry_at, reconcile, self.hosts.next_restart()].into_iter().flatten().min()
    }

    async fn urgent(&mut self, urgent: Urgent) {
        match urgent {
            Urgent::Call(call) => calls::serve(self, call).await,
            Urgent::Reload => {
                let _ = self.reload().await;
            }
            Urgent::Shutdown(_) => {}
        }
    }

    pub(super) fn fact(&mut self, fact: Fact) {
        match fact {
            Fact::Ended(ending) => self.ended(&ending.into_event()),
            Fact::Told(severity, note) => self.tell(severity, "", note),
            Fact::Problem(part, Some(text)) => {
                self.dirty |= self.board.problem(&part, &text, self.clock.now());
            }
            Fact::Problem(part, None) => self.dirty |= self.board.solved(&part),
            Fact::Host(host, life, message) => match message {
                // An outcome counts, whoever tells it.
                HostMessage::Ended(ending) => self.ended(&ending.into_event()),
                message if self.hosts.listens_to(&host, life) => self.host(&host, message),
                _ => {}
            },
            Fact::HostEnded(host, life) => self.host_ended(&host, life),
        }
    }

    /// Steps the engine and gathers what it wants.
    pub(super) fn step(&mut self, event: &Event) -> Option<tmuxagent_engine::Answer> {
        let now = self.clock.now();
        if let Event::Outcome { intent, outcome } = event {
            // What was given up held up nothing, and must not let go of what another outcome holds.
            if matches!(outcome, Outcome::Skipped { reason: SkipReason::Withdrawn }) {
                self.hosts.forget(intent);
            } else {
                self.round.settle(intent.clone());
            }
            self.board.counters.sent += u64::from(*outcome == Outcome::Done);
        }
        let seen = self.witnessed(event);
        let step = self.engine.step(now, seen.as_ref().unwrap_or(event));
        self.dirty |= step.changed;
        if step.changes.iter().any(|change| change.kind == EntityKind::Pane) {
            self.hosts.runs(self.engine.running());
        }
        self.round.batch.at = now;
        self.round.batch.changes.extend(step.changes);
        if step.changed || !step.notes.is_empty() {
            // The journal holds what the step took in: a replay leads to the same.
            let event = seen.as_ref().filter(|_| step.witnessed).unwrap_or(event).clone();
            let (changed, notes) = (step.changed, step.notes);
            self.round.batch.events.push(JournalRow { at: now, event, changed, notes });
            self.board.counters.journaled += 1;
        }
        if matches!(event, Event::Asked { .. }) {
            self.round.batch.durability = Durability::PowerLoss;
        }
        for intent in step.intents {
            self.want(intent);
        }
        for intent in step.withdrawn {
            self.give_up(intent);
        }
        step.answer
    }

    /// A fact with what its pane printed last, should a question follow from it.
    fn witnessed(&self, fact: &Event) -> Option<Event> {
        let printed = self.board.last_lines(self.engine.concerns(fact)?);
        (!printed.is_empty()).then(|| Event::Witnessed { fact: Box::new(fact.clone()), printed })
    }

    /// Tells something that no event of the engine led to.
    pub(super) fn tell(&mut self, severity: Severity, place: &str, note: Note) {
        self.round.batch.at = self.clock.now();
        self.round.batch.notes.push((severity, place.to_owned(), note));
    }

    /// Answers a request when the round is committed.
    pub(super) fn answer(&mut self, to: oneshot::Sender<Reply>, reply: Reply) {
        self.round.answer(to, reply);
    }

    fn fire_timers(&mut self) {
        for _ in 0..ROUND {
            let now = self.clock.now();
            let Some((_, key, epoch)) = self.engine.next_timer().filter(|(at, _, _)| *at <= now) else { return };
            self.step(&Event::Timer { key, epoch });
        }
    }

    /// One transaction, then the effects. Nothing is performed before its intent is committed.
    pub(super) async fn commit(&mut self) {
        let now = self.clock.now();
        if self.retry_at.is_some_and(|at| now < at) {
            return;
        }
        let round = std::mem::take(&mut self.round);
        // A question that was closed is not asked any more either.
        let news = !round.batch.outbox.is_empty() || !round.batch.changes.is_empty();
        match round.save(&self.store, now).await {
            Ok(Saved { lines, then }) => {
                if let Some(lines) = lines {
                    self.retry_at = None;
                    self.dirty |= self.board.solved("state");
                    self.publish(lines);
                    if news {
                        self.away.wake();
                    }
                }
                self.follow(then);
            }
            Err(unsaved) => self.hold_back(unsaved.round, &unsaved.error.to_string()),
        }
    }

    /// Does what a committed round leads to.
    fn follow(&mut self, then: Consequences) {
        for intent in &then.settled {
            self.hosts.settled(intent);
            failpoints::at("round.released");
        }
        for intent in &then.withdrawn {
            self.hosts.withdraw(intent);
        }
        for intent in then.intents {
            self.perform(intent);
            failpoints::at("round.performed");
        }
        for (to, reply) in then.answers {
            // A view that has gone meanwhile needs no answer.
            let _ = to.send(reply);
            failpoints::at("round.answered");
        }
    }

    /// The commit failed: keep the round whole, tell everybody, try again.
    fn hold_back(&mut self, mut round: Round, error: &str) {
        let now = self.clock.now();
        let trouble = Trouble::NotSaved { error: error.to_owned() };
        self.dirty |= self.board.problem("state", &trouble, now);
        round.tell_doubt(&if self.ending { Doubt::Ended } else { Doubt::NotSaved { error: error.to_owned() } });
        self.round = round;
        self.retry_at = Some(now + RETRY);
    }

    fn publish(&mut self, lines: Vec<EventLine>) {
        if lines.is_empty() {
            return;
        }
        self.dirty = true;
        lines.iter().for_each(|line| self.board.event(line.clone()));
        // Nobody follows: that is no error.
        let _ = self.journal.send(Arc::new(lines));
    }

    /// Shows a new picture when something changed, at most thirty times a second.
    fn show(&mut self) {
        let now = self.clock.now();
        if !self.dirty || now.since(self.shown_at) < FRAME {
            return;
        }
        let mut view = self.engine.view();
        if self.retry_at.is_some() {
            // What can't be saved has not happened yet for anybody outside: files would be taken away with their words,
            // and links be called used.
            let shown = self.snapshots.borrow();
            (view.runs, view.approvals) = (shown.runs.clone(), shown.approvals.clone());
            (view.held, view.frozen) = (shown.held.clone(), shown.frozen.clone());
        }
        let snapshot = self.board.snapshot(now, view);
        self.snapshots.send_replace(Arc::new(snapshot));
        (self.dirty, self.shown_at) = (false, now);
    }
}
