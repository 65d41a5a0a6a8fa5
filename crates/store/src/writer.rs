//! The thread that owns the writing connection, and the handle that the supervisor holds.

use super::backup::{self, BackupMade};
use super::batch::{self, Batch, Committed, Durability};
use super::error::{Fault, OpenError, StoreError};
use super::files::{self, WriteLock};
use super::open::{self, Restored};
use super::query::Reader;
use super::schema;
use rusqlite::Connection;
use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tmuxagent_model::{Redaction, Timestamp};
use tokio::sync::oneshot;

/// After this long without an order the WAL is checkpointed, so that no commit has to wait for that.
const IDLE: Duration = Duration::from_millis(500);

/// The log (WAL) of a writer that is never idle is folded in between two orders once it is longer, bytes. Left to SQLite,
/// that would happen within a commit, and only at `schema::WAL_PAGES`.
pub(super) const LOG_BYTES: u64 = 2 * 1024 * 1024;

/// A reader that has begun before a commit holds the log as it is; it is looked at again after so many orders.
const LOG_AGAIN: u32 = 64;

/// Pages copied per step of a backup; orders that wait are served between two steps.
const BACKUP_PAGES: i32 = 64;

type Work = Box<dyn FnOnce(&Connection) + Send>;

enum Order {
    Work(Work),
    Backup { now: Timestamp, generations: usize, done: oneshot::Sender<Result<BackupMade, StoreError>> },
    Close(oneshot::Sender<()>),
}

/// How many reading connections are kept for the next who reads. Each has a cache of pages, up to 2 MB: as many as ever read at
/// once would keep what one busy instant needed.
const MOST_IDLE: usize = 2;

/// A handle to the writer; clones share it. The writer ends when [`Store::close`] is called or the last clone is gone.
#[derive(Debug, Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    orders: mpsc::Sender<Order>,
    /// Idle reading connections.
    readers: Mutex<Vec<Reader>>,
    /// What all that is stored goes through.
    redaction: Mutex<Redaction>,
}

impl Store {
    /// Opens or makes the database and returns what the supervisor goes on from. Blocks; call it before the loop runs.
    pub fn open(path: &Path, now: Timestamp) -> Result<(Self, Restored), OpenError> {
        let (conn, lock, restored) = open::open(path, now)?;
        let (orders, queue) = mpsc::channel();
        let writer = Writer {
            conn,
            path: path.to_path_buf(),
            log: files::beside(path, "-wal"),
            queue,
            closing: Cell::default(),
            held: Cell::default(),
            _lock: lock,
        };
        std::thread::Builder::new()
            .name("store".to_owned())
            .spawn(move || {
                // Connection and lock are gone when the one who waits is told.
                if let Some(done) = writer.run() {
                    let _ = done.send(());
                }
            })
            .map_err(|source| OpenError::Folder { path: path.to_path_buf(), source })?;
        let inner = Inner { path: path.to_path_buf(), orders, readers: Mutex::default(), redaction: Mutex::default() };
        Ok((Self { inner: Arc::new(inner) }, restored))
    }

    /// The database file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.inner.path
    }

    /// From now on everything that is stored goes through this.
    pub fn redact_by(&self, redaction: Redaction) {
        *self.inner.redaction.lock().unwrap_or_else(PoisonError::into_inner) = redaction;
    }

    pub(super) fn redaction(&self) -> Redaction {
        self.inner.redaction.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Stores a batch as one transaction: when it returns, all of it is stored; when it fails, nothing of it is, and
    /// the same or another batch may be tried again. Dropping the future does not undo it.
    pub async fn commit(&self, batch: Batch) -> Result<Committed, StoreError> {
        let redaction = self.redaction();
        self.on_writer(move |conn| match batch.durability {
            Durability::Process => Ok(batch::write(conn, &batch, &redaction)?),
            Durability::PowerLoss => durably(conn, || Ok(batch::write(conn, &batch, &redaction)?)),
        })
        .await
    }

    /// Copies the running database to a new backup, in small steps between commits, checks the copy and keeps the
    /// newest `generations`.
    pub async fn backup(&self, now: Timestamp, generations: usize) -> Result<BackupMade, StoreError> {
        let (done, answer) = oneshot::channel();
        self.order(Order::Backup { now, generations, done })?;
        answer.await.unwrap_or_else(|_| Err(Fault::Closed.into())).map_err(|error| error.at(&self.inner.path))
    }

    /// Writes what is open, folds the WAL into the database and ends the writer.
    pub async fn close(self) {
        let (done, answer) = oneshot::channel();
        if self.order(Order::Close(done)).is_ok() {
            let _ = answer.await;
        }
    }

    /// Runs something on a reading connection, on a thread for blocking work. It sees all commits that returned.
    pub async fn read<T, F>(&self, read: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Reader) -> Result<T, StoreError> + Send + 'static,
    {
        let inner = Arc::clone(&self.inner);
        let reading = tokio::task::spawn_blocking(move || {
            let idle = inner.readers.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let reader = match idle {
                Some(reader) => reader,
                None => Reader::over(files::open_reader(&inner.path)?),
            };
            let answer = read(&reader);
            let mut idle = inner.readers.lock().unwrap_or_else(PoisonError::into_inner);
            if idle.len() < MOST_IDLE {
                idle.push(reader);
            }
            answer
        });
        reading.await.unwrap_or_else(|_| Err(Fault::Closed.into())).map_err(|error| error.at(&self.inner.path))
    }

    /// How many reading connections are kept.
    #[cfg(test)]
    pub(super) fn idle_readers(&self) -> usize {
        self.inner.readers.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Runs something on the writing connection.
    pub(super) async fn on_writer<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        let (done, answer) = oneshot::channel();
        self.order(Order::Work(Box::new(move |conn| {
            let _ = done.send(work(conn));
        })))?;
        answer.await.unwrap_or_else(|_| Err(Fault::Closed.into())).map_err(|error| error.at(&self.inner.path))
    }

    fn order(&self, order: Order) -> Result<(), StoreError> {
        self.inner.orders.send(order).map_err(|_| StoreError::from(Fault::Closed).at(&self.inner.path))
    }
}

/// Runs something whose commits wait for the disk.
pub(super) fn durably<T>(conn: &Connection, work: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
    conn.pragma_update(None, "synchronous", "FULL")?;
    let done = work();
    conn.pragma_update(None, "synchronous", "NORMAL")?;
    done
}

struct Writer {
    conn: Connection,
    path: PathBuf,
    log: PathBuf,
    queue: mpsc::Receiver<Order>,
    /// Who waits for the end, when it was asked for in the middle of a backup.
    closing: Cell<Option<oneshot::Sender<()>>>,
    /// For so many more orders a long log is left alone, since a reader held it.
    held: Cell<u32>,
    _lock: WriteLock,
}

impl Writer {
    /// Serves orders until the end; returns who waits for it.
    fn run(self) -> Option<oneshot::Sender<()>> {
        let mut written = false;
        loop {
            // What lies there goes first: somebody waits for it.
            let order = match self.queue.try_recv() {
                Ok(order) => Ok(order),
                Err(_) if written => {
                    self.bound_log();
                    self.queue.recv_timeout(IDLE)
                }
                // A quiet store sleeps for good: the timeout runs only while something is left to checkpoint.
                Err(_) => self.queue.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            written = match order {
                Ok(Order::Work(work)) => {
                    work(&self.conn);
                    true
                }
                Ok(Order::Backup { now, generations, done }) => {
                    let _ = done.send(self.backup(now, generations));
                    if let Some(done) = self.closing.take() {
                        self.finish();
                        return Some(done);
                    }
                    true
                }
                Ok(Order::Close(done)) => {
                    self.finish();
                    return Some(done);
                }
                Err(RecvTimeoutError::Timeout) => {
                    self.checkpoint("PASSIVE");
                    false
                }
                Err(RecvTimeoutError::Disconnected) => {
                    self.finish();
                    return None;
                }
            };
        }
    }

    /// Folds the WAL into the database. A failure is no loss: the WAL stays valid, and the next commit or checkpoint
    /// meets the same fault where it matters.
    fn checkpoint(&self, mode: &str) {
        let folded = self.conn.query_row(&format!("PRAGMA wal_checkpoint({mode})"), [], |row| row.get::<_, i64>(1));
        if let Err(error) = folded {
            tracing::warn!(path = %self.path.display(), %error, "checkpoint failed");
        }
    }

    /// Folds a long log in and empties it, where no reader holds it: nobody waits for an order now, and none is awaited
    /// for it.
    fn bound_log(&self) {
        let held = self.held.get();
        if held > 0 {
            return self.held.set(held - 1);
        }
        if !std::fs::metadata(&self.log).is_ok_and(|meta| meta.len() > LOG_BYTES) {
            return;
        }
        match self.empty_log() {
            Ok(true) => {}
            Ok(false) => self.held.set(LOG_AGAIN),
            Err(error) => {
                tracing::warn!(path = %self.path.display(), %error, "checkpoint failed");
                self.held.set(LOG_AGAIN);
            }
        }
    }

    /// `false`: a reader, or another process, holds the log. What it does not need is folded in all the same.
    fn empty_log(&self) -> rusqlite::Result<bool> {
        self.conn.busy_timeout(Duration::ZERO)?;
        let held = self.conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0));
        self.conn.busy_timeout(schema::BUSY)?;
        Ok(held? == 0)
    }

    fn finish(&self) {
        if let Err(error) = self.conn.execute_batch("PRAGMA optimize") {
            tracing::warn!(path = %self.path.display(), %error, "optimize failed");
        }
        self.checkpoint("TRUNCATE");
    }

    /// Copies by pages on this connection: SQLite carries our own commits between two steps over into the copy, where
    /// those of another connection would make it begin anew.
    fn backup(&self, now: Timestamp, generations: usize) -> Result<BackupMade, StoreError> {
        backup::roll(&self.conn, &self.path, now, generations, BACKUP_PAGES, || {
            while let Ok(order) = self.queue.try_recv() {
                match order {
                    Order::Work(work) => work(&self.conn),
                    Order::Backup { done, .. } => {
                        let _ = done.send(Err(Fault::BackupRuns.into()));
                    }
                    // The copy is given up.
                    Order::Close(done) => {
                        self.closing.set(Some(done));
                        return Err(Fault::Closed.into());
                    }
                }
            }
            Ok(())
        })
    }
}
