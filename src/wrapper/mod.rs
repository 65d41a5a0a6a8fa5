//! `tmuxagent run`: runs a command and reports its start, end, exit code and duration to the supervisor, so that
//! nobody has to guess from its output.
//!
//! The command keeps the terminal that the wrapper was started on, in the wrapper's own process group: window size,
//! job control, `Ctrl-C` and `Ctrl-Z` are the terminal's own business, and no byte of output takes a detour.
//!
//! **Invariants:** the exit code is the command's, 128 + N after signal N; the command is started whether or not a
//! supervisor listens; reporting never delays it by more than [`PATIENCE`].

mod report;

pub use report::{Told, sentry_line};

use report::Reporter;
use std::ffi::OsString;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::{Duration, Instant};
use tokio::process::{Child, Command};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// How long the supervisor may take to listen at the end.
pub const PATIENCE: Duration = Duration::from_millis(500);

/// The exit code of a command that was found and can't be run (POSIX shells).
const CANNOT_RUN: u8 = 126;
/// The exit code of a command that was not found (POSIX shells).
const NOT_FOUND: u8 = 127;

/// What is run and where it is reported.
#[derive(Debug)]
pub struct Wrapped {
    /// The command and its arguments; at least one word.
    pub command: Vec<OsString>,
    /// The stage that it is a report for.
    pub stage: Option<String>,
    /// The supervisor's socket.
    pub socket: PathBuf,
    /// `$TMUX_PANE`.
    pub pane: Option<String>,
    /// The first field of `$TMUX`.
    pub tmux_socket: Option<String>,
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
    let (program, arguments) =
        wrapped.command.split_first().ok_or_else(|| std::io::Error::other("no command was given"))?;
    let code = match Command::new(program).args(arguments).spawn() {
        Ok(mut child) => {
            let mut reporter = Reporter::start(wrapped);
            let status = wait(&mut child, &mut signals).await?;
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

/// The signals that a person or a program sends to the wrapper.
struct Signals {
    interrupt: Signal,
    quit: Signal,
    terminate: Signal,
    hangup: Signal,
}

impl Signals {
    fn listen() -> std::io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            quit: signal(SignalKind::quit())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }
}

/// Waits for the command. The terminal sends `Ctrl-C` and `Ctrl-\` to it as well, so these need no passing on; SIGTERM
/// and SIGHUP reach the wrapper alone.
async fn wait(child: &mut Child, signals: &mut Signals) -> std::io::Result<ExitStatus> {
    loop {
        let pass = tokio::select! {
            status = child.wait() => return status,
            _ = signals.interrupt.recv() => None,
            _ = signals.quit.recv() => None,
            _ = signals.terminate.recv() => Some(rustix::process::Signal::TERM),
            _ = signals.hangup.recv() => Some(rustix::process::Signal::HUP),
        };
        let pid = child.id().and_then(|id| i32::try_from(id).ok()).and_then(rustix::process::Pid::from_raw);
        if let (Some(signal), Some(pid)) = (pass, pid) {
            // It may have ended in this instant.
            let _ = rustix::process::kill_process(pid, signal);
        }
    }
}

fn code_of(status: ExitStatus) -> u8 {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(1);
    u8::try_from(code).unwrap_or(1)
}
