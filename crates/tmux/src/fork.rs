//! One command as a child process, with a time limit. Only for what the channel can't do: finding out whether a
//! server is there, ending stuck clients, and polling.

use std::process::Stdio;
use std::time::Duration;
use tokio::process::Command;

/// How long a forked command may take: a hanging server (versions that don't fit, a stuck client) must not hold us up.
const LIMIT: Duration = Duration::from_secs(15);

/// What a command printed.
#[derive(Debug)]
pub(super) struct Printed {
    /// Its exit code; `None` after a signal.
    pub code: Option<i32>,
    /// Whether that is 0.
    pub success: bool,
    /// Its standard output.
    pub output: Vec<u8>,
    /// Its standard error, trimmed.
    pub error: String,
}

/// Runs `words` to the end.
pub(super) async fn run(words: &[String]) -> Result<Printed, String> {
    let Some(mut command) = command(words) else { return Err("no command".to_owned()) };
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let name = words.first().map_or("", String::as_str);
    match tokio::time::timeout(LIMIT, command.output()).await {
        Err(_) => Err(format!("`{name}` gave no answer within {} s", LIMIT.as_secs())),
        Ok(Err(error)) if error.kind() == std::io::ErrorKind::NotFound => {
            Err(format!("the program `{name}` is missing; `tmuxagent doctor` tells how to install it"))
        }
        Ok(Err(error)) => Err(format!("`{name}` can't be run: {error}")),
        Ok(Ok(output)) => Ok(Printed {
            code: output.status.code(),
            success: output.status.success(),
            output: output.stdout,
            error: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        }),
    }
}

/// A command for `words`, without the variables that would make tmux think it runs inside itself.
pub(super) fn command(words: &[String]) -> Option<Command> {
    let (program, arguments) = words.split_first()?;
    let mut command = Command::new(program);
    command.args(arguments).env_remove("TMUX").env_remove("TMUX_PANE");
    Some(command)
}
