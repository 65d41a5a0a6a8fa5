//! What a person is told: the last lines of a failed attempt on every surface, and an error in a popup until it is read.

use super::support::loopback::{Mood, Phone, Service, links};
use super::support::room::{Room, free_address};
use super::support::{PATIENCE, TmuxServer, wait_for};

/// A test that fails with output, once by its exit code and once by its time limit.
const POLICY: &str = r#"
version: 1
pipelines:
  - name: dinner
    match: [{window_name: ci}]
    stages:
      - name: test
        triggers: [{log_regex: "^begin"}]
        actions_on_start: [{run: "sh ./tests"}]
        timeout: 60s
        on_fail: [{retry: {max: 1, backoff: 0.1s}}, {ask_human: {}}]
"#;

const TESTS: &str = "echo 'TAP version 13'; echo 'not ok 1 - adds'; echo '  expected: 3'; echo \"  actual: 2\"\n";

fn room(service: &Service, tests: &str) -> Room {
    let mut room = Room::with(POLICY);
    room.configure(&format!(
        "channels:\n  wecom:\n    webhook: dinner-robot-key\n    base_url: {}\nnotify: wecom\nserve: {{bind: '{}'}}\n",
        service.base,
        free_address()
    ));
    std::fs::write(room.file("tests"), tests).expect("writable");
    room.watch();
    room.server.type_line("proj:ci", "echo older line; echo beg''in");
    room
}

#[test]
fn the_last_lines_of_a_failed_attempt_are_shown_on_every_surface() {
    let service = Service::start(Mood::Takes);
    let room = room(&service, &format!("{TESTS}exit 1\n"));
    let id = room.wait_approval();
    let approval = room.approvals().into_iter().find(|approval| approval["id"] == id.as_str()).expect("listed");
    let evidence: Vec<&str> =
        approval["evidence"].as_array().expect("a list").iter().filter_map(|it| it.as_str()).collect();
    assert!(evidence.ends_with(&["TAP version 13", "not ok 1 - adds", "  expected: 3", "  actual: 2"]), "{evidence:?}");
    assert!(!evidence.contains(&"older line"), "only the attempt's own: {evidence:?}");
    assert_eq!(
        evidence.iter().filter(|line| line.contains("not ok")).count(),
        1,
        "only the last attempt's: {evidence:?}"
    );
    let wanted = "not ok 1 - adds";
    assert!(room.answer(&["approvals", &id]).contains(wanted));
    assert!(room.answer(&["approvals"]).contains("actual: 2"));
    let request = std::fs::read_to_string(room.wait_request()).expect("readable");
    assert!(request.contains(wanted), "{request}");
    let message = service.wait(wanted);
    let link = links(&message).into_iter().find(|link| link.contains("/a/")).expect("a link");
    let page = Phone::new().get(&link);
    assert!(page.html.contains(wanted), "{}", page.html);
}

/// Two windows of one name: whoever acts sees which is meant, and what became of each attempt.
#[test]
fn windows_of_one_name_are_told_apart_wherever_one_acts() {
    let mut room = Room::with(POLICY);
    std::fs::write(room.file("tests"), format!("{TESTS}exit 1\n")).expect("writable");
    room.watch();
    let first = room.server.tmux(&["display", "-p", "-t", "proj:ci", "#{pane_id}"]).trim().to_owned();
    let made = room.server.tmux(&["new-window", "-d", "-P", "-F", "#{pane_id}", "-t", "proj:", "-n", "ci"]);
    let second = made.trim().to_owned();
    let place = |pane: &str| format!("proj:ci.0 {pane}");
    wait_for(PATIENCE, "both", || room.answer(&["events"]).contains(&place(&second)).then_some(()));
    assert!(room.answer(&["events"]).contains(&place(&first)));
    let sent = room.answer(&["send", "--insist", "-n", &second, "x"]);
    assert!(sent.contains(&place(&second)), "{sent}");
    room.server.type_line(&first, "echo beg''in");
    let id = room.wait_approval();
    assert!(room.answer(&["approvals"]).contains(&place(&first)));
    let explained = room.answer(&["policy", "explain", &first]);
    for told in [&place(&first), "earlier attempts", "attempt 1 failed", "exit code 1"] {
        assert!(explained.contains(told), "{told}: {explained}");
    }
    assert!(room.answer(&["reject", &id]).contains(&place(&first)));
    let events: Vec<String> = room.answer(&["events"]).lines().map(str::to_owned).collect();
    let bare = events.iter().find(|line| line.contains("proj:ci.0 ") && !line.contains("proj:ci.0 %"));
    assert_eq!(bare, None);
}

#[test]
fn the_last_lines_survive_a_restart_in_the_middle_of_the_attempt() {
    let service = Service::start(Mood::Takes);
    let mut room = room(&service, &format!("{TESTS}while [ ! -e go ]; do sleep 0.05; done; exit 1\n"));
    wait_for(PATIENCE, "its output", || room.server.screen("proj:ci").contains("actual: 2").then_some(()));
    room.kill_9();
    room.watch();
    room.wait_status("\"open_approvals\": 0");
    std::fs::write(room.file("go"), "").expect("writable");
    let id = room.wait_approval();
    let approval = room.approvals().into_iter().find(|approval| approval["id"] == id.as_str()).expect("listed");
    assert!(approval["evidence"].to_string().contains("not ok 1 - adds"), "{approval}");
    assert!(!approval["evidence"].to_string().contains("older line"), "{approval}");
}

#[test]
fn a_popup_without_a_supervisor_keeps_its_message_until_a_key() {
    let desk = TmuxServer::prepare();
    let home = desk.folder().display().to_string();
    let line = format!(
        "env -i PATH=\"$PATH\" HOME='{home}' LANG=C.UTF-8 TERM=tmux-256color '{}' popup; echo code=$? > '{home}/ended'; sleep 100",
        env!("CARGO_BIN_EXE_tmuxagent"),
    );
    desk.tmux(&["new-session", "-d", "-s", "desk", "-x", "100", "-y", "30", &line]);
    let shown = || Some(desk.screen("=desk:")).filter(|screen| screen.contains("Press any key"));
    let screen = wait_for(PATIENCE, "the message", shown);
    assert!(screen.contains("no supervisor runs") && screen.contains("hint:"), "{screen}");
    assert!(!desk.folder().join("ended").exists(), "it stays");
    desk.tmux(&["send-keys", "-t", "=desk:", "x"]);
    let ended = || std::fs::read_to_string(desk.folder().join("ended")).ok().filter(|text| text.contains("code="));
    assert_eq!(wait_for(PATIENCE, "its end", ended).trim(), "code=3");
}

/// What fails in another folder, one behind its failure that prints nothing, and a question behind that.
const ELSEWHERE: &str = r#"
version: 1
pipelines:
  - name: dinner
    match: [{window_name: ci}]
    stages:
      - name: test
        triggers: [{log_regex: "^begin"}]
        actions_on_start: [{run: "(cd sub && while [ ! -e go ]; do sleep 0.05; done; echo 'b.c:1:5: error: no'; exit 1)"}]
      - name: quiet
        triggers: [{after_stage_failure: test}]
        recovers: true
        actions_on_start: [{run: "true"}]
      - name: deploy
        triggers: [{after_stage_success: quiet}]
        require_approval: true
        actions_on_start: [{run: "true"}]
"#;

#[test]
fn a_gate_behind_a_quiet_stage_shows_the_failure_and_no_prompt_and_the_folder_of_the_shell() {
    let mut room = Room::with(ELSEWHERE);
    let sub = room.file("sub");
    std::fs::create_dir(&sub).expect("made");
    room.watch();
    let home = sub.parent().expect("a folder").display().to_string();
    room.server.type_line("proj:ci", &format!("cd '{home}'; PS1='\\u on main \\t\\n\\$ '; echo beg''in"));
    wait_for(PATIENCE, "its folder", || {
        room.answer(&["panes", "--json"]).contains(&*sub.to_string_lossy()).then_some(())
    });
    std::fs::write(sub.join("go"), "").expect("writable");
    let id = room.wait_approval();
    let approval = room.approvals().into_iter().find(|approval| approval["id"] == id.as_str()).expect("listed");
    assert_eq!(approval["evidence"], serde_json::json!(["begin", "b.c:1:5: error: no"]), "{approval}");
    assert_eq!(approval["folder"], home, "{approval}");
}

/// Two pipelines take turns in one pane: one tells why it fails, one fails in silence, and one says nothing of how it went.
const TURNS: &str = r#"
version: 1
pipelines:
  - name: loud
    match: [{window_name: ci}]
    stages:
      - name: check
        triggers: [manual]
        actions_on_start: [{run: "while [ ! -e go ]; do sleep 0.05; done; echo 'error: the cause of loud'; false"}]
        on_fail: [ask_human]
  - name: mute
    match: [{window_name: ci}]
    stages:
      - {name: check, triggers: [manual], actions_on_start: [{run: "false"}], on_fail: [ask_human]}
  - name: unclear
    match: [{window_name: ci}]
    stages:
      - name: check
        triggers: [manual]
        actions_on_start: [{run: "true"}]
        success_when: [{log_regex: "cause of|on main"}]
"#;

#[test]
fn what_others_print_in_a_pane_is_neither_cause_nor_verdict() {
    let mut room = Room::with(TURNS);
    room.watch();
    room.server.type_line("proj:ci", "PS1='\\u on main \\t\\n\\$ '");
    for pipeline in ["loud", "mute", "unclear"] {
        room.answer(&["start", "ci", pipeline]);
    }
    std::fs::write(room.file("go"), "").expect("writable");
    let asked = wait_for(PATIENCE, "three questions", || Some(room.approvals()).filter(|asked| asked.len() == 3));
    let of = |pipeline: &str| {
        let one = asked.iter().find(|one| one["pipeline"] == pipeline).expect("asked");
        (one["question"].to_string(), one["evidence"].to_string())
    };
    let (loud, mute, unclear) = (of("loud"), of("mute"), of("unclear"));
    assert_eq!(loud.1, r#"["error: the cause of loud"]"#, "{loud:?}");
    assert!(mute.0.contains("it printed nothing") && mute.1 == "[]", "{mute:?}");
    assert!(unclear.0.contains("nothing that it printed says") && unclear.1 == "[]", "{unclear:?}");
    room.server.type_line("proj:ci", "grep 'on main' notes; echo the cause of; sh -c 'echo seen > seen'");
    wait_for(PATIENCE, "what a person ran", || room.file("seen").exists().then_some(()));
    room.server.wait_screen("proj:ci", "the cause of\n");
    assert_eq!(room.approvals().len(), 3, "{}", room.answer(&["events"]));
}
