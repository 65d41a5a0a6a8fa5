//! The transition tables of runs and stages: the only place that says which state follows which.
//!
//! Stages (a dash: the input changes nothing; "ended" = Succeeded, Failed, Escalated, Skipped, Cancelled,
//! Rejected, Expired):
//!
//! ```text
//! input     Waiting  NeedsAppr. Queued    Starting  Running   Retrying  Asking    ended
//! Gate      NeedsA.  –          NeedsA.   –         –         –         NeedsA.   NeedsApproval
//! Queue     Queued   Queued     –         –         Queued    Queued    Queued    Queued
//! Start     Starting Starting   Starting  –         Starting  Starting  Starting  Starting
//! Ready     –        –          –         Running   –         –         –         –
//! Succeed   –        –          –         –         Succeeded –         Succeeded –
//! Fail      –        Failed     –         Failed    Failed    Failed    Failed    –
//! Retry     –        –          –         Retrying  Retrying  –         –         –
//! Ask       –        –          –         Asking    Asking    –         –         –
//! Escalate  –        Escalated  –         Escalated Escalated Escalated Escalated –
//! Skip      –        Skipped    Skipped   Skipped   Skipped   Skipped   Skipped   Skipped, but not from Succeeded, Skipped
//! Cancel    –        Cancelled  Cancelled Cancelled Cancelled Cancelled Cancelled –
//! Reject    –        Rejected   –         –         –         –         –         –
//! Expire    –        Expired    –         –         –         –         –         –
//! Reset     –        –          –         –         –         –         –         Waiting
//! LeaveOut  Skipped  Skipped    Skipped   –         –         –         –         Skipped, but not from Skipped
//! ```
//!
//! `Start` on a stage with a gate needs an approved question or a policy's own retry behind it; the callers see to
//! that and a property test watches them. `Gate` from `Asking` is a stage that asked where it acts, from `Queued` one whose run waited for its group, or for which files were looked for. `Start` from `Running` is the human's "rerun" after a gap, from an ended
//! state his "retry".
//!
//! Runs:
//!
//! ```text
//! input     Open       Succeeded  Failed  Cancelled  Rejected
//! Succeed   Succeeded  –          –       –          –
//! Fail      Failed     –          –       –          –
//! Cancel    Cancelled  –          –       –          –
//! Reject    Rejected   –          –       –          –
//! Reopen    –          Open       Open    Open       Open
//! ```

use tmuxagent_model::{RunState, StageState};

/// What can happen to a stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StageInput {
    /// It was triggered and its gate asks.
    Gate,
    /// It may start, but its lock is held.
    Queue,
    /// An attempt begins.
    Start,
    /// Its start actions are done.
    Ready,
    /// It succeeded.
    Succeed,
    /// It failed for good.
    Fail,
    /// It failed and will be tried again.
    Retry,
    /// It failed, or an effect of it could not be performed, and a human is asked.
    Ask,
    /// It failed and is handed on.
    Escalate,
    /// It is left out.
    Skip,
    /// It is ended from outside.
    Cancel,
    /// A human says no to its gate.
    Reject,
    /// Nobody answers its gate in time.
    Expire,
    /// An earlier stage of its run runs again.
    Reset,
    /// It was triggered, and its `if` does not hold.
    LeaveOut,
}

impl StageInput {
    /// All of them, for walking the table.
    pub const ALL: [Self; 15] = [
        Self::Gate,
        Self::Queue,
        Self::Start,
        Self::Ready,
        Self::Succeed,
        Self::Fail,
        Self::Retry,
        Self::Ask,
        Self::Escalate,
        Self::Skip,
        Self::Cancel,
        Self::Reject,
        Self::Expire,
        Self::Reset,
        Self::LeaveOut,
    ];
}

/// What can happen to a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunInput {
    /// All its stages that could run ended well.
    Succeed,
    /// It ended with a failed stage.
    Fail,
    /// It is ended from outside.
    Cancel,
    /// A human said no to one of its stages.
    Reject,
    /// Nobody decided about one of its stages in time.
    Expire,
    /// A human runs one of its stages again.
    Reopen,
}

impl RunInput {
    /// All of them, for walking the table.
    pub const ALL: [Self; 6] = [Self::Succeed, Self::Fail, Self::Cancel, Self::Reject, Self::Expire, Self::Reopen];
}

/// The state of a stage after `input`, or `None` where it changes nothing.
#[must_use]
pub const fn next_stage(state: StageState, input: StageInput) -> Option<StageState> {
    use StageState as S;
    match input {
        StageInput::Gate => match state {
            S::Waiting
            | S::Queued
            | S::Asking
            | S::Succeeded
            | S::Failed
            | S::Escalated
            | S::Skipped
            | S::Cancelled
            | S::Rejected
            | S::Expired => Some(S::NeedsApproval),
            S::NeedsApproval | S::Starting | S::Running | S::Retrying => None,
        },
        StageInput::Queue => match state {
            S::Waiting
            | S::NeedsApproval
            | S::Running
            | S::Retrying
            | S::Asking
            | S::Succeeded
            | S::Failed
            | S::Escalated
            | S::Skipped
            | S::Cancelled
            | S::Rejected
            | S::Expired => Some(S::Queued),
            S::Queued | S::Starting => None,
        },
        StageInput::Start => match state {
            S::Waiting
            | S::NeedsApproval
            | S::Queued
            | S::Running
            | S::Retrying
            | S::Asking
            | S::Succeeded
            | S::Failed
            | S::Escalated
            | S::Skipped
            | S::Cancelled
            | S::Rejected
            | S::Expired => Some(S::Starting),
            S::Starting => None,
        },
        StageInput::Ready => only(state, &[S::Starting], S::Running),
        StageInput::Succeed => only(state, &[S::Running, S::Asking], S::Succeeded),
        StageInput::Fail => {
            only(state, &[S::NeedsApproval, S::Starting, S::Running, S::Retrying, S::Asking], S::Failed)
        }
        StageInput::Retry => only(state, &[S::Starting, S::Running], S::Retrying),
        StageInput::Ask => only(state, &[S::Starting, S::Running], S::Asking),
        StageInput::Escalate => {
            only(state, &[S::NeedsApproval, S::Starting, S::Running, S::Retrying, S::Asking], S::Escalated)
        }
        StageInput::Reject => only(state, &[S::NeedsApproval], S::Rejected),
        StageInput::Expire => only(state, &[S::NeedsApproval], S::Expired),
        StageInput::Skip => match state {
            S::NeedsApproval
            | S::Queued
            | S::Starting
            | S::Running
            | S::Retrying
            | S::Asking
            | S::Failed
            | S::Escalated
            | S::Cancelled
            | S::Rejected
            | S::Expired => Some(S::Skipped),
            S::Waiting | S::Succeeded | S::Skipped => None,
        },
        StageInput::Cancel => {
            if state.is_live() {
                Some(S::Cancelled)
            } else {
                None
            }
        }
        StageInput::LeaveOut => match state {
            S::Starting | S::Running | S::Retrying | S::Asking | S::Skipped => None,
            S::Waiting
            | S::NeedsApproval
            | S::Queued
            | S::Succeeded
            | S::Failed
            | S::Escalated
            | S::Cancelled
            | S::Rejected
            | S::Expired => Some(S::Skipped),
        },
        StageInput::Reset => {
            if state.is_ended() {
                Some(S::Waiting)
            } else {
                None
            }
        }
    }
}

/// `to` when `state` is one of `from`.
const fn only(state: StageState, from: &[StageState], to: StageState) -> Option<StageState> {
    let mut index = 0;
    while index < from.len() {
        // Comparing discriminants keeps this a const function.
        if from[index] as u8 == state as u8 {
            return Some(to);
        }
        index += 1;
    }
    None
}

/// The state of a run after `input`, or `None` where it changes nothing.
#[must_use]
pub const fn next_run(state: RunState, input: RunInput) -> Option<RunState> {
    match (state, input) {
        (RunState::Open, RunInput::Succeed) => Some(RunState::Succeeded),
        (RunState::Open, RunInput::Fail) => Some(RunState::Failed),
        (RunState::Open, RunInput::Cancel) => Some(RunState::Cancelled),
        (RunState::Open, RunInput::Reject) => Some(RunState::Rejected),
        (RunState::Open, RunInput::Expire) => Some(RunState::Expired),
        (RunState::Open, RunInput::Reopen) => None,
        (_, RunInput::Reopen) => Some(RunState::Open),
        (_, RunInput::Succeed | RunInput::Fail | RunInput::Cancel | RunInput::Reject | RunInput::Expire) => None,
    }
}

#[cfg(test)]
#[path = "table_tests.rs"]
mod tests;
