//! Opening the database for writing: checks, migrations, and what the supervisor goes on from.

use super::batch::{self, entity_kind};
use super::error::OpenError;
use super::query::{EventFilter, Reader};
use super::{backup, digest, files, schema, sums};
use rusqlite::{Connection, ErrorCode, OpenFlags};
use std::io;
use std::path::Path;
use tmuxagent_model::{EntityKind, EventLine, PaneKey, Timestamp};

/// Events that the restored picture begins with.
const RECENT: u32 = 200;

/// What was stored when the supervisor last ran.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Restored {
    /// The state's entities: kind, key, JSON.
    pub entities: Vec<(EntityKind, String, String)>,
    /// The number of the newest journal row; 0 for none.
    pub last_seq: u64,
    /// When the newest thing was stored; the clock must not start before it.
    pub last_at: Timestamp,
    /// Read positions of panes, as JSON.
    pub positions: Vec<(PaneKey, String)>,
    /// The last lines for people, newest last.
    pub recent: Vec<EventLine>,
    /// The schema before this start, when a migration ran.
    pub migrated_from: Option<i32>,
}

/// Opens or makes the database. Only one process gets it.
pub(crate) fn open(path: &Path, now: Timestamp) -> Result<(Connection, files::WriteLock, Restored), OpenError> {
    let lock = take(path)?;
    let mut conn = connect(path)?;
    let found = recognise(path, &conn)?;
    let opened = (|| {
        let mode = schema::prepare_writer(&conn)?;
        if mode != "wal" {
            return Ok(Err(mode));
        }
        if let Some(what) = page_damage(&conn)? {
            return Ok(Ok(Err(what)));
        }
        if (1..schema::LATEST).contains(&found) {
            backup::before_migration(&conn, path, found, now)?;
        }
        schema::migrate(&mut conn, schema::LATEST)?;
        sums::keep(&conn)?;
        if let Some(what) = row_damage(&conn)? {
            return Ok(Ok(Err(what)));
        }
        let mut restored = restore(&conn)?;
        restored.migrated_from = (1..schema::LATEST).contains(&found).then_some(found);
        Ok(Ok(Ok(restored)))
    })();
    match opened {
        Ok(Ok(Ok(restored))) => Ok((conn, lock, restored)),
        Ok(Ok(Err(what))) => Err(damaged(path, conn, what)),
        Ok(Err(mode)) => Err(OpenError::NoWal { path: path.to_path_buf(), mode }),
        Err(error) => Err(failure(path, conn, error)),
    }
}

/// Folder, lock and file.
fn take(path: &Path) -> Result<files::WriteLock, OpenError> {
    let folder = files::folder(path);
    let in_folder = |source| OpenError::Folder { path: folder.to_path_buf(), source };
    files::make_folder(folder).map_err(in_folder)?;
    let lock =
        files::lock(path).map_err(in_folder)?.map_err(|pid| OpenError::InUse { path: path.to_path_buf(), pid })?;
    match files::make_private_file(path) {
        Ok(_) => Ok(lock),
        Err(source) if matches!(source.kind(), io::ErrorKind::IsADirectory | io::ErrorKind::InvalidInput) => {
            Err(OpenError::Other { path: path.to_path_buf(), source: files::no_database() })
        }
        Err(source) => Err(OpenError::ReadOnly { path: path.to_path_buf(), source }),
    }
}

fn connect(path: &Path) -> Result<Connection, OpenError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags(path, flags).map_err(|source| OpenError::Other { path: path.to_path_buf(), source })
}

/// Returns the schema of the file; makes an empty file ours.
fn recognise(path: &Path, conn: &Connection) -> Result<i32, OpenError> {
    let look = || -> rusqlite::Result<(i32, i32, i64)> {
        conn.busy_timeout(schema::BUSY)?;
        let tables = conn.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
        let application = conn.pragma_query_value(None, "application_id", |row| row.get(0))?;
        if tables == 0 && application == 0 {
            schema::prepare_new_file(conn)?;
            return Ok((schema::APPLICATION_ID, 0, 0));
        }
        Ok((application, schema::version(conn)?, tables))
    };
    match look() {
        Ok((application, _, _)) if application != schema::APPLICATION_ID => {
            Err(OpenError::NotOurs { path: path.to_path_buf() })
        }
        Ok((_, found, _)) if found > schema::LATEST => {
            Err(OpenError::Newer { path: path.to_path_buf(), found, known: schema::LATEST })
        }
        Ok((_, found, _)) => Ok(found),
        Err(error) => Err(classify(path, error)),
    }
}

/// Whether pages and indices are as they must be.
pub(crate) fn is_whole(conn: &Connection) -> rusqlite::Result<bool> {
    Ok(page_damage(conn)?.is_none())
}

/// What SQLite finds, also in indices: what is found through one must be what its table holds.
fn page_damage(conn: &Connection) -> rusqlite::Result<Option<String>> {
    let verdict: String = conn.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    Ok(if verdict == "ok" { older_indices(conn)?.into_iter().next() } else { Some(verdict) })
}

/// Indices of some rows of a table that hold more of them than the condition tells. SQLite looks only whether those that it
/// tells are there.
pub(crate) fn older_indices(conn: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut statement =
        conn.prepare("SELECT name, tbl_name, sql FROM sqlite_schema WHERE type = 'index' AND sql > ''")?;
    let indices = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let mut found = Vec::new();
    for index in indices {
        let (name, table, sql): (String, String, String) = index?;
        let Some((_, some)) = sql.split_once(" WHERE ") else { continue };
        let count = |how: &str| format!("(SELECT count(*) FROM {table} {how} WHERE {some})");
        let sql = format!("SELECT {} = {}", count(&format!("INDEXED BY {name}")), count("NOT INDEXED"));
        if !conn.query_row(&sql, [], |row| row.get(0))? {
            found.push(format!("rows of `{name}` are gone, or older than what was written last"));
        }
    }
    Ok(found)
}

/// The first row that is not what was written.
fn row_damage(conn: &Connection) -> rusqlite::Result<Option<String>> {
    Ok(digest::damage(conn, 1)?.into_iter().next())
}

/// Reads what a start goes on from.
pub(crate) fn restore(conn: &Connection) -> rusqlite::Result<Restored> {
    let mut restored = Restored { last_seq: batch::last_seq(conn)?, ..Restored::default() };
    let mut statement = conn.prepare("SELECT kind, key, body FROM entities ORDER BY kind, key")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let kind: String = row.get(0)?;
        let kind = entity_kind(&kind)
            .ok_or_else(|| super::query::unreadable(0, format!("`{kind}` is not a kind of entity").into()))?;
        restored.entities.push((kind, row.get(1)?, row.get(2)?));
    }
    let mut statement = conn.prepare("SELECT pane, anchor FROM positions ORDER BY pane")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let pane: String = row.get(0)?;
        let pane = pane.parse().map_err(|error| super::query::unreadable(0, Box::new(error)))?;
        restored.positions.push((pane, row.get(1)?));
    }
    let last: Option<i64> = conn.query_row(
        "SELECT max(at) FROM (SELECT max(at) AS at FROM (SELECT at FROM journal ORDER BY seq DESC LIMIT 1)
         UNION ALL SELECT max(at) FROM (SELECT at FROM notes ORDER BY id DESC LIMIT 1)
         UNION ALL SELECT max(at) FROM positions UNION ALL SELECT max(updated_at) FROM outbox)",
        [],
        |row| row.get(0),
    )?;
    restored.last_at = Timestamp(last.unwrap_or(0));
    restored.recent = super::query::notes(conn, &EventFilter { limit: RECENT, ..EventFilter::default() })?;
    Ok(restored)
}

/// The error of a file whose connection is given up first: copies are taken of closed files only.
fn failure(path: &Path, conn: Connection, error: rusqlite::Error) -> OpenError {
    drop(conn);
    classify(path, error)
}

fn damaged(path: &Path, conn: Connection, what: String) -> OpenError {
    drop(conn);
    set_aside(path, what)
}

fn set_aside(path: &Path, what: String) -> OpenError {
    OpenError::Damaged {
        path: path.to_path_buf(),
        what,
        aside: files::copy_aside(path),
        has_backup: backup::backups(path).is_ok_and(|found| !found.is_empty()),
    }
}

fn classify(path: &Path, error: rusqlite::Error) -> OpenError {
    let path_buf = path.to_path_buf();
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => set_aside(path, error.to_string()),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => OpenError::Busy { path: path_buf },
        Some(ErrorCode::DiskFull) => OpenError::Full { path: path_buf },
        Some(ErrorCode::ReadOnly) => {
            OpenError::ReadOnly { path: path_buf, source: io::ErrorKind::ReadOnlyFilesystem.into() }
        }
        _ => OpenError::Other { path: path_buf, source: error },
    }
}

/// Opens the file for reading, also while a supervisor writes it.
pub(crate) fn reader(path: &Path) -> Result<Reader, OpenError> {
    let conn = reader_of_any_schema(path)?;
    let found = schema::version(&conn).map_err(|error| classify(path, error))?;
    if found < schema::LATEST {
        return Err(OpenError::Older { path: path.to_path_buf(), found, known: schema::LATEST });
    }
    Ok(Reader::over(conn))
}

/// As [`reader`], also where the next start would migrate the file first.
pub(crate) fn reader_of_any_schema(path: &Path) -> Result<Connection, OpenError> {
    let other = |error| classify(path, error);
    let conn = files::open_reader(path).map_err(other)?;
    let application: i32 = conn.pragma_query_value(None, "application_id", |row| row.get(0)).map_err(other)?;
    if application != schema::APPLICATION_ID {
        return Err(OpenError::NotOurs { path: path.to_path_buf() });
    }
    let found = schema::version(&conn).map_err(other)?;
    if found > schema::LATEST {
        return Err(OpenError::Newer { path: path.to_path_buf(), found, known: schema::LATEST });
    }
    Ok(conn)
}
