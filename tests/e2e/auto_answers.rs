//! Rules and leases answer a real pane's dialog in a person's place.

use super::dialogs::wait_state;
use super::support::room::Room;
use super::support::stand_in::{Step, got, stand_in, wait_got};
use super::support::{PATIENCE, wait_for};

const RULE: &str = r"
version: 1
auto_answers:
  - name: hello
    agents: [codex]
    commands: [touch hello.txt]
";
const NONE: &str = "version: 1\nauto_answers: [{name: no, deny: ['rm *']}]\n";

#[test]
fn a_rule_answers_once_and_nobody_is_asked() {
    let mut room = Room::with(RULE);
    stand_in(&room, "codex", &[Step::Show("approve_command"), Step::Key, Step::Show("idle_start"), Step::Line]);
    room.watch();
    wait_got(&room, "key 1;");
    let asked = wait_for(PATIENCE, "an answered question", || {
        room.approvals().into_iter().find(|approval| approval["state"] == "approved")
    });
    assert_eq!((&asked["decision"]["by"]["who"], &asked["decision"]["by"]["via"]), (&"hello".into(), &"rule".into()));
    room.kill_9();
    room.watch();
    room.wait_status("\"idle\"");
    assert_eq!((room.approvals().len(), got(&room).as_str()), (1, "key 1;"));
    let events = room.answer(&["events"]);
    assert!(events.contains("answered by hello (rule of the policy)"), "{events}");
    assert!(!events.contains("asked:"), "{events}");
    let replayed = room.answer(&["auto-answer", "replay"]);
    assert!(replayed.contains("would have answered 1 of 1, of which you decided otherwise: 0"), "{replayed}");
    assert_eq!(room.answer(&["notify", "log", "--json"]).matches("touch hello.txt").count(), 0, "no message");
}

#[test]
fn a_lease_answers_what_is_asked_next_and_ends_when_it_is_revoked() {
    let mut room = Room::with(NONE);
    let ask = || Step::Show("approve_command");
    let idle = || Step::Show("idle_start");
    let pane = stand_in(&room, "codex", &[ask(), Step::Key, idle(), Step::Line, ask(), Step::Key, idle(), Step::Line]);
    room.watch();
    let id = room.wait_approval();
    assert!(room.answer(&["approvals"]).contains("touch *"), "what it would allow");
    let given = room.ask(&["approve", &id, "--for", "30m"]);
    let words = String::from_utf8_lossy(&given.stdout).into_owned();
    assert!(given.status.success() && words.contains("`touch *`; lease L1"), "{given:?}");
    wait_got(&room, "key 1;");
    wait_state(&room, &id, "approved");
    wait_for(PATIENCE, "an idle agent", || room.ask(&["send", &pane, "go on"]).status.success().then_some(()));
    wait_got(&room, "key 1;line go on;key 1;");
    let leases = room.answer(&["leases", "--json"]);
    assert!(leases.contains("\"left\": 49"), "{leases}");
    let rule = room.answer(&["auto-answer", "rule", &id]);
    assert!(rule.contains("commands: ['touch *']"), "{rule}");
    assert!(room.ask(&["lease", "revoke", "L1"]).status.success());
    wait_for(PATIENCE, "no lease", || room.answer(&["leases"]).contains("no lease is in force").then_some(()));
    assert!(!room.ask(&["lease", "revoke", "L1"]).status.success());
}
