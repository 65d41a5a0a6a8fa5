//! Spans of time within what a policy may say.

use tmuxagent_model::Millis;

/// The longest span that a policy may hold: a year.
pub(super) const LONGEST: Millis = Millis::from_secs(366 * 24 * 3600);

/// Reads a span. The error says what is wrong with the text.
pub(super) fn parse(text: &str) -> Result<Millis, String> {
    tmuxagent_yaml::read_duration(text).and_then(|span| bounded(span.0))
}

/// Checks a number of milliseconds.
pub(super) fn bounded(millis: u64) -> Result<Millis, String> {
    if millis > LONGEST.0 { Err("longer than a year".to_owned()) } else { Ok(Millis(millis)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_as_people_write_them() {
        for (text, wanted) in [
            ("1500ms", Some(1500)),
            ("2s", Some(2000)),
            ("0.5s", Some(500)),
            ("5m", Some(300_000)),
            ("1h30m", Some(5_400_000)),
            (" 2d ", Some(172_800_000)),
            ("0", Some(0)),
            ("0s", Some(0)),
            ("5", None),
            ("5 parsecs", None),
            ("5s5s", None),
            ("30s5m", None),
            ("-5s", None),
            ("s", None),
            ("1..5s", None),
            ("", None),
            ("99999999999999999999d", None),
            ("2w", Some(1_209_600_000)),
            ("400d", None),
        ] {
            assert_eq!(parse(text).ok().map(|m| m.0), wanted, "{text}");
        }
    }
}
