//! Effects: keys go to their host; commands on a host, questions to services and alerts into the outbox are performed
//! here. Their outcomes come back as facts.

use super::dispatch::{Dispatch, Fact};
use super::poll;
use super::reach::transport;
use super::round;
use super::secrets;
use super::shell::{self, Reach};
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use tmuxagent_clock::Clock;
use tmuxagent_config::{Environment, HostConfig};
use tmuxagent_errand::{Errand, Fate, Returned};
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

    /// Runs a command on its pane's host; goes home where that is not configured any more.
    pub fn shell(&self, mut errand: Errand, call: ShellCall) {
        let Some(reach) = self.reach(&call.pane.host) else { return };
        let facts = self.facts.clone();
        tokio::spawn(async move {
            errand.begin();
            let outcome = shell::perform(&reach, &call).await;
            // The loop has ended: the next start settles the intent.
            let _ = facts.send(Fact::Ended(errand.end(outcome))).await;
        });
    }

    /// Asks something outside once; goes home where the host that is asked is not configured any more.
    pub fn poll(&self, errand: Errand, spec: PollSpec) {
        let (facts, client, clock) = (self.facts.clone(), self.client.clone(), self.clock);
        let reach = match &spec {
            PollSpec::Command { call } => self.reach(&call.pane.host),
            PollSpec::GithubRun { .. } | PollSpec::Http { .. } => Some(Reach::Local),
        };
        let Some(reach) = reach else { return };
        let token = match &spec {
            PollSpec::GithubRun { token_env, .. } => self.environment.non_empty(token_env).map(str::to_owned),
            PollSpec::Http { .. } | PollSpec::Command { .. } => None,
        };
        tokio::spawn(async move {
            let outcome = poll::ask(&client, &reach, &spec, token.as_deref(), clock.now()).await;
            let _ = facts.send(Fact::Ended(errand.answer(outcome))).await;
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

    /// Performs a committed intent. Whoever takes it tells its outcome, or lets it come home.
    pub(super) fn perform(&mut self, intent: Intent) {
        let errand = Errand::new(intent, &self.home);
        match &errand.intent().effect {
            Effect::Send(_) | Effect::Prompt(_) => self.hosts.send(errand),
            Effect::Shell(call) => {
                let call = call.clone();
                self.performer.shell(errand, call);
            }
            Effect::Poll(spec) => {
                let spec = spec.clone();
                self.performer.poll(errand, spec);
            }
            // It is performed by standing in the outbox.
            Effect::Alert(_) => drop(errand),
        }
    }

    /// An errand came home without its outcome: it goes to the host that has taken its host's place, or ends here.
    pub(super) fn came_home(&mut self, returned: Returned) {
        let Returned { intent, fate } = returned;
        if let Fate::Ended(event) = &fate {
            return self.ended(event);
        }
        let mut errand = Errand::new(intent, &self.home);
        if fate == Fate::Begun {
            errand.begin();
        }
        if self.hosts.may_go_again(&errand) {
            return self.hand_on(errand);
        }
        let why = self.hosts.why_lost(errand.intent().effect.pane());
        self.ended(&errand.lost(&why).into_event());
    }

    /// Hands something that is typed to its host. What the pane prints waits for the outcome of keys that may have been
    /// typed before.
    pub(super) fn hand_on(&mut self, errand: Errand) {
        if let Some(pane) = errand.intent().effect.pane().filter(|_| errand.is_begun()) {
            self.settling.entry(pane.clone()).or_default().intents.insert(errand.id().clone());
        }
        self.hosts.send(errand);
    }

    /// An errand has its outcome.
    pub(super) fn ended(&mut self, event: &Event) {
        self.step(event);
        self.let_on(event);
    }
}
