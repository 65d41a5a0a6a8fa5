//! Configuration, folders, the environment and secrets.
//!
//! A file is read into a tree with places, its `${VAR}` are filled, and `read` makes the one valid [`Config`] of it
//! or reports everything that is wrong. `load` does all of that and collects the policies' texts; the supervisor
//! calls it again on reload.
//!
//! **Invariants:** only this crate finds folders and reads the environment; no folder that one merely stands in says
//! anything; what others could have written is not believed; no secret is ever in a `Debug` text; `channels` and
//! `notify` stay trees, since their meaning is that of `alerts` (`alerts::config::of`).

// `pub` means: for other crates.
#![warn(unreachable_pub)]

mod config;
mod environment;
mod expand;
mod load;
mod network;
mod paths;
mod read_config;
mod read_text;
mod secret;
mod trust;
mod workspaces;

pub use self::config::{
    Config, HostConfig, LanguageChoice, QuietHours, Recording, Retention, ServeConfig, SshConfig, TmuxConfig,
    TmuxSocket, Tree,
};
pub use self::read_text::{open_regular, read_bytes, read_placed, read_text};
pub use environment::{EnvFile, Environment, NOTIFY};
pub use load::{Loaded, Problem, is_policy_test, language, load, policy_names, policy_sources, readable_policies};
pub use network::Network;
pub use paths::{Overrides, Paths, make_private_folder};
pub use read_config::read;
pub use secret::Secret;
pub use trust::trusted;
pub use workspaces::{GivenValues, note_given};

/// The configuration with every key, its default and its meaning; the reference.
pub const DEFAULT_CONFIG: &str = include_str!("../../../assets/default-config.yaml");

#[cfg(test)]
mod tests;
