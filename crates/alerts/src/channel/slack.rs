//! `slack`: an [incoming webhook](https://api.slack.com/messaging/webhooks), also of servers that take the same form
//! (Mattermost, Rocket.Chat, Zulip, Discord's `/slack`). A section holds up to 3000 characters, a header 150; `verbatim` keeps it
//! from looking for names and links.

use super::answer::{BASE, Both, Row, Table, Then, When};
use super::webhook::{Spec, link_of, post};
use crate::markup::Markup;
use serde_json::json;
use tmuxagent_model::Millis;
use tmuxagent_text::plain::cut_chars;

/// What Slack answers: `ok`, or a word with a status of 4xx; compatible servers say it in JSON. Source: Slack's
/// documentation, "Sending messages using incoming webhooks", "Handling errors".
///
/// Anything else is not sent again: a compatible server that answers in a form of its own may well have taken it.
pub static ANSWERS: Table = Table {
    service: Both("Slack", "Slack"),
    rows: &[ROWS],
    otherwise: Then::Never {
        fix: Both(
            "a server that is not Slack and answers otherwise is a `webhook` with `success:`",
            "若该服务器并非 Slack 且应答形式不同，请改用 `webhook` 并设置 `success:`",
        ),
    },
    ..BASE
};

const ROWS: &[Row] = &[
    When::Word("ok").delivered(),
    When::Flag("/ok", true).delivered(),
    When::Flag("/success", true).delivered(),
    When::Text("/result", "success").delivered(),
    When::Flag("/ok", false).never("see its words, and check `url`", "请看其说明，并检查 `url`"),
    When::Flag("/success", false).never("see its words, and check `url`", "请看其说明，并检查 `url`"),
    When::Word("invalid_payload").never("the request was malformed; please report this", "请求格式有误；请反馈此问题"),
    When::Word("invalid_blocks").never("the request was malformed; please report this", "请求格式有误；请反馈此问题"),
    When::Word("no_text").never("the request was malformed; please report this", "请求格式有误；请反馈此问题"),
    When::Word("user_not_found").never(
        "the person whom the webhook writes to is gone; make a new webhook",
        "webhook 对应的用户已不存在；请新建 webhook",
    ),
    When::Word("channel_not_found")
        .never("the channel of this webhook is gone; make a new webhook", "webhook 对应的频道已不存在；请新建 webhook"),
    When::Word("channel_is_archived").never(
        "the channel of this webhook was archived; unarchive it or make a new webhook",
        "webhook 对应的频道已归档；请恢复频道或新建 webhook",
    ),
    When::Word("action_prohibited")
        .never("an administrator has forbidden this; ask him", "管理员禁止了此操作；请联系管理员"),
    When::Word("posting_to_general_channel_denied").never(
        "an administrator keeps others from writing to #general; choose another channel for the webhook",
        "管理员限制了在 #general 发言；请为 webhook 换一个频道",
    ),
    When::Word("no_service").never(
        "the webhook was removed, disabled or mistyped; copy the address again",
        "webhook 已被删除、停用或地址有误；请重新复制地址",
    ),
    When::Word("no_service_id").never("the address is incomplete; copy it again", "地址不完整；请重新复制"),
    When::Word("no_active_hooks")
        .never("the webhook is disabled; enable it or make a new one", "webhook 已停用；请启用或新建"),
    When::Word("no_team").never("the workspace in the address does not exist", "地址中的工作区不存在"),
    When::Word("team_disabled").never("the workspace was closed", "该工作区已停用"),
    When::Word("invalid_token")
        .never("the key in the address is wrong; copy the address again", "地址中的密钥有误；请重新复制地址"),
    When::Word("rollup_error").later(0, "Slack could not take it just now", "Slack 暂时无法接收"),
];

/// The channel that a webhook writes to.
#[must_use]
pub fn channel(url: &str) -> Spec {
    let mut spec = post("slack", &ANSWERS, url.to_owned(), |message| {
        let title = Markup::Slack.text(&message.title);
        let mut blocks = vec![json!({"type": "header", "text": {"type": "plain_text", "emoji": false,
            "text": cut_chars(&message.title, 150)}})];
        let text = message.render_body(Markup::Slack, 2900);
        if !text.is_empty() {
            blocks.push(json!({"type": "section", "text": {"type": "mrkdwn", "verbatim": true, "text": text}}));
        }
        if let Some(link) = link_of(message) {
            let button = |(label, choice): (&str, &str)| {
                let style = if choice == "approve" { "primary" } else { "danger" };
                json!({"type": "button", "style": style, "url": format!("{link}/{choice}"),
                    "text": {"type": "plain_text", "text": label}})
            };
            let elements: Vec<_> = message.choices().into_iter().map(button).collect();
            blocks.push(json!({"type": "actions", "elements": elements}));
        }
        json!({"text": title, "blocks": blocks, "unfurl_links": false, "unfurl_media": false})
    });
    spec.spacing = Millis(1000);
    spec
}
