//! Gates that what a pane prints may leave out.
//!
//! An `if` beside a gate says whether a person is asked. Where it goes by what a pane printed, whoever prints there decides
//! that, and an agent may print anything: a value of its text, how a stage ended that is judged by it, whether a stage was
//! reached that is begun by it, and what another pipeline gives on of that. What a `run` prints is what its author's own
//! command says, and panes of which the author says that no agent is in them are the user's own.
//!
//! A stage that has ended whenever the gate has its turn was reached, whatever led there: of it only how it ended counts.

use super::reader::says_no_agent;
use super::{StageSubject, Subject};
use crate::guard::Guard;
use crate::pattern::Patterns;
use crate::policy::{Action, Condition, FailStep, TextTemplate};
use crate::template::{StageValue, stage_value};
use std::collections::{BTreeMap, BTreeSet};
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
            let at = stage.at();
            // That an agent's message leads there is said already.
            if problems.has_error_within(at.source, at.start, at.start + 1) {
                continue;
            }
            let cause = stage.core.guard.as_ref().and_then(|guard| printed.cause(guard, At::of(subject, stage)));
            let name = &stage.core.name;
            let message = match cause {
                Some(Cause::Value(value)) => format!(
                    "the stage `{name}` asks for approval, and its `if` may leave that out: `{value}` is what a pane printed, where an agent may be"
                ),
                Some(Cause::Stage(judged)) => format!(
                    "the stage `{name}` asks for approval, and its `if` may leave that out: what becomes of the stage `{judged}` goes by what a pane printed, where an agent may be"
                ),
                None => continue,
            };
            let help = "ask without `if`, and give that to the stages before or after it; or let a `run` print it; or say that no agent is there: `match: {not: {agent: \"?*\"}}`";
            problems.error("gate-by-output", at, message).help(help);
        }
    }
}

/// Whether an agent may print in the pane of a stage. A command's name is no word about that: it may have begun an agent.
fn speaks(subject: &Subject, stage: &StageSubject) -> bool {
    !says_no_agent(subject.core.selector_of(stage.core))
}

/// Whether all that is printed while a stage lasts is what a command of its author's prints.
fn runs_alone(stage: &StageSubject) -> bool {
    let talks = |action: &Action| matches!(action.act(), Action::Prompt { .. } | Action::SendKeys { .. });
    let actions = &stage.core.actions_on_start;
    actions.iter().any(|action| matches!(action, Action::Run { .. })) && !actions.iter().any(talks)
}

/// Where something is judged.
#[derive(Clone, Copy)]
struct At<'s> {
    subject: &'s Subject<'s>,
    stage: &'s StageSubject<'s>,
}

impl<'s> At<'s> {
    const fn of(subject: &'s Subject<'s>, stage: &'s StageSubject<'s>) -> Self {
        Self { subject, stage }
    }

    /// Whether a stage has ended whenever this one has its turn.
    fn is_behind(self, other: &str) -> bool {
        self.subject.ended_before(&self.stage.core.name).contains(other)
    }
}

impl Subject<'_> {
    /// The stages that have ended, on every way, whenever one has its turn.
    fn ended_before(&self, name: &str) -> BTreeSet<&str> {
        let all: BTreeSet<&str> = self.stages.iter().map(|stage| stage.core.name.as_str()).collect();
        // All of them to begin with, so that those of a loop, which follow each other, count as their other ways do.
        let mut before: BTreeMap<&str, BTreeSet<&str>> = all.iter().map(|name| (*name, all.clone())).collect();
        loop {
            let next: BTreeMap<&str, BTreeSet<&str>> = self
                .stages
                .iter()
                .map(|stage| (stage.core.name.as_str(), ended(&stage.core.triggers, &before)))
                .collect();
            if next == before {
                return before.remove(name).unwrap_or_default();
            }
            before = next;
        }
    }
}

/// The stages that have ended when a condition holds.
fn ended<'c>(condition: &'c Condition, before: &BTreeMap<&'c str, BTreeSet<&'c str>>) -> BTreeSet<&'c str> {
    match condition {
        Condition::Any(parts) => {
            let mut ways = parts.iter().map(|part| ended(part, before));
            let first = ways.next().unwrap_or_default();
            ways.fold(first, |all, way| all.intersection(&way).copied().collect())
        }
        Condition::All(parts) => parts.iter().flat_map(|part| ended(part, before)).collect(),
        Condition::Seen(part) => ended(part, before),
        Condition::AfterStageSuccess(name)
        | Condition::AfterStageFailure(name)
        | Condition::AfterStageRejected(name) => {
            let mut all = before.get(name.as_str()).cloned().unwrap_or_default();
            all.insert(name);
            all
        }
        _ => BTreeSet::new(),
    }
}

/// What is decided in a pipeline by what a pane printed in which an agent speaks.
#[derive(Default)]
struct Printed {
    /// The names of values.
    values: BTreeSet<String>,
    /// Values that are there once a stage set them, with all that do.
    set: BTreeSet<(String, String)>,
    /// Stages whose last lines an agent may have printed.
    talking: BTreeSet<String>,
    /// Stages of which it decides how they end.
    judged: BTreeSet<String>,
    /// Stages of which it decides whether they have their turn.
    begun: BTreeSet<String>,
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
        for stage in &subject.stages {
            for action in stage.actions() {
                if let Action::Set { name, .. } = action.act() {
                    printed.set.insert((name.clone(), stage.core.name.clone()));
                }
            }
        }
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
            let name = || stage.core.name.clone();
            if !alone {
                printed.talking.insert(name());
            }
            if ends().any(by_output) {
                printed.judged.insert(name());
            }
            if by_output(&stage.core.triggers) {
                printed.begun.insert(name());
            }
        }
        printed
    }

    /// One step further: what hangs on what is known. Gives the inputs of other pipelines that get some of it.
    fn follow(&mut self, subject: &Subject) -> Vec<(String, String)> {
        let mut given_on = Vec::new();
        for stage in &subject.stages {
            let (at, name) = (At::of(subject, stage), stage.core.name.clone());
            if after(&stage.core.triggers, &mut |before| self.judged.contains(before) || self.begun.contains(before)) {
                self.begun.insert(name.clone());
            }
            let chosen =
                |action: &Action| matches!(action, Action::If { guard, .. } if self.cause(guard, at).is_some());
            if stage.core.guard.as_ref().is_some_and(|guard| self.cause(guard, at).is_some())
                || stage.core.actions_on_start.iter().any(chosen)
            {
                self.judged.insert(name.clone());
            }
            let judged = self.judged.contains(&name);
            let done = stage.core.on_fail.iter().filter_map(|step| match step {
                FailStep::Do(action) => Some(action),
                FailStep::Retry(_) | FailStep::AskHuman { .. } | FailStep::Escalate { .. } => None,
            });
            let done = stage.core.on_success.iter().chain(done).map(|action| (action, judged));
            for (action, judged) in stage.core.actions_on_start.iter().map(|action| (action, false)).chain(done) {
                let chosen = judged || matches!(action, Action::If { guard, .. } if self.cause(guard, at).is_some());
                let told = |text: &TextTemplate| chosen || text.names.iter().any(|name| self.holds(name, at));
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
        self.values.len() + self.judged.len() + self.begun.len()
    }

    /// Whether it decides what became of a stage, as another one finds it.
    fn decides(&self, stage: &str, at: At) -> bool {
        self.judged.contains(stage) || self.begun.contains(stage) && !at.is_behind(stage)
    }

    fn holds(&self, name: &str, at: At) -> bool {
        let of_stage = |(stage, value): (&str, StageValue)| {
            value == StageValue::Output && self.talking.contains(stage) || self.decides(stage, at)
        };
        let mut setters = self.set.iter().filter(|(set, _)| set == name);
        self.values.contains(name)
            || speaks(at.subject, at.stage) && OF_PANE.contains(&name)
            || stage_value(name).is_some_and(of_stage)
            || setters.any(|(_, stage)| self.begun.contains(stage) && !at.is_behind(stage))
    }

    /// What an `if` goes by that a pane printed.
    fn cause<'g>(&self, guard: &'g Guard, at: At) -> Option<Cause<'g>> {
        let value = |name: &'g String| self.holds(name, at).then_some(Cause::Value(name));
        let of_stage = |name: &'g String| self.decides(name, at).then_some(Cause::Stage(name));
        match guard {
            Guard::Any(parts) | Guard::All(parts) => parts.iter().find_map(|part| self.cause(part, at)),
            Guard::Not(part) => self.cause(part, at),
            Guard::Value { name, .. } => value(name),
            Guard::FileExists(paths) => paths.iter().flat_map(|path: &TextTemplate| &path.names).find_map(value),
            Guard::Stage { name, .. } | Guard::ExitCode { stage: name, .. } => of_stage(name),
            Guard::Run(_) => None,
        }
    }
}

/// What an `if` goes by that a pane printed.
enum Cause<'g> {
    /// A value.
    Value(&'g str),
    /// What became of a stage.
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

/// Whether a condition names the end of one of these stages.
fn after(condition: &Condition, is_one: &mut dyn FnMut(&str) -> bool) -> bool {
    let mut found = false;
    condition.walk(&mut |part| {
        if let Condition::AfterStageSuccess(name)
        | Condition::AfterStageFailure(name)
        | Condition::AfterStageRejected(name) = part
        {
            found |= is_one(name);
        }
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
        vec![format!(
            "gate-by-output what becomes of the stage `{stage}` goes by what a pane printed, where an agent may be"
        )]
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
        // What a command is called says nothing of what it begins.
        for command in ["bash", "ssh", "docker", "make", "'*'", "claude", "'/.*/'"] {
            let panes = format!("current_command: {command}");
            assert_eq!(told(&panes, &stages(&typed, "{value: {risk: high}}")), left_out("risk"), "{command}");
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

    /// With two stages before the gate, and by what the gate begins.
    fn reached(a: &str, b: &str, gate: &str) -> String {
        format!(
            "  - {{name: a, timeout: 1m, {a}}}\n  - {{name: b, timeout: 1m, {b}}}\n  - {{name: gate, require_approval: true, actions_on_start: [{{run: ./x}}], {gate}}}\n  - {{name: c, needs: gate, actions_on_start: [{{run: ./y}}]}}\n"
        )
    }

    #[test]
    fn what_an_agent_lets_have_its_turn_leaves_no_gate_out() {
        let judged = "triggers: [manual], actions_on_start: [{prompt: Look}], success_when: [{log_regex: '^fine$'}], on_fail: [{retry: 2}]";
        let mended = "triggers: [{after_stage_failure: a}], actions_on_start: [{run: 'true'}]";
        for (guard, cause) in [
            ("{stage: {b: succeeded}}", ends("b")),
            ("{not: {exit_code: {b: 0}}}", ends("b")),
            ("{value: {a.attempt: '1'}}", left_out("a.attempt")),
            ("{value: a.duration}", left_out("a.duration")),
            ("{value: b.exit_code}", left_out("b.exit_code")),
        ] {
            let gate = format!("needs: {{any: [a, b]}}, if: {guard}");
            assert_eq!(told("window_name: w", &reached(judged, mended, &gate)), cause, "{guard}");
        }
        // By whatever it began, a stage that has always ended before the gate tells what its own command says.
        let begun = "triggers: [{log_regex: '^go$'}], actions_on_start: [{run: ./a}, {set: {v: 'yes'}}]";
        let next = "needs: a, actions_on_start: [{run: ./b}]";
        for guard in
            ["{not: {exit_code: {a: 0}}}", "{stage: {b: succeeded}}", "{value: v}", "{value: {a.attempt: '1'}}"]
        {
            let behind = format!("needs: b, if: {guard}");
            assert_eq!(told("window_name: w", &reached(begun, next, &behind)), Vec::<String>::new(), "{guard}");
            let beside = format!("triggers: [manual], if: {guard}");
            assert_eq!(told("window_name: w", &reached(begun, next, &beside)).len(), 1, "{guard}");
        }
        let maybe = format!(
            "triggers: [{{{RISK}}}], actions_on_start: [{{run: '(exit 2)', if: {{value: {{risk: high}}}}}}], success_when: [{{exit_code: [0, 2]}}]"
        );
        let gate = "needs: b, if: {exit_code: {a: 2}}";
        assert_eq!(told("window_name: w", &reached(&maybe, next, gate)), ends("a"));
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
