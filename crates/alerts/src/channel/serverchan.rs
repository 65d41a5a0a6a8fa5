//! `serverchan`: ServerChan (Server酱), both generations, told apart by their keys.
//!
//! Turbo (`SCT…`): `https://sctapi.ftqq.com/KEY.send`; ServerChan³ (`sctp<uid>t…`): `https://<uid>.push.ft07.com/send/KEY.send`.
//! The free plan takes five messages a day, so the day's last ones are kept for what is urgent.

use super::{Channel, Receipt, SendError};
use crate::http::call;
use crate::markup::Markup;
use crate::message::Message;
use crate::shared_file::SharedFile;
use futures_util::future::BoxFuture;
use reqwest::Client;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::path::PathBuf;
use tmuxagent_clock as clock;
use tmuxagent_model::{Millis, Timestamp, Urgency};
use tmuxagent_text::plain::cut_chars;

const TITLE_CHARS: usize = 32;
const BODY_LIMIT: usize = 32 * 1024;
const DAY: i64 = 86_400_000;
/// The service counts days in China's time.
const CHINA: i64 = 8 * 3_600_000;

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
        let trouble = |e: std::io::Error| SendError::retry(format!("can't read the day's count: {e}"));
        let now = clock::wall();
        // The lock is not held while sending: a count too high by a failed message is better than a blocked process.
        {
            let mut file = SharedFile::lock(&self.count).await.map_err(trouble)?;
            let mut budget: Budget = file.read().map_err(trouble)?.unwrap_or_default();
            budget.take(self.per_day, message.urgency, now)?;
            file.write(&budget).map_err(trouble)?;
        }
        let title = cut_chars(&Markup::Markdown.text(&message.title), TITLE_CHARS);
        let body = message.render_body(Markup::Markdown, BODY_LIMIT);
        let form = [("title", title), ("desp", body), ("noip", "1".to_owned())];
        let answer = call(self.client.post(self.url.expose_secret()).form(&form)).await?;
        let json = answer.json();
        let code = json.get("code").or_else(|| json.get("errno")).and_then(Value::as_i64);
        let said = json.get("message").and_then(Value::as_str).unwrap_or_default();
        match code {
            Some(0) => {
                let id = json.pointer("/data/pushid").map(ToString::to_string).unwrap_or_default();
                Ok(Receipt::new(format!("queued, pushid {id}")))
            }
            _ if said.contains("次数限制") || answer.status == 471 => {
                let mut file = SharedFile::lock(&self.count).await.map_err(trouble)?;
                file.write(&Budget::spent(now)).map_err(trouble)?;
                Err(exhausted(now, "ServerChan's limit for today is reached"))
            }
            Some(40001) => {
                Err(SendError::refused(answer.sentence(), "the key is wrong; copy it from the service's page"))
            }
            _ => {
                answer.check_status()?;
                Err(SendError::refused(answer.sentence(), "ServerChan did not take the message"))
            }
        }
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
    fn take(&mut self, per_day: u32, urgency: Urgency, now: Timestamp) -> Result<(), SendError> {
        let today = (now.0 + CHINA).div_euclid(DAY);
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
            return Err(exhausted(now, "ServerChan's budget for today is spent"));
        }
        if left <= kept {
            let after = Some(until_tomorrow(now));
            let what = "the rest of ServerChan's budget for today is kept for what is urgent".to_owned();
            return Err(SendError::Retry { what, after });
        }
        self.sent += 1;
        Ok(())
    }

    /// A budget that the service itself says is spent.
    const fn spent(now: Timestamp) -> Self {
        Self { day: (now.0 + CHINA).div_euclid(DAY), sent: u32::MAX }
    }
}

fn exhausted(now: Timestamp, what: &str) -> SendError {
    SendError::Exhausted { what: what.to_owned(), pause: until_tomorrow(now) }
}

fn until_tomorrow(now: Timestamp) -> Millis {
    Millis(u64::try_from(DAY - (now.0 + CHINA).rem_euclid(DAY)).unwrap_or(0))
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
        let mut take = |urgency| budget.take(5, urgency, now).is_ok();
        assert_eq!(
            [take(Urgency::Low), take(Urgency::Low), take(Urgency::Low), take(Urgency::Low)],
            [true, true, true, false]
        );
        assert_eq!([take(Urgency::Normal), take(Urgency::Normal)], [true, false]);
        assert_eq!([take(Urgency::High), take(Urgency::High)], [true, false]);
        let tomorrow = now + until_tomorrow(now);
        assert!(budget.take(5, Urgency::Low, Timestamp(tomorrow.0 - 1)).is_err());
        assert!(budget.take(5, Urgency::Low, tomorrow).is_ok());
    }
}
