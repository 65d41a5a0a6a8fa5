//! Another configuration or other policies. What is bad on disk changes nothing: the old goes on and the screen shows the
//! error.

use super::acts::Ticket;
use super::core::Core;
use super::trace::Given;
use std::collections::BTreeMap;
use std::sync::Arc;
use tmuxagent_config::{HostConfig, Problem};
use tmuxagent_engine::{Cleaner, Options};
use tmuxagent_ipc::wire::{ErrorKind, Reply};
use tmuxagent_model::{ConfigPart, Event, HowChanged, Note, PartChange, Severity, Timestamp};
use tmuxagent_policy::Policy;
use tmuxagent_text::redact::Redactor;

/// What was read, and is valid.
#[derive(Debug)]
pub struct Reloaded {
    /// The policies, with a generation of their own.
    pub policy: Arc<Policy>,
    /// The names of their files.
    pub policies: Vec<String>,
    /// The hosts.
    pub hosts: Vec<HostConfig>,
    /// How decisions can be taken back.
    pub options: Options,
    /// What takes secrets out.
    pub redactor: Redactor,
    /// What beside hosts is new, different or no more: channels, files of policies, other settings.
    pub changes: Vec<PartChange>,
}

/// Takes known secrets and what looks like one out of evidence and of words that are shown.
pub(crate) fn cleaner(redactor: &Redactor) -> Cleaner {
    let redactor = redactor.clone();
    Cleaner::new(move |words| redactor.redact(words))
}

impl Core {
    /// Goes over to another configuration; answers once that is stored.
    pub fn reload(&mut self, now: Timestamp, ticket: Option<Ticket>, new: Reloaded) {
        self.now = now;
        let other_policy = new.policy.hash != self.engine.policy().hash;
        let mut changes = self.different_hosts(&new.hosts);
        changes.extend(new.changes);
        self.engine.set_options(new.options);
        self.engine.set_cleaner(cleaner(&new.redactor));
        if self.redactor != new.redactor {
            self.view.redact_by(&new.redactor);
            self.redactor = new.redactor;
            self.dirty = true;
            // What came before was told with other secrets in it.
            self.trace.stop();
        }
        if !other_policy && changes.is_empty() {
            self.trace.note(now, &Given::ReloadUnchanged(ticket));
            return self.reload_unchanged(now, ticket);
        }
        self.solve("configuration");
        self.solve("policy");
        let pipelines = new.policy.pipelines.len();
        if other_policy {
            self.go_over_to(new.policy);
        }
        self.view.policies = new.policies;
        self.dirty = true;
        self.change_hosts(&new.hosts);
        if !changes.is_empty() {
            self.tell(Severity::Info, "", Note::Reloaded { changes: changes.clone() });
        }
        if let Some(ticket) = ticket {
            self.answer(ticket, Reply::Reloaded { pipelines, changes });
        }
        // What came before followed other policies.
        self.trace.stop();
    }

    /// What was read is what is in force.
    pub(crate) fn reload_unchanged(&mut self, now: Timestamp, ticket: Option<Ticket>) {
        self.now = now;
        let pipelines = self.engine.policy().pipelines.len();
        // What was told of it would be the last word otherwise.
        let mended = self.solve("configuration") | self.solve("policy");
        if mended {
            self.tell(Severity::Info, "", Note::PolicyLoaded { pipelines });
        }
        self.dirty = true;
        if let Some(ticket) = ticket {
            self.answer(ticket, Reply::Reloaded { pipelines, changes: Vec::new() });
        }
    }

    /// What was read is bad; the old goes on.
    pub fn refuse_reload(&mut self, now: Timestamp, ticket: Option<Ticket>, part: &str, problem: &Problem) {
        self.now = now;
        self.trace.note(now, &Given::ReloadRefused(ticket, part, problem.text.as_str(), problem.hint.as_deref()));
        let shown = problem.hint.as_ref().filter(|_| part == "policy").unwrap_or(&problem.text);
        // The screen and the journal have one line for it.
        let shown = in_one_line(shown);
        if self.report_problem(part, &shown.as_str().into()) {
            self.tell(Severity::Error, "", Note::PolicyBroken { error: shown });
        }
        let text = match &problem.hint {
            Some(hint) if part != "policy" => format!("{}; {hint}", problem.text),
            _ => problem.text.clone(),
        };
        if let Some(ticket) = ticket {
            self.answer(ticket, Reply::Error { kind: ErrorKind::Refused, text });
        }
    }

    /// Services for who is away begin anew: what of them still fails says so again.
    pub fn services_begin_anew(&mut self) {
        let of_services = |part: &str| {
            part.starts_with("channel ") || ["web server", "metrics", "signed links", "approval files"].contains(&part)
        };
        self.dirty |= self.view.forget(of_services);
        self.trace.note(self.now, &Given::ServicesBeginAnew);
    }

    fn go_over_to(&mut self, policy: Arc<Policy>) {
        self.view.principles.clone_from(&policy.principles);
        let event = Event::PolicyLoaded { hash: policy.hash.clone() };
        self.engine.set_policy(policy);
        self.step(&event);
    }

    /// Which hosts are new, different or no more.
    fn different_hosts(&self, new: &[HostConfig]) -> Vec<PartChange> {
        let by_name = |host: &HostConfig| -> (String, HostConfig) { (host.name.to_string(), host.clone()) };
        let old = self.hosts.configured().map(by_name).collect();
        changed_parts(ConfigPart::Host, &old, &new.iter().map(by_name).collect())
    }

    /// Gives up hosts that are configured no more, and goes over to those that are configured otherwise or are new.
    fn change_hosts(&mut self, new: &[HostConfig]) {
        let old: Vec<HostConfig> = self.hosts.configured().cloned().collect();
        for host in old.iter().filter(|host| !new.iter().any(|other| other.name == host.name)) {
            self.forget_host(&host.name);
        }
        self.hosts.has_several = new.len() > 1;
        for host in new.iter().filter(|host| !old.contains(host)) {
            if !self.hosts.replace(host) {
                self.start_host(host);
            }
        }
    }
}

/// What is bad in one line; where there is more, the command that shows it. A name that nobody knows says more than what is
/// missing for it.
fn in_one_line(problem: &str) -> String {
    let Some((first, _)) = problem.trim().split_once('\n') else { return problem.trim().to_owned() };
    let findings: Vec<&str> = problem.lines().filter(|line| line.contains("error[")).collect();
    let telling = findings.iter().find(|line| line.contains("[unknown-")).copied().unwrap_or(first).trim();
    let told = match findings.len() {
        0 | 1 => telling.to_owned(),
        all => format!("{telling} (and {} more)", all - 1),
    };
    format!("{told}; `tmuxagent config check` shows it")
}

/// What of some parts is new, different or no more.
pub fn changed_parts<T: PartialEq>(
    part: ConfigPart,
    old: &BTreeMap<String, T>,
    new: &BTreeMap<String, T>,
) -> Vec<PartChange> {
    let change = |name: &String, how| PartChange { part, name: name.clone(), how };
    let gone = old.keys().filter(|name| !new.contains_key(*name)).map(|name| change(name, HowChanged::Removed));
    let come = new.iter().filter_map(|(name, value)| match old.get(name) {
        None => Some(change(name, HowChanged::Added)),
        Some(before) if before != value => Some(change(name, HowChanged::Changed)),
        Some(_) => None,
    });
    gone.chain(come).collect()
}
