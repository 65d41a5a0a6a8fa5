//! What agents do, as the supervisor knows it: by their processes and screens, not by what is printed.

use super::support::room::Room;
use super::support::stand_in::{Step, program, screen, show, stand_in, wait_got};
use super::support::{PATIENCE, wait_for};
use serde_json::Value;

const AGENTS: &str = r"
version: 1
pipelines:
  - name: talk
    match: [{agent: codex}]
    stages: [{name: s, triggers: [manual], actions_on_start: [{send_keys: x}], success_when: [{log_regex: x}]}]
";

const QUIET: &str = "version: 1\npipelines: []\n";

fn view(room: &Room, pane: &str) -> Value {
    let panes: Vec<Value> = serde_json::from_str(&room.answer(&["panes", "--json"])).unwrap_or_default();
    let is_it = |view: &Value| view["info"]["key"].as_str().is_some_and(|key| key.contains(&format!("/{pane}/")));
    panes.into_iter().find(is_it).unwrap_or_default()
}

fn agent(room: &Room, pane: &str) -> Value {
    let view = view(room, pane);
    let (agent, reader) = (&view["agent"], &view["reader"]["reads"]);
    let detail = &agent["question"]["detail"];
    serde_json::json!({ "state": agent["state"], "pane": view["state"], "detail": detail, "reader": reader })
}

fn wait_state(room: &Room, pane: &str, state: &str) -> Value {
    wait_for(PATIENCE, &format!("an agent that is {state}"), || {
        let known = agent(room, pane);
        (known["state"] == state).then_some(known)
    })
}

#[test]
fn a_waiting_agent_is_seen_told_and_given_no_keys() {
    let mut room = Room::with(QUIET);
    room.watch();
    let (working, asks, idle) =
        (Step::Show("working_thinking"), Step::Show("approve_command"), Step::Show("idle_start"));
    let steps = [working, Step::Line, asks, Step::Line, idle, Step::Line, Step::Line, Step::Exit];
    let pane = stand_in(&room, "codex", &steps);
    wait_state(&room, &pane, "working");
    room.server.tmux(&["send-keys", "-t", &pane, "Enter"]);
    let asks = wait_state(&room, &pane, "needs_approval");
    assert_eq!((&asks["pane"], &asks["detail"]), (&"needs_approval".into(), &"touch hello.txt".into()), "{asks:#}");
    // Keys by hand would answer the dialog.
    let refused = room.ask(&["send", &pane, "carry on"]);
    let words = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && words.contains("asks something"), "{refused:?}");
    room.server.tmux(&["send-keys", "-t", &pane, "Enter"]);
    wait_for(PATIENCE, "an agent that is done or idle", || {
        matches!(agent(&room, &pane)["state"].as_str(), Some("done" | "idle")).then_some(())
    });
    let sent = room.ask(&["send", &pane, "carry on"]);
    assert!(sent.status.success(), "{sent:?}");
    wait_got(&room, "line ;line ;line carry on;");
    // Its state ends with its process.
    room.server.tmux(&["send-keys", "-t", &pane, "Enter"]);
    wait_for(PATIENCE, "a pane without an agent", || agent(&room, &pane)["state"].is_null().then_some(()));
}

#[test]
fn a_policy_finds_an_agent_by_its_process_whatever_starts_it() {
    let mut room = Room::with(AGENTS);
    room.watch();
    // As npm starts its Codex: `node` leads the process group, which is all that tmux names.
    let (node, codex) = (program(&room, "node"), program(&room, "codex"));
    let shown = show(&screen("codex", "idle_start")) + "; read end";
    std::fs::write(room.file("script"), shown).expect("writable");
    let line = format!("exec {node} -c '{codex} {}; read end'", room.file("script").display());
    let pane = room.server.new_session("agents", &line);
    let pipelines = || view(&room, &pane)["pipelines"].clone();
    wait_for(PATIENCE, "the pipeline of agents", || (pipelines() == serde_json::json!(["talk"])).then_some(()));
    assert_eq!(view(&room, &pane)["info"]["facts"]["command"], "node");
    room.server.tmux(&["send-keys", "-t", &pane, "Enter"]);
    wait_for(PATIENCE, "a pane without an agent", || (pipelines() == serde_json::json!([])).then_some(()));
}

#[test]
fn what_another_program_prints_is_no_agent() {
    let mut room = Room::with(QUIET);
    room.watch();
    let pane = stand_in(&room, "pager", &[Step::Show("approve_command"), Step::Until("never")]);
    room.server.wait_screen(&pane, "touch hello.txt");
    let known = wait_for(PATIENCE, "the pane's reader", || {
        Some(agent(&room, &pane)).filter(|known| known["reader"].as_str().is_some_and(|reads| reads != "unknown"))
    });
    assert!(known["state"].is_null() && known["pane"] != "needs_approval", "{known:#}");
}
