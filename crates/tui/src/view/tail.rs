//! The live screen of the selected pane, in its colours.

use super::text::put_empty;
use crate::model::Model;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::Widget;
use tmuxagent_text::Text;

pub fn render(model: &Model, area: Rect, buffer: &mut Buffer) {
    let tail = model.tail.as_ref().filter(|tail| Some(&tail.pane) == model.pane.as_ref());
    let Some(tail) = tail else {
        let text = match &model.pane {
            Some(_) => Text::WaitingForScreen,
            None if !model.filter.is_empty() => Text::NoMatch,
            None => Text::NoTail,
        };
        put_empty(text.of(model.lang()), model.theme(), area, buffer);
        return;
    };
    let lines = &tail.text.lines;
    // A screen that is not full ends with empty rows; its last line is what matters.
    let used = lines.iter().rposition(|line| line.spans.iter().any(|span| !span.content.trim().is_empty()));
    let used = used.map_or(0, |last| last + 1);
    let height = usize::from(area.height);
    let end = used.saturating_sub(usize::from(model.tail_scroll)).max(height.min(used));
    let start = end.saturating_sub(height);
    for (y, line) in (area.y..area.bottom()).zip(&lines[start..end]) {
        put(line, Rect { y, height: 1, ..area }, buffer);
    }
}

fn put(line: &Line<'static>, area: Rect, buffer: &mut Buffer) {
    line.render(area, buffer);
}
