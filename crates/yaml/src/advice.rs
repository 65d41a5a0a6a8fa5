//! The way out where a text is no YAML: what its author probably meant, read off the line.

use super::Place;

/// Where a text is wrong and what to do, from what the parser says and the line it says it of.
pub(crate) struct Advice {
    /// Another place than the parser's, where the cause is seen.
    pub at: Option<Place>,
    /// What is wrong, where that can be said better.
    pub message: Option<&'static str>,
    /// What to do.
    pub help: Option<String>,
}

impl Advice {
    fn help(text: impl Into<String>) -> Self {
        Self { at: None, message: None, help: Some(text.into()) }
    }
}

/// Signs that begin something else than a text, where no quotes stand around it.
const FIRST: [char; 10] = ['*', '&', '!', '@', '%', '`', '[', '{', '|', '>'];

/// Advice for a place that the parser does not understand. `info` is what it says.
pub(crate) fn advice(text: &str, at: Place, info: &str) -> Advice {
    let line = line_at(text, at.start);
    let next = text.get(line.1..).and_then(|rest| rest.find('\n')).map(|end| line_at(text, line.1 + end + 1));
    let before = line.0.checked_sub(1).map(|end| line_at(text, end));
    for (start, end) in [before, Some(line), next].into_iter().flatten() {
        if let Some(found) = strange_blank(text, at, start, end) {
            return found;
        }
    }
    let row = text.get(line.0..line.1).unwrap_or_default();
    if info.contains("unknown escape") {
        let behind = text.get(at.start..line.1).and_then(|rest| rest.split_once('\\'));
        let sign = behind.and_then(|(_, rest)| rest.chars().next()).unwrap_or('d');
        return Advice::help(format!(
            "in double quotes a backslash is written twice, `\\\\{sign}`; in single quotes it stands for itself, `'\\{sign}'`"
        ));
    }
    if info.contains("unknown anchor") {
        return Advice::help("put a text that begins with `*` in quotes");
    }
    if info.contains("anchor or alias") {
        let sign = text.get(line.0..at.start).and_then(|before| before.chars().next_back());
        let here = text.get(at.start..).and_then(|rest| rest.chars().next());
        if let Some(sign) = here.into_iter().chain(sign).find(|sign| matches!(sign, '*' | '&')) {
            return Advice::help(format!("put a text that begins with `{sign}` in quotes"));
        }
    }
    if let Some(sign) = first_of_value(row).filter(|sign| FIRST.contains(sign)) {
        return Advice::help(format!("put a text that begins with `{sign}` in quotes"));
    }
    if info.contains("after double-quoted scalar") || info.contains("after single-quoted scalar") {
        return Advice::help("put the whole text in quotes, also what stands behind the quoted part");
    }
    // Within `{…}` and `[…]` it is the comma that is missed.
    let colon =
        info.contains("did not find expected ','") && text.get(at.start..).is_some_and(|rest| rest.starts_with(": "));
    if colon || info.contains("mapping values are not allowed") {
        return Advice::help("put texts that hold `: ` in quotes, and check the indentation");
    }
    if info.contains("did not find expected") {
        return Advice::help("check the indentation: keys of one map begin in the same column");
    }
    Advice { at: None, message: None, help: None }
}

/// From the beginning of the line that holds a byte to its end.
fn line_at(text: &str, at: usize) -> (usize, usize) {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    let start = text[..at].rfind('\n').map_or(0, |found| found + 1);
    let end = text[at..].find('\n').map_or(text.len(), |found| at + found);
    (start, end)
}

/// What looks like a blank or a colon on a line and is none.
fn strange_blank(text: &str, at: Place, start: usize, end: usize) -> Option<Advice> {
    let row = text.get(start..end)?;
    let indent = row.len() - row.trim_start().len();
    let place = |offset: usize, len: usize| Some(Place { start: start + offset, len, ..at });
    if let Some(offset) = row[..indent].find('\t') {
        let message = Some("the line is indented with a tab");
        return Some(Advice { at: place(offset, 1), message, help: Some("indent with blanks".to_owned()) });
    }
    let wide = |c: char| matches!(c, '\u{a0}' | '\u{3000}' | '\u{2007}' | '\u{202f}');
    // Within a text it is a sign like any other.
    let matters = |offset: usize| offset < indent || row[..offset].ends_with([':', '-']);
    if let Some((offset, c)) = row.char_indices().find(|(offset, c)| wide(*c) && matters(*offset)) {
        let message = Some("this is no blank, though it looks like one");
        let help = Some("write a plain blank; input methods and web pages put others".to_owned());
        return Some(Advice { at: place(offset, c.len_utf8()), message, help });
    }
    let offset = row.find('：').filter(|offset| !row[..*offset].contains(['"', '\'', '#', ':']))?;
    let message = Some("`：` is no colon here");
    Some(Advice {
        at: place(offset, '：'.len_utf8()),
        message,
        help: Some("write `: `, with a blank behind it".to_owned()),
    })
}

/// The first sign of the value on a line: behind its key, or behind the sign of an item.
fn first_of_value(row: &str) -> Option<char> {
    let row = row.trim_start().trim_start_matches("- ").trim_start();
    let value = row.split_once(": ").map_or(row, |(_, value)| value).trim();
    // A whole list or map is one.
    value.chars().next().filter(|first| !(matches!(first, '[' | '{') && value.ends_with([']', '}'])))
}

#[cfg(test)]
mod tests {
    use crate::{Problems, Source, parse};

    fn told(text: &str) -> String {
        let sources = [Source::new("p.yaml", text)];
        let mut problems = Problems::new(&sources);
        let _ = parse(0, &mut problems);
        let found = problems.finish().problems;
        let told = found.first().map(|found| {
            format!("{}:{} {} = {}", found.line, found.col, found.message, found.help.as_deref().unwrap_or("-"))
        });
        told.unwrap_or_default()
    }

    #[test]
    fn what_is_no_yaml_is_told_with_its_way_out() {
        let table: String = [
            "a:\n\tb: c\n",
            "a: \"\\d+\"\n",
            "a: *x\n",
            "a: [b] && c\n",
            "a: @x\n",
            "a: %x\n",
            "a: `x`\n",
            "a: | grep x\n",
            "a: \"b\" c\n",
            "a: b: c\n",
            "a: [{b: c d: e}]\n",
            "a: {b: *}\n",
            "a: > b\n",
            "a:\n  b：c\n  d: e\n",
            "a:\n  b: c\n\u{a0} d: e\n",
            "a: {{b}} c\n",
            "a: !x y\n",
            "a: &x y\n",
            "a: &x y\nb: *x\n",
            "- a: b\n  - c: d\n",
        ]
        .iter()
        .map(|text| format!("{text:?}\n    {}\n", told(text)))
        .collect();
        insta::assert_snapshot!(table);
    }
}
