//! What an agent's message gives to the inputs of the pipeline that it starts.
//!
//! Only where the policy says so (`from: message`), by a message that a trigger asks for, and checked as what is given by
//! hand. What is wrong starts nothing, before anything is cancelled for it: with another value it would be another run.

use super::condition::{Stimulus, leaves, message_holds};
use tmuxagent_model::{AgentMessage, Variables};
use tmuxagent_policy::{Condition, Pipeline, input_values};

/// What the message that met `triggers` gives; nothing for what is no such message.
///
/// # Errors
/// Why the run does not begin.
pub fn given_by(pipeline: &Pipeline, triggers: &Condition, stimulus: &Stimulus<'_>) -> Result<Variables, String> {
    let Stimulus::Line { message: Some(message), .. } = stimulus else { return Ok(Variables::new()) };
    if message.inputs.is_empty() || pipeline.inputs.is_empty() || !asks_for(triggers, message) {
        return Ok(Variables::new());
    }
    let kept = pipeline.inputs.iter().filter(|input| !input.from_message);
    if let Some(input) = kept.into_iter().find(|input| message.inputs.contains_key(&input.name)) {
        return Err(format!("the input `{}` is not taken from a message: it has no `from: message`", input.name));
    }
    let given: Vec<(String, String)> = message.inputs.clone().into_iter().collect();
    input_values(&pipeline.inputs, &given).map(|_| message.inputs.clone())
}

/// Whether one part of a condition is a message like this one.
fn asks_for(condition: &Condition, message: &AgentMessage) -> bool {
    leaves(condition, 0)
        .iter()
        .any(|(leaf, _)| matches!(leaf, Condition::Message(test) if message_holds(test, message)))
}
