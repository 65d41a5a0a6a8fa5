//! Effects: keys go to their host; commands on a host, questions to services and alerts into the outbox are performed
//! here. Their outcomes come back as facts.

use super::dispatch::{Dispatch, Fact};
use super::hosts::transport;
use super::poll;
use super::round;
use super::secrets;
use super::shell::{self, Reach};
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use tmuxagent_clock::Clock;
use tmuxagent_config::{Environment, HostConfig};
use tmuxagent_model::{
    Alert, Effect, Event, HostName, Intent, IntentId, Outcome, PollSpec, ShellCall, SkipReason, Timestamp,
};
use tmuxagent_store::{Durability, NewMessage};
use tokio::sync::mpsc;

/// Decides which channels an alert goes to.
pub type Router = Arc<dyn Fn(&IntentId, &Alert, Timestamp) -> Vec<NewMessage> + Send + Sync>;

/// Performs effects beside the panes.
pub struct Performer {
    facts: mpsc::Sender<Fact>,
    clock: Clock,
    client: reqwest::Client,
    reaches: HashMap<HostName, Reach>,
    router: Router,
    /// Where tokens of services stand.
    environment: Environment,
}

impl Performer {
    /// `client` is for questions to services; it follows the environment's proxies.
    pub fn new(facts: mpsc::Sender<Fact>, clock: Clock, client: reqwest::Client, router: Router) -> Self {
        Self { facts, clock, client, reaches: HashMap::new(), router, environment: Environment::default() }
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
    }

    /// From now on alerts go by this router.
    pub fn route_by(&mut self, router: Router) {
        self.router = router;
    }

    /// The outbox rows of an alert.
    pub fn route(&self, intent: &IntentId, alert: &Alert, now: Timestamp) -> Vec<NewMessage> {
        (self.router)(intent, alert, now)
    }

    /// Runs a command on its pane's host.
    pub fn shell(&self, intent: IntentId, call: ShellCall) {
        let (facts, reach) = (self.facts.clone(), self.reach(&call.pane.host));
        tokio::spawn(async move {
            let outcome = match reach {
                Some(reach) => shell::perform(&reach, &call).await,
                None => Outcome::Failed { error: format!("host {} is not configured any more", call.pane.host) },
            };
            // The loop has ended: the next start settles the intent.
            let _ = facts.send(Fact::Event(Event::Outcome { intent, outcome })).await;
        });
    }

    /// Asks something outside once.
    pub fn poll(&self, intent: IntentId, spec: PollSpec) {
        let (facts, client, clock) = (self.facts.clone(), self.client.clone(), self.clock);
        let host = if let PollSpec::Command { call } = &spec { call.pane.host.clone() } else { HostName::local() };
        let reach = self.reach(&host).unwrap_or(Reach::Local);
        let token = match &spec {
            PollSpec::GithubRun { token_env, .. } => self.environment.non_empty(token_env).map(str::to_owned),
            PollSpec::Http { .. } | PollSpec::Command { .. } => None,
        };
        tokio::spawn(async move {
            let outcome = poll::ask(&client, &reach, &spec, token.as_deref(), clock.now()).await;
            let _ = facts.send(Fact::Event(Event::Polled { intent, outcome })).await;
        });
    }

    fn reach(&self, host: &HostName) -> Option<Reach> {
        self.reaches.get(host).cloned()
    }
}

impl Dispatch {
    /// An alert is performed by standing in the outbox, in the same transaction; everything else after the commit. What
    /// lost a secret to a restart is not performed.
    pub(super) fn want(&mut self, intent: Intent) {
        if round::outlives(&intent.effect) {
            self.round.batch.durability = Durability::PowerLoss;
        }
        if let Effect::Alert(alert) = &intent.effect {
            let messages = self.performer.route(&intent.id, alert, self.clock.now());
            self.round.batch.outbox.extend(messages);
            self.step(&Event::Outcome { intent: intent.id, outcome: Outcome::Done });
            return;
        }
        if secrets::lost(&intent.effect) {
            let outcome = Outcome::Failed { error: secrets::LOST.to_owned() };
            self.step(&Event::Outcome { intent: intent.id, outcome });
            return;
        }
        self.round.perform(intent);
    }

    /// What is not wanted any more is not begun; what was handed on is given up where nothing of it was typed yet.
    pub(super) fn give_up(&mut self, intent: IntentId) {
        if self.round.take_back(&intent) {
            self.step(&Event::Outcome { intent, outcome: Outcome::Skipped { reason: SkipReason::Withdrawn } });
        } else {
            self.round.withdraw(intent);
        }
    }

    /// Performs a committed intent.
    pub(super) fn perform(&mut self, intent: Intent) {
        match &intent.effect {
            Effect::Send(_) | Effect::Prompt(_) => self.hosts.send(intent),
            Effect::Shell(call) => self.performer.shell(intent.id, call.clone()),
            Effect::Poll(spec) => self.performer.poll(intent.id, spec.clone()),
            Effect::Alert(_) => {}
        }
    }
}
