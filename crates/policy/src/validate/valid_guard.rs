//! `if` → [`Guard`].

use super::{Reading, Use};
use crate::flow::InputKind;
use crate::guard::{Guard, RUN_ENDS, StageEnd, Wanted};
use crate::policy::TextTest;
use crate::raw::{Named, RawGuard, RawGuards};
use crate::read::{Many, Short, Text};
use crate::template::INPUTS;
use tmuxagent_yaml::nearest;

/// Whose `if` it is.
#[derive(Debug, Clone, Copy)]
pub(super) enum Whose<'n> {
    /// That of this stage, or of an action at its start.
    Begins(&'n str),
    /// That of an action behind the end of this stage, or of an attempt.
    Ended(&'n str),
    /// That of an item of `finally`.
    Closing,
}

/// Values with their tests, as they are written.
type Values = Short<Text, Named<Many<Text>>>;

impl Reading<'_> {
    /// What must hold for a stage to be run, or for an action to be done.
    pub(super) fn guard(&mut self, raw: &RawGuards, own: Whose<'_>) -> Guard {
        let mut parts: Vec<Guard> = raw.entries.iter().flat_map(|entry| self.guard_parts(&entry.value, own)).collect();
        if parts.len() == 1
            && let Some(only) = parts.pop()
        {
            return only;
        }
        Guard::All(parts)
    }

    fn guard_parts(&mut self, raw: &RawGuard, own: Whose<'_>) -> Vec<Guard> {
        match raw {
            RawGuard::AnyOf(list) => {
                if list.blank {
                    self.problems.error("never-holds", list.at, "an empty `any_of` never holds");
                }
                vec![Guard::Any(list.items.iter().map(|part| self.guard(part, own)).collect())]
            }
            RawGuard::AllOf(list) => {
                if list.blank {
                    self.problems.error("empty-condition", list.at, "an empty `all_of` would always hold");
                }
                vec![Guard::All(list.items.iter().map(|part| self.guard(part, own)).collect())]
            }
            RawGuard::Not(part) => vec![Guard::Not(Box::new(self.guard(part, own)))],
            RawGuard::Input(values) => self.values_tested(values, true),
            RawGuard::Value(values) => self.values_tested(values, false),
            RawGuard::Stage(named) => named.0.iter().map(|(name, words)| self.stage_end(name, words, own)).collect(),
            RawGuard::ExitCode(named) => named.0.iter().map(|(name, codes)| self.code_of(name, codes, own)).collect(),
            RawGuard::FileExists(paths) => {
                self.check_blank(paths, "`file_exists` needs a path");
                if matches!(own, Whose::Ended(_)) {
                    let message =
                        "no files are looked for behind the end of a stage, where nothing waits for the answer";
                    let help = "write the action in a stage of its own: `triggers: [{after_stage_success: …}]` and `if: {file_exists: …}`";
                    self.problems.error("no-value", paths.at, message).help(help);
                }
                vec![Guard::FileExists(paths.items.iter().map(|path| self.template(path, Use::Words)).collect())]
            }
            RawGuard::Run(words) => {
                if !matches!(own, Whose::Closing) {
                    let message = "how the run ends is known in `finally` alone";
                    let help = "ask for a stage: `if: {stage: {test: failed}}`";
                    self.problems.error("no-value", words.at, message).help(help);
                }
                self.check_blank(words, "`run` needs a word");
                let ends = words.items.iter().filter_map(|word| self.word(word, "how a run ends", RUN_ENDS));
                vec![Guard::Run(ends.collect())]
            }
        }
    }

    fn check_blank(&mut self, list: &Many<Text>, message: &str) {
        if list.blank {
            self.problems.error("empty-condition", list.at, message);
        }
    }

    fn values_tested(&mut self, values: &Values, inputs: bool) -> Vec<Guard> {
        match values {
            Short::Short(name) => vec![self.value_tested(name, None, inputs)],
            Short::Full(named) => {
                named.0.iter().map(|(name, tests)| self.value_tested(name, Some(tests), inputs)).collect()
            }
        }
    }

    fn value_tested(&mut self, name: &Text, tests: Option<&Many<Text>>, inputs: bool) -> Guard {
        let full = if inputs { format!("{INPUTS}.{}", name.value) } else { name.value.clone() };
        self.check_value_name(name, &full, inputs);
        if let Some(tests) = tests {
            self.check_blank(tests, "this needs a value that it can have");
        }
        let wanted = tests.iter().flat_map(|tests| &tests.items);
        let wanted: Vec<(Wanted, &Text)> =
            wanted.map(|text| (Wanted { source: text.value.clone(), test: self.test(text) }, text)).collect();
        for (wanted, text) in wanted.iter().filter(|_| inputs) {
            self.check_possible(&name.value, wanted, text);
        }
        Guard::Value { name: full, tests: wanted.into_iter().map(|(wanted, _)| wanted).collect() }
    }

    fn check_value_name(&mut self, name: &Text, full: &str, inputs: bool) {
        if self.variables.contains(full) {
            return;
        }
        let prefix = format!("{INPUTS}.");
        let known: Vec<String> = self
            .variables
            .iter()
            .filter(|one| one.starts_with(&prefix) == inputs)
            .map(|one| one.strip_prefix(&prefix).unwrap_or(one).to_owned())
            .collect();
        let near = nearest(&name.value, known.iter().map(String::as_str));
        let (message, help) = if inputs {
            (
                format!("the pipeline has no input `{}`", name.value),
                "give it in `inputs`: `inputs: {env: {choices: [staging, prod]}}`",
            )
        } else {
            (
                format!("nothing gives a value to `{}`", name.value),
                "values come from `set` and from `(?P<name>…)` groups; for what is given at the start write `input`",
            )
        };
        self.problems.error("unknown-name", name.at, message).nearest(near).help(help);
    }

    /// A value that an input can never have is a slip of the pen.
    fn check_possible(&mut self, name: &str, wanted: &Wanted, text: &Text) {
        let Some(input) = self.known_inputs.iter().find(|input| input.name == name) else { return };
        let (TextTest::Exact(value), InputKind::Choice(choices)) = (&wanted.test, &input.kind) else { return };
        if choices.contains(value) {
            return;
        }
        let (message, all) = (format!("the input `{name}` is never `{value}`"), choices.join(", "));
        let near = nearest(value, choices.iter().map(String::as_str));
        self.problems.error("never-holds", text.at, message).nearest(near).help(format!("it is one of {all}"));
    }

    fn stage_end(&mut self, name: &Text, words: &Many<Text>, own: Whose<'_>) -> Guard {
        if let Whose::Ended(own) = own
            && own == name.value.trim()
        {
            let message = "an action need not ask how its own stage ended";
            let help = "`on_success` is done when it succeeded, and `on_fail` when it failed";
            self.problems.error("never-holds", name.at, message).help(help);
        }
        let name = self.other_stage(name, own);
        self.check_blank(words, "`stage` needs a word");
        let ends = words.items.iter().filter_map(|word| self.word(word, "how a stage ends", &StageEnd::ALL)).collect();
        Guard::Stage { name, ends }
    }

    fn code_of(&mut self, name: &Text, codes: &Many<Text>, own: Whose<'_>) -> Guard {
        let stage = self.other_stage(name, own);
        if self.stages.contains(&stage.as_str()) && !self.running.contains_key(stage.as_str()) {
            let message = format!("the stage `{stage}` has no `run`, so that no exit code of it is known");
            self.problems.error("no-value", name.at, message);
        }
        Guard::ExitCode { stage, codes: self.codes(codes) }
    }

    fn other_stage(&mut self, name: &Text, own: Whose<'_>) -> String {
        if let Whose::Begins(own) = own
            && own == name.value.trim()
        {
            let message = "a stage can't ask for its own end before it begins";
            self.problems.error("never-holds", name.at, message).help("name a stage before it");
        }
        self.stage_reference(name)
    }
}
