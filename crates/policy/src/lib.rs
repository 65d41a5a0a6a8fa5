//! Policies: raw YAML → one validated [`Policy`], matched against panes and lines in one pass.
//!
//! The way of a policy: `Source` → nodes with places (the crate `yaml`) → raw types (`read`, `raw`) → core types
//! (`validate`) → warnings about the whole (`lint`). Every problem of every file is told at once (`Diagnostics`).
//!
//! **Invariant:** pure; files are read by `config` and handed in as texts with their names.

// `pub` means: for other crates.
#![warn(unreachable_pub)]
// Tests read their fixtures.
#![cfg_attr(test, allow(clippy::disallowed_methods, clippy::disallowed_types))]

mod agent;
mod auto_answer;
mod bundled;
mod check;
mod duration;
mod expand;
mod flow;
mod guard;
mod init;
mod json_schema;
mod lint;
mod matcher;
mod pattern;
mod plain;
mod policy;
mod poll;
mod raw;
mod read;
mod reference;
mod shell;
mod show;
mod template;
mod validate;
mod words;

pub use self::policy::{
    Action, Backoff, Condition, Defaults, Expiry, FailStep, Gate, MessageTest, Pattern, PatternId, Pipeline, Policy,
    RetrySpec, Selector, Stage, Stopping, TextTemplate, TextTest, key_steps,
};
pub use agent::AgentWord;
pub use auto_answer::{Allowed, AnswerLimit, Asked, AutoAnswer, Class, CommandPattern, Part, Trace, class_of};
pub use bundled::{BUNDLED, RECIPES};
pub use check::{Report, check};
pub use flow::{Concurrency, Elsewhere, Input, InputKind, Loop, Make, NamedPane, Needs, OnBusy, OnFailure, Parallel};
pub use guard::{Guard, StageEnd, Wanted};
pub use init::{Draft, InitError, PROJECT_FILES, ProjectFacts, WORKFLOW_FOLDER, init, update};
pub use json_schema::schema;
pub use matcher::{RuleSet, names_program};
pub use poll::{CiCommit, CiService, CiTest, PollTest, PollWhat};
pub use reference::{SECTIONS, Section, reference};
pub use show::{ShownFile, ShownLine, expanded};
pub use template::{Lookup, Quoting, SHELL_OUTPUT, StageValue, bind, fill, show, stage_value, type_out};
pub use tmuxagent_yaml::{Diagnostics, Source};
pub use validate::{analyse, input_values, load};
pub use words::{ToolWords, Words, bundled_words};
