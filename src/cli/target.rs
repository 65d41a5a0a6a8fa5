//! Which pane or run a person means.
//!
//! A pane: `%3`, `host:%3`, `session:window.pane`, `session:window`, a window's name, a session's name, or any of
//! them after `host/`. tmux writes `_` where a session's name had `:` or `.`, so both are understood. A name that
//! fits panes of several is never guessed: the candidates are listed.

use super::CliError;
use tmuxagent_model::{PaneInfo, PaneView, RunId, RunView, Snapshot};
use tmuxagent_text::clean;
use tmuxagent_yaml::nearest;

/// The panes that `text` names.
pub(super) fn panes<'s>(snapshot: &'s Snapshot, text: &str) -> Vec<&'s PaneView> {
    let wanted = fold(text);
    snapshot.panes.iter().filter(|pane| names(&pane.info).iter().any(|name| fold(name) == wanted)).collect()
}

/// The one pane that `text` names.
pub(super) fn pane<'s>(snapshot: &'s Snapshot, text: &str) -> Result<&'s PaneView, CliError> {
    let found = panes(snapshot, text);
    match found[..] {
        [pane] => Ok(pane),
        [] => Err(nothing(snapshot, text)),
        _ => Err(CliError::NotFound {
            text: format!("`{}` fits {} panes", clean(text), found.len()),
            hint: "say which one:".to_owned(),
            candidates: found.iter().map(|pane| listed(pane)).collect(),
        }),
    }
}

/// The one run that `text` names: its number, or a pane with one open run, or else one run.
pub(super) fn run<'s>(snapshot: &'s Snapshot, text: &str) -> Result<&'s RunView, CliError> {
    if let Ok(number) = text.parse::<RunId>() {
        return snapshot.runs.iter().find(|run| run.run == Some(number)).ok_or_else(|| no_run(number));
    }
    let pane = pane(snapshot, text)?;
    let of_pane: Vec<&RunView> =
        snapshot.runs.iter().filter(|run| run.pane == pane.info.key && run.run.is_some()).collect();
    let open: Vec<&RunView> =
        of_pane.iter().copied().filter(|run| run.state == Some(tmuxagent_model::RunState::Open)).collect();
    let found = if open.is_empty() { of_pane } else { open };
    match found[..] {
        [run] => Ok(run),
        [] => Err(CliError::NotFound {
            text: format!("no pipeline has run on {}", pane.info.short()),
            hint: "`tmuxagent start PANE PIPELINE` starts one".to_owned(),
            candidates: Vec::new(),
        }),
        _ => Err(CliError::NotFound {
            text: format!("{} runs of {} could be meant", found.len(), pane.info.short()),
            hint: "say which one:".to_owned(),
            candidates: found
                .iter()
                .filter_map(|run| Some(format!("{}  {}", run.run?, clean(&run.pipeline))))
                .collect(),
        }),
    }
}

/// That nothing is known of a run.
pub(super) fn no_run(number: RunId) -> CliError {
    CliError::NotFound {
        text: format!("there is no run {number}"),
        hint: "`tmuxagent panes --runs` lists the runs".to_owned(),
        candidates: Vec::new(),
    }
}

fn nothing(snapshot: &Snapshot, text: &str) -> CliError {
    let known: Vec<String> = snapshot.panes.iter().flat_map(|pane| names(&pane.info)).collect();
    let near = nearest(text, known.iter().map(String::as_str));
    let hint = match (near, snapshot.panes.is_empty()) {
        (_, true) => "no pane is watched: see `tmuxagent status`".to_owned(),
        (Some(near), false) => format!("did you mean `{}`? `tmuxagent panes` lists all", clean(near)),
        (None, false) => "`tmuxagent panes` lists all".to_owned(),
    };
    CliError::NotFound { text: format!("no watched pane is named `{}`", clean(text)), hint, candidates: Vec::new() }
}

fn listed(pane: &PaneView) -> String {
    format!("{}  {}", pane.info.short(), clean(&pane.info.target()))
}

/// Every form that names a pane.
pub(super) fn names(info: &PaneInfo) -> Vec<String> {
    let facts = &info.facts;
    let (id, index) = (info.key.pane.to_string(), info.pane_index);
    let mut own = vec![facts.session.clone(), facts.window.clone(), format!("{}.{index}", facts.window)];
    for window in [facts.window.clone(), info.window_index.to_string()] {
        own.push(format!("{}:{window}", facts.session));
        own.push(format!("{}:{window}.{index}", facts.session));
    }
    if !facts.role.is_empty() {
        own.push(facts.role.clone());
    }
    let host = &info.key.host;
    let far = own.iter().map(|name| format!("{host}/{name}"));
    let mut all: Vec<String> = far.chain([format!("{host}:{id}"), id]).collect();
    all.extend(own);
    all
}

/// As tmux writes names in sessions: without `:` and `.`.
pub(super) fn fold(text: &str) -> String {
    text.trim().replace([':', '.'], "_")
}
