use super::people::{People, Role};
use super::{Panel, routes};
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use futures_util::future::BoxFuture;
use serde_json::Value;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use tmuxagent_alerts::decide::{Decide, Settled, Unsettled};
use tmuxagent_alerts::token::{Key, Keyring};
use tmuxagent_alerts::web::{FileBook, Links, Rules, WebState, router};
use tmuxagent_config::Secret;
use tmuxagent_model::{Approval, ApprovalId, Decider, Millis, Timestamp, Verdict};
use tmuxagent_text::redact::Redactor;
use tower::ServiceExt as _;

mod sign_in;

pub(crate) const START: Timestamp = Timestamp(1_700_000_000_000);
pub(crate) const MONTH: Millis = Millis::from_secs(30 * 86_400);
/// A value that no answer may hold.
pub(crate) const SECRET: &str = "river-stone-41x";

/// Keeps what is told; nothing is decided.
#[derive(Default)]
pub(crate) struct Desk {
    pub(crate) reports: Mutex<Vec<String>>,
}

impl Decide for Desk {
    fn approval<'a>(&'a self, _: &'a ApprovalId) -> BoxFuture<'a, Option<Approval>> {
        Box::pin(async { None })
    }

    fn decide<'a>(
        &'a self,
        _: &'a ApprovalId,
        _: u32,
        _: Verdict,
        _: Decider,
    ) -> BoxFuture<'a, Result<Settled, Unsettled>> {
        Box::pin(async { Err(Unsettled::NotTaken) })
    }

    fn report(&self, text: String) {
        self.reports.lock().unwrap().push(text);
    }
}

/// A panel without a socket.
pub(crate) struct World {
    pub(crate) people: People,
    pub(crate) desk: Arc<Desk>,
    pub(crate) now: Arc<AtomicI64>,
    router: axum::Router,
    _folder: tempfile::TempDir,
}

/// An answer.
pub(crate) struct Told {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Told {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    /// The first cookie, as a browser sends it back.
    pub(crate) fn cookie(&self) -> String {
        self.headers["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned()
    }
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(None, "https://phone.example")
    }

    pub(crate) fn with(pin: Option<&str>, public_base_url: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let desk = Arc::new(Desk::default());
        let links = Links {
            ring: Keyring { current: Key::new([1; 32]), previous: Vec::new() },
            book: Arc::new(FileBook::new(folder.path().join("links.json"))),
            public_base_url: public_base_url.into(),
        };
        let now = Arc::new(AtomicI64::new(START.0));
        let clock = Arc::clone(&now);
        let web = Arc::new(WebState::new(
            &links,
            Arc::<Desk>::clone(&desk),
            Rules { pin: pin.map(Secret::new), ..Rules::default() },
            Redactor::knowing([SECRET.to_owned()]),
            Arc::new(move || Timestamp(clock.load(Ordering::Relaxed))),
        ));
        let people = People::new(folder.path().join("people.json"));
        let panel = Panel { web: Arc::clone(&web), people: people.clone() };
        let router = router(web, routes(panel));
        Self { people, desk, now, router, _folder: folder }
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Told {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, 1 << 20).await.unwrap();
        Told { status: parts.status, headers: parts.headers, text: String::from_utf8(bytes.to_vec()).unwrap() }
    }

    pub(crate) async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Told {
        let request = headers.iter().fold(Request::get(path), |request, (name, value)| request.header(*name, *value));
        self.send(request.header("host", "phone.example").body(Body::empty()).unwrap()).await
    }

    /// As a browser sends it from a page of ours, unless a header says otherwise.
    pub(crate) async fn post(&self, path: &str, body: &str, headers: &[(&str, &str)]) -> Told {
        let mut request = Request::post(path).header("host", "phone.example");
        for (name, value) in [("sec-fetch-site", "same-origin"), ("content-type", "application/json")] {
            if !headers.iter().any(|(other, _)| *other == name) {
                request = request.header(name, value);
            }
        }
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        self.send(request.body(Body::from(body.to_owned())).unwrap()).await
    }

    /// The header of somebody's script.
    pub(crate) async fn script(&self, name: &str, role: Role) -> String {
        format!("Bearer {}", self.people.issue(name, role, MONTH, START).await.unwrap())
    }
}
