//! What nobody wants any more is not typed, also where a restart left open whether it was.

use super::support::room::Room;
use super::support::{PATIENCE, wait_for};

const POLICY: &str = "version: 1
pipelines:
- {name: first, match: {window_name: ci}, stages: [{name: s, triggers: [manual], actions_on_start: [{run: touch first}]}]}
- {name: second, match: {window_name: ci}, stages: [{name: s, triggers: [manual], actions_on_start: [{run: touch second}]}]}
- {name: short, match: {window_name: ci}, stages: [{name: s, triggers: [manual], timeout: 3s, actions_on_start: [{run: touch short}]}]}
- {name: third, match: {window_name: ci}, stages: [{name: s, triggers: [manual], actions_on_start: [{run: touch third}]}]}
";

/// A room whose pane is busy until the file `go` is there.
fn busy() -> Room {
    let mut room = Room::with(POLICY);
    room.watch();
    let line = format!("until [ -e {} ]; do sleep 0.1; done", room.file("go").display());
    room.server.type_line("proj:ci", &line);
    wait_for(PATIENCE, "the program in front", || {
        room.answer(&["panes", "--json"]).contains("\"sleep\"").then_some(())
    });
    room
}

#[test]
fn a_cancelled_run_types_nothing_after_a_restart() {
    let mut room = busy();
    let go = room.file("go");
    for pipeline in ["first", "second", "third"] {
        let started = room.ask(&["start", "proj:ci", pipeline]);
        assert!(started.status.success(), "{}", String::from_utf8_lossy(&started.stderr));
    }
    room.kill_9();
    room.watch();
    // It is found again, and what waits with it.
    wait_for(PATIENCE, "the run", || room.ask(&["cancel", "#2"]).status.success().then_some(()));
    std::fs::write(go, "").expect("writable");
    for (file, pipeline) in [("first", "first"), ("third", "third")] {
        wait_for(PATIENCE, file, || {
            room.answer(&["events", "--limit", "200"]).contains(&format!("typed touch {pipeline}")).then_some(())
        });
    }
    let events = room.answer(&["events", "--limit", "200"]);
    assert!(!events.contains("typed touch second"), "{events}");
}

#[test]
fn what_waited_before_a_freeze_waits_on_after_a_restart() {
    let mut room = busy();
    let go = room.file("go");
    assert!(room.ask(&["start", "proj:ci", "first"]).status.success());
    assert!(room.ask(&["freeze"]).status.success());
    room.kill_9();
    room.watch();
    std::fs::write(go, "").expect("writable");
    wait_for(PATIENCE, "the prompt", || room.answer(&["panes"]).contains("prompt").then_some(()));
    assert!(room.ask(&["unfreeze"]).status.success());
    let told = || Some(room.answer(&["events", "--limit", "200"])).filter(|told| told.contains("typed touch first"));
    let events = wait_for(PATIENCE, "what waited", told);
    assert!(events.find("unfrozen by") < events.find("typed touch first"), "{events}");
}

#[test]
fn what_is_over_its_time_limit_is_not_typed_after_a_restart() {
    let mut room = busy();
    let go = room.file("go");
    assert!(room.ask(&["start", "proj:ci", "short"]).status.success());
    let begun = std::time::Instant::now();
    wait_for(PATIENCE, "the wait for the prompt", || room.answer(&["status"]).contains("held").then_some(()));
    room.kill_9();
    wait_for(PATIENCE, "the end of its time", || (begun.elapsed().as_secs() >= 4).then_some(()));
    std::fs::write(go, "").expect("writable");
    room.watch();
    let is_asked =
        |asked: &serde_json::Value| asked["question"].as_str().is_some_and(|it| it.contains("not typed in 3.0s"));
    wait_for(PATIENCE, "the question", || room.approvals().iter().any(is_asked).then_some(()));
    let events = room.answer(&["events", "--limit", "200"]);
    assert!(!events.contains("typed touch short") && !room.file("short").exists(), "{events}");
}
