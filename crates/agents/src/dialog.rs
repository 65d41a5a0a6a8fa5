//! Dialogs: the last thing on a screen without an input line.

use super::answers;
use super::recognise::looks_so;
use super::recogniser::{AnswerStyle, DialogRule, Frame, Recogniser};
use super::screen::{Look, Screen};
use regex::Regex;
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use tmuxagent_model::AgentQuestion;

/// The rows in which a dialog may stand, without its frame.
struct Part<'s> {
    rows: Vec<&'s str>,
    /// Which of them hold something that cannot be seen.
    veiled: Vec<bool>,
    /// How the last row looks.
    look: Option<Look>,
    /// Whether its beginning is on the screen.
    begun: bool,
}

/// Finds the dialog at the bottom of the screen.
pub(crate) fn find<'r>(recogniser: &'r Recogniser, screen: &Screen) -> Option<(&'r DialogRule, AgentQuestion)> {
    let part = part(recogniser.frame, screen)?;
    let mut fitting = recogniser.dialogs.iter().filter_map(|rule| Some((rule, question(recogniser, rule, &part)?)));
    let first = fitting.next()?;
    if first.1.whole {
        return Some(first);
    }
    // Another one may know its beginning.
    Some(fitting.find(|(_, question)| question.whole).unwrap_or(first))
}

/// Whether a row is a rule over the whole width.
fn is_rule(row: &str) -> bool {
    row.starts_with('─') && row.chars().count() >= 20 && row.chars().all(|c| c == '─')
}

fn part(frame: Frame, screen: &Screen) -> Option<Part<'_>> {
    let rows: Vec<&str> = screen.rows.iter().map(|row| row.text.as_str()).collect();
    let look = screen.rows.last()?.look;
    let veiled = |from: usize, to: usize| screen.rows[from..to].iter().map(|row| row.veiled).collect();
    match frame {
        Frame::Rule | Frame::Indented | Frame::Line => {
            let veiled = veiled(0, rows.len());
            Some(Part { rows, veiled, look, begun: true })
        }
        Frame::Boxed => {
            let bottom = *rows.last()?;
            let indent = bottom.len() - bottom.trim_start().len();
            let cut = |row: &str| row.get(indent..).map(str::len).unwrap_or_default();
            let is_edge = |row: &str, left: char, right: char| {
                let body = row.trim_start();
                body.starts_with(left)
                    && body.ends_with(right)
                    && body.chars().count() >= 20
                    && body.trim_matches([left, right, '─']).is_empty()
                    && row.len() - body.len() == indent
            };
            if !is_edge(bottom, '╰', '╯') {
                return None;
            }
            let width = bottom.chars().count();
            let inner = &rows[..rows.len() - 1];
            let top = inner.iter().rposition(|row| is_edge(row, '╭', '╮') && row.chars().count() == width);
            let first = top.map_or(0, |n| n + 1);
            let mut found = Vec::new();
            for row in &inner[first..] {
                let body = (cut(row) > 0).then(|| &row[indent..])?.strip_prefix('│')?.strip_suffix('│')?;
                found.push(body.strip_prefix(' ').unwrap_or(body).trim_end());
            }
            let veiled = veiled(first, inner.len());
            Some(Part { rows: found, veiled, look, begun: top.is_some() })
        }
        Frame::Bar => {
            let has_bar = |row: &&str| row.trim_start().starts_with('┃');
            let first = rows.iter().rposition(|row| !has_bar(row)).map_or(0, |n| n + 1);
            let strip = |row: &&'_ str| -> usize { row.find('┃').map_or(0, |at| at + '┃'.len_utf8()) };
            let found = rows[first..].iter().map(|row| row[strip(row)..].trim_end()).collect();
            Some(Part { rows: found, veiled: veiled(first, rows.len()), look, begun: first > 0 })
        }
    }
}

/// Reads a rule's dialog; `None` where it is not this one.
fn question(recogniser: &Recogniser, rule: &DialogRule, part: &Part<'_>) -> Option<AgentQuestion> {
    let rows = &part.rows;
    let (end, all) = above_hint(recogniser, rule, rows)?;
    if !looks_so(None, rule.colour, part.look) {
        return None;
    }
    let found = answers::read(rule, rows, end)?;
    let (start, whole) = start(recogniser.frame, rule, part, found.first)?;
    let asked = if rule.style == AnswerStyle::Letters { &rows[start..=found.first] } else { &rows[start..found.first] };
    if let Some(ask) = &rule.ask
        && !asked.iter().rfind(|row| !row.is_empty()).is_some_and(|row| ask.is_match(row))
    {
        return None;
    }
    let detail = detail(rule, asked);
    let clipped = recogniser.clipped.as_ref().is_some_and(|mark| asked.iter().any(|row| mark.is_match(row)));
    let seen = !part.veiled[start..start + asked.len()].contains(&true);
    let complete = whole && all && seen && !clipped && (rule.detail.is_none() || !detail.is_empty());
    let again = rule.again.as_ref().map(|pattern| {
        let told = found.answers.iter().find_map(|answer| pattern.captures(&answer.label)?.get(1));
        told.map_or_else(String::new, |words| words.as_str().to_owned())
    });
    let mut question = AgentQuestion {
        again,
        kind: rule.kind,
        text: block(asked),
        detail,
        reason: captured(rule.reason.as_ref(), asked),
        place: captured(rule.place.as_ref(), asked),
        answers: found.answers,
        cancel: rule.cancel.clone(),
        whole: complete,
        fingerprint: String::new(),
    };
    let labels = question.answers.iter().map(|answer| answer.label.as_str());
    let texts = [recogniser.agent.as_str(), rule.name.as_str(), question.text.as_str()];
    question.fingerprint = fingerprint(texts.into_iter().chain(labels));
    Some(question)
}

/// The row below the last answer, and whether all answers are on the screen. The hint must be all of the last paragraph; on
/// a small screen it stands right below answers that are cut off.
fn above_hint(recogniser: &Recogniser, rule: &DialogRule, rows: &[&str]) -> Option<(usize, bool)> {
    let last = rows.iter().rposition(|row| !row.is_empty())? + 1;
    let Some(hint) = rule.hint.as_ref().filter(|_| rule.style != AnswerStyle::Inline) else {
        return Some((last, true));
    };
    let paragraph = rows[..last].iter().rposition(|row| row.is_empty()).map_or(0, |n| n + 1);
    let joined = |first: usize| rows[first..last].iter().map(|row| row.trim()).collect::<Vec<_>>().join(" ");
    if hint.is_match(&joined(paragraph)) {
        return Some((paragraph, true));
    }
    let mut first = (paragraph..last).rev().take(3).find(|&first| hint.is_match(&joined(first)))?;
    let is_mark = |row: &str| row == "↓" || recogniser.clipped.as_ref().is_some_and(|mark| mark.is_match(row));
    while first > paragraph && is_mark(rows[first - 1]) {
        first -= 1;
    }
    Some((first, false))
}

/// Where the dialog begins, and whether that is certain. `answers` is the row of its first answer.
fn start(frame: Frame, rule: &DialogRule, part: &Part<'_>, answers: usize) -> Option<(usize, bool)> {
    let rows = &part.rows;
    let title_at = |n: usize| rule.title.as_ref().is_some_and(|title| title.is_match(rows[n]));
    match frame {
        Frame::Rule => {
            let rules = (0..answers).rev().filter(|&n| is_rule(rows[n])).map(|n| n + 1);
            let titled = rules.clone().find(|&n| n < answers && title_at(n));
            if let Some(n) = titled {
                return Some((n, true));
            }
            // Its beginning is above the screen, or it is a dialog of a newer version.
            let known = rule.title.is_none() || rule.ask.is_some();
            known.then(|| (rules.clone().next().unwrap_or(0), false))
        }
        Frame::Indented => {
            let column_0 = |row: &&str| !row.is_empty() && !row.starts_with("  ");
            let top = rows[..answers].iter().rposition(column_0).map_or(0, |n| n + 1);
            let titles: Vec<usize> = (top..answers).filter(|&n| title_at(n)).collect();
            match (&titles[..], &rule.title) {
                (&[n], _) => Some((n, true)),
                // Two beginnings: one of them was printed, as part of the command or above it.
                (&[n, ..], _) => Some((n, false)),
                ([], None) => Some((top, false)),
                ([], Some(_)) => None,
            }
        }
        Frame::Boxed | Frame::Bar => {
            let first = rows.iter().position(|row| !row.trim().is_empty())?;
            let fits = rule.title.is_none() || title_at(first);
            (fits || !part.begun).then_some((first, part.begun && fits))
        }
        Frame::Line => {
            let first = rows[..answers].iter().rposition(|row| row.is_empty() || is_rule(row)).map_or(0, |n| n + 1);
            Some((first, true))
        }
    }
}

fn block(rows: &[&str]) -> String {
    let indent = rows.iter().filter(|row| !row.trim().is_empty()).map(|row| row.len() - row.trim_start().len()).min();
    let lines: Vec<&str> = rows.iter().map(|row| row.get(indent.unwrap_or(0)..).unwrap_or_default()).collect();
    lines.join("\n").trim_matches('\n').trim_end().to_owned()
}

fn detail(rule: &DialogRule, rows: &[&str]) -> String {
    let Some(detail) = &rule.detail else { return String::new() };
    let Some(found) = rows.iter().position(|row| detail.from.is_match(row)) else { return String::new() };
    let first = found + usize::from(!detail.inclusive);
    let until = |pattern: &Regex| rows.iter().rposition(|row| pattern.is_match(row)).filter(|&n| n >= first);
    let last = match &detail.until {
        Some(pattern) => match until(pattern) {
            Some(n) => n,
            None => return String::new(),
        },
        None => rows.len(),
    };
    let strip = |row: &&str| match &detail.strip {
        Some(strip) => strip.replace_all(row, "").into_owned(),
        None => (*row).to_owned(),
    };
    let lines: Vec<String> = rows[first..last].iter().map(strip).map(|line| line.trim_end().to_owned()).collect();
    lines.join("\n").trim_matches('\n').trim_end().to_owned()
}

fn captured(pattern: Option<&Regex>, rows: &[&str]) -> Option<String> {
    let found = rows.iter().find_map(|row| pattern?.captures(row)?.get(1))?;
    Some(found.as_str().trim().to_owned())
}

/// Of texts: their words without how they are wrapped. SHA-256, since whoever writes them may try to make two alike.
#[must_use]
pub fn fingerprint<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    let mut hash = Sha256::new();
    for text in texts {
        for word in text.split_whitespace() {
            hash.update(word.as_bytes());
            hash.update([0]);
        }
        hash.update([1]);
    }
    let mut text = String::new();
    for byte in &hash.finalize()[..16] {
        // Writing to a string can't fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}
