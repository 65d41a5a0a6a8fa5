//! What intents are for.

use serde::{Deserialize, Serialize};
use tmuxagent_model::{ApprovalId, PaneKey, RunId};

/// What an intent is for; decides what its outcome means.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "for", rename_all = "snake_case")]
pub enum Purpose {
    /// An action of the present attempt; the plan waits for it.
    Plan { run: RunId, stage: String, attempt: u32 },
    /// An action after the stage's end (`on_success`, a step of `on_fail`); nothing waits for it.
    After { run: RunId, stage: String, attempt: u32 },
    /// A look whether the shell is at its prompt again.
    Look { run: RunId, stage: String, attempt: u32 },
    /// What stops a command whose time is over; nothing waits for its outcome.
    Stop { run: RunId, stage: String, attempt: u32 },
    /// A poll of a stage.
    Poll { run: RunId, stage: String, attempt: u32, node: u32 },
    /// A poll of a trigger.
    TriggerPoll { pane: PaneKey, pipeline: String, stage: String, node: u32 },
    /// A look for a file before a stage begins.
    File { run: RunId, stage: String, path: String },
    /// Makes the pane of that name for a stage.
    MakePane { run: RunId, stage: String, name: String },
    /// Closes the pane of that name, which a run made.
    ClosePane { run: RunId, name: String },
    /// An alert.
    Alert,
    /// Keys that a person sends.
    Hand,
    /// The answer to an agent.
    Reply { approval: ApprovalId },
}
