//! The life of a stage: gate, lock, attempt, actions, success.
//!
//! **Invariants:** states change only by [`super::table`]; the start actions of an attempt go out one at a time, the
//! next when the outcome of the last is in; what a human approved is typed exactly as it was shown.

use super::agent::AgentWatch;
use super::condition::{FAIL, SUCCESS, Stimulus, describe, polls, silences};
use super::progress::{Cause, Look, PollRun, Progress};
use super::state::{PaneRow, Planned, Purpose, stage_key};
use super::table::StageInput;
use super::tracking::Typed;
use super::turn::{At, Turn, Work};
use std::sync::Arc;
use tmuxagent_lines::{tracked_command, untracked_command};
use tmuxagent_model::{
    Alert, Effect, IntentId, KeyStep, Millis, Needs, Note, Prompt, SendKeys, Severity, Shell, ShellCall, StageState,
    TimerKey,
};
use tmuxagent_policy::{Action, Stage};

impl Turn<'_> {
    /// A stage's trigger fired in a run without a live stage, or beside those that are live (`needs`).
    pub fn begin(&mut self, at: At, cause: Cause) {
        let policy = Arc::clone(&self.policy);
        let Some((pipeline, rule)) = self.rule(&policy, at) else { return };
        let note = Note::StageTriggered { run: at.run, stage: rule.name.clone(), by: cause.brief() };
        self.count_round(at);
        self.count_begin(at);
        if let Some(run) = self.state.runs.get_mut(&at.run) {
            if let Some(stage) = run.stages.get_mut(at.stage) {
                stage.triggered = Some(cause);
                let row = self.row.as_ref().filter(|(pane, ..)| *pane == run.pane);
                (stage.row, stage.unended) =
                    (row.and_then(|(_, row, _)| *row), row.is_some_and(|(.., unended)| *unended));
                stage.ended = None;
                stage.retries.clear();
                stage.plan_fixed = false;
                stage.unmended = false;
                stage.guard = None;
                stage.files.clear();
            }
            if rule.cooldown.is_some() {
                let (pane, key) = (run.pane.clone(), stage_key(&pipeline.name, &rule.name));
                let now = self.now;
                if let Some(row) = self.state.panes.get_mut(&pane) {
                    row.starts.insert(key, now);
                }
            }
        }
        self.note_run(Severity::Info, at.run, note);
        self.front_anew(at, false);
        self.admit(at);
    }

    /// Starts an attempt, or queues the stage when its lock is held.
    pub fn enter(&mut self, at: At) {
        let policy = Arc::clone(&self.policy);
        let Some((pipeline, rule)) = self.rule(&policy, at) else { return };
        let locks: Vec<String> = pipeline.concurrency.lock.iter().chain(&rule.lock).cloned().collect();
        if !self.is_placed(at) {
            return;
        }
        if let Some(stage) = self.stage_mut(at) {
            stage.locks = locks;
        }
        if self.may_act(at) {
            self.start_attempt(at);
        } else if self.shift(at, StageInput::Queue) {
            let meta = self.state.meta_mut();
            meta.queued += 1;
            let queue = meta.queued;
            if let Some(stage) = self.stage_mut(at) {
                stage.queue = Some(queue);
            }
        }
    }

    /// Begins an attempt: fills its actions in, arms its time limit, does the first action.
    pub fn start_attempt(&mut self, at: At) {
        let policy = Arc::clone(&self.policy);
        let Some((_, rule)) = self.rule(&policy, at) else { return };
        if !self.shift(at, StageInput::Start) {
            return;
        }
        let now = self.now;
        let fixed = self.stage(at).is_some_and(|stage| stage.plan_fixed);
        let attempt = self.stage(at).map_or(1, |stage| stage.attempt + 1);
        if let Some(stage) = self.stage_mut(at) {
            stage.files.clear();
            stage.skips.clear();
        }
        let plan = if fixed { None } else { Some(self.plan(at, rule, &rule.actions_on_start, attempt)) };
        let conditions = rule.success_when.iter().chain(&rule.fail_when);
        let shape = conditions.map(|c| describe(&policy, c)).collect::<Vec<_>>().join(" | ");
        if let Some(stage) = self.stage_mut(at) {
            stage.attempt = attempt;
            stage.started_at = Some(now);
            stage.running_at = None;
            (stage.typed_at, stage.silent_from, stage.waits_on) = (None, None, false);
            stage.progress = Progress { shape, ..Progress::new() };
            stage.cursor = 0;
            stage.waiting = None;
            stage.tracked = None;
            stage.typed = None;
            stage.exit = None;
            stage.output = None;
            stage.told = None;
            stage.polls.clear();
            stage.quiet_since = None;
            stage.queue = None;
            stage.deferred.clear();
            stage.verdict.clear();
            stage.untracked = false;
            stage.agent = AgentWatch::new();
        }
        if let Some(timeout) = self.timeout_of(at) {
            self.state.arm(TimerKey::StageTimeout(at.run, rule.name.clone()), now + timeout);
        }
        self.agent_from_now(at);
        self.mind_limit(at);
        let note = Note::StageStarted { run: at.run, stage: rule.name.clone(), attempt };
        self.note_run(Severity::Info, at.run, note);
        match plan {
            Some(Err(missing)) => return self.give_up(at, Cause::own(now, "actions_on_start", missing.to_string())),
            Some(Ok(plan)) => {
                if let Some(stage) = self.stage_mut(at) {
                    stage.plan = plan;
                }
            }
            None => {}
        }
        self.advance(at);
    }

    /// Does the actions from the cursor on, up to the next one whose outcome must be waited for.
    pub fn advance(&mut self, at: At) {
        loop {
            let Some(stage) = self.stage(at).filter(|stage| stage.state == StageState::Starting) else { return };
            let Some(action) = stage.plan.get(stage.cursor as usize).cloned() else { break };
            if let Planned::If { index, then, .. } = &action {
                match self.decide_action(at, *index, then) {
                    Ok(true) => continue,
                    Ok(false) => return,
                    Err(cause) => return self.give_up(at, cause),
                }
            }
            if let Planned::Later { index } = action {
                if let Err(cause) = self.fill_later(at, index) {
                    return self.give_up(at, cause);
                }
                continue;
            }
            let purpose = Purpose::Plan { run: at.run, stage: stage.name.clone(), attempt: stage.attempt };
            if matches!(action, Planned::Run { .. })
                && !self.runs_aside(at)
                && let Some(shell) = self.untrackable(at)
            {
                let why = format!("{shell} can't report a command's exit code; use send_keys instead of run");
                return self.give_up(at, Cause::own(self.now, "run", why));
            }
            // Its references are written for the shell that was there when the plan was made.
            let action = match &action {
                Planned::Run { command } if !command.values.is_empty() => self.written_anew(at).unwrap_or(action),
                _ => action,
            };
            let bare = match &action {
                Planned::Run { command } => self.bare_line(at, command),
                _ => None,
            };
            let untracked = self.is_command_line(at, &action);
            if let Some(id) = self.perform(at, &action, purpose) {
                if let Some(stage) = self.stage_mut(at) {
                    if untracked || matches!(action, Planned::Run { .. }) {
                        (stage.look.front, stage.look.other, stage.look.back) = (None, None, false);
                    }
                    if matches!(action, Planned::Run { .. }) {
                        stage.tracked = None;
                        stage.typed = Some(Typed::new(id.clone(), bare).after(stage.typed.take()));
                    }
                    stage.untracked |= untracked;
                    stage.waiting = Some(id.clone());
                }
                self.mind_repeat(at, &id);
                return;
            }
            if let Some(stage) = self.stage_mut(at) {
                stage.cursor += 1;
            }
        }
        self.ready(at);
    }

    /// Whether keys are a line that the shell in front of the pane runs.
    fn is_command_line(&self, at: At, action: &Planned) -> bool {
        let Planned::Send { steps, .. } = action else { return false };
        is_line(steps) && self.pane_of(at).is_some_and(PaneRow::is_at_shell)
    }

    /// A shell at its prompt reads the keys of an intent: where they are a line, that is a command of the stage, whatever was in
    /// front when they were written.
    pub fn taken_by_shell(&mut self, id: &IntentId) {
        let Some(row) = self.state.intents.get(id) else { return };
        let Purpose::Plan { run, stage, attempt } = row.purpose.clone() else { return };
        let Some(at) = self.find_stage(run, &stage) else { return };
        let Some(stage) = self.stage_mut(at).filter(|stage| stage.attempt == attempt && !stage.untracked) else {
            return;
        };
        let planned = stage.plan.get(stage.cursor as usize).filter(|_| stage.waiting.as_ref() == Some(id));
        if matches!(planned, Some(Planned::Send { steps, .. }) if is_line(steps)) {
            stage.untracked = true;
            (stage.look.front, stage.look.other, stage.look.back) = (None, None, false);
        }
    }

    /// Fills in the action at the cursor, which had to wait for what the one before it printed.
    fn fill_later(&mut self, at: At, index: u32) -> Result<(), Cause> {
        let policy = Arc::clone(&self.policy);
        let failed = |why: String| Cause::own(self.now, "actions_on_start", why);
        let rule = self.rule(&policy, at).map(|(_, rule)| rule);
        let Some((rule, action)) = rule.and_then(|rule| Some((rule, rule.actions_on_start.get(index as usize)?)))
        else {
            return Err(failed("the policy no longer has this action".to_owned()));
        };
        let attempt = self.stage(at).map_or(0, |stage| stage.attempt);
        let plan = self.plan(at, rule, std::slice::from_ref(action), attempt);
        let filled = plan.map_err(|missing| failed(missing.to_string()))?;
        if let (Some(stage), Some(filled)) = (self.stage_mut(at), filled.into_iter().next())
            && let Some(place) = stage.plan.get_mut(stage.cursor as usize)
        {
            *place = filled;
        }
        Ok(())
    }

    /// The shell of a run's pane, when commands in it can't be tracked.
    fn untrackable(&self, at: At) -> Option<String> {
        let reader = self.pane_of(at)?.reader();
        (!Shell::of(reader).is_understood()).then(|| reader.to_owned())
    }

    /// Does one action; gives the intent whose outcome says that it is done, where there is one.
    fn perform(&mut self, at: At, action: &Planned, purpose: Purpose) -> Option<IntentId> {
        let row = self.pane_of(at)?;
        let pane = row.info.key.clone();
        let folder = row.info.facts.path.clone();
        // A reader that is no shell we know is taken for a plain one.
        let shell = Shell::of(row.reader());
        let basis = self.stage(at).and_then(|stage| stage.basis.clone()).or_else(|| self.basis_unknown(at));
        let send = |steps, needs, shells: &[Shell]| {
            let (pane, shells) = (pane.clone(), shells.to_vec());
            Effect::Send(SendKeys { pane, steps, expect_command: None, expect_screen: None, needs, shells })
        };
        match action {
            Planned::Send { steps, .. } if steps.is_empty() => None,
            Planned::Send { steps, shells, expect, .. } => {
                Some(self.emit(
                    send(steps.clone(), self.named_or(at, expect, false, Needs::Front { basis }), shells),
                    purpose,
                ))
            }
            Planned::Run { command } if self.runs_aside(at) => self.run_aside(at, &command.clone(), purpose),
            // Nobody waits for the end of what is run after a stage.
            Planned::Run { command } if matches!(purpose, Purpose::After { .. }) => {
                let line = untracked_command(shell, command);
                let shells = if line == command.text { &[] } else { shell.readers_of_lines() };
                let steps = vec![KeyStep::Text(line), KeyStep::Key("Enter".to_owned())];
                Some(self.emit(send(steps, Needs::Shell, shells), purpose))
            }
            Planned::Run { command } => {
                let bare = self.bare_line(at, command);
                Some(self.emit_with(purpose, |id| {
                    let Some(line) = bare else {
                        let line = tracked_command(shell, command, id.as_str());
                        let keys = vec![KeyStep::Text(line), KeyStep::Key("Enter".to_owned())];
                        return send(keys, Needs::Shell, shell.readers_of_lines());
                    };
                    // A letter that comes and goes, `i`: harmless where text is written, and in the command mode of an
                    // editor that is like vi what begins to write.
                    let keys = ["0x69", "BSpace"].map(|key| KeyStep::Key(key.to_owned()));
                    let line = [KeyStep::Text(line), KeyStep::Key("Enter".to_owned())];
                    send(keys.into_iter().chain(line).collect(), Needs::Shell, &[])
                }))
            }
            Planned::Prompt { text, expect } => {
                let needs = self.named_or(at, expect, true, Needs::Composer);
                let prompt = Prompt { pane, text: text.clone(), expect_command: None, needs };
                Some(self.emit(Effect::Prompt(prompt), purpose))
            }
            Planned::Shell { script, timeout } => {
                let call = ShellCall { pane, script: script.clone(), folder, timeout: *timeout, again: false };
                Some(self.emit(Effect::Shell(call), purpose))
            }
            Planned::Notify { text, channels, urgency, kind } => {
                let title = text.lines().next().unwrap_or_default().to_owned();
                let dedupe = self.same_alert(at.run, &format!("{kind:?}/{}/{title}", self.stage_name(at)));
                let (body, channels) = (text.clone(), channels.clone());
                let run = Some(at.run);
                self.alert(Alert {
                    kind: *kind,
                    urgency: *urgency,
                    title,
                    body,
                    approval: None,
                    run,
                    dedupe,
                    channels,
                });
                None
            }
            Planned::Set { name, value } => {
                if let Some(run) = self.state.runs.get_mut(&at.run) {
                    run.variables.insert(name.clone(), value.clone());
                }
                None
            }
            Planned::Skipped { what, words, part, .. } => {
                self.tell_skipped(at, what, words, part);
                None
            }
            // Filled in before it is done.
            Planned::Later { .. } | Planned::If { .. } => None,
            Planned::StartPipeline { pipeline, given, beside } => {
                let beside = beside.then_some(pane);
                let by = Cause::own(self.now, "start_pipeline", format!("by stage {}", self.stage_name(at)));
                self.then(Work::StartPipeline { pipeline: pipeline.clone(), by, beside, given: given.clone() });
                None
            }
        }
    }

    /// All start actions are done: from now on output counts.
    fn ready(&mut self, at: At) {
        let policy = Arc::clone(&self.policy);
        if !self.shift(at, StageInput::Ready) {
            return;
        }
        let Some((_, rule)) = self.rule(&policy, at) else { return };
        let now = self.now;
        if let Some(stage) = self.stage_mut(at) {
            stage.running_at = Some(now);
            stage.quiet_since = Some(now);
        }
        if self.has_skipped_all(at) {
            return self.succeed(at, Cause::own(now, "actions_on_start", "its actions are skipped"));
        }
        let conditions = || rule.success_when.iter().chain(&rule.fail_when);
        if let Some(first) = conditions().flat_map(silences).min() {
            self.state.arm(TimerKey::Idle(at.run, rule.name.clone()), now + first);
        }
        self.start_polls(at, rule);
        self.watch_prompt(at);
        self.count_between(at);
        if self.stage(at).is_none_or(|stage| stage.state != StageState::Running) {
            return;
        }
        let tracked = self.stage(at).is_some_and(|stage| stage.tracked.is_some());
        // A tracked command before the last action has ended already, well, or the attempt would have.
        let exit =
            self.stage(at).and_then(|stage| stage.exit).filter(|_| !tracked).or_else(|| self.exit_of_skipped(at));
        if self.judge(at, &Stimulus::Settled) || exit.is_some_and(|code| self.judge(at, &Stimulus::Exit(code))) {
            return;
        }
        if rule.success_when.is_none() && !tracked {
            return self.succeed(at, Cause::own(now, "actions_on_start", "done"));
        }
        self.await_agent(at);
    }

    /// Begins the polls of a stage that runs from now on.
    pub fn start_polls(&mut self, at: At, rule: &Stage) {
        let since = self.stage(at).and_then(|stage| stage.started_at).unwrap_or(self.now);
        let success = rule.success_when.as_ref().map_or_else(Vec::new, |c| polls(c, SUCCESS));
        let fail = rule.fail_when.as_ref().map_or_else(Vec::new, |c| polls(c, FAIL));
        for (node, test) in success.into_iter().chain(fail) {
            let deadline = test.deadline.map(|span| since + span);
            if let Some(stage) = self.stage_mut(at) {
                stage.polls.insert(node, PollRun::new(since, deadline));
            }
            self.ask_poll(at, node);
        }
    }

    /// A stage succeeded.
    pub fn succeed(&mut self, at: At, cause: Cause) {
        if self.ends_cancelled(at) {
            return;
        }
        let policy = Arc::clone(&self.policy);
        self.close_attempt(at);
        if !self.shift(at, StageInput::Succeed) {
            return;
        }
        let Some(stage) = self.stage_mut(at) else { return };
        stage.ended = Some(cause.clone());
        let (name, started) = (stage.name.clone(), stage.started_at);
        let took = started.map_or(Millis(0), |started| self.now.since(started));
        let note = Note::StageSucceeded { run: at.run, stage: name, by: cause.brief(), took };
        self.note_run(Severity::Success, at.run, note);
        if let Some((_, rule)) = self.rule(&policy, at) {
            self.do_after(at, rule, &rule.on_success);
        }
        self.stage_ended(at);
    }

    /// A stage is left out by a human.
    pub fn skip(&mut self, at: At, cause: Cause) {
        self.close_attempt(at);
        if self.shift(at, StageInput::Skip) {
            let Some(stage) = self.stage_mut(at) else { return };
            stage.ended = Some(cause);
            let name = stage.name.clone();
            self.note_run(Severity::Info, at.run, Note::StageSkipped { run: at.run, stage: name, why: String::new() });
            self.stage_ended(at);
        }
    }

    /// A stage is ended from outside.
    pub fn cancel_stage(&mut self, at: At, cause: Cause) {
        self.close_attempt(at);
        if self.shift(at, StageInput::Cancel) {
            let Some(stage) = self.stage_mut(at) else { return };
            let why = cause.brief();
            stage.ended = Some(cause);
            let name = stage.name.clone();
            self.note_run(Severity::Warning, at.run, Note::StageCancelled { run: at.run, stage: name, why });
            self.stage_ended(at);
        }
    }

    /// What follows the end of a stage.
    pub fn stage_ended(&mut self, at: At) {
        self.stop_beside(at);
        // The run's next stage comes before others that wait for the same lock, so that a run is not interleaved.
        self.then(Work::StageEnded(at.run));
        self.tell_elsewhere(at);
        self.then(Work::Locks);
    }

    /// Ends what belongs to the present attempt: intents, timers, polls, questions.
    pub fn close_attempt(&mut self, at: At) {
        self.disarm_attempt(at);
        self.keep_lines(at);
        self.record_verdict(at, &Stimulus::Settled);
        let Some(stage) = self.stage(at) else { return };
        let polls = stage.polls.values().filter_map(|poll| poll.intent.clone());
        let stopping = stage.stop.iter().filter_map(|stop| stop.intent.clone());
        let looking = stage.look.intent.iter().chain(&stage.looks_for).cloned();
        let intents: Vec<IntentId> =
            stage.waiting.iter().cloned().chain(polls).chain(stopping).chain(looking).collect();
        for id in &intents {
            self.withdraw(id);
        }
        if let Some(stage) = self.stage_mut(at) {
            stage.waiting = None;
            stage.looks_for = None;
            stage.tracked = None;
            stage.untracked = false;
            stage.agent = AgentWatch { from: stage.agent.from, ..AgentWatch::new() };
            stage.said = None;
            stage.stop = None;
            stage.look = Look::new();
            stage.queue = None;
            stage.polls.values_mut().for_each(|poll| poll.intent = None);
        }
        self.supersede_stage(at);
    }

    /// Does actions that nothing waits for (`on_success`, steps of `on_fail`), in order.
    pub fn do_after(&mut self, at: At, rule: &Stage, actions: &[Action]) {
        let attempt = self.stage(at).map_or(0, |stage| stage.attempt);
        for action in actions {
            // Each is filled in when the one before is done, so that it sees its `set`.
            match self.plan(at, rule, std::slice::from_ref(action), attempt) {
                Ok(plan) => {
                    for planned in &plan {
                        let purpose = Purpose::After { run: at.run, stage: rule.name.clone(), attempt };
                        self.perform(at, planned, purpose);
                    }
                }
                Err(missing) => {
                    let text = format!("stage {}: an action is left out: {missing}", rule.name);
                    self.note_run(Severity::Error, at.run, Note::Text { text });
                }
            }
        }
    }
}

/// Whether keys are a line with its Enter.
fn is_line(steps: &[KeyStep]) -> bool {
    let text = steps.iter().any(|step| matches!(step, KeyStep::Text(_)));
    text && matches!(steps.last(), Some(KeyStep::Key(key)) if key == "Enter")
}
