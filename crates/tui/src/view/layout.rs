//! Where everything stands.
//!
//! ```text
//! wide (160+)                  two columns (72×16+)        one column
//! header                       header                      header
//! banners                      banners                     banners
//! panes │ pipelines │          panes     │ pipelines       tabs
//!       ├───────────┤ live     ──────────┼──────────       panel
//!       │ approvals │          approvals │ live            (live, where there is room)
//! events                       events                      events
//! footer                       footer                      footer
//! ```

use super::panel_name;
use crate::model::{LinkState, Model, Panel};
use ratatui::layout::{Constraint, Layout, Position, Rect};
use tmuxagent_model::Snapshot;
use unicode_width::UnicodeWidthStr;

/// The fewest columns.
pub const MIN_WIDTH: u16 = 30;
/// The fewest rows.
pub const MIN_HEIGHT: u16 = 8;

/// The parts of the screen.
#[derive(Debug, Clone)]
pub struct Screen {
    /// Everything.
    pub whole: Rect,
    /// One row.
    pub header: Rect,
    /// No row, one or two: frozen, supervisor gone.
    pub banners: Rect,
    /// The names of the panels, where only one is shown.
    pub tabs: Option<Rect>,
    /// The panels shown, frames included.
    pub panels: Vec<(Panel, Rect)>,
    /// Whether panels have frames.
    pub framed: bool,
    /// One row.
    pub events: Rect,
    /// One row.
    pub footer: Rect,
}

impl Screen {
    /// The parts for the model's own size.
    #[must_use]
    pub fn of_model(model: &Model) -> Self {
        let (width, height) = model.size;
        Self::of(model, Rect { x: 0, y: 0, width: width.max(MIN_WIDTH), height: height.max(MIN_HEIGHT) })
    }

    /// The parts for an area of at least the minimum.
    #[must_use]
    pub fn of(model: &Model, area: Rect) -> Self {
        let frozen = model.snapshot.as_deref().is_some_and(|snapshot: &Snapshot| snapshot.frozen.is_some());
        let lost = matches!(model.link, LinkState::Lost { .. });
        let banners = u16::from(frozen) + u16::from(lost) + u16::from(model.watched_only().is_some());
        let [header, banners, body, events, footer] = area.layout(&Layout::vertical([
            Constraint::Length(1),
            Constraint::Length(banners),
            Constraint::Min(1),
            Constraint::Length(1),
            Constraint::Length(1),
        ]));
        let mut screen =
            Self { whole: area, header, banners, tabs: None, panels: Vec::new(), framed: true, events, footer };
        if model.zoomed {
            screen.panels.push((model.panel, body));
        } else if area.width >= 160 && area.height >= 20 {
            screen.three_columns(model, body);
        } else if area.width >= 72 && area.height >= 16 {
            screen.two_columns(model, body);
        } else {
            screen.one_column(model, body);
        }
        screen
    }

    fn three_columns(&mut self, model: &Model, body: Rect) {
        let [left, middle, right] = body.layout(&Layout::horizontal([
            Constraint::Percentage(34),
            Constraint::Percentage(31),
            Constraint::Percentage(35),
        ]));
        let [above, below] =
            middle.layout(&Layout::vertical([Constraint::Fill(1), Constraint::Length(approvals(model, body.height))]));
        self.panels = vec![(Panel::Panes, left), (Panel::Runs, above), (Panel::Approvals, below), (Panel::Tail, right)];
    }

    fn two_columns(&mut self, model: &Model, body: Rect) {
        let [left, right] = body.layout(&Layout::horizontal([Constraint::Percentage(42), Constraint::Fill(1)]));
        let [panes, questions] = left.layout(&Layout::vertical([
            Constraint::Fill(1),
            Constraint::Length(below_panes(model, left.width, body.height)),
        ]));
        let wanted = u16::try_from(model.n_rows(Panel::Runs)).unwrap_or(u16::MAX).saturating_add(2);
        let runs = wanted.clamp(5, (body.height / 2).max(5));
        let [runs, tail] = right.layout(&Layout::vertical([Constraint::Length(runs), Constraint::Fill(1)]));
        self.panels =
            vec![(Panel::Panes, panes), (Panel::Runs, runs), (Panel::Approvals, questions), (Panel::Tail, tail)];
    }

    fn one_column(&mut self, model: &Model, body: Rect) {
        let [tabs, body] = body.layout(&Layout::vertical([Constraint::Length(1), Constraint::Min(1)]));
        self.tabs = Some(tabs);
        self.framed = false;
        if body.height >= 16 && model.panel != Panel::Tail {
            let [list, tail] = body.layout(&Layout::vertical([Constraint::Fill(1), Constraint::Fill(1)]));
            self.framed = true;
            self.panels = vec![(model.panel, list), (Panel::Tail, tail)];
        } else {
            self.panels = vec![(model.panel, body)];
        }
    }

    /// The inside of a panel, where it is shown.
    #[must_use]
    pub fn inner(&self, panel: Panel) -> Option<Rect> {
        let &(_, rect) = self.panels.iter().find(|(shown, _)| *shown == panel)?;
        Some(if self.framed { shrunk(rect, 1, 1) } else { rect })
    }

    /// Where boxes of text stand.
    #[must_use]
    pub fn overlay(&self) -> Rect {
        let top = self.header.bottom();
        let room = Rect { y: top, height: self.footer.y.saturating_sub(top), ..self.whole };
        if room.width < 64 || room.height < 16 {
            return room;
        }
        let width = (room.width - 4).min(110);
        let height = room.height - 2;
        Rect { x: room.x + (room.width - width) / 2, y: room.y + 1, width, height }
    }

    /// The panel whose name stands at a cell of the tabs.
    #[must_use]
    pub fn tab_at(&self, model: &Model, at: Position) -> Option<Panel> {
        let tabs = self.tabs.filter(|tabs| tabs.contains(at))?;
        let mut x = tabs.x;
        for panel in Panel::ALL {
            let width = tab_label(model, panel).width();
            x += u16::try_from(width).unwrap_or(u16::MAX);
            if at.x < x {
                return Some(panel);
            }
            x += 1;
        }
        None
    }
}

/// The name of a panel in the tabs, with what waits there.
#[must_use]
pub fn tab_label(model: &Model, panel: Panel) -> String {
    let name = panel_name(panel).of(model.lang());
    match (panel, model.n_pending()) {
        (Panel::Approvals, n @ 1..) => format!(" {name} {n} "),
        _ => format!(" {name} "),
    }
}

/// Rows for the approvals: more when something waits.
fn approvals(model: &Model, body: u16) -> u16 {
    match model.n_pending() {
        0 => 5.min(body / 3),
        1 => (body / 2).clamp(6, 16),
        _ => (body / 2).clamp(8, 22),
    }
}

/// Rows for the approvals below the panes: what few panes leave free shows the lines that led to the question, and what is
/// typed and why is read where many panes are, too.
fn below_panes(model: &Model, width: u16, body: u16) -> u16 {
    let rows = |n: usize| u16::try_from(n).unwrap_or(u16::MAX).saturating_add(2);
    let panes = rows(model.n_rows(Panel::Panes)).max(5);
    let least = approvals(model, body);
    if model.n_pending() == 0 {
        return least;
    }
    let wanted = rows(super::approvals::wanted(model, width.saturating_sub(2)));
    let free = body.saturating_sub(panes);
    let least = least.max(wanted.min(body * 2 / 3));
    // Who has the room for the whole question takes no more than two thirds.
    free.min(wanted.max(body * 2 / 3)).max(least)
}

/// A smaller rectangle.
#[must_use]
pub fn shrunk(rect: Rect, dx: u16, dy: u16) -> Rect {
    Rect {
        x: rect.x.saturating_add(dx.min(rect.width)),
        y: rect.y.saturating_add(dy.min(rect.height)),
        width: rect.width.saturating_sub(2 * dx),
        height: rect.height.saturating_sub(2 * dy),
    }
}
