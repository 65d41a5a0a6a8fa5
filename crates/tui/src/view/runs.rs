//! Pipelines with their stages. Where there is no room for all stages, the run under the cursor is open and the others
//! show their stages' signs in one row.

use super::place::Place;
use super::text::{PanelRow, Row, cells, column, put_empty, put_lines, window};
use crate::model::{Model, Panel, RunRow};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;
use tmuxagent_model::{Millis, RunView, StageState, StageView, Timestamp};
use tmuxagent_text::{Lang, Text, clean, run_state, span, stage_detail, stage_doing};

pub fn render(model: &Model, area: Rect, buffer: &mut Buffer) {
    let rows = rows(model, area);
    if rows.is_empty() {
        let text = match (model.filter.is_empty(), model.watched_only().is_some()) {
            (false, _) => Text::NoMatch,
            (true, true) => Text::RunsElsewhere,
            (true, false) => Text::NoPipelines,
        };
        let text = if model.snapshot.is_some() { text } else { Text::Connecting };
        put_empty(text.of(model.lang()), model.theme(), area, buffer);
        return;
    }
    put_lines(rows.into_iter().map(|row| row.line), area, buffer);
}

pub fn rows(model: &Model, area: Rect) -> Vec<PanelRow> {
    let all = model.run_rows();
    let height = usize::from(area.height);
    let fits = all.len() <= height;
    let is_open = |row: &RunRow<'_>| fits || model.stage.as_ref().is_some_and(|stage| row.is_run_of(stage));
    let shown: Vec<(usize, RunRow<'_>)> =
        all.into_iter().enumerate().filter(|(_, row)| row.stage.is_none() || is_open(row)).collect();
    let selected = model.stage.as_ref().and_then(|stage| shown.iter().position(|(_, row)| row.is(stage)));
    let at = selected.unwrap_or(0);
    let start = window(shown.len(), at, at, height);
    let mut rows = Vec::new();
    for (n, (index, row)) in shown.iter().enumerate().skip(start).take(height) {
        let look = Look { selected: Some(n) == selected, width: area.width };
        let line = match row.stage {
            Some(stage) => stage_line(model, row.run, stage, look),
            None => run_line(model, row, is_open(row), look),
        };
        rows.push(PanelRow { index: *index, line });
    }
    rows
}

/// How a row is drawn.
#[derive(Debug, Clone, Copy)]
struct Look {
    selected: bool,
    width: u16,
}

impl Look {
    fn name(self, model: &Model, otherwise: Style) -> Style {
        match (self.selected, model.panel) {
            (true, Panel::Runs) => model.theme().selected(),
            (true, Panel::Panes | Panel::Approvals | Panel::Tail) => model.theme().strong(),
            (false, _) => otherwise,
        }
    }

    const fn cursor(self, model: &Model) -> &'static str {
        if self.selected { model.theme().cursor() } else { " " }
    }
}

fn run_line(model: &Model, row: &RunRow<'_>, open: bool, look: Look) -> Line<'static> {
    let (theme, lang, run) = (model.theme(), model.lang(), row.run);
    let (sign, style) = theme.run(run.state);
    let number = run.run.map(|run| format!(" {run}")).unwrap_or_default();
    let mut line = Row::default()
        .left(look.cursor(model), theme.strong())
        .left(sign, style)
        .left(" ", Style::new())
        .left(clean(&run.pipeline), look.name(model, theme.strong()))
        .left(number, theme.dim());
    let place = Place::of(&run.pane, &run.place);
    if open {
        line = line.place("  ", place, theme.dim()).right(run_state(lang, run.state), style);
    } else {
        line = line.place(" ", place, theme.dim()).left(" ", Style::new());
        for stage in &run.stages {
            let (sign, style) = theme.stage(stage.shown_state());
            line = line.left(" ", Style::new()).left(sign, style);
        }
        for stage in run.stages.iter().filter(|stage| stage.state.is_live()) {
            line = line.left(format!(" {}", clean(&stage.name)), theme.stage(stage.shown_state()).1);
        }
    }
    let took = run.started_at.map(|at| span(lang, run.ended_at.unwrap_or(model.time()).since(at)));
    line.right_some(took.map(|took| format!(" {took}")), theme.dim()).line(look.width, theme)
}

fn stage_line(model: &Model, run: &RunView, stage: &StageView, look: Look) -> Line<'static> {
    let (theme, lang) = (model.theme(), model.lang());
    let (sign, style) = theme.stage(stage.shown_state());
    let widest = run.stages.iter().map(|stage| cells(&clean(&stage.name))).max().unwrap_or(0);
    let state_width = if lang == Lang::Zh { 6 } else { 14 };
    let room = usize::from(look.width);
    let name_width = widest.min(room.saturating_sub(state_width + 18)).max(6);
    let otherwise = if stage.state == StageState::Waiting { theme.dim() } else { Style::new() };
    let not_reached = stage.is_not_reached();
    let word = stage_doing(lang, stage);
    let now = model.time();
    let (due, took) = (due(lang, now, stage), elapsed(now, stage).map(|took| span(lang, took)));
    // Of two times beside each other, words tell which is which.
    let took = took.map(|took| match (&due, lang) {
        (None, _) => format!(" {took}"),
        (Some(_), Lang::En) => format!(", for {took}"),
        (Some(_), Lang::Zh) => format!("，已 {took}"),
    });
    let due = due.map(|due| format!(" {due}"));
    // What it does is read before how long: of the times the one behind gives way, then the other.
    let wide = |text: Option<&str>| text.map_or(0, cells);
    let free = room.saturating_sub(name_width + cells(word) + 7);
    let took = took.filter(|took| wide(due.as_deref()) + cells(took) <= free);
    let due = due.filter(|due| cells(due) <= free);
    let times = wide(due.as_deref()) + wide(took.as_deref());
    let word_width = state_width.min((free + cells(word)).saturating_sub(times)).max(cells(word));
    let mut line = Row::default()
        .left(look.cursor(model), theme.strong())
        .left("  ", Style::new())
        .left(sign, style)
        .left(" ", Style::new())
        .left(column(&clean(&stage.name), name_width, theme), look.name(model, otherwise))
        .left(" ", Style::new())
        .left(column(word, word_width, theme), style);
    if let Some(attempt) = stage.told_attempt() {
        line = line.left(format!(" {attempt}"), style);
    }
    if let Some(round) = round(lang, stage) {
        line = line.left(format!(" {round}"), style);
    }
    if let Some(pane) = &stage.pane {
        let place = Place::of(pane, stage.place.as_deref().unwrap_or_default());
        line = line.place(" ", place, theme.dim());
    }
    if !not_reached && !stage.detail.is_empty() && room > name_width + state_width + 24 {
        line = line.left(format!("  {}", clean(&stage_detail(lang, stage, now, None))), theme.dim());
    }
    line.right_some(due, theme.warn()).right_some(took, theme.dim()).line(look.width, theme)
}

/// The round of a stage in a loop, in words; the first one needs none.
#[must_use]
pub fn round(lang: Lang, stage: &StageView) -> Option<String> {
    (stage.round > 1).then(|| match lang {
        Lang::En => format!("round {}/{}", stage.round, stage.rounds),
        Lang::Zh => format!("第 {}/{} 轮", stage.round, stage.rounds),
    })
}

/// How long a stage's attempt takes or took.
#[must_use]
pub fn elapsed(now: Timestamp, stage: &StageView) -> Option<Millis> {
    let started = stage.started_at?;
    match stage.ended_at {
        Some(ended) => Some(ended.since(started)),
        None if stage.state.is_live() => Some(now.since(started)),
        None => None,
    }
}

/// When the next timer of a live stage comes due, in words.
#[must_use]
pub fn due(lang: Lang, now: Timestamp, stage: &StageView) -> Option<String> {
    let at = stage.due_at.filter(|_| stage.state.is_live())?;
    let left = span(lang, at.since(now));
    Some(match lang {
        Lang::En => format!("in {left}"),
        Lang::Zh => format!("剩 {left}"),
    })
}
