//! The page: one document, one style, one script, in the program itself.

use super::routes::Panel;
use super::words::words;
use axum::extract::{Request, State};
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use serde_json::{Map, Value};
use std::sync::Arc;
use tmuxagent_text::{Lang, escape};

const HTML: &str = include_str!("../../../assets/panel/panel.html");
const STYLE: &str = include_str!("../../../assets/panel/panel.css");
const SCRIPT: &str = include_str!("../../../assets/panel/panel.js");

/// The page runs the one script and loads the one style that stand beside it, and speaks with this server alone.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; form-action 'none'; \
                      base-uri 'none'; frame-ancestors 'none'";

/// The page. It tells nothing of anybody: who is not signed in sees how to.
pub(crate) async fn page(State(panel): State<Arc<Panel>>, request: Request) -> Response {
    let lang = panel.web.caller(request.headers(), request.extensions()).lang;
    let headers = [(header::CONTENT_TYPE, "text/html; charset=utf-8"), (header::CONTENT_SECURITY_POLICY, POLICY)];
    (headers, html(lang)).into_response()
}

fn html(lang: Lang) -> String {
    let words: Map<String, Value> =
        words(lang).into_iter().map(|(name, text)| (name.to_owned(), text.into())).collect();
    let noscript = lang.pick("The panel needs JavaScript.", "面板需要 JavaScript。");
    HTML.replace("{{lang}}", lang.code())
        .replace("{{words}}", &escape::html(&Value::Object(words).to_string()))
        .replace("{{noscript}}", noscript)
}

/// Its style.
pub(crate) async fn style() -> Response {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], STYLE).into_response()
}

/// Its script.
pub(crate) async fn script() -> Response {
    ([(header::CONTENT_TYPE, "text/javascript; charset=utf-8")], SCRIPT).into_response()
}
