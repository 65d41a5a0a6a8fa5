use super::*;
use crate::decide::{Decide, Refusal, Settled, Unsettled};
use crate::token::{Key, Keyring, LinkState, Recipient, authenticate};
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{Method, Request, Response, StatusCode};
use futures_util::future::BoxFuture;
use jiff::tz::TimeZone;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use tmuxagent_config::{Network, Secret};
use tmuxagent_model::{Approval, ApprovalId, ApprovalState, Decider, Decision, Doubt, Millis, Timestamp, Verdict, Via};
use tmuxagent_text::Lang;
use tmuxagent_text::redact::Redactor;
use tower::ServiceExt;

mod form;
mod stands;

const START: Timestamp = Timestamp(1_700_000_000_000);

/// A supervisor with one approval, deciding by compare-and-set.
struct Decisions {
    approval: Mutex<Approval>,
    reports: Mutex<Vec<String>>,
    decisions: Mutex<u32>,
    /// How long a yes can be taken back, by the clock of the pages.
    undo: Mutex<Millis>,
    now: Arc<AtomicI64>,
    /// Why nothing is settled now.
    doubt: Mutex<Option<Unsettled>>,
}

impl Decide for Decisions {
    fn approval<'a>(&'a self, id: &'a ApprovalId) -> BoxFuture<'a, Option<Approval>> {
        let approval = self.approval.lock().unwrap().clone();
        Box::pin(async move { (approval.id == *id).then_some(approval) })
    }

    fn decide<'a>(
        &'a self,
        _: &'a ApprovalId,
        revision: u32,
        verdict: Verdict,
        by: Decider,
    ) -> BoxFuture<'a, Result<Settled, Unsettled>> {
        if let Some(unsettled) = self.doubt.lock().unwrap().clone() {
            return Box::pin(async move { Err(unsettled) });
        }
        let mut approval = self.approval.lock().unwrap();
        let now = Timestamp(self.now.load(Ordering::Relaxed));
        let undo = *self.undo.lock().unwrap();
        let result = match &approval.decision {
            Some(_) if !verdict.approve && approval.can_be_taken_back(now) => {
                (approval.state, approval.undo_until) = (ApprovalState::Rejected, None);
                approval.decision = Some(Decision { verdict, by, at: START });
                Ok(())
            }
            Some(decision) => Err(Refusal::decided(decision.clone(), self.zone())),
            None if approval.revision != revision => Err(Refusal::Stale),
            None => {
                approval.state = if verdict.approve { ApprovalState::Approved } else { ApprovalState::Rejected };
                approval.undo_until = Some(now + undo).filter(|_| verdict.approve && undo.0 > 0);
                approval.decision = Some(Decision { verdict, by, at: START });
                *self.decisions.lock().unwrap() += 1;
                Ok(())
            }
        };
        Box::pin(async move { Ok(Settled::new(result)) })
    }

    fn report(&self, text: String) {
        self.reports.lock().unwrap().push(text);
    }

    fn zone(&self) -> TimeZone {
        TimeZone::fixed(jiff::tz::offset(8))
    }
}

pub(super) struct World {
    decisions: Arc<Decisions>,
    links: Links,
    pub(super) state: Arc<WebState>,
    now: Arc<AtomicI64>,
    _folder: tempfile::TempDir,
}

impl World {
    pub(super) fn new(pin: Option<&str>) -> Self {
        Self::with(Rules { pin: pin.map(Secret::new), ..Rules::default() }, "https://phone.example")
    }

    /// Behind a proxy.
    pub(super) fn behind(proxy: Network) -> Self {
        Self::with(Rules { trusted_proxies: vec![proxy], ..Rules::default() }, "https://phone.example")
    }

    fn with(rules: Rules, public_base_url: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let approval = Approval {
            expires_at: Some(START + Millis::from_secs(3600)),
            question: "Build <now>?".into(),
            ..crate::message::tests::approval()
        };
        let decisions = Arc::new(Decisions {
            approval: Mutex::new(approval),
            reports: Mutex::default(),
            decisions: Mutex::default(),
            undo: Mutex::default(),
            now: Arc::new(AtomicI64::new(START.0)),
            doubt: Mutex::default(),
        });
        let links = Links {
            ring: Keyring { current: Key::new([1; 32]), previous: Vec::new() },
            book: Arc::new(FileBook::new(folder.path().join("links.json"))),
            public_base_url: public_base_url.into(),
        };
        let now = Arc::clone(&decisions.now);
        let clock = Arc::clone(&now);
        let state = WebState::new(
            &links,
            Arc::<Decisions>::clone(&decisions),
            rules,
            Redactor::default(),
            Arc::new(move || Timestamp(clock.load(Ordering::Relaxed))),
        );
        Self { decisions, links, state: Arc::new(state), now, _folder: folder }
    }

    pub(super) fn approval(&self) -> Approval {
        self.decisions.approval.lock().unwrap().clone()
    }

    /// The path of a fresh link, as it comes without a proxy or behind one that takes its own path off.
    pub(super) async fn link(&self) -> String {
        self.link_to(Recipient::default()).await
    }

    async fn link_to(&self, to: Recipient) -> String {
        let url = self.links.mint(&self.approval(), to, START).await.unwrap();
        url.strip_prefix(self.links.public_base_url.trim_end_matches('/')).unwrap().to_owned()
    }

    async fn send(&self, request: Request<Body>) -> (Response<()>, String) {
        let response = router(Arc::clone(&self.state), axum::Router::new()).oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, 1 << 20).await.unwrap();
        (Response::from_parts(parts, ()), String::from_utf8(bytes.to_vec()).unwrap())
    }

    async fn get(&self, path: &str) -> (Response<()>, String) {
        self.send(Request::get(path).body(Body::empty()).unwrap()).await
    }

    /// Opens the page and gives what a browser would send when a button is pressed.
    async fn open(&self, path: &str) -> (String, String) {
        let (response, html) = self.get(path).await;
        assert_eq!(response.status(), StatusCode::OK, "{html}");
        let cookie = response.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
        (cookie, nonce(&html))
    }

    async fn post(&self, path: &str, cookie: &str, form: &str) -> (Response<()>, String) {
        self.send(post(path, cookie, form)).await
    }
}

fn nonce(html: &str) -> String {
    html.split("name=\"nonce\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
}

fn post(path: &str, cookie: &str, form: &str) -> Request<Body> {
    Request::post(path)
        .header("cookie", cookie)
        .header("host", "phone.example")
        .header("origin", "null")
        .header("sec-fetch-site", "same-origin")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Body::from(form.to_owned()))
        .unwrap()
}

#[tokio::test]
async fn health() {
    let (response, body) = World::new(None).get("/healthz").await;
    assert_eq!((response.status(), body.as_str()), (StatusCode::OK, r#"{"ok":true}"#));
}

#[tokio::test]
async fn a_tap_decides_and_only_once() {
    let world = World::new(None);
    let link = world.link().await;
    let (cookie, nonce) = world.open(&link).await;
    let (response, html) = world.post(&link, &cookie, &format!("nonce={nonce}&verdict=approve")).await;
    assert_eq!(response.status(), StatusCode::OK, "{html}");
    assert!(html.contains("Approved"), "{html}");
    let decision = world.approval().decision.unwrap();
    assert_eq!((decision.verdict.approve, decision.by.via), (true, Via::Link));
    let (response, html) = world.post(&link, &cookie, &format!("nonce={nonce}&verdict=reject")).await;
    assert_eq!(response.status(), StatusCode::GONE);
    assert!(
        html.contains("already approved by somebody with the link at 2023-11-15 06:13 UTC+08:00 via a link"),
        "{html}"
    );
    assert_eq!(*world.decisions.decisions.lock().unwrap(), 1);
}

#[tokio::test]
async fn the_page_says_all_and_its_headers_forbid_the_rest() {
    let world = World::new(None);
    let link = world.link().await;
    let request = Request::get(&link).header("accept-language", "zh-CN").body(Body::empty()).unwrap();
    let (response, html) = world.send(request).await;
    for part in [
        "Build &lt;now&gt;?",
        "npm run build\n[Enter]",
        "Tests: 42 passed",
        "2023-11-15 07:13 UTC+08:00",
        "批准",
        "拒绝",
        "lang=\"zh\"",
    ] {
        assert!(html.contains(part), "{part}: {html}");
    }
    assert!(html.contains(&crate::token::short_code(&world.approval())));
    let header = |name: &str| response.headers()[name].to_str().unwrap();
    assert_eq!(header("cache-control"), "no-store");
    assert_eq!(header("referrer-policy"), "no-referrer");
    assert_eq!(header("x-frame-options"), "DENY");
    assert!(header("content-security-policy").starts_with("default-src 'none'; style-src 'sha256-"));
    assert!(header("set-cookie").ends_with("HttpOnly; SameSite=Strict; Secure"));
    assert!(!html.contains("<script") && !html.contains("http://") && !html.contains("https://"));
}

#[tokio::test]
async fn looking_changes_nothing_however_often_and_however() {
    let world = World::new(None);
    let link = world.link().await;
    for path in [link.clone(), format!("{link}/approve"), format!("{link}/reject")] {
        let (get, _) = world.get(&path).await;
        let (head, body) = world.send(Request::head(&path).body(Body::empty()).unwrap()).await;
        assert!(body.is_empty());
        let names =
            |r: &Response<()>| r.headers().keys().map(ToString::to_string).collect::<std::collections::BTreeSet<_>>();
        assert_eq!((head.status(), names(&head)), (get.status(), names(&get)));
        for method in [Method::PUT, Method::DELETE, Method::OPTIONS, Method::PATCH] {
            let request = Request::builder().method(method).uri(&path).body(Body::empty()).unwrap();
            assert_eq!(world.send(request).await.0.status(), StatusCode::METHOD_NOT_ALLOWED);
        }
    }
    assert_eq!(world.approval().decision, None);
}

#[tokio::test]
async fn a_choice_in_the_address_is_only_preselected() {
    let world = World::new(None);
    let link = world.link().await;
    let (_, html) = world.get(&format!("{link}/reject")).await;
    assert!(html.contains("id=\"approve\" class=\"approve faint\">"), "{html}");
    assert!(html.contains("id=\"reject\" class=\"reject\" autofocus>"), "{html}");
    assert_eq!(world.get(&format!("{link}/else")).await.0.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn only_the_page_itself_can_post() {
    let world = World::new(None);
    let link = world.link().await;
    let (cookie, nonce) = world.open(&link).await;
    let good = format!("nonce={nonce}&verdict=approve");
    let with = |name: &str, value: Option<&str>| {
        let mut request = post(&link, &cookie, &good);
        match value {
            Some(value) => drop(
                request
                    .headers_mut()
                    .insert(axum::http::HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap()),
            ),
            None => drop(request.headers_mut().remove(name)),
        }
        request
    };
    let mut silent = with("origin", None);
    silent.headers_mut().remove("sec-fetch-site");
    let cases = [
        with("cookie", None),
        with("cookie", Some("tmuxagent_page=AAAAAAAAAAAAAAAAAAAAAA")),
        with("sec-fetch-site", Some("cross-site")),
        with("sec-fetch-site", Some("none")),
        with("origin", Some("https://evil.example")),
        silent,
        post(&link, &cookie, "nonce=x&verdict=approve"),
        post(&link, &cookie, "verdict=approve"),
    ];
    for request in cases {
        let shown = format!("{request:?}");
        assert_eq!(world.send(request).await.0.status(), StatusCode::FORBIDDEN, "{shown}");
    }
    assert_eq!(world.post(&link, &cookie, &format!("nonce={nonce}")).await.0.status(), StatusCode::BAD_REQUEST);
    assert_eq!(world.approval().decision, None);
    let mut older = with("origin", Some("https://phone.example"));
    older.headers_mut().remove("sec-fetch-site");
    assert_eq!(world.send(older).await.0.status(), StatusCode::OK, "an older browser");
}

#[tokio::test]
async fn a_nonce_of_another_link_is_none() {
    let world = World::new(None);
    let (one, two) = (world.link().await, world.link().await);
    let (cookie, nonce) = world.open(&one).await;
    let (response, _) = world.post(&two, &cookie, &format!("nonce={nonce}&verdict=approve")).await;
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn each_bad_link_has_its_page_and_its_line() {
    let world = World::new(None);
    let link = world.link().await;
    let stranger = Links { ring: Keyring { current: Key::new([9; 32]), previous: Vec::new() }, ..world.links.clone() };
    let forged = stranger
        .mint(&world.approval(), Recipient::default(), START)
        .await
        .unwrap()
        .replace("https://phone.example", "");
    let other = Approval { id: ApprovalId::new("OTHER"), ..world.approval() };
    let foreign =
        world.links.mint(&other, Recipient::default(), START).await.unwrap().replace("https://phone.example", "");
    let revoked = world.link().await;
    let token = authenticate(&world.links.ring, &revoked[3..]).unwrap();
    world.links.book.lock_up(token.id_hash).await.unwrap();
    for (path, status) in [
        (forged.as_str(), StatusCode::FORBIDDEN),
        ("/a/AAAA", StatusCode::FORBIDDEN),
        (foreign.as_str(), StatusCode::NOT_FOUND),
        (revoked.as_str(), StatusCode::GONE),
    ] {
        let (response, html) = world.get(path).await;
        assert_eq!(response.status(), status, "{html}");
        assert!(html.contains("Nothing was done"));
        let (response, _) = world.post(path, "", "verdict=approve").await;
        assert_eq!(response.status(), status);
    }
    world.now.store(START.0 + 3_600_000, Ordering::Relaxed);
    let (response, html) = world.get(&link).await;
    assert_eq!(response.status(), StatusCode::GONE);
    assert!(html.contains("expired"), "{html}");
    let reports = world.decisions.reports.lock().unwrap().join("\n");
    for text in ["not genuine", "another question", "locked", "expired"] {
        assert!(reports.contains(text), "{text}: {reports}");
    }
    assert!(!reports.contains(&link[3..]), "no token in the journal");
}

#[tokio::test]
async fn a_link_is_used_once_its_decision_is_written_down_and_not_before() {
    let world = World::new(None);
    let link = world.link().await;
    let token = authenticate(&world.links.ring, &link[3..]).unwrap();
    let state = async || world.links.book.find(token.id_hash).await.unwrap().unwrap().state;
    for (unsettled, head) in [
        (Unsettled::Doubtful(Doubt::NotSaved { error: "the disk is full".into() }), "Not certain"),
        (Unsettled::Doubtful(Doubt::Ended), "Not certain"),
        (Unsettled::NotTaken, "Nothing was done"),
    ] {
        *world.decisions.doubt.lock().unwrap() = Some(unsettled);
        let (cookie, nonce) = world.open(&link).await;
        let (response, html) = world.post(&link, &cookie, &format!("nonce={nonce}&verdict=approve")).await;
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert!(html.contains(&format!("<h1>{head}</h1>")), "{html}");
        assert_eq!(state().await, LinkState::Open);
    }
    *world.decisions.doubt.lock().unwrap() = None;
    let (cookie, nonce) = world.open(&link).await;
    assert_eq!(world.post(&link, &cookie, &format!("nonce={nonce}&verdict=approve")).await.0.status(), StatusCode::OK);
    assert_eq!((state().await, *world.decisions.decisions.lock().unwrap()), (LinkState::Used, 1));
}

#[tokio::test]
async fn a_changed_question_ends_its_links() {
    let world = World::new(None);
    let link = world.link().await;
    world.decisions.approval.lock().unwrap().revision = 2;
    assert_eq!(world.get(&link).await.0.status(), StatusCode::GONE);
    world.links.book.revoke(&world.approval().id).await.unwrap();
    assert_eq!(world.get(&link).await.0.status(), StatusCode::GONE);
}

#[tokio::test]
async fn a_pin_is_asked_for_and_its_tries_end() {
    let world = World::new(Some("4711"));
    let link = world.link().await;
    let (cookie, nonce) = world.open(&link).await;
    let form = |pin: &str| format!("nonce={nonce}&verdict=approve&pin={pin}");
    for _ in 0..4 {
        assert_eq!(world.post(&link, &cookie, &form("1111")).await.0.status(), StatusCode::FORBIDDEN);
    }
    let (locked, page) = world.post(&link, &cookie, &form("1111")).await;
    assert_eq!(locked.status(), StatusCode::GONE);
    assert!(page.contains("locked: the PIN was wrong five times") && page.contains("new link"), "{page}");
    let (locked, page) = world.post(&link, &cookie, &form("4711")).await;
    assert_eq!(locked.status(), StatusCode::GONE, "locked");
    assert!(page.contains("locked: the PIN was wrong five times"), "{page}");
    assert!(world.get(&link).await.1.contains("locked: the PIN was wrong five times"));
    assert_eq!(world.approval().decision, None);
    let link = world.link().await;
    let (cookie, nonce) = world.open(&link).await;
    let (response, _) = world.post(&link, &cookie, &format!("nonce={nonce}&verdict=approve&pin=4711")).await;
    assert_eq!(response.status(), StatusCode::OK);
}

#[tokio::test]
async fn the_chosen_option_is_the_answer() {
    let world = World::new(None);
    world.decisions.approval.lock().unwrap().options = vec!["staging".into(), "prod".into()];
    let link = world.link().await;
    let (cookie, nonce) = world.open(&link).await;
    world.post(&link, &cookie, &format!("nonce={nonce}&verdict=approve&option=1")).await;
    assert_eq!(world.approval().decision.unwrap().verdict.answer.as_deref(), Some("prod"));
}

#[tokio::test]
async fn guessing_is_stopped() {
    let world = World::new(None);
    let mut stopped = 0;
    for _ in 0..40 {
        stopped += u32::from(world.get("/a/AAAA").await.0.status() == StatusCode::TOO_MANY_REQUESTS);
    }
    assert!(stopped >= 30, "{stopped}");
    let reports = world.decisions.reports.lock().unwrap().len();
    assert!(reports < 10, "{reports} lines in the journal");
    // Who has a genuine link is not locked out by others at his address.
    let link = world.link().await;
    for _ in 0..50 {
        assert_eq!(world.get("/a/AAAA").await.0.status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(world.get(&link).await.0.status(), StatusCode::OK);
    }
    let (cookie, nonce) = world.open(&link).await;
    assert_eq!(world.post(&link, &cookie, &format!("nonce={nonce}&verdict=approve")).await.0.status(), StatusCode::OK);
    // A link that was used is answered as often as it is opened, and fills no journal.
    for _ in 0..50 {
        assert_eq!(world.get(&link).await.0.status(), StatusCode::GONE);
    }
    assert!(world.decisions.reports.lock().unwrap().len() < reports + 10);
}

fn from(address: &str, forwarded: &str, path: &str) -> Request<Body> {
    let mut request = Request::get(path).header("x-forwarded-for", forwarded).body(Body::empty()).unwrap();
    request.extensions_mut().insert(ConnectInfo(SocketAddr::new(address.parse().unwrap(), 4711)));
    request
}

#[tokio::test]
async fn only_a_named_proxy_says_who_asks() {
    let named = World::behind(Network::parse("127.0.0.1").unwrap());
    let unnamed = World::new(None);
    for n in 0..40 {
        // The left part is what a stranger wrote himself.
        let forwarded = format!("198.51.100.{n}, 203.0.113.9");
        for world in [&named, &unnamed] {
            world.send(from("127.0.0.1", &forwarded, "/a/AAAA")).await;
        }
    }
    let status = async |world: &World, peer: &str, forwarded: &str| {
        world.send(from(peer, forwarded, "/a/AAAA")).await.0.status()
    };
    let (stopped, tried) = (StatusCode::TOO_MANY_REQUESTS, StatusCode::FORBIDDEN);
    assert_eq!(status(&named, "127.0.0.1", "203.0.113.9").await, stopped);
    assert_eq!(status(&named, "127.0.0.1", "198.51.100.7").await, tried, "others are not stopped");
    assert_eq!(status(&named, "203.0.113.9", "198.51.100.8").await, stopped, "he is no proxy");
    assert_eq!(status(&unnamed, "127.0.0.1", "198.51.100.7").await, stopped, "nobody is believed");
    assert!(named.decisions.reports.lock().unwrap()[0].contains("from 203.0.113.9"));
}

#[tokio::test]
async fn behind_a_path_the_page_works_wherever_it_is() {
    let world = World::with(Rules::default(), "https://box.example/agent");
    let link = world.link().await;
    let url = world.links.mint(&world.approval(), Recipient::default(), START).await.unwrap();
    assert!(url.starts_with("https://box.example/agent/a/"), "{url}");
    // With the path and without it; the page names none.
    for path in [link.clone(), format!("/agent{link}"), format!("/agent{link}/approve")] {
        let (response, html) = world.get(&path).await;
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        assert!(!html.contains("action=") && !html.contains("href"), "{html}");
        assert!(!response.headers()["set-cookie"].to_str().unwrap().contains("Path"), "the browser knows it");
    }
    assert_eq!(world.get("/agent/healthz").await.0.status(), StatusCode::OK);
    assert_eq!(world.get(&format!("/other{link}")).await.0.status(), StatusCode::NOT_FOUND);
    let path = format!("/agent{link}");
    let (cookie, nonce) = world.open(&path).await;
    let mut request = post(&path, &cookie, &format!("nonce={nonce}&verdict=approve"));
    request.headers_mut().insert("origin", "https://box.example".parse().unwrap());
    let mut strange = post(&path, &cookie, &format!("nonce={nonce}&verdict=approve"));
    strange.headers_mut().insert("host", "evil.example".parse().unwrap());
    assert_eq!(world.send(strange).await.0.status(), StatusCode::MISDIRECTED_REQUEST, "a name that is not ours");
    // Two names, and another one in the request's own line.
    for (line, hosts) in [
        (path.clone(), &["box.example", "evil.example"][..]),
        (path.clone(), &["evil.example", "box.example"]),
        (format!("http://evil.example{path}"), &["box.example"]),
    ] {
        let mut two = post(&line, &cookie, &format!("nonce={nonce}&verdict=approve"));
        two.headers_mut().remove("host");
        for host in hosts {
            two.headers_mut().append("host", host.parse().unwrap());
        }
        assert_eq!(world.send(two).await.0.status(), StatusCode::MISDIRECTED_REQUEST, "{line} {hosts:?}");
    }
    request.headers_mut().insert("host", "box.example".parse().unwrap());
    assert_eq!(world.send(request).await.0.status(), StatusCode::OK);
    // What means something in a route is no path that is served, and nothing fails.
    for strange in ["https://b/{x}", "https://b/*", "https://b/:x/", "https://b/a", "https://b/a/x", "https://b//"] {
        let world = World::with(Rules::default(), strange);
        assert_eq!(world.get(&world.link().await).await.0.status(), StatusCode::OK, "{strange}");
    }
}

#[tokio::test]
async fn who_decided_is_a_name() {
    let sent = |channel: &str, person: &str| Recipient { channel: channel.into(), person: person.into() };
    let recorded = async |to: Recipient, peer: &str, lang: Lang| {
        let world = World::with(Rules { lang, ..Rules::default() }, "https://phone.example");
        let link = world.link_to(to).await;
        let (cookie, nonce) = world.open(&link).await;
        let mut request = post(&link, &cookie, &format!("nonce={nonce}&verdict=approve"));
        request.extensions_mut().insert(ConnectInfo(SocketAddr::new(peer.parse().unwrap(), 4711)));
        world.send(request).await;
        world.approval().decision.unwrap().by.who
    };
    assert_eq!(recorded(sent("phone", "mei"), "203.0.113.9", Lang::En).await, "mei");
    let somebody = recorded(sent("phone", ""), "203.0.113.9", Lang::En).await;
    assert_eq!(somebody, "somebody with the link (sent to phone, 203.0.113.9)");
    assert_eq!(recorded(sent("", ""), "203.0.113.9", Lang::En).await, "somebody with the link (203.0.113.9)");
    assert_eq!(recorded(sent("phone", ""), "127.0.0.1", Lang::Zh).await, "持有链接的人 (发往 phone)");
}

#[tokio::test]
async fn two_taps_in_one_instant_are_one_decision() {
    for _ in 0..50 {
        let world = World::new(None);
        let (one, two) = (world.link().await, world.link().await);
        let (first, second) = (world.open(&one).await, world.open(&two).await);
        let approve = format!("nonce={}&verdict=approve", first.1);
        let reject = format!("nonce={}&verdict=reject", second.1);
        let (a, b) = tokio::join!(world.post(&one, &first.0, &approve), world.post(&two, &second.0, &reject));
        let mut statuses = [a.0.status(), b.0.status()];
        statuses.sort();
        assert_eq!(statuses, [StatusCode::OK, StatusCode::GONE]);
        assert_eq!(*world.decisions.decisions.lock().unwrap(), 1);
    }
}

#[tokio::test]
async fn it_is_served_on_a_real_port_and_ends() {
    let world = World::new(None);
    let stop = tokio_util::sync::CancellationToken::new();
    let server = serve("127.0.0.1:0".parse().unwrap(), Arc::clone(&world.state), axum::Router::new(), 8, stop.clone())
        .await
        .unwrap();
    assert!(
        serve(server.address, Arc::clone(&world.state), axum::Router::new(), 8, stop.clone()).await.is_err(),
        "taken"
    );
    let client = crate::http::client(&Default::default(), Millis::from_secs(10)).unwrap();
    let base = format!("http://{}", server.address);
    let health = client.get(format!("{base}/healthz")).send().await.unwrap();
    assert_eq!(health.text().await.unwrap(), r#"{"ok":true}"#);
    let page = client.get(format!("{base}{}", world.link().await)).send().await.unwrap();
    assert_eq!(page.status(), 200);
    stop.cancel();
    tokio::time::timeout(std::time::Duration::from_secs(10), server.ended()).await.unwrap().unwrap();
}

#[tokio::test]
async fn who_has_the_link_decides_from_a_shell_too() {
    let shell = |path: &str, form: &str| {
        let request = Request::post(path).header("host", "phone.example").header("user-agent", "curl/8.5.0");
        let request = request.header("accept", "*/*").header("content-type", "application/x-www-form-urlencoded");
        request.body(Body::from(form.to_owned())).unwrap()
    };
    let world = World::new(None);
    let link = world.link().await;
    assert_eq!(world.send(shell(&link, "")).await.0.status(), StatusCode::BAD_REQUEST, "it must say what");
    let (response, html) = world.send(shell(&link, "verdict=reject")).await;
    assert_eq!(response.status(), StatusCode::OK, "{html}");
    assert!(!world.approval().decision.unwrap().verdict.approve);
    assert_eq!(world.send(shell(&link, "verdict=approve")).await.0.status(), StatusCode::GONE, "once");
    assert_eq!(world.send(shell("/a/AAAA", "verdict=approve")).await.0.status(), StatusCode::FORBIDDEN);
    // Anything that only a browser says makes it one.
    for (name, value) in [
        ("origin", "https://evil.example"),
        ("origin", "\u{fffd}"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-mode", "navigate"),
        ("referer", "https://evil.example/"),
        ("cookie", "other=1"),
    ] {
        let world = World::new(None);
        let link = world.link().await;
        let mut request = shell(&link, "verdict=approve");
        let value = axum::http::HeaderValue::from_bytes(value.as_bytes()).unwrap();
        request.headers_mut().insert(axum::http::HeaderName::from_static(name), value);
        assert_eq!(world.send(request).await.0.status(), StatusCode::FORBIDDEN, "{name}");
        assert_eq!(world.approval().decision, None);
    }
    // The PIN is asked for here as well.
    let world = World::new(Some("471147"));
    let link = world.link().await;
    assert_eq!(world.send(shell(&link, "verdict=approve")).await.0.status(), StatusCode::FORBIDDEN);
    assert_eq!(world.send(shell(&link, "verdict=approve&pin=471147")).await.0.status(), StatusCode::OK);
}

#[tokio::test]
async fn refused_requests_fill_no_journal() {
    let world = World::new(None);
    let (open, used) = (world.link().await, world.link().await);
    let token = authenticate(&world.links.ring, &used[3..]).unwrap();
    world.links.book.lock_up(token.id_hash).await.unwrap();
    for n in 0..500_u32 {
        let strange = if n % 2 == 0 { "https://evil.example" } else { "https://phone.example" };
        let mut request = post(&open, "", "verdict=approve");
        request.headers_mut().insert("origin", strange.parse().unwrap());
        request.headers_mut().remove("sec-fetch-site");
        assert_eq!(world.send(request).await.0.status(), StatusCode::FORBIDDEN);
        for path in [used.as_str(), "/a/AAAA"] {
            world.get(path).await;
        }
        world.now.fetch_add(6_000, Ordering::Relaxed);
    }
    // Fifty minutes, 1500 requests.
    let told = |world: &World| world.decisions.reports.lock().unwrap().clone();
    assert_eq!(told(&world).len(), 10, "{:?}", told(&world));
    world.now.fetch_add(600_000, Ordering::Relaxed);
    world.state.tell_counted(false);
    let last = told(&world).last().cloned().unwrap();
    assert_eq!(last, "more requests to the web server were refused: 1490, of them from 127.0.0.1: 1490");
    world.state.tell_counted(true);
    assert_eq!(told(&world).len(), 11);
    assert_eq!(world.approval().decision, None);
}
