//! Dialogs that a rule of the policy or a lease answers in a person's place.
//!
//! **Invariants:** a dialog is answered by a rule or lease in the step that tells of it, or a person is asked; with its own
//! "yes, this once" alone; never while sending is frozen, and never twice: one that is still there is asked. What answered
//! stands in the approval, which is decided when it is made, and in the journal.

use super::expiry::OnExpiry;
use super::gate::Ask;
use super::lease::Lease;
use super::state::ApprovalRow;
use super::turn::Turn;
use crate::lifecycle;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;
use tmuxagent_model::{
    AgentQuestion, Approval, ApprovalState, Decider, Front, LeftToPerson, Note, PaneKey, Severity, Timestamp, Verdict,
    Via,
};
use tmuxagent_policy::{Asked, AutoAnswer};

/// What a pane keeps of answers that nobody gave.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct AutoAnswers {
    /// [`AgentQuestion::fingerprint`] of the dialog that was answered last, as long as no other one, or none, was seen there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<String>,
    /// When each rule answered, as far as its limit asks for it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub answered: BTreeMap<String, Vec<Timestamp>>,
    /// The leases that hold there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub leases: Vec<Lease>,
}

impl AutoAnswers {
    /// Whether nothing is kept.
    pub fn is_none(&self) -> bool {
        self.last.is_none() && self.answered.is_empty() && self.leases.is_empty()
    }
}

/// A dialog as it was told.
#[derive(Clone, Copy)]
pub struct Told<'a> {
    pub pane: &'a PaneKey,
    pub agent: &'a str,
    pub front: Option<&'a Front>,
    pub question: &'a AgentQuestion,
}

impl Turn<'_> {
    /// Another dialog is shown than the one that was answered, or none.
    pub fn forget_answered(&mut self, pane: &PaneKey, shown: Option<&AgentQuestion>) {
        let Some(row) = self.state.panes.get(pane) else { return };
        let last = row.auto_answers.last.as_deref();
        if last.is_some()
            && last != shown.map(|question| question.fingerprint.as_str())
            && let Some(row) = self.state.panes.get_mut(pane)
        {
            row.auto_answers.last = None;
        }
    }

    /// Whether a dialog was answered for a person there, and may be shown still.
    pub fn was_answered(&self, pane: &PaneKey) -> bool {
        self.state.panes.get(pane).is_some_and(|row| row.auto_answers.last.is_some())
    }

    /// Asks a person, unless a rule or lease answers.
    pub fn ask_or_answer(&mut self, told: Told<'_>, ask: Ask) {
        let Some(by) = self.answerer(told) else { return drop(self.ask(told.pane, None, ask)) };
        let plain = Verdict { approve: true, answer: None };
        let meant = ask.dialog.as_ref().filter(|dialog| dialog.has_plain_yes()).map(|dialog| dialog.verdict(&plain));
        match (self.is_still_there(told), meant) {
            (false, Some(Ok(verdict))) => self.answer_for(told, ask, &verdict, by),
            (still, _) => {
                let why = if still { LeftToPerson::StillThere } else { LeftToPerson::NoPlainYes };
                self.leave(told.pane, by, why);
                self.ask(told.pane, None, ask);
            }
        }
    }

    /// Who answers: a rule, or the lease of a person.
    fn answerer(&mut self, told: Told<'_>) -> Option<Decider> {
        if self.state.meta().frozen.is_some() {
            return None;
        }
        let policy = Arc::clone(&self.policy);
        let row = self.state.panes.get(told.pane)?;
        let asked = Asked { agent: told.agent, host: &told.pane.host, facts: &row.info.facts, question: told.question };
        let rule = policy.auto_answer(&asked);
        let spent = rule.is_some_and(|rule| self.is_spent(told.pane, rule));
        let by_rule = |rule: &AutoAnswer| Decider::named(rule.name.clone(), Via::Rule);
        if let Some(rule) = rule.filter(|_| !spent) {
            return Some(by_rule(rule));
        }
        let by_lease = self.lease_for(told);
        if let (Some(rule), None) = (rule, &by_lease) {
            self.leave(told.pane, by_rule(rule), LeftToPerson::Limit);
        }
        by_lease
    }

    fn is_spent(&self, pane: &PaneKey, rule: &AutoAnswer) -> bool {
        let answered = self.state.panes.get(pane).and_then(|row| row.auto_answers.answered.get(&rule.name));
        let since = |at: &&Timestamp| self.now.since(**at) < rule.limit.per;
        let count = answered.map_or(0, |answered| answered.iter().filter(since).count());
        count >= rule.limit.count as usize
    }

    fn is_still_there(&self, told: Told<'_>) -> bool {
        let row = self.state.panes.get(told.pane);
        row.and_then(|row| row.auto_answers.last.as_ref()).is_some_and(|last| *last == told.question.fingerprint)
    }

    fn leave(&mut self, pane: &PaneKey, by: Decider, why: LeftToPerson) {
        self.note_at(Severity::Warning, pane, Note::NotAutoAnswered { by, why });
    }

    /// Makes the approval, decided at once, and presses the key.
    fn answer_for(&mut self, told: Told<'_>, ask: Ask, verdict: &Verdict, by: Decider) {
        let mut row = self.unasked(told.pane, ask);
        if lifecycle::decide(&mut row.approval, 1, verdict, &by, self.now).is_err() {
            return;
        }
        self.count(told, &by);
        let (approval, question) = (row.approval.id.clone(), row.approval.question.clone());
        self.state.approvals.insert(approval.clone(), row.clone());
        self.note_at(Severity::Success, told.pane, Note::AutoAnswered { approval, question, by });
        self.answer_dialog(&row, verdict);
    }

    /// A question that nobody is asked.
    fn unasked(&mut self, pane: &PaneKey, ask: Ask) -> ApprovalRow {
        let approval = Approval {
            id: self.approval_id(),
            revision: 1,
            kind: ask.kind,
            state: ApprovalState::Pending,
            pane: pane.clone(),
            place: self.place(pane),
            run: None,
            pipeline: None,
            stage: None,
            attempt: 0,
            question: self.cleaner.clean(&ask.question),
            effect: ask.effect,
            effect_text: self.cleaner.clean(&ask.effect_text),
            effect_no: ask.effect_no,
            option_effects: ask.option_effects,
            evidence: ask.evidence.unwrap_or_default(),
            options: ask.options,
            confirm: None,
            approvers: Vec::new(),
            folder: self.folder(pane),
            asked_at: self.now,
            expires_at: None,
            reminders: 0,
            decision: None,
            closed_at: None,
            undo_until: None,
        };
        ApprovalRow {
            approval,
            on_expiry: OnExpiry::Keep,
            remind_every: None,
            grace: false,
            again: None,
            program: None,
            asker: ask.asker,
            fingerprint: None,
            answers: Vec::new(),
            call: None,
            dialog: ask.dialog,
        }
    }

    /// Counts an answer against the limit of what gave it.
    fn count(&mut self, told: Told<'_>, by: &Decider) {
        let (now, policy) = (self.now, Arc::clone(&self.policy));
        let per = policy.auto_answers.iter().find(|rule| rule.name == by.who).map(|rule| rule.limit.per);
        if by.via == Via::Lease {
            self.spend_lease(told);
        }
        let Some(row) = self.state.panes.get_mut(told.pane) else { return };
        row.auto_answers.last = Some(told.question.fingerprint.clone());
        if let Some(per) = per.filter(|_| by.via == Via::Rule) {
            let answered = row.auto_answers.answered.entry(by.who.clone()).or_default();
            answered.retain(|at| now.since(*at) < per);
            answered.push(now);
        }
        // Rules that the policy has no more count nothing.
        row.auto_answers.answered.retain(|name, _| policy.auto_answers.iter().any(|rule| rule.name == *name));
    }
}
