//! `tmuxagent run`: runs a command and reports its start, end, exit code and duration to the supervisor, so that
//! nobody has to guess from its output.
//!
//! The command runs on a pseudo-terminal: the pane's, on which the wrapper was started. It keeps that, in the wrapper's
//! own process group: window size, job control, `Ctrl-C` and `Ctrl-Z` are the terminal's own business, and no byte of
//! output takes a detour. Where there is none, one is made on request.
//!
//! **Invariants:** the exit code is the command's, 128 + N after signal N; the command is started whether or not a
//! supervisor listens; reporting never delays it by more than [`PATIENCE`].

mod report;
mod terminal;

pub use report::{Told, sentry_line};
pub use terminal::become_on;

use report::Reporter;
use std::ffi::OsString;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use terminal::Terminal;
use tokio::process::{Child, Command};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// How long the supervisor may take to listen at the end; on a loaded machine it needs a while, and what it hears late it
/// would hear twice.
pub const PATIENCE: Duration = Duration::from_secs(2);

/// The exit code of a command that was found and can't be run (POSIX shells).
const CANNOT_RUN: u8 = 126;
/// The exit code of a command that was not found (POSIX shells).
const NOT_FOUND: u8 = 127;

/// What is run and where it is reported.
#[derive(Debug)]
pub struct Wrapped {
    /// The command and its arguments; at least one word.
    pub command: Vec<OsString>,
    /// On which terminal.
    pub terminal: Place,
    /// The stage that it is a report for.
    pub stage: Option<String>,
    /// The supervisor's socket.
    pub socket: PathBuf,
    /// `$TMUX_PANE`.
    pub pane: Option<String>,
    /// The first field of `$TMUX`.
    pub tmux_socket: Option<String>,
}

/// On which terminal a command runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// On the one that the wrapper was started on, with its standard streams as they are.
    Here,
    /// On one that is made for it; its keys and its output go through the wrapper's standard streams.
    Made,
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended {
    /// The exit code to end with.
    pub code: u8,
    /// Whether the supervisor took the report. Otherwise a message line is to be printed.
    pub told: Told,
    /// How long it took.
    pub took: Duration,
}

/// Runs the command to its end.
///
/// # Errors
/// When signals can't be listened for, or the command can't be waited for.
pub async fn run(wrapped: &Wrapped) -> std::io::Result<Ended> {
    let began = Instant::now();
    let mut signals = Signals::listen()?;
    let code = match start(wrapped) {
        Ok((mut child, relay)) => {
            let mut reporter = Reporter::start(wrapped);
            let status = wait(&mut child, &mut signals, wrapped.terminal).await?;
            if let Some(relay) = relay {
                drain(&relay).await;
            }
            let (code, took) = (code_of(status), began.elapsed());
            let told = reporter.end(wrapped, code, took).await;
            return Ok(Ended { code, told, took });
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => NOT_FOUND,
        Err(_) => CANNOT_RUN,
    };
    let told = Reporter::start(wrapped).end(wrapped, code, began.elapsed()).await;
    Ok(Ended { code, told, took: began.elapsed() })
}

/// Starts the command; with what carries its output where a terminal was made for it.
fn start(wrapped: &Wrapped) -> std::io::Result<(Child, Option<JoinHandle<()>>)> {
    let (program, arguments) =
        wrapped.command.split_first().ok_or_else(|| std::io::Error::other("no command was given"))?;
    match wrapped.terminal {
        Place::Here => Ok((Command::new(program).args(arguments).spawn()?, None)),
        Place::Made => {
            let made = Terminal::make()?;
            let mut call = Command::from(made.command(&wrapped.command)?);
            let child = call.stdin(Stdio::null()).stdout(Stdio::null()).spawn()?;
            Ok((child, Some(made.relay()?)))
        }
    }
}

/// Waits until everything that was printed is handed on; not for what the command left behind in the background.
async fn drain(relay: &JoinHandle<()>) {
    let deadline = Instant::now() + PATIENCE;
    while !relay.is_finished() && Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// The signals that a person or a program sends to the wrapper.
struct Signals {
    interrupt: Signal,
    quit: Signal,
    terminate: Signal,
    hangup: Signal,
    user1: Signal,
    user2: Signal,
}

impl Signals {
    fn listen() -> std::io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            quit: signal(SignalKind::quit())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
            user1: signal(SignalKind::user_defined1())?,
            user2: signal(SignalKind::user_defined2())?,
        })
    }

    /// The next one.
    async fn next(&mut self) -> rustix::process::Signal {
        use rustix::process::Signal as Number;
        tokio::select! {
            _ = self.interrupt.recv() => Number::INT,
            _ = self.quit.recv() => Number::QUIT,
            _ = self.terminate.recv() => Number::TERM,
            _ = self.hangup.recv() => Number::HUP,
            _ = self.user1.recv() => Number::USR1,
            _ = self.user2.recv() => Number::USR2,
        }
    }
}

/// Waits for the command and passes signals on to it.
async fn wait(child: &mut Child, signals: &mut Signals, terminal: Place) -> std::io::Result<ExitStatus> {
    use rustix::process::{Pid, Signal as Number, kill_process, kill_process_group};
    loop {
        let signal = tokio::select! {
            status = child.wait() => return status,
            signal = signals.next() => signal,
        };
        // The terminal sends `Ctrl-C` and `Ctrl-\` to the whole group, the command among it; twice would be once too
        // often for programs that give up hard at the second.
        let by_key = matches!(signal, Number::INT | Number::QUIT) && in_foreground();
        let Some(pid) = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw) else { continue };
        // It may have ended in this instant.
        let _ = match terminal {
            Place::Here if by_key => Ok(()),
            Place::Here => kill_process(pid, signal),
            // It leads a session of its own, to which no key of our terminal goes.
            Place::Made => kill_process_group(pid, signal),
        };
    }
}

/// Whether keys of the terminal go to our process group.
fn in_foreground() -> bool {
    let terminal = std::fs::File::open("/dev/tty");
    terminal.is_ok_and(|terminal| {
        rustix::termios::tcgetpgrp(terminal).is_ok_and(|group| group == rustix::process::getpgrp())
    })
}

fn code_of(status: ExitStatus) -> u8 {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(1);
    u8::try_from(code).unwrap_or(1)
}
