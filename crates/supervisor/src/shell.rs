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

/// What another machine's shell says before the script and, with the exit code behind it, after it. So the script's
/// output is told from what the login shell prints by itself, and a connection that broke from a command that failed.
const BEGIN: &[u8] = b"\ntmuxagent-script-begins\n";
const END: &str = "\ntmuxagent-script-ended ";
/// The exit code with which ssh says that it failed itself (ssh(1)).
const SSH_FAILED: Option<i32> = Some(255);

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
/// [`Outcome::Failed`] when it could not be started, or [`Outcome::Unknown`] when the connection broke while it ran.
pub async fn perform(reach: &Reach, call: &ShellCall) -> Outcome {
    let (exit, kept) = match run(reach, call).await {
        Ok(ended) => ended,
        Err(error) => return Outcome::Failed { error: format!("can't start the command: {error}") },
    };
    let output = String::from_utf8_lossy(&kept.text).into_owned();
    if *reach == Reach::Local {
        return Outcome::Shell(ShellOutcome { exit, output });
    }
    match (exit, output.rsplit_once(END)) {
        // Its own last word counts: a command may end with 255 as well.
        (_, Some((before, after))) => {
            // The other stream may come behind it.
            let (code, errors) = after.split_once('\n').unwrap_or((after, ""));
            let exit = code.parse().ok().or(exit);
            Outcome::Shell(ShellOutcome { exit, output: format!("{before}{errors}") })
        }
        (SSH_FAILED, None) if kept.begun => {
            Outcome::Unknown { error: "the connection to its host broke while it ran".to_owned() }
        }
        (SSH_FAILED, None) => Outcome::Failed { error: format!("its host can't be reached: {}", last_line(&output)) },
        (exit, None) => Outcome::Shell(ShellOutcome { exit, output }),
    }
}

fn last_line(text: &str) -> &str {
    text.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("ssh gave no reason").trim()
}

async fn run(reach: &Reach, call: &ShellCall) -> std::io::Result<(Option<i32>, Kept)> {
    let mut child = command(reach, call).spawn()?;
    failpoints::at("shell.begun");
    let group = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
    if let (Reach::Remote(_), Some(mut input)) = (reach, child.stdin.take()) {
        use tokio::io::AsyncWriteExt;
        let script = remote_script(call);
        // A link that dies here shows in the exit code of ssh.
        let _ = input.write_all(script.as_bytes()).await;
    }
    let begun = *reach == Reach::Local;
    let output = tokio::spawn(tail_of(child.stdout.take(), child.stderr.take(), begun));
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
    Ok((exit, output))
}

/// What another machine's shell reads from its input. The script has a shell of its own, so that nothing in it can take
/// the last word.
fn remote_script(call: &ShellCall) -> String {
    let (begin, end) = (String::from_utf8_lossy(BEGIN).replace('\n', "\\n"), END.replace('\n', "\\n"));
    let values = call.script.assignments();
    format!(
        "printf '{begin}'\ncd {} || exit 126\n{values}(\n{}\n)\n_s=$?\nprintf '{end}%s\\n' \"$_s\"\nexit \"$_s\"\n",
        quoted(&call.folder),
        call.script.text
    )
}

fn command(reach: &Reach, call: &ShellCall) -> Command {
    let mut command = match reach {
        Reach::Local => {
            let mut command = Command::new("sh");
            // By the environment, which nobody else can read.
            command.arg("-c").arg(call.script.script()).envs(&call.script.values).stdin(Stdio::null());
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

/// The end of what a command printed.
#[derive(Debug, Default)]
struct Kept {
    text: Vec<u8>,
    /// Its own output has begun.
    begun: bool,
}

/// `begun`: everything that is printed is the command's.
async fn tail_of(
    stdout: Option<tokio::process::ChildStdout>,
    stderr: Option<tokio::process::ChildStderr>,
    begun: bool,
) -> Kept {
    let kept = std::sync::Mutex::new(Kept { text: Vec::new(), begun });
    tokio::join!(drain(stdout, &kept, Of::Output), drain(stderr, &kept, Of::Errors));
    kept.into_inner().unwrap_or_default()
}

/// What is drained.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Of {
    Output,
    Errors,
}

async fn drain(from: Option<impl AsyncRead + Unpin>, kept: &std::sync::Mutex<Kept>, of: Of) {
    let Some(mut from) = from else { return };
    let mut chunk = [0; 8192];
    let mut before = Vec::new();
    while let Ok(n @ 1..) = from.read(&mut chunk).await {
        let Ok(mut kept) = kept.lock() else { return };
        let mut new = chunk.get(..n).unwrap_or_default();
        if of == Of::Output && !kept.begun {
            before.extend_from_slice(new);
            let Some(at) = memchr::memmem::find(&before, BEGIN) else {
                before.drain(..before.len().saturating_sub(BEGIN.len()));
                continue;
            };
            // What was said on the other stream so far was the login shell's.
            *kept = Kept { text: Vec::new(), begun: true };
            new = before.get(at + BEGIN.len()..).unwrap_or_default();
        }
        kept.text.extend_from_slice(new);
        let excess = kept.text.len().saturating_sub(KEPT);
        kept.text.drain(..excess);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tmuxagent_model::{HostName, Millis, PaneId, PaneKey, ServerId};

    fn call(script: &str, timeout: Millis) -> ShellCall {
        let pane = PaneKey { host: HostName::local(), server: ServerId::new("s"), pane: PaneId(1), pid: 1 };
        ShellCall { pane, script: script.into(), folder: "/".to_owned(), timeout, again: false }
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

    /// A remote host whose login shell greets everybody, and whose connection may break.
    fn far(more: &str) -> Reach {
        let script = format!("printf 'Welcome! no line end'; echo hm >&2; {more}");
        Reach::Remote(vec!["sh".into(), "-c".into(), script])
    }

    #[tokio::test]
    async fn what_a_login_shell_prints_is_no_output_of_the_command() {
        let outcome =
            perform(&far("exec sh"), &call("echo two; echo three >&2; exit 255", Millis::from_secs(20))).await;
        let Outcome::Shell(ShellOutcome { exit: Some(255), output }) = outcome else { panic!("{outcome:?}") };
        assert!(output.contains("two\n") && !output.contains("Welcome") && !output.contains("ended"), "{output:?}");
    }

    #[tokio::test]
    async fn a_broken_connection_is_told_from_a_command_that_failed() {
        // The input is taken before the connection breaks.
        let never =
            perform(&far("cat >/dev/null; echo no route to host >&2; exit 255"), &call("true", Millis::from_secs(20)))
                .await;
        let Outcome::Failed { error } = &never else { panic!("{never:?}") };
        assert!(error.ends_with("no route to host"), "{error}");
        let broken = perform(&far("sh; exit 255"), &call("kill -9 $$", Millis::from_secs(20))).await;
        assert!(matches!(broken, Outcome::Unknown { .. }), "{broken:?}");
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
