//! `tmuxagent auto-answer rule`: a decision as a rule of a policy.

use super::super::{CliError, Outcome, Session, exit};
use super::past::approval;
use clap::Args;
use serde_json::json;
use tmuxagent_model::ApprovalKind;
use tmuxagent_text::clean;

#[derive(Debug, Args)]
pub(in crate::cli) struct RuleArgs {
    /// The approval's identity or a unique beginning of it
    id: String,
}

/// Prints the rule.
pub(super) fn run(session: &Session, args: &RuleArgs) -> Outcome {
    let (approval, folder) = approval(session, &args.id)?;
    let ApprovalKind::Dialog { agent, lease } = &approval.kind else {
        return Err(CliError::user("it was not asked by an agent's dialog", "rules answer dialogs of agents alone"));
    };
    if lease.class.is_empty() {
        let why = if lease.refused.is_empty() { "nothing is known of its command" } else { &lease.refused };
        return Err(CliError::user(
            format!("no rule is made of this: {why}"),
            "write the rule by hand where it is safe",
        ));
    }
    let out = &session.out;
    if out.json {
        let rule = json!({ "name": name(&lease.class), "agents": [agent], "commands": lease.class, "folder": folder });
        out.json(&json!({ "auto_answers": [rule] }))?;
        return Ok(exit::OK);
    }
    let commands: Vec<String> = lease.class.iter().map(|pattern| scalar(pattern)).collect();
    let mut text = format!(
        "auto_answers:\n  - name: {}\n    agents: [{}]\n    commands: [{}]\n",
        scalar(&name(&lease.class)),
        scalar(agent),
        commands.join(", ")
    );
    if let Some(folder) = &folder {
        text.push_str(&format!("    folder: {}\n", scalar(folder)));
    }
    out.raw(&text)?;
    Ok(exit::OK)
}

/// A name of what is allowed: `cargo-test`.
fn name(class: &[String]) -> String {
    let first = class.first().map_or("", String::as_str);
    let words = first.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("-")
}

/// A text of YAML, in single quotes.
fn scalar(text: &str) -> String {
    format!("'{}'", clean(text).replace('\'', "''"))
}
