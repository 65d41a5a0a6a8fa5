//! The only place that reads time.

use crate::model::{Millis, Timestamp};
use std::time::{SystemTime, UNIX_EPOCH};

/// A steady clock: the wall clock at its start, advanced by the boot-time clock, so that a change of the system's
/// time moves no timer and a suspended machine's sleep counts.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    anchor: Timestamp,
    boot: Millis,
}

impl Clock {
    /// Starts at the wall clock, or at `not_before` where the wall clock went back behind what is already recorded.
    #[must_use]
    pub fn start(not_before: Timestamp) -> Self {
        Self { anchor: wall().max(not_before), boot: boot_time() }
    }

    /// Now.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.anchor + Millis(boot_time().0.saturating_sub(self.boot.0))
    }
}

/// The wall clock.
#[must_use]
pub fn wall() -> Timestamp {
    let millis = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_millis());
    Timestamp(i64::try_from(millis).unwrap_or(i64::MAX))
}

/// Time since the machine started, suspension included (`CLOCK_BOOTTIME`, Linux; elsewhere the monotonic clock).
fn boot_time() -> Millis {
    #[cfg(target_os = "linux")]
    let clock = rustix::time::ClockId::Boottime;
    #[cfg(not(target_os = "linux"))]
    let clock = rustix::time::ClockId::Monotonic;
    let time = rustix::time::clock_gettime(clock);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let millis = u64::try_from(time.tv_nsec / 1_000_000).unwrap_or(0);
    Millis(seconds.saturating_mul(1000).saturating_add(millis))
}
