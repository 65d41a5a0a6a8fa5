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
