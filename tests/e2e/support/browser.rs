//! Headless Chromium as a phone, driven over the WebDriver protocol (W3C).

use super::{PATIENCE, wait_for};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use tokio::runtime::Runtime;

/// A browser of a phone's size. It ends with its driver, which would leave it behind, when dropped.
pub struct Browser {
    runtime: Runtime,
    client: reqwest::Client,
    session: String,
    driver: Child,
    profile: tempfile::TempDir,
}

impl Browser {
    /// A browser with a page of 360 pixels; `None`, with the reason printed, where none is installed.
    ///
    /// # Panics
    /// Where `TMUXAGENT_REQUIRE_CHROMIUM=1` asks for one and there is none.
    pub fn phone() -> Option<Self> {
        match Self::start() {
            Ok(browser) => Some(browser),
            Err(reason) => {
                let required = std::env::var_os("TMUXAGENT_REQUIRE_CHROMIUM").is_some_and(|value| value == "1");
                assert!(!required, "TMUXAGENT_REQUIRE_CHROMIUM=1, but {reason}");
                eprintln!("skipped: no headless Chromium ({reason})");
                None
            }
        }
    }

    fn start() -> Result<Self, String> {
        let listener = std::net::TcpListener::bind("127.0.0.1:0");
        let address = listener.and_then(|listener| listener.local_addr()).map_err(|error| error.to_string())?;
        let driver = Command::new("chromedriver")
            .arg(format!("--port={}", address.port()))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("chromedriver: {error}"))?;
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| error.to_string())?;
        let limit = tmuxagent_model::Millis::from_secs(60);
        let client = tmuxagent_alerts::http::client(&Default::default(), limit).map_err(|error| error.to_string())?;
        let profile = tempfile::tempdir().map_err(|error| error.to_string())?;
        let mut browser = Self { runtime, client, session: String::new(), driver, profile };
        browser.open_session(address)?;
        Ok(browser)
    }

    fn open_session(&mut self, address: SocketAddr) -> Result<(), String> {
        let status = format!("http://{address}/status");
        wait_for(PATIENCE, "chromedriver", || {
            self.runtime.block_on(async { self.client.get(&status).send().await }).ok()
        });
        let arguments = [
            "--headless=new".to_owned(),
            "--no-sandbox".to_owned(),
            "--disable-gpu".to_owned(),
            "--disable-dev-shm-usage".to_owned(),
            "--no-proxy-server".to_owned(),
            format!("--user-data-dir={}", self.profile.path().display()),
        ];
        let phone = json!({"deviceMetrics": {"width": 360, "height": 740, "pixelRatio": 2.0, "touch": true}});
        let wanted = json!({"capabilities": {"alwaysMatch": {"browserName": "chrome",
            "goog:chromeOptions": {"args": arguments, "mobileEmulation": phone}}}});
        let answer = self.call(self.client.post(format!("http://{address}/session")).json(&wanted));
        let id = answer["sessionId"].as_str().ok_or_else(|| answer["message"].to_string())?;
        self.session = format!("http://{address}/session/{id}");
        Ok(())
    }

    fn call(&self, request: reqwest::RequestBuilder) -> Value {
        let answer: Value =
            self.runtime.block_on(async { request.send().await.expect("the driver").json().await.expect("JSON") });
        answer["value"].clone()
    }

    fn post(&self, path: &str, body: &Value) -> Value {
        let answer = self.call(self.client.post(format!("{}/{path}", self.session)).json(body));
        assert!(answer["error"].is_null(), "{path}: {answer}");
        answer
    }

    /// Opens a page.
    pub fn open(&self, url: &str) {
        self.post("url", &json!({"url": url}));
    }

    /// Runs a script in the page and gives what it returns.
    pub fn script(&self, script: &str) -> Value {
        self.post("execute/sync", &json!({"script": script, "args": []}))
    }

    /// Takes the network away from the page, or gives it back (a command of chromedriver's own).
    pub fn offline(&self, offline: bool) {
        let network = json!({"offline": offline, "latency": 0, "throughput": 500_000});
        self.post("chromium/network_conditions", &json!({"network_conditions": network}));
    }

    fn find(&self, selector: &str) -> String {
        wait_for(PATIENCE, selector, || {
            let found = self.post("elements", &json!({"using": "css selector", "value": selector}));
            let element = found[0].as_object()?.values().next()?.as_str()?;
            Some(element.to_owned())
        })
    }

    /// Waits for an element and gives its text.
    pub fn text(&self, selector: &str) -> String {
        let element = self.find(selector);
        let text = self.call(self.client.get(format!("{}/element/{element}/text", self.session)));
        text.as_str().unwrap_or_default().to_owned()
    }

    /// Waits for an element and taps it.
    pub fn tap(&self, selector: &str) {
        let element = self.find(selector);
        self.post(&format!("element/{element}/click"), &json!({}));
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if !self.session.is_empty() {
            let _ = self.runtime.block_on(async { self.client.delete(&self.session).send().await });
        }
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}
