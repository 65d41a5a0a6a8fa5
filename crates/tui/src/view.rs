//! The picture: pure functions from a [`Model`] to cells.
//!
//! **Invariants:** nothing here changes the model, reads a clock or the terminal; every text that came from outside has
//! been through `text::clean` or `text::reveal`, or is the live screen, which has been through `tail::styled`.

mod approvals;
mod confirm;
mod details;
mod events;
mod evidence;
mod explain;
mod fold;
mod footer;
mod header;
mod input;
mod layout;
mod lists;
mod page;
mod panes;
mod place;
mod runs;
mod tail;
mod text;

pub use fold::{Commands, Fold};
pub use layout::{MIN_HEIGHT, MIN_WIDTH};
pub use text::{cut, cut_start, steps_text, wrap};

use super::model::{LinkState, Model, Overlay, Panel};
use super::theme::Focus;
use layout::Screen;
use place::Place;
use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Clear, Paragraph, Widget};
use tmuxagent_text::Text;

/// Draws everything; the terminal's cursor stands where text is typed, so that input methods open there.
pub fn draw(model: &Model, frame: &mut Frame<'_>) {
    let area = frame.area();
    if let Some(cursor) = render(model, area, frame.buffer_mut()) {
        frame.set_cursor_position(cursor);
    }
}

/// Draws everything into a buffer; returns where the terminal's cursor belongs.
#[must_use]
pub fn render(model: &Model, area: Rect, buffer: &mut Buffer) -> Option<Position> {
    if area.width < MIN_WIDTH || area.height < MIN_HEIGHT {
        too_small(model, area, buffer);
        return None;
    }
    let screen = Screen::of(model, area);
    header::render(model, &screen, buffer);
    for &(panel, rect) in &screen.panels {
        render_panel(model, &screen, panel, rect, buffer);
    }
    if matches!(model.link, LinkState::Lost { .. }) {
        for &(_, rect) in &screen.panels {
            buffer.set_style(rect, model.theme().dim());
        }
    }
    events::render_line(model, &screen, buffer);
    footer::render(model, screen.footer, buffer);
    let mut cursor = None;
    for (n, overlay) in model.overlays.iter().enumerate() {
        if n + 1 == model.overlays.len()
            && matches!(overlay, Overlay::Confirm(_) | Overlay::Input(_))
            && !input::tells_remarks(overlay)
        {
            // Below the question, should it need all the room.
            events::render_toasts(model, &screen, buffer);
        }
        cursor = render_overlay(model, overlay, &screen, buffer);
    }
    if !matches!(model.overlays.last(), Some(Overlay::Confirm(_) | Overlay::Input(_))) {
        events::render_toasts(model, &screen, buffer);
    }
    cursor
}

fn too_small(model: &Model, area: Rect, buffer: &mut Buffer) {
    let text =
        format!("{} ({}x{} < {MIN_WIDTH}x{MIN_HEIGHT})", Text::TooSmall.of(model.lang()), area.width, area.height);
    let lines: Vec<Line<'_>> = text::wrap(&text, area.width).into_iter().map(Line::from).collect();
    Paragraph::new(lines).render(area, buffer);
}

fn render_panel(model: &Model, screen: &Screen, panel: Panel, rect: Rect, buffer: &mut Buffer) {
    let inner = if screen.framed {
        let focus = if model.panel == panel { Focus::Here } else { Focus::Elsewhere };
        framed(model, title(model, panel, rect.width), focus, rect, buffer)
    } else {
        rect
    };
    match panel {
        Panel::Panes => panes::render(model, inner, buffer),
        Panel::Runs => runs::render(model, inner, buffer),
        Panel::Approvals => approvals::render(model, inner, buffer),
        Panel::Tail => tail::render(model, inner, buffer),
    }
}

/// Draws a frame with a title and returns what is inside.
fn framed(model: &Model, title: Line<'static>, focus: Focus, rect: Rect, buffer: &mut Buffer) -> Rect {
    let theme = model.theme();
    let block = Block::bordered().border_set(theme.border()).border_style(theme.frame(focus)).title(title);
    let inner = block.inner(rect);
    block.render(rect, buffer);
    inner
}

/// The name of a panel with its count.
fn title(model: &Model, panel: Panel, width: u16) -> Line<'static> {
    let lang = model.lang();
    let theme = model.theme();
    let name = panel_name(panel).of(lang);
    let mut spans = vec![Span::raw(" "), Span::styled(name, theme.strong())];
    match panel {
        Panel::Panes => spans.push(Span::raw(format!(" {}", model.n_rows(panel)))),
        Panel::Runs => {}
        Panel::Approvals => match model.n_pending() {
            0 => {}
            n => spans.push(Span::styled(format!(" {n}"), theme.ask())),
        },
        Panel::Tail => {
            if let Some(place) = model.pane.as_ref().and_then(|pane| model.pane_view(pane)) {
                // Beside the name, the corners and three blanks.
                let room = usize::from(width).saturating_sub(text::cells(name) + 5);
                let place = Place::of(&place.info.key, &place.info.place()).fit(room, theme.ellipsis());
                spans.push(Span::raw(format!(" {place}")));
            }
        }
    }
    if !model.filter.is_empty() && panel != Panel::Tail {
        spans.push(Span::styled(format!(" /{}", tmuxagent_text::clean(&model.filter)), theme.warn()));
    }
    spans.push(Span::raw(" "));
    Line::from(spans)
}

const fn panel_name(panel: Panel) -> Text {
    match panel {
        Panel::Panes => Text::Panes,
        Panel::Runs => Text::Pipelines,
        Panel::Approvals => Text::Approvals,
        Panel::Tail => Text::Tail,
    }
}

fn render_overlay(model: &Model, overlay: &Overlay, screen: &Screen, buffer: &mut Buffer) -> Option<Position> {
    match overlay {
        Overlay::Page { page, scroll } => page::render(model, page, *scroll, screen, buffer),
        Overlay::Held { selected } => lists::render_held(model, selected.as_ref(), screen, buffer),
        Overlay::Pick(pick) => lists::render_pick(model, pick, screen, buffer),
        Overlay::Confirm(confirm) => confirm::render(model, confirm, screen, buffer),
        // It stands among the remarks.
        Overlay::Notice(_) => {}
        Overlay::Input(line) => return Some(input::render(model, line, screen, buffer)),
    }
    None
}

/// The title of a box that acts in a pane: what it is for, and where.
fn titled(model: &Model, what: &str, place: &Place, screen: &Screen) -> String {
    let what = format!("{what}  @ ");
    // Beside the corners and two blanks.
    let room = usize::from(screen.overlay().width).saturating_sub(text::cells(&what) + 4);
    format!("{what}{}", place.fit(room, model.theme().ellipsis()))
}

/// A box over the panels with a frame and a title; returns what is inside.
fn boxed(model: &Model, title: String, area: Rect, buffer: &mut Buffer) -> Rect {
    // A wide character that begins beside the box would cover its frame.
    for y in area.top()..area.bottom() {
        if let Some(cell) = area.x.checked_sub(1).and_then(|x| buffer.cell_mut((x, y)))
            && text::cells(cell.symbol()) > 1
        {
            cell.set_symbol(" ");
        }
    }
    Clear.render(area, buffer);
    let title = Line::from(Span::styled(format!(" {title} "), model.theme().strong()));
    framed(model, title, Focus::Here, area, buffer)
}

/// How many rows a page of the panel or overlay with the keys has.
#[must_use]
pub fn page_rows(model: &Model) -> usize {
    let screen = Screen::of_model(model);
    let rows = match model.overlays.last() {
        Some(Overlay::Page { .. } | Overlay::Held { .. } | Overlay::Pick(_)) => {
            screen.overlay().height.saturating_sub(2)
        }
        Some(Overlay::Confirm(_) | Overlay::Input(_)) => {
            u16::try_from(confirm::room(&screen).saturating_sub(1)).unwrap_or(u16::MAX)
        }
        Some(Overlay::Notice(_)) | None => screen.inner(model.panel).map_or(0, |rect| rect.height),
    };
    usize::from(rows)
}

/// How far the open page or dialog can be scrolled down, rows.
#[must_use]
pub fn max_scroll(model: &Model) -> u16 {
    match model.overlays.last() {
        Some(Overlay::Page { page, .. }) => page::max_scroll(model, page, &Screen::of_model(model)),
        Some(Overlay::Confirm(confirm)) => confirm::max_scroll(model, confirm, &Screen::of_model(model)),
        Some(Overlay::Input(input)) => input::max_scroll(model, input, &Screen::of_model(model)),
        Some(Overlay::Held { .. } | Overlay::Pick(_) | Overlay::Notice(_)) | None => 0,
    }
}

/// Where the topmost box stands.
#[must_use]
pub fn overlay_area(model: &Model) -> Rect {
    let screen = Screen::of_model(model);
    match model.overlays.last() {
        Some(Overlay::Page { page, .. }) => page::area(model, page, &screen),
        _ => screen.overlay(),
    }
}

/// The panel at a cell, and the row of its list there.
#[must_use]
pub fn hit(model: &Model, (x, y): (u16, u16)) -> Option<(Panel, Option<usize>)> {
    let screen = Screen::of_model(model);
    let at = Position { x, y };
    if let Some(panel) = screen.tab_at(model, at) {
        return Some((panel, None));
    }
    let &(panel, _) = screen.panels.iter().find(|(_, rect)| rect.contains(at))?;
    let inner = screen.inner(panel)?;
    if !inner.contains(at) {
        return Some((panel, None));
    }
    let y = usize::from(y - inner.y);
    let rows = match panel {
        Panel::Panes => panes::rows(model, inner),
        Panel::Runs => runs::rows(model, inner),
        Panel::Approvals => approvals::rows(model, inner),
        Panel::Tail => Vec::new(),
    };
    Some((panel, rows.get(y).map(|row| row.index)))
}

#[cfg(test)]
mod tests;

#[cfg(test)]
pub(crate) use tests::{busy_screen as tests_screen, shown as tests_shown};
