//! The answers that a dialog offers.

use super::recogniser::{AnswerKeys, AnswerStyle, DialogRule};
use regex::Regex;
use std::sync::LazyLock;
use tmuxagent_model::{AgentAnswer, AnswerRole};

/// Answers, and the row in which they begin.
pub(crate) struct Found {
    pub answers: Vec<AgentAnswer>,
    pub first: usize,
}

/// The most rows that a dialog's answers may take.
const TALLEST: usize = 60;

/// Reads the answers that end right above row `end`; `None` where they are not complete, as in a dialog half drawn.
pub(crate) fn read(rule: &DialogRule, rows: &[&str], end: usize) -> Option<Found> {
    let mut found = match rule.style {
        AnswerStyle::Numbered => numbered(rule, rows, end),
        AnswerStyle::Marked => marked(rule, rows, end),
        AnswerStyle::Inline => inline(rule, rows, end),
        AnswerStyle::Letters => letters(rows, end),
    }?;
    if found.answers.len() < 2 {
        return None;
    }
    for answer in &mut found.answers {
        let role = rule.roles.iter().find(|(label, _)| label.is_match(&answer.label));
        answer.role = role.map_or(AnswerRole::Other, |(_, role)| *role);
        match rule.keys {
            AnswerKeys::Own => {}
            AnswerKeys::OwnThenEnter => answer.keys.push("Enter".to_owned()),
            AnswerKeys::Enter if answer.highlighted => answer.keys = vec!["Enter".to_owned()],
            AnswerKeys::Enter | AnswerKeys::None => answer.keys.clear(),
        }
    }
    Some(found)
}

fn answer(label: &str, key: Option<String>, highlighted: bool) -> AgentAnswer {
    // A description may stand in the same row, behind a wide gap.
    let (label, description) = label.split_once("  ").unwrap_or((label, ""));
    AgentAnswer {
        label: label.trim().to_owned(),
        description: description.trim().to_owned(),
        keys: key.into_iter().collect(),
        highlighted,
        role: AnswerRole::Other,
    }
}

/// A row such as `› 2. Label`: where the number stands, the number, the label, whether it is marked.
struct Numbered<'r> {
    column: usize,
    number: usize,
    label: &'r str,
    marked: bool,
}

fn numbered_row<'r>(mark: &str, row: &'r str) -> Option<Numbered<'r>> {
    let body = row.trim_start();
    let (marked, body) = match body.strip_prefix(mark).filter(|_| !mark.is_empty()) {
        Some(rest) => (true, rest.strip_prefix(' ')?),
        None => (false, body),
    };
    let (number, label) = body.split_once('.')?;
    let valid = (1..=2).contains(&number.len()) && number.bytes().all(|b| b.is_ascii_digit());
    if !valid || !label.starts_with(' ') || label.trim().is_empty() {
        return None;
    }
    let column = row[..row.len() - body.len()].chars().count();
    Some(Numbered { column, number: number.parse().ok()?, label: label.trim(), marked })
}

/// From the last number down to 1, all in one column: a number elsewhere belongs to an answer's own words.
fn numbered(rule: &DialogRule, rows: &[&str], end: usize) -> Option<Found> {
    let mut answers: Vec<AgentAnswer> = Vec::new();
    let mut below: Vec<&str> = Vec::new();
    let mut next: Option<(usize, usize)> = None;
    for n in (end.saturating_sub(TALLEST)..end).rev() {
        let row = rows[n];
        let fits =
            |found: &Numbered<'_>| next.is_none_or(|(column, number)| found.column == column && found.number == number);
        match numbered_row(&rule.mark, row).filter(fits) {
            Some(found) => {
                let mut answer = answer(found.label, Some(found.number.to_string()), found.marked);
                let more = below.iter().rev().copied().collect::<Vec<_>>().join(" ");
                let into = if rule.described { &mut answer.description } else { &mut answer.label };
                if !more.is_empty() {
                    if !into.is_empty() {
                        into.push(' ');
                    }
                    into.push_str(&more);
                }
                below.clear();
                answers.push(answer);
                if found.number == 1 {
                    answers.reverse();
                    let highlights = answers.iter().filter(|answer| answer.highlighted).count();
                    let certain = if rule.mark.is_empty() { highlights == 0 } else { highlights == 1 };
                    return certain.then_some(Found { answers, first: n });
                }
                next = Some((found.column, found.number - 1));
            }
            None if row.is_empty() || row.trim_matches(['─', '▲', '▼', ' ']).is_empty() => {}
            // Its further rows stand farther to the right.
            None if row.starts_with("   ") => below.push(row.trim()),
            None => return None,
        }
    }
    None
}

/// Rows right above `end`, one of them behind the mark, all in one column.
fn marked(rule: &DialogRule, rows: &[&str], end: usize) -> Option<Found> {
    let last = rows[..end].iter().rposition(|row| !row.is_empty())? + 1;
    let first = rows[..last].iter().rposition(|row| row.is_empty()).map_or(0, |n| n + 1);
    let at = |row: &str| row.chars().take_while(|c| *c == ' ').count();
    let mut answers = Vec::new();
    let mut column = None;
    for row in &rows[first..last] {
        let body = row.trim_start();
        let marked = body.strip_prefix(rule.mark.as_str()).and_then(|rest| rest.strip_prefix(' '));
        let here = at(row) + if marked.is_some() { rule.mark.chars().count() + 1 } else { 0 };
        if *column.get_or_insert(here) != here {
            return None;
        }
        answers.push(answer(marked.unwrap_or(body), None, marked.is_some()));
    }
    (answers.iter().filter(|answer| answer.highlighted).count() == 1).then_some(Found { answers, first })
}

/// All in the last row before the hint.
fn inline(rule: &DialogRule, rows: &[&str], end: usize) -> Option<Found> {
    let first = rows[..end].iter().rposition(|row| !row.is_empty())?;
    let row = rows[first];
    let hint = rule.hint.as_ref()?.find(row)?;
    let labels = row[..hint.start()].split("  ").map(str::trim).filter(|label| !label.is_empty());
    Some(Found { answers: labels.map(|label| answer(label, None, false)).collect(), first })
}

static LETTERS: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"((?:\([A-Z]\)[^/()\[\]]*/?){2,}) \[([A-Z][a-z']*)\]:$").ok());

/// `(Y)es/(N)o/(D)on't ask again [Yes]:` at the end of the last row.
fn letters(rows: &[&str], end: usize) -> Option<Found> {
    let first = end.checked_sub(1)?;
    let found = LETTERS.as_ref()?.captures(rows[first])?;
    let (offered, default) = (found.get(1)?.as_str(), found.get(2)?.as_str());
    let of = |text: &str| {
        let label = text.replace(['(', ')'], "");
        let key = label.chars().next().map(|c| c.to_ascii_lowercase().to_string());
        let highlighted = label == default;
        answer(&label, key, highlighted)
    };
    Some(Found { answers: offered.split('/').map(of).collect(), first })
}
