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

/// What a call prints on another machine before anything else: what stands before it was printed by the login shell's
/// own files, which are none of ours.
const BEGIN: &str = "tmuxagent-begins";

/// Runs a control client so that it ends when its input has ended, even while it is stuck: a client whose output nobody
/// takes does not end by itself, holds up the panes' programs, and keeps sshd and the shared connection. The input ends
/// with whoever asks, by whatever death, and with sshd. It is passed on by a process beside the client, behind which another
/// gives the client some time and calls this shell; that signal does nothing to any other process.
const WRAPPER: &str = "exec 3<&0; trap 'kill -9 $c 2>/dev/null' URG; \
    { exec 2>/dev/null; cat <&3; exec 3<&- </dev/null >/dev/null; { sleep 3; kill -URG $$; } & } | \"$@\" 3<&- & c=$!; \
    exec 3<&- </dev/null; wait $c; exit $?";

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
            Self::Ssh { target, .. } => ssh(target, &format!("exec {}", posix_words(&tmux))),
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
                // The client's own lines begin a line, whatever the login shell's files printed before.
                ssh(target, &format!("set -- {}; {WRAPPER}", posix_words(&tmux)))
            }
        }
    }

    /// The arguments of a shell script on the host.
    #[must_use]
    pub fn shell(&self, script: &str) -> Vec<String> {
        match self {
            Self::Local { .. } => ["sh", "-c", script].map(str::to_owned).to_vec(),
            Self::Ssh { target, .. } => ssh(target, script),
        }
    }

    /// The arguments of a shell with a terminal that shows something to a person.
    #[must_use]
    pub fn shown(&self, arguments: &[&str]) -> Vec<String> {
        let tmux = self.tmux(&["-u"], arguments);
        match self {
            Self::Local { .. } => tmux,
            Self::Ssh { target, .. } => {
                let mut words = ssh_options(target, "-t", &HONEST[1..]);
                words.push(login_line(&format!("exec {}", posix_words(&tmux))));
                words
            }
        }
    }

    /// What a call printed, `words` being its arguments: without what the login shell of another machine printed before
    /// it. `None` where the call did not begin.
    #[must_use]
    pub fn said<'o>(words: &[String], output: &'o [u8]) -> Option<&'o [u8]> {
        let Some(greeting) = Self::greeting(words) else { return Some(output) };
        let mark = format!("\n{greeting}\n");
        memchr::memmem::find(output, mark.as_bytes()).and_then(|at| output.get(at + mark.len()..))
    }

    /// A command of the host's tmux as a piece of a shell script there.
    #[must_use]
    pub fn there(&self, arguments: &[&str]) -> String {
        self.tmux(&["-u"], arguments).iter().map(|word| shell_word(word)).collect::<Vec<_>>().join(" ")
    }

    /// The line that a call prints before anything else, `words` being its arguments; `None` on this machine.
    #[must_use]
    pub fn greeting(words: &[String]) -> Option<&'static str> {
        let marked = words.first().is_some_and(|word| word == "ssh") && words.last().is_some_and(|l| l.contains(BEGIN));
        marked.then_some(BEGIN)
    }

    /// The arguments that end the shared connection of a remote host, whatever state the link is in.
    #[must_use]
    pub fn hang_up(&self) -> Option<Vec<String>> {
        self.tell_master("exit")
    }

    /// The arguments that let the shared connection of a remote host end with what still goes over it.
    #[must_use]
    pub fn let_go(&self) -> Option<Vec<String>> {
        self.tell_master("stop")
    }

    fn tell_master(&self, what: &str) -> Option<Vec<String>> {
        let Self::Ssh { target, .. } = self else { return None };
        let path = target.control_path.as_ref()?;
        let words = ["ssh", "-O", what, "-o", "BatchMode=yes", "-o"].map(str::to_owned).into_iter();
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

/// What every connection needs, whatever an alias in the user's configuration is meant for: nothing is asked on a
/// terminal that we draw on, no host key is taken on trust, our commands are what runs there, and what else the alias
/// opens (forwarded ports, commands here) is left to the user's own connections.
pub(crate) const HONEST: [&str; 5] = [
    "BatchMode=yes",
    "StrictHostKeyChecking=yes",
    "RemoteCommand=none",
    "ClearAllForwardings=yes",
    "PermitLocalCommand=no",
];
/// A link that has been silent for six seconds is dead: three questions in a row were not answered (ssh_config(5):
/// the connection ends when more than `ServerAliveCountMax` are open). A server's greetings are no errors.
const OURS: [&str; 4] = ["ConnectTimeout=8", "ServerAliveInterval=2", "ServerAliveCountMax=2", "LogLevel=ERROR"];

/// `ssh` with our options, then a script for a POSIX shell there.
fn ssh(target: &SshTarget, script: &str) -> Vec<String> {
    let mut out = ssh_options(target, "-T", &HONEST);
    out.push(login_line(&format!("echo; echo {BEGIN}; {script}")));
    out
}

/// `ssh` up to the name of the host.
fn ssh_options(target: &SshTarget, terminal: &str, first: &[&str]) -> Vec<String> {
    let mut out = vec!["ssh".to_owned(), terminal.to_owned()];
    let mut option = |text: String| out.extend(["-o".to_owned(), text]);
    // ssh takes the first value that it is given: nobody is asked and no key is accepted, then the user's.
    first.iter().for_each(|text| option((*text).to_owned()));
    target.options.iter().for_each(|text| option(text.clone()));
    OURS.iter().for_each(|text| option((*text).to_owned()));
    if let Some(path) = &target.control_path {
        option("ControlMaster=auto".to_owned());
        // Calls that follow one another share it; after our end, however that comes, it does not stay.
        option("ControlPersist=10".to_owned());
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
    out
}

/// A script for a POSIX shell as a command line for the login shell there, whichever that is.
///
/// sh, ksh, zsh, csh, tcsh and fish agree on few things: a text in single quotes without `'`, `\`, `!` and line breaks,
/// and each of the former three behind a backslash. So that is all that is used.
pub(crate) fn login_line(script: &str) -> String {
    let mut script = script.to_owned();
    if script.contains('\n') {
        // The shell there makes the line breaks itself.
        let lines: Vec<String> = script.split('\n').map(shell_word).collect();
        script = format!("_n=$(echo; echo x); _n=${{_n%x}}; eval {}", lines.join("\"$_n\""));
    }
    let mut line = "exec sh -c ".to_owned();
    for part in script.split_inclusive(['\'', '\\', '!']) {
        let special = part.chars().next_back().filter(|last| matches!(last, '\'' | '\\' | '!'));
        let plain = special.map_or(part, |last| &part[..part.len() - last.len_utf8()]);
        if !plain.is_empty() {
            line.push('\'');
            line.push_str(plain);
            line.push('\'');
        }
        if let Some(last) = special {
            line.push('\\');
            line.push(last);
        }
    }
    line
}

fn posix_words(words: &[String]) -> String {
    words.iter().map(|word| shell_word(word)).collect::<Vec<_>>().join(" ")
}

/// Quotes one word for a POSIX shell.
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
        assert_eq!(options[..5], HONEST);
        assert_eq!(options[5..7], ["BatchMode=no", "ConnectTimeout=3"]);
        assert!(options.iter().any(|option| *option == "ServerAliveCountMax=2"), "a dead link is found in time");
        let seconds =
            |name: &str| OURS.iter().find_map(|option| option.strip_prefix(name)?.parse::<u32>().ok()).unwrap();
        let silent = seconds("ServerAliveInterval=") * (seconds("ServerAliveCountMax=") + 1);
        assert!(silent <= 6 && seconds("ConnectTimeout=") < 10, "within ten seconds, also while it is being made");
        let shared = SshTarget { control_path: Some(PathBuf::from("/run/mux")), ..SshTarget::default() };
        assert!(ssh(&shared, "true").contains(&"ControlPersist=10".to_owned()), "it does not stay after our end");
        let line = "exec sh -c 'echo; echo tmuxagent-begins; exec tmux -L w -u attach-session -t '\\''$3'\\'' '\\''it'\\'\\\\\\'\\''s'\\'";
        assert_eq!(call[call.len() - 3..], ["--", "nas", line]);
        let control = remote.control(&["-N"], &["attach-session"]);
        assert!(
            control.last().is_some_and(|line| line.contains("set -- tmux -L w -u -C -N attach-session; exec 3<&0; "))
        );
    }

    /// Every shell that is installed here gives a POSIX shell the same script, with any sign in it.
    #[test]
    fn a_script_arrives_whole_whatever_the_login_shell_is() {
        let signs = "it's a\\b \\\\ x!y !! ^a^b ~ $HOME `id` {a,b} * [a] ; #c \" %1 @x \t ü中 'q' \\' \\! two\nlines\n\nand 'three'\\\n";
        let script = format!("printf %s {}; printf '|%s' \"$0\"", shell_word(signs));
        let wanted = format!("{signs}|sh");
        let mut tried = 0;
        for shell in ["sh", "dash", "bash", "ksh", "zsh", "fish", "csh", "tcsh"] {
            let Ok(output) = std::process::Command::new(shell).args(["-c", &login_line(&script)]).output() else {
                continue;
            };
            tried += 1;
            assert_eq!(String::from_utf8_lossy(&output.stdout), wanted, "{shell}: {output:?}");
        }
        assert!(tried >= 2, "sh and bash are everywhere");
    }

    #[test]
    fn what_a_login_shell_prints_by_itself_is_no_answer() {
        let target = SshTarget { host: "nas".to_owned(), ..SshTarget::default() };
        let remote = Transport::Ssh { target, bin: "tmux".to_owned(), socket: Socket::Default };
        let call = remote.command(&["list-panes"]);
        let said = |output: &str| {
            Transport::said(&call, output.as_bytes()).map(|text| String::from_utf8_lossy(text).into_owned())
        };
        assert_eq!(said("Welcome!\nno line end\ntmuxagent-begins\nrow\n").as_deref(), Some("row\n"));
        assert_eq!(said("\ntmuxagent-begins\n\ntmuxagent-begins\n").as_deref(), Some("\ntmuxagent-begins\n"));
        assert_eq!(said("This account is closed.\n"), None);
        let local = Transport::Local { bin: "tmux".to_owned(), socket: Socket::Default }.command(&["list-panes"]);
        assert_eq!(Transport::said(&local, b"\ntmuxagent-begins\nx"), Some(&b"\ntmuxagent-begins\nx"[..]));
    }

    /// The wrapper passes input, output and exit code through.
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

    /// A client that does not care that its input has ended is ended, in every shell that is installed here.
    #[test]
    fn the_wrapper_ends_a_stuck_client_once_its_input_has_ended() {
        let shells = ["sh", "dash", "bash", "ksh", "zsh"];
        let started = shells.iter().filter_map(|shell| {
            let mut command = std::process::Command::new(shell);
            command.args(["-c", WRAPPER, "sh", "sleep", "600"]);
            let mut child = command.stdin(std::process::Stdio::piped()).spawn().ok()?;
            drop(child.stdin.take());
            Some((shell, child))
        });
        for (shell, mut child) in started.collect::<Vec<_>>() {
            let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
            while child.try_wait().unwrap().is_none() {
                assert!(std::time::Instant::now() < deadline, "{shell}: the client goes on");
                std::thread::sleep(std::time::Duration::from_millis(50));
            }
        }
    }
}
