//! What happened since the start, counted from the journal's lines.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tmuxagent_ipc::hub::{Call, Hub, Peer};
use tmuxagent_ipc::wire::{Reply, Request};
use tmuxagent_model::{ApprovalId, ApprovalState, EventLine, Note, RunState, Snapshot, Timestamp, Via};
use tokio::sync::{broadcast, mpsc, oneshot, watch};

/// Bounds of the waits for people, seconds: from a glance to a night.
pub(crate) const WAITS: [u32; 10] = [5, 15, 60, 180, 600, 1_800, 3_600, 7_200, 21_600, 86_400];

/// How attempts of stages end.
pub(crate) const STAGES: [&str; 7] =
    ["succeeded", "failed", "retried", "escalated", "skipped", "cancelled", "not_started"];
/// How runs end.
pub(crate) const RUNS: [&str; 5] = ["succeeded", "failed", "cancelled", "rejected", "expired"];
/// How questions end.
pub(crate) const APPROVALS: [&str; 4] = ["approved", "rejected", "expired", "superseded"];
/// What becomes of keys.
pub(crate) const SENDS: [&str; 4] = ["sent", "not_sent", "held", "failed"];

/// The lines that one answer about the journal holds.
const CATCH_UP: u32 = 10_000;

/// A histogram of seconds.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Histogram {
    /// Below or at each bound of [`WAITS`], each alone.
    pub(crate) buckets: [u64; WAITS.len()],
    pub(crate) count: u64,
    pub(crate) sum_millis: u64,
}

impl Histogram {
    fn observe(&mut self, millis: u64) {
        let found = WAITS.iter().position(|bound| millis <= u64::from(*bound) * 1000);
        if let Some(bucket) = found.and_then(|at| self.buckets.get_mut(at)) {
            *bucket += 1;
        }
        self.count += 1;
        self.sum_millis = self.sum_millis.saturating_add(millis);
    }
}

/// Counts by outcome.
pub(crate) type Counts = BTreeMap<&'static str, u64>;

/// See the module. Pure.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Tally {
    pub(crate) runs: Counts,
    pub(crate) stages: Counts,
    pub(crate) approvals: Counts,
    pub(crate) sends: Counts,
    pub(crate) auto_answered: u64,
    pub(crate) waits: Histogram,
    /// Open questions, since when.
    open: BTreeMap<ApprovalId, Timestamp>,
    /// The last line that is counted.
    last: Option<u64>,
}

impl Tally {
    /// Counts a line once. `shown` knows the questions of an earlier life.
    fn take(&mut self, line: &EventLine, shown: &Snapshot) {
        if self.last.is_some_and(|last| line.seq <= last) {
            return;
        }
        self.last = Some(line.seq);
        let stage = match &line.note {
            Note::StageSucceeded { .. } => Some("succeeded"),
            Note::StageFailed { .. } => Some("failed"),
            Note::StageRetrying { .. } => Some("retried"),
            Note::StageEscalated { .. } => Some("escalated"),
            Note::StageSkipped { .. } => Some("skipped"),
            Note::StageCancelled { .. } => Some("cancelled"),
            Note::StageNotStarted { .. } => Some("not_started"),
            _ => None,
        };
        if let Some(outcome) = stage {
            *self.stages.entry(outcome).or_default() += 1;
        }
        let sent = match &line.note {
            Note::Sent { .. } | Note::Given { .. } => Some("sent"),
            Note::NotSent { .. } => Some("not_sent"),
            Note::Held { .. } => Some("held"),
            Note::EffectFailed { .. } => Some("failed"),
            _ => None,
        };
        if let Some(outcome) = sent {
            *self.sends.entry(outcome).or_default() += 1;
        }
        match &line.note {
            Note::RunEnded { state, .. } => self.run_ended(*state),
            Note::AutoAnswered { approval, .. } => {
                self.auto_answered += 1;
                self.open.remove(approval);
            }
            Note::ApprovalAsked { approval, .. } => drop(self.open.insert(approval.clone(), line.at)),
            Note::ApprovalDecided { approval, approve, by } => {
                let asked = self.closed(approval, if *approve { "approved" } else { "rejected" });
                // Rules and leases answer without anybody.
                if !matches!(by.via, Via::Rule | Via::Lease) {
                    self.waited(approval, asked, line.at, shown);
                }
            }
            Note::ApprovalClosed { approval, state: ApprovalState::Expired } => {
                let asked = self.closed(approval, "expired");
                self.waited(approval, asked, line.at, shown);
            }
            // What is not needed any more nobody was waited for.
            Note::ApprovalClosed { approval, .. } => drop(self.closed(approval, "superseded")),
            _ => {}
        }
    }

    fn run_ended(&mut self, state: RunState) {
        let outcome = match state {
            RunState::Open => return,
            RunState::Succeeded => "succeeded",
            RunState::Failed => "failed",
            RunState::Cancelled => "cancelled",
            RunState::Rejected => "rejected",
            RunState::Expired => "expired",
        };
        *self.runs.entry(outcome).or_default() += 1;
    }

    /// Counts the end of a question; since when it was open, where that was seen.
    fn closed(&mut self, id: &ApprovalId, outcome: &'static str) -> Option<Timestamp> {
        *self.approvals.entry(outcome).or_default() += 1;
        self.open.remove(id)
    }

    fn waited(&mut self, id: &ApprovalId, asked: Option<Timestamp>, at: Timestamp, shown: &Snapshot) {
        let earlier = || shown.approvals.iter().find(|approval| approval.id == *id).map(|approval| approval.asked_at);
        if let Some(asked) = asked.or_else(earlier) {
            self.waits.observe(at.since(asked).0);
        }
    }
}

/// A tally that is kept.
#[derive(Debug, Clone, Default)]
pub struct Followed(Arc<Mutex<Tally>>);

impl Followed {
    pub(crate) fn now(&self) -> Tally {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Tally> {
        // A poisoned lock still holds counts that are good enough.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, lines: &[EventLine], shown: &Snapshot) {
        let mut tally = self.lock();
        lines.iter().for_each(|line| tally.take(line, shown));
    }
}

/// Counts from now on, until the supervisor ends.
#[must_use]
pub fn follow(hub: &Hub) -> Followed {
    let followed = Followed::default();
    let (lines, shown, calls) = (hub.events.subscribe(), hub.snapshots.clone(), hub.calls.clone());
    tokio::spawn(count(followed.clone(), lines, shown, calls));
    followed
}

async fn count(
    followed: Followed,
    mut lines: broadcast::Receiver<Arc<Vec<EventLine>>>,
    shown: watch::Receiver<Arc<Snapshot>>,
    calls: mpsc::Sender<Call>,
) {
    loop {
        let snapshot = || Arc::clone(&shown.borrow());
        match lines.recv().await {
            Ok(lines) => followed.take(&lines, &snapshot()),
            Err(broadcast::error::RecvError::Closed) => return,
            // What fell out of the queue stands in the journal.
            Err(broadcast::error::RecvError::Lagged(_)) => {
                let last = followed.lock().last;
                if let Some(after) = last
                    && let Some(missed) = journal(&calls, after).await
                {
                    followed.take(&missed, &snapshot());
                }
            }
        }
    }
}

async fn journal(calls: &mpsc::Sender<Call>, after: u64) -> Option<Vec<EventLine>> {
    // Numbers of connections count up from 0, so this one is nobody's.
    let peer = Peer {
        connection: u64::MAX - 1,
        who: String::new(),
        vouched: None,
        via: Via::Cli,
        pane: None,
        tmux_socket: None,
        pid: None,
    };
    let (reply, answer) = oneshot::channel();
    let request = Request::Events { after, limit: CATCH_UP, follow: false };
    calls.send(Call { peer, request, reply }).await.ok()?;
    match answer.await {
        Ok(Reply::Events { events }) => Some(events),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tmuxagent_model::{Decider, Millis, RunId, Severity};

    pub(crate) fn line(seq: u64, at: i64, note: Note) -> EventLine {
        EventLine { seq, at: Timestamp(at), severity: Severity::Info, place: String::new(), note }
    }

    fn asked(id: &str) -> Note {
        Note::ApprovalAsked { approval: ApprovalId::new(id), question: String::new() }
    }

    fn decided(id: &str) -> Note {
        decided_via(id, Via::Panel)
    }

    fn decided_via(id: &str, via: Via) -> Note {
        let by = Decider::named("mei", via);
        Note::ApprovalDecided { approval: ApprovalId::new(id), approve: true, by }
    }

    #[test]
    fn a_line_is_counted_once_and_a_wait_from_its_question_on() {
        let mut earlier = tmuxagent_testkit::approval();
        (earlier.id, earlier.asked_at) = (ApprovalId::new("C"), Timestamp(0));
        let shown = Snapshot { approvals: vec![earlier], ..Snapshot::default() };
        let succeeded = Note::StageSucceeded { run: RunId(1), stage: "s".into(), by: String::new(), took: Millis(5) };
        let superseded = Note::ApprovalClosed { approval: ApprovalId::new("B"), state: ApprovalState::Superseded };
        let lines = [
            line(1, 1_000, asked("A")),
            line(2, 1_000, asked("B")),
            line(3, 2_000, succeeded),
            line(4, 61_000, decided("A")),
            line(5, 62_000, superseded),
            line(6, 200_000, decided("C")),
            line(7, 200_000, asked("D")),
            line(8, 900_000, decided_via("D", Via::Rule)),
        ];
        let followed = Followed::default();
        followed.take(&lines, &shown);
        followed.take(&lines, &shown);
        let tally = followed.now();
        assert_eq!(tally.stages, Counts::from([("succeeded", 1)]));
        assert_eq!(tally.approvals, Counts::from([("approved", 3), ("superseded", 1)]));
        let waits = &tally.waits;
        assert_eq!((waits.count, waits.sum_millis, waits.buckets[2], waits.buckets[4]), (2, 260_000, 1, 1));
        assert!(tally.open.is_empty());
    }
}
