//! Requests of views: wishes become events of the loop, questions are answered from state, board and journal.

use super::dispatch::Dispatch;
use tmuxagent_engine::{Answer, RefusalKind, Target};
use tmuxagent_ipc::hub::{Call, Peer};
use tmuxagent_ipc::wire::{ErrorKind, Reply, Request};
use tmuxagent_model::{
    AgentMessage, Command, Decider, Event, LineEvent, LineSource, MessageType, PaneId, PaneKey, RunId, Via,
};
use tmuxagent_store::{EventFilter, Found};
use tokio::sync::oneshot;

/// Serves one request. Wishes are answered after their commit, questions at once or from a reader of the journal.
pub async fn serve(dispatch: &mut Dispatch, call: Call) {
    let Call { peer, request, reply } = call;
    match request {
        Request::Command { command } => wish(dispatch, &peer, command, reply),
        Request::Hello { via, pane, tmux_socket, .. } => {
            // A script in a pane only asks; a screen draws there for as long as it is connected.
            if let (Via::Key, Some(pane), Some(socket)) = (via, pane.and_then(|p| p.parse().ok()), tmux_socket) {
                dispatch.hosts.view_runs_in(peer.connection, &socket, pane);
            }
            respond(reply, Reply::Done);
        }
        Request::Bye => {
            dispatch.hosts.watch_screen(peer.connection, None);
            dispatch.hosts.view_left(peer.connection);
            respond(reply, Reply::Done);
        }
        Request::WatchPane { pane } => {
            dispatch.hosts.watch_screen(peer.connection, pane);
            respond(reply, Reply::Done);
        }
        Request::Events { after, limit, .. } => events(dispatch, after, limit, reply),
        Request::Approval { id } => approval(dispatch, id, reply),
        Request::Explain { target } => {
            let answer = explain(dispatch, &target);
            respond(reply, answer);
        }
        Request::Reload => {
            let answer = dispatch.reload().await;
            dispatch.answer(reply, answer);
        }
        Request::Shutdown => {
            // It is done whatever becomes of the state.
            respond(reply, Reply::Done);
            dispatch.end(format!("{} asked for it", peer.who));
        }
        Request::Report { pane, tmux_socket, stage, command, exit, duration_ms } => {
            let report = Report { pane: &pane, socket: &tmux_socket, stage, command: &command, exit, duration_ms };
            let answer = take_report(dispatch, report);
            dispatch.answer(reply, answer);
        }
        Request::Snapshot | Request::Subscribe => respond(reply, error(ErrorKind::BadRequest, "answered earlier")),
    }
}

/// The asker may have gone meanwhile; then nobody misses the answer.
fn respond(to: oneshot::Sender<Reply>, reply: Reply) {
    let _ = to.send(reply);
}

fn error(kind: ErrorKind, text: impl Into<String>) -> Reply {
    Reply::Error { kind, text: text.into() }
}

fn wish(dispatch: &mut Dispatch, peer: &Peer, command: Command, to: oneshot::Sender<Reply>) {
    if let Some(refused) = dispatch.refuse_elsewhere(&command) {
        return dispatch.answer(to, refused);
    }
    let by = Decider { who: peer.who.clone(), via: peer.via };
    let answer = dispatch.step(&Event::Asked { command, by });
    dispatch.answer(to, committed(answer));
}

/// An answer of the engine as it stands on the wire.
pub fn committed(answer: Option<Answer>) -> Reply {
    match answer {
        Some(Answer::Ok { run, intents, text }) => Reply::Committed { intents, run, text },
        Some(Answer::Refused { kind, text }) => Reply::Error { kind: refusal(kind), text },
        None => Reply::Done,
    }
}

const fn refusal(kind: RefusalKind) -> ErrorKind {
    match kind {
        RefusalKind::NotFound => ErrorKind::NotFound,
        RefusalKind::AlreadyDecided => ErrorKind::AlreadyDecided,
        RefusalKind::Stale => ErrorKind::Stale,
        RefusalKind::Refused => ErrorKind::Refused,
    }
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

fn explain(dispatch: &Dispatch, target: &str) -> Reply {
    let now = dispatch.clock.now();
    let wanted = if let Ok(run) = target.parse::<RunId>() {
        Target::Run(run)
    } else {
        let found =
            dispatch.board.panes().find(|live| live.info.short() == target || live.info.key.pane.to_string() == target);
        match found {
            Some(live) => Target::Pane(live.info.key.clone()),
            None => return error(ErrorKind::NotFound, format!("no watched pane and no run is called `{target}`")),
        }
    };
    let explanations = dispatch.engine.explain(now, &wanted);
    let runs = explanations.iter().filter_map(|explanation| serde_json::to_value(explanation).ok()).collect();
    Reply::Explanation { runs }
}

/// What a wrapped command says of itself.
struct Report<'a> {
    pane: &'a str,
    socket: &'a str,
    stage: Option<String>,
    command: &'a str,
    exit: Option<i32>,
    duration_ms: u64,
}

fn take_report(dispatch: &mut Dispatch, report: Report<'_>) -> Reply {
    let pane = report
        .pane
        .parse::<PaneId>()
        .ok()
        .and_then(|pane| dispatch.hosts.pane_on(report.socket, pane, &dispatch.board));
    let Some(pane) = pane else {
        return error(ErrorKind::NotFound, format!("pane {} is not watched", report.pane));
    };
    // The same messages as the wrapper prints where no supervisor listens. A start is no STATUS, which could be taken
    // for the end.
    let (kind, what) = match report.exit {
        None => (MessageType::Log, "began".to_owned()),
        Some(exit) => {
            (MessageType::Status, format!("ended with {exit} after {}", tmuxagent_model::Millis(report.duration_ms)))
        }
    };
    let message = AgentMessage {
        stage: report.stage,
        ok: report.exit.map(|exit| exit == 0),
        summary: Some(format!("`{}` {what}", report.command)),
        exit: report.exit,
        ..AgentMessage::new(kind)
    };
    dispatch.step(&Event::Line(Box::new(told(pane, message))));
    Reply::Done
}

/// A message that came over the socket instead of the screen.
fn told(pane: PaneKey, message: AgentMessage) -> LineEvent {
    LineEvent {
        pane,
        seq: 0,
        text: message.summary.clone().unwrap_or_default(),
        source: LineSource::Stream,
        hits: Vec::new(),
        policy: 0,
        message: Some(message),
    }
}
