//! The questions: the open ones first, and below them the one that the keys speak of, with its exact effect and evidence.

use super::place::Place;
use super::text::{PanelRow, Row, cells, put_empty, put_lines, steps_text, window, wrap, wrap_steps};
use crate::keymap::KeyAction;
use crate::model::{Model, Panel};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use tmuxagent_model::{Approval, ApprovalKind, ApprovalState};
use tmuxagent_text::{
    Lang, Text, ago, answered, approval_state, clean, effect_sentence, meant_by_no, message, question, reveal, span,
    told_option,
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
        let most = effect_rows(model, approval, area);
        lines.extend(summary(model, approval, (rest.width, most), usize::from(rest.height - 1), above));
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

/// Rows of the panel with which a question is read below the list: what is asked and typed, and the lines that tell its cause
/// with the row that counts the others.
pub fn wanted(model: &Model, width: u16) -> usize {
    let Some(approval) = model.target() else { return 0 };
    let open = model.n_open_shown();
    let listed = if open <= 2 { open * 2 } else { open };
    let asked = asked(model, approval, (width, EFFECT_ROWS.1), open <= 2).len();
    listed + 1 + asked + approval.evidence.len().min(CAUSE + 1)
}

/// The fewest rows that an effect is given, and the most while others want them.
const EFFECT_ROWS: (usize, usize) = (3, 5);

/// Rows that the effect takes at most: all open questions, what is asked and its cause are seen before a long one gets more.
fn effect_rows(model: &Model, approval: &Approval, area: Rect) -> usize {
    let (height, open) = (usize::from(area.height), model.n_open_shown());
    // A row for each open one, a rule, what is asked, a line of the cause and the row that counts the others.
    let few = height.saturating_sub(open + 4).clamp(EFFECT_ROWS.0, EFFECT_ROWS.1);
    let question = wrap(&clean(&question(model.lang(), approval)), area.width).len();
    let cause = approval.evidence.len().min(CAUSE + 1);
    let others =
        open * 2 + 1 + question + no_rows(model, approval, area.width).len() + approval.options.len() + 1 + cause;
    height.saturating_sub(others).max(few)
}

/// Keeps `most` rows of what is typed; the last one tells how many more there are, and the key that shows all.
fn kept(model: &Model, mut lines: Vec<Line<'static>>, (width, most): (u16, usize)) -> Vec<Line<'static>> {
    if lines.len() <= most {
        return lines;
    }
    let n = lines.len() + 1 - most;
    lines.truncate(most - 1);
    let (ellipsis, key) = (model.theme().ellipsis(), super::evidence::key_for_all(model).unwrap_or_default());
    let texts = [format!("{n} more rows: {key} shows all"), format!("{n} more rows ({key})")];
    let [long, short] = texts.map(|text| format!("{ellipsis} {}", message(model.lang(), &text)));
    let told = if cells(&long) <= usize::from(width) { long } else { short };
    lines.push(Line::from(Span::styled(told, model.theme().bad())));
    lines
}

/// What a no types, in few rows.
fn no_rows(model: &Model, approval: &Approval, width: u16) -> Vec<Line<'static>> {
    kept(model, no_lines(model, approval, width), (width, 2))
}

/// So many lines of the cause are shown where where it happens and options give way to them.
const CAUSE: usize = 3;

/// Lines for each: two, one where there is little room, or more are open than two lines each would show.
fn each(model: &Model, area: Rect) -> usize {
    // What the list says twice over for several must leave the cause its lines.
    let cause = model
        .target()
        .filter(|_| model.n_open_shown() > 1)
        .map_or(0, |it| it.evidence.len().min(CAUSE).saturating_sub(1));
    let room = most(area).min(usize::from(area.height).saturating_sub(needed(model, area, 2) + cause));
    if area.height >= 6 && model.n_open_shown() * 2 <= room { 2 } else { 1 }
}

/// Rows below the list that are never left out: a rule, what must be read, a line of the cause and a row that counts the others;
/// of what was decided one row.
fn needed(model: &Model, area: Rect, each: usize) -> usize {
    let chosen = model.position(Panel::Approvals).is_some_and(|at| at >= model.n_open_shown());
    match model.target() {
        Some(approval) => {
            let cause = usize::from(!approval.evidence.is_empty());
            2 + cause + must(model, approval, area, each == 2)
        }
        None if chosen && area.height >= 8 => 2,
        None => 0,
    }
}

/// Rows that the list takes at most: half where the selected one is shown below.
fn most(area: Rect) -> usize {
    let height = usize::from(area.height);
    if height >= 8 { (height / 2).max(4) } else { height }
}

/// How the list's rows are shared out, in entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Shares {
    open: usize,
    /// Whether a row says how many open ones stand above and below those.
    more: bool,
    closed: usize,
}

impl Shares {
    /// Of `n` open and closed entries of `each` rows: all open ones that fit, and what was decided in the room that they
    /// leave, at most `rest` rows. `chosen`: the cursor stands on one that was decided, so that one of those is shown.
    fn of((open, closed): (usize, usize), each: usize, most: usize, rest: usize, chosen: bool) -> Self {
        let kept = if chosen && most >= 2 * each { each } else { 0 };
        let room = (most - kept.min(most)) / each;
        if open > room {
            let more = most > kept + each;
            let rows = most.saturating_sub(kept + usize::from(more));
            return Self { open: (rows / each).max(1), more, closed: kept / each };
        }
        let left = most.saturating_sub(open * each).min(rest.max(kept)) / each;
        Self { open, more: false, closed: left.min(closed) }
    }
}

/// How many of them are shown, open and decided.
fn shares(model: &Model, area: Rect, each: usize) -> Shares {
    let height = usize::from(area.height);
    let (all, n_open) = (model.approvals().len(), model.n_open_shown());
    let chosen = model.position(Panel::Approvals).is_some_and(|at| at >= n_open);
    // Where many are open all of them are seen, and what was decided makes room for what is asked.
    let half = if each == 1 && height >= 8 { n_open.max(1) } else { most(area) };
    let half = if chosen { half + each } else { half };
    // Where not all fit one is shown, and the row that says how many more there are.
    let least = if n_open * each > each { each.max(2) } else { each } + usize::from(chosen);
    let most = half.min(height.saturating_sub(needed(model, area, each))).max(least.min(height));
    let open = (n_open * each).min(most);
    let rest = match model.target() {
        Some(approval) => {
            let whole = 1
                + asked(model, approval, (area.width, effect_rows(model, approval, area)), each == 2).len()
                + approval.evidence.len();
            height.saturating_sub(open + whole)
        }
        None => most - open,
    };
    Shares::of((n_open, all - n_open.min(all)), each, most, rest, chosen)
}

/// Rows of an open question that are never left out: a row of what is asked, unless the list shows it, and what is typed.
fn must(model: &Model, approval: &Approval, area: Rect, above: bool) -> usize {
    let most = effect_rows(model, approval, area);
    let typed = effect_lines(model, approval, area.width).len().min(most) + no_rows(model, approval, area.width).len();
    usize::from(!is_told_above(model, approval, area.width, above)) + typed
}

/// The list: what is open stands first, all of it where it fits, and what was decided in the room that is left. It leaves
/// room for what is typed, and begins with no second row.
pub fn rows(model: &Model, area: Rect) -> Vec<PanelRow> {
    let approvals = model.approvals();
    if approvals.is_empty() {
        return Vec::new();
    }
    let each = each(model, area);
    let shares = shares(model, area, each);
    let n_open = model.n_open_shown();
    let selected = model.position(Panel::Approvals);
    let among = |from: usize, n: usize, shown: usize| {
        let at = selected.and_then(|at| at.checked_sub(from)).filter(|at| *at < n).unwrap_or(0);
        window(n, at, at, shown)
    };
    let first = among(0, n_open, shares.open);
    let last = (first + shares.open).min(n_open);
    let first_closed = n_open + among(n_open, approvals.len() - n_open, shares.closed);
    let mut rows = Vec::new();
    let put = |rows: &mut Vec<PanelRow>, index: usize| {
        let Some(approval) = approvals.get(index) else { return };
        rows.push(PanelRow { index, line: first_line(model, approval, (selected == Some(index), each), area.width) });
        if each == 2 {
            rows.push(PanelRow { index, line: second_line(model, approval, area.width) });
        }
    };
    (first..last).for_each(|index| put(&mut rows, index));
    if shares.more {
        let (above, below) = (first, n_open - last);
        let index = if below > 0 { last } else { first.saturating_sub(1) };
        rows.push(PanelRow { index, line: Line::from(Span::styled(beyond(model, above, below), model.theme().ask())) });
    }
    (first_closed..first_closed + shares.closed).for_each(|index| put(&mut rows, index));
    rows
}

/// How many open ones stand above those shown and below them.
fn beyond(model: &Model, above: usize, below: usize) -> String {
    let (theme, lang) = (model.theme(), model.lang());
    let told = |n: usize, sign: &str| match lang {
        Lang::En => format!("{sign} {n} more"),
        Lang::Zh => format!("{sign} 还有 {n} 项"),
    };
    let parts = [(above, theme.sign("↑", "^")), (below, theme.sign("↓", "v"))];
    let parts: Vec<String> = parts.into_iter().filter(|(n, _)| *n > 0).map(|(n, sign)| told(n, sign)).collect();
    format!(" {}", parts.join("  "))
}

/// What it is about: `pipeline / stage`, else the pane.
#[must_use]
pub fn subject(approval: &Approval) -> String {
    stage_asking(approval).unwrap_or_else(|| Place::asked_in(approval).bare().whole())
}

/// `pipeline / stage`, where one asks.
fn stage_asking(approval: &Approval) -> Option<String> {
    match (&approval.pipeline, &approval.stage) {
        (Some(pipeline), Some(stage)) => Some(format!("{} / {}", clean(pipeline), clean(stage))),
        (Some(name), None) | (None, Some(name)) => Some(clean(name)),
        (None, None) => None,
    }
}

/// Cells of a question that still say something.
const LEAST_QUESTION: usize = 8;

fn first_line(model: &Model, approval: &Approval, (chosen, each): (bool, usize), width: u16) -> Line<'static> {
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
    // The same stage may ask in several panes.
    let (stage, place) = (stage_asking(approval), Place::asked_in(approval).bare());
    let about = stage.as_ref().map_or_else(|| cells(&place.whole()), |stage| cells(stage) + 1 + place.least());
    let right = match approval.expires_at.filter(|_| open) {
        Some(at) => format!("<{}", span(lang, at.since(model.time()))),
        None if open => ago(lang, model.time(), approval.asked_at),
        None => match approval.undo_until.filter(|_| approval.can_be_taken_back(model.time())) {
            Some(until) => {
                let left = format!("<{}", span(lang, until.since(model.time())));
                let told = format!("{} {left}", approval_state(lang, approval.state));
                // The sign says it, too.
                if about + cells(&told) + 4 <= usize::from(width) { told } else { left }
            }
            None => approval_state(lang, approval.state).to_owned(),
        },
    };
    // Where it has one row, what is asked stands behind what it is about.
    let free = usize::from(width).saturating_sub(about + cells(&right) + 6);
    let asked =
        (open && each == 1 && free >= LEAST_QUESTION).then(|| format!("  {}", clean(&question(lang, approval))));
    let row = Row::default()
        .left(if chosen { theme.cursor() } else { " " }, theme.strong())
        .left(sign, style)
        .left(" ", Style::new());
    let row = match stage {
        Some(stage) => row.left(stage, name).place(" ", place, theme.dim()),
        None => row.place("", place, name),
    };
    row.left(asked.unwrap_or_default(), theme.dim())
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
    let text = format!("{}{}{}", Text::Effect.of(model.lang()), model.lang().colon(), effect(model, approval));
    let warn = model.theme().warn();
    wrap_steps(&text, width).into_iter().map(|line| Line::from(Span::styled(line, warn))).collect()
}

/// What a no types, as a sentence, wrapped; nothing where it types nothing.
#[must_use]
pub fn no_lines(model: &Model, approval: &Approval, width: u16) -> Vec<Line<'static>> {
    if approval.effect_no.is_empty() { Vec::new() } else { said_no_lines(model, approval, Text::EffectNo, width) }
}

/// What a no does, as a sentence that begins with `when`, wrapped: what it types, else what becomes of what asked.
#[must_use]
pub fn said_no_lines(model: &Model, approval: &Approval, when: Text, width: u16) -> Vec<Line<'static>> {
    let lang = model.lang();
    let does = match approval.effect_no.as_slice() {
        [] => meant_by_no(lang, approval).to_owned(),
        steps => format!("{} {}", Text::EffectTypes.of(lang), steps_text(steps)),
    };
    let text = format!("{}{}{does}", when.of(lang), lang.colon());
    let warn = model.theme().warn();
    wrap_steps(&text, width).into_iter().map(|line| Line::from(Span::styled(line, warn))).collect()
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

/// Whether the list shows the whole question. `above`: it shows its beginning.
fn is_told_above(model: &Model, approval: &Approval, width: u16, above: bool) -> bool {
    above && cells(&clean(&question(model.lang(), approval))) + 3 <= usize::from(width)
}

/// What must be read of the selected one before its options and its place: the question, where the list does not show all
/// of it, and what a yes and a no type.
fn first_of_all(
    model: &Model,
    approval: &Approval,
    (width, most): (u16, usize),
    above: bool,
) -> [Vec<Line<'static>>; 2] {
    let asked = if is_told_above(model, approval, width, above) {
        Vec::new()
    } else {
        wrap(&clean(&question(model.lang(), approval)), width).into_iter().map(Line::from).collect()
    };
    let mut typed = Vec::new();
    if approval.state == ApprovalState::Pending {
        typed.extend(kept(model, effect_lines(model, approval, width), (width, most)));
        typed.extend(no_rows(model, approval, width));
    }
    [asked, typed]
}

/// The same with options and place.
fn asked(model: &Model, approval: &Approval, (width, most): (u16, usize), above: bool) -> Vec<Line<'static>> {
    let (theme, lang) = (model.theme(), model.lang());
    let [mut lines, typed] = first_of_all(model, approval, (width, most), above);
    lines.extend(typed);
    for (n, option) in approval.options.iter().enumerate() {
        lines.push(
            Row::default()
                .left(format!(" {} ", n + 1), theme.ask())
                .left(option_text(lang, approval, n, &clean(option)), Style::new())
                .line(width, theme),
        );
    }
    let place = Place::asked_in(approval).fit(usize::from(width), theme.ellipsis());
    lines.push(Line::from(Span::styled(place, theme.dim())));
    lines
}

/// The first rows of what is asked; the last of them ends in a sign where some are left out.
fn beginning(model: &Model, mut question: Vec<Line<'static>>, rows: usize, width: u16) -> Vec<Line<'static>> {
    if question.len() > rows {
        question.truncate(rows);
        if let Some(last) = question.last_mut() {
            let sign = model.theme().ellipsis();
            let text = super::text::cut(&last.to_string(), usize::from(width).saturating_sub(1), "");
            *last = Line::from(format!("{text}{sign}"));
        }
    }
    question
}

/// The selected one in a few lines, with those that led to it where there is room.
fn summary(
    model: &Model,
    approval: &Approval,
    (width, most): (u16, usize),
    height: usize,
    above: bool,
) -> Vec<Line<'static>> {
    let theme = model.theme();
    let mut lines = asked(model, approval, (width, most), above);
    let key = super::evidence::key_for_all(model);
    let whole = lines.len();
    // Where gives way first: to the cause, and to the row that says how many more lines there are.
    if whole + approval.evidence.len().min(CAUSE + 1) > height {
        lines.pop();
    }
    // Of the rest, with a line of the cause, the options, then the question but for its first line, and what is typed never.
    let cause = approval.evidence.len().min(2);
    if lines.len() + cause > height {
        let [question, typed] = first_of_all(model, approval, (width, most), above);
        let rows = height.saturating_sub(cause.max(1) + typed.len()).max(usize::from(height > typed.len()));
        lines = beginning(model, question, rows, width).into_iter().chain(typed).collect();
    }
    let hidden = whole.saturating_sub(lines.len());
    let room = height.saturating_sub(lines.len());
    let mut told = super::evidence::lines(model, approval, (width, room), "", key.as_deref());
    if hidden > 0 && approval.evidence.len() <= room || told.is_empty() && hidden + approval.evidence.len() > 0 {
        let [question, typed] = first_of_all(model, approval, (width, most), above);
        if lines.len() < whole && lines.len() >= height {
            // What is typed stands last where all else has given way, but for the first row of what is asked.
            let rows = height.saturating_sub(1 + typed.len()).max(1);
            lines = beginning(model, question, rows, width).into_iter().chain(typed).collect();
        } else {
            lines.truncate(height.saturating_sub(1));
        }
        told.truncate(height.saturating_sub(lines.len() + 1));
        let n = whole.saturating_sub(lines.len()) + approval.evidence.len().saturating_sub(told.len());
        let more = super::evidence::more(model, n, key.as_deref());
        told.push(Line::from(Span::styled(more, theme.dim())));
    }
    lines.extend(told);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn open_ones_take_the_rows_before_decided_ones_do() {
        let shares = |n: (usize, usize), each, most, rest, chosen| {
            let Shares { open, more, closed } = Shares::of(n, each, most, rest, chosen);
            (open, more, closed)
        };
        assert_eq!(shares((2, 5), 2, 8, 4, false), (2, false, 2));
        assert_eq!(shares((2, 5), 2, 9, 9, false), (2, false, 2), "never half an entry");
        assert_eq!(shares((2, 5), 2, 8, 1, false), (2, false, 0), "what is asked is whole first");
        assert_eq!(shares((2, 5), 2, 8, 0, true), (2, false, 1), "the cursor is seen");
        assert_eq!(shares((9, 5), 1, 6, 6, false), (5, true, 0));
        assert_eq!(shares((9, 5), 1, 6, 6, true), (4, true, 1));
        assert_eq!(shares((3, 0), 1, 1, 1, false), (1, false, 0));
        assert_eq!(shares((0, 9), 1, 4, 4, true), (0, false, 4));
    }
}
