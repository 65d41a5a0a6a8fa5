//! What was taken in is played back to the same, and its secrets stay here.

use super::*;
use crate::Replay;
use tmuxagent_model::{Millis, Severity};

fn play(dump: &str) -> (usize, usize) {
    let mut replay = Replay::new(dump, |files| {
        assert_eq!(files, [("p.yaml".to_owned(), POLICY.to_owned())]);
        Ok(Policy::clone(&policy()))
    })
    .unwrap_or_else(|error| panic!("{error}"));
    let (mut rounds, mut other) = (0, 0);
    while let Some(step) = replay.step() {
        let step = step.unwrap();
        rounds += usize::from(step.same.is_some());
        other += usize::from(step.same == Some(false));
    }
    (rounds, other)
}

fn dump(room: &Room) -> String {
    room.core.dump(&[("p.yaml".to_owned(), POLICY.to_owned())]).unwrap()
}

#[test]
fn it_leads_to_the_same_with_failures_and_requests_among_it() {
    let mut room = Room::new();
    room.ask(Request::WatchPane { pane: Some(info(1).key) });
    room.print("begin");
    room.fail();
    room.now = room.now + Millis(1000);
    room.commit();
    let sent = room.core.engine().open_intents().next().unwrap().clone();
    room.core.take(room.now, Input::CameBack { intent: sent, begun: true });
    room.wish(Command::Freeze);
    room.core.fire(room.now);
    room.commit();
    let written = dump(&room);
    let (rounds, other) = play(&written);
    assert!(rounds >= 3, "{written}");
    assert_eq!(other, 0);
    // Another course of things is noticed.
    let without: Vec<&str> = written.lines().filter(|line| !line.contains("CameBack")).collect();
    assert_eq!(without.len() + 1, written.lines().count());
    assert!(play(&without.join("\n")).1 > 0);
}

#[test]
fn a_long_life_is_kept_from_a_later_checkpoint_on() {
    let mut room = Room::new();
    let long = "x".repeat(4096);
    for _ in 0..900 {
        room.core.take(room.now, Input::Told(Severity::Info, tmuxagent_model::Note::Text { text: long.clone() }));
        room.commit();
    }
    let written = dump(&room);
    assert!(written.len() < 6 << 20, "{} bytes", written.len());
    let (rounds, other) = play(&written);
    assert!(rounds > 50 && other == 0, "{rounds} rounds, {other} of them otherwise");
}

#[test]
fn known_secrets_are_not_written_down() {
    let secret = "hunter2-hunter2";
    let mut room = Room::new();
    room.core.redactor = Redactor::knowing([secret.to_owned()]);
    room.print(&format!("token \" {secret} begin"));
    room.hear(1, HostMessage::Printed { pane: info(1).key, lines: vec![format!("-- {secret}")] });
    // The name of an input is anyone's to choose.
    room.wish(Command::Start {
        pane: info(1).key,
        pipeline: "p".to_owned(),
        stage: None,
        inputs: [(secret.to_owned(), "1".to_owned())].into(),
    });
    room.commit();
    let written = dump(&room);
    assert!(!written.contains(secret) && written.contains("redacted"), "{written}");
}

#[test]
fn a_file_that_is_no_dump_is_told() {
    let broken = |text: &str| Replay::new(text, |_| Ok(Policy::clone(&policy()))).err().unwrap().to_string();
    assert!(broken("").contains("ends before"));
    assert!(broken("{}").starts_with("line 1:"));
    let other = r#"{"tmuxagent":"9.0","format":99,"policies":[],"generation":1,"redacted":0}"#;
    assert!(broken(other).contains("9.0"));
}
