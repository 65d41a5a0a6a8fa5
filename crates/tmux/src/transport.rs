//! How tmux on a host is reached. The only job of a [`Transport`] is to build argument lists.

use std::path::PathBuf;

/// Which socket of tmux.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Socket {
    /// The one that a bare `tmux` uses.
    #[default]
    Default,
    /// A name, as for `tmux -L`.
    Name(String),
    /// A path, as for `tmux -S`.
    Path(String),
}

/// Where `ssh` goes; every field but the destination may be left to `~/.ssh/config`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SshTarget {
    /// Host name or alias.
    pub host: String,
    /// Port.
    pub port: Option<u16>,
    /// Login name.
    pub user: Option<String>,
    /// Private key file.
    pub key: Option<PathBuf>,
    /// `ProxyJump`.
    pub jump: Option<String>,
    /// Further `-o` options, `Name=value`; they win over ours, but for those that keep the connection honest.
    pub options: Vec<String>,
    /// The socket of the one shared connection (`ControlPath`); without it each call connects anew.
    pub control_path: Option<PathBuf>,
}

/// The way to one host's tmux.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Transport {
    /// On this machine.
    Local {
        /// The tmux binary.
        bin: String,
        /// Its socket.
        socket: Socket,
    },
    /// Over OpenSSH. Nothing but tmux and a POSIX shell is needed on the other side.
    Ssh {
        /// Where to.
        target: SshTarget,
        /// The tmux binary there.
        bin: String,
        /// Its socket there.
        socket: Socket,
    },
}

/// Runs a control client so that it ends when the connection is gone, even while it is stuck: sshd alone does not end
/// it then, and a stuck client can hold up the panes' programs. The client reads from descriptor 3; a loop with closed
/// standard streams looks whether sshd (this shell's parent) still lives, and else ends the client hard.
const WRAPPER: &str = "exec 3<&0; \"$@\" <&3 3<&- & c=$!; p=$PPID; exec 3<&- </dev/null; \
    ( exec >/dev/null 2>&1; while kill -0 $c; do kill -0 $p || [ -d /proc/$p ] || kill -9 $c; sleep 3; done ) & \
    w=$!; wait $c; s=$?; kill $w 2>/dev/null; exit $s";

impl Transport {
    /// Whether the server runs on this machine.
    #[must_use]
    pub const fn is_local(&self) -> bool {
        matches!(self, Self::Local { .. })
    }

    /// The arguments of one forked tmux command.
    #[must_use]
    pub fn command(&self, arguments: &[&str]) -> Vec<String> {
        let tmux = self.tmux(&["-u"], arguments);
        match self {
            Self::Local { .. } => tmux,
            Self::Ssh { target, .. } => ssh(target, &tmux),
        }
    }

    /// The arguments of a control client that runs `arguments` (an `attach-session`). `flags` stand before the command,
    /// such as `-N`.
    #[must_use]
    pub fn control(&self, flags: &[&str], arguments: &[&str]) -> Vec<String> {
        let mut before = vec!["-u", "-C"];
        before.extend(flags);
        let tmux = self.tmux(&before, arguments);
        match self {
            Self::Local { .. } => tmux,
            Self::Ssh { target, .. } => {
                let mut words: Vec<String> = ["exec", "sh", "-c", WRAPPER, "sh"].map(str::to_owned).to_vec();
                words.extend(tmux);
                ssh(target, &words)
            }
        }
    }

    /// The arguments of a shell script on the host.
    #[must_use]
    pub fn shell(&self, script: &str) -> Vec<String> {
        let words = ["sh", "-c", script].map(str::to_owned).to_vec();
        match self {
            Self::Local { .. } => words,
            Self::Ssh { target, .. } => ssh(target, &words),
        }
    }

    /// A command of the host's tmux as a piece of a shell script there.
    #[must_use]
    pub fn there(&self, arguments: &[&str]) -> String {
        self.tmux(&["-u"], arguments).iter().map(|word| shell_word(word)).collect::<Vec<_>>().join(" ")
    }

    /// The arguments that end the shared connection of a remote host, whatever state the link is in.
    #[must_use]
    pub fn hang_up(&self) -> Option<Vec<String>> {
        let Self::Ssh { target, .. } = self else { return None };
        let path = target.control_path.as_ref()?;
        let words = ["ssh", "-O", "exit", "-o", "BatchMode=yes", "-o"].map(str::to_owned).into_iter();
        let there = [format!("ControlPath={}", path.display()), "--".to_owned(), target.host.clone()];
        Some(words.chain(there).collect())
    }

    fn tmux(&self, before: &[&str], arguments: &[&str]) -> Vec<String> {
        let (Self::Local { bin, socket } | Self::Ssh { bin, socket, .. }) = self;
        let mut words = vec![bin.clone()];
        match socket {
            Socket::Default => {}
            Socket::Name(name) => words.extend(["-L".to_owned(), name.clone()]),
            Socket::Path(path) => words.extend(["-S".to_owned(), path.clone()]),
        }
        words.extend(before.iter().chain(arguments).map(|&word| word.to_owned()));
        words
    }
}

/// Nothing is asked on a terminal that we draw on, and no host key is taken on trust.
const HONEST: [&str; 2] = ["BatchMode=yes", "StrictHostKeyChecking=yes"];
/// A link that has been silent for eight seconds is dead: four questions in a row were not answered (ssh_config(5):
/// the connection ends when more than `ServerAliveCountMax` are open). A server's greetings are no errors.
const OURS: [&str; 4] = ["ConnectTimeout=10", "ServerAliveInterval=2", "ServerAliveCountMax=3", "LogLevel=ERROR"];

/// `ssh` with our options, then the words as one command line for the login shell there.
fn ssh(target: &SshTarget, words: &[String]) -> Vec<String> {
    let mut out = vec!["ssh".to_owned(), "-T".to_owned()];
    let mut option = |text: String| out.extend(["-o".to_owned(), text]);
    // ssh takes the first value that it is given: nobody is asked and no key is accepted, then the user's.
    HONEST.iter().for_each(|text| option((*text).to_owned()));
    target.options.iter().for_each(|text| option(text.clone()));
    OURS.iter().for_each(|text| option((*text).to_owned()));
    if let Some(path) = &target.control_path {
        option("ControlMaster=auto".to_owned());
        option("ControlPersist=60".to_owned());
        option(format!("ControlPath={}", path.display()));
    }
    if let Some(key) = &target.key {
        out.extend(["-i".to_owned(), key.display().to_string()]);
    }
    if let Some(jump) = &target.jump {
        out.extend(["-J".to_owned(), jump.clone()]);
    }
    if let Some(port) = target.port {
        out.extend(["-p".to_owned(), port.to_string()]);
    }
    if let Some(user) = &target.user {
        out.extend(["-l".to_owned(), user.clone()]);
    }
    out.extend(["--".to_owned(), target.host.clone()]);
    out.push(words.iter().map(|word| shell_word(word)).collect::<Vec<_>>().join(" "));
    out
}

/// Quotes one word for any login shell (sh, csh and fish agree on this form).
#[must_use]
pub fn shell_word(word: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:=,@%+".contains(&byte);
    if !word.is_empty() && word.bytes().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_calls_name_the_socket_before_the_flags() {
        let local = Transport::Local { bin: "tmux".to_owned(), socket: Socket::Path("/run/t s".to_owned()) };
        assert_eq!(local.command(&["list-panes", "-a"]), ["tmux", "-S", "/run/t s", "-u", "list-panes", "-a"]);
        assert_eq!(local.control(&["-N"], &["attach-session"])[3..], ["-u", "-C", "-N", "attach-session"]);
    }

    #[test]
    fn remote_words_are_quoted_for_the_login_shell() {
        let target = SshTarget {
            host: "nas".to_owned(),
            port: Some(2222),
            user: Some("me".to_owned()),
            options: vec!["BatchMode=no".to_owned(), "ConnectTimeout=3".to_owned()],
            ..SshTarget::default()
        };
        let remote = Transport::Ssh { target, bin: "tmux".to_owned(), socket: Socket::Name("w".to_owned()) };
        let call = remote.command(&["attach-session", "-t", "$3", "it's"]);
        let options: Vec<&String> = call.iter().skip_while(|word| *word != "-o").skip(1).step_by(2).collect();
        assert_eq!(options[..4], ["BatchMode=yes", "StrictHostKeyChecking=yes", "BatchMode=no", "ConnectTimeout=3"]);
        assert_eq!(call[call.len() - 3..], ["--", "nas", "tmux -L w -u attach-session -t '$3' 'it'\\''s'"]);
        let control = remote.control(&["-N"], &["attach-session"]);
        assert!(control.last().is_some_and(|line| line.starts_with("exec sh -c 'exec 3<&0; ")));
    }

    /// The wrapper passes input, output and exit code through, and ends the client when its parent is gone.
    #[test]
    fn the_wrapper_is_transparent() {
        let mut child = std::process::Command::new("sh")
            .args(["-c", WRAPPER, "sh", "sh", "-c", "cat; exit 7"])
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), b"hello").unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!((output.stdout.as_slice(), output.status.code()), (&b"hello"[..], Some(7)));
    }
}
