//! Values without parts: texts, flags, numbers, spans of time, and any JSON.

use super::{At, Read, Text, expected};
use crate::duration;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use std::borrow::Cow;
use tmuxagent_model::Millis;
use tmuxagent_yaml::Problems;
use tmuxagent_yaml::{Kind, Node};

impl Read for Text {
    fn read(node: &Node, problems: &mut Problems) -> Option<Self> {
        match node.as_text() {
            Some(text) => Some(Self { at: node.at, value: text.to_owned() }),
            None => expected(node, "a text", problems),
        }
    }
}

impl JsonSchema for Text {
    fn schema_name() -> Cow<'static, str> {
        "Text".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["string", "number", "boolean"] })
    }
}

/// `true` or `false`, and nothing else: `yes` and `on` are texts in YAML 1.2 and flags in older ones.
pub(crate) type Flag = At<bool>;

impl Read for Flag {
    fn read(node: &Node, problems: &mut Problems) -> Option<Self> {
        match node.as_flag() {
            Some(value) => Some(Self { at: node.at, value }),
            None => {
                let flag = expected(node, "`true` or `false`", problems);
                if let Some(help) = super::foreign::flag(node) {
                    problems.help_at(node.at, help);
                }
                flag
            }
        }
    }
}

impl JsonSchema for Flag {
    fn schema_name() -> Cow<'static, str> {
        "Flag".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "boolean" })
    }
}

/// A whole number.
pub(crate) type Number = At<i64>;

impl Read for Number {
    fn read(node: &Node, problems: &mut Problems) -> Option<Self> {
        match node.parsed() {
            Some(value) => Some(Self { at: node.at, value }),
            None => expected(node, "a whole number", problems),
        }
    }
}

impl JsonSchema for Number {
    fn schema_name() -> Cow<'static, str> {
        "Number".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer" })
    }
}

/// A number that may have a fraction.
pub(crate) type Fraction = At<f64>;

impl Read for Fraction {
    fn read(node: &Node, problems: &mut Problems) -> Option<Self> {
        match node.parsed().filter(|number: &f64| number.is_finite()) {
            Some(value) => Some(Self { at: node.at, value }),
            None => expected(node, "a number", problems),
        }
    }
}

impl JsonSchema for Fraction {
    fn schema_name() -> Cow<'static, str> {
        "Fraction".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "number" })
    }
}

/// A time limit: a span of time, or `never`.
#[derive(Debug, Clone)]
pub(crate) enum Limit {
    /// There is none, and where that is said.
    Never(tmuxagent_yaml::Place),
    /// It is so long.
    Span(Span),
}

impl Read for Limit {
    fn read(node: &Node, problems: &mut Problems) -> Option<Self> {
        match node.as_text() {
            Some(text) if text.trim() == "never" => Some(Self::Never(node.at)),
            _ => Span::read(node, problems).map(Self::Span),
        }
    }
}

impl JsonSchema for Limit {
    fn schema_name() -> Cow<'static, str> {
        "Limit".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let span = generator.subschema_for::<Span>();
        json_schema!({ "anyOf": [span, { "const": "never" }] })
    }
}

/// A span of time with its unit: `1500ms`, `2s`, `5m`, `1h30m`.
pub(crate) type Span = At<Millis>;

impl Read for Span {
    fn read(node: &Node, problems: &mut Problems) -> Option<Self> {
        let Kind::Scalar { text, .. } = &node.kind else { return expected(node, "a duration like `30s`", problems) };
        match duration::parse(text) {
            Ok(value) => Some(Self { at: node.at, value }),
            Err(error) => {
                let help =
                    "write it as `1500ms`, `2s`, `5m` or `1h30m`; a plain number belongs to the key that ends in `_ms`";
                problems.error("bad-duration", node.at, error).help(help);
                None
            }
        }
    }
}

impl JsonSchema for Span {
    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A span of time: `1500ms`, `2s`, `5m`, `1h30m`.",
            "type": ["string", "integer"],
            "pattern": "^\\s*(0|([0-9.]+(ms|s|sec|m|min|h|d|w))+)\\s*$",
            "maximum": 0
        })
    }
}

/// A span of time as a plain number of milliseconds, for the keys that end in `_ms`.
#[derive(Debug, Clone)]
pub(crate) struct SpanMs(pub Span);

impl Read for SpanMs {
    fn read(node: &Node, problems: &mut Problems) -> Option<Self> {
        let Kind::Scalar { text, .. } = &node.kind else { return expected(node, "a number of milliseconds", problems) };
        let Ok(millis) = text.parse() else {
            problems
                .error("bad-duration", node.at, format!("expected a number of milliseconds, found {}", node.describe()))
                .help("a duration with its unit belongs to the same key without `_ms`");
            return None;
        };
        match duration::bounded(millis) {
            Ok(value) => Some(Self(At { at: node.at, value })),
            Err(error) => {
                problems.error("bad-duration", node.at, error);
                None
            }
        }
    }
}

impl JsonSchema for SpanMs {
    fn schema_name() -> Cow<'static, str> {
        "Milliseconds".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "minimum": 0 })
    }
}

/// Any JSON value, for what is compared with an answer from outside.
pub(crate) type Json = At<serde_json::Value>;

impl Read for Json {
    fn read(node: &Node, _: &mut Problems) -> Option<Self> {
        Some(Self { at: node.at, value: node.to_json() })
    }
}

impl JsonSchema for Json {
    fn schema_name() -> Cow<'static, str> {
        "Any".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!(true)
    }
}
