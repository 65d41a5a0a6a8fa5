//! Names for panes: which ones are meant, and how one is made.

use super::{RawSelectors, Text};
use crate::read::{Group, Read, raw_map};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use std::borrow::Cow;
use tmuxagent_yaml::{Kind, Node, Problems};

raw_map! {
    /// How a pane is made where none fits its name.
    RawMake, "`make`", required [], any [], {
        /// The name of its window, which is a new one in the session of the run's own pane.
        "window" => window: Text,
        /// The folder in which it begins; a relative path begins at the folder of the run's own pane.
        "cwd" => cwd: Text,
        /// What begins in it, read by the shell of its server; the pane ends with it. A shell where it is left
        /// out, as it must be where a stage with `require_approval` acts in the pane: nothing runs before a human says yes.
        "command" => command: Text,
        /// Its role (`@tmuxagent_role`), by which it is found.
        "role" => role: Text,
    }
}

/// The panes that a name can mean, written as in `match`, and `make`.
#[derive(Debug, Clone)]
pub(crate) struct RawPaneName {
    pub selector: Option<RawSelectors>,
    pub make: Option<RawMake>,
}

impl Read for RawPaneName {
    fn read(node: &Node, problems: &mut Problems) -> Option<Self> {
        let Kind::Map(entries) = &node.kind else {
            return Some(Self { selector: Some(Group::read(node, problems)?), make: None });
        };
        let make = entries.iter().find(|(key, _)| key.text == "make");
        let make = make.and_then(|(_, value)| RawMake::read(value, problems));
        let rest: Vec<_> = entries.iter().filter(|(key, _)| key.text != "make").cloned().collect();
        if rest.is_empty() && rest.len() < entries.len() {
            return Some(Self { selector: None, make });
        }
        let selector = Group::read(&Node { kind: Kind::Map(rest), ..node.clone() }, problems)?;
        Some(Self { selector: Some(selector), make })
    }
}

impl JsonSchema for RawPaneName {
    fn schema_name() -> Cow<'static, str> {
        "PaneName".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let make = generator.subschema_for::<RawMake>();
        let mut schema = <RawSelectors>::json_schema(generator).to_value();
        let map = if schema.get("anyOf").is_some() { "/anyOf/0/properties" } else { "/properties" };
        if let Some(properties) = schema.pointer_mut(map).and_then(serde_json::Value::as_object_mut) {
            let words = "Where no pane fits, one is made for the run that needs it, when its stage is about to begin or to ask. It is closed when the run ends, unless another run acts in it by then or something else was begun in it. Without selectors beside it the pane is found by its role.";
            crate::json_schema::property(properties, "make", words, make);
        }
        Schema::try_from(schema).unwrap_or_default()
    }
}
