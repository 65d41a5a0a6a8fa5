//! What a pane printed until an instant has been read: the order between a pane's pipe and the replies of a control client.
//!
//! tmux writes what it has read of a pane into the pipe no later than in the next round of its loop. So once a request was
//! answered, and **one more** after it, everything that the pane had printed before the first one was executed lies in the
//! pipe; what lies there is then read, and the fence is passed. Limit: that holds as long as the pipe is read faster than
//! its buffer (some 200 KB) is filled.
//!
//! A pane that is not read by a pipe needs no fence: its bytes and the replies come over the same client.

use super::audience::Look;
use super::pane::Feed;
use super::pipes::PipeId;
use super::{HostCore, Output, Purpose};
use std::collections::BTreeMap;
use std::time::Duration;
use tmuxagent_model::PaneKey;

/// What was waited for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum After {
    /// The pane's next send, which goes to whoever reads.
    Send,
    /// The same, which goes to a certain reader: what was seen of him.
    Who(Box<Look>),
    /// The rows of a screen that its program owns, as they were captured.
    Look(Vec<String>),
    /// The end of a process in whose place another one was put.
    Superseded,
}

/// Fences whose marks are on their way through a pipe.
#[derive(Debug, Default)]
pub(super) struct Fences {
    next: u64,
    marks: BTreeMap<u64, (PipeId, PaneKey, After)>,
}

/// Round trips that make sure of what the pane had printed before the first of them.
pub(super) const FROM_NOW: u8 = 2;
/// The same where the reply to a request has come already: of what was printed before that one.
pub(super) const FROM_REPLY: u8 = 1;

impl HostCore {
    /// Does what is to be done once all that the pane has printed is read.
    pub(super) fn fence(&mut self, key: &PaneKey, trips: u8, after: After) {
        let pane = self.inventory.panes.get(&key.pane).filter(|pane| pane.info.key == *key);
        let client = pane.filter(|pane| pane.feed == Feed::Piped).and_then(|pane| pane.client);
        match client {
            Some(client) => {
                self.request(client, "display-message -p \"\"", Purpose::Fence(key.clone(), trips - 1, after));
            }
            None => self.passed(key, after),
        }
    }

    /// A round trip is complete.
    pub(super) fn fence_replied(&mut self, key: PaneKey, more: u8, after: After) {
        if more > 0 {
            return self.fence(&key, more, after);
        }
        let pipe = self.inventory.panes.get(&key.pane).and_then(|pane| pane.pipe.as_ref()).map(|pipe| pipe.id);
        let Some(pipe) = pipe else { return self.passed(&key, after) };
        self.fences.next += 1;
        self.fences.marks.insert(self.fences.next, (pipe, key, after));
        self.outputs.push(Output::Mark(pipe, self.fences.next));
    }

    /// A mark came through the pipe.
    pub fn marked(&mut self, mark: u64) {
        if let Some((_, key, after)) = self.fences.marks.remove(&mark) {
            self.passed(&key, after);
        }
    }

    /// A round trip will not be completed.
    pub(super) fn fence_lost(&mut self, key: &PaneKey, after: &After) {
        match after {
            After::Send => self.unfence(key),
            After::Who(look) => self.who_lost(key, look.why),
            After::Look(_) => self.look_lost(key),
            After::Superseded => {
                if let Some(pane) = self.inventory.panes.get_mut(&key.pane) {
                    pane.superseded = false;
                }
            }
        }
    }

    fn passed(&mut self, key: &PaneKey, after: After) {
        match after {
            After::Send => self.fenced(key),
            After::Who(look) => self.outputs.push(Output::Look(look)),
            After::Look(rows) => self.apply_look(key, rows),
            After::Superseded => {
                self.end_superseded(key);
                self.list_soon(Duration::ZERO);
            }
        }
    }
}
