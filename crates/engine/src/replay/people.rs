//! What people did while something was recorded, done again.

use super::{Answers, Decided, World};
use tmuxagent_model::{Approval, ApprovalState, Command, Decider, Event, PaneKey, RunControl, RunId, Timestamp};

impl World {
    /// Steers the run that the pipeline has in the pane now; in the replay it may have another number.
    pub(super) fn steer(
        &mut self,
        now: Timestamp,
        pane: &PaneKey,
        pipeline: &str,
        stage: Option<&str>,
        control: RunControl,
        by: &Decider,
    ) {
        let runs = self.engine.view().runs;
        let run: Option<RunId> =
            runs.into_iter().find(|run| run.pane == *pane && run.pipeline == pipeline).and_then(|run| run.run);
        let Some(run) = run else {
            let text = format!("there is no run of {pipeline} that {} steered then", by.who);
            return self.enter(now, "", None, Decided::Effect { text });
        };
        let command = Command::Control { run, stage: stage.map(str::to_owned), control };
        self.step(now, Event::Asked { command, by: by.clone() });
    }

    /// Decides the question that stands in the place of the one that was decided then.
    pub(super) fn decide_as_then(&mut self, now: Timestamp, then: &Approval) {
        let Some(decision) = then.decision.as_ref().filter(|_| self.setting.answers == Answers::AsDecided) else {
            return;
        };
        let approve = decision.verdict.approve;
        let same = |asked: &&Approval| {
            asked.state == ApprovalState::Pending
                && (&asked.pane, &asked.pipeline, &asked.stage) == (&then.pane, &then.pipeline, &then.stage)
        };
        let all = self.engine.view().approvals;
        let alike = all.iter().filter(same).find(|asked| asked.question == then.question);
        let Some(asked) = alike.or_else(|| all.iter().find(same)).cloned() else {
            let answer = if approve { "yes" } else { "no" };
            let text = format!("nothing asks what {} answered by {answer} then: {}", decision.by.who, then.question);
            return self.enter(now, &then.place, None, Decided::Effect { text });
        };
        let what = Decided::Answered { question: asked.question.clone(), approve };
        self.enter(now, &asked.place, asked.run, what);
        let command =
            Command::Decide { approval: asked.id, revision: asked.revision, verdict: decision.verdict.clone() };
        self.step(now, Event::Asked { command, by: decision.by.clone() });
    }
}
