//! Why a stage is in its state: the supervisor's answer as an indented outline.
//!
//! The answer is JSON whose form belongs to the engine; it is shown by what it is made of, so that a new field needs no
//! new screen: a name and a value per line, lists as outlines, a sign before what holds or doesn't.

use super::text::{cells, wrap};
use crate::i18n::{Text, clean, clock_seconds};
use crate::model::Timestamp;
use crate::ui::model::{Explanation, Model, StageRef};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use serde_json::{Map, Value};

/// The deepest nesting shown.
const MAX_DEPTH: usize = 12;

pub fn explanation(model: &Model, stage: &StageRef, answer: &Explanation, width: u16) -> Vec<Line<'static>> {
    let (theme, lang) = (model.theme(), model.lang());
    match answer {
        Explanation::Loading => {
            vec![Line::from(Span::styled(format!("{}{}", Text::Loading.of(lang), theme.ellipsis()), theme.dim()))]
        }
        Explanation::Failed(text) => {
            wrap(text, width).into_iter().map(|line| Line::from(Span::styled(line, theme.bad()))).collect()
        }
        Explanation::Runs(runs) => {
            let mut outline = Outline { model, width, lines: Vec::new() };
            for value in relevant(runs, stage) {
                outline.value(value, 0);
            }
            if outline.lines.is_empty() {
                vec![Line::from(Span::styled(Text::NoRun.of(lang), theme.dim()))]
            } else {
                outline.lines
            }
        }
    }
}

/// The parts about the stage that was asked for, where the answer names it; else all of it.
fn relevant<'a>(runs: &'a [Value], stage: &StageRef) -> Vec<&'a Value> {
    let Some(wanted) = &stage.stage else { return runs.iter().collect() };
    let of_pipeline = |run: &&Value| named(run, &["pipeline"]).is_none_or(|name| name == stage.pipeline);
    let stages = runs.iter().filter(of_pipeline).filter_map(|run| run.get("stages")?.as_array()).flatten();
    let found: Vec<&Value> =
        stages.filter(|view| named(view, &["name", "stage"]).is_some_and(|name| name == wanted)).collect();
    if found.is_empty() { runs.iter().collect() } else { found }
}

fn named<'a>(value: &'a Value, keys: &[&str]) -> Option<&'a str> {
    keys.iter().find_map(|key| value.get(key)?.as_str())
}

struct Outline<'a> {
    model: &'a Model,
    width: u16,
    lines: Vec<Line<'static>>,
}

impl Outline<'_> {
    fn value(&mut self, value: &Value, depth: usize) {
        if depth > MAX_DEPTH {
            return;
        }
        match value {
            Value::Object(fields) => self.object(fields, depth),
            Value::Array(items) => items.iter().for_each(|item| self.value(item, depth)),
            plain => self.put(depth, None, &scalar(plain), Style::new()),
        }
    }

    /// A heading made of what names the thing and of whether it holds, then its other fields.
    fn object(&mut self, fields: &Map<String, Value>, depth: usize) {
        const NAMES: [&str; 9] = ["name", "stage", "pipeline", "condition", "text", "rule", "what", "title", "kind"];
        let theme = self.model.theme();
        let holds = ["holds", "met", "ok"].iter().find_map(|key| fields.get(*key)?.as_bool());
        let title = NAMES.iter().find(|name| fields.get(**name).is_some_and(Value::is_string));
        let state = fields.get("state").and_then(Value::as_str);
        let style = match holds {
            Some(true) => theme.good(),
            Some(false) => theme.warn(),
            None => Style::new(),
        };
        if let Some(title) = title.and_then(|name| fields.get(*name)?.as_str()) {
            if depth == 0 && !self.lines.is_empty() {
                self.lines.push(Line::default());
            }
            let mut heading = clean(title);
            if let Some(state) = state {
                heading.push_str(&format!("  {}", clean(state).replace('_', " ")));
            }
            let sign = holds.map(|holds| if holds { theme.sign("✓", "+") } else { theme.sign("✗", "-") });
            self.put(depth, sign, &heading, if holds.is_some() { style } else { theme.strong() });
        }
        let told = |key: &str| {
            Some(&key) == title.copied().as_ref()
                || (title.is_some() && key == "state" && state.is_some())
                || (title.is_some() && holds.is_some() && matches!(key, "holds" | "met" | "ok"))
        };
        let inner = depth + usize::from(title.is_some());
        for (key, value) in fields.iter().filter(|(key, value)| !told(key) && !is_empty(value)) {
            let name = clean(key).replace('_', " ");
            match value {
                Value::Object(_) | Value::Array(_) => {
                    self.put(inner, None, &format!("{name}:"), theme.dim());
                    self.value(value, inner + 1);
                }
                plain => {
                    let text = self.instant(key, plain).unwrap_or_else(|| scalar(plain));
                    self.put(inner, None, &format!("{name}: {text}"), Style::new());
                }
            }
        }
    }

    /// An instant as a time of day, where the field's name says that it is one.
    fn instant(&self, key: &str, value: &Value) -> Option<String> {
        let millis =
            value.as_i64().filter(|&n| (key == "at" || key.ends_with("_at") || key == "since") && n > 1_000_000_000)?;
        Some(clock_seconds(&self.model.setup.zone, Timestamp(millis)))
    }

    fn put(&mut self, depth: usize, sign: Option<&'static str>, text: &str, style: Style) {
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

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

fn scalar(value: &Value) -> String {
    match value {
        Value::String(text) => clean(text),
        other => clean(&other.to_string()),
    }
}
