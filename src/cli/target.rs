//! Which pane or run a person means.
//!
//! A pane: `%3`, `host:%3`, `session:window.pane`, `session:window`, a window's name, a session's name, or any of
//! them after `host/`. tmux writes `_` where a session's name had `:` or `.`, so both are understood. A name that
//! fits panes of several is never guessed: the candidates are listed. A pane's identity, the first two forms, is what we
//! print of it: it is never taken for the name of a window, which may be anything.

use super::CliError;
use tmuxagent_model::{PaneId, PaneInfo, PaneView, RunId, RunView, Snapshot};
use tmuxagent_text::clean;
use tmuxagent_yaml::nearest;

/// The panes that `text` names.
pub(super) fn panes<'s>(snapshot: &'s Snapshot, text: &str) -> Vec<&'s PaneView> {
    named(&snapshot.panes, |pane| &pane.info, text)
}

/// Those of `all` that `text` names.
pub(super) fn named<'p, T>(all: &'p [T], info: impl Fn(&T) -> &PaneInfo, text: &str) -> Vec<&'p T> {
    let text = text.trim();
    let is_named = |one: &T| {
        let info = info(one);
        if is_identity(text) {
            return info.short() == text || info.id().to_string() == text;
        }
        names(info).iter().any(|name| fold(name) == fold(text))
    };
    all.iter().filter(|one| is_named(one)).collect()
}

/// Whether a text has the form of a pane's identity: `%3` or `host:%3`.
fn is_identity(text: &str) -> bool {
    let (host, id) = text.split_once(':').unwrap_or(("", text));
    !host.contains('/') && id.parse::<PaneId>().is_ok()
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
    let forms = |info: &PaneInfo| [vec![info.short(), info.id().to_string()], names(info)].concat();
    let known: Vec<String> = snapshot.panes.iter().flat_map(|pane| forms(&pane.info)).collect();
    // A window of that very name is not what an identity means.
    let others = known.iter().map(String::as_str).filter(|name| *name != text.trim());
    let near = nearest(text, others);
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

/// Every form that names a pane, beside its identity.
fn names(info: &PaneInfo) -> Vec<String> {
    let (facts, index) = (&info.facts, info.pane_index);
    let mut own = vec![facts.session.clone(), facts.window.clone(), format!("{}.{index}", facts.window)];
    for window in [facts.window.clone(), info.window_index.to_string()] {
        own.push(format!("{}:{window}", facts.session));
        own.push(format!("{}:{window}.{index}", facts.session));
    }
    if !facts.role.is_empty() {
        own.push(facts.role.clone());
    }
    let host = &info.key.host;
    let mut all: Vec<String> = own.iter().map(|name| format!("{host}/{name}")).collect();
    all.extend(own);
    all
}

/// As tmux writes names in sessions: without `:` and `.`.
fn fold(text: &str) -> String {
    text.trim().replace([':', '.'], "_")
}

#[cfg(test)]
mod tests {
    use super::*;
    use tmuxagent_model::{HostName, PaneFacts, PaneKey, ServerId};

    fn pane(host: &str, id: u32, session: &str, window: &str) -> PaneInfo {
        let key = PaneKey { host: HostName::new(host), server: ServerId::new("s"), pane: PaneId(id), pid: 7 };
        PaneInfo::new(key, PaneFacts { session: session.into(), window: window.into(), ..PaneFacts::default() })
    }

    #[test]
    fn an_identity_is_never_the_name_of_a_window() {
        let panes = [
            pane("nas", 0, "work", "ci"),
            pane("local", 4, "proj", "nas:%0"),
            pane("local", 5, "nas_%0", "%4"),
            pane("local", 6, "proj", "local:%9"),
        ];
        let found = |text: &str| named(&panes, |pane| pane, text).into_iter().map(PaneInfo::short).collect::<Vec<_>>();
        assert_eq!(found("nas:%0"), ["nas:%0"]);
        assert_eq!(found(" %4 "), ["local:%4"]);
        assert!(found("local:%9").is_empty(), "a pane that is gone is no window of its name");
        assert_eq!((found("proj:nas:%0"), found("nas/work:ci.0")), (vec!["local:%4".into()], vec!["nas:%0".into()]));
        for text in ["nas_%0", "local/nas:%0"] {
            assert_eq!(found(text), ["local:%4", "local:%5"], "{text}");
        }
    }
}
