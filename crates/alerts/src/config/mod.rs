//! Channels and routes, from the configuration's trees to valid values.
//!
//! A channel's `kind` is its name unless it says otherwise, and what it does not say comes from the environment where
//! scripts are used to keep it (`WECOM_WEBHOOK`, `WECOM_CORP_ID`, `SENTRY_SERVERCHAN_KEY` …), so `notify: wecom_app` alone
//! is enough.

mod build;
mod command;
mod kinds;
mod own;
mod routes;
mod setup;

pub use build::{BuildError, Surroundings, build};
#[cfg(test)]
pub(crate) use kinds::NAMES;
pub use kinds::{ChannelConfig, Kind};
pub use own::{BodyConfig, WebhookConfig};
pub use routes::{Escalation, Reminders, Route, Routing, When};

use std::collections::BTreeMap;
use tmuxagent_config::{Config, Environment, Loaded, Problem, Tree};
use tmuxagent_text::redact::{Redactor, is_secret_name};
use tmuxagent_yaml::{Diagnostics, Node, Place, Reader, Source};

/// Everything about alerts that the configuration says.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Settings {
    /// The channels by name, those that routes only name included.
    pub channels: BTreeMap<String, ChannelConfig>,
    /// What goes where and when.
    pub routing: Routing,
}

impl Settings {
    /// What takes out the known secrets as well: the channels' credentials, the PIN, the keys of links, what variables with
    /// such names hold, and what the user's own `.env` and those of his workspaces hold unless `is_public`.
    #[must_use]
    pub fn redactor(&self, loaded: &Loaded) -> Redactor {
        let channels = self.channels.values().flat_map(|channel| channel.kind.secrets());
        let links = loaded.config.approval_secret.iter().chain(loaded.config.serve.iter().flat_map(|serve| &serve.pin));
        let known = channels.chain(links).map(|secret| secret.expose().to_owned());
        let own = |name: &str| loaded.environment.files().iter().flat_map(|file| &file.names).any(|own| own == name);
        let secret = |name: &str, value: &str| {
            !is_path(value) && !is_word(value) && (is_secret_name(name) || own(name) && !is_public(value))
        };
        let variables = loaded.environment.iter().filter(|(name, value)| secret(name, value));
        let plain =
            |name: &str, value: &str| is_path(value) || is_word(value) || is_public(value) && !is_secret_name(name);
        let given = loaded.given.iter().filter(|(name, value)| !plain(name, value));
        Redactor::knowing(known.chain(variables.chain(given).map(|(_, value)| value.to_owned())))
    }
}

/// A path says where a key lies, and is no secret.
fn is_path(value: &str) -> bool {
    value.starts_with('/') || value.starts_with("~/")
}

/// The longest word that is taken for one of everyday.
const LONGEST_WORD: usize = 15;

/// Whether a value is an everyday word such as `production` or `postgres`, which would be taken out of every text; what
/// stands behind `PASSWORD=` is taken out there in any case.
fn is_word(value: &str) -> bool {
    let letters = value.len() <= LONGEST_WORD && value.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'_');
    let rest = value.get(1..).unwrap_or_default();
    letters && (rest == rest.to_ascii_lowercase() || value == value.to_ascii_uppercase())
}

/// Whether a value of a `.env` file is none of its secrets: numbers, times and addresses, and the name of a web server
/// without anything that lets one in.
fn is_public(value: &str) -> bool {
    let number = value.bytes().all(|byte| byte.is_ascii_digit() || b".:-/+ ".contains(&byte));
    let server = value.split_once("://").is_some_and(|(_, rest)| {
        let rest = rest.trim_end_matches('/');
        !rest.is_empty() && !rest.contains(['/', '@', '?', '#'])
    });
    number || server
}

/// Everything about alerts of a loaded configuration.
///
/// # Errors
/// As [`read`].
pub fn of(loaded: &Loaded) -> Result<Settings, Problem> {
    // The text is only needed to show places; a default configuration has none.
    let text = tmuxagent_config::read_placed(loaded.config_name.as_ref()).unwrap_or_default();
    let source = Source::new(loaded.config_name.clone(), text);
    read(&loaded.config, &source, &loaded.environment).map_err(Problem::in_text)
}

/// The channel of that name; a kind's name that is not configured is made from the environment. `None`: there is none.
///
/// # Errors
/// What it lacks.
pub fn channel(loaded: &Loaded, name: &str) -> Result<Option<ChannelConfig>, Problem> {
    let mut settings = of(loaded)?;
    if !settings.channels.contains_key(name) && kinds::NAMES.contains(&name) {
        let word = Tree(Node::of_text(Place::default(), name));
        let config = Config { notify: Some(word), ..loaded.config.clone() };
        let source = Source::new(format!("<channel {name}>"), String::new());
        settings = read(&config, &source, &loaded.environment).map_err(Problem::in_text)?;
    }
    Ok(settings.channels.remove(name))
}

/// Reads `channels:` and `notify:` of a valid configuration. `source` is the configuration's text, for places.
///
/// # Errors
/// Everything that is wrong, with the nearest right word.
pub fn read(config: &Config, source: &Source, environment: &Environment) -> Result<Settings, Diagnostics> {
    let reader = Reader::new(source);
    let mut channels = BTreeMap::new();
    if let Some(fields) = config.channels.as_ref().and_then(|tree| reader.map(&tree.0, "channels")) {
        for (key, node) in fields.entries() {
            if let Some(channel) = kinds::read(&reader, environment, &key.text, key.at, node) {
                channels.insert(key.text.clone(), channel);
            }
        }
    }
    let routing = match &config.notify {
        Some(tree) => {
            let named = config.channels.iter().filter_map(|tree| tree.0.entries()).flatten();
            let known: Vec<String> = named.map(|(key, _)| key.text.clone()).collect();
            let mut names = routes::Names { reader: &reader, environment, known: &known, channels: &mut channels };
            routes::read(&mut names, &tree.0)
        }
        None => Routing::everything_to(channels.keys().cloned().collect()),
    };
    reader.finish().judge(Some(Settings { channels, routing }))
}

#[cfg(test)]
mod tests;
