//! The valid workspace.

use std::collections::BTreeMap;
use tmuxagent_model::HostName;

/// What there is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workspace {
    /// Its name; panes that are made carry it.
    pub name: String,
    /// The environment of all its sessions; values may be secrets.
    pub env: BTreeMap<String, String>,
    /// The shells of the panes that are made get tmuxagent's integration.
    pub shell_integration: bool,
    /// Its sessions, names unique per host.
    pub sessions: Vec<Session>,
}

/// A session on one host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// The configured host that it is on.
    pub host: HostName,
    /// Its name as written.
    pub name: String,
    /// Its own environment, before the workspace's.
    pub env: BTreeMap<String, String>,
    /// Its windows, names unique, at least one.
    pub windows: Vec<Window>,
}

/// A window with the panes that it is to have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    /// By it an existing window is recognised.
    pub name: String,
    /// A git worktree that its folder is to be.
    pub worktree: Option<Worktree>,
    /// A layout of tmux for its panes.
    pub layout: Option<String>,
    /// Its panes, at least one.
    pub panes: Vec<Pane>,
}

/// A git worktree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Worktree {
    /// The repository that it belongs to; absolute, or below `~`.
    pub repository: String,
    /// Where it is; absolute, or below `~`.
    pub folder: String,
    /// Its branch, made where it does not exist.
    pub branch: String,
}

/// A pane, with what is typed when it is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pane {
    /// The folder that it starts in; absolute, or below `~`.
    pub folder: String,
    /// Typed into its shell once it is open; empty: nothing.
    pub command: String,
    /// Its title; empty: what the program sets.
    pub title: String,
    /// `@tmuxagent_role`; empty: none.
    pub role: String,
    /// On which side of the pane before it it opens.
    pub split: Split,
}

/// How a pane parts from the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Split {
    /// Under the pane before it.
    #[default]
    Below,
    /// To its right.
    Right,
}
