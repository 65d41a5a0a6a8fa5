//! Signed links in a real browser: a phone's page in headless Chromium, driven over the WebDriver protocol (W3C), and a
//! crawler that opens everything and changes nothing.

use serde_json::{Value, json};
use std::net::SocketAddr;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tmuxagent::approval::token::{Key, Keyring};
use tmuxagent::clock::wall;
use tmuxagent::model::{
    Approval, ApprovalId, ApprovalKind, ApprovalState, Decider, Decision, HostName, KeyStep, Millis, PaneId, PaneKey,
    ServerId, Verdict, Via,
};
use tmuxagent::notify::channel::Boxed;
use tmuxagent::notify::decide::{Decide, Refusal};
use tmuxagent::notify::redact::Redactor;
use tmuxagent::web::{FileBook, Links, Server, WebState, serve};
use tokio_util::sync::CancellationToken;

/// A supervisor with one question; the first decision holds.
struct Desk(Mutex<Approval>);

impl Desk {
    fn decision(&self) -> Option<Decision> {
        self.0.lock().ok().and_then(|approval| approval.decision.clone())
    }
}

impl Decide for Desk {
    fn approval<'a>(&'a self, id: &'a ApprovalId) -> Boxed<'a, Option<Approval>> {
        let found = self.0.lock().ok().map(|approval| approval.clone()).filter(|approval| approval.id == *id);
        Box::pin(std::future::ready(found))
    }

    fn decide<'a>(
        &'a self,
        _: &'a ApprovalId,
        _: u32,
        verdict: Verdict,
        by: Decider,
    ) -> Boxed<'a, Result<(), Refusal>> {
        let mut approval = self.0.lock().expect("no test panics while it holds this");
        let result = match &approval.decision {
            Some(decision) => Err(Refusal::Decided(Box::new(decision.clone()))),
            None => {
                approval.state = if verdict.approve { ApprovalState::Approved } else { ApprovalState::Rejected };
                approval.decision = Some(Decision { verdict, by, at: wall() });
                Ok(())
            }
        };
        Box::pin(std::future::ready(result))
    }

    fn report(&self, _: String) {}
}

fn question() -> Approval {
    Approval {
        id: ApprovalId::new("01J8ZQ4M3V5C2N7R9T1W6X8Y0A"),
        revision: 1,
        kind: ApprovalKind::Gate,
        state: ApprovalState::Pending,
        pane: PaneKey { host: HostName::local(), server: ServerId::new("s"), pane: PaneId(3), pid: 7 },
        place: "proj:storyapp.0".into(),
        run: None,
        pipeline: Some("storyapp-ci".into()),
        stage: Some("build".into()),
        attempt: 1,
        question: "Build after green tests? <script>document.title='hacked'</script>".into(),
        effect: vec![KeyStep::Text("npm run build".into()), KeyStep::Key("Enter".into())],
        effect_text: "npm run build".into(),
        evidence: vec!["x".repeat(400), "Tests: 42 passed".into()],
        options: vec![],
        asked_at: wall(),
        expires_at: Some(wall() + Millis::from_secs(3600)),
        reminders: 0,
        decision: None,
        closed_at: None,
    }
}

struct World {
    desk: Arc<Desk>,
    link: String,
    client: reqwest::Client,
    _server: Server,
    _folder: tempfile::TempDir,
}

impl World {
    async fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a free port");
        let desk = Arc::new(Desk(Mutex::new(question())));
        let links = Links {
            ring: Keyring { current: Key::new([7; 32]), previous: None },
            book: Arc::new(FileBook::new(folder.path().join("links.json"))),
            public_base_url: format!("http://{port}"),
        };
        let state = WebState::new(
            &links,
            Arc::<Desk>::clone(&desk),
            None,
            Redactor::default(),
            Arc::new(tmuxagent::clock::wall),
        );
        let server = serve(port, Arc::new(state), CancellationToken::new()).await.expect("it listens");
        let link = links.mint(&question(), wall()).await.expect("a link");
        let client = tmuxagent::notify::http::client(&Default::default(), Millis::from_secs(60)).expect("a client");
        Self { desk, link, client, _server: server, _folder: folder }
    }
}

#[tokio::test]
async fn a_crawler_that_opens_everything_changes_nothing() {
    let world = World::start().await;
    for _ in 0..3 {
        for path in ["", "/approve", "/reject"] {
            let url = format!("{}{path}", world.link);
            let page = world.client.get(&url).header("user-agent", "Slackbot-LinkExpanding 1.0").send().await;
            assert_eq!(page.expect("a page").status(), 200);
            assert_eq!(world.client.head(&url).send().await.expect("headers").status(), 200);
        }
    }
    // A scanner that sends the form's address without the page's cookie and nonce.
    let posted = world.client.post(&world.link).form(&[("verdict", "approve")]).send().await.expect("an answer");
    assert_eq!(posted.status(), 403);
    assert_eq!(world.desk.decision(), None);
}

/// A browser of a phone's size; ends with its driver when dropped.
struct Browser {
    client: reqwest::Client,
    session: String,
    _driver: tokio::process::Child,
    _profile: tempfile::TempDir,
}

impl Browser {
    /// `Err` says what is missing.
    async fn start(client: &reqwest::Client) -> Result<Self, String> {
        let port =
            std::net::TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).map_err(|e| e.to_string())?;
        let driver = tokio::process::Command::new("chromedriver")
            .arg(format!("--port={}", port.port()))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| format!("chromedriver: {error}"))?;
        let profile = tempfile::tempdir().map_err(|error| error.to_string())?;
        let arguments = [
            "--headless=new".to_owned(),
            "--no-sandbox".to_owned(),
            "--disable-gpu".to_owned(),
            "--disable-dev-shm-usage".to_owned(),
            "--no-proxy-server".to_owned(),
            format!("--user-data-dir={}", profile.path().display()),
        ];
        let phone = json!({"deviceMetrics": {"width": 360, "height": 740, "pixelRatio": 2.0, "touch": true}});
        let wanted = json!({"capabilities": {"alwaysMatch": {"browserName": "chrome",
            "goog:chromeOptions": {"args": arguments, "mobileEmulation": phone}}}});
        let base = format!("http://{port}");
        wait_ready(client, port).await?;
        let answer = client.post(format!("{base}/session")).json(&wanted).send().await.map_err(|e| e.to_string())?;
        let answer: Value = answer.json().await.map_err(|error| error.to_string())?;
        let id = answer["value"]["sessionId"].as_str().ok_or_else(|| answer["value"]["message"].to_string())?;
        let session = format!("{base}/session/{id}");
        Ok(Self { client: client.clone(), session, _driver: driver, _profile: profile })
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        let answer = self.client.post(format!("{}/{path}", self.session)).json(&body).send().await.expect("the driver");
        let answer: Value = answer.json().await.expect("JSON");
        assert!(answer["value"]["error"].is_null(), "{path}: {}", answer["value"]);
        answer["value"].clone()
    }

    async fn script(&self, script: &str) -> Value {
        self.post("execute/sync", json!({"script": script, "args": []})).await
    }

    async fn find(&self, selector: &str) -> String {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            let body = json!({"using": "css selector", "value": selector});
            let answer = self.client.post(format!("{}/elements", self.session)).json(&body).send().await;
            let answer: Value = answer.expect("the driver").json().await.expect("JSON");
            let found = answer["value"][0].as_object().and_then(|map| map.values().next()).and_then(Value::as_str);
            if let Some(element) = found {
                return element.to_owned();
            }
            assert!(Instant::now() < deadline, "no {selector}: {answer}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn text(&self, selector: &str) -> String {
        let element = self.find(selector).await;
        let answer = self.client.get(format!("{}/element/{element}/text", self.session)).send().await;
        let answer: Value = answer.expect("the driver").json().await.expect("JSON");
        answer["value"].as_str().unwrap_or_default().to_owned()
    }

    /// Ends the browser, which the driver would leave behind.
    async fn quit(self) {
        let ended = self.client.delete(&self.session).send().await;
        assert!(ended.is_ok(), "the browser did not end");
    }
}

async fn wait_ready(client: &reqwest::Client, port: SocketAddr) -> Result<(), String> {
    let deadline = Instant::now() + Duration::from_secs(30);
    while client.get(format!("http://{port}/status")).send().await.is_err() {
        if Instant::now() > deadline {
            return Err("chromedriver does not answer".to_owned());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

#[tokio::test]
async fn a_tap_on_a_phone_approves() {
    let world = World::start().await;
    let browser = match Browser::start(&world.client).await {
        Ok(browser) => browser,
        Err(reason) => {
            let required = std::env::var_os("TMUXAGENT_REQUIRE_CHROMIUM").is_some_and(|value| value == "1");
            assert!(!required, "TMUXAGENT_REQUIRE_CHROMIUM=1, but {reason}");
            eprintln!("skipped: no headless Chromium ({reason})");
            return;
        }
    };
    browser.post("url", json!({"url": world.link})).await;
    assert_eq!(browser.text("#command").await, "npm run build\n[Enter]");
    let code = tmuxagent::approval::token::short_code(&question());
    assert_eq!(browser.text("#code").await, code);
    let seen = browser
        .script(
            "const a = document.querySelector('#approve').getBoundingClientRect(); return {width: innerWidth, \
             page: document.documentElement.scrollWidth, height: a.height, button: a.width, title: document.title, \
             colour: getComputedStyle(document.querySelector('#approve')).backgroundColor};",
        )
        .await;
    assert_eq!(seen["width"], 360);
    assert!(seen["page"].as_f64() <= Some(360.0), "nothing sticks out: {seen}");
    assert!(seen["height"].as_f64() >= Some(48.0) && seen["button"].as_f64() >= Some(300.0), "big enough: {seen}");
    assert_eq!(seen["colour"], "rgb(23, 105, 47)", "the policy lets our style through");
    assert!(seen["title"].as_str().is_some_and(|title| !title.contains("hacked")), "{seen}");
    assert_eq!(world.desk.decision(), None, "looking decides nothing");
    let button = browser.find("#approve").await;
    browser.post(&format!("element/{button}/click"), json!({})).await;
    assert_eq!(browser.text("#done").await, "Approved");
    let decision = world.desk.decision().expect("decided");
    assert_eq!((decision.verdict.approve, decision.by.via), (true, Via::Link));
    browser.post("url", json!({"url": world.link})).await;
    assert!(browser.text("#reason").await.starts_with("already approved by 127.0.0.1"));
    browser.quit().await;
}
