//! A chat service with buttons on the loopback, that delivers a press again until it is told that it was taken.

use super::{PATIENCE, wait_for};
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::runtime::Runtime;

/// Telegram, as far as a bot with one chat needs it. Ends when dropped.
pub struct Telegram {
    /// `http://127.0.0.1:PORT`.
    pub base: String,
    inner: Arc<Mutex<Inner>>,
    _runtime: Runtime,
}

#[derive(Default)]
struct Inner {
    /// The keys of the yes buttons that were sent.
    buttons: Vec<String>,
    /// Presses that nobody confirmed yet, with their numbers.
    presses: Vec<(i64, String)>,
    last: i64,
    /// What was said to those who pressed.
    said: String,
}

impl Telegram {
    /// A service on a port of its own.
    pub fn start() -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).expect("a port");
        let base = format!("http://{}", listener.local_addr().expect("an address"));
        let inner = Arc::new(Mutex::new(Inner::default()));
        let router = axum::Router::new().fallback(answer).with_state(Arc::clone(&inner));
        runtime.spawn(async move { axum::serve(listener, router).await });
        Self { base, inner, _runtime: runtime }
    }

    /// Waits for the yes button of that approval.
    pub fn wait_button(&self, approval: &str) -> String {
        wait_for(PATIENCE, "a button", || {
            let inner = self.inner.lock().expect("sound");
            inner.buttons.iter().rev().find(|key| key.ends_with(approval)).cloned()
        })
    }

    /// A person presses once.
    pub fn press(&self, key: &str) {
        let mut inner = self.inner.lock().expect("sound");
        inner.last += 1;
        let number = inner.last;
        inner.presses.push((number, key.to_owned()));
    }

    /// What was said to those who pressed.
    pub fn said(&self) -> String {
        self.inner.lock().expect("sound").said.clone()
    }

    /// Whether every press was confirmed.
    pub fn is_quiet(&self) -> bool {
        self.inner.lock().expect("sound").presses.is_empty()
    }
}

async fn answer(State(inner): State<Arc<Mutex<Inner>>>, request: Request) -> Response {
    let method = request.uri().path().rsplit('/').next().unwrap_or_default().to_owned();
    let body = axum::body::to_bytes(request.into_body(), 1 << 20).await.unwrap_or_default();
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let result = match method.as_str() {
        "getUpdates" => updates(&inner, body["offset"].as_i64().unwrap_or(0)).await,
        "sendMessage" => {
            let mut inner = inner.lock().expect("sound");
            let key = body.pointer("/reply_markup/inline_keyboard/0/0/callback_data").and_then(Value::as_str);
            inner.buttons.extend(key.map(str::to_owned));
            json!({"message_id": inner.buttons.len()})
        }
        "answerCallbackQuery" => {
            inner.lock().expect("sound").said += body["text"].as_str().unwrap_or_default();
            json!(true)
        }
        _ => json!(true),
    };
    axum::Json(json!({"ok": true, "result": result})).into_response()
}

/// What stands at the offset and behind it; what stands before it was taken.
async fn updates(inner: &Mutex<Inner>, offset: i64) -> Value {
    for _ in 0..20 {
        let found: Vec<Value> = {
            let mut inner = inner.lock().expect("sound");
            inner.presses.retain(|(number, _)| *number >= offset);
            let query = |(number, key): &(i64, String)| {
                let message = json!({"message_id": 1, "chat": {"id": 5}});
                let query = json!({"id": number.to_string(), "from": {"id": 5}, "message": message, "data": key});
                json!({"update_id": number, "callback_query": query})
            };
            inner.presses.iter().map(query).collect()
        };
        if !found.is_empty() {
            return Value::Array(found);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    json!([])
}
