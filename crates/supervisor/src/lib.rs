//! The supervisor: one process that watches, decides by policy, and acts.
//!
//! - `dispatch`: the one loop; everything that happens becomes an event there, in one order.
//! - `board`: what is known beside the engine's state. `hosts`: the collectors and what waits to be typed. `reach`: how they are
//!   reached.
//! - `perform`, `shell`, `poll`: effects beside the panes. `calls`: requests of views. `reload`: new files.
//! - `away`: routes of alerts, and the `services` for who is not there: request files, links, channels, which decide
//!   through the `desk`; `approval_files` and `approval_watch`: decisions by file. `round`, `ending`: what one commit holds,
//!   and the last one.
//! - `claims`: servers on which another supervisor types.
//! - `tape`: recordings. `secrets`: what is kept, without them. `maintain`: backups and what is too old. `lifetime`: the
//!   clock of this life. `files`, `watcher`: noticing changed files. `jump`: showing a pane in tmux.
//!
//! **Invariants:** no effect is performed before its intent is committed; a part that fails does so alone, is shown,
//! and is tried again; nothing here draws or knows a terminal.

mod approval_files;
mod approval_watch;
mod away;
mod board;
mod calls;
mod claims;
mod descriptors;
mod desk;
mod dispatch;
mod ending;
mod files;
mod hosts;
pub mod jump;
mod lifetime;
mod maintain;
mod observed;
mod perform;
mod poll;
mod reach;
mod recovery;
mod reload;
mod round;
mod secrets;
mod services;
mod shell;
mod start;
mod tape;
mod watcher;

pub use reach::transport;
pub use start::{Running, Start, StartError, start};
