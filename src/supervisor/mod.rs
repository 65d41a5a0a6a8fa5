//! The one loop: events in, state and effects out.

mod poll;
mod shell;

pub use poll::ask;
pub use shell::{Reach, perform};
