//! Runs of one group (`concurrency: {group: …}`), of which one acts at a time.
//!
//! **Rules.** A run has the group from its first stage to its end, also while it waits between two stages. Who comes while
//! another run has it waits for its end, makes it end, or does not begin, as its pipeline says; those who wait are served in
//! the order in which they came. A run that never had the group has done nothing, so that its `finally` has nothing to end.

use super::progress::Cause;
use super::state::{PaneRow, Run, State};
use super::table::StageInput;
use super::template::{Names, fill};
use super::turn::{At, Turn};
use tmuxagent_model::{RunId, RunState};
use tmuxagent_policy::{OnBusy, Pipeline, Quoting};

/// The other run for which this one waits: one that has its group, or came before it.
pub fn ahead<'s>(state: &'s State, run: &Run) -> Option<&'s Run> {
    let group = run.group.as_ref()?;
    state.runs.values().find(|other| {
        other.state == RunState::Open
            && other.id != run.id
            && other.group.as_ref() == Some(group)
            && (other.granted || other.id < run.id)
    })
}

/// The group of a run that is about to begin.
fn group_of(run: &Run, pipeline: &Pipeline, pane: &PaneRow) -> Result<Option<String>, String> {
    let Some(group) = &pipeline.concurrency.group else { return Ok(None) };
    let names = Names { run: Some(run), stage: "", each: &[], attempt: 1, pipeline: &pipeline.name, pane };
    fill(group, &names, Quoting::None).map(Some).map_err(|missing| missing.to_string())
}

impl Turn<'_> {
    /// Says which group a run belongs to that is about to begin, and makes room for it where its pipeline says so.
    ///
    /// # Errors
    /// Why it does not begin.
    pub fn put_in_group(&mut self, run: &mut Run, pipeline: &Pipeline) -> Result<(), String> {
        let Some(row) = self.state.panes.get(&run.pane) else { return Ok(()) };
        run.group = group_of(run, pipeline, row)?;
        run.group.as_ref().map_or(Ok(()), |group| self.make_room(group, pipeline.concurrency.on_busy))
    }

    fn make_room(&mut self, group: &str, on_busy: OnBusy) -> Result<(), String> {
        let open = |run: &&Run| run.state == RunState::Open && run.group.as_deref() == Some(group);
        // One whose end has begun does what its end does; who comes then waits for that.
        let gives_way = |run: &&Run| on_busy != OnBusy::CancelOlder || run.closing.is_none();
        let runs = self.state.runs.values().filter(open).filter(gives_way);
        let busy: Vec<RunId> = runs.map(|run| run.id).collect();
        match (on_busy, busy.first()) {
            (OnBusy::Refuse, Some(id)) => Err(format!("run {id} of group {group} is open")),
            (OnBusy::CancelOlder, Some(_)) => {
                let cause = Cause::own(self.now, "concurrency", format!("a newer run of group {group} begins"));
                for id in busy {
                    self.wind_up(id, &cause);
                }
                Ok(())
            }
            (OnBusy::Queue | OnBusy::Refuse | OnBusy::CancelOlder, _) => Ok(()),
        }
    }

    /// Whether a run has its group, or gets it now.
    pub fn has_group(&mut self, id: RunId) -> bool {
        let Some(run) = self.run(id) else { return false };
        if run.group.is_none() || run.granted {
            return true;
        }
        let free = ahead(self.state, run).is_none();
        if free && let Some(run) = self.state.runs.get_mut(&id) {
            run.granted = true;
        }
        free
    }

    /// Lets the first stage of a run wait until it has its group.
    pub fn queue_for_group(&mut self, at: At) {
        if self.shift(at, StageInput::Queue) {
            let meta = self.state.meta_mut();
            meta.queued += 1;
            let queue = meta.queued;
            if let Some(stage) = self.stage_mut(at) {
                stage.queue = Some(queue);
            }
        }
    }

    /// Cancels a run for a newer one in the same pane, as far as that is done at once; whether it was.
    pub fn makes_way(&mut self, id: RunId) -> bool {
        let cause = Cause::own(self.now, "concurrency", "a newer run begins in this pane");
        self.make_way(id, &cause);
        self.run(id).is_none_or(|run| run.state != RunState::Open)
    }
}

/// Whether a run that begins at this stage ends the older one of its pipeline in the same pane.
pub fn wants_way(pipeline: &Pipeline, stage: &str) -> bool {
    let first = pipeline.stages.first().is_some_and(|first| first.name == stage);
    first && pipeline.concurrency.on_busy == OnBusy::CancelOlder
}
