//! Which runs go on at the same time, and where time tables start them.

use super::{Reading, Use};
use crate::policy::{Concurrency, OnBusy, TextTemplate};
use crate::raw::{RawCondition, RawConditionKind as Kind, RawPipeline, walk};
use crate::read::{Short, Text};
use crate::template::INPUTS;

const ON_BUSY: &[(&str, OnBusy)] =
    &[("queue", OnBusy::Queue), ("cancel_older", OnBusy::CancelOlder), ("refuse", OnBusy::Refuse)];
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
