//! The end of a world: it comes to rest, and what must hold is looked at.

use super::super::tmux::Ran;
use super::{World, policies, policy};
use std::sync::Arc;
use tmuxagent_core::Replay;
use tmuxagent_engine::Engine;
use tmuxagent_model::{ApprovalState, Command, Event, Millis, RunState};
use tmuxagent_policy::Policy;
use tmuxagent_store::{EventFilter, Found, Reader};

impl World {
    /// Nothing breaks any more, and everything that is under way comes to its end.
    pub(super) fn come_to_rest(&mut self) {
        self.calm = true;
        self.ask(Command::Unfreeze);
        self.panes.iter_mut().for_each(|pane| (pane.in_mode, pane.connected) = (false, true));
        for _ in 0..3000 {
            self.begin_to_observe();
            for pane in 0..self.panes.len() {
                let limit = self.panes[pane].reply.as_ref().map_or(usize::MAX, |reply| reply.behind);
                self.read_to(pane, usize::MAX, limit);
                self.reply(pane);
                self.run_next(pane);
            }
            self.shell_ends();
            self.decide();
            self.round();
            self.supervisor.pump(&mut self.panes);
            self.now = self.now + Millis(2000);
            let quiet = self.supervisor.queue.is_empty() && self.panes.iter().all(|pane| pane.read == pane.end());
            if quiet && self.pending.is_empty() && self.supervisor.core.engine().open_intents().next().is_none() {
                let runs = self.supervisor.core.engine().view().runs;
                if runs.iter().all(|run| run.state != Some(RunState::Open)) {
                    return;
                }
            }
        }
        let open: Vec<_> = self
            .supervisor
            .core
            .engine()
            .view()
            .runs
            .into_iter()
            .filter(|run| run.state == Some(RunState::Open))
            .collect();
        panic!("it does not come to rest: {open:#?}, {:?}", self.pending);
    }

    /// Everything that began has run, once; every decision is there; the journal replays.
    pub(super) fn judge(&mut self) {
        self.hear();
        let excused = |what: &Ran| self.cancelled.contains(&what.0) || self.late.contains(what);
        let lost: Vec<_> = self.begun.iter().filter(|what| !excused(what) && !self.ran.contains(*what)).collect();
        if let Some(first) = lost.first() {
            panic!("began and never ran: {lost:?}\n{}", self.tale(first.0));
        }
        let unasked: Vec<_> = self.ran.iter().filter(|what| !self.begun.contains(*what)).collect();
        assert!(unasked.is_empty(), "ran without having begun: {unasked:?}");
        let reader = Reader::open(&self.folder.path().join("state.db")).expect("a database");
        for (id, approve) in &self.decided {
            let wanted = if *approve { ApprovalState::Approved } else { ApprovalState::Rejected };
            let found = reader.approval(id.as_str()).expect("readable");
            assert!(matches!(&found, Found::One(approval) if approval.state == wanted), "{id}: {found:?}");
        }
        let mut engine = Engine::new(Arc::clone(policy()));
        for entry in reader.journal(0) {
            let entry = entry.expect("a row");
            if let Event::PolicyLoaded { hash } = &entry.event {
                let policy = policies().iter().find(|policy| policy.hash == *hash).expect("one of them");
                engine.set_policy(Arc::clone(policy));
            }
            engine.step(entry.at, &entry.event);
        }
        assert!(engine == *self.supervisor.core.engine(), "the journal does not replay to the same state");
    }

    /// What the heart took in lately leads to the same when it is played back.
    pub(super) fn replay(&self) {
        let policy = Policy::clone(self.supervisor.core.engine().policy());
        let dump = self.supervisor.core.dump(&[]).expect("there were rounds");
        let mut replay = Replay::new(&dump, |_| Ok(policy)).expect("a dump");
        let mut rounds = 0;
        while let Some(step) = replay.step() {
            let step = step.expect("readable");
            assert_ne!(step.same, Some(false), "line {}: {}", step.line, step.given);
            rounds += usize::from(step.same.is_some());
        }
        assert!(rounds > 0);
    }

    /// What the journal tells of a run.
    pub(super) fn tale(&self, run: u64) -> String {
        let reader = Reader::open(&self.folder.path().join("state.db")).expect("a database");
        let filter = EventFilter { limit: u32::MAX, ..EventFilter::default() };
        let notes = reader.events(&filter).expect("notes").into_iter().map(|line| format!("{:?}", line.note));
        let (number, word) = (format!("RunId({run})"), format!("do {run} "));
        let quoted = format!("do '{run}' ");
        let told = notes.filter(|note| [&number, &word, &quoted].iter().any(|part| note.contains(part.as_str())));
        told.collect::<Vec<_>>().join("\n")
    }
}
