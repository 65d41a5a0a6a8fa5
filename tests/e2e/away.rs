//! The user is at dinner: messages leave the real program for services on the loopback, and come back as decisions.

use super::support::browser::Browser;
use super::support::loopback::{Mood, Phone, Service, links};
use super::support::room::{Room, free_address};
use super::support::{PATIENCE, PROMPT, TmuxServer, wait_for};
use std::path::Path;
use std::time::{Duration, Instant};

/// Links at a free address, and one WeCom robot.
fn evening(service: &Service, more: &str) -> String {
    let bind = free_address();
    format!(
        "channels:\n  wecom:\n    person: mei\n    webhook: dinner-robot-key\n    base_url: {}\nnotify: wecom\nserve: {{bind: '{bind}'}}\n{more}",
        service.base
    )
}

/// The link of the message about the next question.
fn wait_link(service: &Service, known: usize) -> String {
    let message = wait_for(PATIENCE, "a message with a link", || {
        let messages = service.taken();
        messages.into_iter().skip(known).find(|message| message.contains("/a/"))
    });
    links(&message).into_iter().find(|link| link.contains("/a/")).expect("a link")
}

/// Whether a file below the folder holds the text.
fn stands_in(folder: &Path, text: &str) -> Option<String> {
    for entry in std::fs::read_dir(folder).ok()?.flatten() {
        let path = entry.path();
        let found = if path.is_dir() {
            stands_in(&path, text)
        } else {
            let bytes = std::fs::read(&path).unwrap_or_default();
            bytes.windows(text.len()).any(|part| part == text.as_bytes()).then(|| path.display().to_string())
        };
        if found.is_some() {
            return found;
        }
    }
    None
}

#[test]
fn a_message_leads_to_a_page_and_one_press_moves_the_pane_on() {
    let service = Service::start(Mood::Takes);
    let mut room = Room::gated(&evening(&service, ""), "expires: 1h");
    room.watch();
    room.finish_tests("now");
    let link = wait_link(&service, 0);
    let message = service.wait("Build after green tests?");
    assert!(message.contains("echo build") && message.contains("tests ok now"), "{message}");
    assert!(!message.contains("<script>"), "{message}");
    // A chat program and a mail scanner look at everything.
    let phone = Phone::new();
    for url in links(&message) {
        for path in ["", "/approve", "/reject", "/approve"] {
            assert_eq!(phone.get(&format!("{url}{path}")).status, 200);
            assert_eq!(phone.head(&format!("{url}{path}")).status, 200);
        }
    }
    assert_eq!(phone.post(&link, "", &[("verdict", "approve")]).status, 403);
    let id = room.wait_approval();
    assert_eq!(room.ran(), "", "looking decides nothing");
    let pressed = Instant::now();
    let page = phone.press(&format!("{link}/approve"), "approve");
    assert_eq!(page.status, 200, "{page:?}");
    room.wait_ran("build ");
    assert!(pressed.elapsed() < PROMPT, "{:?}", pressed.elapsed());
    let again = phone.press(&link, "reject");
    assert_eq!(again.status, 410);
    assert!(again.html.contains("approved by mei at 20") && again.html.contains("via a link"), "{again:?}");
    let late = room.ask(&["reject", &id]);
    assert_eq!(late.status.code(), Some(5));
    assert!(String::from_utf8_lossy(&late.stderr).contains("already approved by mei"), "{late:?}");
    room.wait_events("\"via\":\"link\"");
    room.wait_events("link for approval");
    let token = link.rsplit('/').next().expect("a token");
    assert_eq!(stands_in(&room.file("state"), token), None, "no token is kept");
    assert_eq!(stands_in(&room.file("state"), "dinner-robot-key"), None, "no key of a service is kept");
    assert!(!room.answer(&["events", "--json"]).contains(token));
    // A link that nobody signed, and one that was changed.
    let mut forged = link.clone();
    let last = if forged.ends_with('A') { "B" } else { "A" };
    forged.replace_range(forged.len() - 1.., last);
    assert_eq!(phone.get(&forged).status, 403);
    room.wait_events("not genuine");
}

#[test]
fn a_tap_on_a_phone_approves_and_the_pane_moves_on() {
    let Some(browser) = Browser::phone() else { return };
    let service = Service::start(Mood::Takes);
    let mut room = Room::gated(&evening(&service, ""), "expires: 1h");
    room.watch();
    room.finish_tests(&"x".repeat(400));
    let link = wait_link(&service, 0);
    browser.open(&link);
    assert_eq!(browser.text("#command"), "echo build >> ran\n[Enter]");
    let code = browser.text("#code");
    assert!(service.taken()[0].contains(&code), "the message has the page's code {code}");
    let seen = browser.script(
        "const a = document.querySelector('#approve').getBoundingClientRect(); return {width: innerWidth, \
         page: document.documentElement.scrollWidth, height: a.height, button: a.width, title: document.title, \
         colour: getComputedStyle(document.querySelector('#approve')).backgroundColor};",
    );
    assert_eq!(seen["width"], 360);
    assert!(seen["page"].as_f64() <= Some(360.0), "nothing sticks out: {seen}");
    assert!(seen["height"].as_f64() >= Some(48.0) && seen["button"].as_f64() >= Some(300.0), "big enough: {seen}");
    assert_eq!(seen["colour"], "rgb(23, 105, 47)", "the policy lets our style through");
    assert!(seen["title"].as_str().is_some_and(|title| !title.contains("hacked")), "{seen}");
    assert_eq!(room.ran(), "", "looking decides nothing");
    browser.tap("#approve");
    assert_eq!(browser.text("#done"), "Approved");
    room.wait_ran("build ");
    browser.open(&link);
    assert!(browser.text("#reason").starts_with("approved by mei"));
}

#[test]
fn a_hanging_service_delays_neither_a_decision_nor_another_channel() {
    let (hanging, good) = (Service::start(Mood::Hangs), Service::start(Mood::Takes));
    let config = format!(
        "channels:\n  stuck: {{kind: wecom, webhook: key-one, base_url: '{}', timeout: 20s}}\n  good: {{kind: wecom, \
         webhook: key-two, base_url: '{}'}}\nnotify: [stuck, good]\n",
        hanging.base, good.base
    );
    let mut room = Room::gated(&config, "expires: 1h");
    room.watch();
    room.finish_tests("");
    good.wait("Build after green tests?");
    wait_for(PATIENCE, "the hanging service to be asked", || (hanging.asked() > 0).then_some(()));
    let id = room.wait_approval();
    assert_eq!(room.ask(&["approve", &id]).status.code(), Some(0));
    room.wait_ran("build ");
    let status = room.answer(&["status", "--json"]);
    assert!(!status.contains("no answer in time"), "decided only when the hanging service was given up: {status}");
    let status = room.wait_status("channel stuck");
    assert!(status.contains("no answer in time"), "{status}");
}

#[test]
fn over_a_power_failure_a_message_is_delivered_once() {
    let service = Service::start(Mood::Fails);
    let mut room = Room::gated(&evening(&service, ""), "expires: 1h");
    room.watch();
    room.finish_tests("");
    wait_for(PATIENCE, "a first attempt", || (service.asked() > 0).then_some(()));
    room.wait_status("channel wecom");
    room.kill_9();
    service.turn(Mood::Takes);
    room.watch();
    service.wait("Build after green tests?");
    // Once more over a failure: what was delivered stays delivered.
    wait_for(PATIENCE, "the mark", || room.answer(&["notify", "log", "--json"]).contains("\"sent\"").then_some(()));
    room.kill_9();
    room.watch();
    let link = wait_link(&service, 0);
    assert_eq!(Phone::new().press(&link, "approve").status, 200, "the link outlives two supervisors");
    room.wait_ran("build ");
    assert_eq!(service.taken().len(), 1, "{:?}", service.taken());
}

#[test]
fn nobody_answers_and_the_next_channel_is_asked_until_somebody_does() {
    let (first, second, third) =
        (Service::start(Mood::Takes), Service::start(Mood::Takes), Service::start(Mood::Takes));
    let channel = |name: &str, service: &Service| {
        format!("  {name}: {{kind: wecom, webhook: key-{name}, base_url: '{}'}}\n", service.base)
    };
    let config = format!(
        "channels:\n{}{}{}notify:\n  to: first\n  escalate:\n    - {{after: 2s, to: second}}\n    - {{after: 1h, to: third}}\n",
        channel("first", &first),
        channel("second", &second),
        channel("third", &third)
    );
    let mut room = Room::gated(&config, "expires: 1h, remind_every: 10s");
    room.watch();
    room.finish_tests("");
    first.wait("Decide");
    assert!(second.taken().is_empty());
    second.wait("Build after green tests?");
    first.wait("Still waiting");
    let id = room.wait_approval();
    assert_eq!(room.ask(&["approve", &id]).status.code(), Some(0));
    wait_for(PATIENCE, "the rest to be called off", || {
        room.answer(&["notify", "log", "--json"]).contains("\"cancelled\"").then_some(())
    });
    assert!(third.taken().is_empty());
}

#[test]
fn who_sits_at_the_screen_is_told_only_when_he_leaves() {
    let service = Service::start(Mood::Takes);
    let config = evening(&service, "");
    let routes = "notify:\n  away_after: 6s\n  routes: [{kinds: [approval], to: wecom, when: away}]\n";
    let mut room = Room::gated(&config.replace("notify: wecom\n", routes), "expires: 1h");
    let desk = TmuxServer::prepare();
    let attach = format!("exec env -u TMUX tmux -S '{}' attach -t proj", room.server.socket().display());
    desk.new_session("desk", &attach);
    wait_for(PATIENCE, "the user's client", || {
        (room.server.tmux(&["list-clients", "-F", "#{client_control_mode}"]) == "0").then_some(())
    });
    let pressed = Instant::now();
    desk.tmux(&["send-keys", "-t", "desk", "Enter"]);
    room.watch();
    room.finish_tests("");
    room.wait_approval();
    wait_for(PATIENCE, "the question in the outbox", || {
        room.answer(&["notify", "log", "--json"]).contains("\"waiting\"").then_some(())
    });
    service.wait("Build after green tests?");
    assert!(pressed.elapsed() > Duration::from_secs(4), "he was there for {:?}", pressed.elapsed());
}

#[test]
fn quiet_hours_hold_back_what_can_wait() {
    let service = Service::start(Mood::Takes);
    let mut room = Room::gated(&evening(&service, "quiet_hours: 00:00-24:00\n"), "expires: 1h");
    room.watch();
    room.server.type_line("proj:ci", "echo note'' one");
    wait_for(PATIENCE, "the note in the outbox", || {
        room.answer(&["notify", "log", "--json"]).contains("\"waiting\"").then_some(())
    });
    room.finish_tests("");
    service.wait("Build after green tests?");
    assert!(service.taken().iter().all(|message| !message.contains("a note for later")), "{:?}", service.taken());
}

#[test]
fn a_changed_configuration_moves_the_alerts_and_a_bad_one_changes_nothing() {
    let (old, new) = (Service::start(Mood::Takes), Service::start(Mood::Takes));
    let mut room = Room::gated(&evening(&old, ""), "expires: 1h");
    room.watch();
    room.finish_tests("one");
    let link = wait_link(&old, 0);
    let good = evening(&new, "").replace("wecom:", "team:\n    kind: wecom").replace("notify: wecom", "notify: team");
    room.configure(&good.replace("webhook:", "webhok:"));
    room.wait_status("webhok");
    let id = room.wait_approval();
    assert_eq!(Phone::new().get(&link).status, 200, "the old server goes on");
    room.configure(&good);
    wait_for(PATIENCE, "the problem's end", || (!room.answer(&["status", "--json"]).contains("webhok")).then_some(()));
    assert_eq!(room.ask(&["approve", &id]).status.code(), Some(0));
    room.wait_ran("build ");
    room.finish_tests("two");
    let link = wait_link(&new, 0);
    assert_eq!(Phone::new().press(&link, "approve").status, 200);
    room.wait_ran("build build ");
    assert_eq!(old.taken().len(), 1, "{:?}", old.taken());
}

#[test]
fn known_secrets_leave_neither_the_machine_nor_stand_in_the_evidence() {
    let service = Service::start(Mood::Takes);
    let mut room = Room::gated(&evening(&service, ""), "expires: 1h");
    room.watch();
    let token = ["ghp", "_", &"Zq7RkT2mWc9LxB4nVy8HsD3fGj6PaE5u".repeat(2)[..36]].concat();
    room.finish_tests(&format!("{token} dinner-robot-key end"));
    let message = service.wait("tests ok");
    assert!(!message.contains(&token) && !message.contains("dinner-robot-key"), "{message}");
    assert!(message.contains("end"), "{message}");
    let evidence = room.approvals()[0]["evidence"].to_string();
    assert!(!evidence.contains(&token) && !evidence.contains("dinner-robot-key"), "{evidence}");
    let journal = room.answer(&["db", "export"]);
    assert!(!journal.contains(&token) && !journal.contains("dinner-robot-key"), "the journal keeps none");
}

#[test]
fn strangers_at_the_port_keep_nobody_from_deciding() {
    let service = Service::start(Mood::Takes);
    let bind = free_address();
    let config = evening(&service, "");
    let serve = config.lines().find(|line| line.starts_with("serve:")).expect("served");
    let mut room = Room::gated(&config.replace(serve, &format!("serve: {{bind: '{bind}'}}")), "expires: 1h");
    // Fewer descriptors than strangers.
    let path = env!("CARGO_BIN_EXE_tmuxagent");
    let mut limited = std::process::Command::new("sh");
    limited.args(["-c", "ulimit -n 256; exec \"$0\" --headless", path]).env_clear();
    limited.env("PATH", std::env::var_os("PATH").unwrap_or_default()).envs(room.environment());
    room.supervisor = Some(limited.stdin(std::process::Stdio::null()).spawn().expect("it starts"));
    room.wait_status("\"live\"");
    room.finish_tests("one");
    let link = wait_link(&service, 0);
    let mut held = Vec::new();
    for _ in 0..400 {
        use std::io::Write;
        let mut stream = std::net::TcpStream::connect(&bind).expect("a connection");
        stream.write_all(b"GET /a/x HTTP/1.1\r\nHost: b\r\nX-").expect("sent");
        held.push(stream);
    }
    assert!(room.answer(&["status"]).contains("live"));
    assert_eq!(Phone::new().press(&link, "approve").status, 200, "from the strangers' own address");
    room.wait_ran("build ");
    room.finish_tests("two");
    let id = room.wait_approval();
    assert!(service.wait("tests ok two").contains("/a/"), "the message goes out");
    assert_eq!(room.ask(&["approve", &id]).status.code(), Some(0));
    room.wait_ran("build build ");
}

const NOTES: &str = r#"
version: 1
pipelines:
  - name: notes
    match: [{window_name: ci}]
    stages:
      - name: note
        triggers: [{log_regex: "^note \\d"}]
        actions_on_start: [{notify: {text: "a note for later"}}]
        success_when: [{log_regex: "^noted"}]
        timeout: 60s
"#;

#[test]
fn what_the_next_run_says_again_is_not_sent_again_also_after_a_restart() {
    let service = Service::start(Mood::Takes);
    let mut room = Room::with(NOTES);
    room.configure(&evening(&service, ""));
    room.watch();
    let merged = |room: &Room| room.answer(&["notify", "log", "--json"]).matches("\"merged\"").count();
    let run = |room: &Room, n: usize| {
        room.server.type_line("proj:ci", &format!("echo note'' {n}"));
        wait_for(PATIENCE, "the note in the outbox", || {
            (room.answer(&["notify", "log", "--json"]).matches("a note for later").count() >= n).then_some(())
        });
        room.server.type_line("proj:ci", "echo no''ted");
        wait_for(PATIENCE, "the end of the run", || {
            (room.answer(&["events", "--json"]).matches("run_ended").count() >= n).then_some(())
        });
    };
    run(&room, 1);
    service.wait("a note for later");
    run(&room, 2);
    wait_for(PATIENCE, "the cool-down", || (merged(&room) == 1).then_some(()));
    room.kill_9();
    room.watch();
    run(&room, 3);
    wait_for(PATIENCE, "the cool-down", || (merged(&room) == 2).then_some(()));
    assert_eq!(service.taken().len(), 1, "{:?}", service.taken());
}
