//! Channels and routes, from the configuration's trees to valid values.
//!
//! A channel's `kind` is its name unless it says otherwise, and what it does not say comes from the environment where
//! scripts are used to keep it (`WECOM_WEBHOOK`, `WECOM_CORP_ID`, `SENTRY_SERVERCHAN_KEY` …), so `notify: wecom_app` alone
//! is enough.

mod build;
mod kinds;
mod routes;

pub use build::{BuildError, Surroundings, build};
pub use kinds::{BodyConfig, ChannelConfig, Kind, WebhookConfig};
pub use routes::{Escalation, Reminders, Route, Routing, When};

use crate::config::{Config, Environment};
use crate::yaml::{Diagnostic, Reader, Source};
use std::collections::BTreeMap;

/// Everything about alerts that the configuration says.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Settings {
    /// The channels by name, those that routes only name included.
    pub channels: BTreeMap<String, ChannelConfig>,
    /// What goes where and when.
    pub routing: Routing,
}

/// Reads `channels:` and `notify:` of a valid configuration. `source` is the configuration's text, for places.
///
/// # Errors
/// Everything that is wrong, with the nearest right word.
pub fn read(config: &Config, source: &Source, environment: &Environment) -> Result<Settings, Vec<Diagnostic>> {
    let reader = Reader::new(source);
    let mut channels = BTreeMap::new();
    if let Some(fields) = config.channels.as_ref().and_then(|tree| reader.map(&tree.0, "channels")) {
        for (key, node) in fields.entries() {
            if let Some(channel) = kinds::read(&reader, environment, &key.text, key.span, node) {
                channels.insert(key.text.clone(), channel);
            }
        }
    }
    let routing = match &config.notify {
        Some(tree) => {
            let known: Vec<String> = match config.channels.as_ref().map(|tree| &tree.0.value) {
                Some(crate::yaml::Value::Map(entries)) => entries.iter().map(|(key, _)| key.text.clone()).collect(),
                _ => Vec::new(),
            };
            let mut names = routes::Names { reader: &reader, environment, known: &known, channels: &mut channels };
            routes::read(&mut names, &tree.0)
        }
        None => Routing::everything_to(channels.keys().cloned().collect()),
    };
    let found = reader.finish();
    if found.is_empty() { Ok(Settings { channels, routing }) } else { Err(found) }
}

#[cfg(test)]
mod tests;
