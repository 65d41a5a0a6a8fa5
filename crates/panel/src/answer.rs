//! What is answered to a request: documents without secrets, and why something was not done.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Value, json};
use tmuxagent_text::Lang;
use tmuxagent_text::plain::named;
use tmuxagent_text::redact::Redactor;

/// The version of the interface: what a document means never changes within one.
pub(crate) const VERSION: u32 = 1;

/// A document as text. Whatever a pane, a policy or a file said is without secrets, and what would show nothing or turn the
/// order of the rest is named.
#[must_use]
pub(crate) fn document(value: &impl Serialize, redactor: &Redactor) -> String {
    let mut value = serde_json::to_value(value).unwrap_or_default();
    clean(&mut value, redactor);
    own_document(value)
}

/// A document of our own words alone.
#[must_use]
pub(crate) fn own_document(mut value: Value) -> String {
    if let Value::Object(fields) = &mut value {
        fields.insert("api".to_owned(), VERSION.into());
    }
    tmuxagent_text::json(&value.to_string())
}

fn clean(value: &mut Value, redactor: &Redactor) {
    match value {
        Value::String(text) => *text = named(&redactor.redact(text)),
        Value::Array(values) => values.iter_mut().for_each(|value| clean(value, redactor)),
        // An identity is ours, and what comes back with it must be the same.
        Value::Object(fields) => {
            fields.iter_mut().filter(|(name, _)| *name != "id").for_each(|(_, value)| clean(value, redactor));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// A text of JSON as an answer.
pub(crate) fn json_text(status: StatusCode, text: String) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], text).into_response()
}

/// How a wish ended: `done`, `not_done` and certainly so, or `uncertain`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outcome {
    /// It is done, and written down.
    Done,
    /// Nothing was done.
    NotDone,
    /// Nobody can say yet.
    Uncertain,
}

/// An answer with its sentence for a person.
pub(crate) fn outcome(status: StatusCode, outcome: Outcome, text: &str, redactor: &Redactor) -> Response {
    json_text(status, document(&json!({ "outcome": outcome, "text": text }), redactor))
}

/// Why nothing was done, in our own words.
pub(crate) fn refused(status: StatusCode, lang: Lang, en: &'static str, zh: &'static str) -> Response {
    json_text(status, own_document(json!({ "outcome": Outcome::NotDone, "text": lang.pick(en, zh) })))
}
