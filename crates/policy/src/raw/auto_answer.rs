//! `auto_answers` as it is written.

use super::RawSelectors;
use crate::read::{Many, Number, Span, Text, raw_map};

raw_map! {
    /// A rule by which an agent's dialog is answered with its own "yes, this once", without asking a person. What no rule names is asked.
    RawAutoAnswer, "a rule of `auto_answers`", required ["name"], any [], {
        /// Its name, unique over all files; it stands in the journal with each of its answers.
        "name" => name: Text,
        /// The agents that it is for (`codex`, `claude`, …); any when left out.
        "agents" => agents: Many<Text>,
        /// What the dialog asks for: `command` (the default) or `edit`.
        "kind" => kind: Text,
        /// The commands that may run, word by word. `git status` is that and nothing more; a `*` at the end stands for any further words (`cargo test *`), `*` within a word for any letters but `/`. Every command of a pipeline or chain has to match one of them.
        "commands" => commands: Many<Text>,
        /// Commands that no rule answers, this one or another, whatever else matches.
        "deny" => deny: Many<Text>,
        /// The folder, from `/` on, within which it holds: where a command runs, or where the file lies that is changed. `*` stands for a part of one name, `**` for any folders.
        "folder" => folder: Text,
        /// The panes that it is for, as in `match`.
        "panes" => panes: RawSelectors,
        /// How often it answers in one pane; 60 times an hour when left out. Over it a person is asked.
        "limit" => limit: RawAnswerLimit,
        /// The answer that is given: `once`, the only one there is.
        "answer" => answer: Text,
    }
}

raw_map! {
    /// How often a rule answers.
    RawAnswerLimit, "`limit`", required ["count", "per"], any [], {
        /// At most so often, from 1 to 1000.
        "count" => count: Number,
        /// Within so long.
        "per" => per: Span,
    }
}
