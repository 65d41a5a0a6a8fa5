//! The signals that the wrapper passes on, and those that tell it something.

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, waitid};
use std::future::pending;
use std::io;
use tokio::signal::unix::{self, SignalKind, signal};

/// What is listened for.
pub(super) struct Signals {
    /// Those that a person or a program sends to the wrapper.
    interrupt: unix::Signal,
    quit: unix::Signal,
    terminate: unix::Signal,
    hangup: unix::Signal,
    user1: unix::Signal,
    user2: unix::Signal,
    /// A child stopped or ended; where a command has a terminal of its own.
    child: Option<unix::Signal>,
    /// The terminal has another size; likewise.
    size: Option<unix::Signal>,
    /// The terminal's `Ctrl-Z`; where it does not go to the command as a key.
    stop: Option<unix::Signal>,
}

impl Signals {
    /// For a command that shares our terminal and our process group.
    pub(super) fn of_group() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            quit: signal(SignalKind::quit())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
            user1: signal(SignalKind::user_defined1())?,
            user2: signal(SignalKind::user_defined2())?,
            child: None,
            size: None,
            stop: None,
        })
    }

    /// For the leader of the command's session.
    pub(super) fn of_leader() -> io::Result<Self> {
        let stop = signal(SignalKind::from_raw(Signal::TSTP.as_raw()))?;
        Ok(Self { child: Some(signal(SignalKind::child())?), stop: Some(stop), ..Self::of_group()? })
    }

    /// For a command with a terminal of its own, whose keys are ours (`has_keys`) or come from elsewhere.
    pub(super) fn of_relay(has_keys: bool) -> io::Result<Self> {
        let size = Some(signal(SignalKind::window_change())?);
        let child = Some(signal(SignalKind::child())?);
        // With our keys it is a key. Then the signal stops us as it stops any program.
        let stop = if has_keys { None } else { Self::of_leader()?.stop };
        Ok(Self { child, size, stop, ..Self::of_group()? })
    }

    /// The next one.
    pub(super) async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.interrupt.recv() => Signal::INT,
            _ = self.quit.recv() => Signal::QUIT,
            _ = self.terminate.recv() => Signal::TERM,
            _ = self.hangup.recv() => Signal::HUP,
            _ = self.user1.recv() => Signal::USR1,
            _ = self.user2.recv() => Signal::USR2,
            () = heard(self.child.as_mut()) => Signal::CHILD,
            () = heard(self.size.as_mut()) => Signal::WINCH,
            () = heard(self.stop.as_mut()) => Signal::TSTP,
        }
    }
}

async fn heard(signal: Option<&mut unix::Signal>) {
    match signal {
        Some(signal) => drop(signal.recv().await),
        None => pending().await,
    }
}

/// By which signal a child was stopped just now, each stop told once.
pub(super) fn stopped(child: Pid) -> Option<Signal> {
    let status = waitid(WaitId::Pid(child), WaitIdOptions::STOPPED | WaitIdOptions::NOHANG).ok()??;
    status.stopping_signal().and_then(Signal::from_named_raw)
}
