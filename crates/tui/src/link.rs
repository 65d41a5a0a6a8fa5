//! The seam to the supervisor: two queues, and a function that makes new ones after a loss.

use tmuxagent_ipc::wire::{RequestFrame, ServerFrame};
use tmuxagent_model::Millis;
use tokio::sync::mpsc;

/// A standing connection, already greeted: [`tmuxagent_ipc::wire::Request::Hello`] is the connector's business and has the
/// number 0; its answer comes as a frame, and an error as its answer ends the screen. The connection is lost when `frames` ends or `requests` is closed.
#[derive(Debug)]
pub struct Link {
    /// What the supervisor sends: replies and pushes.
    pub frames: mpsc::Receiver<ServerFrame>,
    /// What the screen asks; the numbers count up from 1 with each new link.
    pub requests: mpsc::Sender<RequestFrame>,
}

/// Why there is no connection.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConnectError {
    /// Nobody answers; it is tried again.
    #[error("{0}")]
    Gone(String),
    /// It can't work with this supervisor (another protocol, another user); it is not tried again.
    #[error("{0}")]
    Refused(String),
}

/// The pauses between attempts: 200 ms, doubled up to 5 s.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Backoff {
    attempts: u32,
}

impl Backoff {
    /// The pause before the next attempt.
    #[must_use]
    pub fn next_pause(&mut self) -> Millis {
        let pause = 200_u64.saturating_mul(1 << self.attempts.min(10)).min(5_000);
        self.attempts = self.attempts.saturating_add(1);
        Millis(pause)
    }

    /// A connection stood; the next loss starts from the shortest pause.
    pub const fn reset(&mut self) {
        self.attempts = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_five_seconds_and_start_again() {
        let mut backoff = Backoff::default();
        let pauses: Vec<u64> = (0..7).map(|_| backoff.next_pause().0).collect();
        assert_eq!(pauses, [200, 400, 800, 1600, 3200, 5000, 5000]);
        backoff.reset();
        assert_eq!(backoff.next_pause(), Millis(200));
    }
}
