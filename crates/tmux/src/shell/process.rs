//! The processes of control clients, and the tasks that drain them.
//!
//! **Invariant:** the draining task does nothing but read and hand on.

use super::fork;
use crate::core::{ClientId, Input};
use std::collections::HashMap;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::unix::pipe::Receiver;
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::{mpsc, oneshot};

/// How much one read takes at most, bytes.
const CHUNK: usize = 64 * 1024;
/// How much the pipe of a client may hold that nobody reads, bytes.
#[cfg(target_os = "linux")]
const HELD: usize = 1024 * 1024;
/// How long a client may take to leave by itself once its input is closed.
const LEAVE: Duration = Duration::from_secs(2);

/// What a client says.
type Output = Box<dyn AsyncRead + Send + Unpin>;

/// Those of one host.
#[derive(Debug)]
pub(super) struct Processes {
    running: HashMap<ClientId, Running>,
    inputs: mpsc::Sender<Input>,
    /// They are clients of a server on this machine.
    local: bool,
}

#[derive(Debug)]
struct Running {
    lines: mpsc::UnboundedSender<Vec<u8>>,
    kill: Option<oneshot::Sender<()>>,
}

impl Processes {
    pub fn new(inputs: mpsc::Sender<Input>, local: bool) -> Self {
        Self { running: HashMap::new(), inputs, local }
    }

    /// Starts a client. However that ends, [`Input::Ended`] says so.
    pub fn spawn(&mut self, id: ClientId, words: &[String]) {
        let started = fork::command(words)
            .ok_or_else(|| std::io::ErrorKind::InvalidInput.into())
            .and_then(|command| start(command, self.local));
        let inputs = self.inputs.clone();
        match started {
            Ok((mut child, stdout)) => {
                let (input, lines) = mpsc::unbounded_channel();
                let (kill, killed) = oneshot::channel();
                if let Some(stdin) = child.stdin.take() {
                    tokio::spawn(write(stdin, lines));
                }
                self.running.insert(id, Running { lines: input, kill: Some(kill) });
                tokio::spawn(async move {
                    let said = drain(id, child, stdout, &inputs, killed).await;
                    let _ = inputs.send(Input::Ended(id, said)).await;
                });
            }
            Err(error) => {
                tokio::spawn(
                    async move { inputs.send(Input::Ended(id, format!("tmux can't be started: {error}"))).await },
                );
            }
        }
    }

    /// Writes to a client; one that ends answers by its end.
    pub fn write(&self, id: ClientId, bytes: Vec<u8>) {
        if let Some(running) = self.running.get(&id) {
            let _ = running.lines.send(bytes);
        }
    }

    /// Ends a client hard.
    pub fn kill(&mut self, id: ClientId) {
        if let Some(kill) = self.running.get_mut(&id).and_then(|running| running.kill.take()) {
            let _ = kill.send(());
        }
    }

    /// A client has ended.
    pub fn ended(&mut self, id: ClientId) {
        self.running.remove(&id);
    }

    /// Lets all clients leave by themselves; gives how many there are.
    pub fn leave(&mut self) -> usize {
        std::mem::take(&mut self.running).len()
    }
}

/// Starts a client, with its standard output.
///
/// One of this machine also holds the end that we read from. tmux (3.3a) never lets go of a client whose output has nobody
/// to take it while something is still to be written, and then can't end itself: so there is always somebody, also when the
/// supervisor is killed. What the pipe holds is enough for what is under way then.
fn start(mut command: Command, local: bool) -> std::io::Result<(Child, Output)> {
    command.stdin(Stdio::piped()).stderr(Stdio::piped());
    if !local {
        let mut child = command.stdout(Stdio::piped()).spawn()?;
        let stdout = child.stdout.take().ok_or(std::io::ErrorKind::BrokenPipe)?;
        return Ok((child, Box::new(stdout)));
    }
    let (read, write) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)?;
    // A client that comes up asks for lists of everything: with many panes more than the 64 KiB that a pipe holds by itself.
    #[cfg(target_os = "linux")]
    let _ = rustix::pipe::fcntl_setpipe_size(&read, HELD);
    // A duplicate is inherited.
    let held = rustix::io::dup(&read)?;
    // A terminal that closes ends the group of processes in front, a wrapping shell's with all that it runs: the client
    // stays until we have left the server in order. (One of another machine may have to ask for a password there.)
    let child = command.stdout(Stdio::from(write)).process_group(0).spawn()?;
    drop(held);
    Ok((child, Box::new(Receiver::from_owned_fd(read)?)))
}

/// Writes what is asked; closes the input, which ends the client, once nobody asks any more.
async fn write(mut stdin: ChildStdin, mut lines: mpsc::UnboundedReceiver<Vec<u8>>) {
    while let Some(text) = lines.recv().await {
        if stdin.write_all(&text).await.is_err() {
            return;
        }
    }
}

/// Reads the client to its end; gives what it said on standard error.
async fn drain(
    id: ClientId,
    mut child: Child,
    mut stdout: Output,
    out: &mpsc::Sender<Input>,
    mut kill: oneshot::Receiver<()>,
) -> String {
    let Some(mut stderr) = child.stderr.take() else { return String::new() };
    let errors = tokio::spawn(async move {
        let mut text = Vec::new();
        let _ = (&mut stderr).take(4096).read_to_end(&mut text).await;
        // Whatever more it says is drained and dropped.
        let _ = tokio::io::copy(&mut stderr, &mut tokio::io::sink()).await;
        text
    });
    let mut may_kill = true;
    loop {
        let mut bytes = Vec::with_capacity(CHUNK);
        let read = tokio::select! {
            read = stdout.read_buf(&mut bytes) => read,
            killed = &mut kill, if may_kill => {
                may_kill = false;
                if killed.is_ok() {
                    let _ = child.start_kill();
                }
                continue;
            }
        };
        if !matches!(read, Ok(1..)) || out.send(Input::Said(id, bytes)).await.is_err() {
            break;
        }
    }
    if tokio::time::timeout(LEAVE, child.wait()).await.is_err() {
        let _ = child.start_kill();
        let _ = child.wait().await;
    }
    String::from_utf8_lossy(&errors.await.unwrap_or_default()).trim().to_owned()
}
