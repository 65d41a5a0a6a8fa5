//! `auto_answers` → [`AutoAnswer`], and what its rules give away without being meant to.

use super::Reading;
use crate::auto_answer::{Allowed, AnswerLimit, AutoAnswer, CommandPattern, Width, folder_glob};
use crate::raw::{RawAnswerLimit, RawAutoAnswer};
use crate::read::{Many, Text};
use tmuxagent_yaml::Place;

/// The kinds of dialogs that rules answer, and whether that is a command.
const KINDS: &[(&str, bool)] = &[("command", true), ("edit", false)];
/// The only answer that is given.
const ANSWERS: &[(&str, ())] = &[("once", ())];

impl Reading<'_> {
    pub(super) fn auto_answer(&mut self, raw: &RawAutoAnswer, known: &[AutoAnswer]) -> AutoAnswer {
        let name = raw.name.as_ref().map(|name| self.name(name, "a rule")).unwrap_or_default();
        if let Some(first) = known.iter().find(|rule| rule.name == name) {
            let message = format!("the rule `{name}` is defined twice: here and at {}", first.place);
            self.problems.error("duplicate-rule", raw.at, message).help("give one of them another name");
        }
        if let Some(answer) = &raw.answer {
            self.word(answer, "answer", ANSWERS);
        }
        let is_command = raw.kind.as_ref().and_then(|kind| self.word(kind, "kind", KINDS)).unwrap_or(true);
        let commands = self.commands(raw.commands.as_ref());
        let deny = self.commands(raw.deny.as_ref());
        let folder = raw.folder.as_ref().and_then(|folder| self.folder(folder));
        self.check_parts(raw, is_command);
        let rule = AutoAnswer {
            agents: raw.agents.iter().flat_map(|list| &list.items).map(|name| name.value.trim().to_owned()).collect(),
            allows: if is_command { Allowed::Commands(patterns(&commands)) } else { Allowed::Edits },
            deny: patterns(&deny),
            folder,
            panes: raw.panes.as_ref().map(|panes| self.selectors(panes)),
            limit: raw.limit.as_ref().map_or(AnswerLimit::DEFAULT, |limit| self.answer_limit(limit)),
            place: self.problems.describe(raw.at),
            name,
        };
        self.check_width(&commands);
        self.check_reach(&rule, &commands, known);
        rule
    }

    fn commands(&mut self, list: Option<&Many<Text>>) -> Vec<(Place, CommandPattern)> {
        let mut found = Vec::new();
        for text in list.iter().flat_map(|list| &list.items) {
            match CommandPattern::read(text.value.trim()) {
                Ok(pattern) => found.push((text.at, pattern)),
                Err(why) => {
                    let message = format!("`{}` is no pattern of a command: {why}", text.value);
                    let help =
                        "write one command, word by word; every command of a pipeline or chain is an item of its own";
                    self.problems.error("bad-command", text.at, message).help(help);
                }
            }
        }
        found
    }

    fn folder(&mut self, text: &Text) -> Option<regex::Regex> {
        match folder_glob(&text.value) {
            Ok(folder) => Some(folder),
            Err(why) => {
                let help = "write it as `/home/me/project`; all that lies below belongs to it";
                self.problems.error("bad-folder", text.at, why).help(help);
                None
            }
        }
    }

    /// Which keys go together.
    fn check_parts(&mut self, raw: &RawAutoAnswer, is_command: bool) {
        let none = raw.commands.as_ref().is_none_or(|list| list.blank);
        if is_command && none && raw.deny.is_none() {
            let message = "a rule for commands needs the key `commands`, or `deny`";
            self.problems.error("missing-key", raw.at, message);
        }
        if !is_command && let Some(commands) = &raw.commands {
            self.problems.error("no-commands", commands.at, "a rule for edits has no `commands`; it has a `folder`");
        }
        if !is_command && raw.folder.is_none() {
            let message = "a rule for edits needs the key `folder`: the files within it may be changed";
            self.problems.error("missing-key", raw.at, message);
        }
    }

    fn answer_limit(&mut self, raw: &RawAnswerLimit) -> AnswerLimit {
        let mut limit = AnswerLimit::DEFAULT;
        if let Some(count) = &raw.count {
            match u32::try_from(count.value).ok().filter(|count| (1..=1000).contains(count)) {
                Some(count) => limit.count = count,
                None => drop(self.problems.error("bad-number", count.at, "a limit is from 1 to 1000 answers")),
            }
        }
        if let Some(per) = &raw.per {
            if per.value.0 == 0 {
                self.problems.error("bad-duration", per.at, "this time must be longer than 0");
            }
            limit.per = per.value;
        }
        limit
    }

    /// Patterns that give away more than they seem to.
    fn check_width(&mut self, commands: &[(Place, CommandPattern)]) {
        for (at, pattern) in commands {
            let source = &pattern.source;
            match pattern.width() {
                Width::Named => {}
                Width::Everything => {
                    let message =
                        format!("`{source}` allows everything: whatever stands for its `*` or its input is run");
                    let help = "name the program and what it runs, as in `cargo test *` or `python -m pytest *`";
                    self.problems.error("allows-everything", *at, message).help(help);
                }
                Width::Wrapped => {
                    let message = format!("`{source}` runs another program, of whose options nothing is known here");
                    let help =
                        "allow the program by itself where you can; without `*` only these very words are allowed";
                    self.problems.warning("runs-another", *at, message).help(help);
                }
                Width::Subcommands => {
                    let program = pattern.program().unwrap_or_default();
                    let message = format!(
                        "`{source}` allows every subcommand of `{program}`, also those that delete, send or run"
                    );
                    let help =
                        format!("name each, as in `{program} status`; without `*` only these very words are allowed");
                    self.problems.warning("every-subcommand", *at, message).help(help);
                }
            }
        }
    }

    /// Rules and patterns that never decide anything.
    fn check_reach(&mut self, rule: &AutoAnswer, commands: &[(Place, CommandPattern)], known: &[AutoAnswer]) {
        let denied = |pattern: &CommandPattern| {
            let all = known.iter().chain([rule]).flat_map(|rule| &rule.deny);
            all.into_iter().any(|deny| deny.covers(pattern))
        };
        let taken = |pattern: &CommandPattern| {
            known.iter().find(|earlier| {
                let wide = earlier.agents.is_empty() && earlier.panes.is_none() && earlier.folder.is_none();
                wide && matches!(&earlier.allows, Allowed::Commands(list) if list.iter().any(|it| it.width() != Width::Everything && it.covers(pattern)))
            })
        };
        for (at, pattern) in commands {
            let source = &pattern.source;
            if denied(pattern) {
                let message = format!("`{source}` never matches: a `deny` takes away all of it");
                self.problems.warning("unreachable-rule", *at, message).help("take one of them out");
            } else if let Some(earlier) = taken(pattern) {
                let message = format!("`{source}` never decides: the rule `{}` answers all of it before", earlier.name);
                self.problems.warning("unreachable-rule", *at, message).help("take one of them out");
            }
        }
    }
}

fn patterns(found: &[(Place, CommandPattern)]) -> Vec<CommandPattern> {
    found.iter().map(|(_, pattern)| pattern.clone()).collect()
}
