//! Stages that wait for what an agent does, with a stand-in that shows saved screens of a real one.

use super::support::room::Room;
use super::support::stand_in::{Step, go, stand_in, wait_got};
use super::support::{PATIENCE, wait_for, wait_or_tell};

const POLICY: &str = r"
version: 1
pipelines:
  - name: work
    match: [{agent: codex}]
    stages:
      - name: implement
        triggers: [manual]
        actions_on_start: [{prompt: Implement it}]
        success_when: [{agent: done}]
        fail_when: [{agent: [error, rate_limited]}]
        timeout: 10m
      - name: review
        triggers: [{after_stage_success: implement}]
        actions_on_start: [{prompt: Review it}]
        success_when: [{agent: done}]
        fail_when: [{agent: [error, rate_limited]}]
        timeout: 10m
";

fn agent(room: &Room, steps: &[Step]) -> String {
    stand_in(room, "codex", steps)
}

fn start(room: &Room, pane: &str) {
    let told = || room.answer(&["start", pane, "work"]) + &room.answer(&["panes", "--json"]);
    wait_or_tell(
        PATIENCE,
        || Some(room.ask(&["start", pane, "work"])).filter(|started| started.status.success()),
        told,
    );
}

/// Until a stage is told to be at that, as `explain` says.
pub(super) fn wait_stage(room: &Room, pane: &str, part: &str) -> String {
    let explained = || room.answer(&["policy", "explain", pane]);
    wait_or_tell(
        PATIENCE,
        || Some(explained()).filter(|told| told.contains(part)),
        || format!("in vain for `{part}`: {}{}", explained(), room.answer(&["events"])),
    )
}

#[test]
fn two_stages_on_one_agent_wait_for_it_one_after_the_other_dialogs_and_all() {
    let mut room = Room::with(POLICY);
    let (working, dialog) = (Step::Show("working_thinking"), Step::Show("approve_command"));
    let first = [Step::Show("idle_start"), Step::Line, working, Step::Until("go1"), dialog, Step::Key];
    let second = [Step::Show("working_command"), Step::Until("go2"), Step::Show("finished"), Step::Line];
    let third = [Step::Show("working_thinking"), Step::Until("go3"), Step::Show("finished_2")];
    let steps: Vec<Step> = first.into_iter().chain(second).chain(third).collect();
    let pane = agent(&room, &steps);
    room.watch();
    start(&room, &pane);
    wait_got(&room, "line Implement it;");
    wait_stage(&room, &pane, "codex: working");
    go(&room, "go1");
    // A dialog is no end, and its answer lets the work go on.
    let id = room.wait_approval();
    wait_stage(&room, &pane, "stands still while its agent asks");
    let approved = room.ask(&["approve", &id]);
    assert!(approved.status.success(), "{approved:?}");
    wait_stage(&room, &pane, "codex: working");
    go(&room, "go2");
    wait_got(&room, "line Implement it;key 1;line Review it;");
    wait_stage(&room, &pane, "codex: working");
    go(&room, "go3");
    room.wait_events("run_ended");
    let events = room.answer(&["events", "--json"]);
    assert!(events.contains("\"succeeded\"") && !events.contains("\"failed\""), "{events}");
    assert_eq!(room.approvals().len(), 1, "{:#?}", room.approvals());
}

#[test]
fn what_an_agent_did_while_nobody_watched_is_found() {
    let mut room = Room::with(POLICY);
    let first = [Step::Show("idle_start"), Step::Line, Step::Show("working_thinking"), Step::Until("go1")];
    let second = [Step::Show("finished"), Step::Line, Step::Show("working_thinking"), Step::Until("go2"), Step::Exit];
    let steps: Vec<Step> = first.into_iter().chain(second).collect();
    let pane = agent(&room, &steps);
    room.watch();
    start(&room, &pane);
    wait_got(&room, "line Implement it;");
    wait_stage(&room, &pane, "codex: working");
    room.kill_9();
    go(&room, "go1");
    room.server.wait_screen(&pane, "Ask Codex to do anything");
    room.watch();
    wait_got(&room, "line Implement it;line Review it;");
    wait_stage(&room, &pane, "codex: working");
    room.kill_9();
    go(&room, "go2");
    wait_for(PATIENCE, "a shell", || {
        let command = room.server.tmux(&["display", "-p", "-t", &pane, "#{pane_current_command}"]);
        (command.trim() == "sh").then_some(())
    });
    room.watch();
    room.wait_events("codex has exited");
    assert_eq!(room.approvals().len(), 0, "{:#?}", room.approvals());
}

#[test]
fn an_agent_that_gets_its_prompt_back_is_asked_about_and_not_done() {
    let mut room = Room::with(&POLICY.replace("agent: codex", "agent: claude"));
    let before = [Step::Show("idle_start"), Step::Line, Step::Show("working_thinking"), Step::Until("go1")];
    let after = [Step::Show("typed_not_sent"), Step::Until("never")];
    let steps: Vec<Step> = before.into_iter().chain(after).collect();
    let pane = stand_in(&room, "claude", &steps);
    room.watch();
    start(&room, &pane);
    wait_got(&room, "line Implement it;");
    wait_stage(&room, &pane, "claude: working");
    go(&room, "go1");
    let id = room.wait_approval();
    let asked = room.approvals().into_iter().find(|approval| approval["id"] == id).unwrap_or_default();
    assert!(asked["question"].as_str().is_some_and(|text| text.contains("a person has stopped it")), "{asked:#}");
}
