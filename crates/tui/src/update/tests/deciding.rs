//! What becomes of questions: which one a key decides, and what must have been seen before.

use super::*;
use crate::model::Confirm;
use tmuxagent_model::{Approval, ApprovalKind, Decider, Decision, KeyStep, Verdict, Via};

pub(super) fn asking(n_options: usize) -> Snapshot {
    let options = ["red", "绿", "blue"].into_iter().take(n_options).map(str::to_owned).collect();
    Sample::empty()
        .pane(pane(1, "s", "w", PaneState::NeedsApproval, ""))
        .approval(Approval { kind: ApprovalKind::Agent, options, ..gate("A", 1, "p", "s", "Which?", "") })
        .build()
}

#[test]
fn questions_with_options_are_answered_by_number_or_in_ones_own_words() {
    let answer = |text| {
        format!("{{'command':'decide','approval':'A','revision':1,'verdict':{{'approve':true,'answer':'{text}'}}}}")
    };
    check(asking(3), "2", "");
    check(asking(3), "2 y", &answer("绿"));
    check(asking(3), "a 1 3 y", &answer("blue"));
    check(asking(3), "a y", "(choose an option by its number first)");
    check(asking(3), "9", "(this question has no such option)");
    check(asking(3), "a 9", "(this question has no such option)");
    check(asking(3), "x y", "{'command':'decide','approval':'A','revision':1,'verdict':{'approve':false}}");
    check(asking(3), "w 随 便 enter y", &answer("随便"));
    check(asking(3), "1 w n o enter y", &answer("no"));
    check(asking(0), "w o k enter y", &answer("ok"));
    check(asking(0), "w enter", "(nothing to send)");
}

#[test]
fn a_question_that_offers_answers_takes_none_but_those() {
    let asked = || {
        let options = vec!["yes".to_owned(), "no".to_owned()];
        let asked = Approval { kind: ApprovalKind::Asks, options, ..gate("A", 1, "p", "s", "Overwrite? [y/N]", "y") };
        Sample::empty().pane(pane(1, "s", "w", PaneState::NeedsApproval, "")).approval(asked).build()
    };
    let answer = |text| {
        format!("{{'command':'decide','approval':'A','revision':1,'verdict':{{'approve':true,'answer':'{text}'}}}}")
    };
    check(asked(), "w b l a enter y", "(`bla` is not offered; choose one of: yes, no)");
    check(asked(), "w b l a enter backspace backspace backspace n o enter y", &answer("no"));
    check(asked(), "w Y E S enter y", &answer("yes"));
    check(asked(), "w y enter y", &answer("yes"));
    check(asked(), "w 2 enter y", &answer("no"));
    check(asked(), "1 w b l a enter", "(`bla` is not offered; choose one of: yes, no)");
}

#[test]
fn a_yes_that_takes_a_word_is_given_by_it() {
    let by_word = || {
        let asked = Approval { confirm: Some("deploy".to_owned()), ..gate("A", 1, "p", "deploy", "Deploy?", "x") };
        Sample::empty().pane(pane(1, "s", "w", PaneState::NeedsApproval, "")).approval(asked).build()
    };
    let yes = "{'command':'decide','approval':'A','revision':1,'verdict':{'approve':true,'answer':'deploy'}}";
    check(by_word(), "a d e p l o y enter", yes);
    check(by_word(), "w d e p l o y enter", yes);
    check(by_word(), "a y enter", "(`y` is not the word that a yes takes here: deploy)");
    check(by_word(), "a enter", "(a yes takes this word here: deploy)");
    check(by_word(), "a esc", "");
    check(by_word(), "x y", "{'command':'decide','approval':'A','revision':1,'verdict':{'approve':false}}");
}

#[test]
fn a_decision_takes_away_what_was_said_of_a_wrong_word() {
    let asked = Approval { confirm: Some("deploy".to_owned()), ..gate("A", 1, "p", "deploy", "Deploy?", "x") };
    let picture = Sample::empty().pane(pane(1, "s", "w", PaneState::NeedsApproval, "")).approval(asked).build();
    let mut model = showing(picture);
    press_at(&mut model, later(500), "a y enter");
    let wrong = |model: &Model| model.toasts.iter().any(|toast| toast.text.contains("is not the word"));
    assert!(wrong(&model));
    press_at(&mut model, later(600), "backspace d e p l o y enter");
    assert!(!wrong(&model));
}

/// Whoever presses the key of a line goes on to type; where none opens the words decide nothing.
#[test]
fn words_that_no_line_takes_are_no_keys() {
    let picture = || {
        let asked = gate("A", 1, "p", "s", "Deploy?", "x");
        Sample::empty().pane(pane(1, "s", "w", PaneState::NeedsApproval, "")).approval(asked).build()
    };
    let words = "y e s space a y x f q alt-y enter";
    let yes_or_no = "(this is answered with yes or no)";
    for (keys, said) in [
        ("w", yes_or_no),
        ("a w", yes_or_no),
        ("t", "(a lease goes with an agent's question about a command, and this is none)"),
        ("a t", "(nothing can be typed here)"),
        ("a /", "(nothing can be typed here)"),
        ("a s", "(nothing can be typed here)"),
        ("tab tab enter /", "(nothing can be typed here)"),
        ("? w", yes_or_no),
    ] {
        check(picture(), keys, said);
        let mut model = showing(picture());
        press_at(&mut model, NOW, keys);
        let below = model.overlays.len() - 1;
        assert!(press_at(&mut model, NOW, words).is_empty(), "{keys}");
        assert_eq!(model.overlays.len(), below, "{keys}: Enter closes the box, and nothing else");
        assert!(!model.overlays.iter().any(|overlay| matches!(overlay, Overlay::Notice(_))), "{keys}");
    }
    check(picture(), "w n o esc a y", "{'command':'decide','approval':'A','revision':1,'verdict':{'approve':true}}");
    check(Sample::empty().build(), "s", "(no pane is selected)");
}

#[test]
fn a_pipeline_is_given_its_inputs_before_it_is_started() {
    let input = |name: &str, default: Option<&str>, choices: &[&str]| tmuxagent_model::InputView {
        name: name.to_owned(),
        default: default.map(str::to_owned),
        choices: choices.iter().map(|choice| (*choice).to_owned()).collect(),
        number: false,
    };
    let picture = || {
        let mut idle = crate::sample::run("ship", 3, 1, "s:w.1");
        (idle.run, idle.state) = (None, None);
        idle.inputs = vec![input("branch", Some("main"), &[]), input("env", None, &["dev", "prod"])];
        let mut view = pane(1, "s", "w", PaneState::Idle, "");
        view.pipelines = vec!["ship".to_owned()];
        Sample::empty().pane(view).run(idle).build()
    };
    let start = |inputs: &str| {
        format!("{{'command':'start','pane':'{PANE1}','pipeline':'ship','stage':null,'inputs':{{{inputs}}}}}")
    };
    check(picture(), "n enter enter d e v enter y", &start("'branch':'main','env':'dev'"));
    check(picture(), "n enter 2 enter p r o d enter y", &start("'branch':'main2','env':'prod'"));
    check(picture(), "n enter enter x enter", "(env is one of dev, prod)");
    check(picture(), "n enter esc", "");
}

#[test]
fn a_lease_is_given_for_the_time_that_is_written() {
    let dialog = |class: &[&str], refused: &str| {
        let class = class.iter().map(|pattern| (*pattern).to_owned()).collect();
        let lease = tmuxagent_model::LeaseOffer { class, refused: refused.to_owned() };
        let kind = ApprovalKind::Dialog { agent: "claude".to_owned(), lease };
        let asked = Approval { kind, ..gate("A", 1, "p", "s", "Run it?", "1") };
        Sample::empty().pane(pane(1, "s", "w", PaneState::NeedsApproval, "")).approval(asked).build()
    };
    let lease = |span| format!("{{'command':'grant_lease','approval':'A','revision':1,'span':{span}}}");
    check(dialog(&["cargo test *"], ""), "t enter", &lease(1_800_000));
    check(dialog(&["cargo test *"], ""), "t backspace backspace backspace 2 h enter", &lease(7_200_000));
    check(dialog(&["cargo test *"], ""), "t esc", "");
    check(dialog(&["cargo test *"], ""), "t x enter", "(`30mx` is not a duration)");
    check(dialog(&[], "it deletes"), "t", "(no lease is given for this: it deletes)");
    check(asking(0), "t", "(a lease goes with an agent's question about a command, and this is none)");
}

#[test]
fn who_may_not_decide_is_told_so_before_he_tries() {
    let asked = Approval { approvers: vec!["mei".to_owned()], ..gate("A", 1, "p", "deploy", "Deploy?", "x") };
    let picture = Sample::empty().pane(pane(1, "s", "w", PaneState::NeedsApproval, "")).approval(asked).build();
    for (user, opens) in [("wu", false), ("mei", true), ("", true)] {
        let mut model = showing(picture.clone());
        user.clone_into(&mut model.setup.user);
        press_at(&mut model, later(500), "a");
        assert_eq!(!model.overlays.is_empty(), opens, "{user}");
        let told = model.toasts.iter().any(|toast| toast.text == "wu may not decide this; it is for mei");
        assert_eq!(told, !opens);
    }
}

#[test]
fn a_key_already_under_way_does_not_decide_what_just_appeared() {
    let mut model = showing(Sample::empty().pane(pane(1, "s", "w", PaneState::Idle, "")).build());
    let asked = Sample::empty()
        .pane(pane(1, "s", "w", PaneState::Idle, ""))
        .approval(gate("A", 1, "p", "deploy", "Deploy?", "deploy"))
        .build();
    take(&mut model, NOW, asked);
    press_at(&mut model, later(250), "a");
    assert_eq!(model.overlays, []);
    assert!(model.toasts.iter().any(|toast| toast.text.contains("just appeared")));
    press_at(&mut model, later(300), "a");
    assert!(matches!(model.overlays.as_slice(), [Overlay::Confirm(_)]), "seen for long enough");
}

#[test]
fn a_new_revision_must_be_seen_before_it_is_decided() {
    let first = asking(0);
    let mut model = showing(first.clone());
    let mut second = first;
    second.generation += 1;
    second.approvals[0].revision = 2;
    take(&mut model, NOW, second);
    press_at(&mut model, later(100), "a");
    assert_eq!(model.overlays, []);
    press_at(&mut model, later(400), "a");
    assert_eq!(
        told(&press_at(&mut model, later(400), "y")),
        "{'command':'decide','approval':'A','revision':2,'verdict':{'approve':true}}"
    );
}

pub(super) fn two() -> Snapshot {
    Sample::empty()
        .pane(pane(1, "s", "w", PaneState::NeedsApproval, ""))
        .approval(gate("A", 1, "p", "lint", "Lint?", "lint"))
        .approval(gate("B", 1, "p", "deploy", "Deploy?", "deploy"))
        .build()
}

/// The picture in which somebody else has decided A.
pub(super) fn a_is_decided() -> Snapshot {
    let mut snapshot = two();
    snapshot.generation = 2;
    let a = &mut snapshot.approvals[0];
    a.state = ApprovalState::Approved;
    a.decision = Some(Decision {
        verdict: Verdict { approve: true, answer: None },
        by: Decider::named("wu", Via::Link),
        at: NOW,
    });
    snapshot
}

#[test]
fn when_the_approval_under_the_cursor_goes_the_next_one_is_not_decided_by_the_same_finger() {
    for keys in ["tab tab", ""] {
        let mut model = showing(two());
        press_at(&mut model, NOW, keys);
        take(&mut model, NOW, a_is_decided());
        press_at(&mut model, later(200), "a");
        assert_eq!(model.overlays, [], "B slid under the finger");
        press_at(&mut model, later(350), "a");
        let [Overlay::Confirm(confirm)] = model.overlays.as_slice() else { panic!() };
        assert!(matches!(confirm.as_ref(), Confirm::Decide { approval, .. } if approval.id.as_str() == "B"));
    }
}

#[test]
fn a_question_that_is_open_decides_only_what_it_showed() {
    let mut model = showing(two());
    press_at(&mut model, NOW, "a");
    let mut moved = two();
    moved.generation = 2;
    moved.approvals.reverse();
    moved.approvals.insert(0, gate("C", 1, "p", "publish", "Publish?", "publish"));
    take(&mut model, NOW, moved);
    assert_eq!(
        told(&press_at(&mut model, NOW, "y")),
        "{'command':'decide','approval':'A','revision':1,'verdict':{'approve':true}}",
        "other rows moving changes nothing"
    );
}

#[test]
fn space_goes_round_the_questions_that_are_open() {
    let quiet = pane(3, "s", "quiet", PaneState::Idle, "");
    let other = pane(2, "s", "other", PaneState::NeedsApproval, "");
    let snapshot = || Sample::empty().pane(quiet.clone()).pane(pane(1, "s", "w", PaneState::NeedsApproval, ""));
    let mut model = showing(snapshot().build());
    press_at(&mut model, NOW, "space");
    assert_eq!(model.pane, Some(key(3)), "nobody waits");
    let asked =
        [gate("A", 1, "p", "lint", "?", "x"), gate("B", 1, "p", "test", "?", "x"), gate("C", 2, "p", "lint", "?", "x")];
    let mut busy = asked.into_iter().fold(snapshot().pane(other), Sample::approval).build();
    busy.generation = 2;
    take(&mut model, NOW, busy);
    let mut seen = String::new();
    for _ in 0..4 {
        press_at(&mut model, NOW, "space");
        seen.push_str(model.target().unwrap().id.as_str());
    }
    assert_eq!(seen, "ABCA");
    assert_eq!(model.pane, Some(key(1)));
}

#[test]
fn a_selected_closed_approval_stays_selected() {
    let mut model = showing(a_is_decided());
    press_at(&mut model, NOW, "tab tab G");
    assert_eq!(model.approval.as_ref().map(|id| id.as_str()), Some("A"));
    let mut next = a_is_decided();
    next.generation = 3;
    take(&mut model, NOW, next);
    assert_eq!(model.approval.as_ref().map(|id| id.as_str()), Some("A"));
    check(a_is_decided(), "tab tab G a", "(nothing here waits for a decision)");
}

#[test]
fn a_question_elsewhere_is_neither_shown_as_the_one_nor_decided() {
    let snapshot = || {
        Sample::empty()
            .pane(pane(1, "s", "w", PaneState::NeedsApproval, ""))
            .pane(pane(2, "s", "quiet", PaneState::Idle, ""))
            .approval(gate("A", 1, "p", "lint", "?", "x"))
            .build()
    };
    let mut model = showing(snapshot());
    assert_eq!(model.the_approval().map(|approval| approval.id.as_str()), Some("A"));
    press_at(&mut model, NOW, "j");
    assert_eq!(model.the_approval(), None, "the quiet pane has none");
    press_at(&mut model, NOW, "a");
    assert_eq!(model.overlays, []);
    press_at(&mut model, NOW, "space a");
    assert!(matches!(model.overlays.as_slice(), [Overlay::Confirm(_)]), "space goes there");
}

#[test]
fn a_new_question_comes_before_the_decided_ones_that_are_looked_at() {
    let mut decided = a_is_decided();
    decided.approvals.truncate(1);
    let mut model = showing(decided);
    press_at(&mut model, NOW, "tab tab G");
    assert_eq!(model.the_approval().map(|approval| approval.id.as_str()), Some("A"));
    let mut next = a_is_decided();
    next.generation = 3;
    take(&mut model, NOW, next);
    assert_eq!(model.the_approval().map(|approval| approval.id.as_str()), Some("B"));
    assert_eq!(model.position(Panel::Approvals), Some(0));
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]

    /// Whatever keys come in whatever pictures: no panic, and a decision always names what was on the screen.
    #[test]
    fn a_decision_names_what_was_seen(steps in proptest::collection::vec((0_usize..60, 0_usize..4, 0_i64..400), 1..60)) {
        let keys = ["a", "x", "y", "n", "enter", "esc", "tab", "j", "k", "G", "1", "2", "w", "s", "/", "?", "e", "H", "f", "q"];
        let mut pictures = [two(), a_is_decided(), Sample::crowded().build(), asking(3)];
        let mut model = showing(two());
        let mut now = NOW;
        for (generation, (key, picture, wait)) in steps.into_iter().enumerate() {
            now = now + Millis(u64::try_from(wait).unwrap());
            let shown = model.snapshot.clone().unwrap();
            let actions = if let Some(name) = keys.get(key) {
                press_at(&mut model, now, name)
            } else {
                pictures[picture].generation = u64::try_from(generation).unwrap() + 10;
                take(&mut model, now, pictures[picture].clone())
            };
            for action in actions {
                if let Action::Request(RequestFrame { request: Request::Command { command: Command::Decide { approval, revision, .. } }, .. }) = action {
                    let open = shown.approvals.iter().find(|view| view.id == approval);
                    proptest::prop_assert!(open.is_some_and(|view| view.revision == revision && view.state == ApprovalState::Pending));
                }
            }
            let _ = crate::view::max_scroll(&model);
            // Panel, selection and keys speak of one approval.
            let elsewhere = model.panel != Panel::Approvals && !model.overlays.iter().any(|it| matches!(it, Overlay::Page { .. }));
            if let Some(approval) = model.the_approval().filter(|_| elsewhere) {
                if model.panel == Panel::Runs {
                    let run = model.stage.as_ref().and_then(|stage| model.run_of(stage)?.run);
                    proptest::prop_assert_eq!(approval.run, run);
                } else {
                    proptest::prop_assert_eq!(Some(&approval.pane), model.pane.as_ref());
                }
                proptest::prop_assert_eq!(approval.state, ApprovalState::Pending);
            }
            let before = model.target().map(|approval| approval.id.clone());
            let mut asked = model.clone();
            asked.overlays.clear();
            let the = asked.the_approval().filter(|approval| approval.state == ApprovalState::Pending).map(|approval| approval.id.clone());
            press_at(&mut asked, now + Millis(10_000), "a");
            let decided = match asked.overlays.last() {
                Some(Overlay::Confirm(confirm)) => match confirm.as_ref() {
                    Confirm::Decide { approval, .. } => Some(approval.id.clone()),
                    _ => None,
                },
                _ => None,
            };
            proptest::prop_assert_eq!(decided, the);
            proptest::prop_assert_eq!(before, model.target().map(|approval| approval.id.clone()));
        }
    }
}

#[test]
fn a_plain_yes_to_a_dialog_needs_no_choice_where_one_answer_means_it() {
    let asking = |effect: Vec<KeyStep>| {
        let kind = ApprovalKind::Dialog { agent: "codex".into(), lease: Default::default() };
        let options = ["Yes", "No"].map(str::to_owned).to_vec();
        Sample::empty()
            .pane(pane(1, "s", "w", PaneState::NeedsApproval, ""))
            .approval(Approval { kind, options, effect, ..gate("A", 1, "p", "s", "Run it?", "") })
            .build()
    };
    let yes = "{'command':'decide','approval':'A','revision':1,'verdict':{'approve':true}}";
    check(asking(vec![KeyStep::Key("1".into())]), "a y", yes);
    check(asking(Vec::new()), "a y", "(choose an option by its number first)");
}

#[test]
fn the_key_for_no_takes_a_yes_back_as_long_as_that_is_possible() {
    let picture = |until: Option<tmuxagent_model::Timestamp>| {
        let state = tmuxagent_model::ApprovalState::Approved;
        let asked = Approval { state, undo_until: until, ..gate("A", 1, "p", "s", "Deploy?", "x") };
        Sample::empty().pane(pane(1, "s", "w", PaneState::Running, "")).approval(asked).build()
    };
    let no = "{'command':'decide','approval':'A','revision':1,'verdict':{'approve':false}}";
    check(picture(Some(later(60_000))), "x", "");
    check(picture(Some(later(60_000))), "x n", "");
    check(picture(Some(later(60_000))), "x y", no);
    check(picture(Some(later(60_000))), "tab tab d x y", no);
    check(picture(None), "x", "(nothing here waits for a decision)");
    check(picture(Some(NOW)), "tab tab x", "(nothing here waits for a decision)");
}
