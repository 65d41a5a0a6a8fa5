//! What the input of a hook says (recorded with Claude Code 2.1.332 and Codex 0.171).

use serde::Deserialize;
use tmuxagent_model::{AgentState, HookReport};

/// The longest input that is read, bytes. An edit of a whole file comes with all of its text.
pub const LONGEST: usize = 4 * 1024 * 1024;
/// The most characters of what it says.
const WORDS: usize = 400;

#[derive(Deserialize)]
struct Input {
    hook_event_name: String,
    tool_name: Option<String>,
    error: Option<String>,
    last_assistant_message: Option<String>,
}

/// Tools that ask the person a question of their own, instead of whether they may be used.
const QUESTIONS: [&str; 2] = ["AskUserQuestion", "request_user_input"];

/// What an agent tells by its hook `event`; `None` where that is nothing that is known, or another event than it says.
#[must_use]
pub fn read_event(event: &str, input: &[u8]) -> Option<HookReport> {
    let input: Input = serde_json::from_slice(input).ok().filter(|input: &Input| input.hook_event_name == event)?;
    let asks = input.tool_name.as_deref();
    let (state, words) = match event {
        "UserPromptSubmit" => (AgentState::Working, None),
        "PermissionRequest" if asks.is_some_and(|tool| QUESTIONS.contains(&tool)) => (AgentState::NeedsAnswer, None),
        "PermissionRequest" => (AgentState::NeedsApproval, input.tool_name),
        "Stop" => (AgentState::Done, None),
        "Interrupt" => (AgentState::Idle, None),
        "StopFailure" if input.error.as_deref().is_some_and(|error| error.contains("rate_limit")) => {
            (AgentState::RateLimited { until: None }, input.last_assistant_message)
        }
        "StopFailure" => (AgentState::Error, input.last_assistant_message),
        _ => return None,
    };
    let text = words.unwrap_or_default().chars().filter(|c| !c.is_control()).take(WORDS).collect();
    Some(HookReport { event: event.to_owned(), state, text })
}
