//! What agents tell by hooks: bound to a pane by the process that runs them, weighed with all else, gone with it.

use super::support::room::Room;
use super::support::{PATIENCE, wait_for};
use serde_json::Value;

const QUIET: &str = "version: 1\npipelines: []\n";

/// A program that is known as Claude Code.
fn claude(room: &Room) -> String {
    let path = room.file("claude");
    if !path.exists() {
        std::fs::copy("/bin/sh", &path).expect("a shell");
    }
    path.display().to_string()
}

/// A line of a script that runs a hook as an agent does: `before` stands in front of the program.
fn hook(room: &Room, before: &str, event: &str) -> String {
    let input = room.file(&format!("{event}.json"));
    std::fs::write(&input, format!(r#"{{"session_id":"x","hook_event_name":"{event}","tool_name":"Bash"}}"#))
        .expect("writable");
    let (program, state) = (env!("CARGO_BIN_EXE_tmuxagent"), room.state.display());
    format!("{before} {program} --state-dir {state} hook {event} < {}; echo told {event}", input.display())
}

/// A pane with an agent that does one of these after each line that it reads.
fn agent(room: &Room, session: &str, steps: &[String]) -> String {
    let script = room.file(&format!("{session}.sh"));
    std::fs::write(&script, format!("clear\nread next\n{}\nread end\n", steps.join("\nread next\n")))
        .expect("writable");
    let line = format!("{} {}", claude(room), script.display());
    room.server.new_session(session, &format!("sh -c '{line}; exec sh'"))
}

fn view(room: &Room, pane: &str) -> Value {
    let panes: Vec<Value> = serde_json::from_str(&room.answer(&["panes", "--json"])).unwrap_or_default();
    let is_it = |view: &Value| view["info"]["key"].as_str().is_some_and(|key| key.contains(&format!("/{pane}/")));
    panes.into_iter().find(is_it).unwrap_or_default()
}

fn wait_state(room: &Room, pane: &str, state: &str) -> Value {
    wait_for(PATIENCE, &format!("an agent in {pane} that is {state}"), || {
        Some(view(room, pane)["agent"].clone()).filter(|agent| agent["state"] == state)
    })
}

/// Has the agent do its next step, and waits until it is done.
fn step(room: &Room, pane: &str, event: &str) {
    room.server.tmux(&["send-keys", "-t", pane, "Enter"]);
    room.server.wait_screen(pane, &format!("told {event}"));
}

#[test]
fn a_hook_speaks_for_the_agent_that_runs_it_and_for_nobody_else() {
    let mut room = Room::with(QUIET);
    room.watch();
    let other = agent(&room, "other", &[hook(&room, "", "Stop")]);
    // What the environment says of a pane is that of whoever started it.
    let lies = hook(&room, &format!("env TMUX_PANE={other}"), "UserPromptSubmit");
    let inner = format!("sh -c '{} -c \"{}\"; true'", claude(&room), hook(&room, "", "StopFailure"));
    let pane = agent(&room, "agent", &[lies, inner, hook(&room, "", "PermissionRequest"), hook(&room, "", "Stop")]);
    for pane in [&pane, &other] {
        wait_state(&room, pane, "unsure");
    }
    step(&room, &pane, "UserPromptSubmit");
    let works = wait_state(&room, &pane, "working");
    assert_eq!(
        (&works["evidence"][0]["source"], &works["evidence"][0]["rule"]),
        (&"hook".into(), &"UserPromptSubmit".into())
    );
    // An agent that it started as its tool has hooks too.
    step(&room, &pane, "StopFailure");
    step(&room, &pane, "PermissionRequest");
    wait_state(&room, &pane, "needs_approval");
    step(&room, &pane, "Stop");
    wait_state(&room, &pane, "done");
    assert_eq!(view(&room, &other)["agent"]["state"], "unsure");
    let told = room.answer(&["events", "--json"]);
    assert!(!told.contains("StopFailure"), "{told}");
    // What it told ends with it.
    room.server.tmux(&["send-keys", "-t", &pane, "Enter"]);
    wait_for(PATIENCE, "a pane without an agent", || view(&room, &pane)["agent"].is_null().then_some(()));
}
