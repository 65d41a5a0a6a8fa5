//! Gates that what a pane prints may leave out.
//!
//! An `if` beside a gate says whether a person is asked. Where it goes by what a pane printed, by how a stage ended that is
//! judged by it, or by what another pipeline gives on of it, whoever prints there decides that, and an agent may print anything. What a `run` prints is what its author's own command says, and panes in which no
//! agent reads the keys are the user's own.

use super::reader::has_no_agent;
use super::{StageSubject, Subject};
use crate::guard::Guard;
use crate::pattern::Patterns;
use crate::policy::{Action, Condition, FailStep, TextTemplate};
use crate::template::{StageValue, stage_value};
use std::collections::BTreeSet;
use tmuxagent_yaml::Problems;

/// What every stage knows of the pane: its last line, and its title, which programs set.
const OF_PANE: [&str; 2] = ["line", "pane.title"];

pub(super) fn check(subjects: &[Subject], patterns: &Patterns, problems: &mut Problems) {
    let guarded = |stage: &&StageSubject| stage.core.gate.is_some() && stage.core.guard.is_some();
    if !subjects.iter().flat_map(|subject| &subject.stages).any(|stage| guarded(&stage)) {
        return;
    }
    for (subject, printed) in subjects.iter().zip(printed(subjects, patterns)) {
        for stage in subject.stages.iter().filter(guarded) {
            let cause = stage.core.guard.as_ref().and_then(|guard| printed.cause(guard, speaks(subject, stage)));
            let name = &stage.core.name;
            let message = match cause {
                Some(Cause::Value(value)) => format!(
                    "the stage `{name}` asks for approval, and its `if` may leave that out: `{value}` is what a pane printed, where an agent may be"
                ),
                Some(Cause::Stage(judged)) => format!(
                    "the stage `{name}` asks for approval, and its `if` may leave that out: the stage `{judged}` ends by what a pane printed, where an agent may be"
                ),
                None => continue,
            };
            let help = "ask without `if`, and give that to the stages before or after it; or let a `run` print it; or say with `current_command` that no agent is there";
            problems.error("gate-by-output", stage.at(), message).help(help);
        }
    }
}

/// Whether an agent may print in the pane of a stage.
fn speaks(subject: &Subject, stage: &StageSubject) -> bool {
    !has_no_agent(subject.core.selector_of(stage.core))
}

/// Whether all that is printed while a stage lasts is what a command of its author's prints.
fn runs_alone(stage: &StageSubject) -> bool {
    let talks = |action: &Action| matches!(action.act(), Action::Prompt { .. } | Action::SendKeys { .. });
    let actions = &stage.core.actions_on_start;
    actions.iter().any(|action| matches!(action, Action::Run { .. })) && !actions.iter().any(talks)
}

/// What is decided in a pipeline by what a pane printed in which an agent speaks.
#[derive(Default)]
struct Printed {
    /// The names of values.
    values: BTreeSet<String>,
    /// Stages whose last lines an agent may have printed.
    talking: BTreeSet<String>,
    /// Stages whose end goes by it.
    judged: BTreeSet<String>,
}

/// What is printed, of each pipeline. What is given on is the same under another name, also in another pipeline.
fn printed(subjects: &[Subject], patterns: &Patterns) -> Vec<Printed> {
    let mut all: Vec<Printed> = subjects.iter().map(|subject| Printed::of(subject, patterns)).collect();
    loop {
        let before: usize = all.iter().map(Printed::size).sum();
        for (index, subject) in subjects.iter().enumerate() {
            let Some(own) = all.get_mut(index) else { continue };
            for (target, input) in own.follow(subject) {
                let started = subjects.iter().position(|other| other.core.name == target);
                if let Some(other) = started.and_then(|index| all.get_mut(index)) {
                    other.values.insert(format!("inputs.{input}"));
                }
            }
        }
        if all.iter().map(Printed::size).sum::<usize>() == before {
            return all;
        }
    }
}

impl Printed {
    /// What stands in the lines themselves.
    fn of(subject: &Subject, patterns: &Patterns) -> Self {
        let mut printed = Self::default();
        for stage in subject.stages.iter().filter(|stage| speaks(subject, stage)) {
            let alone = runs_alone(stage);
            let ends = || stage.core.success_when.iter().chain(&stage.core.fail_when).filter(|_| !alone);
            for condition in ends().chain([&stage.core.triggers]) {
                condition.walk(&mut |part| {
                    if let Condition::LogRegex(id) = part
                        && let Some(pattern) = patterns.list.get(id.0 as usize)
                    {
                        printed.values.extend(pattern.regex.capture_names().flatten().map(str::to_owned));
                    }
                });
            }
            if !alone {
                printed.talking.insert(stage.core.name.clone());
            }
            if ends().any(by_output) {
                printed.judged.insert(stage.core.name.clone());
            }
        }
        printed
    }

    /// One step further: values that are set by what is known of, and stages that it leaves out. Gives the inputs of other
    /// pipelines that get some of it.
    fn follow(&mut self, subject: &Subject) -> Vec<(String, String)> {
        let mut given_on = Vec::new();
        for stage in &subject.stages {
            let speaks = speaks(subject, stage);
            if stage.core.guard.as_ref().is_some_and(|guard| self.cause(guard, speaks).is_some()) {
                self.judged.insert(stage.core.name.clone());
            }
            let judged = self.judged.contains(&stage.core.name);
            let after = stage.core.on_fail.iter().filter_map(|step| match step {
                FailStep::Do(action) => Some(action),
                FailStep::Retry(_) | FailStep::AskHuman { .. } | FailStep::Escalate { .. } => None,
            });
            let after = stage.core.on_success.iter().chain(after).map(|action| (action, judged));
            for (action, chosen) in stage.core.actions_on_start.iter().map(|action| (action, false)).chain(after) {
                let chosen =
                    chosen || matches!(action, Action::If { guard, .. } if self.cause(guard, speaks).is_some());
                let told = |text: &TextTemplate| chosen || text.names.iter().any(|name| self.holds(name, speaks));
                match action.act() {
                    Action::Set { name, value } if told(value) => {
                        self.values.insert(name.clone());
                    }
                    Action::StartPipeline { pipeline, given, .. } => {
                        let given = given.iter().filter(|(_, text)| told(text));
                        given_on.extend(given.map(|(input, _)| (pipeline.clone(), input.clone())));
                    }
                    _ => {}
                }
            }
        }
        given_on
    }

    fn size(&self) -> usize {
        self.values.len() + self.judged.len()
    }

    fn holds(&self, name: &str, speaks: bool) -> bool {
        let left = |stage: &str| self.talking.contains(stage);
        self.values.contains(name)
            || speaks && OF_PANE.contains(&name)
            || stage_value(name).is_some_and(|(stage, value)| value == StageValue::Output && left(stage))
    }

    /// What an `if` goes by that a pane printed.
    fn cause<'g>(&self, guard: &'g Guard, speaks: bool) -> Option<Cause<'g>> {
        let value = |name: &'g String| self.holds(name, speaks).then_some(Cause::Value(name));
        match guard {
            Guard::Any(parts) | Guard::All(parts) => parts.iter().find_map(|part| self.cause(part, speaks)),
            Guard::Not(part) => self.cause(part, speaks),
            Guard::Value { name, .. } => value(name),
            Guard::FileExists(paths) => paths.iter().flat_map(|path: &TextTemplate| &path.names).find_map(value),
            Guard::Stage { name, .. } => self.judged.contains(name).then_some(Cause::Stage(name)),
            Guard::ExitCode { .. } | Guard::Run(_) => None,
        }
    }
}

/// What an `if` goes by that a pane printed.
enum Cause<'g> {
    /// A value.
    Value(&'g str),
    /// How a stage ended.
    Stage(&'g str),
}

/// Whether a condition goes by what is printed.
fn by_output(condition: &Condition) -> bool {
    let mut found = false;
    condition.walk(&mut |part| {
        found |= matches!(
            part,
            Condition::LogRegex(_) | Condition::Message(_) | Condition::Agent(_) | Condition::IdleFor(_)
        );
    });
    found
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

    fn ends(stage: &str) -> Vec<String> {
        vec![format!("gate-by-output the stage `{stage}` ends by what a pane printed, where an agent may be")]
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
        assert_eq!(told("not: {agent: '?*'}", &stages(&typed, "{value: risk}")), Vec::<String>::new());
        assert_eq!(told("not: {agent: claude}", &stages(&typed, "{value: risk}")), left_out("risk"), "codex is in");
        let kept = format!("triggers: [{{{RISK}}}], actions_on_start: [{{set: {{v: 'yes'}}}}]");
        assert_eq!(told("window_name: w", &stages(&kept, "{value: v}")), Vec::<String>::new());
        // An `if` of a stage without a gate is the author's way of choosing what is done.
        let free = stages(&typed, "{value: risk}").replace("require_approval: true, ", "");
        assert_eq!(told("window_name: w", &free), Vec::<String>::new());
    }

    #[test]
    fn how_an_agent_lets_a_stage_end_leaves_no_gate_out() {
        let said = "triggers: [manual], actions_on_start: [{prompt: Look}]";
        for end in [
            "success_when: [{log_regex: '^fine$'}]",
            "success_when: [{agent: done}], fail_when: [{log_regex: '^bad$'}]",
            "success_when: [{idle_for: 5m}]",
        ] {
            for guard in ["{stage: {a: failed}}", "{not: {stage: {a: succeeded}}}"] {
                assert_eq!(
                    told("window_name: w", &stages(&format!("{said}, {end}"), guard)),
                    ends("a"),
                    "{end} {guard}"
                );
            }
        }
        let both = "triggers: [manual], actions_on_start: [{run: ./look}, {prompt: Look}], success_when: [{log_regex: '^f (?P<v>x)$'}]";
        assert_eq!(told("window_name: w", &stages(both, "{stage: {a: failed}}")), ends("a"));
        assert_eq!(told("window_name: w", &stages(both, "{value: v}")), left_out("v"));
        let maybe = both.replace("{run: ./look}, {prompt: Look}", "{run: ./look, if: {file_exists: x}}");
        assert_eq!(told("window_name: w", &stages(&maybe, "{value: v}")), left_out("v"));
        let chosen = format!("{said}, success_when: [{{{RISK}}}], on_success: [{{set: {{ok: 'yes'}}}}]");
        assert_eq!(told("window_name: w", &stages(&chosen, "{not: {value: ok}}")), left_out("ok"));
        let ran = "triggers: [manual], actions_on_start: [{run: ./look}], success_when: [{log_regex: '^fine$'}]";
        assert_eq!(told("window_name: w", &stages(ran, "{stage: {a: failed}}")), Vec::<String>::new());
    }

    #[test]
    fn what_another_pipeline_gives_on_leaves_no_gate_out() {
        let policy = |value: &str, guard: &str| {
            format!(
                "  - {{name: a, triggers: [{{{RISK}}}], actions_on_start: [{{start_pipeline: {{pipeline: q, with: {{how: '{value}'}}}}}}]}}\n\
                 - name: q\n  match: {{window_name: v}}\n  inputs: {{how: {{default: high}}}}\n  stages:\n  \
                 - {{name: gate, triggers: [manual], if: {guard}, require_approval: true, actions_on_start: [{{run: ./x}}]}}\n"
            )
        };
        for guard in ["{not: {value: {inputs.how: low}}}", "{value: inputs.how}"] {
            assert_eq!(told("window_name: w", &policy("{{risk}}", guard)), left_out("inputs.how"), "{guard}");
            assert_eq!(told("window_name: w", &policy("low", guard)), Vec::<String>::new());
        }
    }
}
