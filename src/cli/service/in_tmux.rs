//! The supervisor in a session of the user's own tmux, for machines that have no init system for users.

use super::super::{CliError, Session};
use super::text::Service;
use std::process::{Command, Output, Stdio};
use tmuxagent_supervisor::transport;
use tmuxagent_text::clean;
use tmuxagent_tmux::{Transport, shell_word};

/// The name of the session.
pub(super) const NAME: &str = "tmuxagent-service";
/// The option that says that a session of this name is ours; its value is the program.
const MARK: &str = "@tmuxagent_service";
/// The option that says with which flags and environment it runs: [`Service::digest`].
const AS: &str = "@tmuxagent_service_as";
/// An orderly end (`tmuxagent shutdown`) ends the loop too. Without a terminal to read from no error waits for a key.
const LOOP: &str = r#"until "$0" "$@" </dev/null; do sleep 15; done"#;

/// The session, as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Found {
    Nothing,
    Ours(Ours),
    Foreign,
}

/// A session of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ours {
    /// Since when, in seconds since 1970.
    pub created: i64,
    /// As what it was opened; empty of an earlier version's.
    digest: String,
    /// Its program.
    pub program: String,
}

impl Ours {
    /// Whether it runs as it would be opened now.
    pub fn is(&self, service: &Service) -> bool {
        self.digest.is_empty() || self.digest == service.digest()
    }
}

/// The way to the user's tmux.
#[derive(Debug)]
pub(super) struct InTmux {
    transport: Transport,
}

impl InTmux {
    /// The tmux of this machine that the configuration names first, or in which the program was called.
    pub fn find(session: &Session) -> Result<Self, CliError> {
        let loaded = session.load()?;
        let host = loaded.config.hosts.iter().find(|host| host.ssh.is_none()).ok_or_else(|| {
            CliError::user("no host of the configuration is this machine", "`tmuxagent config check` lists them")
        })?;
        Ok(Self { transport: transport(host, &loaded.paths.runtime_dir) })
    }

    /// Looks for the session. Where no server runs there is none.
    pub fn look(&self) -> Result<Found, CliError> {
        let format = format!("#{{session_name}} #{{session_created}} #{{{AS}}} #{{{MARK}}}");
        let output = self.ask(&["list-sessions", "-F", &format])?;
        let listed = String::from_utf8_lossy(&output.stdout).into_owned();
        Ok(listed.lines().find_map(found).unwrap_or(Found::Nothing))
    }

    /// Opens it.
    pub fn open(&self, service: &Service) -> Result<(), CliError> {
        let variables: Vec<String> = service.variables.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let program = service.words.first().map_or("tmuxagent", String::as_str);
        let mut words = vec!["new-session", "-d", "-s", NAME, "-n", "tmuxagent", "-c", "/", "env"];
        words.extend(variables.iter().map(String::as_str));
        words.extend(["sh", "-c", LOOP]);
        words.extend(service.words.iter().map(String::as_str));
        words.push("--headless");
        // At the end of a word tmux takes it for the end of the command.
        let mut words: Vec<String> = words.into_iter().map(literal).collect();
        words.extend([";", "set-option", "-t", &format!("={NAME}:"), MARK].map(str::to_owned));
        words.push(literal(program));
        words.extend([";", "set-option", "-t", &format!("={NAME}:"), AS, &service.digest()].map(str::to_owned));
        self.must(&words.iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// Closes it, and with it the supervisor, which ends in order when its terminal goes.
    pub fn close(&self) -> Result<(), CliError> {
        self.must(&["kill-session", "-t", &format!("={NAME}")])
    }

    fn must(&self, arguments: &[&str]) -> Result<(), CliError> {
        let output = self.ask(arguments)?;
        if output.status.success() {
            return Ok(());
        }
        let why = clean(String::from_utf8_lossy(&output.stderr).trim());
        Err(CliError::user(format!("tmux can't be asked: {why}"), "see `tmuxagent doctor`"))
    }

    fn ask(&self, arguments: &[&str]) -> Result<Output, CliError> {
        let words = self.transport.command(arguments);
        let (program, arguments) =
            words.split_first().map_or(("tmux", &[][..]), |(first, rest)| (first.as_str(), rest));
        let mut command = Command::new(program);
        command.args(arguments).env_remove("TMUX").env_remove("TMUX_PANE").stdin(Stdio::null());
        command.output().map_err(|error| {
            let why = error.to_string();
            CliError::user(format!("can't run `{program}`: {why}"), "see `tmuxagent doctor`")
        })
    }
}

/// A word that stays one for tmux.
fn literal(word: &str) -> String {
    word.strip_suffix(';').map_or_else(|| word.to_owned(), |before| format!("{before}\\;"))
}

/// A row of `list-sessions`, where it is that of our name.
fn found(row: &str) -> Option<Found> {
    let rest = row.strip_prefix(NAME)?.strip_prefix(' ')?;
    let (created, rest) = rest.split_once(' ')?;
    let (digest, mark) = rest.split_once(' ')?;
    let (created, digest) = (created.parse().ok()?, clean(digest));
    Some(if mark.is_empty() { Found::Foreign } else { Found::Ours(Ours { created, digest, program: clean(mark) }) })
}

/// The line for crontab(5) by which the session comes back with the machine, as it is: cron knows neither the language nor
/// where the user's files and tmux's socket lie. A `%` would end the command there.
pub(super) fn cron_line(service: &Service) -> String {
    let assign = |(name, value): &(String, String)| format!("{name}={} ", shell_word(value));
    let assigned: String = service.variables.iter().map(assign).collect();
    format!("@reboot {assigned}{} >/dev/null", command(service, "install")).replace('%', "\\%")
}

/// The command that opens it, or closes it, with the same flags.
pub(super) fn command(service: &Service, what: &str) -> String {
    let words: Vec<String> = service.words.iter().map(|word| shell_word(word)).collect();
    format!("{} service {what} --in-tmux", words.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_session_is_known_by_its_mark() {
        let ours = |digest: &str| Ours { created: 12, digest: digest.to_owned(), program: "/a b/tmuxagent".to_owned() };
        assert_eq!(found("tmuxagent-service 12 7f /a b/tmuxagent"), Some(Found::Ours(ours("7f"))));
        assert_eq!(found("tmuxagent-service 12  /a b/tmuxagent"), Some(Found::Ours(ours(""))), "an earlier version's");
        assert_eq!(found("tmuxagent-service 12  "), Some(Found::Foreign));
        assert_eq!(["main 12  ", "tmuxagent-service2 12 1 x", "tmuxagent-service x"].map(found), [None, None, None]);
    }

    #[test]
    fn the_line_for_cron_is_one_command() {
        let service = Service {
            words: ["/opt/t a%/tmuxagent", "--state-dir", "/s"].map(str::to_owned).to_vec(),
            variables: [
                ("PATH", "/usr/bin:/my bin"),
                ("LANG", "zh_CN.UTF-8"),
                ("TMUX_TMPDIR", "/t"),
                ("XDG_STATE_HOME", "/x"),
            ]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .to_vec(),
            env_file: None,
            log: String::new(),
        };
        let line = concat!(
            r"@reboot PATH='/usr/bin:/my bin' LANG=zh_CN.UTF-8 TMUX_TMPDIR=/t XDG_STATE_HOME=/x ",
            r"'/opt/t a\%/tmuxagent' --state-dir /s service install --in-tmux >/dev/null"
        );
        assert_eq!(cron_line(&service), line);
        assert_eq!(literal("a;"), r"a\;");
    }
}
