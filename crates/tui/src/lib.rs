//! The screens.
//!
//! ```text
//! terminal ─┐
//! supervisor┼─ Msg ─→ update(&mut Model, now, Msg) ─→ [Action] ─→ run (sends, jumps, stops)
//! time ─────┘                │
//!                            └─→ view::draw(&Model) ─→ cells
//! ```
//!
//! **Invariants:** `model`, `msg`, `update`, `keymap`, `theme`, `editor`, `tail`, `view` and `picture` are pure; only
//! `run`, `events` and `term` touch the terminal, and only `run` waits. The screens know the wire types and nothing of
//! engine or store. A key decides only what the user has seen.

pub mod editor;
pub mod events;
pub mod frame;
pub mod keymap;
pub mod link;
pub mod model;
pub mod msg;
pub mod picture;
pub mod run;
pub mod sample;
pub mod tail;
pub mod term;
pub mod theme;
pub mod update;
pub mod view;

pub use keymap::Keymap;
pub use link::{ConnectError, Link};
pub use model::{Role, Setup};
pub use run::{Exit, Jumped, Options, UiError, run};
pub use theme::{TerminalHints, Theme};
