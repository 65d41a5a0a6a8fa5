//! What failed for good and is tried again, since its channel was mended.
//!
//! **Invariant:** a message is put back once for each configuration of its channel, and once more when the channel takes
//! something under that configuration. Both stand in its row and change with its state in one statement, so that neither
//! a crash nor a second start puts it back twice.

use super::digest::OUTBOX;
use super::error::StoreError;
use super::outbox::OutboxRow;
use super::redact;
use super::writer::Store;
use rusqlite::params;
use std::sync::LazyLock;
use tmuxagent_model::Timestamp;

/// The most that are put back at once.
const MOST: u32 = 500;

/// Why failed messages of a channel may get through now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mended {
    /// It is configured otherwise than when they failed.
    Configured,
    /// It took another message since.
    Works,
}

impl Mended {
    /// The condition on a row, where `?2` is the present configuration.
    const fn condition(self) -> &'static str {
        match self {
            Self::Configured => "setup <> ?2",
            Self::Works => "revived <> ?2",
        }
    }

    /// The columns that say so, and are the present configuration from then on.
    const fn columns(self) -> &'static [&'static str] {
        match self {
            Self::Configured => &["setup"],
            Self::Works => &["setup", "revived"],
        }
    }
}

impl Store {
    /// Records that a message can't be delivered under this configuration of its channel.
    pub async fn outbox_fail(
        &self,
        id: i64,
        now: Timestamp,
        tried: bool,
        answer: &str,
        setup: &str,
    ) -> Result<(), StoreError> {
        static UPDATE: LazyLock<String> = LazyLock::new(|| {
            let changes = [
                ("state", "'failed'"),
                ("attempts", "attempts + ?2"),
                ("next_at", "?3"),
                ("answer", "?4"),
                ("setup", "?5"),
                ("updated_at", "?3"),
            ];
            OUTBOX.update(&changes, "WHERE id = ?1")
        });
        let (answer, setup) = (redact::words(answer, &self.redaction()), setup.to_owned());
        self.on_writer(move |conn| {
            conn.prepare_cached(&UPDATE)?.execute(params![id, tried, now.0, answer, setup])?;
            Ok(())
        })
        .await
    }

    /// The failed messages of a channel about approvals that may be put back, in their order. Left out are those whose
    /// question was told there since, and those that stood in for a message that its own channel has delivered.
    pub async fn outbox_failed(
        &self,
        channel: &str,
        setup: &str,
        mended: Mended,
    ) -> Result<Vec<OutboxRow>, StoreError> {
        let (channel, setup) = (channel.to_owned(), setup.to_owned());
        let clause = format!(
            "AS mine WHERE state = 'failed' AND channel = ?1 AND {}
                 AND json_extract(alert, '$.approval') IS NOT NULL
                 AND NOT EXISTS (SELECT 1 FROM outbox AS told WHERE told.channel = ?1 AND told.state = 'sent'
                     AND told.updated_at >= mine.updated_at
                     AND json_extract(told.alert, '$.approval') = json_extract(mine.alert, '$.approval'))
                 AND NOT EXISTS (SELECT 1 FROM outbox AS own WHERE own.state = 'sent'
                     AND own.key || '/fallback' = mine.key)
             ORDER BY id LIMIT ?3",
            mended.condition()
        );
        self.read(move |reader| reader.outbox_rows(&clause, params![channel, setup, MOST])).await
    }

    /// Puts failed messages back, to be sent now; returns how many. One that is none of [`Store::outbox_failed`] any more
    /// stays as it is.
    pub async fn outbox_put_back(
        &self,
        ids: Vec<i64>,
        setup: &str,
        mended: Mended,
        now: Timestamp,
    ) -> Result<usize, StoreError> {
        let (ids, setup) = (serde_json::Value::from(ids).to_string(), setup.to_owned());
        let mut changes = vec![("state", "'waiting'"), ("next_at", "?3"), ("put_back_at", "?3"), ("updated_at", "?3")];
        changes.extend(mended.columns().iter().map(|column| (*column, "?2")));
        let rows =
            format!("WHERE id IN (SELECT value FROM json_each(?1)) AND state = 'failed' AND {}", mended.condition());
        let sql = OUTBOX.update(&changes, &rows);
        self.on_writer(move |conn| Ok(conn.prepare_cached(&sql)?.execute(params![ids, setup, now.0])?)).await
    }
}
