//! The web server: signed links that a phone opens.
//!
//! `/healthz` answers `{"ok":true}`. `/a/TOKEN` shows one question; only a POST from that very page decides it. Both are
//! also served below the path of the public address, for proxies that leave it there. Other pages, such as those of the
//! panel, stand beside them under the same rules.
//!
//! **Invariants:** GET and HEAD change nothing, since chat programs and mail scanners fetch links. No token stands in a
//! log, an error or the journal. Nothing of a page comes from elsewhere and nothing in it runs. A page speaks only of a
//! link that is genuine, known and about the question as it stands now: one that is closed it only tells of, and takes its yes back
//! as long as that is possible. Nobody can keep a genuine link from being
//! used: only what fails the signature is counted, and whoever comes gets a connection. Refusals fill no journal. A page names no path of its own,
//! so that it works wherever a proxy puts it.

mod book;
mod caller;
mod form;
mod keyring;
mod limit;
pub mod page;
mod places;
mod refusals;
mod router;
mod serve;
mod stands;
mod state;

pub use book::{FileBook, LinkBook, Links};
pub use caller::{COOKIE, Caller, Sender};
pub use form::{Form, Mistake};
pub use keyring::{load_or_create, rotate};
pub use router::{random_cookie, router, too_many};
pub use serve::{Server, serve};
pub use state::{BODY, Pin, Rules, WebState};

#[cfg(test)]
mod tests;
