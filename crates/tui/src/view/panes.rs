//! The watched panes.

use super::place::Place;
use super::text::{PanelRow, Row, cells, column, put_empty, put_lines, window};
use crate::model::{Model, Panel};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use std::collections::BTreeMap;
use tmuxagent_model::{AgentState, ApprovalState, HostState, PaneState, PaneView, Reads, StageState, Timestamp};
use tmuxagent_text::{Lang, Text, agent_state, ago, approval_state, clean, pane_state, reads};

pub fn render(model: &Model, area: Rect, buffer: &mut Buffer) {
    let rows = rows(model, area);
    if rows.is_empty() {
        let text = if model.filter.is_empty() { Text::NoPanes } else { Text::NoMatch };
        let text = match &model.snapshot {
            None => Text::Connecting,
            Some(now)
                if model.filter.is_empty() && now.hosts.iter().any(|host| host.state == HostState::Connecting) =>
            {
                Text::LookingForPanes
            }
            Some(_) => text,
        };
        put_empty(text.of(model.lang()), model.theme(), area, buffer);
        return;
    }
    put_lines(rows.into_iter().map(|row| row.line), area, buffer);
}

pub fn rows(model: &Model, area: Rect) -> Vec<PanelRow> {
    let panes = model.panes();
    let selected = model.position(Panel::Panes);
    let height = usize::from(area.height);
    let at = selected.unwrap_or(0);
    let start = window(panes.len(), at, at, height);
    let places = places(&panes);
    let widest = places.iter().map(|place| cells(&place.whole())).max().unwrap_or(0);
    let least = places.iter().map(Place::least).max().unwrap_or(0);
    let shown = panes.iter().zip(places).enumerate().skip(start).take(height);
    shown
        .map(|(index, (pane, place))| {
            let line = row(model, pane, (&place, least, widest), Some(index) == selected, area.width);
            PanelRow { index, line }
        })
        .collect()
}

/// Where the panes are; those that share their place with another bear their ids.
fn places(panes: &[&PaneView]) -> Vec<Place> {
    let mut times: BTreeMap<String, usize> = BTreeMap::new();
    panes.iter().for_each(|pane| *times.entry(pane.info.place()).or_default() += 1);
    let told = |pane: &&PaneView| {
        let name = pane.info.place();
        let place = Place::of(&pane.info.key, &name);
        if times.get(&name).is_some_and(|times| *times > 1) { place } else { place.unnumbered() }
    };
    panes.iter().map(told).collect()
}

/// Since when a pane's host can't be seen.
pub fn stale_since(model: &Model, pane: &PaneView) -> Option<Timestamp> {
    let hosts = model.snapshot.iter().flat_map(|snapshot| &snapshot.hosts);
    let host = hosts.into_iter().find(|host| host.name == pane.info.key.host)?;
    (pane.state == PaneState::Stale).then_some(host.since)
}

/// What a pane is doing; where nothing goes on, who waits for keys there. A send that waits for another reader comes first.
fn pane_word(lang: Lang, pane: &PaneView) -> String {
    let needs_you = pane.state == PaneState::NeedsApproval && pane.reader.reads == Reads::Password;
    if pane.awaited.is_some() && !needs_you {
        return Text::Waiting.of(lang).to_owned();
    }
    if pane.state == PaneState::Running && pane.reader.is_at_line_prompt() {
        return lang.pick("at prompt", "等输入").to_owned();
    }
    // Where nothing of ours goes on, what the agent does says most; that a run failed its sign tells.
    let busy = pane.agent.as_ref().is_some_and(|agent| is_busy(&agent.state));
    let own = match pane.state {
        PaneState::Retrying | PaneState::Stale | PaneState::Dead => true,
        PaneState::Failed => !busy,
        PaneState::NeedsApproval | PaneState::Running | PaneState::Done | PaneState::Idle => false,
    };
    if let Some(agent) = pane.agent.as_ref().filter(|_| !own) {
        return agent_state(lang, &agent.state);
    }
    let known = pane.reader.front.is_some() && pane.reader.reads != Reads::Shell;
    let word = if pane.state == PaneState::Idle && known {
        reads(lang, &pane.reader.reads)
    } else {
        pane_state(lang, pane.state)
    };
    word.to_owned()
}

/// Whether a pane counts as running only for what was approved and can still be taken back: nothing runs there yet.
pub fn is_only_approved(model: &Model, pane: &PaneView) -> bool {
    let busy = pane.agent.as_ref().is_some_and(|agent| is_busy(&agent.state));
    pane.state == PaneState::Running && !busy && model.is_only_approved(&pane.info.key)
}

/// Whether something goes on in an agent, or it waits for somebody.
const fn is_busy(state: &AgentState) -> bool {
    match state {
        AgentState::Working
        | AgentState::NeedsApproval
        | AgentState::NeedsAnswer
        | AgentState::RateLimited { .. }
        | AgentState::Stalled
        | AgentState::Starting => true,
        AgentState::Idle | AgentState::Done | AgentState::Error | AgentState::Exited | AgentState::Unsure => false,
    }
}

/// Cells of a place that is still told from its neighbours.
const LEAST_PLACE: usize = 6;

fn row(
    model: &Model,
    pane: &PaneView,
    (place, least, widest): (&Place, usize, usize),
    selected: bool,
    width: u16,
) -> ratatui::text::Line<'static> {
    let theme = model.theme();
    let lang = model.lang();
    let approved = is_only_approved(model, pane);
    let (sign, style) = if approved { theme.stage(StageState::Queued) } else { theme.pane(pane.state) };
    let here = selected && model.panel == Panel::Panes;
    let name = if here {
        theme.selected()
    } else if selected {
        theme.strong()
    } else {
        Style::new()
    };
    let cursor = if selected { theme.cursor() } else { " " };
    // Of a pane that can't be seen now, since when; of any other, when it last printed.
    let (age, tone) = match stale_since(model, pane) {
        Some(since) => (Some(ago(lang, model.time(), since)), theme.warn()),
        None => (pane.last_output.map(|at| ago(lang, model.time(), at)), theme.dim()),
    };
    let wide = usize::from(width);
    // What is left for words beside the place decides what is said.
    let word_width = if lang == Lang::Zh { 6 } else { 9 };
    // Sign and state are the last to give way: a place of which the end is seen, and no age, tell more than no state.
    let most = (wide * 3 / 5).max(wide.min(40).saturating_sub(8)).min(wide.saturating_sub(word_width + 4));
    // Cursor and sign stay in any case.
    let place_width = widest.min(most.max(least.min(wide.saturating_sub(4)))).max(1);
    let room = wide.saturating_sub(place_width + 8);
    let stated = most >= LEAST_PLACE;
    let age = age.filter(|age| !stated || wide > place_width + word_width + cells(age) + 4);
    let place = match place.least() > place_width {
        true => place.squeezed(place_width, theme.ellipsis()),
        false => place.fit(place_width, theme.ellipsis()),
    };
    let mut row = Row::default().left(cursor, theme.strong()).left(sign, style).left(" ", Style::new());
    if !stated {
        return row.left(place, name).right_some(age, tone).line(width, theme);
    }
    let word = match approved {
        true => approval_state(lang, ApprovalState::Approved).to_owned(),
        false => pane_word(lang, pane),
    };
    row = row.left(column(&place, place_width, theme), name).left(" ", Style::new());
    row = row.left(column(&word, word_width, theme), style);
    if room >= 20 {
        let facts = &pane.info.facts;
        let agent = pane.agent.as_ref().map_or(&facts.agent, |agent| &agent.agent);
        let program = if agent.is_empty() { &facts.command } else { agent };
        row = row.left(" ", Style::new()).left(column(&clean(program), 8, theme), Style::new());
    }
    if room >= 34 {
        row = row.left(format!(" {}", clean(&pane.last_line)), theme.dim());
    }
    row.right_some(age, tone).line(width, theme)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{screen, shown};
    use super::*;
    use crate::sample::{Sample, pane};
    use tmuxagent_model::AgentStatus;

    /// Of hosts with long names the rows differ, and each shows which pane it is.
    #[test]
    fn panes_of_hosts_with_long_names_are_told_apart() {
        let far = |host: &str| {
            let mut view = pane(1, "work", "w", PaneState::Idle, "");
            view.info.key.host = tmuxagent_model::HostName::new(host);
            view
        };
        let (one, two) = (far("production-frankfurt-server-a"), far("production-frankfurt-server-b"));
        let text = shown(&screen(Sample::empty().pane(one).pane(two).build(), (80, 24), Lang::En));
        for end in ["-a/%1", "-b/%1"] {
            let row = text.lines().find(|row| row.contains(end)).unwrap_or_else(|| panic!("{end}: {text}"));
            assert!(row.contains("producti") && row.contains('…'), "{row}");
        }
    }

    /// What a pane does is seen at every width, however long its window's name is, and also a Chinese one.
    #[test]
    fn the_state_is_the_last_to_give_way() {
        for name in ["a-window-name-that-goes-on-and-on-without-any-end", "一个很长很长很长很长很长很长的窗口名字"]
        {
            for (lang, word) in [(Lang::En, "failed"), (Lang::Zh, "失败")] {
                let sample = Sample::empty().pane(pane(1, "a_long_session", name, PaneState::Failed, "its last line"));
                let snapshot = sample.build();
                for columns in [40, 44, 50, 60, 80, 100, 120] {
                    let text = shown(&screen(snapshot.clone(), (columns, 24), lang));
                    let row = text.lines().find(|row| row.contains(".0") && row.contains(word));
                    assert!(row.is_some(), "{columns} {lang:?}: {text}");
                }
            }
        }
    }

    /// The run before failed, and the agent works on.
    #[test]
    fn a_failed_run_hides_no_agent_that_works() {
        for (state, word) in [(AgentState::Working, "working"), (AgentState::Idle, "failed")] {
            let mut pane = pane(1, "proj", "w", PaneState::Failed, "");
            let (since, evidence, question) = (Timestamp(0), Vec::new(), None);
            pane.agent = Some(Box::new(AgentStatus { agent: "codex".to_owned(), state, since, evidence, question }));
            let text = shown(&screen(Sample::empty().pane(pane).build(), (100, 24), Lang::En));
            assert!(text.contains(&format!("✗ proj:w.0 {word}")), "{text}");
        }
    }
}
