//! The one loop: events in, state and effects out.

mod approval_files;
mod board;
mod poll;
mod shell;

pub use approval_files::{ApprovalFiles, FileNews, run as watch_approval_files};
pub use board::{Board, Live, Shown};
pub use poll::ask;
pub use shell::{Reach, perform, quoted};
