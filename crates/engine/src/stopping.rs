//! An attempt whose time is over: its command is stopped, or a person is asked, before anything else is typed.

use super::expiry::OnExpiry;
use super::gate::{Ask, CONTINUE, WAIT};
use super::progress::{Cause, Own, Stop, StopStep};
use super::readers::who;
use super::state::{IntentRow, PaneRow, Purpose, is_shell};
use super::text::visible;
use super::turn::{At, Turn};
use std::sync::Arc;
use tmuxagent_model::{
    ApprovalKind, Effect, Front, IntentId, IntentState, KeyStep, Millis, Needs, Note, PaneReader, Reads, RunId,
    SendKeys, Severity, ShellCall, ShellText, StageState, TimerKey, Verdict,
};
use tmuxagent_policy::Stopping;

/// How long a command has to end after it was told to.
const PATIENCE: Millis = Millis::from_secs(10);
/// The answer that stops what runs, or gives a stage up.
pub const STOP: &str = "stop";
/// The answer that a command has ended, though nobody could see it.
pub const OVER: &str = "over";

/// Sends SIGTERM to what is in front of the process's terminal, unless that is the process itself, began after the
/// command was interrupted (AGE seconds ago), or is another one than ONLY. (dash knows signals of groups by `-s` alone.)
const TERMINATE: &str = r#"front=$(ps -o tpgid= -p PID | tr -d ' ')
own=$(ps -o pgid= -p PID | tr -d ' ')
only=ONLY
age=$(ps -o etimes= -p "$front" 2>/dev/null | tr -d ' ')
if [ -n "$front" ] && [ "$front" != "$own" ] && [ "$front" -gt 1 ] && [ "${age:-AGE}" -ge AGE ] && [ "$front" = "${only:-$front}" ]; then kill -s TERM -- "-$front"; fi"#;

/// C-c for the command in front of a pane: that one, where it is known.
pub fn interrupt(row: &PaneRow, front: Option<Front>) -> SendKeys {
    let command = &row.info.facts.command;
    SendKeys {
        pane: row.info.key.clone(),
        steps: vec![KeyStep::Key("C-c".to_owned())],
        expect_command: Some(command.clone()).filter(|command| !is_shell(command)),
        expect_screen: None,
        needs: Needs::Command { front },
        shells: Vec::new(),
    }
}

/// The ways of a policy to stop a command.
pub fn steps_of(steps: &[Stopping]) -> Vec<StopStep> {
    let step = |step: &Stopping| match step {
        Stopping::Interrupt => StopStep::Interrupt,
        Stopping::Terminate => StopStep::Terminate,
    };
    steps.iter().map(step).collect()
}

impl Turn<'_> {
    /// The time limit of a stage's attempt: the policy's, or that of the configuration.
    pub fn timeout_of(&self, at: At) -> Option<Millis> {
        self.limit_of(at).map(|(limit, _)| limit)
    }

    /// The time limit, and whether the policy names it.
    fn limit_of(&self, at: At) -> Option<(Millis, bool)> {
        let policy = Arc::clone(&self.policy);
        let (_, rule) = self.rule(&policy, at)?;
        let otherwise = Some(self.options.timeout).filter(|limit| limit.0 > 0 && !rule.endless);
        rule.timeout.map(|limit| (limit, true)).or_else(|| Some((otherwise?, false)))
    }

    /// The time limit of an attempt is over. While its keys are held by the freeze, it begins anew.
    pub fn timeout(&mut self, run: RunId, name: &str) {
        let Some(at) = self.find_stage(run, name) else { return };
        let Some(stage) = self.stage(at) else { return };
        if !matches!(stage.state, StageState::Starting | StageState::Running) {
            return;
        }
        if stage.stop.as_ref().is_some_and(|stop| stop.cancels) {
            return self.stop_next(at);
        }
        if self.is_asked_whether_done(at) {
            // Its command has ended, or stands still: a person says what that means, and nothing is to be stopped.
            return;
        }
        let waiting = stage.waiting.as_ref().and_then(|id| self.state.intents.get(id));
        let held = waiting.is_some_and(|row| row.intent.state == IntentState::Held);
        let Some((limit, named)) = self.limit_of(at) else { return };
        if held {
            return self.state.arm(TimerKey::StageTimeout(run, name.to_owned()), self.now + limit);
        }
        if stage.stop.as_ref().is_some_and(|stop| stop.begun || stop.held_up.is_some()) {
            return self.stop_next(at);
        }
        // Its keys wait for their reader: nothing was begun.
        let untyped = stage.state == StageState::Starting
            && waiting.is_some_and(|row| matches!(row.intent.effect, Effect::Send(_) | Effect::Prompt(_)));
        let cause = Cause::own(self.now, "timeout", format!("not done after {limit}"));
        let busy = self.is_busy(at);
        if untyped && !busy {
            return self.take_back_untyped(at, limit);
        }
        if !busy && named {
            return self.attempt_failed(at, cause);
        }
        let policy = Arc::clone(&self.policy);
        let steps = self.rule(&policy, at).map(|(_, rule)| rule.on_timeout.as_slice()).unwrap_or_default();
        let steps = if busy { steps_of(steps) } else { Vec::new() };
        let Some(stage) = self.stage_mut(at) else { return };
        stage.stop = Some(Stop { cause, steps, begun: false, intent: None, cancels: false, held_up: None });
        let looks = self.options.looks && self.stage(at).is_some_and(|stage| !stage.look.over);
        if busy && looks && self.stage(at).is_some_and(|stage| stage.state == StageState::Running) {
            // It may have ended without a word; what is seen leads on.
            self.look_soon(at);
        } else {
            self.stop_next(at);
        }
    }

    /// The keys of an attempt wait beyond its time: they are asked back from who types them, and once it is certain that they
    /// were not typed a person is asked, as at the end of their own wait. To fail and to type them once more by itself would
    /// do with them what nobody has decided. Until who types them tells, which may take as long as his host is out of reach,
    /// nobody knows what to ask.
    fn take_back_untyped(&mut self, at: At, limit: Millis) {
        let Some(id) = self.stage(at).and_then(|stage| stage.waiting.clone()) else { return };
        let front = self.pane_of(at).map(|row| visible(&row.info.facts.command)).unwrap_or_default();
        let text = format!("was not typed in {limit}: {front} is in the foreground");
        let cause = Cause::own(self.now, "timeout", text);
        if !self.drop_waiting(&id) {
            return self.attempt_failed(at, cause);
        }
        let Some(stage) = self.stage_mut(at) else { return };
        stage.stop =
            Some(Stop { cause, steps: Vec::new(), begun: false, intent: Some(id), held_up: None, cancels: false });
        let key = TimerKey::StageTimeout(at.run, self.stage_name(at));
        self.state.arm(key, self.now + PATIENCE);
    }

    /// Why keys that are asked back were not typed, where it is those of a stage's attempt whose time is over.
    pub fn untyped_in_time(&self, row: &IntentRow) -> Option<String> {
        let (run, stage) = (row.intent.run?, row.intent.stage.as_deref()?);
        let stop = self.stage(self.find_stage(run, stage)?)?.stop.as_ref()?;
        (!stop.begun && stop.intent.as_ref() == Some(&row.intent.id)).then(|| stop.cause.text.clone())
    }

    /// Whether a command of the stage may still run in its pane.
    pub fn is_busy(&self, at: At) -> bool {
        self.stage(at).is_some_and(|stage| {
            let runs = stage.tracked.is_some() || stage.untracked && self.options.looks;
            stage.look.suspended || runs && !stage.look.over
        })
    }

    /// Whether a person is asked what the end of the command, which is known, means.
    fn is_asked_whether_done(&self, at: At) -> bool {
        let asked = self.stage(at).and_then(|stage| stage.approval.as_ref()).and_then(|id| self.pending(id));
        asked.is_some_and(|row| row.approval.kind == ApprovalKind::Unclear)
    }

    /// Tries the next way to stop the command; when there is none left a person is asked.
    pub fn stop_next(&mut self, at: At) {
        let Some(stop) = self.stage(at).and_then(|stage| stage.stop.clone()) else { return };
        let Some(row) = self.pane_of(at) else { return };
        let (pane, folder) = (row.info.key.clone(), row.info.facts.path.clone());
        let age = if stop.begun { PATIENCE.0 / 1000 - 1 } else { 0 };
        let look = self.stage(at).map(|stage| stage.look.clone()).unwrap_or_default();
        if let Some(other) = look.other.filter(|_| stop.held_up.is_none()) {
            let reader = PaneReader { reads: Reads::Command, front: Some(other), ..PaneReader::default() };
            return self.hold_up(at, who(&reader));
        }
        let effect = match stop.steps.first() {
            None if stop.cancels => return self.cancel_anyway(at, &stop),
            None => return self.ask_overdue(at),
            Some(StopStep::Interrupt) => Effect::Send(interrupt(row, look.front)),
            Some(StopStep::Terminate) => Effect::Shell(ShellCall {
                script: ShellText {
                    text: TERMINATE
                        .replace("PID", &pane.pid.to_string())
                        .replace("AGE", &age.to_string())
                        .replace("ONLY", &look.front.map(|front| front.pid.to_string()).unwrap_or_default()),
                    shown: "SIGTERM to the command in front".to_owned(),
                    ..ShellText::default()
                },
                pane,
                folder,
                timeout: PATIENCE,
                again: false,
            }),
        };
        let attempt = self.stage(at).map_or(0, |stage| stage.attempt);
        let name = self.stage_name(at);
        let text = if stop.cancels {
            format!("stage {name} is cancelled; its command is told to stop")
        } else {
            format!("stage {name} is over its time; its command is told to stop")
        };
        self.note_run(Severity::Warning, at.run, Note::Text { text });
        let id = self.emit(effect, Purpose::Stop { run: at.run, stage: name.clone(), attempt });
        if let Some(stop) = self.stage_mut(at).and_then(|stage| stage.stop.as_mut()) {
            stop.steps.remove(0);
            stop.begun = true;
            stop.intent = Some(id);
        }
        self.state.arm(TimerKey::StageTimeout(at.run, name), self.now + PATIENCE);
        self.look_soon(at);
    }

    /// The command could not be told to stop: another program reads there.
    pub fn not_stopped(&mut self, at: At, id: &IntentId, why: &str) {
        if self.stage(at).and_then(|stage| stage.stop.as_ref()).is_some_and(|stop| stop.intent.as_ref() == Some(id)) {
            // That nothing was typed goes without saying.
            self.hold_up(at, why.split_once(": ").map_or(why, |(_, who)| who).to_owned());
        }
    }

    /// Nothing is done to what is in front: it is not, or perhaps not, the stage's command.
    fn hold_up(&mut self, at: At, why: String) {
        let now = self.now;
        let Some(stop) = self.stage_mut(at).and_then(|stage| stage.stop.as_mut()) else { return };
        (stop.begun, stop.intent) = (false, None);
        stop.steps.clear();
        stop.held_up = Some(why);
        let key = TimerKey::StageTimeout(at.run, self.stage_name(at));
        self.state.arm(key, now);
    }

    fn ask_overdue(&mut self, at: At) {
        let Some(stage) = self.stage(at) else { return };
        let Some(stop) = &stage.stop else { return };
        let (name, why, tried) = (stage.name.clone(), stop.cause.text.clone(), stop.begun);
        let (busy, attempt) = (self.is_busy(at), stage.attempt);
        let seen = stage.said.as_ref().is_some_and(|said| said.ok);
        let question = match (busy, tried) {
            _ if stop.held_up.is_some() => {
                let why = stop.held_up.as_deref().unwrap_or_default();
                format!("Stage {name} is {}, and its command was not told to stop: {why}. Give it up?", stop.cause.text)
            }
            (true, false) => format!("Stage {name} is {why}, and its command still runs. Stop it?"),
            (true, true) => format!("Stage {name} is {why}; its command was told to stop and still runs. Try again?"),
            (false, _) => format!("Stage {name} is {why}. Give it up?"),
        };
        let busy = busy && stop.held_up.is_none();
        let effect_text = if busy {
            "C-c is pressed in the pane; a command that goes on is sent SIGTERM".to_owned()
        } else {
            "nothing is typed; the attempt counts as failed".to_owned()
        };
        let effect = if busy { vec![KeyStep::Key("C-c".to_owned())] } else { Vec::new() };
        let mut options = vec![STOP.to_owned(), WAIT.to_owned()];
        if busy {
            options.push(OVER.to_owned());
        }
        if seen {
            options.push(CONTINUE.to_owned());
        }
        let ask =
            Ask { kind: ApprovalKind::Overdue, question, effect, effect_text, options, attempt, ..Ask::default() };
        self.supersede_stage(at);
        // The command may end meanwhile, which decides by itself; so an expiry only marks the question.
        let ask = Ask { on_expiry: OnExpiry::Keep, ..self.on_terms_of(at, ask) };
        self.ask_about(at, ask);
    }

    /// A person decided about an attempt whose time is over.
    pub fn apply_overdue(&mut self, at: At, verdict: &Verdict, cause: Cause) {
        let Some(stage) = self.stage(at) else { return };
        let Some(stop) = stage.stop.clone() else { return };
        match (verdict.approve, verdict.answer.as_deref()) {
            (true, Some(CONTINUE)) => self.succeed(at, cause),
            (true, Some(WAIT)) => {
                self.forget_stop(at);
                if let Some(limit) = self.timeout_of(at) {
                    let key = TimerKey::StageTimeout(at.run, self.stage_name(at));
                    self.state.arm(key, self.now + limit);
                }
                self.mind_limit(at);
            }
            (true, Some(OVER)) => {
                if let Some(stage) = self.stage_mut(at) {
                    stage.look.own = Own::Ended;
                }
                self.attempt_failed(at, stop.cause);
            }
            (true, _) if self.is_busy(at) && stop.held_up.is_none() => {
                if let Some(stage) = self.stage_mut(at) {
                    stage.stop = Some(Stop { steps: vec![StopStep::Interrupt, StopStep::Terminate], ..stop });
                }
                self.stop_next(at);
            }
            (true, _) => self.attempt_failed(at, stop.cause),
            // It is not stopped: it goes on until it ends.
            (false, _) => self.forget_stop(at),
        }
    }

    fn forget_stop(&mut self, at: At) {
        if let Some(stage) = self.stage_mut(at) {
            stage.stop = None;
        }
    }
}
