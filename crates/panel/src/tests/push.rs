//! Messages to browsers that are not open, over a push service on this machine.

use super::{START, World, crowded};
use crate::people::Role;
use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::agreement::{ECDH_P256, EphemeralPrivateKey};
use ring::rand::SystemRandom;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use tmuxagent_model::{ApprovalState, Snapshot};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// A push service; what it gets, and its address. Messages for `gone` are answered as those of a browser that left.
async fn service() -> (mpsc::UnboundedReceiver<(HeaderMap, Bytes)>, String) {
    let (got, messages) = mpsc::unbounded_channel();
    let take = move |headers: HeaderMap, body: Bytes| async move {
        got.send((headers, body)).unwrap();
        StatusCode::CREATED
    };
    let router = Router::new().route("/here", post(take)).route("/gone", post(async || StatusCode::GONE));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    (messages, address)
}

fn subscription(endpoint: &str) -> String {
    let key = EphemeralPrivateKey::generate(&ECDH_P256, &SystemRandom::new()).unwrap();
    let point = URL_SAFE_NO_PAD.encode(key.compute_public_key().unwrap());
    let keys = json!({ "p256dh": point, "auth": URL_SAFE_NO_PAD.encode([7; 16]) });
    json!({ "endpoint": endpoint, "expirationTime": null, "keys": keys }).to_string()
}

async fn next(messages: &mut mpsc::UnboundedReceiver<(HeaderMap, Bytes)>) -> Option<HeaderMap> {
    let message = tokio::time::timeout(Duration::from_secs(20), messages.recv()).await.expect("a message, or the end");
    message.map(|(headers, body)| {
        assert_eq!((headers["content-encoding"].to_str().unwrap(), body[20]), ("aes128gcm", 65));
        headers
    })
}

#[tokio::test]
async fn a_browser_that_may_decide_is_told_of_a_question_and_of_its_end() {
    let world = World::pushing().await;
    let (mut messages, address) = service().await;
    let here = format!("{address}/here");
    let (mei, li) = (world.script("mei", Role::Decide).await, world.script("li", Role::View).await);
    let (own, gone) = (subscription(&here), subscription(&format!("{address}/gone")));
    assert_eq!(world.post("/api/push", &own, &[("authorization", &li)]).await.status, StatusCode::FORBIDDEN);
    let elsewhere = subscription("https://evil.example/x");
    let refused = world.post("/api/push", &elsewhere, &[("authorization", &mei)]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    for wish in [&own, &gone] {
        let told = world.post("/api/push", wish, &[("authorization", &mei)]).await;
        assert_eq!(told.status, StatusCode::OK, "{}", told.text);
    }
    let mut snapshot = Snapshot { approvals: Vec::new(), ..crowded() };
    world.shown.send_replace(Arc::new(snapshot.clone()));
    let (push, stop) = (world.push.clone().unwrap(), CancellationToken::new());
    let run = push.run(Arc::clone(&world.web), world.people.clone(), world.hub.clone(), stop.clone());
    let running = tokio::spawn(run);
    // Seen before anything is new.
    tokio::task::yield_now().await;
    snapshot.approvals = crowded().approvals.into_iter().take(1).collect();
    world.shown.send_replace(Arc::new(snapshot.clone()));
    let asked = next(&mut messages).await.unwrap();
    assert_eq!((&asked["urgency"], asked["topic"].len()), (&"high".parse().unwrap(), 32));
    assert!(asked["authorization"].to_str().unwrap().starts_with("vapid t="));
    snapshot.approvals[0].state = ApprovalState::Expired;
    world.shown.send_replace(Arc::new(snapshot.clone()));
    let closed = next(&mut messages).await.unwrap();
    assert_eq!((&closed["urgency"], &closed["topic"]), (&"normal".parse().unwrap(), &asked["topic"]));
    // Whoever is revoked is told nothing more, and forgotten.
    world.people.revoke("mei", START).await.unwrap();
    snapshot.approvals = crowded().approvals.into_iter().skip(1).take(1).collect();
    world.shown.send_replace(Arc::new(snapshot));
    let empty = async {
        while std::fs::read_to_string(world.file("push.json")).unwrap() != "[]" {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), empty).await.expect("both are forgotten");
    stop.cancel();
    running.await.unwrap();
    assert!(messages.try_recv().is_err());
}
