//! What a service has to know of the environment in which it is installed: an init system starts it in an empty one.

use super::super::hooks::text_of;
use super::super::{CliError, Session, configured_lang};
use super::text::Service;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use tmuxagent_alerts::config::{Kind, of};
use tmuxagent_config::Loaded;

/// What is taken over as it is: where programs, files and tmux's socket are found, and the language. None can be a secret.
const TAKEN: [&str; 8] =
    ["PATH", "LANG", "LC_ALL", "LC_MESSAGES", "TMUXAGENT_LANG", "TMUX_TMPDIR", "XDG_CONFIG_HOME", "XDG_STATE_HOME"];

/// The variable of `--lang`.
const LANGUAGE: &str = "TMUXAGENT_LANG";

/// What calls of this machine to itself must not go through a proxy for.
const HERE: &str = "localhost,127.0.0.1,::1";

/// The variables of a proxy: its address may hold a password, so it belongs into `.env`.
const PROXIES: [&str; 6] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "HTTP_PROXY", "http_proxy"];

impl Service {
    /// As this program was called.
    ///
    /// # Errors
    /// With a configuration that a service could not start with, or a path that no unit can name.
    pub(super) fn of(session: &Session) -> Result<Self, CliError> {
        let loaded = session.load()?;
        let words = words(session)?;
        let mut variables: Vec<(String, String)> = Vec::new();
        for name in TAKEN {
            if let Some(value) = session.environment.non_empty(name) {
                variables.push((name.to_owned(), plain(value.to_owned())?));
            }
        }
        if let Some(lang) = flag_of_language(session) {
            variables.retain(|(name, _)| name != LANGUAGE);
            variables.push((LANGUAGE.to_owned(), lang.to_owned()));
        }
        if let Some(excluded) = without_proxy(session, &loaded)? {
            // Some programs read the one, some the other.
            variables.extend(["NO_PROXY", "no_proxy"].map(|name| (name.to_owned(), excluded.clone())));
        }
        let env_file = loaded.paths.config_dir.join(".env");
        let env_file = if is_own_secret(&env_file) { Some(plain(text_of(env_file)?)?) } else { None };
        let log = plain(text_of(loaded.paths.logs().join("service.log"))?)?;
        Ok(Self { words, variables, env_file, log })
    }

    /// The same in a session of tmux. An init system says itself where sockets lie; here they are to lie where the user's own
    /// commands look for them, also after cron has opened the session, which knows nothing of all that.
    ///
    /// # Errors
    /// As [`Service::of`].
    pub(super) fn in_session(session: &Session) -> Result<Self, CliError> {
        const SOCKETS: &str = "XDG_RUNTIME_DIR";
        let mut service = Self::of(session)?;
        if let Some(folder) = session.environment.non_empty(SOCKETS) {
            service.variables.push((SOCKETS.to_owned(), plain(folder.to_owned())?));
        }
        Ok(service)
    }
}

/// The language that `--lang` asked for: the one of this command, where without the flag it would be another.
fn flag_of_language(session: &Session) -> Option<&'static str> {
    let chosen = session.out.lang;
    let asked = configured_lang(&session.overrides, &session.environment) != chosen;
    asked.then(|| chosen.pick("en", "zh"))
}

/// The proxy of this shell of which the service would not know.
pub(super) fn unknown_proxy(session: &Session) -> Option<&'static str> {
    let loaded = session.load().ok()?;
    let in_file =
        |name: &str| loaded.environment.files().iter().any(|file| file.names.iter().any(|known| known == name));
    PROXIES.into_iter().find(|name| session.environment.non_empty(name).is_some() && !in_file(name))
}

/// The program and the flags by which it finds its files.
fn words(session: &Session) -> Result<Vec<String>, CliError> {
    let absolute = |path: &Path| text_of(std::path::absolute(path).map_err(CliError::internal)?);
    let overrides = &session.overrides;
    let mut words = vec![text_of(std::env::current_exe().map_err(CliError::internal)?)?];
    if let Some(file) = &overrides.config {
        words.extend(["--config".to_owned(), absolute(file)?]);
    }
    for path in &overrides.policy {
        words.extend(["--policy".to_owned(), absolute(path)?]);
    }
    if let Some(folder) = &overrides.state_dir {
        words.extend(["--state-dir".to_owned(), absolute(folder)?]);
    }
    if let Some(socket) = &overrides.tmux_socket {
        let path = socket.contains('/').then(|| absolute(&PathBuf::from(socket))).transpose()?;
        words.extend(["--socket".to_owned(), path.unwrap_or_else(|| socket.clone())]);
    }
    words.into_iter().map(plain).collect()
}

/// A line break in a unit would begin a line of its own.
fn plain(text: String) -> Result<String, CliError> {
    if text.chars().any(char::is_control) {
        let text = format!("{} holds a control character, so no service can name it", tmuxagent_text::clean(&text));
        return Err(CliError::user(text, "move it to a folder with another name"));
    }
    Ok(text)
}

/// Whom a proxy must not be asked for, where the configuration has channels of `WeCom`: it answers known addresses alone,
/// and a proxy abroad has another one.
fn without_proxy(session: &Session, loaded: &Loaded) -> Result<Option<String>, CliError> {
    let settings = of(loaded)?;
    let is_wecom = |kind: &Kind| {
        matches!(
            kind,
            Kind::Wecom { base_url: None, .. }
                | Kind::WecomApp { base_url: None, .. }
                | Kind::WecomBot { url: None, .. }
        )
    };
    let channels = settings.channels.values().map(|channel| &channel.kind).filter(|kind| is_wecom(kind));
    let hosts: Vec<String> = channels.filter_map(|kind| Some(kind.address()?.0)).collect();
    if hosts.is_empty() {
        return Ok(None);
    }
    let known = ["NO_PROXY", "no_proxy"].into_iter().find_map(|name| session.environment.non_empty(name));
    let mut all = plain(known.unwrap_or(HERE).to_owned())?;
    for host in hosts {
        if !all.split(',').any(|there| there.trim() == host) {
            all = format!("{all},{host}");
        }
    }
    Ok(Some(all))
}

/// Whether the user owns a file, and nobody else can read it: an init system looks at neither.
fn is_own_secret(path: &Path) -> bool {
    let own = rustix::process::geteuid().as_raw();
    std::fs::metadata(path).is_ok_and(|file| file.is_file() && file.uid() == own && file.mode() & 0o077 == 0)
}
