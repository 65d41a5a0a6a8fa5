//! Cron expressions with their time zone, as `cronexpr` reads them (`0 9 * * MON-FRI Asia/Shanghai`).
//!
//! The zone's rules come from the system's time zone database by way of `jiff`; nothing else outside is looked at.
//!
//! **Where clocks are set**, an expression that names its hour means once a day, as cron(8) does it: in an hour that comes
//! twice it comes the first time only, and what would lie in an hour that is left out comes at its end. With `*` for the
//! hour an expression means a rhythm, which goes on through both.

use cronexpr::{Crontab, MakeTimestamp, parse_crontab};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Zoned};
use tmuxagent_model::Timestamp;

/// A due instant that is found out later than this (the machine slept, the supervisor was down) is left out: a
/// nightly deploy must not start when the lid is opened in the morning.
pub const LATE: tmuxagent_model::Millis = tmuxagent_model::Millis(15 * 60 * 1000);

/// Whether `at` is an instant of the expression; a bad expression has none.
pub fn matches(expression: &str, at: Timestamp) -> bool {
    next_of(expression, Timestamp(at.0.saturating_sub(1))) == Some(at)
}

/// The first instant of any of the expressions after `after`.
pub fn next<'a>(expressions: impl IntoIterator<Item = &'a str>, after: Timestamp) -> Option<Timestamp> {
    expressions.into_iter().filter_map(|expression| next_of(expression, after)).min()
}

fn next_of(expression: &str, after: Timestamp) -> Option<Timestamp> {
    let crontab = parse_crontab(expression).ok()?;
    let mut found = find(&crontab, after)?;
    let Some(clock) = clock_of(expression) else { return Some(millis(found.timestamp())) };
    if let Some(end) = left_out(&clock, found.time_zone(), after, found.timestamp()) {
        return Some(end);
    }
    while comes_again(&found) {
        found = find(&crontab, millis(found.timestamp()))?;
    }
    Some(millis(found.timestamp()))
}

fn find(crontab: &Crontab, after: Timestamp) -> Option<Zoned> {
    crontab.find_next(MakeTimestamp::from_millisecond(after.0).ok()?).ok()
}

fn millis(at: jiff::Timestamp) -> Timestamp {
    Timestamp(at.as_millisecond())
}

/// The expression on a clock that is never set, when it names its hour.
fn clock_of(expression: &str) -> Option<Crontab> {
    let fields: Vec<&str> = expression.split_whitespace().collect();
    let [minute, hour, day, month, weekday, _zone] = fields.as_slice() else { return None };
    if hour.starts_with('*') {
        return None;
    }
    parse_crontab(&format!("{minute} {hour} {day} {month} {weekday} UTC")).ok()
}

/// The end of the first time that clocks leave out between two instants and in which `clock` has an instant.
fn left_out(clock: &Crontab, zone: &TimeZone, after: Timestamp, until: jiff::Timestamp) -> Option<Timestamp> {
    let changes = zone.following(jiff::Timestamp::from_millisecond(after.0).ok()?);
    for change in changes.take_while(|change| change.timestamp() <= until) {
        let before = offset_before(zone, change.timestamp());
        // What the clock showed and what it showed then, as instants of a clock that is never set.
        let shown = |seconds: i32| millis(change.timestamp()).0 + i64::from(seconds) * 1000;
        let (from, to) = (shown(before), shown(change.offset().seconds()));
        let within = find(clock, Timestamp(from - 1)).is_some_and(|at| millis(at.timestamp()).0 < to);
        if from < to && within && millis(change.timestamp()) > after {
            return Some(millis(change.timestamp()));
        }
    }
    None
}

/// Whether the clock showed the same shortly before, because it was set back meanwhile.
fn comes_again(found: &Zoned) -> bool {
    let zone = found.time_zone();
    // Changes before an instant are asked for, and it may be one itself.
    let behind = found.timestamp().checked_add(SignedDuration::from_secs(1)).unwrap_or(found.timestamp());
    let Some(change) = zone.preceding(behind).next() else { return false };
    let back = offset_before(zone, change.timestamp()) - change.offset().seconds();
    found.timestamp().duration_since(change.timestamp()) < SignedDuration::from_secs(i64::from(back))
}

/// Seconds east of UTC just before an instant.
fn offset_before(zone: &TimeZone, at: jiff::Timestamp) -> i32 {
    zone.to_offset(at.checked_sub(SignedDuration::from_nanos(1)).unwrap_or(at)).seconds()
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
    fn an_hour_that_comes_twice_or_never_starts_nothing_twice() {
        let instant = |text: &str| Timestamp(text.parse::<jiff::Timestamp>().unwrap().as_millisecond());
        let after = |expression: &str, from: &str| -> Vec<String> {
            let all = std::iter::successors(Some(instant(from)), |at| next([expression], *at));
            all.skip(1).take(3).map(|at| jiff::Timestamp::from_millisecond(at.0).unwrap().to_string()).collect()
        };
        // Berlin: on 2026-03-29 02:00 becomes 03:00, on 2026-10-25 03:00 becomes 02:00. A morning's hour moves in UTC only.
        let nine = "0 9 * * * Europe/Berlin";
        assert_eq!(
            after(nine, "2026-03-28T00:00:00Z"),
            ["2026-03-28T08:00:00Z", "2026-03-29T07:00:00Z", "2026-03-30T07:00:00Z"]
        );
        assert_eq!(
            after(nine, "2026-10-24T00:00:00Z"),
            ["2026-10-24T07:00:00Z", "2026-10-25T08:00:00Z", "2026-10-26T08:00:00Z"]
        );
        let half_past_two = "30 2 * * * Europe/Berlin";
        assert_eq!(
            after(half_past_two, "2026-10-24T12:00:00Z"),
            ["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z", "2026-10-27T01:30:00Z"]
        );
        assert_eq!(
            after(half_past_two, "2026-03-28T12:00:00Z"),
            ["2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z", "2026-03-31T00:30:00Z"]
        );
        // A rhythm goes on.
        let every = "*/30 * * * * Europe/Berlin";
        assert_eq!(
            after(every, "2026-10-25T00:00:00Z"),
            ["2026-10-25T00:30:00Z", "2026-10-25T01:00:00Z", "2026-10-25T01:30:00Z"]
        );
        assert_eq!(
            after(every, "2026-03-29T00:00:00Z"),
            ["2026-03-29T00:30:00Z", "2026-03-29T01:00:00Z", "2026-03-29T01:30:00Z"]
        );
        for (instant_of, text) in [(half_past_two, "2026-03-29T01:00:00Z"), (half_past_two, "2026-10-25T00:30:00Z")] {
            assert!(matches(instant_of, instant(text)), "{text}");
        }
        assert!(!matches(half_past_two, instant("2026-10-25T01:30:00Z")), "the second time");
    }

    #[test]
    fn a_bad_expression_never_comes() {
        assert_eq!(next(["every day"], Timestamp(0)), None);
        assert!(!matches("every day", Timestamp(0)));
    }
}
