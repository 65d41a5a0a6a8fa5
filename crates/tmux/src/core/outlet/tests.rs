use super::*;
use crate::Position;
use tmuxagent_model::{AgentMessage, HostName, LineEvent, LineSource, ServerId};

fn key(pane: u32) -> PaneKey {
    PaneKey { host: HostName::local(), server: ServerId::new("u"), pane: PaneId(pane), pid: 1 }
}

fn line(pane: u32, seq: u64) -> HostMessage {
    HostMessage::Event(Event::Line(Box::new(LineEvent {
        unended: None,
        front: None,
        pane: key(pane),
        seq,
        text: "x".repeat(60_000),
        source: LineSource::Stream,
        hits: vec![0],
        policy: 1,
        message: None,
    })))
}

fn all(outlet: &mut Outlet) -> Vec<HostMessage> {
    std::iter::from_fn(|| outlet.pop()).collect()
}

#[test]
fn at_the_end_what_stands_behind_an_outcome_is_left_to_the_next_life() {
    let mut outlet = Outlet::default();
    outlet.put(line(1, 1));
    outlet.hold(&key(1));
    outlet.put(line(1, 2));
    outlet.put(HostMessage::Position { pane: key(1), position: Position::default() });
    outlet.put(line(2, 3));
    assert_eq!(all(&mut outlet), [line(1, 1), line(2, 3)]);
}

#[test]
fn more_than_can_be_kept_back_is_a_gap_behind_the_outcome() {
    let mut outlet = Outlet::default();
    outlet.hold(&key(1));
    (0..=MOST_HELD as u64).for_each(|seq| outlet.put(line(1, seq)));
    outlet.release(&key(1), vec![HostMessage::Panes(Vec::new())]);
    let gap = HostMessage::Event(Event::Gap { pane: key(1) });
    assert_eq!(all(&mut outlet), [HostMessage::Panes(Vec::new()), gap, line(1, MOST_HELD as u64)]);
}

#[test]
fn a_supervisor_that_stands_still_costs_the_oldest_lines_and_is_told() {
    let mut outlet = Outlet::default();
    outlet.event(Event::PaneGone { pane: key(9), unwatched: false, by: None });
    outlet.event(Event::PaneGone { pane: key(8), unwatched: false, by: None });
    (0..1000).for_each(|seq| outlet.put(line(1, seq)));
    assert!(outlet.bytes <= MAX_BYTES);
    let got = all(&mut outlet);
    assert!(matches!(got[0], HostMessage::Event(Event::PaneGone { .. })));
    assert!(matches!(got[1], HostMessage::Event(Event::PaneGone { .. })));
    assert!(matches!(&got[2], HostMessage::Event(Event::Gap { pane }) if *pane == key(1)));
    let seqs: Vec<u64> = got
        .iter()
        .filter_map(|m| if let HostMessage::Event(Event::Line(line)) = m { Some(line.seq) } else { None })
        .collect();
    assert_eq!(seqs.last(), Some(&999));
    assert!(seqs.len() > 100 && seqs.windows(2).all(|pair| pair[0] + 1 == pair[1]));
    assert_eq!(outlet.bytes, 0);
}

/// A line, as somebody's text, that a rule asks for or (with a message) nobody does.
fn said(pane: u32, seq: u64, text: &str, message: Option<AgentMessage>) -> HostMessage {
    let HostMessage::Event(Event::Line(mut said)) = line(pane, seq) else { unreachable!() };
    text.clone_into(&mut said.text);
    if message.is_some() {
        said.hits.clear();
    }
    said.message = message;
    HostMessage::Event(Event::Line(said))
}

fn report(kind: &str) -> AgentMessage {
    serde_json::from_str(&format!("{{\"type\": \"{kind}\"}}")).expect("a message")
}

fn ended(pane: u32, exit: i32) -> HostMessage {
    HostMessage::Event(Event::CommandEnded { pane: key(pane), token: None, exit })
}

fn printed(pane: u32, text: &str) -> HostMessage {
    HostMessage::Printed { pane: key(pane), lines: vec![text.to_owned()] }
}

fn seqs(messages: &[HostMessage], of: u32) -> Vec<u64> {
    let seq = |message: &HostMessage| match message {
        HostMessage::Event(Event::Line(line)) if line.pane == key(of) => Some(line.seq),
        _ => None,
    };
    messages.iter().filter_map(seq).collect()
}

fn gaps(messages: &[HostMessage]) -> Vec<u32> {
    let pane = |message: &HostMessage| match message {
        HostMessage::Event(Event::Gap { pane }) => Some(pane.pane.0),
        _ => None,
    };
    messages.iter().filter_map(pane).collect()
}

fn is_empty(outlet: &Outlet) -> bool {
    outlet.is_empty() && outlet.bytes == 0 && outlet.of.is_empty()
}

#[test]
fn what_a_pane_tells_waits_for_few_messages_of_one_that_floods() {
    let mut outlet = Outlet::default();
    (0..5_000).for_each(|seq| outlet.put(said(1, seq, "flood", None)));
    outlet.put(said(2, 1, "needle", None));
    outlet.put(said(2, 2, "needle", None));
    (5_000..6_000).for_each(|seq| outlet.put(said(1, seq, "flood", None)));
    let got = all(&mut outlet);
    let at = got.iter().position(|message| *message == said(2, 1, "needle", None));
    assert_eq!(at, Some(PLACES));
    assert_eq!(seqs(&got, 1), (0..6_000).collect::<Vec<_>>(), "in order, and all");
    assert_eq!(seqs(&got, 2), [1, 2]);
    assert!(is_empty(&outlet));
}

#[test]
fn without_a_flood_the_order_is_that_of_the_host() {
    let mut outlet = Outlet::default();
    let told: Vec<_> = (0..200).map(|seq| (seq as u32 % 3, seq)).collect();
    told.iter().for_each(|(pane, seq)| outlet.put(said(*pane, *seq, "x", None)));
    let got = all(&mut outlet);
    let wanted: Vec<_> = told.iter().map(|(pane, seq)| said(*pane, *seq, "x", None)).collect();
    assert_eq!(got, wanted);
}

#[test]
fn what_tells_of_all_panes_stands_behind_all_that_they_told() {
    let mut outlet = Outlet::default();
    (0..1_000).for_each(|seq| outlet.put(said(1, seq, "flood", None)));
    outlet.put(HostMessage::Claim(None));
    (1_000..2_000).for_each(|seq| outlet.put(said(1, seq, "flood", None)));
    let got = all(&mut outlet);
    assert_eq!(got.iter().position(|message| *message == HostMessage::Claim(None)), Some(1_000));
    assert_eq!(seqs(&got, 1), (0..2_000).collect::<Vec<_>>());
    assert!(is_empty(&outlet));
}

#[test]
fn one_for_which_there_was_no_room_stays_the_next() {
    let mut outlet = Outlet::default();
    (0..1_000).for_each(|seq| outlet.put(said(1, seq, "flood", None)));
    let mut got = Vec::new();
    while let Some(message) = outlet.pop() {
        outlet.put_back(message);
        assert!(!outlet.is_empty());
        got.extend(outlet.pop());
    }
    assert_eq!(seqs(&got, 1), (0..1_000).collect::<Vec<_>>());
    assert!(is_empty(&outlet));
}

#[test]
fn the_gap_is_that_of_the_pane_that_floods() {
    let mut outlet = Outlet::default();
    for seq in 0..2_000 {
        outlet.put(line(1, seq));
        if seq % 20 == 0 {
            outlet.put(said(2, seq, "needle", None));
        }
    }
    assert!(outlet.bytes <= MAX_BYTES);
    let got = all(&mut outlet);
    assert_eq!(gaps(&got), [1]);
    assert_eq!(seqs(&got, 2).len(), 100);
    assert_eq!(seqs(&got, 1).last(), Some(&1_999));
    assert!(is_empty(&outlet));
}

#[test]
fn marks_without_end_are_bounded_and_the_last_position_stays() {
    let mut outlet = Outlet::default();
    let most = i32::try_from(3 * MAX_BYTES / OVERHEAD).expect("a number");
    let position = |row: i32| HostMessage::Position {
        pane: key(1),
        position: Position { screen: vec![row.to_string()], ..Position::default() },
    };
    for exit in 0..most {
        outlet.put(ended(1, exit));
        if exit % 100 == 0 {
            outlet.put(position(exit));
        }
        if exit == 300 {
            outlet.put(said(1, 300, "needle", None));
        }
        if exit == 0 {
            outlet.put(HostMessage::Event(Event::TakenByShell {
                pane: key(1),
                intent: tmuxagent_model::IntentId("a-1".to_owned()),
            }));
        }
        assert!(outlet.bytes <= MAX_BYTES);
    }
    let got = all(&mut outlet);
    assert!(got.len() <= MAX_BYTES / OVERHEAD + PLACES);
    assert_eq!(gaps(&got), [1]);
    assert_eq!(got.iter().filter(|it| matches!(it, HostMessage::Event(Event::TakenByShell { .. }))).count(), 1);
    assert_eq!(seqs(&got, 1), [300], "a line among them stays");
    let exits: Vec<i32> = got
        .iter()
        .filter_map(|it| if let HostMessage::Event(Event::CommandEnded { exit, .. }) = it { Some(*exit) } else { None })
        .collect();
    assert_eq!(exits.last(), Some(&(most - 1)));
    assert!(exits.windows(2).all(|pair| pair[0] + 1 == pair[1]), "the newest, without a hole");
    let first = got.iter().position(|it| matches!(it, HostMessage::Event(Event::CommandEnded { .. }))).expect("one");
    let before = (exits[0] - 1) / 100 * 100;
    assert!(got[..first].contains(&position(before)), "what is kept stands behind its position");
    assert!(is_empty(&outlet));
}

#[test]
fn messages_without_end_of_one_kind_give_way_to_the_newest_and_hide_no_other() {
    let mut outlet = Outlet::default();
    for seq in 0..20_000 {
        outlet.put(printed(1, &format!("row {seq}")));
        outlet.put(match seq {
            7_000 => said(1, seq, "needle", None),
            9_000 => said(1, seq, "a question", Some(report("ASK"))),
            _ => said(1, seq, "the same", Some(report("STATUS"))),
        });
        if seq % 500 == 0 {
            outlet.put(HostMessage::Position { pane: key(1), position: Position::default() });
        }
    }
    assert!(outlet.of.values().all(|own| own.reports < 2 * MOST_REPORTS && own.behind.len() < 4 * MOST_REPORTS));
    let got = all(&mut outlet);
    assert!(gaps(&got).is_empty());
    let seqs = seqs(&got, 1);
    assert!([7_000, 9_000, 19_999].iter().all(|seq| seqs.contains(seq)), "{seqs:?}");
    assert!(seqs.is_sorted());
    let shown = |it: &HostMessage| match it {
        HostMessage::Printed { lines, .. } => Some(lines.clone()),
        _ => None,
    };
    let rows: Vec<String> = got.iter().filter_map(shown).flatten().collect();
    assert_eq!(rows.last().map(String::as_str), Some("row 19999"));
    assert!(rows.contains(&"row 19950".to_owned()), "people see the last ones");
    assert!(is_empty(&outlet));
}
