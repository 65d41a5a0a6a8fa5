//! What an explanation says of stages that were not reached, and of those that others follow.

use super::evidence::World;
use tmuxagent_engine::Target;
use tmuxagent_model::{ApprovalKind, RunId};

/// Three stages of which the second waits for the first, and the third may begin a run.
const FOLLOWED: &str = r"
pipelines:
- name: ci
  match: {window_name: w}
  stages:
  - {name: lint, triggers: [manual], actions_on_start: [{run: lint}], success_when: [{log_regex: passed}]}
  - {name: test, triggers: [{after_stage_success: lint}], actions_on_start: [{run: test}], success_when: [{exit_code: 0}]}
  - {name: ship, triggers: [{log_regex: '^ship$'}], actions_on_start: [{run: ship}], success_when: [{exit_code: 0}]}
";

/// What is told of a stage of the first run.
fn told(world: &World, stage: usize) -> Vec<String> {
    let explained = &world.engine.explain(world.now, &Target::Run(RunId(1)))[stage];
    let stages = tmuxagent_text::explain::read(&[serde_json::to_value(explained).expect("JSON")]).expect("its form");
    let lines = tmuxagent_text::explain::lines(tmuxagent_text::Lang::En, &jiff::tz::TimeZone::UTC, &stages[0]);
    lines.into_iter().map(|line| line.text).collect()
}

#[test]
fn a_stage_that_was_not_reached_waits_for_nothing_once_its_run_is_over() {
    let has = |told: &[String], line: &str| told.iter().any(|told| told == line);
    let mut world = World::with(FOLLOWED);
    world.start();
    let before = told(&world, 1);
    assert!(has(&before, "starts when (watched now)") && has(&before, "after_stage_success lint"), "{before:?}");
    world.after(5);
    world.ends(1, &[]);
    world.start();
    let runs: Vec<_> = world.engine.view().runs.into_iter().map(|run| run.run).collect();
    assert_eq!(runs, [Some(RunId(2))], "the first one is over");
    let after = told(&world, 1);
    assert!(has(&after, "not reached") && has(&after, "starts when (its run is over)"), "{after:?}");
    assert!(!has(&after, "waits for"), "{after:?}");
    // Its line begins another run all the same.
    let other = told(&world, 2);
    assert!(has(&other, "not reached") && has(&other, "starts when (watched now, for another run)"), "{other:?}");
    assert!(!has(&other, "waits for"), "{other:?}");
}

#[test]
fn a_stage_that_another_one_follows_is_said_to_ask_where_it_asks() {
    let mut world = World::with(FOLLOWED);
    let detail = |world: &World| world.explained_stage(1)["conditions"][0]["part"]["detail"].clone();
    world.start();
    assert_eq!(detail(&world), "it is running");
    world.after(5);
    world.ends(0, &[(-1, "nothing to see")]);
    assert_eq!(world.engine.view().approvals[0].kind, ApprovalKind::Unclear);
    assert_eq!(detail(&world), "it is asking what to do");
}
