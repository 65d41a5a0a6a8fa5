//! Start actions that are not done, since the `if` beside them does not hold.
//!
//! **Rules.** What is known when the plan is made decides then, so that a person who is asked sees what will be done; files are
//! looked for when it is the action's turn. The exit code of a `run` that was skipped counts as 0, and a stage that skipped all
//! that it would have run or typed has nothing to wait for.

use super::explain::{ConditionExplanation, Part, Role};
use super::guard::{Asked, Facts, reason};
use super::plan::skipped;
use super::progress::Cause;
use super::run_row::SkippedKind;
use super::state::Planned;
use super::template::Names;
use super::turn::{At, Turn};
use std::sync::Arc;
use tmuxagent_model::{Note, Severity};
use tmuxagent_policy::Action;

impl Turn<'_> {
    /// The action at the cursor asks for files: puts into the plan what comes of it. False while they are looked for.
    pub fn decide_action(&mut self, at: At, index: u32, then: &Planned) -> Result<bool, Cause> {
        let policy = Arc::clone(&self.policy);
        let failed = |why: &str| Cause::own(self.now, "actions_on_start", why);
        let rule = self.rule(&policy, at).map(|(_, rule)| rule);
        let found = rule.and_then(|rule| Some((rule, rule.actions_on_start.get(index as usize)?)));
        let Some((rule, Action::If { guard, .. })) = found else {
            return Err(failed("the policy no longer has this action"));
        };
        let (Some(run), Some(pane), Some(stage)) = (self.run(at.run), self.pane_of(at), self.stage(at)) else {
            return Err(failed("its pane is gone"));
        };
        let (attempt, pipeline) = (stage.attempt, run.pipeline.as_str());
        let names = Names { run: Some(run), stage: &rule.name, each: &rule.each, attempt, pipeline, pane };
        let facts = Facts { names, files: &stage.files, state: self.state };
        let (holds, mut part) = facts.part(guard);
        let planned = match facts.asked(guard, &part, holds) {
            Asked::Holds => then.clone(),
            Asked::Fails(_) => {
                part.clean(self.cleaner);
                skipped(then, guard, part, self.cleaner)
            }
            Asked::Look(path) => {
                self.look_for_file(at, &path);
                return Ok(false);
            }
            Asked::Unclear(why) => return Err(Cause::of(self.cleaner, self.now, "if", &why)),
        };
        if let Some(stage) = self.stage_mut(at) {
            // The next action may make, or remove, the same file.
            stage.files.clear();
            if let Some(place) = stage.plan.get_mut(stage.cursor as usize) {
                *place = planned;
            }
        }
        Ok(true)
    }

    /// Tells that an action is not done.
    pub fn tell_skipped(&mut self, at: At, what: &str, words: &str, part: &Part) {
        let why = format!("if {words}: {}", reason(part));
        let whole = Part { text: what.to_owned(), parts: vec![part.clone()], ..Part::default() };
        let told =
            ConditionExplanation { role: Role::If, active: false, over: false, as_of: Some(self.now), part: whole };
        if let Some(stage) = self.stage_mut(at) {
            stage.skips.push(told);
        }
        let (stage, action) = (self.stage_name(at), what.to_owned());
        self.note_run(Severity::Info, at.run, Note::ActionSkipped { run: at.run, stage, action, why });
    }

    /// Whether all that a stage would have run or typed was skipped.
    pub fn has_skipped_all(&self, at: At) -> bool {
        let Some(stage) = self.stage(at) else { return false };
        let acting = || stage.plan.iter().filter(|planned| planned.kind() != SkippedKind::Tell);
        acting().next().is_some() && acting().all(|planned| matches!(planned, Planned::Skipped { .. }))
    }

    /// The exit code that a stage goes by whose `run` was skipped.
    pub fn exit_of_skipped(&self, at: At) -> Option<i32> {
        let plan = &self.stage(at)?.plan;
        let ran = plan.iter().any(|planned| matches!(planned, Planned::Run { .. }));
        let skipped = |planned: &Planned| matches!(planned, Planned::Skipped { kind: SkippedKind::Run, .. });
        (!ran && plan.iter().any(skipped)).then_some(0)
    }
}
