//! The rows of the panels: what the snapshot holds and the filter lets through.

use super::Model;
use tmuxagent_model::{
    Approval, ApprovalState, HostState, HostView, Owner, PaneKey, PaneView, RunControl, RunState, RunView, StageState,
    StageView,
};

/// A run or one of its stages, by names: a new run of the same pipeline keeps the cursor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StageRef {
    /// The pane.
    pub pane: PaneKey,
    /// The pipeline.
    pub pipeline: String,
    /// The stage; `None` is the run as a whole.
    pub stage: Option<String>,
}

/// A row of the pipelines.
#[derive(Debug, Clone, Copy)]
pub struct RunRow<'a> {
    /// The run.
    pub run: &'a RunView,
    /// The stage; `None` on the run's own row.
    pub stage: Option<&'a StageView>,
}

impl RunRow<'_> {
    /// What it is.
    #[must_use]
    pub fn reference(&self) -> StageRef {
        StageRef {
            pane: self.run.pane.clone(),
            pipeline: self.run.pipeline.clone(),
            stage: self.stage.map(|stage| stage.name.clone()),
        }
    }

    /// Whether it is what a reference names.
    #[must_use]
    pub fn is(&self, reference: &StageRef) -> bool {
        self.is_run_of(reference) && self.stage.map(|stage| &stage.name) == reference.stage.as_ref()
    }

    /// Whether it belongs to the run that a reference names.
    #[must_use]
    pub fn is_run_of(&self, reference: &StageRef) -> bool {
        self.run.pane == reference.pane && self.run.pipeline == reference.pipeline
    }
}

impl Model {
    /// The panes shown, in the order of the inventory.
    #[must_use]
    pub fn panes(&self) -> Vec<&PaneView> {
        let Some(snapshot) = &self.snapshot else { return Vec::new() };
        let words = Words::of(&self.filter);
        let fits = |pane: &&PaneView| {
            let info = &pane.info;
            let facts = &info.facts;
            words.all_in(&[
                info.key.host.as_str(),
                &info.place(),
                &info.short(),
                &facts.title,
                &facts.role,
                &facts.command,
                &facts.path,
                &facts.agent,
            ])
        };
        snapshot.panes.iter().filter(fits).collect()
    }

    /// The runs shown and their stages, in the order of the snapshot.
    #[must_use]
    pub fn run_rows(&self) -> Vec<RunRow<'_>> {
        let Some(snapshot) = &self.snapshot else { return Vec::new() };
        let words = Words::of(&self.filter);
        let mut rows = Vec::new();
        for run in &snapshot.runs {
            let number = run.run.map(|run| run.to_string()).unwrap_or_default();
            let whole = words.all_in(&[&run.pipeline, &run.place, run.pane.host.as_str(), &number]);
            let stage_fits = |stage: &&StageView| {
                whole || words.all_in(&[&run.pipeline, &run.place, run.pane.host.as_str(), &number, &stage.name])
            };
            let stages: Vec<&StageView> = run.stages.iter().filter(stage_fits).collect();
            if whole || !stages.is_empty() {
                rows.push(RunRow { run, stage: None });
                rows.extend(stages.into_iter().map(|stage| RunRow { run, stage: Some(stage) }));
            }
        }
        rows
    }

    /// The approvals shown: the open ones, oldest first, then the closed ones.
    #[must_use]
    pub fn approvals(&self) -> Vec<&Approval> {
        let Some(snapshot) = &self.snapshot else { return Vec::new() };
        let words = Words::of(&self.filter);
        let none = String::new();
        let fits = |approval: &&Approval| {
            words.all_in(&[
                &approval.place,
                approval.pane.host.as_str(),
                &approval.question,
                &approval.effect_text,
                approval.pipeline.as_ref().unwrap_or(&none),
                approval.stage.as_ref().unwrap_or(&none),
            ])
        };
        let mut shown: Vec<&Approval> = snapshot.approvals.iter().filter(fits).collect();
        shown.sort_by_key(|approval| approval.state != ApprovalState::Pending);
        shown
    }

    /// The run that a reference names.
    #[must_use]
    pub fn run_of(&self, reference: &StageRef) -> Option<&RunView> {
        let snapshot = self.snapshot.as_ref()?;
        snapshot.runs.iter().find(|run| run.pane == reference.pane && run.pipeline == reference.pipeline)
    }

    /// The stage that a reference names.
    #[must_use]
    pub fn stage_of(&self, reference: &StageRef) -> Option<(&RunView, &StageView)> {
        let run = self.run_of(reference)?;
        let name = reference.stage.as_ref()?;
        run.stages.iter().find(|stage| &stage.name == name).map(|stage| (run, stage))
    }

    /// The stage that a question is about, of the run that asks, which may have begun in another pane.
    #[must_use]
    pub fn stage_asked_about(&self, approval: &Approval) -> Option<StageRef> {
        let pipeline = approval.pipeline.clone()?;
        let runs = self.snapshot.as_ref().map_or(&[][..], |snapshot| &snapshot.runs);
        let asks = |run: &&RunView| run.run.is_some() && run.run == approval.run && run.pipeline == pipeline;
        let pane = runs.iter().find(asks).map_or(&approval.pane, |run| &run.pane).clone();
        Some(StageRef { pane, pipeline, stage: approval.stage.clone() })
    }

    /// Whether the supervisor may do with a run what is wished: what has ended is not ended again, and of it only what did
    /// not end well can be left out.
    #[must_use]
    pub fn may_control(&self, stage: &StageRef, control: RunControl) -> bool {
        let Some(run) = self.run_of(stage) else { return false };
        let open = run.state == Some(RunState::Open);
        let is_well = |state| matches!(state, StageState::Succeeded | StageState::Skipped);
        let unwell = |state: StageState| state.is_ended() && !is_well(state);
        match control {
            RunControl::Cancel => open,
            RunControl::Retry => run.run.is_some(),
            RunControl::Skip => {
                let meant = |view: &&StageView| stage.stage.as_ref().is_none_or(|wanted| wanted == &view.name);
                open || run.stages.iter().filter(meant).any(|view| unwell(view.state))
            }
        }
    }

    /// The stage that can't be run again because it is under way, or has not begun; of a run as a whole its live one.
    #[must_use]
    pub fn not_to_be_retried(&self, stage: &StageRef) -> Option<&StageView> {
        let meant = |view: &&StageView| match &stage.stage {
            Some(wanted) => wanted == &view.name,
            None => view.state.is_live(),
        };
        let meant = self.run_of(stage)?.stages.iter().find(meant)?;
        let under_way = matches!(
            meant.state,
            StageState::Waiting
                | StageState::NeedsApproval
                | StageState::Queued
                | StageState::Starting
                | StageState::Running
        );
        under_way.then_some(meant)
    }

    /// Whether nothing runs on a pane yet: all that goes on there was approved, and that can still be taken back.
    #[must_use]
    pub fn is_only_approved(&self, pane: &PaneKey) -> bool {
        let runs = self.snapshot.as_ref().map_or(&[][..], |snapshot| &snapshot.runs);
        let stages = runs.iter().flat_map(|run| run.stages.iter().map(move |stage| (run, stage)));
        let there = |(run, stage): &(&RunView, &StageView)| {
            stage.pane.as_ref().unwrap_or(&run.pane) == pane && stage.state.is_live()
        };
        let mut live = stages.filter(there).peekable();
        live.peek().is_some() && live.all(|(_, stage)| stage.undo.is_some())
    }

    /// The first host on which another supervisor types, with that one.
    #[must_use]
    pub fn watched_only(&self) -> Option<(&HostView, &Owner)> {
        let hosts = &self.snapshot.as_ref()?.hosts;
        let mut watched = hosts.iter().filter(|host| host.state == HostState::Watching);
        watched.find_map(|host| Some((host, host.owner.as_deref()?)))
    }
}

/// The words of the filter, lower-case.
struct Words(Vec<String>);

impl Words {
    fn of(filter: &str) -> Self {
        Self(filter.split_whitespace().map(str::to_lowercase).collect())
    }

    /// Whether each word stands in one of the texts.
    fn all_in(&self, texts: &[&str]) -> bool {
        self.0.is_empty() || {
            let texts: Vec<String> = texts.iter().map(|text| text.to_lowercase()).collect();
            self.0.iter().all(|word| texts.iter().any(|text| text.contains(word)))
        }
    }
}
