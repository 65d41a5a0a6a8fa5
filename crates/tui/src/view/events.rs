//! The newest event, and passing remarks over it.

use super::layout::Screen;
use super::text::{Row, cells, put_lines, wrap};
use crate::model::{Model, Overlay};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, Widget};
use tmuxagent_model::{EventLine, Note, Severity};
use tmuxagent_text::{Text, clean, clock_seconds, note_text};

pub fn render_line(model: &Model, screen: &Screen, buffer: &mut Buffer) {
    let theme = model.theme();
    // Before the first picture nobody knows whether anything happened.
    let Some(snapshot) = &model.snapshot else { return };
    let line = match snapshot.events.last() {
        Some(event) => event_line(model, event, screen.events.width),
        None => Row::default().left(Text::NoEvents.of(model.lang()), theme.dim()).line(screen.events.width, theme),
    };
    put_lines([line], screen.events, buffer);
}

/// One event: time, sign, place, what.
#[must_use]
pub fn event_line(model: &Model, event: &EventLine, width: u16) -> Line<'static> {
    let theme = model.theme();
    let sign = match event.severity {
        Severity::Info => " ",
        Severity::Success => theme.sign("✓", "+"),
        Severity::Warning => "!",
        Severity::Error => theme.sign("✗", "x"),
    };
    let style = theme.severity(event.severity);
    let mut row =
        Row::default().left(clock_seconds(&model.setup.zone, event.at), theme.dim()).left(format!(" {sign} "), style);
    // A host's note names it.
    if !event.place.is_empty() && !matches!(event.note, Note::Host { .. }) {
        row = row.left(format!("{} ", clean(&event.place)), theme.dim());
    }
    row.left(note_text(model.lang(), &event.note), style).line(width, theme)
}

/// The most rows of one remark.
const MOST_OF_ONE: usize = 5;

/// Remarks stand over the events line and, where they are long, over the rows above it.
pub fn render_toasts(model: &Model, screen: &Screen, buffer: &mut Buffer) {
    let theme = model.theme();
    let mut lines: Vec<Line<'static>> = Vec::new();
    for toast in &model.toasts {
        let style = match toast.severity {
            Severity::Info => theme.strong(),
            severity @ (Severity::Success | Severity::Warning | Severity::Error) => theme.severity(severity),
        };
        let mut rows = wrap(&toast.text, screen.events.width.saturating_sub(4));
        if rows.len() > MOST_OF_ONE {
            rows.truncate(MOST_OF_ONE);
            if let Some(last) = rows.last_mut() {
                last.push_str(theme.ellipsis());
            }
        }
        for (row, text) in rows.into_iter().enumerate() {
            let pad = usize::from(screen.events.width).saturating_sub(cells(&text) + 2);
            lines.push(Line::from(vec![
                // One remark has one sign, however many rows it takes.
                Span::styled(if row == 0 { theme.sign("» ", "> ") } else { "  " }, style),
                Span::styled(text, style),
                Span::styled(" ".repeat(pad), Style::new()),
            ]));
        }
    }
    if lines.is_empty() {
        return;
    }
    let room = usize::from(screen.events.bottom().saturating_sub(screen.header.bottom()));
    let extra = lines.len().saturating_sub(room.min(8));
    let height = u16::try_from(lines.len() - extra).unwrap_or(1);
    let y = match model.overlays.last() {
        // A question or an input line stands at the bottom, and nothing may cover what a yes would do.
        Some(Overlay::Confirm(_) | Overlay::Input(_) | Overlay::Notice(_)) => screen.banners.bottom(),
        Some(Overlay::Page { .. } | Overlay::Held { .. } | Overlay::Pick(_)) | None => {
            screen.events.bottom().saturating_sub(height)
        }
    };
    let area = Rect { y, height, ..screen.events };
    Clear.render(area, buffer);
    put_lines(lines.into_iter().skip(extra), area, buffer);
}
