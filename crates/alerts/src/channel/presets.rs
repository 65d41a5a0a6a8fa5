//! Services as presets of the webhook channel: `ntfy`, `slack`, `feishu`, `dingtalk`, `bark`.

use super::webhook::{Body, Code, Sign, Spec, Success, Then};
use crate::markup::Markup;
use crate::message::Message;
use reqwest::Method;
use secrecy::SecretString;
use serde_json::{Value, json};
use tmuxagent_model::{Millis, Urgency};
use tmuxagent_text::plain::{cut_bytes, cut_chars};

fn post(kind: &'static str, url: String, body: impl Fn(&Message) -> Value + Send + Sync + 'static) -> Spec {
    Spec {
        kind,
        method: Method::POST,
        url: SecretString::from(url),
        headers: Vec::new(),
        body: Body::Made(Box::new(body)),
        markup: Markup::Plain,
        limit: 4000,
        success: None,
        sign: None,
        spacing: Millis(0),
        codes: &[],
    }
}

fn link(message: &Message) -> Option<&str> {
    message.ask.as_ref()?.link.as_deref()
}

/// [ntfy](https://docs.ntfy.sh/publish/#publish-as-json): JSON to the server's root; messages up to 4096 bytes, at most
/// three actions. `token` is an access token of the server.
#[must_use]
pub fn ntfy(base_url: &str, topic: &str, token: Option<&str>) -> Spec {
    let topic = topic.to_owned();
    let mut spec = post("ntfy", base_url.to_owned(), move |message| {
        let priority = match message.urgency {
            Urgency::Low => 2,
            Urgency::Normal => 3,
            Urgency::High => 5,
        };
        let mut body = json!({
            "topic": topic, "title": cut_bytes(&Markup::Plain.text(&message.title), 250), "priority": priority,
            "message": message.render_body(Markup::Plain, 4000),
        });
        if let (Some(link), Some(map)) = (link(message), body.as_object_mut()) {
            let lang = message.lang;
            map.insert("click".to_owned(), link.into());
            map.insert(
                "actions".to_owned(),
                json!([
                    {"action": "view", "label": lang.pick("Approve…", "批准…"), "url": format!("{link}/approve")},
                    {"action": "view", "label": lang.pick("Reject…", "拒绝…"), "url": format!("{link}/reject")},
                ]),
            );
        }
        body
    });
    if let Some(token) = token {
        spec.headers.push(("authorization".to_owned(), SecretString::from(format!("Bearer {token}"))));
    }
    spec
}

/// [Slack incoming webhook](https://api.slack.com/messaging/webhooks): answers `ok` or a word; a section holds up to 3000
/// characters, a header 150. `verbatim` keeps it from looking for names and links.
#[must_use]
pub fn slack(url: &str) -> Spec {
    let mut spec = post("slack", url.to_owned(), |message| {
        let title = Markup::Slack.text(&message.title);
        let mut blocks = vec![json!({"type": "header", "text": {"type": "plain_text", "emoji": false,
            "text": cut_chars(&message.title, 150)}})];
        let text = message.render_body(Markup::Slack, 2900);
        if !text.is_empty() {
            blocks.push(json!({"type": "section", "text": {"type": "mrkdwn", "verbatim": true, "text": text}}));
        }
        if let Some(link) = link(message) {
            let lang = message.lang;
            blocks.push(json!({"type": "actions", "elements": [
                {"type": "button", "style": "primary", "url": format!("{link}/approve"),
                 "text": {"type": "plain_text", "text": lang.pick("Approve…", "批准…")}},
                {"type": "button", "style": "danger", "url": format!("{link}/reject"),
                 "text": {"type": "plain_text", "text": lang.pick("Reject…", "拒绝…")}},
            ]}));
        }
        json!({"text": title, "blocks": blocks, "unfurl_links": false, "unfurl_media": false})
    });
    spec.spacing = Millis(1000);
    spec
}

/// [Feishu or Lark custom robot](https://open.feishu.cn/document/client-docs/bot-v3/add-custom-bot): a card whose texts are
/// `plain_text`, so nothing in them is read; 5 per second and 100 per minute, bodies up to 20 KB.
#[must_use]
pub fn feishu(url: &str, secret: Option<&str>) -> Spec {
    let mut spec = post("feishu", url.to_owned(), |message| {
        let template = match message.urgency {
            Urgency::Low => "grey",
            Urgency::Normal => "blue",
            Urgency::High => "orange",
        };
        let mut elements = vec![
            json!({"tag": "div", "text": {"tag": "plain_text", "content": message.render_body(Markup::Plain, 8000)}}),
        ];
        if let Some(link) = link(message) {
            let lang = message.lang;
            let button = |label: &str, style: &str, choice: &str| {
                json!({"tag": "button", "type": style, "url": format!("{link}/{choice}"),
                    "text": {"tag": "plain_text", "content": label}})
            };
            elements.push(json!({"tag": "action", "actions": [
                button(lang.pick("Approve…", "批准…"), "primary", "approve"),
                button(lang.pick("Reject…", "拒绝…"), "danger", "reject"),
            ]}));
        }
        json!({"msg_type": "interactive", "card": {
            "config": {"wide_screen_mode": true},
            "header": {"template": template, "title": {"tag": "plain_text", "content": Markup::Plain.text(&message.title)}},
            "elements": elements,
        }})
    });
    spec.sign = secret.map(|secret| Sign::Feishu(SecretString::from(secret)));
    spec.success = Some(Success { pointer: "/code".to_owned(), equals: json!(0) });
    spec.spacing = Millis(700);
    spec.codes = &[
        Code { code: 9499, then: Then::Fix("the request was malformed; please report this") },
        Code { code: 11232, then: Then::Wait(60) },
        Code { code: 19001, then: Then::Fix("the webhook address is wrong; copy it again") },
        Code {
            code: 19021,
            then: Then::Fix("the signature is wrong or the clock is off; check `secret` and the time"),
        },
        Code { code: 19022, then: Then::Fix("this machine's address is not on the robot's list of allowed addresses") },
        Code {
            code: 19024,
            then: Then::Fix("the robot asks for a keyword; add `tmuxagent` to its keywords or use `secret`"),
        },
    ];
    spec
}

/// [DingTalk custom robot](https://open.dingtalk.com/document/robots/custom-robot-access): 20 per minute, above that it is
/// blocked for ten minutes.
#[must_use]
pub fn dingtalk(url: &str, secret: Option<&str>) -> Spec {
    let mut spec = post("dingtalk", url.to_owned(), |message| {
        let title = cut_chars(&Markup::Quoted.text(&message.title), 60);
        let text = message.render(Markup::Quoted, 18_000);
        json!({"msgtype": "markdown", "markdown": {"title": format!("tmuxagent {title}"), "text": text}})
    });
    spec.sign = secret.map(|secret| Sign::Dingtalk(SecretString::from(secret)));
    spec.success = Some(Success { pointer: "/errcode".to_owned(), equals: json!(0) });
    spec.spacing = Millis::from_secs(3);
    spec.codes = &[
        Code { code: -1, then: Then::Wait(10) },
        Code { code: 130_101, then: Then::Wait(600) },
        Code { code: 40035, then: Then::Fix("the request was malformed; please report this") },
        Code { code: 300_005, then: Then::Fix("the access token in the address is wrong; copy the address again") },
        Code {
            code: 310_000,
            then: Then::Fix(
                "the robot's security settings refused it: set `secret` to the robot's signing secret, add `tmuxagent` to its \
                 keywords, or allow this machine's address",
            ),
        },
    ];
    spec
}

/// [Bark](https://github.com/Finb/bark-server): `POST /push` with the device's key.
#[must_use]
pub fn bark(base_url: &str, key: &str) -> Spec {
    let key = key.to_owned();
    let mut spec = post("bark", format!("{}/push", base_url.trim_end_matches('/')), move |message| {
        let level = match message.urgency {
            Urgency::Low => "passive",
            Urgency::Normal => "active",
            Urgency::High => "timeSensitive",
        };
        let mut body = json!({
            "device_key": key, "title": Markup::Plain.text(&message.title), "group": "tmuxagent", "level": level,
            // Apple's push messages hold 4 KB with everything.
            "body": message.render_body(Markup::Plain, 2500),
        });
        if let (Some(link), Some(map)) = (link(message), body.as_object_mut()) {
            map.insert("url".to_owned(), link.into());
        }
        body
    });
    spec.success = Some(Success { pointer: "/code".to_owned(), equals: json!(200) });
    spec.codes = &[Code { code: 400, then: Then::Fix("the device key is not registered at this server; check `key`") }];
    spec
}
