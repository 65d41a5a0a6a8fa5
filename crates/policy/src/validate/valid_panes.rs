//! Names for panes, and the stages that act in them.

use super::{PaneName, Reading};
use crate::flow::{Make, NamedPane};
use crate::policy::{Selector, TextTest};
use crate::raw::{Named, RawClosing, RawMake, RawPaneName, RawPipeline, RawStage};
use crate::read::Text;
use tmuxagent_yaml::nearest;

impl<'a> Reading<'a> {
    /// The names that a `panes` gives.
    pub(super) fn pane_names(&mut self, raw: Option<&Named<RawPaneName>>) -> Vec<PaneName> {
        let mut names = Vec::new();
        for (text, raw) in raw.iter().flat_map(|named| &named.0) {
            let name = self.name(text, "a pane");
            let make = raw.make.as_ref().map(|raw| self.make(raw, &name));
            // A pane that is made bears its role from the beginning, and its patterns are listened to from then on.
            let by_role = make.as_ref().map(|make| Selector::Role(TextTest::Exact(make.role.clone())));
            let selector = raw.selector.as_ref().map(|selectors| self.selectors(selectors));
            let selector = selector.or(by_role).unwrap_or_else(|| Selector::Any(Vec::new()));
            names.push(PaneName { pane: NamedPane { name, selector, make }, at: text.at, used: false });
        }
        names
    }

    fn make(&mut self, raw: &RawMake, name: &str) -> Make {
        let window = raw.window.as_ref().map_or_else(|| name.to_owned(), |text| self.name(text, "a window"));
        if let Some(text) = raw.window.as_ref().filter(|_| window.contains([':', '.'])) {
            let message = format!("`{window}` can't be the name of a window that is made");
            self.problems.error("bad-name", text.at, message).help("tmux takes `:` and `.` for signs of a target");
        }
        let role = raw.role.as_ref().map_or_else(|| name.to_owned(), |text| self.name(text, "a role"));
        let (cwd, command) = (self.plain_text(raw.cwd.as_ref()), self.plain_text(raw.command.as_ref()));
        Make { window, cwd, command, role }
    }

    /// A text of one line in which nothing is filled in.
    fn plain_text(&mut self, text: Option<&Text>) -> Option<String> {
        let text = text?;
        let value = text.value.trim();
        if value.contains("{{") {
            let message = "no value is filled in where a pane is made";
            let help = "write the text as it is, and type what needs values in an action of a stage";
            self.problems.error("template-here", text.at, message).help(help);
        } else if value.is_empty() || value.chars().any(char::is_control) {
            let message = "what a pane is made with is one line of text";
            self.problems
                .error("bad-value", text.at, message)
                .help("put more than that into a script, and name it here");
        }
        Some(value.to_owned())
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
    pub(super) fn own_pane(&mut self, raw: &RawPipeline, stages: &[RawStage], panes: &[NamedPane]) -> Option<String> {
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
        let name = first.value.trim();
        if panes.iter().any(|pane| pane.name == name && pane.make.is_some()) {
            let message =
                format!("a run begins in the pane of its first stage, and `{name}` is one that is made for a run");
            let help =
                "let the first stage act in another pane, or say with `match` which panes the pipeline applies to";
            self.problems.error("no-pane", first.at, message).help(help);
        }
        Some(name.to_owned())
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
