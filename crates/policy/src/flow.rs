//! What a pipeline says of its runs as a whole: the panes that they act in, what runs again, what is given at the start.

use super::guard::StageEnd;
use super::policy::{Condition, Pipeline, Selector, Stage, TextTemplate};

/// A name for a pane, by which stages say where they act.
#[derive(Debug, Clone)]
pub struct NamedPane {
    /// The name.
    pub name: String,
    /// Which panes it can mean; for each run it means one of them.
    pub selector: Selector,
    /// How one is made where none fits.
    pub make: Option<Make>,
}

/// How a pane is made for a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Make {
    /// The name of its window.
    pub window: String,
    /// The folder in which it begins; that of the run's own pane where none is named.
    pub cwd: Option<String>,
    /// What begins in it; a shell where none is named.
    pub command: Option<String>,
    /// Its role, by which it is found.
    pub role: String,
}

/// Stages that may run again in one run, in a circle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loop {
    /// Their names.
    pub stages: Vec<String>,
    /// How often each of them may start in one run, before a person is asked.
    pub max: u32,
}

/// Limits on runs going on at once. One run per pane and pipeline holds always.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Concurrency {
    /// Runs with this lock never have live stages at the same time, over all pipelines and panes.
    pub lock: Option<String>,
    /// Of the runs of one group one goes on at a time, from its first stage to its end.
    pub group: Option<TextTemplate>,
    /// What a run does that comes while another one of its group goes on.
    pub on_busy: OnBusy,
}

/// What a run does that comes while another one of its group goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnBusy {
    /// It waits for its end.
    #[default]
    Queue,
    /// It cancels it first.
    CancelOlder,
    /// It does not begin.
    Refuse,
}

/// The end of a stage of another pipeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Elsewhere {
    /// The pipeline.
    pub pipeline: String,
    /// Its stage.
    pub stage: String,
    /// How it ended: one of these.
    pub ends: Vec<StageEnd>,
}

/// The stages that one needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Needs {
    /// Their names.
    pub stages: Vec<String>,
    /// One of them is enough.
    pub any: bool,
}

/// What holds of stages of one run that act beside each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Parallel {
    /// How many of them may act at the same time.
    pub max: Option<u32>,
    /// What the failure of one does to those beside it.
    pub on_failure: OnFailure,
}

/// What the failure of a stage does to those beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnFailure {
    /// They go on to their own end.
    #[default]
    Finish,
    /// They are cancelled.
    Cancel,
}

/// A value that is given at the start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    /// Its name: `{{inputs.NAME}}`.
    pub name: String,
    /// What it can be.
    pub kind: InputKind,
    /// The value where none is given.
    pub default: Option<String>,
    /// A message that starts the pipeline may give it, and not only who starts it by hand.
    pub from_message: bool,
}

/// What an input can be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InputKind {
    /// Any text of one line.
    Text,
    /// A number or version.
    Number,
    /// One of these.
    Choice(Vec<String>),
}

impl Loop {
    /// Whether a stage stands in it.
    #[must_use]
    pub fn has(&self, stage: &str) -> bool {
        self.stages.iter().any(|name| name == stage)
    }
}

impl Pipeline {
    /// The loop that a stage stands in.
    #[must_use]
    pub fn loop_of(&self, stage: &str) -> Option<&Loop> {
        self.loops.iter().find(|one| one.has(stage))
    }

    /// Whether a stage comes after another one, by whatever end of it, or after one that does.
    #[must_use]
    pub fn comes_after(&self, stage: &str, first: &str) -> bool {
        let mut known = vec![first];
        loop {
            let more = self.stages.iter().find(|one| {
                let mut follows = false;
                one.triggers.walk(&mut |part| {
                    if let Condition::AfterStageSuccess(name)
                    | Condition::AfterStageFailure(name)
                    | Condition::AfterStageRejected(name) = part
                    {
                        follows |= known.contains(&name.as_str());
                    }
                });
                follows && !known.contains(&one.name.as_str())
            });
            match more {
                Some(one) if one.name == stage => return true,
                Some(one) => known.push(&one.name),
                None => return false,
            }
        }
    }

    /// The name of the pane that a stage acts in, where that is another one than the run's own.
    #[must_use]
    pub fn other_pane<'p>(&self, stage: &'p Stage) -> Option<&'p str> {
        stage.pane.as_deref().filter(|name| self.own_pane.as_deref() != Some(name))
    }

    /// The panes in which a stage can act.
    #[must_use]
    pub fn selector_of(&self, stage: &Stage) -> &Selector {
        let named = self.panes.iter().find(|pane| Some(pane.name.as_str()) == self.other_pane(stage));
        named.map_or(&self.selector, |pane| &pane.selector)
    }
}
