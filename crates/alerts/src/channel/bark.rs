//! `bark`: [Bark](https://github.com/Finb/bark-server), `POST /push` with the device's key.

use super::answer::{BASE, Both, Row, Table, When};
use super::webhook::{Spec, link_of, post};
use crate::markup::Markup;
use serde_json::json;
use tmuxagent_model::Urgency;

/// What a server answers: `code` 200, or the status again with words. Source: bark-server's own `route_push.go`; "push
/// failed" carries the reason of Apple's service (Apple's documentation, "Handling notification responses from APNs").
pub static ANSWERS: Table =
    Table { service: Both("Bark", "Bark"), code: &["/code"], words: &["/message"], rows: &[ROWS], ..BASE };

const ROWS: &[Row] = &[
    When::Code(200).delivered(),
    When::CodeSaying(400, "bind failed")
        .never("the request was malformed; please report this", "请求格式有误；请反馈此问题"),
    When::Code(400).never(
        "the device key is not registered at this server; check `key`",
        "该服务器上没有注册此设备 key；请检查 `key`",
    ),
    When::CodeSaying(500, "BadDeviceToken").never(
        "Apple does not know the device any more; open the Bark app and copy its key again",
        "苹果服务已不认识该设备；请打开 Bark 应用并重新复制 key",
    ),
    When::CodeSaying(500, "Unregistered").never(
        "Apple does not know the device any more; open the Bark app and copy its key again",
        "苹果服务已不认识该设备；请打开 Bark 应用并重新复制 key",
    ),
    When::CodeSaying(500, "PayloadTooLarge")
        .never("the message was refused as too long; please report this", "消息过长被拒绝；请反馈此问题"),
    When::Code(500).later(0, "Apple's service did not take it just now", "苹果推送服务暂未接收"),
    When::OtherCode.never("see the server's words, and check `base_url`", "请看服务器的说明，并检查 `base_url`"),
];

/// A device at a server.
#[must_use]
pub fn channel(base_url: &str, key: &str) -> Spec {
    let key = key.to_owned();
    post("bark", &ANSWERS, format!("{}/push", base_url.trim_end_matches('/')), move |message| {
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
        if let (Some(link), Some(map)) = (link_of(message), body.as_object_mut()) {
            map.insert("url".to_owned(), link.into());
        }
        body
    })
}
