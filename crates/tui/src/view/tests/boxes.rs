//! What boxes and remarks say: all of what led to a question, what a no does, every word of an event.

use super::*;
use tmuxagent_ipc::wire::Reply;
use tmuxagent_model::{ApprovalId, ApprovalKind, KeyStep, Millis, Note, OnApprove, Undo};

/// A question on the one pane there is.
fn asks(change: impl FnOnce(&mut Approval)) -> Snapshot {
    let mut asked = gate("A", 1, "ci", "test", "Go on?", "npm test");
    change(&mut asked);
    Sample::empty().pane(pane(1, "s", "w", PaneState::NeedsApproval, "")).approval(asked).build()
}

#[test]
fn a_box_shows_each_line_of_the_cause_whole() {
    let cause = "AssertionError [ERR_ASSERTION]: Expected the values of the two sums to be strictly equal: 5 !== 4";
    for size in [(80, 24), (60, 20)] {
        for (keys, confirm) in [("a", None), ("x", None), ("a", Some("deploy".to_owned()))] {
            let snapshot = asks(|asked| {
                asked.evidence = vec!["not ok 1 - adds".to_owned(), cause.to_owned()];
                asked.confirm = confirm;
            });
            let mut model = screen(snapshot, size, Lang::En);
            press(&mut model, keys);
            let text = shown(&model);
            let open = text.split_once("┌ ").map_or("", |(_, rest)| rest);
            let rows = open.lines().filter_map(|row| row.split('│').max_by_key(|part| part.len()));
            let inside = pressed(&rows.collect::<String>());
            assert!(inside.contains(&pressed(cause)), "{size:?} {keys}: {text}");
        }
    }
}

#[test]
fn the_box_of_a_no_says_what_it_does() {
    let typed = vec![KeyStep::Text("n".to_owned()), KeyStep::Key("Enter".to_owned())];
    for (kind, effect_no, en, zh) in [
        (
            ApprovalKind::Gate,
            vec![],
            "if rejected: nothing is typed; the stage is not started",
            "拒绝后：不输入任何内容；不启动该阶段",
        ),
        (
            ApprovalKind::Failed { on_approve: OnApprove::Rerun },
            vec![],
            "if rejected: nothing is typed; the stage has failed for good",
            "拒绝后：不输入任何内容；该阶段最终失败",
        ),
        (
            ApprovalKind::Overdue,
            vec![],
            "if rejected: nothing is typed; its command goes on",
            "拒绝后：不输入任何内容；它的命令继续运行",
        ),
        (ApprovalKind::Asks, typed, "if rejected: types \"n\" Enter", "拒绝后：输入 \"n\" Enter"),
    ] {
        for (lang, told) in [(Lang::En, en), (Lang::Zh, zh)] {
            for size in [(80, 24), (40, 12)] {
                let snapshot = asks(|asked| (asked.kind, asked.effect_no) = (kind.clone(), effect_no.clone()));
                let mut model = screen(snapshot, size, lang);
                press(&mut model, "x");
                assert!(pressed(&shown(&model)).contains(&pressed(told)), "{told} {size:?}: {}", shown(&model));
            }
        }
    }
}

/// A stage that was approved seven seconds before it begins, and nothing else.
fn approved() -> Snapshot {
    let until = NOW + Millis::from_secs(7);
    let undo = Undo { approval: ApprovalId::new("A"), until };
    let deploy = StageView { undo: Some(undo), ..stage("deploy", StageState::NeedsApproval, 0, 1) };
    let asked = Approval {
        state: ApprovalState::Approved,
        undo_until: Some(until),
        run: Some(tmuxagent_model::RunId(12)),
        ..gate("A", 1, "ci", "deploy", "Deploy?", "x")
    };
    let run = run("ci", 12, 1, "s:w.0").stages([deploy]);
    Sample::empty().pane(pane(1, "s", "w", PaneState::Running, "")).run(run).approval(asked).build()
}

#[test]
fn a_pane_on_which_nothing_runs_yet_says_so() {
    for (lang, word, other) in [(Lang::En, "approved", "running"), (Lang::Zh, "已批准", "运行中")] {
        for keys in ["", "d"] {
            let mut model = screen(approved(), (80, 24), lang);
            press(&mut model, keys);
            let text = shown(&model);
            assert!(!text.contains(other), "{text}");
            let row = text
                .lines()
                .find(|row| row.contains(if keys.is_empty() { "s:w.0" } else { lang.pick("state", "状态") }));
            assert!(row.is_some_and(|row| row.contains(word)), "{text}");
        }
    }
    let mut beside = approved();
    beside.runs[0].stages.push(stage("lint", StageState::Running, 1, 1));
    let text = shown(&screen(beside, (80, 24), Lang::En));
    assert!(text.lines().any(|row| row.contains("s:w.0 running")), "{text}");
}

#[test]
fn a_yes_is_taken_back_only_by_a_yes_to_the_box() {
    for (lang, title, told) in [
        (Lang::En, "take it back?", "if taken back: nothing is typed; the stage is not started"),
        (Lang::Zh, "撤回此次批准？", "撤回后：不输入任何内容；不启动该阶段"),
    ] {
        let mut model = screen(approved(), (80, 24), lang);
        assert!(press(&mut model, "x").is_empty());
        let text = pressed(&shown(&model));
        assert!(text.contains(&pressed(title)) && text.contains(&pressed(told)), "{}", shown(&model));
        assert_eq!(press(&mut model, "y").len(), 1);
    }
    // It is done meanwhile: nothing is left to take back.
    let mut model = screen(approved(), (80, 24), Lang::En);
    press(&mut model, "x");
    let late = NOW + Millis::from_secs(8);
    update(&mut model, late, Msg::Tick(late));
    let key: Key = "y".parse().unwrap();
    assert!(update(&mut model, late, Msg::Key(key.to_event())).is_empty());
    assert!(shown(&model).contains("nothing is decided here any more"), "{}", shown(&model));
}

#[test]
fn a_remark_about_a_yes_does_not_stand_still_beside_a_row_that_counts_down() {
    for (lang, told) in [
        (Lang::En, "approved; it is done unless it is taken back (x on its row)"),
        (Lang::Zh, "已批准；若不撤回即执行"),
    ] {
        let mut model = screen(approved(), (100, 30), lang);
        let text = "approved; it is done in 8.0s unless it is taken back".to_owned();
        let reply = Box::new(Reply::Committed { intents: Vec::new(), run: None, text });
        update(&mut model, NOW, Msg::Frame(Box::new(ServerFrame::Reply { id: 99, reply })));
        let text = shown(&model);
        assert!(text.contains(told) && !text.contains("8.0"), "{text}");
    }
}

#[test]
fn every_word_of_an_event_is_read() {
    let long = "a command that the policy allows for once, told with all of its words, up to the very last one: finis";
    let note = |n: usize| Note::Text { text: format!("{n} {long}") };
    let events = (1..=9).map(|n: usize| crate::sample::event(n as u64, 10, Severity::Warning, note(n)));
    let snapshot = Sample::empty().pane(pane(1, "s", "w", PaneState::Idle, "")).events(events).build();
    for size in [(80, 24), (40, 12)] {
        let mut model = screen(snapshot.clone(), size, Lang::En);
        press(&mut model, "v");
        let inside = |model: &Model| {
            let text = shown(model);
            let rows = text.lines().filter_map(|row| row.split('│').max_by_key(|part| part.len()).map(str::to_owned));
            pressed(&rows.collect::<String>())
        };
        assert!(inside(&model).contains(&pressed(&format!("9 {long}"))), "{}", shown(&model));
        press(&mut model, "G");
        assert!(inside(&model).contains(&pressed(&format!("1 {long}"))), "{}", shown(&model));
    }
}

#[test]
fn who_may_not_decide_is_told_in_the_status_line() {
    let only = |asked: &mut Approval| {
        (asked.approvers, asked.confirm) = (vec!["mei".to_owned()], Some("deploy".to_owned()));
    };
    for (keys, told) in
        [("a", "wu may not decide this; it is for mei"), ("w", "wu may not decide"), ("t", "wu may not decide")]
    {
        let mut model = screen(asks(only), (80, 24), Lang::En);
        model.setup.user = "wu".to_owned();
        press(&mut model, keys);
        let text = shown(&model);
        let status = text.lines().nth(22).unwrap_or_default();
        assert!(status.contains(told) && status.contains("press Esc to close this"), "{keys}: {text}");
        assert!(!text.contains("nothing can be typed here"), "{keys}: {text}");
        // Whoever goes on to write the word presses no keys with it.
        assert!(press(&mut model, "d e p l o y").is_empty() && model.overlays.len() == 1, "{keys}");
        press(&mut model, "esc");
        assert!(model.overlays.is_empty(), "{keys}");
    }
}
