//! Follows the journal and the messages into the audit trail.

use super::dispatch::Fact;
use super::start::Facts;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tmuxagent_audit::{Entry, Position, Trail, of_note};
use tmuxagent_clock::Clock;
use tmuxagent_ipc::hub::Hub;
use tmuxagent_model::{EventLine, Timestamp};
use tmuxagent_store::{OutboxRow, OutboxState, Reader, Store, StoreError};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::watch;

/// How often messages are looked for, and what is not signed yet is signed, where nothing happens.
const LOOK: Duration = Duration::from_secs(60);
/// The most messages that are looked at each time.
const MESSAGES: u32 = 500;
/// Its name among the parts that can fail.
const PART: &str = "audit";

/// Writes the trail of this state folder until the supervisor ends.
pub(super) fn begin(state: PathBuf, store: Store, hub: Hub, facts: Facts) {
    // Before anything is read, so that nothing falls between.
    let lines = hub.events.subscribe();
    tokio::spawn(async move {
        let opened = tokio::task::spawn_blocking(move || Trail::open(&state)).await.map_err(io::Error::other);
        let trail = match opened.and_then(|opened| opened) {
            Ok(trail) => trail,
            Err(error) => return problem(&facts, Some(error.to_string())).await,
        };
        let mut writer = Writer { trail, store, facts, clock: hub.clock, failed: false };
        writer.catch_up().await;
        writer.follow(lines, hub.closing).await;
    });
}

async fn problem(facts: &Facts, text: Option<String>) {
    // A supervisor that ends shows nothing any more.
    let _ = facts.send(Fact::Problem(PART.to_owned(), text.map(Into::into))).await;
}

struct Writer {
    trail: Trail,
    store: Store,
    facts: Facts,
    clock: Clock,
    failed: bool,
}

impl Writer {
    async fn follow(
        &mut self,
        mut lines: tokio::sync::broadcast::Receiver<Arc<Vec<EventLine>>>,
        mut closing: watch::Receiver<Option<String>>,
    ) {
        let mut look = tokio::time::interval(LOOK);
        loop {
            tokio::select! {
                told = lines.recv() => match told {
                    Ok(lines) => self.lines(&lines).await,
                    Err(RecvError::Lagged(_)) => self.catch_up().await,
                    Err(RecvError::Closed) => break,
                },
                _ = look.tick() => {
                    self.messages().await;
                    self.sign().await;
                }
                () = ended(&mut closing) => break,
            }
        }
        self.messages().await;
        self.sign().await;
    }

    /// What stands in the journal and not in the trail.
    async fn catch_up(&mut self) {
        let after = self.trail.journal();
        match self.store.read(move |reader| missed(reader, after)).await {
            Ok(lines) => self.add_new(&lines).await,
            Err(error) => self.tell(Err(io::Error::other(error.to_string()))).await,
        }
    }

    async fn lines(&mut self, lines: &[EventLine]) {
        // What could not be written comes first.
        if self.failed { self.catch_up().await } else { self.add_new(lines).await }
    }

    async fn add_new(&mut self, lines: &[EventLine]) {
        let after = self.trail.journal();
        let new = lines.iter().filter(|line| Position { at: line.at, seq: line.seq } > after);
        let entries: Vec<Entry> = new.filter_map(of_note).collect();
        self.add(&entries).await;
    }

    async fn messages(&mut self) {
        let after = self.trail.messages();
        let Ok(rows) = self.store.read(move |reader| reader.outbox_log(None, MESSAGES)).await else { return };
        let mut entries: Vec<Entry> = rows.iter().filter_map(message).collect();
        entries.retain(|entry| Position { at: entry.at, seq: entry.seq } > after);
        entries.sort_by_key(|entry| (entry.at, entry.seq));
        self.add(&entries).await;
    }

    async fn add(&mut self, entries: &[Entry]) {
        if !entries.is_empty() {
            let done = entries.iter().try_for_each(|entry| self.trail.add(entry));
            self.tell(done).await;
        }
    }

    async fn sign(&mut self) {
        let done = self.trail.sign(self.clock.now());
        self.tell(done).await;
    }

    /// A trail that can't be written is shown, and tried again with the next line.
    async fn tell(&mut self, done: io::Result<()>) {
        let text = done.err().map(|error| error.to_string());
        if text.is_some() || self.failed {
            self.failed = text.is_some();
            problem(&self.facts, text).await;
        }
    }
}

/// Waits for the supervisor's end.
async fn ended(closing: &mut watch::Receiver<Option<String>>) {
    // Whoever could tell of it is gone, which is the end too.
    let _ = closing.wait_for(Option::is_some).await;
}

fn missed(reader: &Reader, after: Position) -> Result<Vec<EventLine>, StoreError> {
    let mut lines = Vec::new();
    reader.each_event(after.at, |line| {
        if of_note(&line).is_some() {
            lines.push(line);
        }
    })?;
    Ok(lines)
}

/// The entry for a message that has ended: what it was about stands in the journal.
fn message(row: &OutboxRow) -> Option<Entry> {
    let ended = matches!(row.state, OutboxState::Sent | OutboxState::Failed);
    let what = serde_json::json!({
        "channel": row.channel, "state": row.state.name(), "attempts": row.attempts, "answer": row.answer,
        "title": row.alert.title, "asked_at": row.created_at,
    });
    let (at, seq): (Timestamp, u64) = (row.updated_at, u64::try_from(row.id).unwrap_or_default());
    ended.then_some(Entry { at, kind: "notification", seq, what })
}
