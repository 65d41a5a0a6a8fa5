//! A state that is put back: what was on its way to a pane is held.

use std::sync::Arc;
use tmuxagent_engine::Engine;
use tmuxagent_model::{
    Command, Decider, Event, HostName, PaneFacts, PaneId, PaneInfo, PaneKey, ServerId, Timestamp, Via,
};
use tmuxagent_policy::{Source, load};

const POLICY: &str = r"
version: 1
pipelines:
- name: ci
  match: {window_name: w}
  stages:
  - {name: test, triggers: [manual], actions_on_start: [{run: make test}], timeout: 30s}
";

#[test]
fn keys_on_their_way_are_held_until_a_person_has_looked() {
    let now = Timestamp(1_772_438_400_000);
    let policy = Arc::new(load(&[Source::new("p.yaml", POLICY)]).expect("a policy"));
    let mut engine = Engine::new(Arc::clone(&policy));
    let pane = PaneKey { host: HostName::local(), server: ServerId::new("s"), pane: PaneId(1), pid: 7 };
    let facts = PaneFacts { window: "w".to_owned(), command: "bash".to_owned(), ..PaneFacts::default() };
    engine.step(now, &Event::PaneSeen { info: Box::new(PaneInfo::new(pane.clone(), facts)) });
    let by = Decider::named("ann", Via::Cli);
    let start =
        Command::Start { pane, pipeline: "ci".to_owned(), stage: None, inputs: tmuxagent_model::Variables::new() };
    let step = engine.step(now, &Event::Asked { command: start, by });
    assert_eq!(step.intents.len(), 1, "{step:?}");

    let later = Timestamp(now.0 + 5_000);
    let set_back = |rows: Vec<_>| {
        rows.into_iter().map(|(kind, key, body): (_, String, String)| {
            let other = Engine::set_back(kind, &key, &body, later).expect("a row that can be read");
            (kind, key, other.unwrap_or(body))
        })
    };
    let again = Engine::restore(Arc::clone(&policy), set_back(engine.rows())).expect("a state");
    let view = again.view();
    assert_eq!(view.frozen.as_ref().map(|freeze| freeze.since), Some(later));
    assert_eq!((view.held.len(), again.open_intents().count()), (1, 0));
    // Once more changes nothing.
    let twice = Engine::restore(policy, set_back(again.rows())).expect("a state");
    assert_eq!(twice.rows(), again.rows());
}
