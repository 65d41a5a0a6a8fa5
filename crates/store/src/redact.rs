//! Everything that is stored goes through here: texts in the JSON of the model's types lose their secrets, identities and
//! words of the format stay.
//!
//! Which fields are identities is written down below; every other text is taken for one of a pane, also in fields that
//! come to be later. What would be typed or run is marked as lost, so that it is never performed after a restart.

use serde_json::{Map, Value};
use tmuxagent_model::{AgentMessage, Carry, Redact, Redaction, SecretMark};

/// Fields that name something, or choose among words of the format. Their values are compared, never read by people.
const IDENTITIES: &[&str] = &[
    "agent",
    "approval",
    "attempt",
    "channel",
    "channels",
    "control",
    "do",
    "effect",
    "event",
    "for",
    "hash",
    "host",
    "id",
    "intent",
    "is",
    "kind",
    "lock",
    "locks",
    "name",
    "note",
    "on_approve",
    "on_expiry",
    "origin",
    "outcome",
    "pane",
    "pipeline",
    "pipelines",
    "policy",
    "poll",
    "reason",
    "role",
    "run",
    "server",
    "session_id",
    "severity",
    "shape",
    "shell",
    "source",
    "stage",
    "state",
    "token",
    "tracked",
    "type",
    "urgency",
    "via",
    "waiting",
    "window_id",
];

/// Within these, words of panes stand also in fields that are identities elsewhere: `stage` is what a program printed.
const PRINTED: &[&str] = &["message"];

/// Within these every name is anyone's to choose: sessions, windows, titles, programs.
const CHOSEN: &[&str] = &["facts", "front"];

/// Fields of which nothing is a text: identities as a whole.
const WHOLE: &[&str] = &["key"];

/// Fields whose texts would be typed, run or filled into what is.
const ACTS: &[&str] = &["again", "answer", "effect", "inputs", "options", "plan", "variables"];

/// Maps from names that people or programs choose to values: no name in them says what its value is, and a name is a text
/// like any other.
const MAPS: &[&str] = &["inputs", "variables"];

/// A message that a program printed, as it is stored.
pub(super) fn message(message: &AgentMessage, redaction: &Redaction) -> Option<AgentMessage> {
    let redact = redaction.means()?;
    let mut value = serde_json::to_value(message).ok()?;
    let walk = Walk { redact, mark: SecretMark::Shown, of_map: false, printed: true, chosen: false };
    if walk.value("", &mut value) { serde_json::from_value(value).ok() } else { None }
}

/// The JSON of a value as it is stored.
pub(super) fn json<T: serde::Serialize>(value: &T, redaction: &Redaction) -> rusqlite::Result<String> {
    let failed = |error| rusqlite::Error::ToSqlConversionFailure(Box::new(error));
    let text = serde_json::to_string(value).map_err(failed)?;
    Ok(body(&text, redaction).unwrap_or(text))
}

/// A text of JSON without secrets; `None` where it holds none, or is not JSON.
pub(super) fn body(text: &str, redaction: &Redaction) -> Option<String> {
    let redact = redaction.means()?;
    let mut value: Value = serde_json::from_str(text).ok()?;
    let mut texts = String::new();
    gather(&value, false, &mut texts);
    if !redact.suspects(&texts) && !may_go_on(&value) {
        return None;
    }
    let walk = Walk { redact, mark: SecretMark::Shown, of_map: false, printed: false, chosen: false };
    if walk.value("", &mut value) { serde_json::to_string(&value).ok() } else { None }
}

/// Words of people without secrets.
pub(super) fn words(text: &str, redaction: &Redaction) -> String {
    redaction.means().and_then(|redact| redact.words(text, SecretMark::Shown)).unwrap_or_else(|| text.to_owned())
}

/// All texts of a value, to be looked through at once.
fn gather(value: &Value, of_map: bool, out: &mut String) {
    let mut add = |text: &str| {
        out.push_str(text);
        out.push('\n');
    };
    match value {
        Value::String(text) => add(text),
        Value::Array(items) => items.iter().for_each(|item| gather(item, of_map, out)),
        Value::Object(entries) => {
            if of_map {
                entries.keys().for_each(|name| add(name));
            }
            for (name, value) in entries {
                gather(value, of_map || MAPS.contains(&name.as_str()), out);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Whether it holds rows of a screen, in which a secret may be broken in two.
fn may_go_on(value: &Value) -> bool {
    value.get(SCREEN).is_some()
}

const SCREEN: &str = "screen";

#[derive(Clone, Copy)]
struct Walk<'r> {
    redact: &'r dyn Redact,
    mark: SecretMark,
    /// Within a map whose fields are named by people.
    of_map: bool,
    /// Within what a program printed about itself.
    printed: bool,
    /// Within names that are anyone's to choose.
    chosen: bool,
}

impl Walk<'_> {
    /// Redacts a field's value; says whether it changed.
    fn value(self, field: &str, value: &mut Value) -> bool {
        match value {
            Value::String(text) if self.is_identity(field, text) => false,
            Value::String(text) => match self.redact.words(text, self.mark) {
                Some(words) => {
                    *text = words;
                    true
                }
                None => false,
            },
            Value::Array(items) if items.iter().all(Value::is_string) => self.rows(field, items),
            Value::Array(items) => items.iter_mut().fold(false, |changed, item| self.value(field, item) | changed),
            Value::Object(entries) => {
                let renamed = self.of_map && self.names(entries);
                let told = self.printed || entries.get("note").is_some_and(|note| note == "agent_said");
                entries.iter_mut().fold(renamed, |changed, (name, value)| {
                    if !self.of_map && WHOLE.contains(&name.as_str()) {
                        return changed;
                    }
                    // What a question shows is a list of keys; what is done is an effect.
                    let shown = name == "effect" && value.is_array();
                    let acts = !self.of_map && !shown && ACTS.contains(&name.as_str());
                    let mark = if acts { SecretMark::Lost } else { self.mark };
                    let of_map = self.of_map || MAPS.contains(&name.as_str());
                    let printed = told || PRINTED.contains(&name.as_str());
                    let chosen = self.chosen || CHOSEN.contains(&name.as_str()) && value.is_object();
                    Walk { mark, of_map, printed, chosen, ..self }.value(name, value) | changed
                })
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => false,
        }
    }

    /// Redacts names that were chosen; of two that become the same one is kept.
    fn names(self, entries: &mut Map<String, Value>) -> bool {
        let words = |name: &String| Some((name.clone(), self.redact.words(name, self.mark)?));
        let found: Vec<(String, String)> = entries.keys().filter_map(words).collect();
        for (name, words) in &found {
            if let Some(value) = entries.remove(name) {
                entries.insert(words.clone(), value);
            }
        }
        !found.is_empty()
    }

    /// Texts that stand one below the other.
    fn rows(self, field: &str, items: &mut [Value]) -> bool {
        if IDENTITIES.contains(&field) && !self.of_map {
            return false;
        }
        let rows: Vec<&str> = items.iter().filter_map(Value::as_str).collect();
        let found = self.redact.rows(&rows, &mut Carry::default(), field == SCREEN, self.mark);
        let changed = found.iter().any(Option::is_some);
        for (item, found) in items.iter_mut().zip(found) {
            if let Some(words) = found {
                *item = Value::String(words);
            }
        }
        changed
    }

    fn is_identity(self, field: &str, text: &str) -> bool {
        // A wish's kind and a program's name share this field with command lines.
        let word = || field == "command" && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        let of_a_program = self.printed && field == "stage";
        !self.of_map && !self.chosen && !of_a_program && (IDENTITIES.contains(&field) || word())
    }
}
