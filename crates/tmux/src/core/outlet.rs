//! The one ordered queue of a host towards the supervisor.
//!
//! **Invariants:** putting never waits. What a pane tells keeps its order, and so does all of a host as long as nobody floods:
//! of each pane only so much has a place in the one queue, what it tells beyond that waits behind in a queue of its own, and
//! goes on when its places are free. So what one pane tells waits for few messages of each other one, whatever they print.
//! What must not be lost (panes, outcomes, states) is never dropped; when the supervisor falls far behind, the oldest lines or
//! marks, whichever flood, of the pane of which most waits are, and that pane alone gets an [`Event::Gap`] in their place.

use crate::HostMessage;
use std::collections::{BTreeMap, HashMap, VecDeque};
use tmuxagent_model::{Event, MessageType, PRINTED, PaneId, PaneKey};

/// How many bytes of what panes printed may wait here.
const MAX_BYTES: usize = 16 * 1024 * 1024;

/// How many messages of one pane are kept back at most; with more they go, and a gap is told in their place.
const MOST_HELD: usize = 1_000;

/// How many messages of one pane have a place in the one queue, and with how many bytes.
const PLACES: usize = 256;
const PLACE_BYTES: usize = 256 * 1024;

/// So many messages of agents that no rule asks for wait behind in one pane, more than the supervisor takes of a pane at
/// once. With more the newest of a kind takes the place of the one before it.
const MOST_REPORTS: usize = 256;
/// How far back that one is looked for: one of each kind, and what people see between them.
const NEAR: usize = 16;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Outlet {
    /// The next one, for which there was no room.
    returned: Option<HostMessage>,
    waiting: VecDeque<HostMessage>,
    /// What of it is whose, and what waits behind it; whoever has something behind has something in it.
    of: BTreeMap<PaneId, Own>,
    bytes: usize,
    /// What panes told that stands behind something still to come.
    held: HashMap<PaneKey, Vec<HostMessage>>,
}

/// What waits of one pane, or of those that had its number before.
#[derive(Debug, Default)]
struct Own {
    /// In the one queue.
    placed: usize,
    placed_bytes: usize,
    behind: VecDeque<HostMessage>,
    /// The agent's messages behind that no rule asks for.
    reports: usize,
    /// Of all.
    bytes: usize,
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
        let Some(pane) = place_of(&message) else {
            if !is_picture(&message) {
                // It tells of all panes, and so stands behind all that they told.
                self.of.values_mut().for_each(|own| own.advance(&mut self.waiting, usize::MAX, usize::MAX));
            }
            self.waiting.push_back(message);
            return;
        };
        let own = self.of.entry(pane).or_default();
        let before = own.bytes;
        own.bytes += weight(&message);
        own.defer(message);
        if own.placed < PLACES && own.placed_bytes < PLACE_BYTES && own.behind.len() == 1 {
            own.advance(&mut self.waiting, 1, usize::MAX);
        }
        self.bytes = self.bytes + own.bytes - before;
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
        self.returned.is_none() && self.waiting.is_empty()
    }

    /// The next message. What is kept back stays untold at the end, with its positions: it stands behind an outcome that
    /// only the next life will know, and that one reads it again.
    pub fn pop(&mut self) -> Option<HostMessage> {
        if let Some(message) = self.returned.take() {
            return Some(message);
        }
        let message = self.waiting.pop_front()?;
        if let Some(pane) = place_of(&message)
            && let Some(own) = self.of.get_mut(&pane)
        {
            let weight = weight(&message);
            self.bytes -= weight;
            own.bytes -= weight;
            own.placed_bytes -= weight;
            own.placed -= 1;
            if own.placed == 0 {
                own.advance(&mut self.waiting, PLACES, PLACE_BYTES);
            }
            if own.placed == 0 {
                self.of.remove(&pane);
            }
        }
        Some(message)
    }

    /// There was no room for the one that was taken last.
    pub fn put_back(&mut self, message: HostMessage) {
        self.returned = Some(message);
    }

    /// Drops the older half of what the pane printed of which most waits, and leaves a gap for it.
    fn shed(&mut self) {
        let Some((pane, own)) = self.of.iter_mut().max_by_key(|(_, own)| own.bytes) else { return };
        let (pane, before) = (*pane, own.bytes);
        let all = self.waiting.iter().filter(|message| place_of(message) == Some(pane)).chain(&own.behind);
        let lines: usize = all.filter(|message| is_line(message)).map(weight).sum();
        let lines = 2 * lines >= before;
        let mut shedding = Shedding { bytes: before, most: before / 2, lines, lost: Vec::new(), position: None };
        let mut kept = VecDeque::with_capacity(self.waiting.len());
        for message in self.waiting.drain(..) {
            if place_of(&message) == Some(pane) {
                shedding.sift(message, &mut kept);
            } else {
                kept.push_back(message);
            }
        }
        self.waiting = kept;
        let mut behind = VecDeque::with_capacity(own.behind.len() / 2 + 1);
        own.behind.drain(..).for_each(|message| shedding.sift(message, &mut behind));
        behind.extend(shedding.position.take());
        own.behind = behind;
        own.reports = own.behind.iter().filter(|message| report_of(message).is_some()).count();
        own.placed = 0;
        own.placed_bytes = 0;
        for message in self.waiting.iter().filter(|message| place_of(message) == Some(pane)) {
            own.placed += 1;
            own.placed_bytes += weight(message);
        }
        own.bytes = own.placed_bytes + own.behind.iter().map(weight).sum::<usize>();
        self.bytes = self.bytes + own.bytes - before;
        if own.placed == 0 {
            own.advance(&mut self.waiting, PLACES, PLACE_BYTES);
        }
        if own.placed == 0 {
            self.of.remove(&pane);
        }
    }
}

impl Own {
    /// Lets go on what waits behind, so many messages and about so many bytes.
    fn advance(&mut self, to: &mut VecDeque<HostMessage>, most: usize, most_bytes: usize) {
        let mut bytes = 0;
        for _ in 0..most {
            let Some(message) = self.behind.pop_front() else { break };
            let weight = weight(&message);
            self.reports -= usize::from(report_of(&message).is_some());
            self.placed += 1;
            self.placed_bytes += weight;
            bytes += weight;
            to.push_back(message);
            if bytes >= most_bytes {
                break;
            }
        }
    }

    /// Puts one behind, whose weight is counted.
    fn defer(&mut self, message: HostMessage) {
        if let HostMessage::Printed { lines, .. } = &message
            && let Some(HostMessage::Printed { lines: last, pane }) = self.behind.back_mut()
            && pane_of(&message) == Some(pane)
        {
            // Of what people see only the last counts.
            self.bytes -= weight_of_printed(last) + weight(&message);
            last.extend_from_slice(lines);
            last.drain(..last.len().saturating_sub(PRINTED));
            self.bytes += weight_of_printed(last);
            return;
        }
        if let Some(kind) = report_of(&message) {
            if self.reports >= MOST_REPORTS {
                self.replace(kind);
            }
            self.reports += 1;
        }
        self.behind.push_back(message);
    }

    /// Takes out the last of a kind where nothing follows it but more of the like.
    fn replace(&mut self, kind: Report) {
        let near = self.behind.len().saturating_sub(NEAR)..self.behind.len();
        for at in near.rev() {
            let Some(message) = self.behind.get(at) else { return };
            match report_of(message) {
                Some(found) if found == kind => {
                    self.bytes -= weight(message);
                    self.reports -= 1;
                    self.behind.remove(at);
                    return self.join(at);
                }
                Some(_) => {}
                None if matches!(message, HostMessage::Printed { .. } | HostMessage::Position { .. }) => {}
                None => return,
            }
        }
    }

    /// What people see before and behind one that was taken out becomes one.
    fn join(&mut self, at: usize) {
        let printed = |at: usize| match self.behind.get(at) {
            Some(HostMessage::Printed { pane, .. }) => Some(pane),
            _ => None,
        };
        let before = at.wrapping_sub(1);
        if printed(at).is_some()
            && printed(before) == printed(at)
            && let Some(HostMessage::Printed { lines: second, .. }) = self.behind.remove(at)
            && let Some(HostMessage::Printed { lines: first, .. }) = self.behind.get_mut(before)
        {
            self.bytes -= weight_of_printed(first) + weight_of_printed(&second);
            first.extend(second);
            first.drain(..first.len().saturating_sub(PRINTED));
            self.bytes += weight_of_printed(first);
        }
    }
}

/// What becomes of the messages of one pane of which too many wait.
struct Shedding {
    bytes: usize,
    most: usize,
    /// Lines go, and no marks; or the other way round: what is rare among a flood of the other kind stays.
    lines: bool,
    /// Those whose gap is told.
    lost: Vec<PaneKey>,
    /// The last position that was taken out: it stands before what is kept.
    position: Option<HostMessage>,
}

impl Shedding {
    fn sift(&mut self, message: HostMessage, kept: &mut VecDeque<HostMessage>) {
        let weight = weight(&message);
        let rare = match message {
            HostMessage::Printed { .. } | HostMessage::Position { .. } => false,
            _ => is_line(&message) != self.lines,
        };
        if weight == 0 || self.bytes <= self.most || rare {
            if let HostMessage::Event(Event::Gap { pane }) = &message {
                self.lost.push(pane.clone());
            }
            kept.extend(self.position.take());
            kept.push_back(message);
            return;
        }
        self.bytes -= weight;
        match message {
            HostMessage::Position { .. } => self.position = Some(message),
            // Later lines make up for it.
            HostMessage::Printed { .. } => {}
            other => {
                if let Some(pane) = pane_of(&other).filter(|pane| !self.lost.contains(pane)) {
                    kept.push_back(HostMessage::Event(Event::Gap { pane: pane.clone() }));
                    self.lost.push(pane.clone());
                }
            }
        }
    }
}

/// What a message takes beside its text, bytes, roughly; and a position.
const OVERHEAD: usize = 400;
const POSITION: usize = 4 * 1024;

/// A message of an agent that no rule of the policy asks for, by its kind; or what should be one.
type Report = Option<MessageType>;

fn report_of(message: &HostMessage) -> Option<Report> {
    match message {
        HostMessage::Event(Event::Line(line)) if line.hits.is_empty() => line.message.as_ref().map(|it| Some(it.kind)),
        HostMessage::Malformed { .. } => Some(None),
        _ => None,
    }
}

/// Whether a message is a line.
const fn is_line(message: &HostMessage) -> bool {
    matches!(message, HostMessage::Event(Event::Line(_)))
}

/// Whether a message shows something of panes, and decides nothing.
const fn is_picture(message: &HostMessage) -> bool {
    matches!(message, HostMessage::Panes(_) | HostMessage::Screen { .. })
}

/// The pane in whose order a message stands. One that takes the number of another stands behind its end.
fn place_of(message: &HostMessage) -> Option<PaneId> {
    match message {
        HostMessage::Ended(ending) => ending.pane().map(|pane| pane.pane),
        HostMessage::Event(Event::PaneSeen { info }) => Some(info.key.pane),
        HostMessage::Event(Event::TakenByShell { pane, .. })
        | HostMessage::Malformed { pane, .. }
        | HostMessage::Awaits { pane, .. } => Some(pane.pane),
        other => pane_of(other).map(|pane| pane.pane),
    }
}

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

/// How much a message counts: what a program makes without bound, and what may go.
fn weight(message: &HostMessage) -> usize {
    match message {
        HostMessage::Event(Event::Line(line)) => line.text.len() + OVERHEAD,
        HostMessage::Event(Event::CommandBegan { line, .. }) => line.as_ref().map_or(0, String::len) + OVERHEAD,
        HostMessage::Event(Event::CommandEnded { .. } | Event::Program { .. }) | HostMessage::Malformed { .. } => {
            OVERHEAD
        }
        HostMessage::Printed { lines, .. } => weight_of_printed(lines),
        HostMessage::Position { .. } => POSITION,
        _ => 0,
    }
}

fn weight_of_printed(lines: &[String]) -> usize {
    lines.iter().map(|line| line.len() + size_of::<String>()).sum::<usize>() + OVERHEAD
}

#[cfg(test)]
mod tests;
