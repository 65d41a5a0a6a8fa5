//! Spans of time as people write them: `1500ms`, `2s`, `5m`, `1h30m`, `2d`.

use crate::model::Millis;

/// The longest span that a policy may hold: a year.
pub(super) const LONGEST: Millis = Millis::from_secs(366 * 24 * 3600);

/// Reads a span. The error says what is wrong with the text.
pub(super) fn parse(text: &str) -> Result<Millis, String> {
    let text = text.trim();
    if text == "0" {
        return Ok(Millis(0));
    }
    if text.is_empty() {
        return Err("a duration is missing".to_owned());
    }
    if text.bytes().all(|b| b.is_ascii_digit()) {
        return Err(format!("`{text}` has no unit"));
    }
    let wrong = || format!("`{text}` is not a duration");
    let mut rest = text;
    let mut total = 0.0_f64;
    let mut smallest = f64::INFINITY;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(wrong)?;
        let amount: f64 = rest[..digits].parse().map_err(|_| wrong())?;
        rest = &rest[digits..];
        let letters = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
        let unit = match &rest[..letters] {
            "ms" => 1.0,
            "s" | "sec" => 1000.0,
            "m" | "min" => 60_000.0,
            "h" => 3_600_000.0,
            "d" => 86_400_000.0,
            _ => return Err(wrong()),
        };
        // `30s5m` and `5m5m` are slips, not sums.
        if unit >= smallest {
            return Err(wrong());
        }
        (smallest, total, rest) = (unit, total + amount * unit, &rest[letters..]);
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "negative texts do not parse, and the cast saturates"
    )]
    bounded(total.round() as u64)
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
            ("400d", None),
        ] {
            assert_eq!(parse(text).ok().map(|m| m.0), wanted, "{text}");
        }
    }
}
