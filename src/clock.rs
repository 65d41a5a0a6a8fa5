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

/// The longest sleep at once: timers of the runtime stand still while the machine is suspended, so a sleeper looks at
/// the boot-time clock again after this long at the latest.
const NAP: Millis = Millis::from_secs(15);

impl Clock {
    /// Sleeps until an instant of this clock; for ever when there is none.
    pub async fn sleep_until(&self, at: Option<Timestamp>) {
        let Some(at) = at else { return std::future::pending().await };
        loop {
            let left = at.since(self.now());
            if left == Millis(0) {
                return;
            }
            tokio::time::sleep(left.min(NAP).to_std()).await;
        }
    }
}
