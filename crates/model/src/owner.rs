//! Who types into a tmux server: the supervisor that has claimed it.

use super::{HostName, Millis, PaneId, Timestamp};
use serde::{Deserialize, Serialize};

/// A stage that waits for a decision, as the supervisor that asks tells it to others on the server.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct OpenQuestion {
    /// The pane it is about.
    pub pane: PaneId,
    /// The pipeline.
    pub pipeline: String,
    /// Its stage.
    pub stage: String,
    /// When it was asked: tells it from the next one about that stage.
    #[serde(default)]
    pub asked: Timestamp,
}

/// A supervisor, as it tells of itself on a server that it has claimed. What another one wrote is untrusted text.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Owner {
    /// A word of ASCII letters, digits and `-`: the same at every start of this supervisor (of one state folder on one
    /// machine), another for every other one.
    pub instance: String,
    /// The name under which it watches the server.
    pub host: HostName,
    /// Its machine, by name.
    pub machine: String,
    /// Its user.
    pub user: String,
    /// Its process.
    pub pid: u32,
    /// When that process began, in the ticks of its system; 0 where it is not known.
    pub started: u64,
    /// This life of its machine and the name space of its processes: only within the same one is `pid` the same process.
    /// Empty where it is not known.
    pub place: String,
    /// The path of its socket on its machine, for views and commands of the same user; empty when it has none.
    pub socket: String,
    /// It was found gone: how long before that it was seen there last. Said by whoever watches, never by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gone: Option<Millis>,
    /// What it had asked and was not decided when it was last seen; some of them, where they are many.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub asks: Vec<OpenQuestion>,
}

impl Owner {
    /// It for people, in English, its words cleaned by `clean`; what is not known is `?`.
    pub fn named(&self, clean: impl Fn(&str) -> String) -> String {
        let word = |text: &str| if text.is_empty() { "?".to_owned() } else { clean(text) };
        format!("{}'s tmuxagent on {} (process {})", word(&self.user), word(&self.machine), self.pid)
    }

    /// Whether both are supervisors on one machine, so that one can look at the other's process.
    #[must_use]
    pub fn is_beside(&self, other: &Self) -> bool {
        !self.place.is_empty() && self.place == other.place
    }

    /// Whether both are the same running process.
    #[must_use]
    pub fn is_same_process(&self, other: &Self) -> bool {
        self.instance == other.instance
            && self.is_beside(other)
            && (self.pid, self.started) == (other.pid, other.started)
    }
}
