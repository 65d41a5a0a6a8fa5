//! `wecom`: the WeCom group robot (message push webhook).
//!
//! Source: developer.work.weixin.qq.com/document/path/91770 and 90455 (error codes). Twenty messages per minute and
//! robot; markdown up to 4096 bytes, text up to 2048; an answer is judged by `errcode`, which also comes with HTTP 200.

use super::{Channel, Receipt, SendError};
use crate::http::{Answer, call};
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

/// How the robot's messages look.
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
            let answer = call(request).await?;
            judge(&answer)?;
            Ok(Receipt::new("errcode 0"))
        })
    }
}

/// Whether WeCom took it: `errcode` 0.
///
/// # Errors
/// What the code means and what to do.
pub fn judge(answer: &Answer) -> Result<Value, SendError> {
    let body = answer.json();
    let Some(code) = body.get("errcode").and_then(Value::as_i64) else {
        answer.check_status()?;
        return Err(SendError::retry(format!("not WeCom's answer: {}", answer.sentence())));
    };
    if code == 0 {
        return Ok(body);
    }
    let said = body.get("errmsg").and_then(Value::as_str).unwrap_or_default();
    Err(explain(code, said))
}

/// What WeCom's error code means, with what to do. `said` is its own text, only shown.
#[must_use]
pub fn explain(code: i64, said: &str) -> SendError {
    let said = tmuxagent_text::plain::cut_bytes(&tmuxagent_text::plain::one_line(said), 160);
    let what = if said.is_empty() { format!("WeCom code {code}") } else { format!("WeCom code {code}: {said}") };
    let fix = match code {
        -1 => return SendError::retry(what),
        45009 | 45033 | 846_607 => return SendError::retry_after(what, Some(60)),
        // Refreshing the token is the app channel's affair; here it is simply tried again.
        40014 | 41001 | 42001 => return SendError::retry(what),
        40001 => "the secret does not belong to this corp id; copy the app's secret again",
        40003 | 81013 => "no receiver is valid; check `to_user`, `to_party`, `to_tag` and the app's visible range",
        40013 => "the corp id is wrong; it stands under My Company in the admin console",
        40008 => "this kind of message is not allowed there",
        40056 | 40058 => "the message was refused as too long or malformed; please report this",
        40068 | 40066 => "a tag or party does not exist; check `to_tag` and `to_party`",
        44004 => "the message was empty",
        48002 => "the app may not use this interface; check its permissions",
        60011 => "the app may not see this receiver; widen its visible range",
        60020 => {
            let address = address_in(&said).map_or_else(String::new, |ip| format!(" ({ip})"));
            return SendError::refused(
                what,
                format!(
                    "add this machine's public address{address} to the app's trusted IPs in the admin console, or use \
                     `wecom` or `wecom_bot`, which need none"
                ),
            );
        }
        301_002 => "the agent id does not belong to this secret; check `agent_id`",
        93000 => "the webhook key is wrong or the robot was removed; copy the address again",
        93004 | 93008 => "the robot was removed from the group or disabled; add it again",
        93017 | 93018 => "the robot may not send this to the group; check its settings",
        _ => "see the table of error codes in WeCom's documents (path 90313)",
    };
    SendError::refused(what, fix)
}

/// The first IPv4 or IPv6 address in WeCom's text (`… from ip: 203.0.113.9`).
fn address_in(text: &str) -> Option<std::net::IpAddr> {
    text.split(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | '(' | ')' | '[' | ']'))
        .find_map(|word| word.trim_end_matches('.').parse().ok())
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

    #[test]
    fn the_address_to_allow_is_named() {
        let error =
            explain(60020, "not allow to access from your ip, hint: [17], from ip: 203.0.113.9, more info at x");
        assert!(error.to_string().contains("add this machine's public address (203.0.113.9)"), "{error}");
    }

    #[test]
    fn passing_troubles_are_tried_again() {
        for code in [-1, 45009, 42001, 40014] {
            assert!(matches!(explain(code, ""), SendError::Retry { .. }), "{code}");
        }
        for code in [40001, 60020, 93000, 81013, 12345] {
            assert!(matches!(explain(code, ""), SendError::Refused { .. }), "{code}");
        }
    }
}
