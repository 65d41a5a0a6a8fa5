//! The mouse, while it is captured: a click selects, the wheel moves.

use super::super::model::{Model, Overlay, Panel};
use super::super::msg::Action;
use super::super::view;
use super::keys::{Move, step};
use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};

pub(super) fn point(model: &mut Model, event: MouseEvent) -> Vec<Action> {
    let at = (event.column, event.row);
    match event.kind {
        MouseEventKind::Down(MouseButton::Left) => click(model, at),
        MouseEventKind::ScrollUp => wheel(model, at, -3),
        MouseEventKind::ScrollDown => wheel(model, at, 3),
        _ => {}
    }
    Vec::new()
}

fn click(model: &mut Model, at: (u16, u16)) {
    match model.overlays.last_mut() {
        Some(Overlay::Confirm(_) | Overlay::Input(_) | Overlay::Notice(_)) => {}
        Some(Overlay::Pick(_) | Overlay::Held { .. } | Overlay::Page { .. }) => {
            // Beside the box: close it, as everywhere.
            if !view::overlay_area(model).contains(at.into()) {
                model.overlays.pop();
            }
        }
        None => {
            if let Some((panel, row)) = view::hit(model, at) {
                model.panel = panel;
                if let Some(row) = row {
                    model.select_row(panel, row);
                }
            }
        }
    }
}

fn wheel(model: &mut Model, at: (u16, u16), rows: isize) {
    if model.overlays.is_empty() {
        let Some((panel, _)) = view::hit(model, at) else { return };
        let before = std::mem::replace(&mut model.panel, panel);
        // The wheel moves by one row in lists; the live screen and pages by three.
        let rows = if panel == Panel::Tail { rows } else { rows.signum() };
        step(model, Move::By(rows));
        model.panel = before;
    } else {
        step(model, Move::By(rows));
    }
}
