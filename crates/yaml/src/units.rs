//! Spans of time and sizes as people write them.

use tmuxagent_model::Millis;

/// Reads `1500ms`, `2s`, `0.5s`, `5m`, `1h30m`, `7d`, `2w`, `0`; `None` for anything else, a bare number other than 0
/// included.
#[must_use]
pub fn parse_duration(text: &str) -> Option<Millis> {
    read_duration(text).ok()
}

/// The same, with the reason why a text is none, a lower-case fragment.
///
/// # Errors
/// A text that is no span of time, or one of more than a thousand years.
pub fn read_duration(text: &str) -> Result<Millis, String> {
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
            "w" => 604_800_000.0,
            _ => return Err(wrong()),
        };
        // `30s5m` and `5m5m` are slips, not sums.
        if unit >= smallest {
            return Err(wrong());
        }
        (smallest, total, rest) = (unit, total + amount * unit, &rest[letters..]);
    }
    if total > LONGEST {
        return Err("longer than a thousand years".to_owned());
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between zero and a thousand years")]
    Ok(Millis(total.round() as u64))
}

/// A thousand years, milliseconds.
const LONGEST: f64 = 3.2e13;

/// Reads `512MB`, `1GiB`, `0`, `4096`: bytes, thousands with `kB MB GB`, powers of two with `KiB MiB GiB`.
#[must_use]
pub(crate) fn parse_size(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let number: u64 = text[..digits].parse().ok()?;
    let factor = match text[digits..].trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kb" => 1_000,
        "m" | "mb" => 1_000_000,
        "g" | "gb" => 1_000_000_000,
        "kib" => 1 << 10,
        "mib" => 1 << 20,
        "gib" => 1 << 30,
        _ => return None,
    };
    number.checked_mul(factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        let shown = ["1500ms", "2s", "5m", "1h30m", "7d", "0", "", "5", "s", "1x", "2 s", "-1s", "99999999999999999w"]
            .map(|text| parse_duration(text).map(|span| span.0));
        let day = 86_400_000;
        assert_eq!(
            shown,
            [
                Some(1500),
                Some(2000),
                Some(300_000),
                Some(5_400_000),
                Some(7 * day),
                Some(0),
                None,
                None,
                None,
                None,
                None,
                None,
                None
            ]
        );
    }

    #[test]
    fn sizes() {
        let shown = ["512MB", "1 GiB", "0", "4096", "3k", "x", "1TB", ""].map(parse_size);
        assert_eq!(shown, [Some(512_000_000), Some(1 << 30), Some(0), Some(4096), Some(3000), None, None, None]);
    }
}
