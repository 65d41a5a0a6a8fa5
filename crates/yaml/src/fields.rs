//! Reading a tree by hand: each wrong part is noted and reading goes on, so that the user sees all of it at once.

use super::{Diagnostics, Key, Kind, Node, Place, Problems, Source, nearest, parse, parse_duration};
use crate::units::parse_size;
use std::cell::RefCell;
use std::ops::RangeInclusive;
use tmuxagent_model::Millis;

/// One text being read, with what was found wrong in it so far.
#[derive(Debug)]
pub struct Reader<'a> {
    problems: RefCell<Problems<'a>>,
}

/// The keys of one map. [`Fields::finish`] reports those that nobody asked for.
#[derive(Debug)]
pub struct Fields<'a, 'r> {
    reader: &'r Reader<'a>,
    /// Where the map stands, for people: `hosts[0].ssh`; empty at the top.
    path: String,
    at: Place,
    entries: &'r [(Key, Node)],
    asked: RefCell<Vec<&'static str>>,
}

impl<'a> Reader<'a> {
    /// Begins to read a text.
    #[must_use]
    pub fn new(source: &'a Source) -> Self {
        Self { problems: RefCell::new(Problems::new(std::slice::from_ref(source))) }
    }

    /// The tree of the text, an empty one where it holds nothing; `None` where it can't be read, which was noted.
    #[must_use]
    pub fn tree(&self) -> Option<Node> {
        let mut problems = self.problems.borrow_mut();
        let tree = parse(0, &mut problems);
        let blank = || (!problems.has_errors()).then(|| Node::nothing(Place::default()));
        tree.or_else(blank)
    }

    /// Notes an error at a place.
    pub fn error(&self, code: &'static str, at: Place, text: impl Into<String>) {
        self.problems.borrow_mut().error(code, at, text);
    }

    /// Notes an error with its way out.
    pub fn error_with(&self, code: &'static str, at: Place, text: impl Into<String>, help: impl Into<String>) {
        self.problems.borrow_mut().error(code, at, text).help(help);
    }

    /// Notes an unknown name with the nearest of those that are known, or else the way out.
    pub fn unknown<'n>(
        &self,
        code: &'static str,
        at: Place,
        text: impl Into<String>,
        (name, known): (&str, impl IntoIterator<Item = &'n str>),
        otherwise: impl FnOnce() -> String,
    ) {
        let mut problems = self.problems.borrow_mut();
        let draft = problems.error(code, at, text);
        match nearest(name, known) {
            Some(near) => draft.nearest(Some(near)),
            None => draft.help(otherwise()),
        };
    }

    /// What was found, in the order of the text.
    #[must_use]
    pub fn finish(self) -> Diagnostics {
        self.problems.into_inner().finish()
    }

    /// Reads a whole text, which is a map, with that function.
    ///
    /// # Errors
    /// Everything that is wrong with it, in the order of the text.
    pub fn read<T>(source: &'a Source, top: impl FnOnce(Fields<'a, '_>) -> T) -> Result<T, Diagnostics> {
        let reader = Self::new(source);
        let tree = reader.tree();
        let value = tree.as_ref().and_then(|tree| reader.map(tree, "")).map(top);
        reader.finish().judge(value)
    }

    /// Opens a map; anything else but an empty place is an error, and `None`.
    #[must_use]
    pub fn map<'r>(&'r self, node: &'r Node, path: &str) -> Option<Fields<'a, 'r>> {
        let entries: &'r [(Key, Node)] = match &node.kind {
            Kind::Map(entries) => entries,
            Kind::Scalar { .. } if node.is_nothing() => &[],
            _ => return self.mismatch(node, path, "a map of keys and values"),
        };
        Some(Fields { reader: self, path: path.to_owned(), at: node.at, entries, asked: RefCell::default() })
    }

    /// Opens a map where other forms are possible too; `wanted` names all of them.
    #[must_use]
    pub fn map_of<'r>(&'r self, node: &'r Node, path: &str, wanted: &str) -> Option<Fields<'a, 'r>> {
        if node.entries().is_some() { self.map(node, path) } else { self.mismatch(node, path, wanted) }
    }

    /// A scalar as text.
    #[must_use]
    pub fn text<'n>(&self, node: &'n Node, path: &str) -> Option<&'n str> {
        node.as_text().or_else(|| self.mismatch(node, path, "a text"))
    }

    /// `true` or `false`.
    #[must_use]
    pub fn bool(&self, node: &Node, path: &str) -> Option<bool> {
        node.as_flag().or_else(|| self.mismatch(node, path, "`true` or `false`"))
    }

    /// A whole number within bounds.
    #[must_use]
    pub fn number(&self, node: &Node, path: &str, range: RangeInclusive<u64>) -> Option<u64> {
        let Some(value) = node.parsed::<i128>() else { return self.mismatch(node, path, "a whole number") };
        let found = u64::try_from(value).ok().filter(|value| range.contains(value));
        if found.is_none() {
            let (low, high) = (range.start(), range.end());
            self.error("bad-number", node.at, format!("`{path}` must be between {low} and {high}, not {value}"));
        }
        found
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
        match &node.kind {
            Kind::List(items) => items,
            Kind::Scalar { .. } if node.is_nothing() => &[],
            Kind::Scalar { .. } | Kind::Map(_) => std::slice::from_ref(node),
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
        let list = words.iter().map(|(word, _)| format!("`{word}`")).collect::<Vec<_>>().join(", ");
        let near = nearest(text, words.iter().map(|(word, _)| *word));
        let text = format!("`{text}` is no value of `{path}`");
        let mut problems = self.problems.borrow_mut();
        problems.error("unknown-word", node.at, text).nearest(near).help(format!("possible: {list}"));
        None
    }

    fn mismatch<T>(&self, node: &Node, path: &str, wanted: &str) -> Option<T> {
        let subject = if path.is_empty() { "the file".to_owned() } else { format!("`{path}`") };
        let text = format!("{subject} must be {wanted}, not {}", node.describe());
        let mut problems = self.problems.borrow_mut();
        let draft = problems.error("wrong-type", node.at, text);
        // Where a map is wanted, one value would be wrong as well.
        if !wanted.starts_with("a map")
            && let Some(help) = node.instead_of_list()
        {
            draft.help(help);
        }
        None
    }
}

impl<'a, 'r> Fields<'a, 'r> {
    /// Where the map stands.
    #[must_use]
    pub const fn at(&self) -> Place {
        self.at
    }

    /// The reader that collects what is wrong.
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
    pub const fn entries(&self) -> &'r [(Key, Node)] {
        self.entries
    }

    /// The value of a key; an empty value counts as absent.
    #[must_use]
    pub fn get(&self, key: &'static str) -> Option<&'r Node> {
        self.asked.borrow_mut().push(key);
        let node = self.entries.iter().find(|(k, _)| k.text == key).map(|(_, node)| node)?;
        (!node.is_nothing()).then_some(node)
    }

    /// The value of a key that must be there.
    #[must_use]
    pub fn require(&self, key: &'static str) -> Option<&'r Node> {
        let node = self.get(key);
        if node.is_none() {
            let place = if self.path.is_empty() { "the file".to_owned() } else { format!("`{}`", self.path) };
            self.reader.error("missing-key", self.at, format!("{place} needs a key `{key}`"));
        }
        node
    }

    /// A text; any scalar is one.
    #[must_use]
    pub fn text(&self, key: &'static str) -> Option<&'r str> {
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

    /// Reports the keys that nobody asked for, each with the nearest that exists; `x-…` are the user's own.
    pub fn finish(self) {
        let mut known = self.asked.into_inner();
        known.sort_unstable();
        known.dedup();
        for (key, _) in self.entries {
            if known.contains(&key.text.as_str()) || key.text.starts_with("x-") {
                continue;
            }
            let place = if self.path.is_empty() { String::new() } else { format!(" in `{}`", self.path) };
            let text = format!("unknown key `{}`{place}", key.text);
            let all =
                || format!("possible: {}", known.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", "));
            self.reader.unknown("unknown-key", key.at, text, (&key.text, known.iter().copied()), all);
        }
    }
}
