//! Effects beside the panes: commands on a host, questions to services. Their outcomes come back as facts.

use super::dispatch::Fact;
use super::poll;
use super::reach::transport;
use super::shell::{self, Reach};
use std::collections::HashMap;
use std::path::Path;
use tmuxagent_clock::Clock;
use tmuxagent_config::{Environment, HostConfig};
use tmuxagent_errand::Errand;
use tmuxagent_model::{Effect, HostName, PollSpec, ShellCall, shell_files_script};
use tokio::sync::mpsc;

/// Performs effects beside the panes.
pub struct Performer {
    facts: mpsc::Sender<Fact>,
    clock: Clock,
    client: reqwest::Client,
    reaches: HashMap<HostName, Reach>,
    /// How each host's own shell calls its tmux.
    tmux: HashMap<HostName, String>,
    /// Where tokens of services stand.
    environment: Environment,
}

impl Performer {
    /// `client` is for questions to services; it follows the environment's proxies.
    pub fn new(facts: mpsc::Sender<Fact>, clock: Clock, client: reqwest::Client) -> Self {
        Self {
            facts,
            clock,
            client,
            reaches: HashMap::new(),
            tmux: HashMap::new(),
            environment: Environment::default(),
        }
    }

    /// From now on tokens of services are taken from this environment, the user's `.env` among it.
    pub fn take_tokens_from(&mut self, environment: &Environment) {
        self.environment = environment.clone();
    }

    /// Says how the hosts' shells are reached.
    pub fn reach_hosts(&mut self, hosts: &[HostConfig], runtime: &Path) {
        let reach = |host: &HostConfig| match &host.ssh {
            None => Reach::Local,
            // The script comes over the standard input, so no quoting of it can go wrong on the way.
            Some(_) => Reach::Remote(transport(host, runtime).shell("exec sh")),
        };
        self.reaches = hosts.iter().map(|host| (host.name.clone(), reach(host))).collect();
        let tmux = |host: &HostConfig| transport(host, runtime).there(&[]);
        self.tmux = hosts.iter().map(|host| (host.name.clone(), tmux(host))).collect();
    }

    /// Does it; an errand of another kind goes home.
    pub fn perform(&self, errand: Errand) {
        match errand.intent().effect.clone() {
            Effect::Shell(call) => self.shell(errand, call),
            Effect::Poll(spec) => self.poll(errand, spec),
            Effect::Send(_) | Effect::Prompt(_) | Effect::Answer(_) | Effect::Alert(_) => {}
        }
    }

    /// Runs a command on its pane's host; goes home where that is not configured any more.
    fn shell(&self, mut errand: Errand, mut call: ShellCall) {
        let Some(reach) = self.reach(&call.pane.host) else { return };
        if let Some(tmux) = self.tmux.get(&call.pane.host).filter(|_| call.again) {
            call.script.values.insert("ta_tmux".to_owned(), tmux.clone());
            call.script.values.insert("ta_shell_files".to_owned(), shell_files_script());
        }
        let facts = self.facts.clone();
        tokio::spawn(async move {
            errand.begin();
            let outcome = shell::perform(&reach, &call).await;
            // The loop has ended: the next start settles the intent.
            let _ = facts.send(Fact::Ended(errand.end(outcome))).await;
        });
    }

    /// Asks something outside once; goes home where the host that is asked is not configured any more.
    fn poll(&self, errand: Errand, spec: PollSpec) {
        let (facts, client, clock) = (self.facts.clone(), self.client.clone(), self.clock);
        let reach = match &spec {
            PollSpec::Command { call } => self.reach(&call.pane.host),
            PollSpec::GithubRun(run) | PollSpec::GitlabPipeline(run) | PollSpec::GiteaRun(run) => {
                run.head.as_ref().map_or(Some(Reach::Local), |call| self.reach(&call.pane.host))
            }
            PollSpec::Http { .. } => Some(Reach::Local),
        };
        let Some(reach) = reach else { return };
        let token = spec.ci().and_then(|run| self.environment.non_empty(&run.token_env)).map(str::to_owned);
        tokio::spawn(async move {
            let outcome = poll::ask(&client, &reach, &spec, token.as_deref(), clock.now()).await;
            let _ = facts.send(Fact::Ended(errand.answer(outcome))).await;
        });
    }

    fn reach(&self, host: &HostName) -> Option<Reach> {
        self.reaches.get(host).cloned()
    }
}
