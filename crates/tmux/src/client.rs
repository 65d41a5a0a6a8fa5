//! One control client: its process, the task that drains it, and the requests whose replies are awaited.
//!
//! **Invariants:** the draining task does nothing but read and hand on. A client is never killed before its first
//! `%begin` (that can crash the server before tmux 3.7), and nothing written to it is an empty line (that detaches it).

use super::Transport;
use super::fork;
use super::host::Arrival;
use super::proto::{Block, Ended, Nonce, Parser, Reply};
use std::collections::VecDeque;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::Child;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

/// How much one read takes at most, bytes.
const CHUNK: usize = 64 * 1024;
/// How many chunks may lie between the draining task and the collector.
pub(super) const CHUNKS: usize = 64;
/// The longest reply, bytes: a hundred thousand long lines of history are shorter. A server that says more does not stop.
const LONGEST: usize = 48 * 1024 * 1024;
/// What a row or block takes beside its text, bytes.
const OVERHEAD: usize = 32;
/// How long a client may take to leave by itself once its input is closed.
const LEAVE: Duration = Duration::from_secs(2);

/// The number of a control client within this process's observation of a host; never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct ClientId(pub u64);

/// What comes from the processes of a host.
#[derive(Debug)]
pub(super) enum FromClient {
    /// Bytes of a client.
    Bytes(ClientId, Vec<u8>),
    /// A client ended; what it said on standard error.
    Ended(ClientId, String),
}

/// A running control client, seen from the collector. `P` says what a request is for.
#[derive(Debug)]
pub(super) struct Client<P> {
    /// Taken while it reads.
    pub parser: Option<Parser>,
    nonce: Nonce,
    input: mpsc::UnboundedSender<Vec<u8>>,
    kill: Option<oneshot::Sender<()>>,
    begun: bool,
    next: u64,
    pending: VecDeque<Pending<P>>,
    reply: Reply,
    /// What the reply takes so far, bytes.
    size: usize,
    block: Option<Vec<Vec<u8>>>,
    complete: bool,
    /// When it last said anything.
    pub heard: Instant,
}

#[derive(Debug)]
struct Pending<P> {
    number: u64,
    purpose: P,
    asked: Instant,
}

impl<P> Client<P> {
    /// Starts the process `words` and its draining task, which reports to `out`.
    ///
    /// # Errors
    /// When the process can't be started.
    pub fn spawn(id: ClientId, words: &[String], nonce: Nonce, out: mpsc::Sender<Arrival>) -> std::io::Result<Self> {
        let mut command = fork::command(words).ok_or(std::io::ErrorKind::InvalidInput)?;
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn()?;
        let (input, lines) = mpsc::unbounded_channel();
        let (kill, killed) = oneshot::channel();
        if let Some(stdin) = child.stdin.take() {
            tokio::spawn(write(stdin, lines));
        }
        tokio::spawn(drain(id, child, out, killed));
        Ok(Self {
            parser: Some(Parser::new(nonce.clone()).behind(Transport::greeting(words))),
            nonce,
            input,
            kill: Some(kill),
            begun: false,
            next: 0,
            pending: VecDeque::new(),
            reply: Reply::default(),
            size: 0,
            block: None,
            complete: false,
            heard: Instant::now(),
        })
    }

    /// Sends a command line; its reply is given back with `purpose`.
    pub fn request(&mut self, line: &str, purpose: P) {
        self.next += 1;
        let end = Parser::end_mark(&self.nonce, self.next);
        // One write for both lines, so that nothing comes between them.
        let text = format!("{line}\ndisplay-message -p \"{end}\"\n");
        self.pending.push_back(Pending { number: self.next, purpose, asked: Instant::now() });
        // A closed channel means that the client ends; its end settles what is pending.
        let _ = self.input.send(text.into_bytes());
    }

    /// Whether a request has waited for its reply, and the client has been silent, for longer than `limit`.
    pub fn is_stuck(&self, now: Instant, limit: Duration) -> bool {
        now.duration_since(self.heard) > limit
            && self.pending.front().is_some_and(|first| now.duration_since(first.asked) > limit)
    }

    /// A block began.
    pub fn begin(&mut self) {
        self.begun = true;
        self.size += OVERHEAD;
        self.block = Some(Vec::new());
        self.complete = false;
    }

    /// A row of the open block.
    pub fn row(&mut self, row: &[u8]) {
        let Some(first) = self.pending.front() else { return };
        if row == Parser::end_mark(&self.nonce, first.number).as_bytes() {
            self.complete = true;
        } else if let Some(block) = self.block.as_mut().filter(|_| self.size <= LONGEST) {
            self.size += row.len() + OVERHEAD;
            block.push(row.to_vec());
        }
    }

    /// The open block ended; gives the reply that it completes.
    pub fn end(&mut self, ended: Ended) -> Option<(P, Reply)> {
        let rows = self.block.take().unwrap_or_default();
        if self.complete {
            self.complete = false;
            self.size = 0;
            let reply = std::mem::take(&mut self.reply);
            return self.pending.pop_front().map(|first| (first.purpose, reply));
        }
        // Blocks that nobody asked for: attaching itself, key tables of modes.
        if self.pending.is_empty() {
            self.size = 0;
        } else if self.size <= LONGEST {
            self.reply.blocks.push(Block { rows, ended });
        }
        None
    }

    /// Whether the reply under way is longer than any can be.
    pub const fn is_endless(&self) -> bool {
        self.size > LONGEST
    }

    /// What was asked and will not be answered any more.
    pub fn abandon(&mut self) -> Vec<P> {
        self.pending.drain(..).map(|pending| pending.purpose).collect()
    }

    /// Ends the process hard, unless it has not begun: then it is left to its own end.
    pub fn kill(&mut self) {
        if self.begun
            && let Some(kill) = self.kill.take()
        {
            let _ = kill.send(());
        }
    }
}

/// Writes what is asked; closes the input, which ends the client, once nobody asks any more.
async fn write(mut stdin: tokio::process::ChildStdin, mut lines: mpsc::UnboundedReceiver<Vec<u8>>) {
    while let Some(text) = lines.recv().await {
        if stdin.write_all(&text).await.is_err() {
            return;
        }
    }
}

/// Reads the client to its end.
async fn drain(id: ClientId, mut child: Child, out: mpsc::Sender<Arrival>, mut kill: oneshot::Receiver<()>) {
    let (Some(mut stdout), Some(mut stderr)) = (child.stdout.take(), child.stderr.take()) else { return };
    let errors = tokio::spawn(async move {
        let mut text = Vec::new();
        let _ = (&mut stderr).take(4096).read_to_end(&mut text).await;
        // Whatever more it says is drained and dropped.
        let _ = tokio::io::copy(&mut stderr, &mut tokio::io::sink()).await;
        text
    });
    let mut may_kill = true;
    loop {
        let mut bytes = Vec::with_capacity(CHUNK);
        let read = tokio::select! {
            read = stdout.read_buf(&mut bytes) => read,
            killed = &mut kill, if may_kill => {
                may_kill = false;
                if killed.is_ok() {
                    let _ = child.start_kill();
                }
                continue;
            }
        };
        if !matches!(read, Ok(1..)) || out.send(Arrival::Client(FromClient::Bytes(id, bytes))).await.is_err() {
            break;
        }
    }
    if tokio::time::timeout(LEAVE, child.wait()).await.is_err() {
        let _ = child.start_kill();
        let _ = child.wait().await;
    }
    let text = errors.await.unwrap_or_default();
    let said = String::from_utf8_lossy(&text).trim().to_owned();
    let _ = out.send(Arrival::Client(FromClient::Ended(id, said))).await;
}
