//! The model: what it answers stands in the prompt, in double square brackets, one step for each of its turns.
//!
//! `[[say TEXT]]` ends the turn, `[[sh COMMAND]]` runs a command that asks first, `[[ask]]` asks a question, and before the
//! answer of a step `[[sleep SECONDS]]` waits, `[[hold NAME]]` waits until it is let go, `[[talk SECONDS]]` writes text
//! meanwhile, and `[[fail CODE TYPE]]` answers with an error. Claude Code speaks the Messages API, Codex the Responses API,
//! both as server-sent events.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;
use tokio::sync::mpsc::UnboundedSender;

/// A model on a port of its own. Ends when dropped.
pub struct Model {
    pub port: u16,
    inner: Arc<Inner>,
    _runtime: Runtime,
}

#[derive(Default)]
struct Inner {
    /// The prompts of the turns that were asked for, as they came.
    prompts: Mutex<Vec<String>>,
    let_go: Mutex<BTreeSet<String>>,
    number: std::sync::atomic::AtomicU64,
}

impl Model {
    pub fn start() -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let inner = Arc::new(Inner::default());
        let router = axum::Router::new().fallback(answer).with_state(Arc::clone(&inner));
        runtime.spawn(async move { axum::serve(listener, router).await });
        Self { port, inner, _runtime: runtime }
    }

    /// Lets go what waits behind `[[hold NAME]]`.
    pub fn let_go(&self, name: &str) {
        self.inner.let_go.lock().expect("sound").insert(name.to_owned());
    }

    /// How many turns a prompt with this text has begun or gone on with.
    pub fn turns_of(&self, text: &str) -> usize {
        self.inner.prompts.lock().expect("sound").iter().filter(|prompt| prompt.contains(text)).count()
    }
}

/// A step of the script.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Step {
    word: String,
    rest: String,
}

fn steps(prompt: &str) -> Vec<Step> {
    let parts = prompt.split("[[").skip(1).filter_map(|part| part.split_once("]]"));
    let step = |(inside, _): (&str, &str)| {
        let (word, rest) = inside.split_once(' ').unwrap_or((inside, ""));
        Step { word: word.to_owned(), rest: rest.to_owned() }
    };
    parts.map(step).collect()
}

/// What comes before the next answer, and the answer; each result of a tool has passed one step that uses one.
fn next(prompt: &str, results: usize) -> (Vec<Step>, Step) {
    let (mut before, mut passed) = (Vec::new(), 0);
    for step in steps(prompt) {
        match step.word.as_str() {
            "sh" | "ask" if passed < results => {
                passed += 1;
                before.clear();
            }
            "sh" | "ask" | "say" if passed == results => return (before, step),
            "say" => {}
            _ => before.push(step),
        }
    }
    (before, Step { word: "say".to_owned(), rest: "Done.".to_owned() })
}

/// The text of a message's content, and how many results of tools stand in it.
fn content(content: &Value) -> (String, usize) {
    if let Some(text) = content.as_str() {
        return (text.to_owned(), 0);
    }
    let parts = content.as_array().map(Vec::as_slice).unwrap_or_default();
    let results = parts.iter().filter(|part| part["type"] == "tool_result").count();
    let texts = parts.iter().filter_map(|part| part["text"].as_str());
    let mut own = texts.filter(|text| !text.trim_start().starts_with('<'));
    (own.next_back().unwrap_or_default().to_owned(), results)
}

/// The last prompt of a conversation, and how many results of tools came since.
fn conversation(body: &Value) -> (String, usize) {
    let (mut prompt, mut results) = (String::new(), 0);
    let messages = body["messages"].as_array().or_else(|| body["input"].as_array());
    for item in messages.into_iter().flatten() {
        if item["type"].as_str().is_some_and(|kind| kind.ends_with("_output")) {
            results += 1;
        } else if item["role"] == "user" {
            let (text, more) = content(&item["content"]);
            results += more;
            let is_context = text.trim_start().starts_with(['<', '#']);
            if !text.trim().is_empty() && !is_context && (more == 0 || text.contains("[[")) {
                (prompt, results) = (text, 0);
            }
        }
    }
    (prompt, results)
}

async fn answer(State(inner): State<Arc<Inner>>, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    let body = axum::body::to_bytes(request.into_body(), 64 << 20).await.unwrap_or_default();
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let is_claude = path.ends_with("/messages");
    if path.ends_with("/count_tokens") {
        return axum::Json(json!({"input_tokens": 100})).into_response();
    }
    if !is_claude && !path.ends_with("/responses") {
        return axum::Json(json!({"object": "list", "data": [], "models": []})).into_response();
    }
    let (prompt, results) = conversation(&body);
    let has_tools = body["tools"].as_array().is_some_and(|tools| !tools.is_empty());
    let (before, step) = next(&prompt, results);
    if !has_tools {
        // A title, or whatever else is asked on the side.
        let said = Step { word: "say".to_owned(), rest: "A title".to_owned() };
        return stream(inner, is_claude, Vec::new(), said, body["stream"] == true);
    }
    inner.prompts.lock().expect("sound").push(prompt);
    for step in &before {
        match step.word.as_str() {
            "sleep" => tokio::time::sleep(seconds(&step.rest)).await,
            "hold" => {
                while !inner.let_go.lock().expect("sound").contains(&step.rest) {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            }
            "fail" => return failure(is_claude, &step.rest),
            _ => {}
        }
    }
    stream(inner, is_claude, before, step, true)
}

fn seconds(text: &str) -> Duration {
    Duration::from_secs_f64(text.parse().expect("seconds"))
}

fn failure(is_claude: bool, what: &str) -> Response {
    let (code, kind) = what.split_once(' ').unwrap_or((what, "invalid_request_error"));
    let mut error = json!({"type": kind, "message": format!("scripted error {code}")});
    if kind == "usage_limit_reached" {
        error["plan_type"] = "plus".into();
        error["resets_in_seconds"] = 5400.into();
    }
    let body = if is_claude { json!({"type": "error", "error": error}) } else { json!({"error": error}) };
    let status = axum::http::StatusCode::from_u16(code.parse().expect("a status")).expect("a status");
    (status, [("x-should-retry", "false")], axum::Json(body)).into_response()
}

/// Streams one answer.
fn stream(inner: Arc<Inner>, is_claude: bool, before: Vec<Step>, step: Step, streamed: bool) -> Response {
    let number = inner.number.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    if !streamed {
        let text = [json!({"type": "text", "text": step.rest})];
        return axum::Json(message(number, json!(text), json!("end_turn"))).into_response();
    }
    let (events, mut said) = tokio::sync::mpsc::unbounded_channel::<Bytes>();
    tokio::spawn(async move {
        let talks: Vec<Duration> =
            before.iter().filter(|step| step.word == "talk").map(|step| seconds(&step.rest)).collect();
        let talk = talks.first().copied();
        if is_claude {
            claude(&events, number, talk, &step).await;
        } else {
            codex(&events, number, talk, &step).await;
        }
    });
    let pieces = futures_util::stream::poll_fn(move |context| {
        said.poll_recv(context).map(|piece| piece.map(Ok::<Bytes, Infallible>))
    });
    ([("content-type", "text/event-stream")], Body::from_stream(pieces)).into_response()
}

fn emit(events: &UnboundedSender<Bytes>, event: &Value) {
    let name = event["type"].as_str().unwrap_or_default();
    // Who asked may have gone.
    let _ = events.send(Bytes::from(format!("event: {name}\ndata: {event}\n\n")));
}

/// Text in pieces over a time.
async fn talking(time: Duration, mut piece: impl FnMut(&str)) {
    let begin = Instant::now();
    while begin.elapsed() < time {
        piece("and on it goes ");
        tokio::time::sleep(Duration::from_millis(60)).await;
    }
}

fn message(number: u64, content: Value, stop: Value) -> Value {
    json!({
        "id": format!("msg_{number}"), "type": "message", "role": "assistant", "model": "scripted", "content": content,
        "stop_reason": stop, "stop_sequence": null,
        "usage": {"input_tokens": 1200, "output_tokens": 1, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0}
    })
}

/// The Messages API.
async fn claude(events: &UnboundedSender<Bytes>, number: u64, talk: Option<Duration>, step: &Step) {
    emit(events, &json!({"type": "message_start", "message": message(number, json!([]), Value::Null)}));
    let mut index = 0;
    let open =
        |index: i32, block: Value| json!({"type": "content_block_start", "index": index, "content_block": block});
    let delta = |index: i32, delta: Value| json!({"type": "content_block_delta", "index": index, "delta": delta});
    let text = |text: &str| json!({"type": "text_delta", "text": text});
    if let Some(time) = talk {
        emit(events, &open(index, json!({"type": "text", "text": ""})));
        talking(time, |piece| emit(events, &delta(index, text(piece)))).await;
        emit(events, &json!({"type": "content_block_stop", "index": index}));
        index += 1;
    }
    let tool = match step.word.as_str() {
        "sh" => Some(("Bash", json!({"command": step.rest, "description": "Run a scripted command"}))),
        "ask" => Some(("AskUserQuestion", question())),
        _ => None,
    };
    if let Some((name, input)) = &tool {
        let id = format!("toolu_{number}");
        emit(events, &open(index, json!({"type": "tool_use", "id": id, "name": name, "input": {}})));
        emit(events, &delta(index, json!({"type": "input_json_delta", "partial_json": input.to_string()})));
    } else {
        emit(events, &open(index, json!({"type": "text", "text": ""})));
        emit(events, &delta(index, text(&step.rest)));
    }
    emit(events, &json!({"type": "content_block_stop", "index": index}));
    let stop = if tool.is_some() { "tool_use" } else { "end_turn" };
    let changed = json!({"stop_reason": stop, "stop_sequence": null});
    emit(events, &json!({"type": "message_delta", "delta": changed, "usage": {"output_tokens": 50}}));
    emit(events, &json!({"type": "message_stop"}));
}

fn question() -> Value {
    let option = |label: &str| json!({"label": label, "description": format!("It is {label}")});
    let options = [option("Red"), option("Blue"), option("Green")];
    let question = "Which colour shall I use?";
    json!({"questions": [{"question": question, "header": "Colour", "multiSelect": false, "options": options}]})
}

/// The Responses API.
async fn codex(events: &UnboundedSender<Bytes>, number: u64, talk: Option<Duration>, step: &Step) {
    let response = json!({"id": format!("resp_{number}"), "object": "response", "status": "in_progress", "model": "scripted", "output": []});
    emit(events, &json!({"type": "response.created", "response": response}));
    let mut output = Vec::new();
    if let Some(time) = talk {
        let text = spoken(events, number, "talk", time).await;
        output.push(text);
    }
    if step.word == "say" {
        let id = format!("msg_{number}_say");
        begin_text(events, &id);
        piece(events, &id, &step.rest);
        output.push(end_text(events, &id, &step.rest));
    } else {
        let arguments = json!({
            "cmd": step.rest, "sandbox_permissions": "require_escalated",
            "justification": "Do you want to allow this scripted command?"
        });
        let item = json!({
            "type": "function_call", "id": format!("fc_{number}"), "call_id": format!("call_{number}"),
            "name": "exec_command", "arguments": arguments.to_string(), "status": "completed"
        });
        emit(events, &json!({"type": "response.output_item.added", "output_index": output.len(), "item": item}));
        emit(events, &json!({"type": "response.output_item.done", "output_index": output.len(), "item": item}));
        output.push(item);
    }
    let mut response = response;
    response["status"] = "completed".into();
    response["output"] = output.into();
    response["usage"] = json!({
        "input_tokens": 1200, "input_tokens_details": {"cached_tokens": 0}, "output_tokens": 50,
        "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 1250
    });
    emit(events, &json!({"type": "response.completed", "response": response}));
}

async fn spoken(events: &UnboundedSender<Bytes>, number: u64, name: &str, time: Duration) -> Value {
    let id = format!("msg_{number}_{name}");
    begin_text(events, &id);
    let mut text = String::new();
    talking(time, |said| {
        piece(events, &id, said);
        text += said;
    })
    .await;
    end_text(events, &id, &text)
}

fn begin_text(events: &UnboundedSender<Bytes>, id: &str) {
    let item = json!({"type": "message", "id": id, "role": "assistant", "status": "in_progress", "content": []});
    emit(events, &json!({"type": "response.output_item.added", "output_index": 0, "item": item}));
    let part = json!({"type": "output_text", "text": "", "annotations": []});
    emit(
        events,
        &json!({"type": "response.content_part.added", "item_id": id, "output_index": 0, "content_index": 0, "part": part}),
    );
}

fn piece(events: &UnboundedSender<Bytes>, id: &str, text: &str) {
    emit(
        events,
        &json!({"type": "response.output_text.delta", "item_id": id, "output_index": 0, "content_index": 0, "delta": text}),
    );
}

fn end_text(events: &UnboundedSender<Bytes>, id: &str, text: &str) -> Value {
    emit(
        events,
        &json!({"type": "response.output_text.done", "item_id": id, "output_index": 0, "content_index": 0, "text": text}),
    );
    let content = [json!({"type": "output_text", "text": text, "annotations": []})];
    let item = json!({"type": "message", "id": id, "role": "assistant", "status": "completed", "content": content});
    emit(events, &json!({"type": "response.output_item.done", "output_index": 0, "item": item}));
    item
}
