//! Recordings read back, also while they are written.

use super::chunk::unpack;
use super::{Recorded, RecordedPane, instant};
use crate::error::StoreError;
use crate::{files, query};
use rusqlite::params;
use std::path::Path;
use tmuxagent_model::{PaneInfo, PaneKey, Timestamp};

/// The panes that have recordings, the latest last.
pub fn recorded_panes(path: &Path) -> Result<Vec<RecordedPane>, StoreError> {
    let conn = files::open_reader(path)?;
    let mut statement = conn.prepare(
        "SELECT c.info, p.first_at, p.last_at, p.lines, p.missed FROM chunks AS c JOIN
         (SELECT pane, max(id) AS last, min(first_at) AS first_at, max(last_at) AS last_at, sum(lines) AS lines,
          sum(missed) AS missed FROM chunks GROUP BY pane) AS p ON c.id = p.last ORDER BY c.id",
    )?;
    let panes = statement.query_map([], |row| {
        let info: String = row.get(0)?;
        Ok(RecordedPane {
            info: serde_json::from_str(&info).map_err(|error| query::unreadable(0, Box::new(error)))?,
            first_at: Timestamp(row.get(1)?),
            last_at: Timestamp(row.get(2)?),
            lines: row.get(3)?,
            missed: row.get(4)?,
        })
    })?;
    Ok(panes.collect::<Result<Vec<_>, _>>()?)
}

/// Gives the recording of panes since an instant to `each`, in the order it was written; a chunk is in memory at a time. The
/// lines of one that can't be read are missed.
pub fn read_recording(
    path: &Path,
    panes: &[PaneKey],
    since: Timestamp,
    mut each: impl FnMut(&PaneKey, Recorded),
) -> Result<(), StoreError> {
    let conn = files::open_reader(path)?;
    let names: Vec<String> = panes.iter().map(ToString::to_string).collect();
    let mut statement = conn.prepare(
        "SELECT pane, first_at, body, lines FROM chunks WHERE last_at >= ?1
         AND pane IN (SELECT value FROM json_each(?2)) ORDER BY id",
    )?;
    let mut rows = statement.query(params![since.0, serde_json::json!(names).to_string()])?;
    while let Some(row) = rows.next()? {
        let name: String = row.get(0)?;
        let Some(pane) = names.iter().position(|known| *known == name).and_then(|at| panes.get(at)) else {
            continue;
        };
        let (first_at, body) = (Timestamp(row.get(1)?), row.get_ref(2)?.as_blob().map_err(rusqlite::Error::from)?);
        let mut pieces = Vec::new();
        if unpack(first_at, body, |piece| pieces.push(piece)).is_err() {
            pieces = vec![Recorded::Missed { at: first_at.max(since), lines: row.get(3)? }];
        }
        pieces.into_iter().filter(|piece| instant(piece) >= since).for_each(|piece| each(pane, piece));
    }
    Ok(())
}

/// Examines a file of recordings, also while it is written: its pages, and every chunk as it is read back.
pub(crate) fn check_recordings(path: &Path) -> Result<Vec<String>, StoreError> {
    let conn = files::open_reader(path)?;
    let mut statement = conn.prepare("PRAGMA integrity_check(20)")?;
    let mut problems = statement.query_map([], |row| row.get::<_, String>(0))?.collect::<Result<Vec<_>, _>>()?;
    problems.retain(|problem| problem != "ok");
    let mut statement = conn.prepare("SELECT id, info, first_at, body FROM chunks ORDER BY id")?;
    let mut rows = statement.query([])?;
    let mut broken = 0_u64;
    while let Some(row) = rows.next()? {
        let (id, first_at) = (row.get::<_, i64>(0)?, Timestamp(row.get(2)?));
        let info = row.get::<_, String>(1)?;
        let body = row.get_ref(3)?.as_blob().map_err(rusqlite::Error::from)?;
        let named = serde_json::from_str::<PaneInfo>(&info).map(drop).map_err(|error| error.to_string());
        let read = named.and_then(|()| unpack(first_at, body, |_| {}).map_err(|error| error.to_string()));
        if let Err(why) = read {
            broken += 1;
            if broken == 1 {
                problems.push(format!("piece {id} can't be read: {why}"));
            }
        }
    }
    if broken > 1 {
        problems.push(format!("{} more pieces can't be read", broken - 1));
    }
    Ok(problems)
}
