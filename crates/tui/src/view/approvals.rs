//! The questions: the open ones first, and below them the selected one with its exact effect and evidence.

use super::text::{PanelRow, Row, put_empty, put_lines, steps_text, window, wrap};
use crate::model::{Model, Panel};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use tmuxagent_model::{Approval, ApprovalState};
use tmuxagent_text::{Text, ago, approval_state, clean, reveal, span};

pub fn render(model: &Model, area: Rect, buffer: &mut Buffer) {
    let rows = rows(model, area);
    if rows.is_empty() {
        let text = if model.filter.is_empty() { Text::NoApprovals } else { Text::NoMatch };
        put_empty(text.of(model.lang()), model.theme(), area, buffer);
        return;
    }
    let used = u16::try_from(rows.len()).unwrap_or(area.height);
    put_lines(rows.into_iter().map(|row| row.line), area, buffer);
    let rest = Rect { y: area.y + used, height: area.height.saturating_sub(used), ..area };
    if rest.height >= 3
        && let Some(approval) = model.approval.as_ref().and_then(|id| model.approval_view(id))
    {
        let rule = model.theme().sign("─", "-").repeat(usize::from(area.width));
        let mut lines = vec![Line::from(Span::styled(rule, model.theme().dim()))];
        lines.extend(summary(model, approval, rest.width, usize::from(rest.height - 1)));
        put_lines(lines, rest, buffer);
    }
}

/// Two lines for each, one where there is little room.
pub fn rows(model: &Model, area: Rect) -> Vec<PanelRow> {
    let approvals = model.approvals();
    if approvals.is_empty() {
        return Vec::new();
    }
    let height = usize::from(area.height);
    let each = if height >= 4 { 2 } else { 1 };
    // The list takes what it needs, at most half where the selected one is shown below.
    let list = (approvals.len() * each).min(if height >= 8 { (height / 2).max(4) } else { height });
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
    rows.into_iter().skip(start).take(list).collect()
}

/// What it is about: `pipeline / stage`, else the pane.
#[must_use]
pub fn subject(approval: &Approval) -> String {
    match (&approval.pipeline, &approval.stage) {
        (Some(pipeline), Some(stage)) => format!("{} / {}", clean(pipeline), clean(stage)),
        (Some(name), None) | (None, Some(name)) => clean(name),
        (None, None) => clean(&approval.place),
    }
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
        .right(right, if open { theme.warn() } else { theme.dim() })
        .line(width, theme)
}

fn second_line(model: &Model, approval: &Approval, width: u16) -> Line<'static> {
    let theme = model.theme();
    Row::default().left("   ", Style::new()).left(clean(&approval.question), theme.dim()).line(width, theme)
}

/// The exact effect of a yes, in words.
#[must_use]
pub fn effect(model: &Model, approval: &Approval) -> String {
    if !approval.effect.is_empty() {
        return steps_text(&approval.effect);
    }
    match reveal(&approval.effect_text) {
        text if text.is_empty() => Text::EffectNothing.of(model.lang()).to_owned(),
        text => text,
    }
}

/// The selected one in a few lines: question, effect, options, the newest evidence.
fn summary(model: &Model, approval: &Approval, width: u16, height: usize) -> Vec<Line<'static>> {
    let (theme, lang) = (model.theme(), model.lang());
    let mut lines: Vec<Line<'static>> = Vec::new();
    let place = clean(&approval.place);
    lines.push(Line::from(Span::styled(
        super::text::cut_start(&place, usize::from(width), theme.ellipsis()),
        theme.dim(),
    )));
    let question = clean(&approval.question);
    // A question that fits stands in the list above.
    if super::text::cells(&question) + 3 > usize::from(width) {
        lines.extend(wrap(&question, width).into_iter().map(Line::from));
    }
    if approval.state == ApprovalState::Pending {
        let text = format!("{}: {}", Text::Effect.of(lang), effect(model, approval));
        lines.extend(wrap(&text, width).into_iter().map(|line| Line::from(Span::styled(line, theme.warn()))));
    }
    for (n, option) in approval.options.iter().enumerate() {
        lines.push(
            Row::default()
                .left(format!(" {} ", n + 1), theme.ask())
                .left(clean(option), Style::new())
                .line(width, theme),
        );
    }
    if lines.len() > height {
        lines.truncate(height.saturating_sub(1));
        let more = model.setup.keymap.label(crate::keymap::KeyAction::Open, theme.glyphs).unwrap_or_default();
        lines.push(Line::from(Span::styled(format!("{} {more}", theme.ellipsis()), theme.dim())));
        return lines;
    }
    let room = height - lines.len();
    let evidence = approval.evidence.len().saturating_sub(room);
    for line in approval.evidence.iter().skip(evidence) {
        lines.push(Row::default().left(clean(line), theme.dim()).line(width, theme));
    }
    lines
}
