//! What a question, a stage and a pane say in few rows.

use super::*;
use tmuxagent_model::{ApprovalKind, KeyStep};

#[test]
fn what_stops_an_overdue_command_is_told_whole_everywhere() {
    let asked = Approval {
        kind: ApprovalKind::Overdue,
        effect: vec![KeyStep::Key("C-c".to_owned())],
        effect_text: "C-c is pressed in the pane; a command that goes on is sent SIGTERM".to_owned(),
        ..gate("A", 1, "ci", "test", "Stage test is overdue, and its command still runs. Stop it?", "")
    };
    let snapshot = Sample::empty().pane(pane(1, "s", "w", PaneState::NeedsApproval, "")).approval(asked).build();
    for (lang, told) in [
        (Lang::En, "if approved: C-c is pressed in the pane; a command that goes on is sent SIGTERM"),
        (Lang::Zh, "批准后: 在窗格里按下 C-c；命令若仍继续，则向它发送 SIGTERM"),
    ] {
        for keys in ["tab tab z", "a"] {
            let mut model = screen(snapshot.clone(), (60, 24), lang);
            press(&mut model, keys);
            assert!(pressed(&shown(&model)).contains(&pressed(told)), "{keys}: {}", shown(&model));
        }
        let mut model = screen(snapshot.clone(), (100, 30), lang);
        press(&mut model, "tab tab enter");
        assert!(shown(&model).contains("SIGTERM"), "{}", shown(&model));
    }
}

/// What was decided takes no row from what is asked.
#[test]
fn an_open_question_is_whole_before_closed_ones_are_shown() {
    let question = "Shall the database of the shop be moved before the release?";
    let mut sample = Sample::empty().pane(pane(1, "s", "w", PaneState::NeedsApproval, ""));
    for n in 0..6 {
        let closed =
            Approval { state: ApprovalState::Approved, ..gate(&format!("D{n}"), 1, "old", "stage", "Old?", "x") };
        sample = sample.approval(closed);
    }
    let effect = "./deploy/move-database --from old --to new";
    let snapshot = sample.approval(gate("A", 1, "shop", "move", question, effect)).build();
    for keys in ["", "tab tab"] {
        let mut model = screen(snapshot.clone(), (80, 24), Lang::En);
        press(&mut model, keys);
        let text = shown(&model);
        let panel: String = text.lines().filter_map(|line| line.strip_prefix('│')?.split('│').next()).collect();
        for part in [effect, question, "proj:storyapp:agent.1"] {
            assert!(pressed(&panel).contains(&pressed(part)), "{keys}: {part}\n{text}");
        }
        assert!(!text.contains("more lines"), "{text}");
    }
}

#[test]
fn only_a_stage_that_is_tried_again_shows_its_attempt() {
    let looped = |attempt, max| StageView { round: 3, rounds: 5, ..stage("fix", StageState::Running, attempt, max) };
    for (stage, expect) in [
        (stage("fix", StageState::Running, 1, 1), None),
        (stage("fix", StageState::Running, 2, 3), Some("2/3")),
        (stage("fix", StageState::Failed, 3, 3), Some("3/3")),
        (stage("fix", StageState::Waiting, 0, 3), None),
        (looped(2, 2), None),
        (looped(3, 4), Some("3/4")),
    ] {
        assert_eq!(stage.told_attempt().as_deref(), expect, "{stage:?}");
    }
}

#[test]
fn the_age_of_a_panes_last_output_is_told_in_seconds() {
    let mut printed = pane(1, "s", "w", PaneState::Idle, "");
    printed.last_output = Some(Timestamp(NOW.0 - 9_000));
    let mut model = screen(Sample::empty().pane(printed).build(), (120, 40), Lang::En);
    let text = shown(&model);
    assert!(text.lines().any(|row| row.contains("s:w.0") && row.contains(" 9s")), "{text}");
    press(&mut model, "d");
    assert!(shown(&model).lines().any(|line| line.contains("last output") && line.contains("9s")));
}

/// What a failing test printed: the cause above, and below it what passed.
fn failing() -> Vec<String> {
    let causes = ["not ok 1 - adds", "  AssertionError [ERR_ASSERTION]: 5 !== 4"].map(str::to_owned);
    causes.into_iter().chain((2..=14).map(|n| format!("ok {n} - adds {n}"))).collect()
}

fn asks(change: impl FnOnce(&mut Approval)) -> Snapshot {
    let mut asked = Approval { evidence: failing(), ..gate("A", 1, "ci", "test", "Run it again?", "npm test") };
    change(&mut asked);
    Sample::empty().pane(pane(1, "s", "w", PaneState::NeedsApproval, "")).approval(asked).build()
}

#[test]
fn the_cause_is_what_is_shown_and_the_key_shows_the_rest() {
    for size in [(80, 24), (100, 30), (120, 30)] {
        for (lang, count) in [(Lang::En, "more lines"), (Lang::Zh, "还有")] {
            for (keys, key, open) in [("", "d", "d"), ("tab tab", "Enter", "enter")] {
                let mut model = screen(asks(|_| {}), size, lang);
                press(&mut model, keys);
                let text = shown(&model);
                assert!(text.contains("not ok 1 - adds"), "{size:?} {keys}: {text}");
                let told = text.lines().find(|line| line.contains(count)).unwrap_or_default();
                let named = [format!("({key})"), format!("（{key}）")];
                assert!(named.iter().any(|key| told.contains(key)), "{size:?} {keys}: {text}");
                press(&mut model, open);
                press(&mut model, "G");
                assert!(shown(&model).contains("ok 14 - adds 14"), "{size:?} {keys}: {}", shown(&model));
            }
        }
    }
}

#[test]
fn the_question_stands_before_what_is_typed_and_that_before_the_evidence() {
    let question = "Stage test failed: the command ended with exit code 1. Shall it be run once more?";
    let mut model = screen(asks(|asked| asked.question = question.to_owned()), (80, 24), Lang::En);
    press(&mut model, "tab tab");
    let text = shown(&model);
    let at = |part: &str| text.rfind(part).unwrap_or_else(|| panic!("{part}: {text}"));
    assert!(at("run once more?") < at("if approved") && at("if approved") < at("not ok 1"), "{text}");
}

/// What a yes types takes four rows; other questions and panes are few or many.
#[test]
fn what_is_cut_is_counted_and_the_cause_has_three_lines_at_80x24() {
    let effect = "./deploy/move-database --from old.example --to new.example --wait";
    for (n_panes, n_open) in [(1, 1), (1, 2), (1, 3), (1, 6), (20, 1), (20, 2), (20, 3), (20, 6), (20, 12)] {
        let mut sample = Sample::empty();
        for n in 1..=n_panes {
            sample = sample.pane(pane(n, "s", &format!("w{n}"), PaneState::NeedsApproval, ""));
        }
        for n in 1..=n_open {
            let asked = gate(&format!("A{n}"), n, "shop", &format!("move{n}"), "Stage failed. Run it again?", effect);
            sample = sample.approval(Approval { evidence: failing(), ..asked });
        }
        for keys in ["", "tab tab"] {
            let mut model = screen(sample.clone().build(), (80, 24), Lang::En);
            press(&mut model, keys);
            let text = shown(&model);
            let panel: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix('│')?.split('│').next()).collect();
            let case = format!("{n_panes} panes, {n_open} open, {keys:?}\n{text}");
            let all = panel.concat();
            assert!(pressed(&all).contains(&pressed(effect)), "{case}");
            let listed =
                (1..=n_open).filter(|n| panel.iter().any(|row| row.contains(&format!("shop / move{n} ")))).count();
            let beyond = panel.iter().any(|row| row.contains("more") && (row.contains('↓') || row.contains('↑')));
            assert!(listed > 0 && beyond == (listed < usize::try_from(n_open).unwrap()), "{case}");
            let cause = panel
                .iter()
                .filter(|row| {
                    row.contains("not ok 1 -")
                        || row.contains("AssertionError")
                        || row.contains(" ok ")
                        || row.trim_start().starts_with("ok ")
                })
                .count();
            assert!(cause >= 3 || n_open > 2 && cause > 0, "{case}");
            assert!(all.contains("more lines"), "{case}");
        }
    }
}

#[test]
fn every_dialog_that_decides_shows_the_cause() {
    // The panel shows it without an indent.
    let cause = "│   not ok 1 - adds";
    for keys in ["a", "x"] {
        let mut model = screen(asks(|_| {}), (80, 24), Lang::En);
        press(&mut model, keys);
        assert!(shown(&model).contains(cause), "{keys}: {}", shown(&model));
    }
    let mut model = screen(asks(|asked| asked.confirm = Some("again".to_owned())), (80, 24), Lang::En);
    press(&mut model, "a");
    let text = shown(&model);
    assert!(text.contains(cause) && text.contains("types \"npm test\" Enter"), "{text}");
}

/// Three open questions and six decided ones, and the cursor on each of them in turn.
#[test]
fn no_open_question_is_hidden_behind_decided_ones() {
    let mut sample = Sample::empty().pane(pane(1, "s", "w", PaneState::NeedsApproval, ""));
    for n in 0..9 {
        let state = if n < 3 { ApprovalState::Pending } else { ApprovalState::Approved };
        let asked = Approval { state, ..gate(&format!("A{n}"), 1, "p", &format!("s{n}"), &format!("Ask {n}?"), "x") };
        sample = sample.approval(asked);
    }
    for lang in Lang::ALL {
        for size in [(60, 15), (80, 24), (100, 30), (120, 40), (200, 60)] {
            let mut model = screen(sample.clone().build(), size, lang);
            press(&mut model, "tab tab");
            for n in 0..9 {
                let text = shown(&model);
                for wanted in [0, 1, 2, n] {
                    assert!(text.contains(&format!("p / s{wanted} ")), "{size:?} {n} {wanted}: {text}");
                }
                press(&mut model, "j");
            }
        }
    }
}

#[test]
fn what_stands_above_and_below_the_open_questions_is_counted() {
    let mut sample = Sample::empty().pane(pane(1, "s", "w", PaneState::NeedsApproval, ""));
    for n in 0..20 {
        sample = sample.approval(gate(&format!("A{n}"), 1, "p", &format!("s{n}"), "Go on?", "x"));
    }
    for (lang, more) in [(Lang::En, "more"), (Lang::Zh, "项")] {
        let mut model = screen(sample.clone().build(), (80, 24), lang);
        press(&mut model, "tab tab");
        let text = shown(&model);
        assert!(text.contains("↓ ") && text.contains(more) && !text.contains("↑ "), "{text}");
        press(&mut model, "j j j j j j j j j j");
        let text = shown(&model);
        assert!(text.contains("↓ ") && text.contains("↑ ") && text.contains("p / s10 "), "{text}");
        press(&mut model, "G");
        let text = shown(&model);
        assert!(!text.contains("↓ ") && text.contains("↑ ") && text.contains("p / s19 "), "{text}");
    }
}

#[test]
fn a_key_does_not_stand_alone_behind_what_is_typed() {
    let wrapped = text::wrap_steps("批准后: 输入 \"npm run build\" Enter", 32);
    assert_eq!(wrapped, ["批准后: 输入 \"npm run", "build\" Enter"]);
    assert_eq!(text::wrap_steps("types \"a\" Enter", 40), ["types \"a\" Enter"]);
    assert_eq!(text::wrap_steps("a question that ends here", 20), ["a question that ends", "here"]);
}
