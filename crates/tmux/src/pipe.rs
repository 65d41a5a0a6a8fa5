//! A named pipe that tmux writes a pane's output into, and the task that drains it.

use super::host::Arrival;
use super::proto::{Nonce, Parser, quote};
use std::path::Path;
use std::time::Duration;
use tmuxagent_model::PaneId;
use tokio::io::AsyncReadExt as _;
use tokio::net::unix::pipe;
use tokio::sync::mpsc;
use tokio::time::Instant;

/// How much one read of a pipe takes at most, bytes.
const CHUNK: usize = 64 * 1024;
/// How long the pipe's command may take to come up.
const OPENING: Duration = Duration::from_secs(10);

/// The number of a pipe; never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct PipeId(pub u64);

/// What comes from a pipe's reading task.
#[derive(Debug)]
pub(super) enum PipeSays {
    /// Its command runs.
    Opened,
    /// Bytes of the pane.
    Bytes(Vec<u8>),
    /// It ended.
    Closed,
    /// An outcome that was told behind what the pipe held.
    Outcome(Box<tmuxagent_errand::Ending>),
}

/// How many bytes at the start of `late` (the pipe's) are not repeated at the start of `kept` (the stream's).
pub(super) fn only_in_pipe(late: &[u8], kept: &[u8]) -> usize {
    (0..=late.len()).find(|&own| late.get(own..).is_some_and(|rest| kept.starts_with(rest))).unwrap_or(late.len())
}

pub(super) fn piped_mark(nonce: &Nonce) -> String {
    format!("PIPED {}", nonce.as_str())
}

/// Opens the pipe unless the pane has one.
pub(super) fn open_line(nonce: &Nonce, pane: PaneId, path: &Path) -> String {
    // The command is a format for strftime and tmux before it is one for the shell.
    let path = path.display().to_string().replace('\'', "'\\''").replace('#', "##").replace('%', "%%");
    let command = quote(format!("exec 2>/dev/null; {{ printf x; exec cat; }} >'{path}'"));
    let mark = quote(piped_mark(nonce));
    let raw = quote(Parser::raw_mark(nonce));
    format!(
        "if-shell -F -t {pane} '#{{==:#{{pane_pipe}},0}}' {{ pipe-pane -O -t {pane} {command} ; \
         display-message -p {mark} }} {{ display-message -p {raw} ; display-message -p busy }}"
    )
}

/// Closes our pipe.
pub(super) fn close_line(pane: PaneId) -> String {
    format!("if-shell -F -t {pane} '#{{==:#{{pane_pipe}},1}}' {{ pipe-pane -t {pane} }}")
}

/// Makes a named pipe and opens its reading end, so that the writer finds it open.
pub(super) fn open(path: &Path) -> std::io::Result<pipe::Receiver> {
    rustix::fs::mknodat(
        rustix::fs::CWD,
        path,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
        0,
    )?;
    pipe::OpenOptions::new().open_receiver(path)
}

/// Reads a pipe to its end.
pub(super) async fn drain(mut receiver: pipe::Receiver, pane: PaneId, id: PipeId, out: mpsc::Sender<Arrival>) {
    let say = async |says: PipeSays| out.send(Arrival::Pipe(pane, id, says)).await.is_ok();
    let deadline = Instant::now() + OPENING;
    let mut first = [0u8; 1];
    // Without a writer a pipe reads as ended.
    while !matches!(receiver.read(&mut first).await, Ok(1)) {
        if Instant::now() > deadline {
            say(PipeSays::Closed).await;
            return;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    if !say(PipeSays::Opened).await {
        return;
    }
    loop {
        let mut bytes = Vec::with_capacity(CHUNK);
        if !matches!(receiver.read_buf(&mut bytes).await, Ok(1..)) {
            break;
        }
        if !say(PipeSays::Bytes(bytes)).await {
            return;
        }
    }
    say(PipeSays::Closed).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_pipe_brought_late_is_read_once() {
        assert_eq!(only_in_pipe(b"", b"xyz"), 0);
        assert_eq!(only_in_pipe(b"late", b""), 4);
        assert_eq!(only_in_pipe(b"late xy", b"xyz"), 5);
        assert_eq!(only_in_pipe(b"xyz", b"xyz"), 0);
    }
}
