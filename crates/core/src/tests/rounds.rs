//! What one commit holds, and what must wait for it.

use super::*;
use crate::Unwritten;
use tmuxagent_config::Problem;
use tmuxagent_ipc::wire::ErrorKind;
use tmuxagent_model::{
    ApprovalId, ApprovalState, Effect, Intent, Millis, Note, Outcome, RunState, SkipReason, Verdict,
};
use tmuxagent_store::Durability;

fn intent(room: &Room) -> Intent {
    room.core.engine().open_intents().next().expect("an open intent").clone()
}

fn outcome(intent: &Intent, outcome: Outcome) -> Input {
    Input::Ended(Event::Outcome { intent: intent.id.clone(), outcome })
}

#[test]
fn nothing_is_typed_before_its_intent_is_written() {
    let mut room = Room::new();
    room.print("begin");
    assert_eq!(room.typed(), []);
    let round = room.core.finish(room.now).unwrap();
    assert!(!round.batch().changes.is_empty() && room.typed().is_empty());
    room.core.written(room.now, round, Committed::default());
    assert_eq!(room.typed(), [(Life(1), "lint".to_owned(), false)]);
    assert!(room.commit().is_none() && room.typed().is_empty(), "once");
}

#[test]
fn a_round_that_cannot_be_written_stays_whole_and_is_tried_again_later() {
    let mut room = Room::new();
    room.core.snapshot(room.now + Millis(40)).unwrap();
    room.print("begin");
    room.fail();
    assert_eq!(room.typed(), []);
    let shown = room.core.snapshot(room.now + Millis(100)).unwrap();
    assert!(
        shown
            .problems
            .iter()
            .any(|problem| problem.part == "state" && problem.text.to_string().contains("the disk is full"))
    );
    assert!(shown.runs.iter().all(|run| run.state != Some(RunState::Open)), "what is not saved has not happened");
    assert!(room.commit().is_none(), "not at once");
    assert_eq!(room.core.next_wake(), Some(room.now + Millis(1000)));
    // What happens meanwhile joins it.
    room.see(2);
    room.now = room.now + Millis(1000);
    let batch = room.commit().unwrap();
    assert!(batch.events.len() >= 2);
    assert_eq!(room.typed(), [(Life(1), "lint".to_owned(), false)]);
    assert!(room.core.snapshot(room.now + Millis(200)).unwrap().problems.is_empty());
}

#[test]
fn what_was_answered_stands_in_the_picture_whatever_was_shown_a_moment_before() {
    let mut room = Room::new();
    room.now = room.now + Millis(40);
    room.core.snapshot(room.now).unwrap();
    room.now = room.now + Millis(1);
    room.wish(Command::Freeze);
    assert!(room.core.snapshot(room.now).is_none(), "pictures have a pause between them");
    room.commit();
    assert!(room.core.snapshot(room.now).is_none());
    assert!(room.core.snapshot_at_once(room.now).unwrap().frozen.is_some());
    assert!(room.core.snapshot_at_once(room.now).is_none(), "once");
}

#[test]
fn no_answer_of_white_space_or_of_several_lines_decides_anything() {
    let mut room = Room::new();
    for answer in ["", " ", "\n", "\u{200b}", "a\nb", "\u{3}"] {
        let verdict = Verdict { approve: true, answer: Some(answer.into()) };
        room.wish(Command::Decide { approval: ApprovalId::new("x"), revision: 1, verdict });
        room.commit();
        let told = room.answers();
        assert!(matches!(&told[..], [(_, Reply::Error { kind: ErrorKind::Refused, .. })]), "{answer:?}: {told:?}");
    }
}

#[test]
fn an_answer_waits_for_the_commit_and_is_uncertain_when_that_fails() {
    let mut room = Room::new();
    let freeze = room.wish(Command::Freeze);
    assert_eq!(room.answers(), []);
    let batch = room.commit().unwrap();
    assert_eq!(batch.durability, Durability::PowerLoss, "a person's word survives a power failure");
    assert!(matches!(&room.answers()[..], [(ticket, Reply::Committed { .. })] if *ticket == freeze));
    let unfreeze = room.wish(Command::Unfreeze);
    room.fail();
    assert!(matches!(&room.answers()[..], [(ticket, Reply::Uncertain { .. })] if *ticket == unfreeze));
    room.now = room.now + Millis(1000);
    assert!(room.commit().is_some());
    assert_eq!(room.answers(), [], "it was answered once");
}

#[test]
fn what_only_asks_is_answered_without_a_commit() {
    let mut room = Room::new();
    room.print("begin");
    room.commit();
    let ticket = room.ask(Request::Explain { target: "%1".to_owned() });
    let is_explained = |(answered, reply): &(Ticket, Reply)| {
        *answered == ticket && matches!(reply, Reply::Explanation { runs } if !runs.is_empty())
    };
    let answers = room.answers();
    assert!(answers.len() == 1 && answers.iter().all(is_explained), "{answers:?}");
    room.ask(Request::Explain { target: "%77".to_owned() });
    assert!(matches!(&room.answers()[..], [(_, Reply::Error { text, .. })] if text.contains("%77")));
    assert!(room.commit().is_none());
}

#[test]
fn a_line_and_its_position_share_a_round() {
    let mut room = Room::new();
    room.print_without_position("begin");
    assert!(room.core.awaits_positions());
    room.hear(1, HostMessage::Position { pane: info(1).key, position: Position::default() });
    assert!(!room.core.awaits_positions());
    let batch = room.commit().unwrap();
    assert_eq!((batch.events.len(), batch.positions.len()), (1, 1));
    // The newest position alone is kept, and that of a pane that is gone is forgotten.
    for _ in 0..3 {
        room.hear(1, HostMessage::Position { pane: info(1).key, position: Position::default() });
    }
    room.hear(1, HostMessage::Event(Event::PaneGone { pane: info(1).key, unwatched: false, by: None }));
    assert_eq!(room.commit().unwrap().positions.last(), Some(&(info(1).key, None)));
}

#[test]
fn an_outcome_lets_the_next_send_go_once_it_is_written() {
    let mut room = Room::new();
    room.print("begin");
    room.commit();
    let sent = intent(&room);
    room.core.acts();
    room.core.take(room.now, outcome(&sent, Outcome::Done));
    let released = |acts: Vec<Act>| acts.into_iter().any(|act| matches!(act, Act::Release(Life(1), _)));
    assert!(!released(room.core.acts()));
    room.commit();
    assert!(released(room.core.acts()));
    assert_eq!(room.core.live_view().counters.sent, 1);
}

#[test]
fn an_alert_is_in_the_outbox_by_the_same_commit() {
    let mut room = Room::new();
    room.print("begin");
    room.commit();
    let sent = intent(&room);
    room.core.take(room.now, outcome(&sent, Outcome::Done));
    room.commit();
    room.print("passed");
    let mut round: Unwritten = room.core.finish(room.now).unwrap();
    let routed = std::cell::RefCell::new(Vec::new());
    round.route(|intent, alert| {
        routed.borrow_mut().push((intent.clone(), alert.kind));
        Vec::new()
    });
    assert_eq!(routed.borrow().len(), 1, "the gate of build asks");
    assert_eq!(round.batch().durability, Durability::PowerLoss);
    room.core.written(room.now, round, Committed::default());
    let open =
        |room: &Room| room.core.engine().view().approvals.into_iter().find(|a| a.state == ApprovalState::Pending);
    let asked = open(&room).unwrap();
    assert!(room.core.engine().open_intents().all(|intent| !matches!(intent.effect, Effect::Alert(_))));
    let verdict = Verdict { approve: true, answer: None };
    room.core.acts();
    room.wish(Command::Decide { approval: asked.id, revision: asked.revision, verdict });
    assert_eq!(room.typed(), []);
    room.commit();
    assert_eq!(room.typed(), [(Life(1), "build".to_owned(), false)]);
}

#[test]
fn a_timer_fires_when_it_is_due_and_wakes_the_shell() {
    let mut room = Room::new();
    room.print("begin");
    room.commit();
    let sent = intent(&room);
    room.core.take(room.now, outcome(&sent, Outcome::Done));
    room.commit();
    room.core.snapshot(room.now);
    let due = room.now + Millis(300_000);
    room.core.fire(due - Millis(1));
    assert!(room.commit().is_none_or(|batch| batch.events.is_empty()));
    room.core.fire(due);
    let told = room.commit().unwrap().events;
    assert!(told.iter().any(|row| matches!(row.event, Event::Timer { .. })), "{told:?}");
}

#[test]
fn a_send_that_was_never_begun_is_withdrawn_within_its_round() {
    let mut room = Room::new();
    room.print("begin");
    let run = room.core.engine().view().runs.iter().find_map(|run| run.run).unwrap();
    room.wish(Command::Control { run, stage: None, control: tmuxagent_model::RunControl::Cancel });
    let batch = room.commit().unwrap();
    assert_eq!(room.typed(), [], "nothing of it was typed");
    let skipped = |event: &Event| {
        matches!(event, Event::Outcome { outcome: Outcome::Skipped { reason: SkipReason::Withdrawn }, .. })
    };
    assert!(batch.events.iter().any(|row| skipped(&row.event)));
    // One that was handed out is asked back.
    room.print("begin");
    room.commit();
    let sent = intent(&room);
    room.core.acts();
    let run = sent.run.unwrap();
    room.wish(Command::Control { run, stage: None, control: tmuxagent_model::RunControl::Cancel });
    room.commit();
    assert!(room.core.acts().contains(&Act::Withdraw(Life(1), sent.id)));
}

#[test]
fn the_last_round_performs_nothing() {
    let mut room = Room::new();
    room.print("begin");
    room.core.begin_end();
    let last = room.core.finish_last(room.now).unwrap();
    assert_eq!(last.batch().events.len(), 1);
    room.core.written(room.now, last, Committed::default());
    assert_eq!(room.typed(), [], "the next life settles it");
}

/// A view shows one line for it, and an event is one; the command that shows the rest is named.
#[test]
fn what_is_broken_at_a_reload_is_told_in_one_line() {
    let mut room = Room::new();
    let text = "p.yaml:3:5: error[missing-key]: a pipeline needs the key `match`\n  |\n3 |   - name: x";
    for (part, hint, told) in [
        (
            "configuration",
            None,
            "error[missing-key]: a pipeline needs the key `match`; `tmuxagent config check` shows it",
        ),
        (
            "policy",
            Some("p.yaml:3:5: needs `match`; `tmuxagent config check` shows it"),
            "needs `match`; `tmuxagent config check` shows it",
        ),
    ] {
        let problem = Problem { hint: hint.map(str::to_owned), ..Problem::plain(text.to_owned()) };
        room.core.refuse_reload(room.now, None, part, &problem);
        let told = format!("p.yaml:3:5: {told}");
        let notes = room.commit().expect("a round").notes;
        let [(_, _, Note::PolicyBroken { error })] = &notes[..] else { panic!("{notes:?}") };
        assert_eq!(*error, told);
    }
    // Put back to what it was: a bad policy is not the last that is told of it.
    room.core.reload_unchanged(room.now, None);
    let notes = room.commit().expect("a round").notes;
    assert!(matches!(notes[..], [(_, _, Note::PolicyLoaded { pipelines: 1 })]), "{notes:?}");
    room.core.reload_unchanged(room.now, None);
    assert_eq!(room.commit().map(|batch| batch.notes).unwrap_or_default(), []);
}
