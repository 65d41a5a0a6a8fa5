//! `for_each`: a stage for each combination of values. They are written out before anything is checked, so that whatever
//! looks at stages (panes, locks, loops, `explain`, screens) knows nothing but stages.

use super::{Named, RawCondition, RawConditionKind as Kind, RawNeed, RawPipeline, RawPolicy, RawStage};
use crate::read::{At, Many, Short, Text};
use tmuxagent_yaml::{Place, Problems};

/// The most stages that are made in one pipeline.
const MOST: usize = 100;

/// What the values of `for_each` are called by.
pub(crate) const EACH: &str = "each";

/// The stages that were made of one, by its name.
type Made = Vec<(String, Vec<String>)>;

/// A name of `for_each` with one of its values.
type Value = (Text, Text);

/// Writes out the stages that `for_each` stands for.
pub(crate) fn write_out_each(raws: &mut [RawPolicy], problems: &mut Problems) {
    for pipeline in raws.iter_mut().flat_map(|raw| raw.pipelines.iter_mut().flatten()) {
        write_out(pipeline, problems);
    }
}

fn write_out(pipeline: &mut RawPipeline, problems: &mut Problems) {
    let Some(list) = pipeline.stages.as_mut().filter(|list| list.items.iter().any(|stage| stage.each.is_some())) else {
        return;
    };
    let (mut made, mut stages): (Made, Vec<RawStage>) = (Vec::new(), Vec::new());
    let mut left = MOST;
    for stage in std::mem::take(&mut list.items) {
        let Some(each) = &stage.each else {
            stages.push(stage);
            continue;
        };
        let mut all = combinations(each, problems);
        if all.len() > left {
            let at = each.0.first().map_or(stage.at, |(name, _)| name.at);
            let message = format!("`for_each` makes more than {MOST} stages of this pipeline");
            problems.error("too-many", at, message).help("give it fewer values");
            all.truncate(1);
        }
        left = left.saturating_sub(all.len());
        let several: Vec<RawStage> = all.iter().map(|values| with(&stage, values)).collect();
        let names = several.iter().filter_map(|one| Some(one.name.as_ref()?.value.clone())).collect();
        made.extend(stage.name.as_ref().map(|name| (name.value.trim().to_owned(), names)));
        stages.extend(several);
    }
    for stage in &mut stages {
        stage.needs.iter_mut().flat_map(lists_of).for_each(|names| spread(names, &made));
        stage.triggers.iter_mut().for_each(|triggers| follow_all(triggers, &made));
    }
    for names in pipeline.loops.iter_mut().flat_map(|list| &mut list.items).filter_map(|one| one.stages.as_mut()) {
        spread(names, &made);
    }
    list.items = stages;
}

/// Every combination of the values, the last name changing fastest; more than can be are not made.
fn combinations(each: &Named<Many<Text>>, problems: &mut Problems) -> Vec<Vec<Value>> {
    let mut all: Vec<Vec<Value>> = vec![Vec::new()];
    for (name, values) in &each.0 {
        check_values(name, values, problems);
        let longer = all.iter().take(MOST + 1).flat_map(|known| {
            values.items.iter().map(|value| known.iter().cloned().chain([(name.clone(), value.clone())]).collect())
        });
        all = longer.collect();
    }
    all
}

fn check_values(name: &Text, values: &Many<Text>, problems: &mut Problems) {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if name.value.is_empty() || !name.value.chars().all(plain) {
        let message = format!("`{}` can't be the name of a value", name.value);
        problems.error("bad-name", name.at, message).help("names are letters, digits, `_` and `-`");
    }
    if values.blank {
        problems.error("empty-text", name.at, format!("`for_each` has no value of `{}`", name.value));
    }
    for (value, number) in values.items.iter().zip(0..) {
        if values.items.iter().take(number).any(|known| known.value.trim() == value.value.trim()) {
            problems.error("twice", value.at, format!("`{}` stands in this list already", value.value));
        }
        if value.value.trim().is_empty() || value.value.chars().any(char::is_control) {
            let message = "a value of `for_each` is one line that is not empty";
            problems.error("empty-text", value.at, message);
        }
    }
}

/// A stage for one combination of values.
fn with(stage: &RawStage, values: &[Value]) -> RawStage {
    let mut made = stage.clone();
    if let Some(name) = &mut made.name {
        let all: Vec<&str> = values.iter().map(|(_, value)| value.value.trim()).collect();
        name.value = format!("{}[{}]", name.value.trim(), all.join(","));
    }
    let one = |(name, value): &Value| (name.clone(), Many { at: value.at, blank: false, items: vec![value.clone()] });
    made.each = Some(Named(values.iter().map(one).collect()));
    let locks = made.concurrency.iter_mut().flat_map(|full| &mut full.lock);
    let needs = made.needs.iter_mut().flat_map(lists_of).flat_map(|names| &mut names.items);
    made.pane.iter_mut().chain(&mut made.lock).chain(locks).chain(needs).for_each(|text| fill(text, values));
    if let Some(triggers) = &mut made.triggers {
        each_follower(triggers, &mut |condition| {
            let names = names_of(condition).into_iter().flat_map(|names| &mut names.items);
            names.for_each(|text| fill(text, values));
        });
    }
    made
}

/// Puts values into a name.
fn fill(text: &mut Text, values: &[Value]) {
    for (name, value) in values {
        text.value = text.value.replace(&format!("{{{{{EACH}.{}}}}}", name.value), value.value.trim());
    }
}

/// The lists of stages that `needs` holds.
fn lists_of(needs: &mut RawNeed) -> impl Iterator<Item = &mut Many<Text>> {
    let (short, full) = match needs {
        Short::Short(names) => (Some(names), None),
        Short::Full(full) => (None, Some(full)),
    };
    short.into_iter().chain(full.into_iter().flat_map(|full| full.all.iter_mut().chain(&mut full.any)))
}

/// Puts the stages that were made of one in the place of its name.
fn spread(names: &mut Many<Text>, made: &Made) {
    let all = |name: &Text| match made.iter().find(|(known, _)| known == name.value.trim()) {
        Some((_, stages)) => stages.iter().map(|stage| At { at: name.at, value: stage.clone() }).collect(),
        None => vec![name.clone()],
    };
    names.items = names.items.iter().flat_map(all).collect();
}

/// After the success of all that were made of a stage, after the failure or rejection of any.
fn follow_all(triggers: &mut RawCondition, made: &Made) {
    each_follower(triggers, &mut |condition| {
        let at = condition.at;
        let is_made = |name: &Text| made.iter().any(|(known, _)| known == name.value.trim());
        match &condition.value {
            Kind::AfterStageSuccess(names) if names.items.iter().any(is_made) => {
                let mut parts: Vec<RawCondition> = names.items.iter().map(|name| all_of(at, name, made)).collect();
                condition.value = match parts.len() {
                    1 => parts.remove(0).value,
                    _ => Kind::AnyOf(Many { at, blank: false, items: parts }),
                };
            }
            Kind::AfterStageSuccess(_) => {}
            _ => names_of(condition).into_iter().for_each(|names| spread(names, made)),
        }
    });
}

fn all_of(at: Place, name: &Text, made: &Made) -> RawCondition {
    let mut stages = Many { at: name.at, blank: false, items: vec![name.clone()] };
    spread(&mut stages, made);
    let one = |name: Text| RawCondition {
        at,
        value: Kind::AfterStageSuccess(Many { at: name.at, blank: false, items: vec![name] }),
    };
    let mut parts: Vec<RawCondition> = stages.items.into_iter().map(one).collect();
    match parts.len() {
        1 => parts.remove(0),
        _ => RawCondition { at, value: Kind::AllOf(Many { at, blank: false, items: parts }) },
    }
}

/// The stages that a condition waits for, where it is one of that kind.
fn names_of(condition: &mut RawCondition) -> Option<&mut Many<Text>> {
    match &mut condition.value {
        Kind::AfterStageSuccess(names) | Kind::AfterStageFailure(names) | Kind::AfterStageRejected(names) => {
            Some(names)
        }
        _ => None,
    }
}

/// Calls `visit` for every condition within one that waits for stages.
fn each_follower(condition: &mut RawCondition, visit: &mut dyn FnMut(&mut RawCondition)) {
    match &mut condition.value {
        Kind::AnyOf(parts) | Kind::AllOf(parts) => parts.items.iter_mut().for_each(|part| each_follower(part, visit)),
        Kind::Not(part) | Kind::Seen(part) => each_follower(part, visit),
        _ => {
            if names_of(condition).is_some() {
                visit(condition);
            }
        }
    }
}
