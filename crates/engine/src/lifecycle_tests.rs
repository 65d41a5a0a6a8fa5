use super::*;
use tmuxagent_model::{ApprovalId, ApprovalKind, HostName, PaneId, PaneKey, ServerId};

const STATES: [ApprovalState; 5] = [
    ApprovalState::Pending,
    ApprovalState::Approved,
    ApprovalState::Rejected,
    ApprovalState::Expired,
    ApprovalState::Superseded,
];

fn approval() -> Approval {
    Approval {
        id: ApprovalId::new("A1"),
        revision: 2,
        kind: ApprovalKind::Gate,
        state: ApprovalState::Pending,
        pane: PaneKey { host: HostName::local(), server: ServerId::new("s"), pane: PaneId(1), pid: 9 },
        place: "s:w.0".to_owned(),
        run: None,
        pipeline: None,
        stage: None,
        attempt: 1,
        question: "deploy?".to_owned(),
        effect: Vec::new(),
        effect_text: String::new(),
        effect_no: Vec::new(),
        option_effects: Vec::new(),
        evidence: Vec::new(),
        options: Vec::new(),
        confirm: None,
        approvers: Vec::new(),
        folder: String::new(),
        asked_at: Timestamp(0),
        expires_at: None,
        reminders: 0,
        decision: None,
        closed_at: None,
        undo_until: None,
    }
}

fn by(who: &str, via: Via) -> Decider {
    Decider::named(who, via)
}

const fn yes() -> Verdict {
    Verdict { approve: true, answer: None }
}

#[test]
fn the_whole_table() {
    let mut table = String::new();
    for state in STATES {
        let row: Vec<String> =
            Input::ALL.iter().map(|&input| next(state, input).map_or("–".to_owned(), |to| format!("{to:?}"))).collect();
        table.push_str(&format!("{state:?}: {}\n", row.join(" ")));
    }
    insta::assert_snapshot!(table, @r"
    Pending: Approved Rejected Expired Superseded –
    Approved: – – – – Rejected
    Rejected: – – – – –
    Expired: – – – – –
    Superseded: – – – – –
    ");
}

#[test]
fn only_a_yes_opens() {
    for state in STATES {
        for input in Input::ALL {
            if next(state, input) == Some(ApprovalState::Approved) {
                assert_eq!((state, input), (ApprovalState::Pending, Input::Approve));
            }
        }
    }
}

#[test]
fn the_late_decider_is_told_who_was_first() {
    let mut asked = approval();
    decide(&mut asked, 2, &yes(), &by("mei", Via::Popup), Timestamp(1_763_719_402_000)).expect("first");
    let late = decide(&mut asked, 2, &Verdict { approve: false, answer: None }, &by("li", Via::Link), Timestamp(9));
    assert_eq!(
        late,
        Err(Refusal::AlreadyDecided("already approved by mei at 2025-11-21 10:03:22 UTC via popup".to_owned()))
    );
    assert_eq!(asked.decision.map(|d| d.by.who).as_deref(), Some("mei"));
}

#[test]
fn another_revision_is_stale_and_decides_nothing() {
    let mut asked = approval();
    assert!(matches!(
        decide(&mut asked, 1, &yes(), &by("mei", Via::Key), Timestamp(5)),
        Err(Refusal::Stale(text)) if text.contains("revision 1, now 2")
    ));
    assert_eq!(asked, approval());
}

#[test]
fn an_answer_must_be_offered() {
    let mut asked = approval();
    asked.options = vec!["rerun".to_owned(), "wait".to_owned()];
    let answer = |text: &str| Verdict { approve: true, answer: Some(text.to_owned()) };
    assert!(matches!(
        decide(&mut asked, 2, &answer("dance"), &by("mei", Via::Key), Timestamp(5)),
        Err(Refusal::NotOffered(text)) if text == "`dance` is no answer to A1; choose one of: rerun, wait"
    ));
    assert_eq!(decide(&mut asked, 2, &answer("wait"), &by("mei", Via::Key), Timestamp(5)), Ok(()));
    let mut agent = Approval { kind: ApprovalKind::Agent, ..approval() };
    assert_eq!(decide(&mut agent, 2, &answer("dance"), &by("mei", Via::Key), Timestamp(5)), Ok(()));
}

#[test]
fn what_is_closed_stays_closed() {
    let mut asked = approval();
    assert!(close(&mut asked, Input::Expire, Timestamp(7)));
    assert!(!close(&mut asked, Input::Supersede, Timestamp(8)));
    assert!(matches!(
        decide(&mut asked, 2, &yes(), &by("mei", Via::Key), Timestamp(9)),
        Err(Refusal::AlreadyDecided(text)) if text == "already expired, at 1970-01-01 00:00:00 UTC"
    ));
}

#[test]
fn a_yes_can_be_taken_back_once() {
    let mut asked = approval();
    decide(&mut asked, 2, &yes(), &by("mei", Via::Key), Timestamp(5)).expect("yes");
    let no = Verdict { approve: false, answer: None };
    assert_eq!(take_back(&mut asked, 2, &no, &by("mei", Via::Key), Timestamp(6)), Ok(()));
    assert_eq!(asked.state, ApprovalState::Rejected);
    assert!(take_back(&mut asked, 2, &no, &by("mei", Via::Key), Timestamp(7)).is_err());
}
