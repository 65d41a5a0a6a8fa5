//! Whether a prompt may be typed, out of all that is known of one agent.
//!
//! **Invariant:** nothing that an agent says of itself makes it ready. That it rests is one half; the other is its input line
//! as it is seen: shown, empty, and with the cursor in it.

use super::AgentCore;
use tmuxagent_model::AgentState;

/// Whether a prompt may be typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Readiness {
    /// It may.
    Ready,
    /// Somebody has begun to write there.
    Draft(String),
    /// Another field than its input line takes the keys: a search.
    Elsewhere,
    /// It works.
    Busy,
    /// It asks something.
    Asks,
    /// Not known: nothing may be typed.
    Unsure,
    /// No agent runs.
    Gone,
}

impl AgentCore {
    /// Whether a prompt may be typed.
    #[must_use]
    pub fn readiness(&self) -> Readiness {
        let (Some(life), Some(status)) = (&self.life, &self.status) else { return Readiness::Gone };
        if self.starts() {
            return Readiness::Unsure;
        }
        match (&status.state, &life.composer) {
            // One whose service refuses it reads all the same; its screen tells no change until somebody writes.
            (
                AgentState::Idle | AgentState::Done | AgentState::Error | AgentState::RateLimited { .. },
                Some(composer),
            ) if life.dispute().is_none() => {
                if composer.elsewhere {
                    Readiness::Elsewhere
                } else if composer.draft.is_empty() {
                    Readiness::Ready
                } else {
                    Readiness::Draft(composer.draft.clone())
                }
            }
            (AgentState::Working | AgentState::Stalled, _) => Readiness::Busy,
            (state, _) if state.asks() => Readiness::Asks,
            (AgentState::Exited, _) => Readiness::Gone,
            _ => Readiness::Unsure,
        }
    }
}
