//! The database's files: who may read them, who writes them, and copies that are never half there.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tmuxagent_model::Timestamp;

/// Makes a folder that only we can enter, with what is above it. One that is there already is left as it is.
pub(crate) fn make_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Makes sure of a file that only we can read, and that we may write it.
pub(crate) fn make_private_file(path: &Path) -> io::Result<File> {
    // What is no regular file is neither waited for nor given to SQLite, which would wait.
    let flags = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or(0);
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(0o600).custom_flags(flags);
    let file = options.open(path).map_err(|error| if is_irregular(path) { irregular() } else { error })?;
    if !file.metadata()?.is_file() {
        return Err(irregular());
    }
    if file.metadata()?.permissions().mode() & 0o077 != 0 {
        file.set_permissions(fs::Permissions::from_mode(0o600))?;
    }
    Ok(file)
}

/// Whether something is there that is neither a file nor a folder.
fn is_irregular(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|there| !there.is_file() && !there.is_dir())
}

fn irregular() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, IRREGULAR)
}

const IRREGULAR: &str = "it is no regular file";

/// Opens a database for reading only. What is no regular file is refused, since SQLite would wait for a pipe's writer.
pub(crate) fn open_reader(path: &Path) -> rusqlite::Result<rusqlite::Connection> {
    match fs::metadata(path) {
        Ok(there) if !there.is_file() => Err(no_database()),
        Ok(_) | Err(_) => super::schema::open_reader(path),
    }
}

/// That something is no regular file, as SQLite's own error.
pub(crate) fn no_database() -> rusqlite::Error {
    let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CANTOPEN);
    rusqlite::Error::SqliteFailure(code, Some(IRREGULAR.to_owned()))
}

/// A path with something added to its file name.
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// The folder of a file.
pub(crate) fn folder(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."))
}

/// An instant as a part of a file name that sorts by time: `20261121T101904Z`.
pub(crate) fn stamp(at: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(at.0)
        .map_or_else(|_| at.0.to_string(), |instant| instant.strftime("%Y%m%dT%H%M%SZ").to_string())
}

/// The right to write the database, held until it is dropped or the process ends in any way.
#[derive(Debug)]
pub(crate) struct WriteLock {
    file: File,
}

impl Drop for WriteLock {
    fn drop(&mut self) {
        // An empty file says that nobody holds it.
        let _ = self.file.set_len(0);
    }
}

/// How often, and how far apart, a lock is tried that nobody alive holds: a process that is just being started by its
/// late holder shares it for some moments, until it becomes another program.
const TRIES: u32 = 50;
const PAUSE: Duration = Duration::from_millis(5);

/// Takes the lock file beside the database. `Ok(Err(pid))` when another process has it.
pub(crate) fn lock(database: &Path) -> io::Result<Result<WriteLock, Option<u32>>> {
    let mut file = make_private_file(&beside(database, ".lock"))?;
    let mut holder = None;
    for _ in 0..TRIES {
        match file.try_lock() {
            Ok(()) => {
                // For people only; a full disk must not keep us from starting.
                if file.set_len(0).and_then(|()| file.rewind()).is_ok() {
                    let _ = writeln!(file, "{}", std::process::id());
                }
                return Ok(Ok(WriteLock { file }));
            }
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => return Err(error),
        }
        let mut text = String::new();
        file.rewind()?;
        (&mut file).take(32).read_to_string(&mut text)?;
        holder = text.trim().parse().ok();
        if holder.is_some_and(is_alive) {
            break;
        }
        std::thread::sleep(PAUSE);
    }
    Ok(Err(holder))
}

fn is_alive(process: u32) -> bool {
    let process = i32::try_from(process).ok().and_then(rustix::process::Pid::from_raw);
    process.is_some_and(|process| rustix::process::test_kill_process(process) != Err(rustix::io::Errno::SRCH))
}

/// Copies a damaged database with its log to `….broken-TIME`, where TIME is when it was last written, so that starting
/// again and again makes one copy. `None` when that can't be done.
pub(crate) fn copy_aside(database: &Path) -> Option<PathBuf> {
    let aside = aside_name(database)?;
    if aside.exists() {
        return Some(aside);
    }
    copy_synced(&beside(database, "-wal"), &beside(&aside, "-wal")).ok().or(Some(()))?;
    copy_synced(database, &aside).ok()?;
    Some(aside)
}

/// Copies a database with its log before it is repaired, to `….before-repair-TIME`; `None` where that fails.
pub(crate) fn copy_beside(database: &Path, now: Timestamp) -> Option<PathBuf> {
    let name = beside(database, &format!(".before-repair-{}", stamp(now)));
    let mut names = (0..).map(|n| if n == 0 { name.clone() } else { beside(&name, &format!("-{n}")) });
    let copy = names.find(|path| !path.exists())?;
    let log = beside(database, "-wal");
    if log.exists() {
        copy_synced(&log, &beside(&copy, "-wal")).ok()?;
    }
    copy_synced(database, &copy).ok()?;
    Some(copy)
}

/// Moves a database with its log out of the way, to `….broken-TIME`.
pub(crate) fn move_aside(database: &Path) -> io::Result<Option<PathBuf>> {
    let Some(name) = aside_name(database) else {
        return Ok(None);
    };
    let aside = (0..).map(|n| if n == 0 { name.clone() } else { beside(&name, &format!("-{n}")) });
    let Some(aside) = aside.into_iter().find(|path| !path.exists()) else {
        return Ok(None);
    };
    fs::rename(database, &aside)?;
    for suffix in ["-wal", "-shm"] {
        match fs::rename(beside(database, suffix), beside(&aside, suffix)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(Some(aside))
}

fn aside_name(database: &Path) -> Option<PathBuf> {
    let modified = fs::metadata(database).ok()?.modified().ok()?;
    let millis = modified.duration_since(std::time::UNIX_EPOCH).map_or(0, |d| d.as_millis());
    let at = Timestamp(i64::try_from(millis).unwrap_or(0));
    Some(beside(database, &format!(".broken-{}", stamp(at))))
}

/// Copies a file so that its new name holds all of it or does not exist; only we can read the copy.
pub(crate) fn copy_synced(from: &Path, to: &Path) -> io::Result<()> {
    let part = beside(to, ".part");
    let flags = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or(0);
    let mut source = OpenOptions::new().read(true).custom_flags(flags).open(from)?;
    if !source.metadata()?.is_file() {
        return Err(irregular());
    }
    let copied = (|| {
        let mut target = make_private_file(&part)?;
        target.set_len(0)?;
        io::copy(&mut source, &mut target)?;
        target.sync_all()?;
        publish(&part, to)
    })();
    if copied.is_err() {
        let _ = fs::remove_file(&part);
    }
    copied
}

/// Gives a finished file its name, and makes that last.
pub(crate) fn publish(part: &Path, name: &Path) -> io::Result<()> {
    fs::rename(part, name)?;
    File::open(folder(name))?.sync_all()
}
