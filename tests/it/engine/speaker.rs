//! Whom an alert about a pane's program speaks of.

use std::sync::Arc;
use tmuxagent_engine::Engine;
use tmuxagent_model::{
    AlertKind, Effect, Event, HostName, PaneFacts, PaneId, PaneInfo, PaneKey, ProgramState, ServerId, Timestamp,
};
use tmuxagent_policy::{Source, load};

#[test]
fn an_alert_names_an_agent_only_where_the_facts_do() {
    let now = Timestamp(1_772_438_400_000);
    for (agent, kind) in [("", AlertKind::Program), ("codex", AlertKind::Agent)] {
        let policy = load(&[Source::new("p.yaml", "version: 1\npipelines: []\n")]).expect("a policy");
        let mut engine = Engine::new(Arc::new(policy));
        let pane = PaneKey { host: HostName::local(), server: ServerId::new("s"), pane: PaneId(1), pid: 7 };
        let facts = PaneFacts { agent: agent.to_owned(), command: "python3".to_owned(), ..PaneFacts::default() };
        engine.step(now, &Event::PaneSeen { info: Box::new(PaneInfo::new(pane.clone(), facts)) });
        let states = [
            ProgramState::Notification { text: "hello".to_owned() },
            ProgramState::Blocked { kind: None, message: Some("which one?".to_owned()) },
        ];
        for state in states {
            let step = engine.step(now, &Event::Program { pane: pane.clone(), state });
            let kinds: Vec<AlertKind> = step
                .intents
                .iter()
                .filter_map(|intent| if let Effect::Alert(alert) = &intent.effect { Some(alert.kind) } else { None })
                .collect();
            assert_eq!(kinds, [kind], "{agent:?}");
        }
    }
}
