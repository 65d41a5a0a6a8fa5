//! The answers that an agent's message offers.

use std::sync::Arc;
use tmuxagent_engine::{Cleaner, Engine, Step};
use tmuxagent_model::{
    AgentMessage, Command, Decider, Effect, Event, HostName, KeyStep, LineEvent, LineSource, MessageType, PaneFacts,
    PaneId, PaneInfo, PaneKey, ServerId, Timestamp, Verdict, Via,
};
use tmuxagent_policy::{Source, load};

const NOW: Timestamp = Timestamp(1_772_438_400_000);

fn asked(options: &[&str]) -> Engine {
    let policy = load(&[Source::new("p.yaml", "version: 1\npipelines: []\n")]).expect("a policy");
    let mut engine = Engine::new(Arc::new(policy));
    engine.set_cleaner(Cleaner::new(|words| words.replace("hunter2", "[redacted]").replace("hunter3", "[redacted]")));
    let pane = PaneKey { host: HostName::local(), server: ServerId::new("s"), pane: PaneId(1), pid: 7 };
    let facts = PaneFacts { command: "node".to_owned(), ..PaneFacts::default() };
    engine.step(NOW, &Event::PaneSeen { info: Box::new(PaneInfo::new(pane.clone(), facts)) });
    let message = AgentMessage {
        question: Some("Which one?".to_owned()),
        options: options.iter().map(|&option| option.to_owned()).collect(),
        ..AgentMessage::new(MessageType::Ask)
    };
    let line = LineEvent {
        pane,
        seq: 1,
        text: String::new(),
        source: LineSource::Stream,
        hits: Vec::new(),
        policy: 0,
        unended: None,
        message: Some(message),
        front: None,
    };
    engine.step(NOW, &Event::Line(Box::new(line)));
    engine
}

fn answered(engine: &mut Engine, answer: &str) -> Step {
    let asked = engine.view().approvals[0].clone();
    let verdict = Verdict { approve: true, answer: Some(answer.to_owned()) };
    let command = Command::Decide { approval: asked.id, revision: asked.revision, verdict };
    engine.step(NOW, &Event::Asked { command, by: Decider::named("mei", Via::Cli) })
}

#[test]
fn an_option_shows_no_secret_and_is_answered_by_its_number() {
    let options = ["keep", "use hunter2", "use hunter3", "yes"];
    let shown = ["keep", "use [redacted]", "use [redacted] (3)", "yes"];
    let engine = asked(&options);
    let asked_now = &engine.view().approvals[0];
    assert_eq!(asked_now.options, shown);
    assert!(!format!("{asked_now:?}").contains("hunter"), "{asked_now:?}");
    for (answer, number) in [(shown[1], "2"), (shown[2], "3")] {
        let step = answered(&mut asked(&options), answer);
        let keys = step.intents.iter().find_map(|intent| match &intent.effect {
            Effect::Send(send) => Some(send.steps.clone()),
            _ => None,
        });
        let wanted = vec![KeyStep::Text(number.to_owned()), KeyStep::Key("Enter".to_owned())];
        assert_eq!(keys, Some(wanted), "{answer}");
    }
}

#[test]
fn options_that_look_alike_are_told_apart() {
    let offered = ["Yes", "Ye\u{200b}s", "Yes", "", "\u{2800}"];
    let shown = ["Yes", "Ye<U+200B>s", "Yes (3)", "(4)", "<U+2800>"];
    assert_eq!(asked(&offered).view().approvals[0].options, shown);
    assert!(asked(&["", " "]).view().approvals[0].options.is_empty());
    for (answer, number) in [(shown[1], "2"), (shown[2], "3"), (shown[3], "4"), (shown[4], "5")] {
        let step = answered(&mut asked(&offered), answer);
        let typed = step.intents.iter().any(|intent| match &intent.effect {
            Effect::Send(send) => send.steps[0] == KeyStep::Text(number.to_owned()),
            _ => false,
        });
        assert!(typed, "{answer}");
    }
}

#[test]
fn a_question_names_what_nobody_sees() {
    let policy = load(&[Source::new(
        "p.yaml",
        "pipelines:\n- name: p\n  match: {window_name: w}\n  stages:\n  - {name: s, triggers: [{log_regex: '^go (?P<v>.*)$'}], require_approval: {question: 'Ship {{v}}?'}, actions_on_start: [{send_keys: ship}], success_when: [{log_regex: ok}], timeout: 1m}\n",
    )])
    .expect("a policy");
    let mut engine = Engine::new(Arc::new(policy));
    let pane = PaneKey { host: HostName::local(), server: ServerId::new("s"), pane: PaneId(1), pid: 7 };
    let facts = PaneFacts { command: "bash".to_owned(), window: "w".to_owned(), ..PaneFacts::default() };
    engine.step(NOW, &Event::PaneSeen { info: Box::new(PaneInfo::new(pane.clone(), facts)) });
    let text = "go v1\u{202e}gnp".to_owned();
    let info = PaneInfo::new(pane.clone(), PaneFacts { window: "w".to_owned(), ..PaneFacts::default() });
    let hits = engine.policy().rules_of(&engine.watched_pipelines(&info.key)).scan(&text);
    let line = LineEvent {
        pane,
        seq: 1,
        text,
        source: LineSource::Stream,
        hits,
        policy: 0,
        unended: None,
        message: None,
        front: None,
    };
    engine.step(NOW, &Event::Line(Box::new(line)));
    assert_eq!(engine.view().approvals[0].question, "Ship v1<U+202E>gnp?");
}
