//! What the event line, the journal and `tmuxagent events` tell, as values; their words in each language are in `text`.
#![expect(missing_docs, reason = "the fields are named by what they hold")]

use super::{ApprovalId, Decider, IntentId, Millis, RunId, SkipReason};
use serde::{Deserialize, Serialize};

/// How much a note matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Something went its way.
    Info,
    /// Something went well.
    Success,
    /// Somebody should look.
    Warning,
    /// Something failed.
    Error,
}

/// A part of the configuration, by its name, that a reload changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartChange {
    /// What it is.
    pub part: ConfigPart,
    /// Its name.
    pub name: String,
    /// What became of it.
    pub how: HowChanged,
}

/// See [`PartChange`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConfigPart {
    /// A machine to watch.
    Host,
    /// A way to the user.
    Channel,
    /// A policy's file.
    Policy,
    /// The user's own recogniser of an agent.
    Recogniser,
    /// Everything else; it has no name.
    Settings,
}

/// See [`PartChange`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HowChanged {
    /// It is new.
    Added,
    /// It is configured otherwise.
    Changed,
    /// It is no more.
    Removed,
}

/// Something worth telling.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "note", rename_all = "snake_case")]
pub enum Note {
    /// A run began.
    RunStarted { run: RunId, pipeline: String },
    /// A run ended well, badly, or was cancelled.
    RunEnded { run: RunId, pipeline: String, state: super::RunState },
    /// A stage's trigger fired.
    StageTriggered { run: RunId, stage: String, by: String },
    /// A stage waits for a human.
    StageNeedsApproval { run: RunId, stage: String, approval: ApprovalId },
    /// A stage began an attempt.
    StageStarted { run: RunId, stage: String, attempt: u32 },
    /// A stage succeeded.
    StageSucceeded { run: RunId, stage: String, by: String, took: Millis },
    /// An attempt failed.
    StageFailed {
        /// The run.
        run: RunId,
        /// The stage.
        stage: String,
        /// The rule and the line that decided.
        by: String,
        /// Its number.
        attempt: u32,
        /// The line of its output that tells most of the cause, where that is another one.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        said: String,
    },
    /// A failed stage will be tried again, `max` is the last retry without a human: attempt `max` + 1.
    StageRetrying { run: RunId, stage: String, attempt: u32, max: u32, after: Millis },
    /// A failed stage was handed to somebody else.
    StageEscalated { run: RunId, stage: String, code: String },
    /// A stage was left out.
    StageSkipped {
        /// The run.
        run: RunId,
        /// The stage.
        stage: String,
        /// Why; empty where a person left it out.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        why: String,
    },
    /// An action of a stage was left out by its `if`.
    ActionSkipped { run: RunId, stage: String, action: String, why: String },
    /// A stage was cancelled.
    StageCancelled { run: RunId, stage: String, why: String },
    /// A stage's gate was not opened.
    StageNotStarted { run: RunId, stage: String, why: String },
    /// A human was asked.
    ApprovalAsked { approval: ApprovalId, question: String },
    /// A human decided.
    ApprovalDecided { approval: ApprovalId, approve: bool, by: Decider },
    /// An approval closed without a decision.
    ApprovalClosed { approval: ApprovalId, state: super::ApprovalState },
    /// A rule or a lease answered an agent's dialog.
    AutoAnswered { approval: ApprovalId, question: String, by: Decider },
    /// A rule or a lease would answer, but a person is asked.
    NotAutoAnswered { by: Decider, why: super::LeftToPerson },
    /// A person gave a lease.
    LeaseGranted { lease: String, class: Vec<String>, span: Millis, by: Decider },
    /// A lease ended before its time: somebody ended it, or its agent has ended.
    LeaseEnded { lease: String, by: Option<Decider> },
    /// A decision was refused: late, or for another revision.
    DecisionRefused { approval: ApprovalId, why: String, by: Decider },
    /// Keys were typed.
    Sent { intent: IntentId, text: String },
    /// Keys were not typed.
    NotSent { intent: IntentId, text: String, reason: SkipReason },
    /// An answer was given to the request of an agent that waited for it; no key was typed.
    Given { intent: IntentId, text: String },
    /// An effect failed.
    EffectFailed { intent: IntentId, error: String },
    /// Keys wait for the end of the freeze.
    Held { intent: IntentId, text: String },
    /// Sending was stopped.
    Frozen { by: Decider },
    /// Sending goes on.
    Unfrozen { by: Decider },
    /// An agent said something.
    AgentSaid { kind: super::MessageType, stage: Option<String>, summary: String },
    /// A message of the protocol could not be read.
    MalformedMessage { error: super::Malformed },
    /// Output was lost.
    Gap { pane: String },
    /// A pane appeared.
    PaneSeen { pane: String },
    /// A pane went.
    PaneGone { pane: String },
    /// A pane lives on, but is not watched any more.
    PaneLeft { pane: String },
    /// A command was refused.
    Refused { why: String },
    /// The configuration was loaded again.
    Reloaded { changes: Vec<PartChange> },
    /// The policy was loaded.
    PolicyLoaded { pipelines: usize },
    /// The policy on disk is bad, the old one goes on.
    PolicyBroken { error: String },
    /// The state of a host changed.
    Host { host: String, state: super::HostState, detail: String },
    /// Free text.
    Text { text: String },
}

impl Note {
    /// The stage of a run that it tells of.
    #[must_use]
    pub fn stage(&self) -> Option<&str> {
        match self {
            Self::StageTriggered { stage, .. }
            | Self::StageNeedsApproval { stage, .. }
            | Self::StageStarted { stage, .. }
            | Self::StageSucceeded { stage, .. }
            | Self::StageFailed { stage, .. }
            | Self::StageRetrying { stage, .. }
            | Self::StageEscalated { stage, .. }
            | Self::StageSkipped { stage, .. }
            | Self::ActionSkipped { stage, .. }
            | Self::StageCancelled { stage, .. }
            | Self::StageNotStarted { stage, .. } => Some(stage),
            _ => None,
        }
    }
}
