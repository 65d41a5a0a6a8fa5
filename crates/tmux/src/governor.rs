//! Moves a flooding pane from the stream to a pipe of ours (`pipe-pane`), and back, without losing or doubling a byte.
//!
//! Before tmux 3.7 a control client slows a flooding pane down to a third of its speed; a pipe does not.
//!
//! **There**: `pipe-pane` is asked for. Its reply stands at an exact place of the stream: what came before is read from
//! the stream, what comes after is in the pipe. Stream bytes after it are kept until the pipe has proved to work (its
//! command writes one byte first), then dropped, and the pane's stream is paused.
//!
//! **Back**, once the pipe has been silent for a while: the stream is continued. From then on the same bytes come both
//! ways; the pipe's are read, the stream's kept. When both have been silent, both stand at the same place: the stream's
//! are dropped and the pipe is closed. Bytes that come in just that moment are held until the pipe has ended; what the
//! pipe brought late is read first, less what the stream brings again.
//!
//! Where a step fails the pane is back on the stream, and what is missing is read from its history or told as a gap.
//! A user's own pipe is never touched. Limit: while a pane is piped, up to some hundred kilobytes that it printed before
//! keys were typed may be read after the outcome of that send.

use super::client::ClientId;
use super::history::{self, Past};
use super::host::{Arrival, Host, Purpose};
use super::pane::Feed;
use super::pipe::{self, PipeId, PipeSays, close_line, only_in_pipe, open_line, piped_mark};
use super::proto::Reply;
use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Duration;
use tmuxagent_model::PaneId;
use tokio::time::Instant;

/// How long the bytes of a flood ([`super::HostSpec::flood`]) may take.
const FLOOD_TIME: Duration = Duration::from_millis(600);
/// After this long without a byte a piped pane goes back to the stream.
const CALM: Duration = Duration::from_millis(1500);
/// How long both ways must be silent to be in step.
const STEP: Duration = Duration::from_millis(300);
/// How much of the stream is kept during a move, bytes.
const KEPT: usize = 8 * 1024 * 1024;
/// How much may come during the way back before it is a flood again, bytes.
const AGAIN: usize = 256 * 1024;
/// How long a pane stays on the stream after it could not be moved.
const REFUSED: Duration = Duration::from_secs(10);
/// How long a step may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// What becomes of stream bytes of a piped pane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stream {
    /// They were kept or dropped.
    Kept,
    /// They are to be read.
    Read,
}

/// The pipes of a host.
#[derive(Debug)]
pub(super) struct Governor {
    scratch: Option<PathBuf>,
    next: u64,
    pipes: HashMap<PaneId, Pipe>,
    /// Panes that are not to be piped before an instant: they have a pipe of the user's, or moving them failed.
    refused: HashMap<PaneId, Instant>,
}

#[derive(Debug)]
struct Pipe {
    id: PipeId,
    client: ClientId,
    path: PathBuf,
    task: tokio::task::AbortHandle,
    step: Step,
    opened: bool,
    /// Bytes of the stream that may have to be read.
    kept: Vec<u8>,
    /// Bytes of the pipe that may have to be read, or, on the way back, the last that were.
    piped: Vec<u8>,
    /// When a byte last came either way, or the step began.
    moved: Instant,
    began: Instant,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// `pipe-pane` was asked for; the stream is read.
    Asked,
    /// It was done, and the pipe has not proved to work; both are kept.
    Placed,
    /// The pipe is read, and the stream's pause is not confirmed.
    Pausing,
    /// The pipe is read.
    Running,
    /// The stream's continuation was asked for; it is kept, the pipe is read.
    Continuing,
    /// The stream goes on; it is kept, the pipe is read.
    Returning,
    /// The pipe's close was asked for; both are kept.
    Closing,
    /// It was closed; what it still holds is awaited.
    Draining,
}

impl Drop for Pipe {
    fn drop(&mut self) {
        self.task.abort();
        let _ = std::fs::remove_file(&self.path);
    }
}

impl Governor {
    pub fn new(scratch: Option<PathBuf>) -> Self {
        Self { scratch, next: 0, pipes: HashMap::new(), refused: HashMap::new() }
    }

    /// Every pane is gone.
    pub fn forget(&mut self) {
        self.pipes.clear();
        self.refused.clear();
    }

    fn refuse(&mut self, pane: PaneId) {
        self.refused.insert(pane, Instant::now() + REFUSED);
    }

    /// Takes stream bytes of a piped pane.
    pub fn stream(&mut self, pane: PaneId, bytes: &[u8]) -> Stream {
        let Some(pipe) = self.pipes.get_mut(&pane) else { return Stream::Read };
        match pipe.step {
            Step::Asked => Stream::Read,
            Step::Pausing | Step::Running => Stream::Kept,
            Step::Placed | Step::Continuing | Step::Returning | Step::Closing | Step::Draining => {
                pipe.kept.extend_from_slice(bytes);
                pipe.moved = Instant::now();
                Stream::Kept
            }
        }
    }
}

impl Host {
    /// A pane is not read any more, or its client is lost: its pipe is given up.
    pub fn unpipe(&mut self, id: PaneId) {
        let Some(pipe) = self.governor.pipes.remove(&id) else { return };
        let client = pipe.client;
        if let Some(attached) = self.clients.get_mut(&client) {
            attached.client.request(&close_line(id), Purpose::Nothing);
            if !matches!(pipe.step, Step::Asked | Step::Placed) {
                // Whoever reads it next has to continue the stream.
                attached.paused.insert(id);
            }
        }
    }

    /// Looks whether a pane floods; asks for a pipe if it does and can have one.
    pub fn watch_flood(&mut self, id: PaneId) {
        let Some(pane) = self.panes.get_mut(&id) else { return };
        let (bytes, since) = pane.window;
        if bytes < self.spec.flood {
            return;
        }
        pane.window = (0, Some(self.now));
        let quick = since.is_some_and(|since| self.now.duration_since(since) <= FLOOD_TIME);
        let full = self.server.as_ref().is_some_and(|server| server.version.is_full());
        let Some(client) = pane.client.filter(|_| quick && full && pane.feed == Feed::Stream) else { return };
        if self.governor.pipes.contains_key(&id)
            || self.governor.refused.get(&id).is_some_and(|until| *until > self.now)
        {
            return;
        }
        let Some(scratch) = self.governor.scratch.clone() else { return };
        self.governor.next += 1;
        let pipe = PipeId(self.governor.next);
        let path = scratch.join(format!("pipe-{}-{}-{}", std::process::id(), self.nonce.as_str(), pipe.0));
        let Ok(receiver) = pipe::open(&path) else {
            self.governor.refuse(id);
            return;
        };
        let task = tokio::spawn(pipe::drain(receiver, id, pipe, self.arrivals.clone())).abort_handle();
        let now = Instant::now();
        self.governor.pipes.insert(
            id,
            Pipe {
                id: pipe,
                client,
                path: path.clone(),
                task,
                step: Step::Asked,
                opened: false,
                kept: Vec::new(),
                piped: Vec::new(),
                moved: now,
                began: now,
            },
        );
        let line = open_line(&self.nonce, id, &path);
        self.request(client, &line, Purpose::Move(id, pipe));
        self.wake_at(now + PATIENCE);
    }

    /// The reply to a step arrived.
    pub fn moved(&mut self, id: PaneId, pipe: PipeId, reply: &Reply) {
        let nonce = self.nonce.clone();
        let Some(moving) = self.governor.pipes.get_mut(&id).filter(|moving| moving.id == pipe) else { return };
        moving.moved = Instant::now();
        match moving.step {
            Step::Asked => {
                let mark = piped_mark(&nonce);
                if !reply.rows().any(|row| row == mark.as_bytes()) {
                    self.governor.pipes.remove(&id);
                    self.governor.refuse(id);
                    return;
                }
                moving.step = Step::Placed;
                if let Some(pane) = self.panes.get_mut(&id) {
                    pane.feed = Feed::Piped;
                }
                self.use_pipe(id);
            }
            Step::Pausing => moving.step = Step::Running,
            Step::Continuing => moving.step = Step::Returning,
            Step::Closing => {
                moving.step = Step::Draining;
                if !moving.opened {
                    self.back_on_stream(id);
                }
            }
            Step::Placed | Step::Running | Step::Returning | Step::Draining => {}
        }
        self.wake_at(Instant::now() + STEP);
    }

    /// Reads from the pipe from now on, if it is placed and works.
    fn use_pipe(&mut self, id: PaneId) {
        let Some(pipe) = self.governor.pipes.get_mut(&id) else { return };
        if pipe.step != Step::Placed || !pipe.opened {
            return;
        }
        pipe.step = Step::Pausing;
        // The same bytes come through the pipe.
        pipe.kept = Vec::new();
        let bytes = std::mem::take(&mut pipe.piped);
        let (client, number) = (pipe.client, pipe.id);
        self.read_pane(id, &bytes);
        self.request(client, &format!("refresh-client -A '{id}:pause'"), Purpose::Move(id, number));
    }

    fn read_pane(&mut self, id: PaneId, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        let now = self.clock.now();
        if let Some(pane) = self.panes.get_mut(&id) {
            pane.read(bytes, now, &mut self.outlet);
            self.flowed(id);
        }
    }

    /// A pipe's task said something.
    pub fn pipe_said(&mut self, id: PaneId, pipe: PipeId, says: PipeSays) {
        if let PipeSays::Outcome(ending) = says {
            self.outlet.put(super::HostMessage::Ended(*ending));
            return;
        }
        let Some(moving) = self.governor.pipes.get_mut(&id).filter(|moving| moving.id == pipe) else { return };
        match says {
            PipeSays::Opened => {
                moving.opened = true;
                self.use_pipe(id);
            }
            PipeSays::Bytes(bytes) => {
                moving.moved = self.now;
                match moving.step {
                    Step::Asked | Step::Placed | Step::Closing | Step::Draining => {
                        moving.piped.extend_from_slice(&bytes);
                    }
                    Step::Pausing | Step::Running => self.read_pane(id, &bytes),
                    Step::Continuing | Step::Returning => {
                        moving.piped.extend_from_slice(&bytes);
                        self.read_pane(id, &bytes);
                    }
                }
            }
            PipeSays::Closed => self.pipe_closed(id),
            PipeSays::Outcome(_) => {}
        }
    }

    /// A pipe ended, as we asked or by itself.
    fn pipe_closed(&mut self, id: PaneId) {
        let Some(pipe) = self.governor.pipes.get_mut(&id) else { return };
        pipe.opened = false;
        match pipe.step {
            // The reply to the close is still to come; it says where the stream stands.
            Step::Closing => {}
            Step::Draining => self.back_on_stream(id),
            // It never worked: nothing of the stream is lost.
            Step::Asked | Step::Placed => {
                self.governor.refuse(id);
                self.abandon_pipe(id);
            }
            // Somebody closed it while the stream was paused: what is missing is in the history, or lost.
            Step::Pausing | Step::Running | Step::Continuing | Step::Returning => {
                let client = pipe.client;
                self.governor.pipes.remove(&id);
                self.governor.refuse(id);
                self.request(client, &format!("refresh-client -A '{id}:continue'"), Purpose::Nothing);
                self.recover(id, client);
            }
        }
    }

    /// Goes on with the stream where the pipe never was used.
    fn abandon_pipe(&mut self, id: PaneId) {
        let Some(mut pipe) = self.governor.pipes.remove(&id) else { return };
        let kept = std::mem::take(&mut pipe.kept);
        let client = pipe.client;
        drop(pipe);
        if let Some(pane) = self.panes.get_mut(&id) {
            pane.feed = Feed::Stream;
        }
        self.read_pane(id, &kept);
        self.request(client, &close_line(id), Purpose::Nothing);
    }

    /// Reads a pane's history to close the break in its observation.
    fn recover(&mut self, id: PaneId, client: ClientId) {
        let Some(pane) = self.panes.get_mut(&id) else { return };
        pane.feed = Feed::CatchingUp(Past::Read);
        let (key, lines) = (pane.info.key.clone(), self.spec.capture_lines);
        let line = history::capture_line(&self.nonce, id, lines);
        self.request(client, &line, Purpose::CatchUp(key, lines));
    }

    /// The way back is complete.
    fn back_on_stream(&mut self, id: PaneId) {
        let Some(mut pipe) = self.governor.pipes.remove(&id) else { return };
        let (late, kept) = (std::mem::take(&mut pipe.piped), std::mem::take(&mut pipe.kept));
        drop(pipe);
        if let Some(pane) = self.panes.get_mut(&id) {
            pane.feed = Feed::Stream;
            pane.window = (0, Some(self.now));
        }
        let own = only_in_pipe(&late, &kept);
        self.read_pane(id, late.get(..own).unwrap_or_default());
        self.read_pane(id, &kept);
    }

    /// What time makes due.
    pub fn tick_pipes(&mut self, now: Instant) {
        let due: Vec<PaneId> = self.governor.pipes.keys().copied().collect();
        for id in due {
            self.tick_pipe(id, now);
        }
    }

    fn tick_pipe(&mut self, id: PaneId, now: Instant) {
        let Some(pipe) = self.governor.pipes.get_mut(&id) else { return };
        let (client, number) = (pipe.client, pipe.id);
        let silent = now.duration_since(pipe.moved);
        let mut next = now + STEP;
        match pipe.step {
            Step::Asked => {}
            Step::Placed if pipe.kept.len() > KEPT || now.duration_since(pipe.began) > PATIENCE => {
                self.governor.refuse(id);
                self.abandon_pipe(id);
                return;
            }
            Step::Placed | Step::Pausing => {}
            Step::Running if silent >= CALM => {
                pipe.step = Step::Continuing;
                pipe.kept.clear();
                pipe.piped.clear();
                pipe.moved = now;
                self.request(client, &format!("refresh-client -A '{id}:continue'"), Purpose::Move(id, number));
            }
            Step::Running => next = pipe.moved + CALM,
            Step::Returning if pipe.kept.len() > AGAIN => {
                pipe.step = Step::Pausing;
                pipe.kept = Vec::new();
                pipe.piped = Vec::new();
                self.request(client, &format!("refresh-client -A '{id}:pause'"), Purpose::Move(id, number));
            }
            Step::Returning if silent >= STEP && pipe.piped.ends_with(&pipe.kept) => {
                pipe.step = Step::Closing;
                pipe.kept.clear();
                pipe.piped.clear();
                self.request(client, &close_line(id), Purpose::Move(id, number));
            }
            Step::Continuing | Step::Returning | Step::Closing => {}
            Step::Draining if silent >= PATIENCE => {
                self.back_on_stream(id);
                return;
            }
            Step::Draining => {}
        }
        self.wake_at(next);
    }

    /// Tells an outcome of a piped pane behind what its pipe holds now; see the limit in the module's text.
    pub fn tell_behind_pipe(&mut self, id: PaneId, ending: tmuxagent_errand::Ending) {
        let Some(pipe) = self.governor.pipes.get(&id) else {
            self.outlet.put(super::HostMessage::Ended(ending));
            return;
        };
        let (arrivals, number) = (self.arrivals.clone(), pipe.id);
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(30)).await;
            let _ = arrivals.send(Arrival::Pipe(id, number, PipeSays::Outcome(Box::new(ending)))).await;
        });
    }

    /// We leave: the server must not go on writing into pipes that nobody reads.
    pub fn leave_pipes(&mut self) {
        let pipes: Vec<(PaneId, ClientId)> =
            self.governor.pipes.iter().map(|(&pane, pipe)| (pane, pipe.client)).collect();
        for (pane, client) in pipes {
            self.request(client, &close_line(pane), Purpose::Nothing);
        }
        self.governor.forget();
    }
}
