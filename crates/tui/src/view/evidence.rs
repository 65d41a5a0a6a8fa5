//! The lines that led to a question, in the room that there is for them.

use super::text::{Row, cells, wrap};
use crate::keymap::KeyAction;
use crate::model::{Model, Panel};
use ratatui::text::{Line, Span};
use tmuxagent_model::{Approval, ApprovalKind, GAP, fitting, last_that_fit};
use tmuxagent_text::{Lang, clean};

/// In at most so many rows those that tell most, each behind `indent`; where some are left out the last row counts them and
/// names the `key` that shows all.
pub fn lines(
    model: &Model,
    approval: &Approval,
    (width, most): (u16, usize),
    indent: &str,
    key: Option<&str>,
) -> Vec<Line<'static>> {
    let theme = model.theme();
    let all = &approval.evidence;
    if most == 0 || all.is_empty() {
        return Vec::new();
    }
    let (chosen, left_out) = chosen(approval, if all.len() > most { most - 1 } else { most });
    let row = |line: &String| {
        let text = if line == GAP { theme.ellipsis().to_owned() } else { clean(line) };
        Row::default().left(format!("{indent}{text}"), theme.dim()).line(width, theme)
    };
    let mut lines: Vec<Line<'static>> = chosen.iter().map(row).collect();
    if left_out > 0 {
        let more = more(model, left_out, key);
        lines.push(Line::from(Span::styled(format!("{indent}{more}"), theme.dim())));
    }
    lines
}

/// The same for a box in which each of them is read whole: wrapped, and so few that their rows fit.
pub fn whole_lines(
    model: &Model,
    approval: &Approval,
    (width, most): (u16, usize),
    indent: &str,
) -> Vec<Line<'static>> {
    let theme = model.theme();
    let room = width.saturating_sub(u16::try_from(2 * indent.len()).unwrap_or(0));
    for n in (1..=most.min(approval.evidence.len())).rev() {
        let (chosen, left_out) = chosen(approval, n);
        let mut lines = Vec::new();
        for line in &chosen {
            let text = if line == GAP { theme.ellipsis().to_owned() } else { clean(line) };
            if cells(&text) + indent.len() <= usize::from(width) {
                lines.push(Line::from(Span::styled(format!("{indent}{text}"), theme.dim())));
                continue;
            }
            let rows = wrap(&text, room).into_iter().enumerate();
            let lead = |row: usize| if row == 0 { indent.to_owned() } else { indent.repeat(2) };
            lines.extend(rows.map(|(row, text)| Line::from(Span::styled(format!("{}{text}", lead(row)), theme.dim()))));
        }
        if left_out > 0 {
            let more = more(model, left_out, None);
            lines.push(Line::from(Span::styled(format!("{indent}{more}"), theme.dim())));
        }
        if lines.len() <= most {
            return lines;
        }
    }
    // There is no room for one of them.
    lines(model, approval, (width, most), indent, None)
}

/// So many of the lines, those that tell most, and how many are left out. A dialog ends with what it asks.
fn chosen(approval: &Approval, n: usize) -> (Vec<String>, usize) {
    let ends = matches!(approval.kind, ApprovalKind::Dialog { .. });
    if ends { last_that_fit(&approval.evidence, n) } else { fitting(&approval.evidence, n) }
}

/// How many lines are not shown, with the key that shows them.
pub fn more(model: &Model, n: usize, key: Option<&str>) -> String {
    let ellipsis = model.theme().ellipsis();
    match (model.lang(), key) {
        (Lang::En, Some(key)) => format!("{ellipsis} {n} more {} ({key})", if n == 1 { "line" } else { "lines" }),
        (Lang::En, None) => format!("{ellipsis} {n} more {}", if n == 1 { "line" } else { "lines" }),
        (Lang::Zh, Some(key)) => format!("{ellipsis} 还有 {n} 行（{key}）"),
        (Lang::Zh, None) => format!("{ellipsis} 还有 {n} 行"),
    }
}

/// The key that shows the question that the keys speak of with all its lines: among the questions whatever opens one, and
/// in the other panels, where that key goes to the pane, the one for everything about the pane.
pub fn key_for_all(model: &Model) -> Option<String> {
    let action = if model.panel == Panel::Approvals { KeyAction::Open } else { KeyAction::Details };
    model.setup.keymap.label(action, model.theme().glyphs)
}
