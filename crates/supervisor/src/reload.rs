//! Configuration and policies, read again while running. What is bad on disk changes nothing: the old goes on and the
//! screen shows the error.

use super::dispatch::{Dispatch, Urgent};
use super::hosts::spawn_host;
use super::secrets::cleaner;
use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tmuxagent_alerts::config::Settings;
use tmuxagent_config::{Config, Environment, HostConfig, Loaded, Overrides, Problem, Retention, load};
use tmuxagent_engine::Options;
use tmuxagent_ipc::wire::{ErrorKind, Reply};
use tmuxagent_model::{Event, Note, Severity};
use tmuxagent_policy::{Policy, Source};
use tokio::sync::{mpsc, watch};

/// Editors write a file in several steps; this long after the last one it is read.
const SETTLE: Duration = Duration::from_millis(200);

/// What is needed to read everything again.
#[derive(Debug)]
pub struct Reloader {
    /// The flags of the start.
    pub overrides: Overrides,
    /// The environment of the start.
    pub environment: Environment,
    /// The folder that the supervisor was started in.
    pub project: Option<PathBuf>,
    /// What runs now.
    pub loaded: Loaded,
    /// Where collectors see the policy.
    pub policy: watch::Sender<Arc<Policy>>,
    /// Where the upkeep sees what is kept.
    pub retention: watch::Sender<Retention>,
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
        let (overrides, environment, project) =
            (self.reloader.overrides.clone(), self.reloader.environment.clone(), self.reloader.project.clone());
        let read = move || load(&overrides, &environment, project.as_deref());
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
        let names = policy.pipelines.len();
        if policy.hash != self.engine.policy().hash {
            self.go_over_to(policy);
        }
        self.board.policies = loaded.policy_names();
        self.dirty = true;
        self.change_hosts(&loaded.config);
        self.performer.take_tokens_from(&loaded.environment);
        self.hosts.configure_recordings(&loaded.config);
        self.reloader.retention.send_replace(loaded.config.retention.clone());
        self.change_alerts(&loaded, settings);
        self.reloader.loaded = loaded;
        Reply::Committed { intents: Vec::new(), run: None, text: format!("{names} pipelines loaded") }
    }

    fn refuse(&mut self, part: &str, problem: &Problem) -> Reply {
        let shown = problem.hint.as_ref().filter(|_| part == "policy").unwrap_or(&problem.text);
        if self.report_problem(part, shown) {
            self.tell(Severity::Error, "", Note::PolicyBroken { error: shown.clone() });
        }
        Reply::Error { kind: ErrorKind::Refused, text: problem.text.clone() }
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
        if self.away.change(loaded, settings) {
            self.performer.route_by(self.away.router());
            // What still fails says so again.
            let gone = |part: &str| {
                part.starts_with("channel ") || ["web server", "signed links", "approval files"].contains(&part)
            };
            self.dirty |= self.board.forget(gone);
        }
    }

    /// Ends collectors of hosts that are no longer configured or are configured otherwise, and begins with new ones.
    fn change_hosts(&mut self, new: &Config) {
        let old = self.reloader.loaded.config.hosts.clone();
        let gone: Vec<&HostConfig> = old.iter().filter(|host| !new.hosts.contains(host)).collect();
        for host in gone {
            self.hosts.remove(&host.name);
            if !new.hosts.iter().any(|other| other.name == host.name) {
                self.board.forget_host(&host.name);
            }
        }
        self.performer.reach_hosts(&new.hosts, &self.reloader.loaded.paths.runtime_dir);
        for host in new.hosts.iter().filter(|host| !old.contains(host)) {
            spawn_host(self, host);
        }
    }
}

/// Watches the files that a supervisor was started with; the returned watcher ends with its owner.
///
/// A folder that can't be watched (some network and WSL mounts) costs the automatic reload only: `tmuxagent reload`
/// still works.
pub fn watch_files(loaded: &Loaded, urgent: mpsc::Sender<Urgent>) -> Option<RecommendedWatcher> {
    let (changed, mut changes) = mpsc::channel::<()>(1);
    let on_event = move |event: notify::Result<notify::Event>| {
        if event.is_ok_and(|event| !event.kind.is_access()) {
            let _ = changed.try_send(());
        }
    };
    let mut watcher = notify::recommended_watcher(on_event).ok()?;
    let mut folders: Vec<PathBuf> = vec![loaded.paths.config_dir.clone(), loaded.paths.config_dir.join("policies")];
    let sources = loaded.policy_sources.iter().map(|source| PathBuf::from(&source.name));
    folders.extend(sources.filter_map(|file| file.parent().map(ToOwned::to_owned)));
    folders.sort();
    folders.dedup();
    for folder in folders.iter().filter(|folder| folder.is_dir()) {
        if let Err(error) = watcher.watch(folder, RecursiveMode::NonRecursive) {
            tracing::warn!(folder = %folder.display(), %error, "changes here are not noticed");
        }
    }
    tokio::spawn(async move {
        while changes.recv().await.is_some() {
            tokio::time::sleep(SETTLE).await;
            let _ = changes.try_recv();
            if urgent.send(Urgent::Reload).await.is_err() {
                return;
            }
        }
    });
    Some(watcher)
}
