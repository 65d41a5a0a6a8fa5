//! Keys for a program that the policy names, and answers that it writes, on the real program.

use super::support::room::Room;
use super::support::{PATIENCE, wait_for};

fn room(stage: &str) -> Room {
    let head = "pipelines:\n- name: p\n  match: {window_name: ci}\n  answers: {\"yes\": sure thing, later: {text: l, enter: true}}\n";
    let mut room = Room::with(&format!("{head}  stages:\n  - {{name: s, triggers: [manual], {stage}}}\n"));
    room.watch();
    room
}

fn got(room: &Room) -> String {
    std::fs::read_to_string(room.file("got")).unwrap_or_default()
}

#[test]
fn keys_wait_for_the_program_that_is_named() {
    let room = room("actions_on_start: [{send_keys: {text: hello there, expect: [vim, 'ca?']}}], hold: 60s");
    assert!(room.ask(&["start", "ci"]).status.success());
    // A shell that would run them does not get them.
    wait_for(PATIENCE, "held keys", || room.answer(&["panes", "--json"]).contains("\"awaited\"").then_some(()));
    room.server.type_line("proj:ci", "cat >got");
    wait_for(PATIENCE, "what cat reads", || (got(&room) == "hello there\n").then_some(()));
    room.wait_events("\"state\":\"succeeded\"");
    room.server.tmux(&["send-keys", "-t", "proj:ci", "C-c"]);
}

#[test]
fn what_is_held_too_long_is_asked_about() {
    let room = room("actions_on_start: [{send_keys: {text: touch ran, expect: cat}}], hold: 1s");
    assert!(room.ask(&["start", "ci"]).status.success());
    let id = room.wait_approval();
    let said = room.answer(&["approvals"]);
    assert!(said.contains("was not typed") && said.contains("is at an empty prompt"), "{said}");
    room.server.type_line("proj:ci", "cat >got");
    room.answer(&["approve", &id, "--answer", "again"]);
    wait_for(PATIENCE, "what cat reads", || (got(&room) == "touch ran\n").then_some(()));
    assert!(!room.file("ran").exists());
    room.server.tmux(&["send-keys", "-t", "proj:ci", "C-c"]);
}

#[test]
fn an_answer_is_typed_as_the_policy_writes_it_and_into_no_shell() {
    let room = room("actions_on_start: [{run: 'true'}]");
    let ask = "printf '### SENTRY {\"type\":\"ASK\",\"question\":\"%s\",\"options\":[\"Yes\",\"Later\",\"touch ran\"]}\\n' \"$1\"; head -n 1 >>got";
    std::fs::write(room.file("ask"), ask).expect("writable");
    for (number, (answer, typed)) in
        [("Yes", "sure thing\n"), ("Later", "l\n"), ("touch ran", "3\n")].into_iter().enumerate()
    {
        let _ = std::fs::remove_file(room.file("got"));
        room.server.type_line("proj:ci", &format!("sh ask q{number}"));
        let id = room.wait_approval();
        room.answer(&["approve", &id, "--answer", answer]);
        wait_for(PATIENCE, typed, || (got(&room) == typed).then_some(()));
    }
    // Who asked has ended: nothing is typed into the shell behind it.
    room.server.type_line("proj:ci", "sh ask last; touch over");
    let id = room.wait_approval();
    room.server.type_line("proj:ci", "by hand");
    wait_for(PATIENCE, "its end", || room.file("over").exists().then_some(()));
    room.answer(&["approve", &id]);
    let told = || room.answer(&["events"]).contains("does not wait any more").then_some(());
    wait_for(PATIENCE, "what is told of the answer", told);
    let screen = room.server.screen("proj:ci");
    assert!(!room.file("ran").exists() && screen.matches("sure thing").count() == 1, "{screen}");
}
