//! Decisions: the only place where a question becomes an effect. Called for [`tmuxagent_model::Event::Asked`] alone.

use super::gate::{AGAIN, CONTINUE, DONE, RERUN, WAIT};
use super::progress::Cause;
use super::readers::{affirmative, answer_steps, is_no};
use super::state::{Again, ApprovalRow, Planned, Purpose};
use super::table::StageInput;
use super::turn::{At, Turn};
use super::verdict::{INTERRUPTED, runs_beside};
use super::waits::{meant_for_command, says_nothing};
use super::{Answer, RefusalKind};
use crate::lifecycle::{self, Refusal};
use std::sync::Arc;
use tmuxagent_model::{
    Approval, ApprovalId, ApprovalKind, ApprovalState, Decider, Effect, KeyStep, Needs, Note, OnApprove, Prompt,
    SendKeys, Severity, StageState, TimerKey, Verdict,
};

impl Turn<'_> {
    /// A human decides an approval.
    pub fn decide(&mut self, id: &ApprovalId, revision: u32, verdict: &Verdict, by: &Decider) {
        let now = self.now;
        let Some(row) = self.state.approvals.get(id) else {
            return self.reply(Answer::refused(RefusalKind::NotFound, format!("there is no approval {id}")));
        };
        let mut row = row.clone();
        let open = row.approval.state == ApprovalState::Pending;
        let meant = match row.dialog.as_ref().filter(|_| open) {
            Some(dialog) => dialog.verdict(verdict),
            None if open && says_nothing(&row.approval, verdict) => {
                Err("a plain yes answers nothing here; say what is answered".to_owned())
            }
            None if open && row.approval.kind == ApprovalKind::Asks => {
                meant_for_command(&row.approval, verdict).and_then(|meant| row.allows(&meant, by))
            }
            None if open && runs_beside(&row.approval) && verdict.answer.as_deref() == Some(RERUN) => {
                Err("its command is suspended, and another one would begin beside it; end it first: `fg`, then C-c"
                    .to_owned())
            }
            None if open || row.grace => row.allows(verdict, by),
            None => Ok(verdict.clone()),
        };
        let verdict = &match meant {
            Ok(meant) => meant,
            Err(why) => return self.refuse(&row.approval, &Refusal::NotOffered(why), by),
        };
        let undo = row.grace && !verdict.approve;
        let decided = if undo {
            lifecycle::take_back(&mut row.approval, revision, verdict, by, now)
        } else {
            lifecycle::decide(&mut row.approval, revision, verdict, by, now)
        };
        if let Err(refusal) = decided {
            return self.refuse(&row.approval, &refusal, by);
        }
        for key in [TimerKey::Expiry(id.clone()), TimerKey::Reminder(id.clone()), TimerKey::Grace(id.clone())] {
            self.state.disarm(&key);
        }
        // Who waits for the answer is told at once, and can't be told otherwise later.
        let delay = verdict.approve && self.options.undo.0 > 0 && row.call.is_none();
        row.grace = delay;
        let (approval, place) = (row.approval.clone(), row.approval.told_place());
        self.state.approvals.insert(id.clone(), row);
        let note = Note::ApprovalDecided { approval: id.clone(), approve: verdict.approve, by: by.clone() };
        self.note(if verdict.approve { Severity::Success } else { Severity::Warning }, &place, note);
        if delay {
            let due = now + self.options.undo;
            self.state.arm(TimerKey::Grace(id.clone()), due);
        } else {
            self.apply(id);
        }
        let text = match (verdict.approve, delay, undo) {
            (true, true, _) => format!("approved; it is done in {} unless it is taken back", self.options.undo),
            (true, false, _) => "approved".to_owned(),
            (false, _, true) => "taken back; nothing is done".to_owned(),
            (false, _, false) => "rejected".to_owned(),
        };
        let intents = self.handed_out();
        self.reply(Answer::Ok { run: approval.run, intents, text });
    }

    fn refuse(&mut self, approval: &Approval, refusal: &Refusal, by: &Decider) {
        let kind = match refusal {
            Refusal::AlreadyDecided(_) => RefusalKind::AlreadyDecided,
            Refusal::Stale(_) => RefusalKind::Stale,
            Refusal::NotOffered(_) => RefusalKind::Refused,
        };
        let why = refusal.to_string();
        let note = Note::DecisionRefused { approval: approval.id.clone(), why: why.clone(), by: by.clone() };
        self.note(Severity::Warning, &approval.told_place(), note);
        self.reply(Answer::refused(kind, why));
    }

    /// The undo period of a yes is over.
    pub fn grace_over(&mut self, id: &ApprovalId) {
        if let Some(row) = self.state.approvals.get_mut(id)
            && row.grace
        {
            row.grace = false;
            self.apply(id);
        }
    }

    /// Does what was decided.
    fn apply(&mut self, id: &ApprovalId) {
        let Some(row) = self.state.approvals.get(id).cloned() else { return };
        let Some(decision) = &row.approval.decision else { return };
        let verdict = decision.verdict.clone();
        let word = if verdict.approve { "approved" } else { "rejected" };
        let by = format!("by {} via {}", decision.by.who, lifecycle::via(decision.by.via));
        let cause = Cause::own(self.now, word, by);
        let at = self.stage_of(&row.approval);
        if let Some(stage) = at.and_then(|at| self.stage_mut(at)) {
            // It is closed; were it left here, the next step of the stage would supersede it.
            stage.approval = None;
        }
        match (&row.approval.kind, at) {
            (ApprovalKind::Gate, Some(at)) => {
                if verdict.approve {
                    // One that would begin another round was not asked yet whether it is run at all.
                    let asked = self.asks_of_rounds(at).is_none();
                    self.allow_rounds(at);
                    if asked { self.enter_as_shown(at) } else { self.admit(at) }
                } else {
                    self.not_started(at, StageInput::Reject, cause);
                }
            }
            (ApprovalKind::Failed { on_approve }, Some(at)) => {
                self.apply_failed(at, *on_approve, verdict.approve, cause);
            }
            // A retry of the policy's would begin beside the command that is suspended.
            (ApprovalKind::Unclear, Some(at)) if runs_beside(&row.approval) && !verdict.approve => {
                self.attempt_failed(at, Cause { rule: INTERRUPTED.to_owned(), ..cause });
            }
            (ApprovalKind::Gap | ApprovalKind::Unclear, Some(at)) => self.apply_gap(at, &verdict, cause),
            (ApprovalKind::Overdue, Some(at)) => self.apply_overdue(at, &verdict, cause),
            (ApprovalKind::Settle { .. }, at) => self.apply_settle(at, &row, &verdict, cause),
            (ApprovalKind::Agent, _) if row.call.is_some() => {}
            (ApprovalKind::Agent, _) => self.answer_agent(&row, &verdict),
            (ApprovalKind::Asks, _) => self.answer_agent(&row, &verdict),
            (ApprovalKind::Dialog { .. }, _) => self.answer_dialog(&row, &verdict),
            // Superseded questions are closed before; nothing to do.
            (
                ApprovalKind::Gate
                | ApprovalKind::Failed { .. }
                | ApprovalKind::Gap
                | ApprovalKind::Unclear
                | ApprovalKind::Overdue,
                None,
            ) => {}
        }
    }

    fn apply_failed(&mut self, at: At, on_approve: OnApprove, approve: bool, cause: Cause) {
        match (approve, on_approve) {
            (true, OnApprove::Rerun) if self.look_for_pane(at) => {}
            (true, OnApprove::Rerun) => {
                // The question was about one attempt: when that fails too and the retries are used up, it is asked anew.
                if let Some(stage) = self.stage_mut(at) {
                    stage.plan_fixed = true;
                }
                self.enter(at);
            }
            (true, OnApprove::Continue) => self.succeed(at, cause),
            (true, OnApprove::Skip) => self.skip(at, cause),
            (false, _) => {
                if !self.told_behind_question(at, &cause) {
                    self.fail_for_good(at, cause);
                }
            }
        }
    }

    fn apply_gap(&mut self, at: At, verdict: &Verdict, cause: Cause) {
        match (verdict.approve, verdict.answer.as_deref()) {
            (true, None | Some(CONTINUE)) => self.succeed(at, cause),
            (true, Some(RERUN)) => {
                self.close_attempt(at);
                self.enter(at);
            }
            (true, Some(WAIT | _)) => {
                if let Some(stage) = self.stage_mut(at) {
                    stage.waits_on = !stage.look.suspended;
                }
                self.await_suspended(at);
            }
            (false, _) => self.attempt_failed(at, cause),
        }
    }

    fn apply_settle(&mut self, at: Option<At>, row: &ApprovalRow, verdict: &Verdict, cause: Cause) {
        let Some(Again { effect, purpose, untouched }) = row.again.clone() else { return };
        let done = verdict.answer.as_deref() == Some(DONE);
        let policy = Arc::clone(&self.policy);
        let judged = at.and_then(|at| self.rule(&policy, at)).is_some_and(|(_, rule)| rule.success_when.is_some());
        let mut by_hand = false;
        if let Some(stage) = at.and_then(|at| self.stage_mut(at)) {
            let command = matches!(stage.plan.get(stage.cursor as usize), Some(Planned::Run { .. }));
            let last = stage.cursor as usize + 1 == stage.plan.len();
            // A person has said what became of it, and the plan goes on: its own end would be one too many. But of the last
            // command that a condition judges, only its end tells how it went.
            let typed = stage.typed.as_ref().map(|typed| typed.id.clone());
            stage.tracked = typed.filter(|_| done && command && last && judged && !untouched);
            by_hand = untouched && done && command && last && judged;
        }
        debug_assert!(verdict.answer.is_none() || done || verdict.answer.as_deref() == Some(AGAIN));
        let Some(at) = at else {
            if verdict.approve && !done {
                self.emit(effect, purpose);
            }
            return;
        };
        match (verdict.approve, done) {
            // Nothing of ours will tell how it went: he who did it says so.
            (true, true) if by_hand => self.succeed(at, cause),
            (true, true) => self.resume(at, true),
            (true, false) => {
                // A tracked command carries its intent's identity, so it is made anew rather than sent again.
                self.resume(at, false);
            }
            (false, _) => {
                self.fail_for_good(at, cause);
            }
        }
    }

    /// Goes on with the plan of an attempt that was interrupted: after the present action, or with it.
    fn resume(&mut self, at: At, past: bool) {
        if self.stage(at).is_none_or(|stage| stage.state != StageState::Asking) || !self.shift(at, StageInput::Start) {
            return;
        }
        let timeout = self.timeout_of(at);
        if let (Some(timeout), name) = (timeout, self.stage_name(at)) {
            let due = self.now + timeout;
            self.state.arm(TimerKey::StageTimeout(at.run, name), due);
        }
        self.mind_limit(at);
        let heard = self.stage_mut(at).map(|stage| std::mem::take(&mut stage.deferred)).unwrap_or_default();
        if past && let Some(stage) = self.stage_mut(at) {
            stage.cursor += 1;
            // What is typed next is another command.
            stage.typed = stage.typed.take().filter(|_| stage.tracked.is_some());
        }
        self.advance(at);
        if past {
            self.count_deferred(at, &heard);
        }
    }

    fn answer_agent(&mut self, row: &ApprovalRow, verdict: &Verdict) {
        let approval = &row.approval;
        let options = &approval.options;
        // What the question shows is for people; this is what was asked for.
        let label = match (&verdict.answer, verdict.approve) {
            (Some(answer), _) => Some(answer.as_str()),
            (None, true) => affirmative(options),
            (None, false) => {
                options.iter().map(String::as_str).find(|o| is_no(o)).or(options.is_empty().then_some("no"))
            }
        };
        let steps = match approval.kind {
            ApprovalKind::Asks => Some(self.answer_to_command(approval, verdict, &row.answers)),
            _ => label.map(|label| answer_steps(options, label, &row.answers)),
        };
        let Some(steps) = steps else { return };
        if steps.is_empty() {
            return;
        }
        let Some(pane) = self.state.panes.get(&approval.pane) else { return };
        let agent = !pane.info.facts.agent.is_empty();
        let pane = approval.pane.clone();
        let purpose = Purpose::Reply { approval: approval.id.clone() };
        let needs = Needs::Asker { front: row.asker.clone(), question: row.fingerprint.clone() };
        // Who asked is known better by its process than by its name.
        let expect_command = row.program.clone().filter(|program| !program.is_empty() && row.asker.is_none());
        // Agents take a paste as text; typed letters can be shortcuts of a dialog that is open by now. Keys are what the
        // policy's author wants pressed.
        let effect = match steps.as_slice() {
            [KeyStep::Text(text), KeyStep::Key(key)] if agent && key == "Enter" => {
                Effect::Prompt(Prompt { pane, text: text.clone(), expect_command, needs })
            }
            _ => Effect::Send(SendKeys { pane, steps, expect_command, expect_screen: None, needs, shells: Vec::new() }),
        };
        self.emit(effect, purpose);
    }
}
