//! One pipeline over two panes: an agent (a stand-in) in one, checks in the other, round by round, over a `kill -9`.

use super::agent_conditions::wait_stage;
use super::support::room::Room;
use super::support::stand_in::{Step, go, got, stand_in};
use super::support::{PATIENCE, wait_for, wait_or_tell};
use std::os::unix::fs::PermissionsExt as _;

const POLICY: &str = r#"
version: 1
inputs: {branch: {default: main}, env: {choices: [staging, prod], default: staging}}
panes:
  worker: {pane_role: worker}
  checks: {pane_role: checks}
pipelines:
  - name: ship
    loop: {stages: [test, fix], max: 5}
    stages:
      - name: implement
        in: worker
        triggers: [manual]
        actions_on_start: [{prompt: "Do what TASK.md says on {{inputs.branch}}"}]
        success_when: [{agent: done}]
        fail_when: [{agent: [error, rate_limited]}]
      - name: test
        in: checks
        triggers: [{after_stage_success: [implement, fix]}]
        actions_on_start: [{run: ./test.sh}]
      - name: fix
        in: worker
        triggers: [{after_stage_failure: test}]
        actions_on_start: [{prompt: "The tests fail ({{test.exit_code}}): {{test.output}}"}]
        success_when: [{agent: done}]
      - name: review
        in: worker
        triggers: [{after_stage_success: test}]
        actions_on_start: [{prompt: "Review your change as a stranger would."}]
        success_when: [{agent: done}]
      - name: deploy
        in: checks
        triggers: [{after_stage_success: review}]
        require_approval: {question: "Deploy {{inputs.branch}} to {{inputs.env}}?", approvers: [me, ann], confirm: name}
        actions_on_start: [{run: "./deploy.sh {{inputs.env}}"}]
    finally: [{run: ./unlock.sh, in: checks}]
"#;

/// A script in the room's folder.
fn script(room: &Room, name: &str, text: &str) {
    let path = room.file(name);
    std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).expect("writable");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("a mode");
}

fn wait_got(room: &Room, part: &str) {
    let told = || format!("in vain for `{part}` in {}: {}", got(room), room.answer(&["events"]));
    wait_or_tell(PATIENCE, || got(room).contains(part).then_some(()), told);
}

#[test]
fn an_agent_and_its_checks_go_round_until_the_tests_pass_and_a_person_lets_it_out() {
    let mut room = Room::with(POLICY);
    script(&room, "test.sh", "echo test >> ran; [ -e go2 ] && exit 0; echo '1 failed: adds'; exit 3");
    script(&room, "deploy.sh", "echo deploy $1 >> ran");
    script(&room, "unlock.sh", "echo unlock >> ran");
    let first = [Step::Show("idle_start"), Step::Line, Step::Show("working_thinking"), Step::Until("go1")];
    let second = [Step::Show("finished"), Step::Line, Step::Show("working_command"), Step::Until("go2")];
    let third = [Step::Show("finished_2"), Step::Line, Step::Show("working_thinking"), Step::Until("go3")];
    let steps: Vec<Step> = first.into_iter().chain(second).chain(third).chain([Step::Show("finished")]).collect();
    let pane = stand_in(&room, "codex", &steps);
    room.server.tmux(&["set", "-p", "-t", &pane, "@tmuxagent_role", "worker"]);
    room.server.tmux(&["set", "-p", "-t", "proj:ci", "@tmuxagent_role", "checks"]);
    room.watch();

    let wrong = room.ask(&["start", &pane, "ship", "--set", "env=moon"]);
    assert!(!wrong.status.success(), "{wrong:?}");
    let started = || room.ask(&["start", &pane, "ship", "--set", "env=prod"]).status.success().then_some(());
    wait_or_tell(PATIENCE, started, || room.answer(&["start", &pane, "ship", "--set", "env=prod"]));
    wait_got(&room, "Do what TASK.md says on main;");
    wait_stage(&room, &pane, "codex: working");
    go(&room, "go1");

    // What the checks printed goes to the agent, and a supervisor that is killed loses nothing of the round.
    wait_got(&room, "The tests fail (3): 1 failed: adds;");
    wait_stage(&room, &pane, "codex: working");
    room.kill_9();
    go(&room, "go2");
    room.watch();
    wait_got(&room, "Review your change as a stranger would.;");
    wait_stage(&room, &pane, "codex: working");
    go(&room, "go3");

    let id = room.wait_approval();
    let plain = room.ask(&["approve", &id]);
    assert!(!plain.status.success() && room.ran() == "test test ", "{plain:?}");
    let approved = room.ask(&["approve", &id, "--answer", "deploy"]);
    assert!(approved.status.success(), "{approved:?}");
    room.wait_ran("test test deploy prod unlock ");
    wait_for(PATIENCE, "its end", || room.answer(&["events", "--json"]).contains("run_ended").then_some(()));
    let events = room.answer(&["events", "--json"]);
    assert!(events.contains("\"succeeded\""), "{events}");
}
