//! `dingtalk`: a [custom robot of DingTalk](https://open.dingtalk.com/document/robots/custom-robot-access): 20 per minute,
//! above that it is blocked for ten minutes.

use super::answer::{BASE, Both, Row, Table, When};
use super::webhook::{Sign, Spec, post};
use crate::markup::Markup;
use secrecy::SecretString;
use serde_json::json;
use tmuxagent_model::Millis;
use tmuxagent_text::plain::cut_chars;

/// What a robot answers: `errcode` 0. Source: DingTalk's documentation, "Custom robot access", "Error codes", and its global
/// error codes ("judge by `errcode`, not by `errmsg`").
pub static ANSWERS: Table =
    Table { service: Both("DingTalk", "钉钉"), code: &["/errcode"], words: &["/errmsg"], rows: &[ROWS], ..BASE };

const ROWS: &[Row] = &[
    When::Code(0).delivered(),
    When::Code(-1).later(10, "DingTalk is busy; it is sent again", "钉钉繁忙；稍后自动重发"),
    When::Code(130_101).later(
        600,
        "more than 20 messages in a minute: the robot is blocked for ten minutes",
        "一分钟内超过 20 条：机器人被限流十分钟",
    ),
    When::Code(410_100).later(
        600,
        "more than 20 messages in a minute: the robot is blocked for ten minutes",
        "一分钟内超过 20 条：机器人被限流十分钟",
    ),
    When::Code(40035).never("the request was malformed; please report this", "请求格式有误；请反馈此问题"),
    When::Code(43004).never("the request was malformed; please report this", "请求格式有误；请反馈此问题"),
    When::Code(300_005).never(
        "the access token in the address is wrong; copy the address again",
        "地址中的 access_token 有误；请重新复制地址",
    ),
    When::Code(400_101).never(
        "the access token in the address is wrong; copy the address again",
        "地址中的 access_token 有误；请重新复制地址",
    ),
    When::Code(400_013).never("the group was dissolved; use a robot of another one", "群已解散；请改用其他群的机器人"),
    When::Code(400_102).never("the robot is disabled; enable it in the group", "机器人已停用；请在群里启用"),
    When::Code(400_105).never("this kind of message is not allowed there", "该处不支持此类消息"),
    When::Code(400_106).never("the robot was removed; add it again", "机器人不存在；请重新添加"),
    When::Code(430_101).never(
        "DingTalk refuses a link in the message; what was printed holds an address that it does not like",
        "钉钉拒绝了消息中的链接：输出里含有不被允许的外链",
    ),
    When::Code(430_102)
        .never("DingTalk refuses words in the message; decide on this machine", "钉钉拒绝了消息中的文字；请在本机处理"),
    When::Code(430_103).never("DingTalk refuses a picture in the message", "钉钉拒绝了消息中的图片"),
    When::Code(430_104)
        .never("DingTalk refuses the message's content; decide on this machine", "钉钉拒绝了消息内容；请在本机处理"),
    When::Code(310_000).never(
        "the robot's security settings refused it: set `secret` to the robot's signing secret, add `tmuxagent` to its \
         keywords, or allow this machine's address",
        "机器人的安全设置拒绝了消息：请把 `secret` 设为加签密钥，或把 `tmuxagent` 加入关键词，或放行本机地址",
    ),
    When::OtherCode
        .never("see the error codes in DingTalk's document on custom robots", "请查钉钉《自定义机器人接入》的错误码"),
];

/// The group that a robot writes to; `secret` is for signing.
#[must_use]
pub fn channel(url: &str, secret: Option<&str>) -> Spec {
    let mut spec = post("dingtalk", &ANSWERS, url.to_owned(), |message| {
        let title = cut_chars(&Markup::Quoted.text(&message.title), 60);
        let text = message.render(Markup::Quoted, 18_000);
        json!({"msgtype": "markdown", "markdown": {"title": format!("tmuxagent {title}"), "text": text}})
    });
    spec.sign = secret.map(|secret| Sign::Dingtalk(SecretString::from(secret)));
    spec.spacing = Millis::from_secs(3);
    spec
}
