//! Cron expressions with their time zone, as `cronexpr` reads them (`0 9 * * MON-FRI Asia/Shanghai`).
//!
//! The zone's rules come from the system's time zone database by way of `jiff`; nothing else outside is looked at.

use crate::model::Timestamp;
use cronexpr::{Crontab, MakeTimestamp, parse_crontab};

/// A due instant that is found out later than this (the machine slept, the supervisor was down) is left out: a
/// nightly deploy must not start when the lid is opened in the morning.
pub const LATE: crate::model::Millis = crate::model::Millis(15 * 60 * 1000);

/// Whether `at` is an instant of the expression; a bad expression has none.
pub fn matches(expression: &str, at: Timestamp) -> bool {
    read(expression)
        .and_then(|crontab| crontab.matches(MakeTimestamp::from_millisecond(at.0).ok()?).ok())
        .unwrap_or(false)
}

/// The first instant of any of the expressions after `after`.
pub fn next<'a>(expressions: impl IntoIterator<Item = &'a str>, after: Timestamp) -> Option<Timestamp> {
    let first = |expression: &str| {
        let crontab = read(expression)?;
        let found = crontab.find_next(MakeTimestamp::from_millisecond(after.0).ok()?).ok()?;
        Some(Timestamp(found.timestamp().as_millisecond()))
    };
    expressions.into_iter().filter_map(first).min()
}

fn read(expression: &str) -> Option<Crontab> {
    parse_crontab(expression).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_instant_is_in_the_zone_of_the_expression() {
        let noon_utc = Timestamp(1_763_726_400_000); // 2025-11-21 12:00 UTC, 20:00 in Shanghai
        let next_morning = next(["0 9 * * * Asia/Shanghai"], noon_utc);
        assert_eq!(next_morning, Some(Timestamp(1_763_726_400_000 + 13 * 3_600_000)));
        assert!(matches("0 9 * * * Asia/Shanghai", Timestamp(1_763_726_400_000 + 13 * 3_600_000)));
        assert!(!matches("0 9 * * * UTC", Timestamp(1_763_726_400_000 + 13 * 3_600_000)));
    }

    #[test]
    fn an_instant_is_not_its_own_successor() {
        let minute = Timestamp(1_763_726_400_000);
        assert_eq!(next(["* * * * * UTC"], minute), Some(Timestamp(minute.0 + 60_000)));
    }

    #[test]
    fn a_bad_expression_never_comes() {
        assert_eq!(next(["every day"], Timestamp(0)), None);
        assert!(!matches("every day", Timestamp(0)));
    }
}
