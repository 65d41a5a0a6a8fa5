//! The socket between the supervisor and its views: one protocol for the main screen, the popup and the command line.

pub mod wire;
