//! What ends an attempt: the exit code where it is known, otherwise what was printed, once the command has ended.
//!
//! **Invariants:** while a command of the stage runs, what it prints is kept and ends nothing, so that nothing is typed into
//! it (`when: seen` says otherwise); a failure is never overruled by a success of the same attempt; a command that
//! ended without a verdict leads to a question.

use super::agent::AgentRow;
use super::condition::{FAIL, Found, SUCCESS, Stimulus, named_codes, reads_lines};
use super::expiry::OnExpiry;
use super::gate::{Ask, CONTINUE, RERUN, WAIT};
use super::outlook::Outlook;
use super::progress::{Cause, Held, PollRun, Said};
use super::text::visible;
use super::turn::{At, Turn};
use std::collections::BTreeMap;
use std::sync::Arc;
use tmuxagent_model::{ApprovalKind, Note, Printed, Severity, StageState, TimerKey};
use tmuxagent_policy::{Condition, Stage};

/// The exit code of a command that SIGINT ended.
const BY_SIGINT: i32 = 130;
/// What a shell tells of a command that SIGTSTP stopped, on Linux and on macOS.
pub const BY_SIGTSTP: [i32; 2] = [128 + 20, 128 + 18];
/// The rule of a cause that is somebody's C-c: whoever stopped it does not want it tried again.
pub const INTERRUPTED: &str = "interrupted";

impl Turn<'_> {
    /// A condition of a running stage holds; says whether that ended the attempt.
    pub fn hold_or_end(&mut self, at: At, ok: bool, found: Found, stimulus: &Stimulus<'_>) -> bool {
        let Found { cause, groups, at_once, .. } = found;
        self.learn(at.run, groups);
        // The question and the alert name the exit code themselves; it is no line that led to it.
        if !matches!(stimulus, Stimulus::Exit(_)) {
            self.witness(at, &cause);
        }
        if !at_once && self.end_is_to_come(at, stimulus) {
            self.keep_said(at, ok, cause);
            return false;
        }
        self.record_verdict(at, stimulus);
        self.end_attempt(at, ok, cause);
        true
    }

    fn end_attempt(&mut self, at: At, ok: bool, cause: Cause) {
        if ok { self.succeed(at, cause) } else { self.attempt_failed(at, cause) }
    }

    /// Whether the command that the stage typed still runs, and its end will be known.
    fn end_is_to_come(&self, at: At, stimulus: &Stimulus<'_>) -> bool {
        let policy = Arc::clone(&self.policy);
        let (Some((_, rule)), Some(stage)) = (self.rule(&policy, at), self.stage(at)) else { return false };
        if stage.tracked.is_some() {
            return !matches!(stimulus, Stimulus::Exit(_));
        }
        // Without an exit code only what may be contradicted waits; an agent's report is its last word.
        let text = matches!(stimulus, Stimulus::Line { message: None, .. });
        text && rule.fail_when.is_some() && stage.untracked && self.options.looks && !stage.look.over
    }

    /// Keeps what the output says of a command that still runs.
    fn keep_said(&mut self, at: At, ok: bool, cause: Cause) {
        let Some(stage) = self.stage_mut(at) else { return };
        if stage.said.as_ref().is_some_and(|said| !said.ok || ok) {
            return;
        }
        stage.said = Some(Said { ok, cause: cause.clone() });
        let (name, by) = (stage.name.clone(), visible(&cause.brief()));
        let (severity, text) = if ok {
            (
                Severity::Info,
                format!("stage {name} has seen its success ({by}), which counts when its command has ended"),
            )
        } else {
            (Severity::Warning, format!("stage {name} has seen its failure ({by}); its command still runs"))
        };
        self.note_run(severity, at.run, Note::Text { text });
        self.look_soon(at);
    }

    /// The tracked command of a running stage ended with this code.
    pub fn exited(&mut self, at: At, exit: i32, cause: Cause) {
        let policy = Arc::clone(&self.policy);
        let Some((_, rule)) = self.rule(&policy, at) else { return };
        let Some(stage) = self.stage(at) else { return };
        let (said, stop) = (stage.said.clone(), stage.stop.clone());
        let expected = rule.success_when.as_ref().is_some_and(|c| named_codes(c).contains(&exit));
        if let Some(stop) = stop.filter(|stop| stop.begun || stop.cancels) {
            return self.attempt_failed(at, stop.cause);
        }
        // fish tells 0 of it.
        if BY_SIGTSTP.contains(&exit) && !expected || self.shows(at, "^Z", 3) {
            return self.is_suspended(at);
        }
        if exit == BY_SIGINT && !expected {
            self.record_verdict(at, &Stimulus::Exit(exit));
            return self.attempt_failed(at, Cause::own(self.now, INTERRUPTED, cause.brief()));
        }
        if let Some(said) = said.as_ref().filter(|said| !said.ok) {
            self.record_verdict(at, &Stimulus::Exit(exit));
            return self.attempt_failed(at, said.cause.clone());
        }
        // What would have failed it may be among the lines that were lost.
        let lost = said.is_none() && self.asks_of_gap(at) && rule.fail_when.iter().any(reads_lines);
        if lost && (exit == 0 || expected) {
            let name = rule.name.as_str();
            return self.ask_unclear(
                at,
                format!(
                    "The command of stage {name} ended with exit code {exit}, and output was lost while it ran. Has it succeeded?"
                ),
            );
        }
        if self.judge(at, &Stimulus::Exit(exit)) {
            return;
        }
        if exit != 0 && !expected {
            self.record_verdict(at, &Stimulus::Exit(exit));
            return self.attempt_failed(at, cause);
        }
        match said {
            Some(said) => {
                self.record_verdict(at, &Stimulus::Exit(exit));
                self.succeed(at, said.cause);
            }
            None if rule.success_when.is_none() => self.succeed(at, cause),
            None => self.without_verdict(at, Some(exit)),
        }
    }

    /// The shell is at its prompt again, and no exit code was told.
    pub fn prompt_is_back(&mut self, at: At) {
        let Some(stage) = self.stage(at).filter(|stage| stage.state == StageState::Running) else { return };
        let (said, stop, tracked) = (stage.said.clone(), stage.stop.clone(), stage.tracked.is_some());
        if let Some(stop) = stop.as_ref().filter(|stop| stop.begun || stop.cancels) {
            return self.attempt_failed(at, stop.cause.clone());
        }
        if self.may_still_read(at) {
            return self.look_again(at);
        }
        if self.awaits_begin(at) {
            return self.begin_due(at);
        }
        // A prompt may already stand behind it.
        let suspended = self.stage(at).is_some_and(|stage| stage.look.suspended);
        if !suspended && self.shows(at, "^Z", 3) {
            return self.is_suspended(at);
        }
        if self.shows(at, "^C", 3) {
            return self.attempt_failed(at, Cause::own(self.now, INTERRUPTED, "its command was stopped by C-c"));
        }
        match (said, stop) {
            (Some(said), _) if !said.ok => self.attempt_failed(at, said.cause),
            // Where a code was to come, its text alone says nothing.
            (Some(said), _) if !tracked => self.succeed(at, said.cause),
            (None, Some(stop)) if !tracked => self.attempt_failed(at, stop.cause),
            _ => self.without_verdict(at, None),
        }
    }

    /// The last lines of the attempt, the newest first.
    fn printed_in(&self, at: At) -> impl Iterator<Item = &Printed> {
        let since = self.run(at.run).zip(self.stage(at)).map(|(run, stage)| {
            let since = stage.started_at.unwrap_or(run.started_at);
            (run.pane_of(at.stage), since)
        });
        let found = self.printed.as_ref().zip(since).filter(|((pane, _), (own, _))| pane == *own);
        // What stands above its own line, which a later life reads with it, is none of it.
        let typed = self.stage(at).and_then(|stage| stage.typed.as_ref()).and_then(|typed| typed.bare.as_deref());
        let own = move |line: &Printed| typed.is_some_and(|typed| line.text.contains(typed));
        found.into_iter().flat_map(move |((_, lines), (_, since))| {
            lines.iter().rev().filter(move |line| line.at >= since).take_while(move |line| !own(line))
        })
    }

    /// Whether so many last lines of the attempt hold what a terminal shows for a key.
    pub fn shows(&self, at: At, key: &str, last: usize) -> bool {
        self.printed_in(at).take(last).any(|line| line.text.contains(key))
    }

    /// A command ended, and no condition holds: what can still come by itself is waited for, or else a person is asked.
    fn without_verdict(&mut self, at: At, exit: Option<i32>) {
        let policy = Arc::clone(&self.policy);
        let Some((_, rule)) = self.rule(&policy, at) else { return };
        let Some(stage) = self.stage(at) else { return };
        let known = exit.is_some() || stage.tracked.is_none();
        let agent = self.pane_of(at).is_some_and(|pane| pane.agent.as_ref().is_some_and(AgentRow::is_there));
        if known && may_still_hold(rule, &stage.progress.held, &stage.polls, agent) {
            return;
        }
        let name = rule.name.as_str();
        let question = match exit {
            Some(code) => format!(
                "The command of stage {name} ended with exit code {code}, and nothing that it printed says how it went. Has it succeeded?"
            ),
            None => format!(
                "The command of stage {name} ended, and nothing that it printed says how it went. Has it succeeded?"
            ),
        };
        self.ask_unclear(at, question);
    }

    /// A person pressed C-z: the command has not ended, and `fg` goes on with it. Another one beside it is nothing that
    /// somebody asked for.
    fn is_suspended(&mut self, at: At) {
        if let Some(stage) = self.stage_mut(at) {
            stage.look.suspended = true;
        }
        let name = self.stage_name(at);
        let question = format!(
            "The command of stage {name} was suspended by C-z and has not ended; `fg` goes on with it. Has it succeeded?"
        );
        self.ask_unclear(at, question);
    }

    /// Somebody means to wait on, and of a suspended command to go on with it: its end is looked for, since no shell will tell it.
    pub fn await_suspended(&mut self, at: At) {
        let Some(stage) = self.stage_mut(at) else { return };
        if stage.look.suspended {
            (stage.look.over, stage.look.once, stage.look.back, stage.untracked) = (false, false, false, true);
        }
        if let Some(limit) = self.timeout_of(at) {
            self.state.arm(TimerKey::StageTimeout(at.run, self.stage_name(at)), self.now + limit);
        }
        self.watch_prompt(at);
    }

    fn ask_unclear(&mut self, at: At, question: String) {
        let attempt = self.stage(at).map_or(0, |stage| stage.attempt);
        let ask = Ask {
            kind: ApprovalKind::Unclear,
            question,
            effect_text: "nothing is typed; the stage counts as succeeded".to_owned(),
            options: vec![CONTINUE.to_owned(), RERUN.to_owned(), WAIT.to_owned()],
            attempt,
            ..Ask::default()
        };
        if let Some(stage) = self.stage_mut(at) {
            stage.look.over = true;
            stage.stop = None;
        }
        self.supersede_stage(at);
        // The stage runs on and may still end by itself, so an expiry only marks the question.
        let ask = Ask { on_expiry: OnExpiry::Keep, ..self.on_terms_of(at, ask) };
        self.ask_about(at, ask);
    }
}

/// Whether a condition of a stage may come to hold by itself, without another line. `agent`: there is one.
pub fn may_still_hold(rule: &Stage, held: &Held, polls: &BTreeMap<u32, PollRun>, agent: bool) -> bool {
    let outlook = Outlook {
        polls,
        settled: &|part, number| held.contains_key(&number) || matches!(part, Condition::Not(_)),
        leaf: &|leaf| match leaf {
            Condition::Agent(_) => agent,
            other => matches!(other, Condition::IdleFor(_) | Condition::Schedule(_)),
        },
    };
    let of = |condition: &Option<Condition>, base| condition.as_ref().is_some_and(|c| outlook.may_come(c, base));
    of(&rule.success_when, SUCCESS) || of(&rule.fail_when, FAIL)
}
