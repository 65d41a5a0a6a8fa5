//! `tmuxagent demo`: a tmux server of its own with stand-ins for agents and tools, watched like any other.
//!
//! **Invariants:** nothing of the user's is touched: the server has its own socket, configuration and home, and all of
//! it lies in one folder. Server and folder go with this process, however it ends: a job of the server waits for the end
//! of a pipe that this process holds open, which the kernel closes also after `kill -9`.

use super::watch::{self, Mode};
use super::{CliError, Outcome, Session};
use clap::Args;
use std::fs::File;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use tmuxagent_config::{Overrides, make_private_folder};
use tmuxagent_tmux::shell_word;

/// The windows that the bundled policies match, with stand-ins that really run in them.
#[derive(Debug, Args)]
pub(super) struct DemoArgs {
    /// Leave server and folder behind, and say how to look at them
    #[arg(long)]
    keep: bool,
    /// How fast the stand-ins work: 2 is twice as fast
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0)]
    speed: f64,
    /// Watch without a screen, until SIGTERM or `tmuxagent shutdown`
    #[arg(long)]
    headless: bool,
}

/// The programs that stand in, by name.
const PROGRAMS: [(&str, &str); 3] = [
    ("agent", include_str!("../../assets/demo/agent")),
    ("npm", include_str!("../../assets/demo/npm")),
    ("gh", include_str!("../../assets/demo/gh")),
];

/// Session, window, the stand-in's topic, the project's folder.
const WINDOWS: [(&str, &str, &str, &str); 3] = [
    ("proj:storyapp", "agent:codex-ci", "ci", "storyapp"),
    ("proj:storyapp", "agent:codex-voice", "voice", "storyapp"),
    ("proj:points", "agent:codex-release", "release", "points"),
];

/// Builds the stage, opens the supervisor on it, and takes it down.
pub(super) fn run(session: &Session, args: &DemoArgs) -> Outcome {
    if !(0.05..=100.0).contains(&args.speed) {
        return Err(CliError::user(
            format!("--speed {} is out of range", args.speed),
            "give a number from 0.05 to 100",
        ));
    }
    let stage = Stage::build(session, args)?;
    let inner = Session {
        out: session.out.clone(),
        overrides: Overrides {
            config: Some(stage.folder.join("config.yaml")),
            // One that the environment names is the user's own, not one for the demonstration.
            policy: match session.environment.non_empty("TMUXAGENT_POLICY") {
                Some(named) if session.overrides.policy == named.split(':').map(PathBuf::from).collect::<Vec<_>>() => {
                    Vec::new()
                }
                _ => session.overrides.policy.clone(),
            },
            state_dir: Some(stage.folder.join("state")),
            tmux_socket: Some(stage.socket().display().to_string()),
        },
        environment: session.environment.clone(),
    };
    let mode = if args.headless { Mode::Headless } else { Mode::Screen };
    if args.headless {
        stage.tell(session)?;
    }
    let outcome = watch::run(&inner, mode);
    if args.keep && !args.headless {
        stage.tell(session)?;
    }
    outcome
}

/// The folder with everything in it, and the server that runs there. Both go when it is dropped, unless kept.
struct Stage {
    folder: PathBuf,
    tmux: String,
    keep: bool,
    /// Open as long as this process lives.
    alive: Option<File>,
}

impl Drop for Stage {
    fn drop(&mut self) {
        if self.keep {
            return;
        }
        // What is left over in a temporary folder harms nobody; there is no one to tell.
        let _ = self.command().arg("kill-server").stdout(Stdio::null()).stderr(Stdio::null()).status();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

impl Stage {
    fn build(session: &Session, args: &DemoArgs) -> Result<Self, CliError> {
        let tmux = match session.load() {
            Ok(loaded) => loaded.config.hosts.first().map_or_else(|| "tmux".to_owned(), |host| host.tmux.bin.clone()),
            // The demonstration needs none of the user's files, so a wrong one is no reason to refuse it.
            Err(_) => "tmux".to_owned(),
        };
        let folder = std::env::temp_dir().join(format!("tmuxagent-demo-{}", std::process::id()));
        make_private_folder(&folder)?;
        let mut stage = Self { folder, tmux, keep: args.keep, alive: None };
        stage.furnish().map_err(CliError::internal)?;
        for (n, window) in WINDOWS.iter().enumerate() {
            stage.open(n, window, args.speed)?;
            if n == 0 && !args.keep {
                stage.tie().map_err(CliError::internal)?;
            }
        }
        Ok(stage)
    }

    fn socket(&self) -> PathBuf {
        self.folder.join("tmux.sock")
    }

    /// Ties the server and the folder to the life of this process.
    fn tie(&mut self) -> std::io::Result<()> {
        let pipe = self.folder.join("alive");
        let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, mode, 0)?;
        // Opened for both, so that it waits for nobody; the job has only its reading end.
        self.alive = Some(File::options().read(true).write(true).open(&pipe)?);
        let word = |path: &std::path::Path| shell_word(&path.display().to_string());
        let (pipe, socket, folder) = (word(&pipe), word(&self.socket()), word(&self.folder));
        let job = format!(
            "exec 2>/dev/null; trap '' HUP INT TERM; cat {pipe} >&2; {} -S {socket} kill-server; rm -rf {folder}",
            shell_word(&self.tmux)
        );
        // tmux expands formats in it.
        let status = self.command().args(["run-shell", "-b", &job.replace('#', "##")]).status()?;
        if status.success() { Ok(()) } else { Err(std::io::Error::other("tmux runs no jobs")) }
    }

    /// Programs, projects, marks and settings.
    fn furnish(&self) -> std::io::Result<()> {
        let bin = self.folder.join("bin");
        for folder in [bin.clone(), self.folder.join("home"), self.folder.join("marks")] {
            std::fs::create_dir_all(folder)?;
        }
        for (name, text) in PROGRAMS {
            let file = bin.join(name);
            std::fs::write(&file, text)?;
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755))?;
        }
        for (_, _, _, project) in WINDOWS {
            std::fs::create_dir_all(self.folder.join(project))?;
        }
        std::fs::write(self.folder.join("config.yaml"), "# The demonstration runs with the defaults.\n")
    }

    /// Opens one window: a shell, in which the pipelines' commands run, and above it the stand-in in its pane, where it stays.
    /// The shell comes first, so that it is known when the stand-in says that its work is done.
    fn open(&self, n: usize, window: &(&str, &str, &str, &str), speed: f64) -> Result<(), CliError> {
        let (session, name, _, project) = window;
        let first = WINDOWS.iter().position(|(other, ..)| other == session) == Some(n);
        // tmux writes `_` for the colon in a session's name, and takes that name as the target.
        let target = format!("={}:", session.replace(':', "_"));
        let mut command = self.command();
        if first {
            command.args(["new-session", "-d", "-x", "110", "-y", "30", "-s", session]);
        } else {
            command.args(["new-window", "-d", "-t", &target]);
        }
        command.arg("-n").arg(name).arg("-c").arg(self.folder.join(project)).arg("exec sh");
        self.dress(&mut command, speed);
        let output = command.output().map_err(|error| missing(&self.tmux, &error))?;
        let output = if output.status.success() { self.open_agent(window, speed)? } else { output };
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        Err(CliError::user(format!("tmux can't open the demonstration: {said}"), "see `tmuxagent doctor`"))
    }

    /// The agent above a window's shell.
    fn open_agent(&self, window: &(&str, &str, &str, &str), speed: f64) -> Result<Output, CliError> {
        let (session, name, topic, project) = window;
        let target = format!("={}:={name}", session.replace(':', "_"));
        let mut command = self.command();
        command.args(["split-window", "-b", "-t", &target, "-c"]).arg(self.folder.join(project));
        command.arg(format!("exec agent {topic}"));
        self.dress(&mut command, speed);
        command.output().map_err(|error| missing(&self.tmux, &error))
    }

    /// The environment of the server, which its panes inherit: the stand-ins first on the path, nothing of the user's
    /// shell.
    fn dress(&self, command: &mut Command, speed: f64) {
        let own = std::env::var("PATH").unwrap_or_else(|_| "/usr/local/bin:/usr/bin:/bin".to_owned());
        command.env_clear();
        command.env("PATH", format!("{}:{own}", self.folder.join("bin").display()));
        command.env("HOME", self.folder.join("home")).env("LANG", "C.UTF-8").env("SHELL", "/bin/sh");
        // The stand-in for an agent is this program.
        let program = std::env::current_exe().unwrap_or_else(|_| "tmuxagent".into());
        command.env("DEMO_PROGRAM", program);
        command.env("TERM", "xterm-256color").env("PS1", "$ ").env("HISTFILE", "");
        command.env("DEMO_PACE", format!("{:.3}", 1.0 / speed)).env("DEMO_MARKS", self.folder.join("marks"));
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.tmux);
        command.arg("-u").arg("-S").arg(self.socket()).args(["-f", "/dev/null"]);
        command.env_remove("TMUX").stdin(Stdio::null());
        command
    }

    /// Where to look and whom to ask.
    fn tell(&self, session: &Session) -> Result<(), CliError> {
        let (socket, state) = (self.socket(), self.folder.join("state"));
        if session.out.json {
            return session.out.json_line(&serde_json::json!({ "tmux_socket": socket, "state_dir": state }));
        }
        session.out.verbatim(&format!("tmux -S {} attach", socket.display()))?;
        session.out.verbatim(&format!("tmuxagent --state-dir {} status", state.display()))
    }
}

fn missing(tmux: &str, error: &std::io::Error) -> CliError {
    match error.kind() {
        std::io::ErrorKind::NotFound => CliError::user(
            format!("the program `{tmux}` is missing"),
            "`.ci/install tmux` or your system's package manager installs it",
        ),
        _ => CliError::internal(color_eyre::eyre::eyre!("can't run {tmux}: {error}")),
    }
}
