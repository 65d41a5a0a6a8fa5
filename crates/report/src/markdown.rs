//! The report as Markdown.

use super::{Part, Report, Word, parts, stretch, word};
use jiff::tz::TimeZone;
use std::fmt::Write as _;
use tmuxagent_text::Lang;

/// Writes the report for a reader in this zone.
#[must_use]
pub fn markdown(lang: Lang, zone: &TimeZone, report: &Report) -> String {
    let mut out = format!("# {}\n\n{}\n", word(lang, Word::Title), stretch(zone, report));
    let parts = parts(lang, zone, report);
    if parts.is_empty() {
        out.push_str(&format!("\n{}\n", word(lang, Word::Nothing)));
    }
    for part in &parts {
        put(&mut out, lang, part);
    }
    out
}

fn put(out: &mut String, lang: Lang, part: &Part) {
    // Writing to a string can't fail.
    let _ = writeln!(out, "\n## {}", part.title);
    if !part.counts.is_empty() {
        let _ = writeln!(out, "\n{}", part.counts.join(lang.pick(", ", "，")));
    }
    if part.rows.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n| {} |", part.heading.join(" | "));
    let _ = writeln!(out, "|{}", " --- |".repeat(part.heading.len()));
    for row in &part.rows {
        let cells: Vec<_> = row.iter().map(|cell| escaped(cell)).collect();
        let _ = writeln!(out, "| {} |", cells.join(" | "));
    }
    if !part.more.is_empty() {
        let _ = writeln!(out, "\n{}", part.more);
    }
}

/// Foreign text in a cell: nothing of it ends the cell or becomes a link, an image, a tag or emphasis.
fn escaped(cell: &str) -> String {
    let mut out = String::with_capacity(cell.len());
    for (at, c) in cell.char_indices() {
        match c {
            '\\' | '|' | '[' | ']' | '*' | '_' | '`' | '#' | '~' => out.extend(['\\', c]),
            '<' => out.push_str("&lt;"),
            '&' => out.push_str("&amp;"),
            '@' => out.push_str("&#64;"),
            // Many renderers make a link of a bare address.
            ':' if cell[at..].starts_with("://") => out.push_str("&#58;"),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}
