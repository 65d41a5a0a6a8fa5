//! Actions with their texts filled in, as they are shown and then done.

use super::explain::Part;
use super::guard::Facts;
use super::run_row::SkippedKind;
use super::state::{Planned, Run};
use super::template::{Missing, Names, bind, fill, quoted_for, type_out};
use super::text::{Cleaner, describe_plan};
use super::turn::{At, Turn};
use std::collections::BTreeMap;
use tmuxagent_model::Shell;
use tmuxagent_policy::{Action, Guard, Quoting, SHELL_OUTPUT, Stage, key_steps};

/// Of start actions the files are looked for when it is their turn.
const NO_FILES: BTreeMap<String, bool> = BTreeMap::new();

impl Turn<'_> {
    /// Fills actions in. A `set` among them is seen by the later ones.
    pub fn plan(&self, at: At, rule: &Stage, actions: &[Action], attempt: u32) -> Result<Vec<Planned>, Missing> {
        let (Some(run), Some(pane)) = (self.run(at.run), self.pane_of(at)) else { return Ok(Vec::new()) };
        let mut run: Run = run.clone();
        let mut plan = Vec::with_capacity(actions.len());
        let mut printed = false;
        for (action, index) in actions.iter().zip(0..) {
            if printed && !matches!(action, Action::If { .. }) && action.names(SHELL_OUTPUT) {
                plan.push(Planned::Later { index });
                continue;
            }
            let before = printed;
            printed |= matches!(action.act(), Action::Shell { .. });
            let names =
                Names { run: Some(&run), stage: &rule.name, each: &rule.each, attempt, pipeline: &run.pipeline, pane };
            let planned = match action {
                Action::If { guard, then } => {
                    let facts = Facts { names, files: &NO_FILES, state: self.state };
                    let later = before && action.names(SHELL_OUTPUT);
                    self.plan_guarded(guard, then, &facts, index, later)?
                }
                _ => plan_action(action, &names)?,
            };
            if let Planned::Set { name, value } = &planned {
                run.variables.insert(name.clone(), value.clone());
            }
            plan.push(planned);
        }
        Ok(plan)
    }
}

impl Turn<'_> {
    /// An action with an `if`: skipped, filled in, or both once files were looked for. `later`: its texts are not known yet.
    fn plan_guarded(
        &self,
        guard: &Guard,
        action: &Action,
        facts: &Facts<'_>,
        index: u32,
        later: bool,
    ) -> Result<Planned, Missing> {
        let (holds, part) = facts.part(guard);
        if holds == Some(false) {
            return Ok(self.skipped(action, &facts.names, guard, part));
        }
        let then = if later { Planned::Later { index } } else { plan_action(action, &facts.names)? };
        Ok(match holds {
            Some(true) => then,
            _ => Planned::If { index, words: self.cleaner.clean(&guard.describe()), then: Box::new(then) },
        })
    }

    /// What stands in the plan for an action whose `if` does not hold.
    fn skipped(&self, action: &Action, names: &Names<'_>, guard: &Guard, mut part: Part) -> Planned {
        part.clean(self.cleaner);
        match plan_action(action, names) {
            Ok(planned) => skipped(&planned, guard, part, self.cleaner),
            // What it would have said is nobody's concern.
            Err(_) => Planned::Skipped {
                what: kind_word(action).to_owned(),
                words: self.cleaner.clean(&guard.describe()),
                part,
                kind: kind_of(action),
            },
        }
    }
}

/// The same action, skipped.
pub fn skipped(planned: &Planned, guard: &Guard, part: Part, cleaner: &Cleaner) -> Planned {
    let words = cleaner.clean(&guard.describe());
    let what = cleaner.clean(&describe_plan(std::slice::from_ref(planned)));
    Planned::Skipped { what, words, part, kind: planned.kind() }
}

fn kind_of(action: &Action) -> SkippedKind {
    match action {
        Action::Run { .. } => SkippedKind::Run,
        Action::SendKeys { .. } | Action::Prompt { .. } | Action::Shell { .. } => SkippedKind::Act,
        Action::Notify { .. } | Action::Set { .. } | Action::StartPipeline { .. } => SkippedKind::Tell,
        Action::If { then, .. } => kind_of(then),
    }
}

fn kind_word(action: &Action) -> &'static str {
    match action {
        Action::SendKeys { .. } => "send_keys",
        Action::Run { .. } => "run",
        Action::Prompt { .. } => "prompt",
        Action::Shell { .. } => "shell",
        Action::Notify { .. } => "notify",
        Action::Set { .. } => "set",
        Action::StartPipeline { .. } => "start_pipeline",
        Action::If { then, .. } => kind_word(then),
    }
}

/// Fills one action in.
fn plan_action(action: &Action, names: &Names<'_>) -> Result<Planned, Missing> {
    let text = |template, quoting| fill(template, names, quoting);
    Ok(match action {
        Action::SendKeys { text: typed, keys, enter, expect } => {
            // What is typed mostly lands in a shell, so values from panes are no syntax here either.
            let shell = names.pane.shell_at_keys();
            let shells = typed.as_ref().map_or(&[][..], |template| quoted_for(template, names, shell));
            let typed = typed.as_ref().map(|template| type_out(template, names, shell));
            let (typed, shown) = typed.transpose()?.unzip();
            let differs = typed != shown;
            let shown = differs.then(|| key_steps(shown, keys, *enter));
            Planned::Send {
                steps: key_steps(typed, keys, *enter),
                shown,
                expect: expect.clone(),
                shells: shells.to_vec(),
            }
        }
        Action::Run { command } => Planned::Run { command: bind(command, names, Shell::of(names.pane.reader()))? },
        Action::Prompt { text: prompt, expect } => {
            Planned::Prompt { text: text(prompt, Quoting::None)?, expect: expect.clone() }
        }
        Action::Shell { script, timeout } => {
            Planned::Shell { script: bind(script, names, Shell::Sh)?, timeout: *timeout }
        }
        Action::Notify { text: words, channels, urgency, kind } => Planned::Notify {
            text: text(words, Quoting::None)?,
            channels: channels.clone(),
            urgency: *urgency,
            kind: *kind,
        },
        Action::Set { name, value } => Planned::Set { name: name.clone(), value: fill(value, names, Quoting::None)? },
        Action::If { then, .. } => plan_action(then, names)?,
        Action::StartPipeline { pipeline, beside, given } => {
            let filled = given.iter().map(|(name, value)| Ok((name.clone(), fill(value, names, Quoting::None)?)));
            let given = filled.collect::<Result<_, Missing>>()?;
            Planned::StartPipeline { pipeline: pipeline.clone(), given, beside: *beside }
        }
    })
}
