//! Which runs go on at the same time, and where time tables start them.

use super::{Reading, Use};
use crate::flow::{Concurrency, Needs, OnBusy, OnFailure, Parallel};
use crate::policy::TextTemplate;
use crate::raw::{RawCondition, RawConditionKind as Kind, RawNeed, RawPipeline, walk};
use crate::read::{Short, Text};
use crate::template::INPUTS;

const ON_BUSY: &[(&str, OnBusy)] =
    &[("queue", OnBusy::Queue), ("cancel_older", OnBusy::CancelOlder), ("refuse", OnBusy::Refuse)];
const ON_FAILURE: &[(&str, OnFailure)] = &[("finish", OnFailure::Finish), ("cancel", OnFailure::Cancel)];
/// The most stages of one run that a policy may let act at the same time.
const MOST_BESIDE: i64 = 1000;
const PER: &[(&str, bool)] = &[("pane", false), ("pipeline", true)];

impl Reading<'_> {
    pub(super) fn concurrency(&mut self, raw: &RawPipeline, name: &str) -> Concurrency {
        let full = raw.concurrency.as_ref();
        let lock = self.lock(full.and_then(|full| full.lock.as_ref()), raw.lock.as_ref());
        let on_busy = full.and_then(|full| full.on_busy.as_ref());
        let named = full.and_then(|full| full.group.as_ref()).map(|text| self.group(text));
        let group = named.or_else(|| on_busy.map(|_| TextTemplate::new(name)));
        let on_busy = on_busy.and_then(|word| self.word(word, "`on_busy`", ON_BUSY)).unwrap_or_default();
        Concurrency { lock, group, on_busy }
    }

    /// What holds of stages that act beside each other.
    pub(super) fn parallel(&mut self, raw: &RawPipeline) -> Parallel {
        let Some(full) = &raw.parallel else { return Parallel::default() };
        let needing = |stage: &crate::raw::RawStage| stage.needs.is_some();
        if !raw.stages.iter().flat_map(|list| &list.items).any(needing) {
            let message = "no stage of this pipeline has `needs`, so that none acts beside another one";
            self.problems.warning("never-holds", full.at, message).help("write `needs: …` in the place of `triggers`");
        }
        let max = full.max.as_ref().filter(|max| {
            let sound = (1..=MOST_BESIDE).contains(&max.value);
            if !sound {
                self.problems.error(
                    "bad-number",
                    max.at,
                    format!("stages at the same time are from 1 to {MOST_BESIDE}"),
                );
            }
            sound
        });
        let on_failure = full.on_failure.as_ref().and_then(|word| self.word(word, "`on_failure`", ON_FAILURE));
        Parallel { max: max.and_then(|max| u32::try_from(max.value).ok()), on_failure: on_failure.unwrap_or_default() }
    }

    /// The stages that one needs; that they are there is seen where its triggers are read.
    pub(super) fn needs(&mut self, raw: &RawNeed) -> Needs {
        let (names, any) = raw.names();
        if names.blank {
            let help = format!("its stages are {}", self.stages.join(", "));
            self.problems.error("empty-condition", names.at, "this needs the name of a stage").help(help);
        }
        let stages: Vec<String> = names.items.iter().map(|name| name.value.trim().to_owned()).collect();
        for (text, number) in names.items.iter().zip(0..) {
            if stages.iter().take(number).any(|known| known == text.value.trim()) {
                self.problems.error("twice", text.at, format!("the stage `{}` is needed already", text.value.trim()));
            }
        }
        Needs { stages, any }
    }

    /// The name of a group is made when a run begins: of its inputs, and of what is known of its pane.
    fn group(&mut self, text: &Text) -> TextTemplate {
        let template = self.template(text, Use::Words);
        let prefix = format!("{INPUTS}.");
        let known =
            |name: &str| name.starts_with(&prefix) || name.starts_with("pane.") || matches!(name, "host" | "pipeline");
        if let Some(late) = template.names.iter().find(|name| !known(name)) {
            let message = format!("`{{{{{late}}}}}` is not known when a run begins");
            let help = "the name of a group is made of inputs and of what is known of the pane";
            self.problems.error("no-value", text.at, message).help(help);
        }
        template
    }

    /// Whether time tables among the triggers start the stage in one pane alone.
    pub(super) fn starts_once(&mut self, triggers: &RawCondition) -> bool {
        let (mut words, mut tables) = (Vec::new(), 0);
        walk(triggers, &mut |part| {
            if let Kind::Schedule(schedule) = &part.value {
                tables += 1;
                if let Short::Full(full) = schedule {
                    words.extend(full.per.as_ref());
                }
            }
        });
        let read: Vec<bool> = words.iter().filter_map(|word| self.word(word, "`per`", PER)).collect();
        let once = read.contains(&true);
        if once
            && (read.contains(&false) || read.len() < tables)
            && let Some(word) = words.first()
        {
            let message = "the time tables of one stage start it all in one pane or all in each";
            self.problems
                .error("twice", word.at, message)
                .help("say `per: pipeline` at each of them, or make a stage of each");
        }
        once
    }
}
