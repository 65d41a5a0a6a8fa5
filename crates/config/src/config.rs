//! The valid configuration.

use super::{Network, Secret};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use tmuxagent_model::{HostName, Millis};
use tmuxagent_yaml::Node;

/// Everything that the configuration file says, defaults filled in.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// The language of what people read.
    pub language: LanguageChoice,
    /// The machines to watch, names unique, at least one.
    pub hosts: Vec<HostConfig>,
    /// Policy files and folders; the `policies` folder beside the configuration, or the bundled ones, when empty.
    pub policy: Vec<PathBuf>,
    /// The state database; in the state folder when `None`.
    pub sqlite_path: Option<PathBuf>,
    /// The folder of approval files; in the state folder when `None`.
    pub approval_dir: Option<PathBuf>,
    /// How long a decision can be taken back before its effect is performed; zero: not at all.
    pub undo: Millis,
    /// The time limit of stages whose policy names none; zero: none.
    pub stage_timeout: Millis,
    /// How long keys wait for the program that they are for before a person is asked, where the policy names no span.
    pub hold: Millis,
    /// What is kept, and how long.
    pub retention: Retention,
    /// The recording of panes' output.
    pub record: Recording,
    /// When only urgent alerts are sent.
    pub quiet_hours: Option<QuietHours>,
    /// The web server for signed links; `None`: off.
    pub serve: Option<ServeConfig>,
    /// Where metrics are told; `None`: nowhere.
    pub metrics: Option<SocketAddr>,
    /// `APPROVAL_SECRET` from the environment.
    pub approval_secret: Option<Secret>,
    /// `notify:` — one word or a map of routes; validated by the alerting part.
    pub notify: Option<Tree>,
    /// `channels:` — a map by name; validated by the alerting part.
    pub channels: Option<Tree>,
}

/// Which language people read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LanguageChoice {
    /// By `LC_ALL`, `LC_MESSAGES`, `LANG`.
    #[default]
    Auto,
    /// English, whatever the locale says.
    English,
    /// Simplified Chinese, whatever the locale says.
    Chinese,
}

/// A watched machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostConfig {
    /// What it is called everywhere, as in `nas:%3`.
    pub name: HostName,
    /// How it is reached; `None`: it is this machine.
    pub ssh: Option<SshConfig>,
    /// Which server there, and which of its panes.
    pub tmux: TmuxConfig,
}

/// How a machine is reached with the system's `ssh`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SshConfig {
    /// Name, address, or alias of `~/.ssh/config`. Never begins with `-`.
    pub host: String,
    /// The port, where the alias does not tell it.
    pub port: Option<u16>,
    /// The user, where the alias does not tell it.
    pub user: Option<String>,
    /// The file of the private key.
    pub key: Option<PathBuf>,
    /// The machine to go through (`ProxyJump`).
    pub jump: Option<String>,
    /// More options as for `ssh -o`, `Name=value`.
    pub options: Vec<String>,
}

/// Which tmux server of a machine is watched, and what of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TmuxConfig {
    /// Which of the user's servers.
    pub socket: TmuxSocket,
    /// The tmux program there: a name for `PATH`, or a path.
    pub bin: String,
    /// Sessions to watch, globs; all when empty. A leading `!` excludes.
    pub session_filters: Vec<String>,
    /// Window names or pane titles to watch, globs; all when empty. A leading `!` excludes.
    pub pane_name_patterns: Vec<String>,
    /// How many lines of history are read to close a gap.
    pub capture_lines: u32,
    /// The pace where the server must be polled.
    pub poll_interval: Millis,
}

impl Default for TmuxConfig {
    fn default() -> Self {
        Self {
            socket: TmuxSocket::Default,
            bin: "tmux".to_owned(),
            session_filters: Vec::new(),
            pane_name_patterns: Vec::new(),
            capture_lines: 2000,
            poll_interval: Millis(1500),
        }
    }
}

/// A tmux server of one user.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum TmuxSocket {
    /// The server that `tmux` without options talks to.
    #[default]
    Default,
    /// `tmux -L name`.
    Name(String),
    /// `tmux -S path`.
    Path(PathBuf),
}

impl TmuxSocket {
    /// A text with a `/` is a path, any other a name.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        match text {
            "" | "default" => Self::Default,
            _ if text.contains('/') => Self::Path(PathBuf::from(text)),
            _ => Self::Name(text.to_owned()),
        }
    }

    /// The arguments that choose it.
    #[must_use]
    pub fn arguments(&self) -> Vec<String> {
        match self {
            Self::Default => Vec::new(),
            Self::Name(name) => vec!["-L".to_owned(), name.clone()],
            Self::Path(path) => vec!["-S".to_owned(), path.display().to_string()],
        }
    }
}

/// Limits of what is stored. Zero keeps without limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retention {
    /// Journal rows older than this go.
    pub journal: Millis,
    /// Finished runs older than this go. Decisions are kept for ever.
    pub runs: Millis,
    /// Where the database holds more, the oldest journal rows go, then the oldest finished runs; bytes.
    pub database_size: u64,
    /// Recorded output older than this goes.
    pub recordings: Millis,
    /// Recorded output beyond this goes, oldest first; bytes.
    pub recordings_size: u64,
}

/// Seconds of a day.
const DAY: u64 = 86_400;

impl Default for Retention {
    fn default() -> Self {
        Self {
            journal: Millis::from_secs(90 * DAY),
            runs: Millis::from_secs(90 * DAY),
            database_size: 256 * 1024 * 1024,
            recordings: Millis::from_secs(7 * DAY),
            recordings_size: 512 * 1024 * 1024,
        }
    }
}

/// Whether panes' output is recorded for replay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recording {
    /// On or off.
    pub enabled: bool,
    /// Windows, sessions or titles that are never recorded, globs.
    pub exclude: Vec<String>,
}

impl Default for Recording {
    fn default() -> Self {
        Self { enabled: true, exclude: Vec::new() }
    }
}

/// A span of the local day, possibly over midnight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuietHours {
    /// Its begin, minutes since midnight.
    pub from: u16,
    /// Its end, minutes since midnight; not part of it.
    pub to: u16,
}

impl QuietHours {
    /// Whether a minute of the local day is quiet. A span that ends where it begins is the whole day.
    #[must_use]
    pub const fn holds(self, minute: u16) -> bool {
        if self.from < self.to {
            self.from <= minute && minute < self.to
        } else {
            minute >= self.from || minute < self.to
        }
    }
}

/// The web server for signed links.
#[derive(Debug, Clone, PartialEq)]
pub struct ServeConfig {
    /// Where it listens.
    pub bind: SocketAddr,
    /// What phones see, without a slash at the end; `http://BIND` when the configuration says nothing.
    pub public_base_url: String,
    /// Asked for on the page before a decision.
    pub pin: Option<Secret>,
    /// The proxies and tunnels before it, whose `X-Forwarded-For` is believed; nobody's when empty.
    pub trusted_proxies: Vec<Network>,
}

/// A part of the file whose meaning another room knows, `${VAR}` filled. May hold secrets, so it has no `Debug` text.
#[derive(Clone, PartialEq)]
pub struct Tree(pub Node);

impl fmt::Debug for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tree(at {})", self.0.at.start)
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            language: LanguageChoice::Auto,
            hosts: vec![HostConfig { name: HostName::local(), ssh: None, tmux: TmuxConfig::default() }],
            policy: Vec::new(),
            sqlite_path: None,
            approval_dir: None,
            undo: Millis(0),
            stage_timeout: Millis::from_secs(2 * 3600),
            hold: Millis::from_secs(60),
            retention: Retention::default(),
            record: Recording::default(),
            quiet_hours: None,
            serve: None,
            metrics: None,
            approval_secret: None,
            notify: None,
            channels: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quiet_hours_go_over_midnight() {
        let night = QuietHours { from: 22 * 60, to: 7 * 60 };
        let shown: Vec<bool> = [0, 419, 420, 1319, 1320, 1439].map(|minute| night.holds(minute)).to_vec();
        assert_eq!(shown, [true, true, false, false, true, true]);
        assert!(QuietHours { from: 0, to: 0 }.holds(720), "00:00-24:00");
    }

    #[test]
    fn a_socket_with_a_slash_is_a_path() {
        assert_eq!(TmuxSocket::parse("work").arguments(), ["-L", "work"]);
        assert_eq!(TmuxSocket::parse("/tmp/s").arguments(), ["-S", "/tmp/s"]);
        assert!(TmuxSocket::parse("default").arguments().is_empty());
    }
}
