//! The picture that views are shown.

use super::core::{Core, FRAME};
use std::sync::Arc;
use tmuxagent_model::{HeldSend, Snapshot, Timestamp};

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
}
