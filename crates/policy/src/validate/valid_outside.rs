//! What is waited for outside a run: files, stages of other pipelines, and what output looks like.

use super::valid_condition::Role;
use super::{Reading, Use};
use crate::flow::Elsewhere;
use crate::guard::StageEnd;
use crate::pattern::{compile, matches_empty};
use crate::policy::Condition;
use crate::poll::{PollTest, PollWhat};
use crate::raw::{Named, RawAfter, RawFile, RawLooksLike, RawWords};
use crate::read::{Many, Short, Text};
use crate::words::{ANY, ToolWords, part_of, pattern_of};
use tmuxagent_model::Millis;
use tmuxagent_yaml::{Place, nearest};

/// The pause between looks for a file when the policy names none.
const LOOK_INTERVAL: Millis = Millis::from_secs(5);

const OUTCOMES: &[(&str, bool)] = &[("error", true), ("success", false)];

impl Reading<'_> {
    /// The end of a stage of another pipeline; that the stage is there is seen when all pipelines were read.
    pub(super) fn after_elsewhere(&mut self, raw: &RawAfter, role: Role) -> Condition {
        if role != Role::Trigger {
            self.problems.error("never-holds", raw.at, "`after` belongs to `triggers`");
        }
        let text = |text: &Option<Text>| text.as_ref().map(|text| text.value.trim().to_owned()).unwrap_or_default();
        let (pipeline, stage) = (text(&raw.pipeline), text(&raw.stage));
        if let Some(name) = raw.pipeline.as_ref().filter(|name| !self.pipelines.contains(&name.value.trim())) {
            let near = nearest(&pipeline, self.pipelines.iter().copied());
            self.problems
                .error("unknown-pipeline", name.at, format!("there is no pipeline `{pipeline}`"))
                .nearest(near);
        }
        let words = raw.ended.iter().flat_map(|list| &list.items);
        let mut ends: Vec<StageEnd> =
            words.filter_map(|word| self.word(word, "how a stage ends", &StageEnd::ALL)).collect();
        if raw.ended.is_none() {
            ends.push(StageEnd::Succeeded);
        }
        Condition::After(Box::new(Elsewhere { pipeline, stage, ends }))
    }

    pub(super) fn file_condition(&mut self, raw: &Short<Text, RawFile>, changed: bool, role: Role) -> Condition {
        let (path, interval) = match raw {
            Short::Short(path) => (Some(path), None),
            Short::Full(full) => (full.path.as_ref(), full.interval.as_ref()),
        };
        let interval = interval.and_then(|span| self.poll_interval(span.at, span.value));
        let interval = interval.or(self.defaults.poll_interval).unwrap_or(LOOK_INTERVAL);
        let Some(text) = path else { return Condition::Any(Vec::new()) };
        let what = PollWhat::File { path: self.template(text, Use::Words), changed };
        let condition = Condition::Poll(Box::new(PollTest { what, interval, deadline: None }));
        if role == Role::Trigger {
            self.check_without_run(&condition, text.at);
        }
        condition
    }

    /// A line that has one of the words, and none of those that say that it means nothing.
    pub(super) fn looks_like(&mut self, raw: &Short<Text, RawLooksLike>) -> Condition {
        let (outcome, tool) = match raw {
            Short::Short(outcome) => (Some(outcome), None),
            Short::Full(full) => (full.outcome.as_ref(), full.tool.as_ref()),
        };
        let error = outcome.and_then(|word| self.word(word, "what `looks_like` looks for", OUTCOMES));
        if let Some(text) = tool.filter(|text| !self.words.contains_key(text.value.trim())) {
            let known: Vec<&str> = self.words.keys().map(String::as_str).collect();
            let (near, all) = (nearest(text.value.trim(), known.iter().copied()), known.join(", "));
            let message = format!("there are no words of a tool `{}`", text.value.trim());
            let help = format!("there are those of {all}; give others in `words`");
            self.problems.error("unknown-tool", text.at, message).nearest(near).help(help);
        }
        let Some(error) = error else { return Condition::Any(Vec::new()) };
        let names = [Some(ANY), tool.map(|text| text.value.trim()).filter(|tool| *tool != ANY)];
        let tools: Vec<ToolWords> =
            names.into_iter().flatten().filter_map(|name| self.words.get(name)).cloned().collect();
        let wanted = tools.iter().flat_map(|words| if error { &words.error } else { &words.success });
        let behind = tool.map(|text| format!(" of {}", text.value.trim())).unwrap_or_default();
        let called = format!("looks_like {}{behind}", if error { "error" } else { "success" });
        let found = pattern_of(wanted).and_then(|source| self.patterns.add_called(&source, Some(called)).ok());
        let Some(found) = found else { return Condition::Any(Vec::new()) };
        let not = pattern_of(tools.iter().flat_map(|words| &words.not));
        let called = format!("words that mean nothing{behind}");
        let not = not.and_then(|source| self.patterns.add_called(&source, Some(called)).ok());
        match not {
            Some(not) => {
                Condition::All(vec![Condition::LogRegex(found), Condition::Not(Box::new(Condition::LogRegex(not)))])
            }
            None => Condition::LogRegex(found),
        }
    }

    pub(super) fn check_schedule(&mut self, at: Place, expression: &str) {
        let parsed = cronexpr::parse_crontab(expression);
        if let Err(error) = &parsed {
            let reason = error.to_string();
            let reason = reason.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
            let reason = reason.trim_start_matches([' ', '^']).split(';').next().unwrap_or_default();
            let message = format!("`{expression}` is no time table: {reason}");
            let draft = self.problems.error("bad-schedule", at, message);
            let fields: Vec<&str> = expression.split_whitespace().collect();
            match fields.as_slice() {
                [_, rest @ ..] if rest.len() == 6 => {
                    draft.help(format!("there are five fields, without seconds: `{}`", rest.join(" ")))
                }
                [_, _, _, _, _] if reason.contains("timezone") => draft.help(format!("add the time zone: `{expression} UTC`")),
                _ => draft.help("five fields and a time zone: minute, hour, day of month, month, day of week, such as `30 8 * * MON-FRI Asia/Shanghai`"),
            };
        }
        // Two leap years lie within this time, so that 29 February comes.
        let never = cronexpr::MakeTimestamp::from_millisecond(0)
            .is_ok_and(|start| parsed.is_ok_and(|table| table.find_next(start).is_err()));
        if never {
            self.problems.error(
                "never-holds",
                at,
                format!("the time table `{expression}` never comes: there is no such day"),
            );
        }
    }

    /// Takes the words of a file in, in the place of those that are known.
    pub(super) fn take_words(&mut self, raw: Option<&Named<RawWords>>) {
        for (tool, raw) in raw.iter().flat_map(|named| &named.0) {
            let lists = [&raw.error, &raw.success, &raw.not].map(|list| self.word_list(list.as_ref()));
            let known = self.words.entry(tool.value.trim().to_owned()).or_default();
            let [error, success, not] = lists;
            for (place, list) in [(&mut known.error, error), (&mut known.success, success), (&mut known.not, not)] {
                if let Some(list) = list {
                    *place = list;
                }
            }
        }
    }

    fn word_list(&mut self, list: Option<&Many<Text>>) -> Option<Vec<String>> {
        let items = &list?.items;
        for text in items {
            match compile(&part_of(text.value.trim())) {
                Ok(regex) if text.value.trim().is_empty() || matches_empty(&regex) => {
                    let message = "the pattern matches the empty text, and so every line";
                    self.problems.error("matches-empty", text.at, message);
                }
                Ok(_) => {}
                Err(error) => self.bad_regex(text, &error),
            }
        }
        Some(items.iter().map(|text| text.value.trim().to_owned()).collect())
    }
}
