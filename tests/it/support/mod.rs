//! A hermetic environment for the real binary, and a supervisor whose state a test chooses.

mod commands;
mod supervisor;

pub use commands::commands;
pub use supervisor::{StagedSupervisor, TO_COME, approval, host, pane, run_view};

use std::fmt;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A home of its own: no file and no variable of the machine reaches the program.
#[derive(Debug)]
pub struct TestEnv {
    home: tempfile::TempDir,
    variables: Vec<(String, String)>,
}

/// How a program ended, as a snapshot shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ran {
    /// Its exit code; -1 for a signal.
    pub code: i32,
    /// What it printed.
    pub stdout: String,
    /// What it complained.
    pub stderr: String,
}

impl fmt::Display for Ran {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.stdout)?;
        if !self.stderr.is_empty() {
            write!(f, "--- stderr ---\n{}", self.stderr)?;
        }
        write!(f, "--- exit code {} ---", self.code)
    }
}

impl TestEnv {
    /// An empty home.
    pub fn new() -> Self {
        // A short path, since a socket's may have 103 bytes only.
        let home = tempfile::Builder::new().prefix("ta").tempdir().expect("a temporary folder");
        Self { home, variables: Vec::new() }
    }

    /// The home folder; also where programs are started.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// Sets a variable for every program started from now on.
    pub fn set(&mut self, name: &str, value: &str) -> &mut Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Writes a file below the home, with mode 0600 and the folders it needs.
    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        self.write_mode(name, text, 0o600)
    }

    /// Writes a file with a mode.
    pub fn write_mode(&self, name: &str, text: &str, mode: u32) -> PathBuf {
        let path = self.home().join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
        std::fs::write(&path, text).expect("a file");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).expect("a mode");
        path
    }

    /// The program with this environment, to be completed.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tmuxagent"));
        command.args(arguments).current_dir(self.home()).env_clear().stdin(Stdio::null());
        command.env("HOME", self.home()).env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("LANG", "C.UTF-8").env("TERM", "xterm").env("TZ", "UTC");
        // What is said is compared whole; how it is laid out in a narrow terminal has tests of its own.
        command.env("COLUMNS", "500");
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs the program to its end.
    pub fn run(&self, arguments: &[&str]) -> Ran {
        self.finish(self.command(arguments))
    }

    /// Runs the program with something on its standard input.
    pub fn run_with_input(&self, arguments: &[&str], input: &str) -> Ran {
        let mut command = self.command(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the binary");
        child.stdin.take().expect("a pipe").write_all(input.as_bytes()).expect("input");
        self.shown(child.wait_with_output().expect("an end"))
    }

    /// Runs a prepared command to its end.
    pub fn finish(&self, mut command: Command) -> Ran {
        self.shown(command.output().expect("the binary"))
    }

    fn shown(&self, output: std::process::Output) -> Ran {
        let text = |bytes: Vec<u8>| {
            let text = String::from_utf8(bytes).expect("UTF-8");
            let home = self.home().canonicalize().expect("a home");
            let text = text.replace(&home.display().to_string(), "[HOME]");
            let text = text.replace(&self.home().display().to_string(), "[HOME]");
            text.replace(env!("CARGO_PKG_VERSION"), "[VERSION]")
        };
        Ran { code: output.status.code().unwrap_or(-1), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    /// The folder of lock and socket that programs of this environment use.
    pub fn runtime_dir(&self) -> PathBuf {
        self.home().join(".local/state/tmuxagent")
    }
}
