//! Everything that is stored goes through here: texts in the JSON of the model's types lose their secrets, identities and
//! words of the format stay.
//!
//! Which fields are identities is written down below; every other text is taken for one of a pane, also in fields that
//! come to be later. What would be typed or run is marked as lost, so that it is never performed after a restart.

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
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
    let texts = Texts::of(text)?;
    if !redact.suspects(&texts.all) && !texts.may_go_on {
        return None;
    }
    let mut value: Value = serde_json::from_str(text).ok()?;
    let walk = Walk { redact, mark: SecretMark::Shown, of_map: false, printed: false, chosen: false };
    if walk.value("", &mut value) { serde_json::to_string(&value).ok() } else { None }
}

/// Words of people without secrets.
pub(super) fn words(text: &str, redaction: &Redaction) -> String {
    redaction.means().and_then(|redact| redact.words(text, SecretMark::Shown)).unwrap_or_else(|| text.to_owned())
}

/// All texts of a JSON, to be looked through at once. Every row goes through here and few hold a secret, so no tree is made.
#[derive(Default)]
struct Texts {
    /// One below the other.
    all: String,
    /// It holds rows of a screen, in which a secret may be broken in two.
    may_go_on: bool,
}

impl Texts {
    /// `None` where that is no JSON.
    fn of(json: &str) -> Option<Self> {
        let mut texts = Self::default();
        let mut reader = serde_json::Deserializer::from_str(json);
        Gather { into: &mut texts, of_map: false, whole: true }.deserialize(&mut reader).ok()?;
        reader.end().ok().map(|()| texts)
    }

    fn add(&mut self, text: &str) {
        self.all.push_str(text);
        self.all.push('\n');
    }
}

/// Gathers what stands in a part of a JSON.
struct Gather<'t> {
    into: &'t mut Texts,
    of_map: bool,
    /// It is no part but all.
    whole: bool,
}

impl<'de> DeserializeSeed<'de> for Gather<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Gather<'_> {
    type Value = ();

    fn expecting(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        self.into.add(text);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while items.next_element_seed(Gather { into: self.into, of_map: self.of_map, whole: false })?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        let Self { into, of_map, whole } = self;
        while let Some(names) = entries.next_key_seed(Name { into, of_map, whole })? {
            entries.next_value_seed(Gather { into, of_map: of_map || names, whole: false })?;
        }
        Ok(())
    }
}

/// Gathers a name, where it is a text; says whether what stands under it is a map from such names.
struct Name<'t> {
    into: &'t mut Texts,
    of_map: bool,
    whole: bool,
}

impl<'de> DeserializeSeed<'de> for Name<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<bool, D::Error> {
        json.deserialize_str(self)
    }
}

impl Visitor<'_> for Name<'_> {
    type Value = bool;

    fn expecting(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("a name")
    }

    fn visit_str<E>(self, name: &str) -> Result<bool, E> {
        self.into.may_go_on |= self.whole && name == SCREEN;
        if self.of_map {
            self.into.add(name);
        }
        Ok(MAPS.contains(&name))
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(json: &str) -> Option<(String, bool)> {
        Texts::of(json).map(|texts| (texts.all, texts.may_go_on))
    }

    #[test]
    fn every_text_of_a_json_is_gathered() {
        let json = r#"{"a": "one \"1\"", "n": [1, -2, 0.5, null, true, ["two", {"b": "th\u0072ee"}]], "screen": []}"#;
        assert_eq!(texts(json), Some(("one \"1\"\ntwo\nthree\n".to_owned(), true)));
        let named = r#"{"in": {"screen": "x", "variables": {"key": {"deep": "y"}}}, "z": {"name": 1}}"#;
        assert_eq!(texts(named), Some(("x\nkey\ndeep\ny\n".to_owned(), false)));
        assert_eq!(texts("\"alone\""), Some(("alone\n".to_owned(), false)));
        for broken in ["", "{", "{\"a\": \"b\"} c", "{\"a\" \"b\"}"] {
            assert_eq!(texts(broken), None, "{broken}");
        }
    }
}
