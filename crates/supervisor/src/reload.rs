//! Configuration and policies, read again while running. What is bad on disk changes nothing: the old goes on and the
//! screen shows the error.

use super::dispatch::{Dispatch, Urgent};
use super::files::Files;
use super::open_files::{Unread, load_closed};
use super::reach::watched_here;
use super::recognisers::{self, Recognisers};
use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::sync::Arc;
use tmuxagent_alerts::config::Settings;
use tmuxagent_config::{Config, Environment, Loaded, Overrides, Problem, Retention};
use tmuxagent_core::{Input, Reloaded, Ticket, changed_parts};
use tmuxagent_engine::Options;
use tmuxagent_ipc::wire::Reply;
use tmuxagent_model::{ConfigPart, HowChanged, PartChange, Redaction, Trouble};
use tmuxagent_policy::Policy;
use tmuxagent_text::redact::Redactor;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

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
    /// What views are greeted with, which names the configuration in force.
    pub hello: watch::Sender<Arc<Reply>>,
    /// Notices changes.
    pub files: Files,
    /// Waits until a file is closed that somebody was writing.
    pub writer: Option<JoinHandle<()>>,
}

/// Reads the policies of a configuration.
///
/// # Errors
/// All problems with their places.
pub fn read_policy(loaded: &Loaded, generation: u64) -> Result<Arc<Policy>, Problem> {
    match tmuxagent_policy::load(&loaded.policy_sources) {
        Ok(mut policy) => {
            policy.generation = generation;
            Ok(Arc::new(policy))
        }
        Err(diagnostics) => {
            let hint = format!("{}; `tmuxagent config check` shows it", diagnostics.summary());
            Err(Problem { hint: Some(hint), ..Problem::in_text(diagnostics) })
        }
    }
}

/// What was read, and is valid.
struct Read {
    loaded: Loaded,
    settings: Settings,
    policy: Arc<Policy>,
    recognisers: Recognisers,
}

impl Dispatch {
    /// Reads everything again and goes over to it where it is good; answers `to` once that is stored.
    pub(super) async fn reload(&mut self, to: Option<oneshot::Sender<Reply>>) {
        let ticket = to.map(|to| self.asking.ticket(to));
        let read = self.read_again().await.and_then(|read| match gone(&self.reloader.loaded, &read.loaded) {
            // Who asks for it by hand means what lies there now.
            Some(gone) if ticket.is_none() => Err(gone),
            _ => Ok(read),
        });
        match read {
            Ok(read) => self.go_over_to(ticket, read),
            Err((part, problem)) => self.core.refuse_reload(self.clock.now(), ticket, part, &problem),
        }
        self.act();
    }

    /// What is configured now, or which part of it is bad and why. What is still being written is looked at again.
    async fn read_again(&mut self) -> Result<Read, (&'static str, Problem)> {
        if let Some(task) = self.reloader.writer.take() {
            task.abort();
        }
        let broken = |problem| ("configuration", problem);
        let loaded = match load_closed((&self.reloader.overrides, &self.reloader.environment)).await {
            Ok(loaded) => loaded,
            Err(Unread::Bad(problem)) => return Err(broken(problem)),
            Err(Unread::Written(writer)) => {
                let (part, problem, urgent) = (writer.part, writer.problem(), self.servers.clone());
                self.reloader.writer = Some(tokio::spawn(async move {
                    writer.closed().await;
                    // The loop may have ended meanwhile.
                    let _ = urgent.send(Urgent::Reload).await;
                }));
                return Err((part, problem));
            }
        };
        let settings = tmuxagent_alerts::config::of(&loaded).map_err(broken)?;
        let generation = self.core.engine().policy().generation + 1;
        let policy = read_policy(&loaded, generation).map_err(|problem| ("policy", problem))?;
        let recognisers = recognisers::read(&loaded.paths).map_err(broken)?;
        Ok(Read { loaded, settings, policy, recognisers })
    }

    fn go_over_to(&mut self, ticket: Option<Ticket>, read: Read) {
        let Read { loaded, settings, policy, recognisers } = read;
        if policy.hash != self.core.engine().policy().hash {
            self.reloader.policy.send_replace(Arc::clone(&policy));
        }
        let redactor = settings.redactor(&loaded);
        self.store.redact_by(redaction(&redactor));
        self.collectors.redact_recordings_by(redaction(&redactor));
        self.collectors.configure(&loaded.config);
        self.performer.reach_hosts(&loaded.config.hosts, &loaded.paths.runtime_dir);
        self.reloader.hello.send_modify(|hello| {
            if let Reply::Hello { config, servers, .. } = Arc::make_mut(hello) {
                config.clone_from(&loaded.config_name);
                *servers = watched_here(&loaded.config.hosts);
            }
        });
        self.performer.take_tokens_from(&loaded.environment);
        self.reloader.retention.send_replace(loaded.config.retention.clone());
        let reloaded = Reloaded {
            policy,
            policies: loaded.policy_names(),
            hosts: loaded.config.hosts.clone(),
            options: Options {
                undo: loaded.config.undo,
                timeout: loaded.config.stage_timeout,
                hold: Some(loaded.config.hold),
                looks: true,
                identities: self.core.engine().options().identities,
            },
            redactor,
            changes: self.changes_beside_hosts(&loaded, &settings, &recognisers),
        };
        self.collectors.recognise_by(recognisers);
        let unread = unread(&loaded);
        self.core.reload(self.clock.now(), ticket, reloaded);
        self.core.take(self.clock.now(), Input::Problem(ENV_FILES.to_owned(), unread));
        if self.alerting.change(&loaded, settings) {
            self.core.services_begin_anew();
        }
        self.reloader.files.renew(&loaded, &self.reloader.overrides.policy);
        self.reloader.loaded = loaded;
    }

    /// Which channels, policies and recognisers are new, different or no more, and whether anything else is different.
    fn changes_beside_hosts(&self, loaded: &Loaded, settings: &Settings, recognisers: &Recognisers) -> Vec<PartChange> {
        let (old, new) = (&self.reloader.loaded, &loaded.config);
        let mut changes = changed_parts(ConfigPart::Channel, self.alerting.channels(), &settings.channels);
        let texts = |loaded: &Loaded| -> BTreeMap<String, String> {
            loaded.policy_sources.iter().map(|source| (source.name.clone(), source.text.clone())).collect()
        };
        changes.extend(changed_parts(ConfigPart::Policy, &texts(old), &texts(loaded)));
        let known = self.collectors.own_recognisers();
        changes.extend(changed_parts(ConfigPart::Recogniser, known, &recognisers.own));
        if rest(&old.config) != rest(new) {
            changes.push(PartChange { part: ConfigPart::Settings, name: String::new(), how: HowChanged::Changed });
        }
        changes
    }
}

/// The configuration or a file of policies that was there and is gone: moved away or emptied for a moment, while another one
/// is written, or for good, which only a person can tell. A policy that only has another name now is there.
fn gone(before: &Loaded, now: &Loaded) -> Option<(&'static str, Problem)> {
    if before.configured && !now.configured {
        let problem = Problem::plain(format!(
            "the configuration {} is gone or empty; what it said stays in force until it is back, or until `tmuxagent reload` goes on without it",
            before.config_name
        ));
        return Some(("configuration", problem));
    }
    let is_gone = |source: &&tmuxagent_policy::Source| {
        let is_absent =
            || std::fs::symlink_metadata(&source.name).is_err_and(|error| error.kind() == ErrorKind::NotFound);
        let mut others = now.policy_sources.iter();
        let is_cut = |now: &str| says_nothing(now) || lost_pipelines(&source.text, now);
        let is_empty = others.clone().any(|other| other.name == source.name && is_cut(&other.text));
        !source.name.starts_with('<')
            && !says_nothing(&source.text)
            && (is_empty || is_absent())
            && !others.any(|other| other.text == source.text)
    };
    let lost = before.policy_sources.iter().find(is_gone)?;
    let problem = Problem::plain(format!(
        "the policy {} is gone, empty or cut off; what it said stays in force until it is back, or until `tmuxagent reload` goes on without it",
        lost.name
    ));
    Some(("policy", problem))
}

/// Whether a file holds nothing but blanks, comments and its version: one that is emptied and written anew does for a moment.
fn says_nothing(text: &str) -> bool {
    let begins = |line: &str| matches!(line, "---" | "...") || line.starts_with("version:");
    text.trim_start_matches('\u{feff}')
        .lines()
        .map(str::trim)
        .all(|line| line.is_empty() || line.starts_with('#') || begins(line))
}

/// Whether a file has no pipelines where it had some: one that was cut off before them.
fn lost_pipelines(before: &str, now: &str) -> bool {
    let has = |text: &str| text.lines().any(|line| line.trim_start_matches('\u{feff}').starts_with("pipelines:"));
    has(before) && !has(now)
}

/// What a problem with `.env` files of workspaces is shown as.
pub const ENV_FILES: &str = "secrets of workspaces";

/// That what a `.env` holds, which `up` gave to panes, is not known as secret.
pub fn unread(loaded: &Loaded) -> Option<Trouble> {
    let names: Vec<String> = loaded.given.unread().iter().map(|file| file.display().to_string()).collect();
    (!names.is_empty()).then(|| {
        format!("{} can't be read, so what panes were given from it is not taken out", names.join(", ")).into()
    })
}

/// What of a configuration is no host, channel or policy.
fn rest(config: &Config) -> Config {
    Config { hosts: Vec::new(), channels: None, policy: Vec::new(), ..config.clone() }
}

/// What takes secrets out of all that is stored.
pub fn redaction(redactor: &Redactor) -> Redaction {
    Redaction::new(redactor.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{Permissions, set_permissions, write};
    use std::os::unix::fs::PermissionsExt as _;
    use tmuxagent_config::load;

    #[test]
    fn an_emptied_configuration_is_no_new_one() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("config.yaml");
        let overrides = Overrides { config: Some(file.clone()), ..Overrides::default() };
        let environment = Environment::from_pairs([("HOME", home.path().display().to_string())]);
        let loaded = |text: &str| {
            write(&file, text).unwrap();
            set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
            load(&overrides, &environment).unwrap()
        };
        let (full, empty, other) = (loaded("undo: 4s\n"), loaded(" \n"), loaded("undo: 5s\n"));
        let (part, problem) = gone(&full, &empty).unwrap();
        assert!(part == "configuration" && problem.text.contains("is gone or empty"), "{problem}");
        assert!(says_nothing("\u{feff}") && says_nothing("---\n...\n"));
        let cut = |now: &str| lost_pipelines("version: 1\npipelines:\n- name: p\n", now);
        assert!(cut("version: 1\ndefaults: {timeout: 1h}\n") && !cut("pipelines: []\n"));
        assert!(says_nothing("# mine\n---\nversion: 1 # the form\n") && !says_nothing("version: 1\npipelines: []\n"));
        assert!(gone(&full, &other).is_none() && gone(&empty, &full).is_none() && gone(&empty, &empty).is_none());
    }
}
