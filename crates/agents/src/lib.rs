//! What an agent in a pane is doing: recognisers as data, evidence weighed. Pure.
//!
//! A [`Recogniser`] is one YAML file for one agent: how its process is known, where its input line stands, which dialogs
//! it shows, what stands beside its input line in which state. [`recognise()`] reads a screen with it, [`AgentCore`] weighs
//! what all sources say of one pane, [`identify`] tells from the process tree which agent runs at all.
//!
//! **Invariants:** no agent without its process, whatever is printed. Nothing that a user or a model wrote decides: the
//! conversation, titles and what stands in the input line are never matched, only places that the program itself draws,
//! and these are found by their shape. A dialog counts only where the input line is gone and the dialog is the last thing on
//! the screen; half of one is none.

#![warn(unreachable_pub)]
// Tests read their fixtures.
#![cfg_attr(test, allow(clippy::disallowed_methods, clippy::disallowed_types))]

mod answers;
mod claude_session;
pub mod codex_server;
mod composer;
mod dialog;
mod expected;
mod fusion;
pub mod hooks;
pub mod opencode_server;
mod process;
mod read;
mod recognise;
mod recogniser;
mod report;
mod request;
mod screen;
#[cfg(test)]
mod tests;
mod threads;
mod turn;
#[cfg(test)]
mod turn_tests;

pub use claude_session::{SessionState, VendorState, claude_session};
pub use composer::Composer;
pub use dialog::fingerprint;
pub use expected::Expected;
pub use fusion::{AgentCore, Input, Limits, Output, Readiness};
pub use process::{AgentProcess, Process, ancestor, identify};
pub use read::{BUNDLED, Known, bundled, known, read};
pub use recognise::{Seen, recognise};
pub use recogniser::{Recogniser, Turn};
pub use report::Report;
pub use request::{is_shown, only_request};
pub use screen::{Look, Row, Screen};
pub use threads::{ThreadTold, Threads};
pub use turn::Ending;
