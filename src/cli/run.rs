//! `tmuxagent run`: a command that reports for itself.

use super::{CliError, Outcome, Session};
use crate::ipc::lock::socket_path;
use crate::wrapper::{self, Told, Wrapped, sentry_line};
use clap::Args;
use std::ffi::OsString;
use std::io::Write as _;

#[derive(Debug, Args)]
pub(super) struct RunArgs {
    /// The stage that this command is a report for
    #[arg(long, value_name = "NAME")]
    stage: Option<String>,
    /// Print a function for sh, bash and zsh that reports the same on machines without this program
    #[arg(long, conflicts_with_all = ["stage", "command"])]
    shell_function: bool,
    /// The command and its arguments
    #[arg(
        required_unless_present = "shell_function",
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_name = "COMMAND"
    )]
    command: Vec<OsString>,
}

const SHELL_FUNCTION: &str = include_str!("../../assets/tmuxagent-run.sh");

/// Runs the command; the exit code is its own.
pub(super) fn run(session: &Session, args: RunArgs) -> Outcome {
    if args.shell_function {
        session.out.raw(SHELL_FUNCTION)?;
        return Ok(super::exit::OK);
    }
    let inside = |name: &str| session.environment.non_empty(name).map(str::to_owned);
    let wrapped = Wrapped {
        command: args.command,
        stage: args.stage,
        socket: socket_path(&session.paths()?.runtime_dir),
        pane: inside("TMUX_PANE"),
        tmux_socket: inside("TMUX").and_then(|value| value.split(',').next().map(str::to_owned)),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(CliError::internal)?;
    let ended = runtime.block_on(wrapper::run(&wrapped)).map_err(CliError::internal)?;
    if ended.told == Told::Nobody {
        let mut out = std::io::stdout().lock();
        // The reader of a pipe may have gone; the exit code still tells.
        let _ = writeln!(out, "{}", sentry_line(&wrapped, ended.code, ended.took));
    }
    if matches!(ended.code, 126 | 127) {
        let name = wrapped.command.first().map(|word| word.to_string_lossy().into_owned()).unwrap_or_default();
        session.out.warn(&format!("{name}: the command can't be run (exit code {})", ended.code));
    }
    Ok(ended.code)
}
