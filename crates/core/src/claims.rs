//! Servers on which another supervisor types. Their panes are shown; the engine knows none of them, so nothing is
//! triggered, asked or typed there, and no question is asked twice.
//!
//! What this supervisor had under way there when it lost the server ends as if the panes were gone: the other one reads
//! them and asks by itself.
//!
//! **What is printed between two supervisors is somebody's.** From the moment that the other one is found gone it is kept, and
//! counts when this one has the server, as if it came then; where the other one is back before, it reads that itself. Of lines
//! between its last sign and that moment nobody knows whether it acted on them: they are told, and not acted on.

use super::core::Core;
use super::trace::pairs;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use tmuxagent_ipc::wire::{ErrorKind, Reply};
use tmuxagent_model::{
    Command, Event, HostName, LineEvent, LineSource, Millis, Note, Owner, PaneKey, ServerId, Severity, Timestamp,
};
use tmuxagent_text::{Lang, host_owner, no_answer};

/// The last lines are kept for so long: longer than it takes at most to find out that the other one is gone.
const HEARD: Millis = Millis::from_secs(30);
/// And so many of them.
const MOST_HEARD: usize = 20;
/// So much is kept of what happens until the server is taken.
const MOST_KEPT: usize = 10_000;
/// Of a line that nobody acts on so much is told.
const TOLD: usize = 200;

/// What happens on a host on which another supervisor types, for the case that this one takes it over.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Between {
    /// The last lines that concern somebody, oldest first, while the other one is there.
    heard: VecDeque<(Timestamp, LineEvent)>,
    /// All that happened since it was found gone; `None` while it is there.
    since: Option<Vec<Event>>,
    /// How far the panes were read since then: written down with what follows from it, so that a life that ends before it has
    /// the server reads it once more.
    #[serde(default, with = "pairs")]
    positions: BTreeMap<PaneKey, Option<String>>,
}

/// What those who had a host before had asked, in panes of that server.
#[derive(Debug)]
pub(crate) struct Left {
    pub(crate) server: ServerId,
    pub(crate) owners: Vec<Owner>,
}

impl Between {
    /// The other one is there, or was found gone and had been seen last so long before.
    fn owner_is(&mut self, gone: Option<Millis>, now: Timestamp) {
        match gone {
            Some(unseen) if self.since.is_none() => {
                self.heard.retain(|(at, _)| now.since(*at) <= unseen);
                self.since = Some(Vec::new());
            }
            Some(_) => {}
            None => self.since = None,
        }
    }

    /// Keeps how far a pane was read, where what was read is kept too; gives it back where nothing is.
    fn keep_position(&mut self, pane: &PaneKey, position: Option<String>) -> Option<Option<String>> {
        if self.since.is_none() {
            return Some(position);
        }
        self.positions.insert(pane.clone(), position);
        None
    }

    fn hear(&mut self, event: Event, now: Timestamp) {
        match (&mut self.since, event) {
            (Some(kept), event) if kept.len() < MOST_KEPT && !is_late(&event) => kept.push(event),
            (_, Event::Line(line)) if !line.hits.is_empty() || line.message.is_some() => {
                self.heard.retain(|(at, _)| now.since(*at) <= HEARD);
                if self.heard.len() >= MOST_HEARD {
                    self.heard.pop_front();
                }
                self.heard.push_back((now, *line));
            }
            (Some(_) | None, _) => {}
        }
    }
}

/// Whether a line was read from what stands in the pane: it may have been printed while the other one was there, which has
/// acted on it then.
fn is_late(event: &Event) -> bool {
    matches!(event, Event::Line(line) if line.source == LineSource::History)
}

impl Core {
    /// Another supervisor types on a host from now on, or this one does.
    pub(crate) fn claimed(&mut self, host: &HostName, owner: Option<Box<Owner>>) {
        let other = owner.as_ref().map(|owner| owner.gone);
        self.view.owner(host, owner.clone(), self.now);
        self.dirty = true;
        let Some(gone) = other else {
            let mut between = self.between.remove(host).unwrap_or_default();
            let positions = std::mem::take(&mut between.positions);
            if self.watched.remove(host) {
                self.take_over(host, between);
                self.tell_left(host);
            }
            positions.into_iter().for_each(|(pane, position)| self.round.place(pane, position));
            return;
        };
        let between = self.between.entry(host.clone()).or_default();
        between.owner_is(gone, self.now);
        if gone.is_none() {
            // It is back, and has read that itself.
            let positions = std::mem::take(&mut between.positions);
            positions.into_iter().for_each(|(pane, position)| self.round.place(pane, position));
        }
        if self.watched.insert(host.clone()) {
            let known = self.engine.view().panes.into_keys().filter(|pane| pane.host == *host);
            for pane in known.collect::<Vec<_>>() {
                let event = Event::PaneGone { pane, unwatched: true, by: owner.clone() };
                self.step(&event);
                self.let_on(&event);
            }
            if gone.is_some() {
                // It has read them further than this one did.
                for pane in self.hosts.forget_panes(host) {
                    self.round.place(pane, None);
                }
            }
        }
    }

    /// Those who had a host before this one had asked about stages there.
    pub(crate) fn left_open(&mut self, host: &HostName, left: Left) {
        self.left.insert(host.clone(), left);
        self.tell_left(host);
    }

    /// Tells what was left open in panes that this supervisor knows by now. Once it is written down, it stands on the server no
    /// more.
    pub(crate) fn tell_left(&mut self, host: &HostName) {
        if self.watched.contains(host) {
            return;
        }
        let Some(mut left) = self.left.remove(host) else { return };
        for owner in &mut left.owners {
            for question in std::mem::take(&mut owner.asks) {
                let is_it =
                    |pane: &PaneKey| (&pane.host, &pane.server, pane.pane) == (host, &left.server, question.pane);
                match self.engine.view().panes.into_keys().find(is_it) {
                    Some(pane) => {
                        let owner = Box::new(Owner { asks: Vec::new(), ..owner.clone() });
                        drop(self.step(&Event::LeftOpen { pane, owner, question }));
                    }
                    None => owner.asks.push(question),
                }
            }
        }
        if left.owners.iter().all(|owner| owner.asks.is_empty()) {
            self.round.tells_left(host);
        } else {
            self.left.insert(host.clone(), left);
        }
    }

    /// Panes that a host does not show by now are gone, and what was asked there.
    pub(crate) fn forget_left(&mut self, host: &HostName) {
        if !self.watched.contains(host) && self.left.remove(host).is_some() {
            self.round.tells_left(host);
        }
    }

    /// The panes of a host are this supervisor's from now on, with what they printed since the other one was gone.
    fn take_over(&mut self, host: &HostName, between: Between) {
        let panes = self.view.true_panes(host);
        if panes.is_empty() {
            return;
        }
        let here: BTreeSet<PaneKey> = panes.iter().map(|info| info.key.clone()).collect();
        for info in panes {
            self.step(&Event::PaneSeen { info: Box::new(info) });
        }
        let Between { heard, since: Some(since), positions: _ } = between else { return };
        for pane in &here {
            let lines = heard.iter().map(|(_, line)| line).filter(|line| line.pane == *pane);
            let Some((count, text)) = lines.clone().next_back().map(|last| (lines.count(), &last.text)) else {
                continue;
            };
            let words: String = self.redactor.redact(text).chars().take(TOLD).collect();
            let words = words.trim();
            // How far it had got stands in its own store alone.
            let text = match count {
                1 => format!(
                    "printed as the supervisor before this one ended, which may have acted on it, and not acted on by this one: `{words}`"
                ),
                many => format!(
                    "{many} lines printed as the supervisor before this one ended, which may have acted on them, and not acted on by this one; the last: `{words}`"
                ),
            };
            let place = self.view.place(pane);
            self.tell(Severity::Warning, &pane.told(&place), Note::Text { text });
        }
        for mut event in since {
            self.limit_reports(&mut event);
            self.mind_requests(&event);
            drop(self.step(&event));
        }
    }

    /// A pane was read so far. Where another supervisor that typed there is gone, and nobody has the server yet, that is written
    /// down with what follows from it.
    pub(crate) fn read_so_far(&mut self, pane: PaneKey, position: Option<String>) {
        let between = self.between.get_mut(&pane.host).filter(|_| self.watched.contains(&pane.host));
        let position = match between {
            Some(between) => between.keep_position(&pane, position),
            None => Some(position),
        };
        if let Some(position) = position {
            self.round.place(pane, position);
        }
    }

    /// What happens on a host on which another supervisor types: panes are shown, what was sent from here before ends, and what
    /// panes do is kept for a while.
    pub(crate) fn overhear(&mut self, host: &HostName, event: Event) {
        match &event {
            Event::PaneSeen { .. } => self.show_event(&event),
            Event::PaneGone { pane, .. } => {
                if let Some(between) = self.between.get_mut(host) {
                    between.positions.remove(pane);
                }
                self.show_event(&event);
            }
            Event::Outcome { .. } | Event::TakenByShell { .. } => drop(self.step(&event)),
            Event::Line(_)
            | Event::Activity { .. }
            | Event::Gap { .. }
            | Event::Program { .. }
            | Event::Dialog { .. }
            | Event::Waits { .. }
            | Event::Answered { .. }
            | Event::Agent(_)
            | Event::ShellMarks { .. }
            | Event::CommandBegan { .. }
            | Event::Foreground { .. }
            | Event::InFront { .. }
            | Event::CommandEnded { .. } => {
                let now = self.now;
                self.between.entry(host.clone()).or_default().hear(event, now);
            }
            Event::LeftOpen { .. }
            | Event::HostLost { .. }
            | Event::Asked { .. }
            | Event::Timer { .. }
            | Event::Polled { .. }
            | Event::PolicyLoaded { .. }
            | Event::Witnessed { .. } => {}
        }
    }

    /// The answer to a wish that can't be fulfilled here and now: for a pane of such a host, who can; for keys while sending is
    /// frozen, what ends that.
    pub(crate) fn refuse_here(&self, command: &Command) -> Option<Reply> {
        let pane: &PaneKey = match command {
            // What a person sends by hand is typed now or not at all: who will read it later he can't see.
            Command::Send { .. } if self.engine.view().frozen.is_some() => {
                let text = "sending is frozen; `tmuxagent unfreeze` goes on with what is held back".to_owned();
                return Some(Reply::Error { kind: ErrorKind::Refused, text });
            }
            // Here, so that no surface is without it. What is offered shows itself as an answer to choose.
            Command::Decide { approval, verdict, .. } => {
                let answer = verdict.answer.as_ref()?;
                if self.engine.approval(approval).is_some_and(|asked| asked.options.contains(answer)) {
                    return None;
                }
                let why = no_answer(answer)?;
                return Some(Reply::Error { kind: ErrorKind::Refused, text: why.to_owned() });
            }
            Command::Start { pane, .. } | Command::Send { pane, .. } | Command::Ask { pane, .. } => pane,
            Command::GrantLease { .. }
            | Command::RevokeLease { .. }
            | Command::Control { .. }
            | Command::Freeze
            | Command::Unfreeze
            | Command::TakeBack { .. }
            | Command::DropHeld { .. } => return None,
        };
        let (state, owner) = self.view.owner_of(&pane.host)?;
        let text = format!("host {}: {}", pane.host, host_owner(Lang::En, state, owner));
        Some(Reply::Error { kind: ErrorKind::Refused, text })
    }
}
