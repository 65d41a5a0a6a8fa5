//! The lines that led to a question, in the room that there is for them.

use super::text::Row;
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
    let room = if all.len() > most { most - 1 } else { most };
    // A dialog ends with what it asks.
    let ends = matches!(approval.kind, ApprovalKind::Dialog { .. });
    let (chosen, left_out) = if ends { last_that_fit(all, room) } else { fitting(all, room) };
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
