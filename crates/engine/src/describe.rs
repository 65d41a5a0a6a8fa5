//! Conditions and messages in one line.

use super::progress::{PollRun, PollState, cut};
use tmuxagent_model::AgentMessage;
use tmuxagent_policy::{CiCommit, Condition, MessageTest, Policy, PollWhat};

/// Several stages that must all have succeeded, as `needs` says it.
fn needed(parts: &[Condition]) -> Option<String> {
    let name = |part: &Condition| match part {
        Condition::AfterStageSuccess(name) => Some(name.clone()),
        _ => None,
    };
    let names: Vec<String> = parts.iter().map(name).collect::<Option<_>>()?;
    (names.len() > 1).then(|| format!("needs {}", names.join(", ")))
}

/// A condition in one line, close to how it is written.
pub fn describe(policy: &Policy, condition: &Condition) -> String {
    let join = |word: &str, parts: &[Condition]| match parts {
        [] => "never".to_owned(),
        [part] => describe(policy, part),
        _ => {
            let parts: Vec<String> = parts.iter().map(|part| describe(policy, part)).collect();
            format!("{word} [{}]", parts.join(", "))
        }
    };
    match condition {
        Condition::Any(parts) => join("any_of", parts),
        Condition::All(parts) => needed(parts).unwrap_or_else(|| join("all_of", parts)),
        Condition::Not(part) => format!("not {}", describe(policy, part)),
        Condition::LogRegex(id) => {
            let pattern = policy.patterns.get(id.0 as usize);
            let called = pattern.and_then(|pattern| pattern.called.clone());
            let source = pattern.map_or("?", |pattern| pattern.source.as_str());
            called.unwrap_or_else(|| format!("log_regex /{source}/"))
        }
        Condition::Message(test) => describe_test(test),
        Condition::AfterStageSuccess(stage) => format!("after_stage_success {stage}"),
        Condition::AfterStageFailure(stage) => format!("after_stage_failure {stage}"),
        Condition::AfterStageRejected(stage) => format!("after_stage_rejected {stage}"),
        Condition::Seen(part) => format!("{} when seen", describe(policy, part)),
        Condition::ExitCode(codes) if codes.is_empty() => "exit_code other than 0".to_owned(),
        Condition::ExitCode(codes) => {
            let codes: Vec<String> = codes.iter().map(ToString::to_string).collect();
            format!("exit_code {}", codes.join("|"))
        }
        Condition::Agent(words) => {
            format!("agent {}", words.iter().map(|word| word.word()).collect::<Vec<_>>().join("|"))
        }
        Condition::IdleFor(span) => format!("idle_for {span}"),
        Condition::Poll(test) => match &test.what {
            PollWhat::Ci(ci) => {
                let commit = ci.commit.as_ref().map(|commit| match commit {
                    CiCommit::Head => "head",
                    CiCommit::Named(text) => &text.source,
                });
                let reference = ci.reference.as_ref().map(|text| text.source.as_str());
                let which = ci.workflow.as_deref().or(commit).or(reference).unwrap_or("*");
                format!("poll {} {which} of {}", ci.service.key(), ci.repository.source)
            }
            PollWhat::Http { url, .. } => format!("poll http {}", url.source),
            PollWhat::File { path, changed } => {
                format!("{} {}", if *changed { "file_changed" } else { "file_exists" }, path.source)
            }
            PollWhat::Command { script, .. } => format!("poll command {}", cut(&script.source, 80)),
        },
        Condition::Schedule(expression) => format!("schedule {expression}"),
        Condition::After(after) => {
            let ends: Vec<&str> = after.ends.iter().map(|end| end.word()).collect();
            format!("after stage {} of {} {}", after.stage, after.pipeline, ends.join("|"))
        }
        Condition::Manual => "manual".to_owned(),
    }
}

fn describe_test(test: &MessageTest) -> String {
    let mut parts = Vec::new();
    if let Some(kind) = test.kind {
        parts.push(format!("{kind:?}").to_uppercase());
    }
    if let Some(stage) = &test.stage {
        parts.push(format!("stage {stage}"));
    }
    if let Some(ok) = test.ok {
        parts.push(format!("ok {ok}"));
    }
    if parts.is_empty() { "message".to_owned() } else { format!("message {}", parts.join(" ")) }
}

/// A message in one line.
pub fn describe_message(message: &AgentMessage) -> String {
    let mut text = format!("{:?}", message.kind).to_uppercase();
    if let Some(stage) = &message.stage {
        text.push_str(&format!(" stage {stage}"));
    }
    if let Some(ok) = message.ok {
        text.push_str(&format!(" ok {ok}"));
    }
    if let Some(words) = message.summary.as_ref().or(message.question.as_ref()) {
        text.push_str(&format!(": {words}"));
    }
    text
}

/// What is known of a poll.
pub fn describe_poll(poll: &PollRun) -> String {
    match &poll.state {
        PollState::Asked => "no answer yet".to_owned(),
        PollState::Pending { detail } => format!("not yet: {detail}"),
        PollState::Met { detail } => format!("yes: {detail}"),
        PollState::Dead { detail } => format!("it can't become so any more: {detail}"),
        PollState::Trouble { detail } => format!("asking failed {} times: {detail}", poll.errors),
    }
}
