use super::*;
use axum::{Json, Router, http::HeaderMap, routing::get};
use serde_json::json;
use tmuxagent_model::{HostName, Millis, PaneId, PaneKey, ServerId};

pub const NOW: Timestamp = Timestamp(1_767_225_600_000); // 2026-01-01T00:00:00Z

pub async fn serve(router: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a loopback port");
    let address = listener.local_addr().expect("its address");
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

pub fn client() -> Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().no_proxy().build().expect("a client")
}

#[tokio::test]
async fn a_rate_limit_names_the_instant_to_ask_again() {
    let limited = || async {
        let mut headers = HeaderMap::new();
        headers.insert("retry-after", "7".parse().expect("a header"));
        (StatusCode::TOO_MANY_REQUESTS, headers, "slow down")
    };
    let base = serve(Router::new().route("/", get(limited))).await;
    let spec = PollSpec::Http { url: base, status: 200, pointer: None, value: None };
    let PollOutcome::Error { retry_at, .. } = ask(&client(), &Reach::Local, &spec, None, NOW).await else { panic!() };
    assert_eq!(retry_at, Some(Timestamp(NOW.0 + 7_000)));
}

#[tokio::test]
async fn a_command_says_done_not_yet_or_never() {
    let say = |script: &'static str| async move {
        let pane = PaneKey { host: HostName::local(), server: ServerId::new("s"), pane: PaneId(1), pid: 1 };
        let timeout = Millis::from_secs(20);
        let call = ShellCall { pane, script: script.into(), folder: "/".to_owned(), timeout, again: false };
        ask(&client(), &Reach::Local, &PollSpec::Command { call }, None, NOW).await
    };
    assert_eq!(say("echo up; exit 0").await, PollOutcome::Met { detail: "up".into() });
    assert_eq!(say("echo wait; exit 75").await, PollOutcome::Pending { detail: "wait".into() });
    assert_eq!(say("echo no; exit 3").await, PollOutcome::Failed { detail: "exit code 3: no".into() });
}

#[tokio::test]
async fn a_web_address_is_met_by_status_pointer_and_value() {
    let base = serve(Router::new().route("/", get(|| async { Json(json!({ "app": { "ready": true } })) }))).await;
    let spec = |value: bool| PollSpec::Http {
        url: base.clone(),
        status: 200,
        pointer: Some("/app/ready".into()),
        value: Some(json!(value)),
    };
    assert!(matches!(ask(&client(), &Reach::Local, &spec(true), None, NOW).await, PollOutcome::Met { .. }));
    assert!(matches!(ask(&client(), &Reach::Local, &spec(false), None, NOW).await, PollOutcome::Pending { .. }));
}

#[tokio::test]
async fn nobody_there_is_an_error_and_not_a_failure() {
    let spec = PollSpec::Http { url: "http://127.0.0.1:1/".into(), status: 200, pointer: None, value: None };
    assert!(matches!(ask(&client(), &Reach::Local, &spec, None, NOW).await, PollOutcome::Error { .. }));
}
