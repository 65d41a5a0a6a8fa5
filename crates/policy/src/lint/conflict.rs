//! Pipelines and stages that the same event starts on the same pane.

use super::{StageSubject, Subject, place_of};
use crate::core::{Condition, Selector, TextTest};
use crate::diagnostics::Problems;
use crate::pattern::Patterns;
use std::collections::BTreeMap;

pub(super) fn check(subjects: &[Subject], patterns: &Patterns, problems: &mut Problems) {
    let mut starters: BTreeMap<String, Vec<(&Subject, &StageSubject)>> = BTreeMap::new();
    for subject in subjects {
        for stage in subject.stages.iter().filter(|stage| stage.sound) {
            let mut own: Vec<String> = Vec::new();
            alternatives(&stage.core.triggers, patterns, &mut own);
            own.sort();
            own.dedup();
            own.into_iter().for_each(|event| starters.entry(event).or_default().push((subject, stage)));
        }
    }
    let mut told: Vec<(&str, &str)> = Vec::new();
    for rivals in starters.values() {
        for (index, &(subject, stage)) in rivals.iter().enumerate() {
            for &(earlier, other) in &rivals[..index] {
                let pair = (stage.core.place.as_str(), other.core.place.as_str());
                if !told.contains(&pair) && fight((subject, stage), (earlier, other)) {
                    told.push(pair);
                    tell((subject, stage), (earlier, other), problems);
                }
            }
        }
    }
}

type Starter<'s, 'r> = (&'s Subject<'r>, &'s StageSubject<'r>);

fn fight((subject, stage): Starter, (earlier, other): Starter) -> bool {
    if std::ptr::eq(subject, earlier) {
        return true;
    }
    let lock = |subject: &Subject, stage: &StageSubject| {
        stage.core.lock.clone().or_else(|| subject.core.concurrency.lock.clone())
    };
    // Runs that share a lock take turns.
    let taking_turns = lock(subject, stage).is_some_and(|own| lock(earlier, other).is_some_and(|theirs| own == theirs));
    !taking_turns && !disjoint(&subject.core.selector, &earlier.core.selector)
}

fn tell((subject, stage): Starter, (earlier, other): Starter, problems: &mut Problems) {
    let at = place_of(stage.raw.triggers.as_ref(), stage);
    let theirs = problems.describe(other.at());
    if std::ptr::eq(subject, earlier) {
        let message = format!("the stages `{}` and `{}` start by the same event", other.core.name, stage.core.name);
        problems.warning("equal-triggers", at, message).help(format!("the other is at {theirs}"));
    } else {
        let message = format!(
            "the pipelines `{}` and `{}` start by the same event and can fight over one pane",
            earlier.core.name, subject.core.name
        );
        let help =
            format!("the other is at {theirs}; make their `match` exclude each other, or give both the same `lock`");
        problems.warning("equal-triggers", at, message).help(help);
    }
}

/// The events each of which starts the stage, in words that are equal for equal conditions.
fn alternatives(condition: &Condition, patterns: &Patterns, out: &mut Vec<String>) {
    match condition {
        Condition::Any(parts) => parts.iter().for_each(|part| alternatives(part, patterns, out)),
        // Stages of one run follow each other; what a person starts he chooses.
        Condition::AfterStageSuccess(_) | Condition::AfterStageFailure(_) | Condition::Manual | Condition::Not(_) => {}
        Condition::All(parts) => {
            let bound = parts
                .iter()
                .any(|part| matches!(part, Condition::AfterStageSuccess(_) | Condition::AfterStageFailure(_)));
            if !bound && !parts.is_empty() {
                out.push(words(condition, patterns));
            }
        }
        Condition::LogRegex(_)
        | Condition::Message(_)
        | Condition::ExitCode(_)
        | Condition::IdleFor(_)
        | Condition::Poll(_)
        | Condition::Schedule(_) => out.push(words(condition, patterns)),
    }
}

fn words(condition: &Condition, patterns: &Patterns) -> String {
    match condition {
        Condition::All(parts) => {
            let mut parts: Vec<String> = parts.iter().map(|part| words(part, patterns)).collect();
            parts.sort();
            format!("all({})", parts.join(", "))
        }
        Condition::Any(parts) => {
            let mut parts: Vec<String> = parts.iter().map(|part| words(part, patterns)).collect();
            parts.sort();
            format!("any({})", parts.join(", "))
        }
        Condition::Not(part) => format!("not({})", words(part, patterns)),
        Condition::LogRegex(id) => {
            patterns.list.get(id.0 as usize).map_or_else(String::new, |pattern| format!("line /{}/", pattern.source))
        }
        other => format!("{other:?}"),
    }
}

/// Whether no pane can pass both. `false` when that is not certain.
fn disjoint(a: &Selector, b: &Selector) -> bool {
    match (a, b) {
        (Selector::Any(parts), other) | (other, Selector::Any(parts)) => parts.iter().all(|part| disjoint(part, other)),
        (Selector::All(parts), other) | (other, Selector::All(parts)) => parts.iter().any(|part| disjoint(part, other)),
        (Selector::Not(part), other) | (other, Selector::Not(part)) => implies(other, part),
        (Selector::Host(a), Selector::Host(b))
        | (Selector::Session(a), Selector::Session(b))
        | (Selector::Window(a), Selector::Window(b))
        | (Selector::Title(a), Selector::Title(b))
        | (Selector::Role(a), Selector::Role(b))
        | (Selector::Command(a), Selector::Command(b))
        | (Selector::Path(a), Selector::Path(b))
        | (Selector::Agent(a), Selector::Agent(b)) => apart(a, b),
        (_, _) => false,
    }
}

/// Whether every pane that passes `a` passes `b`; only the plain case is recognised.
fn implies(a: &Selector, b: &Selector) -> bool {
    let exact = |test: &TextTest, other: &TextTest| matches!(test, TextTest::Exact(text) if other.holds(text));
    match (a, b) {
        (_, Selector::Any(parts)) => parts.iter().any(|part| implies(a, part)),
        (Selector::All(parts), _) => parts.iter().any(|part| implies(part, b)),
        (Selector::Host(x), Selector::Host(y))
        | (Selector::Session(x), Selector::Session(y))
        | (Selector::Window(x), Selector::Window(y))
        | (Selector::Title(x), Selector::Title(y))
        | (Selector::Role(x), Selector::Role(y))
        | (Selector::Command(x), Selector::Command(y))
        | (Selector::Path(x), Selector::Path(y))
        | (Selector::Agent(x), Selector::Agent(y)) => exact(x, y),
        (_, _) => false,
    }
}

fn apart(a: &TextTest, b: &TextTest) -> bool {
    match (a, b) {
        (TextTest::Exact(text), other) | (other, TextTest::Exact(text)) => !other.holds(text),
        // `^agent:ci$` is a regular expression in letters only.
        (TextTest::Glob(a) | TextTest::Regex(a), TextTest::Glob(b) | TextTest::Regex(b)) => {
            matches!((literal(a.as_str()), literal(b.as_str())), (Some(a), Some(b)) if a != b)
        }
    }
}

/// The one text that an anchored pattern without operators matches.
fn literal(pattern: &str) -> Option<&str> {
    let inner = pattern.strip_prefix('^')?.strip_suffix('$')?;
    (regex::escape(inner).replace(r"\-", "-") == inner).then_some(inner)
}
