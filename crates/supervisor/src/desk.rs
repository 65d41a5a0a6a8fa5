//! The supervisor as surfaces outside its screens see it: links, chats, files. Their decisions go the same way as a key's.

use super::dispatch::Fact;
use super::start::Facts;
use futures_util::future::BoxFuture;
use jiff::tz::TimeZone;
use std::sync::Arc;
use tmuxagent_alerts::decide::{Decide, Refusal};
use tmuxagent_ipc::hub::{Call, Peer};
use tmuxagent_ipc::wire::{ErrorKind, Reply, Request};
use tmuxagent_model::{Approval, ApprovalId, Command, Decider, Note, Severity, Snapshot, Verdict};
use tmuxagent_store::{Found, Store};
use tokio::sync::{mpsc, oneshot, watch};

/// See the module.
pub struct Desk {
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

impl Desk {
    async fn find(&self, id: &ApprovalId) -> Option<Approval> {
        // A picture for the screens may be older than the last decision, what is stored is not.
        let wanted = id.to_string();
        let stored = match self.store.read(move |reader| reader.approval(&wanted)).await {
            // A beginning of its identity is not it.
            Ok(Found::One(approval)) => Some(approval).filter(|approval| approval.id == *id),
            Ok(Found::None | Found::Several(_)) | Err(_) => None,
        };
        let shown = || self.snapshots.borrow().approvals.iter().find(|approval| approval.id == *id).cloned();
        stored.or_else(shown)
    }

    async fn ask(&self, request: Request, by: Decider) -> Option<Reply> {
        let (reply, answer) = oneshot::channel();
        // Numbers of connections count up from 0, so the last one is nobody's.
        let peer = Peer { connection: u64::MAX, who: by.who, via: by.via, pane: None, tmux_socket: None };
        self.calls.send(Call { peer, request, reply }).await.ok()?;
        answer.await.ok()
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
            | ErrorKind::BadRequest
            | ErrorKind::UnknownRequest
            | ErrorKind::Internal => Refusal::Other(text),
        }
    }
}

impl Decide for Desk {
    fn approval<'a>(&'a self, id: &'a ApprovalId) -> BoxFuture<'a, Option<Approval>> {
        Box::pin(self.find(id))
    }

    fn decide<'a>(
        &'a self,
        approval: &'a ApprovalId,
        revision: u32,
        verdict: Verdict,
        by: Decider,
    ) -> BoxFuture<'a, Result<(), Refusal>> {
        Box::pin(async move {
            let command = Command::Decide { approval: approval.clone(), revision, verdict };
            match self.ask(Request::Command { command }, by).await {
                Some(Reply::Error { kind, text }) => Err(self.refusal(approval, kind, text).await),
                Some(_) => Ok(()),
                None => Err(Refusal::Other("the supervisor is ending".to_owned())),
            }
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
