//! Lines that come while a person is asked whether a stage's keys were typed, or while a command runs behind which another
//! action follows: what it prints counts once all actions are done.
//!
//! Nobody knows then what they answer. A person who says that it is done has looked at the pane, or has done it himself
//! there, so the output that he saw stands before his word: the lines are kept, and count once he has said so.

use super::condition::{Stimulus, leaves, message_holds};
use super::progress::{Deferred, VALUE, cut};
use super::turn::{At, Turn};
use std::sync::Arc;
use tmuxagent_model::{AgentMessage, ApprovalKind, StageState};
use tmuxagent_policy::{Condition, Stage};

/// How many lines are kept at most; the oldest make room.
const MOST: usize = 50;

impl Turn<'_> {
    /// Keeps a line that a stage counts, while its keys are in question; says whether they are.
    pub fn defer_line(&mut self, at: At, rule: &Stage, stimulus: &Stimulus<'_>) -> bool {
        let Stimulus::Line { text, hits, message } = stimulus else { return false };
        if !self.is_in_question(at) && !self.runs_between(at) {
            return false;
        }
        let conditions = rule.success_when.iter().chain(&rule.fail_when);
        let concerned = conditions.flat_map(|condition| leaves(condition, 0)).any(|(leaf, _)| match leaf {
            Condition::LogRegex(id) => hits.binary_search(&id.0).is_ok(),
            Condition::Message(test) => message.is_some_and(|message| message_holds(test, message)),
            _ => false,
        });
        if concerned {
            let heard = Deferred::Line {
                text: cut(&self.cleaner.clean(text), VALUE),
                policy: self.policy.generation,
                hits: hits.to_vec(),
                message: message.map(|message| Box::new(self.tested_part(message))),
            };
            self.keep_deferred(at, heard);
        }
        true
    }

    /// Keeps that output was lost while a stage's keys were in question.
    pub fn overhear_gap(&mut self, at: At) {
        if (self.is_in_question(at) || self.runs_between(at))
            && self.stage(at).is_some_and(|stage| !stage.deferred.contains(&Deferred::Gap))
        {
            self.keep_deferred(at, Deferred::Gap);
        }
    }

    /// Whether a command of the stage runs behind which another action follows.
    pub fn runs_between(&self, at: At) -> bool {
        self.stage(at).is_some_and(|stage| {
            let more = (stage.cursor as usize) < stage.plan.len();
            stage.state == StageState::Starting && (stage.tracked.is_some() || stage.look.suspended) && more
        })
    }

    /// What was printed while commands ran behind which others followed counts now; what fails it before what lets it succeed.
    pub fn count_between(&mut self, at: At) {
        let policy = Arc::clone(&self.policy);
        let Some((_, rule)) = self.rule(&policy, at) else { return };
        let Some(stage) = self.stage_mut(at) else { return };
        let mut heard = std::mem::take(&mut stage.deferred);
        let fails = |heard: &Deferred| {
            let Deferred::Line { text, policy, hits, message } = heard else { return false };
            let hits = self.hits(*policy, hits, text);
            let leaves = rule.fail_when.iter().flat_map(|condition| leaves(condition, 0));
            leaves.into_iter().any(|(leaf, _)| match leaf {
                Condition::LogRegex(id) => hits.binary_search(&id.0).is_ok(),
                Condition::Message(test) => message.as_deref().is_some_and(|message| message_holds(test, message)),
                _ => false,
            })
        };
        heard.sort_by_cached_key(|heard| !fails(heard));
        self.count_deferred(at, &heard);
    }

    /// Whether a person is asked whether the stage's keys were typed.
    fn is_in_question(&self, at: At) -> bool {
        let asking = self.stage(at).filter(|stage| stage.state == StageState::Asking);
        let question = asking.and_then(|stage| self.state.approvals.get(stage.approval.as_ref()?));
        question.is_some_and(|row| matches!(row.approval.kind, ApprovalKind::Settle { .. }))
    }

    fn keep_deferred(&mut self, at: At, heard: Deferred) {
        if let Some(stage) = self.stage_mut(at) {
            stage.deferred.push(heard);
            let surplus = stage.deferred.len().saturating_sub(MOST);
            stage.deferred.drain(..surplus);
        }
    }

    /// What conditions ask of a message, and its sentence.
    fn tested_part(&self, message: &AgentMessage) -> AgentMessage {
        let summary = message.summary.as_ref().or(message.question.as_ref());
        AgentMessage {
            stage: message.stage.clone(),
            ok: message.ok,
            summary: summary.map(|words| cut(&self.cleaner.clean(words), VALUE)),
            exit: message.exit,
            ..AgentMessage::new(message.kind)
        }
    }

    /// The keys were typed: what was heard meanwhile counts, as far as the stage runs by now.
    pub fn count_deferred(&mut self, at: At, heard: &[Deferred]) {
        for heard in heard {
            let Deferred::Line { text, policy, hits, message } = heard else { continue };
            let hits = self.hits(*policy, hits, text);
            if self.judge_of(at, &Stimulus::Line { text, hits: &hits, message: message.as_deref() }, false) {
                return;
            }
        }
        if heard.contains(&Deferred::Gap) {
            self.ask_gap(at);
        }
    }
}
