//! The panel: pages and an interface for people in a browser, and for their scripts, beside the pages of links.
//!
//! - `people`: who may come in, and as what. `gate`: who a request is of. `join`: the page of an invitation.
//! - `picture`: what is shown, as documents. `sight`: the requests for them. `screen`: a pane's screen. `live`: what changes,
//!   as it happens. `wishes`: decisions and stages run again. `routes`: what is served where, as `assets/openapi.json` says.
//! - `page`: the page itself, of `assets/panel`, and its `words`.
//!
//! **Invariants:** GET and HEAD change nothing. Whoever acts is a person by name, with a token that holds now; where a
//! browser carries it by a cookie, a POST also takes what only a page of ours can read. What may be decided, and by whom,
//! is the supervisor's to say, as for every other surface. No token stands in a log, an error or the journal.

// `pub` means: for other crates.
#![warn(unreachable_pub)]

mod answer;
mod gate;
mod join;
mod live;
mod page;
pub mod people;
mod picture;
mod routes;
mod screen;
mod sight;
mod wishes;
mod words;

pub use routes::{Panel, Routes, routes};

#[cfg(test)]
mod tests;
