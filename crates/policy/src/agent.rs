//! What an agent does, in the words of policies.

/// A word of the condition `agent`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AgentWord {
    /// It works.
    Working,
    /// It has worked since, rests again, and asks nothing.
    Done,
    /// It rests and takes prompts.
    Idle,
    /// It asks a person something by a dialog.
    Asks,
    /// It gave up with an error.
    Error,
    /// Its service refuses it for a time.
    RateLimited,
    /// It works by its own account, and gives no sign of life.
    Stalled,
    /// Its process has ended.
    Exited,
}

impl AgentWord {
    /// All of them, as they are written.
    pub const ALL: [(&'static str, Self); 8] = [
        ("working", Self::Working),
        ("done", Self::Done),
        ("idle", Self::Idle),
        ("asks", Self::Asks),
        ("error", Self::Error),
        ("rate_limited", Self::RateLimited),
        ("stalled", Self::Stalled),
        ("exited", Self::Exited),
    ];

    /// As it is written.
    #[must_use]
    pub fn word(self) -> &'static str {
        Self::ALL.iter().find(|(_, other)| *other == self).map_or("", |(word, _)| word)
    }
}
