//! How a pane's pipe comes to the supervisor: tmux starts this program as the pipe's command, which hands its standard input
//! over a socket and ends. No process remains, and tmux goes on writing into a pipe that the supervisor reads itself.

use super::frame::send_bytes;
use super::keeper;
use crate::transport::shell_word;
use rustix::net::SendFlags;
use std::ffi::OsString;
use std::io::Read as _;
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tmuxagent_model::PaneId;

/// The first argument of the program that hands a pipe over.
const PIPE: &str = "__pipe";
/// How long a pipe may take to be taken.
const TAKEN: Duration = Duration::from_secs(5);
/// The first argument of a keeper.
const KEEPER: &str = "__keeper";

/// How the command of a pipe is written.
#[derive(Debug, Clone)]
pub struct Piping {
    program: PathBuf,
    socket: PathBuf,
    pid: u32,
    /// How tmux is called.
    tmux: Vec<String>,
}

impl Piping {
    /// `program` is this program, or what understands [`serve`] as it does.
    pub(super) fn new(program: &Path, socket: &Path, tmux: Vec<String>) -> Self {
        Self { program: program.to_owned(), socket: socket.to_owned(), pid: std::process::id(), tmux }
    }

    /// The script that runs the keeper which is announced by `word`.
    #[must_use]
    pub fn keeper(&self, word: &str) -> String {
        let (path, socket, tmux) = (self.path(), shell_word(&self.socket.display().to_string()), self.tmux());
        format!("{path}; exec \"$p\" {KEEPER} {socket} {word} {tmux}")
    }

    /// The command of a pipe that is announced by `word`. It is a format for strftime and tmux before it is one for the
    /// shell. A pipe that nobody takes is closed: an idle pane would keep it until it prints.
    #[must_use]
    pub fn command(&self, word: &str, pane: PaneId) -> String {
        let (path, socket, tmux) = (self.path(), shell_word(&self.socket.display().to_string()), self.tmux());
        let line = format!("{path}; \"$p\" {PIPE} {socket} {word} || exec {tmux} pipe-pane -t {pane}");
        line.replace('#', "##").replace('%', "%%")
    }

    /// Where the program is. Where it has gone from its place, or another one is there by now (an upgrade), the one that runs
    /// serves: what it and we say to each other may have changed.
    fn path(&self) -> String {
        let program = shell_word(&self.program.display().to_string());
        let own = format!("/proc/{}/exe", self.pid);
        format!("p={program}; [ \"$(readlink {own} 2>/dev/null)\" != \"$p (deleted)\" ] || p={own}")
    }

    fn tmux(&self) -> String {
        self.tmux.iter().map(|word| shell_word(word)).collect::<Vec<_>>().join(" ")
    }
}

/// What a program that is started by us does before anything else; `None` where it was started by somebody else.
///
/// The arguments begin with the program's name.
pub fn serve(mut arguments: impl Iterator<Item = OsString>) -> Option<u8> {
    let what = arguments.nth(1)?;
    if what == PIPE {
        let (socket, word) = (arguments.next()?, arguments.next()?);
        let handed = UnixStream::connect(socket).is_ok_and(|mut socket| {
            let stdin = std::io::stdin();
            let sent = send_bytes(&socket, word.as_encoded_bytes(), Some(stdin.as_fd()), SendFlags::NOSIGNAL);
            // It is taken once the keeper has it too.
            let waits = socket.set_read_timeout(Some(TAKEN)).is_ok();
            sent.is_ok() && waits && socket.read_exact(&mut [0]).is_ok()
        });
        return Some(u8::from(!handed));
    }
    if what == KEEPER {
        let (socket, word) = (arguments.next()?, arguments.next()?);
        let tmux: Vec<OsString> = arguments.collect();
        let kept = UnixStream::connect(socket).and_then(|socket| {
            send_bytes(&socket, word.as_encoded_bytes(), None, SendFlags::NOSIGNAL)?;
            keeper::keep(&socket, &tmux);
            Ok(())
        });
        return Some(u8::from(kept.is_err()));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_survives_tmux_and_the_shell_whatever_the_paths_are() {
        let tmux = ["tmux", "-S", "/t s"].map(str::to_owned).to_vec();
        let piping = Piping { program: "/opt/it's #{x}/50%/ta".into(), socket: "/run/a b/s".into(), pid: 7, tmux };
        assert_eq!(
            piping.command("w-1", PaneId(3)),
            "p='/opt/it'\\''s ##{x}/50%%/ta'; [ \"$(readlink /proc/7/exe 2>/dev/null)\" != \"$p (deleted)\" ] || \
             p=/proc/7/exe; \"$p\" __pipe '/run/a b/s' w-1 || exec tmux -S '/t s' pipe-pane -t %%3"
        );
    }

    #[test]
    fn what_a_person_starts_is_not_served() {
        for words in [&["ta"][..], &["ta", "status"], &["ta", "__pipe", "only-a-socket"]] {
            assert_eq!(serve(words.iter().map(OsString::from)), None, "{words:?}");
        }
    }
}
