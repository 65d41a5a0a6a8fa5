//! Attempts to reach other machines begin one after another: fifty that became reachable again in the same instant, or
//! never are, start no fifty programs at once. Only beginnings wait, so a machine that does not answer delays no other.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// How far apart attempts begin.
const GAP: Duration = Duration::from_millis(25);

/// Whose turn it is.
#[derive(Debug)]
pub(super) struct Turns(Mutex<Option<Instant>>);

/// Those of this process.
pub(super) static TURNS: Turns = Turns::new();

impl Turns {
    const fn new() -> Self {
        Self(Mutex::new(None))
    }

    /// Waits for the next turn.
    pub(super) async fn next(&self) {
        sleep_until(self.take(Instant::now())).await;
    }

    fn take(&self, now: Instant) -> Instant {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = last.map_or(now, |last| now.max(last + GAP));
        *last = Some(at);
        at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_are_apart_and_a_lone_one_is_at_once() {
        let (turns, now) = (Turns::new(), Instant::now());
        let taken: Vec<Duration> = (0..50).map(|_| turns.take(now) - now).collect();
        assert_eq!(taken[0], Duration::ZERO);
        assert!(taken.windows(2).all(|pair| pair[1] - pair[0] == GAP), "{taken:?}");
        assert!(taken[49] < Duration::from_secs(2), "nobody waits long");
        let later = now + Duration::from_secs(60);
        assert_eq!(turns.take(later), later);
    }
}
