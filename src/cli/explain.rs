//! The readable form of an explanation.

use super::{CliError, Output, Tone};
use crate::i18n::clean;
use serde_json::Value;

/// Prints values as an outline: keys with their scalars on one line, lists and maps indented below.
pub(super) fn print(out: &Output, runs: &[Value]) -> Result<(), CliError> {
    for (n, run) in runs.iter().enumerate() {
        if n > 0 {
            out.line("")?;
        }
        outline(out, run, 0)?;
    }
    Ok(())
}

fn outline(out: &Output, value: &Value, depth: usize) -> Result<(), CliError> {
    let indent = "  ".repeat(depth);
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                let key = out.paint(Tone::Dim, &clean(key));
                match scalar(value) {
                    Some(text) if text.is_empty() => {}
                    Some(text) => out.line(&format!("{indent}{key}: {text}"))?,
                    None => {
                        out.line(&format!("{indent}{key}:"))?;
                        outline(out, value, depth + 1)?;
                    }
                }
            }
            Ok(())
        }
        Value::Array(items) => {
            for item in items {
                match scalar(item) {
                    Some(text) => out.line(&format!("{indent}- {text}"))?,
                    None => {
                        out.line(&format!("{indent}-"))?;
                        outline(out, item, depth + 1)?;
                    }
                }
            }
            Ok(())
        }
        other => out.line(&format!("{indent}{}", scalar(other).unwrap_or_default())),
    }
}

/// One line for what needs no more; empty lists and maps count as nothing to say.
fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::Null => Some(String::new()),
        Value::Bool(value) => Some(value.to_string()),
        Value::Number(number) => Some(number.to_string()),
        Value::String(text) => Some(clean(text)),
        Value::Array(items) if items.is_empty() => Some(String::new()),
        Value::Object(map) if map.is_empty() => Some(String::new()),
        Value::Array(_) | Value::Object(_) => None,
    }
}
