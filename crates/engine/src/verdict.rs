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
use super::progress::{Cause, Held, Own, PollRun, Said};
use super::state::Planned;
use super::text::visible;
use super::turn::{At, Turn};
use std::collections::BTreeMap;
use std::sync::Arc;
use tmuxagent_lines::{is_tracked_command, without_report};
use tmuxagent_model::{Approval, ApprovalKind, Millis, Note, Printed, Severity, StageState};
use tmuxagent_policy::{Condition, Stage};

/// What is told of a command that SIGINT ended: by shells, and by what gives the signal's own number.
pub const BY_SIGINT: [i32; 2] = [128 + 2, -2];
/// What a shell tells of a command that SIGTSTP stopped, on Linux and on macOS.
pub const BY_SIGTSTP: [i32; 2] = [128 + 20, 128 + 18];
/// The rule of a cause that is somebody's C-c: whoever stopped it does not want it tried again.
pub const INTERRUPTED: &str = "interrupted";
/// What a terminal shows for C-c.
pub const INTERRUPT: &str = "^C";
/// A command that ended within so long was stopped by nobody's hand.
pub const LONG: Millis = Millis(1000);
/// What it shows for C-z.
pub const SUSPEND: &str = "^Z";
/// In how many last lines it is looked for, where nothing is printed behind it.
pub const LAST: usize = 3;

impl Turn<'_> {
    /// A condition of a running stage holds; says whether that ended the attempt.
    pub fn hold_or_end(&mut self, at: At, ok: bool, found: Found, stimulus: &Stimulus<'_>) -> bool {
        let Found { cause, groups, at_once, .. } = found;
        self.learn(at.run, groups);
        // The question and the alert name the exit code themselves; it is no line that led to it.
        if !matches!(stimulus, Stimulus::Exit(_)) {
            self.record_evidence(at, &cause);
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
        if self.has_more_to_do(at) && (exit == 0 || expected) {
            let name = rule.name.as_str();
            let question = format!(
                "The command of stage {name} ended with exit code {exit}, and what was to follow it was not done. Has it succeeded?"
            );
            return self.ask_unclear(at, question);
        }
        if let Some(stop) = stop.as_ref().filter(|stop| stop.cancels) {
            return self.attempt_failed(at, stop.cause.clone());
        }
        if BY_SIGTSTP.contains(&exit) && !expected {
            return self.is_suspended(at);
        }
        let known = stop.as_ref().is_some_and(|stop| stop.begun) || BY_SIGINT.contains(&exit);
        if self.may_be_suspended(at, exit) || !known && self.may_have_been_suspended(at, exit) {
            return;
        }
        // What else is told is its end, whatever was printed.
        if let Some(stage) = self.stage_mut(at) {
            stage.look.own = Own::Ended;
        }
        if let Some(stop) = stop.filter(|stop| stop.begun) {
            return self.attempt_failed(at, stop.cause);
        }
        if BY_SIGINT.contains(&exit) && !expected {
            self.record_verdict(at, &Stimulus::Exit(exit));
            return self.attempt_failed(at, Cause::own(self.now, INTERRUPTED, cause.brief()));
        }
        // Who handles C-c ends with a code of its own choice.
        let interrupted = self.interrupted(at);
        if interrupted && exit != 0 && !expected {
            self.record_verdict(at, &Stimulus::Exit(exit));
            let text = format!("C-c was pressed while its command ran: {}", cause.brief());
            return self.attempt_failed(at, Cause::own(self.now, INTERRUPTED, text));
        }
        if let Some(said) = said.as_ref().filter(|said| !said.ok) {
            self.record_verdict(at, &Stimulus::Exit(exit));
            return self.attempt_failed(at, said.cause.clone());
        }
        if interrupted {
            let name = rule.name.as_str();
            let question =
                format!("The command of stage {name} ended with exit code {exit} after C-c. Has it succeeded?");
            return self.ask_unclear(at, question);
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
        let between = self.runs_between(at);
        let Some(stage) = self.stage(at).filter(|stage| between || stage.state == StageState::Running) else { return };
        let (said, stop, tracked) = (stage.said.clone(), stage.stop.clone(), stage.tracked.is_some());
        let now = self.now;
        if let Some(stage) = self.stage_mut(at) {
            stage.silent_from = stage.silent_from.or(Some(now));
        }
        if let Some(stop) = stop.as_ref().filter(|stop| stop.begun || stop.cancels) {
            return self.attempt_failed(at, stop.cause.clone());
        }
        if self.may_still_read(at) {
            return self.look_again(at);
        }
        if self.awaits_begin(at) {
            return self.begin_due(at);
        }
        let (own, suspended) = self.stage(at).map(|stage| (stage.look.own, stage.look.suspended)).unwrap_or_default();
        // A prompt may already stand behind it.
        if own != Own::Ended && (suspended || self.echoed(at, SUSPEND, LAST)) {
            return if suspended { self.ask_of_suspended(at) } else { self.is_suspended(at) };
        }
        // An interpreter prints where it was, in many lines; the code that is missing is another sign. It is none where the shell
        // itself tells every end: then it was missed, and what was printed tells nothing of it.
        let last = if tracked { usize::MAX } else { LAST };
        if !self.is_told_by_shell(at) && self.echoed(at, INTERRUPT, last) {
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
            let since = stage.typed_at.or(stage.started_at).unwrap_or(run.started_at);
            (run.pane_of(at.stage), since)
        });
        let found = self.printed.as_ref().zip(since).filter(|((pane, _), (own, _))| pane == *own);
        // What stands above its own line, which a later life reads with it, is none of it.
        let typed = self.stage(at).and_then(|stage| stage.typed.as_ref()).and_then(|typed| typed.bare.as_deref());
        let own = move |line: &Printed| {
            is_tracked_command(&line.text) || typed.is_some_and(|typed| line.text.contains(typed))
        };
        found.into_iter().flat_map(move |((_, lines), (_, since))| {
            lines.iter().rev().filter(move |line| line.at >= since).take_while(move |line| !own(line))
        })
    }

    /// Whether a terminal showed in so many last lines of the attempt that a key was pressed.
    pub fn echoed(&mut self, at: At, key: &str, last: usize) -> bool {
        let found = self.printed_in(at).take(last).any(|line| echoes(&line.text, key));
        // What follows goes by it.
        self.used_printed |= found;
        found
    }

    /// Whether C-c was shown while the command ran. What is shown around the instant in which its keys went out was pressed for
    /// somebody else's command, and told late.
    fn interrupted(&mut self, at: At) -> bool {
        let Some(out) = self.stage(at).and_then(|stage| stage.running_at) else { return false };
        let found = self.printed_in(at).any(|line| line.at >= out + LONG && echoes(&line.text, INTERRUPT));
        self.used_printed |= found;
        found
    }

    /// Whether the stage's command was typed as it is, into a shell that tells of each command's end.
    fn is_told_by_shell(&self, at: At) -> bool {
        let stage = self.stage(at).filter(|stage| stage.tracked.is_some());
        stage.and_then(|stage| stage.typed.as_ref()).is_some_and(|typed| typed.bare.is_some())
    }

    /// The end of the stage's command, as the reason of what follows.
    pub fn cause_of_exit(&self, at: At, exit: i32) -> Cause {
        let plan = self.stage(at).and_then(|stage| stage.plan.get((stage.cursor as usize).saturating_sub(1)));
        let command = match plan {
            Some(Planned::Run { command }) => visible(&command.shown),
            _ => "run".to_owned(),
        };
        Cause::of(self.cleaner, self.now, &format!("run {command}"), &format!("exit code {exit}"))
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

    pub fn ask_unclear(&mut self, at: At, question: String) {
        self.ask_with(at, question, &[CONTINUE, RERUN, WAIT]);
    }

    pub fn ask_with(&mut self, at: At, question: String, options: &[&str]) {
        let attempt = self.stage(at).map_or(0, |stage| stage.attempt);
        let ask = Ask {
            kind: ApprovalKind::Unclear,
            question,
            effect_text: "nothing is typed; the stage counts as succeeded".to_owned(),
            options: options.iter().map(|option| (*option).to_owned()).collect(),
            attempt,
            ..Ask::default()
        };
        self.forget_look(at);
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

/// Whether another attempt would begin beside a command that is only suspended, which is what the question is about.
pub fn runs_beside(asked: &Approval) -> bool {
    asked.kind == ApprovalKind::Unclear && !asked.options.iter().any(|option| option == RERUN)
}

/// Whether a terminal shows in a line that a key was pressed: the sign stands at the end of what was printed by then, and what is
/// printed next right behind it. A sentence that speaks of the key has blanks there, and words before it.
fn echoes(line: &str, key: &str) -> bool {
    let line = without_report(line);
    line.match_indices(key).any(|(at, sign)| {
        let (before, after) = (&line[..at], &line[at + sign.len()..]);
        let speaks = before.ends_with(' ') && before.trim_end().ends_with(char::is_alphabetic);
        let quoted = before.ends_with(['\'', '"', '`', '(']);
        // fish and zsh mark a line without an end; a shell numbers what is suspended.
        let ends = matches!(after.trim_end(), "" | "⏎" | "%" | "#");
        let job = after.strip_prefix('[').is_some_and(|number| number.starts_with(|c: char| c.is_ascii_digit()));
        let glued = (job || after.starts_with(char::is_alphanumeric)) && !before.ends_with(' ');
        !quoted && (ends && !speaks || glued)
    })
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

#[cfg(test)]
mod tests {
    use super::{INTERRUPT, SUSPEND, echoes};

    #[test]
    fn the_echo_of_a_key_is_no_sentence_about_it() {
        for echo in [
            "^C",
            "^CTraceback (most recent call last):",
            " 40% 4/10 [00:01]^C",
            "epoch 3^CTraceback",
            "Name: ^C",
            "building^C⏎",
            "^C#",
            "building^C%",
        ] {
            assert!(echoes(echo, INTERRUPT), "{echo}");
        }
        for other in [
            "",
            "press ^C to quit",
            "^C to quit",
            "(^C quits)",
            "server is up (^C stops it)",
            "use ^C.",
            "'^Cx'",
            "control: ^Cancel",
            "to leave press ^C",
            "to leave press (^C",
            "^Z",
        ] {
            assert!(!echoes(other, INTERRUPT), "{other}");
        }
    }

    #[test]
    fn shells_tell_of_what_is_suspended_right_behind_the_key() {
        for echo in [
            "^Z",
            "^Z[1] + Stopped                    make",
            "^Zzsh: suspended  make",
            "^Z⏎",
            "^Z__TMUXAGENT_RESULT 01J 0",
            "12%^Z",
        ] {
            assert!(echoes(echo, SUSPEND), "{echo}");
        }
        for other in ["press ^Z to leave", "GNU nano ^Z suspend", "^Z [x]", "leave by ^Z", "^C"] {
            assert!(!echoes(other, SUSPEND), "{other}");
        }
    }
}
