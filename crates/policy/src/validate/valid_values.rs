//! Values that stages leave behind: `{{STAGE.output}}` and the like, and where they are known.

use super::valid_action::{Written, each_start_action};
use super::{Reading, Use};
use crate::raw::{RawCondition, RawConditionKind as Kind, RawStage};
use crate::read::Text;
use crate::template::{StageValue, stage_value};
use std::collections::{BTreeMap, BTreeSet};
use tmuxagent_yaml::Place;

/// The stages that have a `run`, and whether it is certain to be done.
pub(super) fn with_run(stages: &[RawStage]) -> BTreeMap<&str, bool> {
    let mut running = BTreeMap::new();
    for stage in stages {
        each_start_action(stage, &mut |action, certain| {
            if let (Written::Run(_), Some(name)) = (action, &stage.name) {
                *running.entry(name.value.trim()).or_default() |= certain;
            }
        });
    }
    running
}

impl<'a> Reading<'a> {
    /// For each stage: those that have certainly ended when its triggers start it.
    pub(super) fn known_stages(&self, stages: &'a [RawStage]) -> Vec<BTreeSet<String>> {
        let names: Vec<&str> =
            stages.iter().map(|raw| raw.name.as_ref().map_or("", |name| name.value.trim())).collect();
        let guarded: BTreeSet<&str> =
            stages.iter().zip(&names).filter(|(raw, _)| raw.guard.is_some()).map(|(_, name)| *name).collect();
        let all: BTreeSet<String> = names.iter().map(|name| (*name).to_owned()).collect();
        // In a loop a stage is known by what every way into it has in common: begin with all, and take away.
        let mut known = vec![all; stages.len()];
        loop {
            let of = |name: &str| names.iter().position(|one| *one == name).and_then(|at| known.get(at).cloned());
            let next: Vec<BTreeSet<String>> = stages
                .iter()
                .map(|raw| raw.triggers.as_ref().map_or_else(BTreeSet::new, |raw| after(raw, &of, &guarded)))
                .collect();
            if next == known {
                return known;
            }
            known = next;
        }
    }

    /// Signs that look as if they meant something and do not.
    pub(super) fn check_signs(&mut self, text: &Text, usage: Use) {
        let written = self.problems.written(text.at);
        let in_command = usage.is_command();
        let breaks = text.value.contains("\\n") && !text.value.contains('\n') && written.contains("\\n");
        if usage == Use::Words && breaks && !written.starts_with('"') {
            let message = "a backslash and an `n` are no line break here: only in double quotes they are one";
            let at = self.problems.within(text.at, "\\n");
            self.problems
                .warning("no-escape", at, message)
                .help("put the text in double quotes, or write it as a block: `|`");
        }
        if let Some(sign) =
            text.value.chars().find(|c| in_command && matches!(c, '“' | '”' | '‘' | '’' | '„' | '＂' | '＇'))
        {
            let message = format!("`{sign}` is no quote of a shell, but a sign like any other");
            let at = self.problems.within(text.at, sign.encode_utf8(&mut [0; 4]));
            self.problems.warning("odd-quotes", at, message).help("write `'` or `\"`");
        }
        let dash = |word: &str| word.chars().next().filter(|c| matches!(c, '–' | '—' | '−' | '－'));
        if let Some(sign) = text.value.split_whitespace().filter(|_| in_command).find_map(dash) {
            let message = format!("`{sign}` is no `-`, and what begins with it is no option");
            let at = self.problems.within(text.at, sign.encode_utf8(&mut [0; 4]));
            self.problems.warning("odd-dash", at, message).help("write `-` or `--`");
        }
    }

    /// Whether a name is a value of a stage; it is told where that can't be known.
    pub(super) fn check_stage_value(&mut self, name: &str, at: Place) -> bool {
        let Some((stage, value)) =
            stage_value(name).filter(|(stage, _)| self.stages.iter().any(|one| one.trim() == *stage))
        else {
            return false;
        };
        let at = self.problems.within(at, name);
        if !self.ended.contains(stage) {
            let message = format!("`{{{{{name}}}}}` is not known here: the stage `{stage}` has not ended for certain");
            let help = if self.guarded.contains(stage) {
                format!("it may be skipped by its `if`: ask for its end, `if: {{stage: {{{stage}: succeeded}}}}`")
            } else {
                format!("let the stage follow it on every way: `triggers: [{{after_stage_success: {stage}}}]`")
            };
            self.problems.error("no-value", at, message).help(help);
        } else if value == StageValue::ExitCode {
            match self.running.get(stage) {
                Some(true) => {}
                Some(false) => {
                    let message = format!(
                        "the `run` of the stage `{stage}` may be skipped by its `if`, and has no exit code then"
                    );
                    let help =
                        format!("ask for the code, `if: {{exit_code: {{{stage}: 0}}}}`, or put the `if` at the stage");
                    self.problems.error("no-value", at, message).help(help);
                }
                None => {
                    let message = format!("the stage `{stage}` has no `run`, so that no exit code of it is known");
                    self.problems.error("no-value", at, message);
                }
            }
        }
        if value == StageValue::Output {
            self.told.insert(stage.to_owned());
        }
        true
    }
}

/// Where the value of an unknown name would come from: other programs have words of their own for it.
pub(super) fn where_from(name: &str) -> &'static str {
    match name.split_once('.').map_or("", |(first, _)| first) {
        "inputs" => "give it in `inputs`: `inputs: {env: {choices: [staging, prod]}}`",
        "env" | "vars" | "secrets" => "a variable of the shell stands in a command as the shell has it: `$HOME`",
        "matrix" => "write `for_each: {os: [linux, mac]}` at the stage, and `{{each.os}}`",
        "steps" | "needs" | "jobs" | "tasks" => {
            "what a stage left behind is `{{STAGE.output}}` or `{{STAGE.exit_code}}`"
        }
        _ => {
            "names are those of tmuxagent, of `(?P<name>…)` groups and of `set` in this pipeline; write `\\{{` for two braces"
        }
    }
}

/// What stands in all of them.
fn common(each: impl Iterator<Item = BTreeSet<String>>) -> BTreeSet<String> {
    each.reduce(|a, b| a.intersection(&b).cloned().collect()).unwrap_or_default()
}

/// The stages that have ended whenever a condition holds.
/// Of one that may be skipped (`guarded`) nothing is known, unless it failed.
fn after(
    condition: &RawCondition,
    of: &dyn Fn(&str) -> Option<BTreeSet<String>>,
    guarded: &BTreeSet<&str>,
) -> BTreeSet<String> {
    match &condition.value {
        Kind::AfterStageSuccess(names) | Kind::AfterStageFailure(names) => common(names.items.iter().map(|name| {
            let name = name.value.trim();
            let mut known = of(name).unwrap_or_default();
            if matches!(condition.value, Kind::AfterStageFailure(_)) || !guarded.contains(name) {
                known.insert(name.to_owned());
            }
            known
        })),
        // Nothing of it was done.
        Kind::AfterStageRejected(names) => {
            common(names.items.iter().map(|name| of(name.value.trim()).unwrap_or_default()))
        }
        Kind::AnyOf(parts) => common(parts.items.iter().map(|part| after(part, of, guarded))),
        Kind::AllOf(parts) => parts.items.iter().flat_map(|part| after(part, of, guarded)).collect(),
        Kind::Seen(part) => after(part, of, guarded),
        Kind::Not(_)
        | Kind::After(_)
        | Kind::LogRegex(_)
        | Kind::Message(_)
        | Kind::MessageType(_)
        | Kind::ExitCode(_)
        | Kind::Agent(_)
        | Kind::IdleFor(_)
        | Kind::IdleForMs(_)
        | Kind::Poll(_)
        | Kind::FileExists(_)
        | Kind::FileChanged(_)
        | Kind::LooksLike(_)
        | Kind::Schedule(_)
        | Kind::Manual(_) => BTreeSet::new(),
    }
}
