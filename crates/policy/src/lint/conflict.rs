//! Pipelines and stages that the same event starts on the same pane.

use super::{StageSubject, Subject, place_of};
use crate::pattern::Patterns;
use crate::policy::{Condition, Selector, TextTest};
use crate::raw::{RawCondition, RawConditionKind};
use crate::read::Text;
use std::collections::{BTreeMap, BTreeSet};
use tmuxagent_yaml::Problems;

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
    let mut told: BTreeSet<(&str, &str)> = BTreeSet::new();
    for rivals in starters.values() {
        let mut earlier = Earlier::default();
        for &rival in rivals {
            for other in earlier.of(rival) {
                let pair = (rival.1.core.place.as_str(), other.1.core.place.as_str());
                if !told.contains(&pair) && fight(rival, other) {
                    told.insert(pair);
                    tell(rival, other, problems);
                    if told.len() >= MOST {
                        return;
                    }
                }
            }
            earlier.add(rival);
        }
    }
}

/// So many are told; who has more knows by then what is wrong, and the number of pairs grows with the square.
const MOST: usize = 500;

/// The starters of one event so far. Those that want one certain window, session or other fact are kept apart by it:
/// two that want different ones never meet, and need not be compared with each other.
#[derive(Default)]
struct Earlier<'s, 'r> {
    all: Vec<Starter<'s, 'r>>,
    /// Those that want no certain fact.
    others: Vec<usize>,
    /// Those that want one, by it.
    certain: BTreeMap<(&'static str, &'r str), Vec<usize>>,
    /// The kinds of those facts.
    kinds: BTreeSet<&'static str>,
}

impl<'s, 'r> Earlier<'s, 'r> {
    /// Those that a starter can meet, in their order.
    fn of(&self, (subject, stage): Starter<'s, 'r>) -> Vec<Starter<'s, 'r>> {
        let places = match certain(subject.core.selector_of(stage.core)) {
            Some(fact) if self.kinds.iter().all(|kind| *kind == fact.0) => {
                let same = self.certain.get(&fact).map_or(&[][..], Vec::as_slice);
                let mut places: Vec<usize> = self.others.iter().chain(same).copied().collect();
                places.sort_unstable();
                places
            }
            _ => (0..self.all.len()).collect(),
        };
        places.into_iter().filter_map(|place| self.all.get(place).copied()).collect()
    }

    fn add(&mut self, starter: Starter<'s, 'r>) {
        let place = self.all.len();
        self.all.push(starter);
        match certain(starter.0.core.selector_of(starter.1.core)) {
            Some(fact) => {
                self.certain.entry(fact).or_default().push(place);
                self.kinds.insert(fact.0);
            }
            None => self.others.push(place),
        }
    }
}

/// The one fact that every pane of a selector has, with its kind.
fn certain(selector: &Selector) -> Option<(&'static str, &str)> {
    Some(match selector {
        Selector::Any(parts) | Selector::All(parts) => match parts.as_slice() {
            [only] => return certain(only),
            _ => return None,
        },
        Selector::Host(test) => ("host", fixed(test)?),
        Selector::Session(test) => ("session", fixed(test)?),
        Selector::Window(test) => ("window", fixed(test)?),
        Selector::Title(test) => ("title", fixed(test)?),
        Selector::Role(test) => ("role", fixed(test)?),
        Selector::Command(test) => ("command", fixed(test)?),
        Selector::Path(test) => ("path", fixed(test)?),
        Selector::Agent(test) => ("agent", fixed(test)?),
        Selector::Not(_) => return None,
    })
}

type Starter<'s, 'r> = (&'s Subject<'r>, &'s StageSubject<'r>);

fn fight((subject, stage): Starter, (earlier, other): Starter) -> bool {
    if std::ptr::eq(subject, earlier) {
        return subject.core.other_pane(stage.core) == subject.core.other_pane(other.core);
    }
    let lock = |subject: &Subject, stage: &StageSubject| {
        stage.core.lock.clone().or_else(|| subject.core.concurrency.lock.clone())
    };
    // Runs that share a lock take turns.
    let taking_turns = lock(subject, stage).is_some_and(|own| lock(earlier, other).is_some_and(|theirs| own == theirs));
    let group = |subject: &Subject| subject.core.concurrency.group.as_ref().map(|group| group.source.clone());
    let one_group = group(subject).is_some_and(|own| group(earlier) == Some(own));
    !taking_turns && !one_group && !disjoint(subject.core.selector_of(stage.core), earlier.core.selector_of(other.core))
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
        Condition::AfterStageSuccess(_)
        | Condition::AfterStageFailure(_)
        | Condition::AfterStageRejected(_)
        | Condition::After(_)
        | Condition::Manual
        | Condition::Not(_) => {}
        Condition::All(parts) => {
            let bound = parts.iter().any(|part| {
                matches!(
                    part,
                    Condition::AfterStageSuccess(_)
                        | Condition::AfterStageFailure(_)
                        | Condition::AfterStageRejected(_)
                )
            });
            if !bound && !parts.is_empty() {
                out.push(words(condition, patterns));
            }
        }
        Condition::LogRegex(_)
        | Condition::Message(_)
        | Condition::ExitCode(_)
        | Condition::Agent(_)
        | Condition::IdleFor(_)
        | Condition::Poll(_)
        | Condition::Schedule(_)
        | Condition::Seen(_) => out.push(words(condition, patterns)),
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

/// The only text that passes a test, where there is one.
fn fixed(test: &TextTest) -> Option<&str> {
    match test {
        TextTest::Exact(text) => Some(text),
        TextTest::Glob(regex) | TextTest::Regex(regex) => literal(regex.as_str()),
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
    let exact = |test: &TextTest, other: &TextTest| match (test, other) {
        (TextTest::Exact(text), other) => other.holds(text),
        (TextTest::Glob(a), TextTest::Glob(b)) => a.as_str() == b.as_str(),
        _ => false,
    };
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
        (a, b) => matches!((fixed(a), fixed(b)), (Some(a), Some(b)) if a != b),
    }
}

/// The one text that an anchored pattern without operators matches.
fn literal(pattern: &str) -> Option<&str> {
    let inner = pattern.strip_prefix('^')?.strip_suffix('$')?;
    (regex::escape(inner).replace(r"\-", "-") == inner).then_some(inner)
}

/// One pattern by which a stage both succeeds and fails: it fails, and never succeeds by it.
pub(super) fn check_same(stage: &StageSubject, problems: &mut Problems) {
    let (Some(success), Some(fail)) = (&stage.raw.success_when, &stage.raw.fail_when) else { return };
    for text in alone(success) {
        if alone(fail).iter().any(|other| other.value == text.value) {
            let message = "the same pattern makes the stage fail: a line that matches never makes it succeed";
            problems.warning("never-holds", text.at, message).help("look for different words, or take one of both out");
        }
    }
}

/// The patterns each of which makes a condition hold by itself.
fn alone(condition: &RawCondition) -> Vec<&Text> {
    match &condition.value {
        RawConditionKind::LogRegex(text) => vec![text],
        RawConditionKind::AnyOf(parts) => parts.items.iter().flat_map(alone).collect(),
        _ => Vec::new(),
    }
}
