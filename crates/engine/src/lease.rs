//! Leases: a person approves a dialog, and what the agent asks of that kind in its pane for a time.
//!
//! **Invariants:** only a person at this machine gives one, from a dialog that is open; it holds for the process that showed
//! the dialog and dies with it.

use super::auto_answer::Told;
use super::turn::Turn;
use super::{Answer, Engine, RefusalKind};
use serde::{Deserialize, Serialize};
use tmuxagent_model::{
    AgentQuestion, AgentQuestionKind, ApprovalId, ApprovalKind, ApprovalState, Decider, Front, LeaseOffer, LeaseView,
    Millis, Note, PaneKey, Severity, Timestamp, Verdict, Via,
};
use tmuxagent_policy::{Class, class_of};

/// Why no lease goes with any other question.
const NO_COMMAND: &str = "a lease goes with an agent's question about a command, and this is none";
/// The most that one lease answers.
const ANSWERS: u32 = 50;
/// The longest time of a lease.
const LONGEST: Millis = Millis::from_secs(12 * 3600);
/// The most leases of a pane; the oldest makes room.
const MOST: usize = 20;

/// A lease as the state keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// Its identity.
    pub id: String,
    /// The approval that it was given with.
    pub approval: ApprovalId,
    /// What is allowed: patterns of commands.
    pub class: Vec<String>,
    /// The agent's process.
    pub front: Front,
    /// Who gave it.
    pub by: Decider,
    /// Until when.
    pub until: Timestamp,
    /// How many answers are left.
    pub left: u32,
}

impl Lease {
    fn holds(&self, now: Timestamp) -> bool {
        now < self.until && self.left > 0
    }
}

impl Turn<'_> {
    /// What a lease that goes with the approval of a dialog would allow.
    pub fn lease_offer(&self, question: &AgentQuestion, front: Option<&Front>) -> LeaseOffer {
        let refuse = |why: &str| LeaseOffer { class: Vec::new(), refused: why.to_owned() };
        if question.kind != AgentQuestionKind::Command {
            return refuse(NO_COMMAND);
        }
        if !question.whole {
            return refuse("a lease is for commands that are shown whole");
        }
        if front.is_none() {
            return refuse("the agent's process is not known, with which a lease would end");
        }
        if question.detail.contains(['\n', '…']) {
            return refuse("the command takes several rows, so it is not certain where it goes on");
        }
        match class_of(&question.detail) {
            Ok(class) => LeaseOffer {
                class: class.sources().iter().map(|source| self.cleaner.clean(source)).collect(),
                refused: String::new(),
            },
            Err(why) => refuse(&why),
        }
    }

    /// A person approves a dialog and gives a lease with it.
    pub fn grant_lease(&mut self, id: &ApprovalId, revision: u32, span: Millis, by: &Decider) {
        let lease = match self.new_lease(id, span, by) {
            Ok(lease) => lease,
            Err((kind, why)) => return self.reply(Answer::refused(kind, why)),
        };
        self.decide(id, revision, &Verdict { approve: true, answer: None }, by);
        let decided = self.state.approvals.get(id).is_some_and(|row| {
            row.approval.state == ApprovalState::Approved
                && row.approval.decision.as_ref().is_some_and(|decision| decision.at == self.now && decision.by == *by)
        });
        let pane = self.state.approvals.get(id).map(|row| row.approval.pane.clone());
        let Some(pane) = pane.filter(|_| decided) else { return };
        let text = format!("approved, and for {span} whatever is {}; lease {}", named(&lease.class), lease.id);
        let note = Note::LeaseGranted { lease: lease.id.clone(), class: lease.class.clone(), span, by: by.clone() };
        self.note_at(Severity::Warning, &pane, note);
        if let Some(row) = self.state.panes.get_mut(&pane) {
            let (now, leases) = (self.now, &mut row.auto_answers.leases);
            leases.retain(|lease| lease.holds(now));
            leases.push(lease);
            let surplus = leases.len().saturating_sub(MOST);
            leases.drain(..surplus);
        }
        self.state.meta_mut().leases += 1;
        let intents = self.handed_out();
        self.reply(Answer::Ok { run: None, intents, text });
    }

    fn new_lease(&self, id: &ApprovalId, span: Millis, by: &Decider) -> Result<Lease, (RefusalKind, String)> {
        let refused = |why: &str| (RefusalKind::Refused, why.to_owned());
        // Who holds a link or a phone sees less than who sits here.
        if !matches!(by.via, Via::Key | Via::Popup | Via::Cli) {
            return Err(refused("a lease is given at this machine, from the screen or the command line"));
        }
        if span.0 == 0 || span > LONGEST {
            return Err(refused("a lease is for some time, at most twelve hours"));
        }
        let Some(row) = self.state.approvals.get(id) else {
            return Err((RefusalKind::NotFound, format!("there is no approval {id}")));
        };
        let ApprovalKind::Dialog { lease, .. } = &row.approval.kind else {
            return Err(refused(NO_COMMAND));
        };
        let Some(front) = row.asker.clone().filter(|_| !lease.class.is_empty()) else {
            return Err((RefusalKind::Refused, format!("no lease is given for this: {}", lease.refused)));
        };
        Ok(Lease {
            id: format!("L{}", self.state.meta().leases + 1),
            approval: id.clone(),
            class: lease.class.clone(),
            front,
            by: by.clone(),
            until: self.now + span,
            left: ANSWERS,
        })
    }

    /// The person whose lease covers a dialog.
    pub fn lease_for(&self, told: Told<'_>) -> Option<Decider> {
        let lease = self.covering(told)?;
        Some(Decider { via: Via::Lease, ..lease.by.clone() })
    }

    fn covering(&self, told: Told<'_>) -> Option<&Lease> {
        let (row, front) = (self.state.panes.get(told.pane)?, told.front?);
        // A yes that was taken back takes its lease with it.
        let stands = |lease: &Lease| {
            let asked = self.state.approvals.get(&lease.approval);
            asked.is_none_or(|row| row.approval.state == ApprovalState::Approved)
        };
        row.auto_answers.leases.iter().find(|lease| {
            lease.holds(self.now)
                && lease.front.is(front)
                && stands(lease)
                && self.policy.is_of_class(told.question, &Class::read(&lease.class))
        })
    }

    /// A lease has answered.
    pub fn spend_lease(&mut self, told: Told<'_>) {
        let Some(id) = self.covering(told).map(|lease| lease.id.clone()) else { return };
        let Some(row) = self.state.panes.get_mut(told.pane) else { return };
        if let Some(lease) = row.auto_answers.leases.iter_mut().find(|lease| lease.id == id) {
            lease.left = lease.left.saturating_sub(1);
        }
    }

    /// Somebody ends leases before their time.
    pub fn revoke_lease(&mut self, wanted: Option<&str>, by: &Decider) {
        let is_meant = |lease: &Lease| wanted.is_none_or(|wanted| lease.id.eq_ignore_ascii_case(wanted));
        let ended = self.end_leases(|_, lease| is_meant(lease), Some(by));
        if let (Some(wanted), 0) = (wanted, ended) {
            let why = format!("there is no lease {}", wanted.escape_debug());
            return self.reply(Answer::refused(RefusalKind::NotFound, why));
        }
        let text = if ended == 1 { "1 lease ended".to_owned() } else { format!("{ended} leases ended") };
        self.reply(Answer::Ok { run: None, intents: Vec::new(), text });
    }

    /// The agents of a pane have ended: whatever is there now is another one.
    pub fn leases_gone(&mut self, pane: &PaneKey) {
        self.end_leases(|of, _| of == pane, None);
    }

    fn end_leases(&mut self, is_meant: impl Fn(&PaneKey, &Lease) -> bool, by: Option<&Decider>) -> usize {
        let panes = self.state.panes.iter();
        let meant: Vec<(PaneKey, Lease)> = panes
            .flat_map(|(pane, row)| row.auto_answers.leases.iter().map(move |lease| (pane.clone(), lease.clone())))
            .filter(|(pane, lease)| is_meant(pane, lease))
            .collect();
        let mut ended = 0;
        for (pane, lease) in meant {
            if let Some(row) = self.state.panes.get_mut(&pane) {
                row.auto_answers.leases.retain(|other| other.id != lease.id);
            }
            if lease.holds(self.now) {
                ended += 1;
                self.note_at(Severity::Info, &pane, Note::LeaseEnded { lease: lease.id, by: by.cloned() });
            }
        }
        ended
    }
}

fn named(class: &[String]) -> String {
    class.iter().map(|pattern| format!("`{pattern}`")).collect::<Vec<_>>().join(", ")
}

impl Engine {
    /// The leases, those that end first in front; whether one is over by now, its reader tells by the clock.
    pub(super) fn leases(&self) -> Vec<LeaseView> {
        let rows = self.state.panes.iter();
        let mut found: Vec<LeaseView> = rows
            .flat_map(|(pane, row)| row.auto_answers.leases.iter().map(move |lease| (pane, row, lease)))
            .filter(|(_, _, lease)| lease.left > 0)
            .map(|(pane, row, lease)| LeaseView {
                id: lease.id.clone(),
                pane: pane.clone(),
                place: row.place.clone(),
                class: lease.class.clone(),
                by: lease.by.clone(),
                until: lease.until,
                left: lease.left,
            })
            .collect();
        found.sort_by(|a, b| (a.until, &a.id).cmp(&(b.until, &b.id)));
        found
    }
}
