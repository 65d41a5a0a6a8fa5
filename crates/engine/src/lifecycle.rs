//! The life of an approval: asked once, decided once.
//!
//! ```text
//! state       Approve    Reject     Expire    Supersede    TakeBack
//! Pending     Approved   Rejected   Expired   Superseded   –
//! Approved    –          –          –         –            Rejected (only while its effect is still delayed)
//! Rejected    –          –          –         –            –
//! Expired     –          –          –         –            –
//! Superseded  –          –          –         –            –
//! ```
//!
//! **Invariants:** `Approve` and `Reject` come only from [`decide`], which only the engine calls, and only for an
//! [`tmuxagent_model::Event::Asked`]; no expiry leads to `Approved`; a decision names the revision that its decider saw.

use tmuxagent_model::{Approval, ApprovalState, Decider, Decision, Timestamp, Verdict, Via};

/// What can happen to an approval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input {
    /// A human says yes.
    Approve,
    /// A human says no.
    Reject,
    /// Nobody decided in time, and its expiry closes it.
    Expire,
    /// What it asked about is gone.
    Supersede,
    /// A human takes a yes back before its effect was performed.
    TakeBack,
}

impl Input {
    /// All of them, for walking the table.
    pub const ALL: [Self; 5] = [Self::Approve, Self::Reject, Self::Expire, Self::Supersede, Self::TakeBack];
}

/// The table: the state after `input`, or `None` where it changes nothing.
#[must_use]
pub const fn next(state: ApprovalState, input: Input) -> Option<ApprovalState> {
    match (state, input) {
        (ApprovalState::Pending, Input::Approve) => Some(ApprovalState::Approved),
        (ApprovalState::Pending, Input::Reject) | (ApprovalState::Approved, Input::TakeBack) => {
            Some(ApprovalState::Rejected)
        }
        (ApprovalState::Pending, Input::Expire) => Some(ApprovalState::Expired),
        (ApprovalState::Pending, Input::Supersede) => Some(ApprovalState::Superseded),
        (ApprovalState::Pending, Input::TakeBack)
        | (ApprovalState::Approved, Input::Approve | Input::Reject | Input::Expire | Input::Supersede)
        | (ApprovalState::Rejected | ApprovalState::Expired | ApprovalState::Superseded, _) => None,
    }
}

/// Why a decision was refused; the text is for the late decider.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Somebody was first, or it closed without a decision.
    #[error("{0}")]
    AlreadyDecided(String),
    /// What is asked has changed since the decider saw it.
    #[error("{0}")]
    Stale(String),
    /// The answer is none of the offered ones.
    #[error("{0}")]
    NotOffered(String),
}

/// Decides a pending approval.
///
/// # Errors
/// When it is closed already (the text tells who was first), when `revision` is not the present one, and when the
/// answer is none of the options of a question that has a closed list of them.
pub fn decide(
    approval: &mut Approval,
    revision: u32,
    verdict: &Verdict,
    by: &Decider,
    now: Timestamp,
) -> Result<(), Refusal> {
    let input = if verdict.approve { Input::Approve } else { Input::Reject };
    let Some(state) = next(approval.state, input) else {
        return Err(Refusal::AlreadyDecided(how_it_ended(approval)));
    };
    if revision != approval.revision {
        return Err(Refusal::Stale(format!(
            "what {} asks has changed since you saw it (revision {revision}, now {}); look at it again",
            approval.id, approval.revision
        )));
    }
    is_offered(approval, verdict)?;
    approval.state = state;
    approval.decision = Some(Decision { verdict: verdict.clone(), by: by.clone(), at: now });
    approval.closed_at = Some(now);
    Ok(())
}

/// Turns a yes whose effect is still delayed into a no. Whether it is still delayed is the caller's knowledge.
///
/// # Errors
/// As [`decide`].
pub fn take_back(
    approval: &mut Approval,
    revision: u32,
    verdict: &Verdict,
    by: &Decider,
    now: Timestamp,
) -> Result<(), Refusal> {
    let Some(state) = next(approval.state, Input::TakeBack) else {
        return Err(Refusal::AlreadyDecided(how_it_ended(approval)));
    };
    if revision != approval.revision {
        return Err(Refusal::Stale(format!("{} has changed since you saw it; look at it again", approval.id)));
    }
    is_offered(approval, verdict)?;
    approval.state = state;
    approval.decision = Some(Decision { verdict: verdict.clone(), by: by.clone(), at: now });
    approval.closed_at = Some(now);
    Ok(())
}

/// Whether the answer is one that the question takes.
fn is_offered(approval: &Approval, verdict: &Verdict) -> Result<(), Refusal> {
    match &verdict.answer {
        Some(answer) if !takes_free_text(approval) && !approval.options.contains(answer) => {
            Err(Refusal::NotOffered(format!(
                "`{}` is no answer to {}; {}",
                tmuxagent_text::as_it_is(&answer.escape_debug().to_string()),
                approval.id,
                if approval.options.is_empty() {
                    "it takes a plain yes or no".to_owned()
                } else {
                    format!("choose one of: {}", approval.options.join(", "))
                }
            )))
        }
        _ => Ok(()),
    }
}

/// Closes a pending approval without a decision; says whether it was pending.
pub fn close(approval: &mut Approval, input: Input, now: Timestamp) -> bool {
    debug_assert!(matches!(input, Input::Expire | Input::Supersede), "decisions go through `decide`");
    match next(approval.state, input) {
        Some(state) => {
            approval.state = state;
            approval.closed_at = Some(now);
            true
        }
        None => false,
    }
}

/// An agent may be answered freely; our own questions have a closed list.
const fn takes_free_text(approval: &Approval) -> bool {
    matches!(approval.kind, tmuxagent_model::ApprovalKind::Agent | tmuxagent_model::ApprovalKind::Asks)
}

/// `already approved by mei at 2026-11-21 10:03:22 UTC via popup`.
#[must_use]
pub fn how_it_ended(approval: &Approval) -> String {
    let word = match approval.state {
        ApprovalState::Pending => return format!("{} is open", approval.id),
        ApprovalState::Approved => "approved",
        ApprovalState::Rejected => "rejected",
        ApprovalState::Expired => "expired",
        ApprovalState::Superseded => "superseded: what it asked about is over, gone or not watched any more",
    };
    match (&approval.decision, approval.closed_at) {
        (Some(decision), _) => {
            format!("already {word} by {} at {} via {}", decision.by.who, instant(decision.at), via(decision.by.via))
        }
        (None, Some(at)) => format!("already {word}, at {}", instant(at)),
        (None, None) => format!("already {word}"),
    }
}

/// The surface as one word.
#[must_use]
pub const fn via(via: Via) -> &'static str {
    match via {
        Via::Key => "key",
        Via::Popup => "popup",
        Via::Cli => "command line",
        Via::File => "file",
        Via::Link => "link",
        Via::Panel => "panel",
        Via::Chat => "chat",
        Via::Hook => "hook",
        Via::Rule => "rule",
        Via::Lease => "lease",
        Via::Mcp => "agent's tool",
    }
}

/// An instant in UTC, to the second.
#[must_use]
pub fn instant(at: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(at.0).map_or_else(
        |_| format!("{} ms", at.0),
        |time| time.to_zoned(jiff::tz::TimeZone::UTC).strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
    )
}

#[cfg(test)]
#[path = "lifecycle_tests.rs"]
mod tests;
