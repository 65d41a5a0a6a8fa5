//! The first row: machines, counts, clock; below it the banners.

use super::layout::{Screen, tab_label};
use super::text::{Row, cells, put_lines};
use crate::keymap::KeyAction;
use crate::model::{LinkState, Model, Panel};
use ratatui::buffer::Buffer;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use tmuxagent_model::{HostState, HostView, StageState};
use tmuxagent_text::{Text, clean, clock, host_owner, host_state, message, span};

pub fn render(model: &Model, screen: &Screen, buffer: &mut Buffer) {
    put_lines([first_row(model, screen.header.width)], screen.header, buffer);
    put_lines(banners(model, screen.banners.width), screen.banners, buffer);
    if let Some(tabs) = screen.tabs {
        put_lines([tab_row(model)], tabs, buffer);
    }
}

fn first_row(model: &Model, width: u16) -> Line<'static> {
    let theme = model.theme();
    let lang = model.lang();
    let mut row = Row::default().left("tmuxagent", theme.strong());
    let Some(snapshot) = &model.snapshot else {
        let text = match model.link {
            LinkState::Connecting | LinkState::Up => Text::Connecting,
            LinkState::Lost { .. } => Text::SupervisorGone,
        };
        return row.left(format!("  {}{}", text.of(lang), theme.ellipsis()), theme.dim()).line(width, theme);
    };
    for host in hosts(model, &snapshot.hosts, width) {
        let (sign, style) = theme.host(host.state);
        row = row.left("  ", Style::new()).left(sign, style).left(format!(" {}", host.text), Style::new());
        if !host.note.is_empty() {
            let style = if host.state == HostState::Live { theme.dim() } else { style };
            row = row.left(format!(" {}", host.note), style);
        }
    }
    let hosts = row.left_width();
    // Words where there is room for them, else signs.
    let wide = counts(model, Wording::Words);
    let needed: usize = wide.iter().map(|(text, _)| cells(text) + 3).sum::<usize>() + hosts + 9;
    let (counts, between) = if needed <= usize::from(width) {
        (wide, theme.sign(" · ", " | "))
    } else {
        (counts(model, Wording::Signs), " ")
    };
    for (n, (text, style)) in counts.into_iter().enumerate() {
        if n > 0 {
            row = row.right(between, theme.dim());
        }
        row = row.right(text, style);
    }
    row.right(format!("  {}", clock(&model.setup.zone, model.time_of_day())), theme.dim()).line(width, theme)
}

/// From so many live hosts on they are counted where their names leave no room for those that are not live.
const MANY: usize = 4;

/// A host, or many live ones in one.
struct Shown {
    state: HostState,
    text: String,
    note: String,
}

/// The hosts as they are shown.
fn hosts(model: &Model, hosts: &[HostView], width: u16) -> Vec<Shown> {
    let lang = model.lang();
    let shown = |host: &HostView| {
        let note = match host.state {
            HostState::Live if hosts.len() == 1 && width >= 60 => clean(&host.version),
            HostState::Live => String::new(),
            HostState::Connecting
            | HostState::Polling
            | HostState::Watching
            | HostState::Same
            | HostState::NoServer
            | HostState::Unreachable => host_state(lang, host.state).to_owned(),
        };
        Shown { state: host.state, text: clean(host.name.as_str()), note }
    };
    let all: Vec<_> = hosts.iter().map(shown).collect();
    let live = hosts.iter().filter(|host| host.state == HostState::Live).count();
    let needed: usize = all.iter().map(|host| cells(&host.text) + cells(&host.note) + 5).sum();
    if live < MANY || needed + 30 <= usize::from(width) {
        return all;
    }
    let text = format!("{live} {}", lang.pick("hosts", "台主机"));
    let counted = Shown { state: HostState::Live, text, note: String::new() };
    let rest = hosts.iter().filter(|host| host.state != HostState::Live).map(shown);
    std::iter::once(counted).chain(rest).collect()
}

/// How counts are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wording {
    Words,
    Signs,
}

/// What goes on, most pressing first.
fn counts(model: &Model, wording: Wording) -> Vec<(String, Style)> {
    let theme = model.theme();
    let lang = model.lang();
    let Some(snapshot) = &model.snapshot else { return Vec::new() };
    let stages = || snapshot.runs.iter().flat_map(|run| &run.stages);
    let running = stages().filter(|it| matches!(it.shown_state(), StageState::Running | StageState::Starting)).count();
    let failed = snapshot.runs.iter().filter(|run| run.has_failed()).count();
    let word = |sign: &str, n: usize, en: &str, zh: &str| match lang {
        _ if wording == Wording::Signs => format!("{sign}{n}"),
        tmuxagent_text::Lang::En => format!("{n} {en}"),
        tmuxagent_text::Lang::Zh => format!("{n} {zh}"),
    };
    let mut counts = Vec::new();
    let problems = snapshot.problems.len();
    if problems > 0 {
        let en = if problems == 1 { "problem" } else { "problems" };
        counts.push((word("!", problems, en, "故障"), theme.bad()));
    }
    if model.n_pending() > 0 {
        counts.push((
            word(theme.stage(StageState::NeedsApproval).0, model.n_pending(), "to decide", "待审批"),
            theme.ask(),
        ));
    }
    if failed > 0 {
        let glyph = theme.stage(StageState::Failed).0;
        let text = match failed {
            1 => word(glyph, failed, "run failed", "次运行失败"),
            _ => word(glyph, failed, "runs failed", "次运行失败"),
        };
        counts.push((text, theme.bad()));
    }
    if running > 0 {
        counts.push((word(theme.stage(StageState::Running).0, running, "running", "运行中"), theme.busy()));
    }
    if wording == Wording::Words {
        let panes = snapshot.panes.len();
        counts.push((word("", panes, if panes == 1 { "pane" } else { "panes" }, "窗格"), theme.dim()));
    }
    counts
}

fn banners(model: &Model, width: u16) -> Vec<Line<'static>> {
    let theme = model.theme();
    let lang = model.lang();
    let mut lines = Vec::new();
    if let LinkState::Lost { reason, retry_at } = &model.link {
        let wait = span(lang, retry_at.since(model.now));
        let text = format!(" {} ({wait}){}", Text::SupervisorGone.of(lang), theme.ellipsis());
        let reason = if reason.is_empty() { String::new() } else { format!("  {}", message(lang, reason)) };
        lines.push(Row::default().left(text, theme.banner()).left(reason, theme.warn()).line(width, theme));
    }
    if let Some((host, owner)) = model.watched_only() {
        let name = format!(" {} {}", clean(host.name.as_str()), host_state(lang, host.state));
        let who = format!("  {}", host_owner(lang, host.state, owner));
        lines.push(Row::default().left(name, theme.banner()).left(who, theme.warn()).line(width, theme));
    }
    if let Some(freeze) = model.snapshot.as_ref().and_then(|snapshot| snapshot.frozen.as_ref()) {
        let n_held = model.snapshot.as_ref().map_or(0, |snapshot| snapshot.held.len());
        let since = clock(&model.setup.zone, freeze.since);
        let by = clean(&freeze.by);
        let (who, held) = match lang {
            tmuxagent_text::Lang::En => (format!("  by {by} at {since}"), format!("{n_held} held")),
            tmuxagent_text::Lang::Zh => (format!("  {by} {since}"), format!("暂缓 {n_held}")),
        };
        let key = |action| model.setup.keymap.label(action, theme.glyphs).unwrap_or_default();
        let keys = format!(
            " {} {}  {} {} ",
            key(KeyAction::Freeze),
            lang.pick("unfreeze", "解冻"),
            key(KeyAction::Held),
            held
        );
        lines.push(
            Row::default()
                .left(format!(" {}", Text::Frozen.of(lang)), theme.banner())
                .left(who, theme.warn())
                .right(keys, theme.warn())
                .line(width, theme),
        );
    }
    lines
}

fn tab_row(model: &Model) -> Line<'static> {
    let theme = model.theme();
    let mut spans = Vec::new();
    for panel in Panel::ALL {
        if !spans.is_empty() {
            spans.push(Span::raw(" "));
        }
        let label = tab_label(model, panel);
        let style = if panel == model.panel {
            theme.selected().patch(theme.strong())
        } else if panel == Panel::Approvals && model.n_pending() > 0 {
            theme.ask()
        } else {
            theme.dim()
        };
        spans.push(Span::styled(label, style));
    }
    Line::from(spans)
}
