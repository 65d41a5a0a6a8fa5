//! YAML text → a tree of nodes with places, anchors and merge keys resolved.
//!
//! The tree is built from parser events rather than by serde, because serde stops at the first mistake and a user
//! is told all mistakes of a file at once. Scalars keep their text: `no` is a text until a reader asks for a flag.

use super::advice::{Advice, advice};
use super::{Place, Problems};
use serde_yaml::granit_parser::{Event, Options, Parser, ScalarStyle, Span, options};
use std::collections::{BTreeMap, HashMap};

/// The most nodes that one file may hold once its aliases are written out.
const MOST_NODES: usize = 500_000;

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Its place; that of its key where it is empty or begins on a line of its own.
    pub at: Place,
    /// What stands there.
    pub kind: Kind,
}

/// What a node is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A text, number, flag or nothing.
    Scalar {
        /// As it is written, quotes and escapes resolved.
        text: String,
        /// Written without quotes, so that it may be read as a number, a flag or nothing.
        plain: bool,
    },
    /// Items in the order written.
    List(Vec<Node>),
    /// Keys in the order written, each once.
    Map(Vec<(Key, Node)>),
}

/// A key of a map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Where it stands.
    pub at: Place,
    /// The key itself.
    pub text: String,
}

impl Node {
    /// A text that stands in no file but comes from elsewhere, to be told at that place.
    #[must_use]
    pub fn of_text(at: Place, text: impl Into<String>) -> Self {
        Self { at, kind: Kind::Scalar { text: text.into(), plain: false } }
    }

    /// An empty value at a place.
    #[must_use]
    pub const fn nothing(at: Place) -> Self {
        Self { at, kind: Kind::Scalar { text: String::new(), plain: true } }
    }

    /// A scalar as text: a number or flag as it was written; `None` for nothing, lists and maps.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Scalar { text, .. } if !self.is_nothing() => Some(text),
            Kind::Scalar { .. } | Kind::List(_) | Kind::Map(_) => None,
        }
    }

    /// A scalar as a flag. `yes` and `on` are texts in YAML 1.2 and flags in older ones, so they are none here.
    #[must_use]
    pub fn as_flag(&self) -> Option<bool> {
        match &self.kind {
            Kind::Scalar { text, plain: true } => match text.as_str() {
                "true" | "True" | "TRUE" => Some(true),
                "false" | "False" | "FALSE" => Some(false),
                _ => None,
            },
            Kind::Scalar { .. } | Kind::List(_) | Kind::Map(_) => None,
        }
    }

    /// A scalar that is read as something else than text, such as a number.
    #[must_use]
    pub fn parsed<T: std::str::FromStr>(&self) -> Option<T> {
        match &self.kind {
            Kind::Scalar { text, .. } => text.parse().ok(),
            Kind::List(_) | Kind::Map(_) => None,
        }
    }

    /// The keys and values, where this is a map.
    #[must_use]
    pub fn entries(&self) -> Option<&[(Key, Self)]> {
        match &self.kind {
            Kind::Map(entries) => Some(entries),
            Kind::Scalar { .. } | Kind::List(_) => None,
        }
    }

    /// The value of a key, where this is a map that has it.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.entries()?.iter().find(|(known, _)| known.text == key).map(|(_, node)| node)
    }

    /// The same as JSON: numbers, flags and nothing are what JSON would make of them where they stand without quotes.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        use serde_json::Value;
        match &self.kind {
            Kind::Scalar { .. } if self.is_nothing() => Value::Null,
            Kind::Scalar { text, plain: true } => match serde_json::from_str(text) {
                Ok(value @ (Value::Bool(_) | Value::Number(_))) => value,
                _ => Value::String(text.clone()),
            },
            Kind::Scalar { text, plain: false } => Value::String(text.clone()),
            Kind::List(items) => items.iter().map(Self::to_json).collect(),
            Kind::Map(entries) => entries.iter().map(|(key, value)| (key.text.clone(), value.to_json())).collect(),
        }
    }

    /// Whether the node is an empty value, `~` or `null`.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        matches!(&self.kind, Kind::Scalar { text, plain: true } if matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL"))
    }

    /// What the node is, for messages.
    #[must_use]
    pub fn describe(&self) -> String {
        match &self.kind {
            Kind::Scalar { .. } if self.is_nothing() => "nothing".to_owned(),
            Kind::Scalar { text, .. } => {
                let short: String = text.chars().take(40).collect();
                let dots = if short.len() < text.len() { "…" } else { "" };
                format!("`{short}{dots}`")
            }
            Kind::List(_) => "a list".to_owned(),
            Kind::Map(_) => "a map".to_owned(),
        }
    }

    /// The way out where a list stands in the place of one value.
    #[must_use]
    pub fn instead_of_list(&self) -> Option<String> {
        let Kind::List(items) = &self.kind else { return None };
        Some(match items.as_slice() {
            [Self { kind: Kind::Scalar { .. }, .. }] => {
                format!("write {} alone, without the list", items[0].describe())
            }
            _ => "one value can stand here, not several".to_owned(),
        })
    }

    fn count(&self) -> usize {
        1 + match &self.kind {
            Kind::Scalar { .. } => 0,
            Kind::List(items) => items.iter().map(Self::count).sum(),
            Kind::Map(entries) => entries.iter().map(|(_, value)| 1 + value.count()).sum(),
        }
    }
}

/// Reads one of the sources, by its index. `None` when it holds nothing, or can't be read at all (then a problem was
/// added).
#[must_use]
pub fn parse(index: usize, problems: &mut Problems<'_>) -> Option<Node> {
    let source = problems.sources().get(index)?;
    let mark = if source.text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let text = &source.text[mark..];
    let mut tree = Tree {
        source: index,
        offset: mark,
        text,
        problems,
        open: Vec::new(),
        anchors: HashMap::new(),
        named: BTreeMap::new(),
        nodes: 0,
        root: None,
    };
    let limits: Options = options! { emit_comments: false, disallow_directives: true };
    for next in Parser::new_from_str_with_options(text, limits) {
        let step = match next {
            Ok((event, span)) => tree.take(event, span),
            Err(error) => {
                let start = error.marker().byte_offset().unwrap_or(text.len());
                Err(invalid(&source.text, Place { source: index, start: start + mark, len: 1 }, &error.info()))
            }
        };
        if let Err(Stop { at, message, help }) = step {
            let draft = tree.problems.error("yaml", at, message);
            if let Some(help) = help {
                draft.help(help);
            }
            return None;
        }
    }
    for at in tree.named.values() {
        let message = "this text has a name (`&…`) that nothing uses";
        tree.problems.warning("unused-anchor", *at, message).help("put a text that begins with `&` in quotes");
    }
    tree.root.filter(|node| !node.is_nothing())
}

/// A place that the parser does not understand, with the advice that it lacks.
fn invalid(text: &str, at: Place, info: &str) -> Stop {
    let Advice { at: elsewhere, message, help } = advice(text, at, info);
    let message = message.map_or_else(|| format!("not valid YAML: {info}"), str::to_owned);
    Stop { at: elsewhere.unwrap_or(at), message, help }
}

/// A list or map that is being read.
enum Open {
    List { at: Place, anchor: usize, items: Vec<Node> },
    Map { at: Place, anchor: usize, entries: Vec<(Key, Node)>, key: Option<Key>, merges: Vec<Node> },
}

struct Tree<'p, 'a> {
    source: usize,
    offset: usize,
    text: &'p str,
    problems: &'p mut Problems<'a>,
    open: Vec<Open>,
    anchors: HashMap<usize, Node>,
    /// Texts with an anchor that nothing has used yet.
    named: BTreeMap<usize, Place>,
    nodes: usize,
    root: Option<Node>,
}

/// What ends the reading of a file.
struct Stop {
    at: Place,
    message: String,
    help: Option<String>,
}

/// A file that can't be read further, with no advice but what the sentence says.
fn stop<T>(at: Place, message: &str) -> Result<T, Stop> {
    Err(Stop { at, message: message.to_owned(), help: None })
}

impl Tree<'_, '_> {
    fn place(&self, span: Span) -> Place {
        let start = span.start.byte_offset().unwrap_or(0);
        let end = span.end.byte_offset().unwrap_or(start);
        Place { source: self.source, start: start + self.offset, len: end.saturating_sub(start) }
    }

    fn take(&mut self, event: Event, span: Span) -> Result<(), Stop> {
        let at = self.place(span);
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let plain = style == ScalarStyle::Plain && tag.is_none();
                // `!!str 5` is the one tag with a use: it says that a number is meant as a text.
                if let Some(tag) = tag.map(|tag| tag.to_string()).filter(|tag| !tag.ends_with("!str")) {
                    let message = format!("the tag `{tag}` has no meaning here");
                    self.problems.error("yaml", at, message).help("put a text that begins with `!` in quotes");
                }
                if plain && self.looks_cut(at, &text) {
                    let message = "the text ends here: what follows ` #` is a comment";
                    let help = "put the whole text in quotes, or write a comment as `# …` with a blank";
                    self.problems.warning("cut-text", at, message).help(help);
                }
                if anchor > 0 {
                    self.named.insert(anchor, at);
                }
                let node = Node { at, kind: Kind::Scalar { text: text.into_owned(), plain } };
                self.finished(node, anchor)
            }
            Event::SequenceStart(_, anchor, _) => {
                self.open.push(Open::List { at, anchor, items: Vec::new() });
                Ok(())
            }
            Event::MappingStart(_, anchor, _) => {
                self.open.push(Open::Map { at, anchor, entries: Vec::new(), key: None, merges: Vec::new() });
                Ok(())
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(),
            Event::Alias(id) => match self.anchors.get(&id) {
                Some(node) => {
                    // Problems inside are told where the anchor stands; the alias itself is only a name for it.
                    let node = node.clone();
                    self.named.remove(&id);
                    self.nodes += node.count();
                    self.finished(node, 0)
                }
                None => stop(at, "an alias can't stand inside what it names"),
            },
            Event::DocumentStart(..) if self.root.is_some() => Err(Stop {
                at,
                message: "a second document begins here".to_owned(),
                help: Some("one file holds one document: put the others into files of their own".to_owned()),
            }),
            // What is left has no content: borders of the stream and the document, comments.
            _ => Ok(()),
        }
    }

    /// Whether a plain text goes on behind a ` #` that its author hardly meant as a comment: `a line, ### SENTRY …`.
    fn looks_cut(&self, at: Place, text: &str) -> bool {
        let line = self.text.get(at.start.saturating_sub(self.offset)..).and_then(|rest| rest.lines().next());
        let rest = line.and_then(|line| line.strip_prefix(text)).unwrap_or_default();
        let Some(comment) = rest.trim_start().strip_prefix('#').filter(|_| rest.starts_with([' ', '\t'])) else {
            return false;
        };
        comment.starts_with('#') || (text.contains(' ') && comment.starts_with(|c: char| !c.is_whitespace()))
    }

    fn close(&mut self) -> Result<(), Stop> {
        match self.open.pop() {
            Some(Open::List { at, anchor, items }) => self.finished(Node { at, kind: Kind::List(items) }, anchor),
            Some(Open::Map { at, anchor, mut entries, merges, .. }) => {
                self.merge(&mut entries, merges);
                self.finished(Node { at, kind: Kind::Map(entries) }, anchor)
            }
            None => Ok(()),
        }
    }

    /// A node is complete: it is the root, an item, a key, or the value of the last key.
    fn finished(&mut self, mut node: Node, anchor: usize) -> Result<(), Stop> {
        self.nodes += 1;
        if self.nodes > MOST_NODES {
            return stop(node.at, "the file is too large, or its aliases repeat each other");
        }
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        match self.open.last_mut() {
            None => self.root = Some(node),
            Some(Open::List { items, .. }) => items.push(node),
            Some(Open::Map { entries, key, merges, .. }) => match key.take() {
                None => match node.kind {
                    Kind::Scalar { text, .. } => *key = Some(Key { at: node.at, text }),
                    Kind::List(_) | Kind::Map(_) => {
                        let message = "a key must be a plain text".to_owned();
                        let braces = "put texts with `{{…}}` in quotes".to_owned();
                        let help = matches!(node.kind, Kind::Map(_)).then_some(braces);
                        return Err(Stop { at: node.at, message, help });
                    }
                },
                Some(key) if key.text == "<<" => merges.push(node),
                Some(key) => {
                    // An empty value has no place of its own; its key is where people look.
                    if node.at.len == 0 {
                        node.at = key.at;
                    }
                    match entries.iter().find(|(known, _)| known.text == key.text) {
                        Some((first, _)) => {
                            let first = self.problems.describe(first.at);
                            let message = format!("the key `{}` stands twice in one map", key.text);
                            self.problems
                                .error("duplicate-key", key.at, message)
                                .help(format!("the first is at {first}"));
                        }
                        None => entries.push((key, node)),
                    }
                }
            },
        }
        Ok(())
    }

    /// `<<: *anchor`: keys that the map does not have itself come from the named maps, earlier ones first.
    fn merge(&mut self, entries: &mut Vec<(Key, Node)>, merges: Vec<Node>) {
        for node in merges {
            let maps = match node.kind {
                Kind::List(items) => items,
                kind @ (Kind::Map(_) | Kind::Scalar { .. }) => vec![Node { at: node.at, kind }],
            };
            for map in maps {
                let Kind::Map(inherited) = map.kind else {
                    self.problems.error("yaml", map.at, "`<<` takes a map or a list of maps");
                    continue;
                };
                for (key, value) in inherited {
                    if entries.iter().all(|(known, _)| known.text != key.text) {
                        entries.push((key, value));
                    }
                }
            }
        }
    }
}

/// A YAML scalar that is read as this text wherever it stands. Control characters become blanks, so it is one line.
#[must_use]
pub fn quoted(text: &str) -> String {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    format!("'{}'", line.replace('\'', "''"))
}

#[cfg(test)]
#[path = "tree_tests.rs"]
mod tests;
