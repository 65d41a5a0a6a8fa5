//! When to draw: requests are coalesced, and a flood of them costs at most so many pictures a second.
//!
//! There is no timer while nothing changes: without a request nothing is due.

use std::time::Duration;
use tokio::time::Instant;

/// The shortest time between two pictures.
pub const MIN_INTERVAL: Duration = Duration::from_millis(16);

/// Draw requests, coalesced.
#[derive(Debug, Clone, Copy, Default)]
pub struct Pace {
    last: Option<Instant>,
    wanted: bool,
}

impl Pace {
    /// Something changed.
    pub const fn request(&mut self) {
        self.wanted = true;
    }

    /// When the next picture is due; `None` while nothing changed.
    #[must_use]
    pub fn due(&self, now: Instant) -> Option<Instant> {
        self.wanted.then(|| self.last.map_or(now, |last| (last + MIN_INTERVAL).max(now)))
    }

    /// A picture was drawn; it shows everything requested so far.
    pub const fn drawn(&mut self, now: Instant) {
        self.last = Some(now);
        self.wanted = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_thousand_requests_are_one_picture() {
        let mut pace = Pace::default();
        assert_eq!(pace.due(Instant::now()), None);
        for _ in 0..1_000 {
            pace.request();
        }
        assert_eq!(pace.due(Instant::now()), Some(Instant::now()));
        pace.drawn(Instant::now());
        assert_eq!(pace.due(Instant::now()), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_second_picture_waits_for_the_interval() {
        let mut pace = Pace::default();
        pace.request();
        let first = Instant::now();
        pace.drawn(first);
        pace.request();
        assert_eq!(pace.due(Instant::now()), Some(first + MIN_INTERVAL));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(pace.due(Instant::now()), Some(Instant::now()), "after a pause it is drawn at once");
    }
}
