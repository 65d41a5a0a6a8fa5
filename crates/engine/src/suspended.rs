//! Commands that a person stopped with C-z, or that were stopped from elsewhere: they have not ended, whatever a shell tells.
//! Nor have those whose program is still in front, whoever has told their end.
//!
//! **Invariant:** nothing is typed beside what is stopped, and no code counts before the processes were looked at, where somebody
//! had the time to stop one.

use super::gate::{CONTINUE, WAIT};
use super::look::{SOON, has_job_in_front};
use super::progress::Own;
use super::tracking::{ShellMarks, Typed};
use super::turn::{At, Turn};
use super::verdict::{BY_SIGTSTP, LAST, LONG, SUSPEND, runs_beside};
use tmuxagent_model::{Millis, Note, PollOutcome, Severity, Shell, StageState, TimerKey};

impl Turn<'_> {
    /// Whether a person had the time to press C-z since the attempt's command began.
    fn ran_long(&self, at: At) -> bool {
        let stage = self.stage(at);
        let typed = stage.and_then(|stage| stage.typed.as_ref());
        // One that ended while nobody watched may have taken no time.
        if typed.is_some_and(|typed| typed.away) {
            return false;
        }
        let seen = typed.and_then(|typed| typed.began_at);
        let began = seen.or_else(|| stage.and_then(|stage| stage.started_at));
        began.is_some_and(|began| self.now.since(began) >= LONG)
    }

    /// The same where C-z leaves no sign: a program that owns the screen, a terminal that shows nothing, a signal from elsewhere. And
    /// who tells the end may not be the shell: the command's program was seen in front, and can have printed anything. Says
    /// whether that is still to be seen.
    pub fn may_have_been_suspended(&mut self, at: At, exit: i32) -> bool {
        let open = self.stage(at).is_some_and(|stage| !stage.look.over && stage.look.own != Own::Ended);
        let seen = self.stage(at).is_some_and(|stage| stage.look.front.is_some() && !stage.look.back);
        let looks = open && self.options.looks && (seen || self.ran_long(at));
        if looks {
            self.look_for_suspended(at, exit, Millis(0));
        }
        looks
    }

    /// Whether the stage's command brings the report of its end itself, where its shell has no marks of its own.
    fn is_told_by_typed_line(&self, at: At) -> bool {
        self.stage(at).and_then(|stage| stage.typed.as_ref()).is_some_and(|typed| typed.bare.is_none())
    }

    /// Whether the end that was told is still to come: another program has the terminal, though nobody has typed anything since,
    /// and what stands behind a command in a typed line can be read and printed by any program of it.
    pub fn is_end_to_come(&self, at: At, own: Own, outcome: &PollOutcome) -> bool {
        let told = self.stage(at).is_some_and(|stage| stage.look.doubt.is_some());
        let ours = self.pane_of(at).is_some_and(|row| row.typed_by.is_none_or(|run| run == at.run));
        let busy = has_job_in_front(outcome) && matches!(own, Own::Unknown | Own::Ended);
        told && ours && busy && self.is_told_by_typed_line(at)
    }

    /// The end of a stage's command is told once more before anybody knows whether it is one. Says whether it is that.
    pub fn is_told_again(&mut self, at: At, token: &str, exit: i32) -> bool {
        let is = |typed: &Typed| typed.bare.is_none() && typed.id.as_str() == token;
        let Some(stage) = self.stage_mut(at).filter(|stage| stage.typed.as_ref().is_some_and(is)) else { return false };
        let Some(first) = stage.look.doubt else { return false };
        if first != exit {
            stage.look.other_code = Some(exit);
        }
        true
    }

    /// A command is told to have ended, and C-z was shown. fish tells 0 of a suspended one, and bash goes on with the list in
    /// which a part was stopped: the code is that of the last one. Anything can print the sign, so the processes say which it is.
    /// Says whether it is not over, or that is still to be seen.
    pub fn may_be_suspended(&mut self, at: At, exit: i32) -> bool {
        let Some(stage) = self.stage(at) else { return false };
        let looks = self.options.looks && !stage.look.over;
        if stage.look.own == Own::Ended {
            return false;
        }
        if !self.echoed(at, SUSPEND, usize::MAX) {
            return false;
        }
        if looks {
            self.look_for_suspended(at, exit, SOON);
            return true;
        }
        let last = exit == 0 && self.echoed(at, SUSPEND, LAST);
        let fish = last && self.pane_of(at).is_some_and(|row| Shell::of(row.reader()) == Shell::Fish);
        if fish {
            self.is_suspended(at);
        }
        fish
    }

    /// What was looked at tells whether the command whose shell told this code is suspended, or has the terminal (`in_front`):
    /// then no shell has told it.
    pub fn doubt_is_over(&mut self, at: At, exit: i32, own: Own, in_front: bool) {
        let between = self.stage(at).is_some_and(|stage| stage.state == StageState::Starting);
        // `fg` may have brought back what was suspended.
        let suspended = BY_SIGTSTP.contains(&exit) || self.echoed(at, SUSPEND, usize::MAX);
        if in_front && !suspended {
            return self.is_no_end(at, exit);
        }
        if matches!(own, Own::Stopped | Own::Lives) {
            return self.is_suspended(at);
        }
        let Some(stage) = self.stage_mut(at) else { return };
        (stage.look.suspended, stage.look.doubt) = (false, None);
        // Where nobody can look, the shell decides.
        if !stage.look.over {
            stage.look.own = Own::Ended;
        }
        if let Some(other) = stage.look.other_code.take() {
            let name = self.stage_name(at);
            let question = format!(
                "The command of stage {name} was told to have ended with exit code {exit} and with {other}; its program printed one of them itself. Has it succeeded?"
            );
            return self.ask_unclear(at, question);
        }
        if between {
            return self.action_ended(at, exit);
        }
        let cause = self.cause_of_exit(at, exit);
        self.exited(at, exit, cause);
    }

    /// An end was told while the command's program is in front, which has printed that itself: the end is still to come.
    fn is_no_end(&mut self, at: At, exit: i32) {
        let pane = self.stage_pane(at).cloned();
        let Some(stage) = self.stage_mut(at) else { return };
        (stage.look.suspended, stage.look.doubt, stage.look.own) = (false, None, Own::Lives);
        stage.look.other_code = None;
        (stage.exit, stage.silent_from) = (None, None);
        stage.tracked = stage.typed.as_ref().map(|typed| typed.id.clone());
        let (name, bare) = (stage.name.clone(), stage.typed.as_ref().is_some_and(|typed| typed.token.is_some()));
        if let Some(row) = pane.and_then(|pane| self.state.panes.get_mut(&pane)) {
            (row.at_shell, row.typed_by) = (false, Some(at.run));
            if bare && row.shell_marks == ShellMarks::Prompt {
                row.shell_marks = ShellMarks::Running;
            }
        }
        let text = format!(
            "exit code {exit} was printed while the command of stage {name} was still in front: that is not its end"
        );
        self.note_run(Severity::Warning, at.run, Note::Text { text });
        self.watch_prompt(at);
    }

    /// A person pressed C-z: the command has not ended, and `fg` goes on with it. Another one beside it is nothing that
    /// somebody asked for, so that it can't be begun anew before its end ([`runs_beside`]).
    pub fn is_suspended(&mut self, at: At) {
        self.forget_look(at);
        if let Some(stage) = self.stage_mut(at) {
            let look = &mut stage.look;
            (look.suspended, look.own, look.doubt) = (true, Own::Stopped, None);
            (look.over, look.once, look.back) = (true, false, false);
        }
        if !self.is_asked_of_suspended(at) {
            let name = self.stage_name(at);
            let question = format!(
                "The command of stage {name} was suspended by C-z and has not ended; `fg` goes on with it. Has it succeeded?"
            );
            self.ask_with(at, question, &[CONTINUE, WAIT]);
        }
        // What the question says is looked at as long as it is open.
        if self.options.looks {
            if let Some(stage) = self.stage_mut(at) {
                (stage.look.over, stage.look.count) = (false, 0);
            }
            self.look_again(at);
        }
    }

    /// What was suspended goes on: the question about it is none any more, and its end is news.
    pub fn goes_on(&mut self, at: At) {
        self.forget_look(at);
        if let Some(stage) = self.stage_mut(at) {
            stage.look.own = Own::Lives;
        }
        if self.is_asked_of_suspended(at) {
            self.supersede_stage(at);
        }
        self.await_suspended(at);
    }

    /// A command was suspended, and its shell is at its prompt; nothing tells whether it has ended since.
    pub fn ask_of_suspended(&mut self, at: At) {
        let name = self.stage_name(at);
        let question = format!(
            "The command of stage {name} was suspended by C-z, and nobody saw whether it has ended since. Has it succeeded?"
        );
        self.ask_with(at, question, &[CONTINUE, WAIT]);
    }

    /// Whether a person is asked about a command that is, or was, suspended.
    pub fn is_asked_of_suspended(&self, at: At) -> bool {
        let asked = self.stage(at).and_then(|stage| stage.approval.as_ref()).and_then(|id| self.pending(id));
        asked.is_some_and(|row| runs_beside(&row.approval))
    }

    /// Somebody means to wait on, and of a suspended command to go on with it: its end is looked for, since no shell will tell it.
    pub fn await_suspended(&mut self, at: At) {
        let Some(stage) = self.stage_mut(at) else { return };
        if stage.look.suspended {
            (stage.look.over, stage.look.once, stage.look.back, stage.untracked) = (false, false, false, true);
            // What it prints from now on is its output again.
            stage.silent_from = None;
        }
        if let Some(limit) = self.timeout_of(at) {
            self.state.arm(TimerKey::StageTimeout(at.run, self.stage_name(at)), self.now + limit);
        }
        self.watch_prompt(at);
    }
}
