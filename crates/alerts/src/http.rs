//! The one place where HTTP clients are made: rustls with ring, direct unless a channel asks for a proxy.

use super::channel::SendError;
use reqwest::{Client, Response};
use std::time::Duration;
use tmuxagent_model::Millis;

/// The time limit of one request, and of a channel's whole attempt.
pub const TIMEOUT: Millis = Millis::from_secs(15);

/// How a channel reaches its service.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum ProxyChoice {
    /// Directly, whatever the environment says: proxies of a shell are for other purposes and break services that check
    /// the sender's address.
    #[default]
    Direct,
    /// As `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` say.
    Inherit,
    /// Through this proxy: `http://`, `https://`, `socks5://` or `socks5h://`.
    Url(String),
}

/// Installs the TLS provider of the process; doing it again changes nothing.
pub fn install_tls() {
    // The error says only that one is installed already.
    let _already = rustls::crypto::ring::default_provider().install_default();
}

/// A client that goes through `proxy` and gives up after `timeout`.
///
/// # Errors
/// When the proxy's URL is none, or the system's certificates can't be read.
pub fn client(proxy: &ProxyChoice, timeout: Millis) -> Result<Client, reqwest::Error> {
    install_tls();
    let builder = Client::builder()
        .user_agent(concat!("tmuxagent/", env!("CARGO_PKG_VERSION")))
        .timeout(timeout.to_std())
        .connect_timeout(timeout.to_std().min(Duration::from_secs(10)))
        // A service that redirects a POST is not the service; the secret in the URL stays here.
        .redirect(reqwest::redirect::Policy::none())
        .referer(false);
    match proxy {
        ProxyChoice::Direct => builder.no_proxy(),
        ProxyChoice::Inherit => builder,
        ProxyChoice::Url(url) => builder.no_proxy().proxy(reqwest::Proxy::all(url.as_str())?),
    }
    .build()
}

/// What a service answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// `Retry-After` in seconds, where it says so.
    pub retry_after: Option<u64>,
    /// The body, at most 64 KiB, lossy UTF-8.
    pub text: String,
}

impl Answer {
    /// The body as JSON; null when it is none.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.text).unwrap_or_default()
    }

    /// The failure that the status alone tells of, for services that say no more.
    ///
    /// # Errors
    /// For every status but 2xx.
    pub fn check_status(&self) -> Result<(), SendError> {
        match self.status {
            200..=299 => Ok(()),
            408 | 425 | 429 => Err(SendError::retry_after(self.sentence(), self.retry_after)),
            500..=599 => Err(SendError::retry_after(self.sentence(), self.retry_after)),
            301..=308 => Err(SendError::refused(self.sentence(), "the address redirects; configure the final address")),
            401 | 403 => Err(SendError::refused(self.sentence(), "check the channel's key or token")),
            404 | 410 => Err(SendError::refused(self.sentence(), "check the channel's address")),
            _ => Err(SendError::refused(self.sentence(), "check the channel's configuration")),
        }
    }

    /// Status and beginning of the body, for people.
    #[must_use]
    pub fn sentence(&self) -> String {
        let text = tmuxagent_text::plain::cut_bytes(&tmuxagent_text::plain::one_line(&self.text), 200);
        if text.is_empty() { format!("HTTP {}", self.status) } else { format!("HTTP {}: {text}", self.status) }
    }
}

/// Sends a request and reads its answer.
///
/// # Errors
/// [`SendError::Retry`] when there is no answer; its text names no URL, since a URL may be the secret.
pub async fn call(request: reqwest::RequestBuilder) -> Result<Answer, SendError> {
    let response = request.send().await.map_err(unreachable_service)?;
    let status = response.status().as_u16();
    let retry_after =
        response.headers().get(reqwest::header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse().ok());
    let text = body(response).await?;
    Ok(Answer { status, retry_after, text })
}

async fn body(mut response: Response) -> Result<String, SendError> {
    const LIMIT: usize = 64 * 1024;
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(unreachable_service)? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() >= LIMIT {
            bytes.truncate(LIMIT);
            break;
        }
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The sentence for a request without an answer.
fn unreachable_service(error: reqwest::Error) -> SendError {
    let error = error.without_url();
    let what = if error.is_timeout() {
        "no answer in time".to_owned()
    } else {
        let mut text = if error.is_connect() { "can't connect".to_owned() } else { error.to_string() };
        let mut cause = std::error::Error::source(&error);
        while let Some(inner) = cause {
            text = format!("{text}: {inner}");
            cause = inner.source();
        }
        text
    };
    if error.is_builder() { SendError::refused(what, "check the channel's address") } else { SendError::retry(what) }
}
