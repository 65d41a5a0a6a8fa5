//! `if`: whether a stage is run when it is its turn.

use super::Named;
use crate::read::{At, Choice, Group, Many, Read, Short, Text, raw_choice};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use std::borrow::Cow;
use tmuxagent_yaml::{Kind, Node, Problems};

/// The value of `if` or a part of it: several keys in one map must all hold.
pub(crate) type RawGuards = Group<RawGuard>;

raw_choice! {
    /// Whether a stage is run when it is its turn. Several keys in one map must all hold; of a list one must.
    RawGuard, "a part of `if`", words [], list [AnyOf], {
        /// One of them holds.
        "any_of" => AnyOf(Many<RawGuards>),
        /// All of them hold.
        "all_of" => AllOf(Many<RawGuards>),
        /// It does not hold.
        "not" => Not(Box<RawGuards>),
        /// Values of inputs: `{env: prod}`, one of several in a list, a glob such as `release/*`, or `/regex/`. A name alone: it is neither empty nor `false`.
        "input" => Input(Short<Text, Named<Many<Text>>>),
        /// Values that a `set` or a named group of a pattern gave, written as for `input`. What has no value yet is nothing.
        "value" => Value(Short<Text, Named<Many<Text>>>),
        /// How stages of this run ended: `{test: failed}`; `succeeded`, `failed`, `skipped`, `rejected`, `cancelled`, one of several in a list.
        "stage" => Stage(Named<Many<Text>>),
        /// The exit codes of the commands that stages ran: `{test: 0}`, one of several in a list, `nonzero` for any but 0.
        "exit_code" => ExitCode(Named<Many<Text>>),
        /// A file or folder is there, on the host of the stage's pane; a relative path begins at the folder of that pane. Several in a list: one of them.
        "file_exists" => FileExists(Many<Text>),
        /// How the run ends, in `finally` alone: `succeeded`, `failed` or `cancelled`.
        "run" => Run(Many<Text>),
    }
}

/// A map of one action or several, and whether they are done.
#[derive(Debug, Clone)]
pub(crate) struct Guarded<C> {
    pub guard: Option<RawGuards>,
    pub entries: Vec<At<C>>,
}

impl<C: Choice> Read for Guarded<C> {
    fn read(node: &Node, problems: &mut Problems) -> Option<Self> {
        let Kind::Map(keys) = &node.kind else {
            return Some(Self { guard: None, entries: Group::read(node, problems)?.entries });
        };
        let (own, rest): (Vec<_>, Vec<_>) = keys.iter().cloned().partition(|(key, _)| key.text == "if");
        let guard = own.first().and_then(|(_, value)| Group::read(value, problems));
        let entries = Group::read(&Node { kind: Kind::Map(rest), ..node.clone() }, problems)?.entries;
        Some(Self { guard, entries })
    }
}

impl<C: Choice> JsonSchema for Guarded<C> {
    fn schema_name() -> Cow<'static, str> {
        C::NAME.into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = C::map_schema(generator).to_value();
        let mut guard = generator.subschema_for::<RawGuards>();
        guard.insert("description".to_owned(), IF_OF_ACTION.into());
        let place = if schema.get("anyOf").is_some() { "/anyOf/0/properties" } else { "/properties" };
        if let Some(properties) = schema.pointer_mut(place).and_then(serde_json::Value::as_object_mut) {
            properties.insert("if".to_owned(), guard.to_value());
        }
        Schema::try_from(schema).unwrap_or_default()
    }
}

/// What `if` beside an action means.
const IF_OF_ACTION: &str = "Whether the action beside it is done when it is its turn; where this does not hold it is skipped, and the next one follows. It is written as the `if` of a stage. The exit code of a skipped `run` counts as 0, and a stage of which all that it would have run or typed is skipped succeeds. In `on_success` and `on_fail` it may ask for the exit code of its own stage, and no files are looked for.";
