//! One step under way: what may be done to the state, and what comes out.

use super::agent::minds_agent;
use super::command::BY_HAND;
use super::elsewhere::Ended;
use super::front::starts_anew;
use super::progress::{Cause, Evidence};
use super::state::{ApprovalRow, EVIDENCE, IntentRow, PaneRow, Purpose, Run, StageRun, State};
use super::table::{StageInput, next_stage};
use super::text::{Cleaner, describe_intent};
use super::{Answer, Options, Step};
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use tmuxagent_model::{
    Alert, AlertKind, ApprovalId, Effect, Intent, IntentId, IntentState, Millis, Note, PaneKey, Printed, RunId,
    Severity, TimerKey, Timestamp, Urgency, Variables,
};
use tmuxagent_policy::{Pipeline, Policy, Stage};

/// A stage of a run: the run's number and the stage's place in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct At {
    /// The run.
    pub run: RunId,
    /// The stage's place in [`Run::stages`].
    pub stage: usize,
}

/// What follows within the same step.
#[derive(Debug, Clone)]
pub enum Work {
    /// A stage ended: stages that come after it, locks, the end of the run.
    StageEnded(RunId),
    /// A stage ended for which other pipelines wait.
    Elsewhere(Ended),
    /// Another pipeline is to be started.
    StartPipeline { pipeline: String, by: Cause, beside: Option<PaneKey>, given: Variables },
    /// A lock may be free.
    Locks,
}

/// How many pipelines one step may start, so that some that start each other in a circle end in a message and not in
/// a hang.
const MOST_STARTS: u32 = 16;

/// One step under way.
pub struct Turn<'a> {
    /// The rows.
    pub state: &'a mut State,
    /// The policy.
    pub policy: Arc<Policy>,
    /// The engine's options.
    pub options: Options,
    /// Takes secrets out of what is kept and told.
    pub cleaner: &'a Cleaner,
    /// Now.
    pub now: Timestamp,
    /// The pane whose last lines came with this event, and they.
    pub printed: Option<(PaneKey, &'a [Printed])>,
    /// The line that is taken: its pane, [`tmuxagent_model::Basis::row`] of it, and whether it has no end yet.
    pub row: Option<(PaneKey, Option<u64>, bool)>,
    /// Whether they were used.
    pub used_printed: bool,
    /// The inputs that whoever starts a pipeline in this step has given.
    pub given: Variables,
    /// Panes of which it matters who is in front now.
    pub fronts: BTreeSet<PaneKey>,
    work: VecDeque<Work>,
    intents: Vec<IntentId>,
    pub withdrawn: Vec<IntentId>,
    notes: Vec<(Severity, String, Note)>,
    answer: Option<Answer>,
}

impl<'a> Turn<'a> {
    /// Begins a step.
    pub fn new(
        state: &'a mut State,
        policy: Arc<Policy>,
        options: Options,
        cleaner: &'a Cleaner,
        now: Timestamp,
    ) -> Self {
        Self {
            state,
            policy,
            options,
            cleaner,
            now,
            printed: None,
            row: None,
            used_printed: false,
            given: Variables::new(),
            fronts: BTreeSet::new(),
            work: VecDeque::new(),
            intents: Vec::new(),
            withdrawn: Vec::new(),
            notes: Vec::new(),
            answer: None,
        }
    }

    /// Does what follows, and ends the step.
    pub fn finish(mut self) -> Step {
        let mut starts = 0;
        while let Some(work) = self.work.pop_front() {
            match work {
                Work::StageEnded(run) => self.after_stage(run),
                Work::Elsewhere(ended) => self.ended_elsewhere(&ended),
                Work::StartPipeline { pipeline, by, beside, given } => {
                    starts += 1;
                    if starts <= MOST_STARTS {
                        self.start_pipeline(&pipeline, &by, beside.as_ref(), &given);
                    } else {
                        let text = format!(
                            "{}: pipelines start each other without end; {pipeline} is not started",
                            by.brief()
                        );
                        self.note(Severity::Error, "", Note::Text { text });
                    }
                }
                Work::Locks => self.grant_locks(),
            }
        }
        let intents: Vec<Intent> =
            self.intents.iter().filter_map(|id| self.state.intents.get(id)).map(|row| row.intent.clone()).collect();
        let changes = self.state.drain_changes();
        Step {
            changed: !changes.is_empty() || !self.notes.is_empty(),
            intents,
            withdrawn: self.withdrawn,
            notes: self.notes,
            changes,
            answer: self.answer,
            fronts: self.fronts,
            witnessed: self.used_printed,
        }
    }

    /// Puts a follow-up into the queue.
    pub fn then(&mut self, work: Work) {
        self.work.push_back(work);
    }

    /// Answers the command of this step.
    pub fn reply(&mut self, answer: Answer) {
        self.answer = Some(answer);
    }

    /// The intents handed out so far in this step.
    pub fn handed_out(&self) -> Vec<IntentId> {
        self.intents.clone()
    }

    /// Tells something.
    pub fn note(&mut self, severity: Severity, place: &str, note: Note) {
        self.notes.push((severity, place.to_owned(), note));
    }

    /// Tells something about a pane.
    pub fn note_at(&mut self, severity: Severity, pane: &PaneKey, note: Note) {
        let place = pane.told(&self.place(pane));
        self.notes.push((severity, place, note));
    }

    /// Tells something about a run.
    pub fn note_run(&mut self, severity: Severity, run: RunId, note: Note) {
        let stage = note.stage().and_then(|name| self.find_stage(run, name));
        let pane = |run: &Run| stage.map_or_else(|| run.present_pane().clone(), |at| run.pane_of(at.stage).clone());
        let place = self.run(run).map(|run| self.place_in(run, &pane(run))).unwrap_or_default();
        self.notes.push((severity, place, note));
    }

    /// Where a pane is, for people.
    pub fn place(&self, pane: &PaneKey) -> String {
        self.state.panes.get(pane).map_or_else(|| format!("{}:{}", pane.host, pane.pane), |row| row.place.clone())
    }

    /// A run.
    pub fn run(&self, run: RunId) -> Option<&Run> {
        self.state.runs.get(&run)
    }

    /// A stage of a run.
    pub fn stage(&self, at: At) -> Option<&StageRun> {
        self.run(at.run)?.stages.get(at.stage)
    }

    /// A stage of a run, to be changed.
    pub fn stage_mut(&mut self, at: At) -> Option<&mut StageRun> {
        self.state.runs.get_mut(&at.run)?.stages.get_mut(at.stage)
    }

    /// The stage of that name.
    pub fn find_stage(&self, run: RunId, name: &str) -> Option<At> {
        let stage = self.run(run)?.stages.iter().position(|stage| stage.name == name)?;
        Some(At { run, stage })
    }

    /// The pane that a stage acts in, where it is there.
    pub fn pane_of(&self, at: At) -> Option<&PaneRow> {
        self.state.panes.get(self.stage_pane(at)?)
    }

    /// The policy's words on a stage.
    pub fn rule<'p>(&self, policy: &'p Policy, at: At) -> Option<(&'p Pipeline, &'p Stage)> {
        let run = self.run(at.run)?;
        let pipeline = policy.pipeline(&run.pipeline)?;
        let stage = pipeline.stage(&run.stages.get(at.stage)?.name)?;
        Some((pipeline, stage))
    }

    /// Moves a stage by the table; says whether it moved.
    pub fn shift(&mut self, at: At, input: StageInput) -> bool {
        let Some(from) = self.stage(at).map(|stage| stage.state) else { return false };
        let Some(to) = next_stage(from, input) else { return false };
        let now = self.now;
        if let Some(stage) = self.stage_mut(at) {
            stage.state = to;
            stage.ended_at = to.is_ended().then_some(now);
        }
        if to.is_ended() {
            self.count_end(at);
        }
        if starts_anew(from, input) {
            self.front_anew(at, from == tmuxagent_model::StageState::Asking);
        }
        true
    }

    /// Keeps a line as evidence of a run.
    pub fn record_evidence(&mut self, at: At, cause: &Cause) {
        let Some(run) = self.state.runs.get_mut(&at.run) else { return };
        let Some(stage) = run.stages.get(at.stage).map(|stage| stage.name.clone()) else { return };
        let evidence = Evidence { at: cause.at, stage, text: cause.text.clone() };
        // Who started it by hand is no line that led to anything.
        if cause.text.is_empty() || cause.rule == BY_HAND || run.evidence.last() == Some(&evidence) {
            return;
        }
        run.evidence.push(evidence);
        let surplus = run.evidence.len().saturating_sub(EVIDENCE);
        run.evidence.drain(..surplus);
    }

    /// Keeps values that came from a pane.
    pub fn learn(&mut self, run: RunId, groups: Vec<(String, String)>) {
        if groups.is_empty() {
            return;
        }
        let Some(run) = self.state.runs.get_mut(&run) else { return };
        for (name, value) in groups {
            run.variables.insert(name, value);
        }
    }

    /// Records an effect; it is handed out at the end of the step, or held while sending is frozen.
    pub fn emit(&mut self, effect: Effect, purpose: Purpose) -> IntentId {
        self.emit_with(purpose, |_| effect)
    }

    /// As [`Turn::emit`], for an effect that holds its own identity.
    pub fn emit_with(&mut self, purpose: Purpose, effect: impl FnOnce(&IntentId) -> Effect) -> IntentId {
        let now = self.now;
        let meta = self.state.meta_mut();
        meta.intents += 1;
        let order = meta.intents;
        // The instant is in it, so that a pane's mark of another state database's intent is never taken for ours.
        let mut id = format!("{}-{}", base36(now.0.unsigned_abs()), base36(order));
        if let Some(secret) = self.options.identities {
            id.push('-');
            id.push_str(&unguessable(secret, order));
        }
        let id = IntentId(id);
        let effect = effect(&id);
        self.mind_front(&effect);
        let frozen = self.state.meta().frozen.is_some() && effect.freezable();
        let (run, stage, attempt) = match &purpose {
            Purpose::Plan { run, stage, attempt }
            | Purpose::After { run, stage, attempt }
            | Purpose::Look { run, stage, attempt }
            | Purpose::Stop { run, stage, attempt }
            | Purpose::Poll { run, stage, attempt, .. } => (Some(*run), Some(stage.clone()), *attempt),
            Purpose::File { run, stage, .. } | Purpose::MakePane { run, stage, .. } => {
                (Some(*run), Some(stage.clone()), 0)
            }
            Purpose::TriggerPoll { stage, .. } => (None, Some(stage.clone()), 0),
            Purpose::ClosePane { .. } | Purpose::Alert | Purpose::Hand | Purpose::Reply { .. } => (None, None, 0),
        };
        let state = if frozen { IntentState::Held } else { IntentState::Open };
        let typed = matches!(effect, Effect::Send(_) | Effect::Prompt(_));
        let hold = if typed { self.hold_of(run, stage.as_deref()) } else { None };
        let until = if typed { self.until_of(&purpose) } else { None };
        let intent = Intent {
            id: id.clone(),
            effect,
            run,
            stage,
            attempt,
            state,
            at: now,
            hold,
            until,
            repeats: None,
            unseen: false,
        };
        let row = IntentRow { intent, purpose, order, withdrawn: false };
        if frozen {
            let place = row.intent.effect.pane().map(|pane| pane.told(&self.place(pane))).unwrap_or_default();
            let text = describe_intent(self.state, &row);
            self.note(Severity::Warning, &place, Note::Held { intent: id.clone(), text });
        } else {
            self.intents.push(id.clone());
        }
        self.state.intents.insert(id.clone(), row);
        id
    }

    /// How long keys wait for their reader: what the policy says for their stage, or the configuration.
    fn hold_of(&self, run: Option<RunId>, stage: Option<&str>) -> Option<Millis> {
        let policy = Arc::clone(&self.policy);
        let at = run.zip(stage).and_then(|(run, stage)| self.find_stage(run, stage));
        let named = at.and_then(|at| self.rule(&policy, at)).and_then(|(_, rule)| rule.hold);
        named.or(self.options.hold)
    }

    /// When the limit of what the keys are for is over, where nothing but time moves it.
    pub fn until_of(&self, purpose: &Purpose) -> Option<Timestamp> {
        let Purpose::Plan { run, stage, .. } = purpose else { return None };
        let policy = Arc::clone(&self.policy);
        let (_, rule) = self.find_stage(*run, stage).and_then(|at| self.rule(&policy, at))?;
        let limit = self.state.armed(&TimerKey::StageTimeout(*run, stage.clone()))?;
        (!minds_agent(rule)).then_some(limit.at)
    }

    /// Takes an intent back: one that was not handed out is gone, the performer is told of the others.
    pub fn withdraw(&mut self, id: &IntentId) {
        let Some(row) = self.state.intents.get(id) else { return };
        let handed_out_before = row.intent.state == IntentState::Open && !self.intents.contains(id);
        if !handed_out_before {
            self.intents.retain(|other| other != id);
            self.state.intents.remove(id);
        } else if !row.withdrawn {
            if let Some(row) = self.state.intents.get_mut(id) {
                row.withdrawn = true;
            }
            self.withdrawn.push(id.clone());
        }
    }

    /// Hands a held intent out.
    pub fn release(&mut self, id: &IntentId) {
        let until = self.state.intents.get(id).and_then(|row| self.until_of(&row.purpose));
        if let Some(row) = self.state.intents.get_mut(id)
            && row.intent.state == IntentState::Held
        {
            (row.intent.state, row.intent.until) = (IntentState::Open, until);
            self.intents.push(id.clone());
        }
    }

    /// Alerts the human about a run. `same` is what makes it the same alert for him in the next run of that pipeline there.
    pub fn alert_run(
        &mut self,
        run: RunId,
        kind: AlertKind,
        urgency: Urgency,
        (title, body): (String, String),
        same: &str,
    ) {
        let dedupe = self.same_alert(run, &format!("{kind:?}/{same}"));
        self.alert(Alert { kind, urgency, title, body, approval: None, run: Some(run), dedupe, channels: Vec::new() });
    }

    /// The key under which an alert is the same for a human, whichever run it comes from: pane, pipeline, and `what`.
    pub fn same_alert(&self, run: RunId, what: &str) -> String {
        match self.state.runs.get(&run) {
            Some(run) => format!("{}/{}/{what}", run.pane, run.pipeline),
            None => format!("{run}/{what}"),
        }
    }

    /// Alerts the human.
    pub fn alert(&mut self, alert: Alert) {
        self.emit(Effect::Alert(alert), Purpose::Alert);
    }

    /// A new approval's identity: a ULID whose random part is counted, so that the same steps give the same ids.
    pub fn approval_id(&mut self) -> ApprovalId {
        let now = self.now.0.unsigned_abs();
        let meta = self.state.meta_mut();
        meta.approvals += 1;
        ApprovalId(ulid(now, meta.approvals))
    }

    /// The pending question of that identity.
    pub fn pending(&self, id: &ApprovalId) -> Option<&ApprovalRow> {
        self.state.approvals.get(id).filter(|row| row.approval.state == tmuxagent_model::ApprovalState::Pending)
    }

    /// The name of a stage.
    pub fn stage_name(&self, at: At) -> String {
        self.stage(at).map(|stage| stage.name.clone()).unwrap_or_default()
    }

    /// Disarms the timers of an attempt.
    pub fn disarm_attempt(&mut self, at: At) {
        let name = self.stage_name(at);
        self.state.disarm(&TimerKey::StageTimeout(at.run, name.clone()));
        self.state.disarm(&TimerKey::Turn(at.run, name.clone()));
        self.state.disarm(&TimerKey::Begin(at.run, name.clone()));
        self.state.disarm(&TimerKey::Backoff(at.run, name.clone()));
        self.state.disarm(&TimerKey::Look(at.run, name.clone()));
        self.state.disarm(&TimerKey::Made(at.run, name.clone()));
        self.state.disarm(&TimerKey::Idle(at.run, name.clone()));
        let polls: Vec<u32> = self.stage(at).map(|s| s.polls.keys().copied().collect()).unwrap_or_default();
        for node in polls {
            self.state.disarm(&TimerKey::Poll(at.run, name.clone(), node));
        }
    }
}

/// A number in base 36.
/// A part of an identity that follows from a secret.
fn unguessable(secret: [u64; 2], order: u64) -> String {
    let mut hash = Sha256::new();
    [secret[0], secret[1], order].iter().for_each(|word| hash.update(word.to_le_bytes()));
    let digest = hash.finalize();
    let number = digest.iter().take(8).fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    base36(number)
}

fn base36(mut number: u64) -> String {
    let mut digits = Vec::new();
    loop {
        let digit = u32::try_from(number % 36).unwrap_or(0);
        digits.push(char::from_digit(digit, 36).unwrap_or('0'));
        number /= 36;
        if number == 0 {
            return digits.iter().rev().collect();
        }
    }
}

/// Crockford's alphabet, as the ULID specification uses it.
const CROCKFORD: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// 26 characters: 48 bits of milliseconds, 48 bits that spread neighbours apart, 32 bits of the counter.
fn ulid(millis: u64, count: u64) -> String {
    let spread = mix(millis ^ count.rotate_left(32));
    let bits = (u128::from(millis & 0xffff_ffff_ffff) << 80)
        | (u128::from(spread >> 16) << 32)
        | u128::from(count & 0xffff_ffff);
    (0..26)
        .rev()
        .map(|place| {
            let index = usize::try_from((bits >> (place * 5)) & 31).unwrap_or(0);
            char::from(CROCKFORD.get(index).copied().unwrap_or(b'0'))
        })
        .collect()
}

/// The finaliser of `SplitMix64`: neighbouring inputs get unlike outputs. Nothing secret depends on it.
const fn mix(seed: u64) -> u64 {
    let a = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let b = (a ^ (a >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let c = (b ^ (b >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    c ^ (c >> 31)
}
