//! A private tmux server per test, and waiting for a condition with a deadline.

pub mod browser;
pub mod loopback;
pub mod proxy;
pub mod room;
pub mod sshd;
pub mod stand_in;
pub mod telegram;
pub mod watched;

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

/// How long a condition may take on a loaded machine before the test fails.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// What the program does within a second takes no longer on a machine that does much else; what only its next look at
/// things finds (after half a minute and more) does.
pub const PROMPT: Duration = Duration::from_secs(15);

/// The program under test: `TMUXAGENT_PROGRAM` where figures of another build are wanted, a release for one.
pub fn program() -> String {
    std::env::var("TMUXAGENT_PROGRAM").unwrap_or_else(|_| env!("CARGO_BIN_EXE_tmuxagent").to_owned())
}

/// A tmux server on a socket of its own in a folder of its own, without any configuration; ended when dropped.
///
/// Creating it starts nothing: [`TmuxServer::start`] does, and may be called again after [`TmuxServer::kill`].
#[derive(Debug)]
pub struct TmuxServer {
    folder: tempfile::TempDir,
    name: String,
    program: String,
}

impl TmuxServer {
    /// A place for a server that does not run yet.
    pub fn prepare() -> Self {
        Self::of("tmux")
    }

    /// The same for a tmux of another version.
    pub fn of(program: &str) -> Self {
        static NUMBER: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let folder = tempfile::Builder::new().prefix("tmuxagent-e2e").tempdir().expect("a temporary folder");
        // Where this is missing, each fish of a user reads all manual pages beside whatever is tested, a minute long.
        std::fs::create_dir_all(folder.path().join("data/fish/generated_completions")).expect("a folder");
        Self { folder, name: format!("e2e-{}-{number}", std::process::id()), program: program.to_owned() }
    }

    /// A running server with one session `main` of 80×24 cells, whose pane runs `command` (an empty one: a plain `sh`).
    pub fn running(command: &str) -> Self {
        let server = Self::prepare();
        server.start(command);
        server
    }

    /// Starts the server with the session `main`.
    pub fn start(&self, command: &str) {
        self.new_session("main", command);
    }

    /// Adds a session of 80×24 cells; gives the id of its pane, such as `%3`.
    pub fn new_session(&self, session: &str, command: &str) -> String {
        let shell = if command.is_empty() { "exec env PS1='$ ' sh" } else { command };
        let pane =
            self.tmux(&["new-session", "-d", "-P", "-F", "#{pane_id}", "-s", session, "-x", "80", "-y", "24", shell]);
        if command.is_empty() {
            // What is typed before the prompt stands before it on the screen.
            wait_for(PATIENCE, "the shell's prompt", || self.screen(&pane).starts_with('$').then_some(()));
        }
        pane
    }

    /// Runs a tmux command on this server and gives what it prints, without the last line break.
    ///
    /// # Panics
    /// When the command fails.
    pub fn tmux(&self, arguments: &[&str]) -> String {
        let output = self.try_tmux(arguments);
        assert!(output.status.success(), "tmux {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim_end_matches('\n').to_owned()
    }

    /// Runs a tmux command on this server, whether it succeeds or not.
    pub fn try_tmux(&self, arguments: &[&str]) -> Output {
        self.command().args(arguments).output().expect("tmux is installed")
    }

    /// `tmux` for this server, as a command to be completed.
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.arg("-u").arg("-L").arg(&self.name).args(["-f", "/dev/null"]);
        command.env("TMUX_TMPDIR", self.folder.path()).env_remove("TMUX").env_remove("TMUX_PANE").env("TERM", "xterm");
        command.env("XDG_DATA_HOME", self.folder.path().join("data")).stdin(Stdio::null());
        // No shell reads what the machine's own user has: it may wait for others there.
        command.env("HOME", self.folder.path());
        command
    }

    /// The program, as it was given.
    pub fn program(&self) -> &str {
        &self.program
    }

    /// The server's folder, for files of the test.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The socket's path, for `tmux -S`.
    pub fn socket(&self) -> PathBuf {
        let uid = rustix::process::getuid().as_raw();
        self.folder.path().join(format!("tmux-{uid}")).join(&self.name)
    }

    /// Whether the server answers.
    pub fn is_running(&self) -> bool {
        self.try_tmux(&["list-sessions"]).status.success()
    }

    /// Sends away the control clients of whoever watches it.
    pub fn send_us_away(&self) {
        let own = self.tmux(&["list-sessions", "-F", "#{?@tmuxagent_watch,#{session_id},}"]);
        own.lines().filter(|id| !id.is_empty()).for_each(|id| drop(self.try_tmux(&["detach-client", "-s", id])));
    }

    /// The server's process id.
    pub fn pid(&self) -> i32 {
        self.tmux(&["display-message", "-p", "#{pid}"]).parse().expect("a process id")
    }

    /// The visible rows of a pane.
    pub fn screen(&self, pane: &str) -> String {
        self.tmux(&["capture-pane", "-p", "-t", pane])
    }

    /// Waits until a pane shows `part`, which may begin or end with a line break; gives the screen.
    pub fn wait_screen(&self, pane: &str, part: &str) -> String {
        let shown = || Some(format!("\n{}\n", self.screen(pane))).filter(|screen| screen.contains(part));
        wait_or_tell(PATIENCE, shown, || format!("{part:?} is not on\n{}", self.screen(pane)))
    }

    /// Types a line into a pane and presses Enter.
    pub fn type_line(&self, pane: &str, line: &str) {
        self.tmux(&["send-keys", "-t", pane, "-l", "--", line]);
        self.tmux(&["send-keys", "-t", pane, "Enter"]);
    }

    /// Ends the server. Returns when its process is gone: until then it may still take a client, and send it away.
    pub fn kill(&self) {
        let pid = self.try_tmux(&["display-message", "-p", "#{pid}"]);
        let pid = String::from_utf8_lossy(&pid.stdout).trim().to_owned();
        self.try_tmux(&["kill-server"]);
        if !pid.is_empty() {
            let stat = || std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            let lives = || stat().rsplit_once(')').is_some_and(|(_, behind)| !behind.trim_start().starts_with('Z'));
            wait_for(PATIENCE, "the end of the server's process", || (!lives()).then_some(()));
        }
    }
}

impl Drop for TmuxServer {
    fn drop(&mut self) {
        // `kill-server` hangs where a client is stuck, so the process is ended by number as well.
        let pid = self.try_tmux(&["display-message", "-p", "#{pid}"]);
        let pid = String::from_utf8_lossy(&pid.stdout).trim().parse().ok().and_then(rustix::process::Pid::from_raw);
        if let Ok(mut child) = self.command().arg("kill-server").stderr(Stdio::null()).spawn() {
            let deadline = Instant::now() + Duration::from_secs(3);
            while Instant::now() < deadline && matches!(child.try_wait(), Ok(None)) {
                std::thread::sleep(Duration::from_millis(5));
            }
            let _ = child.kill();
            let _ = child.wait();
        }
        if let Some(pid) = pid {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
        }
    }
}

/// Asks `condition` again and again until it gives a value.
///
/// # Panics
/// When it has not done so within `deadline`; `what` says what was waited for.
pub fn wait_for<T>(deadline: Duration, what: &str, condition: impl FnMut() -> Option<T>) -> T {
    wait_or_tell(deadline, condition, || format!("waited {deadline:?} in vain for {what}"))
}

/// The same where it takes a look to say what there is instead.
///
/// # Panics
/// With what `found` says, when it has not done so within `deadline`.
pub fn wait_or_tell<T>(
    deadline: Duration,
    mut condition: impl FnMut() -> Option<T>,
    found: impl FnOnce() -> String,
) -> T {
    let end = Instant::now() + deadline;
    loop {
        if let Some(value) = condition() {
            return value;
        }
        let now = Instant::now();
        if now > end {
            panic!("{}", found());
        }
        // Most look by a process of their own: looks that follow each other at once take the time of what they wait for.
        let waited = deadline.saturating_sub(end - now);
        std::thread::sleep((waited / 8).clamp(Duration::from_millis(5), Duration::from_millis(60)));
    }
}

#[test]
fn a_private_server_starts_answers_and_ends() {
    let server = TmuxServer::running("");
    assert!(server.is_running() && server.socket().exists() && server.pid() > 1);
    server.type_line("main", "echo he''llo");
    wait_for(PATIENCE, "the shell's answer", || server.screen("main").contains("\nhello").then_some(()));
    server.kill();
    wait_for(PATIENCE, "the server's end", || (!server.is_running()).then_some(()));
}
