//! The tree of a YAML text.

use super::{Diagnostic, Level, Source};
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_yaml::{Location, Options, Spanned};
use std::fmt;

/// A place in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// Byte offset.
    pub offset: usize,
    /// Length in bytes; 0 for lists and maps in block form.
    pub len: usize,
}

/// A value with its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// The value.
    pub value: Value,
    /// Where it stands.
    pub span: Span,
    /// A plain scalar as written (`0123`, `1.50`, `~`), for places where any scalar is a text.
    pub raw: String,
}

/// A key of a map with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// The key.
    pub text: String,
    /// Where it stands.
    pub span: Span,
}

/// What a node holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Nothing, `~` or `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Int(i128),
    /// Any other number.
    Float(f64),
    /// A text.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// A map in its own order, keys unique.
    Map(Vec<(Key, Node)>),
}

impl Node {
    /// What it is, for people: `a list`.
    #[must_use]
    pub const fn what(&self) -> &'static str {
        match self.value {
            Value::Null => "nothing",
            Value::Bool(_) => "a boolean",
            Value::Int(_) | Value::Float(_) => "a number",
            Value::Text(_) => "a text",
            Value::List(_) => "a list",
            Value::Map(_) => "a map",
        }
    }

    /// A scalar as text: a text itself, a number or boolean as it was written.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            Value::Bool(_) | Value::Int(_) | Value::Float(_) => Some(&self.raw),
            Value::Null | Value::List(_) | Value::Map(_) => None,
        }
    }

    /// The value of a key, where this is a map that has it.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Self> {
        match &self.value {
            Value::Map(entries) => entries.iter().find(|(k, _)| k.text == key).map(|(_, node)| node),
            _ => None,
        }
    }
}

/// Reads one YAML document. An empty text is [`Value::Null`].
///
/// # Errors
/// The first place where the text is not YAML, has a repeated key, or exceeds the limits on size and aliases.
pub fn parse(source: &Source) -> Result<Node, Diagnostic> {
    let mut options = Options::default();
    options.strict_booleans = true;
    let text = source.text.strip_prefix('\u{feff}').unwrap_or(&source.text);
    let lead = source.text.len() - text.len();
    match serde_yaml::from_str_with_options::<Spanned<Raw>>(text, options) {
        Ok(raw) => Ok(node(raw, &source.text, lead)),
        Err(error) => Err(syntax_error(source, error.without_snippet())),
    }
}

fn syntax_error(source: &Source, error: &serde_yaml::Error) -> Diagnostic {
    let place = error.location().map_or(Span { line: 1, column: 1, offset: 0, len: 0 }, |at| span(at, 0));
    let text = error.to_string();
    // The place stands in the diagnostic, and the library's advice is for programmers.
    let text = text.rfind(" at line ").map_or(text.as_str(), |cut| &text[..cut]);
    let (text, help) = match text {
        t if t.starts_with("duplicate mapping key") => {
            let key = t.trim_start_matches("duplicate mapping key: ").split(", set ").next().unwrap_or_default();
            (format!("the key `{key}` stands here a second time"), Some("keep one of them"))
        }
        t if t.starts_with("multiple YAML documents") => {
            ("a second document begins here".to_owned(), Some("one file holds one document: remove the `---`"))
        }
        t if t.contains("mapping values are not allowed") => {
            (t.to_owned(), Some("put texts that hold `: ` in quotes, and check the indentation"))
        }
        t if t.contains("tab") => (t.to_owned(), Some("indent with blanks")),
        t => (t.to_owned(), None),
    };
    let diagnostic = Diagnostic::new(Level::Error, source, place, format!("not valid YAML: {text}"));
    match help {
        Some(help) => diagnostic.with_help(help),
        None => diagnostic,
    }
}

/// The tree as serde hands it over; keys of scalars other than texts come as they were written.
enum Raw {
    Null,
    Bool(bool),
    Int(i128),
    Float(f64),
    Text(String),
    List(Vec<Spanned<Raw>>),
    Map(Vec<(Spanned<String>, Spanned<Raw>)>),
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = Raw;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML value")
    }

    fn visit_unit<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_none<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Raw, E> {
        Ok(Raw::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Raw, E> {
        Ok(Raw::Int(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Raw, E> {
        Ok(Raw::Int(value.into()))
    }

    fn visit_i128<E>(self, value: i128) -> Result<Raw, E> {
        Ok(Raw::Int(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Raw, E> {
        Ok(Raw::Float(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Raw, E> {
        Ok(Raw::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Raw, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            items.push(item);
        }
        Ok(Raw::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Raw, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Raw::Map(entries))
    }
}

/// `lead`: bytes before the parsed text (a byte order mark).
fn node(raw: Spanned<Raw>, text: &str, lead: usize) -> Node {
    let place = span(raw.referenced, lead);
    let defined = span(raw.defined, lead);
    let written = text.get(defined.offset..defined.offset.saturating_add(defined.len)).unwrap_or_default().to_owned();
    let value = match raw.value {
        Raw::Null => Value::Null,
        Raw::Bool(value) => Value::Bool(value),
        Raw::Int(value) => Value::Int(value),
        Raw::Float(value) => Value::Float(value),
        Raw::Text(value) => Value::Text(value),
        Raw::List(items) => Value::List(items.into_iter().map(|item| node(item, text, lead)).collect()),
        Raw::Map(entries) => Value::Map(
            entries
                .into_iter()
                .map(|(key, value)| {
                    let place = span(key.referenced, lead);
                    (Key { text: key.value, span: place }, node(value, text, lead))
                })
                .collect(),
        ),
    };
    Node { value, span: place, raw: written }
}

fn span(at: Location, lead: usize) -> Span {
    let size = |n: Option<u64>| n.and_then(|n| usize::try_from(n).ok()).unwrap_or(0);
    let place = |n: u64| u32::try_from(n).unwrap_or(u32::MAX).max(1);
    Span {
        line: place(at.line()),
        column: place(at.column()),
        // For errors of the scanner the library has no byte offset; line and column hold.
        offset: at.span().byte_offset().map_or(usize::MAX, |n| size(Some(n)).saturating_add(lead)),
        len: size(at.span().byte_len()),
    }
}
