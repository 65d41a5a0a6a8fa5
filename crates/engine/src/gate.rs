//! Questions to the human: asked, repeated, expired, superseded. The decision itself is in [`super::decide`].
//!
//! **Invariants:** a question about a stage is superseded as soon as the stage moves on without it, so that a pending
//! one always fits; its expiry never does what a yes does.

use super::dialog::Dialog;
use super::expiry::OnExpiry;
use super::front::for_anybody;
use super::progress::Cause;
use super::state::{Again, ApprovalRow, IntentRow, Purpose};
use super::table::StageInput;
use super::text::{in_brief, intent_in_words, plan_keys};
use super::turn::{At, Turn};
use crate::lifecycle::{self, Input};
use std::sync::Arc;
use tmuxagent_model::{
    Alert, AlertKind, Approval, ApprovalId, ApprovalKind, ApprovalState, Effect, Front, KeyStep, Millis, Note, PaneKey,
    Severity, StageState, TimerKey, Urgency,
};
use tmuxagent_policy::{FailStep, Gate, Pipeline, Stage};

/// How long a question stays open that no stage waits for.
const LOOSE: Millis = Millis::from_secs(24 * 3600);

/// The code of a question that nobody answered in time.
const EXPIRED: &str = "APPROVAL_EXPIRED";

/// The answers to a `Settle` question.
pub const AGAIN: &str = "again";
/// The human did it himself.
pub const DONE: &str = "done";
/// The answers to a `Gap` question.
pub const CONTINUE: &str = "continue";
/// Begin the stage anew.
pub const RERUN: &str = "rerun";
/// Go on watching.
pub const WAIT: &str = "wait";

/// A question to be asked.
pub struct Ask {
    /// Why.
    pub kind: ApprovalKind,
    /// One line.
    pub question: String,
    /// What a yes types.
    pub effect: Vec<KeyStep>,
    /// The same in words.
    pub effect_text: String,
    /// What a no types.
    pub effect_no: Vec<KeyStep>,
    /// What each of the options types.
    pub option_effects: Vec<Vec<KeyStep>>,
    /// The answers to choose from.
    pub options: Vec<String>,
    /// The attempt it belongs to.
    pub attempt: u32,
    /// How long it stays open.
    pub expires: Option<Millis>,
    /// What its expiry does.
    pub on_expiry: OnExpiry,
    /// The time between reminders.
    pub remind_every: Option<Millis>,
    /// What is tried again.
    pub again: Option<Again>,
    /// The program that is answered.
    pub program: Option<String>,
    /// The same, by its process.
    pub asker: Option<Front>,
    /// What it shows while it waits: [`PaneReader::question`](tmuxagent_model::PaneReader::question).
    pub fingerprint: Option<String>,
    /// What the policy has typed for an answer.
    pub answers: Vec<(String, Vec<KeyStep>)>,
    /// The lines that lead to it; those of the pane where none are given.
    pub evidence: Option<Vec<String>>,
    /// The dialog that is answered.
    pub dialog: Option<Dialog>,
    /// The word without which a yes is none.
    pub confirm: Option<String>,
    /// Who may decide; empty: everybody.
    pub approvers: Vec<String>,
}

impl Default for Ask {
    fn default() -> Self {
        Self {
            kind: ApprovalKind::Gate,
            question: String::new(),
            effect: Vec::new(),
            effect_text: String::new(),
            effect_no: Vec::new(),
            option_effects: Vec::new(),
            options: Vec::new(),
            attempt: 0,
            expires: None,
            on_expiry: OnExpiry::Keep,
            remind_every: None,
            again: None,
            program: None,
            asker: None,
            fingerprint: None,
            answers: Vec::new(),
            evidence: None,
            dialog: None,
            confirm: None,
            approvers: Vec::new(),
        }
    }
}

impl Turn<'_> {
    /// A stage with a gate was triggered.
    pub fn ask_gate(&mut self, at: At) {
        let policy = Arc::clone(&self.policy);
        let Some((pipeline, rule)) = self.rule(&policy, at) else { return };
        let none = Gate::default();
        let gate = rule.gate.as_ref().unwrap_or(&none);
        let attempt = self.stage(at).map_or(1, |stage| stage.attempt + 1);
        if !self.is_placed_to_ask(at) || !self.shift(at, StageInput::Gate) {
            return;
        }
        let plan = match self.plan(at, rule, &rule.actions_on_start, attempt) {
            Ok(plan) => plan,
            Err(missing) => {
                return self.give_up(at, Cause::own(self.now, "actions_on_start", missing.to_string()));
            }
        };
        let question = self.gate_question(at, pipeline, rule, attempt);
        let (effect, effect_text) = (plan_keys(&plan), self.done_by_yes(at, &plan));
        if let Some(stage) = self.stage_mut(at) {
            stage.plan = plan;
            stage.plan_fixed = true;
        }
        let ask = Ask {
            kind: ApprovalKind::Gate,
            question,
            effect,
            effect_text,
            attempt,
            expires: gate.expires,
            on_expiry: OnExpiry::from(gate.on_expiry),
            remind_every: gate.remind_every,
            confirm: gate.confirm.clone(),
            approvers: gate.approvers.clone(),
            ..Ask::default()
        };
        let approval = self.ask_about(at, ask);
        let note = Note::StageNeedsApproval { run: at.run, stage: rule.name.clone(), approval };
        self.note_run(Severity::Warning, at.run, note);
    }

    /// What a gate asks: whether its loop goes on, the author's question, and what it asks of whoever decides.
    fn gate_question(&self, at: At, pipeline: &Pipeline, rule: &Stage, attempt: u32) -> String {
        let rounds = self.asks_of_rounds(at);
        let written = rule.gate.as_ref().and_then(|gate| gate.question.as_ref());
        let question = self.question(at, rule, written, attempt).or_else(|| {
            let asked = || format!("Start stage {} of {}?", rule.name, pipeline.name);
            rule.gate.as_ref().map(|_| asked())
        });
        let question = rounds.into_iter().chain(question).collect::<Vec<_>>().join(" ");
        match &rule.gate {
            Some(gate) => with_conditions(question, gate),
            None => question,
        }
    }

    /// After a change of the policy: a pending gate that does or asks something else now, or asks somebody else, asks again,
    /// as a new revision.
    pub fn revise_gate(&mut self, at: At) {
        let policy = Arc::clone(&self.policy);
        let Some((pipeline, rule)) = self.rule(&policy, at) else { return };
        let Some(stage) = self.stage(at).filter(|stage| stage.state == StageState::NeedsApproval) else { return };
        let Some(id) = stage.approval.clone().filter(|id| self.pending(id).is_some()) else { return };
        let attempt = stage.attempt + 1;
        let Ok(plan) = self.plan(at, rule, &rule.actions_on_start, attempt) else { return };
        let question = self.cleaner.question(&self.gate_question(at, pipeline, rule, attempt));
        let gate = rule.gate.as_ref();
        let confirm = gate.and_then(|gate| gate.confirm.clone());
        let approvers = gate.map(|gate| gate.approvers.clone()).unwrap_or_default();
        let (effect_text, makes) = (self.cleaner.clean(&self.done_by_yes(at, &plan)), self.yes_makes(at).is_some());
        let same_plan = self.stage(at).is_some_and(|stage| stage.plan == plan);
        let Some(row) = self.state.approvals.get_mut(&id) else { return };
        let asked = &mut row.approval;
        let same_plan = same_plan && (!makes || asked.effect_text == effect_text);
        // Without a gate there is nothing that would be asked instead.
        let question = if question.is_empty() { asked.question.clone() } else { question };
        if same_plan && (&asked.question, &asked.confirm, &asked.approvers) == (&question, &confirm, &approvers) {
            return;
        }
        asked.revision += 1;
        asked.effect = plan_keys(&plan);
        (asked.effect_text, asked.question) = (effect_text, question);
        (asked.confirm, asked.approvers) = (confirm, approvers);
        if let Some(stage) = self.stage_mut(at) {
            stage.plan = plan;
        }
        self.announce(&id, AlertKind::Approval);
    }

    /// An effect was not performed, or nobody knows: the human decides.
    pub fn ask_settle(&mut self, at: Option<At>, row: &IntentRow, why: &str, untouched: bool) {
        let words = intent_in_words(self.state, row);
        let (intent, effect) = (&row.intent.id, for_anybody(row.intent.effect.clone()));
        let again = Again { effect, purpose: row.purpose.clone(), untouched };
        if let Some(at) = at {
            // One question about it may take the place of another.
            let asks = self.stage(at).is_some_and(|stage| stage.state == StageState::Asking);
            if !asks && !self.shift(at, StageInput::Ask) {
                return;
            }
            self.disarm_attempt(at);
        }
        let action = at.and_then(|at| self.stage(at)).and_then(|stage| stage.plan.get(stage.cursor as usize));
        let keys = match &again.effect {
            // As in every question, a tracked command stands without its report.
            Effect::Send(_) if action.is_some() => plan_keys(action.map_or(&[], std::slice::from_ref)),
            Effect::Send(send) => send.steps.clone(),
            Effect::Prompt(prompt) => vec![KeyStep::Text(prompt.text.clone()), KeyStep::Key("Enter".to_owned())],
            Effect::Answer(_) | Effect::Shell(_) | Effect::Poll(_) | Effect::Alert(_) => Vec::new(),
        };
        let pane = again.effect.pane().cloned();
        let ask = Ask {
            kind: ApprovalKind::Settle { intent: intent.clone(), untouched },
            question: format!("`{}` {why}. Try again?", in_brief(&words)),
            effect: keys,
            effect_text: words,
            options: vec![AGAIN.to_owned(), DONE.to_owned()],
            attempt: at.and_then(|at| self.stage(at)).map_or(0, |stage| stage.attempt),
            again: Some(again),
            ..Ask::default()
        };
        match (at, pane) {
            (Some(at), _) => {
                let ask = self.on_terms_of(at, ask);
                self.ask_about(at, ask);
            }
            (None, Some(pane)) => {
                let ask = Ask { expires: Some(LOOSE), on_expiry: OnExpiry::Reject, ..ask };
                // It stands by itself: the stage has gone on, and does not wait for it.
                let about = ask.again.as_ref().and_then(|again| self.origin(&again.purpose));
                self.ask(&pane, about, ask);
            }
            (None, None) => {}
        }
    }

    /// A question that the policy does not speak of stays open and is repeated as the stage's own questions: those of its
    /// gate, or of its first `ask_human`.
    pub fn on_terms_of(&self, at: At, ask: Ask) -> Ask {
        let policy = Arc::clone(&self.policy);
        let Some((_, rule)) = self.rule(&policy, at) else { return ask };
        let gate = rule.gate.as_ref().map(|gate| (gate.expires, gate.on_expiry, gate.remind_every));
        let asked = || {
            rule.on_fail.iter().find_map(|step| match step {
                FailStep::AskHuman { expires, on_expiry, remind_every, .. } => {
                    Some((*expires, *on_expiry, *remind_every))
                }
                _ => None,
            })
        };
        let Some((expires, on_expiry, remind_every)) = gate.or_else(asked) else { return ask };
        Ask { expires, on_expiry: OnExpiry::from(on_expiry), remind_every, ..ask }
    }

    /// Asks about a stage.
    pub fn ask_about(&mut self, at: At, ask: Ask) -> ApprovalId {
        let pane = self.stage_pane(at).cloned();
        // A run always has its pane; were it gone, the question would be superseded with it.
        let Some(pane) = pane else { return self.approval_id() };
        let id = self.ask(&pane, Some(at), ask);
        if let Some(stage) = self.stage_mut(at) {
            stage.approval = Some(id.clone());
        }
        id
    }

    /// The stage that a loose effect came from.
    fn origin(&self, purpose: &Purpose) -> Option<At> {
        match purpose {
            Purpose::After { run, stage, .. } => self.find_stage(*run, stage),
            Purpose::Plan { .. }
            | Purpose::Look { .. }
            | Purpose::Stop { .. }
            | Purpose::Poll { .. }
            | Purpose::TriggerPoll { .. }
            | Purpose::File { .. }
            | Purpose::MakePane { .. }
            | Purpose::ClosePane { .. }
            | Purpose::Alert
            | Purpose::Hand
            | Purpose::Reply { .. } => None,
        }
    }

    pub fn ask(&mut self, pane: &PaneKey, at: Option<At>, ask: Ask) -> ApprovalId {
        let id = self.approval_id();
        let now = self.now;
        let evidence = ask.evidence.unwrap_or_else(|| self.evidence(pane, at));
        let run = at.and_then(|at| self.run(at.run));
        let expires_at = ask.expires.map(|span| now + span);
        let approval = Approval {
            id: id.clone(),
            revision: 1,
            kind: ask.kind,
            state: ApprovalState::Pending,
            pane: pane.clone(),
            place: self.place(pane),
            folder: self.folder(pane),
            run: run.map(|run| run.id),
            pipeline: run.map(|run| run.pipeline.clone()),
            stage: at.map(|at| self.stage_name(at)),
            attempt: ask.attempt,
            // What is typed stays as it is; words for people are without secrets.
            question: self.cleaner.question(&ask.question),
            effect: ask.effect,
            effect_text: self.cleaner.clean(&ask.effect_text),
            effect_no: ask.effect_no,
            option_effects: ask.option_effects,
            evidence,
            options: ask.options,
            confirm: ask.confirm,
            approvers: ask.approvers,
            asked_at: now,
            expires_at,
            reminders: 0,
            decision: None,
            closed_at: None,
            undo_until: None,
        };
        let row = ApprovalRow {
            approval,
            on_expiry: ask.on_expiry,
            remind_every: ask.remind_every,
            grace: false,
            again: ask.again,
            program: ask.program,
            asker: ask.asker,
            fingerprint: ask.fingerprint,
            answers: ask.answers,
            dialog: ask.dialog,
            call: None,
        };
        self.state.approvals.insert(id.clone(), row);
        if let Some(at) = expires_at {
            self.state.arm(TimerKey::Expiry(id.clone()), at);
        }
        if let Some(every) = ask.remind_every {
            self.state.arm(TimerKey::Reminder(id.clone()), now + every);
        }
        self.announce(&id, AlertKind::Approval);
        id
    }

    /// The folder of a pane's program, for people.
    pub fn folder(&self, pane: &PaneKey) -> String {
        self.state.panes.get(pane).map(|row| self.cleaner.clean(&row.info.facts.path)).unwrap_or_default()
    }

    /// Tells the event list and the channels of a question.
    pub fn announce(&mut self, id: &ApprovalId, kind: AlertKind) {
        let Some(row) = self.state.approvals.get(id) else { return };
        let approval = &row.approval;
        let (question, place, run) = (approval.question.clone(), approval.told_place(), approval.run);
        let mut body = place.clone();
        if !approval.effect_text.is_empty() {
            body.push_str(&format!("\n{}", in_brief(&approval.effect_text)));
        }
        for line in &approval.evidence {
            body.push_str(&format!("\n{line}"));
        }
        let dedupe = format!("approval/{id}/{}/{}", approval.revision, approval.reminders);
        if kind == AlertKind::Approval {
            let note = Note::ApprovalAsked { approval: id.clone(), question: question.clone() };
            self.note(Severity::Warning, &place, note);
        }
        let (title, approval) = (question, Some(id.clone()));
        let urgency = Urgency::High;
        self.alert(Alert { kind, urgency, title, body, approval, run, dedupe, channels: Vec::new() });
    }

    /// A reminder came due.
    pub fn remind(&mut self, id: &ApprovalId) {
        let Some(every) = self.pending(id).and_then(|row| row.remind_every) else { return };
        if let Some(row) = self.state.approvals.get_mut(id) {
            row.approval.reminders += 1;
        }
        self.announce(id, AlertKind::Reminder);
        self.state.arm(TimerKey::Reminder(id.clone()), self.now + every);
    }

    /// Nobody decided in time. Nothing here does what a yes does.
    pub fn expire(&mut self, id: &ApprovalId) {
        let Some(row) = self.pending(id) else { return };
        let (on_expiry, at, kind) = (row.on_expiry, self.stage_of(&row.approval), row.approval.kind.clone());
        let place = row.approval.told_place();
        if on_expiry == OnExpiry::Keep {
            // It stays open; views see that its time is over.
            let text = format!("approval {id} is overdue and stays open");
            return self.note(Severity::Warning, &place, Note::Text { text });
        }
        self.state.disarm(&TimerKey::Reminder(id.clone()));
        let now = self.now;
        if let Some(row) = self.state.approvals.get_mut(id) {
            lifecycle::close(&mut row.approval, Input::Expire, now);
        }
        let note = Note::ApprovalClosed { approval: id.clone(), state: ApprovalState::Expired };
        self.note(Severity::Warning, &place, note);
        let Some(at) = at else { return };
        if let Some(stage) = self.stage_mut(at) {
            stage.approval = None;
        }
        let cause = Cause::own(now, "expiry", "nobody decided in time");
        match on_expiry {
            OnExpiry::Escalate if kind == ApprovalKind::Gate => self.escalate_unopened(at, &cause),
            OnExpiry::Escalate => self.escalate(at, EXPIRED, &cause),
            OnExpiry::Reject | OnExpiry::Keep => self.expired_for(at, &kind, cause),
        }
    }

    /// A gate that nobody opened in time is handed on. Nothing of its stage was done, so it did not fail.
    fn escalate_unopened(&mut self, at: At, cause: &Cause) {
        let name = self.stage_name(at);
        if self.not_started(at, StageInput::Expire, cause.clone()) {
            let note = Note::StageEscalated { run: at.run, stage: name.clone(), code: EXPIRED.to_owned() };
            self.note_run(Severity::Error, at.run, note);
            self.alert_failure(at, format!("{EXPIRED}: stage {name} is escalated"), cause);
        }
    }

    /// Nobody decided, which counts as a no and is told.
    fn expired_for(&mut self, at: At, kind: &ApprovalKind, cause: Cause) {
        match kind {
            ApprovalKind::Gate => {
                let name = self.stage_name(at);
                if self.not_started(at, StageInput::Expire, cause.clone()) {
                    self.alert_failure(at, format!("stage {name} is not started"), &cause);
                }
            }
            ApprovalKind::Failed { .. } if self.told_behind_question(at, &cause) => {}
            _ => self.give_up(at, cause),
        }
    }

    /// The stage that an approval is about, as long as it waits for it.
    pub fn stage_of(&self, approval: &Approval) -> Option<At> {
        let at = self.find_stage(approval.run?, approval.stage.as_deref()?)?;
        self.stage(at).filter(|stage| stage.approval.as_ref() == Some(&approval.id)).map(|_| at)
    }

    /// What a question is about is gone.
    pub fn supersede(&mut self, id: &ApprovalId) {
        let now = self.now;
        let Some(row) = self.state.approvals.get(id) else { return };
        let (place, grace) = (row.approval.told_place(), row.grace);
        let pending = row.approval.state == ApprovalState::Pending;
        if !pending && !grace {
            return;
        }
        for key in [TimerKey::Expiry(id.clone()), TimerKey::Reminder(id.clone()), TimerKey::Grace(id.clone())] {
            self.state.disarm(&key);
        }
        if let Some(row) = self.state.approvals.get_mut(id) {
            row.grace = false;
            lifecycle::close(&mut row.approval, Input::Supersede, now);
        }
        // A yes in its undo period stays a yes; what it would have done is not done.
        let note = Note::ApprovalClosed { approval: id.clone(), state: ApprovalState::Superseded };
        self.note(Severity::Info, &place, note);
    }

    /// Supersedes the question that a stage waits for.
    pub fn supersede_stage(&mut self, at: At) {
        let Some(id) = self.stage(at).and_then(|stage| stage.approval.clone()) else { return };
        if let Some(stage) = self.stage_mut(at) {
            stage.approval = None;
        }
        self.supersede(&id);
    }

    /// Supersedes every open question about a pane.
    pub fn supersede_pane(&mut self, pane: &PaneKey) {
        let rows = self.state.approvals.values();
        let open: Vec<ApprovalId> = rows
            .filter(|row| row.approval.pane == *pane && (row.grace || row.approval.state == ApprovalState::Pending))
            .map(|row| row.approval.id.clone())
            .collect();
        for id in &open {
            self.supersede(id);
        }
    }
}

/// A question with what its gate asks of whoever decides.
fn with_conditions(question: String, gate: &Gate) -> String {
    match (&gate.confirm, gate.approvers.join(", ")) {
        (Some(word), who) if who.is_empty() => format!("{question} (a yes takes the word {word})"),
        (Some(word), who) => format!("{question} (a yes takes the word {word}; for {who} to decide)"),
        (None, who) if who.is_empty() => question,
        (None, who) => format!("{question} (for {who} to decide)"),
    }
}
