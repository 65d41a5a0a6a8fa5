//! **Invariant:** what an explanation tells went through the cleaner, whatever made it: a rule may quote a filled script, and a
//! condition's words may hold a secret that is known only since.

use super::Engine;
use super::condition::describe;
use super::explain::{FailedAttempt, Part, StageExplanation};
use super::lifecycle::via;
use super::progress::{Cause, Miss};
use super::state::{Run, StageRun};
use super::text::Cleaner;
use tmuxagent_model::ApprovalKind;
use tmuxagent_policy::Stage;

/// Attempts that are remembered of a stage; a policy that tries for ever must not grow the state.
const REMEMBERED: usize = 20;

impl StageExplanation {
    /// The same without secrets.
    pub(crate) fn cleaned(mut self, cleaner: &Cleaner) -> Self {
        let clean = |text: &mut String| *text = cleaner.clean(text);
        let Self {
            place,
            summary,
            waits_for,
            started_by,
            opened_by,
            ended_by,
            rounds,
            conditions,
            near_misses,
            defined_at,
            ..
        } = &mut self;
        [place, summary, defined_at].into_iter().chain(waits_for).for_each(clean);
        [started_by, opened_by, ended_by].into_iter().flatten().for_each(|cause| cause.clean(cleaner));
        rounds.iter_mut().for_each(|round| round.cause.clean(cleaner));
        conditions.iter_mut().for_each(|condition| condition.part.clean(cleaner));
        near_misses.iter_mut().for_each(|Miss { text, why, .. }| [text, why].into_iter().for_each(clean));
        self
    }
}

impl StageRun {
    /// Remembers an attempt that failed.
    pub(super) fn remember_failure(&mut self, cause: &Cause) {
        let attempt = self.attempt;
        // The last word about an attempt counts: it may be judged anew.
        self.failed.retain(|failed| failed.attempt != attempt);
        self.failed.push(FailedAttempt { attempt, cause: cause.clone() });
        let surplus = self.failed.len().saturating_sub(REMEMBERED);
        self.failed.drain(..surplus);
    }
}

impl Engine {
    /// Who said yes to the gate of a stage last, while that is remembered.
    pub(crate) fn opened_by(&self, run: Option<&Run>, stage: &StageRun) -> Option<Cause> {
        let run = run?.id;
        let gates = self.state.approvals.values().map(|row| &row.approval).filter(|asked| {
            asked.kind == ApprovalKind::Gate && asked.run == Some(run) && asked.stage.as_deref() == Some(&*stage.name)
        });
        let yes = gates.filter_map(|asked| asked.decision.as_ref()).filter(|decision| decision.verdict.approve);
        let last = yes.max_by_key(|decision| decision.at)?;
        Some(Cause::own(last.at, "approved", format!("by {} via {}", last.by.who, via(last.by.via))))
    }

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
    /// The whole of a stage's triggers, as its author wrote it; `fired` is what started the stage.
    pub(crate) fn written_by(self, rule: &Stage, fired: Option<&Cause>) -> Self {
        // It has no triggers.
        if rule.closes {
            return Self { text: "the end of the run".to_owned(), holds: fired.is_some(), ..self };
        }
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
