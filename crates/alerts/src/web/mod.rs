//! The web server: signed links that a phone opens.
//!
//! `/healthz` answers `{"ok":true}`. `/a/TOKEN` shows one question; only a POST from that very page decides it. Both are
//! also served below the path of the public address, for proxies that leave it there.
//!
//! **Invariants:** GET and HEAD change nothing, since chat programs and mail scanners fetch links. No token stands in a
//! log, an error or the journal. Nothing of a page comes from elsewhere and nothing in it runs. A page speaks only of a
//! link that is genuine, known, open and about the question as it stands now. Nobody can keep a genuine link from being
//! used: only what fails the signature is counted, and whoever comes gets a connection. Refusals fill no journal. A page names no path of its own,
//! so that it works wherever a proxy puts it.

mod book;
mod caller;
mod form;
mod keyring;
mod limit;
mod page;
mod places;
mod refusals;
mod router;
mod serve;

pub use book::{FileBook, LinkBook, Links};
pub use keyring::{load_or_create, rotate};
pub use router::{Rules, WebState, router};
pub use serve::{Server, serve};

#[cfg(test)]
mod tests;
