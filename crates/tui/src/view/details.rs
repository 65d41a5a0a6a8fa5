//! Everything about one thing: an approval, a pane, a stage, the supervisor.

use super::approvals::{effect, option_text, subject};
use super::runs::{due, elapsed};
use super::text::{column, steps_text, wrap, wrap_steps};
use crate::keymap::KeyAction;
use crate::model::{Model, StageRef};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use tmuxagent_model::{AgentStatus, ApprovalId, ApprovalState, PaneKey, StageState, Timestamp};
use tmuxagent_text::{
    Lang, Text, agent_state, ago, approval_kind, approval_state, clean, clock_seconds, host_owner, host_state, message,
    pane_doing, question, reader_sentence, run_state, run_took, span, stage_attempt, stage_detail, stage_doing, via,
};

/// Lines of `name  value`, values wrapped.
struct Table<'a> {
    model: &'a Model,
    width: u16,
    lines: Vec<Line<'static>>,
}

impl<'a> Table<'a> {
    const fn new(model: &'a Model, width: u16) -> Self {
        Self { model, width, lines: Vec::new() }
    }

    fn lang(&self) -> Lang {
        self.model.lang()
    }

    /// A row; nothing where the value is empty.
    fn row(&mut self, name: Text, value: &str, style: Style) {
        if value.is_empty() {
            return;
        }
        const NAME: usize = 15;
        let theme = self.model.theme();
        let narrow = self.width < 40;
        let indent = if narrow { 2 } else { NAME };
        let mut texts = wrap_steps(value, self.width.saturating_sub(u16::try_from(indent).unwrap_or(0))).into_iter();
        let name = name.of(self.lang());
        if narrow {
            self.lines.push(Line::from(Span::styled(name, theme.dim())));
        } else {
            let first = texts.next().unwrap_or_default();
            let name = Span::styled(column(name, NAME - 1, theme) + " ", theme.dim());
            self.lines.push(Line::from(vec![name, Span::styled(first, style)]));
        }
        for text in texts {
            self.lines.push(Line::from(vec![Span::raw(" ".repeat(indent)), Span::styled(text, style)]));
        }
    }

    fn plain(&mut self, name: Text, value: &str) {
        self.row(name, value, Style::new());
    }

    fn heading(&mut self, text: &str, style: Style) {
        if !self.lines.is_empty() {
            self.lines.push(Line::default());
        }
        self.lines.extend(wrap(text, self.width).into_iter().map(|line| Line::from(Span::styled(line, style))));
    }

    fn at(&self, at: Timestamp) -> String {
        let clock = clock_seconds(&self.model.setup.zone, at);
        let past = ago(self.lang(), self.model.time(), at);
        format!("{clock} ({past})")
    }
}

/// An approval, whole: question, effect, options, all evidence.
pub fn approval(model: &Model, id: &ApprovalId, width: u16) -> Vec<Line<'static>> {
    let (theme, lang) = (model.theme(), model.lang());
    let mut table = Table::new(model, width);
    let Some(approval) = model.approval_view(id) else {
        return vec![Line::from(Span::styled(Text::DecidedMeanwhile.of(lang), theme.dim()))];
    };
    let open = approval.state == ApprovalState::Pending;
    table.heading(&subject(approval), theme.strong());
    table.plain(Text::Place, &clean(&approval.told_place()));
    table.plain(Text::Folder, &clean(&approval.folder));
    table.row(Text::State, approval_state(lang, approval.state), if open { theme.ask() } else { Style::new() });
    table.plain(Text::Kind, approval_kind(lang, &approval.kind));
    table.plain(Text::Run, &approval.run.map(|run| run.to_string()).unwrap_or_default());
    if approval.attempt > 0 {
        table.plain(Text::Attempt, &approval.attempt.to_string());
    }
    let asked = table.at(approval.asked_at);
    table.plain(Text::Asked, &asked);
    if let Some(at) = approval.expires_at.filter(|_| open) {
        table.row(Text::Expires, &span(lang, at.since(model.time())), theme.warn());
    }
    if let Some(until) = approval.undo_until.filter(|_| approval.can_be_taken_back(model.time())) {
        let key = model.setup.keymap.label(KeyAction::Reject, theme.glyphs).unwrap_or_default();
        let left = span(lang, until.since(model.time()));
        table.row(Text::Undo, &format!("{left} ({key})"), theme.warn());
    }
    if approval.reminders > 0 {
        table.plain(Text::Reminders, &approval.reminders.to_string());
    }
    table.row(Text::Question, &clean(&question(lang, approval)), theme.strong());
    table.row(Text::Effect, &effect(model, approval), theme.warn());
    if !approval.effect_no.is_empty() {
        let typed = format!("{} {}", Text::EffectTypes.of(lang), steps_text(&approval.effect_no));
        table.row(Text::EffectNo, &typed, theme.warn());
    }
    if let Some(decision) = &approval.decision {
        let verdict = if decision.verdict.approve { ApprovalState::Approved } else { ApprovalState::Rejected };
        let answer = decision.verdict.answer.as_ref().map_or_else(String::new, |text| format!(": {}", clean(text)));
        let by = format!("{} ({})", clean(&decision.by.who), via(lang, decision.by.via));
        let at = table.at(decision.at);
        table.plain(Text::Decided, &format!("{}{answer}  {by}  {at}", approval_state(lang, verdict)));
    }
    if !approval.options.is_empty() {
        table.heading(Text::Options.of(lang), theme.strong());
        for (n, option) in approval.options.iter().enumerate() {
            let shown = option_text(lang, approval, n, &clean(option));
            let mut texts = wrap(&shown, width.saturating_sub(4)).into_iter();
            let number = Span::styled(format!("{:>2}  ", n + 1), theme.ask());
            table.lines.push(Line::from(vec![number, Span::raw(texts.next().unwrap_or_default())]));
            table.lines.extend(texts.map(|text| Line::from(format!("    {text}"))));
        }
    }
    if !approval.evidence.is_empty() {
        table.heading(Text::Evidence.of(lang), theme.strong());
        for line in &approval.evidence {
            table.lines.extend(wrap(&clean(line), width).into_iter().map(Line::from));
        }
    }
    table.lines
}

/// A pane's facts.
pub fn pane(model: &Model, key: &PaneKey, width: u16) -> Vec<Line<'static>> {
    let (theme, lang) = (model.theme(), model.lang());
    let mut table = Table::new(model, width);
    let Some(view) = model.pane_view(key) else {
        return vec![Line::from(Span::styled(Text::NoPane.of(lang), theme.dim()))];
    };
    let facts = &view.info.facts;
    table.heading(&format!("{}  {}", clean(&view.info.place()), clean(&view.info.short())), theme.strong());
    if super::panes::is_only_approved(model, view) {
        table.row(Text::State, approval_state(lang, ApprovalState::Approved), theme.stage(StageState::Queued).1);
    } else {
        table.row(Text::State, pane_doing(lang, view), theme.pane(view.state).1);
    }
    if let Some(since) = super::panes::stale_since(model, view) {
        let since = table.at(since);
        table.row(Text::Since, &since, theme.warn());
    }
    table.plain(Text::Program, &clean(&facts.command));
    if view.reader.front.is_some() {
        let since = if view.reader.since.0 > 0 { table.at(view.reader.since) } else { String::new() };
        table.plain(Text::Reader, format!("{}  {since}", reader_sentence(lang, &view.reader)).trim_end());
    }
    if let Some(awaited) = &view.awaited {
        let since = table.at(awaited.since);
        let text = format!("{}  {since}", reader_sentence(lang, &awaited.reader));
        table.row(Text::Held, &text, theme.warn());
    }
    match &view.agent {
        Some(agent) => agent_rows(&mut table, lang, agent),
        None => table.plain(Text::Agent, &clean(&facts.agent)),
    }
    table.plain(Text::Role, &clean(&facts.role));
    table.plain(Text::Title, &clean(&facts.title));
    table.plain(Text::Folder, &clean(&facts.path));
    let mut size = format!("{}x{}", view.info.width, view.info.height);
    for (on, text) in [(view.info.in_mode, Text::CopyMode), (view.info.alternate, Text::AlternateScreen)] {
        if on {
            size.push_str(", ");
            size.push_str(text.of(lang));
        }
    }
    table.plain(Text::Size, &size);
    let last = view.last_output.map(|at| ago(lang, model.time(), at)).unwrap_or_default();
    table.plain(Text::LastOutput, &last);
    table.plain(Text::LastLine, &clean(&view.last_line));
    table.plain(Text::Pipeline, &view.pipelines.iter().map(|name| clean(name)).collect::<Vec<_>>().join(", "));
    table.lines.extend(asked_there(model, key, width));
    table.lines
}

/// The open question that the keys speak of, whole, below its pane.
fn asked_there(model: &Model, pane: &PaneKey, width: u16) -> Vec<Line<'static>> {
    let Some(asked) = model.target().filter(|asked| &asked.pane == pane) else { return Vec::new() };
    let mut lines = vec![Line::default()];
    lines.extend(approval(model, &asked.id, width));
    lines
}

/// What the agent of a pane does, and what it asks.
fn agent_rows(table: &mut Table<'_>, lang: Lang, agent: &AgentStatus) {
    let since = table.at(agent.since);
    let text = format!("{}, {}  {since}", clean(&agent.agent), agent_state(lang, &agent.state));
    table.plain(Text::Agent, text.trim_end());
    let Some(question) = &agent.question else { return };
    let asked = if question.detail.trim().is_empty() { &question.text } else { &question.detail };
    table.plain(Text::AgentAsks, &clean(asked));
    for answer in &question.answers {
        table.plain(Text::Answers, &clean(&answer.label));
    }
}

/// A run, and the stage where one is meant.
pub fn stage(model: &Model, reference: &StageRef, width: u16) -> Vec<Line<'static>> {
    let (theme, lang) = (model.theme(), model.lang());
    let mut table = Table::new(model, width);
    let Some(run) = model.run_of(reference) else {
        return vec![Line::from(Span::styled(Text::NoRun.of(lang), theme.dim()))];
    };
    let number = run.run.map(|run| format!("  {run}")).unwrap_or_default();
    table.heading(&format!("{}{number}", clean(&run.pipeline)), theme.strong());
    table.plain(Text::Place, &clean(&run.told_place()));
    table.row(Text::State, run_state(lang, run.state), theme.run(run.state).1);
    for (name, at) in [(Text::Started, run.started_at), (Text::Ended, run.ended_at)] {
        let text = at.map(|at| table.at(at)).unwrap_or_default();
        table.plain(name, &text);
    }
    let approvals = model.snapshot.as_ref().map_or(&[][..], |snapshot| &snapshot.approvals);
    table.plain(Text::Elapsed, &run_took(lang, run, approvals, model.time()).unwrap_or_default());
    let wanted = |name: &String| reference.stage.as_ref().is_none_or(|wanted| wanted == name);
    for stage in run.stages.iter().filter(|stage| wanted(&stage.name)) {
        let (sign, style) = theme.stage(stage.shown_state());
        table.heading(&format!("{sign} {}", clean(&stage.name)), style.patch(theme.strong()));
        table.row(Text::State, stage_doing(lang, stage), style);
        table.plain(Text::Attempt, &stage_attempt(lang, stage).unwrap_or_default());
        if stage.round > 0 {
            table.plain(Text::Round, &format!("{}/{}", stage.round, stage.rounds));
        }
        if let Some(pane) = &stage.pane {
            table.plain(Text::Place, &clean(&pane.told(stage.place.as_deref().unwrap_or_default())));
        }
        let took = elapsed(model.time(), stage).map(|took| span(lang, took)).unwrap_or_default();
        table.plain(Text::Elapsed, &took);
        table.plain(Text::Due, &due(lang, model.time(), stage).unwrap_or_default());
        table.plain(Text::Detail, &clean(&stage_detail(lang, stage, model.time(), None)));
    }
    if let Some(asked) = model.asked_by(reference) {
        table.lines.push(Line::default());
        table.lines.extend(approval(model, &asked.id, width));
    }
    table.lines
}

/// Machines, the supervisor, counts.
pub fn about(model: &Model, width: u16) -> Vec<Line<'static>> {
    let (theme, lang) = (model.theme(), model.lang());
    let mut table = Table::new(model, width);
    let Some(snapshot) = &model.snapshot else {
        return vec![Line::from(Span::styled(Text::Connecting.of(lang), theme.dim()))];
    };
    for host in &snapshot.hosts {
        let (sign, style) = theme.host(host.state);
        table.heading(&format!("{sign} {}  {}", clean(host.name.as_str()), host_state(lang, host.state)), style);
        table.plain(Text::Version, &clean(&host.version));
        let since = table.at(host.since);
        table.plain(Text::Since, &since);
        let detail = match &host.owner {
            Some(owner) => host_owner(lang, host.state, owner),
            None => clean(&message(lang, &host.detail)),
        };
        table.plain(Text::Detail, &detail);
    }
    table.heading(Text::Supervisor.of(lang), theme.strong());
    let ours = if snapshot.version == model.setup.version {
        String::new()
    } else {
        match lang {
            Lang::En => format!(" (this view: {})", model.setup.version),
            Lang::Zh => format!("（本视图：{}）", model.setup.version),
        }
    };
    table.plain(Text::Version, &format!("{}{ours}, pid {}", clean(&snapshot.version), snapshot.pid));
    table.plain(Text::Policies, &clean(&snapshot.policies.join(", ")));
    if model.skew != 0 {
        table.row(Text::State, Text::ClockSkew.of(lang), theme.warn());
    }
    let counters = snapshot.counters;
    for (name, value) in [
        (Text::LinesRead, counters.lines),
        (Text::BytesRead, counters.bytes),
        (Text::Journaled, counters.journaled),
        (Text::KeysSent, counters.sent),
        (Text::Messages, counters.messages),
        (Text::Malformed, counters.malformed),
        (Text::Gaps, counters.gaps),
    ] {
        table.plain(name, &grouped(value));
    }
    table.lines
}

/// A number with its thousands apart.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n).is_multiple_of(3) {
            out.push(' ');
        }
        out.push(digit);
    }
    out
}
