//! Which process is the supervisor: the one that holds the lock. The kernel frees it with the process, so a crashed
//! holder is never in the way.

use crate::model::Timestamp;
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions, Permissions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Who holds the lock, as the lock file tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// Its process.
    pub pid: u32,
    /// The configuration file that it runs with.
    pub config: String,
    /// Since when.
    pub started_at: Timestamp,
    /// Its version.
    pub version: String,
}

/// The lock; freed when dropped or when the process ends in any way.
#[derive(Debug)]
pub struct Lock {
    _file: File,
    folder: PathBuf,
}

/// Why the lock was not taken.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another supervisor runs.
    #[error("a supervisor runs already{}", .0.as_ref().map_or_else(String::new, |h| format!(" (process {})", h.pid)))]
    Held(Option<Holder>),
    /// The folder or file can't be used.
    #[error("can't use the lock {path}: {source}")]
    Unusable {
        /// The file.
        path: String,
        /// Why.
        source: io::Error,
    },
}

/// The lock file of a runtime folder.
#[must_use]
pub fn lock_path(folder: &Path) -> PathBuf {
    folder.join("supervisor.lock")
}

/// The socket of a runtime folder.
#[must_use]
pub fn socket_path(folder: &Path) -> PathBuf {
    folder.join("supervisor.sock")
}

impl Lock {
    /// Takes the lock of a runtime folder, which is made with mode 0700 where it is missing.
    ///
    /// # Errors
    /// [`LockError::Held`] when another process has it, [`LockError::Unusable`] otherwise.
    pub fn acquire(folder: &Path, holder: &Holder) -> Result<Self, LockError> {
        let path = lock_path(folder);
        let unusable = |source| LockError::Unusable { path: path.display().to_string(), source };
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(unusable)?;
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let mut file = options.open(&path).map_err(unusable)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(LockError::Held(read_holder(&mut file))),
            Err(TryLockError::Error(source)) => return Err(unusable(source)),
        }
        // Only now is the content ours to change.
        let text = serde_json::to_string(holder).map_err(|error| unusable(error.into()))?;
        file.set_len(0).and_then(|()| file.rewind()).map_err(unusable)?;
        file.write_all(text.as_bytes()).and_then(|()| file.sync_data()).map_err(unusable)?;
        Ok(Self { _file: file, folder: folder.to_owned() })
    }

    /// Opens the socket, replacing what a crashed holder left. Mode 0600.
    ///
    /// # Errors
    /// When the folder does not take a socket (too long a path, a file system without sockets, no permission).
    pub fn bind(&self) -> io::Result<std::os::unix::net::UnixListener> {
        let path = socket_path(&self.folder);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = std::os::unix::net::UnixListener::bind(&path)?;
        std::fs::set_permissions(&path, Permissions::from_mode(0o600))?;
        listener.set_nonblocking(true)?;
        Ok(listener)
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // The lock is still ours here, so this can't be another supervisor's socket.
        let _ = std::fs::remove_file(socket_path(&self.folder));
    }
}

/// Who holds the lock of a runtime folder, if anybody does.
#[must_use]
pub fn holder(folder: &Path) -> Option<Holder> {
    let mut file = File::open(lock_path(folder)).ok()?;
    match file.try_lock_shared() {
        Err(TryLockError::WouldBlock) => read_holder(&mut file),
        Ok(()) | Err(TryLockError::Error(_)) => None,
    }
}

fn read_holder(file: &mut File) -> Option<Holder> {
    let mut text = String::new();
    file.rewind().ok()?;
    file.take(64 * 1024).read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}
