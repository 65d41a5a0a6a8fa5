//! The question before something happens, with exactly what will happen.

use super::approvals::{effect_lines, option_text, said_no_lines, subject};
use super::layout::Screen;
use super::place::Place;
use super::text::{put_lines, steps_text, wrap, wrap_steps};
use crate::keymap::KeyAction;
use crate::model::{Confirm, Model, Overtaken};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use tmuxagent_model::{Approval, Verdict};
use tmuxagent_text::{Lang, Text, approval_state, clean, question, reveal, via};

/// The most rows that are shown of the lines that led to a question.
pub const EVIDENCE: usize = 8;

pub fn render(model: &Model, confirm: &Confirm, screen: &Screen, buffer: &mut Buffer) {
    let width = screen.overlay().width;
    let (inside, room) = (width.saturating_sub(4).max(8), room(screen));
    let over = confirm.decides().and_then(|seen| Some((seen, became(model, seen)?)));
    let (title, mut lines) = match &over {
        Some((seen, became)) => (Text::Void.of(model.lang()), void(model, seen, became, inside)),
        None => content(model, confirm, inside, room),
    };
    if over.is_some() {
        fit(model, &mut lines, room);
    } else {
        scroll(model, &mut lines, room);
    }
    lines.push(if over.is_some() { way_out(model) } else { keys(model, confirm) });
    put_box(model, title, lines, screen, buffer);
}

/// Rows of text that a box above the footer has at most.
pub fn room(screen: &Screen) -> usize {
    usize::from(screen.footer.y.saturating_sub(screen.header.bottom())).saturating_sub(3).max(1)
}

/// How far the dialog can be scrolled down, rows.
pub fn max_scroll(model: &Model, confirm: &Confirm, screen: &Screen) -> u16 {
    let inside = screen.overlay().width.saturating_sub(4).max(8);
    hidden(content(model, confirm, inside, room(screen)).1.len(), room(screen))
}

/// How many of `n` rows do not fit into `room`, where the last row tells so.
pub fn hidden(n: usize, room: usize) -> u16 {
    let hidden = if n > room { n - (room - 1).max(1) } else { 0 };
    u16::try_from(hidden).unwrap_or(u16::MAX)
}

/// Keeps of the lines those to which the dialog is scrolled, with a row that counts the others and names the keys.
pub fn scroll(model: &Model, lines: &mut Vec<Line<'static>>, room: usize) {
    let hidden = usize::from(hidden(lines.len(), room));
    if hidden == 0 {
        return;
    }
    let above = usize::from(model.reading.scroll).min(hidden);
    let below = hidden - above;
    lines.drain(..above);
    lines.truncate(lines.len() - below);
    if room > 1 {
        lines.push(Line::from(Span::styled(beyond(model, above, below), model.theme().bad())));
    }
}

/// How many rows stand above and below those shown, the keys that show them, and that a yes waits for the last one.
fn beyond(model: &Model, above: usize, below: usize) -> String {
    let (theme, lang) = (model.theme(), model.lang());
    let key = |action| model.setup.keymap.label(action, theme.glyphs).unwrap_or_default();
    let told = |n: usize, sign: &str, key: &str| match lang {
        Lang::En => format!("{sign} {n} more {} ({key})", if n == 1 { "row" } else { "rows" }),
        Lang::Zh => format!("{sign} 还有 {n} 行（{key}）"),
    };
    let mut parts = Vec::new();
    if below > 0 {
        parts.push(told(below, theme.sign("↓", "v"), &key(KeyAction::PageDown)));
    }
    if !model.reading.to_the_end {
        parts.insert(0, Text::ScrollFirst.of(lang).to_owned());
    }
    if above > 0 {
        parts.push(told(above, theme.sign("↑", "^"), &key(KeyAction::PageUp)));
    }
    parts.join("  ")
}

/// A box above the footer, as high as its lines.
fn put_box(model: &Model, title: &str, lines: Vec<Line<'static>>, screen: &Screen, buffer: &mut Buffer) {
    let height = u16::try_from(lines.len()).unwrap_or(u16::MAX).saturating_add(2);
    let Rect { x, width, .. } = screen.overlay();
    let area = Rect { x, y: screen.footer.y.saturating_sub(height), width, height };
    let inner = super::boxed(model, title.to_owned(), area, buffer);
    put_lines(lines, super::layout::shrunk(inner, 1, 0), buffer);
}

/// What became of a question since a dialog showed it, and who decided it.
#[must_use]
pub fn became(model: &Model, seen: &Approval) -> Option<String> {
    let lang = model.lang();
    let now = match model.overtaken(seen)? {
        Overtaken::Gone => return Some(Text::DecidedMeanwhile.of(lang).to_owned()),
        Overtaken::Changed => return Some(Text::ChangedMeanwhile.of(lang).to_owned()),
        Overtaken::Closed(now) => now,
    };
    let state = approval_state(lang, now.state);
    let Some(decision) = &now.decision else { return Some(state.to_owned()) };
    let (who, via) = (clean(&decision.by.who), via(lang, decision.by.via));
    Some(match lang {
        Lang::En => format!("{state} by {who} ({via})"),
        Lang::Zh => format!("{who}（{via}）{state}"),
    })
}

/// A dialog that decides nothing any more: what became of its question, and which it was.
fn void(model: &Model, seen: &Approval, became: &str, width: u16) -> Vec<Line<'static>> {
    let bad = model.theme().bad();
    let told = wrap(became, width).into_iter().map(|line| Line::from(Span::styled(line, bad)));
    told.chain(asked(model, seen, width)).collect()
}

/// The one key of such a dialog.
fn way_out(model: &Model) -> Line<'static> {
    Line::from(Span::styled(Text::EscCloses.of(model.lang()), model.theme().busy()))
}

/// Keeps lines within `room`, at least one. Nothing of an effect is hidden silently.
pub fn fit(model: &Model, lines: &mut Vec<Line<'static>>, room: usize) {
    if lines.len() > room {
        let hidden = lines.len() - room + 1;
        lines.truncate(room - 1);
        let text = super::evidence::more(model, hidden, None);
        lines.push(Line::from(Span::styled(text, model.theme().bad())));
    }
}

fn content(model: &Model, confirm: &Confirm, width: u16, room: usize) -> (&'static str, Vec<Line<'static>>) {
    let lang = model.lang();
    match confirm {
        Confirm::Quit => (Text::QuitQ.of(lang), Vec::new()),
        Confirm::Command { question, lines, .. } => {
            let lines = lines.iter().flat_map(|line| wrap(line, width)).map(Line::from).collect();
            (question.of(lang), lines)
        }
        Confirm::TakeBack { approval } => {
            let mut lines = asked(model, approval, width);
            lines.extend(said_no_lines(model, approval, Text::EffectBack, width));
            (Text::TakeBackQ.of(lang), lines)
        }
        Confirm::Decide { approval, verdict } => {
            let title = match (&verdict.answer, verdict.approve) {
                (Some(_), _) => Text::AnswerQ,
                (None, true) => Text::ApproveQ,
                (None, false) => Text::RejectQ,
            };
            (title.of(lang), decision(model, approval, verdict, width, room))
        }
    }
}

/// What is decided and what a yes does; between both, where that leaves room, the lines that led to it.
fn decision(model: &Model, approval: &Approval, verdict: &Verdict, width: u16, room: usize) -> Vec<Line<'static>> {
    let mut lines = asked(model, approval, width);
    let done = match verdict.approve {
        true => effect(model, approval, verdict, width),
        false => said_no_lines(model, approval, Text::EffectNo, width),
    };
    let free = room.saturating_sub(lines.len() + done.len()).min(EVIDENCE);
    lines.extend(super::evidence::whole_lines(model, approval, (width, free), "  "));
    lines.extend(done);
    lines
}

fn asked(model: &Model, approval: &Approval, width: u16) -> Vec<Line<'static>> {
    let (theme, lang) = (model.theme(), model.lang());
    let place = Place::asked_in(approval).whole();
    let subject = subject(approval);
    let about = if place.starts_with(&subject) { place } else { format!("{subject}  @ {place}") };
    let mut lines: Vec<Line<'static>> =
        wrap(&about, width).into_iter().map(|line| Line::from(Span::styled(line, theme.strong()))).collect();
    lines.extend(wrap(&clean(&question(lang, approval)), width).into_iter().map(Line::from));
    lines
}

fn effect(model: &Model, approval: &Approval, verdict: &Verdict, width: u16) -> Vec<Line<'static>> {
    let (theme, lang) = (model.theme(), model.lang());
    let mut lines = Vec::new();
    // What a plain yes does is not what an answer does.
    if verdict.answer.is_none() {
        lines.extend(effect_lines(model, approval, width));
    }
    for (n, option) in approval.options.iter().enumerate() {
        let chosen = verdict.answer.as_ref() == Some(option);
        let style = if chosen { theme.selected() } else { Style::new() };
        let number = Span::styled(format!(" {} ", n + 1), theme.ask());
        let shown = option_text(lang, approval, n, &reveal(option));
        let mut texts = wrap(&shown, width.saturating_sub(3)).into_iter();
        lines.push(Line::from(vec![number, Span::styled(texts.next().unwrap_or_default(), style)]));
        lines.extend(texts.map(|text| Line::from(vec![Span::raw("   "), Span::styled(text, style)])));
    }
    if let Some(answer) = &verdict.answer {
        let mut texts = vec![format!("{}: \"{}\"", Text::WillAnswer.of(lang), reveal(answer))];
        let typed = approval.typed_for(verdict);
        if !typed.is_empty() {
            texts.push(format!("{} {}", Text::EffectTypes.of(lang), steps_text(&typed)));
        }
        let lines_of = texts.iter().flat_map(|text| wrap_steps(text, width));
        lines.extend(lines_of.map(|line| Line::from(Span::styled(line, theme.warn()))));
    }
    lines
}

/// What a key of a dialog does, in a word. Of an answer that is no yes or no: it may be a no itself, and the key for no only
/// leaves the dialog.
pub fn key_word(lang: Lang, confirm: &Confirm, action: KeyAction) -> &'static str {
    let answers = matches!(confirm, Confirm::Decide { verdict, .. } if verdict.answer.is_some());
    match (answers, action) {
        (true, KeyAction::Yes) => Text::GivesIt.of(lang),
        (true, KeyAction::No) => Text::GoesBack.of(lang),
        _ => action.short(lang),
    }
}

/// `y yes  n no`, from the effective keymap.
fn keys(model: &Model, confirm: &Confirm) -> Line<'static> {
    let (theme, lang) = (model.theme(), model.lang());
    let mut spans = Vec::new();
    for action in [KeyAction::Yes, KeyAction::No] {
        let labels = model.setup.keymap.labels(action, theme.glyphs).replace(' ', "/");
        spans.push(Span::styled(labels, theme.busy().patch(theme.strong())));
        spans.push(Span::raw(format!(" {}   ", key_word(lang, confirm, action))));
    }
    Line::from(spans)
}
