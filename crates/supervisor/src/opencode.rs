//! opencode's own server, where it was started with one (`opencode --port N`): what its events tell goes to the pane in which
//! it runs, as the best evidence.
//!
//! **Invariant:** only a port at which this very opencode listens is asked, and only for what it does. Where it does not
//! answer, or says what is not known, the screen tells as without it.

use super::dispatch::{Dispatch, Urgent};
use std::collections::BTreeMap;
use std::time::Duration;
use tmuxagent_agents::opencode_server::Sessions;
use tmuxagent_agents::{ThreadTold, VendorState};
use tmuxagent_core::Life;
use tmuxagent_model::{AgentSeen, Event, PaneKey};
use tmuxagent_tmux::opencode_port_of;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// The agent's name.
const AGENT: &str = "opencode";
/// How long an answer may take.
const ANSWER: Duration = Duration::from_secs(5);
/// The pause before it is tried again.
const AGAIN: Duration = Duration::from_secs(3);
/// The longest event that is read, bytes; a longer one is left out.
const LONGEST: usize = 1024 * 1024;
/// The longest list of what is there already, bytes.
const LIST: u64 = 4 * 1024 * 1024;

/// The panes in which an opencode reads.
#[derive(Debug, Default)]
pub struct Opencodes(BTreeMap<PaneKey, Terminal>);

#[derive(Debug)]
struct Terminal {
    life: Life,
    process: (u32, u64),
    follows: JoinHandle<()>,
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.follows.abort();
    }
}

impl Dispatch {
    /// Notes which panes an opencode reads in.
    pub(super) fn heed_opencode(&mut self, life: Life, event: &Event) {
        match event {
            Event::Agent(seen) => self.opencode_seen(life, seen),
            Event::PaneGone { pane, .. } => drop(self.opencodes.0.remove(pane)),
            _ => {}
        }
    }

    fn opencode_seen(&mut self, life: Life, seen: &AgentSeen) {
        let pane = &seen.pane;
        let front = seen.process.as_ref().filter(|_| seen.agent == AGENT && self.is_here(&pane.host));
        let Some(process) = front.map(|front| (front.pid, front.born)) else {
            self.opencodes.0.remove(pane);
            return;
        };
        if self.opencodes.0.get(pane).is_some_and(|known| known.life == life && known.process == process) {
            return;
        }
        let follows = tokio::spawn(follow(process.0, Ear { pane: pane.clone(), loop_: self.servers.clone() }));
        self.opencodes.0.insert(pane.clone(), Terminal { life, process, follows });
    }

    /// An opencode tells what it does.
    pub(super) fn opencode_told(&self, pane: &PaneKey, state: Option<VendorState>) {
        let Some(terminal) = self.opencodes.0.get(pane) else { return };
        let told = ThreadTold { thread: String::new(), state, changed: true, own: true };
        self.tell_collector(terminal.life, |handle| handle.thread(pane.clone(), Box::new(told)));
    }
}

/// Where the loop hears what one does.
struct Ear {
    pane: PaneKey,
    loop_: mpsc::Sender<Urgent>,
}

impl Ear {
    /// Says whether anybody wants to know.
    async fn tell(&self, state: Option<VendorState>) -> bool {
        self.loop_.send(Urgent::Opencode(self.pane.clone(), Box::new(state))).await.is_ok()
    }
}

/// Follows what it tells as long as it runs.
async fn follow(pid: u32, ear: Ear) {
    let Ok(client) = reqwest::Client::builder().no_proxy().connect_timeout(ANSWER).build() else { return };
    loop {
        // It may not listen yet.
        if let Some(port) = opencode_port_of(pid) {
            let ended = listen(&client, port, &ear).await;
            if ended.is_none() || !ear.tell(None).await {
                return;
            }
        }
        tokio::time::sleep(AGAIN).await;
    }
}

/// What one answers to a question.
async fn ask(client: &reqwest::Client, port: u16, path: &str) -> Option<String> {
    let asked = client.get(format!("http://127.0.0.1:{port}{path}")).timeout(ANSWER);
    let answer = asked.send().await.ok()?.error_for_status().ok()?;
    answer.content_length().is_none_or(|length| length <= LIST).then_some(())?;
    answer.text().await.ok()
}

/// Listens to one until it ends, which is `Some`; `None`: nobody wants to know any more.
async fn listen(client: &reqwest::Client, port: u16, ear: &Ear) -> Option<()> {
    // What happens while it is asked how things stand is told behind that.
    let events = client.get(format!("http://127.0.0.1:{port}/event")).send().await;
    let Ok(mut events) = events.and_then(reqwest::Response::error_for_status) else { return Some(()) };
    let (statuses, permissions) = (ask(client, port, "/session/status").await, ask(client, port, "/permission").await);
    let Some((statuses, permissions)) = statuses.zip(permissions) else { return Some(()) };
    let Some(mut sessions) = Sessions::of(&statuses, &permissions) else { return Some(()) };
    let mut last = sessions.state();
    if !ear.tell(last.clone()).await {
        return None;
    }
    let (mut buffer, mut skips) = (Vec::new(), false);
    while let Ok(Some(bytes)) = events.chunk().await {
        for byte in bytes {
            match byte {
                b'\n' => {
                    if let Some(event) = std::str::from_utf8(&buffer).ok().and_then(|line| line.strip_prefix("data: "))
                        && !skips
                    {
                        sessions.take(event);
                    }
                    buffer.clear();
                    skips = false;
                }
                _ if buffer.len() < LONGEST => buffer.push(byte),
                _ => skips = true,
            }
        }
        let state = sessions.state();
        if state != last {
            last.clone_from(&state);
            if !ear.tell(state).await {
                return None;
            }
        }
    }
    Some(())
}

#[cfg(test)]
#[path = "opencode_tests.rs"]
mod tests;
