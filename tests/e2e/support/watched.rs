//! A watched private server: everything that the collector says, kept in order.

use super::{PATIENCE, TmuxServer, wait_for};
use regex::Regex;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tmuxagent_clock::Clock;
use tmuxagent_errand::{Errand, Home, Returned};
use tmuxagent_model::{
    Effect, Event, HostName, HostState, Intent, IntentId, IntentState, KeyStep, LineEvent, Millis, Outcome, PaneInfo,
    PaneKey, Prompt, SendKeys, Timestamp,
};
use tmuxagent_policy::{Condition, Pattern, PatternId, Pipeline, Policy, Selector, Stage};
use tmuxagent_tmux::{self as tmux, HostHandle, HostMessage, HostSpec, Position, Socket, Transport};
use tokio::sync::mpsc::UnboundedReceiver;

/// See the module. Ends the observation when dropped.
pub struct Watched {
    /// The way to ask something of the collector.
    pub handle: Hand,
    /// Replaces the policy.
    pub policy: tokio::sync::watch::Sender<Arc<Policy>>,
    messages: Arc<Mutex<Vec<HostMessage>>>,
}

/// A handle that makes the errands as well.
pub struct Hand {
    handle: HostHandle,
    home: Home,
    returned: Mutex<UnboundedReceiver<Returned>>,
}

impl std::ops::Deref for Hand {
    type Target = HostHandle;

    fn deref(&self) -> &HostHandle {
        &self.handle
    }
}

impl Hand {
    fn errand(&self, id: IntentId, effect: Effect) -> Errand {
        self.errand_held(id, effect, None)
    }

    fn errand_held(&self, id: IntentId, effect: Effect, hold: Option<Millis>) -> Errand {
        let (run, stage) = (None, None);
        let (state, at) = (IntentState::Open, Timestamp(0));
        let intent =
            Intent { id, effect, run, stage, attempt: 0, state, at, hold, until: None, repeats: None, unseen: false };
        Errand::new(intent, &self.home)
    }

    /// Types keys.
    pub fn send(&self, intent: IntentId, keys: SendKeys) {
        self.take(self.errand(intent, Effect::Send(keys)));
    }

    /// Types keys or submits a prompt, which wait so long for their reader.
    pub fn hold(&self, intent: IntentId, effect: Effect, hold: Millis) {
        self.take(self.errand_held(intent, effect, Some(hold)));
    }

    /// Submits a prompt.
    pub fn prompt(&self, intent: IntentId, prompt: Prompt) {
        self.take(self.errand(intent, Effect::Prompt(prompt)));
    }

    /// Settles what may have been typed.
    pub fn settle(&self, intent: IntentId, effect: &Effect) {
        let mut errand = self.errand(intent, effect.clone());
        errand.begin();
        self.take(errand);
    }

    /// What came home so far.
    pub fn returned(&self) -> Vec<Returned> {
        let mut returned = self.returned.lock().expect("a sound lock");
        std::iter::from_fn(|| returned.try_recv().ok()).collect()
    }
}

/// A message as it may be kept: the end of an errand becomes its event.
fn kept(message: HostMessage) -> HostMessage {
    match message {
        HostMessage::Ended(ending) => HostMessage::Event(ending.into_event()),
        other => other,
    }
}

fn copy(message: &HostMessage) -> HostMessage {
    match message {
        HostMessage::Event(event) => HostMessage::Event(event.clone()),
        HostMessage::Ended(ending) => HostMessage::Event(ending.event().clone()),
        HostMessage::Status { state, version, detail } => {
            HostMessage::Status { state: *state, version: version.clone(), detail: detail.clone() }
        }
        HostMessage::Claim(owner) => HostMessage::Claim(owner.clone()),
        HostMessage::Left { server, owners } => HostMessage::Left { server: server.clone(), owners: owners.clone() },
        HostMessage::Printed { pane, lines } => HostMessage::Printed { pane: pane.clone(), lines: lines.clone() },
        HostMessage::Panes(panes) => HostMessage::Panes(panes.clone()),
        HostMessage::Awaits { pane, awaited } => HostMessage::Awaits { pane: pane.clone(), awaited: awaited.clone() },
        HostMessage::Malformed { pane, error } => HostMessage::Malformed { pane: pane.clone(), error: error.clone() },
        HostMessage::Screen { pane, rows } => HostMessage::Screen { pane: pane.clone(), rows: rows.clone() },
        HostMessage::Position { pane, position } => {
            HostMessage::Position { pane: pane.clone(), position: position.clone() }
        }
    }
}

/// A specification for a private server.
pub fn spec(server: &TmuxServer) -> HostSpec {
    let scratch = server.folder().join("pipes");
    std::fs::create_dir_all(&scratch).expect("a folder for pipes");
    let socket = Socket::Path(server.socket().display().to_string());
    let transport = Transport::Local { bin: server.program().to_owned(), socket };
    HostSpec {
        poll_interval: Millis(200),
        scratch: Some(scratch),
        program: Some(env!("CARGO_BIN_EXE_tmuxagent").into()),
        ..HostSpec::new(HostName::local(), transport, "e2e")
    }
}

/// A policy whose one stage, on every pane, waits for these patterns; their numbers are their places.
pub fn policy(patterns: &[&str]) -> Policy {
    let conditions = (0u32..).take(patterns.len()).map(|id| Condition::LogRegex(PatternId(id))).collect();
    let stage = Stage {
        name: "watch".to_owned(),
        pane: None,
        closes: false,
        told: false,
        needs: None,
        each: Vec::new(),
        triggers: Condition::Any(conditions),
        once: false,
        guard: None,
        gate: None,
        actions_on_start: Vec::new(),
        success_when: None,
        fail_when: None,
        timeout: None,
        endless: false,
        on_timeout: Vec::new(),
        hold: None,
        recovers: true,
        on_cancel: None,
        on_success: Vec::new(),
        on_fail: Vec::new(),
        cooldown: None,
        lock: None,
        place: String::new(),
    };
    let pipeline = Pipeline {
        name: "all".to_owned(),
        description: String::new(),
        selector: Selector::All(Vec::new()),
        panes: Vec::new(),
        own_pane: None,
        stages: vec![stage],
        inputs: Vec::new(),
        loops: Vec::new(),
        answers: Vec::new(),
        parallel: tmuxagent_policy::Parallel::default(),
        concurrency: tmuxagent_policy::Concurrency::default(),
        place: String::new(),
    };
    let pattern = |source: &&str| Pattern {
        source: (*source).to_owned(),
        called: None,
        regex: Regex::new(source).expect("a pattern"),
    };
    Policy { pipelines: vec![pipeline], patterns: patterns.iter().map(pattern).collect(), ..Policy::default() }
}

impl Watched {
    /// Watches a server for lines that match the patterns.
    pub fn new(server: &TmuxServer, patterns: &[&str]) -> Self {
        Self::with(spec(server), patterns)
    }

    /// Watches as specified.
    pub fn with(spec: HostSpec, patterns: &[&str]) -> Self {
        // `RUST_LOG=tmuxagent=debug` shows what the collector does.
        let filter = tracing_subscriber::EnvFilter::from_default_env();
        let _ = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).try_init();
        let (policy, rules) = tokio::sync::watch::channel(Arc::new(policy(patterns)));
        let (out, mut incoming) = tokio::sync::mpsc::channel(256);
        let handle = tmux::watch(spec, rules, out, Clock::start(Timestamp(0))).expect("a thread");
        let messages = Arc::new(Mutex::new(Vec::new()));
        let all = Arc::clone(&messages);
        std::thread::spawn(move || {
            while let Some(message) = incoming.blocking_recv() {
                all.lock().expect("a sound lock").push(kept(message));
            }
        });
        let (home, returned) = tokio::sync::mpsc::unbounded_channel();
        Self { handle: Hand { handle, home, returned: Mutex::new(returned) }, policy, messages }
    }

    /// Everything said so far.
    pub fn messages(&self) -> Vec<HostMessage> {
        self.messages.lock().expect("a sound lock").iter().map(copy).collect()
    }

    /// Looks through everything said so far.
    pub fn find<T>(&self, mut choose: impl FnMut(&HostMessage) -> Option<T>) -> Option<T> {
        self.messages.lock().expect("a sound lock").iter().find_map(&mut choose)
    }

    /// Waits until something was said that `choose` takes.
    pub fn wait<T>(&self, what: &str, mut choose: impl FnMut(&HostMessage) -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(found) = self.find(&mut choose) {
                return found;
            }
            if Instant::now() > deadline {
                let log: String = self.messages().iter().map(|message| format!("{message:.400?}\n")).collect();
                panic!("waited in vain for {what}; what was said:\n{log}");
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// The last state that was told.
    pub fn state(&self) -> Option<(HostState, String)> {
        self.messages.lock().expect("a sound lock").iter().rev().find_map(|message| match message {
            HostMessage::Status { state, detail, .. } => Some((*state, detail.clone())),
            _ => None,
        })
    }

    /// Waits until the host is in `state`.
    pub fn wait_state(&self, state: HostState) {
        wait_for(PATIENCE, &format!("{state:?}"), || (self.state()?.0 == state).then_some(()));
    }

    /// Waits until a pane of that session is watched live: a line that is printed now is read.
    pub fn wait_live(&self, server: &TmuxServer, target: &str) -> PaneInfo {
        // Also where another one types.
        wait_for(PATIENCE, "control mode", || {
            matches!(self.state()?.0, HostState::Live | HostState::Watching).then_some(())
        });
        let id = server.tmux(&["display-message", "-p", "-t", target, "#{pane_id}"]);
        let info = self.wait_pane(&id);
        // Its first position is told once all it showed before is known to be old.
        wait_for(PATIENCE, "the pane's first position", || {
            self.find(|message| match message {
                HostMessage::Position { pane, .. } if *pane == info.key => Some(()),
                _ => None,
            })
        });
        info
    }

    /// Waits until a pane with that id was seen.
    pub fn wait_pane(&self, id: &str) -> PaneInfo {
        self.wait(&format!("pane {id}"), |message| match message {
            HostMessage::Event(Event::PaneSeen { info }) if info.key.pane.to_string() == id => Some((**info).clone()),
            _ => None,
        })
    }

    /// All lines told so far.
    pub fn lines(&self) -> Vec<LineEvent> {
        self.messages()
            .into_iter()
            .filter_map(|message| match message {
                HostMessage::Event(Event::Line(line)) => Some(*line),
                _ => None,
            })
            .collect()
    }

    /// Waits for a line whose text holds `text`.
    pub fn wait_line(&self, text: &str) -> LineEvent {
        self.wait(&format!("the line {text:?}"), |message| match message {
            HostMessage::Event(Event::Line(line)) if line.text.contains(text) => Some((**line).clone()),
            _ => None,
        })
    }

    /// Waits for an intent's outcome.
    pub fn wait_outcome(&self, intent: &IntentId) -> Outcome {
        self.wait(&format!("the outcome of {intent}"), |message| match message {
            HostMessage::Event(Event::Outcome { intent: told, outcome }) if told == intent => Some(outcome.clone()),
            _ => None,
        })
    }

    /// Types a line into a pane and gives its outcome.
    pub fn type_line(&self, pane: &PaneKey, intent: &str, text: &str) -> Outcome {
        let intent = IntentId::new(intent);
        self.handle.send(intent.clone(), keys(pane, text));
        let outcome = self.wait_outcome(&intent);
        self.handle.release(pane.clone());
        outcome
    }

    /// Ends the observation and waits for its end; what was said stays.
    pub fn end(self) -> Vec<HostMessage> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(self.handle.clone().shutdown());
        let Self { handle, messages, .. } = self;
        drop(handle);
        // The last messages are on their way to the thread that keeps them.
        wait_for(PATIENCE, "the end of the queue", || (Arc::strong_count(&messages) == 1).then_some(()));
        Arc::into_inner(messages).and_then(|kept| kept.into_inner().ok()).unwrap_or_default()
    }
}

/// A text with Enter.
pub fn keys(pane: &PaneKey, text: &str) -> SendKeys {
    SendKeys {
        pane: pane.clone(),
        steps: vec![KeyStep::Text(text.to_owned()), KeyStep::Key("Enter".to_owned())],
        expect_command: None,
        expect_screen: None,
        needs: Default::default(),
        shells: Vec::new(),
    }
}

/// The last position told of each pane.
pub fn positions(said: &[HostMessage]) -> HashMap<PaneKey, Position> {
    said.iter()
        .filter_map(|message| match message {
            HostMessage::Position { pane, position } => Some((pane.clone(), position.clone())),
            _ => None,
        })
        .collect()
}
