//! `notify:` — what goes where and when.

use super::kinds::{self, ChannelConfig};
use std::collections::{BTreeMap, BTreeSet};
use tmuxagent_config::Environment;
use tmuxagent_model::{AlertKind, Millis, Urgency};
use tmuxagent_yaml::{Fields, Node, Reader};

/// What goes where and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Routing {
    /// The routes; an alert goes to the channels of all that fit.
    pub routes: Vec<Route>,
    /// A second alert of one key within this time on one channel is not sent. Questions are never held back.
    pub cool_down: Millis,
    /// Without a key pressed in any tmux client for so long, the user is away.
    pub away_after: Millis,
    /// How often a question is repeated on its channels while nobody decides.
    pub remind: Option<Reminders>,
    /// Further channels for a question that stays open, in order.
    pub escalate: Vec<Escalation>,
    /// Channels for what is pressing and could not be delivered.
    pub fallback: Vec<String>,
}

/// Which alerts go to which channels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// The kinds that it is for; all when empty.
    pub kinds: Vec<AlertKind>,
    /// The least urgency.
    pub urgency: Urgency,
    /// Names of channels; each is configured.
    pub to: Vec<String>,
    /// Whether it holds only while the user is away.
    pub when: When,
}

/// When a route holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum When {
    /// Whether or not the user is at a keyboard.
    #[default]
    Always,
    /// Only while the user is away. A question waits until he is; other alerts are left out.
    Away,
}

/// Repetitions of an open question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reminders {
    /// The time between them.
    pub every: Millis,
    /// After so many nobody is reminded any more.
    pub times: u32,
}

/// One step of an escalation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Escalation {
    /// So long after the question was asked.
    pub after: Millis,
    /// Names of channels; each is configured.
    pub to: Vec<String>,
}

impl Default for Routing {
    fn default() -> Self {
        Self::everything_to(Vec::new())
    }
}

impl Routing {
    /// Everything that is at least worth a look goes to these channels.
    #[must_use]
    pub(crate) fn everything_to(to: Vec<String>) -> Self {
        let route = Route { kinds: Vec::new(), urgency: Urgency::Normal, to, when: When::Always };
        Self {
            routes: if route.to.is_empty() { Vec::new() } else { vec![route] },
            cool_down: Millis::from_secs(300),
            away_after: Millis::from_secs(300),
            remind: None,
            escalate: Vec::new(),
            fallback: Vec::new(),
        }
    }
}

impl Routing {
    /// The channels that questions come to, at once or later.
    #[must_use]
    pub fn of_questions(&self) -> BTreeSet<&str> {
        let asked = |kind: &AlertKind| matches!(kind, AlertKind::Approval | AlertKind::Reminder);
        let routes = self.routes.iter().filter(|route| route.kinds.is_empty() || route.kinds.iter().any(asked));
        let later = self.escalate.iter().flat_map(|step| &step.to);
        routes.flat_map(|route| &route.to).chain(later).map(String::as_str).collect()
    }
}

/// Resolves names of channels; a kind's name that is not configured makes a channel from the environment.
pub(super) struct Names<'n, 'a> {
    pub reader: &'n Reader<'a>,
    pub environment: &'n Environment,
    /// The names under `channels:`, also of those that are wrong.
    pub known: &'n [String],
    pub channels: &'n mut BTreeMap<String, ChannelConfig>,
}

impl Names<'_, '_> {
    fn list(&mut self, node: &Node) -> Vec<String> {
        let mut names = Vec::new();
        for item in self.reader.list(node) {
            let Some(name) = self.reader.text(item, "notify") else {
                continue;
            };
            // The earlier scripts separate several by commas.
            for name in name.split(',').map(str::trim).filter(|name| !name.is_empty() && *name != "none") {
                self.add(name, item);
                names.push(name.to_owned());
            }
        }
        names
    }

    fn add(&mut self, name: &str, item: &Node) {
        if self.channels.contains_key(name) || self.known.iter().any(|known| known == name) {
            return;
        }
        if kinds::NAMES.contains(&name) {
            let empty = Node::nothing(item.at);
            if let Some(channel) = kinds::read(self.reader, self.environment, name, item.at, &empty) {
                self.channels.insert(name.to_owned(), channel);
            }
            return;
        }
        let candidates = self.known.iter().map(String::as_str).chain(kinds::NAMES.iter().copied());
        let text = format!("there is no channel `{name}`");
        let otherwise = || "add it under `channels:`".to_owned();
        self.reader.unknown("unknown-name", item.at, text, (name, candidates), otherwise);
    }
}

/// Reads `notify:`: one word, a list of words, or a map.
pub(super) fn read(names: &mut Names<'_, '_>, node: &Node) -> Routing {
    if node.entries().is_none() {
        return Routing::everything_to(names.list(node));
    }
    let reader = names.reader;
    let Some(top) = reader.map(node, "notify") else {
        return Routing::default();
    };
    let mut routing = match top.get("to") {
        Some(node) => Routing::everything_to(names.list(node)),
        None => Routing::default(),
    };
    if let Some(node) = top.get("routes") {
        for (n, item) in reader.list(node).iter().enumerate() {
            if let Some(fields) = reader.map(item, &format!("notify.routes[{n}]")) {
                routing.routes.extend(route(names, &fields));
                fields.finish();
            }
        }
    } else if top.get("to").is_none() {
        routing = Routing::everything_to(names.known.to_vec());
    }
    routing.cool_down = top.duration("cool_down").unwrap_or(routing.cool_down);
    routing.away_after = top.duration("away_after").unwrap_or(routing.away_after);
    if let Some(fields) = top.map("remind") {
        let every = fields.duration("every").filter(|every| every.0 >= 60_000);
        if every.is_none() {
            reader.error("bad-duration", fields.at(), "`notify.remind.every` must be at least `1m`".to_owned());
        }
        let times = fields.number("times", 1..=100).and_then(|n| u32::try_from(n).ok()).unwrap_or(3);
        routing.remind = every.map(|every| Reminders { every, times });
        fields.finish();
    }
    if let Some(node) = top.get("escalate") {
        for (n, item) in reader.list(node).iter().enumerate() {
            if let Some(fields) = reader.map(item, &format!("notify.escalate[{n}]")) {
                let after = fields.require("after").and_then(|_| fields.duration("after"));
                let to = fields.require("to").map(|node| names.list(node)).unwrap_or_default();
                routing.escalate.extend(after.map(|after| Escalation { after, to }));
                fields.finish();
            }
        }
    }
    routing.fallback = top.get("fallback").map(|node| names.list(node)).unwrap_or_default();
    top.finish();
    routing
}

fn route(names: &mut Names<'_, '_>, fields: &Fields<'_, '_>) -> Option<Route> {
    const KINDS: &[(&str, AlertKind)] = &[
        ("approval", AlertKind::Approval),
        ("reminder", AlertKind::Reminder),
        ("failure", AlertKind::Failure),
        ("success", AlertKind::Success),
        ("custom", AlertKind::Custom),
        ("agent", AlertKind::Agent),
        ("system", AlertKind::System),
    ];
    let urgencies = [("low", Urgency::Low), ("normal", Urgency::Normal), ("high", Urgency::High)];
    let reader = fields.reader();
    let kinds: Vec<AlertKind> = fields
        .get("kinds")
        .map(|node| reader.list(node))
        .unwrap_or_default()
        .iter()
        .filter_map(|node| reader.word(node, &fields.path("kinds"), KINDS))
        .collect();
    // Who names kinds wants all of them, also the quiet ones.
    let default = if kinds.is_empty() { Urgency::Normal } else { Urgency::Low };
    let urgency = fields.word("urgency", &urgencies).unwrap_or(default);
    let when = fields.word("when", &[("always", When::Always), ("away", When::Away)]).unwrap_or_default();
    let to = names.list(fields.require("to")?);
    Some(Route { kinds, urgency, to, when })
}
