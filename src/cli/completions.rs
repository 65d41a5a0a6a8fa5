//! `tmuxagent completions`.

use super::{CliError, Outcome, Session, exit};
use clap::Args;
use clap_complete::Shell;

#[derive(Debug, Args)]
pub(super) struct CompletionsArgs {
    /// The shell
    shell: Shell,
}

/// Prints a completion script.
pub(super) fn run(session: &Session, args: &CompletionsArgs) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut super::definition(), "tmuxagent", &mut script);
    session.out.raw(&String::from_utf8(script).map_err(CliError::internal)?)?;
    Ok(exit::OK)
}
