//! Which of a pane's output is that of a stage's attempt: from its first keys to the end of its last command. Others print there
//! before, behind and between: another run in the same pane, a person, the shell's prompt.

use super::state::{Planned, StageRun};
use super::turn::{At, Turn};
use tmuxagent_model::{ApprovalKind, Timestamp};

impl StageRun {
    /// From when to when its attempt printed; `None` where nothing of it was typed.
    pub fn prints(&self) -> Option<(Timestamp, Option<Timestamp>)> {
        self.typed_at.map(|from| (from, self.silent_from))
    }

    /// The last of what it types.
    fn last_typed(&self) -> Option<&Planned> {
        self.plan.iter().rev().find(|planned| planned.is_typed())
    }
}

impl Turn<'_> {
    /// Something that the attempt types has gone out: what the pane prints from now on is its output.
    pub fn went_out(&mut self, at: At) {
        // What it prints and what that decides may be told within one millisecond: its lines count as older than that then.
        let from = Timestamp(self.now.0 - 1);
        let Some(stage) = self.stage_mut(at) else { return };
        stage.typed_at = stage.typed_at.or(Some(from));
        stage.silent_from = None;
    }

    /// Whether the command of a running stage has ended, so that a line of its pane is somebody else's: no verdict comes from it,
    /// and what a person is asked stays asked. He may let lines count again (`wait`), and a program that goes on is heard again.
    pub fn prints_no_more(&self, at: At) -> bool {
        let Some(stage) = self.stage(at) else { return false };
        let last = stage.last_typed();
        let asked = stage.approval.as_ref().and_then(|id| self.pending(id));
        let unclear = asked.is_some_and(|row| row.approval.kind == ApprovalKind::Unclear);
        let of_agent = matches!(last, Some(Planned::Prompt { .. }));
        let command = matches!(last, Some(Planned::Run { .. })) && stage.exit.is_some() && stage.tracked.is_none();
        let over = command && !stage.look.may_live() && !stage.waits_on;
        over || unclear && !of_agent || stage.look.doubt.is_some()
    }
}
