//! The init systems of users: systemd's user instance and launchd. Both are asked by their own programs.

use super::super::{CliError, Session};
use super::text::{Service, program_of_agent, program_of_unit};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use tmuxagent_text::clean;

/// The name of the unit.
const UNIT: &str = "tmuxagent.service";
/// The name of launchd's agent.
const LABEL: &str = "tmuxagent";

/// Who starts the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Init {
    Systemd,
    Launchd,
}

/// What it says of the service.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct State {
    /// Whether it starts by itself.
    pub enabled: bool,
    /// `active`, `failed`, `activating`…: its own word; empty where it can't be asked.
    pub active: String,
    /// Since when, in its own words.
    pub since: String,
    /// Its process.
    pub pid: Option<u32>,
    /// What the supervisor told.
    pub says: String,
}

impl Init {
    /// That of this system.
    pub const fn here() -> Self {
        if cfg!(target_os = "macos") { Self::Launchd } else { Self::Systemd }
    }

    pub const fn name(self) -> &'static str {
        match self {
            Self::Systemd => "systemd",
            Self::Launchd => "launchd",
        }
    }

    /// Where it looks for the user's own services.
    pub fn place(self, session: &Session) -> Result<PathBuf, CliError> {
        let home = session
            .environment
            .home()
            .ok_or_else(|| CliError::user("the home folder is not known: HOME is not set", "set HOME and repeat"))?;
        Ok(match self {
            Self::Systemd => {
                let named = session.environment.non_empty("XDG_CONFIG_HOME").map(PathBuf::from);
                let base = named.filter(|path| path.is_absolute()).unwrap_or_else(|| home.join(".config"));
                base.join("systemd/user").join(UNIT)
            }
            Self::Launchd => home.join("Library/LaunchAgents").join(format!("{LABEL}.plist")),
        })
    }

    pub fn text(self, service: &Service) -> String {
        match self {
            Self::Systemd => service.unit(),
            Self::Launchd => service.agent(),
        }
    }

    /// The program that a file of ours starts.
    pub fn program(self, text: &str) -> Option<String> {
        match self {
            Self::Systemd => program_of_unit(text),
            Self::Launchd => program_of_agent(text),
        }
    }

    /// Refuses a machine that has none.
    pub fn must_be_here(self) -> Result<(), CliError> {
        let (program, argument) = match self {
            Self::Systemd => ("systemctl", "--version"),
            Self::Launchd => ("launchctl", "version"),
        };
        match ask(&words(&[program, argument])) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(CliError::user(
                format!("this machine has no `{program}`"),
                "`tmuxagent service install --in-tmux` keeps it running in your tmux",
            )),
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// Whether one of the user's own runs and answers.
    pub fn is_reached(self) -> bool {
        let asked = match self {
            Self::Systemd => ask(&words(&["systemctl", "--user", "show", "--property=Version"])),
            Self::Launchd => ask(&words(&["launchctl", "print", &domain()])),
        };
        asked.is_ok_and(|output| output.status.success())
    }

    /// The commands that start it, now and at each later start. `waits`: it can't begin before something else ends.
    pub fn starting(self, file: &Path, waits: bool) -> Vec<Vec<String>> {
        match self {
            Self::Systemd => {
                let mut enable = words(&["systemctl", "--user", "enable", "--now"]);
                enable.extend(waits.then(|| "--no-block".to_owned()));
                enable.push(UNIT.to_owned());
                vec![words(&["systemctl", "--user", "daemon-reload"]), enable]
            }
            Self::Launchd => vec![words(&["launchctl", "bootstrap", &domain(), &file.display().to_string()])],
        }
    }

    /// The commands that start it anew with another file.
    pub fn restarting(self, file: &Path) -> Vec<Vec<String>> {
        match self {
            Self::Systemd => vec![words(&["systemctl", "--user", "restart", UNIT])],
            Self::Launchd => [self.ending(), self.starting(file, false)].concat(),
        }
    }

    /// The commands that end it, before its file goes.
    pub fn ending(self) -> Vec<Vec<String>> {
        match self {
            Self::Systemd => vec![words(&["systemctl", "--user", "disable", "--now", UNIT])],
            Self::Launchd => vec![words(&["launchctl", "bootout", &format!("{}/{LABEL}", domain())])],
        }
    }

    /// The commands that have it forget what it was, once its file is gone.
    pub fn forgetting(self) -> Vec<Vec<String>> {
        match self {
            Self::Systemd => vec![words(&["systemctl", "--user", "daemon-reload"])],
            Self::Launchd => Vec::new(),
        }
    }

    /// What it says of the service.
    pub fn state(self) -> State {
        let asked = match self {
            Self::Systemd => {
                let fields = "--property=UnitFileState,ActiveState,StateChangeTimestamp,MainPID,StatusText";
                ask(&words(&["systemctl", "--user", "show", UNIT, fields]))
            }
            Self::Launchd => ask(&words(&["launchctl", "print", &format!("{}/{LABEL}", domain())])),
        };
        let said = asked.ok().filter(|output| output.status.success());
        let said = said.map(|output| clean_lines(&output.stdout)).unwrap_or_default();
        match self {
            Self::Systemd => of_systemd(&said),
            Self::Launchd => of_launchd(&said),
        }
    }

    /// Whether it goes on without a login; `None` where that is no question.
    pub fn lingers(self, user: &str) -> Option<bool> {
        match self {
            Self::Systemd => {
                let asked = ask(&words(&["loginctl", "show-user", user, "--property=Linger", "--value"]));
                Some(asked.is_ok_and(|output| output.stdout.trim_ascii() == b"yes"))
            }
            Self::Launchd => None,
        }
    }
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// The domain of the user's own services (launchctl(1)).
fn domain() -> String {
    format!("gui/{}", rustix::process::getuid().as_raw())
}

fn clean_lines(bytes: &[u8]) -> Vec<String> {
    String::from_utf8_lossy(bytes).lines().map(|line| clean(line.trim())).collect()
}

/// `Name=value` a line.
fn of_systemd(said: &[String]) -> State {
    let field = |name: &str| {
        said.iter().find_map(|line| line.strip_prefix(name)?.strip_prefix('=')).unwrap_or_default().to_owned()
    };
    State {
        enabled: field("UnitFileState") == "enabled",
        active: field("ActiveState"),
        since: field("StateChangeTimestamp"),
        pid: field("MainPID").parse().ok().filter(|pid| *pid != 0),
        says: field("StatusText"),
    }
}

/// `name = value` a line. What launchd knows starts by itself.
fn of_launchd(said: &[String]) -> State {
    let field = |name: &str| {
        said.iter().find_map(|line| line.strip_prefix(name)?.strip_prefix(" = ")).unwrap_or_default().to_owned()
    };
    let active = if field("state") == "running" { "active".to_owned() } else { field("state") };
    State { enabled: !said.is_empty(), active, pid: field("pid").parse().ok(), ..State::default() }
}

fn ask(words: &[String]) -> std::io::Result<Output> {
    let (program, arguments) = words.split_first().ok_or(std::io::ErrorKind::InvalidInput)?;
    Command::new(program).args(arguments).stdin(Stdio::null()).output()
}

/// Runs commands one after the other.
pub(super) fn run_all(commands: &[Vec<String>]) -> Result<(), CliError> {
    for command in commands {
        let shown = command.join(" ");
        let hint = "`journalctl --user -u tmuxagent.service` tells more, where systemd keeps a journal";
        let failed = |why: &str| CliError::user(format!("`{shown}` failed: {}", clean(why.trim())), hint);
        let output = ask(command).map_err(|error| failed(&error.to_string()))?;
        if !output.status.success() {
            return Err(failed(&String::from_utf8_lossy(&output.stderr)));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<String> {
        clean_lines(text.as_bytes())
    }

    #[test]
    fn what_init_systems_say_is_read() {
        let said = "UnitFileState=enabled\nActiveState=active\nStateChangeTimestamp=Mon 2026-03-02 09:12:44 CST\nMainPID=77\n\
                    StatusText=watches; hosts: 1\n";
        let state = of_systemd(&lines(said));
        assert!(state.enabled && state.active == "active" && state.pid == Some(77), "{state:?}");
        assert_eq!((state.since.as_str(), state.says.as_str()), ("Mon 2026-03-02 09:12:44 CST", "watches; hosts: 1"));
        let dead = of_systemd(&lines("UnitFileState=\nActiveState=inactive\nMainPID=0\n"));
        assert!(!dead.enabled && dead.active == "inactive" && dead.pid.is_none(), "{dead:?}");
        let state =
            of_launchd(&lines("gui/501/tmuxagent = {\n\tactive count = 1\n\tstate = running\n\tpid = 812\n}\n"));
        assert!(state.enabled && state.active == "active" && state.pid == Some(812), "{state:?}");
        assert_eq!(of_launchd(&[]), State::default());
    }
}
