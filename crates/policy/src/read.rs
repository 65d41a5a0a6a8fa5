//! Nodes → raw types, and raw types → JSON schema, from one description of each map and choice.
//!
//! **Invariant:** reading never stops at a mistake; what could not be read is left out, and a problem is added.

mod foreign;
mod scalar;

pub(super) use foreign::unknown_key;
pub(super) use scalar::{Flag, Fraction, Json, Limit, Number, Span, SpanMs};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use std::borrow::Cow;
use tmuxagent_yaml::Place;
use tmuxagent_yaml::Problems;
use tmuxagent_yaml::{Key, Kind, Node};

/// A raw type that is read from a node. `None` means that a problem was added.
pub(super) trait Read: Sized {
    /// The value of the node, whatever else was found wrong.
    fn read(node: &Node, problems: &mut Problems) -> Option<Self>;
}

/// A value with its place.
#[derive(Debug, Clone)]
pub(super) struct At<T> {
    pub at: Place,
    pub value: T,
}

/// A text with its place.
pub(super) type Text = At<String>;

/// Adds the problem that something else was expected than `node`.
pub(super) fn expected<T>(node: &Node, what: &str, problems: &mut Problems) -> Option<T> {
    let draft = problems.error("wrong-type", node.at, format!("expected {what}, found {}", node.describe()));
    // Where a map is wanted, one value would be wrong as well.
    if !what.ends_with("(a map)")
        && let Some(help) = node.instead_of_list()
    {
        draft.help(help);
    }
    None
}

impl<T: Read> Read for Vec<T> {
    fn read(node: &Node, problems: &mut Problems) -> Option<Self> {
        match &node.kind {
            Kind::List(items) => Some(items.iter().filter_map(|item| T::read(item, problems)).collect()),
            Kind::Scalar { .. } | Kind::Map(_) => expected(node, "a list", problems),
        }
    }
}

impl<T: Read> Read for Box<T> {
    fn read(node: &Node, problems: &mut Problems) -> Option<Self> {
        T::read(node, problems).map(Self::new)
    }
}

/// A list, or its only item without the list.
#[derive(Debug, Clone)]
pub(super) struct Many<T> {
    pub at: Place,
    /// Nothing was written at all; otherwise no items means that none could be read.
    pub blank: bool,
    pub items: Vec<T>,
}

impl<T: Read> Read for Many<T> {
    fn read(node: &Node, problems: &mut Problems) -> Option<Self> {
        let items = match &node.kind {
            Kind::List(items) => items.iter().filter_map(|item| T::read(item, problems)).collect(),
            Kind::Scalar { .. } | Kind::Map(_) => vec![T::read(node, problems)?],
        };
        let blank = matches!(&node.kind, Kind::List(items) if items.is_empty());
        Some(Self { at: node.at, blank, items })
    }
}

impl<T: JsonSchema> JsonSchema for Many<T> {
    fn schema_name() -> Cow<'static, str> {
        format!("ListOf{}", T::schema_name()).into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let item = generator.subschema_for::<T>();
        json_schema!({ "anyOf": [item, { "type": "array", "items": item }] })
    }
}

/// A value of a key that is there, also where nothing could be read: that was told already.
#[derive(Debug, Clone)]
pub(super) struct Tried<T>(pub Option<T>);

impl<T: Read> Read for Tried<T> {
    fn read(node: &Node, problems: &mut Problems) -> Option<Self> {
        Some(Self(T::read(node, problems)))
    }
}

impl<T: JsonSchema> JsonSchema for Tried<T> {
    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<T>()
    }
}

/// A short form that is no map, or the full form that is one.
#[derive(Debug, Clone)]
pub(super) enum Short<S, F> {
    Short(S),
    Full(F),
}

impl<S: Read, F: Read> Read for Short<S, F> {
    fn read(node: &Node, problems: &mut Problems) -> Option<Self> {
        match &node.kind {
            Kind::Map(_) => F::read(node, problems).map(Self::Full),
            Kind::Scalar { .. } | Kind::List(_) => S::read(node, problems).map(Self::Short),
        }
    }
}

impl<S: JsonSchema, F: JsonSchema> JsonSchema for Short<S, F> {
    fn schema_name() -> Cow<'static, str> {
        format!("{}Or{}", S::schema_name(), F::schema_name()).into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let (short, full) = (generator.subschema_for::<S>(), generator.subschema_for::<F>());
        json_schema!({ "anyOf": [short, full] })
    }
}

/// A raw type that is one key and its value, such as a condition or an action.
pub(super) trait Choice: Sized {
    /// What it is called in messages, with its article.
    const WHAT: &'static str;
    /// The keys that it may be, in the order of the documentation.
    const KEYS: &'static [&'static str];
    /// Reads the value of one of the keys. `None` for an unknown key, `Some(None)` when the value is wrong.
    fn of_key(key: &str, value: &Node, problems: &mut Problems) -> Option<Option<Self>>;
    /// The choice that a text alone stands for.
    fn of_word(_: &str) -> Option<Self> {
        None
    }
    /// The choice that a bare list stands for.
    fn of_list(_: &Node, _: &mut Problems) -> Option<Option<Self>> {
        None
    }
    /// The schema of the map, and of the words.
    fn map_schema(generator: &mut SchemaGenerator) -> Schema;
    /// Its name in the schema.
    const NAME: &'static str;
}

fn no_choice<C: Choice, T>(node: &Node, problems: &mut Problems) -> Option<T> {
    let message = format!("expected {}, found {}", C::WHAT, node.describe());
    let draft = problems.error("wrong-type", node.at, message);
    match foreign::instead(node, C::KEYS) {
        Some(help) => draft.help(help),
        None => draft.help(format!("it is a map with one of the keys {}", C::KEYS.join(", "))),
    };
    None
}

/// Says how several texts are written, where a list of them stands behind a key that takes one.
fn help_with_list<C: Choice>(key: &Key, value: &Node, problems: &mut Problems) {
    let Kind::List(items) = &value.kind else { return };
    let text = |item: &Node| match &item.kind {
        Kind::Scalar { text, .. } => Some(text.clone()),
        Kind::List(_) | Kind::Map(_) => None,
    };
    let Some(texts) = items.iter().map(text).collect::<Option<Vec<String>>>().filter(|texts| texts.len() > 1) else {
        return;
    };
    let each =
        || texts.iter().map(|text| format!("{{{}: {}}}", key.text, in_flow(text))).collect::<Vec<_>>().join(", ");
    let help = match key.text.as_str() {
        "run" | "shell" => "write the command as one text, as you would type it; `&&` joins several".to_owned(),
        _ if C::KEYS.contains(&"any_of") => format!("for one of several write `any_of: [{}]`", each()),
        _ => format!("write each as an item of its own: `[{}]`", each()),
    };
    problems.help_at(value.at, help);
}

/// A text as it can stand within `{…}` and `[…]`.
fn in_flow(text: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | ' ');
    let is_plain = text.starts_with(char::is_alphabetic) && !text.ends_with(' ') && text.chars().all(plain);
    if is_plain { text.to_owned() } else { format!("'{}'", text.replace('\'', "''")) }
}

fn entries_of<C: Choice>(node: &Node, problems: &mut Problems) -> Option<Vec<At<C>>> {
    match &node.kind {
        Kind::Map(entries) if !entries.is_empty() => {
            let read = |(key, value): &(Key, Node)| match C::of_key(&key.text, value, problems) {
                Some(choice) => {
                    if choice.is_none() {
                        help_with_list::<C>(key, value, problems);
                    }
                    choice.map(|value| At { at: key.at, value })
                }
                None => {
                    unknown_key(key, C::WHAT, C::KEYS, problems);
                    None
                }
            };
            Some(entries.iter().filter_map(read).collect())
        }
        Kind::Scalar { text, .. } => match C::of_word(text) {
            Some(value) => Some(vec![At { at: node.at, value }]),
            None => no_choice::<C, _>(node, problems),
        },
        Kind::List(_) => match C::of_list(node, problems) {
            Some(choice) => choice.map(|value| vec![At { at: node.at, value }]),
            None => no_choice::<C, _>(node, problems),
        },
        Kind::Map(_) => {
            let message = format!("{} needs one of the keys {}", C::WHAT, C::KEYS.join(", "));
            problems.error("missing-key", node.at, message);
            None
        }
    }
}

/// `{log_regex: …, when: seen}` is another way to write `{seen: {log_regex: …}}`, where there is such a key.
fn with_when<C: Choice>(node: &Node) -> Option<(Place, Node)> {
    let Kind::Map(entries) = &node.kind else { return None };
    let is_seen = |(key, value): &&(Key, Node)| key.text == "when" && value.as_text() == Some("seen");
    let when = entries.iter().find(is_seen).filter(|_| C::KEYS.contains(&"seen"))?;
    let rest: Vec<(Key, Node)> = entries.iter().filter(|(key, _)| key.text != "when").cloned().collect();
    (rest.len() == 1).then(|| (when.0.at, Node { kind: Kind::Map(rest), ..node.clone() }))
}

impl<C: Choice> Read for At<C> {
    fn read(node: &Node, problems: &mut Problems) -> Option<Self> {
        if let Some((at, part)) = with_when::<C>(node) {
            let value = C::of_key("seen", &part, problems)??;
            return Some(Self { at, value });
        }
        if let Kind::Map(entries) = &node.kind
            && let [(first, _), (second, _), ..] = entries.as_slice()
        {
            let message = format!("`{}` and `{}` stand in one map; {} has one key", first.text, second.text, C::WHAT);
            let help = "write each as an item of its own, under `all_of` or `any_of` where both matter";
            problems.error("many-keys", second.at, message).help(help);
        }
        entries_of(node, problems)?.into_iter().next()
    }
}

impl<C: Choice> JsonSchema for At<C> {
    fn schema_name() -> Cow<'static, str> {
        C::NAME.into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        C::map_schema(generator)
    }
}

/// One or several choices in one map, in the order written.
#[derive(Debug, Clone)]
pub(super) struct Group<C> {
    pub entries: Vec<At<C>>,
}

impl<C: Choice> Read for Group<C> {
    fn read(node: &Node, problems: &mut Problems) -> Option<Self> {
        Some(Self { entries: entries_of(node, problems)? })
    }
}

impl<C: Choice> JsonSchema for Group<C> {
    fn schema_name() -> Cow<'static, str> {
        C::NAME.into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        C::map_schema(generator)
    }
}

/// Describes a map of a policy: its keys, their types, and what they mean. From one description come the raw type,
/// its reader and its schema.
macro_rules! raw_map {
    (
        $(#[doc = $doc:literal])*
        $name:ident, $what:literal, required [$($required:literal),*], any [$($any:literal),*], {
            $( $(#[doc = $field_doc:literal])* $key:literal => $field:ident : $ty:ty, )*
        }
    ) => {
        $(#[doc = $doc])*
        #[derive(Debug, Clone)]
        pub(crate) struct $name {
            pub at: tmuxagent_yaml::Place,
            $( $(#[doc = $field_doc])* pub $field: Option<$ty>, )*
        }

        impl $crate::read::Read for $name {
            fn read(node: &tmuxagent_yaml::Node, problems: &mut tmuxagent_yaml::Problems) -> Option<Self> {
                let tmuxagent_yaml::Kind::Map(entries) = &node.kind else {
                    return $crate::read::expected(node, concat!($what, " (a map)"), problems);
                };
                let mut out = Self { at: entries.first().map_or(node.at, |(key, _)| key.at), $( $field: None, )* };
                for (key, value) in entries {
                    match key.text.as_str() {
                        $( $key => out.$field = $crate::read::Read::read(value, problems), )*
                        other if other.starts_with("x-") => {}
                        _ => $crate::read::unknown_key(key, $what, &[$($key),*], problems),
                    }
                }
                let required: &[&str] = &[$($required),*];
                for wanted in required {
                    if entries.iter().all(|(key, _)| key.text != *wanted) {
                        problems.error("missing-key", out.at, format!(concat!($what, " needs the key `{}`"), wanted));
                    }
                }
                let any: &[&str] = &[$($any),*];
                if !any.is_empty() && entries.is_empty() {
                    let message = format!(concat!($what, " needs at least one of the keys {}"), any.join(", "));
                    problems.error("missing-key", node.at, message);
                }
                Some(out)
            }
        }

        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).trim_start_matches("Raw").into()
            }
            fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
                let mut properties = serde_json::Map::new();
                $( $crate::json_schema::property(
                    &mut properties, $key, concat!($($field_doc),*), generator.subschema_for::<$ty>()); )*
                $crate::json_schema::object(concat!($($doc),*), properties, &[$($required),*])
            }
        }
    };
}

/// Describes a choice of a policy: a map of one key among several.
macro_rules! raw_choice {
    (
        $(#[doc = $doc:literal])*
        $name:ident, $what:literal, words [$($word:literal => $worded:ident),*], list [$($list:ident)?], {
            $( $(#[doc = $variant_doc:literal])* $key:literal => $variant:ident($ty:ty), )*
        }
    ) => {
        $(#[doc = $doc])*
        #[derive(Debug, Clone)]
        pub(crate) enum $name {
            $( $(#[doc = $variant_doc])* $variant($ty), )*
        }

        impl $crate::read::Choice for $name {
            const WHAT: &'static str = $what;
            const KEYS: &'static [&'static str] = &[$($key),*];
            const NAME: &'static str = $crate::json_schema::name_of(stringify!($name));
            fn of_key(key: &str, value: &tmuxagent_yaml::Node, problems: &mut tmuxagent_yaml::Problems) -> Option<Option<Self>> {
                match key {
                    $( $key => Some($crate::read::Read::read(value, problems).map(Self::$variant)), )*
                    _ => None,
                }
            }
            fn of_word(word: &str) -> Option<Self> {
                match word {
                    $( $word => Some(Self::$worded(Default::default())), )*
                    _ => None,
                }
            }
            $( fn of_list(node: &tmuxagent_yaml::Node, problems: &mut tmuxagent_yaml::Problems) -> Option<Option<Self>> {
                Some($crate::read::Read::read(node, problems).map(Self::$list))
            } )?
            fn map_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
                let mut properties = serde_json::Map::new();
                $( $crate::json_schema::property(
                    &mut properties, $key, concat!($($variant_doc),*), generator.subschema_for::<$ty>()); )*
                let words: &[&str] = &[$($word),*];
                let lists: &[&str] = &[$(stringify!($list))?];
                $crate::json_schema::choice(concat!($($doc),*), properties, words, (!lists.is_empty()).then_some(Self::NAME))
            }
        }
    };
}

pub(super) use {raw_choice, raw_map};
