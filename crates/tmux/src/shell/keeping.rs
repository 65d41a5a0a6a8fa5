//! The supervisor's side of the keeper: it is told of each pipe, and asked whether it read.

use super::drain::Open;
use super::frame::{Frame, Next, receive, send};
use crate::core::PipeId;
use std::collections::{BTreeMap, HashMap};
use std::os::fd::{AsFd as _, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};
use tmuxagent_model::PaneId;

/// How long the keeper may take to say what it took.
const ANSWER: Duration = Duration::from_secs(2);

/// See the module.
#[derive(Default)]
pub(super) struct Keeping {
    keeper: Option<UnixStream>,
    /// The pane of each pipe.
    panes: HashMap<PipeId, PaneId>,
}

impl Keeping {
    /// What the keeper says comes here.
    pub fn socket(&self) -> Option<BorrowedFd<'_>> {
        self.keeper.as_ref().map(|socket| socket.as_fd())
    }

    /// A keeper has come: it is told of all pipes.
    pub fn begin(&mut self, socket: UnixStream, pipes: &BTreeMap<PipeId, Open>) {
        self.keeper = Some(socket);
        for (pipe, Open { descriptor, .. }) in pipes {
            if let Some(pane) = self.panes.get(pipe) {
                self.say(Frame::Add { pipe: pipe.0, pane: pane.0 }, Some(descriptor.as_fd()));
            }
        }
    }

    /// A pipe is read from now on.
    pub fn add(&mut self, pipe: PipeId, pane: PaneId, descriptor: BorrowedFd<'_>) {
        self.panes.insert(pipe, pane);
        self.say(Frame::Add { pipe: pipe.0, pane: pane.0 }, Some(descriptor));
    }

    /// A pipe is not read any more.
    pub fn remove(&mut self, pipe: PipeId) {
        self.panes.remove(&pipe);
        self.say(Frame::Remove { pipe: pipe.0 }, None);
    }

    /// Hears what the keeper says: whether it read, and how much from which pipe. What it says comes before what it does,
    /// so that what was read until now has no break in it but those.
    pub fn taken(&mut self, pipes: &BTreeMap<PipeId, Open>) -> Vec<(PipeId, u64)> {
        while let Some(socket) = &self.keeper {
            match receive(socket) {
                Next::Nothing => break,
                Next::Frame(Frame::Ping, _) => self.say(Frame::Pong, None),
                Next::Frame(Frame::TookOver, _) => return self.take_back(pipes),
                Next::Frame(..) => {}
                // Its session was ended; the next has another.
                Next::Gone => self.keeper = None,
            }
        }
        Vec::new()
    }

    /// Asks for what was taken; a keeper that does not answer may have taken something of each.
    fn take_back(&mut self, pipes: &BTreeMap<PipeId, Open>) -> Vec<(PipeId, u64)> {
        self.say(Frame::Back, None);
        let mut lost = Vec::new();
        let deadline = Instant::now() + ANSWER;
        while let Some(socket) = &self.keeper {
            match receive(socket) {
                Next::Frame(Frame::Took { pipe, bytes }, _) => lost.push((PipeId(pipe), bytes)),
                Next::Frame(Frame::Yours, _) => return lost,
                Next::Frame(..) => {}
                Next::Nothing if Instant::now() < deadline => std::thread::sleep(Duration::from_millis(1)),
                Next::Nothing | Next::Gone => self.keeper = None,
            }
        }
        pipes.keys().map(|&pipe| (pipe, 0)).collect()
    }

    /// Says something; a keeper that does not listen is none.
    fn say(&mut self, frame: Frame, descriptor: Option<BorrowedFd<'_>>) {
        if let Some(socket) = &self.keeper
            && send(socket, frame, descriptor).is_err()
        {
            self.keeper = None;
        }
    }
}
