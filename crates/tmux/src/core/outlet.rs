//! The one ordered queue of a host towards the supervisor.
//!
//! **Invariants:** putting never waits. What must not be lost (panes, outcomes, states) is never dropped; when the
//! supervisor falls far behind, the oldest lines are, and each pane that lost some gets an [`Event::Gap`] in their
//! place.

use crate::HostMessage;
use std::collections::{HashMap, VecDeque};
use tmuxagent_model::{Event, PaneKey};

/// How many bytes of lines may wait here.
const MAX_BYTES: usize = 16 * 1024 * 1024;

/// How many messages of one pane are kept back at most; with more they go, and a gap is told in their place.
const MOST_HELD: usize = 1_000;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Outlet {
    waiting: VecDeque<HostMessage>,
    bytes: usize,
    /// What panes told that stands behind something still to come.
    held: HashMap<PaneKey, Vec<HostMessage>>,
}

impl Outlet {
    /// Hands on a message.
    pub fn put(&mut self, message: HostMessage) {
        if let Some(pane) = pane_of(&message).filter(|_| !self.held.is_empty())
            && let Some(held) = self.held.get_mut(pane)
        {
            if !matches!(message, HostMessage::Event(Event::PaneGone { .. })) {
                if held.len() >= MOST_HELD {
                    held.clear();
                    held.push(HostMessage::Event(Event::Gap { pane: pane.clone() }));
                }
                held.push(message);
                return;
            }
            let pane = pane.clone();
            self.release(&pane, Vec::new());
        }
        self.pass(message);
    }

    /// Keeps back what a pane tells from now on.
    pub fn hold(&mut self, pane: &PaneKey) {
        self.held.entry(pane.clone()).or_default();
    }

    /// Hands on `first`, then what was kept back of a pane.
    pub fn release(&mut self, pane: &PaneKey, first: Vec<HostMessage>) {
        let held = self.held.remove(pane).unwrap_or_default();
        first.into_iter().chain(held).for_each(|message| self.pass(message));
    }

    fn pass(&mut self, message: HostMessage) {
        self.bytes += weight(&message);
        self.waiting.push_back(message);
        if self.bytes > MAX_BYTES {
            self.shed();
        }
    }

    /// Shorthand for an event.
    pub fn event(&mut self, event: Event) {
        self.put(HostMessage::Event(event));
    }

    /// Whether everything was handed on.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// The next message. What is kept back stays untold at the end, with its positions: it stands behind an outcome that
    /// only the next life will know, and that one reads it again.
    pub fn pop(&mut self) -> Option<HostMessage> {
        let message = self.waiting.pop_front()?;
        self.bytes -= weight(&message);
        Some(message)
    }

    /// There was no room for it.
    pub fn put_back(&mut self, message: HostMessage) {
        self.bytes += weight(&message);
        self.waiting.push_front(message);
    }

    /// Drops the older half of the lines and leaves a gap for each pane that lost some.
    fn shed(&mut self) {
        let mut lost: Vec<PaneKey> = Vec::new();
        let mut kept = VecDeque::with_capacity(self.waiting.len() / 2 + 1);
        for message in self.waiting.drain(..) {
            match message {
                HostMessage::Event(Event::Line(line)) if self.bytes > MAX_BYTES / 2 => {
                    self.bytes -= line.text.len() + OVERHEAD;
                    if !lost.contains(&line.pane) {
                        kept.push_back(HostMessage::Event(Event::Gap { pane: line.pane.clone() }));
                        lost.push(line.pane);
                    }
                }
                // Later lines make up for it.
                HostMessage::Printed { .. } if self.bytes > MAX_BYTES / 2 => self.bytes -= weight(&message),
                other => kept.push_back(other),
            }
        }
        self.waiting = kept;
    }
}

/// What a message takes beside its text, bytes, roughly.
const OVERHEAD: usize = 200;

/// The pane whose output, or end, a message tells.
const fn pane_of(message: &HostMessage) -> Option<&PaneKey> {
    match message {
        HostMessage::Event(Event::Line(line)) => Some(&line.pane),
        HostMessage::Event(Event::Agent(seen)) => Some(&seen.pane),
        HostMessage::Event(
            Event::ShellMarks { pane, .. }
            | Event::CommandBegan { pane, .. }
            | Event::Foreground { pane, .. }
            | Event::CommandEnded { pane, .. }
            | Event::Gap { pane }
            | Event::Program { pane, .. }
            | Event::Dialog { pane, .. }
            | Event::Waits { pane, .. }
            | Event::Answered { pane, .. }
            | Event::Activity { pane }
            | Event::PaneGone { pane, .. },
        )
        | HostMessage::Printed { pane, .. }
        | HostMessage::Position { pane, .. } => Some(pane),
        HostMessage::Ended(_)
        | HostMessage::Event(
            Event::PaneSeen { .. }
            | Event::LeftOpen { .. }
            | Event::TakenByShell { .. }
            | Event::HostLost { .. }
            | Event::InFront { .. }
            | Event::Asked { .. }
            | Event::Timer { .. }
            | Event::Outcome { .. }
            | Event::Polled { .. }
            | Event::PolicyLoaded { .. }
            | Event::Witnessed { .. },
        )
        | HostMessage::Status { .. }
        | HostMessage::Claim(_)
        | HostMessage::Left { .. }
        | HostMessage::Awaits { .. }
        | HostMessage::Panes(_)
        | HostMessage::Malformed { .. }
        | HostMessage::Screen { .. } => None,
    }
}

/// How much a message counts; only what panes printed is shed, so only that needs a true weight.
fn weight(message: &HostMessage) -> usize {
    match message {
        HostMessage::Event(Event::Line(line)) => line.text.len() + OVERHEAD,
        HostMessage::Printed { lines, .. } => lines.iter().map(String::len).sum::<usize>() + OVERHEAD,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tmuxagent_model::{HostName, LineEvent, LineSource, PaneId, ServerId};

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
        outlet.put(HostMessage::Position { pane: key(1), position: crate::Position::default() });
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
}
