//! The one loop around the heart ([`Core`]): what happens goes in with its instant, the round is committed, and what the heart
//! asks is done. Human input and signals come first, so that a flooding pane can't delay a decision.

use super::alerting::Alerting;
use super::calls;
use super::codex::{Codex, News};
use super::collectors::Collectors;
use super::notify_socket::NotifySocket;
use super::opencode::Opencodes;
use super::perform::Performer;
use super::reload::Reloader;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use tmuxagent_agents::VendorState;
use tmuxagent_clock::Clock;
use tmuxagent_core::{Act, Core, Input, Life, Ticket, Unwritten};
use tmuxagent_errand::{Ending, Errand, Fate, Home, Returned};
use tmuxagent_failpoints as failpoints;
use tmuxagent_ipc::hub::{Call, PaneScreen};
use tmuxagent_ipc::wire::Reply;
use tmuxagent_model::{EventLine, HostName, Note, PaneKey, Severity, Snapshot, Trouble};
use tmuxagent_store::Store;
use tmuxagent_tmux::HostMessage;
use tokio::sync::{broadcast, mpsc, oneshot, watch};

/// How many inputs one transaction takes at most, so that a flood of matching lines still shows progress.
const ROUND: usize = 256;
/// How long the position behind a line is waited for; the collector sends both at once.
const POSITION: std::time::Duration = std::time::Duration::from_millis(50);
/// With so many events waiting for a commit no more facts are taken; the collectors keep them, bounded.
const MOST_PENDING: usize = 10_000;

/// What comes first: people and signals, and agents' servers, at which answers of people are waited for.
#[derive(Debug)]
pub enum Urgent {
    /// A request of a view.
    Call(Box<Call>),
    /// A file of the configuration or a policy changed.
    Reload,
    /// The server of Codex at that socket tells something.
    Codex(PathBuf, Box<News>),
    /// The opencode in that pane tells what it does.
    Opencode(PaneKey, Box<Option<VendorState>>),
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
    /// A host's collector could not be started.
    HostNotStarted(HostName, String),
    /// An effect beside the panes ended.
    Ended(Ending),
    /// Something worth telling that concerns no pane.
    Told(Severity, Note),
    /// A part of the supervisor fails, or (with no text) works again.
    Problem(String, Option<Trouble>),
}

impl From<Fact> for Input {
    fn from(fact: Fact) -> Self {
        match fact {
            // As an errand it could not be noted.
            Fact::Host(_, _, HostMessage::Ended(ending)) => Self::Ended(ending.into_event()),
            Fact::Host(host, life, message) => Self::Host(host, life, message),
            Fact::HostEnded(host, life) => Self::HostEnded(host, life),
            Fact::HostNotStarted(host, error) => Self::HostNotStarted(host, error),
            Fact::Ended(ending) => Self::Ended(ending.into_event()),
            Fact::Told(severity, note) => Self::Told(severity, note),
            Fact::Problem(part, text) => Self::Problem(part, text),
        }
    }
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

/// The loop, and what it works with.
pub struct Dispatch {
    pub clock: Clock,
    pub core: Core,
    pub store: Store,
    pub collectors: Collectors,
    pub performer: Performer,
    pub reloader: Reloader,
    pub alerting: Alerting,
    pub screens: broadcast::Sender<Arc<PaneScreen>>,
    pub journal: broadcast::Sender<Arc<Vec<EventLine>>>,
    pub snapshots: watch::Sender<Arc<Snapshot>>,
    /// Where errands come back to; see [`Inbox::returned`].
    pub home: Home,
    pub asking: Asking,
    /// Servers that Codex's screens share.
    pub codex: Codex,
    pub opencodes: Opencodes,
    /// Where agents' servers are heard.
    pub servers: mpsc::Sender<Urgent>,
    /// The init system, which is told that the loop turns.
    pub notify: NotifySocket,
}

/// Who waits for an answer of the heart.
#[derive(Debug, Default)]
pub struct Asking {
    next: u64,
    waiting: HashMap<Ticket, oneshot::Sender<Reply>>,
}

impl Asking {
    /// One more.
    pub fn ticket(&mut self, to: oneshot::Sender<Reply>) -> Ticket {
        self.next += 1;
        let ticket = Ticket(self.next);
        self.waiting.insert(ticket, to);
        ticket
    }

    fn answer(&mut self, ticket: Ticket, reply: Reply) {
        if let Some(to) = self.waiting.remove(&ticket) {
            // A view that has gone meanwhile needs no answer.
            let _ = to.send(reply);
        }
    }
}

/// What the loop woke up for.
enum Woken {
    Urgent(Option<Urgent>),
    Fact(Option<Fact>),
    Returned(Option<Returned>),
    Time,
}

impl Dispatch {
    /// Runs until somebody ends it; returns the reason.
    pub async fn run(mut self, mut inbox: Inbox) -> String {
        // What an earlier life left is known at once: who looks after files must not take an open question for closed.
        self.show();
        self.notify.ready(self.clock.now(), &self.snapshots.borrow());
        let reason = loop {
            match self.wait(&mut inbox).await {
                Woken::Urgent(Some(Urgent::Shutdown(reason))) => break reason,
                Woken::Urgent(None) => break "the last view has gone".to_owned(),
                Woken::Fact(None) => break "nothing is watched any more".to_owned(),
                Woken::Urgent(Some(Urgent::Call(call))) => {
                    if let Some(reason) = calls::serve(&mut self, *call).await {
                        break reason;
                    }
                }
                Woken::Urgent(Some(Urgent::Reload)) => self.reload(None).await,
                Woken::Urgent(Some(Urgent::Codex(socket, news))) => self.codex_news(&socket, *news),
                Woken::Urgent(Some(Urgent::Opencode(pane, state))) => self.opencode_told(&pane, *state),
                Woken::Fact(Some(fact)) => self.fact(fact),
                Woken::Returned(returned) => returned.into_iter().for_each(|errand| self.came_home(errand)),
                Woken::Time => {}
            }
            self.take_more(&mut inbox).await;
            self.core.fire(self.clock.now());
            self.commit().await;
            self.show();
            self.notify.beat(self.clock.now(), &self.snapshots.borrow());
        };
        self.stop(inbox, &reason).await;
        reason
    }

    async fn wait(&self, inbox: &mut Inbox) -> Woken {
        let wake = self.core.next_wake().into_iter().chain(self.notify.due()).min();
        let may_take = self.core.pending() < MOST_PENDING;
        tokio::select! {
            biased;
            urgent = inbox.urgent.recv() => Woken::Urgent(urgent),
            () = self.clock.sleep_until(wake) => Woken::Time,
            returned = inbox.returned.recv() => Woken::Returned(returned),
            fact = inbox.facts.recv(), if may_take => Woken::Fact(fact),
        }
    }

    /// More facts of this instant share the transaction. A line and the position behind it always do.
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
        while self.core.awaits_positions() {
            tokio::select! {
                fact = inbox.facts.recv() => match fact {
                    Some(fact) => self.fact(fact),
                    None => return,
                },
                () = &mut deadline => self.core.give_up_positions(),
            }
        }
    }

    pub(super) fn fact(&mut self, fact: Fact) {
        if let Fact::Host(_, life, HostMessage::Event(event)) = &fact {
            self.heed_codex(*life, event);
            self.heed_opencode(*life, event);
        }
        self.take(fact.into());
    }

    fn came_home(&mut self, returned: Returned) {
        let Returned { intent, fate } = returned;
        self.take(match fate {
            Fate::Ended(event) => Input::Ended(*event),
            Fate::Begun => Input::CameBack { intent, begun: true },
            Fate::NotBegun => Input::CameBack { intent, begun: false },
        });
    }

    fn take(&mut self, input: Input) {
        self.core.take(self.clock.now(), input);
        self.act();
    }

    async fn commit(&mut self) {
        let round = self.core.finish(self.clock.now());
        self.write(round).await;
    }

    /// One transaction, then what follows from it.
    pub(super) async fn write(&mut self, round: Option<Unwritten>) {
        if let Some(mut round) = round {
            let (router, now) = (self.alerting.router(), self.clock.now());
            round.route(|intent, alert| router(intent, alert, now));
            failpoints::at("round.stepped");
            match self.store.commit(round.batch().clone()).await {
                Ok(committed) => {
                    failpoints::at("round.committed");
                    self.core.written(self.clock.now(), round, committed);
                }
                Err(error) => self.core.unwritten(self.clock.now(), round, &error.to_string()),
            }
        }
        let (answers, acts): (Vec<Act>, Vec<Act>) =
            self.core.acts().into_iter().partition(|act| matches!(act, Act::Answer(..)));
        self.perform_all(acts);
        if !answers.is_empty() {
            // Whoever is answered and looks again sees what came of it.
            let now = self.core.snapshot_at_once(self.clock.now());
            now.into_iter().for_each(|snapshot| drop(self.snapshots.send_replace(snapshot)));
            self.perform_all(answers);
        }
    }

    fn perform_all(&mut self, acts: Vec<Act>) {
        for act in acts {
            let place = place_of(&act);
            self.perform(act);
            place.into_iter().for_each(failpoints::at);
        }
    }

    fn show(&mut self) {
        if let Some(snapshot) = self.core.snapshot(self.clock.now()) {
            self.snapshots.send_replace(snapshot);
        }
    }

    /// Does what the heart asks.
    pub(super) fn act(&mut self) {
        for act in self.core.acts() {
            self.perform(act);
        }
    }

    fn perform(&mut self, act: Act) {
        match act {
            Act::StartHost(start) => self.collectors.start(*start),
            Act::EndHost(life) => self.collectors.end(life),
            Act::Type { life, intent, begun } => {
                let mut errand = Errand::new(intent, &self.home);
                if begun {
                    errand.begin();
                }
                self.collectors.take(life, errand);
            }
            Act::Perform(intent) => {
                self.performer.perform(Errand::new(intent, &self.home));
            }
            Act::Release(life, pane) => {
                self.tell_collector(life, |handle| handle.release(pane));
            }
            Act::Withdraw(life, intent) => self.tell_collector(life, |handle| handle.withdraw(intent)),
            Act::Freeze(life, frozen) => self.tell_collector(life, |handle| handle.freeze(frozen)),
            Act::WatchScreens(life, panes) => self.tell_collector(life, |handle| handle.watch_screens(panes)),
            Act::LeftIsTold(life) => self.tell_collector(life, tmuxagent_tmux::HostHandle::left_is_told),
            Act::Asks(life, asks) => self.tell_collector(life, |handle| handle.asks(asks)),
            Act::RunsIn(life, pane, pipelines) => self.tell_collector(life, |handle| handle.runs_in(pane, pipelines)),
            Act::Hook(life, pane, told) => self.tell_collector(life, |handle| handle.hook(pane, told)),
            Act::Request(life, pane, news) => self.tell_collector(life, |handle| handle.agent_request(pane, news)),
            Act::Exclude(life, pane) => self.tell_collector(life, |handle| handle.exclude(pane)),
            Act::Include(life, pane) => self.tell_collector(life, |handle| handle.include(pane)),
            Act::Gone(life, names) => self.tell_collector(life, |handle| handle.names_are_gone(names)),
            Act::Answer(ticket, reply) => {
                self.asking.answer(ticket, reply);
            }
            // Nobody follows, or looks: that is no error.
            Act::Publish(lines) => drop(self.journal.send(Arc::new(lines))),
            Act::Show(screen) => drop(self.screens.send(Arc::new(screen))),
            Act::WakeOutbox => self.alerting.wake(),
        }
    }

    /// Whether a host is this machine.
    pub(super) fn is_here(&self, host: &HostName) -> bool {
        self.reloader.loaded.config.hosts.iter().any(|known| known.name == *host && known.ssh.is_none())
    }

    pub(super) fn tell_collector(&self, life: Life, tell: impl FnOnce(&tmuxagent_tmux::HostHandle)) {
        if let Some(handle) = self.collectors.get(life) {
            tell(handle);
        }
    }
}

/// The step of a round that an act is, for tests that end the process there.
const fn place_of(act: &Act) -> Option<&'static str> {
    match act {
        Act::Type { .. } | Act::Perform(_) => Some("round.performed"),
        Act::Release(..) => Some("round.released"),
        Act::Answer(..) => Some("round.answered"),
        _ => None,
    }
}
