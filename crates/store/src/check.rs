//! Examining a database: its pages, and every row as those read it who go on from it.

use super::backup::backups;
use super::batch::entity_kind;
use super::error::OpenError;
use super::recording::check_recordings;
use super::{digest, files, open, query, schema};
use rusqlite::{Connection, Row};
use std::path::Path;
use tmuxagent_model::{Alert, EntityKind, Event, Note};

/// Problems that are told one by one; more of a kind are counted.
pub(crate) const TOLD: usize = 20;

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// What is wrong; empty when all is well.
    pub problems: Vec<String>,
    /// The schema of the file.
    pub schema: i32,
    /// The size of database and WAL, bytes.
    pub bytes: u64,
    /// Rows of the journal.
    pub journal_rows: u64,
    /// Entities of the state.
    pub entities: u64,
    /// Alerts that wait to be sent.
    pub waiting_alerts: u64,
}

/// Reads an entity as whoever goes on from it does; the error says why that can't be done. The store knows entities as
/// JSON only.
pub type ReadEntity<'a> = &'a dyn Fn(EntityKind, &str, &str) -> Result<(), String>;

/// Reads a row as whoever goes on from it does.
type ReadRow<'a> = &'a dyn Fn(&Row<'_>) -> Result<(), String>;

/// Examines a database thoroughly, also while a supervisor writes it: its pages, and every row as a start reads it. Reads
/// all of it. `recordings` is the file of recordings beside it, which may not be there.
///
/// # Errors
/// Where the file can't be read at all.
pub fn check(database: &Path, recordings: Option<&Path>, entity: ReadEntity<'_>) -> Result<Health, OpenError> {
    let reader = open::reader(database)?;
    let look = || -> rusqlite::Result<Health> {
        // One state of the file: what a supervisor writes meanwhile is in all of it or in none.
        let tx = reader.conn().unchecked_transaction()?;
        let conn = &*tx;
        let mut problems = pages(conn)?;
        problems.extend(digest::damage(conn, TOLD)?);
        problems.extend(rows(conn, entity)?);
        let count = |sql: &str| conn.query_row(sql, [], |row| row.get::<_, u64>(0));
        Ok(Health {
            problems,
            schema: schema::version(conn)?,
            bytes: size(database) + size(&files::beside(database, "-wal")),
            journal_rows: count("SELECT count(*) FROM journal")?,
            entities: count("SELECT count(*) FROM entities")?,
            waiting_alerts: count("SELECT count(*) FROM outbox WHERE state = 'waiting'")?,
        })
    };
    let mut health = look().map_err(|error| OpenError::Damaged {
        path: database.to_path_buf(),
        what: error.to_string(),
        aside: None,
        has_backup: backups(database).is_ok_and(|found| !found.is_empty()),
    })?;
    if let Some(file) = recordings.filter(|file| file.exists()) {
        let found = check_recordings(file).unwrap_or_else(|error| vec![error.to_string()]);
        health.problems.extend(found.into_iter().map(|problem| format!("{}: {problem}", file.display())));
    }
    Ok(health)
}

/// What SQLite itself finds.
fn pages(conn: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut statement = conn.prepare("PRAGMA integrity_check(20)")?;
    let mut problems = statement.query_map([], |row| row.get::<_, String>(0))?.collect::<Result<Vec<_>, _>>()?;
    problems.retain(|problem| problem != "ok");
    if problems.is_empty() {
        problems.extend(open::older_indices(conn)?);
    }
    let mut statement = conn.prepare("PRAGMA foreign_key_check")?;
    for row in statement.query_map([], |row| row.get::<_, String>(0))? {
        problems.push(format!("a row of `{}` refers to one that is gone", row?));
    }
    Ok(problems)
}

/// Rows that nobody could go on from.
fn rows(conn: &Connection, entity: ReadEntity<'_>) -> rusqlite::Result<Vec<String>> {
    let mut problems = Vec::new();
    // What a start reads before it understands anything.
    if let Err(error) = open::restore(conn) {
        problems.push(format!("a start would refuse: {error}"));
    }
    problems.extend(entities(conn, entity)?);
    let kept = |row: &Row<'_>| -> Result<(), String> {
        let kind = text(row, 0)?;
        match entity_kind(&kind) {
            Some(EntityKind::Approval) => query::approval(&text(row, 2)?).map(drop).map_err(|error| error.to_string()),
            Some(_) => serde_json::from_str::<serde_json::Value>(&text(row, 2)?).map(drop).map_err(|e| e.to_string()),
            None => Err(format!("`{kind}` is not a kind of entity")),
        }
    };
    let tables: [(&str, &str, ReadRow<'_>); 4] = [
        ("history", "SELECT kind, key, body, kind || ' ' || key FROM history ORDER BY kind, key", &kept),
        ("journal", "SELECT at, seq, event, seq FROM journal ORDER BY seq", &json::<Event>),
        ("notes", "SELECT at, id, note, id FROM notes ORDER BY id", &json::<Note>),
        ("outbox", "SELECT next_at, id, alert, id FROM outbox ORDER BY id", &json::<Alert>),
    ];
    for (table, sql, read) in tables {
        problems.extend(unreadable(conn, table, sql, read)?);
    }
    Ok(problems)
}

/// Entities that nobody could go on from.
pub(crate) fn entities(conn: &Connection, entity: ReadEntity<'_>) -> rusqlite::Result<Vec<String>> {
    let stored = |row: &Row<'_>| -> Result<(), String> {
        let (kind, key, body) = (text(row, 0)?, text(row, 1)?, text(row, 2)?);
        let kind = entity_kind(&kind).ok_or_else(|| format!("`{kind}` is not a kind of entity"))?;
        entity(kind, &key, &body)
    };
    let sql = "SELECT kind, key, body, kind || ' ' || key FROM entities ORDER BY kind, key";
    unreadable(conn, "entities", sql, &stored)
}

/// Reads every row of a table; the fourth column names it.
fn unreadable(conn: &Connection, table: &str, sql: &str, read: ReadRow<'_>) -> rusqlite::Result<Vec<String>> {
    let (mut told, mut more) = (Vec::new(), 0_u64);
    let mut statement = conn.prepare(sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let Err(why) = read(row) else { continue };
        if told.len() < TOLD {
            let name = digest::name(row.get_ref(3)?);
            told.push(format!("row {name} of `{table}` can't be read: {why}"));
        } else {
            more += 1;
        }
    }
    if more > 0 {
        told.push(format!("{more} more rows of `{table}` can't be read"));
    }
    Ok(told)
}

/// A row whose first column is an instant and whose third is JSON of that type.
fn json<T: serde::de::DeserializeOwned>(row: &Row<'_>) -> Result<(), String> {
    row.get::<_, i64>(0).map_err(|error| error.to_string())?;
    serde_json::from_str::<T>(&text(row, 2)?).map(drop).map_err(|error| error.to_string())
}

fn text(row: &Row<'_>, column: usize) -> Result<String, String> {
    row.get(column).map_err(|error| error.to_string())
}

fn size(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |meta| meta.len())
}
