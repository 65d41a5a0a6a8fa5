//! Effects and plans in words, for people.

use super::progress::cut;
use super::state::{IntentRow, Planned, Purpose, State};
use std::fmt;
use std::sync::Arc;
use tmuxagent_model::{Effect, KeyStep, PollSpec, ShellText};

/// Takes secrets out of words that are kept as evidence or told. A pure function, so that a replay with the same one gives
/// the same; the default changes nothing.
#[derive(Clone, Default)]
pub struct Cleaner(Option<Arc<Clean>>);

/// A text without what must not be shown.
type Clean = dyn Fn(&str) -> String + Send + Sync;

impl Cleaner {
    /// Cleans by this function.
    pub fn new(clean: impl Fn(&str) -> String + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(clean)))
    }

    /// What a person is asked, without secrets, and with names for what can't be seen: who says yes has read it all.
    #[must_use]
    pub fn question(&self, words: &str) -> String {
        tmuxagent_text::hidden_named(&self.clean(words))
    }

    /// The words without secrets.
    #[must_use]
    pub fn clean(&self, words: &str) -> String {
        self.0.as_ref().map_or_else(|| words.to_owned(), |clean| clean(words))
    }
}

impl fmt::Debug for Cleaner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Cleaner(…)" } else { "Cleaner" })
    }
}

/// The longest description of an effect, bytes. What a person is asked about is told whole.
const WIDTH: usize = 400;

/// Words as they stand in an event, in a cause, or beside a state: they only remind of what was decided elsewhere.
pub fn in_brief(words: &str) -> String {
    cut(words, WIDTH)
}

/// Input as a person reads it, in brief.
pub fn describe_steps(steps: &[KeyStep]) -> String {
    in_brief(&steps_in_words(steps))
}

/// Input as a person reads it, whole: text as it is with control characters escaped, Enter as `⏎`, keys as `<C-c>`.
pub fn steps_in_words(steps: &[KeyStep]) -> String {
    let mut words: Vec<String> = Vec::new();
    for step in steps {
        match step {
            KeyStep::Text(text) => words.push(visible(text)),
            KeyStep::Key(key) if key == "Enter" => words.push("⏎".to_owned()),
            KeyStep::Key(key) => words.push(format!("<{}>", visible(key))),
        }
    }
    words.join(" ")
}

/// Text in which every control character is an escape.
pub fn visible(text: &str) -> String {
    text.chars().flat_map(|c| if c.is_control() { c.escape_debug().collect() } else { vec![c] }).collect()
}

/// The part of an untrusted text that may be typed as one line: what stands before the first control character.
pub fn one_line(text: &str) -> String {
    text.trim().split(char::is_control).next().unwrap_or_default().trim().to_owned()
}

/// An effect in one line, in brief.
pub fn describe_effect(effect: &Effect) -> String {
    in_brief(&effect_in_words(effect))
}

fn effect_in_words(effect: &Effect) -> String {
    match effect {
        Effect::Send(send) => steps_in_words(&send.steps),
        Effect::Prompt(prompt) => describe_prompt(&prompt.text),
        Effect::Answer(answer) => format!("`{}`", in_brief(&visible(&answer.label))),
        Effect::Shell(call) => format!("shell: {}", visible(&call.script.shown)),
        Effect::Poll(PollSpec::GithubRun(run) | PollSpec::GitlabPipeline(run) | PollSpec::GiteaRun(run)) => {
            let which = run.workflow.as_ref().or(run.commit.as_ref()).or(run.reference.as_ref());
            format!("poll {} of {}", which.map_or("*", String::as_str), run.repository)
        }
        Effect::Poll(PollSpec::Http { url, .. }) => format!("poll {url}"),
        Effect::Poll(PollSpec::Command { call }) => format!("poll: {}", visible(&call.script.shown)),
        Effect::Alert(alert) => format!("alert: {}", visible(&alert.title)),
    }
}

/// The same without secrets. What is cut is cleaned before: half a secret is not known as one.
pub fn describe_cleaned(effect: &Effect, cleaner: &Cleaner) -> String {
    match effect {
        Effect::Shell(call) => in_brief(&format!("shell: {}", visible(&cleaner.clean(&call.script.shown)))),
        Effect::Send(_) | Effect::Prompt(_) | Effect::Answer(_) | Effect::Poll(_) | Effect::Alert(_) => {
            cleaner.clean(&describe_effect(effect))
        }
    }
}

/// What `send_keys` typed, letter by letter, where that is not how people read it before. Where it holds a secret, whose
/// escapes nobody would know again, it stays as people read it.
pub fn typed_keys(state: &State, row: &IntentRow, cleaner: &Cleaner) -> Option<String> {
    let (Effect::Send(send), Planned::Send { shown: Some(shown), .. }) = (&row.intent.effect, action_of(state, row)?)
    else {
        return None;
    };
    let read = describe_steps(shown);
    (cleaner.clean(&read) == read).then(|| describe_steps(&send.steps))
}

/// The action that an intent performs for its stage.
fn action_of<'s>(state: &'s State, row: &IntentRow) -> Option<&'s Planned> {
    let Purpose::Plan { run, stage, attempt } = &row.purpose else { return None };
    let stage = state.runs.get(run)?.stages.iter().find(|s| s.name == *stage && s.attempt == *attempt)?;
    stage.plan.get(stage.cursor as usize)
}

/// An intent in one line, in brief.
pub fn describe_intent(state: &State, row: &IntentRow) -> String {
    in_brief(&intent_in_words(state, row))
}

/// An intent in one line. A tracked command is told as its author wrote it, without the report around it.
pub fn intent_in_words(state: &State, row: &IntentRow) -> String {
    let written = match &row.purpose {
        Purpose::Plan { .. } => match action_of(state, row) {
            Some(Planned::Run { command }) => Some(format!("{} ⏎", visible(&command.shown))),
            Some(Planned::Send { shown: Some(shown), .. }) => Some(steps_in_words(shown)),
            _ => None,
        },
        Purpose::After { .. }
        | Purpose::Look { .. }
        | Purpose::Stop { .. }
        | Purpose::Poll { .. }
        | Purpose::TriggerPoll { .. }
        | Purpose::File { .. }
        | Purpose::MakePane { .. }
        | Purpose::ClosePane { .. }
        | Purpose::Alert
        | Purpose::Hand
        | Purpose::Reply { .. } => None,
    };
    written.unwrap_or_else(|| effect_in_words(&row.intent.effect))
}

fn describe_prompt(text: &str) -> String {
    let lines = text.lines().count();
    let first = visible(text.lines().next().unwrap_or_default());
    if lines > 1 { format!("prompt: {first} … ({lines} lines) ⏎") } else { format!("prompt: {first} ⏎") }
}

/// The input that a plan types into its pane, in order, as people read it. A tracked command stands here as the policy's
/// author wrote it, with its values quoted in their places; what is typed has them in variables before it, and the
/// report of its exit code around it.
pub fn plan_keys(plan: &[Planned]) -> Vec<KeyStep> {
    let mut keys = Vec::new();
    for action in plan {
        match action {
            Planned::Send { steps, shown, .. } => keys.extend(shown.as_ref().unwrap_or(steps).iter().cloned()),
            Planned::Run { command: ShellText { shown: text, .. } } | Planned::Prompt { text, .. } => {
                keys.extend([KeyStep::Text(text.clone()), KeyStep::Key("Enter".to_owned())]);
            }
            Planned::Shell { .. }
            | Planned::Notify { .. }
            | Planned::Set { .. }
            | Planned::StartPipeline { .. }
            | Planned::Skipped { .. }
            | Planned::Later { .. } => {}
            Planned::If { then, .. } => keys.extend(plan_keys(std::slice::from_ref(then))),
        }
    }
    keys
}

/// A plan in one line, in brief.
pub fn describe_plan(plan: &[Planned]) -> String {
    in_brief(&plan_in_words(plan))
}

/// A plan in one line, whole.
pub fn plan_in_words(plan: &[Planned]) -> String {
    let words: Vec<String> = plan
        .iter()
        .filter(|action| !matches!(action, Planned::Skipped { .. }))
        .map(|action| match action {
            Planned::Send { steps, shown, .. } => steps_in_words(shown.as_ref().unwrap_or(steps)),
            Planned::Run { command } => format!("{} ⏎", visible(&command.shown)),
            Planned::Prompt { text, .. } => describe_prompt(text),
            Planned::Shell { script, .. } => format!("shell: {}", visible(&script.shown)),
            Planned::Notify { text, .. } => format!("notify: {}", visible(text)),
            Planned::Set { name, value } => format!("set {name} = {}", visible(value)),
            Planned::StartPipeline { pipeline, given, .. } if given.is_empty() => format!("start pipeline {pipeline}"),
            Planned::StartPipeline { pipeline, given, .. } => {
                let given: Vec<String> =
                    given.iter().map(|(name, value)| format!("{name}={}", visible(value))).collect();
                format!("start pipeline {pipeline} with {}", given.join(", "))
            }
            Planned::Skipped { what, .. } => what.clone(),
            Planned::If { words, then, .. } => {
                format!("if {}: {}", visible(words), plan_in_words(std::slice::from_ref(then)))
            }
            Planned::Later { .. } => "what the command's output says".to_owned(),
        })
        .collect();
    words.join(", then ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_about_is_told_whole_and_only_what_reminds_of_it_in_brief() {
        let line = format!("echo {}", "file.tar.gz ".repeat(160).trim_end());
        let steps = [KeyStep::Text(line.clone()), KeyStep::Key("Enter".to_owned())];
        assert_eq!(steps_in_words(&steps), format!("{line} ⏎"));
        let plan = [Planned::Set { name: "all".to_owned(), value: line.clone() }];
        assert_eq!(plan_in_words(&plan), format!("set all = {line}"));
        assert!(describe_steps(&steps).len() <= WIDTH + "…".len() && describe_plan(&plan).ends_with('…'));
    }
}
