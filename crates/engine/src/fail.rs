//! What follows a failed attempt: retries with their pauses, a question, escalation, the end.

use super::expiry::OnExpiry;
use super::progress::Cause;
use super::state::Planned;
use super::table::StageInput;
use super::template::{Names, fill};
use super::turn::{At, Turn};
use super::verdict::INTERRUPTED;
use super::{gate::Ask, text};
use std::sync::Arc;
use tmuxagent_model::{AlertKind, ApprovalKind, Millis, Note, OnApprove, Severity, StageState, TimerKey, Urgency};
use tmuxagent_policy::{Action, Backoff, FailStep, Quoting, RetrySpec, Stage};

impl Turn<'_> {
    /// An attempt failed: the first step of `on_fail` that applies is taken.
    pub fn attempt_failed(&mut self, at: At, cause: Cause) {
        if self.ends_cancelled(at) {
            return;
        }
        let policy = Arc::clone(&self.policy);
        // Another attempt would run beside a command that is suspended.
        let beside = self.stage(at).is_some_and(|stage| stage.look.may_live());
        self.close_attempt(at);
        let said = self.said_last(at, &cause);
        let cause = if self.printed_nothing(at) { cause.silent() } else { cause };
        let Some(stage) = self.stage_mut(at) else { return };
        stage.ended = Some(cause.clone());
        stage.remember_failure(&cause, &said);
        let (stage, attempt) = (stage.name.clone(), stage.attempt);
        let note = Note::StageFailed { run: at.run, stage, by: cause.brief(), attempt, said };
        self.note_run(Severity::Warning, at.run, note);
        let Some((_, rule)) = self.rule(&policy, at) else { return };
        for (step, number) in rule.on_fail.iter().zip(0_u32..) {
            match step {
                FailStep::Do(action) => self.do_after(at, rule, std::slice::from_ref(action)),
                // Whoever stopped it did not want it to run.
                FailStep::Retry(_) if beside || cause.rule == INTERRUPTED => {}
                FailStep::AskHuman { on_approve: OnApprove::Rerun, .. } if beside => {}
                FailStep::Retry(spec) => {
                    if self.retry(at, rule, number, spec) {
                        return;
                    }
                }
                FailStep::AskHuman { .. } => return self.ask_what_to_do(at, rule, step, &cause),
                FailStep::Escalate { code } => return self.escalate(at, code, &cause),
            }
        }
        self.give_up(at, cause);
    }

    /// Takes a retry while some are left; says whether it did.
    fn retry(&mut self, at: At, rule: &Stage, number: u32, spec: &RetrySpec) -> bool {
        let used = self.stage(at).and_then(|stage| stage.retries.get(&number)).copied().unwrap_or(0);
        if used >= spec.max || !self.shift(at, StageInput::Retry) {
            return false;
        }
        let pause = pause(&spec.backoff, used);
        let due = self.now + pause;
        let Some(stage) = self.stage_mut(at) else { return false };
        stage.retries.insert(number, used + 1);
        let (name, attempt) = (stage.name.clone(), stage.attempt + 1);
        let max = super::view::max_attempts(rule, stage) - 1;
        self.state.arm(TimerKey::Backoff(at.run, name.clone()), due);
        let note = Note::StageRetrying { run: at.run, stage: name, attempt, max, after: pause };
        self.note_run(Severity::Warning, at.run, note);
        true
    }

    /// A question after a failure was answered by no, or by nobody: what the policy says behind it is told. Says whether the
    /// stage is handed on by that.
    pub fn told_behind_question(&mut self, at: At, cause: &Cause) -> bool {
        let policy = Arc::clone(&self.policy);
        let Some((_, rule)) = self.rule(&policy, at) else { return false };
        let mut steps = rule.on_fail.iter().skip_while(|step| !matches!(step, FailStep::AskHuman { .. })).skip(1);
        let code = steps.find_map(|step| match step {
            FailStep::Escalate { code } => Some(code.clone()),
            FailStep::Do(action) if matches!(action.act(), Action::Notify { .. } | Action::Set { .. }) => {
                self.do_after(at, rule, std::slice::from_ref(action));
                None
            }
            FailStep::Do(_) | FailStep::Retry(_) | FailStep::AskHuman { .. } => None,
        });
        let Some(code) = code else { return false };
        self.escalate(at, &code, cause);
        true
    }

    /// A gate was not opened: nothing of the stage was done, so it did not fail.
    pub fn not_started(&mut self, at: At, how: StageInput, cause: Cause) -> bool {
        self.close_attempt(at);
        if !self.shift(at, how) {
            return false;
        }
        let Some(stage) = self.stage_mut(at) else { return false };
        let why = cause.brief();
        stage.ended = Some(cause);
        let note = Note::StageNotStarted { run: at.run, stage: stage.name.clone(), why };
        self.note_run(Severity::Warning, at.run, note);
        self.stage_ended(at);
        true
    }

    fn ask_what_to_do(&mut self, at: At, rule: &Stage, step: &FailStep, cause: &Cause) {
        let FailStep::AskHuman { question, on_approve, expires, on_expiry, remind_every } = step else { return };
        let attempt = self.stage(at).map_or(0, |stage| stage.attempt);
        // A rerun types what is shown now.
        let plan: Vec<Planned> = match on_approve {
            OnApprove::Rerun => {
                let fixed = self.stage(at).filter(|stage| stage.plan_fixed).map(|stage| stage.plan.clone());
                match fixed.map_or_else(|| self.plan(at, rule, &rule.actions_on_start, attempt + 1), Ok) {
                    Ok(plan) => plan,
                    Err(missing) => {
                        let why = missing.to_string();
                        return self.give_up(at, Cause::own(self.now, "actions_on_start", why));
                    }
                }
            }
            OnApprove::Continue | OnApprove::Skip => Vec::new(),
        };
        if !self.shift(at, StageInput::Ask) {
            return;
        }
        let asked = self.question(at, rule, question.as_ref(), attempt);
        let question = asked.unwrap_or_else(|| {
            let end = match on_approve {
                OnApprove::Rerun => "Run it again?",
                OnApprove::Continue => "Count it as done and go on?",
                OnApprove::Skip => "Leave it out and go on?",
            };
            format!("Stage {} failed ({}). {end}", rule.name, text::visible(&cause.brief()))
        });
        let effect_text = match on_approve {
            OnApprove::Rerun => text::plan_in_words(&plan),
            OnApprove::Continue => "nothing is typed; the stage counts as succeeded".to_owned(),
            OnApprove::Skip => "nothing is typed; the stage is left out".to_owned(),
        };
        let effect = text::plan_keys(&plan);
        if let Some(stage) = self.stage_mut(at)
            && *on_approve == OnApprove::Rerun
        {
            stage.plan = plan;
        }
        let ask = Ask {
            kind: ApprovalKind::Failed { on_approve: *on_approve },
            question,
            effect,
            effect_text,
            attempt,
            expires: *expires,
            on_expiry: OnExpiry::from(*on_expiry),
            remind_every: *remind_every,
            ..Ask::default()
        };
        self.ask_about(at, ask);
    }

    /// The policy's own question, filled in; `None` when there is none or it can't be filled in.
    pub fn question(
        &self,
        at: At,
        rule: &Stage,
        template: Option<&tmuxagent_policy::TextTemplate>,
        attempt: u32,
    ) -> Option<String> {
        let run = self.run(at.run)?;
        let pane = self.pane_of(at)?;
        let names =
            Names { run: Some(run), stage: &rule.name, each: &rule.each, attempt, pipeline: &run.pipeline, pane };
        fill(template?, &names, Quoting::None).ok()
    }

    /// Hands a failed stage on.
    pub fn escalate(&mut self, at: At, code: &str, cause: &Cause) {
        self.close_attempt(at);
        if !self.shift(at, StageInput::Escalate) {
            return;
        }
        let Some(stage) = self.stage_mut(at) else { return };
        stage.ended = Some(cause.clone());
        let name = stage.name.clone();
        let note = Note::StageEscalated { run: at.run, stage: name.clone(), code: code.to_owned() };
        self.note_run(Severity::Error, at.run, note);
        self.alert_failure(at, format!("{code}: stage {name} is escalated"), cause);
        self.stage_ended(at);
    }

    /// A stage failed for good.
    pub fn give_up(&mut self, at: At, cause: Cause) {
        let name = self.stage_name(at);
        if self.fail_for_good(at, cause.clone()) && !self.goes_round(at) {
            self.alert_failure(at, format!("stage {name} failed"), &cause);
        }
    }

    /// Whether the failure of a stage leads on in its loop, which tells when that is over.
    fn goes_round(&self, at: At) -> bool {
        let policy = Arc::clone(&self.policy);
        let Some((pipeline, rule)) = self.rule(&policy, at) else { return false };
        let Some(one) = pipeline.loop_of(&rule.name) else { return false };
        let mut others = pipeline.stages.iter().filter(|other| one.stages.contains(&other.name));
        others.any(|other| super::recovered::follows(&other.triggers, &rule.name))
    }

    /// As [`Turn::give_up`], when a human just decided it himself and need not be told.
    pub fn fail_for_good(&mut self, at: At, cause: Cause) -> bool {
        self.close_attempt(at);
        let was_asked = self.stage(at).is_some_and(|stage| stage.state == StageState::Asking);
        if !self.shift(at, StageInput::Fail) {
            return false;
        }
        let Some(stage) = self.stage_mut(at) else { return false };
        // The end of the attempt was told already when it is the reason, or when the question what to do about it is answered by
        // a no, or by nobody: that answer is told by itself.
        let failed = stage.failed.last().is_some_and(|failed| failed.attempt == stage.attempt);
        let told = stage.ended.as_ref() == Some(&cause) || was_asked && failed;
        stage.ended = Some(cause.clone());
        let (stage, attempt) = (stage.name.clone(), stage.attempt);
        if !told {
            let (by, said) = (cause.brief(), self.said_last(at, &cause));
            let note = Note::StageFailed { run: at.run, stage, by, attempt, said };
            self.note_run(Severity::Error, at.run, note);
        }
        self.stage_ended(at);
        true
    }

    pub fn alert_failure(&mut self, at: At, title: String, cause: &Cause) {
        let Some(run) = self.run(at.run) else { return };
        let (pane, title) = (run.pane_of(at.stage).clone(), format!("{}: {title}", run.pipeline));
        let mut body = format!("{}\n{}", self.place_in(run, &pane), text::visible(&cause.brief()));
        for line in self.evidence(&pane, Some(at)) {
            body.push('\n');
            body.push_str(&line);
        }
        let same = title.clone();
        self.alert_run(at.run, AlertKind::Failure, Urgency::High, (title, body), &same);
    }
}

/// The pause before the next attempt after `used` retries.
pub fn pause(backoff: &Backoff, used: u32) -> Millis {
    let mut pause = u128::from(backoff.initial.0);
    let most = u128::from(backoff.max.0.max(backoff.initial.0));
    for _ in 0..used {
        pause = pause * u128::from(backoff.factor_milli) / 1000;
        if pause >= most {
            pause = most;
            break;
        }
    }
    Millis(u64::try_from(pause).unwrap_or(u64::MAX))
}
