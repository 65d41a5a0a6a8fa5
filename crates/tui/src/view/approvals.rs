//! The questions: the open ones first, and below them the one that the keys speak of, with its exact effect and evidence.

use super::text::{PanelRow, Row, put_empty, put_lines, steps_text, window, wrap};
use crate::keymap::KeyAction;
use crate::model::{Model, Panel};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use tmuxagent_model::{Approval, ApprovalKind, ApprovalState};
use tmuxagent_text::{
    Lang, Text, ago, answered, approval_state, clean, effect_sentence, question, reveal, span, told_option,
};

pub fn render(model: &Model, area: Rect, buffer: &mut Buffer) {
    let rows = rows(model, area);
    if rows.is_empty() {
        put_empty(&nothing(model), model.theme(), area, buffer);
        return;
    }
    let used = u16::try_from(rows.len()).unwrap_or(area.height);
    put_lines(rows.into_iter().map(|row| row.line), area, buffer);
    let rest = Rect { y: area.y + used, height: area.height.saturating_sub(used), ..area };
    if rest.height >= 2
        && let Some(approval) = model.the_approval()
    {
        let rule = model.theme().sign("─", "-").repeat(usize::from(area.width));
        let mut lines = vec![Line::from(Span::styled(rule, model.theme().dim()))];
        let above = each(model, area) == 2;
        lines.extend(summary(model, approval, rest.width, usize::from(rest.height - 1), above));
        put_lines(lines, rest, buffer);
    }
}

/// Why nothing is shown, and what is next.
fn nothing(model: &Model) -> String {
    let lang = model.lang();
    if !model.filter.is_empty() {
        return Text::NoMatch.of(lang).to_owned();
    }
    if model.watched_only().is_some() {
        return Text::AsksElsewhere.of(lang).to_owned();
    }
    let start = KeyAction::Start;
    let startable =
        model.pane.as_ref().and_then(|pane| model.pane_view(pane)).is_some_and(|it| !it.pipelines.is_empty());
    let key = model.setup.keymap.label(start, model.theme().glyphs).filter(|_| startable);
    match key {
        Some(key) => format!("{} ({key} {})", Text::NoApprovals.of(lang), start.short(lang)),
        None => Text::NoApprovalsYet.of(lang).to_owned(),
    }
}

/// Lines for each: two, one where there is little room, or more are open than two lines each would show.
fn each(model: &Model, area: Rect) -> usize {
    if area.height >= 6 && model.n_open_shown() * 2 <= most(area) { 2 } else { 1 }
}

/// Rows that the list takes at most: half where the selected one is shown below.
fn most(area: Rect) -> usize {
    let height = usize::from(area.height);
    if height >= 8 { (height / 2).max(4) } else { height }
}

/// The list: what is open stands first and is never scrolled out of sight. It leaves room for what is typed.
pub fn rows(model: &Model, area: Rect) -> Vec<PanelRow> {
    let approvals = model.approvals();
    if approvals.is_empty() {
        return Vec::new();
    }
    let (height, each) = (usize::from(area.height), each(model, area));
    // Where many are open all of them are seen, and what was decided makes room for what is asked.
    let half = if each == 1 && height >= 8 { model.n_open_shown().max(1) } else { most(area) };
    // A rule above, and below perhaps a row that says how much more there is.
    let needed = model.target().map_or(0, |approval| {
        2 + effect_lines(model, approval, area.width).len() + no_lines(model, approval, area.width).len()
    });
    let most = half.min(height.saturating_sub(needed)).max(each) / each * each;
    // What was decided gets the rows that the question which the keys speak of leaves over.
    let list = model.target().map_or(most, |approval| {
        let open = (model.n_open_shown() * each).min(most);
        let whole = 1 + asked(model, approval, area.width, each == 2).len();
        let left = height.saturating_sub(open + whole) / each * each;
        (open + left).clamp(each, most)
    });
    let list = list.min(approvals.len() * each);
    let selected = model.position(Panel::Approvals);
    let at = selected.unwrap_or(0) * each;
    let start = window(approvals.len() * each, at, at + each - 1, list);
    let mut rows = Vec::new();
    for (index, approval) in approvals.into_iter().enumerate() {
        let chosen = selected == Some(index);
        rows.push(PanelRow { index, line: first_line(model, approval, chosen, area.width) });
        if each == 2 {
            rows.push(PanelRow { index, line: second_line(model, approval, area.width) });
        }
    }
    // Where the cursor stands among the decided ones, the oldest open one keeps its place at the top.
    let pinned = if start > 0 && list > each && selected.is_some_and(|at| at >= model.n_open_shown()) {
        each.min(model.n_open_shown() * each)
    } else {
        0
    };
    let rest: Vec<PanelRow> = rows.split_off(pinned);
    rows.extend(rest.into_iter().skip(start).take(list - pinned));
    rows
}

/// What it is about: `pipeline / stage`, else the pane.
#[must_use]
pub fn subject(approval: &Approval) -> String {
    match (&approval.pipeline, &approval.stage) {
        (Some(pipeline), Some(stage)) => format!("{} / {}", clean(pipeline), clean(stage)),
        (Some(name), None) | (None, Some(name)) => clean(name),
        (None, None) => clean(&approval.told_place()),
    }
}

/// The pane behind a subject that does not name it: the same stage may ask in several.
fn pane_beside(approval: &Approval) -> String {
    let named = approval.pipeline.is_none() && approval.stage.is_none();
    if named { String::new() } else { format!(" {}", approval.pane.pane) }
}

/// Where, with the folder in which it acts.
#[must_use]
pub fn place_and_folder(approval: &Approval) -> String {
    let (place, folder) = (clean(&approval.told_place()), clean(&approval.folder));
    if folder.is_empty() { place } else { format!("{place}  {folder}") }
}

fn first_line(model: &Model, approval: &Approval, chosen: bool, width: u16) -> Line<'static> {
    let (theme, lang) = (model.theme(), model.lang());
    let here = chosen && model.panel == Panel::Approvals;
    let open = approval.state == ApprovalState::Pending;
    let (sign, style) = match approval.state {
        ApprovalState::Pending => ("?", theme.ask()),
        ApprovalState::Approved => (theme.sign("✓", "+"), theme.good()),
        ApprovalState::Rejected => (theme.sign("✗", "x"), theme.dim()),
        ApprovalState::Expired | ApprovalState::Superseded => (theme.sign("⊘", "/"), theme.dim()),
    };
    let name = match (here, open) {
        (true, _) => theme.selected(),
        (false, true) => theme.strong(),
        (false, false) => theme.dim(),
    };
    let right = match approval.expires_at.filter(|_| open) {
        Some(at) => format!("<{}", span(lang, at.since(model.time()))),
        None if open => ago(lang, model.time(), approval.asked_at),
        None => approval_state(lang, approval.state).to_owned(),
    };
    Row::default()
        .left(if chosen { theme.cursor() } else { " " }, theme.strong())
        .left(sign, style)
        .left(" ", Style::new())
        .left(subject(approval), name)
        .left(pane_beside(approval), theme.dim())
        .right(right, if open { theme.warn() } else { theme.dim() })
        .line(width, theme)
}

fn second_line(model: &Model, approval: &Approval, width: u16) -> Line<'static> {
    let theme = model.theme();
    Row::default()
        .left("   ", Style::new())
        .left(clean(&question(model.lang(), approval)), theme.dim())
        .line(width, theme)
}

/// What happens when it is approved, exactly, in words.
#[must_use]
pub fn effect(model: &Model, approval: &Approval) -> String {
    let lang = model.lang();
    if let Some(text) = answered(approval) {
        return text.of(lang).to_owned();
    }
    // What stops an overdue command is more than its keys.
    if !approval.effect.is_empty() && approval.kind != ApprovalKind::Overdue {
        return format!("{} {}", Text::EffectTypes.of(lang), steps_text(&approval.effect));
    }
    match reveal(&approval.effect_text) {
        text if text.is_empty() => Text::EffectNothing.of(lang).to_owned(),
        text => effect_sentence(lang, &text),
    }
}

/// The same as a sentence, wrapped.
#[must_use]
pub fn effect_lines(model: &Model, approval: &Approval, width: u16) -> Vec<Line<'static>> {
    let text = format!("{}: {}", Text::Effect.of(model.lang()), effect(model, approval));
    let warn = model.theme().warn();
    wrap(&text, width).into_iter().map(|line| Line::from(Span::styled(line, warn))).collect()
}

/// What a no types, as a sentence, wrapped; nothing where it types nothing.
#[must_use]
pub fn no_lines(model: &Model, approval: &Approval, width: u16) -> Vec<Line<'static>> {
    if approval.effect_no.is_empty() {
        return Vec::new();
    }
    let (lang, steps) = (model.lang(), steps_text(&approval.effect_no));
    let text = format!("{}: {} {steps}", Text::EffectNo.of(lang), Text::EffectTypes.of(lang));
    let warn = model.theme().warn();
    wrap(&text, width).into_iter().map(|line| Line::from(Span::styled(line, warn))).collect()
}

/// An option with what it types, where that is known before it is chosen, or with what it does. `shown`: the option's own words.
#[must_use]
pub fn option_text(lang: Lang, approval: &Approval, n: usize, shown: &str) -> String {
    match approval.option_effects.get(n).filter(|steps| !steps.is_empty()) {
        Some(steps) => format!("{shown}  ({} {})", Text::EffectTypes.of(lang), steps_text(steps)),
        None => {
            let told = |option: &String| told_option(lang, approval, option, shown);
            approval.options.get(n).map_or_else(|| shown.to_owned(), told)
        }
    }
}

/// What must be read of the selected one: what is typed before all, question, options, place. `above`: the list shows the
/// beginning of its question.
fn asked(model: &Model, approval: &Approval, width: u16, above: bool) -> Vec<Line<'static>> {
    let (theme, lang) = (model.theme(), model.lang());
    let mut lines: Vec<Line<'static>> = Vec::new();
    if approval.state == ApprovalState::Pending {
        lines.extend(effect_lines(model, approval, width));
        lines.extend(no_lines(model, approval, width));
    }
    let question = clean(&question(lang, approval));
    // A question that fits stands in the list above.
    if !above || super::text::cells(&question) + 3 > usize::from(width) {
        lines.extend(wrap(&question, width).into_iter().map(Line::from));
    }
    for (n, option) in approval.options.iter().enumerate() {
        lines.push(
            Row::default()
                .left(format!(" {} ", n + 1), theme.ask())
                .left(option_text(lang, approval, n, &clean(option)), Style::new())
                .line(width, theme),
        );
    }
    let place = place_and_folder(approval);
    lines.push(Line::from(Span::styled(
        super::text::cut_start(&place, usize::from(width), theme.ellipsis()),
        theme.dim(),
    )));
    lines
}

/// The selected one in a few lines, with the newest evidence where there is room.
fn summary(model: &Model, approval: &Approval, width: u16, height: usize, above: bool) -> Vec<Line<'static>> {
    let (theme, lang) = (model.theme(), model.lang());
    let mut lines = asked(model, approval, width, above);
    if lines.len() > height {
        let hidden = lines.len() - height.saturating_sub(1);
        lines.truncate(height.saturating_sub(1));
        let key = model.setup.keymap.label(KeyAction::Open, theme.glyphs).unwrap_or_default();
        let more = match lang {
            Lang::En => format!("{} {hidden} more lines ({key})", theme.ellipsis()),
            Lang::Zh => format!("{} 还有 {hidden} 行（{key}）", theme.ellipsis()),
        };
        lines.push(Line::from(Span::styled(more, theme.dim())));
        return lines;
    }
    let room = height - lines.len();
    let evidence = approval.evidence.len().saturating_sub(room);
    for line in approval.evidence.iter().skip(evidence) {
        lines.push(Row::default().left(clean(line), theme.dim()).line(width, theme));
    }
    lines
}
