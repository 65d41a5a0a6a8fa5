//! Output that was lost: it is marked, and a stage that may have missed its line asks.

use super::condition::reads_lines;
use super::expiry::OnExpiry;
use super::gate::{Ask, CONTINUE, RERUN, WAIT};
use super::turn::{At, Turn};
use std::sync::Arc;
use tmuxagent_model::{ApprovalKind, Note, PaneKey, Severity, StageState};

impl Turn<'_> {
    /// Output of a pane was lost: running stages that read it may have missed their line.
    pub fn gap(&mut self, pane: &PaneKey) {
        if self.state.panes.get(pane).is_none() {
            return;
        }
        let runs = self.runs_at(pane);
        self.forget_begins(|key| key == pane);
        self.note_at(Severity::Warning, pane, Note::Gap { pane: format!("{}:{}", pane.host, pane.pane) });
        for run in runs {
            if let Some(at) = self.live_at(run, pane) {
                self.overhear_gap(at);
                self.ask_gap(at);
            }
        }
    }

    /// Whether it is asked what became of a stage that may have missed its line.
    pub fn asks_of_gap(&self, at: At) -> bool {
        let asked = self.stage(at).and_then(|stage| stage.approval.as_ref()).and_then(|id| self.pending(id));
        asked.is_some_and(|row| row.approval.kind == ApprovalKind::Gap)
    }

    /// Asks whether a running stage that reads lines has missed its line.
    pub fn ask_gap(&mut self, at: At) {
        let policy = Arc::clone(&self.policy);
        let Some((_, rule)) = self.rule(&policy, at) else { return };
        let Some(stage) = self.stage(at).filter(|stage| stage.state == StageState::Running) else { return };
        let reads = rule.success_when.iter().chain(&rule.fail_when).any(reads_lines);
        // A command that was suspended is asked about without a rerun, as soon as anything is seen of it.
        if !reads || stage.approval.is_some() || stage.look.may_live() {
            return;
        }
        let ask = Ask {
            kind: ApprovalKind::Gap,
            question: format!(
                "Output of the pane was lost while stage {} ran; it may have missed its line. Has it succeeded?",
                rule.name
            ),
            effect_text: "nothing is typed; the stage counts as succeeded".to_owned(),
            options: vec![CONTINUE.to_owned(), RERUN.to_owned(), WAIT.to_owned()],
            attempt: stage.attempt,
            ..Ask::default()
        };
        // The stage runs on and may still end by itself, so an expiry only marks the question.
        let ask = Ask { on_expiry: OnExpiry::Keep, ..self.on_terms_of(at, ask) };
        self.ask_about(at, ask);
    }
}
