//! The person who answers and gives commands.

use super::World;
use tmuxagent_model::{ApprovalKind, ApprovalState, Command, RunControl, RunId, RunState, Verdict};

impl World {
    pub(super) fn ask(&mut self, command: Command) {
        self.supervisor.ask(self.now, command);
    }

    /// A run is not wanted any more.
    pub(super) fn cancel(&mut self) {
        let runs = self.supervisor.core.engine().view().runs.into_iter();
        let open: Vec<RunId> = runs.filter(|run| run.state == Some(RunState::Open)).filter_map(|run| run.run).collect();
        if !open.is_empty() {
            let run = open[self.random.index(open.len())];
            self.ask(Command::Control { run, stage: None, control: RunControl::Cancel });
        }
    }

    /// A person answers one question, having looked at what was done.
    pub(super) fn decide(&mut self) {
        let at = self.random.index(self.pending.len());
        let Some(id) = self.pending.iter().nth(at).cloned() else { return };
        let Some(approval) = self.supervisor.core.engine().approval(&id).cloned() else {
            self.pending.remove(&id);
            return;
        };
        if approval.state != ApprovalState::Pending {
            self.pending.remove(&id);
            return;
        }
        let (approve, answer) = match &approval.kind {
            ApprovalKind::Gate => (self.calm || !self.random.once_in(8), None),
            ApprovalKind::Settle { intent, .. } => {
                let what = (
                    approval.run.map_or(0, |run: RunId| run.0),
                    approval.stage.clone().unwrap_or_default(),
                    approval.attempt,
                );
                let done = self.ran.contains(&what)
                    || self.panes.iter().any(|pane| pane.has(intent))
                    || self.supervisor.shells.iter().any(|(other, _)| other.id == *intent);
                (true, Some(if done { "done" } else { "again" }.to_owned()))
            }
            ApprovalKind::Gap => (true, Some("wait".to_owned())),
            // Its report may be lost, so that it would be waited for without end.
            ApprovalKind::Overdue => (true, Some("over".to_owned())),
            ApprovalKind::Unclear => (true, Some("continue".to_owned())),
            ApprovalKind::Failed { .. } | ApprovalKind::Agent | ApprovalKind::Asks | ApprovalKind::Dialog { .. } => {
                (true, None)
            }
        };
        let verdict = Verdict { approve, answer };
        self.ask(Command::Decide { approval: id, revision: approval.revision, verdict });
    }
}
