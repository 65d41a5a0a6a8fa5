//! Digests of rows: what the disk or memory changed in a row is found, also where it still parses.
//!
//! Every row carries 64 bits of SHA-256 over its table's name and all its other columns. They are computed by SQL's
//! function `row_digest` in the statement that writes the row, and so over what is stored: after redaction.
//!
//! **Invariants**
//! - Rows are written by statements of [`Table`] alone: [`Table::insert`], [`Table::update`], [`fitting`].
//! - Who changes a row never heals it: where the former digest did not fit, the new one does not fit either.
//! - The last number of a table (`sqlite_sequence`, which can carry no digest) is the highest of its rows, or what
//!   `let_go` remembers of rows that are gone.
//!
//! What lies outside of rows, pages and indices, is found by SQLite's own check; rows that are gone or older by the sums of
//! their tables (`sums`). This guards against accidents: whoever may write the file can write digests.

use super::{schema, sums};
use rusqlite::functions::FunctionFlags;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, params};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;

/// The first schema whose rows have digests.
pub(crate) const SINCE: i32 = 5;

/// Rows that are looked at before somebody else gets a turn; some milliseconds.
const AT_ONCE: u32 = 2000;

/// A table whose rows carry digests.
pub(crate) struct Table {
    name: &'static str,
    /// All columns but the digest, in the order in which they are digested.
    columns: &'static [&'static str],
    /// What names a row for people, in SQL.
    row: &'static str,
    /// Its column of numbers that are never given twice.
    number: Option<&'static str>,
}

pub(crate) static JOURNAL: Table =
    Table { name: "journal", columns: &["seq", "at", "pane", "run", "event"], row: "seq", number: Some("seq") };

pub(crate) static NOTES: Table = Table {
    name: "notes",
    columns: &["id", "journal", "at", "severity", "place", "run", "note"],
    row: "id",
    number: Some("id"),
};

pub(crate) static OUTBOX: Table = Table {
    name: "outbox",
    columns: &[
        "id",
        "channel",
        "key",
        "dedupe",
        "alert",
        "state",
        "attempts",
        "next_at",
        "answer",
        "created_at",
        "updated_at",
        "setup",
        "revived",
        "put_back_at",
    ],
    row: "id",
    number: Some("id"),
};

pub(crate) static ENTITIES: Table =
    Table { name: "entities", columns: &["kind", "key", "body"], row: "kind || ' ' || key", number: None };

pub(crate) static HISTORY: Table =
    Table { name: "history", columns: &["kind", "key", "at", "body"], row: "kind || ' ' || key", number: None };

pub(crate) static POSITIONS: Table =
    Table { name: "positions", columns: &["pane", "anchor", "at"], row: "pane", number: None };

pub(crate) static LET_GO: Table = Table { name: "let_go", columns: &["name", "highest"], row: "name", number: None };

pub(crate) static TABLES: [&Table; 7] = [&ENTITIES, &POSITIONS, &HISTORY, &JOURNAL, &NOTES, &OUTBOX, &LET_GO];

impl Table {
    /// Its name.
    pub(crate) const fn name(&self) -> &'static str {
        self.name
    }

    /// The digest of a row as it stands there, in SQL.
    pub(crate) fn own_digest(&self) -> String {
        self.digest(self.columns)
    }

    /// The statement that writes a whole row, whose columns are its parameters in their order. A row with that key is
    /// replaced in tables without numbers, where that means a new state; elsewhere it is an error.
    pub(crate) fn insert(&self) -> String {
        let or = if self.number.is_none() { " OR REPLACE" } else { "" };
        let places: Vec<String> = (1..=self.columns.len()).map(|n| format!("?{n}")).collect();
        format!(
            "INSERT{or} INTO {} ({}, digest) VALUES ({}, {})",
            self.name,
            self.columns.join(", "),
            places.join(", "),
            self.digest(&places)
        )
    }

    /// The statement that changes columns, each with its new value in SQL, of the rows that a `WHERE` tells.
    pub(crate) fn update(&self, changes: &[(&str, &str)], rows: &str) -> String {
        let set: Vec<String> = changes.iter().map(|(column, value)| format!("{column} = {value}")).collect();
        let after: Vec<&str> = self
            .columns
            .iter()
            .map(|column| changes.iter().find(|(changed, _)| changed == column).map_or(*column, |(_, value)| *value))
            .collect();
        format!("UPDATE {} SET {}, digest = {} {rows}", self.name, set.join(", "), fitting(self, &self.digest(&after)))
    }

    /// The digest of a row with these values, in SQL.
    pub(crate) fn digest<S: std::borrow::Borrow<str>>(&self, values: &[S]) -> String {
        format!("row_digest('{}', {})", self.name, values.join(", "))
    }
}

/// A new digest, in SQL, for what is made of a row of a table: one that fits only where the row's own does.
pub(crate) fn fitting(from: &Table, digest: &str) -> String {
    format!("iif(digest = {}, {digest}, ~{digest})", from.digest(from.columns))
}

/// Makes `row_digest` known to a connection.
pub(crate) fn register(conn: &Connection) -> rusqlite::Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    conn.create_scalar_function("row_digest", -1, flags, |context| {
        Ok(digest((0..context.len()).map(|at| context.get_raw(at))))
    })
}

/// Each value with its type and length, so that no two rows have the same bytes.
fn digest<'v>(values: impl Iterator<Item = ValueRef<'v>>) -> i64 {
    // Gathered first: hashing many short pieces takes longer.
    let mut row = Vec::with_capacity(1024);
    let mut add = |kind: u8, bytes: &[u8]| {
        row.push(kind);
        row.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
        row.extend_from_slice(bytes);
    };
    for value in values {
        match value {
            ValueRef::Null => add(0, &[]),
            ValueRef::Integer(number) => add(1, &number.to_le_bytes()),
            ValueRef::Real(number) => add(2, &number.to_le_bytes()),
            ValueRef::Text(text) => add(3, text),
            ValueRef::Blob(blob) => add(4, blob),
        }
    }
    let [a, b, c, d, e, f, g, h, ..] = <[u8; 32]>::from(Sha256::digest(&row));
    i64::from_le_bytes([a, b, c, d, e, f, g, h])
}

/// Rows of a file whose rows have digests that are not what was written, `most` of each table told one by one.
pub(crate) fn damage(conn: &Connection, most: usize) -> rusqlite::Result<Vec<String>> {
    damage_in_turns(conn, most, &mut || Ok(()))
}

/// As [`damage`], of the tables that `wanted` tells, and of how all are defined.
pub(crate) fn damage_of(
    conn: &Connection,
    most: usize,
    wanted: &dyn Fn(&str) -> bool,
) -> rusqlite::Result<Vec<String>> {
    look(conn, most, wanted, &mut || Ok(()))
}

/// As [`damage`]; `between` runs now and then and may end it with its error.
pub(crate) fn damage_in_turns<E: From<rusqlite::Error>>(
    conn: &Connection,
    most: usize,
    between: &mut dyn FnMut() -> Result<(), E>,
) -> Result<Vec<String>, E> {
    look(conn, most, &|_| true, between)
}

fn look<E: From<rusqlite::Error>>(
    conn: &Connection,
    most: usize,
    wanted: &dyn Fn(&str) -> bool,
    between: &mut dyn FnMut() -> Result<(), E>,
) -> Result<Vec<String>, E> {
    let mut problems = definitions(conn)?;
    if !problems.is_empty() {
        // Rows of a table that is defined otherwise can't be read for certain.
        return Ok(problems);
    }
    let with_sums = schema::version(conn)? >= sums::SINCE;
    for table in TABLES.into_iter().filter(|table| wanted(table.name)) {
        let fits = table.digest(table.columns);
        let sql = format!("SELECT digest IS NOT {fits}, {}, digest FROM {}", table.row, table.name);
        let (mut seen, mut told, mut more, mut sum) = (0, 0, 0_u64, 0);
        let mut statement = conn.prepare(&sql)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            seen += 1;
            if seen % AT_ONCE == 0 {
                between()?;
            }
            sum = sums::with(sum, row.get(2)?);
            if !row.get::<_, bool>(0)? {
                continue;
            }
            if told < most {
                told += 1;
                problems.push(format!("row {} of `{}` is not what was written", name(row.get_ref(1)?), table.name));
            } else {
                more += 1;
            }
        }
        if more > 0 {
            problems.push(format!("{more} more rows of `{}` are not what was written", table.name));
        }
        if !numbers_fit(conn, table)? {
            problems.push(format!("the last number of `{}` is not what was written", table.name));
        }
        if with_sums && sums::written(conn, table.name)? != Some(sum.into()) {
            problems.push(format!("rows of `{}` are gone, or older than what was written last", table.name));
        }
    }
    Ok(problems)
}

/// A value as the name of a row.
pub(crate) fn name(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Integer(number) => number.to_string(),
        other => String::from_utf8_lossy(other.as_bytes().unwrap_or_default()).into_owned(),
    }
}

/// Whether the numbers of a table go on where they ended.
fn numbers_fit(conn: &Connection, table: &Table) -> rusqlite::Result<bool> {
    let Some(number) = table.number else { return Ok(true) };
    let sql = format!(
        "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = ?1), 0)
         IS max(coalesce((SELECT max({number}) FROM {}), 0), coalesce((SELECT highest FROM let_go WHERE name = ?1), 0))",
        table.name
    );
    conn.query_row(&sql, params![table.name], |row| row.get(0))
}

/// Runs what may remove the newest rows of tables, and remembers their numbers.
pub(crate) fn letting_go<T>(tx: &Connection, remove: impl FnOnce() -> rusqlite::Result<T>) -> rusqlite::Result<T> {
    let newest = |table: &Table, number: &str| {
        tx.prepare_cached(&format!("SELECT max({number}) FROM {}", table.name))?
            .query_row([], |row| row.get::<_, Option<i64>>(0))
    };
    let mut before = Vec::new();
    for table in TABLES {
        if let Some(number) = table.number {
            before.push((table, number, newest(table, number)?));
        }
    }
    let done = remove()?;
    for (table, number, highest) in before {
        if newest(table, number)? < highest {
            tx.prepare_cached(&LET_GO.insert())?.execute(params![table.name, highest])?;
        }
    }
    Ok(done)
}

/// Tables and indices that are defined otherwise than by the migrations: a changed letter there changes what is read. Those
/// that somebody else added are none of ours.
fn definitions(conn: &Connection) -> rusqlite::Result<Vec<String>> {
    let read = |conn: &Connection| {
        let sql = "SELECT name, type || ' ' || tbl_name || ' ' || coalesce(sql, '') FROM sqlite_schema";
        let mut statement = conn.prepare(sql)?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        rows.collect::<rusqlite::Result<BTreeMap<String, String>>>()
    };
    let mut fresh = Connection::open_in_memory()?;
    register(&fresh)?;
    schema::migrate(&mut fresh, schema::version(conn)?)?;
    let found = read(conn)?;
    let differs = |(name, sql): (String, String)| {
        (found.get(&name) != Some(&sql)).then(|| format!("the definition of `{name}` is not what was written"))
    };
    Ok(read(&fresh)?.into_iter().filter_map(differs).collect())
}
