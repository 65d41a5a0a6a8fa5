//! Why a stage is in its state: the supervisor's answer, stage by stage.
//!
//! The answer is JSON whose form belongs to the engine. Its known parts are read leniently; an answer of another form
//! is shown as an outline of names and values, so that a newer supervisor is still understood by a reader.

mod outline;

use super::text::{cells, wrap};
use crate::i18n::{Lang, Text, clean, clock_seconds, stage_state};
use crate::model::{StageState, Timestamp};
use crate::ui::model::{Explanation, Model, StageRef};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use serde::Deserialize;

/// A stage, explained.
#[derive(Debug, Clone, Deserialize)]
struct Stage {
    pipeline: String,
    stage: String,
    state: StageState,
    #[serde(default)]
    attempt: u32,
    #[serde(default)]
    summary: String,
    #[serde(default)]
    waits_for: Vec<String>,
    started_by: Option<Cause>,
    ended_by: Option<Cause>,
    #[serde(default)]
    conditions: Vec<Condition>,
    #[serde(default)]
    near_misses: Vec<Miss>,
    #[serde(default)]
    defined_at: String,
}

/// What made something hold.
#[derive(Debug, Clone, Deserialize)]
struct Cause {
    at: Timestamp,
    #[serde(default)]
    rule: String,
    #[serde(default)]
    text: String,
}

/// A condition of the stage.
#[derive(Debug, Clone, Deserialize)]
struct Condition {
    role: String,
    #[serde(default)]
    active: bool,
    part: Part,
}

/// A condition or a part of one.
#[derive(Debug, Clone, Deserialize)]
struct Part {
    text: String,
    holds: bool,
    cause: Option<Cause>,
    #[serde(default)]
    detail: String,
    #[serde(default)]
    parts: Vec<Self>,
}

/// What almost counted.
#[derive(Debug, Clone, Deserialize)]
struct Miss {
    at: Timestamp,
    text: String,
    #[serde(default)]
    why: String,
}

pub fn explanation(model: &Model, stage: &StageRef, answer: &Explanation, width: u16) -> Vec<Line<'static>> {
    let (theme, lang) = (model.theme(), model.lang());
    let runs = match answer {
        Explanation::Loading => {
            return vec![Line::from(Span::styled(
                format!("{}{}", Text::Loading.of(lang), theme.ellipsis()),
                theme.dim(),
            ))];
        }
        Explanation::Failed(text) => {
            return wrap(text, width).into_iter().map(|line| Line::from(Span::styled(line, theme.bad()))).collect();
        }
        Explanation::Runs(runs) => runs,
    };
    let mut page = Page { model, width, lines: Vec::new() };
    let known: Result<Vec<Stage>, _> = runs.iter().map(Stage::deserialize).collect();
    match known {
        Ok(stages) => relevant(&stages, stage).into_iter().for_each(|stage| page.stage(stage)),
        Err(_) => outline::put(&mut page, runs),
    }
    if page.lines.is_empty() {
        page.put(0, None, Text::NoRun.of(lang), theme.dim());
    }
    page.lines
}

/// The stage that was asked for, else its pipeline, else all.
fn relevant<'a>(stages: &'a [Stage], wanted: &StageRef) -> Vec<&'a Stage> {
    let of_pipeline: Vec<&Stage> = stages.iter().filter(|stage| stage.pipeline == wanted.pipeline).collect();
    if of_pipeline.is_empty() {
        return stages.iter().collect();
    }
    let named: Vec<&Stage> =
        of_pipeline.iter().copied().filter(|stage| Some(&stage.stage) == wanted.stage.as_ref()).collect();
    if named.is_empty() { of_pipeline } else { named }
}

/// Lines with indentation.
struct Page<'a> {
    model: &'a Model,
    width: u16,
    lines: Vec<Line<'static>>,
}

impl Page<'_> {
    fn stage(&mut self, stage: &Stage) {
        let (theme, lang) = (self.model.theme(), self.model.lang());
        if !self.lines.is_empty() {
            self.lines.push(Line::default());
        }
        let (sign, style) = theme.stage(stage.state);
        let attempt = match (lang, stage.attempt) {
            (_, 0) => String::new(),
            (Lang::En, n) => format!(", attempt {n}"),
            (Lang::Zh, n) => format!("，第 {n} 次"),
        };
        let heading = format!("{}  {}{attempt}", clean(&stage.stage), stage_state(lang, stage.state));
        self.put(0, Some(sign), &heading, style.patch(theme.strong()));
        if !stage.summary.is_empty() {
            self.put(1, None, &clean(&stage.summary), Style::new());
        }
        if !stage.waits_for.is_empty() {
            self.heading(Text::WaitsFor);
            for text in &stage.waits_for {
                self.put(2, Some(theme.cursor()), &clean(text), theme.warn());
            }
        }
        for (name, cause) in [(Text::StartedBy, &stage.started_by), (Text::EndedBy, &stage.ended_by)] {
            if let Some(cause) = cause {
                self.heading(name);
                self.cause(2, cause);
            }
        }
        for condition in &stage.conditions {
            self.condition(condition);
        }
        if !stage.near_misses.is_empty() {
            self.heading(Text::NearMisses);
            // The newest is the nearest.
            for miss in stage.near_misses.iter().rev() {
                self.put(2, None, &format!("{}  {}", self.time(miss.at), clean(&miss.text)), Style::new());
                self.put(4, None, &clean(&miss.why), theme.warn());
            }
        }
        if !stage.defined_at.is_empty() {
            self.put(1, None, &format!("{} {}", Text::DefinedAt.of(lang), clean(&stage.defined_at)), theme.dim());
        }
    }

    fn condition(&mut self, condition: &Condition) {
        let (theme, lang) = (self.model.theme(), self.model.lang());
        let role = match condition.role.as_str() {
            "triggers" => lang.pick("starts when", "启动条件").to_owned(),
            "success_when" => lang.pick("succeeds when", "成功条件").to_owned(),
            "fail_when" => lang.pick("fails when", "失败条件").to_owned(),
            other => clean(other).replace('_', " "),
        };
        let now = if condition.active { lang.pick(" (watched now)", "（正在观察）") } else { "" };
        self.put(1, None, &format!("{role}{now}"), theme.strong());
        self.part(2, &condition.part);
    }

    fn part(&mut self, depth: usize, part: &Part) {
        let theme = self.model.theme();
        if depth > 16 {
            return;
        }
        let (sign, style) =
            if part.holds { (theme.sign("✓", "+"), theme.good()) } else { (theme.sign("✗", "-"), Style::new()) };
        self.put(depth, Some(sign), &clean(&part.text), style);
        if let Some(cause) = &part.cause {
            self.cause(depth + 2, cause);
        }
        if !part.detail.is_empty() {
            self.put(depth + 2, None, &clean(&part.detail), theme.dim());
        }
        for inner in &part.parts {
            self.part(depth + 1, inner);
        }
    }

    fn cause(&mut self, depth: usize, cause: &Cause) {
        let theme = self.model.theme();
        self.put(depth, None, &format!("{}  {}", self.time(cause.at), clean(&cause.rule)), theme.dim());
        if !cause.text.is_empty() {
            self.put(depth + 1, None, &clean(&cause.text), Style::new());
        }
    }

    fn time(&self, at: Timestamp) -> String {
        clock_seconds(&self.model.setup.zone, at)
    }

    fn heading(&mut self, text: Text) {
        let style = self.model.theme().strong();
        self.put(1, None, text.of(self.model.lang()), style);
    }

    /// A text, wrapped under its own beginning.
    fn put(&mut self, depth: usize, sign: Option<&str>, text: &str, style: Style) {
        let indent = (depth * 2).min(usize::from(self.width) / 2);
        let mark = sign.map_or_else(String::new, |sign| format!("{sign} "));
        let hang = indent + cells(&mark);
        let room = self.width.saturating_sub(u16::try_from(hang).unwrap_or(0));
        for (n, line) in wrap(text, room).into_iter().enumerate() {
            let lead = if n == 0 { format!("{:indent$}{mark}", "") } else { " ".repeat(hang) };
            self.lines.push(Line::from(vec![Span::styled(lead, style), Span::styled(line, style)]));
        }
    }
}
