//! A question that ends or changes under an open dialog: the dialog stays, decides nothing, and only Escape closes it.

use super::deciding::{a_is_decided, asking, two};
use super::*;
use crate::view::tests_shown as shown;
use tmuxagent_model::{Approval, ApprovalKind, LeaseOffer};

/// Every way to have a dialog about the question A open, with what it takes to open it.
fn dialogs() -> Vec<(&'static str, Snapshot)> {
    let with = |change: &dyn Fn(&mut Approval)| {
        let mut snapshot = two();
        change(&mut snapshot.approvals[0]);
        snapshot
    };
    let lease = LeaseOffer { class: vec!["cargo test *".to_owned()], refused: String::new() };
    let dialog = ApprovalKind::Dialog { agent: "claude".to_owned(), lease };
    vec![
        ("a", two()),
        ("x", two()),
        ("tab tab enter a", two()),
        ("a d e", with(&|asked| asked.confirm = Some("deploy".to_owned()))),
        ("w o", with(&|asked| asked.kind = ApprovalKind::Agent)),
        ("a w o", with(&|asked| asked.kind = ApprovalKind::Agent)),
        ("w o k enter", with(&|asked| asked.kind = ApprovalKind::Agent)),
        ("t", with(&|asked| asked.kind = dialog.clone())),
    ]
}

/// What is told of an end, and what the world does then.
type End = (&'static str, fn(&mut Snapshot));

/// What the world does to A: somebody decides it, it expires, it goes, it asks something else.
fn ends() -> [End; 4] {
    [
        ("approved by wu (", |snapshot| snapshot.approvals[0].clone_from(&a_is_decided().approvals[0])),
        ("expired", |snapshot| snapshot.approvals[0].state = ApprovalState::Expired),
        ("it was decided or closed meanwhile", |snapshot| drop(snapshot.approvals.remove(0))),
        ("it changed meanwhile", |snapshot| snapshot.approvals[0].revision = 2),
    ]
}

#[test]
fn a_dialog_whose_question_is_over_gives_no_key_to_the_screen() {
    for (keys, snapshot) in dialogs() {
        for (became, end) in ends() {
            let mut model = showing(snapshot.clone());
            press_at(&mut model, NOW, keys);
            let open = model.overlays.len();
            assert!(open > 0 && !model.is_void(), "{keys}");
            let mut next = snapshot.clone();
            next.generation = 2;
            end(&mut next);
            take(&mut model, NOW, next);
            assert_eq!(model.overlays.len(), open, "{keys}: {became}: it stays open");
            assert!(shown(&model).contains(became), "{keys}: {became}: {}", shown(&model));
            // Words with the letters of a yes, a no, an approval, a cancel, an end; keys that mean yes, close or quit.
            let typed = "s t a g i n g c i t y q n x enter y alt-y alt-q ctrl-c tab ctrl-t 1 space backspace enter";
            let (before, panel) = (model.overlays.clone(), model.panel);
            assert_eq!(told(&press_at(&mut model, later(2_000), typed)), "", "{keys}: {became}");
            let pasted = update(&mut model, later(2_000), Msg::Paste("y\nq".to_owned()));
            assert_eq!(told(&pasted), "");
            assert_eq!((&model.overlays, model.panel), (&before, panel), "{keys}: {became}");
            press_at(&mut model, later(2_000), "esc");
            assert!(model.overlays.iter().all(|overlay| matches!(overlay, Overlay::Page { .. })), "{keys}: {became}");
        }
    }
}

#[test]
fn a_changed_question_is_decided_once_it_was_looked_at() {
    let mut model = showing(two());
    press_at(&mut model, NOW, "a");
    let mut changed = two();
    changed.generation = 2;
    changed.approvals[0].revision = 2;
    take(&mut model, NOW, changed);
    assert_eq!(told(&press_at(&mut model, later(2_000), "y esc")), "");
    assert_eq!(
        told(&press_at(&mut model, later(2_000), "a y")),
        "{'command':'decide','approval':'A','revision':2,'verdict':{'approve':true}}"
    );
}

#[test]
fn a_question_elsewhere_leaves_a_line_alone() {
    for keys in ["s l s", "/ s", "x"] {
        let mut model = showing(two());
        press_at(&mut model, NOW, keys);
        let mut other = two();
        (other.generation, other.approvals[1].state) = (2, ApprovalState::Expired);
        take(&mut model, NOW, other);
        assert!(!model.is_void() && model.overlays.len() == 1, "{keys}");
    }
}

#[test]
fn a_command_that_waits_for_words_is_given_them() {
    let asks = |n_options| {
        let mut snapshot = asking(n_options);
        snapshot.approvals[0].kind = ApprovalKind::Asks;
        snapshot.approvals[0].effect = Vec::new();
        snapshot
    };
    let answer = "{'command':'decide','approval':'A','revision':1,'verdict':{'approve':true,'answer':'ok'}}";
    check(asks(0), "a o k enter y", answer);
    check(asks(0), "w o k enter y", answer);
    check(asks(0), "a enter", "(nothing to send)");
    check(asks(0), "x", "(a no has nothing to type here: answer in words, or cancel the run)");
    check(asks(3), "x y", "{'command':'decide','approval':'A','revision':1,'verdict':{'approve':false}}");
    check(asks(3), "a 2 y", &answer.replace("ok", "绿"));
}
