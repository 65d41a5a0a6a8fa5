//! `tmuxagent notify` and the doctor's look at channels, with services on the loopback and the real binary.

use crate::support::TestEnv;
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

/// A service that answers every request with one text; what came in is kept.
struct Service {
    base: String,
    came: Arc<Mutex<Vec<String>>>,
}

impl Service {
    fn answering(answer: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let base = format!("http://{}", listener.local_addr().expect("an address"));
        let came: Arc<Mutex<Vec<String>>> = Arc::default();
        let (kept, answer) = (Arc::clone(&came), answer.to_owned());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { return };
                let Some(request) = read_request(&mut stream) else { continue };
                kept.lock().expect("sound").push(request);
                let head = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: application/json\r\n";
                // A client that has gone needs no answer.
                let _ = write!(stream, "{head}Content-Length: {}\r\n\r\n{answer}", answer.len());
            }
        });
        Self { base, came }
    }

    fn came(&self) -> Vec<String> {
        self.came.lock().expect("sound").clone()
    }
}

/// Head and body of a request.
fn read_request(stream: &mut std::net::TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        let read = stream.read(&mut chunk).ok()?;
        bytes.extend_from_slice(&chunk[..read]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let length = |head: &str| {
            let line = head.lines().find(|line| line.to_ascii_lowercase().starts_with("content-length:"))?;
            line.split(':').nth(1)?.trim().parse::<usize>().ok()
        };
        match text.split_once("\r\n\r\n") {
            Some((head, body)) if body.len() >= length(head).unwrap_or(0) => return Some(text),
            _ if read == 0 => return None,
            _ => {}
        }
    }
}

fn with_channels(channels: &str) -> TestEnv {
    let mut env = TestEnv::new();
    env.write(".config/tmuxagent/config.yaml", channels);
    // A proxy of the shell must not be used: nobody listens there.
    env.set("HTTPS_PROXY", "http://127.0.0.1:9").set("HTTP_PROXY", "http://127.0.0.1:9");
    env
}

#[test]
fn a_script_sends_and_its_exit_code_tells() {
    let (good, bad) = (
        Service::answering(r#"{"errcode":0}"#),
        Service::answering(r#"{"errcode":93000,"errmsg":"invalid webhook url"}"#),
    );
    let env = with_channels(&format!(
        "channels:\n  team: {{kind: wecom, webhook: a-key-of-mine, base_url: '{}'}}\n  old: {{kind: wecom, webhook: \
         another-key, base_url: '{}'}}\nnotify: team\n",
        good.base, bad.base
    ));
    let ran = env.run(&["notify", "send", "build done", "https://evil.example a-key-of-mine"]);
    insta::assert_snapshot!(ran, @r"
    ok team (wecom): errcode 0
    --- exit code 0 ---
    ");
    let came = good.came().remove(0);
    assert!(came.contains("build done") && came.contains("https：//evil"), "words are no link: {came}");
    assert!(!came.split("\r\n\r\n").nth(1).unwrap_or_default().contains("a-key-of-mine"), "{came}");
    let ran = env.run_with_input(
        &["notify", "send", "--markdown", "--channel", "team", "--channel", "old", "--json"],
        "# Done\nsee [log](https://ci.example/7)",
    );
    assert_eq!(ran.code, 1, "{ran}");
    let sent: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    assert_eq!((&sent[0]["channel"], &sent[0]["ok"], &sent[1]["ok"]), (&json!("old"), &json!(false), &json!(true)));
    assert!(sent[0]["answer"].as_str().is_some_and(|text| text.contains("copy the address again")), "{sent}");
    assert!(good.came()[1].contains("[log](https://ci.example/7)"), "{:?}", good.came());
}

#[test]
fn a_test_tries_every_channel_and_wrong_names_are_answered() {
    let service = Service::answering(r#"{"errcode":0}"#);
    let env =
        with_channels(&format!("channels: {{team: {{kind: wecom, webhook: k, base_url: '{}'}}}}\n", service.base));
    assert_eq!(env.run(&["notify", "test"]).code, 0);
    assert!(service.came()[0].contains("This channel works."));
    let ran = env.run(&["notify", "test", "taem"]);
    assert_eq!(ran.code, 4, "{ran}");
    assert!(ran.stderr.contains("team"), "{ran}");
    let lacking = env.run(&["notify", "test", "telegram"]);
    assert!(lacking.code == 2 && lacking.stderr.contains("TELEGRAM_BOT_TOKEN"), "{lacking}");
    assert_eq!(env.run_with_input(&["notify", "send"], " \n").code, 2, "nothing to send");
    assert_eq!(TestEnv::new().run(&["notify", "send", "x"]).code, 2, "nobody to send to");
    let log = env.run(&["notify", "log"]).stdout;
    assert!(log.contains("team     sent   1      tmuxagent: a test  errcode 0"), "{log}");
    let none = with_channels("").run(&["notify", "log"]).stdout;
    assert!(none.starts_with("nothing was sent yet"), "{none}");
    assert_eq!(env.run(&["notify", "rotate-key"]).code, 0);
}

/// A session bus of which only the address is known, as behind a `sudo` or in a container.
#[cfg(target_os = "linux")]
#[test]
fn without_a_bus_the_desktop_says_so_and_names_another_way() {
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default().to_lowercase();
    if kernel.contains("microsoft") {
        eprintln!("skipped: this is WSL, where Windows shows it");
        return;
    }
    let mut env =
        with_channels("channels: {desk: {kind: desktop}, line: {kind: terminal}}\ntmux_bin: /nonexistent/tmux\n");
    let bus = format!("unix:path={}/no-bus", env.home().display());
    env.set("DBUS_SESSION_BUS_ADDRESS", &bus);
    let ran = env.run(&["notify", "send", "--channel", "desk", "--channel", "line", "--json", "build done"]);
    assert_eq!(ran.code, 1, "{ran}");
    let sent: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    let answer = |n: usize| sent[n]["answer"].as_str().unwrap_or_default().to_owned();
    assert_eq!((&sent[0]["channel"], &sent[0]["ok"], &sent[1]["ok"]), (&json!("desk"), &json!(false), &json!(false)));
    assert!(answer(0).contains("no notification") && answer(0).contains("use another channel"), "{sent}");
    assert!(answer(1).contains("can't start /nonexistent/tmux") && answer(1).contains("set `tmux_bin`"), "{sent}");
}

#[test]
fn the_doctor_doubts_credentials_and_asks_the_services() {
    let token = Service::answering(r#"{"errcode":40001,"errmsg":"invalid credential"}"#);
    let free = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a free port");
    let env = with_channels(&format!(
        "channels:\n  team: {{kind: wecom, webhook: not-a-robot-key}}\n  app: {{kind: wecom_app, corp_id: wwx, agent_id: 1, \
         secret: s3cretvalue, base_url: '{}'}}\n  gone: {{kind: webhook, url: 'http://{free}/x'}}\n  prog: {{kind: command, \
         command: [no-such-program]}}\nserve: true\n",
        token.base
    ));
    let findings = |arguments: &[&str], check: &str| -> Vec<(String, String, String)> {
        let ran = env.run(&[&["doctor", "--json"], arguments].concat());
        let found: Value = serde_json::from_str(&ran.stdout).expect("JSON");
        let text = |finding: &Value, key: &str| finding[key].as_str().unwrap_or_default().to_owned();
        let found = found.as_array().expect("a list").iter().filter(|finding| finding["check"] == check);
        found.map(|f| (text(f, "verdict"), text(f, "text"), text(f, "fix"))).collect()
    };
    let alerts = findings(&[], "alerts");
    let about = |name: &str| alerts.iter().find(|(_, text, _)| text.starts_with(name)).expect(name).clone();
    assert_eq!(
        (about("team").0.as_str(), about("app").0.as_str(), about("prog").0.as_str()),
        ("warning", "ok", "warning")
    );
    assert!(about("team").2.contains("copy the robot's whole webhook address again"));
    assert!(findings(&[], "links")[0].1.contains("only this machine can open"));
    assert!(token.came().is_empty(), "offline asks nobody");
    // The robot's real service is not asked by a test.
    env.write(
        ".config/tmuxagent/config.yaml",
        &format!(
            "channels:\n  app: {{kind: wecom_app, corp_id: wwx, agent_id: 1, secret: s3cretvalue, base_url: '{}'}}\n  \
             gone: {{kind: webhook, url: 'http://{free}/x'}}\n",
            token.base
        ),
    );
    let online = findings(&["--online"], "online");
    assert_eq!(online.len(), 2, "{online:?}");
    assert!(online[0].1.starts_with("app: WeCom code 40001") && online[0].1.contains("copy the app's secret again"));
    assert!(online[1].1.starts_with("gone: 127.0.0.1") && online[1].1.contains("not reached directly"), "{online:?}");
    assert!(!format!("{online:?}").contains("s3cretvalue"));
}

#[test]
fn the_examples_of_the_reference_are_valid() {
    let mut env = TestEnv::new();
    let reference = env.run(&["config", "default"]).stdout;
    // Examples stand behind `#` and two blanks; the one of `serve` is a whole key, two blanks deeper.
    let (before, alerts) = reference.split_once("\nnotify:\n").expect("the key");
    let (channels, serve) = alerts.split_once("#   serve:").expect("an example");
    let channels = channels.lines().map(|line| line.strip_prefix("#").filter(|r| r.starts_with("  ")).unwrap_or(line));
    let serve =
        serve.lines().map(|line| line.strip_prefix("#   ").unwrap_or(line)).filter(|line| *line != "serve: false");
    let lines: Vec<&str> = channels.chain(["serve:"]).chain(serve).collect();
    env.write(".config/tmuxagent/config.yaml", &format!("{before}\nnotify:\n{}\n", lines.join("\n")));
    for name in ["WECOM_WEBHOOK", "WECOM_BOT_ID", "WECOM_BOT_SECRET", "HOOK_TOKEN", "TMUXAGENT_PIN"] {
        env.set(name, "placeholder");
    }
    let ran = env.run(&["config", "check", "--json"]);
    assert_eq!(ran.code, 0, "{ran}");
    let found: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    assert_eq!(found["channels"], json!(["desktop", "mine", "own", "phone", "team", "wecom"]));
}
