//! What is let go, in small steps: old journal rows, lines for people, delivered alerts, past runs, forgotten panes.

use super::digest::{self, NOTES};
use super::error::StoreError;
use super::writer::Store;
use rusqlite::{Connection, params};
use std::sync::LazyLock;
use tmuxagent_model::{Millis, RunId, Timestamp};

/// Rows that one step removes at most from one table; a step takes a few milliseconds.
const STEP_ROWS: u32 = 500;

/// Past runs that one step removes at most where the database is too big.
const FEW_RUNS: u32 = 20;

/// Free pages that one step gives back to the file system at most.
const STEP_PAGES: u32 = 256;

/// Free pages that a file may keep for reuse.
const SPARE_PAGES: i64 = 256;

/// How much is kept. Whatever goes first counts. Approvals are kept for ever.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// The age of journal rows.
    pub journal_age: Millis,
    /// The size of the database's content, bytes; beyond it the oldest journal rows go, then the oldest past runs.
    pub bytes: u64,
    /// The age of lines for people.
    pub notes_age: Millis,
    /// The age of alerts that no longer wait.
    pub outbox_age: Millis,
    /// How long runs are remembered after they left the state.
    pub runs_age: Millis,
    /// How long the read position of a pane is remembered that is not seen any more.
    pub positions_age: Millis,
}

const DAY: u64 = 24 * 60 * 60;

impl Default for Limits {
    fn default() -> Self {
        Self {
            journal_age: Millis::from_secs(30 * DAY),
            bytes: 256 * 1024 * 1024,
            notes_age: Millis::from_secs(90 * DAY),
            outbox_age: Millis::from_secs(30 * DAY),
            runs_age: Millis::from_secs(180 * DAY),
            positions_age: Millis::from_secs(30 * DAY),
        }
    }
}

/// What one step did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Swept {
    /// Rows removed.
    pub rows: u64,
    /// Pages given back to the file system.
    pub pages: u64,
    /// Whether another step would do more.
    pub more: bool,
}

impl Store {
    /// Lets go of what is older or bigger than the limits, one small step; call it now and then, and again while there
    /// is `more`. Journal rows of open runs stay whatever their age: they are what those runs are explained from.
    pub async fn sweep(&self, now: Timestamp, limits: Limits, open_runs: Vec<RunId>) -> Result<Swept, StoreError> {
        self.on_writer(move |conn| {
            let mut swept = delete(conn, now, &limits, &open_runs)?;
            swept.pages = give_back(conn)?;
            swept.more |= swept.pages >= u64::from(STEP_PAGES);
            Ok(swept)
        })
        .await
    }
}

fn delete(conn: &Connection, now: Timestamp, limits: &Limits, open_runs: &[RunId]) -> Result<Swept, StoreError> {
    let open: Vec<u64> = open_runs.iter().map(|run| run.0).collect();
    let open = serde_json::json!(open).to_string();
    let too_big = used_bytes(conn)? > limits.bytes;
    let journal_before = if too_big { Timestamp(i64::MAX) } else { now - limits.journal_age };
    let tx = conn.unchecked_transaction()?;
    let aged = |table: &str, key: &str, condition: &str, before: Timestamp| {
        tx.prepare_cached(&format!(
            "DELETE FROM {table} WHERE {key} IN
             (SELECT {key} FROM {table} WHERE {condition} ORDER BY {key} LIMIT {STEP_ROWS})"
        ))?
        .execute(params![before.0])
    };
    let (counts, runs) = digest::letting_go(&tx, || {
        let journal = delete_journal(&tx, journal_before, &open)?;
        // A run is worth more than the rows that led to it, and only as many go as make the room.
        let (runs_before, n_runs) =
            if too_big && journal == 0 { (Timestamp(i64::MAX), FEW_RUNS) } else { (now - limits.runs_age, STEP_ROWS) };
        let runs = tx
            .prepare_cached(
                "DELETE FROM history WHERE (kind, key) IN
                 (SELECT kind, key FROM history WHERE at < ?1 AND kind = 'run' ORDER BY at LIMIT ?2)",
            )?
            .execute(params![runs_before.0, n_runs])?;
        let counts = [
            journal,
            aged("notes", "id", "at < ?1", now - limits.notes_age)?,
            aged("outbox", "id", "updated_at < ?1 AND state <> 'waiting'", now - limits.outbox_age)?,
            runs,
            aged("positions", "pane", "at < ?1", now - limits.positions_age)?,
        ];
        Ok((counts, runs))
    })?;
    tx.commit()?;
    let full_step = usize::try_from(STEP_ROWS).unwrap_or(usize::MAX);
    Ok(Swept {
        rows: counts.iter().map(|&count| count as u64).sum(),
        pages: 0,
        more: counts.iter().any(|&count| count >= full_step) || (too_big && runs > 0),
    })
}

/// Lets the oldest rows of the journal go that are of no open run.
fn delete_journal(tx: &Connection, before: Timestamp, open: &str) -> rusqlite::Result<usize> {
    // Left to the foreign key, the notes would change without their digests.
    static RELEASE: LazyLock<String> =
        LazyLock::new(|| NOTES.update(&[("journal", "NULL")], "WHERE journal IN (SELECT value FROM json_each(?1))"));
    let rows: String = tx
        .prepare_cached(&format!(
            "SELECT json_group_array(seq) FROM (SELECT seq FROM journal WHERE at < ?1
             AND (run IS NULL OR run NOT IN (SELECT value FROM json_each(?2))) ORDER BY seq LIMIT {STEP_ROWS})"
        ))?
        .query_row(params![before.0, open], |row| row.get(0))?;
    tx.prepare_cached(&RELEASE)?.execute(params![rows])?;
    tx.prepare_cached("DELETE FROM journal WHERE seq IN (SELECT value FROM json_each(?1))")?.execute(params![rows])
}

/// Bytes of pages in use.
fn used_bytes(conn: &Connection) -> rusqlite::Result<u64> {
    let pragma = |name| conn.pragma_query_value(None, name, |row| row.get::<_, u64>(0));
    Ok((pragma("page_count")? - pragma("freelist_count")?) * pragma("page_size")?)
}

/// Gives free pages back to the file system once they are more than a tenth of the file and worth the work.
fn give_back(conn: &Connection) -> rusqlite::Result<u64> {
    let pragma = |name| conn.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let (pages, free) = (pragma("page_count")?, pragma("freelist_count")?);
    if free <= SPARE_PAGES.max(pages / 10) {
        return Ok(0);
    }
    let mut statement = conn.prepare(&format!("PRAGMA incremental_vacuum({STEP_PAGES})"))?;
    let mut rows = statement.query([])?;
    while rows.next()?.is_some() {}
    drop(rows);
    Ok(u64::try_from(pages - pragma("page_count")?).unwrap_or(0))
}
