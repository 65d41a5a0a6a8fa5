//! Maps whose keys the author chooses: variables and their values, answers and what is typed for them.

use crate::read::{Flag, Many, Read, Short, Text, expected, raw_map};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use std::borrow::Cow;
use tmuxagent_yaml::{Node, Problems};

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
