//! The one order. Everything that happens becomes an [`Event`] here; this is the only caller of [`Engine::step`].
//!
//! A round: take what happened → step the engine for each event → ONE transaction with journal, state and intents → do what
//! they ask → answer whoever asked → show a new snapshot.
//!
//! When the commit fails nothing of the round is done, answered as done or refused, or shown: it stays pending, is committed
//! with the next round, and the screen says so. The panes are read on meanwhile.

use super::acts::{Act, Ticket};
use super::catch_up::CatchUp;
use super::claims::{Between, Left};
use super::early::Early;
use super::hosts::{Hosts, Life, Sending};
use super::live_view::LiveView;
use super::recovery::Settling;
use super::reload::cleaner;
use super::reports::Reports;
use super::round::{self, Consequences, Round, Unwritten};
use super::secrets;
use super::trace::{Given, Trace};
use super::unkept::Unkept;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tmuxagent_config::HostConfig;
use tmuxagent_engine::Engine;
use tmuxagent_ipc::wire::Reply;
use tmuxagent_model::{
    Doubt, Effect, EntityKind, Event, EventLine, HostName, Intent, IntentId, Millis, Note, Outcome, PaneKey, Severity,
    SkipReason, Snapshot, Timestamp, Trouble,
};
use tmuxagent_store::{Committed, Durability, JournalRow};
use tmuxagent_text::redact::Redactor;
use tmuxagent_tmux::HostMessage;

/// The shortest time between two snapshots.
pub(crate) const FRAME: Millis = Millis(33);
/// How many timers one round fires at most, so that a flood of them still shows progress.
pub(crate) const ROUND: usize = 256;
/// The pause before a failed commit is tried again.
const RETRY: Millis = Millis(1000);

/// What happened.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Input {
    /// Something of a watched host, from the collector of that number.
    Host(HostName, Life, HostMessage),
    /// A host's collector has ended and told everything that it had.
    HostEnded(HostName, Life),
    /// A host's collector could not be started, for this reason.
    HostNotStarted(HostName, String),
    /// Something that was asked for has its outcome: [`Event::Outcome`] or [`Event::Polled`].
    Ended(Event),
    /// Something that was asked for got to nobody who does it.
    CameBack {
        /// What.
        intent: Intent,
        /// Whether it may have been done.
        begun: bool,
    },
    /// Something worth telling that concerns no pane.
    Told(Severity, Note),
    /// A part of the supervisor fails, or (with no text) works again.
    Problem(String, Option<Trouble>),
}

/// What an earlier life left beside the engine's state.
#[derive(Debug, Default)]
pub struct Restored {
    /// Read positions of panes, as JSON.
    pub positions: Vec<(PaneKey, String)>,
    /// The last lines for people, newest last.
    pub recent: Vec<EventLine>,
}

/// See the crate.
pub struct Core {
    /// The instant of what is taken in now.
    pub(crate) now: Timestamp,
    pub(crate) engine: Engine,
    pub(crate) view: LiveView,
    pub(crate) hosts: Hosts,
    pub(crate) redactor: Redactor,
    pub(crate) round: Round,
    pub(crate) dirty: bool,
    pub(crate) shown_at: Timestamp,
    /// The last picture: what is not written down is shown as it was.
    pub(crate) shown: Arc<Snapshot>,
    pub(crate) retry_at: Option<Timestamp>,
    /// Whether the loop is over, so that nothing is tried again.
    ending: bool,
    /// When panes of an earlier life that a host does not show again count as gone.
    pub(crate) reconcile_at: Vec<(Timestamp, HostName)>,
    /// Whether timers wait for what was printed meanwhile.
    pub(crate) catch_up: CatchUp,
    /// Panes of which this round has a line whose position is still to come.
    pub(crate) unplaced: BTreeSet<PaneKey>,
    /// How often panes report.
    pub(crate) reports: Reports,
    /// Panes with keys of an earlier life whose outcome is still to come.
    pub(crate) settling: BTreeMap<PaneKey, Settling>,
    /// Hosts on which another supervisor types: their panes are shown, and the engine knows none of them.
    pub(crate) watched: BTreeSet<HostName>,
    /// What happens on them, for the case that this one takes them over.
    pub(crate) between: BTreeMap<HostName, Between>,
    /// What those before this one had asked there, as far as it is not told yet.
    pub(crate) left: BTreeMap<HostName, Left>,
    pub(crate) acts: Vec<Act>,
    /// What was taken in lately.
    pub(crate) trace: Trace,
    /// Texts that are typed and never kept.
    pub(crate) unkept: Unkept,
    /// Decisions about panes that are not known yet in this life.
    pub(crate) early: Vec<Early>,
}

impl Core {
    /// The heart at its start; nothing is watched yet. `pid` is the supervisor's, for views.
    #[must_use]
    pub fn new(now: Timestamp, mut engine: Engine, restored: Restored, redactor: Redactor, pid: u32) -> Self {
        engine.set_cleaner(cleaner(&redactor));
        Self {
            now,
            engine,
            view: LiveView::new(restored.recent, pid),
            hosts: Hosts::new(restored.positions),
            redactor,
            round: Round::default(),
            dirty: true,
            shown_at: Timestamp(0),
            shown: Arc::default(),
            retry_at: None,
            ending: false,
            reconcile_at: Vec::new(),
            catch_up: CatchUp::default(),
            unplaced: BTreeSet::new(),
            reports: Reports::default(),
            settling: BTreeMap::new(),
            watched: BTreeSet::new(),
            between: BTreeMap::new(),
            left: BTreeMap::new(),
            acts: Vec::new(),
            trace: Trace::default(),
            unkept: Unkept::default(),
            early: Vec::new(),
        }
    }

    /// Watches these hosts, and settles what an earlier life left open.
    pub fn begin(&mut self, now: Timestamp, hosts: &[HostConfig], policies: Vec<String>) {
        self.now = now;
        self.view.principles.clone_from(&self.engine.policy().principles);
        self.view.policies = policies;
        self.step(&Event::PolicyLoaded { hash: self.engine.policy().hash.clone() });
        self.hosts.has_several = hosts.len() > 1;
        self.catch_up.begin(now, hosts.iter().map(|host| host.name.clone()));
        hosts.iter().for_each(|host| self.start_host(host));
        self.recover();
    }

    /// Takes in what happened.
    pub fn take(&mut self, now: Timestamp, mut input: Input) {
        self.now = now;
        self.unkept.clean(&mut input);
        self.trace.note(now, &Given::Input(&input));
        match input {
            Input::Ended(event) => self.ended(&event),
            Input::CameBack { intent, begun } => self.came_back(Sending { intent, begun }),
            Input::Told(severity, note) => self.tell(severity, "", note),
            Input::Problem(part, Some(text)) => drop(self.report_problem(&part, &text)),
            Input::Problem(part, None) => {
                self.solve(&part);
            }
            Input::Host(host, life, message) => match message {
                // An outcome counts, whoever tells it.
                HostMessage::Ended(ending) => self.ended(&ending.into_event()),
                message if self.hosts.listens_to(&host, life) => self.host(&host, message),
                _ => {}
            },
            Input::HostEnded(host, life) => self.host_ended(&host, life),
            Input::HostNotStarted(host, error) => {
                self.hosts.restart_at(&host, now);
                self.report_problem(&format!("host {host}"), &Trouble::CollectorNotStarted { error });
            }
        }
        self.take_early();
    }

    /// Does what is due by `now`.
    pub fn fire(&mut self, now: Timestamp) {
        self.now = now;
        self.trace.note(now, &Given::Fired);
        let due = self.engine.next_timer().map(|(at, _, _)| at);
        let most = if self.catch_up.holds(now, due) { 0 } else { self.ask_again() };
        for _ in 0..most {
            let Some((_, key, epoch)) = self.engine.next_timer().filter(|(at, _, _)| *at <= now) else { break };
            self.step(&Event::Timer { key, epoch });
        }
        self.reconcile();
        self.take_early();
    }

    /// The next instant at which something is due without anything happening.
    #[must_use]
    pub fn next_wake(&self) -> Option<Timestamp> {
        let timer = self.catch_up.next(self.engine.next_timer().map(|(at, _, _)| at));
        let frame = self.dirty.then(|| self.shown_at + FRAME);
        let reconcile = self.reconcile_at.iter().map(|(at, _)| *at).min();
        let commit = self.retry_at.or_else(|| self.round.has_work().then_some(self.now));
        let early = (!self.early.is_empty()).then(|| self.catch_up.bound()).filter(|at| *at > self.now);
        [timer, frame, commit, reconcile, early, self.hosts.next_restart()].into_iter().flatten().min()
    }

    /// How many events wait for a commit.
    #[must_use]
    pub const fn pending(&self) -> usize {
        self.round.batch.events.len()
    }

    /// Whether lines were taken in whose positions are still to come: both belong into one round. After a crash in between,
    /// the line would be read again, or what follows it be missed.
    #[must_use]
    pub fn awaits_positions(&self) -> bool {
        !self.unplaced.is_empty()
    }

    /// Positions are waited for no longer.
    pub fn give_up_positions(&mut self) {
        self.trace.note(self.now, &Given::PositionsGivenUp);
        self.unplaced.clear();
    }

    /// The round so far, to be written down: then [`Core::written`] or [`Core::unwritten`] comes, and nothing else before.
    /// `None` where there is nothing to write, or it is not time to try again.
    pub fn finish(&mut self, now: Timestamp) -> Option<Unwritten> {
        self.now = now;
        if self.retry_at.is_some_and(|at| now < at) {
            return None;
        }
        let mut round = std::mem::take(&mut self.round);
        if round.is_empty() {
            if round.has_work() || self.hosts.is_anybody_due(now) {
                self.trace.note(now, &Given::Finished(None));
            }
            self.follow(round.into_consequences());
            return None;
        }
        round.batch.at = now;
        let round = Unwritten::new(round);
        self.trace.note(now, &Given::Finished(Some(&round.digest())));
        Some(round)
    }

    /// The round is written down: what it leads to is to be done.
    pub fn written(&mut self, now: Timestamp, round: Unwritten, committed: Committed) {
        self.now = now;
        self.trace.note(now, &Given::Written(&committed.lines));
        let written = round.written(committed);
        self.retry_at = None;
        self.solve("state");
        if !written.lines.is_empty() {
            self.dirty = true;
            written.lines.iter().for_each(|line| self.view.event(line.clone()));
            self.acts.push(Act::Publish(written.lines));
        }
        if written.news {
            self.acts.push(Act::WakeOutbox);
        }
        self.follow(written.then);
    }

    /// The commit failed: the round is kept whole, everybody is told, and it is tried again.
    pub fn unwritten(&mut self, now: Timestamp, round: Unwritten, error: &str) {
        self.now = now;
        self.trace.note(now, &Given::NotWritten(error));
        self.report_problem("state", &Trouble::NotSaved { error: error.to_owned() });
        let mut round = round.into_round();
        let doubt = if self.ending { Doubt::Ended } else { Doubt::NotSaved { error: error.to_owned() } };
        let told = round.take_answers_in_doubt(&doubt);
        self.acts.extend(told.into_iter().map(|(to, reply)| Act::Answer(to, reply)));
        self.round = round;
        self.retry_at = Some(now + RETRY);
    }

    /// The end begins: the collectors hand over what they have, which still counts.
    pub fn begin_end(&mut self) {
        self.trace.stop();
        self.refuse_early();
        self.ending = true;
        self.hosts.leave_all();
    }

    /// The last round: nothing of it is performed, and it is written down at once.
    pub fn finish_last(&mut self, now: Timestamp) -> Option<Unwritten> {
        self.retry_at = None;
        self.round.perform_nothing();
        self.finish(now)
    }

    /// What is to be done by now, in this order.
    pub fn acts(&mut self) -> Vec<Act> {
        // What collectors are told comes before what follows from it.
        let mut acts = std::mem::take(&mut self.acts);
        acts.append(&mut self.hosts.acts);
        acts.iter_mut().for_each(|act| self.unkept.fill(act));
        acts
    }

    /// The engine, to be asked.
    #[must_use]
    pub const fn engine(&self) -> &Engine {
        &self.engine
    }

    /// What is shown beside the engine's state.
    #[must_use]
    pub const fn live_view(&self) -> &LiveView {
        &self.view
    }

    /// A part fails; returns whether that is new.
    pub(crate) fn report_problem(&mut self, part: &str, trouble: &Trouble) -> bool {
        let new = self.view.problem(part, trouble, self.now);
        self.dirty |= new;
        new
    }

    /// A part works again; returns whether it had failed.
    pub(crate) fn solve(&mut self, part: &str) -> bool {
        let solved = self.view.solved(part);
        self.dirty |= solved;
        solved
    }

    /// Tells something that no event of the engine led to.
    pub(crate) fn tell(&mut self, severity: Severity, place: &str, note: Note) {
        self.round.batch.at = self.now;
        self.round.batch.notes.push((severity, place.to_owned(), note));
    }

    /// Answers a request when the round is committed.
    pub(crate) fn answer(&mut self, to: Ticket, reply: Reply) {
        self.round.answer(to, reply);
    }

    /// Steps the engine and gathers what it wants.
    pub(crate) fn step(&mut self, event: &Event) -> Option<tmuxagent_engine::Answer> {
        let now = self.now;
        if let Event::Outcome { intent, outcome } = event {
            // What was given up held up nothing, and must not let go of what another outcome holds.
            if matches!(outcome, Outcome::Skipped { reason: SkipReason::Withdrawn }) {
                self.hosts.forget(intent);
            } else {
                self.round.settle(intent.clone());
            }
            self.view.counters.sent += u64::from(*outcome == Outcome::Done);
        }
        let seen = self.witnessed(event);
        let step = self.engine.step(now, seen.as_ref().unwrap_or(event));
        if let Event::CommandBegan { pane, .. } = event {
            self.view.began(pane, now);
        } else if let Some(pane) = self.engine.concerns(event) {
            self.view.decided(pane, now);
        }
        self.unkept.follow(event, step.answer.as_ref());
        self.dirty |= step.changed;
        if step.changes.iter().any(|change| change.kind == EntityKind::Pane) {
            self.hosts.runs(self.engine.running());
        }
        if step.changes.iter().any(|change| change.kind == EntityKind::Approval) {
            self.hosts.asks(self.engine.open_questions());
        }
        self.round.batch.at = now;
        self.round.batch.changes.extend(step.changes);
        if step.changed || !step.notes.is_empty() {
            // The journal holds what the step took in: a replay leads to the same.
            let event = seen.as_ref().filter(|_| step.witnessed).unwrap_or(event).clone();
            let (changed, notes) = (step.changed, step.notes);
            self.round.batch.events.push(JournalRow { at: now, event, changed, notes });
            self.view.counters.journaled += 1;
        }
        if matches!(event, Event::Asked { .. }) {
            self.round.batch.durability = Durability::PowerLoss;
        }
        for intent in self.with_fronts(&step.fronts, step.intents) {
            self.want(intent);
        }
        for intent in step.withdrawn {
            self.give_up(intent);
        }
        step.answer
    }

    /// Something that was asked for has its outcome.
    pub(crate) fn ended(&mut self, event: &Event) {
        self.step(event);
        self.let_on(event);
    }

    /// An alert is performed by standing in the outbox, in the same transaction; everything else after the commit. What
    /// lost a secret to a restart is not performed.
    pub(crate) fn want(&mut self, intent: Intent) {
        if round::outlives(&intent.effect) {
            self.round.batch.durability = Durability::PowerLoss;
        }
        if let Effect::Alert(alert) = intent.effect {
            self.round.alert(intent.id.clone(), alert);
            self.step(&Event::Outcome { intent: intent.id, outcome: Outcome::Done });
            return;
        }
        if !self.unkept.holds(&intent.id) && secrets::lost(&intent.effect) {
            let outcome = Outcome::Failed { error: secrets::LOST.to_owned() };
            self.step(&Event::Outcome { intent: intent.id, outcome });
            return;
        }
        self.round.perform(intent);
    }

    /// What is not wanted any more is not begun; what was handed on is given up where nothing of it was typed yet.
    fn give_up(&mut self, intent: IntentId) {
        if self.round.take_back(&intent) || self.catch_up.take_back(&intent) {
            self.step(&Event::Outcome { intent, outcome: Outcome::Skipped { reason: SkipReason::Withdrawn } });
        } else {
            self.round.withdraw(intent);
        }
    }

    /// Asks for what a committed round leads to.
    fn follow(&mut self, then: Consequences) {
        for intent in &then.settled {
            self.hosts.settled(intent);
        }
        for intent in &then.withdrawn {
            self.hosts.withdraw(intent);
        }
        for host in &then.left {
            self.hosts.left_is_told(host);
        }
        for intent in then.intents {
            self.perform(intent);
        }
        self.follow_collectors();
        self.acts.append(&mut self.hosts.acts);
        self.acts.extend(then.answers.into_iter().map(|(to, reply)| Act::Answer(to, reply)));
        self.begin_trace_anew();
    }

    fn perform(&mut self, intent: Intent) {
        match &intent.effect {
            Effect::Send(_) | Effect::Prompt(_) => self.type_or_lose(Sending { intent, begun: false }),
            Effect::Answer(answer) => self.give(&intent.id, answer),
            Effect::Shell(_) | Effect::Poll(_) => self.hosts.acts.push(Act::Perform(intent)),
            Effect::Alert(_) => {} // It was performed by standing in the outbox.
        }
    }

    /// Something came back without its outcome: it goes to the collector that has taken its collector's place, or ends here.
    fn came_back(&mut self, sending: Sending) {
        if self.hosts.may_go_again(&sending.intent.id) {
            self.hand_on(sending);
        } else {
            self.lose(&sending);
        }
    }

    /// Has something typed. What the pane prints waits for the outcome of keys that may have been typed before.
    pub(crate) fn hand_on(&mut self, sending: Sending) {
        if let Some(pane) = sending.intent.effect.pane().filter(|_| sending.begun) {
            self.settling.entry(pane.clone()).or_default().intents.insert(sending.intent.id.clone());
        }
        self.type_or_lose(sending);
    }

    fn type_or_lose(&mut self, sending: Sending) {
        if let Err(lost) = self.hosts.send(sending) {
            self.lose(&lost);
        }
    }

    /// Something can't be done, and ends with what is known of it.
    pub(crate) fn lose(&mut self, lost: &Sending) {
        let why = self.hosts.why_lost(lost.intent.effect.pane());
        let outcome = lost.intent.effect.lost(lost.begun, &why);
        self.ended(&Event::Outcome { intent: lost.intent.id.clone(), outcome });
    }
}
