//! Tests with real files.

mod backup;
mod commit;
mod crash;
mod digest;
mod faults;
mod migrations;
mod outbox;
mod query;
mod recording;
mod repair;
mod retention;
mod secrets;
mod sums;

use super::*;
use std::path::PathBuf;
use tmuxagent_model::*;

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

fn pane_info(number: u32, window: &str) -> PaneInfo {
    let facts = PaneFacts { session: "proj".to_owned(), window: window.to_owned(), ..PaneFacts::default() };
    PaneInfo::new(pane(number), facts)
}

fn line(number: u32, text: &str) -> Event {
    Event::Line(Box::new(LineEvent {
        unended: None,
        front: None,
        pane: pane(number),
        seq: 1,
        text: text.to_owned(),
        source: LineSource::Stream,
        hits: vec![0],
        policy: 1,
        message: None,
    }))
}

/// A row of the journal at the instant 0.
fn row(event: Event) -> JournalRow {
    JournalRow { at: at(0), event, changed: true, notes: Vec::new() }
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

fn alert(dedupe: &str) -> Alert {
    Alert {
        kind: AlertKind::Approval,
        urgency: Urgency::High,
        title: "deploy?".to_owned(),
        body: String::new(),
        approval: None,
        run: None,
        dedupe: dedupe.to_owned(),
        channels: Vec::new(),
    }
}

fn message(channel: &str, key: &str, not_before: Timestamp) -> NewMessage {
    NewMessage { channel: channel.to_owned(), key: key.to_owned(), alert: alert(key), not_before }
}

fn approval(id: &str) -> Approval {
    Approval {
        id: ApprovalId::new(id),
        revision: 1,
        kind: ApprovalKind::Gate,
        state: ApprovalState::Pending,
        pane: pane(1),
        place: "proj:win.0".to_owned(),
        run: Some(RunId(1)),
        pipeline: Some("ci".to_owned()),
        stage: Some("deploy".to_owned()),
        attempt: 1,
        question: "deploy?".to_owned(),
        effect: Vec::new(),
        effect_text: String::new(),
        effect_no: Vec::new(),
        option_effects: Vec::new(),
        evidence: Vec::new(),
        options: Vec::new(),
        confirm: None,
        approvers: Vec::new(),
        folder: String::new(),
        asked_at: at(0),
        expires_at: None,
        reminders: 0,
        decision: None,
        closed_at: None,
        undo_until: None,
    }
}

impl Store {
    /// Runs SQL on the writing connection: the tests' way to set limits.
    async fn run_sql(&self, sql: &'static str) {
        self.on_writer(move |conn| {
            let mut statement = conn.prepare(sql)?;
            let mut rows = statement.query([])?;
            while rows.next()?.is_some() {}
            Ok(())
        })
        .await
        .unwrap();
    }

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

/// Runs one of these tests in a process of its own, with the variables it looks for.
fn other_process(test: &str, variables: &[(&str, &std::path::Path)]) -> std::process::Command {
    let mut command = std::process::Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture", "--test-threads=1"]);
    command.envs(variables.iter().copied()).stdin(std::process::Stdio::null());
    command
}

/// A number that is another one each time; it stands in the message of what fails.
fn seed() -> u64 {
    getrandom::u64().unwrap()
}

/// The next of a sequence of numbers below `bound`.
fn draw(seed: &mut u64, bound: u64) -> u64 {
    *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*seed >> 33) % bound
}

/// Examines a database whose entities nobody has to understand.
fn checked(path: &std::path::Path) -> Result<Health, OpenError> {
    check(path, None, &|_, _, _| Ok(()))
}
