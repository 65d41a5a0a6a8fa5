//! Conditions, polls and time tables.

use super::Reading;
use crate::agent::AgentWord;
use crate::pattern::matches_empty;
use crate::policy::{Condition, MessageTest};
use crate::raw::walk;
use crate::raw::{RawCondition, RawConditionKind as Kind, RawMessage, RawSchedule, RawStage};
use crate::read::{Many, Short, Text};
use crate::template::{SHELL_OUTPUT, TEMPLATE_NAMES};
use std::collections::BTreeSet;
use tmuxagent_model::{MessageType, Millis};
use tmuxagent_yaml::nearest;

const MESSAGE_TYPES: &[(&str, MessageType)] = &[
    ("STATUS", MessageType::Status),
    ("ASK", MessageType::Ask),
    ("ERROR", MessageType::Error),
    ("ACTION", MessageType::Action),
    ("LOG", MessageType::Log),
];

/// Which key of a stage a condition stands under.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Trigger,
    Success,
    Fail,
}

impl<'a> Reading<'a> {
    /// Named groups and `set` names of all stages: what templates of the pipeline may use.
    pub(super) fn variables_of(&mut self, stages: &[RawStage]) -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        for stage in stages {
            for condition in [&stage.triggers, &stage.success_when, &stage.fail_when].into_iter().flatten() {
                walk(condition, &mut |part| {
                    if let Kind::LogRegex(text) = &part.value {
                        names.extend(self.groups_of(text));
                    }
                });
            }
            super::valid_action::set_names(stage, &mut |text| {
                names.insert(text.value.clone());
            });
            super::valid_action::each_action(stage, &mut |action| {
                if matches!(action, super::valid_action::Written::Shell(_)) {
                    names.insert(SHELL_OUTPUT.to_owned());
                }
            });
        }
        names
    }

    fn groups_of(&mut self, text: &Text) -> Vec<String> {
        if self.patterns.add(&text.value).is_err() {
            return Vec::new();
        }
        let Some((_, regex)) = self.patterns.find(&text.value) else { return Vec::new() };
        let groups: Vec<String> = regex.capture_names().flatten().map(str::to_owned).collect();
        if let Some(taken) = groups.iter().find(|name| TEMPLATE_NAMES.contains(&name.as_str())) {
            let message = format!("the group `{taken}` can't be used: `{{{{{taken}}}}}` already has a meaning");
            self.problems.warning("reserved-name", text.at, message);
        }
        groups
    }

    pub(super) fn condition(&mut self, raw: &'a RawCondition, role: Role) -> Condition {
        match &raw.value {
            Kind::AnyOf(parts) => Condition::Any(self.conditions(parts, role)),
            Kind::AllOf(parts) => {
                if parts.blank {
                    self.problems.error("empty-condition", parts.at, "an empty `all_of` would always hold");
                }
                Condition::All(self.conditions(parts, role))
            }
            Kind::Not(part) => Condition::Not(Box::new(self.condition(part, role))),
            Kind::LogRegex(text) => self.log_regex(text),
            Kind::Message(Short::Short(kind)) | Kind::MessageType(kind) => {
                let kind = self.word(kind, "the type of a message", MESSAGE_TYPES);
                Condition::Message(MessageTest { kind, ..MessageTest::default() })
            }
            Kind::Message(Short::Full(full)) => self.message(full),
            Kind::AfterStageSuccess(names) => self.after_stage(names, Condition::AfterStageSuccess),
            Kind::AfterStageFailure(names) => self.after_stage(names, Condition::AfterStageFailure),
            Kind::AfterStageRejected(names) => self.after_stage(names, Condition::AfterStageRejected),
            Kind::After(after) => self.after_elsewhere(after, role),
            Kind::Seen(part) => {
                if role != Role::Success {
                    let message = "`seen` says when a success counts, and belongs to `success_when`";
                    self.problems.error("never-holds", raw.at, message);
                }
                Condition::Seen(Box::new(self.condition(part, role)))
            }
            Kind::ExitCode(codes) => self.exit_code(codes, role),
            Kind::Agent(words) => self.agent_condition(words),
            Kind::IdleFor(span) => Condition::IdleFor(self.long_span(Some(span), None).unwrap_or(Millis(1))),
            Kind::IdleForMs(span) => Condition::IdleFor(self.long_span(None, Some(span)).unwrap_or(Millis(1))),
            Kind::Poll(poll) => {
                let condition = self.poll(poll);
                if role == Role::Trigger {
                    self.check_without_run(&condition, raw.at);
                }
                condition
            }
            Kind::FileExists(file) => self.file_condition(file, false, role),
            Kind::FileChanged(file) => self.file_condition(file, true, role),
            Kind::LooksLike(form) => self.looks_like(form),
            Kind::Schedule(schedule) => self.schedule(schedule),
            Kind::Manual(_) => {
                if role != Role::Trigger {
                    let help = "a person ends a stage by the keys for that, whatever the policy says";
                    self.problems.error("never-holds", raw.at, "`manual` belongs to `triggers`").help(help);
                }
                Condition::Manual
            }
        }
    }

    fn conditions(&mut self, parts: &'a Many<RawCondition>, role: Role) -> Vec<Condition> {
        parts.items.iter().map(|part| self.condition(part, role)).collect()
    }

    fn log_regex(&mut self, text: &Text) -> Condition {
        match self.patterns.add(&text.value) {
            Ok(id) => {
                let within = text.value.strip_prefix('/').and_then(|rest| rest.strip_suffix('/'));
                if let Some(within) = within.filter(|within| !within.is_empty() && !within.contains('/')) {
                    let message = "the slashes are part of this pattern, and only lines that hold them match";
                    let help = format!(
                        "write it without them: `{within}`; between slashes stand the patterns of `match`, `expect` and `words`"
                    );
                    self.problems.warning("slashes", text.at, message).help(help);
                }
                if self.patterns.find(&text.value).is_some_and(|(_, regex)| matches_empty(regex)) {
                    let help = "make at least one part of it required, or write `.` for any line with text";
                    self.problems
                        .error("matches-empty", text.at, "the pattern matches the empty text, and so every line")
                        .help(help);
                }
                Condition::LogRegex(id)
            }
            Err(error) => {
                self.bad_regex(text, &error);
                Condition::Any(Vec::new())
            }
        }
    }

    fn message(&mut self, full: &RawMessage) -> Condition {
        Condition::Message(MessageTest {
            kind: full.kind.as_ref().and_then(|kind| self.word(kind, "the type of a message", MESSAGE_TYPES)),
            stage: full.stage.as_ref().map(|stage| stage.value.clone()),
            ok: full.ok.as_ref().map(|ok| ok.value),
        })
    }

    fn agent_condition(&mut self, words: &Many<Text>) -> Condition {
        if words.blank {
            let help = format!("write one or several of {}", AgentWord::ALL.map(|(word, _)| word).join(", "));
            self.problems.error("empty-condition", words.at, "`agent` needs a word").help(help);
        }
        let read = words.items.iter().filter_map(|word| self.word(word, "what an agent does", &AgentWord::ALL));
        Condition::Agent(read.collect())
    }

    /// One of several stages, or the only one.
    fn after_stage(&mut self, names: &Many<Text>, ended: fn(String) -> Condition) -> Condition {
        if names.blank {
            let help = format!("its stages are {}", self.stages.join(", "));
            self.problems.error("empty-condition", names.at, "this needs the name of a stage").help(help);
        }
        let mut parts: Vec<Condition> = names.items.iter().map(|name| ended(self.stage_reference(name))).collect();
        match parts.len() {
            1 => parts.remove(0),
            _ => Condition::Any(parts),
        }
    }

    pub(super) fn stage_reference(&mut self, name: &Text) -> String {
        let wanted = name.value.trim();
        if !self.stages.contains(&wanted) {
            let message = format!("the pipeline has no stage `{wanted}`");
            self.problems
                .error("unknown-stage", name.at, message)
                .nearest(nearest(wanted, self.stages.iter().copied()))
                .help(format!("its stages are {}", self.stages.join(", ")));
        }
        wanted.to_owned()
    }

    fn exit_code(&mut self, codes: &Many<Text>, role: Role) -> Condition {
        if role == Role::Trigger {
            let message = "`exit_code` can't start a stage: it is that of the stage's own command";
            self.problems
                .error("never-holds", codes.at, message)
                .help("use `after_stage_success` or `after_stage_failure`");
        }
        Condition::ExitCode(self.codes(codes))
    }

    /// Exit codes; none: any but 0.
    pub(super) fn codes(&mut self, codes: &Many<Text>) -> Vec<i32> {
        let mut numbers = Vec::new();
        for code in &codes.items {
            match code.value.as_str() {
                "nonzero" => return Vec::new(),
                text => match text.parse() {
                    Ok(number @ 0..=255) => numbers.push(number),
                    Ok(_) | Err(_) => {
                        let message = format!("`{text}` is no exit code");
                        self.problems
                            .error("bad-number", code.at, message)
                            .help("exit codes are 0 to 255; `nonzero` is any but 0");
                    }
                },
            }
        }
        if codes.blank {
            self.problems.error("empty-condition", codes.at, "`exit_code` needs a code").help("`nonzero` is any but 0");
        }
        numbers
    }

    fn schedule(&mut self, raw: &Short<Text, RawSchedule>) -> Condition {
        let (at, expression) = match raw {
            Short::Short(text) => (text.at, text.value.trim().to_owned()),
            Short::Full(full) => match (&full.cron, &full.timezone) {
                (Some(cron), Some(zone)) => (cron.at, format!("{} {}", cron.value.trim(), zone.value.trim())),
                (_, _) => return Condition::Any(Vec::new()),
            },
        };
        self.check_schedule(at, &expression);
        Condition::Schedule(expression)
    }
}
