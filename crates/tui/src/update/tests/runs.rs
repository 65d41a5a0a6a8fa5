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
fn the_footer_offers_no_key_that_does_nothing_here() {
    let footer = |snapshot: Snapshot, keys: &str| {
        let mut model = showing(snapshot);
        model.size = (200, 30);
        press_at(&mut model, NOW, keys);
        shown(&model).lines().last().unwrap_or_default().to_owned()
    };
    let mut never = run("ci", 7, 1, "s:w.0").stages([stage("test", StageState::Waiting, 0, 1)]);
    (never.run, never.state, never.started_at) = (None, None, None);
    let idle = || Sample::empty().pane(pane(1, "s", "w", PaneState::Idle, ""));
    for keys in ["tab", "tab j"] {
        let told = footer(idle().run(never.clone()).build(), keys);
        assert!(!told.contains("r retry") && !told.contains("c cancel") && told.contains("n start"), "{keys}: {told}");
    }
    let told = footer(idle().build(), "");
    assert!(!told.contains("n start") && !told.contains("e explain") && told.contains("s send"), "{told}");
    let told = footer(Sample::empty().build(), "");
    for key in ["Enter open", "s send", "n start", "d details"] {
        assert!(!told.contains(key) && told.contains("? help"), "{key}: {told}");
    }
}

#[test]
fn a_box_that_is_about_no_pane_goes_to_none() {
    for open in ["v", "?", "P", "!", "i"] {
        for go in ["enter", "o"] {
            let mut model = showing(Sample::busy().build());
            let actions = press_at(&mut model, NOW, &format!("{open} {go}"));
            assert!(!told(&actions).contains("jump"), "{open} {go}: {}", told(&actions));
            assert_eq!(model.overlays.len(), 1, "{open} {go}: it stays open");
        }
    }
    check(Sample::busy().build(), "d enter", "jump %1");
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

/// The pane that asks first, then another one whose pipeline came later, as do both runs.
fn arriving() -> [Snapshot; 3] {
    let long = || run("long", 12, 1, "s:one.0").stages([stage("gate", StageState::NeedsApproval, 0, 1)]);
    let npm = || run("npm", 13, 2, "room:bash.0").stages([stage("ask", StageState::Running, 1, 1)]);
    let panes = || {
        Sample::empty().pane(pane(1, "s", "one", PaneState::NeedsApproval, "")).pane(pane(
            2,
            "room",
            "bash",
            PaneState::Running,
            "",
        ))
    };
    let asked = || gate("A", 1, "long", "gate", "Go on?", "x");
    let mut pictures = [
        panes().run(npm()).build(),
        panes().run(npm()).run(long()).approval(asked()).build(),
        panes().run(npm()).run(long()).approval(asked()).approval(gate("B", 2, "npm", "ask", "Sure?", "y")).build(),
    ];
    for (snapshot, generation) in pictures.iter_mut().zip(1..) {
        snapshot.generation = generation;
    }
    pictures
}

/// What each panel shows as selected, and what the keys ask and explain from there.
#[test]
fn keys_act_on_what_the_focused_panel_shows() {
    let [first, second, third] = arriving();
    let mut model = showing(first);
    let asked = |model: &Model| {
        let mut model = model.clone();
        press_at(&mut model, later(9_000), "a");
        model.overlays.last().and_then(|it| Some(it.decides()?.id.as_str().to_owned()))
    };
    let explained = |model: &Model| told(&press_at(&mut model.clone(), later(9_000), "e"));
    let stage_of = |model: &Model| model.stage.as_ref().map(|stage| stage.pipeline.clone());
    assert_eq!((stage_of(&model), explained(&model)), (None, String::new()), "npm runs in another pane");
    take(&mut model, later(100), second);
    assert_eq!((stage_of(&model).as_deref(), asked(&model).as_deref()), (Some("long"), Some("A")));
    // Among the pipelines it is the selected run: the other one asks nothing.
    press_at(&mut model, later(200), "tab g");
    assert_eq!((stage_of(&model).as_deref(), asked(&model)), (Some("npm"), None));
    assert_eq!((model.pane.clone(), explained(&model)), (Some(key(2)), "explain #13".to_owned()));
    let mut why = model.clone();
    press_at(&mut why, later(300), "e");
    assert_eq!(asked(&why), None, "on its page, too");
    take(&mut model, later(400), third.clone());
    assert_eq!((model.the_approval().map(|it| it.id.as_str()), asked(&model).as_deref()), (Some("B"), Some("B")));
    // And among the questions it is the question's own run and pane.
    press_at(&mut model, later(500), "tab k k");
    assert_eq!((stage_of(&model).as_deref(), model.pane.clone()), (Some("long"), Some(key(1))));
    assert_eq!((asked(&model).as_deref(), explained(&model)), (Some("A"), "explain #12".to_owned()));
    // A row that goes takes nobody elsewhere.
    let mut gone = third;
    gone.generation = 9;
    gone.runs.remove(0);
    gone.approvals.remove(0);
    take(&mut model, later(600), gone);
    assert_eq!(asked(&model).as_deref(), Some("B"));
    assert_eq!(model.pane, Some(key(2)));
}

#[test]
fn what_can_not_be_run_again_says_so_at_once() {
    let mut asks = stage("ask", StageState::Running, 1, 1);
    let one = |stage: tmuxagent_model::StageView| {
        let run = run("npm", 7, 1, "s:w.0").stages([stage]);
        Sample::empty().pane(pane(1, "s", "w", PaneState::Running, "")).run(run).build()
    };
    check(one(asks.clone()), "r", "(stage ask is running; cancel the run first)");
    asks.asks = true;
    check(one(asks.clone()), "tab r y", "(stage ask asks you; answer it, or cancel the run first)");
    check(one(asks), "tab g r", "(stage ask asks you; answer it, or cancel the run first)");
    let waits = stage("ask", StageState::Waiting, 0, 1);
    check(one(waits), "tab j r", "(stage ask has not run yet; start it instead)");
}
