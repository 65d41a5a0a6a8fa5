//! Nothing is stored with a secret in it, and everything that is stored can be read back.

use super::*;
use tmuxagent_model::{Carry, Redact, Redaction, SecretMark};
use tmuxagent_text::redact::Redactor;

const SECRET: &str = "hunter2hunter2";

/// Takes every text for a secret, so that each field that is an identity shows that it is known as one.
struct Everything;

impl Redact for Everything {
    fn suspects(&self, _: &str) -> bool {
        true
    }

    fn words(&self, _: &str, mark: SecretMark) -> Option<String> {
        Some(mark.of("x"))
    }

    fn rows(&self, rows: &[&str], _: &mut Carry, _: bool, mark: SecretMark) -> Vec<Option<String>> {
        rows.iter().map(|row| self.words(row, mark)).collect()
    }
}

fn events() -> Vec<Event> {
    let key = pane(3);
    let info = PaneInfo::new(key.clone(), PaneFacts { title: SECRET.to_owned(), ..PaneFacts::default() });
    let message = AgentMessage {
        // What a program calls a stage is its own words.
        stage: Some(SECRET.to_owned()),
        summary: Some(SECRET.to_owned()),
        options: vec![SECRET.to_owned()],
        // Its name is anyone's to choose, too, and may be a secret itself.
        inputs: [("host".to_owned(), SECRET.to_owned()), (SECRET.to_owned(), "x".to_owned())].into(),
        ..AgentMessage::new(MessageType::Ask)
    };
    let line = LineEvent {
        unended: None,
        front: None,
        pane: key.clone(),
        seq: 1,
        text: format!("password {SECRET}"),
        source: LineSource::Screen,
        hits: vec![1],
        policy: 2,
        message: Some(message),
    };
    let by = Decider::named("mei", Via::Cli);
    let verdict = Verdict { approve: true, answer: Some(SECRET.to_owned()) };
    let approval = ApprovalId::new("01H");
    let shell = ShellOutcome { exit: Some(1), output: SECRET.to_owned() };
    let (intent, state) = (IntentId::new("a-1"), ProgramState::Notification { text: SECRET.to_owned() });
    let steps = vec![KeyStep::Text(SECRET.to_owned()), KeyStep::Key("Enter".to_owned())];
    let inputs = [(format!("a/{SECRET}"), "1".to_owned())].into();
    let start = Command::Start { pane: key.clone(), pipeline: "ci".to_owned(), stage: None, inputs };
    vec![
        Event::PaneSeen { info: Box::new(info) },
        Event::Line(Box::new(line)),
        Event::Program { pane: key.clone(), state },
        Event::CommandEnded { pane: key.clone(), token: Some("a-1".to_owned()), exit: 0 },
        Event::Asked { command: Command::Decide { approval, revision: 1, verdict }, by: by.clone() },
        Event::Asked { command: Command::Send { pane: key.clone(), steps, insist: false }, by: by.clone() },
        Event::Asked { command: start, by: by.clone() },
        Event::Asked { command: Command::Freeze, by },
        Event::Timer { key: TimerKey::StageTimeout(RunId(1), "lint".to_owned()), epoch: 4 },
        Event::Outcome { intent: intent.clone(), outcome: Outcome::Shell(shell) },
        Event::Outcome { intent: intent.clone(), outcome: Outcome::Skipped { reason: SkipReason::InMode } },
        Event::Polled { intent, outcome: PollOutcome::Met { detail: SECRET.to_owned() } },
        Event::PolicyLoaded { hash: "abc".to_owned() },
    ]
}

async fn stored(redaction: Redaction) -> (Room, Vec<JournalEntry>) {
    let room = Room::new();
    let (store, _) = room.open();
    store.redact_by(redaction);
    let row = |event| JournalRow {
        at: at(1),
        event,
        changed: true,
        notes: [
            Note::Text { text: SECRET.to_owned() },
            Note::AgentSaid { kind: MessageType::Status, stage: Some(SECRET.to_owned()), summary: SECRET.to_owned() },
        ]
        .map(|note| (Severity::Info, String::new(), note))
        .into(),
    };
    let body = |text: &str| {
        Some(
            serde_json::json!({ "variables": { "id": text }, "id": 7, "plan": [{ "do": "run", "command": text }] })
                .to_string(),
        )
    };
    let run = Change { kind: EntityKind::Run, key: "7".to_owned(), body: body(SECRET) };
    let position =
        serde_json::json!({ "anchor": { "lines": ["a", SECRET] }, "screen": ["hunter2hu", "nter2 b"] }).to_string();
    let message = NewMessage { channel: "c".to_owned(), key: "k".to_owned(), alert: alert(SECRET), not_before: at(1) };
    let batch = Batch {
        at: at(1),
        events: events().into_iter().map(row).collect(),
        changes: vec![run],
        positions: vec![(pane(3), Some(position))],
        outbox: vec![message],
        ..Batch::default()
    };
    let committed = store.commit(batch).await.unwrap();
    assert!(!format!("{:?}", committed.lines).contains(SECRET), "who follows is told no more than what is stored");
    store.close().await;
    let entries = Reader::open(&room.path()).unwrap().journal(0).map(Result::unwrap).collect();
    (room, entries)
}

#[tokio::test]
async fn no_secret_reaches_the_file() {
    let (room, _) = stored(Redaction::new(Redactor::knowing([SECRET.to_owned()]))).await;
    let bytes = std::fs::read(room.path()).unwrap();
    let text = String::from_utf8_lossy(&bytes);
    assert!(!text.contains(SECRET) && !text.contains("hunter2hu") && !text.contains("nter2 b"));
    assert!(text.contains(r#""variables":{"id":"[not-kept: known value]"}"#), "what is typed is marked as lost");
    assert!(text.contains("[redacted: known value]"));
}

#[tokio::test]
async fn identities_and_words_of_the_format_are_no_texts() {
    let (_room, entries) = stored(Redaction::new(Everything)).await;
    let kinds = |event: &Event| serde_json::to_value(event).unwrap()["event"].clone();
    assert_eq!(entries.len(), events().len());
    for (entry, event) in entries.iter().zip(events()) {
        // That it could be read says that tags stayed; identities must be the same.
        assert_eq!(kinds(&entry.event), kinds(&event));
        match (&entry.event, &event) {
            (Event::Line(kept), Event::Line(line)) => {
                assert_eq!((&kept.pane, kept.source, kept.text.as_str()), (&line.pane, line.source, "[redacted: x]"));
            }
            (Event::Timer { key, .. }, Event::Timer { key: before, .. }) => assert_eq!(key, before),
            (Event::CommandEnded { token, .. }, _) => assert_eq!(token.as_deref(), Some("a-1")),
            (Event::Asked { command: Command::Decide { approval, .. }, .. }, _) => assert_eq!(approval.as_str(), "01H"),
            (Event::PolicyLoaded { hash }, _) => assert_eq!(hash, "abc"),
            _ => {}
        }
    }
}
