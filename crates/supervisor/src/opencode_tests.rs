use super::*;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::routing::get;
use tmuxagent_model::{AgentState, HostName, PaneId, ServerId};

const RECORDED: &str = include_str!("../../../tests/fixtures/opencode-1.18.33-events.sse");

/// The recorded events, told by a stand-in for its server, piece by piece as a network cuts them.
#[tokio::test]
async fn what_it_tells_is_followed_to_its_end() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let events = async || {
        let pieces = RECORDED.as_bytes().chunks(7).map(|piece| Ok::<_, std::io::Error>(Bytes::from_static(piece)));
        Body::from_stream(futures_util::stream::iter(pieces))
    };
    let router = Router::new()
        .route("/session/status", get(async || "{}"))
        .route("/permission", get(async || "[]"))
        .route("/event", get(events));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move { axum::serve(listener, router).await });
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let (loop_, mut heard) = mpsc::channel(64);
    let (host, server) = (HostName::local(), ServerId::new("s"));
    let ear = Ear { pane: PaneKey { host, server, pane: PaneId(1), pid: 1 }, loop_ };
    assert!(listen(&client, port, &ear).await.is_some());
    let mut told = Vec::new();
    while let Ok(Urgent::Opencode(_, state)) = heard.try_recv() {
        told.push(state.map(|said| said.state));
    }
    let (rests, works) = (Some(AgentState::Idle), Some(AgentState::Working));
    assert_eq!((told.first(), told.last()), (Some(&rests), Some(&works)), "{told:?}");
    assert!(told.contains(&Some(AgentState::NeedsApproval)), "{told:?}");
    assert!(listen(&client, 1, &ear).await.is_some(), "nobody listens there");
}
