//! Recordings: what panes printed lately, compressed, for replaying policies on it.
//!
//! They live in a file of their own with a thread of their own: a flood of output never delays a commit, a full or
//! damaged recording harms no state, and backups stay small. Recording never makes anybody wait: where the disk can't
//! follow, lines are left out and the place is marked. When the file is damaged it is put aside and begun anew.

use super::error::{OpenError, StoreError};
use super::{files, schema};
use crate::model::{LineSource, Millis, PaneKey, Timestamp};
use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, params};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::oneshot;

/// Lines wait at most so long before they are written.
const FLUSH_AFTER: Duration = Duration::from_secs(5);

/// Or until so many bytes of them are there.
const FLUSH_BYTES: usize = 256 * 1024;

/// More than this many bytes never wait; what comes on top is left out and marked.
const MAX_WAITING: usize = 8 * 1024 * 1024;

/// What a chunk takes beside its compressed lines, bytes, about.
const OVERHEAD: u64 = 160;

/// Chunks that go at most when one batch is written.
const PRUNE: usize = 500;

/// The schema of the file; there is one so far.
const SCHEMA: i32 = 1;

const TABLES: &str = "CREATE TABLE chunks (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    pane     TEXT NOT NULL,
    place    TEXT NOT NULL,
    first_at INTEGER NOT NULL,
    last_at  INTEGER NOT NULL,
    lines    INTEGER NOT NULL,
    missed   INTEGER NOT NULL,
    body     BLOB NOT NULL
 ) STRICT;
 CREATE INDEX chunks_pane ON chunks (pane, id);";

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
    /// The text without escapes, untrusted.
    pub text: String,
}

/// A piece of a recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recorded {
    /// A line.
    Line(RecordedLine),
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
    /// The pane.
    pub pane: PaneKey,
    /// Where it last was: `session:window.pane`.
    pub place: String,
    /// When the recording begins.
    pub first_at: Timestamp,
    /// When it ends.
    pub last_at: Timestamp,
    /// Lines in it.
    pub lines: u64,
    /// Lines left out.
    pub missed: u64,
}

/// Lines of one pane that wait to be written.
#[derive(Debug, Default)]
struct Waiting {
    place: String,
    pieces: Vec<Recorded>,
    /// Lines left out since the last piece.
    missed: u64,
    /// When the last of them came.
    missed_at: Timestamp,
}

impl Waiting {
    /// Puts the mark of what was left out where it belongs.
    fn mark_missed(&mut self, at: Timestamp) {
        if self.missed > 0 {
            self.pieces.push(Recorded::Missed { at, lines: self.missed });
            self.missed = 0;
        }
    }
}

#[derive(Debug, Default)]
struct Shared {
    panes: BTreeMap<PaneKey, Waiting>,
    bytes: usize,
    off: BTreeSet<PaneKey>,
    flushed: Vec<oneshot::Sender<()>>,
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
        let writer = Writer { desk: Arc::clone(&desk), conn, limits, stored };
        std::thread::Builder::new().name("recorder".to_owned()).spawn(move || writer.run()).map_err(in_folder)?;
        Ok(Self { handle: Arc::new(Handle { desk }) })
    }

    /// Takes a line. Never waits for the disk.
    pub fn take(&self, pane: &PaneKey, place: &str, line: RecordedLine) {
        let desk = &self.handle.desk;
        let mut shared = desk.lock();
        if shared.off.contains(pane) {
            return;
        }
        let size = line.text.len() + 32;
        let room = shared.bytes + size <= MAX_WAITING;
        if !shared.panes.contains_key(pane) {
            shared.panes.insert(pane.clone(), Waiting::default());
        }
        let Some(waiting) = shared.panes.get_mut(pane) else {
            return;
        };
        if waiting.place != place {
            place.clone_into(&mut waiting.place);
        }
        if !room {
            waiting.missed += 1;
            waiting.missed_at = line.at;
            return;
        }
        waiting.mark_missed(line.at);
        waiting.pieces.push(Recorded::Line(line));
        let before = shared.bytes;
        shared.bytes += size;
        // One wake-up for the first line, one when there is enough.
        if before == 0 || (before < FLUSH_BYTES && shared.bytes >= FLUSH_BYTES) {
            desk.changed.notify_all();
        }
    }

    /// Switches the recording of a pane on or off.
    pub fn switch(&self, pane: &PaneKey, recording: Recording) {
        let mut shared = self.handle.desk.lock();
        match recording {
            Recording::On => {
                shared.off.remove(pane);
            }
            Recording::Off => {
                shared.off.insert(pane.clone());
                if let Some(waiting) = shared.panes.remove(pane) {
                    shared.bytes = shared.bytes.saturating_sub(waiting.pieces.iter().map(size).sum());
                }
            }
        }
    }

    /// Forgets the switches of panes that are gone.
    pub fn retain(&self, alive: impl Fn(&PaneKey) -> bool) {
        self.handle.desk.lock().off.retain(alive);
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

fn size(piece: &Recorded) -> usize {
    match piece {
        Recorded::Line(line) => line.text.len() + 32,
        Recorded::Missed { .. } => 0,
    }
}

const fn missed(piece: &Recorded) -> u64 {
    match piece {
        Recorded::Line(_) => 0,
        Recorded::Missed { lines, .. } => *lines,
    }
}

const fn instant(piece: &Recorded) -> Timestamp {
    match piece {
        Recorded::Line(line) => line.at,
        Recorded::Missed { at, .. } => *at,
    }
}

fn newest(pieces: &[Recorded]) -> Timestamp {
    pieces.iter().map(instant).max().unwrap_or_default()
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    files::make_private_file(path).map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
    let conn = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    conn.busy_timeout(schema::BUSY)?;
    if conn.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get::<_, i64>(0))? == 0 {
        schema::prepare_new_file(&conn)?;
    }
    schema::prepare_writer(&conn)?;
    if schema::version(&conn)? == 0 {
        conn.execute_batch(&format!("BEGIN EXCLUSIVE; {TABLES} PRAGMA user_version = {SCHEMA}; COMMIT;"))?;
    }
    let verdict: String = conn.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if verdict != "ok" {
        return Err(rusqlite::Error::SqliteFailure(
            rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT),
            Some(verdict),
        ));
    }
    Ok(conn)
}

fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
}

struct Writer {
    desk: Arc<Desk>,
    conn: Connection,
    limits: RecordingLimits,
    /// What the chunks take, bytes.
    stored: u64,
}

impl Writer {
    fn run(mut self) {
        loop {
            let (panes, flushed, closing) = self.wait();
            if !panes.is_empty() {
                let stored = self.store(&panes);
                let mut shared = self.desk.lock();
                if let Err(error) = &stored {
                    // They are gone; the next line of each pane is preceded by the mark.
                    for (pane, lost) in panes {
                        let lines = lost.pieces.iter().filter(|piece| matches!(piece, Recorded::Line(_))).count();
                        let marked: u64 = lost.pieces.iter().map(missed).sum();
                        let waiting = shared.panes.entry(pane).or_default();
                        waiting.place = lost.place;
                        waiting.missed += lines as u64 + marked;
                        waiting.missed_at = newest(&lost.pieces);
                    }
                    tracing::warn!(%error, "recording failed");
                }
                shared.problem = stored.err().map(|error| error.to_string());
            }
            for done in flushed {
                let _ = done.send(());
            }
            if closing {
                return;
            }
        }
    }

    /// Sleeps until there is something to write, then gathers for a moment.
    fn wait(&self) -> (BTreeMap<PaneKey, Waiting>, Vec<oneshot::Sender<()>>, bool) {
        let idle = |shared: &mut Shared| shared.bytes == 0 && shared.flushed.is_empty() && !shared.closing;
        let few = |shared: &mut Shared| shared.bytes < FLUSH_BYTES && shared.flushed.is_empty() && !shared.closing;
        let shared = self.desk.changed.wait_while(self.desk.lock(), idle).unwrap_or_else(PoisonError::into_inner);
        let mut shared = match self.desk.changed.wait_timeout_while(shared, FLUSH_AFTER, few) {
            Ok((shared, _)) => shared,
            Err(poisoned) => poisoned.into_inner().0,
        };
        shared.bytes = 0;
        let mut panes = std::mem::take(&mut shared.panes);
        for waiting in panes.values_mut() {
            waiting.mark_missed(waiting.missed_at);
        }
        (panes, std::mem::take(&mut shared.flushed), shared.closing)
    }

    fn store(&mut self, panes: &BTreeMap<PaneKey, Waiting>) -> Result<(), StoreError> {
        let tx = self.conn.unchecked_transaction()?;
        let (mut newest, mut stored) = (Timestamp(0), self.stored);
        for (pane, waiting) in panes {
            let Some(chunk) = Chunk::of(&waiting.pieces)? else {
                continue;
            };
            newest = newest.max(chunk.last_at);
            stored += chunk.body.len() as u64 + OVERHEAD;
            tx.prepare_cached(
                "INSERT INTO chunks (pane, place, first_at, last_at, lines, missed, body)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?
            .execute(params![
                pane.to_string(),
                waiting.place,
                chunk.first_at.0,
                chunk.last_at.0,
                chunk.lines,
                chunk.missed,
                chunk.body
            ])?;
        }
        let kept = prune(&tx, stored, newest - self.limits.age, self.limits.bytes)?;
        tx.commit()?;
        self.stored = kept;
        Ok(())
    }
}

/// Lets the oldest chunks go, a bounded number at a time; returns the bytes that are left.
fn prune(tx: &Connection, mut stored: u64, horizon: Timestamp, limit: u64) -> rusqlite::Result<u64> {
    for _ in 0..PRUNE {
        let oldest = tx
            .prepare_cached("SELECT id, last_at, length(body) FROM chunks ORDER BY id LIMIT 1")?
            .query_row([], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get::<_, u64>(2)?)))
            .optional()?;
        match oldest {
            Some((id, last_at, size)) if last_at < horizon.0 || stored > limit => {
                tx.prepare_cached("DELETE FROM chunks WHERE id = ?1")?.execute(params![id])?;
                stored = stored.saturating_sub(size + OVERHEAD);
            }
            _ => break,
        }
    }
    Ok(stored)
}

/// What the chunks of a file take, bytes.
fn stored_bytes(conn: &Connection) -> rusqlite::Result<u64> {
    let sql = format!("SELECT coalesce(sum(length(body) + {OVERHEAD}), 0) FROM chunks");
    conn.query_row(&sql, [], |row| row.get(0))
}

/// Lines of one pane, compressed: one `DELTA\tKIND\tTEXT` per line, DELTA in milliseconds from the first.
struct Chunk {
    first_at: Timestamp,
    last_at: Timestamp,
    lines: u64,
    missed: u64,
    body: Vec<u8>,
}

impl Chunk {
    fn of(pieces: &[Recorded]) -> io::Result<Option<Self>> {
        let Some(first_at) = pieces.iter().map(instant).min() else {
            return Ok(None);
        };
        let last_at = newest(pieces);
        let mut lines = 0;
        let mut packer = DeflateEncoder::new(Vec::new(), Compression::fast());
        for piece in pieces {
            let delta = instant(piece).since(first_at).0;
            match piece {
                Recorded::Line(line) => {
                    lines += 1;
                    let kind = match line.source {
                        LineSource::Stream => 's',
                        LineSource::Screen => 'c',
                        LineSource::History => 'h',
                    };
                    writeln!(packer, "{delta}\t{kind}\t{}", line.text.replace('\n', " "))?;
                }
                Recorded::Missed { lines: count, .. } => {
                    writeln!(packer, "{delta}\tm\t{count}")?;
                }
            }
        }
        let missed = pieces.iter().map(missed).sum();
        Ok(Some(Self { first_at, last_at, lines, missed, body: packer.finish()? }))
    }
}

/// One stored line back; `None` where it is not one.
fn unpack(first_at: Timestamp, text: &str) -> Option<Recorded> {
    let mut parts = text.splitn(3, '\t');
    let at = first_at + Millis(parts.next()?.parse().ok()?);
    let kind = parts.next()?;
    let text = parts.next()?;
    let source = match kind {
        "s" => LineSource::Stream,
        "c" => LineSource::Screen,
        "h" => LineSource::History,
        "m" => return Some(Recorded::Missed { at, lines: text.parse().ok()? }),
        _ => return None,
    };
    Some(Recorded::Line(RecordedLine { at, source, text: text.to_owned() }))
}

/// The panes that have recordings, the latest last. Works also while they are written.
pub fn recorded_panes(path: &Path) -> Result<Vec<RecordedPane>, StoreError> {
    let conn = schema::open_reader(path)?;
    let mut statement = conn.prepare(
        "SELECT p.pane, c.place, p.first_at, p.last_at, p.lines, p.missed FROM chunks AS c JOIN
         (SELECT pane, max(id) AS last, min(first_at) AS first_at, max(last_at) AS last_at, sum(lines) AS lines,
          sum(missed) AS missed FROM chunks GROUP BY pane) AS p ON c.id = p.last ORDER BY c.id",
    )?;
    let panes = statement.query_map([], |row| {
        let pane: String = row.get(0)?;
        Ok(RecordedPane {
            pane: pane.parse().map_err(|error| super::query::unreadable(0, Box::new(error)))?,
            place: row.get(1)?,
            first_at: Timestamp(row.get(2)?),
            last_at: Timestamp(row.get(3)?),
            lines: row.get(4)?,
            missed: row.get(5)?,
        })
    })?;
    Ok(panes.collect::<Result<Vec<_>, _>>()?)
}

/// Gives the recording of panes since an instant to `each`, in the order it was written; a chunk is in memory at a time.
pub fn read_recording(
    path: &Path,
    panes: &[PaneKey],
    since: Timestamp,
    mut each: impl FnMut(&PaneKey, Recorded),
) -> Result<(), StoreError> {
    let conn = schema::open_reader(path)?;
    let names: Vec<String> = panes.iter().map(ToString::to_string).collect();
    let mut statement = conn.prepare(
        "SELECT pane, first_at, body FROM chunks WHERE last_at >= ?1
         AND pane IN (SELECT value FROM json_each(?2)) ORDER BY id",
    )?;
    let mut rows = statement.query(params![since.0, serde_json::json!(names).to_string()])?;
    while let Some(row) = rows.next()? {
        let name: String = row.get(0)?;
        let Some(pane) = names.iter().position(|known| *known == name).and_then(|at| panes.get(at)) else {
            continue;
        };
        let (first_at, body) = (Timestamp(row.get(1)?), row.get_ref(2)?.as_blob().map_err(rusqlite::Error::from)?);
        for line in BufReader::new(DeflateDecoder::new(body)).lines() {
            match unpack(first_at, &line?) {
                Some(Recorded::Line(line)) if line.at < since => {}
                Some(piece) => each(pane, piece),
                None => {}
            }
        }
    }
    Ok(())
}
