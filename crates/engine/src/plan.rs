//! Actions with their texts filled in, as they are shown and then done.

use super::state::{Planned, Run};
use super::template::{Missing, Names, bind, fill, quoted_for, type_out};
use super::turn::{At, Turn};
use tmuxagent_model::Shell;
use tmuxagent_policy::{Action, Quoting, SHELL_OUTPUT, Stage, key_steps};

impl Turn<'_> {
    /// Fills actions in. A `set` among them is seen by the later ones.
    pub fn plan(&self, at: At, rule: &Stage, actions: &[Action], attempt: u32) -> Result<Vec<Planned>, Missing> {
        let (Some(run), Some(pane)) = (self.run(at.run), self.pane_of(at)) else { return Ok(Vec::new()) };
        let mut run: Run = run.clone();
        let mut plan = Vec::with_capacity(actions.len());
        let mut printed = false;
        for (action, index) in actions.iter().zip(0..) {
            if printed && action.names(SHELL_OUTPUT) {
                plan.push(Planned::Later { index });
                continue;
            }
            printed |= matches!(action, Action::Shell { .. });
            let names =
                Names { run: Some(&run), stage: &rule.name, each: &rule.each, attempt, pipeline: &run.pipeline, pane };
            let planned = plan_action(action, &names)?;
            if let Planned::Set { name, value } = &planned {
                run.variables.insert(name.clone(), value.clone());
            }
            plan.push(planned);
        }
        Ok(plan)
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
        Action::StartPipeline { pipeline, beside } => {
            Planned::StartPipeline { pipeline: pipeline.clone(), beside: *beside }
        }
    })
}
