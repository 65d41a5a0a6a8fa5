//! `tmuxagent agent`: what the agents in panes are doing and why that is believed; their recognisers.

mod check;
mod explain;
mod list;
mod look;
mod prompt;
mod record;

use super::{CliError, Outcome, Session};
use clap::Subcommand;
use tmuxagent_agents::Known;

#[derive(Debug, Subcommand)]
pub(super) enum AgentCommand {
    /// Tell what the agent in a pane is doing, and on what evidence
    Explain(explain::ExplainArgs),
    /// List the agents that are recognised, and the files that say how
    List(list::ListArgs),
    /// Print what an agent has to know to report, for AGENTS.md or CLAUDE.md
    Prompt(prompt::PromptArgs),
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
        AgentCommand::Prompt(_) => prompt::run(session),
        AgentCommand::Record(args) => record::run(session, args),
        AgentCommand::Test(args) => check::run(session, args),
    }
}

/// The recognisers that come along and the user's own.
fn known(session: &Session) -> Result<Vec<Known>, CliError> {
    tmuxagent_supervisor::recognisers(&session.paths()?).map_err(CliError::User)
}
