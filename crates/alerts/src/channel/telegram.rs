//! `telegram`: a bot's messages with buttons, answered by long polling, so no public address is needed.
//!
//! Source: core.telegram.org/bots/api. Texts up to 4096 characters, `callback_data` 1–64 bytes, one poller per token (409).

use super::answer::{BASE, Both, Row, Table, When};
use super::{Channel, Receipt, SendError};
use crate::decide::{Decide, Unsettled};
use crate::http::call;
use crate::markup::Markup;
use crate::message::Message;
use crate::press::{Press, Pressed, Pressers, press};
use futures_util::future::BoxFuture;
use reqwest::Client;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tmuxagent_failpoints as failpoints;
use tmuxagent_model::Millis;
use tmuxagent_text::Lang;
use tmuxagent_text::plain::{cut_chars, one_line};
use tokio_util::sync::CancellationToken;

/// The service's address.
pub const BASE_URL: &str = "https://api.telegram.org";
const LIMIT: usize = 4000;
/// How long the service holds a poll, seconds; shorter than the client's time limit.
const POLL: u64 = 10;

/// What every method answers: `ok`, or a code that is an HTTP status. Source: Telegram Bot API, "Making requests" and
/// "ResponseParameters"; one code stands for several things, told apart by its description.
pub static ANSWERS: Table = Table {
    service: Both("Telegram", "Telegram"),
    code: &["/error_code"],
    words: &["/description", "/parameters/migrate_to_chat_id"],
    after: "/parameters/retry_after",
    rows: &[ROWS],
    ..BASE
};

const ROWS: &[Row] = &[
    When::Flag("/ok", true).delivered(),
    When::CodeSaying(400, "chat not found").never(
        "check `chat_id`, and write to the bot once so that it may answer",
        "请检查 `chat_id`，并先给机器人发一条消息",
    ),
    When::CodeSaying(400, "upgraded to a supergroup").never(
        "the group has a new id, which stands behind the message; set it as `chat_id`",
        "群已升级并有了新 ID（见消息末尾）；请把它设为 `chat_id`",
    ),
    When::Code(400).never("the message was refused as malformed; please report this", "消息格式被拒绝；请反馈此问题"),
    When::Code(401).never("the bot token is wrong; ask @BotFather for it", "机器人令牌有误；请向 @BotFather 获取"),
    When::Code(403).never(
        "the bot may not write there; start it in the chat or unblock it",
        "机器人无权在此发言；请在会话中启动它或解除屏蔽",
    ),
    When::Code(404).never("the bot token is wrong; ask @BotFather for it", "机器人令牌有误；请向 @BotFather 获取"),
    When::Code(409).never(
        "another program polls with this token; a token serves one at a time",
        "另有程序在用该令牌轮询；一个令牌同时只能供一个程序使用",
    ),
    When::Code(429).later(5, "too many messages; it is sent again", "消息过多；稍后重发"),
    When::OtherCode.later(0, "Telegram has a trouble of its own", "Telegram 服务异常"),
];

/// A bot that writes to one chat.
pub struct Telegram {
    client: Client,
    base_url: String,
    token: SecretString,
    chat: String,
    pressers: Pressers,
    lang: Lang,
}

impl Telegram {
    /// A bot, and who may press its buttons: with an empty `allow` the chat itself, which is right for a chat with one person,
    /// whose id it is. `person` is what the one is called, where that is known.
    #[must_use]
    pub fn new(
        client: Client,
        base_url: &str,
        token: &str,
        chat: &str,
        (allow, person): (Vec<String>, &str),
        lang: Lang,
    ) -> Self {
        let allow = if allow.is_empty() { vec![chat.to_owned()] } else { allow };
        let base_url = base_url.trim_end_matches('/').to_owned();
        Self {
            client,
            base_url,
            token: SecretString::from(token),
            chat: chat.to_owned(),
            pressers: Pressers::new(allow, person),
            lang,
        }
    }

    async fn call(&self, method: &str, body: &Value) -> Result<Value, SendError> {
        let url = format!("{}/bot{}/{method}", self.base_url, self.token.expose_secret());
        let answer = call(self.client.post(url).json(body), self.lang).await?;
        ANSWERS.check(&answer, self.lang)?;
        Ok(answer.json().get_mut("result").map(Value::take).unwrap_or_default())
    }

    fn payload(&self, message: &Message) -> Value {
        let mut body = json!({
            "chat_id": self.chat, "text": message.render(Markup::Telegram, LIMIT), "parse_mode": "HTML",
            "link_preview_options": {"is_disabled": true},
            "disable_notification": message.urgency == tmuxagent_model::Urgency::Low,
        });
        if let (Some(ask), Some(map)) = (&message.ask, body.as_object_mut())
            && ask.takes_buttons(&self.pressers)
        {
            let button = |label: &str, approve: bool| {
                let press = Press { approval: ask.approval.clone(), revision: ask.revision, approve };
                json!({"text": label, "callback_data": press.key()})
            };
            let lang = message.lang;
            let row =
                [button(lang.pick("✅ Approve", "✅ 批准"), true), button(lang.pick("❌ Reject", "❌ 拒绝"), false)];
            map.insert("reply_markup".to_owned(), json!({"inline_keyboard": [row]}));
        }
        body
    }

    /// One long poll; the next offset, and whether a press has no end yet. The service delivers what stands at the offset
    /// and behind it until a later one is asked for: a press is passed over once it is settled, so that it comes again
    /// after a crash.
    async fn poll(&self, decisions: &dyn Decide, offset: i64) -> Result<(i64, Option<Unsettled>), SendError> {
        let body = json!({"offset": offset, "timeout": POLL, "allowed_updates": ["callback_query"]});
        let updates = self.call("getUpdates", &body).await?;
        let mut next = offset;
        for update in updates.as_array().into_iter().flatten() {
            let id = update.get("update_id").and_then(Value::as_i64).unwrap_or(offset);
            if let Some(query) = update.get("callback_query")
                && let Err(unsettled) = self.answer(decisions, query).await
            {
                return Ok((next, Some(unsettled)));
            }
            failpoints::at("decision.consumed");
            next = next.max(id.saturating_add(1));
        }
        Ok((next, None))
    }

    /// Decides what was pressed, answers the presser and takes the buttons away when they have no use any more.
    ///
    /// # Errors
    /// When it has no end yet; the presser is told so.
    async fn answer(&self, decisions: &dyn Decide, query: &Value) -> Result<(), Unsettled> {
        let text = |pointer: &str| match query.pointer(pointer) {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Number(number)) => number.to_string(),
            _ => String::new(),
        };
        if text("/message/chat/id") != self.chat {
            self.pressers.ignored(decisions, "a Telegram button was pressed in another chat".to_owned());
            return Ok(());
        }
        let called = [text("/from/first_name"), text("/from/last_name")].join(" ");
        let pressed = press(decisions, &text("/data"), (&text("/from/id"), &called), &self.pressers, self.lang).await;
        let (sentence, over) = match &pressed {
            Ok(Pressed::Decided(sentence) | Pressed::Over(sentence)) => (sentence.clone(), true),
            Ok(Pressed::Ignored(sentence)) => (sentence.clone(), false),
            Err(unsettled) => (unsettled.sentence(self.lang), false),
        };
        let mut calls = vec![(
            "answerCallbackQuery",
            json!({"callback_query_id": text("/id"), "text": cut_chars(&sentence, 190), "show_alert": !over}),
        )];
        if over {
            let keyboard = json!({"inline_keyboard": [[{"text": cut_chars(&sentence, 60), "callback_data": "over"}]]});
            let message = query.pointer("/message/message_id").cloned().unwrap_or_default();
            let body = json!({"chat_id": self.chat, "message_id": message, "reply_markup": keyboard});
            calls.push(("editMessageReplyMarkup", body));
        }
        for (method, body) in calls {
            // The decision stands; what fails here is only its echo in the chat.
            if let Err(error) = self.call(method, &body).await {
                tracing::debug!(%error, method, "telegram");
            }
        }
        pressed.map(drop)
    }

    async fn poll_until(&self, decisions: &dyn Decide, stop: &CancellationToken) {
        let mut offset = 0;
        let mut failures: u32 = 0;
        loop {
            let polled = tokio::select! {
                () = stop.cancelled() => return,
                polled = self.poll(decisions, offset) => polled,
            };
            let pause = match polled {
                Ok((next, None)) => {
                    offset = next;
                    failures = 0;
                    continue;
                }
                Ok((next, Some(_))) => {
                    offset = next;
                    failures = failures.saturating_add(1);
                    Duration::from_secs(1 << failures.min(4))
                }
                Err(error) => {
                    if failures == 0 {
                        decisions.report(format!("telegram: buttons don't work now: {error}"));
                    }
                    failures = failures.saturating_add(1);
                    match error {
                        SendError::Refused { .. } => Duration::from_secs(300),
                        SendError::Retry { after: Some(after), .. } => after.to_std(),
                        SendError::Retry { after: None, .. } | SendError::Exhausted { .. } => {
                            Duration::from_secs(1 << failures.min(6))
                        }
                    }
                }
            };
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(pause) => {}
            }
        }
    }
}

impl Channel for Telegram {
    fn kind(&self) -> &'static str {
        "telegram"
    }

    fn spacing(&self) -> Millis {
        Millis::from_secs(1)
    }

    fn probe(&self) -> BoxFuture<'_, Option<Result<Receipt, SendError>>> {
        Box::pin(async {
            let bot = self.call("getMe", &json!({})).await;
            let name = |bot: Value| bot.get("username").and_then(Value::as_str).unwrap_or_default().to_owned();
            let known = self.lang.pick("Telegram knows the bot", "Telegram 认识该机器人");
            Some(bot.map(|bot| Receipt::new(format!("{known} @{}", one_line(&name(bot))))))
        })
    }

    fn send<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Result<Receipt, SendError>> {
        Box::pin(async move {
            let result = self.call("sendMessage", &self.payload(message)).await?;
            let id = result.get("message_id").map(ToString::to_string).unwrap_or_default();
            Ok(Receipt::new(format!("message {id}")))
        })
    }

    fn listen(self: Arc<Self>, decisions: Arc<dyn Decide>, stop: CancellationToken) -> Option<BoxFuture<'static, ()>> {
        Some(Box::pin(async move { self.poll_until(decisions.as_ref(), &stop).await }))
    }
}
