//! The report in a few lines, for a message to a phone.

use super::table::{cause, more};
use super::words::went_well;
use super::{Report, Word, parts, word};
use jiff::tz::TimeZone;
use std::fmt::Write as _;
use tmuxagent_text::plain::cut_chars;
use tmuxagent_text::{Lang, clean, span};

/// Causes of failures that a message names.
const CAUSES: usize = 3;

/// The longest cause in a message, characters.
const CAUSE: usize = 120;

/// Writes the lines.
#[must_use]
pub fn summary(lang: Lang, zone: &TimeZone, report: &Report) -> String {
    let mut out = format!("{} {}\n", word(lang, Word::Title), super::stretch(zone, report));
    if parts(lang, zone, report).is_empty() {
        // Writing to a string can't fail.
        let _ = writeln!(out, "{}", word(lang, Word::Nothing));
    }
    for pipeline in &report.pipelines {
        let half = pipeline.took.percentile(50);
        let half = half.map(|half| format!(", {} {}", lang.pick("half within", "半数耗时"), span(lang, half)));
        let _ = writeln!(out, "{}: {}{}", clean(&pipeline.pipeline), went_well(pipeline), half.unwrap_or_default());
    }
    for part in parts(lang, zone, report).iter().filter(|part| !part.counts.is_empty()) {
        let _ = writeln!(out, "{}{}{}", part.title, lang.colon(), part.counts.join(lang.pick(", ", "，")));
    }
    for failure in report.failures.iter().take(CAUSES) {
        let cause = cut_chars(&cause(lang, failure), CAUSE);
        let _ = writeln!(out, "{}× {} / {}: {cause}", failure.times, clean(&failure.pipeline), clean(&failure.stage));
    }
    if report.failures.len() > CAUSES {
        let _ = writeln!(out, "{}", more(lang, report.failures.len() - CAUSES));
    }
    out
}
