//! What the supervisor says of the panes, as a view hears it, with the instant of each change.

use super::support::{PATIENCE, wait_for};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tmuxagent_ipc::client::{Connection, hello};
use tmuxagent_ipc::wire::{Request, ServerFrame};
use tmuxagent_model::{PaneKey, Snapshot, Via};

/// A change of what is said of an agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    pub at: Instant,
    pub pane: String,
    /// The agent's state, or nothing where no agent is known.
    pub state: Option<String>,
    /// What it asks.
    pub asks: String,
}

#[derive(Default)]
struct Heard {
    said: Vec<Said>,
    keys: Vec<PaneKey>,
}

/// Follows one supervisor after the other at the same socket.
pub struct Watch {
    heard: Arc<Mutex<Heard>>,
    over: Arc<AtomicBool>,
}

impl Watch {
    pub fn start(socket: PathBuf) -> Self {
        let (heard, over) = (Arc::<Mutex<Heard>>::default(), Arc::new(AtomicBool::new(false)));
        let (keep, stop) = (Arc::clone(&heard), Arc::clone(&over));
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            while !stop.load(Ordering::Relaxed) {
                runtime.block_on(follow(&socket, &keep));
                std::thread::sleep(Duration::from_millis(20));
            }
        });
        Self { heard, over }
    }

    /// All that was said of a pane since an instant, the last word before it included.
    pub fn since(&self, pane: &str, since: Instant) -> Vec<Said> {
        let heard = self.heard.lock().expect("sound");
        let said: Vec<Said> = heard.said.iter().filter(|said| said.pane == pane).cloned().collect();
        let from = said.iter().rposition(|said| said.at <= since).unwrap_or(0);
        said.into_iter().skip(from).collect()
    }

    /// The state that is known now.
    pub fn state(&self, pane: &str) -> Option<String> {
        let heard = self.heard.lock().expect("sound");
        heard.said.iter().rev().find(|said| said.pane == pane).and_then(|said| said.state.clone())
    }

    /// Waits for a state; gives when it was said, or nothing when it is not said in time.
    pub fn wait(&self, pane: &str, since: Instant, most: Duration, is_it: impl Fn(&Said) -> bool) -> Option<Instant> {
        let end = Instant::now() + most;
        loop {
            if let Some(said) = self.since(pane, since).iter().find(|said| is_it(said)) {
                return Some(said.at.max(since));
            }
            if Instant::now() > end {
                return None;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// The supervisor's name of a pane.
    pub fn key(&self, pane: &str) -> PaneKey {
        wait_for(PATIENCE, "the pane's name", || {
            let heard = self.heard.lock().expect("sound");
            heard.keys.iter().find(|key| key.pane.to_string() == pane).cloned()
        })
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
    }
}

async fn follow(socket: &std::path::Path, heard: &Mutex<Heard>) {
    let Ok(mut connection) = Connection::open(socket, hello(Via::Key, None, None)).await else { return };
    // The snapshots are its answer.
    let subscribe = tmuxagent_ipc::wire::Request::Subscribe;
    let first = connection.request(Request::Snapshot).await;
    if let Ok(tmuxagent_ipc::wire::Reply::Snapshot { snapshot }) = first {
        hear(heard, &snapshot);
    }
    if connection.request(subscribe).await.is_err() {
        return;
    }
    while let Some(frame) = connection.push().await {
        if let ServerFrame::Snapshot { snapshot } = frame {
            hear(heard, &snapshot);
        }
    }
}

fn hear(heard: &Mutex<Heard>, snapshot: &Snapshot) {
    let at = Instant::now();
    let mut heard = heard.lock().expect("sound");
    heard.keys = snapshot.panes.iter().map(|view| view.info.key.clone()).collect();
    for view in &snapshot.panes {
        let pane = view.info.key.pane.to_string();
        let state = view.agent.as_ref().map(|agent| agent.state.word().to_owned());
        let question = view.agent.as_ref().and_then(|agent| agent.question.as_ref());
        let asks = question.map(|question| question.detail.clone()).unwrap_or_default();
        let last = heard.said.iter().rev().find(|said| said.pane == pane);
        if last.is_none_or(|last| last.state != state || last.asks != asks) {
            heard.said.push(Said { at, pane, state, asks });
        }
    }
}
