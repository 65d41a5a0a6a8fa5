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
        (Lang::Zh, "批准后：在窗格里按下 C-c；命令若仍继续，则向它发送 SIGTERM"),
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
            assert!(pressed(&all).contains(&pressed(effect)) || all.contains("more rows"), "{case}");
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
    let wrapped = text::wrap_steps("批准后：输入 \"npm run build\" Enter", 32);
    assert_eq!(wrapped, ["批准后：输入 \"npm run", "build\" Enter"]);
    assert_eq!(text::wrap_steps("types \"a\" Enter", 40), ["types \"a\" Enter"]);
    assert_eq!(text::wrap_steps("a question that ends here", 20), ["a question that ends", "here"]);
}

/// Questions of five panes, each of which types some 2,000 characters.
fn long_effects() -> Snapshot {
    let effect = format!("{} the-end", "./deploy --step one --then two ".repeat(64));
    let mut sample = Sample::empty();
    for n in 1..=5 {
        let asked = gate(&format!("A{n}"), n, "shop", &format!("move{n}"), &format!("Really move {n}?"), &effect);
        sample = sample
            .pane(pane(n, "s", &format!("w{n}"), PaneState::NeedsApproval, ""))
            .approval(Approval { evidence: failing(), ..asked });
    }
    sample.build()
}

#[test]
fn a_long_effect_hides_no_other_question_and_is_cut_with_a_mark() {
    for size in [(80, 24), (120, 40)] {
        for (lang, mark) in [(Lang::En, "more rows"), (Lang::Zh, "还有")] {
            for keys in ["", "tab tab"] {
                let mut model = screen(long_effects(), size, lang);
                press(&mut model, keys);
                let text = shown(&model);
                let case = format!("{size:?} {keys:?}: {text}");
                let panel: Vec<&str> =
                    text.lines().filter_map(|line| line.strip_prefix('│')?.split('│').next()).collect();
                for n in 1..=5 {
                    assert!(panel.iter().any(|row| row.contains(&format!("shop / move{n} "))), "{n} {case}");
                }
                let all = panel.concat();
                assert!(pressed(&all).contains(&pressed("Really move 1?")), "{case}");
                assert!(pressed(&all).contains(&pressed("./deploy --step one")), "{case}");
                let told = panel
                    .iter()
                    .find(|row| row.contains(mark) && row.contains(if keys.is_empty() { "d" } else { "Enter" }));
                assert!(told.is_some(), "{case}");
                press(&mut model, if keys.is_empty() { "d" } else { "enter" });
                press(&mut model, "G");
                assert!(shown(&model).contains("ok 14 - adds 14"), "{}", shown(&model));
            }
        }
    }
}

#[test]
fn a_dialog_that_decides_is_read_to_its_end() {
    for size in [(80, 24), (60, 15)] {
        for lang in Lang::ALL {
            let mut model = screen(long_effects(), size, lang);
            press(&mut model, "a");
            let first = lang.pick("scroll to the end first", "请先滚动到末尾");
            let text = shown(&model);
            assert!(text.contains(first) && text.contains("↓ ") && !text.contains("the-end"), "{text}");
            assert!(press(&mut model, "y j k y").is_empty() && model.overlays.len() == 1, "{}", shown(&model));
            press(&mut model, "G");
            let text = shown(&model);
            assert!(text.contains("the-end\" Enter") && text.contains("↑ "), "{text}");
            press(&mut model, "g");
            assert!(!shown(&model).contains(first), "{}", shown(&model));
            assert_eq!(press(&mut model, "y").len(), 1);
        }
    }
    // A word is typed, and what a yes does is read to its end here, too.
    let mut by_word = long_effects();
    by_word.approvals[0].confirm = Some("go".to_owned());
    let mut model = screen(by_word, (80, 24), Lang::En);
    press(&mut model, "a g o");
    assert!(press(&mut model, "enter").is_empty() && model.overlays.len() == 1);
    press(&mut model, "pgdn pgdn pgdn pgdn");
    assert!(shown(&model).contains("the-end\" Enter"), "{}", shown(&model));
    assert_eq!(press(&mut model, "enter").len(), 1);
}

/// What a stage's command asks comes before how long it has been asking.
#[test]
fn a_stage_whose_command_asks_says_so_at_every_width() {
    let mut asks = stage("ask", StageState::Running, 1, 1).timed(139, None).due(7_020);
    asks.asks = true;
    let run = run("npm", 2, 1, "s:w.0").stages([asks]);
    let snapshot = Sample::empty().pane(pane(1, "s", "w", PaneState::NeedsApproval, "")).run(run).build();
    for (lang, word) in [(Lang::En, "asks you"), (Lang::Zh, "等您回答")] {
        for columns in [80, 100, 120, 200] {
            let mut model = screen(snapshot.clone(), (columns, 24), lang);
            let text = shown(&model);
            let row = text.lines().find(|row| row.contains(word)).unwrap_or_default();
            assert!(row.contains(word) && (lang == Lang::Zh || row.contains("in 1h57m")), "{columns}: {text}");
            assert!(!text.contains(lang.pick("running", "运行中")), "{columns}: {text}");
            press(&mut model, "tab d");
            assert!(shown(&model).contains(word), "{}", shown(&model));
        }
    }
}

/// What somebody rejected did not fail, whatever had to be asked for it.
#[test]
fn the_header_counts_the_runs_that_failed() {
    let failed =
        run("a", 1, 1, "s:w.0").stages([stage("x", StageState::Failed, 1, 1), stage("y", StageState::Failed, 1, 1)]);
    let mut rejected = run("b", 2, 1, "s:w.0").stages([stage("x", StageState::Failed, 1, 1)]);
    rejected.state = Some(tmuxagent_model::RunState::Rejected);
    let sample = Sample::empty().pane(pane(1, "s", "w", PaneState::Failed, "")).run(failed).run(rejected);
    for (lang, told) in [(Lang::En, " 1 run failed"), (Lang::Zh, " 1 次运行失败")] {
        let text = shown(&screen(sample.clone().build(), (120, 40), lang));
        assert!(text.lines().next().is_some_and(|row| row.contains(told)), "{text}");
    }
}

#[test]
fn a_question_without_room_is_cut_at_its_end_with_a_sign() {
    for (question, end) in [
        ("Shall the site of the shop be deployed to all three regions now? (a yes takes the word deploy)", "deploy)"),
        ("The command of stage ask waits for an answer: Overwrite the old tables of the database? [y/N]", "[y/N]"),
    ] {
        let mut sample = Sample::empty().pane(pane(1, "s", "w", PaneState::NeedsApproval, ""));
        for n in 0..8 {
            let asked = gate(&format!("A{n}"), 1, "shop", "deploy", question, "./deploy --to all --and wait");
            let asked = Approval { options: vec!["y".to_owned(), "n".to_owned()], evidence: failing(), ..asked };
            sample = sample.approval(asked);
        }
        let snapshot = sample.build();
        for (width, height) in [(80, 24), (80, 20), (60, 24), (48, 18), (40, 24)] {
            for keys in ["", "tab tab", "tab tab z"] {
                let mut model = screen(snapshot.clone(), (width, height), Lang::En);
                press(&mut model, keys);
                let text = shown(&model);
                let Some((_, below)) = text.split_once("────│").or_else(|| text.rsplit_once("─────\n"))
                else {
                    continue;
                };
                let told = pressed(below).contains(&pressed(end));
                let begun = pressed(below).contains(&pressed(&question[..12]));
                assert!(!told || begun, "{width}x{height} {keys}: its end alone\n{text}");
                assert!(told || !begun || below.contains('…'), "{width}x{height} {keys}: no sign\n{text}");
            }
        }
    }
}

#[test]
fn of_an_answer_the_keys_are_named_by_what_they_do() {
    let asked = Approval { options: vec!["yes".to_owned(), "no".to_owned()], ..gate("A", 1, "p", "s", "Go on?", "") };
    let snapshot = Sample::empty().pane(pane(1, "s", "w", PaneState::NeedsApproval, "")).approval(asked).build();
    for (lang, wanted) in [(Lang::En, "give this answer   n"), (Lang::Zh, "就这样回答   n")] {
        let mut model = screen(snapshot.clone(), (80, 24), lang);
        press(&mut model, "2");
        let text = shown(&model);
        assert!(pressed(&text).contains(&pressed(wanted)), "{text}");
        assert!(!text.contains("n no"), "{text}");
    }
}
