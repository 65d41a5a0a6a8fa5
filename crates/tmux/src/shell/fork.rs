//! One command as a child process, with a time limit. Only for what the channel can't do: finding out whether a
//! server is there, ending stuck clients, and polling.

use crate::Transport;
use std::io;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::Command;

/// How long a forked command may take: a hanging server (versions that don't fit, a stuck client) must not hold us up.
const LIMIT: Duration = Duration::from_secs(15);
/// The most that a command may print, bytes; one that says more does not stop.
const MOST: u64 = 48 * 1024 * 1024;

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
    run_within(words, LIMIT).await
}

/// The same within another time.
pub(super) async fn run_within(words: &[String], limit: Duration) -> Result<Printed, String> {
    let Some(mut command) = command(words) else { return Err("no command".to_owned()) };
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let name = words.first().map_or("", String::as_str);
    match tokio::time::timeout(limit, output(&mut command)).await {
        Err(_) => Err(format!("`{name}` gave no answer within {} s", limit.as_secs())),
        Ok(Err(error)) if error.kind() == std::io::ErrorKind::NotFound => {
            Err(format!("the program `{name}` is missing; `tmuxagent doctor` tells how to install it"))
        }
        Ok(Err(error)) if error.kind() == io::ErrorKind::FileTooLarge => {
            Err("what should be its tmux answers without end".to_owned())
        }
        Ok(Err(error)) => Err(format!("`{name}` can't be run: {error}")),
        Ok(Ok((status, output, error))) => {
            let said = Transport::said(words, &output);
            if said.is_none() && status.code() != Some(255) {
                return Err("its login shell runs no commands; try it by hand: ssh HOST true".to_owned());
            }
            Ok(Printed {
                code: status.code(),
                success: status.success(),
                output: said.unwrap_or_default().to_vec(),
                error: String::from_utf8_lossy(&error).trim().to_owned(),
            })
        }
    }
}

/// Runs a command to its end; it is killed where that does not come.
async fn output(command: &mut Command) -> io::Result<(ExitStatus, Vec<u8>, Vec<u8>)> {
    let mut child = command.spawn()?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let (output, error) = tokio::try_join!(all_of(stdout), all_of(stderr))?;
    Ok((child.wait().await?, output, error))
}

async fn all_of(from: Option<impl AsyncRead + Unpin>) -> io::Result<Vec<u8>> {
    let mut all = Vec::new();
    if let Some(from) = from {
        from.take(MOST + 1).read_to_end(&mut all).await?;
    }
    if all.len() as u64 > MOST { Err(io::ErrorKind::FileTooLarge.into()) } else { Ok(all) }
}

/// A command for `words`, without the variables that would make tmux think it runs inside itself.
pub(super) fn command(words: &[String]) -> Option<Command> {
    let (program, arguments) = words.split_first()?;
    let mut command = Command::new(program);
    command.args(arguments).env_remove("TMUX").env_remove("TMUX_PANE");
    Some(command)
}
