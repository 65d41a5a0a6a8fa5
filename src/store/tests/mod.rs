//! Tests with real files.

mod commit;

use super::*;
use crate::model::*;
use std::path::PathBuf;

/// A database in a folder of its own.
struct Room {
    folder: tempfile::TempDir,
}

impl Room {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("state.db")
    }

    fn open(&self) -> (Store, Restored) {
        Store::open(&self.path(), at(0)).unwrap()
    }
}

const fn at(millis: i64) -> Timestamp {
    Timestamp(1_800_000_000_000 + millis)
}

fn pane(number: u32) -> PaneKey {
    PaneKey { host: HostName::local(), server: ServerId::new("server-1"), pane: PaneId(number), pid: 4000 + number }
}

fn line(number: u32, text: &str) -> Event {
    Event::Line(Box::new(LineEvent {
        pane: pane(number),
        seq: 1,
        text: text.to_owned(),
        source: LineSource::Stream,
        hits: vec![0],
        policy: 1,
        message: None,
    }))
}

fn row(event: Event) -> JournalRow {
    JournalRow { event, changed: true, notes: Vec::new() }
}

fn told(text: &str) -> (Severity, String, Note) {
    (Severity::Info, "proj:win.0".to_owned(), Note::Text { text: text.to_owned() })
}

fn set(kind: EntityKind, key: &str, body: &str) -> Change {
    Change { kind, key: key.to_owned(), body: Some(body.to_owned()) }
}

fn unset(kind: EntityKind, key: &str) -> Change {
    Change { kind, key: key.to_owned(), body: None }
}

impl Store {
    /// A setting of the writing connection.
    async fn pragma(&self, name: &'static str) -> String {
        self.on_writer(move |conn| {
            let value: rusqlite::types::Value = conn.pragma_query_value(None, name, |row| row.get(0))?;
            Ok(match value {
                rusqlite::types::Value::Integer(number) => number.to_string(),
                rusqlite::types::Value::Text(text) => text,
                other => format!("{other:?}"),
            })
        })
        .await
        .unwrap()
    }
}
