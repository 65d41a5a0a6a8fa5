//! Inputs that an agent's message may give: whether any message can, and that none passes a gate by them.

use super::{StageSubject, Subject};
use crate::guard::Guard;
use crate::policy::{Action, Condition};
use crate::raw::{Named, RawInput, RawPipeline, RawPolicy};
use crate::read::{Short, Text};
use std::collections::BTreeSet;
use tmuxagent_yaml::{Place, Problems};

/// Inputs as they are written.
type Written = Named<Short<Text, RawInput>>;

pub(super) fn check(raws: &[RawPolicy], written: &[&RawPipeline], subjects: &[Subject], problems: &mut Problems) {
    // An error in a trigger would be told a second time; a file that others include may have no pipelines itself.
    if subjects.is_empty() || subjects.iter().flat_map(|subject| &subject.stages).any(|stage| !stage.sound) {
        return;
    }
    for (raw, subject) in written.iter().zip(subjects) {
        check_started(raw.inputs.as_ref(), std::slice::from_ref(subject), problems);
    }
    for raw in raws {
        check_started(raw.inputs.as_ref(), subjects, problems);
    }
    check_gates(subjects, problems);
}

/// That a message starts one of the pipelines that have these inputs.
fn check_started(inputs: Option<&Written>, subjects: &[Subject], problems: &mut Problems) {
    for (name, at) in inputs.iter().flat_map(|named| &named.0).filter_map(taken) {
        let has = |subject: &&Subject| subject.core.inputs.iter().any(|one| one.from_message && one.name == name);
        if subjects.iter().filter(has).any(starts_by_message) {
            continue;
        }
        let message = "no pipeline that has this input is started by a message alone";
        let help = "let a message start it: `triggers: [{message: {type: ACTION, stage: …}}]`, not within `all_of`; or leave `from` out";
        problems.error("never-given", at, message).help(help);
    }
}

/// The name of an input that says where it is taken from, and where it says so.
fn taken((name, form): &(Text, Short<Text, RawInput>)) -> Option<(&str, Place)> {
    let Short::Full(full) = form else { return None };
    // Another word is told where it is read.
    let from = full.from.as_ref().filter(|word| word.value.trim() == "message")?;
    Some((name.value.as_str(), from.at))
}

fn starts_by_message(subject: &Subject) -> bool {
    subject.stages.iter().any(|stage| is_message(&stage.core.triggers))
}

/// Whether a message is enough for a condition. Beside others it may come first, and what it gives is gone by the time.
fn is_message(condition: &Condition) -> bool {
    match condition {
        Condition::Message(_) => true,
        Condition::Any(parts) => parts.iter().any(is_message),
        Condition::All(parts) => matches!(parts.as_slice(), [only] if is_message(only)),
        Condition::Seen(part) => is_message(part),
        _ => false,
    }
}

/// Pipelines with names of theirs, values and stages, that a message may decide about.
type Decided = BTreeSet<(String, String)>;

/// That no gate is left out because of a value that a message gave.
fn check_gates(subjects: &[Subject], problems: &mut Problems) {
    let decided = decided(subjects);
    for subject in subjects {
        for stage in subject.stages.iter().filter(|stage| stage.core.gate.is_some()) {
            let Some(by) = stage.core.guard.as_ref().and_then(|guard| decides(guard, &subject.core.name, &decided))
            else {
                continue;
            };
            let name = &stage.core.name;
            let message = format!(
                "the stage `{name}` asks for approval, and its `if` hangs on `{by}`, which an agent's message may decide"
            );
            let help = "an agent could pass the gate by it: leave out `from: message`, or ask without `if`";
            problems.error("gate-by-message", stage.at(), message).help(help);
        }
    }
}

/// Inputs that a message gives, and what comes of them: values, inputs of other pipelines, stages that are skipped.
fn decided(subjects: &[Subject]) -> Decided {
    let own = |subject: &Subject| {
        let inputs = subject.core.inputs.iter().filter(|input| input.from_message);
        let names: Vec<_> = inputs.map(|input| (subject.core.name.clone(), of_input(&input.name))).collect();
        names
    };
    let mut decided: Decided = subjects.iter().filter(|subject| starts_by_message(subject)).flat_map(own).collect();
    loop {
        let before = decided.len();
        for subject in subjects {
            for stage in &subject.stages {
                let more = follows(stage, &subject.core.name, &decided);
                decided.extend(more);
            }
        }
        if decided.len() == before {
            return decided;
        }
    }
}

/// What one stage hands on of what is decided already.
fn follows(stage: &StageSubject, pipeline: &str, decided: &Decided) -> Vec<(String, String)> {
    let known = |name: &String| decided.contains(&(pipeline.to_owned(), name.clone()));
    let mut more = Vec::new();
    if stage.core.guard.as_ref().is_some_and(|guard| decides(guard, pipeline, decided).is_some()) {
        more.push((pipeline.to_owned(), of_stage(&stage.core.name)));
    }
    for action in stage.actions() {
        match action {
            Action::Set { name, value } if value.names.iter().any(known) => {
                more.push((pipeline.to_owned(), name.clone()));
            }
            Action::StartPipeline { pipeline: other, given, .. } => {
                let handed = given.iter().filter(|(_, text)| text.names.iter().any(known));
                more.extend(handed.map(|(name, _)| (other.clone(), of_input(name))));
            }
            _ => {}
        }
    }
    more
}

/// What in an `if` is decided by a message, as people call it.
fn decides<'g>(guard: &'g Guard, pipeline: &str, decided: &Decided) -> Option<&'g str> {
    let known = |name: String| decided.contains(&(pipeline.to_owned(), name));
    match guard {
        Guard::Any(parts) | Guard::All(parts) => parts.iter().find_map(|part| decides(part, pipeline, decided)),
        Guard::Not(part) => decides(part, pipeline, decided),
        Guard::Value { name, .. } => known(name.clone()).then_some(name.as_str()),
        Guard::Stage { name, .. } | Guard::ExitCode { stage: name, .. } => {
            known(of_stage(name)).then_some(name.as_str())
        }
        Guard::FileExists(_) | Guard::Run(_) => None,
    }
}

fn of_input(name: &str) -> String {
    format!("inputs.{name}")
}

/// No value is called like this.
fn of_stage(name: &str) -> String {
    format!("stage {name}")
}
