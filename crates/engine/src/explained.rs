//! **Invariant:** what an explanation tells went through the cleaner, whatever made it: a rule may quote a filled script, and a
//! condition's words may hold a secret that is known only since.

use super::Engine;
use super::condition::describe;
use super::explain::{Part, StageExplanation};
use super::progress::{Cause, Miss};
use super::text::Cleaner;
use tmuxagent_policy::Stage;

impl StageExplanation {
    /// The same without secrets.
    pub(crate) fn cleaned(mut self, cleaner: &Cleaner) -> Self {
        let clean = |text: &mut String| *text = cleaner.clean(text);
        let Self {
            place, summary, waits_for, started_by, ended_by, rounds, conditions, near_misses, defined_at, ..
        } = &mut self;
        [place, summary, defined_at].into_iter().chain(waits_for).for_each(clean);
        [started_by, ended_by].into_iter().flatten().for_each(|cause| cause.clean(cleaner));
        rounds.iter_mut().for_each(|round| round.cause.clean(cleaner));
        conditions.iter_mut().for_each(|condition| condition.part.clean(cleaner));
        near_misses.iter_mut().for_each(|Miss { text, why, .. }| [text, why].into_iter().for_each(clean));
        self
    }
}

impl Engine {
    /// What starts a stage, in one line, as its author wrote it.
    pub(crate) fn starts_by(&self, rule: &Stage) -> String {
        any_needed(rule).unwrap_or_else(|| describe(&self.policy, &rule.triggers))
    }
}

/// The stages of which one is enough, where the author wrote `needs: {any: …}`.
fn any_needed(rule: &Stage) -> Option<String> {
    let needs = rule.needs.as_ref().filter(|needs| needs.any && needs.stages.len() > 1)?;
    Some(format!("needs any of {}", needs.stages.join(", ")))
}

impl Part {
    /// The whole of a stage's triggers, as its author wrote it.
    pub(crate) fn written_by(self, rule: &Stage) -> Self {
        Self { text: any_needed(rule).unwrap_or(self.text), ..self }
    }

    /// Takes secrets out.
    pub(crate) fn clean(&mut self, cleaner: &Cleaner) {
        let Self { text, cause, detail, parts, holds: _ } = self;
        [text, detail].into_iter().for_each(|words| *words = cleaner.clean(words));
        cause.iter_mut().for_each(|cause| cause.clean(cleaner));
        parts.iter_mut().for_each(|part| part.clean(cleaner));
    }
}

impl Cause {
    fn clean(&mut self, cleaner: &Cleaner) {
        let Self { rule, text, at: _ } = self;
        [rule, text].into_iter().for_each(|words| *words = cleaner.clean(words));
    }
}
