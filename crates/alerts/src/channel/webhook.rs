//! `webhook`: any service that takes a request: method, address, headers, a body with placeholders, and a test of the
//! answer. The presets of [`super::presets`] are built on it.

use super::{Channel, Receipt, SendError};
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
    /// The body.
    pub body: Body,
    /// The markup that texts in the body are written in.
    pub markup: Markup,
    /// The most bytes of `{{text}}` and `{{body}}`.
    pub limit: usize,
    /// How the answer tells of success, beside a 2xx status.
    pub success: Option<Success>,
    /// How the request is signed.
    pub sign: Option<Sign>,
    /// The least time between two messages.
    pub spacing: Millis,
    /// Codes in the answer with what to do.
    pub codes: &'static [Code],
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

/// A value in the answer that means success.
#[derive(Debug, Clone, PartialEq)]
pub struct Success {
    /// RFC 6901 pointer into the JSON answer.
    pub pointer: String,
    /// The value expected there.
    pub equals: Value,
}

/// A code of a service's answer.
pub struct Code {
    /// The value at the success pointer.
    pub code: i64,
    /// What it means for the message.
    pub then: Then,
}

/// What a code means.
pub enum Then {
    /// Too fast; again after so many seconds.
    Wait(u64),
    /// Never; what to do.
    Fix(&'static str),
}

/// Signatures that services ask for.
pub enum Sign {
    /// DingTalk: `timestamp` (milliseconds) and `sign` in the query.
    Dingtalk(SecretString),
    /// Feishu: `timestamp` (seconds) and `sign` in the body.
    Feishu(SecretString),
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
        let spec = &self.spec;
        let mut request = self.client.request(spec.method.clone(), spec.url.expose_secret());
        for (name, value) in &spec.headers {
            request = request.header(name, header_value(value.expose_secret(), message)?);
        }
        let millis = clock::wall().0;
        if let Some(Sign::Dingtalk(secret)) = &spec.sign {
            request = request.query(&[("timestamp", millis.to_string()), ("sign", dingtalk(secret, millis))]);
        }
        request = match &spec.body {
            Body::Text(template) => request.body(fill_text(template, message, spec)),
            Body::Json(template) => request.json(&self.signed(fill(template, message, spec), millis)),
            Body::Made(make) => request.json(&self.signed(make(message), millis)),
        };
        let answer = call(request).await?;
        self.judge(&answer)?;
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

    fn judge(&self, answer: &Answer) -> Result<(), SendError> {
        let Some(success) = &self.spec.success else {
            return answer.check_status();
        };
        let json = answer.json();
        let found = json.pointer(&success.pointer);
        if found == Some(&success.equals) {
            return Ok(());
        }
        let code = found.and_then(Value::as_i64).or(Some(i64::from(answer.status)));
        match self.spec.codes.iter().find(|known| Some(known.code) == code).map(|known| &known.then) {
            Some(Then::Wait(seconds)) => Err(SendError::retry_after(answer.sentence(), Some(*seconds))),
            Some(Then::Fix(fix)) => Err(SendError::refused(answer.sentence(), *fix)),
            None => {
                answer.check_status()?;
                let what = format!("{} at {} is not {}", answer.sentence(), success.pointer, success.equals);
                Err(SendError::refused(what, "check the channel's configuration"))
            }
        }
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

fn value_of(name: &str, message: &Message, spec: &Spec) -> Option<String> {
    let ask = message.ask.as_ref();
    let link = ask.and_then(|ask| ask.link.clone());
    let markup = spec.markup;
    Some(match name {
        "title" => markup.text(&message.title),
        "text" => message.render(markup, spec.limit),
        "body" => message.render_body(markup, spec.limit),
        "link" => link.unwrap_or_default(),
        "approve_link" => link.map(|link| format!("{link}/approve")).unwrap_or_default(),
        "reject_link" => link.map(|link| format!("{link}/reject")).unwrap_or_default(),
        "code" => ask.map(|ask| ask.code.clone()).unwrap_or_default(),
        "question" => ask.map(|ask| markup.text(&ask.question)).unwrap_or_default(),
        "command" => ask.map(|ask| markup.text(&ask.command)).unwrap_or_default(),
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
fn fill_text(template: &str, message: &Message, spec: &Spec) -> String {
    let mut out = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        out.push_str(before);
        let filled =
            after.split_once("}}").and_then(|(name, tail)| Some((value_of(name.trim(), message, spec)?, tail)));
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
        Value::String(text) => Value::String(fill_text(text, message, spec)),
        Value::Array(items) => items.iter().map(|item| fill(item, message, spec)).collect(),
        Value::Object(map) => map.iter().map(|(key, value)| (key.clone(), fill(value, message, spec))).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => template.clone(),
    }
}

/// A header's value; `{{title}}` and `{{urgency}}` may stand in it, as visible ASCII.
fn header_value(template: &str, message: &Message) -> Result<reqwest::header::HeaderValue, SendError> {
    let urgency = format!("{:?}", message.urgency).to_lowercase();
    let title: String = message.title.chars().map(|c| if c.is_ascii_graphic() || c == ' ' { c } else { '?' }).collect();
    let text = template.replace("{{urgency}}", &urgency).replace("{{title}}", &title);
    reqwest::header::HeaderValue::from_str(&text)
        .map_err(|_| SendError::refused("a header's value has a control character", "check `headers`"))
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
            success: None,
            sign: None,
            spacing: Millis(0),
            codes: &[],
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
            assert!(value_of(name, &message(), &spec()).is_some(), "{name}");
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
