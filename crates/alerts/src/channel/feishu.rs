//! `feishu`: a [custom robot of Feishu or Lark](https://open.feishu.cn/document/client-docs/bot-v3/add-custom-bot): a card
//! whose texts are `plain_text`, so nothing in them is read; 5 per second and 100 per minute, bodies up to 20 KB.

use super::answer::{BASE, Both, Row, Table, When};
use super::webhook::{Sign, Spec, link_of, post};
use crate::markup::Markup;
use secrecy::SecretString;
use serde_json::json;
use tmuxagent_model::{Millis, Urgency};

/// What a robot answers: `code` 0, in its older form `StatusCode` 0; where both are there, both. Source: Feishu's documentation, "Custom bot usage
/// guide", "Error codes".
pub static ANSWERS: Table = Table {
    service: Both("Feishu", "飞书"),
    code: &["/code", "/StatusCode"],
    words: &["/msg", "/StatusMessage"],
    rows: &[ROWS],
    ..BASE
};

const ROWS: &[Row] = &[
    When::Code(0).delivered(),
    When::Code(9499).never("the request was malformed; please report this", "请求格式有误；请反馈此问题"),
    When::Code(11232).later(
        60,
        "Feishu limits all robots for now, as it does near full and half hours; it is sent again in a minute",
        "飞书正在对机器人限流（整点、半点前后常见）；一分钟后重发",
    ),
    When::Code(19001).never("the webhook address is wrong; copy it again", "webhook 地址有误；请重新复制"),
    When::Code(19002).never("the request was malformed; please report this", "请求格式有误；请反馈此问题"),
    When::Code(19007)
        .never("the robot is disabled; enable it in the group's settings", "机器人未启用；请在群设置中启用"),
    When::Code(19021).never(
        "the signature is wrong or the clock is off; check `secret` and the time",
        "签名有误或时间不准；请检查 `secret` 与系统时间",
    ),
    When::Code(19022).never(
        "this machine's address is not on the robot's list of allowed addresses",
        "本机地址不在机器人的 IP 白名单中",
    ),
    When::Code(19024).never(
        "the robot asks for a keyword; add `tmuxagent` to its keywords or use `secret`",
        "机器人要求关键词；请把 `tmuxagent` 加入关键词，或改用 `secret` 签名",
    ),
    When::OtherCode
        .never("see the error codes in Feishu's guide to custom robots", "请查飞书《自定义机器人使用指南》的错误码"),
];

/// The group that a robot writes to; `secret` is for signing.
#[must_use]
pub fn channel(url: &str, secret: Option<&str>) -> Spec {
    let mut spec = post("feishu", &ANSWERS, url.to_owned(), |message| {
        let template = match message.urgency {
            Urgency::Low => "grey",
            Urgency::Normal => "blue",
            Urgency::High => "orange",
        };
        let mut elements = vec![
            json!({"tag": "div", "text": {"tag": "plain_text", "content": message.render_body(Markup::Plain, 8000)}}),
        ];
        if let Some(link) = link_of(message) {
            let button = |(label, choice): (&str, &str)| {
                let style = if choice == "approve" { "primary" } else { "danger" };
                json!({"tag": "button", "type": style, "url": format!("{link}/{choice}"),
                    "text": {"tag": "plain_text", "content": label}})
            };
            let actions: Vec<_> = message.choices().into_iter().map(button).collect();
            elements.push(json!({"tag": "action", "actions": actions}));
        }
        json!({"msg_type": "interactive", "card": {
            "config": {"wide_screen_mode": true},
            "header": {"template": template, "title": {"tag": "plain_text", "content": Markup::Plain.text(&message.title)}},
            "elements": elements,
        }})
    });
    spec.sign = secret.map(|secret| Sign::Feishu(SecretString::from(secret)));
    spec.spacing = Millis(700);
    spec
}
