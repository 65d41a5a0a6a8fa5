//! Metrics: what is counted, in the text that Prometheus reads.
//!
//! - `tally`: what happened since the start, counted from the journal's lines. `exposition`: it and the present picture as
//!   text. `serve`: where that is fetched.
//!
//! **Invariants:** a label's values are bounded: states and outcomes, and the names that the configuration gives. Nothing
//! that a pane, a policy or a person says is in any. Whoever fetches delays nothing and takes few descriptors.

// `pub` means: for other crates.
#![warn(unreachable_pub)]

mod exposition;
mod serve;
mod tally;

pub use exposition::Stored;
pub use serve::{Metrics, Server, serve};
pub use tally::{Followed, follow};
