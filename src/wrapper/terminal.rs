//! A pseudo-terminal of the command's own: asked for where there is none (cron, a pipe, ssh without `-t`), or where it
//! is to be apart from the one that we were started on.
//!
//! The terminal's session is led by this program, started once more (see [`super::leader`]).

use super::outer::{Keys, Outer};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{OptionalActions, tcsetattr, tcsetwinsize};
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// What `tmuxagent run` is called with to lead the session on a terminal; followed by the terminal's path.
const ON_TERMINAL: &str = "--on-terminal";
/// The key that ends the input (termios(3), `VEOF`).
const END_OF_INPUT: u8 = 4;
/// How much is carried at once, bytes.
const PIECE: usize = 64 * 1024;
/// Nothing printed for so long: everything is shown. The system sends the signal of a key before the key's echo, and
/// hands over what is printed a little later.
const QUIET: Duration = Duration::from_millis(20);
/// How long it is waited for that at most.
const AT_MOST: Duration = Duration::from_millis(300);

/// A terminal that was made, and the one that we were started on, if any.
#[derive(Debug)]
pub(super) struct Terminal {
    ours: File,
    path: PathBuf,
    outer: Arc<Outer>,
    /// Counts up when a piece of output is taken and when it is shown: odd while one is under way.
    carried: Arc<AtomicU64>,
}

impl Terminal {
    /// Makes one, as large and as set up as the one that we were started on.
    pub(super) fn make() -> io::Result<Self> {
        let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
        grantpt(&ours)?;
        unlockpt(&ours)?;
        let path = ptsname(&ours, Vec::new())?.into_string().map_err(io::Error::other)?;
        let outer = Arc::new(Outer::look());
        if let Some(modes) = outer.modes() {
            tcsetattr(&ours, OptionalActions::Now, modes)?;
        }
        let terminal = Self { ours: File::from(ours), path: PathBuf::from(path), outer, carried: Arc::default() };
        terminal.fit()?;
        Ok(terminal)
    }

    /// The call that runs `command` on this terminal.
    pub(super) fn command(&self, command: &[OsString]) -> io::Result<Command> {
        let mut call = Command::new(std::env::current_exe()?);
        call.arg("run").arg(ON_TERMINAL).arg(&self.path).arg("--").args(command);
        Ok(call)
    }

    /// Takes over the size of the terminal that we were started on; the system tells the command.
    pub(super) fn fit(&self) -> io::Result<()> {
        Ok(tcsetwinsize(&self.ours, Outer::size())?)
    }

    /// The terminal that we were started on.
    pub(super) fn outer(&self) -> &Outer {
        &self.outer
    }

    /// Copies between the terminal and our standard streams. The thread ends when the command and all its children
    /// have let go of the terminal.
    pub(super) fn relay(&self) -> io::Result<JoinHandle<()>> {
        let (mut keys, mut screen) = (self.ours.try_clone()?, self.ours.try_clone()?);
        let (outer, carried) = (Arc::clone(&self.outer), Arc::clone(&self.carried));
        // It ends with the process: nothing can be told from a standard input that never ends.
        std::thread::spawn(move || type_all(&outer, &mut keys));
        // Reading fails with EIO once nobody has the other end open; a reader of ours that has gone is no error either.
        Ok(std::thread::spawn(move || drop(copy(&mut screen, &mut io::stdout().lock(), &carried))))
    }

    /// Waits until what was printed so far is shown.
    pub(super) fn settle(&self) {
        let began = Instant::now();
        let (mut seen, mut since) = (self.carried.load(Ordering::Acquire), began);
        while since.elapsed() < QUIET && began.elapsed() < AT_MOST {
            std::thread::sleep(QUIET / 10);
            let now = self.carried.load(Ordering::Acquire);
            if now != seen || now % 2 == 1 {
                (seen, since) = (now, Instant::now());
            }
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.outer.rest();
    }
}

/// Types what comes in on our standard input, and its end.
fn type_all(outer: &Outer, keys: &mut impl Write) -> Option<()> {
    let mut bytes = vec![0; PIECE];
    let mut last = b'\n';
    loop {
        match outer.read(&mut bytes) {
            Keys::Some(0) => break,
            Keys::Some(read) => {
                let piece = bytes.get(..read)?;
                last = *piece.last()?;
                keys.write_all(piece).ok()?;
            }
            Keys::None => {}
            Keys::Failed => return None,
        }
    }
    // In the middle of a line the key only hands over what stands there.
    let ends: &[u8] = if last == b'\n' { &[END_OF_INPUT] } else { &[END_OF_INPUT; 2] };
    keys.write_all(ends).ok()
}

fn copy(from: &mut impl Read, to: &mut impl Write, carried: &AtomicU64) -> io::Result<()> {
    let mut bytes = vec![0; PIECE];
    loop {
        match from.read(&mut bytes) {
            Ok(0) => return Ok(()),
            Ok(read) => {
                carried.fetch_add(1, Ordering::Release);
                to.write_all(&bytes[..read])?;
                to.flush()?;
                carried.fetch_add(1, Ordering::Release);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
