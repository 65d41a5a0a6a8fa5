//! Pipelines that take values from agents' messages do nothing but alert before a person has said yes.
//!
//! Where such a value leads can't be followed: a file that is there, an exit code and a printed text may all hang on it. So
//! the rule goes by the order of the stages alone, whatever the values are.

use super::{StageSubject, Subject};
use crate::flow::{Elsewhere, OnBusy};
use crate::guard::StageEnd;
use crate::policy::{Action, Condition, FailStep, Pipeline, Stage};
use crate::poll::PollWhat;
use crate::raw::RawPipeline;
use std::collections::{BTreeMap, BTreeSet};
use tmuxagent_yaml::Problems;

/// Names of pipelines, each with that of the one whose message leads there.
type Led<'p> = BTreeMap<&'p str, &'p str>;

pub(super) fn check(written: &[&RawPipeline], subjects: &[Subject], problems: &mut Problems) {
    let pipelines: Vec<&Pipeline> = subjects.iter().map(|subject| subject.core).collect();
    let taken = |core: &&&Pipeline| core.inputs.iter().any(|input| input.from_message) && hears(core);
    let given: Vec<&Pipeline> = pipelines.iter().filter(taken).copied().collect();
    let led = led(&given, &pipelines);
    let started = started(&led, &pipelines);
    for (raw, subject) in written.iter().zip(subjects) {
        if let Some(origin) = started.get(subject.core.name.as_str()) {
            check_gates(subject, origin, problems);
        }
        if let Some(origin) = led.get(subject.core.name.as_str()) {
            check_acts(raw, subject, origin, problems);
        }
    }
    for (raw, core) in written.iter().zip(&pipelines) {
        if let Some(origin) = led.get(core.name.as_str()) {
            check_group(raw, core, origin, problems);
        }
    }
}

/// Whether a message can be what starts it, also the last of several things.
fn hears(pipeline: &Pipeline) -> bool {
    let mut hears = false;
    let triggers = pipeline.stages.iter().map(|stage| &stage.triggers);
    triggers.for_each(|triggers| triggers.walk(&mut |part| hears |= matches!(part, Condition::Message(_))));
    hears
}

/// Gates that are left out where something holds or not.
fn check_gates(subject: &Subject, origin: &str, problems: &mut Problems) {
    for stage in subject.stages.iter().filter(|stage| stage.core.gate.is_some() && stage.core.guard.is_some()) {
        let name = &stage.core.name;
        let message = format!(
            "the stage `{name}` asks for approval, and its `if` may leave that out: what an agent's message gives to `{origin}` can lead there"
        );
        let help = "ask without `if`, and give that to the stages before or after it; or leave out `from: message`";
        problems.error("gate-by-message", stage.at(), message).help(help);
    }
}

/// Stages that do something although nobody may have said yes.
fn check_acts(raw: &RawPipeline, subject: &Subject, origin: &str, problems: &mut Problems) {
    let behind = Behind::of(subject.core);
    // A gate with an `if` was told.
    let free = |stage: &&StageSubject| stage.core.gate.is_none() && !behind.stages.contains(stage.core.name.as_str());
    for stage in subject.stages.iter().filter(free).filter(|stage| acts(subject.core, stage.core)) {
        let name = &stage.core.name;
        let message = format!(
            "the stage `{name}` acts before a person has said yes: what an agent's message gives to `{origin}` can lead there"
        );
        let help = "give it `require_approval`, or let it follow the success of a stage that has it, on every way; or leave out `from: message`";
        problems.error("acts-by-message", stage.at(), message).help(help);
    }
    let closing = subject.core.stages.iter().filter(|stage| stage.closes);
    for (item, _) in
        raw.closing.iter().flat_map(|list| &list.items).zip(closing).filter(|(_, it)| acts(subject.core, it))
    {
        let message = format!(
            "`finally` acts also where nobody has said yes: what an agent's message gives to `{origin}` can lead there"
        );
        let help = "let it `notify` alone, and act in a stage behind one with `require_approval`; or leave out `from: message`";
        problems.error("acts-by-message", item.at, message).help(help);
    }
}

/// A run that makes way for another one is an act as well.
fn check_group(raw: &RawPipeline, core: &Pipeline, origin: &str, problems: &mut Problems) {
    if core.concurrency.on_busy == OnBusy::CancelOlder {
        let name = &core.name;
        let message = format!(
            "a run of `{name}` cancels an older one before a person has said yes: what an agent's message gives to `{origin}` can lead there"
        );
        let help = "write `on_busy: queue` or `on_busy: refuse`; or leave out `from: message`";
        problems.error("acts-by-message", raw.at, message).help(help);
    }
}

/// Pipelines that take values from messages, and those that follow a stage of one that nobody need have said yes to.
fn led<'p>(given: &[&'p Pipeline], pipelines: &[&'p Pipeline]) -> Led<'p> {
    let mut led: Led = given.iter().map(|core| (core.name.as_str(), core.name.as_str())).collect();
    loop {
        let origin = |core: &Pipeline| {
            let mut after = core.stages.iter().flat_map(|stage| followed(&stage.triggers));
            after.find_map(|after| {
                let other = pipelines.iter().find(|one| one.name == after.pipeline)?;
                led.get(after.pipeline.as_str()).filter(|_| !Behind::of(other).leads(after)).copied()
            })
        };
        let new = pipelines.iter().filter(|core| !led.contains_key(core.name.as_str()));
        let new: Led = new.filter_map(|core| Some((core.name.as_str(), origin(core)?))).collect();
        if new.is_empty() {
            return led;
        }
        led.extend(new);
    }
}

/// The stages of other pipelines that a condition names.
fn followed(triggers: &Condition) -> Vec<&Elsewhere> {
    let mut found = Vec::new();
    triggers.walk(&mut |part| {
        if let Condition::After(after) = part {
            found.push(&**after);
        }
    });
    found
}

/// The same with all that they start, which happens after a yes alone.
fn started<'p>(led: &Led<'p>, pipelines: &[&'p Pipeline]) -> Led<'p> {
    let mut all = led.clone();
    loop {
        let mut new = Led::new();
        for core in pipelines {
            let Some(origin) = all.get(core.name.as_str()) else { continue };
            for action in core.stages.iter().flat_map(actions) {
                if let Action::StartPipeline { pipeline, .. } = action.act()
                    && !all.contains_key(pipeline.as_str())
                    && let Some(other) = pipelines.iter().find(|one| one.name == *pipeline)
                {
                    new.insert(&other.name, *origin);
                }
            }
        }
        if new.is_empty() {
            return all;
        }
        all.extend(new);
    }
}

/// What of a pipeline comes to its turn only after a person's yes, or by a person's hand.
struct Behind<'p> {
    /// Stages that nothing leads past, by names.
    asks: BTreeSet<&'p str>,
    /// Stages whose turn comes after one of those has succeeded.
    stages: BTreeSet<&'p str>,
}

impl<'p> Behind<'p> {
    fn of(pipeline: &'p Pipeline) -> Self {
        let stages = || pipeline.stages.iter().filter(|stage| !stage.closes);
        let asks = stages().filter(|stage| stage.gate.is_some() && stage.guard.is_none());
        // All of them to begin with, so that those of a loop, which follow each other, count as their other ways do.
        let mut behind = Self {
            asks: asks.map(|stage| stage.name.as_str()).collect(),
            stages: stages().map(|s| s.name.as_str()).collect(),
        };
        loop {
            let left: BTreeSet<&str> =
                stages().filter(|stage| behind.holds(&stage.triggers)).map(|stage| stage.name.as_str()).collect();
            let left = left.intersection(&behind.stages).copied().collect();
            if left == behind.stages {
                return behind;
            }
            behind.stages = left;
        }
    }

    /// Whether a condition holds only after a yes. The end of a stage behind one is, whatever it is; of a gate itself it is
    /// success alone: it fails without an answer, too.
    fn holds(&self, condition: &Condition) -> bool {
        match condition {
            Condition::Any(parts) => parts.iter().all(|part| self.holds(part)),
            Condition::All(parts) => parts.iter().any(|part| self.holds(part)),
            Condition::Seen(part) => self.holds(part),
            Condition::AfterStageSuccess(name) => self.after(name, true),
            Condition::AfterStageFailure(name) | Condition::AfterStageRejected(name) => self.after(name, false),
            Condition::Manual => true,
            _ => false,
        }
    }

    fn after(&self, stage: &str, succeeded: bool) -> bool {
        self.stages.contains(stage) || succeeded && self.asks.contains(stage)
    }

    /// Whether a stage of another pipeline follows a yes here.
    fn leads(&self, after: &Elsewhere) -> bool {
        self.after(&after.stage, after.ends.iter().all(|end| *end == StageEnd::Succeeded))
    }
}

/// Everything that a stage does.
fn actions(stage: &Stage) -> impl Iterator<Item = &Action> {
    let after = stage.on_fail.iter().filter_map(|step| match step {
        FailStep::Do(action) => Some(action),
        FailStep::Retry(_) | FailStep::AskHuman { .. } | FailStep::Escalate { .. } => None,
    });
    stage.actions_on_start.iter().chain(&stage.on_success).chain(after)
}

/// Whether a stage does more than to alert and to remember: it types, runs, starts, asks outside, makes a pane, or keeps
/// others waiting.
fn acts(pipeline: &Pipeline, stage: &Stage) -> bool {
    let done = actions(stage).any(|action| !matches!(action.act(), Action::Notify { .. } | Action::Set { .. }));
    let asks = stage.success_when.iter().chain(&stage.fail_when).any(asks_outside);
    let makes = pipeline.panes.iter().any(|pane| pane.make.is_some() && Some(&pane.name) == stage.pane.as_ref());
    // What waits for something keeps the lock of its pipeline meanwhile.
    let waits = stage.success_when.is_some() || stage.fail_when.is_some();
    let keeps = stage.lock.is_some() || waits && pipeline.concurrency.lock.is_some();
    done || asks || makes || keeps
}

/// Whether it runs a command or calls an address.
fn asks_outside(condition: &Condition) -> bool {
    let mut asks = false;
    condition.walk(&mut |part| {
        asks |= matches!(part, Condition::Poll(test)
            if matches!(test.what, PollWhat::Http { .. } | PollWhat::Command { .. }));
    });
    asks
}

#[cfg(test)]
mod tests {
    use crate::{Source, analyse};

    /// The codes and sentences of what is wrong with a pipeline `p` that takes an input from the message that starts its
    /// first stage, and with others beside it.
    fn told(stages: &str, rest: &str) -> Vec<String> {
        let text = format!(
            "pipelines:\n- name: p\n  match: {{window_name: w}}\n  inputs: {{free: {{default: 'no', from: message}}}}\n  stages:\n{stages}{rest}"
        );
        let (_, found) =
            analyse(&[Source::new("p.yaml", text.replace("MESSAGE", "message: {type: ACTION, stage: go}"))]);
        let errors = found.problems.iter().filter(|it| it.severity == tmuxagent_yaml::Severity::Error);
        errors.map(|it| format!("{} {}", it.code, it.message.split(':').next().unwrap_or_default())).collect()
    }

    fn acts(stage: &str) -> String {
        format!("acts-by-message the stage `{stage}` acts before a person has said yes")
    }

    fn left_out(stage: &str) -> String {
        format!("gate-by-message the stage `{stage}` asks for approval, and its `if` may leave that out")
    }

    const FIRST: &str = "  - {name: a, triggers: [manual, {MESSAGE}], actions_on_start: [{notify: hi}]}\n";
    const GATE: &str = "  - {name: gate, needs: a, require_approval: true, actions_on_start: [{run: ./x}]}\n";

    #[test]
    fn nothing_acts_before_a_yes_by_whatever_way_the_value_goes() {
        for does in [
            "run: 'test {{inputs.free}} = no'",
            "run: 'true'",
            "shell: 'printf %s {{inputs.free}}'",
            "prompt: hi",
            "send_keys: hi",
            "start_pipeline: {pipeline: q, where: beside}",
            "run: 'false', if: {input: free}",
        ] {
            let a = format!("  - {{name: a, triggers: [manual, {{MESSAGE}}], actions_on_start: [{{{does}}}]}}\n");
            let q = "- {name: q, match: {window_name: v}, stages: [{name: s, triggers: [manual], actions_on_start: [{notify: q}]}]}\n";
            assert_eq!(told(&(a + GATE), q), [acts("a")], "{does}");
        }
        for (keys, more) in [
            ("on_success: [{shell: ./x}]", ""),
            ("lock: l", ""),
            ("on_fail: [{shell: ./x}], success_when: [{log_regex: ok}], timeout: 1m", ""),
            ("success_when: [{poll: {command: ./x}}], timeout: 1m", ""),
            ("success_when: [{poll: {http: 'https://example.org/{{inputs.free}}'}}], timeout: 1m", ""),
            ("success_when: [{log_regex: ok}], timeout: 1m", "  concurrency: {lock: l}\n"),
            ("in: mk", "  panes: {mk: {make: {window: mk, command: ./begin}}}\n"),
        ] {
            let a = format!("  - {{name: a, triggers: [{{MESSAGE}}], {keys}}}\n");
            assert_eq!(told(&(a + GATE), more), [acts("a")], "{keys}");
        }
    }

    #[test]
    fn a_gate_that_may_be_left_out_is_none() {
        for guard in ["{file_exists: '{{inputs.free}}'}", "{input: free}", "{value: v}", "{stage: {a: succeeded}}"] {
            let gate = format!(
                "  - {{name: gate, if: {guard}, needs: a, require_approval: true, actions_on_start: [{{run: ./x}}]}}\n  - {{name: b, needs: gate, actions_on_start: [{{run: ./y}}]}}\n"
            );
            let first = FIRST.replace("{notify: hi}", "{set: {v: '{{inputs.free}}'}}");
            assert_eq!(told(&(first + &gate), ""), [left_out("gate"), acts("b")], "{guard}");
        }
        let start = "  - {name: b, needs: gate, actions_on_start: [{start_pipeline: {pipeline: q, with: {k: '{{inputs.free}}'}}}]}\n";
        let q = "- name: q\n  match: {window_name: v}\n  inputs: {k: {default: 'no'}}\n  stages:\n  - {name: s, if: {input: k}, triggers: [manual], require_approval: true, actions_on_start: [{run: ./x}]}\n  - {name: t, needs: s, actions_on_start: [{run: ./y}]}\n";
        assert_eq!(told(&[FIRST, GATE, start].concat(), q), [left_out("s")]);
    }

    #[test]
    fn every_way_to_a_stage_leads_over_the_yes() {
        for (triggers, passes) in [
            ("needs: gate", true),
            ("needs: [a, gate]", true),
            ("needs: {any: [a, gate]}", false),
            ("triggers: {all_of: [{after_stage_success: gate}, {log_regex: go}]}", true),
            ("triggers: [{after_stage_success: gate}, {log_regex: go}]", false),
            ("triggers: [{after_stage_failure: gate}]", false),
            ("triggers: [{after_stage_rejected: gate}]", false),
            ("triggers: [manual]", true),
            ("triggers: [{schedule: {cron: '0 3 * * *', timezone: UTC}}]", false),
            ("triggers: [{after_stage_success: gate}], require_approval: true", true),
            ("triggers: [{log_regex: go}], require_approval: true", true),
        ] {
            let b = format!("  - {{name: b, {triggers}, actions_on_start: [{{shell: ./y}}]}}\n");
            let wanted = if passes { vec![] } else { vec![acts("b")] };
            assert_eq!(told(&[FIRST, GATE, &b].concat(), ""), wanted, "{triggers}");
        }
        // What failed behind the gate began after the yes, and so did what goes round there.
        let rest = "  - {name: b, triggers: [{after_stage_success: [gate, c]}], actions_on_start: [{shell: ./y}]}\n  - {name: c, triggers: [{after_stage_failure: b}], actions_on_start: [{shell: ./z}]}\n  loop: {stages: [b, c], max: 3}\n";
        assert_eq!(told(&[FIRST, GATE, rest].concat(), ""), Vec::<String>::new());
    }

    #[test]
    fn ends_groups_and_followers_are_held_to_it_too() {
        let closing = "  finally: [{run: ./deploy, if: {input: free}}, {notify: end}]\n";
        assert_eq!(
            told(&[FIRST, GATE].concat(), closing),
            ["acts-by-message `finally` acts also where nobody has said yes"]
        );
        // A lock that nothing keeps holds nobody up.
        assert_eq!(told(&[FIRST, GATE].concat(), "  concurrency: {lock: l}\n"), Vec::<String>::new());
        let group = |busy: &str| format!("  concurrency: {{group: '{{{{inputs.free}}}}', on_busy: {busy}}}\n");
        let chosen = "acts-by-message a run of `p` cancels an older one before a person has said yes";
        assert_eq!(told(&[FIRST, GATE].concat(), &group("cancel_older")), [chosen]);
        assert_eq!(told(&[FIRST, GATE].concat(), &group("queue")), Vec::<String>::new());
        assert_eq!(
            told(&[FIRST, GATE].concat(), &group("cancel_older").replace("{{inputs.free}}", "deploy")),
            [chosen]
        );
        let follower = "- {name: q, match: {window_name: v}, concurrency: {group: deploy, on_busy: cancel_older}, stages: [{name: s, triggers: [{after: {pipeline: p, stage: a}}], require_approval: true, actions_on_start: [{run: ./x}]}]}\n";
        assert_eq!(told(&[FIRST, GATE].concat(), follower), [chosen.replace("`p`", "`q`")]);
        let follower = |stage: &str, ends: &str| {
            format!(
                "- {{name: q, match: {{window_name: v}}, stages: [{{name: s, triggers: [{{after: {{pipeline: p, stage: {stage}{ends}}}}}], actions_on_start: [{{run: ./x}}]}}]}}\n"
            )
        };
        assert_eq!(told(&[FIRST, GATE].concat(), &follower("a", "")), [acts("s")]);
        assert_eq!(told(&[FIRST, GATE].concat(), &follower("gate", "")), Vec::<String>::new());
    }

    #[test]
    fn pipelines_without_such_inputs_are_free() {
        let free = |text: &str| text.replace(", from: message", "");
        let a = "  - {name: a, triggers: [{MESSAGE}], actions_on_start: [{run: ./x}]}\n";
        let text = format!(
            "pipelines:\n- name: p\n  match: {{window_name: w}}\n  inputs: {{free: {{default: 'no', from: message}}}}\n  stages:\n{a}"
        );
        let text = free(&text).replace("MESSAGE", "message: {type: ACTION, stage: go}");
        let (_, found) = analyse(&[Source::new("p.yaml", text)]);
        assert!(found.problems.iter().all(|it| it.severity != tmuxagent_yaml::Severity::Error), "{:?}", found.problems);
    }
}
