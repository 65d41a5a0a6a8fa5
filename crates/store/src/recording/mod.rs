//! Recordings: what panes printed lately, compressed, for replaying policies on it.
//!
//! They live in a file of their own with a thread of their own: a flood of output never delays a commit, a full or
//! damaged recording harms no state, and backups stay small. Recording never makes anybody wait: where the disk can't
//! follow, lines are left out and the place is marked. When the file is damaged it is put aside and begun anew. A pane is
//! recorded only after [`Recorder::describe`] said so.

mod chunk;
mod read;
mod redact;
mod writer;

pub(super) use read::check_recordings;
pub use read::{read_recording, recorded_panes};

use super::error::OpenError;
use super::{files, schema};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tmuxagent_model::{AgentMessage, LineBlock, LineSource, Millis, PaneInfo, PaneKey, Redaction, Timestamp};
use tokio::sync::oneshot;
use writer::{Writer, connect, is_damage, stored_bytes};

/// Lines wait at most so long before they are written.
const FLUSH_AFTER: Duration = Duration::from_secs(5);

/// Or until so many bytes of them are there.
const FLUSH_BYTES: usize = 1024 * 1024;

/// More than this many bytes never wait; what comes on top is left out and marked.
const MAX_WAITING: usize = 8 * 1024 * 1024;

/// The schema of the file; there is one so far.
const SCHEMA: i32 = 1;

/// How much is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordingLimits {
    /// Bytes over all panes, compressed; beyond it the oldest go.
    pub bytes: u64,
    /// Lines older than this, counted from the newest one, go.
    pub age: Millis,
}

impl Default for RecordingLimits {
    fn default() -> Self {
        Self { bytes: 64 * 1024 * 1024, age: Millis::from_secs(7 * 24 * 60 * 60) }
    }
}

/// Whether a pane is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recording {
    /// It is.
    On,
    /// It is not; what waits to be written is dropped.
    Off,
}

/// A line as a pane printed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedLine {
    /// When.
    pub at: Timestamp,
    /// How it was read.
    pub source: LineSource,
    /// How many bytes at its start an earlier line already showed.
    pub seen: usize,
    /// The text without escapes, untrusted.
    pub text: String,
    /// The agent's message on it.
    pub message: Option<Box<AgentMessage>>,
}

/// A piece of a recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recorded {
    /// A line.
    Line(RecordedLine),
    /// A command ended.
    Ended {
        /// When.
        at: Timestamp,
        /// Its exit code.
        exit: i32,
    },
    /// Here so many lines were left out.
    Missed {
        /// When the first line after them came.
        at: Timestamp,
        /// How many.
        lines: u64,
    },
}

/// A pane that has a recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedPane {
    /// The pane as it last was.
    pub info: PaneInfo,
    /// When the recording begins.
    pub first_at: Timestamp,
    /// When it ends.
    pub last_at: Timestamp,
    /// Lines in it.
    pub lines: u64,
    /// Lines left out.
    pub missed: u64,
}

/// Something that waits to be written.
#[derive(Debug)]
enum Piece {
    /// Lines without a message, all of the same instant.
    Lines(Timestamp, LineBlock),
    /// Anything else.
    One(Recorded),
}

/// Pieces of one pane that wait to be written.
#[derive(Debug)]
struct Waiting {
    info: Arc<PaneInfo>,
    pieces: Vec<Piece>,
    /// Lines left out since the last piece.
    missed: u64,
    /// When the last of them came.
    missed_at: Timestamp,
}

impl Waiting {
    const fn new(info: Arc<PaneInfo>) -> Self {
        Self { info, pieces: Vec::new(), missed: 0, missed_at: Timestamp(0) }
    }

    /// Puts the mark of what was left out where it belongs.
    fn mark_missed(&mut self, at: Timestamp) {
        if self.missed > 0 {
            self.pieces.push(Piece::One(Recorded::Missed { at, lines: self.missed }));
            self.missed = 0;
        }
    }
}

#[derive(Debug, Default)]
struct Shared {
    panes: BTreeMap<PaneKey, Waiting>,
    bytes: usize,
    /// The panes that are recorded, as they are now.
    known: BTreeMap<PaneKey, Arc<PaneInfo>>,
    flushed: Vec<oneshot::Sender<()>>,
    /// What all that is written goes through.
    redaction: Redaction,
    problem: Option<String>,
    closing: bool,
}

#[derive(Debug, Default)]
struct Desk {
    shared: Mutex<Shared>,
    changed: Condvar,
}

impl Desk {
    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A handle to the recorder; clones share it. What waits is written when the last one is gone.
#[derive(Debug, Clone)]
pub struct Recorder {
    handle: Arc<Handle>,
}

#[derive(Debug)]
struct Handle {
    desk: Arc<Desk>,
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.desk.lock().closing = true;
        self.desk.changed.notify_all();
    }
}

impl Recorder {
    /// Opens or makes the file of recordings. A damaged one is put aside as `….broken`.
    pub fn open(path: &Path, limits: RecordingLimits) -> Result<Self, OpenError> {
        let in_folder = |source| OpenError::Folder { path: files::folder(path).to_path_buf(), source };
        files::make_folder(files::folder(path)).map_err(in_folder)?;
        let conn = match connect(path) {
            Err(error) if is_damage(&error) => {
                let broken = files::beside(path, ".broken");
                std::fs::rename(path, &broken).map_err(in_folder)?;
                for suffix in ["-wal", "-shm"] {
                    let _ = std::fs::remove_file(files::beside(path, suffix));
                }
                tracing::warn!(path = %broken.display(), %error, "recordings were damaged and are begun anew");
                connect(path)
            }
            opened => opened,
        };
        let conn = conn.map_err(|source| OpenError::Other { path: path.to_path_buf(), source })?;
        let found = schema::version(&conn).unwrap_or(SCHEMA);
        if found != SCHEMA {
            return Err(OpenError::Newer { path: path.to_path_buf(), found, known: SCHEMA });
        }
        let stored = stored_bytes(&conn).map_err(|source| OpenError::Other { path: path.to_path_buf(), source })?;
        let desk = Arc::new(Desk::default());
        let writer = Writer::new(Arc::clone(&desk), conn, limits, stored);
        std::thread::Builder::new().name("recorder".to_owned()).spawn(move || writer.run()).map_err(in_folder)?;
        Ok(Self { handle: Arc::new(Handle { desk }) })
    }

    /// From now on everything that is written goes through this.
    pub fn redact_by(&self, redaction: Redaction) {
        self.handle.desk.lock().redaction = redaction;
    }

    /// Takes a piece of a pane that is recorded. Never waits for the disk.
    pub fn take(&self, pane: &PaneKey, piece: Recorded) {
        self.put(pane, || Piece::One(piece));
    }

    /// Takes lines of a pane that is recorded, which were printed at that instant. Never waits for the disk.
    pub fn take_lines(&self, pane: &PaneKey, at: Timestamp, block: &LineBlock) {
        self.put(pane, || Piece::Lines(at, block.clone()));
    }

    fn put(&self, pane: &PaneKey, piece: impl FnOnce() -> Piece) {
        let desk = &self.handle.desk;
        let mut shared = desk.lock();
        let Some(info) = shared.known.get(pane).map(Arc::clone) else { return };
        let piece = piece();
        let size = piece.size();
        let room = shared.bytes + size <= MAX_WAITING;
        let waiting = shared.panes.entry(pane.clone()).or_insert_with(|| Waiting::new(Arc::clone(&info)));
        waiting.info = info;
        if !room {
            waiting.missed += piece.lines();
            waiting.missed_at = piece.at();
            return;
        }
        waiting.mark_missed(piece.at());
        waiting.pieces.push(piece);
        let before = shared.bytes;
        shared.bytes += size;
        // One wake-up for the first line, one when there is enough.
        if before == 0 || (before < FLUSH_BYTES && shared.bytes >= FLUSH_BYTES) {
            desk.changed.notify_all();
        }
    }

    /// Says how a pane is now, and whether it is recorded from now on. One that was never named here is not.
    pub fn describe(&self, info: &PaneInfo, recording: Recording) {
        match recording {
            Recording::On => {
                self.handle.desk.lock().known.insert(info.key.clone(), Arc::new(info.clone()));
            }
            Recording::Off => {
                let mut shared = self.handle.desk.lock();
                shared.known.remove(&info.key);
                if let Some(waiting) = shared.panes.remove(&info.key) {
                    shared.bytes = shared.bytes.saturating_sub(waiting.pieces.iter().map(Piece::size).sum());
                }
            }
        }
    }

    /// A pane is gone; what waits is still written.
    pub fn forget(&self, pane: &PaneKey) {
        self.handle.desk.lock().known.remove(pane);
    }

    /// Returns when all that was taken is written, or could not be.
    pub async fn flush(&self) {
        let (done, written) = oneshot::channel();
        self.handle.desk.lock().flushed.push(done);
        self.handle.desk.changed.notify_all();
        let _ = written.await;
    }

    /// What keeps it from recording now, for people.
    #[must_use]
    pub fn problem(&self) -> Option<String> {
        self.handle.desk.lock().problem.clone()
    }
}

impl Piece {
    /// What it takes, bytes, about.
    fn size(&self) -> usize {
        match self {
            Self::Lines(_, block) => block.text().len() + 32 * block.len(),
            Self::One(Recorded::Line(line)) => {
                line.text.len() + 32 + if line.message.is_some() { line.text.len() } else { 0 }
            }
            Self::One(Recorded::Ended { .. }) => 16,
            Self::One(Recorded::Missed { .. }) => 0,
        }
    }

    /// When.
    const fn at(&self) -> Timestamp {
        match self {
            Self::Lines(at, _) => *at,
            Self::One(one) => instant(one),
        }
    }

    /// How many lines it stands for.
    const fn lines(&self) -> u64 {
        match self {
            Self::Lines(_, block) => block.len() as u64,
            Self::One(Recorded::Line(_)) => 1,
            Self::One(Recorded::Ended { .. }) => 0,
            Self::One(Recorded::Missed { lines, .. }) => *lines,
        }
    }
}

const fn instant(piece: &Recorded) -> Timestamp {
    match piece {
        Recorded::Line(line) => line.at,
        Recorded::Ended { at, .. } | Recorded::Missed { at, .. } => *at,
    }
}

fn newest(pieces: &[Piece]) -> Timestamp {
    pieces.iter().map(Piece::at).max().unwrap_or_default()
}
