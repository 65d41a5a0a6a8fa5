//! The page and what belongs to it, in the program itself. None of it tells anything of anybody, so a browser may keep it.

use super::routes::Panel;
use super::words::{app_words, words};
use axum::extract::{Request, State};
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use serde_json::{Map, Value, json};
use std::fmt::Write as _;
use std::sync::{Arc, LazyLock};
use tmuxagent_text::{Lang, escape};

const HTML: &str = include_str!("../../../assets/panel/panel.html");
const STYLE: &str = include_str!("../../../assets/panel/panel.css");
const SCRIPT: &str = include_str!("../../../assets/panel/panel.js");
const WORKER: &str = include_str!("../../../assets/panel/worker.js");

/// The page runs the scripts and loads the style that stand beside it, and speaks with this server alone.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; \
                      manifest-src 'self'; worker-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'";

/// A file that is the same for everybody.
pub(crate) struct File {
    pub(crate) path: &'static str,
    kind: &'static str,
    bytes: fn() -> &'static [u8],
}

/// Those beside the page.
pub(crate) const FILES: [File; 5] = [
    File { path: "/panel/panel.css", kind: "text/css; charset=utf-8", bytes: || COLOURED.as_bytes() },
    File { path: "/panel/panel.js", kind: "text/javascript; charset=utf-8", bytes: || SCRIPT.as_bytes() },
    File { path: "/panel/worker.js", kind: "text/javascript; charset=utf-8", bytes: || WORKER.as_bytes() },
    File { path: "/panel/icon.svg", kind: "image/svg+xml", bytes: || include_bytes!("../../../assets/panel/icon.svg") },
    File { path: "/panel/icon.png", kind: "image/png", bytes: || include_bytes!("../../../assets/panel/icon.png") },
];

/// The style with the colours that have no name of their own: the cube and the greys of the 256, as xterm has them.
static COLOURED: LazyLock<String> = LazyLock::new(|| {
    let mut style = STYLE.to_owned();
    for number in 16..=255_u32 {
        let [red, green, blue] = rgb(number);
        let colour = format!("#{red:02x}{green:02x}{blue:02x}");
        // Writing to a string can't fail.
        let _ = writeln!(style, ".f-{number}{{color:{colour}}}.b-{number}{{background:{colour}}}");
    }
    style
});

fn rgb(number: u32) -> [u32; 3] {
    let level = |step: u32| if step == 0 { 0 } else { 55 + 40 * step };
    match number {
        232.. => [8 + 10 * (number - 232); 3],
        _ => {
            let cube = number.saturating_sub(16);
            [level(cube / 36), level(cube / 6 % 6), level(cube % 6)]
        }
    }
}

/// One of the files.
pub(crate) fn file(file: &'static File) -> Response {
    // A worker is bound by the rule that its own file comes with.
    ([(header::CONTENT_TYPE, file.kind), (header::CONTENT_SECURITY_POLICY, POLICY)], (file.bytes)()).into_response()
}

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

/// By what a phone installs it (W3C Web Application Manifest).
pub(crate) async fn manifest(State(panel): State<Arc<Panel>>, request: Request) -> Response {
    let lang = panel.web.caller(request.headers(), request.extensions()).lang;
    let [description, approvals] = app_words(lang);
    let icon =
        |src: &str, sizes: &str, kind: &str| json!({ "src": src, "sizes": sizes, "type": kind, "purpose": "any" });
    let whole = json!({
        "id": "./", "name": "tmuxagent", "short_name": "tmuxagent", "description": description, "lang": lang.code(),
        "start_url": "./", "scope": "./", "display": "standalone", "background_color": "#121418", "theme_color": "#121418",
        "icons": [icon("icon.svg", "any", "image/svg+xml"), icon("icon.png", "192x192", "image/png")],
        "shortcuts": [{ "name": approvals, "url": "./#/approvals" }],
    });
    ([(header::CONTENT_TYPE, "application/manifest+json")], whole.to_string()).into_response()
}
