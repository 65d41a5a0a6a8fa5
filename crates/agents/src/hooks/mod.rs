//! Hooks: commands that an agent runs at certain instants, by which it tells what it does. Which of them are wanted, how
//! they stand in the agent's own settings, and what their input says.

mod event;
mod json;
mod request;
mod settings;
#[cfg(test)]
mod tests;

pub use event::{LONGEST, read_event};
pub use json::Malformed;
pub use request::{HookRequest, read_request};
pub use settings::{Installed, commands, install, installed, uninstall};

/// One of an agent's events for which a hook is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HookEvent {
    /// Its name, in the settings and in the hook's input.
    pub name: &'static str,
    /// What it is for, where the agent wants that to be said.
    pub matcher: Option<&'static str>,
    /// How long the agent may wait for it, seconds.
    pub timeout: u32,
}

/// The file in which an agent finds its hooks (seen with Claude Code 2.1.332 and Codex 0.171).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HookFile {
    /// The name of the agent's recogniser.
    pub agent: &'static str,
    /// The variable that names its folder.
    pub variable: &'static str,
    /// Its folder below the home folder.
    pub folder: &'static str,
    /// The file in there.
    pub name: &'static str,
    /// What is wanted.
    pub events: &'static [HookEvent],
}

/// Seconds.
const DAY: u32 = 24 * 60 * 60;

const fn event(name: &'static str) -> HookEvent {
    HookEvent { name, matcher: None, timeout: 5 }
}

/// Only the beginning and the end of work and questions: each hook is a process, and what lies between these can be seen.
pub const HOOK_FILES: [HookFile; 2] = [
    HookFile {
        agent: "claude",
        variable: "CLAUDE_CONFIG_DIR",
        folder: ".claude",
        name: "settings.json",
        events: &[
            event("UserPromptSubmit"),
            // It waits for a person while the dialog is shown.
            HookEvent { name: "PermissionRequest", matcher: Some("*"), timeout: DAY },
            event("Stop"),
            event("StopFailure"),
        ],
    },
    HookFile {
        agent: "codex",
        variable: "CODEX_HOME",
        folder: ".codex",
        name: "hooks.json",
        events: &[
            event("UserPromptSubmit"),
            HookEvent { name: "PermissionRequest", matcher: Some("*"), timeout: 5 },
            event("Stop"),
            event("Interrupt"),
        ],
    },
];
