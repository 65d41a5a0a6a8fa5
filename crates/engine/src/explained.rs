//! **Invariant:** what an explanation tells went through the cleaner, whatever made it: a rule may quote a filled script, and a
//! condition's words may hold a secret that is known only since.

use super::Engine;
use super::condition::describe;
use super::explain::{FailedAttempt, Part, StageExplanation};
use super::lifecycle::via;
use super::progress::{Cause, Miss};
use super::state::{PaneRow, Run, StageRun, stage_key};
use super::text::{Cleaner, describe_intent};
use serde::Serialize;
use tmuxagent_model::{Approval, ApprovalKind, Decision, IntentState, StageState, TimerKey, Timestamp};
use tmuxagent_policy::{Pipeline, Stage};

/// Attempts that are remembered of a stage; a policy that tries for ever must not grow the state.
const REMEMBERED: usize = 20;

/// A question about a stage that a person has answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AnsweredQuestion {
    /// What was asked.
    pub question: String,
    /// The lines that it showed, oldest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<String>,
    /// How it was decided, by whom, and when.
    pub decision: Cause,
}

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
            answered,
            ended_by,
            rounds,
            earlier,
            conditions,
            near_misses,
            evidence,
            defined_at,
            ..
        } = &mut self;
        [place, summary, defined_at].into_iter().chain(waits_for).chain(evidence).for_each(clean);
        if let Some(AnsweredQuestion { question, evidence, decision }) = answered {
            clean(question);
            evidence.iter_mut().for_each(clean);
            decision.clean(cleaner);
        }
        [started_by, opened_by, ended_by].into_iter().flatten().for_each(|cause| cause.clean(cleaner));
        rounds.iter_mut().for_each(|round| round.cause.clean(cleaner));
        for FailedAttempt { cause, said, .. } in earlier {
            cause.clean(cleaner);
            clean(said);
        }
        conditions.iter_mut().for_each(|condition| condition.part.clean(cleaner));
        near_misses.iter_mut().for_each(|Miss { text, why, .. }| [text, why].into_iter().for_each(clean));
        self
    }
}

impl StageRun {
    /// Remembers an attempt that failed, and what its output said of it.
    pub(super) fn remember_failure(&mut self, cause: &Cause, said: &str) {
        let attempt = self.attempt;
        // The last word about an attempt counts: it may be judged anew.
        self.failed.retain(|failed| failed.attempt != attempt);
        self.failed.push(FailedAttempt { attempt, cause: cause.clone(), said: said.to_owned() });
        let surplus = self.failed.len().saturating_sub(REMEMBERED);
        self.failed.drain(..surplus);
    }
}

impl Engine {
    /// Who said yes to the gate of a stage last, while that is remembered.
    pub(crate) fn opened_by(&self, run: Option<&Run>, stage: &StageRun) -> Option<Cause> {
        let gates = self.decided(run, stage).filter(|(asked, _)| asked.kind == ApprovalKind::Gate);
        let yes = gates.filter(|(_, decision)| decision.verdict.approve);
        yes.map(|(_, decision)| decision).max_by_key(|decision| decision.at).map(told_decision)
    }

    /// Who answered the last question about a stage that was no gate, while that is remembered.
    pub(crate) fn answered(&self, run: Option<&Run>, stage: &StageRun) -> Option<AnsweredQuestion> {
        let others = self.decided(run, stage).filter(|(asked, _)| asked.kind != ApprovalKind::Gate);
        let (asked, decision) = others.max_by_key(|(_, decision)| decision.at)?;
        let (question, evidence) = (asked.question.clone(), asked.evidence.clone());
        Some(AnsweredQuestion { question, evidence, decision: told_decision(decision) })
    }

    /// The questions about a stage that were decided.
    pub(crate) fn decided(&self, run: Option<&Run>, stage: &StageRun) -> impl Iterator<Item = (&Approval, &Decision)> {
        let (run, name) = (run.map(|run| run.id), stage.name.clone());
        let asked = self.state.approvals.values().map(|row| &row.approval);
        let about = asked
            .filter(move |asked| run.is_some() && asked.run == run && asked.stage.as_deref() == Some(name.as_str()));
        about.filter_map(|asked| Some((asked, asked.decision.as_ref()?)))
    }

    /// The lines that the open question about a stage shows.
    pub(crate) fn evidence_of(&self, stage: &StageRun) -> Vec<String> {
        let asked = stage.approval.as_ref().and_then(|id| self.state.approvals.get(id));
        asked.map(|row| row.approval.evidence.clone()).unwrap_or_default()
    }

    /// What must happen to a stage next, most important first.
    pub(crate) fn waits_for(
        &self,
        now: Timestamp,
        row: Option<&PaneRow>,
        pipeline: &Pipeline,
        rule: &Stage,
        run: Option<&Run>,
        stage: &StageRun,
    ) -> Vec<String> {
        let mut waits = Vec::new();
        if let Some(held) = stage.waiting.as_ref().and_then(|id| self.state.intents.get(id)) {
            waits.push(match held.intent.state {
                IntentState::Held => "the end of the freeze".to_owned(),
                IntentState::Open | IntentState::Settled => {
                    format!("the outcome of {}", describe_intent(&self.state, held))
                }
            });
        }
        if let Some(asked) = self.open_question(stage) {
            waits.push(match asked.expires_at.filter(|at| *at > now) {
                Some(at) => format!("a decision on {}, open for another {}", asked.id, at.since(now)),
                None => format!("a decision on {}", asked.id),
            });
        }
        let undo = self.state.undo(stage);
        if let Some(undo) = &undo {
            waits.push(format!("the end of the time in which it can be taken back, in {}", undo.until.since(now)));
        }
        match stage.state {
            // Nothing of a run that is over is waited for.
            StageState::Waiting if Self::is_not_reached(run, pipeline, stage) => {}
            StageState::Waiting => {
                let live = run.iter().filter(|_| rule.needs.is_none()).flat_map(|run| &run.stages);
                waits.extend(
                    live.filter(|one| one.state.is_live()).map(|live| format!("the end of stage {}", live.name)),
                );
                let key = stage_key(&pipeline.name, &rule.name);
                let last = row.and_then(|row| row.starts.get(&key)).copied();
                if let Some(until) = last.zip(rule.cooldown).map(|(last, span)| last + span).filter(|t| *t > now) {
                    waits.push(format!("its cool-down, another {}", until.since(now)));
                }
                waits.push(match rule.closes {
                    true => "the end of the run".to_owned(),
                    false => self.starts_by(rule),
                });
            }
            // What is answered comes first.
            _ if self.asks(stage) || undo.is_some() => {}
            StageState::Queued => waits.push(self.detail(run, pipeline, rule, stage)),
            StageState::Running => match &rule.success_when {
                Some(condition) => waits.push(describe(&self.policy, condition)),
                None => waits.push("the end of its command".to_owned()),
            },
            StageState::Retrying
            | StageState::NeedsApproval
            | StageState::Starting
            | StageState::Asking
            | StageState::Succeeded
            | StageState::Failed
            | StageState::Escalated
            | StageState::Skipped
            | StageState::Cancelled
            | StageState::Rejected
            | StageState::Expired => {}
        }
        if let Some(run) = run.filter(|_| stage.state.is_live()) {
            let timers = [
                (TimerKey::Backoff(run.id, stage.name.clone()), "the pause before the next attempt"),
                (TimerKey::StageTimeout(run.id, stage.name.clone()), "its time limit"),
            ];
            if let Some(left) = stage.agent.left {
                waits.push(format!("its time limit stands still while its agent asks, with {left} left"));
            }
            for (key, words) in timers {
                if let Some(timer) = self.state.armed(&key) {
                    waits.push(format!("{words}, in {}", timer.at.since(now)));
                }
            }
        }
        waits
    }

    /// What starts a stage, in one line, as its author wrote it.
    pub(crate) fn starts_by(&self, rule: &Stage) -> String {
        any_needed(rule).unwrap_or_else(|| describe(&self.policy, &rule.triggers))
    }
}

/// A decision as what made something hold: `approved`, `by wu via key`.
fn told_decision(decision: &Decision) -> Cause {
    let word = if decision.verdict.approve { "approved" } else { "rejected" };
    Cause::own(decision.at, word, format!("by {} via {}", decision.by.who, via(decision.by.via)))
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
