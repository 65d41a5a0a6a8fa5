//! A sum of each table's digests: rows that are gone, or that an older page of the file brought back, are found though
//! each of them is whole.
//!
//! The lower 32 bits of all digests of a table, added up, stand in one row of `sums`, which lies on a page of its own. So a
//! page that is put back to what it was does not fit that row, and that row's page does not fit the others. What goes
//! back as a whole (the file, or the last commits in its log) fits itself: that is an older state, and not found here.
//!
//! **Invariant:** triggers keep the sums, and they belong to a connection, not to the file: whoever changes rows past
//! [`keep`] is found.

use super::digest::TABLES;
use super::schema;
use rusqlite::{Connection, OptionalExtension as _, params};

/// The first schema that has them.
pub(crate) const SINCE: i32 = 6;

/// Has every row that this connection writes counted, in a file that has sums.
pub(crate) fn keep(conn: &Connection) -> rusqlite::Result<()> {
    if schema::version(conn)? < SINCE {
        return Ok(());
    }
    // Without it a row that another one replaces would stay counted.
    conn.pragma_update(None, "recursive_triggers", true)?;
    // Their definitions are a page's worth in memory.
    conn.pragma_update(None, "temp_store", "MEMORY")?;
    for table in TABLES {
        let table = table.name();
        for (when, change) in [
            ("INSERT", "+ (NEW.digest & 0xffffffff)"),
            ("DELETE", "- (OLD.digest & 0xffffffff)"),
            ("UPDATE", "+ (NEW.digest & 0xffffffff) - (OLD.digest & 0xffffffff)"),
        ] {
            conn.execute_batch(&format!(
                "CREATE TEMP TRIGGER sum_{table}_{when} AFTER {when} ON main.{table} BEGIN
                     UPDATE sums SET sum = (sum {change}) & 0xffffffff WHERE name = '{table}';
                 END"
            ))?;
        }
    }
    Ok(())
}

/// The sum that was written of a table; `None` where there is none.
pub(crate) fn written(conn: &Connection, table: &str) -> rusqlite::Result<Option<i64>> {
    conn.query_row("SELECT sum FROM sums WHERE name = ?1", params![table], |row| row.get(0)).optional()
}

/// A sum with one more row in it, whose digest is given.
pub(crate) fn with(sum: u32, digest: i64) -> u32 {
    let [a, b, c, d, ..] = digest.to_le_bytes();
    sum.wrapping_add(u32::from_le_bytes([a, b, c, d]))
}

/// Makes the sum of a table anew, of the rows that are there.
pub(crate) fn make_anew(conn: &Connection, table: &str) -> rusqlite::Result<()> {
    let sum = format!("coalesce((SELECT sum(digest & 0xffffffff) & 0xffffffff FROM {table}), 0)");
    conn.execute(&format!("UPDATE sums SET sum = {sum} WHERE name = ?1"), params![table])?;
    Ok(())
}
