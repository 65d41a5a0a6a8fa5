//! The supervisor: one process that watches, decides by policy, and acts.
//!
//! - `dispatch`: the one loop around the heart, which decides what is done (`tmuxagent_core`). `calls`: requests of views.
//!   `reload`: new files. `ending`: the end of the loop.
//! - `collectors`: those of the watched hosts. `reach`: how hosts are reached. `perform`, `shell`, `poll`: effects beside the
//!   panes.
//! - `alerting`: routes of alerts, and the `services` for who is not there: request files, links, channels, which decide
//!   through the `decisions`; `approval_files` and `approval_watch`: decisions by file.
//! - `tape`: recordings. `maintain`: backups and what is too old. `lifetime`: the clock of this life. `files`, `watcher`:
//!   noticing changed files. `jump`: showing a pane in tmux. `notify_socket`: what the init system is told.
//!
//! **Invariants:** no effect is performed before its intent is committed; a part that fails does so alone, is shown,
//! and is tried again; nothing here draws or knows a terminal.

mod alerting;
mod approval_files;
mod approval_watch;
mod audit;
mod calls;
mod codex;
mod collectors;
mod decisions;
mod descriptors;
mod dispatch;
mod ending;
mod files;
mod identities;
pub mod jump;
mod lifetime;
mod maintain;
pub mod notify_socket;
mod open_files;
mod opencode;
mod perform;
mod poll;
mod reach;
mod recognisers;
mod reload;
mod services;
mod shell;
mod start;
mod tape;
mod watcher;

pub use codex::{Held as CodexHeld, held_at as codex_held_at};
pub use reach::{socket_path, transport};
pub use recognisers::recognisers;
pub use start::{Running, Start, StartError, start, user_name};
