//! One pass over a line for all patterns that apply to a pane.

use super::pattern::text_test;
use super::{Condition, PatternId, Pipeline, Policy, TextTest};
use regex::{RegexSet, RegexSetBuilder};
use regex_syntax::ParserBuilder;
use regex_syntax::hir::Look;
use std::collections::{BTreeSet, HashSet};
use std::sync::{Arc, OnceLock};
use tmuxagent_model::{HostName, PaneFacts};

/// The largest compiled set, in bytes: room for thousands of patterns. Validation compiles the whole policy with it.
pub(super) const SET_SIZE_LIMIT: usize = 256 << 20;

/// The words that few patterns begin with are looked for by vector instructions; those of many would be by an automaton that is
/// slower than that of the patterns.
const FEW: usize = 32;
/// A pattern that matches in no line, for none holds a control, and begins with so many signs that no words are looked for.
const NO_SEARCH: &str = r"[\x01-\x08\x0b-\x1f]\x01";

/// What the collector needs to know of the policy for one pane.
#[derive(Debug, Clone)]
pub struct RuleSet {
    /// The policy's generation; goes into each [`tmuxagent_model::LineEvent`].
    pub generation: u64,
    /// Names of the pipelines that are watched.
    pub pipelines: Vec<String>,
    /// Some stage watches for silence, so activity is to be reported.
    pub wants_activity: bool,
    set: RegexSet,
    /// The same patterns over many lines at once, once somebody asks; `None` where one asks for the begin or end of its
    /// whole text.
    lines: OnceLock<Option<RegexSet>>,
    ids: Vec<PatternId>,
}

impl RuleSet {
    /// The numbers of the patterns that match `line`, ascending; empty for most lines, at the cost of one pass.
    #[must_use]
    pub fn scan(&self, line: &str) -> Vec<u32> {
        if self.ids.is_empty() || !self.set.is_match(line) {
            return Vec::new();
        }
        self.set.matches(line).into_iter().filter_map(|index| self.ids.get(index)).map(|id| id.0).collect()
    }

    /// Whether any of many lines, with a line feed behind each, may have a hit; `false` is certain, at the cost of one pass
    /// over all of them.
    #[must_use]
    pub fn may_hit(&self, lines: &str) -> bool {
        let over_lines = || self.lines.get_or_init(|| over_lines(self.set.patterns()));
        !self.ids.is_empty() && over_lines().as_ref().is_none_or(|set| set.is_match(lines))
    }
}

/// Compiles patterns so that they match in many lines at once whatever they match in one of them: `^` and `$` are the begin
/// and end of a line, and all else is the same for a line alone and among others.
fn over_lines(sources: &[String]) -> Option<RegexSet> {
    let whole_text = |source: &String| {
        let parsed = ParserBuilder::new().multi_line(true).build().parse(source);
        parsed.map_or(true, |hir| {
            let looks = hir.properties().look_set();
            looks.contains(Look::Start) || looks.contains(Look::End)
        })
    };
    if sources.iter().any(whole_text) {
        return None;
    }
    let no_search = (sources.len() > FEW).then_some(NO_SEARCH);
    let all = sources.iter().map(String::as_str).chain(no_search);
    RegexSetBuilder::new(all).multi_line(true).size_limit(SET_SIZE_LIMIT).build().ok()
}

impl TextTest {
    /// Whether `text` passes.
    #[must_use]
    pub fn holds(&self, text: &str) -> bool {
        match self {
            Self::Exact(wanted) => wanted == text,
            Self::Glob(regex) | Self::Regex(regex) => regex.is_match(text),
        }
    }
}

/// Whether one of the texts of an `expect` fits the name of a program. A text that can't be read fits nothing.
#[must_use]
pub fn names_program(expect: &[String], name: &str) -> bool {
    !name.is_empty() && expect.iter().any(|text| text_test(text).is_ok_and(|test| test.holds(name)))
}

impl super::Selector {
    /// Whether a pane is chosen.
    #[must_use]
    pub fn holds(&self, host: &HostName, facts: &PaneFacts) -> bool {
        match self {
            Self::Any(parts) => parts.iter().any(|part| part.holds(host, facts)),
            Self::All(parts) => parts.iter().all(|part| part.holds(host, facts)),
            Self::Not(part) => !part.holds(host, facts),
            Self::Host(test) => test.holds(host.as_str()),
            Self::Session(test) => test.holds(&facts.session),
            Self::Window(test) => test.holds(&facts.window),
            Self::Title(test) => test.holds(&facts.title),
            Self::Role(test) => test.holds(&facts.role),
            Self::Command(test) => test.holds(&facts.command),
            Self::Path(test) => test.holds(&facts.path),
            Self::Agent(test) => test.holds(&facts.agent),
        }
    }
}

impl Condition {
    /// Calls `visit` for this condition and every one inside it.
    pub fn walk<'a>(&'a self, visit: &mut dyn FnMut(&'a Self)) {
        visit(self);
        match self {
            Self::Any(parts) | Self::All(parts) => parts.iter().for_each(|part| part.walk(visit)),
            Self::Not(part) | Self::Seen(part) => part.walk(visit),
            Self::LogRegex(_)
            | Self::Message(_)
            | Self::After(_)
            | Self::AfterStageSuccess(_)
            | Self::AfterStageFailure(_)
            | Self::AfterStageRejected(_)
            | Self::ExitCode(_)
            | Self::Agent(_)
            | Self::IdleFor(_)
            | Self::Poll(_)
            | Self::Schedule(_)
            | Self::Manual => {}
        }
    }
}

impl Pipeline {
    /// Calls `visit` for every condition of every stage.
    pub fn walk<'a>(&'a self, visit: &mut dyn FnMut(&'a Condition)) {
        for stage in &self.stages {
            stage.triggers.walk(visit);
            stage.success_when.iter().chain(&stage.fail_when).for_each(|condition| condition.walk(visit));
        }
    }
}

impl Policy {
    /// The pipelines that apply to a pane.
    pub fn applicable<'a>(&'a self, host: &'a HostName, facts: &'a PaneFacts) -> impl Iterator<Item = &'a Pipeline> {
        self.pipelines.iter().filter(move |pipeline| pipeline.selector.holds(host, facts))
    }

    /// The pipelines that listen to a pane: those that apply to it, and those with a stage that can act in it.
    pub fn listening<'a>(&'a self, host: &'a HostName, facts: &'a PaneFacts) -> impl Iterator<Item = &'a Pipeline> {
        self.pipelines.iter().filter(move |pipeline| {
            let selectors = std::iter::once(&pipeline.selector).chain(pipeline.panes.iter().map(|pane| &pane.selector));
            selectors.into_iter().any(|selector| selector.holds(host, facts))
        })
    }

    /// Compiles what the collector needs for a pane of these facts.
    #[must_use]
    pub fn rules_for(&self, host: &HostName, facts: &PaneFacts) -> Arc<RuleSet> {
        let names: Vec<String> = self.listening(host, facts).map(|pipeline| pipeline.name.clone()).collect();
        self.rules_of(&names)
    }

    /// Compiles what the collector needs where the named pipelines are watched: those that apply, and those with an
    /// open run. Names that the policy does not have are passed over.
    #[must_use]
    pub fn rules_of(&self, names: &[String]) -> Arc<RuleSet> {
        let mut ids = BTreeSet::new();
        let mut wants_activity = false;
        let mut pipelines = Vec::new();
        let names: HashSet<&str> = names.iter().map(String::as_str).collect();
        for pipeline in self.pipelines.iter().filter(|pipeline| names.contains(pipeline.name.as_str())) {
            pipelines.push(pipeline.name.clone());
            pipeline.walk(&mut |condition| match condition {
                Condition::LogRegex(id) => {
                    ids.insert(*id);
                }
                Condition::IdleFor(_) => wants_activity = true,
                _ => {}
            });
        }
        let ids: Vec<PatternId> = ids.into_iter().collect();
        let sources = ids.iter().filter_map(|id| self.patterns.get(id.0 as usize)).map(|p| p.regex.as_str());
        // Each pattern compiled on its own when the policy was validated, so the set compiles unless it exceeds
        // the size limit; then nothing would match silently, which validation rules out by compiling the whole set.
        let set =
            RegexSetBuilder::new(sources).size_limit(SET_SIZE_LIMIT).build().unwrap_or_else(|_| RegexSet::empty());
        Arc::new(RuleSet { generation: self.generation, pipelines, wants_activity, set, lines: OnceLock::new(), ids })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rules(patterns: &[&str]) -> RuleSet {
        let ids = (0..).take(patterns.len()).map(PatternId).collect();
        let set = RegexSet::new(patterns).unwrap();
        RuleSet { generation: 1, pipelines: Vec::new(), wants_activity: false, set, lines: OnceLock::new(), ids }
    }

    const PATTERNS: [&str; 16] = [
        "^a",
        "b$",
        "^ab$",
        "^$",
        r"\bab\b",
        r"(?-u:\b)c",
        r"(?i)AB",
        "a.b",
        "(?s)a.c",
        r"\s中",
        "[^a]b",
        r"(?m)^b$",
        r"(?R)c$",
        r"a\z",
        r"\Ac",
        r"(?-m)b$",
    ];

    proptest! {
        #[test]
        fn what_hits_in_a_line_may_hit_in_many(
            chosen in prop::collection::vec(prop::sample::select(PATTERNS.to_vec()), 1..4),
            lines in prop::collection::vec("[abc 中]{0,4}", 1..6),
        ) {
            let rules = rules(&chosen);
            let block: String = lines.iter().map(|line| format!("{line}\n")).collect();
            let hit = lines.iter().any(|line| !rules.scan(line).is_empty());
            prop_assert!(!hit || rules.may_hit(&block), "{:?} {:?}", chosen, lines);
        }
    }

    #[test]
    fn lines_without_a_hit_are_known_as_such() {
        let few = rules(&["^needle$", r"\bfailed: \d+"]);
        assert!(!few.may_hit("hay\na needle\nfailed:\n12\n") && few.may_hit("hay\nneedle\nhay\n"));
        assert!(!rules(&[]).may_hit("anything\n"));
        // Where one asks for the begin of its whole text, each line is looked at.
        assert!(rules(&[r"\Aneedle"]).may_hit("hay\n"));
    }
}
