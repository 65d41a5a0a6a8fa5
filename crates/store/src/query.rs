//! Reading: the journal, its lines for people, approvals of all times.

use super::batch::{entity_name, severity_number, severity_of};
use super::error::{OpenError, StoreError};
use super::{open, schema};
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::de::DeserializeOwned;
use std::path::Path;
use tmuxagent_model::{Approval, EntityKind, Event, EventLine, RunId, Severity, Timestamp};

/// Rows that the journal is read by.
const PAGE: u32 = 500;

/// A connection that can only read.
#[derive(Debug)]
pub struct Reader {
    conn: Connection,
}

/// Which lines for people are wanted. The default wants none: `limit` is 0.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EventFilter {
    /// Only with a number above this.
    pub after: u64,
    /// At most so many, the newest of those that fit.
    pub limit: u32,
    /// Only those that matter at least so much.
    pub severity: Option<Severity>,
    /// Only those whose place contains this text.
    pub place: Option<String>,
    /// Only those of this run.
    pub run: Option<RunId>,
    /// Only those since this instant.
    pub since: Option<Timestamp>,
}

/// A row of the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalEntry {
    /// Its number.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// What happened.
    pub event: Event,
}

/// What a name or the beginning of one leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found<T> {
    /// Nothing has it.
    None,
    /// Exactly one thing.
    One(T),
    /// Several; these are some of their names.
    Several(Vec<String>),
}

impl Reader {
    /// Opens a database for reading, also while a supervisor writes it.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        open::reader(path)
    }

    pub(super) const fn over(conn: Connection) -> Self {
        Self { conn }
    }

    pub(super) const fn conn(&self) -> &Connection {
        &self.conn
    }

    /// Lines for people, newest last.
    pub fn events(&self, filter: &EventFilter) -> Result<Vec<EventLine>, StoreError> {
        Ok(notes(&self.conn, filter)?)
    }

    /// Hands on every line for people since an instant, oldest first, without holding them all.
    pub fn each_event(&self, since: Timestamp, mut take: impl FnMut(EventLine)) -> Result<(), StoreError> {
        let sql = "SELECT id, at, severity, place, note FROM notes WHERE at >= ?1 ORDER BY id";
        let mut statement = self.conn.prepare_cached(sql)?;
        for found in statement.query_map([since.0], line)? {
            take(found?);
        }
        Ok(())
    }

    /// An approval by its id or the beginning of it, open or closed. An exact id wins over longer ones, and the only open
    /// one over closed ones: it is what somebody means who decides.
    pub fn approval(&self, id: &str) -> Result<Found<Approval>, StoreError> {
        if id.is_empty() {
            return Ok(Found::None);
        }
        let sql = "SELECT key, body, open FROM (
             SELECT key, body, coalesce(json_extract(body, '$.state', '$.approval.state') LIKE '%\"pending\"%', 0) AS open
             FROM entities WHERE kind = ?1 AND substr(key, 1, length(?2)) = ?2
             UNION ALL SELECT key, body, 0 FROM history AS h WHERE kind = ?1 AND substr(key, 1, length(?2)) = ?2
             AND NOT EXISTS (SELECT 1 FROM entities AS e WHERE e.kind = h.kind AND e.key = h.key))
             ORDER BY open DESC, key LIMIT 10";
        let mut statement = self.conn.prepare_cached(sql)?;
        let mut found = statement
            .query_map(params![entity_name(EntityKind::Approval), id], |row| {
                Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, bool>(2)?))
            })?
            .collect::<Result<Vec<_>, _>>()?;
        let exact = found.iter().position(|(key, ..)| key == id);
        let open = found.iter().filter(|(.., open)| *open).count();
        let meant = exact.or((found.len() == 1 || open == 1).then_some(0));
        match meant {
            Some(at) => Ok(Found::One(approval(&found.swap_remove(at).1)?)),
            None if found.is_empty() => Ok(Found::None),
            None => Ok(Found::Several(found.into_iter().map(|(key, ..)| key).collect())),
        }
    }

    /// Approvals that the state still holds and those that left it, in the order they were asked, the newest `limit`.
    pub fn approvals(&self, limit: u32) -> Result<Vec<Approval>, StoreError> {
        let sql = "SELECT body FROM (SELECT key, body FROM entities WHERE kind = ?1
             UNION ALL SELECT key, body FROM history AS h WHERE kind = ?1
             AND NOT EXISTS (SELECT 1 FROM entities AS e WHERE e.kind = h.kind AND e.key = h.key))
             ORDER BY key DESC LIMIT ?2";
        let mut statement = self.conn.prepare_cached(sql)?;
        let mut approvals = statement
            .query_map(params![entity_name(EntityKind::Approval), limit], |row| approval(&row.get::<_, String>(0)?))?
            .collect::<Result<Vec<_>, _>>()?;
        approvals.reverse();
        Ok(approvals)
    }

    /// Runs that left the state, as the engine's JSON, newest last, at most `limit`: number, when they left, JSON.
    pub fn past_runs(&self, limit: u32) -> Result<Vec<(RunId, Timestamp, String)>, StoreError> {
        let mut statement = self.conn.prepare_cached(
            "SELECT CAST(key AS INTEGER), at, body FROM history WHERE kind = ?1 ORDER BY CAST(key AS INTEGER) DESC LIMIT ?2",
        )?;
        let mut runs = statement
            .query_map(params![entity_name(EntityKind::Run), limit], |row| {
                Ok((RunId(row.get(0)?), Timestamp(row.get(1)?), row.get(2)?))
            })?
            .collect::<Result<Vec<_>, _>>()?;
        runs.reverse();
        Ok(runs)
    }

    /// One stored entity's JSON.
    pub fn entity(&self, kind: EntityKind, key: &str) -> Result<Option<String>, StoreError> {
        let mut statement = self.conn.prepare_cached("SELECT body FROM entities WHERE kind = ?1 AND key = ?2")?;
        Ok(statement.query_row(params![entity_name(kind), key], |row| row.get(0)).optional()?)
    }

    /// The journal above a number, oldest first, read by pages, so that a long one needs little memory.
    #[must_use]
    pub const fn journal(&self, after: u64) -> Journal<'_> {
        Journal { reader: self, after, page: Vec::new(), ended: false }
    }

    /// What people and scripts started and steered, and what agents did, between two instants, oldest first.
    pub fn acts(&self, since: Timestamp, until: Timestamp) -> Result<Vec<JournalEntry>, StoreError> {
        let sql = "SELECT seq, at, event FROM (
             SELECT seq, at, event, coalesce(json_extract(event, '$.fact'), event) AS fact FROM journal WHERE at BETWEEN ?1 AND ?2)
             WHERE json_extract(fact, '$.event') IN ('agent', 'command_ended')
             OR json_extract(fact, '$.command.command') IN ('start', 'control') ORDER BY seq";
        let mut statement = self.conn.prepare_cached(sql)?;
        Ok(statement.query_map(params![since.0, until.0], entry)?.collect::<Result<_, _>>()?)
    }

    /// The schema of the file, and the one that this program writes.
    pub fn schema(&self) -> Result<(i32, i32), StoreError> {
        Ok((schema::version(&self.conn)?, schema::LATEST))
    }
}

/// The journal, oldest row first; see [`Reader::journal`].
#[derive(Debug)]
pub struct Journal<'a> {
    reader: &'a Reader,
    after: u64,
    /// Read ahead, in reverse.
    page: Vec<JournalEntry>,
    ended: bool,
}

impl Journal<'_> {
    fn fill(&mut self) -> Result<(), StoreError> {
        let sql = "SELECT seq, at, event FROM journal WHERE seq > ?1 ORDER BY seq LIMIT ?2";
        let mut statement = self.reader.conn.prepare_cached(sql)?;
        self.page = statement.query_map(params![self.after, PAGE], entry)?.collect::<Result<Vec<_>, _>>()?;
        match self.page.last() {
            Some(last) => self.after = last.seq,
            None => self.ended = true,
        }
        self.page.reverse();
        Ok(())
    }
}

impl Iterator for Journal<'_> {
    type Item = Result<JournalEntry, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.page.is_empty()
            && !self.ended
            && let Err(error) = self.fill()
        {
            self.ended = true;
            return Some(Err(error));
        }
        self.page.pop().map(Ok)
    }
}

/// Lines for people, newest last.
pub(crate) fn notes(conn: &Connection, filter: &EventFilter) -> rusqlite::Result<Vec<EventLine>> {
    let sql = "SELECT id, at, severity, place, note FROM notes
         WHERE id > ?1 AND (?3 IS NULL OR severity >= ?3) AND (?4 IS NULL OR instr(place, ?4) > 0)
         AND (?5 IS NULL OR run = ?5) AND (?6 IS NULL OR at >= ?6)
         ORDER BY id DESC LIMIT ?2";
    let mut statement = conn.prepare_cached(sql)?;
    let wanted = params![
        filter.after,
        filter.limit,
        filter.severity.map(severity_number),
        filter.place,
        filter.run.map(|run| run.0),
        filter.since.map(|since| since.0)
    ];
    let mut lines = statement.query_map(wanted, line)?.collect::<Result<Vec<_>, _>>()?;
    lines.reverse();
    Ok(lines)
}

fn line(row: &Row<'_>) -> rusqlite::Result<EventLine> {
    Ok(EventLine {
        seq: row.get(0)?,
        at: Timestamp(row.get(1)?),
        severity: severity_of(row.get(2)?),
        place: row.get(3)?,
        note: parse(4, &row.get::<_, String>(4)?)?,
    })
}

fn entry(row: &Row<'_>) -> rusqlite::Result<JournalEntry> {
    Ok(JournalEntry { seq: row.get(0)?, at: Timestamp(row.get(1)?), event: parse(2, &row.get::<_, String>(2)?)? })
}

/// An approval out of the engine's row, which holds it whole or as its part `approval`.
pub(crate) fn approval(body: &str) -> rusqlite::Result<Approval> {
    #[derive(serde::Deserialize)]
    struct Holder {
        approval: Approval,
    }
    match serde_json::from_str::<Holder>(body) {
        Ok(holder) => Ok(holder.approval),
        Err(_) => parse(1, body),
    }
}

/// Reads JSON of a column.
pub(crate) fn parse<T: DeserializeOwned>(column: usize, text: &str) -> rusqlite::Result<T> {
    serde_json::from_str(text).map_err(|error| unreadable(column, Box::new(error)))
}

/// The error of a column that holds something else than it should.
pub(crate) fn unreadable(column: usize, error: Box<dyn std::error::Error + Send + Sync>) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Text, error)
}
