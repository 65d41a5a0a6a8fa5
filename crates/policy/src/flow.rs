//! What a pipeline says of its runs as a whole: the panes that they act in, what runs again, what is given at the start.

use super::policy::{Pipeline, Selector, Stage};

/// A name for a pane, by which stages say where they act.
#[derive(Debug, Clone)]
pub struct NamedPane {
    /// The name.
    pub name: String,
    /// Which panes it can mean; for each run it means one of them.
    pub selector: Selector,
}

/// Stages that may run again in one run, in a circle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loop {
    /// Their names.
    pub stages: Vec<String>,
    /// How often each of them may start in one run, before a person is asked.
    pub max: u32,
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

impl Pipeline {
    /// The loop that a stage stands in.
    #[must_use]
    pub fn loop_of(&self, stage: &str) -> Option<&Loop> {
        self.loops.iter().find(|one| one.stages.iter().any(|name| name == stage))
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
