//! `tmuxagent run`: a command that reports for itself.

use super::{CliError, Outcome, Session};
use crate::wrapper::{self, Place, Told, Wrapped, lead_on, sentry_line};
use clap::Args;
use std::ffi::OsString;
use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;
use tmuxagent_ipc::lock::socket_path;

#[derive(Debug, Args)]
pub(super) struct RunArgs {
    /// The stage that this command is a report for
    #[arg(long, value_name = "NAME")]
    stage: Option<String>,
    /// Give the command a terminal of its own: under cron, in a pipe or over ssh without -t it would have none
    #[arg(long)]
    pty: bool,
    /// Lead the command's session on this terminal: the second half of `--pty`
    #[arg(long, hide = true, value_name = "PATH")]
    on_terminal: Option<PathBuf>,
    /// Print a function for sh, bash and zsh that reports the same on machines without this program
    #[arg(long, conflicts_with_all = ["stage", "command", "pty"])]
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
    if let Some(terminal) = &args.on_terminal {
        let runtime = runtime()?;
        let error = match runtime.block_on(lead_on(terminal, &args.command)) {
            Ok(code) => return Ok(code),
            Err(error) => error,
        };
        let name = args.command.first().map(|word| word.to_string_lossy().into_owned()).unwrap_or_default();
        session.out.warn(&format!("{name}: the command can't be run: {error}"));
        return Ok(if error.kind() == std::io::ErrorKind::NotFound { 127 } else { 126 });
    }
    let inside = |name: &str| session.environment.non_empty(name).map(str::to_owned);
    let wrapped = Wrapped {
        command: args.command,
        terminal: if args.pty { Place::Made } else { Place::Here },
        stage: args.stage,
        socket: socket_path(&session.paths()?.runtime_dir),
        pane: inside("TMUX_PANE"),
        tmux_socket: inside("TMUX").and_then(|value| value.split(',').next().map(str::to_owned)),
    };
    let ended = runtime()?.block_on(wrapper::run(&wrapped)).map_err(CliError::internal)?;
    if ended.told == Told::Nobody {
        let line = sentry_line(&wrapped, ended.code, ended.took);
        // It is for whoever watches the pane, not for a file or pipe that the command writes to.
        let terminal = std::fs::OpenOptions::new().write(true).open("/dev/tty");
        // The reader of a pipe may have gone; the exit code still tells.
        let _ = match terminal {
            Ok(mut terminal) if !std::io::stdout().is_terminal() => writeln!(terminal, "{line}"),
            Ok(_) | Err(_) => writeln!(std::io::stdout().lock(), "{line}"),
        };
    }
    if matches!(ended.code, 126 | 127) && wrapped.terminal == Place::Here {
        let name = wrapped.command.first().map(|word| word.to_string_lossy().into_owned()).unwrap_or_default();
        session.out.warn(&format!("{name}: the command can't be run (exit code {})", ended.code));
    }
    Ok(ended.code)
}

fn runtime() -> Result<tokio::runtime::Runtime, CliError> {
    tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(CliError::internal)
}
