//! Spans and instants as people read them.

use super::Lang;
use jiff::tz::TimeZone;
use tmuxagent_model::{Approval, Millis, RunView, Timestamp};

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

/// Forms of the machine's sentences of which a hole is a span of time.
pub(super) const TIMED: &[&str] = &[
    "its cool-down, another {}",
    "cool-down for another {}",
    "the pause before the next attempt, in {}",
    "its time limit, in {}",
    "a decision on {}, open for another {}",
    "the end of the time in which it can be taken back, in {}",
    "approved; it is done in {} unless it is taken back",
    "its time limit stands still while its agent asks, with {} left",
    "silent for {}",
    "was not typed in {}: {} is in the foreground",
];

/// A span as the machine's sentences write it, in Chinese: `1h59m` is `1时59分`; `None` for any other text.
pub(super) fn chinese_span(text: &str) -> Option<String> {
    let mut out = String::new();
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').filter(|at| *at > 0)?;
        let (number, behind) = rest.split_at(digits);
        let units = [("ms", "毫秒"), ("s", "秒"), ("m", "分"), ("h", "时"), ("d", "天")];
        let (behind, unit) = units.iter().find_map(|(en, zh)| Some((behind.strip_prefix(en)?, zh)))?;
        out.push_str(number);
        out.push_str(unit);
        rest = behind;
    }
    Some(out).filter(|out| !out.is_empty())
}

/// How long a run takes or took, and how much of that somebody was waited for: `2m20s, 1m05s of it waiting for you`. `None`
/// where it did not begin.
#[must_use]
pub fn run_took(lang: Lang, run: &RunView, approvals: &[Approval], now: Timestamp) -> Option<String> {
    let end = run.ended_at.unwrap_or(now);
    let took = span(lang, end.since(run.started_at?));
    let of_run = approvals.iter().filter(|approval| run.run.is_some() && approval.run == run.run);
    let waited = covered(of_run.map(|asked| (asked.asked_at, asked.closed_at.unwrap_or(end).min(end))).collect());
    Some(match waited {
        0..1000 => took,
        _ => {
            let waited = span(lang, Millis(waited));
            lang.pick("TOOK, WAITED of it waiting for you", "TOOK，其中等待审批 WAITED")
                .replace("TOOK", &took)
                .replace("WAITED", &waited)
        }
    })
}

/// How long at least one of these lasted: what was asked at the same time is waited for once.
fn covered(mut spans: Vec<(Timestamp, Timestamp)>) -> u64 {
    spans.sort_unstable();
    let (mut sum, mut until) = (0, Timestamp(i64::MIN));
    for (begin, end) in spans {
        sum += end.since(begin.max(until)).0;
        until = until.max(end);
    }
    sum
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_that_are_open_at_the_same_time_are_waited_for_once() {
        let waited = |spans: &[(i64, i64)]| {
            covered(spans.iter().map(|&(begin, end)| (Timestamp(begin), Timestamp(end))).collect())
        };
        assert_eq!(waited(&[]), 0);
        assert_eq!(waited(&[(10, 40), (100, 150)]), 80, "one after the other");
        assert_eq!(waited(&[(10, 40), (10, 40), (10, 40)]), 30, "beside each other");
        assert_eq!(waited(&[(20, 60), (10, 40), (50, 55)]), 50, "overlapping, in any order");
        assert_eq!(waited(&[(90, 80)]), 0, "a clock that went back");
    }
}
