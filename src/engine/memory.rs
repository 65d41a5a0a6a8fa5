//! What is remembered for explanations only: triggers that did not count. Never a reason for a decision, not stored.

use super::progress::{TEXT, cut};
use super::state::stage_key;
use crate::model::{PaneKey, Timestamp};
use serde::Serialize;
use std::collections::{BTreeMap, VecDeque};

/// How many near misses are kept for each stage on a pane.
const MOST: usize = 5;

/// Something that almost did it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Miss {
    /// When.
    pub at: Timestamp,
    /// The line, message or exit code; untrusted text.
    pub text: String,
    /// Why it did not count.
    pub why: String,
}

/// Near misses by pane and stage.
#[derive(Debug, Clone, Default)]
pub struct Memory {
    misses: BTreeMap<PaneKey, BTreeMap<String, VecDeque<Miss>>>,
}

impl Memory {
    /// Keeps a near miss; the oldest makes room.
    pub fn miss(&mut self, pane: &PaneKey, pipeline: &str, stage: &str, at: Timestamp, text: &str, why: String) {
        let stages = self.misses.entry(pane.clone()).or_default();
        let kept = stages.entry(stage_key(pipeline, stage)).or_default();
        if kept.len() == MOST {
            kept.pop_front();
        }
        kept.push_back(Miss { at, text: cut(text, TEXT), why });
    }

    /// The near misses of a stage, oldest first.
    pub fn of(&self, pane: &PaneKey, pipeline: &str, stage: &str) -> Vec<Miss> {
        let stages = self.misses.get(pane);
        stages
            .and_then(|stages| stages.get(&stage_key(pipeline, stage)))
            .map_or_else(Vec::new, |kept| kept.iter().cloned().collect())
    }

    /// Forgets a pane.
    pub fn forget(&mut self, pane: &PaneKey) {
        self.misses.remove(pane);
    }
}
