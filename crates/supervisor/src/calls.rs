//! Requests of views: what only reads what is stored is answered beside the loop, the rest by the heart.

use super::dispatch::Dispatch;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use tmuxagent_core::Asked;
use tmuxagent_ipc::hub::Call;
use tmuxagent_ipc::wire::{ErrorKind, Reply, Request};
use tmuxagent_store::{EventFilter, Found};
use tokio::sync::oneshot;

/// Serves one request. Returns the reason to end, where it asks for the end.
pub async fn serve(dispatch: &mut Dispatch, call: Call) -> Option<String> {
    let Call { peer, request, reply } = call;
    match request {
        Request::Events { after, limit, .. } => events(dispatch, after, limit, reply),
        Request::Approval { id } => approval(dispatch, id, reply),
        Request::Dump { path } => dump(dispatch, path, reply),
        Request::ChannelsWork { channels } => {
            dispatch.alerting.works(channels);
            respond(reply, Reply::Done);
        }
        Request::Reload => dispatch.reload(Some(reply)).await,
        Request::Shutdown => {
            // It is done whatever becomes of the state.
            respond(reply, Reply::Done);
            return Some(format!("{} asked for it", peer.who));
        }
        request => {
            let origin = match &request {
                Request::Hello { tmux_socket, .. } => tmux_socket.as_deref(),
                Request::Report { tmux_socket, .. } => Some(tmux_socket.as_str()),
                _ => None,
            };
            let origin = origin.and_then(|socket| dispatch.collectors.host_of(socket));
            let speaks = matches!(
                request,
                Request::Hook { .. } | Request::Await { .. } | Request::Say { .. } | Request::AskHuman { .. }
            );
            let ancestor = peer.pid.filter(|_| speaks).and_then(|pid| dispatch.collectors.ancestor_of(pid));
            let ticket = dispatch.asking.ticket(reply);
            dispatch.core.ask(dispatch.clock.now(), Asked { ticket, peer, request, origin, ancestor });
            dispatch.act();
        }
    }
    None
}

/// The asker may have gone meanwhile; then nobody misses the answer.
fn respond(to: oneshot::Sender<Reply>, reply: Reply) {
    let _ = to.send(reply);
}

fn error(kind: ErrorKind, text: impl Into<String>) -> Reply {
    Reply::Error { kind, text: text.into() }
}

/// Writes what the heart took in lately into a new file that only its owner reads.
fn dump(dispatch: &Dispatch, path: String, to: oneshot::Sender<Reply>) {
    let sources = &dispatch.reloader.loaded.policy_sources;
    let policies: Vec<(String, String)> =
        sources.iter().map(|source| (source.name.clone(), source.text.clone())).collect();
    let Some(text) = dispatch.core.dump(&policies) else {
        return respond(to, error(ErrorKind::Refused, "nothing was taken in yet; try again in a moment"));
    };
    tokio::task::spawn_blocking(move || {
        let reply = match write_new(&path, &text) {
            Ok(()) => Reply::Done,
            Err(problem) => error(ErrorKind::Refused, format!("can't write {path}: {problem}")),
        };
        respond(to, reply);
    });
}

fn write_new(path: &str, text: &str) -> std::io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())
}

/// Reads the journal beside the loop, so that a long answer delays nothing.
fn events(dispatch: &Dispatch, after: u64, limit: u32, to: oneshot::Sender<Reply>) {
    let store = dispatch.store.clone();
    tokio::spawn(async move {
        let filter = EventFilter { after, limit, ..EventFilter::default() };
        let reply = match store.read(move |reader| reader.events(&filter)).await {
            Ok(events) => Reply::Events { events },
            Err(problem) => error(ErrorKind::Internal, problem.to_string()),
        };
        respond(to, reply);
    });
}

fn approval(dispatch: &Dispatch, id: String, to: oneshot::Sender<Reply>) {
    let store = dispatch.store.clone();
    tokio::spawn(async move {
        let asked = id.clone();
        let reply = match store.read(move |reader| reader.approval(&asked)).await {
            Ok(Found::One(approval)) => Reply::Approval { approval: Box::new(approval) },
            Ok(Found::None) => error(ErrorKind::NotFound, format!("no approval begins with `{id}`")),
            Ok(Found::Several(_)) => error(ErrorKind::Ambiguous, format!("several approvals begin with `{id}`")),
            Err(problem) => error(ErrorKind::Internal, problem.to_string()),
        };
        respond(to, reply);
    });
}
