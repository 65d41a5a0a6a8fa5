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

/// The text of a file or pipe of at most 16 MiB. What is not there after ten seconds is not waited for.
///
/// # Errors
/// As the system says, or that it is too long, silent, or not UTF-8.
pub fn read_text(path: &Path) -> io::Result<String> {
    read_within(path, PATIENCE)
}

fn read_within(path: &Path, patience: Duration) -> io::Result<String> {
    // Opening a pipe that nobody writes into would wait for a writer.
    let flags = i32::try_from(OFlags::NONBLOCK.bits()).unwrap_or(0);
    let mut file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    let kind = file.metadata()?.file_type();
    if kind.is_dir() {
        return Err(io::Error::new(ErrorKind::IsADirectory, "it is a folder"));
    }
    let deadline = Instant::now() + patience;
    let (mut bytes, mut part) = (Vec::new(), vec![0; 64 * 1024]);
    loop {
        match file.read(&mut part) {
            // A pipe without a writer looks like one at its end.
            Ok(0) if kind.is_fifo() && bytes.is_empty() && !ended(&file, deadline)? => {}
            Ok(0) => break,
            Ok(read) => bytes.extend_from_slice(part.get(..read).unwrap_or_default()),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => drop(ended(&file, deadline)?),
            Err(error) => return Err(error),
        }
        if bytes.len() > LONGEST {
            return Err(io::Error::new(ErrorKind::FileTooLarge, "it is larger than 16 MiB"));
        }
    }
    String::from_utf8(bytes).map_err(|_| io::Error::new(ErrorKind::InvalidData, "it is not UTF-8 text"))
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
        let silent = read_within(&path, Duration::from_millis(50)).unwrap_err();
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
        assert_eq!(read_within(&path, Duration::from_millis(50)).unwrap_err().kind(), ErrorKind::TimedOut);
    }
}
