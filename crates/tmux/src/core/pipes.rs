//! Panes of this machine are read by pipes of their own (`pipe-pane`), whose descriptors are handed over to us.
//!
//! **The pipe and the capture that comes before it are made by one command line**, which the server executes as a whole:
//! the capture holds everything that the pane printed up to then, and the pipe begins with the next byte. So nothing is
//! lost or read twice where a pane is new, where reading begins, and where it goes on after a break.
//!
//! **The user's own pipe comes first**: a pane has one pipe. Where he has one the pane is read by captures; where he opens
//! one later ours ends; where his is gone ours comes back. Only what is certainly ours is ever replaced or closed.

use super::fence::FROM_NOW;
use super::history::{self, Past, capture_line};
use super::pane::{Feed, Pane};
use super::{After, HostCore, Output, Piped, Purpose};
use crate::proto::{Nonce, Parser, quote};
use std::collections::HashMap;
use std::time::{Duration, Instant};
use tmuxagent_model::{Front, PaneId, PaneKey};

/// The number of a pipe within this process's observation of a host; never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct PipeId(pub u64);

/// The pipes of a host.
#[derive(Debug, Default)]
pub(super) struct Pipes {
    next: u64,
    of: HashMap<PipeId, PaneId>,
    /// There is a keeper: without one no pipe is opened or kept, since nobody would read it while we stand still, or close it
    /// when we die.
    pub kept: bool,
    /// A keeper is waited for until this instant.
    pub awaited: Option<Instant>,
    /// They are left to the supervisor that types here: a pane has but one.
    pub left: bool,
}

/// A pane's pipe that is ours.
#[derive(Debug)]
pub(super) struct Pipe {
    pub id: PipeId,
    /// When it was asked for.
    since: Instant,
    /// It was handed over.
    opened: bool,
    /// What came before the capture was read, or since nobody knows whose it is.
    held: Vec<u8>,
    /// How many bytes were lost meanwhile.
    lost: u64,
    /// Since when what comes may be another process's, which was put into the pane.
    doubtful: Option<Instant>,
}

/// How long the keeper may take to come; panes are read by captures then.
pub(super) const KEEPER: Duration = Duration::from_secs(5);
/// How long a pipe's command may take to come up.
const OPENING: Duration = Duration::from_secs(10);
/// A pipe that ends sooner is not opened again at once.
const SHORT: Duration = Duration::from_secs(2);
/// How long a pane is read by captures after its pipe did not come up.
const REFUSED: Duration = Duration::from_secs(20);
/// How many bytes may come before the capture is read.
const HELD: usize = 8 * 1024 * 1024;
/// How long the last bytes of a pane that is gone are waited for.
pub(super) const LAST_WORDS: Duration = Duration::from_secs(2);
/// tmux tells by its listing why a pipe ended.
const WHY: Duration = Duration::from_millis(20);

impl Pipe {
    pub fn new(id: PipeId, since: Instant) -> Self {
        Self { id, since, opened: false, held: Vec::new(), lost: 0, doubtful: None }
    }

    /// Whether it was handed over.
    pub const fn is_open(&self) -> bool {
        self.opened
    }

    /// Keeps bytes whose place is not known yet.
    fn hold(&mut self, bytes: &[u8]) {
        if self.held.len() + bytes.len() <= HELD {
            self.held.extend_from_slice(bytes);
        } else {
            self.lost += bytes.len() as u64;
        }
    }

    /// What came so far of the process that is in the pane by now.
    pub fn begun(&mut self) -> Vec<u8> {
        self.doubtful.take().map(|_| std::mem::take(&mut self.held)).unwrap_or_default()
    }
}

/// The row that says that the pipe is ours.
fn piped_mark(nonce: &Nonce) -> String {
    format!("PIPED {}", nonce.as_str())
}

/// Opens a pipe and captures what came before it. A pipe that the pane has is replaced only where it is ours.
fn open_line(nonce: &Nonce, pane: PaneId, command: &str, lines: u32, ours: bool) -> String {
    let free = if ours { "1" } else { "#{==:#{pane_pipe},0}" };
    let (mark, command) = (quote(piped_mark(nonce)), quote(command));
    format!(
        "if-shell -F -t {pane} '#{{&&:{free},#{{==:#{{pane_dead}},0}}}}' \
         {{ pipe-pane -O -t {pane} {command} ; display-message -p {mark} }} ; {}",
        capture_line(nonce, pane, lines)
    )
}

/// Closes a pipe.
fn close_line(pane: PaneId) -> String {
    format!("if-shell -F -t {pane} '#{{==:#{{pane_dead}},0}}' {{ pipe-pane -t {pane} }}")
}

#[cfg(test)]
impl Pipes {
    /// A pipe of that pane is read.
    pub fn adopt(&mut self, pipe: PipeId, pane: PaneId) {
        self.of.insert(pipe, pane);
    }
}

impl HostCore {
    /// The keeper is there, or is not any more.
    pub fn kept(&mut self, kept: bool) {
        self.pipes.kept = kept;
        if !kept {
            // Another comes with the next session of our own.
            self.pipes.awaited = Some(self.now + KEEPER);
            self.wake_at(self.now + KEEPER);
        }
        self.assign();
    }

    /// Whether the keeper is still to come.
    pub fn awaits_keeper(&self) -> bool {
        self.piping.is_some() && !self.pipes.kept && self.pipes.awaited.is_some_and(|until| until > self.now)
    }

    /// Brings a pane up to date that is read from nowhere, by a pipe if it can have one.
    pub fn open_pipe(&mut self, id: PaneId) {
        let few = self.spec.capture_lines.max(history::FEW);
        let Some(pane) = self.inventory.panes.get_mut(&id) else { return };
        let (Some(client), Feed::Unread(past)) = (pane.client, &pane.feed) else { return };
        let lines = if *past == Past::Old { history::FEW } else { few };
        let ours = pane.pipe.is_some();
        let refused = pane.refused.is_some_and(|until| until > self.now);
        let free = self.pipes.kept && !self.pipes.left && (ours || !pane.has_pipe);
        let piping = self.piping.as_ref().filter(|_| !refused && !pane.info.dead && free);
        pane.feed = Feed::CatchingUp(past.clone());
        let key = pane.info.key.clone();
        let Some(piping) = piping.cloned() else {
            let line = capture_line(&self.nonce, id, lines);
            self.forget_pipe(id);
            return self.request(client, &line, Purpose::CatchUp(key, lines, None));
        };
        self.pipes.next += 1;
        let pipe = PipeId(self.pipes.next);
        let word = format!("{}-{}", self.nonce.as_str(), pipe.0);
        let line = open_line(&self.nonce, id, &piping.command(&word, id), lines, ours);
        // The one before ends by this, and what it still holds is in the capture.
        let old = pane.pipe.replace(Pipe::new(pipe, self.now));
        self.pipes.of.insert(pipe, id);
        if let Some(old) = old {
            self.pipes.of.remove(&old.id);
            self.outputs.push(Output::Close(old.id));
        }
        self.outputs.push(Output::Await(pipe, key.clone(), word));
        self.request(client, &line, Purpose::CatchUp(key, lines, Some(pipe)));
        self.wake_at(self.now + OPENING);
    }

    /// What the capture says of the pipe that was opened with it; the pane goes on from there.
    pub fn go_on(&mut self, key: &PaneKey, pipe: Option<PipeId>, opened: bool) {
        let Some(pane) = self.inventory.panes.get_mut(&key.pane) else { return };
        let Some(pipe) = pipe else {
            pane.feed = if self.spec.transport.is_local() { Feed::Polled } else { Feed::Stream };
            return self.polled_now();
        };
        let own = pane.pipe.as_mut().filter(|own| own.id == pipe);
        if !opened || own.is_none() {
            pane.feed = Feed::Polled;
            pane.has_pipe = !pane.info.dead;
            self.forget_pipe(key.pane);
            return self.polled_now();
        }
        pane.feed = Feed::Piped;
        pane.has_pipe = true;
        if own.is_some_and(|own| own.doubtful.is_none()) {
            self.read_held(key.pane);
        }
    }

    /// What was held of a pane's pipe is its own.
    fn read_held(&mut self, id: PaneId) {
        let Some(pane) = self.inventory.panes.get_mut(&id).filter(|pane| pane.feed == Feed::Piped) else { return };
        let Some(pipe) = &mut pane.pipe else { return };
        let (held, lost) = (std::mem::take(&mut pipe.held), std::mem::take(&mut pipe.lost));
        if !held.is_empty() {
            pane.read(&held, self.wall, &mut self.outlet);
            self.flowed(id);
        }
        if lost > 0 {
            self.read_again(id, lost);
        }
    }

    /// The process of a pane has lost its terminal: what is read from now on is told once a listing has said whether another
    /// one is there.
    fn doubt(&mut self, id: PaneId) {
        let now = self.now;
        let Some(pane) = self.inventory.panes.get_mut(&id) else { return };
        if pane.ending.is_some() && !pane.superseded {
            return;
        }
        if let Some(pipe) = pane.pipe.as_mut().filter(|pipe| pipe.doubtful.is_none()) {
            pipe.doubtful = Some(now);
            let soon = now.duration_since(self.inventory.last_list) < WHY;
            self.list_soon(if soon { WHY } else { Duration::ZERO });
        }
    }

    /// The same process is in the pane, or none any more: what was held is its own. A listing that was asked for before does
    /// not tell.
    pub fn settle(&mut self, id: PaneId, gone: bool) {
        let last_list = self.inventory.last_list;
        let pipe = self.inventory.panes.get_mut(&id).and_then(|pane| pane.pipe.as_mut());
        let Some(pipe) = pipe.filter(|pipe| pipe.doubtful.is_some()) else { return };
        if gone || pipe.doubtful.is_some_and(|since| since < last_list) {
            pipe.doubtful = None;
            self.read_held(id);
        } else {
            self.list_soon(Duration::ZERO);
        }
    }

    /// Something of a pipe arrived.
    pub fn piped(&mut self, id: PipeId, piped: Piped) {
        if let Piped::Marked(mark) = piped {
            return self.marked(mark);
        }
        let Some(&pane_id) = self.pipes.of.get(&id) else { return };
        let Some(pane) = self.inventory.panes.get_mut(&pane_id) else { return };
        let Some(pipe) = pane.pipe.as_mut().filter(|pipe| pipe.id == id) else { return };
        match piped {
            Piped::Opened => {
                pipe.opened = true;
                let key = pane.info.key.clone();
                self.pump(&key);
                self.say_live();
            }
            Piped::Bytes(bytes) => match pane.feed {
                Feed::Piped if pipe.doubtful.is_none() => {
                    pane.read(&bytes, self.wall, &mut self.outlet);
                    self.flowed(pane_id);
                }
                Feed::Piped | Feed::CatchingUp(_) => pipe.hold(&bytes),
                // Its history will be read again.
                Feed::Unread(_) | Feed::Stream | Feed::Polled => {}
            },
            Piped::Orphaned => self.doubt(pane_id),
            Piped::Lost(bytes) => {
                tracing::debug!(host = %self.spec.name, pane = %pane_id, bytes, "output was not read in time");
                match pane.feed {
                    Feed::CatchingUp(_) => pipe.lost += bytes,
                    Feed::Piped if pipe.doubtful.is_some() => pipe.lost += bytes,
                    Feed::Piped | Feed::Unread(_) | Feed::Stream | Feed::Polled => self.read_again(pane_id, bytes),
                }
            }
            Piped::Ended => self.pipe_ended(pane_id),
            Piped::Marked(_) => {}
        }
    }

    /// The process of the pane that a pipe reads.
    pub fn process_of(&self, id: PipeId) -> Option<u32> {
        Some(self.inventory.panes.get(self.pipes.of.get(&id)?)?.info.key.pid)
    }

    /// The program that was in front when the next bytes of a pipe came.
    pub fn said_by(&mut self, id: PipeId, front: Option<Front>) {
        if let Some(pane) = self.pipes.of.get(&id).and_then(|pane| self.inventory.panes.get_mut(pane)) {
            pane.voice.front = front;
        }
    }

    /// Where the program stands that is in front as the next bytes of a pipe come. A command that ends with them may have been
    /// elsewhere when the pane was listed, and a question about it names the folder of who reads its keys.
    pub fn stands_in(&mut self, id: PipeId, folder: String) {
        let Some(&id) = self.pipes.of.get(&id) else { return };
        let Some(pane) = self.inventory.panes.get(&id).filter(|pane| !pane.stale) else { return };
        if pane.info.facts.path != folder {
            let mut info = pane.info.clone();
            info.facts.path = folder;
            let (record, piped) = (pane.record.clone(), pane.has_pipe);
            self.update(id, info, record, piped);
        }
    }

    /// Output of a pane was lost: what its history still holds of it is read, and what it does not is told as a gap.
    fn read_again(&mut self, id: PaneId, lost: u64) {
        let Some(pane) = self.inventory.panes.get_mut(&id) else { return };
        pane.lost += lost;
        pane.unread();
        self.open_pipe(id);
    }

    /// A pane's pipe ended: the pane did, or the user opened one of his own, or closed it.
    fn pipe_ended(&mut self, id: PaneId) {
        let Some(pane) = self.inventory.panes.get_mut(&id) else { return };
        let brief = pane.pipe.as_ref().is_some_and(|pipe| self.now.duration_since(pipe.since) < SHORT);
        if brief {
            pane.refused = Some(self.now + SHORT);
        }
        if pane.ending.is_some() {
            return self.drop_pane(id);
        }
        if pane.feed == Feed::Piped {
            pane.unread();
            // Until the listing says otherwise: whoever ended it may have put his own in its place.
            pane.has_pipe = true;
        }
        self.forget_pipe(id);
        self.list_soon(WHY);
        // It may have been another supervisor, which has this server from now on.
        self.claim_is_doubtful();
    }

    /// A pipe is none of ours any more.
    pub fn forget_pipe(&mut self, id: PaneId) {
        let pipe = self.inventory.panes.get_mut(&id).and_then(|pane| pane.pipe.take());
        if let Some(pipe) = pipe {
            self.pipes.of.remove(&pipe.id);
            self.outputs.push(Output::Close(pipe.id));
        }
    }

    /// A pane that lives on is not read any more: what is ours is closed.
    pub fn close_pipe(&mut self, id: PaneId) {
        let Some(pane) = self.inventory.panes.get(&id) else { return };
        if let (Some(_), Some(client)) = (&pane.pipe, pane.client) {
            self.request(client, &close_line(id), Purpose::Nothing);
        }
        self.forget_pipe(id);
    }

    /// We leave: the server must not go on writing into pipes that nobody reads.
    ///
    /// The client that is asked may have gone (a terminal that closes ends all that runs in it), so they stay ours until the
    /// server has closed them: what is still open when we end, the keeper closes.
    pub fn leave_pipes(&mut self) {
        let mut piped: Vec<PaneId> = self.pipes.of.values().copied().collect();
        piped.sort_unstable();
        for id in piped {
            if let Some(client) = self.inventory.panes.get(&id).and_then(|pane| pane.client) {
                self.request(client, &close_line(id), Purpose::Nothing);
            }
        }
    }

    /// Leaves the pipes to another supervisor that types here, or has them again.
    pub fn share_pipes(&mut self) {
        let leaves = self.claim.leaves_pipes();
        if std::mem::replace(&mut self.pipes.left, leaves) == leaves || self.piping.is_none() {
            return;
        }
        let concerned = |pane: &&Pane| if leaves { pane.pipe.is_some() } else { is_polled(pane) && !pane.has_pipe };
        let panes: Vec<PaneId> =
            self.inventory.panes.values().filter(concerned).map(|pane| pane.info.key.pane).collect();
        for id in panes {
            if let Some(pane) = self.inventory.panes.get_mut(&id) {
                pane.unread();
            }
            if leaves {
                self.close_pipe(id);
            }
            self.open_pipe(id);
        }
    }

    /// No keeper comes: what is open is closed, and read by captures.
    fn close_unkept(&mut self) {
        let mut piped: Vec<PaneId> = self.pipes.of.values().copied().collect();
        piped.sort_unstable();
        for id in piped {
            if let Some(pane) = self.inventory.panes.get_mut(&id) {
                pane.unread();
                pane.has_pipe = false;
            }
            self.close_pipe(id);
        }
    }

    /// The process in a pane was replaced: what the old one printed is read to its end.
    pub fn supersede(&mut self, id: PaneId) {
        let Some(pane) = self.inventory.panes.get_mut(&id).filter(|pane| !pane.superseded) else { return };
        pane.superseded = true;
        let key = pane.info.key.clone();
        self.fence(&key, FROM_NOW, After::Superseded);
    }

    /// The old process's last words are read. The next listing shows the new one, which takes over the pipe.
    pub fn end_superseded(&mut self, key: &PaneKey) {
        let Some(pane) = self.inventory.panes.get_mut(&key.pane).filter(|pane| pane.info.key == *key) else { return };
        pane.ending = Some(self.now);
    }

    /// What time makes due.
    pub fn tick_pipes(&mut self) {
        let now = self.now;
        match self.pipes.awaited.filter(|_| !self.pipes.kept) {
            Some(until) if until <= now => {
                self.pipes.awaited = None;
                self.close_unkept();
                self.assign();
            }
            Some(until) => self.wake_at(until),
            None => {}
        }
        let (mut late, mut ended, mut next): (Vec<PaneId>, Vec<PaneId>, Option<Instant>) = Default::default();
        let mut plan = |at: Instant| next = Some(next.map_or(at, |next| next.min(at)));
        for (&id, pane) in &self.inventory.panes {
            if let Some(pipe) = pane.pipe.as_ref().filter(|pipe| !pipe.opened) {
                let at = pipe.since + OPENING;
                if at <= now { late.push(id) } else { plan(at) }
            }
            if let Some(until) = pane.ending.filter(|_| !pane.superseded) {
                if until <= now { ended.push(id) } else { plan(until) }
            }
            if let Some(until) = pane.refused.filter(|until| *until > now) {
                plan(until);
            }
        }
        if let Some(at) = next {
            self.wake_at(at);
        }
        for id in late {
            tracing::debug!(host = %self.spec.name, pane = %id, "its pipe does not come up");
            if let Some(pane) = self.inventory.panes.get_mut(&id) {
                pane.refused = Some(now + REFUSED);
                pane.has_pipe = false;
                pane.unread();
            }
            self.close_pipe(id);
            self.open_pipe(id);
        }
        ended.into_iter().for_each(|id| self.drop_pane(id));
    }

    /// Panes that can't be piped and are read by their captures.
    pub fn polled_panes(&self) -> impl Iterator<Item = PaneId> {
        let mut polled: Vec<PaneId> =
            self.inventory.panes.values().filter(|pane| is_polled(pane)).map(|p| p.info.key.pane).collect();
        polled.sort_unstable();
        polled.into_iter()
    }
}

/// Whether a pane that may still print is read by captures.
pub(super) fn is_polled(pane: &Pane) -> bool {
    pane.feed == Feed::Polled && !pane.info.dead
}

/// The line that announces a block of foreign text.
pub(super) fn raw_line(nonce: &Nonce) -> String {
    format!("display-message -p \"{}\"", Parser::raw_mark(nonce))
}

/// Whether a reply says that the pipe is ours.
pub(super) fn says_piped(nonce: &Nonce, reply: &crate::proto::Reply) -> bool {
    let mark = piped_mark(nonce);
    reply.rows().any(|row| row == mark.as_bytes())
}
