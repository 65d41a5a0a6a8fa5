//! The tables, as an append-only list of migrations, and the settings of every connection.
//!
//! `user_version` counts the migrations that a file has had. Never change or remove an entry of [`MIGRATIONS`]: files
//! in the field have had it. Add one at the end, with its rows in `tests/migrations.rs`.

use super::digest;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};
use std::path::Path;
use std::time::Duration;

/// `PRAGMA application_id` of our files: "tmxa".
pub(crate) const APPLICATION_ID: i32 = 0x746d_7861;

/// How long a statement waits for another process that holds the database.
pub(crate) const BUSY: Duration = Duration::from_secs(5);

/// `wal_autocheckpoint`: pages in the WAL (4 KiB each) after which a commit checkpoints even when the writer is busy.
/// Idle checkpoints come much earlier.
pub(crate) const WAL_PAGES: u32 = 4000;

/// `journal_size_limit`: the WAL file is cut to this many bytes after a burst.
pub(crate) const WAL_BYTES: u32 = 16 * 1024 * 1024;

/// What was done to the tables, in order.
pub(crate) const MIGRATIONS: &[&str] = &[
    // 1: journal, its lines for people, the state's entities, read positions.
    "CREATE TABLE journal (
        seq   INTEGER PRIMARY KEY AUTOINCREMENT,
        at    INTEGER NOT NULL,
        pane  TEXT,
        run   INTEGER,
        event TEXT NOT NULL
     ) STRICT;
     CREATE INDEX journal_pane ON journal (pane, seq) WHERE pane IS NOT NULL;
     CREATE INDEX journal_run ON journal (run, seq) WHERE run IS NOT NULL;
     CREATE TABLE notes (
        id       INTEGER PRIMARY KEY AUTOINCREMENT,
        journal  INTEGER REFERENCES journal (seq) ON DELETE SET NULL,
        at       INTEGER NOT NULL,
        severity INTEGER NOT NULL,
        place    TEXT NOT NULL,
        run      INTEGER,
        note     TEXT NOT NULL
     ) STRICT;
     CREATE INDEX notes_journal ON notes (journal) WHERE journal IS NOT NULL;
     CREATE INDEX notes_run ON notes (run, id) WHERE run IS NOT NULL;
     CREATE TABLE entities (
        kind TEXT NOT NULL,
        key  TEXT NOT NULL,
        body TEXT NOT NULL,
        PRIMARY KEY (kind, key)
     ) STRICT, WITHOUT ROWID;
     CREATE TABLE positions (
        pane   TEXT PRIMARY KEY,
        anchor TEXT NOT NULL,
        at     INTEGER NOT NULL
     ) STRICT, WITHOUT ROWID;",
    // 2: alerts on their way.
    "CREATE TABLE outbox (
        id         INTEGER PRIMARY KEY AUTOINCREMENT,
        channel    TEXT NOT NULL,
        key        TEXT NOT NULL,
        dedupe     TEXT NOT NULL,
        alert      TEXT NOT NULL,
        state      TEXT NOT NULL,
        attempts   INTEGER NOT NULL DEFAULT 0,
        next_at    INTEGER NOT NULL,
        answer     TEXT NOT NULL DEFAULT '',
        created_at INTEGER NOT NULL,
        updated_at INTEGER NOT NULL,
        UNIQUE (channel, key)
     ) STRICT;
     CREATE INDEX outbox_due ON outbox (next_at) WHERE state = 'waiting';
     CREATE INDEX outbox_dedupe ON outbox (channel, dedupe, created_at);",
    // 3: what left the state and is remembered: approvals for ever, runs as long as retention says.
    "CREATE TABLE history (
        kind TEXT NOT NULL,
        key  TEXT NOT NULL,
        at   INTEGER NOT NULL,
        body TEXT NOT NULL,
        PRIMARY KEY (kind, key)
     ) STRICT, WITHOUT ROWID;
     CREATE INDEX history_at ON history (kind, at);",
    // 4: what failed for good is put back when its channel is mended: the configuration under which it failed, the one
    // under which a success of the channel brought it back, and when it was put back.
    "ALTER TABLE outbox ADD COLUMN setup TEXT NOT NULL DEFAULT '';
     ALTER TABLE outbox ADD COLUMN revived TEXT NOT NULL DEFAULT '';
     ALTER TABLE outbox ADD COLUMN put_back_at INTEGER NOT NULL DEFAULT 0;
     CREATE INDEX outbox_failed ON outbox (channel, id) WHERE state = 'failed';",
    // 5: a digest of each row, and what numbers were given to rows that are gone. What was damaged before can't be told
    // any more: rows are digested as they are found. Whoever adds a column must digest its table anew.
    "ALTER TABLE journal ADD COLUMN digest INTEGER NOT NULL DEFAULT 0;
     UPDATE journal SET digest = row_digest('journal', seq, at, pane, run, event);
     ALTER TABLE notes ADD COLUMN digest INTEGER NOT NULL DEFAULT 0;
     UPDATE notes SET digest = row_digest('notes', id, journal, at, severity, place, run, note);
     ALTER TABLE entities ADD COLUMN digest INTEGER NOT NULL DEFAULT 0;
     UPDATE entities SET digest = row_digest('entities', kind, key, body);
     ALTER TABLE positions ADD COLUMN digest INTEGER NOT NULL DEFAULT 0;
     UPDATE positions SET digest = row_digest('positions', pane, anchor, at);
     ALTER TABLE outbox ADD COLUMN digest INTEGER NOT NULL DEFAULT 0;
     UPDATE outbox SET digest = row_digest('outbox', id, channel, key, dedupe, alert, state, attempts, next_at, answer,
         created_at, updated_at, setup, revived, put_back_at);
     ALTER TABLE history ADD COLUMN digest INTEGER NOT NULL DEFAULT 0;
     UPDATE history SET digest = row_digest('history', kind, key, at, body);
     CREATE TABLE let_go (
        name    TEXT PRIMARY KEY,
        highest INTEGER NOT NULL,
        digest  INTEGER NOT NULL
     ) STRICT, WITHOUT ROWID;
     INSERT INTO let_go SELECT name, seq, row_digest('let_go', name, seq) FROM sqlite_sequence
         WHERE name IN ('journal', 'notes', 'outbox');",
    // 6: a sum of the digests of each table, so that a page which is an older one of this file is found.
    "CREATE TABLE sums (name TEXT PRIMARY KEY, sum INTEGER NOT NULL) STRICT, WITHOUT ROWID;
     INSERT INTO sums SELECT 'journal', coalesce(sum(digest & 0xffffffff), 0) & 0xffffffff FROM journal;
     INSERT INTO sums SELECT 'notes', coalesce(sum(digest & 0xffffffff), 0) & 0xffffffff FROM notes;
     INSERT INTO sums SELECT 'entities', coalesce(sum(digest & 0xffffffff), 0) & 0xffffffff FROM entities;
     INSERT INTO sums SELECT 'positions', coalesce(sum(digest & 0xffffffff), 0) & 0xffffffff FROM positions;
     INSERT INTO sums SELECT 'outbox', coalesce(sum(digest & 0xffffffff), 0) & 0xffffffff FROM outbox;
     INSERT INTO sums SELECT 'history', coalesce(sum(digest & 0xffffffff), 0) & 0xffffffff FROM history;
     INSERT INTO sums SELECT 'let_go', coalesce(sum(digest & 0xffffffff), 0) & 0xffffffff FROM let_go;",
];

/// The schema that this program writes.
#[expect(clippy::cast_possible_truncation, clippy::cast_possible_wrap, reason = "a handful of migrations")]
pub(crate) const LATEST: i32 = MIGRATIONS.len() as i32;

/// Settings that belong to a file; they must come before its first table.
pub(crate) fn prepare_new_file(conn: &Connection) -> rusqlite::Result<()> {
    conn.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    conn.pragma_update(None, "application_id", APPLICATION_ID)
}

/// Settings of the writing connection. Returns the journal mode, which is `wal` where the file system can do it.
pub(crate) fn prepare_writer(conn: &Connection) -> rusqlite::Result<String> {
    conn.busy_timeout(BUSY)?;
    digest::register(conn)?;
    let mode: String = conn.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
    conn.pragma_update(None, "synchronous", "NORMAL")?;
    conn.pragma_update(None, "foreign_keys", true)?;
    conn.pragma_update(None, "cell_size_check", true)?;
    conn.pragma_update(None, "trusted_schema", false)?;
    conn.pragma_update_and_check(None, "wal_autocheckpoint", WAL_PAGES, |_| Ok(()))?;
    conn.pragma_update_and_check(None, "journal_size_limit", WAL_BYTES, |_| Ok(()))?;
    conn.set_prepared_statement_cache_capacity(64);
    Ok(mode)
}

/// Opens a file for reading only.
pub(crate) fn open_reader(path: &Path) -> rusqlite::Result<Connection> {
    let conn = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    conn.busy_timeout(BUSY)?;
    digest::register(&conn)?;
    conn.pragma_update(None, "cell_size_check", true)?;
    conn.pragma_update(None, "trusted_schema", false)?;
    Ok(conn)
}

/// The number of migrations that the file has had.
pub(crate) fn version(conn: &Connection) -> rusqlite::Result<i32> {
    conn.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// Applies what is missing up to `target`, all in one transaction, or nothing.
pub(crate) fn migrate(conn: &mut Connection, target: i32) -> rusqlite::Result<()> {
    let tx = conn.transaction_with_behavior(TransactionBehavior::Exclusive)?;
    let from = usize::try_from(version(&tx)?).unwrap_or(0);
    let to = usize::try_from(target).unwrap_or(0).min(MIGRATIONS.len());
    for migration in MIGRATIONS.get(from..to).unwrap_or_default() {
        tx.execute_batch(migration)?;
    }
    if to > from {
        tx.pragma_update(None, "user_version", target)?;
    }
    tx.commit()
}
