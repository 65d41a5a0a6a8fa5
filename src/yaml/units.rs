//! Spans of time and sizes as people write them.

use crate::model::Millis;

/// Reads `1500ms`, `2s`, `5m`, `1h30m`, `7d`, `2w`, `0`; `None` for anything else, a bare number other than 0 included.
#[must_use]
pub fn parse_duration(text: &str) -> Option<Millis> {
    let text = text.trim();
    if text == "0" {
        return Some(Millis(0));
    }
    let mut rest = text;
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let number: u64 = rest[..digits].parse().ok()?;
        let unit_end = rest[digits..].find(|c: char| c.is_ascii_digit()).map_or(rest.len(), |at| digits + at);
        let factor = match &rest[digits..unit_end] {
            "ms" => 1,
            "s" => 1_000,
            "m" | "min" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            "w" => 604_800_000,
            _ => return None,
        };
        total = total.checked_add(number.checked_mul(factor)?)?;
        rest = &rest[unit_end..];
    }
    (!text.is_empty()).then_some(Millis(total))
}

/// Reads `512MB`, `1GiB`, `0`, `4096`: bytes, thousands with `kB MB GB`, powers of two with `KiB MiB GiB`.
#[must_use]
pub fn parse_size(text: &str) -> Option<u64> {
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
