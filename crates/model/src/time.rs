//! Instants and spans as plain numbers, so that time is an argument everywhere.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::{Add, Sub};

/// An instant: milliseconds since 1970-01-01 UTC.
///
/// The supervisor's clock is steady: it starts from the wall clock and advances with the boot-time
/// clock, so a change of the system's time moves no timer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

/// A span of time in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Millis(pub u64);

impl Millis {
    /// The span of `n` seconds.
    #[must_use]
    pub const fn from_secs(n: u64) -> Self {
        Self(n.saturating_mul(1000))
    }

    /// This span as the standard library's type.
    #[must_use]
    pub const fn to_std(self) -> std::time::Duration {
        std::time::Duration::from_millis(self.0)
    }
}

impl Timestamp {
    /// The span from `earlier` to this instant; zero when `earlier` is later.
    #[must_use]
    pub fn since(self, earlier: Self) -> Millis {
        Millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

impl Add<Millis> for Timestamp {
    type Output = Self;
    fn add(self, span: Millis) -> Self {
        Self(self.0.saturating_add_unsigned(span.0))
    }
}

impl Sub<Millis> for Timestamp {
    type Output = Self;
    fn sub(self, span: Millis) -> Self {
        Self(self.0.saturating_sub_unsigned(span.0))
    }
}

impl fmt::Display for Millis {
    /// Writes the span as a person would: `250ms`, `4.2s`, `3m05s`, `2h10m`, `3d04h`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0 / 1000;
        match seconds {
            0 => write!(f, "{}ms", self.0),
            1..=9 => write!(f, "{}.{}s", seconds, (self.0 % 1000) / 100),
            10..=59 => write!(f, "{seconds}s"),
            60..=3599 => write!(f, "{}m{:02}s", seconds / 60, seconds % 60),
            3600..=86_399 => write!(f, "{}h{:02}m", seconds / 3600, (seconds % 3600) / 60),
            _ => write!(f, "{}d{:02}h", seconds / 86_400, (seconds % 86_400) / 3600),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_read_like_a_person_writes_them() {
        let shown: Vec<String> =
            [250, 4_200, 59_999, 185_000, 7_800_000, 273_600_000].iter().map(|&ms| Millis(ms).to_string()).collect();
        assert_eq!(shown, ["250ms", "4.2s", "59s", "3m05s", "2h10m", "3d04h"]);
    }

    #[test]
    fn a_clock_that_went_back_gives_an_empty_span() {
        assert_eq!(Timestamp(5).since(Timestamp(9)), Millis(0));
    }
}
