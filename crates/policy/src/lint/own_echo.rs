//! Conditions that the echo of what the stage itself types would satisfy.
//!
//! The echo that a terminal makes is recognised and triggers nothing. But programs repeat their command lines
//! (`npm` prints `> npm run lint`, `make` prints its recipes, agents show their prompt), and nobody can tell that from output.

use super::{StageSubject, typed};
use crate::pattern::Patterns;
use crate::policy::TextTemplate;
use crate::raw::{RawCondition, RawConditionKind as Kind, parts_of};
use crate::read::Text;
use tmuxagent_yaml::Problems;

pub(super) fn check(stage: &StageSubject, patterns: &Patterns, problems: &mut Problems) {
    let texts: Vec<&TextTemplate> = stage.actions().filter_map(typed).collect();
    if texts.is_empty() {
        return;
    }
    for (key, condition) in [
        ("triggers", &stage.raw.triggers),
        ("success_when", &stage.raw.success_when),
        ("fail_when", &stage.raw.fail_when),
    ] {
        let Some(condition) = condition else { continue };
        outside_of_not(condition, &mut |pattern| {
            let Some((_, regex)) = patterns.find(&pattern.value) else { return };
            let lines = texts.iter().flat_map(|text| text.source.lines());
            if let Some(line) = lines.into_iter().find(|line| regex.is_match(line)) {
                let shown: String = line.trim().chars().take(60).collect();
                let message =
                    format!("`{key}` would be satisfied by the echo of what the stage types itself: `{shown}`");
                let help = "match what the program answers, not what it is told";
                problems.warning("own-echo", pattern.at, message).help(help);
            }
        });
    }
}

/// Calls `visit` for every pattern that makes the condition hold by matching.
fn outside_of_not<'r>(condition: &'r RawCondition, visit: &mut dyn FnMut(&'r Text)) {
    if let Kind::LogRegex(text) = &condition.value {
        visit(text);
    } else if !matches!(condition.value, Kind::Not(_)) {
        parts_of(condition).iter().for_each(|part| outside_of_not(part, visit));
    }
}
