//! The report: what happened in a stretch of time, counted from the journal and the approvals.
//!
//! **Invariants**
//! - Pure but for `read`, which asks the store: lines of the journal, approvals and what agents were seen to do come in, a
//!   [`Report`] comes out; no clock, no file.
//! - Only what lies in the stretch counts. An attempt or a wait that began before it counts with its whole length, since cut
//!   ones would make every stage look quicker than it is.
//! - What was not watched is not known: an agent's time before a start of the supervisor is nobody's.
//! - Every text that came from a pane is cleaned where it is written out (`markdown`, `html`).

#![warn(unreachable_pub)]

mod collect;
mod html;
mod markdown;
mod read;
mod spans;
mod summary;
mod table;
mod words;

#[cfg(test)]
mod tests;

pub use collect::Collector;
pub use html::html;
pub use markdown::markdown;
pub use read::collect;
pub use spans::Spans;
pub use summary::summary;
pub use table::{Part, parts, stretch};
pub use words::{Word, word};

use serde::Serialize;
use tmuxagent_model::{Millis, RunState, Timestamp, Via};

/// What happened between two instants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// From here on.
    pub since: Timestamp,
    /// Up to here.
    pub until: Timestamp,
    /// Pipelines that ran, by name.
    pub pipelines: Vec<PipelineReport>,
    /// How people were waited for.
    pub waits: Waits,
    /// What failed, the most frequent first.
    pub failures: Vec<Failure>,
    /// What agents did, by place.
    pub agents: Vec<AgentReport>,
    /// What was done in people's place.
    pub saved: Saved,
}

/// One pipeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PipelineReport {
    /// Its name.
    pub pipeline: String,
    /// Runs that began.
    pub started: u32,
    /// Runs that ended, by how.
    pub ended: Vec<Ended>,
    /// How long runs took, from their beginning to their end.
    pub took: Spans,
    /// Its stages, in the order in which they were first seen.
    pub stages: Vec<StageReport>,
    /// Day by day, in the reader's zone; days without a run are left out.
    pub days: Vec<Day>,
}

impl PipelineReport {
    /// Runs that ended in this state.
    #[must_use]
    pub fn ended_as(&self, state: RunState) -> u32 {
        self.ended.iter().find(|ended| ended.state == state).map_or(0, |ended| ended.runs)
    }

    /// Runs that ended.
    #[must_use]
    pub fn all_ended(&self) -> u32 {
        self.ended.iter().map(|ended| ended.runs).sum()
    }
}

/// Runs that ended in one way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Ended {
    /// How.
    pub state: RunState,
    /// How many.
    pub runs: u32,
}

/// One stage of a pipeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StageReport {
    /// Its name.
    pub stage: String,
    /// Attempts that ended well.
    pub succeeded: u32,
    /// Attempts that failed.
    pub failed: u32,
    /// Attempts that the policy began again by itself.
    pub retried: u32,
    /// How long attempts that ended well took.
    pub took: Spans,
}

/// One day of a pipeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Day {
    /// As `2026-11-29`.
    pub date: String,
    /// Runs that ended well.
    pub succeeded: u32,
    /// Runs that ended in any other way.
    pub other: u32,
    /// How long runs took that ended that day.
    pub took: Spans,
}

/// How people were waited for.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Waits {
    /// Questions that were put.
    pub asked: u32,
    /// Those that a person decided, by a yes.
    pub approved: u32,
    /// Those that a person decided, by a no.
    pub rejected: u32,
    /// Those that nobody decided in time.
    pub expired: u32,
    /// Those whose reason went away.
    pub superseded: u32,
    /// Those that are open.
    pub open: u32,
    /// How long a person's decision took.
    pub took: Spans,
    /// Through which surface the decisions came, the most frequent first.
    pub by: Vec<Decided>,
}

/// Decisions through one surface.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Decided {
    /// Which one.
    pub via: Via,
    /// How many.
    pub decisions: u32,
    /// How long they took.
    pub took: Spans,
}

/// Failures of one stage for one cause. Causes that differ in numbers alone are one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// The pipeline.
    pub pipeline: String,
    /// Its stage.
    pub stage: String,
    /// The rule and the line that decided, the newest of them; untrusted.
    pub cause: String,
    /// The line of its output that told most of the cause, the newest of them; empty where none is known. Untrusted.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub said: String,
    /// How often.
    pub times: u32,
    /// When last.
    pub last: Timestamp,
}

/// An agent in one place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AgentReport {
    /// Where it ran.
    pub place: String,
    /// Which one.
    pub agent: String,
    /// It worked.
    pub worked: Millis,
    /// It waited for somebody's answer.
    pub asked: Millis,
    /// It waited for a prompt.
    pub idle: Millis,
    /// It could not go on: an error, a limit of its service, or no sign of life.
    pub stuck: Millis,
}

/// What was done in people's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Saved {
    /// Commands, keys and prompts that were typed, also for somebody's yes, start or answer: the journal does not tell these
    /// from the others.
    pub typed: u32,
    /// Attempts that were begun again by policy.
    pub retried: u32,
    /// Stages that began because another one had ended.
    pub went_on: u32,
    /// Dialogs of agents that a rule or a lease answered.
    pub answered: u32,
}
