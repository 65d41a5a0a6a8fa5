//! Which panes a run acts in: its own, and those that the stages of its pipeline name.
//!
//! **Rules.** A name means one pane in one run; it is found when the run begins, and again where that pane has gone. Of the
//! panes that fit, the nearest to the run's own is meant: that pane itself, else one of its window, else one of its session,
//! else any. Where none fits, or several are equally near, nobody guesses: a run does not begin, and a stage asks.
//! What happens in a pane that runs of several others could use begins one of the nearest alone.
//! **Invariant:** what a stage types, hears and waits for is that of its own pane ([`Run::pane_of`]).

use super::gate::Ask;
use super::made::{Unplaced, made_in_words, make_of};
use super::state::{PaneRow, Planned, Run, StageRun, State, stage_key};
use super::table::StageInput;
use super::text::plan_in_words;
use super::turn::{At, Turn};
use std::collections::BTreeMap;
use std::sync::Arc;
use tmuxagent_model::{ApprovalKind, Note, OnApprove, PaneKey, RunId, RunState, Severity};
use tmuxagent_policy::{Make, Pipeline, Policy, Stage};

/// How many panes are named where several fit.
const TOLD: usize = 5;

/// How far a pane is from another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Distance {
    Same,
    Window,
    Session,
    Elsewhere,
}

fn distance(from: Option<&PaneRow>, to: &PaneRow) -> Distance {
    let Some(from) = from else { return Distance::Elsewhere };
    let (a, b) = (&from.info, &to.info);
    let server = (&a.key.host, &a.key.server) == (&b.key.host, &b.key.server);
    match server {
        _ if a.key == b.key => Distance::Same,
        true if a.window_id == b.window_id => Distance::Window,
        true if a.session_id == b.session_id => Distance::Session,
        _ => Distance::Elsewhere,
    }
}

/// The nearest of several panes, where one is nearer than all others.
pub fn nearest_alone<'p>(
    from: Option<&PaneRow>,
    panes: impl Iterator<Item = (&'p PaneKey, &'p PaneRow)>,
) -> Option<PaneKey> {
    let mut near: Vec<_> = panes.map(|(pane, row)| (distance(from, row), pane)).collect();
    near.sort_unstable();
    match near.as_slice() {
        [(first, _), (second, _), ..] if first == second => None,
        [(_, pane), ..] => Some((*pane).clone()),
        [] => None,
    }
}

impl Turn<'_> {
    /// The pane that a stage acts in.
    pub fn stage_pane(&self, at: At) -> Option<&PaneKey> {
        Some(self.run(at.run)?.pane_of(at.stage))
    }

    /// The open runs that have to do with a pane: its own, and those that come to act in it.
    pub fn runs_at(&self, pane: &PaneKey) -> Vec<RunId> {
        let Some(row) = self.state.panes.get(pane) else { return Vec::new() };
        row.open.values().chain(&row.guests).copied().collect()
    }

    /// The live stage of a run in that pane: the one that acts there, or else one that is to.
    pub fn live_at(&self, id: RunId, pane: &PaneKey) -> Option<At> {
        let here = self.all_live_at(id, pane);
        let acts = |at: &&At| self.stage(**at).is_some_and(|stage| stage.acts());
        here.iter().find(acts).or(here.first()).copied()
    }

    /// The live stages of a run in that pane.
    pub fn all_live_at(&self, id: RunId, pane: &PaneKey) -> Vec<At> {
        let Some(run) = self.run(id) else { return Vec::new() };
        run.live().filter(|stage| run.pane_of(*stage) == pane).map(|stage| At { run: id, stage }).collect()
    }

    /// A pane of a run, for people: its own as it was called when the run began.
    pub fn place_in(&self, run: &Run, pane: &PaneKey) -> String {
        if *pane == run.pane { pane.told(&run.place) } else { pane.told(&self.place(pane)) }
    }

    /// The panes to which runs belong whose stage listens to a pane. `here`: the pipeline has to do with the pane itself.
    pub fn listeners(&self, pane: &PaneKey, pipeline: &Pipeline, stage: &Stage, here: bool) -> Vec<PaneKey> {
        match pipeline.other_pane(stage) {
            None if here => vec![pane.clone()],
            None => Vec::new(),
            Some(name) => self.owners(pane, pipeline, name),
        }
    }

    /// The panes of the runs, going on or still to begin, in which a name means this pane.
    fn owners(&self, pane: &PaneKey, pipeline: &Pipeline, name: &str) -> Vec<PaneKey> {
        let runs = self.runs_at(pane).into_iter().filter_map(|id| self.run(id));
        let open = runs.filter(|run| run.pipeline == pipeline.name && run.panes.get(name) == Some(pane));
        let mut owners: Vec<PaneKey> = open.map(|run| run.pane.clone()).collect();
        let key = stage_key(&pipeline.name, name);
        if self.state.panes.get(pane).is_some_and(|row| row.names.contains(&key)) {
            let rows = self.state.panes.iter();
            let idle = rows.filter(|(_, row)| {
                row.pipelines.contains(&pipeline.name) && !row.open.contains_key(&pipeline.name) && !row.info.dead
            });
            let meant = idle.filter(|(own, _)| self.choose_pane(own, pipeline, name).is_ok_and(|found| found == *pane));
            owners.extend(nearest_alone(self.state.panes.get(pane), meant));
        }
        owners
    }

    /// The pane whose agent the triggers of a stage look at.
    pub fn listened(&self, own: &PaneKey, pipeline: &Pipeline, stage: &Stage) -> PaneKey {
        let Some(name) = pipeline.other_pane(stage) else { return own.clone() };
        let open = self.state.panes.get(own).and_then(|row| self.run(*row.open.get(&pipeline.name)?));
        let known = open.and_then(|run| run.panes.get(name).cloned());
        known.or_else(|| self.choose_pane(own, pipeline, name).ok()).unwrap_or_else(|| own.clone())
    }

    /// What every name of a pipeline means in a run that belongs to `own`.
    pub fn choose_panes(&self, own: &PaneKey, pipeline: &Pipeline) -> Result<BTreeMap<String, PaneKey>, String> {
        let mut panes = BTreeMap::new();
        for pane in &pipeline.panes {
            let is_own = pipeline.own_pane.as_ref() == Some(&pane.name);
            let found = if is_own { Ok(own.clone()) } else { self.choose_pane(own, pipeline, &pane.name) };
            match found {
                Ok(found) => drop(panes.insert(pane.name.clone(), found)),
                // When a stage needs it.
                Err(Unplaced::Make(_)) => {}
                Err(Unplaced::Unclear(why)) => return Err(why),
            }
        }
        Ok(panes)
    }

    /// The pane that a name means for a run that belongs to `own`, or why nobody can tell.
    fn choose_pane(&self, own: &PaneKey, pipeline: &Pipeline, name: &str) -> Result<PaneKey, Unplaced> {
        let key = stage_key(&pipeline.name, name);
        let from = self.state.panes.get(own);
        let fits: Vec<(Distance, &PaneKey, &PaneRow)> = self
            .state
            .panes
            .iter()
            .filter(|(pane, row)| !row.info.dead && row.names.contains(&key) && !self.is_being_closed(pane))
            .map(|(pane, row)| (distance(from, row), pane, row))
            .collect();
        let nearest = fits.iter().map(|(distance, ..)| *distance).min();
        let near: Vec<_> = fits.iter().filter(|(distance, ..)| Some(*distance) == nearest).collect();
        match near.as_slice() {
            [(_, pane, _)] => Ok((*pane).clone()),
            [] if make_of(pipeline, name).is_some() => Err(Unplaced::Make(name.to_owned())),
            [] => Err(Unplaced::Unclear(format!(
                "no pane fits the name {name} of pipeline {}; open one that does",
                pipeline.name
            ))),
            several => {
                let mut told: Vec<String> =
                    several.iter().take(TOLD).map(|(_, pane, row)| pane.told(&row.place)).collect();
                if several.len() > TOLD {
                    told.push("…".to_owned());
                }
                Err(Unplaced::Unclear(format!(
                    "the name {name} of pipeline {} fits several panes: {}; give the one that is meant a role or window of its own, and let the policy ask for that",
                    pipeline.name,
                    told.join(", ")
                )))
            }
        }
    }

    /// Says of every stage that waits where it will act, as far as that is known.
    pub fn place_waiting(&mut self, id: RunId, pipeline: &Pipeline) {
        let Some(run) = self.state.runs.get_mut(&id).filter(|_| !pipeline.panes.is_empty()) else { return };
        let (own, panes) = (run.pane.clone(), run.panes.clone());
        for stage in &mut run.stages {
            let name = pipeline.stage(&stage.name).and_then(|rule| rule.pane.as_ref());
            stage.pane = name.and_then(|name| panes.get(name)).filter(|pane| **pane != own).cloned();
        }
        self.be_guest(id);
    }

    /// Says where a stage acts that is about to begin, or goes on. Its pane may have gone since the run began.
    fn place_stage(&mut self, at: At) -> Result<(), Unplaced> {
        let policy = Arc::clone(&self.policy);
        let Some((pipeline, rule)) = self.rule(&policy, at) else { return Ok(()) };
        let Some(run) = self.run(at.run) else { return Ok(()) };
        let Some(name) = &rule.pane else {
            if rule.closes && self.state.panes.get(&run.pane).is_none_or(|row| row.info.dead) {
                return Err(Unplaced::Unclear("the pane of the run is gone".to_owned()));
            }
            // A policy before this one may have said otherwise.
            self.put_stage(at, None);
            return Ok(());
        };
        let is_there = |pane: &&PaneKey| self.state.panes.get(pane).is_some_and(|row| !row.info.dead);
        let pane = match run.panes.get(name).filter(is_there) {
            Some(pane) => pane.clone(),
            None => self.choose_pane(&run.pane, pipeline, name)?,
        };
        if let Some(run) = self.state.runs.get_mut(&at.run) {
            run.panes.insert(name.clone(), pane.clone());
        }
        self.put_stage(at, Some(pane));
        Ok(())
    }

    fn put_stage(&mut self, at: At, pane: Option<PaneKey>) {
        let own = self.run(at.run).map(|run| run.pane.clone());
        let pane = pane.filter(|pane| Some(pane) != own.as_ref());
        if self.stage(at).is_some_and(|stage| stage.pane != pane)
            && let Some(stage) = self.stage_mut(at)
        {
            stage.pane = pane;
            // Who was in front elsewhere says nothing of this pane.
            self.front_anew(at, false);
        }
        self.be_guest(at.run);
    }

    /// Says where a stage acts, has its pane made, or asks a person; says whether it is known.
    pub fn is_placed(&mut self, at: At) -> bool {
        let policy = Arc::clone(&self.policy);
        let closes = self.rule(&policy, at).is_some_and(|(_, rule)| rule.closes);
        match self.place_stage(at) {
            Ok(()) => return true,
            Err(Unplaced::Make(name)) if closes => {
                self.has_no_pane_at_end(at, format!("its pane {name} is not there, and none is made for the end"));
            }
            Err(Unplaced::Make(name)) => self.make_pane(at, &name),
            Err(Unplaced::Unclear(why)) if closes => self.has_no_pane_at_end(at, why),
            Err(Unplaced::Unclear(why)) => self.not_placed(at, why),
        }
        false
    }

    /// The same for a stage that asks before it begins. Its pane is made behind the yes, as everything that it does; until
    /// then it asks in the pane of its run.
    pub fn is_placed_to_ask(&mut self, at: At) -> bool {
        match self.place_stage(at) {
            Ok(()) => return true,
            Err(Unplaced::Make(_)) => {
                self.put_stage(at, None);
                return true;
            }
            Err(Unplaced::Unclear(why)) => self.not_placed(at, why),
        }
        false
    }

    /// What a yes to a stage does, in words: its plan, behind the pane that is made for it.
    pub fn done_by_yes(&self, at: At, plan: &[Planned]) -> String {
        let make = self.yes_makes(at).map(|make| made_in_words(&make));
        let parts = make.into_iter().chain([plan_in_words(plan)]).filter(|part| !part.is_empty());
        parts.collect::<Vec<_>>().join(", then ")
    }

    /// How the pane is made that a stage still lacks.
    pub fn yes_makes(&self, at: At) -> Option<Make> {
        let policy = Arc::clone(&self.policy);
        let (pipeline, rule) = self.rule(&policy, at)?;
        let (run, name) = (self.run(at.run)?, rule.pane.as_ref()?);
        let known = run.panes.get(name).and_then(|pane| self.state.panes.get(pane));
        if known.is_some_and(|row| !row.info.dead) {
            return None;
        }
        match self.choose_pane(&run.pane, pipeline, name) {
            Err(Unplaced::Make(_)) => make_of(pipeline, name).cloned(),
            _ => None,
        }
    }

    /// Begins a stage that was asked about. Where it has another pane by now, and would do something else in it than was shown
    /// (quotes are those of a shell, and a text may name its pane), the yes was to something else.
    pub fn enter_as_shown(&mut self, at: At) {
        let before = self.stage_pane(at).cloned();
        let shown = self.stage(at).is_some_and(|stage| stage.plan_fixed);
        let moved = shown && self.place_stage(at).is_ok() && self.stage_pane(at) != before.as_ref();
        if !moved || self.is_planned_here(at) {
            return self.enter(at);
        }
        let policy = Arc::clone(&self.policy);
        let gated = self.rule(&policy, at).is_some_and(|(_, rule)| rule.gate.is_some());
        if let Some(stage) = self.stage_mut(at) {
            stage.plan_fixed = false;
        }
        if !gated {
            return self.enter(at);
        }
        self.shift(at, StageInput::Queue);
        self.ask_gate(at);
    }

    /// Whether what was shown of a stage is what it does in its pane.
    fn is_planned_here(&self, at: At) -> bool {
        let policy = Arc::clone(&self.policy);
        let (Some((_, rule)), Some(stage)) = (self.rule(&policy, at), self.stage(at)) else { return false };
        self.plan(at, rule, &rule.actions_on_start, stage.attempt + 1).is_ok_and(|plan| plan == stage.plan)
    }

    /// Nobody knows where a stage acts: a person is asked.
    pub fn not_placed(&mut self, at: At, why: String) {
        // A question is asked of a stage that has begun.
        if self.shift(at, StageInput::Start) && self.shift(at, StageInput::Ask) {
            // Nobody can be asked about a pane that is gone: it is asked in the pane of the run.
            let gone = self.pane_of(at).is_none();
            let policy = Arc::clone(&self.policy);
            let make = self.rule(&policy, at).and_then(|(pipeline, rule)| make_of(pipeline, rule.pane.as_deref()?));
            if let Some(stage) = self.stage_mut(at) {
                stage.unplaced = true;
                stage.queue = None;
                stage.pane = stage.pane.take().filter(|_| !gone);
            }
            let ask = Ask {
                kind: ApprovalKind::Failed { on_approve: OnApprove::Rerun },
                question: format!("Stage {} can't begin: {why}. Look for its pane again?", self.stage_name(at)),
                effect_text: looked_for(make),
                attempt: self.stage(at).map_or(1, |stage| stage.attempt + 1),
                ..Ask::default()
            };
            self.ask_about(at, ask);
        }
    }

    /// A stage that asked which pane it acts in looks again; says whether it was one.
    pub fn look_for_pane(&mut self, at: At) -> bool {
        let Some(stage) = self.stage_mut(at).filter(|stage| stage.unplaced) else { return false };
        stage.unplaced = false;
        let shown = stage.plan_fixed;
        let policy = Arc::clone(&self.policy);
        let gated = self.rule(&policy, at).is_some_and(|(_, rule)| rule.gate.is_some());
        // Nobody said yes to its actions yet.
        if gated && !shown {
            self.ask_gate(at)
        } else {
            self.enter(at)
        }
        true
    }

    /// Makes a run known in the panes that it comes to act in.
    pub fn be_guest(&mut self, id: RunId) {
        let Some(run) = self.run(id) else { return };
        let own = run.pane.clone();
        let panes: Vec<PaneKey> = run.panes.values().filter(|pane| **pane != own).cloned().collect();
        for pane in panes {
            if self.state.panes.get(&pane).is_some_and(|row| !row.guests.contains(&id))
                && let Some(row) = self.state.panes.get_mut(&pane)
            {
                row.guests.insert(id);
            }
        }
    }

    /// A run comes to act nowhere any more.
    pub fn be_no_guest(&mut self, id: RunId) {
        let rows = self.state.panes.iter().filter(|(_, row)| row.guests.contains(&id));
        let panes: Vec<PaneKey> = rows.map(|(pane, _)| pane.clone()).collect();
        for pane in panes {
            if let Some(row) = self.state.panes.get_mut(&pane) {
                row.guests.remove(&id);
            }
        }
    }

    /// The run's own pane is gone while a stage goes on elsewhere: the run belongs to that pane from now on, where every
    /// stage says by a name where it acts. Says whether it does.
    pub fn move_run(&mut self, id: RunId) -> bool {
        let policy = Arc::clone(&self.policy);
        let Some(run) = self.run(id) else { return false };
        let (pipeline, old, new) = (run.pipeline.clone(), run.pane.clone(), run.present_pane().clone());
        let named = policy.pipeline(&pipeline).is_some_and(|p| p.stages.iter().all(|stage| stage.pane.is_some()));
        let free = self.state.panes.get(&new).is_some_and(|row| !row.open.contains_key(&pipeline));
        if !named || !free {
            return false;
        }
        let place = self.place(&new);
        if let Some(run) = self.state.runs.get_mut(&id) {
            for stage in run.stages.iter_mut().filter(|stage| stage.pane.is_none()) {
                stage.pane = Some(old.clone());
            }
            (run.pane, run.place) = (new.clone(), place);
        }
        if let Some(row) = self.state.panes.get_mut(&new) {
            row.guests.remove(&id);
            row.open.insert(pipeline.clone(), id);
        }
        if let Some(row) = self.state.panes.get_mut(&old) {
            row.open.remove(&pipeline);
        }
        let text =
            format!("run {id} of {pipeline} goes on: the pane that it began in is gone, and its stage acts here");
        self.note_at(Severity::Warning, &new, Note::Text { text });
        true
    }
}

/// The stage that acts in the pane of this one: another one of its run, or of another run, where one of both says by a name
/// that it does so.
pub fn busy_pane<'s>(state: &'s State, policy: &Policy, at: At) -> Option<(&'s Run, &'s StageRun)> {
    let named = |run: &Run, stage: usize| {
        let stage = run.stages.get(stage).map(|stage| &stage.name);
        let rule = policy.pipeline(&run.pipeline).zip(stage).and_then(|(pipeline, name)| pipeline.stage(name));
        rule.is_some_and(|rule| rule.pane.is_some())
    };
    let own = state.runs.get(&at.run)?;
    let (pane, by_name) = (own.pane_of(at.stage), named(own, at.stage));
    let row = state.panes.get(pane)?;
    row.open.values().chain(&row.guests).find_map(|id| {
        let run = state.runs.get(id).filter(|run| run.state == RunState::Open)?;
        let acts = |live: &usize| {
            let other = if run.id == own.id { *live != at.stage } else { by_name || named(run, *live) };
            let under_way = run.stages.get(*live).is_some_and(|stage| stage.acts());
            other && under_way && run.pane_of(*live) == pane
        };
        let live = run.live().find(acts)?;
        Some((run, run.stages.get(live)?))
    })
}

/// What a yes does to a stage that has no pane.
fn looked_for(make: Option<&Make>) -> String {
    match make.map(|make| (&make.window, &make.command)) {
        None => "nothing is typed before its pane is found".to_owned(),
        Some((window, None)) => {
            format!("the window {window} is made, unless it is there; nothing is typed before its pane is found")
        }
        Some((window, Some(command))) => format!(
            "the window {window} is made with `{command}`, unless it is there; nothing is typed before its pane is found"
        ),
    }
}
