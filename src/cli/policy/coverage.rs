//! What of policies their tests have reached.

use super::super::table::Cell;
use super::super::{CliError, Output, Tone};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use tmuxagent_engine::replay::{Point, PointKind};
use tmuxagent_text::cli::{Word, word};
use tmuxagent_text::explain::condition;
use tmuxagent_text::{Lang, clean};

/// What can be reached, in the order of the policies, and what was.
#[derive(Debug, Default)]
pub(super) struct Covered {
    pub(super) all: Vec<Point>,
    pub(super) reached: BTreeSet<Point>,
}

/// A part of a stage: its key, and its condition in the words of an explanation.
fn part(lang: Lang, point: &Point) -> String {
    match point.kind {
        // The others are keys of a policy.
        PointKind::Stage => lang.pick("stage", "阶段").to_owned(),
        kind => format!("{} {}", kind.key(), condition(lang, &point.text)),
    }
}

impl Covered {
    /// That of several tests together.
    pub(super) fn of(tests: impl Iterator<Item = Self>) -> Self {
        let mut whole = Self::default();
        for test in tests {
            for point in test.all {
                if !whole.all.contains(&point) {
                    whole.all.push(point);
                }
            }
            whole.reached.extend(test.reached);
        }
        whole
    }

    fn count(&self) -> usize {
        self.all.iter().filter(|point| self.reached.contains(point)).count()
    }

    /// Of a hundred; what has nothing that can be reached is reached. Rounded down: what is missing shows.
    fn percent(&self) -> usize {
        (self.count() * 100).checked_div(self.all.len()).unwrap_or(100)
    }

    /// Whether so many percent were reached.
    pub(super) fn reaches(&self, least: u8) -> bool {
        self.percent() >= usize::from(least)
    }

    pub(super) fn value(&self) -> Value {
        let point = |point: &Point| {
            json!({
                "pipeline": point.pipeline, "stage": point.stage, "kind": point.kind, "text": point.text,
                "defined_at": point.place, "reached": self.reached.contains(point),
            })
        };
        let points: Vec<Value> = self.all.iter().map(point).collect();
        json!({ "reached": self.count(), "all": self.all.len(), "percent": self.percent(), "points": points })
    }

    /// A row for each stage, then what was not reached.
    pub(super) fn tell(&self, out: &Output) -> Result<(), CliError> {
        let mut stages: Vec<(&str, &str, &str)> = Vec::new();
        for point in &self.all {
            let stage = (point.place.as_str(), point.pipeline.as_str(), point.stage.as_str());
            if !stages.contains(&stage) {
                stages.push(stage);
            }
        }
        let rows: Vec<Vec<Cell>> = stages.iter().map(|(place, _, stage)| self.row(place, stage)).collect();
        // The others are keys of a policy.
        let (stage, run) = (word(out.lang, Word::Stage), word(out.lang, Word::Run));
        let heading = [stage, run, "TRIGGERS", "SUCCESS_WHEN", "FAIL_WHEN", "ON_FAIL"];
        out.table(&heading, &rows)?;
        for point in self.all.iter().filter(|point| !self.reached.contains(point)) {
            let stage = format!("{}/{}", clean(&point.pipeline), clean(&point.stage));
            out.say(&format!("not reached: {stage}: {} ({})", part(out.lang, point), clean(&point.place)))?;
        }
        out.say(&format!("coverage: {} of {} ({}%)", self.count(), self.all.len(), self.percent()))
    }

    fn row(&self, place: &str, stage: &str) -> Vec<Cell> {
        let of = |point: &&Point| point.place == place && point.stage == stage;
        let pipeline = self.all.iter().find(of).map_or("", |point| point.pipeline.as_str());
        let mut row = vec![(Tone::Plain, format!("{}/{}", clean(pipeline), clean(stage)))];
        for kind in PointKind::ALL {
            let all: Vec<&Point> = self.all.iter().filter(of).filter(|point| point.kind == kind).collect();
            let reached = all.iter().filter(|point| self.reached.contains(**point)).count();
            let tone = if reached == all.len() { Tone::Good } else { Tone::Warn };
            row.push(if all.is_empty() {
                (Tone::Dim, "-".to_owned())
            } else {
                (tone, format!("{reached}/{}", all.len()))
            });
        }
        row
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_is_told_as_an_explanation_tells_it() {
        let told = |lang, kind, text: &str| {
            let text = text.to_owned();
            part(lang, &Point { place: String::new(), pipeline: String::new(), stage: String::new(), kind, text })
        };
        let condition = "exit_code other than 0";
        assert_eq!(told(Lang::En, PointKind::FailWhen, condition), "fail_when exit_code other than 0");
        assert_eq!(told(Lang::Zh, PointKind::FailWhen, condition), "fail_when exit_code 非 0");
        assert_eq!(told(Lang::Zh, PointKind::OnFail, "1: retry"), "on_fail 1: retry");
        assert_eq!(told(Lang::Zh, PointKind::Stage, ""), "阶段");
    }
}
