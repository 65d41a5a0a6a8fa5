//! `tmuxagent shell-init`: shell integration, for the file that a shell reads at its start.

use super::{Outcome, Session, exit};
use clap::{Args, ValueEnum};

#[derive(Debug, Args)]
pub(super) struct ShellInitArgs {
    /// The shell
    shell: InitShell,
}

/// A shell for which there are lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum InitShell {
    /// bash 4.4 or newer: prompt, begin, end and exit code
    Bash,
    /// zsh: prompt, begin, end and exit code
    Zsh,
    /// fish: prompt, begin, end and exit code
    Fish,
    /// dash, ash and ksh: the prompt only
    Sh,
}

impl InitShell {
    const fn lines(self) -> &'static str {
        match self {
            Self::Bash => include_str!("../../assets/shell/bash.sh"),
            Self::Zsh => include_str!("../../assets/shell/zsh.sh"),
            Self::Fish => include_str!("../../assets/shell/fish.fish"),
            Self::Sh => include_str!("../../assets/shell/sh.sh"),
        }
    }
}

/// Prints the lines; they say themselves where they belong.
pub(super) fn run(session: &Session, args: &ShellInitArgs) -> Outcome {
    session.out.raw(args.shell.lines())?;
    Ok(exit::OK)
}
