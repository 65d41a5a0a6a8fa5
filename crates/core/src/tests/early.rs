//! Decisions that come before the panes of a life are known.

use super::*;
use tmuxagent_ipc::wire::ErrorKind;
use tmuxagent_model::{ApprovalId, Millis, Verdict};

/// A later life, in which build waits for a decision.
fn asked() -> (Room, ApprovalId) {
    let mut room = Room::new();
    room.print("begin");
    room.commit();
    let intent = room.core.engine().open_intents().next().unwrap().id.clone();
    let outcome = tmuxagent_model::Outcome::Done;
    room.core.take(room.now, Input::Ended(Event::Outcome { intent, outcome }));
    room.print("passed");
    room.commit();
    let asked = room.core.engine().view().approvals[0].id.clone();
    let engine = Engine::restore(policy(), room.core.engine().rows()).unwrap();
    (Room::with(engine, Restored::default()), asked)
}

fn approve(room: &mut Room, approval: &ApprovalId) -> Ticket {
    let verdict = Verdict { approve: true, answer: None };
    room.wish(Command::Decide { approval: approval.clone(), revision: 1, verdict })
}

fn observed(room: &mut Room) {
    let (state, version, detail) = (HostState::Live, "3.3a".to_owned(), String::new());
    room.hear(1, HostMessage::Status { state, version, detail });
}

#[test]
fn a_yes_to_a_pane_that_is_gone_is_none_and_to_one_that_is_seen_is_taken() {
    for there in [false, true] {
        let (mut room, asked) = asked();
        let ticket = approve(&mut room, &asked);
        room.commit();
        assert_eq!(room.answers(), []);
        observed(&mut room);
        room.commit();
        assert_eq!(room.answers(), [], "which panes it shows is not known yet");
        if there {
            room.see(1);
        } else {
            room.now = room.core.next_wake().unwrap().max(room.now + Millis(3000));
            room.core.fire(room.now);
        }
        room.commit();
        let answers = room.answers();
        let [(answered, reply)] = &answers[..] else { panic!("{answers:?}") };
        assert_eq!(*answered, ticket);
        match reply {
            Reply::Committed { .. } => assert!(there),
            Reply::Error { kind: ErrorKind::AlreadyDecided, .. } => assert!(!there),
            other => panic!("{other:?}"),
        }
        let typed = room.core.engine().open_intents().next().is_some();
        assert_eq!(typed, there);
    }
}

#[test]
fn a_host_that_says_nothing_or_can_not_be_reached_holds_up_nothing_for_long() {
    let (mut room, silent) = asked();
    approve(&mut room, &silent);
    room.now = room.core.next_wake().unwrap().max(room.now + Millis(10_000));
    room.core.fire(room.now);
    room.commit();
    assert!(matches!(&room.answers()[..], [(_, Reply::Committed { .. })]));

    let (mut room, unreachable) = asked();
    approve(&mut room, &unreachable);
    let (state, version, detail) = (HostState::Unreachable, String::new(), "no route".to_owned());
    room.hear(1, HostMessage::Status { state, version, detail });
    room.commit();
    assert!(matches!(&room.answers()[..], [(_, Reply::Committed { .. })]));
}

#[test]
fn at_the_end_nothing_was_done_with_it() {
    let (mut room, asked) = asked();
    let ticket = approve(&mut room, &asked);
    room.core.begin_end();
    let answers = room.answers();
    assert!(
        matches!(&answers[..], [(to, Reply::Error { kind: ErrorKind::Ending, .. })] if *to == ticket),
        "{answers:?}"
    );
}

#[test]
fn what_an_earlier_life_was_asking_is_asked_once_the_panes_are_read() {
    let text = "pipelines:\n- name: p\n  match: {window_name: w}\n  stages:\n  - name: s\n    triggers: [{log_regex: '^begin$'}]\n    actions_on_start: [{send_keys: go}]\n    success_when: [{poll: {command: 'test -e done'}}]\n    timeout: 5m\n";
    let policy = || {
        let mut policy = load(&[Source::new("p.yaml", text)]).unwrap_or_else(|problems| panic!("{problems}"));
        policy.generation = 1;
        Arc::new(policy)
    };
    let asks = |room: &mut Room| room.core.acts().iter().filter(|act| matches!(act, Act::Perform(_))).count();
    let mut room = Room::with(Engine::new(policy()), Restored::default());
    room.see(1);
    room.print("begin");
    room.commit();
    let intent = room.core.engine().open_intents().next().unwrap().id.clone();
    let outcome = tmuxagent_model::Outcome::Done;
    room.core.take(room.now, Input::Ended(Event::Outcome { intent, outcome }));
    room.commit();
    assert_eq!(asks(&mut room), 1);
    let engine = Engine::restore(policy(), room.core.engine().rows()).unwrap();
    let mut room = Room::with(engine, Restored::default());
    room.core.fire(room.now);
    room.commit();
    assert_eq!(asks(&mut room), 0, "its answer would come before what its pane has printed");
    room.see(1);
    let due = room.core.next_wake().unwrap();
    room.now = room.now.max(due) + Millis(1500);
    room.core.fire(room.now);
    room.commit();
    assert_eq!(asks(&mut room), 1);
    room.core.fire(room.now);
    assert_eq!(asks(&mut room), 0, "once");
}
