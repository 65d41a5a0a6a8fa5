//! A webhook of the user's own.

use super::kinds::{HTTP, Kind, Part};
use crate::channel::webhook::Success;
use crate::markup::Markup;
use tmuxagent_config::Secret;
use tmuxagent_model::Millis;
use tmuxagent_yaml::{Fields, Node};

/// A webhook of the user's own.
#[expect(missing_docs, reason = "the fields are named by the keys of the configuration")]
#[derive(Debug, Clone, PartialEq)]
pub struct WebhookConfig {
    pub url: Secret,
    pub method: String,
    pub headers: Vec<(String, Secret)>,
    pub body: BodyConfig,
    pub markup: Markup,
    pub limit: usize,
    pub success: Option<Success>,
    pub spacing: Millis,
}

/// A webhook's body.
#[derive(Debug, Clone, PartialEq)]
pub enum BodyConfig {
    /// A text with placeholders.
    Text(String),
    /// JSON with placeholders in its texts.
    Json(serde_json::Value),
}

/// Reads a webhook; `None` when something is wrong, which was noted.
pub(super) fn read(part: &Part<'_, '_, '_>) -> Option<Kind> {
    let fields = part.fields;
    let methods = [("POST", "POST"), ("PUT", "PUT"), ("GET", "GET"), ("PATCH", "PATCH")];
    let markups = [
        ("raw", Markup::Raw),
        ("plain", Markup::Plain),
        ("markdown", Markup::Markdown),
        ("wecom", Markup::Wecom),
        ("telegram", Markup::Telegram),
        ("slack", Markup::Slack),
    ];
    let mut headers = Vec::new();
    if let Some(map) = fields.map("headers") {
        for (key, node) in map.entries() {
            let path = map.path(&key.text);
            if reqwest::header::HeaderName::from_bytes(key.text.as_bytes()).is_err() {
                fields.reader().error("bad-name", key.at, format!("`{}` is no name of a header", key.text));
            } else if let Some(value) = fields.reader().text(node, &path) {
                if CREDENTIALS.iter().any(|known| known.eq_ignore_ascii_case(&key.text)) && !value.is_ascii() {
                    let help = "a title or a tag may have other letters, which are encoded; a credential can't";
                    fields.reader().error_with("bad-value", node.at, format!("`{path}` must be ASCII"), help);
                }
                headers.push((key.text.clone(), Secret::new(value)));
            }
        }
    }
    let success = fields.map("success").and_then(|map| {
        let read = success(part, &map);
        map.finish();
        read
    });
    let default = serde_json::json!({"title": "{{title}}", "text": "{{text}}", "link": "{{link}}"});
    let body = match fields.get("body") {
        None => BodyConfig::Json(default),
        Some(node) => match node.as_text() {
            Some(text) => serde_json::from_str(text)
                .ok()
                .filter(|value: &serde_json::Value| value.is_object() || value.is_array())
                .map_or_else(|| BodyConfig::Text(text.to_owned()), BodyConfig::Json),
            None => BodyConfig::Json(node.to_json()),
        },
    };
    let method = fields.word("method", &methods).unwrap_or("POST").to_owned();
    let markup = fields.word("markup", &markups).unwrap_or(Markup::Plain);
    let limit = fields.number("limit", 100..=1_000_000).and_then(|n| usize::try_from(n).ok()).unwrap_or(4000);
    let spacing = fields.duration("spacing").unwrap_or(Millis(1000));
    let url = Secret::new(part.url("url", HTTP, &[])?);
    Some(Kind::Webhook(Box::new(WebhookConfig { url, method, headers, body, markup, limit, success, spacing })))
}

/// Headers whose values nobody decodes.
const CREDENTIALS: &[&str] = &["authorization", "proxy-authorization", "cookie"];
const POINTER: &str = "for example `success: {pointer: /code, equals: 0}`";

/// `success: {status: …, pointer: …, equals: …, text: …}`; at least one of them.
fn success(part: &Part<'_, '_, '_>, map: &Fields<'_, '_>) -> Option<Success> {
    let reader = part.fields.reader();
    let status = map.get("status").map(|node| {
        let numbers = reader.list(node).iter().filter_map(|item| reader.number(item, &map.path("status"), 100..=599));
        numbers.filter_map(|number| u16::try_from(number).ok()).collect::<Vec<_>>()
    });
    let pointer = map.text("pointer").map(str::to_owned);
    let equals = map.get("equals").map(Node::to_json);
    let text = map.text("text").map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
    let wrong = |text: &str, help: &str| {
        reader.error_with("bad-value", part.place("success"), text.to_owned(), help);
        None
    };
    let value = match (pointer, equals) {
        (Some(pointer), Some(value)) if pointer.is_empty() || pointer.starts_with('/') => Some((pointer, value)),
        (Some(_), Some(_)) => {
            return wrong("`success.pointer` must be a pointer such as `/code`", POINTER);
        }
        (None, None) => None,
        (Some(_), None) | (None, Some(_)) => {
            return wrong("`success.pointer` and `success.equals` belong together", POINTER);
        }
    };
    if status.is_none() && value.is_none() && text.is_none() {
        let help = "one or more of `{pointer: /ok, equals: true}`, `{text: ok}`, `{status: 204}`; all must hold";
        return wrong("`success` says nothing", help);
    }
    Some(Success { status: status.unwrap_or_default(), value, text })
}
