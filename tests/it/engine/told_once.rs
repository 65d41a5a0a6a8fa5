//! What an explanation and the event list tell once, and how a line of a pane stands in them.

use super::evidence::{POLICY, World, me};
use serde_json::json;
use tmuxagent_model::{Command, Effect, Event, Note, Outcome, ShellOutcome, Variables};
use tmuxagent_text::Lang;

/// An end by the answer to its last question stands with the question, and what the question showed behind it.
#[test]
fn an_end_by_the_answer_is_explained_once() {
    let answer = json!({ "at": 0, "rule": "rejected", "text": "by wu via key" });
    let stage = |summary: &str| {
        json!({
            "pipeline": "ci", "stage": "test", "run": 7, "approval": null, "state": "rejected", "summary": summary,
            "started_by": null, "opened_by": null, "ended_by": answer, "defined_at": "p.yaml:3",
            "answered": { "question": "Run it again?", "evidence": ["not ok 1", "3 failed"], "decision": answer },
        })
    };
    let lines = |summary: &str| {
        let stages = tmuxagent_text::explain::read(&[stage(summary)]).expect("the form of the screens");
        let lines = tmuxagent_text::explain::lines(Lang::En, &jiff::tz::TimeZone::UTC, &stages[0]);
        lines.into_iter().map(|line| line.text).collect::<Vec<_>>()
    };
    let told = lines("rejected: by wu via key");
    let expected = ["test  rejected", "its last question", "Run it again?", "00:00:00  rejected", "by wu via key"];
    assert_eq!(told[..5], expected, "{told:?}");
    assert_eq!(told[5..], ["not ok 1", "3 failed", "defined at p.yaml:3"], "{told:?}");
    let whole = "rejected: by wu via key; it failed: exit code 1; its output: `not ok 1`";
    let told = lines(whole);
    assert!(told[1] == whole && !told.iter().any(|line| line == "not ok 1"), "{told:?}");
}

#[test]
fn a_failing_action_is_told_once() {
    let policy = POLICY.replace("{run: node --test}", "{shell: {script: 'deploy', timeout: 10s}}");
    let mut world = World::with(&policy.replace("on_fail: [{retry: {max: 1, backoff: 2s}}, {ask_human: {}}]", ""));
    let (pane, pipeline, inputs) = (world.pane.clone(), "ci".to_owned(), Variables::new());
    let start = Command::Start { pane, pipeline, stage: None, inputs };
    let step = world.engine.step(world.now, &Event::Asked { command: start, by: me() });
    let intent = step.intents.iter().find(|one| matches!(one.effect, Effect::Shell(_))).expect("it runs").id.clone();
    let outcome = Outcome::Shell(ShellOutcome { exit: Some(1), output: "fatal: no remote".to_owned() });
    let notes = world.engine.step(world.now, &Event::Outcome { intent, outcome }).notes;
    let failed = |note: &Note| matches!(note, Note::StageFailed { .. });
    assert_eq!(notes.iter().filter(|(_, _, note)| failed(note)).count(), 1, "{notes:?}");
    assert!(!notes.iter().any(|(_, _, note)| matches!(note, Note::EffectFailed { .. })), "{notes:?}");
}

/// A line with backticks of its own shows where it ends.
#[test]
fn a_line_with_backticks_stands_in_other_quotes() {
    let mut world = World::with(&POLICY.replace("on_fail: [{retry: {max: 1, backoff: 2s}}, {ask_human: {}}]", ""));
    world.start();
    world.after(5);
    world.ends(1, &[(-2, "error: no `bt` and `x`")]);
    let told = |detail: &str| detail.contains("; its output: “error: no `bt` and `x`”");
    assert!(
        world.engine.view().runs[0].stages.iter().any(|stage| told(&stage.detail)),
        "{:?}",
        world.engine.view().runs
    );
}
