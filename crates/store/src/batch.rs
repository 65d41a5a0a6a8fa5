//! What one commit holds, and how it becomes rows.

use super::digest::{ENTITIES, HISTORY, JOURNAL, NOTES, POSITIONS, fitting};
use super::outbox::{self, NewMessage};
use super::redact;
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};
use std::sync::LazyLock;
use tmuxagent_failpoints as failpoints;
use tmuxagent_model::{
    Change, Command, EntityKind, Event, EventLine, Note, PaneKey, Redaction, RunId, Severity, TimerKey, Timestamp,
};

/// What a commit must survive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Durability {
    /// The end of the process in any way; a power failure may take the last commits, whole and from the end.
    /// Enough where everything that the batch leads to dies with this machine too, such as keys for local panes.
    Process,
    /// Also a power failure: the commit waits for the disk, and takes all earlier ones with it. For decisions, and
    /// before effects that outlive this machine's memory: remote panes, supervisor-side commands, alerts.
    #[default]
    PowerLoss,
}

/// An event and what it is told as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalRow {
    /// The instant that the engine was given with it; several rounds of a batch that waited have their own. A replay
    /// needs it: identities and timers follow from it.
    pub at: Timestamp,
    /// What happened.
    pub event: Event,
    /// Whether it changed the state. An event that neither changed nor told anything is not journaled.
    pub changed: bool,
    /// Lines for people: how much it matters, where, what.
    pub notes: Vec<(Severity, String, Note)>,
}

/// One transaction.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Batch {
    /// When it is stored: of notes, positions, alerts and what goes to the history.
    pub at: Timestamp,
    /// Events in their order.
    pub events: Vec<JournalRow>,
    /// Lines for people that no event led to: where, what.
    pub notes: Vec<(Severity, String, Note)>,
    /// Changed entities; a later change of the same entity wins. A run or approval that is removed goes to the history.
    pub changes: Vec<Change>,
    /// Read positions of panes as JSON; `None` forgets a pane.
    pub positions: Vec<(PaneKey, Option<String>)>,
    /// Alerts to deliver.
    pub outbox: Vec<NewMessage>,
    /// What the commit must survive.
    pub durability: Durability,
}

impl Batch {
    /// An empty batch at an instant.
    #[must_use]
    pub fn new(at: Timestamp) -> Self {
        Self { at, ..Self::default() }
    }

    /// Whether committing it would write nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        !self.events.iter().any(is_journaled)
            && self.notes.is_empty()
            && self.changes.is_empty()
            && self.positions.is_empty()
            && self.outbox.is_empty()
    }
}

/// What a commit became.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Committed {
    /// The number of the batch's first journal row; above `last_seq` when it had none.
    pub first_seq: u64,
    /// The number of the newest journal row.
    pub last_seq: u64,
    /// The batch's lines for people with their numbers, for followers and the snapshot.
    pub lines: Vec<EventLine>,
    /// The outbox rows, in the order of the batch; a message whose key was there already has its old number.
    pub outbox: Vec<i64>,
}

const fn is_journaled(row: &JournalRow) -> bool {
    row.changed || !row.notes.is_empty()
}

/// Writes all of it without secrets, or nothing.
pub(crate) fn write(conn: &Connection, batch: &Batch, redaction: &Redaction) -> rusqlite::Result<Committed> {
    let tx = Transaction::new_unchecked(conn, TransactionBehavior::Immediate)?;
    let mut done = Committed { first_seq: last_seq(&tx)? + 1, ..Committed::default() };
    done.last_seq = done.first_seq - 1;
    for row in batch.events.iter().filter(|row| is_journaled(row)) {
        done.last_seq += 1;
        insert_event(&tx, done.last_seq, row, redaction)?;
        for (severity, place, note) in &row.notes {
            done.lines.push(insert_note(&tx, row.at, Some(done.last_seq), (*severity, place, note), redaction)?);
        }
    }
    failpoints::at("commit.begun");
    for (severity, place, note) in &batch.notes {
        done.lines.push(insert_note(&tx, batch.at, None, (*severity, place, note), redaction)?);
    }
    for change in &batch.changes {
        apply(&tx, batch.at, change, redaction)?;
    }
    for (pane, anchor) in &batch.positions {
        let anchor = anchor.as_ref().map(|json| redact::body(json, redaction).unwrap_or_else(|| json.clone()));
        set_position(&tx, batch.at, pane, anchor.as_deref())?;
    }
    for message in &batch.outbox {
        done.outbox.push(outbox::insert(&tx, batch.at, message, redaction)?);
    }
    failpoints::at("commit.written");
    tx.commit()?;
    failpoints::at("commit.done");
    Ok(done)
}

/// The number of the newest journal row ever written, also when retention has taken it since.
pub(crate) fn last_seq(conn: &Connection) -> rusqlite::Result<u64> {
    last_number(conn, "journal")
}

/// The number that a row of a table was given last.
pub(crate) fn last_number(conn: &Connection, table: &str) -> rusqlite::Result<u64> {
    let seq = conn
        .prepare_cached("SELECT seq FROM sqlite_sequence WHERE name = ?1")?
        .query_row([table], |row| row.get(0))
        .optional()?;
    Ok(seq.unwrap_or(0))
}

fn insert_event(tx: &Connection, seq: u64, row: &JournalRow, redaction: &Redaction) -> rusqlite::Result<()> {
    static INSERT: LazyLock<String> = LazyLock::new(|| JOURNAL.insert());
    let run = event_run(&row.event).or_else(|| row.notes.iter().find_map(|(_, _, note)| note_run(note)));
    let pane = event_pane(&row.event).map(ToString::to_string);
    tx.prepare_cached(&INSERT)?.execute(params![
        seq,
        row.at.0,
        pane,
        run.map(|run| run.0),
        redact::json(&row.event, redaction)?
    ])?;
    Ok(())
}

fn insert_note(
    tx: &Connection,
    at: Timestamp,
    journal: Option<u64>,
    (severity, place, note): (Severity, &str, &Note),
    redaction: &Redaction,
) -> rusqlite::Result<EventLine> {
    static INSERT: LazyLock<String> = LazyLock::new(|| NOTES.insert());
    let stored = redact::json(note, redaction)?;
    let place = redact::words(place, redaction);
    let seq = last_number(tx, "notes")? + 1;
    let (severity_stored, run) = (severity_number(severity), note_run(note).map(|run| run.0));
    tx.prepare_cached(&INSERT)?.execute(params![seq, journal, at.0, severity_stored, &place, run, &stored])?;
    // Who follows is told what is stored, no more.
    let note = super::query::parse(0, &stored)?;
    Ok(EventLine { seq, at, severity, place, note })
}

fn apply(tx: &Connection, at: Timestamp, change: &Change, redaction: &Redaction) -> rusqlite::Result<()> {
    static INSERT: LazyLock<String> = LazyLock::new(|| ENTITIES.insert());
    static REMEMBER: LazyLock<String> = LazyLock::new(|| {
        let digest = fitting(&ENTITIES, &HISTORY.digest(&["kind", "key", "?3", "body"]));
        format!(
            "INSERT OR REPLACE INTO history (kind, key, at, body, digest)
             SELECT kind, key, ?3, body, {digest} FROM entities WHERE kind = ?1 AND key = ?2"
        )
    });
    let kind = entity_name(change.kind);
    if let Some(body) = &change.body {
        let redacted = if has_texts(change.kind) { redact::body(body, redaction) } else { None };
        let body = redacted.as_ref().unwrap_or(body);
        tx.prepare_cached(&INSERT)?.execute(params![kind, change.key, body])?;
        return Ok(());
    }
    if matches!(change.kind, EntityKind::Approval | EntityKind::Run) {
        tx.prepare_cached(&REMEMBER)?.execute(params![kind, change.key, at.0])?;
    }
    tx.prepare_cached("DELETE FROM entities WHERE kind = ?1 AND key = ?2")?.execute(params![kind, change.key])?;
    Ok(())
}

fn set_position(tx: &Connection, at: Timestamp, pane: &PaneKey, anchor: Option<&str>) -> rusqlite::Result<()> {
    static INSERT: LazyLock<String> = LazyLock::new(|| POSITIONS.insert());
    let pane = pane.to_string();
    match anchor {
        Some(anchor) => tx.prepare_cached(&INSERT)?.execute(params![pane, anchor, at.0])?,
        None => tx.prepare_cached("DELETE FROM positions WHERE pane = ?1")?.execute(params![pane])?,
    };
    Ok(())
}

/// Counters and timers are made of identities alone.
const fn has_texts(kind: EntityKind) -> bool {
    match kind {
        EntityKind::Meta | EntityKind::Timer => false,
        EntityKind::Pane | EntityKind::Run | EntityKind::Approval | EntityKind::Intent => true,
    }
}

/// The name of an entity's kind in the `kind` columns.
pub(crate) const fn entity_name(kind: EntityKind) -> &'static str {
    match kind {
        EntityKind::Meta => "meta",
        EntityKind::Pane => "pane",
        EntityKind::Run => "run",
        EntityKind::Approval => "approval",
        EntityKind::Intent => "intent",
        EntityKind::Timer => "timer",
    }
}

/// The reverse of [`entity_name`].
pub(crate) fn entity_kind(name: &str) -> Option<EntityKind> {
    [EntityKind::Meta, EntityKind::Pane, EntityKind::Run, EntityKind::Approval, EntityKind::Intent, EntityKind::Timer]
        .into_iter()
        .find(|&kind| entity_name(kind) == name)
}

/// Severities in the database, ordered so that a filter can say "at least".
pub(crate) const fn severity_number(severity: Severity) -> i64 {
    match severity {
        Severity::Info => 0,
        Severity::Success => 1,
        Severity::Warning => 2,
        Severity::Error => 3,
    }
}

/// The reverse of [`severity_number`]; an unknown number counts as an error, so that it is not overlooked.
pub(crate) const fn severity_of(number: i64) -> Severity {
    match number {
        0 => Severity::Info,
        1 => Severity::Success,
        2 => Severity::Warning,
        _ => Severity::Error,
    }
}

/// The pane that an event is about.
fn event_pane(event: &Event) -> Option<&PaneKey> {
    match event {
        Event::PaneSeen { info } => Some(&info.key),
        Event::Line(line) => Some(&line.pane),
        Event::Agent(seen) => Some(&seen.pane),
        Event::PaneGone { pane, .. }
        | Event::LeftOpen { pane, .. }
        | Event::TakenByShell { pane, .. }
        | Event::Activity { pane }
        | Event::Gap { pane }
        | Event::Program { pane, .. }
        | Event::Dialog { pane, .. }
        | Event::Waits { pane, .. }
        | Event::Answered { pane, .. }
        | Event::ShellMarks { pane, .. }
        | Event::CommandBegan { pane, .. }
        | Event::Foreground { pane, .. }
        | Event::InFront { pane, .. }
        | Event::CommandEnded { pane, .. } => Some(pane),
        Event::Asked { command, .. } => match command {
            Command::Start { pane, .. } | Command::Send { pane, .. } => Some(pane),
            Command::Decide { .. }
            | Command::GrantLease { .. }
            | Command::RevokeLease { .. }
            | Command::Control { .. }
            | Command::Freeze
            | Command::Unfreeze
            | Command::Ask { .. }
            | Command::TakeBack { .. }
            | Command::DropHeld { .. } => None,
        },
        Event::Witnessed { fact, .. } => event_pane(fact),
        Event::HostLost { .. }
        | Event::Timer { .. }
        | Event::Outcome { .. }
        | Event::Polled { .. }
        | Event::PolicyLoaded { .. } => None,
    }
}

/// The run that an event names itself.
fn event_run(event: &Event) -> Option<RunId> {
    match event {
        Event::Witnessed { fact, .. } => event_run(fact),
        Event::Asked { command: Command::Control { run, .. }, .. } => Some(*run),
        Event::Timer {
            key:
                TimerKey::StageTimeout(run, _)
                | TimerKey::Turn(run, _)
                | TimerKey::Begin(run, _)
                | TimerKey::Backoff(run, _)
                | TimerKey::Made(run, _)
                | TimerKey::Idle(run, _)
                | TimerKey::Poll(run, _, _),
            ..
        } => Some(*run),
        _ => None,
    }
}

/// The run that a note speaks of.
const fn note_run(note: &Note) -> Option<RunId> {
    match note {
        Note::RunStarted { run, .. }
        | Note::RunEnded { run, .. }
        | Note::StageTriggered { run, .. }
        | Note::StageNeedsApproval { run, .. }
        | Note::StageStarted { run, .. }
        | Note::StageSucceeded { run, .. }
        | Note::StageFailed { run, .. }
        | Note::StageRetrying { run, .. }
        | Note::StageEscalated { run, .. }
        | Note::StageSkipped { run, .. }
        | Note::ActionSkipped { run, .. }
        | Note::StageNotStarted { run, .. }
        | Note::StageCancelled { run, .. } => Some(*run),
        _ => None,
    }
}
