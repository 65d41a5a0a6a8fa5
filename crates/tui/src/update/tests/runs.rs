//! What keys do with runs that have ended, and with those that ask in another pane.

use super::*;
use crate::sample::{RunSample as _, run, stage};
use crate::view::tests_shown as shown;

/// One run that failed, with a stage that ended well, one that did not, and one to which it did not come.
fn failed() -> Snapshot {
    let mut never = stage("deploy", StageState::Waiting, 0, 1);
    never.detail = "not reached".to_owned();
    let stages = [stage("lint", StageState::Succeeded, 1, 1), stage("test", StageState::Failed, 1, 1), never];
    let run = run("ci", 7, 1, "s:w.0").stages(stages);
    Sample::empty().pane(pane(1, "s", "w", PaneState::Failed, "")).run(run).build()
}

#[test]
fn a_run_that_has_ended_is_not_ended_again() {
    check(failed(), "tab c", "(this run has ended already)");
    check(failed(), "tab g j S", "(this run has ended already)");
    let skip = "{'command':'control','run':7,'stage':'test','control':'skip'}";
    check(failed(), "tab g j j S y", skip);
    check(failed(), "tab g j j r y", &skip.replace("skip", "retry"));
}

#[test]
fn the_footer_offers_what_can_be_done() {
    let footer = |snapshot: Snapshot, keys: &str| {
        let mut model = showing(snapshot);
        model.size = (160, 30);
        press_at(&mut model, NOW, keys);
        shown(&model).lines().last().unwrap_or_default().to_owned()
    };
    let open = footer(Sample::busy().build(), "tab");
    assert!(open.contains("c cancel") && open.contains("S skip"), "{open}");
    let ended = footer(failed(), "tab g j");
    assert!(!ended.contains("c cancel") && !ended.contains("S skip") && ended.contains("r retry"), "{ended}");
    let nothing = footer(Sample::busy().build(), "tab / z z z enter");
    for key in ["c cancel", "S skip", "r retry"] {
        assert!(!nothing.contains(key), "{key}: {nothing}");
    }
}

#[test]
fn a_stage_that_was_not_reached_does_not_wait() {
    let mut model = showing(failed());
    for (lang, told) in [(tmuxagent_text::Lang::En, "not reached"), (tmuxagent_text::Lang::Zh, "未执行到")] {
        model.setup.lang = lang;
        let text = shown(&model);
        let row = text.lines().find(|row| row.contains("deploy")).unwrap_or_default();
        assert!(row.matches(told).count() == 1 && !row.contains(lang.pick("waiting", "等待")), "{text}");
    }
}

#[test]
fn a_pane_that_asks_for_a_run_begun_elsewhere_explains_that_run() {
    let run = run("ci", 13, 1, "s:w.0").stages([stage("test", StageState::NeedsApproval, 1, 1)]);
    let snapshot = Sample::empty()
        .pane(pane(1, "s", "w", PaneState::Running, ""))
        .pane(pane(2, "s", "other", PaneState::NeedsApproval, ""))
        .run(run)
        .approval(gate("A", 2, "ci", "test", "Go on?", "x"))
        .build();
    let mut model = showing(snapshot.clone());
    assert_eq!(model.pane, Some(key(2)));
    assert_eq!(told(&press_at(&mut model, NOW, "e")), "explain #13");
    check(snapshot, "tab tab e", "explain #13");
}
