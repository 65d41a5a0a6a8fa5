//! The state database: journal, state, outbox; and beside it the recordings of pane output.
//!
//! One thread owns the only writing connection; everything else opens the file read-only. A batch of the supervisor
//! is one transaction ([`Store::commit`]): when it returns, all of it is stored, when it fails, nothing of it is.
//!
//! **Invariants**
//! - The journal is append-only; rows leave it only by retention, oldest first, never those of open runs.
//! - The store knows events and entities as JSON of the model's types and decides nothing about them.
//! - One process writes: a lock file beside the database guards that, whatever folder the socket lies in.
//! - What is stored went through the one redaction ([`Store::redact_by`]), in this room: no caller can forget it.
//! - Every row carries a digest, and every table a sum of them; a start, a check and a backup look at all of them
//!   (`digest`, `sums`).
//! - No file is ever overwritten in place by a backup or a restore: they are written beside, synced, and renamed.
//!
//! **Settings** (all tested): WAL, so that readers never block the writer. `synchronous` is NORMAL, and FULL for a batch
//! with [`Durability::PowerLoss`]: after `kill -9` everything acknowledged is there either way; after a power failure
//! everything up to the last such batch is, and what came later is missing as a whole suffix, never torn. The WAL is
//! checkpointed when the writer is idle, between two commits when it is longer than `writer::LOG_BYTES`, and at the latest
//! after `schema::WAL_PAGES` pages; a foreign process that holds the database is waited for `schema::BUSY`.
//! `foreign_keys` is on, `auto_vacuum` is incremental, the file is 0600 and a folder that we make is 0700.

#![warn(unreachable_pub)]

mod backup;
mod batch;
mod check;
mod digest;
mod error;
mod files;
mod open;
mod outbox;
mod put_back;
mod query;
mod recording;
mod redact;
mod repair;
mod retention;
mod schema;
mod since;
mod sums;
mod writer;

#[cfg(test)]
mod tests;

pub use backup::{
    BACKUP_GENERATIONS, BackupError, BackupMade, Chosen, ExportError, Restoration, RestoreError, SetBack, back_up,
    backups, choose, export, restore,
};
pub use batch::{Batch, Committed, Durability, JournalRow};
pub use check::{Health, ReadEntity, check};
pub use error::{Fault, OpenError, StoreError};
pub use open::Restored;
pub use outbox::{Mark, NewMessage, OutboxRow, OutboxState};
pub use put_back::Mended;
pub use query::{EventFilter, Found, Journal, JournalEntry, Reader};
pub use recording::{
    Recorded, RecordedLine, RecordedPane, Recorder, Recording, RecordingLimits, read_recording, recorded_panes,
};
pub use repair::{Repair, RepairError, SetAside, repair};
pub use retention::{Limits, Swept};
pub use since::{Reopened, Since, since};
pub use writer::Store;
