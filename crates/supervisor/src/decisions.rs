//! The supervisor as surfaces outside its screens see it: links, chats, files. Their decisions go the same way as a key's.

use super::dispatch::Fact;
use super::start::Facts;
use futures_util::future::BoxFuture;
use jiff::tz::TimeZone;
use std::sync::Arc;
use tmuxagent_alerts::decide::{Decide, Refusal, Settled, Unsettled};
use tmuxagent_failpoints as failpoints;
use tmuxagent_ipc::hub::{Call, Peer};
use tmuxagent_ipc::wire::{ErrorKind, Reply, Request};
use tmuxagent_model::{Approval, ApprovalId, Command, Decider, Doubt, Note, Severity, Snapshot, Verdict};
use tmuxagent_store::{Found, Store};
use tokio::sync::{mpsc, oneshot, watch};

/// See the module.
pub struct Decisions {
    /// The queue of requests, the same as that of views.
    pub calls: mpsc::Sender<Call>,
    /// What is shown now.
    pub snapshots: watch::Receiver<Arc<Snapshot>>,
    /// Where closed approvals are.
    pub store: Store,
    /// Where reports go.
    pub facts: Facts,
    /// The user of this process, for decisions by file.
    pub user: Arc<str>,
}

impl Decisions {
    async fn find(&self, id: &ApprovalId) -> Option<Approval> {
        // A picture for the screens may be older than the last decision, what is stored is not.
        let wanted = id.to_string();
        let stored = match self.store.read(move |reader| reader.approval(&wanted)).await {
            // A beginning of its identity is not it.
            Ok(Found::One(approval)) => Some(approval).filter(|approval| approval.id == *id),
            Ok(Found::None | Found::Several(_)) | Err(_) => None,
        };
        let shown = self.snapshots.borrow().approvals.iter().find(|approval| approval.id == *id).cloned();
        match (stored, shown) {
            // Only the picture tells until when that very yes can be taken back.
            (Some(stored), Some(shown)) if shown.decision == stored.decision => {
                Some(Approval { undo_until: shown.undo_until, ..stored })
            }
            (stored, shown) => stored.or(shown),
        }
    }

    /// Asks the one loop, which answers once its round is committed.
    async fn ask(&self, request: Request, by: Decider) -> Result<Reply, Unsettled> {
        let (reply, answer) = oneshot::channel();
        // Numbers of connections count up from 0, so the last one is nobody's.
        let peer = Peer {
            connection: u64::MAX,
            who: by.who,
            vouched: by.vouched,
            via: by.via,
            pane: None,
            tmux_socket: None,
            pid: None,
        };
        self.calls.send(Call { peer, request, reply }).await.map_err(|_| Unsettled::NotTaken)?;
        match answer.await {
            Ok(Reply::Uncertain { doubt }) => Err(Unsettled::Doubtful(doubt)),
            Ok(Reply::Error { kind: ErrorKind::Ending, .. }) => Err(Unsettled::NotTaken),
            Ok(reply) => Ok(reply),
            Err(_) => Err(Unsettled::Doubtful(Doubt::Ended)),
        }
    }

    async fn refusal(&self, id: &ApprovalId, kind: ErrorKind, text: String) -> Refusal {
        match kind {
            ErrorKind::NotFound => Refusal::Unknown,
            ErrorKind::Stale => Refusal::Stale,
            ErrorKind::AlreadyDecided => match self.find(id).await.and_then(|approval| approval.decision) {
                Some(decision) => Refusal::decided(decision, self.zone()),
                None => Refusal::Closed,
            },
            ErrorKind::Ambiguous
            | ErrorKind::Refused
            | ErrorKind::Ending
            | ErrorKind::BadRequest
            | ErrorKind::UnknownRequest
            | ErrorKind::Internal => Refusal::Other(text),
        }
    }
}

impl Decide for Decisions {
    fn approval<'a>(&'a self, id: &'a ApprovalId) -> BoxFuture<'a, Option<Approval>> {
        Box::pin(self.find(id))
    }

    fn decide<'a>(
        &'a self,
        approval: &'a ApprovalId,
        revision: u32,
        verdict: Verdict,
        by: Decider,
    ) -> BoxFuture<'a, Result<Settled, Unsettled>> {
        Box::pin(async move {
            failpoints::at("decision.read");
            let command = Command::Decide { approval: approval.clone(), revision, verdict: verdict.clone() };
            let end = match self.ask(Request::Command { command }, by.clone()).await? {
                Reply::Error { kind, text } => match self.refusal(approval, kind, text).await {
                    // Taken before: it could not be told, or the service delivers the press again.
                    Refusal::Decided(earlier) if earlier.decision.by == by && earlier.decision.verdict == verdict => {
                        Ok(())
                    }
                    refusal => Err(refusal),
                },
                _ => Ok(()),
            };
            failpoints::at("decision.settled");
            Ok(Settled::new(end))
        })
    }

    fn report(&self, text: String) {
        // A flood of forged links may overflow the queue; the first ones are told.
        let _ = self.facts.try_send(Fact::Told(Severity::Warning, Note::Text { text }));
    }

    fn zone(&self) -> TimeZone {
        // Asked each time: the machine may travel.
        TimeZone::system()
    }
}
