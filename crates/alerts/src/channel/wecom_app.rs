//! `wecom_app`: messages of an in-house WeCom application to members.
//!
//! Source: developer.work.weixin.qq.com/document/path/90236 (message/send), 91039 (gettoken); [`super::wecom_answers`] for
//! what they answer. The access token lives two hours, must be cached and may end early; it is shared by all processes in a
//! file of mode 0600, refreshed when a tenth of its life is left, and once more when the service says that it is no longer
//! good.

use super::answer::Verdict;
use super::wecom::Format;
use super::wecom_answers::{GET_TOKEN, SEND};
use super::{Channel, Receipt, SendError};
use crate::http::call;
use crate::markup::Markup;
use crate::message::{Form, Message};
use crate::shared_file::SharedFile;
use futures_util::future::BoxFuture;
use reqwest::Client;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::path::PathBuf;
use tmuxagent_clock as clock;
use tmuxagent_model::{Millis, Timestamp};
use tmuxagent_text::Lang;
use tmuxagent_text::plain::one_line;

/// The most bytes of a message, as text and as markdown.
const LIMIT: usize = 2048;

/// Who gets the messages; each `|`-separated ids as the service wants them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receivers {
    /// Members, or `@all`.
    pub to_user: String,
    /// Numbers of departments; empty: none.
    pub to_party: String,
    /// Numbers of tags; empty: none.
    pub to_tag: String,
}

impl Receivers {
    /// Whether somebody is left but for those whom the service names as not reached: members, departments, tags.
    fn any_but(&self, missed: [&[&str]; 3]) -> bool {
        let named = [&self.to_user, &self.to_party, &self.to_tag].map(String::as_str);
        named.into_iter().zip(missed).any(|(named, missed)| {
            let is_missed =
                |id: &str| missed.iter().any(|ids| ids.split('|').any(|other| other.trim().eq_ignore_ascii_case(id)));
            named.split('|').map(str::trim).any(|id| !id.is_empty() && !is_missed(id))
        })
    }
}

impl Default for Receivers {
    fn default() -> Self {
        Self { to_user: "@all".to_owned(), to_party: String::new(), to_tag: String::new() }
    }
}

/// The application's credentials.
pub struct Credentials {
    /// The id of the company, as its settings show it.
    pub corp_id: String,
    /// The number of the application.
    pub agent_id: u64,
    /// The application's secret, with which tokens are fetched.
    pub secret: SecretString,
}

/// An in-house application.
pub struct WecomApp {
    client: Client,
    base_url: String,
    credentials: Credentials,
    receivers: Receivers,
    /// How messages look; `None`: as each was written.
    format: Option<Format>,
    lang: Lang,
    /// Where the access token is kept; one file per application.
    cache: PathBuf,
}

/// What the cache file holds.
#[derive(Serialize, Deserialize)]
struct Token {
    /// For which application and service it was issued.
    owner: String,
    token: String,
    expires: Timestamp,
}

impl WecomApp {
    /// An application that keeps its token in `cache`. Without a `format`, Markdown stays Markdown and the rest is text.
    #[must_use]
    pub fn new(
        client: Client,
        base_url: &str,
        credentials: Credentials,
        receivers: Receivers,
        format: Option<Format>,
        cache: PathBuf,
        lang: Lang,
    ) -> Self {
        let base_url = base_url.trim_end_matches('/').to_owned();
        Self { client, base_url, credentials, receivers, format, lang, cache }
    }

    fn owner(&self) -> String {
        format!("{} {} {}", self.base_url, self.credentials.corp_id, self.credentials.agent_id)
    }

    /// The shared token; asks for a new one when there is none, it ends soon, or it is `bad`. Other processes wait
    /// meanwhile and then use the new one.
    async fn token(&self, bad: Option<&str>) -> Result<String, SendError> {
        let trouble = |error: std::io::Error| {
            let what = self.lang.pick("can't use the token file", "无法使用令牌文件");
            SendError::retry(format!("{what} {}: {error}", self.cache.display()))
        };
        let mut file = SharedFile::lock(&self.cache).await.map_err(trouble)?;
        let kept: Option<Token> = file.read().map_err(trouble)?;
        if let Some(kept) = kept
            && kept.owner == self.owner()
            && kept.expires > clock::wall()
            && bad != Some(kept.token.as_str())
        {
            return Ok(kept.token);
        }
        let query =
            [("corpid", self.credentials.corp_id.as_str()), ("corpsecret", self.credentials.secret.expose_secret())];
        let request = self.client.get(format!("{}/cgi-bin/gettoken", self.base_url)).query(&query);
        let answer = call(request, self.lang).await?;
        GET_TOKEN.check(&answer, self.lang)?;
        let body = answer.json();
        let token = body.get("access_token").and_then(Value::as_str).filter(|token| !token.is_empty());
        let token = token
            .ok_or_else(|| SendError::retry(self.lang.pick("WeCom gave no access token", "企业微信没有给出令牌")))?
            .to_owned();
        let life = body.get("expires_in").and_then(Value::as_u64).unwrap_or(7200);
        let expires = clock::wall() + Millis::from_secs(life - life / 10);
        file.write(&Token { owner: self.owner(), token: token.clone(), expires }).map_err(trouble)?;
        Ok(token)
    }

    /// Forgets the shared token, where it is still this one: it was refused although it is fresh, and the next message fetches
    /// another.
    async fn forget(&self, bad: String) -> std::io::Result<()> {
        let mut file = SharedFile::lock(&self.cache).await?;
        match file.read::<Token>()? {
            Some(kept) if kept.token == bad => file.write(&Token { expires: Timestamp(0), ..kept }),
            _ => Ok(()),
        }
    }

    /// Posts with a token; the answer and what it means.
    async fn post(&self, token: &str, payload: &Value) -> Result<(Verdict, Value), SendError> {
        let url = format!("{}/cgi-bin/message/send", self.base_url);
        let request = self.client.post(url).query(&[("access_token", token)]).json(payload);
        let answer = call(request, self.lang).await?;
        Ok((SEND.judge(&answer, self.lang), answer.json()))
    }

    async fn deliver(&self, message: &Message) -> Result<Receipt, SendError> {
        let payload = self.payload(message);
        let token = self.token(None).await?;
        let (mut verdict, mut body) = self.post(&token, &payload).await?;
        if let Verdict::Renew(_) = verdict {
            let fresh = self.token(Some(&token)).await?;
            (verdict, body) = self.post(&fresh, &payload).await?;
            if let Verdict::Renew(_) = verdict
                && let Err(error) = self.forget(fresh).await
            {
                tracing::debug!(%error, "wecom_app");
            }
        }
        verdict.result()?;
        let text = |key: &str| body.get(key).and_then(Value::as_str).unwrap_or_default();
        if !self.receivers.any_but([
            &[text("invaliduser"), text("unlicenseduser")],
            &[text("invalidparty")],
            &[text("invalidtag")],
        ]) {
            let what = self.lang.pick("WeCom took it, and sent it to nobody", "企业微信已受理，但没有发给任何人");
            let fix = self.lang.pick(
                "`to_user`, `to_party` and `to_tag` name nobody who sees the application; check them, and its visible range",
                "`to_user`、`to_party`、`to_tag` 里没有应用可见范围内的成员；请检查它们与应用的可见范围",
            );
            return Err(SendError::refused(format!("{what}: {}", one_line(&body.to_string())), fix));
        }
        let mut answer = format!("msgid {}", text("msgid"));
        for key in ["invaliduser", "invalidparty", "invalidtag", "unlicenseduser"] {
            if !text(key).is_empty() {
                answer = format!("{answer}; {key}: {}", one_line(text(key)));
            }
        }
        Ok(Receipt::new(answer))
    }

    /// Text rather than markdown where nobody asked for markdown: it is also seen in the WeChat plug-in.
    fn payload(&self, message: &Message) -> Value {
        let written = match message.form {
            Form::Markdown => Format::Markdown,
            Form::Plain => Format::Text,
        };
        let (kind, markup) = match self.format.unwrap_or(written) {
            Format::Markdown => ("markdown", Markup::Wecom),
            Format::Text => ("text", Markup::Plain),
        };
        let mut body = json!({
            "touser": self.receivers.to_user, "toparty": self.receivers.to_party, "totag": self.receivers.to_tag,
            "msgtype": kind, "agentid": self.credentials.agent_id,
            // A message sent again after an answer was lost is dropped by the service.
            "enable_duplicate_check": 1, "duplicate_check_interval": 600,
        });
        if let Some(map) = body.as_object_mut() {
            map.insert(kind.to_owned(), json!({"content": message.render(markup, LIMIT)}));
        }
        body
    }
}

impl Channel for WecomApp {
    fn kind(&self) -> &'static str {
        "wecom_app"
    }

    fn spacing(&self) -> Millis {
        Millis::from_secs(2)
    }

    fn probe(&self) -> BoxFuture<'_, Option<Result<Receipt, SendError>>> {
        Box::pin(async {
            let token = self.token(None).await;
            let known = self.lang.pick(
                "WeCom knows the application; the trusted IPs only a real message tells",
                "企业微信认识该应用；可信 IP 只有真正发送时才知道",
            );
            Some(token.map(|_| Receipt::new(known)))
        })
    }

    fn send<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Result<Receipt, SendError>> {
        Box::pin(self.deliver(message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_left_of_those_that_were_named() {
        let receivers = |users: &str, parties: &str, tags: &str| Receivers {
            to_user: users.to_owned(),
            to_party: parties.to_owned(),
            to_tag: tags.to_owned(),
        };
        for (receivers, users, unlicensed, parties, left) in [
            (receivers("me", "", ""), "", "", "", true),
            (receivers("me", "", ""), "ME", "", "", false),
            (receivers("me|mei", "", ""), "mei", "", "", true),
            (receivers("me|mei", "", ""), "me", "mei", "", false),
            (receivers("me", "2", ""), "me", "", "", true),
            (receivers("me", "2", ""), "me", "", "2", false),
            (receivers("", "2", "7"), "", "", "2", true),
            (Receivers::default(), "", "", "", true),
        ] {
            assert_eq!(receivers.any_but([&[users, unlicensed], &[parties], &[]]), left, "{receivers:?} {users}");
        }
    }
}
