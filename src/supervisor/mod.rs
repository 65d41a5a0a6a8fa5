//! The one loop: events in, state and effects out.

mod board;
mod poll;
mod shell;

pub use board::{Board, Live, Shown};
pub use poll::ask;
pub use shell::{Reach, perform, quoted};
