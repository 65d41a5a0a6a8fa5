//! The socket between the supervisor and its views: one protocol for the main screen, the popup and the command line.
//!
//! - [`wire`]: the frames. - [`lock`]: who is the supervisor. - [`server`]: connections, each its own task, so that a
//!   view that stops reading delays nobody. - [`client`]: a view's end.
//!
//! **Invariants:** only the supervisor's own user gets in; nothing here decides anything, requests go to the one loop
//! as [`server::Call`]s; what a view shows is always a whole snapshot, and the newest wins.

pub mod client;
pub mod lock;
pub mod server;
pub mod wire;

#[cfg(test)]
mod tests;
