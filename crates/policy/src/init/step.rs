//! What was found to run, before it is a stage.

use crate::lint::danger;
use tmuxagent_text::plain::cut_chars;

/// The stages of one pipeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Plan {
    /// The pipeline's name.
    pub name: String,
    /// In the order in which they run.
    pub steps: Vec<Step>,
}

/// The place of a step in a pipeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    Format,
    Lint,
    Types,
    Test,
    EndToEnd,
    Build,
    /// What reaches beyond the machine.
    Leave,
}

/// A command that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Step {
    /// The stage's name.
    pub name: String,
    pub phase: Phase,
    /// The command line.
    pub command: String,
    /// Where it was found, one line.
    pub from: String,
    /// What the human is asked before it.
    pub question: Option<String>,
    /// The workflow run that has to end well before the step has.
    pub workflow: Option<Workflow>,
}

/// A workflow run to wait for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Workflow {
    pub repository: String,
    pub file: String,
    pub branch: String,
    /// For GitHub Enterprise.
    pub base_url: Option<String>,
}

impl Step {
    /// A step; whatever leaves the machine or looks dangerous asks first.
    pub(crate) fn new(name: &str, phase: Phase, command: impl Into<String>, from: impl Into<String>) -> Self {
        let command = command.into();
        Self { name: slug(name), phase, from: one_line(&from.into()), question: None, workflow: None, command }.asking()
    }

    /// The same, with what stands behind the command (a script's own text) looked at too.
    pub(crate) fn behind(name: &str, phase: Phase, command: String, from: String, text: &str) -> Self {
        let mut step = Self::new(name, phase, command, from);
        if step.question.is_none() && danger::of(text).is_some() {
            step.question = Some(question(&step.command));
        }
        step
    }

    fn asking(mut self) -> Self {
        if self.phase == Phase::Leave || danger::of(&self.command).is_some() {
            self.question = Some(question(&self.command));
        }
        self
    }
}

fn question(command: &str) -> String {
    format!("Run `{}`?", one_line(command))
}

/// What the name of a script or target says about it; `None` for what is not run in a pipeline.
pub(super) fn phase_of(name: &str) -> Option<Phase> {
    let name = name.to_ascii_lowercase();
    let words: Vec<&str> = name.split([':', '-', '_', '.', '/']).collect();
    let first = *words.first()?;
    let has = |word: &str| words.contains(&word);
    // Servers and watchers never end; hooks run by themselves; fixers change files.
    if [
        "watch", "dev", "serve", "start", "preview", "fix", "write", "update", "install", "clean", "help", "ui",
        "debug",
    ]
    .iter()
    .any(|word| has(word))
    {
        return None;
    }
    match first {
        "deploy" | "publish" | "release" | "ship" | "upload" | "rollout" => Some(Phase::Leave),
        "format" | "fmt" | "prettier" if has("check") => Some(Phase::Format),
        "check" if has("format") || has("fmt") => Some(Phase::Format),
        "lint" | "eslint" | "clippy" | "vet" | "ruff" => Some(Phase::Lint),
        "typecheck" | "tsc" | "types" | "mypy" => Some(Phase::Types),
        "type" | "check" if has("check") && (has("type") || has("types")) => Some(Phase::Types),
        "e2e" => Some(Phase::EndToEnd),
        "test" | "tests" if has("e2e") || has("integration") => Some(Phase::EndToEnd),
        "test" | "tests" | "unittest" | "pytest" => Some(Phase::Test),
        "build" | "compile" | "dist" | "package" => Some(Phase::Build),
        "check" | "verify" if words.len() == 1 => Some(Phase::Lint),
        _ => None,
    }
}

/// Puts steps into their order, and gives each a name of its own.
pub(super) fn order(steps: &mut [Step]) {
    steps.sort_by_key(|step| step.phase);
    let mut seen: Vec<String> = Vec::new();
    for step in steps.iter_mut() {
        let base = step.name.clone();
        let mut count = 1;
        while seen.contains(&step.name) {
            count += 1;
            step.name = format!("{base}-{count}");
        }
        seen.push(step.name.clone());
    }
}

/// A text as the name of a stage, pipeline or window.
pub(super) fn slug(text: &str) -> String {
    let slug: String =
        text.trim().chars().take(60).map(|c| if c.is_alphanumeric() || ":-_.".contains(c) { c } else { '-' }).collect();
    let slug = slug.trim_matches(['-', '.']).to_owned();
    if slug.is_empty() { "project".to_owned() } else { slug }
}

/// A text on one line, without what acts on a terminal, and not too long for a comment.
pub(super) fn one_line(text: &str) -> String {
    cut_chars(&tmuxagent_text::plain::one_line(text), 160)
}

/// A word of a command line, quoted where a shell needs it.
pub(super) fn word(text: &str) -> String {
    let plain = !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "._/:@=+-".contains(c));
    if plain { text.to_owned() } else { tmuxagent_model::shell::quoted(&one_line(text)) }
}
