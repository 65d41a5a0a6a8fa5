//! The values of a stage that is made for each of several.

use super::Reading;
use crate::plain::{Shape, shape_of};
use crate::policy::{Condition, Stage};
use crate::raw::{EACH, RawStage};
use std::collections::BTreeSet;

impl<'a> Reading<'a> {
    /// Reads a stage, whose texts may name the values that it is made for.
    pub(super) fn stage_for(&mut self, raw: &'a RawStage, ended: BTreeSet<String>) -> Stage {
        let Some(each) = &raw.each else { return self.stage(raw, ended) };
        let mut values = Vec::new();
        for (name, value) in each.0.iter().filter_map(|(name, list)| Some((name, list.items.first()?))) {
            let (called, text) = (format!("{EACH}.{}", name.value), value.value.trim());
            if shape_of(text) > Shape::Free {
                self.plain.insert(called.clone(), shape_of(text));
            }
            self.variables.insert(called.clone());
            values.push((called, text.to_owned()));
        }
        let stage = self.stage(raw, ended);
        self.check_follows(raw, &stage.triggers);
        for (called, _) in &values {
            self.variables.remove(called);
            self.plain.remove(called);
        }
        Stage { each: values, ..stage }
    }

    /// What starts by itself would start one of them alone.
    fn check_follows(&mut self, raw: &RawStage, triggers: &Condition) {
        let mut follows = false;
        triggers.walk(&mut |part| {
            follows |= matches!(
                part,
                Condition::AfterStageSuccess(_) | Condition::AfterStageFailure(_) | Condition::AfterStageRejected(_)
            );
        });
        if !follows {
            let at = raw.each.as_ref().and_then(|each| each.0.first()).map_or(raw.at, |(name, _)| name.at);
            let message = "a stage with `for_each` follows another one, which starts all that are made of it";
            let help = "begin the pipeline with a stage of its own, and write `needs: …` here";
            self.problems.error("no-triggers", at, message).help(help);
        }
    }
}
