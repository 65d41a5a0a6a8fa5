//! Answers that say no in words that many services share, for a service of which no table exists. Pure.

use serde_json::Value;

/// Names whose value says by its truth whether it went well.
const GOOD: [&str; 5] = ["ok", "success", "succeeded", "successful", "delivered"];
/// Names whose value is there only where it went wrong.
const BAD: [&str; 7] = ["error", "errors", "exception", "fault", "failure", "failed", "failures"];
/// Names of a code that is 0 where it went well.
const CODES: [&str; 6] = ["errcode", "errno", "error_code", "errorcode", "err_code", "err"];
/// Names whose value says in a word how it went; of HTTP's numbers 400 and more are failures.
const STATES: [&str; 8] = ["status", "state", "result", "outcome", "statuscode", "status_code", "code", "type"];
/// Words of failure, alone or at the beginning of a text.
const WORDS: [&str; 17] = [
    "error",
    "err",
    "fail",
    "failed",
    "failure",
    "ko",
    "nok",
    "unauthorized",
    "forbidden",
    "denied",
    "invalid",
    "rejected",
    "fatal",
    "exception",
    "失败",
    "错误",
    "拒绝",
];

/// Whether the body of an answer says that nothing came of it.
pub(super) fn says_no(text: &str, json: &Value) -> bool {
    match json {
        Value::Object(_) | Value::Array(_) => object_says_no(json, 3),
        Value::Bool(true) => false,
        Value::Bool(false) => true,
        Value::String(text) => word_says_no(text),
        Value::Null | Value::Number(_) => word_says_no(text),
    }
}

/// Looks at an object and at what it holds: some services wrap their answer.
fn object_says_no(json: &Value, deep: u8) -> bool {
    if deep == 0 {
        return false;
    }
    match json {
        Value::Object(map) => map.iter().any(|(name, value)| {
            let name = name.to_ascii_lowercase();
            let name = name.as_str();
            GOOD.contains(&name) && is_false(value)
                || BAD.contains(&name) && is_something(value)
                || CODES.contains(&name) && is_something(value)
                || STATES.contains(&name) && state_says_no(value)
                || value.is_object() && object_says_no(value, deep - 1)
        }),
        Value::Array(items) => items.iter().take(16).any(|item| item.is_object() && object_says_no(item, deep - 1)),
        _ => false,
    }
}

fn is_false(value: &Value) -> bool {
    match value {
        Value::Bool(value) => !value,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => {
            matches!(text.trim().to_ascii_lowercase().as_str(), "false" | "no" | "0") || word_says_no(text)
        }
        Value::Null | Value::Array(_) | Value::Object(_) => false,
    }
}

/// Whether a name of failure has a value that is one: `null`, `false`, `0`, `""`, `"none"` and nothing inside are none.
fn is_something(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(value) => *value,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => {
            let text = text.trim().to_ascii_lowercase();
            !matches!(text.as_str(), "" | "0" | "ok" | "none" | "null" | "false" | "no" | "success")
        }
        Value::Array(items) => !items.is_empty(),
        Value::Object(map) => !map.is_empty(),
    }
}

fn state_says_no(value: &Value) -> bool {
    match value {
        Value::Bool(value) => !value,
        // HTTP's own numbers, and those that begin with one of them (40001); others have no meaning of their own.
        Value::Number(number) => number.as_i64().is_some_and(number_says_no),
        Value::String(text) => text.trim().parse().is_ok_and(number_says_no) || word_says_no(text),
        Value::Null | Value::Array(_) | Value::Object(_) => false,
    }
}

fn number_says_no(number: i64) -> bool {
    number < 0 || matches!(number, 400..=599 | 40_000..=59_999 | 400_000..=599_999)
}

/// Whether a text begins with a word of failure.
fn word_says_no(text: &str) -> bool {
    let text = text.trim_start_matches(|c: char| !c.is_alphanumeric());
    let first: String = text.chars().take_while(|c| c.is_ascii_alphanumeric()).collect();
    if first.is_empty() {
        return WORDS.iter().any(|word| !word.is_ascii() && text.starts_with(word));
    }
    WORDS.contains(&first.to_ascii_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_no_is_known_in_the_words_that_services_share() {
        for body in [
            r#"{"error":"no such hook"}"#,
            r#"{"error":{"code":7}}"#,
            r#"{"Error":true}"#,
            r#"{"errors":[{"message":"bad"}]}"#,
            r#"{"ok":false}"#,
            r#"{"ok":0}"#,
            r#"{"success":"false"}"#,
            r#"{"success":false,"id":7}"#,
            r#"{"status":"error"}"#,
            r#"{"status":"Failed"}"#,
            r#"{"status":401,"title":"Unauthorized"}"#,
            r#"{"code":40001,"msg":"x"}"#,
            r#"{"code":"500"}"#,
            r#"{"code":-1}"#,
            r#"{"result":"fail"}"#,
            r#"{"errcode":40001}"#,
            r#"{"errcode":"40001"}"#,
            r#"{"errno":1024,"errmsg":"x"}"#,
            r#"{"data":{"ok":false}}"#,
            r#"{"response":{"result":{"status":"error"}}}"#,
            r#"[{"error":"x"}]"#,
            "false",
            "\"error\"",
            "error: not OK",
            "ERROR 12",
            "<error>no</error>",
            "Unauthorized",
            "[failed] later",
            "失败：令牌无效",
        ] {
            assert!(says_no(body, &serde_json::from_str(body).unwrap_or_default()), "{body}");
        }
    }

    #[test]
    fn what_says_no_such_thing_is_none() {
        for body in [
            "",
            "ok",
            "1",
            "0",
            "queued",
            "true",
            "{}",
            "[]",
            r#"{"id":7}"#,
            r#"{"ok":true,"error":null}"#,
            r#"{"ok":true,"error":""}"#,
            r#"{"errcode":0,"errmsg":"ok"}"#,
            r#"{"errors":[],"failed":0}"#,
            r#"{"status":"success","code":200}"#,
            r#"{"code":0,"message":"success"}"#,
            r#"{"code":20000}"#,
            r#"{"status":1,"request":"647d2300-702c-4b38-8b2f-d56326ae460b"}"#,
            r#"{"error":"none"}"#,
            r#"{"message":"error is the title of what was sent"}"#,
            "errors: 0",
            "已发送",
            "<response>ok</response>",
        ] {
            assert!(!says_no(body, &serde_json::from_str(body).unwrap_or_default()), "{body}");
        }
    }
}
