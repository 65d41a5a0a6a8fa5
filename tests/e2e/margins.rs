//! Lines that end at the margin of their pane: tmux joins them with the next, which is another line all the same.

use super::support::room::Room;
use super::support::{PATIENCE, wait_for};

const RELEASE: &str = r#"
version: 1
pipelines:
  - name: publish
    match: [{session_name: margin}]
    stages:
      - name: tell
        triggers: [{log_regex: "^release v9"}]
        actions_on_start: [{shell: {script: "echo told >> ran"}}]
"#;

#[test]
fn what_follows_a_command_that_ends_at_the_margin_is_found_by_the_next_life() {
    let mut room = Room::with(RELEASE);
    let folder = room.server.folder().display().to_string();
    let pane = room.server.new_session("margin", &format!("cd '{folder}'; exec env PS1='$ ' bash --norc"));
    room.watch();
    room.server.wait_screen(&pane, "$");
    let columns: usize =
        room.server.tmux(&["display", "-p", "-t", &pane, "#{pane_width}"]).trim().parse().expect("a width");
    let command = "echo one; until [ -e go ]; do sleep 0.1; done; echo release v9; #";
    let command = format!("{command}{}", "x".repeat(columns - 2 - command.len()));
    room.server.type_line(&pane, &command);
    room.server.wait_screen(&pane, "\none");
    wait_for(PATIENCE, "the line is read", || room.answer(&["panes", "--json"]).contains("\"one\"").then_some(()));
    room.kill_9();
    std::fs::write(room.file("go"), "").expect("writable");
    room.server.wait_screen(&pane, "\nrelease v9");
    room.watch();
    room.wait_ran("told ");
    let events = room.answer(&["events"]);
    assert!(!events.contains("was lost"), "{events}");
}
