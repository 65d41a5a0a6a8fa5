//! The second half of `--pty`: the leader of the session on the terminal that was made.
//!
//! Only a process itself can make a terminal its own (setsid(2), ioctl_tty(2)), and a command that led the session
//! itself could not be stopped: the system ignores `Ctrl-Z` in a process group that nobody of the same session, but of
//! another group, looks after (POSIX, "orphaned process group"). So the leader stays beside the command, passes
//! signals on, and stops and goes on with it.

use super::code_of;
use super::signals::{Signals, stopped};
use rustix::fs::{Mode, OFlags, open};
use rustix::process::{Pid, Signal, getpid, ioctl_tiocsctty, kill_process, kill_process_group, setsid};
use rustix::termios::{tcgetpgrp, tcsetpgrp};
use std::ffi::OsString;
use std::io;
use std::path::Path;
use tokio::process::Command;

/// Runs `command` with that terminal as its own, to its end; its exit code.
///
/// # Errors
/// When the terminal can't be made ours, or the command can't be started.
pub async fn lead_on(terminal: &Path, command: &[OsString]) -> io::Result<u8> {
    setsid()?;
    let terminal = open(terminal, OFlags::RDWR, Mode::empty())?;
    ioctl_tiocsctty(&terminal)?;
    rustix::stdio::dup2_stdin(&terminal)?;
    rustix::stdio::dup2_stdout(&terminal)?;
    rustix::stdio::dup2_stderr(&terminal)?;
    drop(terminal);
    let mut signals = Signals::of_leader()?;
    let (program, arguments) = command.split_first().ok_or(io::ErrorKind::InvalidInput)?;
    let mut child = Command::new(program).args(arguments).process_group(0).spawn()?;
    let Some(pid) = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw) else {
        return Ok(code_of(child.wait().await?));
    };
    // It may have ended in this instant.
    let _ = tcsetpgrp(io::stdin(), pid);
    loop {
        let signal = tokio::select! {
            status = child.wait() => return Ok(code_of(status?)),
            signal = signals.next() => signal,
        };
        if signal != Signal::CHILD {
            let _ = kill_process_group(pid, signal);
            continue;
        }
        let Some(by) = stopped(pid) else { continue };
        let asked_too_early =
            matches!(by, Signal::TTIN | Signal::TTOU) && tcgetpgrp(io::stdin()).is_ok_and(|group| group == pid);
        if !asked_too_early {
            // Our parent sees it, and continues us when it goes on itself.
            let _ = kill_process(getpid(), Signal::STOP);
        }
        let _ = kill_process_group(pid, Signal::CONT);
    }
}
