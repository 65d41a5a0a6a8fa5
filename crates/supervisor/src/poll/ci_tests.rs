use super::super::tests::{NOW, client, serve};
use super::*;
use axum::extract::{Query, RawQuery};
use axum::http::{HeaderMap, Uri};
use axum::{Json, Router, routing::get};
use serde_json::json;
use std::collections::HashMap;
use tmuxagent_model::{HostName, PaneId, PaneKey, PollSpec, ServerId, ShellCall};

const SHA: &str = "1f3ab8c0d9e7564738291a0b1c2d3e4f50617283";

fn asked(base_url: String) -> CiRun {
    CiRun {
        repository: "me/app".into(),
        workflow: Some("deploy.yml".into()),
        reference: Some("main".into()),
        commit: None,
        head: None,
        base_url,
        token_env: "CI_TOKEN".into(),
        since: NOW,
    }
}

async fn answer(spec: PollSpec) -> PollOutcome {
    super::super::ask(&client(), &Reach::Local, &spec, None, NOW).await
}

async fn with_token(spec: &PollSpec, token: &str) -> PollOutcome {
    super::super::ask(&client(), &Reach::Local, spec, Some(token), NOW).await
}

fn run(number: u64, created: &str, status: &str, conclusion: Option<&str>) -> Value {
    json!({ "run_number": number, "created_at": created, "status": status, "conclusion": conclusion, "head_branch": "main",
            "head_sha": SHA, "path": ".github/workflows/deploy.yml", "workflow_id": 7,
            "html_url": format!("https://example.test/{number}") })
}

async fn github_says(runs: Value) -> PollOutcome {
    let answer_of = json!({ "workflow_runs": runs });
    let route = "/repos/me/app/actions/workflows/deploy.yml/runs";
    let base = serve(Router::new().route(route, get(|| async move { Json(answer_of) }))).await;
    answer(PollSpec::GithubRun(asked(base))).await
}

/// Answers every question with the same document.
async fn says(body: Value) -> String {
    serve(Router::new().fallback(move || async move { Json(body) })).await
}

#[tokio::test]
async fn a_run_from_before_the_stage_does_not_count() {
    let old = run(1, "2025-12-31T23:00:00Z", "completed", Some("success"));
    assert_eq!(github_says(json!([old])).await, PollOutcome::Pending { detail: "no run has been created yet".into() });
}

#[tokio::test]
async fn only_the_newest_run_and_only_its_conclusion_decide() {
    let first = run(2, "2026-01-01T00:00:02Z", "completed", Some("success"));
    let second = run(3, "2026-01-01T00:00:09Z", "completed", Some("cancelled"));
    let outcome = github_says(json!([second.clone(), first.clone()])).await;
    assert_eq!(outcome, PollOutcome::Failed { detail: "run 3 https://example.test/3: cancelled".into() });
    assert!(matches!(github_says(json!([first])).await, PollOutcome::Met { .. }));
}

/// Every documented word of each service, and one that none of them knows.
#[test]
fn each_documented_status_is_read_as_it_is_meant() {
    let words = |service, status: &str| standing(service, status, "");
    let going = |word: &str| Standing::GoesOn(word.to_owned());
    for word in ["queued", "in_progress", "requested", "waiting", "pending"] {
        assert_eq!(words(Service::Github, word), going(word));
        assert_eq!(words(Service::Gitea, word), going(word));
    }
    for (word, wanted) in [
        ("success", Standing::Succeeded),
        ("skipped", Standing::LeftOut("skipped".into())),
        ("neutral", Standing::LeftOut("neutral".into())),
        ("failure", Standing::Failed("failure".into())),
        ("cancelled", Standing::Failed("cancelled".into())),
        ("timed_out", Standing::Failed("timed_out".into())),
        ("action_required", Standing::Failed("action_required".into())),
        ("stale", Standing::Failed("stale".into())),
        ("startup_failure", Standing::Failed("startup_failure".into())),
        ("", Standing::Failed("no conclusion".into())),
    ] {
        assert_eq!(standing(Service::Github, "completed", word), wanted);
        assert_eq!(standing(Service::Gitea, "completed", word), wanted);
    }
    let gitlab = ["created", "waiting_for_resource", "waiting_for_callback", "preparing", "pending", "running"];
    for word in gitlab.into_iter().chain(["scheduled", "canceling"]) {
        assert_eq!(words(Service::Gitlab, word), going(word));
    }
    assert_eq!(words(Service::Gitlab, "success"), Standing::Succeeded);
    assert_eq!(words(Service::Gitlab, "failed"), Standing::Failed("failed".into()));
    assert_eq!(words(Service::Gitlab, "canceled"), Standing::Failed("canceled".into()));
    assert_eq!(words(Service::Gitlab, "skipped"), Standing::LeftOut("skipped".into()));
    assert_eq!(words(Service::Gitlab, "manual"), going("manual: a person starts its next job"));
    // Forgejo has one word for state and end.
    for word in ["running", "blocked", "waiting"] {
        assert_eq!(words(Service::Gitea, word), going(word));
    }
    assert_eq!(words(Service::Gitea, "success"), Standing::Succeeded);
    assert_eq!(words(Service::Gitea, "failure"), Standing::Failed("failure".into()));
    assert_eq!(words(Service::Gitea, "cancelled"), Standing::Failed("cancelled".into()));
    for service in [Service::Github, Service::Gitlab, Service::Gitea] {
        assert_eq!(words(service, "unknown"), going("unknown (a status that is not known)"));
        assert_eq!(words(service, ""), going("no status"));
    }
}

#[tokio::test]
async fn a_commit_is_asked_for_and_its_time_does_not_matter() {
    let old = run(1, "2025-12-31T23:00:00Z", "completed", Some("success"));
    let other = json!({ "run_number": 2, "created_at": "2026-01-01T00:00:01Z", "status": "completed",
                        "conclusion": "failure", "head_branch": "main", "head_sha": "ffff", "html_url": "x" });
    let base = says(json!({ "workflow_runs": [old, other] })).await;
    let of = |commit: &str| CiRun { commit: Some(commit.into()), ..asked(base.clone()) };
    let met = PollOutcome::Met { detail: "run 1 https://example.test/1: success".into() };
    assert_eq!(answer(PollSpec::GithubRun(of(SHA))).await, met);
    assert_eq!(answer(PollSpec::GithubRun(of(&SHA[..8]))).await, met);
    assert!(matches!(answer(PollSpec::GithubRun(of("0123456"))).await, PollOutcome::Pending { .. }));
}

#[tokio::test]
async fn of_a_commit_without_a_workflow_the_newest_run_of_each_decides() {
    let of = |number: u64, file: &str, conclusion: &str| {
        let status = if conclusion.is_empty() { "in_progress" } else { "completed" };
        json!({ "run_number": number, "path": format!(".github/workflows/{file}"), "status": status, "head_sha": SHA,
                "head_branch": "main", "conclusion": conclusion, "html_url": file, "created_at": "2026-01-01T00:00:00Z" })
    };
    let ask = |runs: Vec<Value>| async move {
        let base = says(json!({ "workflow_runs": runs })).await;
        answer(PollSpec::GithubRun(CiRun { workflow: None, commit: Some(SHA.into()), ..asked(base) })).await
    };
    let again = vec![of(1, "ci.yml", "failure"), of(2, "ci.yml", "success"), of(9, "docs.yml", "skipped")];
    assert_eq!(ask(again).await, PollOutcome::Met { detail: "run 2 ci.yml: success".into() });
    let goes_on = vec![of(2, "ci.yml", "success"), of(9, "docs.yml", "")];
    assert_eq!(ask(goes_on).await, PollOutcome::Pending { detail: "run 9 docs.yml: in_progress".into() });
    let failed = vec![of(2, "ci.yml", ""), of(9, "docs.yml", "failure")];
    assert_eq!(ask(failed).await, PollOutcome::Failed { detail: "run 9 docs.yml: failure".into() });
    assert_eq!(
        ask(vec![of(9, "docs.yml", "skipped")]).await,
        PollOutcome::Failed { detail: "run 9 docs.yml: skipped".into() }
    );
}

#[tokio::test]
async fn the_commit_of_the_panes_folder_is_asked_for_there() {
    let base = says(json!({ "workflow_runs": [run(1, "2025-12-31T23:00:00Z", "completed", Some("success"))] })).await;
    let pane = PaneKey { host: HostName::local(), server: ServerId::new("s"), pane: PaneId(1), pid: 1 };
    let of = |script: String| {
        let (pane, timeout) = (pane.clone(), Millis::from_secs(20));
        let call = ShellCall { pane, script: script.as_str().into(), folder: "/".to_owned(), timeout, again: false };
        CiRun { head: Some(Box::new(call)), ..asked(base.clone()) }
    };
    let met = answer(PollSpec::GithubRun(of(format!("echo {SHA}")))).await;
    assert!(matches!(met, PollOutcome::Met { .. }), "{met:?}");
    let none = answer(PollSpec::GithubRun(of("echo fatal: not a git repository >&2; exit 128".to_owned()))).await;
    let detail = "the commit of the pane's folder can't be told: fatal: not a git repository".to_owned();
    assert_eq!(none, PollOutcome::Error { detail, retry_at: None });
}

#[tokio::test]
async fn gitlab_is_asked_by_project_ref_name_and_commit_with_its_own_token() {
    let asked_for = |uri: Uri, headers: HeaderMap, Query(query): Query<HashMap<String, String>>| async move {
        let whole = ["ref", "sha", "name"].map(|key| query.get(key).map(String::as_str));
        let right = uri.path() == "/api/v4/projects/team%2Ftools%2Fapp/pipelines"
            && headers.get("private-token").is_some_and(|token| token == "mine")
            && whole == [Some("main"), Some(SHA), Some("deploy.yml")];
        let pipeline = json!({ "id": 47, "iid": 12, "sha": SHA, "ref": "main", "status": "success", "name": "deploy.yml",
                               "created_at": "2025-12-31T10:23:19.007Z", "web_url": "https://git.test/47" });
        if right { (StatusCode::OK, Json(json!([pipeline]))) } else { (StatusCode::UNAUTHORIZED, Json(json!({}))) }
    };
    let base = serve(Router::new().fallback(asked_for)).await;
    let run =
        CiRun { repository: "team/tools/app".into(), commit: Some(SHA.into()), ..asked(format!("{base}/api/v4/")) };
    let spec = PollSpec::GitlabPipeline(run);
    let ask = |token: &'static str| with_token(&spec, token);
    assert_eq!(ask("mine").await, PollOutcome::Met { detail: "pipeline 47 https://git.test/47: success".into() });
    let PollOutcome::Error { detail, .. } = ask("other").await else { panic!() };
    assert_eq!(detail, "401: the token in CI_TOKEN is not accepted");
}

#[tokio::test]
async fn gitea_and_forgejo_are_asked_alike_and_answer_in_their_own_words() {
    let gitea = json!({ "total_count": 2, "workflow_runs": [
        { "id": 81, "run_number": 4, "path": "deploy.yml@refs/heads/main", "head_branch": "main", "head_sha": SHA,
          "status": "in_progress", "html_url": "https://t.test/4", "started_at": "2026-01-01T00:00:03Z" },
        { "id": 82, "run_number": 5, "path": "lint.yml@refs/heads/main", "head_branch": "main", "head_sha": SHA,
          "status": "completed", "conclusion": "failure", "html_url": "x", "started_at": "2026-01-01T00:00:04Z" }] });
    let outcome = answer(PollSpec::GiteaRun(asked(says(gitea).await))).await;
    assert_eq!(outcome, PollOutcome::Pending { detail: "run 4 https://t.test/4: in_progress".into() });
    let forgejo = json!({ "total_count": 2, "workflow_runs": [
        { "id": 9, "index_in_repo": 3, "workflow_id": "deploy.yml", "prettyref": "main", "commit_sha": SHA,
          "status": "success", "html_url": "https://f.test/3", "created": "2026-01-01T00:00:03Z" },
        { "id": 10, "index_in_repo": 4, "workflow_id": "deploy.yml", "prettyref": "other", "commit_sha": SHA,
          "status": "failure", "html_url": "x", "created": "2026-01-01T00:00:04Z" }] });
    let outcome = answer(PollSpec::GiteaRun(asked(says(forgejo).await))).await;
    assert_eq!(outcome, PollOutcome::Met { detail: "run 3 https://f.test/3: success".into() });
    let none = serve(Router::new()).await;
    let PollOutcome::Error { detail, .. } = answer(PollSpec::GiteaRun(asked(none))).await else { panic!() };
    assert!(detail.starts_with("404: no repository `me/app`"), "{detail}");
}

#[tokio::test]
async fn gitea_gets_its_token_and_the_parameters_it_knows() {
    let asked_for = |uri: Uri, headers: HeaderMap, RawQuery(query): RawQuery| async move {
        let right = uri.path() == "/api/v1/repos/me/app/actions/runs"
            && headers.get("authorization").is_some_and(|token| token == "token mine")
            && query.as_deref() == Some("limit=50&branch=main");
        let status = if right { StatusCode::OK } else { StatusCode::UNAUTHORIZED };
        (status, Json(json!({ "workflow_runs": [] })))
    };
    let base = serve(Router::new().fallback(asked_for)).await;
    let spec = PollSpec::GiteaRun(asked(format!("{base}/api/v1")));
    let outcome = with_token(&spec, "mine").await;
    assert_eq!(outcome, PollOutcome::Pending { detail: "no run has been created yet".into() });
}

#[tokio::test]
async fn a_token_is_shown_and_its_refusal_told() {
    let asked_for = |headers: HeaderMap| async move {
        let shown = headers.get("authorization").and_then(|value| value.to_str().ok()) == Some("Bearer mine");
        if shown { (StatusCode::OK, r#"{"workflow_runs": []}"#) } else { (StatusCode::UNAUTHORIZED, "{}") }
    };
    let base = serve(Router::new().fallback(asked_for)).await;
    let spec = PollSpec::GithubRun(asked(base));
    let right = with_token(&spec, "mine").await;
    assert_eq!(right, PollOutcome::Pending { detail: "no run has been created yet".into() });
    let PollOutcome::Error { detail, .. } = with_token(&spec, "other").await else { panic!() };
    assert_eq!(detail, "401: the token in CI_TOKEN is not accepted");
    assert!(!format!("{spec:?}").contains("mine"), "a question holds no token");
}

#[tokio::test]
async fn each_services_own_words_for_too_often_are_understood() {
    // GitHub: 403 or 429, `x-ratelimit-remaining: 0`, `x-ratelimit-reset` in epoch seconds. GitLab: 429, `RateLimit-Reset`.
    let limited = |status: StatusCode, pairs: &'static [(&'static str, &'static str)]| {
        Router::new().fallback(move || async move {
            let headers: HeaderMap = pairs
                .iter()
                .map(|(name, value)| (name.parse().expect("a name"), value.parse().expect("a value")))
                .collect();
            (status, headers, "too often")
        })
    };
    let github = limited(StatusCode::FORBIDDEN, &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1767225690")]);
    let gitlab = limited(StatusCode::TOO_MANY_REQUESTS, &[("ratelimit-reset", "1767225690")]);
    for spec in [PollSpec::GithubRun(asked(serve(github).await)), PollSpec::GitlabPipeline(asked(serve(gitlab).await))]
    {
        let PollOutcome::Error { retry_at, .. } = answer(spec).await else { panic!() };
        assert_eq!(retry_at, Some(Timestamp(NOW.0 + 90_000)));
    }
    let forbidden = serve(limited(StatusCode::FORBIDDEN, &[])).await;
    let PollOutcome::Error { retry_at, .. } = answer(PollSpec::GithubRun(asked(forbidden))).await else { panic!() };
    assert_eq!(retry_at, None, "a refusal that speaks of no limit");
}
