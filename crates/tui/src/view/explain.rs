//! Why a stage is in its state: the supervisor's answer, stage by stage.
//!
//! The answer is JSON whose form belongs to the engine. Its known parts are read leniently; an answer of another form
//! is shown as an outline of names and values, so that a newer supervisor is still understood by a reader.

mod outline;

use super::text::{cells, wrap};
use crate::model::{Explanation, Model, StageRef};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use tmuxagent_text::Text;
use tmuxagent_text::explain::{self, Sign, Stage, Tone};

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
    match explain::read(runs) {
        Some(stages) => relevant(&stages, stage).into_iter().for_each(|stage| page.stage(stage)),
        None => outline::put(&mut page, runs),
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
        let theme = self.model.theme();
        if !self.lines.is_empty() {
            self.lines.push(Line::default());
        }
        for line in explain::lines(self.model.lang(), &self.model.setup.zone, stage) {
            let sign = line.sign.map(|sign| match sign {
                Sign::Stage(state) => theme.stage(state).0,
                Sign::Holds => theme.sign("✓", "+"),
                Sign::Open => theme.sign("✗", "-"),
                Sign::Next => theme.cursor(),
            });
            let style = match line.tone {
                Tone::Plain => Style::new(),
                Tone::Strong => theme.strong(),
                Tone::Dim => theme.dim(),
                Tone::Good => theme.good(),
                Tone::Warn => theme.warn(),
                Tone::Stage(state) => theme.stage(state).1.patch(theme.strong()),
            };
            self.put(line.depth, sign, &line.text, style);
        }
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
