//! Any JSON as names and values, indented.

use super::Page;
use ratatui::style::Style;
use serde_json::Value;
use tmuxagent_model::Timestamp;
use tmuxagent_text::{clean, clock_seconds};

/// The deepest nesting shown.
const MAX_DEPTH: usize = 12;

pub(super) fn put(page: &mut Page<'_>, values: &[Value]) {
    for value in values {
        put_value(page, value, 0);
    }
}

fn put_value(page: &mut Page<'_>, value: &Value, depth: usize) {
    if depth > MAX_DEPTH {
        return;
    }
    match value {
        Value::Object(fields) => {
            for (key, value) in fields.iter().filter(|(_, value)| !is_empty(value)) {
                let name = clean(key).replace('_', " ");
                match value {
                    Value::Object(_) | Value::Array(_) => {
                        page.put(depth, None, &format!("{name}:"), page.model.theme().strong());
                        put_value(page, value, depth + 1);
                    }
                    plain => {
                        let text = instant(page, key, plain).unwrap_or_else(|| scalar(plain));
                        page.put(depth, None, &format!("{name}: {text}"), Style::new());
                    }
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| put_value(page, item, depth)),
        plain => page.put(depth, None, &scalar(plain), Style::new()),
    }
}

/// An instant as a time of day, where the field's name says that it is one.
fn instant(page: &Page<'_>, key: &str, value: &Value) -> Option<String> {
    let named = key == "at" || key.ends_with("_at") || key == "since";
    let millis = value.as_i64().filter(|&n| named && n > 1_000_000_000)?;
    Some(clock_seconds(&page.model.setup.zone, Timestamp(millis)))
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

fn scalar(value: &Value) -> String {
    match value {
        Value::String(text) => clean(text),
        other => clean(&other.to_string()),
    }
}
