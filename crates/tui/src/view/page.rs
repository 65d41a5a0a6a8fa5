//! Boxes of text: a title, lines, and how far they are scrolled.

use super::details::{about, approval, pane, stage};
use super::events::event_lines;
use super::explain::explanation;
use super::layout::Screen;
use super::text::{Row, column, put_lines, wrap};
use crate::keymap::Section;
use crate::model::{Model, Page};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use tmuxagent_model::HostState;
use tmuxagent_text::{Text, clean, clock, host_state, message};

pub fn render(model: &Model, page: &Page, scroll: u16, screen: &Screen, buffer: &mut Buffer) {
    let area = area(model, page, screen);
    let inner = super::boxed(model, title(model, page), area, buffer);
    let inner = super::layout::shrunk(inner, 1, 0);
    let lines = lines(model, page, inner.width);
    let n = lines.len();
    put_lines(lines.into_iter().skip(usize::from(scroll)), inner, buffer);
    let hidden = n.saturating_sub(usize::from(inner.height));
    if hidden > 0 {
        let shown = (usize::from(scroll) + usize::from(inner.height)).min(n);
        let text = format!(" {shown}/{n} ");
        let x = area.right().saturating_sub(u16::try_from(text.len()).unwrap_or(0) + 1);
        buffer.set_string(x, area.bottom().saturating_sub(1), text, model.theme().dim());
    }
}

/// Where the box of a page stands: as high as its text, at most the room there is.
pub fn area(model: &Model, page: &Page, screen: &Screen) -> Rect {
    let whole = screen.overlay();
    let n = lines(model, page, whole.width.saturating_sub(4)).len();
    let height = u16::try_from(n.max(1)).unwrap_or(u16::MAX).saturating_add(2).min(whole.height);
    Rect { height, ..whole }
}

pub fn max_scroll(model: &Model, page: &Page, screen: &Screen) -> u16 {
    let whole = screen.overlay();
    let n = lines(model, page, whole.width.saturating_sub(4)).len();
    u16::try_from(n.saturating_sub(usize::from(whole.height.saturating_sub(2)))).unwrap_or(u16::MAX)
}

fn title(model: &Model, page: &Page) -> String {
    let text = match page {
        Page::Help => Text::Help,
        Page::Approval(_) | Page::Pane(_) | Page::Stage(_) => Text::Details,
        Page::Events { .. } => Text::Events,
        Page::Principles => Text::Principles,
        Page::Problems => Text::Problems,
        Page::About => Text::About,
        Page::Explain { stage, .. } => {
            let name = stage.stage.as_ref().map_or_else(String::new, |stage| format!(" / {}", clean(stage)));
            return format!("{}  {}{name}", Text::Explain.of(model.lang()), clean(&stage.pipeline));
        }
    };
    text.of(model.lang()).to_owned()
}

fn lines(model: &Model, page: &Page, width: u16) -> Vec<Line<'static>> {
    let width = width.max(8);
    match page {
        Page::Help => help(model, width),
        Page::Approval(id) => approval(model, id, width),
        Page::Pane(key) => pane(model, key, width),
        Page::Stage(reference) => stage(model, reference, width),
        Page::Events { history } => events(model, history, width),
        Page::Principles => principles(model, width),
        Page::Problems => problems(model, width),
        Page::About => about(model, width),
        Page::Explain { stage, explanation: answer } => explanation(model, stage, answer, width),
    }
}

/// The keys by section, from the effective keymap; two columns where there is room.
fn help(model: &Model, width: u16) -> Vec<Line<'static>> {
    let (theme, lang) = (model.theme(), model.lang());
    let mut lines = Vec::new();
    for section in Section::ALL {
        if !lines.is_empty() {
            lines.push(Line::default());
        }
        lines.push(Line::from(Span::styled(section.title(lang), theme.strong())));
        for (action, keys) in model.setup.keymap.help(section, theme.glyphs) {
            let keys = column(&keys, 16, theme);
            let mut texts = wrap(action.description(lang), width.saturating_sub(18)).into_iter();
            let first = texts.next().unwrap_or_default();
            lines.push(Line::from(vec![Span::styled(keys, theme.busy()), Span::raw("  "), Span::raw(first)]));
            lines.extend(texts.map(|text| Line::from(format!("{:18}{text}", ""))));
        }
    }
    lines
}

/// Newest first: what the journal gave, and what came since.
fn events(model: &Model, history: &[tmuxagent_model::EventLine], width: u16) -> Vec<Line<'static>> {
    let newest = model.snapshot.as_ref().map_or(&[][..], |snapshot| &snapshot.events);
    let last = history.last().map_or(0, |event| event.seq);
    let all = newest.iter().rev().filter(|event| event.seq > last || history.is_empty()).chain(history.iter().rev());
    let lines: Vec<Line<'static>> = all.flat_map(|event| event_lines(model, event, width)).collect();
    if lines.is_empty() { vec![sentence(model, Text::NoEvents)] } else { lines }
}

fn sentence(model: &Model, text: Text) -> Line<'static> {
    Line::from(Span::styled(text.of(model.lang()), model.theme().dim()))
}

fn principles(model: &Model, width: u16) -> Vec<Line<'static>> {
    let texts = model.snapshot.as_ref().map_or(&[][..], |snapshot| &snapshot.principles);
    let mut lines = Vec::new();
    for (n, text) in texts.iter().enumerate() {
        let mut wrapped = wrap(&clean(text), width.saturating_sub(4)).into_iter();
        let first = wrapped.next().unwrap_or_default();
        lines.push(Line::from(vec![Span::styled(format!("{:>2}  ", n + 1), model.theme().busy()), Span::raw(first)]));
        lines.extend(wrapped.map(|text| Line::from(format!("    {text}"))));
    }
    if lines.is_empty() { vec![sentence(model, Text::NoPrinciples)] } else { lines }
}

fn problems(model: &Model, width: u16) -> Vec<Line<'static>> {
    let theme = model.theme();
    let mut lines = Vec::new();
    for problem in model.snapshot.as_ref().map_or(&[][..], |snapshot| &snapshot.problems) {
        let since = format!("{} {}", Text::Since.of(model.lang()), clock(&model.setup.zone, problem.since));
        lines.push(
            Row::default()
                .left(clean(&tmuxagent_text::part(model.lang(), &problem.part)), theme.bad())
                .right(since, theme.dim())
                .line(width, theme),
        );
        for line in tmuxagent_text::clean_block(&tmuxagent_text::trouble(model.lang(), &problem.text)) {
            lines.extend(wrap(&line, width.saturating_sub(2)).into_iter().map(|text| Line::from(format!("  {text}"))));
        }
    }
    let told = |part: &str| {
        model.snapshot.as_ref().is_some_and(|snapshot| snapshot.problems.iter().any(|problem| problem.part == part))
    };
    for host in model.snapshot.as_ref().map_or(&[][..], |snapshot| &snapshot.hosts) {
        if host.state != HostState::Unreachable || told(&format!("host {}", host.name)) {
            continue;
        }
        let since = format!("{} {}", Text::Since.of(model.lang()), clock(&model.setup.zone, host.since));
        let told = format!("{}: {}", clean(host.name.as_str()), host_state(model.lang(), host.state));
        lines.push(Row::default().left(told, theme.bad()).right(since, theme.dim()).line(width, theme));
        let detail = clean(&message(model.lang(), &host.detail));
        lines.extend(wrap(&detail, width.saturating_sub(2)).into_iter().map(|text| Line::from(format!("  {text}"))));
    }
    if lines.is_empty() {
        return vec![Line::from(Span::styled(
            Text::NoProblems.of(model.lang()),
            Style::patch(theme.good(), Style::new()),
        ))];
    }
    lines
}
