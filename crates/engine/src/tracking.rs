//! Tracked commands: that they began, and what the marks of a pane's shell tell of them.
//!
//! **Invariant:** a stage's command has an end only by its own token or, where it was typed bare, by the number of the
//! command that the pane's trusted shell began with that very line. A command that no shell has begun within [`LATE`] is
//! asked about; it counts as begun whenever that is told, and never as done.

use super::readers::why_skipped;
use super::state::{IntentRow, Planned, Purpose};
use super::table::StageInput;
use super::text::plan_keys;
use super::turn::{At, Turn};
use serde::{Deserialize, Serialize};
use tmuxagent_lines::bare_command;
use tmuxagent_model::{
    ApprovalKind, Effect, HostName, Intent, IntentId, IntentState, Millis, Needs, PaneKey, Repeats, SendKeys, Shell,
    ShellText, SkipReason, StageState, TimerKey, Timestamp, shows_line,
};

/// A shell that reads its line begins it in an instant; so long it may take on a busy machine and a slow line, and a
/// millisecond more for each byte of it: some line editors take their time.
const LATE: Millis = Millis(10_000);
/// A command that is longer, in bytes, may still be on its way into the line editor when a prompt is seen.
const LONG: u64 = 1000;
/// What the tokens of a shell's own commands begin with; those of intents hold a hyphen and no dot.
const SHELLS: &str = "sh.";

/// Why it is asked.
const NOT_BEGUN: &str = "was typed, but no shell has begun it: another program, an open quote or an editor's mode took it, or C-s stops the output";

/// The same where its pane may not have been watched since; a reload counts for that, too.
const UNSEEN: &str = "was typed, and whether its shell has begun it is not known any more";

/// What the marks of a pane's own shell tell, where it has our integration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ShellMarks {
    /// It has none, or nothing is known of it.
    #[default]
    None,
    /// It reads a line.
    Prompt,
    /// It runs something.
    Running,
}

impl ShellMarks {
    /// Whether nothing is known.
    pub fn is_none(&self) -> bool {
        *self == Self::None
    }
}

/// A tracked command that was typed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Typed {
    /// Whose keys they were.
    pub id: IntentId,
    /// The line as it was typed, where its shell reports begin and end by itself.
    pub bare: Option<String>,
    /// The token of the command that this shell began with it.
    pub token: Option<String>,
    /// A shell has begun it.
    pub began: bool,
    /// When that was seen, where it was before its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub began_at: Option<Timestamp>,
    /// Its pane was not observed at some time since it was typed: its end may be read long after it came.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub away: bool,
    /// The same command as it was typed before, which nobody had seen begin: a person has let it be typed again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeats: Option<Repeats>,
    /// Its pane was not observed at some time since: it can have begun unseen.
    #[serde(default)]
    pub unseen: bool,
}

impl Turn<'_> {
    /// The command as it is typed where the pane's shell reports begin and end by itself, and is at its prompt.
    pub fn bare_line(&self, at: At, command: &ShellText) -> Option<String> {
        let row = self.pane_of(at).filter(|row| row.shell_marks == ShellMarks::Prompt)?;
        let shell = Shell::of(row.reader());
        bare_command(shell, command).filter(|_| row.is_at_shell()).map(str::to_owned)
    }

    /// The keys of a stage's command are out: it is to begin now.
    pub fn await_begin(&mut self, at: At) {
        if self.stage(at).and_then(|stage| stage.typed.as_ref()).is_some_and(Typed::is_to_begin) {
            let due = self.now + LATE + Millis(self.bytes_to_read(at));
            self.state.arm(TimerKey::Begin(at.run, self.stage_name(at)), due);
        }
    }

    /// How long the command is that a shell is to begin.
    fn bytes_to_read(&self, at: At) -> u64 {
        let typed = self.stage(at).and_then(|stage| stage.plan.get((stage.cursor as usize).checked_sub(1)?));
        match typed {
            Some(Planned::Run { command }) => u64::try_from(command.text.len()).unwrap_or(u64::MAX),
            _ => 0,
        }
    }

    /// Whether the shell of a command that is to begin may still be reading it: the prompt that is seen stands before it
    /// then, and only time tells.
    pub fn may_still_read(&self, at: At) -> bool {
        self.awaits_begin(at) && self.bytes_to_read(at) > LONG
    }

    /// The pane's own shell reports its commands by marks that are trusted, or does no more.
    pub fn shell_marks(&mut self, pane: &PaneKey, trusted: bool) {
        if let Some(row) = self.state.panes.get_mut(pane) {
            row.shell_marks = if trusted { ShellMarks::Prompt } else { ShellMarks::None };
        }
    }

    /// A command in a pane began.
    pub fn command_began(&mut self, pane: &PaneKey, token: Option<&str>, line: Option<&str>) {
        let Some(token) = token else { return };
        let Some(row) = self.state.panes.get_mut(pane) else { return };
        let of_shell = is_of_shell(token);
        row.at_shell = false;
        if of_shell {
            row.shell_marks = ShellMarks::Running;
        }
        for run in self.runs_at(pane) {
            let Some(at) = self.live_at(run, pane) else { continue };
            if self.begun_before(at, token, line) {
                return;
            }
            let Some(stage) = self.stage(at) else { continue };
            let Some(id) = stage.waiting.as_ref().or(stage.tracked.as_ref()).cloned() else { continue };
            let Some(typed) = stage.typed.as_ref().filter(|typed| typed.id == id) else { continue };
            let is = match &typed.bare {
                Some(bare) => of_shell && !typed.began && line.is_some_and(|line| shows_line(line, bare)),
                None => id.as_str() == token,
            };
            let first = !typed.began && typed.token.is_none();
            if is {
                self.begun(at, &id, of_shell.then(|| token.to_owned()));
                return;
            }
            if of_shell
                && first
                && let Some(typed) = self.stage_mut(at).and_then(|stage| stage.typed.as_mut())
                && typed.bare.is_none()
            {
                // The line that holds our own begin mark, if that comes.
                typed.token = Some(token.to_owned());
            }
        }
    }

    /// A stage's command began; `token` names it where that is not the intent itself.
    pub fn begun(&mut self, at: At, id: &IntentId, token: Option<String>) {
        let now = self.now;
        if let Some(typed) = self.stage_mut(at).and_then(|stage| stage.typed.as_mut()) {
            if !std::mem::replace(&mut typed.began, true) {
                typed.began_at = Some(now);
            }
            typed.token = token.or(typed.token.take());
        }
        self.state.disarm(&TimerKey::Begin(at.run, self.stage_name(at)));
        self.went_out(at);
        let Some(stage) = self.stage(at) else { return };
        if stage.waiting.as_ref() == Some(id) {
            // It can't have begun without having been typed: the outcome is only late.
            self.outcome(id, &tmuxagent_model::Outcome::Done);
        } else if stage.state == StageState::Asking {
            self.begun_late(at);
        }
    }

    /// What was typed first has begun, where it waits to be typed again or a person is asked about that: it is not typed
    /// again. Says whether it is so.
    pub fn begun_before(&mut self, at: At, token: &str, line: Option<&str>) -> bool {
        let Some(stage) = self.stage(at) else { return false };
        let (waiting, asks) = (stage.waiting.clone(), stage.state == StageState::Asking);
        let Some(typed) = stage.typed.as_ref().filter(|typed| !typed.began && (waiting.is_some() || asks)) else {
            return false;
        };
        let of_shell = is_of_shell(token);
        let Some(repeats) = &typed.repeats else { return false };
        let Some(id) = repeats.begun_by(Some(token), line.filter(|_| of_shell)).cloned() else { return false };
        let bare = repeats.line.clone().filter(|_| of_shell);
        if let Some(again) = &waiting {
            self.withdraw(again);
        }
        if let Some(stage) = self.stage_mut(at) {
            let token = of_shell.then(|| token.to_owned());
            stage.typed = Some(Typed { token, began: true, ..Typed::new(id.clone(), bare) });
            (stage.waiting, stage.tracked) = (None, Some(id.clone()));
        }
        if asks {
            self.begun_late(at);
        } else {
            self.action_done(at, &id);
        }
        true
    }

    /// A command that was asked about runs after all, for it was typed ahead: the question is over.
    fn begun_late(&mut self, at: At) {
        self.supersede_stage(at);
        if !self.shift(at, StageInput::Start) {
            return;
        }
        if let Some(timeout) = self.timeout_of(at) {
            let due = self.now + timeout;
            self.state.arm(TimerKey::StageTimeout(at.run, self.stage_name(at)), due);
        }
        let Some(stage) = self.stage_mut(at) else { return };
        let heard = std::mem::take(&mut stage.deferred);
        stage.cursor += 1;
        if stage.cursor as usize >= stage.plan.len() {
            self.advance(at);
        }
        self.count_deferred(at, &heard);
    }

    /// Whether a command's end is that of the stage's tracked command.
    pub fn is_of_stage(&self, at: At, token: &str) -> Option<IntentId> {
        let stage = self.stage(at)?;
        let id = stage.waiting.as_ref().or(stage.tracked.as_ref())?;
        let typed = stage.typed.as_ref().filter(|typed| typed.id == *id)?;
        let is = match typed.bare {
            Some(_) => typed.token.as_deref() == Some(token),
            None => id.as_str() == token,
        };
        is.then(|| id.clone())
    }

    /// The pane's shell is at its prompt again, or will be in an instant: it has told of the command's end, or begun the
    /// stage's command, which has told of it.
    pub fn shell_is_back(&mut self, pane: &PaneKey, at: Option<At>, token: Option<&str>) {
        let typed = at.and_then(|at| self.stage(at)).and_then(|stage| stage.typed.as_ref());
        let ours = typed.is_some_and(|typed| typed.token.is_some());
        if (at.is_some() || token.is_some_and(is_of_shell))
            && let Some(row) = self.state.panes.get_mut(pane)
        {
            row.at_shell = true;
        }
        // Where its marks are not believed, as when nobody has read one since a start, what is typed brings its own marks.
        if (ours || token.is_some_and(is_of_shell))
            && let Some(row) = self.state.panes.get_mut(pane).filter(|row| !row.shell_marks.is_none())
        {
            row.shell_marks = ShellMarks::Prompt;
        }
    }

    /// Whether the end of a command stands for itself: a shell told of it. The end mark of a tracked command counts too,
    /// unless the pane's shell will tell of the same command, or nobody here typed it.
    pub fn ends_by_itself(&self, pane: &PaneKey, token: Option<&str>, ours: bool) -> bool {
        let marks = self.state.panes.get(pane).map(|row| row.shell_marks);
        match token {
            None => true,
            Some(token) if is_of_shell(token) => true,
            Some(_) => ours && matches!(marks, None | Some(ShellMarks::None)),
        }
    }

    /// Whether a command is still to begin, and it would be seen.
    pub fn awaits_begin(&self, at: At) -> bool {
        self.stage(at).and_then(|stage| stage.typed.as_ref()).is_some_and(Typed::is_to_begin)
            && self.state.armed(&TimerKey::Begin(at.run, self.stage_name(at))).is_some()
    }

    /// The time in which a command was to begin is over, or its shell is at its prompt again.
    pub fn begin_due(&mut self, at: At) {
        let Some(stage) = self.stage(at) else { return };
        let (Some(id), Some(pane)) = (stage.tracked.clone(), self.stage_pane(at).cloned()) else {
            return;
        };
        let to_begin = stage.typed.as_ref().is_some_and(Typed::is_to_begin);
        if !to_begin || !matches!(stage.state, StageState::Starting | StageState::Running) {
            return;
        }
        if let Some(stage) = self.stage_mut(at) {
            stage.cursor = stage.cursor.saturating_sub(1);
        }
        self.ask_typed(at, (id, pane), NOT_BEGUN, false);
    }

    /// Asks whether the command at the cursor is to be typed again.
    fn ask_typed(&mut self, at: At, (id, pane): (IntentId, PaneKey), why: &str, untouched: bool) {
        let Some(stage) = self.stage(at) else { return };
        let (name, attempt, now) = (stage.name.clone(), stage.attempt, self.now);
        let action: Vec<Planned> = stage.plan.get(stage.cursor as usize).cloned().into_iter().collect();
        let send = SendKeys {
            pane,
            steps: plan_keys(&action),
            expect_command: None,
            expect_screen: None,
            needs: Needs::Shell,
            shells: Vec::new(),
        };
        let intent = Intent {
            id,
            effect: Effect::Send(send),
            run: Some(at.run),
            stage: Some(name.clone()),
            attempt,
            state: IntentState::Open,
            at: now,
            hold: None,
            until: None,
            repeats: None,
            unseen: false,
        };
        let purpose = Purpose::Plan { run: at.run, stage: name, attempt };
        self.ask_settle(Some(at), &IntentRow { intent, purpose, order: 0, withdrawn: false }, why, untouched);
    }

    /// Keys that are a command typed once more do not go where that has begun meanwhile, which who types sees first.
    pub fn mind_repeat(&mut self, at: At, id: &IntentId) {
        let typed = self.stage(at).and_then(|stage| stage.typed.as_ref()).filter(|typed| typed.id == *id);
        let Some(repeats) = typed.and_then(|typed| typed.repeats.clone()) else { return };
        if let Some(row) = self.state.intents.get_mut(id) {
            row.intent.repeats = Some(Box::new(repeats));
        }
    }

    /// What was typed into a pane can have begun unseen, and what its shell does is not known any more.
    pub fn forget_begins(&mut self, concerned: impl Fn(&PaneKey) -> bool) {
        let keys: Vec<PaneKey> =
            self.state.panes.iter().map(|(key, _)| key).filter(|key| concerned(key)).cloned().collect();
        for key in keys {
            let Some(row) = self.state.panes.get(&key) else { continue };
            if row.shell_marks != ShellMarks::None
                && let Some(row) = self.state.panes.get_mut(&key)
            {
                row.shell_marks = ShellMarks::None;
            }
            for run in self.runs_at(&key) {
                if let Some(at) = self.live_at(run, &key) {
                    self.forget_row(at);
                    self.ask_before_repeat(at);
                    self.state.disarm(&TimerKey::Begin(at.run, self.stage_name(at)));
                    if let Some(typed) = self.stage_mut(at).and_then(|stage| stage.typed.as_mut()) {
                        typed.away = true;
                    }
                    let typed = self.stage(at).and_then(|stage| stage.typed.as_ref());
                    if typed.is_some_and(Typed::is_to_begin) {
                        self.begun_unseen(at);
                    }
                }
            }
        }
    }

    /// A command that was typed can have begun unseen: who is asked about it is told so.
    fn begun_unseen(&mut self, at: At) {
        let Some(typed) = self.stage_mut(at).and_then(|stage| stage.typed.as_mut()) else { return };
        typed.unseen = true;
        let (id, again) = (typed.id.clone(), typed.repeats.as_mut());
        let again = again.is_some_and(|repeats| !std::mem::replace(&mut repeats.unseen, true));
        let Some(stage) = self.stage(at).filter(|stage| stage.state == StageState::Asking) else { return };
        let kind = stage.approval.as_ref().and_then(|id| self.pending(id)).map(|row| &row.approval.kind);
        let about = match kind {
            Some(ApprovalKind::Settle { intent, untouched }) if *intent == id && (again || !untouched) => *untouched,
            _ => return,
        };
        let Some(pane) = self.stage_pane(at).cloned() else { return };
        self.supersede_stage(at);
        let why = if about { why_skipped(&SkipReason::Begun) } else { UNSEEN.to_owned() };
        self.ask_typed(at, (id, pane), &why, about);
    }

    /// What was typed first may have run unseen: what still waits to be typed again is not typed any more, and asked about.
    fn ask_before_repeat(&mut self, at: At) {
        let stage = self.stage(at);
        let typed = stage.and_then(|stage| stage.typed.as_ref()).filter(|typed| typed.repeats.is_some());
        let waiting = stage.and_then(|stage| stage.waiting.clone());
        let Some(id) = waiting.filter(|id| typed.is_some_and(|typed| typed.id == *id)) else { return };
        let now = self.now;
        if let Some(row) = self.state.intents.get_mut(&id) {
            row.intent.until = Some(now);
        }
    }

    /// As [`Turn::forget_begins`], of a host.
    pub fn forget_begins_of(&mut self, host: &HostName) {
        self.forget_begins(|key| key.host == *host);
    }
}

impl Typed {
    /// Whether a shell is still to begin it, and that would be seen.
    const fn is_to_begin(&self) -> bool {
        !self.began && !self.unseen
    }

    /// A command that is typed again, since nobody has seen it begin.
    pub fn after(self, earlier: Option<Self>) -> Self {
        let repeats = earlier.filter(|earlier| !earlier.began).map(|earlier| {
            let mut repeats = earlier.repeats.unwrap_or_default();
            repeats.intents.push(earlier.id);
            repeats.line = earlier.bare.or(repeats.line);
            repeats.unseen |= earlier.unseen;
            repeats
        });
        Self { repeats, ..self }
    }

    /// A command whose keys are on their way.
    pub const fn new(id: IntentId, bare: Option<String>) -> Self {
        Self { id, bare, token: None, began: false, began_at: None, away: false, repeats: None, unseen: false }
    }
}

/// Whether a token names a command of a shell with trusted marks.
pub fn is_of_shell(token: &str) -> bool {
    token.starts_with(SHELLS)
}
