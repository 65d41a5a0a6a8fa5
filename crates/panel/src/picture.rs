//! What is shown, as documents: the supervisor's picture, told in the reader's language. Pure.
//!
//! A state stands twice: as a word of the interface, which never changes, and (`…_text`) in the reader's language.

use serde_json::{Value, json};
use tmuxagent_alerts::message::Ask;
use tmuxagent_alerts::web::page::{lines_of_steps, typed};
use tmuxagent_model::{Approval, ApprovalState, InputView, PaneKey, PaneView, RunView, Snapshot, StageView, Timestamp};
use tmuxagent_text::redact::Redactor;
use tmuxagent_text::{
    Lang, agent_state, approval_state, host_state, message, pane_doing, part, question, run_state, run_took,
    stage_detail, stage_doing, trouble, via,
};

/// One look at the picture.
pub(crate) struct Picture<'s> {
    pub(crate) snapshot: &'s Snapshot,
    /// When it is told.
    pub(crate) at: Timestamp,
    pub(crate) lang: Lang,
    pub(crate) redactor: &'s Redactor,
}

/// How a pane is called in addresses: `local:3`, without the `%` that an address would have to escape.
#[must_use]
pub(crate) fn pane_id(key: &PaneKey) -> String {
    format!("{}:{}", key.host, key.pane.0)
}

/// The pane of that name, which may be written as tmux does, too.
#[must_use]
pub(crate) fn pane_of<'s>(snapshot: &'s Snapshot, id: &str) -> Option<&'s PaneView> {
    let wanted = id.replace('%', "");
    snapshot.panes.iter().find(|pane| pane_id(&pane.info.key) == wanted)
}

/// Names a picture: the same name is the same picture, also over a new start of the supervisor.
#[must_use]
pub(crate) fn state_id(snapshot: &Snapshot) -> String {
    format!("{}-{}", snapshot.pid, snapshot.generation)
}

/// A value that is given at the start.
fn input(input: &InputView) -> Value {
    json!({ "name": input.name, "default": input.default, "choices": input.choices, "number": input.number })
}

impl Picture<'_> {
    fn document(&self, mut fields: Value) -> Value {
        fields["state"] = state_id(self.snapshot).into();
        fields["at"] = json!(self.at);
        fields
    }

    /// What needs somebody, what runs, what failed, and what of the supervisor itself is not well.
    pub(crate) fn overview(&self) -> Value {
        let snapshot = self.snapshot;
        let needs: Vec<Value> = self.open().map(|approval| self.asked(approval)).collect();
        let live = |stage: &&StageView| stage.state.is_live();
        // What only waits for an answer stands among what needs somebody.
        let running = snapshot.runs.iter().filter(|run| run.goes_on() && !run.only_asks());
        let running: Vec<Value> = running.map(|run| self.brief(run, live)).collect();
        let failed = snapshot.runs.iter().filter(|run| run.has_failed());
        let failed: Vec<Value> = failed.map(|run| self.brief(run, |stage| stage.ended_badly())).collect();
        let hosts = snapshot.hosts.iter().map(|host| {
            json!({
                "name": host.name, "state": host.state, "state_text": host_state(self.lang, host.state),
                "detail": message(self.lang, &host.detail),
            })
        });
        let problems = snapshot.problems.iter().map(|problem| {
            json!({
                "part": part(self.lang, &problem.part), "text": trouble(self.lang, &problem.text), "since": problem.since,
            })
        });
        self.document(json!({
            "version": snapshot.version,
            "frozen": snapshot.frozen.as_ref().map(|freeze| json!({ "since": freeze.since, "by": freeze.by })),
            "counts": {
                "panes": snapshot.panes.len(), "approvals": needs.len(), "running": running.len(),
                "failed": failed.len(), "held": snapshot.held.len(),
            },
            "needs_you": needs, "running": running, "failed": failed,
            "hosts": hosts.collect::<Vec<_>>(), "problems": problems.collect::<Vec<_>>(),
        }))
    }

    fn open(&self) -> impl Iterator<Item = &Approval> {
        self.snapshot.approvals.iter().filter(|approval| approval.state == ApprovalState::Pending)
    }

    /// An open approval in a line.
    fn asked(&self, approval: &Approval) -> Value {
        json!({
            "id": approval.id, "revision": approval.revision, "question": question(self.lang, approval),
            "place": approval.told_place(), "pipeline": approval.pipeline, "stage": approval.stage,
            "asked_at": approval.asked_at, "expires_at": approval.expires_at, "approvers": approval.approvers,
        })
    }

    /// A run in a line, with the stage that tells most of it.
    fn brief(&self, run: &RunView, wanted: impl FnMut(&&StageView) -> bool) -> Value {
        let stage = run.stages.iter().find(wanted);
        json!({
            "run": run.run.map(|run| run.0), "pipeline": run.pipeline, "place": run.told_place(),
            "pane": pane_id(&run.pane),
            "stage": stage.map(|stage| &stage.name),
            "stage_state_text": stage.map(|stage| stage_doing(self.lang, stage)),
            "detail": stage.map(|stage| stage_detail(self.lang, stage, self.at, None)),
            "started_at": run.started_at, "ended_at": run.ended_at,
        })
    }

    /// The pipelines on panes, or those of one name; `None` where there is none of it.
    pub(crate) fn pipelines(&self, name: Option<&str>) -> Option<Value> {
        let named = |run: &&RunView| name.is_none_or(|name| run.pipeline == name);
        let found: Vec<Value> = self.snapshot.runs.iter().filter(named).map(|run| self.pipeline(run)).collect();
        (name.is_none() || !found.is_empty()).then(|| self.document(json!({ "pipelines": found })))
    }

    fn pipeline(&self, run: &RunView) -> Value {
        json!({
            "pipeline": run.pipeline, "run": run.run.map(|run| run.0), "pane": pane_id(&run.pane),
            "place": run.told_place(), "state": run.state, "state_text": run_state(self.lang, run.state),
            "started_at": run.started_at, "ended_at": run.ended_at,
            "took_text": run_took(self.lang, run, &self.snapshot.approvals, self.at),
            "last_line": run.last_line,
            "stages": run.stages.iter().map(|stage| self.stage(stage)).collect::<Vec<_>>(),
            "inputs": run.inputs.iter().map(input).collect::<Vec<_>>(),
        })
    }

    fn stage(&self, stage: &StageView) -> Value {
        json!({
            "name": stage.name, "state": stage.state, "asks": stage.asks, "state_text": stage_doing(self.lang, stage),
            "attempt": stage.attempt, "max_attempts": stage.max_attempts, "round": stage.round, "rounds": stage.rounds,
            "started_at": stage.started_at, "ended_at": stage.ended_at, "due_at": stage.due_at,
            "detail": stage_detail(self.lang, stage, self.at, None), "pane": stage.pane.as_ref().map(pane_id),
        })
    }

    /// The open approvals, then the last decided ones, whole.
    pub(crate) fn approvals(&self, zone: &jiff::tz::TimeZone) -> Value {
        let all = self.snapshot.approvals.iter().map(|approval| self.approval(approval, zone));
        self.document(json!({ "approvals": all.collect::<Vec<_>>() }))
    }

    fn approval(&self, approval: &Approval, zone: &jiff::tz::TimeZone) -> Value {
        let ask = Ask::of(approval, None, self.lang, zone, self.redactor);
        let decision = approval.decision.as_ref().map(|decision| {
            json!({
                "approve": decision.verdict.approve, "answer": decision.verdict.answer, "who": decision.by.who,
                "via": decision.by.via, "via_text": via(self.lang, decision.by.via), "at": decision.at,
            })
        });
        json!({
            "id": approval.id, "revision": approval.revision, "code": ask.code, "state": approval.state,
            "state_text": approval_state(self.lang, approval.state), "reason_text": ask.reason,
            "place": ask.place, "pane": pane_id(&approval.pane), "folder": ask.folder, "pipeline": approval.pipeline,
            "stage": approval.stage, "attempt": approval.attempt, "question": ask.question,
            "types": typed(self.lang, approval), "types_no": lines_of_steps(&approval.effect_no), "evidence": approval.evidence,
            "options": approval.options, "option_texts": ask.options,
            "confirm": ask.confirm, "takes_text": ask.takes_text, "takes_plain_yes": approval.takes_plain_yes(),
            "takes_plain_no": approval.takes_plain_no(),
            "approvers": ask.approvers, "asked_at": approval.asked_at, "expires_at": approval.expires_at,
            "closed_at": approval.closed_at, "decision": decision, "undo_until": approval.undo_until.filter(|until| *until > self.at),
        })
    }

    /// The watched panes, in the order of the inventory.
    pub(crate) fn panes(&self) -> Value {
        self.document(json!({ "panes": self.snapshot.panes.iter().map(|pane| self.pane(pane)).collect::<Vec<_>>() }))
    }

    fn pane(&self, pane: &PaneView) -> Value {
        let agent = pane.agent.as_ref().map(|agent| {
            json!({ "name": agent.agent, "state_text": agent_state(self.lang, &agent.state), "since": agent.since })
        });
        let facts = &pane.info.facts;
        json!({
            "id": pane_id(&pane.info.key), "place": pane.info.told_place(), "session": facts.session,
            "window": facts.window, "program": facts.command, "folder": facts.path, "state": pane.state,
            "state_text": pane_doing(self.lang, pane), "last_output": pane.last_output,
            "last_line": pane.last_line, "pipelines": pane.pipelines, "agent": agent,
        })
    }
}
