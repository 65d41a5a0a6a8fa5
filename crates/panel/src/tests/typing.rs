//! What a person types by hand, and the messages of scripts.

use super::{SECRET, START, World};
use crate::people::Role;
use axum::http::StatusCode;
use base64::Engine as _;
use std::sync::Arc;
use tmuxagent_ipc::wire::{Reply, Request};
use tmuxagent_model::{Command, EventLine, IntentId, KeyStep, Note, Severity, SkipReason};
use tmuxagent_tui::sample::key;

#[tokio::test]
async fn an_admin_types_and_is_told_what_became_of_it() {
    let world = World::new();
    let (mei, li) = (world.script("mei", Role::Admin).await, world.script("li", Role::Decide).await);
    let path = "/api/panes/local:3/send";
    assert_eq!(world.post(path, r#"{"text":"x"}"#, &[("authorization", &li)]).await.status, StatusCode::FORBIDDEN);
    let bad = world.post(path, r#"{"text":"a\nb"}"#, &[("authorization", &mei)]).await;
    assert_eq!(bad.status, StatusCode::UNPROCESSABLE_ENTITY);
    let intent = IntentId::new("7");
    let sent = Note::Sent { intent: intent.clone(), text: "npm test".into() };
    let refused = Note::NotSent { intent: intent.clone(), text: String::new(), reason: SkipReason::OtherProcess };
    for (note, status, outcome) in [(sent, StatusCode::OK, "done"), (refused, StatusCode::CONFLICT, "not_done")] {
        world.shown.send_replace(Arc::new(super::crowded()));
        let serve = async {
            let call = world.calls.lock().await.recv().await.unwrap();
            assert_eq!(call.peer.who, "mei");
            let steps = vec![KeyStep::Text("npm test".into()), KeyStep::Key("Enter".into())];
            assert_eq!(
                call.request,
                Request::Command { command: Command::Send { pane: key(3), steps, insist: false } }
            );
            call.reply
                .send(Reply::Committed { intents: vec![intent.clone()], run: None, text: String::new() })
                .unwrap();
            world.shown.send_modify(|snapshot| {
                let line = EventLine { seq: 99, at: START, severity: Severity::Info, place: String::new(), note };
                Arc::make_mut(snapshot).events.push(line);
            });
        };
        let headers = [("authorization", mei.as_str())];
        let (told, ()) = tokio::join!(world.post(path, r#"{"text":"npm test"}"#, &headers), serve);
        assert_eq!((told.status, &told.json()["outcome"]), (status, &outcome.into()), "{}", told.text);
    }
}

#[tokio::test]
async fn a_message_goes_to_channels_as_serverchans_scripts_send_it() {
    let world = World::new();
    let token = world.people.issue("ci", Role::Decide, super::MONTH, START).await.unwrap();
    let form = [("content-type", "application/x-www-form-urlencoded"), ("sec-fetch-site", "none")];
    let told = world.post("/send", &format!("text=build&desp=**done**&token={token}"), &form).await;
    assert_eq!((told.status, &told.json()["code"]), (StatusCode::OK, &0.into()), "{}", told.text);
    assert!(!told.text.contains(SECRET), "{}", told.text);
    assert_eq!(world.letters.lock().unwrap()[0].text, "build\n**done**");
    let bearer = format!("Bearer {token}");
    for (body, status) in [
        (r#"{"title":"x","channel":"phone,dead"}"#, StatusCode::BAD_GATEWAY),
        (r#"{"title":"x","channel":"none"}"#, StatusCode::NOT_FOUND),
        (r#"{"title":""}"#, StatusCode::BAD_REQUEST),
        ("{}", StatusCode::BAD_REQUEST),
    ] {
        assert_eq!(world.post("/send", body, &[("authorization", &bearer)]).await.status, status, "{body}");
    }
    let view = world.script("li", Role::View).await;
    let body = r#"{"title":"x"}"#;
    assert_eq!(world.post("/send", body, &[("authorization", &view)]).await.status, StatusCode::FORBIDDEN);
    assert_eq!(world.post("/send", "title=x&token=AAAA", &form).await.status, StatusCode::UNAUTHORIZED);
    let mut last = StatusCode::OK;
    for _ in 0..40 {
        last = world.post("/send", body, &[("authorization", &bearer)]).await.status;
    }
    assert_eq!(last, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn basic_auth_is_asked_for_where_somebody_wants_it() {
    let world = World::new();
    let token = world.people.issue("mei", Role::Decide, super::MONTH, START).await.unwrap();
    let asked = world.get("/basic", &[]).await;
    assert_eq!(asked.status, StatusCode::UNAUTHORIZED);
    assert!(asked.headers["www-authenticate"].to_str().unwrap().starts_with("Basic "));
    assert!(
        !world.get("/api/session", &[]).await.headers.contains_key("www-authenticate"),
        "the panel's page asks itself"
    );
    let pair = base64::engine::general_purpose::STANDARD.encode(format!("mei:{token}"));
    let basic = format!("Basic {pair}");
    let led = world.get("/basic", &[("authorization", &basic)]).await;
    assert_eq!((led.status, &led.headers["location"]), (StatusCode::SEE_OTHER, &"/panel/".parse().unwrap()));
    let session = world.get("/api/session", &[("authorization", &basic)]).await.json();
    assert_eq!(session["name"], "mei");
    let (body, csrf) = (r#"{"revision":1,"verdict":"approve"}"#, session["csrf"].as_str().unwrap());
    let path = "/api/approvals/01JNA";
    let led = world.post(path, body, &[("authorization", &basic), ("sec-fetch-site", "cross-site")]).await;
    assert_eq!(led.status, StatusCode::FORBIDDEN, "another page led the browser here");
    assert_eq!(world.post(path, body, &[("authorization", &basic)]).await.status, StatusCode::FORBIDDEN);
    let done = world.post(path, body, &[("authorization", &basic), ("x-csrf-token", csrf)]).await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text);
}
