//! A stage's command that waits for a person is asked about, whatever its program.

use super::support::room::Room;
use super::support::{PATIENCE, wait_for};
use serde_json::Value;

const ASKS: &str = r#"
version: 1
pipelines:
  - name: p
    match: [{window_name: ci}]
    stages:
      - {name: s, triggers: [manual], actions_on_start: [{run: ./ask.sh}], timeout: 5m}
"#;

fn room(script: &str) -> Room {
    let mut room = Room::with(ASKS);
    std::fs::write(room.file("ask.sh"), format!("#!/bin/sh\n{script}\n")).expect("writable");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(room.file("ask.sh"), mode).expect("its mode");
    room.watch();
    wait_for(PATIENCE, "a started run", || room.ask(&["start", "ci"]).status.success().then_some(()));
    room
}

fn of(room: &Room, id: &str) -> Value {
    room.approvals().into_iter().find(|approval| approval["id"] == id).unwrap_or_default()
}

#[test]
fn a_command_that_asks_is_a_question_and_its_answer_goes_to_it_once() {
    let room = room("printf 'Drop the old table? [y/N] '; read -r answer; echo \"got $answer\" >> ran");
    let id = room.wait_approval();
    let asked = of(&room, &id);
    assert_eq!(asked["question"], "The command of stage s waits for an answer: Drop the old table? [y/N]", "{asked:#}");
    let approved = room.ask(&["approve", &id]);
    assert!(approved.status.success(), "{approved:?}");
    room.wait_ran("got y ");
    room.wait_events("\"state\":\"succeeded\"");
}

#[test]
fn what_has_no_yes_takes_a_persons_own_words_and_ends_when_it_is_answered_in_the_pane() {
    let room = room(
        "for n in 1 2; do printf 'Name %s: ' $n; read -r name; echo \"got $name\" >> ran; done; while ! [ -e go ]; do sleep 0.1; done",
    );
    let first = room.wait_approval();
    let plain = room.ask(&["approve", &first]);
    assert_eq!(plain.status.code(), Some(6), "{plain:?}");
    let named = room.ask(&["approve", &first, "--answer", "demo two"]);
    assert!(named.status.success(), "{named:?}");
    room.wait_ran("got demo two ");
    let second = room.wait_approval();
    room.server.type_line("proj:ci", "by hand");
    room.wait_ran("got demo two got by hand ");
    // Though the command goes on.
    wait_for(PATIENCE, "its end", || (of(&room, &second)["state"] == "superseded").then_some(()));
    std::fs::write(room.file("go"), "").expect("writable");
    room.wait_events("\"state\":\"succeeded\"");
}

#[test]
fn a_password_is_told_and_never_asked_for() {
    let room = room("printf 'Password: '; stty -echo; read -r word; stty echo; echo done >> ran");
    room.wait_events("waits for somebody; answer it in its pane");
    assert!(room.approvals().is_empty());
    room.server.type_line("proj:ci", "hidden");
    room.wait_ran("done ");
}

#[test]
fn what_only_looks_like_a_question_is_told_and_what_somebody_began_to_answer_is_left_to_him() {
    let room = room(
        "printf 'Really deploy? [y/N] '; while ! [ -e go ]; do sleep 0.1; done; printf '\\nName: '; read -r name; echo \"got $name\" >> ran",
    );
    room.wait_events("waits for somebody; answer it in its pane");
    assert!(room.approvals().is_empty(), "an answer would be read by whoever reads next");
    std::fs::write(room.file("go"), "").expect("writable");
    let id = room.wait_approval();
    room.server.tmux(&["send-keys", "-t", "proj:ci", "-l", "half"]);
    room.server.wait_screen("proj:ci", "Name: half");
    room.ask(&["approve", &id, "--answer", "whole"]);
    room.server.tmux(&["send-keys", "-t", "proj:ci", "Enter"]);
    room.wait_ran("got half ");
}

#[test]
fn an_open_question_of_a_command_keeps_its_name_over_a_restart() {
    let mut room = room("for n in 1 2; do printf 'Name %s: ' $n; read -r name; echo \"got $name\" >> ran; done");
    let first = room.wait_approval();
    room.kill_9();
    room.watch();
    // It may be decided before anybody has looked at the pane again.
    let named = wait_for(PATIENCE, "the supervisor", || {
        let named = room.ask(&["approve", &first, "--answer", "yes"]);
        (named.status.code() != Some(4)).then_some(named)
    });
    assert!(named.status.success(), "{named:?}");
    room.wait_ran("got yes ");
    // What was answered in the pane while nobody watched is over.
    let second = room.wait_approval();
    room.kill_9();
    room.server.type_line("proj:ci", "by hand");
    room.wait_ran("got yes got by hand ");
    room.watch();
    room.wait_events("\"state\":\"succeeded\"");
    assert_eq!(of(&room, &second)["state"], "superseded");
}
