//! The keeper: a small process, which runs in the session of our own on the tmux server, and holds a second descriptor of every pipe, and reads them while the
//! supervisor does not.
//!
//! tmux keeps in its memory what nobody reads from a pipe, without bound. So whenever something lies in a pipe the keeper
//! asks the supervisor, and where no answer comes (it is stopped, it is stuck, the machine sleeps over it) it reads, throws
//! away and counts; the supervisor asks for the counts before it goes on, and reads the panes' history over the break. What
//! tmux has to keep meanwhile is what a pane prints in [`LOOK`] and [`ANSWER`] together.
//!
//! When the supervisor dies, however that comes, the keeper closes the pipes and ends: no pipe is left that nobody reads,
//! and no session of ours.

use super::frame::{Frame, Next, receive, send};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// How often it looks whether something lies in a pipe.
const LOOK: Duration = Duration::from_millis(500);
/// How long an answer may take.
const ANSWER: Duration = Duration::from_millis(700);
/// How long tmux may take to close a pipe, and all of them.
const CLOSE: Duration = Duration::from_secs(2);
const CLOSE_ALL: Duration = Duration::from_secs(30);

/// A pipe that is kept.
struct Kept {
    descriptor: OwnedFd,
    pane: u32,
    taken: u64,
    ended: bool,
}

/// What the keeper does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// The supervisor reads; looked at this instant.
    Watches(Instant),
    /// It was asked at this instant.
    Asks(Instant),
    /// It does not read, we do.
    Reads,
}

struct Keeper<'s> {
    socket: BorrowedFd<'s>,
    pipes: BTreeMap<u64, Kept>,
    state: State,
}

/// Keeps pipes until the supervisor, at the other end of the socket, is gone. `tmux` is how its server is called.
pub(super) fn keep(socket: &UnixStream, tmux: &[OsString]) {
    let mut keeper = Keeper { socket: socket.as_fd(), pipes: BTreeMap::new(), state: State::Watches(Instant::now()) };
    while keeper.turn() {}
    keeper.close_all(tmux);
}

impl Keeper<'_> {
    /// Waits for what comes next and does it; false once the supervisor is gone.
    fn turn(&mut self) -> bool {
        let now = Instant::now();
        let wait = match self.state {
            State::Watches(since) => Some((since + LOOK).saturating_duration_since(now)),
            State::Asks(since) => Some((since + ANSWER).saturating_duration_since(now)),
            State::Reads => None,
        };
        // Without pipes there is nothing to look for.
        let wait = wait.filter(|_| !self.pipes.is_empty());
        let mut watched = vec![PollFd::from_borrowed_fd(self.socket, PollFlags::IN)];
        if self.state == State::Reads {
            let open = self.pipes.values().filter(|kept| !kept.ended);
            watched.extend(open.map(|kept| PollFd::new(&kept.descriptor, PollFlags::IN)));
        }
        let polled = poll(&mut watched, wait.map(timespec).as_ref());
        let said = watched.first().is_some_and(|socket| !socket.revents().is_empty());
        drop(watched);
        if polled.is_ok() && said && !self.listen() {
            return false;
        }
        match self.state {
            State::Reads => self.take(),
            State::Watches(since) if since.elapsed() >= LOOK => {
                self.state = State::Watches(Instant::now());
                if self.something_lies_there() {
                    if send(self.socket, Frame::Ping, None).is_err() {
                        return false;
                    }
                    self.state = State::Asks(Instant::now());
                }
            }
            State::Asks(since) if since.elapsed() >= ANSWER => {
                // Said before the first byte is taken, so that the supervisor knows whatever it reads later for what
                // stands behind a break. Where it can't be said, since the socket is full, nothing is taken.
                if send(self.socket, Frame::TookOver, None).is_ok() {
                    self.state = State::Reads;
                }
            }
            State::Watches(_) | State::Asks(_) => {}
        }
        true
    }

    /// Hears what the supervisor says; false once it is gone.
    fn listen(&mut self) -> bool {
        loop {
            match receive(self.socket) {
                Next::Nothing => return true,
                Next::Gone => return false,
                Next::Frame(Frame::Add { pipe, pane }, Some(descriptor)) => {
                    self.pipes.insert(pipe, Kept { descriptor, pane, taken: 0, ended: false });
                }
                Next::Frame(Frame::Remove { pipe }, _) => drop(self.pipes.remove(&pipe)),
                Next::Frame(Frame::Pong, _) => {
                    if matches!(self.state, State::Asks(_)) {
                        self.state = State::Watches(Instant::now());
                    }
                }
                Next::Frame(Frame::Back, _) => {
                    for (&pipe, kept) in self.pipes.iter_mut().filter(|(_, kept)| kept.taken > 0) {
                        let bytes = std::mem::take(&mut kept.taken);
                        let _ = send(self.socket, Frame::Took { pipe, bytes }, None);
                    }
                    let _ = send(self.socket, Frame::Yours, None);
                    self.state = State::Watches(Instant::now());
                }
                Next::Frame(..) => {}
            }
        }
    }

    fn something_lies_there(&self) -> bool {
        let mut watched: Vec<PollFd<'_>> =
            self.pipes.values().map(|kept| PollFd::new(&kept.descriptor, PollFlags::IN)).collect();
        let polled = poll(&mut watched, Some(&timespec(Duration::ZERO)));
        polled.is_ok() && watched.iter().any(|fd| fd.revents().contains(PollFlags::IN))
    }

    /// Takes what lies in the pipes.
    fn take(&mut self) {
        let mut buffer = vec![0; 256 * 1024];
        for kept in self.pipes.values_mut().filter(|kept| !kept.ended) {
            match rustix::io::read(&kept.descriptor, &mut buffer) {
                Ok(0) => kept.ended = true,
                Ok(bytes) => kept.taken += bytes as u64,
                Err(_) => {}
            }
        }
    }

    /// Closes the pipes that are still ours: an idle pane would keep one that ends only when it prints.
    fn close_all(&self, tmux: &[OsString]) {
        let Some((program, arguments)) = tmux.split_first() else { return };
        let last = Instant::now() + CLOSE_ALL;
        for kept in self.pipes.values() {
            let mut ended = [PollFd::new(&kept.descriptor, PollFlags::IN)];
            let polled = poll(&mut ended, Some(&timespec(Duration::ZERO)));
            let deadline = (Instant::now() + CLOSE).min(last);
            if polled.is_err() || ended[0].revents().contains(PollFlags::HUP) || Instant::now() >= deadline {
                continue;
            }
            let mut command = Command::new(program);
            command.args(arguments).args(["pipe-pane", "-t", &format!("%{}", kept.pane)]);
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            let Ok(mut child) = command.spawn() else { return };
            while matches!(child.try_wait(), Ok(None)) {
                if Instant::now() > deadline {
                    let _ = child.kill();
                    let _ = child.wait();
                    return;
                }
                std::thread::sleep(Duration::from_millis(1));
            }
        }
    }
}

/// A duration as `poll` takes it.
pub(super) fn timespec(duration: Duration) -> Timespec {
    Timespec {
        tv_sec: i64::try_from(duration.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: i64::from(duration.subsec_nanos()),
    }
}
