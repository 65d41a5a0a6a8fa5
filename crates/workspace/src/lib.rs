//! Workspaces: a YAML file says which sessions, windows and panes there are to be, on this machine and on others.
//!
//! `read_workspace` makes the valid [`Workspace`] of a file, `look` finds out what exists, `plan` compares the two and gives
//! the steps, `take_steps` takes them; `write` makes a file of what exists.
//!
//! **Invariants:** what exists is left as it is, differences are only told; `down` closes nothing but panes that carry
//! this workspace's mark ([`MARK`]); values of the environment never stand on a command line, where other users could
//! read them, unless tmux is too old to read commands from its input.

// `pub` means: for other crates.
#![warn(unreachable_pub)]

mod look;
mod plan;
mod read_workspace;
mod shells;
mod take_steps;
#[cfg(test)]
mod tests;
mod workspace;
mod write;

pub use self::workspace::{Pane, Session, Split, Window, Workspace, Worktree};
pub use look::{Failed, Found, FoundPane, Look, look};
pub use plan::{Difference, Plan, Step, What, down, up};
pub use read_workspace::{Known, read};
pub use take_steps::{obstacle, perform};
pub use write::write;

/// The pane option that names the workspace by which a pane was made.
pub const MARK: &str = "@tmuxagent_workspace";

/// The workspace that comes along: the windows that the bundled policies match.
pub const EXAMPLE: &str = include_str!("../../../assets/workspace.yaml");

/// A session's name as tmux keeps it: `:` and `.` part targets, so it writes `_` for them.
#[must_use]
pub(crate) fn kept_name(name: &str) -> String {
    name.replace([':', '.'], "_")
}
