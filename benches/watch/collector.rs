//! The collector alone, without the program around it.

use super::server::Server;
use std::sync::Arc;
use std::time::Duration;
use tmuxagent_clock::Clock;
use tmuxagent_errand::{Errand, Home, Returned};
use tmuxagent_model::{
    Effect, Event, HostName, HostState, Intent, IntentId, IntentState, PaneKey, SendKeys, Timestamp,
};
use tmuxagent_policy::{Policy, Source, load};
use tmuxagent_tmux::{self as tmux, HostHandle, HostMessage, HostSpec, Socket, Transport};
use tokio::sync::{mpsc, watch as latest};

/// A policy that waits for one pattern in every pane.
fn policy(pattern: &str) -> Policy {
    let stage = format!("{{name: watch, triggers: [{{log_regex: {pattern:?}}}], timeout: never}}");
    let text = format!("version: 1\npipelines:\n- name: all\n  match: {{session_name: '*'}}\n  stages: [{stage}]\n");
    load(&[Source::new("policy.yaml", &text)]).expect("a policy")
}

/// A watched server.
pub struct Watch {
    pub handle: HostHandle,
    home: Home,
    _returned: mpsc::UnboundedReceiver<Returned>,
    pub messages: mpsc::Receiver<HostMessage>,
    _policy: latest::Sender<Arc<Policy>>,
}

impl Watch {
    pub fn new(server: &Server, pattern: &str, pipes: Pipes) -> Self {
        let transport =
            Transport::Local { bin: "tmux".to_owned(), socket: Socket::Path(server.socket().display().to_string()) };
        let mut spec = HostSpec::new(HostName::local(), transport, "bench");
        spec.scratch = matches!(pipes, Pipes::On).then(|| server.folder.path().to_owned());
        let (sender, receiver) = latest::channel(Arc::new(policy(pattern)));
        let (out, messages) = mpsc::channel(1024);
        let handle = tmux::watch(spec, receiver, out, Clock::start(Timestamp(0))).expect("a thread");
        let (home, returned) = mpsc::unbounded_channel();
        Self { handle, home, _returned: returned, messages, _policy: sender }
    }

    pub fn next(&mut self) -> HostMessage {
        self.messages.blocking_recv().expect("the host is watched")
    }

    /// Waits until `panes` panes are read; gives the first one.
    pub fn ready(&mut self, panes: usize) -> PaneKey {
        let mut seen = std::collections::BTreeSet::new();
        let mut live = false;
        loop {
            match self.next() {
                HostMessage::Status { state, .. } => live = state == HostState::Live,
                HostMessage::Event(Event::PaneSeen { info }) => {
                    seen.insert(info.key);
                }
                HostMessage::Panes(_) if live && seen.len() >= panes => break,
                _ => {}
            }
        }
        // Captures of all panes are under way for a moment more.
        std::thread::sleep(Duration::from_millis(1500));
        seen.first().expect("a pane").clone()
    }

    /// Types keys.
    pub fn send(&self, number: usize, keys: SendKeys) {
        let intent = Intent {
            id: IntentId::new(format!("B-{number}")),
            effect: Effect::Send(keys),
            run: None,
            stage: None,
            attempt: 0,
            state: IntentState::Open,
            at: Timestamp(0),
            hold: None,
            until: None,
            repeats: None,
            unseen: false,
        };
        self.handle.take(Errand::new(intent, &self.home));
    }

    pub fn end(self) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(self.handle.shutdown());
    }
}

/// Whether panes are read by pipes.
#[derive(Clone, Copy)]
pub enum Pipes {
    On,
    Off,
}
