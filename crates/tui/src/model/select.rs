//! The cursor of each panel: moving it, and keeping it on the same thing while the picture changes.

use super::{Model, RunRow, StageRef};
use tmuxagent_model::{Approval, ApprovalId, ApprovalState, PaneKey, StageState};

/// A part of the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Panel {
    /// The watched panes.
    Panes,
    /// The runs with their stages.
    Runs,
    /// The questions.
    Approvals,
    /// The live screen of the selected pane.
    Tail,
}

impl Panel {
    /// All of them, in the order of the Tab key.
    pub const ALL: [Self; 4] = [Self::Panes, Self::Runs, Self::Approvals, Self::Tail];

    /// The panel after this one, or before it.
    #[must_use]
    pub const fn beside(self, direction: Direction) -> Self {
        match (self, direction) {
            (Self::Panes, Direction::Forward) | (Self::Approvals, Direction::Back) => Self::Runs,
            (Self::Runs, Direction::Forward) | (Self::Tail, Direction::Back) => Self::Approvals,
            (Self::Approvals, Direction::Forward) | (Self::Panes, Direction::Back) => Self::Tail,
            (Self::Tail, Direction::Forward) | (Self::Runs, Direction::Back) => Self::Panes,
        }
    }
}

/// Which way round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// To the next.
    Forward,
    /// To the one before.
    Back,
}

/// Where the cursors stood, as positions; used only to find a neighbour of what has gone.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Positions {
    pane: usize,
    stage: usize,
    approval: usize,
    /// Whether the approval under the cursor was open.
    was_open: bool,
    /// How many were open.
    n_open: usize,
}

impl Model {
    /// The position of the cursor in a panel's list.
    #[must_use]
    pub fn position(&self, panel: Panel) -> Option<usize> {
        match panel {
            Panel::Panes => {
                let pane = self.pane.as_ref()?;
                self.panes().iter().position(|view| &view.info.key == pane)
            }
            Panel::Runs => {
                let stage = self.stage.as_ref()?;
                self.run_rows().iter().position(|row| row.is(stage))
            }
            Panel::Approvals => {
                let id = self.approval.as_ref()?;
                self.approvals().iter().position(|approval| &approval.id == id)
            }
            Panel::Tail => None,
        }
    }

    /// How many rows a panel's list has.
    #[must_use]
    pub fn n_rows(&self, panel: Panel) -> usize {
        match panel {
            Panel::Panes => self.panes().len(),
            Panel::Runs => self.run_rows().len(),
            Panel::Approvals => self.approvals().len(),
            Panel::Tail => self.tail.as_ref().map_or(0, |tail| tail.text.lines.len()),
        }
    }

    /// Puts a panel's cursor onto a row, and the other panels' cursors onto what belongs to the same pane.
    pub(crate) fn select_row(&mut self, panel: Panel, row: usize) {
        match panel {
            Panel::Panes => {
                let key = self.panes().get(row).map(|pane| pane.info.key.clone());
                if let Some(key) = key {
                    self.show_runs_of(&key);
                    self.pane = Some(key);
                }
            }
            Panel::Runs => {
                let stage = self.run_rows().get(row).map(super::RunRow::reference);
                if let Some(stage) = stage {
                    self.pane = Some(stage.pane.clone());
                    self.stage = Some(stage);
                }
            }
            Panel::Approvals => {
                let found = self.approvals().get(row).map(|approval| (approval.id.clone(), approval.pane.clone()));
                if let Some((id, pane)) = found {
                    self.approval = Some(id);
                    self.show_runs_of(&pane);
                    self.pane = Some(pane);
                }
            }
            Panel::Tail => {}
        }
        self.tail_scroll = 0;
    }

    /// The stage worth looking at on a pane: the live one, else its run as a whole.
    fn show_runs_of(&mut self, pane: &PaneKey) {
        if self.stage.as_ref().is_some_and(|stage| &stage.pane == pane && self.run_of(stage).is_some()) {
            return;
        }
        let rows = self.run_rows();
        let live = |stage: &tmuxagent_model::StageView| stage.state.is_live();
        let of_pane = || rows.iter().filter(|row| &row.run.pane == pane);
        self.stage = of_pane()
            .find(|row| row.stage.is_some_and(live))
            .or_else(|| of_pane().next())
            .map(super::RunRow::reference);
    }

    /// The stage that tells most of a pane: the live one, else one that failed, else the last that ended, else its run.
    pub(crate) fn stage_of_interest(&self, pane: &PaneKey) -> Option<StageRef> {
        let rows = self.run_rows();
        // A stage of a run that began elsewhere may have its own pane.
        let there = |row: &&RunRow<'_>| {
            let own = row.stage.and_then(|stage| stage.pane.as_ref());
            &row.run.pane == pane || own == Some(pane)
        };
        let of_pane: Vec<_> = rows.iter().filter(there).collect();
        let with = |wanted: &dyn Fn(StageState) -> bool| {
            let found = of_pane.iter().filter(|row| row.stage.is_some_and(|stage| wanted(stage.state)));
            found.max_by_key(|row| row.stage.and_then(|stage| stage.ended_at)).copied()
        };
        let failed = |state| matches!(state, StageState::Failed | StageState::Escalated);
        with(&StageState::is_live)
            .or_else(|| with(&failed))
            .or_else(|| with(&StageState::is_ended))
            .or_else(|| of_pane.first().copied())
            .map(super::RunRow::reference)
    }

    /// Makes all cursors speak of what is selected in the panel that has the keys: whatever came, went or was pressed.
    pub(crate) fn settle_cursors(&mut self) {
        match self.panel {
            Panel::Panes | Panel::Tail => {
                if let Some(pane) = self.pane.clone() {
                    self.show_runs_of(&pane);
                }
            }
            Panel::Runs => {
                if let Some(pane) = self.stage.as_ref().map(|stage| stage.pane.clone()) {
                    self.pane = Some(pane);
                }
            }
            Panel::Approvals => {}
        }
        self.settle_approval();
        if self.panel == Panel::Approvals {
            self.follow_approval();
        }
    }

    /// Puts the cursor of the approvals onto the one that panel, selection and keys speak of. Among the pipelines that is
    /// the open question of the selected run, elsewhere one of the selected pane, or none: what is asked elsewhere is not
    /// decided from here. Where none is open, it is one whose yes can still be taken back. In the panel of the approvals it
    /// is the one that the user went to.
    fn settle_approval(&mut self) {
        if self.panel == Panel::Runs {
            let asked = self.stage.as_ref().and_then(|stage| self.asked_by(stage));
            self.approval = asked.map(|approval| approval.id.clone());
            return;
        }
        let approvals = self.approvals();
        let here = |approval: &&&Approval| {
            approval.state == ApprovalState::Pending && Some(&approval.pane) == self.pane.as_ref()
        };
        let current = approvals.iter().find(|approval| Some(&approval.id) == self.approval.as_ref());
        if current.is_some_and(|current| self.panel == Panel::Approvals || here(&current)) {
            return;
        }
        let now = self.time();
        let undoable =
            |approval: &&&Approval| approval.can_be_taken_back(now) && Some(&approval.pane) == self.pane.as_ref();
        let found = approvals.iter().find(here).or_else(|| approvals.iter().find(undoable));
        self.approval = found.map(|approval| approval.id.clone());
    }

    /// Puts the cursors of panes and pipelines onto what the question under the cursor is about.
    fn follow_approval(&mut self) {
        let Some(approval) = self.approval.as_ref().and_then(|id| self.approval_view(id)) else { return };
        let (pane, about) = (approval.pane.clone(), self.stage_asked_about(approval));
        if self.pane_view(&pane).is_some() {
            self.pane = Some(pane.clone());
        }
        let about = about.filter(|about| self.run_of(about).is_some_and(|run| run.run.is_some()));
        let there = |stage: &StageRef, about: &StageRef| stage.pane == about.pane && stage.pipeline == about.pipeline;
        match about {
            Some(about) if self.stage.as_ref().is_some_and(|stage| there(stage, &about)) => {}
            Some(about) => self.stage = Some(about),
            None => self.show_runs_of(&pane),
        }
    }

    /// The open question of a run, that of the named stage first; where there is none, one whose yes can still be taken back.
    #[must_use]
    pub fn asked_by(&self, stage: &StageRef) -> Option<&Approval> {
        let run = self.run_of(stage)?;
        let number = run.run?;
        let now = self.time();
        let of_run =
            |approval: &&&Approval| approval.run == Some(number) && approval.pipeline.as_ref() == Some(&run.pipeline);
        let asked = self.approvals();
        let first = |meant: &dyn Fn(&Approval) -> bool| {
            let asks = |approval: &&&Approval| of_run(approval) && meant(approval);
            let own = |approval: &&&Approval| asks(approval) && approval.stage == stage.stage;
            asked.iter().find(own).or_else(|| asked.iter().find(asks)).copied()
        };
        first(&|approval| approval.state == ApprovalState::Pending)
            .or_else(|| first(&|approval| approval.can_be_taken_back(now)))
    }

    /// Remembers where the cursors stand, before the lists change.
    pub(crate) fn positions(&self) -> Positions {
        let at = |panel| self.position(panel).unwrap_or(0);
        let was_open = self.approval.as_ref().is_some_and(|id| self.is_open(id));
        let (pane, stage, approval) = (at(Panel::Panes), at(Panel::Runs), at(Panel::Approvals));
        Positions { pane, stage, approval, was_open, n_open: self.n_pending() }
    }

    /// Puts each cursor whose thing has gone onto what stands in its place now.
    pub(crate) fn settle(&mut self, before: Positions) {
        if self.position(Panel::Panes).is_none() {
            self.pane = self.neighbour_pane(before.pane);
            self.tail_scroll = 0;
        }
        if self.position(Panel::Runs).is_none() {
            self.stage = self.neighbour_stage(before.stage);
        }
        if self.panel != Panel::Approvals {
            return;
        }
        let open = self.approval.as_ref().is_some_and(|id| self.is_open(id));
        // A first question is not left behind the decided ones that were looked at.
        let first = before.n_open == 0 && self.n_pending() > 0;
        if !open && (before.was_open || first || self.position(Panel::Approvals).is_none()) {
            let row = if before.was_open { before.approval } else { 0 };
            let open = self.n_open_shown();
            let last = if open > 0 { open } else { self.approvals().len() }.saturating_sub(1);
            self.select_row(Panel::Approvals, row.min(last));
        }
    }

    /// How many of the approvals shown are open; they stand first.
    #[must_use]
    pub fn n_open_shown(&self) -> usize {
        self.approvals().iter().filter(|approval| approval.state == ApprovalState::Pending).count()
    }

    fn is_open(&self, id: &ApprovalId) -> bool {
        self.approval_view(id).is_some_and(|approval| approval.state == ApprovalState::Pending)
    }

    fn neighbour_pane(&self, at: usize) -> Option<PaneKey> {
        let panes = self.panes();
        // The very first cursor goes where somebody is waited for.
        if self.pane.is_none() {
            let waiting = self.approvals().into_iter().find(|approval| approval.state == ApprovalState::Pending);
            if let Some(pane) = waiting.map(|approval| &approval.pane)
                && panes.iter().any(|view| &view.info.key == pane)
            {
                return Some(pane.clone());
            }
        }
        panes.get(at.min(panes.len().saturating_sub(1))).map(|pane| pane.info.key.clone())
    }

    fn neighbour_stage(&self, at: usize) -> Option<StageRef> {
        let rows = self.run_rows();
        let of_pane = rows.iter().filter(|row| Some(&row.run.pane) == self.pane.as_ref());
        let live = of_pane.clone().find(|row| row.stage.is_some_and(|stage| stage.state.is_live()));
        // Who walks among the pipelines goes on to the next one; for anybody else those of other panes are none.
        let beside = rows.get(at.min(rows.len().saturating_sub(1))).filter(|_| self.panel == Panel::Runs);
        live.or_else(|| of_pane.clone().next()).or(beside).map(super::RunRow::reference)
    }
}
