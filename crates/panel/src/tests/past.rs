//! What was: runs that ended, and the report.

use super::{START, World};
use crate::people::Role;
use axum::http::StatusCode;
use std::sync::Arc;
use tmuxagent_model::RunState;

#[tokio::test]
async fn runs_that_ended_are_told_the_newest_first() {
    let world = World::new();
    let bearer = world.script("mei", Role::View).await;
    let headers = [("authorization", bearer.as_str()), ("accept-language", "zh")];
    let mut snapshot = super::crowded();
    for run in &mut snapshot.runs {
        (run.state, run.started_at, run.ended_at) = (Some(RunState::Succeeded), Some(START), Some(START));
    }
    world.shown.send_replace(Arc::new(snapshot));
    let told = world.get("/api/history", &headers).await.json();
    let runs = told["runs"].as_array().unwrap();
    assert!(runs.len() > 2 && runs.windows(2).all(|two| two[0]["run"].as_u64() > two[1]["run"].as_u64()), "{told}");
    assert_eq!(runs[0]["state_text"], "完成");
    let one = world.get("/api/history?limit=1", &headers).await.json();
    assert_eq!(one["runs"].as_array().map(Vec::len), Some(1));
    assert_eq!(world.get("/api/history?limit=many", &headers).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_report_of_days_without_anything_says_so() {
    let world = World::new();
    let bearer = world.script("mei", Role::View).await;
    let told = world.get("/api/report?days=9999", &[("authorization", &bearer)]).await.json();
    assert_eq!((&told["days"], &told["parts"]), (&366.into(), &serde_json::json!([])));
    world.store.clone().close().await;
}
