//! Policies: raw YAML → one validated [`Policy`], matched against panes and lines in one pass.
//!
//! **Invariant:** pure; files are read by `config` and handed in as texts with their names.

mod core;
mod matcher;

pub use core::{
    Action, Backoff, Concurrency, Condition, Defaults, Expiry, FailStep, Gate, MessageTest, Pattern, PatternId,
    Pipeline, Policy, PollTest, PollWhat, RetrySpec, Selector, Stage, TextTemplate, TextTest, key_steps,
};
pub use matcher::RuleSet;
