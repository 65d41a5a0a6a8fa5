//! `wecom_app`: messages of an in-house WeCom application to members.
//!
//! Source: developer.work.weixin.qq.com/document/path/90236 (message/send), 91039 (gettoken), 90455 (error codes). The
//! access token lives two hours, must be cached and may end early; it is shared by all processes in a file of mode 0600,
//! refreshed when a tenth of its life is left, and once more when the service says that it is no longer good.

use super::wecom::judge;
use super::{Channel, Receipt, SendError};
use crate::http::call;
use crate::markup::Markup;
use crate::message::Message;
use crate::shared_file::SharedFile;
use futures_util::future::BoxFuture;
use reqwest::Client;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::path::PathBuf;
use tmuxagent_clock as clock;
use tmuxagent_model::{Millis, Timestamp};

const TEXT_LIMIT: usize = 2048;

/// Who gets the messages; each `|`-separated ids as the service wants them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receivers {
    /// Members, or `@all`.
    pub to_user: String,
    /// Departments.
    pub to_party: String,
    /// Tags.
    pub to_tag: String,
}

impl Default for Receivers {
    fn default() -> Self {
        Self { to_user: "@all".to_owned(), to_party: String::new(), to_tag: String::new() }
    }
}

/// The application's credentials.
pub struct Credentials {
    /// The company.
    pub corp_id: String,
    /// The application.
    pub agent_id: u64,
    /// Its secret.
    pub secret: SecretString,
}

/// An in-house application.
pub struct WecomApp {
    client: Client,
    base_url: String,
    credentials: Credentials,
    receivers: Receivers,
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
    /// An application that keeps its token in `cache`.
    #[must_use]
    pub fn new(client: Client, base_url: &str, credentials: Credentials, receivers: Receivers, cache: PathBuf) -> Self {
        Self { client, base_url: base_url.trim_end_matches('/').to_owned(), credentials, receivers, cache }
    }

    fn owner(&self) -> String {
        format!("{} {} {}", self.base_url, self.credentials.corp_id, self.credentials.agent_id)
    }

    /// The shared token; asks for a new one when there is none, it ends soon, or it is `bad`. Other processes wait
    /// meanwhile and then use the new one.
    async fn token(&self, bad: Option<&str>) -> Result<String, SendError> {
        let trouble = |error: std::io::Error| {
            SendError::retry(format!("can't use the token file {}: {error}", self.cache.display()))
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
        let body = judge(&call(request).await?)?;
        let token = body.get("access_token").and_then(Value::as_str).filter(|token| !token.is_empty());
        let token = token.ok_or_else(|| SendError::retry("WeCom gave no access token"))?.to_owned();
        let life = body.get("expires_in").and_then(Value::as_u64).unwrap_or(7200);
        let expires = clock::wall() + Millis::from_secs(life - life / 10);
        file.write(&Token { owner: self.owner(), token: token.clone(), expires }).map_err(trouble)?;
        Ok(token)
    }

    async fn post(&self, token: &str, payload: &Value) -> Result<Result<Value, SendError>, Stale> {
        let url = format!("{}/cgi-bin/message/send", self.base_url);
        let answer = match call(self.client.post(url).query(&[("access_token", token)]).json(payload)).await {
            Ok(answer) => answer,
            Err(error) => return Ok(Err(error)),
        };
        match answer.json().get("errcode").and_then(Value::as_i64) {
            Some(40014 | 42001 | 41001) => Err(Stale),
            _ => Ok(judge(&answer)),
        }
    }

    async fn deliver(&self, message: &Message) -> Result<Receipt, SendError> {
        let payload = self.payload(message);
        let token = self.token(None).await?;
        let body = match self.post(&token, &payload).await {
            Ok(body) => body?,
            Err(Stale) => {
                let fresh = self.token(Some(&token)).await?;
                let stale = "WeCom refuses a token that it just gave";
                self.post(&fresh, &payload).await.map_err(|Stale| SendError::retry(stale))??
            }
        };
        let text = |key: &str| body.get(key).and_then(Value::as_str).unwrap_or_default();
        let mut answer = format!("msgid {}", text("msgid"));
        for key in ["invaliduser", "invalidparty", "invalidtag", "unlicenseduser"] {
            if !text(key).is_empty() {
                answer = format!("{answer}; {key}: {}", tmuxagent_text::plain::one_line(text(key)));
            }
        }
        Ok(Receipt::new(answer))
    }

    /// Text rather than markdown: it is also seen in the WeChat plug-in, and its `<a>` is the only link there.
    fn payload(&self, message: &Message) -> Value {
        json!({
            "touser": self.receivers.to_user, "toparty": self.receivers.to_party, "totag": self.receivers.to_tag,
            "msgtype": "text", "agentid": self.credentials.agent_id,
            "text": {"content": message.render(Markup::Plain, TEXT_LIMIT)},
            // A message sent again after an answer was lost is dropped by the service.
            "enable_duplicate_check": 1, "duplicate_check_interval": 600,
        })
    }
}

/// The token is no longer good.
struct Stale;

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
            Some(token.map(|_| Receipt::new("WeCom knows the application; the trusted IPs only a real message tells")))
        })
    }

    fn send<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Result<Receipt, SendError>> {
        Box::pin(self.deliver(message))
    }
}
