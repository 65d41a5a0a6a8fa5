//! Each service as a server on the loopback: taking, refusing, hurrying, hanging, breaking off, talking nonsense.

use super::*;
use crate::config::{Surroundings, build};
use crate::message::tests::message;
use axum::extract::{Request, State};
use axum::response::IntoResponse;
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::sync::Mutex;
use tmuxagent_config::Environment;
use tmuxagent_model::Urgency;
use tmuxagent_text::Lang;

/// A request that came in: path with query, and its body.
type Came = (String, Value);

/// A service that answers as it was told, the last answer again and again.
#[derive(Clone)]
struct Service {
    base: String,
    came: Arc<Mutex<Vec<Came>>>,
    answers: Arc<Mutex<VecDeque<Answering>>>,
}

/// Status, type and body of an answer.
type Answering = (u16, &'static str, String);

impl Service {
    async fn answering(answers: &[(u16, Value)]) -> Self {
        let answers = answers.iter().map(|(status, body)| (*status, "application/json", body.to_string()));
        Self::saying(answers.collect()).await
    }

    async fn saying(answers: Vec<Answering>) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let service = Self { base, came: Arc::default(), answers: Arc::new(Mutex::new(answers.into())) };
        let router = axum::Router::new().fallback(answer).with_state(service.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        service
    }

    fn came(&self) -> Vec<Came> {
        self.came.lock().unwrap().clone()
    }

    /// Builds the channel of a configuration with `BASE` replaced, and sends the message.
    async fn send(&self, yaml: &str) -> Result<Receipt, SendError> {
        let folder = tempfile::tempdir().unwrap();
        channel(&yaml.replace("BASE", &self.base), folder.path()).send(&message()).await
    }
}

async fn answer(State(service): State<Service>, request: Request) -> impl IntoResponse {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    let text = String::from_utf8_lossy(&body).into_owned();
    let path = parts.uri.path_and_query().map(ToString::to_string).unwrap_or_default();
    service.came.lock().unwrap().push((path, serde_json::from_str(&text).unwrap_or(Value::String(text))));
    let mut answers = service.answers.lock().unwrap();
    let (status, kind, body) = if answers.len() > 1 { answers.pop_front() } else { answers.front().cloned() }.unwrap();
    (axum::http::StatusCode::from_u16(status).unwrap(), [(axum::http::header::CONTENT_TYPE, kind)], body)
}

/// The one channel of a configuration, given as what stands under `channels:`.
fn channel(yaml: &str, folder: &std::path::Path) -> Arc<dyn Channel> {
    channel_in(yaml, folder, Lang::En)
}

/// The same, with errors in that language.
fn channel_in(yaml: &str, folder: &std::path::Path, lang: Lang) -> Arc<dyn Channel> {
    let source = tmuxagent_yaml::Source::new("t", format!("channels:\n  {yaml}\n"));
    let environment = Environment::default();
    let config = tmuxagent_config::read(&source, folder, &environment).unwrap();
    let settings = crate::config::read(&config, &source, &environment).unwrap();
    let around = Surroundings { state_dir: folder.to_owned(), tmux: vec!["tmux".into()], lang, environment };
    build(settings.channels.values().next().unwrap(), &around).unwrap()
}

const LINK: &str = "https://phone.example/a/TOKEN";

#[tokio::test]
async fn every_service_takes_its_own_form() {
    let table = [
        ("wecom: {webhook: 'BASE/send?key=k'}", json!({"errcode": 0}), "/send?key=k", "/markdown/content"),
        (
            "wecom: {webhook: k, base_url: BASE, format: text}",
            json!({"errcode": 0}),
            "/cgi-bin/webhook/send?key=k",
            "/text/content",
        ),
        ("ntfy: {url: BASE, topic: t}", json!({"id": "x"}), "/", "/click"),
        ("slack: {url: 'BASE/s'}", json!("ok"), "/s", "/blocks/2/elements/0/url"),
        ("feishu: {url: 'BASE/f', secret: s}", json!({"code": 0}), "/f", "/card/elements/1/actions/0/url"),
        ("dingtalk: {url: 'BASE/d'}", json!({"errcode": 0}), "/d", "/markdown/text"),
        ("bark: {key: k, base_url: BASE}", json!({"code": 200}), "/push", "/url"),
        (
            "telegram: {token: 'T', chat_id: 5, base_url: BASE}",
            json!({"ok": true, "result": {"message_id": 1}}),
            "/botT/sendMessage",
            "/text",
        ),
        ("webhook: {url: 'BASE/w'}", json!({}), "/w", "/link"),
    ];
    for (yaml, answer, path, pointer) in table {
        let service = Service::answering(&[(200, answer)]).await;
        service.send(yaml).await.unwrap_or_else(|error| panic!("{yaml}: {error}"));
        let (came, body) = service.came().remove(0);
        assert_eq!(came, path, "{yaml}");
        let text = body.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("{yaml}: {body}"));
        assert!(text.contains(LINK), "{yaml}: {text}");
    }
}

#[tokio::test]
async fn serverchan_gets_a_form_and_its_day_ends() {
    let folder = tempfile::tempdir().unwrap();
    let spent = json!({"code": 40001, "message": "[AUTH]超过当天的发送次数限制[5]"});
    let service = Service::answering(&[(200, json!({"code": 0, "data": {"pushid": "7"}})), (400, spent)]).await;
    let channel = channel(&format!("serverchan: {{key: SCT1, base_url: '{}'}}", service.base), folder.path());
    assert!(channel.send(&message()).await.unwrap().answer.contains('7'));
    assert!(matches!(channel.send(&message()).await, Err(SendError::Exhausted { .. })));
    assert!(matches!(channel.send(&message()).await, Err(SendError::Exhausted { .. })), "without asking again");
    let came = service.came();
    assert_eq!((came.len(), came[0].0.as_str()), (2, "/SCT1.send"));
    assert!(came[0].1.as_str().unwrap().starts_with("title=Decide"), "{came:?}");
}

#[tokio::test]
async fn errors_say_whether_to_try_again_and_what_to_do() {
    let wecom = "wecom: {webhook: 'BASE/x'}";
    let table = [
        (wecom, 200, json!({"errcode": 93000, "errmsg": "invalid webhook url"}), "refused", "copy the address again"),
        (wecom, 200, json!({"errcode": 45009, "errmsg": "api freq out of limit"}), "retry", "45009"),
        (wecom, 502, json!("bad gateway"), "retry", "HTTP 502"),
        (wecom, 200, json!("<html>login</html>"), "retry", "not WeCom's answer"),
        (wecom, 302, json!(""), "refused", "redirects"),
        ("feishu: {url: 'BASE/x'}", 200, json!({"code": 19021, "msg": "sign"}), "refused", "signature"),
        ("feishu: {url: 'BASE/x'}", 200, json!({"code": 11232}), "retry", "11232"),
        ("dingtalk: {url: 'BASE/x'}", 200, json!({"errcode": 310000, "errmsg": "keywords"}), "refused", "keywords"),
        ("dingtalk: {url: 'BASE/x'}", 200, json!({"errcode": 130101}), "retry", "130101"),
        ("slack: {url: 'BASE/x'}", 404, json!("no_service"), "refused", "address"),
        ("slack: {url: 'BASE/x'}", 429, json!(""), "retry", "429"),
        ("bark: {key: k, base_url: BASE}", 400, json!({"code": 400}), "refused", "device key"),
        ("ntfy: {url: BASE, topic: t}", 403, json!({}), "refused", "token"),
        (
            "telegram: {token: T, chat_id: 5, base_url: BASE}",
            401,
            json!({"ok": false, "error_code": 401}),
            "refused",
            "BotFather",
        ),
        (
            "telegram: {token: T, chat_id: 5, base_url: BASE}",
            429,
            json!({"ok": false, "error_code": 429, "parameters": {"retry_after": 7}}),
            "retry",
            "429",
        ),
        (
            "webhook: {url: 'BASE/x', success: {pointer: /ok, equals: true}}",
            200,
            json!({"ok": false}),
            "refused",
            "/ok",
        ),
    ];
    for (yaml, status, body, expected, words) in table {
        let service = Service::answering(&[(status, body)]).await;
        let error = service.send(yaml).await.unwrap_err();
        let kind = match &error {
            SendError::Retry { .. } => "retry",
            SendError::Refused { .. } => "refused",
            SendError::Exhausted { .. } => "exhausted",
        };
        assert_eq!(kind, expected, "{yaml}: {error}");
        assert!(error.to_string().contains(words), "{yaml}: {error}");
    }
}

#[tokio::test]
async fn a_wecom_apps_token_is_shared_and_renewed_once() {
    let folder = tempfile::tempdir().unwrap();
    let token = |text: &str| (200, json!({"errcode": 0, "access_token": text, "expires_in": 7200}));
    let sent = (200, json!({"errcode": 0, "msgid": "m", "invaliduser": "bob"}));
    let service = Service::answering(&[
        token("A"),
        sent.clone(),
        sent.clone(),
        (200, json!({"errcode": 42001})),
        token("B"),
        sent,
    ])
    .await;
    let yaml = format!("wecom_app: {{corp_id: c, agent_id: 1, secret: s, base_url: '{}'}}", service.base);
    let first = channel(&yaml, folder.path()).send(&message()).await.unwrap();
    assert_eq!(first.answer, "msgid m; invaliduser: bob");
    // Another process: another channel with the same state folder.
    channel(&yaml, folder.path()).send(&message()).await.unwrap();
    channel(&yaml, folder.path()).send(&message()).await.unwrap();
    let paths: Vec<String> = service.came().into_iter().map(|(path, _)| path).collect();
    assert_eq!(
        paths,
        [
            "/cgi-bin/gettoken?corpid=c&corpsecret=s",
            "/cgi-bin/message/send?access_token=A",
            "/cgi-bin/message/send?access_token=A",
            "/cgi-bin/message/send?access_token=A",
            "/cgi-bin/gettoken?corpid=c&corpsecret=s",
            "/cgi-bin/message/send?access_token=B",
        ]
    );
    assert_eq!(service.came()[1].1["touser"], "@all");
}

#[tokio::test]
async fn a_token_that_is_refused_twice_is_not_asked_for_again() {
    let token = (200, json!({"errcode": 0, "access_token": "A", "expires_in": 7200}));
    let bad = (200, json!({"errcode": 40014}));
    let service = Service::answering(&[token.clone(), bad.clone(), token, bad]).await;
    let yaml = "wecom_app: {corp_id: c, agent_id: 1, secret: s, base_url: BASE}";
    assert!(matches!(service.send(yaml).await, Err(SendError::Retry { .. })));
    assert_eq!(service.came().len(), 4);
}

#[tokio::test]
async fn an_address_that_is_not_allowed_is_named() {
    let token = (200, json!({"errcode": 0, "access_token": "A"}));
    let refused = (200, json!({"errcode": 60020, "errmsg": "not allow to access from your ip, from ip: 203.0.113.9"}));
    let service = Service::answering(&[token, refused]).await;
    let error = service.send("wecom_app: {corp_id: c, agent_id: 1, secret: s, base_url: BASE}").await.unwrap_err();
    assert!(error.to_string().contains("(203.0.113.9)"), "{error}");
}

/// A server that does `what` with each connection.
async fn raw<F: Future<Output = ()> + Send + 'static>(
    what: impl Fn(tokio::net::TcpStream) -> F + Send + 'static,
) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(what(stream));
        }
    });
    base
}

#[tokio::test]
async fn hanging_slow_broken_and_absent_services_are_tried_again() {
    use tokio::io::AsyncWriteExt;
    let hanging = raw(|stream| async move {
        std::future::pending::<()>().await;
        drop(stream);
    })
    .await;
    let half = raw(|mut stream| async move {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"errcode\"").await;
    })
    .await;
    let nonsense = raw(|mut stream| async move {
        let _ = stream.write_all(b"220 smtp ready\r\n").await;
    })
    .await;
    for base in [hanging.as_str(), &half, &nonsense, "http://127.0.0.1:9"] {
        let folder = tempfile::tempdir().unwrap();
        let yaml = format!("wecom: {{webhook: '{base}/x?key=HIDDEN', timeout: 500ms}}");
        let error = channel(&yaml, folder.path()).send(&message()).await.unwrap_err();
        assert!(matches!(error, SendError::Retry { .. }), "{base}: {error}");
        assert!(!error.to_string().contains("HIDDEN"), "no secret in an error: {error}");
    }
}

#[tokio::test]
async fn a_proxy_is_used_only_where_a_channel_says_so() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    let proxy = raw(move |mut stream| {
        let log = Arc::clone(&log);
        async move {
            let mut head = [0; 2048];
            let read = stream.read(&mut head).await.unwrap_or(0);
            log.lock().unwrap().push(head[..read].to_vec());
            if head[0] == 5 {
                return;
            }
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n{\"errcode\":0}").await;
        }
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    let http = format!("wecom: {{webhook: 'http://service.invalid/x', proxy: '{proxy}'}}");
    channel(&http, folder.path()).send(&message()).await.unwrap();
    let socks = http.replace("proxy: 'http", "proxy: 'socks5h");
    assert!(channel(&socks, folder.path()).send(&message()).await.is_err(), "that proxy speaks no SOCKS");
    let seen = seen.lock().unwrap();
    assert!(seen[0].starts_with(b"POST http://service.invalid/x"), "{seen:?}");
    assert_eq!(seen[1][0], 5, "SOCKS version 5");
    assert_eq!(message().urgency, Urgency::High);
}

#[path = "answer_tests.rs"]
mod answers;
#[path = "bot_tests.rs"]
mod bots;
#[path = "socks_tests.rs"]
mod socks;
