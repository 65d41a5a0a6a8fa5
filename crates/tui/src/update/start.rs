//! A start by hand: what is started, and what it is given.

use super::super::editor::Editor;
use super::super::model::{Input, InputKind, Model, Overlay, Pick, PickItem, Starting};
use super::super::msg::Action;
use super::keys::{confirm, nothing, show};
use super::toast;
use tmuxagent_model::{Command, InputView, PaneKey, RunState, RunView, Severity, Variables};
use tmuxagent_text::{Lang, Text, clean};

/// The pipeline on a pane, with its present or last run.
fn run_on<'m>(model: &'m Model, pane: &PaneKey, pipeline: &str) -> Option<&'m RunView> {
    let runs = model.snapshot.as_ref().map_or(&[][..], |snapshot| &snapshot.runs);
    runs.iter().find(|run| run.pane == *pane && run.pipeline == pipeline)
}

/// Opens the choice of what can be started on the pane under the cursor.
pub(super) fn start(model: &mut Model) -> Vec<Action> {
    let Some(pane) = model.pane.clone() else { return nothing(model, Text::NoPane) };
    let Some(view) = model.pane_view(&pane) else { return nothing(model, Text::NoPane) };
    let mut items = Vec::new();
    for pipeline in &view.pipelines {
        items.push(PickItem { pipeline: pipeline.clone(), stage: None });
        let run = run_on(model, &pane, pipeline);
        items.extend(
            run.into_iter()
                .flat_map(|run| &run.stages)
                .map(|stage| PickItem { pipeline: pipeline.clone(), stage: Some(stage.name.clone()) }),
        );
    }
    if items.is_empty() {
        return nothing(model, Text::NothingToStart);
    }
    let selected = model.stage.as_ref().filter(|stage| stage.pane == pane);
    let cursor = selected
        .and_then(|at| items.iter().position(|item| item.pipeline == at.pipeline && item.stage == at.stage))
        .unwrap_or(0);
    let place = view.info.told_place();
    show(model, Overlay::Pick(Pick { pane, place, items, cursor }))
}

/// Something was chosen: what it asks for is given first. An open run has been given it.
pub(super) fn picked(model: &mut Model, pane: PaneKey, place: String, item: PickItem) -> Vec<Action> {
    let begins = |run: &&RunView| run.state != Some(RunState::Open);
    let run = run_on(model, &pane, &item.pipeline).filter(begins);
    let inputs = run.map(|run| run.inputs.clone()).unwrap_or_default();
    ask(model, Starting { pane, place, item, inputs, given: Vec::new() })
}

/// Asks for the next input, with its default in place; after the last one whether it is started so.
fn ask(model: &mut Model, starting: Starting) -> Vec<Action> {
    if let Some(input) = starting.asks_for() {
        let editor = Editor::with(input.default.as_deref().unwrap_or_default());
        return show(model, Overlay::Input(Input { kind: InputKind::Given(Box::new(starting)), editor }));
    }
    let Starting { pane, place, item, inputs, given } = starting;
    let what = item.stage.as_ref().map_or_else(String::new, |stage| format!(" / {}", clean(stage)));
    let mut lines = vec![format!("{}{what}  @ {}", clean(&item.pipeline), clean(&place))];
    let inputs: Variables = inputs.into_iter().map(|input| input.name).zip(given).collect();
    lines.extend(inputs.iter().map(|(name, value)| format!("{} = {}", clean(name), clean(value))));
    let command = Command::Start { pane, pipeline: item.pipeline, stage: item.stage, inputs };
    confirm(model, Text::StartQ, lines, command)
}

/// A value was given; what can't be one stays in its line.
pub(super) fn given(model: &mut Model, mut starting: Starting, value: &str) -> Vec<Action> {
    if let Some(why) = starting.asks_for().and_then(|input| unfit(input, value, model.lang())) {
        toast(model, Severity::Warning, why);
        return Vec::new();
    }
    starting.given.push(value.to_owned());
    model.overlays.pop();
    ask(model, starting)
}

/// Why a value is none, as far as this is known here; the supervisor knows all of it.
fn unfit(input: &InputView, value: &str, lang: Lang) -> Option<String> {
    let name = clean(&input.name);
    if !input.choices.is_empty() && !input.choices.iter().any(|choice| choice == value) {
        let choices = clean(&input.choices.join(", "));
        return Some(match lang {
            Lang::En => format!("{name} is one of {choices}"),
            Lang::Zh => format!("{name} 只能是 {choices} 之一"),
        });
    }
    (value.is_empty() && input.default.is_none()).then(|| match lang {
        Lang::En => format!("{name} needs a value"),
        Lang::Zh => format!("{name} 需要一个值"),
    })
}
