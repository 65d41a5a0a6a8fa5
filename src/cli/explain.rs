//! The readable form of an explanation, read from the values that the supervisor sent.
//!
//! A value that is missing or of another kind is left out: the supervisor may be of another version.

use super::{CliError, Output, Tone};
use crate::i18n::cli::{Word, word};
use crate::i18n::{clean, clock_seconds, stage_state};
use crate::model::{StageState, Timestamp};
use jiff::tz::TimeZone;
use serde_json::Value;

/// Prints stages: state, what they wait for, what fired them, which conditions hold, what almost did.
pub(super) fn print(out: &Output, stages: &[Value]) -> Result<(), CliError> {
    if stages.is_empty() {
        return out.line(word(out.lang, Word::NothingApplies));
    }
    let zone = TimeZone::system();
    let mut heading = String::new();
    for stage in stages {
        let run = stage["run"].as_u64().map(|run| format!(" #{run}")).unwrap_or_default();
        let now = format!("{}{run} {}", text(&stage["pipeline"]), text(&stage["place"]));
        if now != heading {
            out.line(&out.paint(Tone::Bold, &now))?;
            heading = now;
        }
        explain_stage(out, &zone, stage)?;
    }
    Ok(())
}

fn explain_stage(out: &Output, zone: &TimeZone, stage: &Value) -> Result<(), CliError> {
    let lang = out.lang;
    let state = serde_json::from_value::<StageState>(stage["state"].clone());
    let state = state.map_or_else(|_| text(&stage["state"]), |state| stage_state(lang, state).to_owned());
    out.line(&format!("  {} {}: {}", out.paint(Tone::Bold, &text(&stage["stage"])), state, text(&stage["summary"])))?;
    for wait in stage["waits_for"].as_array().into_iter().flatten() {
        out.line(&format!("    {} {}", word(lang, Word::WaitsFor), text(wait)))?;
    }
    for (key, head) in [("started_by", Word::StartedBy), ("ended_by", Word::EndedBy)] {
        if let Some(cause) = cause(zone, &stage[key]) {
            out.line(&format!("    {} {cause}", word(lang, head)))?;
        }
    }
    for condition in stage["conditions"].as_array().into_iter().flatten() {
        let tone = if condition["active"] == true { Tone::Plain } else { Tone::Dim };
        out.line(&format!("    {}", out.paint(tone, &text(&condition["role"]))))?;
        part(out, zone, &condition["part"], 3)?;
    }
    for miss in stage["near_misses"].as_array().into_iter().flatten() {
        let at = at(zone, &miss["at"]);
        let line = format!("    {} {at} {}: {}", word(lang, Word::Almost), text(&miss["text"]), text(&miss["why"]));
        out.line(&out.paint(Tone::Dim, &line))?;
    }
    if let Some(approval) = stage["approval"].as_str() {
        let line = format!("    tmuxagent approve {}", clean(approval));
        out.line(&out.paint(Tone::Ask, &line))?;
    }
    Ok(())
}

/// A condition with a mark whether it holds, and its parts below.
fn part(out: &Output, zone: &TimeZone, value: &Value, depth: usize) -> Result<(), CliError> {
    let (mark, tone) = if value["holds"] == true { ("+", Tone::Good) } else { ("-", Tone::Dim) };
    let mut line = format!("{}{} {}", "  ".repeat(depth), out.paint(tone, mark), text(&value["text"]));
    for more in [text(&value["detail"]), cause(zone, &value["cause"]).unwrap_or_default()] {
        if !more.is_empty() {
            line.push_str(&format!(" ({more})"));
        }
    }
    out.line(&line)?;
    for inner in value["parts"].as_array().into_iter().flatten() {
        part(out, zone, inner, depth + 1)?;
    }
    Ok(())
}

fn cause(zone: &TimeZone, value: &Value) -> Option<String> {
    value.as_object()?;
    let line = text(&value["text"]);
    let line = if line.is_empty() { line } else { format!(" “{line}”") };
    Some(format!("{} {}{line}", at(zone, &value["at"]), text(&value["rule"])))
}

fn at(zone: &TimeZone, value: &Value) -> String {
    value.as_i64().map(|millis| clock_seconds(zone, Timestamp(millis))).unwrap_or_default()
}

fn text(value: &Value) -> String {
    value.as_str().map(clean).unwrap_or_default()
}
