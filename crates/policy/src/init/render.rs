//! Plans → the text of a policy file.
//!
//! Each stage stands between two marks. The first carries a sum of what is between them, by which a later run knows
//! whether a hand has been there.

use super::ProjectFacts;
use super::step::{Phase, Plan, Step};
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;

/// How the first mark of a stage begins.
pub(super) const BEGIN: &str = "# init: ";
/// The mark after a stage.
pub(super) const END: &str = "# init end";
/// How the mark begins that lists all stages that were ever written for a pipeline.
pub(super) const KNOWN: &str = "# init knows ";
/// What begins a pipeline beside a person.
pub(super) const AGENTS_WORD: &str = "{message: {type: STATUS, stage: code, ok: true}}";
/// The indent of stages.
pub(super) const INDENT: &str = "      ";

/// The whole file.
pub(super) fn file(facts: &ProjectFacts, plans: &[Plan]) -> String {
    let mut text = format!(
        "# Made by `tmuxagent policy init` from what is in {name}.
#
# Change what you like. `tmuxagent policy init --update` adds what it finds anew and takes out what is gone, but leaves
# alone what you changed, and does not bring back what you deleted. It knows its own stages by the lines \"# init\".
version: 1

principles:
  - Automate the routine; ask a human before anything leaves the machine.

defaults:
  timeout: 30m

pipelines:
",
        name = super::step::one_line(&facts.name)
    );
    for plan in plans {
        text.push_str(&pipeline(plan));
    }
    text
}

/// One pipeline with all its stages.
pub(super) fn pipeline(plan: &Plan) -> String {
    let name = scalar(&plan.name);
    let listens = scalar(&format!("{}-agent", plan.name));
    let mut text = format!(
        "  - name: {listens}
    # An agent's word starts the checks in a pane beside it: a shell in the same window.
    match: {{window_name: {name}, agent: '?*'}}
    stages:
      - name: listen
        triggers: [{AGENTS_WORD}]
        actions_on_start: [{{start_pipeline: {{pipeline: {name}, where: beside}}}}]
  - name: {name}
    # The panes of a window of this name, but those in which an agent reads the keys
    match: {{window_name: {name}, not: {{agent: '?*'}}}}
    stages:
{known}
",
        known = known(plan, &plan.steps.iter().map(|step| step.name.as_str()).collect::<Vec<_>>()),
    );
    for (index, step) in plan.steps.iter().enumerate() {
        text.push_str(&marked(step, &before(&plan.steps[..index])));
    }
    text
}

/// The line that remembers all stages ever written for a pipeline.
pub(super) fn known(plan: &Plan, names: &[&str]) -> String {
    format!("{INDENT}{KNOWN}{}: {}", plan.name, names.join(" "))
}

/// What starts a stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Start<'a> {
    /// The first one: an agent's word, or a person.
    First,
    /// After another stage.
    After(&'a str),
    /// Only a person: another stage that leaves the machine follows the checks already.
    ByHand,
}

/// What starts the step that follows these.
pub(super) fn before<'a>(steps: &'a [Step]) -> impl Fn(&Step) -> Start<'a> + 'a {
    move |step: &Step| {
        let checks = steps.iter().rev().find(|earlier| earlier.phase != Phase::Leave);
        let another = steps.iter().any(|earlier| earlier.phase == Phase::Leave);
        match checks {
            _ if step.phase == Phase::Leave && another => Start::ByHand,
            Some(last) => Start::After(&last.name),
            None => Start::First,
        }
    }
}

/// A stage between its marks.
pub(super) fn marked<'a>(step: &Step, start: &dyn Fn(&Step) -> Start<'a>) -> String {
    let body = stage(step, &start(step));
    format!("{INDENT}{BEGIN}{} {}\n{body}{INDENT}{END}\n", step.name, sum(&body))
}

/// The sum by which a stage is known to be untouched; space at the ends of lines does not count.
pub(super) fn sum(body: &str) -> String {
    let plain: Vec<&str> = body.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
    let digest = Sha256::digest(plain.join("\n").as_bytes());
    digest.iter().take(4).fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn stage(step: &Step, start: &Start) -> String {
    let mut lines = vec![format!("# {}", step.from), format!("- name: {}", scalar(&step.name))];
    lines.push(match start {
        Start::First => format!("  triggers: [{AGENTS_WORD}, manual]"),
        Start::After(name) => format!("  triggers: [{{after_stage_success: {}}}]", scalar(name)),
        Start::ByHand => "  triggers: [manual]".to_owned(),
    });
    if let Some(question) = &step.question {
        lines.push(format!("  require_approval: {{question: {}, expires: 12h}}", template(question)));
    }
    if step.phase == Phase::Leave {
        lines.push("  lock: leave-the-machine".to_owned());
    }
    lines.push(format!("  actions_on_start: [{{run: {}}}]", template(&step.command)));
    if let Some(workflow) = &step.workflow {
        // Started is not deployed: the stage ends with the workflow.
        let base = workflow.base_url.as_ref().map(|url| format!(", base_url: {}", scalar(url))).unwrap_or_default();
        lines.push("  success_when:".to_owned());
        lines.push(format!(
            "    - poll: {{github_run: {{repository: {}, workflow: {}, ref: {}{base}}}, interval: 15s, deadline: 1h}}",
            scalar(&workflow.repository),
            scalar(&workflow.file),
            template(&workflow.branch)
        ));
        lines.push("  timeout: 70m".to_owned());
    }
    lines.push(match step.phase {
        Phase::Leave => format!("  on_fail: [{{escalate: {}}}]", scalar(&format!("{}_failed", step.name))),
        Phase::Test | Phase::EndToEnd => "  on_fail: [{retry: 1}, {if_still_fail: [ask_human]}]".to_owned(),
        Phase::Format | Phase::Lint | Phase::Types | Phase::Build => "  on_fail: [ask_human]".to_owned(),
    });
    lines.iter().map(|line| format!("{INDENT}{line}\n")).collect()
}

/// A text of ours in which braces have no meaning.
fn template(text: &str) -> String {
    scalar(&text.replace("{{", "\\{{"))
}

/// A YAML scalar that is read as this text, also between braces.
pub(super) fn scalar(text: &str) -> String {
    let starts = text.starts_with(|c: char| c.is_ascii_alphabetic());
    let plain = text.chars().all(|c| c.is_alphanumeric() || " ._/-".contains(c)) && text.trim() == text;
    let word = matches!(text.to_ascii_lowercase().as_str(), "true" | "false" | "null" | "yes" | "no" | "on" | "off");
    if starts && plain && !word { text.to_owned() } else { tmuxagent_yaml::quoted(&super::step::one_line(text)) }
}
