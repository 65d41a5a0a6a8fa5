//! The policy is replaced under open runs: they are fitted to it.

use super::condition::describe;
use super::expiry::OnExpiry;
use super::progress::{Cause, Progress};
use super::state::StageRun;
use super::turn::{At, Turn};
use std::collections::BTreeMap;
use std::sync::Arc;
use tmuxagent_model::{
    AlertKind, ApprovalId, ApprovalKind, IntentId, Millis, Note, PaneKey, RunId, RunState, Severity, StageState,
    TimerKey,
};
use tmuxagent_policy::{FailStep, Stage};

/// How long a question at least stays open from then on whose time a change of the policy has made shorter.
const SOON: Millis = Millis(60_000);

/// How long a question of the policy's stays open, what follows then, and how often it is told again; `None` for questions
/// that the policy says nothing of.
fn waits(rule: &Stage, kind: &ApprovalKind) -> Option<(Option<Millis>, OnExpiry, Option<Millis>)> {
    match kind {
        ApprovalKind::Gate => {
            rule.gate.as_ref().map(|gate| (gate.expires, OnExpiry::from(gate.on_expiry), gate.remind_every))
        }
        ApprovalKind::Failed { on_approve: asked } => rule.on_fail.iter().find_map(|step| match step {
            FailStep::AskHuman { on_approve, expires, on_expiry, remind_every, .. } if on_approve == asked => {
                Some((*expires, OnExpiry::from(*on_expiry), *remind_every))
            }
            _ => None,
        }),
        _ => None,
    }
}

impl Turn<'_> {
    /// The policy was replaced, or the supervisor started with it: panes, runs and timers are fitted to it.
    pub fn policy_loaded(&mut self, hash: &str) {
        let policy = Arc::clone(&self.policy);
        // The supervisor may have been away.
        self.forget_begins(|_| true);
        // Nothing that was taken back before is on its way any more, or its outcome does not matter.
        let rows = self.state.intents.iter();
        let over: Vec<IntentId> = rows.filter(|(_, row)| row.withdrawn).map(|(id, _)| id.clone()).collect();
        for id in &over {
            self.state.intents.remove(id);
        }
        if self.state.meta().policy != hash {
            self.state.meta_mut().policy = hash.to_owned();
            self.note(Severity::Info, "", Note::PolicyLoaded { pipelines: policy.pipelines.len() });
        }
        let open: Vec<RunId> =
            self.state.runs.values().filter(|run| run.state == RunState::Open).map(|run| run.id).collect();
        for run in open {
            self.refit_run(run);
        }
        let panes: Vec<PaneKey> = self.state.panes.iter().map(|(key, _)| key.clone()).collect();
        for pane in &panes {
            let Some(row) = self.state.panes.get(pane) else { continue };
            let names: Vec<String> =
                policy.applicable(&pane.host, &row.info.facts).map(|pipeline| pipeline.name.clone()).collect();
            let named = super::pane::names_of(&policy, &row.info);
            if (&row.pipelines, &row.names) != (&names, &named)
                && let Some(row) = self.state.panes.get_mut(pane)
            {
                (row.pipelines, row.names) = (names, named);
            }
            self.arm_watches(pane);
        }
    }

    /// Fits an open run to the policy: stages that are gone are dropped, new ones wait, what changed begins anew.
    fn refit_run(&mut self, id: RunId) {
        let policy = Arc::clone(&self.policy);
        let Some(run) = self.run(id) else { return };
        let live: Vec<String> = run.live().filter_map(|index| Some(run.stages.get(index)?.name.clone())).collect();
        let last = run.last.and_then(|index| run.stages.get(index)).map(|stage| stage.name.clone());
        let Some(pipeline) = policy.pipeline(&run.pipeline) else {
            return self.cancel_run(id, &Cause::own(self.now, "policy", "it no longer has this pipeline"));
        };
        if live.iter().any(|name| pipeline.stage(name).is_none()) {
            return self.cancel_run(id, &Cause::own(self.now, "policy", "it no longer has this stage"));
        }
        let same = run.stages.iter().map(|stage| &stage.name).eq(pipeline.stages.iter().map(|stage| &stage.name));
        if !same && let Some(run) = self.state.runs.get_mut(&id) {
            let mut old: BTreeMap<String, StageRun> =
                std::mem::take(&mut run.stages).into_iter().map(|stage| (stage.name.clone(), stage)).collect();
            let names = pipeline.stages.iter().map(|stage| stage.name.clone());
            run.stages = names.map(|name| old.remove(&name).unwrap_or_else(|| StageRun::waiting(name))).collect();
            run.last = last.and_then(|last| run.stages.iter().position(|stage| stage.name == last));
        }
        for at in live.iter().filter_map(|name| self.find_stage(id, name)).collect::<Vec<_>>() {
            self.refit_attempt(at);
            let (asked, moved) = (self.question_of(at), self.refit_deadline(at));
            self.revise_gate(at);
            // Messages and request files tell until when it is open.
            if let Some((id, _)) = asked.filter(|asked| moved && self.question_of(at).as_ref() == Some(asked)) {
                if let Some(row) = self.state.approvals.get_mut(&id) {
                    row.approval.revision += 1;
                }
                self.announce(&id, AlertKind::Approval);
            }
        }
    }

    /// The question that a stage waits for, and its revision.
    fn question_of(&self, at: At) -> Option<(ApprovalId, u32)> {
        let id = self.stage(at)?.approval.clone()?;
        Some((id.clone(), self.pending(&id)?.approval.revision))
    }

    /// An open question of the policy's gets the time that it has now, counted from when it was asked, and what follows when that
    /// is over. One that would be over soon stays open for a moment, for whoever is about to decide. Says whether its end is another.
    fn refit_deadline(&mut self, at: At) -> bool {
        let policy = Arc::clone(&self.policy);
        let Some((_, rule)) = self.rule(&policy, at) else { return false };
        let Some(id) = self.stage(at).and_then(|stage| stage.approval.clone()) else { return false };
        let Some(row) = self.pending(&id) else { return false };
        let Some((expires, on_expiry, every)) = waits(rule, &row.approval.kind) else { return false };
        let (asked, before, every_before) = (row.approval.asked_at, row.approval.expires_at, row.remind_every);
        let soon = self.now + SOON;
        let expires_at = match (expires.map(|span| asked + span), before) {
            (Some(due), before) if before == Some(due) || due >= soon => Some(due),
            // It is over soon, or an earlier change has moved it.
            (Some(_), Some(before)) if before <= soon => Some(before),
            (Some(_), _) => Some(soon),
            (None, _) => None,
        };
        if let Some(row) = self.state.approvals.get_mut(&id) {
            row.approval.expires_at = expires_at;
            (row.on_expiry, row.remind_every) = (on_expiry, every);
        }
        if expires_at != before {
            self.state.disarm(&TimerKey::Expiry(id.clone()));
            if let Some(due) = expires_at {
                self.state.arm(TimerKey::Expiry(id.clone()), due);
            }
        }
        if every != every_before {
            self.state.disarm(&TimerKey::Reminder(id.clone()));
            if let Some(every) = every {
                self.state.arm(TimerKey::Reminder(id), self.now + every);
            }
        }
        expires_at != before
    }

    /// Conditions of a running attempt that are others now forget what held, and their polls begin anew.
    fn refit_attempt(&mut self, at: At) {
        let policy = Arc::clone(&self.policy);
        let Some((_, rule)) = self.rule(&policy, at) else { return };
        let Some(stage) = self.stage(at).filter(|stage| stage.state == StageState::Running) else { return };
        let conditions = rule.success_when.iter().chain(&rule.fail_when);
        let shape = conditions.map(|c| describe(&policy, c)).collect::<Vec<_>>().join(" | ");
        if stage.progress.shape == shape {
            return;
        }
        let polls: Vec<(u32, Option<IntentId>)> =
            stage.polls.iter().map(|(node, poll)| (*node, poll.intent.clone())).collect();
        for (node, intent) in polls {
            self.state.disarm(&TimerKey::Poll(at.run, rule.name.clone(), node));
            if let Some(intent) = intent {
                self.withdraw(&intent);
            }
        }
        if let Some(stage) = self.stage_mut(at) {
            stage.progress = Progress { shape, ..Progress::new() };
            stage.polls.clear();
        }
        self.start_polls(at, rule);
        if let Some(pane) = self.stage_pane(at).cloned() {
            self.touch(&pane);
        }
    }
}
