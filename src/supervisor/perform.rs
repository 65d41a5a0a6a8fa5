//! Effects beside the panes: commands on a host, questions to services, alerts into the outbox. Their outcomes come
//! back as facts.

use super::dispatch::Fact;
use super::hosts::transport;
use super::poll;
use super::shell::{self, Reach};
use crate::clock::Clock;
use crate::config::HostConfig;
use crate::model::{Alert, Event, HostName, IntentId, Outcome, PollSpec, ShellCall, Timestamp};
use crate::store::NewMessage;
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
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
}

impl Performer {
    /// `client` is for questions to services; it follows the environment's proxies.
    pub fn new(facts: mpsc::Sender<Fact>, clock: Clock, client: reqwest::Client, router: Router) -> Self {
        Self { facts, clock, client, reaches: HashMap::new(), router }
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
        tokio::spawn(async move {
            let outcome = poll::ask(&client, &reach, &spec, clock.now()).await;
            let _ = facts.send(Fact::Event(Event::Polled { intent, outcome })).await;
        });
    }

    fn reach(&self, host: &HostName) -> Option<Reach> {
        self.reaches.get(host).cloned()
    }
}
