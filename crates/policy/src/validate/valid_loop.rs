//! Stages that may run again in one run.

use super::Reading;
use crate::flow::Loop;
use crate::raw::RawLoop;
use crate::read::Many;

/// The most rounds that a policy may allow.
const MOST_ROUNDS: i64 = 1000;

impl Reading<'_> {
    pub(super) fn loops(&mut self, raw: Option<&Many<RawLoop>>) -> Vec<Loop> {
        let mut loops: Vec<Loop> = Vec::new();
        for raw in raw.iter().flat_map(|list| &list.items) {
            let mut stages = Vec::new();
            for text in raw.stages.iter().flat_map(|list| &list.items) {
                let name = self.stage_reference(text);
                if loops.iter().flat_map(|one| &one.stages).chain(&stages).any(|known| *known == name) {
                    let message = format!("the stage `{name}` stands in a loop already");
                    self.problems.error("twice", text.at, message).help("write all stages of the circle into one loop");
                }
                stages.push(name);
            }
            let max = raw.max.as_ref().map_or(1, |max| max.value);
            if !(1..=MOST_ROUNDS).contains(&max) {
                let at = raw.max.as_ref().map_or(raw.at, |max| max.at);
                self.problems.error("bad-number", at, format!("rounds are from 1 to {MOST_ROUNDS}"));
            }
            loops.push(Loop { stages, max: u32::try_from(max.clamp(1, MOST_ROUNDS)).unwrap_or(1) });
        }
        loops
    }
}
