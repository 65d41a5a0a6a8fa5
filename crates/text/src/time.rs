//! Spans and instants as people read them.

use super::Lang;
use jiff::tz::TimeZone;
use tmuxagent_model::{Millis, Timestamp};

/// A span in the language: `4s`, `3m05s`, `2h10m`, `3d04h`; `4秒`, `3分05秒`, `2时10分`, `3天04时`. Spans below a second
/// read `0s`, because screens tick in seconds.
#[must_use]
pub fn span(lang: Lang, span: Millis) -> String {
    let s = span.0 / 1000;
    match (lang, s) {
        (Lang::En, 0..=59) => format!("{s}s"),
        (Lang::En, 60..=3599) => format!("{}m{:02}s", s / 60, s % 60),
        (Lang::En, 3600..=86_399) => format!("{}h{:02}m", s / 3600, s % 3600 / 60),
        (Lang::En, _) => format!("{}d{:02}h", s / 86_400, s % 86_400 / 3600),
        (Lang::Zh, 0..=59) => format!("{s}秒"),
        (Lang::Zh, 60..=3599) => format!("{}分{:02}秒", s / 60, s % 60),
        (Lang::Zh, 3600..=86_399) => format!("{}时{:02}分", s / 3600, s % 3600 / 60),
        (Lang::Zh, _) => format!("{}天{:02}时", s / 86_400, s % 86_400 / 3600),
    }
}

/// How long ago an instant was, in one unit: `now`, `5s`, `3m`, `2h`, `4d`; `刚刚`, `5秒`, `3分`, `2时`, `4天`.
#[must_use]
pub fn ago(lang: Lang, now: Timestamp, then: Timestamp) -> String {
    let s = now.since(then).0 / 1000;
    let (count, en, zh) = match s {
        0..=1 => return lang.pick("now", "刚刚").to_owned(),
        2..=59 => (s, "s", "秒"),
        60..=3599 => (s / 60, "m", "分"),
        3600..=86_399 => (s / 3600, "h", "时"),
        _ => (s / 86_400, "d", "天"),
    };
    format!("{count}{}", lang.pick(en, zh))
}

/// The wall clock of an instant in a time zone, `14:05`.
#[must_use]
pub fn clock(zone: &TimeZone, at: Timestamp) -> String {
    zoned(zone, at).map_or_else(|| "--:--".to_owned(), |z| format!("{:02}:{:02}", z.hour(), z.minute()))
}

/// The wall clock with seconds, `14:05:09`.
#[must_use]
pub fn clock_seconds(zone: &TimeZone, at: Timestamp) -> String {
    zoned(zone, at)
        .map_or_else(|| "--:--:--".to_owned(), |z| format!("{:02}:{:02}:{:02}", z.hour(), z.minute(), z.second()))
}

fn zoned(zone: &TimeZone, at: Timestamp) -> Option<jiff::Zoned> {
    jiff::Timestamp::from_millisecond(at.0).ok().map(|t| t.to_zoned(zone.clone()))
}
