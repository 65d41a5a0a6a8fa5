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

/// A command that runs a hook as an agent does: `before` stands in front of the program.
fn hook(room: &Room, before: &str, event: &str) -> String {
    let input = room.file(&format!("{event}.json"));
    std::fs::write(&input, format!(r#"{{"session_id":"x","hook_event_name":"{event}","tool_name":"Bash"}}"#))
        .expect("writable");
    let (program, state) = (env!("CARGO_BIN_EXE_tmuxagent"), room.state.display());
    format!("{before} {program} --state-dir {state} hook {event} < {}", input.display())
}

/// A pane with an agent that does these one after the other, each again and again until a file says that it is enough: on
/// a machine that does much else a hook may give up before it told anything.
fn agent(room: &Room, session: &str, steps: &[String]) -> String {
    let enough = |n: usize| room.file(&format!("{session}-{n}")).display().to_string();
    let step = |(n, step): (usize, &String)| format!("until [ -e {} ]; do {step}; sleep 0.1; done\n", enough(n));
    let script = room.file(&format!("{session}.sh"));
    let steps: String = steps.iter().enumerate().map(step).collect();
    std::fs::write(&script, format!("clear\nread next\n{steps}read end\n")).expect("writable");
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

#[test]
fn a_hook_speaks_for_the_agent_that_runs_it_and_for_nobody_else() {
    let mut room = Room::with(QUIET);
    room.watch();
    let other = agent(&room, "other", &[]);
    // What the environment says of a pane is that of whoever started it.
    let lies = hook(&room, &format!("env TMUX_PANE={other}"), "UserPromptSubmit");
    // An agent that it started as its tool has hooks too.
    std::fs::write(room.file("inner.sh"), hook(&room, "", "StopFailure") + "\n:\n").expect("writable");
    let inner = format!("sh -c '{} {}; echo told within'", claude(&room), room.file("inner.sh").display());
    let pane = agent(&room, "agent", &[lies, inner, hook(&room, "", "PermissionRequest"), hook(&room, "", "Stop")]);
    for pane in [&pane, &other] {
        wait_state(&room, pane, "starting");
    }
    let enough = |n: u32| std::fs::write(room.file(&format!("agent-{n}")), "").expect("writable");
    room.server.tmux(&["send-keys", "-t", &pane, "Enter"]);
    let works = wait_state(&room, &pane, "working");
    let evidence = &works["evidence"][0];
    assert_eq!((&evidence["source"], &evidence["rule"]), (&"hook".into(), &"UserPromptSubmit".into()), "{works}");
    enough(0);
    room.server.wait_screen(&pane, "told within");
    enough(1);
    wait_state(&room, &pane, "needs_approval");
    enough(2);
    wait_state(&room, &pane, "done");
    enough(3);
    let state = view(&room, &other)["agent"]["state"].to_string();
    assert!(["\"starting\"", "\"unsure\""].contains(&state.as_str()), "{state}");
    let told = room.answer(&["events", "--json"]);
    assert!(!told.contains("StopFailure"), "{told}");
    // What it told ends with it.
    room.server.tmux(&["send-keys", "-t", &pane, "Enter"]);
    wait_for(PATIENCE, "a pane without an agent", || view(&room, &pane)["agent"].is_null().then_some(()));
}

#[test]
fn a_hook_that_waits_is_given_what_was_decided() {
    let mut room = Room::with(QUIET);
    room.watch();
    let (input, program, state) = (room.file("asks.json"), env!("CARGO_BIN_EXE_tmuxagent"), room.state.display());
    let asks =
        r#"{"hook_event_name":"PermissionRequest","tool_name":"Bash","tool_input":{"command":"touch hello.txt"}}"#;
    std::fs::write(&input, asks).expect("writable");
    let shown = super::support::stand_in::screen("claude", "approve_command");
    // On a machine that does much else a hook may give up before it told anything.
    let script = format!(
        "clear; cat {}\nuntil [ -s answer ]; do {program} --state-dir {state} hook PermissionRequest < {} > answer; done\n\
         clear; echo went on; read end\n",
        shown.display(),
        input.display(),
    );
    std::fs::write(room.file("waits.sh"), script).expect("writable");
    let line = format!("cd {}; {} waits.sh", room.server.folder().display(), claude(&room));
    let pane = room.server.new_session("waits", &format!("sh -c '{line}; exec sh'"));
    wait_for(PATIENCE, "an agent that went on", || {
        // One that is decided before the hook waits is asked again.
        for asked in room.approvals().iter().filter(|asked| asked["state"] == "pending") {
            room.ask(&["approve", asked["id"].as_str().unwrap_or_default()]);
        }
        room.server.screen(&pane).contains("went on").then_some(())
    });
    let answer = std::fs::read_to_string(room.file("answer")).expect("an answer");
    assert!(answer.contains(r#""behavior":"allow""#), "{answer}");
    let told = room.answer(&["events"]);
    assert!(told.contains("given to the agent without a key: `Yes`"), "{told}");
}
