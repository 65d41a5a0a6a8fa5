use super::*;
use axum::{Json, Router, http::HeaderMap, routing::get};
use serde_json::json;
use tmuxagent_model::{HostName, Millis, PaneId, PaneKey, ServerId};

const NOW: Timestamp = Timestamp(1_767_225_600_000); // 2026-01-01T00:00:00Z

async fn serve(router: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a loopback port");
    let address = listener.local_addr().expect("its address");
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

fn client() -> Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().no_proxy().build().expect("a client")
}

fn run(number: u64, created: &str, status: &str, conclusion: Option<&str>) -> serde_json::Value {
    json!({ "run_number": number, "created_at": created, "status": status, "conclusion": conclusion,
            "html_url": format!("https://example.test/{number}") })
}

async fn github_says(runs: serde_json::Value) -> PollOutcome {
    let answer = json!({ "workflow_runs": runs });
    let route = "/repos/me/app/actions/workflows/deploy.yml/runs";
    let base_url = serve(Router::new().route(route, get(|| async move { Json(answer) }))).await;
    let spec = PollSpec::GithubRun {
        repository: "me/app".into(),
        workflow: "deploy.yml".into(),
        reference: Some("main".into()),
        base_url,
        token_env: "GITHUB_TOKEN".into(),
        since: NOW,
    };
    ask(&client(), &Reach::Local, &spec, None, NOW).await
}

#[tokio::test]
async fn a_run_from_before_the_stage_does_not_count() {
    let old = run(1, "2025-12-31T23:00:00Z", "completed", Some("success"));
    assert_eq!(github_says(json!([old])).await, PollOutcome::Pending { detail: "no run has been created yet".into() });
}

#[tokio::test]
async fn a_run_in_progress_is_not_a_success() {
    let going = run(2, "2026-01-01T00:00:02Z", "in_progress", None);
    assert!(matches!(github_says(json!([going])).await, PollOutcome::Pending { .. }));
}

#[tokio::test]
async fn only_the_newest_run_and_only_its_conclusion_decide() {
    let first = run(2, "2026-01-01T00:00:02Z", "completed", Some("success"));
    let second = run(3, "2026-01-01T00:00:09Z", "completed", Some("cancelled"));
    let outcome = github_says(json!([second.clone(), first.clone()])).await;
    assert_eq!(outcome, PollOutcome::Failed { detail: "run 3 https://example.test/3: cancelled".into() });
    assert!(matches!(github_says(json!([first])).await, PollOutcome::Met { .. }));
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
async fn a_token_is_shown_and_its_refusal_told() {
    let asked = |headers: HeaderMap| async move {
        let shown = headers.get("authorization").and_then(|value| value.to_str().ok()) == Some("Bearer mine");
        if shown { (StatusCode::OK, r#"{"workflow_runs": []}"#) } else { (StatusCode::UNAUTHORIZED, "{}") }
    };
    let base_url = serve(Router::new().route("/repos/me/app/actions/workflows/deploy.yml/runs", get(asked))).await;
    let spec = PollSpec::GithubRun {
        repository: "me/app".into(),
        workflow: "deploy.yml".into(),
        reference: None,
        base_url,
        token_env: "DEPLOY_TOKEN".into(),
        since: NOW,
    };
    let right = ask(&client(), &Reach::Local, &spec, Some("mine"), NOW).await;
    assert_eq!(right, PollOutcome::Pending { detail: "no run has been created yet".into() });
    let PollOutcome::Error { detail, .. } = ask(&client(), &Reach::Local, &spec, Some("other"), NOW).await else {
        panic!()
    };
    assert_eq!(detail, "401: the token in DEPLOY_TOKEN is not accepted");
}

#[tokio::test]
async fn githubs_own_words_for_too_often_are_understood() {
    // REST API, "Rate limits": 403 or 429, `x-ratelimit-remaining: 0`, `x-ratelimit-reset` in epoch seconds.
    let limited = || async {
        let mut headers = HeaderMap::new();
        headers.insert("x-ratelimit-remaining", "0".parse().expect("a header"));
        headers.insert("x-ratelimit-reset", "1767225690".parse().expect("a header"));
        (StatusCode::FORBIDDEN, headers, "API rate limit exceeded")
    };
    let forbidden = || async { (StatusCode::FORBIDDEN, "no") };
    let route = "/repos/me/app/actions/workflows/deploy.yml/runs";
    let spec = |base_url: String| PollSpec::GithubRun {
        repository: "me/app".into(),
        workflow: "deploy.yml".into(),
        reference: None,
        base_url,
        token_env: "GITHUB_TOKEN".into(),
        since: NOW,
    };
    let base = serve(Router::new().route(route, get(limited))).await;
    let PollOutcome::Error { retry_at, .. } = ask(&client(), &Reach::Local, &spec(base), None, NOW).await else {
        panic!()
    };
    assert_eq!(retry_at, Some(Timestamp(NOW.0 + 90_000)));
    let base = serve(Router::new().route(route, get(forbidden))).await;
    let PollOutcome::Error { retry_at, .. } = ask(&client(), &Reach::Local, &spec(base), None, NOW).await else {
        panic!()
    };
    assert_eq!(retry_at, None, "a refusal that speaks of no limit");
}

#[tokio::test]
async fn a_command_says_done_not_yet_or_never() {
    let say = |script: &'static str| async move {
        let pane = PaneKey { host: HostName::local(), server: ServerId::new("s"), pane: PaneId(1), pid: 1 };
        let timeout = Millis::from_secs(20);
        let call = ShellCall { pane, script: script.into(), folder: "/".to_owned(), timeout };
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
