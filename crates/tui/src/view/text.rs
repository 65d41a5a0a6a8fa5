//! Text in cells: cutting, wrapping, rows with something at their right end.

use super::fold::{Commands, Fold};
use super::place::Place;
use crate::theme::Theme;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;
use tmuxagent_model::KeyStep;
use tmuxagent_text::reveal;
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// Cells that a text takes.
#[must_use]
pub fn cells(text: &str) -> usize {
    UnicodeWidthStr::width(text)
}

/// The text in at most `width` cells; what is cut off is marked by `ellipsis` (one cell).
#[must_use]
pub fn cut(text: &str, width: usize, ellipsis: &str) -> String {
    if cells(text) <= width {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut used = 0;
    for grapheme in text.graphemes(true) {
        let more = cells(grapheme);
        if used + more + 1 > width {
            break;
        }
        used += more;
        out.push_str(grapheme);
    }
    if width > 0 {
        out.push_str(ellipsis);
    }
    out
}

/// The text in exactly `width` cells.
#[must_use]
pub fn column(text: &str, width: usize, theme: Theme) -> String {
    let mut out = cut(text, width, theme.ellipsis());
    let missing = width.saturating_sub(cells(&out));
    out.extend(std::iter::repeat_n(' ', missing));
    out
}

/// The end of the text in at most `width` cells: of a place, the end tells it from its neighbours.
#[must_use]
pub fn cut_start(text: &str, width: usize, ellipsis: &str) -> String {
    let wide = cells(text);
    if wide <= width {
        return text.to_owned();
    }
    let mut excess = wide + 1 - width.min(wide);
    let rest = text.graphemes(true).skip_while(|grapheme| {
        let skip = excess > 0;
        excess = excess.saturating_sub(cells(grapheme));
        skip
    });
    let mut out = if width > 0 { ellipsis.to_owned() } else { String::new() };
    out.extend(rest);
    if width == 0 { String::new() } else { out }
}

/// Both ends of the text in at most `width` cells.
#[must_use]
pub fn cut_middle(text: &str, width: usize, ellipsis: &str) -> String {
    if cells(text) <= width {
        return text.to_owned();
    }
    let Some(room) = width.checked_sub(1) else { return String::new() };
    // The end has the bigger half: it tells more often what something is.
    let end = cut_start(text, room.div_ceil(2) + 1, "");
    let beginning = cut(text, room.saturating_sub(cells(&end)) + 1, "");
    format!("{beginning}{ellipsis}{end}")
}

/// The text in lines of at most `width` cells.
#[must_use]
pub fn wrap(text: &str, width: u16) -> Vec<String> {
    let width = usize::from(width);
    Fold { first: width, rest: width, commands: Commands::Unknown }.lines(text)
}

/// The same for what is typed: a key behind a text does not stand alone in the last line.
#[must_use]
pub fn wrap_steps(text: &str, width: u16) -> Vec<String> {
    let mut lines = wrap(text, width);
    let [.., before, last] = lines.as_mut_slice() else { return lines };
    if last.contains(' ') || !before.ends_with('"') {
        return lines;
    }
    if let Some((rest, word)) = before.rsplit_once(' ')
        && cells(word) + 1 + cells(last) <= usize::from(width)
    {
        *last = format!("{word} {last}");
        *before = rest.trim_end().to_owned();
    }
    lines
}

/// One line: something at the left, cut where it doesn't fit, and something at the right.
#[derive(Debug, Default)]
pub struct Row {
    left: Vec<Span<'static>>,
    named: Option<Named>,
    right: Vec<Span<'static>>,
}

/// Cells of the signs at the begin of a row.
const SIGNS: usize = 3;

/// A pane's name in a row.
#[derive(Debug)]
struct Named {
    /// How many parts of the left stand before it.
    behind: usize,
    /// Blanks between them and it.
    gap: &'static str,
    place: Place,
    style: Style,
}

impl Row {
    /// Adds a pane's name to the left, behind a gap. It takes the cells that all the rest leaves; where these are too few for
    /// what is never cut of it, what stands behind it gives way, then what stands before it.
    #[must_use]
    pub fn place(mut self, gap: &'static str, place: Place, style: Style) -> Self {
        self.named = Some(Named { behind: self.left.len(), gap, place, style });
        self
    }

    /// Adds to the left.
    #[must_use]
    pub fn left(mut self, text: impl Into<String>, style: Style) -> Self {
        self.left.push(Span::styled(text.into(), style));
        self
    }

    /// Adds to the right.
    #[must_use]
    pub fn right(mut self, text: impl Into<String>, style: Style) -> Self {
        self.right.push(Span::styled(text.into(), style));
        self
    }

    /// Adds to the right where there is something.
    #[must_use]
    pub fn right_some(self, text: Option<String>, style: Style) -> Self {
        match text {
            Some(text) => self.right(text, style),
            None => self,
        }
    }

    /// Cells of the left so far.
    #[must_use]
    pub fn left_width(&self) -> usize {
        spans_width(&self.left)
    }

    /// The line in exactly `width` cells.
    #[must_use]
    pub fn line(mut self, width: u16, theme: Theme) -> Line<'static> {
        let width = usize::from(width);
        let mut right = spans_width(&self.right);
        if right + 4 > width {
            self.right.clear();
            right = 0;
        }
        let gap = usize::from(right > 0);
        let room = width.saturating_sub(right + gap);
        let mut spans = match self.named {
            Some(named) => named.among(self.left, room, theme),
            None => cut_spans(self.left, room, theme),
        };
        let pad = width.saturating_sub(spans_width(&spans) + right);
        spans.push(Span::raw(" ".repeat(pad)));
        spans.extend(self.right);
        Line::from(spans)
    }
}

impl Named {
    /// With the other parts of the left, in at most `room` cells.
    fn among(self, mut before: Vec<Span<'static>>, room: usize, theme: Theme) -> Vec<Span<'static>> {
        let after = before.split_off(self.behind);
        let others = spans_width(&before) + spans_width(&after) + cells(self.gap);
        let name = self.place.fit(room.saturating_sub(others), theme.ellipsis());
        // The signs at its begin tell which row is chosen, and what is the matter with it.
        let most = room.saturating_sub(spans_width(&before).min(SIGNS) + cells(self.gap));
        let name = if cells(&name) > most { self.place.squeezed(most, theme.ellipsis()) } else { name };
        let name = Span::styled(format!("{}{name}", self.gap), self.style);
        let wide = cells(&name.content);
        let mut spans = cut_spans(before, room.saturating_sub(wide), theme);
        let rest = room.saturating_sub(spans_width(&spans) + wide);
        spans.push(name);
        spans.extend(cut_spans(after, rest, theme));
        cut_spans(spans, room, theme)
    }
}

fn spans_width(spans: &[Span<'_>]) -> usize {
    spans.iter().map(|span| cells(&span.content)).sum()
}

/// Spans in at most `width` cells.
fn cut_spans(spans: Vec<Span<'static>>, width: usize, theme: Theme) -> Vec<Span<'static>> {
    if spans_width(&spans) <= width {
        return spans;
    }
    let mut out = Vec::new();
    let mut used = 0;
    for span in spans {
        let wide = cells(&span.content);
        // A following span would need at least the ellipsis.
        if used + wide < width {
            used += wide;
            out.push(span);
            continue;
        }
        let text = cut(&span.content, (width - used).saturating_sub(1), "");
        out.push(Span::styled(text, span.style));
        out.push(Span::styled(if width > used { theme.ellipsis() } else { "" }, span.style));
        break;
    }
    out
}

/// A line of a panel, and the row of the panel's list that it belongs to.
#[derive(Debug, Clone)]
pub struct PanelRow {
    /// The position in the list.
    pub index: usize,
    /// The line.
    pub line: Line<'static>,
}

/// The first line to show, so that the lines from `first` to `last` are seen, in the middle where possible.
#[must_use]
pub fn window(n: usize, first: usize, last: usize, height: usize) -> usize {
    let middle = usize::midpoint(first, last);
    let start = middle.saturating_sub(height / 2).min(n.saturating_sub(height));
    // A block higher than the window shows its beginning.
    start.min(first)
}

/// Draws lines from the top.
pub fn put_lines(lines: impl IntoIterator<Item = Line<'static>>, area: Rect, buffer: &mut Buffer) {
    for (y, line) in (area.y..area.bottom()).zip(lines) {
        line.render(Rect { y, height: 1, ..area }, buffer);
    }
}

/// Draws a sentence for an empty panel.
pub fn put_empty(text: &str, theme: Theme, area: Rect, buffer: &mut Buffer) {
    let lines = wrap(text, area.width).into_iter().map(|line| Line::from(Span::styled(line, theme.dim())));
    put_lines(lines, area, buffer);
}

/// What is typed, exactly: texts quoted with nothing hidden, keys by tmux's names.
#[must_use]
pub fn steps_text(steps: &[KeyStep]) -> String {
    let show = |step: &KeyStep| match step {
        KeyStep::Text(text) => format!("\"{}\"", reveal(text)),
        KeyStep::Key(key) => reveal(key),
    };
    steps.iter().map(show).collect::<Vec<_>>().join(" ")
}
