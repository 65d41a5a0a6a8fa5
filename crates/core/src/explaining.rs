//! What an explanation is told beside what the engine knows: who reads in the panes of its stages, and whom that waits for.

use super::core::Core;
use super::requests::error;
use std::collections::BTreeSet;
use tmuxagent_engine::{StageExplanation, Target, who_reads};
use tmuxagent_ipc::wire::{ErrorKind, Reply};
use tmuxagent_model::{ApprovalState, PaneKey, PaneReader, PaneState, Reads, RunId, StageState};

impl Core {
    /// Explains a run, or the pipelines on a pane.
    pub(crate) fn explain(&self, target: &str) -> Reply {
        let wanted = if let Ok(run) = target.parse::<RunId>() {
            Target::Run(run)
        } else {
            let called = |key: &PaneKey, short: &str| short == target || key.pane.to_string() == target;
            match self.view.panes().find(|live| called(&live.info.key, &live.info.short())) {
                Some(live) => Target::Pane(live.info.key.clone()),
                None => return error(ErrorKind::NotFound, format!("no watched pane and no run is called `{target}`")),
            }
        };
        let mut explanations = self.engine.explain(self.now, &wanted);
        for (pane, awaited) in self.view.awaited() {
            let starting = |of: &&mut StageExplanation| of.state == StageState::Starting && of.pane == *pane;
            for explanation in explanations.iter_mut().filter(starting) {
                explanation.waits_for.insert(0, who_reads(&awaited.reader));
            }
        }
        let commands = self.engine.commands();
        let running = |of: &&mut StageExplanation| of.state == StageState::Running && commands.contains(&of.pane);
        for explanation in explanations.iter_mut().filter(running) {
            if let Some(told) = self.view.command_waits(&explanation.pane) {
                explanation.summary.clone_from(&told);
                explanation.waits_for.insert(0, told);
            }
        }
        self.tell_needs(&mut explanations);
        let runs = explanations.iter().filter_map(|explanation| serde_json::to_value(explanation).ok()).collect();
        Reply::Explanation { runs }
    }

    /// Of a pane that needs somebody though no question about its stages is open, says so: what goes on there waits for that, or
    /// else the first stage that may still begin.
    fn tell_needs(&self, explanations: &mut [StageExplanation]) {
        let view = self.engine.view();
        let panes: BTreeSet<PaneKey> = explanations.iter().map(|of| of.pane.clone()).collect();
        for pane in panes {
            let asked = explanations.iter().any(|of| of.pane == pane && of.approval.is_some());
            let Some(live) = self.view.pane(&pane).filter(|_| !asked) else { continue };
            if self.view.state_of(live, &view) != PaneState::NeedsApproval {
                continue;
            }
            // What another run there is asked stands with that one.
            let open = view.approvals.iter().find(|of| of.pane == pane && of.state == ApprovalState::Pending);
            if open.is_some_and(|open| open.run.is_some()) {
                continue;
            }
            let told = open.map_or_else(|| who_waits(&live.reader), |open| format!("a decision on {}", open.id));
            let acts = explanations.iter().any(|of| of.pane == pane && of.state.is_live());
            let meant =
                |of: &&mut StageExplanation| of.pane == pane && of.state.is_live() == acts && !of.state.is_ended();
            let most = if acts { usize::MAX } else { 1 };
            for explanation in explanations.iter_mut().filter(meant).take(most) {
                if !explanation.waits_for.contains(&told) {
                    explanation.waits_for.insert(0, told.clone());
                }
            }
        }
    }
}

/// Who waits for a person, as a sentence. A reader may be known to wait, and not by how it reads.
fn who_waits(reader: &PaneReader) -> String {
    match reader.reads {
        Reads::Line | Reads::Key | Reads::Password | Reads::AgentAsks => who_reads(reader),
        _ => "a program in the pane waits for somebody".to_owned(),
    }
}
