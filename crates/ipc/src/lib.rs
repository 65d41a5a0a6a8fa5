//! The socket between the supervisor and its views: one protocol for the main screen, the popup and the command line.
//!
//! - [`wire`]: the frames. - [`codec`]: frames and bytes. - [`lock`]: who is the supervisor. - [`server`]: connections, each its own task, so that a
//!   view that stops reading delays nobody. - [`seats`]: which of them are silent. - [`client`]: a view's end.
//!
//! **Invariants:** only the supervisor's own user gets in; nothing here decides anything, requests go to the one loop
//! as [`hub::Call`]s; what a view shows is always a whole snapshot, and the newest wins. A slow view costs one frame
//! of memory and, after [`hub::PATIENCE`], its connection. A bad frame is answered and ends nothing unless only such
//! frames come.

#![warn(unreachable_pub)]

pub mod client;
pub mod codec;
pub mod hub;
pub mod lock;
pub mod seats;
pub mod server;
mod session;
pub mod wire;

#[cfg(test)]
mod codec_tests;
#[cfg(test)]
mod session_tests;
#[cfg(test)]
mod tests;
