//! `tmuxagent agent prompt`: what an agent has to know to report, for the file of its own instructions.

use super::super::{Outcome, Session, exit};
use clap::Args;
use tmuxagent_text::Lang;

/// To be put into AGENTS.md, CLAUDE.md or what else an agent reads at its start.
#[derive(Debug, Args)]
pub(in crate::cli) struct PromptArgs {}

/// Prints it in the reader's language.
pub(super) fn run(session: &Session) -> Outcome {
    session.out.raw(match session.out.lang {
        Lang::En => include_str!("../../../assets/agent-prompt.en.md"),
        Lang::Zh => include_str!("../../../assets/agent-prompt.zh.md"),
    })?;
    Ok(exit::OK)
}
