//! `finally`: what is done when a run ends, as stages of its own.

use super::Reading;
use super::valid_guard::Whose;
use crate::guard::Guard;
use crate::policy::{Action, Condition, Stage};
use crate::raw::{RawClosing, RawStage};
use std::collections::BTreeSet;

/// The name of what is done first; those after it have a number.
const NAME: &str = "finally";

impl<'a> Reading<'a> {
    /// The stages of a pipeline, those of `finally` last.
    pub(super) fn stages_of(&mut self, raws: &'a [RawStage], closing: &'a [RawClosing]) -> Vec<Stage> {
        let known = self.known_stages(raws);
        let mut stages: Vec<Stage> = raws.iter().zip(known).map(|(raw, ended)| self.stage_for(raw, ended)).collect();
        self.ended = BTreeSet::new();
        for (item, number) in closing.iter().zip(1..) {
            let name = if number == 1 { NAME.to_owned() } else { format!("{NAME}-{number}") };
            if let Some(taken) = raws.iter().filter_map(|raw| raw.name.as_ref()).find(|text| text.value.trim() == name)
            {
                let message = format!("a stage can't be called `{name}` where the pipeline has a `finally`");
                self.problems.error("reserved-name", taken.at, message).help("give the stage another name");
            }
            stages.push(self.closing_stage(name, item));
        }
        for stage in &mut stages {
            stage.told = self.told.contains(&stage.name);
        }
        self.told.clear();
        stages
    }

    fn closing_stage(&mut self, name: String, item: &RawClosing) -> Stage {
        let guard = item.guard.as_ref().map(|raw| self.guard(raw, Whose::Closing));
        let before = std::mem::take(&mut self.ended);
        self.ended.extend(guard.iter().flat_map(Guard::known_stages).map(str::to_owned));
        let entries = item.action.iter().flat_map(|group| &group.entries);
        let actions: Vec<Action> = entries.flat_map(|entry| self.raw_action(entry)).collect();
        self.ended = before;
        let runs = actions.iter().any(|action| matches!(action, Action::Run { .. }));
        Stage {
            name,
            pane: item.pane.as_ref().map(|name| name.value.trim().to_owned()),
            closes: true,
            told: false,
            triggers: Condition::Any(Vec::new()),
            needs: None,
            each: Vec::new(),
            once: false,
            guard,
            gate: None,
            actions_on_start: actions,
            success_when: runs.then(|| Condition::ExitCode(vec![0])),
            fail_when: runs.then(|| Condition::ExitCode(Vec::new())),
            timeout: self.defaults.timeout.filter(|span| span.0 > 0),
            endless: false,
            on_timeout: self.defaults.on_timeout.clone().unwrap_or_default(),
            on_cancel: self.defaults.on_cancel.clone(),
            hold: self.defaults.hold,
            recovers: false,
            on_success: Vec::new(),
            on_fail: Vec::new(),
            cooldown: None,
            lock: None,
            place: self.problems.describe(item.at),
        }
    }
}
