//! The real socket server with a chosen snapshot behind it, and the requests it was asked.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc as blocking;
use std::sync::{Arc, Mutex};
use tmuxagent_clock::Clock;
use tmuxagent_ipc::hub::{Call, Hub};
use tmuxagent_ipc::lock::{Holder, Lock};
use tmuxagent_ipc::server::serve;
use tmuxagent_ipc::wire::{ErrorKind, PROTOCOL, Reply, Request, WatchedServer};
use tmuxagent_model::{
    Approval, ApprovalId, ApprovalKind, ApprovalState, HostName, HostState, HostView, KeyStep, PaneFacts, PaneId,
    PaneInfo, PaneKey, PaneState, PaneView, RunId, RunState, RunView, ServerId, Snapshot, StageState, StageView,
    Timestamp,
};
use tokio::sync::{broadcast, mpsc, watch};

/// A time to come: its age is none, whatever the clock of the machine says.
pub const TO_COME: Timestamp = Timestamp(i64::MAX);

/// A supervisor that shows what a test put there. Ends when dropped.
#[derive(Debug)]
pub struct StagedSupervisor {
    asked: Arc<Mutex<Vec<Request>>>,
    closing: watch::Sender<Option<String>>,
    shown: watch::Sender<Arc<Snapshot>>,
    connections: Arc<AtomicU64>,
    thread: Option<std::thread::JoinHandle<()>>,
}

/// What it answers where the snapshot does not tell.
pub type Answer = fn(&Request) -> Option<Reply>;

impl StagedSupervisor {
    /// Takes the lock of `folder` and serves `snapshot`.
    pub fn start(folder: &Path, snapshot: Snapshot, answer: Answer) -> Self {
        Self::watching(folder, Vec::new(), snapshot, answer)
    }

    /// The same with servers of this machine that it watches.
    pub fn watching(folder: &Path, servers: Vec<WatchedServer>, snapshot: Snapshot, answer: Answer) -> Self {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (closing, closed) = watch::channel(None);
        let (ready, started) = blocking::channel();
        let (shown, snapshots) = watch::channel(taken(snapshot));
        let answers = snapshots.clone();
        let connections = Arc::<AtomicU64>::default();
        let counted = Arc::clone(&connections);
        let (folder, seen, end) = (folder.to_owned(), Arc::clone(&asked), closing.clone());
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async move {
                let (calls_in, calls) = mpsc::channel(8);
                let version = env!("CARGO_PKG_VERSION").to_owned();
                let (config, started_at) = ("/etc/c.yaml".to_owned(), TO_COME);
                let holder = Holder { pid: 4711, config: config.clone(), started_at, version: version.clone() };
                let lock = Lock::acquire(&folder, &holder).expect("the lock");
                let listener = lock.bind().and_then(tokio::net::UnixListener::from_std).expect("a socket");
                let hello = Reply::Hello { protocol: PROTOCOL, version, pid: 4711, config, started_at, servers };
                let hub = Hub {
                    calls: calls_in,
                    snapshots,
                    clock: Clock::start(Timestamp(0)),
                    screens: broadcast::channel(8).0,
                    events: broadcast::channel(8).0,
                    hello: watch::channel(Arc::new(hello)).1,
                    user: "ann".into(),
                    closing: closed,
                    connections: counted,
                    seats: tmuxagent_ipc::seats::Seats::default(),
                };
                tokio::spawn(answer_calls(calls, answers, seen, answer, end));
                ready.send(()).expect("a test that waits");
                serve(listener, hub.clone()).await;
                // Connections end by themselves; each of them holds a part of the hub.
                while Arc::strong_count(&hub.connections) > 2 {
                    tokio::task::yield_now().await;
                }
            });
        });
        started.recv().expect("a supervisor that started");
        Self { asked, closing, shown, connections, thread: Some(thread) }
    }

    /// Shows another picture, once somebody has connected.
    pub fn show_then(&self, snapshot: Snapshot) {
        let begun = std::time::Instant::now();
        while self.connections.load(Ordering::Relaxed) == 0 {
            assert!(begun.elapsed().as_secs() < 60, "nobody connects");
            std::thread::yield_now();
        }
        self.shown.send_replace(taken(snapshot));
    }

    /// How many have connected so far.
    pub fn connections(&self) -> u64 {
        self.connections.load(Ordering::Relaxed)
    }

    /// The requests so far, greetings apart.
    pub fn asked(&self) -> Vec<Request> {
        self.asked.lock().expect("no panic").clone()
    }

    /// Ends it, as a shutdown does.
    pub fn end(&self, reason: &str) {
        self.closing.send_replace(Some(reason.to_owned()));
    }
}

/// A picture that the loop has taken: nobody is told one of generation 0.
fn taken(snapshot: Snapshot) -> Arc<Snapshot> {
    Arc::new(Snapshot { generation: snapshot.generation.max(1), ..snapshot })
}

impl Drop for StagedSupervisor {
    fn drop(&mut self) {
        self.end("the test is over");
        if let Some(thread) = self.thread.take() {
            let ended = thread.join();
            assert!(ended.is_ok() || std::thread::panicking(), "the staged supervisor panicked");
        }
    }
}

async fn answer_calls(
    mut calls: mpsc::Receiver<Call>,
    shown: watch::Receiver<Arc<Snapshot>>,
    seen: Arc<Mutex<Vec<Request>>>,
    answer: Answer,
    closing: watch::Sender<Option<String>>,
) {
    while let Some(Call { request, reply, .. }) = calls.recv().await {
        let ending = request == Request::Shutdown;
        let snapshot = Snapshot::clone(&shown.borrow());
        let answered = answer(&request).unwrap_or_else(|| match &request {
            Request::Snapshot => Reply::Snapshot { snapshot: Box::new(snapshot.clone()) },
            Request::Approval { id } => match snapshot.approvals.iter().find(|a| a.id.as_str().starts_with(id)) {
                Some(approval) => Reply::Approval { approval: Box::new(approval.clone()) },
                None => Reply::Error { kind: ErrorKind::NotFound, text: format!("there is no approval `{id}`") },
            },
            Request::Events { .. } => Reply::Events { events: snapshot.events.clone() },
            Request::Command { .. } => Reply::Committed { intents: Vec::new(), run: None, text: "done".into() },
            _ => Reply::Done,
        });
        seen.lock().expect("no panic").push(request);
        // A view that went away needs no answer.
        let _ = reply.send(answered);
        if ending {
            closing.send_replace(Some("shutdown".into()));
        }
    }
}

/// A pane of the snapshot.
pub fn pane(host: &str, id: u32, session: &str, window: &str) -> PaneView {
    let key = PaneKey { host: HostName::new(host), server: ServerId::new("s1"), pane: PaneId(id), pid: 100 + id };
    let facts = PaneFacts {
        session: session.into(),
        window: window.into(),
        command: "bash".into(),
        path: "/home/u".into(),
        ..PaneFacts::default()
    };
    let info = PaneInfo { window_index: id, ..PaneInfo::new(key, facts) };
    PaneView {
        info,
        state: PaneState::Idle,
        last_output: None,
        last_line: String::new(),
        pipelines: Vec::new(),
        reader: tmuxagent_model::PaneReader::default(),
        agent: None,
        awaited: None,
    }
}

/// An open run of `pipeline` on a pane, with one running stage `lint`.
pub fn run_view(pane: &PaneView, number: u64, pipeline: &str) -> RunView {
    let stage = StageView {
        asks: false,
        undo: None,
        name: "lint".into(),
        state: StageState::Running,
        attempt: 2,
        max_attempts: 3,
        started_at: None,
        ended_at: None,
        due_at: None,
        detail: "waits for a line".into(),
        round: 0,
        rounds: 0,
        pane: None,
        place: None,
        more: None,
    };
    RunView {
        pipeline: pipeline.into(),
        pane: pane.info.key.clone(),
        place: pane.info.place(),
        run: Some(RunId(number)),
        state: Some(RunState::Open),
        stages: vec![stage],
        inputs: Vec::new(),
        started_at: None,
        ended_at: None,
        last_line: None,
    }
}

/// An open gate on a pane.
pub fn approval(pane: &PaneView, id: &str) -> Approval {
    Approval {
        id: ApprovalId::new(id),
        revision: 1,
        kind: ApprovalKind::Gate,
        state: ApprovalState::Pending,
        pane: pane.info.key.clone(),
        place: pane.info.place(),
        run: Some(RunId(7)),
        pipeline: Some("storyapp-ci".into()),
        stage: Some("build".into()),
        attempt: 1,
        question: "Build storyapp?".into(),
        effect: vec![KeyStep::Text("npm run build".into()), KeyStep::Key("Enter".into())],
        effect_text: "npm run build⏎".into(),
        effect_no: Vec::new(),
        option_effects: Vec::new(),
        evidence: vec!["Tests: 12 passed".into()],
        options: Vec::new(),
        confirm: None,
        approvers: Vec::new(),
        folder: String::new(),
        asked_at: TO_COME,
        expires_at: None,
        reminders: 0,
        decision: None,
        closed_at: None,
        undo_until: None,
    }
}

/// A host as a picture shows it.
pub fn host(name: &str, state: HostState, detail: &str) -> HostView {
    HostView {
        name: HostName::new(name),
        state,
        since: TO_COME,
        version: "3.3a".into(),
        detail: detail.into(),
        owner: None,
    }
}
