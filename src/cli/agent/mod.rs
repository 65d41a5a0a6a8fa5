//! `tmuxagent agent`: what the agents in panes are doing and why that is believed; their recognisers.

mod check;
mod explain;
mod list;
mod look;
mod record;

use super::{CliError, Outcome, Session};
use clap::Subcommand;
use tmuxagent_agents::Known;
use tmuxagent_config::Problem;
use tmuxagent_yaml::Source;

#[derive(Debug, Subcommand)]
pub(super) enum AgentCommand {
    /// Tell what the agent in a pane is doing, and on what evidence
    Explain(explain::ExplainArgs),
    /// List the agents that are recognised, and the files that say how
    List(list::ListArgs),
    /// Save the screen of a pane without secrets, to test recognisers with it
    Record(record::RecordArgs),
    /// Read saved screens, and say where they are read wrong
    Test(check::TestArgs),
}

/// Runs one of them.
pub(super) fn run(session: &Session, command: &AgentCommand) -> Outcome {
    match command {
        AgentCommand::Explain(args) => explain::run(session, args),
        AgentCommand::List(args) => list::run(session, args),
        AgentCommand::Record(args) => record::run(session, args),
        AgentCommand::Test(args) => check::run(session, args),
    }
}

/// The recognisers that come along and the user's own, `agents/NAME.yaml` beside the configuration.
fn known(session: &Session) -> Result<Vec<Known>, CliError> {
    let folder = session.paths()?.agents();
    let listed = std::fs::read_dir(&folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut files: Vec<_> = listed.filter(|path| path.extension().is_some_and(|ending| ending == "yaml")).collect();
    files.sort();
    let mut sources = Vec::new();
    for file in &files {
        tmuxagent_config::trusted(file)?;
        let text = tmuxagent_config::read_text(file).map_err(|error| {
            let hint = "`tmuxagent agent list` shows which files are used";
            CliError::user(format!("the recogniser {} can't be read: {error}", file.display()), hint)
        })?;
        sources.push(Source::new(file.display().to_string(), text));
    }
    let all = tmuxagent_agents::known(&sources).map_err(|found| CliError::User(Problem::in_text(found)))?;
    for (file, known) in
        files.iter().filter_map(|file| Some((file, all.iter().find(|k| k.file == *file.display().to_string())?)))
    {
        // A file under another name would silently take that agent's place.
        let agent = &known.recogniser.agent;
        if file.file_stem().is_none_or(|stem| *stem != **agent) {
            let text = format!("the file of the agent `{agent}` must be named {agent}.yaml");
            return Err(CliError::user(text, "`tmuxagent agent list` shows which files are used"));
        }
    }
    Ok(all)
}
