//! What is told as it happens.

use super::{START, World, crowded};
use crate::people::Role;
use axum::body::{Body, BodyDataStream};
use axum::http::{Request, StatusCode};
use futures_util::StreamExt as _;
use std::sync::Arc;
use std::time::Duration;
use tmuxagent_ipc::hub::PaneScreen;
use tmuxagent_ipc::wire::{Reply, Request as Asked};
use tmuxagent_model::Snapshot;
use tmuxagent_tui::sample::{key, screen_rows};
use tower::ServiceExt as _;

const PATIENCE: Duration = Duration::from_secs(20);

async fn follow(world: &World, path: &str, bearer: &str, known: &str) -> BodyDataStream {
    let request = Request::get(path).header("authorization", bearer).header("last-event-id", known);
    let response = world.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    response.into_body().into_data_stream()
}

/// The next event that is no mere sign of life.
async fn next(stream: &mut BodyDataStream) -> Option<String> {
    let told = async {
        loop {
            let text = String::from_utf8(stream.next().await?.unwrap().to_vec()).unwrap();
            if !text.starts_with(':') {
                return Some(text);
            }
        }
    };
    tokio::time::timeout(PATIENCE, told).await.expect("an event, or the end")
}

fn show(world: &World, generation: u64) {
    world.shown.send_replace(Arc::new(Snapshot { generation, ..crowded() }));
}

#[tokio::test]
async fn who_comes_again_is_told_only_what_is_newer() {
    let world = World::new();
    let bearer = world.script("mei", Role::View).await;
    let mut first = follow(&world, "/events", &bearer, "").await;
    let told = next(&mut first).await.unwrap();
    assert!(
        told.contains("event: overview\n") && told.contains("id: 4242-1\n") && told.contains("retry: 1000"),
        "{told}"
    );
    let mut again = follow(&world, "/events", &bearer, "4242-1").await;
    show(&world, 2);
    let told = next(&mut again).await.unwrap();
    assert!(told.contains("id: 4242-2\n"), "{told}");
    let data = told.lines().find_map(|line| line.strip_prefix("data: ")).unwrap();
    assert_eq!(serde_json::from_str::<serde_json::Value>(data).unwrap()["state"], "4242-2");
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_pictures_is_a_few_events_and_a_revoked_token_ends_them() {
    let world = World::new();
    let bearer = world.script("mei", Role::View).await;
    let mut stream = follow(&world, "/events", &bearer, "").await;
    next(&mut stream).await.unwrap();
    let began = tokio::time::Instant::now();
    for generation in 2..200 {
        show(&world, generation);
    }
    assert!(next(&mut stream).await.unwrap().contains("id: 4242-199\n"));
    assert!(began.elapsed() >= Duration::from_millis(900), "{:?}", began.elapsed());
    world.people.revoke("mei", START).await.unwrap();
    let revoked = tokio::time::Instant::now();
    show(&world, 200);
    assert_eq!(next(&mut stream).await, None, "nothing is told behind it");
    assert!(revoked.elapsed() <= Duration::from_millis(200), "{:?}", revoked.elapsed());
}

#[tokio::test]
async fn a_panes_screen_is_told_while_somebody_looks() {
    let world = World::new();
    let bearer = world.script("mei", Role::View).await;
    let rows = || {
        let mut rows = screen_rows();
        rows.push(format!("key {}", super::SECRET));
        PaneScreen { pane: key(3), rows }
    };
    let serve = async {
        let mut calls = world.calls.lock().await;
        let call = calls.recv().await.unwrap();
        assert_eq!(call.request, Asked::WatchPane { pane: Some(key(3)) });
        call.reply.send(Reply::Done).unwrap();
        world.hub.screens.send(Arc::new(PaneScreen { pane: key(4), rows: vec!["another".into()] })).unwrap();
        world.hub.screens.send(Arc::new(rows())).unwrap();
        (call.peer, calls.recv().await.unwrap())
    };
    let headers = [("authorization", bearer.as_str())];
    let (told, (peer, left)) = tokio::join!(world.get("/api/panes/local:3/tail", &headers), serve);
    assert_eq!((left.request, left.peer.connection), (Asked::Bye, peer.connection), "nobody looks any more");
    let told = told.json();
    assert_eq!((&told["id"], &told["rows"][0]), (&"local:3".into(), &"$ npm test".into()));
    assert!(told["rows"].as_array().unwrap().iter().all(|row| !row.as_str().unwrap().contains('\u{1b}')));
    assert!(!told.to_string().contains(super::SECRET));
    let serve = async {
        let call = world.calls.lock().await.recv().await.unwrap();
        call.reply.send(Reply::Done).unwrap();
        world.hub.screens.send(Arc::new(rows())).unwrap();
    };
    let (mut stream, ()) = tokio::join!(follow(&world, "/events?pane=local:%253", &bearer, "4242-1"), serve);
    let told = next(&mut stream).await.unwrap();
    assert!(told.contains("event: tail\n") && told.contains("$ npm test") && !told.contains(super::SECRET), "{told}");
    assert_eq!(world.get("/api/panes/local:99/tail", &headers).await.status, StatusCode::NOT_FOUND);
}
