//! Which process is the supervisor: the one that holds the lock. The kernel frees it with the process, so a crashed
//! holder is never in the way.

use super::client::hello;
use super::codec;
use super::wire::RequestFrame;
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions, Permissions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tmuxagent_model::{Timestamp, Via};

/// The longest path of a socket that every supported system takes, bytes (macOS has 104 with the end mark).
const MAX_SOCKET_PATH: usize = 103;

/// How long, and how far apart, a lock is tried whose holder does not answer.
const PATIENCE: Duration = Duration::from_secs(1);
const PAUSE: Duration = Duration::from_millis(5);

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
    file: File,
    folder: PathBuf,
}

/// Why the lock was not taken.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another supervisor runs.
    #[error("a supervisor runs already{}", .0.as_ref().map_or_else(String::new, |h| format!(" (process {})", h.pid)))]
    Held(Option<Holder>),
    /// The folder belongs to somebody else, who could put anything there.
    #[error("the folder {0} belongs to another user; set XDG_RUNTIME_DIR to a folder of your own")]
    Foreign(String),
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
    /// Takes the lock of a runtime folder, which is made with mode 0700 where it is missing, and tightened to it.
    /// Blocks for up to a second where the holder does not answer: it is just starting, or ending.
    ///
    /// # Errors
    /// [`LockError::Held`] when another process has it, [`LockError::Foreign`] when another user owns the folder,
    /// [`LockError::Unusable`] otherwise.
    pub fn acquire(folder: &Path, holder: &Holder) -> Result<Self, LockError> {
        let path = lock_path(folder);
        let unusable = |source| LockError::Unusable { path: path.display().to_string(), source };
        private_folder(folder)?;
        let begun = Instant::now();
        loop {
            let mut options = OpenOptions::new();
            options.read(true).write(true).create(true).truncate(false).mode(0o600);
            let mut file = options.open(&path).map_err(unusable)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    // A process that was killed holds the lock until the kernel has taken it apart, and one that it was
                    // just starting shares it until it becomes another program. So only who answers has it for certain.
                    let found = self::holder(folder);
                    let alive = found.as_ref().is_some_and(|found| is_alive(found.pid));
                    if alive && answers(folder) || begun.elapsed() >= PATIENCE {
                        return Err(LockError::Held(found));
                    }
                    std::thread::sleep(PAUSE);
                    continue;
                }
                Err(TryLockError::Error(source)) => return Err(unusable(source)),
            }
            // Somebody may have removed the file between our opening and our locking: then that lock means nothing.
            if !is_at(&file, &path) {
                continue;
            }
            // Only now is the content ours to change.
            let text = serde_json::to_string(holder).map_err(|error| unusable(error.into()))?;
            file.set_len(0).and_then(|()| file.rewind()).map_err(unusable)?;
            file.write_all(text.as_bytes()).map_err(unusable)?;
            return Ok(Self { file, folder: folder.to_owned() });
        }
    }

    /// Opens the socket, replacing what a crashed holder left. Mode 0600.
    ///
    /// # Errors
    /// When the folder does not take a socket (too long a path, a file system without sockets, no permission), or
    /// when something that is no socket has its name.
    pub fn bind(&self) -> io::Result<std::os::unix::net::UnixListener> {
        bind(&socket_path(&self.folder))
    }
}

/// Opens a socket in place of an old one. Only for who holds the lock.
pub(super) fn bind(path: &Path) -> io::Result<std::os::unix::net::UnixListener> {
    let length = path.as_os_str().len();
    if length > MAX_SOCKET_PATH {
        return Err(io::Error::new(
            io::ErrorKind::InvalidFilename,
            format!(
                "its path has {length} bytes, at most {MAX_SOCKET_PATH} are possible; set XDG_RUNTIME_DIR to a shorter folder"
            ),
        ));
    }
    match std::fs::symlink_metadata(path) {
        Ok(meta) if meta.file_type().is_socket() => std::fs::remove_file(path)?,
        Ok(_) => {
            let text = "something that is no socket has its name; move that away";
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, text));
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let listener = std::os::unix::net::UnixListener::bind(path)?;
    std::fs::set_permissions(path, Permissions::from_mode(0o600))?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Makes a folder that is only ours: 0700, or tightened to that.
fn private_folder(folder: &Path) -> Result<(), LockError> {
    let unusable = |source| LockError::Unusable { path: folder.display().to_string(), source };
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(unusable)?;
    let meta = std::fs::metadata(folder).map_err(unusable)?;
    if meta.uid() != rustix::process::geteuid().as_raw() {
        return Err(LockError::Foreign(folder.display().to_string()));
    }
    if meta.permissions().mode() & 0o077 != 0 {
        std::fs::set_permissions(folder, Permissions::from_mode(0o700)).map_err(unusable)?;
    }
    Ok(())
}

fn is_at(file: &File, path: &Path) -> bool {
    match (file.metadata(), std::fs::metadata(path)) {
        (Ok(ours), Ok(there)) => (ours.dev(), ours.ino()) == (there.dev(), there.ino()),
        _ => false,
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // The lock is still ours here, so this can't be another supervisor's socket. The lock file stays: a removed one
        // could be locked beside a new one.
        let _ = std::fs::remove_file(socket_path(&self.folder));
        let _ = self.file.set_len(0);
    }
}

/// Who wrote the lock file of a runtime folder last; `None` when it ended in order. Only its socket tells whether it
/// still runs: asking the lock itself would take it for a moment, and a supervisor that starts right then would
/// believe that another one runs.
#[must_use]
pub fn holder(folder: &Path) -> Option<Holder> {
    let mut text = String::new();
    File::open(lock_path(folder)).ok()?.take(64 * 1024).read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}

/// Whether somebody answers at the socket of a runtime folder.
fn answers(folder: &Path) -> bool {
    let ask = || -> io::Result<usize> {
        let mut socket = UnixStream::connect(socket_path(folder))?;
        socket.set_read_timeout(Some(PATIENCE / 4))?;
        socket.set_write_timeout(Some(PATIENCE / 4))?;
        let hello = RequestFrame { id: 1, request: hello(Via::Cli, None, None) };
        socket.write_all(&codec::encode(&hello).map_err(io::Error::other)?)?;
        socket.read(&mut [0; 1])
    };
    ask().is_ok_and(|read| read > 0)
}

fn is_alive(process: u32) -> bool {
    let process = i32::try_from(process).ok().and_then(rustix::process::Pid::from_raw);
    process.is_some_and(|process| rustix::process::test_kill_process(process) != Err(rustix::io::Errno::SRCH))
}
