//! The panel: pages and an interface for people in a browser, and for their scripts, beside the pages of links.
//!
//! - `people`: who may come in, and as what. `gate`: who a request is of. `join`: the page of an invitation.
//! - `picture`: what is shown, as documents. `sight`: the requests for them. `screen`: a pane's screen, `colours`: how it
//!   looks. `past`: runs that ended, and the report. `live`: what changes, as it happens. `push`: what browsers are told that
//!   are not open.
//! - `wishes`: decisions and stages run again. `start`: a pipeline started by hand. `typing`: a text for a pane. `messages`: a
//!   script's message to channels. `pace`: how much of that one person may ask for. `routes`: what is served where, as
//!   `assets/openapi.json` says.
//! - `page`: the page itself, of `assets/panel`, and its `words`.
//!
//! **Invariants:** GET and HEAD change nothing. Whoever acts is a person by name, with a token that holds now; where a
//! browser carries it by a cookie, a POST also takes what only a page of ours can read. What may be decided, and by whom,
//! is the supervisor's to say, as for every other surface. No token stands in a log, an error or the journal.

// `pub` means: for other crates.
#![warn(unreachable_pub)]

mod answer;
mod colours;
mod gate;
mod join;
mod live;
mod messages;
mod pace;
mod page;
mod past;
pub mod people;
mod picture;
pub mod push;
mod routes;
mod screen;
mod sight;
mod start;
mod typing;
mod wishes;
mod words;

pub use messages::{Letter, Post};
pub use routes::{Panel, PanelState, Routes, routes};

#[cfg(test)]
mod tests;
