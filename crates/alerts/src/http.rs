//! The one place where HTTP clients are made: rustls with ring, direct unless a channel asks for a proxy.

mod body;
pub(crate) mod trouble;

use super::channel::SendError;
use reqwest::header::{ACCEPT_ENCODING, HeaderMap, HeaderValue};
use reqwest::{Client, Response};
use std::time::Duration;
use tmuxagent_model::Millis;
use tmuxagent_text::Lang;

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
pub(crate) fn install_tls() {
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
        .referer(false)
        // What is compressed all the same is not read: nobody knows what it says.
        .default_headers(HeaderMap::from_iter([(ACCEPT_ENCODING, HeaderValue::from_static("identity"))]));
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
    /// `Content-Type`, in small letters; empty where it says none.
    pub content_type: String,
    /// The body as text, at most 64 KiB; empty where it is none.
    pub text: String,
    /// Whether there is a body that says nothing certain: it is compressed, though nobody asked for that, no text, longer than is
    /// read, or names something twice.
    pub unreadable: bool,
}

impl Answer {
    /// The body as JSON; null when it is none.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.text).unwrap_or_default()
    }

    /// Whether the status is 2xx.
    #[must_use]
    pub(crate) fn is_good(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Whether this is a page for a browser: a login, a proxy's words, an application's start page.
    #[must_use]
    pub(crate) fn is_web_page(&self) -> bool {
        body::is_web_page(&self.text, &self.content_type)
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
/// [`SendError::Retry`] when there is no answer; its text, in words of `lang`, names no URL, since a URL may be the secret.
pub async fn call(request: reqwest::RequestBuilder, lang: Lang) -> Result<Answer, SendError> {
    let trouble = |error| unreachable_service(error, lang);
    let response = request.send().await.map_err(trouble)?;
    let status = response.status().as_u16();
    let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let retry_after = header(reqwest::header::RETRY_AFTER).trim().parse().ok();
    let content_type = header(reqwest::header::CONTENT_TYPE).to_ascii_lowercase();
    let encoding = header(reqwest::header::CONTENT_ENCODING).to_ascii_lowercase();
    let (bytes, whole) = read(response).await.map_err(trouble)?;
    let text = body::text_of(&bytes, &content_type, &encoding);
    // What stands behind the end of what is read may say no. A page is one by its beginning.
    let says = |text: &String| (whole || body::is_web_page(text, &content_type)) && !body::names_twice(text);
    let unreadable = (200..300).contains(&status) && !text.as_ref().is_some_and(says) || text.is_none();
    let text = text.filter(|_| !unreadable).unwrap_or_default();
    Ok(Answer { status, retry_after, content_type, text, unreadable })
}

/// The body as far as it is read, and whether that is all of it.
async fn read(mut response: Response) -> Result<(Vec<u8>, bool), reqwest::Error> {
    const LIMIT: usize = 64 * 1024;
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > LIMIT {
            bytes.truncate(LIMIT);
            return Ok((bytes, false));
        }
    }
    Ok((bytes, true))
}

/// The sentence for a request without an answer.
fn unreachable_service(error: reqwest::Error, lang: Lang) -> SendError {
    let error = error.without_url();
    let what = if error.is_timeout() {
        lang.pick("no answer in time", "未在时限内应答").to_owned()
    } else {
        trouble::sentence(&error, error.is_connect(), lang)
    };
    if error.is_builder() {
        SendError::refused(what, lang.pick("check the channel's address", "请检查该通道的地址"))
    } else {
        SendError::retry(what)
    }
}
