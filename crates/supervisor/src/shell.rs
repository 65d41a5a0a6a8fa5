//! Commands that the supervisor runs beside a pane, on the pane's host, with a time limit.

use rustix::process::{Pid, Signal, kill_process_group};
use std::process::Stdio;
use tmuxagent_failpoints as failpoints;
use tmuxagent_model::shell::quoted;
use tmuxagent_model::{Outcome, ShellCall, ShellOutcome};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::Command;

/// The most output that is kept, bytes; the end counts, since errors stand there.
const KEPT: usize = 4 * 1024;

/// How a script reaches a shell on the pane's host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// `sh` on this machine.
    Local,
    /// Program and arguments that give a shell reading a script from its standard input (`ssh … host sh -s`).
    Remote(Vec<String>),
}

/// Runs a call to its end. The whole process group is ended at the time limit.
///
/// The outcome is [`Outcome::Shell`] with the exit code, `None` when the limit or a signal ended it, or
/// [`Outcome::Failed`] when it could not be started.
pub async fn perform(reach: &Reach, call: &ShellCall) -> Outcome {
    match run(reach, call).await {
        Ok(outcome) => Outcome::Shell(outcome),
        Err(error) => Outcome::Failed { error: format!("can't start the command: {error}") },
    }
}

async fn run(reach: &Reach, call: &ShellCall) -> std::io::Result<ShellOutcome> {
    let mut child = command(reach, call).spawn()?;
    failpoints::at("shell.begun");
    let group = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
    if let (Reach::Remote(_), Some(mut input)) = (reach, child.stdin.take()) {
        use tokio::io::AsyncWriteExt;
        let values = call.script.values.iter();
        let values: String = values.map(|(name, value)| format!("{name}={}\nexport {name}\n", quoted(value))).collect();
        let script = format!("cd {} || exit 126\n{values}{}\n", quoted(&call.folder), call.script.text);
        // A link that dies here shows in the exit code of ssh.
        let _ = input.write_all(script.as_bytes()).await;
    }
    let output = tokio::spawn(tail_of(child.stdout.take(), child.stderr.take()));
    let exit = match tokio::time::timeout(call.timeout.to_std(), child.wait()).await {
        Ok(status) => status?.code(),
        Err(_) => {
            end_group(group, &mut child).await;
            None
        }
    };
    failpoints::at("shell.ended");
    // A grandchild that keeps the pipe open must not hold the outcome back.
    let output = tokio::time::timeout(std::time::Duration::from_secs(1), output).await;
    let output = output.ok().and_then(Result::ok).unwrap_or_default();
    Ok(ShellOutcome { exit, output: String::from_utf8_lossy(&output).into_owned() })
}

fn command(reach: &Reach, call: &ShellCall) -> Command {
    let mut command = match reach {
        Reach::Local => {
            let mut command = Command::new("sh");
            command.arg("-c").arg(&call.script.text).envs(&call.script.values).stdin(Stdio::null());
            if !call.folder.is_empty() {
                command.current_dir(&call.folder);
            }
            command
        }
        Reach::Remote(argv) => {
            let (program, arguments) = argv.split_first().map_or(("ssh", &[][..]), |(p, a)| (p.as_str(), a));
            let mut command = Command::new(program);
            command.args(arguments).stdin(Stdio::piped());
            command
        }
    };
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0).kill_on_drop(true);
    command
}

/// Ends the whole group: the shell's children would otherwise go on without it.
async fn end_group(group: Option<Pid>, child: &mut tokio::process::Child) {
    if let Some(group) = group {
        let _ = kill_process_group(group, Signal::TERM);
        let grace = std::time::Duration::from_millis(500);
        if tokio::time::timeout(grace, child.wait()).await.is_err() {
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
    let _ = child.wait().await;
}

async fn tail_of(stdout: Option<tokio::process::ChildStdout>, stderr: Option<tokio::process::ChildStderr>) -> Vec<u8> {
    let kept = std::sync::Mutex::new(Vec::new());
    tokio::join!(drain(stdout, &kept), drain(stderr, &kept));
    kept.into_inner().unwrap_or_default()
}

async fn drain(from: Option<impl AsyncRead + Unpin>, kept: &std::sync::Mutex<Vec<u8>>) {
    let Some(mut from) = from else { return };
    let mut chunk = [0; 8192];
    while let Ok(n @ 1..) = from.read(&mut chunk).await {
        let Ok(mut kept) = kept.lock() else { return };
        kept.extend_from_slice(chunk.get(..n).unwrap_or_default());
        let excess = kept.len().saturating_sub(KEPT);
        kept.drain(..excess);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tmuxagent_model::{HostName, Millis, PaneId, PaneKey, ServerId};

    fn call(script: &str, timeout: Millis) -> ShellCall {
        let pane = PaneKey { host: HostName::local(), server: ServerId::new("s"), pane: PaneId(1), pid: 1 };
        ShellCall { pane, script: script.into(), folder: "/".to_owned(), timeout }
    }

    #[tokio::test]
    async fn exit_code_and_both_outputs_are_kept() {
        let outcome = perform(&Reach::Local, &call("pwd; echo oh >&2; exit 7", Millis::from_secs(20))).await;
        let Outcome::Shell(ShellOutcome { exit, output }) = outcome else { panic!("{outcome:?}") };
        assert_eq!(exit, Some(7));
        assert!(output.contains("/\n") && output.contains("oh\n"), "{output:?}");
    }

    #[tokio::test]
    async fn the_time_limit_ends_the_whole_group() {
        let outcome = perform(&Reach::Local, &call("sleep 600 & echo $!; wait", Millis(300))).await;
        let Outcome::Shell(ShellOutcome { exit: None, output }) = outcome else { panic!("{outcome:?}") };
        let child: i32 = output.trim().parse().expect("a pid");
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
        let alive = |pid| Pid::from_raw(pid).is_some_and(|pid| rustix::process::test_kill_process(pid).is_ok());
        while alive(child) {
            assert!(std::time::Instant::now() < deadline, "the grandchild lives on");
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn only_the_end_of_long_output_is_kept() {
        let script = "i=0; while [ $i -lt 3000 ]; do echo line-$i; i=$((i+1)); done";
        let outcome = perform(&Reach::Local, &call(script, Millis::from_secs(30))).await;
        let Outcome::Shell(ShellOutcome { output, .. }) = outcome else { panic!("{outcome:?}") };
        assert!(output.len() <= KEPT && output.ends_with("line-2999\n"));
    }

    #[tokio::test]
    async fn a_remote_shell_gets_the_script_on_its_input() {
        let reach = Reach::Remote(vec!["sh".into(), "-s".into()]);
        let outcome = perform(&reach, &call("pwd; exit 3", Millis::from_secs(20))).await;
        assert_eq!(outcome, Outcome::Shell(ShellOutcome { exit: Some(3), output: "/\n".to_owned() }));
    }

    #[tokio::test]
    async fn values_reach_the_script_as_variables_and_as_nothing_else() {
        let value = "a'b \"$(exit 9)\" `exit 9`\n\\ $HOME; exit 9 é\n.";
        let mut call = call("printf %s \"${TA_v}\"", Millis::from_secs(20));
        call.script.values.insert("TA_v".to_owned(), value.to_owned());
        for reach in [Reach::Local, Reach::Remote(vec!["sh".into(), "-s".into()])] {
            let outcome = perform(&reach, &call).await;
            assert_eq!(outcome, Outcome::Shell(ShellOutcome { exit: Some(0), output: value.to_owned() }), "{reach:?}");
        }
    }

    #[tokio::test]
    async fn a_missing_folder_is_told() {
        let mut missing = call("true", Millis::from_secs(5));
        missing.folder = "/no/such/folder".to_owned();
        assert!(matches!(perform(&Reach::Local, &missing).await, Outcome::Failed { .. }));
    }
}
