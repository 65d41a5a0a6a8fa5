//! `ntfy`: [JSON to the server's root](https://docs.ntfy.sh/publish/#publish-as-json); messages up to 4096 bytes, at most
//! three actions.

use super::answer::{BASE, Both, Row, Table, When};
use super::webhook::{Spec, link_of, post};
use crate::markup::Markup;
use secrecy::SecretString;
use serde_json::json;
use tmuxagent_model::Urgency;
use tmuxagent_text::plain::cut_bytes;

/// What a server answers: the message with its id, or a code. Source: ntfy's documentation ("Publishing", "Limitations")
/// and the list of errors in its server (`server/errors.go`).
pub static ANSWERS: Table =
    Table { service: Both("ntfy", "ntfy"), code: &["/code"], words: &["/error"], rows: &[ROWS], ..BASE };

const ROWS: &[Row] = &[
    When::Code(40009).never("the topic's name is not allowed; check `topic`", "主题名不合法；请检查 `topic`"),
    When::Code(40010).never("the topic's name is not allowed; check `topic`", "主题名不合法；请检查 `topic`"),
    When::Code(40017).never("the request was malformed; please report this", "请求格式有误；请反馈此问题"),
    When::Code(40018).never("the request was malformed; please report this", "请求格式有误；请反馈此问题"),
    When::Code(40024).never("the request was malformed; please report this", "请求格式有误；请反馈此问题"),
    When::Code(40101).never("the server asks for a login; check `token`", "服务器要求认证；请检查 `token`"),
    When::Code(40301).never(
        "this token may not write to the topic; check `token` and the topic's access rules",
        "该令牌无权写入此主题；请检查 `token` 与主题的访问规则",
    ),
    When::Code(40401).never(
        "there is no ntfy at this path; `url` is the server's root and the topic",
        "该路径下没有 ntfy；`url` 应为服务器根地址加主题",
    ),
    When::Code(41303).never("the message was refused as too long; please report this", "消息过长被拒绝；请反馈此问题"),
    When::Code(42901).later(60, "too many requests; it is sent again in a minute", "请求过于频繁；一分钟后重发"),
    When::Code(42904).later(
        600,
        "the server holds as many topics as it may; ask its administrator",
        "服务器的主题数已达上限；请联系其管理员",
    ),
    When::Code(42908).spent(
        0,
        "the server's number of messages for today is used up; use a server of your own or a paid plan",
        "该服务器今天的消息数已用完；可自建服务器或升级套餐",
    ),
    When::Code(42909).later(
        600,
        "too many failed logins from this address; check `token`",
        "本机地址认证失败次数过多；请检查 `token`",
    ),
    When::Code(50001).later(0, "the server has a trouble of its own", "服务器内部错误"),
    When::Code(50701).later(
        600,
        "nobody subscribed to this topic lately, and the server keeps no room for it; open the topic in the app",
        "近期无人订阅该主题，服务器不为其保留空间；请在应用中打开该主题",
    ),
    When::SaysNo.later(0, "the answer says no; see its words", "应答表示失败；请看其说明"),
    When::Has("/id").delivered(),
];

/// A topic of a server. `token` is an access token of the server.
#[must_use]
pub fn channel(base_url: &str, topic: &str, token: Option<&str>) -> Spec {
    let topic = topic.to_owned();
    let mut spec = post("ntfy", &ANSWERS, base_url.to_owned(), move |message| {
        let priority = match message.urgency {
            Urgency::Low => 2,
            Urgency::Normal => 3,
            Urgency::High => 5,
        };
        let mut body = json!({
            "topic": topic, "title": cut_bytes(&Markup::Plain.text(&message.title), 250), "priority": priority,
            "message": message.render_body(Markup::Plain, 4000),
        });
        if let (Some(link), Some(map)) = (link_of(message), body.as_object_mut()) {
            map.insert("click".to_owned(), link.into());
            let action = |(label, choice): (&str, &str)| json!({"action": "view", "label": label, "url": format!("{link}/{choice}")});
            map.insert("actions".to_owned(), message.choices().into_iter().map(action).collect());
        }
        body
    });
    if let Some(token) = token {
        spec.headers.push(("authorization".to_owned(), SecretString::from(format!("Bearer {token}"))));
    }
    spec
}
