//! The thread that writes recordings, and lets the oldest go.

use super::chunk::{Chunk, Packer};
use super::redact::{Carries, clean};
use super::{Desk, FLUSH_AFTER, FLUSH_BYTES, Piece, RecordingLimits, SCHEMA, Shared, Waiting, newest};
use crate::error::StoreError;
use crate::{files, redact, schema};
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, params};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, PoisonError};
use tmuxagent_model::{PaneKey, Timestamp};
use tokio::sync::oneshot;

/// What a chunk takes beside its compressed lines, bytes, about.
const OVERHEAD: u64 = 512;

/// Chunks that go at most when one batch is written.
const PRUNE: usize = 500;

/// Pages of the log (4 KiB each) after which a flush moves them into the file.
const WAL_PAGES: u32 = 256;

/// The log is cut to this many bytes after that.
const WAL_BYTES: u32 = 1024 * 1024;

const TABLES: &str = "CREATE TABLE chunks (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    pane     TEXT NOT NULL,
    info     TEXT NOT NULL,
    first_at INTEGER NOT NULL,
    last_at  INTEGER NOT NULL,
    lines    INTEGER NOT NULL,
    missed   INTEGER NOT NULL,
    body     BLOB NOT NULL
 ) STRICT;
 CREATE INDEX chunks_pane ON chunks (pane, id);";

pub(super) fn connect(path: &Path) -> rusqlite::Result<Connection> {
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
    // A flush every few seconds is a small transaction, and nothing here is ever idle for long: left to the settings of
    // the state, the log would grow to many times what it tells of.
    conn.pragma_update_and_check(None, "wal_autocheckpoint", WAL_PAGES, |_| Ok(()))?;
    conn.pragma_update_and_check(None, "journal_size_limit", WAL_BYTES, |_| Ok(()))?;
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

pub(super) fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
}

/// See the module.
pub(super) struct Writer {
    desk: Arc<Desk>,
    conn: Connection,
    limits: RecordingLimits,
    /// What the chunks take, bytes.
    stored: u64,
    carries: Carries,
}

impl Writer {
    pub(super) fn new(desk: Arc<Desk>, conn: Connection, limits: RecordingLimits, stored: u64) -> Self {
        Self { desk, conn, limits, stored, carries: Carries::new() }
    }

    pub(super) fn run(mut self) {
        loop {
            let (mut panes, flushed, closing) = self.wait();
            if !panes.is_empty() {
                self.clean(&mut panes);
                let stored = self.store(&panes);
                let mut shared = self.desk.lock();
                if let Err(error) = &stored {
                    // They are gone; the next line of each pane is preceded by the mark.
                    for (pane, lost) in panes {
                        let lines: u64 = lost.pieces.iter().map(Piece::lines).sum();
                        let waiting = shared.panes.entry(pane).or_insert_with(|| Waiting::new(Arc::clone(&lost.info)));
                        waiting.missed += lines;
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

    /// Takes secrets out, before anything is written.
    fn clean(&mut self, panes: &mut BTreeMap<PaneKey, Waiting>) {
        let (redaction, known) = {
            let shared = self.desk.lock();
            (shared.redaction.clone(), shared.known.keys().cloned().collect::<BTreeSet<_>>())
        };
        self.carries.retain(|pane, _| known.contains(pane));
        for (pane, waiting) in panes {
            let carry = self.carries.entry(pane.clone()).or_default();
            clean(&mut waiting.pieces, carry, &redaction);
            if let Ok(info) = redact::json(&*waiting.info, &redaction)
                && let Ok(info) = serde_json::from_str(&info)
            {
                waiting.info = Arc::new(info);
            }
        }
    }

    fn store(&mut self, panes: &BTreeMap<PaneKey, Waiting>) -> Result<(), StoreError> {
        let mut packer = Packer::new()?;
        let tx = self.conn.unchecked_transaction()?;
        let (mut newest, mut stored) = (Timestamp(0), self.stored);
        for (pane, waiting) in panes {
            let Some(chunk) = Chunk::of(&waiting.pieces, &mut packer)? else {
                continue;
            };
            newest = newest.max(chunk.last_at);
            stored += chunk.body.len() as u64 + OVERHEAD;
            tx.prepare_cached(
                "INSERT INTO chunks (pane, info, first_at, last_at, lines, missed, body)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?
            .execute(params![
                pane.to_string(),
                serde_json::to_string(&*waiting.info).unwrap_or_default(),
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
pub(super) fn stored_bytes(conn: &Connection) -> rusqlite::Result<u64> {
    let sql = format!("SELECT coalesce(sum(length(body) + {OVERHEAD}), 0) FROM chunks");
    conn.query_row(&sql, [], |row| row.get(0))
}
