//! What people type where a password is read: it is typed, and stands nowhere else.

use super::support::room::Room;
use super::support::{PATIENCE, wait_for};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

const PASSWORD: &str = "hunter2pw";
/// Stands in the user's own `.env`.
const KNOWN: &str = "river-stone-77q";

/// A question that shows nothing of its answer and says how long that was.
const ASKS: &str = "stty -echo; printf 'Pass'; read x; stty echo; echo got-${#x}";

/// The files below a folder that hold a text.
fn holding(folder: &Path, text: &str, found: &mut Vec<String>) {
    for path in std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()) {
        if path.is_dir() {
            holding(&path, text, found);
        } else if path.is_file() {
            let content = std::fs::read(&path).unwrap_or_default();
            if content.windows(text.len()).any(|part| part == text.as_bytes()) {
                found.push(path.display().to_string());
            }
        }
    }
}

fn asks(room: &Room) {
    room.server.type_line("proj:ci", ASKS);
    wait_for(PATIENCE, "a password that is waited for", || {
        room.answer(&["panes", "--json"]).contains("\"password\"").then_some(())
    });
}

fn said(room: &Room, arguments: &[&str]) -> (bool, String) {
    let output = room.ask(arguments);
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output.status.success(), text)
}

#[test]
fn a_password_typed_by_hand_is_kept_nowhere() {
    let mut room = Room::with("version: 1\npipelines: []\n");
    room.configure("hosts:\n  - name: local\n");
    std::fs::write(room.file(".env"), format!("DEPLOY_TOKEN={KNOWN}\n")).expect("writable");
    std::fs::set_permissions(room.file(".env"), std::fs::Permissions::from_mode(0o600)).expect("ours");
    room.watch();
    asks(&room);

    let (done, refused) = said(&room, &["send", "proj:ci", PASSWORD]);
    assert!(!done && refused.contains("--insist"), "{refused}");
    let (done, typed) = said(&room, &["send", "proj:ci", "--insist", PASSWORD]);
    assert!(done && typed.contains("[not-kept: password]"), "{typed}");
    room.server.wait_screen("proj:ci", "got-9");
    // What is known as a secret is typed as it is, and told without it.
    wait_for(PATIENCE, "a prompt", || room.answer(&["panes", "--json"]).contains("\"reads\": \"shell\"").then_some(()));
    let (done, known) = said(&room, &["send", "proj:ci", &format!("test {KNOWN} = river-stone-77q && echo sa''me")]);
    assert!(done && known.contains("[redacted: known value]"), "{known}");
    room.server.wait_screen("proj:ci", "same");

    for asked in
        [&["events"][..], &["events", "--json"], &["status", "--json"], &["panes", "--json"], &["db", "export"]]
    {
        let told = room.answer(asked);
        assert!(!told.contains(PASSWORD), "{asked:?}: {told}");
    }
    assert!(![refused, typed, known].iter().any(|text| text.contains(PASSWORD) || text.contains(KNOWN)));
    room.kill_9();
    let mut found = Vec::new();
    holding(&room.state, PASSWORD, &mut found);
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn a_password_is_no_echo_that_is_still_to_come_however_many_follow() {
    let mut room = Room::with("version: 1\npipelines: []\n");
    room.watch();
    room.server.type_line("proj:ci", "stty -echo; printf 'Pass'; while read x; do echo got-${#x}; done");
    wait_for(PATIENCE, "a password that is waited for", || {
        room.answer(&["panes", "--json"]).contains("\"password\"").then_some(())
    });
    let passwords: Vec<String> = (0..10).map(|n| format!("{PASSWORD}{}", "x".repeat(n))).collect();
    for password in &passwords {
        let (done, typed) = said(&room, &["send", "proj:ci", "--insist", password]);
        assert!(done && typed.contains("[not-kept: password]"), "{typed}");
        room.server.wait_screen("proj:ci", &format!("got-{}", password.len()));
    }
    assert!(room.ask(&["db", "backup"]).status.success());
    room.kill_9();
    let mut found = Vec::new();
    holding(&room.state, PASSWORD, &mut found);
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn a_password_that_the_supervisor_did_not_outlive_is_not_typed() {
    let mut room = Room::with("version: 1\npipelines: []\n");
    room.watch();
    asks(&room);
    let server = room.server.tmux(&["display", "-p", "#{pid}"]);
    let signal = |name: &str| std::process::Command::new("kill").args([name, server.trim()]).status().expect("kill");
    // A server that stands still reads nothing, so it waits.
    assert!(signal("-STOP").success());
    let (_, told) = said(&room, &["send", "proj:ci", "--insist", PASSWORD]);
    room.kill_9();
    assert!(signal("-CONT").success(), "{told}");
    room.watch();
    room.wait_events("it held a secret");
    let screen = room.server.screen("proj:ci");
    assert!(!screen.contains("got-9") && !screen.contains("got-0"), "nothing was entered: {screen}");
    assert!(!room.answer(&["db", "export"]).contains(PASSWORD));
}

#[test]
fn an_answer_for_a_process_that_was_replaced_says_that_nothing_was_typed() {
    for _ in 0..3 {
        let mut room = Room::gated("language: en\n", "expires: 1h");
        room.watch();
        room.finish_tests("1");
        let asked = room.wait_approval();
        room.server.tmux(&["respawn-pane", "-k", "-t", "proj:ci", "exec env PS1='$ ' sh"]);
        let (done, told) = said(&room, &["approve", &asked]);
        // Either the question went with its pane, or what it led to was not typed.
        assert!(!done, "{told}");
        assert_eq!(room.ran(), "");
    }
}
