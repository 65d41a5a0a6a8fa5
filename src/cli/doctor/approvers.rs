//! Gates that only some people open, whose questions come to channels of others: whoever opens such a link may only look.

use super::{Finding, Scene};
use std::collections::BTreeSet;
use tmuxagent_alerts::config::{Settings, of};
use tmuxagent_policy::Policy;
use tmuxagent_text::Lang;

/// What the running configuration makes of them.
pub(super) fn check(scene: &Scene) -> Vec<Finding> {
    let settings = scene.loaded.as_ref().and_then(|loaded| Some((loaded, of(loaded).ok()?)));
    let Some((loaded, settings)) = settings else { return Vec::new() };
    let (policy, _) = tmuxagent_policy::analyse(&loaded.policy_sources);
    let unread = policy.map(|policy| unread(&policy, &settings)).unwrap_or_default();
    let found = unread.into_iter().map(|gate| Finding::warning("alerts", gate.text(scene.lang), gate.fix(scene.lang)));
    found.collect()
}

/// A gate that nobody whose channel gets its question may open.
#[derive(Debug, PartialEq, Eq)]
pub(in super::super) struct Unread {
    /// Pipeline and stage.
    stage: String,
    /// Who may.
    approvers: String,
    /// The first of them.
    first: String,
    /// Where the question goes.
    channels: String,
    /// The first of them.
    channel: String,
}

impl Unread {
    /// What is wrong.
    pub(in super::super) fn text(&self, lang: Lang) -> String {
        let Self { stage, approvers, channels, .. } = self;
        said!(
            lang,
            "{stage}: its question is for {approvers}, and goes to {channels}, which nobody of them is said to read: who opens the link \
             may only look",
            "{stage}：其提问由 {approvers} 决定，却发往 {channels}，没有配置说他们中有人阅读它：打开链接的人只能查看"
        )
    }

    /// What mends it.
    pub(in super::super) fn fix(&self, lang: Lang) -> String {
        let Self { first, channel, .. } = self;
        said!(
            lang,
            "say who reads the channel (`channels: {{{channel}: {{person: {first}}}}}`), or send it to one of theirs",
            "写明通道由谁阅读（`channels: {{{channel}: {{person: {first}}}}}`），或发往他们的通道"
        )
    }
}

/// Those gates. Where questions go to no channel at all, people decide at the screen.
pub(in super::super) fn unread(policy: &Policy, settings: &Settings) -> Vec<Unread> {
    let asked = settings.routing.of_questions();
    let channels: Vec<_> = asked.iter().filter_map(|name| settings.channels.get(*name)).collect();
    let Some(first) = channels.first() else { return Vec::new() };
    let readers: BTreeSet<&str> = channels.iter().flat_map(|channel| channel.deciders()).collect();
    let stages = policy.pipelines.iter().flat_map(|line| line.stages.iter().map(move |stage| (line, stage)));
    let gates = stages.filter_map(|(line, stage)| {
        let approvers = &stage.gate.as_ref()?.approvers;
        let nobody = approvers.iter().all(|name| !readers.contains(name.as_str()));
        Some(Unread {
            stage: format!("{} / {}", line.name, stage.name),
            approvers: approvers.join(", "),
            first: approvers.first().filter(|_| nobody)?.clone(),
            channels: asked.iter().copied().collect::<Vec<_>>().join(", "),
            channel: first.name.clone(),
        })
    });
    gates.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tmuxagent_alerts::config::{ChannelConfig, Kind, Route, Routing, When};
    use tmuxagent_model::{AlertKind, Millis, Urgency};
    use tmuxagent_yaml::Source;

    fn settings(person: &str, to: &str) -> Settings {
        let channel = ChannelConfig {
            name: "log".to_owned(),
            kind: Kind::Stdout,
            person: person.to_owned(),
            proxy: tmuxagent_alerts::http::ProxyChoice::Inherit,
            timeout: Millis::from_secs(10),
        };
        let (kinds, to) = (vec![AlertKind::Approval], vec![to.to_owned()]);
        let route = Route { kinds, urgency: Urgency::Normal, to, when: When::Always };
        Settings {
            channels: [("log".to_owned(), channel)].into(),
            routing: Routing { routes: vec![route], ..Routing::default() },
        }
    }

    #[test]
    fn a_gate_that_nobody_who_is_asked_may_open_is_found() {
        let text = "version: 1\npipelines:\n- name: site\n  match: {window_name: site}\n  stages:\n  - name: live\n    actions_on_start: [{run: echo live}]\n    \
                    require_approval: {approvers: [root, mei]}\n";
        let (policy, found) = tmuxagent_policy::analyse(&[Source::new("p.yaml", text)]);
        let policy = policy.unwrap_or_else(|| panic!("{}", found.show(Lang::En)));
        let told = unread(&policy, &settings("", "log"));
        assert_eq!(told.len(), 1);
        let text = told[0].text(Lang::En);
        assert!(text.starts_with("site / live: its question is for root, mei, and goes to log, "), "{text}");
        assert!(told[0].fix(Lang::En).contains("`channels: {log: {person: root}}`"));
        assert_eq!(unread(&policy, &settings("li", "log")).len(), 1);
        assert_eq!(unread(&policy, &settings("mei", "log")), []);
        assert_eq!(unread(&policy, &settings("", "none")), [], "nobody is asked away from the screen");
    }
}
