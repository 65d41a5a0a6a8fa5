//! Values that one pipeline gives to the inputs of another one that it starts.

use super::Subject;
use crate::policy::Action;
use tmuxagent_yaml::{Problems, nearest};

pub(super) fn check(subjects: &[Subject], problems: &mut Problems) {
    for stage in subjects.iter().flat_map(|subject| &subject.stages) {
        for action in stage.actions() {
            let Action::StartPipeline { pipeline, given, .. } = action else { continue };
            let Some(started) = subjects.iter().find(|subject| subject.core.name == *pipeline) else { continue };
            let inputs = &started.core.inputs;
            for (name, _) in given.iter().filter(|(name, _)| inputs.iter().all(|input| input.name != *name)) {
                let message = format!("the pipeline `{pipeline}` has no input `{name}`");
                let near = nearest(name, inputs.iter().map(|input| input.name.as_str()));
                problems.error("unknown-name", stage.at(), message).nearest(near);
            }
            let is_given = |name: &str| given.iter().any(|(known, _)| known == name);
            if let Some(input) = inputs.iter().find(|input| input.default.is_none() && !is_given(&input.name)) {
                let name = &input.name;
                let message =
                    format!("the pipeline `{pipeline}` needs the input `{name}`, and does not begin without it");
                let help = format!("give it: `start_pipeline: {{pipeline: {pipeline}, with: {{{name}: …}}}}`");
                problems.warning("no-value", stage.at(), message).help(help);
            }
        }
    }
}
