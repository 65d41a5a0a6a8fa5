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
    let (at, mark, style) = head(model, event);
    let row = Row::default().left(at, theme.dim()).left(mark, style).left(place_told(event), theme.dim());
    row.left(note_text(model.lang(), &event.note), style).line(width, theme)
}

/// The same with all of its words, wrapped behind the time and the sign.
#[must_use]
pub fn event_lines(model: &Model, event: &EventLine, width: u16) -> Vec<Line<'static>> {
    let theme = model.theme();
    let (at, mark, style) = head(model, event);
    let hang = cells(&at) + cells(&mark);
    let place = place_told(event);
    let room = width.saturating_sub(u16::try_from(hang).unwrap_or(0));
    let texts = wrap(&format!("{place}{}", note_text(model.lang(), &event.note)), room);
    let mut lines = Vec::with_capacity(texts.len());
    for (n, text) in texts.into_iter().enumerate() {
        let mut spans = if n == 0 {
            vec![Span::styled(at.clone(), theme.dim()), Span::styled(mark.clone(), style)]
        } else {
            vec![Span::raw(" ".repeat(hang))]
        };
        // A place that takes more than one row is read all the same.
        let own = if n == 0 && !place.is_empty() { text.strip_prefix(&place).map(str::to_owned) } else { None };
        spans.extend(own.is_some().then(|| Span::styled(place.clone(), theme.dim())));
        spans.push(Span::styled(own.unwrap_or(text), style));
        lines.push(Line::from(spans));
    }
    lines
}

/// Time and sign of an event, and its style.
fn head(model: &Model, event: &EventLine) -> (String, String, Style) {
    let theme = model.theme();
    let sign = match event.severity {
        Severity::Info => " ",
        Severity::Success => theme.sign("✓", "+"),
        Severity::Warning => "!",
        Severity::Error => theme.sign("✗", "x"),
    };
    (clock_seconds(&model.setup.zone, event.at), format!(" {sign} "), theme.severity(event.severity))
}

/// Where it happened, with a blank behind it. A host's note names it.
fn place_told(event: &EventLine) -> String {
    let named = event.place.is_empty() || matches!(event.note, Note::Host { .. });
    if named { String::new() } else { format!("{} ", clean(&event.place)) }
}

/// The most rows of one remark.
const MOST_OF_ONE: usize = 5;

/// Remarks stand over the events line and, where they are long, over the rows above it.
pub fn render_toasts(model: &Model, screen: &Screen, buffer: &mut Buffer) {
    let theme = model.theme();
    let mut lines: Vec<Line<'static>> = Vec::new();
    let mut remarks: Vec<(String, Style)> = model
        .toasts
        .iter()
        .map(|toast| match toast.severity {
            Severity::Info => (toast.text.clone(), theme.strong()),
            severity @ (Severity::Success | Severity::Warning | Severity::Error) => {
                (toast.text.clone(), theme.severity(severity))
            }
        })
        .collect();
    if let Some(Overlay::Notice(text)) = model.overlays.last() {
        remarks.push((format!("{text}  {}", Text::EscCloses.of(model.lang())), theme.warn()));
    }
    for (text, style) in remarks {
        let mut rows = wrap(&text, screen.events.width.saturating_sub(4));
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
    // A question or an input line stands at the bottom, and nothing may cover what a yes would do.
    let asked = model.overlays.iter().any(|overlay| matches!(overlay, Overlay::Confirm(_) | Overlay::Input(_)));
    let y = if asked { screen.banners.bottom() } else { screen.events.bottom().saturating_sub(height) };
    let area = Rect { y, height, ..screen.events };
    Clear.render(area, buffer);
    put_lines(lines.into_iter().skip(extra), area, buffer);
}
