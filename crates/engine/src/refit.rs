//! The policy is replaced under open runs: they are fitted to it.

use super::condition::describe;
use super::progress::{Cause, Progress};
use super::state::StageRun;
use super::turn::{At, Turn};
use std::collections::BTreeMap;
use std::sync::Arc;
use tmuxagent_model::{IntentId, Note, PaneKey, RunId, RunState, Severity, StageState, TimerKey};

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
            self.revise_gate(at);
        }
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
