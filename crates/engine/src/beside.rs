//! Pipelines that begin beside a pane, and commands that run beside it, because an agent reads its keys.

use super::outcome::describe_shell;
use super::progress::Cause;
use super::state::{PaneRow, is_shell};
use super::trigger::{Fired, Starter};
use super::turn::{At, Turn};
use tmuxagent_model::{Effect, IntentId, Millis, Note, PaneKey, Severity, ShellCall, ShellOutcome, ShellText, telling};
use tmuxagent_policy::{Pipeline, Stage};

use super::state::Purpose;

/// The time limit of a command beside a pane whose stage has none.
const LIMIT: Millis = Millis::from_secs(3600);
/// How many of a command's last lines are kept as evidence of its failure.
const LAST: usize = 8;

impl Turn<'_> {
    /// Starts a pipeline in one pane of the window of `pane` that has a shell in front; where there is none in `pane` itself,
    /// with its commands beside it.
    pub fn start_beside(&mut self, pane: &PaneKey, pipeline: &Pipeline, stage: &Stage, by: &Cause) {
        let Some(own) = self.state.panes.get(pane) else { return };
        let same_window = |row: &PaneRow| {
            let (a, b) = (&row.info, &own.info);
            a.key.host == b.key.host && a.key.server == b.key.server && a.window_id == b.window_id && !a.dead
        };
        let fits = |row: &PaneRow| same_window(row) && has_shell(row) && row.pipelines.contains(&pipeline.name);
        let rows = || self.state.panes.iter().filter(|(_, row)| fits(row));
        let free = rows().find(|(key, row)| *key != pane && row.open.is_empty() && row.guests.is_empty());
        let found = free.or_else(|| rows().find(|(key, _)| *key != pane)).or_else(|| rows().next());
        let (target, aside) = match found {
            Some((key, _)) => (key.clone(), false),
            None => (pane.clone(), true),
        };
        match self.fire(&target, pipeline, stage, by.clone(), Vec::new(), Starter::Command) {
            Fired::Started(at) if aside => {
                let text = format!(
                    "{}: no pane of the window has a shell in front; it begins in this one, and its commands run beside an agent",
                    pipeline.name
                );
                self.note_run(Severity::Info, at.run, Note::Text { text });
            }
            Fired::Started(_) => {}
            Fired::Ignored(why) => self.miss(&target, &pipeline.name, &stage.name, &by.brief(), why),
        }
    }

    /// Whether an agent reads the keys of a run's pane, so that a shell's line has no place there.
    pub fn runs_aside(&self, at: At) -> bool {
        self.pane_of(at).is_some_and(|row| !row.info.facts.agent.is_empty() && !is_shell(&row.info.facts.command))
    }

    /// Runs a stage's command on its pane's host, beside the pane.
    pub fn run_aside(&mut self, at: At, command: &ShellText, purpose: Purpose) -> Option<IntentId> {
        let row = self.pane_of(at)?;
        let (pane, folder) = (row.info.key.clone(), row.info.facts.path.clone());
        let timeout = self.timeout_of(at).unwrap_or(LIMIT);
        let call = ShellCall { pane, script: command.clone(), folder, timeout, again: false };
        Some(self.emit(Effect::Shell(call), purpose))
    }

    /// Keeps those of the last lines of a command beside the pane as evidence that tell most.
    pub fn witness_output(&mut self, at: At, outcome: &ShellOutcome) {
        let clean = self.cleaner.clean(&outcome.output);
        let lines = clean.lines().filter(|line| !line.trim().is_empty()).map(str::to_owned).collect();
        for line in telling(lines, LAST) {
            self.record_evidence(at, &Cause::own(self.now, "output", line));
        }
    }

    /// A stage's command beside the pane ended.
    pub fn ran_aside(&mut self, at: At, id: &IntentId, outcome: &ShellOutcome) {
        let Some(exit) = outcome.exit else {
            return self.attempt_failed(at, Cause::own(self.now, "run", self.cleaner.clean(&describe_shell(outcome))));
        };
        if let Some(stage) = self.stage_mut(at) {
            stage.cursor += 1;
            stage.tracked = Some(id.clone());
        }
        let last = self.stage(at).is_some_and(|stage| stage.cursor as usize >= stage.plan.len());
        if last {
            self.advance(at);
        }
        self.tracked_ended(at, exit);
    }
}

fn has_shell(row: &PaneRow) -> bool {
    row.info.facts.agent.is_empty() && is_shell(&row.info.facts.command)
}
