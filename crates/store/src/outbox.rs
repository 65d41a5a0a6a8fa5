//! Alerts on their way to people: at least once, with keys that make a second entry of the same alert the first one.

use super::batch;
use super::digest::OUTBOX;
use super::error::StoreError;
use super::query::Reader;
use super::redact;
use super::writer::Store;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use std::sync::LazyLock;
use tmuxagent_model::{Alert, Redaction, Timestamp};

/// An alert for one channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewMessage {
    /// The channel's name in the configuration.
    pub channel: String,
    /// Its identity on that channel: a second message with it is not stored. The intent's id, or approval and reminder.
    pub key: String,
    /// The message.
    pub alert: Alert,
    /// Not to be sent before this instant.
    pub not_before: Timestamp,
}

/// Where a message stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OutboxState {
    /// To be sent at its next instant.
    Waiting,
    /// The service took it.
    Sent,
    /// It can't be delivered; nobody tries any more.
    Failed,
    /// It went out as part of another message, or fell into a cool-down.
    Merged,
    /// What it told is over: the approval was decided before it went out.
    Cancelled,
}

impl OutboxState {
    /// Its name in the database and in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Sent => "sent",
            Self::Failed => "failed",
            Self::Merged => "merged",
            Self::Cancelled => "cancelled",
        }
    }

    fn of(name: &str) -> Option<Self> {
        [Self::Waiting, Self::Sent, Self::Failed, Self::Merged, Self::Cancelled]
            .into_iter()
            .find(|state| state.name() == name)
    }
}

/// A message in the outbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxRow {
    /// Its number.
    pub id: i64,
    /// The channel's name in the configuration.
    pub channel: String,
    /// Its identity on that channel.
    pub key: String,
    /// The message.
    pub alert: Alert,
    /// Where it stands.
    pub state: OutboxState,
    /// How often it was tried.
    pub attempts: u32,
    /// When it is to be tried next, while it waits.
    pub next_at: Timestamp,
    /// What the service answered last.
    pub answer: String,
    /// When it was put in.
    pub created_at: Timestamp,
    /// When it was last touched.
    pub updated_at: Timestamp,
    /// Since when it is tried: when it was put in, or put back.
    pub since: Timestamp,
}

/// What became of one attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// The new state.
    pub state: OutboxState,
    /// Whether this was an attempt and counts as one.
    pub tried: bool,
    /// When it is to be tried next, if it waits.
    pub next_at: Timestamp,
    /// What the service answered, without secrets.
    pub answer: String,
}

impl Store {
    /// Puts messages in, in one transaction; returns their numbers. A message whose (channel, key) is there already
    /// keeps its row and number, so that doing it again after a crash adds nothing.
    pub async fn outbox_put(&self, at: Timestamp, messages: Vec<NewMessage>) -> Result<Vec<i64>, StoreError> {
        let redaction = self.redaction();
        self.on_writer(move |conn| {
            let tx = conn.unchecked_transaction()?;
            let ids =
                messages.iter().map(|message| insert(&tx, at, message, &redaction)).collect::<Result<Vec<_>, _>>()?;
            tx.commit()?;
            Ok(ids)
        })
        .await
    }

    /// The waiting messages whose instant has come, the longest waiting first.
    pub async fn outbox_due(&self, now: Timestamp, limit: u32) -> Result<Vec<OutboxRow>, StoreError> {
        self.read(move |reader| {
            reader.outbox_rows(
                "WHERE state = 'waiting' AND next_at <= ?1 ORDER BY next_at, id LIMIT ?2",
                params![now.0, limit],
            )
        })
        .await
    }

    /// The waiting messages of one channel, due or not, the first due first.
    pub async fn outbox_waiting(&self, channel: &str, limit: u32) -> Result<Vec<OutboxRow>, StoreError> {
        let channel = channel.to_owned();
        self.read(move |reader| {
            reader.outbox_rows(
                "WHERE state = 'waiting' AND channel = ?1 ORDER BY next_at, id LIMIT ?2",
                params![channel, limit],
            )
        })
        .await
    }

    /// The waiting messages of channels that are none of these, the longest waiting first.
    pub async fn outbox_elsewhere(&self, channels: Vec<String>, limit: u32) -> Result<Vec<OutboxRow>, StoreError> {
        let known = serde_json::Value::from(channels).to_string();
        self.read(move |reader| {
            reader.outbox_rows(
                "WHERE state = 'waiting' AND channel NOT IN (SELECT value FROM json_each(?1)) ORDER BY id LIMIT ?2",
                params![known, limit],
            )
        })
        .await
    }

    /// The waiting messages that are pressing, due or not, the longest waiting first.
    pub async fn outbox_pressing(&self, limit: u32) -> Result<Vec<OutboxRow>, StoreError> {
        self.read(move |reader| {
            reader.outbox_rows(
                "WHERE state = 'waiting' AND json_extract(alert, '$.urgency') = 'high' ORDER BY id LIMIT ?1",
                params![limit],
            )
        })
        .await
    }

    /// Whether a channel has, or had, the message of that key.
    pub async fn outbox_has(&self, channel: &str, key: &str) -> Result<bool, StoreError> {
        let (channel, key) = (channel.to_owned(), key.to_owned());
        let rows = self
            .read(move |reader| reader.outbox_rows("WHERE channel = ?1 AND key = ?2", params![channel, key]))
            .await?;
        Ok(!rows.is_empty())
    }

    /// What failed on a channel and waits to be tried again may go now.
    pub async fn outbox_release(&self, channel: &str, now: Timestamp) -> Result<(), StoreError> {
        static UPDATE: LazyLock<String> = LazyLock::new(|| {
            let due = "WHERE channel = ?1 AND state = 'waiting' AND attempts > 0 AND next_at > ?2";
            OUTBOX.update(&[("next_at", "?2")], due)
        });
        let channel = channel.to_owned();
        self.on_writer(move |conn| {
            conn.prepare_cached(&UPDATE)?.execute(params![channel, now.0])?;
            Ok(())
        })
        .await
    }

    /// Records what became of a message.
    pub async fn outbox_mark(&self, id: i64, now: Timestamp, mark: Mark) -> Result<(), StoreError> {
        static UPDATE: LazyLock<String> = LazyLock::new(|| {
            let changes = [
                ("state", "?2"),
                ("attempts", "attempts + ?3"),
                ("next_at", "?4"),
                ("answer", "?5"),
                ("updated_at", "?6"),
            ];
            OUTBOX.update(&changes, "WHERE id = ?1")
        });
        let answer = redact::words(&mark.answer, &self.redaction());
        self.on_writer(move |conn| {
            conn.prepare_cached(&UPDATE)?.execute(params![
                id,
                mark.state.name(),
                mark.tried,
                mark.next_at.0,
                answer,
                now.0
            ])?;
            Ok(())
        })
        .await
    }

    /// The messages of one de-duplication key on a channel that were touched since an instant or wait, newest first: what a
    /// cool-down asks.
    pub async fn outbox_similar(
        &self,
        channel: &str,
        dedupe: &str,
        since: Timestamp,
    ) -> Result<Vec<OutboxRow>, StoreError> {
        let (channel, dedupe) = (channel.to_owned(), redact::words(dedupe, &self.redaction()));
        self.read(move |reader| {
            reader.outbox_rows(
                "WHERE channel = ?1 AND dedupe = ?2 AND (updated_at >= ?3 OR state = 'waiting') ORDER BY id DESC",
                params![channel, dedupe, since.0],
            )
        })
        .await
    }
}

impl Reader {
    /// The newest messages, newest last; of one channel where it is named.
    pub fn outbox_log(&self, channel: Option<&str>, limit: u32) -> Result<Vec<OutboxRow>, StoreError> {
        let mut rows = self.outbox_rows(
            "WHERE ?1 IS NULL OR channel = ?1 ORDER BY updated_at DESC, id DESC LIMIT ?2",
            params![channel, limit],
        )?;
        rows.reverse();
        Ok(rows)
    }

    /// How many messages are kept, by channel and state.
    pub fn outbox_counts(&self) -> Result<Vec<(String, &'static str, u64)>, StoreError> {
        let mut statement =
            self.conn().prepare_cached("SELECT channel, state, count(*) FROM outbox GROUP BY channel, state")?;
        let row = |row: &Row<'_>| Ok((row.get(0)?, row.get::<_, String>(1)?, row.get(2)?));
        let rows = statement.query_map([], row)?.collect::<Result<Vec<(String, String, u64)>, _>>()?;
        let known = |(channel, state, count)| Some((channel, OutboxState::of(state)?.name(), count));
        Ok(rows.iter().filter_map(|(channel, state, count)| known((channel.clone(), state, *count))).collect())
    }

    pub(super) fn outbox_rows(
        &self,
        clause: &str,
        params: impl rusqlite::Params,
    ) -> Result<Vec<OutboxRow>, StoreError> {
        let sql = format!(
            "SELECT id, channel, key, alert, state, attempts, next_at, answer, created_at, updated_at,
                    max(created_at, put_back_at)
             FROM outbox {clause}"
        );
        let mut statement = self.conn().prepare_cached(&sql)?;
        let rows = statement.query_map(params, outbox_row)?.collect::<Result<Vec<_>, _>>()?;
        Ok(rows)
    }
}

/// Adds a message, or finds the one with its key.
pub(crate) fn insert(
    conn: &Connection,
    at: Timestamp,
    message: &NewMessage,
    redaction: &Redaction,
) -> rusqlite::Result<i64> {
    static INSERT: LazyLock<String> = LazyLock::new(|| OUTBOX.insert());
    // Looked for first: an insertion that comes to nothing would use a number up.
    let there = conn
        .prepare_cached("SELECT id FROM outbox WHERE channel = ?1 AND key = ?2")?
        .query_row(params![message.channel, message.key], |row| row.get(0))
        .optional()?;
    if let Some(id) = there {
        return Ok(id);
    }
    let id = batch::last_number(conn, "outbox")? + 1;
    let alert = redact::json(&message.alert, redaction)?;
    let dedupe = redact::words(&message.alert.dedupe, redaction);
    let (state, not_before) = (OutboxState::Waiting.name(), message.not_before.0);
    conn.prepare_cached(&INSERT)?.execute(params![
        id,
        message.channel,
        message.key,
        dedupe,
        alert,
        state,
        0,
        not_before,
        "",
        at.0,
        at.0,
        "",
        "",
        0
    ])?;
    Ok(i64::try_from(id).unwrap_or(i64::MAX))
}

fn outbox_row(row: &Row<'_>) -> rusqlite::Result<OutboxRow> {
    let alert: String = row.get(3)?;
    let state: String = row.get(4)?;
    Ok(OutboxRow {
        id: row.get(0)?,
        channel: row.get(1)?,
        key: row.get(2)?,
        alert: super::query::parse(3, &alert)?,
        state: OutboxState::of(&state)
            .ok_or_else(|| super::query::unreadable(4, format!("`{state}` is not a state of a message").into()))?,
        attempts: row.get(5)?,
        next_at: Timestamp(row.get(6)?),
        answer: row.get(7)?,
        created_at: Timestamp(row.get(8)?),
        updated_at: Timestamp(row.get(9)?),
        since: Timestamp(row.get(10)?),
    })
}
