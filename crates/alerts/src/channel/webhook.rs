//! `webhook`: any service that takes a request: method, address, headers, a body with placeholders, and a test of the
//! answer. `ntfy`, `slack`, `feishu`, `dingtalk` and `bark` are built on it.

use super::answer::{BASE, Both, Row, Table, Then, When, by_status};
use super::{Channel, Receipt, SendError, http_header};
use crate::http::{Answer, call};
use crate::markup::Markup;
use crate::message::Message;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::future::BoxFuture;
use hmac::{Hmac, KeyInit, Mac};
use reqwest::{Client, Method};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use sha2::Sha256;
use tmuxagent_clock as clock;
use tmuxagent_model::{Millis, Urgency};
use tmuxagent_text::Lang;

/// What a request looks like and how its answer is judged.
pub struct Spec {
    /// The kind's name in the log.
    pub kind: &'static str,
    /// The method; usually POST.
    pub method: Method,
    /// The address; often a secret itself.
    pub url: SecretString,
    /// Headers with their values.
    pub headers: Vec<(String, SecretString)>,
    /// What is sent, with placeholders for the message.
    pub body: Body,
    /// The markup that texts in the body are written in.
    pub markup: Markup,
    /// The most bytes of `{{text}}` and `{{body}}`.
    pub limit: usize,
    /// What the service answers.
    pub answers: &'static Table,
    /// What the user says that success looks like; it counts in place of `answers`.
    pub success: Option<Success>,
    /// How the request is signed.
    pub sign: Option<Sign>,
    /// The least time between two messages.
    pub spacing: Millis,
}

/// The body of a request.
pub enum Body {
    /// JSON; placeholders in its texts are filled.
    Json(Value),
    /// Plain text; placeholders are filled.
    Text(String),
    /// Made by a preset.
    Made(Box<dyn Fn(&Message) -> Value + Send + Sync>),
}

/// What the user says that an answer looks like when his service took the message; all that is said must hold.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Success {
    /// The HTTP statuses; every 2xx when empty.
    pub status: Vec<u16>,
    /// RFC 6901 pointer into the JSON answer, and the value expected there.
    pub value: Option<(String, Value)>,
    /// What the body begins with, blanks apart.
    pub text: Option<String>,
}

/// What a service of the user's own answers, where he does not say what success is: any 2xx counts, with an empty body or
/// any text, since most small receivers (Discord, Teams, n8n, a script) answer with nothing or a word of their own, and only
/// he knows which. What counts for nobody: a web page, which is what login pages and proxies answer, what can't be read, and
/// what says no in words that many services share.
pub static OWN: Table = Table {
    code: &["/errcode"],
    words: &["/errmsg", "/error", "/message", "/msg"],
    rows: &[OWN_ROWS],
    // It may be the service's own answer, so it is not sent again and again.
    page: Then::Never {
        fix: Both(
            "a login page (hotspot, VPN, single sign-on) or a proxy may stand in between, or the address is wrong; when the \
             page is the service's own yes, say so: `success: {status: 200}`",
            "中间可能有登录页（热点、VPN、单点登录）或代理，也可能是地址有误；若网页就是该服务的成功应答，请写明 `success: \
             {status: 200}`",
        ),
    },
    otherwise: Then::Delivered,
    ..BASE
};

const OWN_ROWS: &[Row] = &[
    When::SaysNo.never(
        "the answer says no; see its words, or say with `success:` what a yes looks like",
        "应答表示失败；请看其说明，或用 `success:` 写明成功的应答",
    ),
    When::Code(0).delivered(),
];

impl Success {
    /// Whether an answer is the success that the user described.
    ///
    /// # Errors
    /// What is not as described.
    pub fn check(&self, answer: &Answer, lang: Lang) -> Result<(), SendError> {
        let missing = |what: String| {
            let fix = lang.pick("check the channel's `success` and the service", "请检查该通道的 `success` 与该服务");
            Err(SendError::refused(format!("{}: {what}", answer.sentence()), fix))
        };
        if !self.status.is_empty() && !self.status.contains(&answer.status) && answer.is_good() {
            return missing(
                lang.pick("the status is none of `success.status`", "状态码不在 `success.status` 中").to_owned(),
            );
        }
        if !self.status.contains(&answer.status) && !answer.is_good() {
            return Err(by_status(answer, lang));
        }
        let json = answer.json();
        let value = self.value.as_ref().is_none_or(|(pointer, value)| json.pointer(pointer) == Some(value));
        let text = self.text.as_ref().is_none_or(|text| answer.text.trim().starts_with(text.trim()));
        if value && text {
            return Ok(());
        }
        if answer.is_web_page() {
            return OWN.check(answer, lang).and_then(|()| missing(String::new()));
        }
        match (&self.value, &self.text) {
            (Some((pointer, value)), _) if json.pointer(pointer) != Some(value) => {
                let is_not = lang.pick("is not", "不是");
                missing(format!("{pointer} {is_not} {value}"))
            }
            (_, text) => {
                let begin = lang.pick("it does not begin with", "开头不是");
                missing(format!("{begin} `{}`", text.as_deref().unwrap_or_default()))
            }
        }
    }
}

/// Signatures that services ask for.
pub enum Sign {
    /// DingTalk: `timestamp` (milliseconds) and `sign` in the query.
    Dingtalk(SecretString),
    /// Feishu: `timestamp` (seconds) and `sign` in the body.
    Feishu(SecretString),
}

/// A preset: JSON that is made from the message, posted to `url`.
pub(super) fn post(
    kind: &'static str,
    answers: &'static Table,
    url: String,
    body: impl Fn(&Message) -> Value + Send + Sync + 'static,
) -> Spec {
    Spec {
        kind,
        method: Method::POST,
        url: SecretString::from(url),
        headers: Vec::new(),
        body: Body::Made(Box::new(body)),
        markup: Markup::Plain,
        limit: 4000,
        answers,
        success: None,
        sign: None,
        spacing: Millis(0),
    }
}

/// The page that decides what a message asks, where there is one.
pub(super) fn link_of(message: &Message) -> Option<&str> {
    message.ask.as_ref()?.link.as_deref()
}

/// The error for a header that can't be sent; its value may be a secret.
fn no_header(name: &str, lang: Lang) -> SendError {
    let what = format!("{} `{name}`", lang.pick("this header can't be sent:", "无法发送此请求头："));
    SendError::refused(what, lang.pick("check `headers`", "请检查 `headers`"))
}

/// A service behind a [`Spec`].
pub struct Webhook {
    client: Client,
    spec: Spec,
}

impl Webhook {
    /// A channel of that form.
    #[must_use]
    pub const fn new(client: Client, spec: Spec) -> Self {
        Self { client, spec }
    }

    async fn deliver(&self, message: &Message) -> Result<Receipt, SendError> {
        let (spec, lang) = (&self.spec, message.lang);
        let mut request = self.client.request(spec.method.clone(), spec.url.expose_secret());
        for (name, value) in &spec.headers {
            let fill = |template: &str| fill_text(template, message, Markup::Raw, spec.limit);
            let value = reqwest::header::HeaderValue::from_str(&http_header::value(name, value.expose_secret(), fill));
            request = request.header(name, value.map_err(|_| no_header(name, lang))?);
        }
        let millis = clock::wall().0;
        if let Some(Sign::Dingtalk(secret)) = &spec.sign {
            request = request.query(&[("timestamp", millis.to_string()), ("sign", dingtalk(secret, millis))]);
        }
        request = match &spec.body {
            Body::Text(template) => request.body(fill_text(template, message, spec.markup, spec.limit)),
            Body::Json(template) => request.json(&self.signed(fill(template, message, spec), millis)),
            Body::Made(make) => request.json(&self.signed(make(message), millis)),
        };
        let answer = call(request, lang).await?;
        match &spec.success {
            Some(success) => success.check(&answer, lang)?,
            None => spec.answers.check(&answer, lang)?,
        }
        Ok(Receipt::new(answer.sentence()))
    }

    fn signed(&self, mut body: Value, millis: i64) -> Value {
        if let (Some(Sign::Feishu(secret)), Some(map)) = (&self.spec.sign, body.as_object_mut()) {
            let seconds = millis / 1000;
            map.insert("timestamp".to_owned(), seconds.to_string().into());
            map.insert("sign".to_owned(), feishu(secret, seconds).into());
        }
        body
    }
}

impl Channel for Webhook {
    fn kind(&self) -> &'static str {
        self.spec.kind
    }

    fn spacing(&self) -> Millis {
        self.spec.spacing
    }

    fn send<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Result<Receipt, SendError>> {
        Box::pin(self.deliver(message))
    }
}

/// Names that stand in `{{…}}` of a template.
pub const PLACEHOLDERS: &[&str] = &[
    "title",
    "text",
    "body",
    "link",
    "approve_link",
    "reject_link",
    "code",
    "question",
    "command",
    "urgency",
    "kind",
    "approval",
];

fn value_of(name: &str, message: &Message, markup: Markup, limit: usize) -> Option<String> {
    let ask = message.ask.as_ref();
    let link = ask.and_then(|ask| ask.link.clone());
    Some(match name {
        "title" => markup.text(&message.title),
        "text" => message.render(markup, limit),
        "body" => message.render_body(markup, limit),
        "link" => link.unwrap_or_default(),
        "approve_link" => link.map(|link| format!("{link}/approve")).unwrap_or_default(),
        "reject_link" => link.map(|link| format!("{link}/reject")).unwrap_or_default(),
        "code" => ask.map(|ask| ask.code.clone()).unwrap_or_default(),
        "question" => ask.map(|ask| markup.text(&ask.question)).unwrap_or_default(),
        "command" => ask.map(|ask| markup.text(&ask.command.shown)).unwrap_or_default(),
        "approval" => ask.map(|ask| ask.approval.to_string()).unwrap_or_default(),
        "urgency" => match message.urgency {
            Urgency::Low => "low",
            Urgency::Normal => "normal",
            Urgency::High => "high",
        }
        .to_owned(),
        "kind" => serde_json::to_value(message.kind).ok()?.as_str()?.to_owned(),
        _ => return None,
    })
}

/// Fills the placeholders of one text, once: what is filled in is not looked at again.
fn fill_text(template: &str, message: &Message, markup: Markup, limit: usize) -> String {
    let mut out = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        out.push_str(before);
        let filled = after
            .split_once("}}")
            .and_then(|(name, tail)| Some((value_of(name.trim(), message, markup, limit)?, tail)));
        match filled {
            Some((value, tail)) => {
                out.push_str(&value);
                rest = tail;
            }
            None => {
                out.push_str("{{");
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}

/// Fills the placeholders of all texts; JSON keeps them apart from its own signs.
fn fill(template: &Value, message: &Message, spec: &Spec) -> Value {
    match template {
        Value::String(text) => Value::String(fill_text(text, message, spec.markup, spec.limit)),
        Value::Array(items) => items.iter().map(|item| fill(item, message, spec)).collect(),
        Value::Object(map) => map.iter().map(|(key, value)| (key.clone(), fill(value, message, spec))).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => template.clone(),
    }
}

/// base64(HMAC-SHA256(key, text)).
fn hmac_base64(key: &[u8], text: &[u8]) -> String {
    Hmac::<Sha256>::new_from_slice(key)
        .map(|mac| STANDARD.encode(mac.chain_update(text).finalize().into_bytes()))
        .unwrap_or_default()
}

/// DingTalk's signature: the key is the secret, the text `"{ms}\n{secret}"`.
fn dingtalk(secret: &SecretString, millis: i64) -> String {
    let secret = secret.expose_secret();
    hmac_base64(secret.as_bytes(), format!("{millis}\n{secret}").as_bytes())
}

/// Feishu's signature: the key is `"{s}\n{secret}"`, the text empty.
fn feishu(secret: &SecretString, seconds: i64) -> String {
    hmac_base64(format!("{seconds}\n{}", secret.expose_secret()).as_bytes(), b"")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::tests::message;
    use serde_json::json;

    fn spec() -> Spec {
        Spec {
            kind: "webhook",
            method: Method::POST,
            url: SecretString::from("http://x"),
            headers: vec![],
            body: Body::Text(String::new()),
            markup: Markup::Raw,
            limit: 1000,
            answers: &OWN,
            success: None,
            sign: None,
            spacing: Millis(0),
        }
    }

    #[test]
    fn placeholders_are_filled_once_and_stay_inside_their_text() {
        let mut message = message();
        message.title = "a\", \"admin\": true, \"{{link}}".into();
        let filled = fill(&json!({"t": "<{{ title }}>", "l": ["{{link}}", 3], "u": "{{nobody}}"}), &message, &spec());
        assert_eq!(
            filled,
            json!({"t": "<a\", \"admin\": true, \"{{link}}>", "l": ["https://phone.example/a/TOKEN", 3], "u": "{{nobody}}"})
        );
    }

    #[test]
    fn every_documented_placeholder_has_a_value() {
        for name in PLACEHOLDERS {
            assert!(value_of(name, &message(), Markup::Plain, 1000).is_some(), "{name}");
        }
    }

    #[test]
    fn signatures_are_those_of_rfc_4231_and_the_services() {
        // RFC 4231, test case 2.
        assert_eq!(
            hmac_base64(b"Jefe", b"what do ya want for nothing?"),
            STANDARD.encode([
                0x5b, 0xdc, 0xc1, 0x46, 0xbf, 0x60, 0x75, 0x4e, 0x6a, 0x04, 0x24, 0x26, 0x08, 0x95, 0x75, 0xc7, 0x5a,
                0x00, 0x3f, 0x08, 0x9d, 0x27, 0x39, 0x83, 0x9d, 0xec, 0x58, 0xb9, 0x64, 0xec, 0x38, 0x43,
            ])
        );
        let secret = SecretString::from("s");
        assert_eq!(dingtalk(&secret, 5), hmac_base64(b"s", b"5\ns"));
        assert_eq!(feishu(&secret, 5), hmac_base64(b"5\ns", b""));
    }
}
