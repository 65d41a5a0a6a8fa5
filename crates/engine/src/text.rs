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

/// The longest description of an effect, bytes.
const WIDTH: usize = 400;

/// Input as a person reads it: text as it is with control characters escaped, Enter as `⏎`, keys as `<C-c>`.
pub fn describe_steps(steps: &[KeyStep]) -> String {
    let mut words: Vec<String> = Vec::new();
    for step in steps {
        match step {
            KeyStep::Text(text) => words.push(visible(text)),
            KeyStep::Key(key) if key == "Enter" => words.push("⏎".to_owned()),
            KeyStep::Key(key) => words.push(format!("<{}>", visible(key))),
        }
    }
    cut(&words.join(" "), WIDTH)
}

/// Text in which every control character is an escape.
pub fn visible(text: &str) -> String {
    text.chars().flat_map(|c| if c.is_control() { c.escape_debug().collect() } else { vec![c] }).collect()
}

/// The part of an untrusted text that may be typed as one line: what stands before the first control character.
pub fn one_line(text: &str) -> String {
    text.trim().split(char::is_control).next().unwrap_or_default().trim().to_owned()
}

/// An effect in one line.
pub fn describe_effect(effect: &Effect) -> String {
    match effect {
        Effect::Send(send) => describe_steps(&send.steps),
        Effect::Prompt(prompt) => describe_prompt(&prompt.text),
        Effect::Answer(answer) => format!("`{}`", cut(&visible(&answer.label), WIDTH)),
        Effect::Shell(call) => format!("shell: {}", cut(&visible(&call.script.shown), WIDTH)),
        Effect::Poll(PollSpec::GithubRun(run) | PollSpec::GitlabPipeline(run) | PollSpec::GiteaRun(run)) => {
            let which = run.workflow.as_ref().or(run.commit.as_ref()).or(run.reference.as_ref());
            format!("poll {} of {}", which.map_or("*", String::as_str), run.repository)
        }
        Effect::Poll(PollSpec::Http { url, .. }) => format!("poll {url}"),
        Effect::Poll(PollSpec::Command { call }) => format!("poll: {}", cut(&visible(&call.script.shown), WIDTH)),
        Effect::Alert(alert) => format!("alert: {}", visible(&alert.title)),
    }
}

/// The same without secrets. What is cut is cleaned before: half a secret is not known as one.
pub fn describe_cleaned(effect: &Effect, cleaner: &Cleaner) -> String {
    match effect {
        Effect::Shell(call) => format!("shell: {}", cut(&visible(&cleaner.clean(&call.script.shown)), WIDTH)),
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

/// An intent in one line. A tracked command is told as its author wrote it, without the report around it.
pub fn describe_intent(state: &State, row: &IntentRow) -> String {
    let written = match &row.purpose {
        Purpose::Plan { .. } => match action_of(state, row) {
            Some(Planned::Run { command }) => Some(format!("{} ⏎", cut(&visible(&command.shown), WIDTH))),
            Some(Planned::Send { shown: Some(shown), .. }) => Some(describe_steps(shown)),
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
    written.unwrap_or_else(|| describe_effect(&row.intent.effect))
}

fn describe_prompt(text: &str) -> String {
    let lines = text.lines().count();
    let first = visible(text.lines().next().unwrap_or_default());
    if lines > 1 {
        format!("prompt: {} … ({lines} lines) ⏎", cut(&first, WIDTH))
    } else {
        format!("prompt: {} ⏎", cut(&first, WIDTH))
    }
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

/// A plan in one line.
pub fn describe_plan(plan: &[Planned]) -> String {
    let words: Vec<String> = plan
        .iter()
        .filter(|action| !matches!(action, Planned::Skipped { .. }))
        .map(|action| match action {
            Planned::Send { steps, shown, .. } => describe_steps(shown.as_ref().unwrap_or(steps)),
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
                format!("if {}: {}", visible(words), describe_plan(std::slice::from_ref(then)))
            }
            Planned::Later { .. } => "what the command's output says".to_owned(),
        })
        .collect();
    cut(&words.join(", then "), WIDTH)
}
