//! A chat service on the loopback that takes, hangs or refuses, and a phone that opens what it was sent.

use super::{PATIENCE, wait_for};
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use std::sync::{Arc, Mutex};
use tokio::runtime::Runtime;

/// How the service answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    /// Takes the message, as WeCom says it.
    Takes,
    /// Accepts the connection and never answers.
    Hangs,
    /// Answers with HTTP 503.
    Fails,
}

/// A service that keeps what it took. Ends when dropped.
pub struct Service {
    /// `http://127.0.0.1:PORT`.
    pub base: String,
    inner: Arc<Inner>,
    _runtime: Runtime,
}

struct Inner {
    mood: Mutex<Mood>,
    taken: Mutex<Vec<String>>,
    asked: Mutex<usize>,
}

impl Service {
    /// A service in that mood on a port of its own.
    pub fn start(mood: Mood) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).expect("a port");
        let base = format!("http://{}", listener.local_addr().expect("an address"));
        let inner = Arc::new(Inner { mood: Mutex::new(mood), taken: Mutex::default(), asked: Mutex::default() });
        let router = axum::Router::new().fallback(answer).with_state(Arc::clone(&inner));
        runtime.spawn(async move { axum::serve(listener, router).await });
        Self { base, inner, _runtime: runtime }
    }

    /// From now on it answers like this.
    pub fn turn(&self, mood: Mood) {
        *self.inner.mood.lock().expect("sound") = mood;
    }

    /// How often it was asked, whatever it answered.
    pub fn asked(&self) -> usize {
        *self.inner.asked.lock().expect("sound")
    }

    /// The messages that it took, as text.
    pub fn taken(&self) -> Vec<String> {
        self.inner.taken.lock().expect("sound").clone()
    }

    /// Waits for a message that holds `part`.
    pub fn wait(&self, part: &str) -> String {
        wait_for(PATIENCE, &format!("a message with {part:?}"), || {
            self.taken().into_iter().find(|message| message.contains(part))
        })
    }
}

async fn answer(State(inner): State<Arc<Inner>>, request: Request) -> Response {
    *inner.asked.lock().expect("sound") += 1;
    let body = axum::body::to_bytes(request.into_body(), 1 << 20).await.unwrap_or_default();
    let mood = *inner.mood.lock().expect("sound");
    match mood {
        Mood::Hangs => std::future::pending().await,
        Mood::Fails => axum::http::StatusCode::SERVICE_UNAVAILABLE.into_response(),
        Mood::Takes => {
            let value: Value = serde_json::from_slice(&body).unwrap_or_default();
            let text = value.pointer("/markdown/content").or_else(|| value.pointer("/text/content"));
            let text = text.and_then(Value::as_str).map_or_else(|| value.to_string(), str::to_owned);
            inner.taken.lock().expect("sound").push(text);
            r#"{"errcode":0,"errmsg":"ok"}"#.into_response()
        }
    }
}

/// A page as a phone gets it.
#[derive(Debug)]
pub struct Page {
    /// The HTTP status.
    pub status: u16,
    /// The cookie that came with it, `name=value`.
    pub cookie: String,
    /// The page.
    pub html: String,
}

/// A browser without a screen.
pub struct Phone {
    runtime: Runtime,
    client: reqwest::Client,
}

impl Phone {
    /// A phone that goes through no proxy.
    pub fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let limit = tmuxagent_model::Millis::from_secs(30);
        let client = tmuxagent_alerts::http::client(&Default::default(), limit).expect("a client");
        Self { runtime, client }
    }

    fn send(&self, request: reqwest::RequestBuilder) -> Page {
        self.try_send(request).expect("an answer")
    }

    /// `None` when there is no answer, or only a part of it.
    fn try_send(&self, request: reqwest::RequestBuilder) -> Option<Page> {
        self.runtime.block_on(async {
            let response = request.send().await.ok()?;
            let status = response.status().as_u16();
            let cookie = response.headers().get("set-cookie").and_then(|value| value.to_str().ok()).unwrap_or_default();
            let cookie = cookie.split(';').next().unwrap_or_default().to_owned();
            Some(Page { status, cookie, html: response.text().await.ok()? })
        })
    }

    /// Opens a page.
    pub fn get(&self, url: &str) -> Page {
        self.send(self.client.get(url).header("user-agent", "Slackbot-LinkExpanding 1.0"))
    }

    /// As [`Phone::get`], where the server may die.
    pub fn try_get(&self, url: &str) -> Option<Page> {
        self.try_send(self.client.get(url))
    }

    /// As [`Phone::post`], where the server may die.
    pub fn try_post(&self, url: &str, cookie: &str, form: &[(&str, &str)]) -> Option<Page> {
        self.try_send(self.form(url, cookie, form))
    }

    /// Asks for the headers only.
    pub fn head(&self, url: &str) -> Page {
        self.send(self.client.head(url))
    }

    /// Sends a form as a page of that origin would.
    pub fn post(&self, url: &str, cookie: &str, form: &[(&str, &str)]) -> Page {
        self.send(self.form(url, cookie, form))
    }

    fn form(&self, url: &str, cookie: &str, form: &[(&str, &str)]) -> reqwest::RequestBuilder {
        let request = self.client.post(url).form(form).header("cookie", cookie);
        request.header("origin", "null").header("sec-fetch-site", "same-origin")
    }

    /// Opens the page of a link and presses a button.
    pub fn press(&self, url: &str, verdict: &str) -> Page {
        let page = self.get(url);
        let nonce = page.html.split("name=\"nonce\" value=\"").nth(1).and_then(|rest| rest.split('"').next());
        let Some(nonce) = nonce else { return page };
        self.post(url, &page.cookie, &[("nonce", nonce), ("verdict", verdict)])
    }
}

/// Every link in a message.
pub fn links(message: &str) -> Vec<String> {
    let ends = |c: char| c.is_whitespace() || matches!(c, ')' | '"' | '>' | ']');
    let starts = message.match_indices("http").map(|(at, _)| &message[at..]);
    starts.filter_map(|rest| rest.split(ends).next()).map(str::to_owned).collect()
}
