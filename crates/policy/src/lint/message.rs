//! Inputs that an agent's message may give: whether any message can.

use super::{Subject, yes_first};
use crate::policy::Condition;
use crate::raw::{Named, RawInput, RawPipeline, RawPolicy};
use crate::read::{Short, Text};
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
    yes_first::check(written, subjects, problems);
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
