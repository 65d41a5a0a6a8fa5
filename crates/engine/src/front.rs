//! Who was in front of a pane when a stage began there. Keys that name no program are for that one, however late they are
//! typed: after a pause, a gate, a freeze, a restart another program may stand there, in which they would do something else.
//!
//! The engine sees no programs. A step names the panes of which it wants to know ([`super::Step::fronts`]), and
//! [`tmuxagent_model::Event::InFront`] tells: at once where it is known, or else as soon as somebody is there who reads.
//!
//! **Invariant:** a stage keeps what it was told until it is triggered anew or a person decides that it goes on: he sees who
//! reads. But a program whose last line began the stage is still seen in front for a moment; the shell behind it counts
//! ([`Basis::gives_way`]).

use super::Engine;
use super::command::BY_HAND;
use super::state::{IntentRow, Purpose, Run, State};
use super::table::StageInput;
use super::turn::{At, Turn};
use std::sync::Arc;
use tmuxagent_model::{
    Basis, Effect, Front, Intent, IntentId, Needs, PaneKey, RunState, SeenByPerson, StageState, Timestamp,
};
use tmuxagent_policy::{Action, FailStep, Policy, Stage, names_program};

impl Turn<'_> {
    /// A stage begins, or a person lets it go on: its keys are for whoever is in front now. A person sees what that one asks.
    pub fn front_anew(&mut self, at: At, seen_by_person: bool) {
        let known = self.stage(at).is_some_and(|stage| stage.basis.is_some() || stage.seen_by_person.is_some());
        if (known || seen_by_person)
            && let Some(stage) = self.stage_mut(at)
        {
            let seen = || SeenByPerson { question: stage.held_by.take() };
            (stage.basis, stage.seen_by_person) = (None, seen_by_person.then(seen));
        }
        let policy = Arc::clone(&self.policy);
        let wanted = self.rule(&policy, at).is_some_and(|(_, rule)| types_for_front(rule));
        if let Some(pane) = self.stage_pane(at).filter(|_| wanted).cloned() {
            self.fronts.insert(pane);
        }
    }

    /// Keys are handed out, or held, of which nobody knows yet who they are for.
    pub fn mind_front(&mut self, effect: &Effect) {
        if is_for_anybody(effect)
            && let Some(pane) = effect.pane()
        {
            self.fronts.insert(pane.clone());
        }
    }

    /// That program is in front of a pane.
    pub fn in_front(&mut self, pane: &PaneKey, front: &Front, shell: bool) {
        let known = Basis { front: front.clone(), at: self.now, shell, ..Basis::default() };
        let news = News { pane, shell, now: self.now };
        for at in news.stages(self.state, &self.policy) {
            let basis = self.basis_of(at, pane, &known);
            if let Some(stage) = self.stage_mut(at) {
                stage.basis = Some(basis);
            }
        }
        for id in news.sends(self.state) {
            let of_stage = self.state.intents.get(&id).and_then(|row| row.intent.run.zip(row.intent.stage.as_deref()));
            let at = of_stage.and_then(|(run, stage)| self.find_stage(run, stage));
            let basis = at.map_or_else(|| known.clone(), |at| self.basis_of(at, pane, &known));
            if let Some(row) = self.state.intents.get_mut(&id)
                && let Effect::Send(send) = &mut row.intent.effect
            {
                send.needs = Needs::Front { basis: Some(basis) };
            }
        }
    }

    /// Who is in front, as a stage needs to know it.
    fn basis_of(&self, at: At, pane: &PaneKey, known: &Basis) -> Basis {
        let others = !known.shell && self.is_of_another_run(at, pane, Some(&known.front));
        let unended = self.stage(at).is_some_and(|stage| stage.unended);
        let basis = Basis { printed: self.is_begun_by_output(at), unended, ..known.clone() };
        if others { self.basis_of_other(at, basis) } else { basis }
    }

    /// Keys of which nobody knows yet who is in front, while the command of another run may be: they are for nothing but the
    /// row that began their stage, until it is known. `None`: for whoever is seen first.
    pub fn basis_unknown(&self, at: At) -> Option<Basis> {
        let pane = self.stage_pane(at)?;
        let nobody = Basis { at: self.now, ..Basis::default() };
        self.is_of_another_run(at, pane, None).then(|| self.basis_of_other(at, nobody))
    }

    /// The programs that an action names as its readers, or what it needs without. Of a shell's own questions, and those of
    /// its scripts, keys answer what their run has started itself; else nothing but the row that began their stage.
    pub fn named_or(&self, at: At, expect: &[String], composer: bool, otherwise: Needs) -> Needs {
        if expect.is_empty() {
            return otherwise;
        }
        let typed = self.stage_pane(at).and_then(|pane| self.state.panes.get(pane)).and_then(|row| row.typed_by);
        let basis = names_shell(expect).then(|| {
            let here = Basis { at: self.now, ..Basis::default() };
            Box::new(if typed == Some(at.run) { here } else { self.basis_of_other(at, here) })
        });
        Needs::Named { programs: expect.to_vec(), composer, basis }
    }

    fn basis_of_other(&self, at: At, known: Basis) -> Basis {
        let cause = self.stage(at).and_then(|stage| stage.triggered.as_ref());
        let began = cause.filter(|cause| cause.rule != BY_HAND).map(|cause| cause.text.clone()).unwrap_or_default();
        let (row, seen) = self.stage(at).map_or((None, None), |stage| (stage.row, stage.seen_by_person.clone()));
        let unended = self.stage(at).is_some_and(|stage| stage.unended);
        Basis { answers: Some(began), row, unended, seen, ..known }
    }

    /// Lines of a stage's pane may have been missed: whether the row that began it is the last one nobody can tell any more.
    pub fn forget_row(&mut self, at: At) {
        let lost = |row: &mut Option<u64>| *row = row.map(|_| 0);
        let Some(stage) = self.stage_mut(at) else { return };
        lost(&mut stage.row);
        if let Some(basis) = &mut stage.basis {
            lost(&mut basis.row);
        }
        let Some(name) = self.stage(at).map(|stage| stage.name.clone()) else { return };
        let of_stage = |intent: &Intent| intent.run == Some(at.run) && intent.stage.as_ref() == Some(&name);
        let rows = self.state.intents.values().filter(|row| of_stage(&row.intent));
        let ids: Vec<IntentId> = rows.map(|row| row.intent.id.clone()).collect();
        for id in &ids {
            if let Some(row) = self.state.intents.get_mut(id)
                && let Effect::Send(send) = &mut row.intent.effect
            {
                match &mut send.needs {
                    Needs::Front { basis: Some(basis) } => lost(&mut basis.row),
                    Needs::Named { basis: Some(basis), .. } => lost(&mut basis.row),
                    _ => {}
                }
            }
        }
    }

    /// Keys for a shell were typed: what comes to the front is the command of their run, whatever that starts.
    pub fn mind_typed(&mut self, IntentRow { intent, purpose, .. }: &IntentRow) {
        // Whoever waited there has been answered; that he waits again is told anew.
        if let Some(pane) = intent.effect.pane()
            && self.state.panes.get(pane).is_some_and(|row| row.waits)
            && let Some(row) = self.state.panes.get_mut(pane)
        {
            row.waits = false;
        }
        let Effect::Send(send) = &intent.effect else { return };
        let shell = match &send.needs {
            Needs::Shell => true,
            Needs::Front { basis } => basis.as_ref().is_some_and(|basis| basis.shell),
            // Where they could answer a question too, nobody knows which it was.
            Needs::Named { programs, basis: Some(basis), .. } => {
                names_shell(programs) && basis.answers.is_some() && !basis.unended && basis.seen.is_none()
            }
            _ => false,
        };
        if shell && let Some(row) = self.state.panes.get_mut(&send.pane) {
            let run = intent.run.and_then(|run| self.state.runs.get(&run));
            let after = matches!(purpose, Purpose::After { .. }) || run.is_some_and(|run| run.closing.is_some());
            (row.typed_by, row.typed_after) = (intent.run, after);
        }
    }

    /// The prompt of a pane's shell was seen again.
    pub fn prompt_seen(&mut self, pane: &PaneKey) {
        if self.state.panes.get(pane).is_some_and(|row| row.typed_by.is_some())
            && let Some(row) = self.state.panes.get_mut(pane)
        {
            row.typed_by = None;
        }
    }

    /// Whether the command of another run is in front, or, where nobody knows who is, lives.
    fn is_of_another_run(&self, at: At, pane: &PaneKey, front: Option<&Front>) -> bool {
        let row = self.state.panes.get(pane);
        let typed = row.and_then(|row| row.typed_by).filter(|run| *run != at.run);
        // What a stage began that has ended by itself is as good as a person's. What it does after its end is not, and a
        // cancelled one may have left its command.
        let lives = |run: &Run| matches!(run.state, RunState::Open | RunState::Cancelled);
        let after = row.is_some_and(|row| row.typed_after);
        typed.is_some_and(|run| after || self.state.runs.get(&run).is_some_and(lives))
            || self.runs_at(pane).into_iter().filter(|run| *run != at.run).any(|run| {
                let live = self.live_at(run, pane).and_then(|live| self.stage(live));
                live.is_some_and(|stage| {
                    let own = stage.look.front.as_ref().zip(front).is_none_or(|(own, front)| own.is(front));
                    own && stage.tracked.is_some() && !stage.state.is_ended()
                })
            })
    }

    /// Whether something that was printed began a stage, and nobody is asked before it types.
    fn is_begun_by_output(&self, at: At) -> bool {
        let policy = Arc::clone(&self.policy);
        let gated = self.rule(&policy, at).is_none_or(|(_, rule)| rule.gate.is_some());
        let cause = self.stage(at).and_then(|stage| stage.triggered.as_ref());
        !gated && cause.is_some_and(|cause| cause.rule != BY_HAND)
    }
}

impl Engine {
    /// Whether it matters that another program has come to the front of a pane now, which is a shell or none.
    #[must_use]
    pub fn wants_front(&self, now: Timestamp, pane: &PaneKey, shell: bool) -> bool {
        let news = News { pane, shell, now };
        !news.stages(&self.state, &self.policy).is_empty() || !news.sends(&self.state).is_empty()
    }

    /// An intent without an outcome.
    #[must_use]
    pub fn intent(&self, id: &IntentId) -> Option<&Intent> {
        self.state.intents.get(id).map(|row| &row.intent)
    }
}

/// Whether such a step is the begin of a stage, or a person's word that it goes on. A pause that is over is neither, and a gate
/// that opens: it asked when the stage began.
pub const fn starts_anew(from: StageState, input: StageInput) -> bool {
    matches!(input, StageInput::Gate | StageInput::Queue | StageInput::Start)
        && (from.is_ended() || matches!(from, StageState::Asking | StageState::Running))
}

/// Keys that a person has typed again: for whoever is in front then.
pub fn for_anybody(mut effect: Effect) -> Effect {
    if let Effect::Send(send) = &mut effect
        && let Needs::Front { basis } = &mut send.needs
    {
        *basis = None;
    }
    effect
}

const fn is_for_anybody(effect: &Effect) -> bool {
    match effect {
        Effect::Send(send) => match &send.needs {
            Needs::Front { basis: None } => true,
            Needs::Front { basis: Some(basis) } => basis.front.pid == 0,
            _ => false,
        },
        _ => false,
    }
}

/// Another program is in front of a pane.
struct News<'a> {
    pane: &'a PaneKey,
    shell: bool,
    now: Timestamp,
}

impl News<'_> {
    fn matters(&self, basis: Option<&Basis>) -> bool {
        basis.is_none_or(|basis| basis.front.pid == 0 || self.shell && basis.gives_way(self.now))
    }

    /// The stages that have begun there and do not know better. One that asks a person is told when he decides.
    fn stages(&self, state: &State, policy: &Policy) -> Vec<At> {
        let Some(row) = state.panes.get(self.pane) else { return Vec::new() };
        let mut found = Vec::new();
        for run in row.open.values().chain(&row.guests).filter_map(|id| state.runs.get(id)) {
            let Some(pipeline) = policy.pipeline(&run.pipeline) else { continue };
            let here = run.live().filter(|live| run.pane_of(*live) == self.pane);
            for (stage, place) in here.filter_map(|live| Some((run.stages.get(live)?, live))) {
                let waits = stage.state != StageState::Asking && self.matters(stage.basis.as_ref());
                if waits && pipeline.stage(&stage.name).is_some_and(types_for_front) {
                    found.push(At { run: run.id, stage: place });
                }
            }
        }
        found
    }

    /// The same of keys.
    fn sends(&self, state: &State) -> Vec<IntentId> {
        let waits = |effect: &Effect| {
            matches!(effect, Effect::Send(send) if send.pane == *self.pane
                && matches!(&send.needs, Needs::Front { basis } if self.matters(basis.as_ref())))
        };
        let rows = state.intents.values().filter(|row| !row.withdrawn && waits(&row.intent.effect));
        rows.map(|row| row.intent.id.clone()).collect()
    }
}

/// Shells as they are named.
const SHELLS: &[&str] = &["sh", "dash", "ash", "ksh", "mksh", "busybox", "bash", "zsh", "fish", "csh", "tcsh"];

/// Whether one of the programs that are named is a shell.
fn names_shell(programs: &[String]) -> bool {
    SHELLS.iter().any(|shell| names_program(programs, shell))
}

/// Whether a stage types keys that name no program.
fn types_for_front(rule: &Stage) -> bool {
    let failing = rule.on_fail.iter().filter_map(|step| match step {
        FailStep::Do(action) => Some(action),
        FailStep::Retry(_) | FailStep::AskHuman { .. } | FailStep::Escalate { .. } => None,
    });
    let mut actions = rule.actions_on_start.iter().chain(&rule.on_success).chain(failing);
    actions.any(|action| matches!(action.act(), Action::SendKeys { expect, .. } if expect.is_empty()))
}
