//! An error that nobody would read: a window of tmux whose first process this is closes with it.

use rustix::process::{Pid, getpid, getppid, getsid};
use rustix::termios::{QueueSelector, tcflush};
use std::io::{BufRead as _, IsTerminal as _, Write as _};
use tmuxagent_text::Lang;

/// Keeps the error on the screen until Enter is pressed, where the terminal ends with this process.
pub(super) fn hold(lang: Lang) {
    let (input, errors) = (std::io::stdin(), std::io::stderr());
    if !input.is_terminal() || !errors.is_terminal() || !is_first() {
        return;
    }
    let _ = writeln!(errors.lock(), "\n{}", lang.pick("Press Enter to close.", "按回车键关闭。"));
    // What was typed before this stood there was meant for something else.
    let _ = tcflush(&input, QueueSelector::IFlush);
    // A terminal that goes away ends it as well.
    let _ = input.lock().read_line(&mut String::new());
}

/// Whether the session of this terminal ends with this process: it leads it, or the shell does that was started for it
/// alone, as tmux starts a window's command (tmux(1), `new-window`).
fn is_first() -> bool {
    let Ok(leader) = getsid(None) else { return false };
    leader == getpid() || getppid() == Some(leader) && has_one_command(leader)
}

/// Whether a process is a shell that was given its command, `sh -c …`.
fn has_one_command(pid: Pid) -> bool {
    let Ok(arguments) = std::fs::read(format!("/proc/{}/cmdline", pid.as_raw_nonzero())) else { return false };
    let mut arguments = arguments.split(|byte| *byte == 0);
    let shells: [&[u8]; 8] = [b"sh", b"bash", b"dash", b"zsh", b"ksh", b"fish", b"csh", b"tcsh"];
    let program = arguments.next().unwrap_or_default().rsplit(|byte| *byte == b'/').next().unwrap_or_default();
    let program = program.strip_prefix(b"-").unwrap_or(program);
    shells.contains(&program) && arguments.next() == Some(b"-c".as_slice())
}
