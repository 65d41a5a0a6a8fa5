//! `serverchan`: ServerChan (Server酱), both generations, told apart by their keys.
//!
//! Turbo (`SCT…`): `https://sctapi.ftqq.com/KEY.send`; ServerChan³ (`sctp<uid>t…`): `https://<uid>.push.ft07.com/send/KEY.send`.
//! The free plan takes five messages a day, so the day's last ones are kept for what is urgent.

use super::answer::{BASE, Both, Row, Table, When, until_tomorrow};
use super::{Channel, Receipt, SendError};
use crate::http::call;
use crate::markup::Markup;
use crate::message::Message;
use crate::shared_file::SharedFile;
use futures_util::future::BoxFuture;
use reqwest::Client;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use tmuxagent_clock as clock;
use tmuxagent_model::{Millis, Timestamp, Urgency};
use tmuxagent_text::Lang;
use tmuxagent_text::plain::cut_chars;

const TITLE_CHARS: usize = 32;
const BODY_LIMIT: usize = 32 * 1024;
/// The service counts days in China's time, hours east of UTC.
const CHINA: i64 = 8;

/// What `.send` answers: `code` 0, in its older form `errno` 0. Source: ServerChan's page on sending (sct.ftqq.com), its SDK,
/// and what users' logs show: one code stands for several things, told apart by its message.
pub static ANSWERS: Table = Table {
    service: Both("ServerChan", "Server酱"),
    code: &["/code", "/errno"],
    words: &["/message", "/errmsg"],
    rows: &[ROWS],
    ..BASE
};

const ROWS: &[Row] = &[
    When::Code(0).delivered(),
    When::Says("次数限制").spent(CHINA, "its limit for today is reached", "今天的发送次数已达上限"),
    When::Status(471).spent(CHINA, "its limit for today is reached", "今天的发送次数已达上限"),
    When::Says("重复发送").later(
        300,
        "the same text was sent a short time ago; it is sent again later",
        "短时间内发送过相同内容；稍后重发",
    ),
    When::CodeSaying(1024, "bad pushtoken")
        .never("the key is wrong; copy it from the service's page", "key 有误；请从服务页面重新复制"),
    When::Code(40001).never("the key is wrong; copy it from the service's page", "key 有误；请从服务页面重新复制"),
    When::OtherCode.never("ServerChan did not take the message; see its words", "Server酱没有接收；请看其说明"),
];

/// A ServerChan receiver.
pub struct ServerChan {
    client: Client,
    url: SecretString,
    per_day: u32,
    /// Where the day's count is kept, shared by all processes with this key.
    count: PathBuf,
}

impl ServerChan {
    /// The receiver of `key`; `base_url` replaces the service's own address. `per_day` messages are sent a day at most.
    #[must_use]
    pub fn new(client: Client, base_url: Option<&str>, key: &str, per_day: u32, count: PathBuf) -> Self {
        Self { client, url: SecretString::from(address(base_url, key.trim())), per_day, count }
    }

    async fn deliver(&self, message: &Message) -> Result<Receipt, SendError> {
        let (now, lang) = (clock::wall(), message.lang);
        let what = lang.pick("can't read the day's count", "无法读取当天的计数");
        let trouble = |e: std::io::Error| SendError::retry(format!("{what}: {e}"));
        // The lock is not held while sending: a count too high by a failed message is better than a blocked process.
        {
            let mut file = SharedFile::lock(&self.count).await.map_err(trouble)?;
            let mut budget: Budget = file.read().map_err(trouble)?.unwrap_or_default();
            budget.take(self.per_day, message.urgency, now, lang)?;
            file.write(&budget).map_err(trouble)?;
        }
        let title = cut_chars(&Markup::Markdown.text(&message.title), TITLE_CHARS);
        let body = message.render_body(Markup::Markdown, BODY_LIMIT);
        let form = [("title", title), ("desp", body), ("noip", "1".to_owned())];
        let answer = call(self.client.post(self.url.expose_secret()).form(&form), lang).await?;
        let judged = ANSWERS.check(&answer, lang);
        if let Err(SendError::Exhausted { .. }) = judged {
            // So that other processes with this key need not ask.
            let mut file = SharedFile::lock(&self.count).await.map_err(trouble)?;
            file.write(&Budget::spent(now)).map_err(trouble)?;
        }
        judged?;
        let id = answer.json().pointer("/data/pushid").map(ToString::to_string).unwrap_or_default();
        let queued = lang.pick("queued, pushid", "已入队，pushid");
        Ok(Receipt::new(format!("{queued} {id}")))
    }
}

impl Channel for ServerChan {
    fn kind(&self) -> &'static str {
        "serverchan"
    }

    fn spacing(&self) -> Millis {
        Millis::from_secs(2)
    }

    fn send<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Result<Receipt, SendError>> {
        Box::pin(self.deliver(message))
    }
}

/// The address for a key, by its generation.
pub(crate) fn address(base_url: Option<&str>, key: &str) -> String {
    let uid = key.strip_prefix("sctp").map(|rest| rest.chars().take_while(char::is_ascii_digit).collect::<String>());
    let base = base_url.map(|base| base.trim_end_matches('/'));
    match (uid.filter(|uid| !uid.is_empty()), base) {
        (Some(_), Some(base)) => format!("{base}/send/{key}.send"),
        (Some(uid), None) => format!("https://{uid}.push.ft07.com/send/{key}.send"),
        (None, base) => format!("{}/{key}.send", base.unwrap_or("https://sctapi.ftqq.com")),
    }
}

/// What was sent today.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Budget {
    /// The day in China's time, days since 1970.
    day: i64,
    sent: u32,
}

impl Budget {
    /// Takes one message out of the day's budget. The last two fifths are for what is at least normal, the last fifth for
    /// what is urgent.
    fn take(&mut self, per_day: u32, urgency: Urgency, now: Timestamp, lang: Lang) -> Result<(), SendError> {
        let today = day(now);
        if self.day != today {
            *self = Self { day: today, sent: 0 };
        }
        let left = per_day.saturating_sub(self.sent);
        let kept = match urgency {
            Urgency::High => 0,
            Urgency::Normal => per_day / 5,
            Urgency::Low => per_day * 2 / 5,
        };
        if left == 0 {
            let what = lang.pick("ServerChan's budget for today is spent", "Server酱今天的额度已用完");
            return Err(SendError::exhausted(what, until_tomorrow(now, CHINA), lang));
        }
        if left <= kept {
            let after = Some(until_tomorrow(now, CHINA));
            let what = lang.pick(
                "the rest of ServerChan's budget for today is kept for what is urgent",
                "Server酱今天剩余的额度留给紧急消息",
            );
            return Err(SendError::Retry { what: what.to_owned(), after });
        }
        self.sent += 1;
        Ok(())
    }

    /// A budget that the service itself says is spent.
    fn spent(now: Timestamp) -> Self {
        Self { day: day(now), sent: u32::MAX }
    }
}

/// The day in China's time, days since 1970.
const fn day(now: Timestamp) -> i64 {
    (now.0 + CHINA * 3_600_000).div_euclid(86_400_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_generations_have_their_address() {
        assert_eq!(address(None, "SCT1Tabc"), "https://sctapi.ftqq.com/SCT1Tabc.send");
        assert_eq!(address(None, "sctp42tabc"), "https://42.push.ft07.com/send/sctp42tabc.send");
        assert_eq!(address(Some("http://127.0.0.1:1/"), "sctp42tabc"), "http://127.0.0.1:1/send/sctp42tabc.send");
    }

    #[test]
    fn the_last_messages_of_a_day_are_for_what_is_urgent() {
        let now = Timestamp(1_700_000_000_000);
        let mut budget = Budget::default();
        let mut take = |urgency| budget.take(5, urgency, now, Lang::En).is_ok();
        assert_eq!(
            [take(Urgency::Low), take(Urgency::Low), take(Urgency::Low), take(Urgency::Low)],
            [true, true, true, false]
        );
        assert_eq!([take(Urgency::Normal), take(Urgency::Normal)], [true, false]);
        assert_eq!([take(Urgency::High), take(Urgency::High)], [true, false]);
        let tomorrow = now + until_tomorrow(now, CHINA);
        assert!(budget.take(5, Urgency::Low, Timestamp(tomorrow.0 - 1), Lang::En).is_err());
        assert!(budget.take(5, Urgency::Low, tomorrow, Lang::En).is_ok());
    }
}
