//! What an agent's own server tells of the conversations in its folder; see [`tmuxagent_agents::Threads`].

use super::{HostCore, WatchedAgent};
use tmuxagent_agents::{AgentProcess, Input, ThreadTold};
use tmuxagent_model::{PaneKey, Timestamp};

/// So many words of a server wait for the next look.
const MOST: usize = 128;

impl WatchedAgent {
    /// Takes what the server told since the last look. Each came at its own instant.
    pub(super) fn take_threads(&mut self, process: Option<&AgentProcess>, told: Vec<(Timestamp, ThreadTold)>) {
        self.threads.belong_to(process.map(|process| (process.pid, process.start)));
        for (at, told) in told {
            self.threads.told(at, told);
        }
    }

    /// Weighs what its own conversation does. The same once more is no sign of life.
    pub(super) fn weigh_thread(&mut self, wall: Timestamp) {
        let said = self.threads.settle(wall);
        if self.by_thread != said {
            self.by_thread.clone_from(&said);
            self.core.on(wall, Input::Vendor(said));
        }
    }
}

impl HostCore {
    /// An agent's server tells something of a conversation in the folder of a pane's agent.
    pub(in crate::core) fn thread_told(&mut self, key: &PaneKey, told: ThreadTold) {
        let wall = self.wall;
        let Some(pane) = self.inventory.panes.get_mut(&key.pane).filter(|pane| pane.info.key == *key) else { return };
        if pane.voice.threads.len() < MOST {
            pane.voice.threads.push((wall, told));
        }
        self.look_soon(key.pane);
    }
}
