//! Reading a tree by hand: each wrong part is noted and reading goes on, so that the user sees all of it at once.

use super::{Diagnostic, Key, Level, Node, Source, Span, Value, nearest, parse_duration, parse_size};
use std::cell::RefCell;
use std::ops::RangeInclusive;
use tmuxagent_model::Millis;

/// One text being read, with what was found wrong in it so far.
#[derive(Debug)]
pub struct Reader<'a> {
    source: &'a Source,
    found: RefCell<Vec<Diagnostic>>,
}

/// The keys of one map. [`Fields::finish`] reports those that nobody asked for.
#[derive(Debug)]
pub struct Fields<'a, 'r> {
    reader: &'r Reader<'a>,
    /// Where the map stands, for people: `hosts[0].ssh`; empty at the top.
    path: String,
    span: Span,
    entries: &'a [(Key, Node)],
    asked: RefCell<Vec<&'static str>>,
}

impl<'a> Reader<'a> {
    /// Begins to read.
    #[must_use]
    pub const fn new(source: &'a Source) -> Self {
        Self { source, found: RefCell::new(Vec::new()) }
    }

    /// The text being read.
    #[must_use]
    pub const fn source(&self) -> &'a Source {
        self.source
    }

    /// Notes an error at a place.
    pub fn error(&self, span: Span, text: impl Into<String>) {
        self.push(Diagnostic::new(Level::Error, self.source, span, text));
    }

    /// Notes an error with its way out.
    pub fn error_with(&self, span: Span, text: impl Into<String>, help: impl Into<String>) {
        self.push(Diagnostic::new(Level::Error, self.source, span, text).with_help(help));
    }

    /// Notes a finding.
    pub fn push(&self, diagnostic: Diagnostic) {
        self.found.borrow_mut().push(diagnostic);
    }

    /// What was found, in the order of the text.
    #[must_use]
    pub fn finish(self) -> Vec<Diagnostic> {
        let mut found = self.found.into_inner();
        found.sort_by_key(|d| (d.line, d.column));
        found
    }

    /// Opens a map; anything else but an empty place is an error, and `None`.
    #[must_use]
    pub fn map<'r>(&'r self, node: &'a Node, path: &str) -> Option<Fields<'a, 'r>> {
        let entries: &'a [(Key, Node)] = match &node.value {
            Value::Map(entries) => entries,
            Value::Null => &[],
            _ => return self.mismatch(node, path, "a map of keys and values"),
        };
        Some(Fields { reader: self, path: path.to_owned(), span: node.span, entries, asked: RefCell::default() })
    }

    /// Opens a map where other forms are possible too; `wanted` names all of them.
    #[must_use]
    pub fn map_of<'r>(&'r self, node: &'a Node, path: &str, wanted: &str) -> Option<Fields<'a, 'r>> {
        if matches!(node.value, Value::Map(_)) { self.map(node, path) } else { self.mismatch(node, path, wanted) }
    }

    /// A scalar as text.
    #[must_use]
    pub fn text<'n>(&self, node: &'n Node, path: &str) -> Option<&'n str> {
        node.as_text().or_else(|| self.mismatch(node, path, "a text"))
    }

    /// `true` or `false`.
    #[must_use]
    pub fn bool(&self, node: &Node, path: &str) -> Option<bool> {
        match node.value {
            Value::Bool(value) => Some(value),
            _ => self.mismatch(node, path, "`true` or `false`"),
        }
    }

    /// A whole number within bounds.
    #[must_use]
    pub fn number(&self, node: &Node, path: &str, range: RangeInclusive<u64>) -> Option<u64> {
        match node.value {
            Value::Int(value) => match u64::try_from(value) {
                Ok(value) if range.contains(&value) => Some(value),
                _ => {
                    let (low, high) = (range.start(), range.end());
                    self.error(node.span, format!("`{path}` must be between {low} and {high}, not {value}"));
                    None
                }
            },
            _ => self.mismatch(node, path, "a whole number"),
        }
    }

    /// A span of time with its unit.
    #[must_use]
    pub fn duration(&self, node: &Node, path: &str) -> Option<Millis> {
        let found = node.as_text().and_then(parse_duration);
        found.or_else(|| self.mismatch(node, path, "a time such as `1500ms`, `2s`, `5m`, `1h30m` or `7d`"))
    }

    /// A size in bytes, with or without a unit.
    #[must_use]
    pub fn size(&self, node: &Node, path: &str) -> Option<u64> {
        let found = node.as_text().and_then(parse_size);
        found.or_else(|| self.mismatch(node, path, "a size such as `512MiB` or `1GB`"))
    }

    /// A list; a single scalar or map stands for a list of one.
    #[must_use]
    pub fn list<'n>(&self, node: &'n Node) -> &'n [Node] {
        match &node.value {
            Value::List(items) => items,
            Value::Null => &[],
            _ => std::slice::from_ref(node),
        }
    }

    /// A list of scalars; a single scalar stands for a list of one.
    #[must_use]
    pub fn texts(&self, node: &Node, path: &str) -> Vec<String> {
        let numbered = self.list(node).iter().enumerate();
        numbered.filter_map(|(n, item)| self.text(item, &format!("{path}[{n}]")).map(str::to_owned)).collect()
    }

    /// One word out of a fixed set.
    #[must_use]
    pub fn word<T: Copy>(&self, node: &Node, path: &str, words: &[(&'static str, T)]) -> Option<T> {
        let text = self.text(node, path)?;
        if let Some((_, value)) = words.iter().find(|(word, _)| *word == text) {
            return Some(*value);
        }
        let all: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        let list = all.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
        let text = format!("`{text}` is no value of `{path}`");
        match nearest(node.as_text().unwrap_or_default(), all) {
            Some(near) => self.error_with(node.span, text, format!("did you mean `{near}`? possible: {list}")),
            None => self.error_with(node.span, text, format!("possible: {list}")),
        }
        None
    }

    fn mismatch<T>(&self, node: &Node, path: &str, wanted: &str) -> Option<T> {
        let subject = if path.is_empty() { "the file".to_owned() } else { format!("`{path}`") };
        let found = match (&node.value, node.as_text()) {
            (Value::Text(text), _) if text.chars().count() <= 40 => format!("`{text}`"),
            (Value::Bool(_) | Value::Int(_) | Value::Float(_), Some(text)) => format!("`{text}`"),
            _ => node.what().to_owned(),
        };
        self.error(node.span, format!("{subject} must be {wanted}, not {found}"));
        None
    }
}

impl<'a, 'r> Fields<'a, 'r> {
    /// Where the map stands.
    #[must_use]
    pub const fn span(&self) -> Span {
        self.span
    }

    /// The reader.
    #[must_use]
    pub const fn reader(&self) -> &'r Reader<'a> {
        self.reader
    }

    /// The path of a key of this map, for people.
    #[must_use]
    pub fn path(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// The keys as they stand, for maps whose keys are names.
    #[must_use]
    pub const fn entries(&self) -> &'a [(Key, Node)] {
        self.entries
    }

    /// The value of a key; an empty value counts as absent.
    #[must_use]
    pub fn get(&self, key: &'static str) -> Option<&'a Node> {
        self.asked.borrow_mut().push(key);
        let node = self.entries.iter().find(|(k, _)| k.text == key).map(|(_, node)| node)?;
        (node.value != Value::Null).then_some(node)
    }

    /// The value of a key that must be there.
    #[must_use]
    pub fn require(&self, key: &'static str) -> Option<&'a Node> {
        let node = self.get(key);
        if node.is_none() {
            let place = if self.path.is_empty() { "the file".to_owned() } else { format!("`{}`", self.path) };
            self.reader.error(self.span, format!("{place} needs a key `{key}`"));
        }
        node
    }

    /// A text.
    #[must_use]
    pub fn text(&self, key: &'static str) -> Option<&'a str> {
        self.get(key).and_then(|node| self.reader.text(node, &self.path(key)))
    }

    /// `true` or `false`.
    #[must_use]
    pub fn bool(&self, key: &'static str) -> Option<bool> {
        self.get(key).and_then(|node| self.reader.bool(node, &self.path(key)))
    }

    /// A whole number within bounds.
    #[must_use]
    pub fn number(&self, key: &'static str, range: RangeInclusive<u64>) -> Option<u64> {
        self.get(key).and_then(|node| self.reader.number(node, &self.path(key), range))
    }

    /// A list of texts; one text stands for a list of one.
    #[must_use]
    pub fn texts(&self, key: &'static str) -> Option<Vec<String>> {
        self.get(key).map(|node| self.reader.texts(node, &self.path(key)))
    }

    /// A span of time.
    #[must_use]
    pub fn duration(&self, key: &'static str) -> Option<Millis> {
        self.get(key).and_then(|node| self.reader.duration(node, &self.path(key)))
    }

    /// A size in bytes.
    #[must_use]
    pub fn size(&self, key: &'static str) -> Option<u64> {
        self.get(key).and_then(|node| self.reader.size(node, &self.path(key)))
    }

    /// One word out of a fixed set.
    #[must_use]
    pub fn word<T: Copy>(&self, key: &'static str, words: &[(&'static str, T)]) -> Option<T> {
        self.get(key).and_then(|node| self.reader.word(node, &self.path(key), words))
    }

    /// A map below this one.
    #[must_use]
    pub fn map(&self, key: &'static str) -> Option<Fields<'a, 'r>> {
        self.get(key).and_then(|node| self.reader.map(node, &self.path(key)))
    }

    /// Reports the keys that nobody asked for, each with the nearest that exists.
    pub fn finish(self) {
        let asked = self.asked.into_inner();
        for (key, _) in self.entries {
            if asked.contains(&key.text.as_str()) {
                continue;
            }
            let place = if self.path.is_empty() { String::new() } else { format!(" in `{}`", self.path) };
            let text = format!("unknown key `{}`{place}", key.text);
            match nearest(&key.text, asked.iter().copied()) {
                Some(near) => self.reader.error_with(key.span, text, format!("did you mean `{near}`?")),
                None => {
                    let mut known = asked.clone();
                    known.sort_unstable();
                    known.dedup();
                    let known = known.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ");
                    self.reader.error_with(key.span, text, format!("possible: {known}"));
                }
            }
        }
    }
}
