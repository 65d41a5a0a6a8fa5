//! Which connections are silent: they asked for nothing that lasts and wait for no answer. When too many connections are
//! open, the one that was silent longest gives way, so that forgotten ones never keep a person's request out.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;
use tokio::time::Instant;

/// All open connections of one supervisor. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Seats {
    taken: Arc<Mutex<BTreeMap<u64, Taken>>>,
}

#[derive(Debug)]
struct Taken {
    /// Since when nothing was asked; `None` while something is due or subscribed.
    silent_since: Option<Instant>,
    leave: Arc<Notify>,
}

impl Seats {
    /// A seat for the connection of that number, silent so far.
    #[must_use]
    pub fn take(&self, connection: u64) -> Seat {
        let leave = Arc::new(Notify::new());
        let taken = Taken { silent_since: Some(Instant::now()), leave: Arc::clone(&leave) };
        self.lock().insert(connection, taken);
        Seat { seats: self.clone(), connection, leave }
    }

    /// Asks the connection that was silent longest to leave. `false`: none is silent.
    pub fn free_one(&self) -> bool {
        let mut seats = self.lock();
        let silent = seats.iter().filter_map(|(connection, taken)| Some((taken.silent_since?, *connection)));
        let Some((_, eldest)) = silent.min() else { return false };
        if let Some(taken) = seats.get_mut(&eldest) {
            // Asked once; it is no candidate any more.
            taken.silent_since = None;
            taken.leave.notify_one();
        }
        true
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, Taken>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The place of one connection, given back when it is dropped.
#[derive(Debug)]
pub struct Seat {
    seats: Seats,
    connection: u64,
    leave: Arc<Notify>,
}

impl Seat {
    /// Says whether the connection waits for nothing. What it said last counts from now.
    pub fn silent(&self, silent: bool) {
        if let Some(taken) = self.seats.lock().get_mut(&self.connection) {
            taken.silent_since = silent.then(Instant::now);
        }
    }

    /// Returns when the connection is to leave.
    pub async fn asked_to_leave(&self) {
        self.leave.notified().await;
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.seats.lock().remove(&self.connection);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_one_that_was_silent_longest_leaves_first() {
        let seats = Seats::default();
        let first = seats.take(1);
        tokio::time::advance(std::time::Duration::from_secs(1)).await;
        let second = seats.take(2);
        let third = seats.take(3);
        third.silent(false);
        tokio::time::advance(std::time::Duration::from_secs(1)).await;
        first.silent(true);
        assert!(seats.free_one());
        second.asked_to_leave().await;
        assert!(seats.free_one());
        first.asked_to_leave().await;
        assert!(!seats.free_one(), "the third is busy, the others were asked already");
        drop(third);
        assert_eq!(seats.lock().len(), 2);
    }
}
