//! `tmuxagent run`: runs a command and reports its start, end, exit code and duration to the supervisor, so that
//! nobody has to guess from its output.
//!
//! The command runs on a pseudo-terminal: the pane's, on which the wrapper was started. It keeps that, in the wrapper's
//! own process group: window size, job control, `Ctrl-C` and `Ctrl-Z` are the terminal's own business, and no byte of
//! output takes a detour. On request one of its own is made, where there is none or beside the one that there is; then
//! keys, size, stops and signals are carried over.
//!
//! **Invariants:** the exit code is the command's, 128 + N after signal N; the command is started whether or not a
//! supervisor listens; reporting never delays it by more than [`PATIENCE`].

mod leader;
mod outer;
mod report;
mod signals;
mod terminal;

pub use leader::lead_on;
pub use report::{Told, sentry_line};

use outer::in_foreground;
use report::Reporter;
use signals::{Signals, stopped};
use std::ffi::OsString;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use terminal::Terminal;
use tokio::process::{Child, Command};

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
    /// On one that is made for it; its keys and its output go through the wrapper's standard streams, its size is that
    /// of a terminal among these.
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
    let (code, mut reporter) = match start(wrapped) {
        Ok(mut running) => {
            let reporter = Reporter::start(wrapped);
            let status = running.wait().await?;
            if let Some((terminal, relay)) = running.made {
                drain(&relay).await;
                // The terminal that we were started on is as it was before anything else is printed there.
                drop(terminal);
            }
            (code_of(status), reporter)
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => (NOT_FOUND, Reporter::start(wrapped)),
        Err(_) => (CANNOT_RUN, Reporter::start(wrapped)),
    };
    let took = began.elapsed();
    let told = reporter.end(wrapped, code, took).await;
    Ok(Ended { code, told, took })
}

/// A command under way.
struct Running {
    child: Child,
    signals: Signals,
    /// Its own terminal, and what carries its output.
    made: Option<(Terminal, JoinHandle<()>)>,
}

/// Starts the command.
fn start(wrapped: &Wrapped) -> std::io::Result<Running> {
    let (program, arguments) =
        wrapped.command.split_first().ok_or_else(|| std::io::Error::other("no command was given"))?;
    match wrapped.terminal {
        Place::Here => {
            let signals = Signals::of_group()?;
            Ok(Running { child: Command::new(program).args(arguments).spawn()?, signals, made: None })
        }
        Place::Made => {
            let made = Terminal::make()?;
            let signals = Signals::of_relay(made.outer().has_keys())?;
            let mut call = Command::from(made.command(&wrapped.command)?);
            let child = call.stdin(Stdio::null()).stdout(Stdio::null()).spawn()?;
            let relay = made.relay()?;
            Ok(Running { child, signals, made: Some((made, relay)) })
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

impl Running {
    /// Waits for the command and passes signals on to it.
    async fn wait(&mut self) -> std::io::Result<ExitStatus> {
        use rustix::process::{Pid, Signal, kill_process};
        loop {
            let signal = tokio::select! {
                status = self.child.wait() => return status,
                signal = self.signals.next() => signal,
            };
            let Some(pid) = self.child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw) else {
                continue;
            };
            let Some((made, _)) = &self.made else {
                // The terminal sends `Ctrl-C` and `Ctrl-\` to the whole group, the command among it; twice would be
                // once too often for programs that give up hard at the second.
                if !(matches!(signal, Signal::INT | Signal::QUIT) && in_foreground()) {
                    let _ = kill_process(pid, signal);
                }
                continue;
            };
            match signal {
                Signal::WINCH => made.fit()?,
                Signal::CHILD => {
                    if stopped(pid).is_some() {
                        stop_with(made, pid);
                    }
                }
                // It may have ended in this instant.
                other => drop(kill_process(pid, other)),
            }
        }
    }
}

/// The command was stopped on its terminal: so is everything on ours, until somebody continues it.
fn stop_with(made: &Terminal, leader: rustix::process::Pid) {
    use rustix::process::{Signal, getpid, kill_current_process_group, kill_process};
    // What it printed before stands before what the shell prints, not behind what is typed after `fg`.
    made.settle();
    made.outer().rest();
    // What is lost by an error is the pause only. The rest of a job got the signal already where it was one.
    let _ = match made.outer().has_keys() {
        true => kill_current_process_group(Signal::TSTP),
        false => kill_process(getpid(), Signal::STOP),
    };
    made.outer().resume();
    let _ = made.fit();
    let _ = kill_process(leader, Signal::CONT);
}

fn code_of(status: ExitStatus) -> u8 {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(1);
    u8::try_from(code).unwrap_or(1)
}
