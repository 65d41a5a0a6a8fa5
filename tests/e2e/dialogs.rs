//! What an agent asks by a dialog is decided like every other question, and its answer is one key for this very dialog.

use super::support::room::Room;
use super::support::stand_in::{Step, got, stand_in, wait_got};
use super::support::{PATIENCE, wait_for};
use serde_json::Value;

const QUIET: &str = "version: 1\npipelines: []\n";

const PROMPT: &str = r"
version: 1
pipelines:
  - name: talk
    match: [{agent: codex}]
    stages:
      - name: say
        triggers: [manual]
        actions_on_start: [{prompt: carry on}]
        success_when: [{log_regex: never}]
";

fn agent(room: &Room, steps: &[Step]) -> String {
    stand_in(room, "codex", steps)
}

pub(super) fn wait_state(room: &Room, id: &str, state: &str) -> Value {
    wait_for(PATIENCE, &format!("{id} {state}"), || {
        room.approvals().into_iter().find(|approval| approval["id"] == id && approval["state"] == state)
    })
}

fn labels(approval: &Value) -> Vec<&str> {
    approval["options"].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

#[test]
fn what_an_agent_asks_is_decided_in_the_queue_by_one_key_of_its_dialog() {
    let mut room = Room::with(QUIET);
    let (ask, idle) = (Step::Show("approve_command"), Step::Show("idle_start"));
    agent(&room, &[ask, Step::Key, idle, Step::Line]);
    room.watch();
    let id = room.wait_approval();
    let asked = wait_state(&room, &id, "pending");
    assert_eq!(asked["question"], "codex wants to run `touch hello.txt`", "{asked:#}");
    let evidence = asked["evidence"].to_string();
    assert!(evidence.contains("Do you want to allow this stub command?"), "its reason too: {evidence}");
    let offered = labels(&asked);
    assert_eq!((offered.len(), offered[0]), (3, "Yes, proceed (y)"), "{offered:?}");
    for wrong in ["Yes", "7", "1\n2"] {
        let refused = room.ask(&["approve", &id, "--answer", wrong]);
        assert!(!refused.status.success(), "{refused:?}");
    }
    // By the number that it shows.
    let approved = room.ask(&["approve", &id, "--answer", "1"]);
    assert!(approved.status.success(), "{approved:?}");
    wait_got(&room, "key 1;");
    wait_state(&room, &id, "approved");
    // Now the input line reads again, and nothing more was typed.
    let pane = room.server.tmux(&["display", "-p", "-t", "agents", "#{pane_id}"]);
    let sent = wait_for(PATIENCE, "an idle agent", || {
        Some(room.ask(&["send", pane.trim(), "go on"])).filter(|sent| sent.status.success())
    });
    wait_got(&room, "key 1;line go on;");
    assert_eq!(room.approvals().len(), 1, "{sent:?}");
}

#[test]
fn a_no_is_the_dialogs_own_no_and_late_deciders_are_told() {
    let mut room = Room::with(QUIET);
    let (first, second) = (Step::Show("approve_command"), Step::Show("approve_edit"));
    agent(&room, &[first, Step::Key, second, Step::Key, Step::Show("idle_start")]);
    room.watch();
    let first = room.wait_approval();
    let no = room.ask(&["reject", &first]);
    assert!(no.status.success(), "{no:?}");
    wait_got(&room, "key 3;");
    wait_state(&room, &first, "rejected");
    // The next one is answered in the pane.
    let second = room.wait_approval();
    assert_ne!(first, second);
    room.server.tmux(&["send-keys", "-t", "agents", "2"]);
    wait_state(&room, &second, "superseded");
    let late = room.ask(&["approve", &second]);
    let words = String::from_utf8_lossy(&late.stderr).into_owned();
    assert!(!late.status.success() && words.contains("superseded"), "{late:?}");
    wait_got(&room, "key 3;key 2;");
}

#[test]
fn an_answer_goes_before_the_prompt_that_waits_for_the_dialog_to_end() {
    let mut room = Room::with(PROMPT);
    let (ask, idle) = (Step::Show("approve_command"), Step::Show("idle_start"));
    let pane = agent(&room, &[ask, Step::Key, idle, Step::Line]);
    room.watch();
    let id = room.wait_approval();
    let started = wait_for(PATIENCE, "a started run", || {
        Some(room.ask(&["start", &pane, "talk"])).filter(|started| started.status.success())
    });
    wait_for(PATIENCE, "a prompt that waits", || {
        room.answer(&["panes", "--json"]).contains("\"awaited\": {").then_some(())
    });
    let approved = room.ask(&["approve", &id]);
    assert!(approved.status.success(), "{started:?} {approved:?}");
    wait_got(&room, "key 1;line carry on;");
}

#[test]
fn the_programs_own_stand_in_asks_in_the_queue_too() {
    let mut room = Room::with(QUIET);
    let line = format!("exec '{}' fake-agent --ask --pace 0", env!("CARGO_BIN_EXE_tmuxagent"));
    let pane = room.server.new_session("agents", &line);
    room.watch();
    room.wait_status("\"idle\"");
    room.server.type_line(&pane, "make it faster");
    let id = room.wait_approval();
    assert_eq!(wait_state(&room, &id, "pending")["question"], "stand-in wants to change `src/main.rs`");
    assert!(room.ask(&["approve", &id, "--answer", "1"]).status.success());
    room.server.wait_screen(&pane, "Edited src/main.rs");
}

#[test]
fn a_prompt_goes_to_an_agent_whose_conversation_only_shows_a_question() {
    let mut room = Room::with(PROMPT);
    let pane = agent(&room, &[Step::Show("printed_dialog"), Step::Line]);
    room.watch();
    wait_for(PATIENCE, "a started run", || room.ask(&["start", &pane, "talk"]).status.success().then_some(()));
    wait_got(&room, "line carry on;");
}

#[test]
fn nothing_is_sent_by_hand_while_sending_is_frozen_nor_later() {
    let mut room = Room::with(QUIET);
    let pane = agent(&room, &[Step::Show("idle_start"), Step::Line]);
    room.watch();
    room.wait_status("\"idle\"");
    assert!(room.ask(&["freeze"]).status.success());
    for how in [&["send", &pane, "one"][..], &["send", "--insist", &pane, "two"]] {
        let refused = room.ask(how);
        let words = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(!refused.status.success() && words.contains("frozen"), "{refused:?}");
    }
    assert!(room.ask(&["unfreeze"]).status.success());
    assert!(room.ask(&["send", &pane, "three"]).status.success());
    wait_got(&room, "line three;");
}

#[test]
fn an_answer_that_changes_nothing_is_asked_about_once_more() {
    let mut room = Room::with(QUIET);
    let ask = || Step::Show("approve_command");
    agent(&room, &[ask(), Step::Key, ask(), Step::Key, Step::Show("idle_start")]);
    room.watch();
    let first = room.wait_approval();
    room.ask(&["approve", &first]);
    wait_got(&room, "key 1;");
    wait_state(&room, &first, "approved");
    let second = room.wait_approval();
    assert_ne!(first, second);
    assert_eq!(got(&room), "key 1;", "nothing is typed by itself");
    room.ask(&["approve", &second]);
    wait_got(&room, "key 1;key 1;");
}

#[test]
fn a_dialog_is_asked_about_once_and_answered_once_whatever_ends_the_supervisor() {
    let mut room = Room::with(QUIET);
    agent(&room, &[Step::Show("approve_command"), Step::Key, Step::Show("idle_start"), Step::Line]);
    room.watch();
    let id = room.wait_approval();
    room.kill_9();
    room.watch();
    room.wait_status("needs_approval");
    assert_eq!(room.wait_approval(), id, "the same question");
    // The decision is committed, and perhaps its key typed, when it dies.
    room.ask(&["approve", &id]);
    room.kill_9();
    room.watch();
    wait_got(&room, "key 1;");
    wait_state(&room, &id, "approved");
    room.wait_status("\"idle\"");
    assert_eq!((room.approvals().len(), got(&room).as_str()), (1, "key 1;"));
}

#[test]
fn a_question_ends_with_the_agent_that_asked_it() {
    let mut room = Room::with(QUIET);
    let pane = agent(&room, &[Step::Show("approve_command"), Step::Key]);
    room.watch();
    let id = room.wait_approval();
    let pid = room.server.tmux(&["display", "-p", "-t", &pane, "#{pane_pid}"]);
    room.kill_9();
    // While nobody watches its pane is taken by a shell.
    room.server.tmux(&["set-option", "-t", "agents", "remain-on-exit", "on"]);
    room.server.tmux(&["respawn-pane", "-k", "-t", &pane, "sh"]);
    assert!(!pid.trim().is_empty());
    room.watch();
    wait_state(&room, &id, "superseded");
    assert_eq!(got(&room), "");
}

#[test]
fn what_a_person_sends_by_hand_waits_behind_nothing_that_is_held() {
    let mut room = Room::with(PROMPT);
    let (ask, idle) = (Step::Show("approve_command"), Step::Show("idle_start"));
    let pane = agent(&room, &[ask, Step::Key, idle, Step::Line]);
    room.watch();
    room.wait_approval();
    wait_for(PATIENCE, "a started run", || room.ask(&["start", &pane, "talk"]).status.success().then_some(()));
    wait_for(PATIENCE, "a prompt that waits", || {
        room.answer(&["panes", "--json"]).contains("\"awaited\": {").then_some(())
    });
    // It would answer the dialog, so it is refused at once; who insists is obeyed at once.
    let refused = room.ask(&["send", &pane, "and then"]);
    assert!(!refused.status.success(), "{refused:?}");
    let insisted = room.ask(&["send", "-n", "--insist", &pane, "2"]);
    assert!(insisted.status.success(), "{insisted:?}");
    wait_got(&room, "key 2;line carry on;");
}
