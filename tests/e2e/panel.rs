//! The panel of the real program: a person by name, from an invitation to a pane that moves on.

use super::support::browser::Browser;
use super::support::room::{Room, free_address};
use super::support::{PATIENCE, wait_for};
use serde_json::{Value, json};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;

/// A room with a gate, a panel and metrics; their addresses.
fn evening() -> (Room, String, String) {
    let (mut room, panel, metrics) = afternoon();
    room.watch();
    (room, panel, metrics)
}

/// The same before anybody watches.
fn afternoon() -> (Room, String, String) {
    let (panel, metrics) = (free_address(), free_address());
    let config = format!("serve: {{bind: '{panel}'}}\nmetrics: {{listen: '{metrics}'}}\n");
    (Room::gated(&config, "expires: 1h"), panel, metrics)
}

/// Signs mei's phone in.
fn sign_in(room: &Room, browser: &Browser, role: &str) {
    let invited = room.answer(&["serve", "invite", "mei", "--role", role, "--json"]);
    let invited: Value = serde_json::from_str(&invited).expect("JSON");
    browser.open(invited["url"].as_str().expect("a link"));
    browser.tap("#join");
    browser.text("#needs");
}

/// Taps the second question of the overview, waits until it is the one before her eyes, and goes back.
fn look_at_the_second(browser: &Browser) {
    let second = "#needs a.card:nth-child(2)";
    browser.text(second);
    let id = browser.script(&format!("return document.querySelector('{second}').dataset.key;"));
    browser.tap(second);
    let seen = "const card = document.activeElement, box = card.getBoundingClientRect(); \
                const head = document.querySelector('header').getBoundingClientRect(); \
                const whole = box.bottom <= innerHeight, begins = box.top < head.bottom + 100; \
                const there = box.top >= head.bottom && (whole || begins); \
                return card.matches('#open [aria-current]') && there && card.dataset.key;";
    wait_for(PATIENCE, "the tapped question", || (browser.script(seen) == id).then_some(()));
    browser.script("history.back(); return 0;");
    browser.text("#needs");
}

/// What a server answers to a script: status and body.
fn ask(address: &str, request: &str, token: &str, body: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).expect("it listens");
    let length = body.len();
    let head = format!(
        "{request} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\n\r\n{body}"
    );
    stream.write_all(head.as_bytes()).expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("text");
    let status = answer.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a status");
    (status, answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default())
}

#[test]
fn a_script_decides_in_its_persons_name_and_a_revoked_one_does_nothing() {
    let (room, panel, metrics) = evening();
    let token = room.answer(&["serve", "token", "mei", "--role", "decide"]).trim().to_owned();
    room.finish_tests("now");
    let id = room.wait_approval();
    let (status, told) = ask(&panel, "GET /api/approvals", &token, "");
    let told: Value = serde_json::from_str(&told).unwrap_or_else(|error| panic!("{status} {error}: {told}"));
    let open = &told["approvals"][0];
    assert_eq!((&open["id"], &open["types"]), (&json!(id), &json!("echo build >> ran\n[Enter]")));
    let pane = open["pane"].as_str().expect("its pane");
    let (status, screen) = ask(&panel, &format!("GET /api/panes/{pane}/tail"), &token, "");
    assert!(status == 200 && screen.contains("tests ok now"), "{status} {screen}");
    let yes = json!({ "revision": open["revision"], "verdict": "approve" }).to_string();
    let decide = format!("POST /api/approvals/{id}");
    assert_eq!(ask(&panel, &decide, "AAAA", &yes).0, 401);
    assert_eq!(ask(&panel, "POST /api/stages/1/build/retry", &token, "{}").0, 403, "no admin");
    assert_eq!(room.ran(), "");
    assert_eq!(ask(&panel, &decide, &token, &yes).0, 200);
    room.wait_ran("build ");
    room.wait_events("\"via\":\"panel\"");
    let late = room.ask(&["reject", &id]);
    assert!(String::from_utf8_lossy(&late.stderr).contains("already approved by mei"), "{late:?}");
    let counted = wait_for(PATIENCE, "the counts", || {
        let (_, text) = ask(&metrics, "GET /metrics", "", "");
        text.contains("tmuxagent_stage_outcomes_total{outcome=\"succeeded\"} 1").then_some(text)
    });
    assert!(counted.contains("tmuxagent_approval_wait_seconds_count 1"), "{counted}");
    assert!(room.ask(&["serve", "revoke", "mei"]).status.success());
    assert_eq!(ask(&panel, "GET /api/overview", &token, "").0, 401);
    let kept = std::fs::read_to_string(room.file("state/people.json")).expect("the people");
    assert!(!kept.contains(&token) && !kept.contains("mei"), "{kept}");
    // Who decided what, and what was typed, stands in a trail that holds together.
    let trail = wait_for(PATIENCE, "the trail", || {
        let found: Value = serde_json::from_str(&room.answer(&["audit", "verify", "--json"])).ok()?;
        (found["broken"].is_null() && found["lines"].as_u64() >= Some(3)).then_some(found)
    });
    assert!(trail["head"].as_str().is_some_and(|head| head.contains(':')), "{trail}");
    let files = std::fs::read_dir(room.file("state/audit")).expect("the trail").flatten();
    let text: String = files.map(|file| std::fs::read_to_string(file.path()).expect("text")).collect();
    assert!(text.contains("\"who\":\"mei\"") && text.contains("\"note\":\"sent\""), "{text}");
}

#[test]
fn two_taps_on_a_phone_approve_and_the_pane_moves_on() {
    let Some(browser) = Browser::phone() else { return };
    let (mut room, panel, _) = afternoon();
    // Another pane asks the same.
    let folder = room.server.folder().display().to_string();
    room.server.new_session("other", &format!("cd '{folder}'; exec env PS1='$ ' sh"));
    room.server.tmux(&["rename-window", "-t", "other", "ci"]);
    room.watch();
    sign_in(&room, &browser, "decide");
    room.finish_tests(&"x".repeat(400));
    // It comes by itself.
    assert!(browser.text("#needs a.card .origin").contains("dinner / build"));
    room.server.type_line("other:ci", "echo tests'' ok there");
    // At first the questions come after the page, then before it.
    look_at_the_second(&browser);
    look_at_the_second(&browser);
    browser.tap("#needs a.card");
    assert_eq!(browser.text("#open pre"), "echo build >> ran\n[Enter]");
    let seen = browser.script(
        "const a = document.querySelector('button.choice').getBoundingClientRect(); return {width: innerWidth, \
         page: document.documentElement.scrollWidth, height: a.height, title: document.title, \
         scripts: document.querySelectorAll('main script').length};",
    );
    assert_eq!((&seen["width"], &seen["scripts"]), (&json!(360), &json!(0)));
    assert!(seen["page"].as_f64() <= Some(360.0) && seen["height"].as_f64() >= Some(44.0), "{seen}");
    assert!(seen["title"].as_str().is_some_and(|title| !title.contains("hacked")), "{seen}");
    browser.tap("button.choice:not(.reject)");
    browser.text("button.yes");
    assert_eq!(room.ran(), "", "the first tap chooses");
    browser.tap("button.yes");
    room.wait_ran("build ");
    wait_for(PATIENCE, "what was decided", || browser.text("#closed").contains("mei").then_some(()));
    browser.open(&format!("http://{panel}/panel/#/panes"));
    browser.tap("#panes a.card");
    wait_for(PATIENCE, "the pane's screen", || browser.text("pre.screen").contains("tests ok").then_some(()));
    room.wait_events("run_ended");
    browser.open(&format!("http://{panel}/panel/#/report"));
    wait_for(PATIENCE, "the report", || browser.text("#main").contains("dinner").then_some(()));
}

#[test]
fn the_page_is_there_without_a_network_and_tells_nothing_to_who_was_revoked() {
    let Some(browser) = Browser::phone() else { return };
    let (room, _, _) = evening();
    sign_in(&room, &browser, "decide");
    // Without a network the page is still there, by its worker, and comes back with it.
    wait_for(PATIENCE, "the worker", || {
        browser.script("return navigator.serviceWorker.controller !== null;").as_bool().filter(|it| *it)
    });
    browser.offline(true);
    browser.script("location.reload(); return 0;");
    wait_for(PATIENCE, "no network", || browser.text("#main").contains("Not connected").then_some(()));
    browser.offline(false);
    wait_for(PATIENCE, "the network again", || browser.text("#footer").contains("mei · decide").then_some(()));
    assert!(room.ask(&["serve", "revoke", "mei"]).status.success());
    wait_for(PATIENCE, "the end", || browser.text("#state").contains("not signed in").then_some(()));
}

/// What is started by a form.
const ASKS: &str = r#"
version: 1
pipelines:
  - name: ship
    match: [{window_name: ci}]
    inputs:
      branch: {default: main}
      env: {choices: [staging, prod]}
      count: {type: number, default: "1"}
      dry: {type: bool, default: "false"}
    stages:
      - name: go
        triggers: [{message: {type: ACTION, stage: ship}}]
        actions_on_start: [{run: "echo {{inputs.branch}} {{inputs.env}} {{inputs.count}} {{inputs.dry}} >> ran"}]
        timeout: 60s
"#;

#[test]
fn a_pipeline_is_started_on_a_phone_with_what_it_asks_for() {
    let Some(browser) = Browser::phone() else { return };
    let (mut room, panel) = (Room::with(ASKS), free_address());
    room.configure(&format!("serve: {{bind: '{panel}'}}\n"));
    room.watch();
    sign_in(&room, &browser, "admin");
    browser.open(&format!("http://{panel}/panel/#/pipelines"));
    browser.tap("button.start");
    browser.text("form.start");
    let seen = browser.script(
        "const fields = [...document.querySelectorAll('form.start input, form.start select')]; \
         const low = fields.filter((it) => it.closest('label').getBoundingClientRect().height < 44).length; \
         fields[0].value = \"a'; touch hacked #\"; fields[2].value = 'many'; \
         return {kinds: fields.map((it) => it.type), page: document.documentElement.scrollWidth, low, focus: fields[0] === document.activeElement};",
    );
    let kinds = json!(["text", "select-one", "text", "checkbox", "select-one"]);
    assert_eq!((&seen["kinds"], &seen["low"], &seen["focus"]), (&kinds, &json!(0), &json!(true)), "{seen}");
    assert!(seen["page"].as_f64() <= Some(360.0), "{seen}");
    // What has no default is chosen first.
    browser.tap("form.start button.yes");
    assert_eq!(browser.script("return document.querySelector('form.start').checkValidity();"), json!(false));
    browser.script("document.querySelector('form.start select').value = 'prod'; return 0;");
    browser.tap("form.start input[type=checkbox]");
    // The pane goes on meanwhile, and what is written stays.
    room.server.type_line("proj:ci", "echo something else");
    browser.tap("form.start button.yes");
    let told = wait_for(PATIENCE, "what is wrong", || {
        Some(browser.text("form.start [role=alert]")).filter(|text| !text.is_empty())
    });
    assert!(told.contains("`count`") && told.contains("it is a number"), "{told}");
    assert_eq!(room.ran(), "");
    browser.script("document.querySelectorAll('form.start input')[1].value = '3'; return 0;");
    browser.tap("form.start button.yes");
    room.wait_ran("a'; touch hacked # prod 3 true ");
    room.wait_events("mei via panel");
    assert!(!room.file("hacked").exists());
}
