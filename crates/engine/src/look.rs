//! Whether the shell of a pane is at its prompt again, asked of the processes on its host.
//!
//! A shell that reports nothing (interrupted by C-c, a line that was only typed) is seen that way: the foreground process
//! group of the pane's terminal is that of an interactive shell, alone. Seen twice it counts, since a command line has
//! instants between its commands. Where processes can't be asked, nothing follows.

use super::progress::{Look, Own};
use super::state::{Planned, Purpose, StageRun};
use super::turn::{At, Turn};
use super::verdict::INTERRUPT;
use tmuxagent_model::{
    Effect, Front, IntentId, Millis, PaneKey, PollOutcome, PollSpec, ShellCall, ShellText, StageState, TimerKey,
};

/// When a command is first looked at; most report their end before.
const FIRST: Millis = Millis::from_secs(2);
/// What is seen once is looked at again after this.
const AGAIN: Millis = Millis(500);
/// The same behind an end that was told while another program has the terminal: the shell may only be about to take it back.
const TAKES_BACK: Millis = Millis(200);
/// So often; then it is a command that goes on.
const TRIES: u32 = 5;
/// How soon it is looked, when something says that it may be so.
pub const SOON: Millis = Millis(300);
/// The longest pause between two looks.
const LONGEST: Millis = Millis::from_secs(20);
/// Ages are told in whole seconds.
const AGE: Millis = Millis(1000);
/// The time limit of a look.
const LIMIT: Millis = Millis::from_secs(10);

/// Exit code 0 when an interactive shell alone is in front of the process's terminal, 75 when something else is. A shell with
/// a line editor of its own reads whole lines from the terminal only where a command of its own asks for one: `read`. Where it
/// edits a line it is at its prompt, whatever it has in the background; but the command FRONT has not ended there if it lives.
/// One without an editor (dash) asks for a buffer full at its prompt, and its `read` for one byte, as POSIX wants it; where
/// the system keeps its call to itself (`kernel.yama.ptrace_scope`), the two can't be told apart.
///
/// What has ended and was not asked for its code by its parent (a zombie) is no process any more: dash asks at its next command.
///
/// It prints what became of FRONT (where that is not known, whether the terminal has no process but the one in front), whether
/// anything is suspended in this terminal (what is in front is not: `fg` brings it there before it goes on), and how many
/// seconds ago the youngest of that began, and whether something else than a shell is in front.
const SCRIPT: &str = r#"tty=$(ps -o tty= -p PID | tr -d ' ')
case $({ stty -a < "/dev/$tty"; } 2>/dev/null) in *-icanon*) lines=edited ;; *icanon*) lines=whole ;; *) lines= ;; esac
front=$(ps -o tpgid= -p PID | tr -d ' ')
ps -A -o pid=,pgid=,tpgid=,stat=,etime=,args= 2>/dev/null | awk -v pane=PID -v own=FRONT -v lines="$lines" -v call="$(cat "/proc/$front/syscall" 2>/dev/null)" -v file="$(readlink "/proc/$front/exe" 2>/dev/null)" '
$4 ~ /^Z/ { next }
{ size[$2]++; sits[$2] = $3; if ($4 ~ /^T/) { still[$2] = $3; n = split($5, part, /[-:]/); age[$2] = part[n] + 60 * part[n - 1] + 3600 * part[n - 2] + 86400 * part[n - 3] } if ($1 == pane) { found = 1; front = $3 } if ($1 == $2) { line = ""; for (i = 6; i <= NF; i++) line = line " " $i; leader[$1] = line } }
END {
  if (!found) exit 1
  shell = front == pane || leader[front] ~ /^ -?([^ ]*\/)?(ba|z|fi|da|k|a)?sh( -[^ ]*)*$/
  edits = leader[front] ~ /^ -?([^ ]*\/)?(ba|z|fi)sh( |$)/ || file ~ /\/(ba|z|fi)sh$/
  stands = own && own != front && (own in still)
  lives = stands || own && own != pane && (own in leader)
  state = "ended"
  alone = "alone"; for (group in sits) if (sits[group] == front && group != front) alone = "unknown"
  if (!own) state = alone; else if (stands) state = "stopped"; else if (own == front && (own in size)) state = "front"; else if (lives) state = "lives"
  jobs = "none"
  for (group in still) if (still[group] == front && group != front && (jobs == "none" || age[group] < youngest)) { jobs = "jobs"; youngest = age[group] }
  print state, jobs, youngest, (shell ? "" : "job")
  split(call, word, " ")
  buffered = call == "" || word[1] ~ /^(0|63)$/ && word[2] == "0x0" && word[4] != "0x1"
  exit (shell && !lives && (edits || lines != "whole" || buffered) && (size[front] == 1 || edits && lines == "edited") && !(edits && lines == "whole")) ? 0 : 75
}'"#;

impl Turn<'_> {
    /// A running stage has a command of its own in its pane: its end is looked for where it is not told.
    pub fn watch_prompt(&mut self, at: At) {
        let ours = self.stage(at).is_some_and(|stage| stage.tracked.is_some() || stage.untracked);
        if self.options.looks && ours {
            self.arm_look(at, FIRST);
        }
    }

    /// Something says that the prompt may be back.
    pub fn look_soon(&mut self, at: At) {
        let between = self.runs_between(at);
        let Some(stage) = self.stage(at).filter(|stage| between || stage.state == StageState::Running) else { return };
        let runs = stage.tracked.is_some() || stage.untracked || stage.look.doubt.is_some();
        let wanted = runs && !stage.look.over && stage.look.intent.is_none();
        if self.options.looks && wanted {
            if let Some(stage) = self.stage_mut(at) {
                stage.look.count = 0;
            }
            self.arm_look(at, SOON);
        }
    }

    /// A shell has come to the foreground of a pane.
    pub fn shell_in_front(&mut self, pane: &PaneKey) {
        let runs = self.runs_at(pane);
        for run in runs {
            if let Some(at) = self.live_at(run, pane) {
                self.look_soon(at);
            }
        }
    }

    /// A program came to the front of a pane in which something was typed.
    pub fn foreground(&mut self, pane: &PaneKey, front: &Front, prompt: bool) {
        if prompt {
            self.prompt_seen(pane);
        }
        let runs = self.runs_at(pane);
        for run in runs {
            let Some(at) = self.live_at(run, pane) else { continue };
            let Some(stage) = self.stage(at).filter(|stage| stage.typed.is_some() || stage.untracked) else { continue };
            let next = stage.may_run_next(&front.name) && !self.echoed(at, INTERRUPT, usize::MAX);
            let Some(StageRun { look, .. }) = self.stage_mut(at) else { continue };
            if !prompt && look.suspended && look.front.as_ref().is_some_and(|own| own.is(front)) {
                // `fg`.
                self.goes_on(at);
            } else if prompt {
                look.back = look.front.is_some();
                self.look_soon(at);
            } else if !look.suspended && (look.front.is_none() || next) {
                look.front = Some(front.clone());
            } else {
                look.other = Some(front.clone());
            }
        }
    }

    /// What was seen says nothing yet.
    pub fn look_again(&mut self, at: At) {
        if let Some(stage) = self.stage_mut(at) {
            stage.look.once = false;
        }
        self.arm_look(at, FIRST);
    }

    fn arm_look(&mut self, at: At, pause: Millis) {
        let key = TimerKey::Look(at.run, self.stage_name(at));
        self.state.arm(key, self.now + pause);
    }

    /// It is time to look.
    pub fn look_due(&mut self, at: At) {
        let Some(stage) = self.stage(at).filter(|stage| !stage.look.over && stage.look.intent.is_none()) else {
            return;
        };
        let (stage, attempt) = (stage.name.clone(), stage.attempt);
        let Some(row) = self.pane_of(at) else { return };
        let front = self.stage(at).and_then(|stage| stage.look.front.as_ref()).map_or(0, |front| front.pid);
        let script = SCRIPT.replace("PID", &row.info.key.pid.to_string()).replace("FRONT", &front.to_string());
        let call = ShellCall {
            pane: row.info.key.clone(),
            script: ShellText { text: script, shown: "is the prompt back".to_owned(), ..ShellText::default() },
            folder: String::new(),
            timeout: LIMIT,
            again: false,
        };
        let purpose = Purpose::Look { run: at.run, stage, attempt };
        let id = self.emit(Effect::Poll(PollSpec::Command { call }), purpose);
        if let Some(stage) = self.stage_mut(at) {
            stage.look.intent = Some(id);
        }
    }

    /// What was seen.
    pub fn looked(&mut self, at: At, id: &IntentId, outcome: &PollOutcome) {
        let (now, asks, runs) = (self.now, self.asked_for_command(at).is_some(), self.runs_between(at));
        let asked = self.is_asked_of_suspended(at);
        let Some(stage) = self.stage_mut(at).filter(|stage| stage.look.intent.as_ref() == Some(id)) else { return };
        stage.look.intent = None;
        // What was asked for before a person was asked is no news.
        if !(runs || stage.state == StageState::Running) || stage.look.over {
            return;
        }
        let own = stage.look.tells(outcome, now.since(stage.started_at.unwrap_or(now)));
        if self.is_end_to_come(at, own, outcome) {
            self.not_back(at, asks);
            if self.stage(at).is_some_and(|stage| stage.look.count <= TRIES) {
                self.arm_look(at, TAKES_BACK);
            }
            return;
        }
        let Some(stage) = self.stage_mut(at) else { return };
        if let Some(exit) = stage.look.doubt {
            stage.look.over = matches!(outcome, PollOutcome::Failed { .. } | PollOutcome::Error { .. });
            return self.doubt_is_over(at, exit, own, is_in_front(outcome));
        }
        let waits = stage.look.suspended && stage.look.own == Own::Stopped;
        if own != Own::Unknown || waits {
            stage.look.own = own;
        }
        if own == Own::Stopped {
            // Whoever waits for it knows.
            return if waits { self.not_back(at, asks) } else { self.is_suspended(at) };
        }
        if own == Own::Lives && waits && asked {
            // `bg`, or a signal from elsewhere.
            return self.goes_on(at);
        }
        match outcome {
            PollOutcome::Met { .. } if stage.look.once => self.prompt_is_back(at),
            // It was seen, and somebody has begun something else by now; or goes on with what was suspended.
            PollOutcome::Met { .. } | PollOutcome::Pending { .. } if stage.look.back && own != Own::Lives => {
                self.prompt_is_back(at);
            }
            PollOutcome::Met { .. } => {
                stage.look.once = true;
                self.arm_look(at, AGAIN);
            }
            PollOutcome::Pending { .. } => self.not_back(at, asks),
            PollOutcome::Failed { .. } | PollOutcome::Error { .. } => self.can_not_look(at),
        }
    }

    /// Something else is in front, or the command is not over; `asks`: it waits for a person.
    fn not_back(&mut self, at: At, asks: bool) {
        let Some(stage) = self.stage_mut(at) else { return };
        stage.look.once = false;
        stage.look.count = stage.look.count.saturating_add(1);
        let pause = FIRST.0.saturating_mul(1 << stage.look.count.min(10)).min(LONGEST.0);
        // Once a person is asked, or something is tried, time leads on. What the command itself asks holds up nothing
        // that the author wants done.
        let overdue = stage
            .stop
            .as_ref()
            .is_some_and(|stop| !stop.begun && (stage.approval.is_none() || asks && !stop.steps.is_empty()));
        self.arm_look(at, Millis(pause));
        if overdue {
            self.stop_next(at);
        }
    }

    /// What the shell told may be what it tells of a suspended command: the processes say which it is.
    pub fn look_for_suspended(&mut self, at: At, exit: i32, pause: Millis) {
        self.forget_look(at);
        let Some(stage) = self.stage_mut(at) else { return };
        (stage.look.suspended, stage.look.once, stage.look.doubt) = (true, false, Some(exit));
        self.arm_look(at, pause);
    }

    /// A look that is on its way was taken before what is known now: it tells nothing.
    pub fn forget_look(&mut self, at: At) {
        if let Some(id) = self.stage_mut(at).and_then(|stage| stage.look.intent.take()) {
            self.withdraw(&id);
        }
    }

    /// Nobody can tell there: what was said counts as it did before anybody looked, and time decides the rest.
    fn can_not_look(&mut self, at: At) {
        let Some(stage) = self.stage_mut(at) else { return };
        stage.look.over = true;
        let (tracked, said) = (stage.tracked.is_some() || stage.look.may_live(), stage.said.clone());
        let overdue = stage.stop.as_ref().is_some_and(|stop| !stop.begun);
        match said.filter(|_| !tracked) {
            Some(said) if said.ok => self.succeed(at, said.cause),
            Some(said) => self.attempt_failed(at, said.cause),
            None if overdue => self.stop_next(at),
            None => {}
        }
    }
}

impl Look {
    /// What an answer says of the command, which began so long ago. Where it was suspended, whatever is suspended there and
    /// began since is of it: a list goes on behind a part that C-z has stopped. Where ages are not told, it may be so if the
    /// command's program is not known, or another one came behind it.
    fn tells(&self, outcome: &PollOutcome, ago: Millis) -> Own {
        let (PollOutcome::Met { detail } | PollOutcome::Pending { detail }) = outcome else { return Own::Unknown };
        let is = |word: &str| detail.split_whitespace().any(|told| told == word);
        let lives = is("lives") || is("front");
        let youngest = detail.split_whitespace().nth(2).and_then(|age| age.parse::<u64>().ok()).map(Millis::from_secs);
        let unsure = self.front.is_none() || self.other.is_some();
        let part = youngest.map_or(unsure, |age| age.0 <= ago.0.saturating_add(AGE.0));
        if is("stopped") || is("jobs") && self.suspended && part && !lives {
            Own::Stopped
        } else if lives {
            Own::Lives
        } else if is("ended") || is("alone") && self.suspended && matches!(outcome, PollOutcome::Met { .. }) {
            // What came to the front unseen is over as well, once its terminal has nothing but a shell at its prompt.
            Own::Ended
        } else {
            Own::Unknown
        }
    }
}

/// Whether something else than a shell has the terminal.
pub fn has_job_in_front(outcome: &PollOutcome) -> bool {
    matches!(outcome, PollOutcome::Pending { detail } if detail.split_whitespace().any(|word| word == "job"))
}

/// Whether the command's program has the terminal, where what is suspended and what runs behind the shell have not.
fn is_in_front(outcome: &PollOutcome) -> bool {
    matches!(outcome, PollOutcome::Pending { detail } if detail.split_whitespace().next() == Some("front"))
}

impl StageRun {
    /// Whether what it typed last may run that program behind another one, as far as its text tells.
    fn may_run_next(&self, program: &str) -> bool {
        const SIGNS: [char; 10] = [';', '&', '|', '\n', '(', ')', '{', '}', '`', '!'];
        // The system cuts names; some programs put their arguments into them.
        let program = program.split_whitespace().next().unwrap_or_default();
        let is = |word: &str| word == program || program.len() == 15 && word.starts_with(program);
        let is_of_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '+');
        let named = |text: &str| !program.is_empty() && text.split(|c| !is_of_name(c)).any(is);
        match self.plan.get((self.cursor as usize).saturating_sub(usize::from(self.waiting.is_none()))) {
            Some(Planned::Run { command }) => command.text.contains(SIGNS) && named(&command.text),
            // Keys of which nobody knows what a shell makes of them.
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_suspended_has_not_ended() {
        let met = |detail: &str| PollOutcome::Met { detail: detail.to_owned() };
        let front = |pid| Some(Front { pid, born: 1, name: "make".to_owned() });
        let plain = Look { front: front(9), ..Look::new() };
        let suspended = Look { suspended: true, ..plain.clone() };
        let unseen = Look { suspended: true, ..Look::new() };
        let behind = Look { other: front(10), ..suspended.clone() };
        let ago = Millis::from_secs(5);
        for (look, said, own) in [
            (&plain, "stopped jobs", Own::Stopped),
            (&plain, "ended jobs", Own::Ended),
            (&plain, "lives none", Own::Lives),
            (&plain, "front none", Own::Lives),
            (&suspended, "front jobs 4", Own::Lives),
            (&plain, "", Own::Unknown),
            (&suspended, "ended jobs", Own::Ended),
            (&unseen, "unknown jobs", Own::Stopped),
            (&unseen, "unknown none", Own::Unknown),
            (&behind, "ended jobs", Own::Stopped),
            (&behind, "ended none", Own::Ended),
            (&behind, "lives jobs", Own::Lives),
            // A part of the list that the known program stood in; and what somebody had suspended before.
            (&suspended, "ended jobs 4", Own::Stopped),
            (&suspended, "ended jobs 60", Own::Ended),
            (&unseen, "unknown jobs 60", Own::Unknown),
            (&behind, "ended jobs 60", Own::Ended),
            (&plain, "ended jobs 4", Own::Ended),
            // Nobody saw the program; nothing is left in its terminal.
            (&unseen, "alone none", Own::Ended),
            (&Look::new(), "alone none", Own::Unknown),
        ] {
            assert_eq!(look.tells(&met(said), ago), own, "{said}");
        }
        let pending = PollOutcome::Pending { detail: "alone none".to_owned() };
        assert_eq!(unseen.tells(&pending, ago), Own::Unknown, "the shell itself may run a list");
        assert_eq!(plain.tells(&PollOutcome::Failed { detail: "stopped".to_owned() }, ago), Own::Unknown);
        assert!(suspended.may_live() && !Look { own: Own::Ended, ..suspended }.may_live() && !plain.may_live());
    }
}
