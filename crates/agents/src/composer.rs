//! Where the input line stands.

use super::recogniser::ComposerShape;
use super::screen::{Row, Screen};
use std::ops::Range;

/// The input line, as it is seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Composer {
    /// What stands in it; empty where it shows only its placeholder.
    pub draft: String,
    /// The cursor stands somewhere else: the keys go to another field, such as a search, though this line is shown.
    pub elsewhere: bool,
}

/// The places around the input line, as ranges of rows.
#[derive(Debug, Clone)]
pub(crate) struct Around {
    pub composer: Composer,
    /// The paragraph above it; empty where that is not the end of the conversation.
    pub ending: Range<usize>,
    /// What is below it.
    pub footer: Range<usize>,
}

/// The most rows that an input line is believed to have.
const TALLEST: usize = 60;

/// Finds the input line; `None` where there is none, or it is not certain.
pub(crate) fn find(shape: &ComposerShape, screen: &Screen) -> Option<Around> {
    let rows = &screen.rows;
    let end = end(shape, rows)?;
    let footer = (end + usize::from(shape.below.is_some())).min(rows.len())..rows.len();
    if let Some(row) = &shape.footer_row
        && !rows[footer.clone()].iter().any(|found| row.is_match(&found.text))
    {
        return None;
    }
    let start = start(shape, rows, end)?;
    let above = start.checked_sub(1).and_then(|n| rows.get(n));
    match (&shape.above, above) {
        (Some(wanted), Some(row)) if !wanted.is_match(&row.text) => return None,
        (Some(_), None) => return None,
        _ => {}
    }
    let top = start - usize::from(shape.above.is_some());
    let draft = draft(shape, screen, start..end);
    let elsewhere = shape.cursor && screen.cursor.is_some_and(|(_, row)| !(start..end).contains(&row));
    let ending = paragraph(rows, top.saturating_sub(shape.notices));
    let last = ending.end.checked_sub(1).and_then(|n| rows.get(n));
    let looks_back = |row: &Row| shape.looks_back.as_ref().is_some_and(|back| back.is_match(&row.text));
    let ending = if last.is_some_and(looks_back) { 0..0 } else { ending };
    Some(Around { composer: Composer { draft, elsewhere }, ending, footer })
}

/// The row right below the input line.
fn end(shape: &ComposerShape, rows: &[Row]) -> Option<usize> {
    let Some(below) = &shape.below else { return Some(rows.len()) };
    let mut with_text = 0;
    for (n, row) in rows.iter().enumerate().rev() {
        if below.is_match(&row.text) {
            return Some(n);
        }
        with_text += usize::from(!row.text.is_empty());
        if with_text > shape.footer {
            return None;
        }
    }
    None
}

/// The first row of the input line that ends above `end`.
fn start(shape: &ComposerShape, rows: &[Row], end: usize) -> Option<usize> {
    let lowest = end.saturating_sub(TALLEST);
    let mut found = None;
    for n in (lowest..end).rev() {
        let text = &rows[n].text;
        if shape.prompt.is_match(text) {
            found = Some(n);
            // Where every row looks like the first, the topmost of them is it.
            if shape.row.is_some() {
                break;
            }
        } else if found.is_some() || !shape.row.as_ref().is_some_and(|row| row.is_match(text)) {
            break;
        }
    }
    found.filter(|&n| !shape.not_prompt.as_ref().is_some_and(|not| not.is_match(&rows[n].text)))
}

fn draft(shape: &ComposerShape, screen: &Screen, rows: Range<usize>) -> String {
    let first = rows.start;
    let last = rows.end.saturating_sub(shape.tail).max(first);
    let strip = |text: &str| match shape.prompt.find(text) {
        Some(found) => text[found.end()..].trim().to_owned(),
        None => text.trim().to_owned(),
    };
    let lines: Vec<String> = screen.rows[first..last].iter().map(|row| strip(&row.text)).collect();
    let text = lines.join("\n").trim().to_owned();
    let placeholder = shape.placeholder.iter().any(|empty| empty.is_match(&text));
    // Words that only look like the placeholder have the cursor behind them.
    let typed = || {
        let begin = shape
            .prompt
            .find(&screen.rows[first].text)
            .map_or(0, |found| screen.rows[first].text[..found.end()].chars().count());
        screen.cursor.is_some_and(|(column, row)| row == first && column > begin + 2)
    };
    if placeholder && !typed() { String::new() } else { text }
}

/// The paragraph that ends above `top`.
pub(crate) fn paragraph(rows: &[Row], top: usize) -> Range<usize> {
    let end = rows[..top].iter().rposition(|row| !row.text.is_empty()).map_or(0, |n| n + 1);
    let start = rows[..end].iter().rposition(|row| row.text.is_empty()).map_or(0, |n| n + 1);
    start..end
}
