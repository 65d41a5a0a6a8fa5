//! The only place that reads time.

use serde::{Deserialize, Serialize};
use std::time::{SystemTime, UNIX_EPOCH};
use tmuxagent_model::{Millis, Timestamp};

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

/// How a life's clock stands to the machine's boot-time clock: a later life since the same start of the machine can tell
/// from it how much time has really passed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scale {
    /// Which start of the machine (Linux: `/proc/sys/kernel/random/boot_id`, random(4)).
    boot: String,
    /// What the clock said, or would have said, at that start.
    zero: Timestamp,
}

/// The wall clock is put right by steps; up to this much is no jump.
const STEP: Millis = Millis(2000);

impl Clock {
    /// This clock's scale; `None` where the machine does not tell its starts apart.
    #[must_use]
    pub fn scale(&self) -> Option<Scale> {
        let zero = self.anchor - self.boot;
        Some(Scale { boot: boot_id()?, zero })
    }

    /// The clock of an earlier life, going on, where the system's time was set to another meanwhile by more than a step:
    /// what waited then has waited as long as has really passed. `None` where it was not, and after a new start of the
    /// machine.
    #[must_use]
    pub fn go_on(self, earlier: &Scale) -> Option<Self> {
        if boot_id()? != earlier.boot {
            return None;
        }
        let boot = boot_time();
        let on = Self { anchor: earlier.zero + boot, boot };
        let (ours, theirs) = (self.now(), on.now());
        (ours.since(theirs) > STEP || theirs.since(ours) > STEP).then_some(on)
    }
}

#[cfg(target_os = "linux")]
fn boot_id() -> Option<String> {
    let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(id.trim().to_owned()).filter(|id| !id.is_empty())
}

#[cfg(not(target_os = "linux"))]
const fn boot_id() -> Option<String> {
    None
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn a_life_goes_on_by_the_scale_of_the_one_before_only_where_the_time_was_set() {
        let clock = Clock::start(Timestamp(0));
        let scale = clock.scale().unwrap();
        assert!(clock.go_on(&scale).is_none(), "nobody set the time");
        let hour = Millis::from_secs(3600);
        for zero in [scale.zero - hour, scale.zero + hour] {
            let earlier = Scale { zero, ..scale.clone() };
            let on = clock.go_on(&earlier).unwrap();
            let away = on.now().0.abs_diff(clock.now().0);
            assert!(away.abs_diff(hour.0) < 1000, "{away} ms away");
            assert_eq!(on.scale().unwrap(), earlier);
        }
        let other = Scale { boot: "another".to_owned(), zero: scale.zero - hour };
        assert!(clock.go_on(&other).is_none(), "the machine was started anew");
    }
}
