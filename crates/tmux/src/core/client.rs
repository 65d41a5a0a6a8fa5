//! One control client: the requests whose replies are awaited, in the order in which it was asked.
//!
//! **Invariants:** a client is never killed before its first `%begin` (that can crash the server before tmux 3.7), and
//! nothing written to it is an empty line (that detaches it).

use crate::Transport;
use crate::proto::{Block, Ended, Nonce, Parser, Reply};
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// The longest reply, bytes: a hundred thousand long lines of history are shorter. A server that says more does not stop.
const LONGEST: usize = 48 * 1024 * 1024;
/// What a row or block takes beside its text, bytes.
const OVERHEAD: usize = 32;

/// The number of a control client within this process's observation of a host; never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ClientId(pub u64);

/// A running control client, seen from the collector. `P` says what a request is for.
#[derive(Debug)]
pub(super) struct Client<P> {
    /// Taken while it reads.
    pub parser: Option<Parser>,
    nonce: Nonce,
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
    /// A client whose process is started with `words`.
    pub fn new(words: &[String], nonce: Nonce, now: Instant) -> Self {
        Self {
            parser: Some(Parser::new(nonce.clone()).behind(Transport::greeting(words))),
            nonce,
            begun: false,
            next: 0,
            pending: VecDeque::new(),
            reply: Reply::default(),
            size: 0,
            block: None,
            complete: false,
            heard: now,
        }
    }

    /// The bytes that ask for a command line; its reply is given back with `purpose`.
    pub fn request(&mut self, line: &str, purpose: P, now: Instant) -> Vec<u8> {
        self.next += 1;
        let end = Parser::end_mark(&self.nonce, self.next);
        self.pending.push_back(Pending { number: self.next, purpose, asked: now });
        // One write for both lines, so that nothing comes between them.
        format!("{line}\ndisplay-message -p \"{end}\"\n").into_bytes()
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

    /// Whether it has said anything yet: one that has not must not be killed.
    pub const fn has_begun(&self) -> bool {
        self.begun
    }
}
