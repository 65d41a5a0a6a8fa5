//! A policy as it is read: with everything that its files include and every template in its place, each line with where it
//! comes from.

use super::expand::expand;
use tmuxagent_yaml::{Diagnostics, Kind, Node, Place, Problems, Source, quoted};

/// A line of a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownLine {
    /// The line, as YAML.
    pub text: String,
    /// `file:line` where it is written.
    pub origin: String,
}

/// A file of a policy as it is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownFile {
    /// The file.
    pub file: String,
    /// Its lines, which are YAML of the same meaning.
    pub lines: Vec<ShownLine>,
}

/// Keys whose meaning is in the place where they are used.
const USED_UP: [&str; 2] = ["include", "templates"];
/// Keys without which a file does nothing by itself.
const DOES: [&str; 3] = ["pipelines", "auto_answers", "principles"];

/// The files of a policy as they are read; those that only give names to others are left out.
///
/// # Errors
/// Everything that is wrong with the policy, where an error is among it.
pub fn expanded(sources: &[Source]) -> Result<Vec<ShownFile>, Diagnostics> {
    super::load(sources)?;
    let mut problems = Problems::new(sources);
    let files = expand(sources, &mut problems);
    let does = |tree: &Node| DOES.iter().any(|key| tree.get(key).is_some());
    let shown = files.iter().filter(|file| does(&file.tree)).map(|file| {
        let mut lines = Lines { out: Vec::new() };
        let entries = file.tree.entries().unwrap_or_default();
        for (key, value) in entries.iter().filter(|(key, _)| !USED_UP.contains(&key.text.as_str())) {
            lines.value(&format!("{}: ", word(&key.text, true)), key.at, value);
        }
        let name = sources.get(file.source).map(|source| source.name.clone()).unwrap_or_default();
        let lines = lines.out.into_iter().map(|(text, at)| {
            let place = problems.describe(at);
            let origin = place.rsplit_once(':').map_or(place.as_str(), |(line, _)| line).to_owned();
            ShownLine { text, origin }
        });
        ShownFile { file: name, lines: lines.collect() }
    });
    Ok(shown.collect())
}

struct Lines {
    out: Vec<(String, Place)>,
}

impl Lines {
    /// A value behind its key (`KEY: `) or the sign of an item (`- `), which stand in `lead` with the blanks before them.
    fn value(&mut self, lead: &str, at: Place, node: &Node) {
        // Where the key stands, behind the sign of an item too.
        let blanks = lead.len() - lead.trim_start_matches([' ', '-']).len();
        let item = lead.ends_with("- ");
        match &node.kind {
            Kind::Map(entries) if entries.is_empty() => self.push(format!("{lead}{{}}"), node.at),
            Kind::List(items) if items.is_empty() => self.push(format!("{lead}[]"), node.at),
            Kind::Map(entries) => {
                let indent = " ".repeat(if item { lead.len() } else { blanks + 2 });
                if !item {
                    self.push(lead.trim_end().to_owned(), at);
                }
                for ((key, value), number) in entries.iter().zip(0..) {
                    let before = if item && number == 0 { lead } else { &indent };
                    self.value(&format!("{before}{}: ", word(&key.text, true)), key.at, value);
                }
            }
            Kind::List(items) => {
                let indent = " ".repeat(if item { lead.len() } else { blanks + 2 });
                if !item {
                    self.push(lead.trim_end().to_owned(), at);
                }
                for (part, number) in items.iter().zip(0..) {
                    let before = if item && number == 0 { lead } else { &indent };
                    self.value(&format!("{before}- "), part.at, part);
                }
            }
            Kind::Scalar { text, plain } => self.scalar(lead, blanks, node.at, (text, *plain)),
        }
    }

    fn scalar(&mut self, lead: &str, blanks: usize, at: Place, (text, plain): (&str, bool)) {
        let Some(rows) = block(text).filter(|_| !plain) else {
            return self.push(format!("{lead}{}", word(text, plain)).trim_end().to_owned(), at);
        };
        let sign = if text.ends_with('\n') { "|" } else { "|-" };
        self.push(format!("{lead}{sign}"), at);
        let indent = " ".repeat(if lead.ends_with("- ") { lead.len() } else { blanks + 2 });
        for row in rows {
            self.push(if row.is_empty() { String::new() } else { format!("{indent}{row}") }, at);
        }
    }

    fn push(&mut self, text: String, at: Place) {
        self.out.push((text, at));
    }
}

/// The rows of a text that can stand as a block: several, of nothing but signs that stand for themselves.
fn block(text: &str) -> Option<Vec<&str>> {
    let inner = text.strip_suffix('\n').unwrap_or(text);
    let strange = |row: &str| row.chars().any(char::is_control) || row.ends_with(' ');
    let rows: Vec<&str> = inner.split('\n').collect();
    let fits = rows.len() > 1
        && !inner.starts_with([' ', '\n'])
        && !inner.ends_with('\n')
        && !rows.iter().any(|row| strange(row));
    fits.then_some(rows)
}

/// A text on one line, quoted where YAML would read something else.
fn word(text: &str, plain: bool) -> String {
    let inside =
        text.contains(": ") || text.contains(" #") || text.ends_with(':') || text.chars().any(char::is_control);
    let first = text.starts_with(|c: char| !c.is_alphanumeric() && !matches!(c, '/' | '.' | '_'));
    let negative = text.strip_prefix('-').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    if plain && !inside && (!first || negative || text.is_empty()) {
        text.to_owned()
    } else if text.chars().any(char::is_control) {
        // A text of JSON is one of YAML.
        serde_json::Value::from(text).to_string()
    } else {
        quoted(text)
    }
}

#[cfg(test)]
#[path = "show_tests.rs"]
mod tests;
