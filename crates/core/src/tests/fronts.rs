//! Who is in front when a stage begins: told in the round of its keys, or as soon as somebody reads.

use super::*;
use tmuxagent_model::{Effect, Front, Needs, PaneReader, Reads};
use tmuxagent_tmux::PaneLive;

/// Pane 1 shows another reader.
fn reads(room: &mut Room, reads: Reads, pid: u32, name: &str) {
    let front = Some(Front { pid, born: 1, name: name.to_owned() });
    let reader = PaneReader { reads, front, ..PaneReader::default() };
    let live = PaneLive {
        pane: info(1).key,
        title: String::new(),
        last_output: None,
        last_line: String::new(),
        lines: 0,
        bytes: 0,
        reader,
        agent: None,
    };
    room.hear(1, HostMessage::Panes(vec![live]));
}

/// The process that keys are for.
fn meant(effect: &Effect) -> Option<u32> {
    match effect {
        Effect::Send(send) => match &send.needs {
            Needs::Front { basis } => basis.as_ref().map(|basis| basis.front.pid),
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

/// Whom the keys that are to be typed now are for.
fn typed_for(room: &mut Room) -> Vec<Option<u32>> {
    let typed = room.core.acts().into_iter().filter_map(|act| match act {
        Act::Type { intent, .. } => Some(meant(&intent.effect)),
        _ => None,
    });
    typed.collect()
}

fn kept_for(room: &Room) -> Vec<Option<u32>> {
    room.core.engine().open_intents().map(|intent| meant(&intent.effect)).collect()
}

#[test]
fn keys_are_for_the_program_that_was_in_front_when_their_stage_began() {
    let mut room = Room::new();
    reads(&mut room, Reads::Shell, 7, "bash");
    room.print("begin");
    // An editor is opened before the round is written.
    reads(&mut room, Reads::Screen, 9, "vi");
    let batch = room.commit().unwrap();
    assert_eq!(typed_for(&mut room), [Some(7)]);
    assert_eq!(kept_for(&room), [Some(7)], "after a restart as well");
    let told = |row: &tmuxagent_store::JournalRow| matches!(&row.event, Event::InFront { front, .. } if front.pid == 7);
    assert_eq!(batch.events.iter().filter(|row| told(row)).count(), 1, "a replay is told the same");
    assert!(!batch.events.iter().any(|row| matches!(&row.event, Event::InFront { front, .. } if front.pid == 9)));
}

#[test]
fn where_a_program_only_runs_the_keys_are_for_the_first_that_reads() {
    let mut room = Room::new();
    reads(&mut room, Reads::Command, 8, "make");
    room.print("begin");
    room.commit();
    assert_eq!((typed_for(&mut room), kept_for(&room)), (vec![None], vec![None]));
    reads(&mut room, Reads::Shell, 7, "bash");
    reads(&mut room, Reads::Screen, 9, "vi");
    room.commit();
    assert_eq!(kept_for(&room), [Some(7)]);
}

#[test]
fn a_gate_remembers_who_was_in_front_when_it_asked() {
    let mut room = Room::new();
    reads(&mut room, Reads::Shell, 7, "bash");
    room.print("begin");
    room.commit();
    let lint = room.core.engine().open_intents().next().expect("an intent").id.clone();
    let outcome = tmuxagent_model::Outcome::Done;
    room.core.take(room.now, Input::Ended(Event::Outcome { intent: lint, outcome }));
    room.print("passed");
    room.commit();
    room.core.acts();
    reads(&mut room, Reads::Screen, 9, "vi");
    let asked = room.core.engine().view().approvals.remove(0);
    let verdict = tmuxagent_model::Verdict { approve: true, answer: None };
    room.wish(Command::Decide { approval: asked.id, revision: asked.revision, verdict });
    room.commit();
    assert_eq!(typed_for(&mut room), [Some(7)]);
}

#[test]
fn what_a_shell_draws_is_shown_nobody_as_what_its_programs_printed() {
    let mut room = Room::new();
    let pane = info(1).key;
    let learned = vec!["vm# ".to_owned()];
    let prompts = Some(tmuxagent_tmux::KnownPrompts { learned, ..Default::default() });
    let lines = ["vm# make", "not ok 1 - adds", "vm#"].map(str::to_owned).to_vec();
    room.hear(1, HostMessage::Printed { pane: pane.clone(), lines });
    // It is learned only when the shell comes to rest.
    room.hear(1, HostMessage::Position { pane: pane.clone(), position: Position { prompts, ..Position::default() } });
    let Some(Event::Witnessed { printed, .. }) = room.core.witnessed(&Event::Gap { pane }) else { panic!("no lines") };
    assert_eq!(printed.iter().map(|line| line.text.as_str()).collect::<Vec<_>>(), ["not ok 1 - adds"]);
}

/// What is shown beside a run is its own: no prompt, and nothing that its pane printed before or after it.
#[test]
fn a_run_shows_the_last_line_that_its_stage_printed() {
    let mut room = Room::new();
    let pane = info(1).key;
    let learned = vec!["vm# ".to_owned()];
    let prompts = Some(tmuxagent_tmux::KnownPrompts { learned, ..Default::default() });
    room.hear(1, HostMessage::Position { pane: pane.clone(), position: Position { prompts, ..Position::default() } });
    room.hear(1, HostMessage::Printed { pane: pane.clone(), lines: vec!["of another".to_owned()] });
    let begin = room.core.now + tmuxagent_model::Millis(1);
    let (before, after) = (begin + tmuxagent_model::Millis(5), begin + tmuxagent_model::Millis(50));
    for (at, lines) in [(before, &["not ok 1 - adds", "", "vm# "][..]), (after, &["later"])] {
        room.core.view.wrote(&pane, lines.iter().map(|line| (*line).to_owned()).collect(), at);
    }
    let mut run = room.core.engine().view().runs[0].clone();
    assert_eq!(room.core.last_line(&run), None, "it has not begun");
    run.stages[0].attempt = 1;
    run.stages[0].started_at = Some(begin);
    run.stages[0].ended_at = Some(before);
    assert_eq!(room.core.last_line(&run).as_deref(), Some("not ok 1 - adds"));
    run.stages[0].ended_at = None;
    assert_eq!(room.core.last_line(&run).as_deref(), Some("later"));
}

/// Where a pane needs somebody though no question is open, its explanation says why, once.
#[test]
fn an_explanation_tells_of_a_program_that_waits_for_somebody() {
    let mut room = Room::new();
    let waits = |room: &Room| {
        let Reply::Explanation { runs } = room.core.explain("%1") else { panic!("no explanation") };
        let told = runs.iter().flat_map(|run| run["waits_for"].as_array().unwrap());
        told.filter(|why| why.as_str().unwrap().ends_with("waits for a line")).count()
    };
    assert_eq!(waits(&room), 0);
    reads(&mut room, Reads::Line, 9, "npm init");
    let row = Some("package name:".to_owned());
    room.core.step(&Event::Waits { pane: info(1).key, front: None, password: false, row, question: None });
    assert_eq!(waits(&room), 1);
}

/// Where one command ends and the next begins in the same instant, each has its own lines.
#[test]
fn what_was_printed_before_a_fact_is_older_than_what_begins_with_it() {
    let mut room = Room::new();
    let pane = info(1).key;
    room.hear(1, HostMessage::Printed { pane: pane.clone(), lines: vec!["ok".to_owned()] });
    let now = room.core.now;
    room.core.step(&Event::CommandEnded { pane: pane.clone(), token: None, exit: 0 });
    room.core.view.wrote(&pane, vec!["not ok".to_owned()], now);
    let older: Vec<bool> = room.core.view.last_lines(&pane).iter().map(|line| line.at < now).collect();
    assert_eq!(older, [true, false]);
}

#[test]
fn that_a_command_printed_nothing_is_told_where_it_was_read_from_its_begin() {
    let mut room = Room::new();
    let pane = info(1).key;
    let told = |room: &Room| room.core.witnessed(&Event::Gap { pane: info(1).key }).is_some();
    assert!(!told(&room), "who began to read in its middle does not know");
    room.hear(
        1,
        HostMessage::Event(Event::CommandBegan { pane: pane.clone(), token: Some("t".to_owned()), line: None }),
    );
    assert!(told(&room));
    room.hear(1, HostMessage::Event(Event::Gap { pane }));
    assert!(!told(&room), "some of it was lost");
}

/// A later life knows nothing of what the life before it read, so it does not say that there was nothing.
#[test]
fn a_later_life_does_not_say_that_a_command_printed_nothing() {
    let told = |room: &Room| room.core.witnessed(&Event::Gap { pane: info(1).key }).is_some();
    let mut room = Room::new();
    let began = Event::CommandBegan { pane: info(1).key, token: Some("t".to_owned()), line: None };
    room.hear(1, HostMessage::Event(began.clone()));
    assert!(told(&room));
    let engine = tmuxagent_engine::Engine::restore(super::policy(), room.core.engine().rows()).unwrap();
    let mut room = Room::with(engine, super::Restored::default());
    room.see(1);
    room.commit();
    assert!(!told(&room));
    // Of one that begins in this life it is known again.
    room.hear(1, HostMessage::Event(began));
    assert!(told(&room));
}

/// What another run in the same pane is asked is none of the explained one's.
#[test]
fn an_explanation_of_a_run_does_not_wait_for_the_question_of_another() {
    let mut room = Room::new();
    let begins = |room: &mut Room| {
        room.print("begin");
        room.commit();
        let sent: Vec<_> = room.core.engine().open_intents().map(|intent| intent.id.clone()).collect();
        for intent in sent {
            let outcome = tmuxagent_model::Outcome::Done;
            room.core.take(room.now, Input::Ended(Event::Outcome { intent, outcome }));
        }
    };
    begins(&mut room);
    let (run, control) = (tmuxagent_model::RunId(1), tmuxagent_model::RunControl::Cancel);
    room.wish(Command::Control { run, stage: None, control });
    room.commit();
    // The first run is over, and its second stage was not reached; that of the second run asks.
    begins(&mut room);
    room.print("passed");
    room.commit();
    let asked = room.core.engine().view().approvals.remove(0);
    assert_eq!(asked.run, Some(tmuxagent_model::RunId(2)));
    let build = |room: &Room, run: &str| {
        let Reply::Explanation { runs } = room.core.explain(run) else { panic!("no explanation") };
        runs[1].clone()
    };
    let told = build(&room, "1");
    assert_eq!((&told["state"], &told["waits_for"]), (&"waiting".into(), &serde_json::json!([])), "{told:#}");
    let told = build(&room, "2");
    let waits = told["waits_for"][0].as_str().unwrap_or_default();
    assert!(waits.starts_with(&format!("a decision on {}", asked.id)), "{told:#}");
}

/// A command may begin, print and be looked at within one millisecond.
#[test]
fn what_a_command_prints_is_younger_than_its_begin_whatever_is_decided_within_that_millisecond() {
    let mut room = Room::new();
    let (pane, now) = (info(1).key, room.core.now);
    let print = |room: &mut Room, text: &str| room.core.view.wrote(&pane, vec![text.to_owned()], now);
    print(&mut room, "of another");
    room.core.view.began(&pane, now);
    print(&mut room, "error: its own");
    room.core.view.decided(&pane, now);
    print(&mut room, "more");
    room.core.view.decided(&pane, now);
    // An attempt's output begins with this instant.
    let from = Timestamp(now.0 - 1);
    let own: Vec<String> =
        room.core.view.last_lines(&pane).into_iter().filter(|line| line.at >= from).map(|line| line.text).collect();
    assert_eq!(own, ["error: its own", "more"]);
}
