//! Collectors that come, go, fail and change, and what becomes of what they were to type.

use super::*;
use crate::reload::Reloaded;
use tmuxagent_engine::Options;
use tmuxagent_model::{
    AlertKind, EntityKind, HostState, KeyStep, Millis, Note, OpenQuestion, Outcome, Owner, PaneId, SkipReason, Urgency,
};

fn reload(room: &mut Room, hosts: Vec<HostConfig>) {
    let reloaded = Reloaded {
        policy: policy(),
        policies: Vec::new(),
        hosts,
        options: Options::default(),
        redactor: Redactor::default(),
        changes: Vec::new(),
    };
    room.core.reload(room.now, None, reloaded);
}

/// A room in which lint is being typed; what.
fn typing() -> (Room, tmuxagent_model::Intent) {
    let mut room = Room::new();
    room.print("begin");
    room.commit();
    let intent = room.core.engine().open_intents().next().unwrap().clone();
    room.core.acts();
    (room, intent)
}

fn outcomes(batch: &Batch) -> Vec<Outcome> {
    let outcome = |row: &tmuxagent_store::JournalRow| match fact(&row.event) {
        // Alerts are done by standing in the outbox.
        Event::Outcome { outcome, .. } if *outcome != Outcome::Done => Some(outcome.clone()),
        _ => None,
    };
    batch.events.iter().filter_map(outcome).collect()
}

/// What happened, without the lines that a question about it shows.
fn fact(event: &Event) -> &Event {
    match event {
        Event::Witnessed { fact, .. } => fact,
        event => event,
    }
}

#[test]
fn a_host_that_is_configured_no_more_ends_what_it_was_asked() {
    let (mut room, intent) = typing();
    reload(&mut room, Vec::new());
    assert!(room.core.acts().contains(&Act::EndHost(Life(1))));
    // Of its collector only outcomes count.
    room.print("passed");
    room.core.take(room.now, Input::CameBack { intent, begun: false });
    room.core.take(room.now, Input::HostEnded(HostName::local(), Life(1)));
    let batch = room.commit().unwrap();
    assert!(batch.events.iter().all(|row| !matches!(row.event, Event::Line(_))));
    assert!(room.core.engine().open_intents().next().is_none(), "every effect has its end");
    assert!(!room.core.acts().iter().any(|act| matches!(act, Act::StartHost(_))));
}

#[test]
fn who_watches_the_same_server_is_told_that_a_name_is_gone_once_its_collector_has_ended() {
    let told = |room: &mut Room| {
        let acts = room.core.acts().into_iter();
        let told = acts.filter_map(|act| if let Act::Gone(life, names) = act { Some((life.0, names)) } else { None });
        let mut told: Vec<_> = told.collect();
        told.sort_unstable();
        told
    };
    let local = std::collections::BTreeSet::from([HostName::local()]);
    let mut room = Room::new();
    reload(&mut room, vec![host("box", 300)]);
    assert_eq!(told(&mut room), [], "it still holds what it claimed");
    room.core.take(room.now, Input::HostEnded(HostName::local(), Life(1)));
    assert_eq!(told(&mut room), [(2, local.clone())]);
    // Who comes later is told, too; and nobody that a name is gone which is back.
    reload(&mut room, vec![host("box", 300), host("nas", 300)]);
    assert_eq!(told(&mut room), [(3, local)]);
    reload(&mut room, vec![host("box", 300), host("nas", 300), host("local", 300)]);
    assert_eq!(told(&mut room), [1, 2, 3].map(|n| (n + 1, std::collections::BTreeSet::new())));
}

#[test]
fn a_host_with_another_configuration_goes_on_with_what_waited() {
    let (mut room, intent) = typing();
    reload(&mut room, vec![host("local", 300)]);
    assert!(room.core.acts().contains(&Act::EndHost(Life(1))));
    // What the old collector did not begin comes back before its end, and waits for the next.
    room.core.take(room.now, Input::CameBack { intent: intent.clone(), begun: false });
    assert_eq!(room.typed(), []);
    room.core.take(room.now, Input::HostEnded(HostName::local(), Life(1)));
    assert_eq!(room.typed(), [], "not before what the first one told is written down");
    room.commit();
    let acts = room.core.acts();
    let start = acts.iter().find_map(|act| if let Act::StartHost(start) = act { Some(start) } else { None }).unwrap();
    assert_eq!((start.life, start.config.tmux.capture_lines), (Life(2), 300));
    assert!(start.remembered.contains_key(&info(1).key), "it reads on where the other stood");
    assert_eq!(start.running.get(&info(1).key).map(Vec::len), Some(1));
    assert!(
        acts.iter()
            .any(|act| matches!(act, Act::Type { life: Life(2), intent: typed, begun: false } if *typed == intent))
    );
    // The same configuration again changes nothing.
    reload(&mut room, vec![host("local", 300)]);
    assert_eq!(room.core.acts(), []);
}

#[test]
fn what_was_begun_is_settled_before_anything_newer_is_typed() {
    let (mut room, begun) = typing();
    reload(&mut room, vec![host("local", 300)]);
    // Somebody asks for keys while the first collector still hands over what it has.
    let steps = vec![KeyStep::Text("newer".to_owned())];
    room.wish(Command::Send { pane: info(1).key, steps, insist: false });
    room.commit();
    assert_eq!(room.typed(), []);
    room.core.take(room.now, Input::CameBack { intent: begun, begun: true });
    room.core.take(room.now, Input::HostEnded(HostName::local(), Life(1)));
    room.commit();
    let lint = (Life(2), "lint".to_owned(), true);
    assert_eq!(room.typed(), [lint, (Life(2), String::new(), false)]);
}

#[test]
fn no_collector_gets_the_same_twice() {
    let (mut room, intent) = typing();
    room.core.take(room.now, Input::CameBack { intent, begun: false });
    let batch = room.commit().unwrap();
    assert!(matches!(&outcomes(&batch)[..], [Outcome::Skipped { reason: SkipReason::Unreachable(_) }]));
    assert_eq!(room.typed(), []);
}

#[test]
fn what_may_have_been_typed_by_a_collector_that_fails_is_asked() {
    let (mut room, intent) = typing();
    room.core.take(room.now, Input::CameBack { intent, begun: true });
    room.core.take(room.now, Input::HostEnded(HostName::local(), Life(1)));
    let batch = room.commit().unwrap();
    assert!(matches!(&outcomes(&batch)[..], [Outcome::Unknown { .. }]));
    assert!(batch.events.iter().any(|row| matches!(fact(&row.event), Event::HostLost { .. })));
    room.core.acts();
    // It is watched again a while later.
    room.now = room.now + Millis(2999);
    room.commit();
    assert!(!room.core.acts().iter().any(|act| matches!(act, Act::StartHost(_))));
    room.now = room.now + Millis(1);
    room.commit();
    let started = |act: &Act| matches!(act, Act::StartHost(start) if start.life == Life(2));
    assert!(room.core.acts().iter().any(started));
}

#[test]
fn a_pane_that_went_between_two_collectors_is_gone() {
    let (mut room, _) = typing();
    room.see(2);
    room.commit();
    reload(&mut room, vec![host("local", 300)]);
    room.core.take(room.now, Input::HostEnded(HostName::local(), Life(1)));
    room.commit();
    // The next one shows pane 2 alone.
    let (state, version, detail) = (HostState::Live, "3.3a".to_owned(), String::new());
    room.hear(2, HostMessage::Status { state, version, detail });
    room.hear(2, HostMessage::Event(Event::PaneSeen { info: Box::new(info(2)) }));
    room.commit();
    room.now = room.now + Millis(3000);
    room.core.fire(room.now);
    let batch = room.commit().unwrap();
    let gone = |row: &tmuxagent_store::JournalRow| match fact(&row.event) {
        Event::PaneGone { pane, .. } => Some(pane.clone()),
        _ => None,
    };
    assert_eq!(batch.events.iter().filter_map(gone).collect::<Vec<_>>(), [info(1).key]);
}

#[test]
fn a_collector_that_cannot_be_started_is_started_again() {
    let mut room = Room::with(Engine::new(policy()), Restored::default());
    room.core.acts();
    room.core.take(room.now, Input::HostNotStarted(HostName::local(), "no thread".to_owned()));
    let shown = room.core.snapshot(room.now).unwrap();
    assert!(shown.problems[0].text.to_string().contains("no thread"), "{:?}", shown.problems);
    room.now = room.now + Millis(3000);
    room.commit();
    assert!(room.core.acts().iter().any(|act| matches!(act, Act::StartHost(_))));
    assert!(room.core.snapshot(room.now + Millis(3000)).unwrap().problems.is_empty());
}

#[test]
fn what_a_crash_left_is_settled_before_the_pane_is_read_on() {
    let (room, intent) = typing();
    let mut engine = Engine::new(policy());
    engine.step(room.now, &Event::PaneSeen { info: Box::new(info(1)) });
    // The state as the store keeps it, of a life in which the keys were under way.
    let mut entities: Vec<(EntityKind, String, String)> = Vec::new();
    let begin = LineEvent {
        unended: None,
        front: None,
        pane: info(1).key,
        seq: 1,
        text: "begin".to_owned(),
        source: LineSource::Stream,
        hits: policy().rules_for(&HostName::local(), &info(1).facts).scan("begin"),
        policy: 1,
        message: None,
    };
    let mut life = Engine::new(policy());
    for event in [
        Event::PolicyLoaded { hash: policy().hash.clone() },
        Event::PaneSeen { info: Box::new(info(1)) },
        Event::Line(Box::new(begin)),
    ] {
        for change in life.step(room.now, &event).changes {
            entities.retain(|(kind, key, _)| (*kind, key) != (change.kind, &change.key));
            entities.extend(change.body.map(|body| (change.kind, change.key, body)));
        }
    }
    let mut room = Room::with(Engine::restore(policy(), entities).unwrap(), Restored::default());
    assert_eq!(room.typed(), [(Life(1), "lint".to_owned(), true)], "its mark tells whether it was typed");
    room.see(1);
    room.print("passed");
    room.commit();
    let done = |room: &Room| room.core.engine().view().approvals.len();
    assert_eq!(done(&room), 0, "what was printed waits for the outcome of the keys");
    let open = room.core.engine().open_intents().next().unwrap().clone();
    assert_eq!(open.stage, intent.stage);
    room.core.take(room.now, Input::Ended(Event::Outcome { intent: open.id, outcome: Outcome::Done }));
    room.commit();
    assert_eq!(done(&room), 1, "lint passed, and build asks");
}

#[test]
fn panes_of_an_earlier_life_that_are_not_seen_again_are_gone() {
    let mut engine = Engine::new(policy());
    engine.step(Timestamp(1), &Event::PaneSeen { info: Box::new(info(9)) });
    let mut room = Room::with(engine, Restored::default());
    room.see(1);
    room.commit();
    room.core.fire(room.now + Millis(2999));
    assert!(room.core.engine().view().panes.contains_key(&info(9).key));
    room.core.fire(room.now + Millis(3000));
    assert!(!room.core.engine().view().panes.contains_key(&info(9).key));
    assert!(room.core.engine().view().panes.contains_key(&info(1).key));
}

#[test]
fn on_a_server_of_another_supervisor_nothing_is_decided() {
    let mut room = Room::new();
    let owner = Owner { machine: "nas".into(), user: "li".into(), ..Owner::default() };
    room.hear(1, HostMessage::Claim(Some(Box::new(owner))));
    room.print("begin");
    room.commit();
    assert_eq!(room.typed(), []);
    room.wish(Command::Start {
        pane: info(1).key,
        pipeline: "chain".to_owned(),
        stage: None,
        inputs: tmuxagent_model::Variables::new(),
    });
    room.commit();
    assert!(matches!(&room.answers()[..], [(_, Reply::Error { text, .. })] if text.contains("nas")));
    assert!(room.core.snapshot(room.now + Millis(50)).unwrap().panes.iter().any(|pane| pane.info.key == info(1).key));
    // It is ours now.
    room.hear(1, HostMessage::Claim(None));
    room.print("begin");
    room.commit();
    assert_eq!(room.typed().len(), 1);
}

#[test]
fn what_is_printed_between_two_supervisors_is_acted_on_or_told() {
    let owner = |gone| HostMessage::Claim(Some(Box::new(Owner { machine: "nas".into(), gone, ..Owner::default() })));
    let mut room = Room::new();
    room.hear(1, owner(None));
    // The other one was there, ended some time after this, was gone.
    room.print("begin");
    room.now = room.now + Millis(5000);
    room.print("begin");
    room.now = room.now + Millis(500);
    room.hear(1, owner(Some(Millis(1000))));
    room.print("begin");
    room.commit();
    assert_eq!(room.typed(), []);
    room.hear(1, HostMessage::Claim(None));
    let batch = room.commit().unwrap();
    assert_eq!(room.typed().len(), 1);
    let doubtful = "printed as the supervisor before this one ended, which may have acted on it, and not acted on by this one: `begin`";
    let told = batch.notes.iter().filter(|(_, _, note)| matches!(note, Note::Text { text } if text == doubtful));
    assert_eq!(told.count(), 1);
    // One that comes back reads what it missed.
    let mut room = Room::new();
    room.hear(1, owner(None));
    room.hear(1, owner(Some(Millis(1000))));
    room.print("begin");
    room.hear(1, owner(None));
    room.hear(1, HostMessage::Claim(None));
    room.commit();
    assert_eq!(room.typed(), []);
}

/// A pane that prints much as the other one ends is told of once.
#[test]
fn lines_of_a_pane_on_which_another_supervisor_may_have_acted_are_told_together() {
    let owner = |gone| HostMessage::Claim(Some(Box::new(Owner { machine: "nas".into(), gone, ..Owner::default() })));
    let mut room = Room::new();
    room.hear(1, owner(None));
    (0..30).for_each(|_| room.print("begin"));
    room.hear(1, owner(Some(Millis(1000))));
    room.hear(1, HostMessage::Claim(None));
    let batch = room.commit().unwrap();
    let told = |text: &&str| text.contains("the supervisor before this one ended");
    let texts = batch.notes.iter().filter_map(|(_, _, note)| match note {
        Note::Text { text } => Some(text.as_str()),
        _ => None,
    });
    let words = "20 lines printed as the supervisor before this one ended, which may have acted on them, \
                 and not acted on by this one; the last: `begin`";
    assert_eq!(texts.filter(told).collect::<Vec<_>>(), [words]);
}

/// A life that ends between the end of the other one and its own taking of the server has acted on nothing that it read.
#[test]
fn what_is_read_between_two_supervisors_counts_as_read_once_something_follows_from_it() {
    let owner = |gone| HostMessage::Claim(Some(Box::new(Owner { machine: "nas".into(), gone, ..Owner::default() })));
    let placed = |batch: Option<Batch>| {
        let positions = batch.map(|batch| batch.positions).unwrap_or_default();
        positions.into_iter().map(|(pane, position)| (pane, position.is_some())).collect::<Vec<_>>()
    };
    let (pane, mut room) = (info(1).key, Room::new());
    room.hear(1, owner(None));
    room.print("begin");
    assert_eq!(placed(room.commit()), [(pane.clone(), true)], "the other one acts on it");
    room.hear(1, owner(Some(Millis(1000))));
    room.print("begin");
    assert_eq!(placed(room.commit()), []);
    room.hear(1, HostMessage::Claim(None));
    let batch = room.commit().unwrap();
    assert!(batch.events.iter().any(|row| matches!(fact(&row.event), Event::Line(_))), "both in one round");
    assert_eq!(placed(Some(batch)), [(pane.clone(), true)]);

    // One that comes back reads it itself.
    let mut room = Room::new();
    room.hear(1, owner(Some(Millis(1000))));
    room.print("begin");
    assert_eq!(placed(room.commit()), []);
    room.hear(1, owner(None));
    assert_eq!(placed(room.commit()), [(pane.clone(), true)]);

    // Of a pane that is gone nothing is left.
    let mut room = Room::new();
    room.hear(1, owner(Some(Millis(1000))));
    room.print("begin");
    room.hear(1, HostMessage::Event(Event::PaneGone { pane: pane.clone(), unwatched: false, by: None }));
    room.hear(1, HostMessage::Claim(None));
    assert_eq!(placed(room.commit()), [(pane, false)]);
}

#[test]
fn views_are_shown_the_panes_they_look_at_and_leave_their_own_unread() {
    let mut room = Room::new();
    room.core.acts();
    room.ask(Request::WatchPane { pane: Some(info(1).key) });
    assert!(room.core.acts().contains(&Act::WatchScreens(Life(1), vec![info(1).key])));
    room.ask(Request::Hello {
        protocol: 2,
        version: String::new(),
        via: Via::Key,
        pane: Some("%5".to_owned()),
        tmux_socket: Some("/tmp/s".to_owned()),
    });
    assert!(room.core.acts().contains(&Act::Exclude(Life(1), PaneId(5))));
    room.ask(Request::Bye);
    let acts = room.core.acts();
    assert!(acts.contains(&Act::WatchScreens(Life(1), Vec::new())) && acts.contains(&Act::Include(Life(1), PaneId(5))));
}

#[test]
fn a_state_of_a_host_is_told_once() {
    let mut room = Room::new();
    for _ in 0..3 {
        let (state, version) = (HostState::Unreachable, "3.3a".to_owned());
        room.hear(1, HostMessage::Status { state, version, detail: "gone".to_owned() });
    }
    let notes = room.commit().unwrap().notes;
    assert_eq!(notes.iter().filter(|(.., note)| matches!(note, Note::Host { .. })).count(), 1);
}

#[test]
fn marks_of_a_shell_are_believed_by_who_has_read_one() {
    let mut room = Room::new();
    let pane = info(1).key;
    room.hear(1, HostMessage::Event(Event::ShellMarks { pane: pane.clone(), trusted: true }));
    room.commit();
    let marked = |room: &Room| room.core.engine().panes_with_shell_marks(&HostName::local());
    assert_eq!(marked(&room), std::slice::from_ref(&pane));
    // The collector that follows begins with readers that know nothing yet.
    reload(&mut room, vec![host("local", 300)]);
    room.core.take(room.now, Input::HostEnded(HostName::local(), Life(1)));
    room.commit();
    assert_eq!(marked(&room), []);
    room.hear(2, HostMessage::Event(Event::ShellMarks { pane: pane.clone(), trusted: true }));
    assert_eq!(marked(&room), [pane]);
}

#[test]
fn a_collector_that_begins_while_sending_is_frozen_is_told_first() {
    let (mut room, _) = typing();
    room.wish(Command::Freeze);
    room.commit();
    room.core.acts();
    reload(&mut room, vec![host("local", 300)]);
    room.core.take(room.now, Input::HostEnded(HostName::local(), Life(1)));
    room.commit();
    let acts = room.core.acts();
    let place = |wanted: &dyn Fn(&Act) -> bool| acts.iter().position(wanted);
    let started = place(&|act| matches!(act, Act::StartHost(_)));
    let frozen = place(&|act| *act == Act::Freeze(Life(2), true));
    let typed = place(&|act| matches!(act, Act::Type { .. }));
    assert!(started.is_some() && started < frozen && typed.is_none_or(|typed| frozen < Some(typed)), "{acts:?}");
}

#[test]
fn what_another_supervisor_had_asked_is_told_once_its_pane_is_known() {
    let question = |pane: u32, stage: &str| OpenQuestion {
        pane: PaneId(pane),
        pipeline: "chain".to_owned(),
        stage: stage.to_owned(),
        asked: Timestamp(1),
    };
    let asks = vec![question(1, "one"), question(7, "two")];
    let owner = Owner { machine: "nas".into(), user: "li".into(), asks, ..Owner::default() };
    let gone = Owner { gone: Some(Millis(10)), ..owner.clone() };
    let mut room = Room::new();
    room.hear(1, HostMessage::Claim(Some(Box::new(gone))));
    room.hear(1, HostMessage::Left { server: info(1).key.server, owners: vec![owner] });
    room.commit();
    assert!(room.core.left.values().all(|left| left.owners[0].asks.len() == 2), "not yet ours");
    room.hear(1, HostMessage::Claim(None));
    let told = |batch: &tmuxagent_store::Batch, part: &str| {
        batch.notes.iter().filter(|(_, _, note)| matches!(note, Note::Text { text } if text.contains(part))).count()
            + batch.events.iter().filter(|row| row.notes.iter().any(|note| format!("{note:?}").contains(part))).count()
    };
    let batch = room.commit().unwrap();
    assert_eq!(told(&batch, "a decision about chain/one was open at li's tmuxagent on nas"), 1, "{batch:?}");
    assert_eq!(told(&batch, "chain/two"), 0);
    // A pane that is listed later.
    room.hear(1, HostMessage::Event(Event::PaneSeen { info: Box::new(info(7)) }));
    assert!(!room.core.acts().contains(&Act::LeftIsTold(Life(1))), "it stands there until it is written down");
    assert_eq!(told(&room.commit().unwrap(), "a decision about chain/two was open at li's tmuxagent on nas"), 1);
    assert!(room.core.left.is_empty());
    assert!(room.core.acts().contains(&Act::LeftIsTold(Life(1))), "what is written down stands there no more");
    // Of another server, or of a pane that is not shown: nothing is told, and nothing is kept.
    let asks = vec![question(1, "three"), question(9, "four")];
    let owners = vec![Owner { asks, ..Owner::default() }];
    room.hear(1, HostMessage::Left { server: tmuxagent_model::ServerId::new("other"), owners });
    room.see(1);
    room.core.fire(room.now + Millis(3000));
    let batch = room.commit();
    assert!(batch.is_none_or(|batch| told(&batch, "chain/") == 0));
    assert!(room.core.left.is_empty() && room.core.acts().contains(&Act::LeftIsTold(Life(1))));
}

/// The same stage is asked about again, and its supervisor is gone again, while the first alert has just been sent.
#[test]
fn each_decision_that_was_open_elsewhere_is_an_alert_of_its_own() {
    let owner = |asked: i64| {
        let (pipeline, stage) = ("chain".to_owned(), "one".to_owned());
        let asks = vec![OpenQuestion { pane: PaneId(1), pipeline, stage, asked: Timestamp(asked) }];
        Owner { machine: "nas".into(), user: "li".into(), asks, ..Owner::default() }
    };
    let mut room = Room::new();
    let mut keys = Vec::new();
    // The last is told once more, by a life that began before it was taken off the server.
    for asked in [1, 2, 2] {
        room.now = room.now + Millis(1000);
        room.hear(1, HostMessage::Left { server: info(1).key.server, owners: vec![owner(asked)] });
        room.hear(1, HostMessage::Claim(None));
        let mut round = room.core.finish(room.now).unwrap();
        let alerts = std::cell::RefCell::new(Vec::new());
        round.route(|_, alert| {
            alerts.borrow_mut().push((alert.kind, alert.urgency, alert.dedupe.clone()));
            Vec::new()
        });
        room.core.written(room.now, round, Committed::default());
        let [(AlertKind::Approval, Urgency::High, key)] = &alerts.borrow()[..] else { panic!("{alerts:?}") };
        keys.push(key.clone());
    }
    assert_ne!(keys[0], keys[1], "the second is not merged into the first");
    assert_eq!(keys[1], keys[2], "and one that is told twice is");
}

#[test]
fn a_host_is_named_before_anything_is_known_of_it() {
    let mut room = Room::with(Engine::new(policy()), Restored::default());
    let snapshot = room.core.snapshot(room.now + Millis(50)).unwrap();
    assert_eq!(snapshot.hosts.iter().map(|host| host.state).collect::<Vec<_>>(), [HostState::Connecting]);
}

/// In events, questions and the picture alike.
#[test]
fn the_machines_name_stands_wherever_its_pane_is_told() {
    let mut room = Room::new();
    reload(&mut room, vec![host("local", 200), host("nas", 200)]);
    let of_nas = || {
        let mut info = info(1);
        info.key.host = HostName::new("nas");
        info.facts.session = "main".into();
        info
    };
    let hear = |room: &mut Room, message| room.core.take(room.now, Input::Host(HostName::new("nas"), Life(2), message));
    let (state, version, detail) = (tmuxagent_model::HostState::Live, "3.3a".to_owned(), String::new());
    hear(&mut room, HostMessage::Status { state, version, detail });
    hear(&mut room, HostMessage::Event(Event::PaneSeen { info: Box::new(of_nas()) }));
    room.commit();
    let start = Command::Start {
        pane: of_nas().key,
        pipeline: "chain".into(),
        stage: Some("build".into()),
        inputs: Default::default(),
    };
    room.wish(start);
    let batch = room.commit().expect("a round");
    let notes: Vec<_> = batch.events.into_iter().flat_map(|row| row.notes).collect();
    assert!(!notes.is_empty() && notes.iter().all(|(_, place, _)| place.starts_with("nas/main:w.0")), "{notes:?}");
    let asked = room.core.engine().view().approvals.into_iter().next().expect("a question");
    assert!(asked.told_place().starts_with("nas/main:w.0"), "{asked:?}");
}
