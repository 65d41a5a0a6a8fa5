//! A pipeline that is started by hand.

use super::{SECRET, World};
use crate::people::Role;
use axum::http::StatusCode;
use serde_json::json;
use tmuxagent_ipc::wire::{ErrorKind, Reply, Request};
use tmuxagent_model::{Command, RunId, Via};
use tmuxagent_tui::sample::key;

const PATH: &str = "/api/panes/local:3/start";

#[tokio::test]
async fn an_admin_starts_a_pipeline_and_is_told_what_is_wrong_with_a_value() {
    let world = World::new();
    let (mei, li) = (world.script("mei", Role::Admin).await, world.script("li", Role::Decide).await);
    let body = json!({ "pipeline": "ship", "stage": "build", "inputs": { "branch": "a'; rm" } }).to_string();
    assert_eq!(world.post(PATH, &body, &[("authorization", &li)]).await.status, StatusCode::FORBIDDEN);
    let none = world.post("/api/panes/local:999/start", &body, &[("authorization", &mei)]).await;
    assert_eq!(none.status, StatusCode::NOT_FOUND);
    for wrong in ["{}", r#"{"pipeline":"ship","inputs":{"branch":3}}"#, r#"{"pipeline":"ship","confirm":"ship"}"#] {
        assert_eq!(
            world.post(PATH, wrong, &[("authorization", &mei)]).await.status,
            StatusCode::BAD_REQUEST,
            "{wrong}"
        );
    }
    let why = format!("the input `count` can't be `{SECRET}`: it is a number");
    let refused = Reply::Error { kind: ErrorKind::Refused, text: why };
    let text = "stage build of ship is starting, run #7".to_owned();
    let committed = Reply::Committed { intents: Vec::new(), run: Some(RunId(7)), text };
    for (reply, status, words) in
        [(refused, StatusCode::CONFLICT, "输入项 `count` 不能是"), (committed, StatusCode::OK, "#7")]
    {
        let serve = async {
            let call = world.calls.lock().await.recv().await.unwrap();
            assert_eq!((call.peer.who.as_str(), call.peer.via), ("mei", Via::Panel));
            let command = Command::Start {
                pane: key(3),
                pipeline: "ship".into(),
                stage: Some("build".into()),
                inputs: [("branch".to_owned(), "a'; rm".to_owned())].into(),
            };
            assert_eq!(call.request, Request::Command { command });
            call.reply.send(reply).unwrap();
        };
        let headers = [("authorization", mei.as_str()), ("accept-language", "zh")];
        let (told, ()) = tokio::join!(world.post(PATH, &body, &headers), serve);
        assert_eq!(told.status, status, "{}", told.text);
        assert!(told.json()["text"].as_str().unwrap().contains(words) && !told.text.contains(SECRET), "{}", told.text);
    }
}

#[tokio::test]
async fn another_page_or_a_missing_pin_starts_nothing() {
    let world = World::with(Some("471147"), "https://phone.example");
    let mei = world.script("mei", Role::Admin).await;
    let body = r#"{"pipeline":"ship"}"#;
    assert_eq!(world.post(PATH, body, &[("authorization", &mei)]).await.status, StatusCode::FORBIDDEN, "no PIN");
    let token = mei.strip_prefix("Bearer ").unwrap();
    let cookie = format!("{}={token}", crate::gate::COOKIE);
    for site in ["cross-site", "same-origin"] {
        let told = world.post(PATH, body, &[("cookie", &cookie), ("sec-fetch-site", site)]).await;
        assert_eq!(told.status, StatusCode::FORBIDDEN, "{site}");
    }
    assert!(world.calls.lock().await.try_recv().is_err(), "nothing was asked of the loop");
}
