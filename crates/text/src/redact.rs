//! Secrets taken out of everything that leaves the machine or is stored as evidence. Pure.
//!
//! Two kinds of patterns (`rules`): the forms of known providers' keys, and places where a secret stands whatever its form
//! (`Authorization` headers, URLs with a password, assignments to names such as `API_TOKEN`); and values that are known. All
//! are looked for in the text and in every reading of what is escaped in it (`unescape`). What is found is replaced by
//! `[redacted: KIND]`; the words around it stay, so that a line still says what happened.

mod rules;
mod unescape;
mod ways;

use std::collections::BTreeSet;
use std::ops::Range;
use tmuxagent_model::SecretMark;
use unescape::{Reading, Sought};

/// The kind of a secret that is known by its value.
pub(super) const KNOWN: &str = "known value";

/// Parts of names of variables whose values are secrets.
const SECRET_NAMES: [&str; 14] = [
    "KEY",
    "TOKEN",
    "SECRET",
    "PASSWORD",
    "WEBHOOK",
    "PASSWD",
    "PASSPHRASE",
    "_PASS",
    "_PWD",
    "_PIN",
    "CREDENTIAL",
    "COOKIE",
    "_DSN",
    "_PAT",
];

/// Whether a variable of this name usually holds a secret.
#[must_use]
pub fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    SECRET_NAMES.iter().any(|part| name.contains(part))
}

/// Shorter values are left where they stand: they would hit words and numbers everywhere.
pub const SHORTEST: usize = 6;

/// Takes secrets out, by the built-in patterns and by exact values.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Redactor {
    /// Values that are known secrets (from the environment or the configuration), longest first. Those of many lines stand
    /// here line by line, since texts are kept so.
    pub(super) known: Vec<String>,
    /// All known values at once.
    any_known: Finder,
    /// The last bytes of what is the begin of a known value and may be cut off there.
    pub(super) cut: BTreeSet<[u8; SHORTEST]>,
    /// What of escaped texts is read for them.
    sought: Sought,
}

/// Tells in one pass whether any of many words is in a text.
#[derive(Debug, Clone, Default)]
struct Finder(Option<regex::Regex>);

/// It follows from the words beside it.
impl PartialEq for Finder {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Finder {}

impl Redactor {
    /// Also takes out these values wherever they stand; shorter than [`SHORTEST`] bytes they are left.
    #[must_use]
    pub fn knowing(values: impl IntoIterator<Item = String>) -> Self {
        let mut known: Vec<String> = Vec::new();
        for value in values {
            let value = value.trim();
            // A line break as it is written in many `.env` files.
            let lines = value.split('\n').flat_map(|line| line.split("\\n")).map(str::trim);
            // `-----BEGIN …` and the like are no secrets, and stand in other texts too.
            known.extend(lines.filter(|line| !line.starts_with("-----")).map(str::to_owned));
        }
        known.retain(|value| value.len() >= SHORTEST);
        known.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        known.dedup();
        let words: Vec<String> = known.iter().map(|value| regex::escape(value)).collect();
        let any_known = Finder((!words.is_empty()).then(|| regex::Regex::new(&words.join("|")).ok()).flatten());
        let begins = known.iter().flat_map(|value| {
            (least(value)..value.len()).filter_map(|end| value.as_bytes()[..end].last_chunk().copied())
        });
        let cut = begins.collect();
        let any = |holds: fn(&str) -> bool| known.iter().any(|value| holds(value));
        let quotes = any(|value| value.contains(['\'', '"']));
        let sought = Sought { values: !known.is_empty(), quotes, wide: any(|value| !value.is_ascii()) };
        Self { known, any_known, cut, sought }
    }

    fn knows_one_in(&self, text: &str) -> bool {
        match &self.any_known.0 {
            Some(regex) => regex.is_match(text),
            None => self.known.iter().any(|value| text.contains(value.as_str())),
        }
    }

    /// The known value whose begin is the end of a text: how much of it that is.
    pub(super) fn begun_known(&self, text: &str) -> Option<usize> {
        let end: &[u8; SHORTEST] = text.as_bytes().last_chunk()?;
        if !self.cut.contains(end) {
            return None;
        }
        self.known.iter().find_map(|value| {
            let lengths = (least(value)..value.len()).rev().filter(|length| value.is_char_boundary(*length));
            lengths.map(|length| &value[..length]).find(|part| text.ends_with(part)).map(str::len)
        })
    }

    /// `text` without secrets. Doing it twice changes nothing more.
    #[must_use]
    pub fn redact(&self, text: &str) -> String {
        self.marked(text, SecretMark::Shown).unwrap_or_else(|| text.to_owned())
    }

    /// `text` with marks in place of its secrets; `None` where it holds none.
    #[must_use]
    pub fn marked(&self, text: &str, mark: SecretMark) -> Option<String> {
        let found = self.spans(text);
        (!found.is_empty()).then(|| marked(text, &found, mark))
    }

    /// Whether a text may hold a secret.
    #[must_use]
    pub fn suspects(&self, text: &str) -> bool {
        self.suspects_plain(text, false)
            || self.is_escaped(text)
                && self.readings(text).iter().any(|reading| self.suspects_plain(&reading.text, reading.of_values))
    }

    pub(super) fn suspects_plain(&self, text: &str, of_values: bool) -> bool {
        !self.known.is_empty() && self.knows_one_in(text) || !of_values && rules::suspects(text)
    }

    /// Whether anything in a text may be escaped.
    pub(super) fn is_escaped(&self, text: &str) -> bool {
        unescape::is_escaped(text, self.sought)
    }

    fn readings(&self, text: &str) -> Vec<Reading> {
        unescape::readings(text, self.sought)
    }

    /// Where the secrets of a text stand and what they are, in order, none within another.
    pub(super) fn spans(&self, text: &str) -> Vec<Span> {
        let mut found = self.plain_spans(text, false);
        if self.is_escaped(text) {
            let readings = self.readings(text);
            for reading in &readings {
                let there = self.plain_spans(&reading.text, reading.of_values).into_iter();
                found.extend(there.map(|(part, kind)| (unescape::place(&readings, reading, &part), kind)));
            }
        }
        joined(found)
    }

    fn plain_spans(&self, text: &str, of_values: bool) -> Vec<Span> {
        let mut found: Vec<Span> = Vec::new();
        if !self.suspects_plain(text, of_values) {
            return found;
        }
        for value in &self.known {
            found.extend(text.match_indices(value.as_str()).map(|(at, _)| (at..at + value.len(), KNOWN)));
        }
        if of_values {
            return found;
        }
        for pattern in rules::found_in(text) {
            found.extend(pattern.places(text).map(|place| (place, pattern.kind)));
        }
        found
    }

    /// Lines that belong together, for example evidence; a private key over several lines is found.
    #[must_use]
    pub fn redact_lines(&self, lines: &[String]) -> Vec<String> {
        self.redact(&lines.join("\n")).split('\n').map(str::to_owned).collect()
    }
}

/// A secret's place and kind.
pub(super) type Span = (Range<usize>, &'static str);

/// Places in order, those that overlap as one, of the kind that was found first.
pub(super) fn joined(mut found: Vec<Span>) -> Vec<Span> {
    // The sort is stable, so the first finder names what begins at the same place.
    found.sort_by_key(|(place, _)| place.start);
    let mut all: Vec<Span> = Vec::new();
    for (place, kind) in found {
        match all.last_mut() {
            Some((last, _)) if place.start < last.end => last.end = last.end.max(place.end),
            _ => all.push((place, kind)),
        }
    }
    all
}

/// A text with marks at these places.
pub(super) fn marked(text: &str, places: &[Span], mark: SecretMark) -> String {
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    for (place, kind) in places {
        out.push_str(text.get(from..place.start).unwrap_or_default());
        out.push_str(&mark.of(kind));
        from = place.end;
    }
    out.push_str(text.get(from..).unwrap_or_default());
    out
}

/// How much of a value that is cut off is taken for it, bytes.
fn least(value: &str) -> usize {
    SHORTEST.max(value.len() / 2)
}

/// Names and stand-ins, not secrets.
fn is_reference(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    text.starts_with("${")
        || text.starts_with("$(")
        || text.starts_with("{{")
        || text.starts_with('<')
        || text.starts_with("process.env")
        || text.starts_with("os.environ")
        || text.chars().all(|c| matches!(c, '*' | 'x' | 'X' | '.' | '•' | '…'))
        || [
            "missing",
            "undefined",
            "required",
            "invalid",
            "expired",
            "string",
            "unset",
            "none",
            "null",
            "true",
            "false",
            "yes",
            "password",
        ]
        .contains(&lower.as_str())
        || text.split_once(':').is_some_and(|(a, b)| [a, b].iter().all(|port| port.bytes().all(|c| c.is_ascii_digit())))
}

#[cfg(test)]
#[path = "redact_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "redact_cases_tests.rs"]
mod cases;
