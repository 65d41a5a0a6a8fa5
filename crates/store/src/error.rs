//! What can go wrong with the database, with the way out.

use rusqlite::ErrorCode;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Why the state database could not be opened for writing. Every text names the file and what to do.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Its folder can't be made or written.
    #[error("the state folder {} can't be used: {source}; make it writable or set `sqlite_path` to another place", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file can't be written.
    #[error("the state database {} is read-only: {source}; make it writable (`chmod u+w`) or set `sqlite_path` to another place", path.display())]
    ReadOnly {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Another tmuxagent writes it.
    #[error("the state database {} is in use by another tmuxagent{}; end that one, or set `sqlite_path` to another place", path.display(), pid.map(|pid| format!(" (process {pid})")).unwrap_or_default())]
    InUse {
        /// The file.
        path: PathBuf,
        /// The process that holds it, where it could be told.
        pid: Option<u32>,
    },
    /// Another program holds it locked.
    #[error("the state database {} stays locked by another program; close the program that has it open", path.display())]
    Busy {
        /// The file.
        path: PathBuf,
    },
    /// The disk is full.
    #[error("the disk of the state database {} is full; free some space", path.display())]
    Full {
        /// The file.
        path: PathBuf,
    },
    /// It is a database of something else.
    #[error("{} is a database of another program; set `sqlite_path` to another place", path.display())]
    NotOurs {
        /// The file.
        path: PathBuf,
    },
    /// A newer tmuxagent wrote it.
    #[error("the state database {} has schema {found}, this tmuxagent knows up to {known}; install the newer tmuxagent again, or set `sqlite_path` to another place", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its schema.
        found: i32,
        /// Ours.
        known: i32,
    },
    /// An older tmuxagent wrote it, and it is opened for reading only.
    #[error("the state database {} has schema {found} of an older tmuxagent; start `tmuxagent` once, which carries it over to schema {known}", path.display())]
    Older {
        /// The file.
        path: PathBuf,
        /// Its schema.
        found: i32,
        /// Ours.
        known: i32,
    },
    /// It is damaged, or no database at all. A copy was set aside.
    #[error("the state database {} is damaged: {what}; {}; {}", path.display(), kept(aside.as_deref()), way_out(*has_backup))]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What was found.
        what: String,
        /// The copy, unless the disk had no room for it.
        aside: Option<PathBuf>,
        /// Whether a rolling backup is there.
        has_backup: bool,
    },
    /// The file system can't share memory between processes (network folders, `/mnt/c` of WSL).
    #[error("the file system of {} can't hold the state database (no write-ahead log: {mode}); set `sqlite_path` to a folder on a local Linux file system", path.display())]
    NoWal {
        /// The file.
        path: PathBuf,
        /// The journal mode that it fell back to.
        mode: String,
    },
    /// Anything else.
    #[error("the state database {} can't be opened: {source}", path.display())]
    Other {
        /// The file.
        path: PathBuf,
        /// Why.
        source: rusqlite::Error,
    },
}

fn kept(aside: Option<&Path>) -> String {
    aside.map_or_else(
        || "no copy of it could be made".to_owned(),
        |path| format!("a copy is kept as {}", path.display()),
    )
}

const fn way_out(has_backup: bool) -> &'static str {
    if has_backup {
        "`tmuxagent db repair` sets aside what nothing needs; else restore the last backup with `tmuxagent db restore`"
    } else {
        "`tmuxagent db repair` sets aside what nothing needs; there is no backup yet: else move the file away to start afresh, or run `tmuxagent db restore FILE`"
    }
}

/// Why a reading or writing of the open database failed. Nothing of it was written.
#[derive(Debug)]
pub struct StoreError {
    /// What went wrong.
    pub fault: Fault,
    /// The file, where it is known.
    pub path: Option<PathBuf>,
}

/// What went wrong with the open database.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The store was closed.
    #[error("the state database is closed")]
    Closed,
    /// Another program holds it locked; later it may work.
    #[error("another program holds the state database locked; close it")]
    Busy,
    /// The disk is full; later it may work.
    #[error("the disk of the state database is full; free some space")]
    Full,
    /// It can't be written any more.
    #[error("the state database can't be written: it was made read-only")]
    ReadOnly,
    /// It is damaged.
    #[error(
        "the state database is damaged: {0}; stop tmuxagent and restore the last backup with `tmuxagent db restore`"
    )]
    Damaged(String),
    /// Reading or writing failed in the operating system; later it may work.
    #[error("reading or writing the state database failed: {0}; see whether its disk fails or was made read-only")]
    Io(String),
    /// A backup is being made already.
    #[error("a backup is already being made")]
    BackupRuns,
    /// Anything else.
    #[error("the state database failed: {0}")]
    Other(rusqlite::Error),
}

impl StoreError {
    /// Names the file.
    #[must_use]
    pub fn at(mut self, path: &Path) -> Self {
        self.path.get_or_insert_with(|| path.to_path_buf());
        self
    }

    /// Whether the same may work a moment later without anybody doing anything but free space or close a program.
    #[must_use]
    pub const fn is_passing(&self) -> bool {
        matches!(self.fault, Fault::Busy | Fault::Full | Fault::Io(_) | Fault::BackupRuns)
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.path {
            Some(path) => write!(f, "{}: {}", path.display(), self.fault),
            None => self.fault.fmt(f),
        }
    }
}

impl std::error::Error for StoreError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.fault {
            Fault::Other(source) => Some(source),
            _ => None,
        }
    }
}

impl From<Fault> for StoreError {
    fn from(fault: Fault) -> Self {
        Self { fault, path: None }
    }
}

impl From<io::Error> for StoreError {
    fn from(error: io::Error) -> Self {
        let fault = match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Fault::Full,
            io::ErrorKind::ReadOnlyFilesystem => Fault::ReadOnly,
            _ => Fault::Io(error.to_string()),
        };
        fault.into()
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        let fault = match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Fault::Busy,
            Some(ErrorCode::DiskFull) => Fault::Full,
            Some(ErrorCode::ReadOnly) => Fault::ReadOnly,
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Fault::Damaged(error.to_string()),
            Some(ErrorCode::SystemIoFailure | ErrorCode::CannotOpen) => Fault::Io(error.to_string()),
            _ => Fault::Other(error),
        };
        fault.into()
    }
}
