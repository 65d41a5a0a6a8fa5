//! The JSON of a `SENTRY` message, read with tolerance for what agents write.

use serde_json::{Map, Value};
use tmuxagent_model::{AgentMessage, Malformed, MessageType, Variables};

/// The types by the names on the wire.
const TYPES: [(&str, MessageType); 5] = [
    ("STATUS", MessageType::Status),
    ("ASK", MessageType::Ask),
    ("ERROR", MessageType::Error),
    ("ACTION", MessageType::Action),
    ("LOG", MessageType::Log),
];

/// Reads one JSON object as a message.
pub(super) fn read(json: &str) -> Result<AgentMessage, Malformed> {
    let value: Value = serde_json::from_str(json).map_err(|error| Malformed::NotJson(error.to_string()))?;
    let Value::Object(fields) = value else { return Err(Malformed::NotAnObject) };
    Ok(AgentMessage {
        kind: kind(&fields)?,
        stage: text(&fields, "stage")?,
        ok: truth(&fields, "ok")?,
        summary: text(&fields, "summary")?,
        question: text(&fields, "question")?,
        options: texts(&fields, "options")?,
        detail: text(&fields, "detail")?,
        exit: code(&fields, "exit")?,
        inputs: values(&fields, "inputs")?,
    })
}

/// Whether a name is that of a type, in capitals as the protocol writes it.
pub(super) fn is_type(name: &str) -> bool {
    TYPES.iter().any(|(known, _)| *known == name)
}

fn kind(fields: &Map<String, Value>) -> Result<MessageType, Malformed> {
    let Some(Value::String(name)) = fields.get("type") else { return Err(Malformed::NoType) };
    let known = TYPES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name.trim()));
    known.map(|(_, kind)| *kind).ok_or_else(|| Malformed::UnknownType(shortened(name)))
}

/// A field that is text; numbers and truth values are taken as they are written.
fn text(fields: &Map<String, Value>, name: &str) -> Result<Option<String>, Malformed> {
    fields.get(name).map_or(Ok(None), |value| scalar(value).ok_or_else(|| Malformed::NotText(name.to_owned())))
}

/// A scalar as text: `Some(None)` for null, `None` for what is no scalar.
fn scalar(value: &Value) -> Option<Option<String>> {
    match value {
        Value::Null => Some(None),
        Value::String(text) => Some(Some(printable(text))),
        Value::Bool(_) | Value::Number(_) => Some(Some(value.to_string())),
        Value::Array(_) | Value::Object(_) => None,
    }
}

fn truth(fields: &Map<String, Value>, name: &str) -> Result<Option<bool>, Malformed> {
    match fields.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Bool(truth)) => Ok(Some(*truth)),
        Some(Value::String(text)) if text.eq_ignore_ascii_case("true") => Ok(Some(true)),
        Some(Value::String(text)) if text.eq_ignore_ascii_case("false") => Ok(Some(false)),
        Some(_) => Err(Malformed::NotTruth(name.to_owned())),
    }
}

/// A list of texts; a single text is a list of one.
fn texts(fields: &Map<String, Value>, name: &str) -> Result<Vec<String>, Malformed> {
    match fields.get(name) {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(items)) => {
            let texts: Option<Vec<_>> = items.iter().map(scalar).collect();
            texts.map(|texts| texts.into_iter().flatten().collect()).ok_or_else(|| Malformed::NotTexts(name.to_owned()))
        }
        Some(value) => {
            scalar(value).map(|text| text.into_iter().collect()).ok_or_else(|| Malformed::NotTexts(name.to_owned()))
        }
    }
}

fn code(fields: &Map<String, Value>, name: &str) -> Result<Option<i32>, Malformed> {
    match fields.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => {
            let number = scalar(value).flatten().and_then(|text| text.trim().parse().ok());
            number.map(Some).ok_or_else(|| Malformed::NotExitCode(name.to_owned()))
        }
    }
}

/// A map of values, each of one line and as it is: a value that was changed on its way would be another one.
fn values(fields: &Map<String, Value>, name: &str) -> Result<Variables, Malformed> {
    let wrong = || Malformed::NotValues(name.to_owned());
    let given = match fields.get(name) {
        None | Some(Value::Null) => return Ok(Variables::new()),
        Some(Value::Object(given)) => given,
        Some(_) => return Err(wrong()),
    };
    let one = |(name, value): (&String, &Value)| {
        let value = match value {
            Value::String(text) => text.clone(),
            Value::Bool(_) | Value::Number(_) => value.to_string(),
            Value::Null | Value::Array(_) | Value::Object(_) => return Err(wrong()),
        };
        let plain = !name.chars().chain(value.chars()).any(char::is_control);
        if plain { Ok((name.clone(), value)) } else { Err(wrong()) }
    };
    given.iter().map(one).collect()
}

/// Controls that came in by JSON's own escapes are left out; a line feed stays.
fn printable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control() || *c == '\n').collect()
}

fn shortened(text: &str) -> String {
    printable(text).chars().filter(|c| *c != '\n').take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status() -> AgentMessage {
        AgentMessage::new(MessageType::Status)
    }

    #[test]
    fn messages_are_read_with_tolerance() {
        let cases = [
            (r#"{"type":"STATUS"}"#, status()),
            (
                r#"{"type":"status","stage":"lint","ok":true,"summary":"0 problems","next":"test"}"#,
                AgentMessage {
                    stage: Some("lint".into()),
                    ok: Some(true),
                    summary: Some("0 problems".into()),
                    ..status()
                },
            ),
            (
                r#"{"type":"ASK","question":"Deploy?","options":["yes","no",3],"ok":null,"detail":null}"#,
                AgentMessage {
                    kind: MessageType::Ask,
                    question: Some("Deploy?".into()),
                    options: vec!["yes".into(), "no".into(), "3".into()],
                    ..status()
                },
            ),
            (
                r#"{"type":"STATUS","ok":"False","exit":"2"}"#,
                AgentMessage { ok: Some(false), exit: Some(2), ..status() },
            ),
            (
                r#"{"type":"LOG","stage":7,"options":"one","detail":"a\u001b[31mb"}"#,
                AgentMessage {
                    kind: MessageType::Log,
                    stage: Some("7".into()),
                    options: vec!["one".into()],
                    detail: Some("a[31mb".into()),
                    ..status()
                },
            ),
            (
                r#"{"type":"ACTION","inputs":{"branch":"fix/1","count":3,"dry":true}}"#,
                AgentMessage {
                    kind: MessageType::Action,
                    inputs: [("branch", "fix/1"), ("count", "3"), ("dry", "true")]
                        .map(|(name, value)| (name.into(), value.into()))
                        .into(),
                    ..status()
                },
            ),
        ];
        for (json, expected) in cases {
            assert_eq!(read(json), Ok(expected), "{json}");
        }
    }

    #[test]
    fn the_reason_for_a_refusal_is_short() {
        let cases = [
            ("{", "not valid JSON: EOF while parsing an object at line 1 column 1"),
            ("[]", "not a JSON object"),
            (r#"{"stage":"lint"}"#, "no `type`"),
            (r#"{"type":"DONE"}"#, "unknown type `DONE`"),
            (r#"{"type":"STATUS","ok":1}"#, "`ok` is neither true nor false"),
            (r#"{"type":"STATUS","stage":{}}"#, "`stage` is not a text"),
            (r#"{"type":"ASK","options":[[]]}"#, "`options` is not a list of texts"),
            (r#"{"type":"STATUS","exit":"x"}"#, "`exit` is not an exit code"),
            (r#"{"type":"ACTION","inputs":["a"]}"#, "`inputs` is not a map of values of one line"),
            (r#"{"type":"ACTION","inputs":{"a":{}}}"#, "`inputs` is not a map of values of one line"),
            (r#"{"type":"ACTION","inputs":{"a":"b\nc"}}"#, "`inputs` is not a map of values of one line"),
            (r#"{"type":"ACTION","inputs":{"a":"\u001b[2J"}}"#, "`inputs` is not a map of values of one line"),
        ];
        for (json, expected) in cases {
            assert_eq!(read(json).map_err(|why| why.to_string()), Err(expected.to_owned()), "{json}");
        }
    }
}
