//! `POST /send`: a message of a script to people's channels, in the words of ServerChan (`title`, `desp`), which many scripts
//! know already.

use super::answer::{Outcome, document, json_text, refused};
use super::gate::{Visit, bearer};
use super::people::Role;
use super::routes::Panel;
use axum::body::Bytes;
use axum::extract::{Form, FromRequest as _, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use futures_util::future::BoxFuture;
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;
use tmuxagent_alerts::manual::Sent;
use tmuxagent_alerts::message::Form as Markup;
use tmuxagent_alerts::web::BODY;
use tmuxagent_model::Urgency;
use tmuxagent_text::Lang;

/// A message that a script sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// The first line is the title.
    pub text: String,
    /// What in it is markup.
    pub form: Markup,
    /// How pressing it is.
    pub urgency: Urgency,
    /// To these channels; where none is named, to those that such messages are routed to.
    pub channels: Vec<String>,
}

/// Takes messages to the channels of the configuration. `None`: one of the named ones is not there, or there are none at all.
pub type Post = Arc<dyn Fn(Letter) -> BoxFuture<'static, Option<Vec<Sent>>> + Send + Sync>;

/// What a request says. `text` is another name for the title, as in ServerChan's first version.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    #[serde(alias = "text")]
    title: String,
    /// The rest, Markdown as ServerChan's is.
    #[serde(default)]
    desp: String,
    /// Several are parted by commas or bars.
    #[serde(default)]
    channel: String,
    #[serde(default)]
    urgency: Pressing,
    /// Of `tmuxagent serve token`, where it does not come in a header.
    token: Option<String>,
}

#[derive(Deserialize, Default, Clone, Copy)]
#[serde(rename_all = "snake_case")]
enum Pressing {
    Low,
    #[default]
    Normal,
    High,
}

impl Asked {
    fn letter(&self) -> Option<Letter> {
        let title = self.title.trim();
        let one_line = title.split_whitespace().collect::<Vec<_>>().join(" ");
        let channels = self.channel.split([',', '|']).map(str::trim).filter(|name| !name.is_empty());
        (!title.is_empty()).then(|| Letter {
            text: format!("{one_line}\n{}", self.desp).trim_end().to_owned(),
            form: if self.desp.is_empty() { Markup::Plain } else { Markup::Markdown },
            urgency: match self.urgency {
                Pressing::Low => Urgency::Low,
                Pressing::Normal => Urgency::Normal,
                Pressing::High => Urgency::High,
            },
            channels: channels.map(str::to_owned).collect(),
        })
    }
}

/// Sends a message.
pub(crate) async fn send(State(panel): State<Arc<Panel>>, request: Request) -> Result<Response, Response> {
    let (headers, extensions) = (request.headers().clone(), request.extensions().clone());
    let lang = panel.web.caller(&headers, &extensions).lang;
    let asked = tokio::time::timeout(BODY, read(request)).await.ok().flatten().ok_or_else(|| incomplete(lang))?;
    let shown = with_token(&headers, asked.token.as_deref());
    let visit = panel.enter_to_act(Role::Decide, &shown, &extensions).await?;
    let letter = asked.letter().ok_or_else(|| incomplete(lang))?;
    let Some(sent) = (panel.post)(letter).await else {
        let (en, zh) = ("There is no such channel, or none at all.", "没有这个通道，或没有配置任何通道。");
        return Err(refused(StatusCode::NOT_FOUND, lang, en, zh));
    };
    Ok(told(&panel, &visit, &sent))
}

/// JSON, or a form as `curl -d` sends it.
async fn read(request: Request) -> Option<Asked> {
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if kind.starts_with("application/json") {
        let bytes = Bytes::from_request(request, &()).await.ok()?;
        return serde_json::from_slice(&bytes).ok();
    }
    Form::<Asked>::from_request(request, &()).await.ok().map(|Form(asked)| asked)
}

/// The headers with the token of the body, where none came in them: what the body holds no browser sends by itself.
fn with_token(headers: &HeaderMap, token: Option<&str>) -> HeaderMap {
    let mut headers = headers.clone();
    if let Some(token) = token
        && let Ok(mut value) = HeaderValue::from_str(&bearer(token))
    {
        value.set_sensitive(true);
        headers.entry(header::AUTHORIZATION).or_insert(value);
    }
    headers
}

fn incomplete(lang: Lang) -> Response {
    let (en, zh) = (
        "A message has a `title`, and may have `desp`, `channel`, `urgency` and `token`: see /api/openapi.json.",
        "消息须有 `title`，可带 `desp`、`channel`、`urgency` 和 `token`：见 /api/openapi.json。",
    );
    refused(StatusCode::BAD_REQUEST, lang, en, zh)
}

fn told(panel: &Panel, visit: &Visit, sent: &[Sent]) -> Response {
    let lang = visit.caller.lang;
    let all = !sent.is_empty() && sent.iter().all(|one| one.ok);
    let none = !sent.iter().any(|one| one.ok);
    let (status, outcome, text) = match (all, none) {
        (true, _) => (StatusCode::OK, Outcome::Done, lang.pick("Sent.", "已发送。")),
        (_, true) => (StatusCode::BAD_GATEWAY, Outcome::NotDone, lang.pick("No channel took it.", "没有通道接收。")),
        _ => (
            StatusCode::BAD_GATEWAY,
            Outcome::Uncertain,
            lang.pick("Not every channel took it.", "并非所有通道都已接收。"),
        ),
    };
    // ServerChan's scripts look at `code`.
    let whole = json!({ "outcome": outcome, "text": text, "code": u8::from(!all), "sent": sent });
    json_text(status, document(&whole, panel.web.redactor()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_one_line_and_channels_are_parted() {
        let asked: Asked =
            serde_json::from_value(json!({ "text": " build\ndone ", "desp": "**7**", "channel": "wecom, phone|" }))
                .unwrap();
        let letter = asked.letter().unwrap();
        assert_eq!((letter.text.as_str(), letter.form), ("build done\n**7**", Markup::Markdown));
        assert_eq!(letter.channels, ["wecom", "phone"]);
        let plain: Asked = serde_json::from_value(json!({ "title": "**x**", "urgency": "high" })).unwrap();
        assert_eq!(plain.letter().map(|it| (it.form, it.urgency)), Some((Markup::Plain, Urgency::High)));
        assert!(serde_json::from_value::<Asked>(json!({ "title": "x", "to": "y" })).is_err());
        let empty: Asked = serde_json::from_value(json!({ "title": "  " })).unwrap();
        assert_eq!(empty.letter(), None);
    }
}
