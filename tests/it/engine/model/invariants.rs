//! What holds after every event, whatever came before: one function each.

use super::find_stage;
use std::collections::{BTreeMap, BTreeSet};
use tmuxagent_engine::{Engine, Options, Step, View};
use tmuxagent_model::{
    Approval, ApprovalId, ApprovalKind, ApprovalState, Command, EntityKind, Event, Intent, IntentState, PaneKey, RunId,
    RunState, StageState, StageView, TimerKey,
};

/// All that can be said of one step from `before` to `after`.
pub(super) fn all(before: &Engine, after: &Engine, options: Options, event: &Event, step: &Step) -> Result<(), String> {
    let (was, is) = (before.view(), after.view());
    one_live_stage(after, &is)?;
    unchanged_means_unchanged(before, after, step)?;
    gate_opens_by_decision(after, &was, &is, event)?;
    only_people_decide(&was, &is, event)?;
    decided_once(&was, &is, options)?;
    expiry_opens_nothing(&was, &is, event)?;
    intents_have_rows(step)?;
    freeze_holds(&is, step)?;
    panes_are_known(after, &is)?;
    locks_exclude(&is)?;
    output_types_no_reply(step, event)
}

/// A stage of a run.
pub(super) type StageKey = (RunId, String);

fn states(view: &View) -> BTreeMap<StageKey, StageState> {
    view.runs
        .iter()
        .filter_map(|run| Some((run.run?, run)))
        .flat_map(|(id, run)| run.stages.iter().map(move |stage| ((id, stage.name.clone()), stage.state)))
        .collect()
}

/// Stages whose state is another now; one that was not there was waiting.
pub(super) fn moved(was: &View, is: &View) -> Vec<(StageKey, StageState, StageState)> {
    let before = states(was);
    let ended = |run: RunId| is.runs.iter().any(|shown| shown.run == Some(run) && shown.state != Some(RunState::Open));
    states(is)
        .into_iter()
        // A closed run that is shown again, since its pipeline applies again, has not moved.
        .filter(|((run, _), _)| before.keys().any(|(known, _)| known == run) || !ended(*run))
        .map(|(key, after)| {
            let before = before.get(&key).copied().unwrap_or(StageState::Waiting);
            (key, before, after)
        })
        .filter(|(_, before, after)| before != after)
        .collect()
}

fn approvals(view: &View) -> BTreeMap<&ApprovalId, &Approval> {
    view.approvals.iter().map(|approval| (&approval.id, approval)).collect()
}

/// Stages of one run are live one at a time, but for those with `needs`; and in one pane one of them acts at a time.
fn one_live_stage(engine: &Engine, view: &View) -> Result<(), String> {
    let beside = |name: &str| find_stage(engine.policy(), name).is_some_and(|stage| stage.needs.is_some());
    for run in &view.runs {
        let live: Vec<_> = run.stages.iter().filter(|stage| stage.state.is_live()).collect();
        let alone = live.iter().filter(|stage| !beside(&stage.name)).count();
        if alone > 1 {
            return Err(format!("run {:?} has {alone} live stages that begin beside no other", run.run));
        }
        // One that asks where it acts has no pane: what it names is not there.
        let unplaced = |stage: &StageView| {
            let named = find_stage(engine.policy(), &stage.name).is_some_and(|rule| rule.pane.is_some());
            named && stage.pane.is_none() && stage.state == StageState::Asking
        };
        let acting = live.iter().filter(|stage| stage.state.is_under_way() && !unplaced(stage));
        let panes: Vec<_> = acting.map(|stage| stage.pane.as_ref().unwrap_or(&run.pane)).collect();
        let panes: Vec<_> = panes.into_iter().filter(|pane| view.panes.contains_key(*pane)).collect();
        if panes.len() != panes.iter().collect::<BTreeSet<_>>().len() {
            return Err(format!("two stages of run {:?} act in one pane", run.run));
        }
    }
    Ok(())
}

fn unchanged_means_unchanged(before: &Engine, after: &Engine, step: &Step) -> Result<(), String> {
    let nothing = step.changes.is_empty() && step.intents.is_empty() && step.withdrawn.is_empty();
    if !step.changed && (!nothing || before != after) {
        return Err("a step that says it changed nothing changed something".to_owned());
    }
    Ok(())
}

/// A gated stage leaves its gate towards action only by an approval of a human (perhaps after the undo period).
fn gate_opens_by_decision(engine: &Engine, was: &View, is: &View, event: &Event) -> Result<(), String> {
    for ((run, name), before, after) in moved(was, is) {
        let gated = find_stage(engine.policy(), &name).is_some_and(|stage| stage.gate.is_some());
        let acts =
            matches!(after, StageState::Queued | StageState::Starting | StageState::Running | StageState::Succeeded);
        let from_gate = matches!(before, StageState::Waiting | StageState::NeedsApproval);
        if !gated || !acts || !from_gate {
            continue;
        }
        let opened = match event {
            Event::Asked { command: Command::Decide { approval, verdict, .. }, .. } => {
                verdict.approve.then_some(approval)
            }
            Event::Timer { key: TimerKey::Grace(approval), .. } => Some(approval),
            _ => None,
        };
        let approved = opened.and_then(|id| engine.approval(id)).is_some_and(|approval| {
            approval.kind == ApprovalKind::Gate
                && approval.state == ApprovalState::Approved
                && approval.run == Some(run)
                && approval.stage.as_deref() == Some(name.as_str())
        });
        if !approved {
            return Err(format!("the gate of {name} in {run} opened from {before:?} to {after:?} by {event:?}"));
        }
    }
    Ok(())
}

/// Nothing but a command of a person decides.
fn only_people_decide(was: &View, is: &View, event: &Event) -> Result<(), String> {
    let before = approvals(was);
    for approval in &is.approvals {
        let had = before.get(&approval.id).is_some_and(|approval| approval.decision.is_some());
        let by_person = matches!(event, Event::Asked { command: Command::Decide { .. }, .. });
        if approval.decision.is_some() && !had && !by_person {
            return Err(format!("{} was decided by {event:?}", approval.id));
        }
    }
    Ok(())
}

/// A closed approval stays as it is, but for a yes that is taken back.
fn decided_once(was: &View, is: &View, options: Options) -> Result<(), String> {
    let after = approvals(is);
    for approval in was.approvals.iter().filter(|approval| approval.state != ApprovalState::Pending) {
        let Some(now) = after.get(&approval.id) else { continue };
        let taken_back =
            options.undo.0 > 0 && (approval.state, now.state) == (ApprovalState::Approved, ApprovalState::Rejected);
        // How long it can be taken back runs out by itself.
        let as_it_is = |approval: &Approval| Approval { undo_until: None, ..approval.clone() };
        if as_it_is(now) != as_it_is(approval) && !taken_back {
            return Err(format!("{} changed after it was closed", approval.id));
        }
    }
    Ok(())
}

/// An expiry starts nothing of the stage that it was about.
fn expiry_opens_nothing(was: &View, is: &View, event: &Event) -> Result<(), String> {
    let Event::Timer { key: TimerKey::Expiry(id), .. } = event else { return Ok(()) };
    let Some(approval) = approvals(is).get(id).copied() else { return Ok(()) };
    if !matches!(approval.state, ApprovalState::Expired | ApprovalState::Pending) {
        return Err(format!("{id} expired and is {:?}", approval.state));
    }
    for ((run, name), _, after) in moved(was, is) {
        let own = approval.run == Some(run) && approval.stage.as_deref() == Some(name.as_str());
        if own && !matches!(after, StageState::Failed | StageState::Escalated | StageState::Expired) {
            return Err(format!("the expiry of {id} made {name} {after:?}"));
        }
    }
    Ok(())
}

/// What is handed out is among the rows of the same step, open.
fn intents_have_rows(step: &Step) -> Result<(), String> {
    for intent in &step.intents {
        let row = step.changes.iter().find(|change| change.kind == EntityKind::Intent && change.key == intent.id.0);
        let stored = row.and_then(|row| row.body.as_deref()).and_then(|body| serde_json::from_str::<Intent>(body).ok());
        if stored.as_ref() != Some(intent) || intent.state != IntentState::Open {
            return Err(format!("{} is handed out without its row", intent.id));
        }
    }
    let ids: BTreeSet<_> = step.intents.iter().map(|intent| &intent.id).collect();
    if ids.len() == step.intents.len() { Ok(()) } else { Err("an intent is handed out twice".to_owned()) }
}

/// While sending is frozen nothing is typed or run.
fn freeze_holds(view: &View, step: &Step) -> Result<(), String> {
    match step.intents.iter().find(|intent| view.frozen.is_some() && intent.effect.freezable()) {
        Some(intent) => Err(format!("{} is handed out while frozen", intent.id)),
        None => Ok(()),
    }
}

/// Nothing is meant for panes that are gone.
fn panes_are_known(engine: &Engine, view: &View) -> Result<(), String> {
    let known: BTreeSet<&PaneKey> = view.panes.keys().collect();
    for intent in engine.open_intents() {
        if intent.effect.pane().is_some_and(|pane| !known.contains(pane)) {
            return Err(format!("{} is meant for a pane that is gone", intent.id));
        }
    }
    for approval in view.approvals.iter().filter(|approval| approval.state == ApprovalState::Pending) {
        if !known.contains(&approval.pane) {
            return Err(format!("{} asks about a pane that is gone", approval.id));
        }
    }
    Ok(())
}

/// No two runs act under one lock.
fn locks_exclude(view: &View) -> Result<(), String> {
    let acting = view.runs.iter().filter(|run| {
        run.pipeline == "release"
            && run.stages.iter().any(|stage| {
                matches!(
                    stage.state,
                    StageState::Starting | StageState::Running | StageState::Retrying | StageState::Asking
                )
            })
    });
    if acting.count() > 1 { Err("two runs act under one lock".to_owned()) } else { Ok(()) }
}

/// A line leads to no answer to an agent: what is typed because of a line belongs to a stage.
fn output_types_no_reply(step: &Step, event: &Event) -> Result<(), String> {
    let loose = step.intents.iter().find(|intent| intent.effect.freezable() && intent.run.is_none());
    match (event, loose) {
        (Event::Asked { .. }, _) | (_, None) => Ok(()),
        (Event::Timer { key: TimerKey::Grace(_), .. }, _) => Ok(()),
        (_, Some(intent)) => Err(format!("{} is typed by {event:?}", intent.id)),
    }
}
