//! The supervisor's heart. What happened goes in, in one order and with its instant; a [`Round`] to commit and [`Act`]s to
//! do come out.
//!
//! ```text
//! Input ─ Core::take ─┐
//! request ─ Core::ask ├─ Engine::step ─ Core::finish ─ Round ─(commit)─ Core::written ─ Act …
//! time ─── Core::fire ┘                                    └─(failed)── Core::unwritten
//! ```
//!
//! - `core`: the order of all that, and what one step of the engine leads to. `round`: what one commit holds.
//! - `hosts`: which collector watches which host, and what waits to be typed. `observed`: what collectors tell.
//!   `claims`: servers on which another supervisor types.
//! - `requests`: what views ask. `explaining`: what an explanation is told beside the engine's. `reload`: another configuration. `recovery`: going on after a crash.
//! - `trace`: what was taken in lately, to be played back. `live_view`: what is shown beside the engine's state. `secrets`: what is not performed without its secret.
//!   `fronts`: who is in front when a stage begins. `unkept`: what is typed where a password is read. `callers`, `answering`: agents that speak, and that wait for an answer.
//!
//! **Invariants:** no I/O, no clock, no thread: whoever holds the heart does what it asks. No effect is asked for before the
//! round with its intent is written down. Whatever is asked of the world comes back once, as an [`Input`].

mod acts;
mod answering;
mod callers;
mod catch_up;
mod claims;
mod core;
mod early;
mod explaining;
mod fronts;
mod hosts;
mod live_view;
mod observed;
mod picture;
mod recovery;
mod reload;
mod reports;
mod requests;
mod round;
mod secrets;
mod trace;
mod unkept;

#[cfg(test)]
mod tests;

pub use acts::{Act, HostStart, Ticket};
pub use core::{Core, Input, Restored};
pub use hosts::Life;
pub use live_view::LiveView;
pub use reload::{Reloaded, changed_parts};
pub use requests::{Asked, committed};
pub use round::{Round, Unwritten};
pub use trace::{Replay, ReplayError, Replayed};
