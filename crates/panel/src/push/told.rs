//! What is worth telling a browser: how two pictures differ in their questions. Pure.

use serde_json::json;
use std::collections::BTreeMap;
use tmuxagent_alerts::decide::Refusal;
use tmuxagent_model::{Approval, ApprovalId, ApprovalState, Snapshot, Timestamp};
use tmuxagent_text::plain::{cut_bytes, named, one_line};
use tmuxagent_text::redact::Redactor;
use tmuxagent_text::{Lang, approval_state, question};

/// A question of the last moments before we began may not have been told by who was there before us.
const FRESH: u64 = 30_000;
/// The longest title and text, bytes.
const LONGEST: usize = 400;

/// Something to be told: a question that is open now, or how one ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) approval: Approval,
}

/// Open questions that were told.
pub(super) type Known = BTreeMap<ApprovalId, Approval>;

/// Those that count as told when we begin: the older ones.
pub(super) fn known(first: &Snapshot, now: Timestamp) -> Known {
    open(first).filter(|(_, approval)| now.since(approval.asked_at).0 > FRESH).collect()
}

fn open(snapshot: &Snapshot) -> impl Iterator<Item = (ApprovalId, Approval)> {
    let open = snapshot.approvals.iter().filter(|approval| approval.state == ApprovalState::Pending);
    open.map(|approval| (approval.id.clone(), approval.clone()))
}

/// What is new, as of that picture.
pub(super) fn told(known: &mut Known, snapshot: &Snapshot) -> Vec<Told> {
    let open: Known = open(snapshot).collect();
    let before = std::mem::replace(known, open);
    let closed = before.iter().filter(|(id, _)| !known.contains_key(*id)).map(|(id, was)| {
        let now = snapshot.approvals.iter().find(|approval| approval.id == *id);
        let gone = || Approval { state: ApprovalState::Superseded, ..was.clone() };
        Told { approval: now.cloned().unwrap_or_else(gone) }
    });
    let asked = known.iter().filter(|(id, _)| !before.contains_key(*id));
    closed.chain(asked.map(|(_, approval)| Told { approval: approval.clone() })).collect()
}

impl Told {
    pub(super) fn is_question(&self) -> bool {
        self.approval.state == ApprovalState::Pending
    }

    /// What the browser's worker reads.
    pub(super) fn text(&self, lang: Lang, zone: &jiff::tz::TimeZone, redactor: &Redactor) -> String {
        let approval = &self.approval;
        let place = || {
            let stage = [&approval.pipeline, &approval.stage].map(|name| name.as_deref().unwrap_or_default());
            let stage = stage.iter().filter(|name| !name.is_empty()).copied().collect::<Vec<_>>().join(" / ");
            [approval.told_place(), stage].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" · ")
        };
        let body = match (&approval.decision, self.is_question()) {
            (_, true) => place(),
            (Some(decision), false) => Refusal::decided(decision.clone(), zone.clone()).sentence(lang),
            (None, false) => approval_state(lang, approval.state).to_owned(),
        };
        let clean = |text: &str| cut_bytes(&named(&one_line(&redactor.redact(text))), LONGEST);
        let kind = if self.is_question() { "ask" } else { "closed" };
        json!({ "kind": kind, "id": approval.id, "title": clean(&question(lang, approval)), "body": clean(&body) })
            .to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::{SECRET, START, crowded};
    use tmuxagent_model::{Decider, Decision, Verdict, Via};

    #[test]
    fn a_question_is_told_once_and_then_how_it_ended() {
        let mut snapshot = crowded();
        snapshot.approvals.truncate(1);
        snapshot.approvals[0].question = format!("deploy with {SECRET}?");
        let mut known = Known::new();
        let asked = told(&mut known, &snapshot);
        assert_eq!((asked.len(), asked[0].is_question()), (1, true));
        assert_eq!(told(&mut known, &snapshot), [], "once");
        let (zone, redactor) = (jiff::tz::TimeZone::UTC, Redactor::knowing([SECRET.to_owned()]));
        let text = asked[0].text(Lang::Zh, &zone, &redactor);
        assert!(text.contains("\"kind\":\"ask\"") && text.contains("01JNA") && !text.contains(SECRET), "{text}");
        let by = Decider::named("li", Via::Panel);
        snapshot.approvals[0].state = ApprovalState::Approved;
        snapshot.approvals[0].decision =
            Some(Decision { verdict: Verdict { approve: true, answer: None }, by, at: START });
        let closed = told(&mut known, &snapshot);
        let text = closed[0].text(Lang::En, &zone, &redactor);
        assert!(closed.len() == 1 && text.contains("\"kind\":\"closed\"") && text.contains("by li"), "{text}");
        snapshot.approvals.clear();
        assert_eq!(told(&mut known, &snapshot), []);
    }

    #[test]
    fn what_was_asked_long_before_is_not_told_again() {
        let snapshot = crowded();
        let asked = snapshot.approvals[0].asked_at;
        assert!(known(&snapshot, Timestamp(asked.0 + 600_000)).contains_key(&snapshot.approvals[0].id));
        assert!(!known(&snapshot, Timestamp(asked.0 + 1_000)).contains_key(&snapshot.approvals[0].id));
    }
}
