//! Gates that what a pane prints may leave out.
//!
//! An `if` beside a gate says whether a person is asked. Where it goes by what a pane printed, whoever prints there decides
//! that, and an agent may print anything. What a `run` prints is what its author's own command says, and panes in which no
//! agent reads the keys are the user's own.

use super::reader::has_no_agent;
use super::{StageSubject, Subject};
use crate::guard::Guard;
use crate::pattern::Patterns;
use crate::policy::{Action, Condition, TextTemplate};
use crate::template::{StageValue, stage_value};
use std::collections::BTreeSet;
use tmuxagent_yaml::Problems;

/// What every stage knows of the pane: its last line, and its title, which programs set.
const OF_PANE: [&str; 2] = ["line", "pane.title"];

pub(super) fn check(subject: &Subject, patterns: &Patterns, problems: &mut Problems) {
    let gates = subject.stages.iter().filter(|stage| stage.core.gate.is_some());
    let mut guarded = gates.filter_map(|stage| Some((stage, stage.core.guard.as_ref()?))).peekable();
    if guarded.peek().is_none() {
        return;
    }
    let printed = Printed::of(subject, patterns);
    for (stage, guard) in guarded {
        let speaks = speaks(subject, stage);
        let Some(value) = names(guard).into_iter().find(|name| printed.holds(name, speaks)) else { continue };
        let name = &stage.core.name;
        let message = format!(
            "the stage `{name}` asks for approval, and its `if` may leave that out: `{value}` is what a pane printed, where an agent may be"
        );
        let help = "ask without `if`, and give that to the stages before or after it; or let a `run` print it; or say with `current_command` that no agent is there";
        problems.error("gate-by-output", stage.at(), message).help(help);
    }
}

/// Whether an agent may print in the pane of a stage.
fn speaks(subject: &Subject, stage: &StageSubject) -> bool {
    !has_no_agent(subject.core.selector_of(stage.core))
}

/// The names of values that a pane may have printed in which an agent speaks.
struct Printed<'r>(BTreeSet<&'r str>);

impl<'r> Printed<'r> {
    fn of(subject: &'r Subject, patterns: &'r Patterns) -> Self {
        let mut printed = Self(BTreeSet::new());
        let speaking = || subject.stages.iter().filter(|stage| speaks(subject, stage));
        for stage in speaking() {
            let ends = stage.core.success_when.iter().chain(&stage.core.fail_when).filter(|_| !stage.has_run());
            for condition in ends.chain([&stage.core.triggers]) {
                condition.walk(&mut |part| {
                    if let Condition::LogRegex(id) = part
                        && let Some(pattern) = patterns.list.get(id.0 as usize)
                    {
                        printed.0.extend(pattern.regex.capture_names().flatten());
                    }
                });
            }
        }
        let talking: BTreeSet<&str> =
            speaking().filter(|stage| !stage.has_run()).map(|stage| stage.core.name.as_str()).collect();
        // What is given on is the same under another name.
        loop {
            let before = printed.0.len();
            for stage in &subject.stages {
                let speaks = speaks(subject, stage);
                for action in stage.actions() {
                    if let Action::Set { name, value } = action
                        && value.names.iter().any(|given| printed.holds(given, speaks) || left_by(given, &talking))
                    {
                        printed.0.insert(name);
                    }
                }
            }
            if printed.0.len() == before {
                break;
            }
        }
        let left = subject.stages.iter().filter_map(|stage| stage.core.guard.as_ref()).flat_map(names);
        printed.0.extend(left.filter(|name| left_by(name, &talking)));
        printed
    }

    fn holds(&self, name: &str, speaks: bool) -> bool {
        self.0.contains(name) || speaks && OF_PANE.contains(&name)
    }
}

/// Whether a name means what one of these stages left printed.
fn left_by(name: &str, stages: &BTreeSet<&str>) -> bool {
    stage_value(name).is_some_and(|(stage, value)| value == StageValue::Output && stages.contains(stage))
}

/// The values that an `if` goes by.
fn names(guard: &Guard) -> Vec<&str> {
    match guard {
        Guard::Any(parts) | Guard::All(parts) => parts.iter().flat_map(names).collect(),
        Guard::Not(part) => names(part),
        Guard::Value { name, .. } => vec![name],
        Guard::FileExists(paths) => {
            paths.iter().flat_map(|path: &TextTemplate| &path.names).map(String::as_str).collect()
        }
        Guard::Stage { .. } | Guard::ExitCode { .. } | Guard::Run(_) => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use crate::{Source, analyse};

    /// The sentences of the gates that may be left out, of a pipeline with these panes and stages.
    fn told(panes: &str, stages: &str) -> Vec<String> {
        let text = format!("pipelines:\n- name: p\n  match: {{{panes}}}\n  stages:\n{stages}");
        let (_, found) = analyse(&[Source::new("p.yaml", text)]);
        let errors = found.problems.iter().filter(|it| it.severity == tmuxagent_yaml::Severity::Error);
        errors.map(|it| format!("{} {}", it.code, it.message.rsplit(": ").next().unwrap_or_default())).collect()
    }

    fn left_out(value: &str) -> Vec<String> {
        vec![format!("gate-by-output `{value}` is what a pane printed, where an agent may be")]
    }

    const RISK: &str = "log_regex: '^risk (?P<risk>[a-z]+)$'";

    fn stages(first: &str, guard: &str) -> String {
        format!(
            "  - {{name: a, {first}, timeout: 1m}}\n  - {{name: gate, needs: a, if: {guard}, require_approval: true, actions_on_start: [{{run: ./x}}]}}\n  - {{name: b, needs: gate, actions_on_start: [{{run: ./y}}]}}\n"
        )
    }

    #[test]
    fn what_an_agent_prints_leaves_no_gate_out() {
        let triggered = format!("triggers: [{{{RISK}}}], actions_on_start: [{{notify: hi}}]");
        let prompted = format!("triggers: [manual], actions_on_start: [{{prompt: Look}}], success_when: [{{{RISK}}}]");
        for panes in ["agent: claude", "window_name: w"] {
            for guard in [
                "{not: {value: {risk: low}}}",
                "{value: risk}",
                "{any_of: [{value: {risk: high}}, {file_exists: ask}]}",
                "{file_exists: 'ask-{{risk}}'}",
            ] {
                for first in [&triggered, &prompted] {
                    assert_eq!(told(panes, &stages(first, guard)), left_out("risk"), "{panes} {first} {guard}");
                }
            }
        }
        let given = format!(
            "triggers: [{{{RISK}}}], actions_on_start: [{{set: {{v: '{{{{risk}}}}'}}}}, {{set: {{w: '{{{{v}}}}'}}}}]"
        );
        assert_eq!(told("window_name: w", &stages(&given, "{value: {w: high}}")), left_out("w"));
        let line = format!("triggers: [{{{RISK}}}], actions_on_start: [{{set: {{v: '{{{{line}}}}'}}}}]");
        assert_eq!(told("window_name: w", &stages(&line, "{value: {v: 'risk high'}}")), left_out("v"));
        let said = "triggers: [manual], actions_on_start: [{prompt: Look}], success_when: [{agent: done}]";
        assert_eq!(told("window_name: w", &stages(said, "{value: {a.output: '*bad*'}}")), left_out("a.output"));
    }

    #[test]
    fn what_commands_print_and_people_give_may() {
        let ran = format!("triggers: [manual], actions_on_start: [{{run: ./look}}], success_when: [{{{RISK}}}]");
        assert_eq!(told("window_name: w", &stages(&ran, "{value: {risk: high}}")), Vec::<String>::new());
        let typed = format!("triggers: [{{{RISK}}}], actions_on_start: [{{notify: hi}}]");
        assert_eq!(told("current_command: bash", &stages(&typed, "{value: {risk: high}}")), Vec::<String>::new());
        for agent in ["'*'", "claude", "node", "'/.*/'"] {
            let panes = format!("current_command: {agent}");
            assert_eq!(told(&panes, &stages(&typed, "{value: {risk: high}}")), left_out("risk"), "{agent}");
        }
        let kept = format!("triggers: [{{{RISK}}}], actions_on_start: [{{set: {{v: 'yes'}}}}]");
        assert_eq!(told("window_name: w", &stages(&kept, "{value: v}")), Vec::<String>::new());
        // An `if` of a stage without a gate is the author's way of choosing what is done.
        let free = stages(&typed, "{value: risk}").replace("require_approval: true, ", "");
        assert_eq!(told("window_name: w", &free), Vec::<String>::new());
    }
}
