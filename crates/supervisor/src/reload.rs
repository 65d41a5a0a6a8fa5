//! Configuration and policies, read again while running. What is bad on disk changes nothing: the old goes on and the
//! screen shows the error.

use super::dispatch::Dispatch;
use super::files::Files;
use super::hosts::spawn_host;
use super::secrets::{cleaner, redaction};
use std::collections::BTreeMap;
use std::sync::Arc;
use tmuxagent_alerts::config::Settings;
use tmuxagent_config::{Config, Environment, HostConfig, Loaded, Overrides, Problem, Retention, load};
use tmuxagent_engine::Options;
use tmuxagent_ipc::wire::{ErrorKind, Reply};
use tmuxagent_model::{ConfigPart, Event, HowChanged, Note, PartChange, Severity};
use tmuxagent_policy::{Policy, Source};
use tokio::sync::watch;

/// What is needed to read everything again.
#[derive(Debug)]
pub struct Reloader {
    /// The flags of the start.
    pub overrides: Overrides,
    /// The environment of the start.
    pub environment: Environment,
    /// What runs now.
    pub loaded: Loaded,
    /// Where collectors see the policy.
    pub policy: watch::Sender<Arc<Policy>>,
    /// Where the upkeep sees what is kept.
    pub retention: watch::Sender<Retention>,
    /// Notices changes.
    pub files: Files,
}

/// Reads the policies of a configuration.
///
/// # Errors
/// All problems with their places.
pub fn read_policy(loaded: &Loaded, generation: u64) -> Result<Arc<Policy>, Problem> {
    let sources: Vec<Source> =
        loaded.policy_sources.iter().map(|source| Source::new(source.name.clone(), source.text.clone())).collect();
    match tmuxagent_policy::load(&sources) {
        Ok(mut policy) => {
            policy.generation = generation;
            Ok(Arc::new(policy))
        }
        Err(diagnostics) => Err(Problem::new(diagnostics.to_string(), diagnostics.summary())),
    }
}

impl Dispatch {
    /// Reads everything again and goes over to it where it is good.
    pub(super) async fn reload(&mut self) -> Reply {
        let (overrides, environment) = (self.reloader.overrides.clone(), self.reloader.environment.clone());
        let read = move || load(&overrides, &environment);
        let loaded = match tokio::task::spawn_blocking(read).await {
            Ok(Ok(loaded)) => loaded,
            Ok(Err(problem)) => return self.refuse("configuration", &problem),
            Err(panic) => return Reply::Error { kind: ErrorKind::Internal, text: panic.to_string() },
        };
        let settings = match tmuxagent_alerts::config::of(&loaded) {
            Ok(settings) => settings,
            Err(problem) => return self.refuse("configuration", &problem),
        };
        self.solve("configuration");
        let generation = self.engine.policy().generation + 1;
        let policy = match read_policy(&loaded, generation) {
            Ok(policy) => policy,
            Err(problem) => return self.refuse("policy", &problem),
        };
        self.solve("policy");
        let pipelines = policy.pipelines.len();
        if policy.hash != self.engine.policy().hash {
            self.go_over_to(policy);
        }
        let changes = self.differences(&loaded, &settings);
        self.board.policies = loaded.policy_names();
        self.dirty = true;
        self.change_hosts(&loaded.config);
        self.performer.take_tokens_from(&loaded.environment);
        self.hosts.configure_recordings(&loaded.config);
        self.reloader.retention.send_replace(loaded.config.retention.clone());
        self.change_alerts(&loaded, settings);
        self.reloader.files.renew(&loaded, &self.reloader.overrides.policy);
        self.reloader.loaded = loaded;
        if !changes.is_empty() {
            self.tell(Severity::Info, "", Note::Reloaded { changes: changes.clone() });
        }
        Reply::Reloaded { pipelines, changes }
    }

    /// Which hosts, channels and policies are new, different or no more, and whether anything else is different.
    fn differences(&self, loaded: &Loaded, settings: &Settings) -> Vec<PartChange> {
        let (old, new) = (&self.reloader.loaded, &loaded.config);
        let by_name = |hosts: &[HostConfig]| -> BTreeMap<String, HostConfig> {
            hosts.iter().map(|host| (host.name.to_string(), host.clone())).collect()
        };
        let mut changes = compare(ConfigPart::Host, &by_name(&old.config.hosts), &by_name(&new.hosts));
        changes.extend(compare(ConfigPart::Channel, self.away.channels(), &settings.channels));
        let texts = |loaded: &Loaded| -> BTreeMap<String, String> {
            loaded.policy_sources.iter().map(|source| (source.name.clone(), source.text.clone())).collect()
        };
        changes.extend(compare(ConfigPart::Policy, &texts(old), &texts(loaded)));
        if rest(&old.config) != rest(new) {
            changes.push(PartChange { part: ConfigPart::Settings, name: String::new(), how: HowChanged::Changed });
        }
        changes
    }

    fn refuse(&mut self, part: &str, problem: &Problem) -> Reply {
        let shown = problem.hint.as_ref().filter(|_| part == "policy").unwrap_or(&problem.text);
        if self.report_problem(part, &shown.as_str().into()) {
            self.tell(Severity::Error, "", Note::PolicyBroken { error: shown.clone() });
        }
        let text = match &problem.hint {
            Some(hint) if part != "policy" => format!("{}; {hint}", problem.text),
            _ => problem.text.clone(),
        };
        Reply::Error { kind: ErrorKind::Refused, text }
    }

    fn go_over_to(&mut self, policy: Arc<Policy>) {
        self.board.principles.clone_from(&policy.principles);
        self.engine.set_policy(Arc::clone(&policy));
        let event = Event::PolicyLoaded { hash: policy.hash.clone() };
        self.reloader.policy.send_replace(policy);
        self.step(&event);
    }

    /// Channels, routes, links, request files and everything that keeps secrets go over to the new configuration.
    fn change_alerts(&mut self, loaded: &Loaded, settings: Settings) {
        self.engine.set_options(Options { undo: loaded.config.undo });
        self.redactor = settings.redactor(loaded);
        self.engine.set_cleaner(cleaner(&self.redactor));
        self.store.redact_by(redaction(&self.redactor));
        self.hosts.redact_recordings_by(redaction(&self.redactor));
        if self.away.change(loaded, settings) {
            self.performer.route_by(self.away.router());
            // What still fails says so again.
            let gone = |part: &str| {
                part.starts_with("channel ") || ["web server", "signed links", "approval files"].contains(&part)
            };
            self.dirty |= self.board.forget(gone);
        }
    }

    /// Gives up hosts that are configured no more, and goes over to those that are configured otherwise or are new.
    fn change_hosts(&mut self, new: &Config) {
        let old = self.reloader.loaded.config.hosts.clone();
        for host in old.iter().filter(|host| !new.hosts.iter().any(|other| other.name == host.name)) {
            self.forget_host(&host.name);
        }
        self.hosts.has_several = new.hosts.len() > 1;
        self.performer.reach_hosts(&new.hosts, &self.reloader.loaded.paths.runtime_dir);
        for host in new.hosts.iter().filter(|host| !old.contains(host)) {
            if !self.hosts.replace(host) {
                spawn_host(self, host);
            }
        }
    }
}

/// What of a configuration is no host, channel or policy.
fn rest(config: &Config) -> Config {
    Config { hosts: Vec::new(), channels: None, policy: Vec::new(), ..config.clone() }
}

/// What of some parts is new, different or no more.
fn compare<T: PartialEq>(part: ConfigPart, old: &BTreeMap<String, T>, new: &BTreeMap<String, T>) -> Vec<PartChange> {
    let change = |name: &String, how| PartChange { part, name: name.clone(), how };
    let gone = old.keys().filter(|name| !new.contains_key(*name)).map(|name| change(name, HowChanged::Removed));
    let come = new.iter().filter_map(|(name, value)| match old.get(name) {
        None => Some(change(name, HowChanged::Added)),
        Some(before) if before != value => Some(change(name, HowChanged::Changed)),
        Some(_) => None,
    });
    gone.chain(come).collect()
}
