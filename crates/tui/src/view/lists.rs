//! Boxes with a list: what the freeze holds back, what can be started.

use super::layout::Screen;
use super::place::Place;
use super::text::{Row, put_empty, put_lines, window};
use crate::model::{Model, Pick};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use tmuxagent_model::IntentId;
use tmuxagent_text::{Text, ago, clean, reader_sentence, reveal};

pub fn render_held(model: &Model, selected: Option<&IntentId>, screen: &Screen, buffer: &mut Buffer) {
    let (theme, lang) = (model.theme(), model.lang());
    let held = model.snapshot.as_ref().map_or(&[][..], |snapshot| &snapshot.held);
    let inner = super::boxed(model, Text::Held.of(lang).to_owned(), fitting(screen, held.len()), buffer);
    if held.is_empty() {
        put_empty(Text::NoHeld.of(lang), theme, inner, buffer);
        return;
    }
    let at = held.iter().position(|send| Some(&send.intent) == selected).unwrap_or(0);
    let start = window(held.len(), at, at, usize::from(inner.height));
    // What is typed has at least half of the row.
    let most = usize::from(inner.width) / 2;
    let lines = held.iter().enumerate().skip(start).take(usize::from(inner.height)).map(|(n, send)| {
        let style = if n == at { theme.selected() } else { Style::new() };
        let place = match &send.pane {
            Some(pane) => Place::of(pane, &send.place).fit(most, theme.ellipsis()),
            None => clean(&send.place),
        };
        Row::default()
            .left(if n == at { theme.cursor() } else { " " }, theme.strong())
            .left(format!("{place}  "), theme.dim())
            .left(reveal(&send.text), style)
            .left(
                send.reader.as_ref().map_or_else(String::new, |who| format!("  {}", reader_sentence(lang, who))),
                theme.warn(),
            )
            .right(ago(lang, model.time(), send.at), theme.dim())
            .line(inner.width, theme)
    });
    put_lines(lines, inner, buffer);
}

pub fn render_pick(model: &Model, pick: &Pick, screen: &Screen, buffer: &mut Buffer) {
    let (theme, lang) = (model.theme(), model.lang());
    let place = Place::of(&pick.pane, &pick.place);
    let title = super::titled(model, Text::StartTitle.of(lang), &place, screen);
    let inner = super::boxed(model, title, fitting(screen, pick.items.len()), buffer);
    let start = window(pick.items.len(), pick.cursor, pick.cursor, usize::from(inner.height));
    let shown = pick.items.iter().enumerate().skip(start).take(usize::from(inner.height));
    let lines = shown.map(|(n, item)| {
        let style = if n == pick.cursor { theme.selected() } else { Style::new() };
        let (indent, name) = match &item.stage {
            None => ("", &item.pipeline),
            Some(stage) => ("  ", stage),
        };
        Row::default()
            .left(if n == pick.cursor { theme.cursor() } else { " " }, theme.strong())
            .left(indent, Style::new())
            .left(clean(name), if item.stage.is_none() { style.patch(theme.strong()) } else { style })
            .line(inner.width, theme)
    });
    put_lines(lines, inner, buffer);
}

/// A box as high as its rows need.
fn fitting(screen: &Screen, n: usize) -> Rect {
    let whole = screen.overlay();
    let height = u16::try_from(n.max(1)).unwrap_or(u16::MAX).saturating_add(2).min(whole.height);
    Rect { height, ..whole }
}
