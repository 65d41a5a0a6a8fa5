//! Codex's own server, which its screens share: what its conversations do is told to the panes in whose folders they work,
//! and what they ask is answered there, without a key. Which conversation a pane shows the collector finds out
//! ([`tmuxagent_agents::Threads`]).
//!
//! **Invariants:** a request waits for the panes of its conversation's folder alone, by the process that was seen to read
//! there, and is answered by a committed decision about a dialog that shows it, once. Where the server is gone, too old or
//! speaks otherwise, keys and screens go on as without it, and that is shown.

mod held;
mod link;

pub use held::{Held, held_at};
pub use link::News;

use super::dispatch::{Dispatch, Urgent};
use link::{Refusal, Wish, follow};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use tmuxagent_agents::ThreadTold;
use tmuxagent_agents::codex_server::{ServerRequest, Thread};
use tmuxagent_core::{Asked, Input, Life};
use tmuxagent_ipc::hub::Peer;
use tmuxagent_ipc::wire::{Reply, Request};
use tmuxagent_model::{AgentSeen, Ancestor, Event, PaneKey, Trouble, Via};
use tmuxagent_tmux::{CodexServer, codex_server_of, line_of};
use tokio::sync::{mpsc, oneshot};

/// The agent's name.
const AGENT: &str = "codex";
/// What a problem with a server is shown as.
const SERVER: &str = "the server of Codex";

/// See the module.
#[derive(Debug)]
pub struct Codex {
    /// Where the loop hears of servers.
    loop_: mpsc::Sender<Urgent>,
    /// The panes in which a Codex reads.
    terminals: BTreeMap<PaneKey, Terminal>,
    /// The servers, by their sockets.
    servers: BTreeMap<PathBuf, Server>,
    /// How many requests were kept waiting. Their numbers count down from the highest, connections up from the lowest.
    kept: u64,
}

#[derive(Debug)]
struct Terminal {
    life: Life,
    by: Ancestor,
    server: CodexServer,
}

#[derive(Debug)]
struct Server {
    wishes: mpsc::UnboundedSender<Wish>,
    /// The persons' conversations that it holds.
    threads: BTreeMap<String, Thread>,
    waiting: Vec<Waiting>,
}

/// A request that waits for a pane.
#[derive(Debug)]
struct Waiting {
    thread: String,
    key: Value,
    connection: u64,
}

impl Codex {
    /// Nothing is known yet.
    pub fn new(loop_: mpsc::Sender<Urgent>) -> Self {
        Self { loop_, terminals: BTreeMap::new(), servers: BTreeMap::new(), kept: 0 }
    }

    /// The panes whose Codex would show a conversation of a server.
    fn of<'a>(&'a self, socket: &'a Path, folder: &'a str) -> impl Iterator<Item = (&'a PaneKey, &'a Terminal)> {
        self.terminals
            .iter()
            .filter(move |(_, terminal)| terminal.server.socket == socket && terminal.server.folder == folder)
    }

    /// A Codex reads in a pane. Says what its server's conversations do already.
    fn begins(&mut self, pane: &PaneKey, terminal: Terminal) -> Vec<ThreadTold> {
        let CodexServer { socket, folder } = terminal.server.clone();
        self.terminals.insert(pane.clone(), terminal);
        let server = self.servers.entry(socket.clone()).or_insert_with(|| {
            let (wishes, wanted) = mpsc::unbounded_channel();
            tokio::spawn(follow(socket, wanted, self.loop_.clone()));
            Server { wishes, threads: BTreeMap::new(), waiting: Vec::new() }
        });
        let own = server.threads.values().filter(|thread| thread.folder == folder);
        own.map(|thread| told(&thread.id, thread, false)).collect()
    }

    /// None reads there any more. Servers without any are left.
    fn ends(&mut self, pane: &PaneKey) -> Vec<Waiting> {
        self.terminals.remove(pane);
        let wanted = |socket: &PathBuf| self.terminals.values().any(|other| other.server.socket == *socket);
        let unwanted: Vec<PathBuf> = self.servers.keys().filter(|socket| !wanted(socket)).cloned().collect();
        unwanted.iter().filter_map(|socket| self.servers.remove(socket)).flat_map(|server| server.waiting).collect()
    }
}

fn told(id: &str, thread: &Thread, changed: bool) -> ThreadTold {
    ThreadTold { thread: id.to_owned(), state: thread.state.clone(), changed, own: false }
}

impl Dispatch {
    /// Notes which panes a Codex reads in.
    pub(super) fn heed_codex(&mut self, life: Life, event: &Event) {
        match event {
            Event::Agent(seen) => self.codex_seen(life, seen),
            Event::PaneGone { pane, .. } => self.codex_ends(pane),
            _ => {}
        }
    }

    fn codex_seen(&mut self, life: Life, seen: &AgentSeen) {
        let Some(front) = seen.process.as_ref().filter(|_| seen.agent == AGENT) else {
            return self.codex_ends(&seen.pane);
        };
        let known = self.codex.terminals.get(&seen.pane);
        if known.is_some_and(|known| known.life == life && (known.by.pid, known.by.start) == (front.pid, front.born)) {
            return;
        }
        self.codex_ends(&seen.pane);
        if !self.is_here(&seen.pane.host) {
            return;
        }
        let line = line_of(front.pid);
        let same = line.first().is_some_and(|process| process.start == front.born);
        let Some(server) = codex_server_of(front.pid).filter(|_| same) else { return };
        let (agent, line) = (seen.agent.clone(), line.iter().map(|process| process.pid).collect());
        let by = Ancestor { agent, pid: front.pid, start: front.born, waits: true, line };
        for told in self.codex.begins(&seen.pane, Terminal { life, by, server }) {
            self.tell_collector(life, |handle| handle.thread(seen.pane.clone(), Box::new(told)));
        }
    }

    fn codex_ends(&mut self, pane: &PaneKey) {
        for waiting in self.codex.ends(pane) {
            self.let_go(waiting.connection);
        }
    }

    /// A server tells something.
    pub(super) fn codex_news(&mut self, socket: &Path, news: News) {
        match news {
            News::Thread(thread) => self.thread_does(socket, thread, false),
            News::Changed(id, state) => {
                let known = self.codex.servers.get(socket).and_then(|server| server.threads.get(&id)).cloned();
                if let Some(thread) = known {
                    self.thread_does(socket, Thread { state, ..thread }, true);
                }
            }
            News::Asks(id, key, request) => self.thread_asks(socket, &id, &key, &request),
            News::Settled(id, key) => self.settle(socket, |waiting| waiting.thread == id && waiting.key == key),
            News::Works => self.core.take(self.clock.now(), Input::Problem(SERVER.to_owned(), None)),
            News::Lost => self.server_is_gone(socket),
            News::Refused(why) => {
                self.server_is_gone(socket);
                let trouble = Trouble::from(match why {
                    Refusal::Old(version) if version.is_empty() => {
                        "it does not tell its version, so it is not used; the screen tells what Codex does".to_owned()
                    }
                    Refusal::Old(version) => format!(
                        "version {version} is older than 0.171, so it is not used; the screen tells what Codex does"
                    ),
                    Refusal::Broken(error) => format!("it can't be used: {error}; the screen tells what Codex does"),
                });
                self.core.take(self.clock.now(), Input::Problem(SERVER.to_owned(), Some(trouble)));
            }
        }
        self.act();
    }

    /// Tells the panes in whose folder it works what a conversation does.
    fn thread_does(&mut self, socket: &Path, thread: Thread, changed: bool) {
        let Some(server) = self.codex.servers.get_mut(socket) else { return };
        let asks = |thread: &Thread| thread.state.as_ref().is_some_and(|said| said.state.asks());
        let asked = server.threads.remove(&thread.id).is_some_and(|before| asks(&before));
        if thread.state.is_some() {
            server.threads.insert(thread.id.clone(), thread.clone());
        }
        let wishes = server.wishes.clone();
        let shown: Vec<_> = self.codex.of(socket, &thread.folder).map(|(pane, it)| (it.life, pane.clone())).collect();
        for (life, pane) in &shown {
            let told = Box::new(told(&thread.id, &thread, changed));
            self.tell_collector(*life, |handle| handle.thread(pane.clone(), told));
        }
        // A connection that is gone tells that itself.
        if asks(&thread) && !asked && !shown.is_empty() {
            let _ = wishes.send(Wish::Attend(thread.id));
        } else if asked && !asks(&thread) {
            let _ = wishes.send(Wish::Leave(thread.id.clone()));
            self.settle(socket, |waiting| waiting.thread == thread.id);
        }
    }

    /// Keeps a request waiting for each pane that may show its dialog; which one does the collector says.
    fn thread_asks(&mut self, socket: &Path, id: &str, key: &Value, request: &ServerRequest) {
        let Some(server) = self.codex.servers.get(socket) else { return };
        let again = server.waiting.iter().any(|waiting| waiting.thread == id && waiting.key == *key);
        let Some(folder) = server.threads.get(id).map(|thread| thread.folder.clone()).filter(|_| !again) else {
            return;
        };
        let wishes = server.wishes.clone();
        let panes: Vec<Ancestor> = self.codex.of(socket, &folder).map(|(_, terminal)| terminal.by.clone()).collect();
        for by in panes {
            self.codex.kept += 1;
            let connection = u64::MAX - self.codex.kept;
            let (to, answered) = oneshot::channel();
            let (ticket, peer) = (self.asking.ticket(to), peer(connection));
            let asks = Request::Await { request: request.request.clone(), again: false };
            let asked = Asked { ticket, peer, request: asks, origin: None, ancestor: Some(by) };
            tokio::spawn(hand_on(answered, wishes.clone(), key.clone(), request.clone()));
            self.core.ask(self.clock.now(), asked);
            if let Some(server) = self.codex.servers.get_mut(socket) {
                server.waiting.push(Waiting { thread: id.to_owned(), key: key.clone(), connection });
            }
        }
    }

    /// Requests that wait for nothing any more are let go.
    fn settle(&mut self, socket: &Path, is_over: impl Fn(&Waiting) -> bool) {
        let Some(server) = self.codex.servers.get_mut(socket) else { return };
        for waiting in server.waiting.extract_if(.., |waiting| is_over(waiting)).collect::<Vec<_>>() {
            self.let_go(waiting.connection);
        }
    }

    fn let_go(&mut self, connection: u64) {
        let ticket = self.asking.ticket(oneshot::channel().0);
        let (peer, request) = (peer(connection), Request::Bye);
        self.core.ask(self.clock.now(), Asked { ticket, peer, request, origin: None, ancestor: None });
    }

    fn server_is_gone(&mut self, socket: &Path) {
        self.settle(socket, |_| true);
        let Some(server) = self.codex.servers.get_mut(socket) else { return };
        for (_, thread) in std::mem::take(&mut server.threads) {
            self.thread_does(socket, Thread { state: None, ..thread }, true);
        }
    }
}

/// Gives the server the answer that was decided. One that can't be said so stays to be given by its key.
async fn hand_on(
    answered: oneshot::Receiver<Reply>,
    wishes: mpsc::UnboundedSender<Wish>,
    key: Value,
    request: ServerRequest,
) {
    if let Ok(Reply::Given { role, label }) = answered.await
        && let Some(result) = request.answer(role, &label)
    {
        // A connection that is gone tells that itself.
        let _ = wishes.send(Wish::Answer(key, result));
    }
}

/// The server, as one that asks. It is nobody who decides.
const fn peer(connection: u64) -> Peer {
    Peer { connection, who: String::new(), vouched: None, via: Via::Hook, pane: None, tmux_socket: None, pid: None }
}
