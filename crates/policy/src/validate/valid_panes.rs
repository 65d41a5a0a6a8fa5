//! Names for panes, and the stages that act in them.

use super::{PaneName, Reading};
use crate::flow::NamedPane;
use crate::raw::{Named, RawClosing, RawPipeline, RawSelectors, RawStage};
use tmuxagent_yaml::nearest;

impl<'a> Reading<'a> {
    /// The names that a `panes` gives.
    pub(super) fn pane_names(&mut self, raw: Option<&Named<RawSelectors>>) -> Vec<PaneName> {
        let mut names = Vec::new();
        for (name, selectors) in raw.iter().flat_map(|named| &named.0) {
            let pane = NamedPane { name: self.name(name, "a pane"), selector: self.selectors(selectors) };
            names.push(PaneName { pane, at: name.at, used: false });
        }
        names
    }

    /// The panes that the stages of a pipeline name. Its own names come before those of the file.
    pub(super) fn panes_of(
        &mut self,
        raw: &RawPipeline,
        stages: &[RawStage],
        closing: &[RawClosing],
    ) -> Vec<NamedPane> {
        let mut own = self.pane_names(raw.panes.as_ref());
        let mut used: Vec<NamedPane> = Vec::new();
        let of_stages = stages.iter().filter_map(|stage| stage.pane.as_ref());
        for text in of_stages.chain(closing.iter().filter_map(|item| item.pane.as_ref())) {
            let name = text.value.trim();
            let known = own.iter_mut().chain(&mut self.panes).find(|known| known.pane.name == name);
            if let Some(known) = known {
                known.used = true;
                if used.iter().all(|pane| pane.name != name) {
                    used.push(known.pane.clone());
                }
                continue;
            }
            let names: Vec<String> = own.iter().chain(&self.panes).map(|known| known.pane.name.clone()).collect();
            let near = nearest(name, names.iter().map(String::as_str));
            self.problems
                .error("unknown-pane", text.at, format!("no pane is called `{name}`"))
                .nearest(near)
                .help("give the name in `panes`, as `panes: {checks: {pane_role: checks}}`");
        }
        self.check_unused(&own);
        used
    }

    /// The name of the pane that runs belong to, where no `match` says which panes those are.
    pub(super) fn own_pane(&mut self, raw: &RawPipeline, stages: &[RawStage]) -> Option<String> {
        if raw.selector.is_some() {
            return None;
        }
        let first = stages.first().and_then(|stage| stage.pane.as_ref());
        let Some(first) = first else {
            let draft = self.problems.error("missing-key", raw.at, "a pipeline needs the key `match`");
            if !self.panes.is_empty() || raw.panes.is_some() {
                draft.help("or let its first stage say where it acts, as `in: checks`");
            }
            return None;
        };
        for stage in stages.iter().filter(|stage| stage.pane.is_none()) {
            let name = stage.name.as_ref().map_or("", |name| name.value.as_str());
            let message = format!("the stage `{name}` does not say where it acts, and its pipeline has no `match`");
            let help = "write `in: …` with a name of `panes`";
            self.problems.error("no-pane", stage.at, message).help(help);
        }
        let closing = raw.closing.iter().flat_map(|list| &list.items);
        for item in closing.filter(|item| item.pane.is_none()) {
            let message = "this does not say where it acts, and its pipeline has no `match`";
            self.problems.error("no-pane", item.at, message).help("write `in: …` with a name of `panes`");
        }
        Some(first.value.trim().to_owned())
    }

    /// Names that no stage uses.
    pub(super) fn check_unused(&mut self, names: &[PaneName]) {
        for name in names.iter().filter(|name| !name.used) {
            let message = format!("no stage acts in the pane `{}`", name.pane.name);
            self.problems
                .warning("unused-pane", name.at, message)
                .help("write `in: …` at a stage, or take the name out");
        }
    }
}
