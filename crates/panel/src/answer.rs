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
pub(crate) fn outcome(status: StatusCode, outcome: Outcome, lang: Lang, text: &str, redactor: &Redactor) -> Response {
    json_text(status, document(&told(status, outcome, lang, text), redactor))
}

/// Why nothing was done, in our own words.
pub(crate) fn refused(status: StatusCode, lang: Lang, en: &'static str, zh: &'static str) -> Response {
    json_text(status, own_document(told(status, Outcome::NotDone, lang, lang.pick(en, zh))))
}

/// How a wish ended, and what is next where it did not end well.
pub(crate) fn told(status: StatusCode, outcome: Outcome, lang: Lang, text: &str) -> Value {
    match outcome {
        Outcome::Done => json!({ "outcome": outcome, "text": text }),
        Outcome::NotDone | Outcome::Uncertain => {
            json!({ "outcome": outcome, "text": text, "hint": hint(status, outcome, lang) })
        }
    }
}

/// What whoever asked can do about it.
fn hint(status: StatusCode, outcome: Outcome, lang: Lang) -> &'static str {
    if matches!(outcome, Outcome::Uncertain) {
        return lang.pick(
            "GET /api/approvals and /api/overview tell what became of it.",
            "GET /api/approvals 和 /api/overview 会显示结果。",
        );
    }
    match status {
        StatusCode::BAD_REQUEST => lang.pick(
            "A decision is {\"revision\": N, \"verdict\": \"approve\" or \"reject\"}, with `answer` or `option` where GET /api/approvals \
             names `options`; /api/openapi.json describes all of it.",
            "决定写作 {\"revision\": N, \"verdict\": \"approve\" 或 \"reject\"}；GET /api/approvals 列出 `options` 时再加 `answer` 或 \
             `option`；详见 /api/openapi.json。",
        ),
        StatusCode::UNAUTHORIZED => lang.pick(
            "A browser signs in by the link of `tmuxagent serve invite NAME --role decide`; a script sends `Authorization: Bearer \
             TOKEN` with the token of `tmuxagent serve token NAME --role decide`.",
            "浏览器用 `tmuxagent serve invite NAME --role decide` 的链接登录；脚本用 `tmuxagent serve token NAME --role decide` 的令牌发送 \
             `Authorization: Bearer TOKEN`。",
        ),
        StatusCode::FORBIDDEN => lang.pick(
            "GET /api/session tells your name, your role, whether a PIN is sent with it, and the `csrf` that a browser sends as \
             X-CSRF-Token.",
            "GET /api/session 会说明您的姓名、角色、是否需要 PIN，以及浏览器须作为 X-CSRF-Token 发送的 `csrf`。",
        ),
        StatusCode::NOT_FOUND => lang.pick(
            "GET /api/approvals, /api/pipelines and /api/panes list what there is.",
            "GET /api/approvals、/api/pipelines 和 /api/panes 列出现有的各项。",
        ),
        StatusCode::CONFLICT => {
            lang.pick(
            "GET /api/approvals and /api/pipelines show how it stands now; `inputs` of a pipeline says what it takes.",
            "GET /api/approvals 和 /api/pipelines 显示现在的状态；流水线的 `inputs` 说明它接受什么。",
        )
        }
        StatusCode::UNSUPPORTED_MEDIA_TYPE => {
            lang.pick("Send `Content-Type: application/json`.", "请发送 `Content-Type: application/json`。")
        }
        StatusCode::UNPROCESSABLE_ENTITY => lang.pick(
            "GET /api/approvals tells what it takes: `confirm`, `takes_text`, `options`.",
            "GET /api/approvals 说明它接受什么：`confirm`、`takes_text`、`options`。",
        ),
        StatusCode::INTERNAL_SERVER_ERROR => {
            lang.pick("`tmuxagent doctor` looks for the cause.", "`tmuxagent doctor` 会查找原因。")
        }
        _ => lang.pick("Send it again in a minute.", "请一分钟后再发送。"),
    }
}
