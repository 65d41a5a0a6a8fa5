//! What happened between a backup and the database that it is to take the place of.

use super::error::StoreError;
use super::{batch, files, open, query, schema};
use rusqlite::{Connection, OptionalExtension as _, params};
use std::path::Path;
use tmuxagent_model::{Approval, ApprovalState, Timestamp};

/// What a restoration takes back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Since {
    /// When the newest thing in the backup was stored.
    pub at: Timestamp,
    /// Events of the journal that are not in it.
    pub events: u64,
    /// Questions that are open in it and closed now.
    pub reopened: Vec<Reopened>,
    /// Texts and commands that were typed since.
    pub typed: u64,
}

/// A question that is open again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reopened {
    /// As it was when the backup was made.
    pub before: Approval,
    /// As it was closed.
    pub after: Approval,
}

/// Compares a sound backup with the database that is there now.
///
/// # Errors
/// When either can't be read; a damaged database tells nothing.
pub fn since(database: &Path, backup: &Path) -> Result<Since, StoreError> {
    let (then, now) = (readable(backup)?, readable(database)?);
    let last = batch::last_seq(&then)?;
    let events = now.query_row("SELECT count(*) FROM journal WHERE seq > ?1", params![last], |row| row.get(0))?;
    let typed = now.query_row(
        "SELECT count(*) FROM notes WHERE journal > ?1 AND json_extract(note, '$.note') = 'sent'",
        params![last],
        |row| row.get(0),
    )?;
    let mut reopened = Vec::new();
    for before in open_approvals(&then)? {
        let id = before.id.to_string();
        if let Some(after) = approval(&now, &id)?.filter(|after| after.state != ApprovalState::Pending) {
            reopened.push(Reopened { before, after });
        }
    }
    Ok(Since { at: open::restore(&then)?.last_at, events, reopened, typed })
}

fn readable(path: &Path) -> Result<Connection, StoreError> {
    let conn = files::open_reader(path)?;
    let version = schema::version(&conn)?;
    if (1..=schema::LATEST).contains(&version) {
        Ok(conn)
    } else {
        Err(super::Fault::Damaged(format!("schema {version}")).into())
    }
}

fn open_approvals(conn: &Connection) -> Result<Vec<Approval>, StoreError> {
    let mut statement = conn.prepare("SELECT body FROM entities WHERE kind = 'approval' ORDER BY key")?;
    let rows = statement.query_map([], |row| query::approval(&row.get::<_, String>(0)?))?;
    let all = rows.collect::<rusqlite::Result<Vec<_>>>()?;
    Ok(all.into_iter().filter(|approval| approval.state == ApprovalState::Pending).collect())
}

/// An approval of the state, or of the history where the file has one.
fn approval(conn: &Connection, id: &str) -> Result<Option<Approval>, StoreError> {
    let tables: &[&str] = if schema::version(conn)? >= 3 { &["entities", "history"] } else { &["entities"] };
    for table in tables {
        let sql = format!("SELECT body FROM {table} WHERE kind = 'approval' AND key = ?1");
        let found = conn.query_row(&sql, params![id], |row| query::approval(&row.get::<_, String>(0)?)).optional()?;
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}
