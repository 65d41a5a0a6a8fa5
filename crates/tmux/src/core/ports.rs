//! What goes into the heart of a collector, and what comes out of it.

use super::{Capture, Claiming, ClientId, Entry, Look, PipeId, ProbeError, Probed, Seen, Server};
use crate::Request;
use crate::proto::claim::Words;
use crate::proto::{Claimed, Token};
use std::sync::Arc;
use std::time::Instant;
use tmuxagent_model::{Owner, PaneKey, Timestamp};
use tmuxagent_policy::Policy;

/// The instant of an input.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Now {
    /// By the clock that only goes forward.
    pub at: Instant,
    /// By the wall clock.
    pub wall: Timestamp,
    /// The supervisor has room for pictures that are made only on demand.
    pub room: bool,
}

/// What happens.
#[derive(Debug)]
pub(crate) enum Input {
    /// The supervisor asks something.
    Asked(Box<Request>),
    /// The policy from now on.
    Policy(Arc<Policy>),
    /// Bytes of a control client.
    Said(ClientId, Vec<u8>),
    /// A client ended, or could not be started; what it said on standard error.
    Ended(ClientId, String),
    /// A job is done.
    Done(Done),
    /// Something of a pane's pipe.
    Piped(PipeId, Piped),
    /// Whether there is a keeper from now on.
    Kept(bool),
    /// The system was asked who reads ([`Output::Look`]).
    Looked(Box<Look>, Option<Box<Seen>>),
    /// Time has come (`HostCore::wake`).
    Tick,
}

/// What becomes of a pane's pipe.
#[derive(Debug)]
pub(crate) enum Piped {
    /// It was handed over.
    Opened,
    /// Output of the pane.
    Bytes(Vec<u8>),
    /// What comes next was read once the pane's process had lost its terminal: its last words, or another one's first.
    Orphaned,
    /// So many bytes were not read in time.
    Lost(u64),
    /// All that the pipe held when the mark was asked for has been given.
    Marked(u64),
    /// It ended.
    Ended,
}

/// What is to be done.
#[derive(Debug)]
pub(crate) enum Output {
    /// Start a control client.
    Spawn(ClientId, Vec<String>),
    /// Write to a client.
    Write(ClientId, Vec<u8>),
    /// End a client hard; one that has not begun is left to its own end.
    Kill(ClientId),
    /// A pipe of a pane, with that process in it, comes with this word.
    Await(PipeId, PaneKey, String),
    /// The keeper comes with this word.
    AwaitKeeper(String),
    /// Give what the pipe holds, then [`Piped::Marked`] with this number.
    Mark(PipeId, u64),
    /// The pipe is not wanted any more.
    Close(PipeId),
    /// Ask the system of the host who reads in a pane; [`Input::Looked`] answers.
    Look(Box<Look>),
    /// Do this beside everything else.
    Job(Job),
    /// A test may want the process to die here.
    Place(&'static str),
}

/// What takes a process of its own.
#[derive(Debug)]
pub(crate) enum Job {
    /// Find the server, claim it, see whether it is quiet.
    Probe {
        /// The server that was observed until now.
        known: Option<Server>,
        /// What is known of its claim.
        claim: Box<Claiming>,
    },
    /// List all panes.
    List,
    /// Capture panes.
    Capture(Vec<PaneKey>),
    /// Look at the claim, or try to take it.
    Claim(Words, Option<Token>),
    /// Find out whether the process of an owner on this machine lives.
    Look(Box<Owner>, Box<Claimed>, Option<Token>),
    /// End the shared connection.
    HangUp(Vec<String>),
}

/// How a job ended.
#[derive(Debug)]
pub(crate) enum Done {
    Probed(Box<Result<Probed, ProbeError>>),
    Listed(Box<Result<Vec<Entry>, ProbeError>>),
    Captured(Result<Vec<(PaneKey, Capture)>, ProbeError>),
    Claimed(Option<Box<Claimed>>, Option<Token>),
    Looked { alive: bool, read: Box<Claimed>, attempt: Option<Token> },
    HungUp,
}
