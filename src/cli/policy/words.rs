//! `tmuxagent policy words`: the words by which `looks_like` goes.

use super::super::{CliError, Outcome, Session, Tone, exit};
use clap::Args;
use serde_json::{Map, Value, json};
use std::path::PathBuf;
use tmuxagent_policy::{ToolWords, Words};
use tmuxagent_text::clean;

#[derive(Debug, Args)]
pub(in crate::cli) struct WordsArgs {
    /// Only those of this tool
    #[arg(long, value_name = "TOOL")]
    tool: Option<String>,
    /// Files and folders whose `words` count; those that would be used when left out
    files: Vec<PathBuf>,
}

/// Runs it.
pub(super) fn run(session: &Session, args: &WordsArgs) -> Outcome {
    let policy = super::load(&super::sources(session, &args.files)?)?;
    let known = |tool: &str| args.tool.as_deref().is_none_or(|wanted| wanted == tool);
    let shown: Words = policy
        .words
        .iter()
        .filter(|(tool, _)| known(tool))
        .map(|(tool, words)| (tool.clone(), words.clone()))
        .collect();
    if let Some(tool) = args.tool.as_ref().filter(|_| shown.is_empty()) {
        let all = policy.words.keys().cloned().collect::<Vec<_>>().join(", ");
        return Err(CliError::user(
            format!("there are no words of a tool `{tool}`"),
            format!("there are those of {all}"),
        ));
    }
    let out = &session.out;
    if out.json {
        let lists = |words: &ToolWords| json!({ "error": words.error, "success": words.success, "not": words.not });
        let tools: Map<String, Value> = shown.iter().map(|(tool, words)| (tool.clone(), lists(words))).collect();
        out.json(&tools)?;
        return Ok(exit::OK);
    }
    for (tool, words) in &shown {
        out.line(&out.paint(Tone::Bold, &clean(tool)))?;
        for (key, list) in [("error", &words.error), ("success", &words.success), ("not", &words.not)] {
            if !list.is_empty() {
                let list: Vec<String> = list.iter().map(|word| clean(word)).collect();
                out.line(&format!("  {key}: {}", list.join(", ")))?;
            }
        }
    }
    Ok(exit::OK)
}
