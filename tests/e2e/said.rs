//! What an agent's message gives to the pipeline that it starts.

use super::support::room::Room;
use super::support::{PATIENCE, wait_for};

const POLICY: &str = r#"
version: 1
pipelines:
  - name: ship
    match: [{window_name: ci}]
    inputs:
      branch: {default: main, from: message}
      env: {choices: [staging, prod], default: staging}
    stages:
      - name: go
        triggers: [{message: {type: ACTION, stage: ship}}]
        require_approval: true
        actions_on_start: [{run: "echo {{inputs.branch}} {{inputs.env}} >> ran"}]
        timeout: 60s
"#;

#[test]
fn a_message_gives_what_the_policy_takes_from_it_and_nothing_else() {
    let mut room = Room::with(POLICY);
    // An agent would print them; what is typed here is none, since more stands before it.
    let say = |name: &str, inputs: &str| {
        let line = format!("### SENTRY {{\"type\":\"ACTION\",\"stage\":\"ship\",\"inputs\":{inputs}}}\n");
        std::fs::write(room.file(name), line).expect("writable");
    };
    say("prod", r#"{"env":"prod"}"#);
    say("lines", r#"{"branch":"a\nb"}"#);
    say("branch", r#"{"branch":"$(touch hacked)"}"#);
    room.watch();
    room.server.type_line("proj:ci", "cat prod");
    room.wait_events("ship does not begin: the input `env` is not taken from a message");
    room.server.type_line("proj:ci", "cat lines");
    room.wait_events("malformed_message");
    assert_eq!(room.ran(), "");
    room.server.type_line("proj:ci", "cat branch");
    let asked = room.wait_approval();
    assert_eq!(room.ran(), "", "nothing is done before a yes");
    room.ask(&["approve", &asked]);
    room.wait_ran("$(touch hacked) staging ");
    wait_for(PATIENCE, "its end", || room.answer(&["events", "--json"]).contains("run_ended").then_some(()));
    assert!(!room.file("hacked").exists());
}
