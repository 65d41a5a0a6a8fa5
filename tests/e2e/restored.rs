//! A state that is put back to an older copy: what was decided and typed since is told, and nothing is typed by itself.

use super::product::Room;
use super::support::{PATIENCE, wait_for};
use serde_json::Value;

#[test]
fn an_older_copy_asks_again_and_types_nothing_by_itself() {
    let mut room = Room::new();
    room.watch();
    room.begin();
    room.wait_ran("lint build ");
    room.let_build_go();
    let id = room.wait_approval();
    assert!(room.ask(&["db", "backup"]).status.success());
    assert!(room.ask(&["approve", &id]).status.success());
    room.wait_ran("lint build deploy ");
    room.wait_events("run_ended");
    // It begins once more after the copy.
    room.begin();
    room.wait_ran("lint build deploy lint build ");
    room.let_build_go();
    assert_ne!(room.wait_approval(), id, "another question, which the copy does not know");
    assert!(room.ask(&["shutdown"]).status.success());
    let ended = |room: &mut Room| room.supervisor.take().is_none_or(|mut child| child.wait().is_ok());
    assert!(ended(&mut room));

    let foretold = room.answer(&["db", "restore", "--dry-run"]);
    for part in [
        "questions that were closed since, are open in it, and are asked again: 1",
        &id,
        "Start stage deploy of release?",
        "(approved)",
        "typed since",
    ] {
        assert!(foretold.contains(part), "{part}: {foretold}");
    }
    let said: Value = serde_json::from_str(&room.answer(&["db", "restore", "--json"])).expect("JSON");
    assert_eq!((&said["restored"], &said["frozen"]), (&Value::Bool(true), &Value::Bool(true)), "{said}");
    let again = &said["since"]["reopened"][0];
    assert_eq!((again["approval"].as_str(), again["state"].as_str()), (Some(id.as_str()), Some("approved")), "{said}");
    assert!(said["since"]["typed"].as_u64().is_some_and(|typed| typed >= 3), "{said}");

    room.watch();
    assert_eq!(room.wait_approval(), id, "it is asked again");
    room.wait_status("tmuxagent db restore");
    assert!(room.ask(&["unfreeze"]).status.success());
    // What the panes printed meanwhile is the past: a line that comes now is the next one.
    room.server.type_line("proj:ci", "");
    room.server.type_line("proj:ci", "echo now >> ran");
    wait_for(PATIENCE, "the pane", || room.ran().ends_with("now ").then_some(()));
    assert_eq!(room.ran(), "lint build deploy lint build now ");
    assert!(room.ask(&["reject", &id]).status.success());
}
