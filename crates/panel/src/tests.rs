use super::people::{People, Role};
use super::push::Push;
use super::{Letter, Panel, PanelState, Post, routes};
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use futures_util::future::BoxFuture;
use serde_json::Value;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use tmuxagent_alerts::decide::{Decide, Refusal, Settled, Unsettled};
use tmuxagent_alerts::manual::Sent;
use tmuxagent_alerts::token::{Key, Keyring};
use tmuxagent_alerts::web::{FileBook, Links, Rules, WebState, router};
use tmuxagent_clock::Clock;
use tmuxagent_config::Secret;
use tmuxagent_ipc::hub::{Call, Hub};
use tmuxagent_ipc::wire::Reply;
use tmuxagent_model::{
    Approval, ApprovalId, ApprovalState, Decider, Decision, InputView, Millis, Snapshot, Timestamp, Verdict,
};
use tmuxagent_store::Store;
use tmuxagent_text::redact::Redactor;
use tmuxagent_tui::sample::Sample;
use tokio::sync::{broadcast, mpsc, watch};
use tower::ServiceExt as _;

mod interface;
mod live;
mod page;
mod past;
mod push;
mod sign_in;
mod start;
mod typing;

pub(crate) const START: Timestamp = Timestamp(1_700_000_000_000);
pub(crate) const MONTH: Millis = Millis::from_secs(30 * 86_400);
/// A value that no answer may hold.
pub(crate) const SECRET: &str = "river-stone-41x";

/// The decisions of a supervisor with the approvals of the picture, deciding by compare-and-set. That only the real one may say that
/// something is settled is a rule of the source tree for the program alone.
pub(crate) struct Decisions {
    pub(crate) approvals: Mutex<Vec<Approval>>,
    pub(crate) reports: Mutex<Vec<String>>,
}

impl Decide for Decisions {
    fn approval<'a>(&'a self, id: &'a ApprovalId) -> BoxFuture<'a, Option<Approval>> {
        let found = self.approvals.lock().unwrap().iter().find(|approval| approval.id == *id).cloned();
        Box::pin(async move { found })
    }

    fn decide<'a>(
        &'a self,
        id: &'a ApprovalId,
        revision: u32,
        verdict: Verdict,
        by: Decider,
    ) -> BoxFuture<'a, Result<Settled, Unsettled>> {
        let mut all = self.approvals.lock().unwrap();
        let approval = all.iter_mut().find(|approval| approval.id == *id).unwrap();
        let result = match &approval.decision {
            Some(decision) => Err(Refusal::decided(decision.clone(), self.zone())),
            None if approval.revision != revision => Err(Refusal::Stale),
            None => {
                approval.state = if verdict.approve { ApprovalState::Approved } else { ApprovalState::Rejected };
                approval.decision = Some(Decision { verdict, by, at: START });
                Ok(())
            }
        };
        Box::pin(async move { Ok(Settled::new(result)) })
    }

    fn report(&self, text: String) {
        self.reports.lock().unwrap().push(text);
    }
}

/// A panel without a socket.
pub(crate) struct World {
    pub(crate) people: People,
    pub(crate) decisions: Arc<Decisions>,
    pub(crate) now: Arc<AtomicI64>,
    /// The supervisor's ends: what is shown, and what is asked of its loop.
    pub(crate) shown: watch::Sender<Arc<Snapshot>>,
    pub(crate) calls: tokio::sync::Mutex<mpsc::Receiver<Call>>,
    pub(crate) hub: Hub,
    pub(crate) router: axum::Router,
    /// What was sent to channels.
    pub(crate) letters: Arc<Mutex<Vec<Letter>>>,
    pub(crate) store: Store,
    pub(crate) push: Option<Arc<Push>>,
    pub(crate) web: Arc<WebState>,
    folder: tempfile::TempDir,
}

/// Everything that can be shown, with a secret and with signs that deceive.
pub(crate) fn crowded() -> Snapshot {
    Sample::crowded()
        .with(|snapshot| {
            snapshot.panes[0].last_line = format!("token {SECRET} a\u{202e}b <script>alert(1)</script>");
            snapshot.runs[0].inputs = vec![InputView {
                name: "branch".into(),
                default: Some(format!("main {SECRET}")),
                choices: Vec::new(),
                number: false,
            }];
            snapshot.approvals[0].evidence.push(format!("export KEY={SECRET}"));
        })
        .build()
}

fn hub(calls: mpsc::Sender<Call>, snapshots: watch::Receiver<Arc<Snapshot>>) -> Hub {
    Hub {
        calls,
        snapshots,
        clock: Clock::start(START),
        screens: broadcast::channel(16).0,
        events: broadcast::channel(16).0,
        hello: watch::channel(Arc::new(Reply::Done)).1,
        user: "root".into(),
        closing: watch::channel(None).1,
        connections: Arc::default(),
        seats: tmuxagent_ipc::seats::Seats::default(),
    }
}

/// Channels, of which `phone` takes everything and `dead` nothing.
fn post(letters: Arc<Mutex<Vec<Letter>>>) -> Post {
    Arc::new(move |letter: Letter| {
        letters.lock().unwrap().push(letter.clone());
        let names = if letter.channels.is_empty() { vec!["phone".to_owned()] } else { letter.channels };
        let known = names.iter().all(|name| ["phone", "dead"].contains(&name.as_str()));
        let one = |channel: String| Sent { ok: channel == "phone", answer: format!("key {SECRET}"), channel };
        Box::pin(async move { known.then(|| names.into_iter().map(one).collect()) })
    })
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
        Self::whole(pin, public_base_url, tempfile::tempdir().unwrap(), None)
    }

    /// With messages for browsers, whose services are on this machine.
    pub(crate) async fn pushing() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let push = crate::push::tests::local(folder.path()).await;
        Self::whole(None, "https://phone.example", folder, Some(Arc::new(push)))
    }

    fn whole(pin: Option<&str>, public_base_url: &str, folder: tempfile::TempDir, push: Option<Arc<Push>>) -> Self {
        let snapshot = crowded();
        let decisions =
            Arc::new(Decisions { approvals: Mutex::new(snapshot.approvals.clone()), reports: Mutex::default() });
        let (shown, snapshots) = watch::channel(Arc::new(snapshot));
        let (calls_in, calls) = mpsc::channel(16);
        let hub = hub(calls_in, snapshots);
        let links = Links {
            ring: Keyring { current: Key::new([1; 32]), previous: Vec::new() },
            book: Arc::new(FileBook::new(folder.path().join("links.json"))),
            public_base_url: public_base_url.into(),
        };
        let now = Arc::new(AtomicI64::new(START.0));
        let clock = Arc::clone(&now);
        let web = Arc::new(WebState::new(
            &links,
            Arc::<Decisions>::clone(&decisions),
            Rules { pin: pin.map(Secret::new), ..Rules::default() },
            Redactor::knowing([SECRET.to_owned()]),
            Arc::new(move || Timestamp(clock.load(Ordering::Relaxed))),
        ));
        let people = People::new(folder.path().join("people.json"));
        let letters = Arc::<Mutex<Vec<Letter>>>::default();
        let (store, _) = Store::open(&folder.path().join("state.db"), START).unwrap();
        let panel = Panel {
            web: Arc::clone(&web),
            people: people.clone(),
            hub: hub.clone(),
            store: store.clone(),
            undo: Millis::from_secs(10),
            post: post(Arc::clone(&letters)),
            push: push.clone(),
            state: PanelState::default(),
        };
        let router = router(Arc::clone(&web), routes(panel));
        let calls = tokio::sync::Mutex::new(calls);
        Self { people, decisions, now, shown, calls, hub, router, letters, store, push, web, folder }
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Told {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, 1 << 20).await.unwrap();
        Told { status: parts.status, headers: parts.headers, text: String::from_utf8_lossy(&bytes).into_owned() }
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

    /// A file of the panel's.
    pub(crate) fn file(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    /// The header of somebody's script.
    pub(crate) async fn script(&self, name: &str, role: Role) -> String {
        format!("Bearer {}", self.people.issue(name, role, MONTH, START).await.unwrap())
    }
}
