//! The picture that views are shown.

use super::core::{Core, FRAME};
use super::fronts::is_prompt;
use std::sync::Arc;
use tmuxagent_engine::said;
use tmuxagent_model::{HeldSend, RunView, Snapshot, StageView, Timestamp};

impl Core {
    /// A new picture when something changed, at most thirty times a second.
    pub fn snapshot(&mut self, now: Timestamp) -> Option<Arc<Snapshot>> {
        if now.since(self.shown_at) < FRAME { None } else { self.snapshot_at_once(now) }
    }

    /// The same without the pause: whoever was told that something is done sees it with his next look.
    pub fn snapshot_at_once(&mut self, now: Timestamp) -> Option<Arc<Snapshot>> {
        if !self.dirty {
            return None;
        }
        let mut view = self.engine.view();
        view.runs.iter_mut().for_each(|run| run.last_line = self.last_line(run));
        for (pane, awaited) in self.view.awaited() {
            let Some(text) = self.engine.describe(&awaited.intent) else { continue };
            let text = self.redactor.redact(&text);
            let (place, reader) = (self.view.place(pane), Some(Box::new(awaited.reader.clone())));
            let (intent, at, pane) = (awaited.intent.clone(), awaited.since, Some(pane.clone()));
            view.held.push(HeldSend { intent, place, pane, text, at, reader });
        }
        if self.retry_at.is_some() {
            // What can't be saved has not happened yet for anybody outside: files would be taken away with their words,
            // and links be called used.
            let shown = &self.shown;
            (view.runs, view.approvals) = (shown.runs.clone(), shown.approvals.clone());
            (view.held, view.frozen) = (shown.held.clone(), shown.frozen.clone());
            view.leases.clone_from(&shown.leases);
        }
        self.shown = Arc::new(self.view.snapshot(now, view));
        (self.dirty, self.shown_at) = (false, now);
        Some(Arc::clone(&self.shown))
    }

    /// The last line that a run's newest stage printed, as long as it is among the last ones of its pane. What the shell draws is
    /// none of it.
    pub(crate) fn last_line(&self, run: &RunView) -> Option<String> {
        let stage = run.stages.iter().filter(|stage| stage.attempt > 0).max_by_key(|stage| stage.started_at)?;
        let StageView { started_at: Some(begin), ended_at, .. } = stage else { return None };
        let pane = stage.pane.as_ref().unwrap_or(&run.pane);
        let end = ended_at.or(run.ended_at);
        let of_stage = |at: Timestamp| at >= *begin && end.is_none_or(|end| at <= end);
        let printed = self.view.pane(pane)?.printed.iter().rev().filter(|line| of_stage(line.at));
        let prompt = |text: &str| self.hosts.prompts(pane).any(|prompt| is_prompt(text, prompt));
        let text = printed.filter(|line| !prompt(&line.text)).find_map(|line| said(&line.text))?;
        Some(self.redactor.redact(&text))
    }
}
