//! The terminal that the wrapper was started on, while the command has one of its own: its keys go through unread
//! (`Ctrl-C` means something on the command's terminal only), its size is the command's.
//!
//! **Invariants:** whoever has the keys sees the terminal as it was before: at the end, while the job is stopped, and
//! after a panic. Nothing is read and no mode is set from the background, which would stop the whole job.

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::termios::{OptionalActions, Termios, Winsize, tcgetattr, tcgetwinsize, tcsetattr};
use std::io::{self, IsTerminal as _};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The size where neither a terminal nor the environment tells one: that of the VT100.
const USUAL: (u16, u16) = (24, 80);
/// How often the wrapper looks whether it was brought to the foreground, which nothing tells.
const GLANCE: Timespec = Timespec { tv_sec: 0, tv_nsec: 200_000_000 };

/// What came of waiting for keys.
pub(super) enum Keys {
    /// So many bytes; none at the end.
    Some(usize),
    /// Nothing now.
    None,
    /// Nothing any more.
    Failed,
}

/// In which modes the terminal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// As it was found.
    Found,
    /// Every key goes through.
    Raw,
    /// As it was found, and to stay so.
    Resting,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Outer {
    /// The modes that it was found in; `None` where our standard input is no terminal.
    found: Option<Termios>,
    mode: Mutex<Mode>,
}

impl Outer {
    /// Looks what our standard input is.
    pub(super) fn look() -> Self {
        let found = io::stdin().is_terminal().then(|| tcgetattr(io::stdin()).ok()).flatten();
        Self { found, mode: Mutex::new(Mode::Found) }
    }

    /// The modes that it was found in.
    pub(super) const fn modes(&self) -> Option<&Termios> {
        self.found.as_ref()
    }

    /// The size of the first of our standard streams that is a terminal, else what `LINES` and `COLUMNS` say.
    pub(super) fn size() -> Winsize {
        let told = [tcgetwinsize(io::stdout()), tcgetwinsize(io::stdin()), tcgetwinsize(io::stderr())];
        if let Some(size) = told.into_iter().flatten().find(|size| size.ws_row > 0 && size.ws_col > 0) {
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

    fn mode(&self) -> MutexGuard<'_, Mode> {
        self.mode.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets every key through from now on, if they are ours.
    fn open(&self) {
        let mut mode = self.mode();
        if let Some(found) = self.found.as_ref().filter(|_| *mode == Mode::Found && in_foreground()) {
            let mut raw = found.clone();
            raw.make_raw();
            if tcsetattr(io::stdin(), OptionalActions::Now, &raw).is_ok() {
                *mode = Mode::Raw;
            }
        }
    }

    /// The terminal becomes as it was found, until [`Self::resume`].
    pub(super) fn rest(&self) {
        let mut mode = self.mode();
        if let Some(found) = self.found.as_ref().filter(|_| *mode == Mode::Raw && in_foreground()) {
            // What was printed is shown in the modes that it was printed for.
            let _ = tcsetattr(io::stdin(), OptionalActions::Drain, found);
        }
        *mode = Mode::Resting;
    }

    /// After a rest.
    pub(super) fn resume(&self) {
        *self.mode() = Mode::Found;
        self.open();
    }

    /// Waits a little for keys. From a terminal they are read in the foreground only.
    pub(super) fn read(&self, bytes: &mut [u8]) -> Keys {
        if self.found.is_some() {
            if !in_foreground() {
                std::thread::sleep(Duration::from_millis(200));
                return Keys::None;
            }
            self.open();
            let keys = io::stdin();
            let mut streams = [PollFd::new(&keys, PollFlags::IN)];
            match poll(&mut streams, Some(&GLANCE)) {
                Ok(0) | Err(rustix::io::Errno::INTR) => return Keys::None,
                Ok(_) if in_foreground() => {}
                Ok(_) => return Keys::None,
                Err(_) => return Keys::Failed,
            }
        }
        match rustix::io::read(io::stdin(), bytes) {
            Ok(read) => Keys::Some(read),
            Err(rustix::io::Errno::INTR) => Keys::None,
            Err(_) => Keys::Failed,
        }
    }

    /// Whether keys come from a terminal.
    pub(super) const fn has_keys(&self) -> bool {
        self.found.is_some()
    }
}

/// Whether keys of the terminal go to our process group.
pub(super) fn in_foreground() -> bool {
    let terminal = std::fs::File::open("/dev/tty");
    terminal.is_ok_and(|terminal| {
        rustix::termios::tcgetpgrp(terminal).is_ok_and(|group| group == rustix::process::getpgrp())
    })
}
