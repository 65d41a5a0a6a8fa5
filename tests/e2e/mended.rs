//! A channel that refuses for good, and is mended: what is still asked is told there, once.

use super::support::room::Room;
use super::support::{PATIENCE, wait_for};

fn channel(room: &Room, script: &str) -> String {
    let told = room.file("told").display().to_string();
    let script = script.replace("TOLD", &told);
    format!("channels: {{team: {{kind: command, command: [sh, -c, '{script}']}}}}\nnotify: team\n")
}

fn states(room: &Room) -> String {
    room.answer(&["notify", "log", "--json"])
}

fn told(room: &Room) -> usize {
    std::fs::read_to_string(room.file("told")).unwrap_or_default().matches("Decide: ").count()
}

#[test]
fn a_mended_channel_tells_what_is_still_asked_also_after_a_restart() {
    let mut room = Room::gated("", "expires: 1h");
    room.configure(&channel(&room, "exit 1"));
    room.watch();
    room.finish_tests("one");
    room.wait_approval();
    wait_for(PATIENCE, "the failure", || states(&room).contains("\"failed\"").then_some(()));
    // Loaded again with another command.
    room.configure(&channel(&room, "cat >> TOLD"));
    assert!(room.ask(&["reload"]).status.success());
    wait_for(PATIENCE, "the question", || (told(&room) == 1).then_some(()));
    wait_for(PATIENCE, "its mark", || states(&room).contains("\"sent\"").then_some(()));
    let id = room.wait_approval();
    assert!(room.ask(&["approve", &id]).status.success());
    room.wait_ran("build ");

    // Another question, over a restart; the decided one is not told again.
    room.configure(&channel(&room, "exit 1"));
    assert!(room.ask(&["reload"]).status.success());
    room.finish_tests("two");
    room.wait_approval();
    wait_for(PATIENCE, "the failure", || states(&room).contains("\"failed\"").then_some(()));
    room.kill_9();
    room.watch();
    assert_eq!(told(&room), 1, "nothing is mended");
    room.kill_9();
    room.configure(&channel(&room, "cat  >> TOLD"));
    room.watch();
    wait_for(PATIENCE, "the second question", || (told(&room) == 2).then_some(()));
    wait_for(PATIENCE, "its mark", || (!states(&room).contains("\"failed\"")).then_some(()));
    room.kill_9();
    room.watch();
    room.server.type_line("proj:ci", "echo note'' for all");
    wait_for(PATIENCE, "a note", || {
        std::fs::read_to_string(room.file("told")).unwrap_or_default().contains("a note for later").then_some(())
    });
    assert_eq!(told(&room), 2);
}

#[test]
fn a_test_message_that_is_taken_sends_what_failed_there() {
    let mut room = Room::gated("", "expires: 1h");
    let key = room.file("key");
    room.configure(&channel(&room, &format!("test -e {} || exit 1; cat >> TOLD", key.display())));
    room.watch();
    room.finish_tests("one");
    room.wait_approval();
    wait_for(PATIENCE, "the failure", || states(&room).contains("\"failed\"").then_some(()));
    assert!(!room.ask(&["notify", "test"]).status.success());
    assert!(!states(&room).contains("\"waiting\""), "a test that fails mends nothing");
    // What was wrong lies outside of the configuration.
    std::fs::write(&key, "").expect("writable");
    assert!(room.ask(&["notify", "test", "team"]).status.success());
    wait_for(PATIENCE, "the question", || (told(&room) == 1).then_some(()));
    // Taken again it is not told again.
    assert!(room.ask(&["notify", "test"]).status.success());
    wait_for(PATIENCE, "both tests", || {
        let told = std::fs::read_to_string(room.file("told")).unwrap_or_default();
        (told.matches("a test").count() >= 2).then_some(())
    });
    assert_eq!(told(&room), 1);
}
