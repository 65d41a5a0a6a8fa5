//! `if`: whether a stage is run when it is its turn.

use super::Named;
use crate::read::{Group, Many, Short, Text, raw_choice};

/// The value of `if` or a part of it: several keys in one map must all hold.
pub(crate) type RawGuards = Group<RawGuard>;

raw_choice! {
    /// Whether a stage is run when it is its turn. Several keys in one map must all hold; of a list one must.
    RawGuard, "a part of `if`", words [], list [AnyOf], {
        /// One of them holds.
        "any_of" => AnyOf(Many<RawGuards>),
        /// All of them hold.
        "all_of" => AllOf(Many<RawGuards>),
        /// It does not hold.
        "not" => Not(Box<RawGuards>),
        /// Values of inputs: `{env: prod}`, one of several in a list, a glob such as `release/*`, or `/regex/`. A name alone: it is neither empty nor `false`.
        "input" => Input(Short<Text, Named<Many<Text>>>),
        /// Values that a `set` or a named group of a pattern gave, written as for `input`. What has no value yet is nothing.
        "value" => Value(Short<Text, Named<Many<Text>>>),
        /// How stages of this run ended: `{test: failed}`; `succeeded`, `failed`, `skipped`, `rejected`, `cancelled`, one of several in a list.
        "stage" => Stage(Named<Many<Text>>),
        /// The exit codes of the commands that stages ran: `{test: 0}`, one of several in a list, `nonzero` for any but 0.
        "exit_code" => ExitCode(Named<Many<Text>>),
        /// A file or folder is there, on the host of the stage's pane; a relative path begins at the folder of that pane. Several in a list: one of them.
        "file_exists" => FileExists(Many<Text>),
        /// How the run ends, in `finally` alone: `succeeded`, `failed` or `cancelled`.
        "run" => Run(Many<Text>),
    }
}
