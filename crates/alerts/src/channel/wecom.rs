//! `wecom`: the WeCom group robot (message push webhook).
//!
//! Source: developer.work.weixin.qq.com/document/path/91770. Twenty messages per minute and robot; markdown up to 4096
//! bytes, text up to 2048; an answer is judged by `errcode`, which also comes with HTTP 200, see [`super::wecom_answers`].

use super::wecom_answers::ROBOT;
use super::{Channel, Receipt, SendError};
use crate::http::call;
use crate::markup::Markup;
use crate::message::Message;
use futures_util::future::BoxFuture;
use reqwest::Client;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use tmuxagent_model::Millis;

/// The service's address.
pub const BASE_URL: &str = "https://qyapi.weixin.qq.com";
const MARKDOWN_LIMIT: usize = 4096;
const TEXT_LIMIT: usize = 2048;

/// How messages look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// With headings and colours.
    #[default]
    Markdown,
    /// Plain; also seen in the WeChat plug-in, and can mention by phone number.
    Text,
}

/// A group robot.
pub struct Wecom {
    client: Client,
    url: SecretString,
    format: Format,
    /// User ids to mention; `@all` for everybody (text only).
    mention: Vec<String>,
}

impl Wecom {
    /// A robot behind `webhook`, its whole address or its key alone.
    #[must_use]
    pub fn new(client: Client, base_url: &str, webhook: &str, format: Format, mention: Vec<String>) -> Self {
        Self { client, url: SecretString::from(address(base_url, webhook)), format, mention }
    }

    fn payload(&self, message: &Message) -> Value {
        match self.format {
            Format::Markdown => {
                let names: String = self.mention.iter().map(|id| format!("<@{id}>")).collect();
                let room = MARKDOWN_LIMIT.saturating_sub(names.len() + 1);
                let mut content = message.render(Markup::Wecom, room);
                if !names.is_empty() {
                    content = format!("{content}\n{names}");
                }
                json!({"msgtype": "markdown", "markdown": {"content": content}})
            }
            Format::Text => json!({"msgtype": "text", "text": {
                "content": message.render(Markup::Plain, TEXT_LIMIT), "mentioned_list": self.mention,
            }}),
        }
    }
}

/// The whole address for what users paste: the address itself, or the key alone.
fn address(base_url: &str, webhook: &str) -> String {
    let webhook = webhook.trim();
    if webhook.starts_with("http://") || webhook.starts_with("https://") {
        webhook.to_owned()
    } else {
        format!("{}/cgi-bin/webhook/send?key={webhook}", base_url.trim_end_matches('/'))
    }
}

impl Channel for Wecom {
    fn kind(&self) -> &'static str {
        "wecom"
    }

    fn spacing(&self) -> Millis {
        Millis::from_secs(3)
    }

    fn send<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Result<Receipt, SendError>> {
        Box::pin(async move {
            let request = self.client.post(self.url.expose_secret()).json(&self.payload(message));
            ROBOT.check(&call(request, message.lang).await?, message.lang)?;
            Ok(Receipt::new("errcode 0"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_alone_and_a_whole_address_are_the_same() {
        let whole = "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=abc";
        assert_eq!(address(BASE_URL, " abc\n"), whole);
        assert_eq!(address(BASE_URL, whole), whole);
    }
}
