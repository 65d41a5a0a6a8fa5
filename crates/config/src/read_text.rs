//! Reading a text that somebody named: a file, or a pipe such as a shell's `<(…)`; never without end.

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::OFlags;
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;
use std::time::{Duration, Instant};

/// The longest text that is read, bytes.
const LONGEST: usize = 16 * 1024 * 1024;
/// How long all of a pipe's text may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long a named pipe may be without a writer. A shell's `<(…)` has one from the start.
const NO_WRITER: Duration = Duration::from_secs(1);

/// The text of a file or pipe of at most 16 MiB. What is not there after ten seconds is not waited for.
///
/// # Errors
/// As the system says, or that it is too long, silent, or not UTF-8.
pub fn read_text(path: &Path) -> io::Result<String> {
    let bytes = read_within(path, LONGEST, PATIENCE)?;
    String::from_utf8(bytes).map_err(|error| io::Error::new(ErrorKind::InvalidData, no_text(&error)))
}

/// Why bytes are no text, and where that begins.
fn no_text(error: &std::string::FromUtf8Error) -> String {
    let bytes = error.as_bytes();
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return "it is UTF-16; save it as UTF-8".to_owned();
    }
    let before = bytes.get(..error.utf8_error().valid_up_to()).unwrap_or_default();
    let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
    format!("it is not UTF-8 text: line {line} holds something else; save it as UTF-8")
}

/// The text of a file that has its place, and is read again: there a named pipe is no such file, and nobody waits for its
/// writer. A shell's `<(…)` has no name in any folder, and is read once as [`read_text`] does.
///
/// # Errors
/// As [`read_text`], or that it is no regular file.
pub fn read_placed(path: &Path) -> io::Result<String> {
    let named = || std::fs::canonicalize(path).and_then(std::fs::metadata);
    if !path.starts_with("/dev/fd") && named().is_ok_and(|there| there.file_type().is_fifo()) {
        return Err(irregular());
    }
    read_text(path)
}

/// What a file or pipe holds, of at most `longest` bytes; otherwise as [`read_text`].
///
/// # Errors
/// As the system says, or that it is too long or silent.
pub fn read_bytes(path: &Path, longest: usize) -> io::Result<Vec<u8>> {
    read_within(path, longest, PATIENCE)
}

/// Opens a regular file for reading, and nothing else: neither is a pipe waited for nor a device read. What counts is what
/// was opened, not what lay there before.
///
/// # Errors
/// As the system says, or that it is no regular file.
pub fn open_regular(path: &Path) -> io::Result<File> {
    let file = open(path)?;
    if file.metadata()?.is_file() { Ok(file) } else { Err(irregular()) }
}

fn irregular() -> io::Error {
    io::Error::new(ErrorKind::InvalidInput, "it is no regular file")
}

/// Opening a pipe that nobody writes into would wait for a writer.
fn open(path: &Path) -> io::Result<File> {
    let flags = i32::try_from(OFlags::NONBLOCK.bits()).unwrap_or(0);
    let opened = OpenOptions::new().read(true).custom_flags(flags).open(path);
    // The system says of a socket that there is no such device.
    opened.map_err(|error| match std::fs::metadata(path) {
        Ok(there) if there.file_type().is_socket() => irregular(),
        _ => error,
    })
}

fn read_within(path: &Path, longest: usize, patience: Duration) -> io::Result<Vec<u8>> {
    let mut file = open(path)?;
    let kind = file.metadata()?.file_type();
    if kind.is_dir() {
        return Err(io::Error::new(ErrorKind::IsADirectory, "it is a folder"));
    }
    let begun = Instant::now();
    let deadline = begun + patience;
    let (mut bytes, mut part) = (Vec::new(), vec![0; 64 * 1024]);
    loop {
        match file.read(&mut part) {
            // A pipe without a writer looks like one at its end.
            Ok(0) if kind.is_fifo() && bytes.is_empty() && !ended(&file, deadline.min(begun + NO_WRITER))? => {}
            Ok(0) => break,
            Ok(read) => bytes.extend_from_slice(part.get(..read).unwrap_or_default()),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => drop(ended(&file, deadline)?),
            Err(error) => return Err(error),
        }
        if bytes.len() > longest {
            let text = format!("it is larger than {} MiB", longest / (1024 * 1024));
            return Err(io::Error::new(ErrorKind::FileTooLarge, text));
        }
    }
    Ok(bytes)
}

/// Waits until there is something to read; says whether all writers have gone without writing anything more.
fn ended(file: &File, deadline: Instant) -> io::Result<bool> {
    let left = deadline.saturating_duration_since(Instant::now());
    let left = Timespec { tv_sec: i64::try_from(left.as_secs()).unwrap_or(0), tv_nsec: left.subsec_nanos().into() };
    let mut streams = [PollFd::new(file, PollFlags::IN)];
    match poll(&mut streams, Some(&left)) {
        Ok(0) => Err(io::Error::new(ErrorKind::TimedOut, "nobody writes into it")),
        Ok(_) => {
            let found = streams[0].revents();
            Ok(found.contains(PollFlags::HUP) && !found.contains(PollFlags::IN))
        }
        Err(rustix::io::Errno::INTR) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn fifo(folder: &tempfile::TempDir) -> std::path::PathBuf {
        let path = folder.path().join("pipe");
        let mode = rustix::fs::Mode::from_raw_mode(0o600);
        rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, mode, 0).unwrap();
        path
    }

    #[test]
    fn a_device_without_end_is_too_long() {
        assert_eq!(read_text(Path::new("/dev/zero")).unwrap_err().kind(), ErrorKind::FileTooLarge);
        assert_eq!(read_text(Path::new("/dev/null")).unwrap(), "");
        assert_eq!(read_text(Path::new("/tmp")).unwrap_err().kind(), ErrorKind::IsADirectory);
    }

    #[test]
    fn a_pipe_is_read_to_its_end_and_not_waited_for_without_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = fifo(&folder);
        let silent = read_within(&path, LONGEST, Duration::from_millis(50)).unwrap_err();
        assert_eq!(silent.kind(), ErrorKind::TimedOut);
        let writer = std::thread::spawn({
            let path = path.clone();
            move || {
                let mut pipe = OpenOptions::new().write(true).open(path).unwrap();
                (0..20_000).for_each(|n| writeln!(pipe, "# line {n}").unwrap());
            }
        });
        assert_eq!(read_text(&path).unwrap().lines().count(), 20_000);
        writer.join().unwrap();
        // A writer that is there and says nothing.
        let _writer = OpenOptions::new().read(true).write(true).open(&path).unwrap();
        assert_eq!(read_within(&path, LONGEST, Duration::from_millis(50)).unwrap_err().kind(), ErrorKind::TimedOut);
    }

    #[test]
    fn only_a_regular_file_is_opened_as_one() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "A=1").unwrap();
        assert_eq!(io::read_to_string(open_regular(&file).unwrap()).unwrap(), "A=1");
        let socket = folder.path().join("socket");
        let _bound = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        for other in [fifo(&folder), socket, folder.path().to_owned(), "/dev/zero".into()] {
            assert_eq!(open_regular(&other).unwrap_err().to_string(), "it is no regular file", "{}", other.display());
        }
        assert_eq!(read_placed(&file).unwrap(), "A=1");
        assert_eq!(read_placed(Path::new("/dev/null")).unwrap(), "");
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(folder.path().join("pipe"), &link).unwrap();
        for pipe in [folder.path().join("pipe"), link] {
            assert_eq!(read_placed(&pipe).unwrap_err().to_string(), "it is no regular file");
        }
        assert_eq!(open_regular(&folder.path().join("none")).unwrap_err().kind(), ErrorKind::NotFound);
        assert_eq!(read_bytes(&file, 2).unwrap_err().kind(), ErrorKind::FileTooLarge);
    }
}
