//! What became of effects, and of the commands that were typed.

use super::condition::Stimulus;
use super::progress::{Cause, cut};
use super::readers::why_skipped;
use super::state::{IntentRow, Planned, Purpose, StageRun};
use super::text::{describe_cleaned, describe_intent, typed_keys, visible};
use super::turn::{At, Turn};
use super::verdict::{BY_SIGINT, BY_SIGTSTP, INTERRUPTED};
use std::sync::Arc;
use tmuxagent_model::{
    Effect, IntentId, Note, Outcome, PaneKey, PollOutcome, Severity, ShellOutcome, SkipReason, StageState,
};

impl Turn<'_> {
    /// An effect was performed, or was not.
    pub fn outcome(&mut self, id: &IntentId, outcome: &Outcome) {
        let Some(row) = self.state.intents.get(id).cloned() else { return };
        if matches!(row.intent.effect, Effect::Poll(_)) {
            // Polls answer by `Event::Polled`; anything else is a question that failed.
            let detail = match outcome {
                Outcome::Failed { error } | Outcome::Unknown { error } => error.clone(),
                Outcome::Skipped { reason } => why_skipped(reason),
                Outcome::Done | Outcome::Shell(_) => "no answer".to_owned(),
            };
            return self.polled(id, &PollOutcome::Error { detail, retry_at: None });
        }
        self.state.intents.remove(id);
        match (&row.purpose, row.intent.effect.pane()) {
            (made @ Purpose::MakePane { .. }, Some(own)) => return self.pane_made(id, own, made, outcome),
            (closed @ Purpose::ClosePane { .. }, Some(pane)) => return self.pane_closed(pane, closed, outcome),
            _ => {}
        }
        self.tell_outcome(&row, outcome);
        if *outcome == Outcome::Done {
            self.mind_typed(&row);
        }
        if row.withdrawn {
            return;
        }
        match &row.purpose {
            Purpose::Plan { .. } => {
                if let Some(at) = self.is_current(&row.purpose, id) {
                    self.plan_outcome(at, &row, outcome);
                }
            }
            Purpose::After { .. } | Purpose::Reply { .. } => match &row.intent.effect {
                Effect::Answer(answer) => self.direct_outcome(&row.purpose, answer, outcome),
                _ => self.loose_outcome(&row, outcome),
            },
            Purpose::Stop { run, stage, .. } => {
                if let (Outcome::Skipped { reason }, Some(at)) = (outcome, self.find_stage(*run, stage)) {
                    self.not_stopped(at, id, &why_skipped(reason));
                }
            }
            Purpose::MakePane { .. }
            | Purpose::ClosePane { .. }
            | Purpose::Alert
            | Purpose::Hand
            | Purpose::Look { .. }
            | Purpose::Poll { .. }
            | Purpose::File { .. }
            | Purpose::TriggerPoll { .. } => {}
        }
    }

    /// Whether a `shell:` action fails its stage, which is told with the same words.
    fn fails_its_stage(&self, row: &IntentRow, outcome: &Outcome) -> bool {
        let failed = match outcome {
            Outcome::Shell(shell) => shell.exit != Some(0),
            Outcome::Failed { .. } => true,
            Outcome::Done | Outcome::Skipped { .. } | Outcome::Unknown { .. } => false,
        };
        // Only an action of a plan is current. A command beside the pane is judged by its stage's conditions.
        let stage = self.is_current(&row.purpose, &row.intent.id).and_then(|at| self.stage(at));
        let planned = stage.and_then(|stage| stage.plan.get(stage.cursor as usize));
        failed
            && !row.withdrawn
            && matches!(row.intent.effect, Effect::Shell(_))
            && planned.is_some_and(|planned| !matches!(planned, Planned::Run { .. }))
    }

    /// Tells the event list.
    fn tell_outcome(&mut self, row: &IntentRow, outcome: &Outcome) {
        let place = row.intent.effect.pane().map(|pane| pane.told(&self.place(pane))).unwrap_or_default();
        let (intent, text) = (row.intent.id.clone(), describe_intent(self.state, row));
        let typed = matches!(row.intent.effect, Effect::Send(_) | Effect::Prompt(_));
        if self.fails_its_stage(row, outcome) {
            return;
        }
        let note = match outcome {
            Outcome::Done if typed => {
                let text = typed_keys(self.state, row, self.cleaner).unwrap_or(text);
                (Severity::Info, Note::Sent { intent, text })
            }
            Outcome::Done if matches!(row.intent.effect, Effect::Answer(_)) => {
                (Severity::Info, Note::Given { intent, text })
            }
            // Its key is typed instead, which is told.
            Outcome::Skipped { .. } if matches!(row.intent.effect, Effect::Answer(_)) => return,
            Outcome::Done => return,
            Outcome::Shell(ShellOutcome { exit: Some(0), .. }) => return,
            Outcome::Shell(shell) => (
                Severity::Warning,
                Note::EffectFailed { intent, error: format!("{text}: {}", self.cleaner.clean(&describe_shell(shell))) },
            ),
            Outcome::Skipped { reason: SkipReason::Withdrawn | SkipReason::Begun } if row.withdrawn => return,
            // It is asked about.
            Outcome::Skipped { reason: SkipReason::Withdrawn } if self.untyped_in_time(row).is_some() => return,
            // It is quoted anew, or asked about.
            Outcome::Skipped { reason: reason @ SkipReason::OtherShell(_) } => {
                (Severity::Info, Note::NotSent { intent, text, reason: reason.clone() })
            }
            Outcome::Skipped { reason } => (Severity::Warning, Note::NotSent { intent, text, reason: reason.clone() }),
            Outcome::Failed { error } => {
                (Severity::Warning, Note::EffectFailed { intent, error: format!("{text}: {error}") })
            }
            Outcome::Unknown { error } => {
                let error = format!("{text}: it may have happened or not: {error}");
                (Severity::Warning, Note::EffectFailed { intent, error })
            }
        };
        self.note(note.0, &place, note.1);
    }

    /// The outcome of the action that an attempt waits for.
    fn plan_outcome(&mut self, at: At, row: &IntentRow, outcome: &Outcome) {
        let overdue = self.untyped_in_time(row);
        if let Some(stage) = self.stage_mut(at) {
            stage.waiting = None;
            if overdue.is_some() {
                // Typed after all, or asked about: either way it goes on without.
                stage.stop = None;
            }
        }
        if matches!(row.intent.effect, Effect::Send(_) | Effect::Prompt(_)) {
            self.agent_from_now(at);
        }
        let shell = matches!(row.intent.effect, Effect::Shell(_));
        match outcome {
            Outcome::Done => self.action_done(at, &row.intent.id),
            Outcome::Shell(outcome) => {
                self.keep_output(at, outcome);
                self.keep_text(at, &outcome.output);
                if outcome.exit != Some(0) {
                    self.witness_output(at, outcome);
                }
                let planned = self.stage(at).and_then(|stage| stage.plan.get(stage.cursor as usize));
                if matches!(planned, Some(Planned::Run { .. })) {
                    self.ran_aside(at, &row.intent.id, outcome);
                } else if outcome.exit == Some(0) {
                    self.action_done(at, &row.intent.id);
                } else {
                    let rule = describe_cleaned(&row.intent.effect, self.cleaner);
                    let cause = Cause::of(self.cleaner, self.now, &rule, &describe_shell(outcome));
                    self.attempt_failed(at, cause);
                }
            }
            Outcome::Failed { error } if shell => {
                let rule = describe_cleaned(&row.intent.effect, self.cleaner);
                self.attempt_failed(at, Cause::of(self.cleaner, self.now, &rule, error));
            }
            Outcome::Skipped { reason: SkipReason::Withdrawn } if overdue.is_some() => {
                self.unsettled(Some(at), row, &overdue.unwrap_or_default(), true);
            }
            Outcome::Skipped { reason: SkipReason::Withdrawn } => {
                self.cancel_stage(at, Cause::own(self.now, "taken back", "its keys were given up"));
            }
            Outcome::Skipped { reason: SkipReason::OtherShell(shell) } if self.quote_anew(at, shell) => {}
            Outcome::Skipped { reason } => {
                let reader = if let SkipReason::Reader(reader) = reason { reader.question.clone() } else { None };
                if let Some(stage) = self.stage_mut(at) {
                    stage.held_by = reader;
                }
                // Whoever reads there now matters less than what may have happened.
                let unseen = row.intent.repeats.as_ref().is_some_and(|repeats| repeats.unseen);
                let reason = if unseen { &SkipReason::Begun } else { reason };
                self.unsettled(Some(at), row, &why_skipped(reason), true);
            }
            Outcome::Failed { error } => self.unsettled(Some(at), row, &failed_words(error), false),
            Outcome::Unknown { error } => self.unsettled(Some(at), row, &unknown_words(error), false),
        }
    }

    /// The outcome of an effect that no attempt waits for.
    fn loose_outcome(&mut self, row: &IntentRow, outcome: &Outcome) {
        match outcome {
            Outcome::Done | Outcome::Shell(_) | Outcome::Skipped { reason: SkipReason::Withdrawn } => {}
            // The decision stands; there is nobody who could be given the answer once more.
            Outcome::Skipped { reason: SkipReason::Asker(_) } => {}
            Outcome::Skipped { reason } => self.unsettled(None, row, &why_skipped(reason), true),
            Outcome::Failed { error } => self.unsettled(None, row, &failed_words(error), false),
            Outcome::Unknown { error } => self.unsettled(None, row, &unknown_words(error), false),
        }
    }

    fn unsettled(&mut self, at: Option<At>, row: &IntentRow, why: &str, untouched: bool) {
        self.ask_settle(at, row, why, untouched);
    }

    /// An action of the plan is done: the next one, unless a command must end before it.
    /// The present action of a plan is done.
    pub fn action_done(&mut self, at: At, id: &IntentId) {
        let typed = |stage: &StageRun| stage.plan.get(stage.cursor as usize).is_some_and(Planned::is_typed);
        if self.stage(at).is_some_and(typed) {
            self.went_out(at);
        }
        let Some(stage) = self.stage_mut(at) else { return };
        let tracked = matches!(stage.plan.get(stage.cursor as usize), Some(Planned::Run { .. }));
        stage.cursor += 1;
        if tracked {
            stage.tracked = Some(id.clone());
        }
        let last = stage.cursor as usize >= stage.plan.len();
        if tracked {
            self.await_begin(at);
        }
        if !tracked || last {
            self.advance(at);
        } else {
            self.watch_prompt(at);
        }
    }

    fn keep_output(&mut self, at: At, outcome: &ShellOutcome) {
        let Some(run) = self.state.runs.get_mut(&at.run) else { return };
        let value = cut(outcome.output.trim_end(), super::progress::VALUE);
        run.variables.insert(tmuxagent_policy::SHELL_OUTPUT.to_owned(), value);
    }

    /// A command in a pane ended.
    pub fn command_ended(&mut self, pane: &PaneKey, token: Option<&str>, exit: i32) {
        let runs = self.runs_at(pane);
        let mut ours = false;
        self.shell_is_back(pane, None, token);
        for run in runs {
            let Some(at) = self.live_at(run, pane) else { continue };
            if let Some(token) = token {
                // It can't have ended without having begun.
                self.begun_before(at, token, None);
                if self.is_told_again(at, token, exit) {
                    return;
                }
            }
            let Some(stage) = self.stage(at) else { continue };
            let tracked = stage.tracked.is_some() || stage.waiting.is_some();
            let by_shell = token.is_none_or(super::tracking::is_of_shell);
            let of_stage = |token| self.is_of_stage(at, token).or_else(|| self.is_given_up(at, token, exit));
            if let Some(id) = token.and_then(of_stage) {
                ours = true;
                // It can't have ended without having begun, nor without having been typed.
                let unseen = self.stage(at).and_then(|stage| stage.typed.as_ref()).is_some_and(|typed| !typed.began);
                self.begun(at, &id, None);
                if let Some(typed) = self.stage_mut(at).and_then(|stage| stage.typed.as_mut()).filter(|_| unseen) {
                    typed.began_at = None;
                }
                self.shell_is_back(pane, Some(at), token);
                self.prompt_seen(pane);
                self.tracked_ended(at, exit);
            } else if by_shell
                && !tracked
                && stage.state == StageState::Running
                && !stage.look.suspended
                && !self.prints_no_more(at)
            {
                // A shell's own report: it counts for conditions, and says nothing of commands that were only typed.
                self.judge(at, &Stimulus::Exit(exit));
            }
        }
        if self.ends_by_itself(pane, token, ours) {
            self.trigger_exit(pane, exit);
        }
    }

    /// Whether a shell that tells its commands' ends has given the line up in which a stage's command stands, as most do at C-c:
    /// the report that stands behind the command never comes.
    fn is_given_up(&self, at: At, token: &str, exit: i32) -> Option<IntentId> {
        let stage = self.stage(at)?;
        let id = stage.tracked.as_ref().filter(|_| BY_SIGINT.contains(&exit))?;
        let typed = stage.typed.as_ref().filter(|typed| typed.id == *id && typed.bare.is_none() && typed.began)?;
        (typed.token.as_deref() == Some(token)).then(|| id.clone())
    }

    /// The exit code of a command may start stages.
    fn trigger_exit(&mut self, pane: &PaneKey, exit: i32) {
        let policy = Arc::clone(&self.policy);
        let applicable = self.applicable(pane);
        for pipeline in &policy.pipelines {
            let here = applicable.contains(&pipeline.name);
            for stage in pipeline.stages.iter().filter(|_| here || !pipeline.panes.is_empty()) {
                for own in self.listeners(pane, pipeline, stage, here) {
                    let starter = super::trigger::Starter::Trigger;
                    self.ask_trigger(&policy, &own, pipeline, stage, &Stimulus::Exit(exit), starter);
                }
            }
        }
    }

    /// The tracked command of a stage ended.
    pub fn tracked_ended(&mut self, at: At, exit: i32) {
        let now = self.now;
        let Some(stage) = self.stage_mut(at) else { return };
        (stage.tracked, stage.exit, stage.silent_from) = (None, Some(exit), Some(now));
        let (last, state) = (stage.cursor as usize >= stage.plan.len(), stage.state);
        match state {
            StageState::Starting if !last => {
                if self.ends_cancelled(at) {
                } else if BY_SIGTSTP.contains(&exit) {
                    self.is_suspended(at);
                } else if !self.may_be_suspended(at, exit)
                    && (BY_SIGINT.contains(&exit) || !self.may_have_been_suspended(at, exit))
                {
                    self.action_ended(at, exit);
                }
            }
            StageState::Running => {
                let cause = self.cause_of_exit(at, exit);
                self.exited(at, exit, cause);
            }
            StageState::Waiting
            | StageState::NeedsApproval
            | StageState::Queued
            | StageState::Starting
            | StageState::Retrying
            | StageState::Asking
            | StageState::Succeeded
            | StageState::Failed
            | StageState::Escalated
            | StageState::Skipped
            | StageState::Cancelled
            | StageState::Rejected
            | StageState::Expired => {}
        }
    }
}

impl Turn<'_> {
    /// A command of a stage ended, and another action follows.
    pub fn action_ended(&mut self, at: At, exit: i32) {
        let cause = self.cause_of_exit(at, exit);
        if exit == 0 {
            self.advance(at)
        } else if BY_SIGINT.contains(&exit) {
            self.attempt_failed(at, Cause::own(self.now, INTERRUPTED, cause.brief()))
        } else {
            self.attempt_failed(at, cause)
        }
    }

    /// Whether actions of the stage are still to be done, which a question kept from it.
    pub fn has_more_to_do(&self, at: At) -> bool {
        self.stage(at).is_some_and(|stage| (stage.cursor as usize) < stage.plan.len())
    }
}

pub fn describe_shell(outcome: &ShellOutcome) -> String {
    let end = match outcome.exit {
        Some(code) => format!("exit code {code}"),
        None => "killed (time limit or signal)".to_owned(),
    };
    match outcome.output.trim_end().lines().last() {
        Some(line) => format!("{end}; {}", visible(line)),
        None => end,
    }
}

fn failed_words(error: &str) -> String {
    format!("was not done: {}", visible(error))
}

fn unknown_words(error: &str) -> String {
    format!("may have been done or not: {}", visible(error))
}
