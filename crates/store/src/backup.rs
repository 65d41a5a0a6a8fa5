//! Rolling backups, checks, restoring and exporting.
//!
//! A backup is copied to a file of another name, checked, and only then counts; older ones are removed after that. So
//! a damaged database never replaces a good backup.

use super::digest::{self, ENTITIES};
use super::error::{OpenError, StoreError};
use super::query::Reader;
use super::{batch, files, open, schema, sums};
use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, params};
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use tmuxagent_model::{EntityKind, Timestamp};

/// How many backups are kept unless the configuration says otherwise.
pub const BACKUP_GENERATIONS: usize = 5;

/// A backup that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackupMade {
    /// The file.
    pub path: PathBuf,
    /// Its size, bytes.
    pub bytes: u64,
    /// Older ones that were removed for it.
    pub removed: Vec<PathBuf>,
}

/// What a restoration did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restoration {
    /// The backup that is the database now.
    pub from: PathBuf,
    /// Where the former database is kept, if there was one.
    pub aside: Option<PathBuf>,
    /// Newer backups that were passed over, and why.
    pub passed_over: Vec<(PathBuf, String)>,
}

/// The folder of a database's backups.
fn folder(database: &Path) -> PathBuf {
    files::folder(database).join("backups")
}

/// `state-` and `.db` of `state.db`.
fn name_parts(database: &Path) -> (String, String) {
    let stem = database.file_stem().unwrap_or_default().to_string_lossy();
    let extension = database.extension().map(|ext| format!(".{}", ext.to_string_lossy())).unwrap_or_default();
    (format!("{stem}-"), extension)
}

/// The rolling backups of a database, newest first.
pub fn backups(database: &Path) -> io::Result<Vec<PathBuf>> {
    let (prefix, suffix) = name_parts(database);
    let entries = match fs::read_dir(folder(database)) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let stamp = name.strip_prefix(&prefix).and_then(|rest| rest.strip_suffix(&suffix));
        // Copies from before a migration (`state-schema2-…`) have their own names and are not rolled.
        if stamp.is_some_and(|stamp| stamp.starts_with(|c: char| c.is_ascii_digit()) && !stamp.contains('.')) {
            found.push(path);
        }
    }
    found.sort_unstable();
    found.reverse();
    Ok(found)
}

/// Makes a backup of an open database; `between` runs after every `pages` pages and may end it with its error.
pub(crate) fn roll(
    source: &Connection,
    database: &Path,
    now: Timestamp,
    generations: usize,
    pages: i32,
    mut between: impl FnMut() -> Result<(), StoreError>,
) -> Result<BackupMade, StoreError> {
    let folder = folder(database);
    files::make_folder(&folder)?;
    let (prefix, suffix) = name_parts(database);
    let path = folder.join(format!("{prefix}{}{suffix}", files::stamp(now)));
    // A supervisor and a person may make one in the same second.
    let part = files::beside(&path, &format!(".{}.part", std::process::id()));
    let made = copy_pages(source, &part, pages, &mut between).and_then(|()| {
        if let Some(problem) = sound(&part, &mut between)? {
            return Err(super::error::Fault::Damaged(problem).into());
        }
        fs::File::open(&part)?.sync_all()?;
        files::publish(&part, &path)?;
        let bytes = fs::metadata(&path)?.len();
        let mut removed = Vec::new();
        for old in backups(database)?.into_iter().skip(generations.max(1)) {
            fs::remove_file(&old)?;
            removed.push(old);
        }
        Ok(BackupMade { path: path.clone(), bytes, removed })
    });
    if made.is_err() {
        let _ = fs::remove_file(&part);
    }
    made
}

fn copy_pages(
    source: &Connection,
    part: &Path,
    pages: i32,
    between: &mut impl FnMut() -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let _ = fs::remove_file(part);
    drop(files::make_private_file(part)?);
    let mut target = Connection::open(part)?;
    // The copy is synced as a whole before it gets its name.
    target.pragma_update(None, "synchronous", "OFF")?;
    {
        let copy = Backup::new(source, &mut target)?;
        loop {
            match copy.step(pages)? {
                StepResult::Done => break,
                StepResult::Busy | StepResult::Locked => std::thread::sleep(std::time::Duration::from_millis(5)),
                _ => {}
            }
            between()?;
        }
    }
    // The copy says WAL in its header; a plain file needs no `-wal` beside it to be whole.
    let _: String = target.pragma_update_and_check(None, "journal_mode", "DELETE", |row| row.get(0))?;
    target.close().map_err(|(_, error)| error.into())
}

/// What is wrong with a closed file that should be a database of ours; `between` runs now and then and may end it with its
/// error. Indices are not looked at: a restoration makes them anew.
fn sound(path: &Path, between: &mut dyn FnMut() -> Result<(), StoreError>) -> Result<Option<String>, StoreError> {
    let conn = files::open_reader(path)?;
    let look = || -> rusqlite::Result<Option<String>> {
        let verdict: String = conn.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
        let application: i32 = conn.pragma_query_value(None, "application_id", |row| row.get(0))?;
        let version = schema::version(&conn)?;
        Ok(if verdict != "ok" {
            Some(verdict)
        } else if application != schema::APPLICATION_ID {
            Some("it is no database of tmuxagent".to_owned())
        } else if version > schema::LATEST {
            Some(format!("it has schema {version}, this tmuxagent knows up to {}", schema::LATEST))
        } else {
            None
        })
    };
    match look() {
        Ok(None) => {}
        Ok(problem) => return Ok(problem),
        Err(error) => return Ok(Some(error.to_string())),
    }
    if schema::version(&conn)? < digest::SINCE {
        return Ok(None);
    }
    Ok(digest::damage_in_turns(&conn, 1, between)?.into_iter().next())
}

/// Keeps what a file was before its schema changes, once per schema.
pub(crate) fn before_migration(conn: &Connection, database: &Path, found: i32, now: Timestamp) -> rusqlite::Result<()> {
    let (prefix, suffix) = name_parts(database);
    let path = folder(database).join(format!("{prefix}schema{found}-{}{suffix}", files::stamp(now)));
    let part = files::beside(&path, ".part");
    let kept = files::make_folder(&folder(database)).map_err(StoreError::from).and_then(|()| {
        copy_pages(conn, &part, -1, &mut || Ok(()))?;
        Ok(files::publish(&part, &path)?)
    });
    kept.map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))
}

/// Makes a backup of a database that another process may be writing: readers never block the writer, and what is copied
/// is one state of it.
///
/// # Errors
/// Where the file is none of ours or the copy can't be written.
pub fn back_up(database: &Path, now: Timestamp, generations: usize) -> Result<BackupMade, BackupError> {
    let source = open::reader_of_any_schema(database)?;
    // All pages at once: a copy in parts would begin anew with each commit of the writer.
    Ok(roll(&source, database, now, generations, -1, || Ok(()))?)
}

/// Why no backup was made.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The database can't be read.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The copy failed.
    #[error(transparent)]
    Copy(#[from] StoreError),
}

/// A backup that can be made the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chosen {
    /// The file.
    pub file: PathBuf,
    /// Newer ones that are no good, and why.
    pub passed_over: Vec<(PathBuf, String)>,
}

/// The given file, or the newest backup that is sound.
///
/// # Errors
/// When there is none.
pub fn choose(database: &Path, from: Option<&Path>) -> Result<Chosen, RestoreError> {
    let candidates = match from {
        Some(file) => vec![file.to_path_buf()],
        None => backups(database)?,
    };
    let mut passed_over = Vec::new();
    for file in candidates {
        match sound(&file, &mut || Ok(())) {
            Ok(None) => return Ok(Chosen { file, passed_over }),
            Ok(Some(problem)) => passed_over.push((file, problem)),
            Err(error) => passed_over.push((file, error.to_string())),
        }
    }
    Err(RestoreError::NoBackup { folder: folder(database), passed_over })
}

/// A row of the state as it is gone on from after a restoration, by kind, key and body; `None` leaves it as it is.
pub type SetBack<'a> = &'a dyn Fn(EntityKind, &str, &str) -> Option<String>;

/// Makes a backup the database: the given file, or the newest that is sound. The present database is kept aside.
/// Refused while a supervisor has the database open.
///
/// What panes have printed since the backup was acted upon in the life that is given up, so the places up to which they
/// were read are forgotten: a pane is read from its end on.
pub fn restore(database: &Path, from: Option<&Path>, set_back: SetBack<'_>) -> Result<Restoration, RestoreError> {
    let in_folder = |source| OpenError::Folder { path: files::folder(database).to_path_buf(), source };
    files::make_folder(files::folder(database)).map_err(in_folder)?;
    let _lock = files::lock(database)
        .map_err(in_folder)?
        .map_err(|pid| OpenError::InUse { path: database.to_path_buf(), pid })?;
    let Chosen { file, passed_over } = choose(database, from)?;
    let part = files::beside(database, ".restored");
    files::copy_synced(&file, &part)?;
    go_back(&part, set_back).map_err(io::Error::other)?;
    let aside = if database.exists() { files::move_aside(database)? } else { None };
    files::publish(&part, database)?;
    Ok(Restoration { from: file, aside, passed_over })
}

fn go_back(part: &Path, set_back: SetBack<'_>) -> rusqlite::Result<()> {
    let mut conn = Connection::open(part)?;
    digest::register(&conn)?;
    sums::keep(&conn)?;
    conn.pragma_update(None, "synchronous", "FULL")?;
    let tx = conn.transaction()?;
    tx.execute_batch("REINDEX")?;
    let version = schema::version(&tx)?;
    if version > 0 {
        tx.execute("DELETE FROM positions", [])?;
        let changed = {
            let mut statement = tx.prepare("SELECT kind, key, body FROM entities")?;
            let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
            let rows = rows.collect::<rusqlite::Result<Vec<(String, String, String)>>>()?;
            let set_back = |(kind, key, body): (String, String, String)| {
                set_back(batch::entity_kind(&kind)?, &key, &body).map(|body| (kind, key, body))
            };
            rows.into_iter().filter_map(set_back).collect::<Vec<_>>()
        };
        let rows = "WHERE kind = ?1 AND key = ?2";
        let update = if version < digest::SINCE {
            format!("UPDATE entities SET body = ?3 {rows}")
        } else {
            ENTITIES.update(&[("body", "?3")], rows)
        };
        for (kind, key, body) in changed {
            tx.execute(&update, params![kind, key, body])?;
        }
    }
    tx.commit()?;
    conn.close().map_err(|(_, error)| error)
}

/// Why nothing was restored.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// The database can't be replaced now.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// Copying failed; the former database is in place or kept aside.
    #[error("restoring failed: {0}")]
    Io(#[from] io::Error),
    /// There is nothing sound to restore from.
    #[error("no sound backup in {}{}; name a file with `tmuxagent db restore FILE`, or move the database away to start afresh", folder.display(), unsound(passed_over))]
    NoBackup {
        /// Where backups are looked for.
        folder: PathBuf,
        /// What was there, and what is wrong with it.
        passed_over: Vec<(PathBuf, String)>,
    },
}

fn unsound(passed_over: &[(PathBuf, String)]) -> String {
    passed_over.iter().map(|(path, problem)| format!(" ({}: {problem})", path.display())).collect()
}

/// Why an export ended early.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The database can't be read.
    #[error(transparent)]
    Read(#[from] StoreError),
    /// Whoever takes the lines takes no more.
    #[error("the export can't be written: {0}")]
    Write(io::Error),
}

/// Writes the journal as JSON lines `{"seq":…,"at":…,"event":{…},"notes":[…]}`, oldest first; returns how many.
/// Pane text in it is as it was read, made safe for terminals by JSON's own escapes of control characters.
///
/// # Errors
/// What can't be read, or written to `out`.
pub fn export(reader: &Reader, after: u64, out: &mut impl Write) -> Result<u64, ExportError> {
    let sql = "SELECT severity, place, note FROM notes WHERE journal = ?1 ORDER BY id";
    let mut statement = reader.conn().prepare(sql).map_err(StoreError::from)?;
    let mut written = 0;
    for entry in reader.journal(after) {
        let entry = entry?;
        let notes = statement
            .query_map(params![entry.seq], |row| {
                let note: serde_json::Value = super::query::parse(2, &row.get::<_, String>(2)?)?;
                let place: String = row.get(1)?;
                Ok(serde_json::json!({ "severity": batch::severity_of(row.get(0)?), "place": place, "note": note }))
            })
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(StoreError::from)?;
        let line = serde_json::json!({ "seq": entry.seq, "at": entry.at, "event": entry.event, "notes": notes });
        writeln!(out, "{line}").map_err(ExportError::Write)?;
        written += 1;
    }
    Ok(written)
}
