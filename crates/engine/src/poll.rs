//! Polls of stages and of triggers: asked, answered, asked again.
//!
//! A stage's poll ends with its attempt. A trigger's poll goes on as long as the pane is there; it fires when a yes
//! follows something that was no yes.

use super::condition::{FAIL, Found, Stimulus, polls};
use super::condition::{SUCCESS, TRIGGER};
use super::files;
use super::outlook::can_hold;
use super::progress::{Cause, PollRun, PollState, trouble_pause};
use super::state::{Purpose, stage_key};
use super::template::{Missing, Names, bind, fill};
use super::trigger::Starter;
use super::turn::{At, Turn};
use std::sync::Arc;
use tmuxagent_model::{
    CiRun, Effect, IntentId, Millis, Note, PaneKey, PollOutcome, PollSpec, Severity, Shell, ShellCall, StageState,
    TimerKey, Timestamp,
};
use tmuxagent_policy::{CiCommit, CiService, CiTest, Pipeline, Policy, PollTest, PollWhat, Quoting, Stage};

impl Turn<'_> {
    /// Asks a stage's poll.
    pub fn ask_poll(&mut self, at: At, node: u32) {
        let policy = Arc::clone(&self.policy);
        let Some((pipeline, rule)) = self.rule(&policy, at) else { return };
        let Some(test) = poll_of(rule, node) else { return };
        let (Some(run), Some(pane)) = (self.run(at.run), self.pane_of(at)) else { return };
        let Some(stage) = run.stages.get(at.stage) else { return };
        let Some(poll) = stage.polls.get(&node) else { return };
        let (attempt, since, deadline) = (stage.attempt, poll.since, poll.deadline);
        let names =
            Names { run: Some(run), stage: &rule.name, each: &rule.each, attempt, pipeline: &pipeline.name, pane };
        match spec(test, &names, since) {
            Ok(spec) => {
                let purpose = Purpose::Poll { run: at.run, stage: rule.name.clone(), attempt, node };
                let id = self.emit(Effect::Poll(spec), purpose);
                if let Some(poll) = self.stage_mut(at).and_then(|stage| stage.polls.get_mut(&node)) {
                    poll.intent = Some(id);
                }
                if let Some(deadline) = deadline {
                    self.state.arm(TimerKey::Poll(at.run, rule.name.clone(), node), deadline);
                }
            }
            Err(missing) => self.settle_poll(at, node, PollState::Dead { detail: missing.to_string() }, None),
        }
    }

    /// A poll gave an answer.
    pub fn polled(&mut self, id: &IntentId, outcome: &PollOutcome) {
        let Some(row) = self.state.intents.remove(id) else { return };
        if row.withdrawn {
            return;
        }
        match row.purpose {
            Purpose::Poll { run, stage, attempt, node } => {
                let Some(at) = self.find_stage(run, &stage) else { return };
                let current = self.stage(at).is_some_and(|stage| {
                    stage.attempt == attempt
                        && stage.polls.get(&node).is_some_and(|poll| poll.intent.as_ref() == Some(id))
                });
                if current {
                    self.answer_poll(at, node, outcome);
                }
            }
            Purpose::TriggerPoll { pane, pipeline, stage, node } => {
                self.answer_trigger_poll(&pane, &pipeline, &stage, node, outcome);
            }
            Purpose::Look { run, stage, attempt } => {
                let Some(at) = self.find_stage(run, &stage) else { return };
                if self.stage(at).is_some_and(|stage| stage.attempt == attempt) {
                    self.looked(at, id, outcome);
                }
            }
            Purpose::File { run, stage, path } => {
                let Some(at) = self.find_stage(run, &stage) else { return };
                self.looked_for_file(at, id, path, outcome);
            }
            // Not a poll's intent; its outcome comes by `Event::Outcome`.
            Purpose::Plan { .. }
            | Purpose::After { .. }
            | Purpose::Stop { .. }
            | Purpose::MakePane { .. }
            | Purpose::ClosePane { .. }
            | Purpose::Alert
            | Purpose::Hand
            | Purpose::Reply { .. } => {
                self.state.intents.insert(id.clone(), row);
            }
        }
    }

    fn answer_poll(&mut self, at: At, node: u32, outcome: &PollOutcome) {
        let policy = Arc::clone(&self.policy);
        let Some((_, rule)) = self.rule(&policy, at) else { return };
        let Some(test) = poll_of(rule, node) else { return };
        let Some(poll) = self.stage(at).and_then(|stage| stage.polls.get(&node)) else { return };
        let (mut poll, now) = (poll.clone(), self.now);
        let outcome = judge_file(&mut poll, test, outcome, Some(now));
        let (state, next) = after_answer(&poll, test, &outcome, now);
        if let Some(row) = self.stage_mut(at).and_then(|stage| stage.polls.get_mut(&node)) {
            row.mark = poll.mark;
        }
        self.settle_poll(at, node, state, next);
    }

    /// Keeps a poll's state, arms its next question, and asks the conditions.
    fn settle_poll(&mut self, at: At, node: u32, state: PollState, next: Option<Timestamp>) {
        let policy = Arc::clone(&self.policy);
        let Some((_, rule)) = self.rule(&policy, at) else { return };
        let key = TimerKey::Poll(at.run, rule.name.clone(), node);
        let now = self.now;
        let Some(poll) = self.stage_mut(at).and_then(|stage| stage.polls.get_mut(&node)) else { return };
        poll.answered(now, state.clone());
        let deadline = poll.deadline;
        match next.map(|next| deadline.map_or(next, |deadline| deadline.min(next))) {
            Some(due) => self.state.arm(key, due),
            None => self.state.disarm(&key),
        }
        match state {
            PollState::Met { .. } => {
                self.judge(at, &Stimulus::Poll(node));
            }
            PollState::Dead { detail } => self.poll_died(at, node, detail),
            PollState::Asked | PollState::Pending { .. } | PollState::Trouble { .. } => {}
        }
    }

    /// A poll that can't be met any more fails the attempt when success depends on it.
    fn poll_died(&mut self, at: At, node: u32, detail: String) {
        let policy = Arc::clone(&self.policy);
        let Some((_, rule)) = self.rule(&policy, at) else { return };
        let Some(stage) = self.stage(at).filter(|stage| stage.state == StageState::Running) else { return };
        let lost = rule.success_when.as_ref().is_some_and(|c| !can_hold(c, SUCCESS, &stage.polls));
        if lost {
            let rule = poll_of(rule, node).map_or_else(String::new, |test| describe_poll(&policy, test));
            let cause = Cause::of(self.cleaner, self.now, &rule, &detail);
            let found = Found { cause, groups: Vec::new(), lasting: true, at_once: false };
            self.hold_or_end(at, false, found, &Stimulus::Poll(node));
        }
    }

    /// A poll's timer came due: its deadline, or its next question.
    pub fn poll_due(&mut self, at: At, node: u32) {
        let Some(stage) = self.stage(at).filter(|stage| stage.state == StageState::Running) else { return };
        let Some(poll) = stage.polls.get(&node) else { return };
        if poll.deadline.is_some_and(|deadline| deadline <= self.now) {
            let last = match &poll.state {
                PollState::Asked => "no answer yet".to_owned(),
                PollState::Pending { detail } | PollState::Trouble { detail } => detail.clone(),
                PollState::Met { .. } | PollState::Dead { .. } => return,
            };
            if let Some(intent) = poll.intent.clone() {
                self.withdraw(&intent);
            }
            let detail = format!("not so by its deadline; last: {last}");
            self.settle_poll(at, node, PollState::Dead { detail }, None);
        } else if poll.intent.is_none() {
            self.ask_poll(at, node);
        }
    }

    /// Begins the polls of a stage's triggers on a pane, where they are not under way.
    pub fn watch_polls(&mut self, pane: &PaneKey, pipeline: &Pipeline, stage: &Stage) {
        for (node, _) in polls(&stage.triggers, TRIGGER) {
            let key = stage_key(&pipeline.name, &stage.name);
            let now = self.now;
            let Some(row) = self.state.panes.get(pane) else { return };
            if row.watch.get(&key).is_some_and(|watch| watch.polls.contains_key(&node)) {
                continue;
            }
            if let Some(row) = self.state.panes.get_mut(pane) {
                row.watch.entry(key).or_default().polls.insert(node, PollRun::new(now, None));
            }
            self.ask_trigger_poll(pane, &pipeline.name, &stage.name, node);
        }
    }

    /// Asks a trigger's poll.
    pub fn ask_trigger_poll(&mut self, pane: &PaneKey, pipeline: &str, stage: &str, node: u32) {
        let policy = Arc::clone(&self.policy);
        let Some(rule) = policy.pipeline(pipeline).and_then(|p| p.stage(stage)) else { return };
        let found = polls(&rule.triggers, TRIGGER).into_iter().find(|(number, _)| *number == node);
        let (Some((_, test)), Some(row)) = (found, self.state.panes.get(pane)) else { return };
        let key = stage_key(pipeline, stage);
        let Some(poll) = row.watch.get(&key).and_then(|watch| watch.polls.get(&node)) else { return };
        let listened = policy.pipeline(pipeline).map(|known| self.listened(pane, known, rule));
        let row = listened.and_then(|listened| self.state.panes.get(&listened)).unwrap_or(row);
        let names = Names { run: None, stage, each: &[], attempt: 1, pipeline, pane: row };
        let spec = match spec(test, &names, poll.since) {
            Ok(spec) => spec,
            Err(missing) => return self.cannot_ask(pane, &key, node, &missing),
        };
        let purpose =
            Purpose::TriggerPoll { pane: pane.clone(), pipeline: pipeline.to_owned(), stage: stage.to_owned(), node };
        let id = self.emit(Effect::Poll(spec), purpose);
        if let Some(poll) = self.trigger_poll_mut(pane, &key, node) {
            poll.intent = Some(id);
        }
    }

    /// A trigger's poll whose texts can't be filled in is never asked: said once, and told by every explanation.
    fn cannot_ask(&mut self, pane: &PaneKey, key: &str, node: u32, missing: &Missing) {
        let text = format!("{}: its poll is not asked: {missing}", key.replace('\u{1f}', "/"));
        self.note_at(Severity::Error, pane, Note::Text { text });
        if let Some(poll) = self.trigger_poll_mut(pane, key, node) {
            poll.state = PollState::Dead { detail: missing.to_string() };
        }
    }

    fn trigger_poll_mut(&mut self, pane: &PaneKey, key: &str, node: u32) -> Option<&mut PollRun> {
        self.state.panes.get_mut(pane)?.watch.get_mut(key)?.polls.get_mut(&node)
    }

    fn answer_trigger_poll(&mut self, pane: &PaneKey, pipeline: &str, stage: &str, node: u32, outcome: &PollOutcome) {
        let policy = Arc::clone(&self.policy);
        let key = stage_key(pipeline, stage);
        let Some(pipeline) = policy.pipeline(pipeline) else { return };
        let Some(rule) = pipeline.stage(stage) else { return };
        let found = polls(&rule.triggers, TRIGGER).into_iter().find(|(number, _)| *number == node);
        let Some((_, test)) = found else { return };
        let now = self.now;
        let Some(poll) = self.trigger_poll_mut(pane, &key, node) else { return };
        let outcome = judge_file(poll, test, outcome, None);
        let (state, next) = after_answer(poll, test, &outcome, now);
        // A yes fires once; it must have been a no in between to fire again. Each change of a file is one.
        let each = matches!(test.what, PollWhat::File { changed: true, .. });
        let news = matches!(state, PollState::Met { .. }) && (each || !matches!(poll.state, PollState::Met { .. }));
        poll.answered(now, state);
        if news {
            poll.since = now;
        }
        let due = next.unwrap_or(now + test.interval);
        let timer = TimerKey::TriggerPoll(pipeline.name.clone(), rule.name.clone(), pane.clone(), node);
        self.state.arm(timer, due);
        if news {
            let stimulus = Stimulus::Poll(node);
            self.ask_trigger(&policy, pane, pipeline, rule, &stimulus, Starter::Trigger);
        }
    }
}

/// What was told of a file that is to change, as the answer to the question whether it has. `now`: a file that changed since
/// the question was first asked has; `None`: only one that changed since the last look.
fn judge_file(poll: &mut PollRun, test: &PollTest, outcome: &PollOutcome, now: Option<Timestamp>) -> PollOutcome {
    let (PollWhat::File { changed: true, .. }, PollOutcome::Pending { detail }) = (&test.what, outcome) else {
        return outcome.clone();
    };
    let since = now.map(|now| now.since(poll.since));
    let change = files::change(poll.mark.as_deref(), detail, since);
    poll.mark = Some(change.mark);
    let detail = change.words.to_owned();
    if change.is_new { PollOutcome::Met { detail } } else { PollOutcome::Pending { detail } }
}

/// The state of a poll after an answer, and when it is asked next.
fn after_answer(
    poll: &PollRun,
    test: &PollTest,
    outcome: &PollOutcome,
    now: Timestamp,
) -> (PollState, Option<Timestamp>) {
    match outcome {
        PollOutcome::Met { detail } => (PollState::Met { detail: detail.clone() }, None),
        PollOutcome::Failed { detail } => (PollState::Dead { detail: detail.clone() }, None),
        PollOutcome::Pending { detail } => (PollState::Pending { detail: detail.clone() }, Some(now + test.interval)),
        PollOutcome::Error { detail, retry_at } => {
            let pause = now + trouble_pause(test.interval, poll.errors + 1);
            let next = retry_at.map_or(pause, |at| at.max(pause));
            (PollState::Trouble { detail: detail.clone() }, Some(next))
        }
    }
}

/// The poll of that number in a stage's conditions.
fn poll_of(rule: &Stage, node: u32) -> Option<&PollTest> {
    let (condition, base) =
        if node >= FAIL { (rule.fail_when.as_ref(), FAIL) } else { (rule.success_when.as_ref(), SUCCESS) };
    polls(condition?, base).into_iter().find(|(number, _)| *number == node).map(|(_, test)| test)
}

fn describe_poll(policy: &Policy, test: &PollTest) -> String {
    super::condition::describe(policy, &tmuxagent_policy::Condition::Poll(Box::new(test.clone())))
}

/// How long git may take to tell a commit.
const GIT: Millis = Millis::from_secs(20);

fn ci_run(ci: &CiTest, names: &Names<'_>, since: Timestamp) -> Result<CiRun, Missing> {
    let plain = |template| fill(template, names, Quoting::None);
    let info = &names.pane.info;
    let (commit, head) = match &ci.commit {
        None => (None, None),
        Some(CiCommit::Named(text)) => (Some(plain(text)?.trim().to_owned()), None),
        Some(CiCommit::Head) => {
            let (pane, folder) = (info.key.clone(), info.facts.path.clone());
            let call = ShellCall { pane, script: "git rev-parse HEAD".into(), folder, timeout: GIT, again: false };
            (None, Some(Box::new(call)))
        }
    };
    Ok(CiRun {
        repository: plain(&ci.repository)?,
        workflow: ci.workflow.clone(),
        reference: ci.reference.as_ref().map(plain).transpose()?,
        commit,
        head,
        base_url: ci.base_url.clone(),
        token_env: ci.token_env.clone(),
        since,
    })
}

/// Fills a poll in.
fn spec(test: &PollTest, names: &Names<'_>, since: Timestamp) -> Result<PollSpec, Missing> {
    let plain = |template| fill(template, names, Quoting::None);
    Ok(match &test.what {
        PollWhat::Ci(ci) => {
            let run = ci_run(ci, names, since)?;
            match ci.service {
                CiService::Github => PollSpec::GithubRun(run),
                CiService::Gitlab => PollSpec::GitlabPipeline(run),
                CiService::Gitea => PollSpec::GiteaRun(run),
            }
        }
        PollWhat::Http { url, status, pointer, value } => PollSpec::Http {
            url: fill(url, names, Quoting::Url)?,
            status: *status,
            pointer: pointer.clone(),
            value: value.clone(),
        },
        PollWhat::File { path, changed: false } => files::is_there(names.pane, &plain(path)?),
        PollWhat::File { path, changed: true } => files::how_it_is(names.pane, &plain(path)?),
        PollWhat::Command { script, timeout } => PollSpec::Command {
            call: ShellCall {
                pane: names.pane.info.key.clone(),
                script: bind(script, names, Shell::Sh)?,
                folder: names.pane.info.facts.path.clone(),
                timeout: *timeout,
                again: false,
            },
        },
    })
}
