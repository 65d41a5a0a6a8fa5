//! The JSON schema of policy files, for completion in editors; made from the raw types.

use super::raw::RawPolicy;
use schemars::{Schema, generate::SchemaSettings};
use serde_json::{Map, Value, json};

/// The schema (JSON Schema, draft 2020-12).
#[must_use]
pub fn schema() -> Value {
    let mut schema = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<RawPolicy>();
    schema.insert("title".to_owned(), "tmuxagent policy".into());
    schema.to_value()
}

/// Adds a property with its description.
pub(super) fn property(properties: &mut Map<String, Value>, key: &str, doc: &str, mut schema: Schema) {
    // A reference with a description beside it is valid since draft 2019-09.
    schema.insert("description".to_owned(), doc.trim().into());
    properties.insert(key.to_owned(), schema.to_value());
}

/// A map with these keys and no others but `x-…`.
pub(super) fn object(doc: &str, properties: Map<String, Value>, required: &[&str]) -> Schema {
    let mut schema = map(doc, properties);
    if !required.is_empty() {
        schema.insert("required".to_owned(), json!(required));
    }
    schema.insert("patternProperties".to_owned(), json!({ "^x-": true }));
    schema
}

/// A map with at least one of these keys, one of the words, or a list of the same.
pub(super) fn choice(doc: &str, properties: Map<String, Value>, words: &[&str], list_of: Option<&str>) -> Schema {
    let mut properties = properties;
    if properties.contains_key("seen") {
        let words = "`seen`: the condition counts as soon as it holds, also while the command of the stage still runs.";
        properties.insert("when".to_owned(), json!({ "const": "seen", "description": words }));
    }
    let mut one = map(doc, properties);
    one.insert("minProperties".to_owned(), json!(1));
    if words.is_empty() && list_of.is_none() {
        return one;
    }
    let mut forms = vec![one.to_value()];
    if !words.is_empty() {
        forms.push(json!({ "enum": words }));
    }
    if let Some(name) = list_of {
        forms.push(json!({ "type": "array", "items": { "$ref": format!("#/$defs/{name}") } }));
    }
    let mut schema = Schema::default();
    schema.insert("anyOf".to_owned(), Value::Array(forms));
    schema
}

fn map(doc: &str, properties: Map<String, Value>) -> Schema {
    let mut schema = Schema::default();
    schema.insert("type".to_owned(), json!("object"));
    schema.insert("description".to_owned(), doc.trim().into());
    schema.insert("properties".to_owned(), Value::Object(properties));
    schema.insert("additionalProperties".to_owned(), json!(false));
    schema
}

/// The name in the schema of a raw type: without its `Raw`.
pub(super) const fn name_of(raw: &'static str) -> &'static str {
    match raw.split_at_checked(3) {
        Some((_, name)) => name,
        None => raw,
    }
}
