//! The supervisor's side of the keeper: it is started with the first pipe, told of each, and asked whether it read.

use super::frame::{Frame, Next, receive, send};
use crate::core::PipeId;
use std::collections::{BTreeMap, HashMap};
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tmuxagent_model::PaneId;

/// How long the keeper may take to say what it took.
const ANSWER: Duration = Duration::from_secs(2);
/// How soon a keeper that ended is followed by the next.
const AGAIN: Duration = Duration::from_secs(1);

/// See the module.
pub(super) struct Keeping {
    program: PathBuf,
    /// How tmux is called.
    tmux: Vec<String>,
    keeper: Option<(Child, UnixStream)>,
    /// The pane of each pipe.
    panes: HashMap<PipeId, PaneId>,
    started: Option<Instant>,
}

impl Keeping {
    pub fn new(program: PathBuf, tmux: Vec<String>) -> Self {
        Self { program, tmux, keeper: None, panes: HashMap::new(), started: None }
    }

    /// What the keeper says comes here.
    pub fn socket(&self) -> Option<BorrowedFd<'_>> {
        self.keeper.as_ref().map(|(_, socket)| socket.as_fd())
    }

    /// A pipe is read from now on.
    pub fn add(&mut self, pipe: PipeId, pane: PaneId, descriptor: BorrowedFd<'_>) {
        self.panes.insert(pipe, pane);
        if self.keeper.is_none() {
            self.start();
        }
        self.say(Frame::Add { pipe: pipe.0, pane: pane.0 }, Some(descriptor));
    }

    /// A pipe is not read any more.
    pub fn remove(&mut self, pipe: PipeId) {
        self.panes.remove(&pipe);
        self.say(Frame::Remove { pipe: pipe.0 }, None);
    }

    /// Hears what the keeper says: whether it read, and how much from which pipe. What it says comes before what it does,
    /// so that what was read until now has no break in it but those.
    pub fn taken(&mut self, pipes: &BTreeMap<PipeId, OwnedFd>) -> Vec<(PipeId, u64)> {
        loop {
            let Some((_, socket)) = &self.keeper else {
                if !pipes.is_empty() && self.started.is_none_or(|at| at.elapsed() >= AGAIN) {
                    self.start_over(pipes);
                }
                return Vec::new();
            };
            match receive(socket) {
                Next::Nothing => return Vec::new(),
                Next::Frame(Frame::Ping, _) => self.say(Frame::Pong, None),
                Next::Frame(Frame::TookOver, _) => return self.take_back(pipes),
                Next::Frame(..) => {}
                Next::Gone => self.end(),
            }
        }
    }

    /// Asks for what was taken; a keeper that does not answer may have taken something of each.
    fn take_back(&mut self, pipes: &BTreeMap<PipeId, OwnedFd>) -> Vec<(PipeId, u64)> {
        self.say(Frame::Back, None);
        let mut lost = Vec::new();
        let deadline = Instant::now() + ANSWER;
        while let Some((_, socket)) = &self.keeper {
            match receive(socket) {
                Next::Frame(Frame::Took { pipe, bytes }, _) => lost.push((PipeId(pipe), bytes)),
                Next::Frame(Frame::Yours, _) => return lost,
                Next::Frame(..) => {}
                Next::Nothing if Instant::now() < deadline => std::thread::sleep(Duration::from_millis(1)),
                Next::Nothing | Next::Gone => self.end(),
            }
        }
        self.start_over(pipes);
        pipes.keys().map(|&pipe| (pipe, 0)).collect()
    }

    fn start_over(&mut self, pipes: &BTreeMap<PipeId, OwnedFd>) {
        self.start();
        for (pipe, descriptor) in pipes {
            if let Some(pane) = self.panes.get(pipe) {
                self.say(Frame::Add { pipe: pipe.0, pane: pane.0 }, Some(descriptor.as_fd()));
            }
        }
    }

    fn start(&mut self) {
        self.started = Some(Instant::now());
        let program = if self.program.exists() { self.program.clone() } else { "/proc/self/exe".into() };
        let started = UnixStream::pair().and_then(|(ours, theirs)| {
            let mut command = Command::new(program);
            command.arg(super::handover::KEEPER).args(&self.tmux).env_remove("TMUX").env_remove("TMUX_PANE");
            command.stdin(OwnedFd::from(theirs)).stdout(Stdio::null()).stderr(Stdio::null());
            Ok((command.spawn()?, ours))
        });
        match started {
            Ok(keeper) => self.keeper = Some(keeper),
            Err(error) => tracing::warn!(%error, "nobody reads the pipes while this process stands still"),
        }
    }

    /// Says something; a keeper that does not listen is ended, and another one follows.
    fn say(&mut self, frame: Frame, descriptor: Option<BorrowedFd<'_>>) {
        if let Some((_, socket)) = &self.keeper
            && send(socket, frame, descriptor).is_err()
        {
            self.end();
        }
    }

    fn end(&mut self) {
        if let Some((mut child, socket)) = self.keeper.take() {
            drop(socket);
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Drop for Keeping {
    fn drop(&mut self) {
        if let Some((mut child, socket)) = self.keeper.take() {
            // It ends by itself; what it still has to close it closes.
            drop(socket);
            let _ = child.wait();
        }
    }
}
