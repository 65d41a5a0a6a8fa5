//! Maps whose keys the author chooses: variables and their values, answers and what is typed for them.

use super::{RawAction, RawGuards};
use crate::read::{Flag, Group, Many, Read, Short, Text, expected, raw_map};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use std::borrow::Cow;
use tmuxagent_yaml::{Kind, Node, Place, Problems};

raw_map! {
    /// What is typed for an answer.
    RawAnswer, "an answer", required [], any ["text", "keys"], {
        /// A text that is typed.
        "text" => text: Text,
        /// Keys by tmux's names, pressed after the text.
        "keys" => keys: Many<Text>,
        /// Whether Enter is pressed at the end; true unless there are only keys.
        "enter" => enter: Flag,
    }
}

/// A map whose keys are names that the author chooses.
#[derive(Debug, Clone)]
pub(crate) struct Named<T>(pub Vec<(Text, T)>);

impl<T: Read> Read for Named<T> {
    fn read(node: &Node, problems: &mut Problems) -> Option<Self> {
        let tmuxagent_yaml::Kind::Map(entries) = &node.kind else {
            return expected(node, "names and what they stand for (a map)", problems);
        };
        let read = |(key, value): &(tmuxagent_yaml::Key, Node)| {
            Some((Text { at: key.at, value: key.text.clone() }, T::read(value, problems)?))
        };
        Some(Self(entries.iter().filter_map(read).collect()))
    }
}

impl<T: JsonSchema> JsonSchema for Named<T> {
    fn schema_name() -> Cow<'static, str> {
        format!("Named{}", T::schema_name()).into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let value = generator.subschema_for::<T>();
        json_schema!({ "type": "object", "additionalProperties": value, "minProperties": 1 })
    }
}

/// An item of `finally`: an action, and where it acts.
#[derive(Debug, Clone)]
pub(crate) struct RawClosing {
    pub at: Place,
    pub pane: Option<Text>,
    pub guard: Option<RawGuards>,
    pub action: Option<Group<RawAction>>,
}

impl Read for RawClosing {
    fn read(node: &Node, problems: &mut Problems) -> Option<Self> {
        let Kind::Map(entries) = &node.kind else {
            return Some(Self { at: node.at, pane: None, guard: None, action: Group::read(node, problems) });
        };
        let at = entries.first().map_or(node.at, |(key, _)| key.at);
        let pane = entries.iter().find(|(key, _)| key.text == "in");
        let pane = pane.and_then(|(_, value)| Text::read(value, problems));
        let guard = entries.iter().find(|(key, _)| key.text == "if");
        let guard = guard.and_then(|(_, value)| Group::read(value, problems));
        let rest: Vec<_> =
            entries.iter().filter(|(key, _)| !matches!(key.text.as_str(), "in" | "if")).cloned().collect();
        if let [_, (second, _), ..] = rest.as_slice() {
            let message = "an item of `finally` is one action, and where it acts";
            problems.error("many-keys", second.at, message).help("write each action as an item of its own");
        }
        let action = Group::read(&Node { kind: Kind::Map(rest), ..node.clone() }, problems);
        Some(Self { at, pane, guard, action })
    }
}

impl JsonSchema for RawClosing {
    fn schema_name() -> Cow<'static, str> {
        "Closing".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = <Group<RawAction>>::json_schema(generator).to_value();
        if let Some(properties) = schema.pointer_mut("/properties").and_then(serde_json::Value::as_object_mut) {
            let words = "Where it acts: a name of `panes`. Without it: the pane of the run.";
            properties.insert("in".to_owned(), serde_json::json!({ "type": "string", "description": words }));
            let mut guard = generator.subschema_for::<RawGuards>();
            guard.insert("description".to_owned(), "Whether it is done.".into());
            properties.insert("if".to_owned(), guard.to_value());
        }
        Schema::try_from(schema).unwrap_or_default()
    }
}

/// `set`: names and their values.
#[derive(Debug, Clone)]
pub(crate) struct RawSet(pub Vec<(Text, Text)>);

impl Read for RawSet {
    fn read(node: &Node, problems: &mut Problems) -> Option<Self> {
        let tmuxagent_yaml::Kind::Map(entries) = &node.kind else {
            return expected(node, "names and their values (a map)", problems);
        };
        let read = |(key, value): &(tmuxagent_yaml::Key, Node)| {
            Some((Text { at: key.at, value: key.text.clone() }, Text::read(value, problems)?))
        };
        Some(Self(entries.iter().filter_map(read).collect()))
    }
}

impl JsonSchema for RawSet {
    fn schema_name() -> Cow<'static, str> {
        "Set".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let text = generator.subschema_for::<Text>();
        json_schema!({ "type": "object", "additionalProperties": text, "minProperties": 1 })
    }
}

/// `answers`: labels and what is typed for them.
#[derive(Debug, Clone)]
pub(crate) struct RawAnswers(pub Vec<(Text, Short<Text, RawAnswer>)>);

impl Read for RawAnswers {
    fn read(node: &Node, problems: &mut Problems) -> Option<Self> {
        let tmuxagent_yaml::Kind::Map(entries) = &node.kind else {
            return expected(node, "labels and what is typed for them (a map)", problems);
        };
        let read = |(key, value): &(tmuxagent_yaml::Key, Node)| {
            Some((Text { at: key.at, value: key.text.clone() }, Short::read(value, problems)?))
        };
        Some(Self(entries.iter().filter_map(read).collect()))
    }
}

impl JsonSchema for RawAnswers {
    fn schema_name() -> Cow<'static, str> {
        "Answers".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let typed = generator.subschema_for::<Short<Text, RawAnswer>>();
        json_schema!({ "type": "object", "additionalProperties": typed, "minProperties": 1 })
    }
}
