//! Input lines, with what they will do shown as it is typed.

use super::approvals::{effect, subject};
use super::layout::Screen;
use super::place::Place;
use super::text::{cells, column, put_lines, steps_text, wrap_steps};
use crate::model::{EnterAfter, Input, InputKind, Model, Overlay, SendMode, Starting, written_steps};
use crate::update::lease;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, Widget};
use tmuxagent_model::{Approval, Severity};
use tmuxagent_text::{Lang, Text, clean, reveal};

/// Whether remarks stand in its box: what was wrong with a line is read where it is written, and a small screen has no room
/// for them beside the box.
pub const fn tells_remarks(overlay: &Overlay) -> bool {
    match overlay {
        Overlay::Input(input) => !matches!(input.kind, InputKind::Filter { .. }),
        Overlay::Page { .. } | Overlay::Held { .. } | Overlay::Pick(_) | Overlay::Confirm(_) | Overlay::Notice(_) => {
            false
        }
    }
}

/// Draws the line; returns where the terminal's cursor belongs.
pub fn render(model: &Model, input: &Input, screen: &Screen, buffer: &mut Buffer) -> Position {
    if let Some((seen, became)) =
        input.kind.decides().and_then(|seen| Some((seen, super::confirm::became(model, seen)?)))
    {
        return over(model, input, (seen, became), screen, buffer);
    }
    if let Some((title, notes, asked)) = deciding(model, input) {
        return boxed_line(model, title, input, (notes, Some(asked)), screen, buffer);
    }
    match &input.kind {
        InputKind::Send { pane, place, mode, enter } => {
            let title = if *mode == SendMode::Text { Text::SendPrompt } else { Text::SendKeysPrompt };
            let title = super::titled(model, title.of(model.lang()), &Place::of(pane, place), screen);
            boxed_line(model, title, input, (preview(model, input, *mode, *enter), None), screen, buffer)
        }
        InputKind::Given(starting) => given(model, input, starting, screen, buffer),
        InputKind::Filter { .. } | InputKind::Answer { .. } | InputKind::Word { .. } | InputKind::Lease { .. } => {
            filter(model, input, screen, buffer)
        }
    }
}

/// Heading, rows with their styles, and what is decided.
type Deciding<'i> = (String, Vec<(String, Style)>, &'i Approval);

/// What stands around a line that decides: its title, what it is about and does, and the question.
fn deciding<'i>(model: &Model, input: &'i Input) -> Option<Deciding<'i>> {
    match &input.kind {
        InputKind::Answer { approval } => {
            let title = Text::AnswerPrompt.of(model.lang()).to_owned();
            let mut notes = vec![(clean(&tmuxagent_text::question(model.lang(), approval)), model.theme().dim())];
            if approval.takes_text() {
                notes.push((effect(model, approval), model.theme().warn()));
            } else if !approval.takes_own_words() {
                let offered = approval.options.iter().enumerate();
                let offered = offered.map(|(n, option)| format!("{} {}", n + 1, reveal(option))).collect::<Vec<_>>();
                let text = format!("{}{}{}", Text::Answers.of(model.lang()), model.lang().colon(), offered.join("  "));
                notes.push((text, model.theme().warn()));
            }
            Some((title, notes, approval.as_ref()))
        }
        InputKind::Word { approval } => {
            let wanted = clean(approval.confirm.as_deref().unwrap_or_default());
            let title = match model.lang() {
                Lang::En => format!("a yes takes the word {wanted}: type it"),
                Lang::Zh => format!("同意须输入 {wanted}"),
            };
            Some((title, asked(model, approval), approval.as_ref()))
        }
        InputKind::Lease { approval } => {
            let title = Text::LeasePrompt.of(model.lang()).to_owned();
            let class = lease::offer(approval).map(|offer| offer.class.join(", ")).unwrap_or_default();
            let mut notes = asked(model, approval);
            notes.push((
                format!("{}{}{}", Text::LeaseAllows.of(model.lang()), model.lang().colon(), clean(&class)),
                model.theme().warn(),
            ));
            Some((title, notes, approval.as_ref()))
        }
        InputKind::Filter { .. } | InputKind::Send { .. } | InputKind::Given(_) => None,
    }
}

/// How far what stands below a line can be scrolled down, rows.
pub fn max_scroll(model: &Model, input: &Input, screen: &Screen) -> u16 {
    let Some((_, notes, _)) = deciding(model, input) else { return 0 };
    let n = body(model, notes, screen.overlay().width.saturating_sub(4).max(1)).len();
    super::confirm::hidden(n, super::confirm::room(screen))
}

/// A line of which the question was decided or changed while it was written: it stays until it is closed.
fn over(
    model: &Model,
    input: &Input,
    (seen, became): (&Approval, String),
    screen: &Screen,
    buffer: &mut Buffer,
) -> Position {
    let (theme, lang) = (model.theme(), model.lang());
    let notes = vec![
        (became, theme.bad()),
        (Text::EscCloses.of(lang).to_owned(), theme.busy()),
        (format!("{}  @ {}", subject(seen), Place::asked_in(seen).whole()), theme.dim()),
        (clean(&tmuxagent_text::question(lang, seen)), theme.dim()),
    ];
    boxed_line(model, Text::Void.of(lang).to_owned(), input, (notes, None), screen, buffer)
}

/// What is asked, and what a yes does.
fn asked(model: &Model, approval: &Approval) -> Vec<(String, Style)> {
    let (theme, lang) = (model.theme(), model.lang());
    vec![
        (format!("{}  @ {}", subject(approval), Place::asked_in(approval).whole()), theme.strong()),
        (clean(&tmuxagent_text::question(lang, approval)), Style::new()),
        (format!("{}{}{}", Text::Effect.of(lang), lang.colon(), effect(model, approval)), theme.warn()),
    ]
}

/// A value that a pipeline asks for, above what was given already.
fn given(model: &Model, input: &Input, starting: &Starting, screen: &Screen, buffer: &mut Buffer) -> Position {
    let theme = model.theme();
    let Some(next) = starting.asks_for() else { return Position::default() };
    let choices = if next.choices.is_empty() { String::new() } else { format!(" ({})", next.choices.join(" | ")) };
    let title = clean(&format!("{}: {}{choices}", starting.item.pipeline, next.name));
    let given = starting.inputs.iter().zip(&starting.given);
    let notes = given.map(|(input, value)| (clean(&format!("{} = {value}", input.name)), theme.dim())).collect();
    boxed_line(model, title, input, (notes, None), screen, buffer)
}

/// The filter stands in place of the footer, so that what it leaves is seen.
fn filter(model: &Model, input: &Input, screen: &Screen, buffer: &mut Buffer) -> Position {
    let theme = model.theme();
    let label = format!("{}: ", Text::FilterPrompt.of(model.lang()));
    let used = u16::try_from(cells(&label)).unwrap_or(0);
    let visible = input.editor.visible(screen.events.width.saturating_sub(used));
    Clear.render(screen.events, buffer);
    let rest = column(&visible.text, usize::from(screen.events.width.saturating_sub(used)), theme);
    let line = Line::from(vec![Span::styled(label, theme.busy().patch(theme.strong())), Span::raw(rest)]);
    put_lines([line], screen.events, buffer);
    Position { x: screen.events.x + used + visible.column, y: screen.events.y }
}

/// An input line with what it is about below it, and below that, where there is room, the lines that led to `asked`.
fn boxed_line(
    model: &Model,
    title: String,
    input: &Input,
    (notes, asked): (Vec<(String, Style)>, Option<&Approval>),
    screen: &Screen,
    buffer: &mut Buffer,
) -> Position {
    let frame = screen.overlay();
    let width = frame.width.saturating_sub(4).max(1);
    let mut lines = body(model, notes, width);
    let room = super::confirm::room(screen);
    match asked {
        Some(_) => super::confirm::scroll(model, &mut lines, room),
        None => super::confirm::fit(model, &mut lines, room),
    }
    if let Some(asked) = asked {
        let free = room.saturating_sub(lines.len()).min(super::confirm::EVIDENCE);
        lines.extend(super::evidence::whole_lines(model, asked, (width, free), "  "));
    }
    let height = u16::try_from(lines.len()).unwrap_or(0) + 3;
    let area = Rect { y: screen.footer.y.saturating_sub(height), height, ..frame };
    let inner = super::layout::shrunk(super::boxed(model, title, area, buffer), 1, 0);
    let visible = input.editor.visible(inner.width);
    let cursor = Position { x: inner.x + visible.column, y: inner.y };
    let text = Line::from(Span::styled(visible.text, model.theme().strong()));
    put_lines(std::iter::once(text).chain(lines), inner, buffer);
    cursor
}

/// What stands below a line, wrapped: the remarks, then the notes.
fn body(model: &Model, notes: Vec<(String, Style)>, width: u16) -> Vec<Line<'static>> {
    let theme = model.theme();
    let remarks = model.toasts.iter().map(|toast| {
        let style = match toast.severity {
            Severity::Info => theme.strong(),
            severity @ (Severity::Success | Severity::Warning | Severity::Error) => theme.severity(severity),
        };
        (format!("{}{}", theme.sign("» ", "> "), toast.text), style)
    });
    remarks
        .chain(notes)
        .flat_map(|(text, style)| {
            wrap_steps(&text, width).into_iter().map(move |line| Line::from(Span::styled(line, style)))
        })
        .collect()
}

/// Exactly what would be sent.
fn preview(model: &Model, input: &Input, mode: SendMode, enter: EnterAfter) -> Vec<(String, Style)> {
    let (theme, lang) = (model.theme(), model.lang());
    let mut notes = Vec::new();
    match written_steps(input.editor.text(), mode, enter) {
        Ok(steps) if steps.is_empty() => {
            let text = if mode == SendMode::Keys { Text::KeysExample } else { Text::NothingToSend };
            notes.push((text.of(lang).to_owned(), theme.dim()));
        }
        Ok(steps) => {
            notes.push((format!("{}{}{}", Text::WillSend.of(lang), lang.colon(), steps_text(&steps)), theme.warn()))
        }
        Err(word) => {
            let word = reveal(&word);
            let text = match lang {
                Lang::En => format!("`{word}` is no key; {}", Text::KeysExample.of(lang)),
                Lang::Zh => format!("{word} 不是按键名；{}", Text::KeysExample.of(lang)),
            };
            notes.push((text, theme.bad()));
        }
    }
    if mode == SendMode::Text {
        let text = if enter == EnterAfter::Press { Text::WithEnter } else { Text::WithoutEnter };
        notes.push((text.of(lang).to_owned(), theme.dim()));
    }
    notes
}
