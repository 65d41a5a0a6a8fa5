//! Setting damaged rows aside that nothing goes on from: the journal, lines for people, what left the state.
//!
//! **Invariants**
//! - Nothing is removed before a copy of the whole file lies beside it.
//! - Either all damage is in such rows, and the file is sound afterwards, or nothing is changed. What a start goes on from
//!   (open approvals, intents, runs; positions; messages on their way) is never touched: without a row of it a question
//!   or a text that was typed would be forgotten.

use super::check::ReadEntity;
use super::digest::{self, HISTORY, JOURNAL, NOTES, Table};
use super::error::OpenError;
use super::{check, files, open, schema, sums};
use rusqlite::{Connection, params};
use std::path::{Path, PathBuf};
use tmuxagent_model::Timestamp;

/// A row that was set aside.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct SetAside {
    /// Its table.
    pub table: &'static str,
    /// What names it there.
    pub row: String,
    /// What of it can be read, one line.
    pub text: String,
}

/// What a repair did, or would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repair {
    /// The copy of the whole file as it was; `None` where nothing was done.
    pub backup: Option<PathBuf>,
    /// The damaged rows.
    pub rows: Vec<SetAside>,
    /// Whether indices did not fit their tables, and are to be made anew.
    pub indices: bool,
}

/// Why nothing was repaired. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum RepairError {
    /// The file can't be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// It was made by an earlier version, whose rows carry no digests.
    #[error("{} is of an earlier version: start `tmuxagent` once, which brings it up to date", path.display())]
    Older {
        /// The file.
        path: PathBuf,
    },
    /// What is damaged is needed.
    #[error("what is damaged in {} is needed, so nothing was set aside: {}", path.display(), needed.join("; "))]
    Needed {
        /// The file.
        path: PathBuf,
        /// What is damaged.
        needed: Vec<String>,
    },
    /// No copy could be made.
    #[error("no copy of {} could be made, so nothing was set aside; see whether its disk has room", path.display())]
    NoCopy {
        /// The file.
        path: PathBuf,
    },
    /// Reading or writing failed.
    #[error("the state database {} can't be repaired: {source}", path.display())]
    Failed {
        /// The file.
        path: PathBuf,
        /// Why.
        source: rusqlite::Error,
    },
}

/// A table of which nothing is gone on from.
struct Spare {
    table: &'static Table,
    /// Its key, in SQL, and what of a row people read.
    key: &'static str,
    text: &'static str,
    /// What must be JSON.
    json: &'static str,
}

static SPARE: [Spare; 3] = [
    Spare { table: &NOTES, key: "id", text: "note", json: "note" },
    Spare { table: &JOURNAL, key: "seq", text: "event", json: "event" },
    Spare { table: &HISTORY, key: "kind || ' ' || key", text: "body", json: "body" },
];

/// Sets damaged rows aside that nothing goes on from; with `only_look` says which they are. Refused while a supervisor has
/// the file open, and where anything else is damaged too.
///
/// # Errors
/// [`RepairError`]; nothing was changed then.
pub fn repair(database: &Path, now: Timestamp, entity: ReadEntity<'_>, only_look: bool) -> Result<Repair, RepairError> {
    let failed = |source| RepairError::Failed { path: database.to_path_buf(), source };
    let in_folder = |source| OpenError::Folder { path: files::folder(database).to_path_buf(), source };
    let _lock = files::lock(database)
        .map_err(in_folder)?
        .map_err(|pid| OpenError::InUse { path: database.to_path_buf(), pid })?;
    let path = || database.to_path_buf();
    let (rows, indices) = {
        let conn = open::reader_of_any_schema(database)?;
        if schema::version(&conn).map_err(failed)? < schema::LATEST {
            return Err(RepairError::Older { path: path() });
        }
        let needed = needed(&conn, entity).map_err(failed)?;
        if !needed.is_empty() {
            return Err(RepairError::Needed { path: path(), needed });
        }
        let (rows, indices) = (damaged(&conn).map_err(failed)?, !open::is_whole(&conn).map_err(failed)?);
        if rows.is_empty() && !indices {
            // What is wrong lies in no row: rows are gone that were not let go.
            let needed = digest::damage(&conn, check::TOLD).map_err(failed)?;
            if !needed.is_empty() {
                return Err(RepairError::Needed { path: path(), needed });
            }
        }
        (rows, indices)
    };
    let mut backup = None;
    if !only_look && (indices || !rows.is_empty()) {
        backup = Some(files::copy_beside(database, now).ok_or_else(|| RepairError::NoCopy { path: path() })?);
        let left = remove(database, &rows).map_err(failed)?;
        if !left.is_empty() {
            return Err(RepairError::Needed { path: path(), needed: left });
        }
    }
    Ok(Repair { backup, rows: rows.into_iter().map(|(_, row)| row).collect(), indices })
}

/// Damage outside of the tables of which nothing is gone on from.
fn needed(conn: &Connection, entity: ReadEntity<'_>) -> rusqlite::Result<Vec<String>> {
    // Of a torn page no row can be told for certain. Indices are made anew.
    let torn: String = conn.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if torn != "ok" {
        return Ok(vec![torn]);
    }
    let spare = |table: &str| SPARE.iter().any(|spare| spare.table.name() == table);
    let mut found = digest::damage_of(conn, check::TOLD, &|table| !spare(table))?;
    found.extend(check::entities(conn, entity)?);
    Ok(found)
}

/// The damaged rows with the keys by which they are removed.
fn damaged(conn: &Connection) -> rusqlite::Result<Vec<(&'static Spare, SetAside)>> {
    let mut found = Vec::new();
    for spare in &SPARE {
        let (key, text) = (spare.key, spare.text);
        let sql = format!("SELECT {key}, {text} FROM {} WHERE {} ORDER BY 1", spare.table.name(), is_damaged(spare));
        let mut statement = conn.prepare(&sql)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let (name, text) = (digest::name(row.get_ref(0)?), digest::name(row.get_ref(1)?));
            found.push((spare, SetAside { table: spare.table.name(), row: name, text }));
        }
    }
    Ok(found)
}

/// What tells a damaged row, in SQL: its digest does not fit, or nobody could read it.
fn is_damaged(spare: &Spare) -> String {
    format!("(digest IS NOT {} OR NOT json_valid({}))", spare.table.own_digest(), spare.json)
}

/// Removes the rows in one transaction, and the journal's from the lines that name them. Tells what would be damaged all the
/// same; then nothing is removed.
fn remove(database: &Path, rows: &[(&'static Spare, SetAside)]) -> rusqlite::Result<Vec<String>> {
    let mut conn = Connection::open(database)?;
    schema::prepare_writer(&conn)?;
    sums::keep(&conn)?;
    conn.pragma_update(None, "synchronous", "FULL")?;
    let tx = conn.transaction()?;
    // A row that its index does not know can't be removed.
    tx.execute_batch("REINDEX")?;
    digest::letting_go(&tx, || {
        let forget = NOTES.update(&[("journal", "NULL")], "WHERE journal = CAST(?1 AS INTEGER)");
        for (spare, row) in rows {
            let name = spare.table.name();
            if name == JOURNAL.name() {
                tx.execute(&forget, params![row.row])?;
            }
            // As text: a key may be of another kind than its column says.
            tx.execute(&format!("DELETE FROM {name} WHERE CAST({} AS TEXT) = ?1", spare.key), params![row.row])?;
        }
        Ok(())
    })?;
    for (spare, _) in rows {
        // What was damaged may have been the digest itself.
        sums::make_anew(&tx, spare.table.name())?;
    }
    let mut left = digest::damage(&tx, check::TOLD)?;
    if !open::is_whole(&tx)? {
        left.push("pages of the file are damaged".to_owned());
    }
    if left.is_empty() {
        tx.commit()?
    } else {
        tx.rollback()?
    }
    conn.close().map_err(|(_, error)| error)?;
    Ok(left)
}
