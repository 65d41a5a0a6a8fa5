//! A pseudo-terminal for a command that has none: started by cron, over ssh without `-t`, or in a pipe.
//!
//! The command becomes the leader of a session of its own, for which this program is started once more: only a process
//! itself can make a terminal its own (setsid(2), ioctl_tty(2)).

use rustix::fs::{Mode, OFlags, open};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcgetwinsize, tcsetwinsize};
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::JoinHandle;

/// What `tmuxagent run` is called with to become the command on a terminal; followed by the terminal's path.
const ON_TERMINAL: &str = "--on-terminal";

/// The size where neither a terminal nor the environment tells one: that of the VT100.
const USUAL: (u16, u16) = (24, 80);
/// The key that ends the input (termios(3), `VEOF`).
const END_OF_INPUT: u8 = 4;

/// A terminal with nobody on it yet.
#[derive(Debug)]
pub(super) struct Terminal {
    ours: File,
    path: PathBuf,
}

impl Terminal {
    /// Makes one, as large as `LINES` and `COLUMNS` or a terminal on our standard error say.
    pub(super) fn make() -> io::Result<Self> {
        let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
        grantpt(&ours)?;
        unlockpt(&ours)?;
        let path = ptsname(&ours, Vec::new())?.into_string().map_err(io::Error::other)?;
        tcsetwinsize(&ours, size())?;
        Ok(Self { ours: File::from(ours), path: PathBuf::from(path) })
    }

    /// The call that becomes `command` on this terminal.
    pub(super) fn command(&self, command: &[OsString]) -> io::Result<Command> {
        let mut call = Command::new(std::env::current_exe()?);
        call.arg("run").arg(ON_TERMINAL).arg(&self.path).arg("--").args(command);
        Ok(call)
    }

    /// Copies between the terminal and our standard streams. The thread ends when the command and all its children
    /// have let go of the terminal.
    pub(super) fn relay(self) -> io::Result<JoinHandle<()>> {
        let mut keys = self.ours.try_clone()?;
        // It ends with the process: nothing can be told from a standard input that never ends.
        std::thread::spawn(move || {
            if copy(&mut io::stdin().lock(), &mut keys).is_ok() {
                let _ = keys.write_all(&[END_OF_INPUT]);
            }
        });
        let mut ours = self.ours;
        // Reading fails with EIO once nobody has the other end open; a reader of ours that has gone is no error either.
        Ok(std::thread::spawn(move || drop(copy(&mut ours, &mut io::stdout().lock()))))
    }
}

fn copy(from: &mut impl Read, to: &mut impl Write) -> io::Result<()> {
    let mut bytes = vec![0; 64 * 1024];
    loop {
        match from.read(&mut bytes) {
            Ok(0) => return Ok(()),
            Ok(read) => {
                to.write_all(&bytes[..read])?;
                to.flush()?;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

fn size() -> Winsize {
    if let Ok(size) = tcgetwinsize(io::stderr())
        && size.ws_row > 0
    {
        return size;
    }
    let told = |name: &str| std::env::var(name).ok()?.parse::<u16>().ok().filter(|cells| *cells > 0);
    Winsize {
        ws_row: told("LINES").unwrap_or(USUAL.0),
        ws_col: told("COLUMNS").unwrap_or(USUAL.1),
        ws_xpixel: 0,
        ws_ypixel: 0,
    }
}

/// Becomes `command` with that terminal as its own; comes back only with an error.
pub fn become_on(terminal: &Path, command: &[OsString]) -> io::Error {
    let become_it = || -> io::Result<io::Error> {
        rustix::process::setsid()?;
        let terminal = open(terminal, OFlags::RDWR, Mode::empty())?;
        rustix::process::ioctl_tiocsctty(&terminal)?;
        rustix::stdio::dup2_stdin(&terminal)?;
        rustix::stdio::dup2_stdout(&terminal)?;
        rustix::stdio::dup2_stderr(&terminal)?;
        drop(terminal);
        let (program, arguments) = command.split_first().ok_or(io::ErrorKind::InvalidInput)?;
        Ok(Command::new(program).args(arguments).exec())
    };
    become_it().unwrap_or_else(|error| error)
}
